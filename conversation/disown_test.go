package conversation_test

import (
	"testing"
	"time"

	. "resetbot/conversation"
)

// newest is the newest notice of a kind.
func (w *world) newest(m MessageID) Notice {
	w.t.Helper()
	told := w.told()
	for i := len(told) - 1; i >= 0; i-- {
		if told[i].Message == m {
			return told[i]
		}
	}
	w.t.Fatalf("nobody was told %s", m)
	return Notice{}
}

func TestAC74_DisownedBeforeTheWriteNothingIsReset(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.code(ann)
	w.on(ann, Step2Choose)
	owner := w.disown(w.newest(TellProved))
	if got := w.convs[owner].State; got != Secured {
		t.Fatalf("on %s, want %s", got, Secured)
	}
	w.step(ann, Input{Kind: Passed})
	w.on(ann, Withdrawn)
	w.toStep1(bob, PickReset, "m.devries")
	w.pick(bob, PickCode)
	if c := w.say(bob, FieldCode, "123456"); !c.Conversation.Task.Decoy {
		t.Fatal("a frozen account can still be proved")
	}
	w.now = w.now.Add(24*time.Hour + time.Second)
	w.toStep1(User{"web", "later"}, PickReset, "m.devries")
	if w.convs[User{"web", "later"}].Subject.Decoy {
		t.Fatal("the freeze lasts longer than a day")
	}
}

func TestAC74_DisownedAfterTheWriteThePasswordIsWorthNothing(t *testing.T) {
	w := newWorld(t)
	w.toConfirming()
	w.go1(ann)
	w.go1(ann)
	w.on(ann, Done)
	notice := w.newest(TellReset)
	owner := w.disown(notice)
	if c := w.convs[owner]; c.State != Scrambling || c.Task.Kind != TaskScramble || c.Task.Account != "1" {
		t.Fatalf("on %s with the task %+v", c.State, c.Task)
	}
	w.come(owner, Outcome{Write: WriteUnknown}) // tried again until it is done
	if c := w.convs[owner]; c.State != Scrambling || c.Write == nil {
		t.Fatalf("given up on %s", c.State)
	}
	w.now = w.now.Add(time.Minute)
	w.step(owner, Input{Kind: Passed})
	w.come(owner, Outcome{Write: WriteDone})
	if got := w.convs[owner].State; got != Secured {
		t.Fatalf("on %s", got)
	}
	w.newest(TellSecured)

	t.Run("AC75_onceForEachNotice", func(t *testing.T) {
		w.t = t
		before := len(w.audit)
		w.disown(notice)
		if len(w.audit) != before {
			t.Fatal("a notice was used twice")
		}
	})
}

func TestAC75_ALinkOfANoticeDies(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.code(ann)
	notice := w.newest(TellProved)
	w.now = w.now.Add(72 * time.Hour)
	w.disown(notice)
	if !w.accounts["id:1"].Frozen.IsZero() {
		t.Fatal("an old notice froze the account")
	}
}

func TestADisownedWriteThatIsUnderWayIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.toConfirming()
	proved := w.newest(TellProved)
	w.go1(ann)
	w.on(ann, Changing)
	owner := w.disown(proved)
	if got := w.convs[owner].State; got != Disowned {
		t.Fatalf("decided too early: %s", got)
	}
	w.go1(ann)
	w.on(ann, Done)
	w.now = w.now.Add(6 * time.Second)
	w.step(owner, Input{Kind: Passed})
	if got := w.convs[owner].State; got != Scrambling {
		t.Fatalf("the password that was just set still works: %s", got)
	}
}

func TestALostPhoneInOwnChatFreezesAtOnce(t *testing.T) {
	w := newWorld(t)
	from := Origin{User: ann, Bound: []Bound{{ID: "1", UPN: "m.devries@rijnzicht.example"}}}
	w.step(ann, Input{Kind: Said, Choice: PickElse, From: from})
	w.step(ann, Input{Kind: Said, Choice: PickLostPhone, From: from})
	w.on(ann, Referred)
	if !w.accounts["id:1"].Frozen.After(w.now) {
		t.Fatal("the account is not frozen")
	}
}

// A write whose truth was not known before the service went down for long is not
// known after it either. Whatever comes first then, the password is worth nothing.
func TestADisownedWriteIsWaitedForHoweverLongTheServiceWasDown(t *testing.T) {
	lost := func(t *testing.T) (w *world, owner User) {
		w = newWorld(t)
		w.toConfirming()
		proved := w.newest(TellProved)
		w.go1(ann)
		w.come(ann, Outcome{Write: WriteUnknown})
		w.on(ann, Unknown)
		owner = w.disown(proved)
		w.now = w.now.Add(36 * time.Hour)
		w.step(owner, Input{Kind: Passed})
		if got := w.convs[owner].State; got != Disowned {
			t.Fatalf("decided before anybody knows: %s", got)
		}
		return w, owner
	}
	t.Run("andFoundToBeWritten", func(t *testing.T) {
		w, owner := lost(t)
		w.step(ann, Input{Kind: Passed})
		w.come(ann, Outcome{Changed: ChangedYes})
		w.on(ann, Done)
		w.now = w.now.Add(6 * time.Second)
		w.step(owner, Input{Kind: Passed})
		w.on(owner, Scrambling)
	})
	t.Run("andNeverFound", func(t *testing.T) {
		w, owner := lost(t)
		w.step(ann, Input{Kind: Passed})
		w.come(ann, Outcome{Changed: ChangedUnreachable})
		w.on(ann, Withdrawn)
		w.now = w.now.Add(6 * time.Second)
		w.step(owner, Input{Kind: Passed})
		w.on(owner, Scrambling)
	})
	t.Run("andItsConversationIsLost", func(t *testing.T) {
		w, owner := lost(t)
		c := w.convs[owner]
		waited := *c.Write
		waited.Checks = int(48 * time.Hour / (5 * time.Second))
		c.Write = &waited
		w.convs[owner] = c
		w.now = w.now.Add(6 * time.Second)
		w.step(owner, Input{Kind: Passed})
		w.on(owner, Scrambling)
	})
}
