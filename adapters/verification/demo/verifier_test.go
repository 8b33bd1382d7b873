package demo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"resetbot/adapters/verification/demo"
	"resetbot/bot"
	"resetbot/bot/bottest"
	"resetbot/conversation"
)

// challenges makes challenges that all differ.
func challenges(method conversation.Method, withDigits bool) func(t *testing.T) bot.Challenge {
	var n atomic.Int64
	return func(*testing.T) bot.Challenge {
		i := n.Add(1)
		c := challenge(method, fmt.Sprint(method, i))
		c.Number = conversation.NewSecret(fmt.Sprintf("+316123%05d", i))
		c.Code = conversation.NewSecret(fmt.Sprintf("%06d", 7919*i%1_000_000))
		c.Digits = fmt.Sprint(10 + i%80)
		c.WithDigits = withDigits
		return c
	}
}

// standing is a clock that stands still.
func standing() func() time.Time {
	now := time.Now()
	return func() time.Time { return now }
}

// broken is a telephone network that is out of reach.
func broken(t *testing.T) *demo.Phone {
	return open(t, demo.Options{Faults: func(string) demo.Fault { return demo.Fault{Broken: true} }})
}

// does acts on the newest entry of the challenge's telephone.
func does(p *demo.Phone, action func(c bot.Challenge) demo.Action) func(*testing.T, bot.Challenge) {
	return func(t *testing.T, c bot.Challenge) {
		t.Helper()
		number := c.Number.Reveal()
		if _, err := p.Act(t.Context(), number, newest(t, p, number).ID, action(c)); err != nil {
			t.Fatal(err)
		}
	}
}

func presses(p *demo.Phone, keys string) func(*testing.T, bot.Challenge) {
	return does(p, func(bot.Challenge) demo.Action { return demo.Press(keys) })
}

func mark(prefix string) func(*testing.T, bot.Challenge) string {
	return func(_ *testing.T, c bot.Challenge) string { return prefix + ":" + c.ID }
}

func TestSMSKeepsThePromisesOfThePort(t *testing.T) {
	clock := standing()
	p := open(t, demo.Options{Now: clock})
	bottest.TestVerifier(t, bottest.VerifierFixture{
		Now:       clock,
		Verifier:  p.SMS(),
		Broken:    broken(t).SMS(),
		Challenge: challenges(conversation.SMS, false),
		Mark:      mark("code"),
		Code: func(t *testing.T, c bot.Challenge) conversation.Secret {
			return conversation.NewSecret(newest(t, p, c.Number.Reveal()).Code)
		},
	})
}

func TestCallKeepsThePromisesOfThePort(t *testing.T) {
	clock := standing()
	p := open(t, demo.Options{Now: clock})
	bottest.TestVerifier(t, bottest.VerifierFixture{
		Now:       clock,
		Verifier:  p.Call(),
		Broken:    broken(t).Call(),
		Challenge: challenges(conversation.Call, false),
		Mark:      mark("call"),
		Acts: []bottest.Act{
			{Name: "presses #", Verdict: conversation.Right, Do: presses(p, "#")},
			{Name: "presses 5", Verdict: conversation.WrongOne, Do: presses(p, "5")},
			{Name: "presses 5 and #", Verdict: conversation.WrongOne, Do: presses(p, "5#")},
			{Name: "presses *", Verdict: conversation.WrongOne, Do: presses(p, "*")},
			{Name: "presses 9", Verdict: conversation.DeniedByMe, Do: presses(p, "9")},
			{
				Name: "hangs up", Verdict: conversation.NoAnswer,
				Do: does(p, func(bot.Challenge) demo.Action { return demo.Hangup() }),
			},
		},
	})
}

func TestCallWithDigitsKeepsThePromisesOfThePort(t *testing.T) {
	clock := standing()
	p := open(t, demo.Options{Now: clock})
	bottest.TestVerifier(t, bottest.VerifierFixture{
		Now:       clock,
		Verifier:  p.Call(),
		Broken:    broken(t).Call(),
		Challenge: challenges(conversation.Call, true),
		Mark:      mark("call"),
		Acts: []bottest.Act{
			{
				Name: "presses the digits and #", Verdict: conversation.Right,
				Do: does(p, func(c bot.Challenge) demo.Action { return demo.Press(c.Digits + "#") }),
			},
			{Name: "presses them one by one", Verdict: conversation.Right, Do: func(t *testing.T, c bot.Challenge) {
				for _, key := range c.Digits + "#" {
					presses(p, string(key))(t, c)
				}
			}},
			{Name: "presses only #", Verdict: conversation.WrongOne, Do: presses(p, "#")},
			{Name: "presses other digits", Verdict: conversation.WrongOne, Do: presses(p, "99#")},
			{Name: "presses ever more keys", Verdict: conversation.WrongOne, Do: presses(p, "12345678901234567890")},
			{
				Name: "presses the digits and no #", Verdict: conversation.NoAnswer,
				Do: does(p, func(c bot.Challenge) demo.Action { return demo.Press(c.Digits) }),
			},
			{Name: "presses 9 and #", Verdict: conversation.DeniedByMe, Do: presses(p, "9#")},
		},
	})
}

func TestPushKeepsThePromisesOfThePort(t *testing.T) {
	clock := standing()
	p := open(t, demo.Options{Now: clock})
	approves := func(number string) func(*testing.T, bot.Challenge) {
		return does(p, func(bot.Challenge) demo.Action { return demo.Approve(number) })
	}
	bottest.TestVerifier(t, bottest.VerifierFixture{
		Now:       clock,
		Verifier:  p.Push(),
		Broken:    broken(t).Push(),
		Challenge: challenges(conversation.Push, false),
		Mark:      mark("push"),
		Acts: []bottest.Act{
			{
				Name: "approves with the number", Verdict: conversation.Right,
				Do: does(p, func(c bot.Challenge) demo.Action { return demo.Approve(c.Digits) }),
			},
			{Name: "approves without a number", Verdict: conversation.WrongOne, Do: approves("")},
			{Name: "approves with another number", Verdict: conversation.WrongOne, Do: approves("99")},
			{Name: "approves with all numbers", Verdict: conversation.WrongOne, Do: approves("10 11 12 13 14 15 16")},
			{
				Name: "denies", Verdict: conversation.DeniedByMe,
				Do: does(p, func(bot.Challenge) demo.Action { return demo.Deny() }),
			},
		},
	})
}

func TestAC23_ACodeIsReadAsPeopleWriteItOrRefused(t *testing.T) {
	p := open(t, demo.Options{})
	c := challenge(conversation.SMS, "one")
	for answer, want := range map[string]conversation.Verdict{
		"012345":               conversation.Right,
		"012 345":              conversation.Right,
		" 012345\n":            conversation.Right,
		"0 1 2 3 4 5":          conversation.Right,
		"012\u00a0345":         conversation.Right, // no-break space
		"012-345":              conversation.Right,
		"012\u2013345":         conversation.Right, // en dash
		"０１２３４５":               conversation.Right,
		"٠١٢٣٤٥":               conversation.Right,
		"۰۱۲۳۴۵":               conversation.Right,
		"\u200b012\u200d345":   conversation.Right, // zero-width
		"\u202a012345\u202c":   conversation.Right, // marks of direction
		"-012345":              conversation.WrongOne,
		"012345-":              conversation.WrongOne,
		"012--345":             conversation.WrongOne,
		"12345":                conversation.WrongOne,
		"0123456":              conversation.WrongOne,
		"012345 012345":        conversation.WrongOne,
		"de code is 012345":    conversation.WrongOne,
		"012345.":              conversation.WrongOne,
		"O12345":               conversation.WrongOne,
		"०१२३४५":               conversation.WrongOne, // Devanagari
		"\U0001d7ce12345":      conversation.WrongOne, // mathematical
		"01234५":               conversation.WrongOne,
		"":                     conversation.WrongOne,
		strings.Repeat(" ", 7): conversation.WrongOne,
	} {
		j, err := p.SMS().Check(t.Context(), c, conversation.NewSecret(answer))
		if err != nil || j.Verdict != want {
			t.Errorf("%+q: %+v, error %v, want %s", answer, j, err, want)
		}
	}
}

func TestAChallengeWithoutACodeOrDigitsProvesNothing(t *testing.T) {
	p := open(t, demo.Options{})
	for name, v := range map[string]bot.Verifier{"sms": p.SMS(), "call": p.Call(), "push": p.Push()} {
		for _, digits := range []string{"", "4", "421", "4x"} {
			c := challenge(conversation.SMS, name)
			c.Code, c.Digits, c.WithDigits = conversation.NewSecret(digits), digits, true
			if err := v.Challenge(t.Context(), c); err == nil {
				t.Errorf("%s: %q was sent", name, digits)
			}
			if j, err := v.Check(t.Context(), c, conversation.NewSecret(digits)); err == nil || j != (bot.Judgement{}) {
				t.Errorf("%s: %q gives %+v, error %v, want an error", name, digits, j, err)
			}
		}
	}
	if n := len(list(t, p, "")); n != 0 {
		t.Errorf("%d entries, want none", n)
	}
}

func TestACallRingsOnceUntilItIsOver(t *testing.T) {
	p := open(t, demo.Options{})
	c := challenge(conversation.Call, "one")
	for range 3 {
		send(t, p.Call(), c)
	}
	if n := len(list(t, p, number)); n != 1 {
		t.Fatalf("%d calls, want 1", n)
	}
	act(t, p, demo.Hangup())
	send(t, p.Call(), c) // after a crash: the same challenge again
	if n := len(list(t, p, number)); n != 2 {
		t.Fatalf("%d calls after hanging up, want 2", n)
	}
	act(t, p, demo.Press("#"))
	send(t, p.Call(), c)
	if n := len(list(t, p, number)); n != 2 {
		t.Errorf("%d calls after it was answered, want 2", n)
	}
	j, err := p.Call().Check(t.Context(), c, conversation.Secret{})
	if err != nil || j.Verdict != conversation.Right {
		t.Errorf("%+v, error %v, want it right", j, err)
	}
}

func TestAC31_KeysAfterTheCallAreNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, demo.Options{})
		c := challenge(conversation.Call, "one")
		send(t, p.Call(), c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		j, err := p.Call().Check(ctx, c, conversation.Secret{}) // an answering machine presses nothing
		if err != nil || j != (bot.Judgement{Verdict: conversation.NoAnswer}) {
			t.Errorf("%+v, error %v, want no answer", j, err)
		}
		call := newest(t, p, number)
		if call.State != demo.Missed {
			t.Errorf("the call is %s, want missed", call.State)
		}
		if _, err := p.Act(t.Context(), number, call.ID, demo.Press("#")); err == nil {
			t.Error("a key was pressed when nobody called any more")
		}
		j, err = p.Call().Check(t.Context(), c, conversation.Secret{})
		if err != nil || j.Verdict != conversation.NoAnswer {
			t.Errorf("%+v, error %v, want no answer, at once", j, err)
		}
	})
}

func TestAC31_NobodyWaitsLongerThanTheChallengeLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, demo.Options{})
		c := challenge(conversation.Push, "one")
		send(t, p.Push(), c)
		begun := time.Now()
		j, err := p.Push().Check(t.Context(), c, conversation.Secret{})
		if err != nil || j.Verdict != conversation.NoAnswer {
			t.Errorf("%+v, error %v, want no answer", j, err)
		}
		if took := time.Since(begun); took < 5*time.Minute || took > 5*time.Minute+time.Second {
			t.Errorf("waited %v, want 5 minutes", took)
		}
		if state := newest(t, p, number).State; state != demo.Missed {
			t.Errorf("the notification is %s, want missed", state)
		}
	})
}

func TestAC21_NothingCanBeDoneOnceTheChallengeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, demo.Options{})
		send(t, p.Push(), challenge(conversation.Push, "one"))
		send(t, p.Push(), challenge(conversation.Push, "two"))
		entries := list(t, p, number)
		time.Sleep(5*time.Minute - time.Second)
		if _, err := p.Act(t.Context(), number, entries[0].ID, demo.Approve("42")); err != nil {
			t.Errorf("a second before the end: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := p.Act(t.Context(), number, entries[1].ID, demo.Approve("42")); !errors.Is(err, demo.ErrOver) {
			t.Errorf("at the end: %v, want %v", err, demo.ErrOver)
		}
	})
}

func TestALostCallIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, demo.Options{Faults: func(op string) demo.Fault { return demo.Fault{Lost: op == "call"} }})
		c := challenge(conversation.Call, "one")
		send(t, p.Call(), c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if j, err := p.Call().Check(ctx, c, conversation.Secret{}); err != nil || j.Verdict != conversation.NoAnswer {
			t.Errorf("%+v, error %v, want no answer", j, err)
		}
	})
}

func TestOfTwoCallsTheAnsweredOneCounts(t *testing.T) {
	p := open(t, demo.Options{Faults: func(op string) demo.Fault { return demo.Fault{Twice: op == "call"} }})
	c := challenge(conversation.Call, "one")
	send(t, p.Call(), c)
	calls := list(t, p, number)
	if len(calls) != 2 {
		t.Fatalf("%d calls, want 2", len(calls))
	}
	if _, err := p.Act(t.Context(), number, calls[0].ID, demo.Hangup()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Act(t.Context(), number, calls[1].ID, demo.Press("#")); err != nil {
		t.Fatal(err)
	}
	j, err := p.Call().Check(t.Context(), c, conversation.Secret{})
	if err != nil || j.Verdict != conversation.Right {
		t.Errorf("%+v, error %v, want it right", j, err)
	}
}

func TestAC33_TheNumberToTypeIsNotOnTheTelephone(t *testing.T) {
	p := open(t, demo.Options{})
	for _, withDigits := range []bool{true, false} {
		c := challenge(conversation.Call, fmt.Sprint("call", withDigits))
		c.Digits, c.WithDigits = "87", withDigits
		c.Number = conversation.NewSecret("+31612345600")
		send(t, p.Call(), c)
		c.ID, c.Method = fmt.Sprint("push", withDigits), conversation.Push
		send(t, p.Push(), c)
	}
	for _, e := range list(t, p, "") {
		if strings.Contains(e.Text+e.Code+e.Number, "87") {
			t.Errorf("%+v shows the number", e)
		}
	}
}

// FuzzCode asks that nothing but the six digits is right, however they are
// written, and that nothing panics.
func FuzzCode(f *testing.F) {
	for _, seed := range []string{"012345", "012-345", "٠١٢٣٤٥", "-", "\xff12345", "0\u200b1"} {
		f.Add(seed)
	}
	p := open(f, demo.Options{})
	f.Fuzz(func(t *testing.T, answer string) {
		c := challenge(conversation.SMS, "one")
		j, err := p.SMS().Check(t.Context(), c, conversation.NewSecret(answer))
		if err != nil {
			t.Fatal(err)
		}
		if j.Verdict == conversation.Right && !slices.Equal(digitsIn(answer), []rune("012345")) {
			t.Errorf("%+q is right", answer)
		}
	})
}

// digitsIn are the digits of all scripts in text; those that are not read
// stand for themselves.
func digitsIn(text string) []rune {
	var digits []rune
	for _, c := range text {
		if !unicode.IsDigit(c) {
			continue
		}
		for _, nought := range "０٠۰" {
			if nought <= c && c <= nought+9 {
				c = c - nought + '0'
			}
		}
		digits = append(digits, c)
	}
	return digits
}
