package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

// office is one on a store of its own, of the demo.
func newOffice(t testing.TB) *office {
	t.Helper()
	f := folder(t.TempDir())
	c, err := f.config("")
	if err != nil {
		t.Fatal(err)
	}
	s, err := bolt.Open(f.store())
	if err != nil {
		t.Fatal(err)
	}
	p, err := openParts(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return &office{
		config: c, store: s, now: time.Now, parts: func() (*parts, error) { return p, nil },
		accept: func(ctx context.Context, line conversation.Line) error {
			return bot.AcceptRestore(ctx, s, c.headFile(), line)
		},
	}
}

// listening has an office listen on its socket until the test ends.
func listening(t *testing.T, o *office) (path string) {
	t.Helper()
	l, err := listenUnix(socketOf(o.config))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.serve(l, slog.New(slog.DiscardHandler)))
	return socketOf(o.config)
}

func TestTheSocketIsItsOwnersAloneAndGoesWithTheService(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v (%v), want 0600", info.Mode(), err)
	}
	if _, err := listenUnix(path); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("a second one: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestASocketThatAKillLeftIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhereThereCanBeNoSocketOneSentenceSaysWhy(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	open := filepath.Join(dir, "open")
	err := errors.Join(os.WriteFile(file, []byte("mine"), 0o600), os.Mkdir(open, 0o777), os.Chmod(open, 0o777))
	if err != nil {
		t.Fatal(err)
	}
	for want, path := range map[string]string{
		"is there, and is no socket":         file,
		"everybody can write to the folder":  filepath.Join(open, "s.sock"),
		"is longer than the system takes":    filepath.Join(dir, strings.Repeat("x", 120)),
		"looking at the folder of the store": filepath.Join(dir, "nowhere", "s.sock"),
	} {
		_, err := listenUnix(path)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", want, err)
		}
	}
	if text, _ := os.ReadFile(file); string(text) != "mine" {
		t.Error("a file was removed")
	}
	if err := os.Chmod(open, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	l, err := listenUnix(filepath.Join(open, "s.sock"))
	if err != nil {
		t.Fatalf("a folder in which nobody can replace another's files: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestOnlyTheServicesOwnUserAndRootAreAnswered(t *testing.T) {
	h := newOffice(t).handler()
	for id, want := range map[int]int{
		os.Geteuid(): http.StatusOK, 0: http.StatusOK, os.Geteuid() + 1: http.StatusConflict, -1: http.StatusConflict,
	} {
		for _, path := range []string{"/keys", "/audit"} {
			r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), uidKey{}, id)))
			if w.Code != want {
				t.Errorf("user %d gets %d of %s, want %d", id, w.Code, path, want)
			}
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/keys/rotate", http.NoBody))
	if w.Code != http.StatusConflict {
		t.Errorf("somebody of whom nothing is known gets %d", w.Code)
	}
}

func TestTheKernelTellsWhoAsks(t *testing.T) {
	o := newOffice(t)
	path := listening(t, o)
	c, err := dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	var k keyring
	if err := c.ask(t.Context(), http.MethodPost, "/keys/rotate", &k); err != nil {
		t.Fatal(err)
	}
	var line auditEntry
	if err := c.entries(t.Context(), 1, func(e auditEntry, _ []byte) error { line = e; return nil }); err != nil {
		t.Fatal(err)
	}
	if line.Event != "keys_rotated" || line.Detail != "key 2" || line.Asker != asking(withUID(os.Geteuid())) {
		t.Errorf("the audit says %+v", line)
	}
}

func withUID(id int) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	return r.WithContext(context.WithValue(r.Context(), uidKey{}, id))
}

func TestWhatTheSocketDoesNotKnowIsRefused(t *testing.T) {
	c, err := dial(listening(t, newOffice(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	for _, asked := range []struct{ method, path string }{
		{http.MethodGet, "/"},
		{http.MethodGet, "/keys/rotate"},
		{http.MethodDelete, "/keys"},
		{http.MethodPost, "/unfreeze/"},
		{http.MethodGet, "/case/"},
		{http.MethodGet, "/case/ABCD-2345"},
		{http.MethodPost, "/unfreeze/nobody"},
		{http.MethodPost, "/audit/accept-restore"},
		{http.MethodPost, "/keys/prune"},
	} {
		if err := c.ask(t.Context(), asked.method, asked.path, &struct{}{}); err == nil {
			t.Errorf("%s %s was answered", asked.method, asked.path)
		}
	}
}

func TestAFreezeIsLiftedWithADeskProofOnlyOutsideTheDemo(t *testing.T) {
	o := newOffice(t)
	o.config.Directory.Type = activeDirectory
	c, err := dial(listening(t, o))
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	err = c.ask(t.Context(), http.MethodPost, "/unfreeze/m.devries?lang=en", &unfrozen{})
	if err == nil || !strings.Contains(err.Error(), "desk proof") {
		t.Errorf("it ended with %v", err)
	}
	if head, err := o.store.Head(t.Context()); err != nil || head.Seq != 0 {
		t.Errorf("the audit has %d lines (%v)", head.Seq, err)
	}
}

func TestKeysThatNothingNeedsArePrunedAndNoOthers(t *testing.T) {
	o := newOffice(t)
	o.rotated = make(chan struct{}, 1) // as behind a running service, whose resealer did not come to it yet
	if err := o.store.Append(t.Context(), conversation.Line{Event: "x"}); err != nil {
		t.Fatal(err)
	}
	c, err := dial(listening(t, o))
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	do := func(method, path string) (keyring, error) {
		var k keyring
		return k, c.ask(t.Context(), method, path, &k)
	}
	refused := func(why string) {
		t.Helper()
		if _, err := do(http.MethodPost, "/keys/prune"); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("pruning ended with %v, want %q", err, why)
		}
	}
	refused("there is one sealing key")
	if _, err := do(http.MethodPost, "/keys/rotate"); err != nil {
		t.Fatal(err)
	}
	refused("1 records are still sealed with key 1")
	if _, err := o.store.Reseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused("links that key 1 sealed may be open until")
	later := time.Now().Add(o.config.Policy.NoticeLife + 2*time.Minute)
	o.now = func() time.Time { return later }
	k, err := do(http.MethodPost, "/keys/prune")
	if err != nil || k.Said != "removed: key 1" || len(k.Keys) != 1 || k.Keys[0].ID != 2 || k.Keys[0].Records != 3 {
		t.Errorf("it came to %+v, %v", k, err)
	}
	if kept := o.store.Keys().Sealing(); len(kept) != 1 {
		t.Errorf("kept %v", kept)
	}
	refused("there is one sealing key")
}

func TestAReceiptNumberIsKnownHoweverItIsSpelledOut(t *testing.T) {
	for _, typed := range []string{"K7QA-2MXB", "k7qa2mxb", " k7qa 2mxb ", "K7QA–2MXB", "K.7.Q.A 2.M.X.B"} {
		if got := canonicalReceipt(typed); got != "K7QA-2MXB" {
			t.Errorf("%q is %q", typed, got)
		}
	}
	for _, typed := range []string{"", "K7QA", "K7QA-2MXBB", "K7QA-2MX\u0411", "../../x", "K7QA/2MX"} {
		if got := canonicalReceipt(typed); got != noReceipt {
			t.Errorf("%q is %q", typed, got)
		}
	}
}

func TestAReadingThatBreaksOffIsNoWholeAudit(t *testing.T) {
	for name, text := range map[string]string{
		"told":       `{"seq":1,"event":"x","sum":"00"}` + "\n" + `{"error":"reading the audit: gone"}` + "\n",
		"cut off":    `{"seq":1,"event":"x","sum":"00"}` + "\n" + `{"seq":2,"ev`,
		"not JSON":   "hello",
		"other JSON": `["x"]`,
	} {
		if err := readEntries(strings.NewReader(text), func(auditEntry, []byte) error { return nil }); err == nil {
			t.Errorf("%s: it was taken for the whole", name)
		}
	}
}

func TestMinusConfigIsMeantAsItIsTyped(t *testing.T) {
	for typed, want := range map[string]string{
		"-config": "--config", "-config=x": "--config=x", "--config": "--config", "-conf": "-conf", "x": "x",
	} {
		if got := spelled([]string{typed}); got[0] != want {
			t.Errorf("%s becomes %s, want %s", typed, got[0], want)
		}
	}
}

func TestAPlaceIsAConfigurationOrADemoNotBoth(t *testing.T) {
	memory := configured(t, anyPort+"store: {type: memory}\n")
	for want, p := range map[string]place{
		"not both":                   {config: memory, data: t.TempDir()},
		"keeps everything in memory": {config: memory},
		"there is no store in":       {data: t.TempDir()},
		"there is no configuration":  {config: "no-such.yaml"},
	} {
		err := p.with(t.Context(), func(*caller) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", p, err, want)
		}
	}
}

// A program that has the store open and does not answer is told of in one
// sentence, after a while.
func TestAStoreThatIsOpenWithoutASocketIsOneSentence(t *testing.T) {
	o := newOffice(t)
	p := place{data: filepath.Dir(o.config.Store.Path)}
	err := p.with(t.Context(), func(*caller) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "another process has it open, and does not answer on") {
		t.Errorf("it ended with %v", err)
	}
}

func FuzzReceipts(f *testing.F) {
	f.Add("K7QA-2MXB")
	f.Add("\xff\x00–")
	f.Fuzz(func(t *testing.T, typed string) {
		got := canonicalReceipt(typed)
		if got != noReceipt && (len(got) != 9 || canonicalReceipt(got) != got) {
			t.Errorf("%q becomes %q", typed, got)
		}
	})
}

func FuzzReadEntries(f *testing.F) {
	f.Add([]byte(`{"seq":1,"event":"x","sum":"00"}`))
	f.Add([]byte(`{"error":"x"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		_ = readEntries(bytes.NewReader(text), func(e auditEntry, raw []byte) error {
			if !json.Valid(raw) || strings.Contains(e.String(), "\n\n") && !strings.Contains(string(raw), `\n`) {
				t.Errorf("%q was taken for an entry", raw)
			}
			return nil
		})
	})
}

// Whatever is asked over the socket, nothing breaks, and nothing that was asked
// comes back as a malfunction.
func FuzzTheSocket(f *testing.F) {
	h := newOffice(f).handler()
	f.Add("GET", "/case/K7QA-2MXB")
	f.Add("POST", "/unfreeze/m.devries")
	f.Add("GET", "/audit?from=18446744073709551615")
	f.Fuzz(func(t *testing.T, method, path string) {
		r, err := http.NewRequest(method, "http://resetbot/"+strings.TrimPrefix(path, "/"), http.NoBody)
		if err != nil || strings.HasPrefix(r.URL.Path, "/keys/rotate") {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), uidKey{}, os.Geteuid())))
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s %q is answered %d %s", method, path, w.Code, w.Body)
		}
		_, _ = io.Copy(io.Discard, w.Body) // it is all in memory
	})
}
