// Package captcha shows the riddle of page 1: a few characters, bent and
// crossed by lines, that people read and simple programs do not; and says it,
// for who does not see it.
//
// It is a brake, not a control: a trained network reads any such picture, and
// no property of resetbot depends on it. Hence people come first. The
// characters are dark on a light opaque ground (a dark theme shows them just
// the same), nothing that crosses them comes near them in darkness, and none
// ever touches another or the frame.
package captcha

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"golang.org/x/image/vector"

	"resetbot/bot"
	"resetbot/conversation"
)

// The picture in pixels: as wide as a telephone of 320 can show unscaled.
const (
	width  = 300
	height = 96
	margin = 9 // that no character enters
)

// maxLength is how many characters still are large enough to be read.
const maxLength = 8

// A pixel is one of 16 levels from the ground to the ink. Noise has no darker
// level than this one: the ink stands out against it by 5.4 to 1, so that what
// is written meets WCAG 2.2 (1.4.3, 4.5 to 1) wherever noise lies beside it.
const (
	inkLevel   = 15
	noiseLevel = 7
)

// Painter draws captchas, and says them. It is safe for concurrent use.
type Painter struct {
	faces   []face
	voices  map[string]voice // by language
	palette color.Palette
	encoder png.Encoder
}

var _ bot.Painter = (*Painter)(nil)

// New makes a Painter. An error means that the fonts or clips, which are
// compiled in, are damaged.
func New() (*Painter, error) {
	faces, err := loadFaces()
	if err != nil {
		return nil, fmt.Errorf("reading the fonts of the captcha: %w", err)
	}
	voices, err := loadVoices()
	if err != nil {
		return nil, fmt.Errorf("reading the voices of the captcha: %w", err)
	}
	return &Painter{
		faces: faces, voices: voices, palette: colours(),
		encoder: png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &buffers{}},
	}, nil
}

// buffers are those of the PNG encoder, a megabyte for each picture if they
// were not kept.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() *png.EncoderBuffer {
	kept, _ := b.pool.Get().(*png.EncoderBuffer)
	return kept
}

func (b *buffers) Put(used *png.EncoderBuffer) { b.pool.Put(used) }

// colours are the levels from white to a dark blue. All are opaque: without a
// ground of its own the picture would vanish in a dark theme.
func colours() color.Palette {
	mix := func(ground, ink, level int) uint8 { return uint8((ground*(inkLevel-level) + ink*level) / inkLevel) }
	var palette color.Palette
	for level := range inkLevel + 1 {
		palette = append(palette, color.RGBA{
			mix(0xff, 0x0a, level), mix(0xff, 0x16, level), mix(0xff, 0x3a, level), 0xff,
		})
	}
	return palette
}

// Paint draws answer, of one to eight capital letters and digits, as a PNG of
// 300 by 96 pixels and about 4 kB. The same answer and seed give the same
// picture, on one kind of processor; on another, a few pixels may differ by a
// shade. The PNG holds the pixels and nothing else, and an error nothing of the
// answer.
func (p *Painter) Paint(answer conversation.Secret, seed [32]byte) ([]byte, error) {
	text := answer.Reveal()
	if len(text) == 0 || len(text) > maxLength {
		return nil, fmt.Errorf("drawing a captcha of %d characters: 1 to %d can be read", len(text), maxLength)
	}
	c := &canvas{random: rand.New(rand.NewChaCha8(seed))}
	line, err := p.write(text, c.random)
	if err != nil {
		return nil, err
	}
	c.fill(&c.written, line)
	c.scribble()
	return p.encode(c)
}

// errCharacter does not say which.
var errCharacter = errors.New("drawing a captcha: a character that is no capital letter or digit")

// write sets text as one line: each character in a face, size, slant and turn
// of its own, beside the one before by their real outlines, the whole line
// bent, and made to fit between the margins.
func (p *Painter) write(text string, random *rand.Rand) (shape, error) {
	const em = 72 // pixels, before the line is made to fit
	var line shape
	right := 0.0
	for _, r := range text {
		glyph, ok := p.faces[random.IntN(len(p.faces))][r]
		if !ok {
			return nil, errCharacter
		}
		size := em * within(random, 0.92, 1.12)
		turned := glyph.through(turn(lean(random), within(random, -0.12, 0.12), size))
		low, high := turned.bounds()
		gap := within(random, 3, 7)
		line = append(line, turned.through(move(right+gap-low.x, within(random, -16, 16)-(low.y+high.y)/2))...)
		right += gap + high.x - low.x
	}
	line = line.through(bend(random))
	return line.through(fit(line, random)), nil
}

// within is a number from low up to high.
func within(random *rand.Rand, low, high float64) float64 {
	return low + (high-low)*random.Float64()
}

// lean is an angle in radians to either side, and never a small one: upright
// characters are what programs read. From 0.3 on Tesseract reads three captchas
// of a hundred, from 0.38 on less than one, and people all of them
// (docs/security/captcha.md).
func lean(random *rand.Rand) float64 {
	angle := within(random, 0.38, 0.58)
	if random.IntN(2) == 0 {
		return -angle
	}
	return angle
}

// turn scales, slants and rotates (radians).
func turn(angle, slant, size float64) func(point) point {
	sin, cos := math.Sincos(angle)
	return func(q point) point {
		x, y := size*(q.x+slant*q.y), size*q.y
		return point{x*cos - y*sin, x*sin + y*cos}
	}
}

// move shifts by so many pixels.
func move(x, y float64) func(point) point {
	return func(q point) point { return point{q.x + x, q.y + y} }
}

// bend is a wave through the whole line, slow along it, quicker within its
// characters.
func bend(random *rand.Rand) func(point) point {
	slow, quick := wave(random, 120, 200, 2.5, 5), wave(random, 40, 60, 1, 1.6)
	sway, ripple := wave(random, 80, 120, 1.5, 3), wave(random, 40, 60, 1, 1.6)
	return func(q point) point {
		return point{q.x + sway(q.y) + ripple(q.y), q.y + slow(q.x) + quick(q.x)}
	}
}

// wave is a sine with a length and an amplitude between these.
func wave(random *rand.Rand, shortest, longest, lowest, highest float64) func(float64) float64 {
	length, amplitude := within(random, shortest, longest), within(random, lowest, highest)
	phase := within(random, 0, 2*math.Pi)
	return func(at float64) float64 { return amplitude * math.Sin(2*math.Pi*at/length+phase) }
}

// fit moves a line to a place between the margins, and makes it smaller where
// it would not go.
func fit(line shape, random *rand.Rand) func(point) point {
	low, high := line.bounds()
	const roomX, roomY = width - 2*margin, height - 2*margin
	scale := min(1, roomX/(high.x-low.x), roomY/(high.y-low.y))
	left := margin + random.Float64()*(roomX-scale*(high.x-low.x))
	top := margin + random.Float64()*(roomY-scale*(high.y-low.y))
	return func(q point) point {
		return point{left + scale*(q.x-low.x), top + scale*(q.y-low.y)}
	}
}

// canvas is a picture that is being drawn: how much of each pixel is covered
// by characters, and the level of the noise on it.
type canvas struct {
	random  *rand.Rand
	raster  vector.Rasterizer
	written coverage
	noise   coverage
	scratch coverage
}

// coverage is a picture of one channel.
type coverage [width * height]uint8

// fill covers what is inside of s.
func (c *canvas) fill(on *coverage, s shape) {
	c.raster.Reset(width, height)
	s.trace(&c.raster)
	mask := image.Alpha{Pix: on[:], Stride: width, Rect: image.Rect(0, 0, width, height)}
	c.raster.Draw(&mask, mask.Rect, image.Opaque, image.Point{})
}

// scribble draws lines and specks, none darker than the noise may be.
func (c *canvas) scribble() {
	for range 5 {
		c.noisy(c.stroke(within(c.random, 1.5, 3)), within(c.random, 4, noiseLevel))
	}
	var specks shape
	for range 90 {
		centre := point{within(c.random, 0, width), within(c.random, 0, height)}
		specks = append(specks, speck(centre, within(c.random, 0.7, 2)))
	}
	c.noisy(specks, noiseLevel)
}

// noisy draws s into the noise at a level.
func (c *canvas) noisy(s shape, level float64) {
	clear(c.scratch[:])
	c.fill(&c.scratch, s)
	for i, cover := range c.scratch {
		c.noise[i] = max(c.noise[i], uint8(float64(cover)*level/inkLevel))
	}
}

// stroke is a wavy line from side to side.
func (c *canvas) stroke(thick float64) shape {
	const step = 6
	from, to := within(c.random, 0.1, 0.9)*height, within(c.random, 0.1, 0.9)*height
	long, phase := within(c.random, 60, 160), within(c.random, 0, 2*math.Pi)
	swing := within(c.random, 4, 14)
	y := func(x float64) float64 {
		return from + (to-from)*x/width + swing*math.Sin(2*math.Pi*x/long+phase)
	}
	var upper, lower []point
	for x := -step; x <= width+step; x += step {
		at := float64(x)
		// Across the line, not straight down, so that it is as thick where it
		// is steep.
		slope := (y(at+1) - y(at-1)) / 2
		half := thick / 2 / math.Hypot(1, slope)
		upper = append(upper, point{at + slope*half, y(at) - half})
		lower = append(lower, point{at - slope*half, y(at) + half})
	}
	slices.Reverse(lower)
	return shape{append(upper, lower...)}
}

// speck is a spot of about a radius.
func speck(centre point, radius float64) []point {
	corners := make([]point, 6)
	for i := range corners {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(len(corners)))
		corners[i] = point{centre.x + radius*cos, centre.y + radius*sin}
	}
	return corners
}

// encode gives the picture as a PNG with a palette.
func (p *Painter) encode(c *canvas) ([]byte, error) {
	picture := image.NewPaletted(image.Rect(0, 0, width, height), p.palette)
	for i := range picture.Pix {
		darkest := max(int(c.written[i]), int(c.noise[i]))
		picture.Pix[i] = uint8((darkest*inkLevel + 127) / 255)
	}
	var b bytes.Buffer
	if err := p.encoder.Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("writing a captcha as PNG: %w", err)
	}
	return b.Bytes(), nil
}
