package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

// The places at which the program, as a child of a test, kills itself: around
// each thing that outlives it. A commit is killed before bbolt writes it (all that
// the step came to is there, nothing is on the disk) and after it is durable, before
// anybody hears of it.
const (
	beforeCommit    = "before a commit"
	afterCommit     = "after a commit, before its acknowledgement"
	afterAck        = "after the acknowledgement, before delivery"
	afterDelivery   = "after delivery, before it is noted"
	beforeChallenge = "before a challenge is sent"
	afterChallenge  = "after a challenge was sent"
	afterJudging    = "after an answer was judged"
	beforeOrder     = "before the write is committed to"
	afterOrder      = "after the write was committed to"
	beforeWrite     = "before the directory writes"
	afterWrite      = "after the directory wrote"
	beforeOutcome   = "before an outcome is stored"
	afterOutcome    = "after an outcome was stored"
	beforeDone      = "before the end is stored"
	afterDone       = "after the end was stored"
	beforeTelling   = "before an owner is told"
	afterTelling    = "after an owner was told"
	beforeSettle    = "before a notice is settled"
	afterSettle     = "after a notice was settled"
	beforePostpone  = "before a notice is postponed"
	afterPostpone   = "after a notice was postponed"
	beforeSpend     = "before a budget is spent"
	afterSpend      = "after a budget was spent"
)

// points are all of them.
var points = []string{
	beforeCommit, afterCommit, afterAck, afterDelivery, beforeChallenge, afterChallenge, afterJudging,
	beforeOrder, afterOrder, beforeWrite, afterWrite, beforeOutcome, afterOutcome, beforeDone, afterDone,
	beforeTelling, afterTelling, beforeSettle, afterSettle, beforePostpone, afterPostpone, beforeSpend, afterSpend,
}

// diesAt names the point at which a child dies, and how many times it lives
// through it: "2 before a commit".
const diesAt = "RESETBOT_TEST_DIES"

// losesOneIn has a child lose one in so many answers of the directory and of
// notifiers: half of them before anything was done.
const losesOneIn = "RESETBOT_TEST_LOSES"

// loses reports whether this answer is lost, and whether that is before it was
// earned.
func loses() (lost, before bool) {
	n, err := strconv.Atoi(os.Getenv(losesOneIn))
	if err != nil || rand.IntN(n) > 0 {
		return false, false
	}
	return true, rand.IntN(2) == 0
}

var errLost = errors.New("no answer came")

// doom is where this process dies.
type doom struct {
	point string
	left  *atomic.Int64
}

// readDoom reads what [diesAt] says.
func readDoom(text string) doom {
	d := doom{left: &atomic.Int64{}}
	times, point, _ := strings.Cut(text, " ")
	n := int64(0)
	if _, err := fmt.Sscan(times, &n); err != nil {
		panic(err)
	}
	d.point = point
	d.left.Store(n)
	return d
}

// at dies, if this is where.
func (d doom) at(point string) {
	if point == d.point && d.left.Add(-1) < 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing else happens in this goroutine
	}
}

// besets puts the points around the ports of a bot.
func (d doom) besets(c *bot.Config) {
	c.Store = doomedStore{c.Store.(*bolt.Store), d}
	c.Limiter = doomedLimiter{c.Limiter, d}
	c.Directory = doomedDirectory{c.Directory, d}
	for name, chat := range c.Chats {
		c.Chats[name] = doomedChat{chat, d}
	}
	for method, v := range c.Verifiers {
		c.Verifiers[method] = doomedVerifier{v, d}
	}
	for name, channel := range c.Channels {
		channel.Notifier = doomedNotifier{channel.Notifier, d}
		c.Channels[name] = channel
	}
}

type doomedStore struct {
	*bolt.Store
	doom
}

func (s doomedStore) Update(
	ctx context.Context, user conversation.User, t bot.Transition,
) (conversation.Change, error) {
	var from conversation.Conversation
	step := t.Step
	t.Step = func(c conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
		change, err := step(c, f)
		from = c
		if err == nil && !change.Same {
			for _, what := range commits(c, change.Conversation) {
				s.at(what.before)
			}
		}
		return change, err
	}
	change, err := s.Store.Update(ctx, user, t)
	if err == nil && !change.Same {
		for _, what := range commits(from, change.Conversation) {
			s.at(what.after)
		}
	}
	return change, err
}

// around are the points before and after a commit.
type around struct{ before, after string }

// commits are the points around a commit that makes one conversation of another.
func commits(from, to conversation.Conversation) []around {
	list := []around{{beforeCommit, afterCommit}}
	if from.Task != nil && (to.Task == nil || to.Task.ID != from.Task.ID) {
		list = append(list, around{beforeOutcome, afterOutcome})
	}
	if from.State != to.State && to.State == conversation.Changing {
		list = append(list, around{beforeOrder, afterOrder})
	}
	if from.State != to.State && to.State == conversation.Done {
		list = append(list, around{beforeDone, afterDone})
	}
	return list
}

func (s doomedStore) Settle(ctx context.Context, id string) error {
	s.at(beforeSettle)
	err := s.Store.Settle(ctx, id)
	s.at(afterSettle)
	return err
}

func (s doomedStore) Postpone(ctx context.Context, id string, due time.Time, told ...string) error {
	s.at(beforePostpone)
	err := s.Store.Postpone(ctx, id, due, told...)
	s.at(afterPostpone)
	return err
}

type doomedLimiter struct {
	bot.Limiter
	doom
}

func (l doomedLimiter) Spend(
	ctx context.Context, key conversation.CounterKey, id string, limit conversation.Limit, now time.Time,
) (bool, time.Time, error) {
	l.at(beforeSpend)
	ok, until, err := l.Limiter.Spend(ctx, key, id, limit, now)
	l.at(afterSpend)
	return ok, until, err
}

type doomedDirectory struct {
	bot.Directory
	doom
}

func (d doomedDirectory) Reset(
	ctx context.Context, id conversation.AccountID, password conversation.Secret,
) (bot.Write, error) {
	return d.write(func() (bot.Write, error) { return d.Directory.Reset(ctx, id, password) })
}

func (d doomedDirectory) Unlock(ctx context.Context, id conversation.AccountID) (bot.Write, error) {
	return d.write(func() (bot.Write, error) { return d.Directory.Unlock(ctx, id) })
}

func (d doomedDirectory) write(write func() (bot.Write, error)) (bot.Write, error) {
	lost, before := loses()
	d.at(beforeWrite)
	if before {
		return bot.Write{}, errLost
	}
	w, err := write()
	d.at(afterWrite)
	if lost {
		return bot.Write{}, errLost
	}
	return w, err
}

type doomedChat struct {
	bot.Chat
	doom
}

// Send holds a page back that is not to be delivered, until the web gave up
// waiting for it and acknowledged.
func (c doomedChat) Send(ctx context.Context, m bot.Outgoing) (bot.Sent, error) {
	if c.point == afterAck && c.left.Load() == 0 {
		time.Sleep(1200 * time.Millisecond)
	}
	c.at(afterAck)
	sent, err := c.Chat.Send(ctx, m)
	c.at(afterDelivery)
	return sent, err
}

type doomedVerifier struct {
	bot.Verifier
	doom
}

func (v doomedVerifier) Challenge(ctx context.Context, c bot.Challenge) error {
	v.at(beforeChallenge)
	err := v.Verifier.Challenge(ctx, c)
	v.at(afterChallenge)
	return err
}

func (v doomedVerifier) Check(
	ctx context.Context, c bot.Challenge, answer conversation.Secret,
) (bot.Judgement, error) {
	j, err := v.Verifier.Check(ctx, c, answer)
	v.at(afterJudging)
	return j, err
}

type doomedNotifier struct {
	bot.Notifier
	doom
}

func (n doomedNotifier) Tell(ctx context.Context, t bot.Telling) (conversation.DeliveryResult, error) {
	n.at(beforeTelling)
	if lost, _ := loses(); lost {
		return conversation.Later, errLost
	}
	result, err := n.Notifier.Tell(ctx, t)
	n.at(afterTelling)
	return result, err
}
