package bolt

import (
	"context"
	"slices"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// authenticator is a bot.Authenticator as a record. Its secret refuses every
// encoder, so this is the one place where it is written down: sealed, with a
// key of its own as every table has.
type authenticator struct {
	ID     string    `json:"id"`
	Name   string    `json:"name,omitempty"`
	Secret string    `json:"secret"`
	Since  time.Time `json:"since"`
}

func (t *txn) enrolled(account conversation.AccountID) ([]authenticator, error) {
	var list []authenticator
	_, err := t.load(t.authenticators, t.authenticators.key(string(account)), &list)
	return list, err
}

func (w *writes) saveEnrolled(account conversation.AccountID, list []authenticator) {
	k := w.authenticators.key(string(account))
	if len(list) == 0 {
		w.remove(w.authenticators, k)
		return
	}
	w.put(w.authenticators, k, time.Time{}, list, nil)
}

// Enrolled is part of [bot.Authenticators].
func (s *Store) Enrolled(ctx context.Context, account conversation.AccountID) ([]bot.Authenticator, error) {
	var found []bot.Authenticator
	err := s.view(ctx, func(t *txn) error {
		list, err := t.enrolled(account)
		for _, a := range list {
			found = append(found, bot.Authenticator{
				ID: a.ID, Name: a.Name, Secret: conversation.NewSecret(a.Secret), Since: a.Since,
			})
		}
		return err
	})
	return found, err
}

// Enrol is part of [bot.Authenticators].
func (s *Store) Enrol(ctx context.Context, account conversation.AccountID, a bot.Authenticator) error {
	return s.reenrol(ctx, account, func(list []authenticator) []authenticator {
		list = without(list, a.ID)
		list = append(list, authenticator{ID: a.ID, Name: a.Name, Secret: a.Secret.Reveal(), Since: a.Since})
		slices.SortStableFunc(list, func(a, b authenticator) int { return a.Since.Compare(b.Since) })
		return list
	})
}

// Remove is part of [bot.Authenticators].
func (s *Store) Remove(ctx context.Context, account conversation.AccountID, device string) error {
	return s.reenrol(ctx, account, func(list []authenticator) []authenticator {
		return without(list, device)
	})
}

func without(list []authenticator, device string) []authenticator {
	return slices.DeleteFunc(list, func(a authenticator) bool { return a.ID == device })
}

func (s *Store) reenrol(
	ctx context.Context, account conversation.AccountID, edit func([]authenticator) []authenticator,
) error {
	return s.group.do(ctx, func(t *txn) (func() error, error) {
		list, err := t.enrolled(account)
		if err != nil {
			return nil, err
		}
		w := &writes{txn: t}
		w.saveEnrolled(account, edit(list))
		return w.plan(t)
	})
}
