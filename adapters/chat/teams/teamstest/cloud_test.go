package teamstest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resetbot/adapters/chat/teams/teamstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bearer asks for a token as a bot does.
func bearer(t *testing.T, c *teamstest.Cloud, change func(url.Values)) (int, string) {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.AppID}, "client_secret": {c.Secret}, "scope": {teamstest.Scope}}
	if change != nil {
		change(form)
	}
	a, err := c.Client().PostForm(strings.ReplaceAll(c.TokenURL, "{tenant_id}", c.Tenant), form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	var answer struct {
		AccessToken string `json:"access_token"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(a.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, answer.AccessToken + answer.Description
}

// call asks the connector for something.
func call(t *testing.T, c *teamstest.Cloud, method, path, body string) (int, string) {
	t.Helper()
	_, token := bearer(t, c, nil)
	status, answer, err := callAs(t.Context(), c, token, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

func callAs(ctx context.Context, c *teamstest.Cloud, token, method, path, body string) (int, string, error) {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.ServiceURL+path, content)
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	a, err := c.Client().Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = a.Body.Close() }()
	answer, err := io.ReadAll(a.Body)
	return a.StatusCode, string(answer), err
}

const hello = `{"type":"message","text":"hallo","from":{"id":"28:app"}}`

func TestRequestsAreJudged(t *testing.T) {
	if os.Getenv("RESETBOT_SPECS") == "" {
		if os.Getenv("RESETBOT_REQUIRE") != "" {
			t.Fatal("RESETBOT_SPECS is not set")
		}
		t.Skip("RESETBOT_SPECS does not say where Microsoft's description of the Bot Connector is")
	}
	var faults []string
	c := teamstest.StartWith(t, teamstest.Options{Fault: func(what string) { faults = append(faults, what) }})
	p := c.Person(teamstest.Person{})
	activities := "v3/conversations/" + url.PathEscape(p.Conversation) + "/activities"
	member := "v3/conversations/" + url.PathEscape(p.Conversation) + "/members/" + url.PathEscape(p.ID)
	for _, r := range []struct{ name, method, path, body, fault string }{
		{"a message", "POST", activities, hello, ""},
		{"a change", "PUT", activities + "/1700000000001", hello, ""},
		{"a member", "GET", member, "", ""},
		{"a chat", "POST", "v3/conversations", `{"members":[{"id":"` + p.ObjectID + `"}],"tenantId":"` + c.Tenant + `"}`, ""},
		{"a type that there is not", "POST", activities, `{"type":"msg"}`, "type"},
		{"a number for a text", "POST", activities, `{"type":"message","text":5}`, "text"},
		{"a list for an object", "POST", activities, `{"type":"message","from":["28:app"]}`, "from"},
		{"a time that is none", "POST", activities, `{"type":"message","timestamp":"today"}`, "timestamp"},
		{"a time that nobody set", "POST", activities, `{"type":"message","timestamp":"0001-01-01T00:00:00Z"}`, "nobody set"},
		{"an empty object", "POST", activities, `{"type":"message","suggestedActions":{}}`, "/suggestedActions"},
		{"a text and a card", "POST", activities, `{"type":"message","text":"x","attachments":[{"contentType":"a","content":{}}]}`, "two of"},
		{"no body", "POST", activities, "", "body"},
		{"no JSON", "POST", activities, "{", "JSON"},
		{"a path that there is not", "POST", "v3/conversation", hello, "no matching operation"},
		{"a method that there is not", "PATCH", activities, hello, "method"},
	} {
		faults = nil
		call(t, c, r.method, r.path, r.body)
		said := strings.Join(faults, "; ")
		if (r.fault == "") != (said == "") || !strings.Contains(said, r.fault) {
			t.Errorf("%s: %q, want %q", r.name, said, r.fault)
		}
	}
}

func TestAChatShowsWhatWasSentAndChanged(t *testing.T) {
	c := teamstest.Start(t)
	p := c.Person(teamstest.Person{Conversation: "a:1/2 é"})
	path := "v3/conversations/" + url.PathEscape(p.Conversation) + "/activities"
	if status, answer := call(t, c, "POST", path, hello); status != 201 || answer != `{"id":"1700000000001"}`+"\n" {
		t.Errorf("%d %s", status, answer)
	}
	c.Next(teamstest.Connector, teamstest.Trouble{SameID: true}, teamstest.Trouble{ID: "x"})
	call(t, c, "POST", path, hello)
	call(t, c, "POST", path, hello)
	call(t, c, "POST", path, `{"type":"typing"}`)
	if status, _ := call(t, c, "PUT", path+"/x", `{"type":"message","text":"dag"}`); status != 200 {
		t.Errorf("a change is %d", status)
	}
	want := []teamstest.Shown{{ID: "1700000000001", Text: "hallo"}, {ID: "1700000000001", Text: "hallo"}, {ID: "x", Text: "dag", Edits: 1}}
	if diff := cmp.Diff(want, c.Screen(p.Conversation)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if status, answer := call(t, c, "PUT", path+"/y", hello); status != 404 || !strings.Contains(answer, teamstest.ActivityNotFoundInConversation) {
		t.Errorf("%d %s", status, answer)
	}
	if n := len(c.Sent()); n != 5 {
		t.Errorf("%d were sent", n)
	}
	c.ForgetMessages(p.Conversation)
	if n := len(c.Screen(p.Conversation)); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func TestNobodySendsWithoutATokenOrToNobody(t *testing.T) {
	c := teamstest.Start(t)
	p := c.Person(teamstest.Person{})
	path := "v3/conversations/" + p.Conversation + "/activities"
	_, good := bearer(t, c, nil)
	for name, token := range map[string]string{"none": "", "another": "x", "an activity's": c.Token(teamstest.Claims{})} {
		if status, _, err := callAs(t.Context(), c, token, "POST", path, hello); status != 401 || err != nil {
			t.Errorf("%s: %d %v", name, status, err)
		}
	}
	if status, answer := call(t, c, "POST", "v3/conversations/a:0/activities", hello); status != 404 || !strings.Contains(answer, teamstest.ConversationNotFound) {
		t.Errorf("%d %s", status, answer)
	}
	c.Block(p.Conversation, teamstest.MessageWritesBlocked)
	if status, answer := call(t, c, "POST", path, hello); status != 403 || !strings.Contains(answer, teamstest.MessageWritesBlocked) {
		t.Errorf("%d %s", status, answer)
	}
	c.Block(p.Conversation, "")
	c.Revoke()
	if status, _, err := callAs(t.Context(), c, good, "POST", path, hello); status != 401 || err != nil {
		t.Errorf("%d %v", status, err)
	}
	if n := len(c.Screen(p.Conversation)); n != 0 {
		t.Errorf("%d messages", n)
	}
}

func TestTokensAreGivenToTheAppAlone(t *testing.T) {
	c := teamstest.Start(t)
	if status, token := bearer(t, c, nil); status != 200 || token == "" {
		t.Errorf("%d %s", status, token)
	}
	for want, change := range map[string]func(url.Values){
		"AADSTS7000215": func(f url.Values) { f.Set("client_secret", "x") },
		"AADSTS7000216": func(f url.Values) { f.Del("client_secret") },
		"AADSTS700027":  func(f url.Values) { f.Set("client_assertion", "x") },
		"AADSTS700016":  func(f url.Values) { f.Set("client_id", "x") },
		"AADSTS1002012": func(f url.Values) { f.Set("scope", "x") },
		"AADSTS70003":   func(f url.Values) { f.Set("grant_type", "password") },
	} {
		if status, answer := bearer(t, c, change); status == 200 || !strings.Contains(answer, want) {
			t.Errorf("want %s: %d %s", want, status, answer)
		}
	}
}

func TestTheLimitsOfMicrosoftAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true, Limits: true})
		p := c.Person(teamstest.Person{})
		var statuses []int
		for range 9 {
			status, _ := call(t, c, "POST", "v3/conversations/"+p.Conversation+"/activities", hello)
			statuses = append(statuses, status)
		}
		if diff := cmp.Diff([]int{201, 201, 201, 201, 201, 201, 201, 429, 429}, statuses); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTroubleHappensAsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		p := c.Person(teamstest.Person{})
		_, token := bearer(t, c, nil)
		send := func() (int, error) {
			status, _, err := callAs(t.Context(), c, token, "POST", "v3/conversations/"+p.Conversation+"/activities", hello)
			return status, err
		}
		for _, r := range []struct {
			name    string
			trouble teamstest.Trouble
			status  int
			broken  bool
			taken   bool
		}{
			{"dropped", teamstest.Trouble{Drop: true}, 0, true, false},
			{"lost", teamstest.Trouble{Lose: true}, 0, true, true},
			{"half", teamstest.Trouble{Half: true}, 201, true, true},
			{"refused", teamstest.Trouble{Status: 503}, 503, false, false},
			{"taken all the same", teamstest.Trouble{Status: 504, Taken: true}, 504, false, true},
			{"slow", teamstest.Trouble{Delay: time.Minute}, 201, false, true},
		} {
			before, began := len(c.Screen(p.Conversation)), time.Now()
			c.Next(teamstest.Connector, r.trouble)
			status, err := send()
			if status != r.status || (err != nil) != r.broken || (len(c.Screen(p.Conversation)) > before) != r.taken || time.Since(began) != r.trouble.Delay {
				t.Errorf("%s: %d, %v, %d messages after %v", r.name, status, err, len(c.Screen(p.Conversation))-before, time.Since(began))
			}
		}
		c.Break(teamstest.Connector, teamstest.Trouble{Status: 500})
		for range 2 {
			if status, _ := send(); status != 500 {
				t.Errorf("broken: %d", status)
			}
		}
		c.Mend(teamstest.Connector)
		hold := make(chan struct{})
		c.Next(teamstest.Connector, teamstest.Trouble{Hold: hold})
		var all sync.WaitGroup
		all.Go(func() {
			if status, err := send(); status != 201 || err != nil {
				t.Errorf("held: %d %v", status, err)
			}
		})
		synctest.Wait()
		before := len(c.Requests())
		close(hold)
		all.Wait()
		if len(c.Requests()) != before+1 {
			t.Error("it was not held")
		}
	})
}

func TestRequestsHappenInAnotherOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		p := c.Person(teamstest.Person{})
		_, token := bearer(t, c, nil)
		c.Reorder(3)
		var all sync.WaitGroup
		for _, text := range []string{"een", "twee", "drie"} {
			all.Go(func() {
				_, _, err := callAs(t.Context(), c, token, "POST", "v3/conversations/"+p.Conversation+"/activities", `{"type":"message","text":"`+text+`"}`)
				if err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		var got []string
		for _, s := range c.Screen(p.Conversation) {
			got = append(got, s.Text)
		}
		if diff := cmp.Diff([]string{"drie", "twee", "een"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// keys reads the key server as a bot does.
func keys(t *testing.T, c *teamstest.Cloud) map[string]jwk {
	t.Helper()
	var metadata struct {
		Issuer  string
		JWKSURI string `json:"jwks_uri"`
	}
	get(t, c, c.MetadataURL, &metadata)
	if metadata.Issuer != "https://api.botframework.com" {
		t.Errorf("issued by %s", metadata.Issuer)
	}
	var set struct{ Keys []jwk }
	get(t, c, metadata.JWKSURI, &set)
	found := map[string]jwk{}
	for _, k := range set.Keys {
		found[k.Kid] = k
	}
	return found
}

type jwk struct {
	Kty, Kid, N, E string
	Endorsements   []string
}

func get(t *testing.T, c *teamstest.Cloud, address string, into any) {
	t.Helper()
	a, err := c.Client().Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	if err := json.NewDecoder(a.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreShownWhenTheyArePublished(t *testing.T) {
	c := teamstest.Start(t)
	first, next := c.Key(), c.NewKey("msteams", "webchat")
	if first.Private.Equal(next.Private) {
		t.Fatal("two keys are one")
	}
	if _, ok := keys(t, c)[next.ID]; ok {
		t.Error("a key is shown that nobody published")
	}
	c.Publish(first, next)
	got := keys(t, c)
	if len(got) != 2 || !cmp.Equal(got[next.ID].Endorsements, []string{"msteams", "webchat"}) || got[first.ID].Kty != "RSA" {
		t.Errorf("%+v", got)
	}
	if f := c.Fetched(); f.Metadata != 2 || f.Keys != 2 {
		t.Errorf("%+v", f)
	}
	c.Next(teamstest.Keys, teamstest.Trouble{Status: 503, Body: "<html>"})
	a, err := c.Client().Get("http://" + c.Host + "/v1/.well-known/keys")
	if err != nil || a.StatusCode != 503 {
		t.Errorf("%v", err)
	}
	_ = a.Body.Close()
}

func TestTokensSayWhatTheyAreToSay(t *testing.T) {
	c := teamstest.Start(t)
	read := func(token string, with any, methods ...string) (jwt.MapClaims, error) {
		claims := jwt.MapClaims{}
		_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return with, nil }, jwt.WithValidMethods(methods))
		return claims, err
	}
	public := &c.Key().Private.PublicKey
	claims, err := read(c.Token(teamstest.Claims{}), public, "RS256")
	if err != nil || claims["iss"] != "https://api.botframework.com" || claims["aud"] != c.AppID || claims["serviceurl"] != c.ServiceURL {
		t.Errorf("%v %v", claims, err)
	}
	if _, err := read(c.Token(teamstest.Claims{Expires: time.Now().Add(-time.Minute)}), public, "RS256"); !errors.Is(err, jwt.ErrTokenExpired) {
		t.Errorf("expired: %v", err)
	}
	if _, err := read(c.Token(teamstest.Claims{Key: c.NewKey()}), public, "RS256"); !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
		t.Errorf("another key: %v", err)
	}
	claims, err = read(c.Token(teamstest.Claims{Set: map[string]any{"aud": []string{c.AppID}}, Drop: []string{"exp", "iss"}}), public, "RS256")
	if _, list := claims["aud"].([]any); !list || claims["exp"] != nil || claims["iss"] != nil || err != nil {
		t.Errorf("%v %v", claims, err)
	}
	if _, err := read(c.Token(teamstest.Claims{Algorithm: "HS256"}), c.Key().PublicPEM(), "HS256"); err != nil {
		t.Errorf("HS256 with the public key: %v", err)
	}
	if _, err := read(c.Token(teamstest.Claims{Algorithm: "none"}), jwt.UnsafeAllowNoneSignatureType, "none"); err != nil {
		t.Errorf("none: %v", err)
	}
	head := strings.Split(c.Token(teamstest.Claims{Header: map[string]any{"kid": "../x"}}), ".")[0]
	token, _, err := jwt.NewParser().ParseUnverified(head+".e30.", jwt.MapClaims{})
	if err != nil || token.Header["kid"] != "../x" {
		t.Errorf("%v %v", token, err)
	}
}

func TestActivitiesAreDelivered(t *testing.T) {
	c := teamstest.Start(t)
	p := c.Person(teamstest.Person{UPN: "anna@example.org"})
	var got map[string]any
	var authorization string
	bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		got = nil
		_ = json.NewDecoder(r.Body).Decode(&got)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "ja")
	}))
	t.Cleanup(bot.Close)
	answer, err := c.Deliver(t.Context(), bot.URL, c.Message(p, "wachtwoord vergeten"))
	if err != nil || answer.Status != 202 || string(answer.Body) != "ja" {
		t.Errorf("%+v %v", answer, err)
	}
	from, _ := got["from"].(map[string]any)
	if got["text"] != "wachtwoord vergeten" || got["serviceUrl"] != c.ServiceURL || from["aadObjectId"] != p.ObjectID || !strings.HasPrefix(authorization, "Bearer ey") {
		t.Errorf("%v with %q", got, authorization)
	}
	for _, activity := range []any{
		c.Submit(p, "1", map[string]any{"a": 1}), c.Invoke(p, "task/fetch", map[string]any{"data": 1}),
		c.Activity(p, "message", map[string]any{"from": nil}),
	} {
		if _, err := c.Deliver(t.Context(), bot.URL, activity, teamstest.Claims{Audience: "x"}); err != nil || got["type"] == nil {
			t.Errorf("%v %v", got, err)
		}
	}
	if got["from"] != nil {
		t.Errorf("%v is left", got["from"])
	}
	if _, err := c.DeliverWith(t.Context(), http.DefaultClient, bot.URL, "", []byte("{")); err != nil || authorization != "" {
		t.Errorf("raw: %q %v", authorization, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestAWaitEndsWhenItHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := teamstest.StartWith(t, teamstest.Options{InMemory: true})
		p := c.Person(teamstest.Person{})
		_, token := bearer(t, c, nil)
		c.Next(teamstest.Connector, teamstest.Trouble{Delay: 10 * time.Second})
		var all sync.WaitGroup
		all.Go(func() {
			if _, _, err := callAs(t.Context(), c, token, "POST", "v3/conversations/"+p.Conversation+"/activities", hello); err != nil {
				t.Error(err)
			}
		})
		began := time.Now()
		c.Wait(t, "a message", func() bool { return len(c.Screen(p.Conversation)) == 1 })
		if time.Since(began) != 10*time.Second {
			t.Errorf("after %v", time.Since(began))
		}
		all.Wait()
	})
}
