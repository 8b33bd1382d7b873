package bot

import (
	"context"
	"time"

	"resetbot/conversation"
)

// The wall clock tells when something is due, and it may be set. Set ahead, it
// is as if that time had passed. Set back, everything that was to happen would
// wait until the clock has caught up; conversations and notices do not know of
// it unless somebody looks at them.

// clock compares the wall clock with one that nobody can set.
type clock struct {
	wall time.Time // at the last comparison, or the latest that the store knows of
	real time.Time // with a monotonic reading
}

// newClock begins with the newest line of the audit, if that is of a later time
// than it is now: then the clock was set back while nothing ran.
func (b *Bot) newClock(ctx context.Context) clock {
	c := clock{wall: b.Now().Round(0), real: time.Now()}
	newest, err := b.Store.Head(ctx)
	if err != nil {
		b.Log.Error("asking the store for the time", "error", err)
		return c
	}
	if newest.Line.At.After(c.wall) {
		c.wall = newest.Line.At
	}
	return c
}

// setBack tells how far ahead of now things may be that are due: not at all, or
// if the clock was set back since it was last asked, by that and the longest time
// that anything waits.
func (b *Bot) setBack() time.Duration {
	last := b.clock
	b.clock = clock{wall: b.Now().Round(0), real: time.Now()}
	back := b.clock.real.Sub(last.real) - b.clock.wall.Sub(last.wall)
	if back < time.Second {
		return 0
	}
	b.Log.Warn("the clock was set back", "by", back.Round(time.Millisecond).String())
	p := b.Wizard.Policy
	return back + max(p.Conversation, p.Guide)
}

// take notes that this process performs a task, until it is let go of, or its
// lease is over by a clock that nobody can set.
func (b *Bot) take(task conversation.Task) (letGo func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doing[task.ID] = time.Now().Add(task.Lease.Sub(task.Ordered))
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.doing, task.ID)
	}
}

// does reports whether this process performs a task.
func (b *Bot) does(task *conversation.Task) bool {
	if task == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	until, ok := b.doing[task.ID]
	return ok && time.Now().Before(until)
}
