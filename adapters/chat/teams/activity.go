package teams

import (
	"encoding/json"
	"html"
	"regexp"
	"slices"
	"strings"

	"resetbot/conversation"
)

// received is what is read of an activity of the Bot Framework; all else is
// passed over. (Bot Framework activity schema; the parts that Teams adds stand in
// channelData.)
type received struct {
	Type         string          `json:"type"`
	ID           string          `json:"id"`
	Name         string          `json:"name"` // of an invoke
	Action       string          `json:"action"`
	ChannelID    string          `json:"channelId"`
	ServiceURL   string          `json:"serviceUrl"`
	Locale       string          `json:"locale"`
	Text         string          `json:"text"`
	TextFormat   string          `json:"textFormat"`
	ReplyToID    string          `json:"replyToId"`
	From         person          `json:"from"`
	Recipient    person          `json:"recipient"`
	Conversation chat            `json:"conversation"`
	MembersAdded []person        `json:"membersAdded"`
	Attachments  []attachment    `json:"attachments"`
	Entities     []entity        `json:"entities"`
	ChannelData  json.RawMessage `json:"channelData"`
	Value        json.RawMessage `json:"value"`
}

type person struct {
	ID       string `json:"id"`
	ObjectID string `json:"aadObjectId"`
}

type chat struct {
	ID       string `json:"id"`
	Type     string `json:"conversationType"`
	Group    bool   `json:"isGroup"`
	TenantID string `json:"tenantId"`
}

type attachment struct {
	ContentType string `json:"contentType"`
}

type entity struct {
	Type   string `json:"type"`
	Locale string `json:"locale"`
}

// The types of activities, and the names of invokes, that mean something here.
const (
	typeMessage      = "message"
	typeUpdate       = "messageUpdate"
	typeConversation = "conversationUpdate"
	typeInstallation = "installationUpdate"
	typeInvoke       = "invoke"

	invokeFetch  = "task/fetch"
	invokeSubmit = "task/submit"
	invokeAction = "adaptiveCard/action"

	personal = "personal"
)

// tenant is the one that the activity is from; empty where it says two, or none.
func (a received) tenant() string {
	var data struct {
		Tenant struct {
			ID string `json:"id"`
		} `json:"tenant"`
	}
	if len(a.ChannelData) > 0 {
		if err := json.Unmarshal(a.ChannelData, &data); err != nil {
			return ""
		}
	}
	of := data.Tenant.ID
	switch {
	case of == "":
		of = a.Conversation.TenantID
	case a.Conversation.TenantID != "" && !strings.EqualFold(of, a.Conversation.TenantID):
		return ""
	}
	return strings.ToLower(of)
}

// edited reports whether a changed message is one that its writer changed, and
// not one that was deleted or brought back.
func (a received) edited() bool {
	var data struct {
		Event string `json:"eventType"`
	}
	return json.Unmarshal(a.ChannelData, &data) == nil && data.Event == "editMessage"
}

// objectID is a person's id in the directory; nobody else is served.
var objectID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// who is the person who sent the activity; ok is false for bots, flows, and
// whoever the platform does not vouch for.
func (a received) who() (id string, ok bool) {
	id = strings.ToLower(a.From.ObjectID)
	return id, objectID.MatchString(id) && !strings.HasPrefix(a.From.ID, botPrefix)
}

// botPrefix begins the ids of bots in a chat; those of people begin with "29:".
const botPrefix = "28:"

// locale is the language of the person's client.
func (a received) locale() string {
	for _, e := range a.Entities {
		if e.Type == "clientInfo" && e.Locale != "" {
			return e.Locale
		}
	}
	return a.Locale
}

// added reports whether the activity tells that the bot came into the chat.
func (a received) added() bool {
	switch a.Type {
	case typeInstallation:
		return a.Action == "add" || a.Action == "add-upgrade"
	case typeConversation:
		return slices.ContainsFunc(a.MembersAdded, func(p person) bool { return p.ID == a.Recipient.ID })
	}
	return false
}

// reference is where whoever sent the activity can be reached.
func (a received) reference(tenant string) reference {
	return reference{
		ServiceURL: a.ServiceURL, Conversation: a.Conversation.ID, Bot: a.Recipient.ID, User: a.From.ID, Tenant: tenant,
	}
}

var tags = regexp.MustCompile(`<[^<>]*>`)

// typed is the text as the person typed it. Teams sends it plain; where an
// activity says that it is marked up, the marks are taken away.
func (a received) typed() string {
	if a.TextFormat != "xml" && a.TextFormat != "html" {
		return a.Text
	}
	return html.UnescapeString(tags.ReplaceAllString(a.Text, ""))
}

// pressed is what a button or a form of a card carries: what card.go put into
// it, and the fields that were filled in.
type pressed struct {
	Token  string
	Choice conversation.Choice
	Form   bool
	Fields map[conversation.Field]string
}

// The keys of a card's data, beside those of the conversation's own fields.
const (
	dataToken  = "t"
	dataChoice = "c"
	dataForm   = "f"
)

// fields are what a card or a dialog may ask for.
var fields = []conversation.Field{
	conversation.FieldName, conversation.FieldCaptcha, conversation.FieldNumber, conversation.FieldCode,
	conversation.FieldPassword, conversation.FieldConfirm, conversation.FieldCurrent, conversation.FieldMeantSo,
}

// press reads the data of a card; ok is false for what no card of ours sends.
// Values of a kind that none has are none.
func press(data json.RawMessage) (p pressed, ok bool) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil || object == nil {
		return p, false
	}
	text := func(key string) (value string, is bool) {
		is = len(object[key]) > 0 && json.Unmarshal(object[key], &value) == nil
		return value, is
	}
	p.Token, _ = text(dataToken)
	choice, _ := text(dataChoice)
	p.Choice = conversation.Choice(choice)
	p.Form = string(object[dataForm]) == "true"
	p.Fields = map[conversation.Field]string{}
	for _, f := range fields {
		if value, there := text(string(f)); there {
			p.Fields[f] = value
		}
	}
	return p, p.Token != "" && (p.Choice != "" || p.Form || len(p.Fields) > 0)
}
