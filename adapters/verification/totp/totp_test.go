package totp_test

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp"

	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/bot/bottest"
	"resetbot/conversation"
)

// noon is in the middle of a step, so that the edges are equally far.
var noon = time.Date(2026, 11, 22, 12, 0, 15, 0, time.UTC)

// cabinet is a bot.Authenticators that is filled before it is used.
type cabinet map[conversation.AccountID][]bot.Authenticator

func (c cabinet) Enrolled(_ context.Context, id conversation.AccountID) ([]bot.Authenticator, error) {
	return slices.Clone(c[id]), nil
}

func (c cabinet) Enrol(_ context.Context, id conversation.AccountID, a bot.Authenticator) error {
	c[id] = append(c[id], a)
	return nil
}

func (c cabinet) Remove(_ context.Context, id conversation.AccountID, device string) error {
	c[id] = slices.DeleteFunc(c[id], func(a bot.Authenticator) bool { return a.ID == device })
	return nil
}

// shut is a cabinet that cannot be opened.
type shut struct{ cabinet }

func (shut) Enrolled(context.Context, conversation.AccountID) ([]bot.Authenticator, error) {
	return nil, errors.New("the disk is gone")
}

// secretOf makes a key of 20 bytes out of a word.
func secretOf(word string) conversation.Secret {
	return conversation.NewSecret(base32.StdEncoding.EncodeToString([]byte(fmt.Sprintf("%-20.20s", word))))
}

func device(id string, secret conversation.Secret) bot.Authenticator {
	return bot.Authenticator{ID: id, Secret: secret, Since: noon.AddDate(-1, 0, 0)}
}

func codeAt(t *testing.T, secret conversation.Secret, at time.Time) conversation.Secret {
	t.Helper()
	code, err := totp.Code(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func question(account conversation.AccountID) bot.Challenge {
	return bot.Challenge{
		ID: "question", Method: conversation.Code, Account: account, Expires: noon.Add(5 * time.Minute),
	}
}

// judge asks a Verifier over c whose clock stands at now.
func judge(t *testing.T, c cabinet, now time.Time, answer conversation.Secret) bot.Judgement {
	t.Helper()
	v := totp.New(totp.Options{Authenticators: c, Now: func() time.Time { return now }})
	j, err := v.Check(t.Context(), question("a1"), answer)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

var wrong = bot.Judgement{Verdict: conversation.WrongOne}

func right(mark string) bot.Judgement { return bot.Judgement{Verdict: conversation.Right, Mark: mark} }

func TestVerifier(t *testing.T) {
	drawer, clock := cabinet{}, func() time.Time { return noon }
	asked := 0
	bottest.TestVerifier(t, bottest.VerifierFixture{
		Verifier: totp.New(totp.Options{Authenticators: drawer, WaitingTime: 72 * time.Hour, Now: clock}),
		Broken:   totp.New(totp.Options{Authenticators: shut{}, Now: clock}),
		Now:      clock,
		Challenge: func(t *testing.T) bot.Challenge {
			asked++
			c := question(conversation.AccountID(fmt.Sprintf("account-%d", asked)))
			c.ID = fmt.Sprintf("challenge-%d", asked)
			drawer[c.Account] = []bot.Authenticator{device("phone", secretOf(c.ID))}
			return c
		},
		Code: func(t *testing.T, c bot.Challenge) conversation.Secret {
			return codeAt(t, drawer[c.Account][0].Secret, noon)
		},
		Mark: func(t *testing.T, c bot.Challenge) string {
			return fmt.Sprintf("totp:%s:phone:%d", c.Account, noon.Unix()/30)
		},
	})
}

// The vectors have eight digits; six are the last six of them, for both are
// the same number modulo a power of ten (RFC 4226, section 5.3).
func TestCodesAreThoseOfRFC6238AppendixB(t *testing.T) {
	secret := conversation.NewSecret(base32.StdEncoding.EncodeToString([]byte("12345678901234567890")))
	for second, eight := range map[int64]string{
		59:          "94287082",
		1111111109:  "07081804",
		1111111111:  "14050471",
		1234567890:  "89005924",
		2000000000:  "69279037",
		20000000000: "65353130",
	} {
		if got, want := codeAt(t, secret, time.Unix(second, 0)).Reveal(), eight[2:]; got != want {
			t.Errorf("at %d: %s, want %s", second, got, want)
		}
	}
}

func TestAC24_OnlyTheStepsNextToNowCount(t *testing.T) {
	secret := secretOf("AC-24")
	c := cabinet{"a1": {device("phone", secret)}}
	start := noon.Truncate(30 * time.Second) // of the present step
	present := start.Unix() / 30
	for name, test := range map[string]struct {
		shown time.Time // when the app showed the code
		want  bot.Judgement
	}{
		"two steps ago":      {start.Add(-31 * time.Second), wrong},
		"one step ago":       {start.Add(-30 * time.Second), right(fmt.Sprint("totp:a1:phone:", present-1))},
		"just before":        {start.Add(-time.Nanosecond), right(fmt.Sprint("totp:a1:phone:", present-1))},
		"now, begin":         {start, right(fmt.Sprint("totp:a1:phone:", present))},
		"now, end":           {start.Add(29 * time.Second), right(fmt.Sprint("totp:a1:phone:", present))},
		"the next step":      {start.Add(30 * time.Second), right(fmt.Sprint("totp:a1:phone:", present+1))},
		"the one after that": {start.Add(60 * time.Second), wrong},
	} {
		for edge, now := range map[string]time.Time{
			"begin": start, "middle": noon, "end": start.Add(30*time.Second - time.Nanosecond),
		} {
			if diff := cmp.Diff(test.want, judge(t, c, now, codeAt(t, secret, test.shown))); diff != "" {
				t.Errorf("shown %s, judged at the %s of the step (-want +got):\n%s", name, edge, diff)
			}
		}
	}
}

func TestAC24_ACodeKeepsItsMarkWhenItIsJudgedLater(t *testing.T) {
	secret := secretOf("one mark")
	c := cabinet{"a1": {device("phone", secret)}}
	code := codeAt(t, secret, noon)
	first := judge(t, c, noon, code)
	if later := judge(t, c, noon.Add(30*time.Second), code); first != later || first.Mark == "" {
		t.Errorf("%+v, a step later %+v: used twice", first, later)
	}
}

func TestEveryDeviceOfTheAccountProves(t *testing.T) {
	c := cabinet{
		"a1": {device("phone", secretOf("telephone")), device("tablet", secretOf("tablet"))},
		"b2": {device("other", secretOf("somebody else"))},
	}
	step := noon.Unix() / 30
	for word, want := range map[string]bot.Judgement{
		"telephone":     right(fmt.Sprint("totp:a1:phone:", step)),
		"tablet":        right(fmt.Sprint("totp:a1:tablet:", step)),
		"somebody else": wrong,
	} {
		if got := judge(t, c, noon, codeAt(t, secretOf(word), noon)); got != want {
			t.Errorf("%s: %+v, want %+v", word, got, want)
		}
	}
}

func TestAnAccountWithoutADeviceProvesNothing(t *testing.T) {
	if got := judge(t, cabinet{}, noon, conversation.NewSecret("123456")); got != wrong {
		t.Errorf("%+v, want %+v", got, wrong)
	}
}

func TestAC32_ADeviceThatIsTooYoungProvesNothing(t *testing.T) {
	const wait = 72 * time.Hour
	secret := secretOf("young")
	for name, test := range map[string]struct {
		since time.Time
		want  conversation.Verdict
	}{
		"long ago":        {noon.AddDate(-1, 0, 0), conversation.Right},
		"nobody knows":    {time.Time{}, conversation.Right},
		"just old enough": {noon.Add(-wait), conversation.Right},
		"a moment less":   {noon.Add(-wait + 1), conversation.WrongOne},
		"this instant":    {noon, conversation.WrongOne},
		"in the future":   {noon.AddDate(1, 0, 0), conversation.WrongOne},
	} {
		d := device("phone", secret)
		d.Since = test.since
		v := totp.New(totp.Options{
			Authenticators: cabinet{"a1": {d}}, WaitingTime: wait, Now: func() time.Time { return noon },
		})
		j, err := v.Check(t.Context(), question("a1"), codeAt(t, secret, noon))
		if err != nil || j.Verdict != test.want {
			t.Errorf("enrolled %s: %v, %v, want %v", name, j.Verdict, err, test.want)
		}
	}
}

func TestWithoutAWaitingTimeADeviceProvesAtOnce(t *testing.T) {
	d := device("phone", secretOf("demo"))
	d.Since = noon
	if got := judge(t, cabinet{"a1": {d}}, noon, codeAt(t, d.Secret, noon)); got.Verdict != conversation.Right {
		t.Errorf("%+v, want right", got)
	}
}

// The code of an empty key can be computed by anybody, and a try that ends in
// an error is given back: neither may help a guesser.
func TestAKeyThatCannotBeUsedProvesNothing(t *testing.T) {
	good := device("good", secretOf("good"))
	for name, bad := range map[string]string{
		"lost":       "",
		"blank":      "    ",
		"short":      "JBSWY3DPEHPK3PXP",
		"no base32":  "not a key at all! 0189 not a key",
		"cut in two": strings.Repeat("A", 31) + "=A",
	} {
		t.Run(name, func(t *testing.T) {
			broken := device("broken", conversation.NewSecret(bad))
			v := totp.New(totp.Options{
				Authenticators: cabinet{"alone": {broken}, "beside": {broken, good}},
				Now:            func() time.Time { return noon },
			})
			for _, answer := range []string{"000000", "328482", "123456"} {
				guess := conversation.NewSecret(answer)
				j, err := v.Check(t.Context(), question("alone"), guess)
				if err == nil || j != (bot.Judgement{}) {
					t.Errorf("the only device: %+v, %v, want an error", j, err)
				} else if bad != "" && strings.Contains(err.Error(), bad) || strings.Contains(err.Error(), answer) {
					t.Errorf("AC-25: a secret in %q", err)
				}
				if j, err := v.Check(t.Context(), question("beside"), guess); err != nil || j != wrong {
					t.Errorf("beside a good one: %+v, %v, want wrong", j, err)
				}
			}
			if j, err := v.Check(t.Context(), question("beside"), codeAt(t, good.Secret, noon)); err != nil ||
				j.Verdict != conversation.Right {
				t.Errorf("the good one: %+v, %v, want right", j, err)
			}
		})
	}
}

func TestAClockBefore1970IsAnError(t *testing.T) {
	v := totp.New(totp.Options{
		Authenticators: cabinet{"a1": {{ID: "phone", Secret: secretOf("old")}}},
		Now:            func() time.Time { return time.Unix(-1000, 0) },
	})
	if j, err := v.Check(t.Context(), question("a1"), conversation.NewSecret("123456")); err == nil {
		t.Errorf("%+v, want an error", j)
	}
}

func TestKeysAreReadAsPeopleWriteThem(t *testing.T) {
	plain := "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGE"
	want := codeAt(t, conversation.NewSecret(plain), noon)
	for _, written := range []string{
		strings.ToLower(plain), plain + "======", "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ GE",
	} {
		if got := codeAt(t, conversation.NewSecret(written), noon); !got.Equal(want) {
			t.Errorf("%q is another key", written)
		}
	}
}

func TestURLIsReadBackAsItWasMeant(t *testing.T) {
	secret := secretOf("enrolment")
	for name, test := range map[string]struct{ issuer, account, shown, shownAccount string }{
		"plain":        {"Ziekenhuis", "m.devries@example.org", "Ziekenhuis", "m.devries@example.org"},
		"blanks":       {" UMC  Noord ", "m.devries@example.org", "UMC Noord", "m.devries@example.org"},
		"a colon":      {"UMC: Noord", "x:m.devries", "UMC Noord", "x m.devries"},
		"an ampersand": {"Zorg & Co = beter", "a+b@example.org", "Zorg & Co = beter", "a+b@example.org"},
		"reserved":     {"100% ?#/;,", "a/b?c#d", "100% ?#/;,", "a/b?c#d"},
		"accents":      {"Één ziekenhuis", "zoë@example.org", "Één ziekenhuis", "zoë@example.org"},
		"line ends":    {"A\r\nB", "c\td", "A B", "c d"},
	} {
		t.Run(name, func(t *testing.T) {
			url, err := totp.URL(test.issuer, test.account, secret)
			if err != nil {
				t.Fatal(err)
			}
			if s := fmt.Sprintf("%v %+v %#v", url, url, url); strings.Contains(s, secret.Reveal()) {
				t.Error("AC-25: the address prints its key")
			}
			if strings.Contains(url.Reveal(), "+") {
				t.Error("a plus sign, which apps show as it is")
			}
			key, err := otp.NewKeyFromURL(url.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			got := []any{
				key.Type(), key.Issuer(), key.AccountName(), key.Secret(), key.Period(), key.Digits(), key.Algorithm(),
			}
			want := []any{
				"totp", test.shown, test.shownAccount, secret.Reveal(), uint64(30), otp.DigitsSix, otp.AlgorithmSHA1,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestURLRefusesWhatAnAppCouldNotShow(t *testing.T) {
	secret := secretOf("nothing to show")
	for _, test := range []struct {
		issuer, account string
		secret          conversation.Secret
	}{
		{"", "m.devries", secret},
		{" : ", "m.devries", secret},
		{"Ziekenhuis", "", secret},
		{"Ziekenhuis", "m.devries", conversation.Secret{}},
	} {
		if url, err := totp.URL(test.issuer, test.account, test.secret); err == nil || !url.Empty() {
			t.Errorf("%q, %q: no error", test.issuer, test.account)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"", "123456", "12345", "１２３４５６", "12 34 56", "-12345", "\x00\xff"} {
		f.Add(seed)
	}
	secret := secretOf("fuzz")
	v := totp.New(totp.Options{
		Authenticators: cabinet{"a1": {device("phone", secret)}},
		Now:            func() time.Time { return noon },
	})
	var valid []string
	for n := time.Duration(-1); n <= 1; n++ {
		code, err := totp.Code(secret, noon.Add(n*30*time.Second))
		if err != nil {
			f.Fatal(err)
		}
		valid = append(valid, code.Reveal())
	}
	f.Fuzz(func(t *testing.T, answer string) {
		j, err := v.Check(t.Context(), question("a1"), conversation.NewSecret(answer))
		if err != nil {
			t.Fatal(err)
		}
		right := j.Verdict == conversation.Right
		if right != slices.Contains(valid, answer) || right != (j.Mark != "") {
			t.Errorf("%q: %+v", answer, j)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	secret := secretOf("speed")
	v := totp.New(totp.Options{
		Authenticators: cabinet{"a1": {device("phone", secret)}},
		Now:            func() time.Time { return noon },
	})
	answer, err := totp.Code(secret, noon)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if j, err := v.Check(b.Context(), question("a1"), answer); err != nil || j.Verdict != conversation.Right {
			b.Fatal(j, err)
		}
	}
}
