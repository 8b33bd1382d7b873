package slacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// Trouble is what goes wrong with one request. The parts of one that are set
// happen in the order in which they stand here.
type Trouble struct {
	Hold  <-chan struct{} // it waits until this is closed
	Delay time.Duration   // it takes so long
	Drop  bool            // the connection breaks before anything was done
	// Status, or Error, is answered, and nothing is done, unless Taken is set.
	// With an Error alone the status is 200, as Slack's is.
	Status     int
	Error      string        // error of the answer
	Body       string        // the whole answer instead
	RetryAfter string        // with 429, in seconds
	Taken      bool          // it is done all the same
	Late       time.Duration // it is done, and answered so much later
	Lose       bool          // it is done, and the connection breaks before the answer
	Half       bool          // the connection breaks in the middle of the answer
}

func (t Trouble) refuses() bool { return t.Status != 0 || t.Error != "" || t.Body != "" }

// Next has something go wrong with the next calls of a method, one each. A method
// is one of the Web API's, as "chat.postMessage"; or "upload", or "response_url".
func (s *Slack) Next(method string, troubles ...Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next[method] = append(s.next[method], troubles...)
}

// Break has something go wrong with every call of a method for which there is
// nothing of Next, until Mend.
func (s *Slack) Break(method string, trouble Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[method] = trouble
}

// Mend ends all trouble of a method.
func (s *Slack) Mend(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.next, method)
	delete(s.broken, method)
}

// bodyMax is more than any request is.
const bodyMax = 16 << 20

// part is h with whatever is to go wrong with it. h is called also for what is to
// be refused, with refused set, and does nothing then but write it down.
func (s *Slack) part(method string, h func(w http.ResponseWriter, r *http.Request, body []byte, refused bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// All of it first: only then is it noticed that the other end went away.
		body, err := io.ReadAll(io.LimitReader(r.Body, bodyMax))
		if err != nil {
			panic(http.ErrAbortHandler) // half a request is none
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		trouble := s.broken[method]
		if next := s.next[method]; len(next) > 0 {
			trouble, s.next[method] = next[0], next[1:]
		}
		s.mu.Unlock()
		pause(r.Context(), trouble.Hold, trouble.Delay)
		if trouble.Drop {
			panic(http.ErrAbortHandler)
		}
		recorder := httptest.NewRecorder()
		h(recorder, r, body, trouble.refuses() && !trouble.Taken)
		if trouble.refuses() {
			recorder = trouble.answer()
		}
		pause(r.Context(), nil, trouble.Late)
		trouble.send(w, recorder)
	}
}

func pause(ctx context.Context, hold <-chan struct{}, delay time.Duration) {
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

func (t Trouble) answer() *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	if t.RetryAfter != "" {
		w.Header().Set("Retry-After", t.RetryAfter)
	}
	status := t.Status
	if status == 0 {
		status = http.StatusOK
	}
	switch word := t.Error; {
	case t.Body != "":
		w.WriteHeader(status)
		_, _ = io.WriteString(w, t.Body) // into memory
	case word == "" && status == http.StatusTooManyRequests:
		write(w, status, refusal("ratelimited"))
	default:
		write(w, status, refusal(or(word, "internal_error")))
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

// answer is what the Web API answers.
type answer map[string]any

func refusal(word string) answer { return answer{"ok": false, "error": word} }

func write(w http.ResponseWriter, status int, what any) {
	text, err := json.Marshal(what)
	if err != nil {
		panic(err) // maps of strings
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text) // into memory
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
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3980} }
