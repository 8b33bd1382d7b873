package manifest

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/vector"
)

// The icons of the app: the mark of the web chat, a key in a speech bubble. It is
// drawn here, so that no picture lies about that nobody can change.

// The sizes that Teams asks for, in pixels.
const (
	colorIconSize   = 192
	outlineIconSize = 32
)

// accent is the colour of the app.
const accent = "#0b6567"

var (
	ground = color.NRGBA{0x0b, 0x65, 0x67, 0xff}
	ink    = color.NRGBA{0xff, 0xff, 0xff, 0xff}
)

// point is on the grid of the mark, which is 24 wide and high.
type point struct{ x, y float64 }

// bubble and key are lines from point to point; the bubble ends where it began.
var (
	bubble = closed(
		arc(point{7, 7.5}, 2, 180, 270), arc(point{17, 7.5}, 2, 270, 360), arc(point{17, 13.5}, 2, 0, 90),
		[]point{{11, 15.5}, {7, 19}, {7, 15.5}}, arc(point{7, 13.5}, 2, 90, 180),
	)
	bow = closed(arc(point{10, 10.5}, 1.5, 0, 360))
	bit = [][]point{{{11.5, 10.5}, {15.5, 10.5}}, {{14.2, 10.5}, {14.2, 12}}}
)

// icon is the mark as a PNG: white on the accent colour, or white on nothing.
func icon(size int, coloured bool) []byte {
	picture := image.NewNRGBA(image.Rect(0, 0, size, size))
	scale, thick := 2.0, 1.0 // a small one has lines of whole pixels
	if coloured {
		draw.Draw(picture, picture.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
		scale, thick = 7.5, 1.5 // and a large one has air around it
	}
	p := pen{raster: vector.NewRasterizer(size, size), scale: scale, half: thick / 2, middle: float64(size) / 2}
	for _, line := range append([][]point{bubble, bow}, bit...) {
		p.line(line)
	}
	p.raster.Draw(picture, picture.Rect, image.NewUniform(ink), image.Point{})
	var b bytes.Buffer
	_ = png.Encode(&b, picture) // a picture of this kind and size always can be
	return b.Bytes()
}

// pen draws lines with round ends.
type pen struct {
	raster *vector.Rasterizer
	scale  float64 // pixels for one of the grid
	half   float64 // of the line, on the grid
	middle float64 // of the picture, in pixels
}

// centre is the middle of the mark.
var centre = point{12, 12}

func (p pen) line(points []point) {
	for i, to := range points {
		p.fill(arc(to, p.half, 0, 360))
		if i == 0 {
			continue
		}
		from := points[i-1]
		length := math.Hypot(to.x-from.x, to.y-from.y)
		if length == 0 {
			continue
		}
		x, y := -(to.y-from.y)/length*p.half, (to.x-from.x)/length*p.half
		// The same way round as the ends, so that what lies over one another adds up.
		p.fill([]point{{from.x - x, from.y - y}, {to.x - x, to.y - y}, {to.x + x, to.y + y}, {from.x + x, from.y + y}})
	}
}

func (p pen) fill(corners []point) {
	for i, c := range corners {
		x := float32((c.x-centre.x)*p.scale + p.middle)
		y := float32((c.y-centre.y)*p.scale + p.middle)
		if i == 0 {
			p.raster.MoveTo(x, y)
			continue
		}
		p.raster.LineTo(x, y)
	}
	p.raster.ClosePath()
}

// arc goes around a point, from an angle in degrees to another.
func arc(around point, radius, from, to float64) []point {
	const step = 9
	var list []point
	for at := from; at <= to; at += step {
		sin, cos := math.Sincos(at * math.Pi / 180)
		list = append(list, point{around.x + radius*cos, around.y + radius*sin})
	}
	return list
}

// closed is one line of several, back to where it began.
func closed(parts ...[]point) []point {
	var list []point
	for _, part := range parts {
		list = append(list, part...)
	}
	return append(list, list[0])
}
