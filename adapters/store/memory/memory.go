// Package memory keeps everything in the memory of the process: for tests, for
// trying out, and for nothing else. What it keeps it keeps encoded, as a store
// on disk would, so that nothing is shared with the caller and what cannot be
// stored shows at once.
package memory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"resetbot/adapters/store"
	"resetbot/bot"
	"resetbot/conversation"
)

// Store is a bot.Store, and more, that forgets everything with its process.
type Store struct {
	audit conversation.Key

	mu             sync.Mutex
	conversations  map[conversation.User]record
	accounts       map[conversation.AccountKey]record
	people         map[conversation.User]record
	counters       map[conversation.CounterKey]record
	marks          map[string]record
	notices        map[string]record
	authenticators map[conversation.AccountID][]bot.Authenticator
	installations  map[place]bot.Installation
	entries        []bot.Entry
}

// record is something encoded, with its date; the zero time is none.
type record struct {
	at   time.Time
	json []byte
}

var (
	_ bot.Store          = (*Store)(nil)
	_ bot.Discarder      = (*Store)(nil)
	_ bot.Limiter        = (*Store)(nil)
	_ bot.Authenticators = (*Store)(nil)
)

// New makes an empty store that chains its audit with key.
func New(key conversation.Key) *Store {
	return &Store{
		audit:          key,
		conversations:  make(map[conversation.User]record),
		accounts:       make(map[conversation.AccountKey]record),
		people:         make(map[conversation.User]record),
		counters:       make(map[conversation.CounterKey]record),
		marks:          make(map[string]record),
		notices:        make(map[string]record),
		authenticators: make(map[conversation.AccountID][]bot.Authenticator),
		installations:  make(map[place]bot.Installation),
	}
}

// Alone is true.
func (s *Store) Alone() bool { return true }

// Close does nothing.
func (s *Store) Close() error { return nil }

// locked calls f while nobody else is at the store.
func (s *Store) locked(ctx context.Context, f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return f()
}

// Update is part of [bot.Store].
func (s *Store) Update(
	ctx context.Context, user conversation.User, t bot.Transition,
) (change conversation.Change, err error) {
	err = s.locked(ctx, func() error {
		c, err := s.conversation(user)
		if err != nil {
			return err
		}
		change, err = store.Run(t, user, c, s.facts)
		if err != nil || change.Same {
			return err
		}
		return s.save(user, change)
	})
	if err != nil {
		return conversation.Change{}, err
	}
	return change, nil
}

// Conversation is part of [bot.Store].
func (s *Store) Conversation(
	ctx context.Context, user conversation.User,
) (c conversation.Conversation, err error) {
	err = s.locked(ctx, func() error { c, err = s.conversation(user); return err })
	return c, err
}

// Conversations is part of [bot.Store].
func (s *Store) Conversations(ctx context.Context, each func(conversation.Conversation) error) error {
	var all []conversation.Conversation
	err := s.locked(ctx, func() error {
		for user := range s.conversations {
			if c, err := s.conversation(user); err == nil {
				all = append(all, c)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := each(c); err != nil {
			return err
		}
	}
	return nil
}

// People is part of [bot.Store].
func (s *Store) People(ctx context.Context, each func(conversation.Person) error) error {
	var all []conversation.Person
	err := s.locked(ctx, func() error {
		for user := range s.people {
			if p, err := load[conversation.Person](s.people, user); err == nil {
				all = append(all, p)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) conversation(user conversation.User) (conversation.Conversation, error) {
	c, err := load[conversation.Conversation](s.conversations, user)
	if _, found := s.conversations[user]; err == nil && found {
		err = store.Belongs(user, c)
	}
	if err != nil {
		return conversation.Conversation{}, fmt.Errorf("loading a conversation: %w", err)
	}
	return c, nil
}

// load gives what is kept under a name, or the zero value.
func load[V any, K comparable](from map[K]record, name K) (v V, err error) {
	r, found := from[name]
	if found && json.Unmarshal(r.json, &v) != nil {
		var none V // and not what could be read of it
		return none, bot.ErrUnreadable
	}
	return v, nil
}

// facts is a store.Load.
func (s *Store) facts(r conversation.Reads) (f conversation.Facts, err error) {
	f.Counters = make(map[conversation.CounterKey]conversation.Counter, len(r.Counters))
	f.Marks = make(map[string]bool, len(r.Marks))
	f.Account, err = load[conversation.AccountRecord](s.accounts, r.Account)
	if err != nil {
		return f, fmt.Errorf("loading an account: %w", err)
	}
	f.Person, err = load[conversation.Person](s.people, r.Person)
	if err != nil {
		return f, fmt.Errorf("loading a person: %w", err)
	}
	for _, name := range r.Counters {
		if f.Counters[name], err = s.counter(name); err != nil {
			return f, err
		}
	}
	for _, name := range r.Marks {
		_, f.Marks[name] = s.marks[name]
	}
	return f, nil
}

func (s *Store) counter(name conversation.CounterKey) (conversation.Counter, error) {
	c, err := load[conversation.Counter](s.counters, name)
	if err != nil {
		return c, fmt.Errorf("loading a counter: %w", err)
	}
	return c, nil
}

// draft is what is about to be put, made ready. The first error stays, and
// then nothing is put.
type draft struct {
	ready []func()
	err   error
}

func put[K comparable](d *draft, to map[K]record, name K, at time.Time, v any) {
	encoded, err := json.Marshal(v)
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("writing a record: %w", err)
	}
	d.ready = append(d.ready, func() { to[name] = record{at, encoded} })
}

func (d *draft) put() error {
	if d.err != nil {
		return d.err
	}
	for _, do := range d.ready {
		do()
	}
	return nil
}

// save puts all that a Change is, or nothing.
func (s *Store) save(user conversation.User, ch conversation.Change) error {
	d := &draft{}
	if ch.Forget {
		d.ready = append(d.ready, func() { delete(s.conversations, user) })
	} else {
		put(d, s.conversations, user, ch.Due, ch.Conversation)
	}
	if a := ch.Account; a != nil {
		put(d, s.accounts, a.Key, a.Kept, a)
	}
	if p := ch.Person; p != nil {
		s.savePerson(d, *p)
	}
	for name, c := range ch.Counters {
		s.saveCounter(d, name, c)
	}
	for _, m := range ch.Marks {
		if _, used := s.marks[m.Key]; used {
			return store.ErrMarkUsed
		}
		put(d, s.marks, m.Key, m.Expires, nil)
	}
	for _, n := range ch.Notices {
		s.saveNotice(d, n)
	}
	s.chain(d, ch.Audit...)
	return d.put()
}

func (s *Store) savePerson(d *draft, p conversation.Person) {
	if p.Zero() {
		d.ready = append(d.ready, func() { delete(s.people, p.User) })
		return
	}
	put(d, s.people, p.User, p.Kept, p)
}

func (s *Store) saveCounter(d *draft, name conversation.CounterKey, c conversation.Counter) {
	if store.Zero(c) {
		d.ready = append(d.ready, func() { delete(s.counters, name) })
		return
	}
	put(d, s.counters, name, c.Kept, c)
}

func (s *Store) saveNotice(d *draft, n conversation.Notice) {
	if n.ID == "" {
		d.err = errors.New("a notice without an id")
		return
	}
	put(d, s.notices, n.ID, n.Due, n)
}

// chain adds lines to the audit, each with its alarm.
func (s *Store) chain(d *draft, lines ...conversation.Line) {
	entries := s.entries
	for _, line := range lines {
		next, err := last(entries).Next(s.audit, line)
		if err != nil {
			d.err = err
			return
		}
		entries = append(entries, next)
		if alarm, ok := next.Alarm(); ok {
			s.saveNotice(d, alarm)
		}
	}
	d.ready = append(d.ready, func() { s.entries = entries })
}

func last(entries []bot.Entry) bot.Entry {
	if len(entries) == 0 {
		return bot.Entry{}
	}
	return entries[len(entries)-1]
}

// Due is part of [bot.Store].
func (s *Store) Due(ctx context.Context, before time.Time, limit int) (users []conversation.User, err error) {
	err = s.locked(ctx, func() error {
		users = due(s.conversations, limit, func(at time.Time) bool {
			return !at.IsZero() && !at.After(before)
		})
		return nil
	})
	return users, err
}

// due names what has such a date, the earliest first.
func due[K comparable](records map[K]record, limit int, such func(time.Time) bool) []K {
	var names []K
	for name, r := range records {
		if such(r.at) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b K) int { return records[a].at.Compare(records[b].at) })
	return names[:min(len(names), max(limit, 0))]
}

// Notices is part of [bot.Store].
func (s *Store) Notices(
	ctx context.Context, before time.Time, limit int,
) (notices []conversation.Notice, err error) {
	err = s.locked(ctx, func() error {
		for _, id := range due(s.notices, limit, func(at time.Time) bool { return !at.After(before) }) {
			n, err := load[conversation.Notice](s.notices, id)
			if err != nil {
				return err
			}
			notices = append(notices, n)
		}
		return nil
	})
	return notices, err
}

// Settle is part of [bot.Store].
func (s *Store) Settle(ctx context.Context, id string) error {
	return s.locked(ctx, func() error { delete(s.notices, id); return nil })
}

// Postpone is part of [bot.Store]. What was settled meanwhile stays so.
func (s *Store) Postpone(ctx context.Context, id string, due time.Time, told ...string) error {
	return s.locked(ctx, func() error {
		n, err := load[conversation.Notice](s.notices, id)
		if err != nil || n.ID == "" {
			return err
		}
		d := &draft{}
		s.saveNotice(d, store.Postponed(n, due, told))
		return d.put()
	})
}

// Sweep is part of [bot.Store].
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (swept int, err error) {
	err = s.locked(ctx, func() error {
		swept += sweep(s.accounts, now, limit)
		swept += sweep(s.counters, now, limit-swept)
		swept += sweep(s.marks, now, limit-swept)
		swept += sweep(s.people, now, limit-swept)
		return nil
	})
	return swept, err
}

func sweep[K comparable](records map[K]record, now time.Time, limit int) int {
	over := due(records, limit, func(kept time.Time) bool { return !kept.IsZero() && kept.Before(now) })
	for _, name := range over {
		delete(records, name)
	}
	return len(over)
}

// Append is part of [bot.Store].
func (s *Store) Append(ctx context.Context, lines ...conversation.Line) error {
	return s.locked(ctx, func() error {
		d := &draft{}
		s.chain(d, lines...)
		return d.put()
	})
}

// Lines is part of [bot.Store].
func (s *Store) Lines(ctx context.Context, from uint64, each func(bot.Entry) error) error {
	var entries []bot.Entry // never altered, only appended to
	if err := s.locked(ctx, func() error { entries = s.entries; return nil }); err != nil {
		return err
	}
	first := min(uint64(len(entries)), max(from, 1)-1) // line n is entry n-1
	for _, e := range entries[first:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

// Head is part of [bot.Store].
func (s *Store) Head(ctx context.Context) (head bot.Entry, err error) {
	err = s.locked(ctx, func() error { head = last(s.entries); return nil })
	return head, err
}

// EndAll is part of [bot.Store].
func (s *Store) EndAll(ctx context.Context, line conversation.Line) error {
	return s.locked(ctx, func() error {
		d := &draft{ready: []func(){func() { clear(s.conversations); clear(s.notices); clear(s.people) }}}
		s.chain(d, line)
		return d.put()
	})
}

// Discard is part of [bot.Discarder].
func (s *Store) Discard(ctx context.Context, user conversation.User, line conversation.Line) error {
	return s.locked(ctx, func() error {
		d := &draft{ready: []func(){func() { delete(s.conversations, user); delete(s.people, user) }}}
		s.chain(d, line)
		return d.put()
	})
}

// Spend is part of [bot.Limiter].
func (s *Store) Spend(
	ctx context.Context, name conversation.CounterKey, id string, l conversation.Limit, now time.Time,
) (ok bool, until time.Time, err error) {
	err = s.locked(ctx, func() error {
		c, err := s.counter(name)
		if err != nil {
			return err
		}
		if c, ok, until = store.Spend(c, id, l, now); !ok {
			return nil
		}
		d := &draft{}
		s.saveCounter(d, name, c)
		return d.put()
	})
	return ok, until, err
}

// GiveBack is part of [bot.Limiter].
func (s *Store) GiveBack(
	ctx context.Context, name conversation.CounterKey, id string, l conversation.Limit, now time.Time,
) error {
	return s.locked(ctx, func() error {
		c, err := s.counter(name)
		if err != nil || !store.Counted(c, id, l, now) {
			return err
		}
		d := &draft{}
		s.saveCounter(d, name, c.GiveBack(id, now, l))
		return d.put()
	})
}

// Full is part of [bot.Limiter].
func (s *Store) Full(
	ctx context.Context, name conversation.CounterKey, l conversation.Limit, now time.Time,
) (until time.Time, err error) {
	err = s.locked(ctx, func() error {
		c, err := s.counter(name)
		until, _ = c.Full(now, l)
		return err
	})
	return until, err
}

// Enrolled is part of [bot.Authenticators].
func (s *Store) Enrolled(
	ctx context.Context, account conversation.AccountID,
) (found []bot.Authenticator, err error) {
	err = s.locked(ctx, func() error { found = slices.Clone(s.authenticators[account]); return nil })
	return found, err
}

// Enrol is part of [bot.Authenticators].
func (s *Store) Enrol(ctx context.Context, account conversation.AccountID, a bot.Authenticator) error {
	return s.locked(ctx, func() error {
		list := append(s.without(account, a.ID), a)
		slices.SortStableFunc(list, func(a, b bot.Authenticator) int { return a.Since.Compare(b.Since) })
		s.authenticators[account] = list
		return nil
	})
}

// Remove is part of [bot.Authenticators].
func (s *Store) Remove(ctx context.Context, account conversation.AccountID, device string) error {
	return s.locked(ctx, func() error { s.authenticators[account] = s.without(account, device); return nil })
}

func (s *Store) without(account conversation.AccountID, device string) []bot.Authenticator {
	return slices.DeleteFunc(s.authenticators[account], func(a bot.Authenticator) bool {
		return a.ID == device
	})
}
