// Package totp proves who one is by the six digits of an authenticator app
// (RFC 6238 with SHA-1 and steps of 30 seconds, the only form that every app
// knows). Nothing is sent: the app and we share a key, and both can read a
// clock.
//
// The code of each step that may count is generated and compared, instead of
// asking a library whether one matches, because the step that matched must be
// known: it is the mark by which a code is used only once (RFC 6238, section
// 5.2).
package totp

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"resetbot/bot"
	"resetbot/conversation"
)

const (
	// period is the time step X of RFC 6238, section 5.2, in seconds.
	period = 30
	// skew is how many steps before and after the present one count too: one,
	// for the time it takes to type and for clocks that differ (section 5.2).
	skew = 1
	// digits is how long a code is.
	digits = otp.DigitsSix
	// leastKey is the shortest key in bytes (RFC 4226, section 4, R6). It
	// matters: the code of a lost, empty key can be computed by anybody.
	leastKey = 16
)

// Options are what a [Verifier] is made of.
type Options struct {
	Authenticators bot.Authenticators
	// WaitingTime is how long ago a device must have been enrolled before it
	// proves anything, so that whoever gets hold of an account for a moment
	// gains no way back into it.
	WaitingTime time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Verifier judges the codes of authenticator apps. It is safe for concurrent
// use when its Authenticators are.
type Verifier struct {
	authenticators bot.Authenticators
	waitingTime    time.Duration
	now            func() time.Time
}

var _ bot.Verifier = (*Verifier)(nil)

// New makes a Verifier.
func New(o Options) *Verifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Verifier{authenticators: o.Authenticators, waitingTime: o.WaitingTime, now: o.Now}
}

// Challenge does nothing: the app shows its code by itself.
func (v *Verifier) Challenge(context.Context, bot.Challenge) error { return nil }

// Check judges six digits against every device of the account that is old
// enough. The mark of a right code is "totp:<account>:<device>:<step>", where
// step counts periods of 30 seconds since 1970 and is the one that the code
// belongs to, not the one it was typed in. Everything that is not six ASCII
// digits is wrong, as is every answer to a challenge that is over.
//
// An error means that the devices, or the key of each of them, could not be
// read: then no code could have been right. While one device can be judged
// there is none, for a try that ends in an error is given back, and a broken
// device would buy endless tries against the other.
func (v *Verifier) Check(
	ctx context.Context, c bot.Challenge, answer conversation.Secret,
) (bot.Judgement, error) {
	wrong := bot.Judgement{Verdict: conversation.WrongOne}
	now := v.now()
	if !now.Before(c.Expires) || !wellFormed(answer.Reveal()) {
		return wrong, nil
	}
	devices, err := v.authenticators.Enrolled(ctx, c.Account)
	if err != nil {
		return bot.Judgement{}, fmt.Errorf("reading the authenticators of %s: %w", c.Account, err)
	}
	verdict, judged := wrong, false
	var unreadable error
	for _, d := range devices {
		if now.Sub(d.Since) < v.waitingTime {
			continue
		}
		step, matches, err := match(d.Secret, answer, now)
		if err != nil {
			unreadable = errors.Join(unreadable, fmt.Errorf("device %s: %w", d.ID, err))
			continue
		}
		judged = true
		if matches && verdict == wrong {
			verdict = bot.Judgement{Verdict: conversation.Right, Mark: mark(c.Account, d.ID, step)}
		}
	}
	if !judged && unreadable != nil {
		return bot.Judgement{}, fmt.Errorf("judging an app's code for %s: %w", c.Account, unreadable)
	}
	return verdict, nil
}

// mark is the single-use mark of a code.
func mark(account conversation.AccountID, device string, step int64) string {
	return fmt.Sprintf("totp:%s:%s:%d", account, device, step)
}

// match finds the step around now whose code is answer. All are compared, each
// in constant time. A code that happens to be that of two steps belongs to the
// earlier one, whenever it is judged.
func match(secret, answer conversation.Secret, now time.Time) (step int64, matches bool, err error) {
	k, err := read(secret)
	if err != nil {
		return 0, false, err
	}
	present := now.Unix() / period
	for n := present - skew; n <= present+skew; n++ {
		code, err := k.code(n)
		if err != nil {
			return 0, false, err
		}
		same := subtle.ConstantTimeCompare([]byte(code), []byte(answer.Reveal())) == 1
		if same && !matches {
			step, matches = n, true
		}
	}
	return step, matches, nil
}

// wellFormed reports whether text is six ASCII digits.
func wellFormed(text string) bool {
	return len(text) == digits.Length() && strings.Trim(text, "0123456789") == ""
}

// key is the shared key in base32, upper case, without padding.
type key string

var base32NoPadding = base32.StdEncoding.WithPadding(base32.NoPadding)

// errKey tells nothing of what was read, for that may be a key all the same.
var errKey = errors.New("the key is not base32 of 16 bytes or more")

// read takes a key as people's tools write it too: in lower case, in groups,
// padded.
func read(secret conversation.Secret) (key, error) {
	text := strings.ToUpper(strings.ReplaceAll(secret.Reveal(), " ", ""))
	text = strings.TrimRight(text, "=")
	raw, err := base32NoPadding.DecodeString(text)
	if err != nil || len(raw) < leastKey {
		return "", errKey
	}
	return key(text), nil
}

// code is what k gives for a step (RFC 4226, section 5.3).
func (k key) code(step int64) (string, error) {
	if step < 0 {
		return "", errors.New("the clock stands before 1970")
	}
	code, err := hotp.GenerateCodeCustom(string(k), uint64(step),
		hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", errKey
	}
	return code, nil
}

// Code is what the app that holds secret shows at a moment: for enrolment, and
// for a made-up telephone. An error means that secret is no key.
func Code(secret conversation.Secret, at time.Time) (conversation.Secret, error) {
	k, err := read(secret)
	if err != nil {
		return conversation.Secret{}, err
	}
	code, err := k.code(at.Unix() / period)
	return conversation.NewSecret(code), err
}

// URL is what an app reads off the QR code at enrolment: otpauth://totp/… with
// the key in it, hence a secret itself. The app shows issuer and account.
//
// The form (Google's Key Uri Format) cannot hold a colon in either, as it
// separates the two and apps decode before they split: a colon becomes a
// blank. It is written here because otp leaves & and = in an issuer as they
// are, and so cuts "Zorg & Co" short.
func URL(issuer, account string, secret conversation.Secret) (conversation.Secret, error) {
	k, err := read(secret)
	if err != nil {
		return conversation.Secret{}, err
	}
	issuer, account = label(issuer), label(account)
	if issuer == "" || account == "" {
		return conversation.Secret{}, errors.New("an authenticator needs an issuer and an account to show")
	}
	return conversation.NewSecret(fmt.Sprintf(
		"otpauth://totp/%s:%s?secret=%s&issuer=%[1]s&algorithm=SHA1&digits=%[4]d&period=%[5]d",
		escape(issuer), escape(account), k, digits.Length(), period)), nil
}

// label is text on one line, without colons.
func label(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, ":", " ")), " ")
}

// escape writes a blank as %20: several apps show the plus sign of
// url.QueryEscape.
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
