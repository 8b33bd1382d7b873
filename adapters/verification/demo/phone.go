// Package demo is a made-up telephone: text messages, calls, notifications of
// an authenticator app, and mail arrive on it, and whoever plays the employee
// (a person at a second terminal, a program over HTTP) reads them and acts.
//
//	wizard ─▶ SMS, Call, Push, Mail ─▶ file ─▶ List, Watch ─▶ employee
//	   ▲                               │  ▲                      │
//	   └─────────── Check ◀────────────┘  └──────── Act ◀────────┘
//
// All telephones of all people are in one file, which several processes share.
// It holds codes in clear, as telephones do: it belongs to a demo, never to a
// hospital.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"resetbot/adapters/jsonfile"
	"resetbot/bot"
	"resetbot/conversation"
)

// Kind is what something on the telephone is.
type Kind string

// The kinds.
const (
	KindSMS          Kind = "sms"
	KindCall         Kind = "call"
	KindNotification Kind = "notification"
	KindMail         Kind = "mail"
)

// State is what became of it.
type State string

// The states.
const (
	Received State = "received" // a text message or mail: nothing can be done with it
	Waiting  State = "waiting"  // the telephone rings, the notification is shown
	Pressed  State = "pressed"  // keys, during the call
	Approved State = "approved" // with a number; whether it is the right one, the wizard knows
	Denied   State = "denied"   // it was not me
	HungUp   State = "hung_up"  //
	Missed   State = "missed"   // nobody did anything in time
)

// Entry is one thing on a telephone.
type Entry struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	Kind Kind      `json:"kind"`
	Text string    `json:"text"`
	Code string    `json:"code"` // six digits; text messages have one
	// Number is the telephone's, in E.164 (+31612345613). Who has no telephone
	// is reached by their user principal name, who is not the owner of an account
	// by their address. It is never the number to type into a notification: that
	// is shown in the chat that asked, and only there.
	Number string `json:"number"`
	To     string `json:"to,omitempty"` // the address of a mail
	State  State  `json:"state"`
}

// Action is what a person does on the telephone: exactly one of these.
type Action struct {
	Press   *string `json:"press,omitempty"`   // keys, during a call: 0 to 9, * and #
	Approve *string `json:"approve,omitempty"` // a notification, with the number that was typed
	Deny    bool    `json:"deny,omitempty"`    // a notification
	Hangup  bool    `json:"hangup,omitempty"`  // a call
}

// Press presses keys.
func Press(keys string) Action { return Action{Press: &keys} }

// Approve approves with a number.
func Approve(number string) Action { return Action{Approve: &number} }

// Deny says: it was not me.
func Deny() Action { return Action{Deny: true} }

// Hangup hangs up.
func Hangup() Action { return Action{Hangup: true} }

// Why an [Action] changes nothing.
var (
	ErrNoEntry = errors.New("there is no such entry on this telephone")
	ErrOver    = errors.New("it is over, and nothing can be done with it any more")
	ErrUnfit   = errors.New("that cannot be done with this")
)

// Options are what a [Phone] is told. Text and Notice are required: a telephone
// has no words of its own. Both may be called by several goroutines at once.
type Options struct {
	// Text says what a challenge says: the text message, with the code in it,
	// or the words of the call or the notification.
	Text func(bot.Challenge) string
	// Notice says what somebody is told, by mail and in a text message.
	Notice func(bot.Telling) (mail, text string)
	// Numbers reads the numbers of the directory, to bring mail to the right
	// telephone; without it only numbers in E.164, with blanks, are read.
	Numbers conversation.NumberPlan
	// Faults is asked what goes wrong, before anything is sent (by the name of
	// its Kind) and before anything is judged ([OpCheck]). It may be asked by
	// several goroutines at once.
	Faults func(op string) Fault
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Phone is all telephones. It is safe for concurrent use, also by several
// processes that share its file.
type Phone struct {
	file *jsonfile.File[book]
	o    Options
}

// book is what the file holds.
type book struct {
	Changes uint64   `json:"changes"`
	Records []record `json:"records"` // oldest first
}

// record is an entry with what the employee does not see.
type record struct {
	Entry
	Owner   string    `json:"owner,omitempty"` // user principal name
	About   string    `json:"about,omitempty"` // id of the challenge or the notice
	Expires time.Time `json:"expires,omitzero"`
	Digits  bool      `json:"digits,omitempty"` // the call asks for more than one key
	Typed   string    `json:"typed,omitempty"`  // keys, or the number of an approval
}

// What is kept: the newest entries, and of the others what a conversation may
// still ask for, up to a bound.
const (
	kept       = 200
	keptFor    = 15 * time.Minute
	keptAtMost = 5000
)

// poll is how often the file is looked at for what another process did.
const poll = 25 * time.Millisecond

// Open opens the telephones of a file, whose directory must exist. Its error
// names every required option that is missing.
func Open(path string, o Options) (*Phone, error) {
	if missing := o.missing(); len(missing) > 0 {
		return nil, fmt.Errorf("opening the telephones: the options lack %s", strings.Join(missing, " and "))
	}
	if o.Faults == nil {
		o.Faults = func(string) Fault { return Fault{} }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Phone{file: jsonfile.New[book](path), o: o}
	if err := p.file.View(func(*book) {}); err != nil {
		return nil, fmt.Errorf("opening the telephones: %w", err)
	}
	return p, nil
}

// missing names the required options that are not there.
func (o Options) missing() []string {
	var missing []string
	if o.Text == nil {
		missing = append(missing, "Text")
	}
	if o.Notice == nil {
		missing = append(missing, "Notice")
	}
	return missing
}

// Close lets go of the file.
func (p *Phone) Close() error { return p.file.Close() }

// List is what is on a telephone, oldest first; with an empty number, on all
// of them. Reading changes nothing.
func (p *Phone) List(ctx context.Context, number string) ([]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := p.o.Now()
	entries := []Entry{} // which JSON writes as [], not as null
	err := p.file.View(func(b *book) {
		for _, r := range b.Records {
			if number == "" || r.isOn(number) {
				r.State = r.state(now)
				entries = append(entries, r.Entry)
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("reading a telephone: %w", err)
	}
	return entries, nil
}

// Act does something with an entry, and gives it as it is afterwards. Its
// error wraps [ErrNoEntry], [ErrOver] or [ErrUnfit] when nothing was changed
// for that reason.
func (p *Phone) Act(ctx context.Context, number, id string, a Action) (Entry, error) {
	now := p.o.Now()
	var after Entry
	refused := ErrNoEntry
	err := p.change(ctx, func(b *book) bool {
		for i := range b.Records {
			if r := &b.Records[i]; r.ID == id && r.isOn(number) {
				refused = r.act(a, now)
				after = r.Entry
			}
		}
		return refused == nil
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Entry{}, fmt.Errorf("acting on a telephone: %w", err)
	}
	return after, nil
}

// Watch sends at once, and then whenever anything changed on any telephone,
// until ctx ends; then the channel is closed. Changes that nobody took off it
// come as one.
func (p *Phone) Watch(ctx context.Context) <-chan struct{} {
	changed := make(chan struct{}, 1)
	changed <- struct{}{}
	seen, _ := p.changes()
	go func() {
		defer close(changed)
		tick := time.NewTicker(poll)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			now, err := p.changes()
			if err != nil || now == seen {
				continue
			}
			seen = now
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	return changed
}

func (p *Phone) changes() (n uint64, err error) {
	err = p.file.View(func(b *book) { n = b.Changes })
	return n, err
}

// change alters the book. Nothing is written if alter returns false.
func (p *Phone) change(ctx context.Context, alter func(*book) bool) error {
	return p.file.Update(ctx, func(b *book) bool {
		if !alter(b) {
			return false
		}
		b.Changes++
		b.trim(p.o.Now())
		return true
	})
}

// deliver puts what is new on a telephone, unless fresh, which is asked with
// the file locked, says no.
func (p *Phone) deliver(ctx context.Context, r record, fresh func(*book) bool) error {
	f := p.o.Faults(string(r.Kind))
	if err := f.before(ctx); err != nil {
		return err
	}
	if f.Lost {
		return nil
	}
	return p.change(ctx, func(b *book) bool {
		if !fresh(b) {
			return false
		}
		r.At = p.o.Now().UTC()
		for range f.times() {
			r.ID = rand.Text()
			b.Records = append(b.Records, r)
		}
		return true
	})
}

// about are the records about one challenge or notice, oldest first.
func (b *book) about(kind Kind, id string) []*record {
	var about []*record
	for i := range b.Records {
		if r := &b.Records[i]; r.Kind == kind && r.About == id {
			about = append(about, r)
		}
	}
	return about
}

func (b *book) trim(now time.Time) {
	drop := 0
	for len(b.Records)-drop > kept {
		young := now.Sub(b.Records[drop].At) < keptFor
		if young && len(b.Records)-drop <= keptAtMost {
			break
		}
		drop++
	}
	b.Records = slices.Delete(b.Records, 0, drop)
}

func (r *record) isOn(number string) bool {
	return number != "" && (r.Number == number || strings.EqualFold(r.Owner, number))
}

// state is the state at a moment: what waits is missed when its time is over.
func (r *record) state(now time.Time) State {
	if r.State == Waiting && !now.Before(r.Expires) {
		return Missed
	}
	return r.State
}

// act is nil when it did what a says.
func (r *record) act(a Action, now time.Time) error {
	if r.State == Received || !a.single() {
		return ErrUnfit
	}
	if r.state(now) != Waiting {
		return ErrOver
	}
	switch call := r.Kind == KindCall; {
	case call && a.Hangup:
		r.State = HungUp
	case call && a.Press != nil:
		return r.press(*a.Press)
	case !call && a.Deny:
		r.State = Denied
	case !call && a.Approve != nil:
		r.State, r.Typed = Approved, *a.Approve
	default:
		return ErrUnfit
	}
	return nil
}

func (a Action) single() bool {
	n := 0
	for _, does := range []bool{a.Press != nil, a.Approve != nil, a.Deny, a.Hangup} {
		if does {
			n++
		}
	}
	return n == 1
}

// mostKeys is how many keys a call listens to.
const mostKeys = 10

// press takes keys one by one. A call that asks for # alone is answered by the
// first key, one that asks for digits by the # behind them; what is pressed
// after that is not heard.
func (r *record) press(keys string) error {
	if keys == "" || strings.Trim(keys, "0123456789*#") != "" {
		return ErrUnfit
	}
	for _, key := range keys {
		r.Typed += string(key)
		if !r.Digits || key == '#' || len(r.Typed) == mostKeys {
			r.State = Pressed
			break
		}
	}
	if r.State == Pressed && strings.TrimSuffix(r.Typed, "#") == keyDeny {
		r.State = Denied
	}
	return nil
}

// keyDeny is the key for: it was not me.
const keyDeny = "9"
