package password

import (
	"slices"
	"strings"
	"unicode"
)

// name is a word that a password may not hold, folded as [text.plain] is.
type name []rune

const (
	// shortestName is the wizard's: a name of three letters or more.
	shortestName = 3
	// shortestSpread is from what length on a name is also found with signs
	// between its letters. Shorter ones would be found by chance across two
	// words: eva in zee-vaart.
	shortestSpread = 6
	// longestNames is how much of one text is read. A directory's longest
	// name has 256 characters; a longer text is no name, and must not cost.
	longestNames = 1024
)

// personalNames gives the words of everything that is known of a person.
func personalNames(personal []string) []name {
	var all []name
	for _, text := range personal {
		all = append(all, names(text)...)
	}
	return all
}

// names takes a name apart: a display name, a user name, an address,
// DOMAIN\name. Words of fewer than three letters are left out, as is the end
// of a domain, or nobody at example.org could write zorg.
func names(text string) []name {
	text = text[:min(len(text), longestNames)]
	local, domain, isAddress := strings.Cut(text, "@")
	if !isAddress && !strings.ContainsFunc(text, unicode.IsSpace) {
		local, domain = "", text
		if end := domain[strings.LastIndexByte(domain, '.')+1:]; !isTopLevel(end) {
			local, domain = text, ""
		}
	}
	if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
		domain = domain[:dot]
	}
	var all []name
	for _, part := range strings.FieldsFunc(local+" "+domain, isBetween) {
		all = appendName(all, part)
	}
	if len(all) == 0 { // j.p-k as a user name
		all = appendName(all, strings.TrimSpace(local))
	}
	return all
}

func appendName(all []name, part string) []name {
	n := name(read(part).plain)
	if len(n) < shortestName || slices.ContainsFunc(all, func(m name) bool { return slices.Equal(m, n) }) {
		return all
	}
	return append(all, n)
}

func isBetween(c rune) bool {
	return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c)
}

// isTopLevel knows the ends of domains that have three letters or more and
// are met here.
func isTopLevel(label string) bool {
	switch strings.ToLower(label) {
	case "com", "org", "net", "edu", "gov", "info", "care", "health":
		return true
	}
	return false
}

// anyIn reports whether one of names stands in t, in whatever disguise.
func anyIn(names []name, t text) bool {
	if len(names) == 0 {
		return false
	}
	squeezed := t.squeezed()
	for _, n := range names {
		if n.in(t) || len(n) >= shortestSpread && n.in(squeezed) {
			return true
		}
	}
	return false
}

func (n name) in(t text) bool {
	for at := 0; at+len(n) <= t.len(); at++ {
		if n.standsAt(t, at) {
			return true
		}
	}
	return false
}

// standsAt wants at least one character undisguised: 315 is no Els.
func (n name) standsAt(t text, at int) bool {
	plain := false
	for i, c := range n {
		switch c {
		case t.plain[at+i]:
			plain = true
		case t.first[at+i], t.second[at+i]:
		default:
			return false
		}
	}
	return plain
}
