package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"resetbot/adapters/chat/teams"
	"resetbot/adapters/chat/web"
	people "resetbot/adapters/directory/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

// teamsFrames are the pages in which Teams shows a dialog (Microsoft Teams, "Tab
// requirements", frame-ancestors).
var teamsFrames = []string{
	"https://teams.microsoft.com", "https://*.teams.microsoft.com", "https://*.cloud.microsoft",
}

// addTeams adds the chat in Microsoft Teams.
func addTeams(f *front, p *parts, w *web.Web, log *slog.Logger) error {
	c := p.config.Chats.Teams
	o := teams.Options{
		Words: p.words, AppID: c.AppID, TenantID: c.TenantID, AllowedTenants: c.AllowedTenants,
		MetadataURL: c.MetadataURL, TokenURL: c.TokenURL, Password: c.Password, Certificate: c.Certificate,
		ServiceHosts: c.ServiceHosts, ServiceURL: c.ServiceURL, Masked: p.config.Entry == inDialog,
		Who: p.inTeams, Source: w.Source, Log: log, Now: wallClock,
	}
	tuneTeams(&o)
	t, err := teams.New(o)
	if err != nil {
		return err
	}
	f.chats[teams.Name] = t
	f.more[teams.Path] = t
	if c.ServiceURL != "" {
		f.channels[teams.Name] = bot.Channel{
			Notifier: t.Notifier(), To: func(a bot.Account) string { return p.objectID(a.ID) },
		}
	}
	open := f.open
	f.open = func(b *bot.Bot) {
		open(b)
		t.SetBot(b)
	}
	f.run = t.Run
	return nil
}

// inTeams says whose accounts somebody in Teams has: of the made-up people those
// with that object id. Who has privileged accounts alone is known, and has none to
// reset.
func (p *parts) inTeams(_ context.Context, who teams.Person) ([]conversation.Bound, bool, error) {
	known := slices.ContainsFunc(p.people.People(), func(person people.Person) bool {
		return slices.ContainsFunc(person.Chat[teams.Name], func(id string) bool { return strings.EqualFold(id, who.ObjectID) })
	})
	return p.people.Bound(teams.Name, who.ObjectID), known, nil
}

// objectID is that of an account's owner in the tenant; empty where they have none.
func (p *parts) objectID(id conversation.AccountID) string {
	for _, person := range p.people.People() {
		if ids := person.Chat[teams.Name]; person.ID == id && len(ids) > 0 {
			return ids[0]
		}
	}
	return ""
}
