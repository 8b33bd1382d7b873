package teams_test

import (
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/infracloudio/msbotbuilder-go/schema"
)

const (
	botID     = "5f8a1c1e-1111-4111-8111-0000000000bb"
	connector = "https://smba.trafficmanager.net/emea/"
	framework = "https://api.botframework.com"
)

// private makes the private key of a name, the same one each time.
var private = func() func(name string) *rsa.PrivateKey {
	var mu sync.Mutex
	made := map[string]*rsa.PrivateKey{}
	return func(name string) *rsa.PrivateKey {
		mu.Lock()
		defer mu.Unlock()
		if made[name] == nil {
			made[name], _ = rsa.GenerateKey(rand.Reader, 2048) // never fails: see crypto/rand
		}
		return made[name]
	}
}()

// published is a key as the Bot Framework publishes it. Its name is its id.
func published(name string, endorsements ...string) map[string]any {
	public := private(name).PublicKey
	k := map[string]any{
		"kty": "RSA", "use": "sig", "kid": name, "x5t": name,
		"n": encode(public.N.Bytes()), "e": encode(big.NewInt(int64(public.E)).Bytes()),
	}
	if endorsements != nil {
		k["endorsements"] = endorsements
	}
	return k
}

// keyServer publishes keys, and has knobs for what can go wrong.
type keyServer struct {
	mu       sync.Mutex
	keys     []map[string]any
	location string // of the keys; empty: on the same host
	// metadataFault and keysFault answer in the place of the documents.
	metadataFault, keysFault http.HandlerFunc
	pause                    time.Duration // before each answer
	metadata                 int           // how often it was asked for
	fetched                  []time.Time   // when the keys were asked for
}

func (s *keyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	var fault http.HandlerFunc
	var answer any
	switch r.URL.Path {
	case "/v1/.well-known/openidconfiguration":
		s.metadata++
		fault = s.metadataFault
		location := s.location
		if location == "" {
			location = cmp.Or(r.URL.Scheme, "http") + "://" + cmp.Or(r.Host, r.URL.Host) + "/v1/.well-known/keys"
		}
		answer = map[string]any{
			"issuer": framework, "authorization_endpoint": "https://invalid.botframework.com",
			"jwks_uri": location, "id_token_signing_alg_values_supported": []string{"RS256"},
		}
	case "/v1/.well-known/keys":
		s.fetched = append(s.fetched, time.Now())
		fault = s.keysFault
		answer = map[string]any{"keys": s.keys}
	default:
		fault = http.NotFound
	}
	body, _ := json.Marshal(answer)
	pause := s.pause
	s.mu.Unlock()
	time.Sleep(pause)
	if fault != nil {
		fault(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func (s *keyServer) publish(keys ...map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys[:len(s.keys):len(s.keys)], keys...)
}

func (s *keyServer) withdraw(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []map[string]any
	for _, k := range s.keys {
		if k["kid"] != name {
			left = append(left, k)
		}
	}
	s.keys = left
}

// fail has both documents answered by fault, or by themselves again.
func (s *keyServer) fail(fault http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metadataFault, s.keysFault = fault, fault
}

// asked is how often the two documents were asked for.
func (s *keyServer) asked() (metadata, keys int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.metadata, len(s.fetched)
}

// fetches are the moments at which the keys were asked for.
func (s *keyServer) fetches() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.fetched...)
}

// serve has the server listen, and says where its metadata is.
func (s *keyServer) serve(t testing.TB) (metadata string, client *http.Client) {
	t.Helper()
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	return listening.URL + "/v1/.well-known/openidconfiguration", listening.Client()
}

// inMemory answers without a network, so that the clock of a synctest bubble
// can move on while an answer is waited for.
type inMemory struct{ http.Handler }

// remote is where inMemory is to be asked for metadata.
const remote = "https://login.botframework.example/v1/.well-known/openidconfiguration"

func (m inMemory) client() *http.Client { return &http.Client{Transport: m} }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	done := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		done <- w.Result()
	}()
	select {
	case answer := <-done:
		return answer, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// activity is one that the tokens of bearing fit.
func activity() schema.Activity {
	return schema.Activity{Type: schema.Message, ID: "1", ChannelID: "msteams", ServiceURL: connector}
}

// parts are the header and the claims of a good token.
func parts(signer string, now time.Time) (header, claims map[string]any) {
	return map[string]any{"typ": "JWT", "alg": "RS256", "kid": signer, "x5t": signer},
		map[string]any{
			"serviceurl": connector, "iss": framework, "aud": botID,
			"nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
		}
}

// bearing is an Authorization header with a token that is good but for changes.
func bearing(signer string, now time.Time, changes map[string]any) string {
	header, claims := parts(signer, now)
	maps.Copy(claims, changes)
	return "Bearer " + signed(header, claims, rs256(signer))
}

func encode(octets []byte) string { return base64.RawURLEncoding.EncodeToString(octets) }

// signed writes a token. Header and claims are text, or are written as JSON.
func signed(header, claims any, sign func(text []byte) []byte) string {
	part := func(v any) string {
		if text, ok := v.(string); ok {
			return encode([]byte(text))
		}
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return encode(text)
	}
	text := part(header) + "." + part(claims)
	return text + "." + encode(sign([]byte(text)))
}

func rs256(name string) func([]byte) []byte { return pkcs1(name, crypto.SHA256) }

func pkcs1(name string, hash crypto.Hash) func([]byte) []byte {
	return func(text []byte) []byte {
		h := hash.New()
		h.Write(text)
		signature, err := rsa.SignPKCS1v15(nil, private(name), hash, h.Sum(nil))
		if err != nil {
			panic(err)
		}
		return signature
	}
}

func pss(name string) func([]byte) []byte {
	return func(text []byte) []byte {
		sum := sha256.Sum256(text)
		signature, err := rsa.SignPSS(rand.Reader, private(name), crypto.SHA256, sum[:],
			&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		if err != nil {
			panic(err)
		}
		return signature
	}
}

// hs256 takes a public key, which everybody has, for a shared secret.
func hs256(name string) func([]byte) []byte {
	return func(text []byte) []byte {
		public, err := x509.MarshalPKIXPublicKey(&private(name).PublicKey)
		if err != nil {
			panic(err)
		}
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
		mac.Write(text)
		return mac.Sum(nil)
	}
}

func unsigned([]byte) []byte { return nil }

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
