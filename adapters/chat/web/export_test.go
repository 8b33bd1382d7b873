package web

import "resetbot/conversation"

// UserOfCookie is whom a cookie stands for.
func UserOfCookie(w *Web, cookie string) conversation.User { return w.user(cookie) }

// CookieName is the name of the cookie.
func CookieName(w *Web) string { return w.cookieName() }

// Screens is how many visitors are remembered, Streams how many windows listen.
func Screens(w *Web) int {
	w.visitors.mu.Lock()
	defer w.visitors.mu.Unlock()
	return w.visitors.used.Len()
}

func Streams(w *Web) int {
	w.visitors.mu.Lock()
	defer w.visitors.mu.Unlock()
	return w.visitors.streams
}

// DemoWords are the demo's sentences in a language.
func DemoWords(locale string) map[string]string { return demoWords[locale] }

// SoundsMax is how many sounds are kept at most, Sounds how many are.
const SoundsMax = soundsMax

func Sounds(w *Web) int {
	w.visitors.mu.Lock()
	defer w.visitors.mu.Unlock()
	count := 0
	for _, e := range w.visitors.of {
		if len(e.Value.(*screen).page.Sound) > 0 {
			count++
		}
	}
	return count
}

// Mark is what a form of the one-time page carries.
func Mark(p conversation.Page) string { return mark(p, 0) }

// Anew forgets all visitors, as another process would.
func Anew(w *Web) { w.visitors = newVisitors(w.Options) }
