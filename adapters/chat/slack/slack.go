// Package slack is the wizard in the direct messages of Slack, over HTTP or Socket
// Mode.
//
//	POST /slack/events         what a person typed, opened, and what becomes of the app
//	POST /slack/commands       /wachtwoord and /reset
//	POST /slack/interactions   what a person pressed or filled in
//	GET  /slack/install, /slack/oauth   a workspace installs the app
//
//	receive.go   which requests are believed; socket.go the same over Socket Mode
//	event.go     what they mean to the bot
//	dialog.go    forms, and the way to the one-time page
//	who.go       who is there, and who is not served
//	send.go      which message a page becomes, and what becomes of the one before it
//	files.go     the picture and the sound of a captcha
//	team.go      workspaces and their tokens; install.go how they get here
//	blocks.go    a page in Block Kit; pure, as is modal.go
//
// github.com/slack-go/slack speaks the protocol. Its loop over Socket Mode is ours:
// the library's starts a goroutine for each event, which keeps no order and ends the
// process when it panics.
package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// Name is the chat's name in conversation.User.
const Name = "slack"

// Bot is what this package needs of a *bot.Bot.
type Bot interface {
	Receive(ctx context.Context, m bot.Incoming) error
	// Form gives the page that is on, to who wants to fill it in; ok is false for one
	// that is over.
	Form(ctx context.Context, user conversation.User, token string) (m bot.Outgoing, ok bool, err error)
	// Rejected notes a request that was not believed, or not served.
	Rejected(ctx context.Context, chat, source, why string)
	// Unbind and UnbindAll end the bindings of a person, and of all in a workspace.
	Unbind(ctx context.Context, user conversation.User) error
	UnbindAll(ctx context.Context, chat, prefix string) error
}

// Options are what a [Slack] is made of.
type Options struct {
	Words *words.Words
	// SigningSecret is what requests over HTTP are signed with. Without it none is
	// taken; AppToken is then needed, which opens Socket Mode.
	SigningSecret, AppToken conversation.Secret
	// APIURL is where Slack's Web API is; it ends in a slash.
	APIURL string
	// ClientID and ClientSecret are the app's, with which workspaces that have no
	// token of their own here may install it. Both, or none.
	ClientID     string
	ClientSecret conversation.Secret
	// PublicURL is under which Slack sends who installed the app back.
	PublicURL  string
	Scopes     []string // that are asked for then
	Workspaces []Workspace
	// Bound are the accounts that somebody is known to have without having proved it
	// here; nil is nobody.
	Bound func(team, user string) []conversation.Bound
	// Source names where a request comes from, for the audit of forged ones; nil is
	// its remote address.
	Source func(*http.Request) string
	// Client reaches Slack; nil is one with a time-out.
	Client *http.Client
	Log    *slog.Logger
	Now    func() time.Time
}

// Workspace is one whose people are served.
type Workspace struct {
	TeamID string
	// BotToken is the app's in it; empty where it is installed by OAuth.
	BotToken conversation.Secret
	Domains  []string              // as in conversation.Origin
	Identity conversation.Identity // the same
	Language string                // of people whose own is none of ours; empty: Dutch
	Place    string                // as in conversation.Origin
}

// Slack is a bot.Chat. It is safe for concurrent use.
type Slack struct {
	Options
	blocks renderer
	teams  *teams
	who    acquaintances
	lately *lately
	pace   pace
	queue  *queue
	work   sync.WaitGroup

	mu  sync.Mutex
	bot Bot
}

var _ bot.Chat = (*Slack)(nil)

// callFor bounds one call of Slack's: its library waits without end.
const callFor = 10 * time.Second

// New makes a Slack. All that is wrong with the options is told at once.
func New(o Options) (*Slack, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("making the chat in Slack: %w", err)
	}
	blocks, err := newRenderer(o.Words)
	if err != nil {
		return nil, fmt.Errorf("making the chat in Slack: %w", err)
	}
	s := &Slack{Options: o, blocks: blocks, lately: newLately(), queue: newQueue()}
	s.teams = newTeams(o)
	s.pace.now, s.who.now = o.Now, o.Now
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Source == nil {
		o.Source = func(r *http.Request) string { return r.RemoteAddr }
	}
	if o.Bound == nil {
		o.Bound = func(string, string) []conversation.Bound { return nil }
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: callFor, Transport: transport()}
	}
	if o.APIURL != "" && !strings.HasSuffix(o.APIURL, "/") {
		o.APIURL += "/"
	}
	return o
}

// transport keeps connections: a full house talks to one host.
func transport() *http.Transport {
	return &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		DialContext:       (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2: true, MaxIdleConns: 128, MaxIdleConnsPerHost: 64, MaxConnsPerHost: 128,
		IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 5 * time.Second,
	}
}

func (o Options) check() error {
	var faults []error
	need := func(is bool, what string) {
		if !is {
			faults = append(faults, errors.New(what))
		}
	}
	need(o.Words != nil, "words are missing")
	need(!o.SigningSecret.Empty() || !o.AppToken.Empty(),
		"the signing secret is missing (or the app token, for Socket Mode): without it everybody's request would be believed")
	api, err := url.Parse(o.APIURL)
	need(err == nil && api.Host != "", "the address of the Web API is missing")
	need(len(o.Workspaces) > 0, "there is no workspace whose people are served")
	need((o.ClientID == "") == o.ClientSecret.Empty(), "the client id and the client secret go together")
	seen := map[string]bool{}
	for _, w := range o.Workspaces {
		need(w.TeamID != "" && !strings.ContainsAny(w.TeamID, "/ "), "a workspace has no team id")
		need(!seen[w.TeamID], "the workspace "+w.TeamID+" is there twice")
		need(!w.BotToken.Empty() || o.ClientID != "", "the workspace "+w.TeamID+" has no bot token, and cannot install the app without a client id")
		seen[w.TeamID] = true
	}
	return errors.Join(faults...)
}

// SetBot sets who takes in what people say; a bot needs its chats first.
func (s *Slack) SetBot(b Bot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bot = b
}

// SetInstallations sets where the tokens of workspaces are kept that install the app
// themselves.
func (s *Slack) SetInstallations(i bot.Installations) { s.teams.setKept(i) }

func (s *Slack) receiver() Bot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bot
}

// Handlers are those of the paths of this chat.
func (s *Slack) Handlers() map[string]http.Handler {
	h := map[string]http.Handler{}
	if !s.SigningSecret.Empty() {
		h[EventsPath] = s.signed(kindEvent)
		h[CommandsPath] = s.signed(kindCommand)
		h[InteractionsPath] = s.signed(kindInteraction)
	}
	if s.ClientID != "" {
		h[InstallPath] = http.HandlerFunc(s.install)
		h[OAuthPath] = http.HandlerFunc(s.installed)
	}
	return h
}

// Run takes in what comes over Socket Mode, if that is asked for, until ctx ends, and
// then waits for what is still being sent.
func (s *Slack) Run(ctx context.Context) {
	if s.AppToken.Empty() {
		<-ctx.Done()
	} else {
		s.runSocket(ctx)
	}
	s.queue.wait()
	s.work.Wait()
	s.Client.CloseIdleConnections()
}

// user is a person in a conversation.
func user(team, id string) conversation.User {
	return conversation.User{Chat: Name, ID: team + "/" + id}
}

// reference is where a person can be reached: what a conversation remembers of
// where it came from (conversation.Origin.Address, as JSON).
type reference struct {
	Team    string `json:"t"`
	User    string `json:"u"`
	Channel string `json:"c,omitempty"` // their direct messages; empty where they are not known yet
}

// panicked is what was thrown, by its type alone: the value may hold anything.
func panicked(p any) error { return fmt.Errorf("a panic (%T)", p) }
