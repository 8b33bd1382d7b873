package slack

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// Where a workspace installs the app.
const (
	InstallPath = "/slack/install"
	OAuthPath   = "/slack/oauth"
)

const (
	stateFor    = 10 * time.Minute
	stateCookie = "resetbot_slack"
)

// install sends whoever wants to install the app to Slack. The state that comes back
// is bound to this browser by a cookie, and to ten minutes: a link to our own OAuthPath
// with somebody else's code does nothing.
func (s *Slack) install(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		rw.Header().Set("Allow", http.MethodGet)
		rw.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	nonce, expires := rand.Text(), strconv.FormatInt(s.Now().Add(stateFor).Unix(), 10)
	http.SetCookie(rw, &http.Cookie{
		Name: stateCookie, Value: nonce, Path: OAuthPath, MaxAge: int(stateFor / time.Second),
		HttpOnly: true, Secure: strings.HasPrefix(s.PublicURL, "https:"), SameSite: http.SameSiteLaxMode,
	})
	to, _ := url.Parse(s.APIURL) // New looked
	to.Path, to.RawQuery = "/oauth/v2/authorize", url.Values{
		"client_id": {s.ClientID}, "scope": {strings.Join(s.Scopes, ",")},
		"state": {expires + "." + s.sealed(nonce, expires)}, "redirect_uri": {s.PublicURL + OAuthPath},
	}.Encode()
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(rw, r, to.String(), http.StatusFound)
}

// sealed proves that a state is ours, for whoever has the nonce.
func (s *Slack) sealed(nonce, expires string) string {
	mac := hmac.New(sha256.New, []byte(s.ClientSecret.Reveal()))
	mac.Write([]byte("slack install\x00" + nonce + "\x00" + expires)) // into a hash: never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *Slack) stateHolds(r *http.Request) bool {
	c, err := r.Cookie(stateCookie)
	expires, seal, ok := strings.Cut(r.URL.Query().Get("state"), ".")
	if err != nil || !ok || c.Value == "" {
		return false
	}
	end, err := strconv.ParseInt(expires, 10, 64)
	return err == nil && s.Now().Before(time.Unix(end, 0)) && hmac.Equal([]byte(seal), []byte(s.sealed(c.Value, expires)))
}

// installed takes in who comes back from Slack.
func (s *Slack) installed(rw http.ResponseWriter, r *http.Request) {
	b := s.receiver()
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("Referrer-Policy", "no-referrer")
	http.SetCookie(rw, &http.Cookie{Name: stateCookie, Path: OAuthPath, MaxAge: -1, HttpOnly: true})
	code := r.URL.Query().Get("code")
	switch {
	case r.Method != http.MethodGet:
		rw.Header().Set("Allow", http.MethodGet)
		rw.WriteHeader(http.StatusMethodNotAllowed)
	case b == nil || s.teams.store() == nil:
		rw.WriteHeader(http.StatusServiceUnavailable)
	case !s.stateHolds(r):
		b.Rejected(r.Context(), Name, s.Source(r), "state")
		s.told(rw, http.StatusForbidden, words.SlackNotInstalled)
	case code == "": // whoever was asked said no
		s.told(rw, http.StatusOK, words.SlackNotInstalled)
	default:
		s.exchange(rw, r, b, code)
	}
}

// redeem asks Slack what a code is worth.
func (s *Slack) redeem(ctx context.Context, code string) (*slackgo.OAuthV2Response, error) {
	return slackgo.GetOAuthV2ResponseContext(ctx, s.Client, s.ClientID, s.ClientSecret.Reveal(), code,
		s.PublicURL+OAuthPath, slackgo.OAuthOptionAPIURL(s.APIURL))
}

// exchange changes the code for a token, and keeps it if the workspace is one of
// ours that has none.
func (s *Slack) exchange(rw http.ResponseWriter, r *http.Request, b Bot, code string) {
	ctx, cancel := context.WithTimeout(r.Context(), callFor)
	defer cancel()
	got, err := s.redeem(ctx, code)
	if err != nil {
		s.Log.Warn("changing the code of an installation", "error", s.failed("", err))
		s.told(rw, http.StatusBadGateway, words.SlackNotInstalled)
		return
	}
	token := conversation.NewSecret(got.AccessToken)
	w := s.teams.workspace(got.Team.ID)
	if w == nil || !w.BotToken.Empty() || got.IsEnterpriseInstall || token.Empty() || got.TokenType != "bot" {
		b.Rejected(ctx, Name, got.Team.ID, "team")
		if _, err := s.teams.dial(token).SendAuthRevokeContext(ctx, ""); err != nil {
			s.Log.Warn("giving back a token that nobody wanted", "error", s.failed("", err))
		}
		s.told(rw, http.StatusForbidden, words.SlackNotInstalled)
		return
	}
	// Whatever was proved in the old installation ends first: with a new token and old
	// bindings nobody would know who they belong to.
	err = b.UnbindAll(ctx, Name, got.Team.ID+"/")
	if err == nil {
		err = s.teams.store().Save(ctx, bot.Installation{
			Chat: Name, Team: got.Team.ID, Token: token, Scopes: strings.Split(got.Scope, ","), When: s.Now(),
		})
	}
	if err != nil {
		s.Log.Error("keeping an installation", "error", err)
		s.told(rw, http.StatusInternalServerError, words.SlackNotInstalled)
		return
	}
	s.teams.forgetClient(got.Team.ID)
	s.Log.Info("a workspace installed the app", "team", got.Team.ID)
	s.told(rw, http.StatusOK, words.SlackInstalled)
}

// told is a page of one sentence, in both languages: nobody knows yet who reads it.
func (s *Slack) told(rw http.ResponseWriter, status int, p words.Phrase) {
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.WriteHeader(status)
	for _, locale := range []string{words.Dutch, words.English} {
		_, _ = io.WriteString(rw, s.Words.Phrase(locale, p, conversation.Args{}, s.Now())+"\n") // whoever asked has hung up
	}
}

// uninstalled ends all bindings of a workspace, and forgets its token if that is worth
// nothing any more: Slack tells of it late, and again, when the workspace may have
// installed the app anew (slackapi/bolt-js#1558).
func (s *Slack) uninstalled(ctx context.Context, b Bot, team string) error {
	s.Log.Warn("a workspace uninstalled the app, or took its token back", "team", team)
	if err := b.UnbindAll(ctx, Name, team+"/"); err != nil {
		return fmt.Errorf("ending the bindings of a workspace: %w", err)
	}
	api, err := s.teams.client(ctx, team)
	if errors.Is(err, errNotInstalled) {
		return nil
	}
	if err == nil {
		_, err = api.AuthTestContext(ctx)
	}
	switch {
	case err == nil:
		s.Log.Info("the workspace has the app again, or still", "team", team)
		return nil
	case !worthless[errorWord(err)]:
		return s.failed(team, err)
	}
	s.teams.forgetClient(team)
	if kept := s.teams.store(); kept != nil {
		if err := kept.Forget(ctx, Name, team); err != nil {
			return fmt.Errorf("forgetting an installation: %w", err)
		}
	}
	return nil
}
