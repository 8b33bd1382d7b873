package demo

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"resetbot/bot"
	"resetbot/conversation"
)

// Mail brings mail: the owner's own, work or private, to their telephone; that
// of anybody else to a telephone that is known by their address.
func (p *Phone) Mail() bot.Notifier { return teller{p, KindMail} }

// Text brings text messages to the owner. Telling.To is a number in E.164.
func (p *Phone) Text() bot.Notifier { return teller{p, KindSMS} }

type teller struct {
	phone *Phone
	kind  Kind
}

// Tell brings a notice, to each address once however often it is asked.
func (v teller) Tell(ctx context.Context, t bot.Telling) (conversation.DeliveryResult, error) {
	p := v.phone
	r := record{
		Entry: Entry{Kind: v.kind, Number: cmp.Or(p.e164(t.Owner.Mobile), t.Owner.UPN), State: Received},
		Owner: t.Owner.UPN, About: t.Notice.ID,
	}
	if t.Outside {
		r.Number, r.Owner = t.To, ""
	}
	mail, text := p.o.Notice(t)
	r.Text = text
	if v.kind == KindMail {
		r.Text, r.To = mail, t.To
	}
	err := p.deliver(ctx, r, func(b *book) bool {
		for _, before := range b.about(v.kind, t.Notice.ID) {
			if before.To == r.To {
				return false
			}
		}
		return true
	})
	if err != nil {
		return conversation.Later, fmt.Errorf("telling %s: %w", t.Owner.ID, err)
	}
	return conversation.Delivered, nil
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
