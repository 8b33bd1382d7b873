package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"resetbot/adapters/chat/slack/slacktest"
	"resetbot/conversation"
	"resetbot/employee"
)

// toMethods brings a colleague to the first choice of a proof.
func (c *partner) toMethods() {
	c.t.Helper()
	c.Command("/wachtwoord")
	c.named(c.who.User)
	c.Await("contact moeten opnemen")
}

// texts are how many text messages with a code came on a telephone.
func (c *partner) texts() (n int) {
	c.t.Helper()
	list, err := c.phone.List(c.t.Context())
	must(c.t, err)
	for _, e := range list {
		if e.Kind == employee.KindSMS && e.Code != "" {
			n++
		}
	}
	return n
}

func TestAC09_WhoIsNoEmployeeOfAWorkspaceInSlackBeginsNothing(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	for name, in := range map[string]slacktest.Person{
		"a guest":                           {Restricted: true},
		"a guest of one channel":            {UltraRestricted: true},
		"somebody of another organisation":  {Team: "T0ELSEWHERE", Stranger: true},
		"somebody who was made deactivated": {Deleted: true},
	} {
		c := p.partner(cloud, byHTTP, marieke, in)
		c.Type("wachtwoord vergeten")
		if in.Deleted {
			continue // who cannot be written to
		}
		why := "U bent gast in deze Slack"
		if in.Stranger {
			why = "U hoort bij een andere Slack"
		}
		page := c.Await(why)
		if len(page.Buttons) > 0 {
			t.Errorf("%s can press something on:\n%s", name, page.Words)
		}
	}
	robot := p.partner(cloud, byHTTP, marieke, slacktest.Person{Bot: true})
	robot.Type("reset")
	// In a channel nothing is read aloud, and the command leads to the direct messages.
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	channel := cloud.Channel(cloud.Team)
	c.Send(cloud.Message(c.Person, "reset", map[string]any{"channel": channel, "channel_type": "channel"}))
	c.CommandIn(channel, "/wachtwoord")
	c.AwaitEphemeral(channel, "persoonlijk bericht gestuurd")
	c.Await("Wie bent u?")
	if shown := cloud.Screen(channel); len(shown) > 0 {
		t.Errorf("in the channel stands %+v", shown)
	}
	if n := len(robot.Messages()); n > 0 {
		t.Errorf("a program was answered %d times", n)
	}
	p.wellBehaved()
}

// Another workspace signs with nothing of its own: Slack signs for all. Its events
// are taken and mean nothing.
func TestAC09_AnotherWorkspaceOfSlackIsNotServed(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{Team: "T0ELSEWHERE"})
	c.Type("wachtwoord vergeten")
	c.Command("/wachtwoord")
	c.AwaitEphemeral("", "U hoort bij een andere Slack")
	for _, m := range c.Messages() {
		if m.Ephemeral == "" {
			t.Errorf("it was written:\n%s", m.Words)
		}
	}
	p.wellBehaved()
}

func TestAC41_AnOldButtonInSlackExplainsItself(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	c.toMethods()
	old := c.Newest()
	c.pick(conversation.PickSMS)
	page := c.Await("volledige nummer")
	form := c.OpenForm("Invullen")
	c.pickOn(old, conversation.PickCode)
	c.Await("hoort bij een eerder bericht")
	c.Type("annuleren")
	c.Await("U heeft geannuleerd")
	c.SubmitOn(form, map[string]string{"number": c.who.Mobile})
	c.PressOn(page, "Invullen")
	c.pickOn(page, conversation.PickBack)
	c.Await("Er is niets veranderd")
	if n := c.texts(); n != 0 {
		t.Errorf("%d text messages came", n)
	}
	p.wellBehaved()
}

// A number that is filled in once, and delivered many times: with the same ids, in a
// new envelope, at the same moment, and after a restart.
func TestAC43_WhatComesManyTimesInSlackHasOneEffect(t *testing.T) {
	t.Parallel()
	for _, way := range []slackWay{byHTTP, bySocket} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			p, cloud := serveSlack(t, way)
			c := p.partner(cloud, way, marieke, slacktest.Person{})
			c.toMethods()
			c.pick(conversation.PickSMS)
			c.Await("volledige nummer")
			c.OpenForm("Invullen")
			form := c.Form()
			payload := c.Submission(form, map[string]string{"number": c.who.Mobile})
			deliver := func() {
				if way == bySocket {
					cloud.Emit(t, "interactive", payload)
					return
				}
				answer, err := cloud.Deliver(context.Background(), c.App, slacktest.InteractionDelivery(payload))
				if err != nil || answer.Status != http.StatusOK {
					t.Errorf("answered %d (%v)", answer.Status, err)
				}
			}
			var all sync.WaitGroup
			for range 5 {
				all.Go(deliver)
			}
			all.Wait()
			c.next(employee.KindSMS)
			deliver()
			c.Await("123 456") // who is killed before that was noted sends the same text once more
			p.end(syscall.SIGKILL)
			p.start()
			if way == bySocket {
				_, ever := cloud.Connections()
				connected(t, cloud, ever)
			}
			deliver()
			c.Times = 3
			c.Type("help")
			c.Times = 0
			c.Await("Bonnummer")
			if n := c.texts(); n != 1 {
				t.Errorf("%d text messages came", n)
			}
			p.wellBehaved()
		})
	}
}

// What Slack makes of a typed address and number is made undone.
func TestAC55_WhatIsTypedInSlackIsReadAsItWasTyped(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	c.Command("/wachtwoord")
	c.Await("Wie bent u?")
	c.Type(c.who.User) // which Slack makes a link of
	c.Await("Neem de tekens uit de afbeelding over")
	c.Type(c.answer())
	c.Await("contact moeten opnemen")
	c.pick(conversation.PickSMS)
	c.Await("volledige nummer")
	c.Type(c.who.Mobile)
	c.next(employee.KindSMS)
	p.wellBehaved()
}

func TestAC65_NoLinkInSlackIsBuiltFromWhatARequestSays(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	e := cloud.Message(c.Person, "hallo", nil)
	answer, err := cloud.Deliver(t.Context(), p.base, withHeader(slacktest.EventDelivery(e), http.Header{
		"Host": {"evil.example"}, "X-Forwarded-Host": {"evil.example"}, "Forwarded": {"host=evil.example"},
	}))
	must(t, err)
	if answer.Status != http.StatusOK {
		t.Fatalf("answered %d", answer.Status)
	}
	c.Await("Waarmee kan ik u helpen")
	for _, r := range cloud.Requests() {
		if strings.Contains(string(r.Body), "evil.example") {
			t.Errorf("%s has the host of a request", r.Method)
		}
	}
}

func withHeader(d slacktest.Delivery, h http.Header) slacktest.Delivery {
	d.Header = h
	return d
}

// Opening the way to the one-time page, or the page itself, uses nothing up.
func TestAC66_WhoOnlyOpensTheLinkOfSlackUsesNothingUp(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	c.toMethods()
	c.bySMS(true)
	c.Await("Stap 1 is gelukt")
	c.byApp(true)
	c.Await("Nieuw wachtwoord")
	form := c.OpenForm("Nieuw wachtwoord kiezen")
	leads, _ := form.Button("Nieuw wachtwoord kiezen")
	for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodGet} {
		r, err := http.NewRequestWithContext(t.Context(), method, leads.Address, nil)
		must(t, err)
		got, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, got.Body.Close())
	}
	c.choose("Nieuw wachtwoord kiezen", mariekesNew)
	c.Await("Uw nieuwe wachtwoord is nu actief")
	p.signsIn("m.devries", mariekesNew, mariekesOld)
}

func TestAC68_ARequestThatSlackDidNotSignIsRefused(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	body := []byte(`{"type":"url_verification","challenge":"abc"}`)
	now := time.Now()
	stamp := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	sign := func(at time.Time, secret string, body []byte) string { return slacktest.Sign(secret, stamp(at), body) }
	right := sign(now, cloud.SigningSecret, body)
	for name, of := range map[string]struct {
		signatures, stamps []string
		want               int
	}{
		"right":               {[]string{right}, []string{stamp(now)}, 200},
		"four minutes old":    {[]string{sign(now.Add(-4*time.Minute), cloud.SigningSecret, body)}, []string{stamp(now.Add(-4 * time.Minute))}, 200},
		"another secret":      {[]string{sign(now, "guessed", body)}, []string{stamp(now)}, 401},
		"an empty secret":     {[]string{sign(now, "", body)}, []string{stamp(now)}, 401},
		"of another body":     {[]string{sign(now, cloud.SigningSecret, []byte("{}"))}, []string{stamp(now)}, 401},
		"six minutes old":     {[]string{sign(now.Add(-6*time.Minute), cloud.SigningSecret, body)}, []string{stamp(now.Add(-6 * time.Minute))}, 401},
		"of the future":       {[]string{sign(now.Add(6*time.Minute), cloud.SigningSecret, body)}, []string{stamp(now.Add(6 * time.Minute))}, 401},
		"of the far future":   {[]string{slacktest.Sign(cloud.SigningSecret, "9223372036854775807", body)}, []string{"9223372036854775807"}, 401},
		"no signature":        {nil, []string{stamp(now)}, 401},
		"an empty signature":  {[]string{""}, []string{stamp(now)}, 401},
		"no time":             {[]string{right}, nil, 401},
		"a time in words":     {[]string{slacktest.Sign(cloud.SigningSecret, "now", body)}, []string{"now"}, 401},
		"two signatures":      {[]string{right, right}, []string{stamp(now)}, 401},
		"two times":           {[]string{right}, []string{stamp(now), stamp(now)}, 401},
		"another version":     {[]string{"v1" + right[2:]}, []string{stamp(now)}, 401},
		"half a signature":    {[]string{right[:35]}, []string{stamp(now)}, 401},
		"no hexadecimal":      {[]string{"v0=" + strings.Repeat("z", 64)}, []string{stamp(now)}, 401},
		"the time of another": {[]string{right}, []string{stamp(now.Add(-time.Minute))}, 401},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+"/slack/events", strings.NewReader(string(body)))
		must(t, err)
		r.Header["X-Slack-Signature"], r.Header["X-Slack-Request-Timestamp"] = of.signatures, of.stamps
		got, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, got.Body.Close())
		if got.StatusCode != of.want {
			t.Errorf("%s: answered %d, want %d", name, got.StatusCode, of.want)
		}
	}
	if n := len(c.Messages()); n != 0 {
		t.Errorf("%d messages came", n)
	}
}

func TestAC70_WithoutASigningSecretSlackDoesNotStart(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "resetbot.yaml")
	must(t, os.WriteFile(filepath.Join(filepath.Dir(name), "empty"), []byte("\n"), 0o600))
	for _, section := range []string{"{}", "{signing_secret_file: empty}", "{app_token_file: empty}"} {
		_, err := readConfig(name, []byte(strings.Replace(least, "chats: {web: {}}", "chats: {slack: "+section+"}", 1)), noEnv)
		if err == nil || !strings.Contains(err.Error(), "chats.slack") {
			t.Errorf("%s: %v", section, err)
		}
	}
}

// Everything that is malformed is taken, passed over and changes nothing; and the
// program goes on.
func TestWhatNobodyCanReadInSlackChangesNothing(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	for path, bodies := range map[string][]string{
		"/slack/events": {
			"", "null", "[]", "7", `{"type":7}`, `{"type":"event_callback","event":[]}`, `{"type":"event_callback"}`,
			`{"type":"event_callback","team_id":"` + cloud.Team + `","event":{"type":"message","user":{},"channel":[],"text":"x"}}`,
			`{"type":"event_callback","team_id":"` + cloud.Team + `","event":{"type":"user_change","user":"U1"}}`, strings.Repeat("[", 5000),
		},
		"/slack/commands":     {"", "%zz", "team_id=T&user_id=U", "command=/reset"},
		"/slack/interactions": {"", "payload=", "payload=null", "payload=[]", "payload={}", `payload={"type":"block_actions","actions":[{}]}`},
	} {
		for _, body := range bodies {
			answer, err := cloud.Deliver(t.Context(), p.base, slacktest.Delivery{Path: path, ContentType: "application/x-www-form-urlencoded", Body: []byte(body)})
			must(t, err)
			if answer.Status != http.StatusOK {
				t.Errorf("%s with %.40q: answered %d", path, body, answer.Status)
			}
		}
	}
	c.Type("hallo")
	c.Await("Waarmee kan ik u helpen")
	if n := len(c.Messages()); n != 1 {
		t.Errorf("%d messages came", n)
	}
	p.wellBehaved()
}

var lastDigits = regexp.MustCompile(`\*{5}(\d\d)`)

// A partner's employee cannot touch an account outside the domains of the workspace:
// it looks like a name that nobody has.
func TestAPartnersEmployeeInSlackTouchesNoAccountOfAnotherDomain(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP, "domains: [rijnzicht.example]\n  web:", "domains: [partner.example]\n  web:")
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	c.toMethods()
	c.pick(conversation.PickSMS)
	page := c.Await("volledige nummer")
	c.say(true, "number", "06123456"+lastDigits.FindStringSubmatch(page.Words)[1]) // which nobody has
	c.Await("123 456")
	if n := c.texts(); n != 0 {
		t.Errorf("%d text messages came to an account of another domain", n)
	}
	p.wellBehaved()
}

// Where a workspace's own policy is that one resets one's own password alone, nobody
// is let in who is not bound: a name that is typed proves nothing.
func TestAC08_WhereOnlyOnesOwnIsResetInSlackATypedNameIsNotEnough(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP, "domains: [rijnzicht.example]\n  web:", "domains: [rijnzicht.example]\n        identity: same\n  web:")
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	c.Command("/wachtwoord")
	c.named(c.who.User)
	c.Await("alleen uw eigen wachtwoord")
	if n := c.texts(); n != 0 {
		t.Errorf("%d text messages came", n)
	}
	p.wellBehaved()
}
