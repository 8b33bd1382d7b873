package bot_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// world is the whole bot in one test, inside a synctest bubble: the demo's
// people and telephones, a store in memory, and chats that are read by the
// test. Only the clock and the platforms are not real.
type world struct {
	t      testing.TB
	bot    *bot.Bot
	config bot.Config
	store  *memory.Store
	people *people.Directory
	phone  *phone.Phone
	words  *words.Words
	chat   *chat
	fault  map[string]people.Fault
	stop   context.CancelFunc
	ran    chan error
	log    *lockedBuffer

	mu sync.Mutex
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
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

func (painter) Speak(conversation.Secret, [32]byte, string) ([]byte, error) {
	return []byte("sound"), nil
}

// chat is a platform that takes every page, unless it is told not to.
type chat struct {
	mu     sync.Mutex
	pages  map[conversation.User][]bot.Outgoing // since the last take
	newest map[conversation.User]bot.Outgoing
	fail   map[conversation.User]int // how often sending fails from now on
}

func (c *chat) Send(_ context.Context, m bot.Outgoing) (bot.Sent, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail[m.User] > 0 {
		c.fail[m.User]--
		return bot.Sent{Result: conversation.Later}, nil
	}
	c.pages[m.User] = append(c.pages[m.User], m)
	c.newest[m.User] = m
	return bot.Sent{Result: conversation.Delivered}, nil
}

// last is the newest page that user saw.
func (c *chat) last(user conversation.User) bot.Outgoing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newest[user]
}

// take gives the pages of user since the last take.
func (c *chat) take(user conversation.User) []bot.Outgoing {
	c.mu.Lock()
	defer c.mu.Unlock()
	pages := c.pages[user]
	c.pages[user] = nil
	return pages
}

var keys = conversation.Keys{Index: testKey(1), Code: testKey(2), Decoy: testKey(3)}

func testKey(b byte) (k conversation.Key) {
	for i := range k {
		k[i] = b
	}
	return k
}

// shared are parts that are costly to make and never change.
var shared = sync.OnceValues(func() (*password.Rules, error) { return password.New(password.Options{}) })

// newWorld starts a bot; change may alter its configuration first.
func newWorld(t testing.TB, change func(*bot.Config)) *world {
	t.Helper()
	w := &world{
		t: t, store: memory.New(testKey(4)), fault: map[string]people.Fault{}, log: &lockedBuffer{},
		chat: &chat{
			pages: map[conversation.User][]bot.Outgoing{}, newest: map[conversation.User]bot.Outgoing{},
			fail: map[conversation.User]int{},
		},
	}
	dir := t.TempDir()
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cheap := people.Cost{Time: 1, Memory: 64, Threads: 1}
	w.people, err = people.Open("", people.Options{State: filepath.Join(dir, "people.state"), Cost: cheap})
	must()
	plan, err2 := numberplan.New(numberplan.Options{Region: "NL", Countries: []string{"NL", "BE", "DE"}})
	err = err2
	must()
	rules, err3 := shared()
	err = err3
	must()
	w.words, err = words.New(words.Options{
		Organisation: "Ziekenhuis Rijnzicht", Domains: []string{"rijnzicht.example"}, Location: time.UTC,
		Desk: words.Desk{Name: "de servicedesk", Phone: "071 000 00 00"},
	})
	must()
	w.phone, err = phone.Open(filepath.Join(dir, "phones.json"), w.telephone(plan))
	must()
	t.Cleanup(func() { _ = w.people.Close(); _ = w.phone.Close() })
	policy := conversation.DefaultPolicy()
	policy.Organisation, policy.Domains = "Rijnzicht", []string{"rijnzicht.example"}
	policy.LevelledBy = 0
	enroller, err4 := totp.NewEnroller(policy.Organisation, nil)
	err = err4
	must()
	authenticators := w.people.Authenticators(w.store)
	w.config = bot.Config{
		Wizard: &conversation.Wizard{Policy: policy, Keys: keys, Numbers: plan, Rules: rules},
		Words:  w.words, Store: w.store, Limiter: w.store,
		Directory: people.WithFaults(w.people, func(op string) people.Fault {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.fault[op]
		}),
		Authenticators: authenticators, Enroller: enroller,
		Verifiers: map[conversation.Method]bot.Verifier{
			conversation.SMS: w.phone.SMS(), conversation.Call: w.phone.Call(), conversation.Push: w.phone.Push(),
			conversation.Code: totp.New(totp.Options{Authenticators: authenticators}),
		},
		Channels: w.channels(plan), Painter: painter{},
		Chats:    map[string]bot.Chat{"web": w.chat},
		AuditKey: testKey(4), Links: seal.New().Sealer("links"), PublicURL: "https://resetbot.example",
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	if change != nil {
		change(&w.config)
	}
	w.start()
	t.Cleanup(w.close)
	return w
}

// telephone says in the wizard's own words what comes on the telephones.
func (w *world) telephone(plan conversation.NumberPlan) phone.Options {
	return phone.Options{
		Numbers: plan,
		Text: func(c bot.Challenge) string {
			now, asked := time.Now(), words.Asked{Locale: c.Locale, Chat: c.Chat, Goal: c.Goal}
			switch c.Method {
			case conversation.SMS:
				return w.words.SMS(asked, c.Code, c.Expires, now).Reveal()
			case conversation.Call:
				return w.words.Call(asked, c.WithDigits, now).Ask
			}
			title, body := w.words.Push(asked, now)
			return title + "\n" + body
		},
		Notice: func(t bot.Telling) (mail, text string) {
			to := words.Recipient{Name: t.Owner.Display, Link: t.Link, Outside: t.Outside}
			letter, err := w.words.Letter(t.Notice, to, time.Now())
			if err != nil {
				w.t.Errorf("writing a letter: %v", err)
			}
			return letter.Subject + "\n\n" + strings.Join(letter.Body, "\n\n"), letter.Short
		},
	}
}

// channels are the telephone's: text messages, mail, and mail to an address of
// the owner's own.
func (w *world) channels(plan conversation.NumberPlan) map[string]bot.Channel {
	return map[string]bot.Channel{
		"mail":         {Notifier: w.phone.Mail(), To: func(a bot.Account) string { return a.UPN }},
		"private_mail": {Notifier: w.phone.Mail(), To: func(a bot.Account) string { return a.PrivateMail }},
		"text": {Notifier: w.phone.Text(), To: func(a bot.Account) string {
			number, _ := plan.Read(a.Mobile)
			return number
		}},
	}
}

func (w *world) start() {
	w.t.Helper()
	var err error
	if w.bot, err = bot.New(w.config); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.stop, w.ran = cancel, make(chan error, 1)
	b, ran := w.bot, w.ran
	go func() { ran <- b.Run(ctx) }()
}

// close stops the bot and waits for it.
func (w *world) close() {
	w.t.Helper()
	if w.stop == nil {
		return
	}
	w.stop()
	w.stop = nil
	if err := <-w.ran; err != nil {
		w.t.Error(err)
	}
}

// restart stops the bot, and starts another on the same store.
func (w *world) restart() {
	w.close()
	w.start()
}

func (w *world) setFault(op string, f people.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault[op] = f
}

// settle lets everything happen that happens by itself within a moment.
func (w *world) settle() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

// receive hands a message to the bot as an adapter would.
func (w *world) receive(m bot.Incoming) {
	w.t.Helper()
	if m.From.Locale == "" {
		m.From.Locale = "nl"
	}
	m.From.Asker = m.From.User.String()
	if err := w.bot.Receive(context.Background(), m); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
}

func (w *world) say(user conversation.User, text string) {
	w.t.Helper()
	w.receive(bot.Incoming{
		Kind: conversation.Said, From: conversation.Origin{User: user}, Text: conversation.NewSecret(text),
	})
}

// submit types a new password into its form.
func (w *world) submit(user conversation.User, password string) {
	w.t.Helper()
	w.fill(user, map[conversation.Field]conversation.Secret{
		conversation.FieldPassword: conversation.NewSecret(password),
		conversation.FieldConfirm:  conversation.NewSecret(password),
	})
}

// fill fills in a one-time page, as somebody who sees the chat.
func (w *world) fill(user conversation.User, fields map[conversation.Field]conversation.Secret) {
	w.t.Helper()
	page := w.chat.last(user).Page
	if page.Entry != nil {
		fields[conversation.FieldWord] = conversation.NewSecret(strconv.Itoa(page.Entry.Asks))
	}
	w.receive(bot.Incoming{
		Kind: conversation.Filled, From: conversation.Origin{User: user}, Token: page.Token, Fields: fields,
	})
}

func (w *world) state(user conversation.User) conversation.State {
	w.t.Helper()
	c, err := w.store.Conversation(context.Background(), user)
	if err != nil {
		w.t.Fatal(err)
	}
	return c.State
}

func (w *world) on(user conversation.User, want conversation.State) {
	w.t.Helper()
	if got := w.state(user); got != want {
		w.t.Fatalf("on %s, want %s; log:\n%s", got, want, w.log)
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
		if entries[i].Kind == phone.KindSMS && entries[i].Code != "" {
			return entries[i].Code
		}
	}
	w.t.Fatalf("no text message came for %s; log:\n%s", name, w.log)
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

// newApp is what the app shows that is being enrolled.
func (w *world) newApp(user conversation.User) string {
	w.t.Helper()
	c, err := w.store.Conversation(context.Background(), user)
	if err != nil || c.Enrol.ID == "" {
		w.t.Fatalf("nothing is being enrolled (%v)", err)
	}
	code, err := totp.Code(keys.AppSecret(c.Enrol.ID), time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return code.Reveal()
}

// act does something with what waits on the telephone.
func (w *world) act(name string, a phone.Action) {
	w.t.Helper()
	number := w.number(name)
	entries, err := w.phone.List(context.Background(), number)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].State == phone.Waiting {
			if _, err := w.phone.Act(context.Background(), number, entries[i].ID, a); err != nil {
				w.t.Fatal(err)
			}
			w.settle()
			return
		}
	}
	w.t.Fatalf("nothing waits on the telephone of %s", name)
}

func (w *world) captcha(user conversation.User) string {
	c, err := w.store.Conversation(context.Background(), user)
	if err != nil {
		w.t.Fatal(err)
	}
	return keys.CaptchaAnswer(c.Captcha.ID).Reveal()
}

func (w *world) signIn(name, password string) bool {
	w.t.Helper()
	ok, err := w.people.VerifyPassword(context.Background(), w.person(name).ID, conversation.NewSecret(password))
	if err != nil {
		w.t.Fatal(err)
	}
	return ok
}

var receipt = regexp.MustCompile(`[A-Z2-9]{4}-[A-Z2-9]{4}`)

// render is a page as a person reads it, with what differs each time masked.
func (w *world) render(m bot.Outgoing) string {
	text, err := w.words.Render(m.Locale, m.State, m.Page, time.Now())
	if err != nil {
		w.t.Errorf("rendering %s: %v", m.Page.ID, err)
	}
	page := receipt.ReplaceAllString(text.String(), "RRRR-RRRR")
	if m.Page.ID == conversation.WaitPush {
		page = strings.ReplaceAll(page, ": "+m.Page.Args.Digits, ": NN")
	}
	return fmt.Sprintf("[%s]\n%s", m.Page.ID, page)
}

var nurse, stranger = conversation.User{Chat: "web", ID: "1"}, conversation.User{Chat: "web", ID: "2"}
