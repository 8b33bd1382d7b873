package teamstest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Key is a key that activities are signed with.
type Key struct {
	ID           string
	Endorsements []string // the channels that it may sign for
	Private      *rsa.PrivateKey
}

// NewKey makes a key that nobody knows of yet.
func (c *Cloud) NewKey(endorsements ...string) *Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	return &Key{ID: random(), Endorsements: endorsements, Private: stock.key(c.made - 1)}
}

// stock are keys for all clouds of a process, because to make one takes a tenth
// of a second: the first of each cloud is the same, with another id.
var stock rsaKeys

type rsaKeys struct {
	mu   sync.Mutex
	made []*rsa.PrivateKey
}

func (s *rsaKeys) key(i int) *rsa.PrivateKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.made) <= i {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err) // no random numbers, no tests
		}
		s.made = append(s.made, k)
	}
	return s.made[i]
}

// Key is the key that tokens are signed with.
func (c *Cloud) Key() *Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.signer
}

// Publish has these keys be all that the key server shows.
func (c *Cloud) Publish(keys ...*Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = slices.Clone(keys)
}

// Use has tokens be signed with a key, published or not.
func (c *Cloud) Use(k *Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signer = k
}

// Claims are what a token says; what is left out is right.
type Claims struct {
	Issuer, Audience, ServiceURL string
	NotBefore, Expires           time.Time
	// Set are claims that are added, or are otherwise than above (of another
	// kind, for example); Drop are those that are missing.
	Set  map[string]any
	Drop []string
	// Header is as Set, for the header: kid, alg, x5t …
	Header map[string]any
	Key    *Key // that signs; nil is the cloud's
	// Algorithm is RS256 where it is left out; with none there is no signature,
	// and with HS256 the secret is the public key, as a forger has it.
	Algorithm string
}

// Token is an activity's token.
func (c *Cloud) Token(claims Claims) string {
	now := c.Now()
	set := jwt.MapClaims{
		"iss": or(claims.Issuer, "https://api.botframework.com"), "aud": or(claims.Audience, c.AppID),
		"serviceurl": or(claims.ServiceURL, c.ServiceURL),
		"nbf":        orTime(claims.NotBefore, now.Add(-time.Minute)).Unix(), "exp": orTime(claims.Expires, now.Add(time.Hour)).Unix(),
	}
	maps.Copy(set, claims.Set)
	for _, name := range claims.Drop {
		delete(set, name)
	}
	key := claims.Key
	if key == nil {
		key = c.Key()
	}
	var with any = key.Private
	switch claims.Algorithm {
	case "none":
		with = jwt.UnsafeAllowNoneSignatureType
	case "HS256":
		with = key.PublicPEM()
	}
	token := jwt.NewWithClaims(jwt.GetSigningMethod(or(claims.Algorithm, "RS256")), set)
	token.Header["kid"], token.Header["x5t"] = key.ID, key.ID
	maps.Copy(token.Header, claims.Header)
	signed, err := token.SignedString(with)
	if err != nil {
		panic(err) // a test that asks for what cannot be
	}
	return signed
}

// PublicPEM is the public key.
func (k *Key) PublicPEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(&k.Private.PublicKey)
	if err != nil {
		panic(err) // RSA keys can
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func orTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

// metadata is https://login.botframework.com/v1/.well-known/openidconfiguration.
func (c *Cloud) metadata(w http.ResponseWriter, _ *http.Request, _ Trouble) {
	write(w, http.StatusOK, map[string]any{
		"issuer": "https://api.botframework.com", "authorization_endpoint": "https://invalid.botframework.com",
		"jwks_uri":                              "http://" + c.Host + "/v1/.well-known/keys",
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"private_key_jwt"},
	})
}

// jwk is a key as RFC 7517 and RFC 7518, 6.3, have it, with the Bot Framework's
// endorsements.
type jwk struct {
	KeyType      string   `json:"kty"`
	Use          string   `json:"use"`
	KeyID        string   `json:"kid"`
	Thumbprint   string   `json:"x5t"`
	Modulus      string   `json:"n"`
	Exponent     string   `json:"e"`
	Endorsements []string `json:"endorsements,omitempty"`
}

func (c *Cloud) keySet(w http.ResponseWriter, _ *http.Request, _ Trouble) {
	c.mu.Lock()
	defer c.mu.Unlock()
	set := []jwk{}
	for _, k := range c.keys {
		public := k.Private.PublicKey
		set = append(set, jwk{
			"RSA", "sig", k.ID, k.ID, base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
			base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()), k.Endorsements,
		})
	}
	write(w, http.StatusOK, map[string]any{"keys": set})
}
