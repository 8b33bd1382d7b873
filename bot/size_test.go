package bot_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

// TestManyConversationsInProgress: a full house neither delays the start, nor
// fills the memory; and when a tenth of it is over at once, all those are ended
// while everybody else goes on. It prints what docs/benchmarks.md has; the house
// there is that of RESETBOT_MEASURE=1, else it is a small one. The bounds are those
// of a slow machine on which others work.
func TestManyConversationsInProgress(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the program has it
	n := 5_000
	if os.Getenv("RESETBOT_MEASURE") != "" {
		n = 100_000
	}
	few := measureHouse(t, "account", 1_000)
	many := measureHouse(t, "account", n)
	begun := measureHouse(t, "captcha", n)
	t.Logf("\n%s\n%s\n%s\n%s", houseHead, few, many, begun)
	if many.ready > 5*time.Second {
		t.Errorf("ready after %v", many.ready)
	}
	if many.ended > time.Minute || many.told > 2*time.Minute {
		t.Errorf("ended after %v, told after %v", many.ended, many.told)
	}
	if p99 := many.answer(0.99); p99 > 5*time.Second {
		t.Errorf("meanwhile one in a hundred waited %v for an answer", p99)
	}
	if grown := many.heap - few.heap; grown > 16<<20 {
		t.Errorf("with the number of conversations the heap grew by %d MB", grown>>20)
	}
	// Garbage is collected late, also that of filling the store, which is in this process.
	if grown := many.peak - few.peak; grown > 128<<20 {
		t.Errorf("with the number of conversations the memory grew by %d MB", grown>>20)
	}
}

// house is what was measured of one.
type house struct {
	who     string // how far they came: to the "captcha", or to the ways that an "account" has
	n, over int
	ready   time.Duration // from opening the store until the bot is ready
	// From then until all that were over are ended: their last page is written, what
	// they did not use is given back, and the audit tells of it; all that is durable.
	ended time.Duration
	cpu   time.Duration // that it took, with all that went on meanwhile
	// From then until the last page of all was sent, and that is durable too.
	told    time.Duration
	answers []time.Duration // how long others waited meanwhile, in order
	heap    int64           // in use when all is done, more than before
	peak    int64           // the most that the process held of the machine's memory, without what it maps of files
}

const houseHead = "| came to | in progress | over | ready | ended | CPU, ended | told | answers meanwhile | p50 | p99 | heap | memory |\n" +
	"|---|---|---|---|---|---|---|---|---|---|---|---|"

func (h house) String() string {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + " ms" }
	mb := func(bytes int64) string { return strconv.FormatInt(bytes>>20, 10) + " MB" }
	return "| " + strings.Join([]string{
		h.who, strconv.Itoa(h.n), strconv.Itoa(h.over), ms(h.ready), ms(h.ended), ms(h.cpu), ms(h.told),
		strconv.Itoa(len(h.answers)), ms(h.answer(0.5)), ms(h.answer(0.99)), mb(h.heap), mb(h.peak),
	}, " | ") + " |"
}

// answer is how long that part of the others waited at most.
func (h house) answer(part float64) time.Duration {
	return h.answers[int(part*float64(len(h.answers)))]
}

// measureHouse fills a store with n conversations, of which a tenth is over, and
// starts a bot on it.
func measureHouse(t *testing.T, who string, n int) house {
	t.Helper()
	dir := t.TempDir()
	options := bolt.Options{Path: filepath.Join(dir, "db"), KeysFile: filepath.Join(dir, "key")}
	h := house{who: who, n: n, over: n / 10}
	h.fill(t, options)
	heap, chat := inUse(), &farewells{}

	opened := time.Now()
	store, err := bolt.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	used := cpu(t)
	w := newWorld(t, func(c *bot.Config) {
		c.Chats, c.Log = map[string]bot.Chat{"web": chat}, slog.New(slog.DiscardHandler)
		c.Store, c.Limiter, c.AuditKey = store, store, store.Keys().Audit()
		c.Wizard.Keys = store.Keys().Wizard()
	})
	defer w.close()
	if err := w.bot.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.ready = time.Since(opened)

	began, quiet := time.Now(), converse(t, w.bot)
	h.wait(t, func() bool { return !anyDue(t, store, 0) })
	h.ended, h.cpu = time.Since(began), cpu(t)-used
	h.wait(t, func() bool { return chat.sent.Load() >= int64(h.over) && !anyDue(t, store, 5*time.Minute) })
	h.told = time.Since(began)
	h.answers = quiet()
	h.heap = inUse() - heap
	h.check(t, store)
	return h
}

// wait waits until something is so.
func (h *house) wait(t *testing.T, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		h.peak = max(h.peak, held(t))
		if time.Since(began) > 5*time.Minute {
			t.Fatal("that takes too long")
		}
	}
}

// farewells is a platform that takes everything at once, and counts the pages
// that tell of an end.
type farewells struct{ sent atomic.Int64 }

func (f *farewells) Send(_ context.Context, m bot.Outgoing) (bot.Sent, error) {
	if m.Page.ID == conversation.EndExpired {
		f.sent.Add(1)
	}
	return bot.Sent{Result: conversation.Delivered}, nil
}

// anyDue reports whether anything is to be done about a guest before that: at once,
// that is to end it; within a few minutes, also to tell it.
func anyDue(t *testing.T, store bot.Store, within time.Duration) bool {
	t.Helper()
	users, err := store.Due(t.Context(), time.Now().Add(within), 64)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(users, func(u conversation.User) bool { return strings.HasPrefix(u.ID, "guest") })
}

// converse has eight people talk to a bot until the function that it gives is
// called, which tells in order how long they waited for each answer. They write
// twenty times a second, or as often as they are answered.
func converse(t *testing.T, b *bot.Bot) (quiet func() []time.Duration) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	over := make(chan struct{})
	for i := range 8 {
		message := bot.Incoming{
			Kind: conversation.Said, Text: conversation.NewSecret("help"),
			From: conversation.Origin{User: guest("other", i), Asker: "other", Locale: "nl"},
		}
		all.Go(func() {
			pace := time.NewTicker(50 * time.Millisecond)
			defer pace.Stop()
			for {
				began := time.Now()
				if err := b.Receive(context.Background(), message); err != nil {
					t.Error(err)
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
				select {
				case <-pace.C:
				case <-over:
					return
				}
			}
		})
	}
	return func() []time.Duration {
		close(over)
		all.Wait()
		slices.Sort(took)
		return took
	}
}

// check looks whether what was measured is what it is said to be: whoever was over
// is ended, was given back what they did not use, and has a line in a whole
// audit; and nobody else.
func (h *house) check(t *testing.T, store *bolt.Store) {
	t.Helper()
	expired, came := 0, conversation.Who
	err := store.Lines(t.Context(), 1, func(e bot.Entry) error {
		if e.Line.Event == string(conversation.Expire) {
			expired++
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	want, begun := 0, 0
	if h.who == "account" { // without one nothing is counted, and there is nothing to tell
		came, want, begun = conversation.Step1Choose, h.over, 1
	}
	if expired != want {
		t.Errorf("the audit tells of %d ends, want %d", expired, want)
	}
	if _, err := bot.VerifyAudit(t.Context(), store, store.Keys().Audit(), ""); err != nil {
		t.Error(err)
	}
	for i := 0; i < h.n; i += 97 {
		c, err := store.Conversation(t.Context(), guest("guest", i))
		if err != nil {
			t.Fatal(err)
		}
		state, spends := came, begun
		if i < h.over {
			state, spends = conversation.Expired, 0
		}
		counter := conversation.CounterKey("begun|others|id:account " + strconv.Itoa(i))
		if got := spent(t, store, counter); c.State != state || got != spends || !c.Page.Delivered {
			t.Fatalf("guest %d is on %s and has begun %d times, want %s and %d", i, c.State, got, state, spends)
		}
	}
}

// spent is how much a counter holds.
func spent(t *testing.T, store bot.Store, counter conversation.CounterKey) (n int) {
	t.Helper()
	_, err := store.Update(t.Context(), guest("nobody", 0), bot.Transition{
		Reads: func(conversation.Conversation) conversation.Reads {
			return conversation.Reads{Counters: []conversation.CounterKey{counter}}
		},
		Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			n = len(f.Counters[counter].Spends)
			return conversation.Change{Same: true}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// inUse is what the heap holds once it is tidied up.
func inUse() int64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// held is what the process holds of the machine's memory for itself, 0 where the
// system does not tell. What it maps of files the system takes back when it likes.
func held(t *testing.T) (bytes int64) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	if _, err := fmt.Sscan(rest, &bytes); err != nil {
		t.Fatal(err)
	}
	return bytes << 10
}

// cpu is what the process used of the processors so far (proc_pid_stat(5), in
// hundredths of a second), 0 where the system does not tell.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		t.Fatal(err)
	}
	system, err := strconv.Atoi(fields[12])
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

func guest(kind string, n int) conversation.User {
	return conversation.User{Chat: "web", ID: kind + " " + strconv.Itoa(n)}
}

// fill stores the conversations, of which some have expired since.
func (h *house) fill(t *testing.T, options bolt.Options) {
	t.Helper()
	store, err := bolt.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	wizard := &conversation.Wizard{Policy: conversation.DefaultPolicy(), Keys: store.Keys().Wizard()}
	var all sync.WaitGroup
	for worker := range 256 {
		all.Go(func() {
			for i := worker; i < h.n; i += 256 {
				at := time.Now()
				if i < h.over {
					at = at.Add(-time.Hour)
				}
				_, err := store.Update(context.Background(), guest("guest", i), bot.Transition{
					Reads: func(conversation.Conversation) conversation.Reads { return conversation.Reads{} },
					Step: func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
						return h.walk(wizard, i, at)
					},
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// walk is the way of guest i, about an account of their own, as one change.
func (h *house) walk(w *conversation.Wizard, i int, at time.Time) (way conversation.Change, err error) {
	number, user := strconv.Itoa(i), guest("guest", i)
	f := conversation.Facts{Counters: map[conversation.CounterKey]conversation.Counter{}}
	take := func(in conversation.Input) {
		if err != nil {
			return
		}
		in.By, in.From = "before", conversation.Origin{User: user, Asker: user.ID, Locale: "nl"}
		binary.BigEndian.PutUint64(in.Nonce[:], uint64(i))
		copy(in.Nonce[8:], way.Conversation.State)
		var change conversation.Change
		change, err = w.Step(way.Conversation, in, f, at)
		maps.Copy(f.Counters, change.Counters)
		change.Counters, change.Audit = f.Counters, append(way.Audit, change.Audit...)
		way = change
	}
	take(conversation.Input{Kind: conversation.Arrived})
	take(conversation.Input{Kind: conversation.Said, Choice: conversation.PickReset})
	if h.who == "account" {
		take(conversation.Input{Kind: conversation.Said, Fields: map[conversation.Field]conversation.Secret{
			conversation.FieldName:    conversation.NewSecret("name." + number),
			conversation.FieldCaptcha: w.Keys.CaptchaAnswer(way.Conversation.Captcha.ID),
		}})
		if err != nil || way.Conversation.Task == nil {
			return way, fmt.Errorf("guest %d comes no further than %s: %w", i, way.Conversation.State, err)
		}
		take(conversation.Input{Kind: conversation.Came, Outcome: &conversation.Outcome{
			Task: way.Conversation.Task.ID,
			Account: &conversation.Account{
				ID: conversation.AccountID("account " + number), UPN: "name." + number + "@rijnzicht.example",
				Name: "M. de Vries", Digits: "13", Number: w.Keys.Fingerprint("number", number), Mark: number,
			},
		}})
	}
	way.Start, way.Conversation.Page.Delivered = false, true
	way.Due = way.Conversation.Due(w.Policy)
	return way, err
}
