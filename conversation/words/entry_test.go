package words_test

import (
	"testing"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

func TestAWordOfAOneTimePageIsFoundAgainInEitherLanguage(t *testing.T) {
	w, err := words.New(words.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range conversation.EntryWordCount {
		for _, shown := range []string{words.Dutch, words.English} {
			for _, typed := range []string{words.Dutch, words.English} {
				if got, ok := w.WordNumber(typed, " "+w.Word(shown, n)+" "); !ok || got != n {
					t.Errorf("%q is word %d, want %d", w.Word(shown, n), got, n)
				}
			}
		}
	}
	if w.Word(words.Dutch, -1) != "" || w.Word(words.Dutch, conversation.EntryWordCount) != "" {
		t.Error("there are words beyond the last")
	}
	if _, ok := w.WordNumber(words.Dutch, ""); ok {
		t.Error("no word is a word")
	}
}
