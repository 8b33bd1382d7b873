package conversation_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	. "resetbot/conversation"
)

// enrolWorld has people in their own chats.
func enrolWorld(t *testing.T) *world {
	w := newWorld(t)
	w.ownChats()
	w.bound[piet] = w.bound[piet][:1]
	return w
}

// toCurrent walks to where the current password is asked for.
func (w *world) toCurrent(user User) {
	w.t.Helper()
	w.step(user, Input{Kind: Arrived})
	w.pick(user, PickElse)
	w.pick(user, PickEnrol)
	w.on(user, EnrolFind)
	w.go1(user)
	w.on(user, EnrolPassword)
}

// toEnrolChoose walks on to the choice of a proof.
func (w *world) toEnrolChoose(user User) {
	w.t.Helper()
	w.toCurrent(user)
	w.fill(user, FieldCurrent, marked+"current")
	w.on(user, EnrolSignIn)
	w.go1(user)
	w.on(user, EnrolChoose)
}

// provePhone proves the telephone by a text message.
func (w *world) provePhone(user User, number string) {
	w.t.Helper()
	w.pick(user, PickSMS)
	w.say(user, FieldNumber, number)
	w.go1(user)
	w.on(user, EnrolAnswer)
	w.say(user, FieldCode, "123456")
	w.go1(user)
}

func (w *world) toScan(user User) {
	w.t.Helper()
	w.toEnrolChoose(user)
	w.provePhone(user, "0612345614")
	w.on(user, EnrolScan)
}

func TestAnAuthenticatorIsEnrolledWithPasswordPhoneAndItsFirstCode(t *testing.T) {
	w := enrolWorld(t)
	w.toScan(piet)
	page := w.convs[piet].Page
	if page.Media == nil || page.Media.Kind != MediaQR || page.Entry == nil {
		t.Fatalf("the page has %+v and %+v", page.Media, page.Entry)
	}
	w.say(piet, FieldCode, "654321") // in the chat; the page takes it too
	w.on(piet, EnrolConfirm)
	w.go1(piet)
	w.on(piet, EnrolStore)
	w.go1(piet)
	w.on(piet, Enrolled)
	end := w.convs[piet].Page
	if end.ID != EndEnrolled || !end.Args.At.Equal(w.now.Add(72*time.Hour)) {
		t.Errorf("the end says %s, and that it counts %v", end.ID, end.Args.At)
	}
	if len(w.apps) != 1 {
		t.Errorf("%d apps are kept", len(w.apps))
	}
	w.newest(TellEnrolProved)
	told := w.newest(TellEnrolled)
	if told.Account != "2" {
		t.Errorf("told is %v", told)
	}
	var events []string
	for _, l := range w.audit {
		events = append(events, l.Event)
	}
	for _, want := range []string{"found", "known", "proved_for_enrol", "confirmed", "stored"} {
		if !slices.Contains(events, want) {
			t.Errorf("the audit has %v, and not %s", events, want)
		}
	}
}

func TestAFurtherAuthenticatorNeedsBothFamilies(t *testing.T) {
	w := enrolWorld(t)
	w.toEnrolChoose(mia)
	for _, m := range []Choice{PickSMS, PickCall, PickPush, PickCode} {
		if !w.convs[mia].Page.Shows(m) {
			t.Errorf("%s is not offered", m)
		}
	}
	w.provePhone(mia, "0612345613")
	w.on(mia, EnrolChoose)
	w.note(mia, NoteStepDone)
	w.pick(mia, PickCall)
	w.note(mia, NoteFamilyUsed)
	w.pick(mia, PickCode)
	w.say(mia, FieldCode, "222333")
	w.go1(mia)
	w.on(mia, EnrolScan)
}

func TestAFirstAuthenticatorIsProvedByTelephoneAlone(t *testing.T) {
	w := enrolWorld(t)
	w.toEnrolChoose(piet)
	page := w.convs[piet].Page
	if !page.Shows(PickSMS) || !page.Shows(PickCall) || page.Shows(PickPush) || page.Shows(PickCode) {
		t.Errorf("offered are %v", page.Offers)
	}
	w.pick(piet, PickCode) // not offered: nothing begins
	w.on(piet, EnrolChoose)
}

func TestNobodyEnrolsOutsideTheirOwnChat(t *testing.T) {
	w := enrolWorld(t)
	w.step(ann, Input{Kind: Arrived})
	w.pick(ann, PickElse)
	w.pick(ann, PickEnrol)
	w.on(ann, Start)
	w.note(ann, NoteEnrolOwn)
}

func TestThreeWrongPasswordsEndAnEnrolmentForADay(t *testing.T) {
	w := enrolWorld(t)
	w.toCurrent(piet)
	for i := range 3 {
		w.fill(piet, FieldCurrent, marked+"wrong")
		w.come(piet, Outcome{Verdict: WrongOne})
		if i < 2 {
			w.on(piet, EnrolPassword)
			w.note(piet, NoteCurrentWrong)
		}
	}
	w.on(piet, Locked)
	w.newest(TellEnrolWrong)
	if id := w.convs[piet].Page.ID; id != EndEnrolPassword {
		t.Errorf("the end says %s", id)
	}
	w.now = w.now.Add(time.Hour)
	w.step(piet, Input{Kind: Said, Choice: PickEnrol})
	w.go1(piet)
	w.on(piet, Locked)
	// The reset is as open as it was.
	w.step(piet, Input{Kind: Said, Choice: PickReset})
	w.pick(piet, PickYes)
	w.go1(piet)
	w.on(piet, Step1Choose)
	w.now = w.now.Add(24 * time.Hour)
	w.toCurrent(piet)
}

func TestAPasswordThatCouldNotBeJudgedCostsNothing(t *testing.T) {
	w := enrolWorld(t)
	w.toCurrent(piet)
	for range 5 {
		w.fill(piet, FieldCurrent, marked+"current")
		w.come(piet, Outcome{Trouble: true})
		w.on(piet, EnrolPassword)
		w.note(piet, NoteNotJudged)
	}
	w.fill(piet, FieldCurrent, marked+"current")
	w.go1(piet)
	w.on(piet, EnrolChoose)
}

func TestARightPasswordGivesItsOwnTryBackAndNoOther(t *testing.T) {
	w := enrolWorld(t)
	w.toCurrent(piet)
	w.fill(piet, FieldCurrent, marked+"wrong")
	w.come(piet, Outcome{Verdict: WrongOne})
	w.fill(piet, FieldCurrent, marked+"current")
	w.go1(piet)
	w.on(piet, EnrolChoose)
	for key, c := range w.counters {
		if strings.HasPrefix(string(key), "passwords") && len(c.Spends) != 1 {
			t.Errorf("%d tries are counted", len(c.Spends))
		}
	}
}

func TestTheCurrentPasswordTypedInTheChatIsNotTaken(t *testing.T) {
	w := enrolWorld(t)
	w.toCurrent(piet)
	w.say(piet, FieldPassword, marked+"current")
	w.on(piet, EnrolPassword)
	w.note(piet, NotePasswordChat)
}

func TestAC65_APlantedPageForTheCurrentPasswordFailsWithoutTheWord(t *testing.T) {
	w := enrolWorld(t)
	w.toCurrent(piet)
	for range 3 {
		page := w.convs[piet].Page
		w.step(piet, Input{Kind: Filled, Token: page.Token, Via: page.Token, Fields: map[Field]Secret{
			FieldCurrent: NewSecret(marked + "victim's"),
		}})
	}
	w.on(piet, Referred)
	if len(w.secrets) > 0 {
		t.Error("a password was handed on")
	}
}

// Whoever gave the word need not give it again for the code; whoever did not
// sees and confirms nothing.
func TestTheWordOpensThePageWithTheQRCode(t *testing.T) {
	w := enrolWorld(t)
	w.toScan(piet)
	chats := w.convs[piet].Entered // in the chat's own link
	page := w.convs[piet].Page
	w.step(piet, Input{Kind: Filled, Token: page.Token, Via: chats, Fields: map[Field]Secret{FieldCode: NewSecret("654321")}})
	w.on(piet, EnrolScan)
	w.note(piet, NoteEntryWord)

	w.own = "told to one browser"
	w.fill(piet, FieldCode, "")
	entered := w.convs[piet].Opened
	page = w.convs[piet].Page
	w.step(piet, Input{Kind: Filled, Token: page.Token, Via: entered, Fields: map[Field]Secret{FieldCode: NewSecret("654321")}})
	w.on(piet, EnrolConfirm)
	w.come(piet, Outcome{Account: w.find("", "2"), Verdict: WrongOne})
	w.on(piet, EnrolScan)
	w.note(piet, NoteScanWrong)

	w.pick(piet, PickLink)
	if w.convs[piet].Entered != "" || w.convs[piet].Opened != "" {
		t.Error("after a new link the old one is still followed")
	}
	page = w.convs[piet].Page
	w.step(piet, Input{Kind: Filled, Token: page.Token, Via: entered, Fields: map[Field]Secret{FieldCode: NewSecret("654321")}})
	w.on(piet, EnrolScan)
	w.note(piet, NoteEntryWord)
	page = w.convs[piet].Page
	w.fill(piet, FieldCode, "")
	if got := w.convs[piet]; got.Entered != page.Token || got.Opened != w.own || got.State != EnrolScan || got.Page.Token != page.Token {
		t.Errorf("the word did not open the page: %s", got.State)
	}
}

func TestAnAccountThatChangedMeanwhileEnrolsNothing(t *testing.T) {
	for name, change := range map[string]func(*Account){
		"disabled":       func(a *Account) { a.Reason = Disabled },
		"another number": func(a *Account) { a.Number = "other" },
		"another app":    func(a *Account) { a.Devices = []Device{{ID: "x"}} },
		"a new password": func(a *Account) { a.Mark = "2" },
	} {
		t.Run(name, func(t *testing.T) {
			w := enrolWorld(t)
			w.toScan(piet)
			w.say(piet, FieldCode, "654321")
			change(w.people["p.phone"])
			w.go1(piet)
			w.on(piet, Withdrawn)
		})
	}
}

func TestACodeConfirmsOnce(t *testing.T) {
	w := enrolWorld(t)
	w.toScan(piet)
	w.marks["totp:used"] = true
	w.say(piet, FieldCode, "654321")
	w.come(piet, Outcome{Account: w.find("", "2"), Verdict: Right, Mark: "totp:used"})
	w.on(piet, EnrolScan)
	w.note(piet, NoteScanWrong)
}

func TestWhatStandsInTheWayIsSaidAtOnce(t *testing.T) {
	young := func(a *Account) { a.Since = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		user   User
		change func(*Account)
		want   MessageID
	}{
		"disabled":   {piet, func(a *Account) { a.Reason = Disabled }, EndIneligible},
		"no number":  {piet, func(a *Account) { a.Digits, a.Number = "", "" }, EndEnrolPhone},
		"new number": {piet, young, EndEnrolPhone},
		"a young app": {mia, func(a *Account) {
			a.Devices = []Device{{ID: "a", Since: time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)}}
		}, EndEnrolSecond},
		"many apps": {mia, func(a *Account) { a.Devices = make([]Device, 5) }, EndEnrolFull},
	} {
		t.Run(name, func(t *testing.T) {
			w := enrolWorld(t)
			for _, a := range w.people {
				if a.ID == w.bound[c.user][0].ID {
					c.change(a)
				}
			}
			w.step(c.user, Input{Kind: Said, Choice: PickEnrol})
			w.go1(c.user)
			if got := w.convs[c.user]; !got.State.Over() || got.Page.ID != c.want {
				t.Errorf("on %s: %s, want %s", got.State, got.Page.ID, c.want)
			}
		})
	}
}

func TestAnEnrolmentThatWasDisownedIsTakenBack(t *testing.T) {
	w := enrolWorld(t)
	w.toScan(piet)
	w.say(piet, FieldCode, "654321")
	w.go1(piet)
	w.go1(piet)
	owner := w.disown(w.newest(TellEnrolled))
	if c := w.convs[owner]; c.State != Removing || c.Task.Kind != TaskRemove {
		t.Fatalf("on %s with %+v", c.State, c.Task)
	}
	w.come(owner, Outcome{Trouble: true})
	w.on(owner, Removing)
	w.now = w.now.Add(time.Minute)
	w.step(owner, Input{Kind: Passed})
	w.go1(owner)
	w.on(owner, Secured)
	if len(w.apps) != 0 {
		t.Error("the app is still there")
	}
	w.newest(TellRemoved)
	w.step(piet, Input{Kind: Said, Choice: PickReset})
	w.pick(piet, PickYes)
	w.go1(piet)
	if got := w.convs[piet].Page; got.ID != EndIneligible || got.Args.Reason != Frozen {
		t.Errorf("resets go on: %s", got.ID)
	}
}

func TestAnEnrolmentThatCannotBeStoredIsTriedUntilItIs(t *testing.T) {
	w := enrolWorld(t)
	w.toScan(piet)
	w.say(piet, FieldCode, "654321")
	w.go1(piet)
	since := w.convs[piet].Task.Since
	w.come(piet, Outcome{Trouble: true})
	w.on(piet, EnrolStore)
	w.pick(piet, PickCancel)
	w.note(piet, NoteCannotCancel)
	w.now = w.now.Add(20 * time.Minute)
	w.step(piet, Input{Kind: Passed})
	if task := w.convs[piet].Task; task == nil || task.Kind != TaskEnrol || !task.Since.Equal(since) {
		t.Fatalf("tried again is %+v", task)
	}
	w.go1(piet)
	w.on(piet, Enrolled)
}

func TestACrashInAnEnrolment(t *testing.T) {
	lapse := func(w *world) {
		w.step(piet, Input{Kind: Passed, By: "p2", Alone: true})
	}
	for name, c := range map[string]struct {
		to   func(*world)
		want State
		note MessageID
	}{
		"while the password is judged": {func(w *world) {
			w.toCurrent(piet)
			w.fill(piet, FieldCurrent, marked+"current")
		}, EnrolPassword, NoteCurrentAgain},
		"while the code is judged": {func(w *world) {
			w.toEnrolChoose(piet)
			w.pick(piet, PickSMS)
			w.say(piet, FieldNumber, "0612345614")
			w.go1(piet)
			w.say(piet, FieldCode, "123456")
		}, EnrolAnswer, NoteInterrupted},
		"while the app is confirmed": {func(w *world) {
			w.toScan(piet)
			w.say(piet, FieldCode, "654321")
		}, EnrolScan, NoteInterrupted},
		"while it is stored": {func(w *world) {
			w.toScan(piet)
			w.say(piet, FieldCode, "654321")
			w.go1(piet)
		}, EnrolStore, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := enrolWorld(t)
			c.to(w)
			w.now = w.now.Add(time.Minute)
			lapse(w)
			w.on(piet, c.want)
			if c.note != "" {
				w.note(piet, c.note)
			}
		})
	}
}

func TestAResetIsNoWayIntoEnrolment(t *testing.T) {
	w := enrolWorld(t)
	w.accounts["id:2"] = AccountRecord{Key: "id:2", LastReset: w.now.Add(-time.Hour)}
	w.step(piet, Input{Kind: Said, Choice: PickEnrol})
	w.go1(piet)
	if got := w.convs[piet].Page; got.ID != EndEnrolReset || !got.Args.At.Equal(w.now.Add(71*time.Hour)) {
		t.Fatalf("the page is %s, until %v", got.ID, got.Args.At)
	}
	w.now = w.now.Add(71 * time.Hour)
	w.toCurrent(piet)
}

// A reset that was under way when the enrolment began was not known then: the
// directory had the new password, and the store did not know it yet.
func TestAResetThatWasUnderWayIsNoWayIntoEnrolment(t *testing.T) {
	w := enrolWorld(t)
	w.toScan(piet)
	record := w.accounts["id:2"]
	record.LastReset = w.now
	w.accounts["id:2"] = record
	w.say(piet, FieldCode, "654321")
	w.go1(piet)
	if got := w.convs[piet].Page.ID; got != EndEnrolReset || len(w.apps) > 0 {
		t.Fatalf("the page is %s, and %d apps are kept", got, len(w.apps))
	}
}
