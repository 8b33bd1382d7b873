package slack

import (
	"context"
	"errors"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// open answers who wants to fill a page in: with its form, or with the way to its
// one-time page. Both are views, which are for that person alone and in no history. A
// view must be asked for within three seconds of the press, so it is before the press
// is acknowledged. Who presses an old button gets the page that is on.
func (s *Slack) open(ctx context.Context, b Bot, i slackgo.InteractionCallback, p pressed, from conversation.Origin) error {
	m, ok, err := b.Form(ctx, from.User, p.Token)
	if err != nil {
		return err
	}
	if !ok {
		return b.Receive(ctx, bot.Incoming{
			Kind: conversation.Pressed, From: from, Event: "b" + i.TriggerID, Token: p.Token, Choice: conversation.PickLink,
		})
	}
	view, err := s.view(m)
	if err == nil {
		err = s.show(ctx, from, i.TriggerID, view)
	}
	if err != nil { // the page can still be answered in words, and its button pressed again
		s.Log.Warn("opening a form", "page", m.Page.ID, "error", err)
		s.respond(i.ResponseURL, from.Locale, words.Offline)
	}
	return nil
}

func (s *Slack) show(ctx context.Context, from conversation.Origin, trigger string, view slackgo.ModalViewRequest) error {
	team, _ := teamOf(from.User)
	api, err := s.teams.client(ctx, team)
	if err != nil {
		return err
	}
	_, err = api.OpenViewContext(ctx, trigger, view)
	return err
}

var errNoForm = errors.New("the page has nothing to fill in")

// view is the form of a page, or the way to its one-time page.
func (s *Slack) view(m bot.Outgoing) (slackgo.ModalViewRequest, error) {
	if m.Page.Entry != nil {
		return s.leading(m)
	}
	view, ok, err := s.blocks.modalWith(m, s.picture(m), s.Now())
	suggest(view, s.hint(m.User))
	if !ok {
		return view, errors.Join(errNoForm, err)
	}
	if err != nil {
		s.Log.Error("drawing a form", "page", m.Page.ID, "error", err)
	}
	return view, nil
}

// suggest fills in a name beforehand.
func suggest(view slackgo.ModalViewRequest, name string) {
	for _, block := range view.Blocks.BlockSet {
		in, ok := block.(*slackgo.InputBlock)
		if !ok || in.BlockID != string(conversation.FieldName) {
			continue
		}
		if field, ok := in.Element.(*slackgo.PlainTextInputBlockElement); ok {
			field.InitialValue = name
		}
	}
}

// leading is a view with the button that leads to a one-time page.
func (s *Slack) leading(m bot.Outgoing) (view slackgo.ModalViewRequest, err error) {
	blocks, _, err := s.blocks.link(m, s.Now())
	if len(blocks) == 0 {
		return view, err
	}
	say := func(p words.Phrase) *slackgo.TextBlockObject {
		text := s.Words.Phrase(m.Locale, p, conversation.Args{}, s.Now())
		if utf8.RuneCountInString(text) > titleMax {
			text = shortened(text, titleMax)
		}
		return plain(text)
	}
	return slackgo.ModalViewRequest{
		Type: slackgo.VTModal, Title: say(words.AppName), Close: say(words.FormClose), CallbackID: "link",
		Blocks: slackgo.Blocks{BlockSet: blocks},
	}, nil
}

// filled takes in a form. It closes when what was filled in is durable.
func (s *Slack) filled(ctx context.Context, b Bot, i slackgo.InteractionCallback, from conversation.Origin) error {
	p, ok := readView(i.View)
	if !ok {
		s.passOver("a form")
		return nil
	}
	m := bot.Incoming{
		Kind: conversation.Filled, From: from, Event: "v" + i.View.ID + i.View.Hash, Token: p.Token,
		Fields: map[conversation.Field]conversation.Secret{},
	}
	for f, text := range p.Fields {
		m.Fields[f] = conversation.NewSecret(s.Words.Filled(f, text))
	}
	return b.Receive(ctx, m)
}
