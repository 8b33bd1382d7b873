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
// ends are final …) and nothing of how the wizard keeps them.

// evidence is what a schedule leaves.
type evidence struct {
	history  []happening
	policy   conversation.Policy
	attempts map[string]string   // who typed which password
	chain    error               // of walking the audit's chain
	lines    []conversation.Line // the audit
}

// slack is how much later a thing may be seen than it was counted: a code is
// judged minutes after the try that it takes over was spent.
const slack = 15 * time.Minute

// walk is what the checker knows of a conversation.
type walk struct {
	id       string
	user     conversation.User
	receipt  string
	began    time.Time
	account  conversation.AccountID
	own      bool
	proofs   []proof
	asked    map[string]int64 // when each challenge was last ordered to be judged
	orders   []time.Time      // of writes
	begun    int              // audit lines "write_begun"
	calls    int              // of the directory, to write
	wrote    int
	end      conversation.State
	last     conversation.MessageID // of the end
	denied   conversation.AccountID
	pages    map[int]conversation.MessageID // by version
	shown    int
	signedIn time.Time
	disowned time.Time // what it wrote
	enrolled time.Time // when its app was first ordered to be kept
	bound    map[conversation.AccountID]bool
}

type proof struct {
	method  conversation.Method
	account conversation.AccountID
	at      time.Time
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
	found    []string
	walks    map[string]*walk
	receipts map[string]*walk
	of       map[string]*walk     // by challenge
	right    map[string][]verdict // by mark: an app shows one code to whoever looks
	used     map[string]bool      // marks
	current  map[conversation.User]*walk
	counters map[conversation.CounterKey]conversation.Counter
	failures map[conversation.CounterKey][]failure
	strikes  map[conversation.CounterKey][]failure // only those of the counter's own kind of asker
	zero     map[conversation.CounterKey]int64
	sends    map[conversation.CounterKey]map[string]time.Time
	accounts map[conversation.AccountID]*checkedAccount
	inputs   map[int]received
	effects  map[int]int
	seen     map[conversation.User][]string
	open     map[conversation.AccountID]*walk
	notices  map[string]conversation.Notice
	told     map[string]bool
	lines    map[string]int
}

// checkedAccount is an account as it is outside.
type checkedAccount struct {
	bot.Account
	altered   time.Time
	apps      map[string]time.Time // since when, by device
	known     map[string]int64     // when they were first kept
	frozen    time.Time
	reset     time.Time
	scramble  bool // was ordered
	scrambled time.Time
	by        *walk // the conversation that last wrote a password
	wrong     []time.Time
}

// check proves the rules from the evidence, and tells what is against them.
func check(e evidence) []string {
	c := &checker{
		evidence: e, walks: map[string]*walk{}, receipts: map[string]*walk{}, of: map[string]*walk{},
		right: map[string][]verdict{}, used: map[string]bool{}, current: map[conversation.User]*walk{},
		counters: map[conversation.CounterKey]conversation.Counter{},
		failures: map[conversation.CounterKey][]failure{}, strikes: map[conversation.CounterKey][]failure{},
		zero: map[conversation.CounterKey]int64{}, sends: map[conversation.CounterKey]map[string]time.Time{},
		accounts: map[conversation.AccountID]*checkedAccount{}, inputs: map[int]received{},
		effects: map[int]int{}, seen: map[conversation.User][]string{}, open: map[conversation.AccountID]*walk{},
		notices: map[string]conversation.Notice{}, told: map[string]bool{}, lines: map[string]int{},
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
	return c.found
}

func (c *checker) wrong(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("at %d (%s): ", c.now.Tick, c.now.At.Format("02 15:04:05"))+
		fmt.Sprintf(format, args...))
}

func (c *checker) see(what any) {
	switch what := what.(type) {
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
		delete(c.account(what.Account).apps, what.Device)
	case altered:
		a := c.account(what.Account.ID)
		a.Account, a.altered = what.Account, c.now.At
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
			id: v.ID, user: v.User, receipt: v.Receipt, began: c.now.At, asked: map[string]int64{},
			pages: map[int]conversation.MessageID{}, bound: map[conversation.AccountID]bool{},
		}
		c.walks[v.ID] = w
		if v.User.Chat != "owner" {
			c.receipts[v.Receipt] = w
		}
	}
	return w
}

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
	if ch.Forget {
		delete(c.seen, e.User)
		delete(c.current, e.User)
		return
	}
	v := ch.Conversation
	w := c.walk(v)
	c.current[e.User] = w
	if in := c.inputs[e.Input]; e.Input != 0 {
		for _, b := range in.Bound {
			w.bound[b.ID] = true
		}
	}
	w.account, w.own = v.Subject.ID, v.Subject.Own
	w.pages[v.Page.Version] = v.Page.ID
	c.final(w, v)
	if q := v.Question; q != nil {
		c.of[q.ID] = w
	}
	c.marks(w, ch)
	c.count(w, ch)
	c.ordered(w, ch)
	running := v.State == conversation.Changing || v.State == conversation.Unknown ||
		v.State == conversation.Unlocking || v.State == conversation.UnlockUnknown
	if c.open[w.account] == w && !running {
		delete(c.open, w.account)
	}
}

// effect: each input has one effect, or is a repetition and has none.
func (c *checker) effect(e committed) {
	if e.Input == 0 {
		return
	}
	c.effects[e.Input]++
	event, same := c.inputs[e.Input].Event, e.Change.Same
	w := c.current[e.User]
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

// final: after an end nothing but the same end.
func (c *checker) final(w *walk, v conversation.Conversation) {
	switch {
	case w.end == "" && v.State.Over():
		w.end, w.last = v.State, v.Page.ID
	case w.end == "":
	case v.State != w.end || v.Page.ID != w.last:
		c.wrong("conversation %s ended as %s (%s), and is now %s (%s)", w.receipt, w.end, w.last, v.State, v.Page.ID)
	}
}

// marks: a proof is a right answer to this conversation's own challenge, used
// for the first time.
func (c *checker) marks(w *walk, ch conversation.Change) {
	for _, m := range ch.Marks {
		if c.used[m.Key] {
			c.wrong("%s was used twice", m.Key)
		}
		c.used[m.Key] = true
		if strings.HasPrefix(m.Key, "disowned:") {
			continue
		}
		i := slices.IndexFunc(c.right[m.Key], func(j verdict) bool {
			return j.Account == w.account && (j.Method == "" || c.of[j.Challenge] == w)
		})
		if i < 0 {
			c.wrong("conversation %s has a proof that is not its own (%s)", w.receipt, m.Key)
			continue
		}
		j := c.right[m.Key][i]
		if j.Method == "" { // the first code of a new app is no proof
			continue
		}
		c.oldEnough(w, m.Key, j)
		w.proofs = append(w.proofs, proof{j.Method, j.Account, c.now.At})
	}
	if n := len(ch.Conversation.Proofs); n > len(w.proofs) {
		c.wrong("conversation %s has %d proofs, and gave %d", w.receipt, n, len(w.proofs))
	}
}

// oldEnough: what is younger than the waiting time proves nothing.
func (c *checker) oldEnough(w *walk, mark string, j verdict) {
	a, least, at := c.account(j.Account), c.policy.WaitingTime, j.at
	if j.Method.Family() == conversation.Phone {
		if at.Sub(a.MobileSince) < least && at.Sub(a.altered) > time.Minute {
			c.wrong("conversation %s proved with a number that is too young", w.receipt)
		}
		return
	}
	old := false
	for device, since := range a.apps {
		counts := j.Method == conversation.Push || strings.Contains(mark, ":"+device+":")
		old = old || counts && at.Sub(since) >= least
	}
	if !old {
		c.wrong("conversation %s proved with an app that is too young or gone (%s)", w.receipt, mark)
	}
}

// proofCounter is the counter of failed proofs of an account.
func proofCounter(class string, id conversation.AccountID) conversation.CounterKey {
	return conversation.CounterKey("proofs|" + class + "|id:" + string(id))
}

// count follows the counters. They begin again at zero after a reset, and when a
// lock has run out.
func (c *checker) count(w *walk, ch conversation.Change) {
	for key, counter := range ch.Counters {
		before := c.counters[key]
		if !before.Locked.IsZero() && !c.now.At.Before(before.Locked) {
			c.zero[key] = c.now.Tick
		}
		c.counters[key] = counter
	}
	for _, line := range ch.Audit {
		if line.Event == string(conversation.Written) && line.Goal == conversation.ToReset && line.To == conversation.Done {
			for _, class := range []string{"own", "others"} {
				c.zero[proofCounter(class, w.account)] = c.now.Tick
				delete(c.sends, proofCounter(class, w.account))
			}
			c.account(w.account).reset, c.account(w.account).by = c.now.At, w
		}
	}
}

// ordered follows what a commit wants done.
func (c *checker) ordered(w *walk, ch conversation.Change) {
	task := ch.Conversation.Task
	if !ch.Start || task == nil {
		return
	}
	switch task.Kind {
	case conversation.TaskCheck, conversation.TaskWait:
		w.asked[task.Challenge] = c.now.Tick
	case conversation.TaskReset, conversation.TaskUnlock:
		c.write(w, task.Kind == conversation.TaskUnlock)
	case conversation.TaskScramble:
		c.account(task.Account).scramble = true
	case conversation.TaskEnrol:
		if w.enrolled.IsZero() {
			w.enrolled = c.now.At
		}
	}
}

// write: two proofs of two families for that account, within 15 minutes; an
// audit line in the same commit or before; nobody else's write is open.
func (c *checker) write(w *walk, unlock bool) {
	a := c.account(w.account)
	families := map[conversation.Family]bool{}
	for _, p := range w.proofs {
		if p.account == w.account && c.now.At.Sub(p.at) <= c.policy.ProofLife {
			families[p.method.Family()] = true
		}
	}
	enough := families[conversation.Phone] && families[conversation.App]
	if unlock && w.own && len(families) == 1 && c.now.At.Sub(a.reset) < c.policy.SecondUnlock {
		enough = true
	}
	if !enough {
		c.wrong("conversation %s writes with the proofs %v", w.receipt, w.proofs)
	}
	w.orders = append(w.orders, c.now.At)
	if w.begun < len(w.orders) {
		c.wrong("conversation %s writes, and the audit does not tell", w.receipt)
	}
	if other := c.open[w.account]; other != nil && other != w {
		c.wrong("conversations %s and %s write %s at the same time", other.receipt, w.receipt, w.account)
	}
	if c.now.At.Before(a.frozen) {
		c.wrong("conversation %s writes a frozen account", w.receipt)
	}
	if w.denied == w.account {
		c.wrong("conversation %s writes after a denial", w.receipt)
	}
	c.open[w.account] = w
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
		a.frozen = c.now.At.Add(c.policy.FreezeFor)
		if l.Detail == "disowned_by_owner" && w != nil && (a.by == w || c.open[l.Account] == w) {
			w.disowned = c.now.At
		}
	case "denied_by_owner":
		if w != nil {
			w.denied = l.Account
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

// challenged: only what may be reset is sent anything, only at the number that
// the directory has, and no more than the limit.
func (c *checker) challenged(e challenged) {
	a, w := c.account(e.Account), c.of[e.Challenge]
	if w == nil {
		c.wrong("something was sent that nobody asked for")
		return
	}
	settled := c.now.At.Sub(a.altered) > time.Minute
	if settled && a.Reason != conversation.Eligible {
		c.wrong("something was sent to %s, which is %s", e.Account, a.Reason)
	}
	if number := "+31" + strings.TrimPrefix(a.Mobile, "0"); settled && e.Number != "" && e.Number != number {
		c.wrong("something was sent to another number than that of %s", e.Account)
	}
	key := proofCounter(class(w), e.Account)
	if c.sends[key] == nil {
		c.sends[key] = map[string]time.Time{}
	}
	c.sends[key][e.Challenge] = c.now.At
	limit := c.policy.Challenges
	maps.DeleteFunc(c.sends[key], func(_ string, at time.Time) bool { return c.now.At.Sub(at) >= limit.Window-slack })
	if n := len(c.sends[key]); n > limit.N {
		c.wrong("%d challenges within %s for %s", n, limit.Window, key)
	}
}

func class(w *walk) string {
	if w.own {
		return "own"
	}
	return "others"
}

// judged: what was judged wrong is counted, and never more than the limit.
func (c *checker) judged(e judged) {
	if e.Judgement.Verdict == conversation.Right {
		c.right[e.Judgement.Mark] = append(c.right[e.Judgement.Mark], verdict{e, c.now.At})
		return
	}
	if e.Method == "" {
		return
	}
	w := c.of[e.Challenge]
	if w == nil || w.asked[e.Challenge] == 0 {
		c.wrong("an answer was judged, and nobody had ordered it")
		return
	}
	f := failure{c.now.At, w.asked[e.Challenge]}
	own, others := proofCounter("own", e.Account), proofCounter("others", e.Account)
	c.failures[others] = append(c.failures[others], f)
	c.counted(others)
	if w.own {
		c.failures[own] = append(c.failures[own], f)
		c.counted(own)
	}
	key := proofCounter(class(w), e.Account)
	c.strikes[key] = append(c.strikes[key], f)
	if n := c.recent(key, c.strikes[key]); n > c.policy.Proofs.N {
		c.wrong("%d wrong answers were judged for %s", n, key)
	}
}

// recent is how many of these failures a counter must still know.
func (c *checker) recent(key conversation.CounterKey, failures []failure) int {
	n := 0
	for _, f := range failures {
		if f.order > c.zero[key] && c.now.At.Sub(f.at) < c.policy.Proofs.Window-slack {
			n++
		}
	}
	return n
}

// counted: no counter is lower than the failures that were judged.
func (c *checker) counted(key conversation.CounterKey) {
	counter := c.counters[key]
	if c.now.At.Before(counter.Locked) {
		return
	}
	if n := c.recent(key, c.failures[key]); len(counter.Spends) < n {
		c.wrong("%s counts %d of %d failures", key, len(counter.Spends), n)
	}
}

// signedIn: no more wrong passwords than the limit.
func (c *checker) signedIn(e signedIn) {
	a := c.account(e.Account)
	if e.Right {
		for _, w := range c.walks {
			if w.end == "" && w.bound[e.Account] {
				w.signedIn = c.now.At
			}
		}
		return
	}
	a.wrong = append(slices.DeleteFunc(a.wrong, func(at time.Time) bool {
		return c.now.At.Sub(at) >= c.policy.Passwords.Window-slack
	}), c.now.At)
	if n := len(a.wrong); n > c.policy.Passwords.N {
		c.wrong("%d wrong passwords were tried on %s", n, e.Account)
	}
}

// called: the directory writes only what a commit ordered.
func (c *checker) called(e called) {
	w, typed := c.open[e.Account], c.attempts[e.Password]
	switch {
	case e.Password != "" && typed == "":
		if !c.account(e.Account).scramble {
			c.wrong("%s got a password that nobody ordered", e.Account)
		}
		if w != nil {
			c.wrong("%s got a password while conversation %s writes", e.Account, w.receipt)
		}
	case w == nil || e.Password != "" && w.user.String() != typed:
		c.wrong("%s was written for %q, who had not ordered it", e.Account, typed)
	default:
		if w.calls++; w.calls > len(w.orders) {
			c.wrong("conversation %s wrote %d times, and had ordered %d", w.receipt, w.calls, len(w.orders))
		}
	}
}

func (c *checker) wrote(e wrote) {
	if c.attempts[e.Password] == "" {
		c.account(e.Account).scrambled = c.now.At
		return
	}
	w := c.open[e.Account]
	if w == nil || w.user.String() != c.attempts[e.Password] {
		c.wrong("%s was written when nobody was waiting for it any more", e.Account)
		return
	}
	w.wrote++
}

// shown: pages are as they were committed, in their order, and none comes after
// an end.
func (c *checker) shown(e shown) {
	w := c.receipts[e.Receipt]
	switch {
	case e.Receipt == "":
	case w == nil || w.user != e.User:
		c.wrong("%s saw a page that is not theirs", e.User)
	case w.pages[e.Version] != e.Page:
		c.wrong("%s saw %s, which was never committed", e.User, e.Page)
	case e.Version < w.shown:
		c.wrong("%s saw page %d after page %d", e.User, e.Version, w.shown)
	default:
		w.shown = e.Version
	}
}

// kept: an app only in one's own chat, with the current password, a proof of the
// telephone, and one of the app where there was one.
func (c *checker) kept(e kept) {
	a := c.account(e.Account)
	before := 0
	for device := range a.apps {
		if device != e.Device.ID {
			before++
		}
	}
	_, again := a.known[e.Device.ID]
	a.apps[e.Device.ID] = e.Device.Since
	if !again {
		a.known[e.Device.ID] = c.now.Tick
	}
	if e.Device.ID == "first" || again {
		return
	}
	for _, w := range c.walks {
		if w.receipt == e.Device.Name && !w.enrolled.IsZero() {
			c.enrolled(w, e, before > 0)
			return
		}
	}
	c.wrong("an app of %s was kept, and nobody had ordered it", e.Account)
}

func (c *checker) enrolled(w *walk, e kept, second bool) {
	families := map[conversation.Family]bool{}
	for _, p := range w.proofs {
		if p.account == e.Account && w.enrolled.Sub(p.at) <= c.policy.ProofLife {
			families[p.method.Family()] = true
		}
	}
	switch {
	case !w.bound[e.Account]:
		c.wrong("an app was kept outside the own chat of %s", e.Account)
	case w.signedIn.IsZero() || w.enrolled.Sub(w.signedIn) > c.policy.ProofLife:
		c.wrong("an app of %s was kept without the current password", e.Account)
	case !families[conversation.Phone]:
		c.wrong("an app of %s was kept without a proof of the telephone", e.Account)
	case second && !families[conversation.App]:
		c.wrong("a further app of %s was kept without a proof of the one before", e.Account)
	}
}

// close is what must hold in the end, once everything had time to come about.
func (c *checker) close() {
	for id, in := range c.inputs {
		if n := c.effects[id]; n > 1 || n == 0 && in.Acknowledged {
			c.wrong("input %d of %s was committed %d times", id, in.User, n)
		}
	}
	for id := range c.open {
		c.wrong("a write of %s is still open", id)
	}
	for _, w := range c.walks {
		c.truth(w)
	}
	for _, w := range c.current {
		if w != nil && w.user.Chat != "owner" && w.end == "" {
			c.wrong("conversation %s never ended", w.receipt)
		}
		if newest := slices.Max(slices.Collect(maps.Keys(w.pages))); w.user.Chat != "owner" && w.shown < newest {
			c.wrong("%s never saw page %d (%s)", w.user, newest, w.pages[newest])
		}
	}
	for id, n := range c.notices {
		if n.Kind == conversation.Tell && !c.told[id] && c.now.At.Sub(n.At) < c.policy.NoticeLife {
			c.wrong("%s was never told %s", n.Account, n.Message)
		}
	}
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
	if a := c.account(w.account); !w.disowned.IsZero() && a.by == w && a.scrambled.Before(w.disowned) {
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
