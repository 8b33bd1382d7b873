package conversation

import "time"

// Input is one thing that happened: something a person said, pressed or
// submitted, the outcome of a task, or the passing of time.
type Input struct {
	Kind  Kind
	Nonce Nonce
	// By is the process that takes the input in, and will perform what it orders.
	By string

	// From a person:
	From   Origin
	Event  string // the platform's id of the message, empty if it has none
	Token  string // of the page whose button or form it is
	Via    string // the token of the one-time page's address through which it came; empty from a chat
	Own    string // a token that nobody but whoever sent this will be told
	Choice Choice // pressed, or understood from words
	Fields map[Field]Secret
	// Nth is set where the choice was typed as its number on the page.
	Nth int
	// Unread is set for text that nobody understood.
	Unread bool

	// From bot:
	Outcome   *Outcome
	Delivered *Delivery
	Disowned  *Disownment
	// Alone is set when no other process can hold a lease on this store (the
	// process has just opened a store that only one may have open), so that a
	// lease of another process is a dead one.
	Alone bool
	// Busy is set while the process that takes the input in is performing the
	// conversation's task itself, whatever a clock says that was set meanwhile.
	Busy bool
	// Restored is set while the store is known to be a restored back-up.
	Restored bool
	// Closed are the ways by which nobody can be reached now: a budget is used up.
	Closed []Closure
}

// Closure is a way that is shut for everybody of a class alike, whoever they
// are and whatever account they name.
type Closure struct {
	Method  Method
	Own     bool      // for people in their own chat; else for all others
	Country string    // to numbers of this country; empty: to all
	Until   time.Time // zero: nobody knows
}

// Kind tells what an input is.
type Kind string

// The kinds.
const (
	Said    Kind = "said"    // words, already understood as a choice or a field
	Pressed Kind = "pressed" // a button
	Filled  Kind = "filled"  // a form
	Arrived Kind = "arrived" // the person opened the chat (again); Choice is what for, where that is known
	Came    Kind = "came"    // the outcome of a task
	Passed  Kind = "passed"  // time, or a nudge
	Shown   Kind = "shown"   // a page was delivered, or could not be
	Disowns Kind = "disowns" // an owner: this was not me
)

// Origin is who speaks, and from where, as the chat's platform proved it.
type Origin struct {
	User    User
	Address string
	Asker   string // keyed name
	// Crowd is how many people are known to share this asker (an address that
	// stands for a whole ward); 0 for one.
	Crowd  int
	Locale string
	Bound  []Bound
	// Binds is set by a chat that proves who its people are and not which accounts
	// they have: those that they are bound to are then added to Bound.
	Binds bool
	// Domains are those whose accounts may be touched from here, however they are
	// named; none: all. Any other account is one that nobody has.
	Domains []string
	// Place is the audience to whom the operator's words are said: a workspace of a
	// partner organisation. Empty: everybody else.
	Place string
	// Identity is the policy here, where it is not that of the whole chat.
	Identity Identity
}

// Disownment is what the link of a notice stands for: the owner of an account
// says that what the notice told of was not them.
type Disownment struct {
	Notice       string
	Account      AccountID
	Conversation string // that the notice told of
	Message      MessageID
	Receipt      string
	At           time.Time // of the notice
	// User is who did what the notice told of, in a chat that binds its people.
	User User
}

// Delivery tells how the sending of a page ended.
type Delivery struct {
	Version int
	Result  DeliveryResult
	Note    string // the chat's own, for its next page; empty: nothing new
}

// DeliveryResult is what a chat says of a page it was given.
type DeliveryResult string

// The results.
const (
	Delivered     DeliveryResult = "delivered"
	Undeliverable DeliveryResult = "never" // nobody is there any more
	Later         DeliveryResult = "later" // try again
)

// Outcome is what a task came to. Trouble means that it could not be done or
// judged, for no fault of the person's; the other fields then say nothing. Of
// a write it says nothing either: that is then unknown.
type Outcome struct {
	Task    string // the task's id
	Trouble bool
	// Denied is the account whose owner said on the telephone "this was not
	// me". It is told at once, whatever became of the task, and the task goes
	// on: who watches the page learns nothing by it.
	Denied AccountID

	// Find and reread: nil means that nobody has that name.
	Account *Account
	// Challenge: Sent is false when a number did not match and nothing was
	// sent; Matched says whether the number was right.
	Matched bool
	// Closed is why nothing was sent, where that is so for everybody of the class
	// alike, decoys too; NumberUntil is until when this number gets nothing, because it
	// had too much: that is its owner's to know.
	Closed      *Closure
	NumberUntil time.Time
	// Check, wait, verify; confirm has the account beside it.
	Verdict Verdict
	Mark    string // the single-use mark of a right answer
	// Reset, unlock.
	Write   WriteResult
	Refusal []PasswordFlaw
	Word    string // the directory's own sentence, cleaned
	// Changed.
	Changed ChangedResult
}

// Verdict is a judgement of an answer.
type Verdict string

// The verdicts. NoAnswer and Refusal come from calls and notifications.
const (
	Right      Verdict = "right"
	WrongOne   Verdict = "wrong"
	NoAnswer   Verdict = "none"
	DeniedByMe Verdict = "denied" // the owner pressed: it was not me; bot makes Outcome.Denied of it
)

// WriteResult is what a directory made of a write.
type WriteResult string

// The results.
const (
	WriteDone    WriteResult = "done"
	WriteRefused WriteResult = "refused"
	WriteNot     WriteResult = "not"     // certainly not written: out of reach, or too late
	WriteUnknown WriteResult = "unknown" // perhaps written, perhaps not
)

// ChangedResult answers whether a write reached the directory.
type ChangedResult string

// The answers.
const (
	ChangedYes         ChangedResult = "yes"
	ChangedNo          ChangedResult = "no"
	ChangedUnreachable ChangedResult = "unreachable"
)

// NumberPlan reads telephone numbers. Implementations are pure and safe for
// concurrent use.
type NumberPlan interface {
	// Read takes a number as a person types it. fault is empty for a number
	// that may be texted and called; e164 is then "+31612345678".
	Read(text string) (e164 string, fault NumberFault)
	// Country is that of a number which Read gave, one of Countries: "NL".
	Country(e164 string) string
	// Countries are those whose numbers may be texted and called.
	Countries() []string
}

// NumberFault says why a typed number cannot be one.
type NumberFault string

// The faults.
const (
	NumberForm NumberFault = "form" // no possible telephone number
	NumberKind NumberFault = "kind" // a kind or a country that is never called
)

// PasswordRules judge a new password. Implementations are pure and safe for
// concurrent use.
type PasswordRules interface {
	// Normal gives the form that is judged and sent: NFC, nothing else altered.
	Normal(password string) string
	// Judge tells what is wrong with a password in its normal form, nothing
	// when it will do. length is the least length that counts here (0: the
	// rules' own). personal are words that it may not be made of.
	Judge(password string, length int, personal []string) []PasswordFlaw
}

// Suggester is what [PasswordRules] are too that can think of a password
// themselves.
type Suggester interface {
	// Suggest offers one that Judge takes with the same length and personal words;
	// the empty Secret where there is none. The same seed gives the same one.
	Suggest(seed [32]byte, length int, personal []string) Secret
}

// PasswordFlaw is one thing that is wrong with a password; every one has its
// own sentence.
type PasswordFlaw string

// The flaws. The directory's own refusals are among them.
const (
	FlawShort      PasswordFlaw = "short"
	FlawLong       PasswordFlaw = "long"
	FlawCharacter  PasswordFlaw = "character"  // a control character, or one that the directory cannot take
	FlawPersonal   PasswordFlaw = "personal"   // a name, the account name, the organisation
	FlawCommon     PasswordFlaw = "common"     // too few points: known words, years, keyboard walks
	FlawBreached   PasswordFlaw = "breached"   // on the list of breached passwords
	FlawExposed    PasswordFlaw = "exposed"    // was typed in the chat
	FlawHistory    PasswordFlaw = "history"    // used before
	FlawTooSoon    PasswordFlaw = "too_soon"   // the directory's minimum age
	FlawComplexity PasswordFlaw = "complexity" // the directory's composition rules
	FlawDirectory  PasswordFlaw = "directory"  // refused without a reason that we know
)

// timeLeft is in whole minutes, rounded up, never less than 1.
func timeLeft(now, end time.Time) int {
	return max(1, int((end.Sub(now)+time.Minute-1)/time.Minute))
}
