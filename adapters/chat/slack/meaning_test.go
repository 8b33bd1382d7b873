package slack_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/chat/slack"
	"resetbot/adapters/chat/slack/slacktest"
	"resetbot/conversation"
)

const marked = "MARKED-hunter2"

func TestWhatIsTypedMeansWhatWasTyped(t *testing.T) {
	for _, w := range bothWays {
		t.Run(string(w), func(t *testing.T) {
			h := newHall(t, w, nil)
			anna := h.colleague(slacktest.Person{})
			for _, test := range []struct {
				name  string
				event func() map[string]any
				want  string
			}{
				{"text", func() map[string]any { return h.cloud.Message(anna.Person, "wachtwoord vergeten", nil) }, `said "wachtwoord vergeten"`},
				{
					"AC55 text with marks", func() map[string]any {
						return h.cloud.Message(anna.Person, `regen <b>&amp;</b> "*boven*" :smile: &lt;`, nil)
					},
					`said "regen <b>&amp;</b> \"*boven*\" :smile: &lt;"`,
				},
				{
					"AC55 addresses", func() map[string]any {
						return h.cloud.Message(anna.Person, "m.devries@partner.example of https://x.example/a?b=1&c=<2>", nil)
					}, `said "m.devries@partner.example of https://x.example/a?b=1&c=<2>"`,
				},
				{"AC45 a file", func() map[string]any {
					return h.cloud.Message(anna.Person, "", map[string]any{"subtype": "file_share", "files": []any{map[string]any{"id": "F1"}}})
				}, ""},
				{"a file with a text", func() map[string]any {
					return h.cloud.Message(anna.Person, "123456", map[string]any{"subtype": "file_share", "files": []any{map[string]any{"id": "F1"}}})
				}, `said "123456"`},
				{"AC45 a deleted message", func() map[string]any {
					return h.cloud.Message(anna.Person, marked, map[string]any{"subtype": "message_deleted", "deleted_ts": "1.1"})
				}, ""},
				{"AC45 an edited message", func() map[string]any {
					return h.cloud.Message(anna.Person, "", map[string]any{
						"subtype": "message_changed", "user": nil, "text": nil,
						"message":          map[string]any{"user": anna.ID, "text": "123456"},
						"previous_message": map[string]any{"user": anna.ID, "text": "12345"},
					})
				}, ""},
				{"AC45 a preview of a link", func() map[string]any {
					return h.cloud.Message(anna.Person, "", map[string]any{
						"subtype": "message_changed", "user": nil, "text": nil,
						"message":          map[string]any{"user": anna.ID, "text": "a"},
						"previous_message": map[string]any{"user": anna.ID, "text": "a"},
					})
				}, ""},
				{"a message of our own", func() map[string]any {
					return h.cloud.Message(anna.Person, "x", map[string]any{"bot_id": "B1"})
				}, ""},
				{"AC45 a reaction", func() map[string]any {
					return h.cloud.Event(anna.Team, map[string]any{"type": "reaction_added", "user": anna.ID, "reaction": "thumbsup"}, nil)
				}, ""},
				{"a kind that nobody knows yet", func() map[string]any {
					return h.cloud.Event(anna.Team, map[string]any{"type": "mind_read", "user": anna.ID, "text": marked}, nil)
				}, ""},
				{"blocks that nobody knows yet", func() map[string]any {
					return h.cloud.Message(anna.Person, "hallo", map[string]any{"blocks": []any{map[string]any{"type": "hologram", "elements": 5}}})
				}, `said "hallo"`},
			} {
				t.Run(test.name, func(t *testing.T) {
					anna.Send(test.event())
					received, rejected := h.scribe.taken()
					if got := tellAll(received); got != test.want {
						t.Errorf("it means %s, want %s", got, test.want)
					}
					if len(rejected) > 0 {
						t.Errorf("rejected as %v", rejected)
					}
				})
			}
			if strings.Contains(h.log.String(), marked) {
				t.Errorf("the log holds what was typed:\n%s", h.log)
			}
		})
	}
}

// A command is no answer to the page that is on: on that of the captcha its word would
// be a wrong one, and on that of the password it would be taken for a password.
func TestACommandAndTheHomeTabBeginOrGoOnAndAnswerNothing(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.colleague(slacktest.Person{Locale: "en-GB"})
	channel := h.cloud.Channel(anna.Team)
	anna.CommandIn(channel, "/wachtwoord")
	received, _ := h.scribe.taken()
	if got := tellAll(received); got != "arrived reset" {
		t.Errorf("the command means %s", got)
	}
	anna.AwaitEphemeral(channel, "direct message")
	from := received[0].From
	if from.User != (conversation.User{Chat: slack.Name, ID: anna.Team + "/" + anna.ID}) || from.Locale != "en" || !from.Binds ||
		!slices.Equal(from.Domains, []string{"partner.example"}) || from.Asker == "" || received[0].Event == "" {
		t.Errorf("it came from %+v", from)
	}
	anna.Command("/reset " + marked) // it could be a password
	if received, _ = h.scribe.taken(); tellAll(received) != "arrived reset" || received[0].Text.Reveal() != "" {
		t.Errorf("the command with a word means %s", tellAll(received))
	}
	home := anna.Home()
	anna.PressHome(home.Buttons[0].Title)
	if received, _ = h.scribe.taken(); tellAll(received) != "arrived reset" {
		t.Errorf("the button of the home tab means %s", tellAll(received))
	}
	for _, m := range h.cloud.Screen(channel) {
		if m.Ephemeral == "" {
			t.Errorf("the whole channel reads %q", m.Text)
		}
	}
}

func TestAC09_WhoIsNotServedBeginsNothingAndIsToldSoInPrivate(t *testing.T) {
	for _, w := range bothWays {
		t.Run(string(w), func(t *testing.T) {
			for _, test := range []struct {
				name   string
				person slacktest.Person
				why    string
				told   string // empty: nobody is there to read it
			}{
				{"a guest", slacktest.Person{Restricted: true}, "guest", "U bent gast"},
				{"a guest of one channel", slacktest.Person{UltraRestricted: true}, "guest", "U bent gast"},
				{"a program", slacktest.Person{Bot: true}, "bot", ""},
				{"somebody who was deactivated", slacktest.Person{Deleted: true}, "deleted", ""},
				{"somebody of a shared channel", slacktest.Person{Stranger: true, Team: "T0OTHER"}, "other_workspace", "een andere Slack"},
				{"another workspace", slacktest.Person{Team: "T0OTHER"}, "team", ""},
			} {
				t.Run(test.name, func(t *testing.T) {
					h := newHall(t, w, nil)
					h.cloud.Workspace("T0OTHER")
					c := h.colleague(test.person)
					c.Type("wachtwoord vergeten")
					received, rejected := h.scribe.taken()
					if len(received) > 0 || !slices.Equal(rejected, []string{test.why}) {
						t.Fatalf("taken in: %s; rejected as %v", tellAll(received), rejected)
					}
					if test.told != "" {
						c.Await(test.told)
					}
					if test.person.Team != "" {
						return // their commands are those of another workspace
					}
					c.Command("/wachtwoord")
					if received, rejected = h.scribe.taken(); len(received) > 0 || !slices.Equal(rejected, []string{test.why}) {
						t.Errorf("a command: taken in: %s; rejected as %v", tellAll(received), rejected)
					}
				})
			}
		})
	}
}

func TestAC09_NothingBeginsWhereOthersReadAlong(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.colleague(slacktest.Person{})
	channel := h.cloud.Channel(anna.Team)
	for name, changes := range map[string]map[string]any{
		"a channel":         {"channel": channel, "channel_type": "channel"},
		"a private channel": {"channel": channel, "channel_type": "group"},
		"a chat of several": {"channel": channel, "channel_type": "mpim"},
		"no kind":           {"channel": channel, "channel_type": nil},
		"a mention":         {"channel": channel, "channel_type": nil, "type": "app_mention"},
	} {
		t.Run(name, func(t *testing.T) {
			anna.Send(h.cloud.Message(anna.Person, "wachtwoord vergeten", changes))
			received, rejected := h.scribe.taken()
			if len(received) > 0 || !slices.Equal(rejected, []string{"not_personal"}) {
				t.Fatalf("taken in: %s; rejected as %v", tellAll(received), rejected)
			}
			for _, m := range h.cloud.Screen(channel) {
				if m.Ephemeral == "" {
					t.Errorf("the whole channel reads %q", m.Text)
				}
			}
		})
	}
}

func TestWhoChangesIsAskedAboutAnewAndWhoIsDeactivatedLosesTheirBindings(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.colleague(slacktest.Person{})
	anna.Type("hallo")
	h.scribe.taken()
	now := anna.Person
	change := func(deleted bool) {
		t.Helper()
		h.cloud.Change(now)
		anna.Send(h.cloud.Event(anna.Team, map[string]any{"type": "user_change", "user": map[string]any{
			"id": anna.ID, "team_id": anna.Team, "deleted": deleted, "is_restricted": now.Restricted,
		}}, nil))
	}
	now.Restricted = true
	change(false)
	anna.Type("hallo")
	if received, rejected := h.scribe.taken(); len(received) > 0 || !slices.Equal(rejected, []string{"guest"}) {
		t.Errorf("who became a guest: %s, %v", tellAll(received), rejected)
	}
	if got := h.scribe.unbound(); !slices.Equal(got, []string{anna.Team + "/" + anna.ID}) {
		t.Errorf("who became a guest: unbound %v", got)
	}
	now.Restricted, now.Deleted = false, true
	change(true)
	if got := h.scribe.unbound(); !slices.Equal(got, []string{anna.Team + "/" + anna.ID}) {
		t.Errorf("unbound: %v", got)
	}
}

func TestAC68_SignaturesAreJudgedAtLeastAsStrictlyAsSlacksOwnFrameworkJudgesThem(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	judged := 0
	for _, q := range slacktest.SignedRequests(h.cloud.SigningSecret, time.Now()) {
		t.Run(q.Name, func(t *testing.T) {
			path := slack.CommandsPath
			if q.Body[0] == '{' {
				path = slack.EventsPath
			}
			r, err := q.Request(t.Context(), h.url+path)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			received, rejected := h.scribe.taken()
			switch {
			case q.Good && answer.StatusCode != http.StatusOK:
				t.Errorf("a good one is answered %d (%v)", answer.StatusCode, rejected)
			case !q.Good && (answer.StatusCode != http.StatusUnauthorized || len(received) > 0 || len(rejected) != 1):
				t.Errorf("answered %d, taken in: %s, rejected as %v", answer.StatusCode, tellAll(received), rejected)
			}
			judged++
		})
	}
	if judged < 25 {
		t.Errorf("%d requests tell too little", judged)
	}
}

func TestAC70_WithoutASecretNothingStarts(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	good := h.chat.Options
	for name, change := range map[string]func(*slack.Options){
		"no signing secret":              func(o *slack.Options) { o.SigningSecret = conversation.Secret{} },
		"an empty one":                   func(o *slack.Options) { o.SigningSecret = conversation.NewSecret("") },
		"a workspace without a token":    func(o *slack.Options) { o.Workspaces = []slack.Workspace{{TeamID: "T1"}} },
		"a client id without its secret": func(o *slack.Options) { o.ClientID = "1.2" },
		"no workspace":                   func(o *slack.Options) { o.Workspaces = nil },
		"a workspace without an id": func(o *slack.Options) {
			o.Workspaces = []slack.Workspace{{BotToken: conversation.NewSecret("xoxb-1")}}
		},
	} {
		o := good
		change(&o)
		if _, err := slack.New(o); err == nil {
			t.Errorf("%s: it starts", name)
		}
	}
}

// Whatever cannot be read is answered, told of in one line without a word of it, and
// changes nothing.
func TestBadInputIsAcknowledgedAndDoesNothing(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.colleague(slacktest.Person{})
	events := map[string]string{
		"nothing": "", "no JSON": "{" + marked, "a list": `["` + marked + `"]`, "null": "null", "a number": "5", "an empty object": "{}",
		"no event":               `{"type":"event_callback","team_id":"` + anna.Team + `"}`,
		"an event that is text":  `{"type":"event_callback","team_id":"` + anna.Team + `","event":"` + marked + `"}`,
		"a user that is a list":  `{"type":"event_callback","team_id":"` + anna.Team + `","event":{"type":"message","channel_type":"im","user":["x"],"text":"` + marked + `"}}`,
		"a text that is a list":  `{"type":"event_callback","team_id":"` + anna.Team + `","event":{"type":"message","channel_type":"im","user":"` + anna.ID + `","text":["x"]}}`,
		"nobody":                 `{"type":"event_callback","team_id":"` + anna.Team + `","event":{"type":"message","channel_type":"im","text":"` + marked + `"}}`,
		"a change of nobody":     `{"type":"event_callback","team_id":"` + anna.Team + `","event":{"type":"user_change","user":5}}`,
		"deep":                   strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		"a type that nobody has": `{"type":"` + marked + `"}`,
	}
	interactions := map[string]string{
		"nothing": "", "no JSON": "{" + marked, "a list": "[]", "null": "null", "an empty object": "{}",
		"no actions":              `{"type":"block_actions","team":{"id":"` + anna.Team + `"},"user":{"id":"` + anna.ID + `"}}`,
		"an action that is empty": `{"type":"block_actions","team":{"id":"` + anna.Team + `"},"user":{"id":"` + anna.ID + `"},"actions":[{}]}`,
		"null for an action":      `{"type":"block_actions","team":{"id":"` + anna.Team + `"},"user":{"id":"` + anna.ID + `"},"actions":[null]}`,
		"a value that is no JSON": `{"type":"block_actions","team":{"id":"` + anna.Team + `"},"user":{"id":"` + anna.ID + `"},"actions":[{"type":"button","action_id":"x","value":"` + marked + `"}]}`,
		"a form of nobody's":      `{"type":"view_submission","team":{"id":"` + anna.Team + `"},"user":{"id":"` + anna.ID + `"},"view":{"callback_id":"x","state":{"values":{}}}}`,
		"a form without a state":  `{"type":"view_submission","team":{"id":"` + anna.Team + `"},"user":{"id":"` + anna.ID + `"},"view":{"callback_id":"form","private_metadata":"t"}}`,
		"no team":                 `{"type":"block_actions","user":{"id":"` + anna.ID + `"},"actions":[{"value":"` + marked + `"}]}`,
	}
	deliver := func(t *testing.T, d slacktest.Delivery) {
		t.Helper()
		answer, err := h.cloud.Deliver(t.Context(), h.url, d)
		if err != nil || answer.Status != http.StatusOK {
			t.Errorf("answered %d (%v)", answer.Status, err)
		}
		if received, _ := h.scribe.taken(); len(received) > 0 {
			t.Errorf("taken in: %s", tellAll(received))
		}
	}
	for name, body := range events {
		t.Run("an event/"+name, func(t *testing.T) {
			deliver(t, slacktest.Delivery{Path: slack.EventsPath, ContentType: "application/json", Body: []byte(body)})
		})
	}
	for name, body := range interactions {
		t.Run("an interaction/"+name, func(t *testing.T) {
			deliver(t, slacktest.Delivery{
				Path: slack.InteractionsPath, ContentType: "application/x-www-form-urlencoded", Body: []byte(url.Values{"payload": {body}}.Encode()),
			})
		})
	}
	for name, body := range map[string]string{
		"nothing": "", "no form": "%zz", "nobody": "team_id=" + anna.Team, "no team": "user_id=" + anna.ID + "&text=" + marked,
		"twice": "team_id=T9&team_id=" + anna.Team + "&user_id=" + anna.ID,
	} {
		t.Run("a command/"+name, func(t *testing.T) {
			deliver(t, slacktest.Delivery{Path: slack.CommandsPath, ContentType: "application/x-www-form-urlencoded", Body: []byte(body)})
		})
	}
	answer, err := h.cloud.Deliver(t.Context(), h.url, slacktest.EventDelivery(h.cloud.Message(anna.Person, strings.Repeat("x", 300<<10), nil)))
	if err != nil || answer.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("too much is answered %d (%v)", answer.Status, err)
	}
	if strings.Contains(h.log.String(), marked) {
		t.Errorf("the log holds what was sent:\n%s", h.log)
	}
}

func TestSlackIsToldThatTheAddressIsOurs(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	body, err := json.Marshal(map[string]string{"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.cloud.Deliver(t.Context(), h.url, slacktest.Delivery{Path: slack.EventsPath, ContentType: "application/json", Body: body})
	if err != nil || answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P") {
		t.Errorf("answered %d %s (%v)", answer.Status, answer.Body, err)
	}
}

func TestWhatCannotBeStoredIsAskedForAgain(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.colleague(slacktest.Person{})
	h.scribe.fail(errors.New("the disk is full"))
	answer, err := h.cloud.Deliver(t.Context(), h.url, slacktest.EventDelivery(h.cloud.Message(anna.Person, "reset", nil)))
	if err != nil || answer.Status != http.StatusInternalServerError {
		t.Errorf("answered %d (%v)", answer.Status, err)
	}
}
