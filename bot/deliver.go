package bot

import (
	"context"
	"crypto/rand"
	"time"

	"resetbot/conversation"
)

// sendTimeout bounds one call of Chat.Send.
const sendTimeout = 20 * time.Second

// deliver sees to it that the page of user's conversation is sent. One worker
// a person at the most, so that pages come in order; the worker sends whatever
// the record holds when it looks, so a page that was replaced before it was
// sent is never sent.
func (b *Bot) deliver(user conversation.User) {
	if b.claim(user) {
		b.begin(func() { b.deliverAll(user) })
	}
}

// deliverNow does the same, and returns when it is done.
func (b *Bot) deliverNow(user conversation.User) {
	if b.running.Err() == nil && b.claim(user) {
		b.deliverAll(user)
	}
}

// claim reports whether nobody delivers to user yet; a worker that does will look
// again.
func (b *Bot) claim(user conversation.User) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, busy := b.delivering[user]
	b.delivering[user] = busy
	return !busy
}

func (b *Bot) deliverAll(user conversation.User) {
	for {
		b.deliverOne(user)
		b.mu.Lock()
		again := b.delivering[user]
		if !again || b.stopped {
			delete(b.delivering, user)
			b.mu.Unlock()
			return
		}
		b.delivering[user] = false
		b.mu.Unlock()
	}
}

func (b *Bot) deliverOne(user conversation.User) {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	c, err := b.Store.Conversation(ctx, user)
	if err != nil {
		b.Log.Error("reading a page that is to be delivered", "chat", user.Chat, "error", err)
		return
	}
	chat := b.Chats[user.Chat]
	again := c.Page.Attempts > 0
	if c.ID == "" || c.Page.Delivered || again && b.Now().Before(c.Page.Retry) || chat == nil {
		return
	}
	out := Outgoing{User: user, Address: c.Address, Locale: c.Locale, State: c.State, Page: c.Page, Before: c.Sent}
	if m := c.Page.Media; m != nil && m.Kind == conversation.MediaCaptcha {
		b.riddle(&out, *m)
	}
	if m := c.Page.Media; m != nil && m.Kind == conversation.MediaQR && c.Page.Entry == nil {
		if out.App, err = b.appKey(c.Page); err != nil {
			b.Log.Error("showing an authenticator's key", "error", err)
		}
	}
	if c.Page.Entry == nil {
		out.Suggested = b.suggest(c)
	}
	if out.Link, err = b.link(c); err != nil {
		b.Log.Error("making the link of a one-time page", "error", err)
	}
	if out.SoundLink, err = b.soundLink(c); err != nil {
		b.Log.Error("making the link of a sound", "error", err)
	}
	sent, err := send(ctx, chat, out)
	if err != nil {
		b.Log.Warn("sending a page", "chat", user.Chat, "page", c.Page.ID, "error", err)
		sent.Result = conversation.Later
	}
	b.Metrics.sent(user.Chat, sent.Result)
	in := conversation.Input{
		Kind:      conversation.Shown,
		Delivered: &conversation.Delivery{Version: c.Page.Version, Result: sent.Result, Note: sent.Note},
	}
	if err := b.update(ctx, user, in, conversation.Secret{}); err != nil {
		b.Log.Error("noting that a page was delivered", "chat", user.Chat, "error", err)
	}
}

// suggest thinks of a password for the page that asks for a new one.
func (b *Bot) suggest(c conversation.Conversation) conversation.Secret {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails (Go 1.24)
	return b.Wizard.Suggest(c, seed)
}

// send has a chat deliver a page. One that panics may do better later.
func send(ctx context.Context, chat Chat, out Outgoing) (sent Sent, err error) {
	err = guard(func() (err error) { sent, err = chat.Send(ctx, out); return err })
	return sent, err
}

// riddle adds the captcha of a page: its picture, and its sound if it was asked
// for. What cannot be made is left out, and the page offers another.
func (b *Bot) riddle(out *Outgoing, m conversation.Media) {
	keys := b.Wizard.Keys
	err := guard(func() (err error) {
		out.Picture, err = b.Painter.Paint(keys.CaptchaAnswer(m.ID), keys.CaptchaSeed(m.ID))
		return err
	})
	if err != nil {
		b.Log.Error("drawing a captcha", "error", err)
	}
	if !m.Sound {
		return
	}
	err = guard(func() (err error) {
		out.Sound, err = b.Painter.Speak(keys.CaptchaAnswer(m.ID), keys.CaptchaSoundSeed(m.ID), out.Locale)
		return err
	})
	if err != nil {
		b.Log.Error("saying a captcha", "error", err)
	}
}
