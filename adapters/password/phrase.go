package password

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"resetbot/conversation"
)

// phraseSize is how many words phrases are drawn from, at the least. Four out
// of 5,793 are 50 bits (4 × log2 5793); the list has more, and a test counts.
const phraseSize = 5793

const phraseLength = 4

func phraseWords() ([]string, error) {
	words := listWords(phraseList)
	if len(words) < phraseSize {
		return nil, fmt.Errorf("%w: %d words for phrases, want %d", errLists, len(words), phraseSize)
	}
	return words, nil
}

// suggestions is how many phrases are tried before none is offered. Nine of
// ten will do even for a person whose name is in many words (Van der Ende), so
// this is only ever reached where the directory takes no such phrase at all.
const suggestions = 64

// Suggest offers a password that passes Judge with the same length and
// personal words: four Dutch words of four to eight letters, joined by
// hyphens, all on keys that every keyboard has, and no accents; more words
// where the directory wants more characters, and a capital where it wants
// three kinds of them. Four words out of 6,396 are 50.5 bits; leaving out those
// with the person's name in them costs less than half a bit.
//
// The same seed gives the same phrase, so it must be 32 fresh bytes from
// crypto/rand, used once. The empty Secret means that no phrase will do: the
// directory does not take small letters and hyphens, or has room for fewer.
func (r *Rules) Suggest(seed [32]byte, length int, personal []string) conversation.Secret {
	draw := rand.New(rand.NewChaCha8(seed))
	for range suggestions {
		phrase := r.draw(draw, r.least(length))
		if len(r.Judge(phrase, length, personal)) == 0 {
			return conversation.NewSecret(phrase)
		}
	}
	return conversation.Secret{}
}

// draw joins words until there are four, and least characters.
func (r *Rules) draw(draw *rand.Rand, least int) string {
	var b strings.Builder
	for words := 0; words < phraseLength || b.Len() < least; words++ {
		word := r.phrase[draw.IntN(len(r.phrase))]
		if words > 0 {
			b.WriteByte('-')
		} else if r.complexity {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		b.WriteString(word)
	}
	return b.String()
}
