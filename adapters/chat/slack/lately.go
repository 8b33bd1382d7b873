package slack

import (
	"sync"

	"resetbot/conversation"
)

// lately knows what people did with the message that they were sent last. Of whom it
// knows nothing, after a restart, it takes it that they said something since: a
// message further up that changes is not seen.
type lately struct {
	heard    recent[conversation.User, heard]
	channels recent[conversation.User, string] // of their direct messages
	pictures recent[conversation.User, picture]
}

// picture is the captcha that is in a chat.
type picture struct{ token, file string }

// heard is what somebody did since a message was sent.
type heard struct {
	message string
	spoke   bool                // below it
	chosen  conversation.Choice // on it
}

func newLately() *lately { return &lately{} }

// sent notes which message a person was sent.
func (l *lately) sent(u conversation.User, message string) { l.heard.put(u, heard{message: message}) }

// spoke notes that a person typed something.
func (l *lately) spoke(u conversation.User) {
	l.heard.change(u, func(h *heard) { h.spoke = true })
}

// pressed notes that a person pressed something on a message, which says nothing
// below it where it is the last one.
func (l *lately) pressed(u conversation.User, message string, c conversation.Choice) {
	l.heard.change(u, func(h *heard) {
		if h.message == message {
			h.chosen = c
			return
		}
		h.spoke = true
	})
}

// quiet reports whether message is what a person was sent last, and they said nothing
// below it since.
func (l *lately) quiet(u conversation.User, message string) bool {
	h, ok := l.heard.get(u)
	return ok && h.message == message && !h.spoke
}

// chosen is what a person pressed on a message last.
func (l *lately) chosen(u conversation.User, message string) conversation.Choice {
	if h, ok := l.heard.get(u); ok && h.message == message {
		return h.chosen
	}
	return ""
}

// recentMax is how many are remembered for certain; up to twice as many may be.
const recentMax = 10_000

// recent remembers something of those who were here lately, in bounded memory: of
// two generations the older is let go when the younger is full.
type recent[K comparable, V any] struct {
	mu         sync.Mutex
	young, old map[K]V
}

func (r *recent[K, V]) get(key K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.look(key)
}

func (r *recent[K, V]) look(key K) (V, bool) {
	if v, ok := r.young[key]; ok {
		return v, true
	}
	v, ok := r.old[key]
	return v, ok
}

func (r *recent[K, V]) put(key K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(key, v)
}

func (r *recent[K, V]) set(key K, v V) {
	if r.young == nil || len(r.young) >= recentMax {
		r.young, r.old = map[K]V{}, r.young
	}
	r.young[key] = v
}

// change changes what is remembered of key, if anything is.
func (r *recent[K, V]) change(key K, f func(*V)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.look(key); ok {
		f(&v)
		r.set(key, v)
	}
}
