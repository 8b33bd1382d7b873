package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/store/bolt"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/employee"
)

// kills is how many times the program is killed. More by hand:
// RESETBOT_KILLS=1000 go test ./cmd/resetbot -run TestAC52 -timeout 2h.
func kills(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("RESETBOT_KILLS"))
	switch {
	case err == nil:
		return n
	case testing.Short():
		return 5
	}
	return 30
}

// errands are what people come for at a terminal. Those who enrol an app are in
// their own chat, which a terminal can be.
var errands = map[string]struct {
	who     string
	args    []string // of the program
	answers []act
	over    *regexp.Regexp
	check   func(*testing.T, *world, *person) // what it left behind
}{
	"a new password": {
		"m.devries", nil, resets, regexp.MustCompile(`wachtwoord is nu actief`), checkPassword,
	},
	"an app": {
		"p.bakker", []string{"--as", "p.bakker"}, enrols, regexp.MustCompile(`app is gekoppeld`), checkApp,
	},
}

// TestAC52_KilledAtAnyMomentEachWalkGoesOnToATrueEnd kills the program with
// SIGKILL at random moments of whole walks, and starts it again. The person
// does what the page says each time; each walk must come to its end, with what it
// was for done exactly once, and the audit whole.
func TestAC52_KilledAtAnyMomentEachWalkGoesOnToATrueEnd(t *testing.T) {
	for name, errand := range errands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(2026, 11))
			total := kills(t)
			budget := total
			for walk := 1; budget > 0; walk++ {
				p := terminalPerson(t)
				p.name = errand.who
				w := walker{
					person: p, random: random, kills: min(budget, 6),
					args: errand.args, answers: errand.answers, over: errand.over,
				}
				killed, err := w.walk()
				budget -= max(killed, 1)
				if err != nil {
					t.Fatalf("walk %d, after %d kills: %v\n%s", walk, killed, err, p.out.all())
				}
				checkWorld(t, p, errand.check)
			}
			t.Logf("killed %d times", total-budget)
		})
	}
}

// terminalPerson is somebody at a terminal of their own.
func terminalPerson(t *testing.T) *person {
	t.Helper()
	path := thisProgram(t)
	dir := t.TempDir()
	return &person{
		data: filepath.Join(dir, "data"), name: "m.devries",
		env: []string{
			"PATH=" + filepath.Dir(path), "HOME=" + dir, "RESETBOT_TEST_HASTE=1",
			"RESETBOT_TEST_CAPTCHA=" + filepath.Join(dir, "captcha"),
		},
	}
}

// walker is a person who does what the page says.
type walker struct {
	*person
	random  *rand.Rand
	kills   int
	killed  int
	args    []string
	answers []act
	over    *regexp.Regexp
	last    string // what was answered
}

const killPassword = "kaars-molen-fiets-tafel"

// act is what a person does on a page, known by a sentence of it.
type act struct {
	page  *regexp.Regexp
	lines []string
}

var enrols = []act{
	{regexp.MustCompile(`Waarmee kan ik u helpen`), []string{"authenticator koppelen"}},
	{regexp.MustCompile(`Voer uw huidige wachtwoord in`), []string{"krentenbol met roomboter"}},
	{regexp.MustCompile(`Hoe wilt u die doen`), []string{"1"}},
	{regexp.MustCompile(`Voer uw telefoonnummer in`), []string{"0612345635"}},
	{regexp.MustCompile(`6 cijfers uit de sms`), []string{"{sms}"}},
	{regexp.MustCompile(`Open de Authenticator-app op uw telefoon`), []string{"{key}"}},
}

var resets = []act{
	{regexp.MustCompile(`Waarmee kan ik u helpen`), []string{"wachtwoord vergeten"}},
	{regexp.MustCompile(`E-mailadres of gebruikersnaam: \*`), []string{"m.devries"}},
	{regexp.MustCompile(`Neem de tekens uit de afbeelding over`), []string{"{captcha}"}},
	{regexp.MustCompile(`contact moeten opnemen(?s:.*)al gebruikt bij stap 1`), []string{"4"}},
	{regexp.MustCompile(`in eerste instantie contact moeten opnemen`), []string{"1"}},
	{regexp.MustCompile(`Voer uw telefoonnummer in`), []string{"0612345613"}},
	{regexp.MustCompile(`6 cijfers uit de sms`), []string{"{sms}"}},
	{regexp.MustCompile(`code in die in uw Authenticator-app`), []string{"{app}"}},
	{regexp.MustCompile(`Voer nieuw wachtwoord in`), []string{killPassword, killPassword}},
}

var (
	appKey  = regexp.MustCompile(`([A-Z2-7]{4} ){7}[A-Z2-7]{4}`)
	deadEnd = regexp.MustCompile(`1\. Opnieuw beginnen`)
	footer  = regexp.MustCompile(`(?m)^Bonnummer .*$`)
)

// walk walks to the end, and is killed on the way.
func (w *walker) walk() (killed int, err error) {
	defer w.person.kill()
	if err := w.start(w.args...); err != nil {
		return 0, err
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		if w.killed < w.kills && w.random.IntN(4) == 0 {
			time.Sleep(time.Duration(w.random.IntN(250)) * time.Millisecond)
			if done, err := w.die(); err != nil || done {
				return w.killed, err
			}
		}
		done, err := w.move()
		if err != nil || done {
			return w.killed, err
		}
	}
	return w.killed, fmt.Errorf("no end after two minutes")
}

// die is kill -9, and a new start, unless the end was shown at the last moment.
func (w *walker) die() (done bool, err error) {
	w.person.kill()
	w.killed++
	last := w.out.rest()
	w.out.look(len(last))
	if w.over.MatchString(last) {
		return true, nil
	}
	return false, w.start(w.args...)
}

// move answers the newest page, if there is one that was not answered yet.
func (w *walker) move() (done bool, err error) {
	time.Sleep(10 * time.Millisecond)
	text := w.out.rest()
	pages := footer.FindAllStringIndex(text, -1)
	if pages == nil {
		return false, nil
	}
	begin := 0
	if n := len(pages); n > 1 {
		begin = pages[n-2][1]
	}
	end := pages[len(pages)-1][1]
	page := text[begin:end]
	if w.over.MatchString(page) {
		return true, nil
	}
	if deadEnd.MatchString(page) {
		return false, fmt.Errorf("a dead end")
	}
	for _, a := range w.answers {
		if a.page.MatchString(page) {
			w.out.look(end)
			for _, line := range a.lines {
				if err := w.answer(line); err != nil {
					return false, err
				}
			}
			return false, nil
		}
	}
	return false, nil // a page that asks nothing: the next will come
}

// answer types a line. A code that was used is not typed again: a person waits
// for the next.
func (w *walker) answer(line string) error {
	if (line == "{app}" || line == "{key}") && w.last == line {
		time.Sleep(time.Until(time.Now().Truncate(30 * time.Second).Add(30 * time.Second)))
	}
	w.last = line
	if line == "{key}" {
		code, err := w.newApp()
		if err != nil {
			return err
		}
		line = code
	}
	return w.types(line)
}

// newApp is what the app shows whose key was printed last, below its page.
func (w *walker) newApp() (code string, err error) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if keys := appKey.FindAllString(w.out.all(), -1); keys != nil {
			return employee.App(strings.ReplaceAll(keys[len(keys)-1], " ", ""), time.Now())
		}
	}
	return "", errors.New("no key was shown")
}

// checkWorld looks at what the walk left behind.
func checkWorld(t *testing.T, p *person, check func(*testing.T, *world, *person)) {
	t.Helper()
	w, err := openWorld(folder(p.data), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	check(t, w, p)
	err = folder(p.data).withStore(func(s *bolt.Store) error {
		_, err := bot.VerifyAudit(t.Context(), s, s.Keys().Audit(), folder(p.data).head())
		return err
	})
	if err != nil {
		t.Errorf("the audit: %v", err)
	}
	log, err := os.ReadFile(folder(p.data).path("resetbot.log"))
	if err != nil || strings.Contains(string(log), `"ERROR"`) {
		t.Errorf("the log has errors (%v):\n%s", err, log)
	}
}

func checkPassword(t *testing.T, w *world, p *person) {
	t.Helper()
	who, err := w.person(p.name)
	must(t, err)
	ok, err := w.people.VerifyPassword(t.Context(), who.ID, conversation.NewSecret(killPassword))
	if err != nil || !ok {
		t.Errorf("the new password does not work: %v", err)
	}
	a, _, err := w.people.Find(t.Context(), bot.Query{ID: who.ID})
	if err != nil || a.Mark != "1" {
		t.Errorf("the password was written %s times, want once (%v)", a.Mark, err)
	}
}

// checkApp: the app that was shown last is enrolled, and no other.
func checkApp(t *testing.T, w *world, p *person) {
	t.Helper()
	who, err := w.person(p.name)
	must(t, err)
	keys := appKey.FindAllString(p.out.all(), -1)
	must(t, folder(p.data).withStore(func(s *bolt.Store) error {
		apps, err := w.people.Authenticators(s).Enrolled(t.Context(), who.ID)
		if err == nil && (len(apps) != 1 || apps[0].Secret.Reveal() != strings.ReplaceAll(keys[len(keys)-1], " ", "")) {
			t.Errorf("%d apps are enrolled, want the one that was shown last", len(apps))
		}
		return err
	}))
}
