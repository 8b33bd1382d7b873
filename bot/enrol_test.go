package bot_test

import (
	"context"
	"path"
	"strconv"
	"testing"
	"testing/synctest"

	"resetbot/bot"
	"resetbot/conversation"
)

// own hands in what somebody says in their own chat.
func (w *world) own(name, text string) {
	w.t.Helper()
	p := w.person(name)
	w.receive(bot.Incoming{
		Kind: conversation.Said, Text: conversation.NewSecret(text),
		From: conversation.Origin{User: nurse, Bound: []conversation.Bound{{ID: p.ID, UPN: p.UPN}}},
	})
}

// toScan walks p.bakker, who has a telephone and no app, to the QR code.
func (w *world) toScan() {
	w.t.Helper()
	w.own("p.bakker", "authenticator koppelen")
	w.fill(nurse, map[conversation.Field]conversation.Secret{
		conversation.FieldCurrent: conversation.NewSecret("krentenbol met roomboter"),
	})
	for _, text := range []string{"1", "0612345635"} {
		w.own("p.bakker", text)
	}
	w.own("p.bakker", w.sms("p.bakker"))
	w.on(nurse, conversation.EnrolScan)
}

func (w *world) apps(name string) []bot.Authenticator {
	w.t.Helper()
	list, err := w.config.Authenticators.Enrolled(context.Background(), w.person(name).ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// The secret of an app is shown to whoever gave the word, and to no robot that
// follows links; never in the chat.
func TestAC66_OnlyTheWordOpensTheQRCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.own("p.bakker", "authenticator koppelen")
		first := w.chat.last(nurse)
		theirs, err := w.bot.Submit(t.Context(), bot.Incoming{
			Kind: conversation.Filled, From: conversation.Origin{User: nurse, Locale: "nl", Asker: "nurse"},
			Token: first.Page.Token, Link: path.Base(first.Link),
			Fields: map[conversation.Field]conversation.Secret{
				conversation.FieldCurrent: conversation.NewSecret("krentenbol met roomboter"),
				conversation.FieldWord:    conversation.NewSecret(strconv.Itoa(first.Page.Entry.Asks)),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		for _, text := range []string{"1", "0612345635"} {
			w.own("p.bakker", text)
		}
		w.own("p.bakker", w.sms("p.bakker"))
		shown := w.chat.last(nurse)
		if shown.App != nil || shown.Picture != nil {
			t.Fatal("the chat shows the secret")
		}
		newest := path.Base(shown.Link)
		m, ok, err := w.bot.Entry(t.Context(), newest)
		if err != nil || !ok || m.App != nil || m.Page.ID != conversation.AskEntryWord || m.Page.Media != nil {
			t.Fatalf("who has the link alone sees %s, %+v (%v, %v)", m.Page.ID, m.Page.Media, ok, err)
		}
		m, ok, err = w.bot.Entry(t.Context(), path.Base(first.Link)) // from a history
		if err != nil || !ok || m.App != nil || m.Page.ID != conversation.AskEntryWord {
			t.Fatalf("who has the link that the word was given under sees %s (%v, %v)", m.Page.ID, ok, err)
		}
		own := path.Base(theirs)
		m, ok, err = w.bot.Entry(t.Context(), own)
		if err != nil || !ok || m.App == nil || m.Page.ID != conversation.AskScanHere || len(m.App.QR) == 0 {
			t.Fatalf("who gave the word sees %s (%v, %v)", m.Page.ID, ok, err)
		}
		if path.Base(m.Link) != own {
			t.Error("the form would leave the address of whoever gave the word")
		}
		w.say(nurse, "annuleren")
		if _, ok, _ = w.bot.Entry(t.Context(), newest); ok {
			t.Error("after the end the link still opens something")
		}
		if m, _, _ := w.bot.Entry(t.Context(), own); m.App != nil {
			t.Error("after the end the secret is still shown")
		}
	})
}

func TestAnEnrolledAppProvesAndIsTakenBackByItsOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *bot.Config) { c.Wizard.Policy.WaitingTime = 0 })
		w.toScan()
		code := w.newApp(nurse)
		w.own("p.bakker", code)
		w.on(nurse, conversation.Enrolled)
		if got := w.apps("p.bakker"); len(got) != 1 || got[0].Since.IsZero() {
			t.Fatalf("enrolled are %+v", got)
		}
		w.own("p.bakker", "reset")
		w.own("p.bakker", "ja")
		w.own("p.bakker", "4")
		w.own("p.bakker", code) // the code that confirmed it proves nothing
		w.on(nurse, conversation.Step1Answer)

		link := w.link("p.bakker", "https://resetbot.example/n/")
		if _, ok, err := w.bot.Disown(t.Context(), link, "somebody"); !ok || err != nil {
			t.Fatalf("disowning: %v, %v", ok, err)
		}
		w.settle()
		if got := w.apps("p.bakker"); len(got) != 0 {
			t.Errorf("the app is still there: %v", len(got))
		}
		w.own("p.bakker", "000000") // the reset that was on
		w.on(nurse, conversation.Withdrawn)
	})
}

func TestAnEnrolmentGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.toScan()
		before := w.newApp(nurse)
		w.restart()
		w.settle()
		if after := w.newApp(nurse); after != before {
			t.Fatal("the app that was scanned is worth nothing any more")
		}
		w.own("p.bakker", before)
		w.on(nurse, conversation.Enrolled)
	})
}
