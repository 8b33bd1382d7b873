package web

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// The one-time page: the only place on the web where a password is typed. Its
// address is the secret, so it is never logged, never sent on as a referrer (of
// which only the origin is told), and carries no cookie. Opening it changes
// nothing (AC-66): a preview robot may look as often as it likes, and cannot
// fill in the word that only the chat shows.

// entry is a one-time page.
func (w *Web) entry(rw http.ResponseWriter, r *http.Request) {
	if !w.allow(rw, r, http.MethodGet, http.MethodPost) {
		return
	}
	b, ready := w.bot()
	if !ready {
		w.say(rw, r, http.StatusServiceUnavailable, words.Wait)
		return
	}
	if r.Method == http.MethodPost && !w.form(rw, r) {
		return
	}
	m, ok, err := b.Entry(r.Context(), r.PathValue("token"))
	if err != nil {
		w.Log.Error("opening a one-time page", "error", err)
		w.say(rw, r, http.StatusServiceUnavailable, words.Offline)
		return
	}
	if !ok {
		w.say(rw, r, http.StatusNotFound, words.PageOver)
		return
	}
	if r.Method != http.MethodPost {
		w.write(rw, r, http.StatusOK, "entry.html", w.entryView(r, m))
		return
	}
	if next, ok := w.submit(r, b, m); ok {
		http.Redirect(rw, r, next, http.StatusSeeOther)
		return
	}
	w.say(rw, r, http.StatusServiceUnavailable, words.Offline)
}

// submit hands in what was typed, if it was typed on the page that is on now:
// a form that is submitted twice is taken once. next is the path where what
// comes of it is shown; ok is false if it was not stored.
func (w *Web) submit(r *http.Request, b Bot, m bot.Outgoing) (next string, ok bool) {
	here := mark(m.Page, 0)
	if m.Page.Entry == nil || subtle.ConstantTimeCompare([]byte(r.PostForm.Get(formMark)), []byte(here)) != 1 {
		return r.URL.Path, true // what is on now is shown
	}
	v := w.visitor(r)
	in := bot.Incoming{
		Kind: conversation.Filled, Token: m.Page.Token, Link: r.PathValue("token"), Fields: w.entryFields(r, m),
		From: conversation.Origin{User: m.User, Address: m.Address, Locale: m.Locale, Asker: v.asker},
	}
	link, err := b.Submit(r.Context(), in)
	if err != nil {
		w.Log.Error("taking in a one-time page", "error", err)
		return "", false
	}
	if _, token, found := strings.Cut(link, "/p/"); found {
		return "/p/" + token, true
	}
	return r.URL.Path, true
}

// entryFields reads the form. The word becomes its number, in whichever
// language it was typed.
func (w *Web) entryFields(r *http.Request, m bot.Outgoing) map[conversation.Field]conversation.Secret {
	fields := map[conversation.Field]conversation.Secret{}
	for _, f := range []conversation.Field{
		conversation.FieldPassword, conversation.FieldConfirm, conversation.FieldMeantSo,
		conversation.FieldCurrent, conversation.FieldCode,
	} {
		fields[f] = conversation.NewSecret(w.Words.Filled(f, cut(r.PostForm.Get(string(f)))))
	}
	if n, ok := w.Words.WordNumber(m.Locale, cut(r.PostForm.Get(string(conversation.FieldWord)))); ok {
		fields[conversation.FieldWord] = conversation.NewSecret(strconv.Itoa(n))
	}
	return fields
}

// entryView draws the page: the form, or what came of it.
func (w *Web) entryView(r *http.Request, m bot.Outgoing) *view {
	now := w.Now()
	v := w.visitor(r)
	here := mark(m.Page, 0)
	m.Page.Notes = slices.DeleteFunc(slices.Clone(m.Page.Notes), func(n conversation.Note) bool {
		return words.ToneOf(n.ID) == "" // said of the chat, and said there
	})
	p := &view{w: w, page: m.Page, now: now, Mark: here, Kiosk: v.kiosk != "", Self: r.URL.Path}
	p.render(m)
	p.Over = m.State.Over() || p.ends()
	p.Refresh = passing[m.Page.ID]
	if m.Page.Entry == nil {
		p.meanwhile()
		return p
	}
	// The form goes to the address of the page that is on now, which after a
	// refusal is not the one that was opened.
	if _, token, found := strings.Cut(m.Link, "/p/"); found {
		p.Self = "/p/" + token
	}
	p.showKey(m.App)
	p.inputs(func(f conversation.Field) bool { return f != conversation.FieldMeantSo })
	if m.App != nil {
		return p // the word was given: this is the right page
	}
	blank := m.Page
	blank.Fields = []conversation.Field{conversation.FieldMeantSo}
	asked := w.render(m.Locale, m.State, blank, now).Fields[0]
	question := p.input(asked)
	question.Type, question.Required = "checkbox", false
	p.Blank = &question
	shows := w.Words.Word(m.Locale, m.Page.Entry.Shows)
	p.Pair = pieces(w.Words.Phrase(m.Locale, words.PageWord, conversation.Args{Word: shows}, now), shows)
	if !m.Suggested.Empty() {
		p.Suggest = w.Words.Phrase(m.Locale, words.SuggestPassword, conversation.Args{Word: m.Suggested.Reveal()}, now)
	}
	return p
}

// chatFor is after how many seconds a one-time page looks again while its holder
// is at work in the chat.
const chatFor = 4

// meanwhile sends its holder to the chat, where that is on: the page goes on by
// itself when it is needed again.
func (p *view) meanwhile() {
	if p.Over || p.Refresh > 0 {
		return
	}
	p.Body, p.Below, p.Refresh = []string{p.Say(words.GoOnInChat)}, nil, chatFor
}

// Asks reports whether the page asks about a blank at an end of the password.
// Else only the script does, when it sees one.
func (p *view) Asks() bool { return p.page.Asks(conversation.FieldMeantSo) }

// Form reports whether there is something to fill in.
func (p *view) Form() bool { return p.page.Entry != nil }
