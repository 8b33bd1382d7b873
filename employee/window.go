package employee

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Window is a browser window without JavaScript, and the person before it. It
// is for one goroutine; windows of one person may be used by several at once.
type Window struct {
	Page   Page   // before the person's eyes
	Seen   []Seen // the pages that were, and this one
	person Person
	client *http.Client
	base   string
	opened time.Time
}

// Seen is a page that was shown.
type Seen struct {
	Heading string
	After   time.Duration // since the window was opened
}

// Visit opens the chat of the service at base, such as http://127.0.0.1:3978,
// in a browser that was never there.
func Visit(ctx context.Context, base string, p Person) (*Window, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("opening a browser: %w", err)
	}
	base = strings.TrimSuffix(base, "/")
	w := &Window{person: p, client: &http.Client{Jar: jar, Transport: p.Via}, base: base, opened: time.Now()}
	return w, w.visit(ctx)
}

// Open opens a page that a link leads to, in a browser that was never there. base is
// as in [Visit].
func Open(ctx context.Context, base, address string, p Person) (*Window, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("opening a browser: %w", err)
	}
	w := &Window{
		person: p, client: &http.Client{Jar: jar, Transport: p.Via}, base: strings.TrimSuffix(base, "/"), opened: time.Now(),
	}
	return w, w.get(ctx, address)
}

// Tab opens the chat in a second window of the same browser.
func (w *Window) Tab(ctx context.Context) (*Window, error) {
	t := &Window{person: w.person, client: w.client, base: w.base, opened: time.Now()}
	return t, t.visit(ctx)
}

func (w *Window) visit(ctx context.Context) error { return w.get(ctx, w.base+"/chat") }

// Look loads the page again.
func (w *Window) Look(ctx context.Context) error { return w.get(ctx, w.Page.Address.String()) }

// Show puts a page before the person's eyes that was there before, as the back
// button does.
func (w *Window) Show(p Page) { w.Page = p }

// Press presses a button; see [Page.Press].
func (w *Window) Press(ctx context.Context, words string) error {
	s, err := w.Page.Press(words)
	if err != nil {
		return err
	}
	return w.Submit(ctx, s)
}

// Fill fills in fields, by their names, and presses Enter; see [Page.Enter].
func (w *Window) Fill(ctx context.Context, fields map[string]string) error {
	s, err := w.Page.Enter(fields)
	if err != nil {
		return err
	}
	return w.Submit(ctx, s)
}

// Follow opens a link in a new window of the same browser.
func (w *Window) Follow(ctx context.Context, words string) (*Window, error) {
	to, err := w.Page.link(words)
	if err != nil {
		return nil, err
	}
	t := &Window{person: w.person, client: w.client, base: w.base, opened: time.Now()}
	return t, t.get(ctx, to.String())
}

// Submit sends a form, and shows what comes of it.
func (w *Window) Submit(ctx context.Context, s Submission) error {
	body := strings.NewReader(s.Values.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Address.String(), body)
	if err != nil {
		return fmt.Errorf("sending a form: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", w.Page.Address.Scheme+"://"+w.Page.Address.Host)
	return w.Send(r)
}

// Await looks until the page is one that waits for the person. A page that
// passes by itself names, where it can, a stream that tells when it is over; the
// others are looked at every now and then.
func (w *Window) Await(ctx context.Context) error {
	err := wait(ctx, func(ctx context.Context) (bool, error) {
		if !w.Page.Passing {
			return true, nil
		}
		w.hear(ctx)
		return false, w.Look(ctx)
	})
	if err != nil {
		return fmt.Errorf("waiting for what follows %q: %w", w.Page.Heading, err)
	}
	return nil
}

// Cookies are those that the browser sends to the service.
func (w *Window) Cookies() []*http.Cookie {
	at, err := url.Parse(w.base)
	if err != nil {
		return nil // it was opened there: it can be read
	}
	return w.client.Jar.Cookies(at)
}

// Sees reports whether the page says something.
func (w *Window) Sees(words string) bool { return strings.Contains(w.Page.Text, words) }

func (w *Window) get(ctx context.Context, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("opening a page: %w", err)
	}
	return w.Send(r)
}

// Send sends any request as this browser, with its cookies, and shows the page
// that answers it, whatever it says. It is for who wants to do what no browser
// would.
func (w *Window) Send(r *http.Request) error {
	answer, err := w.do(r)
	if err != nil {
		return fmt.Errorf("opening a page: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	source, err := io.ReadAll(io.LimitReader(answer.Body, mostRead))
	if err != nil {
		return fmt.Errorf("reading a page: %w", err)
	}
	page, err := parse(answer.Request.URL, answer.StatusCode, source)
	if err != nil {
		return err
	}
	if page.Heading != w.Page.Heading || len(w.Seen) == 0 {
		w.Seen = append(w.Seen, Seen{page.Heading, time.Since(w.opened)})
	}
	w.Page = page
	return nil
}

func (w *Window) do(r *http.Request) (*http.Response, error) {
	r.Header.Set("Accept-Language", w.language())
	if w.person.From != "" {
		r.Header.Set("X-Forwarded-For", w.person.From)
	}
	return w.client.Do(r)
}

// hear waits until the stream of events (HTML Standard, section 9.2) tells of a
// newer page, as long as a page that passes would be looked at.
func (w *Window) hear(ctx context.Context) {
	if w.Page.events == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.Page.events, nil)
	if err != nil {
		return
	}
	answer, err := w.do(r)
	if err != nil {
		return // the page itself will tell what is wrong
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(io.LimitReader(answer.Body, mostRead))
	for lines.Scan() {
		if lines.Text() == "event: page" {
			return
		}
	}
}

func (w *Window) language() string {
	if w.person.Language == "" {
		return "nl"
	}
	return w.person.Language
}

// errUnexpected is a page that no person could go on from.
var errUnexpected = errors.New("this page was not expected")

// lost tells where somebody got stuck. It quotes the page, which holds no secret.
func (w *Window) lost(what string) error {
	return fmt.Errorf("%s: %w: %s\n%s", what, errUnexpected, w.Page.Heading, w.Page.Text)
}
