package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// The sound of a captcha. A picture travels within the page; a sound is fifty
// times as large, so it has an address of its own, which works for this visitor
// alone, and as long as the page is on.

// sound gives a visitor the sound of the page that they see, in parts if the
// player wants it so.
func (w *Web) sound(rw http.ResponseWriter, r *http.Request) {
	if !w.allow(rw, r, http.MethodGet) {
		return
	}
	v := w.visitor(r)
	b, ready := w.bot()
	switch {
	case !ready:
		w.say(rw, r, http.StatusServiceUnavailable, words.Wait)
		return
	case !w.welcome(v):
		w.say(rw, r, http.StatusForbidden, words.NotServed)
		return
	case v.user.Zero():
		w.say(rw, r, http.StatusNotFound, words.SoundOver)
		return
	}
	g := w.audible(r, b, v)
	if r.PathValue("name") != soundName(g.page.Page, g.page.Locale) || len(g.page.Sound) == 0 {
		w.say(rw, r, http.StatusNotFound, words.SoundOver)
		return
	}
	rw.Header().Set("Content-Type", "audio/wav")
	http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(g.page.Sound))
}

// linkedSound is the sound that a link names, which a chat of another kind shows.
func (w *Web) linkedSound(rw http.ResponseWriter, r *http.Request) {
	if !w.allow(rw, r, http.MethodGet) {
		return
	}
	b, ready := w.bot()
	if !ready {
		w.say(rw, r, http.StatusServiceUnavailable, words.Wait)
		return
	}
	wav, ok, err := b.Sound(r.Context(), r.PathValue("token"))
	switch {
	case err != nil:
		w.Log.Error("saying a captcha", "error", err)
		w.say(rw, r, http.StatusServiceUnavailable, words.Offline)
	case !ok:
		w.say(rw, r, http.StatusNotFound, words.SoundOver)
	default:
		rw.Header().Set("Content-Type", "audio/wav")
		http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(wav))
	}
}

// audible is what the visitor sees, with its sound. This process may not have
// it, because it was started since or has too many; then the page is delivered
// again, with the same sound.
func (w *Web) audible(r *http.Request, b Bot, v visitor) glance {
	g := w.visitors.look(v.user)
	missing := g.mark == "" || soundName(g.page.Page, g.page.Locale) != "" && len(g.page.Sound) == 0
	if !missing || !w.visitors.mayAct(v.user, w.Now()) || !w.mayCome(v) {
		return g
	}
	if err := w.arrive(r.Context(), b, v); err != nil {
		w.Log.Error("asking for a sound again", "error", err)
		return g
	}
	return w.visitors.wait(g, v.user, pageWithin, r.Context().Done())
}

// soundName is the last part of the address of a page's sound; empty for a page
// without one. A new page, another captcha and another language have another
// one, a page that is shown again has the same, and it gives no token away.
func soundName(p conversation.Page, locale string) string {
	if p.Media == nil || !p.Media.Sound {
		return ""
	}
	sum := sha256.Sum256([]byte("sound " + p.Token + " " + p.Media.ID + " " + words.Locale(locale)))
	return hex.EncodeToString(sum[:16]) + ".wav"
}

// Player is the address of the page's sound; empty without one.
func (p *view) Player() string {
	name := soundName(p.page, p.Locale)
	if name == "" {
		return ""
	}
	return p.w.Path + "/sound/" + name + strings.TrimPrefix(p.Self, p.w.Path)
}

// soundsMax is how many sounds are kept in memory, of a quarter of a megabyte
// each, however many visitors there are.
const soundsMax = 128

// keepSound notes whether s has a sound. When there are too many, the screen
// that has had its sound for longest loses it; it is made anew when it is asked
// for. It belongs to callers that hold mu.
func (v *visitors) keepSound(s *screen) {
	v.sounding = slices.DeleteFunc(v.sounding, func(o *screen) bool { return o == s || len(o.page.Sound) == 0 })
	if len(s.page.Sound) == 0 {
		return
	}
	v.sounding = append(v.sounding, s)
	if len(v.sounding) > soundsMax {
		v.sounding[0].page.Sound = nil
		v.sounding = slices.Delete(v.sounding, 0, 1)
	}
}
