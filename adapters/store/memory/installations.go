package memory

import (
	"context"
	"slices"

	"resetbot/bot"
)

// place is where an app is installed.
type place struct{ chat, team string }

// Installations is the store's [bot.Installations].
func (s *Store) Installations() bot.Installations { return installations{s} }

type installations struct{ store *Store }

func (i installations) Save(ctx context.Context, in bot.Installation) error {
	in.Scopes = slices.Clone(in.Scopes)
	return i.store.locked(ctx, func() error { i.store.installations[place{in.Chat, in.Team}] = in; return nil })
}

func (i installations) Load(ctx context.Context, chat, team string) (in bot.Installation, ok bool, err error) {
	err = i.store.locked(ctx, func() error {
		in, ok = i.store.installations[place{chat, team}]
		in.Scopes = slices.Clone(in.Scopes)
		return nil
	})
	return in, ok, err
}

func (i installations) Forget(ctx context.Context, chat, team string) error {
	return i.store.locked(ctx, func() error { delete(i.store.installations, place{chat, team}); return nil })
}
