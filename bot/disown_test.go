package bot_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	phone "resetbot/adapters/verification/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

// link is the address in the newest mail of somebody that leads to path.
func (w *world) link(name, path string) string {
	w.t.Helper()
	entries, err := w.phone.List(context.Background(), w.number(name))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if _, rest, ok := strings.Cut(entries[i].Text, path); ok && entries[i].Kind == phone.KindMail {
			end := strings.IndexFunc(rest, func(c rune) bool {
				return c != '-' && c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
			})
			return rest[:end]
		}
	}
	w.t.Fatalf("no mail of %s has a link to %s", name, path)
	return ""
}

// toPassword walks to the page for the new password.
func (w *world) toPassword(user conversation.User, name string) {
	w.t.Helper()
	w.say(user, "reset")
	w.say(user, name)
	w.say(user, w.captcha(user))
	w.say(user, "1")
	w.say(user, "0"+strings.TrimPrefix(w.number(name), "+31"))
	w.say(user, w.sms(name))
	w.say(user, "4")
	w.say(user, w.app(name))
	w.on(user, conversation.Password)
}

func TestAC74_TheLinkOfANoticeUndoesAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.toPassword(nurse, "m.devries")
		w.submit(nurse, "kaars-molen-fiets-tafel")
		w.on(nurse, conversation.Done)
		w.settle()
		token := w.link("m.devries", "https://resetbot.example/n/")
		if _, ok, _ := w.bot.Disownable(t.Context(), token); !ok {
			t.Fatalf("the link of a fresh notice is not open: %q", token)
		}
		if !w.signIn("m.devries", "kaars-molen-fiets-tafel") {
			t.Fatal("opening the link already did something")
		}
		if _, ok, err := w.bot.Disown(context.Background(), token, "somebody"); !ok || err != nil {
			t.Fatalf("disowning: %v, %v", ok, err)
		}
		w.settle()
		for _, password := range []string{"kaars-molen-fiets-tafel", "lampion-vijver-oktober"} {
			if w.signIn("m.devries", password) {
				t.Errorf("%q still works", password)
			}
		}
		if _, ok, _ := w.bot.Disown(context.Background(), token, "somebody"); ok {
			t.Error("a notice was used twice")
		}
		if _, ok, _ := w.bot.Disownable(t.Context(), token); ok {
			t.Error("a link that was used still offers its button")
		}
		if _, ok, _ := w.bot.Disownable(t.Context(), strings.Replace(token, token[20:24], "AAAA", 1)); ok {
			t.Error("a forged link is open")
		}
		time.Sleep(72 * time.Hour)
		if _, ok, _ := w.bot.Disownable(t.Context(), token); ok {
			t.Error("a link lives longer than 72 hours")
		}
	})
}

func TestAC66_OpeningAOneTimePageDoesNotUseItUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.toPassword(nurse, "m.devries")
		link := w.chat.last(nurse).Link
		token, ok := strings.CutPrefix(link, "https://resetbot.example/p/")
		if !ok {
			t.Fatalf("the link is %q", link)
		}
		for range 5 { // a preview robot
			if m, ok, err := w.bot.Entry(context.Background(), token); !ok || err != nil || m.Page.Entry == nil {
				t.Fatalf("opening: %v, %v", ok, err)
			}
		}
		w.receive(bot.Incoming{
			Kind: conversation.Pressed, From: conversation.Origin{User: nurse},
			Token: w.chat.last(nurse).Page.Token, Choice: conversation.PickLink,
		})
		if _, ok, _ := w.bot.Entry(context.Background(), token); ok {
			t.Error("a link lives on after a newer one")
		}
		token = strings.TrimPrefix(w.chat.last(nurse).Link, "https://resetbot.example/p/")
		w.submit(nurse, "kort")
		if m, ok, _ := w.bot.Entry(context.Background(), token); !ok || m.Page.Notes[0].ID != conversation.NotePasswordRefused {
			t.Error("whoever filled the page in does not see what came of it")
		}
		newest := strings.TrimPrefix(w.chat.last(nurse).Link, "https://resetbot.example/p/")
		time.Sleep(10 * time.Minute)
		if m, ok, _ := w.bot.Entry(context.Background(), newest); ok {
			t.Errorf("a link lives longer than ten minutes: %s", m.Page.ID)
		}
	})
}
