package conversation

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Pages 2 and 3: the two verification steps. Both are the same code; the state
// says which it is, the proofs say what is left.

var choices = map[Method]Choice{SMS: PickSMS, Call: PickCall, Push: PickPush, Code: PickCode}

func method(c Choice) (Method, bool) {
	for m, choice := range choices {
		if choice == c {
			return m, true
		}
	}
	return "", false
}

// askMethod shows the four ways. Elsewhere than in own chat all four are
// always there, whatever is behind them, until the first proof.
func (s *step) askMethod(notes ...Note) {
	s.c.Question, s.c.Method = nil, ""
	if s.handedOver() {
		return
	}
	p := Page{ID: AskMethod, Offers: s.ways()}
	if s.c.Goal == ToEnrol {
		p.ID = AskEnrolMethod
	}
	s.show(p, s.whileShut(notes)...)
}

// off says why a way cannot be picked, where that may be said.
func (s *step) off(m Method) MessageID {
	switch {
	case slices.ContainsFunc(s.c.Proofs, func(p Proof) bool { return p.Method.Family() == m.Family() }):
		return NoteFamilyUsed
	case !s.visible() || slices.Contains(s.c.Subject.Methods, m):
		return ""
	case slices.Contains(s.c.Subject.Young, m):
		return NoteTooYoung
	}
	return NoteNotEnrolled
}

// choose takes the choice of a way.
func (s *step) choose() {
	if s.in.Choice == PickName && s.c.State == Step1Choose {
		s.back()
		return
	}
	m, ok := method(s.in.Choice)
	if !ok || !s.wanted(m) {
		s.unclear()
		return
	}
	if why := s.off(m); why != "" {
		s.repeat(Note{ID: why})
		return
	}
	if s.handedOver() {
		return
	}
	if c, closed := s.closed(m, ""); closed {
		s.askMethod(c.note())
		return
	}
	s.c.Method = m
	switch m {
	case SMS, Call:
		s.follow(PhoneChosen)
		s.askNumber()
	case Push:
		s.push()
	case Code:
		s.c.Question = &Challenge{ID: s.in.Nonce.id("challenge"), Method: Code, At: s.now, Expires: s.c.Ends}
		s.follow(CodeChosen)
		s.askCode()
	}
}

func (s *step) askNumber(notes ...Note) {
	s.show(Page{
		ID: AskNumber, Args: Args{Digits: s.c.Subject.Digits, Method: s.c.Method}, Fields: []Field{FieldNumber},
		Offers: offers(PickNotMine, PickMethod, PickNoPhone, PickDesk),
	}, notes...)
}

// number takes the full number that proves that the person knows it. What
// cannot be it is refused at no cost, without looking at the directory; what
// could be it is compared there, and costs a try.
func (s *step) number() {
	switch s.in.Choice {
	case PickNotMine:
		s.follow(Back)
		s.askMethod(Note{ID: NoteNotMyNumber})
		return
	case PickMethod:
		s.back()
		return
	}
	typed := s.in.Fields[FieldNumber]
	if typed.Empty() {
		s.unclear()
		return
	}
	e164, fault := s.Numbers.Read(typed.Reveal())
	switch {
	case fault == NumberForm:
		s.repeat(Note{ID: NoteNumberForm})
	case fault != "":
		s.repeat(Note{ID: NoteNumberKind})
	case !strings.HasSuffix(e164, s.c.Subject.Digits):
		s.repeat(Note{ID: NoteNumberDigits, Args: Args{Digits: s.c.Subject.Digits}})
	default:
		s.numberGiven(e164)
	}
}

func (s *step) numberGiven(e164 string) {
	q := Challenge{
		Method: s.c.Method, Number: s.Keys.Fingerprint("number", e164), Country: s.Numbers.Country(e164),
	}
	switch c, closed := s.closed(q.Method, q.Country); {
	case !closed:
		s.challenge(q, NumberGiven)
	case c.Country != "":
		s.repeat(c.note())
	default: // since it was chosen
		s.follow(Back)
		s.askMethod(c.note())
	}
}

// push sends a notification. One that the owner denied an hour ago is followed
// by none; who is not in own chat does not learn that.
func (s *step) push() {
	if s.visible() && s.noPush() {
		s.repeat(Note{ID: NoteMethodDown})
		return
	}
	s.challenge(Challenge{Method: Push}, PushChosen)
}

// noPush reports whether notifications are off for this person: an hour after
// one was denied that the same kind of person asked for.
func (s *step) noPush() bool {
	if s.c.Subject.Own {
		return s.now.Before(s.account.NoPushOwn)
	}
	return s.now.Before(s.account.NoPush)
}

// challenge starts one, if the account still may: half a minute between two,
// five an hour. The try that it costs is spent in this same commit.
func (s *step) challenge(q Challenge, event Event) {
	free := false
	if q.Number != "" {
		q.Spent, free = s.c.Given[q.Number]
	}
	if !free && s.noTryLeft() {
		return
	}
	sent := s.counter(useChallenges)
	if until, full := sent.Full(s.now, s.Policy.Challenges); full {
		s.repeat(Note{ID: NoteChallenges, Args: Args{At: until}})
		return
	}
	if last := sent.latest(s.now, s.Policy.Challenges); !s.proves(last.ID) {
		if next := last.At.Add(s.Policy.Cooldown); s.now.Before(next) {
			s.repeat(Note{ID: NoteCooldown, Args: Args{At: next}})
			return
		}
	}
	q.ID, q.At, q.Expires = s.in.Nonce.id("challenge"), s.now, s.now.Add(s.Policy.CodeLife)
	s.spend(useChallenges, q.ID, s.Policy.Challenges)
	if !free {
		s.spendProof(&q, q.ID)
	}
	if q.Number != "" {
		s.give(q.Number, q.Spent)
	}
	s.c.Question = &q
	s.follow(event)
	s.order(Task{
		Kind: TaskChallenge, Method: q.Method, Challenge: q.ID, Expires: q.Expires,
		Typed: q.Number, Country: q.Country, Known: s.c.Subject.Number, Decoy: q.Method == Push && s.noPush(),
	})
	s.askWhatCame()
}

// askWhatCame shows what to do with what is on its way. Where outcomes may
// show, a number is looked up first: nobody is promised what will not come.
func (s *step) askWhatCame() {
	switch q := s.c.Question; {
	case q.Number != "" && s.visible() && s.c.Task != nil && s.c.Task.Kind == TaskChallenge:
		s.show(Page{ID: WaitCheck, Offers: offers(PickDesk)})
	case q.Method == SMS:
		s.askCode()
	default:
		s.askPhone()
	}
}

// proves reports whether a challenge ended in a proof of this conversation: the
// next one then need not wait.
func (s *step) proves(challenge string) bool {
	return slices.ContainsFunc(s.c.Proofs, func(p Proof) bool { return p.Challenge == challenge })
}

// give remembers that a number was typed, and which spend it still has.
func (s *step) give(number, spent string) {
	if s.c.Given == nil {
		s.c.Given = map[string]string{}
	}
	s.c.Given[number] = spent
}

// spendProof counts a try before the answer is judged: on the account, and for
// the asker as a failure on this account, until it turns out right. Whoever
// walks away meanwhile has failed.
func (s *step) spendProof(q *Challenge, id string) {
	q.Spent = id
	s.c.Failed = true
	s.spend(useProofs, id, s.Policy.Proofs)
	if s.c.Subject.Own {
		return
	}
	asker := askerCounter(askerAccounts, s.c.Asker)
	if !s.counters[asker].at(s.now, s.perAsker(s.Policy.Accounts)).has(s.accountMark()) {
		s.c.Counted = true
		s.spendOne(asker, s.accountMark(), s.perAsker(s.Policy.Accounts))
	}
}

// returnProof gives a try back: this one and no other.
func (s *step) returnProof(id string) {
	s.giveBack(useProofs, id, s.Policy.Proofs)
	if asker := askerCounter(askerAccounts, s.c.Asker); s.c.Counted {
		s.counters[asker] = s.counters[asker].GiveBack(s.accountMark(), s.now, s.perAsker(s.Policy.Accounts))
		s.c.Counted = false
	}
}

// noTryLeft ends the conversation where no further try may be judged.
func (s *step) noTryLeft() bool {
	if until, full := s.full(useProofs, s.Policy.Proofs); full {
		s.lock(until)
		return true
	}
	return s.manyAccounts()
}

// lock ends with the reset lock, and tells the owner, once a lock. Only the
// reset is locked, never the sign-in.
func (s *step) lock(until time.Time) {
	s.end(Lock, Page{ID: EndLocked, Args: Args{At: until}})
	if s.recordKey() != "" && !s.account.Told.Equal(until) {
		s.account.Told = until
		s.tell(TellLocked)
	}
}

// askCode asks for six digits.
func (s *step) askCode(notes ...Note) {
	p := Page{ID: AskAppCode, Fields: []Field{FieldCode}}
	if s.c.Question.Method == SMS {
		p.ID, p.Offers = AskSMSCode, offers(PickResend)
		if s.c.State.step() == 1 {
			p.Offers = append(p.Offers, Offer{Choice: PickName})
		}
	}
	p.Offers = append(p.Offers, offers(PickMethod, PickNoPhone, PickDesk)...)
	s.show(p, notes...)
}

// askPhone says what to do on the telephone or in the app; nothing is typed
// here.
func (s *step) askPhone(notes ...Note) {
	p := Page{ID: WaitPush, Offers: offers(PickMethod, PickNoPhone, PickDesk)}
	switch q := s.c.Question; {
	case q.Method == Push:
		p.Args.Digits = s.Keys.Digits(q.ID)
	case s.Policy.CallWithCode:
		p.ID, p.Args.Digits = WaitCallDigits, s.Keys.Digits(q.ID)
	default:
		p.ID = WaitCall
	}
	s.show(p, notes...)
}

// sent takes the outcome of a challenge. Elsewhere than in own chat it changes
// nothing before the first proof: the page has said all there is to say.
func (s *step) sent(out Outcome) {
	q := s.c.Question
	if out.Closed != nil {
		s.closedMeanwhile(*out.Closed)
		return
	}
	if s.visible() {
		switch {
		case out.Trouble:
			s.returnProof(q.Spent)
			delete(s.c.Given, q.Number)
			s.follow(NotSent)
			note := Note{ID: NoteNotSent}
			if !out.NumberUntil.IsZero() {
				note = Note{ID: NoteNumberFull, Args: Args{At: out.NumberUntil}}
				s.detail("number_full")
			}
			s.askMethod(note)
			return
		case !out.Matched:
			if until, full := s.full(useProofs, s.Policy.Proofs); full {
				s.lock(until)
				return
			}
			s.follow(NotSent)
			s.askMethod(Note{ID: NoteNumberWrong})
			return
		case q.Number != "":
			s.returnProof(q.Spent)
			q.Spent = ""
			s.give(q.Number, "")
		}
	}
	looked := s.c.Page.ID == WaitCheck
	on := Waits
	if q.Method == SMS {
		on = Sent
	}
	s.follow(on)
	if !out.NumberUntil.IsZero() { // the desk may know; whoever asks may not
		s.detail("number_full")
	}
	if on == Waits {
		s.check(Task{Kind: TaskWait}, Secret{})
	}
	if looked && !s.c.State.Over() {
		s.askWhatCame()
	}
}

// closedMeanwhile: somebody else took the last of a budget since the page was
// shown. Nothing was sent, so nothing is counted but what an earlier challenge
// still has to its account.
func (s *step) closedMeanwhile(c Closure) {
	q := s.c.Question
	s.giveBack(useChallenges, q.ID, s.Policy.Challenges)
	if q.Spent == q.ID {
		s.giveBack(useProofs, q.ID, s.Policy.Proofs)
		delete(s.c.Given, q.Number)
	}
	s.follow(NotSent)
	s.detail("closed")
	s.askMethod(c.note())
}

// check has an answer judged. The try is spent in the commit that starts the
// check: a right answer gets this one back, and no other.
func (s *step) check(t Task, answer Secret) {
	q := s.c.Question
	tries := s.counters[accountCounter(useProofs, s.class(), s.c.Subject.Key)].at(s.now, s.Policy.Proofs)
	if q.Spent == "" || !tries.has(q.Spent) { // set to zero meanwhile, by somebody else's reset
		if s.noTryLeft() {
			return
		}
		q.Tries++
		s.spendProof(q, q.ID+":"+strconv.Itoa(q.Tries))
	} else if q.Number != "" {
		s.give(q.Number, "") // the answer takes the number's spend over
	}
	t.Method, t.Challenge, t.Expires, t.Typed, t.Known = q.Method, q.ID, q.Expires, q.Number, s.c.Subject.Number
	t.Country = q.Country
	t.Decoy = q.Method == Push && s.noPush()
	s.order(t)
	s.ch.Secret = answer
}

// answer takes what is typed while a challenge is open.
func (s *step) answer() {
	q := s.c.Question
	typed := s.in.Fields[FieldCode]
	switch {
	case s.in.Choice == PickMethod:
		s.back()
	case s.in.Choice == PickName && s.c.Page.Shows(PickName):
		s.back()
		s.back()
	case s.in.Choice == PickResend && q.Method == SMS:
		s.resend()
	case q.Method == Push || q.Method == Call:
		s.repeat(Note{ID: NoteOnPhone})
	case typed.Empty():
		s.unclear()
	case !sixDigits(typed.Reveal()):
		s.repeat(Note{ID: NoteCodeForm})
	case !s.now.Before(q.Expires):
		s.c.Task, s.c.Question = nil, nil // after a crash it may be sent once more just now
		s.follow(Back)
		s.askMethod(Note{ID: NoteCodeLate})
	default:
		s.judge(typed)
	}
}

// judge starts the check of a code that was not judged before.
func (s *step) judge(code Secret) {
	q := s.c.Question
	heard := s.Keys.Fingerprint("answer", s.c.ID, code.Reveal())
	if slices.Contains(q.Heard, heard) || slices.Contains(s.c.Used, heard) {
		s.repeat(Note{ID: NoteCodeSame})
		return
	}
	q.Pending = heard
	s.follow(Answered)
	s.check(Task{Kind: TaskCheck}, code)
	if !s.c.State.Over() {
		s.show(Page{ID: WaitCheck, Offers: offers(PickDesk)})
	}
}

// resend starts a new challenge to the number that was given; the old code is
// dead with it.
func (s *step) resend() {
	q := Challenge{Method: SMS, Number: s.c.Question.Number, Country: s.c.Question.Country}
	if c, closed := s.closed(SMS, q.Country); closed {
		s.repeat(c.note())
		return
	}
	s.challenge(q, Resent)
}

// sixDigits: understanding what was typed is the business of words; here it is
// six ASCII digits or it is not a code.
func sixDigits(code string) bool {
	return len(code) == 6 && strings.Trim(code, "0123456789") == ""
}

// judged takes the verdict.
func (s *step) judged(t Task, out Outcome) {
	q := s.c.Question
	spent := q.Spent
	q.Spent = ""
	verdict := out.Verdict
	if verdict == Right && (s.c.Subject.Decoy || !slices.Contains(s.c.Subject.Methods, q.Method)) {
		verdict = WrongOne
	}
	switch {
	case out.Trouble && s.visible():
		s.returnProof(spent)
		s.notJudged(t)
	case verdict == Right && out.Mark != "" && !s.f.Marks[out.Mark]:
		s.returnProof(spent)
		s.ch.Marks = []Mark{{Key: out.Mark, Expires: s.now.Add(markKept)}}
		s.proved()
	default:
		s.wrong(t, verdict)
	}
}

// markKept is longer than any code, call or conversation can live.
const markKept = 31 * 24 * time.Hour

// notJudged: nobody could tell whether the answer was right. Only who may see
// outcomes comes here; for all others it is a wrong one, as it is for decoys.
func (s *step) notJudged(t Task) {
	note := Note{ID: NoteNotJudged}
	s.follow(NotJudged)
	if t.Kind == TaskWait {
		s.askMethod(note)
		return
	}
	s.c.Question.Pending = "" // it was not judged: it may be said again
	s.askCode(note)
}

// wrong counts a failed proof, and locks where it was the last.
func (s *step) wrong(t Task, v Verdict) {
	if until, full := s.full(useProofs, s.Policy.Proofs); full {
		s.lock(until)
		return
	}
	if t.Kind == TaskWait {
		s.follow(Nothing)
		s.detail(string(v))
		s.askMethod(Note{ID: NoteNothing})
		return
	}
	note := NoteCodeWrong
	if v == Right && s.visible() {
		note = NoteCodeUsed
	}
	s.wrongCode(note)
}

func (s *step) wrongCode(note MessageID) {
	q := s.c.Question
	q.Wrong++
	if q.Pending != "" {
		q.Heard, q.Pending = append(slices.Clone(q.Heard), q.Pending), ""
	}
	if left := s.Policy.CodeTries - q.Wrong; left > 0 {
		s.follow(Wrong)
		s.askCode(Note{ID: note, Args: Args{Left: left}})
		return
	}
	s.follow(Exhausted)
	s.askMethod(Note{ID: NoteCodeOver})
}

// denied: the owner said on the telephone that it was not them, to something
// that this conversation asked, now or a moment ago. In own chat, and after a
// first proof, that ends it; anybody else goes on as a decoy and sees what
// everybody sees whose telephone stays silent (AC-35).
func (s *step) denied(owner AccountID) {
	mine := s.c.Subject.ID == owner
	if !slices.Contains(s.c.Denied, owner) {
		s.c.Denied = append(slices.Clone(s.c.Denied), owner)
	}
	until := s.now.Add(s.Policy.NoPush)
	if mine && s.c.Subject.Own {
		s.account.NoPushOwn = until
	} else {
		s.account.NoPush = until
	}
	s.line(Line{Event: string(Deny), From: s.c.State, To: s.c.State, Detail: "denied_by_owner", Alarm: true})
	s.ch.Audit[len(s.ch.Audit)-1].Account = owner
	s.notice(Notice{Kind: Tell, Account: owner, Message: TellDenied})
	switch {
	case !mine || s.c.State.Over() || s.c.State.mustRun():
	case s.visible():
		s.end(Deny, Page{ID: EndDenied})
	default:
		s.c.Subject.Decoy = true
	}
}

// proved records a proof. The first makes this conversation the account's
// holder, and displaces an older one.
func (s *step) proved() {
	q := s.c.Question
	if q.Pending != "" {
		s.c.Used = append(slices.Clone(s.c.Used), q.Pending)
	}
	s.c.Proofs = append(slices.Clone(s.c.Proofs), Proof{Method: q.Method, Challenge: q.ID, At: s.now})
	first := len(s.c.Proofs) == 1
	if first {
		if s.heldByOwner() {
			s.end(Displace, Page{ID: EndDisplaced})
			return
		}
		s.hold()
		if s.c.Goal != ToEnrol {
			s.tell(TellProved)
		}
	}
	switch {
	case s.c.Goal == ToEnrol:
		s.enrolProved()
	case first && s.oneIsEnough(), !first && s.c.Goal == ToUnlock && s.twoFamilies():
		s.follow(ProvedForUnlock)
		s.c.Question = nil
		s.order(Task{Kind: TaskReread})
		s.show(Page{ID: WaitUnlock})
	case first:
		s.follow(Proved)
		s.secondStep()
	case s.twoFamilies():
		s.follow(ProvedForReset)
		s.c.Question = nil
		s.askPassword()
	default: // choose refused the family before; nothing leads here
		s.alarm("same_family")
		s.end(Withdraw, Page{ID: EndWithdrawn})
	}
}

// secondStep asks for the other family, where the account has one.
func (s *step) secondStep() {
	for _, m := range s.c.Subject.Methods {
		if s.off(m) == "" {
			s.askMethod(Note{ID: NoteStepDone})
			return
		}
	}
	s.end(Refer, Page{ID: EndOneFamily})
	s.detail("one_family")
}

// oneIsEnough: unlocking within two hours of one's own reset, in own chat.
func (s *step) oneIsEnough() bool {
	return s.c.Goal == ToUnlock && s.c.Subject.Own && !s.account.LastReset.IsZero() &&
		s.now.Before(s.account.LastReset.Add(s.Policy.SecondUnlock))
}

// twoFamilies counts the proofs from the record: two, of two families, none
// too old.
func (s *step) twoFamilies() bool {
	families := map[Family]bool{}
	for _, p := range s.c.Proofs {
		if s.counts(p) {
			families[p.Method.Family()] = true
		}
	}
	return len(s.c.Proofs) == 2 && families[Phone] && families[App]
}

// counts reports whether a proof is not too old.
func (s *step) counts(p Proof) bool {
	age := s.now.Sub(p.At)
	return age >= 0 && age <= s.Policy.ProofLife
}

// heldByOwner reports whether the owner's own chat holds the account, which
// nobody else displaces.
func (s *step) heldByOwner() bool {
	a := s.account
	return a.Holder != "" && a.HolderOwn && !s.c.Subject.Own && s.now.Before(a.HolderUntil)
}

// hold makes this conversation the holder; the one that was is nudged, and
// will see that it is not any more.
func (s *step) hold() {
	a := &s.account
	if a.Holder != "" && a.Holder != s.c.ID {
		s.notice(Notice{Kind: Nudge, User: a.HolderUser})
	}
	a.Holder, a.HolderUser = s.c.ID, s.c.User
	a.HolderOwn, a.HolderUntil = s.c.Subject.Own, s.c.Ends
	a.Guests = slices.DeleteFunc(slices.Clone(a.Guests), func(g Guest) bool { return g.Conversation == s.c.ID })
}

// tell has the owner told, outside this conversation. Decoys have no owner.
func (s *step) tell(m MessageID) {
	if s.c.Subject.ID != "" {
		s.notice(Notice{Kind: Tell, Account: s.c.Subject.ID, Message: m, Own: s.c.Subject.Own})
	}
}

func (s *step) notice(n Notice) {
	n.ID = s.in.Nonce.id("notice " + strconv.Itoa(len(s.ch.Notices)))
	n.Due, n.At = s.now, s.now
	n.Receipt, n.Chat, n.Locale, n.Conversation = s.c.Receipt, s.c.User.Chat, s.c.Locale, s.c.ID
	if n.Kind == Tell && s.c.Binds {
		n.User = s.c.User
	}
	s.ch.Notices = append(s.ch.Notices, n)
}
