package words

import (
	"strings"

	"resetbot/conversation"
)

// entryWords are the words of one-time pages: short, plain, spelled in one
// way. Where a word is in both lists it stands in the same place.
var entryWords = map[string][conversation.EntryWordCount]string{
	Dutch: {
		"anker", "appel", "auto", "bakker", "balkon", "beker", "berg", "bezem", "bloem", "boek", "boom", "boter",
		"broek", "brug", "citroen", "deken", "deur", "dorp", "duin", "eiland", "emmer", "fiets", "fluit",
		"gitaar", "gras", "haven", "heuvel", "hond", "jas", "kaars", "kaart", "kameel", "kast", "kat", "keuken",
		"kip", "klok", "koffer", "konijn", "lamp", "lepel", "maan", "markt", "molen", "muts", "nest", "paard",
		"peer", "pen", "plank", "radio", "regen", "ring", "schaap", "schip", "sjaal", "sleutel", "sneeuw",
		"stoel", "tafel", "tent", "tuin", "vogel", "wolk",
	},
	English: {
		"anchor", "apple", "car", "baker", "balcony", "beaker", "mountain", "broom", "flower", "book", "tree",
		"butter", "trousers", "bridge", "lemon", "blanket", "door", "village", "dune", "island", "bucket",
		"bicycle", "flute", "guitar", "grass", "harbour", "hill", "dog", "jacket", "candle", "card", "camel",
		"cupboard", "cat", "kitchen", "chicken", "clock", "suitcase", "rabbit", "lamp", "spoon", "moon",
		"market", "mill", "cap", "nest", "horse", "pear", "pen", "plank", "radio", "rain", "ring", "sheep",
		"ship", "scarf", "key", "snow", "chair", "table", "tent", "garden", "bird", "cloud",
	},
}

// Word is word n of a one-time page, from 0 to conversation.EntryWordCount-1;
// empty for another number.
func (w *Words) Word(locale string, n int) string {
	if n < 0 || n >= conversation.EntryWordCount {
		return ""
	}
	return entryWords[Locale(locale)][n]
}

// WordNumber is the number of a word as a person types it, in the language of
// locale or else in the other.
func (w *Words) WordNumber(locale, text string) (n int, ok bool) {
	text = strings.ToLower(strings.TrimSpace(plain(text)))
	for _, l := range append([]string{Locale(locale)}, locales...) {
		for n, word := range entryWords[l] {
			if word == text {
				return n, true
			}
		}
	}
	return 0, false
}
