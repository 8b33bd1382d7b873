package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"resetbot/adapters/mail"
	"resetbot/bot"
	"resetbot/conversation"
)

var update = flag.Bool("update", false, "write the golden files anew")

// least is the shortest configuration that starts.
const least = `
organisation: {name: Rijnzicht, domains: [rijnzicht.example], service_desk: {phone: 071 000 00 00}}
chats: {web: {}}
directory: {type: demo}
`

func noEnv(string) string { return "" }

func read(t *testing.T, text string) config {
	t.Helper()
	c, err := readConfig("resetbot.yaml", []byte(text), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// equal compares configurations.
func equal(t *testing.T, want, got config) {
	t.Helper()
	secrets := cmp.Comparer(func(a, b conversation.Secret) bool { return a.Equal(b) })
	prefixes := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	diff := cmp.Diff(want, got, cmp.AllowUnexported(config{}), secrets, prefixes, cmpopts.EquateEmpty())
	if diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestABrokenConfigurationTellsAllProblemsAtOnceWithLineAndRemedyAndQuotesNothing(t *testing.T) {
	folder := filepath.Join("testdata", "config")
	text, err := os.ReadFile(filepath.Join(folder, "broken.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = readConfig("broken.yaml", text, noEnv)
	if err == nil {
		t.Fatal("it was taken")
	}
	got := err.Error() + "\n"
	if strings.Contains(got, "hunter2") {
		t.Errorf("a value is quoted:\n%s", got)
	}
	golden := filepath.Join(folder, "broken.golden.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// withTeams is the least configuration, with Teams for a chat.
func withTeams(keys string) string {
	return "public_url: https://hulp.rijnzicht.example\n" + strings.Replace(least, "web: {}", "teams: {"+keys+"}", 1)
}

func TestOneProblemIsToldOnce(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":             {"", "resetbot.yaml:1: the file is empty"},
		"a list":            {"- listen", "resetbot.yaml:1: this is not a group"},
		"reachable, no url": {least + "listen: :3978\n", "resetbot.yaml:1: public_url: this is missing"},
		"one address twice": {
			least + "listen: 127.0.0.1:1\nadmin_listen: 127.0.0.1:1\n",
			"resetbot.yaml:6: admin_listen: listen has the same",
		},
		"no app": {
			least + "verification: {push: {provider: none}, totp: {provider: none}}\n",
			"resetbot.yaml:5: verification: neither push nor totp",
		},
		"code longer than the conversation": {
			least + "policy: {conversation: 4m}\n", "resetbot.yaml:5: policy.code_life: this is longer",
		},
		"reminder as long as the conversation": {
			least + "policy: {reminder: 15m}\n", "resetbot.yaml:5: policy.reminder: this is not shorter",
		},
		"nobody may chat":   {strings.Replace(least, "web: {}", "web: {from: []}", 1), "resetbot.yaml:3: chats.web.from: this is empty"},
		"no country":        {least + "policy: {countries: []}\n", "resetbot.yaml:5: policy.countries: this is empty"},
		"no chat":           {strings.Replace(least, "web: {}", "", 1), "resetbot.yaml:3: chats: no chat is configured"},
		"no directory":      {strings.Replace(least, "type: demo", "", 1), "resetbot.yaml:4: directory.type: this is missing"},
		"another directory": {strings.Replace(least, "demo", "entra", 1), "resetbot.yaml:4: directory.type: Entra ID is not in"},
		"PostgreSQL":        {least + "store: {type: postgres}\n", "resetbot.yaml:5: store.type: PostgreSQL is not in"},
		"AC-70 no app id":   {withTeams("tenant_id: x"), "resetbot.yaml:4: chats.teams.app_id: this is missing"},
		"AC-70 an empty app id": {
			withTeams(`tenant_id: x, app_id: ""`), "resetbot.yaml:4: the value is empty",
		},
		"no tenant": {withTeams("app_id: x"), "resetbot.yaml:4: chats.teams.tenant_id: this is missing"},
		"no hosts": {
			withTeams("app_id: x, tenant_id: x, service_url_hosts: []"), "resetbot.yaml:4: chats.teams.service_url_hosts: this is empty",
		},
		"Teams without an address": {
			strings.Replace(withTeams("app_id: x, tenant_id: x"), "public_url: https://hulp.rijnzicht.example\n", "", 1),
			"resetbot.yaml:1: public_url: this is missing; the dialog in Teams",
		},
		"a dialog": {least + "policy: {password_entry: dialog}\n", "resetbot.yaml:5: policy.password_entry: only Microsoft Teams has a dialog"},
		"mail from nowhere": {
			least + "notices: {mail: {from: a@rijnzicht.example}}\n", "resetbot.yaml:5: notices.mail.host: this is missing",
		},
		"mail from nobody": {
			least + "notices: {mail: {host: post.rijnzicht.example}}\n", "resetbot.yaml:5: notices.mail.from: this is missing",
		},
		"mail in clear": {
			least + "notices: {mail: {host: post.rijnzicht.example, from: a@rijnzicht.example, tls: none}}\n",
			"resetbot.yaml:5: notices.mail.tls: none is for a mail server on this machine alone",
		},
		"a user without a password": {
			least + "notices: {mail: {host: post.rijnzicht.example, from: a@rijnzicht.example, user: x}}\n",
			"resetbot.yaml:5: notices.mail.password_file: this is missing; user has no password",
		},
		"nobody outside": {least + "notices: {outside: []}\n", "resetbot.yaml:5: notices.outside: this is empty"},
		"two in one address": {
			least + "notices: {outside: [\"a@x.example, b@x.example\"]}\n",
			"resetbot.yaml:5: notices.outside: write private_mail, manager or an address",
		},
		"too many outside": {
			least + "notices: {outside: [" + strings.Repeat("a@x.example, ", 11) + "]}\n",
			"resetbot.yaml:5: notices.outside: these are more than 10",
		},
		"alarms unsigned": {
			least + "notices: {alarms: {url: https://siem.rijnzicht.example}}\n",
			"resetbot.yaml:5: notices.alarms.secret_file: this is missing",
		},
		"a budget without an end": {
			least + "policy: {budget: {sms_day: {n: 0}}}\n", "resetbot.yaml:5: policy.budget.sms_day.n: write a whole number",
		},
		"a budget that locks": {
			least + "policy: {budget: {sms: {lock: 1h}}}\n", "resetbot.yaml:5: this key is unknown; known keys are n, window",
		},
		"two proofs of two families are no setting": {
			least + "policy: {families: 1}\n", "resetbot.yaml:5: this key is unknown; known keys are accounts, begun,",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readConfig("resetbot.yaml", []byte(test.text), noEnv)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got\n%v\nwant\n%s…", err, test.want)
			}
		})
	}
}

func TestAReadConfigurationSaysWhatWasWritten(t *testing.T) {
	got := read(t, strings.Replace(least, "chats: {web: {}}", `
chats:
  web:
    path: /wachtwoord
    from: any
    trusted_proxies: 10.0.0.1
    kiosks: {ward-3: 10.1.2.3, ward-4: 10.1.4.0/24}
`, 1)+`
listen: 0.0.0.0:80
public_url: https://resetbot.rijnzicht.example/
store: {type: memory, path: /var/lib/resetbot/db}
keys_file: keys/resetbot.key
verification: {call: {provider: none}}
captcha: {when: {web: suspicion}}
policy:
  conversation: 10m
  proofs: {n: 3}
  budget: {sms: {n: 10, window: 24h}, call_day: {n: 40}, call_unanswered: {n: 4}, number: {n: 6}}
  password: {min: 20, banned: [Rijnbrug], breached: b.bin}
  call: number
  countries: [nl, BE]
  waiting_time: 0s
notices:
  mail: {host: 127.0.0.1, port: 2525, tls: none, from: wachtwoord@rijnzicht.example}
  outside: [manager, security@rijnzicht.example]
texts: {nl: nl.yaml}
log_level: debug
`)
	want := read(t, least)
	want.Listen, want.PublicURL = "0.0.0.0:80", "https://resetbot.rijnzicht.example"
	want.Store, want.KeysFile = storeConfig{inMemory, "/var/lib/resetbot/db"}, "keys/resetbot.key"
	want.Chats.Web = webConfig{
		There: true, Path: "/wachtwoord",
		From:    []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")},
		Kiosks: map[string]netip.Prefix{
			"ward-3": netip.MustParsePrefix("10.1.2.3/32"), "ward-4": netip.MustParsePrefix("10.1.4.0/24"),
		},
	}
	want.Verification.Call = nobody
	want.Notices.Mail = mailConfig{
		There: true, Host: "127.0.0.1", Port: 2525, TLS: mail.None, From: "wachtwoord@rijnzicht.example",
	}
	want.Notices.Outside = []outsider{manager, "security@rijnzicht.example"}
	want.Captcha.Web = conversation.OnSuspicion
	p := &want.Policy
	p.Other.Captcha = conversation.OnSuspicion
	p.Conversation, p.Proofs.N, p.CallWithCode, p.WaitingTime = 10*time.Minute, 3, true, 0
	p.PasswordMin, want.Banned, want.Breached = 20, []string{"Rijnbrug"}, "b.bin"
	want.Budget.SMS = bot.Budget{ // the rest keeps to what was written
		Hour: conversation.Limit{N: 10, Window: 24 * time.Hour}, Day: conversation.Limit{N: 30, Window: 24 * time.Hour},
		Unanswered: conversation.Limit{N: 5, Window: 24 * time.Hour},
	}
	want.Budget.Call.Day.N, want.Budget.Call.Unanswered.N, want.Budget.Number.N = 40, 4, 6
	want.Countries = []string{"NL", "BE"}
	want.Texts.Dutch = []string{"nl.yaml"}
	want.LogLevel = slog.LevelDebug
	equal(t, want, got)
}

func TestWhatIsNotWrittenIsTheDefaultPolicy(t *testing.T) {
	want := conversation.DefaultPolicy()
	want.Organisation, want.Domains = "Rijnzicht", []string{"rijnzicht.example"}
	want.Chats["slack"] = conversation.ChatPolicy{Identity: conversation.Warn, Captcha: conversation.Always}
	if diff := cmp.Diff(want, read(t, least).Policy); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFilesBeginInTheFolderOfTheConfiguration(t *testing.T) {
	c, err := readConfig("/etc/resetbot/resetbot.yaml",
		[]byte(strings.Replace(least, "demo", "demo, file: p/people.yaml", 1)+"keys_file: /run/key\n"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/etc/resetbot/resetbot.db", "/run/key", "/etc/resetbot/p/people.yaml", "/etc/resetbot/p/telephones.json"}
	got := []string{c.Store.Path, c.KeysFile, c.Directory.File, c.Directory.Telephones}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestASecretComesFromItsFileOrTheEnvironment(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "resetbot.yaml")
	for file, text := range map[string]string{"signing": "hunter2\n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{
		"signing": "", "empty": "this file is empty", "nowhere": "this file cannot be read (no such file or directory)",
	} {
		c, err := readConfig(name, []byte("chats: {slack: {signing_secret_file: "+file+"}}"), noEnv)
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", file, err)
		}
		if file == "signing" && c.Chats.Slack.SigningSecret.Reveal() != "hunter2" {
			t.Error("the secret was not read")
		}
	}
	env := func(name string) string {
		return map[string]string{"RESETBOT_CHATS_SLACK_SIGNING_SECRET": "hunter2"}[name]
	}
	c, err := readConfig(name, []byte("chats: {slack: {}}"), env)
	if c.Chats.Slack.SigningSecret.Reveal() != "hunter2" {
		t.Errorf("the secret of the environment was not taken: %v", err)
	}
	_, err = readConfig(name, []byte("chats: {slack: {signing_secret_file: signing}}"), env)
	if !strings.Contains(err.Error(), "the environment has RESETBOT_CHATS_SLACK_SIGNING_SECRET too") {
		t.Errorf("both at once: %v", err)
	}
}

// commentedOut is a key behind a # without a blank.
var commentedOut = regexp.MustCompile(`(?m)^(\s*)#(\S)`)

func TestTheSampleConfigurationIsWholeAndShowsTheDefaults(t *testing.T) {
	name := filepath.Join("..", "..", "deploy", "resetbot.yaml")
	sample, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	as, err := readConfig(name, sample, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	whole := commentedOut.ReplaceAll(sample, []byte("$1$2"))
	shown, err := readConfig(name, whole, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, as, shown)
	c := defaultConfig("")
	c.settings().each("", func(path string, _ setting) {
		key := path[strings.LastIndex(path, ".")+1:]
		later := strings.HasPrefix(path, "chats.teams.") || strings.HasPrefix(path, "chats.slack.") || path == "directory.file"
		if !later && !regexp.MustCompile(`\b`+key+`:`).Match(whole) {
			t.Errorf("the sample lacks %s", path)
		}
	})
}

var row = regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| (?:`([^`]*)`)? ?\\|")

func TestTheDocumentHasTheKeysAndDefaultsOfTheProgram(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		if _, twice := documented[m[1]]; twice {
			t.Errorf("%s is documented twice", m[1])
		}
		documented[m[1]] = m[2]
	}
	program := map[string]string{}
	c := defaultConfig("")
	c.settings().each("", func(path string, s setting) {
		program[path] = ""
		if now, ok := s.(fmt.Stringer); ok {
			program[path] = now.String()
		}
	})
	if diff := cmp.Diff(program, documented); diff != "" {
		t.Errorf("-program +document:\n%s", diff)
	}
}

// own are the numbers of the wizard that are no setting: what keeps outcomes
// from showing, how long work may take, and what other keys decide.
var own = []string{
	"Organisation", "Domains", "Chats", "Other", "KeepEnded", "ProofLife", "Find", "Send", "Check", "WriteFor",
	"LeaseMargin", "Levelled", "LevelledBy", "WriteSettled", "UnknownRetry", "UnknownGiveUp",
}

func TestEveryNumberOfTheWizardIsASettingOrNamedAsNone(t *testing.T) {
	c := defaultConfig("")
	settable := map[uintptr]bool{}
	c.policySettings().each("policy", func(_ string, s setting) {
		if to := reflect.ValueOf(s).FieldByName("to"); to.IsValid() {
			settable[to.Pointer()] = true
		}
	})
	p := reflect.ValueOf(&c.Policy).Elem()
	for i := range p.NumField() {
		name := p.Type().Field(i).Name
		if is, none := settable[p.Field(i).Addr().Pointer()], slices.Contains(own, name); is == none {
			t.Errorf("policy of %s: a setting: %v, named as none: %v", name, is, none)
		}
	}
}
