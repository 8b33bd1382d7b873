package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"resetbot/employee"
)

// These tests attack the running program from outside, over HTTP and TCP. Who is
// attacked is on some page; whatever is tried, they are on it afterwards, and go
// on as if nothing had been.

// looks is what somebody sees, but for the minutes that are left.
func looks(w *employee.Window) string { return minutes.ReplaceAllString(w.Page.Text, "nog N minuten") }

var minutes = regexp.MustCompile(`nog \d+ minu(ut|ten)`)

// bad is a request that nobody's browser sends.
type bad struct {
	method, path string
	header       map[string]string
	body         string
}

// asks is a request without a body, posts one with a form.
func asks(method, path string) bad { return bad{method: method, path: path} }

func posts(path string, values url.Values) bad {
	return bad{method: http.MethodPost, path: path, body: values.Encode()}
}

// with has the request say more: pairs of a header's name and its value.
func (b bad) with(pairs ...string) bad {
	header := maps.Clone(b.header)
	if header == nil {
		header = map[string]string{}
	}
	for i := 0; i < len(pairs); i += 2 {
		header[pairs[i]] = pairs[i+1]
	}
	b.header = header
	return b
}

// says has it say something else than the form.
func (b bad) says(body string) bad {
	b.body = body
	return b
}

// send sends it with the cookies of w.
func (b bad) send(t *testing.T, p *program, w *employee.Window) employee.Page {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), b.method, p.base+b.path, strings.NewReader(b.body))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range b.header {
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
			for _, c := range w.Cookies() { // which the client keeps for the other host's name
				r.AddCookie(c)
			}
		}
	}
	other := *w // the window that is attacked does not change
	must(t, other.Send(r))
	return other.Page
}

func TestWhatNoBrowserSendsIsAnsweredByAClearPageAndTakesNoStep(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	w, stranger := p.visit(marieke), p.visit(marieke)
	start := w.Page
	must(t, w.Press(t.Context(), "Wachtwoord vergeten"))
	before := looks(w)
	forgot, err := start.Press("Wachtwoord vergeten")
	must(t, err)
	cancel, err := w.Page.Press("Annuleren")
	must(t, err)
	planted, err := stranger.Page.Press("Iets anders")
	must(t, err)
	const (
		earlier   = "Die knop hoort bij een eerder bericht"
		nothing   = "Er is niets veranderd"
		plainText = "Ik kan alleen gewone tekst lezen"
		still     = "Wie bent u?"
	)
	stop, stray := posts("/chat", cancel.Values), posts("/chat", url.Values{"choice": {"cancel"}})
	offered := url.Values{"token": cancel.Values["token"], "choice": {"done"}}
	for name, test := range map[string]struct {
		bad
		status int
		answer string
	}{
		"PUT":                      {asks("PUT", "/chat").says(cancel.Values.Encode()), 405, nothing},
		"DELETE":                   {asks("DELETE", "/chat"), 405, nothing},
		"GET to erase":             {asks("GET", "/chat/erase"), 405, nothing},
		"PATCH of a one-time page": {asks("PATCH", "/p/x"), 405, nothing},
		"DELETE of a notice":       {asks("DELETE", "/n/x"), 405, nothing},

		"an address that is none":    {asks("GET", "/chats"), 404, "Ga naar de chat"},
		"a one-time page of nowhere": {asks("GET", "/p/x"), 404, "Deze pagina werkt niet meer"},
		"a choice in a link":         {asks("GET", "/chat?"+cancel.Values.Encode()), 200, still},

		"another site's form":                         {stop.with("Sec-Fetch-Site", "cross-site"), 403, nothing},
		"a neighbour's form":                          {stop.with("Sec-Fetch-Site", "same-site"), 403, nothing},
		"another site's form, in an old browser":      {stop.with("Origin", "https://evil.example"), 403, nothing},
		"a sandboxed frame's form, in an old browser": {stop.with("Origin", "null"), 403, nothing},
		"another port's form, in an old browser":      {stop.with("Origin", "http://127.0.0.1:1"), 403, nothing},
		"another site erases": {
			posts("/chat/erase", nil).with("Sec-Fetch-Site", "cross-site"), 403, nothing,
		},

		"no token":            {stray, 200, earlier},
		"a planted token":     {posts("/chat", planted.Values), 200, earlier},
		"an old tab":          {posts("/chat", forgot.Values), 200, still},
		"a choice of no page": {posts("/chat", offered), 200, still},

		"an empty body": {posts("/chat", nil), 200, still},
		"no form":       {stop.says("text=%zz"), 400, plainText},
		"10 MB":         {stop.says("text=" + strings.Repeat("a", 10<<20)), 413, plainText},
		"10 MB of another kind": {
			stop.with("Content-Type", "application/json").says(strings.Repeat("[", 10<<20)), 200, still,
		},
	} {
		t.Run(name, func(t *testing.T) {
			page := test.send(t, p, w)
			if page.Status != test.status || page.Heading == "" || !strings.Contains(page.Text, test.answer) {
				t.Errorf("answered with %d:\n%s", page.Status, page.Text)
			}
			must(t, w.Look(t.Context()))
			if got := without(looks(w), earlier, "Sorry, dat begreep ik niet"); got != before {
				t.Errorf("it took a step, from\n%s\nto\n%s", before, got)
			}
		})
	}
	must(t, w.Fill(t.Context(), map[string]string{"name": marieke.User}))
	must(t, w.Await(t.Context()))
	if !w.Sees("contact moeten opnemen") {
		t.Errorf("the person cannot go on:\n%s", w.Page.Text)
	}
	p.wellBehaved()
}

// without is a page but for the paragraphs that say one of these.
func without(page string, says ...string) string {
	lines := strings.Split(page, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		return slices.ContainsFunc(says, func(s string) bool { return strings.Contains(line, s) })
	}), "\n")
}

func TestBackSubmittedTwiceAndTwoTabsTakeEachStepOnce(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	w := p.visit(marieke)
	start := w.Page
	forgot, err := start.Press("Wachtwoord vergeten")
	must(t, err)
	var both sync.WaitGroup
	for range 2 { // a double click
		again := *w
		both.Go(func() {
			if err := again.Submit(t.Context(), forgot); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	must(t, w.Look(t.Context()))
	if !w.Sees("Wie bent u?") || w.Sees("eerder bericht") {
		t.Errorf("after a double click:\n%s", w.Page.Text)
	}
	w.Show(start) // the back button
	must(t, w.Press(t.Context(), "Iets anders"))
	if !w.Sees("Die knop hoort bij een eerder bericht") || !w.Sees("Wie bent u?") {
		t.Errorf("after the back button:\n%s", w.Page.Text)
	}
	tab, err := w.Tab(t.Context())
	must(t, err)
	if looks(tab) != looks(w) {
		t.Errorf("two tabs show\n%s\nand\n%s", w.Page.Text, tab.Page.Text)
	}
	must(t, tab.Fill(t.Context(), map[string]string{"name": marieke.User}))
	must(t, tab.Await(t.Context()))
	must(t, w.Fill(t.Context(), map[string]string{"name": "p.bakker"})) // in the tab that is behind
	must(t, w.Await(t.Context()))
	if !w.Sees("contact moeten opnemen") || !w.Sees("eerder bericht") {
		t.Errorf("the tab that was behind shows\n%s", w.Page.Text)
	}
	must(t, w.Prove(t.Context(), employee.SMS))
	must(t, tab.Look(t.Context()))
	must(t, tab.Prove(t.Context(), employee.AppCode))
	must(t, w.Look(t.Context()))
	must(t, w.Choose(t.Context(), mariekesNew))
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}

// proved walks somebody to the page for the new password.
func (p *program) proved(who employee.Person) *employee.Window {
	p.t.Helper()
	w := p.visit(who)
	must(p.t, w.Identify(p.t.Context()))
	must(p.t, w.Prove(p.t.Context(), employee.SMS))
	must(p.t, w.Prove(p.t.Context(), employee.AppCode))
	return w
}

// mails are the letters that came, oldest first.
func (p *program) mails(who employee.Person) (mails []string) {
	p.t.Helper()
	entries, err := employee.NewPhone(p.base, who.Number).List(p.t.Context())
	must(p.t, err)
	for _, e := range entries {
		if e.Kind == employee.KindMail {
			mails = append(mails, e.Text)
		}
	}
	return mails
}

// notice is where the newest letter that has a button leads.
func (p *program) notice(who employee.Person) (path string) {
	p.t.Helper()
	for _, mail := range p.mails(who) {
		if link := noticeLink.FindString(mail); link != "" {
			path = strings.TrimPrefix(link, p.base)
		}
	}
	if path == "" {
		p.t.Fatal("no letter has a link")
	}
	return path
}

var noticeLink = regexp.MustCompile(`https?://\S+/n/[A-Za-z0-9_-]+`)

// told waits until n letters came.
func (p *program) told(who employee.Person, n int) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); len(p.mails(who)) < n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%d letters came within a minute, want %d", len(p.mails(who)), n)
		}
	}
}

func TestAC64_APasswordIsInNoFileAndNoLog(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty}, "#log_level: info", "log_level: debug")
	w := p.proved(marieke)
	page, err := w.OpenEntry(t.Context())
	must(t, err)
	token := strings.TrimPrefix(page.Page.Address.Path, "/p/")
	secrets := []string{mariekesNew, "welkom2026welkom!", "geheim in de chat getypt", token}
	for _, c := range w.Cookies() {
		secrets = append(secrets, c.Value)
	}
	must(t, page.TypePassword(t.Context(), w, secrets[1]))
	must(t, w.Look(t.Context()))
	posts("/chat", url.Values{"text": {secrets[2]}}).send(t, p, w)
	must(t, w.Look(t.Context()))
	must(t, w.Choose(t.Context(), mariekesNew))
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	search := func(where, text string) {
		for _, secret := range secrets {
			if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
				t.Errorf("%q is in %s", secret, where)
			}
		}
	}
	search("the chat", w.Page.Source)
	p.end(syscall.SIGTERM)
	search("the log", p.log.String())
	files := 0
	must(t, filepath.WalkDir(filepath.Dir(p.config), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Type()&fs.ModeSocket != 0 {
			return err
		}
		text, err := os.ReadFile(file)
		search(filepath.Base(file), string(text))
		files++
		return err
	}))
	if files < 4 { // the configuration, the store, its keys, the people's state
		t.Errorf("only %d files were searched", files)
	}
}

func TestAC65_WhereARequestSaysItGoesChangesNoLink(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	w := p.proved(marieke)
	elsewhere := []string{
		"Host", "evil.example", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "gopher",
		"Forwarded", "host=evil.example;proto=gopher", "X-Original-URL", "https://evil.example/",
	}
	page := asks("GET", "/chat").with(elsewhere...).send(t, p, w)
	if strings.Contains(page.Source, "evil") || !strings.Contains(page.Source, p.base+"/p/") {
		t.Errorf("the page links elsewhere:\n%s", page.Source)
	}
	newest, err := page.Press("Nieuwe pagina voor het wachtwoord")
	must(t, err)
	posts("/chat", newest.Values).with(elsewhere...).send(t, p, w) // which makes a new link
	must(t, w.Look(t.Context()))
	if strings.Contains(w.Page.Source, "evil") {
		t.Errorf("the page links elsewhere:\n%s", w.Page.Source)
	}
	must(t, w.Choose(t.Context(), mariekesNew))
	p.told(marieke, 2)
	for _, mail := range p.mails(marieke) {
		if strings.Contains(mail, "evil") || noticeLink.MatchString(mail) && !strings.Contains(mail, p.base+"/n/") {
			t.Errorf("a letter links elsewhere:\n%s", mail)
		}
	}
}

func TestAC66_RobotsThatOpenLinksUseNothingUpAndAReplayedFormDoesNothing(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	w := p.proved(marieke)
	page, err := w.OpenEntry(t.Context())
	must(t, err)
	robot := func(path string) {
		t.Helper()
		for range 10 {
			for _, method := range []string{"GET", "HEAD"} {
				preview := asks(method, path).with("User-Agent", "SkypeUriPreview Preview/0.5")
				got := preview.send(t, p, p.visit(marieke))
				if got.Status != http.StatusOK {
					t.Fatalf("%s %s: %d", method, path[:3], got.Status)
				}
			}
		}
	}
	before := looks(w)
	robot(page.Page.Address.Path)
	must(t, w.Look(t.Context()))
	if looks(w) != before {
		t.Errorf("looking changed the chat:\n%s", w.Page.Text)
	}
	form, err := page.Page.Enter(map[string]string{
		"password": mariekesNew, "confirm": mariekesNew, "word": w.Page.Strong[1],
	})
	must(t, err)
	must(t, page.Submit(t.Context(), form))
	must(t, page.Await(t.Context()))
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	form.Values.Set("password", "een ander wachtwoord dan net")
	form.Values.Set("confirm", "een ander wachtwoord dan net")
	for range 3 { // the form of before, sent again with another password
		must(t, page.Submit(t.Context(), form))
		must(t, page.Await(t.Context()))
	}
	p.signsIn("m.devries", mariekesNew, "een ander wachtwoord dan net")

	p.told(marieke, 2)
	link := p.notice(marieke)
	robot(link)
	p.signsIn("m.devries", mariekesNew, mariekesOld)
}

func TestAC67_ANameThatIsMarkupIsPlainTextInPagesAndLetters(t *testing.T) {
	t.Parallel()
	const name = `<script>alert(1)</script> <@everyone> *b* [k](http://evil.example) =1+1`
	file := filepath.Join(t.TempDir(), "people.yaml")
	must(t, os.WriteFile(file, []byte("- {id: 00000000-0000-4000-8000-000000000001, upn: x@rijnzicht.example,\n"+
		"  names: {given: Xaver, family: Yperen, display: "+strconv.Quote(name+"\u202e")+"},\n"+
		"  mobile: +31 612345613, password: lampion-vijver-oktober, authenticator: "+marieke.Secret+"}\n"), 0o600))
	p := serveSample(t, []string{hasty}, "  type: demo\n", "  type: demo\n  file: "+file+"\n")
	who := marieke
	who.User = "x@rijnzicht.example"
	w := p.proved(who)
	page, err := w.OpenEntry(t.Context())
	must(t, err)
	for where, page := range map[string]employee.Page{"the chat": w.Page, "the one-time page": page.Page} {
		if !strings.Contains(page.Text, name) {
			t.Errorf("%s does not show the name as it is:\n%s", where, page.Text)
		}
		if strings.Contains(page.Source, "<script>alert") || strings.Contains(page.Source, "\u202e") {
			t.Errorf("the name is markup in %s", where)
		}
		for _, link := range page.Links {
			if strings.Contains(link, "evil") {
				t.Errorf("%s links to %s", where, link)
			}
		}
	}
	must(t, w.Choose(t.Context(), mariekesNew))
	p.told(who, 2)
	for _, mail := range p.mails(who) {
		if strings.Contains(mail, "\u202e") {
			t.Errorf("a letter is turned around:\n%s", mail)
		}
	}
	if strings.Contains(p.log.String(), "alert(1)") {
		t.Errorf("the name is in the log:\n%s", p.log)
	}
}

func TestAC74_TheOwnerIsToldByMailOfEveryThingThatMatters(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	var w *employee.Window
	phone := employee.NewPhone(p.base, marieke.Number)
	for _, step := range []struct {
		what string
		does func()
		link bool // the letter has a button "this was not me"
	}{
		{"a first proof", func() {
			w = p.visit(marieke)
			must(t, w.Identify(t.Context()))
			must(t, w.Prove(t.Context(), employee.SMS))
		}, true},
		{"a new password", func() {
			must(t, w.Prove(t.Context(), employee.AppCode))
			must(t, w.Choose(t.Context(), mariekesNew))
		}, true},
		{"a denied notification", func() {
			w = p.visit(marieke)
			must(t, w.Identify(t.Context()))
			must(t, phone.Skim(t.Context()))
			must(t, w.Press(t.Context(), "Een melding in de Authenticator-app"))
			n, err := phone.Next(t.Context(), employee.KindNotification)
			must(t, err)
			must(t, phone.Deny(t.Context(), n)) // which says already: it was not me
		}, false},
		{"a lock", func() { p.lock(marieke) }, true},
	} {
		before := len(p.mails(marieke))
		step.does()
		p.told(marieke, before+1)
		mails := p.mails(marieke)
		if step.link && !noticeLink.MatchString(mails[len(mails)-1]) {
			t.Errorf("the letter about %s has no button:\n%s", step.what, mails[len(mails)-1])
		}
		t.Logf("%s: %.80q", step.what, mails[len(mails)-1])
	}
}

// lock types wrong codes until the reset is locked for who is not in their own chat.
func (p *program) lock(who employee.Person) {
	p.t.Helper()
	w := p.visit(who)
	must(p.t, w.Identify(p.t.Context()))
	must(p.t, w.Press(p.t.Context(), "Een code invoeren"))
	locked := func() bool { return strings.Contains(w.Page.Heading, "kan nu even niet") }
	for code := 1; code <= 5 && !locked(); code++ {
		if !slices.Contains(w.Page.Fields, "code") { // three wrong ones, and it is chosen anew
			must(p.t, w.Press(p.t.Context(), "Een code invoeren"))
		}
		must(p.t, w.Fill(p.t.Context(), map[string]string{"code": fmt.Sprintf("%06d", code)}))
		must(p.t, w.Await(p.t.Context()))
	}
	if !locked() {
		p.t.Fatalf("nothing is locked:\n%s", w.Page.Text)
	}
}

func TestAC76_ALockOfTheResetNeverLocksTheSignIn(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	p.lock(marieke)
	for range 3 {
		p.signsIn("m.devries", mariekesOld, mariekesNew)
	}
	again := p.visit(marieke) // locked is the reset alone
	must(t, again.Press(t.Context(), "Wachtwoord vergeten"))
	must(t, again.Fill(t.Context(), map[string]string{"name": marieke.User}))
	must(t, again.Await(t.Context()))
	if _, err := again.Page.Press("Sms-bericht"); err == nil {
		t.Errorf("the lock is gone:\n%s", again.Page.Text)
	}
}

func TestAC82_ACaptchaIsForOneConversationAndOneTimeAndItsAnswerIsNowhere(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "captcha")
	p := serveSample(t, []string{hasty, "RESETBOT_TEST_CAPTCHA=" + file},
		"#captcha: {when: always}", "captcha: {when: always}", "#captcha_drawn: 20", "captcha_drawn: 6")
	answer := func() string {
		t.Helper()
		text, err := os.ReadFile(file)
		must(t, err)
		return string(text)
	}
	reads := func(w *employee.Window, typed string) {
		t.Helper()
		fields := map[string]string{"captcha": typed}
		if slices.Contains(w.Page.Fields, "name") { // it is asked once
			fields["name"] = marieke.User
		}
		must(t, w.Fill(t.Context(), fields))
		must(t, w.Await(t.Context()))
	}
	refused := func(w *employee.Window, what string) {
		t.Helper()
		if !w.Sees("De tekens klopten niet") {
			t.Fatalf("%s was taken:\n%s", what, w.Page.Text)
		}
	}
	begin := func() *employee.Window {
		t.Helper()
		w := p.visit(marieke)
		must(t, w.Press(t.Context(), "Wachtwoord vergeten"))
		return w
	}
	mine := begin()
	first := answer()
	inPage := strings.Contains(strings.ToUpper(mine.Page.Source), first)
	if len(mine.Page.Picture) == 0 || inPage || bytes.Contains(mine.Page.Picture, []byte(first)) {
		t.Error("there is no picture, or the answer is in the page")
	}
	other := begin()
	reads(other, first)
	refused(other, "another conversation's answer")
	reads(mine, "ZZZZZZ")
	refused(mine, "a wrong answer")
	second := answer()
	reads(mine, first)
	refused(mine, "the answer to an earlier picture")
	third := answer()
	reads(mine, strings.ToLower(third))
	if !mine.Sees("contact moeten opnemen") {
		t.Fatalf("the right answer was refused:\n%s", mine.Page.Text)
	}
	must(t, mine.Press(t.Context(), "Annuleren"))
	must(t, mine.Press(t.Context(), "Opnieuw beginnen"))
	if len(mine.Page.Picture) > 0 {
		reads(mine, third)
		refused(mine, "an answer that was used")
	}

	greedy := begin()
	for range 6 {
		if len(greedy.Page.Picture) == 0 {
			break
		}
		must(t, greedy.Press(t.Context(), "Nieuwe afbeelding"))
	}
	if len(greedy.Page.Picture) > 0 {
		t.Errorf("there are more than six pictures:\n%s", greedy.Page.Text)
	}
	for _, one := range []string{first, second, third} {
		if strings.Contains(p.log.String(), one) {
			t.Error("an answer is in the log")
		}
	}
}

func TestAClientThatSendsItsRequestDropByDropIsCutOff(t *testing.T) {
	s := &service{log: slog.New(slog.DiscardHandler)}
	server := s.server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}))
	within := func(got, most time.Duration) bool { return got > 0 && got <= most }
	if !within(server.ReadHeaderTimeout, 10*time.Second) || !within(server.ReadTimeout, 30*time.Second) ||
		!within(server.WriteTimeout, time.Minute) || !within(server.IdleTimeout, 5*time.Minute) ||
		server.MaxHeaderBytes > 64<<10 {
		t.Fatalf("the bounds are %+v", server)
	}
	server.ReadHeaderTimeout, server.IdleTimeout = 200*time.Millisecond, 200*time.Millisecond // not to wait for
	server.ReadTimeout = 400 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go func() { _ = server.Serve(l) }() // ends with the server
	t.Cleanup(func() { _ = server.Close() })
	for name, begins := range map[string]string{
		"nothing":  "",
		"a header": "POST /chat HTTP/1.1\r\nHost: x\r\n",
		"a body": "POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Content-Length: 1000\r\n\r\ntext=",
		"chunks": "POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n5\r\ntext=\r\n",
		"one request and then nothing": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drops(t, l.Addr().String(), begins)
		})
	}
}

// drops sends the beginning of a request, and then a byte every now and then,
// until the other side hangs up.
func drops(t *testing.T, address, begins string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	must(t, err)
	defer func() { _ = c.Close() }()
	_, err = io.WriteString(c, begins)
	must(t, err)
	hungUp := make(chan struct{})
	go func() {
		defer close(hungUp)
		_, _ = io.Copy(io.Discard, c) // until the other side is gone
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	end := time.After(5 * time.Second)
	for {
		select {
		case <-hungUp:
			return
		case <-tick.C:
			if begins != "" && !strings.HasPrefix(begins, "GET") {
				_, _ = io.WriteString(c, "a") // who hung up does not want it
			}
		case <-end:
			t.Fatal("it may go on for ever")
		}
	}
}

func TestManyClientsThatSaySlowlyWhatTheyWantKeepNobodyOut(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	const begins = "POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
		"Content-Length: 60000\r\n\r\ntext="
	for range 300 {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = io.WriteString(c, begins)
		must(t, err)
	}
	_, err := employee.Reset(t.Context(), p.base, marieke, employee.SMS, employee.AppCode, mariekesNew)
	must(t, err)
}
