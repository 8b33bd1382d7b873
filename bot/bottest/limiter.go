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
			{"a", "3", at(20), true, time.Time{}},
			{"a", "4", at(30), false, at(60)},
			{"a", "5", at(59), false, at(60)},
			{"a", "6", at(60), true, time.Time{}}, // 1 is too old; 4 and 5 never counted
			{"a", "7", at(61), false, at(70)},
		}},
		{"the same id counts once", rolling, []spend{
			{"a", "1", at(0), true, time.Time{}},
			{"a", "1", at(1), true, time.Time{}},
			{"a", "1", at(2), true, time.Time{}},
			{"a", "2", at(3), true, time.Time{}},
			{"a", "3", at(4), true, time.Time{}},
			{"a", "2", at(5), true, time.Time{}},
			{"a", "4", at(6), false, at(60)},
		}},
		{"keys count apart", rolling, []spend{
			{"a", "1", at(0), true, time.Time{}},
			{"a", "2", at(0), true, time.Time{}},
			{"a", "3", at(0), true, time.Time{}},
			{"A", "4", at(0), true, time.Time{}},
			{"a ", "5", at(0), true, time.Time{}},
			{"", "6", at(0), true, time.Time{}},
			{"a", "7", at(0), false, at(60)},
		}},
		{"AC-17 a full counter locks, and is empty after", locking, []spend{
			{"a", "1", at(0), true, time.Time{}},
			{"a", "2", at(1), true, time.Time{}},
			{"a", "3", at(100), false, at(3601)},
			{"a", "4", at(3600), false, at(3601)},
			{"a", "5", at(3601), true, time.Time{}},
			{"a", "6", at(3602), true, time.Time{}},
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
			}
		})
	}

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
			if ok || !errors.Is(err, context.Canceled) {
				t.Errorf("%t, %v", ok, err)
			}
		}
		if ok, _, err := limiter.Spend(t.Context(), "a", "6", rolling, at(0)); !ok || err != nil {
			t.Errorf("%t, %v", ok, err)
		}
	})
}
