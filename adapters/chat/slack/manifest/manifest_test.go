package manifest_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"resetbot/adapters/chat/slack/manifest"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

var update = flag.Bool("update", false, "write the golden files anew")

const publicURL = "https://hulp.linde.example"

func apps(t testing.TB) map[string]manifest.App {
	t.Helper()
	w := wordstest.New(t)
	return map[string]manifest.App{
		"socket": {Socket: true, Captcha: true, Words: w},
		"http":   {Installs: true, Captcha: true, PublicURL: publicURL + "/", Words: w},
	}
}

func written(t testing.TB, a manifest.App) string {
	t.Helper()
	var b bytes.Buffer
	if err := a.WriteYAML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheManifestIsAsInTheGoldenFiles(t *testing.T) {
	for name, a := range apps(t) {
		golden, got := filepath.Join("testdata", name+".golden.yaml"), written(t, a)
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
			t.Errorf("%s differs; if it is meant so, run go test -update (-want +got)\n%s", golden, diff)
		}
		if got != written(t, a) {
			t.Errorf("%s: two manifests of one app differ", name)
		}
	}
}

// read is a manifest as Slack reads it.
type read struct {
	Display struct {
		Name  string `yaml:"name"`
		Short string `yaml:"description"`
		Long  string `yaml:"long_description"`
	} `yaml:"display_information"`
	Features struct {
		Bot struct {
			Name string `yaml:"display_name"`
		} `yaml:"bot_user"`
		Commands []struct{ Command, URL, Description string } `yaml:"slash_commands"`
	} `yaml:"features"`
	OAuth struct {
		Redirects []string `yaml:"redirect_urls"`
		Scopes    map[string][]string
	} `yaml:"oauth_config"`
	Settings struct {
		Events struct {
			URL string   `yaml:"request_url"`
			Bot []string `yaml:"bot_events"`
		} `yaml:"event_subscriptions"`
		Interactivity struct {
			URL string `yaml:"request_url"`
		}
		Socket bool `yaml:"socket_mode_enabled"`
	}
}

func reading(t testing.TB, text string) (m read) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheManifestKeepsWithinTheLimitsOfSlack(t *testing.T) {
	o := wordstest.Options(t)
	o.Overrides = []words.Override{{Locale: words.Dutch, Name: "nl.yaml", Text: []byte(
		"ui.app_name: " + strings.Repeat("Hulp bij wachtwoorden! ", 9) + "\nui.app_short: " + strings.Repeat("woorden ", 99) +
			"\nui.app_long: " + strings.Repeat("woorden ", 999) + "\nui.app_reset_about: " + strings.Repeat("woorden ", 999))}}
	long, err := words.New(o)
	if err != nil {
		t.Fatal(err)
	}
	o.Overrides = []words.Override{{Locale: words.Dutch, Name: "nl.yaml", Text: []byte("ui.app_long: kort\nui.app_name: ‘’")}, {
		Locale: words.English, Name: "en.yaml", Text: []byte("ui.app_long: short"),
	}}
	short, err := words.New(o)
	if err != nil {
		t.Fatal(err)
	}
	all := apps(t)
	all["long words"] = manifest.App{Socket: true, Words: long}
	all["short words"] = manifest.App{Socket: true, Words: short}
	name := regexp.MustCompile(`^[a-z0-9._-]{1,80}$`)
	for which, a := range all {
		m := reading(t, written(t, a))
		for text, limit := range map[string][2]int{
			m.Display.Name: {1, 35}, m.Display.Short: {1, 140}, m.Display.Long: {174, 4000},
		} {
			if n := utf8.RuneCountInString(text); n < limit[0] || n > limit[1] {
				t.Errorf("%s: a text has %d characters, and it must be %v: %.60q", which, n, limit, text)
			}
		}
		if !name.MatchString(m.Features.Bot.Name) {
			t.Errorf("%s: the bot is called %q", which, m.Features.Bot.Name)
		}
		for _, c := range m.Features.Commands {
			if utf8.RuneCountInString(c.Description) > 2000 || len(c.Command) > 32 || !strings.HasPrefix(c.Command, "/") {
				t.Errorf("%s: a command is %+v", which, c)
			}
		}
	}
}

func TestInSocketModeSlackIsToldNoAddress(t *testing.T) {
	if text := written(t, apps(t)["socket"]); strings.Contains(text, "https://") || !reading(t, text).Settings.Socket {
		t.Errorf("the manifest is\n%s", text)
	}
}

func TestByHTTPSlackIsToldEveryAddress(t *testing.T) {
	m := reading(t, written(t, apps(t)["http"]))
	got := []string{m.Settings.Events.URL, m.Settings.Interactivity.URL}
	for _, c := range m.Features.Commands {
		got = append(got, c.URL)
	}
	got = append(got, m.OAuth.Redirects...)
	want := []string{
		publicURL + "/slack/events", publicURL + "/slack/interactions",
		publicURL + "/slack/commands", publicURL + "/slack/commands", publicURL + "/slack/oauth",
	}
	if diff := cmp.Diff(want, got); diff != "" || m.Settings.Socket {
		t.Errorf("socket mode: %t (-want +got)\n%s", m.Settings.Socket, diff)
	}
}

func TestNoMoreIsAskedForThanIsUsed(t *testing.T) {
	for which, captcha := range map[string]bool{"with captcha": true, "without": false} {
		a := manifest.App{Socket: true, Captcha: captcha, Words: wordstest.New(t)}
		m := reading(t, written(t, a))
		if diff := cmp.Diff(map[string][]string{"bot": a.Scopes()}, m.OAuth.Scopes); diff != "" {
			t.Errorf("%s: the scopes, of a bot and not of a person (-want +got)\n%s", which, diff)
		}
		if diff := cmp.Diff(a.Events(), m.Settings.Events.Bot); diff != "" {
			t.Errorf("%s: the events (-want +got)\n%s", which, diff)
		}
		if slices.Contains(a.Scopes(), "files:write") != captcha {
			t.Errorf("%s: the scopes are %v", which, a.Scopes())
		}
	}
}

func TestEveryScopeAndEventIsExplained(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "slack.md"))
	if err != nil {
		t.Fatal(err)
	}
	a := apps(t)["http"]
	text := written(t, a)
	for _, name := range slices.Concat(a.Scopes(), a.Events()) {
		if !strings.Contains(string(docs), "| `"+name+"` |") {
			t.Errorf("docs/slack.md does not explain %s", name)
		}
		if !regexp.MustCompile(`# [^\n]+\n\s+- ` + regexp.QuoteMeta(name) + `\n`).MatchString(text) {
			t.Errorf("the manifest does not explain %s", name)
		}
	}
}

func TestAnAddressThatSlackCannotReachIsRefused(t *testing.T) {
	for name, a := range map[string]manifest.App{
		"none":               {},
		"http":               {PublicURL: "http://hulp.linde.example"},
		"no host":            {PublicURL: "https://"},
		"an install, though": {Socket: true, Installs: true},
	} {
		a.Words = wordstest.New(t)
		var b bytes.Buffer
		if err := a.WriteYAML(&b); err == nil || !strings.Contains(err.Error(), "public_url") || b.Len() > 0 {
			t.Errorf("%s: %v, and %d bytes", name, err, b.Len())
		}
	}
}
