package captcha_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The grounds of the light and the dark theme of the web chat.
var grounds = map[string]color.NRGBA{"light": {0xf1, 0xf5, 0xf4, 0xff}, "dark": {0x0e, 0x16, 0x17, 0xff}}

// TestSheets draws fifty captchas for each theme in the size that a telephone
// shows them, and their answers in a file beside them. Only a person who reads
// the one before the other can tell whether people can.
func TestSheets(t *testing.T) {
	dir := os.Getenv("RESETBOT_CAPTCHA_SHEETS")
	if dir == "" {
		t.Skip("draws sheets for a person to read: RESETBOT_CAPTCHA_SHEETS=/some/folder")
	}
	const across, down, gap = 5, 10, 12
	p := painter(t)
	for theme, ground := range grounds {
		sheet := image.NewNRGBA(image.Rect(0, 0, across*(300+gap)+gap, down*(96+gap)+gap))
		draw.Draw(sheet, sheet.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
		var answers strings.Builder
		for i := range across * down {
			answer, picture := paint(t, p, fmt.Sprint(theme, " phone ", i))
			m := decode(t, picture)
			at := image.Pt(gap+i%across*(300+gap), gap+i/across*(96+gap))
			draw.Draw(sheet, m.Rect.Add(at), m, image.Point{}, draw.Src)
			fmt.Fprintln(&answers, answer)
		}
		save(t, filepath.Join(dir, theme+".png"), asFile(t, sheet))
		save(t, filepath.Join(dir, theme+".txt"), []byte(answers.String()))
	}
}

func save(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func asFile(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
