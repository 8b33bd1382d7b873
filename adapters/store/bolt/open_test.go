package bolt_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"resetbot/adapters/seal"
	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

var anna = conversation.User{Chat: "teams", ID: "anna"}

// put stores a change of user.
func put(t testing.TB, s *bolt.Store, user conversation.User, change conversation.Change) {
	t.Helper()
	change.Conversation.ID, change.Conversation.User = "c-"+user.ID, user
	_, err := s.Update(t.Context(), user, bot.Transition{
		Reads: func(conversation.Conversation) conversation.Reads { return conversation.Reads{} },
		Step: func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
			return change, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// made makes a store with one conversation in it, and closes it.
func made(t testing.TB) bolt.Options {
	t.Helper()
	o := options(t)
	s := open(t, o)
	put(t, s, anna, conversation.Change{Due: morning})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return o
}

// tamper changes the closed store at path with bbolt itself.
func tamper(t testing.TB, path string, change func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// files gives what is beside the store, with its content.
func files(t testing.TB, o bolt.Options) map[string]string {
	t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(filepath.Dir(o.Path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(filepath.Dir(o.Path), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = string(content)
	}
	return found
}

func TestOpeningSaysWhatIsWrongAndChangesNothing(t *testing.T) {
	overwrite := func(path string, content []byte) error { return os.WriteFile(path, content, 0o600) }
	tests := []struct {
		name string
		do   func(t *testing.T, o bolt.Options) error
		want string
	}{
		{"no key file", func(_ *testing.T, o bolt.Options) error {
			return os.Remove(o.KeysFile)
		}, "is there without its key file"},
		{"no store", func(_ *testing.T, o bolt.Options) error {
			return os.Remove(o.Path)
		}, "is there without its store"},
		{"the key file of another store", func(t *testing.T, o bolt.Options) error {
			return os.Rename(made(t).KeysFile, o.KeysFile)
		}, "does not belong to the store"},
		{"a damaged key file", func(_ *testing.T, o bolt.Options) error {
			return overwrite(o.KeysFile, []byte("{}"))
		}, "the key file"},
		{"a key file that others can read", func(_ *testing.T, o bolt.Options) error {
			return os.Chmod(o.KeysFile, 0o644)
		}, "chmod 600"},
		{"a newer store", func(t *testing.T, o bolt.Options) error {
			tamper(t, o.Path, func(tx *bbolt.Tx) error {
				return tx.Bucket([]byte("meta")).Put([]byte("version"), []byte{0, 0, 0, 3})
			})
			return nil
		}, "is of version 3"},
		{"a bbolt file of something else", func(t *testing.T, o bolt.Options) error {
			tamper(t, o.Path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("meta")) })
			return nil
		}, "or no store of this program"},
		{"a bucket missing", func(t *testing.T, o bolt.Options) error {
			tamper(t, o.Path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("counters.dates")) })
			return nil
		}, "is damaged"},
		{"an empty file", func(_ *testing.T, o bolt.Options) error {
			return overwrite(o.Path, nil)
		}, "is empty"},
		{"rubbish", func(_ *testing.T, o bolt.Options) error {
			return overwrite(o.Path, bytes.Repeat([]byte("rubbish "), 8192))
		}, "is damaged"},
		{"the beginning overwritten", func(_ *testing.T, o bolt.Options) error {
			content, err := os.ReadFile(o.Path)
			if err != nil {
				return err
			}
			clear(content[:8192])
			return overwrite(o.Path, content)
		}, "is damaged"},
		{"a directory", func(_ *testing.T, o bolt.Options) error {
			return errors.Join(os.Remove(o.Path), os.Mkdir(o.Path, 0o700), os.Remove(o.KeysFile))
		}, "without its key file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := made(t)
			if err := test.do(t, o); err != nil {
				t.Fatal(err)
			}
			var before map[string]string
			if test.name != "a directory" {
				before = files(t, o)
			}
			s, err := bolt.Open(o)
			if err == nil {
				_ = s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one sentence with %q", err, test.want)
			}
			if before != nil && !cmp.Equal(before, files(t, o)) {
				t.Error("a file changed")
			}
		})
	}
}

func TestAStoreOfTheFormBeforeIsOpenedAndKeepsWhatItHas(t *testing.T) {
	o := made(t)
	s, err := bolt.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), conversation.Line{Event: "kept"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, o.Path, func(tx *bbolt.Tx) error {
		for _, name := range []string{"people", "people.dates", "installations", "installations.dates"} {
			if err := tx.DeleteBucket([]byte(name)); err != nil {
				return err
			}
		}
		return tx.Bucket([]byte("meta")).Put([]byte("version"), []byte{0, 0, 0, 1})
	})
	for range 2 { // and once it is of the new form it stays so
		if s, err = bolt.Open(o); err != nil {
			t.Fatal(err)
		}
		in := bot.Installation{Chat: "slack", Team: "T1", Token: conversation.NewSecret("xoxb")}
		if err := s.Installations().Save(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		head, err := s.Head(t.Context())
		if err != nil || head.Line.Event != "kept" {
			t.Fatalf("the audit ends with %q (%v)", head.Line.Event, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAC80_NobodyElseCanReadTheFiles(t *testing.T) {
	o := made(t)
	for _, path := range []string{o.Path, o.KeysFile} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has the mode %v", filepath.Base(path), info.Mode())
		}
	}
	if len(files(t, o)) != 2 {
		t.Error("there are more files than two")
	}
}

func TestAC79_SecondProcessIsToldWithinASecondAndAHalf(t *testing.T) {
	o := options(t)
	s := open(t, o)
	begun := time.Now()
	_, err := bolt.Open(o) // the lock is the open file's, not the process's
	if err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > 1500*time.Millisecond {
		t.Errorf("took %v", took)
	}
	put(t, s, anna, conversation.Change{})
}

func TestClosedStoreCanBeOpenedByTheNext(t *testing.T) {
	o := made(t)
	c, err := open(t, o).Conversation(t.Context(), anna)
	if err != nil || c.User != anna {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestCreationThatWasCutOff(t *testing.T) {
	tests := map[string]func(t *testing.T, o bolt.Options) error{
		"while the store was made": func(_ *testing.T, o bolt.Options) error {
			return os.WriteFile(o.Path+".new", []byte("half a page"), 0o600)
		},
		"before the store was begun": func(_ *testing.T, o bolt.Options) error {
			return os.WriteFile(o.Path+".new", nil, 0o600)
		},
		"before the key file": func(t *testing.T, o bolt.Options) error {
			return os.Rename(made(t).Path, o.Path+".new") // with something in it
		},
		"before the store took its place": func(t *testing.T, o bolt.Options) error {
			begun := options(t)
			if err := open(t, begun).Close(); err != nil {
				return err
			}
			return errors.Join(os.Rename(begun.Path, o.Path+".new"), os.Rename(begun.KeysFile, o.KeysFile))
		},
	}
	for name, cut := range tests {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			if err := cut(t, o); err != nil {
				t.Fatal(err)
			}
			s := open(t, o)
			if c, err := s.Conversation(t.Context(), anna); err != nil || c.ID != "" {
				t.Errorf("it holds %+v, %v", c, err)
			}
			put(t, s, anna, conversation.Change{})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if len(files(t, o)) != 2 {
				t.Error("something is left behind")
			}
			if c, err := open(t, o).Conversation(t.Context(), anna); err != nil || c.User != anna {
				t.Errorf("after a restart it holds %+v, %v", c, err)
			}
		})
	}
}

func TestManyThatBeginTogetherMakeOneStore(t *testing.T) {
	o := options(t)
	var mu sync.Mutex
	var opened []*bolt.Store
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := bolt.Open(o)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				opened = append(opened, s)
			} else if !strings.Contains(err.Error(), "another process has it open") &&
				!strings.Contains(err.Error(), "without its") {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if len(opened) != 1 {
		t.Fatalf("%d have it", len(opened))
	}
	put(t, opened[0], anna, conversation.Change{})
	if err := opened[0].Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := open(t, o).Conversation(t.Context(), anna); err != nil || c.User != anna {
		t.Errorf("it holds %+v, %v", c, err)
	}
}

func TestStoreIsMadeOnlyWhereADirectoryIs(t *testing.T) {
	_, err := bolt.Open(in(filepath.Join(t.TempDir(), "none")))
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestRotatedKeysOpenWhatWasThere(t *testing.T) {
	o := made(t)
	s := open(t, o)
	if err := s.Keys().Rotate(morning); err != nil {
		t.Fatal(err)
	}
	piet := conversation.User{Chat: "teams", ID: "piet"}
	put(t, s, piet, conversation.Change{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	for _, user := range []conversation.User{anna, piet} {
		if c, err := s.Conversation(t.Context(), user); err != nil || c.User != user {
			t.Errorf("%v: %+v, %v", user, c, err)
		}
	}
}

func TestKeysOfTheStoreAreThoseOfItsFile(t *testing.T) {
	o := options(t)
	s := open(t, o)
	loaded, err := seal.Load(o.KeysFile)
	if err != nil {
		t.Fatal(err)
	}
	if s.Keys().Wizard() != loaded.Wizard() || s.Keys().Audit() != loaded.Audit() || !s.Alone() {
		t.Error("they differ")
	}
}
