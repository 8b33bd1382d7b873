package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"resetbot/adapters/captcha"
	people "resetbot/adapters/directory/demo"
	"resetbot/adapters/numberplan"
	"resetbot/adapters/password"
	"resetbot/adapters/store/bolt"
	phone "resetbot/adapters/verification/demo"
	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// The made-up hospital.
const (
	organisation = "Ziekenhuis Rijnzicht"
	domain       = "rijnzicht.example"
)

func desk() (words.Desk, error) {
	hours, err := words.ParseHours("ma-vr 7.30-17.00")
	return words.Desk{
		Name: "de servicedesk ICT", Phone: "071 000 00 00", URL: "https://servicedesk." + domain,
		Hours:   hours,
		Outside: words.Outside{Phone: "071 000 00 01", Who: "de nachtcoördinator"},
	}, err
}

// inEnglish is what the desk is called by who speaks no Dutch.
const inEnglish = "desk.name: the ICT service desk\ndesk.who: the night coordinator\n"

// What tests of the whole program change: they cannot read a captcha, and
// have no time to wait.
var (
	newPainter = func() (bot.Painter, error) { return captcha.New() }
	tune       = func(*conversation.Policy) {}
)

// folder is where everything of a demo is kept.
type folder string

// defaultFolder is in the user's own cache, so that nothing lies about and a
// second window finds it.
func defaultFolder() folder {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return folder(filepath.Join(dir, "resetbot", "demo"))
}

func (f folder) path(name string) string { return filepath.Join(string(f), name) }
func (f folder) store() bolt.Options {
	return bolt.Options{Path: f.path("resetbot.db"), KeysFile: f.path("resetbot.key")}
}
func (f folder) head() string { return f.path("resetbot.key.head") }

func (f folder) make() error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("making the folder of the demo: %w", err)
	}
	return nil
}

// withStore opens the store of a folder that has one; it makes none.
func (f folder) withStore(use func(*bolt.Store) error) error {
	if _, err := os.Stat(f.store().Path); err != nil {
		return fmt.Errorf("there is no store in %s: name its folder with --data", f)
	}
	store, err := bolt.Open(f.store())
	if err != nil {
		return err
	}
	return errors.Join(use(store), store.Close())
}

// world is the made-up hospital: its people, their telephones, their clock.
type world struct {
	folder  folder
	people  *people.Directory
	phone   *phone.Phone
	words   *words.Words
	plan    *numberplan.Plan
	rules   *password.Rules
	painter bot.Painter
	closes  []func() error
}

// openWorld opens what lies in a folder, and makes what is not there. Several
// processes may have it open; the store is no part of it.
func openWorld(f folder, peopleFile string) (w *world, err error) {
	if err := f.make(); err != nil {
		return nil, err
	}
	w = &world{folder: f}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	if err := w.openTexts(); err != nil {
		return w, err
	}
	if w.plan, err = numberplan.New(numberplan.Options{Region: "NL", Countries: []string{"NL", "BE", "DE"}}); err != nil {
		return w, err
	}
	if w.rules, err = password.New(password.Options{Organisation: []string{organisation, domain}}); err != nil {
		return w, fmt.Errorf("reading the password rules: %w", err)
	}
	if w.painter, err = newPainter(); err != nil {
		return w, err
	}
	state := people.Options{State: f.path("people.yaml.state")}
	if peopleFile != "" {
		state.State = "" // beside the file
	}
	if w.people, err = people.Open(peopleFile, state); err != nil {
		return w, err
	}
	w.closes = append(w.closes, w.people.Close)
	if w.phone, err = phone.Open(f.path("telephones.json"), w.telephone()); err != nil {
		return w, err
	}
	w.closes = append(w.closes, w.phone.Close)
	return w, nil
}

func (w *world) openTexts() error {
	d, err := desk()
	if err != nil {
		return err
	}
	w.words, err = words.New(words.Options{
		Organisation: organisation, Domains: []string{domain}, Desk: d,
		Overrides: []words.Override{{Locale: words.English, Name: "demo", Text: []byte(inEnglish)}},
	})
	return err
}

// telephone says in our own words what comes on the telephones.
func (w *world) telephone() phone.Options {
	return phone.Options{
		Numbers: w.plan,
		Text: func(c bot.Challenge) string {
			now := time.Now()
			switch c.Method {
			case conversation.SMS:
				return w.words.SMS(c.Locale, c.Chat, c.Code, c.Expires, now).Reveal()
			case conversation.Call:
				return w.words.Call(c.Locale, c.Chat, c.WithDigits, now).Ask
			}
			title, body := w.words.Push(c.Locale, c.Chat, now)
			return title + "\n" + body
		},
		Notice: func(a bot.Account, n conversation.Notice) (mail, text string) {
			letter, err := w.words.Letter(n, words.Recipient{Name: a.Display}, time.Now())
			if err != nil {
				slog.Error("writing a letter", "what", n.Message, "error", err)
			}
			return letter.Subject + "\n\n" + strings.Join(letter.Body, "\n\n"), letter.Short
		},
	}
}

// Close closes everything, in the opposite order of opening.
func (w *world) Close() error {
	var err error
	for i := len(w.closes) - 1; i >= 0; i-- {
		err = errors.Join(err, w.closes[i]())
	}
	return err
}

// bot makes the bot of this hospital. The waiting time is nought here, so that
// what was just enrolled can be tried at once; production waits 72 hours.
func (w *world) bot(store *bolt.Store, chats map[string]bot.Chat, log *slog.Logger) (*bot.Bot, error) {
	policy := conversation.DefaultPolicy()
	policy.Organisation, policy.Domains = organisation, []string{domain}
	policy.WaitingTime = 0
	tune(&policy)
	authenticators := w.people.Authenticators(store)
	return bot.New(bot.Config{
		Wizard: &conversation.Wizard{
			Policy: policy, Keys: store.Keys().Wizard(), Numbers: w.plan, Rules: w.rules,
		},
		Words: w.words, Store: store, Limiter: store, Directory: w.directory(), Authenticators: authenticators,
		Verifiers: map[conversation.Method]bot.Verifier{
			conversation.SMS: w.phone.SMS(), conversation.Call: w.phone.Call(), conversation.Push: w.phone.Push(),
			conversation.Code: totp.New(totp.Options{Authenticators: authenticators, WaitingTime: policy.WaitingTime}),
		},
		Notifier: w.phone, Painter: w.painter, Chats: chats,
		AuditKey: store.Keys().Audit(), HeadFile: w.folder.head(),
		Budget: map[conversation.Method]conversation.Limit{
			conversation.SMS:  {N: 200, Window: time.Hour},
			conversation.Call: {N: 100, Window: time.Hour},
		},
		Log: log,
	})
}

// directory is the people's, with what RESETBOT_DEMO_FAULT has go wrong: so
// that one can see for oneself what happens when a directory does not answer.
func (w *world) directory() bot.Directory {
	return people.WithFaults(w.people, faults(os.Getenv("RESETBOT_DEMO_FAULT")))
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

// person finds somebody of the hospital by any name.
func (w *world) person(name string) (people.Person, error) {
	for _, p := range w.people.People() {
		for _, n := range []string{p.UPN, p.Mail, p.Account, string(p.ID)} {
			if n != "" && (n == name || local(n) == name) {
				return p, nil
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
func (w *world) number(p people.Person) string {
	e164, fault := w.plan.Read(p.Mobile)
	if fault != "" {
		e164 = ""
	}
	return cmp.Or(e164, p.UPN)
}
