package main

import (
	"cmp"
	"fmt"
	"log/slog"

	"resetbot/adapters/mail"
	"resetbot/adapters/webhook"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// openNotices makes what owners are told by, and who takes alarms. Without a
// mail server, mail comes on the fake telephone.
func (p *parts) openNotices() error {
	p.mail = p.phone.Mail()
	if m := p.config.Notices.Mail; m.There {
		server, err := mail.New(mail.Options{
			Host: m.Host, Port: m.Port, TLS: m.TLS, From: m.From, Name: p.config.Organisation.Name,
			User: m.User, Password: m.Password, Letter: p.letter,
		})
		if err != nil {
			return fmt.Errorf("notices.mail: %w", err)
		}
		p.mail = server
	}
	if a := p.config.Notices.Alarms; a.There {
		hook, err := webhook.New(webhook.Options{URL: a.URL, Secret: a.Secret, Text: p.alarm})
		if err != nil {
			return fmt.Errorf("notices.alarms: %w", err)
		}
		p.alarms = hook
	}
	return nil
}

// channels are all ways to tell of what happened to an account: its own mail
// and telephone, and what the two do not control. Their names are kept with
// what was told, and counted.
func (p *parts) channels() map[string]bot.Channel {
	channels := map[string]bot.Channel{
		"mail": {Notifier: p.mail, To: func(a bot.Account) string { return cmp.Or(a.Mail, a.UPN) }},
		"text": {Notifier: p.phone.Text(), To: func(a bot.Account) string { return p.e164(a.Mobile) }},
	}
	for i, who := range p.config.Notices.Outside {
		switch who {
		case privateMail:
			channels["private_mail"] = bot.Channel{
				Notifier: p.mail, To: func(a bot.Account) string { return a.PrivateMail },
			}
		case manager:
			channels["manager"] = bot.Channel{
				Notifier: p.mail, To: func(a bot.Account) string { return a.Manager }, Outside: true,
			}
		default:
			channels["outside_"+string(rune('a'+i))] = bot.Channel{
				Notifier: p.mail, To: func(bot.Account) string { return string(who) }, Outside: true,
			}
		}
	}
	return channels
}

// letter is what somebody is told.
func (p *parts) letter(t bot.Telling) words.Letter {
	to := words.Recipient{Name: t.Owner.Display, Link: t.Link, Outside: t.Outside}
	letter, err := p.words.Letter(t.Notice, to, wallClock())
	if err != nil {
		slog.Error("writing a letter", "what", t.Notice.Message, "error", err)
	}
	return letter
}

// alarm is said in Dutch: whoever watches over a Dutch hospital reads it.
func (p *parts) alarm(n conversation.Notice) string {
	return p.words.Alarm(words.Dutch, n, wallClock())
}

// e164 reads a number of the directory; empty if it cannot be reached.
func (p *parts) e164(mobile string) string {
	number, fault := p.plan.Read(mobile)
	if fault != "" {
		return ""
	}
	return number
}
