package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"resetbot/adapters/captcha"
	"resetbot/adapters/chat/slack"
	"resetbot/adapters/chat/teams"
	"resetbot/adapters/store/bolt"
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

// What tests of the whole program change: they cannot read a captcha, have no
// time to wait, kill the program on purpose, and set its clock.
var (
	newPainter = func() (bot.Painter, error) { return captcha.New() }
	tune       = func(*conversation.Policy) {}
	tuneTeams  = func(*teams.Options) {}
	tuneSlack  = func(*slack.Options) {}
	compose    = func(*bot.Config) {} // the parts, before a bot is made of them
	wallClock  = time.Now
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

// world is the made-up hospital, and the folder that it is kept in.
type world struct {
	*parts
	folder folder
}

// openWorld opens what lies in a folder, and makes what is not there. Several
// processes may have it open; the store is no part of it.
func openWorld(f folder, peopleFile string) (*world, error) {
	if err := f.make(); err != nil {
		return nil, err
	}
	c, err := f.config(peopleFile)
	if err != nil {
		return nil, err
	}
	p, err := openParts(c, words.Override{Locale: words.English, Name: "demo", Text: []byte(inEnglish)})
	if err != nil {
		return nil, err
	}
	return &world{parts: p, folder: f}, nil
}

// config is what the made-up hospital would have decided. The waiting time is
// nought here, so that what was just enrolled can be tried at once; production
// waits 72 hours. And whoever sits at this machine is one asker, who tries
// everybody.
func (f folder) config(peopleFile string) (config, error) {
	d, err := desk()
	if err != nil {
		return config{}, err
	}
	c := defaultConfig(string(f))
	c.Organisation = organisationConfig{Name: organisation, Domains: []string{domain}, Desk: d}
	c.Countries = []string{"NL", "BE", "DE"}
	c.Policy.WaitingTime = 0
	c.Policy.BegunAsker.N, c.Policy.Accounts.N, c.Policy.Begun.N = 500, 50, 50
	c.Budget.Number.N = 500
	c.Directory.Type, c.Directory.File = madeUp, peopleFile
	c.complete()
	c.Directory.Telephones = f.path("telephones.json")
	return c, nil
}
