package words_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // on a machine without time zones too

	"resetbot/conversation"
	"resetbot/conversation/words"
)

func TestAMomentIsToldAsPeopleTellIt(t *testing.T) {
	w := newWords(t)
	at := func(day, hour, minute, second int) time.Time {
		return time.Date(2026, time.November, day, hour, minute, second, 0, amsterdam)
	}
	for _, c := range []struct {
		at     time.Time
		nl, en string
	}{
		{at(23, 7, 30, 0), "om 7.30 uur", "at 7:30"},
		{at(23, 14, 5, 1), "om 14.06 uur", "at 14:06"},
		{at(23, 23, 59, 30), "om 24.00 uur", "at midnight"},
		{at(24, 0, 0, 0), "om 24.00 uur", "at midnight"},
		{at(24, 0, 1, 0), "morgen om 0.01 uur", "tomorrow at 0:01"},
		{at(24, 7, 0, 0), "morgen om 7.00 uur", "tomorrow at 7:00"},
		{at(25, 7, 0, 0), "woensdag om 7.00 uur", "on Wednesday at 7:00"},
		{at(29, 7, 0, 0), "zondag om 7.00 uur", "on Sunday at 7:00"},
		{at(30, 7, 0, 0), "maandag 30 november om 7.00 uur", "on Monday 30 November at 7:00"},
		{at(24, 6, 0, 0).UTC(), "morgen om 6.00 uur", "tomorrow at 6:00"},
	} {
		for locale, want := range map[string]string{"nl": c.nl, "en": c.en} {
			text, err := w.Render(locale, conversation.Locked, conversation.Page{
				ID:   conversation.EndBusy,
				Args: conversation.Args{At: c.at},
			}, monday)
			if err != nil || !strings.Contains(strings.Join(text.Body, " "), want) {
				t.Errorf("%s: %v, want %q in %q", c.at.Format(time.DateTime), err, want, text.Body)
			}
		}
	}
}

func TestAMomentThatIsOverIsNotTold(t *testing.T) {
	w := newWords(t)
	for _, at := range []time.Time{{}, monday, monday.Add(-time.Hour)} {
		for _, id := range []conversation.MessageID{conversation.EndBusy, conversation.EndLocked} {
			text, err := w.Render("nl", conversation.Locked, conversation.Page{
				ID:   id,
				Args: conversation.Args{At: at},
			}, monday)
			if err != nil || !strings.Contains(text.Body[1], "Probeer het") {
				t.Errorf("%s at %v: %v, %q", id, at, err, text.Body[1])
			}
		}
	}
}

func TestTheDeskSaysWhoIsThereNow(t *testing.T) {
	w := newWords(t)
	for _, c := range []struct{ at, open, call string }{
		{"2026-11-23 07:00", "De servicedesk is nu dicht en gaat om 7.30 uur weer open. " +
			"Tot die tijd helpt de nachtcoördinator u.", "Bel 071 555 01 99."},
		{
			"2026-11-23 07:29", "De servicedesk is nu dicht en gaat om 7.30 uur weer open.",
			"Bel 071 555 01 99.",
		},
		{
			"2026-11-23 07:30", "De servicedesk is nu open, tot 17.00 uur.",
			"Bel 071 555 01 23, of kijk op https://linde.example/ict.",
		},
		{"2026-11-23 16:59", "De servicedesk is nu open, tot 17.00 uur.", "Bel 071 555 01 23"},
		{
			"2026-11-23 17:00", "De servicedesk is nu dicht en gaat morgen om 7.30 uur weer open.",
			"Bel 071 555 01 99.",
		},
		{
			"2026-11-27 18:00", "De servicedesk is nu dicht en gaat morgen om 9.00 uur weer open.",
			"Bel 071 555 01 99.",
		},
		{
			"2026-11-28 12:00", "De servicedesk is nu dicht en gaat maandag om 7.30 uur weer open.",
			"Bel 071 555 01 99.",
		},
		{"2026-11-28 11:59", "De servicedesk is nu open, tot 12.00 uur.", "Bel 071 555 01 23"},
		{
			"2026-11-29 23:59", "De servicedesk is nu dicht en gaat morgen om 7.30 uur weer open.",
			"Bel 071 555 01 99.",
		},
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", c.at, amsterdam)
		if err != nil {
			t.Fatal(err)
		}
		got := deskNote(t, w, "nl", now)
		if !strings.HasPrefix(got, c.open) || !strings.Contains(got, c.call) {
			t.Errorf("%s: %s\nwant %s … %s", c.at, got, c.open, c.call)
		}
	}
}

func deskNote(t *testing.T, w *words.Words, locale string, now time.Time) string {
	t.Helper()
	page := conversation.Page{
		ID:    conversation.WaitFind,
		Notes: []conversation.Note{{ID: conversation.NoteDesk}},
	}
	text, err := w.Render(locale, conversation.Find, page, now)
	if err != nil {
		t.Fatal(err)
	}
	return text.Notes[0]
}

func TestTheDeskWithLessToSay(t *testing.T) {
	hours, err := words.ParseHours("ma-vr 8-17")
	if err != nil {
		t.Fatal(err)
	}
	always, err := words.ParseHours("24/7")
	if err != nil {
		t.Fatal(err)
	}
	for want, desk := range map[string]words.Desk{
		"De servicedesk helpt u verder. U kunt":                            {},
		"De servicedesk helpt u verder. Bel 12345. U kunt":                 {Phone: "12345"},
		"De balie is dag en nacht open. Kijk op https://a.example. U kunt": {Name: "de balie", URL: "https://a.example", Hours: always},
		"De servicedesk is nu dicht en gaat om 8.00 uur weer open. Bel dan 12345. U kunt": {
			Phone: "12345",
			Hours: hours,
		},
		"De servicedesk is nu dicht en gaat om 8.00 uur weer open. U kunt": {Hours: hours},
		"Tot die tijd helpt de dienstdoende coördinator u. Bel 67890. U kunt": {
			Phone: "12345",
			Hours: hours, Outside: words.Outside{Phone: "67890"},
		},
		"Bel dan 12345, of kijk op https://a.example. U kunt": {
			Phone: "12345",
			URL:   "https://a.example", Hours: hours,
		},
	} {
		o := options(t)
		o.Desk = desk
		w, err := words.New(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := deskNote(t, w, "nl", monday); !strings.Contains(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestHoursAreReadAsPeopleWriteThem(t *testing.T) {
	for text, openAt := range map[string]map[string]bool{
		"ma-vr 7:30-17:00": {
			"Mon 07:29": false, "Mon 07:30": true, "Fri 16:59": true,
			"Fri 17:00": false, "Sat 10:00": false,
		},
		"Ma - Vr 7.30 - 17.00 uur, za 9-12": {
			"Mon 08:00": true, "Sat 09:00": true, "Sat 12:00": false,
			"Sun 10:00": false,
		},
		"maandag t/m vrijdag 8:00-17:00": {"Wed 08:00": true, "Sat 08:00": false},
		"mon-fri 8:00-12:00 13:00-17:00": {"Mon 11:59": true, "Mon 12:30": false, "Mon 13:00": true},
		"mon, wed, fri 8-12; sun 10-11": {
			"Mon 08:00": true, "Tue 08:00": false, "Wed 08:00": true,
			"Sun 10:30": true,
		},
		"vr-ma 8-12": {
			"Thu 09:00": false, "Fri 09:00": true, "Sat 09:00": true,
			"Sun 09:00": true, "Mon 09:00": true, "Tue 09:00": false,
		},
		"dagelijks 22:00-6:00": {
			"Mon 21:59": false, "Mon 22:00": true, "Tue 05:59": true,
			"Tue 06:00": false, "Sun 03:00": true, "Sat 23:00": true,
		},
		"ma: 8-24":   {"Mon 23:59": true, "Tue 00:00": false},
		"za 20-4":    {"Sat 23:00": true, "Sun 03:59": true, "Sun 04:00": false},
		"24/7":       {"Mon 00:00": true, "Sun 23:59": true},
		"ma-vr 8–17": {"Mon 09:00": true},
	} {
		hours, err := words.ParseHours(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		o := options(t)
		o.Desk.Hours = hours
		w, err := words.New(o)
		if err != nil {
			t.Fatal(err)
		}
		for at, open := range openAt {
			day, clock, _ := strings.Cut(at, " ")
			now := monday.Add(-7 * time.Hour)
			for now.Format("Mon") != day {
				now = now.AddDate(0, 0, 1)
			}
			c, err := time.Parse("15:04", clock)
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Duration(c.Hour())*time.Hour + time.Duration(c.Minute())*time.Minute)
			got := deskNote(t, w, "nl", now)
			if said := strings.Contains(got, "is nu open") || strings.Contains(got,
				"dag en nacht open"); said != open {
				t.Errorf("%s, %s: %s", text, at, got)
			}
		}
	}
}

func TestHoursThatCannotBeReadAreRefused(t *testing.T) {
	for _, text := range []string{
		"kantooruren", "8-17", "ma", "ma-vr", "ma 8", "ma 8-25", "ma 8:60-9", "ma 24-8", "ma 8-8",
		"ma 8-17, di", "xx 8-17", "ma-xx 8-17",
	} {
		if hours, err := words.ParseHours(text); err == nil {
			t.Errorf("%q was read as %v", text, hours)
		}
	}
	if hours, err := words.ParseHours(""); err != nil || hours != nil {
		t.Errorf("nothing was read as %v, %v", hours, err)
	}
}

// TestTheDeskOpensByTheClockOnTheWall: also in the night in which the clock
// changes.
func TestTheDeskOpensByTheClockOnTheWall(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Location = zone
	if o.Desk.Hours, err = words.ParseHours("dagelijks 7:30-17:00"); err != nil {
		t.Fatal(err)
	}
	w, err := words.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, night := range []time.Time{
		time.Date(2026, time.March, 29, 0, 30, 0, 0, zone), time.Date(2026, time.October, 25, 0, 30, 0, 0,
			zone),
	} {
		if got := deskNote(t, w, "nl", night); !strings.Contains(got, "gaat om 7.30 uur weer open") {
			t.Errorf("%v: %s", night, got)
		}
	}
}
