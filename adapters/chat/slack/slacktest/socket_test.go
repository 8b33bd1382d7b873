package slacktest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"resetbot/adapters/chat/slack/slacktest"
)

// socketApp is an app that is connected by Socket Mode, and acknowledges when it
// is told to.
type socketApp struct {
	s    *slacktest.Slack
	mu   sync.Mutex
	got  []envelope
	conn *websocket.Conn
	done chan struct{}
	// ack says whether an envelope is acknowledged, and with what.
	ack func(n int, e envelope) (any, bool)
}

type envelope struct {
	ID      string `json:"envelope_id"`
	Type    string
	Reason  string
	Attempt int             `json:"retry_attempt"`
	Payload json.RawMessage `json:"payload"`
}

func (a *socketApp) connect(t *testing.T) {
	t.Helper()
	_, answer := form(t, a.s, a.s.AppToken, "apps.connections.open", nil)
	to, _ := answer["url"].(string)
	conn, r, err := websocket.DefaultDialer.Dial(to, nil)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	_ = r.Body.Close()
	a.conn, a.done = conn, make(chan struct{})
	go a.read(conn, a.done)
	t.Cleanup(func() { _ = conn.Close() })
}

func (a *socketApp) read(conn *websocket.Conn, done chan struct{}) {
	defer close(done)
	for {
		var e envelope
		if err := conn.ReadJSON(&e); err != nil {
			return
		}
		a.mu.Lock()
		a.got = append(a.got, e)
		n := 0
		for _, one := range a.got {
			if one.ID != "" {
				n++
			}
		}
		a.mu.Unlock()
		if e.ID == "" {
			continue
		}
		if payload, ok := a.ack(n, e); ok {
			_ = conn.WriteJSON(map[string]any{"envelope_id": e.ID, "payload": payload})
		}
	}
}

func (a *socketApp) envelopes() (all []envelope) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.got {
		if e.ID != "" {
			all = append(all, e)
		}
	}
	return all
}

func TestWhatIsNotAcknowledgedComesAgainOnTheNextConnection(t *testing.T) {
	s := slacktest.Start(t)
	dropped := make(chan struct{}, 1)
	a := &socketApp{s: s, ack: func(n int, _ envelope) (any, bool) {
		if n == 1 {
			dropped <- struct{}{}
		}
		return nil, n > 1
	}}
	a.connect(t)
	again := make(chan struct{})
	go func() {
		defer close(again)
		<-dropped
		s.Drop()
		<-a.done
		a.connect(t)
	}()
	s.SocketColleague(t, slacktest.Person{}).Type("reset")
	<-again
	got := a.envelopes()
	if len(got) != 2 || got[0].ID == got[1].ID || string(got[0].Payload) != string(got[1].Payload) || got[1].Attempt != 1 {
		t.Errorf("there came %+v", got)
	}
	if now, ever := s.Connections(); now != 1 || ever != 2 {
		t.Errorf("%d connections of %d", now, ever)
	}
	if acks := s.Acks(); len(acks) != 1 || !acks[0].Known || acks[0].Again || acks[0].EnvelopeID != got[1].ID {
		t.Errorf("acknowledged: %+v", acks)
	}
}

func TestTwoComeAtOnceAndOneTwice(t *testing.T) {
	s := slacktest.Start(t)
	a := &socketApp{s: s, ack: func(int, envelope) (any, bool) { return nil, true }}
	a.connect(t)
	anna := s.Person(slacktest.Person{})
	one := s.Push(t, "events_api", s.Message(anna, "een", nil))
	two := s.Push(t, "events_api", s.Message(anna, "twee", nil))
	s.AwaitAck(t, one)
	s.AwaitAck(t, two)
	s.Again(t, one)
	s.Wait(t, "a third", func() bool { return len(s.Acks()) == 3 })
	if got := a.envelopes(); string(got[0].Payload) != string(got[2].Payload) || got[0].ID == got[2].ID || one.Attempts() != 2 || two.Attempts() != 1 {
		t.Errorf("there came %+v", got)
	}
}

func TestFormsAndCommandsAreAnsweredInTheAcknowledgement(t *testing.T) {
	s := slacktest.Start(t)
	bot := s.Workspace(s.Team).BotToken
	anna := s.SocketColleague(t, slacktest.Person{})
	a := &socketApp{s: s, ack: func(_ int, e envelope) (any, bool) {
		var p struct {
			Type      string
			TriggerID string `json:"trigger_id"`
			Command   string
		}
		_ = json.Unmarshal(e.Payload, &p)
		switch {
		case e.Type == "slash_commands":
			view, _ := json.Marshal(modal())
			_, _, _ = post(s, bot, "views.open", "application/x-www-form-urlencoded",
				[]byte(url.Values{"trigger_id": {p.TriggerID}, "view": {string(view)}}.Encode()))
			return map[string]any{"text": "Ja, " + p.Command}, true
		case p.Type == "view_submission":
			return map[string]any{"response_action": "errors", "errors": map[string]any{"name": "Wie?"}}, true
		}
		return nil, true
	}}
	a.connect(t)
	anna.Command("/reset")
	anna.AwaitEphemeral("", "Ja, /reset")
	if errs := anna.Fill(map[string]string{"name": "x"}); errs["name"] != "Wie?" {
		t.Errorf("errors: %v", errs)
	}
}

func TestTheAppIsToldToRefreshAndATicketIsUsedOnce(t *testing.T) {
	s := slacktest.Start(t)
	a := &socketApp{s: s}
	a.connect(t)
	s.Refresh("")
	if err := s.SendRaw("{no JSON"); err != nil {
		t.Fatal(err)
	}
	<-a.done
	if last := a.got[len(a.got)-1]; last.Type != "disconnect" || last.Reason != "refresh_requested" {
		t.Errorf("it was told %+v", last)
	}
	_, answer := form(t, s, s.AppToken, "apps.connections.open", nil)
	to := fmt.Sprint(answer["url"])
	for n, want := range []int{http.StatusSwitchingProtocols, http.StatusForbidden} {
		conn, r, _ := websocket.DefaultDialer.Dial(to, nil)
		if r == nil || r.StatusCode != want {
			t.Errorf("the %dth time: %v, want %d", n+1, r, want)
		}
		if conn != nil {
			_ = conn.Close()
		}
	}
	if !strings.HasPrefix(to, "ws://"+s.Host) {
		t.Errorf("the address is %s", to)
	}
}

func TestAnAcknowledgementOfNothingIsAFault(t *testing.T) {
	faults := make(chan string, 9)
	s := slacktest.StartWith(t, slacktest.Options{Fault: func(what string) { faults <- what }})
	a := &socketApp{s: s}
	a.connect(t)
	for _, text := range []string{`{"envelope_id":"nothing"}`, `hello`} {
		if err := a.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if what := <-faults; !strings.HasPrefix(what, "socket: ") {
			t.Errorf("%s: %s", text, what)
		}
	}
}
