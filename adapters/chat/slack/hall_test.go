package slack_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"resetbot/adapters/chat/slack"
	"resetbot/adapters/chat/slack/slacktest"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// scribe is a bot that notes what it is handed.
type scribe struct {
	mu       sync.Mutex
	received []bot.Incoming
	rejected []string
	ended    []string          // bindings
	page     conversation.Page // that is on
	fails    error
	before   func(bot.Incoming) // what happens while a message is taken in
}

func (k *scribe) Receive(_ context.Context, m bot.Incoming) error {
	k.mu.Lock()
	before := k.before
	k.mu.Unlock()
	if before != nil {
		before(m)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.received = append(k.received, m)
	return k.fails
}

func (k *scribe) Form(_ context.Context, u conversation.User, token string) (bot.Outgoing, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if token != k.page.Token || k.fails != nil {
		return bot.Outgoing{}, false, k.fails
	}
	m := bot.Outgoing{User: u, Locale: "nl", State: conversation.Who, Page: k.page}
	if k.page.Entry != nil {
		m.Link = "https://resetbot.example/p/link"
	}
	return m, true, nil
}

func (k *scribe) Rejected(_ context.Context, _, _, why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rejected = append(k.rejected, why)
}

func (k *scribe) Unbind(_ context.Context, u conversation.User) error { return k.end(u.ID) }

func (k *scribe) UnbindAll(_ context.Context, _, prefix string) error { return k.end(prefix + "*") }

func (k *scribe) end(who string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended = append(k.ended, who)
	return k.fails
}

// put puts a page on.
func (k *scribe) put(p conversation.Page) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.page = p
}

// fail has all fail from now on; nil ends that.
func (k *scribe) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fails = err
}

// taken is what was handed in since the last time, and why it was not.
func (k *scribe) taken() (received []bot.Incoming, rejected []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	received, k.received = k.received, nil
	rejected, k.rejected = k.rejected, nil
	return received, rejected
}

func (k *scribe) unbound() (list []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	list, k.ended = k.ended, nil
	return list
}

// hall is a chat in Slack, beside a Slack of its own.
type hall struct {
	t      testing.TB
	cloud  *slacktest.Slack
	chat   *slack.Slack
	scribe *scribe
	kept   *safe
	url    string // empty where all comes through Socket Mode
	log    *diary
}

// diary is a log that can be read while it is written.
type diary struct {
	mu sync.Mutex
	b  strings.Builder
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.String()
}

// safe keeps installations in memory.
type safe struct {
	mu   sync.Mutex
	kept map[string]bot.Installation
}

func (s *safe) Save(_ context.Context, i bot.Installation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[i.Chat+"/"+i.Team] = i
	return nil
}

func (s *safe) Load(_ context.Context, chat, team string) (bot.Installation, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.kept[chat+"/"+team]
	return i, ok, nil
}

func (s *safe) Forget(_ context.Context, chat, team string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, chat+"/"+team)
	return nil
}

// way is how Slack and the chat reach each other.
type way string

const (
	overHTTP   way = "HTTP"
	overSocket way = "Socket Mode"
)

var bothWays = []way{overHTTP, overSocket}

func newHall(t testing.TB, w way, change func(*slack.Options)) *hall {
	t.Helper()
	return newHallOn(t, slacktest.Start(t), w, change)
}

func newHallOn(t testing.TB, cloud *slacktest.Slack, w way, change func(*slack.Options)) *hall {
	t.Helper()
	said, err := words.New(words.Options{
		Organisation: "Ziekenhuis Rijnzicht", Domains: []string{"rijnzicht.example"},
		Desk: words.Desk{Name: "de servicedesk", Phone: "071 000 00 00"},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{t: t, cloud: cloud, scribe: &scribe{}, kept: &safe{kept: map[string]bot.Installation{}}, log: &diary{}}
	o := slack.Options{
		Words: said, APIURL: cloud.APIURL, Workspaces: []slack.Workspace{{
			TeamID: cloud.Team, BotToken: conversation.NewSecret(cloud.Workspace(cloud.Team).BotToken), Domains: []string{"partner.example"},
		}},
		Client: cloud.Client(),
		Log:    slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if w == overHTTP {
		o.SigningSecret = conversation.NewSecret(cloud.SigningSecret)
	} else {
		o.AppToken = conversation.NewSecret(cloud.AppToken)
	}
	server := httptest.NewUnstartedServer(nil)
	o.PublicURL = "http://" + server.Listener.Addr().String()
	if change != nil {
		change(&o)
	}
	if h.chat, err = slack.New(o); err != nil {
		t.Fatal(err)
	}
	h.chat.SetBot(h.scribe)
	h.chat.SetInstallations(h.kept)
	mux := http.NewServeMux()
	for path, handler := range h.chat.Handlers() {
		mux.Handle(path, handler)
	}
	server.Config.Handler = mux
	server.Start()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.chat.Run(ctx) }()
	t.Cleanup(func() { server.Close(); stop(); <-done })
	if h.url = server.URL; w == overSocket {
		h.url = ""
		h.connected(1)
	}
	return h
}

// connected waits until the chat has been connected for the nth time.
func (h *hall) connected(n int) {
	h.t.Helper()
	h.cloud.Wait(h.t, fmt.Sprintf("connection %d", n), func() bool {
		now, ever := h.cloud.Connections()
		return now > 0 && ever >= n
	})
}

func (h *hall) colleague(p slacktest.Person) *slacktest.Colleague {
	h.t.Helper()
	return h.cloud.Colleague(h.t, p, h.url)
}

// told is a message as a line.
func told(m bot.Incoming) string {
	switch m.Kind {
	case conversation.Said:
		return fmt.Sprintf("said %q", m.Text.Reveal())
	case conversation.Pressed:
		return fmt.Sprintf("pressed %s of %s", m.Choice, m.Token)
	case conversation.Filled:
		var fields []string
		for f, text := range m.Fields {
			fields = append(fields, fmt.Sprintf("%s=%q", f, text.Reveal()))
		}
		slices.Sort(fields)
		return fmt.Sprintf("filled %s of %s", strings.Join(fields, " "), m.Token)
	}
	return strings.TrimSpace(string(m.Kind) + " " + string(m.Choice))
}

func tellAll(list []bot.Incoming) string {
	var lines []string
	for _, m := range list {
		lines = append(lines, told(m))
	}
	return strings.Join(lines, "; ")
}

// await waits until something is so that nothing tells of.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// reader is somebody to whom pages are sent.
type reader struct {
	*slacktest.Colleague
	hall    *hall
	address string
	note    string
	version int
}

func (h *hall) reader(p slacktest.Person) *reader {
	h.t.Helper()
	c := h.colleague(p)
	c.Type("reset")
	received, _ := h.scribe.taken()
	if len(received) != 1 {
		h.t.Fatalf("%d messages came: %s", len(received), h.log)
	}
	return &reader{Colleague: c, hall: h, address: received[0].From.Address}
}

// outgoing is a page on its way to the reader.
func (r *reader) outgoing(p conversation.Page) bot.Outgoing {
	r.version++
	p.Version, p.Receipt = r.version, "K7Q2-MX4P"
	return bot.Outgoing{
		User:    conversation.User{Chat: slack.Name, ID: r.Team + "/" + r.ID},
		Address: r.address, Locale: "nl", State: conversation.Step1Choose, Page: p, Before: r.note,
	}
}

// send sends a page, as a bot that keeps the chat's notes does.
func (r *reader) send(m bot.Outgoing) bot.Sent {
	r.hall.t.Helper()
	sent, err := r.hall.chat.Send(r.hall.t.Context(), m)
	if err != nil {
		r.hall.t.Fatal(err)
	}
	r.note = cmp.Or(sent.Note, r.note)
	return sent
}

var (
	waitPage   = conversation.Page{ID: conversation.WaitFind, Token: "wait"}
	choosePage = conversation.Page{
		ID: conversation.AskMethod, Token: "choose", Crumb: 1, Args: conversation.Args{Step: 1}, Offers: []conversation.Offer{
			{Choice: conversation.PickSMS}, {Choice: conversation.PickCode},
		},
	}
	numberPage = conversation.Page{
		ID: conversation.AskNumber, Token: "number", Crumb: 1, Args: conversation.Args{Step: 1, Digits: "13"},
		Fields: []conversation.Field{conversation.FieldNumber},
	}
	captchaPage = conversation.Page{
		ID: conversation.AskWho, Token: "captcha", Fields: []conversation.Field{conversation.FieldName, conversation.FieldCaptcha},
		Media: &conversation.Media{Kind: conversation.MediaCaptcha, ID: "one"}, Offers: []conversation.Offer{{Choice: conversation.PickCaptcha}},
	}
)

// seen is all of a message, as JSON.
func seen(p slacktest.Page) string {
	text, err := json.Marshal(p.Shown)
	if err != nil {
		panic(err) // it came as JSON
	}
	return string(text)
}

// empty begins anew.
func (d *diary) empty() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.b.Reset()
}
