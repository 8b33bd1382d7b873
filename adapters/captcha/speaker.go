package captcha

import (
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// The same riddle for who does not see it: a voice says each of the characters
// with a word that begins with it, "A van Anna", so that C, D, E and P are told
// apart, or by a digit. Like the picture it is a brake: every recogniser that
// was trained on speech will understand it, and people must, at once.

// rate is how many samples the clips and the sound have a second: what a
// telephone has, which telephone alphabets were made for.
const rate = 8000

// clipFiles are made by clips/make.sh; clips/NOTICE says of what.
//
//go:embed clips/nl/*.au clips/en/*.au
var clipFiles embed.FS

// voice says things in one language.
type voice struct {
	intro      clip          // "the characters are"
	characters map[rune]clip // each with its word
	all        []clip        // the same in a fixed order
}

// clip is a stretch of speech, its ends silent: G.711 µ-law, one byte a sample.
type clip []byte

func loadVoices() (map[string]voice, error) {
	voices := map[string]voice{}
	for _, locale := range []string{words.Dutch, words.English} {
		v, err := loadVoice(path.Join("clips", locale))
		if err != nil {
			return nil, err
		}
		voices[locale] = v
	}
	return voices, nil
}

func loadVoice(dir string) (voice, error) {
	v := voice{characters: map[rune]clip{}}
	var err error
	if v.intro, err = loadClip(path.Join(dir, "intro.au")); err != nil {
		return voice{}, err
	}
	for _, r := range conversation.CaptchaAlphabet {
		spoken, err := loadClip(path.Join(dir, string(r)+".au"))
		if err != nil {
			return voice{}, err
		}
		v.characters[r] = spoken
		v.all = append(v.all, spoken)
	}
	return v, nil
}

func loadClip(name string) (clip, error) {
	file, err := clipFiles.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading a clip: %w", err)
	}
	spoken, err := samplesOf(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return spoken, nil
}

// errClip says that a file is not as clips/make.sh makes it.
var errClip = errors.New("no clip of mu-law, 8 kHz, one channel")

// samplesOf takes the samples out of an .au file: ".snd", then where the samples
// begin, how many bytes they are, encoding (1 is µ-law), rate and channels, all
// big-endian (Sun's audio(5), <audio/au.h>).
func samplesOf(file []byte) (clip, error) {
	const header = 24
	if len(file) < header || string(file[:4]) != ".snd" {
		return nil, errClip
	}
	field := func(n int) int { return int(binary.BigEndian.Uint32(file[4*n:])) }
	begin, encoding, hertz, channels := field(1), field(3), field(4), field(5)
	if begin < header || begin >= len(file) || encoding != 1 || hertz != rate || channels != 1 {
		return nil, errClip
	}
	return clip(file[begin:]), nil
}

// at is the sample at a place between two, from -1 to 1.
func (c clip) at(place float64) float64 {
	i := int(place)
	if i+1 >= len(c) {
		return 0
	}
	before, after := level(c[i]), level(c[i+1])
	return before + (place-float64(i))*(after-before)
}

// level is a µ-law byte as a level from -1 to 1 (ITU-T G.711, table 2): all bits
// inverted are a sign, three bits of segment, four of interval. Each segment is
// twice as long as the one before, and begins 33 steps before itself.
func level(b byte) float64 {
	const bias, full = 33, 8159
	b = ^b
	magnitude := (int(b&0x0f)<<1+bias)<<(b>>4&7) - bias
	if b&0x80 != 0 {
		magnitude = -magnitude
	}
	return float64(magnitude) / full
}

// Speak says answer, of one to eight characters of the captcha's alphabet, in the
// language of locale: a WAV of 16 bits a sample, 8 kHz, one channel. Six
// characters are 12 to 20 seconds, and never more than 320 kB. The same answer,
// seed and language give the same sound, on one kind of processor; on another,
// a sample may differ by one step. An error says nothing of the answer.
func (p *Painter) Speak(answer conversation.Secret, seed [32]byte, locale string) ([]byte, error) {
	text := answer.Reveal()
	if len(text) == 0 || len(text) > maxLength {
		return nil, fmt.Errorf("saying a captcha of %d characters: 1 to %d can be kept in mind", len(text), maxLength)
	}
	v := p.voices[words.Locale(locale)]
	if strings.ContainsFunc(text, func(r rune) bool { return v.characters[r] == nil }) {
		return nil, errUnspoken
	}
	t := &tape{random: rand.New(rand.NewChaCha8(seed)), samples: make([]float64, 0, 20*rate)}
	t.pause(0.3, 0.5)
	t.say(v.intro)
	for _, r := range text {
		t.pause(0.7, 1)
		t.say(v.characters[r])
	}
	t.pause(0.4, 0.6)
	t.murmur(v.all)
	t.hiss()
	return t.wav(), nil
}

// errUnspoken does not say which.
var errUnspoken = errors.New("saying a captcha: a character that is not in its alphabet")

// How loud the parts are. A clip's peaks are at 0.71; both murmurs and the hiss
// add 0.16 at the most, so that nothing is ever cut off. Vowels are eight times as
// strong as what lies under them in the pauses (RMS; a test measures it).
const (
	quietest, loudest = 0.85, 1.0
	murmurLevel       = 0.1
	hissLevel         = 0.02
)

// tape is a sound that is being made.
type tape struct {
	random  *rand.Rand
	samples []float64 // -1 to 1
}

// pause is silence of so many seconds: long enough to type a character.
func (t *tape) pause(shortest, longest float64) {
	seconds := within(t.random, shortest, longest)
	t.samples = append(t.samples, make([]float64, int(seconds*rate))...)
}

// say says c, a little slower and lower, or quicker and higher, than it was.
func (t *tape) say(c clip) {
	speed, volume := within(t.random, 0.94, 1.05), within(t.random, quietest, loudest)
	for place := 0.0; place < float64(len(c)); place += speed {
		t.samples = append(t.samples, volume*c.at(place))
	}
}

// murmur lays two voices under all of it that say other things backwards: what
// sounds like speech, means nothing, and is hard to tell from speech by a
// program.
func (t *tape) murmur(all []clip) {
	for range 2 {
		for from := t.random.IntN(rate / 2); from < len(t.samples); {
			c := all[t.random.IntN(len(all))]
			speed := within(t.random, 0.8, 1.2)
			for place := float64(len(c) - 1); place >= 0 && from < len(t.samples); place -= speed {
				t.samples[from] += murmurLevel * c.at(place)
				from++
			}
			from += t.random.IntN(rate / 4)
		}
	}
}

// hiss is noise under all of it, duller than white.
func (t *tape) hiss() {
	last := 0.0
	for i := range t.samples {
		last += (within(t.random, -hissLevel, hissLevel) - last) / 2
		t.samples[i] += last
	}
}

// wav writes the sound as RIFF WAVE, PCM (Multimedia Programming Interface and
// Data Specifications 1.0, 1991).
func (t *tape) wav() []byte {
	const pcm, channels, width, formatSize = 1, 1, 2, 16 // width in bytes
	size := width * len(t.samples)
	little := binary.LittleEndian
	b := make([]byte, 0, 44+size)
	b = little.AppendUint32(append(b, "RIFF"...), uint32(36+size))
	b = little.AppendUint32(append(b, "WAVEfmt "...), formatSize)
	b = little.AppendUint16(b, pcm)
	b = little.AppendUint16(b, channels)
	b = little.AppendUint32(b, rate)
	b = little.AppendUint32(b, rate*channels*width)
	b = little.AppendUint16(b, channels*width)
	b = little.AppendUint16(b, 8*width)
	b = little.AppendUint32(append(b, "data"...), uint32(size))
	for _, sample := range t.samples {
		b = little.AppendUint16(b, uint16(int16(sample*0x7fff)))
	}
	return b
}
