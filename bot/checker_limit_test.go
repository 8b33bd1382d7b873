package bot_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"resetbot/conversation"
)

// What the checker knows of whatever is counted.

// tallies are what was counted so far.
type tallies struct {
	counters map[conversation.CounterKey]conversation.Counter
	failures map[conversation.CounterKey][]failure
	strikes  map[conversation.CounterKey][]failure // only those of the counter's own kind of asker
	zero     map[conversation.CounterKey]int64
	sends    map[conversation.CounterKey]map[string]time.Time
	fresh    map[conversation.AccountKey]int64      // when a reset set its counters to zero
	sent     map[conversation.CounterKey][]use      // challenges
	begun    map[conversation.CounterKey][]use      // conversations
	tries    map[conversation.AccountID][]time.Time // of own chats
	lookups  map[conversation.User][]time.Time
	captchas map[conversation.User][]time.Time // wrong ones
	riddles  map[string]bool
	newest   map[conversation.User]int
	triedOn  map[conversation.User]map[conversation.AccountKey]use
	denials  map[conversation.AccountID][]int // that must come to the audit yet, by process
	noPush   map[conversation.CounterKey]happening
	locks    map[conversation.AccountID]time.Time // that the owner was told of
}

func newTallies() tallies {
	return tallies{
		counters: map[conversation.CounterKey]conversation.Counter{},
		failures: map[conversation.CounterKey][]failure{}, strikes: map[conversation.CounterKey][]failure{},
		zero: map[conversation.CounterKey]int64{}, sends: map[conversation.CounterKey]map[string]time.Time{},
		fresh: map[conversation.AccountKey]int64{}, sent: map[conversation.CounterKey][]use{},
		begun: map[conversation.CounterKey][]use{}, tries: map[conversation.AccountID][]time.Time{},
		lookups: map[conversation.User][]time.Time{}, captchas: map[conversation.User][]time.Time{},
		riddles: map[string]bool{}, newest: map[conversation.User]int{},
		triedOn: map[conversation.User]map[conversation.AccountKey]use{},
		denials: map[conversation.AccountID][]int{}, noPush: map[conversation.CounterKey]happening{},
		locks: map[conversation.AccountID]time.Time{},
	}
}

// use is one that is counted: a challenge, or a conversation that began.
type use struct {
	happening
	walk *walk
	id   string
}

// within is how many of these moments lie within a window that ends now.
func (c *checker) within(moments []time.Time, window time.Duration) (n int) {
	for _, at := range moments {
		if c.now.At.Sub(at) < window {
			n++
		}
	}
	return n
}

// usedNow is a counter of a conversation's account and kind of asker.
func usedNow(t turn, what string) conversation.CounterKey {
	return conversation.CounterKey(what + "|" + class(t.own) + "|" + string(t.now.Subject.Key))
}

// proofCounter is the counter of failed proofs of an account.
func proofCounter(class string, id conversation.AccountID) conversation.CounterKey {
	return conversation.CounterKey("proofs|" + class + "|id:" + string(id))
}

// count follows the counters. They begin again at zero after a reset, and when a
// lock has run out.
func (c *checker) count(t turn) {
	w := t.walk
	for key, counter := range t.change.Counters {
		before := c.counters[key]
		if !before.Locked.IsZero() && !c.now.At.Before(before.Locked) {
			c.zero[key] = c.now.Tick
			c.met["a lock ran out"]++
		}
		c.counters[key] = counter
	}
	for _, line := range t.change.Audit {
		if line.Event == string(conversation.Written) && line.Goal == conversation.ToReset && line.To == conversation.Done {
			for _, class := range []string{"own", "others"} {
				c.zero[proofCounter(class, w.account)] = c.now.Tick
				delete(c.sends, proofCounter(class, w.account))
			}
			c.fresh[t.now.Subject.Key] = c.now.Tick
			c.account(w.account).reset = c.now.At
			c.zeroed(t)
		}
	}
	for _, n := range t.change.Notices {
		if n.Kind == conversation.Tell && n.Message == conversation.TellLocked {
			c.locks[n.Account] = c.now.At
		}
	}
	for _, line := range t.change.Audit {
		if line.Detail == "denied_by_owner" {
			c.denied(t, line)
		}
	}
	c.codes(t)
}

// zeroed: after a reset the account's counters are at zero.
func (c *checker) zeroed(t turn) {
	limits := map[string]conversation.Limit{
		"proofs": c.policy.Proofs, "challenges": c.policy.Challenges, "begun": c.policy.Begun,
	}
	for use, limit := range limits {
		for _, class := range []string{"own", "others"} {
			key := conversation.CounterKey(use + "|" + class + "|" + string(t.now.Subject.Key))
			for _, spend := range c.counters[key].Spends {
				if c.now.At.Sub(spend.At) < limit.Window { // older ones the store may have forgotten
					c.wrong("%s counts on after a reset", key)
				}
			}
		}
	}
}

// denied: what the owner says on the telephone is told, raises an alarm, and for an
// hour nobody of that kind has a notification sent.
func (c *checker) denied(t turn, line conversation.Line) {
	kind := "others"
	if t.own && t.account == line.Account {
		kind = "own"
	}
	c.noPush[conversation.CounterKey(kind+"|"+string(line.Account))] = c.now
	waiting := slices.DeleteFunc(c.denials[line.Account], func(life int) bool { return c.dead[life] })
	c.denials[line.Account] = waiting[min(1, len(waiting)):]
	if !line.Alarm || !t.tells(line.Account, conversation.TellDenied) {
		c.wrong("conversation %s was denied, and nobody is told", t.receipt)
	}
}

// denialsTold: none was lost but with its process.
func (c *checker) denialsTold() {
	for account, lives := range c.denials {
		for _, life := range lives {
			if !c.dead[life] {
				c.wrong("the owner of %s denied something, and that was lost", account)
			}
		}
	}
}

// codes: three wrong codes end a challenge; what was judged once is not judged
// again.
func (c *checker) codes(t turn) {
	if t.before.Question == nil || t.before.Task == nil {
		return
	}
	id := t.before.Question.ID
	v := t.verdicts[id]
	switch {
	case t.notes(conversation.NoteInterrupted) || t.notes(conversation.NoteNotJudged):
		v.lost++
	case t.notes(conversation.NoteCodeWrong), t.notes(conversation.NoteCodeUsed), t.notes(conversation.NoteCodeOver):
		t.heard[t.answer] = true
	}
	t.verdicts[id] = v
}

// begins: five conversations an hour for each account and kind of asker. One that
// expired without a try does not count, and each counts once.
func (c *checker) begins(t turn) {
	key := usedNow(t, "begun")
	counted := slices.DeleteFunc(c.begun[key], func(u use) bool {
		return c.now.At.Sub(u.At) >= c.policy.Begun.Window || u.Tick < c.fresh[t.now.Subject.Key] ||
			u.walk.end == conversation.Expired && !u.walk.spent
	})
	c.begun[key] = counted
	if slices.ContainsFunc(counted, func(u use) bool { return u.walk == t.walk }) {
		return
	}
	if n := len(counted); n >= c.policy.Begun.N {
		c.wrong("conversation %s begins after %d in an hour for %s", t.receipt, n, key)
	}
	c.begun[key] = append(counted, use{happening: c.now, walk: t.walk})
}

// locked: nobody is locked out whose account's owner was not told, and own chats
// only by tries in own chats.
func (c *checker) locked(t turn) {
	if t.last != conversation.EndLocked || t.account == "" {
		return
	}
	at, told := c.locks[t.account]
	told = told && c.now.At.Sub(at) <= c.policy.Proofs.Lock || t.tells(t.account, conversation.TellLocked)
	if !told {
		c.wrong("%s was locked, and its owner not told", t.account)
	}
	if n := c.within(c.tries[t.account], c.policy.Proofs.Window+c.policy.Proofs.Lock); t.own && n < c.policy.Proofs.N {
		c.wrong("the owner's own chat is locked out of %s after %d tries of its own", t.account, n)
	}
}

// orders follows what a commit wants done.
func (c *checker) orders(t turn) {
	if q := t.now.Question; q != nil && q.Method == conversation.Code && t.created[q.ID].Tick == 0 {
		t.newest, t.created[q.ID] = q.ID, question{c.now, t.own} // an app shows its code unasked
	}
	task := t.now.Task
	if !t.change.Start || task == nil {
		return
	}
	visible := task.Own || t.own || len(t.now.Proofs) > 0
	t.task = ordered{task.ID, c.now, !visible && !t.owner()}
	switch task.Kind {
	case conversation.TaskFind:
		c.looked(t, task)
	case conversation.TaskChallenge:
		c.asks(t, task.Challenge)
	case conversation.TaskCheck, conversation.TaskWait:
		c.checks(t, task)
	case conversation.TaskReset, conversation.TaskUnlock:
		c.write(t.walk, task.Kind == conversation.TaskUnlock)
	case conversation.TaskScramble:
		c.account(task.Account).scramble = true
	case conversation.TaskEnrol:
		if t.enrolled.IsZero() {
			t.enrolled = c.now.At
		}
	}
}

// looked: ten accounts a day for each asker; and where nobody is known, after a
// captcha.
func (c *checker) looked(t turn, task *conversation.Task) {
	if t.before.Task != nil && t.before.Task.ID == task.ID {
		return // once more, after a crash
	}
	c.lookups[t.user] = append(c.lookups[t.user], c.now.At)
	if n := c.within(c.lookups[t.user], c.policy.BegunAsker.Window); n > c.policy.BegunAsker.N {
		c.wrong("%s had %d accounts looked up in a day", t.user, n)
	}
	if len(t.bound) == 0 && !t.solved {
		c.wrong("conversation %s has an account looked up without a captcha", t.receipt)
	}
}

// asks: five challenges an hour for each account and kind of asker, and half a
// minute between two, unless the one before ended in a proof of this conversation.
func (c *checker) asks(t turn, id string) {
	if t.created[id].Tick > 0 {
		return // once more, after a crash
	}
	t.newest, t.created[id], t.spent = id, question{c.now, t.own}, true
	c.tried(t)
	if t.user.Chat == "teams" && !t.own {
		c.wrong("conversation %s asks for a proof of somebody else", t.receipt)
	}
	key, limit := usedNow(t, "challenges"), c.policy.Challenges
	counted := slices.DeleteFunc(c.sent[key], func(u use) bool {
		return c.now.At.Sub(u.At) >= limit.Window || u.Tick < c.fresh[t.now.Subject.Key]
	})
	if n := len(counted); n >= limit.N {
		c.wrong("conversation %s asks for a challenge after %d for %s", t.receipt, n, key)
	}
	if n := len(counted); n > 0 {
		last := counted[n-1]
		proved := slices.ContainsFunc(t.proofs, func(p proof) bool { return p.challenge == last.id })
		if pause := c.now.At.Sub(last.At); pause < c.policy.Cooldown && !proved {
			c.wrong("conversation %s asks for a challenge %s after the one before for %s", t.receipt, pause, key)
		}
	}
	c.sent[key] = append(counted, use{c.now, t.walk, id})
}

// checks: an answer to the newest challenge is judged, while that lives, and one
// that was judged before is not.
func (c *checker) checks(t turn, task *conversation.Task) {
	t.asked[task.Challenge], t.spent = append(t.asked[task.Challenge], c.now), true
	c.tried(t)
	if task.Challenge != t.newest {
		c.wrong("conversation %s has an answer judged to a challenge that was replaced", t.receipt)
	}
	if task.Kind == conversation.TaskWait {
		t.answer = ""
		return
	}
	if age := c.now.At.Sub(t.created[task.Challenge].At); task.Method == conversation.SMS && age >= c.policy.CodeLife {
		c.wrong("conversation %s has a code judged that is %s old", t.receipt, age)
	}
	t.answer = task.Challenge + " " + t.change.Secret.Reveal()
	if t.heard[t.answer] {
		c.wrong("conversation %s has the same code judged again", t.receipt)
	}
}

// tried notes a try, before anybody can tell that it is a right one. One asker
// tries in vain on three accounts a day.
func (c *checker) tried(t turn) {
	if t.own {
		c.tries[t.account] = append(c.tries[t.account], c.now.At)
		return
	}
	on, limit := c.triedOn[t.user], c.policy.Accounts
	if on == nil {
		on = map[conversation.AccountKey]use{}
		c.triedOn[t.user] = on
	}
	maps.DeleteFunc(on, func(_ conversation.AccountKey, u use) bool { return c.now.At.Sub(u.At) >= limit.Window })
	if _, again := on[t.now.Subject.Key]; again || len(t.proofs) > 0 {
		return
	}
	if on[t.now.Subject.Key] = (use{happening: c.now, walk: t.walk}); len(on) > limit.N {
		c.wrong("%s tries on %d accounts in a day", t.user, len(on))
	}
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
	c.mayAsk(e, w, a)
	key := proofCounter(class(w.created[e.Challenge].own), e.Account)
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

// mayAsk: whoever asked had the right to when they did, and typed the whole number.
func (c *checker) mayAsk(e challenged, w *walk, a *checkedAccount) {
	asked := w.created[e.Challenge]
	if n := len(e.Number); e.Method.Family() == conversation.Phone && !w.numbers[e.Number[n-9:]] {
		c.wrong("conversation %s had something sent to a number that nobody typed", w.receipt)
	}
	if at, denied := w.denied[e.Account]; denied && asked.Tick > at {
		c.wrong("conversation %s had something sent to %s, who had denied it", w.receipt, e.Account)
	}
	if w.away > 0 && asked.Tick > w.away {
		c.wrong("conversation %s had something sent, and the owner had sent it away", w.receipt)
	}
	if asked.Tick > a.froze && asked.At.Before(a.frozen) {
		c.wrong("conversation %s had something sent to %s, which is frozen", w.receipt, e.Account)
	}
	no, denied := c.noPush[conversation.CounterKey(class(asked.own)+"|"+string(e.Account))]
	if e.Method == conversation.Push && denied && asked.Tick > no.Tick && asked.At.Sub(no.At) < c.policy.NoPush {
		c.wrong("conversation %s had a notification sent %s after one was denied", w.receipt, asked.At.Sub(no.At))
	}
}

func class(own bool) string {
	if own {
		return "own"
	}
	return "others"
}

// judged: what was judged wrong is counted, and never more than the limit.
func (c *checker) judged(e judged) {
	right := e.Judgement.Verdict == conversation.Right
	if right {
		c.right[e.Judgement.Mark] = append(c.right[e.Judgement.Mark], verdict{e, c.now.At})
	}
	if e.Method == "" { // the first code of a new app is no proof
		return
	}
	w := c.of[e.Challenge]
	order, asked := c.answers(w, e.Challenge)
	if !asked {
		c.wrong("an answer was judged, and nobody had ordered it")
	}
	if !asked || right {
		return
	}
	if e.Judgement.Verdict == conversation.DeniedByMe {
		c.denials[e.Account] = append(c.denials[e.Account], e.Life)
	}
	v := w.verdicts[e.Challenge]
	if v.wrong++; v.wrong > c.policy.CodeTries+v.lost {
		c.wrong("conversation %s had %d wrong codes judged to one challenge", w.receipt, v.wrong)
	}
	w.verdicts[e.Challenge] = v
	own := w.created[e.Challenge].own
	f := failure{c.now.At, order}
	for _, key := range []conversation.CounterKey{proofCounter("others", e.Account), proofCounter("own", e.Account)} {
		if own || key == proofCounter("others", e.Account) { // what fails in own chat fills both
			c.failures[key] = append(c.failures[key], f)
			c.counted(key)
		}
	}
	key := proofCounter(class(own), e.Account)
	c.strikes[key] = append(c.strikes[key], f)
	if n := c.recent(key, c.strikes[key]); n > c.policy.Proofs.N {
		c.wrong("%d wrong answers were judged for %s", n, key)
	}
}

// answers gives the order that a judgement answers, and takes it off: the first one
// that was not answered yet, among those that can be.
func (c *checker) answers(w *walk, challenge string) (order int64, ok bool) {
	if w == nil {
		return 0, false
	}
	orders := slices.DeleteFunc(w.asked[challenge], func(h happening) bool { return c.now.At.Sub(h.At) > 2*time.Minute })
	if len(orders) == 0 {
		return 0, false
	}
	w.asked[challenge] = orders[1:]
	if task := w.view.Task; task == nil || task.Challenge != challenge {
		c.met["judged too late"]++
	}
	return orders[0].Tick, true
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
