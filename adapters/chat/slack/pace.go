package slack

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Slack takes one message a second in a channel, and "short bursts" above that
// (docs.slack.dev/apis/web-api/rate-limits).
const (
	paceEvery = time.Second
	paceBurst = 3
)

// pace keeps to the limits, so that Slack need not. It is safe for concurrent use.
type pace struct {
	now func() time.Time

	mu    sync.Mutex
	lanes recent[string, lane]
}

// lane is a channel: when the next message of an even pace would be due, and until
// when Slack wants none.
type lane struct{ due, closed time.Time }

// errBusy is the error of a wait that cannot end in time.
var errBusy = errors.New("the limits of Slack leave no room in time")

// take counts a message, and tells how long it has to wait.
func (p *pace) take(channel string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	l, _ := p.lanes.get(channel)
	if oldest := now.Add(-paceBurst * paceEvery); l.due.Before(oldest) {
		l.due = oldest
	}
	l.due = l.due.Add(paceEvery)
	p.lanes.put(channel, l)
	at := l.due
	if l.closed.After(at) {
		at = l.closed
	}
	return at.Sub(now)
}

// hold keeps everybody away from a channel for a while.
func (p *pace) hold(channel string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, _ := p.lanes.get(channel)
	if until := p.now().Add(d); until.After(l.closed) {
		l.closed = until
	}
	p.lanes.put(channel, l)
}

// paced does call when there is room for it in a channel (empty: always), and once
// more where Slack says that it was too early: then nothing was done. What would have
// to wait longer than ctx lasts is not begun.
func (s *Slack) paced(ctx context.Context, channel string, call func() error) error {
	for try := 0; ; try++ {
		if channel != "" {
			if err := within(ctx, s.pace.take(channel)); err != nil {
				return err
			}
		}
		err := call()
		after := retryAfter(err)
		if after == 0 || try == 2 {
			return err
		}
		if channel != "" {
			s.pace.hold(channel, after)
			continue
		}
		if err := within(ctx, after); err != nil {
			return err
		}
	}
}

func within(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d || !sleep(ctx, d) {
		return errBusy
	}
	return nil
}
