package conversation

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The counters. Each account has two of each, so that what strangers do never
// shuts out the owner's own chat; own chat spends both.
const (
	others = "others"
	own    = "own"
)

// What is counted of an account, and of an asker.
const (
	useProofs     = "proofs"     // judged answers that were not right
	useChallenges = "challenges" // text messages, calls, notifications
	useBegun      = "begun"      // conversations
	usePasswords  = "passwords"  // current passwords that were wrong
	askerBegun    = "asker begun"
	askerCaptcha  = "asker captcha"  // wrong ones
	askerAccounts = "asker accounts" // on which a proof failed
)

func accountCounter(use, class string, a AccountKey) CounterKey {
	return CounterKey(use + "|" + class + "|" + string(a))
}

func askerCounter(use, asker string) CounterKey { return CounterKey(use + "|" + asker) }

// Reads names what Step may read for this input: the account's record and
// counters, the asker's, and the mark of a right answer. It must be asked with
// the same conversation and input as the Step that follows.
func (w *Wizard) Reads(c Conversation, in Input) Reads {
	var r Reads
	if in.Kind == Shown { // is noted on the page, and concerns nothing else
		return r
	}
	key := c.Subject.Key
	switch {
	case in.Kind == Disowns && in.Disowned != nil:
		r.Person = in.Disowned.User
	case in.From.Binds:
		r.Person = in.From.User
	case c.Binds && !c.State.Over():
		r.Person = c.User
	}
	record := c.Subject.ID != ""
	if out := in.Outcome; in.Kind == Came && out != nil {
		if c.Task != nil && c.Task.Kind == TaskFind && c.Task.ID == out.Task && !out.Trouble {
			found := w.allowed(c, out.Account)
			key, record = w.accountKey(found, c.Typed), found != nil
		}
		if out.Mark != "" {
			r.Marks = []string{out.Mark}
		}
		if out.Denied != "" {
			key, record = w.accountKey(&Account{ID: out.Denied}, ""), true
		}
	}
	if d := in.Disowned; in.Kind == Disowns && d != nil {
		key, record = w.accountKey(&Account{ID: d.Account}, ""), true
		r.Marks = []string{disownMark(d.Notice)}
	}
	bound := in.From.Bound
	if in.From.Binds { // what the bindings prove now is not read yet
		bound = c.Bound
	}
	if in.Choice == PickLostPhone && len(bound) == 1 {
		key, record = w.accountKey(&Account{ID: bound[0].ID}, ""), true
	}
	if key != "" {
		if record {
			r.Account = key
		}
		for _, class := range []string{others, own} {
			for _, use := range []string{useProofs, useChallenges, useBegun} {
				r.Counters = append(r.Counters, accountCounter(use, class, key))
			}
		}
		if c.Goal == ToEnrol {
			r.Counters = append(r.Counters, accountCounter(usePasswords, own, key))
		}
	}
	if asker := w.asker(c, in); asker != "" {
		for _, use := range []string{askerBegun, askerCaptcha, askerAccounts} {
			r.Counters = append(r.Counters, askerCounter(use, asker))
		}
	}
	return r
}

// asker is who asks: of this conversation, or of the one that begins now.
func (w *Wizard) asker(c Conversation, in Input) string {
	if c.ID == "" || c.State.Over() {
		return in.From.Asker
	}
	return c.Asker
}

// accountKey names the account that a name led to. Names that lead nowhere
// share a million slots, by keyed hash: enough that two of them practically
// never meet, and few enough to keep.
func (w *Wizard) accountKey(a *Account, typed string) AccountKey {
	if a != nil {
		return AccountKey("id:" + string(a.ID))
	}
	name, _, _ := strings.Cut(typed, "@")
	sum := w.Keys.Decoy.Sum("slot", name)
	return AccountKey(fmt.Sprintf("name:%02x%02x%x", sum[0], sum[1], sum[2]>>4))
}

// spend counts one try in the counter of this kind of person. A proof that
// failed in own chat fills both: whoever has the owner's chat has no second
// budget elsewhere.
func (s *step) spend(use, id string, l Limit) {
	s.spendOne(accountCounter(use, s.class(), s.c.Subject.Key), id, l)
	if use == useProofs && s.c.Subject.Own {
		s.spendOne(accountCounter(use, others, s.c.Subject.Key), id, l)
	}
}

// spendOne counts one try in one counter. What was not read must not be
// written: such a counter is a defect.
func (s *step) spendOne(key CounterKey, id string, l Limit) {
	if !slices.Contains(s.read.Counters, key) {
		use, _, _ := strings.Cut(string(key), "|")
		s.err = fmt.Errorf("the counter of %s was not read: %w", use, ErrNotNow)
		return
	}
	s.counters[key] = s.counters[key].Spend(id, s.now, l)
}

// giveBack takes one spend back; from a counter that never had it, nothing.
func (s *step) giveBack(use, id string, l Limit) {
	for _, class := range []string{others, own} {
		key := accountCounter(use, class, s.c.Subject.Key)
		if c, ok := s.counters[key]; ok && id != "" {
			s.counters[key] = c.GiveBack(id, s.now, l)
		}
	}
}

// counter is the one that counts for this person. What it holds from before the
// clock was set back counts from now on, and no longer than it would have.
func (s *step) counter(use string) Counter {
	key := accountCounter(use, s.class(), s.c.Subject.Key)
	if c, ahead := s.counters[key].notAhead(s.now); ahead {
		s.counters[key] = c
	}
	return s.counters[key]
}

// full reports whether the counter that counts for this person has no try
// left, and when it will.
func (s *step) full(use string, l Limit) (until time.Time, full bool) {
	return s.counter(use).Full(s.now, l)
}

// perAsker is a limit of one asker, for as many people as are known to share it.
func (s *step) perAsker(l Limit) Limit {
	l.N *= max(1, s.c.Crowd)
	return l
}

// class is which of the two counters shuts this person out.
func (s *step) class() string {
	if s.c.Subject.Own {
		return own
	}
	return others
}
