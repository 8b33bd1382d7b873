// Package webhook tells those who watch over the service of alarms, by posting
// each to one address as JSON:
//
//	POST <url>
//	Content-Type: application/json
//	Idempotency-Key: alarm-5f0c…
//	X-Resetbot-Signature: sha256=<hex of HMAC-SHA-256 over the body>
//
//	{
//	  "id": "alarm-5f0c…",               the same when it is posted again
//	  "at": "2026-11-22T14:05:00Z",
//	  "alarm": "denied_by_owner",         why: a word of this program
//	  "account": "bc73bcdf-c5b5-…",       the directory's id; left out where none is known
//	  "receipt": "K7QM-2MXA",             left out where there is none
//	  "chat": "web",                      left out where there is none
//	  "text": "Alarm van de wachtwoordhulp: …"  one sentence, which chat programs show
//	}
//
// Nothing else of a person is in it. An answer of 200 to 299 says that somebody
// has it; after anything else it is posted again.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// Options are what a [Hook] is told. All but Timeout and Client are required.
type Options struct {
	URL string // https; or http for this machine alone
	// Secret is what bodies are signed with, SecretMin bytes or more.
	Secret conversation.Secret
	// Text says an alarm in one sentence.
	Text    func(conversation.Notice) string
	Timeout time.Duration // of one post; 0 is 10 s
	// Client is for tests, which trust a certificate of their own.
	Client *http.Client
}

// Hook posts alarms. It is safe for concurrent use.
type Hook struct {
	o      Options
	client *http.Client
}

var _ bot.Alarms = (*Hook)(nil)

// SecretMin is how many bytes a secret has at least.
const SecretMin = 16

// answerMax is how much of an answer is read, so that the connection can be
// used again; nobody looks at it.
const answerMax = 64 << 10

// New makes a Hook. It connects to nothing yet. Its error names everything that
// is wrong with o, and quotes nothing of it: an address may hold a secret.
func New(o Options) (*Hook, error) {
	var faults []error
	if !safe(o.URL) {
		faults = append(faults, errors.New("alarms need an address with https, or http for this machine alone"))
	}
	if len(o.Secret.Reveal()) < SecretMin {
		faults = append(faults, fmt.Errorf("alarms need a secret of %d characters or more", SecretMin))
	}
	if o.Text == nil {
		faults = append(faults, errors.New("alarms need a sentence"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	client := http.Client{}
	if o.Client != nil {
		client = *o.Client
	}
	// A redirect could lead anywhere, and a POST that becomes a GET on its way
	// could be answered with 200 by a page that took nothing.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Hook{o, &client}, nil
}

func safe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

// alarm is what is posted.
type alarm struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Alarm   string    `json:"alarm"`
	Account string    `json:"account,omitempty"`
	Receipt string    `json:"receipt,omitempty"`
	Chat    string    `json:"chat,omitempty"`
	Text    string    `json:"text"`
}

// Raise posts an alarm.
func (h *Hook) Raise(ctx context.Context, n conversation.Notice) error {
	body, err := json.Marshal(alarm{
		ID: n.ID, At: n.At.UTC().Truncate(time.Second), Alarm: n.Alarm, Account: string(n.Account),
		Receipt: n.Receipt, Chat: n.Chat, Text: h.o.Text(n),
	})
	if err != nil {
		return fmt.Errorf("writing an alarm: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.o.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("posting an alarm: %w", unquoted(err))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", n.ID)
	r.Header.Set("X-Resetbot-Signature", "sha256="+h.sign(body))
	answer, err := h.client.Do(r)
	if err != nil {
		return fmt.Errorf("posting an alarm: %w", unquoted(err))
	}
	defer func() { _ = answer.Body.Close() }()              // what it says is of no interest
	_, _ = io.CopyN(io.Discard, answer.Body, answerMax)     // and may break off
	if answer.StatusCode < 200 || answer.StatusCode > 299 { // a redirect too
		return fmt.Errorf("posting an alarm: the receiver answered %d", answer.StatusCode)
	}
	return nil
}

func (h *Hook) sign(body []byte) string {
	sum := hmac.New(sha256.New, []byte(h.o.Secret.Reveal()))
	sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}

// unquoted is an error of net/http without the address, which may hold a
// secret of the receiver's.
func unquoted(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
