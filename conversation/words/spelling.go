package words

import (
	"slices"
	"strings"
	"unicode/utf8"

	"resetbot/conversation"
)

// spelled reads the characters of a captcha out of the words in which its sound
// says them, as people type them after it: "anna 7 karel", "A van Anna, zeven",
// "alfa seven kilo". Words of both languages may stand beside characters, in any
// letter case; characters alone stay as they are. ok is false for what is not
// exactly as many characters of the alphabet as a captcha has; then it was
// something else, and nothing is guessed.
func spelled(text string) (characters string, ok bool) {
	if isCaptcha(strings.ToUpper(strings.Join(strings.Fields(text), ""))) {
		return text, true
	}
	characters = spelling(heard(text))
	return characters, isCaptcha(characters)
}

func spells(text string) bool {
	_, ok := spelled(text)
	return ok
}

func isCaptcha(text string) bool {
	return len(text) == conversation.CaptchaLength && strings.Trim(text, conversation.CaptchaAlphabet) == ""
}

// spelling takes of each word the character that it stands for. After "van" and
// its like comes the word of the letter before: the two are one character.
func spelling(tokens []string) string {
	var b strings.Builder
	said := false // the word that comes was said already, by its letter
	for i, t := range tokens {
		switch {
		case t == "ray" && i > 0 && tokens[i-1] == "x": // "X-ray"
		case slices.Contains(spellingLinks, t):
			said = b.Len() > 0
		case slices.Contains(spellingFillers, t):
		case said:
			said = false
		default:
			b.WriteString(standsFor(t))
		}
	}
	return b.String()
}

// standsFor is the character of a word: of a number its digit, of any other its
// first letter, for that is what spelling alphabets are made of, and how a word
// is written that was only heard matters less then.
func standsFor(token string) string {
	if c, ok := spellingOdd[token]; ok {
		return c
	}
	if strings.Trim(token, "0123456789") == "" {
		return token
	}
	first, _ := utf8.DecodeRuneInString(token)
	return strings.ToUpper(string(first))
}

var (
	spellingLinks   = strings.Fields("van as in for like")
	spellingFillers = strings.Fields("het cijfer de letter the number digit en and")
)

// spellingOdd are numbers, and words that are heard with another letter in front
// than they are written with.
var spellingOdd = map[string]string{
	"drie": "3", "zes": "6", "zeven": "7", "zeuven": "7", "negen": "9",
	"three": "3", "tree": "3", "six": "6", "seven": "7", "nine": "9", "niner": "9",
	"ipsilon": "Y", "ij": "Y", "santippe": "X", "zantippe": "X", "ksantippe": "X", "kwotient": "Q", "kebek": "Q",
}
