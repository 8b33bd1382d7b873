package slack_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"resetbot/adapters/chat/slack/slacktest"
	"resetbot/bot"
	"resetbot/conversation"
)

// What one person does is taken in in its order, whatever it is, and nobody waits for
// somebody else.
func TestAC44_WhatOnePersonDoesIsTakenInInItsOrder(t *testing.T) {
	h := newHall(t, overSocket, nil)
	anna, piet := h.reader(slacktest.Person{}), h.reader(slacktest.Person{})
	anna.send(anna.outgoing(choosePage))
	held := make(chan struct{})
	h.scribe.mu.Lock()
	h.scribe.before = func(m bot.Incoming) {
		if m.Kind == conversation.Said && m.Text.Reveal() == "first" {
			<-held
		}
	}
	h.scribe.mu.Unlock()
	page := anna.Newest()
	button, _ := page.Button("Kies dit")
	payloads := []struct {
		kind    string
		payload any
	}{
		{"events_api", h.cloud.Message(anna.Person, "first", nil)},
		{"interactive", anna.Pressed(page, button, nil)},
		{"slash_commands", flat(h.cloud.Command(anna.Person, anna.Channel, "/wachtwoord", ""))},
		{"events_api", h.cloud.Message(anna.Person, "last", nil)},
	}
	var all []*slacktest.Envelope
	for _, p := range payloads {
		all = append(all, h.cloud.Push(t, p.kind, p.payload))
	}
	piet.Type("hallo")
	received, _ := h.scribe.taken()
	if got := tellAll(received); got != `said "hallo"` {
		t.Errorf("while the first is taken in: %s", got)
	}
	for _, e := range all {
		if _, acked := e.Acked(); acked {
			t.Error("something is acknowledged before it is durable")
		}
	}
	close(held)
	for _, e := range all {
		h.cloud.AwaitAck(t, e)
	}
	received, _ = h.scribe.taken()
	if got := tellAll(received); got != `said "first"; pressed sms of choose; arrived reset; said "last"` {
		t.Errorf("the order is %s", got)
	}
}

// flat is a form as Socket Mode tells of it.
func flat(form map[string][]string) map[string]any {
	m := map[string]any{}
	for name, values := range form {
		m[name] = values[0]
	}
	return m
}

// What comes again, on a new connection and under a new envelope's id, is the same
// thing to the bot: the same event.
func TestAC43_WhatIsDeliveredAgainIsTheSameEvent(t *testing.T) {
	for _, w := range bothWays {
		t.Run(string(w), func(t *testing.T) {
			h := newHall(t, w, nil)
			anna := h.reader(slacktest.Person{})
			anna.send(anna.outgoing(choosePage))
			h.scribe.put(numberPage)
			page := anna.Newest()
			anna.Times = 3
			events := func(what string, do func()) {
				t.Helper()
				do()
				received, _ := h.scribe.taken()
				if len(received) != 3 {
					t.Fatalf("%s: taken in: %s", what, tellAll(received))
				}
				for _, m := range received {
					if m.Event == "" || m.Event != received[0].Event {
						t.Errorf("%s: the events are %q and %q", what, received[0].Event, m.Event)
					}
				}
			}
			events("a message", func() { anna.Type("0612345613") })
			events("a button", func() { anna.PressOn(page, "Kies dit") })
			events("a command", func() { anna.Command("/wachtwoord") })
			anna.Times = 1
			anna.send(anna.outgoing(numberPage))
			var number slacktest.Page // what the command was answered may come below it
			for _, p := range anna.Messages() {
				if _, fills := p.Button("Invullen"); fills {
					number = p
				}
			}
			form := anna.OpenFormOn(number, "Invullen")
			anna.Times = 3
			events("a form", func() { anna.SubmitOn(form, map[string]string{"number": "0612345613"}) })
		})
	}
}

// What was not stored is not acknowledged, and comes again; a panic is the trouble of
// its own delivery alone.
func TestWhatIsNotDurableIsNotAcknowledged(t *testing.T) {
	h := newHall(t, overSocket, nil)
	anna, piet := h.colleague(slacktest.Person{}), h.colleague(slacktest.Person{})
	h.scribe.fail(errors.New("the disk is full"))
	lost := h.cloud.Push(t, "events_api", h.cloud.Message(anna.Person, "reset", nil))
	await(t, "the message", func() bool { received, _ := h.scribe.taken(); return len(received) > 0 })
	h.scribe.fail(nil)
	piet.Type("hallo")
	if _, acked := lost.Acked(); acked {
		t.Error("what was not stored is acknowledged")
	}
	h.cloud.Again(t, lost)
	h.cloud.AwaitAck(t, lost)

	h.scribe.mu.Lock()
	h.scribe.before = func(m bot.Incoming) {
		if m.Text.Reveal() == marked {
			panic(marked)
		}
	}
	h.scribe.mu.Unlock()
	broken := h.cloud.Push(t, "events_api", h.cloud.Message(anna.Person, marked, nil))
	await(t, "the panic", func() bool { return strings.Contains(h.log.String(), "panic") })
	anna.Type("hallo")
	if _, acked := broken.Acked(); acked {
		t.Error("what made it panic is acknowledged")
	}
	if strings.Contains(h.log.String(), marked) {
		t.Errorf("the log holds what was typed:\n%s", h.log)
	}
}

// What is no envelope, or holds what nobody can read, is acknowledged where it has a
// name, and does nothing.
func TestWhatNobodyCanReadInSocketModeDoesNothing(t *testing.T) {
	h := newHall(t, overSocket, nil)
	anna := h.colleague(slacktest.Person{})
	for _, text := range []string{
		"", "{", "null", "[]", "5", `"` + marked + `"`, "{}", `{"type":"` + marked + `"}`, `{"envelope_id":5}`, `{"type":"events_api"}`,
		`{"type":"hello"}`, strings.Repeat("[", 5000),
	} {
		if err := h.cloud.SendRaw(text); err != nil {
			t.Fatal(err)
		}
	}
	team := anna.Team
	for _, e := range []struct {
		kind    string
		payload any
	}{
		{"events_api", nil},
		{"events_api", marked},
		{"events_api", []any{}},
		{"events_api", map[string]any{"type": "event_callback", "team_id": team, "event": marked}},
		{"interactive", map[string]any{"type": "block_actions", "team": map[string]any{"id": team}, "user": map[string]any{"id": anna.ID}}},
		{"interactive", map[string]any{"type": marked, "team": team, "user": 5}},
		{"slash_commands", nil},
		{"slash_commands", map[string]any{"user_id": []any{marked}}},
		{"a_kind_of_tomorrow", map[string]any{"user_id": anna.ID}},
	} {
		h.cloud.AwaitAck(t, h.cloud.Push(t, e.kind, e.payload))
	}
	received, _ := h.scribe.taken()
	if len(received) > 0 {
		t.Errorf("taken in: %s", tellAll(received))
	}
	anna.Type("hallo")
	if received, _ = h.scribe.taken(); tellAll(received) != `said "hallo"` {
		t.Errorf("taken in after it: %s", tellAll(received))
	}
	if strings.Contains(h.log.String(), marked) {
		t.Errorf("the log holds what was sent:\n%s", h.log)
	}
	if _, ever := h.cloud.Connections(); ever != 1 {
		t.Errorf("it took %d connections", ever)
	}
}

// A connection that ends, is asked to end, or cannot be made is made again; what was
// on its way comes again, and has its one event.
func TestSocketModeIsConnectedAgain(t *testing.T) {
	h := newHall(t, overSocket, nil)
	anna := h.colleague(slacktest.Person{})
	n := 1
	for _, test := range []struct {
		name string
		end  func()
	}{
		{"asked to", func() { h.cloud.Refresh("") }},
		{"cut", func() { h.cloud.Drop() }},
		{"cut, and refused at first", func() {
			h.cloud.Next("apps.connections.open", slacktest.Trouble{Status: 500}, slacktest.Trouble{Error: "internal_error"})
			h.cloud.Drop()
		}},
		{"cut, and the token is refused", func() {
			h.cloud.Next("apps.connections.open", slacktest.Trouble{Error: "invalid_auth"})
			h.cloud.Drop()
		}},
		{"with something on its way", func() {
			held, taken := make(chan struct{}), make(chan struct{}, 1)
			h.scribe.mu.Lock()
			h.scribe.before = func(bot.Incoming) { taken <- struct{}{}; <-held }
			h.scribe.mu.Unlock()
			e := h.cloud.Push(t, "events_api", h.cloud.Message(anna.Person, "onderweg", nil))
			<-taken
			h.cloud.Drop()
			h.scribe.mu.Lock()
			h.scribe.before = nil
			h.scribe.mu.Unlock()
			close(held)
			h.connected(n + 1)
			h.cloud.Again(t, e)
			h.cloud.AwaitAck(t, e) // of the first delivery, or of the second
			var received []bot.Incoming
			await(t, "both deliveries", func() bool {
				more, _ := h.scribe.taken()
				received = append(received, more...)
				return len(received) >= 2
			})
			if len(received) != 2 || received[0].Event != received[1].Event {
				t.Errorf("taken in: %s", tellAll(received))
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.end()
			n++
			h.connected(n)
			anna.Type(test.name)
			if received, _ := h.scribe.taken(); tellAll(received) != fmt.Sprintf("said %q", test.name) {
				t.Errorf("taken in: %s", tellAll(received))
			}
		})
	}
	if strings.Contains(h.log.String(), h.cloud.AppToken) || strings.Contains(h.log.String(), "ticket=") {
		t.Errorf("the log holds a secret:\n%s", h.log)
	}
}

// The chat ends although deliveries are on their way, more than the library's queue of
// acknowledgements holds.
func TestTheChatEndsWhateverIsOnItsWay(t *testing.T) {
	cloud := slacktest.Start(t)
	var people []*slacktest.Colleague
	began := time.Now()
	t.Run("with fifty deliveries", func(t *testing.T) {
		h := newHallOn(t, cloud, overSocket, nil)
		var first sync.Once
		held, begun := make(chan struct{}), make(chan struct{})
		h.scribe.before = func(bot.Incoming) {
			first.Do(func() { close(begun) })
			<-held
		}
		for range 50 {
			people = append(people, h.colleague(slacktest.Person{}))
		}
		for _, p := range people {
			h.cloud.Push(t, "events_api", h.cloud.Message(p.Person, "reset", nil))
		}
		<-begun
		cloud.Drop() // nobody takes an acknowledgement any more
		time.AfterFunc(50*time.Millisecond, func() { close(held) })
	})
	if took := time.Since(began); took > 20*time.Second { // its clean-up waits for the chat's end
		t.Errorf("it took %v to end", took)
	}
}

func TestSocketModeTakesNothingOverHTTP(t *testing.T) {
	h := newHall(t, overSocket, nil)
	if paths := h.chat.Handlers(); len(paths) > 0 {
		t.Errorf("it listens at %v", slices.Sorted(maps.Keys(paths)))
	}
}
