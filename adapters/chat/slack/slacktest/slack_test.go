package slacktest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"resetbot/adapters/chat/slack/slacktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask calls a method with JSON, as slack-go and Bolt do for some.
func ask(t *testing.T, s *slacktest.Slack, token, method string, args map[string]any) (int, map[string]any) {
	t.Helper()
	body, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	status, a, err := post(s, token, method, "application/json; charset=utf-8", body)
	if err != nil {
		t.Fatal(err)
	}
	return status, a
}

// form calls a method with a form, as they do for the rest.
func form(t *testing.T, s *slacktest.Slack, token, method string, args url.Values) (int, map[string]any) {
	t.Helper()
	status, a, err := post(s, token, method, "application/x-www-form-urlencoded", []byte(args.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	return status, a
}

func post(s *slacktest.Slack, token, method, kind string, body []byte) (int, map[string]any, error) {
	q, err := http.NewRequest(http.MethodPost, s.APIURL+method, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("Content-Type", kind)
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	r, err := s.Client().Do(q)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = r.Body.Close() }()
	var a map[string]any
	err = json.NewDecoder(r.Body).Decode(&a)
	return r.StatusCode, a, err
}

func section(text string) map[string]any {
	return map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": text}}
}

func button(id, words string) map[string]any {
	return map[string]any{"type": "button", "action_id": id, "text": map[string]any{"type": "plain_text", "text": words}, "value": id}
}

func actions(buttons ...any) map[string]any {
	return map[string]any{"type": "actions", "elements": buttons}
}

func modal() map[string]any {
	return map[string]any{
		"type": "modal", "callback_id": "form", "title": map[string]any{"type": "plain_text", "text": "Wie bent u?"},
		"submit": map[string]any{"type": "plain_text", "text": "Verder"},
		"blocks": []any{map[string]any{
			"type": "input", "block_id": "name", "label": map[string]any{"type": "plain_text", "text": "Naam"},
			"element": map[string]any{"type": "plain_text_input", "action_id": "name"},
		}},
	}
}

func TestTokensAreChecked(t *testing.T) {
	s := slacktest.StartWith(t, slacktest.Options{Scopes: []string{"chat:write"}})
	bot := s.Workspace(s.Team).BotToken
	revoked := s.Workspace("T0OTHER").BotToken
	s.Revoke("T0OTHER", "token_revoked")
	for _, c := range []struct{ method, token, want string }{
		{"auth.test", "", "not_authed"},
		{"auth.test", "xoxb-wrong", "invalid_auth"},
		{"auth.test", revoked, "token_revoked"},
		{"auth.test", s.AppToken, "not_allowed_token_type"},
		{"auth.test", bot, ""},
		{"apps.connections.open", bot, "not_allowed_token_type"},
		{"apps.connections.open", "xapp-wrong", "invalid_auth"},
		{"apps.connections.open", s.AppToken, ""},
		{"conversations.open", bot, "missing_scope"},
	} {
		_, a := form(t, s, c.token, c.method, nil)
		if word, _ := a["error"].(string); word != c.want || a["ok"] != (c.want == "") {
			t.Errorf("%s with %.5q: %v, want %q", c.method, c.token, a, c.want)
		}
	}
	if _, a := form(t, s, "", "auth.test", url.Values{"token": {bot}}); a["team_id"] != s.Team {
		t.Errorf("a token in the form: %v", a)
	}
}

func TestBodiesAreReadAsSlackReadsThem(t *testing.T) {
	s := slacktest.Start(t)
	bot := s.Workspace(s.Team).BotToken
	for _, c := range []struct{ kind, body, want string }{
		{"application/json; charset=utf-8", "", ""},
		{"application/json", "{}", ""},
		{"application/json", "{", "invalid_json"},
		{"application/json", "null", "invalid_json"},
		{"application/x-www-form-urlencoded", "", ""},
		{"application/x-www-form-urlencoded", "a=%zz", "invalid_form_data"},
		{"application/x-www-form-urlencoded", "blocks=[", "invalid_blocks_format"},
		{"multipart/form-data", "x", "invalid_form_data"},
		{"text/xml", "<a/>", "invalid_post_type"},
		{"", "x", "missing_post_type"},
	} {
		_, a, err := post(s, bot, "auth.test", c.kind, []byte(c.body))
		if word, _ := a["error"].(string); err != nil || word != c.want {
			t.Errorf("%s %q: %v (%v), want %q", c.kind, c.body, a, err, c.want)
		}
	}
}

func TestMessagesAreShownChangedAndRemoved(t *testing.T) {
	s := slacktest.Start(t)
	anna, bot := s.Person(slacktest.Person{}), s.Workspace(s.Team).BotToken
	blocks, _ := json.Marshal([]any{section("Hallo"), actions(button("go", "Begin"))})
	_, a := form(t, s, bot, "chat.postMessage", url.Values{"channel": {anna.ID}, "text": {"Hallo"}, "blocks": {string(blocks)}, "unfurl_links": {"false"}})
	if a["ok"] != true || a["channel"] != anna.Channel {
		t.Fatalf("posting: %v", a)
	}
	page := s.Screen(anna.Channel)[0].Read()
	if page.Words != "Hallo\nBegin\n" || len(page.Buttons) != 1 {
		t.Errorf("it reads %q, %+v", page.Words, page.Buttons)
	}
	ts := a["ts"]
	if _, a = ask(t, s, bot, "chat.update", map[string]any{"channel": anna.Channel, "ts": ts, "text": "Klaar"}); a["ok"] != true {
		t.Errorf("changing: %v", a)
	}
	if now := s.Screen(anna.Channel)[0]; now.Text != "Klaar" || now.Edits != 1 || len(now.Blocks) != 2 {
		t.Errorf("with another text, it is %+v", now)
	}
	ask(t, s, bot, "chat.update", map[string]any{"channel": anna.Channel, "ts": ts, "text": "Klaar", "blocks": []any{}})
	if now := s.Screen(anna.Channel)[0]; now.Edits != 2 || len(now.Blocks) > 0 {
		t.Errorf("with no blocks, it is %+v", now)
	}
	_, a = ask(t, s, bot, "chat.postEphemeral", map[string]any{"channel": anna.Channel, "user": anna.ID, "text": "Alleen u"})
	if _, a = ask(t, s, bot, "chat.update", map[string]any{"channel": anna.Channel, "ts": a["message_ts"], "text": "x"}); a["error"] != "message_not_found" {
		t.Errorf("changing what one alone sees: %v", a)
	}
	if _, a = ask(t, s, bot, "chat.delete", map[string]any{"channel": anna.Channel, "ts": ts}); a["ok"] != true || len(s.Screen(anna.Channel)) > 0 {
		t.Errorf("removing: %v", a)
	}
	for word, args := range map[string]map[string]any{
		"channel_not_found": {"channel": "D0NOBODY", "text": "x"},
		"no_text":           {"channel": anna.Channel},
	} {
		if _, a := ask(t, s, bot, "chat.postMessage", args); a["error"] != word {
			t.Errorf("%s: %v", word, a)
		}
	}
	other := s.Workspace("T0OTHER").BotToken
	if _, a := ask(t, s, other, "chat.postMessage", map[string]any{"channel": anna.Channel, "text": "x"}); a["error"] != "channel_not_found" {
		t.Errorf("into another workspace: %v", a)
	}
}

func TestRequestsAreJudged(t *testing.T) {
	lacking := os.Getenv("RESETBOT_SPECS") == ""
	long := strings.Repeat("x", 76)
	for _, c := range []struct {
		name, method, want string
		schema             bool // it takes the declarations to see it
		args               func(p slacktest.Person) map[string]any
	}{
		{"a label of 76", "chat.postMessage", "76 characters", false, func(p slacktest.Person) map[string]any {
			return map[string]any{"channel": p.Channel, "blocks": []any{actions(button("a", long))}}
		}},
		{"a text of 3001", "chat.postMessage", "3001 characters", false, func(p slacktest.Person) map[string]any {
			return map[string]any{"channel": p.Channel, "blocks": []any{section(strings.Repeat("é", 3001))}}
		}},
		{"51 blocks", "chat.postMessage", "are 51", false, func(p slacktest.Person) map[string]any {
			blocks := []any{}
			for range 51 {
				blocks = append(blocks, map[string]any{"type": "divider"})
			}
			return map[string]any{"channel": p.Channel, "blocks": blocks}
		}},
		{"a block id twice", "chat.postMessage", "twice", false, func(p slacktest.Person) map[string]any {
			d := map[string]any{"type": "divider", "block_id": "d"}
			return map[string]any{"channel": p.Channel, "blocks": []any{d, d}}
		}},
		{"an action id twice", "chat.postMessage", "twice", false, func(p slacktest.Person) map[string]any {
			return map[string]any{"channel": p.Channel, "blocks": []any{actions(button("a", "A"), button("a", "B"))}}
		}},
		{"a style there is not", "chat.postMessage", "style", false, func(p slacktest.Person) map[string]any {
			b := button("a", "A")
			b["style"] = "default"
			return map[string]any{"channel": p.Channel, "blocks": []any{actions(b)}}
		}},
		{"an empty text", "chat.postMessage", "0 characters", false, func(p slacktest.Person) map[string]any {
			return map[string]any{"channel": p.Channel, "blocks": []any{section("")}}
		}},
		{"a block there is not", "chat.postMessage", "", true, func(p slacktest.Person) map[string]any {
			return map[string]any{"channel": p.Channel, "blocks": []any{map[string]any{"type": "sektion"}}}
		}},
		{"a field there is not", "chat.postMessage", "", true, func(p slacktest.Person) map[string]any {
			s := section("x")
			s["colour"] = "red"
			return map[string]any{"channel": p.Channel, "blocks": []any{s}}
		}},
		{"markup on a button", "chat.postMessage", "", true, func(p slacktest.Person) map[string]any {
			b := button("a", "A")
			b["text"] = map[string]any{"type": "mrkdwn", "text": "*A*"}
			return map[string]any{"channel": p.Channel, "blocks": []any{actions(b)}}
		}},
		{"a title of 25", "views.open", "25 characters", false, func(slacktest.Person) map[string]any {
			m := modal()
			m["title"].(map[string]any)["text"] = strings.Repeat("x", 25)
			return map[string]any{"trigger_id": "1.2", "view": m}
		}},
		{"an input and no submit", "views.open", "no submit", false, func(slacktest.Person) map[string]any {
			m := modal()
			delete(m, "submit")
			return map[string]any{"trigger_id": "1.2", "view": m}
		}},
		{"private metadata of 3001", "views.open", "3001", false, func(slacktest.Person) map[string]any {
			m := modal()
			m["private_metadata"] = strings.Repeat("x", 3001)
			return map[string]any{"trigger_id": "1.2", "view": m}
		}},
		{"no trigger", "views.open", "trigger_id", false, func(slacktest.Person) map[string]any { return map[string]any{"view": modal()} }},
		{"a home without blocks", "views.publish", "", true, func(p slacktest.Person) map[string]any {
			return map[string]any{"user_id": p.ID, "view": map[string]any{"type": "home"}}
		}},
		{"JSON where there is none", "users.info", "no JSON", false, func(p slacktest.Person) map[string]any { return map[string]any{"user": p.ID} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.schema && lacking {
				if os.Getenv("RESETBOT_REQUIRE") != "" {
					t.Fatal("RESETBOT_SPECS is not set")
				}
				t.Skip("RESETBOT_SPECS does not say where Slack's declarations of types are")
			}
			var mu sync.Mutex
			var faults []string
			s := slacktest.StartWith(t, slacktest.Options{Fault: func(what string) {
				mu.Lock()
				defer mu.Unlock()
				faults = append(faults, what)
			}})
			_, a := ask(t, s, s.Workspace(s.Team).BotToken, c.method, c.args(s.Person(slacktest.Person{})))
			mu.Lock()
			defer mu.Unlock()
			if len(faults) == 0 || !strings.Contains(strings.Join(faults, "\n"), c.want) || a["ok"] == true {
				t.Errorf("%v is answered to it, and it is said: %q", a, faults)
			}
		})
	}
}

func TestTroubleHappensAsAsked(t *testing.T) {
	s := slacktest.StartWith(t, slacktest.Options{})
	anna, bot := s.Person(slacktest.Person{}), s.Workspace(s.Team).BotToken
	say := func() (int, map[string]any, error) {
		return post(s, bot, "chat.postMessage", "application/x-www-form-urlencoded", []byte(url.Values{"channel": {anna.Channel}, "text": {"x"}}.Encode()))
	}
	for _, c := range []struct {
		name    string
		trouble slacktest.Trouble
		status  int // 0 is that no answer comes
		word    string
		shown   int
	}{
		{"429", slacktest.Trouble{Status: 429, RetryAfter: "7"}, 429, "ratelimited", 0},
		{"500", slacktest.Trouble{Status: 500}, 500, "internal_error", 0},
		{"a word", slacktest.Trouble{Error: "fatal_error"}, 200, "fatal_error", 0},
		{"500 and done", slacktest.Trouble{Status: 500, Taken: true}, 500, "internal_error", 1},
		{"broken before", slacktest.Trouble{Drop: true}, 0, "", 0},
		{"answer lost", slacktest.Trouble{Lose: true}, 0, "", 1},
		{"half an answer", slacktest.Trouble{Half: true}, 0, "", 1},
		{"late", slacktest.Trouble{Late: 20 * time.Millisecond}, 200, "", 1},
		{"none", slacktest.Trouble{}, 200, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(s.Screen(anna.Channel))
			s.Next("chat.postMessage", c.trouble)
			status, a, err := say()
			if (err != nil) != (c.status == 0) || err == nil && status != c.status {
				t.Errorf("answered %d (%v), want %d", status, err, c.status)
			}
			if word, _ := a["error"].(string); word != c.word {
				t.Errorf("answered %q, want %q", word, c.word)
			}
			if n := len(s.Screen(anna.Channel)) - before; n != c.shown {
				t.Errorf("%d are shown, want %d", n, c.shown)
			}
		})
	}
	s.Break("chat.postMessage", slacktest.Trouble{Status: 503})
	if status, _, _ := say(); status != 503 {
		t.Errorf("broken, it answers %d", status)
	}
	s.Mend("chat.postMessage")
	if status, _, _ := say(); status != 200 {
		t.Errorf("mended, it answers %d", status)
	}
}

func TestOneMessageASecondIsTakenInAChannel(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := slacktest.StartWith(t, slacktest.Options{Limits: true, Now: func() time.Time { return now }})
	anna, boris, bot := s.Person(slacktest.Person{}), s.Person(slacktest.Person{}), s.Workspace(s.Team).BotToken
	say := func(channel string) int {
		status, _ := ask(t, s, bot, "chat.postMessage", map[string]any{"channel": channel, "text": "x"})
		return status
	}
	if a, b, c := say(anna.Channel), say(anna.Channel), say(boris.Channel); a != 200 || b != 429 || c != 200 {
		t.Errorf("answered %d, %d, %d", a, b, c)
	}
	now = now.Add(time.Second)
	if a := say(anna.Channel); a != 200 {
		t.Errorf("a second later: %d", a)
	}
}

func TestFilesAreUploadedSharedAndRemoved(t *testing.T) {
	s := slacktest.Start(t)
	anna, bot := s.Person(slacktest.Person{}), s.Workspace(s.Team).BotToken
	content := []byte("a picture")
	_, a := form(t, s, bot, "files.getUploadURLExternal", url.Values{
		"filename": {"p.png"}, "length": {strconv.Itoa(len(content))}, "alt_txt": {"een plaatje"},
	})
	to, _ := a["upload_url"].(string)
	id, _ := a["file_id"].(string)
	r, err := s.Client().Post(to, "application/octet-stream", bytes.NewReader(content))
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("uploading: %v, %v", r, err)
	}
	_ = r.Body.Close()
	if _, a = ask(t, s, bot, "files.completeUploadExternal", map[string]any{"files": []any{map[string]any{"id": id}}, "channel_id": anna.Channel}); a["ok"] != true {
		t.Fatalf("completing: %v", a)
	}
	if shown := s.Screen(anna.Channel); len(shown) != 1 || len(shown[0].Files) != 1 || !bytes.Equal(s.Files()[id].Content, content) {
		t.Errorf("shared: %+v", shown)
	}
	if _, a = form(t, s, bot, "files.delete", url.Values{"file": {id}}); a["ok"] != true || len(s.Screen(anna.Channel)) != 0 || !s.Files()[id].Deleted {
		t.Errorf("removed: %v", a)
	}
	if _, a = form(t, s, bot, "files.delete", url.Values{"file": {id}}); a["error"] != "file_deleted" {
		t.Errorf("removed twice: %v", a)
	}
}

func TestAnInstallGivesATokenOnce(t *testing.T) {
	s := slacktest.Start(t)
	s.Workspace("T0NEW")
	s.Uninstall("T0NEW")
	s.Installing("T0NEW")
	client := &http.Client{Transport: s.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.Get(s.AuthorizeURL + "?" + url.Values{"client_id": {s.ClientID}, "scope": {"chat:write"}, "state": {"s1"}, "redirect_uri": {"https://bot.example/slack/oauth"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	back, err := r.Location()
	if err != nil || back.Query().Get("state") != "s1" {
		t.Fatalf("back to %v (%v)", back, err)
	}
	args := url.Values{"code": {back.Query().Get("code")}, "redirect_uri": {"https://bot.example/slack/oauth"}, "client_id": {s.ClientID}, "client_secret": {s.ClientSecret}}
	bad := url.Values{"code": args["code"], "client_id": args["client_id"], "client_secret": {"x"}}
	if _, a := form(t, s, "", "oauth.v2.access", bad); a["error"] != "bad_client_secret" {
		t.Errorf("with a wrong secret: %v", a)
	}
	_, a := form(t, s, "", "oauth.v2.access", args)
	token, _ := a["access_token"].(string)
	if _, who := form(t, s, token, "auth.test", nil); who["team_id"] != "T0NEW" {
		t.Errorf("the token is of %v", who)
	}
	if _, a := form(t, s, "", "oauth.v2.access", args); a["error"] != "invalid_code" {
		t.Errorf("the code a second time: %v", a)
	}
	if _, a := form(t, s, token, "auth.revoke", nil); a["revoked"] != true {
		t.Errorf("revoking: %v", a)
	}
	if _, a := form(t, s, token, "auth.test", nil); a["error"] != "token_revoked" {
		t.Errorf("revoked: %v", a)
	}
}

// app is a small app over HTTP.
type app struct {
	*httptest.Server
	mu      sync.Mutex
	bodies  []string
	retries []string
	answer  map[string]string // to what is posted to a path
	then    func(path string, in url.Values)
}

func newApp(t *testing.T, s *slacktest.Slack) *app {
	a := &app{answer: map[string]string{}}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-Slack-Signature") != slacktest.Sign(s.SigningSecret, r.Header.Get("X-Slack-Request-Timestamp"), body) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		in, _ := url.ParseQuery(string(body))
		a.mu.Lock()
		a.bodies = append(a.bodies, string(body))
		a.retries = append(a.retries, r.Header.Get("X-Slack-Retry-Num"))
		answer := a.answer[r.URL.Path]
		a.mu.Unlock()
		if a.then != nil {
			a.then(r.URL.Path, in)
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(func() { a.Close(); http.DefaultClient.CloseIdleConnections() })
	return a
}

func TestAColleagueTypesPressesAndFillsIn(t *testing.T) {
	s := slacktest.Start(t)
	a := newApp(t, s)
	bot := s.Workspace(s.Team).BotToken
	anna := s.Colleague(t, slacktest.Person{}, a.URL)
	a.then = func(path string, in url.Values) {
		var p struct {
			Type      string
			TriggerID string `json:"trigger_id"`
		}
		_ = json.Unmarshal([]byte(in.Get("payload")), &p)
		switch {
		case path == "/slack/events":
			ask(t, s, bot, "chat.postMessage", map[string]any{"channel": anna.Channel, "blocks": []any{section("Hallo"), actions(button("go", "Begin"))}})
			ask(t, s, bot, "views.publish", map[string]any{"user_id": anna.ID, "view": map[string]any{"type": "home", "blocks": []any{actions(button("home", "Wachtwoord"))}}})
		case p.Type == "block_actions":
			if _, a := ask(t, s, bot, "views.open", map[string]any{"trigger_id": p.TriggerID, "view": modal()}); a["ok"] != true {
				t.Errorf("opening: %v", a)
			}
			if _, a := ask(t, s, bot, "views.open", map[string]any{"trigger_id": p.TriggerID, "view": modal()}); a["error"] != "exchanged_trigger_id" {
				t.Errorf("opening twice: %v", a)
			}
		}
	}
	anna.Type("reset")
	anna.Await("Hallo")
	form := anna.OpenForm("Begin")
	if f, ok := form.Field("name"); !ok || f.Label != "Naam" {
		t.Errorf("the form has %+v", form.Fields)
	}
	a.answer["/slack/interactions"] = `{"response_action":"errors","errors":{"name":"Wie?"}}`
	if errs := anna.Fill(map[string]string{"name": "x"}); errs["name"] != "Wie?" || len(s.Modals(anna.ID)) != 1 {
		t.Errorf("errors: %v", errs)
	}
	next, _ := json.Marshal(map[string]any{"response_action": "push", "view": modal()})
	a.answer["/slack/interactions"] = string(next)
	anna.Fill(map[string]string{"Naam": "anna"})
	if n := len(s.Modals(anna.ID)); n != 2 {
		t.Errorf("%d modals", n)
	}
	a.answer["/slack/interactions"] = ""
	anna.Fill(map[string]string{"name": "anna"})
	a.answer["/slack/interactions"] = `{"response_action":"clear"}`
	anna.Fill(map[string]string{"name": "anna"})
	if n := len(s.Modals(anna.ID)); n != 0 {
		t.Errorf("%d modals", n)
	}
	a.answer["/slack/interactions"] = ""
	if home := anna.Home(); home.Words != "Wachtwoord\n" {
		t.Errorf("the home reads %q", home.Words)
	}
	anna.PressHome("Wachtwoord")
	a.answer["/slack/commands"] = "Kijk in uw berichten"
	anna.Times = 2
	anna.CommandIn(s.Channel(s.Team), "/wachtwoord nu")
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.bodies); a.bodies[n-1] != a.bodies[n-2] || a.retries[n-2] != "" || a.retries[n-1] != "1" {
		t.Errorf("delivered twice: %q, %q", a.bodies[n-2:], a.retries[n-2:])
	}
}

func TestAResponseURLTakesFive(t *testing.T) {
	s := slacktest.Start(t)
	anna := s.Person(slacktest.Person{})
	channel := s.Channel(s.Team)
	to := s.Command(anna, channel, "/reset", "").Get("response_url")
	for n := range 6 {
		r, err := s.Client().Post(to, "application/json", strings.NewReader(`{"text":"Kijk in uw berichten"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if (r.StatusCode == 200) != (n < 5) {
			t.Errorf("the %dth is answered %d", n+1, r.StatusCode)
		}
	}
	if n := len(s.Ephemerals(channel, anna.ID)); n != 5 || len(s.Screen(channel)) != 0 {
		t.Errorf("%d are shown", n)
	}
}

func TestInMemoryNoClockIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slacktest.StartWith(t, slacktest.Options{InMemory: true})
		anna, bot := s.Person(slacktest.Person{}), s.Workspace(s.Team).BotToken
		s.Next("chat.postMessage", slacktest.Trouble{Delay: time.Minute})
		start := time.Now()
		if _, a := ask(t, s, bot, "chat.postMessage", map[string]any{"channel": anna.Channel, "text": "x"}); a["ok"] != true || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", a, time.Since(start))
		}
		trigger := s.Command(anna, anna.Channel, "/reset", "").Get("trigger_id")
		time.Sleep(3*time.Second + time.Nanosecond)
		if _, a := ask(t, s, bot, "views.open", map[string]any{"trigger_id": trigger, "view": modal()}); a["error"] != "expired_trigger_id" {
			t.Errorf("three seconds later: %v", a)
		}
	})
}

func TestADeliveryHasTheHeadersThatAreAskedFor(t *testing.T) {
	s := slacktest.Start(t)
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(func() { server.Close(); http.DefaultClient.CloseIdleConnections() })
	d := slacktest.EventDelivery(s.Message(s.Person(slacktest.Person{}), "reset", nil))
	d.Retry, d.Header = 2, http.Header{"X-Slack-Signature": {"v0=a", "v0=b"}, "X-Slack-Request-Timestamp": nil}
	if _, err := s.Deliver(t.Context(), server.URL, d); err != nil {
		t.Fatal(err)
	}
	if len(got["X-Slack-Signature"]) != 2 || got["X-Slack-Request-Timestamp"] != nil || got.Get("X-Slack-Retry-Num") != "2" || got.Get("X-Slack-Retry-Reason") != "http_timeout" {
		t.Errorf("the headers are %v", got)
	}
}

func TestWhatIsTypedIsToldAsSlackTellsIt(t *testing.T) {
	s := slacktest.Start(t)
	anna := s.Person(slacktest.Person{})
	for typed, want := range map[string]string{
		"reset":                      "reset",
		"R&D <3 > 2":                 "R&amp;D &lt;3 &gt; 2",
		"ik ben anna@example.org,":   "ik ben <mailto:anna@example.org|anna@example.org>,",
		"zie https://x.example/?a&b": "zie <https://x.example/?a&amp;b>",
	} {
		event, _ := s.Message(anna, typed, nil)["event"].(map[string]any)
		if event["text"] != want {
			t.Errorf("%q is told as %q, want %q", typed, event["text"], want)
		}
	}
	page := slacktest.Shown{Blocks: []any{section("R&amp;D &lt;3")}}.Read()
	if page.Words != "R&D <3\n" {
		t.Errorf("it reads %q", page.Words)
	}
}
