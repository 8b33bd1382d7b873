package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"resetbot/adapters/chat/web"
	"resetbot/adapters/mail"
	"resetbot/adapters/numberplan"
	"resetbot/adapters/webhook"
	"resetbot/adapters/yamlfile"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// config is everything that an operator decides. docs/configuration.md says
// what each key means; a test holds the two together.
type config struct {
	folder       string // of the file; paths in it begin here
	Listen       string
	AdminListen  string
	PublicURL    string // empty: wherever Listen turns out to be
	Organisation organisationConfig
	Store        storeConfig
	KeysFile     string
	Chats        chatsConfig
	Directory    directoryConfig
	Verification providers
	Notices      noticesConfig
	Captcha      captchaConfig
	Policy       conversation.Policy
	Budget       budget
	Countries    []string // whose numbers are texted and called; without a code, a number is of the first
	Banned       []string // further common words in passwords
	Breached     string   // the operator's list of breached passwords; empty: the small one alone
	Entry        passwordEntry
	Texts        ownTexts
	LogLevel     slog.Level
}

type organisationConfig struct {
	Name    string
	Domains []string
	Desk    words.Desk
}

type storeConfig struct {
	Type storeType
	Path string
}

type storeType string

const (
	bolted     storeType = "bolt"
	inMemory   storeType = "memory"
	postgreSQL storeType = "postgres"
)

type chatsConfig struct {
	Web   webConfig
	Teams teamsConfig
	Slack slackConfig
}

// webConfig is the chat on a web page.
type webConfig struct {
	There   bool
	Path    string
	From    []netip.Prefix          // who may use it
	Proxies []netip.Prefix          // whose word for a client's address is taken
	Kiosks  map[string]netip.Prefix // shared screens, each an asker of its own
	Shared  map[string]web.Crowd    // addresses of many people
}

type teamsConfig struct {
	There          bool
	AppID          string
	Password       conversation.Secret
	Certificate    conversation.Secret
	TenantID       string
	AllowedTenants []string
	MetadataURL    string
	TokenURL       string
	ServiceHosts   []string
	ServiceURL     string // where a chat is begun with an owner who is told something; empty: nobody is told there
	Identity       conversation.Identity
}

type slackConfig struct {
	There         bool
	SigningSecret conversation.Secret
	AppToken      conversation.Secret
	APIURL        string
	ClientID      string // with which workspaces install the app themselves
	ClientSecret  conversation.Secret
	Workspaces    []*workspace
	Identity      conversation.Identity
}

// workspace is one of Slack whose people are served.
type workspace struct {
	TeamID   string
	BotToken conversation.Secret // empty: it installs the app itself
	Domains  []string            // whose accounts its people may reset
	Identity conversation.Identity
	Language string
	OwnDesk  bool // else the service desk is everybody's
	Desk     words.Desk
	Texts    ownTexts
}

type directoryConfig struct {
	Type directoryType
	File string // of the people; empty: those that are built in
	// Where the demo keeps what changed of the people (empty: beside File), and
	// what came on their telephones.
	State, Telephones string
}

type directoryType string

const (
	madeUp          directoryType = "demo"
	activeDirectory directoryType = "activedirectory"
	entraID         directoryType = "entra"
	noDirectory     directoryType = "none"
)

// providers are what serves each method of verification.
type providers struct{ SMS, Call, Push, TOTP provider }

type provider string

const (
	fakePhone provider = "demo"
	nobody    provider = "none"
)

// noticesConfig is by whom owners are told what happened to their account, and
// those who watch over the service that they should look.
type noticesConfig struct {
	Mail    mailConfig
	Outside []outsider
	Alarms  alarmsConfig
}

// mailConfig is the mail server; without a host there is none.
type mailConfig struct {
	There    bool
	Host     string
	Port     int // 0: the usual one
	TLS      mail.TLS
	From     string
	User     string
	Password conversation.Secret
}

// outsider is who is told beside the account itself: one of the two words, or
// an address.
type outsider string

const (
	privateMail outsider = "private_mail"
	manager     outsider = "manager"
)

// alarmsConfig is who takes alarms; without an address the log alone does.
type alarmsConfig struct {
	There  bool
	URL    string
	Secret conversation.Secret
}

// captchaConfig says when a captcha is asked: everywhere alike, or by chat.
type captchaConfig struct{ Web, Teams, Slack conversation.When }

// passwordEntry is where a new password is typed.
type passwordEntry string

const (
	onPage   passwordEntry = "page"
	inDialog passwordEntry = "dialog"
)

// budget is what the whole service may send, and what one number may get.
type budget struct {
	SMS, Call bot.Budget
	Number    conversation.Limit
}

// ownTexts are files of the operator's own sentences.
type ownTexts struct{ Dutch, English []string }

// loadConfig reads the configuration file at path.
func loadConfig(path string) (config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return config{}, fmt.Errorf("there is no configuration %s: write one (deploy/resetbot.yaml is a sample), "+
			"or name yours with -config", path)
	}
	if err != nil {
		return config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	return readConfig(path, text, os.Getenv)
}

// readConfig reads a configuration. It is strict, and tells all problems at
// once. What it names begins in the folder of path; env are the environment
// variables, which may hold secrets.
func readConfig(path string, text []byte, env func(string) string) (config, error) {
	c := defaultConfig(filepath.Dir(path))
	s := &source{Reader: yamlfile.New(path), given: map[string]*yaml.Node{}, env: env}
	if n := s.Document(text, "begin with deploy/resetbot.yaml, the sample"); n != nil {
		c.settings().read(s, "", n)
		c.Budget.scale(s)
		if n.Kind == yaml.MappingNode {
			c.check(s)
		}
		c.complete()
	}
	return c, s.Err()
}

// defaultConfig is what counts where the file says nothing.
func defaultConfig(folder string) config {
	return config{
		folder: folder,
		Listen: "127.0.0.1:3978", AdminListen: "127.0.0.1:9978",
		Store:    storeConfig{Type: bolted, Path: filepath.Join(folder, "resetbot.db")},
		KeysFile: filepath.Join(folder, "resetbot.key"),
		Chats: chatsConfig{
			Web: webConfig{Path: "/chat", From: privateNetworks()},
			Teams: teamsConfig{
				MetadataURL:  "https://login.botframework.com/v1/.well-known/openidconfiguration",
				TokenURL:     "https://login.microsoftonline.com/{tenant_id}/oauth2/v2.0/token",
				ServiceHosts: []string{"smba.trafficmanager.net"},
				ServiceURL:   "https://smba.trafficmanager.net/teams/",
				Identity:     conversation.Same,
			},
			Slack: slackConfig{APIURL: "https://slack.com/api/", Identity: conversation.Warn},
		},
		Verification: providers{fakePhone, fakePhone, fakePhone, fakePhone},
		Notices:      noticesConfig{Mail: mailConfig{TLS: mail.StartTLS}, Outside: []outsider{privateMail}},
		Captcha:      captchaConfig{conversation.Always, conversation.Always, conversation.Always},
		Policy:       conversation.DefaultPolicy(),
		Budget: budget{
			SMS: bot.Budget{
				Hour: conversation.Limit{N: 1000, Window: time.Hour}, Day: conversation.Limit{N: 3000, Window: 24 * time.Hour},
				Unanswered: conversation.Limit{N: 500, Window: time.Hour},
			},
			Call: bot.Budget{
				Hour: conversation.Limit{N: 500, Window: time.Hour}, Day: conversation.Limit{N: 1500, Window: 24 * time.Hour},
				Unanswered: conversation.Limit{N: 250, Window: time.Hour},
			},
			Number: conversation.Limit{N: 20, Window: 24 * time.Hour},
		},
		Countries: []string{"NL"},
		Entry:     onPage,
	}
}

// privateNetworks are this machine, and what is never routed on the internet
// (RFC 1918, RFC 3927, RFC 4193, RFC 4291 section 2.5).
func privateNetworks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("::1/128"),
		netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
	}
}

// settings are all keys there are.
func (c *config) settings() group {
	return group{
		"listen":       listenAddress(&c.Listen),
		"admin_listen": listenAddress(&c.AdminListen),
		"public_url":   webAddress(&c.PublicURL, false),
		"organisation": c.Organisation.settings(),
		"store": group{
			"type": choice(&c.Store.Type, bolted, inMemory, postgreSQL),
			"path": file(&c.Store.Path, c.folder),
		},
		"keys_file": file(&c.KeysFile, c.folder),
		"chats": group{
			"web":   section{&c.Chats.Web.There, c.Chats.Web.settings()},
			"teams": section{&c.Chats.Teams.There, c.Chats.Teams.settings(c.folder)},
			"slack": section{&c.Chats.Slack.There, c.Chats.Slack.settings(c.folder)},
		},
		"directory": group{
			"type": choice(&c.Directory.Type, madeUp, activeDirectory, entraID, noDirectory),
			"file": file(&c.Directory.File, c.folder),
		},
		"verification": group{
			"sms": by(&c.Verification.SMS), "call": by(&c.Verification.Call),
			"push": by(&c.Verification.Push), "totp": by(&c.Verification.TOTP),
		},
		"notices": c.Notices.settings(c.folder),
		"captcha": group{"when": &c.Captcha},
		"policy":  c.policySettings(),
		"texts": group{
			words.Dutch: files(&c.Texts.Dutch, c.folder), words.English: files(&c.Texts.English, c.folder),
		},
		"log_level": logLevel(&c.LogLevel),
	}
}

func (o *organisationConfig) settings() group {
	return group{
		"name": text(&o.Name), "domains": domains(&o.Domains), "emergency": text(&o.Desk.Emergency),
		"service_desk": deskSettings(&o.Desk),
	}
}

func deskSettings(d *words.Desk) group {
	return group{
		"name": text(&d.Name), "phone": text(&d.Phone), "url": webAddress(&d.URL, true),
		"hours":         openingHours(&d.Hours),
		"outside_hours": group{"phone": text(&d.Outside.Phone), "who": text(&d.Outside.Who)},
	}
}

func (w *webConfig) settings() group {
	return group{
		"path": webPath(&w.Path), "from": clients{&w.From},
		"trusted_proxies": networks(&w.Proxies), "kiosks": named{&w.Kiosks}, "shared": crowds{&w.Shared},
	}
}

func (t *teamsConfig) settings(folder string) group {
	return group{
		"app_id":            text(&t.AppID),
		"app_password_file": secretFile{&t.Password, folder}, "certificate_file": secretFile{&t.Certificate, folder},
		"tenant_id": text(&t.TenantID), "allowed_tenants": texts(&t.AllowedTenants),
		"openid_metadata_url": webAddress(&t.MetadataURL, true), "token_url": webAddress(&t.TokenURL, true),
		"service_url_hosts": hosts(&t.ServiceHosts), "service_url": webAddress(&t.ServiceURL, true),
		"identity": identity(&t.Identity),
	}
}

func (k *slackConfig) settings(folder string) group {
	return group{
		"signing_secret_file": secretFile{&k.SigningSecret, folder},
		"app_token_file":      secretFile{&k.AppToken, folder},
		"api_url":             webAddress(&k.APIURL, true), "identity": identity(&k.Identity),
		"client_id": text(&k.ClientID), "client_secret_file": secretFile{&k.ClientSecret, folder},
		"workspaces": many(func() group {
			w := &workspace{}
			k.Workspaces = append(k.Workspaces, w)
			return group{
				"team_id": text(&w.TeamID), "domains": domains(&w.Domains),
				"bot_token_file": secretFile{&w.BotToken, folder},
				"identity":       identity(&w.Identity), "language": choice(&w.Language, words.Dutch, words.English),
				"service_desk": section{&w.OwnDesk, deskSettings(&w.Desk)},
				"texts": group{
					words.Dutch: files(&w.Texts.Dutch, folder), words.English: files(&w.Texts.English, folder),
				},
			}
		}),
	}
}

func (n *noticesConfig) settings(folder string) group {
	return group{
		"mail": section{&n.Mail.There, group{
			"host": hostName(&n.Mail.Host), "port": port(&n.Mail.Port),
			"tls":  choice(&n.Mail.TLS, mail.StartTLS, mail.Implicit, mail.None),
			"from": mailAddress(&n.Mail.From),
			"user": text(&n.Mail.User), "password_file": secretFile{&n.Mail.Password, folder},
		}},
		"outside": several[outsider]{
			&n.Outside, outsiderNamed, "write private_mail, manager or an address, like [private_mail, security@example.org]", true,
		},
		"alarms": section{&n.Alarms.There, group{
			"url": webAddress(&n.Alarms.URL, true), "secret_file": secretFile{&n.Alarms.Secret, folder},
		}},
	}
}

func outsiderNamed(text string) (outsider, bool) {
	who := outsider(text)
	return who, who == privateMail || who == manager || mail.IsAddress(text)
}

func identity(to *conversation.Identity) setting {
	return choice(to, conversation.Same, conversation.Warn, conversation.Any)
}

func by(to *provider) setting { return group{"provider": choice(to, fakePhone, nobody)} }

func when(to *conversation.When) setting {
	return choice(to, conversation.Always, conversation.OnSuspicion, conversation.Never)
}

// read takes one word for all chats, or one for each.
func (c *captchaConfig) read(s *source, path string, n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		group{"web": when(&c.Web), "teams": when(&c.Teams), "slack": when(&c.Slack)}.read(s, path, n)
		return
	}
	when(&c.Web).read(s, path, n)
	c.Teams, c.Slack = c.Web, c.Web
}

func (c *captchaConfig) String() string { return string(c.Web) }

// policySettings has a key for every number of the wizard. That two proofs of
// two families are needed is none of them: it is no setting.
func (c *config) policySettings() group {
	p := &c.Policy
	return group{
		"conversation": duration(&p.Conversation, time.Second), "guide": duration(&p.Guide, time.Second),
		"reminder":  duration(&p.Reminder, 0),
		"code_life": duration(&p.CodeLife, time.Second), "code_tries": count(&p.CodeTries, 1, plenty),
		"wait_for": duration(&p.WaitFor, time.Second), "cooldown": duration(&p.Cooldown, 0),
		"proofs": limit{&p.Proofs}, "current_passwords": limit{&p.Passwords}, "challenges": limit{&p.Challenges}, "no_push": duration(&p.NoPush, 0),
		"captcha_life":  duration(&p.CaptchaLife, time.Second),
		"captcha_wrong": count(&p.CaptchaWrong, 1, plenty), "captcha_drawn": count(&p.CaptchaDrawn, 1, plenty),
		"captcha_asker": limit{&p.CaptchaAsker},
		"begun":         limit{&p.Begun}, "begun_asker": limit{&p.BegunAsker}, "accounts": limit{&p.Accounts},
		"budget":        c.Budget.settings(),
		"refusals":      count(&p.Refusals, 1, plenty),
		"one_time_page": duration(&p.EntryLife, time.Second),
		"freeze":        duration(&p.FreezeFor, time.Second), "notice_life": duration(&p.NoticeLife, time.Second),
		"waiting_time": duration(&p.WaitingTime, 0), "second_unlock": duration(&p.SecondUnlock, 0),
		"password": group{
			"min": count(&p.PasswordMin, 8, 256), "max": count(&p.PasswordMax, 8, 256),
			"banned":   several[string]{to: &c.Banned, parse: banned, want: "write words of three letters or more"},
			"breached": file(&c.Breached, c.folder),
		},
		"password_entry": choice(&c.Entry, onPage, inDialog),
		"call":           callFor(&p.CallWithCode),
		"countries":      several[string]{&c.Countries, country, "write the two letters of ISO 3166-1, like NL", true},
	}
}

func (b *budget) settings() group {
	return group{
		"sms": pot{&b.SMS.Hour}, "sms_day": pot{&b.SMS.Day}, "sms_unanswered": pot{&b.SMS.Unanswered},
		"call": pot{&b.Call.Hour}, "call_day": pot{&b.Call.Day}, "call_unanswered": pot{&b.Call.Unanswered},
		"number": limit{&b.Number},
	}
}

// scale keeps to the budget of an hour what was not given beside it, so that who
// has more than we thought writes one number.
func (b *budget) scale(s *source) {
	for key, of := range map[string]*bot.Budget{"policy.budget.sms": &b.SMS, "policy.budget.call": &b.Call} {
		if !s.has(key) {
			continue
		}
		if !s.has(key + "_day") {
			of.Day.N = min(plenty, 3*of.Hour.N)
		}
		if !s.has(key + "_unanswered") {
			of.Unanswered = conversation.Limit{N: max(1, of.Hour.N/2), Window: of.Hour.Window}
		}
	}
}

func openingHours(to *words.Hours) setting {
	return scalar[words.Hours]{
		to:    to,
		parse: func(text string) (words.Hours, bool) { h, err := words.ParseHours(text); return h, err == nil },
		want:  "these are no opening hours; write them like “ma-vr 7:30-17:00, za 9:00-12:00”, or 24/7",
		show:  func(words.Hours) string { return "" },
	}
}

// banned is a word as the password rules take it.
func banned(text string) (string, bool) {
	letters := 0
	for _, c := range text {
		if unicode.IsLetter(c) {
			letters++
		}
	}
	return text, letters >= 3
}

func country(text string) (string, bool) {
	_, err := numberplan.New(numberplan.Options{Region: text})
	return strings.ToUpper(text), err == nil
}

// callFor is what a call asks for: # alone, or the two digits on the screen.
func callFor(withCode *bool) setting {
	return scalar[bool]{
		to:    withCode,
		parse: func(text string) (bool, bool) { return text == "number", text == "number" || text == "hash" },
		want:  "this is none of the choices; write hash or number",
		show:  func(is bool) string { return map[bool]string{true: "number", false: "hash"}[is] },
	}
}

func logLevel(to *slog.Level) setting {
	return scalar[slog.Level]{
		to: to,
		parse: func(text string) (level slog.Level, ok bool) {
			return level, level.UnmarshalText([]byte(text)) == nil
		},
		want: "this is none of the choices; write debug, info, warn or error",
		show: func(level slog.Level) string { return strings.ToLower(level.String()) },
	}
}

// check finds what is missing, and what does not go together.
func (c *config) check(s *source) {
	need := func(is bool, path, what string) {
		if !is && !s.has(path) { // what was given and is wrong has been told
			s.problem(path, what)
		}
	}
	need(c.Organisation.Name != "", "organisation.name", "this is missing; write what people call the organisation")
	need(len(c.Organisation.Domains) > 0, "organisation.domains",
		"this is missing; write what work addresses end on, like [example.org]")
	desk := c.Organisation.Desk
	reachable := desk.Phone != "" || desk.URL != "" || s.has("organisation.service_desk.url")
	need(reachable, "organisation.service_desk.phone",
		"this is missing; write how people reach somebody who can help (or write url)")
	need(c.Directory.Type != "", "directory.type", "this is missing; write demo")
	c.checkAddresses(s)
	c.checkPolicy(s)
	c.checkNotices(s)
	c.checkTeams(s)
	c.checkSlack(s)
	c.checkVersion(s)
	if !c.Chats.Web.There && !c.Chats.Teams.There && !c.Chats.Slack.There {
		s.problem("chats", "no chat is configured, so nobody could talk to the bot; write “chats: {web: {}}”")
	}
}

func (c *config) checkAddresses(s *source) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err == nil && c.PublicURL == "" && !s.has("public_url") && !isLoopback(host) {
		s.problem("public_url", "this is missing; write the address, with https://, under which people reach this service")
	}
	if c.Listen == c.AdminListen && port != "0" {
		s.problem("admin_listen", "listen has the same address; give each one of its own")
	}
}

func (c *config) checkPolicy(s *source) {
	p := c.Policy
	if p.Reminder >= p.Conversation {
		s.problem("policy.reminder", "this is not shorter than policy.conversation; make it shorter")
	}
	if p.CodeLife > p.Conversation {
		s.problem("policy.code_life", "this is longer than policy.conversation; make it shorter")
	}
	if p.PasswordMin > p.PasswordMax {
		s.problem("policy.password.min", "this is more than policy.password.max; make it less")
	}
	v := c.Verification
	if v.SMS == nobody && v.Call == nobody {
		s.problem("verification", "neither sms nor call is served, and everybody needs a proof by telephone; serve one")
	}
	if v.Push == nobody && v.TOTP == nobody {
		s.problem("verification", "neither push nor totp is served, and everybody needs a proof by app; serve one")
	}
}

// outsidersMax is how many may be told beside the account itself.
const outsidersMax = 10

func (c *config) checkNotices(s *source) {
	missing := func(is bool, path, what string) {
		if !is && !s.has(path) {
			s.problem(path, "this is missing; "+what)
		}
	}
	if m := c.Notices.Mail; m.There {
		missing(m.Host != "", "notices.mail.host", "write the name of the mail server")
		missing(m.From != "", "notices.mail.from", "write the address that mail comes from")
		missing(m.User == "" || !m.Password.Empty(), "notices.mail.password_file", "user has no password without it")
		missing(m.User != "" || m.Password.Empty(), "notices.mail.user", "there is a password for nobody")
		if m.TLS == mail.None && m.Host != "" && !isLoopback(m.Host) {
			s.problem("notices.mail.tls", "none is for a mail server on this machine alone; write starttls or implicit")
		}
	}
	if len(c.Notices.Outside) > outsidersMax {
		s.problem("notices.outside", fmt.Sprintf("these are more than %d; write the address of a list", outsidersMax))
	}
	if a := c.Notices.Alarms; a.There {
		missing(a.URL != "", "notices.alarms.url", "write the address that takes alarms")
		missing(!a.Secret.Empty(), "notices.alarms.secret_file", "write the file of the secret that alarms are signed with")
		if !a.Secret.Empty() && len(a.Secret.Reveal()) < webhook.SecretMin {
			s.problem("notices.alarms.secret_file",
				fmt.Sprintf("this secret is short; write %d characters or more into the file", webhook.SecretMin))
		}
	}
}

// checkVersion tells of what this version does not have yet.
func (c *config) checkVersion(s *source) {
	for _, absent := range []struct {
		asked bool
		path  string
		what  string
	}{
		{c.Store.Type == postgreSQL, "store.type", "PostgreSQL is not in this version yet; write bolt"},
		{c.Directory.Type == activeDirectory, "directory.type", "Active Directory is not in this version yet; write demo"},
		{c.Directory.Type == entraID, "directory.type", "Entra ID is not in this version yet; write demo"},
		{
			c.Directory.Type == noDirectory, "directory.type",
			"a service without a directory is not in this version yet; write demo",
		},
	} {
		if absent.asked {
			s.problem(absent.path, absent.what)
		}
	}
}

func (c *config) checkTeams(s *source) {
	t := c.Chats.Teams
	if c.Entry == inDialog && !t.There {
		s.problem("policy.password_entry", "only Microsoft Teams has a dialog, and it is not configured; write page")
	}
	if !t.There {
		return
	}
	missing := func(is bool, key, what string) {
		if path := "chats.teams." + key; !is && !s.has(path) {
			s.problem(path, "this is missing; "+what)
		}
	}
	missing(t.AppID != "", "app_id", "write the application id of the bot in Entra ID: without it no token could be told from a forged one")
	missing(t.TenantID != "", "tenant_id", "write the id of the tenant whose people are served")
	missing(len(t.ServiceHosts) > 0, "service_url_hosts", "write where answers may be sent, like [smba.trafficmanager.net]")
	if !t.Password.Empty() && !t.Certificate.Empty() {
		s.problem("chats.teams.certificate_file", "app_password_file is there too; keep one of them")
	}
	if c.PublicURL == "" && !s.has("public_url") {
		s.problem("public_url", "this is missing; the dialog in Teams opens its one-time page under it")
	}
}

func (c *config) checkSlack(s *source) {
	k := c.Chats.Slack
	if !k.There {
		return
	}
	missing := func(is bool, key, what string) {
		if path := "chats.slack." + key; !is && !s.has(path) {
			s.problem(path, "this is missing; "+what)
		}
	}
	missing(!k.SigningSecret.Empty() || !k.AppToken.Empty(), "signing_secret_file",
		"write the file of the signing secret: without it no request could be told from a forged one (or app_token_file, for Socket Mode)")
	missing(len(k.Workspaces) > 0, "workspaces", "write whose people are served, like [{team_id: T0123, domains: [example.org]}]")
	missing(k.ClientSecret.Empty() || k.ClientID != "", "client_id", "there is a secret for nobody")
	missing(k.ClientID == "" || !k.ClientSecret.Empty(), "client_secret_file", "client_id has no secret without it")
	seen := map[string]bool{}
	for _, w := range k.Workspaces {
		missing(w.TeamID != "", "workspaces.team_id", "write the id of the workspace, like T0123ABCD")
		missing(len(w.Domains) > 0, "workspaces.domains", "write which accounts its people may reset, like [example.org]")
		missing(!w.BotToken.Empty() || k.ClientID != "", "workspaces.bot_token_file",
			"write the file of the bot token (or client_id, so that the workspace can install the app itself)")
		if w.TeamID != "" && seen[w.TeamID] {
			s.problem("chats.slack.workspaces", w.TeamID+" is there twice; keep one of them")
		}
		seen[w.TeamID] = true
	}
	if c.PublicURL == "" && !s.has("public_url") {
		s.problem("public_url", "this is missing; the buttons in Slack lead to one-time pages under it")
	}
}

// complete fills in what follows from the rest.
func (c *config) complete() {
	p := &c.Policy
	p.Organisation, p.Domains = c.Organisation.Name, c.Organisation.Domains
	p.Other.Captcha = c.Captcha.Web
	p.Chats["teams"] = conversation.ChatPolicy{
		Identity: c.Chats.Teams.Identity, Captcha: c.Captcha.Teams, Masked: c.Entry == inDialog, FollowsUp: true,
	}
	p.Chats["slack"] = conversation.ChatPolicy{Identity: c.Chats.Slack.Identity, Captcha: c.Captcha.Slack}
	d := &c.Directory
	d.Telephones = filepath.Join(filepath.Dir(d.File), "telephones.json")
	if d.File == "" {
		d.State = filepath.Join(c.folder, "people.yaml.state")
		d.Telephones = filepath.Join(c.folder, "telephones.json")
	}
}
