package words_test

import (
	"strings"
	"testing"

	"resetbot/conversation"
)

// The words of the captcha's sound, typed as people type them: all are ACD37K.
var spellings = []string{
	"anna cornelis dirk drie zeven karel",
	"Anna, Cornelis, Dirk, 3, 7, Karel",
	"anna c dirk 3 zeuven k",
	"A van Anna, C van Cornelis, D van Dirk, het cijfer drie, het cijfer zeven, K van Karel",
	"alfa charlie delta three seven kilo",
	"Alpha Charly Delta 3 7 Kilo",
	"A as in Alfa C as in Charlie D as in Delta the number three the number seven K as in Kilo",
	"anna charlie dirk three zeven kilo",
	"anna-cornelis-dirk-3-7-karel",
	"ana kornelis", // see below: not six, so nothing is made of it
	"  anna   cornelis dirk 37 karel ",
	"ANNA CORNELIS DIRK DRIE ZEVEN KAREL",
}

func TestTheWordsOfTheSoundAreItsCharacters(t *testing.T) {
	w := newWords(t)
	for _, said := range spellings {
		want := "ACD37K"
		if said == "ana kornelis" {
			want = said
		}
		for _, locale := range []string{"nl", "en"} {
			if got := meaning(t, w.Understand(captcha, locale, said)); got != "captcha="+want {
				t.Errorf("%s: %q means %q, want captcha=%s", locale, said, got, want)
			}
		}
		if got := w.Filled(conversation.FieldCaptcha, said); got != want {
			t.Errorf("%q in a form is %q, want %q", said, got, want)
		}
	}
}

// Every word that is said, in either language, stands for its character, also
// as it is heard and not written.
func TestEverySpellingWordIsItsCharacter(t *testing.T) {
	w := newWords(t)
	for character, said := range map[string]string{
		"A": "anna alfa alpha", "C": "cornelis charlie", "D": "dirk delta", "E": "eduard echo",
		"F": "ferdinand foxtrot", "G": "gerard golf", "H": "hendrik hotel", "J": "johan juliett juliet",
		"K": "karel kilo", "N": "nico november", "P": "pieter papa piter",
		"Q": "quotiënt quotient quebec kebek",
		"R": "rudolf romeo", "T": "theodoor tango", "X": "xantippe xray x-ray santippe", "Y": "ypsilon yankee ipsilon",
		"3": "drie three", "6": "zes six", "7": "zeven zeuven seven", "9": "negen nine",
	} {
		for word := range strings.FieldsSeq(said) {
			typed := strings.Repeat(word+" ", conversation.CaptchaLength)
			want := strings.Repeat(character, conversation.CaptchaLength)
			if got := w.Filled(conversation.FieldCaptcha, typed); got != want {
				t.Errorf("six times %q is %q, want %s", word, got, want)
			}
		}
	}
}

func TestWhatIsNoSpellingStaysAsItWasTyped(t *testing.T) {
	w := newWords(t)
	for _, said := range []string{
		"", "anna", "ACDEFG", "acdefg", "a c d e f g", "m.devries@linde.example", "m.devries",
		"anna bernard cornelis dirk eduard ferdinand", // B is in no captcha
		"anna cornelis dirk eduard ferdinand", "anna cornelis dirk eduard ferdinand gerard hendrik",
		"ik hoor het niet goed", "van", "van van van van van van", "🙂 🙂 🙂 🙂 🙂 🙂",
	} {
		if got := w.Filled(conversation.FieldCaptcha, said); got != said {
			t.Errorf("%q became %q", said, got)
		}
		if got := w.Filled(conversation.FieldName, said); got != said {
			t.Errorf("as a name %q became %q", said, got)
		}
	}
}

// Whoever copies an address out of a mail brings marks of direction and
// zero-width blanks along, which nobody sees. A form takes what a message does.
func TestANameInAFormLacksWhatNobodySees(t *testing.T) {
	w := newWords(t)
	for _, typed := range []string{
		"m.devries@linde.example", "\u202am.devries@linde.example\u202c", "\ufeffm.devries@linde.example",
		"m.devries\u200b@linde.example", "m.de\u00advries@linde.example", " m.devries@linde.example\r\n",
	} {
		const want = "m.devries@linde.example"
		if got := w.Filled(conversation.FieldName, typed); got != want {
			t.Errorf("%+q in a form is %+q, want %q", typed, got, want)
		}
		if got := meaning(t, w.Understand(who, "nl", typed)); got != "name="+want {
			t.Errorf("%+q in a message means %+q", typed, got)
		}
	}
}

func FuzzFilledCaptcha(f *testing.F) {
	w := newWords(f)
	for _, said := range spellings {
		f.Add(said)
	}
	f.Fuzz(func(t *testing.T, said string) {
		got := w.Filled(conversation.FieldCaptcha, said)
		if got == said {
			return
		}
		if len(got) != conversation.CaptchaLength || strings.Trim(got, conversation.CaptchaAlphabet) != "" {
			t.Errorf("%q became %q, which no captcha is", said, got)
		}
	})
}
