package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// anyPort has both listeners take a port that is free.
const anyPort = least + "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\n"

// configured writes a configuration into a folder of its own.
func configured(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "resetbot.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// watched is a log that can be waited for.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed with the next line
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.more != nil {
		close(w.more)
		w.more = nil
	}
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// line waits for a message of the log.
func (w *watched) line(t testing.TB, message string) (line map[string]any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		w.mu.Lock()
		more := make(chan struct{})
		if w.more == nil {
			w.more = more
		}
		more = w.more
		lines := bufio.NewScanner(bytes.NewReader(w.text.Bytes()))
		w.mu.Unlock()
		for lines.Scan() {
			if json.Unmarshal(lines.Bytes(), &line) == nil && line["msg"] == message {
				return line
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("nothing says %q:\n%s", message, w)
		}
	}
}

// running is a service in this process.
type running struct {
	public, admin string // what their paths begin with
	log           *watched
	stop          context.CancelFunc
	ended         chan error
}

// start serves a configuration until the test ends.
func start(t *testing.T, path string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{log: &watched{}, stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- serve(ctx, path, r.log) }()
	line := r.log.line(t, "serving")
	r.public, r.admin = "http://"+line["listen"].(string), "http://"+line["admin_listen"].(string)
	t.Cleanup(stop)
	return r
}

// end stops the service, and waits for it.
func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, address string) (code int, text string) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(all)
}

// tiny is a chat that takes every page, and tells where the wizard is.
type tiny struct {
	bot    chan *bot.Bot
	states chan conversation.State
}

func (c tiny) Send(_ context.Context, m bot.Outgoing) (bot.Sent, error) {
	c.states <- m.State
	return bot.Sent{Result: conversation.Delivered}, nil
}

// behind has a tiny chat in the place of the web's, and h for its handler.
func behind(t *testing.T, h http.Handler) tiny {
	t.Helper()
	before := newChats
	t.Cleanup(func() { newChats = before })
	c := tiny{make(chan *bot.Bot, 1), make(chan conversation.State, 100)}
	newChats = func(*parts, *slog.Logger) (front, error) {
		return front{
			chats: map[string]bot.Chat{"web": c}, handler: h,
			open: func(made *bot.Bot) { c.bot <- made }, close: func() {},
		}, nil
	}
	return c
}

// name begins a conversation about m.devries, and waits until she was found.
func (c tiny) name(t *testing.T) {
	t.Helper()
	b := <-c.bot
	for _, text := range []string{"wachtwoord vergeten", "m.devries@rijnzicht.example"} {
		m := bot.Incoming{
			Kind: conversation.Said, Text: conversation.NewSecret(text),
			From: conversation.Origin{User: conversation.User{Chat: "web", ID: "1"}, Asker: "1", Locale: "nl"},
		}
		if err := b.Receive(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for state := range c.states {
		if state == conversation.Step1Choose {
			return
		}
	}
}

func TestATakenPortIsOneSentenceAndNothingElseIsTouched(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, key := range []string{"listen", "admin_listen"} {
		path := configured(t, strings.Replace(anyPort, "\n"+key+": 127.0.0.1:0", "\n"+key+": "+taken.Addr().String(), 1))
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"serve", "-config", path}, nil, &out, &errs)
		want := "resetbot: " + key + ": another program is listening on " + taken.Addr().String() +
			": stop it, or write another address\n"
		if code != 1 || errs.String() != want || out.Len() > 0 {
			t.Errorf("exit code %d, said %q, want 1 and %q", code, errs.String(), want)
		}
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(files) != 1 {
			t.Errorf("there are %d files beside the configuration, want none (%v)", len(files)-1, err)
		}
	}
}

func TestServeReadsItsArgumentsStrictly(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no such file":     {[]string{"-config", "no-such.yaml"}, "there is no configuration no-such.yaml: write one"},
		"two hyphens":      {[]string{"--config=no-such.yaml"}, "there is no configuration no-such.yaml: write one"},
		"an unknown flag":  {[]string{"-port", "17"}, "write: resetbot serve -config resetbot.yaml"},
		"something behind": {[]string{"resetbot.yaml"}, "there is something behind the flags"},
	} {
		t.Run(name, func(t *testing.T) {
			var errs bytes.Buffer
			code := run(t.Context(), append([]string{"serve"}, test.args...), nil, io.Discard, &errs)
			if code != 1 || !strings.Contains(errs.String(), test.want) {
				t.Errorf("exit code %d, said %q", code, errs.String())
			}
		})
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"serve", "--help"}, nil, &out, io.Discard); code != 0 || out.Len() == 0 {
		t.Errorf("--help ends with %d and says %q", code, out.String())
	}
}

func TestTheSampleConfigurationStarts(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("..", "..", "deploy", "resetbot.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("#listen: 127.0.0.1:3978", "listen: 127.0.0.1:0",
		"#admin_listen: 127.0.0.1:9978", "admin_listen: 127.0.0.1:0").Replace(string(sample))
	s := start(t, configured(t, text))
	if code, page := get(t, s.public+"/"); code != http.StatusOK || !strings.Contains(page, "<html") {
		t.Errorf("the chat answers %d: %.200s", code, page)
	}
	if code, text := get(t, s.public+"/demo/phone/%2B31612345613"); code != http.StatusOK || text != "[]\n" {
		t.Errorf("the telephone answers %d %s", code, text)
	}
	s.end(t)
}

func TestTheAdminListenerTellsHowItIs(t *testing.T) {
	behind(t, http.NotFoundHandler())
	s := start(t, configured(t, anyPort))
	for path, want := range map[string]string{
		"/healthz": "alive\n", "/readyz": "ready\n", "/metrics": "resetbot_step_seconds_count 0\n",
	} {
		if code, text := get(t, s.admin+path); code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s answers %d %.300s", path, code, text)
		}
		if code, _ := get(t, s.public+path); code != http.StatusNotFound {
			t.Errorf("%s is on the public listener", path)
		}
	}
	s.end(t)
}

func TestARestoredStoreIsNotReadyButAlive(t *testing.T) {
	behind(t, http.NotFoundHandler())
	path := configured(t, anyPort)
	head := filepath.Join(filepath.Dir(path), "resetbot.key.head")
	if err := os.WriteFile(head, []byte(`{"seq":99,"sum":"00"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, path)
	if code, text := get(t, s.admin+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "accept-restore") {
		t.Errorf("/readyz answers %d %s", code, text)
	}
	if code, _ := get(t, s.admin+"/healthz"); code != http.StatusOK {
		t.Errorf("/healthz answers %d", code)
	}
	s.end(t)
}

func TestStoppingFinishesWhatIsBeingDoneAndTakesNothingNew(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	c := behind(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-release
		_, _ = io.WriteString(w, "finished")
	}))
	path := configured(t, anyPort+"captcha: {when: never}\n")
	s := start(t, path)
	c.name(t)
	answer := make(chan string, 1)
	go func() {
		response, err := http.Get(s.public + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		answer <- string(text)
	}()
	<-begun
	s.stop()
	s.log.line(t, "stopping")
	if code, text := get(t, s.admin+"/readyz"); code != http.StatusServiceUnavailable || text != "stopping\n" {
		t.Errorf("/readyz answers %d %s", code, text)
	}
	if code, _ := get(t, s.admin+"/healthz"); code != http.StatusOK {
		t.Errorf("/healthz answers %d", code)
	}
	close(release)
	if got := <-answer; got != "finished" {
		t.Errorf("the request that was under way got %q", got)
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(s.public + "/new"); err == nil {
		t.Error("a new request was taken in")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "resetbot.key.head")); err != nil {
		t.Errorf("the head of the audit was not saved: %v", err)
	}
}

func TestAPanicEndsItsRequestAloneAndIsNotQuoted(t *testing.T) {
	behind(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { panic("hunter2" + r.URL.Path) }))
	s := start(t, configured(t, anyPort))
	for range 2 {
		if code, text := get(t, s.public+"/p/hunter2"); code != http.StatusInternalServerError || strings.Contains(text, "hunter2") {
			t.Errorf("it answers %d %s", code, text)
		}
	}
	s.end(t)
	if log := s.log.String(); !strings.Contains(log, "a request panicked") || strings.Contains(log, "hunter2") {
		t.Errorf("the log:\n%s", log)
	}
}

func TestAStoreInMemoryLeavesNoFile(t *testing.T) {
	behind(t, http.NotFoundHandler())
	path := configured(t, anyPort+"store: {type: memory}\n")
	s := start(t, path)
	if code, _ := get(t, s.admin+"/readyz"); code != http.StatusOK {
		t.Errorf("/readyz answers %d", code)
	}
	s.end(t)
	for _, name := range []string{"resetbot.db", "resetbot.key", "resetbot.key.head"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there (%v)", name, err)
		}
	}
}

func TestSIGTERMEndsTheProgramCleanly(t *testing.T) {
	path := configured(t, anyPort)
	log := &watched{}
	child := exec.CommandContext(t.Context(), thisProgram(t), "serve", "-config", path)
	child.Stderr = log
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	log.line(t, "serving")
	if err := child.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, log)
	}
	log.line(t, "stopped")
}
