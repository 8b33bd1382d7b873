package teams

import (
	"context"
	"encoding/json"
	"fmt"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// Invokes are answered in the body of the HTTP response, within five seconds, so
// nothing slow is done for one: what a dialog leads to is told in the chat.

// invoke answers what a client asks for at once: a dialog, or that what was
// pressed is taken in.
func (t *Teams) invoke(ctx context.Context, b Bot, a received, from conversation.Origin) ([]byte, error) {
	switch a.Name {
	case invokeFetch:
		return t.fetch(ctx, b, a, from)
	case invokeSubmit:
		return t.submit(ctx, b, a, from)
	case invokeAction:
		return t.execute(ctx, b, a, from)
	}
	return nil, errNoInvoke
}

// dataOf is the data of a button that opened or submits a dialog.
func dataOf(value json.RawMessage) (pressed, bool) {
	var of struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(value, &of) != nil {
		return pressed{}, false
	}
	p, ok := press(of.Data)
	return p, ok || p.Token != ""
}

// fetch opens the dialog of a page: its one-time page, whose address is made for
// this answer, or the form in which a password is typed unseen. Who presses an old
// button gets the page that is on.
func (t *Teams) fetch(ctx context.Context, b Bot, a received, from conversation.Origin) ([]byte, error) {
	p, ok := dataOf(a.Value)
	if !ok {
		return t.close(from.Locale, words.PageOver)
	}
	m, ok, err := b.Dialog(ctx, from.User, p.Token)
	if err != nil {
		t.Log.Error("opening a dialog", "error", err)
		return t.close(from.Locale, words.Offline)
	}
	if !ok {
		again := bot.Incoming{
			Kind: conversation.Pressed, From: from, Event: a.ID, Token: p.Token, Choice: conversation.PickLink,
		}
		if err := b.Receive(ctx, again); err != nil {
			return nil, err
		}
		return t.close(from.Locale, words.PageOver)
	}
	t.lately.opened(from.User, p.Token)
	return t.open(m)
}

// open is the answer that opens a dialog.
func (t *Teams) open(m bot.Outgoing) ([]byte, error) {
	type card struct {
		ContentType string          `json:"contentType"`
		Content     json.RawMessage `json:"content"`
	}
	type dialog struct {
		Title       string `json:"title"`
		Height      string `json:"height"`
		Width       string `json:"width"`
		URL         string `json:"url,omitempty"`
		FallbackURL string `json:"fallbackUrl,omitempty"`
		Card        *card  `json:"card,omitempty"`
	}
	d := dialog{Title: t.cards.title(m, t.Now()), Height: "large", Width: "medium"}
	switch {
	case m.Link != "":
		d.URL, d.FallbackURL = m.Link, m.Link
	case t.Masked && m.Page.AsksPassword():
		content, err := t.cards.dialog(m, m.Suggested.Reveal(), t.Now())
		if err != nil {
			return nil, fmt.Errorf("drawing a dialog: %w", err)
		}
		d.Card = &card{cardType, content}
	default:
		return t.close(m.Locale, words.PageOver)
	}
	return json.Marshal(task("continue", d))
}

// task is an answer to a dialog's invoke.
func task(kind string, value any) any {
	type answer struct {
		Type  string `json:"type"`
		Value any    `json:"value"`
	}
	return struct {
		Task answer `json:"task"`
	}{answer{kind, value}}
}

// close closes a dialog with a sentence.
func (t *Teams) close(locale string, p words.Phrase) ([]byte, error) {
	return json.Marshal(task("message", t.Words.Phrase(locale, p, conversation.Args{}, t.Now())))
}

// submit takes in what was typed into the form of a dialog. Where passwords are
// typed on the one-time page no form asks for one, and none is taken.
func (t *Teams) submit(ctx context.Context, b Bot, a received, from conversation.Origin) ([]byte, error) {
	p, ok := dataOf(a.Value)
	if !ok || !t.Masked || p.Choice != "" {
		return t.close(from.Locale, words.PageOver)
	}
	m := bot.Incoming{
		Kind: conversation.Filled, From: from, Event: a.ID, Token: p.Token,
		Fields: map[conversation.Field]conversation.Secret{},
	}
	for f, text := range p.Fields {
		if secretField(f) {
			m.Fields[f] = conversation.NewSecret(t.Words.Filled(f, cut(text)))
		}
	}
	if err := b.Receive(ctx, m); err != nil {
		return nil, err
	}
	return t.close(from.Locale, words.GoOnInChat)
}

// execute takes in a button of a card that is answered at once (Action.Execute):
// ours are not, but clients and tools send them.
func (t *Teams) execute(ctx context.Context, b Bot, a received, from conversation.Origin) ([]byte, error) {
	var of struct {
		Action struct {
			Data json.RawMessage `json:"data"`
		} `json:"action"`
	}
	phrase := words.Received
	if json.Unmarshal(a.Value, &of) != nil {
		phrase = words.PageOver
	} else if err := t.submitted(ctx, b, a, of.Action.Data, from); err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		StatusCode int    `json:"statusCode"`
		Type       string `json:"type"`
		Value      string `json:"value"`
	}{200, "application/vnd.microsoft.activity.message", t.Words.Phrase(from.Locale, phrase, conversation.Args{}, t.Now())})
}
