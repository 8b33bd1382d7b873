package conversation_test

import (
	"testing"
	"time"

	. "resetbot/conversation"
)

const goodPassword = marked + "kaars-fiets-molen"

func (w *world) sms(user User, number string) {
	w.t.Helper()
	w.pick(user, PickSMS)
	w.say(user, FieldNumber, number)
	w.go1(user)
	w.say(user, FieldCode, "123456")
	w.go1(user)
}

func (w *world) code(user User) {
	w.t.Helper()
	w.pick(user, PickCode)
	w.say(user, FieldCode, "654321")
	w.go1(user)
}

func TestAWholeResetEndsDone(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "M.deVries@rijnzicht.example")
	w.sms(ann, "0612345613")
	w.on(ann, Step2Choose)
	w.code(ann)
	w.on(ann, Password)
	w.submit(ann, goodPassword)
	w.on(ann, Confirming)
	w.go1(ann)
	w.on(ann, Changing)
	w.go1(ann)
	w.on(ann, Done)
	for k, c := range w.counters {
		if len(c.Spends) > 0 && k[:5] != "asker" {
			t.Errorf("%s still has %d spends after a success", k, len(c.Spends))
		}
	}
}

func TestUnlockLeadsToNoPasswordPage(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickUnlock, "m.devries")
	w.sms(ann, "0612345613")
	w.code(ann)
	w.on(ann, Unlocking)
	w.go1(ann)
	w.on(ann, Unlocking)
	w.go1(ann)
	w.on(ann, Done)
}

// What unlocks is no older than 15 minutes when it does, also where the service was
// down between the proof and the account's being read again.
func TestAC40_TheOneProofOfAnUnlockGrowsOld(t *testing.T) {
	for wait, want := range map[time.Duration]State{14 * time.Minute: Done, 16 * time.Minute: Withdrawn} {
		w := newWorld(t)
		w.bound[mia] = []Bound{{ID: "1", UPN: "m.devries@rijnzicht.example"}}
		w.accounts["id:1"] = AccountRecord{Key: "id:1", LastReset: w.now}
		w.step(mia, Input{Kind: Arrived})
		w.pick(mia, PickUnlock)
		w.pick(mia, PickYes)
		w.go1(mia)
		w.code(mia)
		w.on(mia, Unlocking)
		w.now = w.now.Add(wait)
		w.step(mia, Input{Kind: Passed}) // the process that was to read it died
		for !w.convs[mia].State.Over() {
			w.go1(mia)
		}
		w.on(mia, want)
	}
}

func TestAC39_TheSecondStepRefusesTheFamilyOfTheFirst(t *testing.T) {
	for first, second := range map[Choice][]Choice{PickSMS: {PickSMS, PickCall}, PickCode: {PickCode, PickPush}} {
		for _, again := range second {
			w := newWorld(t)
			w.toStep1(ann, PickReset, "m.devries")
			if first == PickSMS {
				w.sms(ann, "0612345613")
			} else {
				w.code(ann)
			}
			w.pick(ann, again)
			w.on(ann, Step2Choose)
			w.note(ann, NoteFamilyUsed)
		}
	}
}

func TestAC13_ExactlyFiveProofsMayFail(t *testing.T) {
	w := newWorld(t)
	judged := 0
	for conversation := range 5 {
		user := User{"web", string(rune('a' + conversation))}
		w.step(user, Input{Kind: Arrived})
		w.pick(user, PickReset)
		w.say(user, FieldName, "m.devries")
		w.say(user, FieldCaptcha, w.captcha(user))
		w.go1(user)
		if w.convs[user].State == Locked {
			break
		}
		for wrong := 0; wrong < 2 && w.convs[user].State != Locked; wrong++ {
			if w.convs[user].State == Step1Choose {
				w.pick(user, PickCode)
			}
			w.say(user, FieldCode, []string{"111111", "222222"}[wrong])
			if w.convs[user].State == Step1Checking {
				judged++
				w.come(user, Outcome{Verdict: WrongOne})
			}
		}
	}
	if judged != 5 {
		t.Fatalf("%d wrong codes were judged, want exactly 5", judged)
	}
	late := User{"web", "late"}
	w.step(late, Input{Kind: Arrived})
	w.pick(late, PickReset)
	w.say(late, FieldName, "m.devries")
	w.say(late, FieldCaptcha, w.captcha(late))
	w.go1(late)
	w.on(late, Locked)

	t.Run("AC17_afterTheLockTheCounterIsEmptyOnce", func(t *testing.T) {
		w.t = t
		w.now = w.now.Add(24*time.Hour + time.Second)
		w.toStep1(User{"web", "next"}, PickReset, "m.devries")
		user := User{"web", "next"}
		w.pick(user, PickCode)
		w.say(user, FieldCode, "333333")
		w.come(user, Outcome{Verdict: WrongOne})
		w.on(user, Step1Answer)
	})
}

func TestTheNumberAndItsFirstCodeShareOneTry(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.pick(ann, PickSMS)
	w.say(ann, FieldNumber, "0612345613")
	w.go1(ann)
	count := func() int { return len(w.counters["proofs|others|id:1"].Spends) }
	if got := count(); got != 1 {
		t.Fatalf("after the number %d spends, want 1", got)
	}
	w.say(ann, FieldCode, "111111")
	w.come(ann, Outcome{Verdict: WrongOne})
	if got := count(); got != 1 {
		t.Fatalf("after the first wrong code %d spends, want 1", got)
	}
	w.say(ann, FieldCode, "222222")
	w.go1(ann)
	if got := count(); got != 1 {
		t.Fatalf("after one wrong and one right code %d spends, want 1", got)
	}
}

func TestTheSameWrongCodeAgainIsNotJudged(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.pick(ann, PickCode)
	w.say(ann, FieldCode, "111111")
	w.come(ann, Outcome{Verdict: WrongOne})
	if c := w.say(ann, FieldCode, "111111"); c.Start {
		t.Fatal("it was judged again")
	}
	w.note(ann, NoteCodeSame)
}

func TestAC14_TheRightCodeAfterTheLimitIsRefusedInTheSameWords(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.pick(ann, PickCode)
	for i := range 5 { // others fill the counter meanwhile
		c := w.counters["proofs|others|id:1"]
		w.counters["proofs|others|id:1"] = c.Spend(string(rune('a'+i)), w.now, w.wizard.Policy.Proofs)
	}
	if c := w.say(ann, FieldCode, "123456"); c.Start {
		t.Fatal("a code was judged after the limit")
	}
	w.on(ann, Locked)
}

func TestAC24_ACodeThatWasUsedBeforeIsWrong(t *testing.T) {
	w := newWorld(t)
	w.marks["totp:1:app1:99"] = true
	w.toStep1(ann, PickReset, "m.devries")
	w.pick(ann, PickCode)
	w.say(ann, FieldCode, "123456")
	w.come(ann, Outcome{Verdict: Right, Mark: "totp:1:app1:99"})
	w.on(ann, Step1Answer)
	w.note(ann, NoteCodeWrong)
}

func TestAC32_AYoungNumberProvesNothing(t *testing.T) {
	for name, change := range map[string]func(*world){
		"changed since we last looked": func(w *world) {
			w.accounts["id:1"] = AccountRecord{Key: "id:1", Number: "another"}
		},
		"young by the directory": func(w *world) { w.people["m.devries"].Since = w.now.Add(-time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			change(w)
			w.toStep1(ann, PickReset, "m.devries")
			w.pick(ann, PickSMS)
			if c := w.say(ann, FieldNumber, "0612345613"); !c.Conversation.Task.Decoy {
				t.Fatal("a text message would be sent to a young number")
			}
			w.come(ann, Outcome{Matched: true})
			w.say(ann, FieldCode, "123456")
			w.come(ann, Outcome{Verdict: Right, Mark: "code:x"})
			w.on(ann, Step1Answer)
		})
	}
	t.Run("taken away and put back as another", func(t *testing.T) {
		w := newWorld(t)
		w.accounts["id:1"] = AccountRecord{Key: "id:1", Number: "first"}
		real := *w.people["m.devries"]
		w.people["m.devries"].Number, w.people["m.devries"].Digits = "", ""
		w.toStep1(ann, PickReset, "m.devries")
		w.people["m.devries"] = &real
		w.toStep1(bob, PickReset, "m.devries")
		w.pick(bob, PickSMS)
		if c := w.say(bob, FieldNumber, "0612345613"); !c.Conversation.Task.Decoy {
			t.Fatal("a number that replaced another is young")
		}
	})
}

func TestAC35_ADenialEndsTheRightToProveAndOthersSeeSilence(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.pick(ann, PickPush)
	w.go1(ann)
	w.on(ann, Step1Waiting)
	page := w.convs[ann].Page
	w.step(ann, Input{Kind: Came, Outcome: &Outcome{Denied: "1"}})
	if got := w.convs[ann].Page; got.Version != page.Version {
		t.Fatal("a denial shows to somebody who is not in their own chat")
	}
	if !w.accounts["id:1"].NoPush.After(w.now) {
		t.Fatal("notifications go on after a denial")
	}
	w.come(ann, Outcome{Verdict: NoAnswer})
	w.on(ann, Step1Choose)
	w.pick(ann, PickCode)
	w.say(ann, FieldCode, "123456")
	w.come(ann, Outcome{Verdict: Right, Mark: "totp:1"}) // even if bot were wrong
	w.on(ann, Step1Answer)

	t.Run("alsoWhenTheAskerWentAwayFirst", func(t *testing.T) {
		w := newWorld(t)
		w.toStep1(ann, PickReset, "m.devries")
		w.pick(ann, PickPush)
		w.go1(ann)
		w.pick(ann, PickCancel)
		w.step(ann, Input{Kind: Came, Outcome: &Outcome{Denied: "1"}})
		if !w.accounts["id:1"].NoPush.After(w.now) || w.notices[len(w.notices)-1].Message != TellDenied {
			t.Fatal("the denial was lost")
		}
	})

	t.Run("alsoInOwnChatForAnAccountThatWasLeft", func(t *testing.T) {
		w := newWorld(t)
		w.bound[mia] = []Bound{{ID: "1", UPN: "m.devries@rijnzicht.example"}, {ID: "2", UPN: "p.phone@rijnzicht.example"}}
		w.step(mia, Input{Kind: Arrived})
		for _, choice := range []Choice{PickReset, PickOwn(0)} {
			w.pick(mia, choice)
		}
		w.go1(mia)
		w.pick(mia, PickPush)
		w.come(mia, Outcome{Matched: true})
		for _, choice := range []Choice{PickBack, PickBack, PickOwn(1)} {
			w.pick(mia, choice)
		}
		w.go1(mia)
		w.step(mia, Input{Kind: Came, Outcome: &Outcome{Denied: "1"}})
		w.on(mia, Step1Choose)
		w.pick(mia, PickBack)
		w.pick(mia, PickOwn(0))
		w.go1(mia)
		w.on(mia, Denied)
	})
}

func TestAC40_AWriteNeedsTheProofsOfTheRecord(t *testing.T) {
	tamper := map[string]func(*Conversation){
		"a proof removed": func(c *Conversation) { c.Proofs = c.Proofs[:1] },
		"no proof":        func(c *Conversation) { c.Proofs = nil },
		"a proof aged":    func(c *Conversation) { c.Proofs[0].At = c.Proofs[0].At.Add(-16 * time.Minute) },
		"one family":      func(c *Conversation) { c.Proofs[1].Method = Call },
		"a decoy":         func(c *Conversation) { c.Subject.Decoy = true },
	}
	for name, change := range tamper {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.damages = true
			w.toStep1(ann, PickReset, "m.devries")
			w.sms(ann, "0612345613")
			w.code(ann)
			w.submit(ann, goodPassword)
			c := w.convs[ann]
			c.Proofs = append([]Proof(nil), c.Proofs...)
			change(&c)
			w.convs[ann] = c
			out := w.truth(ann)
			w.come(ann, out)
			if got := w.convs[ann]; !got.State.Over() || got.Task != nil {
				t.Fatalf("the conversation goes on, on %s", got.State)
			}
		})
	}
}

func TestAC48_ANewerProofDisplacesTheOlderConversation(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.sms(ann, "0612345613")
	w.on(ann, Step2Choose)
	w.now = w.now.Add(time.Minute)
	w.toStep1(bob, PickReset, "m.devries")
	w.code(bob)
	w.on(bob, Step2Choose)
	if n := w.notices[len(w.notices)-2]; n.Kind != Nudge || n.User != ann {
		t.Fatalf("nobody nudges the conversation that was displaced: %+v", n)
	}
	w.step(ann, Input{Kind: Passed})
	w.on(ann, Displaced)
}

func TestTheOwnersChatIsDisplacedByNobodyElse(t *testing.T) {
	w := newWorld(t)
	owner := User{"web", "owner"}
	bound := []Bound{{ID: "1", UPN: "m.devries@rijnzicht.example"}}
	in := func(c Choice) Input { return Input{Kind: Said, Choice: c, From: Origin{User: owner, Bound: bound}} }
	w.step(owner, in(PickReset))
	w.step(owner, in(PickYes))
	w.go1(owner)
	w.on(owner, Step1Choose)
	w.step(owner, in(PickCode))
	w.step(owner, Input{Kind: Said, Fields: map[Field]Secret{FieldCode: NewSecret("111222")}, From: Origin{User: owner, Bound: bound}})
	w.go1(owner)
	w.on(owner, Step2Choose)
	w.toStep1(bob, PickReset, "m.devries")
	w.code(bob)
	w.on(bob, Displaced)
	w.step(owner, Input{Kind: Passed})
	w.on(owner, Step2Choose)
}

func TestTheOwnersChatSendsGuestsAwayUnseen(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	owner := User{"web", "owner"}
	from := Origin{User: owner, Bound: []Bound{{ID: "1", UPN: "m.devries@rijnzicht.example"}}}
	w.step(owner, Input{Kind: Said, Choice: PickReset, From: from})
	w.step(owner, Input{Kind: Said, Choice: PickYes, From: from})
	w.go1(owner)
	w.pick(ann, PickCode)
	w.on(ann, Step1Answer)
	w.say(ann, FieldCode, "123456")
	if !w.convs[ann].Task.Decoy {
		t.Fatal("a guest who was sent away could still prove something")
	}
}

func TestOutcomeUnknown(t *testing.T) {
	toUnknown := func(t *testing.T) *world {
		w := newWorld(t)
		w.toStep1(ann, PickReset, "m.devries")
		w.sms(ann, "0612345613")
		w.code(ann)
		w.submit(ann, goodPassword)
		w.go1(ann)
		w.come(ann, Outcome{Write: WriteUnknown})
		w.on(ann, Unknown)
		return w
	}
	t.Run("AC60_aYesIsDone", func(t *testing.T) {
		w := toUnknown(t)
		w.now = w.now.Add(3 * time.Second)
		w.step(ann, Input{Kind: Passed})
		w.come(ann, Outcome{Changed: ChangedYes})
		w.on(ann, Done)
		w.note(ann, NoteFoundChanged)
	})
	t.Run("aNoCountsOnlyOnceTheWriteCannotArrive", func(t *testing.T) {
		w := toUnknown(t)
		w.now = w.now.Add(3 * time.Second)
		w.step(ann, Input{Kind: Passed})
		w.come(ann, Outcome{Changed: ChangedNo})
		w.on(ann, Unknown)
		w.now = w.now.Add(90 * time.Second)
		w.step(ann, Input{Kind: Passed})
		w.come(ann, Outcome{Changed: ChangedNo})
		w.on(ann, Password)
		w.note(ann, NotChanged)
		if w.accounts["id:1"].Writing != "" {
			t.Fatal("the write stays open")
		}
	})
	t.Run("itOutlivesTheQuarterOfAnHourAndCancelling", func(t *testing.T) {
		w := toUnknown(t)
		w.pick(ann, PickCancel)
		w.on(ann, Unknown)
		w.note(ann, NoteCannotCancel)
		w.now = w.now.Add(time.Hour)
		w.step(ann, Input{Kind: Passed})
		w.on(ann, Unknown)
		w.come(ann, Outcome{Changed: ChangedNo})
		w.on(ann, Expired)
		w.note(ann, NotChanged)
	})
	t.Run("afterADayPeopleAreAsked", func(t *testing.T) {
		w := toUnknown(t)
		w.now = w.now.Add(25 * time.Hour)
		w.step(ann, Input{Kind: Passed})
		w.come(ann, Outcome{Changed: ChangedUnreachable})
		w.on(ann, Withdrawn)
	})
}

func TestAC52_ALapsedLeaseIsTakenUpAgain(t *testing.T) {
	lapse := func(w *world) Change { return w.step(ann, Input{Kind: Passed, By: "p2", Alone: true}) }
	revive := func(w *world) { // another process
		c := w.convs[ann]
		task := *c.Task
		task.By = "dead"
		c.Task = &task
		w.convs[ann] = c
	}
	at := map[State]struct {
		walk func(*world)
		want State
		kind TaskKind
	}{
		Find: {func(w *world) {
			w.step(ann, Input{Kind: Arrived})
			w.pick(ann, PickReset)
			w.say(ann, FieldName, "m.devries")
			w.say(ann, FieldCaptcha, w.captcha(ann))
		}, Find, TaskFind},
		Step1Sending: {func(w *world) {
			w.toStep1(ann, PickReset, "m.devries")
			w.pick(ann, PickSMS)
			w.say(ann, FieldNumber, "0612345613")
		}, Step1Sending, TaskChallenge},
		Step1Checking: {func(w *world) {
			w.toStep1(ann, PickReset, "m.devries")
			w.pick(ann, PickCode)
			w.say(ann, FieldCode, "123456")
		}, Step1Answer, ""},
		Step1Waiting: {func(w *world) {
			w.toStep1(ann, PickReset, "m.devries")
			w.pick(ann, PickPush)
			w.go1(ann)
		}, Step1Choose, ""},
		Confirming: {func(w *world) { w.toConfirming() }, Password, ""},
		Changing:   {func(w *world) { w.toConfirming(); w.go1(ann) }, Unknown, ""},
	}
	for state, c := range at {
		t.Run(string(state), func(t *testing.T) {
			w := newWorld(t)
			c.walk(w)
			w.on(ann, state)
			before := *w.convs[ann].Task
			revive(w)
			lapse(w)
			w.on(ann, c.want)
			after := w.convs[ann].Task
			if c.kind != "" && (after == nil || after.Kind != c.kind || after.Challenge != before.Challenge) {
				t.Fatalf("the task after the crash is %+v, want the same %s", after, c.kind)
			}
			if c.kind == "" && after != nil {
				t.Fatalf("%s was repeated", after.Kind)
			}
		})
	}
}

func (w *world) toConfirming() {
	w.t.Helper()
	w.toStep1(ann, PickReset, "m.devries")
	w.sms(ann, "0612345613")
	w.code(ann)
	w.submit(ann, goodPassword)
	w.on(ann, Confirming)
}

// A record that opens and yet is none that this wizard could have left is ended,
// whatever comes first: it neither goes on with its proofs, nor makes each step
// fail, so that it would never end and its person be told nothing but "trouble".
func TestAC47_ARecordThatCannotBeGoneOnWithEndsTheConversation(t *testing.T) {
	far := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	damage := map[string]func(*Conversation){
		"a state of a newer version":     func(c *Conversation) { c.State = "step9_of_a_newer_version" },
		"no state":                       func(c *Conversation) { c.State = "" },
		"the first page with proofs":     func(c *Conversation) { c.State = Start },
		"the question for the name":      func(c *Conversation) { c.State = Who },
		"the first step with proofs":     func(c *Conversation) { c.State = Step1Choose },
		"an answer without its question": func(c *Conversation) { c.State, c.Proofs = Step2Answer, c.Proofs[:1] },
		"a check without its question":   func(c *Conversation) { c.State, c.Proofs, c.Task.Kind = Step2Checking, c.Proofs[:1], TaskCheck },
		"an answer to a question of another kind": func(c *Conversation) {
			c.State, c.Task, c.Proofs, c.Question = Step2Answer, nil, c.Proofs[:1], &Challenge{Method: Push}
		},
		"the work of another state":         func(c *Conversation) { c.Task.Kind = TaskWait },
		"work that nobody knows":            func(c *Conversation) { c.Task.Kind = "polish" },
		"a password without proofs":         func(c *Conversation) { c.State, c.Task, c.Proofs = Password, nil, nil },
		"a password with one proof":         func(c *Conversation) { c.State, c.Task, c.Proofs = Password, nil, c.Proofs[:1] },
		"a write that nobody makes":         func(c *Conversation) { c.State, c.Task = Changing, nil },
		"a write that was never begun":      func(c *Conversation) { c.State, c.Task.Kind = Unknown, TaskChanged },
		"nobody knows of what":              func(c *Conversation) { c.State, c.Task = Unknown, nil },
		"an app without a proof":            func(c *Conversation) { c.State, c.Task, c.Proofs = EnrolScan, nil, nil },
		"a page delivered less than never":  func(c *Conversation) { c.Page.Attempts = -9 },
		"the page before the first":         func(c *Conversation) { c.Page.Version = -1 },
		"the last page there can be":        func(c *Conversation) { c.Page.Version = 1<<63 - 1 },
		"asked less often than never":       func(c *Conversation) { c.State, c.Task, c.Write = Unknown, nil, &Write{Checks: -9} },
		"nobody asks":                       func(c *Conversation) { c.Asker = "" },
		"for nothing that there is":         func(c *Conversation) { c.Goal = "polish" },
		"for an app, and yet a password":    func(c *Conversation) { c.Goal = ToEnrol },
		"nobody's account":                  func(c *Conversation) { c.Subject = Subject{} },
		"the end of all time":               func(c *Conversation) { c.Ends = far },
		"seen at the end of all time":       func(c *Conversation) { c.Latest = far },
		"a write until the end of all time": func(c *Conversation) { c.State, c.Task, c.Write = Unknown, nil, &Write{Deadline: far} },
	}
	next := map[string]Input{
		"a person":    {Kind: Said, Choice: PickReset},
		"time":        {Kind: Passed},
		"a delivery":  {Kind: Shown, Delivered: &Delivery{Result: Later}},
		"an outcome":  {Kind: Came, Outcome: &Outcome{Verdict: Right, Mark: "m"}},
		"who is back": {Kind: Arrived},
	}
	for name, change := range damage {
		for who, in := range next {
			t.Run(name+", "+who, func(t *testing.T) {
				w := newWorld(t)
				w.damages = true
				w.toConfirming()
				c := w.convs[ann]
				change(&c)
				w.convs[ann] = c
				if in.Outcome != nil && c.Task != nil {
					in.Outcome.Task = c.Task.ID
				}
				w.step(ann, in)
				got := w.convs[ann]
				if got.State != Withdrawn || got.Page.ID != EndTrouble || len(got.Proofs) != 0 || got.Task != nil || got.Write != nil {
					t.Errorf("on %s, the page %s, with %d proofs", got.State, got.Page.ID, len(got.Proofs))
				}
				if last := w.audit[len(w.audit)-1]; last.Detail != "unknown_state" || !last.Alarm {
					t.Errorf("the last line is %+v", last)
				}
				lines := len(w.audit)
				w.step(ann, Input{Kind: Arrived})
				w.now = w.now.Add(25 * time.Hour)
				w.step(ann, Input{Kind: Passed})
				if _, kept := w.convs[ann]; kept || len(w.audit) > lines {
					t.Errorf("it is not forgotten, or ended twice: %+v", w.audit[lines:])
				}
			})
		}
	}
}

func TestAC47_ADenialIsTakenThoughItsConversationIsDamaged(t *testing.T) {
	w := newWorld(t)
	w.damages = true
	w.toConfirming()
	c := w.convs[ann]
	c.State = "step9_of_a_newer_version"
	w.convs[ann] = c
	w.step(ann, Input{Kind: Came, Outcome: &Outcome{Denied: "1"}})
	w.on(ann, Withdrawn)
	if !w.accounts["id:1"].NoPush.After(w.now) || w.notices[len(w.notices)-1].Message != TellDenied {
		t.Error("the denial was lost")
	}
}

func TestAC49_TheEndIsAbsolute(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	for range 14 {
		w.now = w.now.Add(time.Minute)
		w.pick(ann, PickHelp)
	}
	w.on(ann, Step1Choose)
	w.now = w.now.Add(time.Minute)
	w.step(ann, Input{Kind: Passed})
	w.on(ann, Expired)
}

func TestWhatExpiresGivesBackWhatItDidNotUseAndWritesNoMore(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.now = w.now.Add(w.wizard.Policy.Conversation)
	ended := w.step(ann, Input{Kind: Passed})
	w.on(ann, Expired)
	if ended.Account != nil || len(ended.Counters) != 1 || len(ended.Audit) != 1 {
		t.Errorf("the account %v, the counters %v and the lines %v are written", ended.Account, ended.Counters, ended.Audit)
	}
	for _, c := range ended.Counters {
		if len(c.Spends) != 0 {
			t.Errorf("what was begun is still counted: %v", c)
		}
	}
	w.toStep1(bob, PickReset, "m.devries") // whoever comes next clears up
	for _, record := range w.accounts {
		if len(record.Guests) != 1 || record.Guests[0].Conversation != w.convs[bob].ID {
			t.Errorf("guests are %v", record.Guests)
		}
	}
}

func TestThatAPageWasShownConcernsNothingElse(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	c := w.convs[ann]
	in := Input{Kind: Shown, Delivered: &Delivery{Version: c.Page.Version, Result: Delivered}}
	if r := w.wizard.Reads(c, in); r.Account != "" || len(r.Counters) > 0 || len(r.Marks) > 0 {
		t.Errorf("it reads %+v", r)
	}
	if change := w.step(ann, in); !change.Conversation.Page.Delivered || change.Account != nil || len(change.Counters) > 0 {
		t.Errorf("it comes to %+v", change)
	}
}

func TestAC41_AnOldButtonIsExplainedAndOpensNothing(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	old := w.convs[ann].Page.Token
	w.pick(ann, PickSMS)
	w.step(ann, Input{Kind: Pressed, Token: old, Choice: PickPush})
	w.on(ann, Step1Number)
	w.note(ann, NoteStale)
	w.step(ann, Input{Kind: Pressed, Token: old, Choice: PickCancel})
	w.on(ann, Step1Number)
}

func TestAC21_ACodeIsDeadAtItsTimeAndStaysDead(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.pick(ann, PickSMS)
	w.say(ann, FieldNumber, "0612345613")
	w.go1(ann)
	sent := w.now
	w.now = sent.Add(5*time.Minute + time.Second)
	w.pick(ann, PickHelp)
	w.now = sent // the clock is put back
	if c := w.say(ann, FieldCode, "123456"); c.Start {
		t.Fatal("a code lives again after the clock was put back")
	}
	w.note(ann, NoteCodeLate)
}

func TestATypedPasswordIsNeverTakenInTheChat(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.sms(ann, "0612345613")
	w.code(ann)
	w.step(ann, Input{Kind: Said, Unread: true, Fields: map[Field]Secret{FieldPassword: NewSecret(goodPassword)}})
	w.on(ann, Password)
	w.note(ann, NotePasswordChat)
	w.submit(ann, goodPassword)
	w.on(ann, Password)
	if flaws := w.convs[ann].Page.Notes[0].Args.Faults; len(flaws) != 1 || flaws[0] != FlawExposed {
		t.Fatalf("refused for %v", flaws)
	}
}

func TestAC43_ANumberThatComesAgainEndsNothing(t *testing.T) {
	nth := func(w *world, user User, n int) {
		w.step(user, Input{Kind: Said, Choice: w.convs[user].Page.Offers[n-1].Choice, Nth: n})
	}
	w := newWorld(t)
	w.step(ann, Input{Kind: Arrived})
	nth(w, ann, 3) // something else
	if got := w.convs[ann].Page.ID; got != AskElse {
		t.Fatalf("the page is %s", got)
	}
	w.convs[ann].Page.Offers[2].Choice = PickLostPhone
	nth(w, ann, 3)
	w.on(ann, Start)
	w.note(ann, NoteSameNumber)
	w.pick(ann, PickLostPhone) // in words, or by its button
	w.on(ann, Referred)

	w.toStep1(bob, PickReset, "m.devries")
	nth(w, bob, 2)
	w.say(bob, FieldNumber, "0612345613")
	w.go1(bob)
	w.on(bob, Step1Waiting)
	nth(w, bob, 2) // "no telephone with me"
	w.on(bob, Step1Waiting)
	w.note(bob, NoteSameNumber)
	nth(w, bob, 1) // another number is meant as it is
	w.on(bob, Step1Choose)
}

func TestManyPeopleBehindOneAddressAreNotCountedAsOne(t *testing.T) {
	w := newWorld(t)
	for i := range 24 {
		user := User{"web", "ward" + string(rune('a'+i))}
		in := Input{Kind: Arrived, From: Origin{User: user, Crowd: 3}}
		w.shared = "the ward's address"
		w.step(user, in)
		w.pick(user, PickReset)
		w.say(user, FieldName, "somebody"+string(rune('a'+i)))
		w.say(user, FieldCaptcha, w.captcha(user))
		w.go1(user)
		if want := map[bool]State{true: Step1Choose, false: Locked}[i < 9]; w.convs[user].State != want {
			t.Fatalf("person %d is on %s", i, w.convs[user].State) // three accounts for each of three people
		}
		if i < 9 {
			w.pick(user, PickSMS)
			w.say(user, FieldNumber, "06123456"+w.convs[user].Subject.Digits)
		}
	}
}

// After a crash a text message is sent once more, with the same code; its five minutes
// may be over by then.
func TestACodeThatIsLateWhileItIsSentAgainIsToldAndEndsNothing(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.pick(ann, PickSMS)
	w.say(ann, FieldNumber, "0612345613")
	w.on(ann, Step1Sending)
	w.now = w.now.Add(w.wizard.Policy.CodeLife)
	w.step(ann, Input{Kind: Passed})
	again := *w.convs[ann].Task
	w.on(ann, Step1Sending)
	w.say(ann, FieldCode, "123456")
	w.on(ann, Step1Choose)
	w.note(ann, NoteCodeLate)
	if w.convs[ann].Task != nil {
		t.Error("something is still being done")
	}
	w.step(ann, Input{Kind: Came, Outcome: &Outcome{Task: again.ID, Matched: true}})
	w.on(ann, Step1Choose)
	w.now = w.now.Add(time.Minute)
	w.pick(ann, PickCall)
	w.on(ann, Step1Number)
}
