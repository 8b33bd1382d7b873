package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

// twoPeople makes a store with two conversations and two counters, and closes
// it.
func twoPeople(t testing.TB) (o bolt.Options, piet conversation.User) {
	t.Helper()
	piet = conversation.User{Chat: "teams", ID: "piet"}
	o = options(t)
	s := open(t, o)
	for _, user := range []conversation.User{anna, piet} {
		put(t, s, user, conversation.Change{
			Due: morning,
			Counters: map[conversation.CounterKey]conversation.Counter{
				conversation.CounterKey(user.ID): {
					Spends: []conversation.Spend{{ID: "1", At: morning}}, Kept: morning,
				},
			},
			Account: &conversation.AccountRecord{Key: conversation.AccountKey(user.ID), Kept: morning},
			Notices: []conversation.Notice{{ID: user.ID, Due: morning}},
			Audit:   []conversation.Line{{At: morning, Event: user.ID}},
		})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return o, piet
}

// rows gives the keys and values of a bucket, in order.
func rows(tx *bbolt.Tx, bucket string) (keys, values [][]byte) {
	_ = tx.Bucket([]byte(bucket)).ForEach(func(k, v []byte) error {
		keys, values = append(keys, bytes.Clone(k)), append(values, bytes.Clone(v))
		return nil
	})
	return keys, values
}

func TestAC47_DamagedConversationIsNeverTakenForNone(t *testing.T) {
	// Each changes the records of both people.
	damage := map[string]func(value []byte) []byte{
		"first byte of the date": func(v []byte) []byte { v[0] ^= 1; return v },
		"last byte of the date":  func(v []byte) []byte { v[7] ^= 1; return v },
		"key id":                 func(v []byte) []byte { v[8] ^= 1; return v },
		"nonce":                  func(v []byte) []byte { v[12] ^= 1; return v },
		"content":                func(v []byte) []byte { v[40] ^= 1; return v },
		"last byte":              func(v []byte) []byte { v[len(v)-1] ^= 1; return v },
		"one byte less":          func(v []byte) []byte { return v[:len(v)-1] },
		"one byte more":          func(v []byte) []byte { return append(v, 0) },
		"the date alone":         func(v []byte) []byte { return v[:8] },
		"half a date":            func(v []byte) []byte { return v[:4] },
		"nothing":                func([]byte) []byte { return nil },
		"a JSON in clear":        func(v []byte) []byte { return append(v[:8], `{"id":"c-anna"}`...) },
	}
	for name, change := range damage {
		t.Run(name, func(t *testing.T) {
			o, piet := twoPeople(t)
			tamper(t, o.Path, func(tx *bbolt.Tx) error {
				keys, values := rows(tx, "conversations")
				for i, k := range keys {
					if err := tx.Bucket([]byte("conversations")).Put(k, change(values[i])); err != nil {
						return err
					}
				}
				return nil
			})
			unreadable(t, open(t, o), anna, piet)
		})
	}
}

// unreadable checks that the conversations of users do not open, are due all
// the same, and can be discarded.
func unreadable(t *testing.T, s *bolt.Store, users ...conversation.User) {
	t.Helper()
	for _, user := range users {
		if c, err := s.Conversation(t.Context(), user); c.ID != "" || !errors.Is(err, bot.ErrUnreadable) {
			t.Errorf("loaded %+v, %v", c, err)
		}
		_, err := s.Update(t.Context(), user, bot.Transition{
			Reads: func(conversation.Conversation) conversation.Reads { return conversation.Reads{} },
			Step: func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
				t.Error("the step was called")
				return conversation.Change{Forget: true}, nil
			},
		})
		if !errors.Is(err, bot.ErrUnreadable) {
			t.Errorf("updating: %v", err)
		}
	}
	due, err := s.Due(t.Context(), morning, 9)
	if err != nil || len(due) != len(users) {
		t.Errorf("%v are due, %v", due, err)
	}
	for _, user := range users {
		if !slices.Contains(due, user) {
			t.Errorf("%v is not due", user)
		}
		must(t, s.Discard(t.Context(), user, conversation.Line{At: morning, Event: "unreadable"}))
		if c, err := s.Conversation(t.Context(), user); c.ID != "" || err != nil {
			t.Errorf("after it was discarded: %+v, %v", c, err)
		}
	}
	if due, err := s.Due(t.Context(), morning.Add(time.Hour), 9); len(due) != 0 || err != nil {
		t.Errorf("still due: %v, %v", due, err)
	}
}

func TestAC47_WhatIsNoConversationOfAPersonIsNeverTakenForNone(t *testing.T) {
	for _, plain := range []string{
		"", "null", "{}", `{"id":"1","user":{"chat":"web","id":"piet"}}`, `{"id":"1","user":{"chat":"web","id":"anna"},"id":2}`,
	} {
		t.Run(plain, func(t *testing.T) {
			s := open(t, options(t))
			s.Plant(t, anna, morning, []byte(plain), func(sealed []byte) []byte { return sealed })
			err := s.Conversations(t.Context(), func(c conversation.Conversation) error {
				t.Errorf("listed as %+v", c)
				return nil
			})
			must(t, err)
			unreadable(t, s, anna)
		})
	}
}

func TestAC47_WhatIsKeptOfAPersonIsNeverTakenForNoneWhenItIsDamaged(t *testing.T) {
	o := options(t)
	s := open(t, o)
	bound := conversation.Person{User: anna, Bindings: []conversation.Binding{{Account: "1", UPN: "anna@example.org"}}}
	put(t, s, anna, conversation.Change{Person: &bound})
	must(t, s.Close())
	tamper(t, o.Path, func(tx *bbolt.Tx) error {
		keys, values := rows(tx, "people")
		values[0][40] ^= 1
		return tx.Bucket([]byte("people")).Put(keys[0], values[0])
	})
	s = open(t, o)
	look := func() (p conversation.Person, err error) {
		_, err = s.Update(t.Context(), anna, bot.Transition{
			Reads: func(conversation.Conversation) conversation.Reads { return conversation.Reads{Person: anna} },
			Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
				p = f.Person
				return conversation.Change{Same: true}, nil
			},
		})
		return p, err
	}
	if p, err := look(); !errors.Is(err, bot.ErrUnreadable) {
		t.Fatalf("read as %+v, %v", p, err)
	}
	if err := s.People(t.Context(), func(p conversation.Person) error { return errors.New(p.User.ID) }); err != nil {
		t.Fatalf("going through people met %v", err)
	}
	must(t, s.Discard(t.Context(), anna, conversation.Line{At: morning, Event: "unreadable"}))
	if p, err := look(); err != nil || !p.Zero() {
		t.Fatalf("after it was discarded: %+v, %v", p, err)
	}
}

func TestAC47_SwappedRecordsDoNotOpen(t *testing.T) {
	for _, bucket := range []string{"conversations", "counters", "accounts", "notices", "audit"} {
		t.Run(bucket, func(t *testing.T) {
			o, piet := twoPeople(t)
			tamper(t, o.Path, func(tx *bbolt.Tx) error {
				keys, values := rows(tx, bucket)
				b := tx.Bucket([]byte(bucket))
				return errors.Join(b.Put(keys[0], values[1]), b.Put(keys[1], values[0]))
			})
			s := open(t, o)
			switch bucket {
			case "conversations":
				unreadable(t, s, anna, piet)
			case "notices":
				notices, err := s.Notices(t.Context(), morning, 9)
				if len(notices) != 0 || err != nil {
					t.Errorf("%v, %v", notices, err)
				}
				if err := s.Postpone(t.Context(), "anna", morning); !errors.Is(err, bot.ErrUnreadable) {
					t.Errorf("postponing: %v", err)
				}
			case "audit":
				err := s.Lines(t.Context(), 1, func(bot.Entry) error { return nil })
				if !errors.Is(err, bot.ErrUnreadable) {
					t.Errorf("reading: %v", err)
				}
				err = s.Append(t.Context(), conversation.Line{At: morning})
				if !errors.Is(err, bot.ErrUnreadable) {
					t.Errorf("chained to a head that does not open: %v", err)
				}
			default:
				_, err := s.Update(t.Context(), conversation.User{Chat: "web", ID: "new"}, bot.Transition{
					Reads: func(conversation.Conversation) conversation.Reads {
						if bucket == "accounts" {
							return conversation.Reads{Account: "anna"}
						}
						return conversation.Reads{Counters: []conversation.CounterKey{"anna"}}
					},
					Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
						t.Errorf("the step was called with %+v", f)
						return conversation.Change{Same: true}, nil
					},
				})
				if !errors.Is(err, bot.ErrUnreadable) {
					t.Errorf("updating: %v", err)
				}
			}
		})
	}
}

func TestAC47_RecordOfAnotherBucketDoesNotOpen(t *testing.T) {
	o, piet := twoPeople(t)
	tamper(t, o.Path, func(tx *bbolt.Tx) error {
		keys, _ := rows(tx, "conversations")
		_, values := rows(tx, "counters")
		b := tx.Bucket([]byte("conversations"))
		return errors.Join(b.Put(keys[0], values[0]), b.Put(keys[1], values[1]))
	})
	unreadable(t, open(t, o), anna, piet)
}

func TestDamagedDatesHideNobodyElse(t *testing.T) {
	o, _ := twoPeople(t)
	tamper(t, o.Path, func(tx *bbolt.Tx) error {
		dates := tx.Bucket([]byte("conversations.dates"))
		keys, values := rows(tx, "conversations.dates")
		values[0][20] ^= 1
		return errors.Join(dates.Put(keys[0], values[0]), dates.Put([]byte("short"), nil))
	})
	due, err := open(t, o).Due(t.Context(), morning, 9)
	if len(due) != 1 || err != nil {
		t.Errorf("%v are due, %v", due, err)
	}
}

// Everything with a mark of its own is stored, changed, forgotten; nothing of
// it may be in the file, neither where it is nor where it was.
func TestAC25_AC80_FileNamesNobody(t *testing.T) {
	o := options(t)
	s := open(t, o)
	secrets := []string{
		"anna-devries-id", "msteams-chat", "RCP-TXT", "4f6b-account-id", "m.devries@hospital.example",
		"Merel Vries", "asker-key", "proofs-of-devries", "code:challenge-mark", "notice-id-17", "audit-detail",
		"JBSWY3DPEHPK3PXP", "Merels telefoon", "device-id-99", "begun-by-asker", "Geheim-wachtwoord-2026",
	}
	const account = "4f6b-account-id"
	user := conversation.User{Chat: "msteams-chat", ID: "anna-devries-id"}
	limit := conversation.Limit{N: 99, Window: time.Hour}
	for n := range 20 {
		change := conversation.Change{
			Conversation: conversation.Conversation{
				Receipt: "RCP-TXT", Asker: "asker-key",
				Subject: conversation.Subject{ID: account, UPN: "m.devries@hospital.example", Name: "Merel Vries"},
				Bound:   []conversation.Bound{{ID: account, UPN: "m.devries@hospital.example"}},
			},
			Due: morning,
			Account: &conversation.AccountRecord{
				Key: "id:" + account, Holder: "RCP-TXT", HolderUser: user, Kept: morning,
			},
			Counters: map[conversation.CounterKey]conversation.Counter{
				"proofs-of-devries": {Spends: []conversation.Spend{{ID: "notice-id-17"}}, Kept: morning},
			},
			Marks:   []conversation.Mark{{Key: fmt.Sprintf("code:challenge-mark:%d", n), Expires: morning}},
			Notices: []conversation.Notice{{ID: "notice-id-17", Receipt: "RCP-TXT", User: user, Account: account}},
			Audit:   []conversation.Line{{At: morning, Asker: "asker-key", Account: account, Detail: "audit-detail"}},
			Secret:  conversation.NewSecret("Geheim-wachtwoord-2026"),
		}
		change.Forget = n%2 == 1
		put(t, s, user, change)
		_, _, err := s.Spend(t.Context(), "begun-by-asker", fmt.Sprint(n), limit, morning)
		must(t, err)
		must(t, s.Enrol(t.Context(), account, bot.Authenticator{
			ID: "device-id-99", Name: "Merels telefoon", Secret: conversation.NewSecret("JBSWY3DPEHPK3PXP"),
		}))
		if n%5 == 0 {
			must(t, s.Settle(t.Context(), "notice-id-17"))
			must(t, s.Remove(t.Context(), account, "device-id-99"))
		}
	}
	must(t, s.Close())
	for name, content := range files(t, o) {
		for _, secret := range secrets {
			if strings.Contains(content, secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSpaceIsUsedAgain(t *testing.T) {
	o := options(t)
	s := open(t, o)
	size := func() int64 {
		info, err := os.Stat(o.Path)
		must(t, err)
		return info.Size()
	}
	fill := func() {
		for n := range 50 {
			user := conversation.User{Chat: "teams", ID: fmt.Sprint(n)}
			put(t, s, user, conversation.Change{
				Due:          morning.Add(time.Duration(n)),
				Conversation: conversation.Conversation{Address: strings.Repeat("x", 4000)},
			})
			put(t, s, user, conversation.Change{Forget: true})
		}
	}
	fill()
	before := size()
	for range 5 {
		fill()
	}
	if after := size(); after != before {
		t.Errorf("grew from %d to %d bytes", before, after)
	}
}
