package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"resetbot/bot"
	"resetbot/conversation"
)

// SMS sends the code of a challenge as a text message. Asked again, it sends
// the same code again.
func (p *Phone) SMS() bot.Verifier { return sms{p} }

// Call calls, and asks for # or, WithDigits, for two digits and #. Keys count
// only during the call that asked for them; 9 says that it was not the owner;
// no key at all (engaged, not taken, an answering machine) is no answer.
func (p *Phone) Call() bot.Verifier { return acted{p, KindCall} }

// Push shows a notification that is approved by typing the two digits that the
// chat shows.
func (p *Phone) Push() bot.Verifier { return acted{p, KindNotification} }

var (
	errNoCode   = errors.New("the challenge has no six digits")
	errNoDigits = errors.New("the challenge has no two digits")
)

type sms struct{ phone *Phone }

func (v sms) Challenge(ctx context.Context, c bot.Challenge) error {
	err := errNoCode
	if isDigits(c.Code.Reveal(), 6) {
		r := v.phone.record(KindSMS, c)
		r.State, r.Code = Received, c.Code.Reveal()
		err = v.phone.deliver(ctx, r, func(*book) bool { return true })
	}
	if err != nil {
		return fmt.Errorf("sending a text message: %w", err)
	}
	return nil
}

// Check compares with the code of the challenge. Blanks, hyphens between
// digits, full-width and Arabic digits are taken for what they mean; anything
// else that is not exactly six digits is wrong.
func (v sms) Check(ctx context.Context, c bot.Challenge, answer conversation.Secret) (bot.Judgement, error) {
	if err := v.phone.o.Faults(OpCheck).before(ctx); err != nil {
		return bot.Judgement{}, fmt.Errorf("judging a code: %w", err)
	}
	if !isDigits(c.Code.Reveal(), 6) { // or no answer would equal no code
		return bot.Judgement{}, fmt.Errorf("judging a code: %w", errNoCode)
	}
	inTime := v.phone.o.Now().Before(c.Expires)
	if !inTime || !c.Code.Equal(conversation.NewSecret(asciiDigits(answer.Reveal()))) {
		return bot.Judgement{Verdict: conversation.WrongOne}, nil
	}
	return bot.Judgement{Verdict: conversation.Right, Mark: "code:" + c.ID}, nil
}

// acted is a way that the person acts on: a call or a notification.
type acted struct {
	phone *Phone
	kind  Kind
}

// Challenge does not ring again while it still rings, nor once it was
// answered.
func (v acted) Challenge(ctx context.Context, c bot.Challenge) error {
	err := v.usable(c)
	if err == nil {
		r := v.phone.record(v.kind, c)
		r.State, r.Expires, r.Digits = Waiting, c.Expires, c.WithDigits
		err = v.phone.deliver(ctx, r, func(b *book) bool {
			switch is, _ := b.outcome(v.kind, c.ID, v.phone.o.Now()); is.State {
			case Waiting, Pressed, Approved, Denied:
				return false
			}
			return true
		})
	}
	if err != nil {
		return fmt.Errorf("sending a %s: %w", v.kind, err)
	}
	return nil
}

// usable asks for two digits where they are what decides.
func (v acted) usable(c bot.Challenge) error {
	if (v.kind == KindNotification || c.WithDigits) && !isDigits(c.Digits, 2) {
		return errNoDigits
	}
	return nil
}

func (v acted) Check(ctx context.Context, c bot.Challenge, _ conversation.Secret) (bot.Judgement, error) {
	r, err := v.await(ctx, c)
	if err != nil {
		return bot.Judgement{}, fmt.Errorf("waiting for a %s to be answered: %w", v.kind, err)
	}
	return v.judge(c, r), nil
}

// await waits until the person did something, or there is nothing more to wait
// for.
func (v acted) await(ctx context.Context, c bot.Challenge) (record, error) {
	if err := v.usable(c); err != nil {
		return record{}, err
	}
	if err := v.phone.o.Faults(OpCheck).before(ctx); err != nil && ctx.Err() == nil {
		return record{}, err
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		now := v.phone.o.Now()
		if !now.Before(c.Expires) {
			return record{}, nil
		}
		var is record
		var known bool
		err := v.phone.file.View(func(b *book) { is, known = b.outcome(v.kind, c.ID, now) })
		if err != nil {
			return record{}, err
		}
		if known && is.State != Waiting {
			return is, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return v.stop(ctx, c)
		}
	}
}

// farewell is how long a call may take to be ended, once its time is over.
const farewell = 5 * time.Second

// stop lets the telephone ring no longer, so that what is pressed later is not
// taken for an answer. Who acted in the last moment has acted.
func (v acted) stop(ctx context.Context, c bot.Challenge) (is record, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	err = v.phone.change(ctx, func(b *book) bool {
		stopped := false
		for _, r := range b.about(v.kind, c.ID) {
			if r.State == Waiting {
				r.State, stopped = Missed, true
			}
		}
		is, _ = b.outcome(v.kind, c.ID, v.phone.o.Now())
		return stopped
	})
	return is, err
}

// judge is by what was done; the zero record is nothing.
func (v acted) judge(c bot.Challenge, r record) bot.Judgement {
	right, mark := "#", "call:"+c.ID
	if v.kind == KindNotification {
		right, mark = c.Digits, "push:"+c.ID
	} else if c.WithDigits {
		right = c.Digits + "#"
	}
	switch r.State {
	case Denied:
		return bot.Judgement{Verdict: conversation.DeniedByMe}
	case Pressed, Approved:
		if conversation.NewSecret(right).Equal(conversation.NewSecret(asciiDigits(r.Typed))) {
			return bot.Judgement{Verdict: conversation.Right, Mark: mark}
		}
		return bot.Judgement{Verdict: conversation.WrongOne}
	}
	return bot.Judgement{Verdict: conversation.NoAnswer}
}

// outcome is the record that decides a challenge: the first that was answered;
// else one that still waits; else the last. known is false while there is none
// at all, as on a telephone that has not got it yet.
func (b *book) outcome(kind Kind, challenge string, now time.Time) (is record, known bool) {
	for _, r := range b.about(kind, challenge) {
		state := r.state(now)
		if state == Pressed || state == Approved || state == Denied {
			return *r, true
		}
		if !known || is.State != Waiting {
			is, known = *r, true
			is.State = state
		}
	}
	return is, known
}

// record is what a challenge puts on a telephone.
func (p *Phone) record(kind Kind, c bot.Challenge) record {
	return record{
		Entry: Entry{
			Kind:   kind,
			Text:   p.o.Text(c),
			Number: cmp.Or(c.Number.Reveal(), c.UPN),
		},
		Owner: c.UPN,
		About: c.ID,
	}
}

func isDigits(text string, n int) bool {
	return len(text) == n && strings.Trim(text, "0123456789") == ""
}

// asciiDigits reads digits as people and their telephones write them. Every
// digit is kept; what is not understood is left in, and so is not a code.
func asciiDigits(text string) string {
	text = strings.Map(func(c rune) rune {
		for _, nought := range []rune{'０', '٠', '۰'} {
			if nought <= c && c <= nought+9 {
				return c - nought + '0'
			}
		}
		switch {
		case unicode.IsSpace(c), unicode.Is(unicode.Cf, c): // zero-width ones, marks of direction
			return -1
		case unicode.Is(unicode.Pd, c): // all dashes, as telephones like to correct them
			return '-'
		}
		return c
	}, text)
	parts := strings.Split(text, "-")
	for _, part := range parts {
		if part == "" {
			return text
		}
	}
	return strings.Join(parts, "")
}
