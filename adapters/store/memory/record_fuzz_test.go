package memory_test

import (
	"testing"

	"resetbot/adapters/store/memory"
	"resetbot/bot/bottest"
	"resetbot/conversation"
)

// FuzzRecord reads a conversation from any bytes at all; what must hold is said
// at [bottest.StoredRecord].
func FuzzRecord(f *testing.F) {
	anna := conversation.User{Chat: "web", ID: "anna"}
	for _, plain := range bottest.Records(f, anna) {
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		s := memory.New(conversation.Key{1})
		s.Plant(anna, bottest.RecordDue, plain)
		if plain == nil {
			plain = []byte{}
		}
		bottest.StoredRecord(t, s, anna, plain)
	})
}
