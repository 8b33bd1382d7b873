package conversation

import (
	"slices"
	"time"
)

// Ways that are closed: for everybody of a class alike, so it may be said to
// everybody, before a way is chosen, whatever account is behind the name
// (AC-30). What is closed costs nothing to choose.

// closed reports whether nobody in this person's place is reached by m now; with
// a country, at numbers of that country.
func (s *step) closed(m Method, country string) (Closure, bool) {
	for _, where := range []string{"", country} {
		for _, c := range s.in.Closed {
			open := !c.Until.IsZero() && !s.now.Before(c.Until)
			if c.Method == m && c.Own == s.c.Subject.Own && c.Country == where && !open {
				return c, true
			}
		}
	}
	return Closure{}, false
}

func (c Closure) note() Note {
	id := NoteClosed
	if c.Country != "" {
		id = NoteClosedCountry
	}
	return Note{ID: id, Args: Args{Method: c.Method, At: c.Until}}
}

// ways are what a page offers on which one is chosen.
func (s *step) ways() []Offer {
	var list []Offer
	for _, m := range Methods {
		if !s.wanted(m) {
			continue
		}
		o := Offer{Choice: choices[m], Off: s.off(m)}
		if c, closed := s.closed(m, ""); closed && o.Off == "" {
			o.Off, o.Until = NoteClosed, c.Until
		}
		list = append(list, o)
	}
	list = append(list, offers(PickNoPhone, PickDesk)...)
	if s.c.State == Step1Choose {
		list = append(list, Offer{Choice: PickName})
	}
	return list
}

// shut reports whether a proof that is still needed cannot be given now, because
// every way to it is closed, and when the first of these opens; zero: nobody
// knows. other is set where there is something else to do meanwhile.
func (s *step) shut() (opens time.Time, shut, other bool) {
	for _, f := range []Family{Phone, App} {
		possible, closed := 0, 0
		var first time.Time
		for _, m := range Methods {
			if m.Family() != f || !s.wanted(m) || s.off(m) != "" {
				continue
			}
			possible++
			if c, is := s.closed(m, ""); is {
				closed++
				if first.IsZero() || !c.Until.IsZero() && c.Until.Before(first) {
					first = c.Until
				}
			}
		}
		other = other || possible > closed
		if possible > 0 && possible == closed {
			opens, shut = first, true
		}
	}
	return opens, shut && !(other && s.oneIsEnough()), other
}

// handedOver ends a conversation that cannot come to its end, before anybody
// takes pains for nothing. One that counts for nothing else does not count as
// begun.
func (s *step) handedOver() bool {
	opens, shut, _ := s.shut()
	if !shut || !opens.IsZero() && opens.Before(s.c.Ends.Add(-s.Policy.Reminder)) {
		return false
	}
	if !s.c.Failed {
		s.giveBack(useBegun, s.c.ID, s.Policy.Begun)
	}
	s.end(Refer, Page{ID: EndClosed, Args: Args{At: opens}})
	s.detail("closed")
	return true
}

// whileShut puts into words, for a page of ways, that one family is shut and will
// open in time. It takes the place of what was to be said of one of its ways.
func (s *step) whileShut(notes []Note) []Note {
	opens, shut, other := s.shut()
	if !shut {
		return notes
	}
	note := Note{ID: NotePhoneWait, Args: Args{At: opens}}
	if other {
		note.ID = NotePhoneLater
	}
	notes = slices.DeleteFunc(slices.Clone(notes), func(n Note) bool { return n.ID == NoteClosed })
	return append(notes, note)
}

// reopen shows that a way can be picked again, on the page that showed it as
// closed; its buttons stay the same.
func (s *step) reopen() {
	before := s.c.Page.Offers
	s.c.Page.Offers = s.ways()
	var notes []Note
	for _, o := range before {
		if m, ok := method(o.Choice); ok && o.Off == NoteClosed && s.c.Page.Shows(o.Choice) {
			notes = append(notes, Note{ID: NoteOpen, Args: Args{Method: m}})
		}
	}
	s.repeat(notes...)
}
