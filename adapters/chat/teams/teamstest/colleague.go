package teamstest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Colleague is somebody with Teams in their hand: they see what the chat shows,
// type, press, fill in and open dialogs. What is refused fails the test.
type Colleague struct {
	Person
	Cloud *Cloud
	// Bot is where activities are delivered.
	Bot string
	// Times is how often each activity is delivered; 0 is once.
	Times int
	t     testing.TB
}

// Colleague gives somebody Teams, with a bot that listens at an address.
func (c *Cloud) Colleague(t testing.TB, p Person, botURL string) *Colleague {
	return &Colleague{Person: c.Person(p), Cloud: c, Bot: botURL, t: t}
}

// Card is a message of the bot's as a person reads it, and what they can do.
type Card struct {
	Shown
	Words   string // all that can be read, a line each
	Buttons []Button
	Inputs  []string // the ids of what can be filled in
}

// Button is an action of a card.
type Button struct {
	Title   string
	Data    map[string]any
	Dialog  bool // it opens one
	Form    bool // it takes what is filled in along
	Off     bool
	Address string // of a page that it opens
}

// Read reads what was shown.
func (s Shown) Read() (Card, error) {
	card := Card{Shown: s, Words: s.Text}
	if len(s.Card) == 0 {
		return card, nil
	}
	var tree any
	if err := json.Unmarshal(s.Card, &tree); err != nil {
		return card, fmt.Errorf("reading a card: %w", err)
	}
	card.walk(tree)
	return card, nil
}

// walk reads an element of a card, and all within.
func (c *Card) walk(node any) {
	switch node := node.(type) {
	case []any:
		for _, n := range node {
			c.walk(n)
		}
	case map[string]any:
		c.element(node)
		if inlines, ok := node["inlines"].([]any); ok { // pieces of one paragraph
			c.Words += joined(inlines) + "\n"
		}
		for _, within := range []string{"body", "items", "columns", "actions", "selectAction", "rows", "cells", "card"} {
			c.walk(node[within])
		}
	}
}

func joined(inlines []any) (text string) {
	for _, inline := range inlines {
		switch inline := inline.(type) {
		case string:
			text += inline
		case map[string]any:
			piece, _ := inline["text"].(string)
			text += piece
		}
	}
	return text
}

func (c *Card) element(n map[string]any) {
	text := func(key string) string {
		s, _ := n[key].(string)
		return s
	}
	kind := text("type")
	for _, key := range []string{"text", "label", "altText", "errorMessage", "placeholder"} {
		if key == "text" || strings.HasPrefix(kind, "Input.") || key == "altText" {
			if s := text(key); s != "" {
				c.Words += s + "\n"
			}
		}
	}
	switch {
	case strings.HasPrefix(kind, "Input."):
		c.Inputs = append(c.Inputs, text("id"))
	case strings.HasPrefix(kind, "Action."):
		b := Button{Title: text("title"), Form: text("associatedInputs") != "none", Address: text("url")}
		b.Data, _ = n["data"].(map[string]any)
		if teams, ok := b.Data["msteams"].(map[string]any); ok {
			b.Dialog = teams["type"] == "task/fetch"
		}
		if on, ok := n["isEnabled"].(bool); ok {
			b.Off = !on
		}
		c.Buttons = append(c.Buttons, b)
	}
}

// button is the one with these words, or that begins with them.
func (c Card) button(words string) (Button, bool) {
	for _, match := range []func(string) bool{
		func(title string) bool { return strings.EqualFold(title, words) },
		func(title string) bool { return strings.Contains(strings.ToLower(title), strings.ToLower(words)) },
	} {
		if i := slices.IndexFunc(c.Buttons, func(b Button) bool { return match(b.Title) }); i >= 0 {
			return c.Buttons[i], true
		}
	}
	return Button{}, false
}

// Cards are what the chat shows of the bot, the newest last.
func (e *Colleague) Cards() []Card {
	e.t.Helper()
	var cards []Card
	for _, s := range e.Cloud.Screen(e.Conversation) {
		card, err := s.Read()
		if err != nil {
			e.t.Fatal(err)
		}
		cards = append(cards, card)
	}
	return cards
}

// Newest is the card that the colleague looks at: the last one.
func (e *Colleague) Newest() Card {
	e.t.Helper()
	cards := e.Cards()
	if len(cards) == 0 {
		e.t.Fatal("the chat is empty")
	}
	return cards[len(cards)-1]
}

// Await waits until the newest card has these words, and gives it.
func (e *Colleague) Await(words string) Card {
	e.t.Helper()
	var card Card
	defer func() {
		if e.t.Failed() {
			e.t.Logf("the newest card reads:\n%s", card.Words)
		}
	}()
	e.Cloud.Wait(e.t, "“"+words+"”", func() bool {
		if cards := e.Cards(); len(cards) > 0 {
			card = cards[len(cards)-1]
		}
		return strings.Contains(card.Words, words)
	})
	return card
}

// AwaitField waits until the newest card has something to fill in, and gives it.
func (e *Colleague) AwaitField(id string) Card {
	e.t.Helper()
	var card Card
	e.Cloud.Wait(e.t, "a field for the "+id, func() bool {
		if cards := e.Cards(); len(cards) > 0 {
			card = cards[len(cards)-1]
		}
		return slices.Contains(card.Inputs, id)
	})
	return card
}

// Send delivers an activity, as often as the colleague's are, and wants it taken.
func (e *Colleague) Send(activity map[string]any) Answer {
	e.t.Helper()
	var answer Answer
	for range max(1, e.Times) {
		var err error
		if answer, err = e.Cloud.Deliver(context.Background(), e.Bot, activity); err != nil {
			e.t.Fatal(err)
		}
		if answer.Status != http.StatusOK {
			e.t.Fatalf("the bot answered %d", answer.Status)
		}
	}
	return answer
}

// Install has the app come into the chat, which the bot is told in two ways.
func (e *Colleague) Install() {
	e.t.Helper()
	e.Send(e.Cloud.Activity(e.Person, "installationUpdate", map[string]any{"action": "add"}))
	e.Send(e.Cloud.Activity(e.Person, "conversationUpdate", map[string]any{
		"membersAdded": []any{map[string]any{"id": "28:" + e.Cloud.AppID}, map[string]any{"id": e.ID}},
	}))
}

// Type types a message.
func (e *Colleague) Type(text string) {
	e.t.Helper()
	e.Send(e.Cloud.Message(e.Person, text))
}

// Press presses the button with these words on the newest card.
func (e *Colleague) Press(words string) {
	e.t.Helper()
	e.PressOn(e.Newest(), words)
}

// PressOn presses a button of a card, old or new.
func (e *Colleague) PressOn(card Card, words string) {
	e.t.Helper()
	b, ok := card.button(words)
	if !ok || b.Off || b.Dialog {
		e.t.Fatalf("there is no button “%s” to press (%t, %+v) on:\n%s", words, ok, b, card.Words)
	}
	e.Send(e.Cloud.Submit(e.Person, card.ID, b.Data))
}

// Fill fills in the newest card and presses its button.
func (e *Colleague) Fill(fields map[string]string) {
	e.t.Helper()
	card := e.Newest()
	value := map[string]any{}
	for id, text := range fields {
		if !slices.Contains(card.Inputs, id) {
			e.t.Fatalf("there is no field %q to fill in on:\n%s", id, card.Words)
		}
		value[id] = text
	}
	i := slices.IndexFunc(card.Buttons, func(b Button) bool { return b.Form && !b.Dialog && b.Address == "" })
	if i < 0 {
		e.t.Fatalf("nothing submits what is filled in on:\n%s", card.Words)
	}
	for key, v := range card.Buttons[i].Data {
		value[key] = v
	}
	e.Send(e.Cloud.Submit(e.Person, card.ID, value))
}

// Dialog is what a client opens over the chat.
type Dialog struct {
	Title string
	URL   string // a page; or
	Card  *Card  // a card; or
	Words string // a sentence, and nothing is open
}

// Open presses the button that opens a dialog on the newest card.
func (e *Colleague) Open() Dialog {
	e.t.Helper()
	return e.OpenOn(e.Newest())
}

// OpenOn opens the dialog of a card, old or new.
func (e *Colleague) OpenOn(card Card) Dialog {
	e.t.Helper()
	i := slices.IndexFunc(card.Buttons, func(b Button) bool { return b.Dialog })
	if i < 0 {
		e.t.Fatalf("nothing opens a dialog on:\n%s", card.Words)
	}
	return e.invoke("task/fetch", card.Buttons[i].Data)
}

// Submit fills in the card of a dialog, and presses its button.
func (e *Colleague) Submit(d Dialog, fields map[string]string) Dialog {
	e.t.Helper()
	if d.Card == nil || len(d.Card.Buttons) == 0 {
		e.t.Fatal("there is no card in the dialog")
	}
	data := map[string]any{}
	for key, v := range d.Card.Buttons[0].Data {
		data[key] = v
	}
	for id, text := range fields {
		data[id] = text
	}
	return e.invoke("task/submit", data)
}

// invoke sends what is answered with a dialog.
func (e *Colleague) invoke(name string, data map[string]any) Dialog {
	e.t.Helper()
	answer := e.Send(e.Cloud.Invoke(e.Person, name, map[string]any{"data": data, "context": map[string]any{"theme": "default"}}))
	var body struct {
		Task struct {
			Type  string
			Value json.RawMessage
		}
	}
	if err := json.Unmarshal(answer.Body, &body); err != nil {
		e.t.Fatalf("the answer to %s is none: %v", name, err)
	}
	var d Dialog
	if body.Task.Type != "continue" {
		if err := json.Unmarshal(body.Task.Value, &d.Words); err != nil || body.Task.Type != "message" {
			e.t.Fatalf("the answer to %s is a %q (%v)", name, body.Task.Type, err)
		}
		return d
	}
	var open struct {
		Title, URL string
		Card       *Attachment
	}
	if err := json.Unmarshal(body.Task.Value, &open); err != nil {
		e.t.Fatalf("the answer to %s: %v", name, err)
	}
	d.Title, d.URL = open.Title, open.URL
	if open.Card != nil {
		card, err := Shown{Card: open.Card.Content}.Read()
		if err != nil {
			e.t.Fatal(err)
		}
		d.Card = &card
	}
	return d
}
