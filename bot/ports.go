package bot

import (
	"context"
	"errors"
	"io"
	"time"

	"resetbot/conversation"
)

// The ports. bot declares them because it is their only consumer; package
// bottest has one suite for each, which every adapter passes. All methods are
// safe for concurrent use and honour their context. An error means that
// something is broken or out of reach; it never says anything about a person's
// answer, and never holds a password, a code, a full telephone number or a
// text that somebody typed. What is an answer is a value.

// Chat is a platform through which people talk: Teams, Slack, a web page, a
// terminal.
type Chat interface {
	// Send renders what m says in m.Locale and hands it to the platform. It
	// may be called twice with the same page: a page is shown at least once, a
	// step never happens twice. Pages of one person come one after the other.
	//
	// Delivered means that the platform took it; Undeliverable that nobody is
	// there any more (blocked, deleted, left); Later, or an error, that it may
	// work in a while. The zero Sent with an error is Later.
	Send(ctx context.Context, m Outgoing) (Sent, error)
}

// Sent is what became of a page.
type Sent struct {
	Result conversation.DeliveryResult
	// Note is what the chat wants to have back with the next page of this person
	// (Outgoing.Before), after a restart too: the platform's id of what it sent, say,
	// so that buttons that are over can be taken away. Opaque to everybody else, a
	// kilobyte at the most, and no secret. Empty: what was noted before still holds.
	Note string
}

// Outgoing is a page on its way to a person.
type Outgoing struct {
	User    conversation.User
	Address string // what the chat itself gave with the person's input
	Locale  string
	State   conversation.State
	Page    conversation.Page
	// Before is the chat's own note of what it sent this person last; empty where
	// there is none, or a crash came between the sending and the noting.
	Before string
	// Picture is the captcha as a PNG, where Page.Media asks for one, and Sound
	// the same as a WAV, where it asks for that too.
	Picture []byte
	Sound   []byte
	// Link is the address of the one-time page, where Page.Entry is set; SoundLink
	// that of the captcha's sound, for a chat that cannot carry it. They are never
	// logged.
	Link      string
	SoundLink string
	// Suggested is a password that would do, where the page asks for a new one and
	// this is the place to type it; else empty. It is kept nowhere.
	Suggested conversation.Secret
	// App is what an authenticator app is enrolled with, where Page.Media asks
	// for it and this page is the place for secrets; else nil.
	App *AppKey
}

// Directory is where the accounts are: Active Directory, Entra ID, the demo.
type Directory interface {
	// Find looks for the account with that name (address, user name, in lower
	// case, without a NetBIOS domain), or with that id. found is false when
	// nobody has it, and when more than one has. An account that may not be
	// reset is found, with its Reason.
	Find(ctx context.Context, q Query) (account Account, found bool, err error)

	// Reset gives the account a new password and lifts its lock-out. It does
	// not ask for another change at the next sign-in. A refusal is a value,
	// with its flaws and, where the directory has a sentence of its own, that.
	// An error wraps ErrNotWritten when nothing can have been written; with
	// any other error, as with WriteUnknown, nobody knows. It is never retried.
	Reset(ctx context.Context, id conversation.AccountID, password conversation.Secret) (Write, error)

	// Unlock lifts the lock-out and nothing else. Unlocking what is not locked
	// is WriteDone. Errors as for Reset.
	Unlock(ctx context.Context, id conversation.AccountID) (Write, error)

	// Changed tells whether the account's password was written since mark was
	// read. It asks the same controller as the write did, while that lives.
	Changed(ctx context.Context, id conversation.AccountID, mark string) (conversation.ChangedResult, error)

	// VerifyPassword signs in with a password, to see whether it is right. It
	// counts in the directory's own lock-out like any other sign-in.
	VerifyPassword(ctx context.Context, id conversation.AccountID, password conversation.Secret) (bool, error)
}

// ErrNotWritten is wrapped by the errors of Reset and Unlock that are certain
// to have changed nothing.
var ErrNotWritten = errors.New("nothing was written")

// Query names an account, by name or by id, never both.
type Query struct {
	Name string
	ID   conversation.AccountID
}

// Account is an account as its directory tells it.
type Account struct {
	ID      conversation.AccountID
	UPN     string
	Mail    string
	User    string // sAMAccountName or the like
	Given   string
	Family  string
	Display string // "M. de Vries"
	Mobile  string // as the directory holds it, "+31 612345678" or worse
	// PrivateMail is the owner's address outside the organisation, Manager that of
	// whom they work for; empty where the directory has none.
	PrivateMail string
	Manager     string
	// MobileSince is when the number last changed, where the directory tells.
	MobileSince time.Time
	Reason      conversation.Reason
	Locked      bool // by the directory's own lock-out
	MinLength   int  // of a password, where the directory tells; else 0
	Locale      string
	// Mark changes with every write of the password, whoever writes it. Opaque.
	Mark string
}

// Write is what came of a Reset or an Unlock.
type Write struct {
	Result conversation.WriteResult
	Flaws  []conversation.PasswordFlaw
	Word   string // the directory's own sentence, for the person
}

// Verifier is one way to prove who one is.
type Verifier interface {
	// Challenge sends the text message, starts the call, sends the
	// notification. It may be called again with the same challenge after a
	// crash: the person may then get it twice, with the same code. An error
	// says that nothing is likely to reach the person.
	Challenge(ctx context.Context, c Challenge) error

	// Check judges an answer; for calls and notifications answer is empty, and
	// Check waits until the person acted or ctx ends, which is NoAnswer.
	// A right answer names its single-use mark: "code:<challenge>",
	// "totp:<account>:<device>:<step>", "call:<id>", "push:<challenge>". An
	// error says nothing about the answer; the try is then given back. A
	// challenge past Expires proves nothing and is not waited for.
	Check(ctx context.Context, c Challenge, answer conversation.Secret) (Judgement, error)
}

// Challenge is what a Verifier asks of a person.
type Challenge struct {
	ID      string
	Method  conversation.Method
	Account conversation.AccountID
	UPN     string
	Number  conversation.Secret // E.164, read from the directory just now
	Code    conversation.Secret // derived from ID; the same whenever asked
	Digits  string              // two, to be typed in the app or on the telephone
	Expires time.Time
	Locale  string
	Chat    string // from where it is asked, and what for: for the text
	Goal    conversation.Goal
	Receipt string
	// WithDigits lets the call ask for Digits instead of just #.
	WithDigits bool
}

// Judgement is what a Verifier says of an answer.
type Judgement struct {
	Verdict conversation.Verdict
	Mark    string // of a right answer
}

// Notifier carries what happened to an account to its owner, or to somebody
// who watches over it: by mail, by text message.
type Notifier interface {
	// Tell carries it to one address. It may be called again after an error, or
	// after a crash, with the same notice and address: what arrives twice must be
	// recognisable as the same.
	//
	// Delivered means that it was taken; Undeliverable that it never will be at
	// this address, with an error that says why; Later, or an error, that it may
	// work in a while. No error holds an address.
	Tell(ctx context.Context, t Telling) (conversation.DeliveryResult, error)
}

// Telling is a notice on its way to one address.
type Telling struct {
	Notice conversation.Notice // in the owner's language, where that is known
	Owner  Account
	To     string // an address or a number, as the notifier takes them; never logged
	// Outside is set where not the owner is told but a manager or the security
	// officers.
	Outside bool
	// Link is the address at which the owner says "this was not me"; empty where
	// there is none, and for all others. It is never logged.
	Link string
}

// Channel is one way to tell of what happened to an account.
type Channel struct {
	Notifier Notifier
	// To is where this account is told; empty where it has no such address.
	To func(Account) string
	// Outside is as in [Telling].
	Outside bool
}

// Alarms tells those who watch over the service that they should look.
type Alarms interface {
	// Raise tells it. It may be called again after an error, or after a crash:
	// the alarm's ID is then the same. nil means that somebody has it.
	Raise(ctx context.Context, alarm conversation.Notice) error
}

// Authenticators keeps the secrets of enrolled authenticator apps, sealed
// with a key of their own.
type Authenticators interface {
	// Enrolled gives an account's authenticators, oldest first; none is no error.
	Enrolled(ctx context.Context, account conversation.AccountID) ([]Authenticator, error)
	// Enrol adds one, or replaces the one with the same id.
	Enrol(ctx context.Context, account conversation.AccountID, a Authenticator) error
	// Remove takes one away; taking away what is not there is no error.
	Remove(ctx context.Context, account conversation.AccountID, device string) error
}

// Authenticator is one app on one device.
type Authenticator struct {
	ID     string
	Name   string
	Secret conversation.Secret // the key of RFC 6238, 16 bytes or more, base32 without padding
	Since  time.Time
}

// AppKey is what an authenticator app is enrolled with: one secret in three
// forms. It is shown, and never logged, stored or sent to a platform.
type AppKey struct {
	QR   []byte              // PNG
	URL  conversation.Secret // otpauth://totp/…, for an app on the same device
	Text conversation.Secret // the key itself, in groups of four, to type
}

// Enroller knows how authenticator apps are enrolled. It keeps nothing.
type Enroller interface {
	// Key makes of a secret (base32) what an app that shows account takes.
	Key(account string, secret conversation.Secret) (AppKey, error)
	// Confirm judges the first code of an app that holds secret. The mark of a
	// right one is as that of the Verifier that will judge its codes:
	// "totp:<account>:<device>:<step>".
	Confirm(account conversation.AccountID, device string, secret, answer conversation.Secret) (Judgement, error)
}

// Store keeps everything that must outlive a crash.
type Store interface {
	// Update loads the conversation of user (the zero value where there is
	// none), asks t what it reads, loads that, calls t.Step, and writes the
	// whole Change or nothing; it returns when that is durable. No two updates
	// that share a conversation, an account, a person, a counter or a mark overlap: a mark
	// that is there already is a fact of the step, never a failed write.
	//
	// t.Reads and t.Step may be called more than once, and only the last call
	// counts; they never see a transaction, and must not call the store. An
	// error of Step is returned as it is and nothing is written; a panic of
	// Step becomes an error of this Update alone. A Change that is Same is
	// returned without a write. The audit lines of the Change are chained in
	// the same commit, head last; with each that has Alarm set, here as in Append,
	// EndAll and Discard, goes its notice ([Entry.Alarm]).
	Update(ctx context.Context, user conversation.User, t Transition) (conversation.Change, error)

	// Conversation gives what Update would load.
	Conversation(ctx context.Context, user conversation.User) (conversation.Conversation, error)

	// Conversations calls each with every conversation there is, in no order,
	// until the end or an error of each, which it returns. Those that begin, change
	// or end meanwhile may be missing or out of date; a record that cannot be
	// opened is passed over. each may be slow, and may use the store.
	Conversations(ctx context.Context, each func(conversation.Conversation) error) error

	// People calls each with every person of whom something is kept, as Conversations
	// does with conversations.
	People(ctx context.Context, each func(conversation.Person) error) error

	// Due names users whose conversation must be looked at before a moment,
	// the earliest first, at most limit.
	Due(ctx context.Context, before time.Time, limit int) ([]conversation.User, error)

	// Notices gives notices that are due before a moment, the earliest first.
	// Settle removes one; Postpone makes it due later, counts an attempt, and adds
	// the channels that are done to those that were.
	Notices(ctx context.Context, before time.Time, limit int) ([]conversation.Notice, error)
	Settle(ctx context.Context, id string) error
	Postpone(ctx context.Context, id string, due time.Time, told ...string) error

	// Sweep forgets counters, marks, account records and people that may be
	// forgotten at now, at most limit, and tells how many it forgot.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)

	// Append adds audit lines that belong to no conversation.
	Append(ctx context.Context, lines ...conversation.Line) error
	// Lines calls each with the audit's entries from a sequence number on, in
	// order, until the end or an error of each.
	Lines(ctx context.Context, from uint64, each func(Entry) error) error
	// Head is the newest entry; the zero Entry while there is none.
	Head(ctx context.Context) (Entry, error)

	// EndAll forgets every conversation, every notice and every person, and appends
	// line: what is left of a restored back-up once somebody accepted it. A binding
	// that ended since the back-up was made must not count again.
	EndAll(ctx context.Context, line conversation.Line) error

	// Alone reports whether no other process can have this store open.
	Alone() bool

	io.Closer
}

// Transition is a step as a store sees it.
type Transition struct {
	Reads func(conversation.Conversation) conversation.Reads
	Step  func(conversation.Conversation, conversation.Facts) (conversation.Change, error)
	// Patient is set where no person waits for the answer: others may go first.
	Patient bool
}

// ErrUnreadable is wrapped by the error of Update and Conversation for a
// record that cannot be opened: another key, another user's record, damage.
// The caller ends that conversation with Discard; it is never taken for none.
var ErrUnreadable = errors.New("unreadable record")

// Discarder is what a Store offers to get rid of a record that it cannot read.
type Discarder interface {
	// Discard removes the conversation of user unread, and what is kept of them as a
	// person, and appends line.
	Discard(ctx context.Context, user conversation.User, line conversation.Line) error
}

// Writer is what a Store offers that may stop writing for good.
type Writer interface {
	// Writable tells why nothing is written until the store is opened again; nil
	// as long as it can be tried.
	Writable() error
}

// Installations keeps what a chat's platform gave us when an organisation installed
// the app in its own part of it: a workspace, a team.
type Installations interface {
	// Save keeps an installation in the place of the one with the same chat and team.
	// It returns when that is durable.
	Save(ctx context.Context, i Installation) error
	// Load gives the installation of a team; ok is false where there is none.
	Load(ctx context.Context, chat, team string) (i Installation, ok bool, err error)
	// Forget removes one; forgetting what is not there is no error.
	Forget(ctx context.Context, chat, team string) error
}

// Installation is an app in one team.
type Installation struct {
	Chat   string // the chat's name, as in [conversation.User]
	Team   string // the platform's id of the team
	Token  conversation.Secret
	Scopes []string // what the token may do
	When   time.Time
}

// Sealer seals what leaves this process and comes back: the links of one-time
// pages. Opening what was not sealed so is an error.
type Sealer interface {
	Seal(dst, plaintext, additional []byte) []byte
	Open(sealed, additional []byte) ([]byte, error)
}

// Limiter counts what precedes a conversation, or belongs to the whole
// service: the budgets of text messages and calls. What it counted is durable
// when it returns, and the same for all processes on one store.
type Limiter interface {
	// Spend counts one under key and reports whether it was still within l; if
	// not, nothing is counted. What was counted under id already is within, and
	// is not counted again. until is when the next one may be counted; zero: at
	// once.
	Spend(ctx context.Context, key conversation.CounterKey, id string, l conversation.Limit, now time.Time) (ok bool, until time.Time, err error)

	// GiveBack takes out what was counted under key and id, and nothing else. A
	// lock that the number of spends closed is open again. Giving back what is
	// not there, or no longer, is no error.
	GiveBack(ctx context.Context, key conversation.CounterKey, id string, l conversation.Limit, now time.Time) error

	// Full tells when the next one may be counted under key, as Spend does, and
	// counts nothing.
	Full(ctx context.Context, key conversation.CounterKey, l conversation.Limit, now time.Time) (until time.Time, err error)
}

// Painter draws captchas (PNG), and says them (WAV) for who does not see them.
// The same arguments give the same picture and the same sound, so that a page
// that is delivered again, after a restart too, has the riddle that it had.
type Painter interface {
	Paint(answer conversation.Secret, seed [32]byte) ([]byte, error)
	// Speak says answer in the language of locale, Dutch for one that it does not
	// speak.
	Speak(answer conversation.Secret, seed [32]byte, locale string) ([]byte, error)
}
