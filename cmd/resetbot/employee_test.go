package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"resetbot/employee"
)

// These tests start the real program with the sample configuration, and play
// employees who know nothing of it but what a person knows.

// marieke is played, unless a test says otherwise.
var marieke = employee.Person{
	User: "m.devries@rijnzicht.example", Mobile: "0612345613", Number: "+31612345613",
	Secret: "IYHTMFTJUAION5GCZHBRA3JLVMNP7YNF",
}

const (
	mariekesOld = "lampion-vijver-oktober"
	mariekesNew = "drie kleine wolken boven zee"
)

// hasty has the program wait for nobody: what it does at the pace of people,
// other tests see.
const hasty = "RESETBOT_TEST_HASTE=pages"

// program is the service in a process of its own.
type program struct {
	t      testing.TB
	base   string // what its addresses begin with
	config string
	env    []string
	log    *watched
	child  *exec.Cmd
}

// sample is the sample configuration, with a port of its own and no captcha,
// which a program cannot read. changes are pairs: what stands in the sample, and
// what is put in its place. Of two for the same, the first counts.
func sample(t testing.TB, changes ...string) (config, base string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "resetbot.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	base = "http://" + address
	changes = append(changes,
		"#listen: 127.0.0.1:3978", "listen: "+address,
		"#admin_listen: 127.0.0.1:9978", "admin_listen: 127.0.0.1:0",
		"public_url: http://127.0.0.1:3978", "public_url: "+base,
		"#captcha: {when: always}", "captcha: {when: {web: never}}",
		"#begun_asker: {n: 10,", "begun_asker: {n: 1000,", // all come from this machine
	)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(string(text), changes[i]) {
			t.Fatalf("the sample has no %q any more", changes[i])
		}
	}
	config = filepath.Join(t.TempDir(), "resetbot.yaml")
	changed := strings.NewReplacer(changes...).Replace(string(text))
	if err := os.WriteFile(config, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return config, base
}

// freeAddress is one that nobody listened on a moment ago.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// serveSample starts the program; see [sample]. It ends with the test.
func serveSample(t testing.TB, env []string, changes ...string) *program {
	t.Helper()
	p := &program{t: t, env: env}
	p.config, p.base = sample(t, changes...)
	p.start()
	t.Cleanup(func() { _ = p.child.Process.Kill(); _ = p.child.Wait() })
	return p
}

// start starts the program, or starts it again.
func (p *program) start() {
	p.t.Helper()
	p.log = &watched{}
	p.child = command(p.t, p.env, "serve", "-config", p.config)
	p.child.Stderr = p.log
	if err := p.child.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.log.line(p.t, "serving")
}

// raced, in a child's environment, has it be raced where its test is.
const raced = "RESETBOT_TEST_RACED=1"

// thisProgram is it. Where the tests run with the race detector, and
// RESETBOT_UNRACED names the same program built without it, it is that one unless the
// environment has [raced]: killed hundreds of times, or driven by a browser, it is
// ten times as fast, and what races there are others of these tests, and those of
// the packages, look for.
func thisProgram(t testing.TB, env ...string) (path string) {
	t.Helper()
	if path := os.Getenv("RESETBOT_UNRACED"); path != "" && !slices.Contains(env, raced) {
		return path
	}
	path, err := exec.LookPath("resetbot")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// command is this program as a child, which gets none of our environment.
func command(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path := thisProgram(t, env...)
	child := exec.CommandContext(t.Context(), path, args...)
	own := []string{"PATH=" + filepath.Dir(path), "HOME=" + t.TempDir(), "TZ=Europe/Amsterdam"}
	child.Env = append(own, env...)
	return child
}

// end ends the program, and waits until it is gone.
func (p *program) end(how syscall.Signal) {
	p.t.Helper()
	if err := p.child.Process.Signal(how); err != nil {
		p.t.Fatal(err)
	}
	if err := p.child.Wait(); err != nil && how == syscall.SIGTERM {
		p.t.Errorf("it ended with %v:\n%s", err, p.log)
	}
}

// wellBehaved checks that nothing went wrong behind anybody's back.
func (p *program) wellBehaved() {
	p.t.Helper()
	if log := p.log.String(); strings.Contains(log, `"ERROR"`) || strings.Contains(log, "DATA RACE") {
		p.t.Errorf("the log:\n%s", log)
	}
}

// visit opens the chat as somebody.
func (p *program) visit(who employee.Person) *employee.Window {
	p.t.Helper()
	w, err := employee.Visit(p.t.Context(), p.base, who)
	if err != nil {
		p.t.Fatal(err)
	}
	return w
}

// signsIn checks which of two passwords works.
func (p *program) signsIn(user, works, doesNot string) {
	p.t.Helper()
	for password, want := range map[string]bool{works: true, doesNot: false} {
		ok, err := employee.SignIn(p.t.Context(), p.base, user, password)
		if err != nil || ok != want {
			p.t.Errorf("signing in with %q: %t, want %t (%v)", password, ok, want, err)
		}
	}
}

// must ends a test that cannot go on.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnEmployeeGetsANewPassword(t *testing.T) {
	english := marieke
	english.Language = "en"
	for _, test := range []struct {
		name          string
		who           employee.Person
		first, second employee.Method
		env           []string
	}{
		{"by text message and app code, at the pace of people", marieke, employee.SMS, employee.AppCode, nil},
		{"by call and notification", marieke, employee.Call, employee.Notification, []string{hasty}},
		{"by notification and text message", marieke, employee.Notification, employee.SMS, []string{hasty}},
		{"in English", english, employee.AppCode, employee.Call, []string{hasty}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := serveSample(t, append(test.env, raced))
			told, err := employee.Reset(t.Context(), p.base, test.who, test.first, test.second, mariekesNew)
			if err != nil {
				t.Fatal(err)
			}
			if told.Receipt == "" || told.Took > 30*time.Second {
				t.Errorf("the receipt is %q, it took %s", told.Receipt, told.Took)
			}
			p.signsIn("m.devries", mariekesNew, mariekesOld)
			p.wellBehaved()
			t.Logf("%s: %v", told.Took.Round(time.Millisecond), told.Seen)
		})
	}
}

func TestAPasswordThatIsRefusedKeepsBothProofsAndTheNextIsTaken(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	w := p.visit(marieke)
	must(t, w.Identify(t.Context()))
	must(t, w.Prove(t.Context(), employee.SMS))
	must(t, w.Prove(t.Context(), employee.AppCode))
	page, err := w.OpenEntry(t.Context())
	must(t, err)
	must(t, page.TypePassword(t.Context(), w, "Rijnzicht2026!!!"))
	if !page.Sees("Dit wachtwoord kan helaas niet") || !page.Sees("beide controles blijven geldig") {
		t.Errorf("the one-time page says:\n%s", page.Page.Text)
	}
	p.signsIn("m.devries", mariekesOld, "Rijnzicht2026!!!")
	must(t, w.Look(t.Context()))
	must(t, w.Choose(t.Context(), "welkom welkom welkom", mariekesNew))
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	p.wellBehaved()
}

func TestAWalkGoesOnInTheSameTabAfterTheProgramEnded(t *testing.T) {
	for name, how := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := serveSample(t, []string{hasty})
			w := p.visit(marieke)
			again := func() {
				t.Helper()
				p.end(how)
				p.start()
			}
			comesBack := func() {
				t.Helper()
				before := looks(w)
				again()
				must(t, w.Look(t.Context()))
				// What was killed before it knew that the page was shown shows it again.
				same := how == syscall.SIGKILL && looks(w) == before
				if !w.Sees("Welkom terug") && !same {
					t.Fatalf("nobody says welcome:\n%s", w.Page.Text)
				}
			}
			must(t, w.Identify(t.Context()))
			comesBack()
			must(t, w.Prove(t.Context(), employee.SMS))
			comesBack()
			must(t, w.Prove(t.Context(), employee.AppCode))
			comesBack()
			page, err := w.OpenEntry(t.Context())
			must(t, err)
			again() // the tab with the one-time page stays open too
			must(t, page.TypePassword(t.Context(), w, mariekesNew))
			if !page.Sees("Uw nieuwe wachtwoord is nu actief") {
				t.Errorf("the one-time page says:\n%s", page.Page.Text)
			}
			must(t, w.Look(t.Context()))
			if !w.Sees("Uw nieuwe wachtwoord is nu actief") {
				t.Errorf("the chat says:\n%s", w.Page.Text)
			}
			p.signsIn("m.devries", mariekesNew, mariekesOld)
			p.wellBehaved()
		})
	}
}

// colleagues are people who do not exist, and the file that they stand in.
func colleagues(t testing.TB, n int) (people []employee.Person, file string) {
	t.Helper()
	var text strings.Builder
	for i := range n {
		p := employee.Person{
			User:   fmt.Sprintf("medewerker.%c%c", 'a'+i/26, 'a'+i%26),
			Mobile: fmt.Sprintf("06123%05d", 10000+i), Number: fmt.Sprintf("+316123%05d", 10000+i),
			Secret: strings.Repeat(string("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i%26]), 31) + string("QRSTUVWXYZ"[i/26]),
			From:   fmt.Sprintf("10.7.0.%d", i+1),
		}
		fmt.Fprintf(&text, "- {id: 00000000-0000-4000-8000-%012d, upn: %s@rijnzicht.example, mobile: %q,\n"+
			"  names: {given: Jo, family: Xantippe, display: Jo}, password: %q, authenticator: %s}\n",
			i, p.User, p.Number, mariekesOld, p.Secret)
		people = append(people, p)
	}
	file = filepath.Join(t.TempDir(), "people.yaml")
	must(t, os.WriteFile(file, []byte(text.String()), 0o600))
	return people, file
}

func TestFiftyEmployeesAtOnceAllGetANewPassword(t *testing.T) {
	people, file := colleagues(t, atOnce)
	p := serveSample(t, []string{raced}, "  type: demo\n", "  type: demo\n  file: "+file+"\n",
		"    #trusted_proxies: []", "    trusted_proxies: [127.0.0.1]")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	ways := [][2]employee.Method{
		{employee.SMS, employee.AppCode},
		{employee.Call, employee.AppCode},
		{employee.AppCode, employee.SMS},
		{employee.AppCode, employee.Call},
	}
	began := time.Now()
	var all sync.WaitGroup
	for i, who := range people {
		all.Go(func() {
			way := ways[i%len(ways)]
			if _, err := employee.Reset(ctx, p.base, who, way[0], way[1], mariekesNew); err != nil {
				t.Errorf("%s: %v", who.User, err)
			}
		})
	}
	all.Wait()
	t.Logf("%d resets at once took %s", atOnce, time.Since(began).Round(time.Millisecond))
	for _, who := range people[:5] { // each costs what a sign-in costs
		p.signsIn(who.User, mariekesNew, mariekesOld)
	}
	p.wellBehaved()
}

func TestTheRealProgramTellsAllProblemsOfItsConfigurationAtOnce(t *testing.T) {
	t.Parallel()
	config, _ := sample(t, "  domains: [rijnzicht.example]", "  domains: []", "#guide: 1h", "guide: one hour",
		"#texts: {nl: [], en: []}", "text: hunter2")
	var said strings.Builder
	child := command(t, nil, "serve", "-config", config)
	child.Stderr = &said
	if err := child.Run(); child.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []string{
		"organisation.domains: this is empty; write domains",
		"policy.guide: write a time from 1s to 8784h with its unit",
		"this key is unknown; known keys are ",
	} {
		line := ""
		for l := range strings.Lines(said.String()) {
			if strings.Contains(l, want) {
				line = l
			}
		}
		if !strings.Contains(line, "resetbot.yaml:") {
			t.Errorf("no line of the configuration is named with %q:\n%s", want, said.String())
		}
	}
	if strings.Contains(said.String(), "hunter2") {
		t.Errorf("a value is quoted:\n%s", said.String())
	}
}

func TestTheRealProgramSaysInOneSentenceThatItsPortIsTaken(t *testing.T) {
	t.Parallel()
	config, base := sample(t)
	taken, err := net.Listen("tcp", strings.TrimPrefix(base, "http://"))
	must(t, err)
	defer func() { _ = taken.Close() }()
	var said strings.Builder
	child := command(t, nil, "serve", "-config", config)
	child.Stderr = &said
	if err := child.Run(); child.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	want := "another program is listening on " + taken.Addr().String()
	if got := said.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, want) {
		t.Errorf("it says %q", got)
	}
}
