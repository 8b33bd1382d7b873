package conversation

import (
	"slices"
	"time"
)

// A conversation remembers when its last step was taken (Latest), and its own
// time never goes back: a clock that is set back wakes nothing that was over.
// Nor may it keep anybody waiting until it has caught up, so the whole
// conversation is moved into the new time, as if nothing had passed since its
// last step, and from there on time passes as ever.

// clockSlack is how much earlier than the last step another may be without a
// clock that was set back: steps of one moment are not stored in the order in
// which they looked at the clock, and replicas differ.
const clockSlack = time.Second

// sinceLatest is the time of a step that is taken now. moved reports whether
// the conversation had to be moved into it.
func (c *Conversation) sinceLatest(now time.Time) (at time.Time, moved bool) {
	back := c.Latest.Sub(now)
	if back <= 0 {
		return now, false
	}
	if back <= clockSlack {
		return c.Latest, false
	}
	c.move(-back)
	return now, true
}

// move moves all that will happen to c, and all that happened. What pages tell
// (Args.At) stays: limits of an account are moved by nobody.
func (c *Conversation) move(by time.Duration) {
	times := []*time.Time{
		&c.Started, &c.Ends, &c.Over, &c.Latest, &c.Captcha.Expires, &c.Page.Ends, &c.Page.Retry,
		&c.Enrol.Verified, &c.Enrol.Since,
	}
	c.Proofs = slices.Clone(c.Proofs)
	for i := range c.Proofs {
		times = append(times, &c.Proofs[i].At)
	}
	if q := c.Question; q != nil {
		times = append(times, &q.At, &q.Expires)
	}
	if t := c.Task; t != nil {
		times = append(times, &t.Ordered, &t.Lease, &t.Deadline, &t.NotBefore, &t.Expires, &t.Since)
	}
	if w := c.Write; w != nil {
		times = append(times, &w.Begun, &w.Deadline, &w.Lost, &w.Next)
	}
	if e := c.Page.Entry; e != nil {
		moved := *e
		c.Page.Entry = &moved
		times = append(times, &moved.Expires)
	}
	for _, t := range times {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
}

// notAhead is c with nothing counted later than now, and whether anything was.
func (c Counter) notAhead(now time.Time) (_ Counter, ahead bool) {
	late := func(s Spend) bool { return s.At.After(now) }
	if !slices.ContainsFunc(c.Spends, late) {
		return c, false
	}
	c.Spends = slices.Clone(c.Spends)
	for i, s := range c.Spends {
		if late(s) {
			c.Spends[i].At = now
		}
	}
	return c, true
}
