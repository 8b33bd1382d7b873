package teams

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"resetbot/conversation"
)

// What is tested of the way out.
type (
	Reference   = reference
	Message     = message
	SendFailure = sendFailure
)

var (
	Later   error // of no kind
	Never   = errNever
	Refused = errRefused
	Gone    = errGone
)

type Connector struct{ c *connector }

type ConnectorOptions struct {
	AppID      string
	Credential Credential
	Hosts      []string
	Client     *http.Client
	Now        func() time.Time
	Log        *slog.Logger
}

func NewConnector(o ConnectorOptions) Connector {
	return Connector{newConnector(connectorOptions{
		AppID: o.AppID, Credential: o.Credential.of, Hosts: o.Hosts, Client: o.Client, Now: o.Now, Log: o.Log,
	})}
}

func (c Connector) Send(ctx context.Context, to Reference, m Message) (string, error) {
	return c.c.send(ctx, to, m)
}

func (c Connector) Update(ctx context.Context, to Reference, id string, m Message) error {
	return c.c.update(ctx, to, id, m)
}

func (c Connector) Typing(ctx context.Context, to Reference) error { return c.c.typing(ctx, to) }

func (c Connector) Member(ctx context.Context, to Reference) (string, error) {
	return c.c.member(ctx, to)
}

func (c Connector) Create(ctx context.Context, serviceURL, bot, tenant, objectID string) (Reference, error) {
	return c.c.create(ctx, serviceURL, bot, tenant, objectID)
}

func (c Connector) Close() { c.c.close() }

// Base is where a serviceUrl leads.
func (c Connector) Base(serviceURL string) (string, error) { return c.c.base(serviceURL) }

// Judge says what an answer means.
func (c Connector) Judge(status int, retryAfter, body string) *SendFailure {
	return c.c.judge(status, http.Header{"Retry-After": {retryAfter}}, []byte(body))
}

// LanesMax is how many conversations are remembered, and as many again.
const LanesMax = lanesMax

// Pace is what keeps to the limits, by itself.
type Pace struct{ p *pace }

func NewPace(now func() time.Time) Pace { return Pace{newPace(now)} }

func (p Pace) Wait(ctx context.Context, conversation, tenant string) error {
	return p.p.wait(ctx, conversation, tenant)
}

// Lanes is how many conversations are remembered.
func (p Pace) Lanes() int { return len(p.p.conversations.young) + len(p.p.conversations.old) }

type Credential struct{ of *cachedCredential }

type CredentialOptions struct {
	AppID, TenantID, TokenURL string
	Secret, Certificate       string
	ManagedIdentity           bool
	Client                    *http.Client
	Now                       func() time.Time
	Log                       *slog.Logger
}

func NewCredential(o CredentialOptions) (Credential, error) {
	secret := func(text string) (s conversation.Secret) {
		if text != "" {
			s = conversation.NewSecret(text)
		}
		return s
	}
	t, err := newCredential(credentialOptions{
		AppID: o.AppID, TenantID: o.TenantID, TokenURL: o.TokenURL, Password: secret(o.Secret), Certificate: secret(o.Certificate),
		ManagedIdentity: o.ManagedIdentity, Client: o.Client, Now: o.Now, Log: o.Log,
	})
	return Credential{t}, err
}

func (c Credential) Token(ctx context.Context) (string, error) { return c.of.token(ctx) }

func (c Credential) Close() { c.of.close() }

func (c Credential) Discard(token string) { c.of.discard(token) }

// Lane is one conversation or tenant, by itself.
type Lane struct{ l *lane }

func NewLane(n int, d time.Duration) Lane { return Lane{&lane{windows: []window{{n, d}}}} }

// Reserve is the time of the next that may be sent.
func (l Lane) Reserve(now time.Time) time.Time {
	at := l.l.next(now)
	l.l.count(now, at)
	return at
}

func (l Lane) GiveBack(at time.Time) { l.l.giveBack(at) }
