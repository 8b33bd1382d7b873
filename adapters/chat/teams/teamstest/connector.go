package teamstest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is a request to the connector.
type Request struct {
	At           time.Time
	Method, Path string // the path as it came, from /v3 on
	Header       http.Header
	Body         json.RawMessage
	Peer         string // the other end of the connection
	Conversation string
	// ID is of the activity that was made or changed; it may never have been told.
	ID       string
	Activity Activity
	Taken    bool // it had its effect, whatever was answered
}

// Activity is what of an activity a test looks at.
type Activity struct {
	Type        string       `json:"type"`
	ID          string       `json:"id"`
	ChannelID   string       `json:"channelId"`
	From        Account      `json:"from"`
	Recipient   Account      `json:"recipient"`
	ReplyToID   string       `json:"replyToId"`
	Text        string       `json:"text"`
	TextFormat  string       `json:"textFormat"`
	Summary     string       `json:"summary"`
	Attachments []Attachment `json:"attachments"`
}

// Account is somebody, or a conversation.
type Account struct {
	ID       string `json:"id"`
	TenantID string `json:"tenantId"`
}

// Attachment is a card.
type Attachment struct {
	ContentType string          `json:"contentType"`
	Content     json.RawMessage `json:"content"`
}

// Shown is a message of the bot's as it stands in a chat now.
type Shown struct {
	ID            string
	Text, Summary string
	Card          json.RawMessage
	Edits         int // how often it was changed
}

// Requests are all requests to the connector, in the order in which they
// happened.
func (c *Cloud) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

// Sent are the activities that the connector took: messages, changes of them,
// and that the bot is typing.
func (c *Cloud) Sent() []Request {
	return slices.DeleteFunc(c.Requests(), func(r Request) bool { return !r.Taken || r.Activity.Type == "" })
}

// Screen is what a conversation shows of the bot.
func (c *Cloud) Screen(conversation string) []Shown {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.screens[conversation])
}

// ForgetMessages removes what a conversation shows, as a person can.
func (c *Cloud) ForgetMessages(conversation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.screens, conversation)
}

// The words of Microsoft's table of errors, for [Cloud.Block] and [Trouble].
const (
	ConversationBlockedByUser      = "ConversationBlockedByUser"
	BotNotInConversationRoster     = "BotNotInConversationRoster"
	BotDisabledByAdmin             = "BotDisabledByAdmin"
	MessageWritesBlocked           = "MessageWritesBlocked"
	ConversationNotFound           = "ConversationNotFound"
	ActivityNotFoundInConversation = "ActivityNotFoundInConversation"
	MessageSizeTooBig              = "MessageSizeTooBig"
)

// Block has a conversation take nothing, for a reason; "" ends that.
func (c *Cloud) Block(conversation, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked[conversation] = reason
}

type connectorError struct {
	Error connectorFault `json:"error"`
}

type connectorFault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// bodyMax is more than Teams takes: 100 KB of UTF-16, without the pictures.
const bodyMax = 4 << 20

func (c *Cloud) connector(w http.ResponseWriter, r *http.Request, trouble Trouble) {
	body, _ := io.ReadAll(r.Body) // from memory: see part
	over := c.turn(r.Context())
	defer over()
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/emea")
	q := Request{At: c.Now(), Method: r.Method, Path: path, Header: r.Header, Body: body, Peer: r.RemoteAddr}
	for _, fault := range c.judge.faults(r, path, body) {
		c.Fault(fault)
	}
	_ = json.Unmarshal(body, &q.Activity) // what is wrong with it was said by the judge
	c.mu.Lock()
	defer c.mu.Unlock()
	status, answer := c.authorised(r)
	if status == 0 {
		status, answer = c.handle(&q, trouble)
	}
	c.requests = append(c.requests, q)
	c.note()
	if limited, ok := answer.(tooMany); ok {
		w.Header().Set("Retry-After", strconv.Itoa(limited.seconds))
		answer = refusal("TooManyRequests")
	}
	write(w, status, answer)
}

func refusal(word string) connectorError { return connectorError{connectorFault{word, "It is so."}} }

func (c *Cloud) authorised(r *http.Request) (int, any) {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if until, ok := c.granted[token]; !bearer || !ok || !c.Now().Before(until) {
		return http.StatusUnauthorized, refusal("Unauthorized")
	}
	return 0, nil
}

// handle does what a request asks for, and answers; c.mu is held.
func (c *Cloud) handle(q *Request, trouble Trouble) (int, any) {
	var parts []string
	for _, part := range strings.Split(strings.TrimPrefix(q.Path, "/v3/conversations"), "/")[1:] {
		one, err := url.PathUnescape(part)
		if err != nil {
			return http.StatusBadRequest, refusal("BadSyntax")
		}
		parts = append(parts, one)
	}
	refused := trouble.Status != 0 && !trouble.Taken
	if len(parts) == 0 {
		return c.open(q, refused)
	}
	q.Conversation = parts[0]
	switch word := c.blocked[q.Conversation]; {
	case word == ConversationNotFound || !slices.ContainsFunc(c.people, func(p Person) bool { return p.Conversation == q.Conversation }):
		return http.StatusNotFound, refusal(ConversationNotFound)
	case word != "":
		return http.StatusForbidden, refusal(word)
	case refused:
		return trouble.Status, refusal(trouble.Code)
	}
	switch verb := q.Method + " " + strings.Join(parts[1:min(2, len(parts))], ""); {
	case verb == "GET members" && len(parts) == 3:
		return c.member(q.Conversation, parts[2])
	case verb == "POST activities" && len(parts) <= 3:
		return c.say(q, trouble)
	case verb == "PUT activities" && len(parts) == 3:
		return c.change(q, parts[2])
	}
	return http.StatusNotFound, refusal("NotFound")
}

type resource struct {
	ID string `json:"id,omitempty"`
}

// say shows a message.
func (c *Cloud) say(q *Request, trouble Trouble) (int, any) {
	if c.Limits {
		if seconds := c.over(q.Conversation, q.At); seconds > 0 {
			return http.StatusTooManyRequests, tooMany{seconds}
		}
	}
	c.counter++
	id := strconv.FormatInt(1_700_000_000_000+int64(c.counter), 10)
	switch {
	case trouble.SameID && c.last != "":
		id = c.last
	case trouble.ID != "":
		id = trouble.ID
	}
	c.last, q.ID, q.Taken = id, id, true
	if q.Activity.Type == "message" {
		c.screens[q.Conversation] = append(c.screens[q.Conversation], q.shown())
	}
	if trouble.NoID || len(q.Activity.Attachments) > 0 && q.Activity.Text != "" {
		return http.StatusCreated, resource{}
	}
	return http.StatusCreated, resource{id}
}

func (q *Request) shown() Shown {
	s := Shown{ID: q.ID, Text: q.Activity.Text, Summary: q.Activity.Summary}
	if len(q.Activity.Attachments) > 0 {
		s.Card = q.Activity.Attachments[0].Content
	}
	return s
}

// change puts a message in the place of another.
func (c *Cloud) change(q *Request, id string) (int, any) {
	shown := c.screens[q.Conversation]
	i := slices.IndexFunc(shown, func(s Shown) bool { return s.ID == id })
	if i < 0 {
		return http.StatusNotFound, refusal(ActivityNotFoundInConversation)
	}
	q.ID, q.Taken = id, true
	next := q.shown()
	next.Edits = shown[i].Edits + 1
	shown[i] = next
	return http.StatusOK, resource{id}
}

// tooMany is a 429.
type tooMany struct{ seconds int }

// over counts against the limits of Microsoft's “Optimize your bot: rate
// limiting”, and says after how many seconds there is room again; 0 is now.
func (c *Cloud) over(conversation string, at time.Time) int {
	for _, l := range []struct {
		lane    string
		n       int
		seconds int
	}{{conversation, 7, 1}, {conversation, 8, 2}, {conversation, 60, 30}, {conversation, 1800, 3600}, {"", 30, 1}} {
		since := at.Add(-time.Duration(l.seconds) * time.Second)
		times := c.arrived[l.lane]
		first, _ := slices.BinarySearchFunc(times, since, time.Time.Compare)
		if len(times)-first >= l.n {
			return l.seconds
		}
	}
	for _, lane := range []string{conversation, ""} {
		c.arrived[lane] = append(c.arrived[lane], at)
	}
	return 0
}

// open opens a conversation with somebody who has the app.
func (c *Cloud) open(q *Request, refused bool) (int, any) {
	var asked struct {
		Bot      Account
		Members  []Account
		TenantID string
	}
	if err := json.Unmarshal(q.Body, &asked); err != nil || len(asked.Members) != 1 {
		return http.StatusBadRequest, refusal("BadSyntax")
	}
	i := slices.IndexFunc(c.people, func(p Person) bool { return p.known(asked.Members[0].ID) })
	if q.Method != http.MethodPost || i < 0 || asked.TenantID != c.Tenant || refused {
		return http.StatusForbidden, refusal(BotNotInConversationRoster)
	}
	q.Taken, q.Conversation = true, c.people[i].Conversation
	return http.StatusCreated, map[string]string{"id": q.Conversation, "serviceUrl": c.ServiceURL}
}

func (c *Cloud) member(conversation, id string) (int, any) {
	i := slices.IndexFunc(c.people, func(p Person) bool { return p.Conversation == conversation && p.known(id) })
	if i < 0 {
		return http.StatusNotFound, refusal("MemberNotFoundInConversation")
	}
	p := c.people[i]
	return http.StatusOK, map[string]string{
		"id": p.ID, "objectId": p.ObjectID, "name": p.Name, "userPrincipalName": p.UPN, "email": p.UPN,
		"tenantId": p.Tenant, "userRole": "user",
	}
}
