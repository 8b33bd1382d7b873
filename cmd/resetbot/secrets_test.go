package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"

	"resetbot/employee"
)

// What is typed in these walks; every new password begins with the stem.
const (
	stem      = "kaars-molen-fiets"
	astray    = "olifant-marmot-ketting-73" // a password that is typed everywhere but where it belongs
	tooShort  = "krulsla-7"
	wrongCode = "739182"
	otherLine = "0691827364" // a number of nobody here
)

// ledger is what was typed and sent that must be found nowhere, and all that the
// program put out.
type ledger struct {
	mu       sync.Mutex
	texts    map[string]bool // in any encoding
	codes    map[string]bool // six digits, alone or in groups
	numbers  map[string]bool // nine digits, however they are parted
	answers  bytes.Buffer    // of HTTP, as they came
	links    map[string]bool // the last parts of one-time addresses: for pages alone
	receipts map[string]bool
	outputs  map[string][]byte
}

// RoundTrip keeps what a browser is answered: a page as its source, with all
// headers.
func (l *ledger) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		return answer, nil
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // it was read to the end
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = answer.Header.Write(&l.answers) // a buffer takes it
	l.answers.Write(body)
	for _, link := range regexp.MustCompile(`/[pn]/([A-Za-z0-9_-]{40,})`).FindAllSubmatch(body, -1) {
		l.links[string(link[1])] = true
	}
	for _, receipt := range pageReceipt.FindAll(body, -1) {
		l.receipts[string(receipt)] = true
	}
	return answer, nil
}

// codes are all six digits that stand by themselves, together or in two groups.
func codes(out []byte) iter.Seq[string] {
	digits := func(at int) bool {
		return at+3 <= len(out) && isDigit(out[at]) && isDigit(out[at+1]) && isDigit(out[at+2])
	}
	within := func(at int) bool { // a number with a point, or a word
		if at < 0 || at >= len(out) {
			return false
		}
		c := out[at]
		return c == '.' || c == '_' || isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	return func(yield func(string) bool) {
		for i := range out {
			if within(i-1) || !digits(i) {
				continue
			}
			for _, between := range []string{"", " ", "\u00a0", "\u202f", ".", "-"} {
				rest := i + 3 + len(between)
				if bytes.HasPrefix(out[i+3:], []byte(between)) && digits(rest) && !within(rest+3) &&
					!yield(string(out[i:i+3])+string(out[rest:rest+3])) {
					return
				}
			}
		}
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// leaks are the secrets that are in what was put out.
func (l *ledger) leaks(out []byte) (found []string) {
	for text := range l.texts {
		quoted, _ := json.Marshal(text)
		for _, form := range []string{
			text, strings.ToUpper(text), url.QueryEscape(text), url.PathEscape(text), string(quoted[1 : len(quoted)-1]),
			base64.RawStdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
			hex.EncodeToString([]byte(text)), strings.Trim(fmt.Sprint([]byte(text)), "[]"),
		} {
			if bytes.Contains(out, []byte(form)) {
				found = append(found, text)
				break
			}
		}
	}
	for code := range codes(out) {
		if l.codes[code] {
			found = append(found, code)
		}
	}
	closed := bytes.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-().", r) {
			return -1
		}
		return r
	}, out)
	for number := range l.numbers {
		if bytes.Contains(closed, []byte(number)) {
			found = append(found, number)
		}
	}
	return found
}

func TestTheLedgerFindsWhatItLooksFor(t *testing.T) {
	l := &ledger{
		texts: map[string]bool{astray: true}, codes: map[string]bool{wrongCode: true}, numbers: map[string]bool{otherLine[1:]: true},
	}
	for _, out := range []string{
		astray, url.QueryEscape("x " + astray), base64.StdEncoding.EncodeToString([]byte(astray)), fmt.Sprint([]byte(astray)),
		"code 739 182\n", `"739182"`, "+31691827364", "+31 (0)6 91 82 73 64", "06-91827364",
	} {
		if len(l.leaks([]byte(out))) == 0 {
			t.Errorf("nothing is found in %q", out)
		}
	}
	if found := l.leaks([]byte("*****64 a7391829 0.739182 2026-11-26 06918273")); len(found) > 0 {
		t.Errorf("found %q where it is not", found)
	}
}

// secretive is the program with a ledger, and people who come one after the other.
type secretive struct {
	*program
	*ledger
	staff []employee.Person
	came  int
}

// TestAC25_AC64_NoSecretIsInAnythingThatTheProgramPutsOut has people walk every walk
// of the web chat, with everything typed where it does not belong too, while the
// directory loses answers or is not there, the disk is full or fails, and the
// program is killed, or asked for the state of all that it is doing. Then what was
// typed and sent is looked for: in the source of every page, the log and whatever
// else was said to standard error, the metrics, the store and all files beside it, and
// what operators are told. (In package bot the same is done with every kind of
// failure of every part.)
func TestAC25_AC64_NoSecretIsInAnythingThatTheProgramPutsOut(t *testing.T) {
	t.Parallel()
	staff, file := colleagues(t, 30)
	lockOut(t, file, staff)
	s := &secretive{staff: staff, ledger: &ledger{
		texts:   map[string]bool{stem: true, astray: true, tooShort: true, mariekesOld: true, mariekesNew: true},
		codes:   map[string]bool{wrongCode: true},
		numbers: map[string]bool{otherLine[1:]: true}, links: map[string]bool{}, receipts: map[string]bool{},
		outputs: map[string][]byte{},
	}}
	for _, p := range staff {
		s.texts[p.Secret], s.numbers[p.Mobile[1:]] = true, true
	}
	s.program = serveSample(t, []string{hasty}, "  type: demo\n", "  type: demo\n  file: "+file+"\n",
		"    #trusted_proxies: []", "    trusted_proxies: [127.0.0.1]", "#log_level: info", "log_level: debug")
	s.walks()
	s.nextLife("the log", syscall.SIGTERM, hasty)
	for _, fault := range []string{"lost", "unwritten", "down"} {
		s.nextLife("the log before "+fault, syscall.SIGTERM, "RESETBOT_TEST_HASTE=1", "RESETBOT_DEMO_FAULT="+fault)
		s.failing(fault)
	}
	s.nextLife("the log of a directory that is down", syscall.SIGTERM, hasty)
	s.fullDisk()
	s.dumped()
	s.failedDisk()
	s.search()
}

// next is somebody who was not here yet.
func (s *secretive) next() (employee.Person, *employee.Window) {
	s.t.Helper()
	who := s.staff[s.came]
	who.Via = s.ledger
	s.came++
	return who, s.visit(who)
}

// nextLocked is as next, and was locked out.
func (s *secretive) nextLocked() (employee.Person, *employee.Window) {
	for errandOf(s.came) != toUnlock {
		s.came++
	}
	return s.next()
}

// walks are all walks of the web chat on which nothing fails but people.
func (s *secretive) walks() {
	ctx := s.t.Context()
	for n, ways := range manners {
		who, w := s.next()
		must(s.t, w.Identify(ctx))
		if n == 0 {
			s.clumsy(w)
		}
		must(s.t, w.Prove(ctx, ways[0]))
		must(s.t, w.Prove(ctx, ways[1]))
		s.astray(w)
		must(s.t, w.Choose(ctx, tooShort, fmt.Sprintf("%s-nummer-%d", stem, n)))
		s.noteTelephone(who)
		if n == 0 { // and it was not them
			s.disown(who)
		}
	}
	who, w := s.nextLocked()
	must(s.t, w.Press(ctx, "Ik weet mijn wachtwoord, maar kom er niet in"))
	must(s.t, w.Press(ctx, "Account ontgrendelen"))
	must(s.t, w.Fill(ctx, map[string]string{"name": who.User}))
	must(s.t, w.Await(ctx))
	must(s.t, w.Prove(ctx, employee.SMS))
	must(s.t, w.Prove(ctx, employee.AppCode))
	if !w.Sees(isUnlocked) {
		s.t.Errorf("after unlocking the page says:\n%s", w.Page.Text)
	}
	s.noteTelephone(who)
	_, w = s.next() // Microsoft's page, one step after the other
	must(s.t, w.Press(ctx, "Iets anders"))
	s.astray(w)
	for _, button := range []string{"Pagina van Microsoft", "Gelukt, volgende", "Het lukt niet"} {
		must(s.t, w.Press(ctx, button))
		s.astray(w)
	}
	s.outside()
}

// clumsy types a wrong number and a wrong code, and goes back.
func (s *secretive) clumsy(w *employee.Window) {
	ctx := s.t.Context()
	s.astray(w)
	must(s.t, w.Press(ctx, wayNames[employee.SMS]))
	must(s.t, w.Fill(ctx, map[string]string{"number": otherLine}))
	s.astray(w)
	must(s.t, w.Press(ctx, "Terug"))
	must(s.t, w.Press(ctx, wayNames[employee.AppCode]))
	must(s.t, w.Fill(ctx, map[string]string{"code": wrongCode}))
	must(s.t, w.Await(ctx))
	s.astray(w)
	must(s.t, w.Press(ctx, "Terug"))
}

// astray types in the chat what does not belong there.
func (s *secretive) astray(w *employee.Window) {
	for _, text := range []string{astray, "mijn wachtwoord is " + astray, "bel " + otherLine, "de code is " + wrongCode} {
		posts("/chat", url.Values{"text": {text}}).send(s.t.(*testing.T), s.program, w)
	}
	must(s.t, w.Look(s.t.Context()))
	must(s.t, w.Await(s.t.Context()))
}

// outside sends what no browser does, with something secret in every place.
func (s *secretive) outside() {
	_, w := s.next()
	for _, request := range []bad{
		asks("GET", "/p/"+astray), asks("GET", "/n/"+astray), asks("POST", "/n/"+astray), asks("GET", "/"+astray),
		asks("GET", "/chat?password="+astray), asks("GET", "/chat").with("Cookie", "visitor="+astray, "Referer", "http://x/"+astray),
		asks("DELETE", "/chat/"+astray).with("User-Agent", astray), posts("/chat", url.Values{"token": {astray}, "choice": {astray}}),
		posts("/chat", url.Values{astray: {astray}, "password": {astray}}), posts("/chat", nil).says("text=%zz" + astray),
	} {
		request.send(s.t.(*testing.T), s.program, w)
	}
	// Pages do not repeat what was typed, but for the address that they are at.
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	s.outputs["pages"] = append(s.outputs["pages"], l.answers.Bytes()...)
	l.answers.Reset()
}

// disown says that a new password is nobody's.
func (s *secretive) disown(who employee.Person) {
	s.program.told(who, 2)
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+s.notice(who), nil)
	must(s.t, err)
	r.Header.Set("Origin", s.base)
	answer, err := (&http.Client{Transport: s.ledger}).Do(r)
	must(s.t, err)
	_ = answer.Body.Close() // the ledger has it
	s.program.told(who, 3)
}

// noteTelephone notes what came on a telephone, and what its app showed.
func (s *secretive) noteTelephone(who employee.Person) {
	entries, err := employee.NewPhone(s.base, who.Number).List(s.t.Context())
	must(s.t, err)
	for _, e := range entries {
		if e.Code != "" {
			s.codes[e.Code] = true
		}
		if e.Kind == employee.KindMail {
			s.outputs["letters"] = append(s.outputs["letters"], e.Text...)
			for _, link := range regexp.MustCompile(`/n/([A-Za-z0-9_-]{40,})`).FindAllStringSubmatch(e.Text, -1) {
				s.links[link[1]] = true
			}
		}
	}
}

// failing are walks while the directory fails.
func (s *secretive) failing(fault string) {
	ctx := s.t.Context()
	who, w := s.next()
	if fault == "down" {
		must(s.t, w.Press(ctx, "Wachtwoord vergeten"))
		must(s.t, w.Fill(ctx, map[string]string{"name": who.User}))
		must(s.t, w.Await(ctx))
		s.astray(w)
		return
	}
	must(s.t, w.Identify(ctx))
	must(s.t, w.Prove(ctx, employee.SMS))
	must(s.t, w.Prove(ctx, employee.AppCode))
	page, err := w.OpenEntry(ctx)
	must(s.t, err)
	must(s.t, page.TypePassword(ctx, w, stem+"-"+fault))
	must(s.t, w.Look(ctx))
	must(s.t, w.Await(ctx))
	s.noteTelephone(who)
	if !w.Sees(map[string]string{"lost": isActive, "unwritten": notChanged}[fault]) {
		s.t.Errorf("with %s the page says:\n%s", fault, w.Page.Text)
	}
}

// typed opens the one-time page for somebody who proved who they are, and gives its
// form, filled in.
func (s *secretive) typed(password string) (*employee.Window, employee.Submission) {
	ctx := s.t.Context()
	who, w := s.next()
	must(s.t, w.Identify(ctx))
	must(s.t, w.Prove(ctx, employee.SMS))
	must(s.t, w.Prove(ctx, employee.AppCode))
	s.noteTelephone(who)
	page, err := w.OpenEntry(ctx)
	must(s.t, err)
	form, err := page.Page.Enter(map[string]string{"password": password, "confirm": password, "word": w.Page.Strong[1]})
	must(s.t, err)
	return page, form
}

// fullDisk has the store refuse what is typed.
func (s *secretive) fullDisk() {
	page, form := s.typed(stem + "-volle-schijf")
	stop, err := trace(s.t.Context(), s.child.Process.Pid, "pwrite64", "error=ENOSPC")
	if err != nil {
		s.t.Log(err)
		return
	}
	defer stop()
	must(s.t, page.Submit(s.t.Context(), form))
	if !strings.Contains(s.log.String(), "no space left") {
		s.t.Error("the disk was not full")
	}
}

// dumped asks the program, while it hashes a password, for all that its goroutines
// are doing; which ends it.
func (s *secretive) dumped() {
	page, form := s.typed(stem + "-in-paniek")
	answered, began := make(chan struct{}), time.Now()
	go func() {
		defer close(answered)
		_ = page.Submit(s.t.Context(), form) // nobody may be there to answer
	}()
	s.stepped(began)
	must(s.t, s.child.Process.Signal(syscall.SIGQUIT))
	_ = s.child.Wait() // with exit code 2
	<-answered
	if !strings.Contains(s.log.String(), "goroutine ") {
		s.t.Errorf("there is no dump:\n%s", s.log)
	}
	s.outputs["the dump"] = []byte(s.log.String())
	s.start()
}

// stepped waits until the program has stored something that it has to do.
func (s *secretive) stepped(since time.Time) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		store, err := os.Stat(filepath.Join(filepath.Dir(s.program.config), "resetbot.db"))
		must(s.t, err)
		switch {
		case store.ModTime().After(since):
			return
		case time.Now().After(end):
			s.t.Fatal("nothing is stored")
		}
	}
}

// failedDisk has an fsync fail, which ends the program.
func (s *secretive) failedDisk() {
	page, form := s.typed(stem + "-kapotte-schijf")
	s.measured()
	s.operators()
	stop, err := trace(s.t.Context(), s.child.Process.Pid, "fdatasync", "error=EIO")
	if err != nil {
		s.t.Log(err)
		s.end(syscall.SIGKILL)
	} else {
		_ = page.Submit(s.t.Context(), form) // it may end before it has answered
		_ = s.child.Wait()
		stop()
	}
	s.outputs["last words"] = []byte(s.log.String())
}

// nextLife ends the program, keeps what it said, and starts it otherwise.
func (s *secretive) nextLife(name string, how syscall.Signal, env ...string) {
	s.measured()
	s.end(how)
	s.outputs[name] = []byte(s.log.String())
	s.env = env
	s.start()
}

// measured keeps the metrics.
func (s *secretive) measured() {
	s.t.Helper()
	_, metrics := get(s.t.(*testing.T), fmt.Sprint("http://", s.log.line(s.t, "serving")["admin_listen"], "/metrics"))
	s.outputs["the metrics"] = append(s.outputs["the metrics"], metrics...)
}

// operators keeps all that operators can ask for.
func (s *secretive) operators() {
	s.t.Helper()
	asked := [][]string{
		{"audit", "show"},
		{"audit", "show", "--json"},
		{"audit", "export"},
		{"audit", "verify"},
		{"keys", "show"},
		{"case", astray},
		{"unfreeze", astray},
		{"audit", "accept-restore"},
	}
	for _, receipt := range slices.Sorted(maps.Keys(s.receipts)) {
		asked = append(asked, []string{"case", receipt}, []string{"case", receipt, "--lang", "en"})
	}
	for _, args := range asked {
		name := "resetbot " + args[0]
		out, _ := command(s.t, nil, append(args, "-config", s.program.config)...).CombinedOutput() // some are refused
		if args[len(args)-1] != astray {                                                           // which may be quoted
			s.outputs[name] = append(s.outputs[name], out...)
		}
	}
}

// search looks through everything.
func (s *secretive) search() {
	s.t.Helper()
	s.outputs["pages"] = append(s.outputs["pages"], s.answers.Bytes()...)
	must(s.t, filepath.WalkDir(filepath.Dir(s.program.config), func(path string, d fs.DirEntry, err error) error {
		switch name := filepath.Base(path); {
		case err != nil || d.IsDir() || d.Type()&fs.ModeSocket != 0:
			return err
		case name == "resetbot.yaml", name == "resetbot.key", strings.Contains(name, "telephones"), strings.Contains(name, "phones"):
			return nil // the telephones are the people's
		default:
			text, err := os.ReadFile(path)
			s.outputs[name] = text
			return err
		}
	}))
	for _, name := range []string{
		"pages", "letters", "the log", "the log of a directory that is down", "the dump", "last words", "the metrics",
		"resetbot audit", "resetbot case", "resetbot keys", "resetbot.db", "resetbot.key.head",
	} {
		if len(s.outputs[name]) == 0 {
			s.t.Errorf("%s is empty", name)
		}
	}
	if len(s.codes) < 8 || len(s.links) < 8 || len(s.receipts) < 8 {
		s.t.Errorf("only %d codes, %d links and %d receipts were there", len(s.codes), len(s.links), len(s.receipts))
	}
	for name, out := range s.outputs {
		for _, found := range s.leaks(out) {
			s.t.Errorf("%q is in %s", found, name)
		}
	}
	for link := range s.links { // a link is for its page alone
		for name, out := range s.outputs {
			if name != "pages" && name != "letters" && bytes.Contains(out, []byte(link)) {
				s.t.Errorf("a link is in %s", name)
			}
		}
	}
}
