package employee

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Kind is what something on a telephone is.
type Kind string

// The kinds.
const (
	KindSMS          Kind = "sms"
	KindCall         Kind = "call"
	KindNotification Kind = "notification"
	KindMail         Kind = "mail"
)

// ErrOver says that a call stopped ringing, or that a notification went, between
// looking at it and answering it.
var ErrOver = errors.New("it is over, and nothing can be done with it any more")

// Entry is one thing that came on a telephone.
type Entry struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Kind   Kind      `json:"kind"`
	Text   string    `json:"text"`
	Code   string    `json:"code"`
	Number string    `json:"number"`
	State  string    `json:"state"` // "waiting" for who can still be answered
}

// Phone is a telephone in somebody's hand. It is for one goroutine.
type Phone struct {
	base, number string
	seen         map[string]bool // by id
}

// NewPhone takes a telephone in hand. Number is in E.164.
func NewPhone(base, number string) *Phone {
	return &Phone{base: base, number: number, seen: map[string]bool{}}
}

// List is all that came, oldest first.
func (p *Phone) List(ctx context.Context) ([]Entry, error) {
	var entries []Entry
	if err := exchange(ctx, http.MethodGet, p.address(""), nil, &entries); err != nil {
		return nil, fmt.Errorf("looking at the telephone: %w", err)
	}
	return entries, nil
}

// Skim looks at all that came, so that [Phone.Next] waits for what is newer.
func (p *Phone) Skim(ctx context.Context) error {
	entries, err := p.List(ctx)
	for _, e := range entries {
		p.seen[e.ID] = true
	}
	return err
}

// Next waits for the next of a kind, and gives each once.
func (p *Phone) Next(ctx context.Context, kind Kind) (next Entry, err error) {
	err = wait(ctx, func(ctx context.Context) (bool, error) {
		entries, err := p.List(ctx)
		for _, e := range entries {
			if e.Kind == kind && !p.seen[e.ID] {
				p.seen[e.ID], next = true, e
				return true, nil
			}
		}
		return false, err
	})
	if err != nil {
		return Entry{}, fmt.Errorf("waiting for a %s: %w", kind, err)
	}
	return next, nil
}

// Press presses keys during a call. Like all that answers, it returns an error
// that wraps [ErrOver] when that is too late.
func (p *Phone) Press(ctx context.Context, call Entry, keys string) error {
	return p.act(ctx, call, map[string]any{"press": keys})
}

// HangUp ends a call.
func (p *Phone) HangUp(ctx context.Context, call Entry) error {
	return p.act(ctx, call, map[string]any{"hangup": true})
}

// Approve approves a notification with the number that was typed into it.
func (p *Phone) Approve(ctx context.Context, notification Entry, number string) error {
	return p.act(ctx, notification, map[string]any{"approve": number})
}

// Deny says of a notification: it was not me.
func (p *Phone) Deny(ctx context.Context, notification Entry) error {
	return p.act(ctx, notification, map[string]any{"deny": true})
}

func (p *Phone) act(ctx context.Context, e Entry, action map[string]any) error {
	if err := exchange(ctx, http.MethodPost, p.address("/"+url.PathEscape(e.ID)), action, &Entry{}); err != nil {
		return fmt.Errorf("answering a %s: %w", e.Kind, err)
	}
	return nil
}

func (p *Phone) address(rest string) string {
	return p.base + "/demo/phone/" + url.QueryEscape(p.number) + rest
}
