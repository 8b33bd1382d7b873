package bot_test

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

// silent is a platform that takes everything at once.
type silent struct{}

func (silent) Send(context.Context, bot.Outgoing) (bot.Sent, error) {
	return bot.Sent{Result: conversation.Delivered}, nil
}

// BenchmarkReceive is one typed message to its commit: understood, judged,
// stored; with the sending of the page that answers it going on behind.
func BenchmarkReceive(b *testing.B) {
	stores := map[string]func(*bot.Config){
		"memory": nil,
		"bolt": func(c *bot.Config) {
			dir := b.TempDir()
			store, err := bolt.Open(bolt.Options{Path: dir + "/db", KeysFile: dir + "/key"})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = store.Close() })
			c.Store, c.Limiter, c.AuditKey = store, store, store.Keys().Audit()
		},
	}
	for name, change := range stores {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, func(c *bot.Config) {
				c.Chats, c.Log = map[string]bot.Chat{"web": silent{}}, slog.New(slog.DiscardHandler)
				if change != nil {
					change(c)
				}
			})
			b.Run("alone", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					w.help(b, "alone")
				}
			})
			b.Run("64 people", func(b *testing.B) {
				var people atomic.Int64
				b.SetParallelism(32) // times two cores
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					id := strconv.FormatInt(people.Add(1), 10)
					for pb.Next() {
						w.help(b, id)
					}
				})
			})
		})
	}
}

func (w *world) help(b *testing.B, id string) {
	err := w.bot.Receive(context.Background(), bot.Incoming{
		Kind: conversation.Said, Text: conversation.NewSecret("help"),
		From: conversation.Origin{User: conversation.User{Chat: "web", ID: id}, Asker: id, Locale: "nl"},
	})
	if err != nil {
		b.Fatal(err)
	}
}
