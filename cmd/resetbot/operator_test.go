package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

// until runs a program in a script again and again, until it succeeds and prints
// what matches: "until REGEXP program args".
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until regexp program [args]")
	}
	re := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		out := ts.ReadFile("stdout")
		if err == nil && re.MatchString(out) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q did not come; the last was (%v):\n%s", args[0], err, out)
		}
	}
}

// TestKilledWhileSealingAnewItIsFinishedByTheNextStart kills the service with
// SIGKILL while it seals anew, time and again. Every record opens after each
// kill, and in the end nothing has the old key.
func TestKilledWhileSealingAnewItIsFinishedByTheNextStart(t *testing.T) {
	const n = 20_000
	path := configured(t, anyPort)
	o := bolt.Options{
		Path:     filepath.Join(filepath.Dir(path), "resetbot.db"),
		KeysFile: filepath.Join(filepath.Dir(path), "resetbot.key"),
	}
	s, err := bolt.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]conversation.Line, n)
	for i := range lines {
		lines[i] = conversation.Line{At: time.Now(), Event: fmt.Sprint(i)}
	}
	if err := s.Append(t.Context(), lines...); err != nil {
		t.Fatal(err)
	}
	// A long time ago, so that no link that the old key sealed is alive.
	if err := s.Keys().Rotate(time.Now().Add(-100 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	broken := 0
	for range 20 {
		left := killedWhileSealing(t, path, o)
		if left == 0 {
			break
		}
		if left < n {
			broken++
		}
	}
	if broken == 0 {
		t.Error("no kill came on the way")
	}
	t.Logf("%d kills came on the way", broken)

	service := started(t, path)
	p := place{config: path}
	waitFor(t, func() bool { return recordsOf(t, p, 1) == 0 })
	var k keyring
	if err := p.with(t.Context(), func(c *caller) error {
		return c.ask(t.Context(), "POST", "/keys/prune", &k)
	}); err != nil || len(k.Keys) != 1 {
		t.Errorf("pruning: %+v, %v", k, err)
	}
	if err := service.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = service.Wait() // it was killed
	wholeAudit(t, o, n+1)
}

// killedWhileSealing starts the service, kills it once something was sealed
// anew, and tells how many records still have the old key.
func killedWhileSealing(t *testing.T, path string, o bolt.Options) int {
	t.Helper()
	service := started(t, path)
	time.Sleep(time.Duration(time.Now().UnixNano()%40) * time.Millisecond) // anywhere
	if err := service.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = service.Wait() // it was killed
	s, err := bolt.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }() // nothing was written
	if _, err := bot.VerifyAudit(t.Context(), s, s.Keys().Audit(), ""); err != nil {
		t.Fatal(err)
	}
	count, err := s.Sealed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return count[1]
}

// started is the service in a process of its own, as soon as it has a socket.
func started(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), thisProgram(t), "serve", "-config", path)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		c, err := dial(filepath.Join(filepath.Dir(path), "resetbot.db.sock"))
		if err == nil {
			c.CloseIdleConnections()
		}
		return err == nil
	})
	return cmd
}

func waitFor(t *testing.T, what func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for tick := time.NewTicker(2 * time.Millisecond); !what(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("it did not come")
		}
	}
}

// recordsOf is how many records the running service has sealed with a key.
func recordsOf(t *testing.T, p place, id uint32) int {
	t.Helper()
	var k keyring
	err := p.with(t.Context(), func(c *caller) error { return c.ask(t.Context(), "GET", "/keys", &k) })
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range k.Keys {
		if key.ID == id {
			return key.Records
		}
	}
	return 0
}

func wholeAudit(t *testing.T, o bolt.Options, want uint64) {
	t.Helper()
	s, err := bolt.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }() // nothing was written
	n, err := bot.VerifyAudit(t.Context(), s, s.Keys().Audit(), o.KeysFile+".head")
	if err != nil || n != want {
		t.Errorf("the audit has %d lines (%v), want %d", n, err, want)
	}
	if _, err := os.Stat(o.KeysFile + ".new"); err == nil {
		t.Error("keys were left beside the key file")
	}
}
