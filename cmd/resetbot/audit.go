package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"resetbot/bot"
	"resetbot/conversation"
)

// auditCommand reads the audit.
func auditCommand() *cobra.Command {
	var p place
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show, export and verify the audit: who asked for what, when, on what ground",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	p.flags(cmd)
	cmd.AddCommand(auditShow(&p), auditExport(&p), auditVerify(&p), auditAcceptRestore(&p))
	return cmd
}

// auditEntry is an entry as it is exported: the line, its number and its place
// in the chain.
type auditEntry struct {
	Seq uint64 `json:"seq"` // from 1, without gaps
	conversation.Line
	Sum string `json:"sum"` // see bot.Entry, in hexadecimal
	// Error is all there is in what ends a reading that broke off.
	Error string `json:"error,omitempty"`
}

// lines answers with the entries from a number on, one JSON object a line.
func (o *office) lines(w http.ResponseWriter, r *http.Request) {
	from, err := strconv.ParseUint(r.URL.Query().Get("from"), 10, 64)
	if err != nil {
		from = 1
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	to := json.NewEncoder(w)
	err = o.store.Lines(r.Context(), from, func(e bot.Entry) error {
		return to.Encode(auditEntry{Seq: e.Seq, Line: e.Line, Sum: fmt.Sprintf("%x", e.Sum)})
	})
	if err != nil {
		_ = to.Encode(struct { // whoever asked may have hung up
			Error string `json:"error"`
		}{"reading the audit: " + err.Error()})
	}
}

// entries calls each with what lines answered: an entry, and its own JSON.
func (c *caller) entries(ctx context.Context, from uint64, each func(auditEntry, []byte) error) error {
	body, err := c.begin(ctx, http.MethodGet, "/audit?from="+strconv.FormatUint(from, 10))
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // it was read, or is not wanted
	return readEntries(body, each)
}

func readEntries(from io.Reader, each func(auditEntry, []byte) error) error {
	for stream := json.NewDecoder(from); ; {
		var raw json.RawMessage
		err := stream.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the audit: %w", err)
		}
		var e auditEntry
		if err := json.Unmarshal(raw, &e); err != nil {
			return fmt.Errorf("reading the audit: %w", err)
		}
		if e.Error != "" {
			return errors.New(e.Error)
		}
		if err := each(e, raw); err != nil {
			return err
		}
	}
}

func auditShow(p *place) *cobra.Command {
	var receipt string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show", Short: "Print the lines of the audit, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printEntries(cmd, p, 1, func(e auditEntry, raw []byte) string {
				switch {
				case receipt != "" && e.Receipt != canonicalReceipt(receipt):
					return ""
				case asJSON:
					return string(raw)
				}
				return e.String()
			})
		},
	}
	cmd.Flags().StringVar(&receipt, "receipt", "", "only the lines of this receipt number")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

func auditExport(p *place) *cobra.Command {
	var from uint64
	cmd := &cobra.Command{
		Use: "export", Short: "Print the audit for another program: one JSON object a line (NDJSON)",
		Long: "Print the audit for another program, oldest first, one JSON object a line (NDJSON).\n\n" +
			"`seq` counts from 1 without gaps, so that an export goes on with --from where the last one\n" +
			"ended; `sum` is the line's place in the chain.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printEntries(cmd, p, from, func(_ auditEntry, raw []byte) string { return string(raw) })
		},
	}
	cmd.Flags().Uint64Var(&from, "from", 1, "the first sequence number")
	return cmd
}

// printEntries prints what text makes of each entry; nothing for what is empty.
func printEntries(cmd *cobra.Command, p *place, from uint64, text func(auditEntry, []byte) string) error {
	out := bufio.NewWriter(cmd.OutOrStdout())
	err := p.with(cmd.Context(), func(c *caller) error {
		return c.entries(cmd.Context(), from, func(e auditEntry, raw []byte) error {
			if line := text(e, raw); line != "" {
				_, err := fmt.Fprintln(out, line)
				return err
			}
			return nil
		})
	})
	return errors.Join(err, out.Flush())
}

// String is an entry as a line that a person can read.
func (e auditEntry) String() string {
	words := []string{fmt.Sprintf("%6d  %s  %-9s  %-18s", e.Seq, e.At.Local().Format(time.DateTime), e.Receipt, e.Event)}
	if e.From != e.To {
		words = append(words, fmt.Sprintf("%s -> %s", e.From, e.To))
	}
	for _, w := range []struct{ name, value string }{
		{"account", string(e.Account)},
		{"goal", string(e.Goal)},
		{"method", string(e.Method)},
		{"chat", e.Chat},
		{"detail", e.Detail},
	} {
		if w.value != "" {
			words = append(words, w.name+"="+w.value)
		}
	}
	if e.Chat == conversation.Operator {
		words = append(words, "by="+e.Asker)
	}
	if e.Own {
		words = append(words, "own-chat")
	}
	if e.Alarm {
		words = append(words, "ALARM")
	}
	return strings.Map(visible, strings.Join(words, "  "))
}

// visible is r, or a mark in the place of what would move the cursor or turn the
// line around: an id is whatever a directory says it is.
func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// verified is how many lines the audit has, all in their places.
type verified struct {
	Lines uint64 `json:"lines"`
}

func (o *office) verify(r *http.Request) (any, error) {
	n, err := bot.VerifyAudit(r.Context(), o.store, o.store.Keys().Audit(), o.config.headFile())
	return verified{n}, err
}

func auditVerify(p *place) *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check that no line was changed, left out, added or moved", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var v verified
			err := p.with(cmd.Context(), func(c *caller) error {
				return c.ask(cmd.Context(), http.MethodGet, "/audit/verify", &v)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "the audit is whole: %d lines\n", v.Lines)
			return err
		},
	}
}

func (o *office) acceptRestore(r *http.Request) (any, error) {
	err := o.accept(r.Context(), o.line(r, ""))
	if errors.Is(err, bot.ErrNotRestored) {
		return nil, refusal{err.Error()}
	}
	return struct{}{}, err
}

func auditAcceptRestore(p *place) *cobra.Command {
	return &cobra.Command{
		Use:   "accept-restore",
		Short: "Go on with a store that is a restored back-up",
		Long: "A store that is older than the audit's head beside its keys is a restored back-up: the locks, " +
			"used codes and tries since are missing in it, so nothing is reset. This command ends every " +
			"conversation, says so in the audit, and goes on from there.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := p.with(cmd.Context(), func(c *caller) error {
				return c.ask(cmd.Context(), http.MethodPost, "/audit/accept-restore", &struct{}{})
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "accepted: every conversation is ended, and the audit says so")
			return err
		},
	}
}
