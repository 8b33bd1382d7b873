package password

// A spot is where a key is on a keyboard, or nowhere.
type spot struct {
	row, column int
	there       bool
}

// A layout has the keys of a keyboard row by row, and with Shift.
type layout struct{ plain, shifted []string }

// The keyboards of a Dutch hospital: US International is what is sold here,
// AZERTY what colleagues from Belgium learned on, and the numeric pad.
var layouts = [...]layout{
	{
		plain:   []string{"1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./"},
		shifted: []string{"!@#$%^&*()_+", "QWERTYUIOP{}|", "ASDFGHJKL:\"", "ZXCVBNM<>?"},
	},
	{
		plain:   []string{"&é\"'(§è!çà)-", "azertyuiop^$", "qsdfghjklmù", "wxcvbn,;:="},
		shifted: []string{"1234567890°_", "AZERTYUIOP¨*", "QSDFGHJKLM%", "WXCVBN?./+"},
	},
	{
		plain: []string{"789", "456", "123", "0"},
	},
}

// A keyboard tells where the key of a character is.
type keyboard map[rune]spot

func keyboards() []keyboard {
	var all []keyboard
	for _, l := range layouts {
		keys := make(keyboard)
		for _, rows := range [][]string{l.plain, l.shifted} {
			for row, line := range rows {
				for column, c := range []rune(line) {
					keys[c] = spot{row, column, true}
				}
			}
		}
		all = append(all, keys)
	}
	return all
}

// spots tells where the keys of a text are.
func (k keyboard) spots(typed []rune) []spot {
	all := make([]spot, len(typed))
	for at, c := range typed {
		all[at] = k[c]
	}
	return all
}

// A step leads from one key to another.
type step struct{ rows, columns int }

func from(a, b spot) (s step, ok bool) {
	return step{b.row - a.row, b.column - a.column}, a.there && b.there
}

// small reports whether the keys touch and are two.
func (s step) small() bool {
	return s != step{} && max(s.rows, -s.rows) <= 1 && max(s.columns, -s.columns) <= 1
}

// longestStroke is the most keys that lie under one another.
const longestStroke = 4

// findWalks tells where a walk that begins at a place may end. A walk is a
// stroke of one to four keys that touch, made again and again, each time one
// key further: qwerty (strokes of one key), 1q2w3e4r (of two, a zig-zag),
// qweasdzxc (of three), 1qaz2wsx (of four). A stroke of one must be made three
// times, a longer one twice; the last may be broken off.
func findWalks(spots []spot, at int, found func(end int)) {
	for stroke := 1; stroke <= longestStroke; stroke++ {
		if at+stroke >= len(spots) {
			return
		}
		if stroke > 1 {
			if s, ok := from(spots[at+stroke-2], spots[at+stroke-1]); !ok || !s.small() {
				return // neither is a longer one
			}
		}
		onward, ok := from(spots[at], spots[at+stroke])
		if !ok || !onward.small() {
			continue
		}
		for end := at + stroke; end < len(spots); end++ {
			if s, ok := from(spots[end-stroke], spots[end]); !ok || s != onward {
				break
			}
			if length := end + 1 - at; length >= max(3, 2*stroke) {
				found(end + 1)
			}
		}
	}
}
