package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"resetbot/adapters/chat/teams/teamstest"
)

// unpaced, in the environment, lifts the platform's limits.
const unpaced = "RESETBOT_TEST_UNPACED"

// How it is measured: so many people who each wait for the page that they asked
// for, so long, so often; the median of the rounds counts.
var loads = []int{1, 16, 64, 256}

const (
	loadFor    = 3 * time.Second
	loadRounds = 3
)

// script are what somebody says, and what must then be on a page: each is judged,
// audited where it leads on, and durable before the page comes. The directory is
// asked once in a round; nobody is texted or called.
var script = []struct{ say, shown string }{
	{"hallo", "Waarmee kan ik u helpen"},
	{"wachtwoord vergeten", "Is dit uw account"},
	{"ja", "contact moeten opnemen"},
	{"help", "Met ‘terug’"},
	{"1", "volledige nummer"},
	{"help", "Met ‘terug’"},
	{"terug", "contact moeten opnemen"},
	{"annuleren", "U bent gestopt"},
	{"opnieuw beginnen", "Waarmee kan ik u helpen"},
}

// TestMeasuredMessagesInTeams and TestMeasuredMessagesInSlack measure the service as
// it is configured for a hospital, over the platform's own protocol, beside a bot that
// does next to nothing (bare_test.go), in turns. Each runs in a process of its own on
// one processor; who talks to it has the other. CPU time is the process's own.
//
//	RESETBOT_MEASURE=1 go test ./cmd/resetbot -run TestMeasuredMessages -v -timeout 30m
func TestMeasuredMessagesInTeams(t *testing.T) { measureMessages(t, "Teams", newTeamsPlatform) }

func TestMeasuredMessagesInSlack(t *testing.T) { measureMessages(t, "Slack", newSlackPlatform) }

func measureMessages(t *testing.T, name string, open func(testing.TB, int) *platform) {
	if os.Getenv("RESETBOT_MEASURE") == "" {
		t.Skip("measures only with RESETBOT_MEASURE=1")
	}
	loaded := map[string]map[int][]measured{"bare": {}, "resetbot": {}}
	for range loadRounds {
		for _, n := range loads {
			for _, kind := range []string{"bare", "resetbot"} {
				p := open(t, n)
				child := p.serve(t, kind == "bare")
				p.crowd(t, kind == "bare", 300*time.Millisecond) // connections are made, caches filled
				m := p.measure(t, child, kind == "bare")
				loaded[kind][n] = append(loaded[kind][n], m)
				_ = child.Process.Kill()
				_ = child.Wait()
				t.Logf("%-8s %3d: %v; it asked the platform for %v", kind, n, m, p.asked())
			}
		}
	}
	t.Logf("row of %s | people | | messages/s | p50 | p99 | CPU each | memory |", name)
	for _, n := range loads {
		bare, whole := middling(loaded["bare"][n]), middling(loaded["resetbot"][n])
		t.Logf("row of %s | %d | bare | %v |", name, n, bare)
		t.Logf("row of %s | | resetbot | %v |", name, whole)
		t.Logf("row of %s | | ratio | %.2f | | | %.1f | |", name, whole.rate/bare.rate, float64(whole.cpu)/float64(bare.cpu))
	}
}

// measured is what came of one measurement.
type measured struct {
	rate     float64       // messages a second
	cpu      time.Duration // of the service, for each
	p50, p99 time.Duration // from a message to its page
	memory   int           // bytes
}

func (m measured) String() string {
	return fmt.Sprintf("%.0f | %.1f ms | %.1f ms | %d µs | %d MB",
		m.rate, m.p50.Seconds()*1e3, m.p99.Seconds()*1e3, m.cpu.Microseconds(), m.memory>>20)
}

// middling is, figure by figure, the middle one.
func middling(all []measured) (m measured) {
	middle := func(less func(a, b measured) int) measured {
		return slices.SortedFunc(slices.Values(all), less)[len(all)/2]
	}
	m.rate = middle(func(a, b measured) int { return int(a.rate - b.rate) }).rate
	m.cpu = middle(func(a, b measured) int { return int(a.cpu - b.cpu) }).cpu
	m.p50 = middle(func(a, b measured) int { return int(a.p50 - b.p50) }).p50
	m.p99 = middle(func(a, b measured) int { return int(a.p99 - b.p99) }).p99
	m.memory = middle(func(a, b measured) int { return a.memory - b.memory }).memory
	return m
}

// platform reads what a bot sends, tells who waits, and answers.
type platform struct {
	*httptest.Server
	bot    string                                               // where it listens
	people []string                                             // the chats in which they talk
	shown  map[string]chan []byte                               // by chat
	said   func(person int, text string) (*http.Request, error) // what reaches a bot of it, but for its address
	bare   []string                                             // what the bare bot is told of the platform
	change func(testing.TB) []string                            // of the sample configuration
	asked  func() any                                           // what else a bot asked for
}

// show tells who waits for what is sent to a chat.
func (p *platform) show(chat string, what []byte) {
	select {
	case p.shown[chat] <- what:
	default: // of a page before: nobody waits for it
	}
}

func newTeamsPlatform(t testing.TB, n int) *platform {
	cloud := teamstest.Start(t)
	var sent atomic.Int64
	p := &platform{bot: freeAddress(t), shown: map[string]chan []byte{}, asked: func() any {
		return fmt.Sprintf("%d messages, new or changed, and %+v", sent.Load(), cloud.Fetched())
	}}
	var people []teamstest.Person
	for i := range n {
		person := cloud.Person(teamstest.Person{ObjectID: objectID(i), Conversation: fmt.Sprintf("a:1-%d", i)})
		people, p.people = append(people, person), append(p.people, person.Conversation)
		p.shown[person.Conversation] = make(chan []byte, 8)
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		chat, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v3/conversations/"), "/")
		if err != nil || p.shown[chat] == nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusCreated)
		// An id of its own: an old page loses its buttons where the new one has another.
		_, _ = fmt.Fprintf(rw, `{"id":"%d"}`, 1700000000000+sent.Add(1))
		p.show(chat, body)
	}))
	t.Cleanup(p.Close)
	token := "Bearer " + cloud.Token(teamstest.Claims{ServiceURL: p.URL + "/"})
	p.said = func(i int, text string) (*http.Request, error) {
		a := cloud.Message(people[i], text)
		a["serviceUrl"] = p.URL + "/"
		body, err := json.Marshal(a)
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequest(http.MethodPost, "http://"+p.bot+"/api/messages", bytes.NewReader(body))
		if err == nil {
			r.Header.Set("Authorization", token)
			r.Header.Set("Content-Type", "application/json; charset=utf-8")
		}
		return r, err
	}
	p.bare = []string{cloud.MetadataURL}
	p.change = func(t testing.TB) []string {
		return append(besideTeams(t, cloud, strings.TrimPrefix(p.URL, "http://")),
			"  type: demo\n", "  type: demo\n  file: "+p.staff(t, func(i int) string { return "teams: [" + people[i].ObjectID + "]" })+"\n")
	}
	return p
}

func objectID(i int) string { return fmt.Sprintf("10000000-0000-4000-8000-%012d", i) }

// crowd has all people talk for a while, each waiting for their pages. It tells
// how long each page took.
func (p *platform) crowd(t testing.TB, bare bool, d time.Duration) (took []time.Duration) {
	t.Helper()
	end := time.Now().Add(d)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: len(p.people)}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	all := make([][]time.Duration, len(p.people))
	var talking sync.WaitGroup
	for i := range p.people {
		talking.Go(func() {
			for n := 0; (time.Now().Before(end) || !bare && n%len(script) != 0) && !t.Failed(); n++ {
				line := script[n%len(script)]
				if bare {
					line.shown = "You said"
				}
				began := time.Now()
				if err := p.say(client, i, line.say, line.shown); err != nil {
					t.Error(err)
				}
				all[i] = append(all[i], time.Since(began))
			}
		})
	}
	talking.Wait()
	return slices.Concat(all...)
}

// say says something, and waits for the page.
func (p *platform) say(client *http.Client, person int, text, shown string) error {
	r, err := p.said(person, text)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, answer.Body) // so that the connection is used again
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("saying %q: %s", text, answer.Status)
	}
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	var last []byte
	for {
		select {
		case last = <-p.shown[p.people[person]]:
			if bytes.Contains(last, []byte(shown)) {
				return nil
			}
		case <-late.C:
			return fmt.Errorf("%q was said, and %q did not come but:\n%s", text, shown, last)
		}
	}
}

func (p *platform) measure(t testing.TB, child *exec.Cmd, bare bool) (m measured) {
	before, began := cpuOf(t, child), time.Now()
	took := p.crowd(t, bare, loadFor)
	lasted, used := time.Since(began), cpuOf(t, child)-before
	if len(took) == 0 {
		t.Fatal("nobody was answered")
	}
	slices.Sort(took)
	m.rate, m.cpu = float64(len(took))/lasted.Seconds(), used/time.Duration(len(took))
	m.p50, m.p99 = took[len(took)/2], took[len(took)*99/100]
	m.memory = resident(t, child.Process.Pid)
	return m
}

// cpuOf is what a process has used (proc_pid_stat(5), in ticks of 10 ms).
func cpuOf(t testing.TB, child *exec.Cmd) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child.Process.Pid))
	must(t, err)
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var user, system int64
	_, err = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	must(t, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// pinned has a child use one processor, with two threads so that one can wait for
// the disk.
func pinned(child *exec.Cmd) *exec.Cmd {
	if taskset, err := exec.LookPath("taskset"); err == nil {
		child.Args = append([]string{"taskset", "-c", "0", child.Path}, child.Args[1:]...)
		child.Path = taskset
	}
	child.Env = append(child.Env, "GOMAXPROCS=2")
	return child
}

// serve starts a bot, and waits until it listens.
func (p *platform) serve(t testing.TB, bare bool) *exec.Cmd {
	t.Helper()
	var child *exec.Cmd
	if bare {
		path, err := exec.LookPath("bare")
		must(t, err)
		child = exec.CommandContext(t.Context(), path, append([]string{p.bot, filepath.Join(t.TempDir(), "bare.db")}, p.bare...)...)
	} else {
		config, base := sample(t, append(p.change(t), "#begun: {n: 5,", "begun: {n: 1000000,")...)
		p.bot = strings.TrimPrefix(base, "http://")
		child = command(t, []string{unpaced + "=1", hasty}, "serve", "-config", config)
	}
	log := &watched{}
	child = pinned(child)
	child.Stderr = log
	must(t, child.Start())
	log.line(t, "serving")
	return child
}

// staff are the accounts of those who talk; chat is what they are in it.
func (p *platform) staff(t testing.TB, chat func(person int) string) (file string) {
	t.Helper()
	var text strings.Builder
	for i := range p.people {
		fmt.Fprintf(&text, "- {id: 00000000-0000-4000-8000-%012d, upn: medewerker.%d@rijnzicht.example, mobile: \"+316123%05d\",\n"+
			"  names: {given: Jo, family: Xantippe, display: Jo}, password: %q, authenticator: %s, chat: {%s}}\n",
			i, i, 10000+i, mariekesOld, marieke.Secret, chat(i))
	}
	file = filepath.Join(t.TempDir(), "people.yaml")
	must(t, os.WriteFile(file, []byte(text.String()), 0o600))
	return file
}
