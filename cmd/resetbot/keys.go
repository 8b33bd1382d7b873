package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"resetbot/adapters/seal"
	"resetbot/adapters/store/bolt"
)

// keysCommand changes the sealing keys. The fixed keys are as old as the store.
func keysCommand() *cobra.Command {
	var p place
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Rotate, prune and show the keys that seal what is stored",
		Long: "Rotate, prune and show the keys that seal what is stored: the newest seals, all open.\n\n" +
			"keys rotate adds one. What older keys sealed is then sealed anew in the background, and keys\n" +
			"prune removes the keys that nothing needs any more. A back-up of the store needs the key file\n" +
			"of its own day.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	p.flags(cmd)
	cmd.AddCommand(
		keysDo(&p, http.MethodGet, "show", "Show the sealing keys, and how much each has sealed; never a key"),
		keysDo(&p, http.MethodPost, "rotate", "Add a sealing key, and seal everything anew with it"),
		keysDo(&p, http.MethodPost, "prune", "Remove the sealing keys that nothing is sealed with any more"),
	)
	return cmd
}

func keysDo(p *place, method, what, short string) *cobra.Command {
	path := "/keys/" + what
	if method == http.MethodGet {
		path = "/keys"
	}
	return &cobra.Command{
		Use: what, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var k keyring
			err := p.with(cmd.Context(), func(c *caller) error { return c.ask(cmd.Context(), method, path, &k) })
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), k)
			return err
		},
	}
}

// keyring is what is told of the sealing keys.
type keyring struct {
	Said string    `json:"said,omitempty"` // what was done
	Keys []keyTold `json:"keys"`           // oldest first; the last seals
}

type keyTold struct {
	ID      uint32    `json:"id"`
	Made    time.Time `json:"made"`
	Records int       `json:"records"` // sealed with it
	// Links is until when links that it sealed open: those of notices live
	// longest. Zero for the key that seals.
	Links time.Time `json:"links,omitzero"`
}

func (k keyring) String() string {
	var b strings.Builder
	if k.Said != "" {
		fmt.Fprintln(&b, k.Said)
	}
	fmt.Fprintln(&b, "key  made                 records")
	for i, key := range k.Keys {
		fmt.Fprintf(&b, "%3d  %s  %7d", key.ID, key.Made.Local().Format(time.DateTime), key.Records)
		if i == len(k.Keys)-1 {
			fmt.Fprint(&b, "  seals")
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

// keyring looks at the keys, and at what they sealed.
func (o *office) keyring(ctx context.Context) (keyring, error) {
	sealed, err := o.store.Sealed(ctx)
	if err != nil {
		return keyring{}, err
	}
	var k keyring
	keys := o.store.Keys().Sealing()
	for i, key := range keys {
		t := keyTold{ID: key.ID, Made: key.Made, Records: sealed[key.ID]}
		if i+1 < len(keys) {
			t.Links = o.linksOf(keys[i+1])
		}
		k.Keys = append(k.Keys, t)
	}
	return k, nil
}

// linksOf is until when a link can open that was sealed before a key was made.
// Links are in nobody's store: those of notices, and those of one-time pages,
// whose holder may follow a write until it is known what came of it. The minute
// is for a key that took long to save.
func (o *office) linksOf(next seal.SealingKey) time.Time {
	p := o.config.Policy
	return next.Made.Add(max(p.NoticeLife, p.Conversation+p.UnknownGiveUp) + time.Minute)
}

func (o *office) showKeys(r *http.Request) (any, error) { return o.keyring(r.Context()) }

// rotateKeys adds a key. Behind a running service what is old is then sealed
// anew in the background; without one, at once.
func (o *office) rotateKeys(r *http.Request) (any, error) {
	keys := o.store.Keys()
	if err := keys.Rotate(o.now()); err != nil {
		return nil, err
	}
	list := keys.Sealing()
	newest := list[len(list)-1].ID
	if err := o.note(r, "keys_rotated", newest); err != nil {
		return nil, err
	}
	said := fmt.Sprintf("key %d seals from now on; what is stored is being sealed anew with it", newest)
	if o.rotated != nil {
		o.sealAnew()
	} else {
		done, err := o.store.Reseal(r.Context())
		if err != nil {
			return nil, err
		}
		said = fmt.Sprintf("key %d seals from now on; %d records were sealed anew with it", newest, done.Records)
	}
	k, err := o.keyring(r.Context())
	k.Said = said
	return k, err
}

// pruneKeys removes the keys that nothing needs. Where it can remove none, it
// says what each is needed for.
func (o *office) pruneKeys(r *http.Request) (any, error) {
	k, err := o.keyring(r.Context())
	if err != nil {
		return nil, err
	}
	var unused []uint32
	var left []string
	for _, key := range k.Keys[:len(k.Keys)-1] {
		switch {
		case key.Records > 0:
			left = append(left, fmt.Sprintf("%d records are still sealed with key %d: they are being sealed anew "+
				"while the service runs; ask again later", key.Records, key.ID))
		case o.now().Before(key.Links):
			left = append(left, fmt.Sprintf("links that key %d sealed may be open until %s: ask again then",
				key.ID, key.Links.Local().Format(time.DateTime)))
		default:
			unused = append(unused, key.ID)
		}
	}
	switch {
	case len(unused) == 0 && len(left) == 0:
		return nil, refusal{"there is one sealing key, and it is needed"}
	case len(unused) == 0:
		return nil, refusal{"nothing was removed: " + strings.Join(left, "; ")}
	}
	return o.remove(r, unused, left)
}

func (o *office) remove(r *http.Request, unused []uint32, left []string) (any, error) {
	if err := o.store.Keys().Prune(unused...); err != nil {
		return nil, err
	}
	if err := o.note(r, "keys_pruned", unused...); err != nil {
		return nil, err
	}
	k, err := o.keyring(r.Context())
	k.Said = strings.Join(append([]string{"removed: " + keyIDs(unused)}, left...), "\n")
	return k, err
}

// note leaves a line in the audit of what was done to which keys, and by whom.
func (o *office) note(r *http.Request, event string, ids ...uint32) error {
	line := o.line(r, event)
	line.Detail = keyIDs(ids)
	if err := o.store.Append(r.Context(), line); err != nil {
		return fmt.Errorf("it is done, but the audit does not say so: %w", err)
	}
	return nil
}

func keyIDs(ids []uint32) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = fmt.Sprintf("key %d", id)
	}
	return strings.Join(words, ", ")
}

// sealAnew has the resealer begin, or begin again when it is through.
func (o *office) sealAnew() {
	select {
	case o.rotated <- struct{}{}:
	default:
	}
}

// resealer seals anew what older keys sealed, now and after each rotation,
// until ctx ends. What a kill broke off the next process finishes.
func (o *office) resealer(ctx context.Context, log *slog.Logger) {
	for {
		if len(o.store.Keys().Sealing()) > 1 {
			done, err := o.store.Reseal(ctx)
			tellResealed(log, done, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-o.rotated:
		}
	}
}

func tellResealed(log *slog.Logger, done bolt.Resealed, err error) {
	switch {
	case errors.Is(err, context.Canceled):
		log.Info("sealing records anew goes on with the next start", "done", done.Records)
	case err != nil:
		log.Error("sealing records anew", "done", done.Records, "error", err)
	case done.Stuck > 0:
		log.Error("records that do not open could not be sealed anew: the store is damaged",
			"done", done.Records, "stuck", done.Stuck)
	case done.Records > 0:
		log.Info("records are sealed anew with the newest key", "done", done.Records)
	}
}
