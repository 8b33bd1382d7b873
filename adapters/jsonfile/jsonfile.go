// Package jsonfile keeps one value, as JSON, in one file that several
// processes share. It is for what is small, written seldom and worth looking
// at: the state of a demo, never the store of a service.
//
// A write takes the lock, reads what others wrote meanwhile, and replaces the
// file as a whole:
//
//	lock path.lock ▶ write path.new ▶ fsync ▶ rename to path ▶ fsync of the directory
//
// So a reader needs no lock, sees one write or the next and never half of one,
// and what Update said is written survives the loss of power.
package jsonfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ErrUnchanged is wrapped by the errors of [File.Update] after which the file
// is certain to be as it was. With any other error nobody knows.
var ErrUnchanged = errors.New("the file is as it was")

// lockRetry is how often the lock of another process is tried again. The
// system can wait for it by itself, but not until a context ends.
const lockRetry = 2 * time.Millisecond

// newSuffix names the file that becomes the one that counts.
const newSuffix = ".new"

// File is a value of type T in a file. A file that does not exist holds the
// zero value. It is safe for concurrent use, as are several Files of the same
// path, in one process or in many.
type File[T any] struct {
	path string
	turn chan struct{} // held by the one goroutine that waits for the lock

	mu    sync.RWMutex
	value *T // nil: not read yet, or not to be trusted
	// read is the file that value came from, nil when there was none. It stays
	// open: so its inode number is not given to a newer file, and comparing
	// numbers is enough to see whether another process wrote.
	read *os.File
	seen fs.FileInfo // of read
}

// New makes a File of path, whose directory must exist. Nothing is read yet.
func New[T any](path string) *File[T] {
	return &File[T]{path: path, turn: make(chan struct{}, 1)}
}

// View calls look with the value as it is in the file now. The value must
// neither be changed nor kept, and look must not call the File.
func (f *File[T]) View(look func(*T)) error {
	f.mu.RLock()
	if f.current() {
		defer f.mu.RUnlock()
		look(f.value)
		return nil
	}
	f.mu.RUnlock()

	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refresh(); err != nil {
		return err
	}
	look(f.value)
	return nil
}

// Update calls change with the value as it is in the file now, while nobody
// else can write it, and returns once what change made of it is durable. If
// change returns false, which it must without having changed anything, nothing
// is written. It must not call the File. ctx bounds the waiting for others; a
// write that was begun is not broken off.
func (f *File[T]) Update(ctx context.Context, change func(*T) bool) error {
	unlock, err := f.lock(ctx)
	if err != nil {
		return fmt.Errorf("locking %s: %w (%w)", f.path, err, ErrUnchanged)
	}
	defer unlock()

	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refresh(); err != nil {
		return fmt.Errorf("%w (%w)", err, ErrUnchanged)
	}
	trusted := false
	defer func() { // also after a panic of change
		if !trusted {
			f.forget()
		}
	}()
	if !change(f.value) {
		trusted = true
		return nil
	}
	if err := f.write(); err != nil {
		return err
	}
	trusted = true
	return nil
}

// Close lets go of the file. The File can be used again.
func (f *File[T]) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget()
	return nil
}

// lock waits for its turn in this process, then among processes.
func (f *File[T]) lock(ctx context.Context) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	lock, err := f.lockFile(ctx)
	if err != nil {
		<-f.turn
		return nil, err
	}
	return func() {
		_ = lock.Close() // which unlocks it
		<-f.turn
	}, nil
}

// lockFile locks a file of its own, for the one that holds the value is another
// after every write. The lock dies with the process that holds it.
func (f *File[T]) lockFile(ctx context.Context) (*os.File, error) {
	lock, err := os.OpenFile(f.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	retry := time.NewTicker(lockRetry)
	defer retry.Stop()
	for {
		locked, err := tryLock(lock)
		if err != nil {
			_ = lock.Close()
			return nil, err
		}
		if locked {
			return lock, nil
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			_ = lock.Close()
			return nil, ctx.Err()
		}
	}
}

// current reports whether value is what the file holds.
func (f *File[T]) current() bool {
	if f.value == nil {
		return false
	}
	now, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.read == nil
	}
	// Size and time only tell of an editor that wrote into the file itself.
	return err == nil && f.read != nil && os.SameFile(now, f.seen) &&
		now.Size() == f.seen.Size() && now.ModTime().Equal(f.seen.ModTime())
}

// refresh makes value what the file holds.
func (f *File[T]) refresh() error {
	if f.current() {
		return nil
	}
	f.forget()
	file, err := openFile(f.path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		f.value = new(T)
		return nil
	}
	if err != nil {
		return err
	}
	value, info, err := read[T](file)
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("reading %s: %w", f.path, err)
	}
	f.value, f.read, f.seen = value, file, info
	return nil
}

// read reads strictly: what a newer version of the program wrote is not taken
// for less than it is, and half a value not for a whole one.
func read[T any](file *os.File) (*T, fs.FileInfo, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	value := new(T)
	in := json.NewDecoder(file)
	in.DisallowUnknownFields()
	if err := in.Decode(value); err != nil {
		return nil, nil, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("something follows the value")
	}
	return value, info, nil
}

// write replaces the file by one that holds value.
func (f *File[T]) write() error {
	file, info, err := f.writeNew()
	if err != nil {
		return fmt.Errorf("writing %s: %w (%w)", f.path, err, ErrUnchanged)
	}
	if err := replace(f.path, f.path+newSuffix); err != nil {
		_ = file.Close()
		return fmt.Errorf("replacing %s: %w (%w)", f.path, err, ErrUnchanged)
	}
	f.let(file, info)
	if err := syncDirectory(filepath.Dir(f.path)); err != nil {
		return fmt.Errorf("making %s durable: %w", f.path, err)
	}
	return nil
}

// writeNew writes value durably into a file beside the one that counts. What
// is left there by a process that died is removed first; only the holder of
// the lock comes here.
func (f *File[T]) writeNew() (*os.File, fs.FileInfo, error) {
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	if err := out.Encode(f.value); err != nil {
		return nil, nil, err
	}
	name := f.path + newSuffix
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	file, err := openFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, nil, err
	}
	_, err = file.Write(text.Bytes())
	if err == nil {
		err = file.Sync()
	}
	var info fs.FileInfo
	if err == nil {
		info, err = file.Stat()
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// forget makes the next look read the file.
func (f *File[T]) forget() {
	f.let(nil, nil)
	f.value = nil
}

// let takes file for the one that value is in.
func (f *File[T]) let(file *os.File, info fs.FileInfo) {
	if f.read != nil {
		_ = f.read.Close()
	}
	f.read, f.seen = file, info
}
