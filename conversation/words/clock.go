package words

import (
	"strings"
	"time"
)

// moment is what a sentence about a time can be filled in with.
type moment struct {
	Clock   string // "14.35 uur"
	Weekday string
	Month   string
	Day     int
	Hour    int
	Minute  string // two digits
}

// when tells a moment as people do, seen from now: by the clock today, with
// "morgen", with the day of the week within a week, with the date after that.
func (s *speaker) when(form string, t time.Time) string {
	t = t.In(s.location)
	day := t
	if midnight(t) {
		day = t.Add(-time.Minute) // "24.00 uur" belongs to the day that it ends
	}
	m := s.inWords(t, day)
	switch days := daysBetween(s.now, day); {
	case days == 0:
		return s.say(form+"today", m)
	case days == 1:
		return s.say(form+"tomorrow", m)
	case days > 1 && days < 7:
		return s.say(form+"week", m)
	}
	return s.say(form+"later", m)
}

// moment tells a moment with its date, for what is read later.
func (s *speaker) moment(t time.Time) string {
	t = t.In(s.location)
	return s.say("time.moment", s.inWords(t, t))
}

func (s *speaker) inWords(t, day time.Time) moment {
	m := moment{
		Weekday: s.word("time.weekday." + strings.ToLower(day.Weekday().String())),
		Month:   s.word("time.month." + strings.ToLower(day.Month().String())),
		Day:     day.Day(), Hour: t.Hour(), Minute: t.Format("04"),
	}
	if midnight(t) && day.Before(t) {
		m.Clock = s.word("time.midnight")
	} else {
		m.Clock = s.say("time.clock", m)
	}
	return m
}

func midnight(t time.Time) bool { return t.Hour() == 0 && t.Minute() == 0 }

// daysBetween counts the midnights from a to b, whatever a day's length.
func daysBetween(a, b time.Time) int {
	date := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(date(b).Sub(date(a)) / (24 * time.Hour))
}

func roundUp(t time.Time, d time.Duration) time.Time {
	if whole := t.Truncate(d); whole.Before(t) {
		return whole.Add(d)
	}
	return t
}

func roundUpBy(d, unit time.Duration) time.Duration { return (d + unit - 1) / unit * unit }

// minutesUntil is how many minutes are left, rounded up; 0 when it is over.
func minutesUntil(now, end time.Time) int {
	return int(roundUpBy(max(end.Sub(now), 0), time.Minute) / time.Minute)
}
