package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

// filled has n people with a record in every table.
func filled(t testing.TB, s *bolt.Store, n int) {
	t.Helper()
	for i := range n {
		user := conversation.User{Chat: "teams", ID: fmt.Sprint(i)}
		put(t, s, user, conversation.Change{
			Due:     morning,
			Account: &conversation.AccountRecord{Key: conversation.AccountKey(user.ID), Kept: morning},
			Counters: map[conversation.CounterKey]conversation.Counter{
				conversation.CounterKey(user.ID): {Spends: []conversation.Spend{{ID: "1", At: morning}}, Kept: morning},
			},
			Person: &conversation.Person{
				User: user, Bindings: []conversation.Binding{{Account: "1"}}, Kept: morning,
			},
			Marks:   []conversation.Mark{{Key: user.ID, Expires: morning}},
			Notices: []conversation.Notice{{ID: user.ID, Due: morning}},
			Audit:   []conversation.Line{{At: morning, Event: user.ID}},
		})
		must(t, s.Enrol(t.Context(), conversation.AccountID(user.ID), bot.Authenticator{
			ID: "app", Secret: conversation.NewSecret("JBSWY3DPEHPK3PXPJBSWY3DPEH"),
		}))
		must(t, s.Installations().Save(t.Context(), bot.Installation{
			Chat: user.Chat, Team: user.ID, Token: conversation.NewSecret("xoxb-" + user.ID), When: morning,
		}))
	}
}

// intact checks that all that filled put is there and opens.
func intact(t testing.TB, s *bolt.Store, n int) {
	t.Helper()
	for i := range n {
		user := conversation.User{Chat: "teams", ID: fmt.Sprint(i)}
		if c, err := s.Conversation(t.Context(), user); err != nil || c.User != user {
			t.Fatalf("conversation %d: %+v, %v", i, c, err)
		}
		if a, err := s.Enrolled(t.Context(), conversation.AccountID(user.ID)); err != nil || len(a) != 1 {
			t.Fatalf("authenticator %d: %v, %v", i, a, err)
		}
		in, ok, err := s.Installations().Load(t.Context(), user.Chat, user.ID)
		if err != nil || !ok || in.Token.Reveal() != "xoxb-"+user.ID {
			t.Fatalf("installation %d: %+v, %t, %v", i, in, ok, err)
		}
	}
	people := 0
	err := s.People(t.Context(), func(conversation.Person) error { people++; return nil })
	if err != nil || people != n {
		t.Errorf("%d people (%v), want %d", people, err, n)
	}
	due, err := s.Due(t.Context(), morning, 2*n)
	if err != nil || len(due) != n {
		t.Errorf("%d people are due (%v), want %d", len(due), err, n)
	}
	notices, err := s.Notices(t.Context(), morning, 2*n)
	if err != nil || len(notices) != n {
		t.Errorf("%d notices (%v), want %d", len(notices), err, n)
	}
	lines, err := bot.VerifyAudit(t.Context(), s, s.Keys().Audit(), "")
	if err != nil || lines != uint64(n) {
		t.Errorf("%d lines of the audit (%v), want %d", lines, err, n)
	}
}

func sealed(t testing.TB, s *bolt.Store) map[uint32]int {
	t.Helper()
	count, err := s.Sealed(t.Context())
	must(t, err)
	return count
}

func TestResealedRecordsOpenAndNothingHasTheOldKey(t *testing.T) {
	const n = 300
	o := options(t)
	s := open(t, o)
	filled(t, s, n)
	before := sealed(t, s)
	// Eight tables, the names of those who are due, and the audit.
	if want := map[uint32]int{1: 10 * n}; !maps.Equal(before, want) {
		t.Fatalf("sealed %v, want %v", before, want)
	}
	must(t, s.Keys().Rotate(time.Now()))
	done, err := s.Reseal(t.Context())
	must(t, err)
	if done != (bolt.Resealed{Records: 10 * n}) {
		t.Errorf("%+v were sealed anew, want %d", done, 10*n)
	}
	if got := sealed(t, s); !maps.Equal(got, map[uint32]int{2: 10 * n}) {
		t.Errorf("sealed %v", got)
	}
	must(t, s.Keys().Prune(1))
	intact(t, s, n)
	must(t, s.Close())
	intact(t, open(t, o), n)
}

// brief is a context that ends after it was asked a number of times.
type brief struct {
	context.Context
	left int
}

func (b *brief) Err() error {
	if b.left--; b.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestResealingThatIsBrokenOffGoesOnLater(t *testing.T) {
	const n = 400
	o := options(t)
	s := open(t, o)
	filled(t, s, n)
	must(t, s.Keys().Rotate(time.Now()))
	_, err := s.Reseal(&brief{Context: t.Context(), left: 12})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("it ended with %v", err)
	}
	intact(t, s, n)
	must(t, s.Close())
	s = open(t, o)
	if got := sealed(t, s); got[1] == 0 || got[2] == 0 {
		t.Fatalf("it was not broken off on the way: %v", got)
	}
	_, err = s.Reseal(t.Context())
	must(t, err)
	if got := sealed(t, s); got[1] != 0 {
		t.Errorf("sealed %v", got)
	}
	intact(t, s, n)
}

// Whoever writes meanwhile, and whoever rotates, is in nobody's way, and no
// record keeps a key that is counted out.
func TestResealingBesideWritersLosesNothing(t *testing.T) {
	s := open(t, options(t))
	filled(t, s, 50)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 100 {
				user := conversation.User{Chat: "web", ID: fmt.Sprint(w)}
				put(t, s, user, conversation.Change{
					Due: morning.Add(time.Duration(i) * time.Second), Audit: []conversation.Line{{At: morning, Event: "x"}},
				})
			}
		})
	}
	for range 4 {
		must(t, s.Keys().Rotate(time.Now()))
		_, err := s.Reseal(t.Context())
		must(t, err)
		keys := s.Keys().Sealing()
		count := sealed(t, s)
		for _, old := range keys[:len(keys)-1] {
			if count[old.ID] != 0 {
				t.Errorf("%d records are sealed with the old key %d", count[old.ID], old.ID)
				continue
			}
			must(t, s.Keys().Prune(old.ID))
		}
	}
	writers.Wait()
	if _, err := bot.VerifyAudit(t.Context(), s, s.Keys().Audit(), ""); err != nil {
		t.Error(err)
	}
	for w := range 4 {
		if _, err := s.Conversation(t.Context(), conversation.User{Chat: "web", ID: fmt.Sprint(w)}); err != nil {
			t.Error(err)
		}
	}
}

func TestADamagedRecordIsLeftAsItIsWhenOthersAreSealedAnew(t *testing.T) {
	o, _ := twoPeople(t)
	tamper(t, o.Path, func(tx *bbolt.Tx) error {
		keys, values := rows(tx, "conversations")
		values[0][40] ^= 1
		return errors.Join(
			tx.Bucket([]byte("conversations")).Put(keys[0], values[0]),
			tx.Bucket([]byte("conversations")).Put([]byte("odd"), []byte("x")),
		)
	})
	s := open(t, o)
	must(t, s.Keys().Rotate(time.Now()))
	done, err := s.Reseal(t.Context())
	must(t, err)
	if done.Stuck != 1 {
		t.Errorf("%+v, want one that is stuck", done)
	}
	if got := sealed(t, s); got[1] != 1 {
		t.Errorf("sealed %v, want one with key 1", got)
	}
}

func BenchmarkReseal(b *testing.B) {
	s := open(b, options(b))
	filled(b, s, 500)
	for b.Loop() {
		must(b, s.Keys().Rotate(time.Now()))
		if _, err := s.Reseal(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
