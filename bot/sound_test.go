package bot_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"testing/synctest"

	"resetbot/adapters/captcha"
	"resetbot/bot"
	"resetbot/conversation"
)

var listener = conversation.User{Chat: "web", ID: "listener"}

func TestASoundIsMadeOnlyWhenItIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.say(listener, "reset")
		if page := w.chat.last(listener); len(page.Picture) == 0 || page.Sound != nil {
			t.Errorf("%d bytes of picture and %d of sound", len(page.Picture), len(page.Sound))
		}
		w.say(listener, "audio")
		w.on(listener, conversation.Who)
		if page := w.chat.last(listener); len(page.Picture) == 0 || len(page.Sound) == 0 {
			t.Errorf("%d bytes of picture and %d of sound", len(page.Picture), len(page.Sound))
		}
		w.say(listener, "m.devries")
		w.say(listener, w.captcha(listener))
		if page := w.chat.last(listener); page.Picture != nil || page.Sound != nil {
			t.Errorf("the page %s has a captcha", page.Page.ID)
		}
	})
}

// A page that was committed and not delivered when the process died is delivered
// by the next one: the same picture, and the same sound.
func TestASoundThatWasNotDeliveredComesAfterARestart(t *testing.T) {
	painter, err := captcha.New()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *bot.Config) { c.Painter = painter })
		w.say(listener, "reset")
		w.say(listener, "geluid voorlezen") // not understood; the page stays
		w.say(listener, "🔊 Audio")
		before := w.chat.last(listener)
		w.chat.mu.Lock()
		w.chat.fail[listener] = 1
		w.chat.mu.Unlock()
		w.say(listener, "help") // the same page once more, which does not arrive
		w.restart()
		for range 10 {
			w.settle()
		}
		after := w.chat.last(listener)
		if after.Page.Version <= before.Page.Version {
			t.Fatal("the page was not delivered again")
		}
		sound, picture := bytes.Equal(before.Sound, after.Sound), bytes.Equal(before.Picture, after.Picture)
		if len(after.Sound) == 0 || !sound || !picture {
			t.Error("another riddle than before the restart")
		}
		if got := binary.LittleEndian.Uint32(after.Sound[24:]); got != 8000 {
			t.Errorf("%d samples a second", got)
		}
		w.say(listener, "m.devries")
		w.say(listener, strings.ToLower(strings.Join(strings.Split(w.captcha(listener), ""), ", ")))
		w.on(listener, conversation.Step1Choose)
	})
}

func TestAC82_TheAnswerToASoundIsInNoLogAndNoAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.say(listener, "reset")
		w.say(listener, "audio")
		answer := w.captcha(listener)
		w.say(listener, "m.devries")
		w.say(listener, "anna anna anna anna anna anna")
		w.say(listener, w.captcha(listener))
		if strings.Contains(w.log.String(), answer) || strings.Contains(w.log.String(), "anna") {
			t.Error("the log has what was said or typed")
		}
	})
}
