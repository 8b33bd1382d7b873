package words_test

import (
	"testing"

	"resetbot/conversation"
)

func BenchmarkRender(b *testing.B) {
	w := newWords(b)
	for b.Loop() {
		if _, err := w.Render("nl", conversation.Step1Choose, choose, monday); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnderstand(b *testing.B) {
	w := newWords(b)
	for name, said := range map[string]string{
		"label": "Sms-bericht naar mijn telefoon verzenden", "nothing": "waar gaat dit over",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w.Understand(choose, "nl", said)
			}
		})
	}
}
