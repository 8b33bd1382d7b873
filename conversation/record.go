package conversation

import (
	"slices"
	"time"
)

// A store hands over what was sealed with its keys. That may still be a record
// of a newer version, or one that a defect damaged before it was sealed. What is
// no state of this wizard, or lacks what its state stands on, is no conversation
// to go on with: never "the first page" with proofs kept (AC-47), and never a
// record on which every step fails, so that nobody would ever end it.

// whole reports whether c is a conversation that this wizard could have left.
func (c Conversation) whole() bool {
	if !c.State.known() || !c.countable() || c.State.Over() {
		return c.State.known() && c.countable()
	}
	least, most := c.State.proofs()
	switch n := len(c.Proofs); {
	case n < least || n > most:
		return false
	case c.Asker == "", c.State.named() && c.Subject.Key == "", !c.State.leadsTo(c.Goal):
		return false
	case c.State.asks() != nil && (c.Question == nil || !slices.Contains(c.State.asks(), c.Question.Method)):
		return false
	case c.Task != nil && !slices.Contains(c.State.tasks(), c.Task.Kind):
		return false
	case c.State.mustRun() && c.Task == nil && c.Write == nil:
		return false // nobody would ever look at it again
	case c.asksWhetherWritten() && c.Write == nil:
		return false
	}
	return true
}

// The bounds of what a record counts, and of its dates: what is added to one
// must still be a date that can be written down (RFC 3339: four figures).
const (
	countMost = 1 << 31
	yearMost  = 9000
)

// countable reports whether the numbers and dates of c are such that counting
// on from them gives others.
func (c Conversation) countable() bool {
	counts := []int{c.Page.Version, c.Page.Attempts, c.Crowd, c.Refusals, c.Words, c.Captcha.Drawn, c.Captcha.Wrong}
	dates := []time.Time{c.Started, c.Ends, c.Latest}
	if w := c.Write; w != nil {
		counts, dates = append(counts, w.Checks), append(dates, w.Begun, w.Deadline)
	}
	if q := c.Question; q != nil {
		counts, dates = append(counts, q.Wrong, q.Tries), append(dates, q.At, q.Expires)
	}
	return slices.Min(counts) >= 0 && slices.Max(counts) < countMost &&
		!slices.ContainsFunc(dates, func(at time.Time) bool { return at.Year() > yearMost })
}

// asksWhetherWritten reports whether there must be a write that is asked about.
func (c Conversation) asksWhetherWritten() bool {
	return c.State == Unknown || c.State == UnlockUnknown || c.Task != nil && c.Task.Kind == TaskChanged
}

// proofs is how many a conversation in s has, at least and at most.
func (s State) proofs() (least, most int) {
	switch s {
	case Password, Confirming, Changing, Unknown:
		return 2, 2
	case Unlocking, UnlockUnknown: // one, within two hours of one's own reset
		return 1, 2
	case EnrolChoose, EnrolNumber, EnrolSending, EnrolAnswer, EnrolChecking, EnrolWaiting:
		return 0, 1
	case EnrolScan, EnrolConfirm, EnrolStore: // two, where there is an app already
		return 1, 2
	}
	if s.step() == 2 {
		return 1, 1
	}
	return 0, 0
}

// leadsTo reports whether somebody in s can have come for g.
func (s State) leadsTo(g Goal) bool {
	switch s {
	case Password, Confirming, Changing, Unknown:
		return g == ToReset
	case Unlocking, UnlockUnknown:
		return g == ToUnlock
	case Disowned, Scrambling, Removing: // nobody came
		return true
	}
	if s.enrols() {
		return g == ToEnrol
	}
	return g == ToReset || g == ToUnlock
}

// named reports whether there is an account, or what stands for one, in s.
func (s State) named() bool {
	switch s {
	case Start, Hints, Who, Find, EnrolWho, EnrolFind:
		return false
	}
	return !s.guides()
}

// asks gives the methods of the challenge that is open in s; none where there
// is none.
func (s State) asks() []Method {
	switch s {
	case Step1Sending, Step2Sending, EnrolSending:
		return []Method{SMS, Call, Push}
	case Step1Answer, Step1Checking, Step2Answer, Step2Checking, EnrolAnswer, EnrolChecking:
		return []Method{SMS, Code}
	case Step1Waiting, Step2Waiting, EnrolWaiting:
		return []Method{Call, Push}
	}
	return nil
}

// tasks are those that can be on in s.
func (s State) tasks() []TaskKind {
	switch s {
	case Find, EnrolFind:
		return []TaskKind{TaskFind}
	case Step1Sending, Step2Sending, EnrolSending:
		return []TaskKind{TaskChallenge}
	case Step1Checking, Step2Checking, EnrolChecking:
		return []TaskKind{TaskCheck}
	case Step1Waiting, Step2Waiting, EnrolWaiting:
		return []TaskKind{TaskWait}
	case EnrolSignIn:
		return []TaskKind{TaskVerify}
	case EnrolConfirm:
		return []TaskKind{TaskConfirm}
	case EnrolStore:
		return []TaskKind{TaskEnrol}
	case Confirming:
		return []TaskKind{TaskReread}
	case Changing:
		return []TaskKind{TaskReset, TaskChanged}
	case Unlocking:
		return []TaskKind{TaskReread, TaskUnlock, TaskChanged}
	case Unknown, UnlockUnknown:
		return []TaskKind{TaskChanged}
	case Scrambling:
		return []TaskKind{TaskScramble}
	case Removing:
		return []TaskKind{TaskRemove}
	}
	return nil
}
