package slack_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/chat/slack"
	"resetbot/adapters/chat/slack/slacktest"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// agreeable is a Web API that finds everybody, and takes everything.
type agreeable struct{}

func (agreeable) RoundTrip(r *http.Request) (*http.Response, error) {
	id := ""
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if form, err := url.ParseQuery(string(body)); err == nil {
			id = form.Get("user")
		}
	}
	answer := map[string]any{"ok": true, "ts": "1.1", "channel": "D1"}
	if strings.HasSuffix(r.URL.Path, "/users.info") {
		answer["user"] = map[string]any{"id": id, "team_id": "T1", "locale": "nl-NL"}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}

// FuzzBody delivers any body, rightly signed: it is answered with 200 or that it is too
// much, nothing of it is in the log, and what is handed in is somebody's of a workspace
// that is served.
func FuzzBody(f *testing.F) {
	said, err := words.New(words.Options{Organisation: "Rijnzicht", Domains: []string{"rijnzicht.example"}})
	if err != nil {
		f.Fatal(err)
	}
	const secret = "signed with this"
	diary, scribe := &diary{}, &scribe{page: numberPage}
	s, err := slack.New(slack.Options{
		Words: said, SigningSecret: conversation.NewSecret(secret), APIURL: "http://127.0.0.1:1/api/",
		Workspaces: []slack.Workspace{{TeamID: "T1", BotToken: conversation.NewSecret("xoxb-1")}},
		Client:     &http.Client{Transport: agreeable{}}, Log: slog.New(slog.NewTextHandler(diary, nil)),
	})
	if err != nil {
		f.Fatal(err)
	}
	s.SetBot(scribe)
	handlers := s.Handlers()
	paths := []string{slack.EventsPath, slack.CommandsPath, slack.InteractionsPath}
	add := func(path int, body string) { f.Add(uint8(path), []byte(body)) }
	add(0, `{"type":"url_verification","challenge":"x"}`)
	for _, event := range []string{
		`{"type":"message","channel_type":"im","channel":"D1","user":"U1","text":"MARKED-hunter2 &lt;b&gt; <mailto:a@b.example|a@b.example>","ts":"1.2"}`,
		`{"type":"message","subtype":"message_changed","channel_type":"im","channel":"D1","message":{"user":"U1","text":"a"},"previous_message":{"user":"U1","text":"b"}}`,
		`{"type":"message","channel_type":"mpim","channel":"G1","user":"U1","text":"x"}`, `{"type":"app_home_opened","tab":"home","channel":"D1","user":"U1"}`,
		`{"type":"user_change","user":{"id":"U1","deleted":true}}`, `{"type":"app_uninstalled"}`, `{"type":"tokens_revoked","tokens":{"bot":["U1"]}}`,
	} {
		add(0, `{"type":"event_callback","team_id":"T1","event_id":"Ev1","event":`+event+`}`)
	}
	add(1, "team_id=T1&user_id=U1&channel_id=C1&command=%2Freset&text=MARKED-hunter2&trigger_id=1.2&response_url=https%3A%2F%2Fhooks.slack.com%2Fx")
	for _, payload := range []string{
		`{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U1","team_id":"T1"},"trigger_id":"1.2","container":{"message_ts":"1.1"},"actions":[{"type":"button","action_id":"a","block_id":"b","value":"{\"t\":\"number\",\"c\":\"sms\"}"}]}`,
		`{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U1"},"trigger_id":"1.2","actions":[{"type":"button","action_id":"a","block_id":"b","value":"{\"t\":\"number\",\"o\":true}"}]}`,
		`{"type":"view_submission","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1","hash":"1.h","type":"modal","callback_id":"form","private_metadata":"number","state":{"values":{"number":{"number":{"type":"plain_text_input","value":"MARKED-hunter2"}}}}}}`,
		`{"type":"shortcut","team":{"id":"T1"},"user":{"id":"U1"}}`,
	} {
		add(2, url.Values{"payload": {payload}}.Encode())
	}
	f.Fuzz(func(t *testing.T, way uint8, body []byte) {
		path := paths[int(way)%len(paths)]
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(body))
		at := strconv.FormatInt(time.Now().Unix(), 10)
		r.Header.Set("X-Slack-Request-Timestamp", at)
		r.Header.Set("X-Slack-Signature", slacktest.Sign(secret, at, body))
		w := httptest.NewRecorder()
		handlers[path].ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %d", w.Code)
		}
		received, _ := scribe.taken()
		scribe.unbound()
		for _, m := range received {
			if m.From.User.Chat != slack.Name || !strings.HasPrefix(m.From.User.ID, "T1/") || m.From.User.ID == "T1/" || !m.From.Binds {
				t.Errorf("handed in from %+v", m.From)
			}
			for field := range m.Fields {
				if field == conversation.FieldPassword || field == conversation.FieldConfirm || field == conversation.FieldCurrent {
					t.Errorf("a password was taken in (%s)", field)
				}
			}
		}
		if text := diary.String(); strings.Contains(text, "MARKED") {
			t.Errorf("the log holds what was sent:\n%s", text)
		}
		diary.empty()
	})
}
