package bot_test

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	people "resetbot/adapters/directory/demo"
	"resetbot/adapters/store/bolt"
	phone "resetbot/adapters/verification/demo"
	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/conversation"
)

// siege is a world that is attacked from outside: on either store, through any
// chat, by any asker. It keeps every page with its moment, counts what reaches
// the directory and the telephones, and lets both fail.
type siege struct {
	*world
	path  string            // of the bolt store's folder; empty: the store is in memory
	bolt  *bolt.Store       // nil with it
	staff *people.Directory // nil: the made-up hospital's own

	began    time.Time
	patience time.Duration              // how much longer than usual each input is given
	origin   func(*conversation.Origin) // what else the chat says of where people are

	mu       sync.Mutex
	seen     []seen
	done     map[string]int                                 // by "judged sms", "sent push", "reset", …
	looked   []string                                       // names that the directory was asked for
	alter    func(*bot.Account)                             // what the directory says of an account
	outside  func(what string, c bot.Challenge) error       // before anything is sent or judged
	pages    map[conversation.User][]conversation.MessageID // that were said
	rendered map[string]string                              // of pages, once they were rendered
}

// seen is a page as it was sent.
type seen struct {
	after time.Duration // since the siege began
	page  bot.Outgoing
}

// setup alters a siege and its bot's configuration before the bot starts.
type setup func(testing.TB, *siege, *bot.Config)

// newSiege starts a bot; each change may alter its configuration first.
func newSiege(t testing.TB, changes ...setup) *siege {
	t.Helper()
	s := &siege{
		began: time.Now(), done: map[string]int{}, rendered: map[string]string{},
		pages: map[conversation.User][]conversation.MessageID{},
	}
	s.world = newWorld(t, func(c *bot.Config) {
		watched := watchedChat{c.Chats["web"], s}
		c.Chats = map[string]bot.Chat{"web": watched, "kiosk": watched, "teams": watched}
		for method, verifier := range c.Verifiers {
			c.Verifiers[method] = watchedVerifier{verifier, s, string(method)}
		}
		for _, change := range changes {
			change(t, s, c)
		}
		c.Directory = watchedDirectory{c.Directory, s}
	})
	if s.staff != nil {
		s.people = s.staff
	}
	return s
}

// onBolt puts the store into a real file.
func onBolt(t testing.TB, s *siege, c *bot.Config) {
	s.path = t.TempDir()
	s.open(c)
	t.Cleanup(func() { // after the bot's own
		if err := s.bolt.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (s *siege) open(c *bot.Config) {
	file := bolt.Options{Path: filepath.Join(s.path, "resetbot.db"), KeysFile: filepath.Join(s.path,
		"resetbot.key")}
	store, err := bolt.Open(file)
	if err != nil {
		panic(err)
	}
	s.bolt = store
	c.Store, c.Limiter, c.AuditKey = store, store, store.Keys().Audit()
	c.Wizard.Keys = store.Keys().Wizard()
	c.HeadFile = filepath.Join(s.path, "resetbot.key.head")
}

// again stops the bot and starts another, on a store that is opened anew where
// it is a file.
func (s *siege) again() {
	s.t.Helper()
	s.close()
	if s.bolt != nil {
		if err := s.bolt.Close(); err != nil {
			s.t.Fatal(err)
		}
		s.open(&s.config)
	}
	s.start()
	s.settle()
}

// policy alters the numbers of the wizard.
func policy(change func(*conversation.Policy)) setup {
	return func(_ testing.TB, _ *siege, c *bot.Config) { change(&c.Wizard.Policy) }
}

// manyBegin lets any number of conversations begin, so that only the counter
// of proofs is left to stop anybody.
func manyBegin(p *conversation.Policy) {
	p.Begun.N, p.BegunAsker.N, p.Accounts.N = 1000, 1000, 1000
}

// watchedChat keeps what is sent.
type watchedChat struct {
	bot.Chat
	s *siege
}

func (c watchedChat) Send(ctx context.Context, m bot.Outgoing) (bot.Sent, error) {
	sent, err := c.Chat.Send(ctx, m)
	if sent.Result == conversation.Delivered {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		c.s.seen = append(c.s.seen, seen{time.Since(c.s.began), m})
		c.s.pages[m.User] = append(c.s.pages[m.User], m.Page.ID)
	}
	return sent, err
}

// watchedVerifier counts what is sent and judged, and fails when it is told to.
type watchedVerifier struct {
	bot.Verifier
	s      *siege
	method string
}

func (v watchedVerifier) Challenge(ctx context.Context, c bot.Challenge) error {
	if err := v.s.before("sent "+v.method, c); err != nil {
		return err
	}
	return v.Verifier.Challenge(ctx, c)
}

func (v watchedVerifier) Check(
	ctx context.Context, c bot.Challenge, answer conversation.Secret,
) (bot.Judgement, error) {
	if err := v.s.before("judged "+v.method, c); err != nil {
		return bot.Judgement{}, err
	}
	return v.Verifier.Check(ctx, c, answer)
}

// before counts, and lets the world outside fail.
func (s *siege) before(what string, c bot.Challenge) error {
	s.mu.Lock()
	s.done[what]++
	fail := s.outside
	s.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(what, c)
}

// fails has everything fail that is sent or judged, until it is called with nil.
func (s *siege) fails(outside func(what string, c bot.Challenge) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outside = outside
}

var errOutside = errors.New("the provider answered 500")

func broken(string, bot.Challenge) error { return errOutside }

// watchedDirectory counts what is asked and written.
type watchedDirectory struct {
	bot.Directory
	s *siege
}

func (d watchedDirectory) Find(ctx context.Context, q bot.Query) (bot.Account, bool, error) {
	account, found, err := d.Directory.Find(ctx, q)
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if q.Name != "" {
		d.s.looked = append(d.s.looked, q.Name)
	}
	if d.s.alter != nil && found {
		d.s.alter(&account)
	}
	return account, found, err
}

func (d watchedDirectory) Reset(
	ctx context.Context, id conversation.AccountID, password conversation.Secret,
) (bot.Write, error) {
	d.s.mu.Lock()
	d.s.done["reset"]++
	d.s.mu.Unlock()
	return d.Directory.Reset(ctx, id, password)
}

// alters changes what the directory says of every account.
func (s *siege) alters(change func(*bot.Account)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alter = change
}

// count is how often something was done whose name begins so.
func (s *siege) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for name, times := range s.done {
		if strings.HasPrefix(name, what) {
			n += times
		}
	}
	return n
}

// counted fails the test if something was not done exactly so often.
func (s *siege) counted(what string, want int) {
	s.t.Helper()
	if got := s.count(what); got != want {
		s.t.Errorf("%s: %d times, want %d", what, got, want)
	}
}

// told reports whether user was ever sent a page.
func (s *siege) told(user conversation.User, id conversation.MessageID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, page := range s.pages[user] {
		if page == id {
			return true
		}
	}
	return false
}

func (s *siege) conversation(user conversation.User) conversation.Conversation {
	s.t.Helper()
	c, err := s.config.Store.Conversation(context.Background(), user)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// state is as in world, on either store.
func (s *siege) state(user conversation.User) conversation.State { return s.conversation(user).State }

// on fails the test when user is elsewhere.
func (s *siege) on(user conversation.User, want conversation.State) {
	s.t.Helper()
	if got := s.state(user); got != want {
		s.t.Fatalf("%s is on %s, want %s; last page:\n%s\nlog:\n%s", user, got, want, s.page(user), s.log)
	}
}

// captcha is as in world, on either store.
func (s *siege) captcha(user conversation.User) string {
	return s.config.Wizard.Keys.CaptchaAnswer(s.conversation(user).Captcha.ID).Reveal()
}

// page is the newest page of user, in words.
func (s *siege) page(user conversation.User) string { return s.render(s.chat.last(user)) }

// saw fails the test if the newest page of user is another one.
func (s *siege) saw(user conversation.User, want conversation.MessageID) {
	s.t.Helper()
	if got := s.chat.last(user).Page.ID; got != want {
		s.t.Fatalf("%s sees %s, want %s:\n%s", user, got, want, s.page(user))
	}
}

// noted reports whether the newest page of user has a note.
func (s *siege) noted(user conversation.User, id conversation.MessageID) bool {
	for _, note := range s.chat.last(user).Page.Notes {
		if note.ID == id {
			return true
		}
	}
	return false
}

// said is a text as an adapter hands it over.
func said(user conversation.User, text string) bot.Incoming {
	return bot.Incoming{
		Kind: conversation.Said, Text: conversation.NewSecret(text),
		From: conversation.Origin{User: user, Locale: "nl", Asker: user.String()},
	}
}

// pressed is a button of the page that user sees.
func (s *siege) pressed(user conversation.User, choice conversation.Choice) bot.Incoming {
	m := said(user, "")
	m.Kind, m.Choice, m.Token = conversation.Pressed, choice, s.chat.last(user).Page.Token
	return m
}

// filled is the form of the page that user sees, with a password in it.
func (s *siege) filled(user conversation.User, password string) bot.Incoming {
	page := s.chat.last(user).Page
	m := said(user, "")
	m.Kind, m.Token = conversation.Filled, page.Token
	m.Fields = map[conversation.Field]conversation.Secret{
		conversation.FieldPassword: conversation.NewSecret(password),
		conversation.FieldConfirm:  conversation.NewSecret(password),
	}
	if page.Entry != nil {
		m.Fields[conversation.FieldWord] = conversation.NewSecret(strconv.Itoa(page.Entry.Asks))
	}
	return m
}

// send hands a message over and gives what the adapter would be told.
func (s *siege) send(m bot.Incoming) error {
	err := s.bot.Receive(context.Background(), m)
	s.settle()
	return err
}

// atOnce hands messages over at the same instant.
func (s *siege) atOnce(messages ...bot.Incoming) {
	s.t.Helper()
	var all sync.WaitGroup
	begin := make(chan struct{})
	for _, m := range messages {
		all.Go(func() {
			<-begin
			if err := s.bot.Receive(context.Background(), m); err != nil {
				s.t.Error(err)
			}
		})
	}
	synctest.Wait()
	close(begin)
	all.Wait()
	s.settle()
}

// walk plays what user types, about the account called name. In braces is what
// is only known on the way: {captcha}; {other}, a name that nobody has; {number}, a wrong one that ends as the
// page says; {right}, the account's own, or else a wrong one; {sms}, {app}. What
// begins with "!" is done outside the chat; there, what cannot be done is not.
func (s *siege) walk(user conversation.User, name string, inputs ...string) {
	s.t.Helper()
	for _, input := range inputs {
		if rest, ok := strings.CutPrefix(input, "! "); ok {
			s.outdoors(user, name, rest)
		} else {
			s.say(user, s.fill(user, name, input))
		}
		time.Sleep(s.patience)
		synctest.Wait()
	}
}

func (s *siege) fill(user conversation.User, name, input string) string {
	wrong := "06543210" + s.conversation(user).Subject.Digits
	for mark, value := range map[string]func() string{
		"{name}": func() string { return name }, "{other}": func() string { return "not." + name },
		"{captcha}": func() string { return s.captcha(user) },
		"{number}":  func() string { return wrong },
		"{right}":   func() string { return cmp.Or(s.usable(name), wrong) },
		"{sms}":     func() string { return s.sms(name) }, "{app}": func() string { return s.app(name) },
	} {
		if strings.Contains(input, mark) {
			input = strings.ReplaceAll(input, mark, value())
		}
	}
	return input
}

// usable is the number of an account, as the directory has it now, if it may be
// texted and called.
func (s *siege) usable(name string) string {
	p := s.find(name)
	if p == nil {
		return ""
	}
	account := bot.Account{UPN: p.UPN, Mobile: p.Mobile}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alter != nil {
		s.alter(&account)
	}
	number, _ := s.config.Wizard.Numbers.Read(account.Mobile)
	return number
}

// find is the person who is called so, if there is one.
func (s *siege) find(name string) *people.Person {
	for _, p := range s.people.People() {
		if before, _, _ := strings.Cut(p.UPN, "@"); before == name {
			return &p
		}
	}
	return nil
}

// outdoors does what is done outside the chat.
func (s *siege) outdoors(user conversation.User, name, what string) {
	s.t.Helper()
	verb, rest, _ := strings.Cut(what, " ")
	switch verb {
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(d)
		s.settle()
	case "restart":
		s.again()
	case "fault":
		s.setFault(rest, people.Fault{Unreachable: true})
	case "well":
		s.setFault(rest, people.Fault{})
	default:
		s.handle(user, name, what)
		s.settle()
	}
}

// handle does something with the telephone.
func (s *siege) handle(user conversation.User, name, what string) {
	s.t.Helper()
	verb, rest, _ := strings.Cut(what, " ")
	switch verb {
	case "press":
		s.touch(name, phone.Press(rest))
	case "hangup":
		s.touch(name, phone.Hangup())
	case "deny":
		s.touch(name, phone.Deny())
	case "approve":
		s.touch(name, phone.Approve(cmp.Or(rest, s.conversation(user).Page.Args.Digits)))
	default:
		s.t.Fatalf("nobody knows how to %q", what)
	}
}

// touch does something with the newest thing that waits on the telephone, if
// there is one with which that can be done.
func (s *siege) touch(name string, a phone.Action) {
	s.t.Helper()
	var newest phone.Entry
	for _, e := range s.entries(name) {
		if e.State == phone.Waiting {
			newest = e
		}
	}
	if newest.ID == "" {
		return
	}
	_, err := s.phone.Act(context.Background(), newest.Number, newest.ID, a)
	if err != nil && !errors.Is(err, phone.ErrUnfit) {
		s.t.Fatal(err)
	}
}

// entries are what is on the telephone of somebody, if they have one.
func (s *siege) entries(name string) []phone.Entry {
	s.t.Helper()
	p := s.find(name)
	if p == nil {
		return nil
	}
	number, _ := s.config.Wizard.Numbers.Read(p.Mobile)
	if number == "" {
		number = p.UPN
	}
	entries, err := s.phone.List(context.Background(), number)
	if err != nil {
		s.t.Fatal(err)
	}
	return entries
}

// lines is the audit.
func (s *siege) lines() []conversation.Line {
	s.t.Helper()
	var lines []conversation.Line
	err := s.config.Store.Lines(context.Background(), 1, func(e bot.Entry) error {
		lines = append(lines, e.Line)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return lines
}

// events is how many lines of the audit tell of an event.
func (s *siege) events(event string) int {
	n := 0
	for _, line := range s.lines() {
		if line.Event == event {
			n++
		}
	}
	return n
}

// visitor is person number n of the web chat.
func visitor(n int) conversation.User {
	return conversation.User{Chat: "web", ID: "v" + strconv.Itoa(n)}
}

// The ways to the pages.
var (
	toChoice   = []string{"wachtwoord vergeten", "{name}", "{captcha}"}
	toNumber   = then(toChoice, "1")
	toCode     = then(toChoice, "4")
	toSMS      = then(toNumber, "{right}")
	toStep2    = then(toSMS, "{sms}")
	toPassword = then(toStep2, "4", "{app}")
)

// then is a way that goes on.
func then(way []string, more ...string) []string { return slices.Concat(way, more) }

const newPassword = "kaars-molen-fiets-tafel"

// staff has other people in the directory; the built-in ones where file is
// empty. What is enrolled is kept in the store.
func staff(file string) setup {
	return func(t testing.TB, s *siege, c *bot.Config) {
		var err error
		s.staff, err = people.Open(file, people.Options{
			State: filepath.Join(t.TempDir(), "people.state"),
			Cost:  people.Cost{Time: 1, Memory: 64, Threads: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.staff.Close() })
		kept := c.Authenticators
		if s.bolt != nil {
			kept = opened{s}
		}
		c.Directory, c.Authenticators = s.staff, s.staff.Authenticators(kept)
		c.Verifiers[conversation.Code] = watchedVerifier{
			totp.New(totp.Options{Authenticators: c.Authenticators}), s, string(conversation.Code),
		}
	}
}

// opened is the store's own authenticators, also after it was opened anew.
type opened struct{ s *siege }

func (o opened) Enrolled(ctx context.Context, id conversation.AccountID) ([]bot.Authenticator, error) {
	return o.s.bolt.Enrolled(ctx, id)
}

func (o opened) Enrol(ctx context.Context, id conversation.AccountID, a bot.Authenticator) error {
	return o.s.bolt.Enrol(ctx, id, a)
}

func (o opened) Remove(ctx context.Context, id conversation.AccountID, device string) error {
	return o.s.bolt.Remove(ctx, id, device)
}

// receiveFrom is receive with the asker that the message has.
func (s *siege) receiveFrom(m bot.Incoming) {
	s.t.Helper()
	if err := s.send(m); err != nil {
		s.t.Fatal(err)
	}
}
