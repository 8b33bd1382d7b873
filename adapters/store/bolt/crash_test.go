package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
)

// crashDir makes the test program, run again, a writer that is to be killed.
const crashDir = "RESETBOT_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(dir)
		return
	}
	os.Exit(m.Run())
}

const writers = 16

// writeUntilKilled updates without end, and prints the number of a person and
// of their update when it is acknowledged.
func writeUntilKilled(dir string) {
	s, err := bolt.Open(in(dir))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for n := range writers {
		go func() {
			user := numbered(n)
			for {
				change, err := s.Update(context.Background(), user, begin(user))
				if err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
				fmt.Printf("%d %d\n", n, change.Conversation.Page.Version) // one write
			}
		}()
	}
	select {}
}

func TestAC52_KilledWhileCommittingLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	var acknowledged [writers]int
	for round := range 5 {
		killAfter(t, dir, 150+97*round, &acknowledged)
		s := open(t, in(dir))
		total := 0
		for n, want := range acknowledged {
			c, err := s.Conversation(t.Context(), numbered(n))
			must(t, err)
			if c.Page.Version < want {
				t.Errorf("round %d: person %d is at page %d, acknowledged was %d", round, n, c.Page.Version, want)
			}
			total += c.Page.Version
		}
		lines := map[string]int{}
		var last bot.Entry
		must(t, s.Lines(t.Context(), 1, func(e bot.Entry) error {
			lines[e.Line.Event]++
			err := e.Follows(s.Keys().Audit(), last)
			last = e
			return err
		}))
		if int(last.Seq) != total {
			t.Errorf("round %d: %d lines tell of %d updates", round, last.Seq, total)
		}
		must(t, s.Close())
	}
}

// killAfter runs a writer, kills it after so many acknowledgements, and notes
// all that it printed.
func killAfter(t *testing.T, dir string, n int, acknowledged *[writers]int) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	lines, seen := bufio.NewScanner(out), 0
	for lines.Scan() {
		var person, version int
		if _, err := fmt.Sscanf(lines.Text(), "%d %d", &person, &version); err != nil {
			t.Errorf("the writer says: %s", lines.Text())
			continue
		}
		acknowledged[person] = max(acknowledged[person], version)
		if seen++; seen == n {
			must(t, child.Process.Kill()) // SIGKILL
		}
	}
	_ = child.Wait() // killed
	if seen < n {
		t.Fatalf("the writer ended after %d acknowledgements", seen)
	}
}
