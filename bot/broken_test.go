package bot_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// wornOut is a store whose disk fails one day, for good.
type wornOut struct {
	bot.Store
	failed atomic.Bool
}

var errDisk = errors.New("input/output error")

func (w *wornOut) Writable() error {
	if w.failed.Load() {
		return errDisk
	}
	return nil
}

func (w *wornOut) Update(
	ctx context.Context, user conversation.User, t bot.Transition,
) (conversation.Change, error) {
	if err := w.Writable(); err != nil {
		return conversation.Change{}, err
	}
	return w.Store.Update(ctx, user, t)
}

func TestABotWhoseStoreIsBrokenEndsWithAnErrorAndSavesNoHead(t *testing.T) {
	for name, notices := range map[string]func(s *siege){
		"at the next message": func(s *siege) {
			if err := s.bot.Receive(t.Context(), said(nurse, "wachtwoord vergeten")); err == nil {
				t.Error("a message was acknowledged")
			}
			synctest.Wait()
		},
		"by itself": func(*siege) { time.Sleep(6 * time.Second); synctest.Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &wornOut{}
				s := newSiege(t, onBolt, func(_ testing.TB, _ *siege, c *bot.Config) {
					store.Store = c.Store
					c.Store = store
				})
				s.walk(nurse, "m.devries", toChoice...)
				if err := s.bot.Alive(); err != nil {
					t.Error(err)
				}
				store.failed.Store(true)
				notices(s)
				select {
				case err := <-s.ran:
					if !errors.Is(err, errDisk) {
						t.Errorf("it ended with %v", err)
					}
				default:
					t.Fatal("it goes on")
				}
				s.stop = nil // it has ended
				for _, err := range []error{s.bot.Alive(), s.bot.Ready(t.Context())} {
					if !errors.Is(err, errDisk) {
						t.Errorf("got %v", err)
					}
				}
				if _, err := os.Stat(s.config.HeadFile); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a head is kept that the disk may not have (%v)", err)
				}
			})
		})
	}
}
