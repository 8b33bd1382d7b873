// Package teamstest is Microsoft's side of a chat in Teams, for tests: the keys
// that activities are signed with, the token endpoint of Entra ID, and the Bot
// Connector, on one address of this machine.
//
//	cloud := teamstest.Start(t)
//	… service_url_hosts: [cloud.Host], openid_metadata_url: cloud.MetadataURL, token_url: cloud.TokenURL …
//	anna := cloud.Person(teamstest.Person{UPN: "anna@example.org"})
//	answer, err := cloud.Deliver(ctx, "http://127.0.0.1:3978/api/messages", cloud.Message(anna, "reset"))
//	cloud.Wait(t, "an answer", func() bool { return len(cloud.Screen(anna.Conversation)) > 0 })
//
// What is sent to the connector is judged by Microsoft's published description
// of it (see judge.go); a request that breaks it fails the test. What goes wrong
// is asked for: see [Trouble].
//
// It knows the protocol and nothing of the service.
package teamstest

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options are what a cloud is made of; all may be left out.
type Options struct {
	AppID  string // of the bot
	Tenant string
	Secret string // the app's client secret
	// Certificate is one that the app may sign with instead.
	Certificate *x509.Certificate
	// InMemory is a network within the process, which [Cloud.Client] alone
	// reaches: for tests in a bubble of testing/synctest, where a connection to
	// an address would stop the clock.
	InMemory bool
	// Limits has the connector refuse with 429 what is more than Microsoft allows.
	Limits bool
	Now    func() time.Time
	// Fault takes what is wrong with a request; nil is the test's own Errorf.
	Fault func(string)
}

// Cloud is Microsoft's side. It is safe for concurrent use, and closed by the
// test that started it.
type Cloud struct {
	Options
	// Host is host:port of all of it, and the rest are addresses for a
	// configuration; TokenURL holds {tenant_id}.
	Host, MetadataURL, TokenURL, ServiceURL string
	// IdentityURL gives tokens as Azure App Service gives them to the managed
	// identity of a machine; IdentityHeader is what it wants to be told.
	IdentityURL, IdentityHeader string

	client *http.Client
	judge  *judge

	mu       sync.Mutex
	changed  chan struct{} // closed and made anew at each change
	fetched  Fetched
	keys     []*Key // that are published
	signer   *Key
	made     int                  // keys
	granted  map[string]time.Time // tokens, and until when
	lifetime time.Duration
	seen     map[string]bool // assertions
	people   []Person
	blocked  map[string]string // conversations, and the word for why
	requests []Request
	screens  map[string][]Shown
	last     string // the last id
	counter  int
	next     map[Part][]Trouble
	broken   map[Part]Trouble
	reorder  *reorder
	arrived  map[string][]time.Time
}

// Start starts a cloud with everything left out.
func Start(t testing.TB) *Cloud { return StartWith(t, Options{}) }

// StartWith starts a cloud.
func StartWith(t testing.TB, o Options) *Cloud {
	t.Helper()
	fill := func(s *string, with string) {
		if *s == "" {
			*s = with
		}
	}
	fill(&o.AppID, "5f2b8a34-8f3f-4c55-9c1b-0d5a5a1e7c10")
	fill(&o.Tenant, "0c3f9f1e-7a52-4a6e-9d7b-3f6b1c2d4e5f")
	fill(&o.Secret, random())
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Fault == nil {
		o.Fault = func(what string) { t.Errorf("sent to the connector: %s", what) }
	}
	c := &Cloud{
		Options: o, changed: make(chan struct{}), granted: map[string]time.Time{}, lifetime: time.Hour, seen: map[string]bool{},
		blocked: map[string]string{}, screens: map[string][]Shown{}, next: map[Part][]Trouble{}, broken: map[Part]Trouble{},
		arrived: map[string][]time.Time{}, IdentityHeader: random(), judge: newJudge(t),
	}
	c.signer = c.NewKey("msteams")
	c.keys = []*Key{c.signer}
	c.listen(t)
	base := "http://" + c.Host
	c.MetadataURL = base + "/v1/.well-known/openidconfiguration"
	c.TokenURL = base + "/{tenant_id}/oauth2/v2.0/token"
	c.ServiceURL = base + "/emea/"
	c.IdentityURL = base + "/msi/token"
	return c
}

func (c *Cloud) listen(t testing.TB) {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	var listener net.Listener
	if c.InMemory {
		pipes := newPipes()
		listener, transport.DialContext = pipes, pipes.dial
		c.Host = "127.0.0.1:3979"
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener, c.Host = l, l.Addr().String()
	}
	c.client = &http.Client{Transport: transport}
	server := &http.Server{Handler: c.routes(), ReadHeaderTimeout: time.Minute, ErrorLog: quiet()}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	})
}

// Client reaches the cloud, in memory too; and nothing else in memory.
func (c *Cloud) Client() *http.Client { return c.client }

// Fetched counts what was asked for.
type Fetched struct{ Metadata, Keys, Tokens int }

// Fetched is how often what was asked for, whatever the answer was.
func (c *Cloud) Fetched() Fetched {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fetched
}

func (c *Cloud) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/.well-known/openidconfiguration", c.part(Metadata, c.metadata))
	mux.HandleFunc("GET /v1/.well-known/keys", c.part(Keys, c.keySet))
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", c.part(Tokens, c.grant))
	mux.HandleFunc("GET /msi/token", c.part(Tokens, c.identity))
	connector := c.part(Connector, c.connector)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/emea/") {
			connector(w, r) // a mux would clean the paths that it is to be judged by
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// note tells those who wait that something changed; c.mu is held.
func (c *Cloud) note() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// waitMax is how long Wait waits: what does not come in that time does not come.
const waitMax = 30 * time.Second

// Wait waits until ok, which is asked again whenever something was sent.
func (c *Cloud) Wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.NewTimer(waitMax)
	defer end.Stop()
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-end.C:
			t.Fatalf("%s did not come in %v", what, waitMax)
		}
	}
}

// random is an id that nobody else has.
func random() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return hex.EncodeToString(b)
}
