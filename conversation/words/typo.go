package words

import "unicode/utf8"

// typoFrom is how many letters a word must have for one typing error to be
// forgiven: in a shorter one an error easily makes another word (geen, een).
const typoFrom = 6

func letters(word string) int { return utf8.RuneCountInString(word) }

// almost reports whether two phrases are the same word by word but for one
// typing error in one long word.
func almost(said, phrase []string) bool {
	if len(said) != len(phrase) {
		return false
	}
	errors := 0
	for i := range said {
		if said[i] == phrase[i] {
			continue
		}
		errors++
		if errors > 1 || letters(phrase[i]) < typoFrom || !oneTypo(said[i], phrase[i]) {
			return false
		}
	}
	return errors == 1
}

// oneTypo reports whether b is a with one letter too many, too few, another,
// or two neighbours changed round.
func oneTypo(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(y)-len(x) > 1 {
		return false
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	if len(x) < len(y) {
		return string(x[i:]) == string(y[i+1:])
	}
	switch {
	case i == len(x):
		return false // the same
	case string(x[i+1:]) == string(y[i+1:]):
		return true
	}
	return i+1 < len(x) && x[i] == y[i+1] && x[i+1] == y[i] && string(x[i+2:]) == string(y[i+2:])
}
