package slacktest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SignedRequest is a request with a signature, right or wrong, for who checks
// them to judge.
type SignedRequest struct {
	Name   string
	Header http.Header
	Body   []byte
	// Good is that it must be taken.
	Good bool
	// Bolt, of one that is not good, is that Slack's own framework takes it: it is
	// stricter to refuse it.
	Bolt bool
}

// Request is the request, to an address.
func (r SignedRequest) Request(ctx context.Context, url string) (*http.Request, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("making %s: %w", r.Name, err)
	}
	q.Header = r.Header.Clone()
	return q, nil
}

const (
	signatureHeader = "X-Slack-Signature"
	timestampHeader = "X-Slack-Request-Timestamp"
)

// SignedRequests are requests to an app with this signing secret, made now. Slack's
// own verification judges them in this package's tests; an app's is to be at least
// as strict: it takes the good ones, and none of those that Bolt refuses.
func SignedRequests(secret string, now time.Time) []SignedRequest {
	form := []byte("command=%2Fwachtwoord&user_id=U1&team_id=T1&trigger_id=1.2.x&channel_id=D1&text=&api_app_id=A1")
	event := []byte(`{"type":"event_callback","team_id":"T1","api_app_id":"A1","event_id":"Ev1","event_time":1,"event":{"type":"app_home_opened","user":"U1","channel":"D1","tab":"messages"}}`)
	at := strconv.FormatInt(now.Unix(), 10)
	in := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }

	// request has the values of the two headers that it is given; signed is of a
	// time, and rightly signed; with is of now.
	request := func(body []byte, timestamps, signatures []string) SignedRequest {
		r := SignedRequest{Body: body, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
		if body[0] == '{' {
			r.Header.Set("Content-Type", "application/json")
		}
		if timestamps != nil {
			r.Header[timestampHeader] = timestamps
		}
		if signatures != nil {
			r.Header[signatureHeader] = signatures
		}
		return r
	}
	signed := func(timestamp string) SignedRequest {
		return request(form, []string{timestamp}, []string{Sign(secret, timestamp, form)})
	}
	with := func(signatures ...string) SignedRequest { return request(form, []string{at}, signatures) }
	right := Sign(secret, at, form)
	wrong := Sign(secret+"x", at, form)
	hash := strings.TrimPrefix(right, "v0=")

	var all []SignedRequest
	add := func(name string, r SignedRequest) *SignedRequest {
		r.Name = name
		all = append(all, r)
		return &all[len(all)-1]
	}
	good := func(name string, r SignedRequest) { add(name, r).Good = true }
	stricter := func(name string, r SignedRequest) { add(name, r).Bolt = true }

	good("a form", with(right))
	good("JSON", request(event, []string{at}, []string{Sign(secret, at, event)}))
	good("four minutes old", signed(in(-4*time.Minute)))
	good("four minutes ahead", signed(in(4*time.Minute)))

	add("six minutes old", signed(in(-6*time.Minute)))
	add("a day old", signed(in(-24*time.Hour)))
	stricter("six minutes ahead", signed(in(6*time.Minute)))
	stricter("a year ahead", signed(in(365*24*time.Hour)))
	stricter("of a time in milliseconds", signed(at+"000"))
	add("of a time before 1970", signed("-1"))
	add("of no time", signed(""))
	add("of a time that is a word", signed("soon"))
	stricter("of a time with a fraction", signed(at+".5"))
	add("of a time with a sign", signed("+"+at))
	add("of a time with zeros before it", signed("00"+at))
	add("of a time in hexadecimal", signed("0x"+strconv.FormatInt(now.Unix(), 16)))

	add("another body", request(append(bytes.Clone(form), "&text=x"...), []string{at}, []string{right}))
	add("a body with a line end", request(append(bytes.Clone(form), '\n'), []string{at}, []string{right}))
	add("a body without its end", request(form[:len(form)-1], []string{at}, []string{right}))
	add("another time than was signed", request(form, []string{in(time.Second)}, []string{right}))
	add("a wrong secret", with(wrong))
	add("an empty secret", with(Sign("", at, form)))
	add("a secret with a space", with(Sign(secret+" ", at, form)))

	add("no signature", request(form, []string{at}, nil))
	add("no time", request(form, nil, []string{right}))
	add("no time, and signed as such", request(form, nil, []string{Sign(secret, "undefined", form)}))
	add("neither", request(form, nil, nil))
	stricter("neither, and said to check the connection", request([]byte("ssl_check=1&token=x"), nil, nil))

	add("the signature twice", with(right, right))
	add("a wrong signature before the right one", with(wrong, right))
	add("a wrong signature after the right one", with(right, wrong))
	add("the time twice", request(form, []string{at, at}, []string{right}))
	add("the time twice, and signed as such", request(form, []string{at, at}, []string{Sign(secret, at+", "+at, form)}))
	add("an old time before the right one", request(form, []string{in(-time.Hour), at}, []string{right}))

	add("version 1", with("v1="+hash))
	add("version 1 throughout", with("v1="+strings.TrimPrefix(Sign(secret, "v1:"+at, form), "v0=")))
	add("a version in capitals", with("V0="+hash))
	add("no version", with(hash))
	add("capital letters", with("v0="+strings.ToUpper(hash)))
	add("a signature without its end", with(right[:len(right)-2]))
	add("a signature with more after it", with(right+"00"))
	stricter("a signature with another after it", with(right+"="+hash))
	add("an empty signature", with(""))
	add("a signature of nothing", with("v0="))
	raw, _ := hex.DecodeString(hash) // it is hexadecimal
	add("a signature in base 64", with("v0="+base64.RawURLEncoding.EncodeToString(raw)))
	mac := hmac.New(sha1.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", at, form) // a hash takes all
	add("SHA-1", with("v0="+hex.EncodeToString(mac.Sum(nil))))
	add("the signature of the body without a time", with(Sign(secret, "", form)))
	return all
}
