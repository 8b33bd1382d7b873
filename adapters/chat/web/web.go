// Package web is the wizard in a browser: a chat page, and the one-time page
// on which a new password is typed.
//
//	GET  /chat          the page of this visitor's conversation
//	POST /chat          a choice, a form or a typed text; then back to GET
//	GET  /chat/events   newer pages as server-sent events, for who has JavaScript
//	GET  /chat/sound/…  the sound of the page's captcha, if it was asked for
//	POST /chat/erase    ends the conversation, and forgets the visitor
//	GET  /p/{token}     the one-time page; opening it changes nothing
//	POST /p/{token}     the new password
//	POST /p/{token}/rules  which rules break what is typed so far, for who has JavaScript
//	GET  /s/{token}     the sound of a captcha, for chats that cannot carry it
//	GET  /n/{token}     an owner's "this was not me": one button
//	POST /n/{token}     the same, pressed
//
// All pages are whole without JavaScript: plain forms, and pages that pass by
// themselves refresh. A script makes them smoother, nothing more. Everything
// comes from this program: no other host is asked for anything, and the
// content security policy says so.
//
// A visitor is a random cookie. What a cookie is worth is little: it names a
// conversation. Limits count the address or the kiosk, never the cookie.
package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// Name is the chat's name in conversation.User, unless Options say another.
const Name = "web"

// Bot is what this package needs of a *bot.Bot.
type Bot interface {
	Receive(ctx context.Context, m bot.Incoming) error
	// Entry opens a one-time link: the page that its holder may see now. ok is
	// false for a link that is over, was replaced, or never was. It changes
	// nothing.
	Entry(ctx context.Context, token string) (m bot.Outgoing, ok bool, err error)
	// Submit takes in a one-time page that was filled in, and gives an address of
	// its own to whoever did so.
	Submit(ctx context.Context, m bot.Incoming) (link string, err error)
	// Sound is the sound that a link names; ok is false for one that is over.
	Sound(ctx context.Context, token string) (wav []byte, ok bool, err error)
}

// Options are what a [Web] is made of.
type Options struct {
	Words *words.Words
	// Name is the chat's name in conversation.User; empty is [Name].
	Name string
	// Path is where the chat page is; empty is "/chat".
	Path string
	// PublicURL is what the browser reaches this program under: scheme and host,
	// nothing more. Cookies are for https alone where it is https.
	PublicURL string
	// From are the networks whose visitors may chat; empty means loopback and
	// private networks. One-time pages open from everywhere: a telephone on a
	// mobile network has to reach them, and who has the link needs a word more.
	From []netip.Prefix
	// TrustedProxies are the proxies whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Kiosks are shared screens, by a name of the operator's. Each is one asker,
	// and erases itself when nobody is there any more.
	Kiosks map[string]netip.Prefix
	// Shared are addresses behind which many people are, by a name of the
	// operator's: all of one name are one asker, and what one asker may do they may
	// do as often as there are people.
	Shared map[string]Crowd
	// Prove says who a visitor is, where that is known otherwise than by a
	// cookie; the demo's own chat. It is asked with every request.
	Prove func(*http.Request) (Person, bool)
	// Framed lets pages of the same origin frame the chat; the demo's does.
	Framed bool
	// EntryFrames are the origins that may frame a one-time page, as sources of a
	// content security policy: those of a chat that opens it in a dialog. Such a page
	// asks for a word that stands elsewhere, so that a click alone does nothing there.
	EntryFrames []string
	// What is kept in memory, and how much at once; 0 is 4000 visitors, 1000
	// streams of events, and 600 new visitors a minute from one asker.
	MaxVisitors, MaxStreams, NewPerMinute int
	// Bot takes in what visitors say. It may be set later ([Web.SetBot]),
	// because a bot needs its chats first; until then visitors are told to wait.
	Bot Bot
	Log *slog.Logger
	Now func() time.Time // nil is time.Now
}

// Person is who a visitor is proved to be.
type Person struct {
	ID    string // in conversation.User
	Query string // that the page's address needs to name the person again; without "?"
	Bound []conversation.Bound
}

// Web is a bot.Chat and an http.Handler. Mount it at Path, Path+"/", "/p/", "/s/" and
// "/n/"; a service without a web chat mounts Path+"/assets/" and the last three only. It is
// safe for concurrent use.
type Web struct {
	Options
	mux      *http.ServeMux
	guard    *http.CrossOriginProtection
	assets   *assets
	visitors *visitors
	eventKey [32]byte      // makes ids of what was submitted; of this process
	closing  chan struct{} // closed: event streams end

	mu     sync.Mutex
	closed bool
}

var _ bot.Chat = (*Web)(nil)

// Crowd is how many people may be behind an address (a NAT of a ward).
type Crowd struct {
	At     netip.Prefix
	People int
}

// privateNetworks are loopback, RFC 1918, RFC 4193 and link-local addresses.
var privateNetworks = prefixes("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
	"fc00::/7", "169.254.0.0/16", "fe80::/10")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// Any is every address, for From: what "any" means where an operator writes it.
func Any() []netip.Prefix { return prefixes("0.0.0.0/0", "::/0") }

// New makes a Web. All that is wrong with the options is told at once.
func New(o Options) (*Web, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("making the web chat: %w", err)
	}
	w := &Web{
		Options: o, mux: http.NewServeMux(), guard: http.NewCrossOriginProtection(),
		visitors: newVisitors(o), closing: make(chan struct{}),
	}
	_, _ = rand.Read(w.eventKey[:]) // never fails (Go 1.24)
	if o.PublicURL != "" {
		if err := w.guard.AddTrustedOrigin(o.PublicURL); err != nil {
			return nil, fmt.Errorf("making the web chat: reading the public URL: %w", err)
		}
	}
	var err error
	if w.assets, err = newAssets(o.Path + "/assets/"); err != nil {
		return nil, fmt.Errorf("making the web chat: %w", err)
	}
	w.mux.HandleFunc(o.Path, w.chat)
	w.mux.HandleFunc(o.Path+"/{$}", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, o.Path, http.StatusPermanentRedirect)
	})
	w.mux.HandleFunc(o.Path+"/events", w.events)
	w.mux.HandleFunc(o.Path+"/sound/{name}", w.sound)
	w.mux.HandleFunc(o.Path+"/erase", w.erase)
	w.mux.HandleFunc(o.Path+"/erased", w.erased)
	w.mux.Handle("GET "+o.Path+"/assets/", w.assets)
	w.mux.HandleFunc("/p/{token}", w.entry)
	w.mux.HandleFunc("/p/{token}/rules", w.rules)
	w.mux.HandleFunc("/s/{token}", w.linkedSound)
	w.mux.HandleFunc("/n/{token}", w.disown)
	w.mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		w.say(rw, r, http.StatusNotFound, words.NoPage)
	})
	return w, nil
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = Name
	}
	if o.Path == "" {
		o.Path = "/chat"
	}
	if len(o.From) == 0 {
		o.From = privateNetworks
	}
	for number, standard := range map[*int]int{&o.MaxVisitors: 4000, &o.MaxStreams: 1000, &o.NewPerMinute: 600} {
		if *number == 0 {
			*number = standard
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	return o
}

func (o Options) check() error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(o.Words == nil, "words are missing")
	fault(o.Path == "/" || path.Clean(o.Path) != o.Path || !strings.HasPrefix(o.Path, "/") ||
		strings.ContainsAny(o.Path, "{} ?#"), "the path %q is none; write one like /chat", o.Path)
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		fault(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" ||
			u.RawQuery != "" || u.User != nil,
			"the public URL is none; write one like https://resetbot.example.org, without a path")
	}
	for name, c := range o.Shared {
		fault(name == "" || !c.At.IsValid() || c.People < 1, "the shared address %q needs a name, an address and people", name)
	}
	for name, prefix := range o.Kiosks {
		fault(name == "" || !prefix.IsValid(), "the kiosk %q needs a name and an address", name)
	}
	return errors.Join(faults...)
}

// SetBot sets who takes in what visitors say.
func (w *Web) SetBot(b Bot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Bot = b
}

func (w *Web) bot() (Bot, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Bot, w.Bot != nil
}

// Close ends all streams of events, so that a server can shut down. Give it to
// http.Server.RegisterOnShutdown.
func (w *Web) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		close(w.closing)
	}
}

// Send puts a page before its visitor. It is kept in memory, and shown when the
// browser asks for it: that is as delivered as a page of the web can be.
func (w *Web) Send(_ context.Context, m bot.Outgoing) (bot.Sent, error) {
	w.visitors.show(m, w.Now())
	return bot.Sent{Result: conversation.Delivered}, nil
}

// ServeHTTP answers a request. Whatever changes something must come from a page
// of this same origin.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.secure(rw.Header(), strings.HasPrefix(r.URL.Path, "/p/"))
	if err := w.guard.Check(r); err != nil {
		w.say(rw, r, http.StatusForbidden, words.NotServed)
		return
	}
	w.mux.ServeHTTP(rw, r)
}

// secure says what a browser may do with a page: nothing but show it, run our
// own script, and send forms back here.
func (w *Web) secure(h http.Header, entry bool) {
	ancestors := "'none'"
	switch {
	case entry && len(w.EntryFrames) > 0:
		ancestors = strings.Join(w.EntryFrames, " ")
		if w.Framed {
			ancestors += " 'self'"
		}
	case w.Framed:
		ancestors = "'self'"
	}
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "+ancestors)
	// With "no-referrer" a browser also hides the origin of the forms that it
	// sends ("Origin: null", Fetch Standard, 3.2), and where it sends no
	// Sec-Fetch-Site either (without https, or an old one) nothing would tell our
	// own form from a stranger's. This tells the origin, and never a path.
	h.Set("Referrer-Policy", "strict-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()")
}

// bodyMax bounds what is read of a request.
const bodyMax = 64 << 10

// form reads a submitted form; what is too much, or is no form, it refuses.
func (w *Web) form(rw http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(rw, r.Body, bodyMax)
	err := r.ParseForm()
	var tooMuch *http.MaxBytesError
	switch {
	case errors.As(err, &tooMuch):
		w.say(rw, r, http.StatusRequestEntityTooLarge, words.TextOnly)
	case err != nil || r.PostForm == nil:
		w.say(rw, r, http.StatusBadRequest, words.TextOnly)
	default:
		return true
	}
	return false
}

// allow reports whether the method is one of these, and says so if not.
func (w *Web) allow(rw http.ResponseWriter, r *http.Request, methods ...string) bool {
	for _, m := range methods {
		if r.Method == m || r.Method == http.MethodHead && m == http.MethodGet {
			return true
		}
	}
	rw.Header().Set("Allow", strings.Join(methods, ", "))
	w.say(rw, r, http.StatusMethodNotAllowed, words.NoPage)
	return false
}
