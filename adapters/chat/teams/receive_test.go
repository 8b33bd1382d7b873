package teams_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"resetbot/adapters/chat/teams"
	"resetbot/adapters/chat/teams/teamstest"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// desk is a bot that notes what it is handed.
type desk struct {
	mu       sync.Mutex
	received []bot.Incoming
	rejected []string
	page     conversation.Page // that is on
	fails    error
}

func (d *desk) Receive(_ context.Context, m bot.Incoming) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.received = append(d.received, m)
	return d.fails
}

func (d *desk) Dialog(_ context.Context, u conversation.User, token string) (bot.Outgoing, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if token != d.page.Token {
		return bot.Outgoing{}, false, d.fails
	}
	m := bot.Outgoing{User: u, Locale: "nl", State: conversation.Password, Page: d.page}
	if d.page.Entry != nil {
		m.Link = "https://resetbot.example/p/link"
	}
	return m, true, d.fails
}

func (d *desk) Rejected(_ context.Context, chat, source, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rejected = append(d.rejected, chat+" "+why)
}

// taken are the messages since the last time, and why requests were rejected.
func (d *desk) taken() (received []bot.Incoming, rejected []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	received, d.received = d.received, nil
	rejected, d.rejected = d.rejected, nil
	return received, rejected
}

// office is a chat in Teams, beside a cloud of its own.
type office struct {
	t     testing.TB
	cloud *teamstest.Cloud
	chat  *teams.Teams
	desk  *desk
	url   string
	log   *strings.Builder
}

func newOffice(t testing.TB, change func(*teams.Options)) *office {
	t.Helper()
	return newOfficeOn(t, teamstest.Start(t), change)
}

func newOfficeOn(t testing.TB, cloud *teamstest.Cloud, change func(*teams.Options)) *office {
	t.Helper()
	w, err := words.New(words.Options{
		Organisation: "Ziekenhuis Rijnzicht", Domains: []string{"rijnzicht.example"},
		Desk: words.Desk{Name: "de servicedesk", Phone: "071 000 00 00"},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, cloud: cloud, desk: &desk{}, log: &strings.Builder{}}
	options := teams.Options{
		Words: w, AppID: o.cloud.AppID, TenantID: o.cloud.Tenant, MetadataURL: o.cloud.MetadataURL,
		TokenURL: o.cloud.TokenURL, Password: conversation.NewSecret(o.cloud.Secret),
		ServiceHosts: []string{o.cloud.Host}, ServiceURL: o.cloud.ServiceURL,
		Who: func(_ context.Context, p teams.Person) ([]conversation.Bound, bool, error) {
			switch {
			case strings.HasPrefix(p.ObjectID, "99"):
				return nil, false, nil
			case strings.HasPrefix(p.ObjectID, "55"):
				return nil, false, fmt.Errorf("the directory is out of reach")
			}
			return []conversation.Bound{{ID: conversation.AccountID(p.ObjectID), UPN: "m.devries@rijnzicht.example"}}, true, nil
		},
		Log: slog.New(slog.NewTextHandler(&locked{b: o.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&options)
	}
	if o.chat, err = teams.New(options); err != nil {
		t.Fatal(err)
	}
	o.chat.SetBot(o.desk)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); o.chat.Run(ctx) }()
	server := httptest.NewServer(o.chat)
	o.url = server.URL + teams.Path
	t.Cleanup(func() { server.Close(); stop(); <-done })
	return o
}

type locked struct {
	mu sync.Mutex
	b  *strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// deliver delivers an activity, and gives the status.
func (o *office) deliver(activity any, claims ...teamstest.Claims) teamstest.Answer {
	o.t.Helper()
	answer, err := o.cloud.Deliver(context.Background(), o.url, activity, claims...)
	if err != nil {
		o.t.Fatal(err)
	}
	return answer
}

func with(a map[string]any, set map[string]any) map[string]any {
	a = maps.Clone(a)
	maps.Copy(a, set)
	maps.DeleteFunc(a, func(_ string, v any) bool { return v == nil })
	return a
}

const secretText = "MARKED-hunter2"

// annasID is the object id of somebody whose account is known.
const annasID = "11000000-0000-4000-8000-000000000001"

func TestWhatAnActivityMeans(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.cloud.Person(teamstest.Person{ObjectID: annasID})
	say := func(text string) map[string]any { return o.cloud.Message(anna, text) }
	submit := func(value any) map[string]any { return o.cloud.Submit(anna, "1", value) }
	arrived := func(kind string, set map[string]any) map[string]any { return o.cloud.Activity(anna, kind, set) }
	bot28 := "28:" + o.cloud.AppID
	for _, test := range []struct {
		name     string
		activity map[string]any
		want     string // of the message that is handed in; empty: none
	}{
		{"text", say("wachtwoord vergeten"), `said "wachtwoord vergeten"`},
		{"text that is marked up", with(say("<p>0612&nbsp;345613 &amp; zo</p>"), map[string]any{"textFormat": "xml"}), `said "0612\u00a0345613 & zo"`},
		{"plain text with marks", say("a<b & c>d"), `said "a<b & c>d"`},
		{"a button", submit(map[string]any{"t": "tok", "c": "sms"}), `pressed sms of tok`},
		{"a form", submit(map[string]any{"t": "tok", "f": true, "number": "0612345613"}), `filled number="0612345613" of tok`},
		{"a form with a password in it", submit(map[string]any{"t": "tok", "f": true, "password": secretText, "code": "1"}), `filled code="1" of tok`},
		{"the bot was added", arrived("conversationUpdate", map[string]any{"membersAdded": []any{map[string]any{"id": bot28}}}), "arrived added"},
		{"the app was installed", arrived("installationUpdate", map[string]any{"action": "add"}), "arrived added"},
		{"the app was removed", arrived("installationUpdate", map[string]any{"action": "remove"}), ""},
		{"a person was added", arrived("conversationUpdate", map[string]any{"membersAdded": []any{map[string]any{"id": anna.ID}}}), ""},
		{"an edited message", with(say(secretText), map[string]any{"type": "messageUpdate", "channelData": map[string]any{
			"tenant": map[string]any{"id": anna.Tenant}, "eventType": "editMessage",
		}}), ""},
		{"a deleted message", with(say(""), map[string]any{"type": "messageDelete"}), ""},
		{"a reaction", arrived("messageReaction", map[string]any{"reactionsAdded": []any{map[string]any{"type": "like"}}}), ""},
		{"typing", arrived("typing", nil), ""},
		{"a file", with(say(""), map[string]any{"attachments": []any{map[string]any{"contentType": "image/png"}}}), ""},
		{"a value of a kind that none has", submit([]any{"t"}), ""},
		{"a value of somebody else's card", submit(map[string]any{"x": "y"}), ""},
		{"a choice that is an object", submit(map[string]any{"t": "tok", "c": map[string]any{}}), ""},
		{"a time without a zone", with(say("help"), map[string]any{"timestamp": "2026-11-23T07:00:00"}), `said "help"`},
		{"a button that is answered at once", o.cloud.Invoke(anna, "adaptiveCard/action", map[string]any{
			"action": map[string]any{"type": "Action.Execute", "data": map[string]any{"t": "tok", "c": "call"}},
		}), "pressed call of tok"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := o.deliver(test.activity)
			if answer.Status != http.StatusOK {
				t.Errorf("answered %d", answer.Status)
			}
			received, rejected := o.desk.taken()
			if len(rejected) > 0 {
				t.Errorf("rejected: %v", rejected)
			}
			got := ""
			for _, m := range received {
				got += told(m)
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if log := o.log.String(); strings.Contains(log, secretText) || strings.Contains(log, "0612345613") {
		t.Errorf("the log holds what was typed:\n%s", log)
	}
}

// told says in a word what was handed in.
func told(m bot.Incoming) string {
	switch m.Kind {
	case conversation.Said:
		return fmt.Sprintf("said %q", m.Text.Reveal())
	case conversation.Pressed:
		return fmt.Sprintf("pressed %s of %s", m.Choice, m.Token)
	case conversation.Filled:
		text := "filled"
		for _, f := range slices.Sorted(maps.Keys(m.Fields)) {
			text += fmt.Sprintf(" %s=%q", f, m.Fields[f].Reveal())
		}
		return text + " of " + m.Token
	}
	return string(m.Kind) + " " + m.Event
}

func TestWhoIsThereIsWhatThePlatformSays(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.cloud.Person(teamstest.Person{ObjectID: annasID, Locale: "en-GB"})
	o.deliver(o.cloud.Message(anna, "reset"))
	received, _ := o.desk.taken()
	if len(received) != 1 {
		t.Fatalf("%d messages", len(received))
	}
	m := received[0]
	if want := (conversation.User{Chat: "teams", ID: anna.Tenant + "/" + anna.ObjectID}); m.From.User != want {
		t.Errorf("the user is %s", m.From.User)
	}
	if len(m.From.Bound) != 1 || m.From.Bound[0].ID != conversation.AccountID(anna.ObjectID) {
		t.Errorf("bound to %v", m.From.Bound)
	}
	if m.From.Locale != "en-GB" || m.Event == "" || m.From.Asker == "" {
		t.Errorf("locale %q, event %q, asker %q", m.From.Locale, m.Event, m.From.Asker)
	}
	if !strings.Contains(m.From.Address, anna.Conversation) {
		t.Errorf("the address is %s", m.From.Address)
	}
}

func TestAC09_WhoIsNotServedBeginsNothing(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.cloud.Person(teamstest.Person{ObjectID: annasID})
	guest := o.cloud.Person(teamstest.Person{ObjectID: "99000000-0000-4000-8000-000000000001"})
	foreign := o.cloud.Person(teamstest.Person{ObjectID: annasID, Tenant: "ffffffff-0000-4000-8000-000000000001"})
	conversationOf := func(set map[string]any) map[string]any {
		return with(o.cloud.Message(anna, "reset"), map[string]any{"conversation": with(map[string]any{
			"conversationType": "personal", "tenantId": anna.Tenant, "id": anna.Conversation,
		}, set)})
	}
	for _, test := range []struct {
		name     string
		activity map[string]any
		status   int
		why      string
	}{
		{"a guest", o.cloud.Message(guest, "reset"), 200, "guest"},
		{"another tenant", o.cloud.Message(foreign, "reset"), 403, "tenant"},
		{"two tenants at once", with(o.cloud.Message(anna, "reset"), map[string]any{
			"channelData": map[string]any{"tenant": map[string]any{"id": foreign.Tenant}},
		}), 403, "tenant"},
		{"no tenant", with(conversationOf(map[string]any{"tenantId": nil}), map[string]any{"channelData": nil}), 403, "tenant"},
		{"a bot", with(o.cloud.Message(anna, "reset"), map[string]any{"from": map[string]any{
			"id": "28:other", "aadObjectId": anna.ObjectID,
		}}), 200, "nobody"},
		{"a flow", with(o.cloud.Message(anna, "reset"), map[string]any{"from": map[string]any{"id": "29:flow"}}), 200, "nobody"},
		{"an object id that is none", with(o.cloud.Message(anna, "reset"), map[string]any{"from": map[string]any{
			"id": anna.ID, "aadObjectId": "00000000-0000-0000-0000-0000000000001/../x",
		}}), 200, "nobody"},
		{"a channel", conversationOf(map[string]any{"conversationType": "channel"}), 200, "not_personal"},
		{"a group chat", conversationOf(map[string]any{"conversationType": "groupChat", "isGroup": true}), 200, "not_personal"},
		{"a personal chat of several", conversationOf(map[string]any{"isGroup": true}), 200, "not_personal"},
		{"another platform", with(o.cloud.Message(anna, "reset"), map[string]any{"channelId": "directline"}), 403, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := o.deliver(test.activity)
			received, rejected := o.desk.taken()
			if len(received) > 0 {
				t.Errorf("a conversation began: %s", told(received[0]))
			}
			if answer.Status != test.status || len(rejected) != 1 || test.why != "" && rejected[0] != "teams "+test.why {
				t.Errorf("answered %d, rejected %v; want %d, %s", answer.Status, rejected, test.status, test.why)
			}
		})
	}
}

func TestBadInputIsAnsweredAsThePlatformUnderstands(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.cloud.Person(teamstest.Person{ObjectID: annasID})
	text := func(a map[string]any) []byte {
		t.Helper()
		body, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	message := o.cloud.Message(anna, secretText)
	for _, test := range []struct {
		name   string
		body   any
		status int
	}{
		{"nothing", []byte(""), 400},
		{"no JSON", []byte("{" + secretText), 400},
		{"half of it", text(message)[:100], 400},
		{"a list", []byte("[]"), 400},
		{"null", []byte("null"), 400},
		{"an object", []byte("{}"), 400},
		{"a text that is a number", with(message, map[string]any{"text": 5}), 400},
		{"a conversation that is a text", with(message, map[string]any{"conversation": "a:1"}), 400},
		{"no conversation", with(message, map[string]any{"conversation": nil}), 400},
		{"nobody it is for", with(message, map[string]any{"recipient": nil}), 400},
		{"nobody it is from", with(message, map[string]any{"from": nil}), 400},
		{"no service", with(message, map[string]any{"serviceUrl": nil}), 403},
		{"too much", with(message, map[string]any{"text": strings.Repeat("x", 300<<10)}), 413},
		{"a field that is too long", o.cloud.Submit(anna, "1", map[string]any{"t": "x", "f": true, "name": strings.Repeat("x", 50_000)}), 200},
		{"an invoke that nobody knows", o.cloud.Invoke(anna, "fileConsent/invoke", map[string]any{}), 501},
		{"a dialog for nothing", o.cloud.Invoke(anna, "task/fetch", "x"), 200},
		{"a dialog's form for nothing", o.cloud.Invoke(anna, "task/submit", nil), 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := o.deliver(test.body)
			if answer.Status != test.status {
				t.Errorf("answered %d, want %d", answer.Status, test.status)
			}
			received, _ := o.desk.taken()
			for _, m := range received {
				if m.Kind != conversation.Said || len(m.Text.Reveal()) <= conversation.TypedMax { // too long for anybody to take in
					t.Errorf("taken in: %s", m.Kind)
				}
			}
		})
	}
	if strings.Contains(o.log.String(), secretText) {
		t.Errorf("the log holds what was sent:\n%s", o.log)
	}
}

func TestAC65_ForeignServiceURLsAreNotAnswered(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.cloud.Person(teamstest.Person{ObjectID: annasID})
	for _, evil := range []string{
		"https://evil.example/", "https://" + o.cloud.Host + ".evil.example/", "https://evil.example/" + o.cloud.Host,
		"https://" + o.cloud.Host + "@evil.example/", "ftp://" + o.cloud.Host, "//evil.example",
	} {
		a := with(o.cloud.Message(anna, "reset"), map[string]any{"serviceUrl": evil})
		answer := o.deliver(a, teamstest.Claims{ServiceURL: evil}) // the platform itself says so
		received, _ := o.desk.taken()
		if answer.Status != http.StatusForbidden || len(received) > 0 {
			t.Errorf("%s: answered %d, %d taken in", evil, answer.Status, len(received))
		}
	}
}

func TestAC70_WithoutAnAppIDNothingStarts(t *testing.T) {
	if _, err := teams.New(teams.Options{}); err == nil || !strings.Contains(err.Error(), "app id") {
		t.Errorf("it says %v", err)
	}
}

func TestWhoseAccountCannotBeToldIsToldToWait(t *testing.T) {
	o := newOffice(t, nil)
	piet := o.cloud.Colleague(t, teamstest.Person{ObjectID: "55000000-0000-4000-8000-000000000001"}, o.url)
	piet.Type("reset")
	piet.Await("niet zien wie u bent")
	if received, _ := o.desk.taken(); len(received) > 0 {
		t.Errorf("taken in: %s", told(received[0]))
	}
}

func TestWhatCannotBeStoredIsAskedForAgain(t *testing.T) {
	o := newOffice(t, nil)
	o.desk.fails = fmt.Errorf("the disk is full")
	anna := o.cloud.Person(teamstest.Person{ObjectID: annasID})
	if answer := o.deliver(o.cloud.Message(anna, "reset")); answer.Status != http.StatusInternalServerError {
		t.Errorf("answered %d", answer.Status)
	}
}
