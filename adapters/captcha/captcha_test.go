package captcha_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"resetbot/adapters/captcha"
	"resetbot/conversation"
)

var keys = conversation.Keys{Code: conversation.Key{1}}

func painter(tb testing.TB) *captcha.Painter {
	tb.Helper()
	p, err := captcha.New()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// paint draws the captcha that the wizard would make of an id.
func paint(tb testing.TB, p *captcha.Painter, id string) (answer string, picture []byte) {
	tb.Helper()
	secret := keys.CaptchaAnswer(id)
	picture, err := p.Paint(secret, keys.CaptchaSeed(id))
	if err != nil {
		tb.Fatal(err)
	}
	return secret.Reveal(), picture
}

func decode(tb testing.TB, picture []byte) *image.Paletted {
	tb.Helper()
	m, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		tb.Fatal(err)
	}
	paletted, ok := m.(*image.Paletted)
	if !ok {
		tb.Fatalf("a picture of type %T, want one with a palette", m)
	}
	return paletted
}

func TestTheSameAnswerAndSeedGiveTheSamePicture(t *testing.T) {
	_, first := paint(t, painter(t), "a")
	_, second := paint(t, painter(t), "a")
	if !bytes.Equal(first, second) {
		t.Error("two pictures of one captcha")
	}
}

func TestAnotherSeedOrAnswerGivesAnotherPicture(t *testing.T) {
	p := painter(t)
	seen := map[string]string{}
	for _, answer := range []string{"ACDEFG", "ACDEFH"} {
		for seed := range 50 {
			picture, err := p.Paint(conversation.NewSecret(answer), [32]byte{byte(seed)})
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprint(answer, " ", seed)
			if other, ok := seen[string(picture)]; ok {
				t.Errorf("%s and %s are one picture", name, other)
			}
			seen[string(picture)] = name
		}
	}
}

func TestAC82_TheFileHoldsPixelsAndNothingElse(t *testing.T) {
	p := painter(t)
	for i := range 50 {
		answer, picture := paint(t, p, fmt.Sprint(i))
		if got, want := chunks(t, picture), []string{"IHDR", "PLTE", "IDAT", "IEND"}; !slices.Equal(got, want) {
			t.Fatalf("chunks %q, want %q", got, want)
		}
		if bytes.Contains(bytes.ToUpper(picture), []byte(answer)) {
			t.Error("the answer is in the file")
		}
	}
}

// chunks are the kinds of chunks of a PNG (W3C PNG, 5.3), in order, each once.
func chunks(t *testing.T, picture []byte) []string {
	t.Helper()
	var kinds []string
	for rest := picture[8:]; len(rest) > 0; {
		size := int(binary.BigEndian.Uint32(rest))
		kinds = append(kinds, string(rest[4:8]))
		rest = rest[12+size:]
	}
	return slices.Compact(kinds)
}

func TestErrorsSayNothingOfTheAnswer(t *testing.T) {
	p := painter(t)
	for _, answer := range []string{
		"", "ABCDEFGHJ", strings.Repeat("A", 10_000), "abcdef", "AC DEF", "ACDÉF", "AC-DEF", "🙂",
		"AC\x00D", "\xff",
	} {
		picture, err := p.Paint(conversation.NewSecret(answer), [32]byte{})
		if err == nil || picture != nil {
			t.Errorf("%q: no error", answer)
		} else if answer != "" && strings.Contains(err.Error(), answer) {
			t.Errorf("%q is in %q", answer, err)
		}
	}
}

// The levels of the palette, as painter.go names them.
const (
	inkLevel   = 15
	noiseLevel = 7
)

// written tells which pixels belong to characters rather than to noise.
func written(m *image.Paletted) []bool {
	ink := make([]bool, len(m.Pix))
	for i, level := range m.Pix {
		ink[i] = level > noiseLevel
	}
	return ink
}

func TestCharactersTouchNeitherTheFrameNorEachOther(t *testing.T) {
	const clear = 6 // pixels along the frame without ink
	p := painter(t)
	for i := range 500 {
		answer, picture := paint(t, p, fmt.Sprint(i))
		m := decode(t, picture)
		ink := written(m)
		inside := m.Rect.Inset(clear)
		for at, is := range ink {
			if is && !image.Pt(at%m.Stride, at/m.Stride).In(inside) {
				t.Fatalf("captcha %d: ink at %d, %d of %v", i, at%m.Stride, at/m.Stride, m.Rect)
			}
		}
		if got := pieces(ink, m.Stride); got != len(answer) {
			t.Errorf("captcha %d: %d pieces of ink for %d characters", i, got, len(answer))
		}
	}
}

// pieces counts what hangs together, corners included.
func pieces(ink []bool, stride int) int {
	left := slices.Clone(ink)
	count := 0
	for start := range left {
		if len(take(left, stride, start)) > 0 {
			count++
		}
	}
	return count
}

// take gives what hangs together with a pixel, and leaves none of it; nothing
// when the pixel is no ink.
func take(left []bool, stride, start int) []image.Point {
	if !left[start] {
		return nil
	}
	var piece []image.Point
	left[start] = false
	for todo := []int{start}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		piece = append(piece, image.Pt(at%stride, at/stride))
		for _, step := range []int{-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1} {
			if next := at + step; next >= 0 && next < len(left) && left[next] {
				left[next] = false
				todo = append(todo, next)
			}
		}
	}
	return piece
}

func TestEveryLengthFits(t *testing.T) {
	p := painter(t)
	for _, answer := range []string{
		"I", "W", "WW", "QW7", "WMWM", "WWWWW", "ABCDEFG", "WWWWWWWW", "11111111", "01234567", "89XYZSTU",
	} {
		picture, err := p.Paint(conversation.NewSecret(answer), [32]byte{7})
		if err != nil {
			t.Fatal(err)
		}
		m := decode(t, picture)
		if got := pieces(written(m), m.Stride); got != len(answer) {
			t.Errorf("%q: %d pieces of ink", answer, got)
		}
	}
}

func TestWhatIsWrittenStandsOutAgainstGroundAndNoise(t *testing.T) {
	p := painter(t)
	for i := range 20 {
		_, picture := paint(t, p, fmt.Sprint(i))
		m := decode(t, picture)
		for _, c := range m.Palette {
			if _, _, _, alpha := c.RGBA(); alpha != 0xffff {
				t.Fatalf("%v is not opaque", c)
			}
		}
		count := map[uint8]int{}
		for _, level := range m.Pix {
			count[level]++
		}
		if count[inkLevel] < 1500 {
			t.Errorf("captcha %d: only %d pixels are full ink", i, count[inkLevel])
		}
		// No character comes near the frame, so what is there is noise.
		darkest := uint8(0)
		for at, level := range m.Pix {
			if !image.Pt(at%m.Stride, at/m.Stride).In(m.Rect.Inset(6)) {
				darkest = max(darkest, level)
			}
		}
		if darkest == 0 {
			t.Errorf("captcha %d: no noise", i)
		}
		if got := contrast(m.Palette[inkLevel], m.Palette[0]); got < 7 {
			t.Errorf("ink on ground: %.1f to 1, want 7 (WCAG 1.4.6)", got)
		}
		if got := contrast(m.Palette[inkLevel], m.Palette[darkest]); got < 4.5 {
			t.Errorf("captcha %d: ink on noise: %.1f to 1, want 4.5 (WCAG 1.4.3)", i, got)
		}
	}
}

// contrast is the contrast ratio of WCAG 2.2.
func contrast(a, b color.Color) float64 {
	high, low := luminance(a), luminance(b)
	return (max(high, low) + 0.05) / (min(high, low) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(c color.Color) float64 {
	linear := func(channel uint32) float64 {
		v := float64(channel) / 0xffff
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	r, g, b, _ := c.RGBA()
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func TestAPictureIsSmallEnoughForACard(t *testing.T) {
	p := painter(t)
	for i := range 100 {
		if _, picture := paint(t, p, fmt.Sprint(i)); len(picture) > 7<<10 {
			t.Errorf("captcha %d: %d bytes", i, len(picture))
		}
	}
}

func TestPaintMayBeCalledFromManyGoroutines(t *testing.T) {
	p := painter(t)
	_, want := paint(t, p, "shared")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			picture, err := p.Paint(keys.CaptchaAnswer("shared"), keys.CaptchaSeed("shared"))
			if err != nil || !bytes.Equal(picture, want) {
				t.Errorf("another picture, %v", err)
			}
		})
	}
	all.Wait()
}

// asPNG draws rows of text: a letter for each pixel, # for black.
func asPNG(t *testing.T, scale int, colours map[byte]color.NRGBA, rows ...string) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, len(rows[0])*scale, len(rows)*scale))
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			m.SetNRGBA(x, y, colours[rows[y/scale][x/scale]])
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var colours = map[byte]color.NRGBA{
	'#': {0, 0, 0, 255}, '.': {255, 255, 255, 255}, 'n': {141, 144, 166, 255}, ' ': {0, 0, 0, 0},
}

func TestBlocksDrawWhatIsDark(t *testing.T) {
	for name, test := range map[string]struct {
		rows []string
		want string
	}{
		"a bar":               {[]string{"....", ".##.", "...."}, strings.Repeat("█", 20)},
		"noise is left out":   {[]string{"nnnn", "n##n", "nnnn"}, strings.Repeat("█", 20)},
		"nothing transparent": {[]string{"    ", " ## ", "    "}, strings.Repeat("█", 20)},
		"a high one":          {slices.Repeat([]string{".#."}, 50), strings.Repeat("█", 20)},
		"with a hole":         {[]string{"#..#"}, "█████" + strings.Repeat(" ", 10) + "█████"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := captcha.Blocks(asPNG(t, 10, colours, test.rows...), 20)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(got) {
				if line = strings.TrimSuffix(line, "\n"); strings.Trim(line, "▀▘▝") != "" && line != test.want {
					t.Errorf("got\n%s\nwant lines of\n%s", got, test.want)
				}
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("got\n%s\nwant a line\n%s", got, test.want)
			}
		})
	}
}

// An 80-column terminal of 24 lines has room for the picture and the question.
func TestBlocksOfACaptchaFitATerminal(t *testing.T) {
	p := painter(t)
	for i := range 100 {
		_, picture := paint(t, p, fmt.Sprint(i))
		drawn, err := captcha.Blocks(picture, 78)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(drawn, "\n")
		if len(lines) < 6 || len(lines) > 15 {
			t.Errorf("captcha %d: %d lines:\n%s", i, len(lines), drawn)
		}
		wantBlocks(t, drawn, 78)
	}
}

// wantBlocks asks for lines of block characters, none too long.
func wantBlocks(t *testing.T, drawn string, columns int) {
	t.Helper()
	for line := range strings.Lines(drawn) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); n > columns {
			t.Errorf("a line of %d characters in %d columns", n, columns)
		}
		if rest := strings.Trim(line, " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"); rest != "" {
			t.Errorf("no block characters in %q", line)
		}
	}
}

// Whoever asks for a width has it from a terminal, which may tell anything.
func TestBlocksFitEveryWidth(t *testing.T) {
	_, picture := paint(t, painter(t), "a")
	for columns, most := range map[int]int{
		math.MinInt: 20, -1: 20, 0: 20, 20: 20, 21: 21, 80: 80, 81: 80, 500: 80, math.MaxInt: 80,
	} {
		drawn, err := captcha.Blocks(picture, columns)
		if err != nil {
			t.Fatal(err)
		}
		wantBlocks(t, drawn, most)
		if lines := strings.Count(drawn, "\n") + 1; lines > most/5 {
			t.Errorf("%d lines in %d columns", lines, columns)
		}
	}
}

func TestBlocksRefuseWhatTheyCannotDraw(t *testing.T) {
	_, picture := paint(t, painter(t), "a")
	huge := bytes.Clone(picture)
	binary.BigEndian.PutUint32(huge[16:], 1<<20) // width and height are in IHDR, from byte 16 on
	binary.BigEndian.PutUint32(huge[20:], 1<<20)
	for name, picture := range map[string][]byte{
		"nothing":           nil,
		"no PNG":            []byte("GIF89a"),
		"half a PNG":        picture[:len(picture)/2],
		"a huge one":        huge,
		"a white one":       asPNG(t, 1, colours, "...."),
		"a transparent one": asPNG(t, 1, colours, "    "),
		"nothing but noise": asPNG(t, 1, colours, "nnnn"),
	} {
		if drawn, err := captcha.Blocks(picture, 78); err == nil || drawn != "" {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzBlocks(f *testing.F) {
	_, picture := paint(f, painter(f), "a")
	f.Add(picture, 78)
	f.Add(picture[:100], 20)
	f.Add([]byte("\x89PNG\r\n\x1a\n"), 400)
	f.Fuzz(func(t *testing.T, picture []byte, columns int) {
		drawn, err := captcha.Blocks(picture, columns)
		if (err == nil) != (drawn != "") {
			t.Errorf("%d characters and the error %v", len(drawn), err)
		}
		wantBlocks(t, drawn, 80)
	})
}

func BenchmarkPaint(b *testing.B) {
	p := painter(b)
	answer, size := keys.CaptchaAnswer("bench"), 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		picture, err := p.Paint(answer, [32]byte{byte(i), byte(i >> 8)})
		if err != nil {
			b.Fatal(err)
		}
		size += len(picture)
	}
	b.ReportMetric(float64(size)/float64(b.N), "bytes/picture")
}

func BenchmarkBlocks(b *testing.B) {
	_, picture := paint(b, painter(b), "bench")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := captcha.Blocks(picture, 78); err != nil {
			b.Fatal(err)
		}
	}
}
