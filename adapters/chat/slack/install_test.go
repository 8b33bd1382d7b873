package slack_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"resetbot/adapters/chat/slack"
	"resetbot/adapters/chat/slack/slacktest"
	"resetbot/adapters/store/memory"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// clerk is a bot that notes what it is told.
type clerk struct {
	mu      sync.Mutex
	unbound []string
	refused []string
}

func (c *clerk) Receive(context.Context, bot.Incoming) error { return nil }

func (c *clerk) Form(context.Context, conversation.User, string) (bot.Outgoing, bool, error) {
	return bot.Outgoing{}, false, nil
}

func (c *clerk) Rejected(_ context.Context, _, _, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = append(c.refused, why)
}

func (c *clerk) Unbind(ctx context.Context, u conversation.User) error {
	return c.UnbindAll(ctx, u.Chat, u.ID)
}

func (c *clerk) UnbindAll(_ context.Context, _, prefix string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unbound = append(c.unbound, prefix)
	return nil
}

func TestAWorkspaceThatIsListedInstallsTheAppItself(t *testing.T) {
	cloud := slacktest.Start(t)
	w, err := words.New(words.Options{Organisation: "Rijnzicht", Domains: []string{"rijnzicht.example"}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s, err := slack.New(slack.Options{
		Words: w, SigningSecret: conversation.NewSecret(cloud.SigningSecret), APIURL: cloud.APIURL, PublicURL: server.URL,
		ClientID: cloud.ClientID, ClientSecret: conversation.NewSecret(cloud.ClientSecret), Scopes: []string{"chat:write"},
		Workspaces: []slack.Workspace{{TeamID: cloud.Team, Domains: []string{"rijnzicht.example"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, h := range s.Handlers() {
		mux.Handle(path, h)
	}
	var key conversation.Key
	key[0] = 1
	kept, b := memory.New(key).Installations(), &clerk{}
	s.SetInstallations(kept)
	s.SetBot(b)
	browser := func() *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{Jar: jar, Timeout: 10 * time.Second}
	}
	get := func(c *http.Client, address string) (int, string) {
		t.Helper()
		r, err := c.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(text)
	}
	has := func() bool {
		t.Helper()
		_, ok, err := kept.Load(t.Context(), slack.Name, cloud.Team)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}

	// A code without the state, or with one of another browser, is nobody's.
	code := cloud.Code(cloud.Team, server.URL+slack.OAuthPath)
	for _, state := range []string{"", "1.x", "99999999999.", "99999999999.AAAA"} {
		if status, _ := get(browser(), server.URL+slack.OAuthPath+"?code="+code+"&state="+state); status != http.StatusForbidden {
			t.Errorf("state %q: answered %d", state, status)
		}
	}
	cloud.Installing("T0ELSEWHERE")
	if status, _ := get(browser(), server.URL+slack.InstallPath); status != http.StatusForbidden {
		t.Errorf("another workspace: answered %d", status)
	}
	if has() {
		t.Fatal("a token is kept")
	}

	cloud.Installing(cloud.Team)
	status, text := get(browser(), server.URL+slack.InstallPath)
	if status != http.StatusOK || !strings.Contains(text, "De app staat in uw Slack") || !has() {
		t.Fatalf("answered %d, kept: %v: %s", status, has(), text)
	}
	if len(b.unbound) != 1 || b.unbound[0] != cloud.Team+"/" {
		t.Errorf("ended %q", b.unbound)
	}

	// Told late, when the workspace has the app again: the new token is kept.
	e := cloud.Event(cloud.Team, map[string]any{"type": "app_uninstalled"}, nil)
	late, err := cloud.Deliver(t.Context(), server.URL, slacktest.EventDelivery(e))
	if err != nil || late.Status != http.StatusOK || !has() || len(b.unbound) != 2 {
		t.Errorf("told late: answered %d (%v), kept %v, ended %q", late.Status, err, has(), b.unbound)
	}
	b.unbound = b.unbound[:1]

	cloud.Uninstall(cloud.Team)
	e = cloud.Event(cloud.Team, map[string]any{"type": "app_uninstalled"}, nil)
	answer, err := cloud.Deliver(t.Context(), server.URL, slacktest.EventDelivery(e))
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("answered %d (%v)", answer.Status, err)
	}
	if has() || len(b.unbound) != 2 {
		t.Errorf("after it was uninstalled: kept %v, ended %q", has(), b.unbound)
	}
	gone := map[string]any{"type": "user_change", "user": map[string]any{"id": "U1", "team_id": cloud.Team, "deleted": true}}
	if _, err := cloud.Deliver(t.Context(), server.URL, slacktest.EventDelivery(cloud.Event(cloud.Team, gone, nil))); err != nil {
		t.Fatal(err)
	}
	if len(b.unbound) != 3 || b.unbound[2] != cloud.Team+"/U1" {
		t.Errorf("after somebody was deactivated: ended %q", b.unbound)
	}
}

func TestAC70_WithoutASecretThereIsNoSlack(t *testing.T) {
	w, err := words.New(words.Options{Organisation: "Rijnzicht", Domains: []string{"rijnzicht.example"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = slack.New(slack.Options{
		Words: w, APIURL: "https://slack.com/api/",
		Workspaces: []slack.Workspace{{TeamID: "T1", BotToken: conversation.NewSecret("xoxb-1")}},
	})
	if err == nil || !strings.Contains(err.Error(), "signing secret") {
		t.Errorf("made without a secret: %v", err)
	}
}
