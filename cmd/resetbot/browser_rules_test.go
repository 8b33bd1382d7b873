package main

import (
	"slices"
	"strings"
	"testing"
)

// kept are the rules that are ticked on the page for a new password, and open
// those that are not.
func (w *window) kept() (kept, open []string) {
	for _, rule := range watch[[]string](w, "Array.from(document.querySelectorAll('.rules li:not([hidden])'), "+
		"(e) => e.className + '|' + e.firstChild.textContent)") {
		class, text, _ := strings.Cut(rule, "|")
		if class == "kept" {
			kept = append(kept, text)
		} else {
			open = append(open, text)
		}
	}
	return kept, open
}

func TestEveryRuleIsTickedAsOneTypesInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.identifies()
	n.picks("call")
	n.numbers()
	n.at("step.call")
	n.reads("#ring .spoken")
	n.clicks("#ring button[value='#']")
	n.sees("Stap 1 is gelukt")
	n.picks("push")
	n.at("step.push")
	digits := n.reads(".digits")
	n.reads("#push .spoken")
	n.clicks("#push-number")
	n.types(digits)
	n.clicks("#push button.primary")
	page := n.opens()

	const (
		length, common, personal = "Minstens 16 tekens", "Niet te makkelijk te raden", "Niet uw naam of gebruikersnaam, en niet de naam van uw werk"
		breached, character      = "Niet uitgelekt", "Alleen tekens die overal werken"
		ends, same               = "Geen spatie aan het begin of einde", "Twee keer hetzelfde"
	)
	all := []string{length, common, personal, breached, character, ends, same}
	if kept, open := page.kept(); len(kept) > 0 || !slices.Equal(open, all) {
		t.Errorf("with nothing typed %q are ticked and %q are not", kept, open)
	}
	for _, step := range []struct {
		typed string
		open  []string // of those that are not about the second field
	}{
		{"marieke", []string{length, common, personal, breached}},
		{"marieke fietst langs de vijver", []string{personal}},
		{"Welkom123Welkom123", []string{common, breached}},
		{"Sinterklaas2026!", []string{common}},
		{"kaars molen \u200b fiets tafel", []string{character}},
		{" " + newPassword, []string{ends}},
		{newPassword, nil},
	} {
		page.clicks("#page input[name=password]")
		page.selectsAll()
		page.types(step.typed)
		want := slices.Concat(step.open, []string{same})
		page.until("the ticks of "+step.typed, func() bool {
			_, open := page.kept()
			return slices.Equal(open, want)
		})
	}
	page.judged("page-rules")
	page.fills("confirm", newPassword)
	page.until("all ticks", func() bool { kept, _ := page.kept(); return slices.Equal(kept, all) })
	page.fills("word", n.word(page))
	page.submits()
	page.sees("Uw nieuwe wachtwoord is nu actief")
}
