package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.etcd.io/bbolt"
)

// bare is the least that a bot in Teams or Slack can do that loses nothing: the
// signature of each request is verified, what it says is durable before it is acknowledged, and
// one answer follows, one after the other for each person. It knows no pages, seals
// nothing, counts nothing, audits nothing, and believes every claim. What the
// service is measured beside (load_test.go).
//
//	bare ADDRESS FILE METADATA     in Teams
//	bare ADDRESS FILE SECRET API   in Slack
func bare() {
	db, err := bbolt.Open(os.Args[2], 0o600, nil)
	if err == nil {
		err = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket(said); return err })
	}
	b := &bareBot{db: db, writes: make(chan bareWrite, 1024), people: map[string]chan bareSaid{}}
	if len(os.Args) > 4 {
		b.read, b.reply = fromSlack(os.Args[3]), toSlack(os.Args[4])
	} else {
		b.read, b.reply = fromTeams(bareKey(os.Args[3])), toTeams
	}
	b.client.Transport = &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 128}
	go b.write()
	at, listening := net.Listen("tcp", os.Args[1])
	if err := errors.Join(err, listening); err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, `{"msg":"serving"}`)
	log.Fatal(http.Serve(at, b))
}

var said = []byte("said")

type bareBot struct {
	db     *bbolt.DB
	read   func(*http.Request) (bareSaid, error) // what is said, if the platform signed it
	reply  func(s bareSaid, text string) (*http.Request, error)
	client http.Client
	writes chan bareWrite
	mu     sync.Mutex
	people map[string]chan bareSaid
}

// bareSaid is what somebody said, and where.
type bareSaid struct {
	who, text, at string
	count         uint64
}

type bareWrite struct {
	said *bareSaid
	done chan error
}

// bareKey fetches the key that tokens are signed with.
func bareKey(metadata string) *rsa.PublicKey {
	var where struct {
		Keys string `json:"jwks_uri"`
	}
	var set struct{ Keys []struct{ N, E string } }
	fetch := func(address string, to any) {
		answer, err := http.Get(address)
		if err != nil {
			log.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		if err := json.NewDecoder(answer.Body).Decode(to); err != nil {
			log.Fatal(err)
		}
	}
	fetch(metadata, &where)
	fetch(where.Keys, &set)
	n, _ := base64.RawURLEncoding.DecodeString(set.Keys[0].N) // of our own cloud
	e, _ := base64.RawURLEncoding.DecodeString(set.Keys[0].E)
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
}

func fromTeams(key *rsa.PublicKey) func(*http.Request) (bareSaid, error) {
	return func(r *http.Request) (bareSaid, error) {
		var a struct {
			ServiceURL, Text   string
			From, Conversation struct{ ID string }
		}
		_, err := jwt.Parse(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "),
			func(*jwt.Token) (any, error) { return key, nil }, jwt.WithValidMethods([]string{"RS256"}))
		if err == nil {
			err = json.NewDecoder(io.LimitReader(r.Body, 256<<10)).Decode(&a)
		}
		return bareSaid{
			who: a.From.ID, text: a.Text, at: a.ServiceURL + "v3/conversations/" + url.PathEscape(a.Conversation.ID) + "/activities",
		}, err
	}
}

func toTeams(s bareSaid, text string) (*http.Request, error) {
	body, _ := json.Marshal(map[string]any{"type": "message", "text": text, "timestamp": time.Now()}) // of texts
	r, err := http.NewRequest(http.MethodPost, s.at, bytes.NewReader(body))
	if err == nil {
		r.Header.Set("Authorization", "Bearer nobody-asks")
		r.Header.Set("Content-Type", "application/json")
	}
	return r, err
}

func fromSlack(secret string) func(*http.Request) (bareSaid, error) {
	return func(r *http.Request) (bareSaid, error) {
		var e struct {
			Event struct{ User, Text, Channel string }
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 256<<10))
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = fmt.Fprintf(mac, "v0:%s:%s", r.Header.Get("X-Slack-Request-Timestamp"), body) // into a hash: never fails
		switch {
		case err != nil:
		case !hmac.Equal([]byte(r.Header.Get("X-Slack-Signature")), []byte("v0="+hex.EncodeToString(mac.Sum(nil)))):
			err = errors.New("not signed")
		default:
			err = json.Unmarshal(body, &e)
		}
		return bareSaid{who: e.Event.User, text: e.Event.Text, at: e.Event.Channel}, err
	}
}

func toSlack(api string) func(bareSaid, string) (*http.Request, error) {
	return func(s bareSaid, text string) (*http.Request, error) {
		form := url.Values{"channel": {s.at}, "text": {text}}
		r, err := http.NewRequest(http.MethodPost, api+"chat.postMessage", strings.NewReader(form.Encode()))
		if err == nil {
			r.Header.Set("Authorization", "Bearer nobody-asks")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return r, err
	}
}

func (b *bareBot) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s, err := b.read(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusUnauthorized)
		return
	}
	done := make(chan error, 1)
	b.writes <- bareWrite{&s, done}
	if err := <-done; err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.WriteHeader(http.StatusOK)
	b.person(s.who) <- s
}

// write commits all that waits at once.
func (b *bareBot) write() {
	for first := range b.writes {
		group := []bareWrite{first}
		for more := true; more && len(group) < 1024; {
			select {
			case w := <-b.writes:
				group = append(group, w)
			default:
				more = false
			}
		}
		err := b.db.Update(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket(said)
			for _, w := range group {
				var n uint64
				if old := bucket.Get([]byte(w.said.who)); old != nil {
					n = binary.BigEndian.Uint64(old)
				}
				w.said.count = n + 1
				record := append(binary.BigEndian.AppendUint64(nil, n+1), w.said.text...)
				if err := bucket.Put([]byte(w.said.who), record); err != nil {
					return err
				}
			}
			return nil
		})
		for _, w := range group {
			w.done <- err
		}
	}
}

// person answers one person, in order.
func (b *bareBot) person(id string) chan<- bareSaid {
	b.mu.Lock()
	defer b.mu.Unlock()
	of, ok := b.people[id]
	if !ok {
		of = make(chan bareSaid, 16)
		b.people[id] = of
		go func() {
			for s := range of {
				b.answer(s)
			}
		}()
	}
	return of
}

func (b *bareBot) answer(s bareSaid) {
	r, err := b.reply(s, fmt.Sprintf("You said %d things.", s.count))
	if err != nil {
		log.Fatal(err)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body) // so that the connection is used again
	_ = answer.Body.Close()
}
