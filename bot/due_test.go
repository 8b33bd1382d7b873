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

// counting is a store that counts what it is asked to step.
type counting struct {
	bot.Store
	steps, idle atomic.Int64
}

func (s *counting) Update(
	ctx context.Context, user conversation.User, t bot.Transition,
) (conversation.Change, error) {
	change, err := s.Store.Update(ctx, user, t)
	s.steps.Add(1)
	if change.Same {
		s.idle.Add(1)
	}
	return change, err
}

// Every commit says when its conversation is due next. What an earlier one said
// is then void, and nobody is looked at for it: a page that was delivered needs
// no second look three seconds later.
func TestNobodyIsLookedAtForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store *counting
		w := newWorld(t, func(c *bot.Config) {
			store = &counting{Store: c.Store}
			c.Store = store
		})
		synctest.Wait() // what a start looks at
		w.say(nurse, "wachtwoord vergeten")
		w.say(nurse, "help")
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := store.steps.Load(); n != 4 {
			t.Errorf("%d steps for two messages, want one each and one for each page that was delivered", n)
		}
		if n := store.idle.Load(); n > 0 {
			t.Errorf("looked %d times for nothing", n)
		}
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if notes := w.chat.last(nurse).Page.Notes; len(notes) != 1 || notes[0].ID != conversation.NoteMinutes {
			t.Errorf("three minutes before the end: %v", notes)
		}
	})
}
