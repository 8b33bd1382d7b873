package bottest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// TestLimiter checks that a limiter keeps what [bot.Limiter] promises. open
// makes one that has counted nothing.
func TestLimiter(t *testing.T, open func(t *testing.T) bot.Limiter) {
	rolling := conversation.Limit{N: 3, Window: time.Minute}
	locking := conversation.Limit{N: 2, Window: time.Minute, Lock: time.Hour}

	type spend struct {
		key   conversation.CounterKey
		id    string
		at    time.Time
		ok    bool
		until time.Time
	}
	tests := []struct {
		name   string
		limit  conversation.Limit
		spends []spend
	}{
		{"what is within the limit is counted, what is above is not", rolling, []spend{
			{"a", "1", at(0), true, time.Time{}},
			{"a", "2", at(10), true, time.Time{}},
			{"a", "3", at(20), true, at(60)}, // the last
			{"a", "4", at(30), false, at(60)},
			{"a", "5", at(59), false, at(60)},
			{"a", "6", at(60), true, at(70)}, // 1 is too old; 4 and 5 never counted
			{"a", "7", at(61), false, at(70)},
		}},
		{"the same id counts once", rolling, []spend{
			{"a", "1", at(0), true, time.Time{}},
			{"a", "1", at(1), true, time.Time{}},
			{"a", "1", at(2), true, time.Time{}},
			{"a", "2", at(3), true, time.Time{}},
			{"a", "3", at(4), true, at(60)},
			{"a", "2", at(5), true, at(60)}, // counted before, and nothing is left
			{"a", "4", at(6), false, at(60)},
		}},
		{"keys count apart", rolling, []spend{
			{"a", "1", at(0), true, time.Time{}},
			{"a", "2", at(0), true, time.Time{}},
			{"a", "3", at(0), true, at(60)},
			{"A", "4", at(0), true, time.Time{}},
			{"a ", "5", at(0), true, time.Time{}},
			{"", "6", at(0), true, time.Time{}},
			{"a", "7", at(0), false, at(60)},
		}},
		{"AC-17 a full counter locks, and is empty after", locking, []spend{
			{"a", "1", at(0), true, time.Time{}},
			{"a", "2", at(1), true, at(3601)},
			{"a", "3", at(100), false, at(3601)},
			{"a", "4", at(3600), false, at(3601)},
			{"a", "5", at(3601), true, time.Time{}},
			{"a", "6", at(3602), true, at(7202)},
			{"a", "7", at(3603), false, at(7202)},
		}},
		{"a limit of nothing allows nothing", conversation.Limit{Window: time.Minute}, []spend{
			{"a", "1", at(0), false, at(60)},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			limiter := open(t)
			for i, s := range test.spends {
				ok, until, err := limiter.Spend(t.Context(), s.key, s.id, test.limit, s.at)
				if err != nil || ok != s.ok || !until.Equal(s.until) {
					t.Errorf("%d: %t until %v, %v; want %t until %v", i, ok, until, err, s.ok, s.until)
				}
				full, err := limiter.Full(t.Context(), s.key, test.limit, s.at)
				if err != nil || !full.Equal(s.until) {
					t.Errorf("%d: full until %v, %v; want %v, as Spend said", i, full, err, s.until)
				}
			}
		})
	}

	testGiveBack(t, open)

	t.Run("never more than the limit at the same time", func(t *testing.T) {
		limiter := open(t)
		var allowed atomic.Int32
		together(50, func(i int) {
			ok, _, err := limiter.Spend(t.Context(), "a", fmt.Sprint(i), rolling, at(0))
			if err != nil {
				t.Errorf("spending: %v", err)
			}
			if ok {
				allowed.Add(1)
			}
		})
		if allowed.Load() != 3 {
			t.Errorf("%d were allowed of at most 3", allowed.Load())
		}
	})

	t.Run("a cancelled context counts nothing", func(t *testing.T) {
		limiter := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for i := range 5 {
			ok, _, err := limiter.Spend(ctx, "a", fmt.Sprint(i), rolling, at(0))
			_, err2 := limiter.Full(ctx, "a", rolling, at(0))
			for _, err := range []error{err, err2, limiter.GiveBack(ctx, "a", "1", rolling, at(0))} {
				if ok || !errors.Is(err, context.Canceled) {
					t.Errorf("%t, %v", ok, err)
				}
			}
		}
		if ok, _, err := limiter.Spend(t.Context(), "a", "6", rolling, at(0)); !ok || err != nil {
			t.Errorf("%t, %v", ok, err)
		}
	})
}

// testGiveBack checks what becomes of what was counted.
func testGiveBack(t *testing.T, open func(t *testing.T) bot.Limiter) {
	spend := func(t *testing.T, limiter bot.Limiter, id string, l conversation.Limit, s int) bool {
		t.Helper()
		ok, _, err := limiter.Spend(t.Context(), "a", id, l, at(s))
		if err != nil {
			t.Fatalf("spending: %v", err)
		}
		return ok
	}
	full := func(t *testing.T, limiter bot.Limiter, l conversation.Limit, s int, want time.Time) {
		t.Helper()
		until, err := limiter.Full(t.Context(), "a", l, at(s))
		if err != nil || !until.Equal(want) {
			t.Errorf("full until %v, %v; want %v", until, err, want)
		}
	}
	for name, l := range map[string]conversation.Limit{
		"a window that rolls": {N: 2, Window: time.Minute},
		"a lock":              {N: 2, Window: time.Minute, Lock: time.Minute},
	} {
		t.Run("what is given back may be spent again, and nothing else, with "+name, func(t *testing.T) {
			limiter := open(t)
			full(t, limiter, l, 0, time.Time{}) // nothing was ever counted
			spend(t, limiter, "1", l, 0)
			spend(t, limiter, "2", l, 0)
			full(t, limiter, l, 1, at(60))
			for _, other := range []struct {
				key conversation.CounterKey
				id  string
			}{{"a", "3"}, {"b", "1"}, {"a", ""}} {
				if err := limiter.GiveBack(t.Context(), other.key, other.id, l, at(1)); err != nil {
					t.Errorf("giving back what is not there: %v", err)
				}
			}
			full(t, limiter, l, 1, at(60))
			for range 2 { // the second time it is not there
				if err := limiter.GiveBack(t.Context(), "a", "1", l, at(1)); err != nil {
					t.Errorf("giving back: %v", err)
				}
			}
			full(t, limiter, l, 1, time.Time{})
			if !spend(t, limiter, "4", l, 2) || spend(t, limiter, "5", l, 3) {
				t.Error("not exactly one was to be had again")
			}
		})
		t.Run("what is too old is not given back, with "+name, func(t *testing.T) {
			limiter := open(t)
			spend(t, limiter, "1", l, 0)
			spend(t, limiter, "2", l, 0)
			spend(t, limiter, "1", l, 60)
			spend(t, limiter, "3", l, 60)
			if err := limiter.GiveBack(t.Context(), "a", "2", l, at(61)); err != nil {
				t.Errorf("giving back: %v", err)
			}
			full(t, limiter, l, 61, at(120))
		})
	}
}
