package bot_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// shaky parts panic, with something secret, while they are told to.
type shaky struct{ on atomic.Bool }

const thrown = "kaars-geheim-molen-739182"

func (s *shaky) shake() {
	if s.on.Load() {
		panic("broken by " + thrown)
	}
}

type shakyChat struct {
	bot.Chat
	*shaky
}

func (c shakyChat) Send(ctx context.Context, m bot.Outgoing) (bot.Sent, error) {
	c.shake()
	return c.Chat.Send(ctx, m)
}

type shakyPainter struct {
	bot.Painter
	*shaky
}

func (p shakyPainter) Paint(answer conversation.Secret, seed [32]byte) ([]byte, error) {
	p.shake()
	return p.Painter.Paint(answer, seed)
}

func (p shakyPainter) Speak(answer conversation.Secret, seed [32]byte, locale string) ([]byte, error) {
	p.shake()
	return p.Painter.Speak(answer, seed, locale)
}

type shakyDirectory struct {
	bot.Directory
	*shaky
}

func (d shakyDirectory) Find(ctx context.Context, q bot.Query) (bot.Account, bool, error) {
	d.shake()
	return d.Directory.Find(ctx, q)
}

type shakyNotifier struct {
	bot.Notifier
	*shaky
}

func (n shakyNotifier) Tell(ctx context.Context, t bot.Telling) (conversation.DeliveryResult, error) {
	n.shake()
	return n.Notifier.Tell(ctx, t)
}

type shakyLimiter struct {
	bot.Limiter
	*shaky
}

func (l shakyLimiter) Spend(
	ctx context.Context, key conversation.CounterKey, id string, limit conversation.Limit, now time.Time,
) (bool, time.Time, error) {
	l.shake()
	return l.Limiter.Spend(ctx, key, id, limit, now)
}

type shakyWords struct {
	bot.Words
	*shaky
}

func (w shakyWords) Understand(p conversation.Page, locale, text string) conversation.Input {
	w.shake()
	return w.Words.Understand(p, locale, text)
}

// A part that panics, wherever it is asked from, takes nobody with it: the program
// goes on, what was thrown is not told, and once the part is well people are where
// they were.
func TestAC25_APartThatPanicsBreaksNothingAndIsNotQuoted(t *testing.T) {
	for name, breaks := range map[string]func(c *bot.Config, s *shaky){
		"the chat":      func(c *bot.Config, s *shaky) { c.Chats["web"] = shakyChat{c.Chats["web"], s} },
		"the painter":   func(c *bot.Config, s *shaky) { c.Painter = shakyPainter{c.Painter, s} },
		"the directory": func(c *bot.Config, s *shaky) { c.Directory = shakyDirectory{c.Directory, s} },
		"a notifier": func(c *bot.Config, s *shaky) {
			through(c, func(n bot.Notifier) bot.Notifier { return shakyNotifier{n, s} })
		},
		"the limiter": func(c *bot.Config, s *shaky) {
			c.Limiter = shakyLimiter{c.Limiter, s}
			c.Budget = map[conversation.Method]bot.Budget{conversation.SMS: perHour(100)}
		},
		"the words": func(c *bot.Config, s *shaky) { c.Words = shakyWords{c.Words, s} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				broken := &shaky{}
				s := newSiege(t, onBolt, policy(manyBegin), func(_ testing.TB, _ *siege, c *bot.Config) { breaks(c, broken) })
				s.walk(nurse, "m.devries", toPassword...)
				s.walk(stranger, "z.celik", toNumber...)
				third := visitor(1)
				broken.on.Store(true)
				for _, m := range []bot.Incoming{
					said(nurse, "help"), s.filled(nurse, newPassword), said(stranger, s.fill(stranger, "z.celik", "{right}")),
					said(third, "wachtwoord vergeten"), said(third, "z.celik"),
				} {
					if err := s.send(m); err != nil && strings.Contains(err.Error(), thrown) {
						t.Errorf("an error quotes it: %v", err)
					}
				}
				s.walk(nurse, "", "! wait 1m")
				broken.on.Store(false)
				s.walk(nurse, "", "! wait 2m") // what was left undone is done
				if s.state(nurse) == conversation.Password {
					s.submit(nurse, newPassword)
				}
				s.on(nurse, conversation.Done)
				s.saw(nurse, conversation.EndReset)
				s.counted("reset", 1)
				if told := s.notified("m.devries"); told < 2 {
					t.Errorf("the owner was told %d times", told)
				}
				for _, user := range []conversation.User{stranger, third} {
					s.walk(user, "k.jansen", then([]string{"stop"}, then(toSMS, "{sms}", "stop", "! wait 31s")...)...)
				}
				if proved := s.events(string(conversation.Proved)); proved != 3 {
					t.Errorf("%d people came to the second step, want 3", proved)
				}
				if log := s.log.String(); strings.Contains(log, thrown) || !strings.Contains(log, "panic") {
					t.Errorf("the log:\n%s", log)
				}
			})
		})
	}
}

// notified is how many letters somebody got.
func (s *siege) notified(name string) (letters int) {
	for _, e := range s.entries(name) {
		if e.Kind == "mail" {
			letters++
		}
	}
	return letters
}
