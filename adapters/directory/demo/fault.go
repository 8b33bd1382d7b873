package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// Fault is what goes wrong with one call of a directory. The zero Fault lets
// it be. Of several, the first in this order happens.
type Fault struct {
	// Slow is how long the call takes longer than it would, whatever else
	// happens to it.
	Slow time.Duration
	// Unreachable keeps the call from the directory, and everybody knows it:
	// the error of a write wraps [bot.ErrNotWritten].
	Unreachable bool
	// Lost keeps the call from the directory, and nobody can tell: the error
	// of a write does not wrap [bot.ErrNotWritten].
	Lost bool
	// Refuse refuses a Reset with these flaws.
	Refuse []conversation.PasswordFlaw
	// AnswerLost lets the directory do it, and loses what it says.
	AnswerLost bool
}

// The names of the calls.
const (
	OpFind    = "find"
	OpReset   = "reset"
	OpUnlock  = "unlock"
	OpChanged = "changed"
	OpVerify  = "verify"
)

// WithFaults makes a directory with which things go wrong. fault is asked
// before every call, by the names of Op…; it may be asked by several
// goroutines at once, and what it answers the n-th time is its own affair.
func WithFaults(d bot.Directory, fault func(op string) Fault) bot.Directory {
	return faulty{d, fault}
}

type faulty struct {
	directory bot.Directory
	fault     func(op string) Fault
}

var (
	errUnreachable = errors.New("the directory is out of reach")
	errLost        = errors.New("the directory's answer was lost")
)

// before waits, and says why the call does not reach the directory.
func (f Fault) before(ctx context.Context) error {
	if f.Slow > 0 {
		wait := time.NewTimer(f.Slow)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return notWritten(ctx.Err())
		}
	}
	switch {
	case f.Unreachable:
		return notWritten(errUnreachable)
	case f.Lost:
		return errLost
	}
	return nil
}

// after loses an answer.
func (f Fault) after(err error) error {
	if err == nil && f.AnswerLost {
		return errLost
	}
	return err
}

func (d faulty) Find(ctx context.Context, q bot.Query) (bot.Account, bool, error) {
	f := d.fault(OpFind)
	if err := f.before(ctx); err != nil {
		return bot.Account{}, false, fmt.Errorf("looking up an account: %w", err)
	}
	account, found, err := d.directory.Find(ctx, q)
	if err := f.after(err); err != nil {
		return bot.Account{}, false, err
	}
	return account, found, nil
}

func (d faulty) Reset(
	ctx context.Context, id conversation.AccountID, password conversation.Secret,
) (bot.Write, error) {
	f := d.fault(OpReset)
	return f.write(ctx, func() (bot.Write, error) {
		if len(f.Refuse) > 0 {
			return bot.Write{Result: conversation.WriteRefused, Flaws: f.Refuse}, nil
		}
		return d.directory.Reset(ctx, id, password)
	})
}

func (d faulty) Unlock(ctx context.Context, id conversation.AccountID) (bot.Write, error) {
	return d.fault(OpUnlock).write(ctx, func() (bot.Write, error) {
		return d.directory.Unlock(ctx, id)
	})
}

func (f Fault) write(ctx context.Context, write func() (bot.Write, error)) (bot.Write, error) {
	if err := f.before(ctx); err != nil {
		return bot.Write{}, fmt.Errorf("writing: %w", err)
	}
	done, err := write()
	if err := f.after(err); err != nil {
		return bot.Write{}, err
	}
	return done, nil
}

// Changed answers that the directory cannot be reached; that is no error.
func (d faulty) Changed(
	ctx context.Context, id conversation.AccountID, mark string,
) (conversation.ChangedResult, error) {
	f := d.fault(OpChanged)
	if f.before(ctx) != nil || f.AnswerLost {
		return conversation.ChangedUnreachable, ctx.Err()
	}
	return d.directory.Changed(ctx, id, mark)
}

func (d faulty) VerifyPassword(
	ctx context.Context, id conversation.AccountID, password conversation.Secret,
) (bool, error) {
	f := d.fault(OpVerify)
	if err := f.before(ctx); err != nil {
		return false, fmt.Errorf("checking a password: %w", err)
	}
	right, err := d.directory.VerifyPassword(ctx, id, password)
	if err := f.after(err); err != nil {
		return false, err
	}
	return right, nil
}
