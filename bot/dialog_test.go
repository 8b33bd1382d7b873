package bot_test

import (
	"context"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

func TestADialogIsOpenedByTheButtonOfThePageThatIsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.toPassword(nurse, "m.devries")
		page := w.chat.last(nurse).Page
		dialog := func(u conversation.User, token string) (bot.Outgoing, bool) {
			t.Helper()
			m, ok, err := w.bot.Dialog(context.Background(), u, token)
			if err != nil {
				t.Fatal(err)
			}
			return m, ok
		}
		m, ok := dialog(nurse, page.Token)
		if !ok || m.Page.ID != conversation.AskPassword || !strings.Contains(m.Link, "/p/") {
			t.Fatalf("opened: %t, page %s", ok, m.Page.ID)
		}
		if again, _ := dialog(nurse, page.Token); again.Link == m.Link {
			t.Error("two answers have the same address")
		}
		if _, ok, err := w.bot.Entry(context.Background(), path.Base(m.Link)); err != nil || !ok {
			t.Errorf("the address opens nothing (%v)", err)
		}
		for what, refused := range map[string]func() bool{
			"an old page's token": func() bool { _, ok := dialog(nurse, "old"); return ok },
			"no token":            func() bool { _, ok := dialog(nurse, ""); return ok },
			"somebody else":       func() bool { _, ok := dialog(stranger, page.Token); return ok },
		} {
			if refused() {
				t.Errorf("%s opened a dialog", what)
			}
		}
		time.Sleep(w.config.Wizard.Policy.EntryLife)
		if _, ok := dialog(nurse, page.Token); ok {
			t.Error("a one-time page that is over was opened")
		}
	})
}

func TestNoDialogIsOpenedForAPageThatAsksNothingSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.say(nurse, "reset")
		if _, ok, err := w.bot.Dialog(context.Background(), nurse, w.chat.last(nurse).Page.Token); ok || err != nil {
			t.Errorf("opened: %t (%v)", ok, err)
		}
	})
}

func TestAC82_TheSoundOfALinkIsThatOfThePageThatIsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.say(nurse, "reset")
		if link := w.chat.last(nurse).SoundLink; link != "" {
			t.Error("there is an address of a sound that nobody asked for")
		}
		w.say(nurse, "audio")
		link := w.chat.last(nurse).SoundLink
		if !strings.HasPrefix(link, "https://resetbot.example/s/") || strings.Contains(link, w.captcha(nurse)) {
			t.Fatalf("the address is %q", link)
		}
		heard := func(token string) bool {
			t.Helper()
			wav, ok, err := w.bot.Sound(context.Background(), token)
			if err != nil {
				t.Fatal(err)
			}
			return ok && len(wav) > 0
		}
		if !heard(path.Base(link)) {
			t.Error("the sound is not there")
		}
		if heard("made-up") || heard("") {
			t.Error("a link that never was is heard")
		}
		if _, ok, _ := w.bot.Entry(context.Background(), path.Base(link)); ok {
			t.Error("the link of a sound opens a one-time page")
		}
		w.say(nurse, "nieuwe afbeelding")
		if heard(path.Base(link)) {
			t.Error("the sound of a captcha that is over is heard")
		}
	})
}

func TestRejectedRequestsDoNotFillTheAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		lines := func() (n int) {
			t.Helper()
			err := w.store.Lines(context.Background(), 1, func(e bot.Entry) error {
				if e.Line.Event != "rejected" {
					return nil
				}
				n++
				if l := e.Line; l.Chat != "web" || l.Detail != "forged" || l.Asker == "" || strings.Contains(l.Asker, "10.0.0.") {
					t.Errorf("the line says %+v", l)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		reject := func(source string) { w.bot.Rejected(context.Background(), "web", source, "forged") }
		for range 500 {
			reject("10.0.0.1")
		}
		if n := lines(); n != 1 {
			t.Errorf("one source left %d lines in a minute", n)
		}
		time.Sleep(time.Minute)
		reject("10.0.0.1")
		if n := lines(); n != 2 {
			t.Errorf("a minute later there are %d lines", n)
		}
		for i := range 5000 {
			reject(strings.Repeat("x", i))
		}
		if n := lines(); n != 60 {
			t.Errorf("all sources together left %d lines in an hour", n)
		}
		time.Sleep(time.Hour)
		reject("10.0.0.1")
		if n := lines(); n != 61 {
			t.Errorf("an hour later there are %d lines", n)
		}
	})
}
