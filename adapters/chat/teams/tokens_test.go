package teams_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/infracloudio/msbotbuilder-go/connector/auth"
	"github.com/infracloudio/msbotbuilder-go/core"
	"github.com/infracloudio/msbotbuilder-go/schema"

	"resetbot/adapters/chat/teams"
)

// changes are what a token of the table has in the place of a good one's.
type changes map[string]any

// absent leaves a field out.
type absent struct{}

func (c changes) over(good map[string]any) map[string]any {
	changed := maps.Clone(good)
	for name, value := range c {
		changed[name] = value
		if value == (absent{}) {
			delete(changed, name)
		}
	}
	return changed
}

// tokenCase is a token that our check and Microsoft's judge. It is good but for
// what is said here.
type tokenCase struct {
	name      string
	header    changes
	claims    changes
	rawClaims string                    // in the place of the claims
	sign      func(text []byte) []byte  // otherwise RS256 with the key "teams"
	write     func(token string) string // the Authorization header; otherwise "Bearer " and the token
	activity  func(a *schema.Activity)
	rolled    map[string]any // a key that is published after we fetched the keys

	status   int // 0: accepted
	why      string
	stricter string // why we refuse what Microsoft's checker accepts
}

// tableKeys are the keys of the table: one for Teams, one of another channel, one
// that nothing is said of.
func tableKeys() []map[string]any {
	return []map[string]any{
		published("teams", "msteams", "skypeforbusiness"), published("slack", "slack"),
		published("bare"), published("empty", []string{}...),
	}
}

func ago(minutes int) int64   { return time.Now().Add(-time.Duration(minutes) * time.Minute).Unix() }
func ahead(minutes int) int64 { return ago(-minutes) }

const (
	v1    = "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/" // what the Emulator's tokens are issued by
	noEnd = "a token without an end would be good for ever; the documentation wants one"
)

// tokenTable is every way in which a token can be wrong that we know of, and
// some in which it is right.
func tokenTable() []tokenCase {
	const (
		forbidden    = http.StatusForbidden
		unauthorized = http.StatusUnauthorized
	)
	return []tokenCase{
		{name: "good"},
		{name: "good without a beginning", claims: changes{"nbf": absent{}}},
		{name: "good with more claims than we know", claims: changes{"tid": map[string]any{"a": []any{1, nil}}, "iat": "soon"}},
		{name: "good with an end between two seconds", claims: changes{"exp": float64(ahead(10)) + 0.5}},
		{name: "key rolled this minute", header: changes{"kid": "rolled"}, sign: rs256("rolled"), rolled: published("rolled", "msteams")},

		{name: "issuer missing", claims: changes{"iss": absent{}}, status: unauthorized, why: "issuer"},
		{name: "issuer another", claims: changes{"iss": "https://issuer.example"}, status: unauthorized, why: "issuer"},
		{name: "issuer with a slash", claims: changes{"iss": framework + "/"}, status: unauthorized, why: "issuer"},
		{name: "issuer an array", claims: changes{"iss": []any{framework}}, status: unauthorized, why: "issuer"},
		{name: "issuer a number", claims: changes{"iss": 7}, status: unauthorized, why: "issuer"},
		{name: "issuer null", claims: changes{"iss": nil}, status: unauthorized, why: "issuer"},
		{name: "issuer nested", claims: changes{"iss": map[string]any{"iss": framework}}, status: unauthorized, why: "issuer"},

		{name: "audience missing", claims: changes{"aud": absent{}}, status: forbidden, why: "audience"},
		{name: "audience another bot", claims: changes{"aud": "5f8a1c1e-1111-4111-8111-0000000000cc"}, status: forbidden, why: "audience"},
		{name: "audience in capitals", claims: changes{"aud": strings.ToUpper(botID)}, status: forbidden, why: "audience"},
		{name: "audience empty", claims: changes{"aud": ""}, status: forbidden, why: "audience"},
		{name: "audience an array of this bot", claims: changes{"aud": []any{botID}}, status: forbidden, why: "audience"},
		{name: "audience an array of two", claims: changes{"aud": []any{"other", botID}}, status: forbidden, why: "audience"},
		{name: "audience a number", claims: changes{"aud": 7}, status: forbidden, why: "audience"},
		{name: "audience null", claims: changes{"aud": nil}, status: forbidden, why: "audience"},

		{name: "end missing", claims: changes{"exp": absent{}}, status: unauthorized, why: "no_expiry", stricter: noEnd},
		{name: "end null", claims: changes{"exp": nil}, status: unauthorized, why: "no_expiry"},
		{name: "end text", claims: changes{"exp": fmt.Sprint(ahead(60))}, status: unauthorized, why: "no_expiry"},
		{name: "end an array", claims: changes{"exp": []any{ahead(60)}}, status: unauthorized, why: "no_expiry"},
		{name: "ended 4 minutes ago", claims: changes{"nbf": ago(64), "exp": ago(4)}},
		{name: "ended 6 minutes ago", claims: changes{"nbf": ago(66), "exp": ago(6)}, status: unauthorized, why: "expired"},
		{name: "ended in 1970", claims: changes{"exp": 0}, status: unauthorized, why: "expired"},
		{name: "begins in 4 minutes", claims: changes{"nbf": ahead(4)}},
		{name: "begins in 6 minutes", claims: changes{"nbf": ahead(6)}, status: unauthorized, why: "not_yet_valid"},
		{name: "beginning text", claims: changes{"nbf": "now"}, status: unauthorized, why: "malformed"},
		{name: "beginning null", claims: changes{"nbf": nil}, status: unauthorized, why: "malformed"},

		{name: "connector missing", claims: changes{"serviceurl": absent{}}, status: forbidden, why: "service_url"},
		{name: "connector another", claims: changes{"serviceurl": "https://evil.example/"}, status: forbidden, why: "service_url"},
		{
			name: "connector of the activity another", activity: func(a *schema.Activity) { a.ServiceURL = "https://evil.example/" },
			status: forbidden, why: "service_url",
		},
		{
			name: "connector in other letters", claims: changes{"serviceurl": "https://SMBA.trafficmanager.net/emea/"},
			status: forbidden, why: "service_url",
		},
		{
			name: "connector without the slash", claims: changes{"serviceurl": strings.TrimSuffix(connector, "/")},
			status: forbidden, why: "service_url",
		},
		{
			name: "connector under the name in the activity", claims: changes{"serviceurl": absent{}, "serviceUrl": connector},
			status: forbidden, why: "service_url",
		},
		{name: "connector an array", claims: changes{"serviceurl": []any{connector}}, status: forbidden, why: "service_url"},
		{name: "connector a number", claims: changes{"serviceurl": 7}, status: forbidden, why: "service_url"},
		{name: "connector null", claims: changes{"serviceurl": nil}, status: forbidden, why: "service_url"},
		{
			name: "connector nowhere", claims: changes{"serviceurl": absent{}}, activity: func(a *schema.Activity) { a.ServiceURL = "" },
			status: forbidden, why: "service_url", stricter: "an answer needs somewhere to go",
		},
		{
			name: "connector missing in the activity", activity: func(a *schema.Activity) { a.ServiceURL = "" },
			status: forbidden, why: "service_url", stricter: "Microsoft's skips the claim then, and with it the rule that it is for",
		},

		{name: "channel another", activity: func(a *schema.Activity) { a.ChannelID = "slack" }, status: forbidden, why: "channel"},
		{
			name: "channel another, with its key", header: changes{"kid": "slack"}, sign: rs256("slack"),
			activity: func(a *schema.Activity) { a.ChannelID = "slack" }, status: forbidden, why: "channel",
			stricter: "we serve Teams only",
		},
		{
			name: "channel empty", activity: func(a *schema.Activity) { a.ChannelID = "" }, status: forbidden, why: "channel",
			stricter: "Microsoft's needs no endorsement then, so that any channel's key would do",
		},
		{name: "channel in capitals", activity: func(a *schema.Activity) { a.ChannelID = "MSTEAMS" }, status: forbidden, why: "channel"},
		{name: "key of another channel", header: changes{"kid": "slack"}, sign: rs256("slack"), status: forbidden, why: "endorsement"},
		{
			name: "key without endorsements", header: changes{"kid": "bare"}, sign: rs256("bare"), status: forbidden, why: "endorsement",
			stricter: "the documentation wants the endorsement; the keys of Teams have it",
		},
		{
			name: "key with no endorsement", header: changes{"kid": "empty"}, sign: rs256("empty"), status: forbidden, why: "endorsement",
			stricter: "as above",
		},

		{name: "algorithm none", header: changes{"alg": "none"}, sign: unsigned, status: unauthorized, why: "algorithm"},
		{name: "algorithm none, with a signature", header: changes{"alg": "none"}, status: unauthorized, why: "algorithm"},
		{
			name: "algorithm HS256 with the public key", header: changes{"alg": "HS256"}, sign: hs256("teams"),
			status: unauthorized, why: "algorithm",
		},
		{
			name: "algorithm RS384", header: changes{"alg": "RS384"}, sign: pkcs1("teams", crypto.SHA384),
			status: unauthorized, why: "algorithm", stricter: "the metadata of the Bot Framework names RS256 alone",
		},
		{name: "algorithm PS256", header: changes{"alg": "PS256"}, sign: pss("teams"), status: unauthorized, why: "algorithm"},
		{name: "algorithm in small letters", header: changes{"alg": "rs256"}, status: unauthorized, why: "algorithm"},
		{name: "algorithm missing", header: changes{"alg": absent{}}, status: unauthorized, why: "algorithm"},
		{name: "algorithm an array", header: changes{"alg": []any{"RS256"}}, status: unauthorized, why: "algorithm"},

		{name: "key id missing", header: changes{"kid": absent{}}, status: unauthorized, why: "unknown_key"},
		{name: "key id unknown", header: changes{"kid": "k9"}, status: unauthorized, why: "unknown_key"},
		{name: "key id null", header: changes{"kid": nil}, status: unauthorized, why: "unknown_key"},
		{name: "key id a number", header: changes{"kid": 7}, status: unauthorized, why: "unknown_key"},
		{name: "key id empty", header: changes{"kid": ""}, status: unauthorized, why: "unknown_key"},
		{name: "key id of another key", header: changes{"kid": "slack"}, status: unauthorized, why: "signature"},
		{
			name: "key in the token", header: changes{"jwk": published("mine", "msteams")}, sign: rs256("mine"),
			status: unauthorized, why: "signature",
		},
		{
			name: "header that must be understood", header: changes{"crit": []any{"exp"}}, status: unauthorized, why: "malformed",
			stricter: "RFC 7515, 4.1.11",
		},

		{name: "signature of another", sign: rs256("mine"), status: unauthorized, why: "signature"},
		{name: "signature missing", sign: unsigned, status: unauthorized, why: "signature"},
		{name: "signature cut", sign: func(b []byte) []byte { return rs256("teams")(b)[:255] }, status: unauthorized, why: "signature"},
		{name: "signature over other claims", write: func(token string) string {
			_, rest, _ := strings.Cut(token, ".")
			_, signature, _ := strings.Cut(rest, ".")
			header, claims := parts("teams", time.Now())
			forged := signed(header, changes{"exp": ahead(90)}.over(claims), unsigned)
			return "Bearer " + forged + signature
		}, status: unauthorized, why: "signature"},
		{name: "signature with a bit that does not count", write: func(token string) string {
			return "Bearer " + token[:len(token)-1] + string(next(token[len(token)-1]))
		}, status: unauthorized, why: "malformed", stricter: "one token has one spelling"},

		{
			name: "token of the Emulator", header: changes{"kid": "emulator"}, sign: rs256("emulator"),
			claims: changes{"iss": v1, "ver": "1.0", "appid": botID}, status: unauthorized, why: "issuer",
			stricter: "the Emulator is a tool for building bots",
		},
		{
			name: "token of a bot whose skill we would be", claims: changes{"ver": "1.0", "appid": "5f8a1c1e-1111-4111-8111-0000000000cc"},
			status: forbidden, why: "from_bot",
		},
		{
			name: "token of such a bot, newer", claims: changes{"ver": "2.0", "azp": "5f8a1c1e-1111-4111-8111-0000000000cc"},
			status: forbidden, why: "from_bot",
		},
		{name: "token of a nameless bot", claims: changes{"appid": "AnonymousSkill"}, status: forbidden, why: "from_bot"},
		{
			name: "token of a bot with an empty name", claims: changes{"ver": "2.0", "azp": ""}, status: forbidden, why: "from_bot",
			stricter: "an empty name is not this bot's",
		},
		{name: "token that names this bot twice", claims: changes{"ver": "2.0", "azp": botID}},

		{name: "claims null", rawClaims: `null`, status: unauthorized, why: "issuer"},
		{name: "claims an array", rawClaims: `[]`, status: unauthorized, why: "malformed"},
		{name: "claims text", rawClaims: `"` + framework + `"`, status: unauthorized, why: "malformed"},
		{name: "claims cut", rawClaims: `{"iss":"` + framework + `"`, status: unauthorized, why: "malformed"},
		{name: "claims with an end beyond numbers", rawClaims: `{"iss":"` + framework + `","aud":"` + botID + `","serviceurl":"` +
			connector + `","exp":1e999}`, status: unauthorized, why: "malformed", stricter: noEnd},
		{name: "claims said twice, the last of them wrong", rawClaims: fmt.Sprintf(`{"iss":%q,"aud":%q,"serviceurl":%q,"exp":%d,"aud":"x"}`,
			framework, botID, connector, ahead(60)), status: forbidden, why: "audience"},
		{name: "claims said twice, the last of them right", rawClaims: fmt.Sprintf(`{"iss":%q,"aud":"x","serviceurl":%q,"exp":%d,"aud":%q}`,
			framework, connector, ahead(60), botID)},

		{name: "nothing", write: func(string) string { return "" }, status: unauthorized, why: "missing"},
		{name: "blanks", write: func(string) string { return "  " }, status: unauthorized, why: "missing"},
		{name: "the scheme alone", write: func(string) string { return "Bearer" }, status: unauthorized, why: "malformed"},
		{name: "the scheme and a blank", write: func(string) string { return "Bearer " }, status: unauthorized, why: "malformed"},
		{name: "garbage", write: func(string) string { return "Bearer garbage" }, status: unauthorized, why: "malformed"},
		{name: "dots", write: func(string) string { return "Bearer .." }, status: unauthorized, why: "malformed"},
		{name: "a part too many", write: func(t string) string { return "Bearer " + t + ".a" }, status: unauthorized, why: "malformed"},
		{name: "scheme missing", write: func(t string) string { return t }, status: unauthorized, why: "malformed"},
		{name: "scheme in small letters", write: func(t string) string { return "bearer " + t }, status: unauthorized, why: "malformed"},
		{name: "scheme another", write: func(t string) string { return "Basic " + t }, status: unauthorized, why: "malformed"},
		{name: "two values", write: func(t string) string { return "Bearer " + t + ", Bearer " + t }, status: unauthorized, why: "malformed"},
		{name: "two blanks", write: func(t string) string { return "Bearer  " + t }, status: unauthorized, why: "malformed"},
		{name: "a blank before", write: func(t string) string { return " Bearer " + t }, status: unauthorized, why: "malformed"},
		{name: "a blank behind", write: func(t string) string { return "Bearer " + t + " " }, status: unauthorized, why: "malformed"},
		{name: "a line break behind", write: func(t string) string { return "Bearer " + t + "\n" }, status: unauthorized, why: "malformed"},
		{name: "filled up with =", write: func(t string) string { return "Bearer " + t + "=" }, status: unauthorized, why: "malformed"},
		{
			name: "longer than any token", claims: changes{"x": strings.Repeat("x", 16<<10)}, status: unauthorized, why: "malformed",
			stricter: "the tokens of the Bot Framework are of 1 kB",
		},
	}
}

// next is another letter of base64url that stands for the same first four bits.
func next(letter byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, letter)^1]
}

// bearer is the Authorization header of a case.
func (c tokenCase) bearer() string {
	header, claims := parts("teams", time.Now())
	var body any = c.claims.over(claims)
	if c.rawClaims != "" {
		body = c.rawClaims
	}
	sign := c.sign
	if sign == nil {
		sign = rs256("teams")
	}
	token := signed(c.header.over(header), body, sign)
	if c.write != nil {
		return c.write(token)
	}
	return "Bearer " + token
}

// sent is the activity of a case.
func (c tokenCase) sent() schema.Activity {
	a := activity()
	if c.activity != nil {
		c.activity(&a)
	}
	return a
}

// check asks who sent an activity; accepted has status 0.
func check(t testing.TB, tokens *teams.Tokens, a schema.Activity, header string) (status int, why string) {
	t.Helper()
	identity, err := tokens.AuthenticateRequest(t.Context(), a, header, nil, "")
	var r teams.RefusedToken
	switch {
	case err == nil && identity == nil:
		t.Fatal("neither an identity nor an error")
	case err == nil && !identity.IsAuthenticated():
		t.Fatal("an identity that is not authenticated, without an error")
	case err == nil:
		return 0, ""
	case identity != nil:
		t.Fatalf("an identity beside the error %v", err)
	case !errors.As(err, &r):
		t.Fatalf("the error %v is no refusal", err)
	}
	return r.Status(), r.Why()
}

func TestAC69_EachTokenIsJudged(t *testing.T) {
	for _, c := range tokenTable() {
		t.Run(c.name, func(t *testing.T) {
			server := &keyServer{keys: tableKeys()}
			metadata, client := server.serve(t)
			var later time.Duration
			tokens := teams.NewTokens(teams.TokenOptions{
				AppID: botID, MetadataURL: metadata, Client: client, Now: func() time.Time { return time.Now().Add(later) },
			})
			if c.rolled != nil {
				if status, why := check(t, tokens, activity(), bearing("teams", time.Now(), nil)); status != 0 {
					t.Fatalf("with the old key: %d %s", status, why)
				}
				server.publish(c.rolled)
				later = 31 * time.Second // the fetch for the first key was one for an unknown key
			}
			header := c.bearer()
			for range 2 { // the second time from memory, where it was accepted
				if status, why := check(t, tokens, c.sent(), header); status != c.status || why != c.why {
					t.Errorf("got %d %q, want %d %q", status, why, c.status, c.why)
				}
			}
		})
	}
}

func TestAC69_ARefusalRepeatsNothingOfTheToken(t *testing.T) {
	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(t)
	tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: metadata, Client: client})
	for _, c := range tokenTable() {
		if c.status == 0 {
			continue
		}
		_, err := tokens.AuthenticateRequest(t.Context(), c.sent(), c.bearer(), nil, "")
		if want := "refusing an activity: " + c.why; err == nil || err.Error() != want {
			t.Errorf("%s: the error says %q, want %q", c.name, err, want)
		}
	}
}

func TestAC70_WithoutAnAppIDNobodyIsBelieved(t *testing.T) {
	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(t)
	tokens := teams.NewTokens(teams.TokenOptions{MetadataURL: metadata, Client: client})
	for _, audience := range []any{botID, "", nil} {
		if status, why := check(t, tokens, activity(), bearing("teams", time.Now(), changes{"aud": audience})); why != "audience" {
			t.Errorf("audience %v: %d %q", audience, status, why)
		}
	}
	if status, why := check(t, tokens, activity(), "Bearer garbage"); status != http.StatusUnauthorized { // the library lets it in
		t.Errorf("garbage: %d %q", status, why)
	}
}

func TestTheLibrarysAdapterRefusesByOurCheck(t *testing.T) {
	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(t)
	tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: metadata, Client: client})
	adapter := core.BotFrameworkAdapter{
		AdapterSetting: core.AdapterSetting{AppID: botID, CredentialProvider: auth.SimpleCredentialProvider{AppID: botID}},
		TokenValidator: tokens,
	}
	parse := func(header, body string) error {
		r := httptest.NewRequest(http.MethodPost, "/api/messages", strings.NewReader(body))
		r.Header.Set("Authorization", header)
		_, err := adapter.ParseRequest(t.Context(), r)
		return err
	}
	body := `{"type":"message","channelId":"msteams","serviceUrl":"` + connector + `"}`
	if err := parse(bearing("teams", time.Now(), nil), body); err != nil {
		t.Errorf("a good token: %v", err)
	}
	var r teams.RefusedToken
	if err := parse(bearing("teams", time.Now(), nil), `{"channelId":"msteams"}`); !errors.As(err, &r) || r.Why() != "service_url" {
		t.Errorf("an activity without a connector: %v", err)
	}
}

func TestTheIdentityAnswersForClaimsOfEveryShape(t *testing.T) {
	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(t)
	tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: metadata, Client: client})
	identity, err := tokens.AuthenticateRequest(t.Context(), activity(),
		bearing("teams", time.Now(), changes{"list": []any{"a"}, "nothing": nil, "nested": map[string]any{"a": 1}}), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"iss": framework, "aud": botID, "serviceurl": connector,
		"exp": "", "list": "", "nothing": "", "nested": "", "not there": "", "": "",
	} {
		if got := identity.GetClaimValue(name); got != want {
			t.Errorf("claim %q is %q, want %q", name, got, want)
		}
	}
}

func TestARememberedTokenIsHeldAgainstEachActivity(t *testing.T) {
	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(t)
	tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: metadata, Client: client})
	header := bearing("teams", time.Now(), nil)
	elsewhere, other, nowhere := activity(), activity(), activity()
	elsewhere.ServiceURL, other.ChannelID, nowhere.ServiceURL = "https://evil.example/", "webchat", ""
	for _, step := range []struct {
		a   schema.Activity
		why string
	}{{activity(), ""}, {elsewhere, "service_url"}, {other, "channel"}, {nowhere, "service_url"}, {activity(), ""}} {
		if _, why := check(t, tokens, step.a, header); why != step.why {
			t.Errorf("got %q, want %q", why, step.why)
		}
	}
	if n := teams.Remembered(tokens); n != 1 {
		t.Errorf("%d tokens are remembered, want 1", n)
	}
}

func TestATokenIsRememberedUntilItExpires(t *testing.T) {
	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(t)
	now := time.Now()
	tokens := teams.NewTokens(teams.TokenOptions{
		AppID: botID, MetadataURL: metadata, Client: client, Now: func() time.Time { return now },
	})
	end := now.Add(time.Hour).Truncate(time.Second)
	header := bearing("teams", now, changes{"exp": end.Unix(), "nbf": now.Add(-time.Minute).Unix()})
	for _, step := range []struct {
		at  time.Time
		why string
	}{
		{now, ""},
		{end.Add(5*time.Minute - time.Second), ""},
		{end.Add(5 * time.Minute), "expired"},
		{end.Add(time.Hour), "expired"},
		{end.Add(-2 * time.Hour), "not_yet_valid"}, // the clock was put back
	} {
		now = step.at
		if _, why := check(t, tokens, activity(), header); why != step.why {
			t.Errorf("at %v: got %q, want %q", step.at.Sub(end), why, step.why)
		}
	}
}

func TestOnlySoManyTokensAreRemembered(t *testing.T) {
	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(t)
	now := time.Now()
	tokens := teams.NewTokens(teams.TokenOptions{
		AppID: botID, MetadataURL: metadata, Client: client, Now: func() time.Time { return now },
	})
	good := func(n int) {
		t.Helper()
		if status, why := check(t, tokens, activity(), bearing("teams", now, changes{"n": n})); status != 0 {
			t.Fatalf("%d %s", status, why)
		}
	}
	for n := range teams.RememberedMax + 10 {
		good(n)
	}
	if n := teams.Remembered(tokens); n != teams.RememberedMax {
		t.Errorf("%d are remembered, want %d", n, teams.RememberedMax)
	}
	now = now.Add(2 * time.Hour) // all of them are over
	good(0)
	if n := teams.Remembered(tokens); n != 1 {
		t.Errorf("%d are remembered after the others ended, want 1", n)
	}
	for range 10 { // what is not accepted is not remembered
		check(t, tokens, activity(), bearing("teams", now, changes{"aud": "x"}))
		check(t, tokens, activity(), bearing("mine", now, nil))
	}
	if n := teams.Remembered(tokens); n != 1 {
		t.Errorf("%d are remembered after wrong ones, want 1", n)
	}
}

func TestTokensAreJudgedInParallel(t *testing.T) {
	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(t)
	tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: metadata, Client: client})
	good, forged := bearing("teams", time.Now(), nil), bearing("mine", time.Now(), nil)
	elsewhere := activity()
	elsewhere.ServiceURL = "https://evil.example/"
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for m := range 50 {
				if status, why := check(t, tokens, activity(), good); status != 0 {
					t.Errorf("good: %d %s", status, why)
				}
				if _, why := check(t, tokens, elsewhere, good); why != "service_url" {
					t.Errorf("good, with another connector: %s", why)
				}
				if _, why := check(t, tokens, activity(), forged); why != "unknown_key" {
					t.Errorf("forged: %s", why)
				}
				if m%10 == 0 {
					if status, why := check(t, tokens, activity(), bearing("teams", time.Now(), changes{"n": n*50 + m})); status != 0 {
						t.Errorf("another good one: %d %s", status, why)
					}
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkToken prints the time of this process's own (cpu-ns/op) beside the
// time that went by, which is longer on a busy machine.
func BenchmarkToken(b *testing.B) {
	server := &keyServer{keys: tableKeys()}
	metadata, client := server.serve(b)
	tokens := teams.NewTokens(teams.TokenOptions{AppID: botID, MetadataURL: metadata, Client: client})
	good, forged := bearing("teams", time.Now(), nil), bearing("mine", time.Now(), nil)
	a := activity()
	for _, bench := range []struct {
		name, header, why string
		forget            bool
	}{
		{"first", good, "", true},
		{"remembered", good, "", false},
		{"of an unknown key", forged, "unknown_key", false},
	} {
		b.Run(bench.name, func(b *testing.B) {
			check(b, tokens, a, bench.header)
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				if bench.forget {
					teams.Forget(tokens)
				}
				if _, why := check(b, tokens, a, bench.header); why != bench.why {
					b.Fatalf("got %q, want %q", why, bench.why)
				}
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
	b.Run("the signature alone, by crypto", func(b *testing.B) { // what cannot be saved the first time
		text := []byte("text")
		signature, sum := rs256("teams")(text), sha256.Sum256(text)
		before := cpu(b)
		for b.Loop() {
			if err := rsa.VerifyPKCS1v15(&private("teams").PublicKey, crypto.SHA256, sum[:], signature); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
	})
}

// cpu is the time that this process has used.
func cpu(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
