package bot

import (
	"context"
	"sync"
	"time"

	"resetbot/conversation"
)

// How often the audit tells of requests that were not believed: whoever floods a
// chat with forged ones must not fill the audit with them. All are counted.
const (
	rejectedEvery  = time.Minute // of one source
	rejectedHourly = 60          // of all together
	rejectedKnown  = 10 * rejectedHourly
)

// rejections is what was told lately.
type rejections struct {
	mu     sync.Mutex
	source map[string]time.Time // when it was last told of
	hour   time.Time            // since when lines are counted
	lines  int
}

// tell reports whether the audit is to tell of a source now.
func (r *rejections) tell(source string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if since := now.Sub(r.hour); since >= time.Hour || since < 0 {
		r.hour, r.lines = now, 0
	}
	last, known := r.source[source]
	if known && now.Sub(last) < rejectedEvery && !now.Before(last) || r.lines >= rejectedHourly {
		return false
	}
	if r.source == nil || len(r.source) >= rejectedKnown {
		r.source = map[string]time.Time{}
	}
	r.source[source] = now
	r.lines++
	return true
}

// Rejected notes that a chat did not believe a request, or does not serve whoever
// sent it. source is where it came from: only a keyed hash of it is kept. why is a
// word of the program's own. Each is counted; the audit has one line a source and
// minute, and 60 an hour.
func (b *Bot) Rejected(ctx context.Context, chat, source, why string) {
	b.Metrics.refused(chat, why)
	now := b.Now()
	if !b.rejections.tell(chat+"|"+source, now) {
		return
	}
	line := conversation.Line{
		At: now, Event: "rejected", Chat: chat, Asker: b.Wizard.Keys.Fingerprint("asker", source), Detail: why,
	}
	if err := b.Store.Append(ctx, line); err != nil {
		b.Log.Error("leaving a rejected request in the audit", "chat", chat, "why", why, "error", err)
	}
}
