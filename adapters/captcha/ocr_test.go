package captcha_test

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"resetbot/conversation"
)

// ocrCount is how many captchas are read: enough to see a defect, or as many as
// are asked for. What is here stays out of the way where Tesseract is not.
func ocrCount(t *testing.T) int {
	t.Helper()
	if _, err := exec.LookPath("tesseract"); err != nil {
		t.Skip("Tesseract is not here: apt-get install tesseract-ocr")
	}
	asked := os.Getenv("RESETBOT_CAPTCHA_OCR")
	if asked == "" {
		return 150
	}
	count, err := strconv.Atoi(asked)
	if err != nil || count < 1 {
		t.Fatalf("RESETBOT_CAPTCHA_OCR is %q; write how many captchas to read", asked)
	}
	return count
}

// Tesseract's page segmentation modes that suit one line of text (a block, a
// line, a word, text anywhere, a line read without tricks), and one character.
var lineModes = []int{6, 7, 8, 11, 13}

const characterMode = 10

// Less than two of a hundred, and that of all modes and preparations together:
// whoever uses them has one answer to give, and does not know which is right.
func TestAC82_OCRReadsHardlyAnyCaptcha(t *testing.T) {
	count := ocrCount(t)
	p := painter(t)
	solved := make([]bool, count)
	for name, prepared := range map[string]func(*image.Paletted) image.Image{
		"as it is":                  func(m *image.Paletted) image.Image { return m },
		"without noise, three-fold": withoutNoise,
	} {
		answers, pictures := make([]string, count), make([]image.Image, count)
		for i := range count {
			answer, picture := paint(t, p, fmt.Sprint("ocr ", i))
			answers[i], pictures[i] = answer, prepared(decode(t, picture))
		}
		files := saved(t, pictures)
		for _, mode := range lineModes {
			right := 0
			for i, words := range tesseract(t, files, mode) {
				if joined(words) == answers[i] {
					right++
					solved[i] = true
				}
			}
			t.Logf("%s, mode %d: %d of %d", name, mode, right, count)
		}
	}
	most := 0
	for _, is := range solved {
		if is {
			most++
		}
	}
	t.Logf("by any of these: %d of %d", most, count)
	if most*50 >= count {
		t.Errorf("Tesseract reads %d of %d captchas, want less than 2 of a hundred", most, count)
	}
}

// A program that was written for this captcha takes the characters apart, which
// never touch, and sets each upright before it is read. That it succeeds now
// and then is the price of characters that people can read; how often is told,
// and nothing in resetbot depends on it.
func TestWhatAProgramWrittenForThisCaptchaReads(t *testing.T) {
	if os.Getenv("RESETBOT_CAPTCHA_OCR") == "" {
		t.Skip("measures, and asks for nothing: RESETBOT_CAPTCHA_OCR=100")
	}
	count := ocrCount(t)
	angles := []float64{-0.5, -0.44, -0.38, 0.38, 0.44, 0.5}
	p := painter(t)
	var answers []string
	var pictures []image.Image
	for i := range count {
		answer, picture := paint(t, p, fmt.Sprint("ocr ", i))
		answers = append(answers, answer)
		for _, piece := range piecesOf(decode(t, picture)) {
			for _, angle := range angles {
				pictures = append(pictures, upright(piece, angle))
			}
		}
	}
	read := tesseract(t, saved(t, pictures), characterMode)
	right := 0
	for i, answer := range answers {
		var guess strings.Builder
		for j := range answer {
			at := (i*conversation.CaptchaLength + j) * len(angles)
			guess.WriteString(surest(read[at : at+len(angles)]))
		}
		if guess.String() == answer {
			right++
		}
	}
	t.Logf("%d of %d", right, count)
}

// word is what Tesseract read somewhere, and how sure it is of it, up to 100.
type word struct {
	text string
	sure float64
}

func joined(words []word) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w.text)
	}
	return b.String()
}

// surest is the one character that was read with the most certainty.
func surest(tries [][]word) string {
	var best word
	for _, words := range tries {
		if len(words) == 1 && len(words[0].text) == 1 && words[0].sure > best.sure {
			best = words[0]
		}
	}
	return best.text
}

// saved writes pictures into files.
func saved(t *testing.T, pictures []image.Image) []string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for i, picture := range pictures {
		name := filepath.Join(dir, fmt.Sprint(i, ".png"))
		save(t, name, asFile(t, picture))
		files = append(files, name)
	}
	return files
}

// tesseract reads files, all in one go: most of its time is its start.
func tesseract(t *testing.T, files []string, mode int) [][]word {
	t.Helper()
	names := filepath.Join(t.TempDir(), "list.txt")
	save(t, names, []byte(strings.Join(files, "\n")+"\n"))
	cmd := exec.CommandContext(t.Context(), "tesseract", names, "-", "--psm", fmt.Sprint(mode),
		"-c", "tessedit_char_whitelist="+conversation.CaptchaAlphabet, "tsv")
	cmd.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1") // more are slower
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	read := make([][]word, len(files))
	for line := range strings.Lines(string(out)) {
		const level, page, sure, text, columns = 0, 1, 10, 11, 12 // of Tesseract's TSV; words are level 5
		column := strings.Split(strings.TrimSpace(line), "\t")
		if len(column) != columns || column[level] != "5" {
			continue
		}
		at, err := strconv.Atoi(column[page])
		if err != nil || at < 1 || at > len(read) {
			t.Fatalf("a word on page %q of %d", column[page], len(read))
		}
		certainty, err := strconv.ParseFloat(column[sure], 64)
		if err != nil {
			t.Fatal(err)
		}
		read[at-1] = append(read[at-1], word{column[text], certainty})
	}
	return read
}

// withoutNoise leaves the characters alone: whoever knows the palette can do
// that.
func withoutNoise(m *image.Paletted) image.Image {
	const scale = 3
	large := image.NewGray(image.Rect(0, 0, scale*m.Rect.Dx(), scale*m.Rect.Dy()))
	ink := written(m)
	for i := range large.Pix {
		x, y := i%large.Stride/scale, i/large.Stride/scale
		large.Pix[i] = grey(ink[y*m.Stride+x])
	}
	return large
}

func grey(ink bool) uint8 {
	if ink {
		return 0
	}
	return 0xff
}

// piecesOf are the characters of a captcha, from left to right.
func piecesOf(m *image.Paletted) [][]image.Point {
	left := written(m)
	var all [][]image.Point
	for start := range left {
		if piece := take(left, m.Stride, start); len(piece) > 0 {
			all = append(all, piece)
		}
	}
	slices.SortFunc(all, func(a, b []image.Point) int { return cmp.Compare(middle(a).X, middle(b).X) })
	return all
}

func middle(piece []image.Point) image.Point {
	var sum image.Point
	for _, q := range piece {
		sum = sum.Add(q)
	}
	return sum.Div(len(piece))
}

// upright turns a character by so many radians, and enlarges it.
func upright(piece []image.Point, angle float64) image.Image {
	const size, scale = 160, 2
	ink := map[image.Point]bool{}
	for _, q := range piece {
		ink[q] = true
	}
	sin, cos := math.Sincos(angle)
	around := middle(piece)
	m := image.NewGray(image.Rect(0, 0, size, size))
	for i := range m.Pix {
		x, y := float64(i%size-size/2)/scale, float64(i/size-size/2)/scale
		at := image.Pt(int(math.Round(x*cos-y*sin)), int(math.Round(x*sin+y*cos)))
		m.Pix[i] = grey(ink[at.Add(around)])
	}
	return m
}
