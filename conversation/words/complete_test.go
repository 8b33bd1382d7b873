package words_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// constants lists the values of the constants of a type in a file of package
// conversation, or of this package, so that none that is added is forgotten.
func constants(t testing.TB, file, typeName string) []string {
	t.Helper()
	path := filepath.Join("..", file)
	if typeName == "Phrase" {
		path = file
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if ident, ok := spec.Type.(*ast.Ident); !ok || ident.Name != typeName {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok {
				value, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				if value != "" {
					values = append(values, value)
				}
			}
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("%s has no constants of type %s", file, typeName)
	}
	return values
}

// catalogue is an embedded file as a map; plural forms are joined.
func catalogue(t testing.TB, locale string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(locale + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := yaml.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	entries := map[string]string{}
	for id, value := range raw {
		switch v := value.(type) {
		case string:
			entries[id] = v
		case map[string]any:
			entries[id] = v["one"].(string) + " / " + v["other"].(string)
		}
	}
	return entries
}

// required are the ids that the constants of package conversation demand.
func required(t testing.TB) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	add := func(prefix string, values []string, suffixes ...string) {
		for _, v := range values {
			for _, s := range suffixes {
				ids[prefix+v+s] = true
			}
		}
	}
	for _, id := range constants(t, "message.go", "MessageID") {
		switch prefix, _, _ := strings.Cut(id, "."); {
		case prefix == "note", id == string(conversation.NoteFollowUpYes),
			id == string(conversation.NoteFollowUpNo):
			add("", []string{id}, "")
		case prefix == "owner":
			add("", []string{id}, ".subject", ".outside", ".body", ".self")
		default:
			add("", []string{id}, ".title", ".body")
		}
	}
	add("choice.", constants(t, "message.go", "Choice"), "")
	add("field.", constants(t, "message.go", "Field"), ".label", ".hint")
	add("flaw.", constants(t, "input.go", "PasswordFlaw"), "")
	add("reason.", constants(t, "conversation.go", "Reason"), "")
	add("", constants(t, "phrases.go", "Phrase"), "")
	for _, off := range []conversation.MessageID{
		conversation.NoteFamilyUsed, conversation.NoteNotEnrolled, conversation.NoteTooYoung,
		conversation.NoteMethodDown, conversation.NoteClosed,
		conversation.NoteCooldown, conversation.NoteChallenges,
	} {
		ids[string(off)+".off"] = true
	}
	return ids
}

func TestEveryIDHasWordsInBothLanguages(t *testing.T) {
	for _, locale := range []string{words.Dutch, words.English} {
		entries := catalogue(t, locale)
		for id := range required(t) {
			if strings.TrimSpace(entries[id]) == "" {
				t.Errorf("%s.yaml has no %s", locale, id)
			}
		}
	}
}

// TestNothingIsLeftOver: every id of a catalogue is asked for, by a constant
// of package conversation or by name in this package.
func TestNothingIsLeftOver(t *testing.T) {
	known, asked := required(t), literals(t)
	for _, locale := range []string{words.Dutch, words.English} {
		for id := range catalogue(t, locale) {
			if known[id] || asked[id] || belongs(id, known) {
				continue
			}
			t.Errorf("%s.yaml has %s, and nobody says it", locale, id)
		}
	}
}

// belongs reports whether an id is a part of another, or one of a family that
// is named by its prefix.
func belongs(id string, known map[string]bool) bool {
	for _, family := range []string{
		"time.weekday.", "time.month.", "time.at.", "time.until.", "chat.",
		"desk.call", "alarm.", "case.event.", "case.detail.", "case.now.", "case.end.", "case.next.",
	} {
		if strings.HasPrefix(id, family) {
			return true
		}
	}
	page, part, _ := strings.Cut(id, "@")
	if part != "" {
		return known[page] && known[part+".body"]
	}
	for _, part := range []string{".below", ".checklist"} {
		if base, ok := strings.CutSuffix(id, part); ok {
			return known[base+".body"]
		}
	}
	return false
}

// literals are all texts in quotes in this package's own files.
func literals(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if value, err := strconv.Unquote(lit.Value); err == nil {
					found[value] = true
				}
			}
			return true
		})
	}
	return found
}

func TestBothLanguagesHaveTheSameIDsAndPlurals(t *testing.T) {
	nl, en := catalogue(t, words.Dutch), catalogue(t, words.English)
	for id := range nl {
		if en[id] == "" {
			t.Errorf("en.yaml has no %s", id)
		}
		if strings.HasPrefix(id, "unit.") != strings.Contains(nl[id], " / ") {
			t.Errorf("%s: only numbers have plural forms", id)
		}
	}
	for id := range en {
		if nl[id] == "" {
			t.Errorf("nl.yaml has no %s", id)
		}
	}
}
