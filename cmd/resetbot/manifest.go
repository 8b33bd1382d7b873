package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"resetbot/adapters/chat/teams/manifest"
)

// manifestCommand makes what a chat's platform wants to know of the bot before
// anybody can talk to it.
func manifestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "manifest",
		Short: "Make the app package of Teams that fits the configuration",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(manifestTeams())
	return cmd
}

func manifestTeams() *cobra.Command {
	var path, out, version string
	cmd := &cobra.Command{
		Use:   "teams",
		Short: "Make the package that an administrator uploads to Teams",
		Long: "Make the app package that an administrator uploads in the Teams admin center, as it is: the\n" +
			"manifest in Dutch and English, and both icons. What is in it follows from the configuration;\n" +
			"the same configuration gives the same bytes.\n\n" +
			"Where it changed, give it a higher number, or Teams does not take it for a newer one.",
		Example: "  resetbot manifest teams -config resetbot.yaml -o resetbot-teams.zip",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" && onTerminal(cmd.OutOrStdout()) {
				return errors.New("the package is no text; write: resetbot manifest teams -o resetbot-teams.zip")
			}
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := writeTeamsPackage(&b, c, version); err != nil {
				return err
			}
			if out == "" {
				_, err = b.WriteTo(cmd.OutOrStdout())
				return err
			}
			return os.WriteFile(out, b.Bytes(), 0o644) // nothing in it is secret
		},
	}
	cmd.Flags().StringVar(&path, "config", "resetbot.yaml", "the configuration")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the file to write; else it goes to standard output")
	cmd.Flags().StringVar(&version, "app-version", "1.0.0", "the version of the package")
	return cmd
}

// writeTeamsPackage makes the package of a configuration.
func writeTeamsPackage(b *bytes.Buffer, c config, version string) error {
	if !c.Chats.Teams.There {
		return errors.New("the configuration has no chats.teams; add it, with its app_id")
	}
	p := parts{config: c}
	if err := p.openWords(nil); err != nil {
		return err
	}
	app := manifest.App{
		ID: c.Chats.Teams.AppID, Version: version, Organisation: c.Organisation.Name,
		PublicURL: c.PublicURL, Website: cmp.Or(c.Organisation.Desk.URL, c.PublicURL), Words: p.words,
	}
	if err := app.WritePackage(b); err != nil {
		return fmt.Errorf("making the app package of Teams: %w", err)
	}
	return nil
}
