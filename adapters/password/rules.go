package password

import (
	"cmp"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"resetbot/conversation"
)

// Options say how an organisation's rules differ from the defaults. The zero
// value is the default.
type Options struct {
	// Min and Max are in code points after NFC; 0 means 16 and 256. Min is 8
	// or more, Max 256 or less.
	Min, Max int
	// Organisation are names that nobody's password may hold: of the
	// organisation, its houses, its domains. They are split into words like a
	// person's names are.
	Organisation []string
	// Banned are further common words, one point each: brands, buildings,
	// local feasts. A term of fewer than three letters is an error.
	Banned []string
	// Takes tells whether the directory can take a character; nil means that
	// it takes all that can be printed. What cannot be printed is never asked.
	Takes func(rune) bool
	// Complexity is set where the directory wants three kinds of characters
	// out of five (MS-SAMR 3.1.1.7.2).
	Complexity bool
	// Breached is the operator's own list, beside the small one that is built
	// in; nil for none.
	Breached *Breached
}

// Rules judge passwords. They never change after New, and may be used by any
// number of goroutines at once.
type Rules struct {
	min, max     int
	organisation []name
	takes        func(rune) bool
	complexity   bool
	score        scorer
	breached     []*Breached
	phrase       []string
}

var _ conversation.PasswordRules = (*Rules)(nil)

// New makes rules, with the word lists that are built in (some 2 MB of memory,
// some ten milliseconds). It fails on options that contradict one another.
func New(o Options) (*Rules, error) {
	r := &Rules{
		min:        cmp.Or(o.Min, 16),
		max:        cmp.Or(o.Max, 256),
		takes:      o.Takes,
		complexity: o.Complexity,
	}
	if r.min < 8 || r.max > 256 || r.min > r.max {
		return nil, fmt.Errorf("passwords of %d to %d characters: want 8 <= min <= max <= 256", r.min, r.max)
	}
	for _, text := range o.Organisation {
		r.organisation = append(r.organisation, names(text)...)
	}
	var err error
	if r.score, err = newScorer(o.Banned); err != nil {
		return nil, err
	}
	own, err := ownBreached()
	if err != nil {
		return nil, err
	}
	r.breached = []*Breached{own}
	if o.Breached != nil {
		r.breached = append(r.breached, o.Breached)
	}
	if r.phrase, err = phraseWords(); err != nil {
		return nil, err
	}
	return r, nil
}

var errLists = errors.New("the built-in word lists are damaged")

// canonical is how many code points one character of a normal form can have
// been before (Unicode Standard Annex 15, 9: U+1F82 decomposes into four).
const canonical = 4

// Normal gives NFC, and alters nothing else: no blank is trimmed, no full-width
// letter narrowed (NFKC would do that, and make another password of it). What
// is too long in whatever form comes back as it is, unread.
func (r *Rules) Normal(password string) string {
	if len(password) > canonical*utf8.UTFMax*r.max {
		return password
	}
	return norm.NFC.String(password)
}

// Judge tells what is wrong with a password, each flaw once, the shape first.
// Of a password that is too long nothing else is looked at; one that is too
// short is not called common as well, because everything short is.
func (r *Rules) Judge(password string, length int, personal []string) []conversation.PasswordFlaw {
	if len(password) > utf8.UTFMax*r.max {
		return []conversation.PasswordFlaw{conversation.FlawLong}
	}
	count := utf8.RuneCountInString(password)
	if count > r.max {
		return []conversation.PasswordFlaw{conversation.FlawLong}
	}
	var flaws []conversation.PasswordFlaw
	wrong := func(yes bool, flaw conversation.PasswordFlaw) {
		if yes {
			flaws = append(flaws, flaw)
		}
	}
	short := count < r.least(length)
	own := personalNames(personal)
	t := read(password)
	wrong(short, conversation.FlawShort)
	wrong(!r.canBeTyped(password), conversation.FlawCharacter)
	wrong(!short && r.complexity && kinds(password) < 3, conversation.FlawComplexity)
	wrong(anyIn(own, t) || anyIn(r.organisation, t), conversation.FlawPersonal)
	wrong(!short && !r.score.enough(t, own), conversation.FlawCommon)
	wrong(!short && r.isBreached(password), conversation.FlawBreached)
	return flaws
}

// least is the least length where the directory asks for length. A directory
// that asks for more than we ever take gets the most that we take, so that
// there is a password at all.
func (r *Rules) least(length int) int { return min(max(r.min, length), r.max) }

func (r *Rules) isBreached(password string) bool {
	for _, list := range r.breached {
		if list.Has(password) {
			return true
		}
	}
	return false
}
