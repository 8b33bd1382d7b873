package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// How long an answer is waited for before the page is shown as it is: a browser
// without a script then sees the new page at once, mostly.
const (
	answerWithin = time.Second
	pageWithin   = 2 * time.Second
)

// chat is the chat page.
func (w *Web) chat(rw http.ResponseWriter, r *http.Request) {
	if !w.allow(rw, r, http.MethodGet, http.MethodPost) {
		return
	}
	v := w.visitor(r)
	if !w.welcome(v) {
		w.say(rw, r, http.StatusForbidden, words.NotServed)
		return
	}
	b, ready := w.bot()
	if !ready {
		w.say(rw, r, http.StatusServiceUnavailable, words.Wait)
		return
	}
	switch r.Method {
	case http.MethodHead:
		rw.Header().Set("Content-Type", htmlType)
	case http.MethodPost:
		w.take(rw, r, b, v)
	default:
		w.visit(rw, r, b, v)
	}
}

// visit shows a visitor their page. A new one is greeted by the bot, and so is
// who comes back after an end, or when this process does not know them any more.
func (w *Web) visit(rw http.ResponseWriter, r *http.Request, b Bot, v visitor) {
	if v.user.Zero() {
		if w.Prove != nil {
			w.say(rw, r, http.StatusForbidden, words.NotServed)
			return
		}
		if !w.visitors.mayCome(v.asker, w.Now()) {
			w.say(rw, r, http.StatusTooManyRequests, words.SlowDown)
			return
		}
		v.user = w.newCookie(rw)
	} else if !w.mayCome(v) {
		w.say(rw, r, http.StatusTooManyRequests, words.SlowDown)
		return
	}
	g := w.visitors.look(v.user)
	if w.stale(g) {
		if err := w.arrive(r.Context(), b, v); err != nil && g.mark == "" {
			g = w.visitors.look(v.user) // the bot told the person that something is wrong
		} else {
			g = w.visitors.wait(g, v.user, pageWithin, r.Context().Done())
		}
	}
	if g.mark == "" {
		w.say(rw, r, http.StatusServiceUnavailable, words.Wait)
		return
	}
	w.write(rw, r, http.StatusOK, "chat.html", w.view(g, v))
}

// mayCome reports whether a visitor with a cookie may come in. One whom this
// process does not know is counted as a new one: a cookie is any 32 bytes, and
// whoever makes up a thousand is a thousand visitors.
func (w *Web) mayCome(v visitor) bool {
	return w.Prove != nil || w.visitors.look(v.user).mark != "" || w.visitors.mayCome(v.asker, w.Now())
}

// backAfter is how long after an end somebody who comes back is greeted anew.
const backAfter = 10 * time.Minute

// stale reports whether the bot must be asked what to show.
func (w *Web) stale(g glance) bool {
	over := g.page.State.Over() && w.Now().Sub(g.shown) >= backAfter
	return g.mark == "" || g.page.Page.Token == "" || over
}

func (w *Web) arrive(ctx context.Context, b Bot, v visitor) error {
	return b.Receive(ctx, bot.Incoming{Kind: conversation.Arrived, From: v.origin()})
}

// take takes in what a visitor says, and sends them back to the page.
func (w *Web) take(rw http.ResponseWriter, r *http.Request, b Bot, v visitor) {
	if !w.form(rw, r) {
		return
	}
	if v.user.Zero() { // a cookie that was lost on the way: there is nothing to say it to
		w.backTo(rw, r, w.self(v))
		return
	}
	if !w.visitors.mayAct(v.user, w.Now()) || !w.mayCome(v) {
		w.say(rw, r, http.StatusTooManyRequests, words.SlowDown)
		return
	}
	before := w.visitors.look(v.user)
	m := w.incoming(r, before)
	m.From = v.origin()
	if err := b.Receive(r.Context(), m); err != nil {
		w.Log.Error("taking in what a visitor said", "error", err) // the page says so too
	}
	if wantsScript(r) {
		rw.WriteHeader(http.StatusNoContent) // the stream of events brings the page
		return
	}
	w.visitors.wait(before, v.user, answerWithin, r.Context().Done())
	w.backTo(rw, r, w.self(v))
}

// backTo has the browser ask for a page, so that reloading it says nothing twice.
func (w *Web) backTo(rw http.ResponseWriter, r *http.Request, to string) {
	if wantsScript(r) {
		rw.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
}

// wantsScript reports whether our script asks, that draws no pages of its own.
func wantsScript(r *http.Request) bool { return r.Header.Get("Accept") == "application/json" }

// The names in a form beside those of the conversation's own fields.
const (
	formToken  = "token"
	formMark   = "mark"
	formChoice = "choice"
	formText   = "text"
)

// chatFields are what the chat page asks for. A password is none of them: it is
// typed on the one-time page.
var chatFields = []conversation.Field{
	conversation.FieldName, conversation.FieldCaptcha, conversation.FieldNumber, conversation.FieldCode,
}

// incoming reads a form of the chat page.
func (w *Web) incoming(r *http.Request, seen glance) bot.Incoming {
	f := r.PostForm
	m := bot.Incoming{Token: f.Get(formToken), Event: w.event(f)}
	switch text := f.Get(formText); {
	case f.Get(formChoice) != "":
		m.Kind, m.Choice = conversation.Pressed, conversation.Choice(f.Get(formChoice))
	case f.Has(formText) && (m.Token == seen.page.Page.Token || seen.mark == ""):
		m.Kind, m.Text = conversation.Said, conversation.NewSecret(cut(text))
	default: // a form; or words for a page that is gone, which its token tells
		m.Kind, m.Fields = conversation.Filled, map[conversation.Field]conversation.Secret{}
		for _, field := range chatFields {
			if !f.Has(string(field)) || f.Has(formText) {
				continue
			}
			if len(f.Get(string(field))) > conversation.TypedMax {
				return bot.Incoming{Kind: conversation.Said, Text: conversation.NewSecret(cut(f.Get(string(field))))}
			}
			m.Fields[field] = conversation.NewSecret(w.Words.Filled(field, f.Get(string(field))))
		}
	}
	return m
}

// cut makes what is too long one byte longer than anybody takes in, so that it
// is refused and not misread.
func cut(text string) string { return text[:min(len(text), conversation.TypedMax+1)] }

// event names what was submitted: the same button of the same page pressed
// twice is one event, another answer is another.
func (w *Web) event(form map[string][]string) string {
	h := hmac.New(sha256.New, w.eventKey[:])
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			for _, part := range []string{name, value} {
				sum := sha256.Sum256([]byte(part))
				h.Write(sum[:])
			}
		}
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// erase ends the visitor's conversation, as far as it can be ended, and forgets
// who the visitor was.
func (w *Web) erase(rw http.ResponseWriter, r *http.Request) {
	if !w.allow(rw, r, http.MethodPost) {
		return
	}
	v := w.visitor(r)
	if b, ready := w.bot(); ready && !v.user.Zero() && w.welcome(v) {
		g := w.visitors.look(v.user)
		if g.mark != "" && !g.page.State.Over() && w.visitors.mayAct(v.user, w.Now()) {
			m := bot.Incoming{
				Kind: conversation.Pressed, Choice: conversation.PickCancel, Token: g.page.Page.Token, From: v.origin(),
			}
			if err := b.Receive(r.Context(), m); err != nil {
				w.Log.Error("cancelling what a visitor erased", "error", err)
			}
		}
		w.visitors.forget(v.user)
	}
	w.dropCookie(rw)
	http.Redirect(rw, r, w.Path+"/erased"+strings.TrimPrefix(w.self(v), w.Path), http.StatusSeeOther)
}

// erased is what is left on the screen. A browser without a script comes here
// by itself; then the cookie goes too, unless another site sent it here. A
// browser that does not say where it comes from shows by the cookie, which is
// for this site alone (SameSite=Strict), that it is from here.
func (w *Web) erased(rw http.ResponseWriter, r *http.Request) {
	if !w.allow(rw, r, http.MethodGet) {
		return
	}
	site := r.Header.Get("Sec-Fetch-Site")
	ours := site == "same-origin" || site == "none" || site == "" && !w.visitor(r).user.Zero()
	if r.Method == http.MethodGet && ours {
		w.dropCookie(rw)
	}
	w.plain(rw, r, http.StatusOK, words.Erased)
}
