package teams

import (
	"encoding/json"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// What the external tests of the cards see of this package.

type Renderer = renderer

var (
	NewRenderer = newRenderer
	Unmarked    = unmarked
)

func (r renderer) Page(m bot.Outgoing, opened bool, now time.Time) (json.RawMessage, string, error) {
	return r.page(m, opened, now)
}

func (r renderer) Finished(m bot.Outgoing, chosen conversation.Choice, now time.Time) (json.RawMessage, error) {
	return r.finished(m, chosen, now)
}

func (r renderer) Dialog(m bot.Outgoing, suggest string, now time.Time) (json.RawMessage, error) {
	return r.dialog(m, suggest, now)
}

func (r renderer) Title(m bot.Outgoing, now time.Time) string { return r.title(m, now) }

func (r renderer) Plain(m bot.Outgoing, now time.Time) string { return r.plain(m, now) }

func (r renderer) Notice(t bot.Telling, now time.Time) (json.RawMessage, string, error) {
	return r.notice(t, now)
}

// Draw draws a page whose words are there already.
func (r renderer) Draw(m bot.Outgoing, text words.Text, now time.Time) json.RawMessage {
	return r.begin(m, text, now).page(r.words, false)
}
