// Package seal keeps the keys of resetbot, and encrypts with them what is
// stored.
//
// The key file holds two kinds of keys. The sealing keys can be rotated: the
// newest seals, all open. The fixed keys (index, code, decoy, audit) name,
// derive and chain; a store is bound to them for as long as it lives.
//
// A sealed record is
//
//	key id (4 bytes, big endian) | nonce (12) | AES-256-GCM(plaintext) and tag (16)
//
// Each purpose (conversations, authenticators, …) has a key of its own, derived
// from the sealing key by HKDF (RFC 5869), so that a record of one purpose
// never opens as one of another. What else a record must not be separated from,
// its place above all, goes into the additional data, so that no two records
// can change places.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"resetbot/conversation"
)

// Keys are all keys of a store. They print and marshal as little as a
// [conversation.Key] does, and are safe for concurrent use.
type Keys struct {
	unprintable
	ring *ring
}

type ring struct {
	mu      sync.RWMutex
	path    string       // empty: the keys are in no file
	sealing []sealingKey // oldest first; never empty, ids ascending
	index   conversation.Key
	code    conversation.Key
	decoy   conversation.Key
	audit   conversation.Key
}

type sealingKey struct {
	id     uint32
	made   time.Time
	secret conversation.Key
}

// New draws new keys. They are in no file until [Keys.Create].
func New() *Keys {
	return &Keys{ring: &ring{
		sealing: []sealingKey{{id: 1, made: time.Now().UTC().Truncate(time.Second), secret: draw()}},
		index:   draw(),
		code:    draw(),
		decoy:   draw(),
		audit:   draw(),
	}}
}

func draw() (k conversation.Key) {
	_, _ = rand.Read(k[:]) // never fails, by its documentation
	return k
}

// Wizard are the fixed keys that the wizard derives with.
func (k Keys) Wizard() conversation.Keys {
	return conversation.Keys{Index: k.ring.index, Code: k.ring.code, Decoy: k.ring.decoy}
}

// Index is the fixed key by which stores name what they keep.
func (k Keys) Index() conversation.Key { return k.ring.index }

// Audit is the fixed key of the audit chain.
func (k Keys) Audit() conversation.Key { return k.ring.audit }

// SealingKey tells of a sealing key what may be told: never the key.
type SealingKey struct {
	ID   uint32    // what records sealed with it begin with; a newer key has a higher one
	Made time.Time // in UTC, to the second
}

// Sealing are the sealing keys, oldest first. The last one seals, all open.
// There is always one.
func (k Keys) Sealing() []SealingKey {
	k.ring.mu.RLock()
	defer k.ring.mu.RUnlock()
	list := make([]SealingKey, len(k.ring.sealing))
	for i, key := range k.ring.sealing {
		list[i] = SealingKey{ID: key.id, Made: key.made}
	}
	return list
}

// SealedWith is the id of the key that a record says it is sealed with, unread;
// 0, which no key has, for what is too short to be a record.
func SealedWith(record []byte) uint32 {
	if len(record) < Overhead {
		return 0
	}
	return binary.BigEndian.Uint32(record)
}

// newest is the key that seals now.
func (r *ring) newest() sealingKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sealing[len(r.sealing)-1]
}

func (r *ring) find(id uint32) (sealingKey, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, key := range r.sealing {
		if key.id == id {
			return key, true
		}
	}
	return sealingKey{}, false
}

// unprintable is embedded by what must not show its keys. (A pointer behind an
// unexported field is not enough: fmt follows it for a verb that does not fit.)
type unprintable struct{}

const redacted = "[keys]"

func (unprintable) String() string               { return redacted }
func (unprintable) GoString() string             { return redacted }
func (unprintable) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
func (unprintable) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (unprintable) MarshalText() ([]byte, error) { return nil, conversation.ErrSecret }
func (unprintable) MarshalJSON() ([]byte, error) { return nil, conversation.ErrSecret }

// MarshalBinary also stops encoding/gob, which prefers it.
func (unprintable) MarshalBinary() ([]byte, error) { return nil, conversation.ErrSecret }

// Sealer seals the records of one purpose. It is safe for concurrent use, and
// seals with a key that was rotated in from that moment on.
type Sealer struct {
	unprintable
	purpose string
	ring    *ring
	ciphers sync.Map // key id (uint32) to cipher.AEAD, derived once
}

// Sealer seals for a purpose; the same purpose always has the same keys.
func (k Keys) Sealer(purpose string) *Sealer {
	return &Sealer{purpose: purpose, ring: k.ring}
}

const idSize = 4

// Nonced is how many bytes at the beginning of a record no other record has.
const Nonced = idSize + 12

// Overhead is how many bytes a sealed record is longer than its plaintext.
const Overhead = Nonced + 16

// Seal encrypts plaintext, binds it to additional, and appends the record to
// dst. A sealing key is good for 2^32 records (NIST SP 800-38D, random
// nonces); at a thousand a second that is 49 days without a pause, so a busy
// place rotates monthly.
func (s *Sealer) Seal(dst, plaintext, additional []byte) []byte {
	key := s.ring.newest()
	dst = binary.BigEndian.AppendUint32(dst, key.id)
	return s.cipher(key).Seal(dst, nil, plaintext, additional)
}

// ErrNotOurs is returned for what was not sealed with these keys, for this
// purpose, with that additional data, or was altered since.
var ErrNotOurs = errors.New("the record does not open with this key")

// Open decrypts a record; additional is what it was sealed with. The only
// error is [ErrNotOurs].
func (s *Sealer) Open(record, additional []byte) ([]byte, error) {
	if len(record) < Overhead {
		return nil, ErrNotOurs
	}
	key, ok := s.ring.find(binary.BigEndian.Uint32(record))
	if !ok {
		return nil, ErrNotOurs
	}
	plaintext, err := s.cipher(key).Open(nil, nil, record[idSize:], additional)
	if err != nil {
		return nil, ErrNotOurs
	}
	return plaintext, nil
}

// cipher derives the purpose's own key from a sealing key. None of the calls
// can fail with these lengths.
func (s *Sealer) cipher(key sealingKey) cipher.AEAD {
	if known, ok := s.ciphers.Load(key.id); ok {
		return known.(cipher.AEAD)
	}
	derived, err := hkdf.Key(sha256.New, key.secret[:], nil, "resetbot seal 1 "+s.purpose, 32)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	known, _ := s.ciphers.LoadOrStore(key.id, aead)
	return known.(cipher.AEAD)
}
