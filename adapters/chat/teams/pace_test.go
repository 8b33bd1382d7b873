package teams_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"resetbot/adapters/chat/teams"
)

// Whatever is reserved, given back and passed by: what remains keeps to the
// window, and nobody is sent before somebody who came earlier.
func TestALaneKeepsToItsWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 3
		lane := teams.NewLane(n, time.Second)
		now := time.Unix(1_800_000_000, 0)
		var sent, waiting []time.Time
		for _, act := range rapid.SliceOfN(rapid.IntRange(0, 8), 40, 80).Draw(t, "acts") {
			switch act {
			case 0: // time goes on, and those whose time has come are sent
				now = now.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "ms")) * time.Millisecond)
				for len(waiting) > 0 && !waiting[0].After(now) {
					sent, waiting = append(sent, waiting[0]), waiting[1:]
				}
			case 1, 2, 3: // somebody gives up
				if len(waiting) > 0 {
					i := rapid.IntRange(0, len(waiting)-1).Draw(t, "who")
					lane.GiveBack(waiting[i])
					waiting = append(waiting[:i:i], waiting[i+1:]...)
				}
			default:
				at := lane.Reserve(now)
				if at.Before(now) || len(waiting) > 0 && at.Before(waiting[len(waiting)-1]) {
					t.Fatalf("%v is before %v", at, waiting)
				}
				waiting = append(waiting, at)
			}
			if got := most(append(sent[:len(sent):len(sent)], waiting...), time.Second); got > n {
				t.Fatalf("%d in a second: %v %v", got, sent, waiting)
			}
		}
	})
}
