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
	if err := b.Alive(); err != nil { // what can be read only helps nobody
		return err
	}
	if b.running.Err() != nil {
		return errors.New("the bot is stopping")
	}
	if _, err := b.Store.Head(ctx); err != nil {
		return fmt.Errorf("asking the store: %w", err)
	}
	return nil
}

// Alive tells why nothing will ever be done again until the program is started
// anew; nil as long as something may. Then [Bot.Run] returns, too
// (docs/decisions/0013).
func (b *Bot) Alive() error {
	w, ok := b.Store.(Writer)
	if !ok {
		return nil
	}
	if err := w.Writable(); err != nil {
		return fmt.Errorf("the disk failed, and nobody knows whether it has what was written last; look at it, "+
			"the next start goes on with what is there: %w", err)
	}
	return nil
}

// lookAfterStore has Run return if the store is broken.
func (b *Bot) lookAfterStore() {
	if b.Alive() == nil {
		return
	}
	select {
	case b.broke <- struct{}{}:
	default:
	}
}
