package bolt

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"resetbot/bot"
	"resetbot/conversation"
)

// The audit is a bucket of its own, in the order of its numbers. Each entry is
// sealed for its number; the chain under the audit key is inside.
var auditBucket = []byte("audit")

// head is the newest entry, as this transaction has it.
func (t *txn) head() (bot.Entry, error) {
	if t.last == nil {
		number, sealed := t.tx.Bucket(auditBucket).Cursor().Last()
		var e bot.Entry
		if number != nil {
			var err error
			if e, err = t.entry(number, sealed); err != nil {
				return bot.Entry{}, err
			}
		}
		t.last = &e
	}
	return *t.last, nil
}

func (s *Store) entry(number, sealed []byte) (bot.Entry, error) {
	e := bot.Entry{Seq: binary.BigEndian.Uint64(number)}
	plain, err := s.audit.Open(sealed, number)
	if err != nil || len(plain) < len(e.Sum) || json.Unmarshal(plain[len(e.Sum):], &e.Line) != nil {
		return bot.Entry{}, fmt.Errorf("audit line %d: %w", e.Seq, bot.ErrUnreadable)
	}
	copy(e.Sum[:], plain)
	return e, nil
}

// next chains lines to the head; nothing is put yet.
func (t *txn) next(lines []conversation.Line) ([]bot.Entry, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	last, err := t.head()
	if err != nil {
		return nil, err
	}
	entries := make([]bot.Entry, len(lines))
	for i, line := range lines {
		if last, err = last.Next(t.keys.Audit(), line); err != nil {
			return nil, err
		}
		entries[i] = last
	}
	return entries, nil
}

// chain puts what next made.
func (t *txn) chain(entries []bot.Entry) error {
	bucket := t.tx.Bucket(auditBucket)
	bucket.FillPercent = 1 // numbers only grow: full pages are never split
	for _, e := range entries {
		line, err := json.Marshal(e.Line)
		if err != nil {
			return err
		}
		number := binary.BigEndian.AppendUint64(nil, e.Seq)
		if err := bucket.Put(number, t.audit.Seal(nil, append(e.Sum[:], line...), number)); err != nil {
			return err
		}
		t.last = &e
	}
	return nil
}

// Append is part of [bot.Store].
func (s *Store) Append(ctx context.Context, lines ...conversation.Line) error {
	return s.group.do(ctx, func(t *txn) (func() error, error) {
		w := &writes{txn: t, lines: lines}
		return w.plan(t)
	})
}

// Head is part of [bot.Store].
func (s *Store) Head(ctx context.Context) (head bot.Entry, err error) {
	err = s.view(ctx, func(t *txn) error { head, err = t.head(); return err })
	return head, err
}

// Lines is part of [bot.Store]. It reads a piece at a time, and no transaction
// is open while each runs: each may be slow (the file would grow meanwhile),
// and may use the store.
func (s *Store) Lines(ctx context.Context, from uint64, each func(bot.Entry) error) error {
	for {
		piece, err := s.piece(ctx, from)
		if err != nil || len(piece) == 0 {
			return err
		}
		for _, e := range piece {
			if err := each(e); err != nil {
				return err
			}
		}
		from = piece[len(piece)-1].Seq + 1
	}
}

const pieceSize = 256

func (s *Store) piece(ctx context.Context, from uint64) (piece []bot.Entry, err error) {
	err = s.view(ctx, func(t *txn) error {
		cursor := t.tx.Bucket(auditBucket).Cursor()
		number, sealed := cursor.Seek(binary.BigEndian.AppendUint64(nil, from))
		for ; number != nil && len(piece) < pieceSize; number, sealed = cursor.Next() {
			e, err := t.entry(number, sealed)
			if err != nil {
				return err
			}
			piece = append(piece, e)
		}
		return nil
	})
	return piece, err
}
