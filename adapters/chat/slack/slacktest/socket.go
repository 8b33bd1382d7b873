package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// socket is Slack's side of Socket Mode (docs.slack.dev/apis/events-api/using-socket-mode):
// connections that the app opened, and what it has not acknowledged yet.
type socket struct {
	slack *Slack

	// Under slack.mu.
	tickets map[string]bool
	links   []*link
	sent    []*envelope // all of them, in order
	acks    []Ack
	opened  int
}

// link is a connection.
type link struct {
	conn *websocket.Conn
	mu   sync.Mutex // one writes at a time
	done chan struct{}
}

// envelope is something that was sent to the app.
type envelope struct {
	ID       string
	kind     string
	payload  any
	attempt  int
	reason   string
	link     *link
	acked    bool
	answer   json.RawMessage
	followed *envelope // the same thing, sent again
}

// Ack is an acknowledgement as it came.
type Ack struct {
	At         time.Time
	EnvelopeID string
	Payload    json.RawMessage
	// Known is that it is of an envelope that was sent; Again that it was
	// acknowledged before.
	Known, Again bool
}

func newSocket(s *Slack) *socket { return &socket{slack: s, tickets: map[string]bool{}} }

// ticket is an address to connect to, once; s.mu is held.
func (k *socket) ticket() string {
	id := random()
	k.tickets[id] = true
	return "ws://" + k.slack.Host + "/link/?ticket=" + id + "&app_id=" + k.slack.AppID
}

// linksMax is how many connections an app may have.
const linksMax = 10

func (k *socket) serve(w http.ResponseWriter, r *http.Request) {
	s := k.slack
	id := r.URL.Query().Get("ticket")
	s.mu.Lock()
	ok := k.tickets[id] && len(k.links) < linksMax
	delete(k.tickets, id)
	s.mu.Unlock()
	if !ok {
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }} // slack-go says it is https://api.slack.com
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // it was answered
	}
	l := &link{conn: conn, done: make(chan struct{})}
	s.mu.Lock()
	k.links = append(k.links, l)
	k.opened++
	n := len(k.links)
	s.mu.Unlock()
	_ = l.write(map[string]any{ // a connection that is gone is found by reading
		"type": "hello", "num_connections": n, "connection_info": map[string]any{"app_id": s.AppID},
		"debug_info": map[string]any{"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
	})
	s.mu.Lock()
	s.note()
	s.mu.Unlock()
	go l.ping()
	k.read(l)
}

// ping keeps a connection known to be alive, as Slack does.
func (l *link) ping() {
	every := time.NewTicker(5 * time.Second)
	defer every.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-every.C:
			_ = l.conn.WriteControl(websocket.PingMessage, []byte("Ping from applink-1"), time.Now().Add(time.Second))
		}
	}
}

func (l *link) write(v any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(10 * time.Second)) // a network connection takes one
	return l.conn.WriteJSON(v)
}

// read takes acknowledgements until the connection is gone, and has what is not
// acknowledged then be sent again.
func (k *socket) read(l *link) {
	s := k.slack
	for {
		_, data, err := l.conn.ReadMessage()
		if err != nil {
			break
		}
		k.take(data)
	}
	_ = l.conn.Close() // it is gone
	close(l.done)
	s.mu.Lock()
	defer s.mu.Unlock()
	k.links = slices.DeleteFunc(k.links, func(o *link) bool { return o == l })
	s.note()
}

func (k *socket) take(data []byte) {
	s := k.slack
	var in struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(data, &in); err != nil || in.EnvelopeID == "" {
		s.Fault("socket: what came is no acknowledgement")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ack := Ack{At: s.Now(), EnvelopeID: in.EnvelopeID, Payload: in.Payload}
	for _, e := range k.sent {
		if e.ID != in.EnvelopeID {
			continue
		}
		ack.Known, ack.Again = true, e.acked
		if !e.acked {
			e.acked, e.answer = true, in.Payload
		}
		if len(in.Payload) > 0 && string(in.Payload) != "null" && string(in.Payload) != "{}" && e.kind == "events_api" {
			s.Fault("socket: an event is acknowledged with a payload")
		}
	}
	if !ack.Known {
		s.Fault("socket: an acknowledgement of an envelope that was not sent")
	}
	k.acks = append(k.acks, ack)
	s.note()
}

func (k *socket) close() {
	k.slack.mu.Lock()
	links := slices.Clone(k.links)
	k.slack.mu.Unlock()
	for _, l := range links {
		_ = l.conn.Close()
		<-l.done
	}
}

// Connections are how many connections the app has open now, and how many it has
// opened in all.
func (s *Slack) Connections() (now, ever int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.socket.links), s.socket.opened
}

// Acks are all acknowledgements, in the order in which they came.
func (s *Slack) Acks() []Ack {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.socket.acks)
}

// Drop cuts all connections of Socket Mode without a word. What was not
// acknowledged is sent again on the next one.
func (s *Slack) Drop() {
	s.mu.Lock()
	links := slices.Clone(s.socket.links)
	s.mu.Unlock()
	for _, l := range links {
		_ = l.conn.UnderlyingConn().Close()
		<-l.done
	}
}

// Refresh tells the app that its connections end, for a reason of Slack's:
// refresh_requested, warning, or link_disabled; "" is the first. They are open
// until the app ends them.
func (s *Slack) Refresh(reason string) {
	s.mu.Lock()
	links := slices.Clone(s.socket.links)
	s.mu.Unlock()
	for _, l := range links {
		_ = l.write(map[string]any{"type": "disconnect", "reason": or(reason, "refresh_requested"), "debug_info": map[string]any{"host": "applink-1"}})
	}
}

// SendRaw sends something that is no envelope, for bad input, on the newest
// connection.
func (s *Slack) SendRaw(text string) error {
	s.mu.Lock()
	links := s.socket.links
	if len(links) == 0 {
		s.mu.Unlock()
		return fmt.Errorf("no connection")
	}
	l := links[len(links)-1]
	s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn.WriteMessage(websocket.TextMessage, []byte(text))
}

// Envelope is something on its way to the app, or acknowledged by it.
type Envelope struct {
	slack *Slack
	first *envelope
}

// last is the newest sending; s.mu is held.
func (e *Envelope) last() *envelope {
	last := e.first
	for last.followed != nil {
		last = last.followed
	}
	return last
}

// Acked says whether any sending of it was acknowledged, and with what.
func (e *Envelope) Acked() (json.RawMessage, bool) {
	e.slack.mu.Lock()
	defer e.slack.mu.Unlock()
	for one := e.first; one != nil; one = one.followed {
		if one.acked {
			return one.answer, true
		}
	}
	return nil, false
}

// Attempts is how often it was sent.
func (e *Envelope) Attempts() int {
	e.slack.mu.Lock()
	defer e.slack.mu.Unlock()
	return e.last().attempt + 1
}

// Push sends something over Socket Mode and does not wait for it to be
// acknowledged: two of them are two at once. kind is events_api, slash_commands or
// interactive. It waits until there is a connection.
func (s *Slack) Push(t testing.TB, kind string, payload any) *Envelope {
	t.Helper()
	return s.send(t, &envelope{kind: kind, payload: payload})
}

// Again sends an envelope once more, acknowledged or not, with the same payload
// and another envelope id.
func (s *Slack) Again(t testing.TB, e *Envelope) {
	t.Helper()
	s.mu.Lock()
	last := e.last()
	next := &envelope{kind: last.kind, payload: last.payload, attempt: last.attempt + 1, reason: "timeout"}
	s.mu.Unlock()
	s.send(t, next)
	s.mu.Lock()
	last.followed = next
	s.mu.Unlock()
}

// send sends an envelope on the newest connection, as soon as there is one that
// takes it.
func (s *Slack) send(t testing.TB, e *envelope) *Envelope {
	t.Helper()
	for {
		s.Wait(t, "a connection of the app's", func() bool { now, _ := s.Connections(); return now > 0 })
		s.mu.Lock()
		links := s.socket.links
		if len(links) == 0 {
			s.mu.Unlock()
			continue
		}
		id := random()
		e.ID = strings.Join([]string{id[:8], id[8:12], "4" + id[13:16], "8" + id[17:20], id[20:]}, "-")
		e.link = links[len(links)-1]
		s.socket.sent = append(s.socket.sent, e)
		s.mu.Unlock()
		out := map[string]any{
			"envelope_id": e.ID, "type": e.kind, "payload": e.payload, "accepts_response_payload": e.kind != "events_api",
		}
		if e.kind == "events_api" {
			out["retry_attempt"], out["retry_reason"] = e.attempt, e.reason
		}
		_ = e.link.write(out) // a connection that is gone is found below
		return &Envelope{slack: s, first: e}
	}
}

// Emit sends something over Socket Mode, waits until it is acknowledged, and gives
// the payload of that. When the connection ends before, it is sent again on the
// next one. Slack does so with events; with the rest it is up to the person to try
// again, and this is harder for the app.
func (s *Slack) Emit(t testing.TB, kind string, payload any) []byte {
	t.Helper()
	e := s.Push(t, kind, payload)
	return s.AwaitAck(t, e)
}

// AwaitAck waits until something is acknowledged, and sends it again as Emit does.
func (s *Slack) AwaitAck(t testing.TB, e *Envelope) []byte {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), s.AckWait)
		var answer json.RawMessage
		acked, gone := false, false
		s.wait(ctx, func() bool {
			if answer, acked = e.Acked(); acked {
				return true
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			gone = !slices.Contains(s.socket.links, e.last().link)
			return gone
		})
		cancel()
		switch {
		case acked:
			return answer
		case !gone:
			t.Fatalf("%s was not acknowledged in %v", e.first.kind, s.AckWait)
		}
		s.Again(t, e)
	}
}
