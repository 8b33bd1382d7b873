package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	people "resetbot/adapters/directory/demo"
	phone "resetbot/adapters/verification/demo"
	"resetbot/adapters/verification/totp"
)

// person plays the employee against the running program: at its terminal, with
// the telephone in the other hand.
type person struct {
	env  []string
	data string // the program's folder
	name string // whose telephone it is

	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *output
	ended chan struct{}
}

// output is what the program printed. What was looked at is not looked at
// again.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	seen int
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// rest is what was not looked at yet.
func (o *output) rest() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()[o.seen:]
}

func (o *output) look(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen += n
}

func (o *output) all() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start starts the program.
func (p *person) start(args ...string) error {
	p.cmd = exec.Command("resetbot", append([]string{"chat", "--data", p.data}, args...)...)
	for _, variable := range p.env {
		if path, ok := strings.CutPrefix(variable, "PATH="); ok {
			p.cmd.Path = filepath.Join(strings.Split(path, ":")[0], "resetbot")
			p.cmd.Err = nil
		}
	}
	p.cmd.Env = p.env
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return err
	}
	p.in = in
	if p.out == nil {
		p.out = &output{}
	}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		return err
	}
	ended, cmd := make(chan struct{}), p.cmd
	p.ended = ended
	go func() { _ = cmd.Wait(); close(ended) }() // how it ended does not matter
	return nil
}

// run runs another command while the program runs. What it prints is looked at
// like the program's own; whether it succeeds is told in a line after that.
func (p *person) run(args []string) error {
	receipts := regexp.MustCompile(`Bonnummer (\S{9})`).FindAllStringSubmatch(p.out.all(), -1)
	for i := range args {
		if args[i] == "{receipt}" && receipts != nil {
			args[i] = receipts[len(receipts)-1][1]
		}
	}
	cmd := exec.Command(p.cmd.Path, append(args, "--data", p.data)...)
	cmd.Env = p.env
	printed, err := cmd.CombinedOutput()
	_, _ = fmt.Fprintf(p.out, "%s[exit %d]\n", printed, cmd.ProcessState.ExitCode()) // a buffer
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil
	}
	return err
}

// kill is kill -9.
func (p *person) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // it may be gone already
		<-p.ended
		p.cmd = nil
	}
}

// end closes the program's input, and waits until it has ended by itself.
func (p *person) end() error {
	if err := p.in.Close(); err != nil {
		return err
	}
	select {
	case <-p.ended:
		p.cmd = nil
		return nil
	case <-time.After(patience):
		return errors.New("the program does not end when its input does")
	}
}

const patience = 30 * time.Second

// expect waits until the program has printed what matches.
func (p *person) expect(pattern string) error {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if at := re.FindStringIndex(p.out.rest()); at != nil {
			p.out.look(at[1])
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%q did not come; what came:\n%s", pattern, p.out.rest())
		}
	}
}

// type types a line; {captcha}, {sms} and {app} are looked up.
func (p *person) types(line string) error {
	for what, look := range map[string]func() (string, error){
		"{captcha}": p.captcha, "{sms}": p.sms, "{app}": p.app,
	} {
		if strings.Contains(line, what) {
			found, err := look()
			if err != nil {
				return err
			}
			line = strings.ReplaceAll(line, what, found)
		}
	}
	_, err := fmt.Fprintln(p.in, line)
	return err
}

func (p *person) captcha() (string, error) {
	answer, err := os.ReadFile(p.variable("RESETBOT_TEST_CAPTCHA"))
	return string(answer), err
}

func (p *person) variable(name string) string {
	for _, v := range p.env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// world opens the telephones and people beside the program.
func (p *person) world(use func(*world, people.Person) error) error {
	w, err := openWorld(folder(p.data), "")
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	who, err := w.person(p.name)
	if err != nil {
		return err
	}
	return use(w, who)
}

func (p *person) sms() (code string, err error) {
	err = p.world(func(w *world, who people.Person) error {
		for deadline := time.Now().Add(patience); code == ""; time.Sleep(5 * time.Millisecond) {
			entries, err := w.phone.List(context.Background(), w.number(who))
			if err != nil || time.Now().After(deadline) {
				return fmt.Errorf("no text message: %v", err)
			}
			for _, e := range entries {
				if e.Code != "" {
					code = e.Code
				}
			}
		}
		return nil
	})
	return code, err
}

func (p *person) app() (code string, err error) {
	err = p.world(func(_ *world, who people.Person) error {
		c, err := totp.Code(who.Authenticator, time.Now())
		code = c.Reveal()
		return err
	})
	return code, err
}

// acts does something with what waits on the telephone.
func (p *person) acts(kind phone.Kind, a phone.Action) error {
	return p.world(func(w *world, who people.Person) error {
		h := handset{world: w, person: who, out: p.out}
		var err error
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if err = h.on(context.Background(), kind, a); err == nil {
				return nil
			}
		}
		return err
	})
}

// talk plays a file in a script: a line each of
//
//	phone NAME            whose telephone it is
//	start [ARGS]          start the program, or start it again
//	kill                  kill -9
//	end                   close its input, so that it ends by itself
//	< REGEXP              wait until this was printed
//	> TEXT                type it
//	press KEYS, approve N, deny
//	approve               approve with the number that was just printed
//	run ARGS              another command on the same folder, to its end, in a
//	                      second window; {receipt} is the last one that was printed
func talk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: talk file")
	}
	p := &person{env: environment(ts), data: ts.MkAbs("data"), name: "m.devries"}
	defer p.kill()
	for n, line := range strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n") {
		if err := p.plays(line); err != nil {
			ts.Fatalf("line %d, %s: %v", n+1, line, err)
		}
	}
	ts.Logf("%s", p.out.all())
}

func environment(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TZ", "RESETBOT_TEST_CAPTCHA", "RESETBOT_TEST_HASTE", "RESETBOT_DEMO_FAULT", "GOCOVERDIR"} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func (p *person) plays(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "", "#":
		return nil
	case "phone":
		p.name = rest
		return nil
	case "start":
		return p.start(strings.Fields(rest)...)
	case "kill":
		p.kill()
		return nil
	case "end":
		return p.end()
	case "run":
		return p.run(strings.Fields(rest))
	case "<":
		return p.expect(rest)
	case ">":
		return p.types(rest)
	case "press":
		return p.acts(phone.KindCall, phone.Press(rest))
	case "approve":
		if rest == "" {
			shown := regexp.MustCompile(`(?:cijfers|notification):\s+(\d\d)`).FindAllStringSubmatch(p.out.all(), -1)
			if shown == nil {
				return fmt.Errorf("no digits were shown")
			}
			rest = shown[len(shown)-1][1]
		}
		return p.acts(phone.KindNotification, phone.Approve(rest))
	case "deny":
		return p.acts(phone.KindNotification, phone.Deny())
	}
	return fmt.Errorf("nobody knows how to %q", word)
}
