package password

// findRuns tells where a run that begins at a place may end: the same
// character twice or more (!!), or three and more at equal distance (1234,
// cba, 2468).
func findRuns(plain []rune, at int, found func(end int)) {
	if at+1 >= len(plain) {
		return
	}
	step := plain[at+1] - plain[at]
	if step < -2 || step > 2 {
		return
	}
	for end := at + 2; ; end++ {
		if step == 0 || end-at >= 3 {
			found(end)
		}
		if end == len(plain) || plain[end]-plain[end-1] != step {
			return
		}
	}
}

// shortestRepetition is the least that is worth repeating.
const shortestRepetition = 3

// repetitions gives, for each place, how much of what begins there stood
// already somewhere before: the doubled halves of Zomer2026Zomer2026. The two
// may overlap, as in abcabcabc.
func repetitions(plain []rune) []int {
	n := len(plain)
	longest := make([]int, n)
	// common[j] is how far the text from at and the text from j agree.
	common := make([]int, n+1)
	for at := n - 1; at >= 0; at-- {
		for j := range at { // upwards: common[j+1] is still that of at+1
			if plain[at] != plain[j] {
				common[j] = 0
				continue
			}
			common[j] = common[j+1] + 1
			longest[at] = max(longest[at], common[j])
		}
	}
	return longest
}

// A field is a part of a date.
type field int

const (
	day field = iota
	month
	year  // of four digits, 1900 to 2099
	short // of two
)

var dateOrders = [...][]field{
	{year},
	{month, year},
	{year, month},
	{day, month, year},
	{day, month, short},
	{year, month, day},
	{short, month, day},
	{month, day, year},
}

// findDates tells where a date that begins at a place may end: 2026,
// 12-03-1985, 12031985, 1/4/26.
func findDates(plain []rune, at int, found func(end int)) {
	if !isDigit(plain[at]) {
		return
	}
	for _, order := range dateOrders {
		if end, ok := date(plain, at, order, 0); ok {
			found(end)
		}
		if end := skipDigits(plain, at); end < len(plain) && isDateSeparator(plain[end]) {
			if end, ok := date(plain, at, order, plain[end]); ok {
				found(end)
			}
		}
	}
}

// date reads the fields of a date with a separator between them, or none (0),
// and gives its end.
func date(plain []rune, at int, order []field, separator rune) (end int, ok bool) {
	for i, f := range order {
		if i > 0 && separator != 0 {
			if at == len(plain) || plain[at] != separator {
				return 0, false
			}
			at++
		}
		digits := 2
		switch {
		case f == year:
			digits = 4
		case separator != 0:
			digits = min(2, skipDigits(plain, at)-at) // 1-4-26
		}
		if digits < 1 || at+digits > len(plain) {
			return 0, false
		}
		value, ok := number(plain[at : at+digits])
		if !ok || !f.allows(value) {
			return 0, false
		}
		at += digits
	}
	return at, true
}

func (f field) allows(value int) bool {
	switch f {
	case day:
		return 1 <= value && value <= 31
	case month:
		return 1 <= value && value <= 12
	case year:
		return 1900 <= value && value <= 2099
	}
	return true
}

func number(digits []rune) (value int, ok bool) {
	for _, c := range digits {
		if !isDigit(c) {
			return 0, false
		}
		value = 10*value + int(c-'0')
	}
	return value, true
}

// skipDigits gives where the digits that begin at a place end, after two at
// most.
func skipDigits(plain []rune, at int) int {
	end := at
	for end < len(plain) && end < at+2 && isDigit(plain[end]) {
		end++
	}
	return end
}

func isDigit(c rune) bool { return '0' <= c && c <= '9' }

func isDateSeparator(c rune) bool {
	switch c {
	case '-', '/', '.', '_', ' ':
		return true
	}
	return false
}
