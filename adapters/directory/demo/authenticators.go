package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"resetbot/bot"
	"resetbot/conversation"
)

// ofPeopleFile is the id of the authenticator that an account has in the
// people file.
const ofPeopleFile = "people.yaml"

// ErrReadOnly is wrapped by the errors of changing the authenticator that an
// account has in the people file.
var ErrReadOnly = errors.New("the authenticator of the people file is only ever read")

// Authenticators are those of the people file, which count from the beginning
// of time, and after them those that kept has. What is enrolled or removed is
// enrolled in and removed from kept.
func (d *Directory) Authenticators(kept bot.Authenticators) bot.Authenticators {
	return authenticators{d, kept}
}

type authenticators struct {
	directory *Directory
	kept      bot.Authenticators
}

func (a authenticators) Enrolled(
	ctx context.Context, account conversation.AccountID,
) ([]bot.Authenticator, error) {
	kept, err := a.kept.Enrolled(ctx, account)
	if err != nil {
		return nil, err
	}
	p := a.directory.byID[account]
	if p == nil || p.Authenticator.Empty() {
		return kept, nil
	}
	own := bot.Authenticator{ID: ofPeopleFile, Name: "Authenticator", Secret: p.Authenticator}
	return slices.Concat([]bot.Authenticator{own}, kept), nil
}

func (a authenticators) Enrol(
	ctx context.Context, account conversation.AccountID, device bot.Authenticator,
) error {
	if device.ID == ofPeopleFile {
		return fmt.Errorf("enrolling an authenticator of %s: %w", account, ErrReadOnly)
	}
	return a.kept.Enrol(ctx, account, device)
}

// Remove never says that it took away what will still be there.
func (a authenticators) Remove(ctx context.Context, account conversation.AccountID, device string) error {
	p := a.directory.byID[account]
	if device == ofPeopleFile && p != nil && !p.Authenticator.Empty() {
		return fmt.Errorf("removing an authenticator of %s: %w", account, ErrReadOnly)
	}
	return a.kept.Remove(ctx, account, device)
}
