package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"resetbot/conversation"
)

// teamsApp is the id of the bot in Entra ID.
const teamsApp = "01234567-89ab-cdef-0123-456789abcdef"

// inTeams is the shortest configuration with Teams that starts.
const inTeams = `
public_url: https://hulp.rijnzicht.example
organisation: {name: Rijnzicht, domains: [rijnzicht.example], service_desk: {phone: 071 000 00 00}}
chats: {teams: {app_id: ` + teamsApp + `, tenant_id: ` + teamsApp + `}}
directory: {type: demo}
`

// manifestOf reads the manifest of a package.
func manifestOf(t *testing.T, packed []byte) (m struct {
	Version   string
	ID        string
	Developer struct{ Name, WebsiteURL, PrivacyURL string }
	Bots      []struct {
		BotID  string
		Scopes []string
	}
	ValidDomains []string
},
) {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := archive.Open("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := json.NewDecoder(file).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestThePackageForTeamsFollowsFromTheConfiguration(t *testing.T) {
	c := defaultConfig(t.TempDir())
	c.Organisation.Name, c.PublicURL = "Rijnzicht", "https://hulp.rijnzicht.example"
	c.Chats.Teams.There, c.Chats.Teams.AppID = true, teamsApp
	var b bytes.Buffer
	if err := writeTeamsPackage(&b, c, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	m := manifestOf(t, b.Bytes())
	if m.Version != "1.2.3" || m.ID != teamsApp || m.Developer.Name != "Rijnzicht" ||
		m.Developer.WebsiteURL != "https://hulp.rijnzicht.example" ||
		len(m.Bots) != 1 || m.Bots[0].BotID != teamsApp || len(m.Bots[0].Scopes) != 1 || m.Bots[0].Scopes[0] != "personal" ||
		len(m.ValidDomains) != 1 || m.ValidDomains[0] != "hulp.rijnzicht.example" {
		t.Errorf("the manifest says %+v", m)
	}
	c.Organisation.Desk.URL = "https://servicedesk.rijnzicht.example"
	b.Reset()
	if err := writeTeamsPackage(&b, c, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	if got := manifestOf(t, b.Bytes()).Developer.WebsiteURL; got != c.Organisation.Desk.URL {
		t.Errorf("people find help at %s", got)
	}
	c.Chats.Teams.There = false
	if err := writeTeamsPackage(&b, c, "1.2.3"); err == nil || !strings.Contains(err.Error(), "chats.teams") {
		t.Errorf("without Teams it ended with %v", err)
	}
}

func TestTheCommandWritesThePackageForTeams(t *testing.T) {
	folder := t.TempDir()
	file, packed := filepath.Join(folder, "resetbot.yaml"), filepath.Join(folder, "teams.zip")
	if err := os.WriteFile(file, []byte(inTeams), 0o600); err != nil {
		t.Fatal(err)
	}
	make := func(args ...string) []byte {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(t.Context(), append([]string{"manifest", "teams"}, args...), strings.NewReader(""), &out, &errs); code != 0 {
			t.Fatalf("exit code %d: %s", code, &errs)
		}
		return out.Bytes()
	}
	piped := make("-config", file, "--app-version", "1.0.1")
	if m := manifestOf(t, piped); m.Version != "1.0.1" || m.ID != teamsApp {
		t.Errorf("the manifest says %+v", m)
	}
	if said := make("-config", file, "-o", packed, "--app-version", "1.0.1"); len(said) > 0 {
		t.Errorf("%d bytes went to standard output too", len(said))
	}
	if written, err := os.ReadFile(packed); err != nil || !bytes.Equal(written, piped) {
		t.Errorf("the file is another package than the one that was piped: %v", err)
	}
}

func TestWithoutAConfigurationThereIsNoPackageForTeams(t *testing.T) {
	packed := filepath.Join(t.TempDir(), "teams.zip")
	var out, errs bytes.Buffer
	args := []string{"manifest", "teams", "-config", filepath.Join(t.TempDir(), "resetbot.yaml"), "-o", packed}
	if code := run(t.Context(), args, strings.NewReader(""), &out, &errs); code != 1 || !strings.Contains(errs.String(), "there is no configuration") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
	if _, err := os.Stat(packed); err == nil {
		t.Error("something was written")
	}
}

func TestTheManifestForSlackFollowsFromTheConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		with func(*config)
		want []string
		not  []string
	}{
		"by HTTP": {
			func(c *config) {},
			[]string{"socket_mode_enabled: false", "https://hulp.rijnzicht.example/slack/events", "- files:write"},
			[]string{"redirect_urls"},
		},
		"in Socket Mode": {
			func(c *config) { c.Chats.Slack.AppToken = conversation.NewSecret("xapp-1") },
			[]string{"socket_mode_enabled: true"},
			[]string{"https://"},
		},
		"for a partner that installs it": {
			func(c *config) { c.Chats.Slack.Workspaces = append(c.Chats.Slack.Workspaces, &workspace{TeamID: "T2"}) },
			[]string{"- https://hulp.rijnzicht.example/slack/oauth"},
			nil,
		},
		"without a captcha": {
			func(c *config) { c.Captcha.Slack = conversation.Never },
			[]string{"- chat:write"},
			[]string{"- files:write"},
		},
	} {
		conf := defaultConfig(t.TempDir())
		conf.Organisation.Name, conf.PublicURL = "Rijnzicht", "https://hulp.rijnzicht.example"
		conf.Chats.Slack.There = true
		conf.Chats.Slack.Workspaces = []*workspace{{TeamID: "T1", BotToken: conversation.NewSecret("xoxb-1")}}
		c.with(&conf)
		var b bytes.Buffer
		if err := writeSlackManifest(&b, conf); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, text := range c.want {
			if !strings.Contains(b.String(), text) {
				t.Errorf("%s: there is no %q in\n%s", name, text, b.String())
			}
		}
		for _, text := range append(c.not, "xoxb", "xapp") {
			if strings.Contains(b.String(), text) {
				t.Errorf("%s: there is %q in\n%s", name, text, b.String())
			}
		}
	}
}

func TestWithoutSlackThereIsNoManifestForIt(t *testing.T) {
	var b bytes.Buffer
	if err := writeSlackManifest(&b, defaultConfig(t.TempDir())); err == nil || !strings.Contains(err.Error(), "chats.slack") {
		t.Errorf("the error is %v", err)
	}
}
