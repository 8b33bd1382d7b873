package bolt

import (
	"bytes"
	"context"
	"fmt"

	"resetbot/adapters/seal"
)

// Re-sealing. After a rotation of keys what older keys sealed is sealed anew
// with the newest, so that the older can go. Each batch is a commit of its own,
// small, and in the queue like every other: nobody waits long for it, and a kill
// loses nothing, for what is done is known by its key.

// shelf is a bucket with sealed values.
type shelf struct {
	bucket []byte
	clear  int // bytes of a value that are not sealed; they come first
	sealer *seal.Sealer
	bound  func(k, value []byte) []byte // what a value is sealed for
}

// shelves are all there are.
func (s *Store) shelves() []shelf {
	list := []shelf{{
		bucket: auditBucket, sealer: s.audit,
		bound: func(number, _ []byte) []byte { return number },
	}}
	for _, t := range s.tables() {
		list = append(list,
			shelf{
				bucket: t.records, clear: stampSize, sealer: t.sealer,
				bound: func(k, value []byte) []byte { return append(bytes.Clone(value[:stampSize]), k...) },
			},
			shelf{
				bucket: t.dates, sealer: t.labels,
				bound: func(where, _ []byte) []byte { return where },
			},
		)
	}
	return list
}

// sealedWith is the id of the key of a value; 0 where nothing is sealed in it.
func (h shelf) sealedWith(value []byte) uint32 {
	return seal.SealedWith(value[min(h.clear, len(value)):])
}

// Resealed is what came of a [Store.Reseal].
type Resealed struct {
	Records int // sealed anew
	Stuck   int // that no key opens: damaged, and left as they are
}

// Reseal seals with the newest key whatever is sealed with an older one. When it
// returns without an error, nothing is sealed with a key that was old when it was
// called, but what is stuck. It may be broken off, by its context or by a kill,
// and called again; beside everything else, and beside itself.
func (s *Store) Reseal(ctx context.Context) (done Resealed, err error) {
	newest := s.newest()
	if err := s.settled(ctx); err != nil {
		return done, err
	}
	for _, h := range s.shelves() {
		var old [][]byte
		err := s.look(ctx, h, func(k []byte, id uint32) {
			if id != 0 && id < newest {
				old = append(old, bytes.Clone(k))
			}
		}, func() error {
			batch := old
			old = nil
			return s.resealAll(ctx, h, batch, newest, &done)
		})
		if err != nil {
			return done, fmt.Errorf("sealing %s anew: %w", h.bucket, err)
		}
	}
	return done, nil
}

// Sealed counts the records that each sealing key sealed, by its id. An old key
// that has none here gets none any more.
func (s *Store) Sealed(ctx context.Context) (map[uint32]int, error) {
	if err := s.settled(ctx); err != nil {
		return nil, err
	}
	count := map[uint32]int{}
	for _, h := range s.shelves() {
		err := s.look(ctx, h, func(_ []byte, id uint32) {
			if id != 0 {
				count[id]++
			}
		}, func() error { return nil })
		if err != nil {
			return nil, fmt.Errorf("counting what is sealed in %s: %w", h.bucket, err)
		}
	}
	return count, nil
}

func (s *Store) newest() uint32 {
	keys := s.keys.Sealing()
	return keys[len(keys)-1].ID
}

// settled returns when whatever was being written as it was called is on the
// disk. What is written later is sealed with the key that is the newest now, or
// with a newer one.
func (s *Store) settled(ctx context.Context) error {
	return s.group.do(ctx, func(*txn) (func() error, error) { return nil, nil })
}

// lookSize is how many values are looked at in one transaction: as long as one is
// open, the file cannot use its free pages again.
const lookSize = 2048

// look calls each with every value's key and the id of its sealing key, and
// between after each piece, when no transaction is open.
func (s *Store) look(
	ctx context.Context, h shelf, each func(k []byte, id uint32), between func() error,
) error {
	for from := []byte{}; from != nil; {
		err := s.view(ctx, func(t *txn) error {
			cursor := t.tx.Bucket(h.bucket).Cursor()
			k, value := cursor.Seek(from)
			for n := 0; k != nil && n < lookSize; n++ {
				each(k, h.sealedWith(value))
				k, value = cursor.Next()
			}
			from = bytes.Clone(k) // nil at the end
			return nil
		})
		if err != nil {
			return err
		}
		if err := between(); err != nil {
			return err
		}
	}
	return nil
}

// batchSize is how many records are sealed anew in one commit: a millisecond's
// work, for which others wait.
const batchSize = 128

func (s *Store) resealAll(ctx context.Context, h shelf, keys [][]byte, newest uint32, done *Resealed) error {
	for len(keys) > 0 {
		batch := keys[:min(batchSize, len(keys))]
		keys = keys[len(batch):]
		var came Resealed
		err := s.group.do(ctx, func(t *txn) (func() error, error) {
			var puts []pair
			puts, came = t.reseal(h, batch, newest)
			if len(puts) == 0 {
				return nil, nil
			}
			return func() error { return t.put(h, puts) }, nil
		})
		if err != nil {
			return err
		}
		done.Records += came.Records
		done.Stuck += came.Stuck
	}
	return nil
}

type pair struct{ key, value []byte }

// reseal gives the new values of those keys that still have an old one.
func (t *txn) reseal(h shelf, keys [][]byte, newest uint32) (puts []pair, done Resealed) {
	bucket := t.tx.Bucket(h.bucket)
	for _, k := range keys {
		value := bucket.Get(k)
		if id := h.sealedWith(value); id == 0 || id >= newest {
			continue // removed, or written since
		}
		bound := h.bound(k, value)
		plain, err := h.sealer.Open(value[h.clear:], bound)
		if err != nil {
			done.Stuck++
			continue
		}
		fresh := make([]byte, h.clear, len(value))
		copy(fresh, value)
		puts = append(puts, pair{k, h.sealer.Seal(fresh, plain, bound)})
		done.Records++
	}
	return puts, done
}

func (t *txn) put(h shelf, puts []pair) error {
	bucket := t.tx.Bucket(h.bucket)
	for _, p := range puts {
		if err := bucket.Put(p.key, p.value); err != nil {
			return err
		}
	}
	return nil
}
