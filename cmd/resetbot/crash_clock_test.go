package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"resetbot/employee"
)

// clockFile names a file that says by how much the clock of a child is wrong. It
// is read at every look, so that a clock can be set while the child runs.
const clockFile = "RESETBOT_TEST_CLOCK"

// setClock is the clock that a file says.
func setClock(file string) func() time.Time {
	return func() time.Time {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		wrong, err := time.ParseDuration(string(text))
		if err != nil {
			panic(err)
		}
		return time.Now().Round(0).Add(wrong) // nobody sets the monotonic clock
	}
}

// clockwork is a service whose clock a test sets.
type clockwork struct {
	*program
	file  string
	wrong time.Duration
}

func serveWithClock(t *testing.T, env ...string) *clockwork {
	t.Helper()
	c := &clockwork{file: filepath.Join(t.TempDir(), "clock")}
	c.set(t, 0)
	c.program = serveSample(t, append(env, clockFile+"="+c.file))
	return c
}

// set sets the clock, whole or not at all.
func (c *clockwork) set(t *testing.T, wrong time.Duration) {
	t.Helper()
	c.wrong = wrong
	must(t, os.WriteFile(c.file+".new", []byte(wrong.String()), 0o600))
	must(t, os.Rename(c.file+".new", c.file))
}

// prove proves who marieke is; the app on her telephone knows the time as the
// service does.
func (c *clockwork) prove(t *testing.T, w *employee.Window, m employee.Method) {
	t.Helper()
	if m != employee.AppCode {
		must(t, w.Prove(t.Context(), m))
		return
	}
	must(t, w.Press(t.Context(), wayNames[m]))
	code, err := employee.App(marieke.Secret, time.Now().Add(c.wrong))
	must(t, err)
	must(t, w.Fill(t.Context(), map[string]string{"code": code}))
	must(t, w.Await(t.Context()))
}

// reset walks the rest of the way from a page that asks who one is.
func (c *clockwork) reset(t *testing.T, w *employee.Window) {
	t.Helper()
	must(t, w.Fill(t.Context(), map[string]string{"name": marieke.User}))
	must(t, w.Await(t.Context()))
	c.prove(t, w, employee.SMS)
	c.finish(t, w)
}

// finish walks the rest of the way from the second step.
func (c *clockwork) finish(t *testing.T, w *employee.Window) {
	t.Helper()
	c.prove(t, w, employee.AppCode)
	must(t, w.Choose(t.Context(), mariekesNew))
	c.signsIn("m.devries", mariekesNew, mariekesOld)
	c.wellBehaved()
}

// tells checks that a page tells where one is, and has a way on.
func tells(t *testing.T, w *employee.Window) {
	t.Helper()
	if w.Page.Status != 200 || w.Page.Heading == "" || len(w.Page.Buttons) == 0 {
		t.Errorf("the page (%d) does not tell where one is:\n%s", w.Page.Status, w.Page.Text)
	}
}

// A clock that is set an hour ahead ends what was begun, as if an hour had
// passed: nothing that was proved an hour ago counts. One that is set back an hour
// neither gives anybody time nor keeps anybody waiting.
func TestAClockThatIsSetWhileTheServiceRunsOrIsKilled(t *testing.T) {
	for name, test := range map[string]struct {
		wrong  time.Duration
		killed bool
		proved bool // the first of two
	}{
		"an hour ahead":                       {time.Hour, false, true},
		"an hour ahead, between two lives":    {time.Hour, true, true},
		"an hour back":                        {-time.Hour, false, true},
		"an hour back, between two lives":     {-time.Hour, true, true},
		"an hour back, before anything shows": {-time.Hour, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serveWithClock(t, hasty)
			w := c.visit(marieke)
			must(t, w.Identify(t.Context()))
			if test.proved {
				c.prove(t, w, employee.SMS)
			}
			if test.killed {
				c.end(syscall.SIGKILL)
			}
			c.set(t, test.wrong)
			if test.killed {
				c.start()
			}
			must(t, w.Look(t.Context()))
			tells(t, w)
			switch {
			case test.wrong > 0:
				c.again(t, w)
			case !test.proved:
				c.prove(t, w, employee.SMS)
				c.finish(t, w)
			default:
				c.finish(t, w)
			}
		})
	}
}

// Whatever becomes of the clock while nobody knows whether a password was
// written, the directory is asked soon, and the page tells what it says.
func TestAClockThatIsSetWhileTheOutcomeIsUnknown(t *testing.T) {
	for name, test := range map[string]struct {
		wrong  time.Duration
		killed bool
	}{
		"an hour ahead":                    {time.Hour, false},
		"an hour ahead, between two lives": {time.Hour, true},
		"an hour back":                     {-time.Hour, false},
		"an hour back, between two lives":  {-time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serveWithClock(t, "RESETBOT_TEST_HASTE=1", "RESETBOT_DEMO_FAULT=unwritten")
			w := c.proved(marieke)
			form, err := w.OpenEntry(t.Context())
			must(t, err)
			must(t, form.Fill(t.Context(), map[string]string{
				"password": mariekesNew, "confirm": mariekesNew, "word": w.Page.Strong[1],
			}))
			for end := time.Now().Add(20 * time.Second); !w.Sees(notKnown); must(t, w.Look(t.Context())) {
				if time.Now().After(end) {
					t.Fatalf("the page says:\n%s", w.Page.Text)
				}
			}
			if test.killed {
				c.end(syscall.SIGKILL)
			}
			c.set(t, test.wrong)
			if test.killed {
				c.start()
			}
			must(t, w.Await(t.Context()))
			tells(t, w)
			if !w.Sees(notChanged) {
				t.Errorf("the page says:\n%s", w.Page.Text)
			}
			c.signsIn("m.devries", mariekesOld, mariekesNew)
		})
	}
}

// again begins again, after an end that says why.
func (c *clockwork) again(t *testing.T, w *employee.Window) {
	t.Helper()
	if slices.Contains(w.Page.Buttons, wayNames[employee.AppCode]) { // not noticed yet
		must(t, w.Press(t.Context(), wayNames[employee.AppCode]))
	}
	if !w.Sees("De tijd is om") || !w.Sees("Er is niets veranderd") {
		t.Errorf("after an hour the page says:\n%s", w.Page.Text)
	}
	must(t, w.Press(t.Context(), "Opnieuw beginnen"))
	c.reset(t, w)
}

// A back-up that is put back is noticed: the conversations in it are ended, what
// was used stays used, nothing is reset until somebody accepts it, and people are
// told so.
func TestAC78_AnOldBackupThatIsPutBackResetsNothingUntilItIsAccepted(t *testing.T) {
	t.Parallel()
	p := serveSample(t, []string{hasty})
	w := p.visit(marieke)
	must(t, w.Identify(t.Context()))
	must(t, w.Prove(t.Context(), employee.SMS))
	p.end(syscall.SIGKILL)
	store := filepath.Join(filepath.Dir(p.config), "resetbot.db")
	backup, err := os.ReadFile(store)
	must(t, err)
	p.start()
	must(t, w.Look(t.Context()))
	must(t, w.Prove(t.Context(), employee.AppCode))
	must(t, w.Choose(t.Context(), mariekesNew))
	p.end(syscall.SIGTERM)

	must(t, os.WriteFile(store, backup, 0o600))
	p.start()
	admin := fmt.Sprint("http://", p.log.line(t, "serving")["admin_listen"])
	if code, said := get(t, admin+"/readyz"); code != 503 || !strings.Contains(said, "accept-restore") {
		t.Errorf("/readyz answers %d %s", code, said)
	}
	for _, visitor := range []*employee.Window{w, p.visit(marieke)} { // of the back-up, and a new one
		must(t, visitor.Look(t.Context()))
		tells(t, visitor)
		if !visitor.Sees("net hersteld na een storing") || !visitor.Sees("071 000 00 0") || visitor.Page.Passing {
			t.Errorf("the page says:\n%s", visitor.Page.Text)
		}
	}
	out, err := command(t, nil, "audit", "accept-restore", "-config", p.config).CombinedOutput()
	if err != nil {
		t.Fatalf("accepting it: %v\n%s", err, out)
	}
	if code, said := get(t, admin+"/readyz"); code != 200 {
		t.Errorf("/readyz answers %d %s", code, said)
	}
	p.signsIn("m.devries", mariekesNew, mariekesOld)
	late := p.visit(marieke)
	must(t, late.Identify(t.Context()))
	must(t, late.Prove(t.Context(), employee.Call))
	must(t, late.Prove(t.Context(), employee.Notification))
	must(t, late.Choose(t.Context(), "twee grote manen onder water"))
	p.signsIn("m.devries", "twee grote manen onder water", mariekesNew)
}
