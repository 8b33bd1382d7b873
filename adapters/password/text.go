package password

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// text is a password in the forms in which it is searched. All have the same
// length: what stands at one place is one character in four guises.
type text struct {
	typed []rune // as it was typed; the keyboard knows capitals
	plain []rune // in lower case, without diacritics
	// The two readings of what stands for a letter: 1 is l, or i. They are
	// laid over one another, so that a word may be found in any.
	first, second []rune
}

// read makes a text. A diacritic that stands alone leaves nothing.
func read(s string) text {
	var t text
	for _, c := range s {
		for _, p := range fold(c) {
			a, b := letter(p)
			t.typed = append(t.typed, c)
			t.plain = append(t.plain, p)
			t.first = append(t.first, a)
			t.second = append(t.second, b)
		}
	}
	return t
}

func (t text) len() int { return len(t.plain) }

// readings are all the guises in which words are looked for.
func (t text) readings() [3][]rune { return [3][]rune{t.plain, t.first, t.second} }

// guises gives the different letters that may stand at a place.
func (t text) guises(at int) ([3]rune, int) {
	all, n := [3]rune{t.plain[at]}, 1
	if c := t.first[at]; c != all[0] {
		all[n] = c
		n++
	}
	if c := t.second[at]; c != t.first[at] && c != all[0] {
		all[n] = c
		n++
	}
	return all, n
}

// squeezed leaves out everything that cannot be part of a word, so that
// j-a-n-s-e-n is read as jansen.
func (t text) squeezed() text {
	var s text
	for i, c := range t.first {
		if isWordly(c) {
			s.typed = append(s.typed, t.typed[i])
			s.plain = append(s.plain, t.plain[i])
			s.first = append(s.first, c)
			s.second = append(s.second, t.second[i])
		}
	}
	return s
}

// parts are what stands between the characters that cannot be part of a word.
func (t text) parts() []text {
	var all []text
	begin := 0
	for end := range t.len() + 1 {
		if end < t.len() && isWordly(t.plain[end]) {
			continue
		}
		if end > begin {
			all = append(all, text{t.typed[begin:end], t.plain[begin:end], t.first[begin:end], t.second[begin:end]})
		}
		begin = end + 1
	}
	return all
}

func isWordly(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

// fold gives c as somebody reads it who does not care how it is written: in
// lower case, without diacritics, ligatures as two letters, Ａ and А as a. A
// character that would become more than three, or strange, stays what it is.
func fold(c rune) []rune {
	c = unicode.ToLower(c)
	if c < 0x80 {
		return []rune{c}
	}
	if l := lookalike(c); l != "" {
		return []rune(l)
	}
	var base []rune
	ascii := true
	for _, d := range norm.NFKD.String(string(c)) {
		if !unicode.Is(unicode.Mn, d) {
			base = append(base, unicode.ToLower(d))
			ascii = ascii && d < 0x80
		}
	}
	if len(base) > 1 && (!ascii || len(base) > 3) {
		return []rune{c}
	}
	return base
}

// lookalike gives the Latin letters that are seen in a letter which Unicode
// does not take apart.
func lookalike(c rune) string {
	switch c {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'ø', 'о', 'ο':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'þ':
		return "th"
	case 'ı', 'і', 'ι':
		return "i"
	case 'ĳ':
		return "ij"
	case 'а', 'α':
		return "a"
	case 'е', 'є':
		return "e"
	case 'р', 'ρ':
		return "p"
	case 'с':
		return "c"
	case 'у', 'υ':
		return "y"
	case 'х', 'χ':
		return "x"
	case 'ѕ':
		return "s"
	case 'ј':
		return "j"
	case 'к', 'κ':
		return "k"
	case 'ν':
		return "v"
	case 'ω', 'ш':
		return "w"
	}
	return ""
}

// letter gives the letters that a sign or a digit stands for in disguise:
// Microsoft's examples (0 o, 1 l, $ s, @ a) and the rest of what is usual.
func letter(c rune) (first, second rune) {
	switch c {
	case '1', '|', '!':
		return 'l', 'i'
	case '6', '9':
		return 'g', 'b'
	case '7':
		return 't', 'z'
	case '0':
		return 'o', 'o'
	case '2':
		return 'z', 'z'
	case '3', '€':
		return 'e', 'e'
	case '4', '@':
		return 'a', 'a'
	case '5', '$':
		return 's', 's'
	case '8':
		return 'b', 'b'
	case '+':
		return 't', 't'
	case '(':
		return 'c', 'c'
	}
	return c, c
}
