package teams

import "resetbot/conversation"

// lately knows what people did with the card that they were sent last. Of whom it
// knows nothing, after a restart, it takes it that they said something since: a
// card further up that changes is not seen.
type lately struct {
	heard recent[conversation.User, heard]
}

// heard is what somebody did since a card was sent.
type heard struct {
	card   string
	spoke  bool                // below it
	chosen conversation.Choice // on it
	opened string              // the token of the page whose dialog was opened
}

func newLately() *lately { return &lately{} }

// sent notes which card a person was sent.
func (l *lately) sent(u conversation.User, card string) {
	h, _ := l.heard.get(u)
	l.heard.put(u, heard{card: card, opened: h.opened})
}

// spoke notes that a person typed something.
func (l *lately) spoke(u conversation.User) {
	l.heard.change(u, func(h *heard) { h.spoke = true })
}

// pressed notes that a person pressed something on a card, which says nothing below
// it where it is the last one.
func (l *lately) pressed(u conversation.User, card string, c conversation.Choice) {
	l.heard.change(u, func(h *heard) {
		if h.card == card {
			h.chosen = c
			return
		}
		h.spoke = true
	})
}

// quiet reports whether card is what a person was sent last, and they said nothing
// below it since.
func (l *lately) quiet(u conversation.User, card string) bool {
	h, ok := l.heard.get(u)
	return ok && h.card == card && !h.spoke
}

// chosen is what a person pressed on a card last.
func (l *lately) chosen(u conversation.User, card string) conversation.Choice {
	if h, ok := l.heard.get(u); ok && h.card == card {
		return h.chosen
	}
	return ""
}

// opened notes that a person opened the dialog of a page.
func (l *lately) opened(u conversation.User, token string) {
	h, _ := l.heard.get(u)
	h.opened = token
	l.heard.put(u, h)
}

func (l *lately) wasOpened(u conversation.User, token string) bool {
	h, ok := l.heard.get(u)
	return ok && token != "" && h.opened == token
}
