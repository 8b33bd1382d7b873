package bot_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"resetbot/adapters/store"
	"resetbot/adapters/store/memory"
	"resetbot/bot"
	"resetbot/conversation"
)

// values is the memory store, but for conversations, accounts, counters and marks: it
// keeps them as they were handed in. Most of what a schedule costs would be
// writing records and reading them again; the stores' own suite shows that
// nothing is lost by that.
type values struct {
	*memory.Store // notices, the audit, authenticators

	mu            sync.Mutex
	conversations map[conversation.User]conversation.Conversation
	due           map[conversation.User]time.Time
	accounts      map[conversation.AccountKey]conversation.AccountRecord
	counters      map[conversation.CounterKey]conversation.Counter
	people        map[conversation.User]conversation.Person
	marks         map[string]bool
}

func newValues(key conversation.Key) *values {
	return &values{
		Store:         memory.New(key),
		conversations: map[conversation.User]conversation.Conversation{},
		due:           map[conversation.User]time.Time{},
		accounts:      map[conversation.AccountKey]conversation.AccountRecord{},
		counters:      map[conversation.CounterKey]conversation.Counter{},
		people:        map[conversation.User]conversation.Person{},
		marks:         map[string]bool{},
	}
}

func (s *values) Update(
	ctx context.Context, user conversation.User, t bot.Transition,
) (conversation.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return conversation.Change{}, ctx.Err()
	}
	change, err := store.Run(t, user, s.conversations[user], s.facts)
	if err == nil && !change.Same {
		err = s.keep(ctx, user, &change)
	}
	if err != nil {
		return conversation.Change{}, err
	}
	return change, nil
}

func (s *values) facts(r conversation.Reads) (conversation.Facts, error) {
	f := conversation.Facts{
		Account: s.accounts[r.Account], Person: s.people[r.Person], Counters: map[conversation.CounterKey]conversation.Counter{},
		Marks: map[string]bool{},
	}
	for _, key := range r.Counters {
		f.Counters[key] = s.counters[key]
	}
	for _, key := range r.Marks {
		f.Marks[key] = s.marks[key]
	}
	return f, nil
}

func (s *values) keep(ctx context.Context, user conversation.User, change *conversation.Change) error {
	for _, m := range change.Marks {
		if s.marks[m.Key] {
			return store.ErrMarkUsed
		}
	}
	if len(change.Notices)+len(change.Audit) > 0 { // with nobody's conversation
		rest := conversation.Change{Forget: true, Notices: change.Notices, Audit: change.Audit}
		_, err := s.Store.Update(ctx, user, bot.Transition{
			Reads: func(conversation.Conversation) (none conversation.Reads) { return none },
			Step: func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
				return rest, nil
			},
		})
		if err != nil {
			return err
		}
	}
	for _, m := range change.Marks {
		s.marks[m.Key] = true
	}
	s.conversations[user], s.due[user] = change.Conversation, change.Due
	if change.Forget {
		delete(s.conversations, user)
		delete(s.due, user)
	}
	if a := change.Account; a != nil {
		s.accounts[a.Key] = *a
	}
	if p := change.Person; p != nil {
		s.people[p.User] = *p
	}
	for key, c := range change.Counters {
		s.counters[key] = c
		if store.Zero(c) {
			delete(s.counters, key)
		}
	}
	return nil
}

func (s *values) Due(ctx context.Context, before time.Time, limit int) ([]conversation.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var users []conversation.User
	for user, at := range s.due {
		if !at.IsZero() && !at.After(before) {
			users = append(users, user)
		}
	}
	slices.SortFunc(users, func(a, b conversation.User) int { return s.due[a].Compare(s.due[b]) })
	return users[:min(len(users), limit)], ctx.Err()
}

func (s *values) Conversation(ctx context.Context, user conversation.User) (conversation.Conversation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conversations[user], ctx.Err()
}

func (s *values) Conversations(ctx context.Context, each func(conversation.Conversation) error) error {
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.conversations))
	s.mu.Unlock()
	for _, c := range all {
		if err := each(c); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *values) People(ctx context.Context, each func(conversation.Person) error) error {
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.people))
	s.mu.Unlock()
	for _, p := range all {
		if err := each(p); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *values) Discard(ctx context.Context, user conversation.User, line conversation.Line) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.Store.Discard(ctx, user, line)
	if err == nil {
		delete(s.conversations, user)
		delete(s.due, user)
		delete(s.people, user)
	}
	return err
}

func (s *values) EndAll(ctx context.Context, line conversation.Line) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.Store.EndAll(ctx, line)
	if err == nil {
		clear(s.conversations)
		clear(s.due)
		clear(s.people)
	}
	return err
}

// Sweep forgets no marks: no schedule is as long as they are kept.
func (s *values) Sweep(ctx context.Context, now time.Time, limit int) (swept int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	over := func(kept time.Time) bool {
		if kept.IsZero() || !kept.Before(now) || swept >= limit || ctx.Err() != nil {
			return false
		}
		swept++
		return true
	}
	maps.DeleteFunc(s.accounts, func(_ conversation.AccountKey, a conversation.AccountRecord) bool { return over(a.Kept) })
	maps.DeleteFunc(s.counters, func(_ conversation.CounterKey, c conversation.Counter) bool { return over(c.Kept) })
	maps.DeleteFunc(s.people, func(_ conversation.User, p conversation.Person) bool { return over(p.Kept) })
	return swept, ctx.Err()
}
