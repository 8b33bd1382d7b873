package bot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	people "resetbot/adapters/directory/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

// kinds are the accounts that nobody must be able to tell from one that is not
// there, before the first proof.
var kinds = []struct {
	what, name string
	alter      func(*bot.Account) // as the directory has it
}{
	{what: "known", name: "m.devries"},
	{what: "locked by the directory", name: "s.boersma"},
	{what: "disabled", name: "f.mulder"},
	{what: "expired", name: "r.dekker"},
	{what: "privileged", name: "t.hofman.beheer"},
	{what: "without methods", name: "j.smit"},
	{what: "telephone only", name: "p.bakker"},
	{what: "app only", name: "a.visser"},
	{what: "foreign number", name: "l.vogel"},
	{what: "another nobody", name: "somebody.else"},
	{"not eligible", "z.celik", func(a *bot.Account) { a.Reason = conversation.NotEligible }},
	{"young number", "k.jansen", func(a *bot.Account) { a.MobileSince = time.Now().Add(-time.Hour) }},
	{
		"number that is never called", "k.jansen.opleiding",
		func(a *bot.Account) { a.Mobile = "0900 1234567" },
	},
}

const nobody = "nobody.here"

// script is what a stranger does; last is the page on which that ends, so that
// a script that no longer leads where it should is noticed.
type script struct {
	inputs []string
	last   conversation.MessageID
}

// on goes on with inputs that are parted by semicolons.
func on(way []string, inputs string) []string { return then(way, strings.Split(inputs, "; ")...) }

// scripts are what can be tried before the first proof.
var scripts = map[string]script{
	"text message, wrong number, to the lock": {on(toNumber, "{number}; 000001; 000002; 000003; 1; {number}; "+
		"! wait 31s; {number}; 000004; 000004; 000005; opnieuw beginnen; {captcha}"), conversation.EndLocked},
	"text message, right number, to the lock": {on(toNumber, "{right}; 000001; 000002; 000003; 1; ! wait 31s; "+
		"{right}; 000004; 000004; 000005; opnieuw; {captcha}"), conversation.EndLocked},
	"right and wrong numbers": {on(toNumber, "{number}; andere manier; ! wait 31s; 1; {right}; 000001; "+
		"andere manier; ! wait 31s; 1; {number}; 000002; 000003; 000004; 4; 000005"), conversation.EndLocked},
	"call to the lock": {on(toChoice, "2; {right}; ! wait 60s; 2; {number}; ! wait 60s; 2; {right}; ! wait 60s; "+
		"2; {right}; ! wait 60s; 2; {right}; ! wait 60s"), conversation.EndLocked},
	"call and everything that can be done with it": {on(toChoice, "2; {right}; ! hangup; ! wait 60s; 2; {right}; "+
		"! press 5; ! wait 60s; hallo; 2; {right}; ! press 9; ! wait 60s"), conversation.AskMethod},
	"notification to the lock": {on(toChoice, "3; ! wait 60s; 3; ! wait 60s; 3; ! wait 60s; 3; ! wait 60s; "+
		"3; ! wait 60s"), conversation.EndLocked},
	"notification approved wrongly": {on(toChoice, "3; ! approve 00; ! wait 20s; hallo; ! wait 40s; 3; terug; "+
		"! wait 31s; 3; ! approve 00; ! wait 60s"), conversation.AskMethod},
	"notification denied": {on(toChoice, "3; ! deny; ! wait 20s; help; ! wait 40s; 3; ! wait 60s; 1; {right}; "+
		"000001; andere manier; 4; 000002"), conversation.AskAppCode},
	"app code to the lock": {on(toChoice, "4; 000001; 000002; 000002; 000003; 4; 000004; 000005; opnieuw; "+
		"{captcha}"), conversation.EndLocked},
	"silence": {on(toNumber, "{right}; ! wait 60s; ! wait 10m; ! wait 5m"), conversation.EndExpired},
	"resend until none is left": {
		on(toNumber, "{right}; opnieuw sturen; ! wait 31s; opnieuw sturen; ! wait 31s; "+
			"opnieuw sturen; ! wait 31s; opnieuw sturen; ! wait 31s; opnieuw sturen; ! wait 31s; opnieuw sturen"),
		conversation.AskSMSCode,
	},
	"back": {
		on(toNumber, "terug; 1; {number}; terug; 4; terug; ! wait 31s; 3; terug; terug; terug"),
		conversation.AskStart,
	},
	"another name": {on(toNumber, "{number}; adres verbeteren; {other}; {captcha}; 1; {number}; "+
		"adres verbeteren; {name}; {captcha}; 4; 000001"), conversation.AskAppCode},
	"help everywhere": {on(toChoice, "help; servicedesk; english; blah; blah; nederlands; 1; help; blah blah; "+
		"{number}; help; servicedesk; blah; 12345; ik heb mijn telefoon niet bij me"), conversation.EndNoPhone},
	"numbers that cost nothing": {on(toNumber, "12; 0800 1234; 0612345600; 0612345601; 112; +1 212 555 0100; "+
		"dit is niet mijn nummer"), conversation.AskMethod},
	"unlock": {
		on(nil, "ik kan niet inloggen; 2; {name}; {captcha}; 4; 000001; 000002; 000003"),
		conversation.AskMethod,
	},
	"restarts": {on(toNumber, "! restart; {right}; ! restart; 000001; ! restart; 000002; andere manier; "+
		"! wait 31s; 3; ! restart; ! wait 60s"), conversation.AskMethod},
	"directory out of reach at the last code": {on(toCode, "000001; 000002; 000003; 4; 000004; ! fault find; "+
		"000005; ! well find"), conversation.EndLocked},
	"directory out of reach at the last notification": {on(toChoice, "3; ! wait 60s; 3; ! wait 60s; "+
		"3; ! wait 60s; 3; ! wait 60s; ! fault find; 3; ! wait 60s"), conversation.EndLocked},
	"directory out of reach at a code that is said again": {on(toCode, "! fault find; 000001; ! well find; "+
		"000001"), conversation.AskAppCode},
	"directory out of reach at sending": {
		on(toNumber, "! fault find; {right}; ! well find; 000001; 000002"),
		conversation.AskSMSCode,
	},
	"conversations until none may begin": {slices.Repeat(then(toChoice, "stop"), 6), conversation.EndBusy},
	"a code that is late":                {on(toNumber, "{right}; ! wait 5m; 000001"), conversation.AskMethod},
	"spellings": {on(nil, "reset;   RIJNZICHT\\{name} ; {captcha}; stop; reset; {name}@RIJNZICHT.example; "+
		"{captcha}; 4; 000001"), conversation.AskAppCode},
}

// walker is a stranger who tries one account.
type walker struct {
	user       conversation.User
	what, name string
}

// walkers are one for each kind, and first of all one whose account is not there.
func walkers() []walker {
	list := []walker{{visitor(0), "nobody", nobody}}
	for i, kind := range kinds {
		list = append(list, walker{visitor(i + 1), kind.what, kind.name})
	}
	return list
}

// asTheyAre makes the accounts what their kind says.
func asTheyAre(a *bot.Account) {
	for _, kind := range kinds {
		if name, _, _ := strings.Cut(a.UPN, "@"); name == kind.name && kind.alter != nil {
			kind.alter(a)
		}
	}
}

// together has all walkers do the same at the same instants.
func (s *siege) together(walkers []walker, inputs []string) {
	s.t.Helper()
	for _, input := range inputs {
		what, outside := strings.CutPrefix(input, "! ")
		verb, _, _ := strings.Cut(what, " ")
		switch {
		case !outside:
			var messages []bot.Incoming
			for _, w := range walkers {
				m := said(w.user, s.fill(w.user, w.name, input))
				if s.origin != nil {
					s.origin(&m.From)
				}
				messages = append(messages, m)
			}
			s.atOnce(messages...)
		case slices.Contains([]string{"press", "hangup", "deny", "approve"}, verb):
			for _, w := range walkers {
				s.handle(w.user, w.name, what)
			}
			s.settle()
		default:
			s.outdoors(walkers[0].user, "", what)
		}
		time.Sleep(s.patience)
		synctest.Wait()
	}
}

// alike compares what every kind of account shows with what an unknown name
// does, and with when. before is what happens first, if anything.
func alike(t *testing.T, script string, before func(*siege), changes ...setup) {
	t.Helper()
	scripts[script].alike(t, before, changes...)
}

// alike is the same, and gives what all of them show.
func (s script) alike(t *testing.T, before func(*siege), changes ...setup) (shown string) {
	t.Helper()
	inputs, last := s.inputs, s.last
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, changes...)
		s.alters(asTheyAre)
		if before != nil {
			before(s)
		}
		s.began = time.Now()
		all := walkers()
		s.together(all, inputs)
		want := s.transcript(all[0].user)
		if end := s.chat.last(all[0].user).Page.ID; end != last {
			t.Fatalf("the walk ends on %s, want %s:\n%s", end, last, want)
		}
		for _, w := range all[1:] {
			if got := s.transcript(w.user); got != want {
				t.Errorf("%s: it shows:\n%s", w.what, firstDifference(want, got))
			}
		}
		shown = want
	})
	return shown
}

// transcript is all that a stranger sees of an account: each page with its
// moment, as it is and in words, but for what is drawn anew each time.
func (s *siege) transcript(user conversation.User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, seen := range s.seen {
		if seen.page.User != user {
			continue
		}
		page := masked(seen.page)
		data, err := json.Marshal(page.Page)
		if err != nil {
			s.t.Fatal(err)
		}
		line := fmt.Sprintf("after %s in %s, %s: %s", seen.after, page.State, page.Locale, data)
		text, known := s.rendered[line] // the same words for the same page at the same moment
		if !known {
			rendered, err := s.words.Render(page.Locale, page.State, page.Page, s.began.Add(seen.after))
			if err != nil {
				s.t.Error(err)
			}
			text = rendered.String()
			s.rendered[line] = text
		}
		fmt.Fprintf(&b, "%s\n%s\n", line, text)
	}
	return b.String()
}

// masked takes out of a page what is drawn anew for each conversation, or made
// up for each account: receipt, token, captcha, the two digits.
func masked(m bot.Outgoing) bot.Outgoing {
	p := &m.Page
	p.Token, p.Receipt = "", "AAAA-2222"
	hide := func(a *conversation.Args) {
		if a.Digits != "" {
			a.Digits = "00"
		}
	}
	hide(&p.Args)
	p.Notes = slices.Clone(p.Notes)
	for i := range p.Notes {
		hide(&p.Notes[i].Args)
	}
	if p.Media != nil {
		p.Media = &conversation.Media{Kind: p.Media.Kind}
	}
	return m
}

func TestAC01_NobodyCanTellAccountsApart(t *testing.T) {
	for name := range scripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alike(t, name, nil)
		})
	}
}

// From a partner's workspace some accounts can be reset and others cannot: those are
// no more than a name that nobody has, with two digits that are made up. (So the
// number that the account really has is no right one here, as for nobody.)
func TestAC01_NobodyCanTellWhatAPartnerMayNotTouch(t *testing.T) {
	workspace := func(_ testing.TB, s *siege, _ *bot.Config) {
		s.origin = func(o *conversation.Origin) {
			o.Binds, o.Place, o.Domains = true, "T1", []string{"rijnzicht.example"}
		}
	}
	for _, name := range []string{
		"text message, wrong number, to the lock", "notification to the lock", "app code to the lock", "back",
		"another name", "spellings", "conversations until none may begin", "unlock",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alike(t, name, func(s *siege) {
				s.alters(func(a *bot.Account) {
					asTheyAre(a)
					if user, _, _ := strings.Cut(a.UPN, "@"); user == "m.devries" || user == "p.bakker" {
						a.UPN = user + "@elsewhere.example"
					}
				})
			}, workspace)
		})
	}
}

// TestAC02_NobodyCanTellAccountsApartByTheClock: whatever is slow is as slow for
// everybody. The moments are part of the transcripts.
func TestAC02_NobodyCanTellAccountsApartByTheClock(t *testing.T) {
	directory := func(_ testing.TB, s *siege, c *bot.Config) {
		s.patience = 5 * time.Second
		c.Directory = people.WithFaults(c.Directory,
			func(string) people.Fault { return people.Fault{Slow: 1600 * time.Millisecond} })
	}
	patient := func(_ testing.TB, s *siege, _ *bot.Config) { s.patience = 10 * time.Second }
	// A decoy takes as long to judge as the last judgement did, so there must
	// have been one.
	judged := func(s *siege) {
		s.walk(nurse, "m.devries", then(toSMS, "000000", "andere manier", "4", "000000", "stop", "! wait 25h")...)
	}
	names := []string{
		"text message, right number, to the lock", "app code to the lock", "notification denied",
		"call and everything that can be done with it",
	}
	for _, name := range []string{names[0], names[2], names[3]} {
		t.Run("provider sends slowly, "+name, func(t *testing.T) {
			t.Parallel()
			alike(t, name, nil, slowly("sent", 25*time.Second))
		})
	}
	t.Run("authenticators are slow", func(t *testing.T) {
		t.Parallel()
		alike(t, names[0], nil, patient, func(_ testing.TB, _ *siege, c *bot.Config) {
			c.Authenticators = slowAuthenticators{c.Authenticators}
		})
	})
	for _, name := range names[:2] {
		t.Run("directory is slow, "+name, func(t *testing.T) {
			t.Parallel()
			alike(t, name, nil, directory)
		})
		t.Run("provider judges slowly, "+name, func(t *testing.T) {
			t.Parallel()
			alike(t, name, judged, slowly("judged", 4*time.Second), patient)
		})
	}
}

// slowAuthenticators take longer than the levelling of answers.
type slowAuthenticators struct{ bot.Authenticators }

func (a slowAuthenticators) Enrolled(
	ctx context.Context, id conversation.AccountID,
) ([]bot.Authenticator, error) {
	time.Sleep(1600 * time.Millisecond)
	return a.Authenticators.Enrolled(ctx, id)
}

// slowly has something take longer.
func slowly(what string, by time.Duration) setup {
	return func(_ testing.TB, s *siege, _ *bot.Config) {
		s.outside = func(done string, _ bot.Challenge) error {
			if strings.HasPrefix(done, what) {
				time.Sleep(by)
			}
			return nil
		}
	}
}

// TestAC03_ADeliveryThatFailsLooksLikeOneThatDoesNot: a provider that fails is
// a matter for the log.
func TestAC03_ADeliveryThatFailsLooksLikeOneThatDoesNot(t *testing.T) {
	failing := func(_ testing.TB, s *siege, _ *bot.Config) {
		s.outside = func(what string, c bot.Challenge) error {
			if strings.HasPrefix(what, "sent") {
				return broken(what, c)
			}
			return nil
		}
	}
	for _, name := range []string{
		"text message, right number, to the lock", "notification to the lock",
		"resend until none is left", "silence",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alike(t, name, nil, failing)
		})
	}
}
