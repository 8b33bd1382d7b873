// Package numberplan reads telephone numbers as people type them and as
// directories hold them, and tells which of them may be texted and called:
// mobile numbers of the countries that the operator names, and no other.
//
// What a number is, the tables of libphonenumber tell; they know several
// hundred plans and follow their changes. They are not enough: they take
// letters for digits (0800-FLOWERS), overlook what stands around a number, and
// count the Dutch 097 of machines among the mobiles. So only digits are handed
// to them, and their answer is judged strictly.
package numberplan

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"resetbot/conversation"
)

// longest is how many characters are looked at. E.164 has at most 15 digits;
// the rest is room for blanks, an access code and an extension.
const longest = 64

// Options say whose numbers are read.
type Options struct {
	// Region is the country whose numbers people type without a country code,
	// in ISO 3166-1 letters: "NL".
	Region string
	// Countries may be texted and called; Region alone where there are none.
	// "GB" are not the Channel Islands, "US" is not Canada: each is named.
	Countries []string
}

// Plan is a [conversation.NumberPlan]. It is safe for concurrent use.
type Plan struct {
	region    string
	countries []string
	codes     []int // the countries' calling codes
}

var _ conversation.NumberPlan = (*Plan)(nil)

// New makes a Plan. The error names every country that is none.
func New(o Options) (*Plan, error) {
	p := &Plan{region: strings.ToUpper(o.Region)}
	countries := o.Countries
	if len(countries) == 0 {
		countries = []string{o.Region}
	}
	var unknown error
	for _, country := range append([]string{o.Region}, countries...) {
		if phonenumbers.GetCountryCodeForRegion(strings.ToUpper(country)) == 0 {
			unknown = errors.Join(unknown, fmt.Errorf("country %q: no number plan of that ISO 3166-1 name", country))
		}
	}
	if unknown != nil {
		return nil, fmt.Errorf("reading the countries of telephone numbers: %w", unknown)
	}
	for _, country := range countries {
		country = strings.ToUpper(country)
		p.countries = append(p.countries, country)
		p.codes = append(p.codes, phonenumbers.GetCountryCodeForRegion(country))
	}
	return p, nil
}

// Read takes a number as a person types it, or as a directory holds it, and
// gives its E.164 form: "+31612345678". These mean the same:
//
//	0612345678       0031612345678      ٠٦١٢٣٤٥٦٧٨
//	06-12 34 56 78   +31 (0)6 12345678  +31 612345678x12
//	31612345678      612345678          tel:+31-6-12345678
//
// The last line's first two lack a prefix, but are no other numbers of Region;
// an extension is left out, for a text message cannot carry it. Letters never
// stand for digits.
//
// The fault is NumberKind for a number whose country, or whose kind, is never
// texted or called: all but mobile numbers, of Countries. It is NumberForm for
// everything that is no possible number of those countries, and for texts of
// more than 64 characters. e164 is then empty. A number is never altered to
// make it fit.
func (p *Plan) Read(text string) (e164 string, fault conversation.NumberFault) {
	dialled, ok := dialledOf(text)
	if !ok {
		return "", conversation.NumberForm
	}
	number, err := phonenumbers.Parse(dialled, p.region)
	if err != nil {
		return "", conversation.NumberForm
	}
	code := int(number.GetCountryCode())
	if !slices.Contains(p.codes, code) || excluded(code, phonenumbers.GetNationalSignificantNumber(number)) ||
		p.short(dialled, number) {
		return "", conversation.NumberKind
	}
	switch phonenumbers.GetNumberType(number) {
	case phonenumbers.UNKNOWN:
		return "", conversation.NumberForm
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		// The latter where a plan does not tell them apart, as in the USA.
		if slices.Contains(p.countries, phonenumbers.GetRegionCodeForNumber(number)) {
			return phonenumbers.Format(number, phonenumbers.E164), ""
		}
	}
	return "", conversation.NumberKind
}

// Country is that of a number in its E.164 form: "NL".
func (p *Plan) Country(e164 string) string {
	number, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return ""
	}
	return phonenumbers.GetRegionCodeForNumber(number)
}

// Countries are those whose numbers Read takes.
func (p *Plan) Countries() []string { return slices.Clone(p.countries) }

// Digits are the last two of a number in its E.164 form, which is what a
// person is shown of it; empty for what has not even those.
func Digits(e164 string) string {
	if len(e164) < 2 {
		return ""
	}
	return e164[len(e164)-2:]
}

// never are the beginnings, behind the country code, of numbers that are not
// dialled whatever the library's tables say of them, possible or not.
//
// For the Netherlands (Nummerplan telefoon- en ISDN-diensten): 097 is for
// machines and has twelve digits of which the tables make mobiles; 14 are the
// municipalities; 0800 is free, all of 090 costs the caller extra, and both are
// how toll fraud earns.
var never = map[int][]string{
	31: {"112", "14", "800", "90", "97"},
}

func excluded(code int, national string) bool {
	return slices.ContainsFunc(never[code], func(prefix string) bool {
		return strings.HasPrefix(national, prefix)
	})
}

// short reports whether dialled is a number that exists only within Region:
// 112 and its like.
func (p *Plan) short(dialled string, number *phonenumbers.PhoneNumber) bool {
	return dialled[0] != '+' && dialled[0] != '0' && phonenumbers.IsPossibleShortNumberForRegion(number, p.region)
}

// written is a number without its separators: an RFC 3966 scheme, the digits
// that count, an extension as directories and people append it.
var written = regexp.MustCompile(`^(?:tel:)?(\+?[0-9]+)(?:(?:x|ext|extension|;ext=|tst|toestel):?[0-9]{1,7})?$`)

// dialledOf takes out of text what one would dial: digits, perhaps behind a
// plus sign. ok is false for what is more than one number, or none.
func dialledOf(text string) (dialled string, ok bool) {
	var plain strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > longest {
			return "", false
		}
		switch {
		case separates(r):
		case unicode.IsDigit(r):
			plain.WriteString(strconv.Itoa(valueOf(r)))
		case r == '＋':
			plain.WriteByte('+')
		default:
			plain.WriteRune(unicode.ToLower(r))
		}
	}
	parts := written.FindStringSubmatch(plain.String())
	if parts == nil {
		return "", false
	}
	return parts[1], true
}

// separates reports whether r may stand between the digits of a number and
// means nothing: blanks, hyphens and dashes of every script, the usual
// punctuation, and what nobody sees (zero-width characters, marks of direction).
func separates(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Pd) ||
		strings.ContainsRune("()/.−（）／．", r)
}

// valueOf is the value of a decimal digit of any script. Unicode keeps the ten
// digits of a script together and in order (The Unicode Standard, section 4.6),
// so it is how far r is from the first.
func valueOf(r rune) int {
	n := 0
	for unicode.IsDigit(r - 1) {
		r--
		n++
	}
	return n % 10
}
