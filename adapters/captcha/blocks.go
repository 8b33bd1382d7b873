package captcha

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
)

const (
	// narrowest is where characters can no longer be told apart, and widest
	// where they gain nothing: a wider drawing is higher than a screen.
	narrowest, widest = 20, 80
	// largest is how many pixels are looked at. A PNG of a few bytes can claim
	// to be a gigapixel.
	largest = 1 << 20
)

// quadrants are the characters of a cell of two by two, by which of the four
// are dark: 1 upper left, 2 upper right, 4 lower left, 8 lower right.
var quadrants = [16]rune{
	' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛',
	'▗', '▚', '▐', '▜', '▄', '▙', '▟', '█',
}

// Blocks draws a PNG for a terminal of so many columns, with the block
// characters of Unicode: what is dark in the picture in the colour that the
// terminal writes in, so that it is plain on a light and on a dark ground.
// There is no other colour, and no noise: in such coarse dots it would hide
// more from people than from a program. The margins are left out. The drawing
// is as wide as the terminal, but no less than 20 columns and no more than 80,
// and at most a fifth as high in lines, which are separated by "\n".
//
// An error means that picture is no PNG, is too large, or is blank.
func Blocks(picture []byte, columns int) (string, error) {
	columns = min(max(columns, narrowest), widest)
	config, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return "", fmt.Errorf("reading a picture: %w", err)
	}
	if config.Width > largest/config.Height {
		return "", fmt.Errorf("reading a picture: %d by %d pixels are too many", config.Width, config.Height)
	}
	m, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", fmt.Errorf("reading a picture: %w", err)
	}
	dark := darkOf(m)
	drawn := dark.draw(dark.bounds(), columns)
	if drawn == "" {
		return "", errors.New("drawing a picture: there is nothing on it")
	}
	return drawn, nil
}

// bitmap tells which pixels are dark.
type bitmap struct {
	width, height int
	dark          []bool
}

// light is the grey at which a pixel is no longer written: half-way, to the
// eye, between the ink and the noise.
const light = 0x60

func darkOf(m image.Image) bitmap {
	size := m.Bounds()
	b := bitmap{size.Dx(), size.Dy(), make([]bool, 0, size.Dx()*size.Dy())}
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			pixel := m.At(x, y)
			_, _, _, alpha := pixel.RGBA()
			grey := color.GrayModel.Convert(pixel).(color.Gray).Y
			b.dark = append(b.dark, alpha > 0x7fff && grey < light)
		}
	}
	return b
}

// bounds are around all that is dark; empty where nothing is.
func (b bitmap) bounds() image.Rectangle {
	var r image.Rectangle
	for i, dark := range b.dark {
		if dark {
			r = r.Union(image.Rect(i%b.width, i/b.width, i%b.width+1, i/b.width+1))
		}
	}
	return r
}

// draw shows the part within r in so many columns, and in at most a fifth as
// many lines: a terminal of 24 lines then has room for the question as well.
func (b bitmap) draw(r image.Rectangle, columns int) string {
	// A cell of a terminal is twice as high as it is wide, and so is each of
	// its four dots. The characters are stretched upwards a little, for there
	// are fewer lines than they need.
	const stretch = 1.25
	// A dot is set a little before it is half covered, or thin strokes break.
	const enough = 0.4
	rows := columns / 5
	across := float64(r.Dx()) / float64(2*columns)
	down := max(2*across/stretch, float64(r.Dy())/float64(2*rows))
	dot := func(x, y int) int {
		x0, y0 := float64(r.Min.X)+float64(x)*across, float64(r.Min.Y)+float64(y)*down
		if b.share(x0, y0, x0+across, y0+down) >= enough {
			return 1
		}
		return 0
	}
	var lines []string
	for row := range rows {
		var line strings.Builder
		for column := range columns {
			x, y := 2*column, 2*row
			line.WriteRune(quadrants[dot(x, y)|dot(x+1, y)<<1|dot(x, y+1)<<2|dot(x+1, y+1)<<3])
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// share is how much of a rectangle is dark, from 0 to 1.
func (b bitmap) share(x0, y0, x1, y1 float64) float64 {
	var dark float64
	for y := int(y0); float64(y) < y1 && y < b.height; y++ {
		high := min(y1, float64(y+1)) - max(y0, float64(y))
		for x := int(x0); float64(x) < x1 && x < b.width; x++ {
			if b.dark[y*b.width+x] {
				dark += high * (min(x1, float64(x+1)) - max(x0, float64(x)))
			}
		}
	}
	return dark / ((x1 - x0) * (y1 - y0))
}
