package conversation_test

import (
	"slices"
	"testing"
	"time"

	. "resetbot/conversation"
)

// shut are ways that are closed for everybody.
func (w *world) shut(until time.Time, methods ...Method) (list []Closure) {
	for _, m := range methods {
		list = append(list, Closure{Method: m, Until: until}, Closure{Method: m, Own: true, Until: until})
	}
	return list
}

func (w *world) offer(user User, choice Choice) Offer {
	w.t.Helper()
	page := w.convs[user].Page
	i := slices.IndexFunc(page.Offers, func(o Offer) bool { return o.Choice == choice })
	if i < 0 {
		w.t.Fatalf("the page %s does not offer %s", page.ID, choice)
	}
	return page.Offers[i]
}

func TestAC30_WhatIsClosedIsForItsClassItsMethodAndItsTime(t *testing.T) {
	w := newWorld(t)
	soon, over := w.now.Add(5*time.Minute), w.now
	for name, test := range map[string]struct {
		closure Closure
		off     MessageID
	}{
		"for others":        {Closure{Method: SMS, Until: soon}, NoteClosed},
		"nobody knows when": {Closure{Method: SMS}, NoteClosed},
		"for own chats":     {Closure{Method: SMS, Own: true, Until: soon}, ""},
		"another way":       {Closure{Method: Call, Until: soon}, ""},
		"it is over":        {Closure{Method: SMS, Until: over}, ""},
		"one country":       {Closure{Method: SMS, Country: "NL", Until: soon}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.closed = []Closure{test.closure}
			w.toStep1(ann, PickReset, "m.devries")
			if o := w.offer(ann, PickSMS); o.Off != test.off || test.off != "" && !o.Until.Equal(test.closure.Until) {
				t.Errorf("it is offered as %+v, want off %q", o, test.off)
			}
		})
	}
}

func TestAC30_ChoosingWhatIsClosedCostsNothing(t *testing.T) {
	unchanged := func(w *world, do func() Change) {
		w.t.Helper()
		change := do()
		if change.Start || len(change.Counters) > 0 || w.convs[ann].Failed || w.convs[ann].Task != nil {
			w.t.Errorf("it cost something: %s", encodeChange(w.t, change))
		}
	}
	closed := func(w *world) { w.closed = w.shut(w.now.Add(5*time.Minute), SMS) }
	t.Run("typed, or a button of a page that is still open", func(t *testing.T) {
		w := newWorld(t)
		w.toStep1(ann, PickReset, "m.devries")
		closed(w)
		token := w.convs[ann].Page.Token
		unchanged(w, func() Change { return w.step(ann, Input{Kind: Pressed, Token: token, Choice: PickSMS}) })
		w.on(ann, Step1Choose)
		w.note(ann, NoteClosed)
		unchanged(w, func() Change { return w.pick(ann, PickSMS) })
		w.note(ann, NoteClosed)
		if o := w.offer(ann, PickSMS); o.Off != NoteClosed {
			t.Errorf("it is offered as %+v", o)
		}
	})
	t.Run("where the number is typed", func(t *testing.T) {
		w := newWorld(t)
		w.toStep1(ann, PickReset, "m.devries")
		w.pick(ann, PickSMS)
		closed(w)
		unchanged(w, func() Change { return w.say(ann, FieldNumber, "0612345613") })
		w.on(ann, Step1Choose)
		w.note(ann, NoteClosed)
	})
	t.Run("a number of a country", func(t *testing.T) {
		w := newWorld(t)
		w.toStep1(ann, PickReset, "m.devries")
		w.pick(ann, PickSMS)
		w.closed = []Closure{{Method: SMS, Country: "NL", Until: w.now.Add(time.Minute)}}
		unchanged(w, func() Change { return w.say(ann, FieldNumber, "0612345613") })
		w.on(ann, Step1Number)
		w.note(ann, NoteClosedCountry)
	})
	t.Run("once more: what was sent still counts", func(t *testing.T) {
		w := newWorld(t)
		w.toStep1(ann, PickReset, "m.devries")
		w.pick(ann, PickSMS)
		w.say(ann, FieldNumber, "0612345613")
		w.go1(ann)
		w.now = w.now.Add(31 * time.Second)
		closed(w)
		challenge := w.convs[ann].Question.ID
		change := w.pick(ann, PickResend)
		if change.Start || len(change.Counters) > 0 || w.convs[ann].Question.ID != challenge {
			t.Errorf("it cost something: %s", encodeChange(t, change))
		}
		w.note(ann, NoteClosed)
		w.say(ann, FieldCode, "123456")
		w.go1(ann)
		w.on(ann, Step2Choose)
	})
}

// TestAC30_WhatWasClosedMeanwhileIsSaidToEverybodyAndGivenBack: the first try is
// the one that it cost, and no other.
func TestAC30_WhatWasClosedMeanwhileIsSaidToEverybodyAndGivenBack(t *testing.T) {
	refused := func(w *world) Outcome {
		return Outcome{Trouble: true, Closed: &Closure{Method: SMS, Until: w.now.Add(time.Hour)}}
	}
	for _, name := range []string{"m.devries", "nobody"} {
		w := newWorld(t)
		w.toStep1(ann, PickReset, name)
		number := "06123456" + w.convs[ann].Subject.Digits
		before := w.spends()
		w.pick(ann, PickSMS)
		w.say(ann, FieldNumber, number)
		w.come(ann, refused(w))
		w.on(ann, Step1Choose)
		w.note(ann, NoteClosed)
		if after := w.spends(); after != before {
			t.Errorf("%s: %d spends became %d", name, before, after)
		}

		w.pick(ann, PickSMS) // it is open again at once: no half a minute is waited for
		w.say(ann, FieldNumber, number)
		w.on(ann, Step1Sending)
		w.go1(ann)
		w.now = w.now.Add(31 * time.Second)
		spent := w.spends()
		w.pick(ann, PickResend)
		w.come(ann, refused(w))
		w.note(ann, NoteClosed)
		if after := w.spends(); after != spent {
			t.Errorf("%s: a refused second text gave back the first: %d spends became %d", name, spent, after)
		}
		if len(w.convs[ann].Given) != 1 {
			t.Errorf("%s: the same number would cost a try again", name)
		}
	}
}

// spends are those of proofs and challenges, all accounts together.
func (w *world) spends() (n int) {
	for key, c := range w.counters {
		if use := string(key); len(use) > 6 && (use[:6] == "proofs" || use[:6] == "challe") {
			n += len(c.Spends)
		}
	}
	return n
}

func TestAC30_WhoeverCannotComeToTheEndIsToldBefore(t *testing.T) {
	t.Run("an own chat with nothing but a telephone", func(t *testing.T) {
		w := newWorld(t)
		w.ownChats()
		w.closed = w.shut(w.now.Add(time.Hour), SMS, Call)
		w.step(piet, Input{Kind: Arrived})
		w.pick(piet, PickReset)
		w.pick(piet, PickOwn(0))
		w.go1(piet)
		w.on(piet, Referred)
		if page := w.convs[piet].Page; page.ID != EndClosed || !page.Args.At.Equal(w.now.Add(time.Hour)) {
			t.Errorf("the end is %s, at %v", page.ID, page.Args.At)
		}
	})
	t.Run("nobody knows when", func(t *testing.T) {
		w := newWorld(t)
		w.closed = w.shut(time.Time{}, SMS, Call)
		w.toEnd(ann, "m.devries")
		if page := w.convs[ann].Page; page.ID != EndClosed || !page.Args.At.IsZero() {
			t.Errorf("the end is %s, at %v", page.ID, page.Args.At)
		}
	})
	t.Run("too late to be of use", func(t *testing.T) {
		w := newWorld(t)
		w.closed = w.shut(w.now.Add(12*time.Minute), SMS, Call) // three minutes are left then
		w.toEnd(ann, "m.devries")
		if page := w.convs[ann].Page; page.ID != EndClosed {
			t.Errorf("the end is %s", page.ID)
		}
	})
	t.Run("one of the two is enough to go on", func(t *testing.T) {
		w := newWorld(t)
		w.closed = w.shut(w.now.Add(time.Hour), Call)
		w.toStep1(ann, PickReset, "m.devries")
	})
	t.Run("an unlock that one proof is enough for", func(t *testing.T) {
		w := newWorld(t)
		w.ownChats()
		w.accounts["id:1"] = AccountRecord{Key: "id:1", LastReset: w.now.Add(-time.Hour)}
		w.closed = w.shut(w.now.Add(time.Hour), SMS, Call)
		w.step(mia, Input{Kind: Arrived})
		w.pick(mia, PickStuck)
		w.pick(mia, PickUnlock)
		w.pick(mia, PickYes)
		w.go1(mia)
		w.pick(mia, PickCode)
		w.say(mia, FieldCode, "123456")
		w.go1(mia)
		w.on(mia, Unlocking)
	})
	t.Run("an enrolment needs the telephone, and nothing else where there is no app", func(t *testing.T) {
		w := enrolWorld(t)
		w.closed = w.shut(w.now.Add(5*time.Minute), SMS, Call)
		w.toEnrolChoose(piet)
		w.note(piet, NotePhoneWait)
		w.now = w.now.Add(5 * time.Minute)
		w.step(piet, Input{Kind: Passed})
		w.note(piet, NoteOpen)
		w.provePhone(piet, "0612345614")
		w.on(piet, EnrolScan)
	})
}

// toEnd walks to the end that naming somebody leads to.
func (w *world) toEnd(user User, name string) {
	w.t.Helper()
	w.step(user, Input{Kind: Arrived})
	w.pick(user, PickReset)
	w.say(user, FieldName, name)
	w.say(user, FieldCaptcha, w.captcha(user))
	w.go1(user)
	w.on(user, Referred)
}

func TestAC30_APageOpensByItselfWhenItIsTime(t *testing.T) {
	w := newWorld(t)
	opens := w.now.Add(5 * time.Minute)
	w.closed = append(w.shut(opens, SMS), w.shut(opens.Add(time.Hour), Call)...)
	w.toStep1(ann, PickReset, "m.devries")
	c := w.convs[ann]
	if due := c.Due(w.wizard.Policy); due.After(c.Page.Retry) && !due.Equal(opens) {
		t.Errorf("it is looked at %v", due)
	}
	w.step(ann, Input{Kind: Shown, Delivered: &Delivery{Version: c.Page.Version, Result: Delivered}})
	if due := w.convs[ann].Due(w.wizard.Policy); !due.Equal(opens) {
		t.Errorf("it is looked at %v, want %v", due, opens)
	}
	w.now = opens.Add(-time.Second)
	if change := w.step(ann, Input{Kind: Passed}); !change.Same {
		t.Error("something changed before it was time")
	}
	w.now = opens
	w.step(ann, Input{Kind: Passed})
	w.note(ann, NoteOpen)
	if o := w.offer(ann, PickSMS); o.Off != "" {
		t.Errorf("it is offered as %+v", o)
	}
	if o := w.offer(ann, PickCall); o.Off != NoteClosed {
		t.Errorf("it is offered as %+v", o)
	}
	if w.convs[ann].Page.Token != c.Page.Token {
		t.Error("its buttons are others")
	}
	w.pick(ann, PickSMS)
	w.on(ann, Step1Number)
}
