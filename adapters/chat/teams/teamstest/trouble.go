package teamstest

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// Part is a part of the cloud.
type Part string

// The parts.
const (
	Metadata  Part = "metadata"
	Keys      Part = "keys"
	Tokens    Part = "tokens"
	Connector Part = "connector"
)

// Trouble is what goes wrong with one request. The parts of one that are set
// happen in the order in which they stand here.
type Trouble struct {
	Hold  <-chan struct{} // it waits until this is closed
	Delay time.Duration   // it takes so long
	Drop  bool            // the connection breaks before anything was done
	// Status is answered, and nothing is done, unless Taken is set.
	Status     int
	Taken      bool
	Code       string // with Status: error.code of the connector, error of Entra ID
	Text       string // with Status: error.message, error_description
	Body       string // with Status: the whole answer instead
	RetryAfter string
	Location   string
	NoID       bool   // it is done and answered, without an id
	SameID     bool   // it is done, and the id is the last one's again
	ID         string // it is done, and this is the id that is told
	Lose       bool   // it is done, and the connection breaks before the answer
	Half       bool   // the connection breaks in the middle of the answer
}

// Next has something go wrong with the next requests to a part, one each.
func (c *Cloud) Next(p Part, troubles ...Trouble) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next[p] = append(c.next[p], troubles...)
}

// Break has something go wrong with every request to a part for which there is
// nothing of Next, until Mend.
func (c *Cloud) Break(p Part, trouble Trouble) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken[p] = trouble
}

// Mend ends all trouble of a part.
func (c *Cloud) Mend(p Part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.next, p)
	delete(c.broken, p)
}

// Reorder has the next n requests to the connector wait for each other, and
// happen in the reverse of the order in which they came.
func (c *Cloud) Reorder(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reorder = &reorder{n: n}
	for range n {
		c.reorder.turns = append(c.reorder.turns, make(chan struct{}))
	}
}

// reorder holds n requests; turns[i] is closed when it is the turn of the i-th.
type reorder struct {
	n     int
	turns []chan struct{}
}

// turn waits for a request's turn; what it returns is called when it is over.
func (c *Cloud) turn(ctx context.Context) (over func()) {
	c.mu.Lock()
	r := c.reorder
	if r == nil {
		c.mu.Unlock()
		return func() {}
	}
	i := len(r.turns) - r.n
	if r.n--; r.n == 0 {
		c.reorder = nil
		close(r.turns[i])
	}
	c.mu.Unlock()
	select {
	case <-r.turns[i]:
	case <-ctx.Done():
	}
	return sync.OnceFunc(func() {
		if i > 0 {
			close(r.turns[i-1])
		}
	})
}

// part is h with whatever is to go wrong with it.
func (c *Cloud) part(p Part, h func(w http.ResponseWriter, r *http.Request, trouble Trouble)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// All of it first: only then is it noticed that the other end went away.
		body, err := io.ReadAll(io.LimitReader(r.Body, bodyMax))
		if err != nil {
			panic(http.ErrAbortHandler) // half a request is none
		}
		r.Body = readCloser{bytes.NewReader(body)}
		c.mu.Lock()
		trouble := c.broken[p]
		if next := c.next[p]; len(next) > 0 {
			trouble, c.next[p] = next[0], next[1:]
		}
		switch p {
		case Metadata:
			c.fetched.Metadata++
		case Keys:
			c.fetched.Keys++
		case Tokens:
			c.fetched.Tokens++
		}
		c.note()
		c.mu.Unlock()
		wait(r.Context(), trouble)
		if trouble.Drop {
			panic(http.ErrAbortHandler)
		}
		recorder := httptest.NewRecorder()
		if trouble.Status == 0 || trouble.Taken || p == Connector { // the connector records what it refuses
			h(recorder, r, trouble)
		}
		if trouble.Status != 0 {
			recorder = trouble.answer(p)
		}
		trouble.send(w, recorder)
	}
}

func wait(ctx context.Context, t Trouble) {
	if t.Hold != nil {
		select {
		case <-t.Hold:
		case <-ctx.Done():
		}
	}
	if t.Delay > 0 {
		timer := time.NewTimer(t.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

func (t Trouble) answer(p Part) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	if t.RetryAfter != "" {
		w.Header().Set("Retry-After", t.RetryAfter)
	}
	if t.Location != "" {
		w.Header().Set("Location", t.Location)
	}
	switch {
	case t.Body != "":
		w.WriteHeader(t.Status)
		_, _ = io.WriteString(w, t.Body) // into memory
	case p == Tokens:
		write(w, t.Status, entraError{t.Code, t.Text})
	default:
		write(w, t.Status, connectorError{connectorFault{t.Code, t.Text}})
	}
	return w
}

func (t Trouble) send(w http.ResponseWriter, what *httptest.ResponseRecorder) {
	if t.Lose {
		panic(http.ErrAbortHandler)
	}
	for name, values := range what.Header() {
		w.Header()[name] = values
	}
	body := what.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(what.Code)
	if !t.Half {
		_, _ = w.Write(body) // who does not read it does not get it
		return
	}
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush() // or it breaks a little earlier
	panic(http.ErrAbortHandler)
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// pipes is a network within the process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipes() *pipes {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3979} }
