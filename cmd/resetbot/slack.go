package main

import (
	"context"
	"log/slog"
	"maps"

	"resetbot/adapters/chat/slack"
	"resetbot/adapters/chat/web"
	"resetbot/bot"
	"resetbot/conversation"
)

// addSlack adds the chat in Slack.
func addSlack(f *front, p *parts, w *web.Web, log *slog.Logger) error {
	c := p.config.Chats.Slack
	s, err := slack.New(slack.Options{
		Words: p.words, SigningSecret: c.SigningSecret, AppToken: c.AppToken, APIURL: c.APIURL,
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, PublicURL: p.config.PublicURL,
		Scopes: slackApp(p.config, p.words).Scopes(), Workspaces: c.workspaces(),
		Bound:  func(team, user string) []conversation.Bound { return p.people.Bound(slack.Name, team+"/"+user) },
		Source: w.Source, Log: log, Now: wallClock,
	})
	if err != nil {
		return err
	}
	f.chats[slack.Name] = s
	maps.Copy(f.more, s.Handlers())
	open, run := f.open, f.run
	f.open = func(b *bot.Bot) {
		open(b)
		s.SetBot(b)
	}
	f.keep = s.SetInstallations
	f.run = func(ctx context.Context) { beside(ctx, run, s.Run) }
	return nil
}

// workspaces are those that are served, each an audience of its own.
func (k slackConfig) workspaces() (list []slack.Workspace) {
	for _, w := range k.Workspaces {
		list = append(list, slack.Workspace{
			TeamID: w.TeamID, BotToken: w.BotToken, Domains: w.Domains, Identity: w.Identity, Language: w.Language,
			Place: w.TeamID,
		})
	}
	return list
}
