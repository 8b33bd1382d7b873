package words

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"resetbot/conversation"
)

// What is said outside a chat: text messages, calls, notifications, letters to
// the owner of an account.

// smsParts is how many parts a text message may have: each is paid for, and
// with more of them one is more easily lost.
const smsParts = 2

// codeAfter is how many characters of a text message come before the code, so
// that a locked screen's preview does not show it.
const codeAfter = 40

// Asked is what a text message, a call or a notification is about.
type Asked struct {
	Locale string
	Chat   string // from where it is asked
	Goal   conversation.Goal
}

func (a Asked) values(s *speaker) values {
	return values{speaker: s, Chat: s.chat(a.Chat), Enrol: a.Goal == conversation.ToEnrol}
}

// SMS is the text message with a one-time code: who asks, from which chat,
// whom to call if it was somebody else, that nobody may have the code, and then
// the code as "123 456". expires is when the code ends (zero: not told). At most two parts, in the alphabet of text messages.
func (w *Words) SMS(a Asked, code conversation.Secret, expires, now time.Time) conversation.Secret {
	return w.speaker(a.Locale, now).sms(a, code.Reveal(), expires)
}

func (s *speaker) sms(a Asked, code string, expires time.Time) conversation.Secret {
	v := a.values(s)
	v.Code, v.at, v.brief = grouped(plain(code)), expires, true
	return conversation.NewSecret(forSMS(s.line("sms.code", v)))
}

// proveSMS refuses a text that would be too long, or would begin with the code.
func (s *speaker) proveSMS() error {
	for id := range s.ids[s.locale] {
		chat, ok := strings.CutPrefix(id, "chat.")
		if !ok {
			continue
		}
		for _, goal := range []conversation.Goal{conversation.ToReset, conversation.ToEnrol} {
			text := s.sms(Asked{Chat: chat, Goal: goal}, "123456", s.now.Add(5*time.Minute)).Reveal()
			if err := proveText(text); err != nil {
				return err
			}
		}
	}
	return nil
}

func proveText(text string) error {
	switch at := len([]rune(text[:max(strings.Index(text, "123 456"), 0)])); {
	case !strings.Contains(text, "123 456"):
		return errors.New("there is no {{.Code}} in it")
	case at < codeAfter:
		return fmt.Errorf("the code comes after %d characters, before %d a locked screen shows it", at, codeAfter)
	case segments(text) > smsParts:
		return fmt.Errorf("it takes %d parts, where %d are allowed", segments(text), smsParts)
	}
	return nil
}

// grouped writes six digits as people read them aloud.
func grouped(code string) string {
	if len(code) != 6 {
		return code
	}
	return code[:3] + " " + code[3:]
}

// Speech is what a telephone call says, for a voice to read aloud.
type Speech struct {
	Ask   string // who asks, and what to press
	Again string // after a key that was not understood
	Right string // after the right one
	Wrong string // before hanging up
}

// Call is what a telephone call says. With digits it asks for the two on the
// person's screen, else for # alone.
func (w *Words) Call(a Asked, digits bool, now time.Time) Speech {
	s := w.speaker(a.Locale, now)
	ask := "call.ask"
	if digits {
		ask = "call.ask_digits"
	}
	return Speech{
		Ask:   s.line(ask, a.values(s)),
		Again: s.word("call.again"), Right: s.word("call.right"), Wrong: s.word("call.wrong"),
	}
}

// Push is the text of a notification: its title, and what stands below.
func (w *Words) Push(a Asked, now time.Time) (title, body string) {
	s := w.speaker(a.Locale, now)
	v := a.values(s)
	return s.line("push.title", v), s.line("push.body", v)
}

// Alarm says in one sentence what those who watch over the service should look
// at.
func (w *Words) Alarm(locale string, n conversation.Notice, now time.Time) string {
	s := w.speaker(locale, now)
	id := "alarm." + n.Alarm
	if !s.has(id) {
		id = "alarm.unknown"
	}
	v := values{speaker: s, Receipt: plain(n.Receipt), Reason: plain(n.Alarm)}
	v.Word = s.line(id, v)
	return s.line("alarm.text", v)
}

// Recipient is who gets a letter.
type Recipient struct {
	Name string // whose account it is, "M. de Vries"
	Link string // to the page "this was not me"; empty where there is none
	// Outside is set for somebody who is not the owner: a manager, the security
	// officers. They get no link.
	Outside bool
}

// Letter is what somebody is told about an account, for mail, a chat or a text
// message.
type Letter struct {
	Subject string
	Body    []string // paragraphs
	Short   string   // all of it in a text message; at most two parts unless the link is long
}

// Letter writes what n tells. An error says that there is no such message; the
// letter then still says that something happened to the account.
func (w *Words) Letter(n conversation.Notice, to Recipient, now time.Time) (Letter, error) {
	s := w.speaker(n.Locale, now)
	id := string(n.Message)
	if !strings.HasPrefix(id, "owner.") || !s.has(id+".subject") {
		s.faults = append(s.faults, fmt.Errorf("telling an owner: no message %q", n.Message))
		id = string(conversation.TellProved)
	}
	v := values{
		speaker: s, Receipt: plain(n.Receipt), Name: plain(to.Name), Chat: s.chat(n.Chat), happened: n.At,
	}
	subject, parts := id+".subject", []string{"owner.greeting", id + ".body", id + ".self", "owner.not_me"}
	if to.Outside {
		subject, parts = id+".outside", []string{
			"owner.outside_greeting", id + ".body",
			"owner.outside_not_me",
		}
	} else {
		v.Link = whole(to.Link)
	}
	v.Subject = s.line(subject, v)
	l := Letter{Subject: v.Subject}
	for _, part := range parts {
		l.Body = append(l.Body, s.paragraphs(part, v)...)
	}
	v.brief = true
	l.Short = forSMS(s.line("owner.short", v))
	return l, s.err()
}
