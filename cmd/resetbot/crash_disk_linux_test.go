package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"resetbot/employee"
)

// disk is a place of one megabyte for a store and its keys. It takes root, and a
// kernel that lets root mount; elsewhere the test is skipped.
func disk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=700"); err != nil {
		t.Skipf("this machine lets nobody mount a small disk (%v); run it as root", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }) // the folder goes in any case
	return dir
}

// on puts the store and the keys of the sample configuration into a folder.
func on(dir string) []string {
	return []string{
		"#store: {type: bolt, path: resetbot.db}", "store: {type: bolt, path: " + filepath.Join(dir, "resetbot.db") + "}",
		"#keys_file: resetbot.key", "keys_file: " + filepath.Join(dir, "resetbot.key"),
	}
}

// fill leaves no room on a disk; empty gives it back.
func fill(t *testing.T, dir string) (empty func()) {
	t.Helper()
	name := filepath.Join(dir, "something else")
	f, err := os.Create(name)
	must(t, err)
	for piece := make([]byte, 4096); err == nil; {
		_, err = f.Write(piece)
	}
	must(t, f.Close())
	if !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("filling the disk ended with %v", err)
	}
	return func() { must(t, os.Remove(name)) }
}

func TestAC77_ADiskThatIsFullNowAndThenIsToldAndEveryWalkComesToATrueEnd(t *testing.T) {
	dir := disk(t)
	staff, file := colleagues(t, 200)
	s := newSiege(t, 77, file, on(dir)...)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Minute, errors.New("it takes too long"))
	defer cancel()
	s.begin("")
	t.Cleanup(func() { _ = s.child.Process.Kill(); _ = s.child.Wait() })
	s.log.line(t, "serving")
	walked := s.walkers(ctx, staff)
	for range 8 {
		s.awaitAnswers(ctx, 1+s.random.IntN(20))
		empty := fill(t, dir)
		s.awaitAnswers(ctx, 80) // where the store needs no room, people go on
		empty()
	}
	all := walked()
	for _, p := range all {
		must(t, p.told(ctx))
	}
	t.Logf("%d people got a new password; %d times a page said that something went wrong", len(all), s.trouble.Load())
	s.end(syscall.SIGTERM)
	s.whole()
	s.eachStepOnce(all)
}

func TestAC77_WithoutAFreeBlockNothingIsAcknowledgedAndThePersonGoesOnWhenThereIs(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	w := p.visit(marieke)
	must(t, w.Press(t.Context(), "Wachtwoord vergeten"))
	// Of each block of the file, also of one that was used before: whether a commit
	// needs a new one depends on what was committed last.
	empty := inject(t, p.child.Process.Pid, "pwrite64", "error=ENOSPC")
	must(t, w.Fill(t.Context(), map[string]string{"name": marieke.User}))
	if !w.Sees(wentWrong) || !w.Sees("071 000 00 0") || len(w.Page.Fields) == 0 {
		t.Errorf("on a full disk the page says:\n%s", w.Page.Text)
	}
	empty()
	must(t, w.Fill(t.Context(), map[string]string{"name": marieke.User}))
	must(t, w.Await(t.Context()))
	must(t, w.Prove(t.Context(), employee.SMS))
	must(t, w.Prove(t.Context(), employee.AppCode))
	must(t, w.Choose(t.Context(), mariekesNew))
	p.signsIn("m.devries", mariekesNew, mariekesOld)
}

// After a failed fsync nobody knows what is on the disk. People are told, nothing
// more is written, and the program ends, so that whoever watches over it starts
// it again (docs/decisions/0013); then everybody goes on.
func TestAfterAFailedSyncPeopleAreToldTheProgramEndsAndTheNextOneGoesOn(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	admin := fmt.Sprint("http://", p.log.line(t, "serving")["admin_listen"])
	w := p.visit(marieke)
	must(t, w.Press(t.Context(), "Wachtwoord vergeten"))
	name := map[string]string{"name": marieke.User}
	stop := failSyncs(t, p.child.Process.Pid)
	must(t, w.Fill(t.Context(), name))
	stop()
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, said := get(t, admin+path); code != http.StatusServiceUnavailable || !strings.Contains(said, "the disk failed") {
			t.Errorf("%s answers %d %s", path, code, said)
		}
	}
	for range 2 { // also when syncing works again
		if !w.Sees(wentWrong) || !w.Sees("071 000 00 0") {
			t.Fatalf("after a sync that failed the page says:\n%s", w.Page.Text)
		}
		must(t, w.Fill(t.Context(), name))
	}
	if err := p.child.Wait(); p.child.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v, want exit code 1", err)
	}
	lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "resetbot: the disk failed") || !strings.Contains(last, "input/output error") {
		t.Errorf("its last words are %q", last)
	}
	p.start()
	p.goesOn(w)
}

// goesOn checks that somebody who gave a name, or was about to, comes to the end.
func (p *program) goesOn(w *employee.Window) {
	p.t.Helper()
	ctx := p.t.Context()
	must(p.t, w.Look(ctx))
	asks := slices.Contains(w.Page.Fields, "name")
	if w.Page.Heading == "" || !asks && !w.Page.Passing && !w.Sees("contact moeten opnemen") {
		p.t.Errorf("after a restart the page says:\n%s", w.Page.Text)
	}
	if asks {
		must(p.t, w.Fill(ctx, map[string]string{"name": marieke.User}))
	}
	must(p.t, w.Await(ctx))
	must(p.t, w.Prove(ctx, employee.SMS))
	must(p.t, w.Prove(ctx, employee.AppCode))
	must(p.t, w.Choose(ctx, mariekesNew))
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}

// failSyncs has the system answer each fsync of a process with EIO, until stop is
// called.
func failSyncs(t *testing.T, pid int) (stop func()) {
	t.Helper()
	return inject(t, pid, "fdatasync,fsync", "error=EIO")
}

// inject has something happen at system calls of a process, until stop is called.
func inject(t *testing.T, pid int, calls, what string) (stop func()) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil && os.Getenv("RESETBOT_REQUIRE") != "" {
		t.Fatal("strace is not there (apt install strace)")
	}
	stop, err := trace(t.Context(), pid, calls, what)
	if err != nil {
		t.Skip(err)
	}
	return stop
}

// A file system that found a fault in itself turns read-only under a running
// service: nothing is written, and nothing is in doubt.
func TestAC77_AStoreThatTurnsReadOnlyIsToldAndPeopleGoOnOnceItDoesNot(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	w := p.visit(marieke)
	must(t, w.Press(t.Context(), "Wachtwoord vergeten"))
	stop := inject(t, p.child.Process.Pid, "pwrite64", "error=EROFS")
	for range 2 {
		must(t, w.Fill(t.Context(), map[string]string{"name": marieke.User}))
		if !w.Sees(wentWrong) || !w.Sees("071 000 00 0") || len(w.Page.Fields) == 0 {
			t.Errorf("with a store that is read-only the page says:\n%s", w.Page.Text)
		}
	}
	stop()
	must(t, w.Fill(t.Context(), map[string]string{"name": marieke.User}))
	must(t, w.Await(t.Context()))
	must(t, w.Prove(t.Context(), employee.SMS))
	must(t, w.Prove(t.Context(), employee.AppCode))
	must(t, w.Choose(t.Context(), mariekesNew))
	p.signsIn("m.devries", mariekesNew, mariekesOld)
}

func TestAC77_AStoreThatCannotBeWrittenIsOneSentenceAtTheStart(t *testing.T) {
	for name, readOnly := range map[string]func(dir, store string, is bool) error{
		"a read-only file system": func(dir, _ string, is bool) error {
			return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|readOnlyIf(is), "size=1m")
		},
		"a read-only file": func(_, store string, is bool) error {
			if !is {
				return syscall.Unmount(store, 0)
			}
			return errors.Join(syscall.Mount(store, store, "", syscall.MS_BIND, ""),
				syscall.Mount("", store, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := disk(t)
			store := filepath.Join(dir, "resetbot.db")
			p := serveSample(t, []string{hasty}, on(dir)...)
			p.end(syscall.SIGTERM)
			must(t, readOnly(dir, store, true))
			before, err := os.ReadFile(store)
			must(t, err)
			var said strings.Builder
			child := command(t, nil, "serve", "-config", p.config)
			child.Stderr = &said
			if err := child.Run(); child.ProcessState.ExitCode() != 1 {
				t.Errorf("it ended with %v", err)
			}
			if got := said.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "read-only file system") {
				t.Errorf("it says %q", got)
			}
			after, err := os.ReadFile(store)
			if err != nil || string(after) != string(before) {
				t.Errorf("the store changed (%v)", err)
			}
			must(t, readOnly(dir, store, false))
			p.start()
			if w := p.visit(marieke); w.Page.Heading == "" || len(w.Page.Buttons) == 0 {
				t.Errorf("afterwards the page says:\n%s", w.Page.Text)
			}
			p.end(syscall.SIGTERM) // before the disk goes
		})
	}
}

func readOnlyIf(is bool) uintptr {
	if is {
		return syscall.MS_RDONLY
	}
	return 0
}

// The terminal ends too, and says why.
func TestAfterAFailedSyncTheTerminalEndsWithASentence(t *testing.T) {
	t.Parallel()
	p := terminalPerson(t)
	must(t, p.start())
	t.Cleanup(p.kill)
	must(t, p.expect(`Waarmee kan ik u helpen`))
	stop := failSyncs(t, p.cmd.Process.Pid)
	defer stop()
	must(t, p.types("wachtwoord vergeten"))
	must(t, p.expect(`resetbot: the disk failed.*input/output error`))
	<-p.ended
	if code := p.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("it ended with %d", code)
	}
}
