package password

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// shortestMirrored is from what length on a term counts backwards too.
	shortestMirrored = 5
	// shortestMistaken is from what length on a term is known with a mistake
	// in it. In a shorter one a mistake makes another word.
	shortestMistaken = 6
)

// terms is a set of words as a tree of their letters, in which a text is
// followed from one place on, in all its guises, with at most one mistake.
type terms struct{ nodes []termNode }

type termNode struct {
	letter         rune
	child, sibling int // in nodes; 0 is none, because nobody's child is the root
	length         int // of the term that ends here; 0 when none does
}

func newTerms() *terms { return &terms{nodes: make([]termNode, 1)} }

// commonTerms are the built-in list and the operator's own.
func commonTerms(banned []string) (*terms, error) {
	all := newTerms()
	for _, word := range listWords(commonList) {
		all.addBothWays([]rune(word))
	}
	for _, word := range banned {
		folded := read(strings.TrimSpace(word)).squeezed().plain
		if len(folded) < 3 {
			return nil, fmt.Errorf("banned word %q: want three letters or more", word)
		}
		all.addBothWays(folded)
	}
	return all, nil
}

// addBothWays adds a word and, unless it is short, its mirror image: drowssap.
func (s *terms) addBothWays(word []rune) {
	s.add(word)
	if len(word) >= shortestMirrored {
		mirrored := slices.Clone(word)
		slices.Reverse(mirrored)
		s.add(mirrored)
	}
}

func (s *terms) add(word []rune) {
	at := 0
	for _, c := range word {
		next := s.child(at, c)
		if next == 0 {
			next = len(s.nodes)
			s.nodes = append(s.nodes, termNode{letter: c, sibling: s.nodes[at].child})
			s.nodes[at].child = next
		}
		at = next
	}
	s.nodes[at].length = len(word)
}

func (s *terms) child(at int, c rune) int {
	next := s.nodes[at].child
	for next != 0 && s.nodes[next].letter != c {
		next = s.nodes[next].sibling
	}
	return next
}

// find tells where a term that begins at a place may end, and where one may
// with one letter wrong, missing or too many. The first letter is always
// right: nobody misspells it, and it keeps the search small.
func (s *terms) find(t text, at int, found, mistaken func(end int)) {
	s.follow(t, at, 0, false, found, mistaken)
}

func (s *terms) follow(t text, at, node int, mistake bool, found, mistaken func(end int)) {
	if length := s.nodes[node].length; length > 0 {
		if !mistake {
			found(at)
		} else if length >= shortestMistaken {
			mistaken(at)
		}
	}
	if at < t.len() {
		guises, n := t.guises(at)
		for _, c := range guises[:n] {
			if next := s.child(node, c); next != 0 {
				s.follow(t, at+1, next, mistake, found, mistaken)
			}
		}
	}
	if mistake || node == 0 {
		return
	}
	if at < t.len() {
		s.follow(t, at+1, node, true, found, mistaken) // one too many
	}
	for next := s.nodes[node].child; next != 0; next = s.nodes[next].sibling {
		s.follow(t, at, next, true, found, mistaken) // one missing
		if at < t.len() {
			s.follow(t, at+1, next, true, found, mistaken) // one wrong
		}
	}
}
