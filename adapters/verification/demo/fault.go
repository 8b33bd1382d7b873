package demo

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Fault is what goes wrong with one thing that is sent or judged. The zero
// Fault lets it be.
type Fault struct {
	// Slow is how much longer it takes.
	Slow time.Duration
	// Broken is an error, and nothing arrives.
	Broken bool
	// Lost lets it be sent, and it never arrives.
	Lost bool
	// Twice lets it arrive twice.
	Twice bool
}

// OpCheck is what Options.Faults is asked with before an answer is judged.
const OpCheck = "check"

var errBroken = errors.New("the telephone network is out of reach")

// before waits, and breaks.
func (f Fault) before(ctx context.Context) error {
	if f.Slow > 0 {
		wait := time.NewTimer(f.Slow)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the telephone network: %w", ctx.Err())
		}
	}
	if f.Broken {
		return errBroken
	}
	return nil
}

func (f Fault) times() int {
	if f.Twice {
		return 2
	}
	return 1
}
