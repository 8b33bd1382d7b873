// Package wordstest is what is said, to whom, and when: for the tests of the
// words, and of the chats that draw them.
package wordstest

import (
	"testing"
	"time"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// Amsterdam is without the system's time zones: the tests' days have no change of
// the clock but those that ask for one.
var Amsterdam = time.FixedZone("CET", 3600)

// Monday is 07:00 on Monday 23 November 2026, when the ward's day begins.
var Monday = time.Date(2026, time.November, 23, 7, 0, 0, 0, Amsterdam)

// Options are those of a hospital whose desk is open by day.
func Options(t testing.TB) words.Options {
	t.Helper()
	hours, err := words.ParseHours("ma-vr 7:30-17:00, za 9:00-12:00")
	if err != nil {
		t.Fatal(err)
	}
	return words.Options{
		Organisation: "Ziekenhuis De Linde", Domains: []string{"linde.example"},
		WebChat:  "https://hulp.linde.example/chat",
		Location: Amsterdam,
		Desk: words.Desk{
			Phone: "071 555 01 23", URL: "https://linde.example/ict", Hours: hours,
			Outside:   words.Outside{Phone: "071 555 01 99", Who: "de nachtcoördinator"},
			Emergency: "Moet u nu bij een patiënt zijn? Gebruik het noodaccount: de rode map bij de balie.",
		},
	}
}

// New speaks for that hospital.
func New(t testing.TB) *words.Words {
	t.Helper()
	w, err := words.New(Options(t))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Offers are choices that can all be picked.
func Offers(choices ...conversation.Choice) []conversation.Offer {
	var list []conversation.Offer
	for _, c := range choices {
		list = append(list, conversation.Offer{Choice: c})
	}
	return list
}
