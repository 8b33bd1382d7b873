package slack

import (
	"time"

	slackgo "github.com/slack-go/slack"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// What the external tests of the blocks see of this package.

type (
	Renderer = renderer
	Press    = pressed
)

var (
	NewRenderer = newRenderer
	ReadAction  = readAction
	ReadView    = readView
	Shortened   = shortened
)

const (
	RoomOfLabel  = labelMax
	RoomOfHeader = headerMax
)

func (r renderer) Page(m bot.Outgoing, picture, sound string, now time.Time) ([]slackgo.Block, string, error) {
	return r.page(m, picture, sound, now)
}

func (r renderer) Finished(m bot.Outgoing, chosen conversation.Choice, now time.Time) ([]slackgo.Block, string, error) {
	return r.finished(m, chosen, now)
}

func (r renderer) Modal(m bot.Outgoing, now time.Time) (slackgo.ModalViewRequest, bool, error) {
	return r.modal(m, now)
}

func (r renderer) ModalWith(m bot.Outgoing, picture string, now time.Time) (slackgo.ModalViewRequest, bool, error) {
	return r.modalWith(m, picture, now)
}

func (r renderer) Link(m bot.Outgoing, now time.Time) ([]slackgo.Block, string, error) {
	return r.link(m, now)
}

func (r renderer) Home(locale string) slackgo.HomeTabViewRequest { return r.home(locale) }

// Draw draws a page whose words are there already.
func (r renderer) Draw(m bot.Outgoing, text words.Text, now time.Time) []slackgo.Block {
	return r.begin(m, text, now).page(r.words, "", "")
}
