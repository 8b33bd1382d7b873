package web_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/adapters/chat/web"
	people "resetbot/adapters/directory/demo"
	"resetbot/adapters/seal"
	"resetbot/adapters/store/memory"
	phone "resetbot/adapters/verification/demo"
	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// FuzzForm sends any request to the web chat and its one-time pages, in front of
// the real bot, while a conversation is on: with any method, body, type of body
// and query, with the visitor's cookie, another or none, from this site or
// another. It holds that
//
//   - it is answered within seconds, never by an error of ours (5xx) or a panic,
//     with a page that can be read, and with what tells browsers to trust nothing;
//   - a conversation changes only by a POST of its own visitor, from this site,
//     with the token that only its page has; or by erasing it (AC-41, AC-66);
//   - who has not the visitor's cookie nor the link is shown no token of theirs;
//   - no token, link, code or password is in the log (AC-25).
//
// In a body and in a query TOKEN stands for the page's token, MARK for the mark
// of the one-time page, WORD for the word that it asks for, OLD for a token of a
// page before, LINK for the link.
func FuzzForm(f *testing.F) {
	form := "application/x-www-form-urlencoded"
	bodies := []string{
		"", "token=TOKEN&choice=reset", "token=OLD&choice=reset", "choice=cancel", "token=&choice=cancel", "token=TOKEN&choice=cancel",
		"token=OLD&text=stop", "text=stop", "token=TOKEN&text=stop", "token=TOKEN&text=123456&choice=", "token=TOKEN&name=m.devries&captcha=x",
		"token=TOKEN&number=0612345613", "token=TOKEN&code=123456", "token=OLD&code=123456", "token=TOKEN&password=geheim-geheim-geheim",
		"token=OLD&token=TOKEN&choice=cancel", "token=TOKEN&token=OLD&choice=cancel", "TOKEN", "mark=MARK&password=p&confirm=p&word=WORD",
		"mark=MARK&password=drie+kleine+wolken+boven+zee&confirm=drie+kleine+wolken+boven+zee&word=WORD", "mark=OLD&password=p&confirm=p&word=WORD",
		"mark=MARK&word=fout", "mark=MARK&password=%20x%20&confirm=%20x%20&word=WORD&meant_so=yes", "%zz=%zz", "a;b", strings.Repeat("a=b&", 3000),
		strings.Repeat("x", 70000), "token=TOKEN&text=" + strings.Repeat("a", 5000), "token=TOKEN&text=%00%ff%fe", "token=TOKEN&choice=<script>",
		`{"token":"TOKEN","choice":"cancel"}`, "--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nTOKEN\r\n--x--\r\n",
		"token=TOKEN&choice=sspr_9999999999999999999", "token=TOKEN&choice=own_-1", "token=TOKEN&choice=own_99", "token=TOKEN&choice=audio",
	}
	for i, body := range bodies {
		for stage := range len(stages) {
			f.Add(uint8(stage), uint8(0), uint8(i), uint8(0), form, []byte(body), "")
		}
		f.Add(uint8(i), uint8(1+i%4), uint8(i), uint8(i), form, []byte(body), body)
		f.Add(uint8(i), uint8(0), uint8(i), uint8(1+i%6), form, []byte(body), "")
	}
	for i, kind := range []string{
		"", "text/plain", "application/json", "multipart/form-data; boundary=x", "multipart/form-data", "application/x-www-form-urlencoded; charset=utf-16",
		"APPLICATION/X-WWW-FORM-URLENCODED", "application/x-www-form-urlencoded;;;", "\x00", "text/html",
	} {
		f.Add(uint8(i), uint8(0), uint8(0), uint8(0), kind, []byte("token=TOKEN&choice=cancel"), "token=TOKEN&choice=cancel")
		f.Add(uint8(7), uint8(0), uint8(1), uint8(0), kind, []byte("mark=MARK&word=WORD&password=p&confirm=p"), "%zz")
	}
	for from := range uint8(7) {
		f.Add(uint8(1), uint8(0), uint8(0), from, form, []byte("token=TOKEN&choice=cancel"), "")
		f.Add(uint8(7), uint8(0), uint8(0), from, form, []byte("token=TOKEN&choice=cancel"), "")
		f.Add(uint8(7), uint8(0), uint8(1), from, form, []byte("mark=MARK&word=fout&password=p&confirm=p"), "")
		f.Add(uint8(3), uint8(0), uint8(2), from, form, []byte(nil), "")
	}
	for _, body := range []string{"", "password=kort", "password=drie+kleine+wolken+boven+zee&pad=xxx", "password=%ff%00", "mark=MARK&word=WORD"} {
		f.Add(uint8(7), uint8(0), uint8(12), uint8(0), form, []byte(body), "")
		f.Add(uint8(1), uint8(1), uint8(12), uint8(3), form, []byte(body), body)
	}
	h := newHouse(f)
	f.Fuzz(func(t *testing.T, stage, method, path, from uint8, kind string, body []byte, query string) {
		if len(body) > 100_000 || len(query) > 10_000 || len(kind) > 1000 {
			return
		}
		began := time.Now()
		h.open.Do(func() { synctest.Test(t, h.walk) })
		synctest.Test(t, func(t *testing.T) {
			(&attempt{t: t, house: h, scene: h.scenes[int(stage)%len(h.scenes)]}).try(method, path, from, kind, body, query)
		})
		if took := time.Since(began); took > 30*time.Second { // of real time: a busy machine is no defect
			t.Errorf("took %v", took)
		}
	})
}

// stages are the pages on which the visitor can be.
var stages = []conversation.State{
	conversation.Start, conversation.Who, conversation.Step1Choose, conversation.Step1Number, conversation.Step1Answer,
	conversation.Step2Choose, conversation.Step2Answer, conversation.Password, conversation.Cancelled,
}

// house is what all attempts share: what is dear to make and never changes, and
// a visitor on each of the stages.
type house struct {
	people *people.Directory
	phone  *phone.Phone
	links  *seal.Sealer
	words  *words.Words
	web    *web.Web
	log    *lockedBuffer

	open   sync.Once
	config bot.Config // of the walks
	scenes []scene
}

// scene is a visitor on a page.
type scene struct {
	c        conversation.Conversation
	account  conversation.AccountRecord
	counters map[conversation.CounterKey]conversation.Counter
	cookie   string
	link     string // path of the one-time page; empty without one
	old      string // a token of an earlier page
	at       time.Time
}

// newHouse makes what is made outside every bubble of synctest, to be used in all.
func newHouse(f *testing.F) *house {
	f.Helper()
	dir := f.TempDir()
	d, err := people.Open("", people.Options{
		State: filepath.Join(dir, "state"), Cost: people.Cost{Time: 1, Memory: 64, Threads: 1},
	})
	if err != nil {
		f.Fatal(err)
	}
	p, err := phone.Open(filepath.Join(dir, "phones.json"), phone.Options{
		Numbers: onlyMobile{}, Text: func(c bot.Challenge) string { return c.Code.Reveal() },
		Notice: func(bot.Telling) (mail, text string) { return "mail", "text" },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = d.Close(); _ = p.Close() })
	h := &house{people: d, phone: p, links: seal.New().Sealer("links"), words: newWords(f), log: &lockedBuffer{}}
	h.web, err = web.New(web.Options{Words: h.words, PublicURL: publicURL, Log: slog.New(slog.NewTextHandler(h.log, nil))})
	if err != nil {
		f.Fatal(err)
	}
	return h
}

// parts are the parts of a bot of an attempt.
func (h *house) parts(store *memory.Store) bot.Config {
	c := h.config
	authenticators := h.people.Authenticators(store)
	c.Words, c.Store, c.Limiter, c.Directory, c.Authenticators = h.words, store, store, h.people, authenticators
	c.Verifiers = map[conversation.Method]bot.Verifier{
		conversation.SMS: h.phone.SMS(), conversation.Call: h.phone.Call(), conversation.Push: h.phone.Push(),
		conversation.Code: totp.New(totp.Options{Authenticators: authenticators}),
	}
	c.Channels = map[string]bot.Channel{
		"mail": {Notifier: h.phone.Mail(), To: func(a bot.Account) string { return a.UPN }},
	}
	return c
}

// walk goes once through the wizard, and keeps the visitor of every page.
func (h *house) walk(t *testing.T) {
	walk := func(stage conversation.State, to func(w *world, b *browser)) {
		w := newWorld(t, nil)
		w.config.Links = h.links
		w.close()
		w.start()
		defer w.close()
		b := w.browser()
		b.get("/chat")
		old := w.conversation(b).Page.Token
		to(w, b)
		b.get("/chat")
		w.on(b, stage)
		h.scenes = append(h.scenes, w.scene(b, old))
		h.config = w.config
	}
	number := func(w *world) string { return strings.Replace(w.number("m.devries"), "+31", "0", 1) }
	walk(conversation.Start, func(*world, *browser) {})
	walk(conversation.Who, func(w *world, b *browser) { b.press(conversation.PickReset) })
	walk(conversation.Step1Choose, func(w *world, b *browser) { w.identify(b, "m.devries") })
	walk(conversation.Step1Number, func(w *world, b *browser) { w.identify(b, "m.devries"); b.press(conversation.PickSMS) })
	walk(conversation.Step1Answer, func(w *world, b *browser) {
		w.identify(b, "m.devries")
		b.press(conversation.PickSMS)
		b.fill(map[string]string{"number": number(w)})
		settle()
	})
	first := func(w *world, b *browser) {
		w.identify(b, "m.devries")
		b.press(conversation.PickSMS)
		b.fill(map[string]string{"number": number(w)})
		settle()
		b.get("/chat")
		b.fill(map[string]string{"code": w.sms("m.devries")})
		settle()
	}
	walk(conversation.Step2Choose, first)
	walk(conversation.Step2Answer, func(w *world, b *browser) { first(w, b); b.get("/chat"); b.press(conversation.PickCode) })
	walk(conversation.Password, func(w *world, b *browser) { w.prove(b, "m.devries") })
	walk(conversation.Cancelled, func(w *world, b *browser) { b.press(conversation.PickReset); b.press(conversation.PickCancel) })
}

// scene keeps what there is of a visitor.
func (w *world) scene(b *browser, old string) scene {
	w.t.Helper()
	s := scene{c: w.conversation(b), old: old, at: time.Now()}
	for _, c := range b.cookies {
		s.cookie = c.Value
	}
	if s.c.Page.Entry != nil {
		s.link = b.link()
	}
	_, err := w.store.Update(context.Background(), s.c.User, bot.Transition{
		Reads: func(c conversation.Conversation) conversation.Reads {
			return w.config.Wizard.Reads(c, conversation.Input{})
		},
		Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			s.account, s.counters = f.Account, f.Counters
			return conversation.Change{Same: true}, nil
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// attempt is one request, and what came of it.
type attempt struct {
	t     *testing.T
	house *house
	scene scene
	web   *web.Web
	store *memory.Store
	log   *lockedBuffer
}

func (a *attempt) try(method, path, from uint8, kind string, body []byte, query string) {
	a.t.Helper()
	stop := a.begin()
	defer stop()
	a.send(a.request("GET", "/chat", nil, 0)) // so that the chat knows the page
	before, lines := a.stored()

	target := a.target(path, query)
	r := a.request(methods[int(method)%len(methods)], target, bytes.NewReader(a.filled(body)), from)
	r.Header.Set("Content-Type", kind)
	began := time.Now()
	answer := a.send(r)
	if took := time.Since(began); took > 10*time.Second {
		a.t.Errorf("%s %s is answered after %v", r.Method, target, took)
	}
	a.wantAnswer(r, answer)
	synctest.Wait()
	time.Sleep(2 * time.Second)
	synctest.Wait()

	after, linesAfter := a.stored()
	if changed := before != after || lines != linesAfter; changed && !a.may(r, path, from, kind, a.filled(body)) {
		a.t.Errorf("%s %s of %q with %q changes\n%s\nto\n%s", r.Method, target, kind, a.filled(body), before, after)
	}
	if text := a.log.String(); strings.Contains(text, "panic") || strings.Contains(text, a.scene.c.Page.Token) ||
		a.scene.link != "" && strings.Contains(text, strings.TrimPrefix(a.scene.link, "/p/")) ||
		strings.Contains(text, a.scene.cookie) || strings.Contains(text, "geheim-geheim") {
		a.t.Errorf("in the log:\n%s", text)
	}
}

// begin starts a bot and a chat that know nothing but the scene.
func (a *attempt) begin() (stop func()) {
	a.t.Helper()
	time.Sleep(time.Until(a.scene.at))
	a.store, a.web, a.log = memory.New(testKey(4)), a.house.web, a.house.log
	web.Anew(a.web)
	a.log.reset()
	config := a.house.parts(a.store)
	config.Log = a.web.Log
	_, err := a.store.Update(a.t.Context(), a.scene.c.User, bot.Transition{
		Reads: func(conversation.Conversation) conversation.Reads { return conversation.Reads{} },
		Step: func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
			change := conversation.Change{
				Conversation: a.scene.c, Due: a.scene.c.Due(config.Wizard.Policy), Counters: a.scene.counters,
			}
			if a.scene.account.Key != "" {
				change.Account = &a.scene.account
			}
			return change, nil
		},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	config.Chats = map[string]bot.Chat{web.Name: a.web}
	b, err := bot.New(config)
	if err != nil {
		a.t.Fatal(err)
	}
	a.web.SetBot(b)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- b.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ran; err != nil {
			a.t.Error(err)
		}
	}
}

var methods = []string{"POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post", "TRACE"}

// target is where the request goes.
func (a *attempt) target(path uint8, query string) string {
	link := a.scene.link
	if link == "" {
		link = "/p/" + base64.RawURLEncoding.EncodeToString([]byte("no link of ours, but as long as one of them may be"))
	}
	paths := []string{
		"/chat", link, "/chat/erase", "/chat/erased", "/p/x", "/n/x", "/chat/", "/chat/sound/x.wav", link + "x", strings.ToUpper(link),
		link[:len(link)-1], "/chat/assets/chat.js", link + "/rules",
	}
	u := url.URL{Path: paths[int(path)%len(paths)], RawQuery: string(a.filled([]byte(query)))}
	return u.String()
}

// filled puts what a browser knows into what is sent.
func (a *attempt) filled(text []byte) []byte {
	word := ""
	if e := a.scene.c.Page.Entry; e != nil {
		word = a.house.words.Word("nl", e.Asks)
	}
	for name, value := range map[string]string{
		"TOKEN": a.scene.c.Page.Token, "OLD": a.scene.old, "WORD": url.QueryEscape(word), "MARK": web.Mark(a.scene.c.Page), "LINK": a.scene.link,
	} {
		text = bytes.ReplaceAll(text, []byte(name), []byte(value))
	}
	return text
}

// request is one from somewhere.
func (a *attempt) request(method, target string, body *bytes.Reader, from uint8) *http.Request {
	a.t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if body != nil {
		r = httptest.NewRequest("POST", "/", body)
	}
	r.Method = method
	u, err := url.ParseRequestURI(target)
	if err != nil {
		a.t.Skip("a server refuses this address")
	}
	r.URL, r.RequestURI = u, target
	r.RemoteAddr = "10.1.2.3:5555"
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(&http.Cookie{Name: web.CookieName(a.web), Value: a.scene.cookie})
	switch from % 7 {
	case 1: // another site, whose requests have no cookie (SameSite=Strict) or, in an old browser, have it
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	case 2:
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set("Origin", "https://evil.example")
	case 3: // nobody
		r.Header.Del("Cookie")
	case 4: // somebody else
		r.Header.Set("Cookie", web.CookieName(a.web)+"="+base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	case 5: // from where nobody may chat
		r.RemoteAddr = "203.0.113.9:1"
	case 6: // our own script
		r.Header.Set("Accept", "application/json")
	}
	return r
}

// send has the request answered.
func (a *attempt) send(r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	a.web.ServeHTTP(answer, r)
	return answer
}

// may reports whether such a request may change the scene's conversation.
func (a *attempt) may(r *http.Request, path, from uint8, kind string, body []byte) bool {
	if !strings.EqualFold(kind[:min(len(kind), 33)], "application/x-www-form-urlencoded") && path%13 != 2 {
		return false
	}
	decoded, _ := url.QueryUnescape(string(body))
	has := func(secret string) bool {
		return secret != "" && (bytes.Contains(body, []byte(secret)) || strings.Contains(decoded, secret) || unescaped(body, secret))
	}
	switch {
	case r.Method != http.MethodPost, from%7 == 1, from%7 == 2:
		return false
	case path%13 == 1 && r.URL.Path == a.scene.link: // the link is the secret, from wherever it is opened
		return has(web.Mark(a.scene.c.Page))
	case from%7 == 3, from%7 == 4, from%7 == 5:
		return false
	case path%13 == 0:
		return has(a.scene.c.Page.Token)
	}
	return path%13 == 2
}

// unescaped reports whether a value of a form is secret, however it is written.
func unescaped(body []byte, secret string) bool {
	values, _ := url.ParseQuery(string(body))
	for _, list := range values {
		for _, v := range list {
			if v == secret {
				return true
			}
		}
	}
	return false
}

// wantAnswer checks what a browser is told.
func (a *attempt) wantAnswer(r *http.Request, answer *httptest.ResponseRecorder) {
	a.t.Helper()
	what := fmt.Sprintf("%s %s: %d", r.Method, r.URL, answer.Code)
	text := answer.Body.String()
	if answer.Code >= 500 {
		a.t.Errorf("%s\n%s\n%s", what, text, a.log)
	}
	head := answer.Header()
	if head.Get("Content-Security-Policy") == "" || head.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(head.Get("Cache-Control"), "no-store") && !strings.Contains(r.URL.Path, "/assets/") {
		a.t.Errorf("%s: browsers are told %v", what, head)
	}
	if strings.HasPrefix(head.Get("Content-Type"), "text/html") && answer.Code != http.StatusPermanentRedirect && answer.Code != http.StatusSeeOther {
		parse(a.t, text)
	}
	owner := strings.Contains(r.Header.Get("Cookie"), a.scene.cookie)
	if !owner && (strings.Contains(text, a.scene.c.Page.Token) || a.scene.link != "" && r.URL.Path != a.scene.link && strings.Contains(text, a.scene.link)) {
		a.t.Errorf("%s: a token is shown to somebody else", what)
	}
	if location := head.Get("Location"); location != "" && (!strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//")) {
		a.t.Errorf("%s: sent to %s", what, location)
	}
}

// stored is the conversation without what differs when the same page is shown
// again, and how many lines the audit has.
func (a *attempt) stored() (text string, lines uint64) {
	a.t.Helper()
	c, err := a.store.Conversation(a.t.Context(), a.scene.c.User)
	if err != nil {
		a.t.Fatal(err)
	}
	c.Page.Version, c.Page.Notes, c.Page.Delivered, c.Page.Attempts, c.Page.Retry = 0, nil, false, 0, time.Time{}
	c.Latest, c.Seen, c.Address, c.Bound = time.Time{}, nil, "", nil
	data, err := json.Marshal(c)
	if err != nil {
		a.t.Fatal(err)
	}
	head, err := a.store.Head(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return string(data), head.Seq
}

// onlyMobile takes the numbers of the made-up people, as the number plan does.
type onlyMobile struct{}

func (onlyMobile) Country(string) string { return "NL" }

func (onlyMobile) Countries() []string { return []string{"NL"} }

func (onlyMobile) Read(text string) (e164 string, fault conversation.NumberFault) {
	digits := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, text)
	if len(digits) < 8 {
		return "", conversation.NumberForm
	}
	return "+316" + digits[len(digits)-8:], ""
}

func (b *lockedBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}
