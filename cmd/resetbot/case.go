package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// caseCommand is for the service desk.
func caseCommand() *cobra.Command {
	var p place
	var lang string
	cmd := &cobra.Command{
		Use:   "case RECEIPT",
		Short: "For the service desk: what happened with a receipt number, and what to do next",
		Long: "For the service desk: what happened with a receipt number, where it stopped, what is shut until\n" +
			"when, and what to do next. That somebody looked stands in the audit.\n\n" +
			"It shows no password, no code, no telephone number and nothing that was typed. It does show\n" +
			"whether an account exists: a receipt number proves nothing about who reads it out.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			query := "?" + url.Values{"lang": {lang}}.Encode()
			var t caseTold
			err := p.with(cmd.Context(), func(c *caller) error {
				return c.ask(cmd.Context(), http.MethodGet, "/case/"+url.PathEscape(canonicalReceipt(args[0]))+query, &t)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), strings.Join(t.Lines, "\n"))
			return err
		},
	}
	p.flags(cmd)
	cmd.Flags().StringVar(&lang, "lang", words.Dutch, "language to tell it in: nl or en")
	return cmd
}

// caseTold is what is told of a receipt, in sentences.
type caseTold struct {
	Lines []string `json:"lines"`
}

// noReceipt stands for what cannot be a receipt number.
const noReceipt = "none"

// canonicalReceipt is a receipt number as the wizard writes it, however
// somebody spelled it out.
func canonicalReceipt(typed string) string {
	receipt := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		case strings.ContainsRune(" -–.\t", r):
			return -1
		}
		return '?'
	}, typed)
	if len(receipt) != 8 || strings.Contains(receipt, "?") {
		return noReceipt
	}
	return receipt[:4] + "-" + receipt[4:]
}

func (o *office) caseOf(r *http.Request) (any, error) {
	p, err := o.parts()
	if err != nil {
		return nil, err
	}
	locale, now := words.Locale(r.URL.Query().Get("lang")), o.now()
	receipt := canonicalReceipt(r.PathValue("receipt"))
	found, err := bot.LookUp(r.Context(), o.store, receipt)
	if err != nil {
		return nil, err
	}
	if !found.Found() {
		return nil, refusal{p.words.NoCase(locale, now)}
	}
	read := o.line(r, "case_read")
	read.Receipt = receipt
	if err := o.store.Append(r.Context(), read); err != nil { // nobody looks unseen
		return nil, fmt.Errorf("noting who reads a case: %w", err)
	}
	c := words.Case{Receipt: receipt, Lines: found.Lines}
	if found.Conversation.Receipt != "" {
		c.Conversation = &found.Conversation
	}
	if id := found.Account(); id != "" {
		c.Account = p.nameOf(r, id)
	}
	if c.Standing, err = bot.Standing(r.Context(), o.store, o.wizard(), found.Key(), now); err != nil {
		return nil, err
	}
	lines, err := p.words.Case(locale, c, now)
	if len(lines) > 0 {
		return caseTold{lines}, nil // a sentence that is missing is missed, and no more
	}
	return nil, err
}

// nameOf is what an account is called; its id where the directory cannot tell.
func (p *parts) nameOf(r *http.Request, id conversation.AccountID) string {
	a, found, err := p.directory().Find(r.Context(), bot.Query{ID: id})
	if err != nil || !found || a.UPN == "" {
		return string(id)
	}
	return a.UPN
}

// wizard judges what stands in an account's way, as the bot's own does.
func (o *office) wizard() *conversation.Wizard {
	return &conversation.Wizard{Policy: o.config.Policy, Keys: o.store.Keys().Wizard()}
}
