package bot

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"resetbot/conversation"
)

// The link of a one-time page is the sealed name of a conversation and the
// token of one of its pages. It needs no place in the store: what it opens is
// decided by the conversation, when it is used (docs/decisions/0006).

// entryPath is where one-time pages are.
const entryPath = "/p/"

// entryUse binds what is sealed to this use.
var entryUse = []byte("one-time page")

type entry struct {
	User  conversation.User `json:"u"`
	Token string            `json:"t"`
}

// link is the address of the one-time page that c asks for; empty where it
// asks for none. It is built from the configuration alone (AC-65).
func (b *Bot) link(c conversation.Conversation) (string, error) {
	if c.Page.Entry == nil {
		return "", nil
	}
	if b.Links == nil || b.PublicURL == "" {
		return "", errors.New("no public address is configured")
	}
	data, err := json.Marshal(entry{c.User, c.Page.Token})
	if err != nil {
		return "", err
	}
	sealed := b.Links.Seal(nil, data, entryUse)
	return b.PublicURL + entryPath + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Entry opens a one-time link, and gives the page that its holder may see now:
// the form, while it is the conversation's newest; after it was filled in, what
// came of it. ok is false for a link that is over, was replaced, or never was.
// It changes nothing, however often it is asked (AC-66).
func (b *Bot) Entry(ctx context.Context, token string) (m Outgoing, ok bool, err error) {
	if b.Links == nil || len(token) > conversation.TypedMax {
		return m, false, nil
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return m, false, nil
	}
	data, err := b.Links.Open(sealed, entryUse)
	if err != nil {
		return m, false, nil
	}
	var e entry
	if err := json.Unmarshal(data, &e); err != nil {
		return m, false, nil
	}
	c, err := b.Store.Conversation(ctx, e.User)
	if err != nil {
		return m, false, fmt.Errorf("opening a one-time page: %w", err)
	}
	asked := conversation.NewSecret(e.Token)
	open := c.Page.Entry != nil && asked.Equal(conversation.NewSecret(c.Page.Token)) && b.Now().Before(c.Page.Entry.Expires)
	follows := c.Entered != "" && asked.Equal(conversation.NewSecret(c.Entered))
	if c.ID == "" || !open && !follows {
		return m, false, nil
	}
	m = Outgoing{User: c.User, Address: c.Address, Locale: c.Locale, State: c.State, Page: c.Page}
	m.Link, err = b.link(c)
	return m, err == nil, err
}
