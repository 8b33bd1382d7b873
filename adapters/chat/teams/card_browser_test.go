package teams_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"resetbot/adapters/chat/teams"
	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

// Every card in Microsoft's own renderer, in Chromium.
//
// What a machine needs for it, and how .ci/run gets it:
//
//	Chromium        apt-get install chromium
//	axe-core        npm install axe-core@4.14.1; RESETBOT_AXE is the path of axe.min.js
//	adaptivecards   npm install adaptivecards@3.0.6 markdown-it@14.1.0;
//	                RESETBOT_ADAPTIVECARDS is the path of node_modules
//
// Without them these tests are skipped, and fail where RESETBOT_REQUIRE is set.
// With RESETBOT_PICTURES they leave a picture of every card in that folder.

//go:embed testdata/browser/teams.js
var teamsScript string

// lacking skips a test for want of something, or fails it where nothing may be
// skipped.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("RESETBOT_REQUIRE") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// cardScripts are axe-core, Microsoft's renderer, what it reads Markdown with,
// and ours.
func cardScripts(t *testing.T) []string {
	t.Helper()
	axe, modules := os.Getenv("RESETBOT_AXE"), os.Getenv("RESETBOT_ADAPTIVECARDS")
	if axe == "" {
		lacking(t, "there is no axe-core here: npm install axe-core@4.14.1, "+
			"and RESETBOT_AXE=node_modules/axe-core/axe.min.js")
	}
	if modules == "" {
		lacking(t, "Microsoft's renderer is not here: npm install adaptivecards@3.0.6 markdown-it@14.1.0, "+
			"and RESETBOT_ADAPTIVECARDS=node_modules")
	}
	var scripts []string
	for _, file := range []string{
		axe,
		filepath.Join(modules, "markdown-it", "dist", "markdown-it.min.js"),
		filepath.Join(modules, "adaptivecards", "dist", "adaptivecards.min.js"),
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("reading what a browser test needs: %v", err)
		}
		scripts = append(scripts, string(source))
	}
	return append(scripts, teamsScript+"; window.teams = teams")
}

// screen is a browser's window with cards in it.
type screen struct {
	t   *testing.T
	ctx context.Context
}

// newScreen starts Chromium. It asks no other host for anything.
func newScreen(t *testing.T, scripts []string) *screen {
	t.Helper()
	name := ""
	for _, n := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(n); err == nil && name == "" {
			name = found
		}
	}
	if name == "" {
		lacking(t, "there is no Chromium here: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(name), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), chromedp.Flag("lang", "nl"),
	)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	s := &screen{t, ctx}
	s.open(scripts)
	return s
}

// open begins with an empty page.
func (s *screen) open(scripts []string) {
	s.t.Helper()
	if err := chromedp.Do(s.ctx, chromedp.Navigate("about:blank")); err != nil {
		s.t.Fatalf("opening a page: %v", err)
	}
	for _, script := range scripts {
		if _, err := chromedp.Run(s.ctx, chromedp.Evaluate[chromedp.Void](script)); err != nil {
			s.t.Fatalf("loading a script: %v", err)
		}
	}
}

// wide makes the window so wide.
func (s *screen) wide(width int64) {
	s.t.Helper()
	_, err := chromedp.Call(s.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: 800, DeviceScaleFactor: 1,
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// ask evaluates an expression.
func ask[T any](s *screen, expression string, args ...any) T {
	s.t.Helper()
	for i, arg := range args {
		literal, err := json.Marshal(arg)
		if err != nil {
			s.t.Fatal(err)
		}
		args[i] = string(literal)
	}
	result, err := chromedp.Run(s.ctx, chromedp.Evaluate[T](fmt.Sprintf(expression, args...), chromedp.EvalAwaitPromise))
	if err != nil {
		s.t.Fatalf("asking for %.60s: %v", expression, err)
	}
	return result
}

// onScreen is a card as the script takes it.
type onScreen struct {
	Name string
	Card json.RawMessage
}

// show shows cards; the renderer has nothing to say against them.
func (s *screen) show(list []drawn, look string) {
	s.t.Helper()
	var cards []onScreen
	for _, d := range list {
		cards = append(cards, onScreen{d.name, d.json})
	}
	for _, complaint := range ask[[]string](s, "teams.show(%s, %s)", cards, look) {
		// The renderer keeps its place in a pattern from one card to the next, so
		// that it takes a language for none every second time.
		if !strings.HasSuffix(complaint, `for property "lang".`) {
			s.t.Error(complaint)
		}
	}
}

// keep leaves a picture of each card for who wants to look.
func (s *screen) keep(list []drawn, look string) {
	s.t.Helper()
	dir := os.Getenv("RESETBOT_PICTURES")
	if dir == "" {
		return
	}
	for _, d := range list {
		box := ask[struct{ X, Y, Width, Height float64 }](s, "teams.alone(%s)", d.name)
		shot, err := chromedp.Call(s.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
			CaptureBeyondViewport: new(true),
			Clip:                  &page.Viewport{X: box.X, Y: box.Y, Width: box.Width, Height: box.Height, Scale: 1},
		})
		if err != nil {
			s.t.Fatal(err)
		}
		name := strings.NewReplacer(" ", "-", ",", "", "'", "").Replace("teams." + d.name + "." + look + ".png")
		if err := os.WriteFile(filepath.Join(dir, name), shot.Data, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// runAxe judges what is shown: all of it once, and in the dark the colours, which
// alone are other ones there. English cards are made of the same.
const runAxe = `axe.run(document, {
	runOnly: { light: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
		dark: { type: "rule", values: ["color-contrast"] } }[%s],
	resultTypes: ["violations"],
}).then((found) => found.violations.map(({id, impact, nodes}) =>
	({
		ID: id, Impact: impact || "",
		Nodes: nodes.map((n) => n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200)),
	})))`

func TestCardsInMicrosoftsRenderer(t *testing.T) {
	scripts := cardScripts(t)
	s := newScreen(t, scripts)
	t.Run("look", func(t *testing.T) { s.looks(t, scripts) })
	t.Run("pressed", func(t *testing.T) { s.presses(t, scripts) })
	t.Run("AC67", func(t *testing.T) { s.reads(t, scripts) })
}

// looks judges every card, on a small telephone and a large one, by day and by
// night.
func (s *screen) looks(t *testing.T, scripts []string) {
	s.t = t
	for _, c := range []struct {
		locale, look string
		width        int64
	}{
		{words.Dutch, "light", 320},
		{words.Dutch, "dark", 360},
		{words.English, "light", 360},
	} {
		list := cards(t, c.locale)
		s.open(scripts)
		s.wide(c.width)
		s.show(list, c.look)
		look := fmt.Sprintf("%s-%d-%s", c.locale, c.width, c.look)
		for _, fault := range ask[[]string](s, "teams.faults()") {
			t.Errorf("%s: %s", look, fault)
		}
		for _, label := range ask[[]string](s, "teams.cut()") {
			t.Errorf("%s: a button is too narrow for %q", look, label)
		}
		if c.locale == words.Dutch {
			s.judge(look, c.look)
		}
		s.keep(list, look)
	}
}

// judge has axe-core judge what is shown: nothing that it calls serious is wrong.
func (s *screen) judge(name, look string) {
	s.t.Helper()
	for _, f := range ask[[]struct {
		ID, Impact string
		Nodes      []string
	}](s, runAxe, look) {
		report := s.t.Logf
		if slices.Contains([]string{"serious", "critical"}, f.Impact) {
			report = s.t.Errorf
		}
		report("%s: %s (%s):\n\t%s", name, f.ID, f.Impact, strings.Join(f.Nodes[:min(len(f.Nodes), 5)], "\n\t"))
	}
}

// sent is what a button brought, and what the card then says.
type sent struct {
	Sent []struct {
		Type string
		URL  string
		Data map[string]any
	}
	Text string
}

// presses fills cards in and presses their buttons as a person does.
func (s *screen) presses(t *testing.T, scripts []string) {
	s.t = t
	s.open(scripts)
	s.wide(360)
	s.show(cards(t, words.Dutch), "light")
	for _, c := range []struct {
		card, button string
		fields       []string // in the order of the card
		want         map[string]any
	}{
		{"start", "1.\u00a0Wachtwoord vergeten", nil, map[string]any{"t": pageToken, "c": "reset"}},
		{"start", "English", nil, map[string]any{"t": pageToken, "c": "english"}},
		{"own accounts", "2.\u00a0mdv-lab@linde.example", nil, map[string]any{"t": pageToken, "c": "own1"}},
		{"who", "Volgende", nil, nil},
		{"who", "Volgende", []string{"m.devries"}, nil},
		{
			"who", "Volgende",
			[]string{`LINDE\mdevries`, "a7k4mx"},
			map[string]any{"t": pageToken, "f": true, "name": `LINDE\mdevries`, "captcha": "a7k4mx"},
		},
		{"who", "🔄 Nieuwe afbeelding", nil, map[string]any{"t": pageToken, "c": "new_captcha"}}, // with what was typed or without
		{"text message", "Help", nil, map[string]any{"t": pageToken, "c": "help"}},
		{"text message", "Andere manier", nil, map[string]any{"t": pageToken, "c": "other_method"}},
		{"text message", "Volgende", []string{"012 345"}, map[string]any{"t": pageToken, "f": true, "code": "012 345"}},
		{"done", "1.\u00a0Servicedesk (dicht tot 7.30 uur)", nil, map[string]any{"t": pageToken, "c": "desk"}},
		{
			"password on a page of its own", "Nieuw wachtwoord kiezen", nil,
			map[string]any{"t": pageToken, "open": true, "msteams": map[string]any{"type": "task/fetch"}},
		},
		{
			"password with a blank, dialog", "Voltooien",
			[]string{" vier losse woorden", " vier losse woorden"},
			map[string]any{
				"t": pageToken, "f": true, "password": " vier losse woorden", "confirm": " vier losse woorden", "meant_so": "no",
			},
		},
	} {
		if c.fields == nil {
			c.fields = []string{}
		}
		got := ask[sent](s, "teams.press(%s, %s, %s)", c.card, c.button, c.fields)
		switch {
		case c.want == nil && len(got.Sent) > 0:
			t.Errorf("%s, %s: %v was sent, and a field is empty", c.card, c.button, got.Sent)
		case c.want == nil && !strings.Contains(got.Text, "Vul dit nog in."):
			t.Errorf("%s, %s: the empty field does not say so:\n%s", c.card, c.button, got.Text)
		case c.want == nil:
		case len(got.Sent) != 1:
			t.Errorf("%s, %s: %d things were sent", c.card, c.button, len(got.Sent))
		default:
			if diff := cmp.Diff(c.want, got.Sent[0].Data); diff != "" {
				t.Errorf("%s, %s (-want +got)\n%s", c.card, c.button, diff)
			}
		}
	}
	for card, link := range map[string]string{
		"guide.open": "https://passwordreset.microsoftonline.com/?mkt=nl-NL",
		"guide.name": "https://passwordreset.microsoftonline.com/?mkt=nl-NL",
	} {
		got := ask[sent](s, "teams.press(%s, %s, [])", card, "Pagina van Microsoft")
		if len(got.Sent) != 1 || got.Sent[0].URL != link {
			t.Errorf("%s leads to %v, not to %s", card, got.Sent, link)
		}
	}
}

// names are what people and directories call themselves and others, and how
// that must read (AC-67).
var names = map[string]string{
	"[klik hier](https://kwaad.example)":      "",
	"*vet* **vetter** _schuin_ ~~weg~~":       "",
	"<at>Beheerder</at> <b>vet</b> &lt;b&gt;": "",
	"![plaatje](https://kwaad.example/x.png)": "",
	"https://kwaad.example":                   "",
	"1. een lijst":                            "",
	"- een lijst":                             "",
	"# een kop":                               "",
	"{{DATE(2017-02-14T06:08:39Z,SHORT)}} {{{TIME(2017-02-14T06:08:39Z)}}": "",
	"`code` \\ ${naam}":                 "",
	"M. \u202ede Vries\u200b\u2066":     "M. de Vries",
	"een\nregel\n\n# en nog een\r\n- a": "een regel # en nog een - a",
}

// own is what an operator may write: the only words that Markdown is read in.
const own = "1* *vet* [hier](https://kwaad.example) <at>u</at> a_b_c `x` ~~weg~~ &lt; {{DATE(2017-02-14T06:08:39Z)}}"

// reads has such names wherever there are names, and such words wherever there
// are words.
func (s *screen) reads(t *testing.T, scripts []string) {
	s.t = t
	list, expect := ownWords(t)
	r := newRenderer(t)
	for name, want := range names {
		if want == "" {
			want = name
		}
		for _, d := range pages(t, words.Dutch) {
			switch d.of.Page.ID {
			case conversation.AskOwn, conversation.AskPassword, conversation.AskCurrent, conversation.AskMethod:
			default:
				continue
			}
			d.of.Page.Args.Name = name
			for i := range d.of.Page.Args.Accounts {
				d.of.Page.Args.Accounts[i] = name
			}
			if d.of.Page.ID == conversation.AskMethod {
				d.of.Page.Notes = []conversation.Note{{
					ID: conversation.NotePasswordRefused, Args: conversation.Args{
						Word: name, Faults: []conversation.PasswordFlaw{conversation.FlawDirectory},
					},
				}}
			}
			var err error
			if d.json, _, err = r.Page(d.of, false, d.at); err != nil {
				t.Fatal(err)
			}
			d.name = fmt.Sprintf("%s as %q", d.name, name)
			list = append(list, d)
			if d.of.Page.ID != conversation.AskCurrent { // which calls nobody by name
				expect[d.name] = want
			}
		}
	}
	s.open(scripts)
	s.wide(360)
	s.show(list, "light")
	for _, d := range list {
		got := ask[struct {
			Text   string
			Markup []string
		}](s, "teams.read(%s)", d.name)
		if n := strings.Count(got.Text, expect[d.name]); expect[d.name] != "" && n == 0 {
			t.Errorf("%s: %q is not there:\n%s", d.name, expect[d.name], got.Text)
		}
		if len(got.Markup) > 0 {
			t.Errorf("%s: there is markup: %q", d.name, got.Markup)
		}
	}
}

// ownWords are cards of an operator who has words of their own everywhere.
func ownWords(t *testing.T) (list []drawn, expect map[string]string) {
	t.Helper()
	var text strings.Builder
	for _, id := range []string{
		"start.ask.title", "choice.reset", "who.ask.title", "field.name.label", "field.name.hint", "ui.field_empty",
		"done.reset.checklist", "field.meant_so.label",
	} {
		fmt.Fprintf(&text, "%s: %q\n", id, strings.ReplaceAll(own, "{{", "{{`{{`}}"))
	}
	o := wordstest.Options(t)
	o.Overrides = []words.Override{{Locale: words.Dutch, Name: "own.yaml", Text: []byte(text.String())}}
	w, err := words.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := teams.NewRenderer(w)
	if err != nil {
		t.Fatal(err)
	}
	expect = map[string]string{}
	for _, d := range pages(t, words.Dutch) {
		switch d.name {
		case "start", "who", "done":
			d.json, _, err = r.Page(d.of, false, d.at)
		case "password with a blank":
			d.json, err = r.Dialog(d.of, "", d.at)
		default:
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		d.name = "own words, " + d.name
		list, expect[d.name] = append(list, d), own
	}
	return list, expect
}
