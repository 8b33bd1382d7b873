package web

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"resetbot/conversation/words"
)

const (
	// streamLife bounds one stream; the browser opens the next by itself.
	streamLife = 10 * time.Minute
	// streamBeat is how often a stream says something, so that nobody in between
	// takes it for dead, and it is noticed when the browser is gone.
	streamBeat = 15 * time.Second
	// streamWrite is how long a browser may take to read.
	streamWrite = 10 * time.Second
)

// events sends a visitor's pages as they come, until the browser leaves.
func (w *Web) events(rw http.ResponseWriter, r *http.Request) {
	if !w.allow(rw, r, http.MethodGet) {
		return
	}
	v := w.visitor(r)
	b, ready := w.bot()
	switch {
	case !ready:
		w.say(rw, r, http.StatusServiceUnavailable, words.Wait)
		return
	case !w.welcome(v) || v.user.Zero():
		w.say(rw, r, http.StatusForbidden, words.NotServed)
		return
	case r.Method == http.MethodHead:
		return
	case !w.mayCome(v):
		w.say(rw, r, http.StatusServiceUnavailable, words.SlowDown)
		return
	}
	closed, ok := w.visitors.open(v.user)
	if !ok {
		w.say(rw, r, http.StatusServiceUnavailable, words.SlowDown)
		return
	}
	defer closed()
	if g := w.visitors.look(v.user); g.mark == "" { // this process was started since
		if err := w.arrive(r.Context(), b, v); err != nil {
			w.Log.Error("greeting a visitor who is back", "error", err)
		}
	}
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	s := &stream{w: w, v: v, rw: rw, control: http.NewResponseController(rw)}
	s.seen = r.URL.Query().Get("after")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		s.seen = last
	}
	s.run(r)
}

// stream is one browser window that listens.
type stream struct {
	w       *Web
	v       visitor
	rw      http.ResponseWriter
	control *http.ResponseController
	seen    string // mark of the page that the window shows
	left    string // what it says about the time that is left
}

func (s *stream) run(r *http.Request) {
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	end := time.NewTimer(streamLife)
	defer end.Stop()
	if s.send("retry: 2000\n\n") != nil {
		return
	}
	for {
		g := s.w.visitors.look(s.v.user)
		if s.news(g) != nil {
			return
		}
		select {
		case <-g.changed:
		case <-beat.C:
			if s.send(": \n\n") != nil {
				return
			}
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		case <-s.w.closing:
			return
		}
	}
}

// news sends what the window does not show yet: a page, or how much time is left.
func (s *stream) news(g glance) error {
	if g.mark == "" {
		return nil
	}
	view := s.w.view(g, s.v)
	if g.mark == s.seen {
		if view.Footer.Left == s.left {
			return nil
		}
		s.left = view.Footer.Left
		return s.event("left", g.mark, []byte(s.left))
	}
	html, err := s.w.assets.render("page", view)
	if err != nil {
		s.w.Log.Error("drawing a page", "page", g.page.Page.ID, "error", err)
		return err
	}
	s.seen, s.left = g.mark, view.Footer.Left
	return s.event("page", g.mark, html)
}

// event writes one event (HTML Standard, section 9.2.6).
func (s *stream) event(kind, id string, data []byte) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\nid: %s\n", kind, id)
	for line := range bytes.Lines(data) {
		fmt.Fprintf(&b, "data: %s\n", bytes.TrimRight(line, "\r\n"))
	}
	b.WriteString("\n")
	return s.send(b.String())
}

func (s *stream) send(text string) error {
	// What cannot be given a deadline (a test's recorder) goes without one.
	_ = s.control.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := s.rw.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
