package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
)

// look is how a page is looked at.
type look struct {
	name          string
	width, height int64
	phone         bool
	scheme        string
}

var (
	wideLight = look{"wide-light", 1360, 980, false, "light"}
	allLooks  = []look{
		wideLight,
		{"wide-dark", 1360, 980, false, "dark"},
		{"phone-light", 390, 844, true, "light"},
		{"phone-dark", 390, 844, true, "dark"},
	}
)

// fault is something that axe-core found.
type fault struct {
	ID     string
	Impact string
	Nodes  []string
}

// runAxe judges all of a page on the wide light screen. In the other looks only
// sizes and colours are other ones; what the page is made of is the same.
const runAxe = `axe.run(document, {
	runOnly: innerWidth > 1000 && matchMedia("(prefers-color-scheme: light)").matches
		? ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
		: { type: "rule", values: ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"] },
	resultTypes: ["violations"], iframes: false,
}).then((found) => found.violations.map(({id, impact, nodes}) =>
	({
		ID: id, Impact: impact || "",
		Nodes: nodes.map((n) => n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200)),
	})))`

// judged judges a page in all looks: nothing that axe-core calls serious is
// wrong with it, and nothing sticks out at the side.
func (w *window) judged(name string) {
	w.t.Helper()
	w.front() // one behind another is not painted
	for _, l := range allLooks {
		w.wear(l)
		if found, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool]("'axe' in window")); err != nil || !found {
			if _, err := chromedp.Run(w.ctx, chromedp.Evaluate[chromedp.Void](w.b.axe)); err != nil {
				w.t.Fatalf("loading axe-core: %v", err)
			}
		}
		faults, err := chromedp.Run(w.ctx, chromedp.Evaluate[[]fault](runAxe, chromedp.EvalAwaitPromise))
		if err != nil {
			w.t.Fatalf("judging %s: %v", name, err)
		}
		for _, f := range faults {
			if slices.Contains([]string{"serious", "critical"}, f.Impact) {
				w.t.Errorf("%s, %s: %s (%s):\n\t%s", name, l.name, f.ID, f.Impact, strings.Join(f.Nodes, "\n\t"))
			} else {
				w.t.Logf("%s, %s: %s (%s):\n\t%s", name, l.name, f.ID, f.Impact, strings.Join(f.Nodes, "\n\t"))
			}
		}
		if wide := watch[int64](w, "document.documentElement.scrollWidth"); wide > l.width {
			w.t.Errorf("%s, %s: the page is %d wide", name, l.name, wide)
		}
		w.keep(name + "." + l.name + ".png")
	}
	w.wear(wideLight)
}

// keep leaves a picture for who wants to look.
func (w *window) keep(name string) {
	w.t.Helper()
	if dir := os.Getenv("RESETBOT_PICTURES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), w.picture(), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}
