package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"resetbot/adapters/chat/web"
	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// demoCommand is everything at once in a browser, with nothing configured.
func demoCommand() *cobra.Command {
	var data, at string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try it in a browser: a made-up hospital, the chat, and a fake telephone beside it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), folder(data), at, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultFolder().path("web"), "folder in which the demo keeps everything")
	cmd.Flags().StringVar(&at, "listen", "127.0.0.1:3978", "address of the page; for this machine alone")
	return cmd
}

// demo serves until ctx ends. It prints the address of its page.
func demo(ctx context.Context, f folder, at string, out, errs io.Writer) (err error) {
	if err := f.make(); err != nil {
		return err
	}
	c, err := f.config("")
	if err != nil {
		return err
	}
	s := &service{
		registry: prometheus.NewRegistry(), chats: demoChats,
		log:   slog.New(slog.NewJSONHandler(errs, &slog.HandlerOptions{Level: slog.LevelWarn})),
		texts: []words.Override{{Locale: words.English, Name: "demo", Text: []byte(inEnglish)}},
	}
	if s.public, err = listen("--listen", at); err != nil {
		return err
	}
	defer func() { _ = s.public.Close() }() // the server has closed it, if it got that far
	if s.admin, err = listen("admin", "127.0.0.1:0"); err != nil {
		return err
	}
	defer func() { _ = s.admin.Close() }()
	c.Chats.Web.There, c.PublicURL = true, "http://"+reached(at, s.public)
	s.config = c
	s.opened = func() error {
		_, err := fmt.Fprintf(out, "Open %s/demo in a browser on this machine. Ctrl-C ends it.\n", c.PublicURL)
		return err
	}
	return s.open(ctx)
}

// demoChats are the web chat, a second one in which a person is known as Teams
// would prove it, and the page that shows the first beside a telephone.
func demoChats(p *parts, log *slog.Logger) (front, error) {
	o := web.Options{
		Words: p.words, PublicURL: p.config.PublicURL, Log: log, Framed: true,
	}
	chat, err := web.New(o)
	if err != nil {
		return front{}, err
	}
	teams, err := web.NewDemoTeams(o, p.teams)
	if err != nil {
		return front{}, err
	}
	held := &apps{scanned: map[string]conversation.Secret{}}
	page, err := web.NewDemo(web.DemoOptions{
		Words: p.words, Chat: chat, Organisation: organisation, People: p.cast, Code: held.code, Scan: held.scan, Log: log,
	})
	if err != nil {
		return front{}, err
	}
	return front{
		chats:   map[string]bot.Chat{web.Name: chat, "teams": teams},
		handler: chat, home: "/demo",
		more: map[string]http.Handler{"/demo": page, "/demo/app/": page, "/demo/teams": teams, "/demo/teams/": teams},
		open: func(b *bot.Bot) {
			held.enrolled = b.Authenticators // before anything is served
			chat.SetBot(b)
			teams.SetBot(b)
		},
		close: func() {
			chat.Close()
			teams.Close()
		},
	}, nil
}

// cast are the people who can be played.
func (p *parts) cast() []web.DemoPerson {
	var cast []web.DemoPerson
	for _, person := range p.people.People() {
		cast = append(cast, web.DemoPerson{
			ID: string(person.ID), Name: person.Display, User: person.UPN, Number: p.number(person),
			Mobile: person.Mobile, Teams: len(p.teams(string(person.ID))) > 0, Password: person.Password.Reveal(),
		})
	}
	return cast
}

// teams are the accounts that Teams would prove somebody to be.
func (p *parts) teams(id string) []conversation.Bound {
	for _, person := range p.people.People() {
		if ids := person.Chat["teams"]; string(person.ID) == id && len(ids) > 0 {
			return p.people.Bound("teams", ids[0])
		}
	}
	return nil
}

// apps are the authenticator apps on the made-up telephones: each holds the key
// that was scanned last, else the one that was enrolled last. What was scanned
// is forgotten with the process, as an app that was never confirmed should be.
type apps struct {
	enrolled bot.Authenticators
	mu       sync.Mutex
	scanned  map[string]conversation.Secret // by the account's id
}

// code is what somebody's app shows.
func (a *apps) code(id string) (code string, left time.Duration, ok bool) {
	key := a.key(id)
	if key.Empty() {
		return "", 0, false
	}
	now := time.Now()
	c, err := totp.Code(key, now)
	return c.Reveal(), now.Truncate(30 * time.Second).Add(30 * time.Second).Sub(now), err == nil
}

func (a *apps) key(id string) conversation.Secret {
	a.mu.Lock()
	scanned, ok := a.scanned[id]
	a.mu.Unlock()
	if ok {
		return scanned
	}
	list, err := a.enrolled.Enrolled(context.Background(), conversation.AccountID(id))
	if err != nil || len(list) == 0 {
		return conversation.Secret{}
	}
	return list[len(list)-1].Secret
}

// scan takes a key as people copy it, or the address of a QR code.
func (a *apps) scan(id string, typed conversation.Secret) bool {
	if u, err := url.Parse(strings.TrimSpace(typed.Reveal())); err == nil && u.Scheme == "otpauth" {
		typed = conversation.NewSecret(u.Query().Get("secret"))
	}
	if _, err := totp.Code(typed, time.Now()); err != nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scanned[id] = typed
	return true
}
