// Package conversation is the wizard: who are you, verificatiestap 1,
// verificatiestap 2, a new password, done. It is pure. [Wizard.Step] says what
// an input means on a page, what is said next and what is to be done about it;
// it reads no clock, draws no randomness, and knows neither a language nor a
// platform. Package bot carries out what it says, and brings back the outcome
// as the next input.
//
//	input ─▶ Step(conversation, facts) ─▶ Change ─▶ stored as a whole
//	  ▲                                               │
//	  └────────── outcome ◀── task ◀──────────────────┘
package conversation

import "time"

// User is a person as a chat platform proved them: the platform's name and
// its id for the person (Teams tenant and object id, Slack team and user, a
// web chat's session, the terminal's user). A person has one conversation in
// each chat.
type User struct {
	Chat string `json:"chat"`
	ID   string `json:"id"`
}

func (u User) String() string { return u.Chat + ":" + u.ID }

// Zero reports whether u names nobody.
func (u User) Zero() bool { return u == User{} }

// AccountID is the directory's immutable id of an account (objectGUID, the
// object id in Entra). A name is never one.
type AccountID string

// AccountKey names an account in counters and records: "id:<immutable id>",
// or for a name that belongs to nobody "name:<slot>", one of a million slots
// by keyed hash, so that a flood of made-up names has a bounded number.
type AccountKey string

// Goal is what the person came for.
type Goal string

// The goals.
const (
	ToReset  Goal = "reset"
	ToUnlock Goal = "unlock"
	ToEnrol  Goal = "enrol"
)

// Method is a way to prove who one is.
type Method string

// The methods, in the order of the seed.
const (
	SMS  Method = "sms"
	Call Method = "call"
	Push Method = "push"
	Code Method = "code"
)

// Methods are all of them, in the order in which they are shown.
var Methods = []Method{SMS, Call, Push, Code}

// Family is what a method proves possession of. Two proofs must be of two
// families; this is not a setting.
type Family string

// The families.
const (
	Phone Family = "phone"
	App   Family = "app"
)

// Family of m; empty for what is not a method.
func (m Method) Family() Family {
	switch m {
	case SMS, Call:
		return Phone
	case Push, Code:
		return App
	}
	return ""
}

// Proof is one verification step that succeeded.
type Proof struct {
	Method    Method    `json:"m"`
	Challenge string    `json:"ch"`
	At        time.Time `json:"at"`
}

// Challenge is the question that is open now. Its code is not in it: a code is
// derived from ID ([Keys.OneTimeCode]).
type Challenge struct {
	ID      string    `json:"id"`
	Method  Method    `json:"m"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"exp"`
	Wrong   int       `json:"wrong,omitempty"`
	// Spent is the id of the spend that the next judged answer takes over.
	// A number and the first answer to its challenge share one: so nobody can
	// tell by counting tries whether the number was the right one, and a right
	// number is given back as the rules want (docs/decisions/0003).
	Spent string `json:"spent,omitempty"`
	// Number is the fingerprint of the number that the person typed, Country is
	// that number's.
	Number  string `json:"num,omitempty"`
	Country string `json:"country,omitempty"`
	// Heard are fingerprints of the answers that were judged wrong, Pending of
	// the one that is being judged, Tries how many were.
	Heard   []string `json:"heard,omitempty"`
	Pending string   `json:"pending,omitempty"`
	Tries   int      `json:"tries,omitempty"`
	// Hinted is set once the page asked whether nothing came.
	Hinted bool `json:"hinted,omitempty"`
}

// Captcha is the riddle of page 1. Its answer is derived from ID.
type Captcha struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"exp"`
	Drawn   int       `json:"drawn"` // pictures shown in this conversation
	Wrong   int       `json:"wrong,omitempty"`
	Solved  bool      `json:"solved,omitempty"`
	// Sound is set once the person asked to listen: each further one has a sound.
	Sound bool `json:"sound,omitempty"`
	// Heard are fingerprints of wrong answers: one that is delivered again is
	// not counted again.
	Heard []string `json:"heard,omitempty"`
}

// Subject is the account that a conversation is about, as it was at page 1.
type Subject struct {
	Key AccountKey `json:"key"`
	ID  AccountID  `json:"id,omitempty"`
	// Decoy is set when nothing may be sent and nothing can be right: nobody
	// has that name, or the account may not be reset, or the conversation lost
	// its right to it. Everything is walked and counted the same.
	Decoy bool `json:"decoy,omitempty"`
	// Own is set when the chat proved that the person is this account.
	Own bool `json:"own,omitempty"`
	// Name is whom the page for the new password names; never shown before
	// both proofs, except in own chat.
	Name    string   `json:"name,omitempty"`
	UPN     string   `json:"upn,omitempty"`
	Digits  string   `json:"dig,omitempty"`     // the last two of the number, or made up
	Number  string   `json:"num,omitempty"`     // fingerprint
	Methods []Method `json:"methods,omitempty"` // that would work
	Young   []Method `json:"young,omitempty"`   // that exist, but count only later
	Apps    int      `json:"apps,omitempty"`    // authenticators that it has; known where one is enrolled
	Words   []string `json:"words,omitempty"`   // what else the person is called
	Length  int      `json:"len,omitempty"`     // the least length of its passwords, where the directory asks more than we do
	// Print is the fingerprint of all that must still be so before the write:
	// eligibility, number, enrolment, change mark.
	Print string `json:"print,omitempty"`
}

// Conversation is one person's walk through the wizard. Stores keep it sealed.
// It holds no code, no password, no telephone number and no typed text but
// the name of page 1.
type Conversation struct {
	ID      string    `json:"id"`
	Receipt string    `json:"rcpt"`
	User    User      `json:"user"`
	Address string    `json:"addr,omitempty"`  // where the chat delivers; opaque to all but its adapter
	Asker   string    `json:"asker"`           // keyed name of whoever asks, for limits
	Crowd   int       `json:"crowd,omitempty"` // how many people share it; 0 for one
	Locale  string    `json:"loc"`             // "nl" or "en"
	State   State     `json:"state"`
	Goal    Goal      `json:"goal"`
	Started time.Time `json:"started"`
	Ends    time.Time `json:"ends"` // the absolute end
	// Unasked is set while nobody but the bot said anything: it asks how it went
	// after a reset. The first answer begins a conversation of its own.
	Unasked bool      `json:"unasked,omitempty"`
	Over    time.Time `json:"over,omitzero"`
	// Latest is when the last step was taken. A clock that is put back makes
	// nothing valid again that was over, see clock.go.
	Latest time.Time `json:"latest"`

	Bound []Bound `json:"bound,omitempty"` // whom the chat proves this person to be
	// Binds, Domains, Place and Identity are as in [Origin], of the last message.
	Binds    bool     `json:"binds,omitempty"`
	Domains  []string `json:"domains,omitempty"`
	Place    string   `json:"place,omitempty"`
	Identity Identity `json:"identity,omitempty"`

	Typed    string     `json:"typed,omitempty"` // canonical name of page 1, kept so that nobody types it twice
	Named    int        `json:"named,omitempty"` // how many names were looked up
	Captcha  Captcha    `json:"captcha,omitzero"`
	Subject  Subject    `json:"subject,omitzero"`
	Method   Method     `json:"method,omitempty"` // chosen for the step that is on
	Proofs   []Proof    `json:"proofs,omitempty"`
	Question *Challenge `json:"question,omitempty"`
	Task     *Task      `json:"task,omitempty"`
	Write    *Write     `json:"write,omitempty"`

	Page Page `json:"page"`
	// Sent is the chat's own note of the page that it delivered last; opaque here.
	Sent    string   `json:"sent,omitempty"`
	Seen    []string `json:"seen,omitempty"`    // fingerprints of the last 32 event ids
	Unclear int      `json:"unclear,omitempty"` // misunderstandings on this page
	// Nth is the number that was last typed for a choice and moved the page, NthOn
	// the page it was typed on.
	Nth    int       `json:"nth,omitempty"`
	NthOn  MessageID `json:"nth_on,omitempty"`
	Failed bool      `json:"failed,omitempty"` // a proof failed
	// Denied are the accounts whose owner said on the telephone that it was not
	// them, to something that this conversation asked. It has no right to them any
	// more, by whatever way it comes back to them.
	Denied []AccountID `json:"denied,omitempty"`
	Used   []string    `json:"used,omitempty"` // fingerprints of right answers: a late repetition is no new try
	// Counted is set while this conversation alone put its account into the
	// asker's counter of accounts; a right answer takes it out again.
	Counted bool `json:"counted,omitempty"`
	// Given are the numbers that were typed, by fingerprint, each with the id
	// of its spend as long as no answer took that over. The same number again
	// costs nothing new.
	Given    map[string]string `json:"given,omitempty"`
	Refusals int               `json:"refusals,omitempty"`
	// Entered is the token of the one-time page that was last filled in: whoever
	// did so may follow what comes of it.
	Entered string `json:"entered,omitempty"`
	// Opened is the token under which whoever gave the word right sees a secret,
	// and need not give it again. Only their browser was told it.
	Opened   string   `json:"opened,omitempty"`
	Words    int      `json:"words,omitempty"`   // wrong words on one-time pages
	Exposed  []string `json:"exposed,omitempty"` // fingerprints of what was typed in the chat on the password page
	Reminded bool     `json:"reminded,omitempty"`
	Disowns  string   `json:"disowns,omitempty"` // the conversation that its owner disowns
	// DisownsApp is set where that conversation enrolled an authenticator.
	DisownsApp bool      `json:"disowns_app,omitempty"`
	Enrol      Enrolment `json:"enrol,omitzero"`
}

// Bound is an account that the chat proves the person to be.
type Bound struct {
	ID  AccountID `json:"id"`
	UPN string    `json:"upn"`
	// Ours is set where a binding proves it ([Binding]), and not the chat itself.
	Ours bool `json:"ours,omitempty"`
}

// Write is a change of the directory that was begun.
type Write struct {
	Mark     string    `json:"mark"` // the directory's change mark just before
	Begun    time.Time `json:"begun"`
	Deadline time.Time `json:"deadline"`      // after which the write is no longer tried by us
	Lost     time.Time `json:"lost,omitzero"` // when nobody knew any more what became of it
	Checks   int       `json:"checks,omitempty"`
	Next     time.Time `json:"next,omitzero"` // when the directory is asked again
}

// Due is when somebody must look at the conversation again: a page waits to
// be delivered, a lease runs out, a reminder or the end comes. The zero time
// means never.
func (c Conversation) Due(p Policy) time.Time {
	var due time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	if c.ID == "" {
		return due
	}
	if !c.Page.Delivered && c.Page.Version > 0 {
		earlier(c.Page.Retry)
	}
	if c.State.Over() {
		earlier(c.Over.Add(p.KeepEnded))
		if c.followsUp(p) {
			earlier(c.Over.Add(followUpAfter))
		}
		return due
	}
	if c.Task != nil {
		earlier(c.Task.Lease)
	} else if c.Write != nil {
		earlier(c.Write.Next)
	}
	if c.awaitsText() {
		earlier(c.Question.At.Add(p.WaitFor))
	}
	earlier(c.opens())
	if !c.State.mustRun() {
		earlier(c.Ends)
		if !c.Reminded && !c.Unasked {
			earlier(c.Ends.Add(-p.Reminder))
		}
	}
	return due
}

// opens is when a way that the page shows as closed can be picked again; zero
// where there is none.
func (c Conversation) opens() time.Time {
	var first time.Time
	if c.State != Step1Choose && c.State != Step2Choose && c.State != EnrolChoose {
		return first
	}
	for _, o := range c.Page.Offers {
		if !o.Until.IsZero() && (first.IsZero() || o.Until.Before(first)) {
			first = o.Until
		}
	}
	return first
}

// awaitsText reports whether a text message was promised, and nobody asked yet
// whether it came.
func (c Conversation) awaitsText() bool {
	answering := c.State == Step1Answer || c.State == Step2Answer || c.State == EnrolAnswer
	return answering && c.Question != nil && c.Question.Method == SMS && !c.Question.Hinted
}

// TaskKind says what is to be done outside.
type TaskKind string

// The tasks. After a crash or an expired lease find, changed and an unlock's
// reread are repeated; a challenge is repeated with the same id and therefore
// the same code; a check never is, its try stays counted; a reset's reread
// neither, the password died with the process; and a write never is, its
// outcome is unknown until the directory tells.
const (
	TaskFind      TaskKind = "find"
	TaskChallenge TaskKind = "challenge"
	TaskCheck     TaskKind = "check" // judges a code
	TaskWait      TaskKind = "wait"  // waits for the phone's own answer; never repeated either
	TaskReread    TaskKind = "reread"
	TaskReset     TaskKind = "reset"
	TaskUnlock    TaskKind = "unlock"
	TaskChanged   TaskKind = "changed"
	TaskScramble  TaskKind = "scramble" // a password that nobody knows; repeated, for it harms nobody twice
	TaskVerify    TaskKind = "verify"   // the current password; never repeated
	TaskConfirm   TaskKind = "confirm"  // the first code of a new app; never repeated
	TaskEnrol     TaskKind = "enrol"    // keeps the new app; repeated, as is taking it away
	TaskRemove    TaskKind = "remove"
)

// Task is work that a commit ordered. It says nothing secret; a code or a
// password that it needs stays in the memory of the process that received it,
// and dies with that process.
type Task struct {
	ID   string   `json:"id"`
	Kind TaskKind `json:"kind"`
	// By is the process that performs it, Lease until when nobody else may
	// think it dead. The lease is longer than the task's own deadline.
	By       string    `json:"by"`
	Ordered  time.Time `json:"ordered"`
	Lease    time.Time `json:"lease"`
	Deadline time.Time `json:"deadline"`
	// NotBefore is when the outcome may come in at the earliest: for everybody
	// who is not in their own chat, until the first proof, it is the commit
	// plus 1.5 s ± 0.25 s, whatever the outcome is and however soon it is known.
	NotBefore time.Time `json:"nb,omitzero"`
	// Level is set where a late outcome must not show by its lateness either:
	// it waits for the next multiple of the levelling time.
	Level bool `json:"level,omitempty"`

	Name      string    `json:"name,omitempty"`    // find by name
	Account   AccountID `json:"account,omitempty"` // or by id
	Decoy     bool      `json:"decoy,omitempty"`   // do nothing, find everything wrong
	Own       bool      `json:"own,omitempty"`     // asked for in the owner's own chat
	Method    Method    `json:"method,omitempty"`
	Challenge string    `json:"ch,omitempty"`
	Expires   time.Time `json:"exp,omitzero"`      // of the challenge
	Typed     string    `json:"typed,omitempty"`   // fingerprint of the typed number
	Country   string    `json:"country,omitempty"` // of the typed number
	Known     string    `json:"known,omitempty"`   // fingerprint of the number at page 1
	Mark      string    `json:"mark,omitempty"`    // of the write that is asked about
	Goal      Goal      `json:"goal,omitempty"`
	Device    string    `json:"dev,omitempty"`  // the authenticator that is kept or taken away
	Since     time.Time `json:"since,omitzero"` // from when on it is there
	Locale    string    `json:"loc,omitempty"`  // of texts and calls
	Receipt   string    `json:"rcpt,omitempty"`
	Chat      string    `json:"chat,omitempty"` // from where it is asked, for the text message
}

// Account is what a directory tells of one account, in the words of the
// wizard. bot makes it from a directory's answer: numbers only as fingerprints.
type Account struct {
	ID   AccountID
	UPN  string
	Name string // "M. de Vries"
	// Words are what else the person is called: given and family name, user name,
	// mail address. No password is to be made of them.
	Words   []string
	Reason  Reason // why it cannot be reset; Eligible when it can
	Locked  bool   // the directory's own lock-out
	Digits  string // last two of the usable number, empty without one
	Number  string // fingerprint of that number
	Since   time.Time
	Devices []Device // authenticators
	Push    bool     // can be sent notifications
	Length  int
	Mark    string // change mark, opaque
}

// Device is an enrolled authenticator, without its secret.
type Device struct {
	ID    string
	Since time.Time
}

// Reason says why an account cannot be reset.
type Reason string

// The reasons. They are shown in own chat only, and written to the audit.
const (
	Eligible    Reason = ""
	Disabled    Reason = "disabled"
	AccountOver Reason = "expired"
	Privileged  Reason = "privileged"
	NotEligible Reason = "not_eligible"
	Frozen      Reason = "frozen"
)

// AccountRecord is what we keep of an account. Decoys have none.
type AccountRecord struct {
	Key AccountKey `json:"key"`
	// Holder is the conversation with a proof of this account. A newer proof
	// displaces it. Before the write the conversation must be the holder.
	Holder     string `json:"holder,omitempty"`
	HolderUser User   `json:"holder_user,omitzero"`
	// HolderOwn is set while the holder is the owner's own chat, until
	// HolderUntil; nobody else displaces that.
	HolderOwn   bool      `json:"holder_own,omitempty"`
	HolderUntil time.Time `json:"holder_until,omitzero"`
	// Guests are conversations of others, without a proof yet. The owner's own
	// chat sends them away: they go on as decoys.
	Guests []Guest `json:"guests,omitempty"`
	// Writing is the conversation whose write is open, WritingUntil when that
	// would be given up if nobody ever told.
	Writing      string    `json:"writing,omitempty"`
	WritingUntil time.Time `json:"writing_until,omitzero"`
	// Number is the fingerprint of the number last seen, Since when it was
	// first seen if it was not there from the beginning.
	Number string    `json:"num,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	// LastReset is when somebody last got a new password here, LastBy in which
	// conversation; also in one of which nobody could tell for a day.
	LastReset time.Time `json:"last,omitzero"`
	LastBy    string    `json:"last_by,omitempty"`
	// NoPush is until when others send no notification, after one of theirs
	// was denied; NoPushOwn the same for the owner's own chat.
	NoPush    time.Time `json:"no_push,omitzero"`
	NoPushOwn time.Time `json:"no_push_own,omitzero"`
	// Told is the end of the lock that the owner was told of.
	Told time.Time `json:"told,omitzero"`
	// Frozen is until when nothing is reset (this was not me).
	Frozen time.Time `json:"frozen,omitzero"`
	Kept   time.Time `json:"kept"` // may be forgotten after this
}

// Guest is a conversation without a proof.
type Guest struct {
	Conversation string    `json:"c"`
	Until        time.Time `json:"until"`
}

// Line is one line of the audit: who, what, when, on what ground. It never
// holds anything that was typed. The store numbers and chains it.
type Line struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"` // the wizard's event, or a word for what is none
	From    State     `json:"from,omitempty"`
	To      State     `json:"to,omitempty"`
	Receipt string    `json:"receipt,omitempty"`
	Chat    string    `json:"chat,omitempty"`
	Asker   string    `json:"asker,omitempty"`
	Account AccountID `json:"account,omitempty"` // the directory's id; empty for decoys of nobody
	Own     bool      `json:"own,omitempty"`
	Method  Method    `json:"method,omitempty"`
	Goal    Goal      `json:"goal,omitempty"`
	Detail  string    `json:"detail,omitempty"` // a reason word, never free text of a person
	Alarm   bool      `json:"alarm,omitempty"`
}

// Notice is something to be told outside this conversation, or a nudge to
// another conversation. It is a record of its own, delivered at least once.
type Notice struct {
	ID   string    `json:"id"`
	Due  time.Time `json:"due"`
	Kind string    `json:"kind"`
	// User is whose conversation is nudged; of what is told to an owner, who did it in
	// a chat that binds its people.
	User User `json:"user,omitzero"`
	// Account is who is told, Message what. Of an alarm Account is whom it is about.
	Account AccountID `json:"account,omitempty"`
	Message MessageID `json:"message,omitempty"`
	Receipt string    `json:"receipt,omitempty"`
	Chat    string    `json:"chat,omitempty"`
	Locale  string    `json:"loc,omitempty"`
	At      time.Time `json:"at,omitzero"` // of what is told
	// Conversation is the id of the one that is told of.
	Conversation string `json:"conversation,omitempty"`
	// Own is set where the owner was told to be in their own chat, Chat.
	Own bool `json:"own,omitempty"`
	// Alarm is why somebody is to look: a word of this program's own.
	Alarm    string `json:"alarm,omitempty"`
	Attempts int    `json:"att,omitempty"`
	// Told are the channels that are done: they took it, or never will.
	Told []string `json:"told,omitempty"`
}

// The kinds of notice.
const (
	Nudge = "nudge" // look at that conversation again: something it depends on changed
	Tell  = "tell"  // tell the owner of an account, on every channel known
	Alarm = "alarm" // tell those who watch over the service; of each audit line with Alarm set
)

// Mark is a single-use mark. It is inserted in the commit that records what
// it stands for, and is never there twice.
type Mark struct {
	Key     string
	Expires time.Time
}

// Change is what a step wants stored: all of it or nothing.
type Change struct {
	Conversation Conversation
	// Same is set when nothing at all changed; nothing need be written.
	Same bool
	// Forget removes the conversation.
	Forget bool
	// Due is when the conversation must be looked at again; zero: never.
	Due      time.Time
	Account  *AccountRecord         // nil: as it was
	Person   *Person                // nil: as it was; one that is zero is forgotten
	Counters map[CounterKey]Counter // new values
	Marks    []Mark
	Start    bool // Conversation.Task was ordered by this step
	Notices  []Notice
	Audit    []Line
	// Secret is what the ordered task needs and no store may keep. bot takes
	// it out before anything is written.
	Secret Secret
}

// Reads names what a step may read besides the conversation. The store loads
// and locks it before the step.
type Reads struct {
	Account  AccountKey // empty: none
	Person   User       // zero: none
	Counters []CounterKey
	Marks    []string
}

// Facts are what was read. What does not exist is there with its zero value.
type Facts struct {
	Account  AccountRecord
	Person   Person
	Counters map[CounterKey]Counter
	Marks    map[string]bool // present
}
