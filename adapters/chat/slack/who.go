package slack

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// acquaintedFor is how long it is remembered who somebody is, so that no message
// waits for Slack. Who changes is told of (user_change), and forgotten at once.
const acquaintedFor = 10 * time.Minute

// whoFor bounds the question: Slack waits three seconds for everything.
const whoFor = 2 * time.Second

// acquaintances remembers who people are.
type acquaintances struct {
	now   func() time.Time
	known recent[conversation.User, acquaintance]
}

type acquaintance struct {
	why    string // nobody serves them; empty: they are served
	locale string
	mail   string // what Slack has for them: a hint, which proves nothing
	until  time.Time
}

func (a *acquaintances) forget(u conversation.User) {
	a.known.change(u, func(k *acquaintance) { k.until = time.Time{} })
}

// admit says who is there, or tells them kindly why they are not served. home is the
// workspace that the event says they are of; empty where it does not say. tell nil
// says nothing.
func (s *Slack) admit(
	ctx context.Context, b Bot, to reference, home string, tell func(reference, string, words.Phrase),
) (from conversation.Origin, ok bool) {
	w := s.teams.workspace(to.Team)
	who := user(to.Team, to.User)
	known, err := s.known(ctx, who, to)
	var no words.Phrase
	switch {
	case err != nil: // who they are cannot be told, and a guess would be wrong either way
		s.Log.Error("asking who somebody is", "error", err)
		no = words.NotKnownNow
	case home != "" && home != to.Team:
		known.why = "other_workspace"
		fallthrough
	case known.why != "":
		b.Rejected(ctx, Name, to.Team+"/"+to.User, known.why)
		no = refusals[known.why]
	}
	if err != nil || known.why != "" {
		if tell != nil && no != "" {
			tell(to, s.language(known.locale, w), no)
		}
		return from, false
	}
	address, err := json.Marshal(to)
	if err != nil {
		s.Log.Error("naming a chat", "error", err)
		return from, false
	}
	return conversation.Origin{
		User: who, Address: string(address), Asker: who.String(), Locale: s.language(known.locale, w),
		Bound: s.Bound(to.Team, to.User), Binds: true, Domains: w.Domains, Place: w.Place, Identity: w.Identity,
	}, true
}

// refusals are what people are told who are not served, by the reason. Programs, and
// who is not there any more, are told nothing.
var refusals = map[string]words.Phrase{
	"guest": words.SlackGuest, "other_workspace": words.SlackElsewhere, "nobody": words.NotServed,
}

// language is a person's own where it is one of ours, else the workspace's.
func (s *Slack) language(locale string, w *Workspace) string {
	own, _, _ := strings.Cut(strings.ToLower(locale), "-")
	if own == words.Dutch || own == words.English || w == nil || w.Language == "" {
		return words.Locale(locale)
	}
	return w.Language
}

func (s *Slack) known(ctx context.Context, who conversation.User, to reference) (acquaintance, error) {
	now := s.who.now()
	if a, ok := s.who.known.get(who); ok && now.Before(a.until) {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(ctx, whoFor)
	defer cancel()
	api, err := s.teams.client(ctx, to.Team)
	if err != nil {
		return acquaintance{}, err
	}
	u, err := api.GetUserInfoContext(ctx, to.User)
	if err != nil && errorWord(err) != "user_not_found" && errorWord(err) != "user_not_visible" {
		return acquaintance{}, s.failed(to.Team, err)
	}
	a := acquaintance{why: "nobody", until: now.Add(acquaintedFor)}
	if err == nil {
		a.why, a.locale, a.mail = notServed(u, to), u.Locale, u.Profile.Email
	}
	s.who.known.put(who, a)
	return a, nil
}

// notServed is why somebody is not; empty for an employee of the workspace.
func notServed(u *slackgo.User, to reference) string {
	switch {
	case u.ID != to.User:
		return "nobody"
	case u.IsBot, u.IsAppUser, u.IsConnectorBot, u.IsWorkflowBot, u.ID == "USLACKBOT":
		return "bot"
	case u.Deleted:
		return "deleted"
	case u.IsStranger, u.TeamID != to.Team:
		return "other_workspace" // through Slack Connect
	case u.IsRestricted, u.IsUltraRestricted, u.IsInvitedUser:
		return "guest"
	}
	return ""
}

func teamOf(u conversation.User) (team, id string) {
	team, id, _ = strings.Cut(u.ID, "/")
	return team, id
}

// hint is a name that somebody may mean: their address in Slack, where it can be that
// of an account that people of their workspace may touch. Everybody can write another
// one there, so it stands in a field, to be sent or changed, and counts for nothing.
func (s *Slack) hint(who conversation.User) string {
	team, _ := teamOf(who)
	w, known := s.teams.workspace(team), acquaintance{}
	if w != nil {
		known, _ = s.who.known.get(who)
	}
	_, domain, ok := strings.Cut(known.mail, "@")
	if !ok || len(known.mail) > fieldMax(conversation.FieldName) ||
		!slices.ContainsFunc(w.Domains, func(of string) bool { return strings.EqualFold(of, domain) }) {
		return ""
	}
	return known.mail
}
