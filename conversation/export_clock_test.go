package conversation

import "time"

// Moved is c as a step leaves it that is taken at a moment before the last one.
func (c Conversation) Moved(now time.Time) (Conversation, bool) {
	moved := c.own()
	_, is := moved.sinceLatest(now)
	return moved, is
}
