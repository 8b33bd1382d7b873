package bot_test

import (
	"slices"
	"strconv"
	"strings"

	"resetbot/conversation"
)

// What the checker knows of pages, and of what people do on them.

// received notes in which order messages came.
func (c *checker) received(in received) {
	user := in.From.User
	switch {
	case in.Again && in.Life != in.message.Life:
		c.met["again after a restart"]++
	case in.Again:
		c.met["again"]++
	case in.Sent < c.newest[user]:
		c.met["out of order"]++
	}
	c.newest[user] = max(c.newest[user], in.Sent)
}

// page: what holds for every commit of a conversation.
func (c *checker) page(t turn) {
	p := t.now.Page
	t.pages[p.Version] = p.ID
	if _, known := t.tokens[p.Token]; !known {
		t.tokens[p.Token] = c.now.At
	}
	c.final(t)
	if t.owner() {
		return
	}
	c.stale(t)
	c.overdue(t)
	c.form(t)
	c.typed(t)
	c.captcha(t)
	c.level(t)
	c.arrived(t)
	if t.before.ID != "" && t.before.State != t.now.State && t.now.Subject.ID != "" && len(t.change.Audit) == 0 {
		c.wrong("conversation %s went from %s to %s without an audit line", t.receipt, t.before.State, t.now.State)
	}
	if t.spoke && untilKnown(t.before.State) && t.before.State != t.now.State {
		c.wrong("conversation %s left %s at somebody's word", t.receipt, t.before.State)
	}
}

// final: after an end nothing but the same end.
func (c *checker) final(t turn) {
	switch page := t.now.Page.ID; {
	case t.end == "" && over(t.now.State):
		t.end, t.last = t.now.State, page
		c.locked(t)
	case t.end == "":
	case t.now.State != t.end || page != t.last:
		c.wrong("conversation %s ended as %s (%s), and is now %s (%s)", t.receipt, t.end, t.last, t.now.State, page)
	}
}

// stale: buttons and forms of any page but the newest, and forged ones, change
// nothing.
func (c *checker) stale(t turn) {
	pressed := t.in.Kind == conversation.Pressed || t.in.Kind == conversation.Filled
	if !pressed || t.before.ID == "" || over(t.before.State) || t.in.Token == t.before.Page.Token {
		return
	}
	c.met["stale button"]++
	switch t.now.State {
	case conversation.Expired, conversation.Displaced, conversation.Withdrawn:
		return // it was over, whoever looks
	}
	ch := t.change
	if t.now.State != t.before.State || ch.Start || len(ch.Counters)+len(ch.Marks)+len(ch.Notices) > 0 {
		c.wrong("conversation %s: an old button had an effect on %s", t.receipt, t.before.State)
	}
}

// overdue: after 15 minutes there is nothing but the end, and the truth about a
// write. The walk through Microsoft's page has an hour.
func (c *checker) overdue(t turn) {
	switch was, is := guides(t.before.State), guides(t.now.State); {
	case is && !was:
		t.ends = t.began.Add(c.policy.Guide)
	case was && !is && c.now.At.Add(c.policy.Conversation).Before(t.ends):
		t.ends = c.now.At.Add(c.policy.Conversation)
	}
	changed := t.now.Page.Version != t.before.Page.Version || t.now.State != t.before.State
	if t.before.ID == "" || !changed || over(t.before.State) || c.now.At.Before(t.ends) {
		return
	}
	if s := t.now.State; !over(s) && !untilKnown(s) {
		c.wrong("conversation %s was still on %s after %s", t.receipt, s, c.now.At.Sub(t.began))
	}
}

func guides(s conversation.State) bool { return strings.HasPrefix(string(s), "guide") }

// form: a password is taken once a page, from the newest page, for ten minutes,
// from whoever knows the word that the chat shows, and never as a message.
func (c *checker) form(t turn) {
	taken := t.leads(conversation.Password, conversation.Confirming) ||
		t.leads(conversation.EnrolPassword, conversation.EnrolSignIn)
	if !taken {
		return
	}
	entry := t.before.Page.Entry
	switch token := t.before.Page.Token; {
	case t.in.Kind != conversation.Filled || entry == nil:
		c.wrong("conversation %s took a password that was not filled in", t.receipt)
	case t.in.Fields[conversation.FieldWord].Reveal() != strconv.Itoa(entry.Asks):
		c.wrong("conversation %s took a password from somebody who does not see the chat", t.receipt)
	case c.now.At.Sub(t.tokens[token]) > c.policy.EntryLife:
		c.wrong("conversation %s took a password on a page of %s", t.receipt, c.now.At.Sub(t.tokens[token]))
	case t.accepted[token] > 0:
		c.wrong("conversation %s took two passwords on one page", t.receipt)
	default:
		t.accepted[token]++
	}
}

// typed notes the numbers that a person typed, and what they typed in the chat
// where a password is asked for.
func (c *checker) typed(t turn) {
	for _, text := range []string{t.in.Fields[conversation.FieldNumber].Reveal(), t.in.Text.Reveal()} {
		if len(text) >= 9 {
			t.numbers[text[len(text)-9:]] = true
		}
	}
	if t.in.Kind == conversation.Said && t.before.Page.AsksPassword() {
		t.exposed[t.in.Text.Reveal()] = true
	}
	if t.notes(conversation.NotePasswordRefused) {
		if slices.Contains(t.now.Page.Notes[0].Args.Faults, conversation.FlawExposed) {
			c.met["exposed password refused"]++
		}
		if t.refused++; t.refused >= c.policy.Refusals {
			c.wrong("conversation %s had %d passwords refused, and asks again", t.receipt, t.refused)
		}
	}
}

// captcha: whoever is in nobody's own chat has an account looked up once they
// solved one that was shown in this conversation less than five minutes ago; five
// wrong ones end it, and twenty an hour.
func (c *checker) captcha(t turn) {
	if m := t.now.Page.Media; m != nil && m.Kind == conversation.MediaCaptcha {
		if _, known := t.riddles[m.ID]; !known {
			t.riddles[m.ID] = c.now.At
			if c.riddles[m.ID] {
				c.wrong("conversation %s shows the captcha of another", t.receipt)
			}
			c.riddles[m.ID] = true
		}
	}
	if t.leads(conversation.Step1Choose, conversation.Who) {
		t.solved = false
	}
	asked := t.before.Page.Media
	if asked == nil || asked.Kind != conversation.MediaCaptcha || !t.spoke {
		return
	}
	if typed := t.in.Fields[conversation.FieldCaptcha].Reveal(); strings.EqualFold(typed, c.riddle(asked.ID)) {
		t.solved = t.solved || c.now.At.Sub(t.riddles[asked.ID]) < c.policy.CaptchaLife
	}
	if t.now.Page.ID == conversation.EndBusy {
		c.met["captchas used up"]++
	}
	if t.notes(conversation.NoteCaptchaWrong) && t.now.Page.Media != nil && t.now.Page.Media.ID != asked.ID {
		t.captchas++
		failed := append(c.captchas[t.user], c.now.At)
		c.captchas[t.user] = failed
		if t.captchas >= c.policy.CaptchaWrong {
			c.wrong("conversation %s goes on after %d wrong captchas", t.receipt, t.captchas)
		}
		if n := c.within(failed, c.policy.CaptchaAsker.Window); n >= c.policy.CaptchaAsker.N {
			c.wrong("%s goes on after %d wrong captchas in an hour", t.user, n)
		}
	}
}

// level: what came of a task does not show before everybody's does. That it was
// given up, because its process died or the time for it was over, may.
func (c *checker) level(t turn) {
	was, is := t.before.Task, t.now.Task
	ends := was != nil && was.ID == t.task.id && (is == nil || is.ID != was.ID)
	if t.spoke || !ends || t.now.State == conversation.Expired || t.notes(conversation.NoteInterrupted) {
		return
	}
	if was.Kind == conversation.TaskWait && c.now.At.Sub(t.created[was.Challenge].At) >= c.policy.WaitFor {
		return // nobody waits longer than that, whatever came of it
	}
	least := c.policy.Levelled - c.policy.LevelledBy
	if took := c.now.At.Sub(t.task.at.At); t.task.hidden && took < least {
		c.wrong("conversation %s shows what came of %s after %s", t.receipt, was.Kind, took)
	}
}

// arrived: an account was found, and the conversation goes on with it.
func (c *checker) arrived(t turn) {
	if !t.leads(conversation.Find, conversation.Step1Choose) && !t.leads(conversation.EnrolFind, conversation.EnrolPassword) {
		return
	}
	c.begins(t)
	t.found, t.away = &page1{c.account(t.account).copy(), c.now.At}, 0
	if t.user.Chat == "teams" && !t.own {
		c.wrong("conversation %s goes on with somebody else's account", t.receipt)
	}
	real := t.account != "" && !t.now.Subject.Decoy
	if real && !t.own && len(t.now.Bound) > 0 && !t.tells(t.account, conversation.TellOther) {
		c.wrong("%s began with the account %s, and its owner is not told", t.user, t.account)
	}
	if !t.own {
		return
	}
	for _, other := range c.walks { // those who have proved nothing give way to the owner
		if other != t.walk && other.account == t.account && !other.own && other.end == "" &&
			other.found != nil && len(other.proofs) == 0 && other.away == 0 {
			other.away = c.now.Tick
			c.met["sent away"]++
		}
	}
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
	case e.Version < w.shown && !c.alone: // two processes send a page each
		c.met["pages crossed"]++
	case e.Version < w.shown:
		c.wrong("%s saw page %d after page %d", e.User, e.Version, w.shown)
	default:
		w.shown = e.Version
	}
}
