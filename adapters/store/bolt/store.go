package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"resetbot/adapters/store"
	"resetbot/bot"
	"resetbot/conversation"
)

// Update is part of [bot.Store]. Steps are taken beside the writer, many at the
// same time, each on what is committed by then. What one comes to stands in the
// queue and shares a commit with others; only if something that it read was
// written meanwhile, the writer has the step taken again. One that changes nothing
// waits for nobody.
func (s *Store) Update(
	ctx context.Context, user conversation.User, tr bot.Transition,
) (conversation.Change, error) {
	if err := s.Writable(); err != nil {
		return conversation.Change{}, err
	}
	var before, d *draft
	err := s.view(ctx, func(t *txn) (err error) { before, err = t.draft(user, tr); return err })
	if err != nil {
		return conversation.Change{}, err
	}
	if before.change.Same {
		return before.change, nil
	}
	queue := s.group.queue
	if tr.Patient {
		queue = s.group.patient
	}
	err = s.group.stand(ctx, queue, func(t *txn) (_ func() error, err error) {
		if d = before; !t.sees(before.seen) {
			if d, err = t.draft(user, tr); err != nil {
				return nil, err
			}
		}
		if d.change.Same {
			return nil, nil
		}
		return d.plan(t)
	})
	if err != nil {
		return conversation.Change{}, err
	}
	return d.change, nil
}

// Conversation is part of [bot.Store].
func (s *Store) Conversation(
	ctx context.Context, user conversation.User,
) (c conversation.Conversation, err error) {
	err = s.view(ctx, func(t *txn) error { c, err = t.conversation(user); return err })
	return c, err
}

// Conversations is part of [bot.Store]. It reads a piece at a time, and no
// transaction is open while each runs. What does not open, or is somebody else's, is passed
// over.
func (s *Store) Conversations(ctx context.Context, each func(conversation.Conversation) error) error {
	return all(ctx, s, s.conversations, func(c conversation.Conversation) key { return s.userKey(c.User) }, each)
}

// People is part of [bot.Store], as Conversations is.
func (s *Store) People(ctx context.Context, each func(conversation.Person) error) error {
	return all(ctx, s, s.people, func(p conversation.Person) key { return s.personKey(p.User) }, each)
}

// all goes through a table. name is the key that a record belongs under.
func all[V any](ctx context.Context, s *Store, in *table, name func(V) key, each func(V) error) error {
	for from := []byte{}; from != nil; {
		var piece []V
		err := s.view(ctx, func(t *txn) error {
			cursor := t.tx.Bucket(in.records).Cursor()
			k, _ := cursor.Seek(from)
			for ; k != nil && len(piece) < pieceSize; k, _ = cursor.Next() {
				var v V
				if len(k) != len(key{}) {
					continue
				}
				found, err := t.load(in, key(k), &v)
				if found && err == nil && name(v) == key(k) {
					piece = append(piece, v)
				}
			}
			from = bytes.Clone(k)
			return nil
		})
		if err != nil {
			return err
		}
		for _, v := range piece {
			if err := each(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// Due is part of [bot.Store]. It names people whose conversation does not open too,
// so that somebody ends it.
func (s *Store) Due(ctx context.Context, before time.Time, limit int) ([]conversation.User, error) {
	var users []conversation.User
	err := s.view(ctx, func(t *txn) error {
		s.conversations.due(t.tx, stampOf(before), func(_ key, label []byte) bool {
			var user conversation.User
			if len(users) < limit && json.Unmarshal(label, &user) == nil {
				users = append(users, user)
			}
			return len(users) < limit
		})
		return nil
	})
	return users, err
}

// Notices is part of [bot.Store]. A notice that does not open is passed over.
func (s *Store) Notices(ctx context.Context, before time.Time, limit int) ([]conversation.Notice, error) {
	var notices []conversation.Notice
	err := s.view(ctx, func(t *txn) error {
		s.notices.due(t.tx, stampOf(before), func(k key, _ []byte) bool {
			var n conversation.Notice
			if len(notices) < limit {
				if found, err := t.load(t.notices, k, &n); found && err == nil {
					notices = append(notices, n)
				}
			}
			return len(notices) < limit
		})
		return nil
	})
	return notices, err
}

// Settle is part of [bot.Store].
func (s *Store) Settle(ctx context.Context, id string) error {
	return s.group.do(ctx, func(t *txn) (func() error, error) {
		k := t.notices.key(id)
		if !t.has(t.notices, k) {
			return nil, nil
		}
		w := &writes{txn: t}
		w.remove(t.notices, k)
		return w.plan(t)
	})
}

// Postpone is part of [bot.Store]. What was settled meanwhile stays so.
func (s *Store) Postpone(ctx context.Context, id string, due time.Time, told ...string) error {
	return s.group.do(ctx, func(t *txn) (func() error, error) {
		var n conversation.Notice
		found, err := t.load(t.notices, t.notices.key(id), &n)
		if err != nil || !found {
			return nil, err
		}
		w := &writes{txn: t}
		w.saveNotice(store.Postponed(n, due, told))
		return w.plan(t)
	})
}

// Sweep is part of [bot.Store].
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (swept int, err error) {
	err = s.group.do(ctx, func(t *txn) (func() error, error) {
		w := &writes{txn: t}
		for _, table := range []*table{t.accounts, t.counters, t.marks, t.people} {
			table.due(t.tx, stampOf(now)-1, func(k key, _ []byte) bool {
				if len(w.ready) < limit {
					w.remove(table, k)
				}
				return len(w.ready) < limit
			})
		}
		swept = len(w.ready)
		if swept == 0 {
			return nil, nil
		}
		return w.plan(t)
	})
	if err != nil {
		return 0, err
	}
	return swept, nil
}

// EndAll is part of [bot.Store].
func (s *Store) EndAll(ctx context.Context, line conversation.Line) error {
	return s.group.do(ctx, func(t *txn) (func() error, error) {
		w := &writes{txn: t}
		w.ready = append(w.ready, func(t *txn) error {
			return errors.Join(t.conversations.clear(t.tx), t.notices.clear(t.tx), t.people.clear(t.tx))
		})
		w.lines = append(w.lines, line)
		return w.plan(t)
	})
}

// Discard is part of [bot.Discarder].
func (s *Store) Discard(ctx context.Context, user conversation.User, line conversation.Line) error {
	return s.group.do(ctx, func(t *txn) (func() error, error) {
		w := &writes{txn: t}
		k := t.userKey(user)
		w.remove(t.conversations, k)
		person := t.personKey(user)
		w.remove(t.people, person)
		w.ready = append(w.ready, func(t *txn) error {
			return errors.Join(t.conversations.undateAll(t.tx, k), t.people.undateAll(t.tx, person))
		})
		w.lines = append(w.lines, line)
		return w.plan(t)
	})
}

// Spend is part of [bot.Limiter]. A spend that is refused costs no commit.
func (s *Store) Spend(
	ctx context.Context, name conversation.CounterKey, id string, l conversation.Limit, now time.Time,
) (ok bool, until time.Time, err error) {
	err = s.group.do(ctx, func(t *txn) (func() error, error) {
		c, err := t.counter(name)
		if err != nil {
			return nil, err
		}
		c, ok, until = store.Spend(c, id, l, now)
		if !ok {
			return nil, nil
		}
		w := &writes{txn: t}
		w.saveCounter(name, c)
		return w.plan(t)
	})
	if err != nil {
		return false, time.Time{}, err
	}
	return ok, until, nil
}

// GiveBack is part of [bot.Limiter]. What is not there costs no commit.
func (s *Store) GiveBack(
	ctx context.Context, name conversation.CounterKey, id string, l conversation.Limit, now time.Time,
) error {
	return s.group.do(ctx, func(t *txn) (func() error, error) {
		c, err := t.counter(name)
		if err != nil || !store.Counted(c, id, l, now) {
			return nil, err
		}
		w := &writes{txn: t}
		w.saveCounter(name, c.GiveBack(id, now, l))
		return w.plan(t)
	})
}

// Full is part of [bot.Limiter].
func (s *Store) Full(
	ctx context.Context, name conversation.CounterKey, l conversation.Limit, now time.Time,
) (until time.Time, err error) {
	err = s.view(ctx, func(t *txn) error {
		c, err := t.counter(name)
		until, _ = c.Full(now, l)
		return err
	})
	return until, err
}
