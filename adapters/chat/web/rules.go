package web

import (
	"context"
	"encoding/json"
	"net/http"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// While a new password is typed, the script of the one-time page asks now and
// then which rules it would break, so that nobody has to hand one in to be told
// (docs/decisions/0012). Nothing is kept or counted of it, and it goes where the
// form will go, from nowhere else.

// judge is what this needs of a *bot.Bot.
type judge interface {
	Judge(ctx context.Context, link string, password conversation.Secret) ([]conversation.PasswordFlaw, bool, error)
}

// rules tells what would be wrong with a password that is being typed.
func (w *Web) rules(rw http.ResponseWriter, r *http.Request) {
	if !w.allow(rw, r, http.MethodPost) || !w.form(rw, r) {
		return
	}
	b, _ := w.bot()
	j, ready := b.(judge)
	if !ready {
		w.say(rw, r, http.StatusServiceUnavailable, words.Wait)
		return
	}
	link := r.PathValue("token")
	if !w.visitors.mayType(link, w.Now()) {
		w.say(rw, r, http.StatusTooManyRequests, words.SlowDown)
		return
	}
	typed := conversation.NewSecret(cut(r.PostForm.Get(string(conversation.FieldPassword))))
	flaws, ok, err := j.Judge(r.Context(), link, typed)
	switch {
	case err != nil:
		w.Log.Error("judging a password that is being typed", "error", err)
		w.say(rw, r, http.StatusServiceUnavailable, words.Offline)
	case !ok:
		w.say(rw, r, http.StatusNotFound, words.PageOver)
	default:
		rw.Header().Set("Content-Type", "application/json")
		answer, _ := json.Marshal(map[string][]conversation.PasswordFlaw{"flaws": append([]conversation.PasswordFlaw{}, flaws...)})
		_, _ = rw.Write(answer) // whoever has gone needs none
	}
}
