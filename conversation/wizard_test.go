package conversation

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// reachable gives every state that can be reached from Start over the arrows
// that keep says may be used.
func reachable(keep func(Arrow) bool) map[State]bool {
	seen := map[State]bool{Start: true, Disowned: true}
	for grown := true; grown; {
		grown = false
		for _, a := range Arrows() {
			if seen[a.From] && !seen[a.To] && keep(a) {
				seen[a.To], grown = true, true
			}
		}
	}
	return seen
}

func allStates() []State {
	var states []State
	for _, walk := range walks {
		for s := range walk {
			states = append(states, s)
		}
	}
	states = append(states, ends...)
	slices.Sort(states)
	return states
}

func allEvents() []Event {
	var events []Event
	for _, a := range Arrows() {
		events = append(events, a.On)
	}
	slices.Sort(events)
	return slices.Compact(events)
}

func TestEveryPageIsReachable(t *testing.T) {
	seen := reachable(func(Arrow) bool { return true })
	for _, s := range allStates() {
		if !seen[s] {
			t.Errorf("no way leads to %s", s)
		}
	}
}

func TestEveryPageButTheEndsHasAWayOut(t *testing.T) {
	for _, s := range allStates() {
		out := slices.ContainsFunc(Arrows(), func(a Arrow) bool { return a.From == s && a.To != s })
		if out == s.Over() {
			t.Errorf("%s: has a way out: %v, is an end: %v", s, out, s.Over())
		}
	}
}

func TestEveryPageCanReachAnEnd(t *testing.T) {
	for _, s := range allStates() {
		seen := map[State]bool{s: true}
		for grown := true; grown; {
			grown = false
			for _, a := range Arrows() {
				if seen[a.From] && !seen[a.To] {
					seen[a.To], grown = true, true
				}
			}
		}
		if !slices.ContainsFunc(ends, func(e State) bool { return seen[e] }) {
			t.Errorf("no end can be reached from %s", s)
		}
	}
}

func TestThePasswordPageCannotBeReachedWithoutBothProofs(t *testing.T) {
	without := map[string]func(Arrow) bool{
		"the first proof":  func(a Arrow) bool { return a.On != Proved },
		"the second proof": func(a Arrow) bool { return a.On != ProvedForReset },
	}
	for name, keep := range without {
		seen := reachable(keep)
		for _, s := range []State{Password, Confirming, Changing} {
			if seen[s] {
				t.Errorf("%s can be reached without %s", s, name)
			}
		}
	}
	for _, a := range Arrows() {
		proof := a.On == Proved || a.On == ProvedForReset || a.On == ProvedForUnlock || a.On == ProvedForEnrol
		judging := slices.Contains([]State{
			Step1Checking, Step1Waiting, Step2Checking, Step2Waiting, EnrolChecking, EnrolWaiting,
		}, a.From)
		if proof && !judging {
			t.Errorf("%s on %s: a proof arises only where an answer is judged", a.On, a.From)
		}
	}
}

func TestNoAuthenticatorIsKeptWithoutPasswordProofAndCode(t *testing.T) {
	for _, needed := range []Event{Known, ProvedForEnrol, Confirmed} {
		seen := reachable(func(a Arrow) bool { return a.On != needed })
		if seen[EnrolStore] || seen[Enrolled] {
			t.Errorf("an authenticator can be kept without %s", needed)
		}
	}
}

// The enrolment sets no password, and a reset enrols nothing.
func TestTheEnrolmentMeetsTheResetOnTheFirstPageOnly(t *testing.T) {
	for _, a := range Arrows() {
		switch {
		case a.From.enrols() && !a.To.enrols() && a.To != Start && !a.To.Over():
			t.Errorf("%s on %s leads out of the enrolment, to %s", a.On, a.From, a.To)
		case !a.From.enrols() && a.To.enrols() && a.From != Start:
			t.Errorf("%s on %s leads into the enrolment", a.On, a.From)
		case a.From.enrols() && slices.Contains([]State{Done, Secured, Solved}, a.To):
			t.Errorf("%s on %s: an enrolment ends on %s", a.On, a.From, a.To)
		}
	}
}

func TestNoStateIsInTwoWalks(t *testing.T) {
	states := allStates()
	if unique := slices.Compact(slices.Clone(states)); len(unique) != len(states) {
		t.Errorf("%d states in the walks and ends, %d of them different", len(states), len(unique))
	}
}

// The guide has no rights: from its pages nothing is reached but its pages, the
// first page and the ends that need no account.
func TestTheGuideMeetsTheResetOnTheFirstPageOnly(t *testing.T) {
	for _, a := range Arrows() {
		switch {
		case a.From.guides() && !a.To.guides() && a.To != Start && !a.To.Over():
			t.Errorf("%s on %s leads out of the guide, to %s", a.On, a.From, a.To)
		case !a.From.guides() && a.To.guides() && a.From != Start:
			t.Errorf("%s on %s leads into the guide", a.On, a.From)
		case a.From.guides() && slices.Contains([]State{Done, Secured}, a.To):
			t.Errorf("%s on %s: the guide changes nothing, and ends on %s", a.On, a.From, a.To)
		}
	}
}

func TestEveryStepOfTheGuideHasItsPage(t *testing.T) {
	for s := range guide {
		if p := guidePages[s]; p.page == "" || len(p.trouble) == 0 {
			t.Errorf("%s has nothing to say", s)
		}
	}
	if len(guidePages) != len(guide) {
		t.Errorf("%d pages for %d steps", len(guidePages), len(guide))
	}
}

func TestAC38_EveryStateAndEventIsAllowedOrRefused(t *testing.T) {
	table := map[State]map[Event]State{}
	for _, a := range Arrows() {
		if table[a.From] == nil {
			table[a.From] = map[Event]State{}
		}
		table[a.From][a.On] = a.To
	}
	pairs := 0
	for _, from := range allStates() {
		for _, event := range allEvents() {
			pairs++
			got, err := follow(from, event)
			want, allowed := table[from][event]
			switch {
			case allowed && (err != nil || got != want):
				t.Errorf("%s on %s = %s, %v; want %s", event, from, got, err, want)
			case !allowed && (!errors.Is(err, ErrNotNow) || got != from):
				t.Errorf("%s on %s = %s, %v; want to stay, refused", event, from, got, err)
			}
		}
	}
	t.Logf("%d pairs, %d allowed", pairs, len(Arrows()))
}

func TestAC46_AWrongEventOrStateMovesNothingAndTheNextEventWorks(t *testing.T) {
	for _, bad := range []Event{"", "Proved", "proved ", "zzz"} {
		if got, err := follow(Step1Checking, bad); got != Step1Checking || !errors.Is(err, ErrNotNow) {
			t.Errorf("%q = %s, %v", bad, got, err)
		}
		if got, err := follow(Step1Checking, Proved); got != Step2Choose || err != nil {
			t.Errorf("after %q: %s, %v", bad, got, err)
		}
	}
	if got, err := follow("zzz", Proved); got != "zzz" || !errors.Is(err, ErrNotNow) {
		t.Errorf("from an unknown state: %s, %v", got, err)
	}
}

func TestEndsAreFinal(t *testing.T) {
	for _, a := range Arrows() {
		if a.From.Over() {
			t.Errorf("%s leads away from the end %s", a.On, a.From)
		}
	}
}

func TestWhatMustRunCannotBeCancelled(t *testing.T) {
	for _, s := range []State{Changing, Unlocking, Unknown, UnlockUnknown} {
		for _, e := range []Event{Cancel, Expire, Displace, Lock, Deny, Refer} {
			if _, err := follow(s, e); err == nil {
				t.Errorf("%s leaves %s", e, s)
			}
		}
	}
}

// The diagram in the documentation is the table, or the test says how to make
// it so: go test ./conversation -update.
func TestTheDiagramEqualsTheTable(t *testing.T) {
	const file = "../docs/wizard.md"
	const begin, end = "```mermaid\n", "```\n"
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), begin)
	drawn, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no mermaid diagram", file)
	}
	if drawn == Diagram() {
		return
	}
	if !*update {
		t.Fatalf("%s does not show the table; run: go test ./conversation -update", file)
	}
	if err := os.WriteFile(file, []byte(before+begin+Diagram()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
