package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"resetbot/adapters/chat/teams/teamstest"
	"resetbot/employee"
)

// texts are how many text messages with a code came on a telephone.
func (c *mate) texts() (n int) {
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

// A number that is typed once, and delivered eleven times: with the same id, with new
// ones, at the same moment, and after a restart.
func TestAC43_AnActivityInTeamsThatComesElevenTimesHasOneEffect(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	c.asked("Wachtwoord vergeten")
	c.Press("Sms-bericht")
	card := c.Await("volledige nummer")
	var form teamstest.Button
	for _, b := range card.Buttons {
		if b.Form {
			form = b
		}
	}
	value := map[string]any{"number": c.who.Mobile}
	for key, v := range form.Data {
		value[key] = v
	}
	same := cloud.Submit(c.Person, card.ID, value)
	deliver := func(a map[string]any) {
		answer, err := cloud.Deliver(context.Background(), c.Bot, a)
		if err != nil || answer.Status != http.StatusOK {
			t.Errorf("answered %d (%v)", answer.Status, err)
		}
	}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() { deliver(same) })
	}
	all.Wait()
	c.next(employee.KindSMS)
	deliver(same)
	for range 2 { // as old, with a new id
		again := cloud.Submit(c.Person, card.ID, value)
		deliver(again)
	}
	p.end(syscall.SIGKILL)
	p.start()
	deliver(same)
	deliver(cloud.Submit(c.Person, card.ID, value))
	deliver(cloud.Message(c.Person, c.who.Mobile))
	c.Await("sms")
	if n := c.texts(); n != 1 {
		t.Errorf("%d text messages came", n)
	}
	p.wellBehaved()
}

// A button of a card that is over explains itself, opens nothing and starts nothing.
func TestAC41_AnOldCardInTeamsIsExplained(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	c.asked("Wachtwoord vergeten")
	old := c.Newest()
	c.Press("Sms-bericht")
	c.Await("volledige nummer")
	c.PressOn(old, "Mijn mobiele telefoon bellen")
	c.Await("eerder bericht")
	c.Await("volledige nummer")
	c.Type("annuleren")
	c.Await("Er is niets veranderd")
	ended := c.Newest()
	c.PressOn(old, "Sms-bericht")
	if card := c.Await("Er is niets veranderd"); len(card.Buttons) != len(ended.Buttons) {
		t.Errorf("an end became:\n%s", card.Words)
	}
	if n := c.texts(); n != 0 {
		t.Errorf("%d text messages came", n)
	}
	p.wellBehaved()
}

// In Teams one resets one's own password, whatever name is typed.
func TestAC08_SomebodyElsesNameInTeams(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	c.Type("wachtwoord vergeten")
	c.Await("Is dit uw account")
	c.Press("Ander account")
	c.AwaitField("name")
	c.Type("z.celik@rijnzicht.example")
	c.Await("alleen uw eigen wachtwoord")
	p.wellBehaved()
}

// What is typed on the page of the password is not read as one, and is refused as
// one; what is typed on the one-time page arrives as it was typed.
func TestAC55_APasswordInTeamsIsTheOneThatWasTyped(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	c.asked("Wachtwoord vergeten")
	c.bySMS(true)
	c.Await("Stap 1 is gelukt")
	c.byApp()
	c.Await("Nieuw wachtwoord")
	const exposed = "wolken & schapen :smile: *boven* zee"
	c.Type(exposed)
	c.Await("Verwijder")
	p.signsIn("m.devries", mariekesOld, exposed)
	c.choose(exposed)
	c.Await("Dit wachtwoord kan helaas niet")
	const odd = `regen <b>&amp;</b> "boven" [de](zee) — *nu*`
	c.choose(odd)
	c.Await("Uw nieuwe wachtwoord is nu actief")
	p.signsIn("m.devries", odd, mariekesOld)
	for _, text := range []string{exposed, odd} {
		p.holdsNowhere(t, text)
	}
	p.wellBehaved()
}

// holdsNowhere checks that a text is in no file of the program's folder and not in
// its log.
func (p *program) holdsNowhere(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(p.log.String(), text) {
		t.Errorf("the log holds %q", text)
	}
	files, err := os.ReadDir(filepath.Dir(p.config))
	must(t, err)
	for _, f := range files {
		if f.IsDir() || !f.Type().IsRegular() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(filepath.Dir(p.config), f.Name()))
		if errors.Is(err, fs.ErrNotExist) { // one that was being written, and has its name now
			continue
		}
		must(t, err)
		if strings.Contains(string(content), text) {
			t.Errorf("%s holds %q", f.Name(), text)
		}
	}
}

// A dialog's page is opened by robots and previews as often as they like, and not
// by who does not know the word.
func TestAC66_OpeningTheDialogsPageUsesNothingUp(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	c.asked("Wachtwoord vergeten")
	c.bySMS(false)
	c.Await("Stap 1 is gelukt")
	c.byApp()
	c.Await("Nieuw wachtwoord")
	d := c.Open()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
		r, err := http.NewRequestWithContext(t.Context(), method, d.URL, nil)
		must(t, err)
		r.Header.Set("X-Forwarded-Host", "evil.example")
		answer, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, answer.Body.Close())
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", method, answer.StatusCode)
		}
		csp := answer.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors https://teams.microsoft.com https://*.teams.microsoft.com https://*.cloud.microsoft") {
			t.Errorf("the page may be framed by %s", csp)
		}
	}
	page, err := employee.Open(t.Context(), p.base, d.URL, c.who)
	must(t, err)
	must(t, page.TypeWithWord(t.Context(), "verkeerd", mariekesNew))
	c.Await("niet het woord")
	p.signsIn("m.devries", mariekesOld, mariekesNew)
	c.choose(mariekesNew)
	c.Await("Uw nieuwe wachtwoord is nu actief")
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}

// A name in the directory is shown as it is, and is no mark-up.
func TestAC67_ANameIsPlainTextInACard(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "people.yaml")
	must(t, os.WriteFile(file, []byte(`- id: 00000000-0000-4000-8000-0000000000aa
  upn: m.devries@rijnzicht.example
  names: {given: Marieke, family: de Vries, display: "*M* [klik](http://evil.example) <at>all</at> _x_"}
  mobile: "+31612345613"
  password: lampion-vijver-oktober
  authenticator: IYHTMFTJUAION5GCZHBRA3JLVMNP7YNF
  chat: {teams: [`+mariekesObjectID+`]}
`), 0o600))
	p, cloud := serveTeams(t, "  type: demo\n", "  type: demo\n  file: "+file+"\n")
	c := p.marieke(cloud)
	c.asked("Wachtwoord vergeten")
	c.bySMS(false)
	c.Await("Stap 1 is gelukt")
	c.byApp()
	card := c.Await("Nieuw wachtwoord")
	for _, block := range regexp.MustCompile(`\{"type":"(TextBlock|Input\.Toggle)"[^{}]*`).FindAllString(string(card.Card), -1) {
		if strings.Contains(block, "klik") { // Markdown is read there, and nowhere else
			t.Errorf("the name is in %s", block)
		}
	}
	p.wellBehaved()
}

// Forged tokens are refused, counted and told in the audit, and cost nobody
// anything.
func TestAC69_ForgedTokensLeadNowhereInTheRunningProgram(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t)
	c := p.marieke(cloud)
	a := cloud.Message(c.Person, "wachtwoord vergeten")
	for name, claims := range map[string]teamstest.Claims{
		"another audience": {Audience: "somebody else"},
		"another issuer":   {Issuer: "https://evil.example"},
		"no signature":     {Algorithm: "none"},
		"HS256":            {Algorithm: "HS256"},
		"an unknown key":   {Key: cloud.NewKey("msteams")},
		"another service":  {ServiceURL: "https://smba.example/"},
	} {
		answer, err := cloud.Deliver(t.Context(), c.Bot, a, claims)
		must(t, err)
		if answer.Status != http.StatusUnauthorized && answer.Status != http.StatusForbidden {
			t.Errorf("%s: answered %d", name, answer.Status)
		}
	}
	if n := len(c.Cards()); n != 0 {
		t.Errorf("%d cards came", n)
	}
	c.Type("hallo")
	c.Await("Waarmee kan ik u helpen")
	p.wellBehaved()
}

// Where the operator chose so, the password is typed in the dialog's own field; it
// is in no message, no log and no file.
func TestAPasswordCanBeTypedInADialogWhereThatIsConfigured(t *testing.T) {
	t.Parallel()
	p, cloud := serveTeams(t, "#password_entry: page", "password_entry: dialog")
	c := p.marieke(cloud)
	c.asked("Wachtwoord vergeten")
	c.bySMS(false)
	c.Await("Stap 1 is gelukt")
	c.byApp()
	c.Await("Nieuw wachtwoord")
	d := c.Open()
	if d.Card == nil || d.URL != "" {
		t.Fatalf("the dialog is %+v", d)
	}
	old := d
	c.Submit(d, map[string]string{"password": "te kort", "confirm": "te kort"})
	c.Await("Dit wachtwoord kan helaas niet")
	if again := c.Submit(old, map[string]string{"password": mariekesNew, "confirm": mariekesNew}); again.Words == "" {
		t.Error("the form of an old dialog was taken")
	}
	d = c.Open()
	c.Submit(d, map[string]string{"password": mariekesNew, "confirm": mariekesNew})
	c.Await("Uw nieuwe wachtwoord is nu actief")
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.holdsNowhere(t, mariekesNew)
	if !strings.Contains(p.log.String(), "pass through Microsoft in clear") {
		t.Error("the operator is not told what this costs")
	}
	p.wellBehaved()
}
