package conversation_test

import (
	"testing"
	"time"

	. "resetbot/conversation"
)

// guideSteps are the states and pages of the guide, in their order.
var guideSteps = []struct {
	state State
	page  MessageID
}{
	{GuideOpen, AskGuideOpen},
	{GuideName, AskGuideName},
	{GuideCaptcha, AskGuideCaptcha},
	{GuideNext, AskGuideNext},
	{GuideMethod, AskGuideMethod},
	{GuideProof, AskGuideProof},
	{GuideSecond, AskGuideSecond},
	{GuidePassword, AskGuidePassword},
	{GuideFinish, AskGuideFinish},
	{GuideLogin, AskGuideLogin},
}

func (w *world) toGuide(user User) {
	w.t.Helper()
	w.step(user, Input{Kind: Arrived})
	w.pick(user, PickElse)
	w.pick(user, PickMicrosoft)
	w.on(user, GuideOpen)
}

// toGuideStep walks to step n, counted from 1.
func (w *world) toGuideStep(user User, n int) {
	w.t.Helper()
	w.toGuide(user)
	for range n - 1 {
		w.pick(user, PickNext)
	}
	w.on(user, guideSteps[n-1].state)
}

func TestTheGuideHasTenStepsAndEndsSolvedWithTheAdvice(t *testing.T) {
	w := newWorld(t)
	w.toGuide(ann)
	for _, step := range guideSteps {
		w.on(ann, step.state)
		page := w.convs[ann].Page
		if page.ID != step.page || !page.Shows(PickNext) || !page.Shows(PickTrouble) {
			t.Errorf("%s says %s and offers %v", step.state, page.ID, page.Offers)
		}
		w.pick(ann, PickNext)
	}
	w.on(ann, Solved)
	if got := w.convs[ann].Page.ID; got != EndGuide {
		t.Errorf("the end says %s", got)
	}
}

func TestTheGuideLeavesOneLineWhichTellsHowFarItCame(t *testing.T) {
	for name, c := range map[string]struct {
		step  int
		leave func(*world)
		want  Line
		page  MessageID
	}{
		"done": {10, func(w *world) { w.pick(ann, PickNext) }, Line{Event: "works", From: GuideLogin, To: Solved}, EndGuide},
		"cancelled": {
			3, func(w *world) { w.pick(ann, PickCancel) },
			Line{Event: "cancel", From: GuideCaptcha, To: Cancelled},
			EndGuideStopped,
		},
		"expired": {6, func(w *world) {
			w.now = w.now.Add(time.Hour)
			w.step(ann, Input{Kind: Passed})
		}, Line{Event: "expire", From: GuideProof, To: Expired}, EndGuideExpired},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.toGuideStep(ann, c.step)
			c.leave(w)
			if len(w.audit) != 1 {
				t.Fatalf("the lines are %+v, want one", w.audit)
			}
			line := w.audit[0]
			if line.Event != c.want.Event || line.From != c.want.From || line.To != c.want.To || line.Account != "" {
				t.Errorf("the line is %+v, want %+v", line, c.want)
			}
			if got := w.convs[ann].Page.ID; got != c.page {
				t.Errorf("the end says %s, want %s", got, c.page)
			}
		})
	}
}

func TestBackInTheGuideGoesToTheStepBefore(t *testing.T) {
	w := newWorld(t)
	w.toGuideStep(ann, len(guideSteps))
	for i := len(guideSteps) - 2; i >= 0; i-- {
		w.pick(ann, PickBack)
		w.on(ann, guideSteps[i].state)
	}
	w.pick(ann, PickBack)
	w.on(ann, Start)
}

func TestStartingTheGuideAgain(t *testing.T) {
	for n := 2; n <= len(guideSteps); n++ {
		w := newWorld(t)
		w.toGuideStep(ann, n)
		w.pick(ann, PickTrouble)
		if !w.convs[ann].Page.Shows(PickAgain) {
			t.Errorf("step %d: there is no way back to the first", n)
		}
		w.pick(ann, PickAgain)
		w.on(ann, GuideOpen)
	}
}

func TestEveryStepKnowsItsTrouble(t *testing.T) {
	usual := map[State]MessageID{
		GuideOpen: NoteGuideOpen, GuideName: NoteGuideName, GuideCaptcha: NoteGuideCaptcha, GuideNext: NoteGuideNext,
		GuideMethod: NoteGuideMethod, GuideProof: NoteGuideProof, GuideSecond: NoteGuideSecond,
		GuidePassword: NoteGuidePassword, GuideFinish: NoteGuideFinish, GuideLogin: NoteGuideLogin,
	}
	for i, step := range guideSteps {
		w := newWorld(t)
		w.toGuideStep(ann, i+1)
		w.pick(ann, PickTrouble)
		w.on(ann, step.state)
		w.note(ann, usual[step.state])
	}
}

func TestTheThirdTimeThatAStepDoesNotWorkTheDeskComesFirst(t *testing.T) {
	w := newWorld(t)
	w.toGuideStep(ann, 5)
	first := func() Choice { return w.convs[ann].Page.Offers[0].Choice }
	for range 2 {
		w.pick(ann, PickTrouble)
		if first() != PickNext {
			t.Fatalf("%s comes first already", first())
		}
	}
	w.pick(ann, PickTrouble)
	if first() != PickDesk || w.convs[ann].Page.Notes[0].ID != NoteGuideDesk {
		t.Fatalf("first comes %s, below %s", first(), w.convs[ann].Page.Notes[0].ID)
	}
	w.pick(ann, PickDesk) // how to reach it is said, and the guide goes on
	w.note(ann, NoteDesk)
	w.pick(ann, PickNext)
	w.pick(ann, PickTrouble) // counted for each step
	if first() != PickNext {
		t.Fatalf("on the next step %s comes first", first())
	}
}

func TestACodeOfMicrosoftsPageIsExplained(t *testing.T) {
	for n, want := range map[int]MessageID{
		9: NoteSSPR0009, 10: NoteSSPR0010, 11: NoteSSPR0011, 12: NoteSSPR0012, 13: NoteSSPR0013, 14: NoteSSPR0014,
		29: NoteSSPR0029, 30: NoteSSPR0030, 0: NoteSSPR, 8: NoteSSPR, 9999: NoteSSPR,
	} {
		w := newWorld(t)
		w.toGuideStep(ann, 4)
		w.pick(ann, PickSSPR(n))
		w.on(ann, GuideNext)
		w.note(ann, want)
		if got := w.convs[ann].Page.Offers[0].Choice; got != PickDesk {
			t.Errorf("SSPR_%04d: first comes %s", n, got)
		}
	}
}

func TestWhereASecretIsAtHandUnclearTextIsWarnedOf(t *testing.T) {
	for i, step := range guideSteps {
		w := newWorld(t)
		w.toGuideStep(ann, i+1)
		w.step(ann, Input{Kind: Said, Unread: true})
		w.note(ann, NoteUnclear)
		warned := len(w.convs[ann].Page.Notes) == 2
		if want := i+1 >= 6 && i+1 <= 9; warned != want {
			t.Errorf("%s: warned %t, want %t", step.state, warned, want)
		}
	}
}

func TestTheGuideHasAnEndOfItsOwnAndAResetGainsNothingByIt(t *testing.T) {
	w := newWorld(t)
	began := w.now
	w.step(ann, Input{Kind: Arrived})
	w.now = began.Add(14 * time.Minute)
	w.pick(ann, PickElse)
	w.pick(ann, PickMicrosoft)
	ends := func(want time.Duration) {
		t.Helper()
		if c := w.convs[ann]; !c.Ends.Equal(began.Add(want)) || !c.Page.Ends.Equal(c.Ends) {
			t.Fatalf("it ends after %v, want %v", c.Ends.Sub(began), want)
		}
	}
	ends(60 * time.Minute)
	w.now = began.Add(20 * time.Minute)
	w.pick(ann, PickBack)
	w.on(ann, Start)
	ends(35 * time.Minute)
	w.pick(ann, PickMicrosoft)
	ends(60 * time.Minute)
	w.now = began.Add(50 * time.Minute)
	w.pick(ann, PickBack)
	ends(60 * time.Minute)
	w.now = began.Add(57 * time.Minute)
	w.step(ann, Input{Kind: Passed})
	w.note(ann, NoteMinutes)
	w.now = began.Add(60 * time.Minute)
	w.step(ann, Input{Kind: Passed})
	w.on(ann, Expired)
}

func TestTheGuideForgetsTheAccountThatWasNamedBefore(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.pick(ann, PickBack)
	w.pick(ann, PickBack)
	w.on(ann, Start)
	lines := len(w.audit)
	w.pick(ann, PickMicrosoft)
	w.on(ann, GuideOpen)
	for range 3 {
		w.pick(ann, PickNext)
	}
	if len(w.audit) != lines {
		t.Errorf("the guide left lines of an account: %+v", w.audit[lines:])
	}
	w.pick(ann, PickCancel)
	w.pick(ann, PickAgain)
	w.on(ann, Start)
}
