package employee

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Page is what a browser shows: what can be read on it, and what can be done.
// It does not change once it was read.
type Page struct {
	Address *url.URL // where it was found, after all redirects
	Status  int      // of HTTP
	Source  string
	Heading string
	Text    string   // all that can be read; paragraphs end with a line break
	Strong  []string // the words that stand out
	Buttons []string // the words on those that can be pressed
	Fields  []string // the names of those that can be filled in
	Links   []string // the words of those that can be followed
	Picture []byte   // the first one that is part of the page itself; nil: none
	Passing bool     // another page follows by itself within seconds

	forms    []*form
	controls []*control
	links    []link
	events   string // where newer pages are told of; empty: nowhere
}

// Submission is a form as it is sent.
type Submission struct {
	Address *url.URL
	Values  url.Values
}

type form struct {
	id     string
	action *url.URL
}

// control is a field or a button.
type control struct {
	form     *form // nil: of none
	name     string
	kind     string // type of an input; "submit" for a button that sends its form
	value    string
	words    string // on a button
	off      bool
	required bool
	lenient  bool // formnovalidate
	hidden   bool // cannot be seen; Enter finds it all the same
}

type link struct {
	words   string
	address *url.URL
}

// parse reads a page as a browser without scripts does.
func parse(address *url.URL, status int, source []byte) (Page, error) {
	root, err := html.ParseWithOptions(bytes.NewReader(source), html.ParseOptionEnableScripting(false))
	if err != nil {
		return Page{}, fmt.Errorf("reading a page: %w", err)
	}
	p := Page{Address: address, Status: status, Source: string(source)}
	for n := range root.Descendants() {
		if n.DataAtom == atom.Form {
			p.forms = append(p.forms, &form{attribute(n, "id"), p.resolve(attribute(n, "action"))})
		}
	}
	nth, owner := -1, map[*html.Node]*form{}
	for n := range root.Descendants() {
		if n.DataAtom == atom.Form {
			nth++
			owner[n] = p.forms[nth]
		}
		p.take(n, owner)
	}
	p.Text = text(root, func(n *html.Node) bool { return n.DataAtom == atom.Head })
	for _, c := range p.controls {
		switch {
		case c.off || c.hidden || c.kind == "submit" && c.words == "":
		case c.kind == "submit":
			p.Buttons = append(p.Buttons, c.words)
		default:
			p.Fields = append(p.Fields, c.name)
		}
	}
	return p, nil
}

// take takes in one element.
func (p *Page) take(n *html.Node, owner map[*html.Node]*form) {
	switch n.DataAtom {
	case atom.H1:
		p.Heading = text(n, nil)
	case atom.Strong:
		p.Strong = append(p.Strong, text(n, nil))
	case atom.Meta:
		if strings.EqualFold(attribute(n, "http-equiv"), "refresh") {
			delay, _, _ := strings.Cut(attribute(n, "content"), ";")
			seconds, err := strconv.Atoi(strings.TrimSpace(delay))
			p.Passing = err == nil && seconds < 30
		}
	case atom.A:
		if to := attribute(n, "href"); to != "" {
			p.links = append(p.links, link{text(n, nil), p.resolve(to)})
			p.Links = append(p.Links, text(n, nil))
		}
	case atom.Img:
		_, data, found := strings.Cut(attribute(n, "src"), ";base64,")
		if picture, err := base64.StdEncoding.DecodeString(data); found && err == nil && p.Picture == nil {
			p.Picture = picture
		}
	case atom.Input, atom.Button:
		p.control(n, owner)
	}
	if events := attribute(n, "data-events"); events != "" {
		p.events = p.resolve(events + "?after=" + url.QueryEscape(attribute(n, "data-mark"))).String()
	}
}

func (p *Page) control(n *html.Node, owner map[*html.Node]*form) {
	c := &control{
		name: attribute(n, "name"), value: attribute(n, "value"), kind: strings.ToLower(attribute(n, "type")),
		off: has(n, "disabled"), required: has(n, "required"), lenient: has(n, "formnovalidate"),
	}
	switch {
	case n.DataAtom == atom.Button && (c.kind == "" || c.kind == "submit"):
		c.kind, c.words = "submit", text(n, nil)
	case n.DataAtom == atom.Button:
		return // one that only a script makes use of
	case c.kind == "submit":
		c.words = c.value
	}
	c.hidden = c.kind == "hidden"
	for above := n; above != nil; above = above.Parent {
		c.hidden = c.hidden || has(above, "hidden") || above.DataAtom == atom.Dialog && !has(above, "open")
		if c.form == nil {
			c.form = owner[above]
		}
	}
	if id := attribute(n, "form"); id != "" {
		c.form = nil
		if i := slices.IndexFunc(p.forms, func(f *form) bool { return f.id == id }); i >= 0 {
			c.form = p.forms[i]
		}
	}
	p.controls = append(p.controls, c)
}

// Press is what pressing the button with these words sends. Letter case does not
// matter; a part of the words will do where no other button has it.
func (p Page) Press(words string) (Submission, error) {
	button, err := p.button(words)
	if err != nil {
		return Submission{}, err
	}
	return p.submission(button, nil)
}

// Enter is what filling in fields and pressing Enter sends: as the HTML Standard
// says (section 4.10.21.2), it presses the first button of the form.
func (p Page) Enter(fields map[string]string) (Submission, error) {
	var of *form
	for _, c := range p.controls {
		if _, filled := fields[c.name]; filled && c.kind != "hidden" && c.kind != "submit" {
			of = c.form
		}
	}
	for _, c := range p.controls {
		if of != nil && c.form == of && c.kind == "submit" {
			return p.submission(c, fields)
		}
	}
	return Submission{}, fmt.Errorf("no form with these fields is on the page %q:\n%s", p.Heading, p.Text)
}

func (p Page) button(words string) (*control, error) {
	var found []*control
	for _, c := range p.controls {
		switch {
		case c.kind != "submit" || c.off || c.hidden:
		case strings.EqualFold(c.words, words):
			return c, nil
		case strings.Contains(strings.ToLower(c.words), strings.ToLower(words)):
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d buttons say %q on the page %q, which has %q",
			len(found), words, p.Heading, p.Buttons)
	}
	return found[0], nil
}

// submission is the form of a button as it is sent (HTML Standard, 4.10.21.4).
func (p Page) submission(button *control, fields map[string]string) (Submission, error) {
	if button.form == nil || button.off {
		return Submission{}, fmt.Errorf("the button %q does nothing", button.words)
	}
	values := url.Values{}
	left := len(fields)
	for _, c := range p.controls {
		value, filled := fields[c.name]
		switch {
		case c.form != button.form || c.off || c.name == "" || c.kind == "submit":
			continue
		case c.kind == "hidden":
			values.Add(c.name, c.value)
			continue
		case filled:
			left--
		default:
			value = c.value
		}
		switch {
		case c.kind == "checkbox" && !filled:
		case value == "" && c.required && !button.lenient:
			return Submission{}, fmt.Errorf("the field %s has to be filled in", c.name)
		default:
			values.Add(c.name, value)
		}
	}
	if left > 0 {
		return Submission{}, fmt.Errorf("the page %q has not all of these fields, but %q", p.Heading, p.Fields)
	}
	if button.name != "" {
		values.Add(button.name, button.value)
	}
	return Submission{button.form.action, values}, nil
}

// link is where a link with these words leads.
func (p Page) link(words string) (*url.URL, error) {
	for _, l := range p.links {
		if strings.Contains(strings.ToLower(l.words), strings.ToLower(words)) {
			return l.address, nil
		}
	}
	return nil, fmt.Errorf("no link says %q on the page %q, which has %q", words, p.Heading, p.Links)
}

// resolve is an address as the page means it. One that cannot be read is the
// page's own, as for a browser.
func (p Page) resolve(address string) *url.URL {
	to, err := p.Address.Parse(address)
	if err != nil {
		return p.Address
	}
	return to
}

// inline are the elements that stand within a line.
var inline = map[atom.Atom]bool{
	atom.A: true, atom.B: true, atom.Em: true, atom.I: true, atom.Small: true, atom.Span: true, atom.Strong: true,
}

// text is what can be read below n.
func text(n *html.Node, skip func(*html.Node) bool) string {
	var all strings.Builder
	for piece := range pieces(n, skip) {
		all.WriteString(piece)
	}
	var lines []string
	for line := range strings.Lines(all.String()) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// pieces gives texts, and a line break where an element begins or ends a line.
func pieces(n *html.Node, skip func(*html.Node) bool) iter.Seq[string] {
	var walk func(n *html.Node, yield func(string) bool) bool
	walk = func(n *html.Node, yield func(string) bool) bool {
		switch {
		case n.Type == html.TextNode:
			return yield(strings.ReplaceAll(n.Data, "\n", " "))
		case silent(n) || skip != nil && skip(n):
			return true
		case !inline[n.DataAtom] && !yield("\n"):
			return false
		}
		for child := range n.ChildNodes() {
			if !walk(child, yield) {
				return false
			}
		}
		return inline[n.DataAtom] || yield("\n")
	}
	return func(yield func(string) bool) { walk(n, yield) }
}

// silent reports whether nobody sees an element.
func silent(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Template, atom.Title:
		return true
	case atom.Dialog:
		return !has(n, "open")
	}
	return has(n, "hidden")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}
