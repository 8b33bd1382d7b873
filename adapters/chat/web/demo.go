package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// The demo: at the left the chat as an employee sees it, at the right that
// employee's telephone, authenticator app and work station, all made up. The
// telephone itself is behind /demo/phone and /demo/signin, which are not served
// here.

// DemoOptions are what a [Demo] is made of.
type DemoOptions struct {
	Words        *words.Words
	Chat         *Web // framed at the left; made with Framed
	Organisation string
	People       func() []DemoPerson // the first is shown first
	// Code is what the authenticator app of a person shows now, and for how much
	// longer; ok is false for who has none.
	Code func(id string) (code string, left time.Duration, ok bool)
	// Scan gives that app a key to hold: what a QR code says, or the key itself.
	// ok is false for what is neither.
	Scan func(id string, key conversation.Secret) (ok bool)
	Log  *slog.Logger
}

// DemoPerson is somebody who can be played.
type DemoPerson struct {
	ID     string
	Name   string // "M. de Vries"
	User   string // user principal name
	Number string // by which the telephone is known: E.164, or the user principal name
	Mobile string // as the directory has it; empty without a telephone
	Teams  bool   // has a chat of their own
	// Password is the made-up one that they begin with; empty where only its hash
	// is known.
	Password string
}

// Demo is the demo's page, and what its script asks for: mount it at "/demo"
// and "/demo/app/".
type Demo struct {
	DemoOptions
	mux *http.ServeMux
}

// NewDemo makes a Demo.
func NewDemo(o DemoOptions) (*Demo, error) {
	if o.Words == nil || o.Chat == nil || o.People == nil || o.Code == nil || o.Scan == nil {
		return nil, errors.New("making the demo's page: words, chat, people, code and scan are all needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Demo{DemoOptions: o, mux: http.NewServeMux()}
	d.mux.HandleFunc("GET /demo", d.page)
	d.mux.HandleFunc("GET /demo/app/{id}", d.app)
	d.mux.HandleFunc("POST /demo/app/{id}", d.scan)
	return d, nil
}

// demoTeams is the path of the chat that knows who somebody is.
const demoTeams = "/demo/teams"

// NewDemoTeams makes a second chat, in which a person is known as Teams would
// prove it: /demo/teams?person=id. bound gives the accounts that somebody is
// proved to be. Mount it at "/demo/teams" and "/demo/teams/", and give it to the
// bot as the chat "teams".
func NewDemoTeams(o Options, bound func(id string) []conversation.Bound) (*Web, error) {
	o.Name, o.Path = "teams", demoTeams
	o.Prove = func(r *http.Request) (Person, bool) {
		id := r.URL.Query().Get("person")
		accounts := bound(id)
		return Person{ID: id, Query: "person=" + url.QueryEscape(id), Bound: accounts}, len(accounts) > 0
	}
	return New(o)
}

// ServeHTTP answers a request.
func (d *Demo) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	h := rw.Header()
	d.Chat.secure(h, false)
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; frame-src 'self'")
	d.mux.ServeHTTP(rw, r)
}

// demoView is the page as its template draws it.
type demoView struct {
	*view
	Demo   map[string]string // the sentences
	Script string            // those that the script says, as JSON
	People []DemoPerson
	Who    DemoPerson
	Frame  string
	Teams  string
	Swap   string // the other language
	Org    string
}

func (d *Demo) page(rw http.ResponseWriter, r *http.Request) {
	people := d.People()
	if len(people) == 0 {
		http.Error(rw, "there is nobody to play", http.StatusInternalServerError)
		return
	}
	asked := r.URL.Query().Get("person")
	who := people[max(0, slices.IndexFunc(people, func(p DemoPerson) bool { return p.ID == asked }))]
	lang := language(r)
	script, err := json.Marshal(demoWords[lang])
	if err != nil {
		d.Log.Error("writing the demo's sentences", "error", err)
	}
	v := demoView{
		view: &view{w: d.Chat, now: d.Chat.Now()}, Demo: demoWords[lang], Script: string(script),
		People: people, Who: who, Frame: d.Chat.Path + "?lang=" + lang, Org: d.Organisation,
		Teams: demoTeams + "?person=" + url.QueryEscape(who.ID) + "&lang=" + lang,
		Swap:  "/demo?" + url.Values{"person": {who.ID}, "lang": {other(lang)}}.Encode(),
	}
	v.Locale = lang
	d.Chat.write(rw, r, http.StatusOK, "demo.html", v)
}

func other(lang string) string {
	if lang == words.Dutch {
		return words.English
	}
	return words.Dutch
}

// app is what the authenticator app shows.
func (d *Demo) app(rw http.ResponseWriter, r *http.Request) {
	code, left, ok := d.Code(r.PathValue("id"))
	rw.Header().Set("Content-Type", "application/json")
	if !ok {
		rw.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprintln(rw, `{"error":"there is no authenticator app on this telephone"}`)
		return
	}
	_ = json.NewEncoder(rw).Encode(map[string]any{"code": code, "left": int(left.Round(time.Second).Seconds())})
}

// scan takes the key that the chat shows beside its QR code.
func (d *Demo) scan(rw http.ResponseWriter, r *http.Request) {
	if err := d.Chat.guard.Check(r); err != nil {
		http.Error(rw, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		return
	}
	var typed struct{ Key string }
	err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, bodyMax)).Decode(&typed)
	rw.Header().Set("Content-Type", "application/json")
	if err != nil || !d.Scan(r.PathValue("id"), conversation.NewSecret(typed.Key)) {
		rw.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = fmt.Fprintln(rw, `{"ok":false}`)
		return
	}
	_, _ = fmt.Fprintln(rw, `{"ok":true}`)
}

// Title is the window's.
func (v demoView) Title() string { return v.Demo["title"] }

// Keys are those of a telephone.
func (v demoView) Keys() []string { return strings.Split("123456789*0#", "") }

// Local is what a person types first: the name before the @.
func (p DemoPerson) Local() string {
	before, _, _ := strings.Cut(p.User, "@")
	return before
}

// Typed is the mobile number as the person types it, without a country code
// where that is the Dutch one: 0612345678. It is empty without a telephone.
func (p DemoPerson) Typed() string {
	if national, dutch := strings.CutPrefix(p.Number, "+31"); dutch {
		return "0" + national
	}
	if international, ok := strings.CutPrefix(p.Number, "+"); ok {
		return "00" + international
	}
	return ""
}

// demoWords are the demo's own sentences: about the made-up telephone, and no
// part of the wizard. Both languages have the same.
var demoWords = map[string]map[string]string{
	words.Dutch: {
		"title":     "resetbot, om te proberen",
		"made_up":   "Alles hier is verzonnen: het ziekenhuis, de mensen, de nummers en de wachtwoorden. Typ hier geen echt wachtwoord.",
		"who":       "U speelt",
		"swap":      "English",
		"cheat":     "Spiekbriefje",
		"address":   "E-mailadres",
		"mobile":    "Mobiel nummer",
		"none":      "geen",
		"first":     "Wachtwoord tot nu toe",
		"teams":     "Eigen chat openen (als in Teams)",
		"chat":      "Webchat",
		"phone":     "Telefoon van",
		"telephone": "Telefoon",
		"messages":  "Berichten",
		"mail":      "Mail",
		"app":       "Authenticator",
		"empty":     "Nog niets ontvangen.",
		"no_app":    "Op deze telefoon staat geen Authenticator-app.",
		"code_for":  "Code van dit moment",
		"add_key":   "App koppelen: plak de sleutel die onder de QR-code staat",
		"add":       "Toevoegen",
		"no_key":    "Dat is geen sleutel. Neem alle tekens over.",
		"seconds":   "nog {n} s",
		"call":      "U wordt gebeld",
		"hangup":    "Ophangen",
		"push":      "Authenticator",
		"number":    "Het getal op uw scherm",
		"approve":   "Goedkeuren",
		"deny":      "Dit was ik niet",
		"station":   "Werkplek",
		"try":       "Werkt het wachtwoord? Probeer in te loggen.",
		"password":  "Wachtwoord",
		"sign_in":   "Inloggen",
		"signed_in": "Ingelogd. Dit wachtwoord werkt.",
		"refused":   "Dit wachtwoord werkt niet.",
		"offline":   "De telefoon is even niet bereikbaar.",
		"script":    "De telefoon in deze demo heeft JavaScript nodig. De chat zelf werkt zonder.",
		"over":      "voorbij",
	},
	words.English: {
		"title":     "resetbot, to try out",
		"made_up":   "Everything here is made up: the hospital, the people, the numbers and the passwords. Type no real password here.",
		"who":       "You play",
		"swap":      "Nederlands",
		"cheat":     "Crib sheet",
		"address":   "Email address",
		"mobile":    "Mobile number",
		"none":      "none",
		"first":     "Password so far",
		"teams":     "Open their own chat (as in Teams)",
		"chat":      "Web chat",
		"phone":     "Phone of",
		"telephone": "Phone",
		"messages":  "Messages",
		"mail":      "Mail",
		"app":       "Authenticator",
		"empty":     "Nothing received yet.",
		"no_app":    "There is no Authenticator app on this phone.",
		"code_for":  "Code right now",
		"add_key":   "Add an account: paste the key that stands below the QR code",
		"add":       "Add",
		"no_key":    "That is no key. Copy all of its characters.",
		"seconds":   "{n} s left",
		"call":      "Incoming call",
		"hangup":    "Hang up",
		"push":      "Authenticator",
		"number":    "The number on your screen",
		"approve":   "Approve",
		"deny":      "This was not me",
		"station":   "Workplace",
		"try":       "Does the password work? Try to sign in.",
		"password":  "Password",
		"sign_in":   "Sign in",
		"signed_in": "Signed in. This password works.",
		"refused":   "This password does not work.",
		"offline":   "The phone cannot be reached just now.",
		"script":    "The phone in this demo needs JavaScript. The chat itself works without.",
		"over":      "over",
	},
}
