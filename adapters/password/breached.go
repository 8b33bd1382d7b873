package password

import (
	"bufio"
	"bytes"
	"container/heap"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/FastFilter/xorfilter"
	"golang.org/x/text/unicode/norm"
)

// Breached is a list of passwords that were found in breaches, as a binary
// fuse filter of 16-bit fingerprints over the first 64 bits of their SHA-1:
// 2.3 MB of memory a million. It knows every password that was put in, and
// takes one in 65,000 others for one. SHA-1 is what Have I Been Pwned
// publishes; it protects nothing here.
//
// A Breached never changes, and may be used by any number of goroutines.
type Breached struct {
	filter *xorfilter.BinaryFuse[uint16]
}

const (
	breachedMagic = "rbbreac1"
	// shortestBreached is how short a password may be that is put in. Nobody
	// may choose a shorter one ([Options.Min]).
	shortestBreached = 8
	// longestLine of a list; what is longer is nobody's password.
	longestLine = 4096
)

// Has reports whether a password in its normal form, or that in lower case, is
// on the list.
func (b *Breached) Has(password string) bool {
	if b.filter.Contains(breachedKey(password)) {
		return true
	}
	lower := strings.ToLower(password)
	return lower != password && b.filter.Contains(breachedKey(lower))
}

func breachedKey(password string) uint64 {
	sum := sha1.Sum([]byte(password))
	return binary.BigEndian.Uint64(sum[:])
}

// ReadBreached reads a list that [BuildBreached] wrote.
func ReadBreached(r io.Reader) (*Breached, error) {
	filter, err := readFilter[uint16](r, breachedMagic)
	if err != nil {
		return nil, fmt.Errorf("reading a list of breached passwords: %w", err)
	}
	return &Breached{filter}, nil
}

// BuildBreached makes a list for [ReadBreached] out of a file, and tells how
// many keys it holds. Each line of the file is a password, the most seen
// first, or what Have I Been Pwned publishes: the SHA-1 of one in hexadecimal,
// with a colon and how often it was seen, in any order. Of these the limit
// most seen are kept, all with a limit of 0; memory is 16 bytes each.
//
// A password is put in as it is and in lower case; of a hash nobody knows the
// lower case. Lines that no password can be are passed over: fewer than 8
// characters, more than 4096 bytes, not UTF-8.
func BuildBreached(r io.Reader, w io.Writer, limit int) (int, error) {
	var most mostSeen
	lines := bufio.NewReaderSize(r, longestLine)
	for number := uint64(0); ; number++ {
		line, whole, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("reading a list of breached passwords: %w", err)
		}
		if !whole {
			continue
		}
		for _, key := range breachedKeys(line, math.MaxUint64-number) {
			most.add(key, limit)
		}
	}
	keys := make([]uint64, len(most))
	for i, s := range most {
		keys[i] = s.key
	}
	return writeFilter[uint16](w, breachedMagic, keys)
}

// readLine reads a line without its end; whole is false when it was too long.
func readLine(r *bufio.Reader) (line []byte, whole bool, err error) {
	line, more, err := r.ReadLine()
	if !more || err != nil {
		return line, true, err
	}
	for more && err == nil {
		_, more, err = r.ReadLine()
	}
	return nil, false, err
}

// A seenKey is what is kept of a password, and how often it was seen.
type seenKey struct{ key, seen uint64 }

// breachedKeys reads a line; rank stands for the number that a line does not
// tell.
func breachedKeys(line []byte, rank uint64) []seenKey {
	if hash, ok := hashLine(line, rank); ok {
		return []seenKey{hash}
	}
	if !utf8.Valid(line) {
		return nil
	}
	password := norm.NFC.String(string(line))
	if utf8.RuneCountInString(password) < shortestBreached {
		return nil
	}
	keys := []seenKey{{breachedKey(password), rank}}
	if lower := strings.ToLower(password); lower != password {
		keys = append(keys, seenKey{breachedKey(lower), rank})
	}
	return keys
}

// hashLine reads "5BAA61E4…:3861493", the count being optional.
func hashLine(line []byte, rank uint64) (hash seenKey, ok bool) {
	digits, count, counted := bytes.Cut(bytes.TrimRight(line, " \r"), []byte(":"))
	if len(digits) != hex.EncodedLen(sha1.Size) {
		return seenKey{}, false
	}
	var sum [sha1.Size]byte
	if _, err := hex.Decode(sum[:], digits); err != nil {
		return seenKey{}, false
	}
	seen := rank
	if counted {
		var err error
		if seen, err = strconv.ParseUint(string(count), 10, 64); err != nil {
			return seenKey{}, false
		}
	}
	return seenKey{binary.BigEndian.Uint64(sum[:]), seen}, true
}

// mostSeen is a heap with the least seen on top: the next to go.
type mostSeen []seenKey

func (m mostSeen) Len() int           { return len(m) }
func (m mostSeen) Less(i, j int) bool { return m[i].seen < m[j].seen }
func (m mostSeen) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *mostSeen) Push(x any)        { *m = append(*m, x.(seenKey)) }
func (m *mostSeen) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}

// add puts a key in, and throws the least seen out where there are too many.
func (m *mostSeen) add(key seenKey, limit int) {
	switch {
	case limit <= 0:
		*m = append(*m, key)
	case len(*m) < limit:
		heap.Push(m, key)
	case key.seen > (*m)[0].seen:
		(*m)[0] = key
		heap.Fix(m, 0)
	}
}

// ownBreached is the small list that is built in.
func ownBreached() (*Breached, error) {
	content, err := lists.ReadFile(breachedList)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLists, err)
	}
	var file bytes.Buffer
	if _, err := BuildBreached(bytes.NewReader(content), &file, 0); err != nil {
		return nil, fmt.Errorf("%w: %w", errLists, err)
	}
	return ReadBreached(&file)
}
