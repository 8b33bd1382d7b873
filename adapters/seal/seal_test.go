package seal_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/seal"
	"resetbot/conversation"
)

func create(t *testing.T) (*seal.Keys, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "resetbot.key")
	keys, err := seal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys, path
}

func load(t *testing.T, path string) *seal.Keys {
	t.Helper()
	keys, err := seal.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestSealedOpensAgain(t *testing.T) {
	sealer := seal.New().Sealer("conversations")
	for _, plaintext := range []string{"", "a", strings.Repeat("long ", 1000)} {
		record := sealer.Seal([]byte("head"), []byte(plaintext), []byte("place"))
		if len(record) != len("head")+len(plaintext)+seal.Overhead {
			t.Errorf("a record of %d bytes for a plaintext of %d", len(record), len(plaintext))
		}
		got, err := sealer.Open(record[len("head"):], []byte("place"))
		if err != nil || string(got) != plaintext {
			t.Errorf("opened %q, %v; want %q", got, err, plaintext)
		}
	}
}

func TestSealingTwiceGivesTwoRecords(t *testing.T) {
	sealer := seal.New().Sealer("conversations")
	if bytes.Equal(sealer.Seal(nil, []byte("same"), nil), sealer.Seal(nil, []byte("same"), nil)) {
		t.Error("a nonce was used twice")
	}
}

func TestAC47_NothingOpensThatWasNotSealedSo(t *testing.T) {
	keys := seal.New()
	sealer := keys.Sealer("conversations")
	record := sealer.Seal(nil, []byte("of M. de Vries"), []byte("place"))
	tests := map[string]func() ([]byte, error){
		"elsewhere": func() ([]byte, error) { return sealer.Open(record, []byte("other place")) },
		"for other purpose": func() ([]byte, error) {
			return keys.Sealer("authenticators").Open(record, []byte("place"))
		},
		"with other keys": func() ([]byte, error) {
			return seal.New().Sealer("conversations").Open(record, []byte("place"))
		},
		"nothing": func() ([]byte, error) { return sealer.Open(nil, []byte("place")) },
	}
	for name, open := range tests {
		if got, err := open(); got != nil || !errors.Is(err, seal.ErrNotOurs) {
			t.Errorf("%s: opened %q, %v", name, got, err)
		}
	}
	for i := range record {
		flipped := bytes.Clone(record)
		flipped[i] ^= 1
		if _, err := sealer.Open(flipped, []byte("place")); !errors.Is(err, seal.ErrNotOurs) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
		if _, err := sealer.Open(record[:i], []byte("place")); !errors.Is(err, seal.ErrNotOurs) {
			t.Errorf("cut off at byte %d: %v", i, err)
		}
	}
}

func TestKeyFileGivesTheSameKeys(t *testing.T) {
	made, path := create(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	loaded := load(t, path)
	if made.Wizard() != loaded.Wizard() || made.Audit() != loaded.Audit() || made.Index() != loaded.Index() {
		t.Error("the fixed keys differ")
	}
	record := made.Sealer("p").Seal(nil, []byte("x"), nil)
	if _, err := loaded.Sealer("p").Open(record, nil); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFixedKeysDifferAndAreNotZero(t *testing.T) {
	keys := seal.New()
	seen := map[conversation.Key]bool{{}: true}
	wizard := keys.Wizard()
	for _, key := range []conversation.Key{wizard.Index, wizard.Code, wizard.Decoy, keys.Audit()} {
		if seen[key] {
			t.Error("a key is zero, or there twice")
		}
		seen[key] = true
	}
}

func TestCreateDoesNotOverwrite(t *testing.T) {
	_, path := create(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file changed")
	}
}

func TestCreateLeavesNothingWhereItCannot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no such directory", "resetbot.key")
	if _, err := seal.Create(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestRotatedKeySealsAndOldOnesOpen(t *testing.T) {
	keys, path := create(t)
	sealer := keys.Sealer("p")
	old := sealer.Seal(nil, []byte("old"), nil)
	if err := keys.Rotate(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	fresh := sealer.Seal(nil, []byte("new"), nil)
	if bytes.Equal(old[:4], fresh[:4]) {
		t.Error("the old key still seals")
	}
	wizard := keys.Wizard()
	for name, keys := range map[string]*seal.Keys{"rotated": keys, "loaded": load(t, path)} {
		for want, record := range map[string][]byte{"old": old, "new": fresh} {
			if got, err := keys.Sealer("p").Open(record, nil); err != nil || string(got) != want {
				t.Errorf("%s: %q, %v; want %q", name, got, err, want)
			}
		}
		if keys.Wizard() != wizard {
			t.Errorf("%s: a fixed key changed", name)
		}
	}
}

func TestRotationThatCannotBeSavedChangesNothing(t *testing.T) {
	keys, path := create(t)
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	before := keys.Sealer("p").Seal(nil, nil, nil)
	if err := keys.Rotate(time.Now()); err == nil {
		t.Fatal("saved nowhere")
	}
	if after := keys.Sealer("p").Seal(nil, nil, nil); !bytes.Equal(before[:4], after[:4]) {
		t.Error("seals with a key that no file holds")
	}
}

func replace(content []byte, old, new string) []byte {
	return bytes.Replace(content, []byte(old), []byte(new), 1)
}

func TestLoadingSaysWhatIsWrong(t *testing.T) {
	tests := []struct {
		name string
		do   func(path string, content []byte) error
		want string
	}{
		{"missing", func(path string, _ []byte) error { return os.Remove(path) }, "no such file"},
		{"a directory", func(path string, _ []byte) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, "is a directory"},
		{"readable by a group", func(path string, _ []byte) error {
			return os.Chmod(path, 0o640)
		}, "(mode 0640): chmod 600 it"},
		{"readable by all", func(path string, _ []byte) error {
			return os.Chmod(path, 0o604)
		}, "(mode 0604): chmod 600 it"},
		{"empty", func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) }, "is damaged"},
		{"cut off", func(path string, content []byte) error {
			return os.WriteFile(path, content[:len(content)/2], 0o600)
		}, "is damaged"},
		{"newer", func(path string, content []byte) error {
			return os.WriteFile(path, replace(content, `"version": 1`, `"version": 2`), 0o600)
		}, "is of version 2"},
		{"without a version", func(path string, content []byte) error {
			return os.WriteFile(path, replace(content, `"version": 1`, `"version": 0`), 0o600)
		}, "is damaged"},
		{"a key left out", func(path string, content []byte) error {
			return os.WriteFile(path, replace(content, `"decoy"`, `"decay"`), 0o600)
		}, "is damaged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, path := create(t)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := test.do(path, content); err != nil {
				t.Fatal(err)
			}
			_, err = seal.Load(path)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one sentence with %q", err, test.want)
			}
		})
	}
}

// The last letter of a key in base64 holds two bits that mean nothing, so a
// changed letter must either be noticed or leave the keys as they were.
func TestAnyOneLetterChangedIsNoticed(t *testing.T) {
	keys, path := create(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	record := keys.Sealer("p").Seal(nil, nil, nil)
	for i, letter := range content {
		if !('a' <= letter && letter <= 'y' || 'A' <= letter && letter <= 'Y') {
			continue
		}
		changed := bytes.Clone(content)
		changed[i]++
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := seal.Load(path)
		if err != nil {
			continue
		}
		_, err = loaded.Sealer("p").Open(record, nil)
		if err != nil || loaded.Wizard() != keys.Wizard() || loaded.Audit() != keys.Audit() {
			t.Errorf("byte %d (%q) can be changed unnoticed", i, letter)
		}
	}
}

func TestAC25_KeysDoNotPrint(t *testing.T) {
	keys, path := create(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Index, Code, Decoy, Audit []byte }
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	type holder struct{ Keys any }
	var out bytes.Buffer
	type hider struct {
		keys   *seal.Keys
		sealer *seal.Sealer
	}
	hidden := hider{keys, keys.Sealer("p")}
	for _, v := range []any{keys, *keys, holder{keys}, &holder{*keys}, keys.Sealer("p"), hidden, &hidden} {
		fmt.Fprintf(&out, "%v %+v %#v %s %d %x\n", v, v, v, v, v, v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
	}
	for _, secret := range [][]byte{file.Index, file.Code, file.Decoy, file.Audit} {
		for _, form := range []string{
			string(secret), fmt.Sprintf("%x", secret[:4]), strings.Trim(fmt.Sprint(secret[:4]), "[]"),
		} {
			if strings.Contains(out.String(), form) {
				t.Errorf("printed: %s", form)
			}
		}
	}
	for _, v := range []any{keys, *keys, holder{keys}, keys.Sealer("p")} {
		if _, err := json.Marshal(v); !errors.Is(err, conversation.ErrSecret) {
			t.Errorf("marshalling %T: %v", v, err)
		}
	}
	if err := gob.NewEncoder(io.Discard).Encode(keys); err == nil {
		t.Error("gob took it")
	}
}

func TestConcurrentSealingAndRotation(t *testing.T) {
	keys, _ := create(t)
	sealer := keys.Sealer("p")
	done := make(chan error)
	for range 4 {
		go func() {
			for range 200 {
				if _, err := sealer.Open(sealer.Seal(nil, []byte("x"), nil), nil); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 5 {
		if err := keys.Rotate(time.Now()); err != nil {
			t.Error(err)
		}
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	sealer := seal.New().Sealer("p")
	f.Add(sealer.Seal(nil, []byte("x"), []byte("y")))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, record []byte) {
		if _, err := sealer.Open(record, []byte("place")); err == nil {
			t.Errorf("opened %x", record)
		}
	})
}

func FuzzLoad(f *testing.F) {
	path := filepath.Join(f.TempDir(), "resetbot.key")
	if _, err := seal.Create(path); err != nil {
		f.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte(`{"version":1,"sealing":[]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "resetbot.key")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		keys, err := seal.Load(path)
		if err == nil && (keys.Audit().Zero() || keys.Index().Zero()) {
			t.Error("loaded a zero key")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	sealer := seal.New().Sealer("p")
	plaintext, place := make([]byte, 1024), make([]byte, 24)
	b.SetBytes(1024)
	for b.Loop() {
		sealer.Seal(nil, plaintext, place)
	}
}

func TestSealingKeysAreToldWithoutTheirKeys(t *testing.T) {
	keys, path := create(t)
	later := time.Date(2027, 1, 2, 3, 4, 5, 6, time.UTC)
	if err := keys.Rotate(later); err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string]*seal.Keys{"rotated": keys, "loaded": load(t, path)} {
		told := keys.Sealing()
		if len(told) != 2 || told[0].ID != 1 || told[1] != (seal.SealingKey{ID: 2, Made: later.Truncate(time.Second)}) {
			t.Errorf("%s: told %+v", name, told)
		}
	}
	record := keys.Sealer("p").Seal(nil, []byte("x"), nil)
	if id := seal.SealedWith(record); id != 2 {
		t.Errorf("the record says that it is sealed with %d, want 2", id)
	}
	if id := seal.SealedWith(record[:seal.Overhead-1]); id != 0 {
		t.Errorf("what is no record says %d, want 0", id)
	}
}

func TestPrunedKeysOpenNothingAndTheOthersGoOn(t *testing.T) {
	keys, path := create(t)
	sealer := keys.Sealer("p")
	var records [][]byte
	for range 3 {
		records = append(records, sealer.Seal(nil, []byte("x"), nil))
		if err := keys.Rotate(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := keys.Prune(1, 3); err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string]*seal.Keys{"pruned": keys, "loaded": load(t, path)} {
		for i, record := range records {
			_, err := keys.Sealer("p").Open(record, nil)
			if gone := i != 1; gone != errors.Is(err, seal.ErrNotOurs) {
				t.Errorf("%s: what key %d sealed: %v", name, i+1, err)
			}
		}
	}
	if err := keys.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	if told := load(t, path).Sealing(); len(told) != 3 || told[2].ID != 5 {
		t.Errorf("after the next rotation there are %+v: a number must not come again", told)
	}
}

func TestTheNewestKeyAndUnknownOnesAreNotPruned(t *testing.T) {
	keys, path := create(t)
	if err := keys.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, ids := range [][]uint32{{2}, {1, 2}, {3}, {0}, {1, 7}} {
		if err := keys.Prune(ids...); err == nil {
			t.Errorf("pruned %d", ids)
		}
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) || len(keys.Sealing()) != 2 {
		t.Error("something was removed all the same")
	}
}

func TestPruningThatCannotBeSavedChangesNothing(t *testing.T) {
	keys, path := create(t)
	record := keys.Sealer("p").Seal(nil, nil, nil)
	if err := errors.Join(keys.Rotate(time.Now()), os.RemoveAll(filepath.Dir(path))); err != nil {
		t.Fatal(err)
	}
	if err := keys.Prune(1); err == nil {
		t.Fatal("saved nowhere")
	}
	if _, err := keys.Sealer("p").Open(record, nil); err != nil {
		t.Errorf("a key is gone that the file may still have: %v", err)
	}
}

// A kill leaves a file beside, with keys in it: it must go, and never be
// followed or taken for ours.
func TestWhatAKillLeftBesideTheKeyFileIsGoneWithTheNextWrite(t *testing.T) {
	keys, path := create(t)
	target := filepath.Join(t.TempDir(), "target")
	if err := os.Symlink(target, path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := keys.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the keys were written where a link pointed: %v", err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the key file has mode %v (%v), want 0600", info.Mode(), err)
	}
}
