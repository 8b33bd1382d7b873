package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	dir := disk(t)
	p := serveSample(t, []string{hasty}, on(dir)...)
	w := p.visit(marieke)
	must(t, w.Press(t.Context(), "Wachtwoord vergeten"))
	empty := fill(t, dir)
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

func TestAfterAFailedSyncPeopleAreToldAndARestartMendsIt(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	w := p.visit(marieke)
	must(t, w.Press(t.Context(), "Wachtwoord vergeten"))
	name := map[string]string{"name": marieke.User}
	stop := failSyncs(t, p.child.Process.Pid)
	must(t, w.Fill(t.Context(), name))
	stop()
	for range 2 { // also when syncing works again: nobody knows what is on the disk
		if !w.Sees(wentWrong) || !w.Sees("071 000 00 0") {
			t.Fatalf("after a sync that failed the page says:\n%s", w.Page.Text)
		}
		must(t, w.Fill(t.Context(), name))
	}
	admin, _ := p.log.line(t, "serving")["admin_listen"].(string)
	if code, said := get(t, "http://"+admin+"/readyz"); code != http.StatusServiceUnavailable ||
		!strings.Contains(said, "until it is opened again") {
		t.Errorf("/readyz answers %d %s", code, said)
	}
	p.end(syscall.SIGKILL)
	p.start()
	must(t, w.Look(t.Context()))
	if w.Page.Heading == "" || !strings.Contains(strings.Join(w.Page.Fields, " "), "name") && !w.Page.Passing &&
		!w.Sees("contact moeten opnemen") {
		t.Errorf("after a restart the page says:\n%s", w.Page.Text)
	}
	if strings.Contains(strings.Join(w.Page.Fields, " "), "name") {
		must(t, w.Fill(t.Context(), name))
	}
	must(t, w.Await(t.Context()))
	must(t, w.Prove(t.Context(), employee.SMS))
	must(t, w.Prove(t.Context(), employee.AppCode))
	must(t, w.Choose(t.Context(), mariekesNew))
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}

// failSyncs has the system answer each fdatasync of a process with EIO, until
// stop is called.
func failSyncs(t *testing.T, pid int) (stop func()) {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("this machine has no strace, which makes a disk fail (apt install strace)")
	}
	tracer := exec.CommandContext(t.Context(), path, "-f", "-o", "/dev/null",
		"-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO", "-p", strconv.Itoa(pid))
	said := &watched{}
	tracer.Stderr = said
	must(t, tracer.Start())
	for end := time.Now().Add(20 * time.Second); !strings.Contains(said.String(), "attached"); {
		if strings.Contains(said.String(), "Operation not permitted") || time.Now().After(end) {
			_ = tracer.Process.Kill()
			_ = tracer.Wait()
			t.Skipf("this machine lets nobody trace a process: %s", said)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return func() {
		must(t, tracer.Process.Signal(syscall.SIGTERM)) // it lets go of the process
		_ = tracer.Wait()                               // which it tells by a signal
	}
}

func TestAC77_AStoreThatCannotBeWrittenIsOneSentenceAtTheStart(t *testing.T) {
	t.Parallel()
	dir := disk(t)
	p := serveSample(t, []string{hasty}, on(dir)...)
	p.end(syscall.SIGTERM)
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	before, err := os.ReadFile(filepath.Join(dir, "resetbot.db"))
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
	after, err := os.ReadFile(filepath.Join(dir, "resetbot.db"))
	if err != nil || string(after) != string(before) {
		t.Errorf("the store changed (%v)", err)
	}
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=1m"))
	p.start()
	if w := p.visit(marieke); w.Page.Heading == "" || len(w.Page.Buttons) == 0 {
		t.Errorf("afterwards the page says:\n%s", w.Page.Text)
	}
	p.end(syscall.SIGTERM) // before the disk goes
}
