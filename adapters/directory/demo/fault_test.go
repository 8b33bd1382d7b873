package demo_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"resetbot/adapters/directory/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

// always has the same fault with one kind of call.
func always(op string, f demo.Fault) func(string) demo.Fault {
	return func(asked string) demo.Fault {
		if asked == op {
			return f
		}
		return demo.Fault{}
	}
}

func TestAC60_AWriteCanBeLostBeforeAndAfterItHappens(t *testing.T) {
	for name, test := range map[string]struct {
		fault   demo.Fault
		certain bool // that nothing was written
		written bool
	}{
		"unreachable":                {demo.Fault{Unreachable: true}, true, false},
		"lost on the way":            {demo.Fault{Lost: true}, false, false},
		"its answer lost on the way": {demo.Fault{AnswerLost: true}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			broken := demo.WithFaults(d, always(demo.OpReset, test.fault))
			write, err := broken.Reset(t.Context(), devries, conversation.NewSecret(newPassword))
			if err == nil || write.Result != "" {
				t.Fatalf("%+v, error %v, want an error", write, err)
			}
			if errors.Is(err, bot.ErrNotWritten) != test.certain {
				t.Errorf("%v: wraps ErrNotWritten: %t, want %t", err, !test.certain, test.certain)
			}
			if got := verify(t, d, devries, newPassword); got != test.written {
				t.Errorf("written: %t, want %t", got, test.written)
			}
			changed, err := broken.Changed(t.Context(), devries, "0")
			if err != nil || (changed == conversation.ChangedYes) != test.written {
				t.Errorf("Changed: %s, error %v", changed, err)
			}
		})
	}
}

func TestADirectoryCanBeOutOfReach(t *testing.T) {
	times := map[string]int{}
	d := demo.WithFaults(open(t), func(op string) demo.Fault {
		times[op]++
		return demo.Fault{Unreachable: times[op] <= 2}
	})
	query := bot.Query{ID: devries}
	for range 2 {
		if _, found, err := d.Find(t.Context(), query); err == nil || found {
			t.Errorf("Find: found is %t, error %v", found, err)
		}
		changed, err := d.Changed(t.Context(), devries, "0")
		if changed != conversation.ChangedUnreachable || err != nil {
			t.Errorf("Changed: %s, error %v", changed, err)
		}
		if _, err := d.Unlock(t.Context(), devries); !errors.Is(err, bot.ErrNotWritten) {
			t.Errorf("Unlock: %v", err)
		}
		right, err := d.VerifyPassword(t.Context(), devries, conversation.NewSecret(devriesPassword))
		if right || err == nil {
			t.Errorf("VerifyPassword: %t, error %v", right, err)
		}
	}
	// The third time it is there again.
	find(t, d, query)
	if changed, err := d.Changed(t.Context(), devries, "0"); changed != conversation.ChangedNo || err != nil {
		t.Errorf("Changed: %s, error %v", changed, err)
	}
	if write, err := d.Unlock(t.Context(), devries); err != nil || write.Result != conversation.WriteDone {
		t.Errorf("Unlock: %+v, error %v", write, err)
	}
	if !verify(t, d, devries, devriesPassword) {
		t.Error("the password does not hold")
	}
}

func TestADirectoryCanRefuseAPassword(t *testing.T) {
	flaws := []conversation.PasswordFlaw{conversation.FlawTooSoon, conversation.FlawComplexity}
	d := demo.WithFaults(open(t), always(demo.OpReset, demo.Fault{Refuse: flaws}))
	want := bot.Write{Result: conversation.WriteRefused, Flaws: flaws}
	if diff := cmp.Diff(want, reset(t, d, devries, newPassword)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if mark := find(t, d, bot.Query{ID: devries}).Mark; mark != "0" {
		t.Errorf("mark %s", mark)
	}
}

func TestADirectoryCanBeSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(string) demo.Fault { return demo.Fault{Slow: 30 * time.Second} }
		d := demo.WithFaults(open(t), slow)
		before := time.Now()
		find(t, d, bot.Query{ID: devries})
		if took := time.Since(before); took != 30*time.Second {
			t.Errorf("took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := d.Reset(ctx, devries, conversation.NewSecret(newPassword))
		if !errors.Is(err, bot.ErrNotWritten) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want an error that wraps ErrNotWritten and the end of the context", err)
		}
	})
}
