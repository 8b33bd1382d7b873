package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/chat/slack/slacktest"
	"resetbot/conversation"
	"resetbot/employee"
)

// The other walks, in Slack.

func TestAColleagueInSlackProvesByCallAndNotification(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, bySocket)
	c := p.partner(cloud, bySocket, marieke, slacktest.Person{})
	c.toMethods()
	c.pick(conversation.PickCall)
	c.Await("volledige nummer")
	c.Type("06-12 34 56 13")
	must(t, c.phone.Press(t.Context(), c.next(employee.KindCall), "#"))
	c.Await("Stap 1 is gelukt")
	c.pick(conversation.PickPush)
	var number string
	cloud.Wait(t, "the number to type", func() bool {
		number = largeDigits.FindString(c.Newest().Words)
		return number != ""
	})
	must(t, c.phone.Approve(t.Context(), c.next(employee.KindNotification), number))
	c.Await("Nieuw wachtwoord")
	c.choose("Nieuw wachtwoord kiezen", "Rijnzicht2026!!!")
	c.Await("Dit wachtwoord kan helaas niet")
	c.choose("Nieuw wachtwoord kiezen", mariekesNew)
	c.Await("Uw nieuwe wachtwoord is nu actief")
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}

func TestAColleagueInSlackUnlocksTheAccount(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	sanne := employee.Person{
		User: "s.boersma@rijnzicht.example", Mobile: "0612345668", Number: "+31612345668", Secret: "R3UNRS7HIB6HVGBFWKNQ6AC63AODCTQA",
	}
	c := p.partner(cloud, byHTTP, sanne, slacktest.Person{})
	c.Type("hallo")
	c.Await("Waarmee kan ik u helpen")
	c.pick(conversation.PickStuck)
	c.Await("Caps Lock")
	c.pick(conversation.PickUnlock)
	c.named(sanne.User)
	c.Await("contact moeten opnemen")
	c.bySMS(false)
	c.Await("Stap 1 is gelukt")
	c.byApp(true)
	c.Await("Uw wachtwoord is hetzelfde gebleven")
	p.signsIn("s.boersma", "pleister op de lamp", mariekesNew)
	p.wellBehaved()
}

func TestAColleagueInSlackStops(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, byHTTP)
	c := p.partner(cloud, byHTTP, marieke, slacktest.Person{})
	c.toMethods()
	c.Type("annuleren")
	page := c.Await("U heeft geannuleerd")
	if !strings.Contains(page.Words, "Er is niets veranderd") {
		t.Errorf("it is not said that nothing changed:\n%s", page.Words)
	}
	c.pick(conversation.PickAgain)
	c.Await("Neem de tekens uit de afbeelding over") // the name is kept
	p.wellBehaved()
}

func TestAColleagueInSlackIsGuidedThroughMicrosoftsPage(t *testing.T) {
	t.Parallel()
	p, cloud := serveSlack(t, bySocket)
	c := p.partner(cloud, bySocket, marieke, slacktest.Person{})
	c.Type("hallo")
	c.Await("Waarmee kan ik u helpen")
	c.pick(conversation.PickElse)
	c.Await("Pagina van Microsoft")
	c.pick(conversation.PickMicrosoft)
	page := c.Await("passwordreset.microsoftonline.com")
	for range 10 {
		before := page.Words
		c.Press("Gelukt, volgende")
		cloud.Wait(t, "the next step", func() bool {
			page = c.Newest()
			return page.Words != before
		})
	}
	c.Await("U heeft een nieuw wachtwoord en kunt er weer in")
	p.wellBehaved()
}

// Who is named in the directory is in their own chat, and enrols an app there.
func TestAColleagueInSlackEnrolsAnApp(t *testing.T) {
	t.Parallel()
	cloud := slacktest.Start(t)
	pieter := employee.Person{User: "p.bakker@rijnzicht.example", Mobile: "0612345635", Number: "+31612345635"}
	file := filepath.Join(t.TempDir(), "people.yaml")
	must(t, os.WriteFile(file, []byte(`- id: 00000000-0000-4000-8000-0000000000aa
  upn: p.bakker@rijnzicht.example
  names: {given: Pieter, family: Bakker, display: P. Bakker}
  mobile: "+31612345635"
  password: krentenbol met roomboter
  chat: {slack: [`+cloud.Team+`/U0PIETER]}
`), 0o600))
	p := serveSample(t, []string{hasty, answersIn + filepath.Join(t.TempDir(), "captcha"), raced}, append(besideSlack(t, cloud, byHTTP),
		"#waiting_time: 72h", "waiting_time: 0s", "  type: demo\n", "  type: demo\n  file: "+file+"\n")...)
	c := p.partner(cloud, byHTTP, pieter, slacktest.Person{ID: "U0PIETER"})
	c.Type("hallo")
	c.Await("Waarmee kan ik u helpen")
	c.pick(conversation.PickElse)
	c.Await("Authenticator-app koppelen")
	c.pick(conversation.PickEnrol)
	page := c.Await("drie dingen nodig")
	open := func(page slacktest.Page) (*employee.Window, string) {
		t.Helper()
		words := pair.FindStringSubmatch(page.Words)
		form := c.OpenForm("Eigen pagina openen")
		leads, ok := form.Button("Eigen pagina openen")
		if !ok || len(words) != 3 {
			t.Fatalf("there is no way to the page on:\n%s\n%s", page.Words, form.Words)
		}
		w, err := employee.Open(t.Context(), p.base, leads.Address, c.who)
		must(t, err)
		return w, words[2]
	}
	own, word := open(page)
	must(t, own.Fill(t.Context(), map[string]string{"current": "krentenbol met roomboter", "word": word}))
	c.Await("controle via uw telefoon")
	c.bySMS(false)
	page = c.Await("QR-code")
	own, word = open(page)
	must(t, own.Fill(t.Context(), map[string]string{"word": word}))
	secret := appKey.FindString(own.Page.Text)
	code, err := employee.App(strings.ReplaceAll(secret, " ", ""), time.Now())
	must(t, err)
	c.Type(code)
	c.Await("U kunt de app meteen gebruiken")
	for _, m := range c.Messages() {
		if strings.Contains(m.Text+m.Words, secret) || strings.Contains(m.Text+m.Words, "otpauth") {
			t.Error("the secret of the app is in Slack")
		}
	}
	p.wellBehaved()
}
