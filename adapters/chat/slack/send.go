package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// note is what is remembered of the message that a person was sent last
// (bot.Sent.Note): what it takes to find it again, to show it without what can be
// pressed, and to delete its files.
type note struct {
	Channel string             `json:"c"`
	TS      string             `json:"i"`           // the message's name in it
	Token   string             `json:"t,omitempty"` // of its page
	State   conversation.State `json:"s,omitempty"`
	Page    conversation.Page  `json:"p"`
	files
}

// noteOf remembers a page: no field, no picture, no link.
func noteOf(channel, ts string, m bot.Outgoing, f files) (string, error) {
	p := m.Page
	text, err := json.Marshal(note{Channel: channel, TS: ts, Token: p.Token, State: m.State, files: f, Page: conversation.Page{
		ID: p.ID, Args: p.Args, Crumb: p.Crumb, Receipt: p.Receipt, Offers: p.Offers, Place: p.Place,
	}})
	if err != nil {
		return "", fmt.Errorf("noting what was sent: %w", err)
	}
	return string(text), nil
}

// passing are pages that go by themselves within moments: the message that comes
// after takes their place.
var passing = map[conversation.MessageID]bool{
	conversation.WaitFind: true, conversation.WaitCheck: true, conversation.WaitEnrol: true,
}

// Send shows a page as a message: in the place of the one before it where that is the
// same page again, or one that goes by itself, and nothing was said below it since;
// else as a new one, and the one before it loses what could be pressed. A message
// whose answer is lost is not sent again here: the bot does, which may show it twice.
func (s *Slack) Send(ctx context.Context, m bot.Outgoing) (bot.Sent, error) {
	var to reference
	if err := json.Unmarshal([]byte(m.Address), &to); err != nil || to.Team == "" || to.User == "" {
		return bot.Sent{Result: conversation.Undeliverable}, errors.New("sending a page: the chat it belongs to is not known")
	}
	var before note
	if m.Before != "" && json.Unmarshal([]byte(m.Before), &before) != nil {
		before = note{} // of another version: its buttons are dead, and stay
	}
	api, err := s.teams.client(ctx, to.Team)
	if err != nil {
		return s.unsent(err)
	}
	channel, err := s.channel(ctx, api, to)
	if err != nil {
		return s.unsent(s.failed(to.Team, err))
	}
	f := s.upload(ctx, api, channel, m, before.files)
	chosen := s.lately.chosen(m.User, before.TS)
	ts, err := s.place(ctx, api, channel, m, before, f)
	if err != nil {
		s.discard(api, f, before.files)
		return s.unsent(s.failed(to.Team, err))
	}
	sent := bot.Sent{Result: conversation.Delivered}
	if m.Page.Token == "" { // said from memory: the page that the record holds is still on
		return sent, nil
	}
	s.discard(api, before.files, f)
	if sent.Note, err = noteOf(channel, ts, m, f); err != nil {
		return sent, err
	}
	s.remember(m, f)
	if before.TS != "" && before.TS != ts {
		s.retire(ctx, api, m.Locale, before, chosen)
	}
	return sent, nil
}

// channel is where somebody's direct messages with the bot are.
func (s *Slack) channel(ctx context.Context, api *slackgo.Client, to reference) (string, error) {
	if to.Channel != "" {
		return to.Channel, nil
	}
	if id, ok := s.lately.channels.get(user(to.Team, to.User)); ok {
		return id, nil
	}
	c, _, _, err := api.OpenConversationContext(ctx, &slackgo.OpenConversationParameters{Users: []string{to.User}, ReturnIM: true})
	if err != nil {
		return "", err
	}
	s.lately.channels.put(user(to.Team, to.User), c.ID)
	return c.ID, nil
}

// message is a page, or a sentence, as it leaves.
func message(blocks []slackgo.Block, text string) []slackgo.MsgOption {
	return []slackgo.MsgOption{
		slackgo.MsgOptionText(text, false), // the renderer has escaped it
		slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl(), slackgo.MsgOptionDisableMarkdown(),
		slackgo.MsgOptionBlocks(blocks...), // without any a message that is changed would keep its own
	}
}

// place puts a page into the chat, and tells the name of its message.
func (s *Slack) place(ctx context.Context, api *slackgo.Client, channel string, m bot.Outgoing, before note, f files) (ts string, err error) {
	again := m.Page.Token != "" && m.Page.Token == before.Token || passing[before.Page.ID]
	if before.TS != "" && before.Channel == channel && again && s.lately.quiet(m.User, before.TS) {
		err = s.orLess(ctx, m, f, func(o []slackgo.MsgOption) error { return s.update(ctx, api, channel, before.TS, o) })
		if err == nil || !gone[errorWord(err)] {
			return before.TS, err
		}
	}
	err = s.orLess(ctx, m, f, func(o []slackgo.MsgOption) (err error) {
		ts, err = s.post(ctx, api, channel, o)
		return err
	})
	if err == nil {
		s.lately.sent(m.User, ts)
	}
	return ts, err
}

// unfit are Slack's words for blocks that it does not take; gone those for a message
// that cannot be changed any more; never those for somebody who cannot be reached.
var (
	unfit = set("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "slack_file_not_found")
	gone  = set("message_not_found", "cant_update_message", "edit_window_closed", "is_inactive")
	never = set("channel_not_found", "user_not_found", "user_disabled", "is_archived", "not_in_channel", "cannot_dm_bot",
		"messages_tab_disabled", "account_inactive", "token_revoked", "user_not_visible")
)

// worthless are Slack's words for a token that is worth nothing any more.
var worthless = set("account_inactive", "token_revoked", "invalid_auth", "not_authed")

func set(list ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range list {
		m[w] = true
	}
	return m
}

// A file that Slack took is not at once one that a message may show: it is looked at
// first (slackapi/slack-github-action#413). Asked too early, Slack refuses the blocks.
const (
	fileSoon = 250 * time.Millisecond // then twice as long, each time
	fileLate = 2 * time.Second        // as long as that, and no longer
)

// orLess sends a page, and where its blocks are refused without its picture, and then
// as words alone: nobody is left without an answer because a page is too large, or its
// picture is not there.
func (s *Slack) orLess(ctx context.Context, m bot.Outgoing, f files, send func([]slackgo.MsgOption) error) error {
	blocks, text := s.draw(m, f)
	err := send(message(blocks, text))
	for wait := fileSoon; unfit[errorWord(err)] && f.Picture != "" && wait <= fileLate; wait *= 2 {
		if late := within(ctx, wait); late != nil {
			return late
		}
		err = send(message(blocks, text))
	}
	if unfit[errorWord(err)] && f.Picture != "" {
		s.Log.Error("the picture of a page is not shown", "page", m.Page.ID, "error", errorWord(err))
		blocks, text = s.draw(m, files{Sound: f.Sound})
		err = send(message(blocks, text))
	}
	if !unfit[errorWord(err)] {
		return err
	}
	s.Log.Error("a page was refused, and is sent as words", "page", m.Page.ID, "error", errorWord(err))
	return send(message(nil, text))
}

// draw is a page, as far as there are words for it.
func (s *Slack) draw(m bot.Outgoing, f files) ([]slackgo.Block, string) {
	blocks, text, err := s.blocks.page(m, f.Picture, f.Sound, s.Now())
	if err != nil { // it can be shown all the same
		s.Log.Error("drawing a page", "page", m.Page.ID, "error", err)
	}
	return blocks, text
}

// post sends a message when there is room for it. 429 is not sent: it is tried again
// when Slack says, if there is time for that.
func (s *Slack) post(ctx context.Context, api *slackgo.Client, channel string, o []slackgo.MsgOption) (ts string, err error) {
	err = s.paced(ctx, channel, func() (err error) {
		_, ts, err = api.PostMessageContext(ctx, channel, o...)
		return err
	})
	return ts, err
}

func (s *Slack) update(ctx context.Context, api *slackgo.Client, channel, ts string, o []slackgo.MsgOption) error {
	return s.paced(ctx, "", func() error {
		_, _, _, err := api.UpdateMessageContext(ctx, channel, ts, o...)
		return err
	})
}

// errorWord is Slack's own word for what went wrong; empty where there is none.
func errorWord(err error) string {
	var no slackgo.SlackErrorResponse
	if errors.As(err, &no) {
		return no.Err
	}
	return ""
}

// failed is err without what it may hold of an address: a transport's error has the
// whole URL of the request. A token that is worth nothing any more is forgotten.
func (s *Slack) failed(team string, err error) error {
	var broken *url.Error
	if errors.As(err, &broken) {
		err = fmt.Errorf("reaching Slack: %w", broken.Err)
	}
	if worthless[errorWord(err)] {
		s.teams.forgetClient(team)
	}
	return err
}

// unsent says what becomes of a page that could not be sent.
func (s *Slack) unsent(err error) (bot.Sent, error) {
	if never[errorWord(err)] || errors.Is(err, errNotInstalled) {
		s.Log.Info("a page has nobody to go to any more", "error", err)
		return bot.Sent{Result: conversation.Undeliverable}, nil
	}
	return bot.Sent{Result: conversation.Later}, fmt.Errorf("sending a page: %w", err)
}

// retire takes from a message what could be pressed. If it cannot be done the buttons
// stay, and explain themselves when they are pressed (AC-41).
func (s *Slack) retire(ctx context.Context, api *slackgo.Client, locale string, old note, chosen conversation.Choice) {
	m := bot.Outgoing{Locale: locale, State: old.State, Page: old.Page}
	blocks, text, err := s.blocks.finished(m, chosen, s.Now())
	if err == nil {
		err = s.update(ctx, api, old.Channel, old.TS, message(blocks, text))
	}
	if err != nil && !gone[errorWord(err)] {
		s.Log.Info("a message keeps buttons that are over", "page", old.Page.ID, "error", err)
	}
}

// behind does something behind the answer to Slack, once.
func (s *Slack) behind(what string, f func(context.Context) error) {
	s.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*callFor)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				s.Log.Error(what, "error", panicked(p))
			}
		}()
		if err := f(ctx); err != nil {
			s.Log.Warn(what, "error", s.failed("", err))
		}
	})
}

// say sends a sentence that belongs to no page into a direct message. It is sent
// once, and lost if it cannot be.
func (s *Slack) say(to reference, locale string, p words.Phrase) {
	text := s.phrase(locale, p)
	s.behind("saying a sentence", func(ctx context.Context) error {
		api, err := s.teams.client(ctx, to.Team)
		if err != nil {
			return err
		}
		channel, err := s.channel(ctx, api, to)
		if err != nil {
			return err
		}
		_, err = s.post(ctx, api, channel, message(nil, text))
		return err
	})
}

// whisper says a sentence to one person where others read along.
func (s *Slack) whisper(to reference, p words.Phrase) {
	text := s.phrase(s.language("", s.teams.workspace(to.Team)), p)
	s.behind("saying a sentence", func(ctx context.Context) error {
		api, err := s.teams.client(ctx, to.Team)
		if err != nil {
			return err
		}
		_, err = api.PostEphemeralContext(ctx, to.Channel, to.User, message(nil, text)...)
		return err
	})
}

// respond says a sentence where somebody did something, to them alone, at the address
// that Slack gave for it.
func (s *Slack) respond(address, locale string, p words.Phrase) {
	if address == "" || !s.isSlacks(address) {
		return
	}
	body, err := json.Marshal(map[string]any{
		"response_type": "ephemeral", "replace_original": false, "text": s.phrase(locale, p),
	})
	if err != nil {
		s.Log.Error("saying a sentence", "error", err)
		return
	}
	s.behind("saying a sentence", func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return errors.New("the address of an answer is none")
		}
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		got, err := s.Client.Do(r)
		if err != nil {
			return err
		}
		_ = got.Body.Close() // nothing in it counts
		if got.StatusCode != http.StatusOK {
			return fmt.Errorf("Slack answered %d", got.StatusCode)
		}
		return nil
	})
}

// isSlacks reports whether an address is one of Slack's, or of where its Web API is.
func (s *Slack) isSlacks(address string) bool {
	u, err := url.Parse(address)
	api, _ := url.Parse(s.APIURL) // New looked
	if err != nil || api == nil {
		return false
	}
	return u.Host == api.Host && u.Scheme == api.Scheme || u.Scheme == "https" && strings.HasSuffix(u.Host, ".slack.com")
}

func (s *Slack) phrase(locale string, p words.Phrase) string {
	return escape.Replace(s.Words.Phrase(locale, p, conversation.Args{}, s.Now()))
}

// retryAfter is how long Slack wants to be left alone; zero where it did not say.
func retryAfter(err error) time.Duration {
	var wait *slackgo.RateLimitedError
	if errors.As(err, &wait) {
		return max(time.Second, wait.RetryAfter)
	}
	return 0
}
