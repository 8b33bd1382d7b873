package teams

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/cenkalti/backoff/v5"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"

	"resetbot/conversation"
)

// credential is as whom the bot speaks to the Bot Connector. It is safe for
// concurrent use.
type credential interface {
	// token is one that the connector takes for a while yet. It comes out of
	// memory but for the first, and when Entra ID did not give a new one in time.
	token(ctx context.Context) (string, error)
	// discard says that the connector refused a token.
	discard(token string)
}

// credentialOptions are what a credential is made of: one of
// Password, Certificate and ManagedIdentity. Client, Now and Log may be left out.
type credentialOptions struct {
	AppID    string
	TenantID string
	// TokenURL is the token endpoint; {tenant_id} in it is replaced. https, or
	// http for this machine alone. A managed identity has no use for it.
	TokenURL string
	Password conversation.Secret // the app's client secret
	// Certificate is one or more certificates, the app's own first, with its RSA
	// key, in PEM.
	Certificate     conversation.Secret
	ManagedIdentity bool
	Client          *http.Client
	Now             func() time.Time
	Log             *slog.Logger
}

// scope is what a token of a bot is for.
const scope = "https://api.botframework.com/.default"

// newCredential asks for nothing yet. Its error holds nothing of a secret.
func newCredential(o credentialOptions) (*cachedCredential, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ways := 0
	for _, there := range []bool{!o.Password.Empty(), !o.Certificate.Empty(), o.ManagedIdentity} {
		if there {
			ways++
		}
	}
	if o.AppID == "" || ways != 1 {
		return nil, errors.New("the bot needs its app id, and one of a client secret, a certificate and a managed identity")
	}
	t := &cachedCredential{now: o.Now, log: o.Log}
	if o.ManagedIdentity {
		m, err := newMachine(o)
		if err != nil {
			return nil, err
		}
		t.fetch, t.client = m.grant, m.client
		return t, nil
	}
	e, err := newEndpoint(o)
	if err != nil {
		return nil, err
	}
	t.fetch, t.client = e.grant, e.client
	return t, nil
}

// grant is a token and how long it is good for.
type grant struct {
	token   string
	expires time.Time
}

const (
	// refreshAhead is how long before its end a token is replaced, while it
	// still works; less for one that does not live that long.
	refreshAhead = 5 * time.Minute
	// tokenMargin is how long before its end a token is not used any more: it
	// has to arrive, and clocks differ.
	tokenMargin = 30 * time.Second
	// fetchPause is how long nothing is asked after an answer that was none, so
	// that an outage is not asked about once a message.
	fetchPause = 5 * time.Second
	// fetchTimeout bounds one fetch, with its repetitions.
	fetchTimeout = 20 * time.Second
	// discardPause is how long a second token that is refused is kept: then it
	// is not the token's fault, and a new one will not help.
	discardPause = time.Minute
)

// cachedCredential keeps the token that a source gave, and has it renewed: one fetch at a
// time, whoever waits for it, and ahead of its end.
type cachedCredential struct {
	fetch  func(context.Context) (grant, error)
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	flight singleflight.Group

	mu        sync.Mutex
	held      grant
	refresh   time.Time // when held is to be replaced
	err       error     // of the last fetch
	again     time.Time // no fetch before
	discarded time.Time // when a token was last thrown away
}

// close lets go of the connections that nobody uses.
func (t *cachedCredential) close() { t.client.CloseIdleConnections() }

func (t *cachedCredential) token(ctx context.Context) (string, error) {
	token, err, settled := t.known()
	if settled {
		return token, err
	}
	// Whoever comes first asks for all, so the fetch ends with nobody's ctx.
	fetched := t.flight.DoChan("", func() (any, error) { t.renew(); return nil, nil })
	if token != "" {
		return token, nil
	}
	select {
	case <-fetched:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	token, err, _ = t.known()
	return token, err
}

// known is what can be said without asking anybody: a token, if there is one
// that works, and whether that is all for now.
func (t *cachedCredential) known() (token string, err error, settled bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if now.Before(t.held.expires) {
		return t.held.token, nil, now.Before(t.refresh) || now.Before(t.again)
	}
	err = t.err
	if err == nil {
		err = errors.New("there is no token")
	}
	return "", err, t.err != nil && now.Before(t.again)
}

func (t *cachedCredential) renew() {
	if _, _, settled := t.known(); settled {
		return // somebody else's fetch ended in between
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	asked := t.now()
	g, err := t.fetch(ctx)
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err, t.again = err, now.Add(fetchPause)
	if err != nil {
		if now.Before(t.held.expires) {
			t.log.Warn("Entra ID did not renew the bot's token, which is still good", "until", t.held.expires, "error", err)
		}
		return
	}
	life := g.expires.Sub(asked)
	t.refresh = g.expires.Add(-min(refreshAhead, life/4))
	g.expires = g.expires.Add(-min(tokenMargin, life/10))
	t.held = g
}

func (t *cachedCredential) discard(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if token != t.held.token || !t.discarded.IsZero() && now.Sub(t.discarded) < discardPause {
		return
	}
	t.held, t.err, t.again, t.discarded = grant{}, nil, time.Time{}, now
}

// endpoint is the token endpoint of Entra ID, asked with a client secret or a
// certificate. Not azidentity: that finds the endpoint by itself, and operators
// say where it is (a national cloud, a proxy, a test).
type endpoint struct {
	url    string
	app    string
	secret conversation.Secret
	key    *tls.Certificate
	client *http.Client
	now    func() time.Time
}

func newEndpoint(o credentialOptions) (*endpoint, error) {
	e := &endpoint{app: o.AppID, secret: o.Password, now: o.Now}
	e.url = strings.ReplaceAll(o.TokenURL, "{tenant_id}", url.PathEscape(o.TenantID))
	u, err := url.Parse(e.url)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !onLoopback(u.Hostname())) {
		return nil, errors.New("token_url is not an address that begins with https:// (or http:// for this machine alone)")
	}
	if strings.Contains(o.TokenURL, "{tenant_id}") && !pathable(o.TenantID) {
		return nil, errors.New("token_url needs tenant_id, and there is none that could stand in an address")
	}
	if !o.Certificate.Empty() {
		if e.key, err = readCertificate(o.Certificate); err != nil {
			return nil, err
		}
	}
	client := http.Client{Transport: connectorTransport()}
	if o.Client != nil {
		client = *o.Client
	}
	// A redirect would take the secret along.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	e.client = &client
	return e, nil
}

// readCertificate reads the app's certificate and key. Whether it has expired
// is looked at when it is used: that is no reason not to start.
func readCertificate(pem conversation.Secret) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(pem.Reveal()), []byte(pem.Reveal()))
	if err != nil {
		return nil, errors.New("certificate_file is not a certificate and its key, without a password, in PEM, " +
			"the bot's own certificate before any other")
	}
	key, ok := pair.PrivateKey.(*rsa.PrivateKey)
	if !ok || key.N.BitLen() < 2048 {
		return nil, errors.New("certificate_file: the key is not RSA of 2048 bits or more, which is what Entra ID takes")
	}
	return &pair, nil
}

// grant asks for a token, thrice if need be: to ask twice does no harm.
func (e *endpoint) grant(ctx context.Context) (grant, error) {
	return backoff.Retry(ctx, func() (grant, error) {
		g, again, err := e.ask(ctx)
		if err != nil && !again {
			err = backoff.Permanent(err)
		}
		return g, err
	}, backoff.WithMaxTries(3), backoff.WithBackOff(backoff.NewExponentialBackOff()))
}

// ask asks once, and says of an error whether it is worth asking again.
func (e *endpoint) ask(ctx context.Context) (g grant, again bool, err error) {
	form, err := e.form()
	if err != nil {
		return grant{}, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, strings.NewReader(form.Encode()))
	if err != nil {
		return grant{}, false, errors.New("making a request to the token endpoint")
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Accept", "application/json")
	asked := e.now()
	a, err := e.client.Do(q)
	if err != nil {
		return grant{}, true, fmt.Errorf("reaching the token endpoint: %w", withoutAddress(err))
	}
	defer func() { _ = a.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(a.Body, connectorAnswerMax))
	if err != nil {
		return grant{}, true, fmt.Errorf("reading what the token endpoint answered: %w", withoutAddress(err))
	}
	if a.StatusCode != http.StatusOK {
		return grant{}, a.StatusCode == http.StatusTooManyRequests || a.StatusCode >= 500, refusedBy(a.StatusCode, body)
	}
	g, err = granted(body, asked)
	return g, false, err
}

// granted reads the answer of RFC 6749, 5.1.
func granted(body []byte, asked time.Time) (grant, error) {
	answer := struct {
		AccessToken string      `json:"access_token"`
		TokenType   string      `json:"token_type"`
		ExpiresIn   json.Number `json:"expires_in"` // a number, or one in quotes
	}{TokenType: "Bearer", ExpiresIn: unsaidLife}
	err := json.Unmarshal(body, &answer)
	seconds, notNumber := strconv.ParseFloat(answer.ExpiresIn.String(), 64)
	if err != nil || notNumber != nil || !(seconds >= 1) || !strings.EqualFold(answer.TokenType, "Bearer") || !tokenForm.MatchString(answer.AccessToken) {
		return grant{}, errors.New("the token endpoint answered 200 without a token; is token_url right?")
	}
	life := time.Duration(min(seconds, (24*time.Hour).Seconds()) * float64(time.Second))
	return grant{answer.AccessToken, asked.Add(life)}, nil
}

// unsaidLife is for how many seconds a token is used whose endpoint does not say.
const unsaidLife = "600"

// tokenForm is what can stand in a header: RFC 6750, 2.1. Answers are short, so
// it is too.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// assertionLife is how long a signed statement about ourselves is good for.
const assertionLife = 5 * time.Minute

func (e *endpoint) form() (url.Values, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {e.app}, "scope": {scope}}
	if e.key == nil {
		form.Set("client_secret", e.secret.Reveal())
		return form, nil
	}
	assertion, err := e.assertion()
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer") // RFC 7523, 2.2
	form.Set("client_assertion", assertion)
	return form, err
}

// assertion is RFC 7523, 3, signed as Microsoft's “Application authentication
// certificate credentials” wants it.
func (e *endpoint) assertion() (string, error) {
	now, leaf := e.now(), e.key.Leaf
	if now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		return "", fmt.Errorf("the bot's certificate is good from %s to %s only; register a new one with the app and put it into certificate_file",
			leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly))
	}
	statement := jwt.NewWithClaims(jwt.SigningMethodPS256, jwt.RegisteredClaims{
		Issuer: e.app, Subject: e.app, Audience: jwt.ClaimStrings{e.url}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(assertionLife)),
	})
	print := sha256.Sum256(leaf.Raw)
	statement.Header["x5t#S256"] = base64.RawURLEncoding.EncodeToString(print[:])
	signed, err := statement.SignedString(e.key.PrivateKey)
	if err != nil {
		return "", errors.New("signing with the bot's certificate")
	}
	return signed, nil
}

// tokenRefusal is a token endpoint's no. It says what an administrator can do,
// and nothing of what was answered but its code and its word.
type tokenRefusal struct {
	Status int
	Code   int    // of Entra ID, AADSTS…; 0 where there is none
	Word   string // of RFC 6749, 5.2
}

func (r *tokenRefusal) Error() string {
	code := r.Word
	if r.Code != 0 {
		code = strings.TrimSuffix("AADSTS"+strconv.Itoa(r.Code)+", "+r.Word, ", ")
	}
	if code == "" {
		code = "status " + strconv.Itoa(r.Status)
	}
	advice, known := adviceOf[r.Code]
	switch {
	case known:
	case r.Status >= 500 || r.Status == http.StatusTooManyRequests:
		advice = "Entra ID is busy or out of order; it is asked again by itself"
	case r.Code != 0:
		advice = "look the code up at https://login.microsoftonline.com/error"
	default:
		advice = "is token_url right?"
	}
	return "Entra ID gave no token (" + code + "): " + advice
}

// adviceOf are the errors of Microsoft's “Microsoft Entra authentication error
// codes” that a bot's own settings can cause.
var adviceOf = map[int]string{
	7000215: "the client secret is wrong; put the secret's value, not its id, into app_password_file",
	7000222: "the client secret has expired; make a new one with the app registration and put its value into app_password_file",
	7000216: "the app registration wants a secret or a certificate that was not sent; set app_password_file or certificate_file",
	7000218: "the app registration wants a secret or a certificate that was not sent; set app_password_file or certificate_file",
	700016:  "this tenant has no app with this id; compare app_id and tenant_id with the app registration",
	700027:  "the certificate is not one of the app registration's; upload it there, or put the right one into certificate_file",
	700024:  "the certificate's signature is not of now; set this machine's clock",
	7000112: "the app is disabled in this tenant; enable its enterprise application",
	7000229: "the app has no enterprise application in this tenant; create it",
	90002:   "there is no tenant with this id or name; compare tenant_id with the overview page of Entra ID",
	900023:  "tenant_id is neither the id nor a domain of a tenant",
	500011:  "this tenant does not know the Bot Framework; register the bot in Azure first",
	53003:   "a conditional access policy for workload identities refuses this machine",
	1002012: "the scope was refused; is token_url that of version 2.0?",
	70011:   "the scope was refused; is token_url that of version 2.0?",
}

var (
	aadsts   = regexp.MustCompile(`\bAADSTS([0-9]{4,9})\b`)
	wordForm = regexp.MustCompile(`^[a-z_]{1,40}$`)
)

func refusedBy(status int, body []byte) error {
	r := &tokenRefusal{Status: status}
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
	}
	if json.Unmarshal(body, &answer) == nil {
		if wordForm.MatchString(answer.Error) {
			r.Word = answer.Error
		}
		if found := aadsts.FindStringSubmatch(answer.Description); found != nil {
			r.Code, _ = strconv.Atoi(found[1]) // nine digits at the most
		} else if len(answer.Codes) > 0 {
			r.Code = answer.Codes[0]
		}
	}
	return r
}

// machine is the identity that Azure gives the machine on which this runs.
type machine struct {
	credential azcore.TokenCredential
	client     *http.Client
}

func newMachine(o credentialOptions) (*machine, error) {
	// The machine's own service is on a link-local address, and behind no proxy.
	direct := connectorTransport()
	direct.Proxy = nil
	client := &http.Client{Transport: direct}
	if o.Client != nil {
		client = o.Client
	}
	m, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{
		ID: azidentity.ClientID(o.AppID), // a bot's app id is its identity's client id
		ClientOptions: azcore.ClientOptions{
			Transport: client,
			Retry:     policy.RetryOptions{MaxRetries: 2, RetryDelay: 500 * time.Millisecond, TryTimeout: tryTimeout},
			Telemetry: policy.TelemetryOptions{Disabled: true},
		},
	})
	if err != nil {
		return nil, errors.New("this machine has no place for managed identities of its own")
	}
	return &machine{m, client}, nil
}

func (m *machine) grant(ctx context.Context) (grant, error) {
	t, err := m.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err == nil && tokenForm.MatchString(t.Token) {
		return grant{t.Token, t.ExpiresOn}, nil
	}
	// azidentity's own text quotes the whole answer.
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) && failed.RawResponse != nil {
		return grant{}, fmt.Errorf("the managed identity of this machine gave no token: it answered %d; "+
			"is the bot's identity, whose client id is app_id, assigned to this machine?", failed.RawResponse.StatusCode)
	}
	return grant{}, errors.New("no managed identity answers on this machine; does it run in Azure, with the bot's identity assigned to it?")
}
