package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	slackgo "github.com/slack-go/slack"

	"resetbot/bot"
	"resetbot/conversation"
)

// teams are the workspaces that are served, and the app's tokens in them.
type teams struct {
	known map[string]*Workspace
	http  *http.Client
	url   string

	mu   sync.Mutex
	kept bot.Installations
	open map[string]*slackgo.Client
}

func newTeams(o Options) *teams {
	t := &teams{known: map[string]*Workspace{}, http: o.Client, url: o.APIURL, open: map[string]*slackgo.Client{}}
	for _, w := range o.Workspaces {
		t.known[w.TeamID] = &w
	}
	return t
}

// workspace is one that is served; nil for any other.
func (t *teams) workspace(id string) *Workspace { return t.known[id] }

func (t *teams) setKept(i bot.Installations) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = i
}

func (t *teams) store() bot.Installations {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept
}

// errNotInstalled is of a workspace that has no app of ours any more, or not yet.
var errNotInstalled = errors.New("the app is not installed in this workspace")

// client speaks to Slack as the app in a workspace.
func (t *teams) client(ctx context.Context, id string) (*slackgo.Client, error) {
	t.mu.Lock()
	c, kept := t.open[id], t.kept
	t.mu.Unlock()
	if c != nil {
		return c, nil
	}
	w := t.known[id]
	if w == nil {
		return nil, errNotInstalled
	}
	token := w.BotToken
	if token.Empty() {
		if kept == nil {
			return nil, errNotInstalled
		}
		i, ok, err := kept.Load(ctx, Name, id)
		if err != nil {
			return nil, fmt.Errorf("reading the token of a workspace: %w", err)
		}
		if !ok {
			return nil, errNotInstalled
		}
		token = i.Token
	}
	c = t.dial(token)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[id] = c
	return c, nil
}

func (t *teams) dial(token conversation.Secret) *slackgo.Client {
	return slackgo.New(token.Reveal(), slackgo.OptionHTTPClient(t.http), slackgo.OptionAPIURL(t.url), slackgo.OptionLog(silent))
}

// forgetClient has the token of a workspace read again.
func (t *teams) forgetClient(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, id)
}
