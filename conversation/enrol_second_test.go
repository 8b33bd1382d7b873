package conversation_test

import (
	"testing"
	"time"

	. "resetbot/conversation"
)

// A one-time page that is submitted a second time comes late, and from nobody's
// chat. It takes nothing of what the chat proved.
func TestAC41_ALateOneTimePageDoesNotUnbindAChat(t *testing.T) {
	w := enrolWorld(t)
	w.toCurrent(piet)
	page := w.convs[piet].Page
	w.fill(piet, FieldCurrent, marked+"current")
	w.on(piet, EnrolSignIn)
	w.step(piet, Input{
		Kind: Filled, Token: page.Token, Via: page.Token, From: Origin{User: piet, Bound: []Bound{}},
		Fields: map[Field]Secret{FieldCurrent: NewSecret(marked + "current")},
	})
	w.note(piet, NoteStale)
	if len(w.convs[piet].Bound) != 1 {
		t.Errorf("the chat now proves %v", w.convs[piet].Bound)
	}
}

// What an app's secret is derived from is not kept with a conversation that is
// over, however it ended.
func TestAC64_TheWayToAnAppsSecretIsForgottenAtTheEnd(t *testing.T) {
	for name, end := range map[string]func(*world){
		"enrolled": func(w *world) {
			w.say(piet, FieldCode, "654321")
			w.go1(piet)
			w.go1(piet)
			w.on(piet, Enrolled)
		},
		"cancelled": func(w *world) { w.pick(piet, PickCancel) },
	} {
		t.Run(name, func(t *testing.T) {
			w := enrolWorld(t)
			w.toScan(piet)
			if w.convs[piet].Enrol.ID == "" {
				t.Fatal("nothing is being enrolled")
			}
			end(w)
			if c := w.convs[piet]; c.Enrol.ID != "" || c.Page.Media != nil {
				t.Errorf("on %s there is still %q", c.State, c.Enrol.ID)
			}
		})
	}
}

// Two chats of one person enrol for one account at the same time: at the most
// one ends with an app, for the other's proofs are of an account that was.
func TestAC48_TwoEnrolmentsOfOneAccountAreNotBothKept(t *testing.T) {
	w := enrolWorld(t)
	slack := User{Chat: "slack", ID: "piet"}
	w.bound[slack] = w.bound[piet]
	w.toScan(piet)
	w.now = w.now.Add(time.Minute)
	w.toScan(slack)
	w.step(piet, Input{Kind: Said, Fields: map[Field]Secret{FieldCode: NewSecret("654321")}})
	w.on(piet, Displaced)
	w.say(slack, FieldCode, "123321")
	w.go1(slack)
	w.go1(slack)
	w.on(slack, Enrolled)
	if len(w.apps) != 1 {
		t.Errorf("%d apps are kept", len(w.apps))
	}
}

// A freeze between the code and its judgement: nothing is kept.
func TestAC75_AFreezeStopsAnEnrolmentThatIsBeingJudged(t *testing.T) {
	w := enrolWorld(t)
	w.toScan(piet)
	w.say(piet, FieldCode, "654321")
	w.on(piet, EnrolConfirm)
	w.disown(Notice{ID: "n1", Account: "2", Conversation: "another", Message: TellOther, At: w.now})
	w.go1(piet)
	w.on(piet, Withdrawn)
	if len(w.apps) != 0 {
		t.Errorf("%d apps are kept", len(w.apps))
	}
}
