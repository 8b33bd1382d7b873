package teams_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/adapters/chat/teams"
)

// journal is a log that tests read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// count is in how many lines something stands.
func (j *journal) count(what string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := 0
	for line := range strings.Lines(j.text.String()) {
		if strings.Contains(line, what) {
			lines++
		}
	}
	return lines
}

// bubble is tokens with a key server, on the clock of a synctest bubble.
type bubble struct {
	*testing.T
	server *keyServer
	tokens *teams.Tokens
	log    journal
	end    context.CancelFunc
}

// inBubble runs a test in a bubble, where tokens run unless idle.
func inBubble(t *testing.T, idle bool, test func(b *bubble)) {
	t.Helper()
	for _, name := range []string{"teams", "slack", "bare", "empty", "rolled", "mine"} {
		private(name) // outside the bubble, as it takes a while
	}
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{T: t, server: &keyServer{keys: tableKeys()}}
		b.tokens = teams.NewTokens(teams.TokenOptions{
			AppID: botID, MetadataURL: remote, Client: inMemory{b.server}.client(), Log: b.log.logger(),
		})
		ctx, end := context.WithCancel(t.Context())
		defer end()
		b.end = end
		if !idle {
			go b.tokens.Run(ctx)
			synctest.Wait()
		}
		test(b)
		end()
	})
}

// judge is the reason for which a token of a key is refused, if it is.
func (b *bubble) judge(signer string) string {
	b.Helper()
	_, why := check(b, b.tokens, activity(), bearing(signer, time.Now(), nil))
	return why
}

// expect judges a token that is good if its key is.
func (b *bubble) expect(signer, why string) {
	b.Helper()
	if got := b.judge(signer); got != why {
		b.Errorf("%v after the start, a token of the key %q: got %q, want %q", sinceStart(), signer, got, why)
	}
}

// start is when the clock of a bubble begins.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func sinceStart() time.Duration { return time.Since(start) }

// flood has forged ids of keys named for a while.
func (b *bubble) flood(during, every time.Duration) {
	header, claims := parts("forged", time.Now())
	claims["exp"] = time.Now().Add(during + time.Hour).Unix()
	for n := range int(during / every) {
		header["kid"] = fmt.Sprint("forged-", n)
		forged := "Bearer " + signed(header, claims, func([]byte) []byte { return make([]byte, 256) })
		go func() {
			if _, why := check(b, b.tokens, activity(), forged); why != "unknown_key" {
				b.Errorf("forged: %q", why)
			}
		}()
		time.Sleep(every)
	}
}

func TestManyFirstRequestsAreOneFetch(t *testing.T) {
	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(t)
	tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: metadata, Client: client})
	header := bearing("teams", time.Now(), nil)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if status, why := check(t, tokens, activity(), header); status != 0 {
				t.Errorf("%d %s", status, why)
			}
		})
	}
	wg.Wait()
	if metadata, keys := server.asked(); metadata != 1 || keys != 1 {
		t.Errorf("%d fetches of the metadata and %d of the keys, want one of each", metadata, keys)
	}
}

func TestAC69_AKeyUsedTheMinuteItAppearsIsFetched(t *testing.T) {
	inBubble(t, false, func(b *bubble) {
		b.expect("teams", "")
		time.Sleep(10 * time.Minute)
		b.server.publish(published("rolled", "msteams"))
		b.expect("rolled", "")
		b.expect("teams", "")
		if _, keys := b.server.asked(); keys != 2 {
			b.Errorf("%d fetches, want 2", keys)
		}
	})
}

func TestAC69_ForgedKeyIDsAreOneFetchInHalfAMinute(t *testing.T) {
	inBubble(t, false, func(b *bubble) {
		for round := range 3 {
			var wg sync.WaitGroup
			for n := range 500 {
				header, claims := parts(fmt.Sprint("forged-", n), time.Now())
				forged := "Bearer " + signed(header, claims, func([]byte) []byte { return make([]byte, 256) })
				wg.Go(func() {
					if _, why := check(b, b.tokens, activity(), forged); why != "unknown_key" {
						b.Errorf("forged: %q", why)
					}
				})
			}
			wg.Wait()
			if _, keys := b.server.asked(); keys != 2+round {
				b.Errorf("%d fetches after the first and %d rounds of forged ids, want %d", keys, round+1, 2+round)
			}
			b.expect("teams", "")
			time.Sleep(30 * time.Second)
		}
	})
}

func TestAC69_AFloodOfForgedKeyIDsKeepsANewKeyAwayForHalfAMinuteAtMost(t *testing.T) {
	for _, before := range []time.Duration{0, time.Second, 29*time.Second + 995*time.Millisecond, 45 * time.Second} {
		t.Run(before.String(), func(t *testing.T) {
			inBubble(t, false, func(b *bubble) {
				go b.flood(2*time.Minute, 10*time.Millisecond)
				time.Sleep(before)
				b.server.publish(published("rolled", "msteams"))
				published := time.Now()
				for b.judge("rolled") != "" {
					if time.Since(published) > 30*time.Second {
						b.Fatal("a new key is refused for more than 30 s")
					}
					time.Sleep(100 * time.Millisecond)
				}
				b.Logf("refused for %v", time.Since(published))
				time.Sleep(2 * time.Minute)
				fetches := b.server.fetches()
				for n := 2; n < len(fetches); n++ { // the first is the start's
					if between := fetches[n].Sub(fetches[n-1]); between < 30*time.Second {
						b.Errorf("two fetches %v apart", between)
					}
				}
				if len(fetches) > 1+5 {
					b.Errorf("%d fetches in 2 minutes", len(fetches))
				}
			})
		})
	}
}

func TestAC69_AKeyPublishedAnHourBeforeItsUseLosesNothing(t *testing.T) {
	for _, into := range []time.Duration{time.Millisecond, 20 * time.Minute, 49 * time.Minute, 51 * time.Minute} {
		t.Run(into.String(), func(t *testing.T) {
			inBubble(t, true, func(b *bubble) {
				b.server.pause = 2 * time.Second // a slow key server
				ctx, end := context.WithCancel(b.Context())
				defer end()
				go b.tokens.Run(ctx)
				time.Sleep(4*time.Second + into)
				b.server.publish(published("rolled", "msteams"))
				go func() { // and one that fails for a few minutes of the hour
					time.Sleep(48 * time.Minute)
					b.server.fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
					time.Sleep(3 * time.Minute)
					b.server.fail(nil)
				}()
				time.Sleep(time.Hour)
				before := time.Now()
				b.expect("rolled", "")
				if waited := time.Since(before); waited != 0 {
					b.Errorf("its first use waited %v for a fetch", waited)
				}
			})
		})
	}
}

func TestAFailedRefreshIsTriedAgainSoon(t *testing.T) {
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	inBubble(t, false, func(b *bubble) {
		for range 2 { // the second time just as soon
			b.server.fail(down)
			before, _ := b.server.asked()
			for tries := before; tries == before; tries, _ = b.server.asked() {
				time.Sleep(time.Second)
			}
			time.Sleep(5 * time.Second)
			if tries, _ := b.server.asked(); tries < before+3 {
				b.Errorf("%d tries in the first 6 s", tries-before)
			}
			time.Sleep(2 * time.Hour)
			if tries, _ := b.server.asked(); tries > before+60 {
				b.Errorf("%d tries in 2 hours", tries-before)
			}
			b.server.fail(nil)
			time.Sleep(10 * time.Minute)
		}
	})
}

func TestAClockThatIsPutBackKeepsNoKeyAway(t *testing.T) {
	server := &keyServer{keys: tableKeys()}
	now := time.Now()
	tokens := teams.NewTokens(teams.TokenOptions{
		AppID: botID, MetadataURL: remote, Client: inMemory{server}.client(), Now: func() time.Time { return now },
	})
	if status, why := check(t, tokens, activity(), bearing("teams", now, nil)); status != 0 {
		t.Fatalf("%d %s", status, why)
	}
	now = now.Add(-3 * time.Hour)
	server.publish(published("rolled", "msteams"))
	if status, why := check(t, tokens, activity(), bearing("rolled", now, nil)); status != 0 {
		t.Errorf("%d %s", status, why)
	}
}

func TestKeysAreRefreshedWhateverIsAskedFor(t *testing.T) {
	inBubble(t, false, func(b *bubble) {
		b.flood(51*time.Minute, time.Second)
		// Every 30 s for the flood's sake, and outside of that after 50 minutes.
		late := 0
		fetches := b.server.fetches()
		for _, at := range fetches {
			if at.Equal(start.Add(50 * time.Minute)) {
				late++
			}
		}
		if late == 0 {
			b.Errorf("no refresh after 50 minutes among %d fetches", len(fetches))
		}
	})
}

func TestWhatCannotBeJudgedIsAnsweredSoThatItIsTriedAgain(t *testing.T) {
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	for _, c := range []struct {
		name string
		idle bool
		back time.Duration // when keys are there again, once the server is
	}{{"while refreshing", false, time.Minute}, {"by what requests ask for alone", true, 31 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, true, func(b *bubble) {
				b.server.fail(down)
				if !c.idle {
					ctx, end := context.WithCancel(b.Context())
					defer end()
					go b.tokens.Run(ctx)
				}
				for range 10 {
					status, why := check(b, b.tokens, activity(), bearing("teams", time.Now(), nil))
					if status != http.StatusServiceUnavailable || why != "no_keys" {
						b.Errorf("a token without keys to judge it by: %d %q", status, why)
					}
					status, why = check(b, b.tokens, activity(), bearing("teams", time.Now(), changes{"iss": "x"}))
					if status != http.StatusUnauthorized || why != "issuer" {
						b.Errorf("a token that is wrong whatever the keys are: %d %q", status, why)
					}
					time.Sleep(time.Second)
				}
				if b.log.count("level=ERROR") == 0 {
					b.Error("nothing in the log says that no message is taken")
				}
				b.server.fail(nil)
				time.Sleep(c.back)
				b.expect("teams", "")
				time.Sleep(2 * time.Hour)
				if b.log.count("up to date again") != 1 {
					b.Error("the log does not say once that it is over")
				}
			})
		})
	}
}

func TestKeysThatCannotBeRefreshedServeForADay(t *testing.T) {
	inBubble(t, false, func(b *bubble) {
		known := bearing("teams", time.Now(), changes{"exp": time.Now().Add(100 * time.Hour).Unix()})
		if status, why := check(b, b.tokens, activity(), known); status != 0 {
			b.Fatalf("%d %s", status, why)
		}
		b.server.fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
		time.Sleep(24*time.Hour - time.Minute)
		b.expect("teams", "")
		if b.log.count("serve on") == 0 || b.log.count("level=ERROR") != 0 {
			b.Error("the log does not say that the old keys serve on")
		}
		if lines := b.log.count("level="); lines > 700 { // one in 5 minutes, with the usual spread
			b.Errorf("%d lines in the log", lines)
		}
		time.Sleep(2*time.Minute + 8*time.Minute) // and the time of a try
		b.expect("teams", "no_keys")
		if status, why := check(b, b.tokens, activity(), known); status != http.StatusServiceUnavailable {
			b.Errorf("a remembered token: %d %q", status, why)
		}
		if b.log.count("level=ERROR") == 0 {
			b.Error("the log does not say that no message is taken")
		}
		b.server.fail(nil)
		time.Sleep(8 * time.Minute)
		b.expect("teams", "")
	})
}

func TestAKeyThatVanishesEndsWhatWasVerifiedWithIt(t *testing.T) {
	inBubble(t, false, func(b *bubble) {
		header := bearing("teams", time.Now(), changes{"exp": time.Now().Add(10 * time.Hour).Unix()})
		for range 2 {
			if status, why := check(b, b.tokens, activity(), header); status != 0 {
				b.Fatalf("%d %s", status, why)
			}
		}
		b.server.withdraw("teams")
		time.Sleep(time.Hour)
		if status, why := check(b, b.tokens, activity(), header); status != http.StatusUnauthorized || why != "unknown_key" {
			b.Errorf("after its key vanished: %d %q", status, why)
		}
		// Another key under the same id is another key.
		other := published("mine", "msteams")
		other["kid"] = "teams"
		b.server.publish(other)
		time.Sleep(time.Hour)
		if status, why := check(b, b.tokens, activity(), header); status != http.StatusUnauthorized || why != "signature" {
			b.Errorf("with another key under the same id: %d %q", status, why)
		}
		// And an endorsement that is withdrawn counts no more.
		b.server.withdraw("teams")
		b.server.publish(published("teams", "slack"))
		time.Sleep(time.Hour)
		if status, why := check(b, b.tokens, activity(), header); status != http.StatusForbidden || why != "endorsement" {
			b.Errorf("without the endorsement: %d %q", status, why)
		}
	})
}

func TestARequestWaitsThreeSecondsForASlowKeyServer(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(4 * time.Second):
			(&keyServer{keys: append(tableKeys(), published("rolled", "msteams"))}).ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
	inBubble(t, true, func(b *bubble) {
		b.server.fail(slow)
		b.expect("teams", "no_keys")
		if waited := sinceStart(); waited != 3*time.Second {
			b.Errorf("waited %v", waited)
		}
		time.Sleep(5*time.Second + time.Millisecond) // two documents of 4 s
		b.expect("teams", "")

		// Nor does it wait when nobody waits for its answer.
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		defer cancel()
		before := time.Now()
		if _, err := b.tokens.AuthenticateRequest(ctx, activity(), bearing("mine", time.Now(), nil), nil, ""); err == nil {
			b.Error("accepted")
		}
		if waited := time.Since(before); waited != time.Second {
			b.Errorf("waited %v after its sender had left", waited)
		}
		b.expect("teams", "")
		time.Sleep(8 * time.Second)
	})
	inBubble(t, true, func(b *bubble) { // one that never answers is left alone after 10 s
		b.server.fail(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		b.expect("teams", "no_keys")
		time.Sleep(7*time.Second + time.Millisecond)
		if b.log.count("deadline exceeded") != 1 {
			b.Error("the fetch goes on after 10 s")
		}
	})
}

// counted counts the answers whose bodies are open.
type counted struct {
	http.RoundTripper
	open atomic.Int32
}

type countedBody struct {
	io.ReadCloser
	once sync.Once
	open *atomic.Int32
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		c.open.Add(1)
		answer.Body = &countedBody{ReadCloser: answer.Body, open: &c.open}
	}
	return answer, err
}

func (b *countedBody) Close() error {
	b.once.Do(func() { b.open.Add(-1) })
	return b.ReadCloser.Close()
}

func TestAFaultyAnswerChangesNoKeyAndLeavesNothingOpen(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Error("a redirect was followed")
	}))
	t.Cleanup(elsewhere.Close)
	rolled := &keyServer{keys: append(tableKeys(), published("rolled", "msteams"))}
	write := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
	}
	faults := map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			rolled.ServeHTTP(w, r)
		},
		"204": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"keys":[`)
		},
		"half an answer of unknown length": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"keys":[`)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"half a document": write(`{"keys":[`),
		"nothing":         write(""),
		"garbage":         write("<html>maintenance</html>"),
		"null":            write("null"),
		"other shapes":    write(`{"keys":{"a":1},"jwks_uri":["https://login.botframework.com"]}`),
		"no keys":         write(`{"keys":[],"jwks_uri":""}`),
		"huge": func(w http.ResponseWriter, r *http.Request) {
			rolled.ServeHTTP(w, r)
			blanks := bytes.Repeat([]byte(" "), 1<<16)
			for range 1 << 10 { // 64 MB
				if _, err := w.Write(blanks); err != nil {
					return
				}
			}
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"cut off":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, fault := range faults {
		for _, document := range []string{"metadata", "keys"} {
			t.Run(document+" "+name, func(t *testing.T) {
				server := &keyServer{keys: tableKeys()}
				listening := httptest.NewUnstartedServer(server)
				listening.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
				listening.Start()
				t.Cleanup(listening.Close)
				transport := &counted{RoundTripper: listening.Client().Transport}
				var log journal
				var later atomic.Int64
				tokens := teams.NewTokens(teams.TokenOptions{
					AppID: botID, MetadataURL: listening.URL + "/v1/.well-known/openidconfiguration",
					Client: &http.Client{Transport: transport}, Log: log.logger(),
					Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
				})
				step := func(signer, want string) {
					t.Helper()
					if _, why := check(t, tokens, activity(), bearing(signer, time.Now(), nil)); why != want {
						t.Errorf("a token of the key %q: got %q, want %q", signer, why, want)
					}
					later.Add(int64(31 * time.Second))
				}
				set := func(f http.HandlerFunc) {
					server.mu.Lock()
					defer server.mu.Unlock()
					if document == "keys" {
						server.keysFault = f
					} else {
						server.metadataFault = f
					}
				}
				set(fault)
				step("teams", "no_keys")
				set(nil)
				step("teams", "")
				set(fault)
				server.publish(published("rolled", "msteams"))
				step("rolled", "unknown_key")
				step("teams", "")
				set(nil)
				step("rolled", "")

				if failures := log.count("could not be fetched"); failures != 2 {
					t.Errorf("%d failures in the log, want 2", failures)
				}
				if open := transport.open.Load(); open != 0 {
					t.Errorf("%d answers are open", open)
				}
			})
		}
	}
}

func TestKeysComeOverHTTPSOrFromThisMachine(t *testing.T) {
	inBubble(t, true, func(*bubble) {}) // for the keys alone
	for _, c := range []struct {
		metadata, keys string
		fetched        bool
	}{
		{"https://login.example/v1/.well-known/openidconfiguration", "https://keys.example/v1/.well-known/keys", true},
		{"https://login.example/v1/.well-known/openidconfiguration", "http://keys.example/v1/.well-known/keys", false},
		{"https://login.example/v1/.well-known/openidconfiguration", "http://127.0.0.1/v1/.well-known/keys", false},
		{"https://login.example/v1/.well-known/openidconfiguration", "https://name:word@keys.example/v1/.well-known/keys", false},
		{"https://login.example/v1/.well-known/openidconfiguration", "file:///v1/.well-known/keys", false},
		{"https://login.example/v1/.well-known/openidconfiguration", "/v1/.well-known/keys", false},
		{"https://login.example/v1/.well-known/openidconfiguration", "https://%zz/", false},
		{"http://login.example/v1/.well-known/openidconfiguration", "https://keys.example/v1/.well-known/keys", false},
		{"http://127.0.0.1.example/v1/.well-known/openidconfiguration", "https://keys.example/v1/.well-known/keys", false},
		{"http://127.0.0.1:8/v1/.well-known/openidconfiguration", "http://127.0.0.1:8/v1/.well-known/keys", true},
		{"http://localhost:8/v1/.well-known/openidconfiguration", "http://[::1]:8/v1/.well-known/keys", true},
		{"http://127.0.0.1:8/v1/.well-known/openidconfiguration", "https://keys.example/v1/.well-known/keys", true},
		{"http://127.0.0.1:8/v1/.well-known/openidconfiguration", "http://keys.example/v1/.well-known/keys", false},
		{"https://127.0.0.1:8/v1/.well-known/openidconfiguration", "http://127.0.0.1:8/v1/.well-known/keys", true},
	} {
		server := &keyServer{keys: tableKeys(), location: c.keys}
		tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: c.metadata, Client: inMemory{server}.client()})
		status, why := check(t, tokens, activity(), bearing("teams", time.Now(), nil))
		if fetched := status == 0; fetched != c.fetched {
			t.Errorf("metadata from %s, keys from %s: fetched %v (%s), want %v", c.metadata, c.keys, fetched, why, c.fetched)
		}
		if _, keys := server.asked(); keys > 0 != c.fetched {
			t.Errorf("metadata from %s, keys from %s: asked %d times", c.metadata, c.keys, keys)
		}
	}
}

// dawdler takes a second to notice that nobody waits for its answer.
type dawdler struct{ busy atomic.Bool }

func (d *dawdler) RoundTrip(r *http.Request) (*http.Response, error) {
	d.busy.Store(true)
	<-r.Context().Done()
	time.Sleep(time.Second)
	d.busy.Store(false)
	return nil, r.Context().Err()
}

func TestNothingIsUnderWayOnceRunReturns(t *testing.T) {
	inBubble(t, true, func(b *bubble) {
		var slow dawdler
		tokens := teams.NewTokens(teams.TokenOptions{
			AppID: botID, MetadataURL: remote, Client: &http.Client{Transport: &slow}, Log: b.log.logger(),
		})
		ctx, end := context.WithCancel(b.Context())
		over := make(chan struct{})
		go func() {
			tokens.Run(ctx)
			close(over)
		}()
		synctest.Wait()
		end()
		<-over
		if slow.busy.Load() {
			b.Error("a fetch is under way")
		}
		if waited := sinceStart(); waited != time.Second {
			b.Errorf("ending took %v", waited)
		}
		if b.log.count("level=") != 0 {
			b.Error("an end is logged as a failure")
		}
		// What comes later finds nobody to ask, and does not wait long for it.
		before := time.Now()
		if _, why := check(b, tokens, activity(), bearing("teams", time.Now(), nil)); why != "no_keys" {
			b.Errorf("after the end: %q", why)
		}
		if waited := time.Since(before); waited > time.Second {
			b.Errorf("after the end a request waited %v", waited)
		}
	})
}

func TestOfAKeySetWhatIsFitForTeamsIsTaken(t *testing.T) {
	change := func(name string, value any) map[string]any {
		k := published("teams", "msteams")
		k[name] = value
		if value == (absent{}) {
			delete(k, name)
		}
		return k
	}
	slackFirst := published("slack", "slack")
	slackFirst["kid"] = "teams"
	for _, c := range []struct {
		name string
		keys []any
		why  string // why a token of the key "teams" is refused
	}{
		{"one", []any{published("teams", "msteams")}, ""},
		{"one without a use", []any{change("use", absent{})}, ""},
		{"one that says RS256", []any{change("alg", "RS256")}, ""},
		{"one with padded numbers", []any{change("e", "AQAB==")}, ""},
		{"among others that make no sense", []any{nil, 7, "x", []any{}, map[string]any{}, map[string]any{"kid": 7}, published("teams", "msteams")}, ""},
		{"one for encryption", []any{change("use", "enc"), published("slack", "slack")}, "unknown_key"},
		{"one for another algorithm", []any{change("alg", "RS512"), published("slack", "slack")}, "unknown_key"},
		{"one of another kind", []any{change("kty", "EC"), published("slack", "slack")}, "unknown_key"},
		{"one without an id", []any{change("kid", absent{}), published("slack", "slack")}, "unknown_key"},
		{"one of 1024 bits", []any{change("n", encode(bytes.Repeat([]byte{0xff}, 128))), published("slack", "slack")}, "unknown_key"},
		{"one of 16384 bits", []any{change("n", encode(bytes.Repeat([]byte{0xff}, 2048))), published("slack", "slack")}, "unknown_key"},
		{"one with an even modulus", []any{change("n", encode(append(bytes.Repeat([]byte{0xff}, 255), 0))), published("slack", "slack")}, "unknown_key"},
		{"one with the exponent 1", []any{change("e", "AQ"), published("slack", "slack")}, "unknown_key"},
		{"one with a huge exponent", []any{change("e", encode(bytes.Repeat([]byte{0xff}, 8))), published("slack", "slack")}, "unknown_key"},
		{"one whose endorsements are no list", []any{change("endorsements", "msteams"), published("slack", "slack")}, "unknown_key"},
		{"one endorsed in capitals", []any{change("endorsements", []string{"MSTEAMS"})}, "endorsement"},
		{"the first of two with one id", []any{slackFirst, published("teams", "msteams")}, "signature"},
		{"none", []any{change("kty", "EC")}, "no_keys"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &keyServer{}
			server.keysFault = func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, asJSON(t, map[string]any{"keys": c.keys}))
			}
			tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: remote, Client: inMemory{server}.client()})
			if _, why := check(t, tokens, activity(), bearing("teams", time.Now(), nil)); why != c.why {
				t.Errorf("got %q, want %q", why, c.why)
			}
		})
	}
}
