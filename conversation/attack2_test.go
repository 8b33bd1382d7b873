package conversation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	. "resetbot/conversation"
)

// asked checks that the page has exactly these fields: one without a field, where
// something must be filled in, leads nowhere.
func (w *world) asked(user User, want ...Field) {
	w.t.Helper()
	if got := w.convs[user].Page; !slices.Equal(got.Fields, want) {
		w.t.Fatalf("the page %s asks for %v, want %v", got.ID, got.Fields, want)
	}
}

func TestWhoeverHasSolvedTheRiddleIsAskedForTheNameWhenTheDirectoryDidNotAnswer(t *testing.T) {
	w := newWorld(t)
	w.toCaptcha(ann)
	w.say(ann, FieldName, "m.devries")
	w.say(ann, FieldCaptcha, w.captcha(ann))
	w.come(ann, Outcome{Trouble: true})
	w.note(ann, NoteDirectoryDown)
	w.asked(ann, FieldName)
	w.say(ann, FieldName, "m.devries")
	w.go1(ann)
	w.on(ann, Step1Choose)
}

func TestWhoeverBeginsAgainWhereNoRiddleIsAskedIsAskedForTheName(t *testing.T) {
	w := newWorld(t)
	w.wizard.Policy.Other.Captcha = Never
	w.step(ann, Input{Kind: Arrived})
	w.pick(ann, PickReset)
	w.say(ann, FieldName, "m.devries")
	w.go1(ann)
	w.pick(ann, PickCancel)
	w.pick(ann, PickAgain)
	w.on(ann, Who)
	w.asked(ann, FieldName)
}

func TestAC82_WrongCaptchasOfAnAskerAddUpOverConversationsByEarAndBySight(t *testing.T) {
	w := newWorld(t)
	w.shared = "asker of everybody"
	judged := 0
	for i := 0; i < 10; i++ {
		user := User{"web", fmt.Sprintf("visitor %d", i)}
		w.toCaptcha(user)
		for try := 1; w.convs[user].State == Who && try < 5; try++ { // one fewer than a conversation may have
			if i%2 == 1 {
				w.pick(user, PickAudio)
			}
			w.say(user, FieldCaptcha, strings.Repeat("A", try))
			judged++
		}
		if w.convs[user].State == Locked {
			break
		}
	}
	if want := w.wizard.Policy.CaptchaAsker.N; judged != want {
		t.Errorf("%d wrong captchas of one asker were judged, want %d", judged, want)
	}
	late := User{"web", "late"}
	w.toCaptcha(late)
	w.say(late, FieldName, "m.devries")
	w.say(late, FieldCaptcha, w.captcha(late))
	w.on(late, Locked)
}

func TestAC82_TwentyPicturesInARowAreTheMost(t *testing.T) {
	w := newWorld(t)
	w.toCaptcha(ann)
	drawn := map[string]bool{w.media(ann).ID: true}
	for w.convs[ann].State == Who {
		w.pick(ann, PickCaptcha)
		if m := w.convs[ann].Page.Media; m != nil {
			drawn[m.ID] = true
		}
		w.pick(ann, PickAudio) // the same riddle, read aloud, is no further one
	}
	if len(drawn) != 20 {
		t.Errorf("%d pictures were drawn, want 20", len(drawn))
	}
}

// TestAC17_ANewCodeDoesNotLiftTheLock: nor does any other way in, until it is over.
func TestAC17_ANewCodeDoesNotLiftTheLock(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.pick(ann, PickSMS)
	w.say(ann, FieldNumber, "0612345613")
	w.go1(ann)
	w.say(ann, FieldCode, "111111") // takes over the try of the number
	w.come(ann, Outcome{Verdict: WrongOne})
	const counter = CounterKey("proofs|others|id:1")
	for i := 0; len(w.counters[counter].Spends) < 5 && i < 5; i++ {
		w.counters[counter] = w.counters[counter].Spend(fmt.Sprint(i), w.now, w.wizard.Policy.Proofs)
	}
	w.now = w.now.Add(31 * time.Second)
	if c := w.pick(ann, PickResend); c.Start {
		w.come(ann, w.truth(ann))
	}
	if c := w.say(ann, FieldCode, "123456"); c.Start {
		t.Error("a code was judged after the limit, because a new one was asked for")
	}
	for _, after := range []time.Duration{time.Hour, 22 * time.Hour} {
		w.now = w.now.Add(after)
		user := User{"web", "after " + after.String()}
		w.step(user, Input{Kind: Arrived})
		w.pick(user, PickReset)
		w.say(user, FieldName, "m.devries")
		w.say(user, FieldCaptcha, w.captcha(user))
		w.go1(user)
		w.on(user, Locked)
	}
}

// TestAC41_AButtonOfAnEndedOrExpiredConversationStartsNothing: of one that was
// finished, cancelled or is over, pressed once or twice.
func TestAC41_AButtonOfAnEndedOrExpiredConversationStartsNothing(t *testing.T) {
	ends := map[string]func(*world){
		"cancelled": func(w *world) { w.pick(ann, PickCancel) },
		"expired":   func(w *world) { w.now = w.now.Add(16 * time.Minute) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.toStep1(ann, PickReset, "m.devries")
			old := w.convs[ann].Page.Token
			end(w)
			for range 2 {
				c := w.step(ann, Input{Kind: Pressed, Choice: PickCode, Token: old})
				if c.Start || !w.convs[ann].State.Over() {
					t.Fatalf("it led to %s", w.convs[ann].State)
				}
			}
		})
	}
}
