package bot_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"resetbot/conversation"
)

// What the checker knows of proofs, and of what may be written for them.

// marks: a proof is a right answer to this conversation's own newest challenge, used
// for the first time.
func (c *checker) marks(t turn) {
	w := t.walk
	for _, m := range t.change.Marks {
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
		w.proofs = append(w.proofs, proof{j.Method, j.Challenge, j.Account, c.now.At})
		c.proved(t, j)
	}
	if n := len(t.now.Proofs); n > len(w.proofs) {
		c.wrong("conversation %s has %d proofs, and gave %d", w.receipt, n, len(w.proofs))
	}
}

// proved: the first proof makes a conversation the account's holder, but for the
// owner's own chat, which nobody else displaces; and the owner is told.
func (c *checker) proved(t turn, j verdict) {
	w := t.walk
	if j.Challenge != w.newest {
		c.wrong("conversation %s has a proof by a challenge that was replaced", w.receipt)
	}
	if _, denied := w.denied[w.account]; denied {
		c.wrong("conversation %s has a proof of %s, who had denied something", w.receipt, w.account)
	}
	if u := c.triedOn[w.user][t.now.Subject.Key]; u.walk == w { // not in vain
		delete(c.triedOn[w.user], t.now.Subject.Key)
	}
	if w.away > 0 {
		c.wrong("conversation %s has a proof, and the owner had sent it away", w.receipt)
	}
	w.heard[w.answer] = true
	if len(w.proofs) > 1 {
		return
	}
	if before := c.holder[w.account]; before != nil && before.own && !w.own && before.end == "" &&
		c.now.At.Before(before.ends) {
		if t.now.State != conversation.Displaced {
			c.wrong("conversation %s displaces the owner's own %s", w.receipt, before.receipt)
		}
		c.met["displaced by the owner"]++
		return
	}
	c.holder[w.account] = w
	if told := conversation.TellProved; t.now.Goal != conversation.ToEnrol && !t.tells(w.account, told) {
		c.wrong("conversation %s has a first proof of %s, who is not told", w.receipt, w.account)
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
		c.met["unlocked with one proof"]++
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
	if _, denied := w.denied[w.account]; denied {
		c.wrong("conversation %s writes after a denial", w.receipt)
	}
	if c.holder[w.account] != w {
		c.wrong("conversation %s writes, and a newer one has proved to be %s", w.receipt, w.account)
	}
	c.unchanged(w, unlock)
	c.open[w.account] = w
}

// unchanged: the account is as it was on page 1, as far as that had settled then and
// has settled now.
func (c *checker) unchanged(w *walk, unlock bool) {
	was, is := w.found, c.account(w.account)
	settled := func(at time.Time) bool { return c.now.At.Sub(at) > time.Minute }
	switch {
	case was == nil:
		c.wrong("conversation %s writes an account that it never found", w.receipt)
	case was.at.Sub(was.altered) > time.Minute && settled(is.altered) &&
		(was.Reason != is.Reason || was.Mobile != is.Mobile):
		c.wrong("conversation %s writes, and %s was changed meanwhile", w.receipt, w.account)
	case was.at.Sub(was.appsAt) > time.Minute && settled(is.appsAt) && !maps.Equal(was.apps, is.apps):
		c.wrong("conversation %s writes, and %s has other apps", w.receipt, w.account)
	case slices.ContainsFunc(is.writes[len(was.writes):], settled) && w.wrote == 0:
		c.wrong("conversation %s writes, and somebody gave %s a password meanwhile", w.receipt, w.account)
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
		if w.exposed[e.Password] {
			c.wrong("%s got a password that was typed in the chat", e.Account)
		}
		if w.calls++; w.calls > len(w.orders) {
			c.wrong("conversation %s wrote %d times, and had ordered %d", w.receipt, w.calls, len(w.orders))
		}
	}
}

// wrote: somebody waits for it, or it is one that nobody knows.
func (c *checker) wrote(e wrote) {
	c.account(e.Account).writes = append(c.account(e.Account).writes, c.now.At)
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
	c.account(e.Account).last = w
	if w.view.State == conversation.Unknown {
		c.met["written while unknown"]++
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
	a.apps[e.Device.ID], a.appsAt = e.Device.Since, c.now.At
	if !again {
		a.known[e.Device.ID] = c.now.Tick
	}
	if e.Device.ID == "first" || again {
		return
	}
	if before > 0 {
		c.met["a further app"]++
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
	case !c.account(e.Account).reset.IsZero() && w.enrolled.Sub(c.account(e.Account).reset) < c.policy.WaitingTime &&
		w.enrolled.After(c.account(e.Account).reset):
		c.wrong("an app of %s was kept for somebody who had just reset the password", e.Account)
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
