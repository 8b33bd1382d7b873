package conversation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/looplab/fsm"
)

// State is a page of the wizard, or the work behind one.
type State string

// The pages, in the order in which a person meets them.
const (
	Start State = "start" // what can I do for you?
	Hints State = "hints" // Caps Lock, Num Lock, the badge
	Who   State = "who"   // who are you? with the captcha
	Find  State = "find"  // the directory is asked

	Step1Choose   State = "step1_choose"   // which of the four ways
	Step1Number   State = "step1_number"   // the full telephone number
	Step1Sending  State = "step1_sending"  // the challenge is on its way
	Step1Answer   State = "step1_answer"   // the code is awaited
	Step1Checking State = "step1_checking" // the code is judged
	Step1Waiting  State = "step1_waiting"  // the telephone or the app decides

	Step2Choose   State = "step2_choose"
	Step2Number   State = "step2_number"
	Step2Sending  State = "step2_sending"
	Step2Answer   State = "step2_answer"
	Step2Checking State = "step2_checking"
	Step2Waiting  State = "step2_waiting"

	Password   State = "password"   // the new password is typed
	Confirming State = "confirming" // the account is read again, just before the write
	Changing   State = "changing"   // the write is under way
	Unlocking  State = "unlocking"  // the same, for the directory's lock-out
	Unknown    State = "unknown"    // was it written? the directory is asked until it tells

	UnlockUnknown State = "unlock_unknown" // the same after an unlock; no way leads to the password from here
)

// The guide through Microsoft's own reset page: a state for each of its ten
// steps (guide.go).
const (
	GuideOpen     State = "guide_open"     // open the page
	GuideName     State = "guide_name"     // the address
	GuideCaptcha  State = "guide_captcha"  // the characters of the picture
	GuideNext     State = "guide_next"     // press next
	GuideMethod   State = "guide_method"   // choose the first verification step
	GuideProof    State = "guide_proof"    // do it
	GuideSecond   State = "guide_second"   // the second one
	GuidePassword State = "guide_password" // type the new password
	GuideFinish   State = "guide_finish"   // press finish
	GuideLogin    State = "guide_login"    // log in with it
)

// The enrolment of an authenticator (enrol.go).
const (
	EnrolWho      State = "enrol_who"      // which of one's own accounts
	EnrolFind     State = "enrol_find"     // the directory is asked
	EnrolPassword State = "enrol_password" // the password as it is now
	EnrolSignIn   State = "enrol_sign_in"  // the directory judges it
	EnrolChoose   State = "enrol_choose"   // how the telephone, or the app that there is, is proved
	EnrolNumber   State = "enrol_number"
	EnrolSending  State = "enrol_sending"
	EnrolAnswer   State = "enrol_answer"
	EnrolChecking State = "enrol_checking"
	EnrolWaiting  State = "enrol_waiting"
	EnrolScan     State = "enrol_scan"    // the QR code is shown, the first code awaited
	EnrolConfirm  State = "enrol_confirm" // that code is judged
	EnrolStore    State = "enrol_store"   // the app is kept
)

// A walk without pages: an owner says "this was not me" (disown.go).
const (
	Disowned   State = "disowned"   // the account is frozen
	Scrambling State = "scrambling" // it gets a password that nobody knows
	Removing   State = "removing"   // the authenticator that was enrolled is taken away
)

// The ends. No arrow leaves them.
const (
	Secured   State = "secured"    // frozen, and nobody has a password that works
	Done      State = "done"       // the new password works, or the account is unlocked
	Solved    State = "solved"     // it worked after all, nothing was needed
	Enrolled  State = "enrolled"   // an authenticator was
	Cancelled State = "cancelled"  // by the person
	Expired   State = "expired"    // the 15 minutes are over
	Locked    State = "locked"     // the reset lock: too many tries
	Denied    State = "denied"     // the owner pressed "this was not me"
	Referred  State = "handedover" // only people can help: the service desk
	Displaced State = "displaced"  // a newer conversation proved who it is
	Withdrawn State = "withdrawn"  // the account, or what we knew of it, changed meanwhile
)

// Event is what happened on a page. Words never name events: a person's input
// and a task's outcome are judged by Step, and only Step fires one.
type Event string

// What a person does.
const (
	ResetAsked  Event = "reset_asked"  // I forgot my password
	UnlockAsked Event = "unlock_asked" // only unlock it
	StuckAsked  Event = "stuck_asked"  // I know it but cannot get in
	GuideAsked  Event = "guide_asked"  // show me Microsoft's own page
	EnrolAsked  Event = "enrol_asked"  // I have a new authenticator app
	Next        Event = "next"         // this step of the guide is done
	Again       Event = "again"        // the guide from its first step
	Works       Event = "works"        // now it works
	Named       Event = "named"        // an account was named, the captcha solved
	PhoneChosen Event = "phone_chosen" // a text message or a call: the number first
	PushChosen  Event = "push_chosen"  // a notification
	CodeChosen  Event = "code_chosen"  // the app's own code
	NumberGiven Event = "number_given"
	Answered    Event = "answered"
	Resent      Event = "resent"    // the text message again, with a new code
	Submitted   Event = "submitted" // the new password
	Back        Event = "back"
	Cancel      Event = "cancel"
	Refer       Event = "refer" // to the service desk
	Stay        Event = "stay"  // the page is asked again
)

// What tasks, time and others do.
const (
	Found           Event = "found"
	NotFound        Event = "not_found" // directory unreachable, or refused at once
	Sent            Event = "sent"      // the challenge left, or seems to have
	Waits           Event = "waits"     // the person acts on the phone, not here
	NotSent         Event = "not_sent"
	NotJudged       Event = "not_judged" // nobody could tell, or we were restarted
	Wrong           Event = "wrong"
	Exhausted       Event = "exhausted"        // this challenge is used up, choose again
	Nothing         Event = "nothing"          // no answer came from the phone
	Proved          Event = "proved"           // step 1
	ProvedForReset  Event = "proved_for_reset" // step 2
	ProvedForUnlock Event = "proved_for_unlock"
	Known           Event = "known"            // the current password is right
	ProvedForEnrol  Event = "proved_for_enrol" // every proof that a new app needs
	Confirmed       Event = "confirmed"        // the app shows the right code
	Stored          Event = "stored"
	Reread          Event = "reread" // the account is still what it was
	Interrupted     Event = "interrupted"
	Written         Event = "written"
	Refused         Event = "refused"
	StillLocked     Event = "still_locked"
	Lost            Event = "lost" // no answer to the write
	Expire          Event = "expire"
	Lock            Event = "lock"
	Deny            Event = "deny"
	Displace        Event = "displace"
	Withdraw        Event = "withdraw"
	Freeze          Event = "freeze"   // nothing was written yet
	Scramble        Event = "scramble" // a password was
	Remove          Event = "remove"   // an authenticator was
)

// reset is the whole wizard: on this page, when this happens, go there.
var reset = map[State]map[Event]State{
	Start: {
		ResetAsked: Who,
		StuckAsked: Hints,
		GuideAsked: GuideOpen,
		EnrolAsked: EnrolWho,
		Stay:       Start,
	},
	Hints: {
		Works:       Solved,
		UnlockAsked: Who,
		ResetAsked:  Who,
		Back:        Start,
		Stay:        Hints,
	},
	Who: {
		Named: Find,
		Back:  Start,
		Stay:  Who,
	},
	Find: {
		Found:    Step1Choose,
		NotFound: Who,
		Stay:     Find,
	},

	Step1Choose: {
		PhoneChosen: Step1Number,
		PushChosen:  Step1Sending,
		CodeChosen:  Step1Answer,
		Back:        Who,
		Stay:        Step1Choose,
	},
	Step1Number: {
		NumberGiven: Step1Sending,
		Back:        Step1Choose,
		Stay:        Step1Number,
	},
	Step1Sending: {
		Sent:     Step1Answer,
		Waits:    Step1Waiting,
		NotSent:  Step1Choose,
		Answered: Step1Checking,
		Resent:   Step1Sending,
		Back:     Step1Choose,
		Stay:     Step1Sending,
	},
	Step1Answer: {
		Answered: Step1Checking,
		Resent:   Step1Sending,
		Back:     Step1Choose,
		Stay:     Step1Answer,
	},
	Step1Checking: {
		Proved:          Step2Choose,
		ProvedForUnlock: Unlocking, // within two hours of one's own reset
		Wrong:           Step1Answer,
		NotJudged:       Step1Answer,
		Exhausted:       Step1Choose,
		Stay:            Step1Checking,
	},
	Step1Waiting: {
		Proved:          Step2Choose,
		ProvedForUnlock: Unlocking,
		Nothing:         Step1Choose,
		NotJudged:       Step1Choose,
		Back:            Step1Choose,
		Stay:            Step1Waiting,
	},

	Step2Choose: {
		PhoneChosen: Step2Number,
		PushChosen:  Step2Sending,
		CodeChosen:  Step2Answer,
		Stay:        Step2Choose,
	},
	Step2Number: {
		NumberGiven: Step2Sending,
		Back:        Step2Choose,
		Stay:        Step2Number,
	},
	Step2Sending: {
		Sent:     Step2Answer,
		Waits:    Step2Waiting,
		NotSent:  Step2Choose,
		Answered: Step2Checking,
		Resent:   Step2Sending,
		Back:     Step2Choose,
		Stay:     Step2Sending,
	},
	Step2Answer: {
		Answered: Step2Checking,
		Resent:   Step2Sending,
		Back:     Step2Choose,
		Stay:     Step2Answer,
	},
	Step2Checking: {
		ProvedForReset:  Password,
		ProvedForUnlock: Unlocking,
		Wrong:           Step2Answer,
		NotJudged:       Step2Answer,
		Exhausted:       Step2Choose,
		Stay:            Step2Checking,
	},
	Step2Waiting: {
		ProvedForReset:  Password,
		ProvedForUnlock: Unlocking,
		Nothing:         Step2Choose,
		NotJudged:       Step2Choose,
		Back:            Step2Choose,
		Stay:            Step2Waiting,
	},

	Password: {
		Submitted: Confirming,
		Stay:      Password,
	},
	Confirming: {
		Reread:      Changing,
		Interrupted: Password,
		Stay:        Confirming,
	},
	Changing: {
		Written: Done,
		Refused: Password,
		Lost:    Unknown,
		Stay:    Changing,
	},
	Unlocking: {
		Reread:      Unlocking,
		Written:     Done,
		StillLocked: Referred,
		Lost:        UnlockUnknown,
		Stay:        Unlocking,
	},
	Unknown: {
		Written: Done,
		Refused: Password,
		Stay:    Unknown,
	},
	UnlockUnknown: {
		Written:     Done,
		StillLocked: Referred,
		Stay:        UnlockUnknown,
	},
}

// guide is the way through Microsoft's page. It meets the reset on the first
// page and nowhere else.
var guide = map[State]map[Event]State{
	GuideOpen:     {Next: GuideName, Back: Start, Stay: GuideOpen},
	GuideName:     {Next: GuideCaptcha, Back: GuideOpen, Again: GuideOpen, Stay: GuideName},
	GuideCaptcha:  {Next: GuideNext, Back: GuideName, Again: GuideOpen, Stay: GuideCaptcha},
	GuideNext:     {Next: GuideMethod, Back: GuideCaptcha, Again: GuideOpen, Stay: GuideNext},
	GuideMethod:   {Next: GuideProof, Back: GuideNext, Again: GuideOpen, Stay: GuideMethod},
	GuideProof:    {Next: GuideSecond, Back: GuideMethod, Again: GuideOpen, Stay: GuideProof},
	GuideSecond:   {Next: GuidePassword, Back: GuideProof, Again: GuideOpen, Stay: GuideSecond},
	GuidePassword: {Next: GuideFinish, Back: GuideSecond, Again: GuideOpen, Stay: GuidePassword},
	GuideFinish:   {Next: GuideLogin, Back: GuidePassword, Again: GuideOpen, Stay: GuideFinish},
	GuideLogin:    {Works: Solved, Back: GuideFinish, Again: GuideOpen, Stay: GuideLogin},
}

// enrol is the enrolment of an authenticator.
var enrol = map[State]map[Event]State{
	EnrolWho: {
		Named: EnrolFind,
		Back:  Start,
		Stay:  EnrolWho,
	},
	EnrolFind: {
		Found:    EnrolPassword,
		NotFound: EnrolWho,
		Stay:     EnrolFind,
	},
	EnrolPassword: {
		Submitted: EnrolSignIn,
		Stay:      EnrolPassword,
	},
	EnrolSignIn: {
		Known:     EnrolChoose,
		Wrong:     EnrolPassword,
		NotJudged: EnrolPassword,
		Stay:      EnrolSignIn,
	},
	EnrolChoose: {
		PhoneChosen: EnrolNumber,
		PushChosen:  EnrolSending,
		CodeChosen:  EnrolAnswer,
		Stay:        EnrolChoose,
	},
	EnrolNumber: {
		NumberGiven: EnrolSending,
		Back:        EnrolChoose,
		Stay:        EnrolNumber,
	},
	EnrolSending: {
		Sent:     EnrolAnswer,
		Waits:    EnrolWaiting,
		NotSent:  EnrolChoose,
		Answered: EnrolChecking,
		Resent:   EnrolSending,
		Back:     EnrolChoose,
		Stay:     EnrolSending,
	},
	EnrolAnswer: {
		Answered: EnrolChecking,
		Resent:   EnrolSending,
		Back:     EnrolChoose,
		Stay:     EnrolAnswer,
	},
	EnrolChecking: {
		Proved:         EnrolChoose, // and the other family is asked for
		ProvedForEnrol: EnrolScan,
		Wrong:          EnrolAnswer,
		NotJudged:      EnrolAnswer,
		Exhausted:      EnrolChoose,
		Stay:           EnrolChecking,
	},
	EnrolWaiting: {
		Proved:         EnrolChoose,
		ProvedForEnrol: EnrolScan,
		Nothing:        EnrolChoose,
		NotJudged:      EnrolChoose,
		Back:           EnrolChoose,
		Stay:           EnrolWaiting,
	},
	EnrolScan: {
		Answered: EnrolConfirm,
		Stay:     EnrolScan,
	},
	EnrolConfirm: {
		Confirmed: EnrolStore,
		Wrong:     EnrolScan,
		NotJudged: EnrolScan,
		Stay:      EnrolConfirm,
	},
	EnrolStore: {
		Stored: Enrolled,
		Stay:   EnrolStore,
	},
}

// disown is what happens after an owner said "this was not me".
var disown = map[State]map[Event]State{
	Disowned: {
		Freeze:   Secured,
		Scramble: Scrambling,
		Remove:   Removing,
		Stay:     Disowned,
	},
	Removing: {
		Stored: Secured,
		Stay:   Removing,
	},
	Scrambling: {
		Written: Secured,
		Stay:    Scrambling,
	},
}

// arrows are those that lead from s in its own walk.
func (s State) arrows() map[Event]State {
	for _, walk := range walks {
		if on := walk[s]; on != nil {
			return on
		}
	}
	return nil
}

// walks are all of them. No state is in two.
var walks = []map[State]map[Event]State{reset, guide, enrol, disown}

// anytime leads out of every page but those that must run until the truth is
// known.
var anytime = map[Event]State{
	Cancel:   Cancelled,
	Refer:    Referred,
	Expire:   Expired,
	Lock:     Locked,
	Deny:     Denied,
	Displace: Displaced,
	Withdraw: Withdrawn,
}

// untilKnown are the pages on which a write may be under way: cancelling is
// answered in words, the 15 minutes do not end them, nobody displaces them.
// Only a withdrawal leaves them: an unlock whose account is no longer what it
// was, or a truth that could not be had for a day.
var untilKnown = map[Event]State{
	Withdraw: Withdrawn,
}

// mustRun reports whether s ends only when the directory has told.
func (s State) mustRun() bool {
	return s == Changing || s == Unlocking || s == Unknown || s == UnlockUnknown || s == EnrolStore || disown[s] != nil
}

// Over reports whether s is an end.
func (s State) Over() bool { return slices.Contains(ends, s) }

// known reports whether s is a state of this wizard. A store may hand over a
// record of a newer version, or a damaged one.
func (s State) known() bool { return s.arrows() != nil || s.Over() }

var ends = []State{Done, Secured, Solved, Enrolled, Cancelled, Expired, Locked, Denied, Referred, Displaced, Withdrawn}

// Arrow is one line of the table.
type Arrow struct {
	From State
	On   Event
	To   State
}

// Arrows gives the tables of all walks, sorted by page and event.
func Arrows() []Arrow {
	var arrows []Arrow
	for _, walk := range walks {
		for from, on := range walk {
			arrows = append(arrows, arrowsFrom(from, on)...)
		}
	}
	slices.SortFunc(arrows, func(a, b Arrow) int {
		return strings.Compare(string(a.From)+" "+string(a.On), string(b.From)+" "+string(b.On))
	})
	return arrows
}

func arrowsFrom(from State, on map[Event]State) []Arrow {
	var arrows []Arrow
	for event, to := range on {
		arrows = append(arrows, Arrow{from, event, to})
	}
	always := anytime
	if from.mustRun() {
		always = untilKnown
	}
	for event, to := range always {
		if _, own := on[event]; !own {
			arrows = append(arrows, Arrow{from, event, to})
		}
	}
	return arrows
}

// events holds the arrows that leave each page, made once.
var events = func() map[State]fsm.Events {
	from := make(map[State]fsm.Events)
	for _, a := range Arrows() {
		from[a.From] = append(from[a.From],
			fsm.EventDesc{Name: string(a.On), Src: []string{string(a.From)}, Dst: string(a.To)})
	}
	return from
}()

// ErrNotNow is returned for an event that the table does not allow on a page.
// Step asks only for what the table allows, so whoever sees it sees a defect.
var ErrNotNow = errors.New("not allowed on this page")

// follow asks the state machine where event leads from a page. The machine is
// made for this one question, of the arrows that leave this page, and thrown
// away: looplab/fsm v1.0.3 wedges for ever after a cancelled context or a panic
// in a callback, so it gets neither. It says NoTransitionError when an arrow
// leads back to the same page, which is a success here.
func follow(from State, event Event) (State, error) {
	if !from.known() {
		return from, fmt.Errorf("state %q: %w", from, ErrNotNow)
	}
	machine := fsm.NewFSM(string(from), events[from], nil)
	err := machine.Event(context.Background(), string(event))
	var same fsm.NoTransitionError
	if err != nil && !(errors.As(err, &same) && same.Err == nil) {
		return from, fmt.Errorf("%s on %s: %w", event, from, ErrNotNow)
	}
	return State(machine.Current()), nil
}

// Diagram draws the table as a Mermaid state diagram. What leads out of every
// page alike (cancelling, expiry, locks) and back to the same page is left
// out, and told in a note; docs/wizard.md holds it, and a test compares.
func Diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> start\n    [*] --> disowned\n")
	for _, a := range Arrows() {
		if _, own := a.From.arrows()[a.On]; !own || a.From == a.To {
			continue
		}
		fmt.Fprintf(&b, "    %s --> %s: %s\n", a.From, a.To, a.On)
	}
	for _, end := range ends {
		fmt.Fprintf(&b, "    %s --> [*]\n", end)
	}
	return b.String()
}
