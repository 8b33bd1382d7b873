package web

import (
	"encoding/base64"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// view is a page as the templates draw it. html/template escapes all of it:
// nothing that a directory or a person wrote becomes markup.
type view struct {
	words.Text
	w    *Web
	page conversation.Page
	now  time.Time

	Self    string // where forms go
	Mark    string // of this version of the page
	Kiosk   bool
	Trouble []string // the last answer could not be stored
	Inputs  []input
	Image   template.URL // the captcha
	Image2  *button      // asks for another one
	Listen  *button      // asks for the same as a sound
	Digits  string       // two, to be typed on the telephone
	Link    string       // of the one-time page
	App     *appKey      // what an authenticator is enrolled with
	Pair    []piece      // the two words that it shows and asks for
	Main    []button     // what the page is about
	More    []button     // what else there is
	Nav     []button     // what there is on every page
	Other   button       // the other language
	Refresh int          // seconds after which the page is looked at again; 0: never
	Over    bool
	Suggest string
	Blank   *input // the question about a blank at an end, asked by the script
}

// input is a field of a form.
type input struct {
	words.Field
	ID      string
	Type    string
	Mode    string // inputmode
	Fill    string // autocomplete
	Bad     bool   // what was typed before was not right
	Keep    bool   // what is typed outlives a new captcha
	Least   int    // characters
	Digits  int    // taken as soon as so many are there
	Capital string // autocapitalize
}

// button is a choice.
type button struct {
	words.Choice
	Icon   string
	Aside  string // what its words said in brackets: "(nu open)"
	Number int    // that can be typed instead; 0 for none
	Lang   string
}

// aside takes what stands in brackets behind a button's words out of them.
func (b button) aside() button {
	before, within, found := strings.Cut(b.Label, " (")
	if within, closed := strings.CutSuffix(within, ")"); found && closed {
		b.Label, b.Aside = before, within
	}
	return b
}

// piece is a part of a sentence; a Strong one stands out, one with a Link can
// be pressed.
type piece struct {
	Text   string
	Strong bool
	Link   string
}

// address is one that a sentence ends on, or that is followed by a blank.
var address = regexp.MustCompile(`https://[^\s<>"]*[^\s<>".,;:!?)]`)

// Linked cuts a sentence so that the addresses in it can be pressed. It does so
// in the guide alone: on its pages nothing is said that a person or a directory
// wrote, so that nobody can plant a link (AC-67).
func (p *view) Linked(text string) []piece {
	var list []piece
	if strings.HasPrefix(p.ID(), "guide.") {
		for at := address.FindStringIndex(text); at != nil; at = address.FindStringIndex(text) {
			link := text[at[0]:at[1]]
			list = append(list, piece{Text: text[:at[0]]}, piece{Text: link, Link: link})
			text = text[at[1]:]
		}
	}
	return append(list, piece{Text: text})
}

// view draws a page for its visitor.
func (w *Web) view(g glance, v visitor) *view {
	now := w.Now()
	m := g.page
	p := &view{w: w, page: m.Page, now: now, Mark: g.mark, Kiosk: v.kiosk != "", Self: w.self(v)}
	p.render(m)
	if g.trouble {
		p.Trouble = w.render(m.Locale, m.State, conversation.Page{ID: conversation.SayTrouble}, now).Body
	}
	p.Over = m.State.Over() || p.ends()
	p.Refresh = passing[m.Page.ID]
	p.picture(m.Picture)
	p.inputs(func(conversation.Field) bool { return m.Page.Entry == nil }) // else there, or in words
	p.handOff(m)
	p.choices(m)
	return p
}

// self is where the visitor's page is.
func (w *Web) self(v visitor) string {
	if v.person.Query == "" {
		return w.Path
	}
	return w.Path + "?" + v.person.Query
}

// render says a page; a sentence that is missing is the operator's business, a
// plain one stands in for it.
func (w *Web) render(locale string, state conversation.State, page conversation.Page, now time.Time) words.Text {
	text, err := w.Words.Render(locale, state, page, now)
	if err != nil {
		w.Log.Error("rendering a page", "page", page.ID, "error", err)
	}
	return text
}

func (p *view) render(m bot.Outgoing) {
	p.Text = p.w.render(m.Locale, m.State, m.Page, p.now)
	switch m.Page.ID {
	case conversation.WaitPush, conversation.WaitCallDigits:
		p.Digits = m.Page.Args.Digits
	}
}

// ends reports whether the page is an end, also where no record says so.
func (p *view) ends() bool {
	return strings.HasPrefix(string(p.page.ID), "end.") || strings.HasPrefix(string(p.page.ID), "done.")
}

// Done reports whether the person has what they came for.
func (p *view) Done() bool {
	return p.page.ID == conversation.EndReset || p.page.ID == conversation.EndUnlocked ||
		p.page.ID == conversation.EndSolved || p.page.ID == conversation.EndEnrolled
}

// Token is the page's; every form carries it.
func (p *view) Token() string { return p.page.Token }

// ID is the page's.
func (p *view) ID() string { return string(p.page.ID) }

// Talks reports whether words can be typed: everywhere but where a password is
// asked for, and where there is nobody to read them.
func (p *view) Talks() bool { return !p.page.AsksPassword() }

// appKey is what an authenticator is enrolled with, as the templates show it.
type appKey struct {
	QR  template.URL
	URL template.URL // for an app on this same device
	Key []piece      // to type
}

func (p *view) showKey(k *bot.AppKey) {
	if k == nil {
		return
	}
	text := k.Text.Reveal()
	say := p.w.Words.Phrase(p.Locale, words.AppKey, conversation.Args{Word: text}, p.now)
	p.App = &appKey{QR: dataURL(k.QR), URL: template.URL(k.URL.Reveal()), Key: pieces(say, text)}
}

// Open is the label of the way to the one-time page.
func (p *view) Open() string {
	if p.page.Asks(conversation.FieldPassword) {
		return p.Say(words.OpenPassword)
	}
	return p.Say(words.OpenPage)
}

// Say says a phrase.
func (p *view) Say(phrase words.Phrase) string {
	return p.w.Words.Phrase(p.Locale, phrase, conversation.Args{}, p.now)
}

// Asset is the address of a file that pages are made of.
func (p *view) Asset(name string) string { return p.w.assets.path(name) }

// Events, Erase and Erased are addresses of the chat, also on a one-time page.
func (p *view) Events() string { return p.below("/events") }
func (p *view) Erase() string  { return p.below("/erase") }
func (p *view) Erased() string { return p.below("/erased") }

func (p *view) below(name string) string {
	if _, query, found := strings.Cut(p.Self, "?"); found {
		return p.w.Path + name + "?" + query
	}
	return p.w.Path + name
}

// Name is the chat's.
func (p *view) Name() string { return p.w.Name }

// passing are the pages that another page follows by itself, and after how many
// seconds a browser without a script looks for it.
var passing = map[conversation.MessageID]int{
	conversation.WaitEnrol: 2, conversation.WaitFind: 2, conversation.WaitCheck: 2, conversation.WaitChange: 2, conversation.WaitUnlock: 2,
	conversation.WaitCall: 4, conversation.WaitCallDigits: 4, conversation.WaitPush: 4, conversation.WaitUnknown: 5,
}

func (p *view) inputs(wanted func(conversation.Field) bool) {
	for _, f := range p.Fields {
		if wanted(f.Field) {
			p.Inputs = append(p.Inputs, p.input(f))
		}
	}
}

func (p *view) input(f words.Field) input {
	in := input{Field: f, ID: "field-" + string(f.Field), Type: "text", Fill: "off", Capital: "none"}
	switch f.Field {
	case conversation.FieldName:
		in.Mode, in.Fill, in.Keep = "email", "username", true
	case conversation.FieldNumber:
		in.Type, in.Fill, in.Keep = "tel", "tel-national", true
	case conversation.FieldCode:
		in.Mode, in.Fill, in.Digits = "numeric", "one-time-code", 6
	case conversation.FieldCaptcha:
		in.Capital = "characters"
	case conversation.FieldPassword, conversation.FieldConfirm:
		in.Type, in.Fill = "password", "new-password"
	case conversation.FieldCurrent:
		in.Type, in.Fill = "password", "current-password"
	}
	if f.Field == conversation.FieldPassword {
		in.Least = p.page.Args.Length
	}
	if p.Kiosk && in.Type != "password" {
		in.Fill = "off" // the next person's browser is this one
	}
	for _, n := range p.page.Notes {
		in.Bad = in.Bad || words.FieldOf(n.ID) == f.Field
	}
	return in
}

func (p *view) picture(png []byte) {
	if len(png) > 0 {
		p.Image = dataURL(png)
	}
}

func dataURL(png []byte) template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
}

// handOff shows the way to the one-time page, and the words that say it is the
// right one.
func (p *view) handOff(m bot.Outgoing) {
	if m.Page.Entry == nil {
		return
	}
	p.Link = m.Link
	shows, asks := p.w.Words.Word(m.Locale, m.Page.Entry.Shows), p.w.Words.Word(m.Locale, m.Page.Entry.Asks)
	text := p.w.Words.Phrase(m.Locale, words.PageWords, conversation.Args{Word: shows, Name: asks}, p.now)
	p.Pair = pieces(text, shows, asks)
}

// pieces cuts a sentence so that some of its words stand out, which they do
// instead of standing in quotation marks.
func pieces(text string, strong ...string) []piece {
	var list []piece
	for _, word := range strong {
		before, after, found := strings.Cut(text, "‘"+word+"’")
		if !found {
			if before, after, found = strings.Cut(text, word); !found || word == "" {
				continue
			}
		}
		list = append(list, piece{Text: before}, piece{Text: word, Strong: true})
		text = after
	}
	return append(list, piece{Text: text})
}

// everywhere are the choices of every page, in the order of their buttons.
var everywhere = []conversation.Choice{
	conversation.PickBack, conversation.PickHelp, conversation.PickDesk, conversation.PickCancel,
}

// lesser are choices beside what a page asks.
var lesser = []conversation.Choice{
	conversation.PickNoPhone, conversation.PickNotMine, conversation.PickMethod, conversation.PickName,
	conversation.PickResend, conversation.PickLink, conversation.PickOther,
}

// choices sorts what can be picked: what the page is about, what else there is,
// what there is everywhere.
func (p *view) choices(m bot.Outgoing) {
	for i, c := range p.Choices {
		b := button{Choice: c, Icon: icon(c.Choice)}
		if b.Icon != "" {
			b.Label = strings.TrimLeftFunc(b.Label, func(r rune) bool { return !unicode.IsLetter(r) })
		}
		if p.Numbered {
			b.Number = i + 1
		}
		switch {
		case c.Choice == conversation.PickCaptcha:
			p.Image2 = &b
		case c.Choice == conversation.PickAudio:
			if p.Sound == "" { // else the player is there
				p.Listen = &b
			}
		case p.atFoot(c.Choice):
		case len(p.Inputs) > 0, p.Link != "", p.Digits != "", slices.Contains(lesser, c.Choice):
			p.More = append(p.More, b)
		default:
			p.Main = append(p.Main, b.aside())
		}
	}
	p.nav(m)
	other := conversation.PickEnglish
	if p.Locale == words.English {
		other = conversation.PickDutch
	}
	p.Other = button{Choice: p.describe(other), Lang: map[conversation.Choice]string{
		conversation.PickEnglish: words.English, conversation.PickDutch: words.Dutch,
	}[other]}
}

// atFoot reports whether a choice has its button at the foot of the page. The
// service desk stands among the others where the page is about nothing else.
func (p *view) atFoot(c conversation.Choice) bool {
	if c == conversation.PickDesk && p.page.ID == conversation.AskElse {
		return false
	}
	return slices.Contains(everywhere, c)
}

// nav are the buttons at the foot. On a page that runs until the truth is known
// there is nothing to cancel, and behind an end nothing to go back to.
func (p *view) nav(m bot.Outgoing) {
	if m.Page.Token == "" {
		return
	}
	for _, choice := range everywhere {
		running := m.Page.Ends.IsZero()
		first := m.Page.ID == conversation.AskStart
		switch offered := p.offered(choice); {
		case offered != nil && p.atFoot(choice):
			p.Nav = append(p.Nav, button{Choice: *offered, Icon: icon(choice)}.aside())
		case offered != nil, p.Over,
			(running || first) && (choice == conversation.PickBack || choice == conversation.PickCancel):
		default:
			p.Nav = append(p.Nav, button{Choice: p.describe(choice), Icon: icon(choice)}.aside())
		}
	}
}

func (p *view) offered(choice conversation.Choice) *words.Choice {
	for _, c := range p.Choices {
		if c.Choice == choice {
			return &c
		}
	}
	return nil
}

func (p *view) describe(choice conversation.Choice) words.Choice {
	label, err := p.w.Words.Describe(p.Locale, choice)
	if err != nil {
		p.w.Log.Error("labelling a button", "choice", choice, "error", err)
	}
	return words.Choice{Choice: choice, Label: label}
}

// Again is the button that begins anew, where the page itself has none.
func (p *view) Again() string { return p.describe(conversation.PickAgain).Label }

// Lead is what a screen reader says with the heading.
func (p *view) Lead() string {
	var ids []string
	if len(p.Trouble) > 0 {
		ids = append(ids, "trouble")
	}
	if len(p.Notes) > 0 {
		ids = append(ids, "notes")
	}
	if len(p.Body) > 0 {
		ids = append(ids, "lead")
	}
	return strings.Join(ids, " ")
}

// Describes are the ids of what belongs to a field.
func (p *view) Describes(in input) string {
	var ids []string
	if in.Bad && len(p.Notes) > 0 {
		ids = append(ids, "notes")
	}
	if in.Hint != "" {
		ids = append(ids, in.ID+"-hint")
	}
	return strings.Join(ids, " ")
}

// Title is the window's.
func (p *view) Title() string {
	title := p.Say(words.ChatTitle)
	if p.Heading != "" && p.Heading != title {
		title = p.Heading + " · " + title
	}
	return title
}

// Ordinal is the number of the ith step.
func (p *view) Ordinal(i int) int { return i + 1 }

// NoteIcon is the icon of the notes.
func (p *view) NoteIcon() string {
	return map[words.Tone]string{words.Bad: "warn", words.Good: "check", "": "info"}[p.Tone]
}

// Twice is what is said of two passwords that differ.
func (p *view) Twice() string {
	twice := conversation.Page{ID: p.page.ID, Notes: []conversation.Note{{ID: conversation.NotePasswordTwice}}}
	return strings.Join(p.w.render(p.Locale, conversation.Password, twice, p.now).Notes, " ")
}

// fieldOf is a field with its page, for the template.
type fieldOf struct {
	Of *view
	In input
}

// With gives a field with its page.
func (p *view) With(in input) fieldOf { return fieldOf{p, in} }

// Pictured reports whether the captcha's picture stands above the field.
func (in input) Pictured() bool { return in.Field.Field == conversation.FieldCaptcha }

// Most is how many characters a field takes.
func (in input) Most() int {
	if in.Type == "password" {
		return 1024 // more than will do, so that a password that is too long is refused and not cut
	}
	return 320
}
