package conversation_test

import (
	"strings"
	"testing"
	"time"

	. "resetbot/conversation"
)

// unfreeze takes an operator's word in, and applies it.
func (w *world) unfreeze(id AccountID) Change {
	w.t.Helper()
	w.steps++
	u := Unfreezing{Account: id, By: "uid_7", Locale: "nl", Nonce: Nonce{byte(w.steps)}}
	reads := w.wizard.StandingReads(id.Key())
	f := Facts{Account: w.accounts[reads.Account], Counters: map[CounterKey]Counter{}}
	for _, k := range reads.Counters {
		f.Counters[k] = w.counters[k]
	}
	change, again := w.wizard.Unfreeze(u, f, w.now), w.wizard.Unfreeze(u, f, w.now)
	if a, b := encodeChange(w.t, change), encodeChange(w.t, again); a != b {
		w.t.Fatalf("taken twice it differs:\n%s\n%s", a, b)
	}
	if change.Same {
		return change
	}
	w.accounts[id.Key()] = *change.Account
	for k, c := range change.Counters {
		w.counters[k] = c
	}
	w.audit = append(w.audit, change.Audit...)
	w.notices = append(w.notices, change.Notices...)
	return change
}

func (w *world) standing(key AccountKey) Standing {
	reads := w.wizard.StandingReads(key)
	f := Facts{Account: w.accounts[reads.Account], Counters: map[CounterKey]Counter{}}
	for _, k := range reads.Counters {
		f.Counters[k] = w.counters[k]
	}
	return w.wizard.Standing(key, f, w.now)
}

func TestAFrozenAccountIsFreeAfterAnOperatorsWord(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.code(ann)
	w.disown(w.newest(TellProved))
	if got := w.standing("id:1").Frozen; !got.After(w.now) {
		t.Fatalf("frozen until %v", got)
	}
	change := w.unfreeze("1")
	if got := w.standing("id:1"); !got.Frozen.IsZero() {
		t.Errorf("still frozen until %v", got.Frozen)
	}
	line := change.Audit[0]
	if line.Event != "unfrozen" || line.Account != "1" || line.Asker != "uid_7" || !line.At.Equal(w.now) {
		t.Errorf("the audit says %+v", line)
	}
	if n := w.newest(TellUnfrozen); n.Account != "1" || n.Receipt != line.Receipt || n.ID == "" || n.Conversation == "" {
		t.Errorf("the owner is told %+v", n)
	}
	w.toStep1(bob, PickReset, "m.devries")
	if w.convs[bob].Subject.Decoy {
		t.Error("a free account is walked as a decoy")
	}
	if !w.unfreeze("1").Same {
		t.Error("what is free was freed again")
	}
}

func TestAResetLockIsLiftedAndWhatElseIsCountedStays(t *testing.T) {
	w := newWorld(t)
	at := func(use, class string) CounterKey { return CounterKey(use + "|" + class + "|id:1") }
	for _, l := range []struct {
		use   string
		limit Limit
	}{{"proofs", w.wizard.Policy.Proofs}, {"challenges", w.wizard.Policy.Challenges}} {
		for _, class := range []string{"others", "own"} {
			var c Counter
			for i := range l.limit.N {
				c = c.Spend(strings.Repeat("x", i+1), w.now, l.limit)
			}
			w.counters[at(l.use, class)] = c
		}
	}
	before := w.standing("id:1")
	day, hour := w.now.Add(24*time.Hour), w.now.Add(time.Hour)
	if want := (Shut{Proofs: day, Challenges: hour}); before.Others != want || before.Own != want {
		t.Fatalf("what stands in the way: %+v, want %+v", before, want)
	}
	w.unfreeze("1")
	after := w.standing("id:1")
	if want := (Shut{Challenges: hour}); after.Others != want || after.Own != want {
		t.Errorf("after it was lifted: %+v, want %+v", after, want)
	}
	if after.Liftable() || after.Free() {
		t.Errorf("liftable %v, free %v: codes are still counted", after.Liftable(), after.Free())
	}
}

func TestNothingIsWrittenWhereNothingIsShut(t *testing.T) {
	w := newWorld(t)
	if change := w.unfreeze("1"); !change.Same || len(w.audit)+len(w.notices)+len(w.accounts) > 0 {
		t.Errorf("it came to %+v", change)
	}
}

func TestTheStandingOfANameThatNobodyHasReadsNoRecord(t *testing.T) {
	w := newWorld(t)
	if r := w.wizard.StandingReads("name:12345"); r.Account != "" || len(r.Counters) != 6 {
		t.Errorf("it reads %+v", r)
	}
	if !w.standing("name:12345").Free() {
		t.Error("something stands in the way of nobody")
	}
}
