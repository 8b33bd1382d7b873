package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"resetbot/conversation"
)

// Bindings: which accounts people of a chat proved to be theirs. They are made and
// read in the steps of conversations; here is what ends them from outside.

// Unbind ends all bindings of a person: the platform says that they are gone. What
// they began before binds them to nothing any more, and a conversation that is on
// learns that it is not the owner's any longer. When it returns nil that is
// durable; it may be called again.
func (b *Bot) Unbind(ctx context.Context, user conversation.User) error {
	return b.unbind(ctx, conversation.Unbinding{Person: user, Why: "person_gone"})
}

// UnbindAll ends all bindings of the people of a chat whose id begins with prefix:
// of a team that installed the app again, or uninstalled it. As [Bot.Unbind].
func (b *Bot) UnbindAll(ctx context.Context, chat, prefix string) error {
	theirs := map[conversation.User]bool{}
	note := func(user conversation.User) {
		if user.Chat == chat && strings.HasPrefix(user.ID, prefix) {
			theirs[user] = true
		}
	}
	err := b.Store.People(ctx, func(p conversation.Person) error { note(p.User); return ctx.Err() })
	if err != nil {
		return fmt.Errorf("reading who is bound: %w", err)
	}
	err = b.Store.Conversations(ctx, func(c conversation.Conversation) error {
		if !c.State.Over() { // it would bind when it is done
			note(c.User)
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("reading who may be bound soon: %w", err)
	}
	for user := range theirs {
		err = errors.Join(err, b.unbind(ctx, conversation.Unbinding{Person: user, Why: "installation_gone"}))
	}
	return err
}

func (b *Bot) unbind(ctx context.Context, u conversation.Unbinding) error {
	_, _ = rand.Read(u.Nonce[:]) // never fails (Go 1.24)
	now := b.Now()
	_, err := b.Store.Update(ctx, u.User(), Transition{
		Reads: func(conversation.Conversation) conversation.Reads { return b.Wizard.UnbindReads(u) },
		Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			return b.Wizard.Unbind(u, f, now), nil
		},
	})
	if errors.Is(err, ErrUnreadable) { // what nobody can read binds nobody, and must not stand in the way
		return b.discard(ctx, u.Person, conversation.Origin{})
	}
	if err != nil {
		b.lookAfterStore()
		return fmt.Errorf("ending bindings: %w", err)
	}
	b.begin(func() { b.notices(0) })
	return nil
}

// reviewEvery is how often bound accounts are looked up, so that one that was made
// privileged is on nobody's list for longer than that; one that somebody asks about
// is looked at then, too.
const reviewEvery = time.Hour

// review ends the bindings to accounts that are gone or privileged now. Where the
// directory does not answer it does nothing.
func (b *Bot) review(ctx context.Context) {
	var ended []conversation.Unbinding
	found := map[conversation.AccountID]string{} // why no binding to it may last; empty: it may
	err := b.Store.People(ctx, func(p conversation.Person) error {
		for _, binding := range p.Bindings {
			why, looked := found[binding.Account]
			if !looked {
				var err error
				if why, err = b.unfit(ctx, binding.Account); err != nil {
					return err
				}
				found[binding.Account] = why
			}
			if why != "" {
				ended = append(ended, conversation.Unbinding{Person: p.User, Account: binding.Account, Why: why})
			}
		}
		return ctx.Err()
	})
	for _, u := range ended {
		err = errors.Join(err, b.unbind(ctx, u))
	}
	if err != nil && ctx.Err() == nil {
		b.Log.Warn("looking after bindings", "error", err)
	}
}

// unfit tells why an account can be bound to nobody; empty where it can.
func (b *Bot) unfit(ctx context.Context, id conversation.AccountID) (why string, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.Wizard.Policy.Find)
	defer cancel()
	a, found, err := b.Directory.Find(ctx, Query{ID: id})
	switch {
	case err != nil:
		return "", fmt.Errorf("looking a bound account up: %w", err)
	case !found:
		return "account_gone", nil
	case a.Reason == conversation.Privileged:
		return string(conversation.Privileged), nil
	}
	return "", nil
}
