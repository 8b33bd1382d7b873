package bottest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"resetbot/bot"
	"resetbot/conversation"
)

// TestAuthenticators checks that what keeps authenticators keeps what
// [bot.Authenticators] promises. open makes one that keeps none yet.
func TestAuthenticators(t *testing.T, open func(t *testing.T) bot.Authenticators) {
	device := func(id, secret string, since int) bot.Authenticator {
		return bot.Authenticator{
			ID: id, Name: "Zoë's phone " + id, Secret: conversation.NewSecret(secret), Since: at(since),
		}
	}
	old, middle := device("1", "JBSWY3DPEHPK3PXP", 1), device("2", "GEZDGNBVGY3TQOJQ", 2)
	young := device("3", "MFRGG", 3)

	type port struct {
		*testing.T
		bot.Authenticators
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// has compares by hand: a secret refuses every other way.
	has := func(p port, account conversation.AccountID, want ...bot.Authenticator) {
		p.Helper()
		got, err := p.Enrolled(p.Context(), account)
		must(p.T, err)
		if len(got) != len(want) {
			p.Fatalf("%d authenticators, want %d", len(got), len(want))
		}
		for i, w := range want {
			g := got[i]
			if g.ID != w.ID || g.Name != w.Name || !g.Secret.Equal(w.Secret) || !g.Since.Equal(w.Since) {
				p.Errorf("%d: got %+v, want %+v (and the same secret)", i, g, w)
			}
		}
	}
	tests := []struct {
		name string
		test func(p port)
	}{
		{"nobody has one at first", func(p port) { has(p, "anna") }},
		{"the oldest comes first", func(p port) {
			for _, d := range []bot.Authenticator{middle, young, old} {
				must(p.T, p.Enrol(p.Context(), "anna", d))
			}
			has(p, "anna", old, middle, young)
		}},
		{"accounts are kept apart", func(p port) {
			must(p.T, p.Enrol(p.Context(), "anna", old))
			must(p.T, p.Enrol(p.Context(), "Anna", middle))
			has(p, "anna", old)
			has(p, "Anna", middle)
			has(p, "piet")
		}},
		{"one with the same id is replaced", func(p port) {
			must(p.T, p.Enrol(p.Context(), "anna", old))
			must(p.T, p.Enrol(p.Context(), "anna", middle))
			again := device(old.ID, "KRSXG5A", 9)
			must(p.T, p.Enrol(p.Context(), "anna", again))
			has(p, "anna", middle, again)
		}},
		{"one is taken away, and only that", func(p port) {
			must(p.T, p.Enrol(p.Context(), "anna", old))
			must(p.T, p.Enrol(p.Context(), "anna", middle))
			must(p.T, p.Enrol(p.Context(), "piet", old))
			must(p.T, p.Remove(p.Context(), "anna", old.ID))
			has(p, "anna", middle)
			has(p, "piet", old)
			must(p.T, p.Remove(p.Context(), "anna", middle.ID))
			has(p, "anna")
		}},
		{"taking away what is not there is no error", func(p port) {
			must(p.T, p.Remove(p.Context(), "anna", "1"))
			must(p.T, p.Enrol(p.Context(), "anna", old))
			must(p.T, p.Remove(p.Context(), "anna", "2"))
			has(p, "anna", old)
		}},
		{"what is given is a copy", func(p port) {
			must(p.T, p.Enrol(p.Context(), "anna", old))
			got, err := p.Enrolled(p.Context(), "anna")
			must(p.T, err)
			got[0] = young
			has(p, "anna", old)
		}},
		{"none is lost at the same time", func(p port) {
			together(20, func(i int) {
				if err := p.Enrol(p.Context(), "anna", device(fmt.Sprint(i), "MFRGG", i)); err != nil {
					p.Errorf("enrolling: %v", err)
				}
			})
			if got, err := p.Enrolled(p.Context(), "anna"); err != nil || len(got) != 20 {
				p.Errorf("%d of 20 are left, %v", len(got), err)
			}
		}},
		{"a cancelled context does nothing", func(p port) {
			must(p.T, p.Enrol(p.Context(), "anna", old))
			ctx, cancel := context.WithCancel(p.Context())
			cancel()
			_, err := p.Enrolled(ctx, "anna")
			for name, err := range map[string]error{
				"Enrolled": err,
				"Enrol":    p.Enrol(ctx, "anna", young),
				"Remove":   p.Remove(ctx, "anna", old.ID),
			} {
				if !errors.Is(err, context.Canceled) {
					p.Errorf("%s: got %v", name, err)
				}
			}
			has(p, "anna", old)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(port{t, open(t)}) })
	}
}
