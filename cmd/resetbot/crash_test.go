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
// SIGKILL while several people reset their passwords, have their accounts unlocked
// or say that it was not them, over HTTP, and directory and notifiers lose answers:
// every other time at a named point, else at a random moment, at a system call that
// writes, while it stops, or while its keys are rotated. Now and then its disk
// fails instead. After each death the files are whole; after each start everybody
// goes on where they were, and comes to a true end. More by hand:
//
//	RESETBOT_KILLS=1000 go test ./cmd/resetbot -run TestAC52.*OverTheWeb -timeout 2h -v
//
// RESETBOT_SEED=n begins with another seed than 1.
func TestAC52_KilledAtEachNamedPointAndAtRandomOverTheWeb(t *testing.T) {
	budget := siegeKills
	if n, err := strconv.Atoi(os.Getenv("RESETBOT_KILLS")); err == nil {
		budget = n
	} else if testing.Short() {
		budget = 10
	}
	seed, err := strconv.ParseUint(os.Getenv("RESETBOT_SEED"), 10, 64)
	if err != nil {
		seed = 1
	}
	for ; budget > 0; seed++ {
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
	sick     atomic.Bool   // its disk fails: what it answers is no promise
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
	lockOut(t, file, staff)
	s := newSiege(t, seed, file)
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(n+60)*2*time.Second,
		errors.New("the siege takes too long"))
	defer cancel()
	walked := s.walkers(ctx, staff)
	for life := range n {
		s.live(ctx)
		if life%40 == 20 {
			s.failDisk(ctx)
		}
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
	t.Logf("killed %d times, %d people came to an end; it died %v; pages said %v", n, len(all), s.deaths, seen)
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

// errandOf is what person number n comes for.
func errandOf(n int) errand { return []errand{toReset, toReset, toUnlock, toDisown, toReset}[n%5] }

// lockOut has the directory lock out those who come to be unlocked.
func lockOut(t *testing.T, file string, staff []employee.Person) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	lines := strings.SplitAfter(string(text), "- {id")
	for n := range staff {
		if errandOf(n) == toUnlock {
			lines[n+1] = strings.Replace(lines[n+1], "authenticator:", "locked: true, authenticator:", 1)
		}
	}
	must(t, os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600))
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
			all = append(all, &visitor{
				who: staff[n], errand: errandOf(n), clumsy: n%3 == 1, ways: manners[n%len(manners)],
				password: mariekesNew, service: s,
			})
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
	env := []string{"RESETBOT_TEST_HASTE=siege", diesAt + "=" + doom, losesOneIn + "=5"}
	s.child = command(s.t, env, "serve", "-config", s.program.config)
	s.child.Stderr = s.log
	must(s.t, s.child.Start())
}

// live is one life of the service, and what its death left behind.
func (s *siege) live(ctx context.Context) {
	s.t.Helper()
	if ctx.Err() != nil || s.t.Failed() {
		return
	}
	point, kill := "", s.atRandom
	if s.life.Load()%2 == 1 { // the first life makes the files
		point, kill = s.due[0], s.itself
		s.begin(fmt.Sprintf("%d %s", s.random.IntN(2), point))
	} else {
		s.begin("")
		if n := s.random.IntN(8); n < len(s.others()) {
			kill = s.others()[n]
		}
	}
	gone := make(chan struct{})
	go func() { _ = s.child.Wait(); close(gone) }()
	how := kill(ctx, gone)
	if how == point && point != "" {
		s.due = append(s.due[1:], point)
	}
	s.deaths[how]++
	s.wellBehaved()
	s.whole()
}

// others are the rarer ways in which the service is killed.
func (s *siege) others() []func(context.Context, <-chan struct{}) string {
	return []func(context.Context, <-chan struct{}) string{s.atACall, s.atACall, s.atItsEnd, s.whileRotating}
}

// longestLife is after which the service is killed, however few asked for it.
const longestLife = 15 * time.Second

// await waits for so many answers. It reports whether the service died meanwhile.
func (s *siege) await(ctx context.Context, answers int, gone <-chan struct{}) (died bool) {
	end := time.NewTimer(longestLife)
	defer end.Stop()
	for range answers {
		select {
		case <-s.answered:
		case <-gone:
			return true
		case <-end.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// itself waits until the service dies at the point that it was begun with.
func (s *siege) itself(ctx context.Context, gone <-chan struct{}) (how string) {
	if s.await(ctx, 200, gone) {
		s.wasKilled()
		return s.due[0]
	}
	return s.kill(gone, "at random")
}

// atRandom kills the service after a few answers, in the midst of what comes
// next; sometimes while it starts.
func (s *siege) atRandom(ctx context.Context, gone <-chan struct{}) (how string) {
	if s.random.IntN(6) == 0 {
		s.sleep(s.random.IntN(150))
		return s.kill(gone, "while it starts")
	}
	s.await(ctx, 1+s.random.IntN(25), gone)
	s.sleep(s.random.IntN(8))
	return s.kill(gone, "at random")
}

// kill kills the service.
func (s *siege) kill(gone <-chan struct{}, how string) string {
	_ = s.child.Process.Kill() // it may just have died
	<-gone
	s.wasKilled()
	return how
}

// atACall kills the service as it is about to write, at a system call: between
// the two halves of a commit, before an fsync, before a file takes its place.
func (s *siege) atACall(ctx context.Context, gone <-chan struct{}) (how string) {
	calls := []string{"pwrite64", "fdatasync", "fsync", "renameat", "write"}
	call := calls[s.random.IntN(len(calls))]
	s.await(ctx, s.random.IntN(10), gone)
	stop, err := trace(ctx, s.child.Process.Pid, call, fmt.Sprintf("signal=KILL:when=%d", 1+s.random.IntN(5)))
	if err != nil {
		return s.kill(gone, "at random")
	}
	defer stop()
	if s.await(ctx, 200, gone) {
		s.wasKilled()
		return "before " + call
	}
	return s.kill(gone, "at random")
}

// atItsEnd kills the service while it stops.
func (s *siege) atItsEnd(ctx context.Context, gone <-chan struct{}) (how string) {
	s.await(ctx, 1+s.random.IntN(25), gone)
	_ = s.child.Process.Signal(syscall.SIGTERM) // it is there: nobody else ends it
	s.sleep(s.random.IntN(40))
	_ = s.child.Process.Kill() // unless it has stopped
	<-gone
	if s.child.ProcessState.ExitCode() != 0 {
		s.wasKilled()
	}
	return "while it stops"
}

// whileRotating kills the service, and the command, while keys are rotated.
func (s *siege) whileRotating(ctx context.Context, gone <-chan struct{}) (how string) {
	s.await(ctx, 1+s.random.IntN(10), gone)
	rotate := command(s.t, nil, "keys", "rotate", "-config", s.program.config)
	must(s.t, rotate.Start())
	s.sleep(60 + s.random.IntN(100))
	how = s.kill(gone, "while keys are rotated")
	_ = rotate.Process.Kill() // it may have ended
	_ = rotate.Wait()
	return how
}

// failDisk is a life whose disk fails: the service ends by itself.
func (s *siege) failDisk(ctx context.Context) {
	s.t.Helper()
	if ctx.Err() != nil || s.t.Failed() {
		return
	}
	s.begin("")
	gone := make(chan struct{})
	go func() { _ = s.child.Wait(); close(gone) }()
	s.await(ctx, 1+s.random.IntN(25), gone)
	s.sick.Store(true)
	defer s.sick.Store(false)
	stop, err := trace(ctx, s.child.Process.Pid, "fdatasync", fmt.Sprintf("error=EIO:when=%d+", 1+s.random.IntN(2)))
	if err != nil {
		s.kill(gone, "")
		return
	}
	defer stop()
	select {
	case <-gone:
	case <-time.After(time.Minute):
		s.t.Errorf("its disk fails, and it goes on:\n%s", s.log)
		s.kill(gone, "")
	}
	if code := s.child.ProcessState.ExitCode(); code != 1 {
		s.t.Errorf("its disk failed, and it ended with %v", s.child.ProcessState)
	}
	s.deaths["its disk failed"]++
	s.whole()
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
	case l.Event == string(conversation.StillLocked):
		return "it was not written"
	case strings.HasPrefix(from, "step1") && strings.HasPrefix(to, "step2"):
		return "the first proof"
	case strings.HasPrefix(from, "step2") && (l.To == conversation.Password || l.To == conversation.Unlocking):
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
	if happened["alarm"] > 0 && p.errand != toDisown {
		t.Errorf("%s: there was an alarm: %v", p.receipt, happened)
	}
}

// account is what the directory says of somebody.
func (s *siege) account(ctx context.Context, who employee.Person) (bot.Account, error) {
	a, found, err := s.people.Find(ctx, bot.Query{Name: who.User})
	if err != nil || !found {
		return a, fmt.Errorf("looking for the account: %w", err)
	}
	return a, nil
}

// signIn checks which password is somebody's, and how often it was written.
func (s *siege) signIn(ctx context.Context, who employee.Person, password string, writes int) error {
	a, err := s.account(ctx, who)
	if err != nil {
		return err
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
