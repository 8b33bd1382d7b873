package conversation

import (
	"slices"
	"time"
)

// The enrolment of an authenticator app: in one's own chat only, with the
// password that still works and a proof by telephone; a further app needs both
// families as they are. Whoever forgot the password gets none this way, and
// whoever holds a chat, or a telephone, alone neither.
//
// The app's secret is derived like a code, so it lies nowhere until it is
// enrolled. It is shown on a one-time page only, to whoever gave the word that
// the chat shows: what a chat shows stays in its history for ever.

// Enrolment is what an enrolment has come to.
type Enrolment struct {
	Verified time.Time `json:"ok,omitzero"`  // when the directory took the current password
	Spent    string    `json:"sp,omitempty"` // id of the spend of the password that is judged
	ID       string    `json:"id,omitempty"` // the app's secret is derived from it
	Since    time.Time `json:"at,omitzero"`  // when the app was confirmed
}

// appsMax is how many apps an account may have: a telephone, the one before
// it, and a few more. One more is somebody collecting them.
const appsMax = 5

// verifying reports whether an enrolment waits for a proof.
func (s State) verifying() bool {
	switch s {
	case EnrolChoose, EnrolNumber, EnrolSending, EnrolAnswer, EnrolChecking, EnrolWaiting:
		return true
	}
	return s.step() > 0
}

// enrols reports whether s is a page of this walk.
func (s State) enrols() bool { return enrol[s] != nil || s == Enrolled }

// enrol begins: with the account that the chat proves, and nowhere else.
func (s *step) enrol() {
	switch len(s.c.Bound) {
	case 0:
		s.repeat(Note{ID: NoteEnrolOwn})
	case 1:
		s.c.Goal = ToEnrol
		s.follow(EnrolAsked)
		s.look(Task{Kind: TaskFind, Account: s.c.Bound[0].ID})
	default:
		s.c.Goal = ToEnrol
		s.follow(EnrolAsked)
		s.askAccount()
	}
}

// askAccount asks which of one's own accounts it is.
func (s *step) askAccount(notes ...Note) {
	p := Page{ID: AskOwn}
	for i, b := range s.c.Bound {
		p.Args.Accounts = append(p.Args.Accounts, b.UPN)
		p.Offers = append(p.Offers, Offer{Choice: PickOwn(i)})
	}
	if len(s.c.Bound) == 1 {
		p.Offers = offers(PickYes)
	}
	s.show(p, notes...)
}

func (s *step) enrolWho() {
	for i, b := range s.c.Bound {
		if (s.in.Choice == PickOwn(i) || s.in.Choice == PickYes && len(s.c.Bound) == 1) && s.showed(i) {
			s.look(Task{Kind: TaskFind, Account: b.ID})
			return
		}
	}
	s.unclear()
}

// enrolFound takes what the directory says of one's own account.
func (s *step) enrolFound(out Outcome) {
	if out.Trouble {
		s.follow(NotFound)
		s.askAccount(Note{ID: NoteDirectoryDown})
		return
	}
	a := s.allowed(s.c, out.Account)
	s.subject(a)
	if !s.c.Subject.Own {
		s.end(Withdraw, Page{ID: EndWithdrawn})
		return
	}
	if s.shutOut() {
		return
	}
	s.spend(useBegun, s.c.ID, s.Policy.Begun)
	if s.cannotEnrol(a) {
		return
	}
	s.welcome()
	s.follow(Found)
	s.askCurrent()
}

// cannotEnrol says the real reason: this is the owner's own chat.
func (s *step) cannotEnrol(a *Account) bool {
	until, full := s.full(usePasswords, s.Policy.Passwords)
	second := len(a.Devices) > 0
	switch reason := s.reason(a); {
	case reason != Eligible:
		s.end(Refer, Page{ID: EndIneligible, Args: Args{Reason: reason}})
		s.detail(string(reason))
	case full:
		s.end(Lock, Page{ID: EndEnrolPassword, Args: Args{At: until}})
	case s.resetLately():
	case !s.canProve(Phone):
		s.end(Refer, Page{ID: EndEnrolPhone})
		s.detail("no_phone")
	case len(a.Devices) >= appsMax:
		s.end(Refer, Page{ID: EndEnrolFull})
		s.detail("many_apps")
	case second && !s.canProve(App):
		s.end(Refer, Page{ID: EndEnrolSecond})
		s.detail("app_too_young")
	default:
		s.c.Subject.Apps = len(a.Devices)
		return false
	}
	return true
}

// resetLately ends an enrolment after a reset. A forgotten password is no way into
// enrolment: whoever reset it, with a telephone that was not theirs, would stay for
// good.
func (s *step) resetLately() bool {
	until := s.account.LastReset.Add(s.Policy.WaitingTime)
	if s.account.LastReset.IsZero() || !s.now.Before(until) {
		return false
	}
	s.end(Refer, Page{ID: EndEnrolReset, Args: Args{At: until}})
	s.detail("reset_just_now")
	return true
}

// canProve reports whether the account has a way of this family that counts.
func (s *step) canProve(f Family) bool {
	return slices.ContainsFunc(s.c.Subject.Methods, func(m Method) bool { return m.Family() == f })
}

// askCurrent asks for the password as it is now.
func (s *step) askCurrent(notes ...Note) {
	s.showEntry(Page{
		ID: AskCurrent, Args: Args{Name: s.c.Subject.Name}, Fields: []Field{FieldCurrent},
		Offers: offers(PickCancel, PickDesk),
	}, notes...)
}

// current takes the password as it is now. Three wrong ones a day: so that
// nobody guesses here, and nobody locks the sign-in from here.
func (s *step) current() {
	if !s.filledIn(s.askCurrent) {
		return
	}
	password := NewSecret(s.Rules.Normal(s.in.Fields[FieldCurrent].Reveal()))
	if password.Empty() {
		s.unclear()
		return
	}
	key := accountCounter(usePasswords, own, s.c.Subject.Key)
	if until, full := s.counters[key].Full(s.now, s.Policy.Passwords); full {
		s.end(Lock, Page{ID: EndEnrolPassword, Args: Args{At: until}})
		return
	}
	s.c.Enrol.Spent = s.in.Nonce.id("current password")
	s.spendOne(key, s.c.Enrol.Spent, s.Policy.Passwords)
	s.follow(Submitted)
	s.order(Task{Kind: TaskVerify})
	s.ch.Secret = password
	s.show(Page{ID: WaitCheck, Offers: offers(PickDesk)})
}

// verified takes the directory's judgement of the current password.
func (s *step) verified(out Outcome) {
	spent := s.c.Enrol.Spent
	s.c.Enrol.Spent = ""
	until, full := s.full(usePasswords, s.Policy.Passwords)
	switch {
	case out.Trouble:
		s.giveBack(usePasswords, spent, s.Policy.Passwords)
		s.follow(NotJudged)
		s.askCurrent(Note{ID: NoteNotJudged})
	case out.Verdict == Right:
		s.giveBack(usePasswords, spent, s.Policy.Passwords)
		s.c.Enrol.Verified = s.now
		s.follow(Known)
		s.askMethod()
	case full:
		s.alarm("current_password")
		s.tell(TellEnrolWrong)
		s.end(Lock, Page{ID: EndEnrolPassword, Args: Args{At: until}})
		s.detail("current_password")
	default:
		tries := s.counters[accountCounter(usePasswords, own, s.c.Subject.Key)].at(s.now, s.Policy.Passwords)
		s.follow(Wrong)
		s.askCurrent(Note{ID: NoteCurrentWrong, Args: Args{Left: s.Policy.Passwords.N - len(tries.Spends)}})
	}
}

// wanted reports whether a proof by m is asked for: of the telephone always, of
// an app where there is one already.
func (s *step) wanted(m Method) bool {
	return s.c.Goal != ToEnrol || m.Family() == Phone || s.c.Subject.Apps > 0
}

// enrolProved goes on once every proof that is needed is there.
func (s *step) enrolProved() {
	if len(s.c.Proofs) == 1 {
		s.tell(TellEnrolProved)
	}
	if !s.enrolProofsHold() {
		s.follow(Proved)
		s.askMethod(Note{ID: NoteStepDone})
		return
	}
	s.c.Enrol.ID = s.in.Nonce.id("authenticator")
	s.c.Question = nil
	s.follow(ProvedForEnrol)
	s.askScan()
}

// enrolProofsHold counts from the record: the current password, the telephone,
// and where there is an app already, that; none too old.
func (s *step) enrolProofsHold() bool {
	fresh := func(at time.Time) bool { return !at.IsZero() && s.now.Sub(at) <= s.Policy.ProofLife }
	proved := func(f Family) bool {
		return slices.ContainsFunc(s.c.Proofs, func(p Proof) bool { return p.Method.Family() == f && fresh(p.At) })
	}
	return s.c.Subject.Own && fresh(s.c.Enrol.Verified) && proved(Phone) && (s.c.Subject.Apps == 0 || proved(App))
}

// askScan shows the QR code, and asks for the first code that the app shows.
func (s *step) askScan(notes ...Note) {
	p := Page{
		ID: AskScan, Args: Args{Name: s.c.Subject.UPN}, Fields: []Field{FieldCode},
		Media: &Media{Kind: MediaQR, ID: s.c.Enrol.ID}, Offers: offers(PickCancel, PickDesk),
	}
	if s.Policy.Chat(s.c.User.Chat).Private {
		p.ID = AskScanHere
		s.show(p, notes...)
		return
	}
	s.showOnEntry(p, notes...)
}

// scan takes the first code: on the one-time page, or typed in the chat.
func (s *step) scan() {
	code := s.in.Fields[FieldCode]
	switch {
	case s.in.Choice == PickLink && s.c.Page.Entry != nil:
		s.newLink(s.askScan)
	case s.in.Kind == Filled && !s.entered(s.askScan):
	case s.in.Kind == Filled && code.Empty() && s.c.Page.Entry != nil:
		s.repeat() // the word was right: now the page shows the picture
	case code.Empty():
		s.unclear()
	case !sixDigits(code.Reveal()):
		s.repeat(Note{ID: NoteCodeForm})
	default:
		s.follow(Answered)
		s.order(Task{Kind: TaskConfirm, Challenge: s.c.Enrol.ID, Device: s.Keys.Device(s.c.ID)})
		s.ch.Secret = code
		s.show(Page{ID: WaitCheck, Offers: offers(PickDesk)})
	}
}

// confirmed takes the judgement of the first code, and the account as it is
// now. Everything that was true when this began must still be.
func (s *step) confirmed(out Outcome) {
	a := out.Account
	switch {
	case out.Trouble:
		s.follow(NotJudged)
		s.askScan(Note{ID: NoteNotJudged})
	case !s.unchanged(a):
		s.end(Withdraw, Page{ID: EndWithdrawn})
		s.detail("account_changed")
	case s.account.Holder != s.c.ID || !s.enrolProofsHold():
		s.alarm("proofs_missing")
		s.end(Withdraw, Page{ID: EndWithdrawn})
	case s.resetLately(): // it was under way when this began
	case out.Verdict != Right || out.Mark == "" || s.f.Marks[out.Mark]:
		s.follow(Wrong)
		s.askScan(Note{ID: NoteScanWrong})
	case s.account.Writing != "" && s.account.Writing != s.c.ID && s.now.Before(s.account.WritingUntil):
		s.follow(NotJudged)
		s.askScan(Note{ID: NoteWriteOpen})
	default:
		s.ch.Marks = []Mark{{Key: out.Mark, Expires: s.now.Add(markKept)}}
		s.account.Writing, s.account.WritingUntil = s.c.ID, s.now.Add(s.Policy.UnknownGiveUp)
		s.c.Enrol.Since = s.now
		s.follow(Confirmed)
		s.keepApp()
		s.show(Page{ID: WaitEnrol})
	}
}

// keepApp has the app's secret kept. It may be kept twice: it is the same one.
func (s *step) keepApp() {
	s.order(Task{Kind: TaskEnrol, Challenge: s.c.Enrol.ID, Device: s.Keys.Device(s.c.ID), Since: s.c.Enrol.Since})
}

// kept: from here on the owner is told on every channel, and can take it back.
func (s *step) kept(out Outcome) {
	if out.Trouble {
		s.tryLater()
		return
	}
	s.closeWrite()
	s.tell(TellEnrolled)
	p := Page{ID: EndEnrolled, Offers: offers(PickDesk)}
	if s.Policy.WaitingTime > 0 {
		p.Args.At = s.c.Enrol.Since.Add(s.Policy.WaitingTime)
	}
	s.end(Stored, p)
}

// tryLater has a write tried again that harms nobody twice.
func (s *step) tryLater() {
	checks := 0
	if s.c.Write != nil {
		checks = s.c.Write.Checks
	}
	s.c.Write = &Write{Begun: s.now, Next: s.now.Add(backoff(checks + 3)), Checks: checks + 1}
}
