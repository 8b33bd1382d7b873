package bot_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
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

// histories is how many schedules are played by default, beside all other tests and
// with the race detector; CI plays ten thousand more without it (.ci/run).
const histories = 100

// TestHistory plays random schedules: people in their own chats, strangers who
// are after the same accounts, messages that come twice or in another order,
// telephones that answer wrongly, late or never, a directory that loses what it
// is asked, processes that die between any two things they do, and days that
// pass. Everything observable is written down, and a checker that knows the
// rules and not the wizard proves that they held.
//
// RESETBOT_HISTORIES=n plays n, -history.seed=n begins with another one, and `-run
// 'TestHistory/seed=7$'` plays one again: the same people decide the same, as far
// as goroutines may be repeated. docs/security/history.md says what is proved.
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
	sum := newTally()
	t.Cleanup(func() { // when all are over
		t.Logf("%d schedules: %s", sum.played, sum)
		sum.reached(t)
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
	found, met := check(p.witnesses())
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
	sum.add(p.o.history, met)
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

	running []*process // one, or two that share the store
	lives   int        // processes that were started
	inputs  int
	typed   int       // messages that people sent
	sent    []message // for those that come again
	held    []message // on their way for long
	binders int       // people who can be bound
}

// process is one, while it lives.
type process struct {
	*life
	bot  *bot.Bot
	stop context.CancelFunc
	ran  chan error
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
	}
	p.running = make([]*process, 1)
	if seed%7 == 3 && seed%100 != 99 {
		p.running = make([]*process, 2)
	}
	p.o.lone = len(p.running) == 1 && seed%3 != 0
	p.o.policy.Domains = []string{"rijnzicht.example"}
	p.openStore()
	people, accounts := p.size()
	p.hire(accounts)
	for n := range people {
		p.actors = append(p.actors, p.actor(n))
	}
	if p.crowded() { // somebody tries one account after the other, and is quick
		thief := &actor{
			user: conversation.User{Chat: "web", ID: "thief"}, after: p.o.order[0], careful: 0.9,
			goal: conversation.PickReset, habit: wanders,
		}
		p.actors = append(p.actors, thief, thief, thief)
	}
	for i := range p.running {
		p.start(i)
	}
	return p
}

// size is how many people a schedule has, and how many accounts they are after.
//
// What breaks a rule is two or three things that meet: two people at one
// account, an answer and a kill, a reset and a try. Few people meet often, so
// most schedules have a few; each is short, so that thousands of beginnings and
// ends are played, and the same time gives a hundred of them for nine of fifty
// people. One in ten is a crowd at two to six accounts, and a thief, where proofs, locks,
// displacements and freezes of many hands pile up. One in fifty is a ward of
// fifty people at their own and their neighbours' accounts: what many do at the
// same instant (groups of ticks, notices, the sweeper's batches) is played there.
func (p *schedule) size() (people, accounts int) {
	switch {
	case p.seed%50 == 0:
		return 50, 17
	case p.crowded():
		return 5 + p.rand.IntN(7), 2 + p.rand.IntN(5)
	}
	people = 2 + p.rand.IntN(5)
	return people, 1 + people/3
}

// crowded is whether a schedule has more people than accounts by far.
func (p *schedule) crowded() bool { return p.seed%10 == 5 }

// openStore makes the store: in one schedule of ten the one in memory that writes
// and reads records as any other does, in one of a hundred one on a file, which
// each process opens anew; else one that keeps values as they are, which costs a
// third.
func (p *schedule) openStore() {
	switch {
	case p.seed%100 == 99:
	case p.seed%10 == 9:
		store := memory.New(p.audit)
		p.reopen = func() (bot.Store, bot.Limiter, bot.Authenticators) { return store, store, store }
		return
	default:
		store := newValues(p.audit)
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
			Mobile: fmt.Sprintf("06123%05d", 100+i), Locked: p.rand.IntN(2) == 0,
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
		age := 200 * time.Hour
		switch p.rand.IntN(8) {
		case 0:
			continue // no app
		case 1:
			age = 71*time.Hour + 50*time.Minute
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

// start begins a process on the store that there is.
func (p *schedule) start(i int) {
	p.t.Helper()
	o := p.o
	store, limiter, apps := p.reopen()
	p.lives++
	l := &life{id: p.lives, gone: make(chan struct{})}
	o.mu.Lock()
	o.store, o.apps = store, apps
	o.mu.Unlock()
	o.record(started{l.id})
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
	b, err := bot.New(bot.Config{
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
	ran := make(chan error, 1)
	p.running[i] = &process{l, b, cancel, ran}
	go func() { ran <- b.Run(ctx) }()
}

// end lets a process come to its end: killed, or asked to.
func (p *schedule) end(i int, kill bool) {
	one := p.running[i]
	if kill && !one.dead() {
		p.o.record(died{"at any moment", one.id})
		one.life.end()
	}
	one.stop()
	<-one.ran
}

// play lets people do what they do until the schedule is over.
func (p *schedule) play() {
	for range 30 * len(p.actors) {
		for i := range p.running {
			p.interrupt(i)
		}
		p.act(p.actors[p.rand.IntN(len(p.actors))])
		p.pass()
		if p.binders > 0 && p.rand.IntN(60) == 0 {
			p.close(p.policyWait())
		}
	}
}

// interrupt starts a process anew that died, and now and then one that did not.
// Sometimes nobody serves for hours or days: limits, locks, freezes and waiting
// times run out.
func (p *schedule) interrupt(i int) {
	if !p.running[i].dead() && p.rand.IntN(80) > 0 {
		return
	}
	p.end(i, p.rand.IntN(3) > 0)
	first, last := i, i
	pause := time.Duration(0)
	switch p.rand.IntN(8) {
	case 0:
		pause = time.Duration(p.rand.IntN(80)) * time.Hour
	case 1:
		pause = time.Duration(p.rand.IntN(180)) * time.Minute
	}
	if pause > 0 {
		for other := range p.running {
			if other != i {
				p.end(other, false)
			}
		}
		time.Sleep(pause)
		first, last = 0, len(p.running)-1
	}
	for i := first; i <= last; i++ {
		p.start(i)
	}
}

// close has nobody serve for so long.
func (p *schedule) close(pause time.Duration) {
	for i := range p.running {
		p.end(i, false)
	}
	time.Sleep(pause)
	for i := range p.running {
		p.start(i)
	}
}

// policyWait is about as long as it takes until a binding counts.
func (p *schedule) policyWait() time.Duration {
	return p.o.policy.WaitingTime - 30*time.Minute + time.Duration(p.rand.IntN(120))*time.Minute
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
	case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11:
		// the next one at the same instant
	default:
		time.Sleep(time.Duration(p.rand.IntN(12000)) * time.Millisecond / max(1, scale/2))
		synctest.Wait()
	}
}

// recover mends everything, and lets the bot bring to an end what it can.
func (p *schedule) recover() {
	began := time.Now()
	p.o.mu.Lock()
	p.o.well = true
	p.o.mu.Unlock()
	for i, one := range p.running {
		if one.dead() {
			p.end(i, true)
			p.start(i)
		}
	}
	for goesOn := true; goesOn && time.Since(began) < 2*time.Hour; {
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		goesOn = false
		err := p.o.store.Conversations(context.Background(), func(c conversation.Conversation) error {
			goesOn = goesOn || !over(c.State)
			return nil
		})
		if err != nil {
			p.t.Fatal(err)
		}
	}
	for i := range p.running {
		p.end(i, false)
	}
}

// witnesses gather what there is to check.
func (p *schedule) witnesses() evidence {
	e := evidence{
		history: p.o.history, policy: p.o.policy, attempts: p.o.attempts,
		alone:  len(p.running) == 1,
		riddle: func(id string) string { return p.keys.CaptchaAnswer(id).Reveal() },
	}
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
