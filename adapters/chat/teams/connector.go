package teams

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/cenkalti/backoff/v5"
	"github.com/infracloudio/msbotbuilder-go/connector/auth"
	"github.com/infracloudio/msbotbuilder-go/core"
	library "github.com/infracloudio/msbotbuilder-go/core/activity"
	"github.com/infracloudio/msbotbuilder-go/schema"
)

// connectorOptions are what a connector is told. Client, Now and Log may be
// left out.
type connectorOptions struct {
	AppID      string
	Credential credential
	// Hosts are where anything may be sent, as host or host:port; without a port
	// it is the scheme's own. The scheme is https; http for this machine alone.
	Hosts   []string
	Unpaced bool // limits are the platform's own affair
	Client  *http.Client
	Now     func() time.Time
	Log     *slog.Logger
}

// connector sends to the Bot Connector, which is Teams to a bot. It is safe for
// concurrent use.
//
// The address to which something goes came with an activity, so it is held
// against the hosts of the configuration each time, before the token is asked
// for; and the token follows no redirect.
//
// What may have been taken is not sent again here, so that a page is not shown
// twice for every hiccup; who asked sends it again, later (at least once):
//
//	the connection broke before there was one    tried again here
//	after that, an update or a question          tried again here: it has the same effect twice
//	after that, a new message                    sendFailure.Unsure: it may be on the screen, and may not
//	taken, and the answer broke off              sent; without its id, it can only not be changed any more
type connector struct {
	app    string
	as     credential
	hosts  []string
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	pace   *pace
}

const (
	// tryTimeout is how long one request may take, with its answer: a message
	// that was not sent for so long is better sent again.
	tryTimeout = 10 * time.Second
	// triesMax is how often one thing is tried, back-off between; then whoever
	// asked for it decides.
	triesMax = 5
	// connectorAnswerMax is how much of an answer is read.
	connectorAnswerMax = 64 << 10
	// retryAfterMax is how long the platform is believed to want to be left alone.
	retryAfterMax = time.Hour
)

func newConnector(o connectorOptions) *connector {
	c := &connector{app: o.AppID, as: o.Credential, hosts: o.Hosts, now: o.Now, log: o.Log}
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	client := http.Client{Transport: connectorTransport()}
	if o.Client != nil {
		client = *o.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Jar = nil
	c.client, c.pace = &client, newPace(c.now)
	if o.Unpaced {
		c.pace.lift()
	}
	return c
}

// connectorTransport keeps connections to the one host there is: a connection
// of TLS costs more than all the rest of a message.
func connectorTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    64,
		MaxConnsPerHost:        128,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  tryTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		// A connection whose other end is gone would swallow messages for minutes.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// close lets go of the connections that nobody uses.
func (c *connector) close() { c.client.CloseIdleConnections() }

// message is what a person sees: one of Text and Card, because Teams makes two
// messages of both and gives the id of neither.
type message struct {
	Text    string          // shown as it is, without Markdown
	Card    json.RawMessage // an Adaptive Card
	Summary string          // what a notification shows of a card
}

// activity is m as the library has it.
func (m message) activity(turn *library.TurnContext) (schema.Activity, error) {
	if (m.Text == "") == (len(m.Card) == 0) {
		return schema.Activity{}, fmt.Errorf("%w: it is either a text or a card", errRefused)
	}
	a, err := turn.SendActivity() // nothing yet: from whom, to whom
	if m.Text != "" {
		a.Text, a.TextFormat = m.Text, schema.PLAIN
		return a, err
	}
	a.Summary = m.Summary
	a.Attachments = []schema.Attachment{{ContentType: cardType, Content: m.Card}}
	return a, err
}

const cardType = "application/vnd.microsoft.card.adaptive"

// send sends a message and returns the platform's id of it, by which it can be
// changed. The id is empty where the platform took the message and did not say.
func (c *connector) send(ctx context.Context, to reference, m message) (string, error) {
	return c.post(ctx, to, m.activity)
}

// typing shows that something is being done. It waits for nothing and is not
// tried twice: where a limit is reached it is left out.
func (c *connector) typing(ctx context.Context, to reference) error {
	_, err := c.post(ctx, to, func(turn *library.TurnContext) (schema.Activity, error) {
		a, err := turn.SendActivity()
		a.Type = schema.Typing
		return a, err
	})
	return err
}

func (c *connector) post(ctx context.Context, to reference, say func(*library.TurnContext) (schema.Activity, error)) (string, error) {
	k := &call{connector: c, ctx: ctx, to: to}
	err := k.adapter().ProactiveMessage(ctx, k.reference(), library.HandlerFuncs{OnMessageFunc: say})
	return k.id, k.told(err)
}

// update puts m in the place of what was sent as id.
func (c *connector) update(ctx context.Context, to reference, id string, m message) error {
	k := &call{connector: c, ctx: ctx, to: to}
	turn := library.ApplyConversationReference(schema.Activity{Type: schema.Message}, k.reference(), true)
	a, err := m.activity(&library.TurnContext{Activity: turn})
	if err != nil {
		return err
	}
	if !pathable(id) {
		return fmt.Errorf("sending to Teams: %w: its id could not stand in an address", errGone)
	}
	a.ID = id
	return k.told(k.adapter().UpdateActivity(ctx, a))
}

// call is one activity on its way through the library, whose client.Client has
// no place for a context, and none for what the platform answers.
type call struct {
	connector *connector
	ctx       context.Context
	to        reference
	id        string // of what was sent
	err       error  // as it was, before the library put its words around it
}

// adapter is the library's, with nothing in it that would be the library's own
// way to send, or to believe.
func (k *call) adapter() *core.BotFrameworkAdapter {
	return &core.BotFrameworkAdapter{
		AdapterSetting: core.AdapterSetting{
			AppID: k.connector.app, ChannelService: auth.ChannelService,
			CredentialProvider: auth.SimpleCredentialProvider{AppID: k.connector.app},
		},
		Client: k,
	}
}

func (k *call) reference() schema.ConversationReference {
	bot := k.to.Bot
	if bot == "" {
		bot = "28:" + k.connector.app
	}
	return schema.ConversationReference{
		ChannelID: teamsChannel, ServiceURL: k.to.ServiceURL,
		User: schema.ChannelAccount{ID: k.to.User}, Bot: schema.ChannelAccount{ID: bot},
		Conversation: schema.ConversationAccount{ID: k.to.Conversation, TenantID: k.to.Tenant},
	}
}

func (k *call) told(err error) error {
	if k.err != nil {
		return k.err
	}
	return err
}

// Post, Put and Delete are the library's client.Client. What it says of the
// address is not used: it puts ids into a path as they are, and cleans that path
// afterwards, so that an id with dots and slashes leads elsewhere.
func (k *call) Post(_ url.URL, a schema.Activity) error { return k.carry(http.MethodPost, a) }

func (k *call) Put(_ url.URL, a schema.Activity) error { return k.carry(http.MethodPut, a) }

func (k *call) Delete(url.URL, schema.Activity) error { return errors.New("nothing is ever deleted") }

func (k *call) carry(method string, a schema.Activity) error {
	k.id, k.err = k.connector.carry(k.ctx, k.to, method, a)
	return k.err
}

func (c *connector) carry(ctx context.Context, to reference, method string, a schema.Activity) (string, error) {
	r := request{
		method: method, path: []string{to.Conversation, "activities"},
		service: to.ServiceURL, conversation: to.Conversation, tenant: to.Tenant,
		repeatable: method == http.MethodPut, fleeting: a.Type == schema.Typing,
	}
	if method == http.MethodPut {
		r.path = append(r.path, a.ID)
	}
	body, err := written(a)
	if err != nil {
		return "", err
	}
	r.body = body
	answer, err := c.perform(ctx, r)
	if err != nil {
		return "", err
	}
	var resource struct {
		ID string `json:"id"`
	}
	// An answer that breaks off is no reason to send again what was taken.
	if err := json.Unmarshal(answer, &resource); err != nil || !pathable(resource.ID) {
		return "", nil
	}
	return resource.ID, nil
}

// outgoing is what of an activity is sent. The library's own has times and
// objects that are sent although there is nothing in them.
type outgoing struct {
	Type         schema.ActivityTypes   `json:"type"`
	ID           string                 `json:"id,omitempty"`
	ChannelID    string                 `json:"channelId"`
	From         party                  `json:"from"`
	Recipient    party                  `json:"recipient,omitzero"`
	Conversation party                  `json:"conversation"`
	TextFormat   schema.TextFormatTypes `json:"textFormat,omitempty"`
	Text         string                 `json:"text,omitempty"`
	Summary      string                 `json:"summary,omitempty"`
	ChannelData  *channelData           `json:"channelData,omitempty"`
}

type party struct {
	ID       string `json:"id"`
	TenantID string `json:"tenantId,omitempty"`
}

type channelData struct {
	Tenant party `json:"tenant"`
}

func tenantData(id string) *channelData {
	if id == "" {
		return nil
	}
	return &channelData{party{ID: id}}
}

// written is a as it is sent.
func written(a schema.Activity) ([]byte, error) {
	body, err := encoded(outgoing{
		Type: a.Type, ID: a.ID, ChannelID: a.ChannelID,
		From: party{ID: a.From.ID}, Recipient: party{ID: a.Recipient.ID},
		Conversation: party{a.Conversation.ID, a.Conversation.TenantID},
		TextFormat:   a.TextFormat, Text: a.Text, Summary: a.Summary,
		ChannelData: tenantData(a.Conversation.TenantID),
	})
	if err != nil || len(a.Attachments) == 0 {
		return body, err
	}
	// A card is ours and can be long, with a picture in it: it is put in as it
	// is, and not read and written once more.
	card, ok := a.Attachments[0].Content.(json.RawMessage)
	if !ok || !bytes.HasPrefix(card, []byte("{")) || !bytes.HasSuffix(card, []byte("}")) {
		return nil, fmt.Errorf("%w: a card is an object of JSON", errRefused)
	}
	body = append(bytes.TrimSuffix(body, []byte("}\n")), `,"attachments":[{"contentType":"`+cardType+`","content":`...)
	return append(append(body, card...), "}]}"...), nil
}

func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing what is sent to Teams: %w", err)
	}
	return b.Bytes(), nil
}

// member asks for the user principal name of the person to is about. The
// platform answers for whom it was asked, or it is an error.
func (c *connector) member(ctx context.Context, to reference) (string, error) {
	answer, err := c.perform(ctx, request{
		method: http.MethodGet, path: []string{to.Conversation, "members", to.User},
		service: to.ServiceURL, tenant: to.Tenant, repeatable: true, whole: true,
	})
	if err != nil {
		return "", err
	}
	// aadObjectId is called objectId by some of the platform's servers.
	var who struct{ ID, AADObjectID, ObjectID, TenantID, UserPrincipalName string }
	if err := json.Unmarshal(answer, &who); err != nil {
		return "", errors.New("asking Teams who somebody is: the answer is not understood")
	}
	same := who.ID == to.User ||
		strings.EqualFold(who.AADObjectID, to.User) || strings.EqualFold(who.ObjectID, to.User)
	if !same || who.UserPrincipalName == "" || who.TenantID != "" && !strings.EqualFold(who.TenantID, to.Tenant) {
		return "", errors.New("asking Teams who somebody is: the answer is about somebody else")
	}
	return who.UserPrincipalName, nil
}

// create opens the chat with somebody who has the app, known by the object id
// of the directory. Where there is one already it is that one.
func (c *connector) create(ctx context.Context, serviceURL, bot, tenant, objectID string) (reference, error) {
	if bot == "" {
		bot = "28:" + c.app
	}
	to := reference{ServiceURL: serviceURL, Bot: bot, User: objectID, Tenant: tenant}
	body, err := encoded(struct {
		IsGroup     bool         `json:"isGroup"`
		Bot         party        `json:"bot"`
		Members     []party      `json:"members"`
		TenantID    string       `json:"tenantId"`
		ChannelData *channelData `json:"channelData,omitempty"`
	}{false, party{ID: bot}, []party{{ID: objectID}}, tenant, tenantData(tenant)})
	if err != nil {
		return reference{}, err
	}
	answer, err := c.perform(ctx, request{
		method: http.MethodPost, service: serviceURL, body: body, conversation: objectID, tenant: tenant,
		repeatable: true, whole: true,
	})
	if err != nil {
		return reference{}, err
	}
	var made struct{ ID, ServiceURL string }
	if err := json.Unmarshal(answer, &made); err != nil || !pathable(made.ID) {
		return reference{}, errors.New("opening a chat: the answer is not understood")
	}
	if c.reaches(made.ServiceURL) {
		to.ServiceURL = made.ServiceURL
	}
	to.Conversation = made.ID
	return to, nil
}

// request is one thing to be done over HTTP.
type request struct {
	method  string
	service string   // the serviceUrl of an activity
	path    []string // the ids and words behind /v3/conversations
	body    []byte
	// Whose limits it counts against; conversation is empty where it does not
	// send anything.
	conversation, tenant string
	repeatable           bool // twice has the same effect as once
	whole                bool // of no use without its answer
	fleeting             bool // left out where a limit is reached, and not tried twice
}

// perform has r done: within the limits, as often as it takes, and as long as
// ctx lasts.
func (c *connector) perform(ctx context.Context, r request) ([]byte, error) {
	target, err := c.address(r)
	if err != nil {
		return nil, err
	}
	if r.fleeting && !c.pace.take(r.conversation, r.tenant) {
		return nil, nil
	}
	pause := backoff.NewExponentialBackOff() // half a second; then half as long again, give or take half of it
	renewed := false
	for try := 1; ; try++ {
		if !r.fleeting {
			if err := c.pace.wait(ctx, r.conversation, r.tenant); err != nil {
				return nil, err
			}
		}
		token, err := c.as.token(ctx)
		if err != nil {
			return nil, &sendFailure{err: fmt.Errorf("asking for a token: %w", err)}
		}
		answer, failed := c.exchange(ctx, r, target, token)
		if failed == nil {
			return answer, nil
		}
		if failed.Status == http.StatusUnauthorized && !renewed {
			renewed = true
			c.as.discard(token)
			c.log.WarnContext(ctx, "Teams refused a token; another is asked for", "code", failed.Code)
			continue
		}
		c.pace.hold(r.conversation, failed.After)
		wait := max(failed.After.Sub(c.now()), 0) // a time that was not said is long past
		if !failed.again || r.fleeting || try >= triesMax || !sleep(ctx, wait+pause.NextBackOff()) {
			return nil, failed
		}
	}
}

// exchange is one request and what became of it.
func (c *connector) exchange(ctx context.Context, r request, target, token string) ([]byte, *sendFailure) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	// Once there is a connection nobody can tell what went through it: a request
	// can be taken although its last byte was never reported as written.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	q, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, &sendFailure{err: errors.New("making a request")}
	}
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Accept", "application/json")
	if r.body != nil {
		q.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	a, err := c.client.Do(q)
	if err != nil {
		unsure := connected.Load() && !r.repeatable
		return nil, &sendFailure{again: !unsure, Unsure: unsure, err: withoutAddress(err)}
	}
	defer func() { _ = a.Body.Close() }() // all that matters was read
	answer, err := io.ReadAll(io.LimitReader(a.Body, connectorAnswerMax))
	_, _ = io.CopyN(io.Discard, a.Body, connectorAnswerMax) // so that the connection can be used again
	failed := c.judge(a.StatusCode, a.Header, answer)
	if failed == nil && r.whole && err != nil {
		failed = &sendFailure{again: r.repeatable, err: fmt.Errorf("reading an answer: %w", withoutAddress(err))}
	}
	return answer, failed
}

// What a caller has to tell apart of an error. Any other one may work in a
// while: not before sendFailure.After, where that is set.
var (
	// errNever: nobody is there any more: blocked, removed, deleted.
	errNever = errors.New("nobody is there any more")
	// errRefused: this message is not taken as it is. A card's words can be sent
	// as plain text; if that is refused too there is nothing left.
	errRefused = errors.New("the message is not taken as it is")
	// errGone: what was to be changed is not there any more.
	errGone = errors.New("the message is not there any more")
)

// sendFailure is why something did not reach Teams. Its text holds no id, no
// token, and nothing of what was to be sent or was answered.
type sendFailure struct {
	Kind   error     // one of the above, or nil
	Status int       // the answer's; 0 where there was none
	Code   string    // the platform's word for it, where it gave one
	After  time.Time // when it is worth trying again, where the platform said so
	Unsure bool      // it may have been taken all the same
	again  bool      // worth another try at once
	err    error
}

// Is reports whether target is f's kind.
func (f *sendFailure) Is(target error) bool { return f.Kind != nil && target == f.Kind }

func (f *sendFailure) Error() string {
	text := "sending to Teams: "
	switch {
	case f.err != nil:
		text += f.err.Error()
	case f.Code != "":
		text += fmt.Sprintf("it answered %d (%s)", f.Status, f.Code)
	default:
		text += fmt.Sprintf("it answered %d", f.Status)
	}
	if f.Unsure {
		text += " (it may have been taken)"
	}
	return text
}

func (f *sendFailure) Unwrap() error { return f.err }

// The platform's words for what a status alone does not tell, from the table in
// Microsoft's “Messages in bot conversations”. They stand in error.code, or in a
// text within a text that is JSON again; so they are looked for anywhere.
var (
	blockedWords = []string{"ConversationBlockedByUser", "BotNotInConversationRoster", "BotDisabledByAdmin", "MessageWritesBlocked"}
	missingWords = []string{"ConversationNotFound", "MemberNotFoundInConversation"}
	goneWords    = []string{"ActivityNotFoundInConversation"}
)

// judge says what an answer means; nil is: taken.
func (c *connector) judge(status int, header http.Header, answer []byte) *sendFailure {
	if status >= 200 && status <= 299 {
		return nil
	}
	f := &sendFailure{Status: status, Code: codeOf(answer), After: retryAfter(header, c.now())}
	is := func(kind error, words []string) {
		for _, word := range words {
			if bytes.Contains(answer, []byte(word)) {
				f.Kind, f.Code = kind, word
			}
		}
	}
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		f.Kind = errRefused
	case http.StatusForbidden:
		is(errNever, blockedWords)
	case http.StatusNotFound:
		is(errNever, missingWords)
		is(errGone, goneWords)
	case http.StatusPreconditionFailed, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		f.again = true
	}
	return f
}

var codeForm = regexp.MustCompile(`^[A-Za-z]{1,60}$`)

// codeOf is the platform's word for an error, if it is one.
func codeOf(answer []byte) string {
	var e struct{ Error struct{ Code string } }
	if json.Unmarshal(answer, &e) != nil || !codeForm.MatchString(e.Error.Code) {
		return ""
	}
	return e.Error.Code
}

// retryAfter reads the header of RFC 9110, 10.2.3: seconds, or a date.
func retryAfter(header http.Header, now time.Time) time.Time {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return time.Time{}
	}
	at, err := http.ParseTime(value)
	if seconds, notNumber := strconv.ParseFloat(value, 64); notNumber == nil {
		seconds = min(max(seconds, 0), retryAfterMax.Seconds())
		at, err = now.Add(time.Duration(seconds*float64(time.Second))), nil
	}
	if err != nil {
		return time.Time{}
	}
	if latest := now.Add(retryAfterMax); at.After(latest) {
		at = latest
	}
	return at
}

// address is where r goes, if that is one of the hosts.
func (c *connector) address(r request) (string, error) {
	base, err := c.base(r.service)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(base + "/v3/conversations")
	for _, part := range r.path {
		if !pathable(part) {
			return "", fmt.Errorf("sending to Teams: %w: an id could not stand in an address", errNever)
		}
		b.WriteString("/" + url.PathEscape(part))
	}
	return b.String(), nil
}

// errForeign is a serviceUrl that is not in the configuration.
var errForeign = errors.New("sending to Teams: the address that came with an activity is not one of service_url_hosts")

// reaches reports whether anything is sent to a serviceUrl.
func (c *connector) reaches(serviceURL string) bool {
	_, err := c.base(serviceURL)
	return err == nil
}

// servicePath is a path whose parts can be nothing but names.
var servicePath = regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?$`)

// base is a serviceUrl without its last slash, if its host is one of ours.
func (c *connector) base(serviceURL string) (string, error) {
	u, err := url.Parse(serviceURL)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(serviceURL, "#") ||
		u.RawPath != "" || !servicePath.MatchString(u.Path) || strings.HasSuffix(u.Host, ":") {
		return "", errForeign
	}
	name, port, standard := strings.ToLower(u.Hostname()), u.Port(), "443"
	if u.Scheme == "http" && onLoopback(name) {
		standard = "80"
	} else if u.Scheme != "https" {
		return "", errForeign
	}
	if port == "" {
		port = standard
	}
	for _, host := range c.hosts {
		allowed, itsPort, err := net.SplitHostPort(host)
		if err != nil {
			allowed, itsPort = strings.Trim(host, "[]"), standard
		}
		if name == strings.ToLower(allowed) && port == itsPort {
			return u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimSuffix(u.Path, "/"), nil
		}
	}
	return "", errForeign
}

// onLoopback reports whether only this machine can reach a host.
func onLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// idMax is more than any id of Teams has.
const idMax = 1024

// pathable reports whether an id can be a part of a path. Dots and backslashes
// are escaped by nobody, or not by everybody: they could climb out of it.
func pathable(id string) bool {
	return id != "" && len(id) <= idMax && id != "." && !strings.Contains(id, "..") && !strings.Contains(id, `\`) &&
		!strings.ContainsFunc(id, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
}

// withoutAddress is an error of net/http without the address, which holds ids
// of people.
func withoutAddress(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// sleep waits for d, and reports whether ctx lasted. It does not begin where
// ctx cannot last.
func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
