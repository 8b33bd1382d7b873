package password

import "testing"

// The points are what the mark is about, and nothing that a caller may see.
func TestPoints(t *testing.T) {
	score, err := newScorer([]string{"Vlindertuin"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		password string
		want     int
		because  string
	}{
		// What doc.go promises.
		{"Welkom123Welkom123", 3, "a common word, a run, and both again"},
		{"Sinterklaas2026!", 3, "a common word, a year, a sign"},
		{"Amsterdam-November-2026", 4, "two common words, a separator, a year"},
		{"1q2w3e4r5t6y7u8i", 1, "one zig-zag"},
		{"fietsbel lamp groen koe", 9, "four words of the dictionary, a separator"},
		{"fietsbellampgroenkoe", 8, "four words of the dictionary"},
		{"Mijn kat slaapt op de bank", 9, "a sentence: common 1, others 2, the blank once"},
		{"Xk9#mQ2$vL7@pR4!", 13, "sixteen, but 2$ reads zs and so on: chance finds a word or two"},

		// Microsoft's own examples, with its banned word added (facts 2.7).
		{"vlindertuin", 1, "the operator's word"},
		{"Vl1nd3rTu!n9?", 3, "in disguise, a figure, a sign"},

		// One piece at a time.
		{"", 0, "nothing"},
		{"wachtwoord", 1, "a common word"},
		{"WÀCHTWÓÓRD", 1, "capitals and diacritics are worth nothing"},
		{"ｗａｃｈｔｗｏｏｒｄ", 1, "nor is full width"},
		{"wасhtwооrd", 1, "nor are Cyrillic а, с and о"},
		{"w@chtw00rd", 1, "nor is what everybody writes for letters"},
		{"drowssap", 1, "a common word from behind"},
		{"wachtwoort", 2, "a common word, one letter wrong"},
		{"wachtwoor", 2, "one missing"},
		{"wachtxwoord", 2, "one too many"},
		{"wachtxwoorb", 7, "two mistakes are two too many: wacht, x, w, oor, b"},
		{"winkels", 2, "a word of the dictionary"},
		{"w1nkels", 2, "1 for i"},
		{"foute1", 3, "1 for nothing"},
		{"ze1f-bi1jet", 4, "1 for l and for i in one password; ze1f is a common word"},
		{"2026", 1, "a year"},
		{"12-03-1985", 1, "a date"},
		{"1.4.26", 1, "a short one"},
		{"03121985", 1, "one without separators"},
		{"19850312", 1, "the other way round"},
		{"!!!!!!", 1, "the same sign"},
		{"24680", 2, "a run up to 8"},
		{"zyxwv", 1, "a run downwards"},
		{"qwertyuiop", 1, "a row"},
		{"QWERTYuiop", 1, "with Shift"},
		{"1qaz@WSX3edc$RFV", 1, "strokes of four"},
		{"qweasdzxc", 1, "strokes of three"},
		{"azertyuiop", 1, "a Belgian row"},
		{"&é\"'(", 1, "its figures without Shift"},
		{"147258369", 1, "the numeric pad"},
		{"x#vkqx#vkq", 6, "a half doubled: five, and one for all of it again"},
		{"-_-_-_-_", 2, "separators again"},
	} {
		if got := score.points(read(c.password), nil); got != c.want {
			t.Errorf("%q has %d points, want %d: %s", c.password, got, c.want, c.because)
		}
	}
}

// A misspelt name is refused by points, an exact one as such.
func TestPointsKnowOwnNames(t *testing.T) {
	score, err := newScorer(nil)
	if err != nil {
		t.Fatal(err)
	}
	own := names("Wolthuizen")
	for password, want := range map[string]int{"wolthuizen": 1, "wolthuisen": 2, "neziuhtlow": 1} {
		if got := score.points(read(password), own); got != want {
			t.Errorf("%q has %d points for somebody of that name, want %d", password, got, want)
		}
	}
}

// Spelling character by character is always possible, so this is the most.
func TestPointsNeverExceedTheCharacters(t *testing.T) {
	score, err := newScorer(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"a", "qz", "winkels", "Xk9#mQ2$vL7@pR4!", "🐄🚲💡"} {
		if got, most := score.points(read(password), nil), len([]rune(password)); got > most {
			t.Errorf("%q has %d points, and %d characters", password, got, most)
		}
	}
}

func TestDates(t *testing.T) {
	for _, c := range []struct {
		text string
		date bool // all of it
	}{
		{"2026", true},
		{"1899", false},
		{"2100", false},
		{"12-03-1985", true},
		{"12.3.85", true},
		{"1/4/26", true},
		{"12031985", true},
		{"19850312", true},
		{"850312", true},
		{"031985", true},
		{"3 1985", true},
		{"03-31-1985", true},
		{"12-03.1985", false}, // two separators
		{"32-03-1985", false},
		{"12-13-1985", true}, // as Americans write it
		{"13-13-1985", false},
		{"00-03-1985", false},
		{"12-03-", false},
		{"12--1985", false},
		{"-03-1985", false},
		{"é", false},
	} {
		whole := false
		findDates([]rune(c.text), 0, func(end int) {
			if end > len([]rune(c.text)) {
				t.Fatalf("the date in %q ends at %d", c.text, end)
			}
			whole = whole || end == len([]rune(c.text))
		})
		if whole != c.date {
			t.Errorf("%q is a date: %t, want %t", c.text, whole, c.date)
		}
	}
}

func TestWalks(t *testing.T) {
	boards := keyboards()
	for _, c := range []struct {
		text string
		walk bool // all of it, on any keyboard
	}{
		{"qwe", true},
		{"qw", false},
		{"poiuytrewq", true},
		{"1q2w", true},
		{"1q2w3e4r5", true}, // broken off
		{"1q3e", false},
		{"zaq1", true},
		{"1qaz2wsx", true},
		{"1qaz2wsx3e", true},
		{"qazwsxedc", true},
		{"QAZwsxEDC", true},
		{"!QAZ@WSX", true},
		{"wxcvbn", true},
		{"963852741", true},
		{"qqq", false}, // a run, not a walk
		{"wachtwoord", false},
		{"q€e", false},
	} {
		whole := false
		for _, board := range boards {
			findWalks(board.spots([]rune(c.text)), 0, func(end int) {
				whole = whole || end == len([]rune(c.text))
			})
		}
		if whole != c.walk {
			t.Errorf("%q is a walk: %t, want %t", c.text, whole, c.walk)
		}
	}
}
