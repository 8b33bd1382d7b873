package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"

	people "resetbot/adapters/directory/demo"
	"resetbot/adapters/numberplan"
	"resetbot/adapters/password"
	"resetbot/adapters/seal"
	"resetbot/adapters/store/bolt"
	"resetbot/adapters/store/memory"
	phone "resetbot/adapters/verification/demo"
	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// parts are what a bot is made of, but for its store and its chats.
type parts struct {
	config  config
	words   *words.Words
	plan    *numberplan.Plan
	rules   *password.Rules
	painter bot.Painter
	people  *people.Directory
	phone   *phone.Phone
	mail    bot.Notifier
	alarms  bot.Alarms // nil: the log alone
}

// openParts makes the parts that c asks for. Whatever is wrong with them is
// told at once. Texts that the program brings itself lie below the operator's.
func openParts(c config, texts ...words.Override) (p *parts, err error) {
	p = &parts{config: c}
	faults := []error{p.openWords(texts)}
	if p.plan, err = numberplan.New(numberplan.Options{Region: c.Countries[0], Countries: c.Countries}); err != nil {
		faults = append(faults, err)
	}
	faults = append(faults, p.openRules())
	if p.painter, err = newPainter(); err != nil {
		faults = append(faults, err)
	}
	if p.people, err = people.Open(c.Directory.File, people.Options{State: c.Directory.State}); err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	if p.phone, err = phone.Open(c.Directory.Telephones, p.telephone()); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	if err := p.openNotices(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *parts) openRules() error {
	c := p.config
	breached, err := openBreached(c.Breached)
	if err != nil {
		return err
	}
	p.rules, err = password.New(password.Options{
		Min: c.Policy.PasswordMin, Max: c.Policy.PasswordMax, Banned: c.Banned, Breached: breached,
		Organisation: append([]string{c.Organisation.Name}, c.Organisation.Domains...),
	})
	if err != nil {
		return fmt.Errorf("reading the password rules: %w", err)
	}
	return nil
}

func (p *parts) openWords(texts []words.Override) error {
	c := p.config
	own, err := c.Texts.read()
	if err != nil {
		return err
	}
	o := words.Options{
		Organisation: c.Organisation.Name, Domains: c.Organisation.Domains, Desk: c.Organisation.Desk,
		Overrides: append(texts, own...),
	}
	if o.Places, err = c.places(); err != nil {
		return err
	}
	if c.Chats.Web.There && c.PublicURL != "" {
		o.WebChat = c.PublicURL + c.Chats.Web.Path
	}
	p.words, err = words.New(o)
	return err
}

func (t ownTexts) read() (list []words.Override, err error) {
	for locale, files := range map[string][]string{words.Dutch: t.Dutch, words.English: t.English} {
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("reading the texts: %w", err)
			}
			list = append(list, words.Override{Locale: locale, Name: name, Text: text})
		}
	}
	return list, nil
}

// places are the audiences who are told something else than everybody.
func (c config) places() (map[string]words.Place, error) {
	places := map[string]words.Place{}
	for _, w := range c.Chats.Slack.Workspaces {
		own, err := w.Texts.read()
		if err != nil {
			return nil, err
		}
		place := words.Place{Domains: w.Domains, Overrides: own}
		if w.OwnDesk {
			desk := w.Desk
			desk.Emergency = c.Organisation.Desk.Emergency
			place.Desk = &desk
		}
		places[w.TeamID] = place
	}
	return places, nil
}

// telephone says in our own words what comes on the telephones.
func (p *parts) telephone() phone.Options {
	return phone.Options{
		Numbers: p.plan, Now: wallClock,
		Text: func(c bot.Challenge) string {
			now, asked := wallClock(), words.Asked{Locale: c.Locale, Chat: c.Chat, Goal: c.Goal}
			switch c.Method {
			case conversation.SMS:
				return p.words.SMS(asked, c.Code, c.Expires, now).Reveal()
			case conversation.Call:
				return p.words.Call(asked, c.WithDigits, now).Ask
			}
			title, body := p.words.Push(asked, now)
			return title + "\n" + body
		},
		Notice: func(t bot.Telling) (mail, text string) {
			letter := p.letter(t)
			return letter.Subject + "\n\n" + strings.Join(letter.Body, "\n\n"), letter.Short
		},
	}
}

// Close lets go of all files.
func (p *parts) Close() error {
	var err error
	if p.phone != nil {
		err = p.phone.Close()
	}
	if p.people != nil {
		err = errors.Join(err, p.people.Close())
	}
	return err
}

// store keeps everything.
type store interface {
	bot.Store
	bot.Limiter
	bot.Authenticators
	Installations() bot.Installations
	Keys() *seal.Keys
}

// volatile is a store that dies with the process, as do its keys.
type volatile struct {
	*memory.Store
	keys *seal.Keys
}

func (v volatile) Keys() *seal.Keys { return v.keys }

func openStore(c config) (store, error) {
	if c.Store.Type == inMemory {
		keys := seal.New()
		return volatile{memory.New(keys.Audit()), keys}, nil
	}
	return bolt.Open(bolt.Options{Path: c.Store.Path, KeysFile: c.KeysFile})
}

// headFile is where the audit's head is kept outside the store; nowhere for a
// store that cannot be put back.
func (c config) headFile() string {
	if c.Store.Type == inMemory {
		return ""
	}
	return c.KeysFile + ".head"
}

// bot makes the bot of these parts; metrics may be nil.
func (p *parts) bot(
	s store, f front, metrics *bot.Metrics, log *slog.Logger,
) (*bot.Bot, error) {
	policy := p.config.Policy
	tune(&policy)
	keys := s.Keys()
	authenticators := p.people.Authenticators(s)
	enroller, err := totp.NewEnroller(p.config.Organisation.Name, wallClock)
	if err != nil {
		return nil, err
	}
	channels := p.channels()
	maps.Copy(channels, f.channels)
	c := bot.Config{
		Wizard: &conversation.Wizard{Policy: policy, Keys: keys.Wizard(), Numbers: p.plan, Rules: p.rules},
		Words:  p.words, Store: s, Limiter: s, Directory: p.directory(),
		Authenticators: authenticators, Enroller: enroller,
		Verifiers: p.verifiers(totp.Options{Authenticators: authenticators, WaitingTime: policy.WaitingTime, Now: wallClock}),
		Channels:  channels, Alarms: p.alarms, Painter: p.painter, Chats: f.chats,
		AuditKey: keys.Audit(), HeadFile: p.config.headFile(),
		Links: keys.Sealer("links"), PublicURL: p.config.PublicURL,
		Budget: map[conversation.Method]bot.Budget{
			conversation.SMS: p.config.Budget.SMS, conversation.Call: p.config.Budget.Call,
		},
		PerNumber: p.config.Budget.Number,
		Metrics:   metrics, Log: log, Now: wallClock,
	}
	compose(&c)
	return bot.New(c)
}

// verifiers are those that somebody serves.
func (p *parts) verifiers(app totp.Options) map[conversation.Method]bot.Verifier {
	served := map[conversation.Method]bot.Verifier{}
	for method, by := range map[conversation.Method]struct {
		provider provider
		verifier bot.Verifier
	}{
		conversation.SMS:  {p.config.Verification.SMS, p.phone.SMS()},
		conversation.Call: {p.config.Verification.Call, p.phone.Call()},
		conversation.Push: {p.config.Verification.Push, p.phone.Push()},
		conversation.Code: {p.config.Verification.TOTP, totp.New(app)},
	} {
		if by.provider != nobody {
			served[method] = by.verifier
		}
	}
	return served
}

// directory is the people's, with what RESETBOT_DEMO_FAULT has go wrong: so
// that one can see for oneself what happens when a directory does not answer.
func (p *parts) directory() bot.Directory {
	return people.WithFaults(p.people, faults(os.Getenv("RESETBOT_DEMO_FAULT")))
}

// faults reads the fault that a demo is to have.
func faults(name string) func(string) people.Fault {
	return func(op string) people.Fault {
		switch {
		case name == "lost" && op == people.OpReset:
			return people.Fault{AnswerLost: true} // written, and nobody says so
		case name == "unwritten" && op == people.OpReset:
			return people.Fault{Lost: true} // not written, and nobody says so
		case name == "down":
			return people.Fault{Unreachable: true}
		}
		return people.Fault{}
	}
}

// person finds one of the people by any name.
func (p *parts) person(name string) (people.Person, error) {
	for _, person := range p.people.People() {
		for _, n := range []string{person.UPN, person.Mail, person.Account, string(person.ID)} {
			if n != "" && (n == name || local(n) == name) {
				return person, nil
			}
		}
	}
	return people.Person{}, fmt.Errorf("nobody here is called %q", name)
}

func local(name string) string {
	before, _, _ := strings.Cut(name, "@")
	return before
}

// number is what a person's telephone is known by: its number, or the person's
// name where they have none.
func (p *parts) number(person people.Person) string {
	return cmp.Or(p.e164(person.Mobile), person.UPN)
}
