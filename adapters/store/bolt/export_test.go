package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"resetbot/adapters/store"
	"resetbot/bot"
	"resetbot/conversation"
)

// Commits is how many commits the file has seen.
func (s *Store) Commits() (n int) {
	_ = s.db.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil })
	return n
}

// Waiting is how many stand in the queue.
func (s *Store) Waiting() int { return len(s.group.queue) }

// Apply puts f into the queue, as the part of a write that must not fail.
func (s *Store) Apply(ctx context.Context, f func() error) error {
	return s.group.do(ctx, func(*txn) (func() error, error) { return f, nil })
}

// UpdateBy does what Update does, without the queue: in a transaction of
// bbolt's own Update, or Batch.
func (s *Store) UpdateBy(
	transact func(*bbolt.DB, func(*bbolt.Tx) error) error, user conversation.User, tr bot.Transition,
) error {
	return transact(s.db, func(tx *bbolt.Tx) error {
		t := &txn{Store: s, tx: tx}
		c, err := t.conversation(user)
		if err != nil {
			return err
		}
		change, err := store.Run(tr, user, c, t.facts)
		if err != nil {
			return err
		}
		w := &writes{txn: t}
		w.save(user, change)
		apply, err := w.plan()
		if err != nil {
			return err
		}
		return apply()
	})
}
