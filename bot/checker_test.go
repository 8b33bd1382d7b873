package bot_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// The checker reads a history of what was observable, and tells where a rule was
// broken. It knows the rules (two proofs of two families, tries are counted,
// ends are final …) and nothing of how the wizard keeps them: of a conversation it
// uses which page it is on, what that page shows, and what was ordered.
//
// Its rules are in four files: this one has what concerns histories as a whole,
// checker_proof_test.go what may be written and enrolled, checker_limit_test.go
// whatever is counted, checker_page_test.go pages and what people do on them.

// evidence is what a schedule leaves.
type evidence struct {
	history  []happening
	policy   conversation.Policy
	attempts map[string]string   // who typed which password
	riddle   func(string) string // the answer of a captcha
	alone    bool                // there was never more than one process
	chain    error               // of walking the audit's chain
	lines    []conversation.Line // the audit
}

// slack is how much later a thing may be seen than it was counted: a code is
// judged minutes after the try that it takes over was spent.
const slack = 15 * time.Minute

// walk is what the checker knows of a conversation.
type walk struct {
	id      string
	unasked bool // the bot asks how it went, and waits for a day
	user    conversation.User
	receipt string
	began   time.Time
	ends    time.Time // at the latest
	account conversation.AccountID
	own     bool
	bound   map[conversation.AccountID]bool
	view    conversation.Conversation // as the last commit left it
	end     conversation.State
	last    conversation.MessageID // of the end

	// pages
	pages    map[int]conversation.MessageID // by version
	shown    int
	tokens   map[string]time.Time // of pages, from when on
	accepted map[string]int       // forms, by token
	exposed  map[string]bool      // typed in the chat on the password page
	numbers  map[string]bool      // typed, the last nine digits
	riddles  map[string]time.Time // captchas, from when on
	solved   bool
	found    *page1
	away     int64 // when the owner's own chat sent it away
	task     ordered

	// proofs
	proofs   []proof
	asked    map[string][]happening // when judging an answer to a challenge was ordered
	created  map[string]question    // by challenge
	newest   string                 // challenge
	answer   string                 // that is being judged
	heard    map[string]bool        // answers that were judged, with their challenge
	verdicts map[string]verdicts    // by challenge
	signedIn time.Time
	denied   map[conversation.AccountID]int64 // when an owner said that it was not them

	// limits
	spent    bool // tried to prove something
	captchas int  // wrong ones
	refused  int  // passwords

	// writes
	orders   []time.Time
	begun    int // audit lines "write_begun"
	calls    int // of the directory, to write
	wrote    int
	disowned time.Time // what it wrote
	enrolled time.Time // when its app was first ordered to be kept
}

type proof struct {
	method    conversation.Method
	challenge string
	account   conversation.AccountID
	at        time.Time
}

// question is a challenge, when it was first ordered.
type question struct {
	happening
	own bool // by the owner's own chat
}

// page1 is the account as it was when a conversation found it.
type page1 struct {
	checkedAccount
	at time.Time
}

// ordered is the last task that was ordered.
type ordered struct {
	id     string
	at     happening
	hidden bool // its outcome may not show
}

// verdicts are how many answers to a challenge were judged and not right, and how
// many judgements were not told, because the process died or nobody waited any more.
type verdicts struct{ wrong, lost int }

// turn is one commit, as the checker looks at it.
type turn struct {
	*walk
	before, now conversation.Conversation
	change      conversation.Change
	in          received // what a person said; else the zero value
	spoke       bool
}

// leads reports whether the commit led from one page to the other.
func (t turn) leads(from, to conversation.State) bool {
	return t.before.State == from && t.now.State == to
}

// notes reports whether a page that is not a mere repetition says id.
func (t turn) notes(id conversation.MessageID) bool {
	return t.now.Page.Token != t.before.Page.Token && slices.ContainsFunc(t.now.Page.Notes,
		func(n conversation.Note) bool { return n.ID == id })
}

// tells reports whether the commit has an owner told.
func (t turn) tells(account conversation.AccountID, message conversation.MessageID) bool {
	return slices.ContainsFunc(t.change.Notices, func(n conversation.Notice) bool {
		return n.Kind == conversation.Tell && n.Account == account && n.Message == message
	})
}

// verdict is an answer that was judged right.
type verdict struct {
	judged
	at time.Time
}

// failure is an answer that was judged, and was not right.
type failure struct {
	at    time.Time
	order int64 // when judging it was ordered
}

type checker struct {
	evidence
	now      happening
	wrongs   []string
	met      map[string]int // what came about, by a name
	walks    map[string]*walk
	receipts map[string]*walk
	of       map[string]*walk     // by challenge
	right    map[string][]verdict // by mark: an app shows one code to whoever looks
	used     map[string]bool      // marks
	current  map[conversation.User]*walk
	accounts map[conversation.AccountID]*checkedAccount
	inputs   map[int]received
	effects  map[int]int
	seen     map[conversation.User][]string
	open     map[conversation.AccountID]*walk
	holder   map[conversation.AccountID]*walk
	notices  map[string]conversation.Notice
	told     map[string]bool
	lines    map[string]int
	start    int64 // of the process that runs
	dead     map[int]bool
	bound    map[conversation.User]*bonds
	tallies
}

// checkedAccount is an account as it is outside.
type checkedAccount struct {
	bot.Account
	altered   time.Time
	apps      map[string]time.Time // since when, by device
	appsAt    time.Time            // when the last was kept or removed
	known     map[string]int64     // when they were first kept
	frozen    time.Time
	froze     int64 // when it was
	reset     time.Time
	writes    []time.Time
	scramble  bool // was ordered
	scrambled time.Time
	last      *walk // the conversation that last wrote a password
	wrong     []time.Time
}

// copy is a as it is now.
func (a *checkedAccount) copy() checkedAccount {
	now := *a
	now.apps, now.writes = maps.Clone(a.apps), slices.Clone(a.writes)
	return now
}

// check proves the rules from the evidence, and tells what is against them, and
// what came about.
func check(e evidence) (wrongs []string, met map[string]int) {
	c := &checker{
		evidence: e, met: map[string]int{},
		walks: map[string]*walk{}, receipts: map[string]*walk{}, of: map[string]*walk{},
		right: map[string][]verdict{}, used: map[string]bool{}, current: map[conversation.User]*walk{},
		accounts: map[conversation.AccountID]*checkedAccount{}, inputs: map[int]received{},
		effects: map[int]int{}, seen: map[conversation.User][]string{}, open: map[conversation.AccountID]*walk{},
		holder: map[conversation.AccountID]*walk{}, notices: map[string]conversation.Notice{},
		told: map[string]bool{}, lines: map[string]int{}, dead: map[int]bool{},
		bound: map[conversation.User]*bonds{}, tallies: newTallies(),
	}
	slices.SortStableFunc(c.history, func(a, b happening) int { return cmp.Compare(a.Tick, b.Tick) })
	for _, h := range c.history {
		if in, ok := h.What.(received); ok {
			c.inputs[in.ID] = in
		}
	}
	for _, h := range c.history {
		c.now = h
		c.see(h.What)
	}
	c.close()
	return c.wrongs, c.met
}

func (c *checker) wrong(format string, args ...any) {
	c.wrongs = append(c.wrongs, fmt.Sprintf("at %d (%s): ", c.now.Tick, c.now.At.Format("02 15:04:05"))+
		fmt.Sprintf(format, args...))
}

func (c *checker) see(what any) {
	switch what := what.(type) {
	case received:
		c.received(what)
	case committed:
		c.committed(what)
	case appended:
		c.line(what.Line)
	case challenged:
		c.challenged(what)
	case judged:
		c.judged(what)
	case signedIn:
		c.signedIn(what)
	case called:
		c.called(what)
	case wrote:
		c.wrote(what)
	case shown:
		c.shown(what)
	case told:
		c.told[what.Notice.ID] = true
	case kept:
		c.kept(what)
	case removed:
		a := c.account(what.Account)
		delete(a.apps, what.Device)
		a.appsAt = c.now.At
	case altered:
		a := c.account(what.Account.ID)
		a.Account, a.altered = what.Account, c.now.At
	case started:
		c.start = c.now.Tick
	case died:
		c.dead[what.Life] = true
	}
}

func (c *checker) account(id conversation.AccountID) *checkedAccount {
	a := c.accounts[id]
	if a == nil {
		a = &checkedAccount{apps: map[string]time.Time{}, known: map[string]int64{}}
		c.accounts[id] = a
	}
	return a
}

// walk is the conversation that a change is of; nil where there is none.
func (c *checker) walk(v conversation.Conversation) *walk {
	if v.ID == "" {
		return nil
	}
	w := c.walks[v.ID]
	if w == nil {
		w = &walk{
			id: v.ID, user: v.User, receipt: v.Receipt, began: c.now.At, ends: c.now.At.Add(c.policy.Conversation), asked: map[string][]happening{},
			pages: map[int]conversation.MessageID{}, bound: map[conversation.AccountID]bool{},
			tokens: map[string]time.Time{}, accepted: map[string]int{}, exposed: map[string]bool{},
			numbers: map[string]bool{}, riddles: map[string]time.Time{}, created: map[string]question{},
			denied: map[conversation.AccountID]int64{}, heard: map[string]bool{}, verdicts: map[string]verdicts{},
		}
		c.walks[v.ID] = w
		if !w.owner() {
			c.receipts[v.Receipt] = w
		}
	}
	return w
}

// owner is whether it is no conversation, but what follows from "this was not me".
func (w *walk) owner() bool { return w.user.Chat == "owner" }

func (c *checker) committed(e committed) {
	ch := e.Change
	c.effect(e)
	if ch.Same {
		return
	}
	for _, line := range ch.Audit {
		c.line(line)
	}
	for _, n := range ch.Notices {
		c.notices[n.ID] = n
	}
	c.binding(e)
	c.disownedBinding(e)
	if ch.Forget {
		delete(c.seen, e.User)
		delete(c.current, e.User)
		return
	}
	v := ch.Conversation
	w := c.walk(v)
	t := turn{walk: w, before: w.view, now: v, change: ch, in: c.inputs[e.Input], spoke: e.Input != 0}
	c.current[e.User] = w
	for _, b := range t.in.From.Bound {
		w.bound[b.ID] = true
	}
	c.recognised(t)
	w.account, w.own, w.unasked = v.Subject.ID, v.Subject.Own, v.Unasked
	if w.unasked && (v.State != conversation.Start || w.account != "" || len(w.proofs) > 0) {
		c.wrong("conversation %s, which nobody asked for, is on %s", w.receipt, v.State)
	}
	if q := v.Question; q != nil {
		c.of[q.ID] = w
	}
	c.ownChat(t)
	c.page(t)
	c.marks(t)
	c.count(t)
	c.orders(t)
	if c.open[w.account] == w && !untilKnown(v.State) {
		delete(c.open, w.account)
	}
	w.view = v
}

// over are the ends.
func over(s conversation.State) bool {
	switch s {
	case conversation.Done, conversation.Secured, conversation.Solved, conversation.Enrolled, conversation.Cancelled,
		conversation.Expired, conversation.Locked, conversation.Denied, conversation.Referred, conversation.Displaced,
		conversation.Withdrawn:
		return true
	}
	return false
}

// untilKnown are the pages that nothing ends but the truth.
func untilKnown(s conversation.State) bool {
	switch s {
	case conversation.Changing, conversation.Unknown, conversation.Unlocking, conversation.UnlockUnknown,
		conversation.EnrolStore:
		return true
	}
	return false
}

// effect: each input has one effect, or is a repetition and has none.
func (c *checker) effect(e committed) {
	if e.Input == 0 {
		return
	}
	c.effects[e.Input]++
	event, same := c.inputs[e.Input].Event, e.Change.Same
	w := c.current[e.User]
	if seen := c.walks[e.Change.Conversation.ID]; same && seen != nil {
		w = seen // what changes nothing may be taken on what was there a moment before
	}
	switch repeated := slices.Contains(c.seen[e.User], event); {
	case repeated && !same:
		c.wrong("a repetition had an effect (%s of %s)", event, e.User)
	case !repeated && same && w != nil && w.end == "":
		c.wrong("an input had no effect (%s of %s)", event, e.User)
	case !same:
		seen := append(c.seen[e.User], event)
		c.seen[e.User] = seen[max(0, len(seen)-32):]
	}
}

// close is what must hold in the end, once everything had time to come about.
func (c *checker) close() {
	for id, in := range c.inputs {
		if n := c.effects[id]; n > 1 || n == 0 && in.Acknowledged {
			c.wrong("input %d of %s was committed %d times", id, in.From.User, n)
		}
	}
	for id := range c.open {
		c.wrong("a write of %s is still open", id)
	}
	for _, w := range c.walks {
		c.truth(w)
	}
	for _, w := range c.current {
		if w == nil || w.owner() {
			continue
		}
		if w.end == "" && !w.unasked {
			c.wrong("conversation %s never ended", w.receipt)
		}
		if newest := slices.Max(slices.Collect(maps.Keys(w.pages))); w.shown < newest {
			c.wrong("%s never saw page %d (%s)", w.user, newest, w.pages[newest])
		}
	}
	for id, n := range c.notices {
		if n.Kind == conversation.Tell && !c.told[id] && c.now.At.Sub(n.At) < c.policy.NoticeLife {
			c.wrong("%s was never told %s", n.Account, n.Message)
		}
	}
	c.denialsTold()
	c.audit()
}

// truth: who is told that it was written has it written, and the reverse; and
// its owner is told.
func (c *checker) truth(w *walk) {
	done := w.end == conversation.Done && w.last == conversation.EndReset
	if done && w.calls == 0 {
		c.wrong("conversation %s was told of a new password, and there is none", w.receipt)
	}
	if w.wrote == 0 {
		return
	}
	if a := c.account(w.account); !w.disowned.IsZero() && a.last == w && a.scrambled.Before(w.disowned) {
		c.wrong("conversation %s was disowned, and its password still holds", w.receipt)
	}
	if !done && w.last != conversation.EndUnresolved {
		c.wrong("conversation %s wrote a password, and ended as %s (%s)", w.receipt, w.end, w.last)
	}
	for _, n := range c.notices {
		if n.Conversation == w.id && n.Message == conversation.TellReset && n.Account == w.account {
			return
		}
	}
	if done {
		c.wrong("conversation %s wrote a password, and %s was never told", w.receipt, w.account)
	}
}

// audit: the chain is whole, and has every line that was committed, once.
func (c *checker) audit() {
	if c.chain != nil {
		c.wrong("%v", c.chain)
	}
	for _, l := range c.evidence.lines {
		c.lines[encoded(l)]--
	}
	for line, n := range c.lines {
		if n != 0 {
			c.wrong("the audit has %d too few of %s", n, line)
		}
	}
}

// line follows the audit.
func (c *checker) line(l conversation.Line) {
	c.lines[encoded(l)]++
	w := c.receipts[l.Receipt]
	if l.Event == "write_begun" {
		if w == nil {
			c.wrong("a write of nobody was begun")
			return
		}
		w.begun++
	}
	switch l.Detail {
	case "disowned_by_owner", "phone_lost":
		a := c.account(l.Account)
		a.frozen, a.froze = c.now.At.Add(c.policy.FreezeFor), c.now.Tick
		if l.Detail == "disowned_by_owner" && w != nil && (a.last == w || c.open[l.Account] == w) {
			w.disowned = c.now.At
		}
	case "denied_by_owner":
		if w != nil {
			w.denied[l.Account] = c.now.Tick
		}
	}
}

func encoded(l conversation.Line) string {
	l.At = l.At.UTC().Round(0)
	text, err := json.Marshal(l)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// narrate is a history to read.
func narrate(history []happening) string {
	var text strings.Builder
	for _, h := range history {
		fmt.Fprintf(&text, "\n%6d %s ", h.Tick, h.At.Format("02 15:04:05.000"))
		switch what := h.What.(type) {
		case committed:
			v := what.Change.Conversation
			fmt.Fprintf(&text, "committed %s #%d %s %s %s same=%t", v.User, what.Input, v.Receipt, v.State, v.Page.ID,
				what.Change.Same)
			for _, l := range what.Change.Audit {
				fmt.Fprintf(&text, " [%s %s>%s %s]", l.Event, l.From, l.To, l.Detail)
			}
			for key, counter := range what.Change.Counters {
				fmt.Fprintf(&text, " {%s: %d %s}", key, len(counter.Spends), counter.Locked.Format("02 15:04"))
			}
		default:
			fmt.Fprintf(&text, "%T %+v", what, what)
		}
	}
	return text.String()
}
