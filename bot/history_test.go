package bot_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/adapters/numberplan"
	"resetbot/adapters/seal"
	"resetbot/adapters/store/bolt"
	"resetbot/adapters/store/memory"
	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// historySeed is the first seed: another one plays other schedules.
var historySeed = flag.Uint64("history.seed", 1, "the first seed of TestHistory")

// historyNarrate prints the whole history of a schedule that broke a rule.
var historyNarrate = flag.Bool("history.narrate", false, "print histories that broke a rule")

// histories is how many schedules are played by default: with the race detector about a
// minute's worth on two cores.
const histories = 150

// TestHistory plays random schedules: people in their own chats, strangers who
// are after the same accounts, telephones that answer wrongly, late or never, a
// directory that loses what it is asked, processes that die between any two
// things they do, and hours that pass. Everything observable is written down,
// and a checker that knows the rules and not the wizard proves that they held.
//
// A schedule in fifty has fifty people; the others have a few, who meet more
// often. One in a hundred is played on a real file. RESETBOT_HISTORIES=n plays
// n, -history.seed=n begins with another one, and `-run 'TestHistory/seed=7$'` plays
// one again: the same people decide the same, as far as goroutines may be repeated.
func TestHistory(t *testing.T) {
	n := histories
	if text := os.Getenv("RESETBOT_HISTORIES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("RESETBOT_HISTORIES: %v", err)
		}
	}
	if testing.Short() {
		n = min(n, 50)
	}
	sum := &tally{count: map[string]int{}}
	t.Cleanup(func() { // when all are over
		t.Logf("%d schedules: %s", sum.played, sum)
		if sum.played >= histories {
			sum.reached(t)
		}
	})
	for seed := *historySeed; seed < *historySeed+uint64(n); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { playAndCheck(t, seed, sum) })
		})
	}
}

func playAndCheck(t *testing.T, seed uint64, sum *tally) {
	p := newSchedule(t, seed)
	p.play()
	p.recover()
	found := check(p.witnesses())
	for i, fault := range found {
		if i == 5 {
			t.Errorf("seed %d: and %d more", seed, len(found)-i)
			break
		}
		t.Errorf("seed %d: %s", seed, fault)
	}
	if *historyNarrate && len(found) > 0 {
		t.Log(narrate(p.o.history))
	}
	sum.add(p.o.history)
}

// tally counts what came about in all schedules: rules that are never put to the
// test prove nothing.
type tally struct {
	mu     sync.Mutex
	played int
	count  map[string]int
}

func (s *tally) add(history []happening) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.played++
	ended := map[string]bool{}
	for _, h := range history {
		name := strings.TrimPrefix(fmt.Sprintf("%T", h.What), "bot_test.")
		s.count[name]++
		switch what := h.What.(type) {
		case judged:
			s.count["judged "+string(what.Judgement.Verdict)]++
		case committed:
			if c := what.Change.Conversation; c.State.Over() && !ended[c.ID] {
				ended[c.ID] = true
				s.count["ended "+string(c.State)]++
			}
		}
	}
}

func (s *tally) String() string {
	var text strings.Builder
	for _, name := range sorted(s.count) {
		fmt.Fprintf(&text, "\n%8d %s", s.count[name], name)
	}
	return text.String()
}

// reached fails where a part of the wizard was not played at all.
func (s *tally) reached(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"wrote", "kept", "disowned", "died", "challenged", "told",
		"judged right", "judged wrong", "judged none", "judged denied",
		"ended done", "ended enrolled", "ended locked", "ended displaced", "ended withdrawn", "ended expired",
		"ended cancelled", "ended secured", "ended denied",
	} {
		if s.count[name] == 0 {
			t.Errorf("never came about: %s", name)
		}
	}
}

// schedule is one seed's people, and the bot that they talk to.
type schedule struct {
	t      *testing.T
	seed   uint64
	rand   *rand.Rand
	o      *outside
	actors []*actor
	keys   conversation.Keys
	audit  conversation.Key
	reopen func() (bot.Store, bot.Limiter, bot.Authenticators) // a new process opens the store

	bot    *bot.Bot
	stop   context.CancelFunc
	ran    chan error
	inputs int
	sent   []bot.Incoming // for those that come again
}

// actor is a person, with what they know and have.
type actor struct {
	user    conversation.User
	bound   []conversation.Bound
	after   conversation.AccountID // whose account they are after
	phone   bool                   // they hold its owner's telephone
	app     bool                   // and its app
	number  bool                   // they know its number
	knows   bool                   // and its password
	careful float64                // how likely they do what the page asks
	goal    conversation.Choice
}

var (
	sharedWords = sync.OnceValues(func() (*words.Words, error) {
		return words.New(words.Options{Organisation: "Rijnzicht", Domains: []string{"rijnzicht.example"}})
	})
	sharedPlan = sync.OnceValues(func() (*numberplan.Plan, error) {
		return numberplan.New(numberplan.Options{Region: "NL", Countries: []string{"NL"}})
	})
	sharedLinks = sync.OnceValue(func() bot.Sealer { return seal.New().Sealer("links") })
)

func newSchedule(t *testing.T, seed uint64) *schedule {
	t.Helper()
	p := &schedule{t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 0)), keys: keys, audit: testKey(4)}
	p.o = &outside{
		seed: seed, drawn: map[string]uint64{}, people: map[conversation.AccountID]*employee{},
		ringing: map[string]*ringing{}, texts: map[string][]string{}, pages: map[conversation.User]bot.Outgoing{},
		links: map[conversation.AccountID]string{}, attempts: map[string]string{}, policy: conversation.DefaultPolicy(),
		lone: seed%3 != 0,
	}
	p.o.policy.Domains = []string{"rijnzicht.example"}
	p.openStore(seed%100 == 99)
	crowd := 2 + p.rand.IntN(5)
	if seed%50 == 0 {
		crowd = 50
	}
	p.hire(1 + crowd/3)
	for n := range crowd {
		p.actors = append(p.actors, p.actor(n))
	}
	p.start()
	return p
}

func (p *schedule) openStore(file bool) {
	if !file {
		store := memory.New(p.audit)
		p.reopen = func() (bot.Store, bot.Limiter, bot.Authenticators) { return store, store, store }
		return
	}
	dir, before := p.t.TempDir(), (*bolt.Store)(nil)
	p.reopen = func() (bot.Store, bot.Limiter, bot.Authenticators) {
		if before != nil {
			if err := before.Close(); err != nil {
				p.t.Error(err)
			}
		}
		store, err := bolt.Open(bolt.Options{
			Path: filepath.Join(dir, "resetbot.db"), KeysFile: filepath.Join(dir, "resetbot.key"),
		})
		if err != nil {
			p.t.Fatal(err)
		}
		before, p.keys, p.audit = store, store.Keys().Wizard(), store.Keys().Audit()
		return store, store, store
	}
	p.t.Cleanup(func() { _ = before.Close() })
}

// hire fills the directory: most may be reset, some have a young number or a
// young app, some no app at all, some may not be reset.
func (p *schedule) hire(n int) {
	now := time.Now()
	for i := range n {
		id := conversation.AccountID(fmt.Sprintf("account-%d", i))
		e := &employee{Account: bot.Account{
			ID: id, UPN: fmt.Sprintf("person%d@rijnzicht.example", i), Display: fmt.Sprintf("P. Erson %d", i),
			Mobile: fmt.Sprintf("06123%05d", 100+i), Locked: p.rand.IntN(4) == 0,
		}, password: fmt.Sprintf("the first password %d", i)}
		switch p.rand.IntN(12) {
		case 0:
			e.MobileSince = now.Add(-time.Hour)
		case 1:
			e.Reason = conversation.Disabled
		case 2:
			e.MobileSince = now.Add(-200 * time.Hour)
		}
		p.o.people[id], p.o.order = e, append(p.o.order, id)
	}
	_, _, apps := p.reopen()
	for i, id := range p.o.order {
		age := []time.Duration{
			0, 71*time.Hour + 50*time.Minute, 200 * time.Hour, 200 * time.Hour, 200 * time.Hour, 200 * time.Hour,
		}[p.rand.IntN(6)]
		if age == 0 {
			continue // no app
		}
		app := bot.Authenticator{
			ID: "first", Secret: keys.AppSecret(fmt.Sprintf("app %d", i)), Since: now.Add(-age),
		}
		if err := apps.Enrol(context.Background(), id, app); err != nil {
			p.t.Fatal(err)
		}
		p.o.people[id].secret = app.Secret
		p.o.record(kept{id, app})
	}
	for _, id := range p.o.order {
		p.o.record(altered{p.o.people[id].Account})
	}
}

// actor makes up a person: an owner in their own chat or at a ward's PC, or a
// stranger who has some of what it takes.
func (p *schedule) actor(n int) *actor {
	account := p.o.order[p.rand.IntN(len(p.o.order))]
	a := &actor{
		user: conversation.User{Chat: "web", ID: strconv.Itoa(n)}, after: account, careful: 0.95,
		goal: conversation.PickReset,
	}
	bind := func(id conversation.AccountID) {
		a.bound = append(a.bound, conversation.Bound{ID: id, UPN: p.o.people[id].UPN})
	}
	switch p.rand.IntN(6) {
	case 0, 1: // their own chat
		a.user.Chat, a.phone, a.app, a.number, a.knows = "teams", true, true, true, true
		bind(account)
	case 2: // two accounts
		a.user.Chat, a.phone, a.app, a.number = "slack", true, true, true
		bind(account)
		if other := p.o.order[p.rand.IntN(len(p.o.order))]; other != account {
			bind(other)
		}
	case 3, 4: // the owner at a ward's PC
		a.phone, a.app, a.number, a.knows = true, true, true, true
	case 5:
		a.phone, a.app, a.number, a.careful = p.rand.IntN(2) == 0, p.rand.IntN(3) == 0, p.rand.IntN(3) > 0, 0.8
	}
	switch p.rand.IntN(6) {
	case 0:
		a.goal = conversation.PickUnlock
	case 1, 2:
		if len(a.bound) > 0 {
			a.goal = conversation.PickEnrol
		}
	}
	return a
}

// start begins a process on the store that there is.
func (p *schedule) start() {
	p.t.Helper()
	o := p.o
	store, limiter, apps := p.reopen()
	o.mu.Lock()
	o.store, o.apps, o.life = store, apps, &life{gone: make(chan struct{})}
	l := o.life
	o.mu.Unlock()
	w, err := sharedWords()
	if err != nil {
		p.t.Fatal(err)
	}
	plan, err := sharedPlan()
	if err != nil {
		p.t.Fatal(err)
	}
	enroller, err := totp.NewEnroller("Rijnzicht", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	phones, chat := telephones{o, l}, seenChat{o, l}
	p.bot, err = bot.New(bot.Config{
		Wizard: &conversation.Wizard{Policy: o.policy, Keys: p.keys, Numbers: plan, Rules: sixteen{}},
		Words:  w, Store: seenStore{store, o, l}, Limiter: limiter, Directory: staffDirectory{o, l},
		Authenticators: seenApps{o, l}, Enroller: seenEnroller{enroller, o}, Painter: painter{},
		Verifiers: map[conversation.Method]bot.Verifier{
			conversation.SMS: phones, conversation.Call: phones, conversation.Push: phones,
			conversation.Code: seenApp{totp.New(totp.Options{
				Authenticators: seenApps{o, l}, WaitingTime: o.policy.WaitingTime,
			}), o, l},
		},
		Channels: map[string]bot.Channel{"mail": {
			Notifier: mailbox{o, l}, To: func(a bot.Account) string { return a.UPN },
		}},
		Chats:    map[string]bot.Chat{"web": chat, "teams": chat, "slack": chat},
		AuditKey: p.audit, Links: sharedLinks(), PublicURL: "https://resetbot.example",
	})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.stop, p.ran = cancel, make(chan error, 1)
	b, ran := p.bot, p.ran
	go func() { ran <- b.Run(ctx) }()
}

// end lets the process come to its end: killed, or asked to.
func (p *schedule) end(kill bool) {
	if kill {
		p.o.life.end()
	}
	p.stop()
	<-p.ran
}

// play lets people do what they do until the schedule is over.
func (p *schedule) play() {
	for range 30 * len(p.actors) {
		if p.o.life.dead() || p.rand.IntN(200) == 0 {
			p.end(p.rand.IntN(3) > 0)
			if p.rand.IntN(12) == 0 {
				time.Sleep(time.Duration(p.rand.IntN(30)) * time.Hour)
			}
			p.start()
		}
		p.act(p.actors[p.rand.IntN(len(p.actors))])
		p.pass()
	}
}

// pass lets time pass: mostly as long as people need, now and then long enough
// for something to be over.
func (p *schedule) pass() {
	scale := time.Duration(len(p.actors))
	switch p.rand.IntN(60) {
	case 0:
		time.Sleep(time.Duration(p.rand.IntN(300)) * time.Second / max(1, scale/5))
	case 1:
		time.Sleep(31 * time.Second)
	case 4, 5, 6, 7, 8, 9, 10, 11, 12, 13:
		// the next one at the same instant
	default:
		time.Sleep(time.Duration(p.rand.IntN(12000)) * time.Millisecond / max(1, scale/2))
		synctest.Wait()
	}
}

// recover mends everything, and lets the bot bring to an end what it can.
func (p *schedule) recover() {
	p.o.mu.Lock()
	p.o.well = true
	p.o.mu.Unlock()
	if p.o.life.dead() {
		p.end(true)
		p.start()
	}
	time.Sleep(40 * time.Minute)
	synctest.Wait()
	p.end(false)
}

// act is one thing that one person does.
func (p *schedule) act(a *actor) {
	switch p.rand.IntN(40) {
	case 0, 1: // what was said comes again, with its id or a new one
		if len(p.sent) == 0 {
			return
		}
		back := min(len(p.sent), 1+p.rand.IntN(40))
		m := p.sent[len(p.sent)-back]
		if p.rand.IntN(2) == 0 {
			m.Event = p.event()
		}
		p.receive(m)
	case 2: // two at the same moment
		first, second := p.answer(a), p.answer(a)
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.receive(first)
		}()
		p.receive(second)
		<-done
	case 3:
		p.disown(a)
	case 4:
		p.alter()
	default:
		p.pickUp()
		if seen := p.o.page(a.user); seen.State.Over() && p.rand.IntN(8) > 0 {
			return // whose conversation is over does not begin at once again
		}
		p.receive(p.answer(a))
	}
}

// pickUp answers what rings, rightly or not, in time or not.
func (p *schedule) pickUp() {
	for _, r := range p.o.waiting() {
		switch p.rand.IntN(30) {
		case 0:
			r.answer <- conversation.DeniedByMe
		case 1:
			r.answer <- conversation.WrongOne
		case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13:
			r.answer <- conversation.Right
		}
	}
}

// disown has the owner press the button in the newest notice.
func (p *schedule) disown(a *actor) {
	p.o.mu.Lock()
	link := p.o.links[a.after]
	p.o.mu.Unlock()
	if link == "" || !a.knows || p.rand.IntN(4) > 0 {
		return
	}
	n, ok, err := p.bot.Disown(context.Background(), path.Base(link), "owner of "+string(a.after))
	if ok && err == nil {
		p.o.record(disowned{n.Account, n.Conversation})
	}
}

// alter is what human resources do meanwhile.
func (p *schedule) alter() {
	if p.rand.IntN(20) > 0 {
		return
	}
	id := p.o.order[p.rand.IntN(len(p.o.order))]
	p.o.mu.Lock()
	e := p.o.people[id]
	switch p.rand.IntN(3) {
	case 0:
		e.Reason = conversation.Disabled
	case 1:
		e.Reason = conversation.Eligible
	case 2:
		e.Mobile, e.MobileSince = fmt.Sprintf("06123%05d", 50000+p.rand.IntN(40000)), time.Now()
	}
	account := e.Account
	p.o.mu.Unlock()
	p.o.record(altered{account})
}

func (p *schedule) event() string { return fmt.Sprint("event ", p.rand.Uint64()) }

// receive hands a message in as an adapter does, which hands in again what was
// not acknowledged.
func (p *schedule) receive(m bot.Incoming) {
	p.o.mu.Lock()
	p.inputs++
	id := p.inputs
	p.sent = append(p.sent, m)
	p.o.mu.Unlock()
	b := p.bot
	err := b.Receive(context.WithValue(context.Background(), inputKey{}, id), m)
	p.o.record(received{id, m.From.User, m.Event, m.From.Bound, err == nil})
}

// answer is what a person says to the page that they see.
func (p *schedule) answer(a *actor) bot.Incoming {
	m := bot.Incoming{
		Kind: conversation.Said, Event: p.event(),
		From: conversation.Origin{User: a.user, Asker: a.user.String(), Locale: "nl", Bound: a.bound},
	}
	seen := p.o.page(a.user)
	m.Token = seen.Page.Token
	if p.rand.Float64() > a.careful {
		p.stray(&m, seen)
		return m
	}
	p.sensible(a, &m, seen)
	return m
}

// stray is what nobody asked for.
func (p *schedule) stray(m *bot.Incoming, seen bot.Outgoing) {
	stray := []conversation.Choice{
		conversation.PickBack, conversation.PickHelp, conversation.PickDesk, conversation.PickEnglish,
		conversation.PickMethod, conversation.PickResend, conversation.PickLink, conversation.PickName,
		conversation.PickCancel, conversation.PickAgain, conversation.PickLostPhone,
	}
	m.Kind = conversation.Pressed
	switch n := p.rand.IntN(18); {
	case n < 8:
		m.Choice = stray[n]
	case n == 8: // what ends all is rarer
		m.Choice = stray[8+p.rand.IntN(3)]
	case n < 12 && len(seen.Page.Offers) > 0:
		m.Choice = seen.Page.Offers[p.rand.IntN(len(seen.Page.Offers))].Choice
		if m.Choice == conversation.PickNoPhone || m.Choice == conversation.PickCancel {
			m.Choice = conversation.PickHelp
		}
	case n == 12:
		m.Choice, m.Token = conversation.PickBack, "forged"
	case n == 13:
		m.Kind = conversation.Arrived
	default:
		m.Kind = conversation.Said
		m.Text = conversation.NewSecret([]string{
			"hallo", "1", "2", "4", "123456", "ja", "0612300100", "help", "een wachtwoord in de chat",
		}[p.rand.IntN(9)])
	}
}

// sensible is what the page asks for, as far as the person knows it.
func (p *schedule) sensible(a *actor, m *bot.Incoming, seen bot.Outgoing) {
	press := func(c conversation.Choice) { m.Kind, m.Choice = conversation.Pressed, c }
	fill := func(fields ...any) {
		m.Kind, m.Fields = conversation.Filled, map[conversation.Field]conversation.Secret{}
		for i := 0; i < len(fields); i += 2 {
			m.Fields[fields[i].(conversation.Field)] = conversation.NewSecret(fields[i+1].(string))
		}
		if entry := seen.Page.Entry; entry != nil {
			m.Fields[conversation.FieldWord] = conversation.NewSecret(strconv.Itoa(entry.Asks))
		}
	}
	page := seen.Page
	switch page.ID {
	case conversation.AskOwn:
		press(page.Offers[p.rand.IntN(max(1, len(page.Offers)-1))].Choice)
	case conversation.AskWho, conversation.AskCaptcha:
		answer := "WRONG"
		if page.Media != nil && p.rand.IntN(15) > 0 {
			answer = p.keys.CaptchaAnswer(page.Media.ID).Reveal()
		}
		name, _, _ := strings.Cut(p.o.people[a.after].UPN, "@")
		if p.rand.IntN(20) == 0 {
			name = "nobody"
		}
		fill(conversation.FieldName, name, conversation.FieldCaptcha, answer)
	case conversation.AskMethod, conversation.AskEnrolMethod:
		press([]conversation.Choice{
			conversation.PickSMS, conversation.PickCall, conversation.PickPush, conversation.PickCode,
			conversation.PickSMS, conversation.PickCode,
		}[p.rand.IntN(6)])
	case conversation.AskNumber:
		fill(conversation.FieldNumber, p.typedNumber(a, page.Args.Digits))
	case conversation.AskSMSCode:
		fill(conversation.FieldCode, p.smsCode(a))
	case conversation.AskAppCode:
		fill(conversation.FieldCode, p.appCode(a))
	case conversation.AskPassword:
		password := fmt.Sprintf("a new password %d", p.rand.Uint64())
		if p.rand.IntN(12) == 0 {
			password = "short"
		}
		p.o.mu.Lock()
		p.o.attempts[password] = a.user.String()
		p.o.mu.Unlock()
		fill(conversation.FieldPassword, password, conversation.FieldConfirm, password)
	case conversation.AskCurrent:
		fill(conversation.FieldCurrent, p.current(a))
	case conversation.AskScan:
		code, _ := totp.Code(p.keys.AppSecret(page.Media.ID), time.Now())
		fill(conversation.FieldCode, code.Reveal())
	case conversation.WaitCall, conversation.WaitPush, conversation.WaitCheck, conversation.WaitChange,
		conversation.WaitFind, conversation.WaitUnknown, conversation.WaitUnlock, conversation.WaitEnrol:
		m.Kind = conversation.Arrived
	default: // the beginning, or an end
		press(a.goal)
		if page.ID != conversation.AskStart {
			m.Kind, m.Text = conversation.Said, conversation.NewSecret(map[conversation.Choice]string{
				conversation.PickReset: "wachtwoord vergeten", conversation.PickUnlock: "ontgrendelen",
				conversation.PickEnrol: "authenticator koppelen",
			}[a.goal])
		}
	}
}

func (p *schedule) typedNumber(a *actor, digits string) string {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	if !a.number || p.rand.IntN(12) == 0 {
		return "06543210" + digits
	}
	return p.o.people[a.after].Mobile
}

func (p *schedule) smsCode(a *actor) string {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	codes := p.o.texts["+31"+strings.TrimPrefix(p.o.people[a.after].Mobile, "0")]
	switch {
	case !a.phone || len(codes) == 0 || p.rand.IntN(12) == 0:
		return fmt.Sprintf("%06d", p.rand.IntN(1000000))
	case p.rand.IntN(12) == 0:
		return codes[p.rand.IntN(len(codes))] // perhaps an old one
	}
	return codes[len(codes)-1]
}

func (p *schedule) appCode(a *actor) string {
	secret := p.o.people[a.after].secret
	if !a.app || secret.Empty() || p.rand.IntN(12) == 0 {
		return fmt.Sprintf("%06d", p.rand.IntN(1000000))
	}
	code, err := totp.Code(secret, time.Now())
	if err != nil {
		p.t.Error(err)
	}
	return code.Reveal()
}

func (p *schedule) current(a *actor) string {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	if !a.knows || p.rand.IntN(10) == 0 {
		return "not the password"
	}
	return p.o.people[a.after].password
}

// witnesses gather what there is to check.
func (p *schedule) witnesses() evidence {
	e := evidence{history: p.o.history, policy: p.o.policy, attempts: p.o.attempts}
	ctx := context.Background()
	_, e.chain = bot.VerifyAudit(ctx, p.o.store, p.audit, "")
	err := p.o.store.Lines(ctx, 1, func(entry bot.Entry) error {
		e.lines = append(e.lines, entry.Line)
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return e
}
