package bottest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"resetbot/bot"
	"resetbot/conversation"
)

// StoreFixture tells [TestStore] how to come by a store.
//
//	bottest.TestStore(t, bottest.StoreFixture{
//		Open: func(t *testing.T) (bot.Store, conversation.Key) {
//			key := conversation.Key{1}
//			return memory.New(key), key
//		},
//	})
type StoreFixture struct {
	// Open makes an empty store, and tells the key of its audit chain. It sees
	// to it that the store is closed when the test is over, if it is not by then.
	Open func(t *testing.T) (bot.Store, conversation.Key)

	// Reopen closes s, which Open or Reopen made, and opens it again as after
	// a restart. Nil for stores that forget.
	Reopen func(t *testing.T, s bot.Store) bot.Store
}

// TestStore checks that a store keeps what [bot.Store] promises, and
// [bot.Discarder] where it is one.
func TestStore(t *testing.T, f StoreFixture) {
	tests := []struct {
		name string
		test func(*testing.T, *storeTest)
	}{
		{"nobody has a conversation at first", storeEmpty},
		{"a change is stored whole", storeWhole},
		{"a conversation comes back as it was", storeRoundTrip},
		{"an error of the step is returned and nothing is written", storeStepError},
		{"a panic of the step is an error and the next update works", storeStepPanic},
		{"a panic of reads is an error and the next update works", storeReadsPanic},
		{"what is the same is not written", storeSame},
		{"what is to be forgotten is", storeForget},
		{"what does not exist is read as zero", storeZeroFacts},
		{"a step reads what the one before it wrote", storeReadYourWrites},
		{"AC-12 a mark is used once, one after the other", storeMarkClash},
		{"AC-12 a mark is used once, all at the same time", storeMarkRace},
		{"AC-11 no spend is lost at the same time", storeCounterRace},
		{"AC-44 no update of a conversation is lost at the same time", storeConversationRace},
		{"AC-48 no update of an account is lost at the same time", storeAccountRace},
		{"nobody shares memory with the store", storeNoAliases},
		{"AC-25 a secret is returned and never stored", storeSecret},
		{"AC-47 one person's conversation is never another's", storeOtherUser},
		{"names that look alike are not the same", storeNames},
		{"all conversations can be gone through while the store is used", storeConversations},
		{"people can be gone through while the store is used", storePeople},
		{"a person of whom nothing is kept is forgotten", storeNobody},
		{"no update of a person is lost at the same time", storePersonRace},
		{"a person is swept when they may be forgotten, and not before", storeSweepPeople},
		{"due conversations come in order", storeDue},
		{"notices are due, postponed and settled", storeNotices},
		{"AC-35 whatever line raises an alarm leaves its notice in the same commit", storeAlarms},
		{"sweep forgets only what may be forgotten", storeSweep},
		{"sweep keeps to its limit", storeSweepLimit},
		{"the audit is a whole chain", storeAudit},
		{"the audit has no gap at the same time", storeAuditRace},
		{"AC-77 a line commits with its change", storeLineWithChange},
		{"lines may be read while the store is used", storeLinesNested},
		{"all ends at once", storeEndAll},
		{"a conversation can be discarded unread", storeDiscard},
		{"a cancelled context does nothing", storeCancelled},
		{"a context that ends during the step leaves all or nothing", storeCancelledLate},
		{"AC-52 what was acknowledged is there after a restart", storeReopen},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store, key := f.Open(t)
			test.test(t, &storeTest{t, f, store, key})
		})
	}
	t.Run("any changes in any order are as in a model", func(t *testing.T) { storeModel(t, f) })
}

// storeTest is one test on a store of its own.
type storeTest struct {
	*testing.T
	StoreFixture
	bot.Store
	key conversation.Key
}

// A Monday morning; all dates of the suite are about it.
var morning = time.Date(2026, 11, 23, 7, 30, 0, 0, time.UTC)

func at(seconds int) time.Time { return morning.Add(time.Duration(seconds) * time.Second) }

func person(n int) conversation.User {
	return conversation.User{Chat: "teams", ID: fmt.Sprintf("person-%d", n)}
}

var anna = conversation.User{Chat: "web", ID: "anna"}

// begun is a short conversation.
func begun(user conversation.User) conversation.Conversation {
	return conversation.Conversation{
		ID: "c-" + user.ID, Receipt: "ABC-DEF", User: user, Locale: "nl",
		State: conversation.Start, Started: morning, Ends: at(900),
	}
}

type (
	reads = func(conversation.Conversation) conversation.Reads
	step  = func(conversation.Conversation, conversation.Facts) (conversation.Change, error)
)

func read(r conversation.Reads) reads {
	return func(conversation.Conversation) conversation.Reads { return r }
}

// to is a step that gives one change whatever it sees.
func to(change conversation.Change) step {
	return func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
		return change, nil
	}
}

// update has to succeed.
func (s *storeTest) update(user conversation.User, r conversation.Reads, do step) conversation.Change {
	s.Helper()
	change, err := s.Update(s.Context(), user, bot.Transition{Reads: read(r), Step: do})
	if err != nil {
		s.Fatalf("updating: %v", err)
	}
	return change
}

// look gives what a step with these reads is given.
func (s *storeTest) look(
	user conversation.User, r conversation.Reads,
) (c conversation.Conversation, f conversation.Facts) {
	s.Helper()
	s.update(user, r, func(have conversation.Conversation, facts conversation.Facts) (conversation.Change, error) {
		c, f = have, facts
		return conversation.Change{Same: true}, nil
	})
	return c, f
}

func (s *storeTest) conversation(user conversation.User) conversation.Conversation {
	s.Helper()
	c, err := s.Conversation(s.Context(), user)
	if err != nil {
		s.Fatalf("loading a conversation: %v", err)
	}
	return c
}

func (s *storeTest) due(before time.Time, limit int) []conversation.User {
	s.Helper()
	users, err := s.Due(s.Context(), before, limit)
	if err != nil {
		s.Fatalf("asking what is due: %v", err)
	}
	return users
}

func (s *storeTest) notices(before time.Time, limit int) []conversation.Notice {
	s.Helper()
	notices, err := s.Notices(s.Context(), before, limit)
	if err != nil {
		s.Fatalf("asking for notices: %v", err)
	}
	return notices
}

func (s *storeTest) sweep(now time.Time, limit int) int {
	s.Helper()
	swept, err := s.Sweep(s.Context(), now, limit)
	if err != nil {
		s.Fatalf("sweeping: %v", err)
	}
	return swept
}

// entries gives the audit from the beginning, having verified it.
func (s *storeTest) entries() []bot.Entry {
	s.Helper()
	var entries []bot.Entry
	err := s.Lines(s.Context(), 0, func(e bot.Entry) error {
		var last bot.Entry
		if len(entries) > 0 {
			last = entries[len(entries)-1]
		}
		entries = append(entries, e)
		return e.Follows(s.key, last)
	})
	if err != nil {
		s.Fatalf("reading the audit: %v", err)
	}
	head, err := s.Head(s.Context())
	if err != nil {
		s.Fatalf("reading the audit's head: %v", err)
	}
	var want bot.Entry
	if len(entries) > 0 {
		want = entries[len(entries)-1]
	}
	s.same("the head of the audit", head, want)
	return entries
}

func (s *storeTest) lines() []string {
	s.Helper()
	var events []string
	for _, e := range s.entries() {
		events = append(events, e.Line.Event)
	}
	return events
}

func (s *storeTest) same(what string, got, want any) {
	s.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// everything is a change with something in each of its parts.
func everything(user conversation.User) conversation.Change {
	return conversation.Change{
		Conversation: begun(user),
		Due:          at(10),
		Account: &conversation.AccountRecord{
			Key: "id:1", Holder: "c-1", HolderUser: user, Number: "f00", Since: at(-5), Kept: at(1000),
			Guests: []conversation.Guest{{Conversation: "c-2", Until: at(60)}},
		},
		Person: bound(person(7)),
		Counters: map[conversation.CounterKey]conversation.Counter{
			"proofs": {Spends: []conversation.Spend{{ID: "s1", At: at(1)}}, Kept: at(1000)},
			"begun":  {Spends: []conversation.Spend{{ID: "s1", At: at(1)}}, Locked: at(500), Kept: at(1000)},
		},
		Marks:   []conversation.Mark{{Key: "code:1", Expires: at(1000)}, {Key: "totp:1:2:3", Expires: at(1000)}},
		Notices: []conversation.Notice{{ID: "n1", Due: at(5), Kind: conversation.Tell, Account: "1"}},
		Audit:   []conversation.Line{{At: at(1), Event: "proved"}, {At: at(1), Event: "told"}},
	}
}

// bound is somebody who is bound to an account.
func bound(user conversation.User) *conversation.Person {
	return &conversation.Person{
		User: user, Bindings: []conversation.Binding{{Account: "1", UPN: "anna@example.org", Since: at(3)}},
	}
}

var readEverything = conversation.Reads{
	Account:  "id:1",
	Person:   person(7),
	Counters: []conversation.CounterKey{"proofs", "begun", "other"},
	Marks:    []string{"code:1", "totp:1:2:3", "other"},
}

// holds checks that the store has all of change, of user.
func (s *storeTest) holds(user conversation.User, change conversation.Change) {
	s.Helper()
	s.same("conversation", s.conversation(user), change.Conversation)
	c, facts := s.look(user, readEverything)
	s.same("conversation, as a step sees it", c, change.Conversation)
	s.same("account", facts.Account, *change.Account)
	s.same("person", facts.Person, *change.Person)
	s.same("counters", facts.Counters, map[conversation.CounterKey]conversation.Counter{
		"proofs": change.Counters["proofs"], "begun": change.Counters["begun"], "other": {},
	})
	s.same("marks", facts.Marks, map[string]bool{"code:1": true, "totp:1:2:3": true, "other": false})
	s.same("due", s.due(change.Due, 9), []conversation.User{user})
	s.same("notices", s.notices(at(5), 9), change.Notices)
	s.same("audit", s.lines(), []string{"proved", "told"})
}

// holdsNothing checks that nothing of everything is there.
func (s *storeTest) holdsNothing(user conversation.User) {
	s.Helper()
	s.same("conversation", s.conversation(user), conversation.Conversation{})
	_, facts := s.look(user, readEverything)
	s.same("account", facts.Account, conversation.AccountRecord{})
	s.same("person", facts.Person, conversation.Person{})
	s.same("counters", facts.Counters, map[conversation.CounterKey]conversation.Counter{
		"proofs": {}, "begun": {}, "other": {},
	})
	s.same("marks", facts.Marks, map[string]bool{"code:1": false, "totp:1:2:3": false, "other": false})
	s.same("due", s.due(at(9999), 9), []conversation.User{})
	s.same("notices", s.notices(at(9999), 9), []conversation.Notice{})
	s.same("audit", s.lines(), []string{})
}

func storeEmpty(t *testing.T, s *storeTest) {
	s.holdsNothing(anna)
	if n := s.sweep(at(9999), 9); n != 0 {
		t.Errorf("swept %d of nothing", n)
	}
}

func storeWhole(t *testing.T, s *storeTest) {
	change := everything(anna)
	s.same("what Update returns", s.update(anna, readEverything, to(change)).Conversation, change.Conversation)
	s.holds(anna, change)
}

func storeRoundTrip(t *testing.T, s *storeTest) {
	amsterdam := time.FixedZone("CET", 3600)
	c := begun(anna)
	c.Address, c.Asker = `{"url":"https://example.org"}`, "asker"
	c.Goal, c.State = conversation.ToUnlock, conversation.Step2Answer
	c.Bound = []conversation.Bound{{ID: "1", UPN: "anna@example.org"}}
	c.Captcha = conversation.Captcha{ID: "cap", Expires: at(300), Drawn: 2, Solved: true}
	c.Subject = conversation.Subject{
		Key: "id:1", ID: "1", Own: true, Name: "Zoë <b>de Vries</b> \u2028", Digits: "07",
		Methods: conversation.Methods,
	}
	c.Proofs = []conversation.Proof{{Method: conversation.SMS, Challenge: "x", At: morning.Add(1).In(amsterdam)}}
	c.Question = &conversation.Challenge{
		ID: "q", Method: conversation.Code, Expires: at(300), Wrong: 1, Heard: []string{"h"},
	}
	c.Task = &conversation.Task{ID: "t", Kind: conversation.TaskCheck, By: "p1", Lease: at(20), Decoy: true}
	c.Write = &conversation.Write{Mark: "132", Begun: at(1), Next: at(2)}
	c.Page = conversation.Page{
		Version: 7, Token: "tok", ID: conversation.AskMethod,
		Fields: []conversation.Field{conversation.FieldCode},
		Args:   conversation.Args{At: at(1), Faults: []conversation.PasswordFlaw{conversation.FlawHistory}},
		Notes:  []conversation.Note{{ID: conversation.NoteCodeWrong, Args: conversation.Args{Left: 2}}},
		Offers: []conversation.Offer{{Choice: conversation.PickSMS, Off: conversation.NoteFamilyUsed}},
		Media:  &conversation.Media{Kind: conversation.MediaCaptcha, ID: "cap"},
	}
	c.Seen, c.Exposed, c.Reminded = []string{"e1", "e2"}, []string{"f"}, true
	s.update(anna, conversation.Reads{}, to(conversation.Change{Conversation: c}))
	s.same("conversation", s.conversation(anna), c)
}

var errStep = errors.New("the step does not want to")

func storeStepError(t *testing.T, s *storeTest) {
	_, err := s.Update(t.Context(), anna, bot.Transition{
		Reads: read(readEverything),
		Step: func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
			return everything(anna), errStep
		},
	})
	if !errors.Is(err, errStep) {
		t.Errorf("got %v, want the step's error", err)
	}
	s.holdsNothing(anna)
}

func storeStepPanic(t *testing.T, s *storeTest) {
	for _, thrown := range []any{"geheim", errStep, 7} {
		_, err := s.Update(t.Context(), anna, bot.Transition{
			Reads: read(readEverything),
			Step: func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
				panic(thrown)
			},
		})
		if err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("a step that panics with %v: got the error %v", thrown, err)
		}
	}
	s.holdsNothing(anna)
	s.update(anna, readEverything, to(everything(anna)))
	s.holds(anna, everything(anna))
}

func storeReadsPanic(t *testing.T, s *storeTest) {
	_, err := s.Update(t.Context(), anna, bot.Transition{
		Reads: func(conversation.Conversation) conversation.Reads { panic("reads") },
		Step:  to(everything(anna)),
	})
	if err == nil {
		t.Error("no error")
	}
	s.holdsNothing(anna)
	s.update(anna, readEverything, to(everything(anna)))
}

func storeSame(t *testing.T, s *storeTest) {
	change := everything(anna)
	change.Same = true
	if got := s.update(anna, readEverything, to(change)); !got.Same {
		t.Error("Update returns another change")
	}
	s.holdsNothing(anna)
}

func storeForget(t *testing.T, s *storeTest) {
	s.update(anna, conversation.Reads{}, to(conversation.Change{Conversation: begun(anna), Due: at(10)}))
	s.update(anna, conversation.Reads{}, to(conversation.Change{
		Forget: true, Due: at(11), Audit: []conversation.Line{{At: at(1), Event: "forgotten"}},
	}))
	s.same("conversation", s.conversation(anna), conversation.Conversation{})
	s.same("due", s.due(at(9999), 9), []conversation.User{})
	s.same("audit", s.lines(), []string{"forgotten"})
	s.update(anna, conversation.Reads{}, to(conversation.Change{Forget: true})) // what is not there
}

func storeZeroFacts(t *testing.T, s *storeTest) {
	_, facts := s.look(anna, conversation.Reads{Counters: []conversation.CounterKey{"c"}, Marks: []string{"m"}})
	if _, there := facts.Counters["c"]; !there {
		t.Error("the counter is not there")
	}
	if used, there := facts.Marks["m"]; used || !there {
		t.Errorf("the mark is there: %t, and used: %t", there, used)
	}
	s.look(anna, conversation.Reads{}) // nothing at all
}

func storeReadYourWrites(t *testing.T, s *storeTest) {
	r := conversation.Reads{Account: "id:1", Counters: []conversation.CounterKey{"c"}, Marks: []string{"m"}}
	for n := range 3 {
		user := person(n)
		s.update(user, r, func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			if len(f.Account.Guests) != n || len(f.Counters["c"].Spends) != n || f.Marks["m"] != (n > 0) {
				t.Errorf("update %d sees %+v", n, f)
			}
			change := conversation.Change{Conversation: begun(user)}
			f.Account.Key, f.Account.Kept = "id:1", at(1000)
			f.Account.Guests = append(f.Account.Guests, conversation.Guest{Conversation: user.ID})
			change.Account = &f.Account
			c := f.Counters["c"]
			c.Spends, c.Kept = append(c.Spends, conversation.Spend{ID: user.ID, At: at(n)}), at(1000)
			change.Counters = map[conversation.CounterKey]conversation.Counter{"c": c}
			if !f.Marks["m"] {
				change.Marks = []conversation.Mark{{Key: "m", Expires: at(1000)}}
			}
			return change, nil
		})
	}
	// A counter that is zero again is as one that never was.
	s.update(anna, r, to(conversation.Change{
		Conversation: begun(anna), Counters: map[conversation.CounterKey]conversation.Counter{"c": {}},
	}))
	_, facts := s.look(anna, r)
	s.same("counter", facts.Counters["c"], conversation.Counter{})
}

func storeMarkClash(t *testing.T, s *storeTest) {
	use := func(n int) error {
		change := everything(person(n))
		change.Marks = []conversation.Mark{{Key: fmt.Sprintf("own:%d", n)}, {Key: "code:1"}}
		change.Notices[0].ID = fmt.Sprintf("n%d", n)
		_, err := s.Update(t.Context(), person(n), bot.Transition{
			Reads: read(conversation.Reads{}), // it does not even look
			Step:  to(change),
		})
		return err
	}
	if err := use(1); err != nil {
		t.Fatal(err)
	}
	if err := use(2); err == nil {
		t.Error("the mark was used twice")
	}
	s.same("conversation of the second", s.conversation(person(2)), conversation.Conversation{})
	_, facts := s.look(anna, conversation.Reads{Marks: []string{"code:1", "own:1", "own:2"}})
	s.same("marks", facts.Marks, map[string]bool{"code:1": true, "own:1": true, "own:2": false})
	s.same("audit", s.lines(), []string{"proved", "told"})
}

// together calls f with 0 up to n, all at the same time.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}

func storeMarkRace(t *testing.T, s *storeTest) {
	var right, clashes atomic.Int32
	together(50, func(i int) {
		var used bool
		_, err := s.Update(t.Context(), person(i), bot.Transition{
			Reads: read(conversation.Reads{Marks: []string{"code:1"}}),
			Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
				change := conversation.Change{Conversation: begun(person(i))}
				if used = f.Marks["code:1"]; !used {
					change.Marks = []conversation.Mark{{Key: "code:1", Expires: at(1000)}}
				}
				return change, nil
			},
		})
		switch {
		case err != nil:
			t.Errorf("updating: %v", err)
		case used:
			clashes.Add(1)
		default:
			right.Add(1)
		}
	})
	if right.Load() != 1 || clashes.Load() != 49 {
		t.Errorf("%d used the mark, %d were told that it was used", right.Load(), clashes.Load())
	}
}

func storeCounterRace(t *testing.T, s *storeTest) {
	const tries, limit = 50, 5
	var judged atomic.Int32
	r := conversation.Reads{Counters: []conversation.CounterKey{"all", "limited"}}
	together(tries, func(i int) {
		var allowed bool
		_, err := s.Update(t.Context(), person(i), bot.Transition{
			Reads: read(r),
			Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
				spent := func(key conversation.CounterKey) conversation.Counter {
					c := f.Counters[key]
					c.Spends, c.Kept = append(c.Spends, conversation.Spend{ID: person(i).ID, At: at(1)}), at(1000)
					return c
				}
				change := conversation.Change{
					Conversation: begun(person(i)),
					Counters:     map[conversation.CounterKey]conversation.Counter{"all": spent("all")},
				}
				if allowed = len(f.Counters["limited"].Spends) < limit; allowed {
					change.Counters["limited"] = spent("limited")
				}
				return change, nil
			},
		})
		if err != nil {
			t.Errorf("updating: %v", err)
		}
		if allowed {
			judged.Add(1)
		}
	})
	_, facts := s.look(anna, r)
	if n := len(facts.Counters["all"].Spends); n != tries {
		t.Errorf("%d of %d spends are left", n, tries)
	}
	if n := len(facts.Counters["limited"].Spends); n != limit || judged.Load() != limit {
		t.Errorf("%d were judged, %d counted, of at most %d", judged.Load(), n, limit)
	}
}

func storeConversationRace(t *testing.T, s *storeTest) {
	together(50, func(i int) {
		_, err := s.Update(t.Context(), anna, bot.Transition{
			Reads: read(conversation.Reads{}),
			Step: func(c conversation.Conversation, _ conversation.Facts) (conversation.Change, error) {
				if c.ID == "" {
					c = begun(anna)
				}
				c.Page.Version++
				return conversation.Change{Conversation: c, Due: at(c.Page.Version)}, nil
			},
			Patient: i%2 == 0,
		})
		if err != nil {
			t.Errorf("updating: %v", err)
		}
	})
	if got := s.conversation(anna).Page.Version; got != 50 {
		t.Errorf("page %d after 50 updates", got)
	}
	s.same("due", s.due(at(49), 99), []conversation.User{})
	s.same("due", s.due(at(50), 99), []conversation.User{anna})
}

func storeAccountRace(t *testing.T, s *storeTest) {
	var holders atomic.Int32
	together(50, func(i int) {
		var holds bool
		_, err := s.Update(t.Context(), person(i), bot.Transition{
			Reads: read(conversation.Reads{Account: "id:1"}),
			Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
				a := f.Account
				a.Key, a.Kept = "id:1", at(1000)
				a.Guests = append(a.Guests, conversation.Guest{Conversation: person(i).ID})
				if holds = a.Holder == ""; holds {
					a.Holder = person(i).ID
				}
				return conversation.Change{Conversation: begun(person(i)), Account: &a}, nil
			},
		})
		if err != nil {
			t.Errorf("updating: %v", err)
		}
		if holds {
			holders.Add(1)
		}
	})
	_, facts := s.look(anna, conversation.Reads{Account: "id:1"})
	if n := len(facts.Account.Guests); n != 50 || holders.Load() != 1 {
		t.Errorf("%d of 50 guests, %d holders", n, holders.Load())
	}
}

func storeNoAliases(t *testing.T, s *storeTest) {
	change := everything(anna)
	change.Conversation.Seen = []string{"e1"}
	returned := s.update(anna, readEverything, to(change))
	spoil := func(c conversation.Conversation, counters map[conversation.CounterKey]conversation.Counter) {
		c.Seen[0] = "spoilt"
		counters["proofs"].Spends[0].ID = "spoilt"
		delete(counters, "begun")
	}
	spoil(returned.Conversation, returned.Counters)
	change.Account.Guests[0].Conversation = "spoilt"
	change.Notices[0].Kind = "spoilt"
	_, err := s.Update(t.Context(), anna, bot.Transition{
		Reads: read(readEverything),
		Step: func(c conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			spoil(c, f.Counters)
			f.Account.Guests[0].Conversation = "spoilt"
			return conversation.Change{}, errStep
		},
	})
	if !errors.Is(err, errStep) {
		t.Error(err)
	}
	s.conversation(anna).Seen[0] = "spoilt"
	want := everything(anna)
	want.Conversation.Seen = []string{"e1"}
	s.holds(anna, want)
}

func storeSecret(t *testing.T, s *storeTest) {
	change := everything(anna)
	change.Secret = conversation.NewSecret("Geheim-2026-wachtwoord")
	if got := s.update(anna, readEverything, to(change)); got.Secret.Reveal() != "Geheim-2026-wachtwoord" {
		t.Error("the secret did not come back")
	}
	change.Secret = conversation.Secret{}
	s.holds(anna, change)
	stored, err := json.Marshal(s.conversation(anna))
	if err != nil || strings.Contains(string(stored), "Geheim") {
		t.Errorf("%s, %v", stored, err)
	}
}

func storeOtherUser(t *testing.T, s *storeTest) {
	_, err := s.Update(t.Context(), anna, bot.Transition{
		Reads: read(readEverything), Step: to(everything(person(1))),
	})
	if err == nil {
		t.Error("anna has the conversation of person 1")
	}
	s.holdsNothing(anna)
	s.holdsNothing(person(1))
}

func storeNames(t *testing.T, s *storeTest) {
	users := []conversation.User{
		{Chat: "a", ID: "b:c"},
		{Chat: "a:b", ID: "c"},
		{Chat: "A", ID: "b:c"},
		{Chat: "a", ID: "b:c "},
		{Chat: "", ID: "a"},
		{Chat: "a", ID: ""},
		{Chat: "é", ID: "1"},
		{Chat: "e\u0301", ID: "1"},
	}
	for _, user := range users {
		s.update(user, conversation.Reads{}, to(conversation.Change{Conversation: begun(user), Due: at(1)}))
	}
	for _, user := range users {
		s.same(user.String(), s.conversation(user), begun(user))
	}
	if got := len(s.due(at(1), 99)); got != len(users) {
		t.Errorf("%d are due, of %d", got, len(users))
	}
	s.update(anna, conversation.Reads{}, to(conversation.Change{
		Conversation: begun(anna),
		Counters: map[conversation.CounterKey]conversation.Counter{
			"x": {Kept: at(1)}, "X": {Kept: at(2)}, "x ": {Kept: at(3)},
		},
	}))
	_, facts := s.look(anna, conversation.Reads{Counters: []conversation.CounterKey{"x", "X", "x ", ""}})
	s.same("counters", facts.Counters, map[conversation.CounterKey]conversation.Counter{
		"x": {Kept: at(1)}, "X": {Kept: at(2)}, "x ": {Kept: at(3)}, "": {},
	})
}

func storeConversations(t *testing.T, s *storeTest) {
	const n = 600 // more than a store reads at once
	for i := range n {
		s.update(person(i), conversation.Reads{}, to(conversation.Change{Conversation: begun(person(i))}))
	}
	s.update(person(n), conversation.Reads{}, to(conversation.Change{Forget: true}))
	seen := map[conversation.User]int{}
	s.must(s.Conversations(t.Context(), func(c conversation.Conversation) error {
		seen[c.User]++
		if len(seen) == 1 { // nothing is held meanwhile
			s.update(c.User, conversation.Reads{}, to(conversation.Change{Conversation: c}))
		}
		return nil
	}))
	for i := range n {
		if seen[person(i)] != 1 {
			t.Fatalf("%s came %d times, want once", person(i), seen[person(i)])
		}
	}
	s.same("people", len(seen), n)
	enough := errors.New("enough")
	err := s.Conversations(t.Context(), func(conversation.Conversation) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("it went on after an error, and ended with %v", err)
	}
}

// people gives everybody of whom something is kept.
func (s *storeTest) people() map[conversation.User]conversation.Person {
	s.Helper()
	found := map[conversation.User]conversation.Person{}
	err := s.People(s.Context(), func(p conversation.Person) error {
		if _, twice := found[p.User]; twice {
			s.Errorf("%s comes twice", p.User)
		}
		found[p.User] = p
		return nil
	})
	if err != nil {
		s.Fatalf("going through people: %v", err)
	}
	return found
}

func storePeople(t *testing.T, s *storeTest) {
	s.same("nobody", s.people(), map[conversation.User]conversation.Person{})
	const n = 300
	want := map[conversation.User]conversation.Person{}
	for i := range n {
		p := bound(person(i))
		want[p.User] = *p
		s.update(anna, conversation.Reads{}, to(conversation.Change{Conversation: begun(anna), Person: p}))
	}
	s.same("people", s.people(), want)
	seen := 0
	err := s.People(t.Context(), func(p conversation.Person) error {
		if seen++; seen%50 == 0 { // the store is not held meanwhile
			_, f := s.look(anna, conversation.Reads{Person: p.User})
			s.same("a person, read meanwhile", f.Person, p)
			s.update(anna, conversation.Reads{}, to(conversation.Change{Conversation: begun(anna)}))
		}
		return nil
	})
	if err != nil || seen != n {
		t.Errorf("went through %d of %d, %v", seen, n, err)
	}
	if err := s.People(t.Context(), func(conversation.Person) error { return errStep }); !errors.Is(err, errStep) {
		t.Errorf("got %v, want the error of each", err)
	}
	same := conversation.User{Chat: "web", ID: person(1).ID}
	_, f := s.look(anna, conversation.Reads{Person: same})
	s.same("the same id in another chat", f.Person, conversation.Person{})
}

func storeNobody(t *testing.T, s *storeTest) {
	s.update(anna, conversation.Reads{}, to(conversation.Change{Conversation: begun(anna), Person: bound(person(1))}))
	change := conversation.Change{Forget: true, Person: &conversation.Person{User: person(1)}}
	s.update(anna, conversation.Reads{Person: person(1)}, to(change))
	s.same("people", s.people(), map[conversation.User]conversation.Person{})
	_, err := s.Update(t.Context(), anna, bot.Transition{
		Reads: read(conversation.Reads{}),
		Step:  to(conversation.Change{Conversation: begun(anna), Person: &conversation.Person{}}),
	})
	if err == nil {
		t.Error("a person without a name was taken")
	}
}

func storePersonRace(t *testing.T, s *storeTest) {
	const n = 20
	together(n, func(i int) { // each in a conversation of its own
		_, err := s.Update(t.Context(), person(i), bot.Transition{
			Reads: read(conversation.Reads{Person: anna}),
			Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
				p := f.Person
				p.User = anna
				p.Bindings = append(slices.Clone(p.Bindings), conversation.Binding{Account: conversation.AccountID(fmt.Sprint(i))})
				return conversation.Change{Conversation: begun(person(i)), Person: &p}, nil
			},
		})
		if err != nil {
			t.Errorf("updating: %v", err)
		}
	})
	if got := s.people()[anna].Bindings; len(got) != n {
		t.Errorf("%d of %d bindings are left", len(got), n)
	}
}

func storeSweepPeople(t *testing.T, s *storeTest) {
	ended := &conversation.Person{User: person(2), Ended: at(1), Kept: at(50)}
	for _, p := range []*conversation.Person{bound(person(1)), ended} {
		s.update(anna, conversation.Reads{}, to(conversation.Change{Forget: true, Person: p}))
	}
	if n := s.sweep(at(50), 9); n != 0 {
		t.Errorf("swept %d too early", n)
	}
	if n := s.sweep(at(51), 9); n != 1 {
		t.Errorf("swept %d, want 1", n)
	}
	s.same("people", s.people(), map[conversation.User]conversation.Person{person(1): *bound(person(1))})
}

func storeDue(t *testing.T, s *storeTest) {
	set := func(n int, due time.Time) {
		s.update(person(n), conversation.Reads{}, to(conversation.Change{Conversation: begun(person(n)), Due: due}))
	}
	for n, seconds := range []int{30, 10, 50, 20, 40} {
		set(n, at(seconds))
	}
	set(5, time.Time{})                      // never
	set(6, at(40).Add(time.Nanosecond))      // a moment after person 4
	set(7, at(40).In(time.FixedZone("", 1))) // the same moment as person 4
	set(8, time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC))
	set(9, time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC))

	users := func(ns ...int) (users []conversation.User) {
		for _, n := range ns {
			users = append(users, person(n))
		}
		return users
	}
	set(7, time.Time{}) // not any more
	s.same("before all", s.due(at(9), 99), users(8))
	s.same("just then", s.due(at(10), 99), users(8, 1))
	s.same("in order", s.due(at(40), 99), users(8, 1, 3, 0, 4))
	s.same("a moment later", s.due(at(40).Add(time.Nanosecond), 99), users(8, 1, 3, 0, 4, 6))
	s.same("at most two", s.due(at(40), 2), users(8, 1))
	s.same("at most none", s.due(at(40), 0), users())
	set(1, at(60))
	set(8, at(70))
	s.same("moved", s.due(at(100), 99), users(3, 0, 4, 6, 2, 1, 8))
	s.update(person(3), conversation.Reads{}, to(conversation.Change{Forget: true}))
	set(0, time.Time{})
	s.same("gone", s.due(at(100), 99), users(4, 6, 2, 1, 8))
}

func storeNotices(t *testing.T, s *storeTest) {
	notice := func(id string, due time.Time) conversation.Notice {
		return conversation.Notice{
			ID: id, Due: due, Kind: conversation.Tell, Account: "1", Message: conversation.TellReset,
			Receipt: "ABC-DEF", Chat: "teams", Locale: "nl", At: at(-3), User: anna,
		}
	}
	a, b, now := notice("a", at(20)), notice("b", at(10)), notice("now", time.Time{})
	s.update(anna, conversation.Reads{}, to(conversation.Change{
		Conversation: begun(anna), Notices: []conversation.Notice{a, b, now},
	}))
	s.same("one without a date is due at once", s.notices(at(9), 9), []conversation.Notice{now})
	s.must(s.Settle(t.Context(), "now"))
	s.same("just then", s.notices(at(10), 9), []conversation.Notice{b})
	s.same("in order", s.notices(at(20), 9), []conversation.Notice{b, a})
	s.same("at most one", s.notices(at(20), 1), []conversation.Notice{b})
	s.same("at most none", s.notices(at(20), 0), []conversation.Notice{})
	s.must(s.Postpone(t.Context(), "b", at(30), "mail"))
	b.Due, b.Attempts, b.Told = at(30), 1, []string{"mail"}
	s.same("postponed", s.notices(at(29), 9), []conversation.Notice{a})
	s.same("later", s.notices(at(30), 9), []conversation.Notice{a, b})
	s.must(s.Postpone(t.Context(), "b", at(40), "text", "mail"))
	b.Due, b.Attempts, b.Told = at(40), 2, []string{"mail", "text"}
	s.must(s.Postpone(t.Context(), "b", at(40)))
	b.Attempts = 3
	s.must(s.Settle(t.Context(), "a"))
	s.same("settled", s.notices(at(99), 9), []conversation.Notice{b})
	s.must(s.Settle(t.Context(), "a")) // again
	s.must(s.Postpone(t.Context(), "a", at(50)))
	s.must(s.Settle(t.Context(), "never was"))
	s.same("what was settled stays so", s.notices(at(99), 9), []conversation.Notice{b})
}

func storeAlarms(t *testing.T, s *storeTest) {
	line := func(second int, event string) conversation.Line {
		return conversation.Line{
			At: at(second), Event: event, Receipt: "ABC-DEF", Chat: "web", Account: "1", Detail: "why", Alarm: true,
		}
	}
	quiet := line(1, "quiet")
	quiet.Alarm = false
	s.update(anna, conversation.Reads{}, to(conversation.Change{
		Conversation: begun(anna), Audit: []conversation.Line{quiet, line(2, "changed")},
	}))
	s.must(s.Append(t.Context(), line(3, "appended"), quiet))
	if d, ok := s.Store.(bot.Discarder); ok {
		s.must(d.Discard(t.Context(), anna, line(4, "discarded")))
	}
	check := func(what string) {
		t.Helper()
		var want []conversation.Notice
		for _, e := range s.entries() {
			if alarm, ok := e.Alarm(); ok && (what == "" || e.Line.Event == what) {
				want = append(want, alarm)
			}
		}
		s.same("alarms", s.notices(at(99), 9), want)
	}
	check("")
	if got := s.notices(at(2), 9); len(got) != 1 || got[0].ID == "" || got[0].Kind != conversation.Alarm ||
		got[0].Alarm != "why" || got[0].Account != "1" || got[0].Receipt != "ABC-DEF" {
		t.Errorf("the first alarm is %+v", got)
	}
	s.must(s.EndAll(t.Context(), line(5, "ended"))) // which forgets those before
	check("ended")
}

func (s *storeTest) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func storeSweep(t *testing.T, s *storeTest) {
	keep := func(n int, kept time.Time) conversation.Change {
		name := fmt.Sprint(n)
		return conversation.Change{
			Conversation: begun(person(n)),
			Due:          at(1),
			Account: &conversation.AccountRecord{
				Key: conversation.AccountKey("id:" + name), Holder: name, Kept: kept,
			},
			Counters: map[conversation.CounterKey]conversation.Counter{
				conversation.CounterKey(name): {Spends: []conversation.Spend{{ID: name, At: at(1)}}, Kept: kept},
			},
			Marks:   []conversation.Mark{{Key: name, Expires: kept}},
			Notices: []conversation.Notice{{ID: name, Due: at(1), Kind: conversation.Nudge}},
		}
	}
	kept := []time.Time{at(10), at(20), {}}
	for n, kept := range kept {
		s.update(person(n), conversation.Reads{}, to(keep(n, kept)))
	}
	there := func(want ...bool) {
		s.Helper()
		for n, want := range want {
			name := fmt.Sprint(n)
			_, f := s.look(anna, conversation.Reads{
				Account: conversation.AccountKey("id:" + name), Marks: []string{name},
				Counters: []conversation.CounterKey{conversation.CounterKey(name)},
			})
			account, counter := f.Account.Holder != "", len(f.Counters[conversation.CounterKey(name)].Spends) > 0
			if account != want || counter != want || f.Marks[name] != want {
				t.Errorf("%d: account %t, counter %t, mark %t; want %t", n, account, counter, f.Marks[name], want)
			}
		}
	}
	if n := s.sweep(at(10), 99); n != 0 {
		t.Errorf("swept %d that are kept until this moment", n)
	}
	there(true, true, true)
	if n := s.sweep(at(10).Add(time.Nanosecond), 99); n != 3 {
		t.Errorf("swept %d, want 3", n)
	}
	there(false, true, true)
	// What is kept longer than it was is not forgotten when it was to be.
	change := keep(1, at(30))
	change.Marks = nil
	s.update(person(1), conversation.Reads{}, to(change))
	if n := s.sweep(at(25), 99); n != 1 {
		t.Errorf("swept %d, want the mark alone", n)
	}
	if n := s.sweep(at(99999), 99); n != 2 {
		t.Errorf("swept %d, want 2", n)
	}
	there(false, false, true) // without a date: never
	for n := range kept {
		s.same("conversation", s.conversation(person(n)).ID, begun(person(n)).ID)
	}
	if n := len(s.notices(at(1), 9)); n != 3 {
		t.Errorf("%d notices are left of 3", n)
	}
}

func storeSweepLimit(t *testing.T, s *storeTest) {
	change := conversation.Change{
		Conversation: begun(anna),
		Account:      &conversation.AccountRecord{Key: "id:1", Kept: at(1)},
		Counters:     map[conversation.CounterKey]conversation.Counter{},
	}
	for n := range 10 {
		change.Counters[conversation.CounterKey(fmt.Sprint(n))] = conversation.Counter{Kept: at(n)}
		change.Marks = append(change.Marks, conversation.Mark{Key: fmt.Sprint(n), Expires: at(n)})
	}
	s.update(anna, conversation.Reads{}, to(change))
	for _, want := range []int{8, 8, 5, 0} {
		if n := s.sweep(at(100), 8); n != want {
			t.Errorf("swept %d, want %d", n, want)
		}
	}
	if n := s.sweep(at(100), 0); n != 0 {
		t.Errorf("swept %d, want none", n)
	}
}

func storeAudit(t *testing.T, s *storeTest) {
	amsterdam := time.FixedZone("CET", 3600)
	line := conversation.Line{
		At: at(1).Add(123456789).In(amsterdam), Event: "written", From: conversation.Changing, To: conversation.Done,
		Receipt: "ABC-DEF", Chat: "teams", Asker: "f00", Account: "1", Own: true, Method: conversation.SMS,
		Goal: conversation.ToReset, Detail: "<&>\u2028 Zoë", Alarm: true,
	}
	s.must(s.Append(t.Context(), line, conversation.Line{At: at(2), Event: "second"}))
	s.must(s.Append(t.Context()))
	for n := range 600 { // more than a store may read at once
		s.must(s.Append(t.Context(), conversation.Line{At: at(n), Event: fmt.Sprint(n)}))
		if n > 20 && n < 580 {
			continue
		}
		if head, err := s.Head(t.Context()); err != nil || head.Seq != uint64(n+3) {
			t.Fatalf("the head is line %d, %v, after %d", head.Seq, err, n+3)
		}
	}
	entries := s.entries()
	s.same("the first line", entries[0].Line, line)
	if len(entries) != 602 {
		t.Fatalf("%d lines of 602", len(entries))
	}
	for i, e := range entries {
		if e.Seq != uint64(i+1) {
			t.Fatalf("line %d has the number %d", i+1, e.Seq)
		}
	}
	for _, from := range []uint64{1, 2, 300, 602, 603, 1 << 40} {
		want := entries[min(int(from)-1, len(entries)):]
		var got []bot.Entry
		s.must(s.Lines(t.Context(), from, func(e bot.Entry) error { got = append(got, e); return nil }))
		s.same(fmt.Sprintf("from %d", from), got, want)
	}
	seen := 0
	err := s.Lines(t.Context(), 1, func(bot.Entry) error {
		if seen++; seen == 3 {
			return errStep
		}
		return nil
	})
	if !errors.Is(err, errStep) || seen != 3 {
		t.Errorf("stopped at line %d with %v", seen, err)
	}
}

func storeAuditRace(t *testing.T, s *storeTest) {
	together(50, func(i int) {
		user := person(i)
		lines := []conversation.Line{{At: at(i), Event: "a" + user.ID}, {At: at(i), Event: "b" + user.ID}}
		if i%5 == 0 {
			if err := s.Append(t.Context(), lines...); err != nil {
				t.Errorf("appending: %v", err)
			}
			return
		}
		_, err := s.Update(t.Context(), user, bot.Transition{
			Reads: read(conversation.Reads{}),
			Step: func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
				switch i % 5 {
				case 1:
					return conversation.Change{Audit: lines}, errStep
				case 2:
					panic("step")
				}
				return conversation.Change{Conversation: begun(user), Audit: lines}, nil
			},
		})
		if failing := i%5 == 1 || i%5 == 2; failing != (err != nil) {
			t.Errorf("update %d: %v", i, err)
		}
	})
	entries := s.entries() // which verifies the chain
	if len(entries) != 60 {
		t.Errorf("%d lines of 60", len(entries))
	}
	for i := 0; i+1 < len(entries); i += 2 {
		first, second := entries[i].Line.Event, entries[i+1].Line.Event
		if first[0] != 'a' || second[0] != 'b' || first[1:] != second[1:] {
			t.Errorf("line %d is %s, line %d %s", i+1, first, i+2, second)
		}
	}
}

func storeLineWithChange(t *testing.T, s *storeTest) {
	s.update(anna, conversation.Reads{}, to(conversation.Change{
		Conversation: begun(anna), Audit: []conversation.Line{{At: at(1), Event: "first"}},
	}))
	bad := begun(anna)
	bad.State = conversation.Done
	never := time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC) // RFC 3339 has no year of five digits
	for name, spoil := range map[string]func(*conversation.Change){
		"a conversation": func(ch *conversation.Change) { ch.Conversation.Ends = never },
		"an account":     func(ch *conversation.Change) { ch.Account = &conversation.AccountRecord{Holder: "no key"} },
		"a notice":       func(ch *conversation.Change) { ch.Notices = []conversation.Notice{{ID: "n", At: never}} },
		"a notice's id":  func(ch *conversation.Change) { ch.Notices = []conversation.Notice{{Due: at(1)}} },
		"a line":         func(ch *conversation.Change) { ch.Audit = append(ch.Audit, conversation.Line{At: never}) },
	} {
		change := conversation.Change{Conversation: bad, Audit: []conversation.Line{{At: at(2), Event: name}}}
		spoil(&change)
		tr := bot.Transition{Reads: read(conversation.Reads{}), Step: to(change)}
		if _, err := s.Update(t.Context(), anna, tr); err == nil {
			t.Errorf("%s was written that cannot be", name)
		}
	}
	s.same("conversation", s.conversation(anna), begun(anna))
	s.same("audit", s.lines(), []string{"first"})
	s.same("notices", s.notices(at(99), 9), []conversation.Notice{})
}

func storeLinesNested(t *testing.T, s *storeTest) {
	for _, event := range []string{"1", "2"} {
		s.must(s.Append(t.Context(), conversation.Line{At: at(1), Event: event}))
	}
	seen := 0
	s.must(s.Lines(t.Context(), 1, func(e bot.Entry) error {
		if seen++; seen > 2 {
			return nil
		}
		s.look(anna, readEverything)
		return s.Append(t.Context(), conversation.Line{At: at(3), Event: "while reading"})
	}))
	if seen < 2 {
		t.Errorf("saw %d lines", seen)
	}
	s.same("audit", s.lines(), []string{"1", "2", "while reading", "while reading"})
}

func storeEndAll(t *testing.T, s *storeTest) {
	change := everything(anna)
	s.update(anna, readEverything, to(change))
	s.update(person(1), conversation.Reads{}, to(conversation.Change{Conversation: begun(person(1)), Due: at(2)}))
	s.must(s.EndAll(t.Context(), conversation.Line{At: at(3), Event: "restored"}))
	for _, user := range []conversation.User{anna, person(1)} {
		s.same("conversation", s.conversation(user), conversation.Conversation{})
	}
	s.same("due", s.due(at(9999), 9), []conversation.User{})
	s.same("notices", s.notices(at(9999), 9), []conversation.Notice{})
	s.same("audit", s.lines(), []string{"proved", "told", "restored"})
	_, facts := s.look(anna, readEverything)
	s.same("counter", facts.Counters["proofs"], change.Counters["proofs"]) // a lock outlives it
	s.same("marks", facts.Marks["code:1"], true)
	s.same("account", facts.Account, *change.Account)
	s.same("person", facts.Person, conversation.Person{}) // who was unbound since must not be bound again
	s.same("people", s.people(), map[conversation.User]conversation.Person{})
	s.update(anna, conversation.Reads{}, to(conversation.Change{Conversation: begun(anna), Due: at(4)}))
	s.same("due", s.due(at(9999), 9), []conversation.User{anna})
}

func storeDiscard(t *testing.T, s *storeTest) {
	discarder, ok := s.Store.(bot.Discarder)
	if !ok {
		t.Skip("not a Discarder")
	}
	s.update(anna, conversation.Reads{}, to(conversation.Change{Conversation: begun(anna), Due: at(1), Person: bound(anna)}))
	s.update(person(1), conversation.Reads{}, to(conversation.Change{
		Conversation: begun(person(1)), Due: at(2), Person: bound(person(1)),
	}))
	s.must(discarder.Discard(t.Context(), anna, conversation.Line{At: at(3), Event: "unreadable"}))
	s.must(discarder.Discard(t.Context(), person(2), conversation.Line{At: at(3), Event: "was not there"}))
	s.same("conversation", s.conversation(anna), conversation.Conversation{})
	s.same("the other one", s.conversation(person(1)), begun(person(1)))
	s.same("due", s.due(at(9999), 9), []conversation.User{person(1)})
	s.same("people", s.people(), map[conversation.User]conversation.Person{person(1): *bound(person(1))})
	s.same("audit", s.lines(), []string{"unreadable", "was not there"})
}

func storeCancelled(t *testing.T, s *storeTest) {
	change := everything(anna)
	s.update(anna, readEverything, to(change))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func() error{
		"Update": func() error {
			_, err := s.Update(ctx, anna, bot.Transition{Reads: read(conversation.Reads{}), Step: func(
				conversation.Conversation, conversation.Facts,
			) (conversation.Change, error) {
				t.Error("the step was called")
				return conversation.Change{Forget: true}, nil
			}})
			return err
		},
		"Conversation": func() error { _, err := s.Conversation(ctx, anna); return err },
		"Due":          func() error { _, err := s.Due(ctx, at(99), 9); return err },
		"Notices":      func() error { _, err := s.Notices(ctx, at(99), 9); return err },
		"Settle":       func() error { return s.Settle(ctx, "n1") },
		"Postpone":     func() error { return s.Postpone(ctx, "n1", at(99)) },
		"Sweep":        func() error { _, err := s.Sweep(ctx, at(99999), 9); return err },
		"Append":       func() error { return s.Append(ctx, conversation.Line{At: at(1), Event: "no"}) },
		"Lines":        func() error { return s.Lines(ctx, 1, func(bot.Entry) error { return nil }) },
		"Head":         func() error { _, err := s.Head(ctx); return err },
		"EndAll":       func() error { return s.EndAll(ctx, conversation.Line{At: at(1), Event: "no"}) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	s.holds(anna, change)
}

func storeCancelledLate(t *testing.T, s *storeTest) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Update(ctx, anna, bot.Transition{Reads: read(readEverything), Step: func(
		conversation.Conversation, conversation.Facts,
	) (conversation.Change, error) {
		cancel()
		return everything(anna), nil
	}})
	if err != nil {
		s.holdsNothing(anna)
		return
	}
	s.holds(anna, everything(anna))
}

func storeReopen(t *testing.T, s *storeTest) {
	if s.Reopen == nil {
		t.Skip("this store forgets")
	}
	change := everything(anna)
	s.update(anna, readEverything, to(change))
	s.Store = s.Reopen(t, s.Store)
	s.holds(anna, change)
	s.must(s.Append(t.Context(), conversation.Line{At: at(9), Event: "after the restart"}))
	s.same("audit", s.lines(), []string{"proved", "told", "after the restart"})
}

// TypicalTransition is an update as a message causes it, for benchmarks: the
// conversation, one counter and one line of the audit, of the usual size. It
// is the nth of user, and takes no time to compute.
func TypicalTransition(user conversation.User, n int, now time.Time) bot.Transition {
	counter := conversation.CounterKey("proofs of " + user.ID)
	return bot.Transition{
		Reads: read(conversation.Reads{Account: "id:1", Counters: []conversation.CounterKey{counter}}),
		Step: func(c conversation.Conversation, _ conversation.Facts) (conversation.Change, error) {
			if c.ID == "" {
				c = begun(user)
				c.Address = `{"serviceUrl":"https://smba.trafficmanager.net/emea/","conversation":"a:1pL6i0oJ"}`
				c.Subject = conversation.Subject{
					Key: "id:7d4f1c86-5f0c-4a43-9c26-0b1d5a8f2c11", ID: "7d4f1c86-5f0c-4a43-9c26-0b1d5a8f2c11",
					Name: "M. de Vries", UPN: "m.devries@example.org", Digits: "13",
					Methods: conversation.Methods,
				}
				c.Page = conversation.Page{
					Token: "0123456789abcdef0123456789abcdef", ID: conversation.AskMethod,
					Receipt: "ABC-DEF", Ends: at(900),
					Offers: []conversation.Offer{
						{Choice: conversation.PickSMS},
						{Choice: conversation.PickCall},
						{Choice: conversation.PickPush},
						{Choice: conversation.PickCode},
						{Choice: conversation.PickNoPhone},
						{Choice: conversation.PickDesk},
					},
				}
			}
			c.Page.Version = n
			return conversation.Change{
				Conversation: c,
				Due:          now.Add(time.Duration(n) * time.Millisecond),
				Counters: map[conversation.CounterKey]conversation.Counter{
					counter: {
						Spends: []conversation.Spend{{ID: "0123456789abcdef", At: now}},
						Kept:   now.Add(24 * time.Hour),
					},
				},
				Audit: []conversation.Line{{
					At: now, Event: "stay", From: c.State, To: c.State, Receipt: c.Receipt, Chat: user.Chat,
				}},
			}, nil
		},
	}
}
