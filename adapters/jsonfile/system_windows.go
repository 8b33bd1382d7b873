package jsonfile

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// This file was compiled for Windows and never run there: the demo is tried on
// Linux only. The modes 0600 mean nothing on Windows; who may read the files is
// what their folder says.

// tryLock locks file, unless somebody else has it locked. Closing it unlocks
// it, if not always in that instant, says the documentation of LockFileEx.
func tryLock(file *os.File) (bool, error) {
	const all = ^uint32(0) // low and high half of a length: the lock has no end
	how := uint32(windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY)
	err := windows.LockFileEx(windows.Handle(file.Fd()), how, 0, all, all, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

// openFile opens a file that may be renamed and replaced while it is open. On
// Windows that takes FILE_SHARE_DELETE, which os.OpenFile does not ask for and
// os.Root does.
func openFile(path string, flag int) (*os.File, error) {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return folder.OpenFile(filepath.Base(path), flag, 0o600)
}

// replace renames by, in the same directory, to path, in one step for whoever
// looks. os.Rename refuses while anybody has path open; os.Root renames as
// POSIX does.
func replace(path, by string) error {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Rename(filepath.Base(by), filepath.Base(path))
}

// syncDirectory does nothing: Windows has no way to sync a directory, and NTFS
// keeps a journal of its names.
func syncDirectory(string) error { return nil }
