package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// The demo and the service in a real browser: Chromium, which a test drives
// with the mouse and the keyboard. The program is this test's own binary, run
// as a child.
//
// What a machine needs for it, and how .ci/run gets it:
//
//	Chromium   apt-get install chromium
//	axe-core   npm install axe-core@4.14.1; RESETBOT_AXE is the path of axe.min.js
//
// Without them these tests are skipped, and fail where RESETBOT_REQUIRE is set.
// With RESETBOT_PICTURES they leave a picture of every page in that folder.

//go:embed testdata/browser/eyes.js
var eyes string

// lacking skips a test for want of something, or fails it where nothing may be
// skipped.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("RESETBOT_REQUIRE") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// chromium is the browser's program.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	lacking(t, "there is no Chromium here: apt-get install chromium")
	return ""
}

// axeCore is the source of axe-core, which judges how accessible a page is.
func axeCore(t *testing.T) string {
	t.Helper()
	file := os.Getenv("RESETBOT_AXE")
	if file == "" {
		lacking(t, "there is no axe-core here: npm install axe-core@4.14.1, "+
			"and RESETBOT_AXE=node_modules/axe-core/axe.min.js")
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("reading axe-core, which RESETBOT_AXE names: %v", err)
	}
	return string(source)
}

// browser is Chromium for one test.
type browser struct {
	t   *testing.T
	ctx context.Context
	axe string
}

// newBrowser starts Chromium. It asks no other host for anything.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	b := &browser{t: t, axe: axeCore(t)}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("lang", "nl"), chromedp.Flag("accept-lang", "nl"),
		chromedp.Env("TZ=Europe/Amsterdam"),
	)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	b.ctx = ctx
	return b
}

// window is a tab of the browser, and who sits before it.
type window struct {
	t   *testing.T
	ctx context.Context
	b   *browser
}

// open opens an address in a new tab.
func (b *browser) open(address string) *window {
	b.t.Helper()
	ctx, stop := chromedp.NewContext(b.ctx)
	b.t.Cleanup(stop)
	w := &window{b.t, ctx, b}
	w.visit("about:blank")
	w.wear(wideLight)
	w.visit(address)
	return w
}

func (w *window) visit(address string) {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, chromedp.Navigate(address)); err != nil {
		w.t.Fatalf("opening a page: %v", err) // not its address, which may be a secret
	}
}

// watch evaluates an expression that uses eyes.
func watch[T any](w *window, expression string, args ...any) T {
	w.t.Helper()
	for i, arg := range args {
		literal, err := json.Marshal(arg)
		if err != nil {
			w.t.Fatal(err)
		}
		args[i] = string(literal)
	}
	script := "(() => {" + eyes + "return " + fmt.Sprintf(expression, args...) + "})()"
	result, err := chromedp.Run(w.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		w.t.Fatalf("asking for %s: %v", expression, err)
	}
	return result
}

// soon is how long a person would wait for a page, on a loaded machine.
const soon = 15 * time.Second

// until waits for something to be so. What a person waits for comes within
// seconds; what does not is a fault.
func (w *window) until(what string, so func() bool) {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(soon)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			w.keep("missing." + w.t.Name() + ".png")
			w.t.Fatalf("%s did not come; the page says:\n%s", what, w.text())
		case <-w.ctx.Done():
			w.t.Fatal(w.ctx.Err())
		}
	}
}

func (w *window) text() string { return watch[string](w, "eyes.text()") }

// sees waits until a text can be read.
func (w *window) sees(text string) {
	w.t.Helper()
	w.until(text, func() bool { return strings.Contains(w.text(), text) })
}

// at waits for a page of the wizard.
func (w *window) at(id string) {
	w.t.Helper()
	w.until(id, func() bool { return watch[string](w, "eyes.page()") == id })
}

// front brings the tab before the others; a browser lets those behind it rest.
func (w *window) front() {
	w.t.Helper()
	if _, err := chromedp.Call(w.ctx, page.BringToFront, cdp.Empty{}); err != nil {
		w.t.Fatal(err)
	}
}

// clicks clicks what a selector finds, as soon as a mouse would reach it.
func (w *window) clicks(selector string) {
	w.t.Helper()
	w.front()
	type point struct{ X, Y float64 }
	var p *point
	w.until(selector, func() bool {
		p = watch[*point](w, "eyes.point(%s)", selector)
		return p != nil
	})
	if err := chromedp.Do(w.ctx, chromedp.MouseClickXY(p.X, p.Y)); err != nil {
		w.t.Fatal(err)
	}
}

// picks presses the button of a choice.
func (w *window) picks(choice string) {
	w.t.Helper()
	w.clicks("button[name=choice][value=" + choice + "]")
}

// types types a text where the cursor is.
func (w *window) types(text string) {
	w.t.Helper()
	if _, err := chromedp.Call(w.ctx, input.InsertText, input.InsertTextParams{Text: text}); err != nil {
		w.t.Fatal(err)
	}
}

// fills fills in a field of the wizard.
func (w *window) fills(name, text string) {
	w.t.Helper()
	w.clicks("#page input[name=" + name + "]")
	w.types(text)
}

// submits presses the button that a form is about.
func (w *window) submits() {
	w.t.Helper()
	w.clicks("#page button.primary")
}

// following is the tab that act opens.
func (w *window) following(act func()) *window {
	w.t.Helper()
	opened := chromedp.WaitNewTarget(w.ctx, func(*target.Info) bool { return true })
	act()
	select {
	case id := <-opened:
		ctx, stop := chromedp.NewContext(w.ctx, chromedp.WithTargetID(id))
		w.t.Cleanup(stop)
		next := &window{w.t, ctx, w.b}
		next.wear(wideLight)
		return next
	case <-time.After(patience):
		w.t.Fatal("no tab was opened")
	}
	return nil
}

// address is where the tab is.
func (w *window) address() string {
	w.t.Helper()
	address, err := chromedp.Run(w.ctx, chromedp.Location())
	if err != nil {
		w.t.Fatal(err)
	}
	return address
}

// site is a running resetbot.
type site struct {
	t       *testing.T
	url     string
	captcha string // the file with the newest answer
	started time.Time
}

// startDemo starts the demo on a port and in a folder of its own; env is more
// of its environment.
func startDemo(t *testing.T, env ...string) *site {
	t.Helper()
	return startSite(t, env, "demo", "--data", t.TempDir(), "--listen", "127.0.0.1:0")
}

// inHaste leaves out the waiting that is the same for everybody.
const inHaste = "RESETBOT_TEST_HASTE=pages"

func startSite(t *testing.T, env []string, args ...string) *site {
	t.Helper()
	p := &site{t: t, captcha: filepath.Join(t.TempDir(), "captcha"), started: time.Now()}
	child := exec.Command(thisProgram(t, env...), args...)
	child.Env = append(append(os.Environ(), "TZ=Europe/Amsterdam", "RESETBOT_TEST_CAPTCHA="+p.captcha), env...)
	r, w := io.Pipe()
	child.Stdout, child.Stderr = w, w
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	t.Cleanup(func() {
		_ = child.Process.Signal(syscall.SIGTERM) // if it is there to hear it
		if err := <-ended; err != nil {
			t.Errorf("the program ended with %v", err)
		}
		_ = w.Close() // never fails
	})
	p.listen(r)
	return p
}

// listen waits for the address, and passes everything else on to the test's log.
func (p *site) listen(r io.Reader) {
	p.t.Helper()
	found := make(chan string, 1)
	go func() {
		address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if url := address.FindString(lines.Text()); url != "" {
				select {
				case found <- url:
				default:
				}
			}
		}
	}()
	select {
	case p.url = <-found:
	case <-time.After(patience):
		p.t.Fatal("the program does not say where it is")
	}
}

// answer is what the newest captcha shows.
func (p *site) answer() string {
	p.t.Helper()
	answer, err := os.ReadFile(p.captcha)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(answer)
}

// wear has the tab look like this from now on.
func (w *window) wear(l look) {
	w.t.Helper()
	_, err := chromedp.Call(w.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: l.width, Height: l.height, DeviceScaleFactor: 1, Mobile: l.phone,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// picture is what the whole page looks like.
func (w *window) picture() []byte {
	w.t.Helper()
	whole := page.CaptureScreenshotParams{CaptureBeyondViewport: new(true)}
	shot, err := chromedp.Call(w.ctx, page.CaptureScreenshot, whole)
	if err != nil {
		w.t.Fatal(err)
	}
	return shot.Data
}
