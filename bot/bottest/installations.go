package bottest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resetbot/bot"
	"resetbot/conversation"
)

// TestInstallations checks that what keeps installations keeps what
// [bot.Installations] promises. open makes one that keeps none yet.
func TestInstallations(t *testing.T, open func(t *testing.T) bot.Installations) {
	in := func(chat, team, token string, when int, scopes ...string) bot.Installation {
		return bot.Installation{
			Chat: chat, Team: team, Token: conversation.NewSecret(token), Scopes: scopes, When: at(when),
		}
	}
	one := in("slack", "T1", "xoxb-one", 1, "chat:write", "im:history")

	type port struct {
		*testing.T
		bot.Installations
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// has compares by hand: a secret refuses every other way.
	has := func(p port, want bot.Installation) {
		p.Helper()
		got, ok, err := p.Load(p.Context(), want.Chat, want.Team)
		must(p.T, err)
		if !ok || got.Chat != want.Chat || got.Team != want.Team || !got.When.Equal(want.When) ||
			!got.Token.Equal(want.Token) || !cmp.Equal(got.Scopes, want.Scopes) {
			p.Errorf("got %+v (%t), want %+v (and the same token)", got, ok, want)
		}
	}
	hasNot := func(p port, chat, team string) {
		p.Helper()
		got, ok, err := p.Load(p.Context(), chat, team)
		must(p.T, err)
		if ok || got.Team != "" || !got.Token.Empty() {
			p.Errorf("there is %+v of %s in %s", got, team, chat)
		}
	}
	tests := []struct {
		name string
		test func(p port)
	}{
		{"there is none at first", func(p port) { hasNot(p, "slack", "T1") }},
		{"one is kept as it is", func(p port) {
			must(p.T, p.Save(p.Context(), one))
			has(p, one)
		}},
		{"teams and chats are kept apart", func(p port) {
			two, other := in("slack", "T2", "xoxb-two", 2), in("other", "T1", "x", 3)
			must(p.T, p.Save(p.Context(), one))
			must(p.T, p.Save(p.Context(), two))
			must(p.T, p.Save(p.Context(), other))
			has(p, one)
			has(p, two)
			has(p, other)
			hasNot(p, "slack", "t1")
			hasNot(p, "slackT", "1")
		}},
		{"one that is installed again is replaced", func(p port) {
			must(p.T, p.Save(p.Context(), one))
			again := in("slack", "T1", "xoxb-again", 9)
			must(p.T, p.Save(p.Context(), again))
			has(p, again)
		}},
		{"one is forgotten, and only that", func(p port) {
			two := in("slack", "T2", "xoxb-two", 2)
			must(p.T, p.Save(p.Context(), one))
			must(p.T, p.Save(p.Context(), two))
			must(p.T, p.Forget(p.Context(), "slack", "T1"))
			hasNot(p, "slack", "T1")
			has(p, two)
		}},
		{"forgetting what is not there is no error", func(p port) {
			must(p.T, p.Forget(p.Context(), "slack", "T1"))
		}},
		{"nobody shares memory with it", func(p port) {
			mine := in("slack", "T1", "xoxb-one", 1, "chat:write")
			must(p.T, p.Save(p.Context(), mine))
			mine.Scopes[0] = "admin"
			got, _, err := p.Load(p.Context(), "slack", "T1")
			must(p.T, err)
			if got.Scopes[0] != "chat:write" {
				p.Errorf("the scopes became %v", got.Scopes)
			}
			got.Scopes[0] = "admin"
			has(p, in("slack", "T1", "xoxb-one", 1, "chat:write"))
		}},
		{"none is lost at the same time", func(p port) {
			together(20, func(i int) {
				if err := p.Save(p.Context(), in("slack", fmt.Sprint("T", i), fmt.Sprint("x", i), i)); err != nil {
					p.Errorf("saving: %v", err)
				}
			})
			for i := range 20 {
				has(p, in("slack", fmt.Sprint("T", i), fmt.Sprint("x", i), i))
			}
		}},
		{"a cancelled context does nothing", func(p port) {
			must(p.T, p.Save(p.Context(), one))
			ctx, cancel := context.WithCancel(p.Context())
			cancel()
			_, _, err := p.Load(ctx, "slack", "T1")
			for name, err := range map[string]error{
				"Load":   err,
				"Save":   p.Save(ctx, in("slack", "T1", "y", 2)),
				"Forget": p.Forget(ctx, "slack", "T1"),
			} {
				if !errors.Is(err, context.Canceled) {
					p.Errorf("%s: got %v", name, err)
				}
			}
			has(p, one)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(port{t, open(t)}) })
	}
}
