package conversation_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	. "resetbot/conversation"
)

// slacker is a person of a chat that proves who they are, and knows no accounts.
var slacker = User{"slack", "T1:U1"}

func slackWorld(t testing.TB) *world {
	w := newWorld(t)
	w.from[slacker] = Origin{Binds: true}
	w.people["m.devries"].Locked = false
	return w
}

// resets walks user through a whole reset of m.devries, from page 1 on.
func (w *world) resets(user User) {
	w.t.Helper()
	w.toStep1(user, PickReset, "m.devries")
	w.provesAndResets(user)
}

func (w *world) provesAndResets(user User) {
	w.t.Helper()
	w.pick(user, PickSMS)
	w.say(user, FieldNumber, "0612345613")
	w.go1(user)
	if w.convs[user].State == Step1Sending {
		w.go1(user)
	}
	w.say(user, FieldCode, "123456")
	w.go1(user)
	w.on(user, Step2Choose)
	w.pick(user, PickCode)
	w.say(user, FieldCode, "654321")
	w.go1(user)
	w.on(user, Password)
	w.submit(user, marked+"and long enough")
	for range 2 {
		w.go1(user)
	}
	w.on(user, Done)
}

// lets so much time pass, in which the ended conversation is forgotten.
func (w *world) later(user User, d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	w.step(user, Input{Kind: Passed})
}

func (w *world) lines(event string) (list []Line) {
	for _, l := range w.audit {
		if l.Event == event {
			list = append(list, l)
		}
	}
	return list
}

func TestTwoProofsBindAPersonOfAChatAndCountAfterTheWaitingTime(t *testing.T) {
	w := slackWorld(t)
	w.resets(slacker)
	if got := w.known[slacker].Bindings; len(got) != 1 || got[0].Account != "1" || !got[0].Since.Equal(w.now) {
		t.Fatalf("bound to %+v", got)
	}
	if got := w.lines("bound"); len(got) != 1 || got[0].Account != "1" || got[0].Chat != "slack" {
		t.Fatalf("the audit has %+v", got)
	}
	if n := w.newest(TellBound); n.Account != "1" || n.User != slacker || n.Own {
		t.Fatalf("the owner is told %+v", n)
	}
	w.later(slacker, 72*time.Hour-time.Second)
	w.pick(slacker, PickReset)
	if page := w.convs[slacker].Page; page.ID != AskWho || len(page.Args.Accounts) > 0 {
		t.Fatalf("a binding that does not count yet changes the page: %s %v", page.ID, page.Args.Accounts)
	}
	w.pick(slacker, PickCancel)
	w.later(slacker, time.Second)
	w.pick(slacker, PickReset)
	if page := w.convs[slacker].Page; page.ID != AskOwn || !slices.Equal(page.Args.Accounts, []string{"m.devries@rijnzicht.example"}) {
		t.Fatalf("a binding that counts shows %s %v", page.ID, page.Args.Accounts)
	}
	w.pick(slacker, PickYes)
	w.go1(slacker)
	w.on(slacker, Step1Choose)
	if !w.convs[slacker].Subject.Own {
		t.Fatal("whoever is bound is not in own chat")
	}
	before := len(w.told())
	w.provesAndResets(slacker)
	if got := w.known[slacker].Bindings; len(got) != 1 || len(w.lines("bound")) != 1 {
		t.Fatalf("bound twice: %+v", got)
	}
	for _, n := range w.told()[before:] {
		if n.Message == TellBound {
			t.Fatal("the owner is told of a binding that was there")
		}
	}
}

// No page, no task and no waiting of the days before a binding counts differ from
// those of somebody who has none.
func TestABindingThatDoesNotCountChangesNothing(t *testing.T) {
	transcript := func(bound bool) string {
		w := slackWorld(t)
		other := User{"slack", "T1:U2"}
		w.from[other] = Origin{Binds: true}
		who := slacker
		if !bound {
			who = other // the same happens to the account, by somebody else
		}
		w.resets(who)
		w.now = w.now.Add(48 * time.Hour)
		delete(w.convs, slacker)
		delete(w.convs, other)
		w.known[slacker] = renamed(w.known[who], slacker, bound)
		var pages []string
		note := func(c Change) { pages = append(pages, w.seen(c.Conversation)) }
		note(w.pick(slacker, PickReset))
		note(w.say(slacker, FieldName, "m.devries"))
		note(w.say(slacker, FieldCaptcha, w.captcha(slacker)))
		note(w.go1(slacker))
		note(w.pick(slacker, PickCode))
		note(w.say(slacker, FieldCode, "111111"))
		note(w.come(slacker, Outcome{Verdict: WrongOne}))
		return strings.Join(pages, "\n")
	}
	if a, b := transcript(true), transcript(false); a != b {
		t.Fatalf("with a young binding:\n%s\nwithout:\n%s", a, b)
	}
}

func renamed(p Person, user User, keep bool) Person {
	if !keep {
		return Person{}
	}
	p.User = user
	return p
}

// seen is what can be seen of a conversation: its page, its task's waiting, when it
// is looked at again. Tokens and ids are random.
func (w *world) seen(c Conversation) string {
	p := c.Page
	p.Token, p.Receipt = "", ""
	if p.Media != nil {
		p.Media = &Media{Kind: p.Media.Kind}
	}
	page, err := json.Marshal(p)
	if err != nil {
		w.t.Fatal(err)
	}
	task := ""
	if k := c.Task; k != nil {
		task = string(k.Kind) + k.Lease.Sub(k.Ordered).String()
		if k.Level {
			task += " levelled"
		}
	}
	return string(c.State) + " " + string(page) + " " + task
}

func TestTheOwnerTakesABindingBack(t *testing.T) {
	for _, message := range []MessageID{TellBound, TellReset, TellProved} {
		w := slackWorld(t)
		w.resets(slacker)
		owner := w.disown(w.newest(message))
		if len(w.known[slacker].Bindings) != 0 {
			t.Fatalf("disowned by %s, and still bound to %+v", message, w.known[slacker])
		}
		if got := w.lines("unbound"); len(got) != 1 || got[0].Account != "1" || got[0].Detail != "disowned" {
			t.Fatalf("the audit has %+v", got)
		}
		if got := w.convs[owner].State; got != Scrambling {
			t.Fatalf("on %s: the password that came with the binding still holds", got)
		}
	}
}

func TestDisownedWhileItIsWrittenNothingIsBound(t *testing.T) {
	w := slackWorld(t)
	w.toStep1(slacker, PickReset, "m.devries")
	w.pick(slacker, PickSMS)
	w.say(slacker, FieldNumber, "0612345613")
	w.go1(slacker)
	w.say(slacker, FieldCode, "123456")
	w.go1(slacker)
	w.pick(slacker, PickCode)
	w.say(slacker, FieldCode, "654321")
	w.go1(slacker)
	w.submit(slacker, marked+"and long enough")
	w.go1(slacker)
	w.on(slacker, Changing)
	w.disown(w.newest(TellProved))
	w.now = w.now.Add(25 * time.Hour) // the freeze is over before anybody knows
	w.come(slacker, Outcome{Write: WriteUnknown})
	w.step(slacker, Input{Kind: Passed})
	w.now = w.now.Add(time.Minute)
	w.step(slacker, Input{Kind: Passed})
	w.go1(slacker)
	w.on(slacker, Done)
	if got := w.known[slacker].Bindings; len(got) != 0 {
		t.Fatalf("bound to %+v by what its owner disowned", got)
	}
}

func TestAnAccountThatWasFrozenMeanwhileIsBoundToNobody(t *testing.T) {
	w := slackWorld(t)
	w.toStep1(slacker, PickReset, "m.devries")
	w.pick(slacker, PickSMS)
	w.say(slacker, FieldNumber, "0612345613")
	w.go1(slacker)
	w.say(slacker, FieldCode, "123456")
	w.go1(slacker)
	w.pick(slacker, PickCode)
	w.say(slacker, FieldCode, "654321")
	w.go1(slacker)
	w.submit(slacker, marked+"and long enough")
	w.go1(slacker)
	w.on(slacker, Changing)
	w.ownChats()
	w.pick(mia, PickLostPhone)
	w.on(mia, Referred)
	w.go1(slacker)
	w.on(slacker, Done)
	if got := w.known[slacker].Bindings; len(got) != 0 {
		t.Fatalf("bound to %+v, whose owner had lost the telephone", got)
	}
}

// boundTo makes a person whose binding counts.
func (w *world) boundTo(user User, accounts ...string) {
	p := Person{User: user}
	for _, name := range accounts {
		a := w.people[name]
		p.Bindings = append(p.Bindings, Binding{a.ID, a.UPN, w.now.Add(-73 * time.Hour)})
	}
	w.known[user] = p
}

func TestWhoIsBoundIsInOwnChatWithAllThatFollows(t *testing.T) {
	w := slackWorld(t)
	w.boundTo(slacker, "m.devries", "p.phone")

	t.Run("chooses among the accounts", func(t *testing.T) {
		w.t = t
		w.pick(slacker, PickReset)
		page := w.convs[slacker].Page
		if page.ID != AskOwn || len(page.Args.Accounts) != 2 || !page.Shows(PickOwn(1)) || !page.Shows(PickOther) {
			t.Fatalf("shown %s %v", page.ID, page.Args.Accounts)
		}
		w.pick(slacker, PickOwn(1))
		w.go1(slacker)
	})
	t.Run("sees its own methods", func(t *testing.T) {
		w.t = t
		if page := w.convs[slacker].Page; page.Shows(PickCode) || !page.Shows(PickSMS) {
			t.Fatalf("the methods of p.phone are shown as %+v", page.Offers)
		}
	})
	t.Run("sees the reason at once", func(t *testing.T) {
		w.t = t
		w.pick(slacker, PickCancel)
		w.people["p.phone"].Reason = Disabled
		w.pick(slacker, PickReset)
		w.pick(slacker, PickOwn(1))
		w.go1(slacker)
		if page := w.convs[slacker].Page; page.ID != EndIneligible || page.Args.Reason != Disabled {
			t.Fatalf("shown %s %s", page.ID, page.Args.Reason)
		}
		if len(w.known[slacker].Bindings) != 2 {
			t.Fatal("a disabled account's binding has ended")
		}
	})
	t.Run("enrols an app", func(t *testing.T) {
		w.t = t
		w.pick(slacker, PickEnrol)
		w.on(slacker, EnrolWho)
	})
}

func TestABindingEndsWithItsAccount(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"privileged":   func(w *world) { w.people["m.devries"].Reason = Privileged },
		"account_gone": func(w *world) { delete(w.people, "m.devries") },
	} {
		t.Run(name, func(t *testing.T) {
			w := slackWorld(t)
			w.boundTo(slacker, "m.devries", "p.phone")
			change(w)
			w.pick(slacker, PickReset)
			w.pick(slacker, PickOwn(0))
			w.go1(slacker)
			if got := w.known[slacker].Bindings; len(got) != 1 || got[0].Account != "2" {
				t.Fatalf("bound to %+v", got)
			}
			if got := w.lines("unbound"); len(got) != 1 || got[0].Account != "1" || got[0].Detail != name {
				t.Fatalf("the audit has %+v", got)
			}
			w.pick(slacker, PickCancel)
			w.pick(slacker, PickReset)
			if page := w.convs[slacker].Page; slices.Contains(page.Args.Accounts, "m.devries@rijnzicht.example") {
				t.Fatalf("still listed: %v", page.Args.Accounts)
			}
		})
	}
}

func TestABindingThatEndsEndsOwnChat(t *testing.T) {
	w := slackWorld(t)
	w.boundTo(slacker, "m.devries")
	w.pick(slacker, PickReset)
	w.pick(slacker, PickYes)
	w.go1(slacker)
	w.on(slacker, Step1Choose)
	w.unbind(Unbinding{Person: slacker, Why: "person_gone"})
	if n := w.notices[len(w.notices)-1]; n.Kind != Nudge || n.User != slacker {
		t.Fatalf("nudged is %+v", n)
	}
	w.step(slacker, Input{Kind: Passed})
	w.on(slacker, Withdrawn)
}

func (w *world) unbind(u Unbinding) {
	w.t.Helper()
	f := Facts{Person: w.known[w.wizard.UnbindReads(u).Person]}
	ch := w.wizard.Unbind(u, f, w.now)
	if ch.Same {
		return
	}
	w.known[u.Person] = *ch.Person
	w.notices = append(w.notices, ch.Notices...)
	w.audit = append(w.audit, ch.Audit...)
}

func TestWhatWasBegunBeforeBindingsEndedBindsNobody(t *testing.T) {
	w := slackWorld(t)
	w.toStep1(slacker, PickReset, "m.devries")
	w.now = w.now.Add(time.Minute)
	w.unbind(Unbinding{Person: slacker, Why: "person_gone"})
	w.provesAndResets(slacker)
	if got := w.known[slacker].Bindings; len(got) != 0 {
		t.Fatalf("somebody who is gone is bound to %+v", got)
	}
	w.now = w.now.Add(time.Hour)
	w.resets(slacker)
	if got := w.known[slacker].Bindings; len(got) != 1 {
		t.Fatal("whoever comes back is never bound again")
	}
}

func TestALostTelephoneOfWhoIsBound(t *testing.T) {
	w := slackWorld(t)
	w.boundTo(slacker, "m.devries")
	w.pick(slacker, PickLostPhone) // nothing was read of the account yet
	if page := w.convs[slacker].Page; page.ID != AskElse || !page.Shows(PickLostPhone) {
		t.Fatalf("shown %s", page.ID)
	}
	w.pick(slacker, PickLostPhone)
	if page := w.convs[slacker].Page; page.ID != EndFrozen || w.accounts["id:1"].Frozen.IsZero() {
		t.Fatalf("shown %s, frozen until %s", page.ID, w.accounts["id:1"].Frozen)
	}
}

func TestIdentityWarnSaysThatItIsSomebodyElses(t *testing.T) {
	for _, test := range []struct {
		name     string
		identity Identity // of this workspace
		says     bool
	}{{"of the chat", "", true}, {"warn", Warn, true}, {"any", Any, false}} {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"m.devries", "nobody", "d.disabled"} {
				w := slackWorld(t)
				w.wizard.Policy.Chats["slack"] = ChatPolicy{Identity: Warn, Captcha: Never}
				w.from[slacker] = Origin{Binds: true, Identity: test.identity}
				w.boundTo(slacker, "p.phone")
				w.pick(slacker, PickReset)
				w.pick(slacker, PickOther)
				w.say(slacker, FieldName, name)
				w.go1(slacker)
				w.on(slacker, Step1Choose)
				said := slices.ContainsFunc(w.convs[slacker].Page.Notes, func(n Note) bool { return n.ID == NoteNotYours })
				if said != test.says {
					t.Errorf("%s: said so: %t", name, said)
				}
				told := slices.ContainsFunc(w.told(), func(n Notice) bool { return n.Message == TellOther })
				if told != (name == "m.devries") {
					t.Errorf("%s: its owner was told: %t", name, told)
				}
			}
		})
	}
	t.Run("same", func(t *testing.T) {
		w := slackWorld(t)
		w.from[slacker] = Origin{Binds: true, Identity: Same}
		w.boundTo(slacker, "p.phone")
		w.pick(slacker, PickReset)
		w.pick(slacker, PickOther)
		w.say(slacker, FieldName, "m.devries")
		w.go1(slacker)
		if page := w.convs[slacker].Page; page.ID != EndNotOwn {
			t.Fatalf("shown %s", page.ID)
		}
	})
	t.Run("nothing is said to who is not bound: nobody knows whose it is", func(t *testing.T) {
		w := slackWorld(t)
		w.toStep1(slacker, PickReset, "m.devries")
		if notes := w.convs[slacker].Page.Notes; len(notes) > 0 {
			t.Fatalf("said %v", notes)
		}
	})
}

// partners are two accounts of a partner organisation and the hospital's.
func (w *world) partner() {
	for _, p := range []struct{ name, id, upn string }{
		{"a.partner", "10", "a.partner@partner.example"}, {"b.alias", "11", "b.alias@rijnzicht.example"},
	} {
		a := *w.people["m.devries"]
		a.ID, a.UPN = AccountID(p.id), p.upn
		w.people[p.name] = &a
	}
	w.from[slacker] = Origin{Binds: true, Domains: []string{"Partner.example"}, Place: "partner"}
}

func TestAPartnersEmployeeResetsAnAccountOfAnAllowedDomain(t *testing.T) {
	w := slackWorld(t)
	w.partner()
	w.pick(slacker, PickReset)
	if page := w.convs[slacker].Page; page.Args.Domain != "Partner.example" || page.Place != "partner" {
		t.Fatalf("the example is of %q, the place %q", page.Args.Domain, page.Place)
	}
	w.say(slacker, FieldName, "a.partner@partner.example")
	w.say(slacker, FieldCaptcha, w.captcha(slacker))
	w.go1(slacker)
	w.on(slacker, Step1Choose)
	w.provesAndResets(slacker)
	if got := w.known[slacker].Bindings; len(got) != 1 || got[0].Account != "10" {
		t.Fatalf("bound to %+v", got)
	}
}

// Whatever is typed: an account of another domain is walked exactly as a name that
// nobody has, with the same pages, waits, counters and records.
func TestAnAccountOfAnotherDomainIsOneThatNobodyHas(t *testing.T) {
	walk := func(there bool, bound bool) (string, *world) {
		w := slackWorld(t)
		w.partner()
		if bound {
			w.boundTo(slacker, "a.partner")
		}
		if !there {
			delete(w.people, "b.alias")
		}
		var pages []string
		note := func(c Change) { pages = append(pages, w.seen(c.Conversation)) }
		note(w.pick(slacker, PickReset))
		if bound {
			note(w.pick(slacker, PickOther))
		}
		note(w.say(slacker, FieldName, "b.alias"))
		if !bound {
			note(w.say(slacker, FieldCaptcha, w.captcha(slacker)))
		}
		note(w.go1(slacker))
		for range 5 {
			note(w.pick(slacker, PickSMS))
			if w.convs[slacker].State == Locked {
				break
			}
			number := "06123456" + w.convs[slacker].Subject.Digits
			note(w.say(slacker, FieldNumber, number))
			note(w.come(slacker, Outcome{}))
			note(w.say(slacker, FieldCode, "123456"))
			note(w.come(slacker, Outcome{Verdict: WrongOne}))
			note(w.pick(slacker, PickMethod))
			w.now = w.now.Add(31 * time.Second)
		}
		return strings.Join(pages, "\n"), w
	}
	for _, bound := range []bool{false, true} {
		refused, w := walk(true, bound)
		unknown, v := walk(false, bound)
		if refused != unknown {
			t.Fatalf("bound: %t. Refused:\n%s\nunknown:\n%s", bound, refused, unknown)
		}
		if len(w.accounts) != 0 {
			t.Errorf("a record was kept of an account of another domain: %v", w.accounts)
		}
		if a, b := keysOf(w), keysOf(v); !slices.Equal(a, b) {
			t.Errorf("counted were %v, for a name that nobody has %v", a, b)
		}
		if len(w.told()) > 0 {
			t.Errorf("somebody was told: %v", w.told())
		}
		found := slices.ContainsFunc(w.audit, func(l Line) bool { return l.Detail == "other_domain" && l.Account == "" })
		if !found {
			t.Error("the audit does not say why")
		}
	}
}

func keysOf(w *world) (list []string) {
	for k := range w.counters {
		list = append(list, string(k))
	}
	slices.Sort(list)
	return list
}

func TestTheDomainIsLookedAtAgainJustBeforeTheWrite(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"the account moved":     func(w *world) { w.people["a.partner"].UPN = "a.partner@rijnzicht.example" },
		"the workspace changed": func(w *world) { w.from[slacker] = Origin{Binds: true, Domains: []string{"else.example"}} },
	} {
		t.Run(name, func(t *testing.T) {
			w := slackWorld(t)
			w.partner()
			w.toStep1(slacker, PickReset, "a.partner")
			w.pick(slacker, PickSMS)
			w.say(slacker, FieldNumber, "0612345613")
			w.go1(slacker)
			w.say(slacker, FieldCode, "123456")
			w.go1(slacker)
			w.pick(slacker, PickCode)
			change(w)
			w.say(slacker, FieldCode, "654321")
			w.go1(slacker)
			w.submit(slacker, marked+"and long enough")
			w.go1(slacker)
			w.on(slacker, Withdrawn)
		})
	}
}

func TestABoundPersonCannotTouchAnotherDomain(t *testing.T) {
	w := slackWorld(t)
	w.partner()
	w.boundTo(slacker, "b.alias", "a.partner") // from when more domains were allowed
	w.pick(slacker, PickReset)
	if page := w.convs[slacker].Page; !slices.Equal(page.Args.Accounts, []string{"a.partner@partner.example"}) {
		t.Fatalf("listed are %v", page.Args.Accounts)
	}
	w.people["a.partner"].UPN = "a.partner@rijnzicht.example" // and nobody knows yet
	w.pick(slacker, PickYes)
	w.go1(slacker)
	if c := w.convs[slacker]; !c.Subject.Decoy || c.Subject.Own || c.Subject.ID != "" {
		t.Fatalf("on %s about %+v", c.State, c.Subject)
	}
}
