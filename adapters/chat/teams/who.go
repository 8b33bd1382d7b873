package teams

import (
	"context"
	"sync"
	"time"

	"resetbot/conversation"
)

// acquaintedFor is how long it is remembered whose account a person has: so that no
// message waits for a directory. Whether that account may be reset is asked anew
// each time that it matters.
const acquaintedFor = 10 * time.Minute

// acquaintances remembers whose accounts people have.
type acquaintances struct {
	now   func() time.Time
	known recent[conversation.User, acquaintance]
}

type acquaintance struct {
	bound []conversation.Bound
	known bool
	until time.Time
}

func newAcquaintances(now func() time.Time) *acquaintances { return &acquaintances{now: now} }

// bound are the accounts of a person; known is false for who is not of the
// organisation.
func (t *Teams) bound(ctx context.Context, u conversation.User, to reference, id string) ([]conversation.Bound, bool, error) {
	now := t.who.now()
	if a, ok := t.who.known.get(u); ok && now.Before(a.until) {
		return a.bound, a.known, nil
	}
	upn := func(ctx context.Context) (string, error) { return t.out.member(ctx, to) }
	bound, known, err := t.Who(ctx, Person{Tenant: to.Tenant, ObjectID: id, UPN: upn})
	if err != nil {
		return nil, false, err
	}
	t.who.known.put(u, acquaintance{bound, known, now.Add(acquaintedFor)})
	return bound, known, nil
}

// recentMax is how many are remembered for certain; up to twice as many may be.
const recentMax = 10_000

// recent remembers something of those who were here lately, in bounded memory: of
// two generations the older is let go when the younger is full.
type recent[K comparable, V any] struct {
	mu         sync.Mutex
	young, old map[K]V
}

func (r *recent[K, V]) get(key K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.young[key]; ok {
		return v, true
	}
	v, ok := r.old[key]
	return v, ok
}

func (r *recent[K, V]) put(key K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || len(r.young) >= recentMax {
		r.young, r.old = map[K]V{}, r.young
	}
	r.young[key] = v
}

// change changes what is remembered of key, if anything is.
func (r *recent[K, V]) change(key K, f func(*V)) {
	if v, ok := r.get(key); ok {
		f(&v)
		r.put(key, v)
	}
}
