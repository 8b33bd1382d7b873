package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writes are the system calls by which something outlives the program.
var writes = []string{
	"openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "renameat", "renameat2", "linkat", "unlinkat",
}

// The first start makes the keys and the store. Killed before each write of that,
// one after the other, the next start makes what is missing, or goes on with what
// is there; it never takes half of it for the whole. (strace counts the calls of
// each thread by themselves: what the second thread writes first is another call
// than what the first thread writes second, and both have their turn.)
func TestAC52_KilledBeforeEachWriteOfTheFirstStart(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("RESETBOT_REQUIRE") != "" {
			t.Fatal("strace is not there (apt install strace)")
		}
		t.Skip("this machine has no strace (apt install strace)")
	}
	died := map[string]int{}
	for _, call := range writes {
		for n := 1; ; n++ {
			p := &program{t: t, env: []string{hasty}}
			p.config, p.base = sample(t)
			if !diesBefore(t, p, strace, call, n) {
				break
			}
			died[call]++
			p.start()
			if w := p.visit(marieke); w.Page.Heading == "" || len(w.Page.Buttons) == 0 {
				t.Errorf("killed before %s %d, the next start shows:\n%s", call, n, w.Page.Text)
			}
			p.wellBehaved()
			p.end(syscall.SIGTERM)
		}
	}
	t.Logf("killed %v", died)
	for _, call := range []string{"openat", "write", "pwrite64", "fsync", "fdatasync"} {
		if died[call] == 0 {
			t.Errorf("it was never killed before %s", call)
		}
	}
}

// diesBefore starts a service that is killed before the nth of some system call,
// and reports whether it was; one that serves before that calls no more often.
func diesBefore(t *testing.T, p *program, strace, call string, n int) bool {
	t.Helper()
	path := thisProgram(t)
	log := &watched{}
	child := exec.CommandContext(t.Context(), strace, "-f", "-o", "/dev/null", "-e", "trace="+call,
		"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), path, "serve", "-config", p.config)
	child.Env = []string{"HOME=" + filepath.Dir(p.config), "GOMAXPROCS=1", hasty}
	child.Stderr = log
	must(t, child.Start())
	gone := make(chan struct{})
	go func() { _ = child.Wait(); close(gone) }()
	end := time.NewTimer(time.Minute)
	defer end.Stop()
	for {
		select {
		case <-gone:
			if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				if strings.Contains(log.String(), "not permitted") {
					t.Skipf("this machine lets nobody trace a process: %s", log)
				}
				t.Fatalf("before %s %d it ended with %v:\n%s", call, n, child.ProcessState, log)
			}
			return true
		case <-time.After(5 * time.Millisecond):
			if strings.Contains(log.String(), `"serving"`) {
				traced, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", child.Process.Pid))
				must(t, err)
				var pid int
				_, err = fmt.Sscan(string(traced), &pid)
				must(t, err)
				must(t, syscall.Kill(pid, syscall.SIGKILL))
				<-gone
				return false
			}
		case <-end.C:
			t.Fatalf("before %s %d nothing happens:\n%s", call, n, log)
		}
	}
}
