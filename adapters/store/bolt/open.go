package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"resetbot/adapters/seal"
	"resetbot/adapters/store"
)

// Options say where a store is.
type Options struct {
	Path     string // of the store file; its directory exists
	KeysFile string // of the file with its keys
}

// schema is the form of the store that this program writes. It opens older ones too,
// and brings them into this form ([upgrade]).
const schema = 2

// added are the tables that a form has and the one before it had not.
var added = map[uint32][]string{2: {"people", "installations"}}

// The bucket that says what the file is, and its keys.
var (
	metaBucket = []byte("meta")
	versionKey = []byte("version")
	keysKey    = []byte("keys")
)

// Open opens the store, or makes it and its key file where neither is there.
// One without the other, a key file of another store, a store of a newer
// version, and a store that another process has open are errors, a sentence for
// the operator each, and leave both files as they are. It takes at most about a
// second.
func Open(o Options) (*Store, error) {
	storeThere, err := exists(o.Path)
	if err != nil {
		return nil, err
	}
	keysThere, err := exists(o.KeysFile)
	if err != nil {
		return nil, err
	}
	switch {
	case !storeThere && !keysThere:
		return create(o)
	case !keysThere:
		return nil, fmt.Errorf("the store %s is there without its key file %s: "+
			"put that back from its back-up", o.Path, o.KeysFile)
	case !storeThere:
		return finish(o)
	}
	return open(o.Path, o.KeysFile)
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for the store: %w", err)
	}
	return true, nil
}

func open(path, keysFile string) (*Store, error) {
	keys, err := seal.Load(keysFile)
	if err != nil {
		return nil, err
	}
	db, err := openFile(path, 0)
	if err != nil {
		return nil, err
	}
	if err := fits(db, path, keys, keysFile); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := upgrade(db); err != nil {
		return nil, errors.Join(fmt.Errorf("bringing the store %s into its new form: %w", path, err), db.Close())
	}
	return newStore(db, keys), nil
}

// upgrade brings a store that fits into the form that this program writes, in one
// transaction. A program of the form before then opens it no more.
func upgrade(db *bbolt.DB) error {
	var version uint32
	err := db.View(func(tx *bbolt.Tx) error {
		version = binary.BigEndian.Uint32(tx.Bucket(metaBucket).Get(versionKey))
		return nil
	})
	if err != nil || version == schema {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		for v := version + 1; v <= schema; v++ {
			for _, table := range added[v] {
				for _, name := range [][]byte{[]byte(table), datesOf(table)} {
					if _, err := tx.CreateBucketIfNotExists(name); err != nil {
						return err
					}
				}
			}
		}
		return tx.Bucket(metaBucket).Put(versionKey, binary.BigEndian.AppendUint32(nil, schema))
	})
}

// create makes a new store beside its place. Then its key file is written, and
// then it takes its place: a crash in between leaves neither, or what finish
// takes up. Processes that begin together meet at the lock of the new file;
// whoever gets it after another one was through finds the files there.
func create(o Options) (*Store, error) {
	beside := beside(o.Path)
	db, err := openFile(beside, os.O_CREATE)
	if err != nil && !errors.Is(err, ErrInUse) {
		_ = os.Remove(beside) // cut off by a crash, and without a key file worth nothing
		db, err = openFile(beside, os.O_CREATE)
	}
	if err != nil {
		return nil, err
	}
	keys := seal.New()
	err = stillNew(o)
	if err == nil {
		err = db.Update(func(tx *bbolt.Tx) error { return initialise(tx, keys) })
	}
	if err == nil {
		err = keys.Create(o.KeysFile)
	}
	if err == nil {
		err = takePlace(beside, o.Path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the store %s: %w", o.Path, err), db.Close())
	}
	return newStore(db, keys), nil
}

func stillNew(o Options) error {
	for _, path := range []string{o.Path, o.KeysFile} {
		if there, err := exists(path); err != nil || there {
			return errors.Join(err, ErrInUse)
		}
	}
	return nil
}

// finish completes a creation that was cut off after the key file was written.
func finish(o Options) (*Store, error) {
	beside := beside(o.Path)
	there, err := exists(beside)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fmt.Errorf("the key file %s is there without its store %s: "+
			"put that back from its back-up, or move the key file away to begin anew", o.KeysFile, o.Path)
	}
	s, err := open(beside, o.KeysFile)
	if err != nil {
		return nil, err
	}
	if err := takePlace(beside, o.Path); err != nil {
		return nil, errors.Join(fmt.Errorf("making the store %s: %w", o.Path, err), s.Close())
	}
	return s, nil
}

func beside(path string) string { return path + ".new" }

func takePlace(beside, path string) error {
	if err := os.Rename(beside, path); err != nil {
		return err
	}
	return seal.SyncDir(filepath.Dir(path))
}

// ErrInUse is wrapped by the error of [Open] for a store that another process has
// open, or is about to make.
var ErrInUse = errors.New("another process has it open")

// openFile opens a bbolt file; flag is os.O_CREATE, or 0 for one that is there.
func openFile(path string, flag int) (*bbolt.DB, error) {
	if info, err := os.Stat(path); flag == 0 && err == nil && info.Size() == 0 {
		return nil, fmt.Errorf("the store %s is empty: put its back-up in its place", path)
	}
	var db *bbolt.DB
	// bbolt panics at some kinds of damage.
	err := store.Guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:      time.Second,
			FreelistType: bbolt.FreelistMapType,
			// Address space, not memory: as long as the file is smaller, a
			// reader never holds up a writer that makes the file grow.
			InitialMmapSize: 1 << 28,
			OpenFile: func(path string, _ int, mode os.FileMode) (*os.File, error) {
				return os.OpenFile(path, os.O_RDWR|flag, mode)
			},
		})
		return err
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("opening the store %s: %w", path, ErrInUse)
	case err != nil && !isPathError(err):
		return nil, fmt.Errorf("the store %s is damaged, put its back-up in its place: %w", path, err)
	case err != nil:
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return db, nil
}

func isPathError(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path)
}

// initialise makes what a store has, and unmakes what a creation left behind
// that was cut off.
func initialise(tx *bbolt.Tx, keys *seal.Keys) error {
	for _, name := range buckets() {
		err := tx.DeleteBucket(name)
		if err != nil && !errors.Is(err, berrors.ErrBucketNotFound) {
			return err
		}
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(metaBucket)
	binding := binding(keys)
	return errors.Join(
		meta.Put(versionKey, binary.BigEndian.AppendUint32(nil, schema)),
		meta.Put(keysKey, binding[:]),
	)
}

// buckets are all there are.
func buckets() [][]byte { return bucketsOf(schema) }

// bucketsOf are those that a store of this form has.
func bucketsOf(version uint32) [][]byte {
	var later []string
	for v := version + 1; v <= schema; v++ {
		later = append(later, added[v]...)
	}
	names := [][]byte{metaBucket, auditBucket}
	for _, table := range tableNames {
		if slices.Contains(later, table) {
			continue
		}
		names = append(names, []byte(table), datesOf(table))
	}
	return names
}

// binding tells a key file that belongs to a store from one that does not. It
// depends on a fixed key, so that it survives every rotation.
func binding(keys *seal.Keys) [32]byte { return keys.Index().Sum("the keys of this store") }

// fits checks that db is a store that this program and these keys can read.
func fits(db *bbolt.DB, path string, keys *seal.Keys, keysFile string) error {
	damaged := fmt.Errorf("the store %s is damaged, or no store of this program: "+
		"put its back-up in its place", path)
	return store.Guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			meta := tx.Bucket(metaBucket)
			if meta == nil || len(meta.Get(versionKey)) != 4 {
				return damaged
			}
			version := binary.BigEndian.Uint32(meta.Get(versionKey))
			if version > schema {
				return fmt.Errorf("the store %s is of version %d, and this program knows none above %d",
					path, version, schema)
			}
			if want := binding(keys); !bytes.Equal(meta.Get(keysKey), want[:]) {
				return fmt.Errorf("the key file %s does not belong to the store %s", keysFile, path)
			}
			for _, name := range bucketsOf(version) {
				if tx.Bucket(name) == nil {
					return damaged
				}
			}
			return nil
		})
	})
}
