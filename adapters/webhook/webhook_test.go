package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resetbot/adapters/webhook"
	"resetbot/conversation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "een geheim van zestien"

var alarm = conversation.Notice{
	ID: "alarm-5f0c", Kind: conversation.Alarm, Alarm: "denied_by_owner", Account: "17", Receipt: "K7QM-2MXA", Chat: "web",
	At: time.Date(2026, 11, 22, 15, 5, 0, 123, time.FixedZone("CET", 3600)), Conversation: "c-1", Locale: "nl",
}

// receiver takes alarms, unless its knob says otherwise.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	answer http.HandlerFunc // nil: 204
	open   chan struct{}
}

func receive(t *testing.T, start func(http.Handler) *httptest.Server) *receiver {
	t.Helper()
	r := &receiver{open: make(chan struct{})}
	r.Server = start(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.bodies, r.heads = append(r.bodies, q.Method+" "+string(body)), append(r.heads, q.Header)
		r.mu.Unlock()
		if r.answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		r.answer(w, q)
	}))
	t.Cleanup(func() {
		close(r.open)
		r.Close()
	})
	return r
}

// hook posts to the receiver.
func (r *receiver) hook(t *testing.T, timeout time.Duration) *webhook.Hook {
	t.Helper()
	client := r.Client()
	t.Cleanup(client.CloseIdleConnections)
	h, err := webhook.New(webhook.Options{
		URL: r.URL + "/alarmen", Secret: conversation.NewSecret(secret), Client: client, Timeout: timeout,
		Text: func(n conversation.Notice) string { return "Alarm: " + n.Alarm },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAnAlarmIsPostedSignedAndAlikeEachTime(t *testing.T) {
	r := receive(t, httptest.NewTLSServer)
	h := r.hook(t, 0)
	for range 2 {
		if err := h.Raise(t.Context(), alarm); err != nil {
			t.Fatal(err)
		}
	}
	want := `POST {"id":"alarm-5f0c","at":"2026-11-22T14:05:00Z","alarm":"denied_by_owner","account":"17",` +
		`"receipt":"K7QM-2MXA","chat":"web","text":"Alarm: denied_by_owner"}`
	if diff := cmp.Diff([]string{want, want}, r.bodies); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write([]byte(strings.TrimPrefix(want, "POST ")))
	for header, want := range map[string]string{
		"Content-Type": "application/json", "Idempotency-Key": "alarm-5f0c",
		"X-Resetbot-Signature": "sha256=" + hex.EncodeToString(sum.Sum(nil)),
	} {
		if got := r.heads[0].Get(header); got != want {
			t.Errorf("%s: %s, want %s", header, got, want)
		}
	}
}

func TestWhatIsNotThereIsLeftOut(t *testing.T) {
	r := receive(t, httptest.NewServer)
	err := r.hook(t, 0).Raise(t.Context(), conversation.Notice{ID: "alarm-1", Alarm: "budget_sms_own", At: alarm.At})
	want := `POST {"id":"alarm-1","at":"2026-11-22T14:05:00Z","alarm":"budget_sms_own","text":"Alarm: budget_sms_own"}`
	if err != nil || r.bodies[0] != want {
		t.Errorf("%v, %s", err, r.bodies)
	}
}

func TestOnlyAWholeAnswerOf2xxSaysThatSomebodyHasIt(t *testing.T) {
	elsewhere := receive(t, httptest.NewServer)
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	redirect := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, code) }
	}
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, answer)
				_ = conn.Close()
			}
		}
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string // of the error; empty: somebody has it
	}{
		"200":                     {status(200), ""},
		"202":                     {status(202), ""},
		"400":                     {status(400), "answered 400"},
		"500":                     {status(500), "answered 500"},
		"503":                     {status(503), "answered 503"},
		"moved, which would ask":  {redirect(302), "answered 302"},
		"moved, which would post": {redirect(308), "answered 308"},
		"half a head":             {raw("HTTP/1.1 200 OK\r\nContent-Le"), "connection broken"},
		"no answer":               {raw(""), "EOF"},
		"half a body":             {raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), ""},
		"a body without an end": {func(w http.ResponseWriter, _ *http.Request) {
			for range 1000 {
				if _, err := io.WriteString(w, strings.Repeat("x", 10_000)); err != nil {
					return
				}
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := receive(t, httptest.NewServer)
			r.answer = test.answer
			err := r.hook(t, 0).Raise(t.Context(), alarm)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %s", err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "alarmen") || strings.Contains(err.Error(), secret)) {
				t.Errorf("%v quotes the address or the secret", err)
			}
			if len(r.bodies) != 1 {
				t.Errorf("it was posted %d times", len(r.bodies))
			}
		})
	}
	if len(elsewhere.bodies) > 0 {
		t.Errorf("it was led elsewhere: %q", elsewhere.bodies)
	}
}

func TestAReceiverThatHangsCostsNoMoreThanTheTimeOut(t *testing.T) {
	for name, first := range map[string]string{"before its answer": "", "in its head": "HTTP/1.1 200 OK\r\n"} {
		t.Run(name, func(t *testing.T) {
			r := receive(t, httptest.NewServer)
			r.answer = func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return
				}
				_, _ = io.WriteString(conn, first)
				<-r.open
				_ = conn.Close()
			}
			began := time.Now()
			err := r.hook(t, 100*time.Millisecond).Raise(t.Context(), alarm)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		})
	}
}

func TestManyAtOnce(t *testing.T) {
	r := receive(t, httptest.NewServer)
	h := r.hook(t, 0)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			n := alarm
			n.ID = strconv.Itoa(i)
			if err := h.Raise(t.Context(), n); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(r.bodies) != 20 {
		t.Errorf("%d came", len(r.bodies))
	}
}

func TestAnAddressThatIsNotProtectedIsRefused(t *testing.T) {
	text := func(conversation.Notice) string { return "" }
	for address, ok := range map[string]bool{
		"https://siem.rijnzicht.example/in?sig=x": true, "http://127.0.0.1:9/": true, "http://[::1]:9/": true,
		"http://localhost/":              true,
		"http://siem.rijnzicht.example/": false, "ftp://127.0.0.1/": false, "https://": false, "": false,
		"https://name:word@siem.rijnzicht.example/": false, "http://127.0.0.1.nip.example/": false, "//x": false,
	} {
		_, err := webhook.New(webhook.Options{URL: address, Secret: conversation.NewSecret(secret), Text: text})
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "word@") {
			t.Errorf("%s: %v", address, err)
		}
	}
	_, err := webhook.New(webhook.Options{Secret: conversation.NewSecret("kort")})
	for _, want := range []string{"https", "16 characters", "sentence"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
