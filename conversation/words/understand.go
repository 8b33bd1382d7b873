package words

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"resetbot/conversation"
)

// typedMax is how many bytes of a message are read. Longer ones are not
// understood: nothing that is asked for is that long.
const typedMax = 4096

// Understand says what a person means who types text on page. It is pure,
// never fails, and gives an Input of kind Said with one of three things in it:
//
//   - Choice: a choice of the page (also one that is Off; the wizard says why),
//     one of [conversation.Everywhere], where the conversation begins what a
//     person comes for, on the verification steps that they have no phone, or
//     in the guide a code of Microsoft's page.
//   - Fields: the page's first field, as it was typed, but for a code (six
//     ASCII digits, if it is one), a telephone number (ASCII digits), and a
//     captcha typed in the words of its sound (its characters).
//   - Unread: nobody knows what was meant.
//
// The words of both languages are understood whatever locale is; where a label
// means two things, the one in the person's own language counts.
//
// A password is never taken from a message. On the page that asks for one
// everything but an exact command is Unread, with the text, untouched, as
// FieldPassword beside it, so that the wizard can refuse it as the new one
// (DESIGN 5). It must be used for nothing else.
func (w *Words) Understand(page conversation.Page, locale, text string) conversation.Input {
	unread := conversation.Input{Kind: conversation.Said, Unread: true}
	if len(text) > typedMax {
		return unread
	}
	said := listener{Words: w.at(page), page: page, locale: Locale(locale), text: text, tokens: heard(text)}
	if page.AsksPassword() {
		if choice := said.exactly(conversation.Everywhere); choice != "" {
			return chosen(choice)
		}
		if strings.TrimSpace(text) != "" {
			unread.Fields = field(conversation.FieldPassword, text)
		}
		return unread
	}
	if choice := said.choice(); choice != "" {
		in := chosen(choice)
		if n := said.number(); n > 0 && page.Offers[n-1].Choice == choice {
			in.Nth = n
		}
		return in
	}
	if answer, ok := said.answer(); ok {
		return conversation.Input{Kind: conversation.Said, Fields: field(page.Fields[0], answer)}
	}
	return unread
}

func chosen(c conversation.Choice) conversation.Input {
	return conversation.Input{Kind: conversation.Said, Choice: c}
}

func field(f conversation.Field, text string) map[conversation.Field]conversation.Secret {
	return map[conversation.Field]conversation.Secret{f: conversation.NewSecret(text)}
}

// Filled is what a person typed into one field of a form, as the wizard takes
// it: a code is six ASCII digits, if it is one ("123 456", "12-34-56"), a
// telephone number ASCII digits, the words of a captcha's sound its characters,
// a name lacks the signs of format that come along when an address is copied;
// everything else is as it was typed. It is pure.
func (w *Words) Filled(in conversation.Field, typed string) string {
	if len(typed) > typedMax {
		return typed
	}
	switch in {
	case conversation.FieldCode, conversation.FieldNumber:
	case conversation.FieldName:
		return visible(typed)
	case conversation.FieldCaptcha:
		if characters, ok := spelled(typed); ok {
			return characters
		}
		return typed
	default:
		return typed
	}
	l := listener{page: conversation.Page{Fields: []conversation.Field{in}}, text: typed}
	if answer, ok := l.answer(); ok {
		return answer
	}
	return typed
}

// listener is one message on its page.
type listener struct {
	*Words
	page   conversation.Page
	locale string
	text   string
	tokens []string
}

// choice is the choice that is meant; empty for none.
func (l listener) choice() conversation.Choice {
	allowed := l.allowed()
	if choice := l.exactly(allowed); choice != "" {
		return choice
	}
	if choice := l.nth(); choice != "" {
		return choice
	}
	if choice := l.sspr(); choice != "" {
		return choice
	}
	if l.mayBeAnswer() || len(l.tokens) > sentenceMax {
		return ""
	}
	if choice := l.roughly(allowed); choice != "" {
		return choice
	}
	return first([]conversation.Choice{l.comesFor(), l.doesNotGetOn()}, allowed)
}

// sentenceMax is how many words a sentence has out of which anything is read
// that is not there word by word.
const sentenceMax = 40

// allowed are the choices that words can mean on this page.
func (l listener) allowed() []conversation.Choice {
	var list []conversation.Choice
	for _, o := range l.page.Offers {
		list = append(list, o.Choice)
	}
	list = append(list, conversation.Everywhere...)
	switch {
	case l.page.Args.Step > 0 || l.page.Crumb == 1 || l.page.Crumb == 2:
		list = append(list, conversation.PickNoPhone)
	case l.beginning():
		list = append(list, conversation.PickReset, conversation.PickStuck, conversation.PickUnlock,
			conversation.PickElse, conversation.PickLostPhone, conversation.PickEnrol)
	}
	return list
}

// beginning reports whether a person may say on this page what they come for:
// before the first page, on it, and after the end.
func (l listener) beginning() bool {
	switch l.page.ID {
	case "", conversation.AskStart, conversation.AskElse, conversation.AskFollowUp:
		return true
	}
	return ended(l.page.ID)
}

// exactly finds a phrase or a label that was typed as it is.
func (l listener) exactly(allowed []conversation.Choice) conversation.Choice {
	if len(l.tokens) == 0 {
		return ""
	}
	if choice := l.account(); choice != "" {
		return choice
	}
	phrase := strings.Join(l.tokens, " ")
	if choice := l.labelled(phrase); slices.Contains(allowed, choice) {
		return choice
	}
	choice := first(l.vocabulary.exact[phrase], allowed)
	if l.oneWord() && l.anyWord() && !slices.Contains(conversation.Everywhere, choice) {
		return ""
	}
	return choice
}

// labelled finds a button of the page by its label in the person's language.
func (l listener) labelled(phrase string) conversation.Choice {
	labels := l.vocabulary.labels[l.locale]
	for _, o := range l.page.Offers {
		id := "choice." + string(o.Choice)
		label, own := labels[id+"@"+string(l.page.ID)]
		if !own {
			label = labels[id]
		}
		if label == phrase {
			return o.Choice
		}
	}
	return ""
}

// account finds one of the person's own accounts by its whole name; anything
// less could be another one.
func (l listener) account() conversation.Choice {
	for _, o := range l.page.Offers {
		if name, ok := ownAccount(l.page, o.Choice); ok && strings.EqualFold(visible(l.text), name) {
			return o.Choice
		}
	}
	return ""
}

// nth is the choice whose number was typed.
func (l listener) nth() conversation.Choice {
	if n := l.number(); n > 0 {
		return l.page.Offers[n-1].Choice
	}
	return ""
}

// number is that of a choice of the page, from 1, where it was typed and where
// numbers are no answers; 0 for none.
func (l listener) number() int {
	tokens := l.tokens
	if len(tokens) == 2 && numbering[tokens[0]] {
		tokens = tokens[1:]
	}
	if len(tokens) != 1 || len(l.page.Fields) > 0 {
		return 0
	}
	n, ok := numerals[tokens[0]]
	if !ok {
		n, _ = strconv.Atoi(tokens[0])
	}
	if n < 1 || n > len(l.page.Offers) {
		return 0
	}
	return n
}

var numbering = set("optie keuze nummer option choice number")

var numerals = map[string]int{
	"een": 1, "twee": 2, "drie": 3, "vier": 4, "vijf": 5, "zes": 6, "zeven": 7, "acht": 8, "negen": 9,
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
}

// freeText reports whether the page's first field takes any word at all.
func (l listener) freeText() bool {
	return l.page.Asks(conversation.FieldName) || l.page.Asks(conversation.FieldCaptcha)
}

// anyWord reports whether this single word can be the answer: a name can be any
// word, a captcha only one that looks like it.
func (l listener) anyWord() bool {
	return l.page.Asks(conversation.FieldName) || l.page.Asks(conversation.FieldCaptcha) && spells(l.text)
}

func (l listener) oneWord() bool { return len(strings.Fields(l.text)) == 1 }

// mayBeAnswer reports whether the text can be what the page's first field asks
// for, so that no choice is to be read into it.
func (l listener) mayBeAnswer() bool {
	switch {
	case len(l.page.Fields) == 0:
		return false
	case l.page.Fields[0] == conversation.FieldCaptcha && spells(l.text):
		return true
	case l.freeText():
		return l.oneWord() || strings.ContainsAny(l.text, "@\\")
	}
	return hasDigit(l.text)
}

// answer is the text as what the page's first field takes.
func (l listener) answer() (string, bool) {
	text := visible(l.text)
	if len(l.page.Fields) == 0 || text == "" {
		return "", false
	}
	switch l.page.Fields[0] {
	case conversation.FieldName:
		// "reset" that comes again is no name: nobody is called so.
		asks := slices.Contains(l.vocabulary.exact[strings.Join(l.tokens, " ")], conversation.PickReset)
		return text, !asks
	case conversation.FieldCaptcha:
		if characters, ok := spelled(text); ok {
			return characters, true
		}
		return text, true
	case conversation.FieldCode:
		return codeIn(text), hasDigit(text)
	case conversation.FieldNumber:
		return numberIn(text), hasDigit(text)
	}
	return "", false
}

// roughly finds a phrase from which fillers are missing, or that has them, or
// that has one typing error in a word of six letters or more. Two choices that
// come equally near are none.
func (l listener) roughly(allowed []conversation.Choice) conversation.Choice {
	said := gist(l.tokens)
	if len(said) == 0 {
		return ""
	}
	if choice := first(l.vocabulary.gist[strings.Join(said, " ")], allowed); choice != "" {
		return choice
	}
	var found conversation.Choice
	for _, phrase := range l.vocabulary.gists {
		if !almost(said, phrase) {
			continue
		}
		choice := first(l.vocabulary.gist[strings.Join(phrase, " ")], allowed)
		if choice != "" && found != "" && choice != found {
			return ""
		}
		if choice != "" {
			found = choice
		}
	}
	return found
}

func first(choices, allowed []conversation.Choice) conversation.Choice {
	for _, c := range choices {
		if slices.Contains(allowed, c) {
			return c
		}
	}
	return ""
}

// sspr is the code of Microsoft's page in a text, where such a page is being
// walked: "SSPR_0014", "sspr 14", or nothing but "0014".
func (l listener) sspr() conversation.Choice {
	if !l.page.Shows(conversation.PickTrouble) {
		return ""
	}
	for i, t := range l.tokens {
		number, ok := strings.CutPrefix(t, "sspr")
		if ok && number == "" && i+1 < len(l.tokens) {
			number = l.tokens[i+1]
		}
		if alone := len(l.tokens) == 1 && len(t) == 4 && strings.HasPrefix(t, "00"); alone {
			number, ok = t, true
		}
		if n, err := strconv.Atoi(number); ok && err == nil && 0 <= n && n <= 9999 {
			return conversation.PickSSPR(n)
		}
	}
	return ""
}

// doesNotGetOn reads out of a free sentence that what a page of the guide asks
// does not work. A misreading costs nothing there; it shows what usually helps.
func (l listener) doesNotGetOn() conversation.Choice {
	if slices.ContainsFunc(l.tokens, func(t string) bool { return like(t, notWords) || like(t, troubleWords) }) {
		return conversation.PickTrouble
	}
	return ""
}

var troubleWords = strings.Fields("fout foutmelding probleem geweigerd verlopen geblokkeerd " +
	"error wrong problem refused rejected expired blocked")

// comesFor reads out of a free sentence what a person comes for: a forgotten
// password, or that they cannot get in. Where they may begin a misreading
// costs nothing; the next page asks.
func (l listener) comesFor() conversation.Choice {
	says := func(words []string) bool {
		return slices.ContainsFunc(l.tokens, func(t string) bool { return like(t, words) })
	}
	password := says(passwordWords)
	switch {
	case password && (says(forgotWords) || l.knowsItNot()):
		return conversation.PickReset
	case says(inWords) && says(notWords), says(lockedWords):
		return conversation.PickStuck
	case l.page.ID != "" && len(l.tokens) <= 3 && says(greetings):
		return conversation.PickHelp
	}
	return ""
}

var (
	passwordWords = strings.Fields("wachtwoord wachtwoorden paswoord ww password passwords passcode")
	forgotWords   = strings.Fields("vergeten vergat vergeet kwijt verloren nieuw nieuwe opnieuw reset resetten " +
		"herstellen wijzigen veranderen aanpassen verlopen " +
		"forgot forgotten forget lost new change expired recover remember")
	knowWords   = strings.Fields("weet ken herinner know remember")
	inWords     = strings.Fields("inloggen aanmelden inlog inlogt erin in login signin binnen")
	notWords    = strings.Fields("niet geen not cannot cant unable mislukt wont doesnt")
	lockedWords = strings.Fields("geblokkeerd vergrendeld gelockt gelocked locked blocked")
)

// knowsItNot: "ik weet mijn wachtwoord niet meer", but not "ik weet mijn
// wachtwoord, maar kom er niet in".
func (l listener) knowsItNot() bool {
	said := func(word string) bool { return slices.Contains(l.tokens, word) }
	if said("dont") && said("know") {
		return true
	}
	if !slices.ContainsFunc(knowWords, said) {
		return false
	}
	for i, t := range l.tokens {
		if i == 0 || !slices.Contains(notWords, t) {
			continue
		}
		if like(l.tokens[i-1], passwordWords) || i+1 < len(l.tokens) && l.tokens[i+1] == "meer" {
			return true
		}
	}
	return false
}

// like reports whether a word is one of words, or a long one of them with one
// typing error.
func like(said string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return said == w || letters(w) >= typoFrom && oneTypo(said, w)
	})
}

// heard is a text as words: without regard to letter case, accents, width,
// punctuation and what cannot be seen; with ASCII digits.
func heard(text string) []string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me,
			unicode.Cf) || r == '\'' || r == '’' || r == '‘' || r == '`':
			return -1
		case unicode.IsDigit(r):
			return asciiDigit(r)
		case unicode.IsLetter(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFKD.String(text))
	return strings.Fields(text)
}

// visible is a text without the format characters that come along when an
// address is copied, and without blanks around it. Everything else stays for
// the wizard to judge.
func visible(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text))
}

// asciiDigit is the ASCII digit of a decimal digit of any script. Unicode
// keeps the ten of a script together, from nought on.
func asciiDigit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	return r
}

func hasDigit(text string) bool { return strings.ContainsFunc(norm.NFKC.String(text), unicode.IsDigit) }

func digitsOnly(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return asciiDigit(r)
		}
		return -1
	}, text)
}

// codeIn is the code in a text: all its digits, when they are six and stand
// together as people write codes, "123 456" or "12-34-56", with any words
// around them. No digit is ever left out to make six; any other text is given
// back as it is, for the wizard to say what a code looks like (AC-23).
func codeIn(text string) string {
	run, ok := digitRun(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || r == '.' || r == '_'
	})
	if digits := digitsOnly(run); ok && len(digits) == 6 {
		return digits
	}
	return text
}

// numberIn is the telephone number in a text, with ASCII digits: all the
// digits there are, when nothing but the usual signs stands between them.
func numberIn(text string) string {
	run, ok := digitRun(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || strings.ContainsRune("().+/", r)
	})
	if !ok {
		return text
	}
	return strings.Map(asciiDigit, run)
}

// digitRun is the part of a text from its first digit (or the "+" or "("
// before that) to its last, and whether all between them are digits and what
// between allows.
func digitRun(text string, between func(rune) bool) (run string, ok bool) {
	text = norm.NFKC.String(text)
	from := strings.IndexFunc(text, unicode.IsDigit)
	to := strings.LastIndexFunc(text, unicode.IsDigit)
	if from < 0 {
		return "", false
	}
	_, size := utf8.DecodeRuneInString(text[to:])
	run = text[from : to+size]
	if strings.ContainsFunc(run, func(r rune) bool { return !unicode.IsDigit(r) && !between(r) }) {
		return "", false
	}
	before := strings.TrimRight(text[:from], " ")
	for before != "" && strings.ContainsRune("+(", rune(before[len(before)-1])) {
		run, before = before[len(before)-1:]+run, before[:len(before)-1]
	}
	return run, true
}
