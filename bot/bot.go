// Package bot is the loop between what people say and what is done: it takes
// a message in, has the wizard's step stored, and then delivers the page and
// performs the task that the step ordered. The outcome comes back as the next
// input. Whatever is said or done was committed before, so that a crash at any
// point is a page that is taken up again.
//
//	adapter ─▶ Receive ─▶ Store.Update(Step) ─▶ acknowledged
//	                          │  committed
//	                          ├─▶ deliver: Chat.Send, then the note that it was
//	                          └─▶ do: the task, then its outcome ─▶ Store.Update(Step) …
package bot

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"resetbot/conversation"
)

// Config is what a Bot is made of. All ports are required but those marked.
type Config struct {
	Wizard         *conversation.Wizard
	Words          Words
	Store          Store
	Limiter        Limiter
	Directory      Directory
	Authenticators Authenticators
	Enroller       Enroller
	Verifiers      map[conversation.Method]Verifier // every method; one that is missing cannot be chosen in own chat, and never succeeds elsewhere
	Channels       map[string]Channel               // by name, in small letters; on each the owner is told what happened
	Alarms         Alarms                           // optional: alarms are logged
	Painter        Painter
	Chats          map[string]Chat // by the name in conversation.User.Chat
	AuditKey       conversation.Key
	HeadFile       string // where the audit's head is written every minute; empty: nowhere
	// Links seals the links of one-time pages, PublicURL is what they begin with.
	// Both are needed where a chat is not masked.
	Links     Sealer
	PublicURL string
	// Budget is for what is sent in the whole service; a method that has none is
	// sent without end. PerNumber is for texts and calls to one number that nobody
	// answered rightly, whichever account it belongs to; half of it is kept for
	// people in their own chat.
	Budget    map[conversation.Method]Budget
	PerNumber conversation.Limit
	Metrics   *Metrics // optional: nothing is counted
	Log       *slog.Logger
	Now       func() time.Time // optional: time.Now
}

// Words understands what people type.
type Words interface {
	// Understand says what a text means on a page, in any language that the
	// bot speaks: a choice, fields, or Unread. It is pure and never fails.
	Understand(page conversation.Page, locale, text string) conversation.Input
}

// Bot is the loop. Its methods are safe for concurrent use.
type Bot struct {
	Config
	id      string // of this process
	work    sync.WaitGroup
	running context.Context // ended when nothing new is to be begun
	stop    context.CancelFunc
	steps   atomic.Uint64 // taken by this process

	mu         sync.Mutex
	stopped    bool
	delivering map[conversation.User]bool // true: look again
	wake       schedule
	due        map[conversation.User]dueAt // as of the newest commit, if that is soon
	kicked     chan struct{}
	broke      chan struct{}                         // has something once the store is broken
	lasted     map[conversation.Method]time.Duration // the last judgement by each method
	closed     map[pot]time.Time                     // pots that are empty, and until when
	alarmed    map[pot]time.Time                     // those of which the audit was told
	restored   bool
	telling    telling
	doing      map[string]time.Time // tasks of this process, by their id, until when at the latest
	clock      clock                // Run's own
	reviewed   time.Time            // when bindings last were; Run's own
	rejections rejections
}

// New makes a Bot; it does nothing until something is received or [Bot.Run]
// is called. Missing parts and empty keys are errors, all told at once: a bot
// that lacks one fails closed. It compares the store with the audit's head that
// is kept outside, so that a restored back-up is known before anything is
// taken in.
func New(c Config) (*Bot, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails (Go 1.24)
	b := &Bot{
		Config: c, id: hex.EncodeToString(id[:]),
		delivering: map[conversation.User]bool{}, due: map[conversation.User]dueAt{},
		kicked: make(chan struct{}, 1), broke: make(chan struct{}, 1),
		lasted: map[conversation.Method]time.Duration{}, closed: map[pot]time.Time{}, alarmed: map[pot]time.Time{},
		telling: newTelling(), doing: map[string]time.Time{},
	}
	b.running, b.stop = context.WithCancel(context.Background())
	if err := b.checkHead(context.Background()); err != nil {
		return nil, err
	}
	b.lookClosed(context.Background())
	return b, nil
}

func (c Config) check() error {
	var missing []error
	need := func(ok bool, what string) {
		if !ok {
			missing = append(missing, fmt.Errorf("a bot needs %s", what))
		}
	}
	need(c.Wizard != nil, "a wizard")
	need(c.Words != nil, "words")
	need(c.Store != nil, "a store")
	need(c.Limiter != nil, "a limiter")
	need(c.Directory != nil, "a directory")
	need(c.Authenticators != nil, "authenticators")
	need(c.Enroller != nil, "an enroller of authenticators")
	need(c.Painter != nil, "a painter of captchas")
	need(len(c.Chats) > 0, "a chat")
	for name, channel := range c.Channels {
		need(channel.Notifier != nil && channel.To != nil, "a notifier and addresses for the channel "+name)
	}
	need(!c.AuditKey.Zero(), "an audit key")
	if w := c.Wizard; w != nil {
		need(!w.Keys.Index.Zero() && !w.Keys.Code.Zero() && !w.Keys.Decoy.Zero(), "index, code and decoy keys")
		need(w.Numbers != nil, "a number plan")
		need(w.Rules != nil, "password rules")
	}
	return errors.Join(missing...)
}

// Incoming is what a chat adapter received, once it proved who it is from.
type Incoming struct {
	Kind   conversation.Kind // Said, Pressed, Filled or Arrived
	From   conversation.Origin
	Event  string // the platform's id of the message; empty if it has none
	Text   conversation.Secret
	Token  string
	Link   string // the last part of the one-time page's address through which it came; empty from a chat
	Choice conversation.Choice
	Fields map[conversation.Field]conversation.Secret
}

// Receive takes a message in. When it returns nil what the message means is
// durable, and the adapter may acknowledge it; delivery and tasks go on behind
// it. With an error nothing was stored: the person was told as well as could
// be, and the platform may deliver the message again.
//
// From.Asker is whatever names the source of this person's tries (the chat
// user, a kiosk, an address); only a keyed hash of it is kept.
func (b *Bot) Receive(ctx context.Context, m Incoming) error {
	if m.From.User.Zero() || b.Chats[m.From.User.Chat] == nil {
		return fmt.Errorf("taking in a message: no chat %q", m.From.User.Chat)
	}
	switch m.Kind {
	case conversation.Said, conversation.Pressed, conversation.Filled, conversation.Arrived:
	default:
		return fmt.Errorf("taking in a message: people do not %q", m.Kind)
	}
	return b.receive(ctx, m, "")
}

// receive takes in what was checked. own is as in [conversation.Input].
func (b *Bot) receive(ctx context.Context, m Incoming, own string) error {
	in := conversation.Input{
		Kind: m.Kind, From: m.From, Event: m.Event, Token: m.Token, Choice: m.Choice, Fields: m.Fields, Own: own,
	}
	if e, ok := b.open(m.Link); ok && e.User == m.From.User {
		in.Via = e.Token
	}
	in.From.Asker = b.Wizard.Keys.Fingerprint("asker", m.From.Asker)
	if len(m.Fields) > conversation.FieldsMax {
		in.Kind, in.Fields, in.Unread = conversation.Said, nil, true
	}
	err := b.update(ctx, m.From.User, in, m.Text)
	if err != nil {
		b.Log.Error("taking in a message", "chat", m.From.User.Chat, "error", err)
		b.say(ctx, m.From, conversation.SayTrouble)
	}
	return err
}

// update stores one step, and sets going what it ordered.
func (b *Bot) update(ctx context.Context, user conversation.User, in conversation.Input, text conversation.Secret) error {
	_, err := b.step(ctx, user, in, text)
	return err
}

// step is update for who wants to know what came of it.
func (b *Bot) step(
	ctx context.Context, user conversation.User, in conversation.Input, text conversation.Secret,
) (conversation.Change, error) {
	defer b.Metrics.stored(time.Now())
	_, _ = rand.Read(in.Nonce[:]) // never fails (Go 1.24)
	in.By, in.Restored, in.Closed = b.id, b.isRestored(), b.closures()
	now := b.Now()
	var before conversation.Conversation
	var order uint64
	read := func(c conversation.Conversation) conversation.Input {
		in := in
		in.Busy = b.does(c.Task)
		return b.understand(c, in, text)
	}
	change, err := b.Store.Update(ctx, user, Transition{
		Reads: func(c conversation.Conversation) conversation.Reads { return b.Wizard.Reads(c, read(c)) },
		Step: func(c conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			before, order = c, b.steps.Add(1)
			return b.Wizard.Step(c, read(c), f, now)
		},
		Patient: in.Kind == conversation.Passed || in.Kind == conversation.Shown,
	})
	if errors.Is(err, ErrUnreadable) {
		return change, b.discard(ctx, user, in.From)
	}
	if err != nil {
		b.lookAfterStore()
		return change, fmt.Errorf("storing a step: %w", err)
	}
	b.Metrics.stepped(before, change, now)
	b.after(user, in, change, order)
	return change, nil
}

// understand reads typed words in the light of the page that they answer.
func (b *Bot) understand(c conversation.Conversation, in conversation.Input, text conversation.Secret) conversation.Input {
	if in.Kind != conversation.Said || in.Unread {
		return in
	}
	if len(text.Reveal()) > conversation.TypedMax {
		in.Unread = true
		return in
	}
	locale := cmp.Or(c.Locale, in.From.Locale)
	read := b.Words.Understand(c.Page, locale, text.Reveal())
	if read.Unread && c.State.Over() { // not what the end offers: words that begin anew?
		read = b.Words.Understand(conversation.Page{}, locale, text.Reveal())
	}
	in.Choice, in.Nth, in.Fields, in.Unread = read.Choice, read.Nth, read.Fields, read.Unread
	return in
}

// after sets going what a commit ordered. order is its place among this process's
// steps of the same conversation. What time alone brings about is delivered by
// whoever told of the time: it may be many at once.
func (b *Bot) after(user conversation.User, in conversation.Input, change conversation.Change, order uint64) {
	c := change.Conversation
	if change.Same { // it may have been taken before a commit that is newer: it says only what nobody knows
		if due := c.Due(b.Wizard.Policy); due.After(b.Now()) {
			b.schedule(user, due, 0)
		}
		return
	}
	if change.Forget {
		return
	}
	b.schedule(user, change.Due, order) // first: what follows commits too
	if change.Start && c.Task != nil {
		task := *c.Task
		b.begin(func() { b.do(user, task, change.Secret) })
	}
	if in.Kind != conversation.Passed && !c.Page.Delivered && c.Page.Attempts == 0 {
		b.deliver(user)
	}
	if len(change.Notices) > 0 {
		b.begin(func() { b.notices(0) })
	}
}

// begin runs f beside everything else, unless the bot is stopping. Where f panics,
// nobody else goes down with it, and what was thrown, which may hold anything, is not
// printed.
func (b *Bot) begin(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return
	}
	b.work.Add(1)
	go func() {
		defer b.work.Done()
		if err := guard(func() error { f(); return nil }); err != nil {
			b.Log.Error("something broke off that goes on by itself", "error", err)
		}
	}()
}

// discard ends a conversation whose record cannot be read: another key, a
// damaged file, somebody else's record. It is never taken for "no
// conversation", and never for the first page with proofs kept (AC-47).
func (b *Bot) discard(ctx context.Context, user conversation.User, from conversation.Origin) error {
	d, ok := b.Store.(Discarder)
	if !ok {
		return fmt.Errorf("opening a record: %w", ErrUnreadable)
	}
	line := conversation.Line{
		At: b.Now(), Event: "stopped", To: conversation.Withdrawn, Chat: user.Chat, Detail: "unreadable_record", Alarm: true,
	}
	if err := d.Discard(ctx, user, line); err != nil {
		return fmt.Errorf("discarding an unreadable record: %w", err)
	}
	b.Log.Error("a conversation's record was unreadable and is discarded", "chat", user.Chat)
	if !from.User.Zero() {
		b.say(ctx, from, conversation.EndTrouble)
	}
	return nil
}

// say sends a page that no record holds, because no record could be written.
func (b *Bot) say(ctx context.Context, to conversation.Origin, id conversation.MessageID) {
	_, err := send(context.WithoutCancel(ctx), b.Chats[to.User.Chat], Outgoing{
		User: to.User, Address: to.Address, Locale: to.Locale, Page: conversation.Page{ID: id, Place: to.Place},
	})
	if err != nil {
		b.Log.Error("saying that something is wrong", "chat", to.User.Chat, "error", err)
	}
}

// backoff is 1, 2, 4 … 60 s.
func backoff(attempts int) time.Duration {
	return min(time.Minute, time.Second<<min(attempts, 6))
}
