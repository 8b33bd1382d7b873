package bot_test

import (
	"slices"
	"time"

	"resetbot/conversation"
)

// What the checker knows of bindings: who is bound to which account, since when, as
// their records were committed.

// bonds are a person's, and when bindings of theirs were last taken away.
type bonds struct {
	since map[conversation.AccountID]time.Time
	ended time.Time
}

func (c *checker) bondsOf(user conversation.User) *bonds {
	b := c.bound[user]
	if b == nil {
		b = &bonds{since: map[conversation.AccountID]time.Time{}}
		c.bound[user] = b
	}
	return b
}

// boundNow are the accounts that a person is bound to long enough.
func (c *checker) boundNow(user conversation.User) (list []conversation.AccountID) {
	for id, since := range c.bondsOf(user).since {
		if c.now.At.Sub(since) >= c.policy.WaitingTime {
			list = append(list, id)
		}
	}
	return list
}

// binding follows a person's record. Each account that comes into it was just proved
// there, twice, by a conversation that is done; none leaves it without a line.
func (c *checker) binding(e committed) {
	p := e.Change.Person
	if p == nil {
		return
	}
	b := c.bondsOf(p.User)
	since := map[conversation.AccountID]time.Time{}
	for _, n := range p.Bindings {
		since[n.Account] = n.Since
		before, old := b.since[n.Account]
		if old && !before.Equal(n.Since) {
			c.wrong("%s was bound to %s at %s, and then at %s", p.User, n.Account, before, n.Since)
		}
		if !old {
			c.binds(e, *b, n)
		}
	}
	for id := range b.since {
		if _, left := since[id]; left {
			continue
		}
		c.met["unbound"]++
		if !slices.ContainsFunc(e.Change.Audit, func(l conversation.Line) bool {
			return l.Event == "unbound" && l.Account == id
		}) {
			c.wrong("%s is no longer bound to %s, and the audit does not tell", p.User, id)
		}
	}
	b.since = since
	if p.Ended.After(b.ended) {
		b.ended = c.now.At
	}
}

func (c *checker) binds(e committed, before bonds, n conversation.Binding) {
	c.met["bound"]++
	v, user := e.Change.Conversation, e.Change.Person.User
	w := c.walks[v.ID]
	if w == nil || w.user != user || v.State != conversation.Done || v.Subject.ID != n.Account {
		c.wrong("%s was bound to %s by what is no end of a conversation about it", user, n.Account)
		return
	}
	families := map[conversation.Family]bool{}
	for _, p := range w.proofs {
		if p.account == n.Account {
			families[p.method.Family()] = true
		}
	}
	t := turn{walk: w, change: e.Change}
	switch {
	case user.Chat != "slack":
		c.wrong("%s was bound to %s", user, n.Account)
	case !families[conversation.Phone] || !families[conversation.App]:
		c.wrong("%s was bound to %s with the proofs %v", user, n.Account, w.proofs)
	case !n.Since.Equal(c.now.At):
		c.wrong("%s is bound to %s since %s", user, n.Account, n.Since)
	case w.own:
		c.wrong("%s was bound to %s in own chat", user, n.Account)
	case !before.ended.IsZero() && !w.began.After(before.ended):
		c.wrong("%s was bound to %s by what was begun before bindings ended", user, n.Account)
	case !t.tells(n.Account, conversation.TellBound):
		c.wrong("%s was bound to %s, who is not told", user, n.Account)
	case !slices.ContainsFunc(e.Change.Audit, func(l conversation.Line) bool { return l.Event == "bound" }):
		c.wrong("%s was bound to %s, and the audit does not tell", user, n.Account)
	case c.now.At.Before(c.account(n.Account).frozen):
		c.wrong("%s was bound to %s, which is frozen", user, n.Account)
	}
}

// disownedBinding: who did what the owner disowns is not bound to the account.
func (c *checker) disownedBinding(e committed) {
	for _, l := range e.Change.Audit {
		if w := c.receipts[l.Receipt]; w != nil && l.Detail == "disowned_by_owner" {
			if _, bound := c.bondsOf(w.user).since[l.Account]; bound {
				c.wrong("%s was disowned, and %s is still bound to it", l.Account, w.user)
			}
		}
	}
}

// recognised: whoever the chat does not prove is shown and treated as what the
// bindings prove that count now, and no younger ones.
func (c *checker) recognised(t turn) {
	if !t.in.From.Binds {
		return
	}
	counted := c.boundNow(t.user)
	for _, id := range counted {
		t.walk.bound[id] = true
	}
	if n := len(t.now.Page.Args.Accounts); t.now.Page.Token != t.before.Page.Token && n > 0 {
		c.met["recognised"]++
		if n != len(counted) {
			c.wrong("%s is shown %d accounts, and bound to %d", t.user, n, len(counted))
		}
	}
}

// ownChat: in own chat is whom the chat proves, or a binding that counts.
func (c *checker) ownChat(t turn) {
	if !t.own || t.owner() {
		return
	}
	if !t.walk.bound[t.account] {
		c.wrong("conversation %s is in own chat with %s, to whom %s is not bound", t.receipt, t.account, t.user)
	}
	if t.now.Binds {
		c.met["own chat by a binding"]++
	}
}
