package words_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"resetbot/conversation"
)

// FuzzTypedCode types anything where a code is asked for, in a message and in
// a form. What must hold: a code is the six digits that were typed, all of them
// and in their order, never fewer and never others (AC-23); both ways of typing
// read the same; what is no code comes back as it was, for the wizard to say so;
// reading twice changes nothing.
func FuzzTypedCode(f *testing.F) {
	w := newWords(f)
	for _, seed := range []string{
		"123456", "123 456", "12-34-56", "123-456.", "mijn code is 123 456", "code:123456!", "G-123456",
		"1234567", "12345", "0612345678", "123 456 789", "123,456", "1 2 3 4 5 6", "123\n456", "123\t456",
		"١٢٣٤٥٦", "１２３４５６", "۱۲۳ ۴۵۶", "𝟏𝟐𝟑𝟒𝟓𝟔", "①②③④⑤⑥", "½3456", "1²3456", "123\u200b456", "\u202e654321",
		"12a456", "123x456", "+123456", "-123456", "0x1E240", "1e5", "\xff123456", "123\xff456", "", " ",
		"verlopen 3 min geleden", "\u0661\u0662345\u06f6", "code 1 is 123456", "nee", "help 123456",
	} {
		f.Add(seed)
	}
	page := conversation.Page{ID: conversation.AskSMSCode, Fields: []conversation.Field{conversation.FieldCode}}
	f.Fuzz(func(t *testing.T, typed string) {
		filled := w.Filled(conversation.FieldCode, typed)
		if again := w.Filled(conversation.FieldCode, filled); again != filled {
			t.Errorf("%q is read as %q, and that as %q", typed, filled, again)
		}
		if sixDigits(filled) != "" && decimals(typed) != filled {
			t.Errorf("the digits %q of %q became the code %q", decimals(typed), typed, filled)
		}
		if sixDigits(filled) == "" && strings.TrimSpace(filled) != strings.TrimSpace(unseen(typed)) && filled != typed {
			t.Errorf("%q is no code, and became %q", typed, filled)
		}
		in := w.Understand(page, "nl", typed)
		if said, ok := in.Fields[conversation.FieldCode]; ok && sixDigits(said.Reveal()) != sixDigits(filled) {
			t.Errorf("%q is %q in a message and %q in a form", typed, said.Reveal(), filled)
		}
		if sixDigits(filled) != "" && in.Choice == "" && len(in.Fields) == 0 {
			t.Errorf("%q is a code in a form, and nothing in a message", typed)
		}
	})
}

// sixDigits is text if it is six ASCII digits.
func sixDigits(text string) string {
	if len(text) == 6 && strings.Trim(text, "0123456789") == "" {
		return text
	}
	return ""
}

// decimals are the digits of every script in text as ASCII, after NFKC, so that
// ① and 𝟏 are digits too.
func decimals(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsDigit(r) {
			return -1
		}
		value := rune('0')
		for zero := r; unicode.IsDigit(zero-1) && value < '9' && !noughts[zero]; zero-- {
			value++
		}
		return value
	}, norm.NFKC.String(text))
}

// noughts are the noughts of all scripts.
var noughts = func() map[rune]bool {
	all := map[rune]bool{}
	for _, t := range unicode.Nd.R16 {
		for r := rune(t.Lo); r <= rune(t.Hi); r += 10 {
			all[r] = true
		}
	}
	for _, t := range unicode.Nd.R32 {
		for r := rune(t.Lo); r <= rune(t.Hi); r += 10 {
			all[r] = true
		}
	}
	return all
}()

// unseen is text without format characters, which are let go before anything
// is read.
func unseen(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
}
