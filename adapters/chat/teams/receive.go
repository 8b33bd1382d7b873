package teams

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// bodyMax bounds an activity. Teams repeats a text as HTML beside it, and
// describes files; what is longer than this nobody typed.
const bodyMax = 256 << 10

// ServeHTTP takes an activity in. It is acknowledged when what it means is
// durable; answers to people leave behind it, those to an invoke are the body.
func (t *Teams) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	b := t.receiver()
	switch {
	case r.Method != http.MethodPost:
		rw.Header().Set("Allow", http.MethodPost)
		rw.WriteHeader(http.StatusMethodNotAllowed)
	case b == nil:
		rw.WriteHeader(http.StatusServiceUnavailable)
	default:
		t.take(rw, r, b)
	}
}

func (t *Teams) take(rw http.ResponseWriter, r *http.Request, b Bot) {
	a, err := t.read(rw, r)
	if err != nil {
		t.reject(rw, r, b, err)
		return
	}
	from, err := t.admit(a)
	if err != nil {
		t.reject(rw, r, b, err)
		return
	}
	switch body, err := t.dispatch(r.Context(), b, a, from); {
	case errors.Is(err, errNoInvoke): // Bot Framework: an invoke that nobody knows
		t.Log.Info("passing over an invoke that is none of ours")
		rw.WriteHeader(http.StatusNotImplemented)
	case err != nil:
		t.Log.Error("taking in an activity", "type", kindOf(a), "error", err)
		rw.WriteHeader(http.StatusInternalServerError)
	case body == nil:
		rw.WriteHeader(http.StatusOK)
	default:
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		rw.WriteHeader(http.StatusOK)
		_, _ = rw.Write(body) // whoever asked has hung up
	}
}

// read reads and believes an activity, or says with what status it does not.
func (t *Teams) read(rw http.ResponseWriter, r *http.Request) (a received, err error) {
	switch n := len(r.Header.Values("Authorization")); { // before anything of it is read
	case n == 0 || r.Header.Get("Authorization") == "":
		return a, noToken
	case n > 1: // which of them would be believed?
		return a, malformed
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, bodyMax))
	var tooMuch *http.MaxBytesError
	switch {
	case errors.As(err, &tooMuch):
		return a, refused{http.StatusRequestEntityTooLarge, "too_much"}
	case err != nil:
		return a, refused{http.StatusBadRequest, "broken_off"}
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Type == "" {
		return a, refused{http.StatusBadRequest, "malformed"}
	}
	// The library decodes the whole request before it looks at the token, and
	// stumbles over what is allowed (a value that is no object, a time without a
	// zone). So it is handed no more than the token is held against.
	essence, err := json.Marshal(struct {
		Type       string `json:"type"`
		ChannelID  string `json:"channelId"`
		ServiceURL string `json:"serviceUrl"`
	}{a.Type, a.ChannelID, a.ServiceURL})
	if err != nil {
		return a, fmt.Errorf("reading an activity: %w", err)
	}
	bare := &http.Request{Header: r.Header, Body: io.NopCloser(bytes.NewReader(essence))}
	if _, err := t.core.ParseRequest(r.Context(), bare); err != nil {
		return a, err
	}
	return a, nil
}

// admit says who is there, in a chat that is served.
func (t *Teams) admit(a received) (from reference, err error) {
	tenant := a.tenant()
	switch {
	case a.ChannelID != teamsChannel:
		return from, badChannel
	case !t.allowed(tenant):
		return from, refused{http.StatusForbidden, "tenant"}
	case !t.out.reaches(a.ServiceURL):
		return from, badServiceURL
	case a.Conversation.ID == "" || a.From.ID == "" || a.Recipient.ID == "":
		return from, refused{http.StatusBadRequest, "malformed"}
	}
	return a.reference(tenant), nil
}

// reject answers a request that is not believed or not served.
func (t *Teams) reject(rw http.ResponseWriter, r *http.Request, b Bot, err error) {
	var no refused
	if !errors.As(err, &no) {
		no = refused{http.StatusInternalServerError, "trouble"}
		t.Log.Error("reading an activity", "error", err)
	}
	b.Rejected(r.Context(), Name, t.Source(r), no.why)
	t.Log.Info("refusing a request", "why", no.why, "status", no.status)
	rw.WriteHeader(no.status)
}

// kindOf is the type of an activity, for the log: a word that we know.
func kindOf(a received) string {
	switch a.Type {
	case typeMessage, typeUpdate, typeConversation, typeInstallation, typeInvoke:
		return a.Type
	}
	return "other"
}

var errNoInvoke = errors.New("no such invoke")

// dispatch does what an activity asks. body is what an invoke is answered.
func (t *Teams) dispatch(ctx context.Context, b Bot, a received, to reference) (body []byte, err error) {
	id, ok := a.who()
	switch {
	case !ok:
		b.Rejected(ctx, Name, to.Tenant, "nobody")
		return nil, nil
	case a.Conversation.Type != personal || a.Conversation.Group:
		b.Rejected(ctx, Name, to.Tenant+"/"+id, "not_personal")
		if a.Type == typeMessage { // somebody speaks to the bot there
			t.say(to, a.locale(), words.PrivateOnly)
		}
		return nil, nil
	case !t.concerns(a):
		return nil, nil
	}
	who := user(to.Tenant, id)
	bound, known, err := t.bound(ctx, who, to, id)
	if err != nil { // who they are cannot be told, and a guess would be wrong either way
		t.Log.Error("asking whose account this is", "error", err)
		t.say(to, a.locale(), words.NotKnownNow)
		return nil, nil
	}
	if !known {
		b.Rejected(ctx, Name, to.Tenant+"/"+id, "guest")
		if a.Type == typeMessage {
			t.say(to, a.locale(), words.NotServed)
		}
		return nil, nil
	}
	address, err := json.Marshal(to)
	if err != nil {
		return nil, fmt.Errorf("naming a chat: %w", err)
	}
	from := conversation.Origin{
		User: who, Address: string(address), Asker: who.String(), Locale: a.locale(), Bound: bound,
	}
	return t.hear(ctx, b, a, from, to)
}

// concerns reports whether an activity says something. Reactions, deletions,
// typing, and whatever Teams comes up with next do not (AC-45).
func (t *Teams) concerns(a received) bool {
	switch a.Type {
	case typeMessage, typeInvoke:
		return true
	case typeUpdate:
		return a.edited()
	}
	return a.added()
}

// hear hands in what a person said, pressed or filled in.
func (t *Teams) hear(ctx context.Context, b Bot, a received, from conversation.Origin, to reference) ([]byte, error) {
	switch {
	case a.Type == typeInvoke:
		return t.invoke(ctx, b, a, from)
	case a.added():
		// The chat is told in two ways that the bot is there, and more often than
		// once: one event of all of them, so that a person is greeted once.
		return nil, b.Receive(ctx, bot.Incoming{Kind: conversation.Arrived, From: from, Event: "added"})
	case a.Type == typeUpdate:
		t.say(to, from.Locale, words.Edited)
		return nil, nil
	case len(a.Value) > 0 && string(a.Value) != "null":
		return nil, t.submitted(ctx, b, a, a.Value, from)
	case a.typed() == "" && len(a.Attachments) > 0:
		t.say(to, from.Locale, words.TextOnly)
		return nil, nil
	}
	t.lately.spoke(from.User)
	return nil, b.Receive(ctx, bot.Incoming{
		Kind: conversation.Said, From: from, Event: a.ID, Text: conversation.NewSecret(cut(a.typed())),
	})
}

// submitted hands in what a card carries. What no card of ours sends is passed
// over.
func (t *Teams) submitted(ctx context.Context, b Bot, a received, data json.RawMessage, from conversation.Origin) error {
	p, ok := press(data)
	if !ok {
		t.Log.Info("passing over the value of a card that is none of ours")
		return nil
	}
	t.lately.pressed(from.User, a.ReplyToID, p.Choice)
	m := t.incoming(p, from)
	m.Event = a.ID
	return b.Receive(ctx, m)
}

// incoming is what was pressed or filled in, as the bot takes it. Passwords are
// no fields of a card: they are typed in a dialog.
func (t *Teams) incoming(p pressed, from conversation.Origin) bot.Incoming {
	m := bot.Incoming{Kind: conversation.Pressed, From: from, Token: p.Token, Choice: p.Choice}
	if p.Choice != "" {
		return m
	}
	m.Kind, m.Fields = conversation.Filled, map[conversation.Field]conversation.Secret{}
	for f, text := range p.Fields {
		if secretField(f) {
			continue
		}
		if len(text) > conversation.TypedMax {
			return bot.Incoming{Kind: conversation.Said, From: from, Text: conversation.NewSecret(cut(text))}
		}
		m.Fields[f] = conversation.NewSecret(t.Words.Filled(f, text))
	}
	return m
}

// secretField reports whether a field is of a dialog alone.
func secretField(f conversation.Field) bool {
	switch f {
	case conversation.FieldPassword, conversation.FieldConfirm, conversation.FieldCurrent, conversation.FieldMeantSo:
		return true
	}
	return false
}

// cut makes what is too long one byte longer than anybody takes in, so that it
// is refused and not misread.
func cut(text string) string { return text[:min(len(text), conversation.TypedMax+1)] }

// sayFor bounds how long a loose sentence may take to be sent.
const sayFor = 20 * time.Second

// say sends a sentence that belongs to no page, behind the answer to the request.
// It is sent once, and lost if it cannot be.
func (t *Teams) say(to reference, locale string, p words.Phrase) {
	text := t.Words.Phrase(locale, p, conversation.Args{}, t.Now())
	t.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), sayFor)
		defer cancel()
		if _, err := t.out.send(ctx, to, message{Text: text}); err != nil {
			t.Log.Warn("saying a sentence", "what", p, "error", err)
		}
	})
}
