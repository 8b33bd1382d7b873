package slack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"

	slackgo "github.com/slack-go/slack"
)

// Where Slack sends what happens.
const (
	EventsPath       = "/slack/events"
	CommandsPath     = "/slack/commands"
	InteractionsPath = "/slack/interactions"
)

// bodyMax bounds a request. Slack describes files and repeats a text as blocks;
// what is longer than this nobody typed.
const bodyMax = 256 << 10

// kind is what a request or an envelope of Socket Mode holds, by Slack's own name.
type kind string

const (
	kindEvent       kind = "events_api"
	kindCommand     kind = "slash_commands"
	kindInteraction kind = "interactive"
)

// refused is a request that is not believed.
type refused struct {
	status int
	why    string
}

func (r refused) Error() string { return r.why }

// signed takes requests of a kind in that Slack signed. They are acknowledged when
// what they mean is durable.
func (s *Slack) signed(k kind) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b := s.receiver()
		switch {
		case r.Method != http.MethodPost:
			rw.Header().Set("Allow", http.MethodPost)
			rw.WriteHeader(http.StatusMethodNotAllowed)
			return
		case b == nil:
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body, err := s.believe(rw, r)
		var no refused
		if errors.As(err, &no) {
			b.Rejected(r.Context(), Name, s.Source(r), no.why)
			s.Log.Info("refusing a request", "why", no.why, "status", no.status)
			rw.WriteHeader(no.status)
			return
		}
		s.take(r.Context(), rw, k, body)
	})
}

// take answers a request that is believed.
func (s *Slack) take(ctx context.Context, rw http.ResponseWriter, k kind, body []byte) {
	payload, ok := payloadOf(k, body)
	if !ok { // Slack would send it again, and it would be no better
		s.Log.Info("passing over a request that cannot be read", "kind", k)
		rw.WriteHeader(http.StatusOK)
		return
	}
	answer, err := s.handle(ctx, k, payload)
	switch {
	case err != nil:
		s.Log.Error("taking in what Slack sent", "kind", k, "error", err)
		rw.WriteHeader(http.StatusInternalServerError)
	case answer == nil:
		rw.WriteHeader(http.StatusOK)
	default:
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = rw.Write(answer) // whoever asked has hung up
	}
}

var (
	signatureForm = regexp.MustCompile(`^v0=[0-9a-f]{64}$`)
	timeForm      = regexp.MustCompile(`^[1-9][0-9]{0,11}$`) // seconds
)

// believe reads a request, or says why it does not believe it. Each header is there
// once: which of two would be believed?
func (s *Slack) believe(rw http.ResponseWriter, r *http.Request) ([]byte, error) {
	for _, h := range []string{"X-Slack-Signature", "X-Slack-Request-Timestamp"} {
		switch n := len(r.Header.Values(h)); {
		case n == 0 || r.Header.Get(h) == "":
			return nil, refused{http.StatusUnauthorized, "no_signature"}
		case n > 1:
			return nil, refused{http.StatusUnauthorized, "malformed"}
		}
	}
	// Slack writes both in one way only; the library reads more than that.
	if !signatureForm.MatchString(r.Header.Get("X-Slack-Signature")) || !timeForm.MatchString(r.Header.Get("X-Slack-Request-Timestamp")) {
		return nil, refused{http.StatusUnauthorized, "malformed"}
	}
	v, err := slackgo.NewSecretsVerifier(r.Header, s.SigningSecret.Reveal()) // an age within five minutes, either way
	switch {
	case errors.Is(err, slackgo.ErrExpiredTimestamp):
		return nil, refused{http.StatusUnauthorized, "old"}
	case err != nil:
		return nil, refused{http.StatusUnauthorized, "malformed"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, bodyMax))
	var tooMuch *http.MaxBytesError
	switch {
	case errors.As(err, &tooMuch):
		return nil, refused{http.StatusRequestEntityTooLarge, "too_much"}
	case err != nil:
		return nil, refused{http.StatusBadRequest, "broken_off"}
	}
	_, _ = v.Write(body) // into a hash: never fails
	if v.Ensure() != nil {
		return nil, refused{http.StatusUnauthorized, "signature"}
	}
	return body, nil
}

// payloadOf is what a body holds, in the form in which Socket Mode has it as well.
func payloadOf(k kind, body []byte) (json.RawMessage, bool) {
	if k == kindEvent {
		return body, json.Valid(body)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, false
	}
	if k == kindInteraction {
		text := form.Get("payload")
		return json.RawMessage(text), json.Valid([]byte(text))
	}
	flat := map[string]string{}
	for name := range form {
		flat[name] = form.Get(name)
	}
	text, err := json.Marshal(flat)
	return text, err == nil
}
