package bolt

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"resetbot/adapters/store"
	"resetbot/bot"
	"resetbot/conversation"
)

// txn is one transaction of bbolt. The writer's is shared by a batch.
type txn struct {
	*Store
	tx   *bbolt.Tx
	last *bot.Entry // of the audit; nil as long as nobody asked

	// Of a transaction that only reads: what it saw, and the bucket that it saw
	// last, for bbolt looks for it each time anew.
	seen   []sight
	table  *table
	bucket *bbolt.Bucket
}

// sight is what was seen of a record.
type sight struct {
	table   *table
	key     key
	edition edition
}

// look gives a record as the file has it. Who only reads remembers which it was.
func (t *txn) look(at *table, k key) []byte {
	if t.tx.Writable() {
		return at.value(t.tx, k)
	}
	if t.table != at {
		t.table, t.bucket = at, t.tx.Bucket(at.records)
	}
	value := t.bucket.Get(k[:])
	t.seen = append(t.seen, sight{at, k, editionOf(value)})
	return value
}

// sees reports whether all that another transaction saw is still so.
func (t *txn) sees(seen []sight) bool {
	for _, s := range seen {
		if editionOf(s.table.value(t.tx, s.key)) != s.edition {
			return false
		}
	}
	return true
}

// has reports whether there is such a record, readable or not.
func (t *txn) has(in *table, k key) bool { return t.look(in, k) != nil }

// load reads a record into v and reports whether there is one.
func (t *txn) load(from *table, k key, v any) (bool, error) {
	plain, err := from.open(k, t.look(from, k))
	if err != nil || plain == nil {
		return false, err
	}
	if json.Unmarshal(plain, v) != nil { // whose error may quote what is in it
		return false, fmt.Errorf("%s: %w", from.name, bot.ErrUnreadable)
	}
	return true, nil
}

func (s *Store) userKey(user conversation.User) key { return s.conversations.key(user.Chat, user.ID) }

func (s *Store) personKey(user conversation.User) key { return s.people.key(user.Chat, user.ID) }

func (t *txn) conversation(user conversation.User) (conversation.Conversation, error) {
	var c conversation.Conversation
	found, err := t.load(t.conversations, t.userKey(user), &c)
	if err == nil && found {
		err = store.Belongs(user, c)
	}
	if err != nil {
		return conversation.Conversation{}, fmt.Errorf("loading a conversation: %w", err)
	}
	return c, nil
}

// facts is a store.Load.
func (t *txn) facts(r conversation.Reads) (conversation.Facts, error) {
	f := conversation.Facts{
		Counters: make(map[conversation.CounterKey]conversation.Counter, len(r.Counters)),
		Marks:    make(map[string]bool, len(r.Marks)),
	}
	if r.Account != "" {
		if _, err := t.load(t.accounts, t.accounts.key(string(r.Account)), &f.Account); err != nil {
			return f, fmt.Errorf("loading an account: %w", err)
		}
	}
	if !r.Person.Zero() {
		if _, err := t.load(t.people, t.personKey(r.Person), &f.Person); err != nil {
			return f, fmt.Errorf("loading a person: %w", err)
		}
	}
	for _, name := range r.Counters {
		c, err := t.counter(name)
		if err != nil {
			return f, err
		}
		f.Counters[name] = c
	}
	for _, name := range r.Marks {
		f.Marks[name] = t.has(t.marks, t.marks.key(name))
	}
	return f, nil
}

func (t *txn) counter(name conversation.CounterKey) (conversation.Counter, error) {
	var c conversation.Counter
	if _, err := t.load(t.counters, t.counters.key(string(name)), &c); err != nil {
		return conversation.Counter{}, fmt.Errorf("loading a counter: %w", err)
	}
	return c, nil
}

// writes are what a change wants put, made ready from what txn has. The first
// error stays.
type writes struct {
	*txn
	ready []func(*txn) error // in the writer's transaction
	lines []conversation.Line
	err   error
}

func (w *writes) put(to *table, k key, at time.Time, v any, label []byte) {
	plain, err := json.Marshal(v)
	if err != nil {
		w.fail(fmt.Errorf("writing a record of %s: %w", to.name, err))
		return
	}
	w.ready = append(w.ready, func(t *txn) error {
		return to.put(t.tx, row{key: k, at: at, plain: plain, label: label})
	})
}

func (w *writes) remove(from *table, k key) {
	w.ready = append(w.ready, func(t *txn) error { return from.delete(t.tx, k) })
}

func (w *writes) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// plan gives the writes as a plan of the writer does, with its lines of the
// audit, each with its alarm, where the chain ends in t.
func (w *writes) plan(t *txn) (apply func() error, err error) {
	if w.err != nil {
		return nil, w.err
	}
	entries, err := t.next(w.lines)
	if err != nil {
		return nil, err
	}
	alarms := &writes{txn: t}
	for _, e := range entries {
		if alarm, ok := e.Alarm(); ok {
			alarms.saveNotice(alarm)
		}
	}
	if alarms.err != nil {
		return nil, alarms.err
	}
	return func() error {
		for _, put := range slices.Concat(w.ready, alarms.ready) {
			if err := put(t); err != nil {
				return err
			}
		}
		return t.chain(entries)
	}, nil
}

func (w *writes) saveConversation(user conversation.User, due time.Time, c conversation.Conversation) {
	label, err := json.Marshal(user)
	if err != nil {
		w.fail(err)
		return
	}
	w.put(w.conversations, w.userKey(user), due, c, label)
}

func (w *writes) savePerson(p conversation.Person) {
	k := w.personKey(p.User)
	if p.Zero() {
		w.remove(w.people, k)
		return
	}
	w.put(w.people, k, p.Kept, p, nil)
}

func (w *writes) saveCounter(name conversation.CounterKey, c conversation.Counter) {
	k := w.counters.key(string(name))
	if store.Zero(c) {
		w.remove(w.counters, k)
		return
	}
	w.put(w.counters, k, c.Kept, c, nil)
}

func (w *writes) useMark(m conversation.Mark) {
	k := w.marks.key(m.Key)
	if w.has(w.marks, k) {
		w.fail(store.ErrMarkUsed)
		return
	}
	w.put(w.marks, k, m.Expires, nil, nil)
}

func (w *writes) saveNotice(n conversation.Notice) {
	if n.ID == "" {
		w.fail(errors.New("a notice without an id"))
		return
	}
	due := n.Due
	if due.IsZero() {
		due = time.Unix(0, 0) // at once; without a date it would never be found
	}
	w.put(w.notices, w.notices.key(n.ID), due, n, nil)
}

// save makes ready all that a Change is.
func (w *writes) save(user conversation.User, ch conversation.Change) {
	if ch.Forget {
		w.remove(w.conversations, w.userKey(user))
	} else {
		w.saveConversation(user, ch.Due, ch.Conversation)
	}
	if a := ch.Account; a != nil {
		w.put(w.accounts, w.accounts.key(string(a.Key)), a.Kept, a, nil)
	}
	if p := ch.Person; p != nil {
		w.savePerson(*p)
	}
	for name, c := range ch.Counters {
		w.saveCounter(name, c)
	}
	for _, m := range ch.Marks {
		w.useMark(m)
	}
	for _, n := range ch.Notices {
		w.saveNotice(n)
	}
	w.lines = append(w.lines, ch.Audit...)
}

// draft is what an update comes to, if nothing that it read is written before it
// is.
type draft struct {
	writes
	change conversation.Change
}

func (t *txn) draft(user conversation.User, tr bot.Transition) (*draft, error) {
	c, err := t.conversation(user)
	if err != nil {
		return nil, err
	}
	d := &draft{writes: writes{txn: t}}
	if d.change, err = store.Run(tr, user, c, t.facts); err != nil {
		return nil, err
	}
	if !d.change.Same {
		d.save(user, d.change)
	}
	return d, d.err
}
