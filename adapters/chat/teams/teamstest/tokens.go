package teamstest

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Scope is what a bot asks a token for.
const Scope = "https://api.botframework.com/.default"

// Lifetime has tokens live so long from now on; an hour at first.
func (c *Cloud) Lifetime(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lifetime = d
}

// Revoke ends all tokens.
func (c *Cloud) Revoke() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.granted)
}

type entraError struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// grant is the token endpoint, RFC 6749, 4.4, with RFC 7523, 2.2.
func (c *Cloud) grant(w http.ResponseWriter, r *http.Request, _ Trouble) {
	if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" {
		write(w, http.StatusBadRequest, entraError{"invalid_request", "AADSTS900144: The request body is wrong."})
		return
	}
	refuse := func(status int, word, text string) {
		write(w, status, entraError{word, text + " Trace ID: " + random()})
	}
	secret, assertion := r.PostForm.Get("client_secret"), r.PostForm.Get("client_assertion")
	switch {
	case r.PathValue("tenant") != c.Tenant:
		refuse(400, "invalid_request", "AADSTS90002: Tenant not found.")
	case r.PostForm.Get("grant_type") != "client_credentials":
		refuse(400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
	case r.PostForm.Get("client_id") != c.AppID:
		refuse(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
	case r.PostForm.Get("scope") != Scope:
		refuse(400, "invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
	case secret == "" && assertion == "":
		refuse(401, "invalid_client", "AADSTS7000216: 'client_assertion' or 'client_secret' is required.")
	case assertion != "" && !c.assertionHolds(r, assertion):
		refuse(401, "invalid_client", "AADSTS700027: The client assertion failed signature validation.")
	case assertion == "" && secret != c.Secret:
		refuse(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
	default:
		token, life := c.newToken()
		write(w, http.StatusOK, map[string]any{
			"token_type": "Bearer", "expires_in": int(life.Seconds()), "ext_expires_in": int(life.Seconds()), "access_token": token,
		})
	}
}

func (c *Cloud) newToken() (string, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	token := "eyJ0eXAiOiJKV1Qi." + random() + "." + random()
	c.granted[token] = c.Now().Add(c.lifetime)
	return token, c.lifetime
}

// assertionHolds judges a statement signed with the app's certificate, as
// Microsoft's “Application authentication certificate credentials” tells.
func (c *Cloud) assertionHolds(r *http.Request, assertion string) bool {
	if c.Certificate == nil || r.PostForm.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return false
	}
	claims := jwt.RegisteredClaims{}
	token, err := jwt.ParseWithClaims(assertion, &claims, func(t *jwt.Token) (any, error) {
		thumbprint := sha256.Sum256(c.Certificate.Raw)
		if t.Header["x5t#S256"] != base64.RawURLEncoding.EncodeToString(thumbprint[:]) || t.Header["typ"] != "JWT" {
			return nil, jwt.ErrTokenUnverifiable
		}
		return c.Certificate.PublicKey.(*rsa.PublicKey), nil
	}, jwt.WithValidMethods([]string{"PS256", "RS256"}), jwt.WithExpirationRequired(), jwt.WithTimeFunc(c.Now),
		jwt.WithAudience("http://"+r.Host+r.URL.Path), jwt.WithIssuer(c.AppID), jwt.WithSubject(c.AppID))
	if err != nil || !token.Valid || claims.NotBefore == nil || claims.ExpiresAt.Sub(claims.NotBefore.Time) > 10*time.Minute {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.seen[claims.ID]
	c.seen[claims.ID] = true
	return claims.ID != "" && !known
}

// identity is what Azure App Service gives to managed identities.
func (c *Cloud) identity(w http.ResponseWriter, r *http.Request, _ Trouble) {
	q := r.URL.Query()
	if r.Header.Get("X-IDENTITY-HEADER") != c.IdentityHeader || q.Get("resource") != "https://api.botframework.com" || q.Get("client_id") != c.AppID {
		write(w, http.StatusBadRequest, map[string]any{"statusCode": 400, "message": "No managed identity was found for the " + c.IdentityHeader})
		return
	}
	token, life := c.newToken()
	write(w, http.StatusOK, map[string]any{
		"access_token": token, "expires_on": strconv.FormatInt(c.Now().Add(life).Unix(), 10),
		"resource": q.Get("resource"), "token_type": "Bearer", "client_id": c.AppID,
	})
}

// write answers with JSON.
func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who does not read it does not get it
}
