package slacktest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Colleague is somebody with Slack in their hand: they see what the chat shows,
// type, press, fill in and open modals. What is refused fails the test.
type Colleague struct {
	Person
	Slack *Slack
	// App is the app's base address; "" is that it comes for all through Socket
	// Mode.
	App string
	// Times is how often each thing is delivered; 0 is once. What is more is a
	// redelivery: the same event, or the same payload.
	Times int
	t     testing.TB
}

// Colleague gives somebody Slack, with an app that listens at an address:
// /slack/events, /slack/commands and /slack/interactions on it.
func (s *Slack) Colleague(t testing.TB, p Person, appURL string) *Colleague {
	return &Colleague{Person: s.Person(p), Slack: s, App: appURL, t: t}
}

// SocketColleague gives somebody Slack, with an app that comes for all through
// Socket Mode.
func (s *Slack) SocketColleague(t testing.TB, p Person) *Colleague { return s.Colleague(t, p, "") }

// Page is a message, a modal or a home as a person reads it, and what they can do.
type Page struct {
	Shown          // a message
	View    *View  // or a modal, or a home
	Words   string // all that can be read, a line each
	Buttons []Button
	Fields  []Field // what can be filled in
}

// Button is a button.
type Button struct {
	Title, ActionID, BlockID, Value string
	Style                           string
	Address                         string // of a page that it opens
	raw                             map[string]any
}

// Field is something to fill in, or to choose from.
type Field struct {
	Label, ActionID, BlockID string
	Type                     string // "plain_text_input", "static_select", "radio_buttons", …
	Initial                  string
	Optional                 bool
	Options                  []Option
	input                    bool // within an input block: it goes along when the form is sent
}

// Option is one to choose.
type Option struct{ Text, Value string }

// Read reads a message.
func (m Shown) Read() Page {
	p := Page{Shown: m}
	if len(m.Blocks) == 0 && m.Text != "" { // with blocks, a text is for a notification
		p.Words = unescape.Replace(m.Text) + "\n"
	}
	p.read(m.Blocks)
	return p
}

// Read reads a modal or a home.
func (v View) Read() Page {
	p := Page{View: &v}
	if v.Title != "" {
		p.Words = v.Title + "\n"
	}
	p.read(v.Blocks)
	return p
}

func (p *Page) read(blocks []any) {
	for _, v := range blocks {
		b, ok := v.(map[string]any)
		if !ok {
			continue
		}
		id, _ := b["block_id"].(string)
		kind, _ := b["type"].(string)
		p.say(b["title"])
		p.say(b["label"])
		p.say(b["text"])
		p.say(b["hint"])
		if kind == "image" {
			p.say(b["alt_text"])
		}
		if kind == "rich_text" {
			p.rich(b)
			continue
		}
		for _, name := range []string{"fields", "elements"} {
			list, _ := b[name].([]any)
			for _, e := range list {
				if one, ok := e.(map[string]any); ok && (one["type"] == "mrkdwn" || one["type"] == "plain_text") {
					p.say(one)
				} else {
					p.element(b, id, e)
				}
			}
		}
		p.element(b, id, b["accessory"])
		p.element(b, id, b["element"])
	}
}

// rich adds the words of a rich_text block, a line each section.
func (p *Page) rich(block map[string]any) {
	sections, _ := block["elements"].([]any)
	for _, v := range sections {
		section, _ := v.(map[string]any)
		if section["type"] == "rich_text_list" {
			p.rich(section)
			continue
		}
		var line strings.Builder
		runs, _ := section["elements"].([]any)
		for _, run := range runs {
			line.WriteString(said(run))
		}
		p.say(line.String())
	}
}

// say adds words: a text object, or a string.
func (p *Page) say(v any) {
	if s := said(v); s != "" {
		p.Words += s + "\n"
	}
}

func said(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		s, _ := v["text"].(string)
		if v["type"] == "mrkdwn" {
			return unescape.Replace(s)
		}
		return s
	}
	return ""
}

func (p *Page) element(block map[string]any, id string, v any) {
	e, ok := v.(map[string]any)
	if !ok {
		return
	}
	word := func(name string) string { s, _ := e[name].(string); return s }
	switch kind := word("type"); kind {
	case "button":
		p.Words += said(e["text"]) + "\n"
		p.Buttons = append(p.Buttons, Button{
			Title: said(e["text"]), ActionID: word("action_id"), BlockID: id, Value: word("value"), Style: word("style"), Address: word("url"), raw: e,
		})
	case "image":
		p.say(e["alt_text"])
	case "":
	default:
		p.say(e["placeholder"])
		f := Field{Label: said(block["label"]), ActionID: word("action_id"), BlockID: id, Type: kind, Initial: word("initial_value"), input: block["type"] == "input"}
		f.Optional, _ = block["optional"].(bool)
		options, _ := e["options"].([]any)
		for _, o := range options {
			o, _ := o.(map[string]any)
			value, _ := o["value"].(string)
			f.Options = append(f.Options, Option{said(o["text"]), value})
			p.say(o["text"])
		}
		if o, ok := e["initial_option"].(map[string]any); ok {
			f.Initial, _ = o["value"].(string)
		}
		p.Fields = append(p.Fields, f)
	}
}

// Button is the one with these words, or else one whose words hold them.
func (p Page) Button(words string) (Button, bool) {
	for _, match := range []func(string) bool{
		func(title string) bool { return strings.EqualFold(title, words) },
		func(title string) bool { return strings.Contains(strings.ToLower(title), strings.ToLower(words)) },
	} {
		if i := slices.IndexFunc(p.Buttons, func(b Button) bool { return match(b.Title) }); i >= 0 {
			return p.Buttons[i], true
		}
	}
	return Button{}, false
}

// Field is the one with this block id, action id or label.
func (p Page) Field(name string) (Field, bool) {
	i := slices.IndexFunc(p.Fields, func(f Field) bool { return f.BlockID == name || f.ActionID == name || f.Label == name })
	if i < 0 {
		return Field{}, false
	}
	return p.Fields[i], true
}

// Messages are what the chat shows of the app, to this colleague alone too, the
// newest last.
func (e *Colleague) Messages() (pages []Page) {
	for _, m := range e.Slack.shown(func(m *Shown) bool {
		return m.Channel == e.Channel && (m.Ephemeral == "" || m.Ephemeral == e.ID)
	}) {
		pages = append(pages, m.Read())
	}
	return pages
}

// Ephemerals are what a channel shows to this colleague alone; "" is their own
// chat with the app.
func (e *Colleague) Ephemerals(channel string) (pages []Page) {
	for _, m := range e.Slack.Ephemerals(or(channel, e.Channel), e.ID) {
		pages = append(pages, m.Read())
	}
	return pages
}

// Newest is the message that the colleague looks at: the last one.
func (e *Colleague) Newest() Page {
	e.t.Helper()
	pages := e.Messages()
	if len(pages) == 0 {
		e.t.Fatal("the chat is empty")
	}
	return pages[len(pages)-1]
}

// Await waits until the newest message has these words, and gives it.
func (e *Colleague) Await(words string) Page {
	e.t.Helper()
	return e.await("“"+words+"”", func() (Page, bool) {
		pages := e.Messages()
		if len(pages) == 0 {
			return Page{}, false
		}
		return pages[len(pages)-1], strings.Contains(pages[len(pages)-1].Words, words)
	})
}

// AwaitEphemeral waits until something with these words is shown in a channel to
// this colleague alone; "" is their own chat with the app.
func (e *Colleague) AwaitEphemeral(channel, words string) Page {
	e.t.Helper()
	return e.await("“"+words+"” for one alone", func() (Page, bool) {
		pages := e.Ephemerals(channel)
		i := slices.IndexFunc(pages, func(p Page) bool { return strings.Contains(p.Words, words) })
		if i < 0 {
			return Page{}, false
		}
		return pages[i], true
	})
}

func (e *Colleague) await(what string, look func() (Page, bool)) Page {
	e.t.Helper()
	var page Page
	defer func() {
		if e.t.Failed() {
			e.t.Logf("what is there reads:\n%s", page.Words)
		}
	}()
	e.Slack.Wait(e.t, what, func() (ok bool) {
		page, ok = look()
		return ok
	})
	return page
}

// Send delivers an event, as often as the colleague's are, and wants it taken.
func (e *Colleague) Send(event map[string]any) {
	e.t.Helper()
	e.deliver("events_api", event, func() Delivery { return EventDelivery(event) })
}

// deliver delivers one way or the other, and gives what was answered.
func (e *Colleague) deliver(kind string, payload any, overHTTP func() Delivery) []byte {
	e.t.Helper()
	var body []byte
	for n := range max(1, e.Times) {
		if e.App == "" {
			got := e.Slack.Emit(e.t, kind, payload)
			if n == 0 {
				body = got
			}
			continue
		}
		d := overHTTP()
		d.Retry = n
		answer, err := e.Slack.Deliver(context.Background(), e.App, d)
		if err != nil {
			e.t.Fatal(err)
		}
		if answer.Status != http.StatusOK {
			e.t.Fatalf("the app answered %d", answer.Status)
		}
		if n == 0 {
			body = answer.Body
		}
	}
	return body
}

// Type types a message.
func (e *Colleague) Type(text string) {
	e.t.Helper()
	e.Send(e.Slack.Message(e.Person, text, nil))
}

// Command types a slash command in the chat with the app: "/wachtwoord", or with
// words after it.
func (e *Colleague) Command(line string) {
	e.t.Helper()
	e.CommandIn(e.Channel, line)
}

// CommandIn types a slash command in a channel.
func (e *Colleague) CommandIn(channel, line string) {
	e.t.Helper()
	command, words, _ := strings.Cut(line, " ")
	form := e.Slack.Command(e.Person, channel, command, words)
	body := e.deliver("slash_commands", flat(form), func() Delivery { return CommandDelivery(form) })
	e.answered(channel, body)
}

// flat is a form as Socket Mode tells of it.
func flat(form url.Values) map[string]any {
	m := map[string]any{}
	for name := range form {
		m[name] = form.Get(name)
	}
	return m
}

// answered shows what the app answered a command with: a text, or a message.
func (e *Colleague) answered(channel string, body []byte) {
	e.t.Helper()
	if len(strings.TrimSpace(string(body))) == 0 {
		return
	}
	args := map[string]any{"text": string(body)}
	if body[0] == '{' {
		args = map[string]any{}
		if err := json.Unmarshal(body, &args); err != nil {
			e.t.Fatalf("the app answered a command with no JSON: %v", err)
		}
		if len(args) == 0 {
			return
		}
	}
	s := e.Slack
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fault := range s.judge.message(args) {
		s.Fault("answer to a command: " + fault)
	}
	q := &Request{Args: args, Team: e.Team, Channel: channel}
	m, no := s.content(q)
	if no != nil {
		e.t.Fatalf("the app answered a command with %v", no["error"])
	}
	if args["response_type"] != "in_channel" {
		m.Ephemeral = e.ID
	}
	s.show(q, m)
	s.note()
}

// Press presses the button with these words on the newest message.
func (e *Colleague) Press(words string) {
	e.t.Helper()
	e.PressOn(e.Newest(), words)
}

// PressOn presses a button of a message, a modal or a home, old or new.
func (e *Colleague) PressOn(p Page, words string) {
	e.t.Helper()
	b, ok := p.Button(words)
	if !ok {
		e.t.Fatalf("there is no button “%s” on:\n%s", words, p.Words)
	}
	e.Interact(e.Pressed(p, b, nil))
}

// Choose chooses an option, by its words or its value, of a field of the newest
// message that is in no form: the app is told at once.
func (e *Colleague) Choose(field, option string) {
	e.t.Helper()
	e.ChooseOn(e.Newest(), field, option)
}

// ChooseOn chooses an option on a page, old or new.
func (e *Colleague) ChooseOn(p Page, field, option string) {
	e.t.Helper()
	f, ok := p.Field(field)
	if !ok {
		e.t.Fatalf("there is no field %q on:\n%s", field, p.Words)
	}
	value := e.value(f, option)
	value["action_id"], value["block_id"] = f.ActionID, f.BlockID
	e.Interact(e.block(p, value, nil))
}

// Interact delivers an interaction; nothing may be answered.
func (e *Colleague) Interact(payload map[string]any) {
	e.t.Helper()
	body := e.deliver("interactive", payload, func() Delivery { return InteractionDelivery(payload) })
	if s := strings.TrimSpace(string(body)); s != "" && s != "{}" && s != "null" {
		e.t.Fatalf("the app answered a button with %q", s)
	}
}

// Pressed is the interaction that pressing a button is: block_actions. fields are
// filled in where the button stands.
func (e *Colleague) Pressed(p Page, b Button, fields map[string]string) map[string]any {
	e.t.Helper()
	action := map[string]any{"type": "button", "action_id": b.ActionID, "block_id": b.BlockID, "text": b.raw["text"]}
	if b.Value != "" {
		action["value"] = b.Value
	}
	return e.block(p, action, fields)
}

func (e *Colleague) block(p Page, action map[string]any, fields map[string]string) map[string]any {
	e.t.Helper()
	state := map[string]any{"values": e.values(p, fields)}
	s := e.Slack
	s.mu.Lock()
	defer s.mu.Unlock()
	action["action_ts"] = s.ts()
	var view *View
	if p.View != nil {
		for _, v := range append(slices.Clone(s.views[e.ID]), s.homes[e.ID]) {
			if v != nil && v.ID == p.View.ID {
				view = v
			}
		}
	}
	payload := s.interaction(e.Person, "block_actions", view)
	payload["actions"] = []any{action}
	if p.View != nil {
		shown := p.View.payload(s)
		shown["state"] = state
		payload["view"] = shown
		payload["container"] = map[string]any{"type": "view", "view_id": p.View.ID}
		return payload
	}
	var message *Shown
	for _, m := range s.messages {
		if m.Channel == p.Channel && m.TS == p.TS {
			message = m
		}
	}
	payload["state"] = state
	payload["container"] = map[string]any{
		"type": "message", "message_ts": p.TS, "channel_id": p.Channel, "is_ephemeral": p.Ephemeral != "",
	}
	payload["channel"] = map[string]any{"id": p.Channel, "name": "directmessage"}
	payload["response_url"] = s.hook(e.Person, p.Channel, message)
	if p.Ephemeral == "" { // an ephemeral message is not told again
		payload["message"] = p.Shown.payload(s)
	}
	return payload
}

// OpenForm presses the button with these words on the newest message, and waits
// for the modal that it opens; with "", the first button.
func (e *Colleague) OpenForm(words string) Page {
	e.t.Helper()
	return e.OpenFormOn(e.Newest(), words)
}

// OpenFormOn opens the modal of a page, old or new.
func (e *Colleague) OpenFormOn(p Page, words string) Page {
	e.t.Helper()
	before := e.top()
	e.PressOn(p, words)
	return e.await("a modal", func() (Page, bool) {
		top := e.top()
		return top, top.View != nil && (before.View == nil || before.View.ID != top.View.ID)
	})
}

func (e *Colleague) top() Page {
	if modals := e.Slack.Modals(e.ID); len(modals) > 0 {
		return modals[len(modals)-1].Read()
	}
	return Page{}
}

// Form is the modal on top.
func (e *Colleague) Form() Page {
	e.t.Helper()
	top := e.top()
	if top.View == nil {
		e.t.Fatal("no modal is open")
	}
	return top
}

// AwaitForm waits until the modal on top has these words, and gives it.
func (e *Colleague) AwaitForm(words string) Page {
	e.t.Helper()
	return e.await("a modal with “"+words+"”", func() (Page, bool) {
		top := e.top()
		return top, top.View != nil && strings.Contains(top.Words, words)
	})
}

// PressInForm presses a button in the modal on top.
func (e *Colleague) PressInForm(words string) {
	e.t.Helper()
	e.PressOn(e.Form(), words)
}

// Fill fills in the modal on top, by block id, action id or label, and sends it.
// What it gives are the errors that the app shows at fields, by their block ids;
// without any, the modal does what the app answered.
func (e *Colleague) Fill(fields map[string]string) map[string]string {
	e.t.Helper()
	p := e.Form()
	return e.SubmitOn(p, fields)
}

// SubmitOn sends a modal, old or new.
func (e *Colleague) SubmitOn(p Page, fields map[string]string) map[string]string {
	e.t.Helper()
	payload := e.Submission(p, fields)
	body := e.deliver("interactive", payload, func() Delivery { return InteractionDelivery(payload) })
	return e.submitted(p, body)
}

// Submission is the interaction that sending a modal is: view_submission.
func (e *Colleague) Submission(p Page, fields map[string]string) map[string]any {
	e.t.Helper()
	values := e.values(p, fields)
	s := e.Slack
	s.mu.Lock()
	defer s.mu.Unlock()
	payload := s.interaction(e.Person, "view_submission", s.open(e.ID, p.View.ID))
	shown := p.View.payload(s)
	shown["state"] = map[string]any{"values": values}
	payload["view"], payload["response_urls"] = shown, []any{}
	return payload
}

// open is an open modal with this id, or nil; s.mu is held.
func (s *Slack) open(user, id string) *View {
	for _, v := range s.views[user] {
		if v.ID == id {
			return v
		}
	}
	return nil
}

// submitted does what the app answered to a view_submission
// (docs.slack.dev/surfaces/modals#response_actions).
func (e *Colleague) submitted(p Page, body []byte) map[string]string {
	e.t.Helper()
	var a struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   map[string]any    `json:"view"`
	}
	if len(strings.TrimSpace(string(body))) > 0 {
		if err := json.Unmarshal(body, &a); err != nil {
			e.t.Fatalf("the app answered a form with no JSON: %q", body)
		}
	}
	s := e.Slack
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.note()
	v := s.open(e.ID, p.View.ID)
	if a.View != nil {
		for _, fault := range s.judge.view(a.View) {
			s.Fault("answer to a form: " + fault)
		}
	}
	switch a.Action {
	case "":
		s.views[e.ID] = slices.DeleteFunc(s.views[e.ID], func(o *View) bool { return o == v })
	case "clear":
		s.views[e.ID] = nil
	case "update":
		if v != nil {
			s.fill(v, a.View)
		}
	case "push":
		if len(s.views[e.ID]) >= stackMax {
			e.t.Fatal("the app answered a form with a fourth modal")
		}
		s.push(e.Person, a.View)
	case "errors":
		for id := range a.Errors {
			if _, ok := p.Field(id); !ok {
				e.t.Fatalf("the app answered a form with an error at %q, which is no field", id)
			}
		}
		return a.Errors
	default:
		e.t.Fatalf("the app answered a form with %q", a.Action)
	}
	return nil
}

// CloseForm closes the modal on top; the app is told if it asked to be.
func (e *Colleague) CloseForm() {
	e.t.Helper()
	p := e.Form()
	s := e.Slack
	s.mu.Lock()
	s.views[e.ID] = slices.DeleteFunc(s.views[e.ID], func(v *View) bool { return v.ID == p.View.ID })
	s.note()
	payload := s.interaction(e.Person, "view_closed", nil)
	delete(payload, "trigger_id")
	payload["view"], payload["is_cleared"] = p.View.payload(s), false
	s.mu.Unlock()
	if p.View.NotifyEnd {
		e.Interact(payload)
	}
}

// values is the state of what can be filled in. What must be filled in and is not
// fails the test, as Slack sends no such form.
func (e *Colleague) values(p Page, fields map[string]string) map[string]any {
	e.t.Helper()
	all := map[string]any{}
	filled := map[string]string{}
	for name, text := range fields {
		f, ok := p.Field(name)
		if !ok {
			e.t.Fatalf("there is no field %q to fill in on:\n%s", name, p.Words)
		}
		filled[f.BlockID+"\x00"+f.ActionID] = text
	}
	for _, f := range p.Fields {
		text, ok := filled[f.BlockID+"\x00"+f.ActionID]
		if !ok {
			text = f.Initial
		}
		in, _ := all[f.BlockID].(map[string]any)
		if in == nil {
			in = map[string]any{}
			all[f.BlockID] = in
		}
		in[f.ActionID] = e.value(f, text)
	}
	return all
}

// value is a field as it is told when it holds a text.
func (e *Colleague) value(f Field, text string) map[string]any {
	e.t.Helper()
	switch f.Type {
	case "static_select", "radio_buttons":
		var chosen any
		for _, o := range f.Options {
			if text != "" && (o.Text == text || o.Value == text) {
				chosen = map[string]any{"text": map[string]any{"type": "plain_text", "text": o.Text, "emoji": true}, "value": o.Value}
			}
		}
		if chosen == nil && text != "" {
			e.t.Fatalf("there is no option %q in %v", text, f.Options)
		}
		return map[string]any{"type": f.Type, "selected_option": chosen}
	}
	var value any
	if text != "" {
		value = text
	}
	return map[string]any{"type": f.Type, "value": value}
}

// Home looks at the app's home, and waits until it is there.
func (e *Colleague) Home() Page {
	e.t.Helper()
	e.Send(e.Slack.HomeOpened(e.Person))
	return e.await("the app's home", func() (Page, bool) {
		v, ok := e.Slack.Home(e.ID)
		return v.Read(), ok
	})
}

// PressHome presses a button of the app's home.
func (e *Colleague) PressHome(words string) {
	e.t.Helper()
	v, ok := e.Slack.Home(e.ID)
	if !ok {
		e.t.Fatal("the app has no home")
	}
	e.PressOn(v.Read(), words)
}
