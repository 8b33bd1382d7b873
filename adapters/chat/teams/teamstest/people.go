package teamstest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Person is somebody who has the app.
type Person struct {
	ID           string // the bot's own name for them, "29:…"
	ObjectID     string // the directory's
	UPN, Name    string
	Tenant       string
	Conversation string // their chat with the bot
	Locale       string // of their Teams
}

// Person adds somebody, with whatever p leaves out made up.
func (c *Cloud) Person(p Person) Person {
	id := random()
	p.ID = or(p.ID, "29:1"+id)
	p.ObjectID = or(p.ObjectID, strings.Join([]string{id[:8], id[8:12], "4" + id[13:16], "8" + id[17:20], id[20:]}, "-"))
	p.UPN = or(p.UPN, "u"+id[:6]+"@example.org")
	p.Name = or(p.Name, "U. Tester")
	p.Tenant = or(p.Tenant, c.Tenant)
	p.Conversation = or(p.Conversation, "a:1"+random()+"_"+id)
	p.Locale = or(p.Locale, "nl-NL")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.people = append(c.people, p)
	return p
}

func (p Person) known(id string) bool { return id == p.ID || strings.EqualFold(id, p.ObjectID) }

// Activity is an activity of somebody's in their chat, as Teams writes it; set
// adds to it, replaces parts of it, and with nil removes them.
func (c *Cloud) Activity(p Person, kind string, set map[string]any) map[string]any {
	c.mu.Lock()
	c.counter++
	id := strconv.FormatInt(1_600_000_000_000+int64(c.counter), 10)
	c.mu.Unlock()
	now := c.Now()
	a := map[string]any{
		"type": kind, "id": id, "channelId": "msteams", "serviceUrl": c.ServiceURL,
		"timestamp": now.UTC().Format("2006-01-02T15:04:05.0000000Z"), "localTimestamp": now.Format("2006-01-02T15:04:05.0000000-07:00"),
		"localTimezone": "Europe/Amsterdam", "locale": p.Locale,
		"from":         map[string]any{"id": p.ID, "name": p.Name, "aadObjectId": p.ObjectID},
		"conversation": map[string]any{"conversationType": "personal", "tenantId": p.Tenant, "id": p.Conversation},
		"recipient":    map[string]any{"id": "28:" + c.AppID, "name": "resetbot"},
		"channelData":  map[string]any{"tenant": map[string]any{"id": p.Tenant}},
		"entities": []any{map[string]any{
			"type": "clientInfo", "locale": p.Locale, "country": "NL", "platform": "Android", "timezone": "Europe/Amsterdam",
		}},
	}
	maps.Copy(a, set)
	maps.DeleteFunc(a, func(_ string, v any) bool { return v == nil })
	return a
}

// Message is something that a person typed.
func (c *Cloud) Message(p Person, text string) map[string]any {
	return c.Activity(p, "message", map[string]any{"text": text, "textFormat": "plain"})
}

// Submit is a button of a card that was sent as id: Action.Submit with value.
func (c *Cloud) Submit(p Person, id string, value any) map[string]any {
	return c.Activity(p, "message", map[string]any{"replyToId": id, "value": value})
}

// Invoke is something that is answered at once: task/fetch, task/submit,
// adaptiveCard/action.
func (c *Cloud) Invoke(p Person, name string, value any) map[string]any {
	return c.Activity(p, "invoke", map[string]any{"name": name, "value": value})
}

// Answer is what the bot answered a delivery.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// deliveryTimeout is how long Microsoft waits for a bot.
const deliveryTimeout = 15 * time.Second

// Deliver posts an activity to the bot, as the Bot Connector does. Its token is
// right, unless claims say otherwise.
func (c *Cloud) Deliver(ctx context.Context, botURL string, activity any, claims ...Claims) (Answer, error) {
	claim := Claims{}
	if len(claims) > 0 {
		claim = claims[0]
	}
	return c.DeliverWith(ctx, http.DefaultClient, botURL, "Bearer "+c.Token(claim), activity)
}

// DeliverWith is Deliver with a client and an Authorization header of one's own.
func (c *Cloud) DeliverWith(ctx context.Context, client *http.Client, botURL, authorization string, activity any) (Answer, error) {
	body, raw := activity.([]byte)
	if !raw {
		var err error
		if body, err = json.Marshal(activity); err != nil {
			return Answer{}, fmt.Errorf("writing an activity: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, botURL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("delivering an activity: %w", err)
	}
	q.Header.Set("Content-Type", "application/json; charset=utf-8")
	if authorization != "" {
		q.Header.Set("Authorization", authorization)
	}
	a, err := client.Do(q)
	if err != nil {
		return Answer{}, fmt.Errorf("delivering an activity: %w", err)
	}
	defer func() { _ = a.Body.Close() }() // it was read
	answer, err := io.ReadAll(a.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the bot's answer: %w", err)
	}
	return Answer{a.StatusCode, a.Header, answer}, nil
}
