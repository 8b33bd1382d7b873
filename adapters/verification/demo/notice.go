package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"resetbot/bot"
	"resetbot/conversation"
)

var _ bot.Notifier = (*Phone)(nil)

// Tell brings the owner a mail and, if they have a telephone, a text message,
// each once however often it is asked.
func (p *Phone) Tell(ctx context.Context, owner bot.Account, n conversation.Notice, link string) error {
	number := p.e164(owner.Mobile)
	once := func(kind Kind, text string) error {
		r := record{
			Entry: Entry{Kind: kind, Text: text, Number: cmp.Or(number, owner.UPN), State: Received},
			Owner: owner.UPN,
			About: n.ID,
		}
		return p.deliver(ctx, r, func(b *book) bool { return len(b.about(kind, n.ID)) == 0 })
	}
	mail, text := p.o.Notice(owner, n, link)
	err := once(KindMail, mail)
	if number != "" {
		err = errors.Join(err, once(KindSMS, text))
	}
	if err != nil {
		return fmt.Errorf("telling %s: %w", owner.ID, err)
	}
	return nil
}

// e164 reads a number of the directory; empty if it cannot be reached.
func (p *Phone) e164(mobile string) string {
	if p.o.Numbers == nil {
		return strings.ReplaceAll(mobile, " ", "")
	}
	number, fault := p.o.Numbers.Read(mobile)
	if fault != "" {
		return ""
	}
	return number
}
