package teams_test

import (
	"testing"

	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

// BenchmarkCard draws the pages that are sent most: "card" is the drawing
// alone, "page" has the words said first, as every chat must.
func BenchmarkCard(b *testing.B) {
	r, w := newRenderer(b), wordstest.New(b)
	for _, d := range pages(b, words.Dutch) {
		switch d.name {
		case "start", "step 1", "text message", "password on a page of its own", "done":
		default:
			continue
		}
		text, err := w.Render(words.Dutch, d.of.State, d.of.Page, d.at)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("card/"+d.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Draw(d.of, text, d.at)
			}
		})
		b.Run("page/"+d.name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := r.Page(d.of, false, d.at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
