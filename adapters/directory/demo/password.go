package demo

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost is what one hash of argon2id costs (RFC 9106).
type Cost struct {
	Time    uint32 // passes
	Memory  uint32 // KiB
	Threads uint8
}

// usual is the cost unless Options say otherwise: the memory that OWASP's
// Password Storage Cheat Sheet asks for, in one pass, about 15 ms.
var usual = Cost{Time: 1, Memory: 19 * 1024, Threads: 1}

// dearest bounds what a hash in a file may cost to check.
var dearest = Cost{Time: 32, Memory: 1 << 20, Threads: 16}

const (
	saltLength = 16
	sumLength  = 32
)

// hash is a password's argon2id. Its text is the PHC form:
//
//	$argon2id$v=19$m=19456,t=1,p=1$<salt>$<sum>
type hash struct {
	cost      Cost
	salt, sum []byte
}

var base64NoPadding = base64.RawStdEncoding.Strict()

func newHash(password string, cost Cost) hash {
	h := hash{cost: cost, salt: make([]byte, saltLength), sum: make([]byte, sumLength)}
	_, _ = rand.Read(h.salt) // never fails
	h.sum = h.of(password)
	return h
}

func (h hash) of(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.cost.Time, h.cost.Memory, h.cost.Threads, uint32(len(h.sum)))
}

// matches takes the same time for every wrong password.
func (h hash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.of(password), h.sum) == 1
}

func (h hash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.cost.Memory, h.cost.Time, h.cost.Threads,
		base64NoPadding.EncodeToString(h.salt), base64NoPadding.EncodeToString(h.sum))
}

var errHash = errors.New("this is not a hash of argon2id in PHC form, or costs too much")

// parseHash reads exactly what String writes.
func parseHash(text string) (hash, error) {
	var h hash
	var version int
	parts := strings.Split(text, "$")
	if len(parts) != 6 {
		return hash{}, errHash
	}
	_, err := fmt.Sscanf(strings.Join(parts[2:4], " "), "v=%d m=%d,t=%d,p=%d",
		&version, &h.cost.Memory, &h.cost.Time, &h.cost.Threads)
	if err != nil {
		return hash{}, errHash
	}
	var saltErr, sumErr error
	h.salt, saltErr = base64NoPadding.DecodeString(parts[4])
	h.sum, sumErr = base64NoPadding.DecodeString(parts[5])
	if saltErr != nil || sumErr != nil || !h.reasonable() || h.String() != text {
		return hash{}, errHash
	}
	return h, nil
}

func (h hash) reasonable() bool {
	between := func(low, n, high uint32) bool { return low <= n && n <= high }
	return between(1, uint32(h.cost.Threads), uint32(dearest.Threads)) &&
		between(1, h.cost.Time, dearest.Time) &&
		between(8*uint32(h.cost.Threads), h.cost.Memory, dearest.Memory) && // RFC 9106, section 3.1
		between(8, uint32(len(h.salt)), 64) && between(16, uint32(len(h.sum)), 64)
}

// turns bounds how many hashes are computed at once: each needs its memory.
type turns chan struct{}

// take waits for a turn.
func (t turns) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turns) giveBack() { <-t }
