package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	wire "github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	newPassword = "kaars-molen-fiets-tafel"
	oldPassword = "lampion-vijver-oktober" // M. de Vries's, in the made-up hospital
)

// nurse is M. de Vries before the demo's page: the chat at the left, the
// telephone at the right.
type nurse struct {
	*window
	p      *site
	mirror *window // the same chat, to be judged without disturbing it
}

// newNurse opens the demo in Dutch.
func newNurse(b *browser, p *site) *nurse {
	b.t.Helper()
	n := &nurse{window: b.open(p.url + "/demo"), p: p}
	n.at("start.ask")
	n.mirror = b.open("about:blank")
	// It stays on the page that it was opened on, however soon that passes.
	_, err := chromedp.Call(n.mirror.ctx, wire.SetBlockedURLs, wire.SetBlockedURLsParams{
		URLPatterns: []*wire.BlockPattern{{URLPattern: "http://127.0.0.1:*/*/events*", Block: true}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// shows judges the page of the chat that is shown now.
func (n *nurse) shows(name string) {
	n.t.Helper()
	n.mirror.visit(n.p.url + "/chat")
	n.mirror.judged(name)
}

// identifies says who they are.
func (n *nurse) identifies() {
	n.t.Helper()
	n.picks("reset")
	n.at("who.ask")
	n.fills("name", "m.devries")
	n.fills("captcha", n.p.answer())
	n.submits()
	n.at("step.choose")
}

// reads waits until something that a selector finds says something.
func (w *window) reads(selector string) (text string) {
	w.t.Helper()
	w.until(selector, func() bool {
		found := watch[*string](w, "eyes.read(%s)", selector)
		if found != nil {
			text = strings.TrimSpace(*found)
		}
		return text != ""
	})
	return text
}

// app is what the authenticator app shows.
func (n *nurse) app() string {
	n.t.Helper()
	n.clicks("#tab-app")
	return n.reads("#app output")
}

// numbers types the telephone's number.
func (n *nurse) numbers() {
	n.t.Helper()
	n.at("step.number")
	n.fills("number", "0612345613")
	n.submits()
}

// opens follows the chat's link to the one-time page.
func (n *nurse) opens() *window {
	n.t.Helper()
	n.at("password.ask")
	return n.following(func() { n.clicks("a.primary[href*='/p/']") })
}

// word is the word that the one-time page asks for: of the chat's two, the one
// that the page does not show.
func (n *nurse) word(page *window) string {
	n.t.Helper()
	shown := page.reads(".pair strong")
	words := watch[[]string](n.window, "eyes.all('.pair strong')")
	for _, word := range words {
		if word != shown {
			return word
		}
	}
	n.t.Fatalf("the chat shows %q, the page %q", words, shown)
	return ""
}

// chooses fills in the one-time page.
func (n *nurse) chooses(page *window, password, again string) {
	n.t.Helper()
	word := n.word(page)
	page.fills("password", password)
	page.fills("confirm", again)
	page.fills("word", word)
	page.submits()
}

// signsIn tries a password at the work station, and reports whether it works.
func (n *nurse) signsIn(password string) bool {
	n.t.Helper()
	n.clicks("#signin input[type=password]")
	n.types(password)
	n.clicks("#signin button")
	return strings.Contains(n.reads("#signin .result.yes, #signin .result.no"), "Dit wachtwoord werkt.")
}

func (n *nurse) ends() {
	n.t.Helper()
	n.at("done.reset")
	if !n.signsIn(newPassword) {
		n.t.Error("the new password does not work")
	}
	n.until("the old password's refusal", func() bool { return !n.signsIn(oldPassword) })
}

func TestAWalkByTextMessageAndAppCodeInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.shows("start")
	n.picks("reset")
	n.at("who.ask")
	n.shows("who")
	n.fills("name", "m.devries")
	n.fills("captcha", "XXXX")
	n.submits()
	n.sees("De tekens klopten niet.")
	n.shows("who-wrong")
	n.fills("captcha", p.answer()) // the name was kept
	n.submits()
	n.at("step.choose")
	n.shows("choose")
	n.picks("sms")
	n.at("step.number")
	n.shows("number")
	n.fills("number", "0612345614")
	n.submits()
	n.sees("Typ het nummer dat eindigt op 13.")
	n.shows("number-wrong")
	n.clicks("#page input[name=number]")
	n.selectsAll()
	n.types("06 12 34 56 13")
	n.submits()
	n.at("step.sms")
	n.shows("sms")
	code := n.reads("#messages .item strong")
	n.shows("sms-came")
	n.fills("code", wrong(code))
	n.sees("Die code klopt niet.")
	n.shows("sms-wrong")
	n.selectsAll()
	n.types(code) // the sixth digit sends it
	n.sees("Stap 1 is gelukt")
	n.shows("choose-again")
	n.picks("code")
	n.at("step.code")
	n.shows("code")
	code = n.app()
	n.judged("demo-app")
	n.fills("code", code)
	n.at("password.ask")
	n.shows("password")
	page := n.opens()
	page.judged("page")
	n.chooses(page, "m.devries-is-de-beste", "m.devries-is-de-beste")
	page.sees("Dit wachtwoord kan helaas niet.")
	page.judged("page-refused")
	n.chooses(page, newPassword+" ", newPassword+" ")
	page.sees("De spatie aan het begin of einde")
	page.judged("page-blank")
	page.clicks("#page input[name=password]")
	page.selectsAll()
	page.types(newPassword)
	page.clicks("#page input[name=confirm]")
	page.selectsAll()
	page.types(newPassword)
	page.submits()
	page.sees("Uw nieuwe wachtwoord is nu actief")
	page.judged("page-done")
	n.ends()
	n.shows("done")
	n.clicks("#tab-mail")
	n.judged("demo-done")
}

// wrong is another code.
func wrong(code string) string {
	return strings.Map(func(r rune) rune {
		if r == '9' {
			return '0'
		}
		if r >= '0' && r < '9' {
			return r + 1
		}
		return r
	}, code)
}

func TestAWalkByCallAndNotificationInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.identifies()
	n.picks("call")
	n.numbers()
	n.at("step.call")
	n.shows("call")
	n.reads("#ring .spoken")
	n.judged("demo-call")
	n.clicks("#ring button[value='#']")
	n.sees("Stap 1 is gelukt")
	n.picks("push")
	n.at("step.push")
	n.shows("push")
	digits := n.reads(".digits")
	n.reads("#push .spoken")
	n.judged("demo-push")
	n.clicks("#push-number")
	n.types(digits)
	n.clicks("#push button.primary")
	page := n.opens()
	n.chooses(page, newPassword, newPassword)
	page.sees("Uw nieuwe wachtwoord is nu actief")
	n.ends()
}

// selectsAll marks what is in the field.
func (w *window) selectsAll() {
	w.t.Helper()
	w.hits("a", chromedp.KeyModifiers(kb.ModifierCtrl))
}

// hits hits a key, or one key after the other.
func (w *window) hits(key string, options ...chromedp.KeyOption) {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, chromedp.KeyEvent(key, options...)); err != nil {
		w.t.Fatal(err)
	}
}

// tabsTo goes to an element with the Tab key. On the way one can always see
// where the keyboard is.
func (w *window) tabsTo(selector string) {
	w.t.Helper()
	w.front()
	for range 80 {
		switch watch[string](w, "eyes.focused(%s)", selector) {
		case "seen":
			return
		case "unseen":
			w.t.Fatalf("%s has the keyboard, and nothing shows it", selector)
		}
		w.hits(kb.Tab)
	}
	w.t.Fatalf("the Tab key does not come to %s", selector)
}

// enters goes to a button or a link, and hits Enter.
func (w *window) enters(selector string) {
	w.t.Helper()
	w.until(selector, func() bool { return watch[*string](w, "eyes.read(%s)", selector) != nil })
	w.tabsTo(selector)
	w.hits(kb.Enter)
}

// writes goes to a field, and types a text key by key.
func (w *window) writes(selector, text string) {
	w.t.Helper()
	w.tabsTo(selector)
	w.hits(text)
}

func TestAWalkWithTheKeyboardAloneInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.enters("button[value=reset]")
	n.at("who.ask")
	n.writes("input[name=name]", "m.devries@rijnzicht.example")
	n.writes("input[name=captcha]", p.answer())
	n.hits(kb.Enter)
	n.at("step.choose")
	n.enters("button[value=sms]")
	n.at("step.number")
	n.writes("input[name=number]", "0612345613")
	n.hits(kb.Enter)
	n.at("step.sms")
	n.writes("input[name=code]", n.reads("#messages .item strong"))
	n.sees("Stap 1 is gelukt")
	n.writes(".say input", "een melding in de authenticator-app goedkeuren")
	n.hits(kb.Enter)
	n.at("step.push")
	digits := n.reads(".digits")
	n.reads("#push .spoken")
	n.writes("#push-number", digits)
	n.hits(kb.Enter)
	n.at("password.ask")
	page := n.following(func() { n.enters("a.primary[href*='/p/']") })
	word := n.word(page)
	page.writes("input[name=password]", newPassword)
	page.writes("input[name=confirm]", newPassword)
	page.writes("input[name=word]", word)
	page.hits(kb.Enter)
	page.sees("Uw nieuwe wachtwoord is nu actief")
	n.at("done.reset")
	n.writes("#signin input[type=password]", newPassword)
	n.hits(kb.Enter)
	n.sees("Dit wachtwoord werkt.")
}

func TestTheDemoIsThereWithinTwoSecondsAndWeighsLittle(t *testing.T) {
	b, p := newBrowser(t), startDemo(t)
	answer, err := http.Get(p.url + "/demo")
	if err != nil {
		t.Fatal(err)
	}
	html, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // it was read to its end
	if took := time.Since(p.started); err != nil || !bytes.Contains(html, []byte("<iframe")) || took > 2*time.Second {
		t.Errorf("after %s the first page is %.100q (%v)", took, html, err)
	}
	w := b.open("about:blank")
	var weight float64
	err = chromedp.Listen(w.ctx, func(event any) {
		if loaded, ok := event.(*wire.EventLoadingFinished); ok {
			weight += loaded.EncodedDataLength
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.visit(p.url + "/demo")
	w.at("start.ask")
	t.Logf("it weighs %.0f bytes", weight)
	if weight == 0 || weight > 150_000 {
		t.Errorf("the demo's page weighs %.0f bytes", weight)
	}
}

func TestTheGuideInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.picks("else")
	n.at("start.else")
	n.shows("else")
	n.picks("microsoft")
	n.at("guide.open")
	if link := n.reads("#lead a"); !strings.HasPrefix(link, "https://passwordreset.microsoftonline.com/") {
		t.Errorf("the link is %q", link)
	}
	for _, step := range []string{
		"open", "name", "captcha", "next", "method", "proof", "second", "password", "finish", "login",
	} {
		n.at("guide." + step)
		n.shows("guide-" + step)
		if step == "proof" {
			n.picks("trouble")
			n.sees("Klopt de code niet?")
			n.shows("guide-trouble")
		}
		n.picks("next")
	}
	n.at("done.guide")
	n.shows("guide-done")
}

// noticed opens the link of the newest mail on the telephone.
func (n *nurse) noticed() *window {
	n.t.Helper()
	n.clicks("#tab-mail")
	n.reads("#mail .item a")
	return n.following(func() { n.clicks("#mail .item a") })
}

func TestAC75_ThisWasNotMeBeforeTheWriteInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.identifies()
	n.picks("sms")
	n.numbers()
	n.fills("code", n.reads("#messages .item strong"))
	n.sees("Stap 1 is gelukt")
	page := n.noticed()
	page.judged("disown")
	if page.address() == n.address() {
		t.Error("the notice's page took the demo's place")
	}
	n.sees("Stap 1 is gelukt") // opening it did nothing
	page.clicks("button.primary")
	page.sees("Dank u wel")
	page.judged("disowned")
	n.until("the end of the conversation", func() bool {
		return strings.HasPrefix(watch[string](n.window, "eyes.page()"), "end.")
	})
	n.shows("end-disowned")
	if !n.signsIn(oldPassword) {
		t.Error("the old password does not work any more")
	}
	again := n.b.open(page.address())
	again.sees("Deze knop is al gebruikt of te oud")
	again.judged("disown-over")
}

func TestAC75_ThisWasNotMeAfterTheWriteInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.identifies()
	n.picks("push")
	n.at("step.push")
	digits := n.reads(".digits")
	n.clicks("#push-number")
	n.types(digits)
	n.clicks("#push button.primary")
	n.sees("Stap 1 is gelukt")
	n.picks("sms")
	n.numbers()
	n.fills("code", n.reads("#messages .item strong"))
	page := n.opens()
	n.chooses(page, newPassword, newPassword)
	n.ends()
	n.clicks("#tab-mail")
	n.sees("Uw wachtwoord is gewijzigd")
	notice := n.noticed()
	notice.clicks("button.primary")
	notice.sees("Dank u wel")
	n.until("the new password's end", func() bool { return !n.signsIn(newPassword) })
}

func TestTheOtherLanguageInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.picks("english")
	n.sees("What can I do for you?")
	n.picks("dutch")
	n.sees("Waarmee kan ik u helpen?")
	n.clicks(".bar a.language")
	n.sees("Everything here is made up")
	n.sees("What can I do for you?") // the chat has come along
	n.judged("demo-english")
	n.shows("start-english")
}
