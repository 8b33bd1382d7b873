package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resetbot/employee"
)

// A stranger in the web chat may not learn whether an account exists. Here each
// account of every kind is tried over HTTP, at the same time as a name that nobody
// has; what came back is compared byte by byte, and so is how long it took.
//
//	RESETBOT_ORACLE=200 go test ./cmd/resetbot -run TestAC01_AC02 -v -timeout 30m
//
// tries 200 accounts of each kind, each with its own name that nobody has. Without,
// there are as many as there are ways, or half of that with the race detector.

// exposed are kinds of accounts, and what makes them so in a file of people.
var exposed = []struct{ name, is string }{
	{"known", "mobile, authenticator"},
	{"disabled", "mobile, authenticator, disabled"},
	{"locked by the directory", "mobile, authenticator, locked"},
	{"not eligible", "mobile, authenticator, expired"},
	{"privileged", "mobile, authenticator, privileged"},
	{"without methods", ""},
	{"telephone only", "mobile"},
	{"app only", "authenticator"},
	{frozen, "mobile, authenticator"},
	{noAccount, ""}, // a name beside another: what is only chance shows here too
}

const (
	frozen    = "frozen"
	noAccount = "nobody"
)

// approaches are what a stranger does before the first proof, by a name; each
// step is a verb and what it is about:
//
//	press   a button of the page
//	await   the same, for one after which a telephone or an app is waited for
//	name, number, code   a field of the page. {name} is the account's; {right} is
//	        its number if it has one, {wrong} is another that ends on the digits shown
//	say     a typed message
var approaches = []struct {
	name, last string // last is a heading or words of the page that it ends on
	steps      []string
}{
	{"text message, wrong numbers", "geblokkeerd", []string{
		"press Wachtwoord vergeten", "name {name}", "press Sms-bericht", "number 12", "number 0800 1234",
		"number {other}", "number {wrong}", "code 12", "code 000001", "code 000001", "code 000002",
		"press opnieuw", "code 000003", "code 000004", "code 000005",
	}},
	{"text message, right number", "geblokkeerd", []string{
		"press Wachtwoord vergeten", "name {name}", "press Sms-bericht", "number {right}", "code 000001",
		"code 000002", "code 000003", "press Sms-bericht", "number {right}", "code 000004", "code 000005",
	}},
	{"call", "", []string{
		"press Wachtwoord vergeten", "name {name}", "press bellen", "await number {right}",
		"press bellen", "number 12", "say help", "say blah",
	}},
	{"notification", "", []string{
		"press Wachtwoord vergeten", "name {name}", "await press Een melding",
		"press Een code invoeren", "code 000001", "say servicedesk",
	}},
	{"app code", "geblokkeerd", []string{
		"press Wachtwoord vergeten", "name {name}", "press Een code invoeren", "code 12", "code 000001",
		"code 000002", "code 000003", "press Een code invoeren", "code 000004", "code 000005",
		"press Opnieuw beginnen", "name {name}",
	}},
	{"to and fro", "", []string{
		"say ik ben mijn wachtwoord vergeten", "name  RIJNZICHT\\{name} ", "say english", "say nederlands", "say 1",
		"say terug", "say 4", "say 000001", "press Andere manier", "say 1", "say {wrong}", "press Adres verbeteren",
		"name {name}@RIJNZICHT.example", "say ik heb mijn telefoon niet bij me",
	}},
}

// tried is somebody whom a stranger tries: an account, or a name that nobody has.
type tried struct {
	employee.Person
	kind string
}

// targets are n of each kind and, of the same length, n names that nobody has;
// file is where the accounts stand. All come from addresses of their own.
func targets(t *testing.T, n int) (pairs [][2]tried, file string) {
	t.Helper()
	var text strings.Builder
	for i, kind := range exposed {
		for j := range n {
			at := i*n + j
			who := func(prefix string, net int) tried {
				return tried{employee.Person{
					User: fmt.Sprintf("%s.%05d", prefix, at), Mobile: fmt.Sprintf("06123%05d", at),
					From: fmt.Sprintf("10.%d.%d.%d", net, at/250, at%250+1),
				}, kind.name}
			}
			account, none := who("medewerker", 20), who("niemand.is", 21)
			pairs = append(pairs, [2]tried{account, none})
			if kind.name != noAccount {
				fmt.Fprintf(&text, "- {id: 00000000-0000-4000-8000-%012d, names: {given: Jo, family: Xantippe}, "+
					"upn: %s@rijnzicht.example%s}\n", at, account.User, pairs[len(pairs)-1][0].is(kind.is))
			}
		}
	}
	file = filepath.Join(t.TempDir(), "people.yaml")
	must(t, os.WriteFile(file, []byte(text.String()), 0o600))
	return pairs, file
}

// is writes what makes an account of its kind.
func (a *tried) is(kind string) string {
	var b strings.Builder
	for key := range strings.SplitSeq(kind, ", ") {
		switch key {
		case "":
		case "mobile":
			a.Number = "+31" + strings.TrimPrefix(a.Mobile, "0")
			fmt.Fprintf(&b, ", mobile: %q", a.Number)
		case "authenticator":
			a.Secret = marieke.Secret
			fmt.Fprintf(&b, ", authenticator: %s", a.Secret)
		default:
			fmt.Fprintf(&b, ", %s: true", key)
		}
	}
	return b.String()
}

// A stranger walks one approach, and keeps what came back.
type stranger struct {
	*employee.Window
	tried
	steps []seenStep
	tape  *tape
}

// seenStep is a step, what came back for it, and how long that took.
type seenStep struct {
	does    string
	saw     []string
	passing []string // what passes by itself, which a slow browser does not see at all
	took    time.Duration
}

// try walks an approach to its end.
func (p *program) try(ctx context.Context, who tried, steps []string) (*stranger, error) {
	s := &stranger{tried: who, tape: &tape{name: who.User}}
	who.Via = s.tape
	var err error
	first := func(ctx context.Context) error {
		s.Window, err = employee.Visit(ctx, p.base, who.Person)
		return err
	}
	if err := s.step("open", func() error { return first(ctx) }); err != nil {
		return s, err
	}
	for _, does := range steps {
		if err := s.step(does, func() error { return s.do(ctx, does) }); err != nil {
			return s, fmt.Errorf("%s: %w", does, err)
		}
	}
	return s, nil
}

// step keeps what came back while something was done.
func (s *stranger) step(does string, do func() error) error {
	began := time.Now()
	err := do()
	took := time.Since(began)
	saw, passing := s.tape.take()
	s.steps = append(s.steps, seenStep{does, saw, passing, took})
	return err
}

var shownDigits = regexp.MustCompile(`\*{5}(\d\d)`)

// do does one step.
func (s *stranger) do(ctx context.Context, does string) error {
	verb, what, _ := strings.Cut(strings.TrimPrefix(does, "await "), " ")
	if found := shownDigits.FindStringSubmatch(s.Page.Text); found != nil {
		number, ends := s.Mobile, found[1]
		if s.Number == "" {
			number = "06555555" + ends
		}
		last, err := strconv.Atoi(ends)
		if err != nil {
			return err
		}
		other := fmt.Sprintf("06555556%02d", (last+1)%100)
		what = strings.NewReplacer("{right}", number, "{wrong}", "06555557"+ends, "{other}", other).Replace(what)
	}
	what = strings.ReplaceAll(what, "{name}", s.User)
	var err error
	switch verb {
	case "press":
		err = s.Press(ctx, what)
	case "say":
		err = s.Fill(ctx, map[string]string{"text": what})
	default:
		err = s.Fill(ctx, map[string]string{verb: what})
	}
	if err != nil {
		return err
	}
	return s.Await(ctx)
}

// transcript is all that came back; of a page that passes, what the other saw too.
func (s *stranger) transcript(other *stranger) string {
	var b strings.Builder
	for i, step := range s.steps {
		fmt.Fprintf(&b, "== %s\n%s\n", step.does, s.tape.masked(step.saw))
		if i < len(other.steps) && len(other.steps[i].passing) > 0 && len(step.passing) > 0 {
			fmt.Fprintf(&b, "-- passing:\n%s\n", s.tape.masked(step.passing))
		}
	}
	return b.String()
}

// tape keeps what a server answers, as far as it does not differ by chance. It
// is for one browser.
type tape struct {
	name string

	mu           sync.Mutex
	saw, passing []string
}

// take gives what was kept since the last time. What came more than once stands
// there once: a browser looks again at pages that pass, as often as time allows.
func (t *tape) take() (saw, passing []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	saw, passing = t.saw, t.passing
	t.saw, t.passing = nil, nil
	return saw, passing
}

func (t *tape) keep(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	to := &t.saw
	if strings.Contains(line, " data-passing") || strings.Contains(line, "text/event-stream") {
		to = &t.passing
	}
	if !slices.Contains(*to, line) {
		*to = append(*to, line)
	}
}

// RoundTrip has the request carried, and keeps all of the answer but the time of
// day: status, headers with their names and values, the body to its last byte.
func (t *tape) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	head := t.head(r, answer)
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		t.keep(head) // what the stream brings is the page that is asked for next
		return answer, nil
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	t.keep(head + string(body))
	return answer, nil
}

// head is an answer without its body. Its length is that of the body, and that
// is kept.
func (t *tape) head(r *http.Request, answer *http.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s → %s %s\n", r.Method, r.URL.Path, answer.Proto, answer.Status)
	for _, name := range slices.Sorted(maps.Keys(answer.Header)) {
		for _, value := range answer.Header[name] {
			if name == "Date" || name == "Content-Length" {
				value = "…"
			}
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	return b.String()
}

// byChance is what is drawn anew for each conversation or made up for each
// account: tokens, marks, cookies, receipts and the two digits. What stands in its
// place is as long as it is, so that sizes are compared too.
var byChance = regexp.MustCompile(`(data-mark="|data-token="|name="token" value="|name="mark" value="|webchat=)[\w.~-]+|` +
	`\b[0-9A-Z]{4}-[0-9A-Z]{4}\b|` +
	`(\*{5}|eindigt (?:niet )?op |twee cijfers(?: zijn)?: |class="digits" aria-hidden="true">)\d\d\b`)

// byTheClock is what differs when one is a moment later than another: the time of
// day, and the time that is left.
var byTheClock = regexp.MustCompile(`\d\d?[.:]\d\d\b|(nog |over |Nog |Over )\d+ (minuut|minuten|seconden|seconde)|` +
	`\d+ minutes? left|(\d+) (minutes?|seconds?)`)

// masked takes out what differs by chance, and what then is the same again.
func (t *tape) masked(saw []string) string {
	var list []string
	for _, one := range saw {
		if one = t.mask(one); !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return strings.Join(list, "\n")
}

func (t *tape) mask(text string) string {
	text = strings.ReplaceAll(text, t.name, strings.Repeat("n", len(t.name)))
	text = byChance.ReplaceAllStringFunc(text, func(found string) string {
		groups := byChance.FindStringSubmatch(found)
		keep := groups[1] + groups[2]
		return keep + strings.Repeat("#", len(found)-len(keep))
	})
	return byTheClock.ReplaceAllString(text, "<time>")
}

// freeze has an owner say "this was not me" of a first proof.
func (p *program) freeze(ctx context.Context, who employee.Person) error {
	w, err := employee.Visit(ctx, p.base, who)
	if err != nil {
		return err
	}
	if err := w.Identify(ctx); err != nil {
		return err
	}
	if err := w.Prove(ctx, employee.AppCode); err != nil {
		return err
	}
	phone := employee.NewPhone(p.base, who.Number)
	for {
		letter, err := phone.Next(ctx, employee.KindMail)
		if err != nil {
			return err
		}
		link := noticeLink.FindString(letter.Text)
		if link == "" {
			continue
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, link, nil)
		if err != nil {
			return err
		}
		r.Header.Set("Origin", p.base)
		if err := w.Send(r); err != nil || w.Page.Status != http.StatusOK {
			return fmt.Errorf("freezing answered with %d (%w)", w.Page.Status, err)
		}
		return nil
	}
}

// pace is how long after one pair the next comes, and pairsAtOnce how many there are
// at most: so that what is timed is the program, and not people who crowd.
const (
	pace        = 6 * time.Second / atOnce
	pairsAtOnce = 40
)

// eachAtOnce does something for all of a list at once, but that each begins
// later than the one before.
func eachAtOnce[T any](list []T, later time.Duration, do func(i int, of T)) {
	var all sync.WaitGroup
	free := make(chan struct{}, pairsAtOnce)
	for i, of := range list {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			do(i, of)
		})
		time.Sleep(later)
	}
	all.Wait()
}

// TestAC01_AC02_AStrangerCannotTellAccountsApartOverHTTP is about the program as
// it runs, but for the chance that makes answers come earlier or later: without
// it, less can hide.
func TestAC01_AC02_AStrangerCannotTellAccountsApartOverHTTP(t *testing.T) {
	n := min(len(approaches), atOnce/5)
	if long := os.Getenv("RESETBOT_ORACLE"); long != "" {
		var err error
		n, err = strconv.Atoi(long)
		must(t, err)
	}
	pairs, file := targets(t, n)
	p := serveSample(t, []string{"RESETBOT_TEST_HASTE=none"},
		"  type: demo\n", "  type: demo\n  file: "+file+"\n",
		"    #trusted_proxies: []", "    trusted_proxies: [127.0.0.1]",
		"#wait_for: 1m", "wait_for: 20s", "#cooldown: 30s", "cooldown: 0s",
		"#budget:", "budget:", "#sms: {n: 1000,", "sms: {n: 100000,", "#call: {n: 500,", "call: {n: 100000,")
	owners := slices.DeleteFunc(slices.Clone(pairs), func(pair [2]tried) bool { return pair[0].kind != frozen })
	eachAtOnce(owners, pace, func(_ int, pair [2]tried) {
		if err := p.freeze(t.Context(), pair[0].Person); err != nil {
			t.Errorf("freezing: %v", err)
		}
	})
	times := &moments{t: t, of: map[string][][2]time.Duration{}}
	eachAtOnce(pairs, pace, func(i int, pair [2]tried) {
		kind, nth := i/n, i%n // the first three of a kind go every other way, the next three the others
		p.compare((kind+2*nth+nth/3)%len(approaches), pair, times)
	})
	times.compare(n)
	p.wellBehaved()
}

// compare has an account and a name that nobody has tried at the same time. If
// they differ another name is tried: of names that nobody has some share counters,
// by chance (one of a million slots), and are locked together.
func (p *program) compare(approach int, pair [2]tried, times *moments) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 3*time.Minute)
	defer cancel()
	a := approaches[approach]
	var both [2]*stranger
	try := func(i int, who tried) {
		var err error
		if both[i], err = p.try(ctx, who, a.steps); err != nil {
			p.t.Logf("%s, %s: %v", a.name, who.User, err)
		}
	}
	eachAtOnce(pair[:], 0, try)
	times.add(a.name, both)
	diff := cmp.Diff(both[1].transcript(both[0]), both[0].transcript(both[1]))
	if diff != "" {
		another := pair[1]
		another.User = strings.Replace(another.User, ".is.", ".no.", 1)
		another.From = strings.Replace(another.From, "10.21.", "10.22.", 1)
		try(1, another)
		p.t.Logf("%s, %s: it was not alike at first:\n%s", a.name, pair[0].kind, diff)
		diff = cmp.Diff(both[1].transcript(both[0]), both[0].transcript(both[1]))
	}
	if diff != "" {
		p.t.Errorf("%s: who tries one that is %s sees this (+), and not what others see (-):\n%s",
			a.name, pair[0].kind, diff)
	}
	if both[1].Window == nil || !both[1].Sees(a.last) {
		p.t.Errorf("%s does not end where it should", a.name)
	}
}

// moments are how long steps took, of an account and of a name that nobody has, at
// the same time; by the kind of the account, by verb and by step.
type moments struct {
	t  *testing.T
	mu sync.Mutex
	of map[string][][2]time.Duration
}

// add adds the steps of a pair from the moment on that the name was said.
func (m *moments) add(approach string, both [2]*stranger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	steps := min(len(both[0].steps), len(both[1].steps))
	named := slices.IndexFunc(both[0].steps, func(s seenStep) bool { return strings.HasPrefix(s.does, "name") })
	for i := max(named, 0); i < steps; i++ {
		took := [2]time.Duration{both[0].steps[i].took, both[1].steps[i].took}
		each := fmt.Sprintf("%s: %s, %d. %s", both[0].kind, approach, i+1, both[0].steps[i].does)
		verb, _, _ := strings.Cut(both[0].steps[i].does, " ")
		for _, key := range []string{both[0].kind + ": every " + verb, each} {
			m.of[key] = append(m.of[key], took)
		}
	}
}

const (
	// apartMost is how far the medians of a step may be apart, if there are enough
	// of it to have one.
	apartMost = 50 * time.Millisecond
	enough    = 30
	// apartFew is what is allowed in the short form, beside other tests: an outcome
	// that is not held back comes 1.5 s sooner.
	apartFew = 750 * time.Millisecond
)

// compare compares what there is enough of; in the short form, outcomes only.
func (m *moments) compare(n int) {
	m.t.Helper()
	worst, where, compared := time.Duration(0), "", 0
	for _, key := range slices.Sorted(maps.Keys(m.of)) {
		var account, none []time.Duration
		for _, took := range m.of[key] {
			account, none = append(account, took[0]), append(none, took[1])
		}
		outcome := strings.HasSuffix(key, ": every code") || strings.HasSuffix(key, ": every name")
		most := apartMost
		switch long := n > len(approaches); {
		case !long && outcome:
			most = apartFew
		case !long || len(account) < enough:
			continue
		}
		compared++
		one, other := median(account), median(none)
		apart := (one - other).Abs()
		if apart > worst {
			worst, where = apart, key
		}
		if apart >= most {
			m.t.Errorf("%s: the medians are %s and, of names that nobody has, %s", key, one, other)
		}
		if strings.Contains(key, ": every ") {
			m.t.Logf("%s: %s and %s (%d)", key, one.Round(100*time.Microsecond),
				other.Round(100*time.Microsecond), len(account))
		}
	}
	m.t.Logf("%d of each kind; of %d medians two are at most %s apart: %s",
		n, compared, worst.Round(10*time.Microsecond), where)
}

// median is the middle one of times, of which there is one at least.
func median(times []time.Duration) time.Duration {
	times = slices.Sorted(slices.Values(times))
	return times[len(times)/2]
}
