package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"resetbot/adapters/chat/teams/teamstest"
	"resetbot/employee"
)

// These tests start the real program beside a cloud of its own, and play
// colleagues in Microsoft Teams over the platform's own protocol.

// mate is somebody with Teams, a telephone and a browser.
type mate struct {
	*teamstest.Colleague
	t     testing.TB
	p     *program
	who   employee.Person
	phone *employee.Phone
}

// mariekesObjectID is hers in the made-up tenant.
const mariekesObjectID = "00000000-0000-4000-8000-000000000001"

// serveTeams starts the program with Teams, and nothing else to talk through.
func serveTeams(t testing.TB, changes ...string) (*program, *teamstest.Cloud) {
	t.Helper()
	cloud := teamstest.Start(t)
	return serveSample(t, []string{hasty, raced}, append(changes, besideTeams(t, cloud)...)...), cloud
}

// besideTeams are the changes that add a cloud's Teams to the sample configuration, and
// more hosts where answers may go.
func besideTeams(t testing.TB, cloud *teamstest.Cloud, hosts ...string) (changes []string) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "teams.secret")
	must(t, os.WriteFile(secret, []byte(cloud.Secret), 0o600))
	section := strings.NewReplacer(
		"APP", cloud.AppID, "SECRET", secret, "TENANT", cloud.Tenant, "METADATA", cloud.MetadataURL,
		"TOKEN", cloud.TokenURL, "HOSTS", strings.Join(append(hosts, cloud.Host), ", "), "SERVICE", cloud.ServiceURL,
	).Replace(`chats:
  teams:
    app_id: APP
    app_password_file: SECRET
    tenant_id: TENANT
    openid_metadata_url: METADATA
    token_url: TOKEN
    service_url_hosts: [HOSTS]
    service_url: SERVICE
  web:
`)
	return []string{"chats:\n  web:\n", section}
}

// marieke has Teams in Dutch.
func (p *program) marieke(cloud *teamstest.Cloud) *mate {
	return p.colleague(cloud, marieke, teamstest.Person{ObjectID: mariekesObjectID, UPN: marieke.User})
}

func (p *program) colleague(cloud *teamstest.Cloud, who employee.Person, in teamstest.Person) *mate {
	p.t.Helper()
	return &mate{
		cloud.Colleague(p.t, in, p.base+"/api/messages"), p.t, p, who, employee.NewPhone(p.base, who.Number),
	}
}

// asked has the colleague say what they want, and which account it is.
func (c *mate) asked(words string) {
	c.t.Helper()
	c.Type("hallo")
	c.Await("Waarmee kan ik u helpen")
	c.Press(words)
	c.Await("Is dit uw account")
	c.Press("Ja")
	c.Await("contact moeten opnemen")
}

func (c *mate) next(kind employee.Kind) employee.Entry {
	c.t.Helper()
	for {
		e, err := c.phone.Next(c.t.Context(), kind)
		must(c.t, err)
		if kind != employee.KindSMS || e.Code != "" { // a notice of what was done before
			return e
		}
	}
}

// bySMS proves by text message; the number and the code are filled in, or typed.
func (c *mate) bySMS(typed bool) {
	c.t.Helper()
	c.Press("Sms-bericht")
	c.AwaitField("number")
	c.answer(typed, "number", c.who.Mobile)
	code := c.next(employee.KindSMS).Code
	c.AwaitField("code")
	c.answer(typed, "code", code)
}

func (c *mate) answer(typed bool, field, text string) {
	c.t.Helper()
	if typed {
		c.Type(text)
		return
	}
	c.Fill(map[string]string{field: text})
}

func (c *mate) byApp() {
	c.t.Helper()
	c.Press("Een code invoeren")
	c.AwaitField("code")
	code, err := employee.App(c.who.Secret, time.Now())
	must(c.t, err)
	c.Fill(map[string]string{"code": code})
}

// pair are the two words of a card with a one-time page: the one that the page
// shows, and the one that it asks for.
var pair = regexp.MustCompile(`‘(\pL+)’.*‘(\pL+)’`)

// choose opens the dialog, and types a password on the page within it.
func (c *mate) choose(password string) *employee.Window {
	c.t.Helper()
	card := c.Newest()
	words := pair.FindStringSubmatch(card.Words)
	d := c.Open()
	if d.URL == "" || len(words) != 3 {
		c.t.Fatalf("the dialog is %+v, the words are %q on:\n%s", d, words, card.Words)
	}
	if strings.Contains(string(card.Card), "/p/") {
		c.t.Error("the card itself has the address of the one-time page")
	}
	page, err := employee.Open(c.t.Context(), c.p.base, d.URL, c.who)
	must(c.t, err)
	if !page.Sees(words[1]) {
		c.t.Errorf("the page does not show the word %q:\n%s", words[1], page.Page.Text)
	}
	must(c.t, page.TypeWithWord(c.t.Context(), words[2], password))
	return page
}

func TestAColleagueInTeamsGetsANewPassword(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	c.Install()
	c.Await("Waarmee kan ik u helpen")
	if n := len(c.Cards()); n != 1 {
		t.Errorf("greeted with %d cards", n)
	}
	c.asked("Wachtwoord vergeten")
	c.bySMS(false)
	c.Await("Stap 1 is gelukt")
	c.byApp()
	c.Await("Nieuw wachtwoord")
	page := c.choose(mariekesNew)
	if !page.Sees("Uw nieuwe wachtwoord is nu actief") {
		t.Errorf("the page in the dialog says:\n%s", page.Page.Text)
	}
	c.Await("Uw nieuwe wachtwoord is nu actief")
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	cloud.Wait(t, "that nothing can be pressed on cards that are over", func() bool {
		cards := c.Cards()
		return !slices.ContainsFunc(cards[:len(cards)-1], func(card teamstest.Card) bool {
			return len(card.Buttons) > 0 || len(card.Inputs) > 0
		})
	})
	p.wellBehaved()
}

func TestAColleagueInTeamsProvesByCallAndNotification(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	c.asked("Wachtwoord vergeten")
	c.Press("Mijn mobiele telefoon bellen")
	c.Await("volledige nummer")
	c.Type("06-12 34 56 13")
	must(t, c.phone.Press(t.Context(), c.next(employee.KindCall), "#"))
	c.Await("Stap 1 is gelukt")
	c.Press("Een melding")
	var number string
	cloud.Wait(t, "the number to type", func() bool {
		number = largeDigits.FindString(c.Newest().Words)
		return number != ""
	})
	must(t, c.phone.Approve(t.Context(), c.next(employee.KindNotification), number))
	c.Await("Nieuw wachtwoord")
	c.choose("Rijnzicht2026!!!")
	c.Await("Dit wachtwoord kan helaas niet")
	c.choose(mariekesNew)
	c.Await("Uw nieuwe wachtwoord is nu actief")
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}

var largeDigits = regexp.MustCompile(`(?m)^\d\d$`)

// A walk goes on after each of its pages when the program was killed, and a card
// that was sent before loses its buttons afterwards.
func TestAC52_AWalkInTeamsGoesOnAfterTheProgramWasKilled(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	again := func() {
		t.Helper()
		p.end(syscall.SIGKILL)
		p.start()
	}
	c.asked("Wachtwoord vergeten")
	again()
	c.bySMS(true)
	c.Await("Stap 1 is gelukt")
	again()
	c.byApp()
	c.Await("Nieuw wachtwoord")
	again()
	c.choose(mariekesNew)
	c.Await("Uw nieuwe wachtwoord is nu actief")
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}

func TestAColleagueInTeamsUnlocksTheAccount(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	sanne := employee.Person{
		User: "s.boersma@rijnzicht.example", Mobile: "0612345668", Number: "+31612345668", Secret: "R3UNRS7HIB6HVGBFWKNQ6AC63AODCTQA",
	}
	c := p.colleague(cloud, sanne, teamstest.Person{ObjectID: "00000000-0000-4000-8000-000000000008", UPN: sanne.User})
	c.Type("hallo")
	c.Await("Waarmee kan ik u helpen")
	c.Press("Ik weet mijn wachtwoord")
	c.Await("Caps Lock")
	c.Press("Account ontgrendelen")
	c.Await("Is dit uw account")
	c.Press("Ja")
	c.Await("contact moeten opnemen")
	c.bySMS(true)
	c.Await("Stap 1 is gelukt")
	c.byApp()
	c.Await("Uw wachtwoord is hetzelfde gebleven")
	p.signsIn("s.boersma", "pleister op de lamp", mariekesNew)
	p.wellBehaved()
}

func TestAColleagueInTeamsStops(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	c.asked("Wachtwoord vergeten")
	c.Type("annuleren")
	card := c.Await("U heeft geannuleerd")
	if !strings.Contains(card.Words, "Er is niets veranderd") {
		t.Errorf("it is not said that nothing changed:\n%s", card.Words)
	}
	c.Press("Opnieuw beginnen")
	c.Await("Waarmee kan ik u helpen")
	p.wellBehaved()
}

func TestAColleagueInTeamsIsGuidedThroughMicrosoftsPage(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	c.Type("hallo")
	c.Await("Waarmee kan ik u helpen")
	c.Press("Iets anders")
	c.Await("Pagina van Microsoft")
	c.Press("Pagina van Microsoft")
	card := c.Await("passwordreset.microsoftonline.com")
	for range 10 {
		before := card.ID
		c.Press("Gelukt, volgende")
		cloud.Wait(t, "the next step", func() bool {
			cards := c.Cards()
			card = cards[len(cards)-1]
			return card.ID != before || card.Edits > 0
		})
	}
	c.Await("U heeft een nieuw wachtwoord en kunt er weer in")
	p.wellBehaved()
}

func TestAColleagueInTeamsEnrolsAnApp(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t, "#waiting_time: 72h", "waiting_time: 0s")
	pieter := employee.Person{User: "p.bakker@rijnzicht.example", Mobile: "0612345635", Number: "+31612345635"}
	c := p.colleague(cloud, pieter, teamstest.Person{ObjectID: "00000000-0000-4000-8000-000000000003", UPN: pieter.User})
	c.Type("hallo")
	c.Await("Waarmee kan ik u helpen")
	c.Press("Iets anders")
	c.Await("Authenticator-app koppelen")
	c.Press("Authenticator-app koppelen")
	card := c.Await("drie dingen nodig")
	d := c.Open()
	page, err := employee.Open(t.Context(), p.base, d.URL, c.who)
	must(t, err)
	words := pair.FindStringSubmatch(card.Words)
	must(t, page.Fill(t.Context(), map[string]string{"current": "krentenbol met roomboter", "word": words[2]}))
	c.Await("controle via uw telefoon")
	c.bySMS(false)
	card = c.Await("QR-code")
	if strings.Contains(string(card.Card), "otpauth") || strings.Contains(string(card.Card), "data:image") {
		t.Error("the secret of the app is in a card")
	}
	words = pair.FindStringSubmatch(card.Words)
	page, err = employee.Open(t.Context(), p.base, c.Open().URL, c.who)
	must(t, err)
	must(t, page.Fill(t.Context(), map[string]string{"word": words[2]}))
	secret := appKey.FindString(page.Page.Text)
	code, err := employee.App(strings.ReplaceAll(secret, " ", ""), time.Now())
	must(t, err)
	c.Type(code)
	c.Await("U kunt de app meteen gebruiken")
	p.wellBehaved()
}

func TestAColleagueInTeamsWalksInEnglish(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.colleague(cloud, marieke, teamstest.Person{ObjectID: mariekesObjectID, UPN: marieke.User, Locale: "en-GB"})
	c.Type("hello")
	c.Await("I am the password assistant")
	c.Press("Forgot my password")
	c.Await("Is this your account")
	c.Press("Yes")
	c.Await("contact you")
	c.Press("Send a text message")
	c.AwaitField("number")
	c.Fill(map[string]string{"number": c.who.Mobile})
	code := c.next(employee.KindSMS).Code
	c.AwaitField("code")
	c.Fill(map[string]string{"code": code})
	c.Await("Step 1 is done")
	c.Press("Enter a code")
	c.AwaitField("code")
	code, err := employee.App(c.who.Secret, time.Now())
	must(t, err)
	c.Type("my code is " + code)
	c.Await("New password for")
	c.choose(mariekesNew)
	c.Await("Your new password is now active")
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}
