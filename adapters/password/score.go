package password

import "slices"

// What a piece of a password is worth. A guesser tries common words, dates,
// runs and walks before anything else, then the dictionary, then characters.
const (
	pointsCommon  = 1
	pointsPattern = 1 // a date, a run, a walk, a repetition
	pointsWord    = 2
	pointsMistake = 2 // a common word with one mistake in it
	pointsOther   = 1 // any other character

	enough = 8
	// enoughApart will do for a phrase of at least so many ordinary words that
	// stand apart: doc.go says why.
	enoughApart, wordsApart = 7, 3
)

// scorer counts the points of a password.
type scorer struct {
	words  *dictionary
	common *terms
	boards []keyboard
}

func newScorer(banned []string) (scorer, error) {
	words, err := builtInDictionary()
	if err != nil {
		return scorer{}, err
	}
	common, err := commonTerms(banned)
	if err != nil {
		return scorer{}, err
	}
	return scorer{words, common, keyboards()}, nil
}

// enough reports whether a password has the points that it needs.
func (s scorer) enough(t text, own []name) bool {
	points := s.points(t, own)
	return points >= enough || points >= enoughApart && s.apart(t, own) >= wordsApart
}

// apart counts the words of the dictionary that stand alone between separators
// and are nothing cheaper: not common, not a name, not a mistake in either.
func (s scorer) apart(t text, own []name) int {
	count := 0
	for _, part := range t.parts() {
		whole := false
		s.words.find(part, 0, func(end int) { whole = whole || end == part.len() })
		if whole && s.points(part, own) == pointsWord {
			count++
		}
	}
	return count
}

// points is the least for which the whole of t can be spelled, the way a
// shortest path is found: from each place, what is the cheapest way to here?
// Every finder tells where a piece that begins here may end. All are linear in
// the pieces there are but repetitions, which compare every place with every
// other: a password has at most 256 characters.
func (s scorer) points(t text, own []name) int {
	n := t.len()
	least := make([]int, n+1)
	for i := 1; i <= n; i++ {
		least[i] = n * pointsOther
	}
	mine := newTerms()
	for _, word := range own {
		mine.addBothWays(word)
	}
	boards := make([][]spot, len(s.boards))
	for i, board := range s.boards {
		boards[i] = board.spots(t.typed)
	}
	repeats := repetitions(t.plain)
	for at := range n {
		to := func(points int) func(end int) {
			return func(end int) { least[end] = min(least[end], least[at]+points) }
		}
		common, mistake, word, pattern := to(pointsCommon), to(pointsMistake), to(pointsWord), to(pointsPattern)
		to(single(t.plain, at))(at + 1)
		s.common.find(t, at, common, mistake)
		mine.find(t, at, common, mistake)
		s.words.find(t, at, word)
		findDates(t.plain, at, pattern)
		findRuns(t.plain, at, pattern)
		for _, spots := range boards {
			findWalks(spots, at, pattern)
		}
		for end := at + shortestRepetition; end <= at+repeats[at]; end++ {
			pattern(end)
		}
	}
	return least[n]
}

// single is what one character is worth that is part of nothing. A separator
// is chosen once.
func single(plain []rune, at int) int {
	if c := plain[at]; !isWordly(c) && slices.Contains(plain[:at], c) {
		return 0
	}
	return pointsOther
}
