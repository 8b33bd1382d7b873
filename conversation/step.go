package conversation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Wizard is the wizard with its settings. It is a value without state: one
// serves every conversation, concurrently.
type Wizard struct {
	Policy  Policy
	Keys    Keys
	Numbers NumberPlan
	Rules   PasswordRules
}

// Step says what in means to c, given what [Wizard.Reads] named. It is pure:
// the same arguments give the same Change, and a store may call it as often as
// it likes. What a person does wrong is answered in the Change; an error is a
// defect, and then nothing is to be stored.
func (w *Wizard) Step(c Conversation, in Input, f Facts, now time.Time) (Change, error) {
	s := &step{Wizard: w, c: c.own(), in: in, f: f, now: now, read: w.Reads(c, in), account: f.Account}
	var moved bool
	if c.whole() {
		s.now, moved = s.c.sinceLatest(now)
	}
	s.recall()
	s.counters = maps.Clone(f.Counters)
	if s.counters == nil {
		s.counters = map[CounterKey]Counter{}
	}
	s.take()
	if moved && in.Kind == Passed {
		s.ch.Same = false // so that the store, too, knows when it is due
	}
	if s.err != nil {
		return Change{}, fmt.Errorf("conversation %s: %w", c.Receipt, s.err)
	}
	return s.change(), nil
}

// own is c with pointers of its own, so that a step never writes through the
// caller's. (Slices are cloned where they grow.)
func (c Conversation) own() Conversation {
	if c.Question != nil {
		q := *c.Question
		c.Question = &q
	}
	if c.Task != nil {
		t := *c.Task
		c.Task = &t
	}
	if c.Write != nil {
		w := *c.Write
		c.Write = &w
	}
	c.Given = maps.Clone(c.Given)
	return c
}

// step is one call of Step while it goes on.
type step struct {
	*Wizard
	c   Conversation
	in  Input
	f   Facts
	now time.Time

	read     Reads // what was named beforehand
	account  AccountRecord
	known    Person
	counters map[CounterKey]Counter
	ch       Change
	err      error
}

// change is what the step came to.
func (s *step) change() Change {
	s.c.Latest = s.now
	s.ch.Conversation = s.c
	if s.ch.Same || s.ch.Forget {
		return s.ch
	}
	s.ch.Due = s.c.Due(s.Policy)
	s.ch.Counters = maps.Clone(s.counters)
	maps.DeleteFunc(s.ch.Counters, func(k CounterKey, c Counter) bool { return c.equal(s.f.Counters[k]) })
	if key := s.recordKey(); key != "" && key == s.read.Account && !s.account.equal(s.f.Account) {
		s.account.Key, s.account.Kept = key, s.now.Add(accountKept)
		s.ch.Account = &s.account
	}
	if !s.known.equal(s.f.Person) {
		s.ch.Person = s.known.kept()
	}
	return s.ch
}

// accountKept: what we know of an account is kept while the account exists. A
// number that was forgotten would be an old one when it is seen again.
const accountKept = 100 * 366 * 24 * time.Hour

// take sorts the input by where it comes from.
func (s *step) take() {
	fromBot := s.in.Kind == Shown || s.in.Kind == Passed || s.in.Kind == Came
	if s.c.ID == "" && fromBot { // of a conversation that was forgotten since
		s.ch.Same = true
		return
	}
	if s.c.ID != "" && !s.c.whole() {
		s.damaged()
		return
	}
	switch s.in.Kind {
	case Shown:
		s.shown()
	case Passed:
		s.passed()
	case Came:
		s.came()
	case Disowns:
		s.disowned()
	default:
		s.person()
	}
}

// damaged ends a conversation whose record cannot be gone on with, whatever it
// was that came. Only whose it is and how they are reached is kept of it. An
// owner's denial is taken all the same.
func (s *step) damaged() {
	old := s.c
	s.c = Conversation{
		ID: old.ID, Receipt: old.Receipt, User: old.User, Address: old.Address, Asker: old.Asker, Locale: old.Locale,
		State: old.State, Goal: ToReset, Started: s.now, Ends: s.now, Subject: old.Subject,
		Page: Page{Version: max(0, min(old.Page.Version, countMost/2))},
	}
	s.stop(Withdrawn, Page{ID: EndTrouble}, "unknown_state")
	if s.c.Subject.Key == "" {
		s.alarm("unknown_state")
	}
	if out := s.in.Outcome; s.in.Kind == Came && out != nil && out.Denied != "" {
		s.denied(out.Denied)
	}
}

// person takes what a person said, pressed, filled in, or that they came back.
func (s *step) person() {
	if s.repeated() {
		s.ch.Same = true
		return
	}
	old := s.c
	switch {
	case old.ID == "", old.State.known() && old.State.Over():
		s.afterEnd(old)
	case old.Unasked && old.State == Start && s.now.Before(old.Ends) && !s.in.Restored:
		s.answered(old)
	case !s.entitled():
	default:
		if s.in.Via == "" && (s.c.Page.Entry == nil || s.in.Kind != Filled) { // a one-time page knows nobody
			s.from(s.in.From)
		}
		s.act()
		if s.in.Nth > 0 && s.c.Page.Token != old.Page.Token {
			s.c.Nth, s.c.NthOn = s.in.Nth, old.Page.ID
		}
	}
}

// from notes from where the person speaks now.
func (s *step) from(o Origin) {
	s.c.Address, s.c.Bound = o.Address, o.Bound
	s.c.Binds, s.c.Domains, s.c.Place, s.c.Identity = o.Binds, o.Domains, o.Place, o.Identity
}

// repeated notes the platform's id of this message, and reports whether it is
// one of the last 32: platforms deliver a message again when they are unsure.
func (s *step) repeated() bool {
	if s.in.Event == "" {
		return false
	}
	id := s.Keys.Fingerprint("event", s.in.From.User.String(), s.in.Event)
	if slices.Contains(s.c.Seen, id) {
		return true
	}
	s.c.Seen = append(slices.Clone(s.c.Seen), id)
	if extra := len(s.c.Seen) - 32; extra > 0 {
		s.c.Seen = s.c.Seen[extra:]
	}
	return false
}

// entitled looks whether the conversation may go on at all, and ends it, or
// makes it a decoy, where it may not.
func (s *step) entitled() bool {
	switch {
	case s.in.Restored:
		s.stop(Withdrawn, Page{ID: EndRestored}, "restored_store")
		return false
	case s.c.State.mustRun():
		return true
	case !s.now.Before(s.c.Ends):
		s.expire()
		return false
	}
	return s.stillMine()
}

// stillMine looks at what others did to the account meanwhile. A newer proof
// displaces, and says so. Who has no proof yet and loses the right to go on
// learns nothing: the conversation becomes a decoy (docs/decisions/0004).
func (s *step) stillMine() bool {
	subject := &s.c.Subject
	if subject.ID == "" || subject.Decoy {
		return true
	}
	frozen := s.now.Before(s.account.Frozen)
	switch {
	case subject.Own && s.c.Binds && !s.bound(subject.ID):
		s.end(Withdraw, Page{ID: EndWithdrawn})
		s.detail("unbound")
		return false
	case len(s.c.Proofs) > 0 && s.account.Holder != s.c.ID:
		s.end(Displace, Page{ID: EndDisplaced})
		return false
	case frozen && subject.Own:
		s.end(Withdraw, Page{ID: EndIneligible, Args: Args{Reason: Frozen}})
		return false
	case frozen && s.visible():
		s.end(Withdraw, Page{ID: EndWithdrawn})
		return false
	case frozen, len(s.c.Proofs) == 0 && !subject.Own && !s.account.guest(s.c.ID):
		subject.Decoy = true
	}
	return true
}

// visible reports whether outcomes may show: in own chat always, elsewhere
// from the first proof on.
func (s *step) visible() bool { return s.c.Subject.Own || len(s.c.Proofs) > 0 }

// shown notes what became of the sending of a page.
func (s *step) shown() {
	d := s.in.Delivered
	noted := d != nil && d.Note != "" && d.Note != s.c.Sent
	if noted { // of a page that was replaced meanwhile, too: its buttons are there
		s.c.Sent = d.Note
	}
	if d == nil || d.Version != s.c.Page.Version || s.c.Page.Delivered {
		s.ch.Same = !noted
		return
	}
	if d.Result == Later {
		s.c.Page.Attempts++
		s.c.Page.Retry = s.now.Add(backoff(s.c.Page.Attempts))
		return
	}
	s.c.Page.Delivered, s.c.Page.Retry = true, time.Time{}
}

// backoff is 1, 2, 4 … 60 s.
func backoff(attempts int) time.Duration {
	return min(time.Minute, time.Second<<min(attempts-1, 6))
}

// passed looks at the clock.
func (s *step) passed() {
	c := &s.c
	switch {
	case c.State.known() && c.State.Over():
		if c.followsUp(s.Policy) && s.mayFollowUp(*c) && s.now.Before(c.Over.Add(s.Policy.KeepEnded)) && !s.in.Restored {
			s.followUp()
			return
		}
		s.ch.Same = s.now.Before(c.Over.Add(s.Policy.KeepEnded))
		s.ch.Forget = !s.ch.Same
	case !s.entitled():
	case c.Task != nil && !s.in.Busy && (!s.now.Before(c.Task.Lease) || s.in.Alone && c.Task.By != s.in.By):
		s.lapsed()
	case c.Task == nil && c.Write != nil && !s.now.Before(c.Write.Next):
		switch {
		case c.Disowns != "":
			s.secure()
		case c.State == EnrolStore:
			s.keepApp()
		default:
			s.askChanged()
		}
	case c.awaitsText() && !s.now.Before(c.Question.At.Add(s.Policy.WaitFor)):
		q := *c.Question
		q.Hinted, c.Question = true, &q
		s.repeat(Note{ID: NoteNothing})
	case !c.opens().IsZero() && !s.now.Before(c.opens()):
		s.reopen()
	case !c.Reminded && !c.Unasked && !c.State.mustRun() && !s.now.Before(c.Ends.Add(-s.Policy.Reminder)):
		c.Reminded = true
		s.repeat(Note{ID: NoteMinutes, Args: Args{Minutes: timeLeft(s.now, c.Ends)}})
	default:
		s.ch.Same = true
	}
}

// lapsed is what a crash left behind: the process that had the task is gone.
func (s *step) lapsed() {
	task := *s.c.Task
	switch task.Kind {
	case TaskFind, TaskChallenge, TaskScramble, TaskEnrol, TaskRemove:
		s.order(task)
	case TaskVerify: // the try stays counted; what was typed is gone
		s.c.Task = nil
		s.follow(NotJudged)
		s.askCurrent(Note{ID: NoteCurrentAgain})
	case TaskConfirm:
		s.c.Task = nil
		s.follow(NotJudged)
		s.askScan(Note{ID: NoteInterrupted})
	case TaskChanged:
		s.askChanged()
	case TaskReread:
		if s.c.State == Unlocking {
			s.order(task)
			return
		}
		s.c.Task = nil // and with the process died the password
		s.follow(Interrupted)
		s.askPassword(Note{ID: NotePasswordAgain})
	case TaskCheck:
		s.c.Task = nil
		s.c.Question.Pending, s.c.Question.Spent = "", ""
		s.follow(NotJudged)
		s.askCode(Note{ID: NoteInterrupted})
	case TaskWait:
		s.c.Task = nil
		s.follow(NotJudged)
		s.askMethod(Note{ID: NoteInterrupted})
	case TaskReset, TaskUnlock:
		s.c.Task = nil
		s.lost()
	}
}

// came takes the outcome of a task; of the one that is on, and no other.
func (s *step) came() {
	out := s.in.Outcome
	if out != nil && out.Denied != "" {
		s.denied(out.Denied)
		return
	}
	if out == nil || s.c.Task == nil || out.Task != s.c.Task.ID {
		s.ch.Same = true
		return
	}
	if s.c.Task.Kind != TaskFind && !s.entitled() {
		return
	}
	if s.c.Task.Kind == TaskFind && !s.now.Before(s.c.Ends) {
		s.expire()
		return
	}
	task := *s.c.Task
	s.c.Task = nil
	if task.Account != "" && !out.Trouble && (task.Kind == TaskFind || task.Kind == TaskReread) {
		s.review(task.Account, out.Account)
	}
	switch task.Kind {
	case TaskFind:
		if s.c.Goal == ToEnrol {
			s.enrolFound(*out)
			return
		}
		s.found(*out)
	case TaskVerify:
		s.verified(*out)
	case TaskConfirm:
		s.confirmed(*out)
	case TaskEnrol:
		s.kept(*out)
	case TaskRemove:
		s.removed(*out)
	case TaskChallenge:
		s.sent(*out)
	case TaskCheck, TaskWait:
		s.judged(task, *out)
	case TaskReread:
		s.reread(*out)
	case TaskReset, TaskUnlock:
		s.written(*out)
	case TaskChanged:
		s.changed(task, *out)
	case TaskScramble:
		s.scrambled(*out)
	}
}

// follow goes where event leads, and leaves a line of it: of all that concerns
// an account, and of where the guide ended.
func (s *step) follow(event Event) {
	from := s.c.State
	to, err := follow(from, event)
	if err != nil {
		s.err = err
		return
	}
	s.c.State = to
	if event != Stay && (s.c.Subject.Key != "" || from.guides() && to.Over()) {
		s.line(Line{Event: string(event), From: from, To: to})
	}
}

// line completes an audit line with what the conversation knows.
func (s *step) line(l Line) {
	l.At, l.Receipt, l.Chat, l.Asker = s.now, s.c.Receipt, s.c.User.Chat, s.c.Asker
	l.Account, l.Own, l.Goal = s.c.Subject.ID, s.c.Subject.Own, s.c.Goal
	if l.Method == "" && s.c.Question != nil {
		l.Method = s.c.Question.Method
	}
	s.ch.Audit = append(s.ch.Audit, l)
}

// detail adds a reason word to the last line.
func (s *step) detail(word string) {
	if n := len(s.ch.Audit); n > 0 {
		s.ch.Audit[n-1].Detail = word
	}
}

// alarm leaves a line that somebody is to look at.
func (s *step) alarm(word string) {
	s.line(Line{Event: "alarm", From: s.c.State, To: s.c.State, Detail: word, Alarm: true})
}

// show puts a new page in the place of the old; its buttons are the only ones
// that open anything now.
func (s *step) show(p Page, notes ...Note) {
	p.Version, p.Token = s.c.Page.Version+1, s.in.Nonce.id("page")
	p.Notes, p.Receipt, p.Place, p.Args.Step = notes, s.c.Receipt, s.c.Place, s.c.State.step()
	if p.Crumb = s.c.State.crumb(); s.c.Goal != ToReset {
		p.Args.Goal = s.c.Goal
	}
	if !s.c.State.Over() && !s.c.State.mustRun() {
		p.Ends = s.c.Ends
	}
	p.Retry = s.overdue()
	s.c.Page, s.c.Unclear = p, 0
}

// overdue is when a page should have been delivered; then somebody else, or the
// next process, looks after it. What time brings about comes for many people at
// once, and nobody is waiting for it.
func (s *step) overdue() time.Time {
	if s.in.Kind == Passed {
		return s.now.Add(30 * time.Second)
	}
	return s.now.Add(3 * time.Second)
}

// repeat shows the same page again, with something to say above it. Its
// buttons stay the same.
func (s *step) repeat(notes ...Note) {
	p := &s.c.Page
	p.Version++
	p.Notes, p.Delivered, p.Attempts, p.Retry = notes, false, 0, s.overdue()
}

// order has task done: by this process, under a lease.
func (s *step) order(t Task) {
	if t.ID == "" {
		t.ID = s.in.Nonce.id("task")
	}
	wait := s.deadline(t)
	t.By, t.Ordered, t.Deadline = s.in.By, s.now, s.now.Add(wait)
	t.Decoy = t.Decoy || s.c.Subject.Decoy ||
		t.Method != "" && !slices.Contains(s.c.Subject.Methods, t.Method) // too young, or not there
	t.Account, t.Own = cmp.Or(t.Account, s.c.Subject.ID), s.c.Subject.Own
	t.Locale, t.Receipt, t.Chat, t.Goal = s.c.Locale, s.c.Receipt, s.c.User.Chat, s.c.Goal
	if !s.visible() {
		t.Level = true
		jitter := time.Duration((2*s.in.Nonce.fraction("jitter") - 1) * float64(s.Policy.LevelledBy))
		t.NotBefore = s.now.Add(s.Policy.Levelled + jitter)
	}
	t.Lease = s.now.Add(wait + s.Policy.Levelled + s.Policy.LevelledBy + s.Policy.LeaseMargin)
	s.c.Task = &t
	s.ch.Start = true
}

func (s *step) deadline(t Task) time.Duration {
	switch t.Kind {
	case TaskChallenge:
		return s.Policy.Send
	case TaskCheck, TaskVerify, TaskConfirm:
		return s.Policy.Check
	case TaskWait:
		if !s.visible() { // from when it was asked for, however long the asking took
			return s.c.Question.At.Add(s.Policy.WaitFor).Sub(s.now)
		}
		return s.Policy.WaitFor
	case TaskReset, TaskUnlock, TaskScramble:
		return s.Policy.WriteFor
	}
	return s.Policy.Find
}

// end leaves the wizard by an event that the table has for it.
func (s *step) end(event Event, p Page, notes ...Note) {
	s.release(event)
	if id, ok := guideEnds[p.ID]; ok && s.c.State.guides() {
		p.ID = id
	}
	s.follow(event)
	s.over(p, notes...)
}

// stop ends a conversation for which the table has no arrow: a state that
// nobody knows, a store that is an old back-up.
func (s *step) stop(to State, p Page, word string) {
	s.release(Withdraw)
	if s.c.Subject.Key != "" {
		s.line(Line{Event: "stopped", From: s.c.State, To: to, Detail: word, Alarm: true})
	}
	s.c.State = to
	s.over(p)
}

func (s *step) over(p Page, notes ...Note) {
	s.c.Over, s.c.Task, s.c.Question, s.c.Write = s.now, nil, nil, nil
	s.c.Bound, s.c.Exposed, s.c.Used, s.c.Given, s.c.Enrol = nil, nil, nil, nil, Enrolment{}
	if p.Offers == nil {
		p.Offers = offers(PickAgain, PickDesk)
	}
	s.show(p, notes...)
}

func (s *step) expire() {
	if s.c.Unasked { // nobody began anything, so nothing ends
		s.ch.Forget = true
		return
	}
	s.end(Expire, Page{ID: EndExpired})
}

// release takes this conversation out of the account's record, and gives back
// what it did not really use: one that expired without a failed proof does not
// count as begun.
func (s *step) release(event Event) {
	a := &s.account
	if a.Holder == s.c.ID {
		a.Holder, a.HolderUser, a.HolderOwn, a.HolderUntil = "", User{}, false, time.Time{}
	}
	if a.Writing == s.c.ID {
		a.Writing, a.WritingUntil = "", time.Time{}
	}
	if event != Expire { // a guest whose time is over is none
		a.Guests = slices.DeleteFunc(slices.Clone(a.Guests), func(g Guest) bool {
			return g.Conversation == s.c.ID || !s.now.Before(g.Until)
		})
	}
	if event == Expire && !s.c.Failed {
		s.giveBack(useBegun, s.c.ID, s.Policy.Begun)
	}
}

// recordKey is under which key what we know of the account is kept; decoys of
// nobody have no record.
func (s *step) recordKey() AccountKey {
	if out := s.in.Outcome; out != nil && out.Denied != "" {
		return s.read.Account
	}
	if s.c.Subject.ID == "" {
		return ""
	}
	return s.c.Subject.Key
}

// step is 1 or 2 on the pages of that step, else 0.
func (s State) step() int {
	switch s {
	case Step1Choose, Step1Number, Step1Sending, Step1Answer, Step1Checking, Step1Waiting:
		return 1
	case Step2Choose, Step2Number, Step2Sending, Step2Answer, Step2Checking, Step2Waiting:
		return 2
	}
	return 0
}

// crumb is the part of the breadcrumb that a page stands on: the two steps,
// the new password, 4 when all is done; 0 where none is shown.
func (s State) crumb() int {
	switch s {
	case Password, Confirming, Changing, Unlocking, Unknown, UnlockUnknown:
		return 3
	case EnrolWho, EnrolFind, EnrolPassword, EnrolSignIn:
		return 1
	case EnrolScan, EnrolConfirm, EnrolStore:
		return 3
	case Done, Enrolled:
		return 4
	}
	if s.verifying() && s.enrols() {
		return 2
	}
	return s.step()
}

func offers(choices ...Choice) []Offer {
	list := make([]Offer, len(choices))
	for i, c := range choices {
		list[i] = Offer{Choice: c}
	}
	return list
}

// guest reports whether a conversation is still welcome.
func (a AccountRecord) guest(conversation string) bool {
	return slices.ContainsFunc(a.Guests, func(g Guest) bool { return g.Conversation == conversation })
}

func (a AccountRecord) equal(b AccountRecord) bool {
	if len(a.Guests) != len(b.Guests) {
		return false
	}
	for i := range a.Guests {
		if a.Guests[i].Conversation != b.Guests[i].Conversation {
			return false
		}
	}
	return a.Holder == b.Holder && a.HolderUser == b.HolderUser && a.HolderOwn == b.HolderOwn &&
		a.HolderUntil.Equal(b.HolderUntil) && a.NoPushOwn.Equal(b.NoPushOwn) && a.Told.Equal(b.Told) &&
		a.Writing == b.Writing &&
		a.WritingUntil.Equal(b.WritingUntil) && a.Number == b.Number && a.Since.Equal(b.Since) &&
		a.LastReset.Equal(b.LastReset) && a.LastBy == b.LastBy && a.NoPush.Equal(b.NoPush) && a.Frozen.Equal(b.Frozen)
}

func (c Counter) equal(d Counter) bool {
	return c.Locked.Equal(d.Locked) && slices.EqualFunc(c.Spends, d.Spends, func(a, b Spend) bool {
		return a.ID == b.ID && a.At.Equal(b.At)
	})
}
