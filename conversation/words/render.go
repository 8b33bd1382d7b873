package words

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"resetbot/conversation"
)

// Text is a page in words, for an adapter to draw. All of it is plain text:
// nothing in it is markup, and everything is to be escaped. It is drawn from
// top to bottom in the order of the fields.
type Text struct {
	Locale    string // "nl" or "en"
	Heading   string
	Crumb     []CrumbPart
	Notes     []string // said above the page; where a person cannot go on, the emergency procedure first
	Tone      Tone     // of the notes
	Body      []string // paragraphs
	Checklist []string // things to tick off
	Picture   string   // what the picture is, for who cannot see it; empty without one
	Sound     string   // what the sound is; empty without one
	Fields    []Field
	Submit    string // the button of the fields; empty without fields
	Choices   []Choice
	// Numbered is set where a choice can also be typed as its number, counted
	// from 1. On a page with fields it cannot: a number would be an answer.
	Numbered bool
	Below    []string // small print
	Footer   Footer
}

// CrumbPart is one step of the breadcrumb.
type CrumbPart struct {
	Label string
	Done  bool // shown with ✓
	Now   bool
}

// Field is something to fill in.
type Field struct {
	Field    conversation.Field
	Label    string
	Hint     string // empty for none
	Required bool
	Masked   bool // a password
}

// Choice is a button.
type Choice struct {
	Choice conversation.Choice
	Label  string
	Off    string // why it cannot be picked; empty when it can
}

// Footer stands below every page.
type Footer struct {
	Receipt  string // "Bonnummer K7Q-2MX"; empty before there is one
	Left     string // "nog 12 minuten"; empty when time does not matter
	Commands string // what can be typed at any time
}

// Render says page in the language of locale as it is at now: the minutes that
// are left, and whether the service desk is open. state is the conversation's.
//
// The Text can always be shown. An error says which ids of the page have no
// words; a plain sentence stands in for a page that has none.
func (w *Words) Render(locale string, state conversation.State, page conversation.Page,
	now time.Time,
) (Text, error) {
	s := w.at(page).speaker(locale, now)
	r := renderer{speaker: s, page: page, over: state.Over() || ended(page.ID)}
	r.values = s.args(page.Args)
	r.values.Receipt = plain(page.Receipt)
	r.values.Captcha = page.Asks(conversation.FieldCaptcha)
	r.values.Sound = page.Media != nil && page.Media.Sound
	r.values.Over = r.over
	r.values.Numbered = len(page.Fields) == 0 && len(page.Offers) > 0
	r.values.Guide = page.Shows(conversation.PickTrouble)
	r.values.Enrol = page.Args.Goal == conversation.ToEnrol
	r.values.Unlock = page.Args.Goal == conversation.ToUnlock || unlocks(state, page.ID)
	t := Text{
		Locale: s.locale, Crumb: r.crumb(), Notes: r.notes(), Tone: tone(page.Notes), Fields: r.fields(),
		Choices: r.choices(), Numbered: r.values.Numbered, Footer: r.footer(),
	}
	r.body(&t)
	if page.Media != nil && page.ID != conversation.AskScan { // which leads to the page that shows it
		t.Picture = s.word(pictures[page.Media.Kind])
		if page.Media.Sound {
			t.Sound = s.word("sound.captcha")
		}
	}
	if len(page.Fields) > 0 {
		t.Submit = s.word("submit.next")
		if page.Asks(conversation.FieldPassword) {
			t.Submit = s.word("submit.finish")
		}
	}
	return t, s.err()
}

// pictures are what a picture is, for who cannot see it.
var pictures = map[string]string{
	conversation.MediaCaptcha: "picture.captcha", conversation.MediaQR: "picture.qr",
}

// renderer renders one page.
type renderer struct {
	*speaker
	page   conversation.Page
	over   bool
	values values
}

// ended reports whether a page is an end, also where no record says so.
func ended(id conversation.MessageID) bool {
	prefix, _, _ := strings.Cut(string(id), ".")
	return prefix == "end" || prefix == "done"
}

// unlocks reports whether a page is about the lock-out alone.
func unlocks(state conversation.State, id conversation.MessageID) bool {
	return state == conversation.Unlocking || state == conversation.UnlockUnknown ||
		id == conversation.WaitUnlock || id == conversation.EndUnlocked
}

// goesOn are the ends after which a person can go on by themselves. Every
// other one is a dead end here: the emergency procedure comes first.
var goesOn = []conversation.MessageID{
	conversation.EndReset, conversation.EndUnlocked, conversation.EndSolved, conversation.EndCancelled,
	conversation.EndExpired, conversation.EndNotLocked, conversation.EndEnrolled, conversation.EndEnrolFull,
	conversation.EndEnrolPassword, conversation.EndEnrolPhone, conversation.EndEnrolSecond, conversation.EndEnrolReset,
	conversation.EndGuide, conversation.EndGuideStopped, conversation.EndGuideExpired,
}

// content are the ends after which nobody needs anybody.
var content = []conversation.MessageID{
	conversation.EndReset, conversation.EndUnlocked, conversation.EndSolved, conversation.EndGuide,
	conversation.EndEnrolled,
}

func (r *renderer) deadEnd() bool {
	return ended(r.page.ID) && !slices.Contains(goesOn, r.page.ID) || r.page.ID == conversation.SayTrouble
}

func (r *renderer) crumb() []CrumbPart {
	n := r.page.Crumb
	if n <= 0 {
		return nil
	}
	last := "crumb.password"
	if r.values.Unlock {
		last = "crumb.unlock"
	}
	var parts []CrumbPart
	ids := []string{"crumb.step1", "crumb.step2", last}
	if r.page.Args.Goal == conversation.ToEnrol {
		ids = []string{"crumb.enrol1", "crumb.enrol2", "crumb.enrol3"}
	}
	for i, id := range ids {
		parts = append(parts, CrumbPart{Label: r.word(id), Done: i+1 < n, Now: i+1 == n})
	}
	return parts
}

// notes are what is said above the page.
func (r *renderer) notes() []string {
	var list []string
	if r.deadEnd() {
		list = append(list, r.emergency())
	}
	for _, note := range r.page.Notes {
		list = append(list, r.note(note)...)
	}
	return list
}

func (r *renderer) note(n conversation.Note) []string {
	v := r.speaker.args(n.Args)
	v.Receipt, v.Over, v.Unlock, v.Numbered = r.values.Receipt, r.over, r.values.Unlock, r.values.Numbered
	v.Guide, v.Sound, v.Enrol = r.values.Guide, r.values.Sound, r.values.Enrol
	if v.Length == 0 {
		v.Length = r.values.Length
	}
	id := string(n.ID)
	if !r.has(id) {
		id += ".body" // a page's words can be said above another page
	}
	if !r.has(id) {
		r.faults = append(r.faults, fmt.Errorf("saying a note: no words for %q", n.ID))
		return nil
	}
	list := r.paragraphs(id, v)
	for _, flaw := range n.Args.Faults {
		list = append(list, r.flaw(flaw, v))
	}
	return list
}

// flaw says what is wrong with a password. The directory's own sentence is
// said with the flaw that stands for it.
func (r *renderer) flaw(f conversation.PasswordFlaw, v values) string {
	if id := "flaw." + string(f); r.has(id) {
		return r.line(id, v)
	}
	r.faults = append(r.faults, fmt.Errorf("saying what is wrong with a password: no flaw %q", f))
	return r.line("flaw."+string(conversation.FlawDirectory), v)
}

// body says heading, paragraphs, checklist and small print.
func (r *renderer) body(t *Text) {
	id := string(r.page.ID)
	switch {
	case r.has(id + ".body"):
		t.Heading = r.line(id+".title", r.values)
		if r.values.Enrol && strings.HasPrefix(id, "step.") {
			t.Heading = r.word("enrol.choose.title")
		}
		t.Body = r.paragraphs(id+".body", r.values)
	case r.has(id) && strings.Contains(id, "."):
		t.Heading = r.word("start.ask.title")
		t.Body = r.paragraphs(id, r.values)
	default:
		r.faults = append(r.faults, fmt.Errorf("rendering a page: no words for %q", r.page.ID))
		t.Heading = r.word("missing.title")
		t.Body = r.paragraphs("missing.body", r.values)
	}
	if r.has(id + ".checklist") {
		t.Checklist = r.paragraphs(id+".checklist", r.values)
	}
	if r.has(id + ".below") {
		t.Below = r.paragraphs(id+".below", r.values)
	}
	if ended(r.page.ID) && !slices.Contains(content, r.page.ID) {
		t.Body = r.withDesk(t.Body)
	}
}

// withDesk ends a text with who is there now, where it does not say so yet.
func (r *renderer) withDesk(body []string) []string {
	desk := r.values.about()
	all := strings.Join(body, " ")
	if strings.Contains(all, desk.open) {
		return body
	}
	last := desk.all()
	if receipt := r.values.Receipt; receipt != "" && !strings.Contains(all, receipt) {
		last += " " + r.say("desk.receipt", deskWords{Receipt: receipt})
	}
	return append(body, last)
}

func (r *renderer) fields() []Field {
	var list []Field
	for _, f := range r.page.Fields {
		id := "field." + string(f)
		if !r.has(id + ".label") {
			r.faults = append(r.faults, fmt.Errorf("labelling a field: no field %q", f))
			list = append(list, Field{Field: f, Label: plain(string(f)), Required: true})
			continue
		}
		list = append(list, Field{
			Field: f, Label: r.line(id+".label", r.values), Hint: r.line(id+".hint", r.values),
			Required: f != conversation.FieldMeantSo,
			Masked: f == conversation.FieldPassword || f == conversation.FieldConfirm ||
				f == conversation.FieldCurrent,
		})
	}
	return list
}

func (r *renderer) choices() []Choice {
	var list []Choice
	for _, o := range r.page.Offers {
		c := Choice{Choice: o.Choice, Label: r.label(r.page, o.Choice)}
		if o.Off != "" {
			c.Off = r.off(o)
		}
		list = append(list, c)
	}
	return list
}

// off says in a few words why a choice cannot be picked.
func (r *renderer) off(o conversation.Offer) string {
	id, v := string(o.Off), r.values
	v.at = o.Until
	if short := id + ".off"; r.has(short) {
		return r.line(short, v)
	}
	if r.has(id) {
		return r.line(id, v)
	}
	r.faults = append(r.faults, fmt.Errorf("saying why a choice is off: no words for %q", id))
	return r.line(string(conversation.NoteMethodDown)+".off", v)
}

func (r *renderer) footer() Footer {
	var f Footer
	if r.values.Receipt != "" {
		f.Receipt = r.line("footer.receipt", r.values)
	}
	if r.over {
		return f
	}
	f.Commands = r.word("footer.help")
	if r.page.Ends.IsZero() {
		return f // a change is under way: it takes what it takes, and cannot be cancelled
	}
	f.Commands = r.word("footer.commands")
	if left := minutesUntil(r.now, r.page.Ends); left > 0 {
		f.Left = r.line("footer.left", values{speaker: r.speaker, minutes: left})
	}
	return f
}

// String is the page as plain lines, as a terminal shows it.
func (t Text) String() string {
	var b strings.Builder
	block := func(lines ...string) {
		lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
		if len(lines) > 0 {
			b.WriteString(strings.Join(lines, "\n") + "\n\n")
		}
	}
	block(t.Heading)
	block(t.crumbLine())
	for _, n := range t.Notes {
		block("! " + n)
	}
	for _, p := range t.Body {
		block(p)
	}
	block(prefixed("[ ] ", t.Checklist)...)
	if t.Picture != "" {
		block("(" + t.Picture + ")")
	}
	if t.Sound != "" {
		block("(" + t.Sound + ")")
	}
	for _, f := range t.Fields {
		block(f.lines()...)
	}
	block(t.choiceLines()...)
	for _, p := range t.Below {
		block(p)
	}
	b.WriteString(t.Footer.String())
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (t Text) crumbLine() string {
	var parts []string
	for _, p := range t.Crumb {
		switch {
		case p.Done:
			parts = append(parts, p.Label+" ✓")
		case p.Now:
			parts = append(parts, "**"+p.Label+"**")
		default:
			parts = append(parts, p.Label)
		}
	}
	return strings.Join(parts, " > ")
}

func (t Text) choiceLines() []string {
	var lines []string
	for i, c := range t.Choices {
		line := fmt.Sprintf("[%s]", c.Label)
		if t.Numbered {
			line = fmt.Sprintf("%d. %s", i+1, c.Label)
		}
		if c.Off != "" {
			line += " (" + c.Off + ")"
		}
		lines = append(lines, line)
	}
	if t.Submit != "" {
		lines = append([]string{fmt.Sprintf("[%s]", t.Submit)}, lines...)
	}
	return lines
}

func (f Field) lines() []string {
	label := f.Label
	if f.Required {
		label += " *"
	}
	return []string{label, f.Hint}
}

// String is the footer in one line.
func (f Footer) String() string {
	return strings.Join(slices.DeleteFunc([]string{f.Receipt, f.Left, f.Commands},
		func(s string) bool { return s == "" }), " · ")
}

func prefixed(mark string, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = mark + l
	}
	return out
}
