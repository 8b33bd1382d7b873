package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	phone "resetbot/adapters/verification/demo"
)

// A shared screen on a ward, whose clock a test can put forward.

// onAKiosk is the service with all of this machine for a kiosk.
func onAKiosk(t *testing.T) *site {
	t.Helper()
	text := strings.Replace(anyPort, "chats: {web: {}}", "chats: {web: {kiosks: {ward-3: 127.0.0.1}}}", 1)
	return startSite(t, []string{inHaste}, "serve", "-config", configured(t, text))
}

// clock replaces what a page takes for the time.
const clock = `(() => {
	const { now } = Date;
	let ahead = 0;
	Date.now = () => now() + ahead;
	window.later = (seconds) => { ahead += 1000 * seconds; };
})()`

// ward opens an address in a tab with such a clock.
func (b *browser) ward(address string) *window {
	b.t.Helper()
	w := b.open("about:blank")
	w.clock()
	w.visit(address)
	return w
}

func (w *window) clock() {
	w.t.Helper()
	script := page.AddScriptToEvaluateOnNewDocumentParams{Source: clock}
	if _, err := chromedp.Call(w.ctx, page.AddScriptToEvaluateOnNewDocument, script); err != nil {
		w.t.Fatal(err)
	}
}

// later lets time pass on the screen.
func (w *window) later(d time.Duration) {
	w.t.Helper()
	watch[bool](w, "(window.later(%v), true)", d.Seconds())
}

func TestAKioskThatNobodyIsAtIsErasedInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), onAKiosk(t)
	w := b.ward(p.url + "/chat")
	w.at("start.ask")
	w.picks("reset")
	w.at("who.ask")
	w.fills("name", "m.devries")
	w.later(110 * time.Second)
	w.clicks("#page input[name=captcha]") // somebody is there
	w.later(115 * time.Second)
	w.clicks("#page input[name=captcha]")
	w.later(121 * time.Second)
	w.sees("Bent u er nog?")
	w.judged("kiosk-idle")
	w.clicks("#kiosk button[value=here]")
	w.until("the question's end", func() bool { return !strings.Contains(w.text(), "Bent u er nog?") })
	w.later(121 * time.Second)
	w.sees("Bent u er nog?")
	w.later(30 * time.Second)
	w.sees("Dit scherm is gewist")
	w.judged("kiosk-erased")
	w.goesBack()
	w.at("start.ask")
	if strings.Contains(w.text(), "m.devries") {
		t.Error("the one before can still be seen")
	}
}

// goesBack presses the browser's back button.
func (w *window) goesBack() {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, chromedp.NavigateBack()); err != nil {
		w.t.Fatal(err)
	}
}

func TestAKioskIsErasedAfterAnEndInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), onAKiosk(t)
	w := b.ward(p.url + "/chat")
	solve := func() {
		t.Helper()
		w.picks("stuck")
		w.at("start.hints")
		w.picks("works")
		w.at("end.solved")
	}
	solve()
	w.judged("kiosk-done")
	w.later(61 * time.Second)
	w.sees("Dit scherm is gewist")
	w.clicks("main a.primary")
	w.at("start.ask")
	solve()
	w.clicks("form.over button.primary")
	w.sees("Dit scherm is gewist")
}

func TestAKioskErasesThePasswordsPageTooInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), onAKiosk(t)
	n := &nurse{window: b.ward(p.url + "/chat"), p: p}
	n.identifies()
	n.picks("sms")
	n.numbers()
	n.at("step.sms")
	n.fills("code", p.newest(phone.KindSMS).Code)
	n.sees("Stap 1 is gelukt")
	n.picks("push")
	n.at("step.push")
	p.approve(n.reads(".digits"))
	n.at("password.ask")
	entry := n.following(func() { n.clicks("a.primary[href*='/p/']") })
	entry.clock()
	entry.visit(entry.address())
	entry.fills("password", newPassword)
	n.later(119 * time.Second)
	entry.types("s") // typing there keeps the chat too
	n.until("the other window's message", func() bool {
		return watch[bool](n.window, "!document.querySelector('#kiosk').open")
	})
	entry.later(151 * time.Second)
	for _, w := range []*window{entry, n.window} {
		w.sees("Dit scherm is gewist")
	}
	entry.goesBack()
	entry.until("the page without the password", func() bool {
		return watch[string](entry, "document.querySelector('[name=password]')?.value ?? ''") == ""
	})
}

// newest is what came last on M. de Vries's telephone, of a kind.
func (p *site) newest(kind phone.Kind) phone.Entry {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(soon); ; {
		var entries []phone.Entry
		_, text := get(p.t, p.url+"/demo/phone/%2B31612345613")
		if err := json.Unmarshal([]byte(text), &entries); err != nil {
			p.t.Fatal(err)
		}
		for i := len(entries) - 1; i >= 0; i-- {
			if entries[i].Kind == kind {
				return entries[i]
			}
		}
		select {
		case <-tick.C:
		case <-late:
			p.t.Fatalf("no %s came", kind)
		}
	}
}

// approve types the digits into the notification.
func (p *site) approve(digits string) {
	p.t.Helper()
	body, err := json.Marshal(phone.Approve(digits))
	if err != nil {
		p.t.Fatal(err)
	}
	address := p.url + "/demo/phone/%2B31612345613/" + p.newest(phone.KindNotification).ID
	answer, err := http.Post(address, "application/json", bytes.NewReader(body))
	if err != nil || answer.StatusCode != http.StatusOK {
		p.t.Fatal(answer, err)
	}
	_ = answer.Body.Close() // nothing of it was read
}
