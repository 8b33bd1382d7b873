// Package manifest makes the app manifest of the bot in Slack: what an app is
// created from, so that it may do what the bot needs and nothing else.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// App is the bot as it is added to Slack.
type App struct {
	Socket    bool   // Socket Mode: Slack is reached, and reaches nothing
	Installs  bool   // partners install it themselves, by /slack/install
	Captcha   bool   // a picture may be asked about
	PublicURL string // under which Slack reaches the bot; https, and unused in Socket Mode without Installs
	Words     *words.Words
}

// The paths of the bot, as Slack is told them.
const (
	EventsPath       = "/slack/events"
	CommandsPath     = "/slack/commands"
	InteractionsPath = "/slack/interactions"
	OAuthPath        = "/slack/oauth"
)

// WriteYAML writes the app manifest, with the reason of each scope and event beside
// it. The same app gives the same bytes.
func (a App) WriteYAML(w io.Writer) error {
	m, err := a.manifest()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(m), e.Close()); err != nil {
		return fmt.Errorf("writing the app manifest: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("writing the app manifest: %w", err)
	}
	return nil
}

// reason is a scope or an event, and what it is for.
type reason struct{ Name, Why string }

// reasons are written as a list of names, each behind its why.
type reasons []reason

// MarshalYAML gives the list its comments.
func (r reasons) MarshalYAML() (any, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, one := range r {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: one.Name, HeadComment: one.Why})
	}
	return list, nil
}

// Scopes are what the bot asks for. docs/slack.md explains each of them.
func (a App) Scopes() []string { return names(a.scopes()) }

func (a App) scopes() reasons {
	list := reasons{
		{"chat:write", "to write in its own direct messages, and to change what it wrote there"},
		{"commands", "for /wachtwoord and /reset"},
		{"im:history", "to be told what is typed to it in a direct message (message.im); nothing else is read"},
		{"im:write", "to begin the direct message with who typed a command or pressed a button"},
		{"users:read", "to see who is a guest, a program, deactivated or of another workspace, and their language"},
		{"users:read.email", "to suggest a name to type; it proves nothing"},
	}
	if a.Captcha {
		list = append(list, reason{"files:write", "to show the captcha and its sound, and to delete both afterwards"})
	}
	return list
}

// Events are what the bot is told.
func (a App) Events() []string { return names(a.events()) }

func (a App) events() reasons {
	return reasons{
		{"app_home_opened", "to show the button of the home tab; no scope"},
		{"app_uninstalled", "to forget the token and all bindings of a workspace; no scope"},
		{"message.im", "what is typed to it in a direct message; im:history"},
		{"tokens_revoked", "the same, where the token alone was taken back; no scope"},
		{"user_change", "to end the binding of who is deactivated, at once; users:read"},
	}
}

func names(list reasons) []string {
	var out []string
	for _, one := range list {
		out = append(out, one.Name)
	}
	return out
}

// manifest is an app manifest (docs.slack.dev, "App manifest reference").
type manifest struct {
	Display  display  `yaml:"display_information"`
	Features features `yaml:"features"`
	OAuth    oauth    `yaml:"oauth_config"`
	Settings settings `yaml:"settings"`
}

type display struct {
	Name  string `yaml:"name"`
	Short string `yaml:"description"`
	Long  string `yaml:"long_description"`
	Color string `yaml:"background_color"`
}

type features struct {
	Home     appHome   `yaml:"app_home"`
	Bot      botUser   `yaml:"bot_user"`
	Commands []command `yaml:"slash_commands"`
}

type appHome struct {
	Home     bool `yaml:"home_tab_enabled"`
	Messages bool `yaml:"messages_tab_enabled"`
	ReadOnly bool `yaml:"messages_tab_read_only_enabled"`
}

type botUser struct {
	Name   string `yaml:"display_name"`
	Online bool   `yaml:"always_online"`
}

type command struct {
	Command string `yaml:"command"`
	URL     string `yaml:"url,omitempty"`
	About   string `yaml:"description"`
	Escape  bool   `yaml:"should_escape"`
}

type oauth struct {
	Redirects []string `yaml:"redirect_urls,omitempty"`
	Scopes    scopes   `yaml:"scopes"`
}

type scopes struct {
	Bot reasons `yaml:"bot"`
}

type settings struct {
	Events      subscriptions `yaml:"event_subscriptions"`
	Interactive interactivity `yaml:"interactivity"`
	WholeOrg    bool          `yaml:"org_deploy_enabled"`
	Socket      bool          `yaml:"socket_mode_enabled"`
	Rotation    bool          `yaml:"token_rotation_enabled"`
}

type subscriptions struct {
	URL string  `yaml:"request_url,omitempty"`
	Bot reasons `yaml:"bot_events"`
}

type interactivity struct {
	Enabled bool   `yaml:"is_enabled"`
	URL     string `yaml:"request_url,omitempty"`
}

// How many characters Slack takes, and how many it wants. Of a long description it
// refuses less than 174 ("App manifest reference"); the others are from the types
// that Slack publishes (@slack/web-api).
const (
	nameMax  = 35
	shortMax = 140
	longMin  = 174
	longMax  = 4000
	botMax   = 80
	aboutMax = 2000
)

func (a App) manifest() (manifest, error) {
	if !a.Socket || a.Installs {
		public, err := url.Parse(a.PublicURL)
		if err != nil || public.Scheme != "https" || public.Host == "" {
			return manifest{}, errors.New("public_url does not begin with https://, and Slack reaches nothing else; " +
				"set it, or use Socket Mode (chats.slack.app_token_file) with a token for each workspace")
		}
	}
	long := a.say(words.Dutch, words.AppLong, longMax/2) + "\n\n" + a.say(words.English, words.AppLong, longMax/2-2)
	if utf8.RuneCountInString(long) < longMin {
		long += strings.Repeat(" ·", longMin/2) // of a text of the operator's own, which is shorter
	}
	at := func(path string) string {
		if a.Socket {
			return ""
		}
		return strings.TrimSuffix(a.PublicURL, "/") + path
	}
	m := manifest{
		Display: display{
			Name:  a.say(words.Dutch, words.AppName, nameMax),
			Short: a.say(words.Dutch, words.AppShort, shortMax), Long: long, Color: "#0b5394",
		},
		Features: features{
			Home: appHome{Home: true, Messages: true},
			Bot:  botUser{Name: a.botName(), Online: true},
			Commands: []command{
				{Command: "/wachtwoord", URL: at(CommandsPath), About: a.say(words.Dutch, words.AppResetAbout, aboutMax)},
				{Command: "/reset", URL: at(CommandsPath), About: a.say(words.English, words.AppResetAbout, aboutMax)},
			},
		},
		OAuth: oauth{Scopes: scopes{Bot: a.scopes()}},
		Settings: settings{
			Events:      subscriptions{URL: at(EventsPath), Bot: a.events()},
			Interactive: interactivity{Enabled: true, URL: at(InteractionsPath)},
			Socket:      a.Socket,
		},
	}
	if a.Installs {
		m.OAuth.Redirects = []string{strings.TrimSuffix(a.PublicURL, "/") + OAuthPath}
	}
	return m, nil
}

// notInName are characters that the name of a bot user cannot have.
var notInName = regexp.MustCompile(`[^a-z0-9._-]+`)

// botName is how the bot is called in its messages.
func (a App) botName() string {
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(a.say(words.Dutch, words.AppName, botMax)), "-"), "-")
	if name == "" {
		return "resetbot"
	}
	return name
}

// say says a phrase in one line, so short.
func (a App) say(locale string, p words.Phrase, most int) string {
	r := []rune(strings.Join(strings.Fields(a.Words.Phrase(locale, p, conversation.Args{}, time.Time{})), " "))
	if len(r) <= most {
		return string(r)
	}
	short := string(r[:most-1])
	if at := strings.LastIndex(short, " "); r[most-1] != ' ' && at > len(short)/2 {
		short = short[:at]
	}
	return strings.TrimSpace(short) + "…"
}
