package bot

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"resetbot/conversation"
)

// head is what is kept of the audit outside the store.
type head struct {
	Seq uint64 `json:"seq"`
	Sum string `json:"sum"`
}

// checkHead compares the store with the head that was last written beside it,
// and remembers whether it is a restored back-up ([Restored]).
func (b *Bot) checkHead(ctx context.Context) error {
	restored, err := Restored(ctx, b.Store, b.HeadFile)
	if err != nil {
		return err
	}
	if restored {
		b.setRestored(true)
		b.Log.Error("the store is older than the audit's head beside its keys: a restored back-up. " +
			"Nothing is reset until an administrator accepts it: resetbot audit accept-restore")
	}
	return nil
}

// Restored compares a store with the head that was last written to file. A
// store that is older, or has another past, is a restored back-up: in it,
// counters, marks and locks of what happened since are missing. Then nothing
// is reset until somebody accepts that ([AcceptRestore]).
func Restored(ctx context.Context, store Store, file string) (bool, error) {
	if file == "" {
		return false, nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the audit's head: %w", err)
	}
	var kept head
	if err := json.Unmarshal(data, &kept); err != nil {
		return false, fmt.Errorf("the audit's head %s is damaged: remove it only if you know why", file)
	}
	if kept.Seq == 0 {
		return false, nil
	}
	same := false
	err = store.Lines(ctx, kept.Seq, func(e Entry) error {
		same = e.Seq == kept.Seq && hex.EncodeToString(e.Sum[:]) == kept.Sum
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return false, fmt.Errorf("reading the audit: %w", err)
	}
	return !same, nil
}

// errEnough ends a reading of lines.
var errEnough = errors.New("enough")

// isRestored reports whether the store is a restored back-up that nobody
// accepted yet.
func (b *Bot) isRestored() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.restored
}

func (b *Bot) setRestored(is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.restored = is
}

// AcceptRestore is [AcceptRestore] on the store of a running bot, which resets
// again from then on.
func (b *Bot) AcceptRestore(ctx context.Context, line conversation.Line) error {
	if err := AcceptRestore(ctx, b.Store, b.HeadFile, line); err != nil {
		return err
	}
	b.setRestored(false)
	return nil
}

// saveHead writes the newest entry's place and sum to the log and beside the
// keys, outside the store, so that a back-up that is put back is noticed.
func (b *Bot) saveHead(ctx context.Context) error {
	if b.isRestored() {
		return nil
	}
	return SaveHead(ctx, b.Store, b.HeadFile, func(seq uint64, sum string) {
		b.Log.Info("audit head", "seq", seq, "sum", sum)
	})
}

// SaveHead writes the head of store's audit to file, durably, and tells it.
func SaveHead(ctx context.Context, store Store, file string, tell func(seq uint64, sum string)) error {
	newest, err := store.Head(ctx)
	if err != nil {
		return fmt.Errorf("reading the audit's head: %w", err)
	}
	if newest.Seq == 0 {
		return nil
	}
	h := head{newest.Seq, hex.EncodeToString(newest.Sum[:])}
	tell(h.Seq, h.Sum)
	if file == "" {
		return nil
	}
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := replaceFile(file, data); err != nil {
		return fmt.Errorf("writing the audit's head: %w", err)
	}
	return nil
}

// replaceFile puts data in the place of file, whole or not at all.
func replaceFile(file string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone once renamed
	if _, err := temp.Write(data); err != nil {
		return errors.Join(err, temp.Close())
	}
	if err := errors.Join(temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}

// ErrNotRestored is the error of [AcceptRestore] for a store that is no
// restored back-up.
var ErrNotRestored = errors.New("the store is no restored back-up: there is nothing to accept")

// AcceptRestore ends every conversation of a restored store, says so in the
// audit, and takes the store's head for the true one from now on. Nothing is
// ended in a store that is none; without a file nobody can tell, and the
// operator's word counts.
func AcceptRestore(ctx context.Context, store Store, file string, line conversation.Line) error {
	restored, err := Restored(ctx, store, file)
	if err != nil {
		return err
	}
	if !restored && file != "" {
		return ErrNotRestored
	}
	line.Event, line.Alarm = "restore_accepted", true
	if err := store.EndAll(ctx, line); err != nil {
		return fmt.Errorf("ending all conversations: %w", err)
	}
	return SaveHead(ctx, store, file, func(uint64, string) {})
}

// VerifyAudit walks the whole chain, and compares it with the head kept
// outside the store. It tells how many lines it read.
func VerifyAudit(ctx context.Context, store Store, key conversation.Key, file string) (lines uint64, err error) {
	newest, err := store.Head(ctx) // first: a running service adds lines meanwhile
	if err != nil {
		return 0, fmt.Errorf("reading the audit's head: %w", err)
	}
	var previous Entry
	headSeen := newest.Seq == 0
	err = store.Lines(ctx, 1, func(e Entry) error {
		if err := e.Follows(key, previous); err != nil {
			return err
		}
		headSeen = headSeen || e.Seq == newest.Seq && e.Sum == newest.Sum
		previous = e
		lines++
		return nil
	})
	if err != nil {
		return lines, fmt.Errorf("walking the audit: %w", err)
	}
	if !headSeen {
		return lines, fmt.Errorf("lines are missing at the end: %w", ErrBroken)
	}
	return lines, verifyKept(ctx, store, file)
}

// verifyKept checks that the head kept outside is one of the store's entries.
func verifyKept(ctx context.Context, store Store, file string) error {
	data, err := os.ReadFile(file)
	if file == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the kept head: %w", err)
	}
	var kept head
	if err := json.Unmarshal(data, &kept); err != nil {
		return fmt.Errorf("the kept head is damaged: %w", ErrBroken)
	}
	found := kept.Seq == 0
	err = store.Lines(ctx, kept.Seq, func(e Entry) error {
		found = hex.EncodeToString(e.Sum[:]) == kept.Sum
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return fmt.Errorf("reading the audit: %w", err)
	}
	if !found {
		return fmt.Errorf("the store is older than the head kept beside its keys (line %d): %w", kept.Seq, ErrBroken)
	}
	return nil
}
