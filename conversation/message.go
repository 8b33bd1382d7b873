package conversation

import (
	"fmt"
	"strconv"
	"time"
)

// MessageID names a sentence or a page of the catalogue in conversation/words.
// The ids are stable: an operator's own texts are keyed by them.
type MessageID string

// The pages.
const (
	AskStart         MessageID = "start.ask"
	AskElse          MessageID = "start.else"
	AskHints         MessageID = "start.hints"
	AskOwn           MessageID = "who.own"     // is this your account?
	AskWho           MessageID = "who.ask"     // name, and captcha where there is one
	AskCaptcha       MessageID = "who.captcha" // the name is known, the captcha is not
	WaitFind         MessageID = "wait.find"
	AskMethod        MessageID = "step.choose"
	AskNumber        MessageID = "step.number"
	AskSMSCode       MessageID = "step.sms"
	AskAppCode       MessageID = "step.code"
	WaitCall         MessageID = "step.call"
	WaitCallDigits   MessageID = "step.call_digits"
	WaitPush         MessageID = "step.push"
	WaitCheck        MessageID = "wait.check"
	AskPassword      MessageID = "password.ask"
	WaitChange       MessageID = "wait.change"
	WaitUnlock       MessageID = "wait.unlock"
	WaitUnknown      MessageID = "wait.unknown"
	EndReset         MessageID = "done.reset"
	EndUnlocked      MessageID = "done.unlock"
	EndSolved        MessageID = "end.solved"
	EndCancelled     MessageID = "end.cancelled"
	EndExpired       MessageID = "end.expired"
	EndLocked        MessageID = "end.locked"
	EndBusy          MessageID = "end.busy" // too many conversations begun
	EndDenied        MessageID = "end.denied"
	EndDesk          MessageID = "end.desk"
	EndNoPhone       MessageID = "end.no_phone"   // "I don't have my phone with me"
	EndLostPhone     MessageID = "end.lost_phone" // lost or stolen
	EndFrozen        MessageID = "end.frozen"     // own chat: lost or stolen, and nothing is reset any more
	EndOneFamily     MessageID = "end.one_family"
	EndNoMethods     MessageID = "end.no_methods"
	EndClosed        MessageID = "end.closed"     // no text messages and no calls, for anybody; Args.At: when again
	EndNotOwn        MessageID = "end.not_own"    // this chat resets one's own password only
	EndIneligible    MessageID = "end.ineligible" // own chat only: the real reason is in Args.Reason
	EndNotLocked     MessageID = "end.not_locked" // own chat only: there is nothing to unlock
	EndRefusals      MessageID = "end.refusals"   // ten passwords refused
	EndStillLocked   MessageID = "end.still_locked"
	EndDisplaced     MessageID = "end.displaced"
	EndWithdrawn     MessageID = "end.withdrawn"
	EndUnresolved    MessageID = "end.unresolved" // a day has passed and nobody can tell
	EndRestored      MessageID = "end.restored"   // the store is a restored back-up
	EndTrouble       MessageID = "end.trouble"    // a record that cannot be read; said from memory
	SayTrouble       MessageID = "say.trouble"    // nothing could be stored; said from memory
	AskCurrent       MessageID = "enrol.current"  // the password as it is now
	AskEnrolMethod   MessageID = "enrol.choose"
	AskScanHere      MessageID = "enrol.qr"           // the QR code, and the first code
	AskScan          MessageID = "enrol.scan"         // the QR code is on a one-time page; the first code, there or here
	AskEntryWord     MessageID = "enrol.word"         // on a one-time page, before it shows the QR code
	WaitEnrol        MessageID = "wait.enrol"         //
	EndEnrolled      MessageID = "done.enrol"         // Args.At: when it counts; zero: at once
	EndEnrolPassword MessageID = "end.enrol_password" // too many wrong ones; Args.At: when again
	EndEnrolPhone    MessageID = "end.enrol_phone"    // no telephone number that counts
	EndEnrolSecond   MessageID = "end.enrol_second"   // the app that there is does not count yet
	EndEnrolReset    MessageID = "end.enrol_reset"    // the password was reset just now; Args.At: when it can be done
	EndEnrolFull     MessageID = "end.enrol_full"     // as many apps as there may be
	AskFollowUp      MessageID = "followup.ask"
	NoteFollowUpYes  MessageID = "followup.yes"
	NoteFollowUpNo   MessageID = "followup.no"
)

// The guide: its ten steps and its ends.
const (
	AskGuideOpen     MessageID = "guide.open"
	AskGuideName     MessageID = "guide.name"
	AskGuideCaptcha  MessageID = "guide.captcha"
	AskGuideNext     MessageID = "guide.next"
	AskGuideMethod   MessageID = "guide.method"
	AskGuideProof    MessageID = "guide.proof"
	AskGuideSecond   MessageID = "guide.second"
	AskGuidePassword MessageID = "guide.password" // Args.Length
	AskGuideFinish   MessageID = "guide.finish"
	AskGuideLogin    MessageID = "guide.login"
	EndGuide         MessageID = "done.guide"
	EndGuideStopped  MessageID = "end.guide_stopped" // by the person
	EndGuideExpired  MessageID = "end.guide_expired"
)

// What is said above a page, before it is shown (again).
const (
	NoteUnclear         MessageID = "note.unclear"       // I did not understand
	NoteSameNumber      MessageID = "note.same_number"   // typed just now, on the page before: what is meant?
	NoteUnclearHelp     MessageID = "note.unclear_help"  // twice: how it works, and the service desk
	NoteStale           MessageID = "note.stale"         // that button belongs to an older page
	NoteResumed         MessageID = "note.resumed"       // welcome back, you are here
	NoteMinutes         MessageID = "note.minutes"       // Args.Minutes left
	NoteHelp            MessageID = "note.help"          // what to do on any page
	NoteDesk            MessageID = "note.desk"          // how to reach a person, said without leaving the page
	NoteBackHere        MessageID = "note.back_here"     // there is no way further back
	NoteCannotCancel    MessageID = "note.cannot_cancel" // a write is under way
	NoteBusyNow         MessageID = "note.busy_now"      // still working on your last answer
	NoteNameForm        MessageID = "note.name_form"
	NoteDomain          MessageID = "note.domain" // Args.Domain
	NoteNameFirst       MessageID = "note.name_first"
	NoteCaptchaWrong    MessageID = "note.captcha_wrong"
	NoteCaptchaOld      MessageID = "note.captcha_old" // its five minutes are over
	NoteCaptchaNew      MessageID = "note.captcha_new"
	NoteCaptchaSound    MessageID = "note.captcha_sound" // the same captcha, now with its sound
	NoteDirectoryDown   MessageID = "note.directory_down"
	NoteNumberForm      MessageID = "note.number_form"
	NoteNumberKind      MessageID = "note.number_kind"
	NoteNumberDigits    MessageID = "note.number_digits" // Args.Digits
	NoteNumberWrong     MessageID = "note.number_wrong"  // own chat, or after the first proof
	NoteNotMyNumber     MessageID = "note.not_my_number"
	NoteCooldown        MessageID = "note.cooldown"   // Args.At: the next challenge may start
	NoteChallenges      MessageID = "note.challenges" // Args.At: all challenges of this hour are used
	NoteNotSent         MessageID = "note.not_sent"
	NoteMethodDown      MessageID = "note.method_down"
	NoteClosed          MessageID = "note.closed"         // Args.Method, for everybody alike; Args.At: when again
	NoteClosedCountry   MessageID = "note.closed_country" // the same, to numbers of this country
	NoteOpen            MessageID = "note.open"           // Args.Method can be picked again
	NotePhoneLater      MessageID = "note.phone_later"    // no texts, no calls until Args.At; the app can be first
	NotePhoneWait       MessageID = "note.phone_wait"     // the same, and there is nothing else to do meanwhile
	NoteNumberFull      MessageID = "note.number_full"    // this number had too many; Args.At: when again
	NoteFamilyUsed      MessageID = "note.family_used"
	NoteNotEnrolled     MessageID = "note.not_enrolled"
	NoteTooYoung        MessageID = "note.too_young"
	NoteCodeForm        MessageID = "note.code_form"
	NoteCodeWrong       MessageID = "note.code_wrong"  // Args.Left
	NoteCodeSame        MessageID = "note.code_same"   // the same wrong answer again: not counted
	NoteCodeUsed        MessageID = "note.code_used"   // a right code, but used before
	NoteCodeOver        MessageID = "note.code_over"   // three wrong ones: choose again
	NoteCodeLate        MessageID = "note.code_late"   // its five minutes are over
	NoteNotJudged       MessageID = "note.not_judged"  // could not be checked, not counted
	NoteNothing         MessageID = "note.nothing"     // no answer came
	NoteInterrupted     MessageID = "note.interrupted" // we were restarted: answer again
	NoteStepDone        MessageID = "note.step_done"
	NoteOnPhone         MessageID = "note.on_phone" // nothing is typed here
	NotePasswordChat    MessageID = "note.password_chat"
	NotePasswordAgain   MessageID = "note.password_again" // interrupted before the write
	NotePasswordTwice   MessageID = "note.password_twice" // the two fields differ
	NoteEntryOver       MessageID = "note.entry_over"     // the one-time page is over: here is a new one
	NoteEntryWord       MessageID = "note.entry_word"     // that is not the word that the chat shows
	NotePasswordBlank   MessageID = "note.password_blank" // a blank at an end: meant so?
	NotePasswordRefused MessageID = "note.password_refused"
	NoteWriteOpen       MessageID = "note.write_open"    // another write of this account is under way
	NoteFoundChanged    MessageID = "note.found_changed" // after unknown: it was changed, by us or by somebody else
	NoteNotYours        MessageID = "note.not_yours"     // this is not your own account, and its owner is told
	NotChanged          MessageID = "note.not_changed"   // looked up: the password was not changed
	NoteEnrolOwn        MessageID = "note.enrol_own"     // only in one's own chat
	NoteCurrentWrong    MessageID = "note.current_wrong" // Args.Left
	NoteCurrentAgain    MessageID = "note.current_again" // interrupted before it was judged
	NoteScanWrong       MessageID = "note.scan_wrong"    // not what the new app should show
)

// What the guide says to who does not get on: the usual trouble of each step,
// and what Microsoft's own codes mean.
const (
	NoteGuideOpen     MessageID = "note.guide_open"
	NoteGuideName     MessageID = "note.guide_name"
	NoteGuideCaptcha  MessageID = "note.guide_captcha"
	NoteGuideNext     MessageID = "note.guide_next"
	NoteGuideMethod   MessageID = "note.guide_method"
	NoteGuideProof    MessageID = "note.guide_proof"
	NoteGuideSecond   MessageID = "note.guide_second"
	NoteGuidePassword MessageID = "note.guide_password"
	NoteGuideFinish   MessageID = "note.guide_finish"
	NoteGuideLogin    MessageID = "note.guide_login"
	NoteGuideTime     MessageID = "note.guide_time"   // Microsoft's 15 minutes are over
	NoteGuideLocked   MessageID = "note.guide_locked" // too many tries there: 24 hours
	NoteGuideCode     MessageID = "note.guide_code"   // an SSPR code can be typed here
	NoteGuideDesk     MessageID = "note.guide_desk"   // the third time: let somebody look along
	NoteGuideTyped    MessageID = "note.guide_typed"  // codes and passwords belong on Microsoft's page
	NoteSSPR          MessageID = "note.sspr"         // a code that nobody here knows
	NoteSSPR0009      MessageID = "note.sspr_0009"    // the organisation switched it off
	NoteSSPR0010      MessageID = "note.sspr_0010"    // no writeback
	NoteSSPR0011      MessageID = "note.sspr_0011"    // no policy for this account
	NoteSSPR0012      MessageID = "note.sspr_0012"    // no licence
	NoteSSPR0013      MessageID = "note.sspr_0013"    // not in the group
	NoteSSPR0014      MessageID = "note.sspr_0014"    // no telephone number or app was ever given
	NoteSSPR0029      MessageID = "note.sspr_0029"    // on-premises configuration
	NoteSSPR0030      MessageID = "note.sspr_0030"    // on-premises connectivity
)

// What the owner of an account is told outside the conversation.
const (
	TellProved      MessageID = "owner.proved"       // a first proof was given
	TellReset       MessageID = "owner.reset"        // the password was changed
	TellUnlocked    MessageID = "owner.unlocked"     //
	TellLocked      MessageID = "owner.locked"       // too many tries
	TellDenied      MessageID = "owner.denied"       // a notification was denied
	TellFrozen      MessageID = "owner.frozen"       // after "this was not me": nothing was written
	TellSecured     MessageID = "owner.secured"      // the same, and the new password works no longer
	TellOther       MessageID = "owner.other"        // somebody else began in their own chat
	TellUnfrozen    MessageID = "owner.unfrozen"     // an operator lifted a freeze or a reset lock
	TellEnrolled    MessageID = "owner.enrolled"     // an authenticator was enrolled
	TellEnrolProved MessageID = "owner.enrol_proved" // somebody is enrolling, and proved who they are
	TellEnrolWrong  MessageID = "owner.enrol_wrong"  // somebody who wants to enrol does not know the password
	TellRemoved     MessageID = "owner.removed"      // after "this was not me": it is gone again
	TellBound       MessageID = "owner.bound"        // a person of a chat was bound to the account
)

// Choice is what a person can pick on a page, by a button or in words.
type Choice string

// The choices.
const (
	PickReset     Choice = "reset"
	PickStuck     Choice = "stuck"
	PickElse      Choice = "else"
	PickWorks     Choice = "works"
	PickUnlock    Choice = "unlock"
	PickYes       Choice = "yes"
	PickNo        Choice = "no"
	PickOther     Choice = "other_account"
	PickCaptcha   Choice = "new_captcha"
	PickAudio     Choice = "audio"
	PickSMS       Choice = "sms"
	PickCall      Choice = "call"
	PickPush      Choice = "push"
	PickCode      Choice = "code"
	PickNoPhone   Choice = "no_phone"
	PickLostPhone Choice = "lost_phone"
	PickNotMine   Choice = "not_my_number"
	PickMicrosoft Choice = "microsoft"
	PickEnrol     Choice = "enrol"
	PickResend    Choice = "resend"
	PickLink      Choice = "new_link" // a new one-time page
	PickMethod    Choice = "other_method"
	PickName      Choice = "other_name"
	PickDesk      Choice = "desk"
	PickBack      Choice = "back"
	PickCancel    Choice = "cancel"
	PickHelp      Choice = "help"
	PickAgain     Choice = "again"
	PickDutch     Choice = "dutch"
	PickEnglish   Choice = "english"
	PickNext      Choice = "next"    // this step of the guide worked
	PickTrouble   Choice = "trouble" // it did not
)

// PickOwn is the choice of the nth account that the chat proves the person to
// be; Args.Accounts of the page has their names.
func PickOwn(n int) Choice { return Choice("own" + strconv.Itoa(n)) }

// PickSSPR is the choice of who tells the code that Microsoft's page gave them:
// 14 for SSPR_0014.
func PickSSPR(n int) Choice { return Choice(fmt.Sprintf("%s%04d", ssprPrefix, n)) }

const ssprPrefix = "sspr_"

// Everywhere are the choices that work on every page, whether it shows them
// or not.
var Everywhere = []Choice{PickBack, PickCancel, PickHelp, PickDesk, PickDutch, PickEnglish}

// Offer is a choice as a page shows it.
type Offer struct {
	Choice Choice `json:"c"`
	// Off says why this choice is shown but cannot be picked ("already used
	// in step 1"); empty when it can.
	Off MessageID `json:"off,omitempty"`
	// Until is when it can be again, where that is known.
	Until time.Time `json:"until,omitzero"`
}

// Field is something to fill in. Every field but those of passwords can
// be typed as a plain message.
type Field string

// The fields.
const (
	FieldName     Field = "name"
	FieldCaptcha  Field = "captcha"
	FieldNumber   Field = "number"
	FieldCode     Field = "code"
	FieldPassword Field = "password"
	FieldConfirm  Field = "confirm"
	FieldCurrent  Field = "current"  // the password as it is now
	FieldWord     Field = "word"     // the number of the word that the chat shows, in decimal
	FieldMeantSo  Field = "meant_so" // "yes": the blank at the end is part of the password
)

// Bounds of what is read at all.
const (
	TypedMax  = 4096 // bytes of one typed text or field
	FieldsMax = 8    // fields of one form
	nameMax   = 320  // bytes of a name; the longest address of RFC 5321 has 254
)

// Args are the values in a page's sentences, typed so that a transcript can
// be reproduced and a renderer can write them as the language wants.
type Args struct {
	At      time.Time      `json:"at,omitzero"`     // a moment that is told: when a lock ends, when to try again
	Minutes int            `json:"min,omitempty"`   // minutes left, rounded up
	Left    int            `json:"left,omitempty"`  // tries left
	Goal    Goal           `json:"goal,omitempty"`  // ToUnlock and ToEnrol, where the password stays as it is; else empty
	Step    int            `json:"step,omitempty"`  // verificatiestap 1 or 2
	Method  Method         `json:"m,omitempty"`     // what the number is asked for, or what is closed
	Digits  string         `json:"dig,omitempty"`   // two digits: the end of a number, or what to type in the app
	Name    string         `json:"name,omitempty"`  // whom the new password is for; shown as plain text
	Domain  string         `json:"dom,omitempty"`   // one of the organisation's
	Length  int            `json:"len,omitempty"`   // the least length of a password
	Reason  Reason         `json:"why,omitempty"`   // why an account cannot be reset; own chat only
	Faults  []PasswordFlaw `json:"flaws,omitempty"` // what is wrong with the password
	Word    string         `json:"word,omitempty"`  // a sentence of the directory's own, already cleaned
	// Accounts are the names of the accounts behind the choices PickOwn(0)….
	Accounts []string `json:"accs,omitempty"`
}

// Note is a sentence said above a page.
type Note struct {
	ID   MessageID `json:"id"`
	Args Args      `json:"args,omitzero"`
}

// Media is a picture or sound that a page shows.
type Media struct {
	Kind string `json:"kind"` // "captcha"
	ID   string `json:"id"`
	// Sound is set where a captcha is said as well as shown.
	Sound bool `json:"sound,omitempty"`
}

// The kinds of media. A QR code is a secret: it is shown on a one-time page to
// whoever gave its word, or in a chat that has a place for passwords.
const (
	MediaCaptcha = "captcha"
	MediaQR      = "qr" // ID is [Enrolment.ID]
)

// Page is what is said now: neutral, without a language and without a
// platform. A conversation has exactly one; a newer one replaces it.
type Page struct {
	// Version grows by one with each change of the page. An adapter that can
	// edit what it sent (Teams, Slack) keeps its own note of it.
	Version int `json:"v"`
	// Token is 128 bits; every button and form carries it, and only the
	// newest one opens anything. It outlives a mere repetition of the page.
	Token   string    `json:"tok"`
	ID      MessageID `json:"id"`
	Args    Args      `json:"args,omitzero"`
	Notes   []Note    `json:"notes,omitempty"`
	Crumb   int       `json:"crumb,omitempty"` // 1 step 1, 2 step 2, 3 new password, 4 all done; 0 none shown
	Offers  []Offer   `json:"offers,omitempty"`
	Fields  []Field   `json:"fields,omitempty"`
	Media   *Media    `json:"media,omitempty"`
	Receipt string    `json:"rcpt,omitempty"`
	Place   string    `json:"place,omitempty"` // the audience, as in [Origin]
	Ends    time.Time `json:"ends,omitzero"`   // when the conversation is over
	// Stuck is how often the person said that a step of the guide does not work.
	Stuck int `json:"stuck,omitempty"`
	// Entry is set where the fields are filled in on a one-time page, and not
	// in the chat.
	Entry *Entry `json:"entry,omitempty"`
	// Delivered is set when the chat took it, Attempts and Retry when it
	// could not yet.
	Delivered bool      `json:"dlv,omitempty"`
	Attempts  int       `json:"att,omitempty"`
	Retry     time.Time `json:"retry,omitzero"`
}

// Entry is a one-time page. Its link carries the page's token; whoever has it
// may fill the page in, once, until it expires. A link that somebody planted
// fails: the page shows a word that the chat shows too, and asks for one that
// only the chat shows.
type Entry struct {
	Expires time.Time `json:"exp"`
	Shows   int       `json:"shows"` // numbers of words, 0 to EntryWordCount-1
	Asks    int       `json:"asks"`
}

// EntryWordCount is how many words there are for one-time pages.
const EntryWordCount = 64

// Shows reports whether the page offers choice as one that can be picked.
func (p Page) Shows(choice Choice) bool {
	for _, o := range p.Offers {
		if o.Choice == choice {
			return o.Off == ""
		}
	}
	return false
}

// AsksPassword reports whether the page asks for a password: a new one, or the
// one that there is. What is typed in the chat is then not read.
func (p Page) AsksPassword() bool { return p.Asks(FieldPassword) || p.Asks(FieldCurrent) }

// Asks reports whether the page has field.
func (p Page) Asks(field Field) bool {
	for _, f := range p.Fields {
		if f == field {
			return true
		}
	}
	return false
}
