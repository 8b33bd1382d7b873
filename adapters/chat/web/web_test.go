package web_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/adapters/chat/web"
	"resetbot/bot"
	"resetbot/conversation"
)

// newWeb makes a web chat before a bot that answers nothing.
func newWeb(t *testing.T, o web.Options) (*web.Web, *fake) {
	t.Helper()
	f := &fake{}
	o.Words, o.Bot = newWords(t), f
	w, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return w, f
}

// newVisitor is a browser on a chat that already shows a page.
func newVisitor(t *testing.T, w *web.Web, from string, page conversation.Page) *browser {
	t.Helper()
	b := newcomer(t, w, from)
	var value [32]byte
	_, _ = rand.Read(value[:])
	b.setCookie(web.CookieName(w), base64.RawURLEncoding.EncodeToString(value[:]))
	b.shown(w, bot.Outgoing{Locale: "nl", State: conversation.Start, Page: page})
	return b
}

// newcomer is a browser that was never here.
func newcomer(t *testing.T, w *web.Web, from string) *browser {
	t.Helper()
	return &browser{t: t, handler: w, from: from, cookies: map[string]*http.Cookie{}, header: map[string]string{}}
}

func (b *browser) setCookie(name, value string) {
	b.cookies[name] = &http.Cookie{Name: name, Value: value}
}

// tell submits a form as the script does, which waits for no page.
func (b *browser) tell(form url.Values) int {
	b.t.Helper()
	return b.request(http.MethodPost, "/chat", strings.NewReader(form.Encode()), map[string]string{
		"Content-Type": formHeader["Content-Type"], "Accept": "application/json",
	}).Code
}

// shown has the bot send a page to this visitor.
func (b *browser) shown(w *web.Web, m bot.Outgoing) {
	b.t.Helper()
	for _, c := range b.cookies {
		m.User = web.UserOfCookie(w, c.Value)
		send(b.t, w, m)
	}
}

func send(t *testing.T, w *web.Web, m bot.Outgoing) {
	t.Helper()
	if result, err := w.Send(context.Background(), m); err != nil || result.Result != conversation.Delivered {
		t.Fatal(result, err)
	}
}

var startPage = conversation.Page{
	ID: conversation.AskStart, Token: "00112233445566778899aabbccddeeff", Version: 1, Receipt: "K7Q2-XY34",
	Offers: []conversation.Offer{{Choice: conversation.PickReset}}, Ends: time.Now().Add(15 * time.Minute),
}

func TestNewTellsAllThatIsWrongAtOnce(t *testing.T) {
	_, err := web.New(web.Options{
		Path: "chat/", PublicURL: "https://resetbot.example/sub", Kiosks: map[string]netip.Prefix{"": {}},
	})
	if err == nil {
		t.Fatal("all of it was taken")
	}
	for _, part := range []string{"words", "path", "public URL", "kiosk"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("nothing about the %s: %v", part, err)
		}
	}
}

func TestBeforeThereIsABotVisitorsAreToldToWait(t *testing.T) {
	w, err := web.New(web.Options{Words: newWords(t)})
	if err != nil {
		t.Fatal(err)
	}
	b := newcomer(t, w, "127.0.0.1:1")
	b.get("/chat")
	if b.status != http.StatusServiceUnavailable || b.page.refresh == "" {
		t.Errorf("%d:\n%s", b.status, b.page.text)
	}
	b.sees("Een ogenblik")
}

func TestAPostFromAnotherSiteIsRefused(t *testing.T) {
	w, f := newWeb(t, web.Options{})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	before := len(f.received())
	form := url.Values{"token": {startPage.Token}, "choice": {"reset"}}.Encode()
	for name, header := range map[string]map[string]string{
		"cross-site":     {"Sec-Fetch-Site": "cross-site"},
		"same-site":      {"Sec-Fetch-Site": "same-site"},
		"foreign origin": {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
	} {
		header["Content-Type"] = "application/x-www-form-urlencoded"
		for _, path := range []string{"/chat", "/chat/erase", "/p/x"} {
			if answer := b.request(http.MethodPost, path, strings.NewReader(form), header); answer.Code != http.StatusForbidden {
				t.Errorf("%s %s: %d", name, path, answer.Code)
			}
		}
	}
	if got := len(f.received()); got != before {
		t.Error("something was taken in")
	}
}

func TestAC65_WhereARequestSaysItGoesChangesNoLink(t *testing.T) {
	w, _ := newWeb(t, web.Options{PublicURL: publicURL})
	page := startPage
	page.ID, page.Entry = conversation.AskPassword, &conversation.Entry{Expires: time.Now().Add(time.Minute), Shows: 1, Asks: 2}
	page.Fields = []conversation.Field{conversation.FieldPassword, conversation.FieldConfirm, conversation.FieldWord}
	b := newVisitor(t, w, "10.0.0.1:1", page)
	b.shown(w, bot.Outgoing{Locale: "nl", State: conversation.Password, Page: page, Link: publicURL + "/p/abc"})
	b.header = map[string]string{
		"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example",
		"X-Original-URL": "//evil.example/",
	}
	for _, target := range []string{"/chat", "https://evil.example/chat"} {
		b.get(target)
		if strings.Contains(b.page.source, "evil") || strings.Contains(fmt.Sprint(b.head), "evil") {
			t.Errorf("the page has it:\n%s", b.page.source)
		}
		if b.link() != "/p/abc" {
			t.Error("the link is another")
		}
		if b.page.form("page").has("password") {
			t.Error("the chat asks for a password itself")
		}
	}
}

func TestAC67_NamesAreShownAsPlainText(t *testing.T) {
	const name = `<script>alert(1)</script> "onload='x' [k](javascript:1) {{.}} ` + "\u202e" + `odnasreg`
	w, f := newWeb(t, web.Options{PublicURL: publicURL})
	page := conversation.Page{
		ID: conversation.AskPassword, Token: startPage.Token, Version: 3, Receipt: `"><b>`,
		Args:   conversation.Args{Name: name, Length: 16},
		Fields: []conversation.Field{conversation.FieldPassword, conversation.FieldConfirm, conversation.FieldWord},
		Notes: []conversation.Note{{ID: conversation.NotePasswordRefused, Args: conversation.Args{
			Faults: []conversation.PasswordFlaw{conversation.FlawDirectory}, Word: name,
		}}},
		Entry: &conversation.Entry{Expires: time.Now().Add(time.Minute), Asks: 1}, Ends: time.Now().Add(time.Minute),
	}
	m := bot.Outgoing{Locale: "nl", State: conversation.Password, Page: page, Link: publicURL + "/p/abc"}
	f.page = func(string) (bot.Outgoing, bool) { return m, true }
	b := newVisitor(t, w, "10.0.0.1:1", page)
	for _, at := range []string{"/chat", "/p/abc"} {
		b.get(at)
		for _, bad := range []string{"<script>alert", "onload='x'", `"><b>`, "\u202e"} {
			if strings.Contains(b.page.source, bad) {
				t.Errorf("%s: %q is in the page:\n%s", at, bad, b.page.source)
			}
		}
		b.sees("<script>alert(1)</script>")
	}
}

func TestWhatIsTooMuchOrNoFormIsRefused(t *testing.T) {
	w, f := newWeb(t, web.Options{})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	before := len(f.received())
	f.page = func(string) (bot.Outgoing, bool) { t.Error("the link was opened"); return bot.Outgoing{}, false }
	for _, path := range []string{"/chat", "/p/x"} {
		big := strings.NewReader("text=" + strings.Repeat("a", 10<<20))
		if got := b.request(http.MethodPost, path, big, formHeader).Code; got != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: 10 MB: %d", path, got)
		}
		if big.Len() < 9<<20 {
			t.Errorf("%s: all of it was read", path)
		}
		bad := strings.NewReader("text=%zz")
		if got := b.request(http.MethodPost, path, bad, formHeader).Code; got != http.StatusBadRequest {
			t.Errorf("%s: a broken form: %d", path, got)
		}
	}
	if got := len(f.received()); got != before {
		t.Error("something was taken in")
	}
}

func TestALongAnswerIsTakenInAsOneThatNobodyUnderstands(t *testing.T) {
	w, f := newWeb(t, web.Options{})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	for _, field := range []string{"text", "name"} {
		b.tell(url.Values{"token": {startPage.Token}, field: {strings.Repeat("x", 9000)}})
		got := f.received()
		if m := got[len(got)-1]; m.Kind != conversation.Said || len(m.Text.Reveal()) != conversation.TypedMax+1 {
			t.Errorf("%s: %v, %d bytes", field, m.Kind, len(m.Text.Reveal()))
		}
	}
}

func TestThePasswordIsNoFieldOfTheChat(t *testing.T) {
	w, f := newWeb(t, web.Options{})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	b.tell(url.Values{"token": {startPage.Token}, "password": {good}, "confirm": {good}, "word": {"3"}})
	got := f.received()
	if m := got[len(got)-1]; len(m.Fields) != 0 {
		t.Errorf("taken in: %v", m.Fields)
	}
}

func TestWrongMethodsAreRefused(t *testing.T) {
	w, _ := newWeb(t, web.Options{})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	for path, methods := range map[string][]string{
		"/chat":        {"PUT", "DELETE", "PATCH", "OPTIONS"},
		"/chat/events": {"POST"}, "/chat/erase": {"GET", "HEAD"}, "/chat/erased": {"POST"}, "/p/x": {"PUT", "DELETE"},
	} {
		for _, method := range methods {
			answer := b.request(method, path, nil, nil)
			if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") == "" {
				t.Errorf("%s %s: %d, Allow %q", method, path, answer.Code, answer.Header().Get("Allow"))
			}
		}
	}
}

func TestWhoMayChat(t *testing.T) {
	for _, c := range []struct {
		name     string
		options  web.Options
		from     string
		forwards string
		welcome  bool
	}{
		{"loopback", web.Options{}, "127.0.0.1:1", "", true},
		{"loopback, IPv6", web.Options{}, "[::1]:1", "", true},
		{"private", web.Options{}, "192.168.4.5:1", "", true},
		{"private, mapped", web.Options{}, "[::ffff:10.1.1.1]:1", "", true},
		{"the internet", web.Options{}, "203.0.113.9:1", "", false},
		{"the internet, IPv6", web.Options{}, "[2001:db8::1]:1", "", false},
		{"a liar", web.Options{}, "203.0.113.9:1", "10.0.0.1", false},
		{"any, written out", web.Options{From: web.Any()}, "203.0.113.9:1", "", true},
		{"not on the list", web.Options{From: network("10.2.0.0/16")}, "10.1.0.1:1", "", false},
		{"behind a proxy", web.Options{TrustedProxies: network("10.0.0.9/32")}, "10.0.0.9:1", "203.0.113.9", false},
		{"behind a proxy, lying", web.Options{TrustedProxies: network("10.0.0.9/32")}, "10.0.0.9:1", "10.0.0.1, 203.0.113.9", false},
		{"behind two proxies", web.Options{TrustedProxies: network("10.0.0.8/31")}, "10.0.0.9:1", "203.0.113.9, 10.0.0.8", false},
		{"behind a proxy that says nothing", web.Options{TrustedProxies: network("10.0.0.9/32")}, "10.0.0.9:1", "", true},
		{"nobody", web.Options{}, "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _ := newWeb(t, c.options)
			b := newcomer(t, w, c.from)
			if c.forwards != "" {
				b.header["X-Forwarded-For"] = c.forwards
			}
			got := b.request(http.MethodHead, "/chat", nil, nil).Code
			if (got == http.StatusOK) != c.welcome {
				t.Errorf("status %d", got)
			}
			if got := b.request(http.MethodGet, "/p/x", nil, nil).Code; got != http.StatusNotFound {
				t.Errorf("the one-time page: status %d", got)
			}
		})
	}
}

func TestTheAskerIsAKioskOrANetworkAndNeverACookie(t *testing.T) {
	o := web.Options{
		From: web.Any(), TrustedProxies: network("10.0.0.9/32"),
		Kiosks: map[string]netip.Prefix{"ward-3": netip.MustParsePrefix("10.3.0.7/32"), "wing": netip.MustParsePrefix("10.3.0.0/16")},
	}
	for from, want := range map[string]string{
		"10.3.0.7:4":            "kiosk:ward-3",
		"10.3.0.8:4":            "kiosk:wing",
		"203.0.113.9:1":         "address:203.0.113.9/32",
		"[2001:db8:1:2:3::4]:1": "address:2001:db8:1:2::/64",
	} {
		w, f := newWeb(t, o)
		for range 2 {
			b := newVisitor(t, w, from, startPage)
			b.tell(url.Values{"token": {startPage.Token}, "choice": {"reset"}})
		}
		for _, m := range f.received() {
			if m.From.Asker != want {
				t.Errorf("%s: asker %q, want %q", from, m.From.Asker, want)
			}
		}
		if a, b := f.received()[0].From.User, f.received()[1].From.User; a == b {
			t.Error("two visitors are one")
		}
	}
}

func TestTheCookieIsForThisSiteAlone(t *testing.T) { synctest.Test(t, testCookie) }

func testCookie(t *testing.T) {
	for public, name := range map[string]string{publicURL: "__Host-webchat", "http://127.0.0.1:3978": "webchat"} {
		w, _ := newWeb(t, web.Options{PublicURL: public})
		b := newcomer(t, w, "10.0.0.1:1")
		b.request(http.MethodGet, "/chat", nil, nil)
		c := b.cookies[name]
		if c == nil {
			t.Fatalf("%s: cookies %v", public, b.cookies)
		}
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != (public == publicURL) || c.Path != "/" ||
			c.Domain != "" || len(c.Value) != 43 {
			t.Errorf("%s: %v", public, c)
		}
	}
}

func TestACookieThatWeNeverMadeIsNone(t *testing.T) {
	w, f := newWeb(t, web.Options{})
	for _, value := range []string{"x", strings.Repeat("A", 42), strings.Repeat("A", 44), strings.Repeat("=", 43)} {
		b := newcomer(t, w, "10.0.0.1:1")
		b.setCookie("webchat", value)
		before := len(f.received())
		b.request(http.MethodPost, "/chat", strings.NewReader("choice=reset"), formHeader)
		if len(f.received()) != before {
			t.Errorf("%q was taken for a visitor", value)
		}
	}
}

func TestEveryAnswerTellsTheBrowserToTrustNothing(t *testing.T) {
	w, _ := newWeb(t, web.Options{PublicURL: publicURL})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	for _, path := range []string{"/chat", "/p/x", "/chat/erased", "/nowhere"} {
		h := b.request(http.MethodGet, path, nil, nil).Header()
		csp := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: %q lacks %q", path, csp, part)
			}
		}
		for name, want := range map[string]string{
			"Referrer-Policy": "strict-origin", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

var inline = regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`)

func TestPagesAreLightAndHaveNothingInline(t *testing.T) {
	w, _ := newWeb(t, web.Options{})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	b.get("/chat")
	if found := inline.FindString(b.page.source); found != "" {
		t.Errorf("inline: %q", found)
	}
	weight := len(b.page.source)
	for _, file := range regexp.MustCompile(`(?:src|href)="(/chat/assets/[^"]+)"`).FindAllStringSubmatch(b.page.source, -1) {
		answer := b.request(http.MethodGet, file[1], nil, nil)
		if answer.Code != http.StatusOK || !strings.Contains(answer.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %v", file[1], answer.Code, answer.Header())
		}
		weight += answer.Body.Len()
	}
	if weight > 100<<10 {
		t.Errorf("%d bytes", weight)
	}
	if got := b.request(http.MethodGet, "/chat/assets/000000000000/chat.css", nil, nil).Code; got != http.StatusNotFound {
		t.Errorf("an old file: %d", got)
	}
}

func TestNewVisitorsOfOneAskerAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := newWeb(t, web.Options{NewPerMinute: 2})
		come := func(from string) int {
			b := newcomer(t, w, from)
			return b.request(http.MethodGet, "/chat", nil, nil).Code
		}
		come("10.0.0.1:1")
		come("10.0.0.1:1")
		if got := come("10.0.0.1:1"); got != http.StatusTooManyRequests {
			t.Errorf("the third: %d", got)
		}
		if got := come("10.0.0.2:1"); got == http.StatusTooManyRequests {
			t.Error("another asker pays for it")
		}
		time.Sleep(time.Minute)
		if got := come("10.0.0.1:1"); got == http.StatusTooManyRequests {
			t.Error("a minute later still")
		}
	})
}

func TestAVisitorCannotFloodTheBot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := newWeb(t, web.Options{})
		b := newVisitor(t, w, "10.0.0.1:1", startPage)
		before := len(f.received())
		refused := 0
		for i := range 100 {
			form := url.Values{"token": {startPage.Token}, "text": {fmt.Sprint(i)}}
			if b.tell(form) == http.StatusTooManyRequests {
				refused++
			}
		}
		if taken := len(f.received()) - before; taken > 21 || refused != 100-taken {
			t.Errorf("%d taken in, %d refused", taken, refused)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	w, _ := newWeb(t, web.Options{MaxVisitors: 3})
	var all []*browser
	for range 10 {
		all = append(all, newVisitor(t, w, "10.0.0.1:1", startPage))
	}
	if got := web.Screens(w); got > 3 {
		t.Errorf("%d visitors are remembered", got)
	}
	all[9].get("/chat")
	all[9].sees("Waarmee kan ik u helpen?")
}

func TestTwoHundredOpenChatsCostLittle(t *testing.T) {
	w, _ := newWeb(t, web.Options{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var all []*browser
	for range 200 {
		b := newVisitor(t, w, "10.0.0.1:1", startPage)
		b.shown(w, bot.Outgoing{Locale: "nl", Page: startPage, Picture: make([]byte, 8<<10)})
		all = append(all, b)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if cost := int64(after.HeapAlloc) - int64(before.HeapAlloc); cost > 20<<20 {
		t.Errorf("%d MB", cost>>20)
	}
	runtime.KeepAlive(all)
}

// listen opens a stream of events; its lines come over the channel.
func listen(t *testing.T, b *browser, url string, header map[string]string) (lines <-chan string, stop func(), status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r = r.WithContext(ctx)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	for _, c := range b.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1000)
	go func() {
		defer close(found)
		defer answer.Body.Close()
		for s := bufio.NewScanner(answer.Body); s.Scan(); {
			found <- s.Text()
		}
	}()
	return found, cancel, answer.StatusCode
}

// until waits for a line that contains text.
func until(t *testing.T, lines <-chan string, text string) string {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case line, more := <-lines:
			if !more {
				t.Fatalf("the stream ended before %q", text)
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-late:
			t.Fatalf("%q did not come", text)
		}
	}
}

func TestPagesComeOverTheStreamAsTheyAreSent(t *testing.T) {
	w, _ := newWeb(t, web.Options{})
	server := httptest.NewServer(w)
	defer server.Close()
	b := newVisitor(t, w, "127.0.0.1:1", startPage)
	b.get("/chat")
	lines, stop, _ := listen(t, b, server.URL+"/chat/events?after="+b.page.mark, nil)
	defer stop()
	until(t, lines, "event: left")
	next := startPage
	next.ID, next.Version = conversation.AskHints, 2
	b.shown(w, bot.Outgoing{Locale: "nl", State: conversation.Hints, Page: next})
	until(t, lines, "event: page")
	id, _ := strings.CutPrefix(until(t, lines, "id: "), "id: ")
	until(t, lines, "Staat Caps Lock uit?")

	again, stopAgain, _ := listen(t, b, server.URL+"/chat/events?after="+b.page.mark, map[string]string{"Last-Event-ID": id})
	defer stopAgain()
	if line := until(t, again, "event: "); line != "event: left" {
		t.Errorf("what the window has is sent again: %s", line)
	}
	w.Close()
	for range lines { // ends
	}
}

func TestStreamsAreBounded(t *testing.T) {
	w, _ := newWeb(t, web.Options{MaxStreams: 6})
	server := httptest.NewServer(w)
	defer server.Close()
	defer w.Close()
	one, two := newVisitor(t, w, "127.0.0.1:1", startPage), newVisitor(t, w, "127.0.0.1:1", startPage)
	count := func(b *browser) (open int, stops []func()) {
		for range 6 {
			lines, stop, status := listen(t, b, server.URL+"/chat/events", nil)
			if status == http.StatusOK {
				until(t, lines, "retry")
				open++
			}
			stops = append(stops, stop)
		}
		return open, stops
	}
	first, stops := count(one)
	second, _ := count(two)
	if first != 4 || second != 2 {
		t.Errorf("%d and %d streams, want 4 and 2", first, second)
	}
	for _, stop := range stops {
		stop()
	}
	deadline := time.Now().Add(10 * time.Second)
	for web.Streams(w) > 2 {
		if time.Now().After(deadline) {
			t.Fatalf("%d streams are still open", web.Streams(w))
		}
		runtime.Gosched()
	}
}

func TestErasingEndsTheConversationAndForgetsTheVisitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *web.Options) {
			o.Kiosks = map[string]netip.Prefix{"ward": netip.MustParsePrefix("10.1.2.3/32")}
		})
		b := w.browser()
		w.identify(b, "m.devries")
		if !strings.Contains(b.page.source, `<dialog id="kiosk"`) || strings.Contains(b.page.source, "one-time-code") {
			t.Error("the page does not know that it is on a kiosk")
		}
		var user conversation.User
		for _, c := range b.cookies {
			user = web.UserOfCookie(w.web, c.Value)
		}
		b.post("/chat/erase", nil)
		b.sees("Dit scherm is gewist")
		if len(b.cookies) != 0 {
			t.Error("the cookie is still there")
		}
		c, err := w.store.Conversation(t.Context(), user)
		if err != nil || c.State != conversation.Cancelled {
			t.Errorf("the conversation is on %s, %v", c.State, err)
		}
		b.get("/chat")
		b.sees("Waarmee kan ik u helpen?")
	})
}

func TestAnotherSiteCannotEraseAScreenByALink(t *testing.T) {
	w, _ := newWeb(t, web.Options{})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	b.request(http.MethodGet, "/chat/erased", nil, map[string]string{"Sec-Fetch-Site": "cross-site"})
	if len(b.cookies) != 1 {
		t.Error("the cookie is gone")
	}
	b.request(http.MethodGet, "/chat/erased", nil, nil)
	if len(b.cookies) != 0 {
		t.Error("the cookie is still there")
	}
}

func TestAnAnswerThatCouldNotBeStoredLeavesThePage(t *testing.T) {
	w, _ := newWeb(t, web.Options{})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	b.shown(w, bot.Outgoing{Locale: "nl", Page: conversation.Page{ID: conversation.SayTrouble}})
	b.get("/chat")
	b.sees("Uw laatste antwoord is niet aangekomen.")
	if _, ok := b.page.button("reset"); !ok {
		t.Error("the answer cannot be given again")
	}
}

func TestTheBrowsersLanguageIsSpoken(t *testing.T) {
	synctest.Test(t, testLanguages)
}

func testLanguages(t *testing.T) {
	w, f := newWeb(t, web.Options{})
	for header, want := range map[string]string{
		"": "nl", "fr-FR,fr;q=0.9": "nl", "en-GB,en;q=0.9,nl;q=0.8": "en", "de, nl;q=0.5, en;q=0.1": "nl", "EN": "en",
	} {
		b := newcomer(t, w, "10.0.0.1:1")
		b.header["Accept-Language"] = header
		b.request(http.MethodGet, "/chat", nil, nil)
		got := f.received()
		if locale := got[len(got)-1].From.Locale; locale != want {
			t.Errorf("%q: %s, want %s", header, locale, want)
		}
	}
}
