package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"resetbot/employee"
)

// built is the program as it is shipped. Measuring takes a machine that does
// nothing else, so it is asked for:
//
//	RESETBOT_MEASURE=1 go test ./cmd/resetbot -run TestMeasured -v
func built(t *testing.T) (path string) {
	t.Helper()
	if os.Getenv("RESETBOT_MEASURE") == "" {
		t.Skip("measures only with RESETBOT_MEASURE=1")
	}
	path = filepath.Join(t.TempDir(), "resetbot")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// resident is what the program holds of the machine's memory, in bytes.
func resident(t testing.TB, pid int) (bytes int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	_, err = fmt.Sscan(rest, &bytes)
	must(t, err)
	return bytes << 10
}

func TestMeasuredTheFirstPageOfTheDemoComesWithinTwoSeconds(t *testing.T) {
	path := built(t)
	for _, kind := range []string{"new", "old"} {
		data := filepath.Join(t.TempDir(), kind)
		for range 2 {
			address := freeAddress(t)
			child := exec.CommandContext(t.Context(), path, "demo", "--data", data, "--listen", address)
			began := time.Now()
			must(t, child.Start())
			for {
				answer, err := http.Get("http://" + address + "/demo")
				if err == nil {
					_ = answer.Body.Close()
					break
				}
				time.Sleep(time.Millisecond)
			}
			took := time.Since(began)
			_ = child.Process.Kill()
			_ = child.Wait()
			if took > 2*time.Second {
				t.Errorf("%s: %s", kind, took)
			}
			t.Logf("with %s data the first page came after %s", kind, took.Round(time.Millisecond))
		}
	}
}

func TestMeasuredTwoHundredOpenChatsCostLessThanAHundredMegabytes(t *testing.T) {
	path := built(t)
	config, base := sample(t)
	log := &watched{}
	child := exec.CommandContext(t.Context(), path, "serve", "-config", config)
	child.Stderr = log
	must(t, child.Start())
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	log.line(t, "serving")
	idle := resident(t, child.Process.Pid)
	for range 200 {
		w, err := employee.Visit(t.Context(), base, marieke)
		must(t, err)
		must(t, w.Press(t.Context(), "Wachtwoord vergeten"))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/chat/events", nil)
		must(t, err)
		for _, c := range w.Cookies() {
			r.AddCookie(c)
		}
		stream, err := http.DefaultClient.Do(r)
		must(t, err)
		t.Cleanup(func() { _ = stream.Body.Close() })
		lines := bufio.NewScanner(stream.Body)
		for lines.Scan() && lines.Text() != "event: page" { // it is open
		}
	}
	time.Sleep(time.Second) // what is done in the background is done
	open := resident(t, child.Process.Pid)
	if open > 100<<20 {
		t.Errorf("it takes %d MB", open>>20)
	}
	t.Logf("%d MB with nobody there, %d MB with 200 open chats", idle>>20, open>>20)
}
