// Package store holds what the stores in the directories beside it have in
// common: how a transition is carried out, whatever it is that keeps the
// records.
package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// Load gives what a transition asked to read; what does not exist is there
// with its zero value.
type Load func(conversation.Reads) (conversation.Facts, error)

// Run asks t what it reads, loads that and calls t.Step. A panic in t becomes
// an error. A Change that cannot be stored as it is, because it would be lost or
// be read as somebody else's, is an error too: whoever made it has a defect.
func Run(
	t bot.Transition, user conversation.User, c conversation.Conversation, load Load,
) (conversation.Change, error) {
	var reads conversation.Reads
	if err := Guard(func() error { reads = t.Reads(c); return nil }); err != nil {
		return conversation.Change{}, err
	}
	facts, err := load(reads)
	if err != nil {
		return conversation.Change{}, err
	}
	var change conversation.Change
	err = Guard(func() (err error) { change, err = t.Step(c, facts); return err })
	if err == nil {
		err = storable(user, change)
	}
	if err != nil {
		return conversation.Change{}, err
	}
	return change, nil
}

func storable(user conversation.User, change conversation.Change) error {
	switch {
	case change.Same:
		return nil
	case !change.Forget && change.Conversation.User != user:
		return errors.New("a step gave one person's conversation to another")
	case change.Account != nil && change.Account.Key == "":
		return errors.New("a step gave an account record without a key")
	case change.Person != nil && change.Person.User.Zero():
		return errors.New("a step gave a person without a name")
	}
	return nil
}

// ErrMarkUsed is the error of a change that uses a single-use mark again. A
// step reads the marks that it is about to use, and answers a clash in words;
// one that does not is stopped by the store, and nothing of it is written.
var ErrMarkUsed = errors.New("a single-use mark was used before")

// Belongs is an error that wraps [bot.ErrUnreadable] when c, read from a store,
// is not user's.
func Belongs(user conversation.User, c conversation.Conversation) error {
	if c.User != user {
		return fmt.Errorf("another person's conversation: %w", bot.ErrUnreadable)
	}
	return nil
}

// Postponed is n due later, one attempt on, and told by more channels.
func Postponed(n conversation.Notice, due time.Time, told []string) conversation.Notice {
	n.Due = due
	n.Attempts++
	for _, channel := range told {
		if !slices.Contains(n.Told, channel) {
			n.Told = append(n.Told, channel)
		}
	}
	return n
}

// Zero reports whether c is the zero counter, which need not be kept: what does
// not exist is read as that.
func Zero(c conversation.Counter) bool {
	return len(c.Spends) == 0 && c.Locked.IsZero() && c.Kept.IsZero()
}

// Spend counts one under id, if that is within l; else c stays as it is. What was
// counted already is within. until is when the next may be counted; zero: at once.
func Spend(
	c conversation.Counter, id string, l conversation.Limit, now time.Time,
) (after conversation.Counter, ok bool, until time.Time) {
	if until, full := c.Full(now, l); full {
		return c, l.N > 0 && Counted(c, id, l, now), until
	}
	after = c.Spend(id, now, l)
	until, _ = after.Full(now, l)
	return after, true, until
}

// Counted reports whether c still has what was counted under id.
func Counted(c conversation.Counter, id string, l conversation.Limit, now time.Time) bool {
	return slices.ContainsFunc(c.Spends, func(s conversation.Spend) bool {
		return s.ID == id && s.At.After(now.Add(-l.Window))
	})
}

// Guard calls f and turns a panic of it into an error, which tells where it
// was. What was thrown is told only when the runtime threw it: anything else
// may hold what a person typed.
func Guard(f func() error) (err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case runtime.Error:
			err = fmt.Errorf("panic at %s: %w", thrower(), thrown)
		default:
			err = fmt.Errorf("panic at %s: %T", thrower(), thrown)
		}
	}()
	return f()
}

// thrower names the innermost line of the program that was running when a
// panic began. To be called while it is being recovered from.
func thrower() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	panicking := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicking && !inRuntime {
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
		panicking = panicking || frame.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}
