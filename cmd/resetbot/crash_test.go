package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	people "resetbot/adapters/directory/demo"
	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/employee"
)

// How many people are on their way at any moment, and how often one service is
// killed.
const (
	atATime    = 4
	siegeKills = 100
)

// TestAC52_KilledAtEachNamedPointAndAtRandomOverTheWeb kills the service with
// SIGKILL while several people reset their passwords over HTTP: every other time
// at a named point, else at a random moment. After each death the files are whole;
// after each start everybody goes on where they were, and comes to a true end. More
// by hand:
//
//	RESETBOT_KILLS=1000 go test ./cmd/resetbot -run TestAC52.*OverTheWeb -timeout 2h -v
func TestAC52_KilledAtEachNamedPointAndAtRandomOverTheWeb(t *testing.T) {
	budget := siegeKills
	if n, err := strconv.Atoi(os.Getenv("RESETBOT_KILLS")); err == nil {
		budget = n
	} else if testing.Short() {
		budget = 10
	}
	for seed := uint64(1); budget > 0; seed++ {
		n := min(budget, siegeKills)
		budget -= n
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { besiege(t, seed, n) })
	}
}

// siege is a service that is killed again and again, and the people who need it.
type siege struct {
	*program
	config   config
	people   *people.Directory
	random   *rand.Rand
	life     atomic.Int64  // how often it was started
	trouble  atomic.Int64  // how often a page said that an answer could not be kept
	answered chan struct{} // one for each request that is answered
	deaths   map[string]int
	due      []string // points, those first at which it did not die for the longest time
}

// newSiege is a service that was not started yet. Limits that protect accounts
// are out of the way: each death costs a try.
func newSiege(t *testing.T, seed uint64, staff string, changes ...string) *siege {
	t.Helper()
	changes = append(changes, "  type: demo\n", "  type: demo\n  file: "+staff+"\n",
		"    #trusted_proxies: []", "    trusted_proxies: [127.0.0.1]",
		"#proofs: {n: 5,", "proofs: {n: 500,", "#challenges: {n: 5,", "challenges: {n: 500,",
		"#budget:", "budget:", "#sms: {n: 1000,", "sms: {n: 100000,", "#call: {n: 500,", "call: {n: 100000,",
		"#number: {n: 20,", "number: {n: 100000,")
	s := &siege{
		program: &program{t: t}, random: rand.New(rand.NewPCG(seed, 52)),
		answered: make(chan struct{}, 1), deaths: map[string]int{}, due: slices.Clone(points),
	}
	s.program.config, s.base = sample(t, changes...)
	var err error
	s.config, err = loadConfig(s.program.config)
	must(t, err)
	s.people, err = people.Open(staff, people.Options{State: s.config.Directory.State})
	must(t, err)
	t.Cleanup(func() { must(t, s.people.Close()) })
	return s
}

// besiege kills one service n times.
func besiege(t *testing.T, seed uint64, n int) {
	staff, file := colleagues(t, 200)
	s := newSiege(t, seed, file)
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(n+60)*2*time.Second,
		errors.New("the siege takes too long"))
	defer cancel()
	walked := s.walkers(ctx, staff)
	for range n {
		s.live(ctx)
	}
	s.begin("")
	all := walked()
	if ctx.Err() == nil && !t.Failed() {
		s.peace(ctx, all)
	}
	_ = s.child.Process.Kill() // it may have ended as it should
	_ = s.child.Wait()
	seen := map[string]int{}
	for _, p := range all {
		for what, n := range p.seen {
			seen[what] += n
		}
	}
	t.Logf("killed %d times, %d people got a new password; it died %v; pages said %v", n, len(all), s.deaths, seen)
	for _, point := range points {
		if s.deaths[point] == 0 && n >= siegeKills {
			t.Errorf("it never died %s", point)
		}
	}
}

// manners are the ways in which people prove who they are.
var manners = [][2]employee.Method{
	{employee.SMS, employee.AppCode},
	{employee.Call, employee.Notification},
	{employee.AppCode, employee.SMS},
	{employee.Notification, employee.Call},
}

// walkers has people walk, one after the other in as many rows as there are at
// a time. What it returns lets nobody begin any more, and waits for all.
func (s *siege) walkers(ctx context.Context, staff []employee.Person) (ended func() []*visitor) {
	var mu sync.Mutex
	var enough bool
	var all []*visitor
	next := func() *visitor {
		mu.Lock()
		defer mu.Unlock()
		if n := len(all); !enough && n < len(staff) {
			all = append(all, &visitor{who: staff[n], ways: manners[n%len(manners)], password: mariekesNew, service: s})
			return all[n]
		}
		return nil
	}
	var rows sync.WaitGroup
	for range atATime {
		rows.Go(func() {
			for p := next(); p != nil && ctx.Err() == nil; p = next() {
				if err := p.walk(ctx); err != nil {
					s.t.Error(err)
				}
			}
		})
	}
	return func() []*visitor {
		mu.Lock()
		enough = true
		mu.Unlock()
		rows.Wait()
		return all
	}
}

// begin starts the service, with a place to die at; empty for none.
func (s *siege) begin(doom string) {
	s.t.Helper()
	s.life.Add(1)
	s.log = &watched{}
	s.child = command(s.t, []string{"RESETBOT_TEST_HASTE=siege", diesAt + "=" + doom}, "serve", "-config", s.program.config)
	s.child.Stderr = s.log
	must(s.t, s.child.Start())
}

// live is one life of the service, and what its death left behind.
func (s *siege) live(ctx context.Context) {
	s.t.Helper()
	if ctx.Err() != nil || s.t.Failed() {
		return
	}
	point, answers := "", 1+s.random.IntN(25)
	if s.life.Load()%2 == 1 { // the first life makes the files
		point, answers = s.due[0], 200
		s.begin(fmt.Sprintf("%d %s", s.random.IntN(2), point))
	} else {
		s.begin("")
	}
	died := s.die(ctx, answers)
	if point != "" && died {
		s.deaths[point]++
		s.due = append(s.due[1:], point)
	} else {
		s.deaths["at random"]++
	}
	s.wellBehaved()
	s.whole()
}

// longestLife is after which the service is killed, however few asked for it.
const longestLife = 15 * time.Second

// die waits until the service killed itself, or so many answers came; then it is
// killed. It reports whether it died by itself.
func (s *siege) die(ctx context.Context, answers int) (itself bool) {
	gone := make(chan struct{})
	go func() { _ = s.child.Wait(); close(gone) }()
	end := time.NewTimer(longestLife)
	defer end.Stop()
	if s.random.IntN(10) == 0 { // while it starts
		answers = 0
		s.sleep(s.random.IntN(150))
	}
	for answered := 0; answered < answers; {
		select {
		case <-s.answered:
			answered++
		case <-gone:
			s.wasKilled()
			return true
		case <-end.C:
			answered = answers
		case <-ctx.Done():
			answered = answers
		}
	}
	s.sleep(s.random.IntN(8))  // in the midst of what comes next
	_ = s.child.Process.Kill() // it may just have died
	<-gone
	s.wasKilled()
	return false
}

// awaitAnswers waits until so many requests were answered, or ctx ends.
func (s *siege) awaitAnswers(ctx context.Context, n int) {
	for range n {
		select {
		case <-s.answered:
		case <-time.After(time.Second): // nobody asks any more
			return
		case <-ctx.Done():
			return
		}
	}
}

func (s *siege) sleep(ms int) { time.Sleep(time.Duration(ms) * time.Millisecond) }

// wasKilled checks that nothing else ended the service.
func (s *siege) wasKilled() {
	if status, ok := s.child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		s.t.Errorf("it ended with %v:\n%s", s.child.ProcessState, s.log)
	}
}

// whole checks the files of a service that is not there.
func (s *siege) whole() {
	s.t.Helper()
	if _, err := os.Stat(s.config.Store.Path); errors.Is(err, fs.ErrNotExist) {
		return // killed before it was made
	}
	db, err := bbolt.Open(s.config.Store.Path, 0o600, &bbolt.Options{Timeout: 10 * time.Second, ReadOnly: true})
	must(s.t, err)
	err = db.View(func(tx *bbolt.Tx) (all error) {
		for err := range tx.Check() {
			all = errors.Join(all, err)
		}
		return all
	})
	if err := errors.Join(err, db.Close()); err != nil {
		s.t.Errorf("bbolt finds fault with its file: %v", err)
	}
	s.open(func(store *bolt.Store) {
		if _, err := bot.VerifyAudit(s.t.Context(), store, store.Keys().Audit(), s.config.headFile()); err != nil {
			s.t.Errorf("the audit: %v", err)
		}
	})
}

// open opens the store of a service that is not there.
func (s *siege) open(use func(*bolt.Store)) {
	s.t.Helper()
	store, err := bolt.Open(bolt.Options{Path: s.config.Store.Path, KeysFile: s.config.KeysFile})
	must(s.t, err)
	use(store)
	must(s.t, store.Close())
}

// peace checks, with the service there and nobody killing it, that everything
// came to its end.
func (s *siege) peace(ctx context.Context, all []*visitor) {
	for _, p := range all {
		if err := p.told(ctx); err != nil {
			s.t.Error(err)
		}
	}
	if out, err := command(s.t, nil, "audit", "verify", "-config", s.program.config).CombinedOutput(); err != nil {
		s.t.Errorf("audit verify: %v\n%s", err, out)
	}
	s.wellBehaved()
	s.end(syscall.SIGTERM)
	s.whole()
	s.eachStepOnce(all)
}

// eachStepOnce checks that the audit says of each what happened, once. The
// service is not there.
func (s *siege) eachStepOnce(all []*visitor) {
	s.open(func(store *bolt.Store) {
		happened := map[string]map[string]int{}
		must(s.t, store.Lines(s.t.Context(), 1, func(e bot.Entry) error {
			if happened[e.Line.Receipt] == nil {
				happened[e.Line.Receipt] = map[string]int{}
			}
			happened[e.Line.Receipt][milestone(e.Line)]++
			return nil
		}))
		for _, p := range all {
			p.once(s.t, happened[p.receipt])
		}
	})
}

// milestone names what an audit line tells of that may happen once only.
func milestone(l conversation.Line) string {
	from, to := string(l.From), string(l.To)
	switch {
	case l.Event == "write_begun":
		return "a write was begun"
	case l.To == conversation.Done:
		return "the end"
	case strings.HasPrefix(from, "step1") && strings.HasPrefix(to, "step2"):
		return "the first proof"
	case strings.HasPrefix(from, "step2") && l.To == conversation.Password:
		return "the second proof"
	case l.From == conversation.Unknown && l.To == conversation.Password, l.From == conversation.Changing && l.To == conversation.Password:
		return "it was not written"
	}
	return l.Event
}

// once checks that nothing happened twice, and nothing without the audit.
func (p *visitor) once(t testing.TB, happened map[string]int) {
	t.Helper()
	for _, what := range []string{"the first proof", "the second proof", "the end"} {
		if happened[what] != 1 {
			t.Errorf("%s: %s is in the audit %d times: %v", p.receipt, what, happened[what], happened)
		}
	}
	if begun, not := happened["a write was begun"], happened["it was not written"]; begun != 1+not {
		t.Errorf("%s: a write was begun %d times, and %d of these were not written", p.receipt, begun, not)
	}
	if happened["alarm"] > 0 {
		t.Errorf("%s: there was an alarm: %v", p.receipt, happened)
	}
}

// signIn checks which password is somebody's, and how often it was written.
func (s *siege) signIn(ctx context.Context, who employee.Person, password string, writes int) error {
	a, found, err := s.people.Find(ctx, bot.Query{Name: who.User})
	if err != nil || !found {
		return fmt.Errorf("looking for the account: %w", err)
	}
	if a.Mark != strconv.Itoa(writes) {
		return fmt.Errorf("the password was written %s times, want %d", a.Mark, writes)
	}
	ok, err := s.people.VerifyPassword(ctx, a.ID, conversation.NewSecret(password))
	if err != nil || !ok {
		return fmt.Errorf("the page says that a password works, and it does not (%w)", err)
	}
	return nil
}
