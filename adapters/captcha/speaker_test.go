package captcha_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resetbot/adapters/captcha"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

var locales = []string{words.Dutch, words.English}

// speak says the captcha that the wizard would make of an id.
func speak(tb testing.TB, p *captcha.Painter, id, locale string) (answer string, sound []byte) {
	tb.Helper()
	secret := keys.CaptchaAnswer(id)
	sound, err := p.Speak(secret, keys.CaptchaSoundSeed(id), locale)
	if err != nil {
		tb.Fatal(err)
	}
	return secret.Reveal(), sound
}

// wave is a WAV file, read by the letter of its specification.
type wave struct {
	Chunks                   []string
	Format, Channels         uint16
	Rate, BytesASecond       uint32
	BytesAFrame, BitsASample uint16
	samples                  []float64
	declared                 int // size in the header
}

// readWave reads sound, in which nothing may be left over.
func readWave(tb testing.TB, sound []byte) wave {
	tb.Helper()
	if len(sound) < 12 || string(sound[:4]) != "RIFF" || string(sound[8:12]) != "WAVE" {
		tb.Fatal("no RIFF WAVE")
	}
	little := binary.LittleEndian
	w := wave{declared: int(little.Uint32(sound[4:]))}
	for rest := sound[12:]; len(rest) > 0; {
		kind, size := string(rest[:4]), int(little.Uint32(rest[4:]))
		body := rest[8 : 8+size]
		w.Chunks = append(w.Chunks, kind)
		switch kind {
		case "fmt ":
			w.Format, w.Channels = little.Uint16(body), little.Uint16(body[2:])
			w.Rate, w.BytesASecond = little.Uint32(body[4:]), little.Uint32(body[8:])
			w.BytesAFrame, w.BitsASample = little.Uint16(body[12:]), little.Uint16(body[14:])
		case "data":
			for i := 0; i < size; i += 2 {
				w.samples = append(w.samples, float64(int16(little.Uint16(body[i:])))/0x8000)
			}
		}
		rest = rest[8+size:]
	}
	return w
}

func (w wave) seconds() float64 { return float64(len(w.samples)) / float64(w.Rate) }

// strength is the root of the mean square.
func strength(samples []float64) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += s * s
	}
	return math.Sqrt(sum / float64(max(1, len(samples))))
}

func peak(samples []float64) float64 {
	highest := 0.0
	for _, s := range samples {
		highest = max(highest, math.Abs(s))
	}
	return highest
}

func TestTheSoundIsAWaveThatEveryBrowserPlays(t *testing.T) {
	p := painter(t)
	for _, locale := range locales {
		_, sound := speak(t, p, "a", locale)
		got := readWave(t, sound)
		want := wave{
			Chunks: []string{"fmt ", "data"}, Format: 1, Channels: 1,
			Rate: 8000, BytesASecond: 16000, BytesAFrame: 2, BitsASample: 16,
		}
		if diff := cmp.Diff(want, got, cmp.FilterPath(func(path cmp.Path) bool {
			field, ok := path.Last().(cmp.StructField)
			return ok && field.Name() == strings.ToLower(field.Name()[:1])+field.Name()[1:]
		}, cmp.Ignore())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", locale, diff)
		}
		if got.declared != len(sound)-8 {
			t.Errorf("%s: the header says %d bytes, there are %d", locale, got.declared, len(sound)-8)
		}
	}
}

func TestTheSameAnswerSeedAndLanguageGiveTheSameSound(t *testing.T) {
	_, first := speak(t, painter(t), "a", words.Dutch)
	_, second := speak(t, painter(t), "a", words.Dutch)
	if !bytes.Equal(first, second) {
		t.Error("two sounds of one captcha")
	}
}

func TestAnotherSeedAnswerOrLanguageGivesAnotherSound(t *testing.T) {
	p := painter(t)
	seen := map[string]string{}
	for _, answer := range []string{"ACDEFG", "ACDEFH", "GFEDCA"} {
		for seed := range 4 {
			for _, locale := range locales {
				sound, err := p.Speak(conversation.NewSecret(answer), [32]byte{byte(seed)}, locale)
				if err != nil {
					t.Fatal(err)
				}
				name := fmt.Sprint(answer, " ", seed, " ", locale)
				if other, ok := seen[string(sound)]; ok {
					t.Errorf("%s and %s are one sound", name, other)
				}
				seen[string(sound)] = name
			}
		}
	}
}

func TestALanguageThatIsNotSpokenIsDutch(t *testing.T) {
	p := painter(t)
	_, dutch := speak(t, p, "a", words.Dutch)
	_, english := speak(t, p, "a", words.English)
	for locale, want := range map[string][]byte{
		"": dutch, "fr": dutch, "nl-BE": dutch, "en-US": english, "EN": english,
	} {
		if _, got := speak(t, p, "a", locale); !bytes.Equal(got, want) {
			t.Errorf("%q is spoken in another language", locale)
		}
	}
}

func TestACaptchaTakesTwelveToTwentySecondsAndIsNeverCutOff(t *testing.T) {
	p := painter(t)
	for i := range 12 {
		for _, locale := range locales {
			_, sound := speak(t, p, fmt.Sprint(i), locale)
			w := readWave(t, sound)
			if s := w.seconds(); s < 12 || s > 20 || len(sound) > 320<<10 {
				t.Errorf("captcha %d, %s: %.1f s, %d bytes", i, locale, s, len(sound))
			}
			if high := peak(w.samples); high > 0.98 || high < 0.5 {
				t.Errorf("captcha %d, %s: the highest sample is %.2f", i, locale, high)
			}
		}
	}
}

func TestTheLongestOfEightCharactersFits(t *testing.T) {
	p := painter(t)
	for _, locale := range locales {
		for r := range p.Clips(locale) {
			for _, n := range []int{8} {
				answer := strings.Repeat(string(r), n)
				sound, err := p.Speak(conversation.NewSecret(answer), [32]byte{byte(n)}, locale)
				if err != nil || len(sound) > 400_000 {
					t.Errorf("%s %s: %d bytes, %v", locale, answer, len(sound), err)
				}
			}
		}
	}
}

// What is said must be heard at once by a tired person: vowels are much stronger
// than what lies under them.
func TestSpeechStandsOutAgainstWhatLiesUnderIt(t *testing.T) {
	const frame = 400 // 50 ms
	p := painter(t)
	for i := range 10 {
		for _, locale := range locales {
			_, sound := speak(t, p, fmt.Sprint(i), locale)
			var levels []float64
			for part := range slices.Chunk(readWave(t, sound).samples, frame) {
				levels = append(levels, strength(part))
			}
			slices.Sort(levels)
			// The six pauses are a quarter of it at least, the vowels a quarter too.
			under, speech := levels[len(levels)/8], levels[len(levels)*7/8]
			if under == 0 {
				t.Errorf("captcha %d, %s: nothing lies under it", i, locale)
			}
			if speech < 8*under {
				t.Errorf("captcha %d, %s: speech of %.3f over %.3f, want eight times as much", i, locale, speech, under)
			}
		}
	}
}

func TestEveryCharacterOfTheAlphabetHasAClipInBothLanguages(t *testing.T) {
	p := painter(t)
	for _, locale := range locales {
		clips := p.Clips(locale)
		for _, r := range conversation.CaptchaAlphabet {
			c := clips[r]
			if s := float64(len(c)) / 8000; s < 0.6 || s > 1.6 {
				t.Errorf("%s %c: %.2f s", locale, r, s)
			}
			if high, mean := peak(c), strength(c); high < 0.65 || high > 0.75 || mean < 0.06 {
				t.Errorf("%s %c: the highest sample is %.2f, the strength %.2f", locale, r, high, mean)
			}
			if high := max(peak(c[:8]), peak(c[len(c)-8:])); high > 0.05 {
				t.Errorf("%s %c: %.2f at an end, which clicks", locale, r, high)
			}
		}
		if len(clips) != len(conversation.CaptchaAlphabet) {
			t.Errorf("%s: %d clips for %d characters", locale, len(clips), len(conversation.CaptchaAlphabet))
		}
	}
}

// Two clips that sound alike would also look alike, wherever one is laid over
// the other.
func TestNoTwoClipsAreAlike(t *testing.T) {
	p := painter(t)
	for _, locale := range locales {
		shapes := map[rune][]float64{}
		for r, c := range p.Clips(locale) {
			shapes[r] = outline(c)
		}
		for _, a := range conversation.CaptchaAlphabet {
			for _, b := range conversation.CaptchaAlphabet {
				if a > b {
					continue
				}
				got := likeness(shapes[a], shapes[b])
				if a != b && got > 0.75 {
					t.Errorf("%s: %c and %c are alike by %.2f", locale, a, b, got)
				}
				if a == b && got < 0.99 {
					t.Errorf("%s: %c is alike to itself by %.2f", locale, a, got)
				}
			}
		}
	}
}

// outline is a clip at 1 kHz: the pitch and the first formant, by which vowels
// and so words are told apart.
func outline(c []float64) []float64 {
	var out []float64
	for part := range slices.Chunk(c, 8) {
		sum := 0.0
		for _, s := range part {
			sum += s
		}
		out = append(out, sum/8)
	}
	return out
}

// likeness is the highest correlation of two clips within a shift of 0.2 s; 1
// is the same.
func likeness(a, b []float64) float64 {
	const shift = 200
	highest := 0.0
	for by := -shift; by <= shift; by++ {
		sum := 0.0
		for i := max(0, -by); i < len(a) && i+by < len(b); i++ {
			sum += a[i] * b[i+by]
		}
		highest = max(highest, math.Abs(sum))
	}
	scale := strength(a) * strength(b) * math.Sqrt(float64(len(a))*float64(len(b)))
	return highest / scale
}

func TestAC82_TheSoundHoldsSamplesAndNothingElse(t *testing.T) {
	p := painter(t)
	for i := range 10 {
		for _, locale := range locales {
			answer, sound := speak(t, p, fmt.Sprint(i), locale)
			if got, want := readWave(t, sound).Chunks, []string{"fmt ", "data"}; !slices.Equal(got, want) {
				t.Fatalf("chunks %q, want %q", got, want)
			}
			if bytes.Contains(bytes.ToUpper(sound), []byte(answer)) {
				t.Error("the answer is in the file")
			}
		}
	}
}

func TestAC82_SoundAndPictureHaveSeedsOfTheirOwn(t *testing.T) {
	if keys.CaptchaSeed("a") == keys.CaptchaSoundSeed("a") {
		t.Error("one seed for both: who knows how the picture is bent knows the sound's pauses")
	}
}

func TestErrorsOfASoundSayNothingOfTheAnswer(t *testing.T) {
	p := painter(t)
	for _, answer := range []string{
		"", "ACDEFGHJK", strings.Repeat("A", 10_000), "acdefg", "AC DEF", "ACDÉF", "B", "0", "🙂",
		"AC\x00D", "\xff",
	} {
		sound, err := p.Speak(conversation.NewSecret(answer), [32]byte{}, words.Dutch)
		if err == nil || sound != nil {
			t.Errorf("%q: no error", answer)
		} else if len(answer) > 1 && strings.Contains(err.Error(), answer) {
			t.Errorf("%q is in %q", answer, err)
		}
	}
}

func TestAFileThatIsNoClipIsRefused(t *testing.T) {
	good, err := os.ReadFile(filepath.Join("clips", "nl", "A.au"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(field int, value uint32) []byte {
		file := slices.Clone(good)
		binary.BigEndian.PutUint32(file[4*field:], value)
		return file
	}
	for name, file := range map[string][]byte{
		"nothing": nil, "half a header": good[:20], "another kind": append([]byte("RIFF"), good[4:]...),
		"samples within the header": with(1, 8), "samples behind the end": with(1, uint32(len(good))),
		"another encoding": with(3, 3), "another rate": with(4, 16000), "two channels": with(5, 2),
	} {
		if samples, err := captcha.SamplesOf(file); err == nil || samples != nil {
			t.Errorf("%s: no error", name)
		}
	}
	if samples, err := captcha.SamplesOf(good); err != nil || len(samples) == 0 {
		t.Errorf("the clip itself: %v", err)
	}
}

func TestSpeakMayBeCalledFromManyGoroutines(t *testing.T) {
	p := painter(t)
	_, want := speak(t, p, "a", words.Dutch)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			got, err := p.Speak(keys.CaptchaAnswer("a"), keys.CaptchaSoundSeed("a"), words.Dutch)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("another sound, or %v", err)
			}
		})
	}
	all.Wait()
}

func FuzzSpeak(f *testing.F) {
	p := painter(f)
	f.Add("ACDEFG", []byte("seed"), "nl")
	f.Add("3679", []byte{}, "en")
	f.Add("b", []byte{1}, "")
	f.Fuzz(func(t *testing.T, answer string, seed []byte, locale string) {
		var fixed [32]byte
		copy(fixed[:], seed)
		sound, err := p.Speak(conversation.NewSecret(answer), fixed, locale)
		if (err == nil) != (sound != nil) {
			t.Fatalf("%d bytes and the error %v", len(sound), err)
		}
		if err == nil && peak(readWave(t, sound).samples) > 0.98 {
			t.Error("cut off")
		}
	})
}

func FuzzSamplesOf(f *testing.F) {
	f.Add([]byte(".snd\x00\x00\x00\x18\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x1f\x40\x00\x00\x00\x01\xff"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		samples, err := captcha.SamplesOf(file)
		if (err == nil) != (len(samples) > 0) || len(samples) > len(file) {
			t.Errorf("%d samples and the error %v", len(samples), err)
		}
	})
}

func BenchmarkSpeak(b *testing.B) {
	p := painter(b)
	answer, size := keys.CaptchaAnswer("bench"), 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		sound, err := p.Speak(answer, [32]byte{byte(i), byte(i >> 8)}, words.Dutch)
		if err != nil {
			b.Fatal(err)
		}
		size += len(sound)
	}
	b.ReportMetric(float64(size)/float64(b.N), "bytes/sound")
}
