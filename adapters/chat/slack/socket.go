package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	takeFor = 10 * time.Second // of one envelope
	// ackFor is how long an acknowledgement may wait for its turn: after the
	// connection is gone the library's queue is never emptied.
	ackFor = 2 * time.Second
	// backoffMax is the most between two tries, of a token that is refused too.
	backoffMax = time.Minute
	steadyFor  = time.Minute // a connection that lasted so long was a good one
)

// runSocket keeps a connection of Socket Mode until ctx ends.
func (s *Slack) runSocket(ctx context.Context) {
	wait := time.Second
	for ctx.Err() == nil {
		began := time.Now()
		err := s.connectOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steadyFor {
			wait = time.Second
		}
		s.Log.Error("Socket Mode ended; trying again", "in", wait, "error", err)
		if !sleep(ctx, wait) {
			return
		}
		wait = min(backoffMax, 2*wait)
	}
}

// connectOnce runs until the library gives up, or ctx ends. It connects again by
// itself when Slack asks for it, and when the line breaks.
func (s *Slack) connectOnce(ctx context.Context) error {
	api := slackgo.New("", slackgo.OptionHTTPClient(s.Client), slackgo.OptionAPIURL(s.APIURL),
		slackgo.OptionAppLevelToken(s.AppToken.Reveal()), slackgo.OptionLog(silent))
	client := socketmode.New(api, socketmode.OptionReadLimit(bodyMax), socketmode.OptionLog(silent))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		defer func() {
			if p := recover(); p != nil {
				ended <- panicked(p)
			}
		}()
		ended <- client.RunContext(ctx)
	}()
	for {
		select {
		case err := <-ended:
			return err
		case e := <-client.Events:
			s.envelope(ctx, client, e)
		}
	}
}

// silent is the library's own log, which may tell of what people typed.
var silent = log.New(io.Discard, "", 0)

// envelope takes in what came over the connection, behind what came before it of the
// same person.
func (s *Slack) envelope(ctx context.Context, client *socketmode.Client, e socketmode.Event) {
	var r socketmode.Request
	switch {
	case e.Type == socketmode.EventTypeErrorBadMessage: // the library cannot read it; perhaps we can
		bad, ok := e.Data.(*socketmode.ErrorBadMessage)
		if !ok || json.Unmarshal(bad.Message, &r) != nil || r.EnvelopeID == "" {
			s.Log.Info("passing over what is no envelope of Socket Mode")
			return
		}
	case e.Request != nil && e.Request.EnvelopeID != "":
		r = *e.Request
	case e.Type == socketmode.EventTypeConnected, e.Type == socketmode.EventTypeConnectionError,
		e.Type == socketmode.EventTypeErrorWriteFailed, e.Type == socketmode.EventTypeInvalidAuth:
		s.Log.Info("Socket Mode", "event", string(e.Type))
		return
	default:
		return
	}
	k := kind(r.Type)
	taken := s.queue.add(authorOf(k, r.Payload), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeFor)
		defer cancel()
		answer, err := s.handle(ctx, k, r.Payload)
		if err != nil { // not acknowledged: Slack delivers it again
			s.Log.Error("taking in what Slack sent", "kind", k, "error", err)
			return
		}
		s.acknowledge(ctx, client, r.EnvelopeID, answer)
	})
	if !taken {
		s.Log.Warn("too much at once: what is not taken in is delivered again")
	}
}

func (s *Slack) acknowledge(ctx context.Context, client *socketmode.Client, id string, answer json.RawMessage) {
	ctx, cancel := context.WithTimeout(ctx, ackFor)
	defer cancel()
	var payload any
	if answer != nil {
		payload = answer
	}
	if err := client.AckCtx(ctx, id, payload); err != nil { // it is delivered again, and has one effect
		s.Log.Warn("acknowledging over Socket Mode", "error", err)
	}
}

// authorOf is whose turn an envelope waits for: a person's, by the same name whatever
// they did.
func authorOf(k kind, payload json.RawMessage) string {
	type named struct {
		ID string `json:"id"`
	}
	var of struct {
		UserID string `json:"user_id"`
		User   named  `json:"user"`
		Event  struct {
			User    json.RawMessage `json:"user"` // an id, or a person who changed
			Message edition         `json:"message"`
		} `json:"event"`
	}
	_ = json.Unmarshal(payload, &of) // what cannot be read is nobody's
	switch k {
	case kindCommand:
		return of.UserID
	case kindInteraction:
		return of.User.ID
	}
	var who named
	_ = json.Unmarshal(of.Event.User, &who) // else it is an id
	return cmp.Or(word(of.Event.User), who.ID, of.Event.Message.User)
}

// queueMax is how much may wait or be under way at once.
const queueMax = 1000

// queue does things of one person one after the other, and of many side by side.
type queue struct {
	work sync.WaitGroup

	mu      sync.Mutex
	n       int
	waiting map[string][]func()
}

func newQueue() *queue { return &queue{waiting: map[string][]func(){}} }

// add has f done behind what there is of name; false where there is too much.
func (q *queue) add(name string, f func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n >= queueMax {
		return false
	}
	q.n++
	list, busy := q.waiting[name]
	q.waiting[name] = append(list, f)
	if !busy {
		q.work.Go(func() { q.run(name) })
	}
	return true
}

func (q *queue) run(name string) {
	for {
		q.mu.Lock()
		list := q.waiting[name]
		if len(list) == 0 {
			delete(q.waiting, name)
			q.mu.Unlock()
			return
		}
		f := list[0]
		q.waiting[name] = list[1:]
		q.mu.Unlock()
		f() // handle recovers
		q.mu.Lock()
		q.n--
		q.mu.Unlock()
	}
}

func (q *queue) wait() { q.work.Wait() }

// sleep waits, and reports whether ctx lasted so long.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
