package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	slackmanifest "resetbot/adapters/chat/slack/manifest"
	"resetbot/adapters/chat/teams/manifest"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// manifestCommand makes what a chat's platform wants to know of the bot before
// anybody can talk to it.
func manifestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "manifest",
		Short: "Make the app package of Teams, or the app manifest of Slack, that fits the configuration",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(manifestTeams(), manifestSlack())
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

func manifestSlack() *cobra.Command {
	var path, out string
	cmd := &cobra.Command{
		Use:   "slack",
		Short: "Make the manifest that an app of Slack is created from",
		Long: "Make the app manifest that is pasted at api.slack.com/apps (Create New App, From an app manifest), as\n" +
			"it is, in YAML. What is in it follows from the configuration: Socket Mode where there is an app token,\n" +
			"and else the addresses that Slack calls. Each permission has its reason beside it.",
		Example: "  resetbot manifest slack -config resetbot.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(path)
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := writeSlackManifest(&b, c); err != nil {
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
	return cmd
}

// writeSlackManifest makes the manifest of a configuration. A workspace without a
// token installs the app itself.
func writeSlackManifest(b *bytes.Buffer, c config) error {
	if !c.Chats.Slack.There {
		return errors.New("the configuration has no chats.slack; add it, with its workspaces")
	}
	p := parts{config: c}
	if err := p.openWords(nil); err != nil {
		return err
	}
	return slackApp(c, p.words).WriteYAML(b)
}

// slackApp is the app in Slack that fits a configuration.
func slackApp(c config, w *words.Words) slackmanifest.App {
	return slackmanifest.App{
		Socket:    !c.Chats.Slack.AppToken.Empty(),
		Installs:  slices.ContainsFunc(c.Chats.Slack.Workspaces, func(w *workspace) bool { return w.BotToken.Empty() }),
		Captcha:   c.Captcha.Slack != conversation.Never,
		PublicURL: c.PublicURL, Words: w,
	}
}
