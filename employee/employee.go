// Package employee plays an employee who forgot the password, as a program: a
// client for tests, for benchmarks, and for trying a service by hand.
//
// It knows what a person knows, and imports nothing of the service:
//
//	/chat                             the chat: pages of HTML, with forms, buttons and links
//	/p/{token}                        the one-time page on which a password is typed; the chat links to it
//	GET  /demo/phone/{number}         what came on a telephone, as JSON, oldest first: a list of
//	                                  {id, at, kind: sms|call|notification|mail, text, code, number, state}
//	POST /demo/phone/{number}/{id}    {"press":"#"}, {"approve":"42"}, {"deny":true} or {"hangup":true}
//	POST /demo/signin                 {"user":"…","password":"…"} → {"ok":true}
//
// Numbers are in E.164, their + written %2B. An authenticator app is RFC 6238.
//
// A [Window] is a browser without JavaScript, and no more patient than one: it
// keeps cookies, says where its forms come from, follows redirects, looks again
// at pages that pass by themselves, does not send a form whose required fields
// are empty, and takes Enter for the first button of a form. [Reset] is the whole
// way to a new password; its parts are methods of Window, for who has other plans.
package employee

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// Person is who is played.
type Person struct {
	User   string // what is typed for a name: a mail address or a user name
	Mobile string // as it is typed: 0612345678
	Number string // of the telephone, in E.164: +31612345678
	Secret string // of the authenticator app, base32; empty for who has none
	// Language is what the browser asks for, and whose buttons are looked for:
	// nl, or en; empty is nl.
	Language string
	// From is the address that the person comes from, where the service trusts
	// this machine to tell (X-Forwarded-For), as it does a proxy; empty: from here.
	From string
	// Read reads the characters in a picture (PNG); nil for who is never asked to.
	Read func(picture []byte) (string, error)
	// Via carries what the person's browser asks, for who wants to see it pass; nil
	// is http.DefaultTransport.
	Via http.RoundTripper
}

// Method is one of the four ways to prove who one is.
type Method int

// The methods.
const (
	SMS          Method = iota // a text message with a code
	Call                       // a call: answered, and # pressed
	Notification               // of the app, with two digits to type
	AppCode                    // six digits that the app shows
)

// App is what an authenticator app shows at a moment: six digits that change
// every 30 seconds (RFC 6238). secret is base32.
func App(secret string, at time.Time) (code string, err error) {
	if code, err = totp.GenerateCode(secret, at); err != nil {
		return "", fmt.Errorf("reading the authenticator app: %w", err)
	}
	return code, nil
}

// SignIn tries a password as the work station would.
func SignIn(ctx context.Context, base, user, password string) (ok bool, err error) {
	var answer struct {
		OK bool `json:"ok"`
	}
	ask := map[string]string{"user": user, "password": password}
	if err := exchange(ctx, http.MethodPost, base+"/demo/signin", ask, &answer); err != nil {
		return false, fmt.Errorf("signing in: %w", err)
	}
	return answer.OK, nil
}

// How long something is waited for, and how often it is looked for. A call may
// ring for a minute.
const (
	patience = 75 * time.Second
	glance   = 50 * time.Millisecond
)

// errWait is an end of patience.
var errWait = errors.New("it did not come")

// wait calls look every now and then, until it is true.
func wait(ctx context.Context, look func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errWait)
	defer cancel()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		found, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil || found:
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// mostRead bounds what is read of an answer.
const mostRead = 8 << 20

// exchange sends JSON, and reads JSON. A nil value is sent as no body.
func exchange(ctx context.Context, method, address string, send, to any) error {
	var body io.Reader
	if send != nil {
		data, err := json.Marshal(send)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostRead))
	if err != nil {
		return err
	}
	switch answer.StatusCode {
	case http.StatusOK:
		return json.Unmarshal(text, to)
	case http.StatusConflict:
		return ErrOver
	}
	return fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(text)))
}
