package bolt

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"go.etcd.io/bbolt"

	"resetbot/adapters/seal"
	"resetbot/bot"
)

// tableNames are the names of all tables.
var tableNames = [...]string{"conversations", "accounts", "counters", "marks", "notices", "authenticators", "people", "installations"}

func datesOf(table string) []byte { return []byte(table + ".dates") }

// table is a bucket of sealed records, and beside it a bucket of their dates
// in order. What the date is for differs: when a conversation or a notice must
// be looked at, after when a counter, a mark or an account may be forgotten.
type table struct {
	name    string
	records []byte
	dates   []byte
	sealer  *seal.Sealer
	labels  *seal.Sealer
	keys    *seal.Keys
}

func newTable(name string, keys *seal.Keys) *table {
	return &table{
		name:    name,
		records: []byte(name),
		dates:   datesOf(name),
		sealer:  keys.Sealer(name),
		labels:  keys.Sealer(name + " labels"),
		keys:    keys,
	}
}

// key is the name of a record, as the file has it.
type key [16]byte

func (t *table) key(name ...string) key {
	sum := t.keys.Index().Sum("key in "+t.name, name...)
	return key(sum[:16])
}

// stamp is a date in an order of bytes; 0 is none, and what no record with a
// date has. What lies before 1970 or after 2262 is put at that end.
type stamp uint64

func stampOf(at time.Time) stamp {
	switch {
	case at.IsZero():
		return 0
	case !at.After(time.Unix(0, 0)):
		return 1
	case at.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return stamp(at.UnixNano())
}

const stampSize = 8

// row is a record on its way into a table.
type row struct {
	key   key
	at    time.Time // zero: no date
	plain []byte
	// label is what due gives for the key. It depends on nothing but the key.
	label []byte
}

// put inserts a row, or replaces the one with its key.
func (t *table) put(tx *bbolt.Tx, r row) error {
	records, dates := tx.Bucket(t.records), tx.Bucket(t.dates)
	at := stampOf(r.at)
	if before := stampIn(records.Get(r.key[:])); before != at {
		if err := t.undate(dates, before, r.key); err != nil {
			return err
		}
		if err := t.date(dates, at, r); err != nil {
			return err
		}
	}
	value := make([]byte, stampSize, stampSize+len(r.plain)+seal.Overhead)
	binary.BigEndian.PutUint64(value, uint64(at))
	return records.Put(r.key[:], t.sealer.Seal(value, r.plain, place(at, r.key)))
}

func (t *table) date(dates *bbolt.Bucket, at stamp, r row) error {
	if at == 0 {
		return nil
	}
	where := place(at, r.key)
	var label []byte
	if r.label != nil {
		label = t.labels.Seal(nil, r.label, where)
	}
	return dates.Put(where, label)
}

func (t *table) undate(dates *bbolt.Bucket, at stamp, k key) error {
	if at == 0 {
		return nil
	}
	return dates.Delete(place(at, k))
}

// place is what a record is sealed for beside its table, and its place in
// order of dates.
func place(at stamp, k key) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, stampSize+len(k)), uint64(at)), k[:]...)
}

// stampIn is the date of a record; 0 for nil.
func stampIn(value []byte) stamp {
	if len(value) < stampSize {
		return 0
	}
	return stamp(binary.BigEndian.Uint64(value))
}

// delete removes the record with that key, if there is one, unread.
func (t *table) delete(tx *bbolt.Tx, k key) error {
	records := tx.Bucket(t.records)
	if err := t.undate(tx.Bucket(t.dates), stampIn(records.Get(k[:])), k); err != nil {
		return err
	}
	return records.Delete(k[:])
}

// value is a record as the file has it, for as long as tx is open; nil when
// there is none.
func (t *table) value(tx *bbolt.Tx, k key) []byte { return tx.Bucket(t.records).Get(k[:]) }

// open gives the plaintext of a value, nil for nil. The error wraps
// bot.ErrUnreadable.
func (t *table) open(k key, value []byte) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	if len(value) >= stampSize {
		if plain, err := t.sealer.Open(value[stampSize:], place(stampIn(value), k)); err == nil {
			if plain == nil {
				plain = []byte{} // nil is none, and an empty record is not
			}
			return plain, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", t.name, bot.ErrUnreadable)
}

// edition tells what a record is now from whatever else it was or will be: its
// date, its sealing key, and the nonce, which is another one each time that it
// is sealed. No record has the zero edition.
type edition [stampSize + seal.Nonced]byte

func editionOf(value []byte) (e edition) {
	copy(e[:], value)
	return e
}

// due calls each with the keys of the records that are dated until, or before,
// the earliest first, as long as it returns true. label is nil where there is
// none, or where it does not open.
func (t *table) due(tx *bbolt.Tx, until stamp, each func(k key, label []byte) bool) {
	cursor := tx.Bucket(t.dates).Cursor()
	for where, sealed := cursor.First(); where != nil; where, sealed = cursor.Next() {
		if len(where) != stampSize+len(key{}) || stampIn(where) > until {
			return
		}
		label, _ := t.labels.Open(sealed, where)
		if !each(key(where[stampSize:]), label) {
			return
		}
	}
}

// undateAll removes every date of a key, however many there are: what a
// damaged record said about its own may be wrong.
func (t *table) undateAll(tx *bbolt.Tx, k key) error {
	var found [][]byte
	dates := tx.Bucket(t.dates)
	cursor := dates.Cursor()
	for where, _ := cursor.First(); where != nil; where, _ = cursor.Next() {
		if string(where[min(stampSize, len(where)):]) == string(k[:]) {
			found = append(found, where)
		}
	}
	for _, where := range found {
		if err := dates.Delete(where); err != nil {
			return err
		}
	}
	return nil
}

// clear removes all records of the table.
func (t *table) clear(tx *bbolt.Tx) error {
	for _, name := range [][]byte{t.records, t.dates} {
		if err := tx.DeleteBucket(name); err != nil {
			return err
		}
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return nil
}
