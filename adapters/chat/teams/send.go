package teams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"resetbot/bot"
	"resetbot/conversation"
)

// note is what is remembered of the card that a person was sent last
// (bot.Sent.Note): what it takes to find it again, and to show it without what can
// be pressed.
type note struct {
	ID    string             `json:"i"`           // the platform's
	Token string             `json:"t,omitempty"` // of its page
	State conversation.State `json:"s,omitempty"`
	Page  conversation.Page  `json:"p"`
}

// noteOf remembers a page that was sent under id: no field, no picture, no link.
func noteOf(id string, m bot.Outgoing) (string, error) {
	p := m.Page
	text, err := json.Marshal(note{ID: id, Token: p.Token, State: m.State, Page: conversation.Page{
		ID: p.ID, Args: p.Args, Crumb: p.Crumb, Receipt: p.Receipt, Offers: p.Offers,
	}})
	if err != nil {
		return "", fmt.Errorf("noting what was sent: %w", err)
	}
	return string(text), nil
}

// passing are pages that go by themselves within moments: the card that comes
// after takes their place.
var passing = map[conversation.MessageID]bool{
	conversation.WaitFind: true, conversation.WaitCheck: true, conversation.WaitEnrol: true,
}

// Send shows a page as a card: in the place of the card before it where that is
// the same page again, or one that goes by itself, and nothing was said below it
// since; else as a new one, and the card before it loses what could be pressed.
func (t *Teams) Send(ctx context.Context, m bot.Outgoing) (bot.Sent, error) {
	var to reference
	if err := json.Unmarshal([]byte(m.Address), &to); err != nil || to.Conversation == "" {
		return bot.Sent{Result: conversation.Undeliverable}, errors.New("sending a page: the chat it belongs to is not known")
	}
	var before note
	if m.Before != "" && json.Unmarshal([]byte(m.Before), &before) != nil {
		before = note{} // of another version: its buttons are dead, and stay
	}
	msg := t.message(m)
	chosen := t.lately.chosen(m.User, before.ID)
	id, err := t.place(ctx, to, m, before, msg)
	if err != nil {
		return t.unsent(err)
	}
	sent := bot.Sent{Result: conversation.Delivered}
	if m.Page.Token == "" { // said from memory: the page that the record holds is still on
		return sent, nil
	}
	if sent.Note, err = noteOf(id, m); err != nil {
		return sent, err
	}
	if before.ID != "" && before.ID != id {
		t.retire(ctx, to, m.Locale, before, chosen)
	}
	if passing[m.Page.ID] {
		_ = t.out.typing(ctx, to) // an ornament; the page says the same
	}
	return sent, nil
}

// message is a page as it leaves.
func (t *Teams) message(m bot.Outgoing) message {
	card, summary, err := t.cards.page(m, t.lately.wasOpened(m.User, m.Page.Token), t.Now())
	if err != nil { // the card can be shown all the same
		t.Log.Error("drawing a card", "page", m.Page.ID, "error", err)
	}
	return message{Card: card, Summary: summary}
}

// place puts a card into the chat, and tells under which id.
func (t *Teams) place(ctx context.Context, to reference, m bot.Outgoing, before note, msg message) (id string, err error) {
	again := m.Page.Token != "" && m.Page.Token == before.Token || passing[before.Page.ID]
	if before.ID != "" && again && t.lately.quiet(m.User, before.ID) {
		err = t.out.update(ctx, to, before.ID, msg)
		if !errors.Is(err, errGone) {
			return before.ID, t.orPlain(err, m, msg, func(plain message) error {
				return t.out.update(ctx, to, before.ID, plain)
			})
		}
	}
	id, err = t.out.send(ctx, to, msg)
	err = t.orPlain(err, m, msg, func(plain message) (err error) {
		id, err = t.out.send(ctx, to, plain)
		return err
	})
	if err == nil {
		t.lately.sent(m.User, id)
	}
	return id, err
}

// orPlain sends words alone where the card itself was refused: nobody is left
// without an answer because a card is too large for a client or a platform.
func (t *Teams) orPlain(err error, m bot.Outgoing, msg message, send func(message) error) error {
	if !errors.Is(err, errRefused) || len(msg.Card) == 0 {
		return err
	}
	t.Log.Error("a card was refused, and is sent as words", "page", m.Page.ID, "error", err)
	return send(message{Text: t.cards.plain(m, t.Now())})
}

// unsent says what becomes of a page that could not be sent.
func (t *Teams) unsent(err error) (bot.Sent, error) {
	if errors.Is(err, errNever) {
		t.Log.Info("a page has nobody to go to any more", "error", err)
		return bot.Sent{Result: conversation.Undeliverable}, nil
	}
	return bot.Sent{Result: conversation.Later}, fmt.Errorf("sending a page: %w", err)
}

// retire takes from a card what could be pressed. If it cannot be done the buttons
// stay, and explain themselves when they are pressed (AC-41).
func (t *Teams) retire(ctx context.Context, to reference, locale string, old note, chosen conversation.Choice) {
	m := bot.Outgoing{Locale: locale, State: old.State, Page: old.Page}
	card, err := t.cards.finished(m, chosen, t.Now())
	if err == nil {
		err = t.out.update(ctx, to, old.ID, message{Card: card})
	}
	if err != nil && !errors.Is(err, errGone) {
		t.Log.Info("a card keeps buttons that are over", "page", old.Page.ID, "error", err)
	}
}
