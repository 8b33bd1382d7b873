package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"

	berrors "go.etcd.io/bbolt/errors"

	"resetbot/adapters/store"
)

// Group commit. bbolt makes one commit after another, each with two fsyncs,
// whatever the number of writers; Batch collects them, but always waits. Here one
// goroutine takes whoever is waiting, works them off in one transaction,
// commits, and only then answers them all. Alone, nobody waits for anybody.

// group is that goroutine, and the queues before it.
type group struct {
	store   *Store
	queue   chan *request
	patient chan *request // whose callers let others go first
	stopped chan struct{}

	mu     sync.RWMutex // held for reading while something enters a queue
	closed bool

	// broken is set, by the writer alone, when nobody knows what is on the disk.
	broken atomic.Pointer[error]
}

// How many share a commit at most: of those who are in a hurry; and together with
// patient ones, who make it up to that number, or double it. So a commit costs
// little for each of many patient ones, nobody who comes meanwhile waits long for
// it, and neither kind shuts the other out.
const (
	maxBatch   = 512
	maxPatient = 128
)

var errClosed = errors.New("the store is closed")

// plan is the part of a write that may fail: it reads, and makes ready all that
// is to be put, but puts nothing. A nil apply writes nothing. The reads see what
// others of the batch applied before.
type plan func(t *txn) (apply func() error, err error)

// request is a plan in the queue. Its err is the writer's until done is closed.
type request struct {
	plan  plan
	state atomic.Int32 // queued, then either taken or left
	err   error
	done  chan struct{}
}

const (
	queued = iota
	taken  // by the writer
	left   // by its caller, whose context ended
)

func startGroup(s *Store) *group {
	g := &group{
		store: s, queue: make(chan *request, maxBatch), patient: make(chan *request, maxPatient),
		stopped: make(chan struct{}),
	}
	go g.write()
	return g
}

// stop lets nothing more into the queue, and returns when it is worked off.
func (g *group) stop() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.queue)
		close(g.patient)
	}
	g.mu.Unlock()
	<-g.stopped
}

// do has p carried out, and returns when that is durable. When ctx ends before
// the writer takes it, nothing was done; after that, the answer is waited for.
func (g *group) do(ctx context.Context, p plan) error { return g.stand(ctx, g.queue, p) }

func (g *group) stand(ctx context.Context, queue chan<- *request, p plan) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{plan: p, done: make(chan struct{})}
	if err := g.enter(ctx, queue, r); err != nil {
		return err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.state.CompareAndSwap(queued, left) {
			return ctx.Err()
		}
		<-r.done
	}
	return r.err
}

func (g *group) enter(ctx context.Context, queue chan<- *request, r *request) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return errClosed
	}
	select {
	case queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write is the writer. A queue that is closed gives nil, once it is worked off.
func (g *group) write() {
	defer close(g.stopped)
	for open := true; open; {
		var hurried, patient *request
		select {
		case hurried, open = <-g.queue:
		case patient, open = <-g.patient:
		}
		// Those whom the last commit woke get to ask again, and come along.
		runtime.Gosched()
		batch := gather(nil, hurried, g.queue, maxBatch)
		g.commit(gather(batch, patient, g.patient, max(maxPatient, 2*len(batch))))
	}
}

// gather adds to a batch whoever is waiting, first before all, until there are so
// many.
func gather(batch []*request, first *request, queue <-chan *request, most int) []*request {
	for r := first; ; {
		if r != nil && r.state.CompareAndSwap(queued, taken) {
			batch = append(batch, r)
		}
		if len(batch) == most {
			return batch
		}
		select {
		case r = <-queue:
			if r == nil {
				return batch
			}
		default:
			return batch
		}
	}
}

// commit works a batch off and answers everybody in it. If it comes to grief
// before the commit, each is tried again on its own, so that only those fail
// that cannot be carried out. An error of the commit itself is everybody's: what is
// on the disk then is not known, so nothing is done twice.
func (g *group) commit(batch []*request) {
	err := g.attempt(batch)
	if errors.As(err, new(undone)) && len(batch) > 1 {
		for _, r := range batch {
			g.commit([]*request{r})
		}
		return
	}
	for _, r := range batch {
		if r.err == nil {
			r.err = err
		}
		close(r.done)
	}
}

// undone is the error of a transaction that was given up before its commit.
type undone struct{ error }

func (u undone) Unwrap() error { return u.error }

// attempt carries out a batch in one transaction. What a plan comes to is in
// its request; the error is the whole transaction's.
func (g *group) attempt(batch []*request) error {
	if err := g.writable(); err != nil {
		return err
	}
	tx, err := g.store.db.Begin(true)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no more than an error after a commit
	t, changed := &txn{Store: g.store, tx: tx}, false
	for _, r := range batch {
		var apply func() error
		r.err = store.Guard(func() (err error) { apply, err = r.plan(t); return err })
		if r.err != nil || apply == nil {
			continue
		}
		changed = true
		if err := store.Guard(apply); err != nil {
			return undone{fmt.Errorf("writing to the store: %w", err)}
		}
	}
	if !changed {
		return nil
	}
	if err := store.Guard(tx.Commit); err != nil {
		err = fmt.Errorf("committing to the store: %w", err)
		if !refused(err) {
			g.broken.Store(&err)
		}
		return err
	}
	return nil
}

// writable tells why nothing is written any more; nil as long as it is.
func (g *group) writable() error {
	if why := g.broken.Load(); why != nil {
		return fmt.Errorf("the store writes nothing until it is opened again: %w", *why)
	}
	return nil
}

// refused reports whether a commit failed because the disk is full, or the
// like: then the one before it stands, and the next may do. After any other
// error, of fsync above all, the system may have thrown away what it could not
// write, and a later commit would seem to succeed on top of the gap.
func refused(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Op == "write" || errors.Is(err, berrors.ErrMaxSizeReached)
}
