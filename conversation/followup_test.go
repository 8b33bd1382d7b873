package conversation_test

import (
	"testing"
	"time"

	. "resetbot/conversation"
)

// done walks mia, in her own chat, to a new password.
func (w *world) done() {
	w.t.Helper()
	w.ownChats()
	w.step(mia, Input{Kind: Arrived})
	w.pick(mia, PickReset)
	w.pick(mia, PickYes)
	w.go1(mia)
	w.pick(mia, PickSMS)
	w.say(mia, FieldNumber, "0612345613")
	w.go1(mia)
	w.say(mia, FieldCode, "123456")
	w.go1(mia)
	w.pick(mia, PickCode)
	w.say(mia, FieldCode, "654321")
	w.go1(mia)
	w.submit(mia, marked+"password")
	w.go1(mia)
	w.go1(mia)
	w.on(mia, Done)
	w.shown(mia)
}

// shown tells that user's page arrived.
func (w *world) shown(user User) {
	w.t.Helper()
	w.step(user, Input{Kind: Shown, Delivered: &Delivery{Version: w.convs[user].Page.Version, Result: Delivered}})
}

// pass lets time pass until somebody must look at user's conversation, and looks.
func (w *world) pass(user User) {
	w.t.Helper()
	w.now = w.convs[user].Due(w.wizard.Policy)
	w.step(user, Input{Kind: Passed})
}

func TestTheBadgeIsAskedAfterWhereTheBotCanWriteFirst(t *testing.T) {
	w := newWorld(t)
	w.done()
	end := w.convs[mia]
	w.pass(mia)
	asked := w.convs[mia]
	if got := w.now.Sub(end.Over); got != 10*time.Minute {
		t.Errorf("asked %v after the reset", got)
	}
	if asked.Page.ID != AskFollowUp || asked.ID == end.ID || !asked.Unasked || asked.Page.Delivered {
		t.Fatalf("the page is %s, in %s", asked.Page.ID, asked.State)
	}
	if asked.Address != end.Address || !asked.Page.Ends.IsZero() {
		t.Error("the question goes elsewhere, or hurries")
	}
	w.shown(mia)

	t.Run("anAnswerBeginsAConversationOfItsOwn", func(t *testing.T) {
		w.now = w.now.Add(3 * time.Hour)
		w.step(mia, Input{Kind: Pressed, Token: asked.Page.Token, Choice: PickYes})
		c := w.convs[mia]
		if c.Page.ID != AskStart || c.ID == asked.ID || c.Unasked || c.Ends.Sub(w.now) != w.wizard.Policy.Conversation {
			t.Fatalf("the page is %s, with %v left", c.Page.ID, c.Ends.Sub(w.now))
		}
		w.note(mia, NoteFollowUpYes)
		w.step(mia, Input{Kind: Pressed, Token: asked.Page.Token, Choice: PickNo})
		w.note(mia, NoteStale)
	})
}

func TestAQuestionThatNobodyAskedForGoesWithoutAWord(t *testing.T) {
	w := newWorld(t)
	w.done()
	w.pass(mia)
	pages := w.convs[mia].Page.Version
	w.shown(mia)
	w.pass(mia)
	if _, there := w.convs[mia]; there {
		t.Fatalf("what is left is on page %d, after %d", w.convs[mia].Page.Version, pages)
	}
}

func TestWhoWantsSomethingElseIsHeardBelowTheQuestion(t *testing.T) {
	w := newWorld(t)
	w.done()
	w.pass(mia)
	w.shown(mia)
	w.pick(mia, PickUnlock)
	if c := w.convs[mia]; c.Unasked || c.State != Who {
		t.Fatalf("on %s", c.State)
	}
}

func TestNobodyIsAskedWhereTheBotCannotWriteFirst(t *testing.T) {
	w := newWorld(t)
	w.wizard.Policy.Chats["teams"] = ChatPolicy{Identity: Same, Captcha: Always}
	w.done()
	over := w.convs[mia].Over
	w.pass(mia)
	if _, there := w.convs[mia]; there || w.now.Sub(over) != w.wizard.Policy.KeepEnded {
		t.Errorf("something happened %v after the reset", w.now.Sub(over))
	}
}

// What a chat noted of a page comes back with the next one, also where that page
// was replaced while it was being sent, and over the end of a conversation.
func TestAChatIsGivenBackWhatItNoted(t *testing.T) {
	w := newWorld(t)
	w.step(ann, Input{Kind: Arrived})
	first := w.convs[ann].Page.Version
	w.pick(ann, PickReset)
	sent := func(version int, note string) Change {
		return w.step(ann, Input{Kind: Shown, Delivered: &Delivery{Version: version, Result: Delivered, Note: note}})
	}
	sent(first, "one")
	if c := w.convs[ann]; c.Sent != "one" || c.Page.Delivered {
		t.Fatalf("noted %q, delivered: %t", c.Sent, c.Page.Delivered)
	}
	if !sent(first, "one").Same {
		t.Error("what was noted before was written again")
	}
	sent(w.convs[ann].Page.Version, "")
	if c := w.convs[ann]; c.Sent != "one" || !c.Page.Delivered {
		t.Fatalf("noted %q, delivered: %t", c.Sent, c.Page.Delivered)
	}
	w.pick(ann, PickCancel)
	w.pick(ann, PickReset)
	if c := w.convs[ann]; c.Sent != "one" {
		t.Errorf("a new conversation knows %q of the card before it", c.Sent)
	}
}
