package password

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// canBeTyped reports whether every character can be seen, typed again and
// taken by the directory.
func (r *Rules) canBeTyped(password string) bool {
	for i, c := range password {
		if !visible(c) {
			return false
		}
		if c == utf8.RuneError && !strings.HasPrefix(password[i:], string(utf8.RuneError)) {
			return false // not UTF-8; half of a surrogate pair is not either
		}
		if r.takes != nil && !r.takes(c) {
			return false
		}
	}
	return true
}

// visible reports whether somebody who sees c knows what to type. Not so are
// controls (tab, newline, NUL), what Unicode has not assigned, blanks other
// than the blank, marks of writing direction, and whatever leaves no trace:
// zero-width characters, variation selectors, the Hangul fillers, the empty
// Braille cell. U+FFFD means that something was lost on the way here.
func visible(c rune) bool {
	return unicode.IsPrint(c) &&
		!unicode.In(c, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) &&
		c != '\u2800' && c != utf8.RuneError
}

// InEntra reports whether an account that lives in Entra ID alone can have c
// in its password: printable ASCII with the blank, no other Unicode
// (learn.microsoft.com, "Password policies in Microsoft Entra ID").
func InEntra(c rune) bool { return ' ' <= c && c <= '~' }

// symbols are what Active Directory counts as neither letter nor digit.
const symbols = "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/"

// kinds counts the kinds of characters in the way of MS-SAMR 3.1.1.7.2:
// capitals, small letters, digits, symbols, letters without case.
func kinds(password string) int {
	var upper, lower, digit, symbol, other int
	for _, c := range password {
		switch {
		case unicode.IsUpper(c):
			upper = 1
		case unicode.IsLower(c):
			lower = 1
		case '0' <= c && c <= '9':
			digit = 1
		case strings.ContainsRune(symbols, c):
			symbol = 1
		case unicode.IsLetter(c):
			other = 1
		}
	}
	return upper + lower + digit + symbol + other
}
