package teams

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// openIDMetadata says where the keys of the Bot Framework are. Microsoft calls
// the address static.
const openIDMetadata = "https://login.botframework.com/v1/.well-known/openidconfiguration"

// How the keys are kept.
const (
	// A key that is published an hour before it is used is here in time, even
	// when the first tries to fetch it fail.
	refreshKeysEvery = 50 * time.Minute
	// Ids of keys that we do not know lead to one fetch in this time, whatever
	// their number: anybody can make one up.
	askForKeysEvery = 30 * time.Second
	// How long the request that names such an id waits for that fetch.
	waitForKeys = 3 * time.Second
	// How long keys serve that cannot be refreshed. Microsoft asks for a refresh
	// every 24 hours at least.
	keysServe = 24 * time.Hour

	fetchKeysWithin = 10 * time.Second // both documents
	metadataMax     = 64 << 10
	keysMax         = 1 << 20
)

// key is one of the keys that tokens are signed with.
type key struct {
	public *rsa.PublicKey
	teams  bool // it is endorsed for Teams: who signs with it may speak for Teams
}

// keySet is what one fetch brought, by id. It is never changed.
type keySet struct {
	of map[string]key
	at time.Time
}

// keys are the keys that the Bot Framework publishes now. They are fetched in
// the background, one fetch at a time, and never while a request holds a lock.
type keys struct {
	metadata string
	client   http.Client
	now      func() time.Time
	log      *slog.Logger

	// Fetches outlive the request that asked for them, because others wait for
	// the same one, and end with run.
	ctx  context.Context
	stop context.CancelFunc

	set atomic.Pointer[keySet]

	mu      sync.Mutex
	flight  *flight   // the fetch under way, if there is one
	asked   time.Time // when a fetch was last begun for the sake of an unknown key
	failing bool      // the last fetch failed
}

// flight is a fetch under way.
type flight struct {
	done chan struct{}
	err  error // once it is done
}

func newKeys(o tokenOptions) *keys {
	k := &keys{metadata: o.MetadataURL, client: *o.Client, now: o.Now, log: o.Log}
	// A redirect could lead anywhere, out of https too.
	k.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	k.client.Jar = nil
	k.ctx, k.stop = context.WithCancel(context.Background())
	return k
}

// current is the set that serves, or nil while none can be relied on.
func (k *keys) current() *keySet {
	set := k.set.Load()
	if set == nil || k.now().Sub(set.at) > keysServe {
		return nil
	}
	return set
}

// known is the key of an id, without waiting.
func (k *keys) known(id string) (key, bool) {
	set := k.current()
	if set == nil {
		return key{}, false
	}
	found, ok := set.of[id]
	return found, ok
}

// find is the key of an id. It waits a little for a fetch where the id is
// unknown and a fetch is due or under way.
func (k *keys) find(ctx context.Context, id string) (key, error) {
	if found, ok := k.known(id); ok {
		return found, nil
	}
	if f := k.ask(); f != nil {
		ctx, cancel := context.WithTimeout(ctx, waitForKeys)
		defer cancel()
		select {
		case <-f.done:
		case <-ctx.Done():
		}
	}
	if found, ok := k.known(id); ok {
		return found, nil
	}
	if k.current() == nil {
		return key{}, noKeys
	}
	return key{}, unknownKey
}

// ask begins a fetch for the sake of an unknown key, or joins the one under
// way. It is nil when the last one was too short a while ago.
func (k *keys) ask() *flight {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.flight != nil {
		return k.flight
	}
	now := k.now()
	if since := now.Sub(k.asked); since >= 0 && since < askForKeysEvery { // a clock may be put back
		return nil
	}
	k.asked = now
	return k.begin()
}

// refresh fetches the keys, whenever the last time was.
func (k *keys) refresh(ctx context.Context) error {
	k.mu.Lock()
	f := k.flight
	if f == nil {
		f = k.begin()
	}
	k.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin starts a fetch. Its caller holds the lock.
func (k *keys) begin() *flight {
	f := &flight{done: make(chan struct{})}
	k.flight = f
	go func() {
		defer close(f.done)
		set, err := k.fetch()
		k.mu.Lock()
		defer k.mu.Unlock()
		k.flight, f.err = nil, err
		if err == nil {
			k.set.Store(set)
		}
		k.tell(err)
		k.failing = err != nil
	}()
	return f
}

// tell writes to the log how a fetch went: every failure, and the first success
// after one. Its caller holds the lock.
func (k *keys) tell(err error) {
	set := k.current()
	switch {
	case k.ctx.Err() != nil: // we are shutting down
	case err != nil && set != nil:
		k.log.Warn("the keys of Teams could not be fetched; those of the last time serve on",
			"error", err, "until", set.at.Add(keysServe))
	case err != nil:
		k.log.Error("the keys of Teams could not be fetched; until they are, no message from Teams is taken", "error", err)
	case k.failing:
		k.log.Info("the keys of Teams are up to date again", "keys", len(set.of))
	}
}

// run keeps the keys fresh until ctx ends, and begins at once. What it fetches
// does not count against askForKeysEvery: no flood of made-up ids keeps a
// refresh away. Once it has returned, nothing of it is under way.
func (k *keys) run(ctx context.Context) {
	defer func() {
		k.stop()
		k.mu.Lock()
		f := k.flight
		k.mu.Unlock()
		if f != nil {
			<-f.done
		}
	}()
	again := backoff.NewExponentialBackOff()
	again.InitialInterval, again.MaxInterval = time.Second, 5*time.Minute
	for ctx.Err() == nil {
		wait := refreshKeysEvery
		if err := k.refresh(ctx); err != nil {
			wait = again.NextBackOff()
		} else {
			again.Reset()
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// fetch reads the two documents.
func (k *keys) fetch() (*keySet, error) {
	ctx, cancel := context.WithTimeout(k.ctx, fetchKeysWithin)
	defer cancel()
	at := k.now() // as old as the question: the answer may have been on its way for a while
	if !fetchable(k.metadata, true) {
		return nil, errors.New("fetching the OpenID metadata: its address has no https and is not on this machine")
	}
	body, err := k.get(ctx, k.metadata, metadataMax)
	if err != nil {
		return nil, fmt.Errorf("fetching the OpenID metadata: %w", err)
	}
	var metadata struct {
		Keys string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &metadata); err != nil {
		return nil, fmt.Errorf("reading the OpenID metadata: %w", err)
	}
	if !fetchable(metadata.Keys, onThisMachine(k.metadata)) {
		return nil, errors.New("reading the OpenID metadata: the address of the keys has no https")
	}
	body, err = k.get(ctx, metadata.Keys, keysMax)
	if err != nil {
		return nil, fmt.Errorf("fetching the keys: %w", err)
	}
	of, err := decodeKeys(body)
	if err != nil {
		return nil, err
	}
	return &keySet{of, at}, nil
}

func (k *keys) get(ctx context.Context, address string, most int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	answer, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // there is nothing to lose
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer was %d", answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > most {
		return nil, fmt.Errorf("the answer is longer than %d bytes", most)
	}
	return body, nil
}

// fetchable reports whether keys may be fetched from an address, because nobody
// can change them on their way: over https, or, where plain is true, from this
// machine.
func fetchable(address string, plain bool) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	return u.Scheme == "https" || plain && u.Scheme == "http" && onThisMachine(address)
}

func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// decodeKeys reads a JSON Web Key Set (RFC 7517) as the Bot Framework publishes
// it: with an array of endorsements for each key. Keys that are of no use to us
// are left out, whatever is wrong with them; of two with one id the first counts,
// as with Microsoft's own checker.
func decodeKeys(body []byte) (map[string]key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	of := make(map[string]key, len(set.Keys))
	for _, raw := range set.Keys {
		id, k, ok := decodeKey(raw)
		if _, twice := of[id]; ok && !twice {
			of[id] = k
		}
	}
	if len(of) == 0 {
		return nil, errors.New("reading the keys: there is none for RS256 among them")
	}
	return of, nil
}

func decodeKey(raw json.RawMessage) (id string, k key, ok bool) {
	var jwk struct {
		ID           string   `json:"kid"`
		Type         string   `json:"kty"`
		Use          string   `json:"use"`
		Algorithm    string   `json:"alg"`
		Modulus      string   `json:"n"`
		Exponent     string   `json:"e"`
		Endorsements []string `json:"endorsements"`
	}
	if err := json.Unmarshal(raw, &jwk); err != nil {
		return "", key{}, false
	}
	n, e := number(jwk.Modulus), number(jwk.Exponent)
	switch {
	case jwk.ID == "", jwk.Type != "RSA",
		jwk.Use != "" && jwk.Use != "sig",
		jwk.Algorithm != "" && jwk.Algorithm != "RS256":
		return "", key{}, false
	case n.BitLen() < 2048, n.BitLen() > 8192, n.Bit(0) == 0, // too weak, too slow, no modulus
		e.BitLen() < 2, e.BitLen() > 31, e.Bit(0) == 0:
		return "", key{}, false
	}
	public := &rsa.PublicKey{N: n, E: int(e.Int64())}
	return jwk.ID, key{public, slices.Contains(jwk.Endorsements, teamsChannel)}, true
}

// number reads a Base64urlUInt (RFC 7518, 2), and is 0 when it is none.
func number(text string) *big.Int {
	octets, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return new(big.Int)
	}
	return new(big.Int).SetBytes(octets)
}
