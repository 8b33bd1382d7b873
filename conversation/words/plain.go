package words

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// argumentMax is how many characters of one argument are shown. No name of a
// person or sentence of a directory that is of use is longer.
const argumentMax = 300

// plain makes what came from outside fit to stand in a sentence (AC-67): one
// line, without control characters, and without the characters that are not
// seen but turn the text around or hide it (bidirectional marks, zero-width
// characters). What looks like markup stays as it is; it is for the adapter to
// escape, as it must for every text.
func plain(text string) string {
	text = whole(text)
	if r := []rune(text); len(r) > argumentMax {
		text = strings.TrimSpace(string(r[:argumentMax-1])) + "…"
	}
	return text
}

// whole is the same, however long it is: half a link leads nowhere.
func whole(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(text), " ")
}

// gsm is the basic alphabet of text messages (3GPP TS 23.038, 6.2.1), without
// what no sentence needs. A message of nothing else has 160 characters a part,
// or 153 where there are several; one other character, and it is 70 or 67.
const gsm = "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

// gsmExtended are the characters that take two places.
const gsmExtended = "^{}\\[~]|€"

// forSMS writes a text in the alphabet of text messages: letters lose marks
// that it lacks, quotes become straight. What is left over becomes "?", so
// that one letter in a name never makes a message three times as dear.
func forSMS(text string) string {
	text = strings.NewReplacer("‘", "'", "’", "'", "“", `"`, "”", `"`, "…", "...", "–", "-", "\u00a0",
		" ").Replace(text)
	var b strings.Builder
	for _, r := range norm.NFC.String(text) {
		if strings.ContainsRune(gsm, r) || strings.ContainsRune(gsmExtended, r) {
			b.WriteRune(r)
			continue
		}
		base := []rune(norm.NFD.String(string(r)))[0]
		if !strings.ContainsRune(gsm, base) {
			base = '?'
		}
		b.WriteRune(base)
	}
	return b.String()
}

// segments is of how many parts a text message is that forSMS wrote.
func segments(text string) int {
	places := 0
	for _, r := range text {
		places++
		if strings.ContainsRune(gsmExtended, r) {
			places++
		}
	}
	if places <= 160 {
		return 1
	}
	return (places + 152) / 153
}
