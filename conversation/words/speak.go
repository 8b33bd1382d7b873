package words

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"

	"resetbot/conversation"
)

// speaker says sentences in one language at one moment. It notes what it
// could not say, so that a page is always shown and the gap is still reported.
type speaker struct {
	*Words
	locale  string
	now     time.Time
	proving bool // quoted sentences are not looked up
	faults  []error
}

func (w *Words) speaker(locale string, now time.Time) *speaker {
	return &speaker{Words: w, locale: Locale(locale), now: now.In(w.location)}
}

func (s *speaker) err() error { return errors.Join(s.faults...) }

func (s *speaker) has(id string) bool { return s.ids[s.locale][id] }

// say fills a sentence in. A sentence that is missing is empty.
func (s *speaker) say(id string, data any) string {
	return s.localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: data})
}

// count says a number of things: "1 minuut", "2 minuten".
func (s *speaker) count(id string, n int) string {
	return s.localize(&i18n.LocalizeConfig{
		MessageID: id, PluralCount: n, TemplateData: struct{ Count int }{n},
	})
}

func (s *speaker) localize(c *i18n.LocalizeConfig) string {
	text, err := s.speak[s.locale].Localize(c)
	if err != nil {
		s.faults = append(s.faults, fmt.Errorf("saying %s in %s: %w", c.MessageID, s.locale, err))
	}
	return strings.TrimSpace(text)
}

// paragraphs says a text of several paragraphs; those that came out empty are
// left out.
func (s *speaker) paragraphs(id string, data any) []string {
	return split(s.say(id, data))
}

// split cuts a text at its blank lines; other line ends are blanks.
func split(text string) []string {
	var list []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if p := strings.Join(strings.Fields(paragraph), " "); p != "" {
			list = append(list, p)
		}
	}
	return list
}

// line says a text in one line.
func (s *speaker) line(id string, data any) string {
	return strings.Join(s.paragraphs(id, data), " ")
}

// word says what needs no arguments.
func (s *speaker) word(id string) string { return s.line(id, values{speaker: s}) }

// values are what a sentence can be filled in with. The fields are cleaned;
// the methods say sentences that other sentences quote, when they are asked.
type values struct {
	*speaker
	Receipt  string
	Name     string // whom the account belongs to
	Account  string // the one account that the chat proves, if there is just one
	Word     string // a sentence of the directory's own
	Digits   string
	Code     string
	Link     string
	Subject  string // of a letter
	Chat     string
	Reason   string
	Step     int // 1 or 2
	Length   int // of a password
	Captcha  bool
	Sound    bool // the captcha has a sound, too
	Call     bool // the number is asked for a call
	Over     bool // the conversation has ended
	Unlock   bool // the account is unlocked, the password stays
	Enrol    bool // an authenticator is enrolled
	Numbered bool // choices have numbers
	Guide    bool // a step of the guide: what happens, happens on Microsoft's page
	brief    bool // every character is paid for
	quoted   bool // the sentence stands within another one
	minutes  int
	left     int
	at       time.Time
	happened time.Time
	domain   string
	method   conversation.Method
}

// args cleans a page's or a note's arguments.
func (s *speaker) args(a conversation.Args) values {
	v := values{
		speaker: s, Name: plain(a.Name), Word: plain(a.Word), Digits: plain(a.Digits), domain: plain(a.Domain),
		Step: a.Step, Length: a.Length, Call: a.Method == conversation.Call,
		minutes: a.Minutes, left: a.Left, at: a.At, method: a.Method,
	}
	if len(a.Accounts) == 1 {
		v.Account = plain(a.Accounts[0])
	}
	if a.Reason != conversation.Eligible {
		v.Reason = s.reason(a.Reason)
	}
	return v
}

func (s *speaker) reason(r conversation.Reason) string {
	if id := "reason." + string(r); s.has(id) {
		return s.line(id, values{speaker: s})
	}
	s.faults = append(s.faults, fmt.Errorf("saying why: no reason %q", r))
	return s.line("reason.not_eligible", values{speaker: s})
}

// briefName is how much of the organisation's name fits a text message.
const briefName = 30

// Organisation is its name, or a word for it.
func (v values) Organisation() string {
	name := v.organisation
	if name == "" {
		name = v.quote("organisation")
	}
	if r := []rune(name); v.brief && len(r) > briefName {
		name = strings.TrimSpace(string(r[:briefName]))
	}
	return name
}

// Example is an address as the organisation has them.
func (v values) Example() string {
	domain := v.domain
	if domain == "" && len(v.domains) > 0 {
		domain = v.domains[0]
	}
	if domain == "" {
		return ""
	}
	return v.quote("example") + "@" + domain
}

// Endings are the domains of work addresses: "@a.example, @b.example of @c.example".
func (v values) Endings() string {
	list := slices.Clone(v.domains)
	if v.domain != "" && !slices.Contains(list, v.domain) {
		list = append(list, v.domain)
	}
	for i := range list {
		list[i] = "@" + list[i]
	}
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " " + v.quote("list.or") + " " + list[n-1]
	}
	return strings.Join(list, " ")
}

// WebChat is its address, empty without one.
func (v values) WebChat() string { return v.webChat }

// Unchanged says that nothing has changed.
func (v values) Unchanged() string { return v.quote("unchanged") }

// Authenticator says which app that is.
func (v values) Authenticator() string { return v.quote("authenticator") }

// Microsoft says where Microsoft's own page is.
func (v values) Microsoft() string { return v.quote("microsoft") }

// ways are what each way is called at the beginning of a sentence.
var ways = map[conversation.Method]string{
	conversation.SMS: "way.sms", conversation.Call: "way.call", conversation.Push: "way.push",
	conversation.Code: "way.code",
}

// Way is the way that a sentence is about.
func (v values) Way() string { return v.quote(cmp.Or(ways[v.method], "way.unknown")) }

// quote says a sentence within another one; within that one it quotes no
// further, lest an operator's text that quotes itself never ends.
func (v values) quote(id string) string {
	switch {
	case v.proving:
		return "x"
	case v.quoted:
		return ""
	}
	v.quoted = true
	return v.line(id, v)
}

// Minutes and Left are numbers with their noun: "3 minuten", "1 poging".
// They are empty for none.
func (v values) Minutes() string { return v.number("unit.minutes", v.minutes) }

// Left is how many tries are left.
func (v values) Left() string { return v.number("unit.tries", v.left) }

func (v values) number(id string, n int) string {
	if n <= 0 || v.proving {
		return strings.Repeat("x", min(max(n, 0), 1))
	}
	return v.count(id, n)
}

// At is when something can be done again, "morgen om 7.30 uur"; empty when
// that is not in the future. It is rounded up to the minute, so that nobody
// comes too early.
func (v values) At() string { return v.time("time.at.") }

// Until is the same moment without its preposition: "morgen 7.30 uur".
func (v values) Until() string { return v.time("time.until.") }

func (v values) time(form string) string {
	switch {
	case !v.at.After(v.now):
		return ""
	case v.proving:
		return "x"
	}
	return v.when(form, roundUp(v.at, time.Minute))
}

// Moment is when something happened, with its date.
func (v values) Moment() string {
	if v.proving {
		return "x"
	}
	return v.moment(v.happened)
}

// Wait is how long it still takes: seconds up to a minute and a half, then
// minutes.
func (v values) Wait() string {
	left := max(v.at.Sub(v.now), time.Second)
	switch {
	case v.proving:
		return "x"
	case left <= 90*time.Second:
		return v.count("unit.seconds", int(roundUpBy(left, time.Second)/time.Second))
	}
	return v.count("unit.minutes", int(roundUpBy(left, time.Minute)/time.Minute))
}

// The desk's own sentences.

// Desk says whether the service desk is open, who is there otherwise, and how
// to reach them.
func (v values) Desk() string { return v.about().all() }

// DeskOpen says whether it is open, and who is there otherwise.
func (v values) DeskOpen() string { return v.about().open }

// DeskCall says how to reach who is there.
func (v values) DeskCall() string { return v.about().call }

// DeskName is what it is called, in the middle of a sentence.
func (v values) DeskName() string { return v.about().name }

// DeskPhone is the number that is answered now; without one, what the desk is
// called: "bel de servicedesk".
func (v values) DeskPhone() string { return v.about().phone }

func (v values) about() reach {
	if v.proving {
		return reach{"x", "x", "x", "x"}
	}
	return v.atDesk()
}

// sampleTime is a Monday morning, when the person is told of the afternoon.
var sampleTime = time.Date(2026, time.November, 23, 7, 0, 0, 0, time.UTC)

func sampleValues(s *speaker) values {
	return values{
		speaker: s, Receipt: "x", Name: "x", Account: "x", Word: "x", Digits: "12", Code: "123 456", Link: "x",
		Subject: "x", Chat: "x", Reason: "x", Step: 2, Length: 16,
		Captcha: true, Sound: true, Call: true, Over: true, Unlock: true, Numbered: true, Guide: true,
		minutes: 2, left: 2, at: s.now.Add(time.Hour), happened: s.now, domain: "x",
	}
}

// chat is what a person calls the chat with that name.
func (s *speaker) chat(name string) string {
	if id := "chat." + name; s.has(id) {
		return s.word(id)
	}
	return s.word("chat.unknown")
}

// label is the text of a choice; some pages have words of their own for it.
func (s *speaker) label(page conversation.Page, choice conversation.Choice) string {
	if name, ok := ownAccount(page, choice); ok {
		return plain(name)
	}
	id := "choice." + string(choice)
	if own := id + "@" + string(page.ID); s.has(own) {
		return s.word(own)
	}
	if !s.has(id) {
		s.faults = append(s.faults, fmt.Errorf("labelling a button: no choice %q", choice))
		return plain(string(choice))
	}
	if choice == conversation.PickDesk && !s.now.IsZero() {
		return s.deskLabel()
	}
	return s.word(id)
}

// ownAccount is the account behind a choice of [conversation.PickOwn].
func ownAccount(page conversation.Page, choice conversation.Choice) (string, bool) {
	n, ok := strings.CutPrefix(string(choice), "own")
	if !ok {
		return "", false
	}
	i, err := strconv.Atoi(n)
	if err != nil || i < 0 || i >= len(page.Args.Accounts) {
		return "", false
	}
	return page.Args.Accounts[i], true
}
