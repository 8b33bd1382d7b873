package web_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/adapters/captcha"
	"resetbot/adapters/chat/web"
	"resetbot/bot"
	"resetbot/conversation"
)

// player is the address of the page's sound; empty without one.
func (b *browser) player() string {
	_, after, found := strings.Cut(b.page.source, "<audio ")
	tag, _, _ := strings.Cut(after, ">")
	_, after, _ = strings.Cut(tag, `src="`)
	address, _, _ := strings.Cut(after, `"`)
	if found != (address != "") {
		b.t.Fatalf("a player without an address: %s", tag)
	}
	return address
}

// toSound walks a new browser to page 1, and asks for the sound.
func (w *world) toSound() *browser {
	w.t.Helper()
	b := w.browser()
	b.get("/chat")
	b.press(conversation.PickReset)
	b.press(conversation.PickAudio)
	return b
}

// hears fetches the sound of the page.
func (b *browser) hears() []byte {
	b.t.Helper()
	answer := b.request(http.MethodGet, b.player(), nil, nil)
	if answer.Code != http.StatusOK {
		b.t.Fatalf("status %d", answer.Code)
	}
	return answer.Body.Bytes()
}

func (b *browser) finds(address string, want int) {
	b.t.Helper()
	if got := b.request(http.MethodGet, address, nil, nil).Code; got != want {
		b.t.Errorf("%s: status %d, want %d", address, got, want)
	}
}

func TestASoundIsServedWhenItIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		b.get("/chat")
		b.press(conversation.PickReset)
		if b.player() != "" {
			t.Error("a player that nobody asked for")
		}
		b.press(conversation.PickAudio)
		b.sees("Bij elke letter hoort een woord")
		if !strings.Contains(b.page.source, `aria-label="Geluid met dezelfde tekens.`) {
			t.Error("the player has no name")
		}
		answer := b.request(http.MethodGet, b.player(), nil, nil)
		if answer.Code != http.StatusOK || !strings.HasPrefix(answer.Body.String(), "sound ") {
			t.Fatalf("status %d, %q", answer.Code, answer.Body)
		}
		for name, want := range map[string]string{
			"Content-Type": "audio/wav", "Cache-Control": "no-store", "Accept-Ranges": "bytes",
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := answer.Header().Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if !strings.Contains(b.head.Get("Content-Security-Policy"), "media-src 'self';") {
			t.Error("the policy lets no sound be played")
		}
		part := b.request(http.MethodGet, b.player(), nil, map[string]string{"Range": "bytes=2-4"})
		if part.Code != http.StatusPartialContent || part.Body.String() != "und" {
			t.Errorf("a part: status %d, %q", part.Code, part.Body)
		}
		head := b.request(http.MethodHead, b.player(), nil, nil)
		if head.Code != http.StatusOK || head.Body.Len() > 0 {
			t.Errorf("HEAD: status %d, %d bytes", head.Code, head.Body.Len())
		}
		if got := b.request(http.MethodPost, b.player(), nil, nil).Code; got != http.StatusMethodNotAllowed {
			t.Errorf("POST: status %d", got)
		}
	})
}

// spelledIn gives for each character of a captcha the word that its sound says.
func spelledIn(answer, language string) string {
	said := map[string]map[rune]string{
		"nl": {
			'A': "Anna", 'C': "Cornelis", 'D': "Dirk", 'E': "Eduard", 'F': "Ferdinand", 'G': "Gerard", 'H': "Hendrik",
			'J': "Johan", 'K': "Karel", 'N': "Nico", 'P': "Pieter", 'Q': "Quotiënt", 'R': "Rudolf", 'T': "Theodoor",
			'X': "Xantippe", 'Y': "Ypsilon", '3': "drie", '6': "zes", '7': "zeven", '9': "negen",
		},
		"en": {
			'A': "Alfa", 'C': "Charlie", 'D': "Delta", 'E': "Echo", 'F': "Foxtrot", 'G': "Golf", 'H': "Hotel",
			'J': "Juliett", 'K': "Kilo", 'N': "November", 'P': "Papa", 'Q': "Quebec", 'R': "Romeo", 'T': "Tango",
			'X': "X-ray", 'Y': "Yankee", '3': "three", '6': "six", '7': "seven", '9': "nine",
		},
	}[language]
	var list []string
	for _, r := range answer {
		list = append(list, said[r])
	}
	return strings.Join(list, " ")
}

func TestWhatWasHeardCanBeTypedAsCharactersAndAsWords(t *testing.T) {
	for name, typed := range map[string]func(answer string) string{
		"characters":       func(answer string) string { return answer },
		"small characters": strings.ToLower,
		"Dutch words":      func(answer string) string { return spelledIn(answer, "nl") },
		"English words":    func(answer string) string { return spelledIn(answer, "en") },
		"small words":      func(answer string) string { return strings.ToLower(spelledIn(answer, "nl")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				for _, filled := range []bool{true, false} {
					b := w.toSound()
					b.hears()
					answer := typed(w.captcha(b))
					if filled {
						b.fill(map[string]string{"name": "m.devries", "captcha": answer})
					} else { // one after the other, as messages
						b.says("m.devries")
						b.says(answer)
					}
					w.on(b, conversation.Step1Choose)
				}
			})
		})
	}
}

func TestAWrongAnswerToASoundGivesANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.toSound()
		old, first := b.player(), b.hears()
		b.fill(map[string]string{"name": "m.devries", "captcha": "anna anna anna anna anna anna"})
		b.sees("De tekens klopten niet.")
		b.sees("met een nieuw geluid")
		if bytes.Equal(b.hears(), first) {
			t.Error("the same sound again")
		}
		b.finds(old, http.StatusNotFound)
	})
}

func TestAC82_ASoundIsForItsOwnPageAndVisitorAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.toSound()
		first := b.player()
		nobody, visitor, listener := w.browser(), w.browser(), w.toSound()
		visitor.get("/chat")
		nobody.finds(first, http.StatusNotFound)
		visitor.finds(first, http.StatusNotFound)
		listener.finds(first, http.StatusNotFound)
		b.finds("/chat/sound/", http.StatusNotFound)
		b.finds("/chat/sound/"+strings.Repeat("0", 32)+".wav", http.StatusNotFound)
		b.finds(first, http.StatusOK)

		b.press(conversation.PickCaptcha)
		second := b.player()
		b.finds(first, http.StatusNotFound) // a new picture: the old sound is gone
		b.finds(second, http.StatusOK)

		w.solve(b, "m.devries")
		b.finds(second, http.StatusNotFound) // the page is gone

		outside := w.toSound()
		address := outside.player()
		outside.from = "198.51.100.7:5555"
		outside.finds(address, http.StatusForbidden)

		erased := w.toSound()
		address = erased.player()
		erased.post("/chat/erase", nil)
		erased.finds(address, http.StatusNotFound)
	})
}

// solve fills in page 1.
func (w *world) solve(b *browser, name string) {
	w.t.Helper()
	b.fill(map[string]string{"name": name, "captcha": w.captcha(b)})
	w.on(b, conversation.Step1Choose)
}

func TestAC82_NeitherTheAnswerNorATokenIsInTheAddressOfASound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.toSound()
		address := strings.ToUpper(b.player())
		token := strings.ToUpper(b.page.form("page").inputs["token"])
		if strings.Contains(address, w.captcha(b)) || token == "" || strings.Contains(address, token) {
			t.Errorf("%s gives something away", address)
		}
		b.hears()
		if strings.Contains(w.log.String(), b.player()) {
			t.Error("the log has the address of a sound")
		}
	})
}

func TestASoundSpeaksTheLanguageOfThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.toSound()
		dutch, old := b.hears(), b.player()
		b.press(conversation.PickEnglish)
		english := b.hears()
		if !bytes.HasSuffix(dutch, []byte(" nl")) || !bytes.HasSuffix(english, []byte(" en")) {
			t.Errorf("%q, then %q", dutch, english)
		}
		b.finds(old, http.StatusNotFound)
	})
}

func TestASoundOutlivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.toSound()
		before := b.hears()
		w.close()
		w.start()
		b.handler = w.web
		if after := b.hears(); !bytes.Equal(before, after) { // the player asks, not the page
			t.Errorf("%q, then %q", before, after)
		}
		b.get("/chat")
		w.solve(b, "m.devries")
	})
}

func TestAPageThatIsShownAgainKeepsItsSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.toSound()
		address, sound := b.player(), b.hears()
		b.press(conversation.PickHelp)
		if b.player() != address || !bytes.Equal(b.hears(), sound) {
			t.Error("another sound")
		}
	})
}

func TestSoundsTakeBoundedMemoryAndComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.toSound()
		address, sound := b.player(), b.hears()
		for i := range 3 * web.SoundsMax {
			deliver(t, w, fmt.Sprint(i))
		}
		if got := web.Sounds(w.web); got > web.SoundsMax {
			t.Errorf("%d sounds are kept, want %d at the most", got, web.SoundsMax)
		}
		if b.player() != address || !bytes.Equal(b.hears(), sound) {
			t.Error("a sound that was pushed out is another one now")
		}
	})
}

// deliver has a page with a sound delivered to somebody.
func deliver(t *testing.T, w *world, id string) {
	t.Helper()
	_, err := w.web.Send(t.Context(), bot.Outgoing{
		User: conversation.User{Chat: web.Name, ID: id}, Locale: "nl", State: conversation.Who,
		Page: conversation.Page{
			Version: 1, Token: id, ID: conversation.AskWho,
			Media: &conversation.Media{Kind: conversation.MediaCaptcha, ID: id, Sound: true},
		},
		Sound: []byte("sound"),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAForgottenVisitorKeepsNoSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *web.Options) { o.MaxVisitors = 10 })
		for i := range 50 {
			deliver(t, w, fmt.Sprint(i))
		}
		if got := web.Sounds(w.web); got > 10 {
			t.Errorf("%d sounds for ten visitors", got)
		}
	})
}

// The real sound through the real server, as a player fetches it.
func TestARealSoundIsServedWholeAndInParts(t *testing.T) {
	painter, err := captcha.New()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.close()
		w.config.Painter = painter
		w.start()
		b := w.toSound()
		whole := b.hears()
		if string(whole[:4]) != "RIFF" || len(whole) < 150_000 || len(whole) > 400_000 {
			t.Fatalf("%d bytes that begin with %q", len(whole), whole[:4])
		}
		var parts []byte
		for from := 0; from < len(whole); from += 100_000 {
			asked := fmt.Sprintf("bytes=%d-%d", from, min(from+99_999, len(whole)-1))
			answer := b.request(http.MethodGet, b.player(), nil, map[string]string{"Range": asked})
			part, err := io.ReadAll(answer.Body)
			if answer.Code != http.StatusPartialContent || err != nil {
				t.Fatalf("%s: status %d, %v", asked, answer.Code, err)
			}
			parts = slices.Concat(parts, part)
		}
		if !bytes.Equal(parts, whole) {
			t.Error("the parts are not the whole")
		}
		beyond := b.request(http.MethodGet, b.player(), nil, map[string]string{"Range": "bytes=9999999-"})
		if beyond.Code != http.StatusRequestedRangeNotSatisfiable {
			t.Errorf("behind the end: status %d", beyond.Code)
		}
		time.Sleep(6 * time.Minute) // the captcha is old; the page says so when it is answered
		b.fill(map[string]string{"name": "m.devries", "captcha": w.captcha(b)})
		b.sees("te oud geworden")
	})
}
