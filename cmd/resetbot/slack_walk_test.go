package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"resetbot/adapters/chat/slack/slacktest"
	"resetbot/conversation"
	"resetbot/employee"
)

// These tests start the real program beside a Slack of its own, and play colleagues
// of partner organisations over Slack's own protocol.

// partner is somebody with Slack, a telephone and a browser.
type partner struct {
	*slacktest.Colleague
	t       testing.TB
	p       *program
	who     employee.Person
	phone   *employee.Phone
	captcha string // the file in which the test's painter leaves the answer
}

// slackWay is how the program and Slack reach each other.
type slackWay string

const (
	byHTTP   slackWay = "HTTP"
	bySocket slackWay = "Socket Mode"
)

const answersIn = "RESETBOT_TEST_CAPTCHA="

// serveSlack starts the program with Slack, and nothing else to talk through. changes
// are of the section of Slack.
func serveSlack(t testing.TB, way slackWay, changes ...string) (*program, *slacktest.Slack) {
	t.Helper()
	cloud := slacktest.Start(t)
	beside := besideSlack(t, cloud, way)
	for i := 0; i < len(changes); i += 2 {
		beside[1] = strings.ReplaceAll(beside[1], changes[i], changes[i+1])
	}
	return serveSample(t, []string{hasty, answersIn + filepath.Join(t.TempDir(), "captcha"), raced}, beside...), cloud
}

// besideSlack is the change that adds a Slack to the sample configuration.
func besideSlack(t testing.TB, cloud *slacktest.Slack, way slackWay) []string {
	t.Helper()
	folder := t.TempDir()
	file := func(name, secret string) string {
		path := filepath.Join(folder, name)
		must(t, os.WriteFile(path, []byte(secret), 0o600))
		return path
	}
	secret := "signing_secret_file: " + file("signing", cloud.SigningSecret)
	if way == bySocket {
		secret = "app_token_file: " + file("app", cloud.AppToken)
	}
	section := strings.NewReplacer(
		"SECRET", secret, "API", cloud.APIURL, "TEAM", cloud.Team, "TOKEN", file("bot", cloud.Workspace(cloud.Team).BotToken),
	).Replace(`chats:
  slack:
    SECRET
    api_url: API
    workspaces:
      - team_id: TEAM
        bot_token_file: TOKEN
        domains: [rijnzicht.example]
  web:
`)
	return []string{"chats:\n  web:\n", section}
}

// partner is somebody of the workspace, in Dutch unless in says otherwise.
func (p *program) partner(cloud *slacktest.Slack, way slackWay, who employee.Person, in slacktest.Person) *partner {
	p.t.Helper()
	if in.Locale == "" {
		in.Locale = "nl-NL"
	}
	if way == bySocket {
		connected(p.t, cloud, 1)
	}
	base := map[slackWay]string{byHTTP: p.base}[way]
	return &partner{cloud.Colleague(p.t, in, base), p.t, p, who, employee.NewPhone(p.base, who.Number), strings.TrimPrefix(p.env[1], answersIn)}
}

// connected waits for the nth connection of Socket Mode.
func connected(t testing.TB, cloud *slacktest.Slack, nth int) {
	t.Helper()
	for range 1000 {
		if now, ever := cloud.Connections(); now > 0 && ever >= nth {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no connection of Socket Mode in 10 s")
}

// answer is the one of the captcha that was drawn last.
func (c *partner) answer() string {
	c.t.Helper()
	text, err := os.ReadFile(c.captcha)
	must(c.t, err)
	return strings.TrimSpace(string(text))
}

// pick presses the button of a choice; one that has its label beside it is called
// like all others.
func (c *partner) pick(choice conversation.Choice) {
	c.t.Helper()
	c.pickOn(c.Newest(), choice)
}

func (c *partner) pickOn(page slacktest.Page, choice conversation.Choice) {
	c.t.Helper()
	i := slices.IndexFunc(page.Buttons, func(b slacktest.Button) bool { return b.ActionID == "pick."+string(choice) })
	if i < 0 {
		c.t.Fatalf("there is no button for %q on:\n%s", choice, page.Words)
	}
	c.Interact(c.Pressed(page, page.Buttons[i], nil))
}

// fill fills in the form of the newest page.
func (c *partner) fill(open string, fields map[string]string) {
	c.t.Helper()
	c.OpenForm(open)
	if faults := c.Fill(fields); len(faults) > 0 {
		c.t.Fatalf("the form says %v", faults)
	}
}

// named says who it is, with the captcha.
func (c *partner) named(name string) {
	c.t.Helper()
	c.Await("Wie bent u?")
	c.fill("Invullen", map[string]string{"name": name, "captcha": c.answer()})
}

func (c *partner) next(kind employee.Kind) employee.Entry {
	c.t.Helper()
	for {
		e, err := c.phone.Next(c.t.Context(), kind)
		must(c.t, err)
		if kind != employee.KindSMS || e.Code != "" { // a notice of what was done before
			return e
		}
	}
}

// bySMS proves by text message, in forms or typed.
func (c *partner) bySMS(typed bool) {
	c.t.Helper()
	c.pick(conversation.PickSMS)
	c.Await("volledige nummer")
	c.say(typed, "number", c.who.Mobile)
	code := c.next(employee.KindSMS).Code
	c.Await("123 456")
	c.say(typed, "code", code)
}

func (c *partner) say(typed bool, field, text string) {
	c.t.Helper()
	if typed {
		c.Type(text)
		return
	}
	c.fill("Invullen", map[string]string{field: text})
}

func (c *partner) byApp(typed bool) {
	c.t.Helper()
	c.pick(conversation.PickCode)
	c.Await("123 456")
	code, err := employee.App(c.who.Secret, time.Now())
	must(c.t, err)
	c.say(typed, "code", code)
}

// choose opens the one-time page, and types a password on it.
func (c *partner) choose(button, password string) *employee.Window {
	c.t.Helper()
	page := c.Newest()
	words := pair.FindStringSubmatch(page.Words)
	form := c.OpenForm(button)
	leads, ok := form.Button(button)
	if !ok || leads.Address == "" || len(words) != 3 {
		c.t.Fatalf("the way to the page is %+v, the words are %q on:\n%s", form.Buttons, words, page.Words)
	}
	for _, m := range c.Messages() {
		if strings.Contains(m.Words+m.Text, "/p/") || slices.ContainsFunc(m.Buttons, func(b slacktest.Button) bool { return b.Address != "" }) {
			c.t.Error("a message has the address of the one-time page")
		}
	}
	w, err := employee.Open(c.t.Context(), c.p.base, leads.Address, c.who)
	must(c.t, err)
	must(c.t, w.TypeWithWord(c.t.Context(), words[2], password))
	return w
}

func TestAColleagueInSlackGetsANewPassword(t *testing.T) {
	t.Parallel()
	for _, way := range []slackWay{byHTTP, bySocket} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			p, cloud := serveSlack(t, way)
			c := p.partner(cloud, way, marieke, slacktest.Person{})
			c.Command("/wachtwoord")
			c.named(marieke.User)
			c.Await("contact moeten opnemen")
			c.bySMS(false)
			c.Await("Stap 1 is gelukt")
			c.byApp(false)
			c.Await("Nieuw wachtwoord")
			page := c.choose("Nieuw wachtwoord kiezen", mariekesNew)
			if !page.Sees("Uw nieuwe wachtwoord is nu actief") {
				t.Errorf("the one-time page says:\n%s", page.Page.Text)
			}
			c.Await("Uw nieuwe wachtwoord is nu actief")
			p.signsIn("m.devries", mariekesNew, mariekesOld)
			cloud.Wait(t, "that nothing can be pressed on messages that are over", func() bool {
				pages := c.Messages()
				return !slices.ContainsFunc(pages[:len(pages)-1], func(p slacktest.Page) bool { return len(p.Buttons) > 0 })
			})
			cloud.Wait(t, "that the captcha is gone", func() bool {
				for _, f := range cloud.Files() {
					if !f.Deleted {
						return false
					}
				}
				return len(cloud.Files()) > 0
			})
			p.wellBehaved()
		})
	}
}

func TestAColleagueInSlackWalksInEnglish(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{Locale: "en-GB"})
	c.Type("hello")
	c.Await("I am the password assistant")
	c.pick(conversation.PickReset)
	c.Await("Who are you")
	c.fill("Fill in", map[string]string{"name": marieke.User, "captcha": c.answer()})
	c.Await("contact you")
	c.pick(conversation.PickSMS)
	c.Await("full number")
	c.Type(marieke.Mobile)
	code := c.next(employee.KindSMS).Code
	c.Await("123 456")
	c.Type(code)
	c.Await("Step 1 is done")
	c.pick(conversation.PickCode)
	c.Await("123 456")
	code, err := employee.App(c.who.Secret, time.Now())
	must(t, err)
	c.Type("my code is " + code)
	c.Await("New password for")
	c.choose("Choose a new password", mariekesNew)
	c.Await("Your new password is now active")
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}

// A walk goes on after each of its pages when the program was killed.
func TestAC52_AWalkInSlackGoesOnAfterTheProgramWasKilled(t *testing.T) {
	t.Parallel()
	for _, way := range []slackWay{byHTTP, bySocket} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			p, cloud := serveSlack(t, way)
			c := p.partner(cloud, way, marieke, slacktest.Person{})
			again := func() {
				t.Helper()
				_, before := cloud.Connections()
				p.end(syscall.SIGKILL)
				p.start()
				if way == bySocket {
					connected(t, cloud, before+1)
				}
			}
			c.Command("/reset")
			c.Await("Wie bent u?")
			again()
			c.named(marieke.User)
			c.Await("contact moeten opnemen")
			again()
			c.bySMS(true)
			c.Await("Stap 1 is gelukt")
			again()
			c.byApp(true)
			c.Await("Nieuw wachtwoord")
			again()
			c.choose("Nieuw wachtwoord kiezen", mariekesNew)
			c.Await("Uw nieuwe wachtwoord is nu actief")
			p.signsIn("m.devries", mariekesNew, mariekesOld)
			p.wellBehaved()
		})
	}
}

// The line is cut before each step.
func TestAColleagueInSlackGoesOnWhenSocketModeIsCut(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, bySocket)
	c := p.partner(cloud, bySocket, marieke, slacktest.Person{})
	cut := func() {
		t.Helper()
		_, before := cloud.Connections()
		cloud.Drop()
		connected(t, cloud, before+1)
	}
	c.Command("/wachtwoord")
	cut()
	c.named(marieke.User)
	c.Await("contact moeten opnemen")
	cut()
	c.bySMS(true)
	c.Await("Stap 1 is gelukt")
	cut()
	c.byApp(true)
	c.Await("Nieuw wachtwoord")
	cut()
	c.choose("Nieuw wachtwoord kiezen", mariekesNew)
	c.Await("Uw nieuwe wachtwoord is nu actief")
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}

// Two proofs bind a person in Slack to the account (here they count at once); being
// deactivated there ends that.
func TestWhoProvedAnAccountInSlackIsAskedForNoNameUntilTheyAreDeactivated(t *testing.T) {
	t.Parallel()
	cloud := slacktest.Start(t)
	p := serveSample(t, []string{hasty, answersIn + filepath.Join(t.TempDir(), "captcha"), raced},
		append(besideSlack(t, cloud, byHTTP), "#waiting_time: 72h", "waiting_time: 0s")...)
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	c.Command("/wachtwoord")
	c.named(marieke.User)
	c.Await("contact moeten opnemen")
	c.bySMS(false)
	c.Await("Stap 1 is gelukt")
	c.byApp(false)
	c.Await("Nieuw wachtwoord")
	c.choose("Nieuw wachtwoord kiezen", mariekesNew)
	c.Await("Uw nieuwe wachtwoord is nu actief")
	c.Command("/wachtwoord") // the end that is shown is not in its way
	c.Await("Is dit uw account")
	c.Type("annuleren")
	c.Await("Er is niets veranderd")
	change := func(deleted bool) {
		t.Helper()
		c.Send(cloud.Event(c.Team, map[string]any{"type": "user_change", "user": map[string]any{
			"id": c.ID, "team_id": c.Team, "deleted": deleted,
		}}, nil))
	}
	change(true)
	change(false)
	c.Command("/wachtwoord")
	c.Await("Wie bent u?")
	p.wellBehaved()
}
