package password_test

import (
	"encoding/binary"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"resetbot/adapters/password"
)

func seeds(n int) [][32]byte {
	all := make([][32]byte, n)
	for i := range all {
		binary.BigEndian.PutUint64(all[i][:], uint64(i))
	}
	return all
}

func TestEverySuggestionPasses(t *testing.T) {
	rules := newRules(t, password.Options{})
	form := regexp.MustCompile(`^[a-z]{4,8}(-[a-z]{4,8}){3}$`)
	names := []string{"jan.van.der.ende@vechtstreek.example", "Jan van der Ende", "Ans ten Kate"}
	seen := make(map[string]bool)
	for _, seed := range seeds(2000) {
		phrase := rules.Suggest(seed, 0, names).Reveal()
		if !form.MatchString(phrase) {
			t.Fatalf("%q is no phrase of four words", phrase)
		}
		wantFlaws(t, phrase, judge(rules, phrase, 0, names...))
		if seen[phrase] {
			t.Errorf("%q came twice", phrase)
		}
		seen[phrase] = true
	}
}

func TestOneSeedGivesOnePhrase(t *testing.T) {
	rules := newRules(t, password.Options{})
	for _, seed := range seeds(20) {
		if a, b := rules.Suggest(seed, 0, nil), rules.Suggest(seed, 0, nil); !a.Equal(b) {
			t.Errorf("%q, then %q", a.Reveal(), b.Reveal())
		}
	}
}

func TestSuggestionsKeepTheDirectorysRules(t *testing.T) {
	for name, o := range map[string]password.Options{
		"three kinds of characters": {Complexity: true},
		"Entra ID":                  {Takes: password.InEntra, Complexity: true},
		"longer than four words":    {Min: 64},
	} {
		t.Run(name, func(t *testing.T) {
			rules := newRules(t, o)
			for _, seed := range seeds(100) {
				phrase := rules.Suggest(seed, 40, nil).Reveal()
				wantFlaws(t, phrase, judge(rules, phrase, 40))
			}
		})
	}
}

func TestNoSuggestionWhereNoneFits(t *testing.T) {
	onlyDigits := func(c rune) bool { return '0' <= c && c <= '9' }
	if s := newRules(t, password.Options{Takes: onlyDigits}).Suggest([32]byte{}, 0, nil); !s.Empty() {
		t.Errorf("offers %q where only figures are taken", s.Reveal())
	}
}

// Nobody in a hospital should be handed these; the list was read by hand, and
// this keeps it so when words are added.
func TestNoPhraseOffends(t *testing.T) {
	content, err := os.ReadFile("lists/phrase.txt")
	if err != nil {
		t.Fatal(err)
	}
	bad := regexp.MustCompile(`hoer($|[^a])|neger|kanker|tumor|moord|verkracht|porno|tyfus|tering$|kloot|seks|misbruik|` +
		`wapen|dood|sterf|begraf|naakt|kreng|slet|stront|schijt|kots|lijken$|nazi|mongool|debiel|idioot`)
	allowed := []string{"catering", "gelijken", "blijken"}
	for word := range strings.FieldsSeq(string(content)) {
		if bad.MatchString(word) && !slices.Contains(allowed, word) {
			t.Errorf("%s is offered", word)
		}
	}
}

// 50 bits is what the wizard promises of a phrase, with room for the words
// that are left out because of a person's name.
func TestPhrasesHaveFiftyBits(t *testing.T) {
	content, err := os.ReadFile("lists/phrase.txt")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(content))
	if !slices.IsSorted(words) || len(slices.Compact(slices.Clone(words))) != len(words) {
		t.Error("the words are not sorted, or one is there twice")
	}
	bits := func(n int) float64 { return 4 * math.Log2(float64(n)) }
	if len(words) != 6396 || bits(len(words)) < 50.5 {
		t.Errorf("%d words, %.2f bits; the documentation says 6,396 and 50.5", len(words), bits(len(words)))
	}
	left := slices.DeleteFunc(slices.Clone(words), func(word string) bool {
		return strings.Contains(word, "van") || strings.Contains(word, "der") || strings.Contains(word, "ende")
	})
	if bits(len(left)) < 50 {
		t.Errorf("%.2f bits left for Van der Ende", bits(len(left)))
	}
	common, err := os.ReadFile("lists/common.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(common)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for word := range strings.FieldsSeq(line) {
			if _, found := slices.BinarySearch(words, word); found {
				t.Errorf("%s is a common word", word)
			}
		}
	}
}
