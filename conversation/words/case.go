package words

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"resetbot/conversation"
)

// Case is what is known of a receipt, for the service desk.
type Case struct {
	Receipt string
	// Account is what the directory calls the account; empty when nobody has the
	// name that was typed, or no name was typed yet.
	Account string
	Lines   []conversation.Line // of the audit, oldest first
	// Conversation is the record while it is kept; nil when it is not. Nothing
	// that somebody typed is told of it.
	Conversation *conversation.Conversation
	Standing     conversation.Standing
}

// Case tells the service desk what happened with a receipt, in lines: what it
// is about, what happened when, where it stopped, what is locked until when,
// and what the agent can do next. Empty lines part them. An error says that a
// sentence is missing; the rest is there all the same.
func (w *Words) Case(locale string, c Case, now time.Time) ([]string, error) {
	t := teller{speaker: w.speaker(locale, now), Case: c}
	t.about()
	t.history()
	t.stopped()
	t.locks()
	t.next()
	return t.lines, t.err()
}

// NoCase says that nobody knows a receipt.
func (w *Words) NoCase(locale string, now time.Time) string {
	return w.speaker(locale, now).word("case.none")
}

// teller tells a case.
type teller struct {
	*speaker
	Case
	lines []string
}

func (t *teller) values() values {
	return values{speaker: t.speaker, Receipt: plain(t.Receipt), Account: plain(t.Account), Chat: t.chat(t.from())}
}

func (t *teller) tell(id string) { t.tellOf(id, t.values()) }

func (t *teller) tellOf(id string, v values) { t.lines = append(t.lines, t.paragraphs(id, v)...) }

func (t *teller) tellAt(id string, at time.Time) {
	if at.IsZero() {
		return
	}
	v := t.values()
	v.at = at
	t.tellOf(id, v)
}

func (t *teller) heading(id string) { t.lines = append(t.lines, "", t.word(id)) }

// from is the chat that it came from.
func (t *teller) from() string {
	if t.Conversation != nil {
		return t.Conversation.User.Chat
	}
	for _, l := range t.Lines {
		if l.Chat != "owner" && l.Chat != "" {
			return l.Chat
		}
	}
	return ""
}

// about says whose account it is, and who was there.
func (t *teller) about() {
	t.tell("case.title")
	switch {
	case t.Account != "":
		t.tell("case.account")
	case t.unknown():
		t.tell("case.nobody")
	default:
		t.tell("case.unnamed")
	}
	switch {
	case t.from() == conversation.Operator:
		t.tell("case.operator")
	case t.own():
		t.tell("case.own")
	default:
		t.tell("case.other")
	}
}

// unknown reports whether a name was looked up that nobody has.
func (t *teller) unknown() bool {
	return slices.ContainsFunc(t.Lines, func(l conversation.Line) bool {
		return l.Event == string(conversation.Found) && l.Account == ""
	})
}

func (t *teller) own() bool {
	own := func(l conversation.Line) bool { return l.Own && l.Chat != "owner" }
	return t.Conversation != nil && t.Conversation.Subject.Own || slices.ContainsFunc(t.Lines, own)
}

// history says what happened when, a line each, by the day.
func (t *teller) history() {
	if len(t.Lines) == 0 {
		return
	}
	t.heading("case.history")
	day := ""
	for _, l := range t.Lines {
		at := l.At.In(t.location)
		m := t.inWords(at, at)
		if today := t.say("time.day", m); today != day {
			t.lines, day = append(t.lines, today+":"), today
		}
		t.lines = append(t.lines, "  "+m.Clock+"  "+t.event(l))
	}
}

// event says what a line of the audit means.
func (t *teller) event(l conversation.Line) string {
	v := t.values()
	v.Step, v.Unlock = stepOf(l.From), l.Goal == conversation.ToUnlock
	v.Enrol = l.Goal == conversation.ToEnrol
	id := "case.event." + l.Event
	if !t.has(id) { // of a newer version
		id = "case.event.other"
	}
	why := "case.detail." + l.Detail
	switch {
	case l.Detail == "" || !t.has(why):
		return capital(t.line(id, v))
	case l.Event == "alarm":
		return t.line(why, v)
	}
	return capital(t.line(id, v)) + " " + t.line(why, v)
}

// stepOf is 1 or 2 in that verification step, else 0.
func stepOf(s conversation.State) int {
	switch before, _, _ := strings.Cut(string(s), "_"); before {
	case "step1":
		return 1
	case "step2":
		return 2
	}
	return 0
}

// state is where it is now, or where it was when it was last heard of.
func (t *teller) state() conversation.State {
	if t.Conversation != nil {
		return t.Conversation.State
	}
	if n := len(t.Lines); n > 0 {
		return t.Lines[n-1].To
	}
	return ""
}

// places are the pages that are told as one. Those that are not here, of a
// newer version, are told by their name.
var places = map[conversation.State]string{
	conversation.Start: "start", conversation.Hints: "start",
	conversation.Who: "who", conversation.Find: "who",
	conversation.Password:   "password",
	conversation.Confirming: "writing", conversation.Changing: "writing", conversation.Unlocking: "writing",
	conversation.Unknown: "unknown", conversation.UnlockUnknown: "unknown",
	conversation.Disowned: "disowned", conversation.Scrambling: "disowned", conversation.Removing: "disowned",
}

// stopped says where it is, or how it ended.
func (t *teller) stopped() {
	state := t.state()
	if t.from() == conversation.Operator {
		return
	}
	t.heading("case.where")
	v := t.values()
	v.Step, v.Unlock = stepOf(state), t.goal() == conversation.ToUnlock
	switch {
	case state.Over():
		t.tellOf("case.end."+string(state), v)
	case t.Conversation == nil:
		t.tellOf("case.gone", v)
	case v.Step != 0:
		t.tellOf("case.now.step", v)
	case strings.HasPrefix(string(state), "guide_"):
		t.tellOf("case.now.guide", v)
	case strings.HasPrefix(string(state), "enrol_"):
		t.tellOf("case.now.enrol", v)
	default:
		t.tellOf("case.now."+cmp.Or(places[state], "other"), v)
	}
}

func (t *teller) goal() conversation.Goal {
	if t.Conversation != nil {
		return t.Conversation.Goal
	}
	for _, l := range t.Lines {
		if l.Goal != "" {
			return l.Goal
		}
	}
	return ""
}

// locks says what is shut until when.
func (t *teller) locks() {
	t.heading("case.locks")
	s := t.Standing
	if s.Free() {
		t.tell("case.free")
		return
	}
	t.tellAt("case.frozen", s.Frozen)
	t.tellAt("case.locked_others", s.Others.Proofs)
	t.tellAt("case.locked_own", s.Own.Proofs)
	t.tellAt("case.codes_others", s.Others.Challenges)
	t.tellAt("case.codes_own", s.Own.Challenges)
	t.tellAt("case.begun_others", s.Others.Begun)
	t.tellAt("case.begun_own", s.Own.Begun)
	if t.state() != conversation.Secured {
		t.tell("case.sign_in")
	}
}

// next says what the agent can do.
func (t *teller) next() {
	if t.from() == conversation.Operator {
		return
	}
	t.heading("case.next")
	v := t.values()
	if c := t.Conversation; c != nil {
		v.minutes = minutesUntil(t.now, c.Ends)
	}
	t.tellOf("case.next."+t.advice(), v)
	t.tell("case.never")
}

// advice is which.
func (t *teller) advice() string {
	state := t.state()
	shut := !t.Standing.Others.Proofs.IsZero() || !t.Standing.Own.Proofs.IsZero()
	switch {
	case !t.Standing.Frozen.IsZero():
		return "frozen"
	case places[state] == "writing" || places[state] == "unknown" || places[state] == "disowned":
		return "wait"
	case state == conversation.Secured:
		return "secured"
	case state == conversation.Denied:
		return "denied"
	case shut:
		return "locked"
	case state == conversation.Done, state == conversation.Solved:
		return "done"
	case state == conversation.Enrolled:
		return "enrolled"
	case t.turnedAway():
		return "account"
	case t.unknown():
		return "name"
	case !state.Over() && t.Conversation != nil:
		return "going"
	}
	return "again"
}

// turnedAway reports whether the account is one that is not helped here.
func (t *teller) turnedAway() bool {
	return slices.ContainsFunc(t.Lines, func(l conversation.Line) bool {
		switch l.Detail {
		case string(conversation.Disabled), string(conversation.AccountOver), string(conversation.Privileged),
			string(conversation.NotEligible), "no_methods", "one_family":
			return true
		}
		return false
	})
}

// Unfrozen says to the operator that an account is free again.
func (w *Words) Unfrozen(locale, account, receipt string, now time.Time) string {
	s := w.speaker(locale, now)
	v := values{speaker: s, Account: plain(account), Receipt: plain(receipt)}
	if receipt == "" {
		return s.line("unfreeze.nothing", v)
	}
	return s.line("unfreeze.done", v)
}

// Obstacle is why an account cannot be set free.
type Obstacle string

// The obstacles.
const (
	NoSuchAccount Obstacle = "unfreeze.nobody"
	NoDeskProof   Obstacle = "unfreeze.desk_proof" // only a desk proof lifts a freeze
)

// NoUnfreeze says to the operator why not.
func (w *Words) NoUnfreeze(locale string, why Obstacle, now time.Time) string {
	return w.speaker(locale, now).word(string(why))
}
