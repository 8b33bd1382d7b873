package totp

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"time"

	"github.com/boombuler/barcode/qr"

	"resetbot/bot"
	"resetbot/conversation"
)

// Enroller makes what an app is enrolled with, and judges the first code it
// shows. Of what it makes it keeps nothing. It is safe for concurrent use.
type Enroller struct {
	issuer string
	now    func() time.Time
}

var _ bot.Enroller = (*Enroller)(nil)

// NewEnroller makes an Enroller. issuer is what apps show above the account: the
// organisation. now is the clock; nil is time.Now.
func NewEnroller(issuer string, now func() time.Time) (*Enroller, error) {
	if label(issuer) == "" {
		return nil, errors.New("an authenticator needs an issuer to show")
	}
	if now == nil {
		now = time.Now
	}
	return &Enroller{issuer: issuer, now: now}, nil
}

// Key makes the three forms of a secret.
func (e *Enroller) Key(account string, secret conversation.Secret) (bot.AppKey, error) {
	url, err := URL(e.issuer, account, secret)
	if err != nil {
		return bot.AppKey{}, err
	}
	picture, err := picture(url)
	if err != nil {
		return bot.AppKey{}, err
	}
	return bot.AppKey{QR: picture, URL: url, Text: conversation.NewSecret(grouped(secret.Reveal()))}, nil
}

// Confirm judges the code as [Verifier.Check] will judge those that follow,
// with the same mark: the code that confirmed an app proves nothing later.
func (e *Enroller) Confirm(
	account conversation.AccountID, device string, secret, answer conversation.Secret,
) (bot.Judgement, error) {
	wrong := bot.Judgement{Verdict: conversation.WrongOne}
	if !wellFormed(answer.Reveal()) {
		return wrong, nil
	}
	step, matches, err := match(secret, answer, e.now())
	if err != nil || !matches {
		return wrong, err
	}
	return bot.Judgement{Verdict: conversation.Right, Mark: mark(account, device, step)}, nil
}

// Of a QR code, in pixels a module and modules around it (ISO/IEC 18004, section
// 9.1 asks for four).
const (
	modulePixels = 6
	quietZone    = 4
)

// picture is the QR code as a PNG in black and white, also on a dark page: not
// every app reads an inverted one.
func picture(url conversation.Secret) ([]byte, error) {
	code, err := qr.Encode(url.Reveal(), qr.M, qr.Auto)
	if err != nil {
		return nil, errors.New("the account's name is too long for a QR code") // err holds the text
	}
	size := code.Bounds().Dx()
	side := (size + 2*quietZone) * modulePixels
	canvas := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range size {
		for x := range size {
			if r, _, _, _ := code.At(x, y).RGBA(); r != 0 {
				continue
			}
			at := image.Pt(x+quietZone, y+quietZone).Mul(modulePixels)
			module := image.Rectangle{Min: at, Max: at.Add(image.Pt(modulePixels, modulePixels))}
			draw.Draw(canvas, module, image.Black, image.Point{}, draw.Src)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, canvas); err != nil {
		return nil, fmt.Errorf("drawing a QR code: %w", err)
	}
	return b.Bytes(), nil
}

// grouped is text in groups of four, as people copy it.
func grouped(text string) string {
	var b []byte
	for i := range len(text) {
		if i > 0 && i%4 == 0 {
			b = append(b, ' ')
		}
		b = append(b, text[i])
	}
	return string(b)
}
