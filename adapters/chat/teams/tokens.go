package teams

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/infracloudio/msbotbuilder-go/connector/auth"
	"github.com/infracloudio/msbotbuilder-go/schema"
)

const (
	// teamsChannel is the id of Teams among the channels of the Bot Framework.
	teamsChannel = "msteams"
	// tokenIssuer issues the tokens of all channels.
	tokenIssuer = "https://api.botframework.com"
	// clockSkew is how far our clock and the issuer's may be apart.
	clockSkew = 5 * time.Minute
	// tokenMax is longer than any token of the Bot Framework, which are of 1 kB.
	tokenMax = 16 << 10
	// rememberedMax is how many verified tokens are remembered. The Bot
	// Framework uses one for an hour, so that a few dozen live at a time.
	rememberedMax = 256
)

// refused is why an activity is not believed: the status that its sender is
// answered with, and a word for the metric and the audit line. It holds nothing
// that the sender wrote.
type refused struct {
	status int
	why    string
}

func (r refused) Error() string { return "refusing an activity: " + r.why }

// Every reason there is.
//
// Microsoft's documentation wants 403 whatever is wrong; Microsoft's own
// checkers answer 401 whatever is wrong. We tell them apart, because they mean
// different things to who runs the service. With 401 the sender did not prove to
// be the Bot Framework: a stranger, or our clock. With 403 it is the Bot
// Framework, which signed this for another bot, channel or connector: somebody
// uses a token where it does not belong, or the configuration is of another bot.
// With 503 we could not tell, as there are no keys to judge by: nobody did
// anything wrong, and the platform may try again.
var (
	noToken      = refused{http.StatusUnauthorized, "missing"}
	malformed    = refused{http.StatusUnauthorized, "malformed"} // no token, or one with a claim of another type
	badAlgorithm = refused{http.StatusUnauthorized, "algorithm"} // anything but RS256
	unknownKey   = refused{http.StatusUnauthorized, "unknown_key"}
	badSignature = refused{http.StatusUnauthorized, "signature"}
	badIssuer    = refused{http.StatusUnauthorized, "issuer"}
	noExpiry     = refused{http.StatusUnauthorized, "no_expiry"}
	expired      = refused{http.StatusUnauthorized, "expired"}
	tooEarly     = refused{http.StatusUnauthorized, "not_yet_valid"}

	badAudience   = refused{http.StatusForbidden, "audience"}
	fromBot       = refused{http.StatusForbidden, "from_bot"} // another bot's, which takes us for its skill
	badChannel    = refused{http.StatusForbidden, "channel"}  // no channel, too
	notEndorsed   = refused{http.StatusForbidden, "endorsement"}
	badServiceURL = refused{http.StatusForbidden, "service_url"} // none, too

	noKeys = refused{http.StatusServiceUnavailable, "no_keys"}
)

// tokens checks the token of each incoming activity. It is an
// auth.TokenValidator of msbotbuilder-go, in place of the library's own.
//
// A token is verified once and then remembered; its claims are held against
// each activity. It is safe for concurrent use.
type tokens struct {
	appID  string
	now    func() time.Time
	keys   *keys
	parser *jwt.Parser

	mu       sync.RWMutex
	verified map[[sha256.Size]byte]verified
}

var _ auth.TokenValidator = (*tokens)(nil)

// tokenOptions are what tokens are told. All but AppID have defaults.
type tokenOptions struct {
	AppID       string // nobody is believed while it is empty
	MetadataURL string // https; or http for this machine alone
	Client      *http.Client
	Now         func() time.Time
	Log         *slog.Logger
}

// newTokens makes tokens. They connect to nothing yet.
func newTokens(o tokenOptions) *tokens {
	if o.MetadataURL == "" {
		o.MetadataURL = openIDMetadata
	}
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &tokens{
		appID: o.AppID, now: o.Now, keys: newKeys(o),
		parser: jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
			jwt.WithStrictDecoding(), // one token has one spelling
			jwt.WithoutClaimsValidation()),
		verified: make(map[[sha256.Size]byte]verified),
	}
}

// run keeps the keys fresh until ctx ends.
func (t *tokens) run(ctx context.Context) { t.keys.run(ctx) }

// AuthenticateRequest is who sent an activity: the Bot Framework, speaking for
// Teams to this bot, or an error that is a refused. The credentials and the
// channel service of the library are not asked; there is no way to switch the
// check off.
//
// The signature is over the token alone. That the activity is what the Bot
// Framework sent is what TLS is for.
func (t *tokens) AuthenticateRequest(
	ctx context.Context, a schema.Activity, header string, _ auth.CredentialProvider, _ string,
) (auth.ClaimsIdentity, error) {
	token, err := bearer(header)
	if err != nil {
		return nil, err
	}
	c, signer, err := t.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	url, _ := c["serviceurl"].(string)
	switch {
	case a.ChannelID != teamsChannel:
		return nil, badChannel
	case !signer.teams:
		return nil, notEndorsed
	case url == "" || url != a.ServiceURL: // to the letter, like Microsoft's own
		return nil, badServiceURL
	}
	return c, nil
}

// bearer is the token of an Authorization header. Like Microsoft's own checker
// it takes one spelling of the scheme, and one blank.
func bearer(header string) (string, error) {
	if strings.TrimSpace(header) == "" {
		return "", noToken
	}
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || len(token) > tokenMax || strings.ContainsAny(token, "\r\n") { // which encoding/base64 skips
		return "", malformed
	}
	return token, nil
}

// verified is what is remembered of a token whose signature, issuer and
// audience are right: its claims, and who signed it.
type verified struct {
	claims claims
	keyID  string
	public *rsa.PublicKey
}

// verify is what a token claims and the key that it was signed with, when the
// token is from the Bot Framework to this bot, now.
func (t *tokens) verify(ctx context.Context, token string) (claims, key, error) {
	sum := sha256.Sum256([]byte(token))
	v, signer, ok := t.recall(sum)
	if ok {
		return v.claims, signer, v.claims.timely(t.now())
	}
	v, signer, err := t.parse(ctx, token)
	if err != nil {
		return nil, key{}, err
	}
	if err := v.claims.timely(t.now()); err != nil {
		return nil, key{}, err
	}
	if err := v.claims.addressed(t.appID); err != nil {
		return nil, key{}, err
	}
	t.remember(sum, v)
	return v.claims, signer, nil
}

// parse reads a token and verifies its signature.
func (t *tokens) parse(ctx context.Context, token string) (verified, key, error) {
	var signer key
	var id string
	parsed, err := t.parser.Parse(token, func(parsed *jwt.Token) (any, error) {
		// Before any key is looked for: neither the Emulator's tokens nor Entra's
		// are worth a fetch.
		if parsed.Claims.(jwt.MapClaims)["iss"] != tokenIssuer {
			return nil, badIssuer
		}
		if _, critical := parsed.Header["crit"]; critical { // RFC 7515, 4.1.11: we understand none
			return nil, malformed
		}
		if id, _ = parsed.Header["kid"].(string); id == "" {
			return nil, unknownKey
		}
		var err error
		signer, err = t.keys.find(ctx, id)
		return signer.public, err
	})
	if err == nil {
		return verified{claims(parsed.Claims.(jwt.MapClaims)), id, signer.public}, signer, nil
	}
	var ours refused
	switch {
	case errors.As(err, &ours):
	case errors.Is(err, jwt.ErrTokenMalformed):
		ours = malformed
	case errors.Is(err, jwt.ErrTokenSignatureInvalid) && parsed.Method == jwt.SigningMethodRS256:
		ours = badSignature
	default: // an algorithm that nobody knows, or that is not allowed
		ours = badAlgorithm
	}
	return verified{}, key{}, ours
}

// recall is what is remembered of a token, while its key is one of those that
// are published now.
func (t *tokens) recall(sum [sha256.Size]byte) (verified, key, bool) {
	t.mu.RLock()
	v, ok := t.verified[sum]
	t.mu.RUnlock()
	if !ok {
		return verified{}, key{}, false
	}
	signer, ok := t.keys.known(v.keyID)
	if !ok || signer.public != v.public && !signer.public.Equal(v.public) {
		return verified{}, key{}, false
	}
	return v, signer, true
}

// remember keeps a verified token. When there is no room for it, those that are
// over go, or else any one.
func (t *tokens) remember(sum [sha256.Size]byte, v verified) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.verified) >= rememberedMax {
		now := t.now()
		for other, o := range t.verified {
			if o.claims.timely(now) != nil {
				delete(t.verified, other)
			}
		}
		for other := range t.verified {
			if len(t.verified) < rememberedMax {
				break
			}
			delete(t.verified, other)
		}
	}
	t.verified[sum] = v
}

// claims are what a token says, of whatever shape. They are never changed.
type claims map[string]any

var _ auth.ClaimsIdentity = claims(nil)

// GetClaimValue is the text of a claim, and empty where there is none. The
// library's own panics then.
func (c claims) GetClaimValue(name string) string {
	text, _ := c[name].(string)
	return text
}

// IsAuthenticated is always true: there are no claims of unverified tokens.
func (c claims) IsAuthenticated() bool { return true }

// timely is nil when a token is neither over nor from the future. Microsoft's
// own checker lets one without an end pass for ever; we do not.
func (c claims) timely(now time.Time) error {
	at, skew := float64(now.UnixMilli())/1000, clockSkew.Seconds()
	end, ok := c["exp"].(float64)
	if !ok {
		return noExpiry
	}
	if at >= end+skew {
		return expired
	}
	begin, given := c["nbf"]
	if !given {
		return nil
	}
	start, ok := begin.(float64)
	switch {
	case !ok:
		return malformed
	case start > at+skew:
		return tooEarly
	}
	return nil
}

// addressed is nil when a token is for the bot of an app id, as the one string.
func (c claims) addressed(appID string) error {
	if appID == "" || c["aud"] != appID {
		return badAudience
	}
	// A bot that calls another as its skill says who it is, in the claim of its
	// token's version; a channel does not.
	var caller any
	switch c["ver"] {
	case "1.0":
		caller = c["appid"]
	case "2.0":
		caller = c["azp"]
	}
	if caller != nil && caller != appID || c["appid"] == "AnonymousSkill" {
		return fromBot
	}
	return nil
}
