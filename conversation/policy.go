package conversation

import "time"

// Policy holds every number of the wizard (wizard.md, Numbers). Two proofs of
// two families, and that a known number proves nothing, are not in it: they
// are no settings.
type Policy struct {
	Organisation string   // its name, for sentences and for the password rules
	Domains      []string // what names may end on; the first is shown as the example

	Conversation time.Duration // absolute, from the first message
	Guide        time.Duration // the same, once Microsoft's page was asked for; that page has 15 minutes of its own
	Reminder     time.Duration // "3 minutes left"
	KeepEnded    time.Duration // how long an ended conversation answers to old buttons

	CodeLife      time.Duration // of a one-time code
	CodeTries     int           // wrong ones per challenge
	WaitFor       time.Duration // for a call or a notification
	Cooldown      time.Duration // between two challenges of an account
	Proofs        Limit         // proofs failed, per account and counter
	Challenges    Limit         // per account and counter
	Begun         Limit         // conversations, per account and counter
	BegunAsker    Limit         // conversations, per asker
	Accounts      Limit         // accounts that one asker failed on
	CaptchaLife   time.Duration
	CaptchaWrong  int   // per conversation
	CaptchaDrawn  int   // pictures per conversation
	CaptchaAsker  Limit // wrong captchas per asker
	Refusals      int   // passwords refused per conversation
	Passwords     Limit // current passwords that were wrong, per account, at enrolment
	NoPush        time.Duration
	FreezeFor     time.Duration // after "this was not me"
	NoticeLife    time.Duration // of the link in a notice
	WaitingTime   time.Duration // before a new number or authenticator counts
	SecondUnlock  time.Duration // after one's own reset, unlocking takes one proof
	ProofLife     time.Duration // a proof older than this does not count at the write
	EntryLife     time.Duration // of a one-time page
	PasswordMin   int           // characters
	PasswordMax   int
	CallWithCode  bool // the call asks for two digits, not just for #
	Find          time.Duration
	Send          time.Duration // deadline of a challenge
	Check         time.Duration // deadline of judging a code
	WriteFor      time.Duration // deadline of a write
	LeaseMargin   time.Duration // how much longer than its deadline a task's lease is
	Levelled      time.Duration // when the outcome page appears for everybody alike
	LevelledBy    time.Duration // give or take
	WriteSettled  time.Duration // after a write's deadline a "not changed" counts
	UnknownRetry  []time.Duration
	UnknownGiveUp time.Duration

	Chats map[string]ChatPolicy // by the chat's name; Others for the rest
	Other ChatPolicy
}

// ChatPolicy is what is set per chat.
type ChatPolicy struct {
	Identity Identity
	Captcha  When
	// Masked is set where the chat itself has a place to type a password unseen,
	// that is no message: a terminal, a dialog. Elsewhere there is a one-time page.
	Masked bool
	// Private is set where nobody carries what the chat shows: a terminal. Only
	// there a secret is shown (the QR code of an authenticator); elsewhere it is on a
	// one-time page, whatever Masked says.
	Private bool
	// FollowsUp is set where the bot can write unasked: ten minutes after a reset it
	// asks whether the badge works again. Elsewhere it asks who comes back.
	FollowsUp bool
}

// Identity says whose password may be reset in a chat that proves who is there.
type Identity string

// The three policies.
const (
	Same Identity = "same" // one's own only
	Warn Identity = "warn" // somebody else's is allowed, and said
	Any  Identity = "any"
)

// When says when a captcha is asked.
type When string

// The choices. In own chat, OnSuspicion is the most that is asked.
const (
	Always      When = "always"
	OnSuspicion When = "suspicion"
	Never       When = "never"
)

// Chat is the policy of a chat.
func (p Policy) Chat(name string) ChatPolicy {
	if c, ok := p.Chats[name]; ok {
		return c
	}
	return p.Other
}

// DefaultPolicy has the defaults of the wizard's numbers.
func DefaultPolicy() Policy {
	return Policy{
		Conversation:  15 * time.Minute,
		Guide:         60 * time.Minute,
		Reminder:      3 * time.Minute,
		KeepEnded:     24 * time.Hour,
		CodeLife:      5 * time.Minute,
		CodeTries:     3,
		WaitFor:       60 * time.Second,
		Cooldown:      30 * time.Second,
		Proofs:        Limit{N: 5, Window: 24 * time.Hour, Lock: 24 * time.Hour},
		Challenges:    Limit{N: 5, Window: time.Hour},
		Begun:         Limit{N: 5, Window: time.Hour},
		BegunAsker:    Limit{N: 10, Window: 24 * time.Hour},
		Accounts:      Limit{N: 3, Window: 24 * time.Hour},
		CaptchaLife:   5 * time.Minute,
		CaptchaWrong:  5,
		CaptchaDrawn:  20,
		CaptchaAsker:  Limit{N: 20, Window: time.Hour},
		Refusals:      10,
		Passwords:     Limit{N: 3, Window: 24 * time.Hour},
		NoPush:        time.Hour,
		FreezeFor:     24 * time.Hour,
		NoticeLife:    72 * time.Hour,
		WaitingTime:   72 * time.Hour,
		SecondUnlock:  2 * time.Hour,
		ProofLife:     15 * time.Minute,
		EntryLife:     10 * time.Minute,
		PasswordMin:   16,
		PasswordMax:   256,
		Find:          10 * time.Second,
		Send:          20 * time.Second,
		Check:         10 * time.Second,
		WriteFor:      20 * time.Second,
		LeaseMargin:   5 * time.Second,
		Levelled:      1500 * time.Millisecond,
		LevelledBy:    250 * time.Millisecond,
		WriteSettled:  60 * time.Second,
		UnknownRetry:  []time.Duration{2 * time.Second, 10 * time.Second, 60 * time.Second, 5 * time.Minute},
		UnknownGiveUp: 24 * time.Hour,
		Other:         ChatPolicy{Identity: Warn, Captcha: Always},
		Chats: map[string]ChatPolicy{
			"teams":    {Identity: Same, Captcha: Always, FollowsUp: true},
			"terminal": {Identity: Warn, Captcha: Always, Masked: true, Private: true},
		},
	}
}
