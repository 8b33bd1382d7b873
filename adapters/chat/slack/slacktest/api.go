package slacktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Request is a call of the Web API, an upload, or something for a response_url.
type Request struct {
	At     time.Time
	Method string // as "chat.postMessage"; "upload"; "response_url"
	Header http.Header
	Body   []byte
	// Args are the arguments without the token, whether they came as a form or as
	// JSON.
	Args    map[string]any
	Team    string // whose token it was
	Channel string
	TS      string // of the message that was made or changed
	// OK is that it had its effect, whatever was answered; Error is the word for
	// why not.
	OK    bool
	Error string
}

// Requests are all calls, in the order in which they happened.
func (s *Slack) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Calls are those of one method.
func (s *Slack) Calls(method string) []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return r.Method != method })
}

// Block has all that is sent to a channel refused with an error of Slack's, as
// is_archived, channel_not_found or messages_tab_disabled; "" ends that.
func (s *Slack) Block(channel, word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocked[channel] = word
}

// method is one of the Web API.
type method struct {
	do    func(s *Slack, q *Request) answer // s.mu is held
	scope string                            // that it needs
	forms bool                              // it takes forms and queries, and no JSON
	needs []string                          // arguments
	token string                            // of which kind: "xoxb" when it is left out; "none"
}

var methods = map[string]method{
	"auth.test":                    {do: (*Slack).authTest},
	"auth.revoke":                  {do: (*Slack).authRevoke, forms: true},
	"apps.connections.open":        {do: (*Slack).connectionsOpen, token: "xapp"},
	"oauth.v2.access":              {do: (*Slack).access, forms: true, token: "none", needs: []string{"code"}},
	"chat.postMessage":             {do: (*Slack).postMessage, scope: "chat:write", needs: []string{"channel"}},
	"chat.postEphemeral":           {do: (*Slack).postEphemeral, scope: "chat:write", needs: []string{"channel", "user"}},
	"chat.update":                  {do: (*Slack).update, scope: "chat:write", needs: []string{"channel", "ts"}},
	"chat.delete":                  {do: (*Slack).remove, scope: "chat:write", needs: []string{"channel", "ts"}},
	"conversations.open":           {do: (*Slack).conversationsOpen, scope: "im:write"},
	"users.info":                   {do: (*Slack).usersInfo, scope: "users:read", forms: true, needs: []string{"user"}},
	"users.lookupByEmail":          {do: (*Slack).lookupByEmail, scope: "users:read.email", forms: true, needs: []string{"email"}},
	"views.open":                   {do: (*Slack).viewsOpen, needs: []string{"view", "trigger_id"}},
	"views.push":                   {do: (*Slack).viewsPush, needs: []string{"view", "trigger_id"}},
	"views.update":                 {do: (*Slack).viewsUpdate, needs: []string{"view"}},
	"views.publish":                {do: (*Slack).viewsPublish, needs: []string{"view", "user_id"}},
	"files.getUploadURLExternal":   {do: (*Slack).uploadURL, scope: "files:write", forms: true, needs: []string{"filename", "length"}},
	"files.completeUploadExternal": {do: (*Slack).completeUpload, scope: "files:write", needs: []string{"files"}},
	"files.delete":                 {do: (*Slack).deleteFile, scope: "files:write", needs: []string{"file"}},
}

// Methods are the names of the Web API's methods that are here, with the scope
// that each needs, or "".
func Methods() map[string]string {
	all := map[string]string{}
	for name, m := range methods {
		all[name] = m.scope
	}
	return all
}

// api answers a call of the Web API.
func (s *Slack) api(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	m, ok := methods[name]
	if !ok {
		s.Fault("there is no method " + name + " here")
		write(w, http.StatusOK, refusal("unknown_method"))
		return
	}
	s.part(name, func(w http.ResponseWriter, r *http.Request, body []byte, refused bool) {
		q := Request{At: s.Now(), Method: name, Header: r.Header, Body: body}
		token, isJSON, err := q.read(r)
		var faults []string
		if isJSON && m.forms {
			faults = append(faults, name+" takes no JSON")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		a := s.admit(&q, m, token, err)
		if a == nil {
			faults = append(faults, q.lacking(m)...)
			faults = append(faults, s.judge.call(name, q.Args)...)
			switch {
			case refused:
				a = refusal("internal_error") // the trouble's own is answered
			case len(faults) > 0:
				a = refusal("invalid_arguments")
				a["response_metadata"] = map[string]any{"messages": faults}
			default:
				a = m.do(s, &q)
			}
		}
		for _, fault := range faults {
			s.Fault(name + ": " + fault)
		}
		q.OK, _ = a["ok"].(bool)
		q.Error, _ = a["error"].(string)
		if refused {
			q.Error = ""
		}
		s.requests = append(s.requests, q)
		s.note()
		if s.Scopes != nil {
			w.Header().Set("X-OAuth-Scopes", strings.Join(s.Scopes, ","))
		}
		status := http.StatusOK
		if q.Error == "ratelimited" {
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", "1")
		}
		write(w, status, a)
	})(w, r)
}

// inJSON are the arguments that a form has as JSON, and truths those that are
// true or false.
var (
	inJSON = []string{"blocks", "view", "attachments", "metadata", "files"}
	truths = []string{"mrkdwn", "unfurl_links", "unfurl_media", "link_names", "as_user", "reply_broadcast", "return_im", "include_locale", "test"}
)

// read reads the arguments, and the token, which a form may hold and JSON may not
// (docs.slack.dev/apis/web-api).
func (q *Request) read(r *http.Request) (token string, isJSON bool, err error) {
	q.Args = map[string]any{}
	token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // a bad one is none of ours
	if kind == "application/json" {
		if len(q.Body) == 0 { // as slack-go opens Socket Mode
			return token, true, nil
		}
		if err := json.Unmarshal(q.Body, &q.Args); err != nil || q.Args == nil {
			return token, true, fmt.Errorf("invalid_json")
		}
		for _, name := range inJSON {
			if err := q.decode(name); err != nil {
				return token, true, err
			}
		}
		return token, true, nil
	}
	form := r.URL.Query()
	switch kind {
	case "multipart/form-data":
		if err := r.ParseMultipartForm(bodyMax); err != nil {
			return token, false, fmt.Errorf("invalid_form_data")
		}
		form = r.Form
	case "application/x-www-form-urlencoded":
		posted, err := url.ParseQuery(string(q.Body))
		if err != nil {
			return token, false, fmt.Errorf("invalid_form_data")
		}
		for name, values := range posted {
			form[name] = values
		}
	case "":
		if len(q.Body) > 0 {
			return token, false, fmt.Errorf("missing_post_type")
		}
	default:
		return token, false, fmt.Errorf("invalid_post_type")
	}
	if id, secret, ok := r.BasicAuth(); ok {
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	}
	if form.Has("token") {
		token = or(token, form.Get("token"))
		form.Del("token")
	}
	for name, values := range form {
		q.Args[name] = values[0]
		if slices.Contains(truths, name) {
			q.Args[name] = values[0] == "true" || values[0] == "1"
		}
		if slices.Contains(inJSON, name) {
			if err := q.decode(name); err != nil {
				return token, false, err
			}
		}
	}
	return token, false, nil
}

// decode reads an argument that is JSON in a string.
func (q *Request) decode(name string) error {
	in, ok := q.Args[name].(string)
	if !ok {
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(in), &v); err != nil {
		return fmt.Errorf("invalid_%s_format", name)
	}
	q.Args[name] = v
	return nil
}

func (q *Request) lacking(m method) (faults []string) {
	for _, name := range m.needs {
		if v, ok := q.Args[name]; !ok || v == "" {
			faults = append(faults, "missing required field: "+name)
		}
	}
	return faults
}

// call is what is wrong with the arguments of a method.
func (j *judge) call(name string, args map[string]any) []string {
	view, _ := args["view"].(map[string]any)
	switch name {
	case "chat.postMessage", "chat.postEphemeral", "chat.update":
		return j.message(args)
	case "views.open":
		said := maps.Clone(args)
		delete(said, "team_id") // Slack's own client sends it with every call, and the declarations do not know it
		return append(j.shape(name, said), j.view(view)...)
	case "views.push", "views.update", "views.publish":
		return j.view(view)
	}
	return nil
}

// admit says why a call is none; s.mu is held.
func (s *Slack) admit(q *Request, m method, token string, err error) answer {
	if err != nil {
		return refusal(err.Error())
	}
	if m.token == "none" {
		return nil
	}
	if token == "" {
		return refusal("not_authed")
	}
	if word := s.revoked[token]; word != "" {
		return refusal(word)
	}
	if m.token == "xapp" {
		switch {
		case token == s.AppToken:
			return nil
		case strings.HasPrefix(token, "xoxb-"):
			return refusal("not_allowed_token_type")
		}
		return refusal("invalid_auth")
	}
	for _, w := range s.workspaces {
		if w.BotToken == token {
			q.Team = w.ID
		}
	}
	switch {
	case token == s.AppToken:
		return refusal("not_allowed_token_type")
	case q.Team == "":
		return refusal("invalid_auth")
	case m.scope != "" && s.Scopes != nil && !slices.Contains(s.Scopes, m.scope):
		a := refusal("missing_scope")
		a["needed"], a["provided"] = m.scope, strings.Join(s.Scopes, ",")
		return a
	}
	return nil
}

func (q *Request) arg(name string) string {
	switch v := q.Args[name].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func (s *Slack) authTest(q *Request) answer {
	w := s.workspaces[q.Team]
	return answer{
		"ok": true, "url": "https://" + w.Domain + ".slack.com/", "team": w.Name, "team_id": w.ID, "user": "resetbot", "user_id": w.BotUser,
		"bot_id": w.BotID, "is_enterprise_install": false,
	}
}

func (s *Slack) authRevoke(q *Request) answer {
	if test, _ := q.Args["test"].(bool); test {
		return answer{"ok": true, "revoked": false}
	}
	s.revoked[s.workspaces[q.Team].BotToken] = "token_revoked"
	return answer{"ok": true, "revoked": true}
}

// code is what an install is told that it may ask a token for.
type code struct{ team, redirect string }

// Installing has the next who follow AuthorizeURL be of a workspace: they all say
// yes.
func (s *Slack) Installing(teamID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.installs = teamID
}

// Code is a code of somebody's who installs the app in a workspace.
func (s *Slack) Code(teamID, redirectURI string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := random()
	s.codes[c] = code{teamID, redirectURI}
	return c
}

// authorize is the page on which somebody says yes.
func (s *Slack) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	back, err := url.Parse(asked.Get("redirect_uri"))
	if asked.Get("client_id") != s.ClientID || asked.Get("scope") == "" || err != nil || back.Scheme == "" {
		http.Error(w, "invalid client_id, scope or redirect_uri", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	team := or(or(asked.Get("team"), s.installs), s.Team)
	s.mu.Unlock()
	answer := back.Query()
	answer.Set("code", s.Code(team, asked.Get("redirect_uri")))
	answer.Set("state", asked.Get("state"))
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// access gives a token for a code, once; the workspace's old one is worth nothing
// from then on.
func (s *Slack) access(q *Request) answer {
	if q.arg("client_id") != s.ClientID {
		return refusal("invalid_client_id")
	}
	if q.arg("client_secret") != s.ClientSecret {
		return refusal("bad_client_secret")
	}
	c, ok := s.codes[q.arg("code")]
	if !ok {
		return refusal("invalid_code")
	}
	if q.arg("redirect_uri") != c.redirect {
		return refusal("bad_redirect_uri")
	}
	delete(s.codes, q.arg("code"))
	w := s.workspace(c.team)
	if s.revoked[w.BotToken] != "" {
		w.BotToken, w.BotID = "xoxb-"+random(), s.id("B")
	}
	scopes := s.Scopes
	if scopes == nil {
		scopes = []string{"chat:write", "files:write", "im:write", "users:read", "users:read.email"}
	}
	return answer{
		"ok": true, "access_token": w.BotToken, "token_type": "bot", "scope": strings.Join(scopes, ","), "bot_user_id": w.BotUser,
		"app_id": s.AppID, "team": map[string]any{"id": w.ID, "name": w.Name}, "enterprise": nil, "is_enterprise_install": false,
		"authed_user": map[string]any{"id": s.id("U")},
	}
}

func (s *Slack) connectionsOpen(*Request) answer {
	if s.InMemory {
		return refusal("internal_error")
	}
	return answer{"ok": true, "url": s.socket.ticket()}
}

// Shown is a message of the app's as it stands in a chat now.
type Shown struct {
	Channel, TS string
	Text        string
	Blocks      []any
	Files       []string // ids
	Ephemeral   string   // whom alone it is shown to
	Edits       int      // how often it was changed
	team        string
}

// Screen is what a channel shows of the app to everybody in it.
func (s *Slack) Screen(channel string) []Shown {
	return s.shown(func(m *Shown) bool { return m.Channel == channel && m.Ephemeral == "" })
}

// Ephemerals are what a channel shows of the app to one person alone.
func (s *Slack) Ephemerals(channel, user string) []Shown {
	return s.shown(func(m *Shown) bool { return m.Channel == channel && m.Ephemeral == user })
}

func (s *Slack) shown(is func(*Shown) bool) (all []Shown) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if is(m) {
			all = append(all, *m)
		}
	}
	return all
}

// payload is a message as Slack tells of it; s.mu is held.
func (m *Shown) payload(s *Slack) map[string]any {
	w := s.workspace(m.team)
	p := map[string]any{
		"type": "message", "user": w.BotUser, "bot_id": w.BotID, "app_id": s.AppID, "team": m.team, "text": m.Text, "ts": m.TS,
	}
	if len(m.Blocks) > 0 {
		p["blocks"] = m.Blocks
	}
	return p
}

// deliverable finds a channel that a workspace's bot may write in; s.mu is held.
func (s *Slack) deliverable(team, channel string) (string, answer) {
	if p, ok := s.person(func(p Person) bool { return p.ID == channel && p.reachable(s, team) }); ok {
		channel = p.Channel
	}
	if word := s.blocked[channel]; word != "" {
		return channel, refusal(word)
	}
	if s.channels[channel] == team {
		return channel, nil
	}
	p, ok := s.person(func(p Person) bool { return p.Channel == channel && p.reachable(s, team) })
	switch {
	case !ok:
		return channel, refusal("channel_not_found")
	case p.Deleted:
		return channel, refusal("is_inactive")
	}
	return channel, nil
}

// reachable is that the bot of a workspace knows of somebody.
func (p Person) reachable(s *Slack, team string) bool {
	return p.Team == team || p.Stranger && team == s.Team
}

func (s *Slack) postMessage(q *Request) answer {
	channel, no := s.deliverable(q.Team, q.arg("channel"))
	q.Channel = channel
	if no != nil {
		return no
	}
	m, no := s.content(q)
	if no != nil {
		return no
	}
	if last, ok := s.posted[channel]; s.Limits && ok && q.At.Sub(last) < time.Second {
		return refusal("ratelimited")
	}
	s.posted[channel] = q.At
	return s.show(q, m)
}

func (s *Slack) show(q *Request, m *Shown) answer {
	m.team, m.Channel, m.TS = q.Team, q.Channel, s.ts()
	q.TS = m.TS
	s.messages = append(s.messages, m)
	return answer{"ok": true, "channel": m.Channel, "ts": m.TS, "message": m.payload(s)}
}

func (s *Slack) postEphemeral(q *Request) answer {
	channel, no := s.deliverable(q.Team, q.arg("channel"))
	q.Channel = channel
	if no != nil {
		return no
	}
	if _, ok := s.person(func(p Person) bool { return p.ID == q.arg("user") && p.reachable(s, q.Team) && !p.Deleted }); !ok {
		return refusal("user_not_in_channel")
	}
	m, no := s.content(q)
	if no != nil {
		return no
	}
	m.Ephemeral = q.arg("user")
	s.show(q, m)
	return answer{"ok": true, "message_ts": m.TS}
}

// content is the message that arguments make, with the ids that Slack gives where
// there are none; s.mu is held.
func (s *Slack) content(q *Request) (*Shown, answer) {
	m := &Shown{Text: q.arg("text")}
	m.Blocks, _ = q.Args["blocks"].([]any)
	if m.Text == "" && len(m.Blocks) == 0 && q.Args["attachments"] == nil {
		return nil, refusal("no_text")
	}
	s.name(m.Blocks)
	for _, id := range pictures(m.Blocks) {
		if f := s.files[id]; f == nil || f.Deleted || !f.Complete || f.Team != q.Team {
			return nil, refusal("invalid_blocks")
		}
	}
	return m, nil
}

// name gives ids to blocks and to what is in them.
func (s *Slack) name(blocks []any) {
	give := func(v any, key string) {
		if e, ok := v.(map[string]any); ok && e[key] == nil {
			e[key] = random()[:5]
		}
	}
	for _, v := range blocks {
		give(v, "block_id")
		b, _ := v.(map[string]any)
		elements, _ := b["elements"].([]any)
		for _, e := range append(slices.Clone(elements), b["accessory"], b["element"]) {
			if e, ok := e.(map[string]any); ok && b["type"] != "context" && e["type"] != "image" && b["type"] != "rich_text" {
				give(e, "action_id")
			}
		}
	}
}

// pictures are the files that blocks show.
func pictures(blocks []any) (ids []string) {
	for _, v := range blocks {
		b, _ := v.(map[string]any)
		if f, ok := b["slack_file"].(map[string]any); ok {
			id, _ := f["id"].(string)
			ids = append(ids, id)
		}
	}
	return ids
}

// find finds a message of a workspace's bot; an ephemeral one is none that can be
// changed.
func (s *Slack) find(q *Request) (int, answer) {
	channel, no := s.deliverable(q.Team, q.arg("channel"))
	q.Channel = channel
	if no != nil {
		return 0, no
	}
	q.TS = q.arg("ts")
	i := slices.IndexFunc(s.messages, func(m *Shown) bool {
		return m.Channel == channel && m.TS == q.TS && m.team == q.Team && m.Ephemeral == ""
	})
	if i < 0 {
		return 0, refusal("message_not_found")
	}
	return i, nil
}

func (s *Slack) update(q *Request) answer {
	i, no := s.find(q)
	if no != nil {
		return no
	}
	// docs.slack.dev/reference/methods/chat.update: msg_too_long
	if utf8.RuneCountInString(q.arg("text")) > 4000 {
		return refusal("msg_too_long")
	}
	next, no := s.content(q)
	if no != nil {
		return no
	}
	m := s.messages[i]
	m.Edits++
	m.Text = next.Text
	// docs.slack.dev/reference/methods/chat.update: blocks that are left out stay,
	// and an empty list takes them away.
	if _, ok := q.Args["blocks"]; ok {
		m.Blocks = next.Blocks
	}
	return answer{"ok": true, "channel": m.Channel, "ts": m.TS, "text": m.Text, "message": m.payload(s)}
}

func (s *Slack) remove(q *Request) answer {
	i, no := s.find(q)
	if no != nil {
		return no
	}
	s.messages = slices.Delete(s.messages, i, i+1)
	return answer{"ok": true, "channel": q.Channel, "ts": q.TS}
}

func (s *Slack) conversationsOpen(q *Request) answer {
	users := q.arg("users")
	if users == "" && q.arg("channel") == "" {
		return refusal("users_list_not_supplied")
	}
	if strings.Contains(users, ",") {
		return refusal("method_not_supported_for_channel_type") // groups are none of this app's
	}
	p, ok := s.person(func(p Person) bool {
		return (p.ID == users || users == "" && p.Channel == q.arg("channel")) && p.reachable(s, q.Team)
	})
	switch {
	case !ok:
		return refusal("user_not_found")
	case p.Deleted:
		return refusal("user_disabled")
	case p.Bot:
		return refusal("cannot_dm_bot")
	}
	q.Channel = p.Channel
	return answer{"ok": true, "channel": map[string]any{"id": p.Channel}}
}

func (s *Slack) usersInfo(q *Request) answer {
	p, ok := s.person(func(p Person) bool { return p.ID == q.arg("user") && p.reachable(s, q.Team) })
	if !ok {
		return refusal("user_not_found")
	}
	user := p.user(s.Scopes == nil || slices.Contains(s.Scopes, "users:read.email"))
	if locale, _ := q.Args["include_locale"].(bool); locale {
		user["locale"] = p.Locale
	}
	return answer{"ok": true, "user": user}
}

func (s *Slack) lookupByEmail(q *Request) answer {
	p, ok := s.person(func(p Person) bool {
		return strings.EqualFold(p.Email, q.arg("email")) && p.Team == q.Team && !p.Deleted
	})
	if !ok {
		return refusal("users_not_found")
	}
	return answer{"ok": true, "user": p.user(true)}
}

// hook is a response_url: it takes five things, for half an hour
// (docs.slack.dev/interactivity/handling-user-interaction).
type hook struct {
	person  Person
	channel string
	message *Shown // that was pressed on
	until   time.Time
	uses    int
}

// hook makes a response_url; s.mu is held.
func (s *Slack) hook(p Person, channel string, m *Shown) string {
	id := random()
	s.hooks[id] = &hook{person: p, channel: channel, message: m, until: s.Now().Add(30 * time.Minute)}
	return "http://" + s.Host + "/actions/" + id
}

// respond answers what is sent to a response_url.
func (s *Slack) respond(w http.ResponseWriter, r *http.Request, body []byte, refused bool) {
	q := Request{At: s.Now(), Method: "response_url", Header: r.Header, Body: body}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.note()
	defer func() { s.requests = append(s.requests, q) }()
	if err := json.Unmarshal(body, &q.Args); err != nil {
		s.Fault("response_url: the body is not JSON")
		write(w, http.StatusBadRequest, refusal("invalid_payload"))
		return
	}
	h := s.hooks[r.PathValue("hook")]
	switch {
	case h == nil || h.uses == 5 || s.Now().After(h.until):
		q.Error = "used_url"
		write(w, http.StatusNotFound, refusal(q.Error))
		return
	case refused:
		return
	}
	q.Team, q.Channel = h.person.Team, h.channel
	h.uses++
	a := s.responded(&q, h)
	q.OK, _ = a["ok"].(bool)
	q.Error, _ = a["error"].(string)
	status := http.StatusOK
	if !q.OK {
		status = http.StatusInternalServerError
	}
	write(w, status, answer{"ok": q.OK})
}

// responded does what a response asks for; s.mu is held.
func (s *Slack) responded(q *Request, h *hook) answer {
	if gone, _ := q.Args["delete_original"].(bool); gone && h.message != nil {
		s.messages = slices.DeleteFunc(s.messages, func(m *Shown) bool { return m == h.message })
		return answer{"ok": true}
	}
	for _, fault := range s.judge.message(q.Args) {
		s.Fault("response_url: " + fault)
	}
	m, no := s.content(q)
	if no != nil {
		return no
	}
	if instead, _ := q.Args["replace_original"].(bool); instead && h.message != nil {
		h.message.Text, h.message.Blocks = m.Text, m.Blocks
		h.message.Edits++
		return answer{"ok": true}
	}
	if q.Args["response_type"] != "in_channel" {
		m.Ephemeral = h.person.ID
	}
	return s.show(q, m)
}
