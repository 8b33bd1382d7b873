package bot

import (
	"context"
	"errors"
	"fmt"
)

// ErrRestored is wrapped by the error of [Bot.Ready] while the store is a
// restored back-up that nobody accepted yet.
var ErrRestored = errors.New("the store is a restored back-up: resetbot audit accept-restore")

// Ready tells why the bot cannot reset anything now; nil if it can. It asks
// the store, and waits for its answer until ctx ends; one that writes nothing any more
// ([Writer]) is as good as none.
func (b *Bot) Ready(ctx context.Context) error {
	if b.isRestored() {
		return ErrRestored
	}
	if b.running.Err() != nil {
		return errors.New("the bot is stopping")
	}
	if _, err := b.Store.Head(ctx); err != nil {
		return fmt.Errorf("asking the store: %w", err)
	}
	if w, ok := b.Store.(Writer); ok { // what can be read only helps nobody
		return w.Writable()
	}
	return nil
}
