package bolt_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"resetbot/adapters/store/bolt"
	"resetbot/bot/bottest"
	"resetbot/conversation"
)

// BenchmarkUpdate compares the queue with what bbolt offers, for the same puts.
func BenchmarkUpdate(b *testing.B) {
	ways := []struct {
		name   string
		update func(b *testing.B, s *bolt.Store, user conversation.User, n int) error
	}{
		{"group", func(b *testing.B, s *bolt.Store, user conversation.User, n int) error {
			_, err := s.Update(b.Context(), user, bottest.TypicalTransition(user, n, morning))
			return err
		}},
		{"db.Update", func(_ *testing.B, s *bolt.Store, user conversation.User, n int) error {
			return s.UpdateBy((*bbolt.DB).Update, user, bottest.TypicalTransition(user, n, morning))
		}},
		{"db.Batch", func(_ *testing.B, s *bolt.Store, user conversation.User, n int) error {
			return s.UpdateBy((*bbolt.DB).Batch, user, bottest.TypicalTransition(user, n, morning))
		}},
	}
	for _, writers := range []int{1, 16, 64, 256} {
		for _, way := range ways {
			b.Run(fmt.Sprintf("writers=%d/%s", writers, way.name), func(b *testing.B) {
				s := open(b, options(b))
				before := s.Commits()
				var next atomic.Int64
				var all sync.WaitGroup
				b.ResetTimer()
				for w := range writers {
					all.Go(func() {
						user := conversation.User{Chat: "teams", ID: fmt.Sprint(w)}
						for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
							if err := way.update(b, s, user, int(n)); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
				b.ReportMetric(float64(b.N)/float64(max(1, s.Commits()-before)), "updates/commit")
			})
		}
	}
}

var morning = time.Date(2026, 11, 23, 7, 30, 0, 0, time.UTC)
