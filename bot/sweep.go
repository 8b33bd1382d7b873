package bot

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"resetbot/conversation"
)

// sweepEvery is how often the store is asked for what this process does not
// know of: what a crash or another replica left behind.
const sweepEvery = 5 * time.Second

// soon is how far ahead this process remembers by itself when somebody is due.
const soon = 2 * time.Minute

// Run sweeps until ctx ends: it takes up what a crash left behind, delivers what was
// not delivered, ends what is over. Then it begins nothing new, waits for what
// is being done (writes to their end; waiting for telephones is broken off),
// and returns. It returns by itself, with an error, once the store is broken
// ([Bot.Alive]).
func (b *Bot) Run(ctx context.Context) error {
	b.clock = b.newClock(ctx)
	b.sweep(ctx, b.Store.Alone())
	poll := time.NewTicker(sweepEvery)
	defer poll.Stop()
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(b.next())
		select {
		case <-ctx.Done():
			b.shutDown()
			return b.saveHead(context.WithoutCancel(ctx))
		case <-b.broke:
			b.shutDown()
			return b.Alive() // the head stays: nobody knows whether what is read now is on the disk
		case <-b.kicked:
		case <-timer.C:
			b.tickDue(ctx)
		case <-poll.C:
			b.lookAfterStore()
			b.sweep(ctx, false)
		case <-minute.C:
			b.minute(ctx)
		}
	}
}

func (b *Bot) shutDown() {
	b.mu.Lock()
	b.stopped = true
	b.stop()
	b.mu.Unlock()
	b.work.Wait()
}

// minute does what is done once a minute.
func (b *Bot) minute(ctx context.Context) {
	if err := b.saveHead(ctx); err != nil {
		b.Log.Error("writing the audit's head", "error", err)
	}
	if _, err := b.Store.Sweep(ctx, b.Now(), 1000); err != nil {
		b.Log.Error("sweeping the store", "error", err)
	}
	b.lookClosed(ctx)
	if now := time.Now(); now.Sub(b.reviewed) >= reviewEvery && !b.isRestored() {
		b.reviewed = now
		b.begin(func() { b.review(b.running) })
	}
}

// sweep looks at every conversation that is due. After a start on a store that
// nobody else can have open, the leases that are found belong to the dead.
func (b *Bot) sweep(ctx context.Context, alone bool) {
	back := b.setBack()
	before := b.Now().Add(back)
	if alone {
		p := b.Wizard.Policy
		before = before.Add(p.WaitFor + p.Levelled + p.LevelledBy + p.LeaseMargin + time.Minute)
	}
	const most = 1 << 16 // what is left then is due again in a moment
	users, err := b.Store.Due(ctx, before, most)
	if err != nil && ctx.Err() == nil { // else it is stopping
		b.Log.Error("asking who is due", "error", err)
	}
	b.tickAll(ctx, users, alone)
	b.begin(func() { b.notices(back) })
}

// tickAll tells many conversations that time passed, and then has delivered what
// they say: the first is to be done soon, the second takes as long as it does.
func (b *Bot) tickAll(ctx context.Context, users []conversation.User, alone bool) {
	var mu sync.Mutex
	var speak []conversation.User
	each(users, func(user conversation.User) {
		if b.tick(ctx, user, alone) {
			mu.Lock()
			defer mu.Unlock()
			speak = append(speak, user)
		}
	})
	if len(speak) > 0 {
		b.begin(func() { each(speak, b.deliverNow) })
	}
}

// each calls f for all users, for many at the same time, so that a store that
// commits in groups can.
func each(users []conversation.User, f func(conversation.User)) {
	next := make(chan conversation.User)
	var all sync.WaitGroup
	for range min(len(users), 128) {
		all.Go(func() {
			for user := range next {
				f(user)
			}
		})
	}
	for _, user := range users {
		next <- user
	}
	close(next)
	all.Wait()
}

// tick tells a conversation that time passed, and reports whether it has a page that
// is still to be delivered.
func (b *Bot) tick(ctx context.Context, user conversation.User, alone bool) bool {
	change, err := b.step(ctx, user, conversation.Input{Kind: conversation.Passed, Alone: alone}, conversation.Secret{})
	if err != nil && ctx.Err() == nil {
		b.Log.Error("telling a conversation the time", "chat", user.Chat, "error", err)
	}
	return err == nil && !change.Conversation.Page.Delivered
}

// dueAt is when somebody is due, as the step with that place in the order left it.
type dueAt struct {
	at    time.Time
	order uint64
}

// schedule remembers when somebody is due, if that is soon, and forgets when they
// were due before: nearly every commit moves that further away, and to look at
// somebody for nothing costs as much as to hear them. Two commits may come here in
// the wrong order; the older one then says nothing.
func (b *Bot) schedule(user conversation.User, due time.Time, order uint64) {
	b.mu.Lock()
	if order < b.due[user].order {
		b.mu.Unlock()
		return
	}
	if due.IsZero() || due.After(b.Now().Add(soon)) {
		delete(b.due, user)
		b.mu.Unlock()
		return
	}
	b.due[user] = dueAt{due, order}
	heap.Push(&b.wake, waking{due, user})
	b.mu.Unlock()
	b.kick()
}

// kick has Run look at the clock again.
func (b *Bot) kick() {
	select {
	case b.kicked <- struct{}{}:
	default:
	}
}

// next is how long nobody is due.
func (b *Bot) next() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.wake) == 0 {
		return time.Hour
	}
	return max(0, b.wake[0].at.Sub(b.Now()))
}

// tickDue ticks whoever is due now.
func (b *Bot) tickDue(ctx context.Context) {
	var due []conversation.User
	b.mu.Lock()
	for now := b.Now(); len(b.wake) > 0 && !b.wake[0].at.After(now); {
		w := heap.Pop(&b.wake).(waking)
		if known, ok := b.due[w.user]; ok && !known.at.After(w.at) { // else it is due at another time since
			delete(b.due, w.user)
			due = append(due, w.user)
		}
	}
	b.mu.Unlock()
	b.tickAll(ctx, due, false)
}

// schedule is a heap of who is due when, the earliest first. What is in it
// may be out of date.
type schedule []waking

type waking struct {
	at   time.Time
	user conversation.User
}

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].at.Before(s[j].at) }
func (s schedule) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(x any)        { *s = append(*s, x.(waking)) }
func (s *schedule) Pop() any {
	old := *s
	last := old[len(old)-1]
	*s = old[:len(old)-1]
	return last
}
