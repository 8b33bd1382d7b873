package captcha

import (
	"fmt"
	"math"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// point is a place on the picture, x to the right and y down.
type point struct{ x, y float64 }

// shape is an area within closed lines from point to point. It is bent as
// lines and drawn only once, so that edges stay sharp and its bounds are known
// before.
type shape [][]point

// through gives s with each of its points moved.
func (s shape) through(move func(point) point) shape {
	moved := make(shape, len(s))
	for i, line := range s {
		moved[i] = make([]point, len(line))
		for j, q := range line {
			moved[i][j] = move(q)
		}
	}
	return moved
}

// bounds are the corners between which s lies.
func (s shape) bounds() (low, high point) {
	low, high = point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, line := range s {
		for _, q := range line {
			low = point{min(low.x, q.x), min(low.y, q.y)}
			high = point{max(high.x, q.x), max(high.y, q.y)}
		}
	}
	return low, high
}

// trace draws the outline.
func (s shape) trace(raster *vector.Rasterizer) {
	for _, line := range s {
		raster.MoveTo(float32(line[0].x), float32(line[0].y))
		for _, q := range line[1:] {
			raster.LineTo(float32(q.x), float32(q.y))
		}
		raster.ClosePath()
	}
}

// face holds the outlines of a font's capital letters and digits, in units of
// the em, the baseline at 0. They are read once and never altered, so that any
// number of pictures can be drawn from them at once.
type face map[rune]shape

// characters are what a captcha can be made of; which of them are told apart
// well enough is for whoever makes the answer to know.
const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func loadFaces() ([]face, error) {
	var faces []face
	for _, ttf := range [][]byte{gobold.TTF, gomedium.TTF} {
		f, err := loadFace(ttf)
		if err != nil {
			return nil, err
		}
		faces = append(faces, f)
	}
	return faces, nil
}

func loadFace(ttf []byte) (face, error) {
	font, err := sfnt.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("reading a font: %w", err)
	}
	f := face{}
	var buffer sfnt.Buffer
	for _, r := range characters {
		index, err := font.GlyphIndex(&buffer, r)
		if err != nil {
			return nil, fmt.Errorf("finding %c in a font: %w", r, err)
		}
		const em = 1024 // pixels; finer than the units of the font
		outline, err := font.LoadGlyph(&buffer, index, fixed.I(em), nil)
		if err != nil {
			return nil, fmt.Errorf("reading %c of a font: %w", r, err)
		}
		f[r] = shapeOf(outline, 64*em)
	}
	return f, nil
}

// shapeOf takes over an outline in 1/unit of the em. Each of its pieces, a
// long straight edge no less than a curve, becomes many points: both edges of a
// stroke must bend alike, or it is pinched between them.
func shapeOf(outline sfnt.Segments, unit float64) shape {
	const apart = 0.04 // em: three pixels
	var s shape
	var pen point
	for _, piece := range outline {
		control := []point{pen}
		for _, q := range piece.Args[:degree(piece.Op)] {
			control = append(control, point{float64(q.X) / unit, float64(q.Y) / unit})
		}
		pen = control[len(control)-1]
		if piece.Op == sfnt.SegmentOpMoveTo {
			s = append(s, []point{pen})
			continue
		}
		steps := int(math.Ceil(length(control) / apart))
		line := &s[len(s)-1]
		for i := 1; i <= steps; i++ {
			*line = append(*line, bezier(control, float64(i)/float64(steps)))
		}
	}
	return s
}

// degree is how many points follow the pen.
func degree(op sfnt.SegmentOp) int {
	switch op {
	case sfnt.SegmentOpQuadTo:
		return 2
	case sfnt.SegmentOpCubeTo:
		return 3
	}
	return 1
}

// length is that of the way along the control points, which is never less
// than the curve's.
func length(control []point) float64 {
	sum := 0.0
	for i, q := range control[1:] {
		sum += math.Hypot(q.x-control[i].x, q.y-control[i].y)
	}
	return sum
}

// bezier is the point at t, from 0 to 1, of a Bézier curve of any degree (de
// Casteljau).
func bezier(control []point, t float64) point {
	if len(control) == 1 {
		return control[0]
	}
	between := make([]point, len(control)-1)
	for i := range between {
		a, b := control[i], control[i+1]
		between[i] = point{a.x + t*(b.x-a.x), a.y + t*(b.y-a.y)}
	}
	return bezier(between, t)
}
