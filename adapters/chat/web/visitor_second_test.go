package web_test

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"testing/synctest"

	"resetbot/adapters/chat/web"
)

// A cookie that nobody was given is as good as one that somebody was: whoever
// makes them up is a new visitor each time, on every address that greets.
func TestAC83_MadeUpCookiesAreNewVisitors(t *testing.T) {
	for name, visit := range map[string]func(*browser) int{
		"page":   func(b *browser) int { return b.request(http.MethodGet, "/chat", nil, nil).Code },
		"words":  func(b *browser) int { return b.tell(url.Values{"text": {"reset"}}) },
		"sound":  func(b *browser) int { return b.request(http.MethodGet, "/chat/sound/x.wav", nil, nil).Code },
		"events": func(b *browser) int { return b.request(http.MethodHead, "/chat/events", nil, nil).Code },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, f := newWeb(t, web.Options{NewPerMinute: 2})
				for range 6 {
					b := newcomer(t, w, "10.0.0.1:1")
					var value [32]byte
					_, _ = rand.Read(value[:])
					b.setCookie(web.CookieName(w), base64.RawURLEncoding.EncodeToString(value[:]))
					visit(b)
				}
				if n := len(f.received()); n > 2 {
					t.Errorf("%d conversations were begun, where 2 are allowed", n)
				}
			})
		})
	}
}

// Many addresses with one name are one asker: else every one of them could do
// what all of them together may.
func TestAC83_AddressesThatAreSharedTogetherAreOneAsker(t *testing.T) {
	w, f := newWeb(t, web.Options{
		Shared: map[string]web.Crowd{
			"site":   {At: netip.MustParsePrefix("10.0.0.0/8"), People: 3000},
			"guests": {At: netip.MustParsePrefix("10.9.0.0/24"), People: 200},
		},
		Kiosks: map[string]netip.Prefix{"ward": netip.MustParsePrefix("10.1.2.3/32")},
	})
	for i, test := range []struct {
		from, asker string
		people      int
	}{
		{"10.9.0.1:1", "shared:guests", 200},
		{"10.9.0.2:1", "shared:guests", 200},
		{"10.8.0.2:1", "shared:site", 3000},
		{"10.1.2.3:1", "kiosk:ward", 0},
		{"192.168.1.1:1", "address:192.168.1.1/32", 0},
	} {
		newVisitor(t, w, test.from, startPage).tell(url.Values{"text": {"reset"}})
		got := f.received()
		if len(got) != i+1 {
			t.Fatalf("from %s nothing came", test.from)
		}
		if from := got[i].From; from.Asker != test.asker || from.Crowd != test.people {
			t.Errorf("from %s: %s of %d, want %s of %d", test.from, from.Asker, from.Crowd, test.asker, test.people)
		}
	}
}
