package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
)

// auditCommand reads the audit of a store that no service has open.
func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show and verify the audit: who asked for what, when, on what ground",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var f folder
	cmd.PersistentFlags().StringVar((*string)(&f), "data", string(defaultFolder()), "folder of the store and its keys")
	cmd.AddCommand(auditShow(&f), auditVerify(&f), auditAcceptRestore(&f))
	return cmd
}

func auditShow(f *folder) *cobra.Command {
	var receipt string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show", Short: "Print the lines of the audit, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.withStore(func(s *bolt.Store) error {
				return s.Lines(cmd.Context(), 1, func(e bot.Entry) error {
					if receipt != "" && !strings.EqualFold(e.Line.Receipt, receipt) {
						return nil
					}
					text, err := auditLine(e, asJSON)
					if err != nil {
						return err
					}
					_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
					return err
				})
			})
		},
	}
	cmd.Flags().StringVar(&receipt, "receipt", "", "only the lines of this receipt number")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

// auditLine writes an entry as a line that a person can read, or as JSON.
func auditLine(e bot.Entry, asJSON bool) (string, error) {
	if asJSON {
		data, err := json.Marshal(struct {
			Seq uint64 `json:"seq"`
			conversation.Line
			Sum string `json:"sum"`
		}{e.Seq, e.Line, fmt.Sprintf("%x", e.Sum)})
		return string(data), err
	}
	l := e.Line
	words := []string{fmt.Sprintf("%6d  %s  %-9s  %-18s", e.Seq, l.At.Local().Format(time.DateTime), l.Receipt, l.Event)}
	if l.From != l.To {
		words = append(words, fmt.Sprintf("%s -> %s", l.From, l.To))
	}
	for _, w := range []struct{ name, value string }{
		{"account", string(l.Account)},
		{"goal", string(l.Goal)},
		{"method", string(l.Method)},
		{"chat", l.Chat},
		{"detail", l.Detail},
	} {
		if w.value != "" {
			words = append(words, w.name+"="+w.value)
		}
	}
	if l.Own {
		words = append(words, "own-chat")
	}
	if l.Alarm {
		words = append(words, "ALARM")
	}
	return strings.Join(words, "  "), nil
}

func auditVerify(f *folder) *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check that no line was changed, left out, added or moved", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.withStore(func(s *bolt.Store) error {
				n, err := bot.VerifyAudit(cmd.Context(), s, s.Keys().Audit(), f.head())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "the audit is whole: %d lines\n", n)
				return err
			})
		},
	}
}

func auditAcceptRestore(f *folder) *cobra.Command {
	return &cobra.Command{
		Use:   "accept-restore",
		Short: "Go on with a store that is a restored back-up",
		Long: "A store that is older than the audit's head beside its keys is a restored back-up: the locks, " +
			"used codes and tries since are missing in it, so nothing is reset. This command ends every " +
			"conversation, says so in the audit, and goes on from there.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.withStore(func(s *bolt.Store) error {
				line := conversation.Line{At: time.Now(), Detail: "by an administrator at this machine"}
				if err := bot.AcceptRestore(cmd.Context(), s, f.head(), line); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "accepted: every conversation is ended, and the audit says so")
				return err
			})
		},
	}
}
