package conversation

import (
	"slices"
	"strings"
	"time"
)

// A chat may prove who its people are without knowing which accounts they have
// (Slack: a user of a team). Whoever gives two proofs of an account there is bound to
// it from then on, by that chat alone; the owner is told, and can take it back. A
// binding counts once it is as old as the waiting time: until then it changes
// nothing on any page, so that whoever held a telephone for a quarter of an
// hour has gained nothing that lasts (docs/decisions/0018).

// Binding is an account that a person of a chat proved to be theirs.
type Binding struct {
	Account AccountID `json:"a"`
	UPN     string    `json:"upn"` // as it was when the account was last found
	Since   time.Time `json:"since"`
}

// Person is what we keep of a person of a chat from one conversation to the next.
type Person struct {
	User     User      `json:"user"`
	Bindings []Binding `json:"bindings,omitempty"` // oldest first
	// Ended is when bindings were last taken away. What was begun before then binds
	// nobody any more.
	Ended time.Time `json:"ended,omitzero"`
	Kept  time.Time `json:"kept,omitzero"` // may be forgotten after this; zero: never
}

// Zero reports whether there is nothing to keep.
func (p Person) Zero() bool { return len(p.Bindings) == 0 && p.Ended.IsZero() }

// bindingsMax is how many accounts a person of a chat can be bound to: as many as
// can be chosen among with one digit.
const bindingsMax = 9

// endedKept is longer than any conversation lasts that may still write.
const endedKept = 31 * 24 * time.Hour

func (p Person) equal(q Person) bool {
	return p.User == q.User && p.Ended.Equal(q.Ended) && slices.EqualFunc(p.Bindings, q.Bindings, func(a, b Binding) bool {
		return a.Account == b.Account && a.UPN == b.UPN && a.Since.Equal(b.Since)
	})
}

// to is the place of the binding to an account; -1 where there is none.
func (p Person) to(id AccountID) int {
	return slices.IndexFunc(p.Bindings, func(b Binding) bool { return b.Account == id })
}

// end takes the bindings away for which gone is true, and tells which they were.
func (p *Person) end(now time.Time, gone func(Binding) bool) (ended []Binding) {
	left := slices.DeleteFunc(slices.Clone(p.Bindings), func(b Binding) bool {
		if !gone(b) {
			return false
		}
		ended = append(ended, b)
		return true
	})
	p.Bindings, p.Ended = left, now
	return ended
}

// kept is p with the date after which it may be forgotten.
func (p Person) kept() *Person {
	p.Kept = time.Time{}
	if len(p.Bindings) == 0 {
		p.Kept = p.Ended.Add(endedKept)
	}
	return &p
}

// within reports whether a name is of one of these domains; of any, where there are
// none.
func within(domains []string, upn string) bool {
	if len(domains) == 0 {
		return true
	}
	at := strings.LastIndexByte(upn, '@')
	return at >= 0 && slices.ContainsFunc(domains, func(d string) bool { return strings.EqualFold(d, upn[at+1:]) })
}

// allowed is the account that was found, if it may be touched from where c is held;
// else nil, as of a name that nobody has. From here on nothing tells the two
// apart: not the pages, not the counters.
func (w *Wizard) allowed(c Conversation, a *Account) *Account {
	if a == nil || !within(c.Domains, a.UPN) {
		return nil
	}
	return a
}

// recall puts what the bindings prove now in the place of what they proved before.
func (s *step) recall() {
	s.known = s.f.Person
	if s.read.Person.Zero() || s.in.Kind == Disowns {
		return
	}
	if from := &s.in.From; from.Binds {
		from.Bound = s.proven(from.Bound, from.Domains)
	}
	if s.c.Binds && !s.c.State.Over() {
		s.c.Bound = s.proven(s.c.Bound, s.c.Domains)
	}
}

// proven is whom the chat itself proves somebody to be, and whom bindings do that
// count.
func (s *step) proven(before []Bound, domains []string) (list []Bound) {
	for _, b := range before {
		if !b.Ours {
			list = append(list, b)
		}
	}
	for _, b := range s.f.Person.Bindings {
		twice := slices.ContainsFunc(list, func(l Bound) bool { return l.ID == b.Account })
		old := !s.now.Before(b.Since.Add(s.Policy.WaitingTime))
		if old && !twice && within(domains, b.UPN) {
			list = append(list, Bound{ID: b.Account, UPN: b.UPN, Ours: true})
		}
	}
	return list
}

// bind records that the chat's person is this account, once two proofs of it were
// given and what they were given for is done.
func (s *step) bind() {
	p, sub := &s.known, s.c.Subject
	switch {
	case !s.c.Binds, sub.ID == "", sub.Decoy, s.bound(sub.ID), p.to(sub.ID) >= 0, len(p.Bindings) >= bindingsMax:
	case !s.provedBoth(), s.now.Before(s.account.Frozen), slices.Contains(s.c.Denied, sub.ID):
	case !p.Ended.IsZero() && !s.c.Started.After(p.Ended):
	default:
		p.User = s.c.User
		p.Bindings = append(slices.Clone(p.Bindings), Binding{sub.ID, sub.UPN, s.now})
		s.line(Line{Event: "bound", From: s.c.State, To: s.c.State})
		s.tell(TellBound)
	}
}

// provedBoth reports whether the record has proofs of both families, however long
// ago: they were counted before the write, and the truth may take a day.
func (s *step) provedBoth() bool {
	return slices.ContainsFunc(s.c.Proofs, func(p Proof) bool { return p.Method.Family() == Phone }) &&
		slices.ContainsFunc(s.c.Proofs, func(p Proof) bool { return p.Method.Family() == App })
}

// review takes a binding away whose account is gone or privileged now, and keeps
// the account's name as it is.
func (s *step) review(id AccountID, a *Account) {
	i := s.known.to(id)
	switch {
	case i < 0:
	case a == nil:
		s.unbind(id, "account_gone")
	case a.Reason == Privileged:
		s.unbind(id, string(Privileged))
	case a.UPN != s.known.Bindings[i].UPN:
		s.known.Bindings = slices.Clone(s.known.Bindings)
		s.known.Bindings[i].UPN = a.UPN
	}
}

// unbind takes the binding to an account away.
func (s *step) unbind(id AccountID, why string) {
	for range s.known.end(s.now, func(b Binding) bool { return b.Account == id }) {
		s.line(Line{Event: "unbound", From: s.c.State, To: s.c.State, Detail: why})
		s.ch.Audit[len(s.ch.Audit)-1].Account = id
	}
}

// Unbinding ends bindings of a person of a chat from outside a conversation.
type Unbinding struct {
	Person  User
	Account AccountID // the one that ends; empty: all do
	Why     string    // a word of the program's own, for the audit
	Nonce   Nonce
}

// unbinder is the chat under whose name the store is asked to end bindings.
const unbinder = "unbind"

// User is under whom the store is asked to take u in. There is never a
// conversation of that name.
func (u Unbinding) User() User { return User{Chat: unbinder, ID: u.Person.String()} }

// UnbindReads names what [Wizard.Unbind] reads.
func (w *Wizard) UnbindReads(u Unbinding) Reads { return Reads{Person: u.Person} }

// Unbind ends what u names. The person's own conversation, if one is on, is nudged,
// and sees that it is in own chat no longer; what it began before binds nobody.
// It is pure.
func (w *Wizard) Unbind(u Unbinding, f Facts, now time.Time) Change {
	p := f.Person
	p.User = u.Person
	if u.Account != "" && p.to(u.Account) < 0 {
		return Change{Same: true}
	}
	change := Change{Forget: true} // there is no conversation, and there will be none
	for _, b := range p.end(now, func(b Binding) bool { return u.Account == "" || b.Account == u.Account }) {
		change.Audit = append(change.Audit, Line{
			At: now, Event: "unbound", Chat: u.Person.Chat, Account: b.Account, Detail: u.Why,
			Asker: w.Keys.Fingerprint("asker", u.Person.String()),
		})
	}
	change.Person = p.kept()
	change.Notices = []Notice{{ID: u.Nonce.id("notice"), Kind: Nudge, Due: now, At: now, User: u.Person}}
	return change
}
