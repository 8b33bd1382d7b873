package bot_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// What stands around the bot while a schedule is played: a store, a directory,
// telephones, apps, chats and a mailbox, all of which fail and die when the
// schedule wants it, and write down what they saw.

// happening is one thing that was observable, with its place in the order of
// things. What is one of the types below.
type happening struct {
	Tick int64
	At   time.Time
	What any
}

type (
	// received: an adapter handed a message in, and was told that it is durable or not.
	received struct {
		ID int
		message
		Life         int // of the process that took it in
		Acknowledged bool
	}
	// committed: the store took a change, in the course of that input if Input is not 0.
	committed struct {
		User   conversation.User
		Input  int
		Change conversation.Change
	}
	// appended: an audit line that belongs to no conversation.
	appended struct{ Line conversation.Line }
	// challenged: a text message, a call or a notification left.
	challenged struct {
		Challenge string
		Method    conversation.Method
		Account   conversation.AccountID
		Number    string
	}
	// judged: an answer was judged by whoever asked the question, in that process.
	judged struct {
		Challenge string
		Method    conversation.Method
		Account   conversation.AccountID
		Judgement bot.Judgement
		Life      int
	}
	// signedIn: the directory judged a current password.
	signedIn struct {
		Account conversation.AccountID
		Right   bool
	}
	// called: the directory was asked to write. Password is empty for an unlock.
	called struct {
		Account  conversation.AccountID
		Password string
	}
	// wrote: the directory has a new password.
	wrote struct {
		Account  conversation.AccountID
		Password string
	}
	// shown: a page reached a person.
	shown struct {
		User    conversation.User
		Page    conversation.MessageID
		State   conversation.State
		Receipt string
		Version int
	}
	// told: somebody was told outside the chat.
	told struct{ Notice conversation.Notice }
	// kept and removed: an authenticator was.
	kept struct {
		Account conversation.AccountID
		Device  bot.Authenticator
	}
	removed struct {
		Account conversation.AccountID
		Device  string
	}
	// disowned: an owner's word "this was not me" was taken.
	disowned struct {
		Account      conversation.AccountID
		Conversation string
	}
	// altered: somebody else changed an account: its number, or whether it may be reset.
	altered struct{ Account bot.Account }
	// started: a process began. died: it was killed, at that point.
	started struct{ Life int }
	died    struct {
		Point string
		Life  int
	}
	// late: something outside answered when nobody waited any more.
	late struct{ What string }
)

// message is what a person sent, and when: they arrive in another order.
type message struct {
	bot.Incoming
	Sent  int  // its place in the order of sending
	Again bool // it was handed in before
	Life  int  // of the process that ran when it was sent
}

// outside is everything around the bot. Its methods are called from many
// goroutines.
type outside struct {
	seed   uint64
	policy conversation.Policy
	store  bot.Store
	apps   bot.Authenticators
	lone   bool // no other process can have the store open

	mu       sync.Mutex
	tick     int64
	history  []happening
	drawn    map[string]uint64
	well     bool // nothing fails any more
	people   map[conversation.AccountID]*employee
	order    []conversation.AccountID
	ringing  map[string]*ringing
	texts    map[string][]string // codes by number, oldest first
	pages    map[conversation.User]bot.Outgoing
	links    map[conversation.AccountID]string // of the newest notice
	attempts map[string]string                 // passwords, and who typed them
}

// life is one process.
type life struct {
	id   int
	gone chan struct{}
	once sync.Once
}

func (l *life) end() { l.once.Do(func() { close(l.gone) }) }

func (l *life) dead() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

var errDead = errors.New("the process is dead")

// employee is an account, and its owner.
type employee struct {
	bot.Account
	password string
	version  int
	secret   conversation.Secret // of the app that was there from the beginning
}

// ringing is a call or a notification that somebody may answer.
type ringing struct {
	challenge bot.Challenge
	answer    chan conversation.Verdict
}

// record writes down what happened now.
func (o *outside) record(what any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tick++
	o.history = append(o.history, happening{o.tick, time.Now(), what})
}

// ticket is a place in the order, for what is known only later.
func (o *outside) ticket() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tick++
	return o.tick
}

func (o *outside) recordAt(tick int64, at time.Time, what any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.history = append(o.history, happening{tick, at, what})
}

// draw is a number from 0 up to 1. What is drawn for one thing does not depend
// on what goes on beside it, so a seed repeats as much as goroutines allow.
func (o *outside) draw(what string) float64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drawn[what]++
	h := fnv.New64a()
	_, _ = h.Write([]byte(what))
	return rand.New(rand.NewPCG(o.seed, h.Sum64()+o.drawn[what])).Float64()
}

// goesWrong reports whether something goes wrong that does so in one of n cases.
func (o *outside) goesWrong(what string, n float64) bool {
	p := o.draw(what)
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.well && p < 1/n
}

// strikes kills the process at a point, now and then.
func (o *outside) strikes(l *life, point string) bool {
	if l.dead() {
		return true
	}
	seldom := 400.0
	if !strings.HasSuffix(point, "a commit") && !strings.HasSuffix(point, "a page") {
		seldom = 60 // what comes seldom is where it matters
	}
	if !o.goesWrong("kill "+point, seldom) {
		return false
	}
	o.record(died{point, l.id})
	l.end()
	return true
}

// tooLate is longer than anybody waits, and not so long that a write that was lost
// on its way could still arrive when a "no" of the directory counts.
const tooLate = 45 * time.Second

// takes lets time pass in which the process may die. Now and then what is asked
// does not care whether somebody still waits, and answers nevertheless.
func (o *outside) takes(ctx context.Context, l *life, what string, longest time.Duration) error {
	seldom := 100.0
	if what == "write" || what == "unlock" {
		seldom = 30
	}
	if o.goesWrong("late "+what, seldom) {
		select {
		case <-time.After(tooLate):
			o.record(late{what})
		case <-l.gone:
		}
	} else if d := time.Duration(o.draw("time "+what) * float64(longest)); d > 0 && o.draw("slow "+what) < 0.3 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.gone:
		}
	}
	if l.dead() {
		return errDead
	}
	return nil
}

// seenStore writes down what is committed.
type seenStore struct {
	bot.Store
	o *outside
	l *life
}

type inputKey struct{}

func (s seenStore) Update(
	ctx context.Context, user conversation.User, t bot.Transition,
) (conversation.Change, error) {
	if s.o.strikes(s.l, "before a commit") {
		return conversation.Change{}, errDead
	}
	var tick int64
	step := t.Step
	t.Step = func(c conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
		tick = s.o.ticket() // of the call that counts: stores take steps in the order of their commits
		return step(c, f)
	}
	change, err := s.Store.Update(ctx, user, t)
	if err != nil {
		return change, err
	}
	input, _ := ctx.Value(inputKey{}).(int)
	s.o.recordAt(tick, time.Now(), committed{user, input, change})
	if !change.Same && s.o.strikes(s.l, "after a commit") {
		return conversation.Change{}, errDead
	}
	return change, nil
}

func (s seenStore) Append(ctx context.Context, lines ...conversation.Line) error {
	if s.l.dead() {
		return errDead
	}
	err := s.Store.Append(ctx, lines...)
	for _, line := range lines {
		if err == nil {
			s.o.record(appended{line})
		}
	}
	return err
}

func (s seenStore) Settle(ctx context.Context, id string) error {
	if s.o.strikes(s.l, "before a notice is settled") {
		return errDead
	}
	return s.Store.Settle(ctx, id)
}

func (s seenStore) Alone() bool { return s.o.lone }

// seenChat takes every page, unless it cannot.
type seenChat struct {
	o *outside
	l *life
}

func (c seenChat) Send(ctx context.Context, m bot.Outgoing) (bot.Sent, error) {
	if c.o.strikes(c.l, "before a page") {
		return bot.Sent{Result: conversation.Later}, errDead
	}
	if c.o.goesWrong("page "+m.User.String(), 15) {
		return bot.Sent{Result: conversation.Later}, nil
	}
	if c.o.goesWrong("slow page", 40) {
		if err := c.o.takes(ctx, c.l, "page", 2*time.Second); err != nil {
			return bot.Sent{Result: conversation.Later}, err
		}
	}
	c.o.record(shown{m.User, m.Page.ID, m.State, m.Page.Receipt, m.Page.Version})
	c.o.mu.Lock()
	if m.Page.Receipt != "" { // else said from memory
		c.o.pages[m.User] = m
	}
	c.o.mu.Unlock()
	if c.o.strikes(c.l, "after a page") {
		return bot.Sent{Result: conversation.Later}, errDead
	}
	return bot.Sent{Result: conversation.Delivered}, nil
}

func (o *outside) page(user conversation.User) bot.Outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pages[user]
}

// called is the account with that name.
func (o *outside) called(upn string) conversation.AccountID {
	for id, e := range o.people {
		if e.UPN == upn {
			return id
		}
	}
	return ""
}

// staffDirectory is the directory.
type staffDirectory struct {
	o *outside
	l *life
}

func (d staffDirectory) Find(ctx context.Context, q bot.Query) (bot.Account, bool, error) {
	if err := d.o.takes(ctx, d.l, "find", 4*time.Second); err != nil {
		return bot.Account{}, false, err
	}
	if d.o.goesWrong("find", 60) {
		return bot.Account{}, false, errOutside
	}
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	for id, e := range d.o.people {
		if name, _, _ := strings.Cut(e.UPN, "@"); id == q.ID || q.Name != "" && (q.Name == name || q.Name == e.UPN) {
			a := e.Account
			a.Mark = strconv.Itoa(e.version)
			return a, true, nil
		}
	}
	return bot.Account{}, false, nil
}

// Reset does, refuses, loses, or is out of reach; what it loses it may have
// written, or may write when nobody waits any more.
func (d staffDirectory) Reset(
	ctx context.Context, id conversation.AccountID, password conversation.Secret,
) (bot.Write, error) {
	if d.o.strikes(d.l, "before a write") {
		return bot.Write{}, errDead
	}
	d.o.record(called{id, password.Reveal()})
	if err := d.o.takes(ctx, d.l, "write", 15*time.Second); err != nil {
		return bot.Write{}, err // it never arrived, and nobody knows
	}
	fate := d.o.draw("write " + string(id))
	switch {
	case !d.o.goesWrong("any write", 3):
	case fate < 0.2:
		return bot.Write{Result: conversation.WriteRefused, Flaws: []conversation.PasswordFlaw{conversation.FlawHistory}}, nil
	case fate < 0.4:
		return bot.Write{}, fmt.Errorf("writing: %w", errors.Join(bot.ErrNotWritten, errOutside))
	case fate < 0.6:
		return bot.Write{}, errOutside // lost on its way there
	case fate < 0.8: // lost on its way back
		d.set(id, password.Reveal())
		return bot.Write{Result: conversation.WriteUnknown}, nil
	default: // it arrives when nobody waits any more
		go func() {
			time.Sleep(20 * time.Second)
			d.set(id, password.Reveal())
		}()
		return bot.Write{}, errOutside
	}
	d.set(id, password.Reveal())
	if d.o.strikes(d.l, "after a write") {
		return bot.Write{}, errDead
	}
	return bot.Write{Result: conversation.WriteDone}, nil
}

func (d staffDirectory) set(id conversation.AccountID, password string) {
	again := d.o.draw("locked again") < 0.3 // by a telephone that has the old one
	d.o.mu.Lock()
	e := d.o.people[id]
	e.password = password
	e.version++
	e.Locked = again
	d.o.mu.Unlock()
	d.o.record(wrote{id, password})
}

func (d staffDirectory) Unlock(ctx context.Context, id conversation.AccountID) (bot.Write, error) {
	if d.o.strikes(d.l, "before a write") {
		return bot.Write{}, errDead
	}
	d.o.record(called{id, ""})
	if err := d.o.takes(ctx, d.l, "unlock", 5*time.Second); err != nil {
		return bot.Write{}, err
	}
	if d.o.goesWrong("unlock", 4) {
		return bot.Write{Result: conversation.WriteUnknown}, nil
	}
	d.o.mu.Lock()
	d.o.people[id].Locked = false
	d.o.mu.Unlock()
	return bot.Write{Result: conversation.WriteDone}, nil
}

func (d staffDirectory) Changed(
	_ context.Context, id conversation.AccountID, mark string,
) (conversation.ChangedResult, error) {
	if d.l.dead() || d.o.goesWrong("changed", 3) {
		return conversation.ChangedUnreachable, nil
	}
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if strconv.Itoa(d.o.people[id].version) == mark {
		return conversation.ChangedNo, nil
	}
	return conversation.ChangedYes, nil
}

func (d staffDirectory) VerifyPassword(
	ctx context.Context, id conversation.AccountID, password conversation.Secret,
) (bool, error) {
	if err := d.o.takes(ctx, d.l, "sign in", 4*time.Second); err != nil || d.o.goesWrong("sign in", 30) {
		return false, errOutside
	}
	d.o.mu.Lock()
	right := d.o.people[id].password == password.Reveal()
	d.o.mu.Unlock()
	d.o.record(signedIn{id, right})
	return right, nil
}

// telephones sends text messages, calls and notifications, and judges what is
// answered.
type telephones struct {
	o *outside
	l *life
}

func (v telephones) Challenge(ctx context.Context, c bot.Challenge) error {
	if v.o.strikes(v.l, "before a challenge") {
		return errDead
	}
	if err := v.o.takes(ctx, v.l, "challenge", 5*time.Second); err != nil {
		return err
	}
	if v.o.goesWrong("challenge", 25) {
		return errOutside
	}
	v.o.record(challenged{c.ID, c.Method, c.Account, c.Number.Reveal()})
	v.o.mu.Lock()
	if c.Method == conversation.SMS {
		v.o.texts[c.Number.Reveal()] = append(v.o.texts[c.Number.Reveal()], c.Code.Reveal())
	} else if v.o.ringing[c.ID] == nil {
		v.o.ringing[c.ID] = &ringing{c, make(chan conversation.Verdict, 1)}
	}
	v.o.mu.Unlock()
	if v.o.strikes(v.l, "after a challenge") {
		return errDead
	}
	return nil
}

func (v telephones) Check(
	ctx context.Context, c bot.Challenge, answer conversation.Secret,
) (bot.Judgement, error) {
	if c.Method == conversation.SMS {
		return v.code(ctx, c, answer)
	}
	v.o.mu.Lock()
	r := v.o.ringing[c.ID]
	v.o.mu.Unlock()
	verdict := conversation.NoAnswer
	if r == nil {
		<-ctx.Done()
	} else {
		select {
		case verdict = <-r.answer:
		case <-ctx.Done():
		case <-v.l.gone:
			return bot.Judgement{}, errDead
		}
	}
	return v.say(c, verdict, string(c.Method)+":"+c.ID)
}

func (v telephones) code(
	ctx context.Context, c bot.Challenge, answer conversation.Secret,
) (bot.Judgement, error) {
	if err := v.o.takes(ctx, v.l, "check", 4*time.Second); err != nil {
		return bot.Judgement{}, err
	}
	verdict := conversation.WrongOne
	if answer.Equal(c.Code) && time.Now().Before(c.Expires) {
		verdict = conversation.Right
	}
	return v.say(c, verdict, "code:"+c.ID)
}

// say tells the verdict, unless it gets lost: then nobody knows it.
func (v telephones) say(c bot.Challenge, verdict conversation.Verdict, mark string) (bot.Judgement, error) {
	if v.o.goesWrong("judgement", 30) {
		return bot.Judgement{}, errOutside
	}
	j := bot.Judgement{Verdict: verdict}
	if verdict == conversation.Right {
		j.Mark = mark
	}
	v.o.record(judged{c.ID, c.Method, c.Account, j, v.l.id})
	if v.o.strikes(v.l, "after a judgement") {
		return bot.Judgement{}, errDead
	}
	return j, nil
}

// seenApp writes down what the verifier of apps judged.
type seenApp struct {
	bot.Verifier
	o *outside
	l *life
}

func (v seenApp) Check(
	ctx context.Context, c bot.Challenge, answer conversation.Secret,
) (bot.Judgement, error) {
	if err := v.o.takes(ctx, v.l, "app", 3*time.Second); err != nil || v.o.goesWrong("app", 40) {
		return bot.Judgement{}, errors.Join(errOutside, err)
	}
	j, err := v.Verifier.Check(ctx, c, answer)
	if err == nil {
		v.o.record(judged{c.ID, c.Method, c.Account, j, v.l.id})
	}
	if v.o.strikes(v.l, "after a judgement") {
		return bot.Judgement{}, errDead
	}
	return j, err
}

// seenApps writes down what is enrolled and taken away.
type seenApps struct {
	o *outside
	l *life
}

func (a seenApps) Enrolled(ctx context.Context, id conversation.AccountID) ([]bot.Authenticator, error) {
	if a.l.dead() || a.o.goesWrong("apps", 200) {
		return nil, errOutside
	}
	return a.o.apps.Enrolled(ctx, id)
}

func (a seenApps) Enrol(ctx context.Context, id conversation.AccountID, app bot.Authenticator) error {
	if a.o.strikes(a.l, "before an app is kept") || a.o.goesWrong("enrol", 5) {
		return errOutside
	}
	if err := a.o.apps.Enrol(ctx, id, app); err != nil {
		return err
	}
	a.o.record(kept{id, app})
	if a.o.strikes(a.l, "after an app is kept") {
		return errDead
	}
	return nil
}

func (a seenApps) Remove(ctx context.Context, id conversation.AccountID, device string) error {
	if a.l.dead() || a.o.goesWrong("remove", 5) {
		return errOutside
	}
	a.o.record(removed{id, device})
	return a.o.apps.Remove(ctx, id, device)
}

// seenEnroller writes down what it judged: under no method, for it is no proof.
type seenEnroller struct {
	bot.Enroller
	o *outside
}

func (e seenEnroller) Confirm(
	account conversation.AccountID, device string, secret, answer conversation.Secret,
) (bot.Judgement, error) {
	j, err := e.Enroller.Confirm(account, device, secret, answer)
	if err == nil {
		e.o.record(judged{Account: account, Judgement: j})
	}
	return j, err
}

// mailbox tells owners.
type mailbox struct {
	o *outside
	l *life
}

func (m mailbox) Tell(_ context.Context, t bot.Telling) (conversation.DeliveryResult, error) {
	if m.o.strikes(m.l, "before a mail") || m.o.goesWrong("mail", 10) {
		return conversation.Later, errOutside
	}
	m.o.record(told{t.Notice})
	m.o.mu.Lock()
	defer m.o.mu.Unlock()
	if t.Link != "" {
		m.o.links[t.Notice.Account] = t.Link
	}
	return conversation.Delivered, nil
}

// rules take what has sixteen characters: what a good password is, is proved
// elsewhere.
type sixteen struct{}

func (sixteen) Normal(password string) string { return password }

func (sixteen) Judge(password string, _ int, _ []string) []conversation.PasswordFlaw {
	if len(password) < 16 {
		return []conversation.PasswordFlaw{conversation.FlawShort}
	}
	return nil
}

// waiting are the calls and notifications that somebody may answer now.
func (o *outside) waiting() []*ringing {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []*ringing
	for _, r := range o.ringing {
		if len(r.answer) == 0 && time.Now().Before(r.challenge.Expires) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *ringing) int {
		return strings.Compare(string(a.challenge.Account)+a.challenge.ID, string(b.challenge.Account)+b.challenge.ID)
	})
	return all
}
