package conversation_test

import (
	"encoding/binary"
	"testing"
	"time"

	. "resetbot/conversation"
)

// BenchmarkStep is one typed answer in the middle of a walk: words to a page
// that stays, and words that lead on.
func BenchmarkStep(b *testing.B) {
	w := newWizard()
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	user := Origin{User: ann, Asker: "a", Locale: "nl"}
	begun, err := w.Step(Conversation{}, Input{Kind: Arrived, From: user, By: "p"}, Facts{}, now)
	if err != nil {
		b.Fatal(err)
	}
	for name, in := range map[string]Input{
		"help":  {Kind: Said, Choice: PickHelp, From: user, By: "p"},
		"reset": {Kind: Said, Choice: PickReset, From: user, By: "p"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				binary.BigEndian.PutUint64(in.Nonce[:], uint64(i))
				if _, err := w.Step(begun.Conversation, in, Facts{}, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
