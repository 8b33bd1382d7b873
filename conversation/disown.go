package conversation

import "time"

// The walk that a notice begins: its owner says "this was not me". It has no
// pages; whoever opened the notice's link sees one button, and then what to do.
//
// Nothing was written yet: the account is frozen, and the conversation that was
// disowned ends. Something was: the account also gets a password that nobody
// knows, so that the one that was set is worth nothing. An authenticator was
// enrolled: it is taken away again.

// DisownUser is whose conversation a notice's walk is.
func DisownUser(notice string) User { return User{Chat: "owner", ID: notice} }

func disownMark(notice string) string { return "disowned:" + notice }

// disowned takes the owner's word, once for each notice, as long as its link
// lives.
func (s *step) disowned() {
	d := s.in.Disowned
	if d == nil || s.c.ID != "" || s.f.Marks[disownMark(d.Notice)] || !s.now.Before(d.At.Add(s.Policy.NoticeLife)) {
		s.ch.Same = true
		return
	}
	s.c = Conversation{
		ID: s.in.Nonce.id("conversation"), Receipt: d.Receipt, User: DisownUser(d.Notice), Asker: s.in.From.Asker,
		Locale: s.in.From.Locale, State: Disowned, Started: s.now, Ends: s.now.Add(s.Policy.NoticeLife),
		Disowns: d.Conversation, DisownsApp: d.Message == TellEnrolled, Page: Page{Delivered: true},
		Subject: Subject{Key: s.accountKey(&Account{ID: d.Account}, ""), ID: d.Account, Own: true},
	}
	s.ch.Marks = []Mark{{Key: disownMark(d.Notice), Expires: s.now.Add(2 * s.Policy.NoticeLife)}}
	s.alarm("disowned_by_owner")
	s.freeze()
	if !d.User.Zero() {
		s.known.User = d.User
		s.known.Ended = s.now // what they began before binds nobody any more
		s.unbind(d.Account, "disowned")
		s.notice(Notice{Kind: Nudge, User: d.User})
	}
	s.secure()
}

// freeze stops every reset of the account. The conversation that holds it is
// nudged, and sees that it may not go on.
func (s *step) freeze() {
	if until := s.now.Add(s.Policy.FreezeFor); until.After(s.account.Frozen) {
		s.account.Frozen = until
	}
	if s.account.Holder != "" {
		s.notice(Notice{Kind: Nudge, User: s.account.HolderUser})
	}
}

// writeSoon is how soon it is looked again whether an open write has ended, and
// writeLooks how often, where it is the disowned one: for two days that the service
// runs. Its conversation finds the truth within one, or gives up.
const (
	writeSoon  = 5 * time.Second
	writeLooks = int(48 * time.Hour / writeSoon)
)

// secure does what is left to do. While a write is under way nobody can tell
// what that is. The one that was disowned is waited for whatever the clock says: a
// service that was down for longer than a write stays open knows no more of it
// than before. Of whom nobody ever tells it is taken for written.
func (s *step) secure() {
	switch {
	case s.c.State == Removing:
		s.order(Task{Kind: TaskRemove, Device: s.Keys.Device(s.c.Disowns)})
	case s.c.DisownsApp:
		s.follow(Remove)
		s.order(Task{Kind: TaskRemove, Device: s.Keys.Device(s.c.Disowns)})
	case s.account.Writing != "" && (s.now.Before(s.account.WritingUntil) || s.mayTell()):
		s.c.Write = &Write{Begun: s.now, Next: s.now.Add(writeSoon), Checks: s.looks() + 1}
	case s.c.State == Scrambling:
		s.order(Task{Kind: TaskScramble})
	case s.c.Disowns != "" && (s.account.LastBy == s.c.Disowns || s.account.Writing == s.c.Disowns):
		s.follow(Scramble)
		s.c.Write = nil
		s.order(Task{Kind: TaskScramble})
	default:
		s.tell(TellFrozen)
		s.secured(Freeze)
	}
}

// mayTell reports whether the write that is open is the disowned one, and its
// conversation may still find out what became of it.
func (s *step) mayTell() bool {
	return s.account.Writing == s.c.Disowns && s.looks() < writeLooks
}

// looks is how often it was looked whether the write has ended.
func (s *step) looks() int {
	if s.c.State != Disowned || s.c.Write == nil {
		return 0
	}
	return s.c.Write.Checks
}

// scrambled: written, or tried again until it is. A password that nobody
// knows may be set twice.
func (s *step) scrambled(out Outcome) {
	if !out.Trouble && out.Write == WriteDone {
		s.tell(TellSecured)
		s.secured(Written)
		return
	}
	if s.c.Write == nil || s.c.Write.Checks == 0 {
		s.alarm("scramble_delayed")
	}
	s.tryLater()
}

// removed: the app proves nothing any more.
func (s *step) removed(out Outcome) {
	if out.Trouble {
		s.tryLater()
		return
	}
	s.tell(TellRemoved)
	s.secured(Stored)
}

func (s *step) secured(event Event) {
	s.follow(event)
	s.c.Over, s.c.Task, s.c.Write = s.now, nil, nil
}

// lostPhone: in own chat every reset of the account is stopped at once; from
// elsewhere people are told whom to call.
func (s *step) lostPhone() {
	p := Page{ID: EndLostPhone}
	if len(s.c.Bound) == 1 {
		id := s.c.Bound[0].ID
		if id.Key() != s.read.Account { // bound, and this is the first that they say: the account was not read
			s.askElse()
			return
		}
		s.c.Subject = Subject{Key: s.accountKey(&Account{ID: id}, ""), ID: id, Own: true}
		s.freeze()
		s.alarm("phone_lost")
		s.tell(TellFrozen)
		p.ID, p.Args.At = EndFrozen, s.account.Frozen
	}
	s.end(Refer, p)
}
