package bolt

import (
	"context"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"resetbot/bot"
	"resetbot/conversation"
)

// Commits is how many commits the file has seen.
func (s *Store) Commits() (n int) {
	_ = s.db.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil })
	return n
}

// Waiting is how many stand in the queue, Patient how many in that of those who
// let others go first.
func (s *Store) Waiting() int { return len(s.group.queue) }
func (s *Store) Patient() int { return len(s.group.patient) }

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
		d, err := t.draft(user, tr)
		if err != nil {
			return err
		}
		apply, err := d.plan(t)
		if err != nil {
			return err
		}
		return apply()
	})
}

// NoSync leaves it to the operating system when what is written reaches the disk.
func (s *Store) NoSync() { s.db.NoSync = true }

// Plant keeps plain, sealed, as the record of a conversation; spoil may change
// what was sealed.
func (s *Store) Plant(
	t testing.TB, user conversation.User, due time.Time, plain []byte, spoil func(sealed []byte) []byte,
) {
	t.Helper()
	err := s.db.Update(func(tx *bbolt.Tx) error {
		txn := &txn{Store: s, tx: tx}
		w := &writes{txn: txn}
		w.saveConversation(user, due, conversation.Conversation{User: user}) // with its label
		apply, err := w.plan(txn)
		if err != nil {
			return err
		}
		if err := apply(); err != nil {
			return err
		}
		k := s.userKey(user)
		if err := s.conversations.put(tx, row{key: k, at: due, plain: plain}); err != nil {
			return err
		}
		bucket := tx.Bucket(s.conversations.records)
		return bucket.Put(k[:], spoil(append([]byte(nil), bucket.Get(k[:])...)))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// MaxPatient is how many of those share a commit where nobody else is.
const MaxPatient = maxPatient
