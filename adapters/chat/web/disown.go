package web

import (
	"context"
	"net/http"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// The page behind the link of a notice: one button, "this was not me". Opening
// it does nothing, however often a mail scanner does (AC-66); pressing it does,
// once. It is open from everywhere: owners read their mail at home.

// disowner is what this page needs of a *bot.Bot.
type disowner interface {
	Disownable(ctx context.Context, token string) (n conversation.Notice, ok bool, err error)
	Disown(ctx context.Context, token, asker string) (n conversation.Notice, ok bool, err error)
}

func (w *Web) disown(rw http.ResponseWriter, r *http.Request) {
	if !w.allow(rw, r, http.MethodGet, http.MethodPost) {
		return
	}
	b, _ := w.bot()
	d, ready := b.(disowner)
	if !ready {
		w.say(rw, r, http.StatusServiceUnavailable, words.Wait)
		return
	}
	if r.Method == http.MethodPost {
		w.disowned(rw, r, d)
		return
	}
	n, ok, err := d.Disownable(r.Context(), r.PathValue("token"))
	if err != nil {
		w.Log.Error("opening the link of a notice", "error", err)
		w.say(rw, r, http.StatusServiceUnavailable, words.Offline)
		return
	}
	if !ok {
		w.say(rw, r, http.StatusNotFound, words.NotMeOver)
		return
	}
	p := &view{w: w, now: w.Now(), Self: r.URL.Path}
	p.Locale = words.Locale(n.Locale)
	p.Heading = p.Say(words.NotMe)
	p.Body = []string{p.Say(words.NotMeAsk)}
	w.write(rw, r, http.StatusOK, "disown.html", p)
}

// disowned takes the owner's word.
func (w *Web) disowned(rw http.ResponseWriter, r *http.Request, d disowner) {
	r.Body = http.MaxBytesReader(rw, r.Body, bodyMax)
	_, ok, err := d.Disown(r.Context(), r.PathValue("token"), w.visitor(r).asker)
	switch {
	case err != nil:
		w.Log.Error("taking an owner's word", "error", err)
		w.say(rw, r, http.StatusServiceUnavailable, words.Offline)
	case !ok:
		w.say(rw, r, http.StatusNotFound, words.NotMeOver)
	default:
		w.say(rw, r, http.StatusOK, words.NotMeDone)
	}
}
