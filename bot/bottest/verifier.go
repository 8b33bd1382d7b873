package bottest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// VerifierFixture tells [TestVerifier] how a person proves who they are by one
// way. Set Code where they type something, Acts where they act on their
// telephone, never both.
//
// A way with codes:
//
//	bottest.TestVerifier(t, bottest.VerifierFixture{
//		Verifier:  v,
//		Now:       clock.Now,
//		Challenge: func(t *testing.T) bot.Challenge { … },
//		Mark:      func(t *testing.T, c bot.Challenge) string { return "code:" + c.ID },
//		Code: func(t *testing.T, c bot.Challenge) conversation.Secret {
//			return phone.LastCode(c.Number)
//		},
//	})
//
// A way on the telephone has Acts instead of Code:
//
//	Acts: []bottest.Act{
//		{Name: "types the two digits", Verdict: conversation.Right, Do: …},
//		{Name: "types other digits", Verdict: conversation.WrongOne, Do: …},
//		{Name: "says: it was not me", Verdict: conversation.DeniedByMe, Do: …},
//		{Name: "hangs up", Verdict: conversation.NoAnswer, Do: …},
//	},
//
// The suite calls the functions from the goroutine of the test, so that they
// may call t.Fatal; Do may run while Check is waiting in another.
type VerifierFixture struct {
	// Verifier is what is tested. All tests share it, each with challenges of
	// its own.
	Verifier bot.Verifier

	// Challenge makes a challenge that nobody was asked yet: its id, its
	// account and its code differ from those of every earlier one, and it has
	// a minute or more to live.
	Challenge func(t *testing.T) bot.Challenge

	// Now is the clock that Verifier reads; nil is time.Now. It stands still,
	// or goes as time does.
	Now func() time.Time

	// Mark is the single-use mark that a right answer to c has. It is asked
	// after the answer was judged.
	Mark func(t *testing.T, c bot.Challenge) string

	// Code is what the person reads and types once they were asked c: from the
	// latest text message, from the app.
	Code func(t *testing.T, c bot.Challenge) conversation.Secret

	// Acts are all the things that a person (or an answering machine) can do
	// on the telephone. At least one is right and one is wrong.
	Acts []Act

	// Broken is a verifier of the same way that cannot reach what it needs to
	// judge, nil where there is no such thing.
	Broken bot.Verifier
}

// Act is one thing that can be done on the telephone after a challenge.
type Act struct {
	Name    string
	Do      func(t *testing.T, c bot.Challenge)
	Verdict conversation.Verdict // what Check then says
}

// verifierPatience is how long the suite waits for what must come by itself.
const verifierPatience = 30 * time.Second

// TestVerifier holds a way to prove who one is against what [bot.Verifier]
// promises. Every verifier passes it, the real ones included.
//
// Beyond the port's own words it asks that a challenge which is over by the
// verifier's clock, or has no end at all, proves nothing and is not waited for,
// whoever else looks at the time as well.
func TestVerifier(t *testing.T, f VerifierFixture) {
	if f.Now == nil {
		f.Now = time.Now
	}
	if (f.Code == nil) == (len(f.Acts) == 0) {
		t.Fatal("a fixture has either Code or Acts")
	}
	t.Run("nothing about the answer in an error", f.testBroken)
	if f.Code != nil {
		t.Run("the right code proves", f.testRightCode)
		t.Run("a code that is off by a digit is wrong", f.testNearCodes)
		t.Run("what is no code is wrong and no error", f.testNoCodes)
		t.Run("AC-33 the code of another challenge is wrong", f.testForeignCode)
		t.Run("AC-21 a code dies with its challenge", f.testLateCode)
		t.Run("asking again keeps the code", f.testSameCode)
		t.Run("AC-12 answers at the same instant", f.testManyCodes)
		return
	}
	t.Run("what is done decides", f.testActs)
	t.Run("AC-31 doing nothing is no answer", f.testNoAct)
	t.Run("AC-31 AC-33 an act counts for its own challenge only", f.testForeignAct)
	t.Run("AC-21 an act comes too late after its challenge", f.testLateAct)
	t.Run("asking again does no harm", f.testAskedTwice)
	t.Run("many telephones at the same instant", f.testManyActs)
}

func (f VerifierFixture) testRightCode(t *testing.T) {
	c := f.ask(t)
	code := f.Code(t, c)
	f.wantRight(t, c, f.judge(t, c, code))
	// Some providers take a code only once; the mark of a second time may not
	// be another one, or a code would count twice.
	if again := f.judge(t, c, code); again.Verdict == conversation.Right {
		f.wantRight(t, c, again)
	}
}

func (f VerifierFixture) testNearCodes(t *testing.T) {
	c := f.ask(t)
	code := f.Code(t, c).Reveal()
	for i := range len(code) {
		near := []byte(code)
		near[i] = '0' + (near[i]-'0'+1)%10
		wantWrong(t, fmt.Sprintf("digit %d is another", i+1), f.judge(t, c, conversation.NewSecret(string(near))))
	}
	for name, near := range map[string]string{
		"the last digit lacks":  code[:len(code)-1],
		"the first digit lacks": code[1:],
		"a digit too many":      code + "0",
		"a nought before":       "0" + code,
		"equal modulo 10^6":     "1" + code,
		"a sign before":         "+" + code,
		"twice":                 code + code,
		"a NUL behind":          code + "\x00",
	} {
		wantWrong(t, name, f.judge(t, c, conversation.NewSecret(near)))
	}
}

func (f VerifierFixture) testNoCodes(t *testing.T) {
	c := f.ask(t)
	for name, answer := range map[string]string{
		"empty":              "",
		"a blank":            " ",
		"words":              "geen idee",
		"10 kB of digits":    strings.Repeat("1234567890", 1024),
		"10 kB of letters":   strings.Repeat("x", 10<<10),
		"emoji":              "🙂🔑🙂🔑🙂🔑",
		"a digit in emoji":   "1\uFE0F\u20E3",
		"control characters": "\x00\x01\x1b[2J\x7f",
		"line ends":          "\r\n\r\n\r\n",
		"no UTF-8":           "\xff\xfe\xfd\xfc\xfb\xfa",
		"full-width digits":  "０００００",
		"negative":           "-00001",
		"a number in power":  "1e5",
		"a wild card":        "%%%%%%",
		"quotes":             `'" OR 1=1`,
	} {
		wantWrong(t, name, f.judge(t, c, conversation.NewSecret(answer)))
	}
}

func (f VerifierFixture) testForeignCode(t *testing.T) {
	mine, theirs := f.ask(t), f.ask(t)
	code := f.Code(t, theirs)
	if code.Equal(f.Code(t, mine)) {
		t.Fatal("the fixture gave two challenges the same code")
	}
	wantWrong(t, "the code of another challenge", f.judge(t, mine, code))
	f.wantRight(t, theirs, f.judge(t, theirs, code))
}

func (f VerifierFixture) testLateCode(t *testing.T) {
	c := f.ask(t)
	code := f.Code(t, c)
	for name, over := range map[string]time.Time{
		"at the very end":    f.Now(),
		"a second after":     f.Now().Add(-time.Second),
		"without a deadline": {},
	} {
		late := c
		late.Expires = over
		wantWrong(t, name, f.judge(t, late, code))
	}
	f.wantRight(t, c, f.judge(t, c, code))
}

func (f VerifierFixture) testSameCode(t *testing.T) {
	c := f.ask(t)
	first := f.Code(t, c)
	f.challenge(t, c)
	second := f.Code(t, c)
	if !first.Equal(second) {
		t.Error("the same challenge, asked again, has another code")
	}
	f.wantRight(t, c, f.judge(t, c, first))
}

func (f VerifierFixture) testManyCodes(t *testing.T) {
	const people = 8
	challenges := make([]bot.Challenge, people)
	codes := make([]conversation.Secret, people)
	for i := range people {
		challenges[i] = f.ask(t)
		codes[i] = f.Code(t, challenges[i])
	}
	var rights, wrongs [people][]<-chan judged
	for range 4 {
		for i, c := range challenges {
			nearly := conversation.NewSecret(codes[i].Reveal()[1:])
			rights[i] = append(rights[i], check(t.Context(), f.Verifier, c, codes[i]))
			wrongs[i] = append(wrongs[i], check(t.Context(), f.Verifier, c, nearly))
		}
	}
	for i, c := range challenges {
		proved := false
		for _, verdict := range rights[i] {
			if j := await(t, verdict); j.Verdict == conversation.Right {
				f.wantRight(t, c, j)
				proved = true
			}
		}
		if !proved {
			t.Errorf("challenge %d: the right code, four times at once, proved nothing", i)
		}
		for _, verdict := range wrongs[i] {
			wantWrong(t, "a wrong code among right ones", await(t, verdict))
		}
	}
}

func (f VerifierFixture) testActs(t *testing.T) {
	seen := map[conversation.Verdict]bool{}
	for _, act := range f.Acts {
		seen[act.Verdict] = true
		t.Run(act.Name+" before Check waits", func(t *testing.T) { f.testAct(t, act, false) })
		t.Run(act.Name+" while Check waits", func(t *testing.T) { f.testAct(t, act, true) })
	}
	if !seen[conversation.Right] || !seen[conversation.WrongOne] {
		t.Error("the fixture lacks an act that is right, or one that is wrong")
	}
}

// testAct does one act, while Check is waiting or before it is: a person may
// be quicker than the commit that orders the wait.
func (f VerifierFixture) testAct(t *testing.T, act Act, waiting bool) {
	c := f.ask(t)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var verdict <-chan judged
	if waiting {
		verdict = check(ctx, f.Verifier, c, conversation.Secret{})
		act.Do(t, c)
	} else {
		act.Do(t, c)
		verdict = check(ctx, f.Verifier, c, conversation.Secret{})
	}
	if act.Verdict == conversation.NoAnswer {
		end() // the verifier may go on waiting for a better act
	}
	j := await(t, verdict)
	if j.Verdict != act.Verdict {
		t.Fatalf("verdict %q, want %q", j.Verdict, act.Verdict)
	}
	if act.Verdict == conversation.Right {
		f.wantRight(t, c, j)
	} else if j.Mark != "" {
		t.Errorf("a mark %q without a proof", j.Mark)
	}
}

func (f VerifierFixture) testNoAct(t *testing.T) {
	c := f.ask(t)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	verdict := check(ctx, f.Verifier, c, conversation.Secret{})
	end()
	wantNothing(t, "the end of waiting", await(t, verdict))
	wantNothing(t, "no time to wait at all",
		await(t, check(ctx, f.Verifier, f.ask(t), conversation.Secret{})))
}

func (f VerifierFixture) testForeignAct(t *testing.T) {
	for round := range 16 {
		mine, theirs := f.ask(t), f.ask(t)
		ctx, end := context.WithCancel(t.Context())
		defer end()
		// Whichever waits first may not get what is meant for the other.
		if round%2 == 0 {
			f.right().Do(t, theirs)
		}
		verdict := check(ctx, f.Verifier, mine, conversation.Secret{})
		if round%2 == 1 {
			f.right().Do(t, theirs)
		}
		f.wantRight(t, theirs, f.judge(t, theirs, conversation.Secret{}))
		end()
		wantNothing(t, "the right act for another challenge", await(t, verdict))
	}
}

func (f VerifierFixture) testLateAct(t *testing.T) {
	for name, over := range map[string]time.Time{
		"at the very end":    f.Now(),
		"a second after":     f.Now().Add(-time.Second),
		"without a deadline": {},
	} {
		c := f.ask(t)
		f.right().Do(t, c)
		c.Expires = over
		j := f.judge(t, c, conversation.Secret{})
		if j.Verdict != conversation.NoAnswer && j.Verdict != conversation.WrongOne || j.Mark != "" {
			t.Errorf("%s: %+v, want no answer or a wrong one, without a mark", name, j)
		}
	}
}

func (f VerifierFixture) testAskedTwice(t *testing.T) {
	c := f.ask(t)
	f.challenge(t, c)
	f.right().Do(t, c)
	f.wantRight(t, c, f.judge(t, c, conversation.Secret{}))
}

func (f VerifierFixture) testManyActs(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	defer end()
	challenges := make([]bot.Challenge, 16)
	verdicts := make([]<-chan judged, len(challenges))
	for i := range challenges {
		challenges[i] = f.ask(t)
		verdicts[i] = check(ctx, f.Verifier, challenges[i], conversation.Secret{})
	}
	// Every other person acts; the rest wait to the end.
	for i := 0; i < len(challenges); i += 2 {
		f.right().Do(t, challenges[i])
	}
	for i := 0; i < len(challenges); i += 2 {
		f.wantRight(t, challenges[i], await(t, verdicts[i]))
	}
	end()
	for i := 1; i < len(challenges); i += 2 {
		wantNothing(t, "nothing done, while others acted", await(t, verdicts[i]))
	}
}

func (f VerifierFixture) testBroken(t *testing.T) {
	if f.Broken == nil {
		t.Skip("nothing that can be out of reach")
	}
	c := f.Challenge(t)
	answer := conversation.NewSecret("847261")
	if !c.Code.Empty() {
		answer = c.Code
	}
	if err := f.Broken.Challenge(t.Context(), c); err != nil {
		wantSilent(t, err, c, answer)
	}
	ctx, cancel := context.WithTimeout(t.Context(), verifierPatience)
	defer cancel()
	j, err := f.Broken.Check(ctx, c, answer)
	if err == nil {
		t.Fatalf("%+v without an error, want an error: the try would be counted", j)
	}
	wantSilent(t, err, c, answer)
	if j != (bot.Judgement{}) {
		t.Errorf("%+v with an error, want nothing", j)
	}
}

// ask makes a challenge and asks it.
func (f VerifierFixture) ask(t *testing.T) bot.Challenge {
	t.Helper()
	c := f.Challenge(t)
	if !c.Expires.After(f.Now()) {
		t.Fatal("the fixture made a challenge that is over")
	}
	f.challenge(t, c)
	return c
}

func (f VerifierFixture) challenge(t *testing.T, c bot.Challenge) {
	t.Helper()
	if err := f.Verifier.Challenge(t.Context(), c); err != nil {
		t.Fatalf("Challenge: %v", err)
	}
}

func (f VerifierFixture) judge(t *testing.T, c bot.Challenge, answer conversation.Secret) bot.Judgement {
	t.Helper()
	return await(t, check(t.Context(), f.Verifier, c, answer))
}

// right is the first act that proves.
func (f VerifierFixture) right() Act {
	for _, act := range f.Acts {
		if act.Verdict == conversation.Right {
			return act
		}
	}
	return Act{Do: func(t *testing.T, _ bot.Challenge) { t.Fatal("the fixture has no act that is right") }}
}

// wantRight asks for a proof with the mark that was promised, again and again
// the same one.
func (f VerifierFixture) wantRight(t *testing.T, c bot.Challenge, j bot.Judgement) {
	t.Helper()
	if want := (bot.Judgement{Verdict: conversation.Right, Mark: f.Mark(t, c)}); j != want {
		t.Errorf("right answer: %+v, want %+v", j, want)
	}
	if j.Mark == "" {
		t.Error("right answer: no mark, so it could be used twice")
	}
}

// judged is what Check returned.
type judged struct {
	bot.Judgement
	err error
}

// check calls Check in a goroutine of its own.
func check(ctx context.Context, v bot.Verifier, c bot.Challenge, answer conversation.Secret) <-chan judged {
	verdict := make(chan judged, 1)
	go func() {
		j, err := v.Check(ctx, c, answer)
		verdict <- judged{j, err}
	}()
	return verdict
}

func await(t *testing.T, verdict <-chan judged) bot.Judgement {
	t.Helper()
	select {
	case j := <-verdict:
		if j.err != nil {
			t.Fatalf("Check: %v", j.err)
		}
		return j.Judgement
	case <-time.After(verifierPatience):
		t.Fatalf("Check still waits after %v", verifierPatience)
		return bot.Judgement{}
	}
}

func wantWrong(t *testing.T, what string, j bot.Judgement) {
	t.Helper()
	if want := (bot.Judgement{Verdict: conversation.WrongOne}); j != want {
		t.Errorf("%s: %+v, want %+v", what, j, want)
	}
}

func wantNothing(t *testing.T, what string, j bot.Judgement) {
	t.Helper()
	if want := (bot.Judgement{Verdict: conversation.NoAnswer}); j != want {
		t.Errorf("%s: %+v, want %+v", what, j, want)
	}
}

// wantSilent asks that an error tells nothing that must not be in a log.
func wantSilent(t *testing.T, err error, c bot.Challenge, answer conversation.Secret) {
	t.Helper()
	for what, secret := range map[string]string{
		"the answer": answer.Reveal(),
		"the code":   c.Code.Reveal(),
		"the number": c.Number.Reveal(),
	} {
		if secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("AC-25: %s is in an error", what)
		}
	}
}
