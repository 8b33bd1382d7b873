package password

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"unsafe"

	"github.com/FastFilter/xorfilter"
)

// A filter file is eight bytes that say what it is, a binary fuse filter as
// xorfilter writes it, and the SHA-256 of all that. The sum is there because a
// damaged filter does not look damaged: it finds other words.

var errFilter = errors.New("no such list, or a damaged one")

// header is what xorfilter writes before the fingerprints: seed (8), segment
// length, its mask, segment count, their product, number of fingerprints
// (4 each), little endian.
const header = 8 + 5*4

// writeFilter writes a filter of keys, and tells how many different ones there
// were. It sorts keys.
func writeFilter[T xorfilter.Unsigned](w io.Writer, magic string, keys []uint64) (int, error) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(keys) == 0 {
		return 0, errors.New("making a filter: nothing to put in")
	}
	filter, err := xorfilter.NewBinaryFuse[T](keys)
	if err != nil {
		return 0, fmt.Errorf("making a filter: %w", err)
	}
	sum := sha256.New()
	both := io.MultiWriter(w, sum)
	if _, err := io.WriteString(both, magic); err != nil {
		return 0, fmt.Errorf("writing a filter: %w", err)
	}
	if err := filter.Save(both); err != nil {
		return 0, fmt.Errorf("writing a filter: %w", err)
	}
	if _, err := w.Write(sum.Sum(nil)); err != nil {
		return 0, fmt.Errorf("writing a filter: %w", err)
	}
	return len(keys), nil
}

// readFilter reads what writeFilter wrote. It checks everything that
// xorfilter believes: a look-up must not leave its slice, nor a length that
// nobody wrote become memory.
func readFilter[T xorfilter.Unsigned](r io.Reader, magic string) (*xorfilter.BinaryFuse[T], error) {
	file, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading a filter: %w", err)
	}
	if len(file) < len(magic)+header+sha256.Size || string(file[:len(magic)]) != magic {
		return nil, errFilter
	}
	body, sum := file[:len(file)-sha256.Size], file[len(file)-sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(sum, want[:]) {
		return nil, errFilter
	}
	body = body[len(magic):]
	count := uint64(binary.LittleEndian.Uint32(body[header-4:]))
	if count*uint64(unsafe.Sizeof(T(0))) != uint64(len(body)-header) {
		return nil, errFilter
	}
	filter, err := xorfilter.LoadBinaryFuse[T](bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("reading a filter: %w", err)
	}
	segment, segments := uint64(filter.SegmentLength), uint64(filter.SegmentCount)
	if segment == 0 || segment&(segment-1) != 0 || segments == 0 ||
		uint64(filter.SegmentLengthMask) != segment-1 ||
		uint64(filter.SegmentCountLength) != segment*segments ||
		count != segment*(segments+2) {
		return nil, errFilter
	}
	return filter, nil
}
