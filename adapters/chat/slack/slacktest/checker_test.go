package slacktest_test

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"resetbot/adapters/chat/slack/slacktest"
)

// Slack's own framework, @slack/bolt of npm, is held against this Slack: an app on
// it works here, and it judges what is signed. What a machine needs for it, and how
// .ci/run gets it:
//
//	node          apt-get install nodejs
//	@slack/bolt   npm install @slack/bolt@5.1.0 undici@7.30.2; RESETBOT_SLACKBOLT
//	              is the path of node_modules
//
// Without them these tests are skipped, and fail where RESETBOT_REQUIRE is set.

// notes is what a program complains of.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()[:min(n.text.Len(), 3000)]
}

// bolt runs a program of testdata/checker, and gives the base address that it
// listens at. What it complains of fails the test.
func bolt(t *testing.T, program string, args ...string) string {
	t.Helper()
	lacking := t.Skip
	if os.Getenv("RESETBOT_REQUIRE") != "" {
		lacking = t.Fatal
	}
	modules, err := filepath.Abs(os.Getenv("RESETBOT_SLACKBOLT"))
	if err != nil || os.Getenv("RESETBOT_SLACKBOLT") == "" {
		lacking("Slack's own framework is not here: npm install @slack/bolt@5.1.0 undici@7.30.2, and RESETBOT_SLACKBOLT=node_modules")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		lacking("there is no node here: apt-get install nodejs")
	}
	run := exec.Command(node, append([]string{filepath.Join("testdata", "checker", program), modules}, args...)...)
	run.Env = append(os.Environ(), "HTTP_PROXY=", "HTTPS_PROXY=", "http_proxy=", "https_proxy=")
	var said notes
	run.Stderr = &said
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill() // it does not end by itself
		_ = run.Wait()         // it was killed
		http.DefaultClient.CloseIdleConnections()
		if said.String() != "" {
			t.Errorf("Slack's framework complains: %s", said.String())
		}
	})
	lines := bufio.NewReader(out)
	port, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("Slack's framework did not start: %v\n%s", err, said.String())
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// That AC-68 holds is for the adapter to show, with the same table.
func TestSlacksOwnFrameworkJudgesSignedRequestsAsTheTableSays(t *testing.T) {
	secret := "8f742231b10e8888abcd99yyyzzz85a5"
	address := bolt(t, "judge.js", secret)
	table := slacktest.SignedRequests(secret, time.Now())
	if len(table) < 25 {
		t.Errorf("there are %d requests", len(table))
	}
	for _, r := range table {
		t.Run(r.Name, func(t *testing.T) {
			q, err := r.Request(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			a, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			_ = a.Body.Close()
			if want := r.Good || r.Bolt; (a.StatusCode == http.StatusOK) != want {
				t.Errorf("it is answered %d, and the table says taken: %t", a.StatusCode, want)
			}
		})
	}
}

// converse has somebody talk with the app of testdata/checker/app.js.
func converse(t *testing.T, s *slacktest.Slack, anna *slacktest.Colleague) {
	t.Helper()
	anna.Type("reset, graag")
	anna.Await("u zei: reset, graag")
	anna.OpenForm("Begin")
	anna.Await("Begonnen")
	if errs := anna.Fill(map[string]string{"first": "x"}); errs["first"] != "Wie?" {
		t.Errorf("errors: %v", errs)
	}
	anna.Fill(map[string]string{"first": "anna"})
	if modals := s.Modals(anna.ID); len(modals) != 2 {
		t.Fatalf("%d modals", len(modals))
	}
	anna.Fill(map[string]string{"Naam": "anna"})
	anna.Await("Verzonden")
	if modals := s.Modals(anna.ID); len(modals) != 0 {
		t.Errorf("%d modals", len(modals))
	}
	for _, f := range s.Files() {
		if string(f.Content) != "a picture" || !f.Complete {
			t.Errorf("a file: %+v", f)
		}
	}
	if len(s.Files()) != 1 {
		t.Errorf("%d files", len(s.Files()))
	}
	channel := s.Channel(s.Team)
	anna.CommandIn(channel, "/wachtwoord nu meteen")
	anna.AwaitEphemeral(channel, "Kijk in uw berichten (nu meteen)")
	anna.Await("Welkom, nl-NL")
	anna.Home()
	anna.PressHome("Begin")
	anna.AwaitForm("Wie bent u?")
	anna.CloseForm()
}

func TestAnAppOnSlacksOwnFrameworkWorksOverHTTP(t *testing.T) {
	s := slacktest.Start(t)
	address := bolt(t, "app.js", s.APIURL, s.Workspace(s.Team).BotToken, s.SigningSecret)
	converse(t, s, s.Colleague(t, slacktest.Person{}, address))
}

func TestAnAppOnSlacksOwnFrameworkWorksOverSocketMode(t *testing.T) {
	s := slacktest.Start(t)
	bolt(t, "app.js", s.APIURL, s.Workspace(s.Team).BotToken, "", s.AppToken)
	anna := s.SocketColleague(t, slacktest.Person{})
	converse(t, s, anna)
	s.Refresh("")
	s.Wait(t, "another connection", func() bool { now, ever := s.Connections(); return now == 1 && ever == 2 })
	anna.Type("reset na verversen")
	anna.Await("u zei: reset na verversen")
}
