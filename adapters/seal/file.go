package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"resetbot/conversation"
)

// version is the form of the key file that this program writes and reads.
const version = 1

// file is the key file. It is the only place where keys become bytes.
type file struct {
	Version int           `json:"version"`
	Sealing []sealingForm `json:"sealing"` // newest last
	Index   []byte        `json:"index"`
	Code    []byte        `json:"code"`
	Decoy   []byte        `json:"decoy"`
	Audit   []byte        `json:"audit"`
	// Sum is SHA-256 over the compact form of all the above. It proves nothing
	// to an attacker; it tells a damaged file from a strange one.
	Sum []byte `json:"sum,omitempty"`
}

type sealingForm struct {
	ID   uint32    `json:"id"`
	Made time.Time `json:"made"`
	Key  []byte    `json:"key"`
}

// Create writes the keys to a new file at path, readable by its owner only.
// The file is there completely, or not at all. Where a file is, it is an error
// that wraps [fs.ErrExist]; two calls for one path must not overlap (a store
// holds its own lock meanwhile).
func (k Keys) Create(path string) error {
	k.ring.mu.Lock()
	defer k.ring.mu.Unlock()
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("making the key file %s: %w", path, fs.ErrExist)
	}
	if err := write(path, k.ring.form(k.ring.sealing)); err != nil {
		return fmt.Errorf("making the key file: %w", err)
	}
	k.ring.path = path
	return nil
}

// Create draws new keys and keeps them in a new file at path; see [Keys.Create].
func Create(path string) (*Keys, error) {
	keys := New()
	if err := keys.Create(path); err != nil {
		return nil, err
	}
	return keys, nil
}

// Rotate adds a sealing key, which seals from now on, and writes the file
// anew: completely, or not at all. After an error the old keys go on. The file
// has the new key before anything is sealed with it, so that there is no moment
// at which a kill would leave a record that no file opens. Two processes must
// not change one file at the same time.
func (k Keys) Rotate(now time.Time) error {
	k.ring.mu.Lock()
	defer k.ring.mu.Unlock()
	newest := k.ring.sealing[len(k.ring.sealing)-1]
	if newest.id == math.MaxUint32 {
		return errors.New("rotating the keys: there are no numbers left")
	}
	sealing := append(slices.Clone(k.ring.sealing), sealingKey{
		id:     newest.id + 1,
		made:   now.UTC().Truncate(time.Second),
		secret: draw(),
	})
	if err := k.ring.replace(sealing); err != nil {
		return fmt.Errorf("rotating the keys: %w", err)
	}
	return nil
}

// Prune removes sealing keys for good, and writes the file anew: completely, or
// not at all. What is still sealed with one of them never opens again; it is for
// the caller to know that nothing is. An id that there is not, and the newest,
// which seals, are errors, and then nothing is removed.
func (k Keys) Prune(ids ...uint32) error {
	k.ring.mu.Lock()
	defer k.ring.mu.Unlock()
	older := k.ring.sealing[:len(k.ring.sealing)-1]
	for _, id := range ids {
		if !slices.ContainsFunc(older, func(key sealingKey) bool { return key.id == id }) {
			return fmt.Errorf("pruning the keys: there is no old sealing key %d", id)
		}
	}
	sealing := slices.DeleteFunc(slices.Clone(k.ring.sealing), func(key sealingKey) bool {
		return slices.Contains(ids, key.id)
	})
	if err := k.ring.replace(sealing); err != nil {
		return fmt.Errorf("pruning the keys: %w", err)
	}
	return nil
}

// replace has these sealing keys from now on, in the file first.
func (r *ring) replace(sealing []sealingKey) error {
	if r.path != "" {
		if err := write(r.path, r.form(sealing)); err != nil {
			return err
		}
	}
	r.sealing = sealing
	return nil
}

// form gives the file's content with these sealing keys.
func (r *ring) form(sealing []sealingKey) file {
	f := file{Version: version, Index: r.index[:], Code: r.code[:], Decoy: r.decoy[:], Audit: r.audit[:]}
	for _, key := range sealing {
		f.Sealing = append(f.Sealing, sealingForm{ID: key.id, Made: key.made, Key: key.secret[:]})
	}
	f.Sum = f.sum()
	return f
}

func (f file) sum() []byte {
	f.Sum = nil
	compact, err := json.Marshal(f)
	if err != nil {
		return nil // a date that JSON cannot hold: no sum fits, the file is damaged
	}
	sum := sha256.Sum256(compact)
	return sum[:]
}

// write puts f at path in one piece: a file beside it, forced to the disk,
// takes its name. Only the owner may read it at any moment. Its name is always
// the same, so that what a kill left beside it, which has keys in it, is gone
// with the next write.
func write(path string, f file) (err error) {
	content, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	name := path + ".new"
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	beside, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(beside.Name())
		}
	}()
	_, err = beside.Write(append(content, '\n'))
	if err == nil {
		err = beside.Sync()
	}
	if err = errors.Join(err, beside.Close()); err != nil {
		return err
	}
	if err = os.Rename(beside.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir forces the names in a directory to the disk: a file that was made or
// renamed in it is then there after a power cut too.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Load reads the key file at path. Its errors are sentences for the operator:
// there is none (wraps [fs.ErrNotExist]), others can read it, it is damaged,
// or it is of a newer version. They show nothing of what is in it.
func Load(path string) (*Keys, error) {
	content, err := read(path)
	if err != nil {
		return nil, err
	}
	damaged := fmt.Errorf("the key file %s is damaged: put its back-up in its place", path)
	var f file
	if json.Unmarshal(content, &f) != nil {
		return nil, damaged
	}
	if f.Version > version {
		return nil, fmt.Errorf("the key file %s is of version %d, and this program knows none above %d",
			path, f.Version, version)
	}
	if f.Version < 1 || !bytes.Equal(f.Sum, f.sum()) {
		return nil, damaged
	}
	r, ok := f.ring()
	if !ok {
		return nil, damaged
	}
	r.path = path
	return &Keys{ring: r}, nil
}

// maxFile is more than 5,000 rotations need.
const maxFile = 1 << 20

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return nil, fmt.Errorf("the key file %s can be used by others (mode %04o): chmod 600 it",
			path, info.Mode().Perm())
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	return content, nil
}

// ring reports false when a key is missing, cut off or nothing but noughts, or
// when the ids of the sealing keys do not ascend.
func (f file) ring() (*ring, bool) {
	r, ok := &ring{}, len(f.Sealing) > 0
	take := func(raw []byte) conversation.Key {
		if len(raw) != len(conversation.Key{}) || conversation.Key(raw).Zero() {
			ok = false
			return conversation.Key{}
		}
		return conversation.Key(raw)
	}
	r.index, r.code, r.decoy, r.audit = take(f.Index), take(f.Code), take(f.Decoy), take(f.Audit)
	var last uint32
	for _, s := range f.Sealing {
		ok = ok && s.ID > last
		last = s.ID
		r.sealing = append(r.sealing, sealingKey{id: s.ID, made: s.Made, secret: take(s.Key)})
	}
	return r, ok
}
