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

// What those who run the service ask of a store, whether a bot runs on it or
// not.

// Case is what is known of a receipt.
type Case struct {
	Lines []conversation.Line // of the audit, oldest first
	// Conversation is the record, as long as it is kept: a day after its end. Its
	// Receipt is empty when it is not.
	Conversation conversation.Conversation
}

// Found reports whether anything is known.
func (c Case) Found() bool { return len(c.Lines) > 0 || c.Conversation.Receipt != "" }

// Account is the account that it was about last; empty where nobody was found.
func (c Case) Account() conversation.AccountID {
	for i := len(c.Lines) - 1; i >= 0; i-- {
		if a := c.Lines[i].Account; a != "" {
			return a
		}
	}
	return c.Conversation.Subject.ID
}

// Key is under which its tries are counted. A name that nobody has is counted
// too, and its key is known as long as the conversation is.
func (c Case) Key() conversation.AccountKey {
	if a := c.Account(); a != "" {
		return a.Key()
	}
	return c.Conversation.Subject.Key
}

// LookUp gathers what is known of a receipt. It reads the whole audit: a
// receipt is no key (some 100,000 lines a second).
func LookUp(ctx context.Context, s Store, receipt string) (Case, error) {
	var c Case
	err := s.Lines(ctx, 1, func(e Entry) error {
		if e.Line.Receipt == receipt && receipt != "" {
			c.Lines = append(c.Lines, e.Line)
		}
		return ctx.Err()
	})
	if err != nil {
		return Case{}, fmt.Errorf("reading the audit: %w", err)
	}
	err = s.Conversations(ctx, func(found conversation.Conversation) error {
		if found.Receipt == receipt && found.User.Chat != "owner" { // an owner's own word has no pages
			c.Conversation = found
		}
		return ctx.Err()
	})
	if err != nil {
		return Case{}, fmt.Errorf("reading the conversations: %w", err)
	}
	return c, nil
}

// Standing tells what stands in the way of resets of an account now. An empty
// key is nobody's, and nothing does.
func Standing(
	ctx context.Context, s Store, w *conversation.Wizard, key conversation.AccountKey, now time.Time,
) (standing conversation.Standing, err error) {
	if key == "" {
		return standing, nil
	}
	_, err = s.Update(ctx, conversation.User{Chat: conversation.Operator, ID: string(key)}, Transition{
		Reads: func(conversation.Conversation) conversation.Reads { return w.StandingReads(key) },
		Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			standing = w.Standing(key, f, now)
			return conversation.Change{Same: true}, nil
		},
	})
	if err != nil {
		return standing, fmt.Errorf("reading what stands in the way: %w", err)
	}
	return standing, nil
}

// ErrNobody is wrapped by the error of [Unfreeze] for a name that no account has.
var ErrNobody = errors.New("no account has that name")

// Unfreeze lifts what [conversation.Wizard.Unfreeze] lifts of the account with
// that name, or with that id. by is who does, as the audit has
// an asker. The receipt is
// empty when there was nothing to lift. The owner is told by the bot that runs
// on the store, now or when it next does.
func Unfreeze(
	ctx context.Context, s Store, d Directory, w *conversation.Wizard, name, by string, now time.Time,
) (receipt string, err error) {
	a, err := named(ctx, d, name)
	if err != nil {
		return "", err
	}
	u := conversation.Unfreezing{Account: a.ID, By: by, Locale: a.Locale}
	_, _ = rand.Read(u.Nonce[:]) // never fails (Go 1.24)
	change, err := s.Update(ctx, u.User(), Transition{
		Reads: func(conversation.Conversation) conversation.Reads { return w.StandingReads(a.ID.Key()) },
		Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			return w.Unfreeze(u, f, now), nil
		},
	})
	if err != nil {
		return "", fmt.Errorf("lifting a freeze: %w", err)
	}
	return change.Conversation.Receipt, nil
}

// named finds an account by its name, else by its id.
func named(ctx context.Context, d Directory, name string) (Account, error) {
	name = strings.TrimSpace(name)
	for _, q := range []Query{{Name: strings.ToLower(name)}, {ID: conversation.AccountID(name)}} {
		if name == "" {
			break
		}
		a, found, err := d.Find(ctx, q)
		if err != nil {
			return Account{}, fmt.Errorf("looking an account up: %w", err)
		}
		if found {
			return a, nil
		}
	}
	return Account{}, fmt.Errorf("%q: %w", name, ErrNobody)
}
