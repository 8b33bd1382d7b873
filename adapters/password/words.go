package password

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"
	"io"
	"strings"

	"github.com/FastFilter/xorfilter"
)

//go:generate go run ./lists/build.go /usr/share/dict/dutch /usr/share/dict/american-english-small

// The word lists; lists/NOTICE says where each comes from.
//
//go:embed lists/words.bin
var wordsBin []byte

//go:embed lists/common.txt lists/phrase.txt lists/breached.txt
var lists embed.FS

const (
	commonList   = "lists/common.txt"
	phraseList   = "lists/phrase.txt"
	breachedList = "lists/breached.txt"
)

// listWords gives the words of a built-in list, without its remarks.
func listWords(file string) []string {
	content, _ := lists.ReadFile(file) // embedded: it is there, or nothing compiles
	var words []string
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "#") {
			words = append(words, strings.Fields(line)...)
		}
	}
	return words
}

const (
	shortestWord = 3
	longestWord  = 24
)

// dictionary knows the words of a language, as a binary fuse filter of 32-bit
// fingerprints (Graf and Lemire 2022): 2 MB for 441,000 words. It knows every
// word that was put in, and takes one in four billion others for one: millions
// of pieces are asked, so 16 bits would not do.
type dictionary struct {
	filter *xorfilter.BinaryFuse[uint32]
}

const wordsMagic = "rbwords1"

func builtInDictionary() (*dictionary, error) {
	filter, err := readFilter[uint32](bytes.NewReader(wordsBin), wordsMagic)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLists, err)
	}
	return &dictionary{filter}, nil
}

// find tells where a word that begins at a place may end, in any reading. A
// reading that is the same as the one before it has nothing new to tell.
func (d *dictionary) find(t text, at int, found func(end int)) {
	readings := t.readings()
	for i, reading := range readings {
		isNew := i == 0
		key := newWordKey()
		for end := at; end < len(reading) && end < at+longestWord; end++ {
			c := reading[end]
			if c < 'a' || c > 'z' {
				break
			}
			key = key.with(byte(c))
			isNew = isNew || c != readings[i-1][end]
			if isNew && end+1-at >= shortestWord && d.filter.Contains(uint64(key)) {
				found(end + 1)
			}
		}
	}
}

// wordKey is the 64-bit FNV-1a hash of a word, made letter by letter, so that
// all words that begin at one place cost as much as the longest.
type wordKey uint64

func newWordKey() wordKey { return 14695981039346656037 }

func (k wordKey) with(c byte) wordKey { return (k ^ wordKey(c)) * 1099511628211 }

// BuildWords makes the dictionary that is built into this package out of lists
// with one word a line, UTF-8, and tells how many words went into it. Words
// are folded like passwords are; what is not made of the letters a to z then,
// or has fewer than 3 or more than 24, is left out.
func BuildWords(w io.Writer, lists ...io.Reader) (int, error) {
	var keys []uint64
	for _, list := range lists {
		lines := bufio.NewScanner(list)
		for lines.Scan() {
			if key, ok := wordKeyOf(lines.Text()); ok {
				keys = append(keys, uint64(key))
			}
		}
		if err := lines.Err(); err != nil {
			return 0, fmt.Errorf("reading a word list: %w", err)
		}
	}
	return writeFilter[uint32](w, wordsMagic, keys)
}

// wordKeyOf gives the key of a line of a word list; foto's is fotos there, and
// e-mail email.
func wordKeyOf(line string) (wordKey, bool) {
	letters, key := 0, newWordKey()
	for _, c := range read(line).plain {
		switch {
		case 'a' <= c && c <= 'z':
			key = key.with(byte(c))
			letters++
		case isWordly(c):
			return 0, false
		}
	}
	return key, shortestWord <= letters && letters <= longestWord
}
