package teams

import (
	"context"
	"crypto/rsa"
)

type (
	Tokens       = tokens
	TokenOptions = tokenOptions
	RefusedToken = refused
)

var NewTokens = newTokens

// The parts of a refusal.
func (r refused) Status() int { return r.status }
func (r refused) Why() string { return r.why }

func (t *tokens) Run(ctx context.Context) { t.run(ctx) }

// RememberedMax is how many verified tokens are remembered at most, Remembered
// how many are.
const RememberedMax = rememberedMax

func Remembered(t *Tokens) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.verified)
}

// Forget forgets the verified tokens.
func Forget(t *Tokens) {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.verified)
}

// DecodedKey is a key as DecodeKeys reads it.
type DecodedKey struct {
	Public *rsa.PublicKey
	Teams  bool
}

// DecodeKeys reads a set of keys.
func DecodeKeys(body []byte) (map[string]DecodedKey, error) {
	of, err := decodeKeys(body)
	if err != nil {
		return nil, err
	}
	decoded := make(map[string]DecodedKey, len(of))
	for id, k := range of {
		decoded[id] = DecodedKey{k.public, k.teams}
	}
	return decoded, nil
}
