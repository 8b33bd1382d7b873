package slack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"resetbot/adapters/chat/slack"
	"resetbot/adapters/chat/slack/slacktest"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words/wordstest"
)

// ear is a bot that keeps what it hears.
type ear struct {
	mu       sync.Mutex
	heard    []bot.Incoming
	rejected []string
	unbound  []string
	fails    error
}

func (e *ear) Receive(_ context.Context, m bot.Incoming) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, m)
	return e.fails
}

func (e *ear) Form(context.Context, conversation.User, string) (bot.Outgoing, bool, error) {
	return bot.Outgoing{}, false, nil
}

func (e *ear) Rejected(_ context.Context, _, _, why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rejected = append(e.rejected, why)
}

func (e *ear) Unbind(_ context.Context, u conversation.User) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unbound = append(e.unbound, u.ID)
	return e.fails
}

func (e *ear) UnbindAll(_ context.Context, chat, prefix string) error {
	return e.Unbind(context.Background(), conversation.User{Chat: chat, ID: prefix})
}

func (e *ear) count() (heard, rejected int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.heard), len(e.rejected)
}

// site is the adapter behind an address, beside a Slack of its own.
type site struct {
	*slacktest.Slack
	*ear
	t   testing.TB
	url string
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{Slack: slacktest.Start(t), ear: &ear{}, t: t}
	chat, err := slack.New(s.options(t))
	if err != nil {
		t.Fatal(err)
	}
	chat.SetBot(s.ear)
	mux := http.NewServeMux()
	for path, h := range chat.Handlers() {
		mux.Handle(path, h)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); chat.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return s
}

func (s *site) options(t testing.TB) slack.Options {
	return slack.Options{
		Words: wordstest.New(t), SigningSecret: conversation.NewSecret(s.SigningSecret), APIURL: s.APIURL,
		Workspaces: []slack.Workspace{{TeamID: s.Team, BotToken: conversation.NewSecret(s.Workspace(s.Team).BotToken)}},
	}
}

func TestAC68_WhoseSignatureIsNotSlacksIsNotHeard(t *testing.T) {
	s := newSite(t)
	for _, r := range slacktest.SignedRequests(s.SigningSecret, time.Now()) {
		t.Run(r.Name, func(t *testing.T) {
			q, err := r.Request(t.Context(), s.url+slack.EventsPath)
			if err != nil {
				t.Skip(err) // no HTTP client sends that
			}
			answer, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Skip(err)
			}
			_ = answer.Body.Close()
			if good := answer.StatusCode == http.StatusOK; good != r.Good {
				t.Errorf("it is answered %d, good is %t", answer.StatusCode, r.Good)
			}
		})
	}
}

func TestAC70_WithoutASecretNothingStarts(t *testing.T) {
	s := slacktest.Start(t)
	whole := (&site{Slack: s}).options(t)
	for name, change := range map[string]func(*slack.Options){
		"no signing secret": func(o *slack.Options) { o.SigningSecret = conversation.Secret{} },
		"no bot token":      func(o *slack.Options) { o.Workspaces[0].BotToken = conversation.Secret{} },
		"no workspace":      func(o *slack.Options) { o.Workspaces = nil },
		"no team":           func(o *slack.Options) { o.Workspaces[0].TeamID = "" },
		"one of them twice": func(o *slack.Options) { o.Workspaces = append(o.Workspaces, o.Workspaces[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			o := whole
			o.Workspaces = append([]slack.Workspace(nil), whole.Workspaces...)
			change(&o)
			if _, err := slack.New(o); err == nil {
				t.Error("it starts")
			}
		})
	}
}

// Whoever is not served begins nothing, and is told why where nobody else reads it.
func TestAC09_WhoIsNotServedInSlackBeginsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		who  slacktest.Person
		told bool
	}{
		"a guest":                      {slacktest.Person{Restricted: true}, true},
		"a guest of one channel":       {slacktest.Person{UltraRestricted: true}, true},
		"somebody deactivated":         {slacktest.Person{Deleted: true}, false},
		"a program":                    {slacktest.Person{Bot: true}, false},
		"somebody through a connected": {slacktest.Person{Stranger: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			c := s.Colleague(t, test.who, s.url)
			c.Type("wachtwoord vergeten")
			if heard, rejected := s.count(); heard != 0 || rejected != 1 {
				t.Errorf("heard %d times, rejected %d times", heard, rejected)
			}
			if test.told {
				c.Await("alleen")
			}
		})
	}
	t.Run("in a channel", func(t *testing.T) {
		s := newSite(t)
		c := s.Colleague(t, slacktest.Person{}, s.url)
		event := s.Message(c.Person, "wachtwoord vergeten", map[string]any{"channel": s.Channel(s.Team), "channel_type": "channel"})
		c.Send(event)
		if heard, rejected := s.count(); heard != 0 || rejected != 1 {
			t.Errorf("heard %d times, rejected %d times", heard, rejected)
		}
	})
	t.Run("of a workspace that is not served", func(t *testing.T) {
		s := newSite(t)
		s.Workspace("T0OTHER")
		c := s.Colleague(t, slacktest.Person{Team: "T0OTHER"}, s.url)
		c.Type("wachtwoord vergeten")
		if heard, rejected := s.count(); heard != 0 || rejected != 1 {
			t.Errorf("heard %d times, rejected %d times", heard, rejected)
		}
	})
}

func TestWhoIsGoneIsBoundNoLonger(t *testing.T) {
	s := newSite(t)
	c := s.Colleague(t, slacktest.Person{}, s.url)
	c.Send(s.Event(s.Team, map[string]any{"type": "user_change", "user": map[string]any{"id": c.ID, "deleted": true}}, nil))
	c.Send(s.Event(s.Team, map[string]any{"type": "user_change", "user": map[string]any{"id": c.ID}}, nil))
	c.Send(s.Event(s.Team, map[string]any{"type": "app_uninstalled"}, nil))
	c.Send(s.Event(s.Team, map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"bot": []string{"U0"}}}, nil))
	c.Send(s.Event(s.Team, map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []string{"U0"}}}, nil))
	want := s.Team + "/" + c.ID + " " + s.Team + "/ " + s.Team + "/"
	if got := strings.Join(s.unbound, " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatIsTypedArrivesAsItWasTyped(t *testing.T) {
	s := newSite(t)
	c := s.Colleague(t, slacktest.Person{Locale: "en-GB"}, s.url)
	for sent, want := range map[string]string{
		"a &amp; b &lt;c&gt;": "a & b <c>",
		"<mailto:m.devries@rijnzicht.example|m.devries@rijnzicht.example>": "m.devries@rijnzicht.example",
		"&amp;lt;": "&lt;",
	} {
		s.mu.Lock()
		s.heard = nil
		s.mu.Unlock()
		c.Send(s.Message(c.Person, "", map[string]any{"text": sent}))
		s.mu.Lock()
		if len(s.heard) != 1 || s.heard[0].Text.Reveal() != want {
			t.Errorf("%q arrives otherwise than %q", sent, want)
		} else if from := s.heard[0].From; from.User.ID != s.Team+"/"+c.ID || !from.Binds || from.Locale != "en" {
			t.Errorf("it comes from %+v", from)
		}
		s.mu.Unlock()
	}
}

// Wherever a request says that answers go: they go to Slack's own address.
func TestAC65_WhereARequestFromSlackWantsAnswersIsNotAsked(t *testing.T) {
	s := newSite(t)
	c := s.Colleague(t, slacktest.Person{}, s.url)
	asked := make(chan string, 8)
	trap := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	defer trap.Close()
	form := s.Command(c.Person, c.Channel, "/wachtwoord", "")
	form.Set("response_url", trap.URL+"/command")
	for _, d := range []slacktest.Delivery{
		slacktest.CommandDelivery(form),
		slacktest.InteractionDelivery(map[string]any{
			"type": "block_actions", "team": map[string]any{"id": s.Team}, "user": map[string]any{"id": c.ID},
			"response_url": trap.URL + "/action", "actions": []any{map[string]any{"type": "button", "value": `{"t":"abc","o":true}`}},
		}),
	} {
		if answer, err := s.Deliver(t.Context(), s.url, d); err != nil || answer.Status != http.StatusOK {
			t.Errorf("answered %d, %v", answer.Status, err)
		}
	}
	if heard, _ := s.count(); heard == 0 {
		t.Error("nothing was heard")
	}
	select {
	case path := <-asked:
		t.Errorf("%s was asked", path)
	default:
	}
}

// Whatever is malformed is answered as Slack understands, and does nothing.
func TestWhatCannotBeReadDoesNothing(t *testing.T) {
	s := newSite(t)
	payload := func(text string) string { return url.Values{"payload": {text}}.Encode() }
	for _, test := range []struct{ path, body string }{
		{slack.EventsPath, ""},
		{slack.EventsPath, "null"},
		{slack.EventsPath, `{"type":7}`},
		{slack.EventsPath, `{"type":"event_callback"}`},
		{slack.EventsPath, `{"type":"event_callback","team_id":"` + s.Team + `","event":{"type":"message","user":{"id":3}}}`},
		{slack.EventsPath, `{"type":"event_callback","team_id":"` + s.Team + `","event":{"type":"reaction_added","user":"U1"}}`},
		{slack.EventsPath, `{"type":"event_callback","team_id":"` + s.Team + `","event":{"type":"message","subtype":"new_thing","user":"U1","channel_type":"im"}}`},
		{slack.InteractionsPath, ""},
		{slack.InteractionsPath, "%zz"},
		{slack.InteractionsPath, payload("{")},
		{slack.InteractionsPath, payload("null")},
		{slack.InteractionsPath, payload(`{"type":"block_actions","team":{"id":"` + s.Team + `"},"user":{"id":"U1"},"actions":[null]}`)},
		{slack.InteractionsPath, payload(`{"type":"view_submission","team":{"id":"` + s.Team + `"},"user":{"id":"U1"},"view":{}}`)},
		{slack.InteractionsPath, payload(`{"type":"shortcut","team":{"id":"` + s.Team + `"},"user":{"id":"U1"}}`)},
		{slack.InteractionsPath, payload("{}") + "&" + payload("{}")},
		{slack.CommandsPath, "team_id=T0NOBODY&user_id=U1"},
		{slack.CommandsPath, "%zz"},
	} {
		answer, err := s.Deliver(t.Context(), s.url, slacktest.Delivery{Path: test.path, Body: []byte(test.body)})
		if err != nil || answer.Status != http.StatusOK {
			t.Errorf("%s %q: %d, %v", test.path, test.body, answer.Status, err)
		}
	}
	if heard, _ := s.count(); heard != 0 {
		t.Errorf("heard %d times", heard)
	}
	huge := slacktest.Delivery{Path: slack.EventsPath, Body: bytes.Repeat([]byte(" "), 1<<20)}
	if answer, err := s.Deliver(t.Context(), s.url, huge); err != nil || answer.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a megabyte is answered %d, %v", answer.Status, err)
	}
}

func TestSlackIsToldToComeAgainWhenNothingIsDurable(t *testing.T) {
	s := newSite(t)
	c := s.Colleague(t, slacktest.Person{}, s.url)
	s.mu.Lock()
	s.fails = context.DeadlineExceeded
	s.mu.Unlock()
	body, err := json.Marshal(s.Message(c.Person, "hallo", nil))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Deliver(t.Context(), s.url, slacktest.Delivery{Path: slack.EventsPath, Body: body})
	if err != nil || answer.Status != http.StatusInternalServerError {
		t.Errorf("answered %d, %v", answer.Status, err)
	}
}
