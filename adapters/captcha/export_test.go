package captcha

// SamplesOf, for tests of what is no clip.
var SamplesOf = samplesOf

// Clips gives the samples of each character's clip, from -1 to 1.
func (p *Painter) Clips(locale string) map[rune][]float64 {
	clips := map[rune][]float64{}
	for r, c := range p.voices[locale].characters {
		for i := range c {
			clips[r] = append(clips[r], level(c[i]))
		}
	}
	return clips
}
