package words

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Desk is the service desk as people are told of it. Wherever it is
// mentioned they also read whether it is open now, who is there otherwise, and
// when it opens.
//
// Name, Outside.Who and Emergency are said in both languages as they are
// here; where an operator's own texts have desk.name, desk.who or
// desk.emergency, those count.
type Desk struct {
	Name    string // in the middle of a sentence: "de servicedesk"
	Phone   string
	URL     string
	Hours   Hours // none: not known, and nothing is said about it
	Outside Outside
	// Emergency is the ward's emergency procedure, said first wherever a person
	// cannot go on here.
	Emergency string
}

// Outside is who is there while the desk is closed.
type Outside struct {
	Phone string
	Who   string // "de nachtcoördinator"
}

// Hours are when the desk is open, the same every week, by the clock on the
// wall of [Options.Location].
type Hours []Opening

// Opening is one stretch of a day.
type Opening struct {
	Day         time.Weekday
	From, Until int // minutes after midnight, Until at most 1440
}

const (
	dayLong  = 24 * 60
	weekLong = 7 * dayLong
)

// ParseHours reads hours as people write them: "ma-vr 7:30-17:00, za 9-12",
// "mon-fri 7.30-17.00; sat 9:00-12:00", "dagelijks 7:00-23:00", "24/7". A day,
// a range of days or several of them are followed by one or more times; a time
// that ends before it begins ends on the next day.
func ParseHours(text string) (Hours, error) {
	var hours Hours
	var days []time.Weekday
	timed := true // the days that were read have their times
	for word := range strings.FieldsSeq(hourSigns.Replace(strings.ToLower(text))) {
		if more, ok := parseDays(word); ok {
			if timed {
				days, timed = nil, false
			}
			days = append(days, more...)
			continue
		}
		from, until, ok := parseTimes(word)
		if !ok || len(days) == 0 {
			return nil, fmt.Errorf("reading the opening hours at %q: they look like %q", word, hoursExample)
		}
		timed = true
		for _, day := range days {
			hours = append(hours, openings(day, from, until)...)
		}
	}
	if !timed {
		return nil, fmt.Errorf("reading the opening hours: a day has no times; they look like %q", hoursExample)
	}
	return hours, hours.check()
}

var hourSigns = strings.NewReplacer(
	"–", "-", " - ", "-", " t/m ", "-", " uur", "", ",", " ", ";", " ", "24/7", "dagelijks 0-24",
)

const hoursExample = "ma-vr 7:30-17:00, za 9:00-12:00"

var dayNames = map[string]time.Weekday{
	"ma": time.Monday, "maandag": time.Monday, "mon": time.Monday, "monday": time.Monday,
	"di": time.Tuesday, "dinsdag": time.Tuesday, "tue": time.Tuesday, "tuesday": time.Tuesday,
	"wo": time.Wednesday, "woensdag": time.Wednesday, "wed": time.Wednesday, "wednesday": time.Wednesday,
	"do": time.Thursday, "donderdag": time.Thursday, "thu": time.Thursday, "thursday": time.Thursday,
	"vr": time.Friday, "vrijdag": time.Friday, "fri": time.Friday, "friday": time.Friday,
	"za": time.Saturday, "zaterdag": time.Saturday, "sat": time.Saturday, "saturday": time.Saturday,
	"zo": time.Sunday, "zondag": time.Sunday, "sun": time.Sunday, "sunday": time.Sunday,
}

func everyDay() []time.Weekday { return []time.Weekday{0, 1, 2, 3, 4, 5, 6} }

func parseDays(word string) ([]time.Weekday, bool) {
	if word == "dagelijks" || word == "daily" {
		return everyDay(), true
	}
	first, last, ranged := strings.Cut(strings.TrimSuffix(word, ":"), "-")
	from, ok := dayNames[first]
	if !ok || !ranged {
		return []time.Weekday{from}, ok
	}
	until, ok := dayNames[last]
	days := []time.Weekday{from}
	for day := from; ok && day != until; {
		day = (day + 1) % 7
		days = append(days, day)
	}
	return days, ok
}

var times = regexp.MustCompile(`^(\d{1,2})(?:[:.](\d\d))?-(\d{1,2})(?:[:.](\d\d))?$`)

func parseTimes(word string) (from, until int, ok bool) {
	m := times.FindStringSubmatch(word)
	if m == nil {
		return 0, 0, false
	}
	minutes := func(hour, minute string) int {
		h, _ := strconv.Atoi(hour)
		n, _ := strconv.Atoi(minute)
		if n > 59 {
			return -1
		}
		return 60*h + n
	}
	from, until = minutes(m[1], m[2]), minutes(m[3], m[4])
	return from, until, from >= 0 && until >= 0 && from < dayLong && until <= dayLong && from != until
}

func openings(day time.Weekday, from, until int) []Opening {
	if until > from {
		return []Opening{{day, from, until}}
	}
	night := []Opening{{day, from, dayLong}}
	if until > 0 {
		night = append(night, Opening{(day + 1) % 7, 0, until})
	}
	return night
}

func (h Hours) check() error {
	var faults []error
	for _, o := range h {
		day := time.Sunday <= o.Day && o.Day <= time.Saturday
		if !day || o.From < 0 || o.From >= o.Until || o.Until > dayLong {
			faults = append(faults, fmt.Errorf("the desk cannot be open from minute %d to %d of day %d",
				o.From, o.Until, o.Day))
		}
	}
	return errors.Join(faults...)
}

// at reports whether the desk is open at now, which is in its own time zone,
// and when that changes; never is the zero time.
func (h Hours) at(now time.Time) (open bool, change time.Time) {
	minute := int(now.Weekday())*dayLong + now.Hour()*60 + now.Minute()
	for _, stretch := range h.week() {
		for _, m := range []int{minute, minute + weekLong} {
			if stretch[0] <= m && m < stretch[1] {
				if stretch[1]-stretch[0] >= weekLong {
					return true, time.Time{}
				}
				return true, atMinute(now, stretch[1]-m+minute)
			}
		}
	}
	for _, later := range []int{0, weekLong} {
		for _, stretch := range h.week() {
			if stretch[0]+later > minute {
				return false, atMinute(now, stretch[0]+later)
			}
		}
	}
	return false, time.Time{}
}

// week is the openings as minutes of the week, sorted, those that touch made
// one; the one that goes on over the end of the week reaches beyond it.
func (h Hours) week() [][2]int {
	var stretches [][2]int
	for _, o := range h {
		start := int(o.Day) * dayLong
		stretches = append(stretches, [2]int{start + o.From, start + o.Until})
	}
	slices.SortFunc(stretches, func(a, b [2]int) int { return a[0] - b[0] })
	var merged [][2]int
	for _, s := range stretches {
		if n := len(merged); n > 0 && s[0] <= merged[n-1][1] {
			merged[n-1][1] = max(merged[n-1][1], s[1])
			continue
		}
		merged = append(merged, s)
	}
	if n := len(merged); n > 1 && merged[0][0] == 0 && merged[n-1][1] == weekLong {
		merged[n-1][1] += merged[0][1]
		merged = merged[1:]
	}
	return merged
}

// atMinute is the time on the wall at a minute of the week of now.
func atMinute(now time.Time, minute int) time.Time {
	sunday := now.Day() - int(now.Weekday())
	return time.Date(now.Year(), now.Month(), sunday+minute/dayLong, 0, minute%dayLong, 0, 0,
		now.Location())
}

// deskWords is what the desk's sentences can be filled in with.
type deskWords struct {
	Name, Who, Phone, URL, At, Until, Receipt string
}

// reach is what is said of the desk now.
type reach struct {
	name  string // in the middle of a sentence
	phone string // that is answered now; the desk's name if there is none
	open  string
	call  string
}

func (r reach) all() string { return strings.TrimSpace(r.open + " " + r.call) }

// atDesk looks who is there now.
func (s *speaker) atDesk() reach {
	d := deskWords{
		Name: s.chosen("desk.name", s.desk.Name), Who: s.chosen("desk.who", s.desk.Outside.Who),
		Phone: plain(s.desk.Phone), URL: plain(s.desk.URL),
	}
	r := reach{name: d.Name, phone: d.Phone}
	open, change := s.desk.Hours.at(s.now)
	if !change.IsZero() {
		d.At, d.Until = s.when("time.at.", change), s.when("time.until.", change)
	}
	later := ""
	id := "desk.unknown"
	switch outside := plain(s.desk.Outside.Phone); {
	case len(s.desk.Hours) == 0:
	case open && change.IsZero():
		id = "desk.always"
	case open:
		id = "desk.open"
	case outside != "":
		id, r.phone, d.Phone, d.URL = "desk.closed_outside", outside, outside, ""
	default:
		id, later = "desk.closed", "_later"
	}
	r.open = capital(s.say(id, d))
	switch {
	case d.Phone != "" && d.URL != "":
		r.call = s.say("desk.call_url"+later, d)
	case d.Phone != "":
		r.call = s.say("desk.call"+later, d)
	case d.URL != "":
		r.call = s.say("desk.url", d)
	}
	if r.phone == "" {
		r.phone = r.name
	}
	return r
}

// deskLabel is the button, with a word about now.
func (s *speaker) deskLabel() string {
	open, change := s.desk.Hours.at(s.now)
	switch {
	case len(s.desk.Hours) == 0:
		return s.word("choice.desk")
	case open:
		return s.word("choice.desk.open")
	}
	return s.say("choice.desk.closed", values{speaker: s, at: change})
}

// emergency is the ward's own procedure.
func (s *speaker) emergency() string { return s.chosen("desk.emergency", s.desk.Emergency) }

// chosen is the operator's own text, else the configured one, else ours.
func (s *speaker) chosen(id, configured string) string {
	if configured = plain(configured); configured != "" && !s.own[s.locale][id] {
		return configured
	}
	return strings.Join(strings.Fields(s.say(id, deskWords{})), " ")
}

// capital begins a sentence.
func capital(sentence string) string {
	first, size := utf8.DecodeRuneInString(sentence)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + sentence[size:]
}
