package memory_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"resetbot/adapters/store/memory"
	"resetbot/bot"
	"resetbot/bot/bottest"
	"resetbot/conversation"
)

func TestStore(t *testing.T) {
	bottest.TestStore(t, bottest.StoreFixture{
		Open: func(*testing.T) (bot.Store, conversation.Key) {
			key := conversation.Key{1}
			return memory.New(key), key
		},
	})
}

func TestLimiter(t *testing.T) {
	bottest.TestLimiter(t, func(*testing.T) bot.Limiter { return memory.New(conversation.Key{1}) })
}

func TestInstallations(t *testing.T) {
	bottest.TestInstallations(t, func(*testing.T) bot.Installations { return memory.New(conversation.Key{1}).Installations() })
}

func TestAuthenticators(t *testing.T) {
	bottest.TestAuthenticators(t, func(*testing.T) bot.Authenticators { return memory.New(conversation.Key{1}) })
}

func TestAlone(t *testing.T) {
	if !memory.New(conversation.Key{1}).Alone() {
		t.Error("somebody else has this memory")
	}
}

func TestAC47_WhatIsNoConversationOfAPersonIsNeverTakenForNone(t *testing.T) {
	anna := conversation.User{Chat: "web", ID: "anna"}
	for _, plain := range []string{
		"", "null", "{}", `{"id":"1","user":{"chat":"web","id":"piet"}}`, `{"id":"1","user":{"chat":"web","id":"anna"},"id":2}`,
	} {
		s := memory.New(conversation.Key{1})
		s.Plant(anna, time.Now(), []byte(plain))
		if c, err := s.Conversation(t.Context(), anna); c.ID != "" || !errors.Is(err, bot.ErrUnreadable) {
			t.Errorf("%s is read as %+v, %v", plain, c, err)
		}
	}
}

// BenchmarkUpdate changes a conversation of the usual size, a counter and the
// audit.
func BenchmarkUpdate(b *testing.B) {
	store := memory.New(conversation.Key{1})
	now := time.Date(2026, 11, 23, 7, 30, 0, 0, time.UTC)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		user := conversation.User{Chat: "teams", ID: fmt.Sprint(n % 1000)}
		_, err := store.Update(b.Context(), user, bottest.TypicalTransition(user, n, now))
		if err != nil {
			b.Fatal(err)
		}
	}
}
