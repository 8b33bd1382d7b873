package bolt

import (
	"context"
	"fmt"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// installation is a bot.Installation as a record. Its token refuses every encoder,
// so this is the one place where it is written down: sealed, with a key of its own
// as every table has.
type installation struct {
	Chat   string    `json:"chat"`
	Team   string    `json:"team"`
	Token  string    `json:"token"`
	Scopes []string  `json:"scopes,omitempty"`
	When   time.Time `json:"when"`
}

// Installations is the store's [bot.Installations].
func (s *Store) Installations() bot.Installations { return installations{s} }

type installations struct{ store *Store }

func (i installations) key(chat, team string) key { return i.store.installations.key(chat, team) }

func (i installations) Save(ctx context.Context, in bot.Installation) error {
	return i.store.group.do(ctx, func(t *txn) (func() error, error) {
		w := &writes{txn: t}
		w.put(t.installations, i.key(in.Chat, in.Team), time.Time{}, installation{
			Chat: in.Chat, Team: in.Team, Token: in.Token.Reveal(), Scopes: in.Scopes, When: in.When,
		}, nil)
		return w.plan(t)
	})
}

func (i installations) Load(ctx context.Context, chat, team string) (in bot.Installation, ok bool, err error) {
	err = i.store.view(ctx, func(t *txn) error {
		var r installation
		found, err := t.load(t.installations, i.key(chat, team), &r)
		if err != nil {
			return fmt.Errorf("loading an installation: %w", err)
		}
		if ok = found; found {
			in = bot.Installation{
				Chat: r.Chat, Team: r.Team, Token: conversation.NewSecret(r.Token), Scopes: r.Scopes, When: r.When,
			}
		}
		return nil
	})
	return in, ok, err
}

func (i installations) Forget(ctx context.Context, chat, team string) error {
	return i.store.group.do(ctx, func(t *txn) (func() error, error) {
		k := i.key(chat, team)
		if !t.has(t.installations, k) {
			return nil, nil
		}
		w := &writes{txn: t}
		w.remove(t.installations, k)
		return w.plan(t)
	})
}
