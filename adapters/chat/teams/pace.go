package teams

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// window is a limit: n in any time of length d.
type window struct {
	n int
	d time.Duration
}

// The platform's limits, from Microsoft's “Optimize your bot: rate limiting”:
// what a bot may send to one conversation, and do in one tenant altogether.
var (
	conversationWindows = []window{{7, time.Second}, {8, 2 * time.Second}, {60, 30 * time.Second}, {1800, time.Hour}}
	tenantWindows       = []window{{30, time.Second}}
)

const (
	// paceMargin is added to each window: the platform counts when messages
	// arrive, and not all are as long on their way.
	paceMargin = 50 * time.Millisecond
	// lanesMax bounds what is remembered: this many lanes, and as many again
	// of before. A conversation that is forgotten too early is braked by the
	// platform's 429 instead.
	lanesMax = 10_000
)

// pace keeps to the limits, so that the platform need not. Who waits for one
// conversation waits in turn; who waits for the tenant does so first come, first
// served, whatever waits for conversations. It is safe for concurrent use.
type pace struct {
	now func() time.Time

	mu            sync.Mutex
	conversations lanes
	tenants       lanes
}

// lane is one conversation, or one tenant.
type lane struct {
	windows []window
	turn    chan struct{} // held by who is next
	sent    []time.Time   // in the order of time; some are still to come
	closed  time.Time     // nothing before, the platform said
}

func newPace(now func() time.Time) *pace {
	return &pace{now: now, conversations: lanes{windows: conversationWindows}, tenants: lanes{windows: tenantWindows}}
}

// lift lifts the limits that are known beforehand; what the platform says, holds.
func (p *pace) lift() { p.conversations.windows, p.tenants.windows = nil, nil }

// errBusy is the error of a wait that cannot end in time.
var errBusy = errors.New("the limits of Teams leave no room in time")

// wait waits until something may be sent to a conversation of a tenant, and
// counts it. An empty conversation counts against the tenant alone.
func (p *pace) wait(ctx context.Context, conversation, tenant string) error {
	if conversation == "" {
		return p.reserve(ctx, tenant)
	}
	p.mu.Lock()
	c := p.conversations.get(conversation, p.now())
	p.mu.Unlock()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return &sendFailure{err: ctx.Err()}
	}
	p.mu.Lock()
	at := c.next(p.now())
	p.mu.Unlock()
	if err := p.until(ctx, at); err != nil {
		return err
	}
	if err := p.reserve(ctx, tenant); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c.count(p.now(), p.now())
	return nil
}

// reserve takes the next place in the tenant's lane and waits for it.
func (p *pace) reserve(ctx context.Context, tenant string) error {
	p.mu.Lock()
	t := p.tenants.get(tenant, p.now())
	at := t.next(p.now())
	t.count(p.now(), at)
	p.mu.Unlock()
	err := p.until(ctx, at)
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		t.giveBack(at)
	}
	return err
}

// take counts something, if it may be sent now.
func (p *pace) take(conversation, tenant string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	c, t := p.conversations.get(conversation, now), p.tenants.get(tenant, now)
	if c.next(now).After(now) || t.next(now).After(now) {
		return false
	}
	c.count(now, now)
	t.count(now, now)
	return true
}

// hold keeps everybody away from a conversation until then.
func (p *pace) hold(conversation string, until time.Time) {
	if conversation == "" || until.IsZero() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.conversations.get(conversation, p.now()); until.After(c.closed) {
		c.closed = until
	}
}

// until waits for a time, if ctx lasts so long.
func (p *pace) until(ctx context.Context, at time.Time) error {
	if d := at.Sub(p.now()); d > 0 && !sleep(ctx, d) {
		return &sendFailure{After: at, err: errBusy}
	}
	return nil
}

// next is when something may be sent at the earliest, after all that is to be
// sent already.
func (l *lane) next(now time.Time) time.Time {
	at := now
	later := func(t time.Time) {
		if t.After(at) {
			at = t
		}
	}
	later(l.closed)
	for _, w := range l.windows {
		if len(l.sent) >= w.n {
			later(l.sent[len(l.sent)-w.n].Add(w.d + paceMargin))
		}
	}
	if len(l.sent) > 0 {
		later(l.sent[len(l.sent)-1])
	}
	return at
}

// count notes that something is sent at a time, and forgets what no window
// reaches any more.
func (l *lane) count(now, at time.Time) {
	if len(l.windows) == 0 {
		return
	}
	reach := now.Add(-l.windows[len(l.windows)-1].d - paceMargin)
	old := 0
	for old < len(l.sent) && l.sent[old].Before(reach) {
		old++
	}
	l.sent = append(slices.Delete(l.sent, 0, old), at)
}

func (l *lane) giveBack(at time.Time) {
	if i := slices.Index(l.sent, at); i >= 0 {
		l.sent = slices.Delete(l.sent, i, i+1)
	}
}

// lanes remembers those that were used in the last hour, and some of those of
// the hour before.
type lanes struct {
	windows    []window
	young, old map[string]*lane
	since      time.Time
}

func (l *lanes) get(name string, now time.Time) *lane {
	if l.young == nil || now.Sub(l.since) > time.Hour+paceMargin || len(l.young) >= lanesMax {
		l.old, l.young, l.since = l.young, map[string]*lane{}, now
	}
	one, ok := l.young[name]
	if !ok {
		if one, ok = l.old[name]; !ok {
			one = &lane{windows: l.windows, turn: make(chan struct{}, 1)}
		}
		l.young[name] = one
	}
	return one
}
