package words_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

func TestTheServiceDeskHasASentenceForWhateverHappens(t *testing.T) {
	ids := map[string]bool{"case.event.write_begun": true, "case.event.stopped": true, "case.event.alarm": true}
	for _, event := range constants(t, "wizard.go", "Event") {
		ids["case.event."+event] = true
	}
	for _, state := range constants(t, "wizard.go", "State") {
		if conversation.State(state).Over() {
			ids["case.end."+state] = true
		}
	}
	for _, word := range reasons(t) {
		ids["case.detail."+word] = true
	}
	for _, reason := range constants(t, "conversation.go", "Reason") {
		ids["case.detail."+reason] = true
	}
	for _, locale := range []string{words.Dutch, words.English} {
		entries := catalogue(t, locale)
		for id := range ids {
			if entries[id] == "" {
				t.Errorf("%s.yaml has no %s", locale, id)
			}
		}
	}
}

// reasons are the words that the wizard leaves in the audit.
func reasons(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			lit, literal := call.Args[0].(*ast.BasicLit)
			if ok && literal && (method.Sel.Name == "detail" || method.Sel.Name == "alarm") {
				word, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, word)
			}
			return true
		})
	}
	if len(found) < 10 {
		t.Fatalf("only %v were found", found)
	}
	return found
}

// cases are what an agent may look up.
func cases() []struct {
	name string
	is   words.Case
} {
	at := func(minute, second int) time.Time {
		return monday.Add(time.Duration(minute-60)*time.Minute + time.Duration(second)*time.Second)
	}
	line := func(at time.Time, event conversation.Event, from, to conversation.State) conversation.Line {
		return conversation.Line{
			At: at, Event: string(event), From: from, To: to, Receipt: "K7QA-2MXB", Chat: "web",
			Account: "1", Goal: conversation.ToReset,
		}
	}
	found := line(at(0, 5), conversation.Found, conversation.Find, conversation.Step1Choose)
	locked := []conversation.Line{
		found,
		line(at(0, 20), conversation.PhoneChosen, conversation.Step1Choose, conversation.Step1Number),
		line(at(0, 40), conversation.NumberGiven, conversation.Step1Number, conversation.Step1Sending),
		line(at(0, 42), conversation.Sent, conversation.Step1Sending, conversation.Step1Answer),
		line(at(1, 3), conversation.Wrong, conversation.Step1Checking, conversation.Step1Answer),
		line(at(1, 30), conversation.Exhausted, conversation.Step1Checking, conversation.Step1Choose),
		line(at(2, 0), conversation.Lock, conversation.Step1Checking, conversation.Locked),
	}
	unknown := found
	unknown.Account, unknown.Detail = "", "unknown"
	disabled := found
	disabled.Detail = "disabled"
	frozen := line(at(9, 0), "alarm", conversation.Disowned, conversation.Disowned)
	frozen.Chat, frozen.Own, frozen.Detail, frozen.Alarm = "owner", true, "disowned_by_owner", true
	secured := line(at(9, 0), conversation.Freeze, conversation.Disowned, conversation.Secured)
	secured.Chat, secured.Own = "owner", true
	freed := conversation.Line{
		At: at(10, 0), Event: "unfrozen", Receipt: "K7QA-2MXB", Chat: conversation.Operator, Asker: "uid_1000", Account: "1",
	}
	running := func(state conversation.State) *conversation.Conversation {
		return &conversation.Conversation{
			Receipt: "K7QA-2MXB", User: conversation.User{Chat: "teams", ID: "x"}, State: state, Goal: conversation.ToReset,
			Ends: monday.Add(7*time.Minute + 10*time.Second), Subject: conversation.Subject{Own: true},
			Typed: "never shown",
		}
	}
	m := "m.devries@linde.example"
	day := conversation.Shut{Proofs: monday.Add(23 * time.Hour), Challenges: monday.Add(20 * time.Minute)}
	return []struct {
		name string
		is   words.Case
	}{
		{"locked", words.Case{Account: m, Lines: locked, Standing: conversation.Standing{Others: day}}},
		{"nobody", words.Case{Lines: []conversation.Line{unknown}}},
		{"disabled", words.Case{Account: m, Lines: []conversation.Line{disabled}}},
		{"at the captcha", words.Case{Conversation: running(conversation.Who)}},
		{"at the password", words.Case{Account: m, Conversation: running(conversation.Password)}},
		{"frozen", words.Case{
			Account: m, Lines: []conversation.Line{found, frozen, secured},
			Standing: conversation.Standing{Frozen: monday.Add(15 * time.Hour)},
		}},
		{"freed", words.Case{Account: m, Lines: []conversation.Line{freed}}},
		{"of a newer version", words.Case{Lines: []conversation.Line{line(at(0, 0), "zzz", "zz", "zzzz")}}},
	}
}

func TestCasesReadAsInTheGoldenFiles(t *testing.T) {
	w := newWords(t)
	for _, locale := range []string{words.Dutch, words.English} {
		var b strings.Builder
		for _, c := range cases() {
			c.is.Receipt = "K7QA-2MXB"
			lines, err := w.Case(locale, c.is, monday)
			if err != nil {
				t.Errorf("%s, %s: %v", locale, c.name, err)
			}
			b.WriteString("======== " + c.name + "\n\n" + strings.Join(lines, "\n") + "\n\n")
		}
		b.WriteString("======== none\n\n" + w.NoCase(locale, monday) + "\n")
		golden(t, "cases."+locale, b.String())
		if strings.Contains(b.String(), "never shown") {
			t.Error("what somebody typed is shown")
		}
	}
}

func TestNothingInACaseIsReadAsATemplateOrTurnsTheTextAround(t *testing.T) {
	w := newWords(t)
	lines, err := w.Case("nl", words.Case{Receipt: "{{.Secret}}", Account: "a\u202e{{.Receipt}}\nb"}, monday)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n")
	if !strings.Contains(text, "{{.Secret}}") || !strings.Contains(text, "a{{.Receipt}} b") {
		t.Errorf("it reads:\n%s", text)
	}
}

func TestTheOperatorIsToldWhatCameOfIt(t *testing.T) {
	w := newWords(t)
	for _, locale := range []string{words.Dutch, words.English} {
		for _, sentence := range []string{
			w.Unfrozen(locale, "m.devries", "K7QA-2MXB", monday), w.Unfrozen(locale, "m.devries", "", monday),
			w.NoUnfreeze(locale, words.NoSuchAccount, monday), w.NoUnfreeze(locale, words.NoDeskProof, monday),
		} {
			if len(sentence) < 20 || strings.Contains(sentence, "\n") {
				t.Errorf("%s: %q", locale, sentence)
			}
		}
	}
}
