package bolt_test

import (
	"testing"

	"resetbot/bot/bottest"
	"resetbot/conversation"
)

// FuzzRecord reads a conversation from a sealed record with any bytes at all in
// it, and from one that was altered after it was sealed: a bit of it, its end,
// or all of it. What must hold is said at [bottest.StoredRecord].
func FuzzRecord(f *testing.F) {
	anna := conversation.User{Chat: "web", ID: "anna"}
	for i, plain := range bottest.Records(f, anna) {
		f.Add(plain, uint16(0), []byte(nil))
		f.Add(plain, uint16(1+i*37), []byte(nil))
		f.Add(plain, uint16(0), plain)
	}
	s := open(f, options(f))
	s.NoSync()
	f.Fuzz(func(t *testing.T, plain []byte, bit uint16, instead []byte) {
		opens := plain
		if opens == nil {
			opens = []byte{}
		}
		s.Plant(t, anna, bottest.RecordDue, plain, func(sealed []byte) []byte {
			switch {
			case len(instead) > 0:
				opens = nil
				return append(sealed[:8], instead...) // behind the date
			case bit > 0:
				opens = nil
				n := int(bit-1) % (8 * len(sealed))
				sealed[n/8] ^= 1 << (n % 8)
			}
			return sealed
		})
		bottest.StoredRecord(t, s, anna, opens)
	})
}
