package conversation_test

import (
	"testing"
	"time"

	. "resetbot/conversation"
)

// A page that was delivered may have died with the process that kept it for the
// browser: who comes back soon is told how it ended, and only later greeted anew.
func TestAC52_WhoComesBackSoonAfterTheEndSeesItAgain(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.pick(ann, PickCancel)
	w.on(ann, Cancelled)
	end := w.convs[ann].Page
	w.step(ann, Input{Kind: Shown, Delivered: &Delivery{Version: end.Version, Result: Delivered}})
	w.now = w.now.Add(9 * time.Minute)
	w.step(ann, Input{Kind: Arrived})
	w.on(ann, Cancelled)
	if again := w.convs[ann].Page; again.Delivered || again.ID != end.ID || again.Token != end.Token {
		t.Errorf("the page is %s (delivered: %t), want the end again", again.ID, again.Delivered)
	}
	w.step(ann, Input{Kind: Shown, Delivered: &Delivery{Version: w.convs[ann].Page.Version, Result: Delivered}})
	w.now = w.now.Add(time.Minute)
	w.step(ann, Input{Kind: Arrived})
	w.on(ann, Start)
}

// Who comes for something in particular, as with a chat's command, is taken there at
// once; where a page is on it is shown again, and not taken for answered.
func TestWhoComesForSomethingIsTakenThereAndAnswersNothing(t *testing.T) {
	w := newWorld(t)
	w.step(ann, Input{Kind: Arrived, Choice: PickReset})
	w.on(ann, Who)
	w.step(ann, Input{Kind: Arrived, Choice: PickReset})
	w.on(ann, Who)
	w.note(ann, NoteResumed)
	if typed := w.convs[ann].Typed; typed != "" {
		t.Errorf("the name is taken to be %q", typed)
	}
	w.pick(ann, PickCancel)
	w.on(ann, Cancelled)
	w.step(ann, Input{Kind: Shown, Delivered: &Delivery{Version: w.convs[ann].Page.Version, Result: Delivered}})
	w.step(ann, Input{Kind: Arrived, Choice: PickReset})
	w.on(ann, Who)
}
