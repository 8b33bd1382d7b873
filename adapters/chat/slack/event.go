package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// handle does what was sent, by either way. answer is what it is acknowledged with;
// nil is nothing. A panic is an error of this alone.
func (s *Slack) handle(ctx context.Context, k kind, payload json.RawMessage) (answer json.RawMessage, err error) {
	b := s.receiver()
	if b == nil {
		return nil, fmt.Errorf("taking in what Slack sent: there is no bot yet")
	}
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, panicked(p)
		}
	}()
	switch k {
	case kindEvent:
		return s.event(ctx, b, payload)
	case kindCommand:
		return nil, s.command(ctx, b, payload)
	case kindInteraction:
		return nil, s.interaction(ctx, b, payload)
	}
	s.passOver("an envelope")
	return nil, nil
}

// passOver tells of what is none of ours, without a word of it.
func (s *Slack) passOver(what string) { s.Log.Info("passing over what cannot be used", "what", what) }

// event is what is read of an event of the Events API; the rest may change.
type event struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	TeamID    string `json:"team_id"`
	ID        string `json:"event_id"`
	Event     struct {
		Type        string          `json:"type"`
		Subtype     string          `json:"subtype"`
		User        json.RawMessage `json:"user"`
		UserTeam    string          `json:"user_team"`
		SourceTeam  string          `json:"source_team"`
		Bot         string          `json:"bot_id"`
		Text        string          `json:"text"`
		Channel     json.RawMessage `json:"channel"`
		ChannelType string          `json:"channel_type"`
		TS          string          `json:"ts"`
		Tab         string          `json:"tab"`
		Files       []struct{}      `json:"files"`
		Message     edition         `json:"message"`
		Previous    edition         `json:"previous_message"`
		Tokens      struct {
			Bot []string `json:"bot"`
		} `json:"tokens"`
	} `json:"event"`
}

// edition is a message before or after it was changed.
type edition struct {
	User string `json:"user"`
	Bot  string `json:"bot_id"`
	Text string `json:"text"`
}

// word reads what is a text in most events.
func word(raw json.RawMessage) (text string) {
	_ = json.Unmarshal(raw, &text) // else it is none
	return text
}

func (s *Slack) event(ctx context.Context, b Bot, payload json.RawMessage) (json.RawMessage, error) {
	var e event
	if json.Unmarshal(payload, &e) != nil {
		s.passOver("an event")
		return nil, nil
	}
	switch {
	case e.Type == "url_verification": // Slack asks whether the address is ours
		return json.Marshal(map[string]string{"challenge": cut(e.Challenge)})
	case e.Type != "event_callback":
		s.passOver("an event")
		return nil, nil
	case s.teams.workspace(e.TeamID) == nil:
		b.Rejected(ctx, Name, e.TeamID, "team")
		return nil, nil
	}
	switch e.Event.Type {
	case "message", "app_mention":
		return nil, s.message(ctx, b, e)
	case "app_home_opened":
		return nil, s.opened(ctx, b, e)
	case "user_change":
		return nil, s.changed(ctx, b, e)
	case "app_uninstalled":
		return nil, s.uninstalled(ctx, b, e.TeamID)
	case "tokens_revoked":
		if len(e.Event.Tokens.Bot) > 0 {
			return nil, s.uninstalled(ctx, b, e.TeamID)
		}
	}
	return nil, nil
}

// message takes in what was typed. Only direct messages are read: elsewhere others
// read along.
func (s *Slack) message(ctx context.Context, b Bot, e event) error {
	m := e.Event
	id := word(m.User)
	if m.Subtype == "message_changed" {
		id = m.Message.User
	}
	if id == "" || m.Bot != "" || m.Message.Bot != "" {
		return nil // a program's, ours too
	}
	to := reference{Team: e.TeamID, User: id, Channel: word(m.Channel)}
	if m.Type == "app_mention" || m.ChannelType != "im" {
		b.Rejected(ctx, Name, to.Team+"/"+id, "not_personal")
		if m.Type == "app_mention" || m.ChannelType == "mpim" {
			s.whisper(to, words.PrivateOnly)
		}
		return nil
	}
	from, ok := s.admit(ctx, b, to, cmp.Or(m.UserTeam, m.SourceTeam), s.say)
	if !ok {
		return nil
	}
	switch {
	case m.Subtype == "message_changed":
		if m.Message.Text != m.Previous.Text {
			s.say(to, from.Locale, words.Edited)
		}
		return nil
	case m.Subtype != "" && m.Subtype != "file_share":
		return nil
	case strings.TrimSpace(m.Text) == "":
		s.say(to, from.Locale, words.TextOnly)
		return nil
	}
	s.lately.spoke(from.User)
	return b.Receive(ctx, bot.Incoming{
		Kind: conversation.Said, From: from, Event: "m" + cmp.Or(m.TS, e.ID), Text: conversation.NewSecret(cut(typed(m.Text))),
	})
}

// opened shows the home tab, or greets who opens the messages for the first time.
func (s *Slack) opened(ctx context.Context, b Bot, e event) error {
	to := reference{Team: e.TeamID, User: word(e.Event.User), Channel: word(e.Event.Channel)}
	if to.User == "" {
		return nil
	}
	from, ok := s.admit(ctx, b, to, "", nil)
	if !ok {
		return nil
	}
	if e.Event.Tab != "home" {
		return b.Receive(ctx, bot.Incoming{Kind: conversation.Arrived, From: from, Event: "opened"})
	}
	s.behind("showing the home tab", func(ctx context.Context) error {
		api, err := s.teams.client(ctx, to.Team)
		if err != nil {
			return err
		}
		_, err = api.PublishViewContext(ctx, slackgo.PublishViewContextRequest{UserID: to.User, View: s.blocks.home(from.Locale)})
		return err
	})
	return nil
}

// changed ends the bindings of who is deactivated or a guest now, and forgets what was
// known of who changed.
func (s *Slack) changed(ctx context.Context, b Bot, e event) error {
	var of struct {
		ID      string `json:"id"`
		Deleted bool   `json:"deleted"`
		Guest   bool   `json:"is_restricted"`
		Narrow  bool   `json:"is_ultra_restricted"`
	}
	if json.Unmarshal(e.Event.User, &of) != nil || of.ID == "" {
		s.passOver("a change of a person")
		return nil
	}
	who := user(e.TeamID, of.ID)
	s.who.forget(who)
	if !of.Deleted && !of.Guest && !of.Narrow {
		return nil
	}
	s.Log.Info("ending the bindings of somebody who is deactivated, or a guest now")
	return b.Unbind(ctx, who)
}

// command is what is read of a slash command.
type command struct {
	TeamID   string `json:"team_id"`
	UserID   string `json:"user_id"`
	Response string `json:"response_url"`
	Trigger  string `json:"trigger_id"`
}

// command begins, or goes on, in the direct messages, wherever it was typed. It is no
// answer to the page that is on, whatever that asks: the page is shown again. What is
// typed behind it is not read: it could be a password.
func (s *Slack) command(ctx context.Context, b Bot, payload json.RawMessage) error {
	var c command
	if json.Unmarshal(payload, &c) != nil || c.UserID == "" {
		s.passOver("a command")
		return nil
	}
	if s.teams.workspace(c.TeamID) == nil {
		b.Rejected(ctx, Name, c.TeamID, "team")
		s.respond(c.Response, "", words.SlackElsewhere)
		return nil
	}
	to := reference{Team: c.TeamID, User: c.UserID}
	tell := func(_ reference, locale string, p words.Phrase) { s.respond(c.Response, locale, p) }
	from, ok := s.admit(ctx, b, to, "", tell)
	if !ok {
		return nil
	}
	s.lately.spoke(from.User)
	if err := b.Receive(ctx, bot.Incoming{
		Kind: conversation.Arrived, From: from, Event: "c" + c.Trigger, Choice: conversation.PickReset,
	}); err != nil {
		return err
	}
	s.respond(c.Response, from.Locale, words.InDirectMessages)
	return nil
}

// interaction takes in what was pressed or filled in.
func (s *Slack) interaction(ctx context.Context, b Bot, payload json.RawMessage) error {
	var i slackgo.InteractionCallback
	if json.Unmarshal(payload, &i) != nil || i.User.ID == "" {
		s.passOver("an interaction")
		return nil
	}
	if s.teams.workspace(i.Team.ID) == nil {
		b.Rejected(ctx, Name, i.Team.ID, "team")
		s.respond(i.ResponseURL, "", words.SlackElsewhere)
		return nil
	}
	to := reference{Team: i.Team.ID, User: i.User.ID}
	tell := func(_ reference, locale string, p words.Phrase) { s.respond(i.ResponseURL, locale, p) }
	from, ok := s.admit(ctx, b, to, i.User.TeamID, tell)
	if !ok {
		return nil
	}
	switch i.Type {
	case slackgo.InteractionTypeBlockActions:
		for _, a := range i.ActionCallback.BlockActions {
			if err := s.pressed(ctx, b, i, a, from); err != nil {
				return err
			}
		}
	case slackgo.InteractionTypeViewSubmission:
		return s.filled(ctx, b, i, from)
	}
	return nil
}

// pressed takes in a button. What is none of ours, and what leads to a page by
// itself, means nothing.
func (s *Slack) pressed(ctx context.Context, b Bot, i slackgo.InteractionCallback, a *slackgo.BlockAction, from conversation.Origin) error {
	p, ok := readAction(a)
	event := "b" + cmp.Or(i.TriggerID, a.ActionTs)
	switch {
	case !ok:
		return nil
	case p.Token == "": // of the home tab
		return b.Receive(ctx, bot.Incoming{
			Kind: conversation.Arrived, From: from, Event: event, Choice: conversation.PickReset,
		})
	case p.Open:
		return s.open(ctx, b, i, p, from)
	}
	s.lately.pressed(from.User, i.Container.MessageTs, p.Choice)
	return b.Receive(ctx, bot.Incoming{
		Kind: conversation.Pressed, From: from, Event: event, Token: p.Token, Choice: p.Choice,
	})
}

// cut makes what is too long one byte longer than anybody takes in, so that it
// is refused and not misread.
func cut(text string) string { return text[:min(len(text), conversation.TypedMax+1)] }

// typed is what somebody typed of what Slack made of it (docs.slack.dev, "Formatting
// message text"): addresses are put in <>, with the typed text behind a bar, and
// three characters are escaped.
func typed(text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		out.WriteString(before)
		inside, after, closed := strings.Cut(rest, ">")
		if !found {
			break
		}
		if !closed { // not Slack's: a typed one is escaped
			out.WriteString("<" + rest)
			break
		}
		link, label, labelled := strings.Cut(strings.TrimPrefix(inside, "mailto:"), "|")
		if labelled {
			link = label
		}
		out.WriteString(link)
		text = after
	}
	return unescape.Replace(out.String())
}

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
