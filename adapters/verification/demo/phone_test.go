package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resetbot/adapters/verification/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

const (
	number = "+31612345613"
	upn    = "m.devries@rijnzicht.example"
)

// TestMain plays a second process when it is told which file to share.
func TestMain(m *testing.M) {
	if path := os.Getenv("PHONE_TEST_FILE"); path != "" {
		if err := employee(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// said and told are the words of these tests.
func said(c bot.Challenge) string { return "tekst van " + c.ID }

func told(t bot.Telling) (mail, text string) {
	return "mail van " + t.Notice.ID + " aan " + t.Owner.UPN, "tekst van " + t.Notice.ID + " aan " + t.Owner.UPN
}

func open(t testing.TB, o demo.Options) *demo.Phone {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "phone"), o)
}

func openFile(t testing.TB, path string, o demo.Options) *demo.Phone {
	t.Helper()
	o.Text, o.Notice = said, told
	phone, err := demo.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = phone.Close() })
	return phone
}

// challenge is one by a method; id makes it another.
func challenge(method conversation.Method, id string) bot.Challenge {
	return bot.Challenge{
		ID: id, Method: method, Account: "17", UPN: upn,
		Number: conversation.NewSecret(number), Code: conversation.NewSecret("012345"), Digits: "42",
		Expires: time.Now().Add(5 * time.Minute), Locale: "nl", Chat: "teams", Receipt: "ABC-DEF",
	}
}

func send(t *testing.T, v bot.Verifier, c bot.Challenge) {
	t.Helper()
	if err := v.Challenge(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, p *demo.Phone, number string) []demo.Entry {
	t.Helper()
	entries, err := p.List(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func newest(t *testing.T, p *demo.Phone, number string) demo.Entry {
	t.Helper()
	entries := list(t, p, number)
	if len(entries) == 0 {
		t.Fatalf("nothing on %s", number)
	}
	return entries[len(entries)-1]
}

// act does something with the newest entry.
func act(t *testing.T, p *demo.Phone, a demo.Action) demo.Entry {
	t.Helper()
	entry, err := p.Act(t.Context(), number, newest(t, p, number).ID, a)
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

func TestATelephoneWithoutWordsIsNotOpened(t *testing.T) {
	for want, o := range map[string]demo.Options{
		"the options lack Text and Notice": {},
		"the options lack Text":            {Notice: told},
		"the options lack Notice":          {Text: said},
	} {
		_, err := demo.Open(filepath.Join(t.TempDir(), "phone"), o)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want that %s", err, want)
		}
	}
}

func TestEntriesAreWhatTheInterfaceOfTheDemoPromises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, demo.Options{})
		send(t, p.SMS(), challenge(conversation.SMS, "one"))
		time.Sleep(time.Second)
		send(t, p.Call(), challenge(conversation.Call, "two"))
		time.Sleep(time.Second)
		send(t, p.Push(), challenge(conversation.Push, "three"))

		entries := list(t, p, number)
		for i := range entries {
			if entries[i].ID == "" {
				t.Error("an entry without an id")
			}
			entries[i].ID = fmt.Sprint(i)
		}
		got, err := json.MarshalIndent(entries, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		const want = `[
  {
    "id": "0",
    "at": "2000-01-01T00:00:00Z",
    "kind": "sms",
    "text": "tekst van one",
    "code": "012345",
    "number": "+31612345613",
    "state": "received"
  },
  {
    "id": "1",
    "at": "2000-01-01T00:00:01Z",
    "kind": "call",
    "text": "tekst van two",
    "code": "",
    "number": "+31612345613",
    "state": "waiting"
  },
  {
    "id": "2",
    "at": "2000-01-01T00:00:02Z",
    "kind": "notification",
    "text": "tekst van three",
    "code": "",
    "number": "+31612345613",
    "state": "waiting"
  }
]`
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if none, _ := json.Marshal(list(t, p, "+31600000000")); string(none) != "[]" {
			t.Errorf("nothing is %s, want []", none)
		}
	})
}

func TestActionsAreReadAsTheInterfaceOfTheDemoPromises(t *testing.T) {
	for text, want := range map[string]demo.Action{
		`{"press":"#"}`:    demo.Press("#"),
		`{"press":"42#"}`:  demo.Press("42#"),
		`{"approve":"42"}`: demo.Approve("42"),
		`{"approve":""}`:   demo.Approve(""),
		`{"deny":true}`:    demo.Deny(),
		`{"hangup":true}`:  demo.Hangup(),
	} {
		var got demo.Action
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, -want +got:\n%s", text, diff)
		}
	}
}

func TestWhoHasNoTelephoneIsReachedByName(t *testing.T) {
	p := open(t, demo.Options{})
	c := challenge(conversation.Push, "one")
	c.Number = conversation.Secret{}
	send(t, p.Push(), c)
	if got := newest(t, p, "M.deVries@Rijnzicht.example").Number; got != upn {
		t.Errorf("number %q, want %q", got, upn)
	}
	if n := len(list(t, p, "")); n != 1 {
		t.Errorf("%d entries on all telephones, want 1", n)
	}
}

func TestWhatCannotBeDoneChangesNothing(t *testing.T) {
	p := open(t, demo.Options{})
	add := func(v bot.Verifier, method conversation.Method) string {
		send(t, v, challenge(method, string(method)))
		return newest(t, p, number).ID
	}
	text, call, push := add(p.SMS(), conversation.SMS), add(p.Call(), conversation.Call), add(p.Push(), conversation.Push)
	before := list(t, p, number)
	both := demo.Press("#")
	both.Hangup = true
	for _, test := range []struct {
		number, id string
		action     demo.Action
		want       error
	}{
		{number, "elsewhere", demo.Deny(), demo.ErrNoEntry},
		{"+31600000000", push, demo.Deny(), demo.ErrNoEntry},
		{"", push, demo.Deny(), demo.ErrNoEntry},
		{number, text, demo.Press("#"), demo.ErrUnfit},
		{number, push, demo.Press("#"), demo.ErrUnfit},
		{number, push, demo.Hangup(), demo.ErrUnfit},
		{number, push, demo.Action{}, demo.ErrUnfit},
		{number, call, demo.Approve("42"), demo.ErrUnfit},
		{number, call, demo.Deny(), demo.ErrUnfit},
		{number, call, demo.Press(""), demo.ErrUnfit},
		{number, call, demo.Press("4٢#"), demo.ErrUnfit},
		{number, call, demo.Press("vier"), demo.ErrUnfit},
		{number, call, both, demo.ErrUnfit},
	} {
		if _, err := p.Act(t.Context(), test.number, test.id, test.action); !errors.Is(err, test.want) {
			t.Errorf("%+v: %v, want %v", test, err, test.want)
		}
	}
	if diff := cmp.Diff(before, list(t, p, number)); diff != "" {
		t.Errorf("something changed, -want +got:\n%s", diff)
	}

	act(t, p, demo.Deny())
	if _, err := p.Act(t.Context(), number, push, demo.Approve("42")); !errors.Is(err, demo.ErrOver) {
		t.Errorf("a second action: %v, want %v", err, demo.ErrOver)
	}
}

func TestTheNewestAreKeptAndWhatAConversationMayStillAskFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, demo.Options{})
		add := func(n int) {
			for i := range n {
				send(t, p.SMS(), challenge(conversation.SMS, fmt.Sprint(i)))
			}
		}
		add(150)
		time.Sleep(time.Hour)
		add(120)
		if n := len(list(t, p, "")); n != 200 {
			t.Errorf("%d entries, want 200", n)
		}
		add(120)
		if n := len(list(t, p, "")); n != 240 {
			t.Errorf("%d entries, want the 240 of this hour", n)
		}
	})
}

func TestAC25_OnlyTheOwnerMayReadTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phone")
	send(t, openFile(t, path, demo.Options{}).SMS(), challenge(conversation.SMS, "one"))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v, want 0600", info.Mode(), err)
	}
}

func TestAFileThatCannotBeReadIsNotTakenForNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phone")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Open(path, demo.Options{Text: said, Notice: told}); err == nil {
		t.Error("opened")
	}
}

func TestWatchTellsOfEveryChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "phone")
		p, other := openFile(t, path, demo.Options{}), openFile(t, path, demo.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		changes := p.Watch(ctx)
		<-changes // at once
		time.Sleep(time.Minute)
		for i := range 3 {
			send(t, other.SMS(), challenge(conversation.SMS, fmt.Sprint(i)))
			<-changes
			if n := len(list(t, p, number)); n != i+1 {
				t.Errorf("%d entries, want %d", n, i+1)
			}
		}
		select {
		case <-changes:
			t.Error("told of a change that was none")
		case <-time.After(time.Minute):
		}
		cancel()
		if _, open := <-changes; open {
			t.Error("the channel is open after its context ended")
		}
	})
}

// employee is a second process: it answers every call on the telephone with
// #, until one comes for somebody else.
func employee(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p, err := demo.Open(path, demo.Options{Text: said, Notice: told})
	if err != nil {
		return err
	}
	for range p.Watch(ctx) {
		entries, err := p.List(ctx, "")
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Number != number {
				return p.Close()
			}
			if e.State != demo.Waiting {
				continue
			}
			if _, err := p.Act(ctx, number, e.ID, demo.Press("#")); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func TestTwoProcessesShareTheTelephone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phone")
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), "PHONE_TEST_FILE="+path)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p := openFile(t, path, demo.Options{})
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			c := challenge(conversation.Call, fmt.Sprint(i))
			if err := p.Call().Challenge(t.Context(), c); err != nil {
				t.Error(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			j, err := p.Call().Check(ctx, c, conversation.Secret{})
			if err != nil || j.Verdict != conversation.Right {
				t.Errorf("%+v, error %v, want it right", j, err)
			}
		})
	}
	all.Wait()
	other := challenge(conversation.Call, "the last")
	other.Number = conversation.NewSecret("+31612345624")
	send(t, p.Call(), other)
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestOfManyActionsAtOnceOneHappens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phone")
	one, other := openFile(t, path, demo.Options{}), openFile(t, path, demo.Options{})
	send(t, one.Push(), challenge(conversation.Push, "one"))
	id := newest(t, one, number).ID
	var mu sync.Mutex
	var happened int
	var all sync.WaitGroup
	for i := range 8 {
		p := one
		if i%2 == 1 {
			p = other
		}
		all.Go(func() {
			_, err := p.Act(t.Context(), number, id, demo.Approve("42"))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				happened++
			} else if !errors.Is(err, demo.ErrOver) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if happened != 1 {
		t.Errorf("%d happened, want 1", happened)
	}
}

func TestTellingReachesEveryAddressOnce(t *testing.T) {
	p := open(t, demo.Options{Numbers: plan{}})
	owner := bot.Account{ID: "17", UPN: upn, Mobile: "06-12 34 56 13", Locale: "nl"}
	notice := conversation.Notice{
		ID: "n1", Message: conversation.TellReset, Receipt: "ABC-DEF", Chat: "slack",
		At: time.Date(2026, 11, 22, 14, 5, 0, 0, time.UTC),
	}
	tell := func(by bot.Notifier, to string, outside bool) {
		t.Helper()
		for range 2 {
			result, err := by.Tell(t.Context(), bot.Telling{Notice: notice, Owner: owner, To: to, Outside: outside})
			if err != nil || result != conversation.Delivered {
				t.Fatal(result, err)
			}
		}
	}
	tell(p.Mail(), upn, false)
	tell(p.Mail(), "mij@thuis.example", false)
	tell(p.Mail(), "chef@rijnzicht.example", true)
	tell(p.Text(), number, false)
	ignore := cmp.FilterPath(func(p cmp.Path) bool {
		return slices.Contains([]string{"ID", "At"}, p.Last().String()[1:])
	}, cmp.Ignore())
	on := func(number string, want ...demo.Entry) {
		t.Helper()
		for i := range want {
			want[i].Number, want[i].State = number, demo.Received
		}
		if diff := cmp.Diff(want, list(t, p, number), ignore); diff != "" {
			t.Errorf("on %s, -want +got:\n%s", number, diff)
		}
	}
	on(number,
		demo.Entry{Kind: demo.KindMail, Text: "mail van n1 aan " + upn, To: upn},
		demo.Entry{Kind: demo.KindMail, Text: "mail van n1 aan " + upn, To: "mij@thuis.example"},
		demo.Entry{Kind: demo.KindSMS, Text: "tekst van n1 aan " + upn})
	on("chef@rijnzicht.example",
		demo.Entry{Kind: demo.KindMail, Text: "mail van n1 aan " + upn, To: "chef@rijnzicht.example"})

	owner = bot.Account{ID: "18", UPN: "a.visser@rijnzicht.example", Mobile: "onbekend", Locale: "en"}
	notice.ID = "n2"
	tell(p.Mail(), owner.UPN, false)
	on(owner.UPN, demo.Entry{Kind: demo.KindMail, Text: "mail van n2 aan " + owner.UPN, To: owner.UPN})
}

// plan knows one number.
type plan struct{}

func (plan) Read(text string) (string, conversation.NumberFault) {
	if text == "06-12 34 56 13" {
		return number, ""
	}
	return "", conversation.NumberForm
}

func (plan) Country(string) string { return "NL" }
func (plan) Countries() []string   { return []string{"NL"} }

func TestThingsGoWrongWhenTheyAreTold(t *testing.T) {
	var fault demo.Fault
	p := open(t, demo.Options{Faults: func(op string) demo.Fault {
		if op == "sms" {
			return fault
		}
		return demo.Fault{}
	}})
	c := challenge(conversation.SMS, "one")

	fault = demo.Fault{Broken: true}
	err := p.SMS().Challenge(t.Context(), c)
	if err == nil || strings.Contains(err.Error(), "012345") || strings.Contains(err.Error(), number) {
		t.Errorf("broken: %v, want an error without code and number", err)
	}
	fault = demo.Fault{Lost: true}
	send(t, p.SMS(), c)
	if n := len(list(t, p, number)); n != 0 {
		t.Errorf("broken and lost: %d entries, want none", n)
	}
	fault = demo.Fault{Twice: true}
	send(t, p.SMS(), c)
	if n := len(list(t, p, number)); n != 2 {
		t.Errorf("twice: %d entries", n)
	}
	send(t, p.Push(), challenge(conversation.Push, "two"))
	if n := len(list(t, p, number)); n != 3 {
		t.Errorf("a fault of text messages met a notification: %d entries, want 3", n)
	}

	fault = demo.Fault{Slow: time.Minute}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.SMS().Challenge(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("slow: %v, want that the context ended", err)
	}
}

func TestASlowTelephoneNetworkTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, demo.Options{Faults: func(string) demo.Fault { return demo.Fault{Slow: 20 * time.Second} }})
		before := time.Now()
		send(t, p.SMS(), challenge(conversation.SMS, "one"))
		if took := time.Since(before); took != 20*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestAC66_LookingAtAnEntryNeitherUsesItUpNorApprovesIt(t *testing.T) {
	p := open(t, demo.Options{})
	c := challenge(conversation.Push, "one")
	send(t, p.Push(), c)
	before, err := json.Marshal(list(t, p, number))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		list(t, p, number)
		list(t, p, "")
	}
	after, _ := json.Marshal(list(t, p, number))
	if !bytes.Equal(before, after) {
		t.Errorf("%s became %s", before, after)
	}
	act(t, p, demo.Approve("42"))
	if j, err := p.Push().Check(t.Context(), c, conversation.Secret{}); err != nil || j.Verdict != conversation.Right {
		t.Errorf("%+v, error %v, want it right", j, err)
	}
}
