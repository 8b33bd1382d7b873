package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// visitor is who sends a request.
type visitor struct {
	user    conversation.User // zero: nobody yet
	person  Person
	address netip.Addr
	kiosk   string // name of the shared screen, empty for none
	asker   string
	crowd   int // how many people may be behind the address; 0 for one
	locale  string
}

func (v visitor) origin() conversation.Origin {
	return conversation.Origin{User: v.user, Asker: v.asker, Crowd: v.crowd, Locale: v.locale, Bound: v.person.Bound}
}

// visitor tells who sends r. Nothing but the cookie, the address and the
// language are looked at.
func (w *Web) visitor(r *http.Request) visitor {
	v := visitor{address: w.client(r), locale: language(r)}
	v.kiosk = w.kiosk(v.address)
	v.asker, v.crowd = w.asker(v.address, v.kiosk)
	if w.Prove != nil {
		person, ok := w.Prove(r)
		if ok {
			v.person = person
			v.user = conversation.User{Chat: w.Name, ID: person.ID}
			v.asker, v.crowd = v.user.String(), 0
		}
		return v
	}
	if c, err := r.Cookie(w.cookieName()); err == nil {
		v.user = w.user(c.Value)
	}
	return v
}

// Source names where a request comes from: the kiosk, the shared addresses or the
// address that its limits count. Proxies are believed as configured.
func (w *Web) Source(r *http.Request) string {
	address := w.client(r)
	name, _ := w.asker(address, w.kiosk(address))
	return name
}

// welcome reports whether a visitor may chat at all.
func (w *Web) welcome(v visitor) bool {
	return slices.ContainsFunc(w.From, func(p netip.Prefix) bool { return p.Contains(v.address) })
}

// client is the address of who sends r. The headers of proxies are believed
// from the last one backwards, as long as each is one of ours.
func (w *Web) client(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := at.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !within(w.TrustedProxies, address) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // no header, or nonsense: the proxy is all that is known
		}
		address = before.Unmap().WithZone("")
	}
	return address
}

func within(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// kiosk is the shared screen at an address: the one that says so most narrowly.
func (w *Web) kiosk(a netip.Addr) string {
	name, bits := "", -1
	for n, p := range w.Kiosks {
		if p.Contains(a) && (p.Bits() > bits || p.Bits() == bits && n < name) {
			name, bits = n, p.Bits()
		}
	}
	return name
}

// asker names who is counted, and tells how many people that are known to be; 0
// where nobody said. It is the kiosk; else the shared addresses, all together,
// that say so most narrowly; else the address, of which IPv6 gives every
// customer a whole /64.
func (w *Web) asker(a netip.Addr, kiosk string) (name string, people int) {
	if kiosk != "" {
		return "kiosk:" + kiosk, 0
	}
	bits := -1
	for n, c := range w.Shared {
		if c.At.Contains(a) && (c.At.Bits() > bits || c.At.Bits() == bits && "shared:"+n < name) {
			name, people, bits = "shared:"+n, c.People, c.At.Bits()
		}
	}
	if name != "" {
		return name, people
	}
	bits = 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "address:none", 0
	}
	return "address:" + p.String(), 0
}

// language is the one that the address names, or the first of those that the
// browser asks for and that there are; Dutch for who asks for none of them.
func language(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); lang == words.Dutch || lang == words.English {
		return lang
	}
	for tag := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if primary == words.Dutch || primary == words.English {
			return primary
		}
	}
	return words.Dutch
}

// cookieBytes are random: 256 bits, nobody guesses one.
const cookieBytes = 32

// cookieName has the prefix that makes browsers refuse a cookie which another
// host, or a page without https, put there (RFC 6265bis, section 4.1.3.2).
func (w *Web) cookieName() string {
	if w.https() {
		return "__Host-" + w.Name + "chat"
	}
	return w.Name + "chat"
}

func (w *Web) https() bool { return strings.HasPrefix(w.PublicURL, "https://") }

// user is the person that a cookie stands for; zero for what was never one.
// Whoever reads the store learns no cookie from it.
func (w *Web) user(cookie string) conversation.User {
	value, err := base64.RawURLEncoding.Strict().DecodeString(cookie)
	if err != nil || len(value) != cookieBytes {
		return conversation.User{}
	}
	sum := sha256.Sum256(append([]byte("visitor\x00"), value...))
	return conversation.User{Chat: w.Name, ID: hex.EncodeToString(sum[:])}
}

// newCookie gives a visitor a new cookie, in the place of any other.
func (w *Web) newCookie(rw http.ResponseWriter) conversation.User {
	var value [cookieBytes]byte
	_, _ = rand.Read(value[:]) // never fails (Go 1.24)
	text := base64.RawURLEncoding.EncodeToString(value[:])
	w.setCookie(rw, text, 0)
	return w.user(text)
}

func (w *Web) dropCookie(rw http.ResponseWriter) { w.setCookie(rw, "", -1) }

func (w *Web) setCookie(rw http.ResponseWriter, value string, age int) {
	http.SetCookie(rw, &http.Cookie{
		Name: w.cookieName(), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: w.https(), SameSite: http.SameSiteStrictMode,
	})
}
