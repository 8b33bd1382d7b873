// Package teams is the wizard in a one-to-one chat of Microsoft Teams, over the
// Bot Connector's own protocol.
//
//	POST /api/messages   an activity: what a person typed, pressed or opened
//
//	receive.go     whose activities are taken in, and what they mean to the bot
//	activity.go    what is read of an activity
//	tokens.go      whose activities are believed: the token of each request
//	keys.go        the keys that those tokens are signed with
//	send.go        which card a page becomes, and what becomes of the card before it
//	card.go        a page as an Adaptive Card; pure, elements.go what it is made of
//	dialog.go      the dialog in which a password is typed
//	notifier.go    what owners are told in their own chat
//	connector.go   how all that leaves; pace.go within which limits
//	credential.go  as whom
//
// github.com/infracloudio/msbotbuilder-go decodes activities and knows where
// answers go. What it does of its own accord is not safe (docs/decisions), so its
// token check and its client are ours, put in through its own extension points: an
// auth.TokenValidator and a client.Client.
package teams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/infracloudio/msbotbuilder-go/connector/auth"
	"github.com/infracloudio/msbotbuilder-go/core"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// Name is the chat's name in conversation.User.
const Name = "teams"

// Path is where activities come in.
const Path = "/api/messages"

// Bot is what this package needs of a *bot.Bot.
type Bot interface {
	Receive(ctx context.Context, m bot.Incoming) error
	// Dialog gives the page that a dialog shows to who pressed the button of it; ok is
	// false for a page that is over.
	Dialog(ctx context.Context, user conversation.User, token string) (m bot.Outgoing, ok bool, err error)
	// Rejected notes a request that was not believed, or not served.
	Rejected(ctx context.Context, chat, source, why string)
}

// Options are what a [Teams] is made of.
type Options struct {
	Words *words.Words
	// AppID is the bot's, and whom tokens of incoming requests must be for. An empty
	// one is refused: the platform's own libraries then let everybody in.
	AppID string
	// TenantID is whose users are served, with AllowedTenants.
	TenantID       string
	AllowedTenants []string
	// MetadataURL is where the keys are named that the platform signs with, TokenURL
	// where this bot gets its own token.
	MetadataURL, TokenURL string
	// Password or Certificate (PEM, with its key) is the bot's; with neither it has
	// the managed identity of the machine that it runs on.
	Password, Certificate conversation.Secret
	// ServiceHosts are where answers may go, host[:port].
	ServiceHosts []string
	// ServiceURL is where a chat is begun with somebody whom the bot tells something
	// unasked; empty: nobody.
	ServiceURL string
	// Masked has passwords typed in a field of the dialog, through the platform, and
	// not on the one-time page within it (policy.password_entry).
	Masked bool
	// Unpaced leaves the platform's limits to the platform, which answers 429: for
	// measuring what else there is.
	Unpaced bool
	// Who says which accounts a person has; known is false for who is not of the
	// organisation. It is asked with messages, and what it says is remembered for a
	// while.
	Who func(ctx context.Context, p Person) (bound []conversation.Bound, known bool, err error)
	// Source names where a request comes from, for the audit of forged ones; nil is
	// its remote address.
	Source func(*http.Request) string
	// Client reaches the platform; nil is one with time-outs.
	Client *http.Client
	Log    *slog.Logger
	Now    func() time.Time
}

// Person is who the platform says is there.
type Person struct {
	Tenant, ObjectID string
	// UPN asks the platform for the user principal name. It is for a directory that
	// does not know object ids.
	UPN func(context.Context) (string, error)
}

// Teams is a bot.Chat, and the handler of [Path]. It is safe for concurrent use.
type Teams struct {
	Options
	core   *core.BotFrameworkAdapter // only what is read of a request; see connector for what is sent
	tokens *tokens
	out    *connector
	cards  renderer
	who    *acquaintances
	lately *lately
	work   sync.WaitGroup

	mu  sync.Mutex
	bot Bot
}

var _ bot.Chat = (*Teams)(nil)

// New makes a Teams. All that is wrong with the options is told at once.
func New(o Options) (*Teams, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("making the chat in Teams: %w", err)
	}
	as, err := newCredential(credentialOptions{
		AppID: o.AppID, TenantID: o.TenantID, TokenURL: o.TokenURL, Password: o.Password, Certificate: o.Certificate,
		ManagedIdentity: o.Password.Empty() && o.Certificate.Empty(), Client: o.Client, Now: o.Now, Log: o.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("making the chat in Teams: %w", err)
	}
	cards, err := newRenderer(o.Words)
	if err != nil {
		return nil, fmt.Errorf("making the chat in Teams: %w", err)
	}
	t := &Teams{
		Options: o,
		tokens: newTokens(tokenOptions{
			AppID: o.AppID, MetadataURL: o.MetadataURL, Client: o.Client, Now: o.Now, Log: o.Log,
		}),
		out: newConnector(connectorOptions{
			AppID: o.AppID, Credential: as, Hosts: o.ServiceHosts, Unpaced: o.Unpaced, Client: o.Client, Now: o.Now, Log: o.Log,
		}),
		cards: cards, who: newAcquaintances(o.Now), lately: newLately(),
	}
	t.core = &core.BotFrameworkAdapter{
		AdapterSetting: core.AdapterSetting{
			AppID: o.AppID, ChannelService: auth.ChannelService,
			CredentialProvider: auth.SimpleCredentialProvider{AppID: o.AppID},
		},
		TokenValidator: t.tokens,
	}
	return t, nil
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
	return o
}

func (o Options) check() error {
	var faults []error
	need := func(is bool, what string) {
		if !is {
			faults = append(faults, errors.New(what))
		}
	}
	need(o.Words != nil, "words are missing")
	need(o.AppID != "", "the app id is missing: without it nobody's token could be told from a forged one")
	need(o.TenantID != "", "the tenant is missing")
	need(o.Who != nil, "nobody says who is who")
	need(len(o.ServiceHosts) > 0, "there is no host where answers may go")
	need(o.MetadataURL != "", "the address of the platform's keys is missing")
	return errors.Join(faults...)
}

// SetBot sets who takes in what people say; a bot needs its chats first.
func (t *Teams) SetBot(b Bot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bot = b
}

func (t *Teams) receiver() Bot {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bot
}

// Run keeps the platform's keys fresh until ctx ends, and then waits for what is
// still being sent.
func (t *Teams) Run(ctx context.Context) {
	t.tokens.run(ctx)
	t.work.Wait()
	t.out.close()
}

// allowed reports whether a tenant's users are served.
func (t *Teams) allowed(tenant string) bool {
	for _, of := range append([]string{t.TenantID}, t.AllowedTenants...) {
		if tenant != "" && strings.EqualFold(of, tenant) {
			return true
		}
	}
	return false
}

// user is a person in a conversation.
func user(tenant, id string) conversation.User {
	return conversation.User{Chat: Name, ID: tenant + "/" + id}
}

// reference is where a person can be reached: what a conversation remembers of
// the activity it came with (conversation.Origin.Address, as JSON).
type reference struct {
	ServiceURL   string `json:"s"`
	Conversation string `json:"c"`
	Bot          string `json:"b"` // the bot's id in the chat, "28:…"
	User         string `json:"u"` // the person's, "29:…", which is the bot's own name for them
	Tenant       string `json:"t"`
}
