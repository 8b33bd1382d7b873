package slack_test

import (
	"encoding/json"
	"testing"

	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

// BenchmarkBlocks draws the pages that are sent most, as they go over the line:
// "blocks" is the drawing alone, "page" has the words said first, as every chat
// must.
func BenchmarkBlocks(b *testing.B) {
	r, w := newRenderer(b), wordstest.New(b)
	for _, d := range scenes(words.Dutch) {
		switch d.name {
		case "start", "step 1", "text message", "password on a page of its own", "done":
		default:
			continue
		}
		text, err := w.Render(words.Dutch, d.of.State, d.of.Page, d.at)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("blocks/"+d.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := json.Marshal(r.Draw(d.of, text, d.at)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("page/"+d.name, func(b *testing.B) {
			for b.Loop() {
				blocks, _, err := r.Page(d.of, "", "", d.at)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := json.Marshal(blocks); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
