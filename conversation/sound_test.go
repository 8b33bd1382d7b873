package conversation_test

import (
	"strings"
	"testing"
	"time"

	. "resetbot/conversation"
)

// toCaptcha walks user to the page that asks for the name and the captcha.
func (w *world) toCaptcha(user User) {
	w.t.Helper()
	w.step(user, Input{Kind: Arrived})
	w.pick(user, PickReset)
	w.on(user, Who)
}

func (w *world) media(user User) Media {
	w.t.Helper()
	m := w.convs[user].Page.Media
	if m == nil {
		w.t.Fatalf("the page %s shows nothing", w.convs[user].Page.ID)
	}
	return *m
}

func TestPageOneOffersTheSoundBesideTheNewPicture(t *testing.T) {
	w := newWorld(t)
	w.toCaptcha(ann)
	page := w.convs[ann].Page
	if !page.Shows(PickCaptcha) || !page.Shows(PickAudio) || page.Media.Sound {
		t.Errorf("the page offers %v and shows %+v", page.Offers, page.Media)
	}
}

func TestAskingForTheSoundIsTheSameRiddleAndCostsNothing(t *testing.T) {
	w := newWorld(t)
	w.toCaptcha(ann)
	before := w.convs[ann]
	w.now = w.now.Add(4 * time.Minute)
	w.pick(ann, PickAudio)
	after := w.convs[ann]
	w.note(ann, NoteCaptchaSound)
	if m := w.media(ann); !m.Sound || m.ID != before.Page.Media.ID {
		t.Errorf("the page shows %+v, want the sound of %s", m, before.Page.Media.ID)
	}
	if before.Page.Media.Sound {
		t.Error("the page before was altered")
	}
	again := after.Page.Version == before.Page.Version+1 && !after.Page.Delivered
	if after.Page.Token != before.Page.Token || !again {
		t.Error("want the same page, to be delivered again")
	}
	want := before.Captcha
	want.Sound = true
	if got := after.Captcha; got.ID != want.ID || !got.Expires.Equal(want.Expires) || got.Drawn != want.Drawn ||
		got.Wrong != 0 || !got.Sound {
		t.Errorf("the captcha is %+v, want %+v", got, want)
	}
	for range 30 { // as often as one likes
		w.pick(ann, PickAudio)
	}
	w.say(ann, FieldName, "m.devries")
	w.say(ann, FieldCaptcha, w.captcha(ann))
	w.on(ann, Find)
}

func TestWhoListenedOnceHearsEachFurtherCaptcha(t *testing.T) {
	w := newWorld(t)
	w.toCaptcha(ann)
	w.pick(ann, PickAudio)
	first := w.media(ann)
	w.pick(ann, PickCaptcha)
	second := w.media(ann)
	w.say(ann, FieldName, "m.devries")
	w.say(ann, FieldCaptcha, "AAAAAA")
	third := w.media(ann)
	if !second.Sound || !third.Sound || first.ID == second.ID || second.ID == third.ID {
		t.Errorf("%+v, %+v, %+v: want three captchas with a sound", first, second, third)
	}
}

func TestAskingForTheSoundOfAnOldCaptchaGivesANewOne(t *testing.T) {
	w := newWorld(t)
	w.toCaptcha(ann)
	old := w.media(ann)
	w.now = w.now.Add(5 * time.Minute)
	w.pick(ann, PickAudio)
	if m := w.media(ann); !m.Sound || m.ID == old.ID {
		t.Errorf("the page shows %+v, want a new captcha with a sound", m)
	}
	w.note(ann, NoteCaptchaNew)
}

// Whoever solves by ear has as many tries as who solves by sight, and not both.
func TestAC82_SoundAndPictureShareOneCounter(t *testing.T) {
	w := newWorld(t)
	w.toCaptcha(ann)
	w.say(ann, FieldName, "m.devries")
	for try := 1; w.convs[ann].State == Who; try++ {
		if try > w.wizard.Policy.CaptchaWrong {
			t.Fatalf("try %d was judged", try)
		}
		if try%2 == 0 {
			w.pick(ann, PickAudio)
		}
		w.say(ann, FieldCaptcha, strings.Repeat("A", try))
	}
	w.on(ann, Locked)
}

func TestTheSoundIsNotOfferedWhereNothingIsAsked(t *testing.T) {
	w := newWorld(t)
	w.step(ann, Input{Kind: Arrived})
	w.pick(ann, PickAudio)
	w.on(ann, Start)
	w.note(ann, NoteUnclear)
}
