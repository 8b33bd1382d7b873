package captcha_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"os"
	"slices"
	"strconv"
	"testing"

	"resetbot/conversation"
)

// How clear the speech is, measured. Nobody but a person can say whether a person
// understands it; this says what can be measured without one: that each thing
// that is said stands apart, how far it is from everything else that could have
// been said, and how much of that is lost in the captcha.

// heardCount is how many captchas are listened to in each language.
func heardCount(t *testing.T) int {
	t.Helper()
	asked := os.Getenv("RESETBOT_CAPTCHA_SPEECH")
	if asked == "" {
		return 3
	}
	count, err := strconv.Atoi(asked)
	if err != nil || count < 1 {
		t.Fatalf("RESETBOT_CAPTCHA_SPEECH is %q; write how many captchas to listen to", asked)
	}
	return count
}

// A listener who has only the sound finds the seven things that are said, and
// takes the last six for what they are: at whatever speed they are said, with
// all that lies under them. This one hears as telephones and recognisers do, by
// the shape of the spectrum over time, and is duller than people, who hear
// through what lies under it.
func TestTheCharactersOfACaptchaAreHeardForWhatTheyAre(t *testing.T) {
	p := painter(t)
	for _, locale := range locales {
		known := map[rune][][]float64{}
		for r, c := range p.Clips(locale) {
			known[r] = cepstra(c)
		}
		var m measure
		for i := range heardCount(t) {
			answer, sound := speak(t, p, fmt.Sprint("heard ", i), locale)
			wave := readWave(t, sound)
			said := apart(wave.samples)
			m.lasted(wave.seconds(), said, wave.samples)
			if len(said) != 1+conversation.CaptchaLength {
				t.Errorf("%s, captcha %d: %d things are said, want 7", locale, i, len(said))
				continue
			}
			for j, r := range answer {
				m.hear(known, said[1+j], r)
			}
		}
		t.Logf("%s: %d of %d are taken for what they are; mistaken: %v", locale, m.heard-len(m.mistaken), m.heard, m.mistaken)
		t.Logf("%s: a clip and the same one in a captcha are %.2f apart, the next one is %.2f (average)",
			locale, m.right/float64(m.heard), m.other/float64(m.heard))
		t.Logf("%s: %.1f to %.1f s, a character %.2f to %.2f s, %.0f dB above what lies in the pauses (%.0f at least)", locale,
			slices.Min(m.whole), slices.Max(m.whole), slices.Min(m.one), slices.Max(m.one), average(m.above), slices.Min(m.above))
		pairs := likest(known)
		for _, a := range pairs[:5] {
			t.Logf("%s: %c and %c are %.2f apart", locale, a.a, a.b, a.apart)
		}
		if len(m.mistaken)*10 > m.heard {
			t.Errorf("%s: %d of %d are taken for another, want less than one in ten", locale, len(m.mistaken), m.heard)
		}
		if pairs[0].apart < 1.5 {
			t.Errorf("%s: %c and %c sound alike, %.2f apart", locale, pairs[0].a, pairs[0].b, pairs[0].apart)
		}
	}
}

// measure is what came of all that was heard.
type measure struct {
	heard        int
	right, other float64  // sums: how far it was from what it is, and from the nearest other
	mistaken     []string // "A as K"

	whole, one, above []float64 // seconds, seconds, and decibels
}

// lasted notes how long a captcha and what is said in it take, and how much
// louder that is than all the rest.
func (m *measure) lasted(whole float64, said [][]float64, samples []float64) {
	m.whole = append(m.whole, whole)
	speech, spoken := 0.0, 0
	for i, s := range said {
		speech += strength(s) * strength(s) * float64(len(s))
		spoken += len(s)
		if i > 0 {
			m.one = append(m.one, float64(len(s))/8000)
		}
	}
	all := strength(samples) * strength(samples) * float64(len(samples))
	rest := (all - speech) / float64(len(samples)-spoken)
	m.above = append(m.above, 10*math.Log10(speech/float64(spoken)/rest))
}

func average(of []float64) float64 {
	sum := 0.0
	for _, v := range of {
		sum += v / float64(len(of))
	}
	return sum
}

// hear takes said for the clip that is nearest; r is what it is.
func (m *measure) hear(known map[rune][][]float64, said []float64, r rune) {
	heard := cepstra(said)
	right, other, as := 0.0, math.Inf(1), r
	for k, c := range known {
		d := warped(heard, c)
		if k == r {
			right = d
		} else if d < other {
			other, as = d, k
		}
	}
	m.heard++
	m.right, m.other = m.right+right, m.other+other
	if right >= other {
		m.mistaken = append(m.mistaken, fmt.Sprintf("%c as %c", r, as))
	}
}

// pair is two clips.
type pair struct {
	a, b  rune
	apart float64
}

// likest are all pairs of clips, those first that are nearest to each other.
func likest(known map[rune][][]float64) (pairs []pair) {
	for _, a := range conversation.CaptchaAlphabet {
		for _, b := range conversation.CaptchaAlphabet {
			if a < b {
				pairs = append(pairs, pair{a, b, warped(known[a], known[b])})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return int(math.Copysign(1, a.apart-b.apart)) })
	return pairs
}

// apart gives what is said in a sound, one after the other. A listener gets used
// to what lies under it: as loud as is needed to hear seven things.
func apart(samples []float64) (said [][]float64) {
	for _, quiet := range []float64{8, 6, 5, 4, 3} {
		if said = louder(samples, quiet); len(said) == 1+conversation.CaptchaLength {
			break
		}
	}
	return said
}

// louder gives all that is no more than so many times weaker than what is loud,
// with no pause in it that is longer than those between words.
func louder(samples []float64, weaker float64) (said [][]float64) {
	const frame, longestGap, shortest = 160, 22, 15 // 20 ms; in frames: 0.44 s, 0.3 s
	var levels []float64
	for part := range slices.Chunk(samples, frame) {
		levels = append(levels, strength(part))
	}
	loud := slices.Sorted(slices.Values(levels))[len(levels)*9/10] / weaker
	from, last := -1, -1
	take := func() {
		if from >= 0 && last-from >= shortest {
			said = append(said, samples[max(0, from-4)*frame:min(len(samples), (last+5)*frame)])
		}
		from = -1
	}
	for i, level := range levels {
		if level < loud {
			continue
		}
		if from >= 0 && i-last > longestGap {
			take()
		}
		if from < 0 {
			from = i
		}
		last = i
	}
	take()
	return said
}

// cepstra are what recognisers look at: 12 mel-frequency cepstral coefficients
// of 32 ms every 10 ms (Davis and Mermelstein, 1980), with the mean taken off, as
// a telephone line would add one of its own.
func cepstra(samples []float64) [][]float64 {
	const window, hop, filters, kept = 256, 80, 24, 12
	var spectra [][]float64
	loudest := 0.0
	for at := 0; at+window <= len(samples); at += hop {
		frame := make([]complex128, window)
		for i := range frame {
			hamming := 0.54 - 0.46*math.Cos(2*math.Pi*float64(i)/(window-1))
			before := 0.0
			if at+i > 0 {
				before = samples[at+i-1]
			}
			frame[i] = complex(hamming*(samples[at+i]-0.97*before), 0)
		}
		energies := mel(transform(frame), filters)
		spectra = append(spectra, energies)
		loudest = max(loudest, slices.Max(energies))
	}
	var all [][]float64
	for _, energies := range spectra {
		c := make([]float64, kept)
		for k := range c {
			for f, e := range energies {
				c[k] += math.Log(e+loudest/masked) * math.Cos(math.Pi*float64(k+1)*(float64(f)+0.5)/filters)
			}
			c[k] *= math.Sqrt(2.0 / filters)
		}
		all = append(all, c)
	}
	for k := range kept {
		mean := 0.0
		for _, c := range all {
			mean += c[k] / float64(len(all))
		}
		for _, c := range all {
			c[k] -= mean
		}
	}
	return all
}

// masked is how much weaker a sound may be than the loudest, as energy, to be
// heard beside it: 30 dB.
const masked = 1000

// mel is the energy in so many triangles of equal width on the
// mel scale, from 100 Hz to 4 kHz.
func mel(spectrum []complex128, filters int) []float64 {
	toMel := func(hertz float64) float64 { return 2595 * math.Log10(1+hertz/700) }
	low, high := toMel(100), toMel(4000)
	width := (high - low) / float64(filters+1)
	energies := make([]float64, filters)
	for bin := range len(spectrum)/2 + 1 {
		place := (toMel(float64(bin)*8000/float64(len(spectrum))) - low) / width // in triangles
		power := cmplx.Abs(spectrum[bin]) * cmplx.Abs(spectrum[bin])
		for f := range energies {
			if share := 1 - math.Abs(place-float64(f+1)); share > 0 {
				energies[f] += share * power
			}
		}
	}
	return energies
}

// transform is the discrete Fourier transform of a power of two (Cooley and
// Tukey, 1965).
func transform(x []complex128) []complex128 {
	n := len(x)
	if n == 1 {
		return x
	}
	even, odd := make([]complex128, n/2), make([]complex128, n/2)
	for i := range even {
		even[i], odd[i] = x[2*i], x[2*i+1]
	}
	even, odd = transform(even), transform(odd)
	out := make([]complex128, n)
	for k := range even {
		turned := cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n)) * odd[k]
		out[k], out[k+n/2] = even[k]+turned, even[k]-turned
	}
	return out
}

// warped is how far two sounds are apart, at whatever speed each was said: the
// way of least distance through both (Sakoe and Chiba, 1978), for each step.
func warped(a, b [][]float64) float64 {
	type cell struct {
		sum   float64
		steps int
	}
	row := make([]cell, len(b))
	for i := range a {
		var diagonal cell
		for j := range b {
			d := distance(a[i], b[j])
			above := row[j]
			best := cell{math.Inf(1), 0}
			for _, before := range []struct {
				cell
				there bool
			}{{diagonal, i > 0 && j > 0}, {above, i > 0}, {row[max(0, j-1)], j > 0}} {
				if before.there && before.sum < best.sum {
					best = before.cell
				}
			}
			if i == 0 && j == 0 {
				best = cell{}
			}
			diagonal = above
			row[j] = cell{best.sum + d, best.steps + 1}
		}
	}
	last := row[len(row)-1]
	return last.sum / float64(last.steps)
}

func distance(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum)
}
