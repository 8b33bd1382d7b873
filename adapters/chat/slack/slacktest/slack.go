// Package slacktest is Slack's side of a chat, for tests: the Web API, the files
// that are uploaded, Socket Mode, and people who have Slack in their hand, on one
// address of this machine.
//
//	s := slacktest.Start(t)
//	… api_url: s.APIURL, signing_secret: s.SigningSecret, app_token: s.AppToken …
//	anna := s.Colleague(t, slacktest.Person{Email: "anna@example.org"}, "http://127.0.0.1:3978")
//	anna.Type("reset")
//	anna.Await("Welkom")
//
// What the app asks of the Web API is judged by Slack's own declarations of types
// and by the lengths that Slack documents (see judge.go); a request that breaks
// them fails the test. What goes wrong is asked for: see [Trouble].
//
// It knows the protocol and nothing of the service.
package slacktest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options are what a Slack is made of; all may be left out.
type Options struct {
	AppID         string
	SigningSecret string // HTTP requests to the app are signed with it
	AppToken      string // opens Socket Mode
	ClientID      string
	ClientSecret  string
	// Scopes are what the bot's tokens may do; nil is everything. What is lacking
	// is answered missing_scope.
	Scopes []string
	// Limits has more than one message a second in a channel refused with 429
	// (docs.slack.dev/apis/web-api/rate-limits).
	Limits bool
	// InMemory is a network within the process, which [Slack.Client] alone
	// reaches: for tests in a bubble of testing/synctest. There is no Socket Mode
	// in it.
	InMemory bool
	// App is the client that reaches the app; nil is http.DefaultClient.
	App *http.Client
	// AckWait is how long an acknowledgement may take; 0 is Slack's 3 seconds.
	AckWait time.Duration
	Now     func() time.Time
	// Fault takes what is wrong with a request; nil is the test's own Errorf.
	Fault func(string)
}

// Slack is Slack's side. It is safe for concurrent use, and closed by the test
// that started it.
type Slack struct {
	Options
	// Host is host:port of all of it. APIURL ends in a slash; AuthorizeURL is the
	// page that asks somebody whether the app may be installed.
	Host, APIURL, AuthorizeURL string
	// Team is the workspace of who does not say which.
	Team string

	client *http.Client
	judge  *judge

	mu         sync.Mutex
	changed    chan struct{} // closed and made anew at each change
	workspaces map[string]*Workspace
	revoked    map[string]string // tokens, and the word for why
	people     []Person
	channels   map[string]string // channels that are no direct messages, and their team
	messages   []*Shown
	views      map[string][]*View // the modals of a person, the newest last
	homes      map[string]*View
	triggers   map[string]*trigger
	hooks      map[string]*hook // response_url
	files      map[string]*File
	codes      map[string]code
	blocked    map[string]string
	requests   []Request
	next       map[string][]Trouble
	broken     map[string]Trouble
	posted     map[string]time.Time // the last message of a channel
	counter    int64
	installs   string // the team that the next install is in
	socket     *socket
}

// Start starts a Slack with everything left out.
func Start(t testing.TB) *Slack { return StartWith(t, Options{}) }

// StartWith starts a Slack.
func StartWith(t testing.TB, o Options) *Slack {
	t.Helper()
	o.AppID = or(o.AppID, "A0RESETBOT")
	o.SigningSecret = or(o.SigningSecret, random())
	o.AppToken = or(o.AppToken, "xapp-1-"+o.AppID+"-"+random())
	o.ClientID = or(o.ClientID, "1234567890.0987654321")
	o.ClientSecret = or(o.ClientSecret, random())
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Fault == nil {
		o.Fault = func(what string) { t.Errorf("sent to Slack: %s", what) }
	}
	if o.App == nil {
		o.App = http.DefaultClient
	}
	if o.AckWait == 0 {
		o.AckWait = 3 * time.Second
	}
	s := &Slack{
		Options: o, Team: "T0WEEZEN", judge: newJudge(t), changed: make(chan struct{}), workspaces: map[string]*Workspace{},
		revoked: map[string]string{}, channels: map[string]string{}, views: map[string][]*View{}, homes: map[string]*View{},
		triggers: map[string]*trigger{}, hooks: map[string]*hook{}, files: map[string]*File{}, codes: map[string]code{},
		blocked: map[string]string{}, next: map[string][]Trouble{}, broken: map[string]Trouble{}, posted: map[string]time.Time{},
	}
	s.socket = newSocket(s)
	s.listen(t)
	s.APIURL = "http://" + s.Host + "/api/"
	s.AuthorizeURL = "http://" + s.Host + "/oauth/v2/authorize"
	s.Workspace(s.Team)
	return s
}

func (s *Slack) listen(t testing.TB) {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	var listener net.Listener
	if s.InMemory {
		pipes := newPipes()
		listener, transport.DialContext = pipes, pipes.dial
		s.Host = "127.0.0.1:3980"
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener, s.Host = l, l.Addr().String()
	}
	s.client = &http.Client{Transport: transport}
	server := &http.Server{Handler: s.routes(), ReadHeaderTimeout: time.Minute, ErrorLog: quiet()}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() {
		s.socket.close()
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	})
}

// Client reaches this Slack, in memory too; and nothing else in memory.
func (s *Slack) Client() *http.Client { return s.client }

func (s *Slack) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.api)
	mux.HandleFunc("POST /upload/{file}", s.part("upload", s.upload))
	mux.HandleFunc("POST /actions/{hook}", s.part("response_url", s.respond))
	mux.HandleFunc("GET /oauth/v2/authorize", s.authorize)
	mux.HandleFunc("GET /files/{file}", s.download)
	mux.HandleFunc("GET /link/", s.socket.serve)
	return mux
}

// Workspace is a workspace that installed the app.
type Workspace struct {
	ID, Domain, Name string
	BotToken         string
	BotUser, BotID   string // the bot as a user, and as a bot
}

// Workspace is the workspace with this team id; the app is installed in it.
func (s *Slack) Workspace(teamID string) Workspace {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.workspace(teamID)
}

// workspace is Workspace; s.mu is held.
func (s *Slack) workspace(teamID string) *Workspace {
	w, ok := s.workspaces[teamID]
	if !ok {
		w = &Workspace{
			ID: teamID, Domain: strings.ToLower(teamID), Name: "Workspace " + teamID,
			BotToken: "xoxb-" + random(), BotUser: s.id("U"), BotID: s.id("B"),
		}
		s.workspaces[teamID] = w
	}
	return w
}

// Uninstall removes the app from a workspace: its token is account_inactive. That
// the app is told of it is delivered apart, with [Slack.Event].
func (s *Slack) Uninstall(teamID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[s.workspace(teamID).BotToken] = "account_inactive"
}

// Revoke has a workspace's token be worth nothing from now on, and answers why in
// Slack's word; "" ends that.
func (s *Slack) Revoke(teamID, word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[s.workspace(teamID).BotToken] = word
}

// note tells those who wait that something changed; s.mu is held.
func (s *Slack) note() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// waitMax is how long Wait waits: what does not come in that time does not come.
const waitMax = 30 * time.Second

// Wait waits until ok, which is asked again whenever something was sent.
func (s *Slack) Wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitMax)
	defer cancel()
	if !s.wait(ctx, ok) {
		t.Fatalf("%s did not come in %v", what, waitMax)
	}
}

func (s *Slack) wait(ctx context.Context, ok func() bool) bool {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if ok() {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// id is an id as Slack makes them, with the letter of its kind; s.mu is held.
func (s *Slack) id(letter string) string {
	s.counter++
	return fmt.Sprintf("%s%s%05d", letter, strings.ToUpper(random()[:5]), s.counter)
}

// ts is the time of a message, which is its name in its channel; s.mu is held.
func (s *Slack) ts() string {
	s.counter++
	return fmt.Sprintf("%d.%06d", s.Now().Unix(), s.counter)
}

// random is an id that nobody else has.
func random() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return hex.EncodeToString(b)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
