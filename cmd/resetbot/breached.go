package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"resetbot/adapters/password"
)

// breachedCommand makes the list of breached passwords that the configuration
// names.
func breachedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "breached",
		Short: "Make the list of breached passwords that nobody may choose",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(breachedBuild())
	return cmd
}

func breachedBuild() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "build < list > breached.bin",
		Short: "Make it out of passwords, or of the hashes that Have I Been Pwned publishes",
		Long: "Make the list that policy.password.breached names. Each line that is read is a password, the most\n" +
			"seen first, or the SHA-1 of one in hexadecimal, with a colon and how often it was seen, in any\n" +
			"order, as Have I Been Pwned publishes them. What is written is a filter, 2.3 MB a million: no\n" +
			"password can be read out of it, and one in 65,000 others is taken for one that is in it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return errors.New("--limit is negative; write how many to keep, or 0 for all")
			}
			if onTerminal(cmd.OutOrStdout()) {
				return errors.New("the list is no text; write: resetbot breached build < list > breached.bin")
			}
			count, err := password.BuildBreached(cmd.InOrStdin(), cmd.OutOrStdout(), limit)
			if err != nil {
				return fmt.Errorf("building a list of breached passwords: %w", err)
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%d entries\n", count)
			return err
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 5_000_000, "how many of the most seen to keep (16 bytes of memory each); 0 for all")
	return cmd
}

// onTerminal reports whether out is a screen.
func onTerminal(out any) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// openBreached reads the operator's list; nil when none is named.
func openBreached(name string) (*password.Breached, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening policy.password.breached: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	list, err := password.ReadBreached(file)
	if err != nil {
		return nil, fmt.Errorf("opening policy.password.breached: %w; make it with resetbot breached build", err)
	}
	return list, nil
}
