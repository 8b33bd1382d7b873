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

// segment is a piece of an outline: a move, a line or a curve to the last of
// its points.
type segment struct {
	op     sfnt.SegmentOp
	points [3]point
}

// used is how many of the points op has.
func (s segment) used() int {
	switch s.op {
	case sfnt.SegmentOpQuadTo:
		return 2
	case sfnt.SegmentOpCubeTo:
		return 3
	}
	return 1
}

// shape is a closed outline. It is bent as an outline and drawn only once, so
// that edges stay sharp and its bounds are known before.
type shape []segment

// polygon is the shape with these corners.
func polygon(corners []point) shape {
	s := make(shape, len(corners))
	for i, corner := range corners {
		s[i] = segment{op: sfnt.SegmentOpLineTo, points: [3]point{corner}}
	}
	s[0].op = sfnt.SegmentOpMoveTo
	return s
}

// through gives s with each of its points moved.
func (s shape) through(move func(point) point) shape {
	moved := make(shape, len(s))
	for i, piece := range s {
		moved[i].op = piece.op
		for j := range piece.used() {
			moved[i].points[j] = move(piece.points[j])
		}
	}
	return moved
}

// bounds are corners between which all of s lies: a curve never leaves the
// hull of its points.
func (s shape) bounds() (low, high point) {
	low, high = point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, piece := range s {
		for _, q := range piece.points[:piece.used()] {
			low = point{min(low.x, q.x), min(low.y, q.y)}
			high = point{max(high.x, q.x), max(high.y, q.y)}
		}
	}
	return low, high
}

// trace draws the outline.
func (s shape) trace(raster *vector.Rasterizer) {
	for i, piece := range s {
		var c [6]float32
		for j, q := range piece.points {
			c[2*j], c[2*j+1] = float32(q.x), float32(q.y)
		}
		switch piece.op {
		case sfnt.SegmentOpMoveTo:
			if i > 0 {
				raster.ClosePath()
			}
			raster.MoveTo(c[0], c[1])
		case sfnt.SegmentOpLineTo:
			raster.LineTo(c[0], c[1])
		case sfnt.SegmentOpQuadTo:
			raster.QuadTo(c[0], c[1], c[2], c[3])
		case sfnt.SegmentOpCubeTo:
			raster.CubeTo(c[0], c[1], c[2], c[3], c[4], c[5])
		}
	}
	raster.ClosePath()
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
	parsed, err := sfnt.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("reading a font: %w", err)
	}
	f := face{}
	var buffer sfnt.Buffer
	for _, r := range characters {
		index, err := parsed.GlyphIndex(&buffer, r)
		if err != nil {
			return nil, fmt.Errorf("finding %c in a font: %w", r, err)
		}
		const em = 1024 // finer than the units of the font
		outline, err := parsed.LoadGlyph(&buffer, index, fixed.I(em), nil)
		if err != nil {
			return nil, fmt.Errorf("reading %c of a font: %w", r, err)
		}
		f[r] = shapeOf(outline, 64*em)
	}
	return f, nil
}

// shapeOf takes over an outline in 1/unit of the em.
func shapeOf(outline sfnt.Segments, unit float64) shape {
	s := make(shape, len(outline))
	for i, piece := range outline {
		s[i].op = piece.Op
		for j, q := range piece.Args {
			s[i].points[j] = point{float64(q.X) / unit, float64(q.Y) / unit}
		}
	}
	return s
}
