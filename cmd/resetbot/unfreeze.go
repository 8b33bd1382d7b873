package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"resetbot/bot"
	"resetbot/conversation/words"
)

// unfreezeCommand lifts what protects an account.
func unfreezeCommand() *cobra.Command {
	var p place
	var lang string
	cmd := &cobra.Command{
		Use:   "unfreeze ACCOUNT",
		Short: "Lift a freeze or a reset lock of an account (in the demo: elsewhere it takes a desk proof)",
		Long: "Lift a freeze (“this was not me”) or a reset lock (too many tries) of an account: its address,\n" +
			"its user name or its id. The audit says so, and the owner is told.\n\n" +
			"Only in the demo: elsewhere it takes a desk proof, which this version does not have yet.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			query := "?" + url.Values{"lang": {lang}}.Encode()
			var u unfrozen
			err := p.with(cmd.Context(), func(c *caller) error {
				return c.ask(cmd.Context(), http.MethodPost, "/unfreeze/"+url.PathEscape(args[0])+query, &u)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), u.Sentence)
			return err
		},
	}
	p.flags(cmd)
	cmd.Flags().StringVar(&lang, "lang", words.Dutch, "language to tell it in: nl or en")
	return cmd
}

// unfrozen is what came of it. Receipt is empty when there was nothing to lift.
type unfrozen struct {
	Receipt  string `json:"receipt"`
	Sentence string `json:"sentence"`
}

func (o *office) unfreeze(r *http.Request) (any, error) {
	p, err := o.parts()
	if err != nil {
		return nil, err
	}
	locale, now := words.Locale(r.URL.Query().Get("lang")), o.now()
	if o.config.Directory.Type != madeUp {
		return nil, refusal{p.words.NoUnfreeze(locale, words.NoDeskProof, now)}
	}
	account := r.PathValue("account")
	receipt, err := bot.Unfreeze(r.Context(), o.store, p.directory(), o.wizard(), account, asking(r), now)
	if errors.Is(err, bot.ErrNobody) {
		return nil, refusal{p.words.NoUnfreeze(locale, words.NoSuchAccount, now)}
	}
	if err != nil {
		return nil, err
	}
	return unfrozen{receipt, p.words.Unfrozen(locale, account, receipt, now)}, nil
}
