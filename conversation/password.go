package conversation

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Pages 4 to 7: the new password, the write, and finding out whether it was
// written when nobody said so.

func (s *step) askPassword(notes ...Note) {
	if !s.now.Before(s.c.Ends) {
		s.expire()
		return
	}
	length := max(s.Policy.PasswordMin, s.c.Subject.Length)
	s.showEntry(Page{
		ID: AskPassword, Args: Args{Name: s.c.Subject.Name, Length: length},
		Fields: []Field{FieldPassword, FieldConfirm}, Offers: offers(PickCancel, PickDesk),
	}, notes...)
}

// showEntry shows a page that asks for a password: filled in on a one-time page,
// unless the chat itself has a place that nobody else sees.
func (s *step) showEntry(p Page, notes ...Note) {
	if s.Policy.Chat(s.c.User.Chat).Masked {
		s.show(p, notes...)
		return
	}
	s.showOnEntry(p, notes...)
}

// showOnEntry shows a page that is filled in on a one-time page.
func (s *step) showOnEntry(p Page, notes ...Note) {
	p.Fields = append(p.Fields, FieldWord)
	p.Offers = append(offers(PickLink), p.Offers...)
	p.Entry = &Entry{Expires: s.now.Add(s.Policy.EntryLife)}
	if s.c.Ends.Before(p.Entry.Expires) {
		p.Entry.Expires = s.c.Ends
	}
	p.Entry.Shows, p.Entry.Asks = s.Keys.entryWords(s.c.ID)
	s.show(p, notes...)
}

// newLink gives a new one-time page; who followed the old one follows no more.
func (s *step) newLink(ask func(...Note)) {
	s.c.Entered, s.c.Opened = "", ""
	ask()
}

// filledIn takes what comes on a page that asks for a password, and reports
// whether that is its form, filled in by somebody who sees the chat. What comes
// as a plain message is taken for a password that should not have been typed
// there: it is not kept, its fingerprint is, and it is refused as a new one.
func (s *step) filledIn(ask func(...Note)) bool {
	typed := s.in.Fields[FieldPassword]
	switch {
	case s.in.Choice == PickLink && s.c.Page.Entry != nil:
		s.newLink(ask)
	case s.in.Kind == Filled:
		return s.entered(ask)
	case !typed.Empty():
		s.exposed(typed)
	default:
		s.unclear()
	}
	return false
}

// entered reports whether whoever filled in the one-time page sees the chat:
// they know the word that only the chat shows. Only where nothing secret is
// typed it is enough to have given it a page earlier, under the same address.
func (s *step) entered(ask func(...Note)) bool {
	entry := s.c.Page.Entry
	if entry == nil {
		return true
	}
	knows := s.in.Fields[FieldWord].Reveal() == strconv.Itoa(entry.Asks)
	follows := !s.c.Page.AsksPassword() && s.in.Via != "" && NewSecret(s.in.Via).Equal(NewSecret(s.c.Opened))
	if knows {
		s.c.Entered, s.c.Opened = s.c.Page.Token, s.in.Own // and nobody else may follow what comes of it
	}
	switch {
	case !s.now.Before(entry.Expires):
		ask(Note{ID: NoteEntryOver})
	case !knows && !follows:
		s.wrongWord(ask)
	default:
		return true
	}
	return false
}

// password takes the form of page 4.
func (s *step) password() {
	if !s.filledIn(s.askPassword) {
		return
	}
	password, confirm := s.in.Fields[FieldPassword], s.in.Fields[FieldConfirm]
	switch {
	case !password.Equal(confirm):
		s.askPassword(Note{ID: NotePasswordTwice})
	case blankAtAnEnd(password.Reveal()) && s.in.Fields[FieldMeantSo].Reveal() != "yes":
		s.askPassword(Note{ID: NotePasswordBlank})
		s.c.Page.Fields = append(s.c.Page.Fields, FieldMeantSo)
	default:
		s.submit(NewSecret(s.Rules.Normal(password.Reveal())))
	}
}

// wordsWrong is how many wrong words end a conversation: a slip, and another.
const wordsWrong = 3

// wrongWord: whoever has the link but not the chat does not know the word. The
// link is dead then; the new one is in the chat, and there alone.
func (s *step) wrongWord(ask func(...Note)) {
	s.c.Words++
	if s.c.Words >= wordsWrong {
		s.end(Refer, Page{ID: EndRefusals})
		s.detail("wrong_words")
		return
	}
	ask(Note{ID: NoteEntryWord})
}

func (s *step) exposed(typed Secret) {
	fp := s.Keys.Fingerprint("exposed", s.c.ID, s.Rules.Normal(typed.Reveal()))
	if !slices.Contains(s.c.Exposed, fp) {
		s.c.Exposed = append(slices.Clone(s.c.Exposed), fp)
	}
	if len(s.c.Exposed) > exposedMax { // more could not be remembered, so none would be refused
		s.end(Refer, Page{ID: EndRefusals})
		return
	}
	s.repeat(Note{ID: NotePasswordChat})
}

const exposedMax = 32

func blankAtAnEnd(password string) bool {
	first, _ := utf8.DecodeRuneInString(password)
	last, _ := utf8.DecodeLastRuneInString(password)
	return unicode.IsSpace(first) || unicode.IsSpace(last)
}

// submit judges a new password by our own rules first.
func (s *step) submit(password Secret) {
	if flaws := s.Judge(s.c, password); len(flaws) > 0 {
		s.refuse(flaws, "")
		return
	}
	s.follow(Submitted)
	s.order(Task{Kind: TaskReread})
	s.ch.Secret = password
	s.show(Page{ID: WaitChange})
}

// personal are the words that no password of an account may be made of: what the
// person, their account and the organisation are called.
func (w *Wizard) personal(of Subject) []string {
	return slices.Concat([]string{of.Name, of.UPN, w.Policy.Organisation}, of.Words, w.Policy.Domains)
}

// Judge tells what our own rules find wrong with a new password in c; nothing when
// it will do. It changes nothing and counts nothing.
func (w *Wizard) Judge(c Conversation, password Secret) []PasswordFlaw {
	text := w.Rules.Normal(password.Reveal())
	flaws := w.Rules.Judge(text, c.Subject.Length, w.personal(c.Subject))
	if slices.Contains(c.Exposed, w.Keys.Fingerprint("exposed", c.ID, text)) {
		flaws = append(flaws, FlawExposed)
	}
	return flaws
}

// Suggest thinks of a password for whoever has to choose one in c, by the rules
// that the one they type will be judged by: the person's names, and what their
// directory asks. It is empty where the rules can think of none. The same seed
// gives the same one, so it must be fresh each time.
func (w *Wizard) Suggest(c Conversation, seed [32]byte) Secret {
	rules, ok := w.Rules.(Suggester)
	if !ok || !c.Page.Asks(FieldPassword) {
		return Secret{}
	}
	suggested := rules.Suggest(seed, c.Subject.Length, w.personal(c.Subject))
	if suggested.Empty() || len(w.Judge(c, suggested)) > 0 {
		return Secret{}
	}
	return suggested
}

// refuse says what is wrong and asks again; both proofs are kept.
func (s *step) refuse(flaws []PasswordFlaw, word string) {
	s.c.Refusals++
	if s.c.Refusals >= s.Policy.Refusals {
		s.end(Refer, Page{ID: EndRefusals})
		s.detail("refusals")
		return
	}
	s.askPassword(Note{ID: NotePasswordRefused, Args: Args{
		Faults: flaws, Word: word, Length: max(s.Policy.PasswordMin, s.c.Subject.Length),
	}})
}

// reread takes the account as it is just before the write. Everything that
// page 1 relied on must still be so; the proofs are counted again from the
// record; nobody else's write may be open. Only then is the write committed,
// with the change mark that will tell whether it was done.
func (s *step) reread(out Outcome) {
	if s.c.State != Unlocking && s.c.State != Confirming {
		s.ch.Same = true
		return
	}
	a := out.Account
	switch {
	case out.Trouble:
		s.notWritten(Note{ID: NoteDirectoryDown})
	case !s.unchanged(a):
		s.end(Withdraw, Page{ID: EndWithdrawn})
		s.detail("account_changed")
	case s.c.Subject.Decoy || s.account.Holder != s.c.ID || !s.proofsHold():
		s.alarm("proofs_missing")
		s.end(Withdraw, Page{ID: EndWithdrawn})
	case s.account.Writing != "" && s.account.Writing != s.c.ID && s.now.Before(s.account.WritingUntil):
		s.notWritten(Note{ID: NoteWriteOpen})
	default:
		s.write(a)
	}
}

// unchanged reports whether everything that page 1 relied on is still so: the
// account, that it may be touched from here, and that the person is its owner where
// they were.
func (s *step) unchanged(a *Account) bool {
	sub := s.c.Subject
	return a != nil && a.ID == sub.ID && s.reason(a) == Eligible && s.print(a) == sub.Print &&
		s.allowed(s.c, a) != nil && (!sub.Own || !s.c.Binds || s.bound(sub.ID))
}

// proofsHold: two families for a new password, always; for lifting a lock-out
// two, or one within two hours of one's own reset.
func (s *step) proofsHold() bool {
	return s.twoFamilies() || len(s.c.Proofs) == 1 && s.counts(s.c.Proofs[0]) && s.oneIsEnough()
}

// write commits to the write: audit line, mark and holder in one.
func (s *step) write(a *Account) {
	password := s.in.Fields[FieldPassword]
	task := Task{Kind: TaskUnlock}
	if s.c.State == Confirming {
		if password.Empty() || !s.twoFamilies() {
			s.notWritten(Note{ID: NotePasswordAgain})
			return
		}
		task.Kind = TaskReset
		s.ch.Secret = password
	}
	s.follow(Reread)
	s.line(Line{Event: "write_begun", From: s.c.State, To: s.c.State})
	s.c.Write = &Write{Mark: a.Mark, Begun: s.now, Deadline: s.now.Add(s.Policy.WriteFor)}
	s.account.Writing, s.account.WritingUntil = s.c.ID, s.now.Add(s.Policy.UnknownGiveUp+time.Hour)
	s.order(task)
}

// notWritten goes back to where the person can try again; nothing was changed.
func (s *step) notWritten(note Note) {
	if s.c.State == Unlocking {
		s.end(StillLocked, Page{ID: EndStillLocked}, note)
		return
	}
	s.follow(Interrupted)
	s.askPassword(note)
}

// written takes the directory's answer to the write.
func (s *step) written(out Outcome) {
	switch {
	case !out.Trouble && (out.Write == WriteNot || out.Write == WriteRefused):
		s.closeWrite()
		if s.c.State == Unlocking {
			s.end(StillLocked, Page{ID: EndStillLocked})
			return
		}
		s.follow(Refused)
		if out.Write == WriteNot {
			s.askPassword(Note{ID: NoteDirectoryDown})
			return
		}
		s.refuse(out.Refusal, cleanWord(out.Word))
	case !out.Trouble && out.Write == WriteDone:
		s.done()
	default:
		s.lost()
	}
}

// cleanWord bounds what a directory says to one printable line.
func cleanWord(word string) string {
	word = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, word)
	if r := []rune(word); len(r) > 200 {
		word = string(r[:200])
	}
	return word
}

func (s *step) closeWrite() {
	s.c.Write = nil
	if s.account.Writing == s.c.ID {
		s.account.Writing, s.account.WritingUntil = "", time.Time{}
	}
}

// lost: the write was begun and nobody answered. It is never tried again; the
// directory is asked until it tells.
func (s *step) lost() {
	if s.c.Write == nil { // an unlock whose account was being read: nothing was begun
		s.order(Task{Kind: TaskReread})
		return
	}
	s.follow(Lost)
	s.c.Write.Lost = s.now
	s.c.Write.Checks, s.c.Write.Next = 0, s.now.Add(s.Policy.UnknownRetry[0])
	s.show(Page{ID: WaitUnknown, Offers: offers(PickDesk)})
}

func (s *step) askChanged() {
	s.order(Task{Kind: TaskChanged, Mark: s.c.Write.Mark})
}

// changed takes the directory's word on whether the write reached it. A "no"
// counts only when it was asked for after the write could no longer arrive: a
// while after its deadline and, for a clock that was set ahead meanwhile, after
// it was given up.
func (s *step) changed(t Task, out Outcome) {
	settled := s.c.Write.Deadline
	if settled.Before(s.c.Write.Lost) {
		settled = s.c.Write.Lost
	}
	settled = settled.Add(s.Policy.WriteSettled)
	switch {
	case out.Trouble || out.Changed == ChangedUnreachable || out.Changed == "":
		s.askLater(time.Time{})
	case out.Changed == ChangedYes:
		s.done(Note{ID: NoteFoundChanged})
	case t.Ordered.Before(settled):
		s.askLater(settled)
	default:
		s.notChanged()
	}
}

// askLater: after 2, 10 and 60 s, then every five minutes, for a day.
func (s *step) askLater(atLeast time.Time) {
	w := s.c.Write
	if !s.now.Before(w.Begun.Add(s.Policy.UnknownGiveUp)) {
		s.alarm("write_unresolved")
		if s.c.Goal == ToReset {
			s.account.LastBy = s.c.ID // perhaps: whoever disowns it is to be safe
		}
		s.end(Withdraw, Page{ID: EndUnresolved})
		return
	}
	w.Checks++
	retry := s.Policy.UnknownRetry
	w.Next = s.now.Add(retry[min(w.Checks, len(retry)-1)])
	if !atLeast.IsZero() && w.Next.After(atLeast) {
		w.Next = atLeast
	}
}

// notChanged: the truth is known, and it is no.
func (s *step) notChanged() {
	s.closeWrite()
	if s.c.Goal == ToUnlock {
		s.end(StillLocked, Page{ID: EndStillLocked})
		return
	}
	s.follow(Refused)
	s.askPassword(Note{ID: NotChanged})
	if s.c.State.Over() {
		s.c.Page.Notes = []Note{{ID: NotChanged}}
	}
}

// done: the directory has it. The account's own counters start again at zero,
// and its owner is told.
func (s *step) done(notes ...Note) {
	s.closeWrite()
	page, told := EndReset, TellReset
	if s.c.Goal == ToUnlock {
		page, told = EndUnlocked, TellUnlocked
	} else {
		s.account.LastReset, s.account.LastBy = s.now, s.c.ID
		for _, class := range []string{others, own} {
			for _, use := range []string{useProofs, useChallenges, useBegun} {
				key := accountCounter(use, class, s.c.Subject.Key)
				if _, ok := s.counters[key]; ok {
					s.counters[key] = Counter{}
				}
			}
		}
	}
	s.tell(told)
	s.bind()
	s.end(Written, Page{ID: page, Offers: offers(PickDesk)}, notes...)
}
