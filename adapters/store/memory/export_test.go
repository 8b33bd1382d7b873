package memory

import (
	"time"

	"resetbot/conversation"
)

// Plant keeps plain as the record of a conversation.
func (s *Store) Plant(user conversation.User, due time.Time, plain []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conversations[user] = record{due, plain}
}
