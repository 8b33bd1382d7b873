package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"resetbot/conversation"
)

// Notices: what is told outside the conversation that it is about. They are
// records of their own, committed with what they tell of, so that a crash
// loses none. Each is attended to until it is told on every channel; a channel
// that is done is noted in the record, and not used again at the next try.

// tellers is how many owners are told at the same time.
const tellers = 16

// telling is what this process is telling now.
type telling struct {
	// turn is held while notices are taken up or put away, so that none is
	// taken up that was put away a moment ago.
	turn   chan struct{}
	taken  map[string]struct{}
	places chan struct{}
}

func newTelling() telling {
	return telling{
		turn: make(chan struct{}, 1), taken: map[string]struct{}{}, places: make(chan struct{}, tellers),
	}
}

// notices takes up what is due, or was before the clock was set back by so much,
// and attends to each beside the others.
func (b *Bot) notices(back time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	due, err := b.takeUp(ctx, b.Now().Add(back))
	if err != nil {
		b.Log.Error("reading notices", "error", err)
	}
	for _, n := range due {
		b.begin(func() { b.attend(n) })
	}
}

// takeUp reads what is due and not taken up yet.
func (b *Bot) takeUp(ctx context.Context, before time.Time) ([]conversation.Notice, error) {
	t := &b.telling
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	due, err := b.Store.Notices(ctx, before, 64+len(t.taken))
	due = slices.DeleteFunc(due, func(n conversation.Notice) bool {
		_, taken := t.taken[n.ID]
		t.taken[n.ID] = struct{}{}
		return taken
	})
	return due, err
}

// attend does what a notice wants, and puts it away.
func (b *Bot) attend(n conversation.Notice) {
	var told []string
	var err error
	switch n.Kind {
	case conversation.Nudge:
		err = b.update(context.Background(), n.User, conversation.Input{Kind: conversation.Passed}, conversation.Secret{})
		b.deliver(n.User)
	case conversation.Alarm:
		err = b.raise(n)
	default:
		err = guard(func() (err error) { told, err = b.tell(n); return err })
	}
	if err := b.putAway(n, told, err); err != nil {
		b.Log.Error("putting a notice away", "kind", n.Kind, "error", err)
	}
}

// putAway removes a notice that is done with, and keeps one that is not for
// later. Owners are not told what is older than the link in it; an alarm is
// raised until somebody has it.
func (b *Bot) putAway(n conversation.Notice, told []string, undone error) error {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	t := &b.telling
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	delete(t.taken, n.ID)
	if undone == nil {
		return b.Store.Settle(ctx, n.ID)
	}
	if n.Kind == conversation.Tell && !b.Now().Before(n.At.Add(b.Wizard.Policy.NoticeLife)) {
		b.giveUp(n, told)
		return b.Store.Settle(ctx, n.ID)
	}
	b.Log.Warn("a notice is not told yet", "kind", n.Kind, "what", n.Message, "receipt", n.Receipt,
		"attempts", n.Attempts+1, "error", undone)
	return b.Store.Postpone(ctx, n.ID, b.Now().Add(nextTelling(n.Attempts)), told...)
}

// nextTelling is 1, 2, 4 … 512 s, and then ten minutes.
func nextTelling(attempts int) time.Duration {
	return min(10*time.Minute, time.Second<<min(attempts, 10))
}

// giveUp says on which channels an owner was never told.
func (b *Bot) giveUp(n conversation.Notice, told []string) {
	for _, name := range slices.Sorted(maps.Keys(b.Channels)) {
		if !slices.Contains(n.Told, name) && !slices.Contains(told, name) {
			b.Metrics.told(name, "given_up")
			b.Log.Error("giving up telling somebody", "channel", name, "what", n.Message, "receipt", n.Receipt)
		}
	}
}

// raise writes an alarm to the log, once, and hands it to who takes alarms.
func (b *Bot) raise(n conversation.Notice) error {
	if n.Attempts == 0 {
		b.Log.Warn("alarm", "alarm", n.Alarm, "id", n.ID, "at", n.At, "receipt", n.Receipt,
			"account", string(n.Account), "chat", n.Chat)
	}
	if b.Alarms == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	err := guard(func() error { return b.Alarms.Raise(ctx, n) })
	if err != nil {
		b.Metrics.told("alarms", string(conversation.Later))
		return fmt.Errorf("raising an alarm: %w", err)
	}
	b.Metrics.told("alarms", string(conversation.Delivered))
	return nil
}

// tell tells the owner, on all channels at once that are not done, and names
// those that then are. An error says that some are not.
func (b *Bot) tell(n conversation.Notice) (told []string, err error) {
	b.telling.places <- struct{}{}
	defer func() { <-b.telling.places }()
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	owner, found, err := b.Directory.Find(ctx, Query{ID: n.Account})
	if err != nil {
		return nil, fmt.Errorf("looking up whom to tell: %w", err)
	}
	if !found {
		b.Log.Warn("whom to tell is no longer there", "what", n.Message, "receipt", n.Receipt)
		return nil, nil
	}
	if owner.Locale != "" { // theirs, and not that of whoever asks for their password
		n.Locale = owner.Locale
	}
	link, err := b.disownLink(n)
	if err != nil {
		return nil, fmt.Errorf("making the link of a notice: %w", err)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, channel := range b.Channels {
		if slices.Contains(n.Told, name) {
			continue
		}
		all.Go(func() {
			failed := b.tellBy(ctx, name, channel, Telling{Notice: n, Owner: owner, Link: link})
			mu.Lock()
			defer mu.Unlock()
			if failed == nil {
				told = append(told, name)
			}
			err = errors.Join(err, failed)
		})
	}
	all.Wait()
	slices.Sort(told)
	return told, err
}

// ownersAlone are told to owners alone: nothing has changed yet, and managers
// who hear of every first step stop reading.
var ownersAlone = []conversation.MessageID{
	conversation.TellProved, conversation.TellOther, conversation.TellLocked, conversation.TellEnrolProved,
	conversation.TellEnrolWrong,
}

// errLater is of a channel that asks for patience and does not say why.
var errLater = errors.New("not now")

// tellBy tells by one channel. nil means that the channel is done with it.
func (b *Bot) tellBy(ctx context.Context, name string, c Channel, t Telling) error {
	t.To, t.Outside = c.To(t.Owner), c.Outside
	here := t.Notice.Own && t.Notice.Chat == name // where the owner does it, and sees each page
	if t.To == "" || here || t.Outside && slices.Contains(ownersAlone, t.Notice.Message) {
		b.Metrics.told(name, "none")
		return nil
	}
	if t.Outside {
		t.Link = ""
	}
	result := conversation.Later
	err := guard(func() (err error) { result, err = c.Notifier.Tell(ctx, t); return err })
	switch {
	case result == conversation.Undeliverable:
		b.Log.Warn("somebody cannot be told", "channel", name, "what", t.Notice.Message, "receipt", t.Notice.Receipt,
			"error", err)
		err = nil
	case err != nil:
		result = conversation.Later
	case result == conversation.Later:
		err = errLater
	}
	b.Metrics.told(name, string(result))
	if err != nil {
		return fmt.Errorf("telling by %s: %w", name, err)
	}
	return nil
}

// guard turns a panic into an error. What was thrown may hold anything, so only
// its type is told.
func guard(do func() error) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("a panic: %T", thrown)
		}
	}()
	return do()
}
