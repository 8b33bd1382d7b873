package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
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
	fails := []struct {
		name string
		do   func(n int) error
		want func(error) bool
	}{
		{"an error of the step", func(n int) error {
			tr := begin(numbered(n))
			tr.Step = func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
				return conversation.Change{Forget: true}, errStep
			}
			_, err := s.Update(t.Context(), numbered(n), tr)
			return err
		}, func(err error) bool { return errors.Is(err, errStep) }},
		{"a panic of the step", func(n int) error {
			tr := begin(numbered(n))
			tr.Step = func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
				panic("step")
			}
			_, err := s.Update(t.Context(), numbered(n), tr)
			return err
		}, func(err error) bool { return err != nil }},
		{"an error while putting", func(int) error {
			return s.Apply(t.Context(), func() error { return errStep })
		}, func(err error) bool { return errors.Is(err, errStep) }},
		{"a panic while putting", func(int) error {
			return s.Apply(t.Context(), func() error { panic("bbolt: page 7 is damaged") })
		}, func(err error) bool { return err != nil }},
	}
	for _, fail := range fails {
		t.Run(fail.name, func(t *testing.T) {
			release := busy(t, s)
			var all sync.WaitGroup
			for n := range 30 {
				all.Go(func() {
					if n%10 == 5 {
						if err := fail.do(n); !fail.want(err) {
							t.Errorf("got %v", err)
						}
						return
					}
					if _, err := s.Update(t.Context(), numbered(n), begin(numbered(n))); err != nil {
						t.Error(err)
					}
				})
			}
			waitFor(s, 30)
			release()
			all.Wait()
		})
	}
	versions, lines := 0, 0
	for n := range 30 {
		c, err := s.Conversation(t.Context(), numbered(n))
		must(t, err)
		if want := len(fails); n%10 != 5 && c.Page.Version != want {
			t.Errorf("person %d is at page %d, want %d", n, c.Page.Version, want)
		}
		versions += c.Page.Version
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
	ctx, cancel := context.WithCancel(t.Context())
	tr := begin(anna)
	step := tr.Step
	tr.Step = func(c conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
		cancel()
		return step(c, f)
	}
	if _, err := s.Update(ctx, anna, tr); err != nil {
		t.Errorf("it was committed, but the answer is %v", err)
	}
	if c, err := s.Conversation(t.Context(), anna); err != nil || c.Page.Version != 1 {
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
