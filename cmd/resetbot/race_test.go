package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"resetbot/conversation"
	"resetbot/employee"
)

// These tests have a crowd do the same at the same moment, over HTTP, to the program
// as it runs: with its real clock and its real store. What came of it the audit
// tells. In package bot the same is done to the instant.

const throng = 200

// serveCrowd serves people who come from an address each, and may all begin.
func serveCrowd(t *testing.T, changes ...string) *program {
	t.Helper()
	changes = append(changes, "    #trusted_proxies: []", "    trusted_proxies: [127.0.0.1]",
		"  #begun: {n: 5,", "  begun: {n: 1000,")
	return serveSample(t, []string{hasty, raced}, changes...)
}

// together has each of a crowd do something, all beginning at the same moment.
func together(t *testing.T, do func(n int) error) {
	t.Helper()
	var all sync.WaitGroup
	begin := make(chan struct{})
	for n := range throng {
		all.Go(func() {
			<-begin
			if err := do(n); err != nil {
				t.Errorf("person %d: %v", n, err)
			}
		})
	}
	close(begin)
	all.Wait()
}

// askedForCode are a crowd of people who are asked for the code that marieke's app
// shows.
func (p *program) askedForCode() []*employee.Window {
	p.t.Helper()
	windows := make([]*employee.Window, throng)
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	for n := range throng {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			who := marieke
			who.From = fmt.Sprintf("10.9.%d.%d", n/200, 1+n%200)
			w, err := employee.Visit(p.t.Context(), p.base, who)
			if err == nil {
				err = w.Identify(p.t.Context())
			}
			if err == nil {
				err = w.Press(p.t.Context(), wayNames[employee.AppCode])
			}
			if err != nil {
				p.t.Error(err)
			}
			windows[n] = w
		})
	}
	all.Wait()
	return windows
}

// judged is how many codes were judged, by the metrics.
func (p *program) judged() (n int) {
	p.t.Helper()
	_, text := get(p.t.(*testing.T), fmt.Sprint("http://", p.log.line(p.t, "serving")["admin_listen"], "/metrics"))
	for _, count := range judgements.FindAllStringSubmatch(text, -1) {
		one, err := strconv.Atoi(count[1])
		must(p.t, err)
		n += one
	}
	return n
}

var judgements = regexp.MustCompile(`(?m)^resetbot_task_seconds_count\{[^}]*task="check"\} (\d+)$`)

// events is how often the audit tells of each event.
func (p *program) events() map[string]int {
	p.t.Helper()
	out, err := command(p.t, nil, "audit", "export", "-config", p.config).Output()
	must(p.t, err)
	events := map[string]int{}
	for line := range strings.Lines(string(out)) {
		var l struct{ Event string }
		must(p.t, json.Unmarshal([]byte(line), &l))
		events[l.Event]++
	}
	return events
}

func TestAC11_TwoHundredWrongCodesAtOnceOverHTTP(t *testing.T) {
	t.Parallel()
	p := serveCrowd(t)
	windows := p.askedForCode()
	for round := range 3 {
		together(t, func(n int) error {
			w := windows[n]
			if !slices.Contains(w.Page.Fields, "code") { // shut out
				return nil
			}
			return w.Fill(t.Context(), map[string]string{"code": fmt.Sprintf("%06d", 1000*round+n)})
		})
		for _, w := range windows {
			must(t, w.Await(t.Context()))
		}
		if judged := p.judged(); judged != 5 {
			t.Errorf("after round %d %d codes were judged, want 5", round, judged)
		}
	}
	for n, w := range windows {
		if !w.Sees("Opnieuw instellen kan nu even niet") {
			t.Errorf("person %d is not shut out:\n%s", n, w.Page.Text)
			break
		}
	}
	p.wellBehaved()
}

func TestAC12_TheRightCodeTwoHundredTimesAtOnceOverHTTP(t *testing.T) {
	t.Parallel()
	p := serveCrowd(t, "  #proofs: {n: 5,", "  proofs: {n: 1000,")
	windows := p.askedForCode()
	code, err := employee.App(marieke.Secret, time.Now())
	must(t, err)
	together(t, func(n int) error {
		return windows[n].Fill(t.Context(), map[string]string{"code": code})
	})
	proved := 0
	for _, w := range windows {
		must(t, w.Await(t.Context()))
		if w.Sees("Stap 1 is gelukt") {
			proved++
		}
	}
	if events := p.events(); proved != 1 || events[string(conversation.Proved)] != 1 || p.judged() != throng {
		t.Errorf("%d people see that it was right; %d were judged; the audit says %v", proved, p.judged(), events)
	}
	p.wellBehaved()
}

func TestAC12_ANewPasswordTwoHundredTimesAtOnceOverHTTPIsWrittenOnce(t *testing.T) {
	t.Parallel()
	p := serveCrowd(t)
	w := p.proved(marieke)
	page, err := w.OpenEntry(t.Context())
	must(t, err)
	form, err := page.Page.Enter(map[string]string{
		"password": mariekesNew, "confirm": mariekesNew, "word": w.Page.Strong[1],
	})
	must(t, err)
	together(t, func(int) error {
		again := *page
		return again.Submit(t.Context(), form)
	})
	must(t, w.Look(t.Context()))
	must(t, w.Await(t.Context()))
	if !w.Sees(isActive) {
		t.Errorf("the page says:\n%s", w.Page.Text)
	}
	if n := p.events()["write_begun"]; n != 1 {
		t.Errorf("it was written %d times", n)
	}
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}
