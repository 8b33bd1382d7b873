package bot_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/adapters/store/memory"
	phone "resetbot/adapters/verification/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

// colleague is a person of a partner's workspace.
var colleague = conversation.User{Chat: "slack", ID: "T1:U1"}

// moving is a directory whose accounts can be made something else.
type moving struct {
	bot.Directory

	mu      sync.Mutex
	reasons map[conversation.AccountID]conversation.Reason
	upns    map[conversation.AccountID]string
}

func (s *moving) Find(ctx context.Context, q bot.Query) (bot.Account, bool, error) {
	a, found, err := s.Directory.Find(ctx, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	if reason, ok := s.reasons[a.ID]; ok && found {
		a.Reason = reason
	}
	if upn, ok := s.upns[a.ID]; ok && found {
		a.UPN = upn
	}
	return a, found, err
}

// workspace is a world with a workspace in it.
func workspace(t *testing.T) (*world, *moving) {
	t.Helper()
	var people *moving
	w := newWorld(t, func(c *bot.Config) {
		people = &moving{
			Directory: c.Directory, reasons: map[conversation.AccountID]conversation.Reason{},
			upns: map[conversation.AccountID]string{},
		}
		c.Directory = people
		c.Chats["slack"] = c.Chats["web"]
	})
	return w, people
}

// there hands in what somebody says in a workspace.
func (w *world) there(o conversation.Origin, text string) {
	w.t.Helper()
	o.Binds = true
	w.receive(bot.Incoming{Kind: conversation.Said, From: o, Text: conversation.NewSecret(text)})
}

// resetThere walks to the end of a reset in a workspace.
func (w *world) resetThere(o conversation.Origin, name, password string) {
	w.t.Helper()
	for _, text := range []string{"reset", name} {
		w.there(o, text)
	}
	w.there(o, w.captcha(o.User))
	w.there(o, "1")
	w.there(o, "0"+strings.TrimPrefix(w.number(name), "+31"))
	w.there(o, w.sms(name))
	w.there(o, "4")
	w.there(o, w.app(name))
	w.on(o.User, conversation.Password)
	w.submit(o.User, password)
	w.settle()
	w.on(o.User, conversation.Done)
}

func (w *world) bindings(user conversation.User) []conversation.Binding {
	w.t.Helper()
	var found []conversation.Binding
	err := w.store.People(context.Background(), func(p conversation.Person) error {
		if p.User == user {
			found = p.Bindings
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// lines are the audit's of an event.
func (w *world) lines(event string) (list []conversation.Line) {
	w.t.Helper()
	err := w.store.Lines(context.Background(), 1, func(e bot.Entry) error {
		if e.Line.Event == event {
			list = append(list, e.Line)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestAPersonIsBoundAndInOwnChatThreeDaysLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := workspace(t)
		from := conversation.Origin{User: colleague}
		w.resetThere(from, "m.devries", "kaars-molen-fiets-tafel")
		if got := w.bindings(colleague); len(got) != 1 || got[0].Account != w.person("m.devries").ID {
			t.Fatalf("bound to %+v", got)
		}
		w.restart()
		time.Sleep(71 * time.Hour)
		w.there(from, "reset")
		if page := w.chat.last(colleague).Page; page.ID != conversation.AskWho {
			t.Fatalf("a young binding shows %s", page.ID)
		}
		w.there(from, "annuleren")
		time.Sleep(time.Hour)
		w.there(from, "reset")
		page := w.chat.last(colleague).Page
		if page.ID != conversation.AskOwn || !slices.Equal(page.Args.Accounts, []string{w.person("m.devries").UPN}) {
			t.Fatalf("after three days %s %v", page.ID, page.Args.Accounts)
		}
		w.there(from, "ja")
		w.on(colleague, conversation.Step1Choose)
		if c, _ := w.store.Conversation(t.Context(), colleague); !c.Subject.Own {
			t.Fatal("not in own chat")
		}
	})
}

func TestTheOwnerIsToldOnAllChannelsOfABindingAndTakesItBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := workspace(t)
		w.resetThere(conversation.Origin{User: colleague}, "m.devries", "kaars-molen-fiets-tafel")
		entries, err := w.phone.List(t.Context(), w.number("m.devries"))
		if err != nil {
			t.Fatal(err)
		}
		told := map[string]bool{}
		for _, e := range entries {
			if strings.Contains(e.Text, "gekoppeld") {
				told[string(e.Kind)] = true
			}
		}
		if !told[string(phone.KindMail)] || !told[string(phone.KindSMS)] {
			t.Fatalf("told by %v", told)
		}
		link := w.link("m.devries", "https://resetbot.example/n/")
		if _, ok, err := w.bot.Disown(t.Context(), link, "somebody"); !ok || err != nil {
			t.Fatalf("disowning: %v, %v", ok, err)
		}
		w.settle()
		if got := w.bindings(colleague); len(got) != 0 {
			t.Fatalf("still bound to %+v", got)
		}
		if got := w.lines("unbound"); len(got) != 1 || got[0].Detail != "disowned" {
			t.Fatalf("the audit has %+v", got)
		}
		if w.signIn("m.devries", "kaars-molen-fiets-tafel") {
			t.Fatal("the password that was set with it still works")
		}
		time.Sleep(73 * time.Hour)
		w.there(conversation.Origin{User: colleague}, "reset")
		if page := w.chat.last(colleague).Page; page.ID != conversation.AskWho {
			t.Fatalf("after three days %s", page.ID)
		}
	})
}

func TestWhoIsGoneIsBoundNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := workspace(t)
		other := conversation.User{Chat: "slack", ID: "T2:U1"}
		w.resetThere(conversation.Origin{User: colleague}, "m.devries", "kaars-molen-fiets-tafel")
		w.resetThere(conversation.Origin{User: other}, "z.celik", "lantaarn-veter-boom-zee")
		time.Sleep(73 * time.Hour)
		for _, user := range []conversation.User{colleague, other} {
			w.there(conversation.Origin{User: user}, "reset")
			w.there(conversation.Origin{User: user}, "ja")
			w.on(user, conversation.Step1Choose)
		}
		if err := w.bot.UnbindAll(t.Context(), "slack", "T1:"); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.on(colleague, conversation.Withdrawn)
		w.on(other, conversation.Step1Choose)
		if err := w.bot.Unbind(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.on(other, conversation.Withdrawn)
		if a, b := w.bindings(colleague), w.bindings(other); len(a)+len(b) > 0 {
			t.Fatalf("still bound: %v, %v", a, b)
		}
		why := map[string]int{}
		for _, l := range w.lines("unbound") {
			why[l.Detail]++
		}
		if len(why) != 2 || why["installation_gone"] != 1 || why["person_gone"] != 1 {
			t.Fatalf("the audit has %v", why)
		}
		if err := w.bot.Unbind(t.Context(), other); err != nil { // again
			t.Fatal(err)
		}
		if got := len(w.lines("unbound")); got != 2 {
			t.Fatalf("%d lines", got)
		}
	})
}

// A conversation that is on when the app is installed again binds nobody, though
// nothing of the person was kept yet.
func TestWhatWasBegunBeforeTheAppWasInstalledAgainBindsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := workspace(t)
		from := conversation.Origin{User: colleague}
		w.there(from, "reset")
		if err := w.bot.UnbindAll(t.Context(), "slack", "T1:"); err != nil {
			t.Fatal(err)
		}
		w.there(from, "m.devries")
		w.there(from, w.captcha(colleague))
		w.there(from, "1")
		w.there(from, "0"+strings.TrimPrefix(w.number("m.devries"), "+31"))
		w.there(from, w.sms("m.devries"))
		w.there(from, "4")
		w.there(from, w.app("m.devries"))
		w.submit(colleague, "kaars-molen-fiets-tafel")
		w.settle()
		w.on(colleague, conversation.Done)
		if got := w.bindings(colleague); len(got) != 0 {
			t.Fatalf("bound to %+v", got)
		}
	})
}

// spoilt is a store that cannot open what is kept of people.
type spoilt struct{ *memory.Store }

func (s spoilt) Update(ctx context.Context, user conversation.User, t bot.Transition) (conversation.Change, error) {
	if !t.Reads(conversation.Conversation{}).Person.Zero() {
		return conversation.Change{}, bot.ErrUnreadable
	}
	return s.Store.Update(ctx, user, t)
}

func TestWhatCannotBeReadOfAPersonIsEndedAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *bot.Config) { c.Store = spoilt{c.Store.(*memory.Store)} })
		for range 2 {
			if err := w.bot.Unbind(t.Context(), colleague); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.lines("stopped"); len(got) != 2 || got[0].Detail != "unreadable_record" || !got[0].Alarm {
			t.Fatalf("the audit has %+v", got)
		}
	})
}

func TestABoundAccountThatBecomesPrivilegedIsOnNobodysListAnHourLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, people := workspace(t)
		w.resetThere(conversation.Origin{User: colleague}, "m.devries", "kaars-molen-fiets-tafel")
		time.Sleep(73 * time.Hour)
		people.mu.Lock()
		people.reasons[w.person("m.devries").ID] = conversation.Privileged
		people.mu.Unlock()
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		if got := w.bindings(colleague); len(got) != 0 {
			t.Fatalf("still bound to %+v", got)
		}
		if got := w.lines("unbound"); len(got) != 1 || got[0].Detail != "privileged" {
			t.Fatalf("the audit has %+v", got)
		}
	})
}

// partnerOnly is a workspace from which accounts of one domain may be touched.
func partnerOnly() conversation.Origin {
	return conversation.Origin{User: colleague, Domains: []string{"partner.example"}, Place: "T1"}
}

func TestAPartnersEmployeeResetsAnAccountOfTheirDomain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, people := workspace(t)
		people.upns[w.person("m.devries").ID] = "m.devries@partner.example"
		w.resetThere(partnerOnly(), "m.devries", "kaars-molen-fiets-tafel")
		if !w.signIn("m.devries", "kaars-molen-fiets-tafel") {
			t.Fatal("the new password does not work")
		}
		if page := w.chat.last(colleague).Page; page.Place != "T1" {
			t.Fatalf("the page is of the place %q", page.Place)
		}
	})
}

// Whoever names an account of another domain sees what they see who name nobody, at
// the same moments, and nothing reaches its owner.
func TestAnAccountOfAnotherDomainIsRefusedLikeOneThatNobodyHas(t *testing.T) {
	walk := func(name string) (transcript string) {
		synctest.Test(t, func(t *testing.T) {
			w, _ := workspace(t)
			began := time.Now()
			var pages strings.Builder
			say := func(text string) {
				w.there(partnerOnly(), text)
				for _, m := range w.chat.take(colleague) {
					page := strings.ReplaceAll(w.render(m), "*****"+m.Page.Args.Digits, "*****NN") // each name has its own
					fmt.Fprintf(&pages, "%s\n%s\n", time.Since(began), page)
				}
			}
			for _, text := range []string{"reset", name} {
				say(text)
			}
			say(w.captcha(colleague))
			for range 3 {
				say("1")
				c, err := w.store.Conversation(t.Context(), colleague)
				if err != nil {
					t.Fatal(err)
				}
				say("06123456" + c.Subject.Digits)
				say("123456")
				say("andere manier")
				time.Sleep(31 * time.Second)
			}
			entries, err := w.phone.List(t.Context(), w.number("m.devries"))
			if err != nil || len(entries) > 0 {
				t.Errorf("%d messages reached the owner (%v)", len(entries), err)
			}
			transcript = pages.String()
		})
		return transcript
	}
	refused, unknown := walk("m.devries"), walk("x.niemand")
	if refused != unknown {
		t.Fatalf("another domain and nobody differ: %s", firstDifference(unknown, refused))
	}
	if !strings.Contains(refused, "verificatiestap 1") {
		t.Fatalf("the walk went nowhere:\n%s", refused)
	}
}

func TestAnInstantOfTwoBindsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := workspace(t)
		w.resetThere(conversation.Origin{User: colleague}, "m.devries", "kaars-molen-fiets-tafel")
		first := w.bindings(colleague)
		time.Sleep(24 * time.Hour)
		w.resetThere(conversation.Origin{User: colleague}, "m.devries", "lantaarn-veter-boom-zee")
		again := w.bindings(colleague)
		if len(again) != 1 || !again[0].Since.Equal(first[0].Since) || len(w.lines("bound")) != 1 {
			t.Fatalf("bound %+v, then %+v", first, again)
		}
	})
}
