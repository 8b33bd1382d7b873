package words_test

import (
	"strings"
	"testing"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

func TestAPlaceHasItsOwnDeskAndItsOwnTexts(t *testing.T) {
	o := options(t)
	o.Overrides = []words.Override{
		{Locale: "nl", Name: "nl.yaml", Text: []byte("done.reset.title: Klaar\nchoice.sms: Stuur mij een sms'je\n")},
	}
	o.Places = map[string]words.Place{
		"T1": {
			Domains:   []string{"partner.example"},
			Desk:      &words.Desk{Name: "de helpdesk van Partner", Phone: "020 111 11 11"},
			Overrides: []words.Override{{Locale: "nl", Name: "T1.yaml", Text: []byte("done.reset.checklist: Uw telefoon\nchoice.sms: Een appje zonder app\n")}},
		},
		"T2": {},
	}
	w, err := words.New(o)
	if err != nil {
		t.Fatal(err)
	}
	render := func(place string, page conversation.Page) words.Text {
		t.Helper()
		page.Place = place
		text, err := w.Render("nl", conversation.Done, page, monday)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	done := conversation.Page{ID: conversation.EndReset}
	if got := render("T1", done).Checklist; len(got) != 1 || got[0] != "Uw telefoon" {
		t.Errorf("the advice of T1 is %q", got)
	}
	if got := render("T1", done).Heading; got != "Klaar" {
		t.Errorf("the operator's own text does not hold in a place that says nothing else: %q", got)
	}
	for _, place := range []string{"", "T2", "unheard of"} {
		if got := render(place, done).Checklist; len(got) < 2 {
			t.Errorf("the advice of %q is %q", place, got)
		}
	}
	desk := conversation.Page{ID: conversation.WaitFind, Notes: []conversation.Note{{ID: conversation.NoteDesk}}}
	if got := strings.Join(render("T1", desk).Notes, " "); !strings.Contains(got, "020 111 11 11") {
		t.Errorf("the desk of T1 is %q", got)
	}
	for _, place := range []string{"", "T2"} {
		if got := strings.Join(render(place, desk).Notes, " "); strings.Contains(got, "020 111 11 11") || got == "" {
			t.Errorf("the desk of %q is %q", place, got)
		}
	}
	domain := conversation.Page{ID: conversation.AskWho, Notes: []conversation.Note{{ID: conversation.NoteDomain}}}
	if got := strings.Join(render("T1", domain).Notes, " "); !strings.Contains(got, "@partner.example") || strings.Contains(got, "linde") {
		t.Errorf("addresses of T1 are said to be %q", got)
	}
	ask := conversation.Page{ID: conversation.AskMethod, Offers: []conversation.Offer{{Choice: conversation.PickSMS}}}
	for place, understood := range map[string]bool{"T1": true, "T2": false} {
		ask.Place = place
		if in := w.Understand(ask, "nl", "een appje zonder app"); (in.Choice == conversation.PickSMS) != understood {
			t.Errorf("in %s the label of T1 is understood: %t", place, !understood)
		}
	}
}

func TestAPlacesTextsAreProvedToo(t *testing.T) {
	o := options(t)
	o.Places = map[string]words.Place{
		"T1": {Overrides: []words.Override{{Locale: "nl", Name: "T1.yaml", Text: []byte("done.rest.title: Klaar\n")}}},
	}
	if _, err := words.New(o); err == nil || !strings.Contains(err.Error(), "T1.yaml:1: unknown id") {
		t.Fatalf("got %v", err)
	}
}
