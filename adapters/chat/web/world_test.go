package web_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/adapters/chat/web"
	people "resetbot/adapters/directory/demo"
	"resetbot/adapters/numberplan"
	"resetbot/adapters/password"
	"resetbot/adapters/seal"
	"resetbot/adapters/store/memory"
	phone "resetbot/adapters/verification/demo"
	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// world is the web chat before the real bot, inside a synctest bubble: only the
// clock and the network are not real.
type world struct {
	t       *testing.T
	web     *web.Web
	bot     *bot.Bot
	config  bot.Config
	options web.Options
	store   *memory.Store
	people  *people.Directory
	phone   *phone.Phone
	words   *words.Words
	log     *lockedBuffer
	stop    context.CancelFunc
	ran     chan error
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// painter paints nothing: the test knows the answer.
type painter struct{}

func (painter) Paint(conversation.Secret, [32]byte) ([]byte, error) { return []byte("picture"), nil }

// Speak says nothing; its sound tells which it is.
func (painter) Speak(_ conversation.Secret, seed [32]byte, locale string) ([]byte, error) {
	return fmt.Appendf(nil, "sound %x %s", seed[:4], locale), nil
}

var keys = conversation.Keys{Index: testKey(1), Code: testKey(2), Decoy: testKey(3)}

func testKey(b byte) (k conversation.Key) {
	for i := range k {
		k[i] = b
	}
	return k
}

// sharedRules are costly to make and never change.
var sharedRules = sync.OnceValues(func() (*password.Rules, error) { return password.New(password.Options{}) })

const publicURL = "https://resetbot.example"

func newWords(t testing.TB) *words.Words {
	t.Helper()
	w, err := words.New(words.Options{
		Organisation: "Ziekenhuis Rijnzicht", Domains: []string{"rijnzicht.example"}, Location: time.UTC,
		Desk: words.Desk{Name: "de servicedesk", Phone: "071 000 00 00"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// newWorld starts a bot with a web chat; change may alter the chat's options first.
func newWorld(t *testing.T, change func(*web.Options)) *world {
	t.Helper()
	w := &world{t: t, store: memory.New(testKey(4)), log: &lockedBuffer{}, words: newWords(t)}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.options = web.Options{Words: w.words, PublicURL: publicURL, Log: log}
	if change != nil {
		change(&w.options)
	}
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.people, err = people.Open("", people.Options{
		State: filepath.Join(dir, "people.state"), Cost: people.Cost{Time: 1, Memory: 64, Threads: 1},
	})
	must(err)
	plan, err := numberplan.New(numberplan.Options{Region: "NL", Countries: []string{"NL"}})
	must(err)
	rules, err := sharedRules()
	must(err)
	w.phone, err = phone.Open(filepath.Join(dir, "phones.json"), phone.Options{
		Numbers: plan,
		Text: func(c bot.Challenge) string {
			return w.words.SMS(words.Asked{Locale: c.Locale, Chat: c.Chat, Goal: c.Goal}, c.Code, c.Expires, time.Now()).Reveal()
		},
		Notice: func(bot.Telling) (mail, text string) { return "mail", "text" },
	})
	must(err)
	t.Cleanup(func() { _ = w.people.Close(); _ = w.phone.Close() })
	policy := conversation.DefaultPolicy()
	policy.Organisation, policy.Domains = "Rijnzicht", []string{"rijnzicht.example"}
	authenticators := w.people.Authenticators(w.store)
	enroller, err := totp.NewEnroller(policy.Organisation, nil)
	must(err)
	w.config = bot.Config{
		Wizard: &conversation.Wizard{Policy: policy, Keys: keys, Numbers: plan, Rules: rules},
		Words:  w.words, Store: w.store, Limiter: w.store, Directory: w.people, Authenticators: authenticators,
		Enroller: enroller,
		Verifiers: map[conversation.Method]bot.Verifier{
			conversation.SMS: w.phone.SMS(), conversation.Call: w.phone.Call(), conversation.Push: w.phone.Push(),
			conversation.Code: totp.New(totp.Options{Authenticators: authenticators}),
		},
		Channels: map[string]bot.Channel{
			"mail": {Notifier: w.phone.Mail(), To: func(a bot.Account) string { return a.UPN }},
		},
		Painter:  painter{},
		AuditKey: testKey(4), Links: seal.New().Sealer("links"), PublicURL: publicURL, Log: log,
	}
	w.start()
	t.Cleanup(w.close)
	return w
}

// start makes a web chat and a bot that remember nothing but the store.
func (w *world) start() {
	w.t.Helper()
	var err error
	if w.web, err = web.New(w.options); err != nil {
		w.t.Fatal(err)
	}
	w.config.Chats = map[string]bot.Chat{web.Name: w.web}
	w.run()
}

// run makes a bot for the chats there are.
func (w *world) run() {
	w.t.Helper()
	var err error
	if w.bot, err = bot.New(w.config); err != nil {
		w.t.Fatal(err)
	}
	w.web.SetBot(w.bot)
	ctx, cancel := context.WithCancel(context.Background())
	w.stop, w.ran = cancel, make(chan error, 1)
	go func() { w.ran <- w.bot.Run(ctx) }()
}

func (w *world) close() {
	if w.stop == nil {
		return
	}
	w.web.Close()
	w.stop()
	w.stop = nil
	if err := <-w.ran; err != nil {
		w.t.Error(err)
	}
}

// person is somebody of the made-up hospital.
func (w *world) person(name string) people.Person {
	w.t.Helper()
	for _, p := range w.people.People() {
		if before, _, _ := strings.Cut(p.UPN, "@"); before == name {
			return p
		}
	}
	w.t.Fatalf("nobody is called %q", name)
	return people.Person{}
}

func (w *world) number(name string) string {
	e164, _ := w.config.Wizard.Numbers.Read(w.person(name).Mobile)
	return e164
}

// sms is the code of the newest text message.
func (w *world) sms(name string) string {
	w.t.Helper()
	entries, err := w.phone.List(context.Background(), w.number(name))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].Code != "" {
			return entries[i].Code
		}
	}
	w.t.Fatal("no text message came")
	return ""
}

// app is what the authenticator app shows.
func (w *world) app(name string) string {
	w.t.Helper()
	code, err := totp.Code(w.person(name).Authenticator, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return code.Reveal()
}

func (w *world) signIn(name, password string) bool {
	w.t.Helper()
	ok, err := w.people.VerifyPassword(context.Background(), w.person(name).ID, conversation.NewSecret(password))
	if err != nil {
		w.t.Fatal(err)
	}
	return ok
}

// settle lets everything happen that happens by itself within a moment.
func settle() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

// browser is a browser without JavaScript: it follows links and redirects,
// keeps cookies, and submits the forms that a page has.
type browser struct {
	t       *testing.T
	handler http.Handler
	from    string            // address
	header  map[string]string // sent with everything
	cookies map[string]*http.Cookie
	at      string // path of the page
	page    page   // that it shows
	status  int
	head    http.Header
}

func (w *world) browser() *browser {
	return &browser{
		t: w.t, handler: w.web, from: "10.1.2.3:5555", cookies: map[string]*http.Cookie{},
		header: map[string]string{"Accept-Language": "nl-NL,nl;q=0.9"},
	}
}

// request sends one request and takes the answer, whatever it is.
func (b *browser) request(method, target string, body io.Reader, header map[string]string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, target, body)
	r.RemoteAddr = b.from
	for _, list := range []map[string]string{{"Sec-Fetch-Site": "same-origin"}, b.header, header} {
		for name, value := range list {
			r.Header.Set(name, value)
		}
	}
	for _, c := range b.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	answer := httptest.NewRecorder()
	b.handler.ServeHTTP(answer, r)
	for _, c := range answer.Result().Cookies() {
		b.cookies[c.Name] = c
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer
}

// show takes an answer, and follows it to the page.
func (b *browser) show(at string, answer *httptest.ResponseRecorder) {
	b.t.Helper()
	for range 5 {
		if answer.Code != http.StatusSeeOther {
			b.at, b.status, b.head = at, answer.Code, answer.Header()
			b.page = parse(b.t, answer.Body.String())
			return
		}
		at = answer.Header().Get("Location")
		answer = b.request(http.MethodGet, at, nil, nil)
	}
	b.t.Fatal("sent from page to page")
}

func (b *browser) get(target string) {
	b.t.Helper()
	b.show(target, b.request(http.MethodGet, target, nil, nil))
}

func (b *browser) post(target string, form url.Values) {
	b.t.Helper()
	b.show(target, b.request(http.MethodPost, target, strings.NewReader(form.Encode()), formHeader))
}

var formHeader = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}

// refresh does what a browser does with a page that passes by itself.
func (b *browser) refresh() {
	b.t.Helper()
	for range 40 {
		if b.page.refresh == "" || strings.HasSuffix(b.page.refresh, "/erased") {
			return
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		b.get(b.at)
	}
	b.t.Fatalf("the page goes on refreshing:\n%s", b.page.text)
}

// press presses a button of the page.
func (b *browser) press(choice conversation.Choice) {
	b.t.Helper()
	form, ok := b.page.button(string(choice))
	if !ok {
		b.t.Fatalf("no button %q on:\n%s", choice, b.page.text)
	}
	values := form.values()
	values.Set("choice", string(choice))
	b.post(form.action, values)
	b.refresh()
}

// fill fills in the page's form and submits it.
func (b *browser) fill(fields map[string]string) {
	b.t.Helper()
	form := b.page.form("page")
	values := form.values()
	for name, value := range fields {
		if _, ok := form.inputs[name]; !ok {
			b.t.Fatalf("no field %q on:\n%s", name, b.page.text)
		}
		values.Set(name, value)
	}
	b.post(form.action, values)
	b.refresh()
}

// says types into the line at the foot of the page.
func (b *browser) says(text string) {
	b.t.Helper()
	form := b.page.form("")
	values := form.values()
	values.Set("text", text)
	b.post(form.action, values)
	b.refresh()
}

func (b *browser) sees(text string) {
	b.t.Helper()
	if !strings.Contains(b.page.text, text) {
		b.t.Fatalf("%q is not on the page:\n%s", text, b.page.text)
	}
}

// page is what a browser makes of a document.
type page struct {
	source  string
	text    string // what can be read
	mark    string
	id      string // of the wizard's page
	refresh string
	forms   []*form
	links   []string
	buttons map[string]*form // by the value of choice
}

type form struct {
	id, action string
	inputs     map[string]string // name → value
}

func (p page) form(id string) *form {
	for _, f := range p.forms {
		if f.id == id && (id != "" || f.has("text")) {
			return f
		}
	}
	return &form{}
}

func (f *form) has(name string) bool { _, ok := f.inputs[name]; return ok }

func (p page) button(choice string) (*form, bool) { f, ok := p.buttons[choice]; return f, ok }

func (f *form) values() url.Values {
	values := url.Values{}
	for name, value := range f.inputs {
		if name == "token" || name == "mark" {
			values.Set(name, value)
		}
	}
	return values
}

// parse reads a page with the parser of XML, told to be as patient as browsers
// are: a page that it cannot read is a page with an element left open.
func parse(t *testing.T, source string) page {
	t.Helper()
	p := page{source: source, buttons: map[string]*form{}}
	in := xml.NewDecoder(strings.NewReader(source))
	in.Strict, in.AutoClose, in.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var text strings.Builder
	var open *form
	silent := 0
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("reading a page: %v\n%s", err, source)
		}
		switch e := token.(type) {
		case xml.StartElement:
			a := attributes(e)
			switch e.Name.Local {
			case "form":
				open = &form{id: a["id"], action: a["action"], inputs: map[string]string{}}
				p.forms = append(p.forms, open)
			case "input":
				if open != nil {
					open.inputs[a["name"]] = a["value"]
				}
			case "button":
				if a["name"] != "choice" {
					break
				}
				if _, off := a["disabled"]; !off {
					p.buttons[a["value"]] = nil
				}
			case "a":
				p.links = append(p.links, a["href"])
			case "meta":
				if a["http-equiv"] == "refresh" {
					p.refresh = a["content"]
				}
			case "script", "style", "title":
				silent++
			}
			if m := a["data-mark"]; m != "" {
				p.mark, p.id = m, a["data-page"]
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "form":
				open = nil
			case "script", "style", "title":
				silent--
			}
		case xml.CharData:
			if line := strings.Join(strings.Fields(string(e)), " "); line != "" && silent == 0 {
				text.WriteString(line + "\n")
			}
		}
	}
	p.text = text.String()
	for choice := range p.buttons {
		p.buttons[choice] = p.form("page")
	}
	return p
}

func attributes(e xml.StartElement) map[string]string {
	a := map[string]string{}
	for _, attribute := range e.Attr {
		a[attribute.Name.Local] = attribute.Value
	}
	return a
}

// captcha is the answer to the picture before the browser's eyes.
func (w *world) captcha(b *browser) string {
	w.t.Helper()
	c := w.conversation(b)
	return keys.CaptchaAnswer(c.Captcha.ID).Reveal()
}

// conversation is the one of a browser, as the store has it.
func (w *world) conversation(b *browser) conversation.Conversation {
	w.t.Helper()
	var found []conversation.Conversation
	for _, cookie := range b.cookies {
		c, err := w.store.Conversation(context.Background(), web.UserOfCookie(w.web, cookie.Value))
		if err != nil {
			w.t.Fatal(err)
		}
		found = append(found, c)
	}
	if len(found) != 1 {
		w.t.Fatalf("the browser has %d cookies, want 1", len(found))
	}
	return found[0]
}

func (w *world) on(b *browser, want conversation.State) {
	w.t.Helper()
	if got := w.conversation(b).State; got != want {
		w.t.Fatalf("on %s, want %s; the page:\n%s\nlog:\n%s", got, want, b.page.text, w.log)
	}
}

// identify walks from the first page to the choice of step 1.
func (w *world) identify(b *browser, name string) {
	w.t.Helper()
	b.get("/chat")
	b.press(conversation.PickReset)
	b.fill(map[string]string{"name": name + "@rijnzicht.example", "captcha": w.captcha(b)})
	settle()
	b.get("/chat")
	w.on(b, conversation.Step1Choose)
}

// prove walks both steps, to the page of the password.
func (w *world) prove(b *browser, name string) {
	w.t.Helper()
	w.identify(b, name)
	b.press(conversation.PickSMS)
	b.fill(map[string]string{"number": strings.Replace(w.number(name), "+31", "0", 1)})
	settle()
	b.get("/chat")
	b.fill(map[string]string{"code": w.sms(name)})
	settle()
	b.get("/chat")
	w.on(b, conversation.Step2Choose)
	b.press(conversation.PickCode)
	b.fill(map[string]string{"code": w.app(name)})
	settle()
	b.get("/chat")
	w.on(b, conversation.Password)
}

// link is the path of the one-time page that the chat shows.
func (b *browser) link() string {
	b.t.Helper()
	for _, l := range b.page.links {
		if rest, ok := strings.CutPrefix(l, publicURL); ok {
			return rest
		}
	}
	b.t.Fatalf("no link to a one-time page on:\n%s", b.page.text)
	return ""
}

// asked is the word that the one-time page asks for.
func (w *world) asked(b *browser) string {
	w.t.Helper()
	return w.words.Word("nl", w.conversation(b).Page.Entry.Asks)
}

const good = "drie kleine wolken boven zee"

// fake is a bot that takes everything in and answers with nothing.
type fake struct {
	mu   sync.Mutex
	got  []bot.Incoming
	page func(token string) (bot.Outgoing, bool)
}

func (f *fake) Receive(_ context.Context, m bot.Incoming) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, m)
	return nil
}

func (f *fake) Entry(_ context.Context, token string) (bot.Outgoing, bool, error) {
	if f.page == nil {
		return bot.Outgoing{}, false, nil
	}
	m, ok := f.page(token)
	return m, ok, nil
}

func (f *fake) Submit(ctx context.Context, m bot.Incoming) (string, error) {
	return publicURL + "/p/" + m.Link, f.Receive(ctx, m)
}

func (f *fake) received() []bot.Incoming {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got
}

func network(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func (f *fake) Sound(context.Context, string) ([]byte, bool, error) { return nil, false, nil }
