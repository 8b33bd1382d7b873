// Package bolt keeps everything that must outlive a crash in one bbolt file,
// beside the file with its keys.
//
// Nothing in the store file is in clear but dates: records are sealed, and
// their keys are keyed hashes, so that it names nobody and deleted records (which
// bbolt leaves in free pages) stay unreadable.
//
//	conversations, accounts, counters,       key (16) -> date (8) | sealed JSON
//	marks, notices, authenticators,
//	people, installations
//	<the same>.dates                         date (8) | key (16) -> nothing, or a sealed name
//	audit                                    number (8) -> sealed sum (32) | JSON of the line
//	meta                                     version -> 4 bytes, keys -> which key file belongs to it
//
// A record is sealed for its bucket, its key and its date: moved, swapped or
// dated anew, it does not open.
//
// All writes go through one goroutine, which puts whatever waits into one
// transaction and answers when that is on the disk (group.go).
package bolt

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"resetbot/adapters/seal"
	"resetbot/adapters/store"
	"resetbot/bot"
)

// Store is a bot.Store, and more, on one bbolt file. No other process can have
// the file open at the same time.
type Store struct {
	db    *bbolt.DB
	keys  *seal.Keys
	group *group

	conversations  *table
	accounts       *table
	counters       *table
	marks          *table
	notices        *table
	authenticators *table
	people         *table
	installations  *table
	audit          *seal.Sealer
}

var (
	_ bot.Store          = (*Store)(nil)
	_ bot.Discarder      = (*Store)(nil)
	_ bot.Writer         = (*Store)(nil)
	_ bot.Limiter        = (*Store)(nil)
	_ bot.Authenticators = (*Store)(nil)
)

func newStore(db *bbolt.DB, keys *seal.Keys) *Store {
	s := &Store{
		db:             db,
		keys:           keys,
		conversations:  newTable("conversations", keys),
		accounts:       newTable("accounts", keys),
		counters:       newTable("counters", keys),
		marks:          newTable("marks", keys),
		notices:        newTable("notices", keys),
		authenticators: newTable("authenticators", keys),
		people:         newTable("people", keys),
		installations:  newTable("installations", keys),
		audit:          keys.Sealer(string(auditBucket)),
	}
	s.group = startGroup(s)
	return s
}

// tables are all there are.
func (s *Store) tables() []*table {
	return []*table{
		s.conversations, s.accounts, s.counters, s.marks, s.notices, s.authenticators, s.people, s.installations,
	}
}

// Keys are the keys of the store.
func (s *Store) Keys() *seal.Keys { return s.keys }

// Alone is true: bbolt locks the file.
func (s *Store) Alone() bool { return true }

// Writable is part of [bot.Writer]. After a sync that failed it stays an error
// until the file is opened again.
func (s *Store) Writable() error { return s.group.writable() }

// Close carries out what was asked before, and lets go of the file. What is
// asked later is answered with an error.
func (s *Store) Close() error {
	s.group.stop()
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}

// view reads a state that was committed; what is being written does not show.
func (s *Store) view(ctx context.Context, read func(*txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := store.Guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error { return read(&txn{Store: s, tx: tx}) })
	})
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return errClosed
	}
	return err
}
