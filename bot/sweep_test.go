package bot_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// counted is a store that counts how often it is asked for an update.
type counted struct {
	bot.Store
	updates atomic.Int64
	hurried atomic.Int64
}

func (c *counted) Update(
	ctx context.Context, user conversation.User, t bot.Transition,
) (conversation.Change, error) {
	c.updates.Add(1)
	if !t.Patient {
		c.hurried.Add(1)
	}
	return c.Store.Update(ctx, user, t)
}

func TestAPageThatWasDeliveredIsNotLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counted{}
		w := newWorld(t, func(c *bot.Config) { s.Store, c.Store = c.Store, s })
		w.say(nurse, "wachtwoord vergeten")
		before := s.updates.Load()
		time.Sleep(5 * time.Minute) // the captcha's life; the conversation has ten more
		synctest.Wait()
		if n := s.updates.Load() - before; n != 0 {
			t.Errorf("%d updates, although nothing was to be done", n)
		}
	})
}

func TestOnlyWhatAPersonWaitsForIsInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counted{}
		w := newWorld(t, func(c *bot.Config) { s.Store, c.Store = c.Store, s })
		synctest.Wait() // it has looked for what was there before
		w.say(nurse, "wachtwoord vergeten")
		time.Sleep(15 * time.Minute) // they are reminded of the time, and it runs out
		synctest.Wait()
		w.on(nurse, conversation.Expired)
		// The message; and that its page was shown, the reminder, that it was shown,
		// the end, and that it was shown.
		if all, hurried := s.updates.Load(), s.hurried.Load(); all != 6 || hurried != 1 {
			t.Errorf("%d of %d updates were in a hurry, want 1 of 6", hurried, all)
		}
	})
}

func TestWhatTimeBringsAboutIsDeliveredAgainUntilItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.say(nurse, "wachtwoord vergeten")
		w.chat.mu.Lock()
		w.chat.fail = map[conversation.User]int{nurse: 3}
		w.chat.mu.Unlock()
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		if page := w.chat.last(nurse).Page; page.ID != conversation.EndExpired {
			t.Errorf("the last page that came is %s", page.ID)
		}
	})
}
