package teams_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"resetbot/adapters/chat/teams"
	"resetbot/adapters/chat/teams/teamstest"
)

// line is a way out to a cloud, and somebody at its end.
type line struct {
	*teamstest.Cloud
	teams.Connector
	anna teamstest.Person
	to   teams.Reference
	log  *bytes.Buffer
}

func connect(t testing.TB, o teamstest.Options) *line {
	t.Helper()
	l := &line{Cloud: teamstest.StartWith(t, o), log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(l.log, nil))
	as, err := teams.NewCredential(teams.CredentialOptions{
		AppID: l.AppID, TenantID: l.Tenant, TokenURL: l.TokenURL, Secret: l.Secret, Client: l.Client(), Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Connector = teams.NewConnector(teams.ConnectorOptions{
		AppID: l.AppID, Credential: as, Hosts: []string{l.Host}, Client: l.Client(), Log: log,
	})
	l.anna = l.Person(teamstest.Person{UPN: "anna@example.org"})
	l.to = l.reference(l.anna)
	t.Cleanup(l.Close)
	return l
}

func (l *line) reference(p teamstest.Person) teams.Reference {
	return teams.Reference{
		ServiceURL: l.ServiceURL, Conversation: p.Conversation, Bot: "28:" + l.AppID, User: p.ID, Tenant: p.Tenant,
	}
}

// send sends a text and is not to fail.
func (l *line) send(t testing.TB, text string) string {
	t.Helper()
	id, err := l.Send(t.Context(), l.to, teams.Message{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// failure is what is known of an error.
func failure(t testing.TB, err error) *teams.SendFailure {
	t.Helper()
	var f *teams.SendFailure
	if !errors.As(err, &f) {
		t.Fatalf("%v tells nothing of what became of it", err)
	}
	return f
}

const card = `{"type":"AdaptiveCard","version":"1.5","body":[{"type":"TextBlock","text":"Wie bent u? <b>&"}]}`

func TestAMessageArrivesAsItWasWritten(t *testing.T) {
	l := connect(t, teamstest.Options{})
	id := l.send(t, "Uw *nieuwe* <b>wachtwoord</b> & meer")
	cardID, err := l.Send(t.Context(), l.to, teams.Message{Card: json.RawMessage(card), Summary: "Wie bent u?"})
	if err != nil {
		t.Fatal(err)
	}
	want := []teamstest.Shown{
		{ID: id, Text: "Uw *nieuwe* <b>wachtwoord</b> & meer"},
		{ID: cardID, Card: json.RawMessage(card), Summary: "Wie bent u?"},
	}
	if diff := cmp.Diff(want, l.Screen(l.anna.Conversation)); diff != "" || id == "" || cardID == "" {
		t.Errorf("the chat shows (-want +got):\n%s", diff)
	}
	sent := l.Sent()[0]
	tenant := `"tenant":{"id":"` + l.Tenant + `"}`
	wantBody := `{"type":"message","channelId":"msteams","from":{"id":"28:` + l.AppID + `"},"recipient":{"id":"` + l.anna.ID +
		`"},"conversation":{"id":"` + l.anna.Conversation + `","tenantId":"` + l.Tenant +
		`"},"textFormat":"plain","text":"Uw *nieuwe* <b>wachtwoord</b> & meer","channelData":{` + tenant + `}}`
	if got := strings.TrimSpace(string(sent.Body)); got != wantBody {
		t.Errorf("sent\n%s\nwant\n%s", got, wantBody)
	}
}

func TestAMessageIsEitherATextOrACard(t *testing.T) {
	l := connect(t, teamstest.Options{})
	for name, m := range map[string]teams.Message{
		"both": {Text: "a", Card: json.RawMessage(card)}, "neither": {Summary: "a"}, "no object": {Card: json.RawMessage(`[1]`)},
	} {
		if _, err := l.Send(t.Context(), l.to, m); !errors.Is(err, teams.Refused) {
			t.Errorf("%s: was sent: %v", name, err)
		}
		if err := l.Update(t.Context(), l.to, "1", m); err == nil {
			t.Errorf("%s: was put in the place of another", name)
		}
	}
	if n := len(l.Requests()); n != 0 {
		t.Errorf("%d requests left", n)
	}
}

func TestAMessageIsChangedInItsPlace(t *testing.T) {
	l := connect(t, teamstest.Options{})
	id := l.send(t, "een")
	if err := l.Update(t.Context(), l.to, id, teams.Message{Card: json.RawMessage(card)}); err != nil {
		t.Fatal(err)
	}
	want := []teamstest.Shown{{ID: id, Card: json.RawMessage(card), Edits: 1}}
	if diff := cmp.Diff(want, l.Screen(l.anna.Conversation)); diff != "" {
		t.Errorf("the chat shows (-want +got):\n%s", diff)
	}
}

func TestTypingIsNoMessage(t *testing.T) {
	l := connect(t, teamstest.Options{})
	if err := l.Typing(t.Context(), l.to); err != nil {
		t.Fatal(err)
	}
	sent := l.Sent()
	if len(sent) != 1 || sent[0].Activity.Type != "typing" || len(l.Screen(l.anna.Conversation)) != 0 {
		t.Errorf("sent %+v", sent)
	}
}

func TestSomebodyIsAskedForByTheirNameInTheChat(t *testing.T) {
	l := connect(t, teamstest.Options{})
	if upn, err := l.Member(t.Context(), l.to); err != nil || upn != "anna@example.org" {
		t.Errorf("%q, %v", upn, err)
	}
	byObject := l.to
	byObject.User = strings.ToUpper(l.anna.ObjectID)
	if upn, err := l.Member(t.Context(), byObject); err != nil || upn != "anna@example.org" {
		t.Errorf("by object id: %q, %v", upn, err)
	}
	stranger := l.to
	stranger.User = "29:1nobody"
	_, err := l.Member(t.Context(), stranger)
	if f := failure(t, err); f.Kind != teams.Never {
		t.Errorf("nobody: %+v", f)
	}
}

func TestAnAnswerAboutSomebodyElseIsNotBelieved(t *testing.T) {
	l := connect(t, teamstest.Options{})
	answer := func(id, tenant string) teamstest.Trouble {
		return teamstest.Trouble{Status: 200, Body: fmt.Sprintf(`{"id":%q,"tenantId":%q,"userPrincipalName":"chief@example.org"}`, id, tenant)}
	}
	l.Next(teamstest.Connector, answer("29:1other", l.Tenant), answer(l.anna.ID, "another-tenant"), teamstest.Trouble{Status: 200, Body: `[]`})
	for range 3 {
		if upn, err := l.Member(t.Context(), l.to); err == nil || upn != "" {
			t.Errorf("believed: %q", upn)
		}
	}
}

func TestAChatIsOpenedWithWhoHasTheApp(t *testing.T) {
	l := connect(t, teamstest.Options{})
	to, err := l.Create(t.Context(), l.ServiceURL, "", l.Tenant, l.anna.ObjectID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Send(t.Context(), to, teams.Message{Text: "Was u dit?"}); err != nil {
		t.Error(err)
	}
	if shown := l.Screen(l.anna.Conversation); len(shown) != 1 {
		t.Errorf("the chat shows %v", shown)
	}
	_, err = l.Create(t.Context(), l.ServiceURL, "", l.Tenant, "11111111-2222-4333-8444-555555555555")
	if f := failure(t, err); f.Kind != teams.Never || f.Code != teamstest.BotNotInConversationRoster {
		t.Errorf("nobody: %+v", f)
	}
}

func TestAnAnswerCannotSendAChatElsewhere(t *testing.T) {
	l := connect(t, teamstest.Options{})
	l.Next(teamstest.Connector, teamstest.Trouble{Status: 201, Taken: true, Body: `{"id":"a:1","serviceUrl":"https://evil.example/"}`})
	to, err := l.Create(t.Context(), l.ServiceURL, "", l.Tenant, l.anna.ObjectID)
	if err != nil || to.ServiceURL != l.ServiceURL {
		t.Errorf("%+v, %v", to, err)
	}
}

func TestAC65_OnlyConfiguredHostsGetAnything(t *testing.T) {
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	other := strings.TrimPrefix(elsewhere.URL, "http://")
	l := connect(t, teamstest.Options{})
	for name, address := range map[string]string{
		"another host":             elsewhere.URL,
		"another port":             "http://127.0.0.1:1/emea",
		"no port":                  "http://127.0.0.1/emea",
		"userinfo":                 "http://" + l.Host + "@" + other + "/emea",
		"userinfo of ours":         "http://u@" + l.Host + "/emea",
		"a suffix":                 "http://" + l.Host + ".evil.example/emea",
		"a prefix":                 "http://evil" + l.Host + "/emea",
		"a fragment":               "http://" + other + "/#http://" + l.Host + "/emea",
		"an empty fragment":        "http://" + l.Host + "/emea#",
		"a query":                  "http://" + l.Host + "/emea?x=",
		"an empty query":           "http://" + l.Host + "/emea?",
		"a backslash":              `http://` + other + `\@` + l.Host + `/emea`,
		"another scheme":           "ftp://" + l.Host + "/emea",
		"no scheme":                "//" + l.Host + "/emea",
		"opaque":                   "http:" + l.Host + "/emea",
		"dots in the path":         "http://" + l.Host + "/emea/../x",
		"escaped dots in the path": "http://" + l.Host + "/emea/%2e%2e/x",
		"an escaped slash":         "http://" + l.Host + "/emea%2fx",
		"nothing":                  "",
		"localhost by name":        "http://localhost:" + strings.Split(l.Host, ":")[1] + "/emea",
		"a line break":             "http://" + l.Host + "/emea\r\nX: y",
	} {
		to := l.to
		to.ServiceURL = address
		if _, err := l.Send(t.Context(), to, teams.Message{Text: "x"}); err == nil {
			t.Errorf("%s: sent", name)
		}
		if err := l.Update(t.Context(), to, "1", teams.Message{Text: "x"}); err == nil {
			t.Errorf("%s: changed", name)
		}
		if err := l.Typing(t.Context(), to); err == nil {
			t.Errorf("%s: typing", name)
		}
		if _, err := l.Member(t.Context(), to); err == nil {
			t.Errorf("%s: asked for a member", name)
		}
		if _, err := l.Create(t.Context(), address, "", l.Tenant, l.anna.ObjectID); err == nil {
			t.Errorf("%s: opened a chat", name)
		}
	}
	if n := len(l.Requests()); n != 0 || asked.Load() != 0 || l.Fetched().Tokens != 0 {
		t.Errorf("%d requests to ours, %d to another, %d tokens", n, asked.Load(), l.Fetched().Tokens)
	}
}

// roundTrip is a network of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAC65_HostsAreComparedWhole(t *testing.T) {
	for _, c := range []struct {
		host, serviceURL string
		goes             string // "" is: nowhere
	}{
		{"smba.trafficmanager.net", "https://smba.trafficmanager.net/emea/", "https://smba.trafficmanager.net/emea/v3/"},
		{"smba.trafficmanager.net", "https://SMBA.trafficmanager.net:443", "https://smba.trafficmanager.net:443/v3/"},
		{"SMBA.trafficmanager.net:443", "https://smba.trafficmanager.net/emea", "https://smba.trafficmanager.net/emea/v3/"},
		{"smba.trafficmanager.net", "http://smba.trafficmanager.net/emea/", ""},
		{"smba.trafficmanager.net:80", "http://smba.trafficmanager.net/emea/", ""},
		{"smba.trafficmanager.net", "https://smba.trafficmanager.net:8443/emea/", ""},
		{"smba.trafficmanager.net", "https://smba.trafficmanager.net./emea/", ""},
		{"smba.trafficmanager.net", "https://smba.trafficmanager.net:/emea/", ""},
		{"smba.trafficmanager.net", "https://xsmba.trafficmanager.net/", ""},
		{"smba.trafficmanager.net", "https://smba.trafficmanager.net.evil.example/", ""},
		{"trafficmanager.net", "https://smba.trafficmanager.net/", ""},
		{"smba.trafficmanager.net:8443", "https://smba.trafficmanager.net:8443/", "https://smba.trafficmanager.net:8443/v3/"},
		{"[::1]:4040", "http://[::1]:4040/_connector", "http://[::1]:4040/_connector/v3/"},
		{"localhost:4040", "http://localhost:4040/_connector", "http://localhost:4040/_connector/v3/"},
		{"10.0.0.1:80", "http://10.0.0.1/", ""},
		{"", "https:///x", ""},
	} {
		l := connect(t, teamstest.Options{})
		as, err := teams.NewCredential(teams.CredentialOptions{AppID: l.AppID, TenantID: l.Tenant, TokenURL: l.TokenURL, Secret: l.Secret, Client: l.Client()})
		if err != nil {
			t.Fatal(err)
		}
		went := ""
		out := teams.NewConnector(teams.ConnectorOptions{
			AppID: l.AppID, Credential: as, Hosts: []string{"other.example", c.host},
			Client: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				went = r.URL.String()
				return &http.Response{StatusCode: 201, Body: io.NopCloser(strings.NewReader(`{"id":"1"}`)), Request: r}, nil
			})},
		})
		to := l.to
		to.ServiceURL = c.serviceURL
		_, err = out.Send(t.Context(), to, teams.Message{Text: "x"})
		if (err == nil) != (c.goes != "") || c.goes == "" && went != "" || !strings.HasPrefix(went, c.goes) {
			t.Errorf("%s allows %s: went to %q, %v", c.host, c.serviceURL, went, err)
		}
	}
}

func TestIDsStayWithinTheirPartOfTheAddress(t *testing.T) {
	l := connect(t, teamstest.Options{})
	odd := l.Person(teamstest.Person{Conversation: "19:a/b?c#d%2e;messageid=1@thread.v2 é"})
	to := l.reference(odd)
	if _, err := l.Send(t.Context(), to, teams.Message{Text: "x"}); err != nil {
		t.Fatal(err)
	}
	if len(l.Screen(odd.Conversation)) != 1 {
		t.Errorf("the message went to %s", l.Sent()[0].Path)
	}
	before := len(l.Requests())
	for _, id := range []string{"", ".", "..", "../x", "a/../../b", `a\b`, "a\nb", "a\x00b", strings.Repeat("x", 2000), "\xff\xfe"} {
		to := l.to
		to.Conversation = id
		if _, err := l.Send(t.Context(), to, teams.Message{Text: "x"}); !errors.Is(err, teams.Never) {
			t.Errorf("sent to the conversation %q: %v", id, err)
		}
		if err := l.Update(t.Context(), l.to, id, teams.Message{Text: "x"}); !errors.Is(err, teams.Gone) {
			t.Errorf("changed the message %q: %v", id, err)
		}
		to = l.to
		to.User = id
		if _, err := l.Member(t.Context(), to); err == nil {
			t.Errorf("asked for the member %q", id)
		}
	}
	if n := len(l.Requests()) - before; n != 0 {
		t.Errorf("%d requests left", n)
	}
}

func TestATokenFollowsNoRedirect(t *testing.T) {
	asked := make(chan string, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("Authorization") }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		l := connect(t, teamstest.Options{})
		l.Next(teamstest.Connector, teamstest.Trouble{Status: status, Location: elsewhere.URL})
		_, err := l.Send(t.Context(), l.to, teams.Message{Text: "x"})
		if f := failure(t, err); f.Kind != teams.Later || f.Status != status {
			t.Errorf("%d: %+v", status, f)
		}
	}
	if len(asked) != 0 {
		t.Errorf("a redirect was followed, with %q", <-asked)
	}
}

func TestAnErrorSaysWhatCanBeDone(t *testing.T) {
	words := []string{
		teamstest.ConversationBlockedByUser, teamstest.BotNotInConversationRoster, teamstest.BotDisabledByAdmin, teamstest.MessageWritesBlocked,
	}
	type row struct {
		name    string
		trouble teamstest.Trouble
		kind    error
		code    string
	}
	rows := []row{
		{"gone conversation", teamstest.Trouble{Status: 404, Code: teamstest.ConversationNotFound}, teams.Never, teamstest.ConversationNotFound},
		{"gone message", teamstest.Trouble{Status: 404, Code: teamstest.ActivityNotFoundInConversation}, teams.Gone, teamstest.ActivityNotFoundInConversation},
		{"unknown 404", teamstest.Trouble{Status: 404}, teams.Later, ""},
		{"unknown 403", teamstest.Trouble{Status: 403, Code: "Other"}, teams.Later, "Other"},
		{"a bad card", teamstest.Trouble{Status: 400, Code: "BadArgument"}, teams.Refused, "BadArgument"},
		{"too big", teamstest.Trouble{Status: 413, Code: teamstest.MessageSizeTooBig}, teams.Refused, teamstest.MessageSizeTooBig},
		{"their fault", teamstest.Trouble{Status: 500, Body: "<html>"}, teams.Later, ""},
		{"a code that is none", teamstest.Trouble{Status: 500, Code: "uw code is 123 456"}, teams.Later, ""},
		{"a word within a text", teamstest.Trouble{
			Status: 403, Code: "ServiceError", Text: `{"subCode": "MessageWritesBlocked", "details": "{\"x\":1}"}`,
		}, teams.Never, teamstest.MessageWritesBlocked},
		{"a word where it does not belong", teamstest.Trouble{Status: 500, Code: teamstest.ConversationNotFound}, teams.Later, teamstest.ConversationNotFound},
	}
	for _, word := range words {
		rows = append(rows, row{word, teamstest.Trouble{Status: 403, Code: word}, teams.Never, word})
	}
	for _, c := range rows {
		t.Run(c.name, func(t *testing.T) {
			l := connect(t, teamstest.Options{})
			l.Break(teamstest.Connector, c.trouble)
			err := l.Update(t.Context(), l.to, "1", teams.Message{Card: json.RawMessage(card)})
			f := failure(t, err)
			if f.Kind != c.kind || c.kind != nil && !errors.Is(err, c.kind) || f.Code != c.code || f.Status != c.trouble.Status {
				t.Errorf("%+v, want %v %q", f, c.kind, c.code)
			}
			if n := len(l.Requests()); n != 1 {
				t.Errorf("tried %d times", n)
			}
		})
	}
}

func TestABlockedPersonGetsNothingAndNobodyTriesAgain(t *testing.T) {
	l := connect(t, teamstest.Options{})
	l.Block(l.anna.Conversation, teamstest.ConversationBlockedByUser)
	_, err := l.Send(t.Context(), l.to, teams.Message{Text: "x"})
	if f := failure(t, err); f.Kind != teams.Never || len(l.Requests()) != 1 {
		t.Errorf("%+v after %d requests", f, len(l.Requests()))
	}
}

func TestWhatPassesIsTriedAgainInAWhile(t *testing.T) {
	for _, status := range []int{412, 429, 502, 503, 504} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := connect(t, teamstest.Options{InMemory: true})
				l.Next(teamstest.Connector, teamstest.Trouble{Status: status}, teamstest.Trouble{Status: status})
				began := time.Now()
				l.send(t, "x")
				took := time.Since(began)
				if n := len(l.Screen(l.anna.Conversation)); n != 1 || len(l.Requests()) != 3 {
					t.Errorf("%d messages by %d requests", n, len(l.Requests()))
				}
				if took < 600*time.Millisecond || took > 3*time.Second { // 0.25 to 0.75 s and 0.375 to 1.125 s
					t.Errorf("after %v", took)
				}
			})
		})
	}
}

func TestTryingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true})
		l.Break(teamstest.Connector, teamstest.Trouble{Status: 503})
		_, err := l.Send(t.Context(), l.to, teams.Message{Text: "x"})
		if f := failure(t, err); f.Kind != teams.Later || len(l.Requests()) != 5 {
			t.Errorf("%+v after %d requests", f, len(l.Requests()))
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, c := range []struct {
		says string
		at   func(time.Time) string
		wait time.Duration
	}{
		{"seconds", func(time.Time) string { return "7" }, 7 * time.Second},
		{"a fraction", func(time.Time) string { return "2.5" }, 2500 * time.Millisecond},
		{"a date", func(now time.Time) string { return now.Add(9 * time.Second).UTC().Format(http.TimeFormat) }, 8 * time.Second},
		{"nonsense", func(time.Time) string { return "soon" }, 0},
		{"the past", func(time.Time) string { return "-5" }, 0},
		{"not a number", func(time.Time) string { return "NaN" }, 0},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := connect(t, teamstest.Options{InMemory: true})
				began := time.Now()
				l.Next(teamstest.Connector, teamstest.Trouble{Status: 429, RetryAfter: c.at(began)})
				l.send(t, "x")
				if took := time.Since(began); took < c.wait || took > c.wait+2*time.Second {
					t.Errorf("tried again after %v", took)
				}
			})
		})
	}
}

func TestAWaitThatCannotEndInTimeDoesNotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true})
		l.Next(teamstest.Connector, teamstest.Trouble{Status: 429, RetryAfter: "60"})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		for _, requests := range []int{1, 1} { // the second is not even sent
			_, err := l.Send(ctx, l.to, teams.Message{Text: "x"})
			f := failure(t, err)
			if f.Kind != teams.Later || f.After.Sub(began) != time.Minute || len(l.Requests()) != requests {
				t.Errorf("%+v after %d requests", f, len(l.Requests()))
			}
		}
		if time.Since(began) != 0 {
			t.Errorf("it took %v to say so", time.Since(began))
		}
		other := l.reference(l.Person(teamstest.Person{}))
		if _, err := l.Send(ctx, other, teams.Message{Text: "x"}); err != nil {
			t.Errorf("somebody else: %v", err)
		}
	})
}

func TestAnHourIsTheLongestThatThePlatformIsBelieved(t *testing.T) {
	l := connect(t, teamstest.Options{})
	for _, says := range []string{"9999999999", "1e300", "Mon, 01 Jan 2125 00:00:00 GMT"} {
		l.Next(teamstest.Connector, teamstest.Trouble{Status: 500, RetryAfter: says})
		person := l.reference(l.Person(teamstest.Person{}))
		_, err := l.Send(t.Context(), person, teams.Message{Text: "x"})
		if f := failure(t, err); f.After.After(time.Now().Add(time.Hour)) || f.After.Before(time.Now().Add(50*time.Minute)) {
			t.Errorf("%s: not before %v", says, f.After)
		}
	}
}

func TestAMessageWhoseAnswerIsLostIsNotSentAgain(t *testing.T) {
	l := connect(t, teamstest.Options{})
	l.Next(teamstest.Connector, teamstest.Trouble{Lose: true})
	_, err := l.Send(t.Context(), l.to, teams.Message{Text: "x"})
	if f := failure(t, err); f.Kind != teams.Later || !f.Unsure {
		t.Errorf("%+v", f)
	}
	if n := len(l.Screen(l.anna.Conversation)); n != 1 || len(l.Requests()) != 1 {
		t.Errorf("%d messages by %d requests", n, len(l.Requests()))
	}
}

func TestAMessageThatIsTakenInHalfAnAnswerIsSent(t *testing.T) {
	for name, trouble := range map[string]teamstest.Trouble{
		"half an answer": {Half: true}, "no id": {NoID: true}, "not JSON": {Status: 201, Taken: true, Body: "<html>"},
		"an id that leads elsewhere": {ID: "../x"}, "no content": {Status: 204, Taken: true, Body: ""},
	} {
		l := connect(t, teamstest.Options{})
		l.Next(teamstest.Connector, trouble)
		id, err := l.Send(t.Context(), l.to, teams.Message{Text: "x"})
		if err != nil || id != "" {
			t.Errorf("%s: %q, %v", name, id, err)
		}
		if n := len(l.Screen(l.anna.Conversation)); n != 1 || len(l.Requests()) != 1 {
			t.Errorf("%s: %d messages by %d requests", name, n, len(l.Requests()))
		}
	}
}

func TestWhatHasTheSameEffectTwiceIsTriedAgainWhenItsAnswerIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true})
		id := l.send(t, "een")
		l.Next(teamstest.Connector, teamstest.Trouble{Lose: true})
		if err := l.Update(t.Context(), l.to, id, teams.Message{Text: "twee"}); err != nil {
			t.Errorf("a change: %v", err)
		}
		l.Next(teamstest.Connector, teamstest.Trouble{Lose: true}, teamstest.Trouble{Half: true})
		if upn, err := l.Member(t.Context(), l.to); err != nil || upn != l.anna.UPN {
			t.Errorf("a question: %q, %v", upn, err)
		}
		l.Next(teamstest.Connector, teamstest.Trouble{Half: true})
		if to, err := l.Create(t.Context(), l.ServiceURL, "", l.Tenant, l.anna.ObjectID); err != nil || to.Conversation != l.anna.Conversation {
			t.Errorf("a chat: %+v, %v", to, err)
		}
	})
}

func TestWhatNeverLeftIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true})
		var dials atomic.Int32
		as, err := teams.NewCredential(teams.CredentialOptions{AppID: l.AppID, TenantID: l.Tenant, TokenURL: l.TokenURL, Secret: l.Secret, Client: l.Client()})
		if err != nil {
			t.Fatal(err)
		}
		out := teams.NewConnector(teams.ConnectorOptions{
			AppID: l.AppID, Credential: as, Hosts: []string{l.Host},
			Client: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if dials.Add(1) < 3 {
					return nil, errors.New("connection refused")
				}
				return l.Client().Transport.RoundTrip(r)
			})},
		})
		if id, err := out.Send(t.Context(), l.to, teams.Message{Text: "x"}); err != nil || id == "" {
			t.Errorf("%q, %v", id, err)
		}
		if n := len(l.Screen(l.anna.Conversation)); n != 1 || dials.Load() != 3 {
			t.Errorf("%d messages by %d tries", n, dials.Load())
		}
	})
}

func TestASlowPlatformIsNotWaitedForEndlessly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true})
		l.Break(teamstest.Connector, teamstest.Trouble{Delay: time.Hour})
		began := time.Now()
		_, err := l.Send(t.Context(), l.to, teams.Message{Text: "x"})
		if f := failure(t, err); f.Kind != teams.Later || !f.Unsure || time.Since(began) > 11*time.Second {
			t.Errorf("%+v after %v", f, time.Since(began))
		}
	})
}

func TestWhoAskedEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true})
		l.Break(teamstest.Connector, teamstest.Trouble{Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, err := l.Send(ctx, l.to, teams.Message{Text: "x"})
		if f := failure(t, err); f.Kind != teams.Later || time.Since(began) != 3*time.Second {
			t.Errorf("%+v after %v", f, time.Since(began))
		}
	})
}

func TestATokenThatIsRefusedIsFetchedAnewOnce(t *testing.T) {
	l := connect(t, teamstest.Options{})
	l.send(t, "een")
	l.Revoke()
	l.send(t, "twee")
	if n := len(l.Screen(l.anna.Conversation)); n != 2 || l.Fetched().Tokens != 2 {
		t.Errorf("%d messages with %d tokens", n, l.Fetched().Tokens)
	}
	l.Break(teamstest.Connector, teamstest.Trouble{Status: 401, Code: "BotNotRegistered"})
	before := len(l.Requests())
	for range 10 {
		_, err := l.Send(t.Context(), l.reference(l.Person(teamstest.Person{})), teams.Message{Text: "x"})
		if f := failure(t, err); f.Kind != teams.Later || f.Code != "BotNotRegistered" {
			t.Errorf("%+v", f)
		}
	}
	if tokens, requests := l.Fetched().Tokens, len(l.Requests())-before; tokens > 3 || requests > 20 {
		t.Errorf("10 messages that nobody takes fetched %d tokens in %d requests", tokens-2, requests)
	}
}

func TestManyWithARefusedTokenFetchOneNewOne(t *testing.T) {
	l := connect(t, teamstest.Options{})
	l.send(t, "een")
	l.Revoke()
	var all sync.WaitGroup
	for range 20 {
		to := l.reference(l.Person(teamstest.Person{}))
		all.Go(func() {
			if _, err := l.Send(t.Context(), to, teams.Message{Text: "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := l.Fetched().Tokens; n != 2 {
		t.Errorf("%d tokens", n)
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	l := connect(t, teamstest.Options{})
	l.Break(teamstest.Tokens, teamstest.Trouble{Status: 401, Code: "invalid_client", Text: "AADSTS7000222: expired."})
	_, err := l.Send(t.Context(), l.to, teams.Message{Text: "x"})
	if f := failure(t, err); f.Kind != teams.Later || !strings.Contains(f.Error(), "the client secret has expired") || len(l.Requests()) != 0 {
		t.Errorf("%+v", f)
	}
}

func TestAC25_ErrorsAndLogsHoldNoIDNoTextNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true})
		var said strings.Builder
		try := func(trouble teamstest.Trouble, to teams.Reference) {
			t.Helper()
			l.Break(teamstest.Connector, trouble)
			m := teams.Message{Text: "GEHEIM 123 456"}
			_, err := l.Send(t.Context(), to, m)
			fmt.Fprintln(&said, err, l.Update(t.Context(), to, "MERK-1", m))
			_, err = l.Member(t.Context(), to)
			fmt.Fprintln(&said, err)
		}
		for _, trouble := range []teamstest.Trouble{
			{Status: 400, Code: "BadArgument", Text: "GEHEIM 123 456 of " + l.anna.Conversation},
			{Status: 401},
			{Status: 500, Body: "GEHEIM " + l.anna.ID},
			{Drop: true},
			{Lose: true},
			{Half: true, Status: 200, Body: "GEHEIM"},
			{Status: 302, Location: "http://GEHEIM.example/"},
		} {
			try(trouble, l.reference(l.Person(l.anna)))
		}
		bad := l.to
		bad.ServiceURL = "http://GEHEIM@evil.example/"
		try(teamstest.Trouble{}, bad)
		bad = l.to
		bad.Conversation = "../GEHEIM"
		try(teamstest.Trouble{}, bad)
		if _, err := l.Send(t.Context(), l.to, teams.Message{Card: json.RawMessage(`{"GEHEIM"`)}); err != nil {
			fmt.Fprintln(&said, err)
		}
		all := said.String() + l.log.String()
		for _, mark := range []string{"GEHEIM", "123 456", "MERK", l.anna.Conversation, l.anna.ID, l.Secret, "Bearer", "eyJ"} {
			if strings.Contains(all, mark) {
				t.Errorf("%q is in\n%s", mark, all)
			}
		}
		if strings.Count(said.String(), "\n") < 15 {
			t.Errorf("not everything failed:\n%s", said.String())
		}
	})
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	l := connect(t, teamstest.Options{})
	for i := range 30 {
		p := l.reference(l.Person(teamstest.Person{}))
		if i%3 == 0 {
			l.Next(teamstest.Connector, teamstest.Trouble{Status: 500, Body: strings.Repeat("x", 100_000)})
		}
		_, _ = l.Send(t.Context(), p, teams.Message{Text: "x"}) // some are refused, at length
	}
	peers := map[string]bool{}
	for _, r := range l.Requests() {
		peers[r.Peer] = true
	}
	if len(peers) > 2 {
		t.Errorf("30 messages took %d connections", len(peers))
	}
}

func TestPagesOfSeveralPeopleMayHappenInAnyOrder(t *testing.T) {
	l := connect(t, teamstest.Options{})
	l.send(t, "nul")
	l.Reorder(2)
	bert := l.Person(teamstest.Person{})
	var all sync.WaitGroup
	for _, p := range []teamstest.Person{l.anna, bert} {
		to := l.reference(p)
		all.Go(func() {
			if id, err := l.Send(t.Context(), to, teams.Message{Text: "een"}); err != nil || id == "" {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(l.Screen(l.anna.Conversation)) != 2 || len(l.Screen(bert.Conversation)) != 1 {
		t.Error("a page is missing")
	}
}

// sentTo are the times at which a conversation was sent something; all of them
// with "".
func sentTo(l *line, conversation string) (times []time.Time) {
	for _, r := range l.Sent() {
		if conversation == "" || r.Conversation == conversation {
			times = append(times, r.At)
		}
	}
	return times
}

// most is the largest number of times within any closed window of length d.
func most(times []time.Time, d time.Duration) int {
	largest := 0
	for i := range times {
		n := 0
		for _, other := range times[i:] {
			if other.Sub(times[i]) <= d {
				n++
			}
		}
		largest = max(largest, n)
	}
	return largest
}

func TestOneConversationGetsNoMoreThanThePlatformAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true, Limits: true})
		for range 2000 {
			l.send(t, "x")
		}
		times := sentTo(l, l.anna.Conversation)
		for _, w := range []struct {
			d time.Duration
			n int
		}{{time.Second, 7}, {2 * time.Second, 8}, {30 * time.Second, 60}, {time.Hour, 1800}} {
			if got := most(times, w.d); got != w.n {
				t.Errorf("%d in %v, want exactly %d", got, w.d, w.n)
			}
		}
		if n := len(l.Requests()); n != 2000 {
			t.Errorf("%d requests: some were refused", n)
		}
	})
}

func TestOneTenantGetsNoMoreThanThePlatformAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true, Limits: true})
		var all sync.WaitGroup
		began := time.Now()
		for range 300 {
			to := l.reference(l.Person(teamstest.Person{}))
			all.Go(func() {
				if _, err := l.Send(t.Context(), to, teams.Message{Text: "x"}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := most(sentTo(l, ""), time.Second); got != 30 || len(l.Requests()) != 300 {
			t.Errorf("%d in a second, %d requests", got, len(l.Requests()))
		}
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("300 messages took %v", took)
		}
	})
}

func TestWhoWaitsForOneConversationHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true, Limits: true})
		var all sync.WaitGroup
		for range 70 {
			all.Go(func() { l.send(t, "x") })
		}
		synctest.Wait()
		began := time.Now()
		if _, err := l.Send(t.Context(), l.reference(l.Person(teamstest.Person{})), teams.Message{Text: "x"}); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("somebody else waited %v", took)
		}
		all.Wait()
	})
}

func TestAWaitThatIsGivenUpCostsNobodyTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true, Limits: true})
		var all sync.WaitGroup
		for range 300 {
			to := l.reference(l.Person(teamstest.Person{}))
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
				defer cancel()
				_, err := l.Send(ctx, to, teams.Message{Text: "x"})
				if err != nil && (failure(t, err).Kind != teams.Later || failure(t, err).After.IsZero()) {
					t.Errorf("%v", err)
				}
			})
		}
		all.Wait()
		if n := len(l.Sent()); n != 120 { // at once, and after 1.05, 2.1 and 3.15 s
			t.Errorf("%d were sent in 3.5 s", n)
		}
		began := time.Now()
		l.send(t, "x")
		if took := time.Since(began); took > 1100*time.Millisecond {
			t.Errorf("the next waited %v behind those who gave up", took)
		}
	})
}

func TestPlacesThatAreGivenBackLetNobodyOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true, Limits: true})
		l.send(t, "x")
		var all sync.WaitGroup
		send := func(ctx context.Context, n int) {
			for range n {
				to := l.reference(l.Person(teamstest.Person{}))
				all.Go(func() {
					if _, err := l.Send(ctx, to, teams.Message{Text: "x"}); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				})
			}
			synctest.Wait() // they stand in line now
		}
		hurried, giveUp := context.WithCancel(t.Context())
		send(t.Context(), 29)
		send(hurried, 15)
		send(t.Context(), 25)
		giveUp()
		synctest.Wait()
		send(t.Context(), 60)
		all.Wait()
		if got, n := most(sentTo(l, ""), time.Second), len(l.Sent()); got > 30 || n != 115 || len(l.Requests()) != n {
			t.Errorf("%d in a second, %d sent in %d requests", got, n, len(l.Requests()))
		}
	})
}

func TestTypingWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, teamstest.Options{InMemory: true, Limits: true})
		began := time.Now()
		for range 20 {
			if err := l.Typing(t.Context(), l.to); err != nil {
				t.Error(err)
			}
		}
		if n := len(l.Sent()); n != 7 || time.Since(began) != 0 {
			t.Errorf("%d sent in %v", n, time.Since(began))
		}
		l.to = l.reference(l.Person(teamstest.Person{}))
		l.Break(teamstest.Connector, teamstest.Trouble{Status: 503})
		if err := l.Typing(t.Context(), l.to); err == nil || len(l.Requests()) != 8 {
			t.Errorf("tried %d times, %v", len(l.Requests())-7, err)
		}
	})
}

func TestConversationsAreForgotten(t *testing.T) {
	now := time.Now()
	p := teams.NewPace(func() time.Time { return now })
	ctx := t.Context()
	for i := range 5 * teams.LanesMax {
		now = now.Add(50 * time.Millisecond) // so that the tenant need not wait
		if err := p.Wait(ctx, fmt.Sprint("a:", i), "t"); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.Lanes(); n > 2*teams.LanesMax {
		t.Errorf("%d conversations are remembered", n)
	}
	for range 2 {
		now = now.Add(2 * time.Hour)
		if err := p.Wait(ctx, "a:last", "t"); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.Lanes(); n > 2 {
		t.Errorf("%d conversations are remembered hours later", n)
	}
}

func FuzzServiceURL(f *testing.F) {
	for _, seed := range []string{
		"https://smba.trafficmanager.net/emea/", "https://smba.trafficmanager.net@evil.example/", `https://evil.example\@smba.trafficmanager.net`,
		"https://smba.trafficmanager.net:443/a/../b", "https://smba.trafficmanager.net/%2e%2e/", "https://SMBA.trafficmanager.net/?#", "http://127.0.0.1:4040/x",
	} {
		f.Add(seed)
	}
	l := teams.NewConnector(teams.ConnectorOptions{Hosts: []string{"smba.trafficmanager.net", "127.0.0.1:4040"}})
	f.Fuzz(func(t *testing.T, serviceURL string) {
		base, err := l.Base(serviceURL)
		if err != nil {
			return
		}
		rest, ours := "", false
		for _, start := range []string{
			"https://smba.trafficmanager.net:443", "https://smba.trafficmanager.net", "https://127.0.0.1:4040", "http://127.0.0.1:4040",
		} {
			if !ours {
				rest, ours = strings.CutPrefix(base, start)
			}
		}
		if !ours || rest != "" && rest[0] != '/' || strings.ContainsAny(rest, `@?#%\:`) || strings.Contains(rest, "/.") || strings.HasSuffix(rest, "/") {
			t.Errorf("%q leads to %q", serviceURL, base)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(404, "", `{"error":{"code":"ConversationNotFound"}}`)
	f.Add(429, "30", `{`)
	f.Add(503, "NaN", `{"error":{"code":7}}`)
	l := teams.NewConnector(teams.ConnectorOptions{})
	said := regexp.MustCompile(`^sending to Teams: it answered -?[0-9]+( \([A-Za-z]{1,60}\))?$`)
	f.Fuzz(func(t *testing.T, status int, after, body string) {
		failed := l.Judge(status, after, body)
		if (failed == nil) != (status >= 200 && status < 300) {
			t.Fatalf("%d is %v", status, failed)
		}
		if failed == nil {
			return
		}
		if !said.MatchString(failed.Error()) || failed.After.After(time.Now().Add(time.Hour)) || failed.Unsure {
			t.Errorf("%+v", failed)
		}
	})
}
