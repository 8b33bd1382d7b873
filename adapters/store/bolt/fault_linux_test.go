package bolt_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

// descriptors are those under which this process has path open.
func descriptors(t *testing.T, path string) (found []int) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, e := range open {
		if target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && target == path {
			fd, err := strconv.Atoi(e.Name())
			must(t, err)
			found = append(found, fd)
		}
	}
	return found
}

// redirect makes the descriptor under which this process has path open refer
// to device instead, until restore is called. The memory map stays the file's.
func redirect(t *testing.T, path, device string) (restore func()) {
	t.Helper()
	found := descriptors(t, path)
	if len(found) != 1 {
		t.Fatalf("%s is open %d times", path, len(found))
	}
	fd := found[0]
	real, err := syscall.Dup(fd)
	must(t, err)
	other, err := syscall.Open(device, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	must(t, err)
	must(t, syscall.Dup3(other, fd, syscall.O_CLOEXEC))
	must(t, syscall.Close(other))
	return func() {
		must(t, syscall.Dup3(real, fd, syscall.O_CLOEXEC))
		must(t, syscall.Close(real))
	}
}

func version(t *testing.T, s *bolt.Store) int {
	t.Helper()
	c, err := s.Conversation(t.Context(), anna)
	must(t, err)
	return c.Page.Version
}

func whole(t *testing.T, s *bolt.Store, want uint64) {
	t.Helper()
	var last bot.Entry
	must(t, s.Lines(t.Context(), 1, func(e bot.Entry) error {
		err := e.Follows(s.Keys().Audit(), last)
		last = e
		return err
	}))
	if last.Seq != want {
		t.Errorf("%d audit lines, want %d", last.Seq, want)
	}
}

func update(t *testing.T, s *bolt.Store) error {
	_, err := s.Update(t.Context(), anna, begin(anna))
	return err
}

func TestAC77_FullDiskFailsUpdatesUntilThereIsRoom(t *testing.T) {
	o := options(t)
	s := open(t, o)
	must(t, update(t, s))

	restore := redirect(t, o.Path, "/dev/full")
	for range 3 {
		if err := update(t, s); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("got %v", err)
		}
	}
	if err := s.Append(t.Context(), conversation.Line{At: morning}); err == nil {
		t.Error("an audit line was acknowledged")
	}
	if v := version(t, s); v != 1 {
		t.Errorf("page %d", v)
	}
	restore()

	must(t, update(t, s))
	must(t, s.Close())
	s = open(t, o)
	if v := version(t, s); v != 2 {
		t.Errorf("page %d after a restart", v)
	}
	whole(t, s, 2)
}

func TestAfterAFailedSyncNothingIsAcknowledged(t *testing.T) {
	o := options(t)
	s := open(t, o)
	must(t, update(t, s))

	restore := redirect(t, o.Path, "/dev/null") // takes writes, and refuses to sync them
	if err := update(t, s); err == nil {
		t.Error("acknowledged what was not synced")
	}
	restore()

	before := s.Commits()
	if err := update(t, s); err == nil || !strings.Contains(err.Error(), "until it is opened again") {
		t.Errorf("got %v", err)
	}
	if after := s.Commits(); after != before {
		t.Error("committed on top of the gap")
	}
	if err := s.Writable(); err == nil {
		t.Error("the store says that it can be written")
	}
	must(t, s.Close())
	s = open(t, o)
	must(t, update(t, s))
	must(t, s.Writable())
	if v := version(t, s); v != 2 {
		t.Errorf("page %d after a restart", v)
	}
	whole(t, s, 2)
}

// Two processes begin; the second waits for the lock of the new file, and gets
// it when the first has finished and gone.
func TestStoreThatWasMadeMeanwhileIsNotMadeAgain(t *testing.T) {
	first, o := made(t), options(t)
	must(t, os.Rename(first.Path, o.Path+".new"))
	held, err := bbolt.Open(o.Path+".new", 0o600, nil)
	must(t, err)

	second := make(chan error)
	go func() {
		s, err := bolt.Open(o)
		if err == nil {
			err = s.Close()
		}
		second <- err
	}()
	for len(descriptors(t, o.Path+".new")) < 2 {
		runtime.Gosched()
	}
	must(t, os.Rename(first.KeysFile, o.KeysFile))
	must(t, os.Rename(o.Path+".new", o.Path))
	must(t, held.Close())

	if err := <-second; err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("got %v", err)
	}
	if c, err := open(t, o).Conversation(t.Context(), anna); err != nil || c.User != anna {
		t.Errorf("it holds %+v, %v", c, err)
	}
}
