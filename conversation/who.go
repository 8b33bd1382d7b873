package conversation

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Page 0 and page 1: what can I do for you, who are you, the captcha, and
// what the directory made of the name.

// afterEnd takes what a person says when no conversation is on: the words
// that begin one, what the page of the end offers, or an old button.
func (s *step) afterEnd(old Conversation) {
	pressed := s.in.Kind == Pressed || s.in.Kind == Filled
	switch choice := s.in.Choice; {
	case old.ID == "":
		s.begin(old)
	case !old.Page.Delivered && s.in.Kind == Arrived:
		s.ch.Same = true // the end was never seen: it is shown before anything else
	case s.in.Kind == Arrived && choice == "" && s.now.Before(old.Over.Add(endShown)):
		s.repeat(old.Page.Notes...)
	case pressed && !NewSecret(s.in.Token).Equal(NewSecret(old.Page.Token)):
		s.repeat(Note{ID: NoteStale})
	case choice == PickDesk:
		s.repeat(Note{ID: NoteDesk})
	case choice == PickCancel, choice == PickBack:
		s.ch.Same = true // there is nothing to cancel; a repeated "stop" ends nothing else
	case choice == PickAgain && old.Typed != "":
		s.begin(old)
		s.c.Typed, s.c.Goal = old.Typed, old.Goal
		if s.c.State == Start {
			s.follow(ResetAsked)
			s.askWho()
		}
	default:
		s.begin(old)
	}
}

// endShown is how long who comes back sees the end again, before they are greeted
// anew: a page that was delivered is not always one that was seen. Browsers fetch
// theirs, and the process that kept it for them may have died meanwhile.
const endShown = 10 * time.Minute

// begin starts a conversation. Words that already say what the person wants
// are taken at once.
func (s *step) begin(old Conversation) {
	from := s.in.From
	if s.in.Via != "" { // a one-time page knows nobody, and less than the chat may do
		from.Binds, from.Domains, from.Place, from.Identity = old.Binds, old.Domains, old.Place, old.Identity
	}
	s.c = Conversation{
		ID: s.in.Nonce.id("conversation"), Receipt: s.in.Nonce.receipt(),
		User: from.User, Address: from.Address, Asker: from.Asker, Crowd: from.Crowd, Locale: from.Locale, Bound: from.Bound,
		Binds: from.Binds, Domains: from.Domains, Place: from.Place, Identity: from.Identity,
		State: Start, Goal: ToReset, Started: s.now, Ends: s.now.Add(s.Policy.Conversation), Seen: s.c.Seen,
		Sent: old.Sent,
	}
	s.c.Page.Version = old.Page.Version
	if old.Locale != "" {
		s.c.Locale = old.Locale
	}
	if s.in.Restored {
		s.stop(Withdrawn, Page{ID: EndRestored}, "restored_store")
		return
	}
	switch s.in.Choice {
	case PickReset, PickStuck, PickUnlock, PickElse, PickLostPhone, PickMicrosoft, PickEnrol:
		s.askStart()
		s.start()
	case PickDutch, PickEnglish, PickHelp, PickDesk:
		s.askStart()
		s.everywhere()
	default:
		s.askStart()
		if s.mayFollowUp(old) {
			s.show(Page{ID: AskFollowUp, Offers: offers(PickYes, PickNo)})
		}
	}
}

// mayFollowUp: ten minutes after a reset at the earliest, a day at the latest,
// the person who is back is asked whether the badge works again.
func (s *step) mayFollowUp(old Conversation) bool {
	return old.State == Done && old.Goal == ToReset && s.now.Sub(old.Over) >= followUpAfter
}

const followUpAfter = 10 * time.Minute

// followsUp reports whether the bot asks by itself how it went after this reset.
func (c Conversation) followsUp(p Policy) bool {
	return c.State == Done && c.Goal == ToReset && p.Chat(c.User.Chat).FollowsUp
}

// followUp asks, unasked, whether the badge works again. The question waits as
// long as the end of the reset is remembered, and then goes without a word.
func (s *step) followUp() {
	old := s.c
	s.in.From = Origin{
		User: old.User, Address: old.Address, Asker: old.Asker, Crowd: old.Crowd, Locale: old.Locale,
		Binds: old.Binds, Domains: old.Domains, Place: old.Place, Identity: old.Identity,
	}
	s.begin(old)
	s.c.Unasked, s.c.Ends, s.c.Page.Ends = true, old.Over.Add(s.Policy.KeepEnded), time.Time{}
}

// answered takes what a person says to a question that nobody had asked for: it
// begins a conversation, and has its own time.
func (s *step) answered(old Conversation) {
	pressed := s.in.Kind == Pressed || s.in.Kind == Filled
	note, answer := map[Choice]MessageID{PickYes: NoteFollowUpYes, PickNo: NoteFollowUpNo}[s.in.Choice]
	switch {
	case s.in.Kind == Arrived && s.in.Choice == "":
		s.repeat()
	case pressed && !NewSecret(s.in.Token).Equal(NewSecret(old.Page.Token)):
		s.repeat(Note{ID: NoteStale})
	default:
		s.begin(old)
		if answer {
			s.askStart(Note{ID: note})
		}
	}
}

func (s *step) askStart(notes ...Note) {
	s.show(Page{ID: AskStart, Offers: offers(PickReset, PickStuck, PickElse)}, notes...)
}

// act takes a person's input on the page that is on. What works everywhere
// comes first.
func (s *step) act() {
	if s.in.Kind == Arrived {
		s.repeat(Note{ID: NoteResumed, Args: Args{Minutes: timeLeft(s.now, s.c.Ends)}})
		return
	}
	if (s.in.Kind == Pressed || s.in.Kind == Filled) && !NewSecret(s.in.Token).Equal(NewSecret(s.c.Page.Token)) {
		s.repeat(Note{ID: NoteStale})
		return
	}
	if s.typedTwice() || s.everywhere() {
		return
	}
	if s.c.State.guides() {
		s.guide()
		return
	}
	switch s.c.State {
	case Start:
		s.start()
	case Hints:
		s.hints()
	case Who:
		s.who()
	case Step1Choose, Step2Choose, EnrolChoose:
		s.choose()
	case Step1Number, Step2Number, EnrolNumber:
		s.number()
	case Step1Sending, Step2Sending, Step1Answer, Step2Answer, Step1Waiting, Step2Waiting,
		EnrolSending, EnrolAnswer, EnrolWaiting:
		s.answer()
	case Password:
		s.password()
	case EnrolWho:
		s.enrolWho()
	case EnrolPassword:
		s.current()
	case EnrolScan:
		s.scan()
	default: // work is going on
		s.repeat(Note{ID: NoteBusyNow})
	}
}

// weighty are the choices that end something, or have something sent.
var weighty = []Choice{PickNoPhone, PickLostPhone, PickPush, PickWorks, PickEnrol}

// typedTwice reports whether a number is typed that moved another page before,
// and here means something that cannot be taken back. Typed text has no token,
// and platforms deliver a message again when they are unsure (AC-43): so it is
// asked what is meant. Whoever is back on the same question means it: a second
// notification after the first brought nothing.
func (s *step) typedTwice() bool {
	if s.in.Nth == 0 {
		return false
	}
	if s.in.Nth == s.c.Nth && s.c.Page.ID != s.c.NthOn && slices.Contains(weighty, s.in.Choice) {
		s.repeat(Note{ID: NoteSameNumber})
		return true
	}
	return false
}

// everywhere takes the words that work on every page.
func (s *step) everywhere() bool {
	switch s.in.Choice {
	case PickCancel:
		if s.c.State.mustRun() {
			s.repeat(Note{ID: NoteCannotCancel})
		} else {
			s.end(Cancel, Page{ID: EndCancelled})
		}
	case PickBack:
		s.back()
	case PickHelp:
		s.repeat(Note{ID: NoteHelp})
	case PickDesk:
		s.repeat(Note{ID: NoteDesk})
	case PickDutch, PickEnglish:
		s.c.Locale = map[Choice]string{PickDutch: "nl", PickEnglish: "en"}[s.in.Choice]
		s.repeat(s.c.Page.Notes...)
	case PickNoPhone:
		if !s.c.State.verifying() {
			return false
		}
		s.end(Refer, Page{ID: EndNoPhone})
	default:
		return false
	}
	return true
}

// back goes to the page before, where there is one.
func (s *step) back() {
	before := s.c.State
	if before.arrows()[Back] == "" {
		note := NoteBackHere
		if s.c.State.mustRun() || s.c.Task != nil {
			note = NoteBusyNow
		}
		s.repeat(Note{ID: note})
		return
	}
	s.c.Task, s.c.Question = nil, nil
	s.follow(Back)
	switch {
	case before == GuideOpen:
		s.leaveGuide()
	case s.c.State.guides():
		s.askGuide()
	case s.c.State == Start:
		s.c.Goal = ToReset
		s.askStart()
	case s.c.State == Who:
		s.c.Typed, s.c.Captcha.Solved, s.c.Captcha.ID = "", false, ""
		s.askWho()
	default:
		s.askMethod()
	}
}

// unclear says that something was not understood, and the notes; the second
// time it explains how this works and names the service desk.
func (s *step) unclear(notes ...Note) {
	s.c.Unclear++
	note := NoteUnclear
	if s.c.Unclear >= 2 {
		note, s.c.Unclear = NoteUnclearHelp, 0
	}
	s.repeat(append([]Note{{ID: note}}, notes...)...)
}

func (s *step) start() {
	switch s.in.Choice {
	case PickReset, PickUnlock:
		s.c.Goal = map[Choice]Goal{PickReset: ToReset, PickUnlock: ToUnlock}[s.in.Choice]
		s.follow(ResetAsked)
		s.askWho()
	case PickStuck:
		s.follow(StuckAsked)
		s.show(Page{ID: AskHints, Offers: offers(PickWorks, PickUnlock, PickReset)})
	case PickElse:
		s.askElse()
	case PickMicrosoft:
		s.enterGuide()
	case PickEnrol:
		s.enrol()
	case PickLostPhone:
		s.lostPhone()
	case PickYes, PickNo:
		if s.c.Page.ID != AskFollowUp {
			s.unclear()
			return
		}
		note := map[Choice]MessageID{PickYes: NoteFollowUpYes, PickNo: NoteFollowUpNo}[s.in.Choice]
		s.askStart(Note{ID: note})
	default:
		s.unclear()
	}
}

func (s *step) askElse() {
	s.show(Page{ID: AskElse, Offers: offers(PickReset, PickMicrosoft, PickEnrol, PickLostPhone, PickDesk)})
}

func (s *step) hints() {
	switch s.in.Choice {
	case PickWorks:
		s.end(Works, Page{ID: EndSolved})
	case PickUnlock:
		s.c.Goal = ToUnlock
		s.follow(UnlockAsked)
		s.askWho()
	case PickReset:
		s.c.Goal = ToReset
		s.follow(ResetAsked)
		s.askWho()
	default:
		s.unclear()
	}
}

// askWho asks for the account: the chat's own first, where the chat knows, else
// for a name and the captcha.
func (s *step) askWho(notes ...Note) {
	switch bound := s.c.Bound; {
	case len(bound) == 1 && s.c.Typed == "":
		s.show(Page{ID: AskOwn, Args: Args{Accounts: []string{bound[0].UPN}}, Offers: offers(PickYes, PickOther)}, notes...)
	case len(bound) > 1 && s.c.Typed == "":
		p := Page{ID: AskOwn}
		for i, b := range bound {
			p.Args.Accounts = append(p.Args.Accounts, b.UPN)
			p.Offers = append(p.Offers, Offer{Choice: PickOwn(i)})
		}
		p.Offers = append(p.Offers, Offer{Choice: PickOther})
		s.show(p, notes...)
	default:
		s.askName(notes...)
	}
}

// askName asks for what is still missing: the name, the captcha, or both.
func (s *step) askName(notes ...Note) {
	p := Page{ID: AskWho, Args: Args{Domain: s.example()}}
	riddle := s.wantsCaptcha()
	if s.c.Typed != "" && riddle {
		p.ID = AskCaptcha
	} else { // where nothing is missing the name is asked again: a page without a field leads nowhere
		p.Fields = []Field{FieldName}
	}
	if riddle {
		if s.c.Captcha.ID == "" || !s.now.Before(s.c.Captcha.Expires) {
			s.drawCaptcha()
		}
		p.Fields = append(p.Fields, FieldCaptcha)
		p.Media = &Media{Kind: MediaCaptcha, ID: s.c.Captcha.ID, Sound: s.c.Captcha.Sound}
		p.Offers = offers(PickCaptcha, PickAudio)
	}
	p.Offers = append(p.Offers, offers(PickBack, PickCancel)...)
	s.show(p, notes...)
}

func (s *step) example() string {
	for _, domain := range slices.Concat(s.c.Domains, s.Policy.Domains) {
		return domain
	}
	return ""
}

// wantsCaptcha: as the chat's policy has it. A person whom the chat proved is
// asked on suspicion at the most: no property depends on a captcha, and WCAG
// 2.2 3.3.8 wants a way without a riddle.
func (s *step) wantsCaptcha() bool {
	when := s.Policy.Chat(s.c.User.Chat).Captcha
	if when == Always && len(s.c.Bound) > 0 {
		when = OnSuspicion
	}
	if s.c.Captcha.Solved || when == Never {
		return false
	}
	wrong := s.counters[askerCounter(askerCaptcha, s.c.Asker)].at(s.now, s.perAsker(s.Policy.CaptchaAsker))
	begun := s.counters[askerCounter(askerBegun, s.c.Asker)].at(s.now, s.perAsker(s.Policy.BegunAsker))
	return when == Always || len(wrong.Spends) > 0 || len(begun.Spends) >= s.Policy.Begun.N
}

func (s *step) drawCaptcha() {
	c := &s.c.Captcha
	c.ID, c.Expires, c.Drawn = s.in.Nonce.id("captcha"), s.now.Add(s.Policy.CaptchaLife), c.Drawn+1
}

// who takes the answers of page 1, in one form or one by one.
func (s *step) who() {
	switch choice := s.in.Choice; {
	case choice == PickCaptcha && s.c.Page.Media != nil:
		s.newCaptcha()
		return
	case choice == PickAudio && s.c.Page.Media != nil:
		s.readAloud()
		return
	case choice == PickOther && s.c.Page.ID == AskOwn:
		s.askName()
		return
	case choice == PickYes && s.c.Page.ID == AskOwn && len(s.c.Bound) == 1 && s.showed(0):
		s.look(Task{Kind: TaskFind, Account: s.c.Bound[0].ID})
		return
	case s.c.Page.ID == AskOwn:
		for i := range s.c.Bound {
			if choice == PickOwn(i) && s.showed(i) {
				s.look(Task{Kind: TaskFind, Account: s.c.Bound[i].ID})
				return
			}
		}
	}
	name, captcha := s.in.Fields[FieldName], s.in.Fields[FieldCaptcha]
	if name.Empty() && captcha.Empty() {
		s.unclear()
		return
	}
	if !name.Empty() && !s.name(name) {
		return
	}
	if !s.wantsCaptcha() || s.captcha(captcha) {
		s.named()
	}
}

func (s *step) newCaptcha() {
	if s.c.Captcha.Drawn >= s.Policy.CaptchaDrawn {
		s.end(Lock, Page{ID: EndBusy, Args: Args{At: s.now.Add(s.Policy.CaptchaAsker.Window)}})
		return
	}
	s.drawCaptcha()
	s.askName(Note{ID: NoteCaptchaNew})
}

// readAloud shows the same captcha with its sound: nothing is judged, nothing is
// counted, and its five minutes go on. One that is over is replaced.
func (s *step) readAloud() {
	s.c.Captcha.Sound = true
	if !s.now.Before(s.c.Captcha.Expires) {
		s.newCaptcha()
		return
	}
	media := *s.c.Page.Media
	media.Sound = true
	s.c.Page.Media = &media
	s.repeat(Note{ID: NoteCaptchaSound})
}

// name takes a name; one that cannot be one, or has a domain that is not ours,
// costs nothing.
func (s *step) name(typed Secret) bool {
	name, ok := canonicalName(typed.Reveal())
	if !ok {
		s.askName(Note{ID: NoteNameForm, Args: Args{Domain: s.example()}})
		return false
	}
	if _, domain, ok := strings.Cut(name, "@"); ok && len(s.Policy.Domains) > 0 &&
		!slices.Contains(s.Policy.Domains, domain) && (len(s.c.Domains) == 0 || !within(s.c.Domains, name)) {
		s.askName(Note{ID: NoteDomain, Args: Args{Domain: s.example()}})
		return false
	}
	s.c.Typed = name
	return true
}

// captcha judges the characters of the picture or the sound, which are the same:
// once, for this conversation, within its five minutes.
func (s *step) captcha(typed Secret) bool {
	c := &s.c.Captcha
	if typed.Empty() {
		s.askName()
		return false
	}
	if !s.now.Before(c.Expires) {
		s.askName(Note{ID: NoteCaptchaOld})
		return false
	}
	asker := askerCounter(askerCaptcha, s.c.Asker)
	if until, full := s.counters[asker].Full(s.now, s.perAsker(s.Policy.CaptchaAsker)); full {
		s.end(Lock, Page{ID: EndBusy, Args: Args{At: until}})
		return false
	}
	given := NewSecret(strings.ToUpper(strings.Join(strings.Fields(typed.Reveal()), "")))
	if given.Equal(s.Keys.CaptchaAnswer(c.ID)) {
		c.Solved = true
		return true
	}
	if s.c.Typed != "" && strings.EqualFold(strings.TrimSpace(typed.Reveal()), s.c.Typed) {
		s.repeat() // the name again, delivered twice: no answer to the picture
		return false
	}
	heard := s.Keys.Fingerprint("captcha answer", s.c.ID, given.Reveal())
	if slices.Contains(c.Heard, heard) {
		s.repeat(Note{ID: NoteCaptchaWrong})
		return false
	}
	c.Heard = append(slices.Clone(c.Heard), heard)
	c.Wrong++
	s.spendOne(asker, s.in.Nonce.id("captcha try"), s.perAsker(s.Policy.CaptchaAsker))
	until, full := s.counters[asker].Full(s.now, s.perAsker(s.Policy.CaptchaAsker))
	if full || c.Wrong >= s.Policy.CaptchaWrong {
		if until.IsZero() {
			until = s.now
		}
		s.end(Lock, Page{ID: EndBusy, Args: Args{At: until}})
		return false
	}
	s.drawCaptcha()
	s.askName(Note{ID: NoteCaptchaWrong})
	return false
}

// named has what it takes to look the name up.
func (s *step) named() {
	if s.c.Typed == "" {
		s.askName(Note{ID: NoteNameFirst})
		return
	}
	s.look(Task{Kind: TaskFind, Name: s.c.Typed})
}

// look has the directory asked; an asker may do so ten times a day.
func (s *step) look(find Task) {
	asker := askerCounter(askerBegun, s.c.Asker)
	if until, full := s.counters[asker].Full(s.now, s.perAsker(s.Policy.BegunAsker)); full {
		s.end(Lock, Page{ID: EndBusy, Args: Args{At: until}})
		return
	}
	s.spendOne(asker, s.in.Nonce.id("begun"), s.perAsker(s.Policy.BegunAsker))
	s.c.Named++
	s.c.Subject = Subject{Own: find.Account != "" && s.bound(find.Account)}
	s.follow(Named)
	s.order(find)
	s.c.Subject = Subject{}
	s.show(Page{ID: WaitFind})
}

// showed reports whether the page showed the account that is the nth of those
// bound now: what a platform says of a person may change in between.
func (s *step) showed(n int) bool {
	accounts := s.c.Page.Args.Accounts
	return n < len(accounts) && accounts[n] == s.c.Bound[n].UPN
}

func (s *step) bound(id AccountID) bool {
	return slices.ContainsFunc(s.c.Bound, func(b Bound) bool { return b.ID == id })
}

// canonicalName brings a name to the form in which directories are asked:
// lower case, without blanks around it and without DOMAIN\. What cannot be an
// address or a user name is refused: separators of lists (AC-06), characters of
// LDAP filters (AC-07), anything invisible. So is what has them before the
// backslash: nothing but the name of a domain is ever left out.
func canonicalName(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if len(text) > nameMax {
		return "", false
	}
	if i := strings.LastIndexByte(text, '\\'); i >= 0 {
		if strings.ContainsFunc(text[:i], func(r rune) bool { return r != '\\' && (r == '@' || !inName(r)) }) {
			return "", false
		}
		text = strings.TrimSpace(text[i+1:])
	}
	if strings.Count(text, "@") > 1 || strings.ContainsFunc(text, func(r rune) bool { return !inName(r) }) {
		return "", false
	}
	local, domain, address := strings.Cut(text, "@")
	return text, local != "" && (!address || domain != "")
}

// inName reports whether r may stand in an address or a user name. A byte that
// is no UTF-8 is U+FFFD here, and may not.
func inName(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune("._-'+@", r)
}

// found takes what the directory made of the name. Whoever is not in their own
// chat sees the same from here to the first proof, whatever that was.
func (s *step) found(out Outcome) {
	if out.Trouble {
		s.follow(NotFound)
		s.askWho(Note{ID: NoteDirectoryDown})
		return
	}
	a := s.allowed(s.c, out.Account)
	s.subject(a)
	if s.identity() == Same && !s.c.Subject.Own {
		s.end(Refer, Page{ID: EndNotOwn})
		s.detail("not_own")
		return
	}
	if s.shutOut() {
		return
	}
	s.spend(useBegun, s.c.ID, s.Policy.Begun)
	if s.c.Subject.Own && s.turnedAway(a) {
		return
	}
	s.welcome()
	s.follow(Found)
	notYours := len(s.c.Bound) > 0 && !s.c.Subject.Own
	switch {
	case a == nil && out.Account != nil:
		s.detail("other_domain")
	case a == nil:
		s.detail("unknown")
	case s.c.Subject.Decoy:
		s.detail(cmp.Or(string(s.reason(a)), "denied"))
	case notYours:
		s.tell(TellOther) // AC-08
	}
	if notYours && s.identity() == Warn {
		s.askMethod(Note{ID: NoteNotYours})
		return
	}
	s.askMethod()
}

// identity is whose password may be reset from here.
func (s *step) identity() Identity {
	return cmp.Or(s.c.Identity, s.Policy.Chat(s.c.User.Chat).Identity)
}

// subject sets the account that this conversation is about.
func (s *step) subject(a *Account) {
	sub := Subject{Key: s.accountKey(a, s.c.Typed), Decoy: a == nil}
	if a != nil {
		sub.ID, sub.Name, sub.UPN, sub.Number, sub.Length = a.ID, a.Name, a.UPN, a.Number, a.Length
		sub.Words = a.Words
		sub.Digits, sub.Own, sub.Print = a.Digits, s.bound(a.ID), s.print(a)
		sub.Decoy = s.reason(a) != Eligible || slices.Contains(s.c.Denied, a.ID)
		s.firstSeen(a)
		sub.Methods, sub.Young = s.methods(a)
	}
	if sub.Digits == "" {
		sub.Digits = s.Keys.decoyDigits(sub.Key)
	}
	s.c.Subject, s.c.Question, s.c.Method, s.c.Given, s.c.Counted = sub, nil, "", nil, false
}

// reason is why an account cannot be reset: the directory's, or ours.
func (s *step) reason(a *Account) Reason {
	if a.Reason == Eligible && s.now.Before(s.account.Frozen) {
		return Frozen
	}
	return a.Reason
}

// print is the fingerprint of all that must still be so just before the write.
func (s *step) print(a *Account) string {
	parts := []string{string(a.ID), string(a.Reason), a.Number, a.Mark}
	for _, d := range a.Devices {
		parts = append(parts, d.ID, d.Since.UTC().Format(time.RFC3339Nano))
	}
	return s.Keys.Fingerprint("account", parts...)
}

// firstSeen remembers when a number was first there. One that was there when
// we first looked is as old as the directory says; without a word of its, old.
func (s *step) firstSeen(a *Account) {
	r := &s.account
	if a.Number == "" {
		return // what was there before it was taken away is not forgotten
	}
	if r.Number == a.Number {
		if a.Since.After(r.Since) {
			r.Since = a.Since
		}
		return
	}
	changed := r.Number != ""
	r.Number, r.Since = a.Number, a.Since
	if changed && r.Since.IsZero() {
		r.Since = s.now
	}
}

// methods are the ways that would work for this account, and those that
// exist but are younger than the waiting time.
func (s *step) methods(a *Account) (usable, young []Method) {
	old := func(since time.Time) bool {
		return since.IsZero() || !s.now.Before(since.Add(s.Policy.WaitingTime))
	}
	add := func(m Method, have, counts bool) {
		switch {
		case have && counts:
			usable = append(usable, m)
		case have:
			young = append(young, m)
		}
	}
	phone := a.Digits != ""
	add(SMS, phone, old(s.account.Since))
	add(Call, phone, old(s.account.Since))
	device := slices.ContainsFunc(a.Devices, func(d Device) bool { return old(d.Since) })
	add(Push, a.Push, device)
	add(Code, len(a.Devices) > 0, device)
	return usable, young
}

// shutOut ends the conversation of whoever has no tries left, or in own chat was
// denied by the owner's telephone before; decoys have counters like everybody.
func (s *step) shutOut() bool {
	if s.c.Subject.Own && slices.Contains(s.c.Denied, s.c.Subject.ID) {
		s.end(Deny, Page{ID: EndDenied})
		return true
	}
	if until, full := s.full(useProofs, s.Policy.Proofs); full {
		s.lock(until)
		return true
	}
	if until, full := s.full(useBegun, s.Policy.Begun); full {
		s.end(Lock, Page{ID: EndBusy, Args: Args{At: until}})
		return true
	}
	return s.manyAccounts()
}

// manyAccounts ends for an asker who failed on too many accounts today.
func (s *step) manyAccounts() bool {
	accounts := s.counters[askerCounter(askerAccounts, s.c.Asker)].at(s.now, s.perAsker(s.Policy.Accounts))
	until, full := accounts.Full(s.now, s.perAsker(s.Policy.Accounts))
	if !full || accounts.has(s.accountMark()) {
		return false
	}
	s.alarm("asker_many_accounts")
	s.end(Lock, Page{ID: EndBusy, Args: Args{At: until}})
	return true
}

// accountMark names the account in the asker's counter.
func (s *step) accountMark() string {
	return s.Keys.Fingerprint("asker's account", string(s.c.Subject.Key))
}

// turnedAway tells the owner, in own chat, the real reason why it cannot be
// done here.
func (s *step) turnedAway(a *Account) bool {
	switch reason := s.reason(a); {
	case reason != Eligible:
		s.end(Refer, Page{ID: EndIneligible, Args: Args{Reason: reason}})
		s.detail(string(reason))
	case len(s.c.Subject.Methods) == 0:
		s.end(Refer, Page{ID: EndNoMethods})
		s.detail("no_methods")
	case s.c.Goal == ToUnlock && !a.Locked:
		s.end(Refer, Page{ID: EndNotLocked})
		s.detail("not_locked")
	default:
		return false
	}
	return true
}

// welcome notes the conversation in the account's record. The owner's own
// chat sends those away who have proved nothing.
func (s *step) welcome() {
	if s.c.Subject.Decoy {
		return
	}
	if s.c.Subject.Own {
		s.account.Guests = nil
		return
	}
	guests := slices.DeleteFunc(slices.Clone(s.account.Guests), func(g Guest) bool {
		return !s.now.Before(g.Until) || g.Conversation == s.c.ID
	})
	s.account.Guests = append(guests, Guest{s.c.ID, s.c.Ends})
}
