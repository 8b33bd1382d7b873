package slacktest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Person is somebody with an account in a workspace.
type Person struct {
	ID      string // "U…"
	Team    string // their own workspace
	Name    string
	Email   string
	Locale  string // of their Slack, as "nl-NL"
	Channel string // their direct messages with the bot, "D…"

	Deleted         bool
	Restricted      bool // a guest
	UltraRestricted bool // a guest of one channel
	Bot             bool
	Stranger        bool // of another organisation, through Slack Connect
}

// Person adds somebody, with whatever p leaves out made up.
func (s *Slack) Person(p Person) Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ID = or(p.ID, s.id("U"))
	p.Team = or(p.Team, s.Team)
	p.Name = or(p.Name, "U. Tester")
	p.Email = or(p.Email, strings.ToLower(p.ID)+"@example.org")
	p.Locale = or(p.Locale, "nl-NL")
	p.Channel = or(p.Channel, s.id("D"))
	s.people = append(s.people, p)
	return p
}

// Change puts somebody in the place of who has the same id.
func (s *Slack) Change(p Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.people, func(q Person) bool { return q.ID == p.ID }); i >= 0 {
		s.people[i] = p
	}
}

// Channel makes a channel of a workspace, with everybody and the bot in it.
func (s *Slack) Channel(teamID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.id("C")
	s.channels[id] = teamID
	return id
}

// person finds somebody; s.mu is held.
func (s *Slack) person(is func(Person) bool) (Person, bool) {
	if i := slices.IndexFunc(s.people, is); i >= 0 {
		return s.people[i], true
	}
	return Person{}, false
}

// user is somebody as users.info tells of them.
func (p Person) user(email bool) map[string]any {
	profile := map[string]any{"real_name": p.Name, "display_name": p.Name, "team": p.Team}
	if email {
		profile["email"] = p.Email
	}
	return map[string]any{
		"id": p.ID, "team_id": p.Team, "name": strings.ToLower(p.ID), "real_name": p.Name, "deleted": p.Deleted, "tz": "Europe/Amsterdam",
		"is_bot": p.Bot, "is_restricted": p.Restricted, "is_ultra_restricted": p.UltraRestricted, "is_stranger": p.Stranger,
		"is_admin": false, "is_owner": false, "is_app_user": false, "updated": 1_700_000_000, "profile": profile,
	}
}

// set adds to a map, replaces parts of it, and with nil removes them.
func set(m, changes map[string]any) map[string]any {
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

// Event is an event of a workspace as the Events API tells of it: event, in the
// envelope that Slack puts around it; changes are of the envelope (see
// docs.slack.dev/apis/events-api).
func (s *Slack) Event(teamID string, event map[string]any, changes map[string]any) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.workspace(teamID)
	return set(map[string]any{
		"token": "unused", "team_id": teamID, "api_app_id": s.AppID, "type": "event_callback", "event": event,
		"event_id": s.id("Ev"), "event_time": s.Now().Unix(), "is_ext_shared_channel": false, "event_context": "4-" + random(),
		"authorizations": []any{map[string]any{
			"enterprise_id": nil, "team_id": teamID, "user_id": w.BotUser, "is_bot": true, "is_enterprise_install": false,
		}},
	}, changes)
}

// escape is what Slack makes of typed characters
// (docs.slack.dev/messaging/formatting-message-text#escaping), and unescape what
// is read of them.
var (
	escape   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	unescape = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")
	linked   = regexp.MustCompile(`https?://[^\s<>]+|[\w.+-]+@[\w-]+(\.[\w-]+)+`)
)

// typed is what Slack tells of what somebody typed: the text, in which characters
// are escaped and addresses are links, and the elements of its rich text.
func typed(words string) (text string, _ []any) {
	last, elements := 0, []any{}
	plain := func(until int) {
		if last < until {
			text += escape.Replace(words[last:until])
			elements = append(elements, map[string]any{"type": "text", "text": words[last:until]})
		}
	}
	for _, at := range linked.FindAllStringIndex(words, -1) {
		plain(at[0])
		last = at[1]
		link := words[at[0]:at[1]]
		element := map[string]any{"type": "link", "url": link}
		if strings.HasPrefix(link, "http") && strings.Contains(link, "://") {
			text += "<" + escape.Replace(link) + ">"
		} else {
			element["url"], element["text"] = "mailto:"+link, link
			text += "<mailto:" + link + "|" + link + ">"
		}
		elements = append(elements, element)
	}
	plain(len(words))
	return text, elements
}

// Message is that somebody typed something to the bot, as Slack tells of it: with
// characters escaped, and addresses as links. changes are of the event itself. The
// workspace is the one that their chat with the bot is in.
func (s *Slack) Message(p Person, text string, changes map[string]any) map[string]any {
	s.mu.Lock()
	ts := s.ts()
	s.mu.Unlock()
	told, elements := typed(text)
	event := set(map[string]any{
		"type": "message", "user": p.ID, "team": p.Team, "channel": p.Channel, "channel_type": "im", "text": told, "ts": ts, "event_ts": ts,
		"client_msg_id": random(),
		"blocks": []any{map[string]any{"type": "rich_text", "block_id": random()[:5], "elements": []any{map[string]any{
			"type": "rich_text_section", "elements": elements,
		}}}},
	}, changes)
	if !p.Stranger {
		return s.Event(p.Team, event, nil)
	}
	return s.Event(s.Team, set(event, map[string]any{"user_team": p.Team, "source_team": p.Team}), map[string]any{"is_ext_shared_channel": true})
}

// HomeOpened is that somebody looks at the app's home.
func (s *Slack) HomeOpened(p Person) map[string]any {
	s.mu.Lock()
	event := map[string]any{"type": "app_home_opened", "user": p.ID, "channel": p.Channel, "tab": "home", "event_ts": s.ts()}
	if home := s.homes[p.ID]; home != nil {
		event["view"] = home.payload(s)
	}
	s.mu.Unlock()
	return s.Event(p.Team, event, nil)
}

// Command is a slash command of somebody's, in a channel.
func (s *Slack) Command(p Person, channel, command, text string) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := "directmessage"
	if channel != p.Channel {
		name = "algemeen"
	}
	return url.Values{
		"token": {"unused"}, "team_id": {p.Team}, "team_domain": {s.workspace(p.Team).Domain}, "channel_id": {channel}, "channel_name": {name},
		"user_id": {p.ID}, "user_name": {strings.ToLower(p.ID)}, "command": {command}, "text": {text}, "api_app_id": {s.AppID},
		"is_enterprise_install": {"false"}, "response_url": {s.hook(p, channel, nil)}, "trigger_id": {s.trigger(p, nil)},
	}
}

// interaction is what all interactions have; s.mu is held.
func (s *Slack) interaction(p Person, kind string, view *View) map[string]any {
	return map[string]any{
		"type": kind, "api_app_id": s.AppID, "token": "unused", "trigger_id": s.trigger(p, view),
		"team": map[string]any{"id": p.Team, "domain": s.workspace(p.Team).Domain}, "enterprise": nil, "is_enterprise_install": false,
		"user": map[string]any{"id": p.ID, "username": strings.ToLower(p.ID), "name": strings.ToLower(p.ID), "team_id": p.Team},
	}
}

// Delivery is a request to the app. What is left out is right.
type Delivery struct {
	Path        string // of the app: "/slack/events"
	ContentType string
	Body        []byte
	Header      http.Header // replaces and adds; a name without values removes it
	Secret      *string     // to sign with
	At          time.Time   // that the request says it is of
	// Retry is which time it is delivered again, and Reason why.
	Retry  int
	Reason string
}

// Answer is what the app answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Sign is Slack's signature of a body: docs.slack.dev/authentication/verifying-requests-from-slack.
func Sign(secret string, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", timestamp, body) // a hash takes all
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// Deliver posts something to the app, whose base address is appURL.
func (s *Slack) Deliver(ctx context.Context, appURL string, d Delivery) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.AckWait)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(appURL, "/")+d.Path, bytes.NewReader(d.Body))
	if err != nil {
		return Answer{}, fmt.Errorf("delivering to the app: %w", err)
	}
	at, secret := d.At, s.SigningSecret
	if at.IsZero() {
		at = s.Now()
	}
	if d.Secret != nil {
		secret = *d.Secret
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	q.Header.Set("Content-Type", or(d.ContentType, "application/json"))
	q.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	q.Header.Set("X-Slack-Request-Timestamp", timestamp)
	q.Header.Set("X-Slack-Signature", Sign(secret, timestamp, d.Body))
	if d.Retry > 0 {
		q.Header.Set("X-Slack-Retry-Num", strconv.Itoa(d.Retry))
		q.Header.Set("X-Slack-Retry-Reason", or(d.Reason, "http_timeout"))
	}
	for name, values := range d.Header {
		q.Header.Del(name)
		for _, v := range values {
			q.Header.Add(name, v)
		}
	}
	a, err := s.App.Do(q)
	if err != nil {
		return Answer{}, fmt.Errorf("delivering to the app: %w", err)
	}
	defer func() { _ = a.Body.Close() }() // it was read
	body, err := io.ReadAll(a.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the app's answer: %w", err)
	}
	return Answer{a.StatusCode, a.Header, body}, nil
}

// EventDelivery is how an event is delivered over HTTP.
func EventDelivery(event map[string]any) Delivery {
	return Delivery{Path: "/slack/events", Body: text(event)}
}

// CommandDelivery is how a slash command is delivered over HTTP.
func CommandDelivery(command url.Values) Delivery {
	return Delivery{Path: "/slack/commands", ContentType: "application/x-www-form-urlencoded", Body: []byte(command.Encode())}
}

// InteractionDelivery is how an interaction is delivered over HTTP.
func InteractionDelivery(payload map[string]any) Delivery {
	form := url.Values{"payload": {string(text(payload))}}
	return Delivery{Path: "/slack/interactions", ContentType: "application/x-www-form-urlencoded", Body: []byte(form.Encode())}
}

func text(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it is made of maps and strings
	}
	return b
}
