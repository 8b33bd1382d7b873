package conversation

import (
	"slices"
	"time"
)

// CounterKey names a counter; the stores keep it only as a keyed hash.
type CounterKey string

// Counter counts spends within a window. The zero Counter has none.
// It is a value: a store keeps it, only the wizard (or the Limiter's own
// caller) judges it.
type Counter struct {
	Spends []Spend   `json:"s,omitempty"` // oldest first
	Locked time.Time `json:"l,omitzero"`  // until when nothing more is allowed
	Kept   time.Time `json:"k,omitzero"`  // may be forgotten after this
}

// Spend is one try. Its id makes it possible to give back this one and no
// other, and to count the same thing once.
type Spend struct {
	ID string    `json:"i"`
	At time.Time `json:"t"`
}

// Limit is how many spends a window allows, and for how long a full counter
// is locked. Without Lock the window rolls: as one spend grows old, one more is
// allowed.
type Limit struct {
	N      int           `json:"n" yaml:"n"`
	Window time.Duration `json:"window" yaml:"window"`
	Lock   time.Duration `json:"lock" yaml:"lock"`
}

// at is the counter as it stands at now: spends that left the window are gone,
// and after a lock has run out the counter is really empty, so that a full
// counter does not lock again at the first try (AC-17).
func (c Counter) at(now time.Time, l Limit) Counter {
	if !c.Locked.IsZero() && !now.Before(c.Locked) {
		return Counter{}
	}
	if longest := now.Add(l.Lock); c.Locked.After(longest) {
		c.Locked = longest // a clock that was ahead for a while locks nobody for a year
	}
	if !c.Locked.IsZero() {
		return c
	}
	c.Spends = slices.DeleteFunc(slices.Clone(c.Spends), func(s Spend) bool {
		return !s.At.After(now.Add(-l.Window))
	})
	for i := range c.Spends {
		if c.Spends[i].At.After(now) {
			c.Spends[i].At = now
		}
	}
	return c
}

// Full reports whether no spend is left, and when there will be one.
func (c Counter) Full(now time.Time, l Limit) (until time.Time, full bool) {
	c = c.at(now, l)
	if !c.Locked.IsZero() {
		return c.Locked, true
	}
	if len(c.Spends) < l.N {
		return time.Time{}, false
	}
	if l.N < 1 { // nothing is allowed at all
		return now.Add(l.Window), true
	}
	return c.Spends[len(c.Spends)-l.N].At.Add(l.Window), true
}

// Left is how many spends are left.
func (c Counter) Left(now time.Time, l Limit) int {
	if _, full := c.Full(now, l); full {
		return 0
	}
	return l.N - len(c.at(now, l).Spends)
}

// Spend counts one try under id; the same id counts once. The caller has
// asked [Counter.Full] before.
func (c Counter) Spend(id string, now time.Time, l Limit) Counter {
	c = c.at(now, l)
	if slices.ContainsFunc(c.Spends, func(s Spend) bool { return s.ID == id }) {
		return c
	}
	c.Spends = append(slices.Clone(c.Spends), Spend{id, now})
	if len(c.Spends) >= l.N && l.Lock > 0 {
		c.Locked = now.Add(l.Lock)
	}
	c.Kept = now.Add(max(l.Window, l.Lock))
	return c
}

// GiveBack takes out the spend with that id and no other; a lock that was
// closed by the number of spends is open again when there are fewer.
func (c Counter) GiveBack(id string, now time.Time, l Limit) Counter {
	c = c.at(now, l)
	before := len(c.Spends)
	c.Spends = slices.DeleteFunc(slices.Clone(c.Spends), func(s Spend) bool { return s.ID == id })
	if len(c.Spends) < before && len(c.Spends) < l.N {
		c.Locked = time.Time{}
	}
	return c
}

// latest is the last spend, at now at the latest; the zero value without one.
func (c Counter) latest(now time.Time, l Limit) Spend {
	c = c.at(now, l)
	if len(c.Spends) == 0 {
		return Spend{}
	}
	return c.Spends[len(c.Spends)-1]
}

// has reports whether id was spent.
func (c Counter) has(id string) bool {
	return slices.ContainsFunc(c.Spends, func(s Spend) bool { return s.ID == id })
}
