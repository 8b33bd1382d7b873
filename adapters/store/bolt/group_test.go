package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

var errStep = errors.New("the step does not want to")

func numbered(n int) conversation.User {
	return conversation.User{Chat: "teams", ID: fmt.Sprintf("person-%d", n)}
}

// busy keeps the writer of s busy until release is called, and then until the
// queue holds what was asked meanwhile.
func busy(t *testing.T, s *bolt.Store) (release func()) {
	t.Helper()
	entered, leave, left := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		left <- s.Apply(t.Context(), func() error { close(entered); <-leave; return nil })
	}()
	<-entered
	return func() {
		close(leave)
		if err := <-left; err != nil {
			t.Error(err)
		}
	}
}

// waitFor waits until n stand in the queue.
func waitFor(s *bolt.Store, n int) {
	for s.Waiting() < n {
		runtime.Gosched()
	}
}

func begin(user conversation.User) bot.Transition {
	return bot.Transition{
		Reads: func(conversation.Conversation) conversation.Reads { return conversation.Reads{} },
		Step: func(c conversation.Conversation, _ conversation.Facts) (conversation.Change, error) {
			c.ID, c.User = "c-"+user.ID, user
			c.Page.Version++
			line := conversation.Line{At: morning, Event: user.ID}
			return conversation.Change{Conversation: c, Audit: []conversation.Line{line}}, nil
		},
	}
}

func TestWhoeverWaitsSharesACommit(t *testing.T) {
	s := open(t, options(t))
	release := busy(t, s)
	before := s.Commits()
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			if _, err := s.Update(t.Context(), numbered(n), begin(numbered(n))); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(s, 50)
	release()
	all.Wait()
	if commits := s.Commits() - before; commits != 2 {
		t.Errorf("%d commits, want the first one's and one for all others", commits)
	}
}

func TestFailureOfOneNeverFailsItsNeighbours(t *testing.T) {
	s := open(t, options(t))
	shared := conversation.User{Chat: "web", ID: "shared"}
	// failing updates somebody whom another one in the queue updates before, so
	// that the writer takes the step again. Then it fails.
	failing := func(how func() error) error {
		tr, taken := begin(shared), 0
		step := tr.Step
		tr.Step = func(c conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			if taken++; taken == 1 {
				return step(c, f)
			}
			return conversation.Change{Forget: true}, how()
		}
		_, err := s.Update(t.Context(), shared, tr)
		return err
	}
	fails := []struct {
		name string
		do   func() error
		want func(error) bool
	}{
		{"an error of the step", func() error {
			return failing(func() error { return errStep })
		}, func(err error) bool { return errors.Is(err, errStep) }},
		{"a panic of the step", func() error {
			return failing(func() error { panic("step") })
		}, func(err error) bool { return err != nil }},
		{"an error while putting", func() error {
			return s.Apply(t.Context(), func() error { return errStep })
		}, func(err error) bool { return errors.Is(err, errStep) }},
		{"a panic while putting", func() error {
			return s.Apply(t.Context(), func() error { panic("bbolt: page 7 is damaged") })
		}, func(err error) bool { return err != nil }},
	}
	for _, fail := range fails {
		t.Run(fail.name, func(t *testing.T) {
			release := busy(t, s)
			var all sync.WaitGroup
			update := func(user conversation.User) {
				if _, err := s.Update(t.Context(), user, begin(user)); err != nil {
					t.Error(err)
				}
			}
			all.Go(func() { update(shared) })
			waitFor(s, 1)
			for n := range 30 {
				all.Go(func() {
					if n%10 != 5 {
						update(numbered(n))
					} else if err := fail.do(); !fail.want(err) {
						t.Errorf("got %v", err)
					}
				})
			}
			waitFor(s, 31)
			release()
			all.Wait()
		})
	}
	versions, lines := 0, 0
	look := func(user conversation.User, want int) {
		c, err := s.Conversation(t.Context(), user)
		must(t, err)
		if c.Page.Version != want {
			t.Errorf("%s is at page %d, want %d", user, c.Page.Version, want)
		}
		versions += c.Page.Version
	}
	look(shared, len(fails))
	for n := range 30 {
		if n%10 != 5 {
			look(numbered(n), len(fails))
		}
	}
	var last bot.Entry
	must(t, s.Lines(t.Context(), 1, func(e bot.Entry) error {
		lines++
		err := e.Follows(s.Keys().Audit(), last)
		last = e
		return err
	}))
	if lines != versions {
		t.Errorf("%d lines tell of %d updates", lines, versions)
	}
}

func TestAStepThatFailsOrChangesNothingWaitsForNobody(t *testing.T) {
	s := open(t, options(t))
	release := busy(t, s)
	defer release()
	for _, want := range []error{errStep, nil} {
		tr := begin(anna)
		tr.Step = func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
			return conversation.Change{Same: want == nil}, want
		}
		if _, err := s.Update(t.Context(), anna, tr); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestThoseInOneCommitSeeEachOther(t *testing.T) {
	s := open(t, options(t))
	release := busy(t, s)
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if _, err := s.Update(t.Context(), anna, begin(anna)); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(s, 30)
	release()
	all.Wait()
	if c, err := s.Conversation(t.Context(), anna); err != nil || c.Page.Version != 30 {
		t.Errorf("page %d of 30, %v", c.Page.Version, err)
	}
}

// patiently has n people updated by callers who let others go first, and tells how
// many are.
func patiently(t *testing.T, s *bolt.Store, all *sync.WaitGroup, n int) (done *atomic.Int64) {
	done = new(atomic.Int64)
	for i := range n {
		all.Go(func() {
			tr := begin(numbered(i))
			tr.Patient = true
			if _, err := s.Update(t.Context(), numbered(i), tr); err != nil {
				t.Error(err)
			}
			done.Add(1)
		})
	}
	return done
}

func TestWhoIsInAHurryWaitsForNobodyWhoIsNot(t *testing.T) {
	s := open(t, options(t))
	release := busy(t, s)
	before := s.Commits()
	var all sync.WaitGroup
	const n = 1000
	patient := patiently(t, s, &all, n)
	for s.Patient() < bolt.MaxPatient { // others wait outside
		runtime.Gosched()
	}
	all.Go(func() {
		err := s.Apply(t.Context(), func() error {
			if done := patient.Load(); done != 0 {
				t.Errorf("%d went before", done)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	waitFor(s, 1)
	release()
	all.Wait()
	if done, commits := patient.Load(), s.Commits()-before; done != n || commits > n/10 {
		t.Errorf("%d of %d, in %d commits", done, n, commits)
	}
}

func TestAFloodOfOthersKeepsNobodyOut(t *testing.T) {
	s := open(t, options(t))
	over := make(chan struct{})
	var flood, all sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		flood.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					if err := s.Append(t.Context(), conversation.Line{At: morning}); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	patiently(t, s, &all, 200)
	all.Wait()
	close(over)
	flood.Wait()
}

func TestWhoeverGivesUpWaitingIsNotWorkedOff(t *testing.T) {
	s := open(t, options(t))
	release := busy(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() {
		_, err := s.Update(ctx, anna, begin(anna))
		answer <- err
	}()
	waitFor(s, 1)
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) { // although the writer is still busy
		t.Errorf("got %v", err)
	}
	release()
	must(t, s.Append(t.Context(), conversation.Line{At: morning})) // the queue is worked off
	if c, err := s.Conversation(t.Context(), anna); err != nil || c.ID != "" {
		t.Errorf("done all the same: %+v, %v", c, err)
	}
}

func TestWhatIsBeingCommittedIsWaitedFor(t *testing.T) {
	s := open(t, options(t))
	release := busy(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for n := range 2 {
		tr, taken := begin(anna), 0
		step := tr.Step
		tr.Step = func(c conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			if taken++; taken == 2 { // by the writer, after the first was written
				cancel()
			}
			return step(c, f)
		}
		all.Go(func() {
			if _, err := s.Update(ctx, anna, tr); err != nil {
				t.Errorf("it was committed, but the answer is %v", err)
			}
		})
		waitFor(s, n+1)
	}
	release()
	all.Wait()
	if ctx.Err() == nil {
		t.Error("nothing ended meanwhile")
	}
	if c, err := s.Conversation(t.Context(), anna); err != nil || c.Page.Version != 2 {
		t.Errorf("page %d, %v", c.Page.Version, err)
	}
}

func TestWhatChangesNothingCostsNoCommit(t *testing.T) {
	s := open(t, options(t))
	limit := conversation.Limit{N: 1, Window: 1 << 40}
	_, _, err := s.Spend(t.Context(), "a", "1", limit, morning)
	must(t, err)
	before := s.Commits()
	for range 3 {
		_, _, err := s.Spend(t.Context(), "a", "2", limit, morning)
		must(t, err)
		must(t, s.Settle(t.Context(), "none"))
		must(t, s.Postpone(t.Context(), "none", morning))
		_, err = s.Sweep(t.Context(), morning, 9)
		must(t, err)
	}
	if after := s.Commits(); after != before {
		t.Errorf("%d commits", after-before)
	}
}

func TestCloseWorksOffTheQueueAndLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	o := options(t)
	s := open(t, o)
	release := busy(t, s)
	var all sync.WaitGroup
	for n := range 30 {
		all.Go(func() {
			if _, err := s.Update(t.Context(), numbered(n), begin(numbered(n))); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(s, 30)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	release()
	all.Wait()
	must(t, <-closed)
	must(t, s.Close()) // again

	if _, err := s.Update(t.Context(), anna, begin(anna)); err == nil {
		t.Error("a closed store took an update")
	}
	if _, err := s.Conversation(t.Context(), anna); err == nil {
		t.Error("a closed store gave a conversation")
	}
	again := open(t, o)
	for n := range 30 {
		if c, err := again.Conversation(t.Context(), numbered(n)); err != nil || c.Page.Version != 1 {
			t.Errorf("person %d: page %d, %v", n, c.Page.Version, err)
		}
	}
	must(t, again.Close())
}
