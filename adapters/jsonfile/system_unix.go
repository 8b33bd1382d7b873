//go:build unix

package jsonfile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks file, unless somebody else has it locked. Closing it unlocks it.
func tryLock(file *os.File) (bool, error) {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return err == nil, err
}

// openFile opens a file that may be renamed and replaced while it is open.
func openFile(path string, flag int) (*os.File, error) { return os.OpenFile(path, flag, 0o600) }

// replace renames by to path, in one step for whoever looks.
func replace(path, by string) error { return os.Rename(by, path) }

// syncDirectory makes the names in a directory durable.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	err = directory.Sync()
	return errors.Join(err, directory.Close())
}
