package teams

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// renderer draws pages as Adaptive Cards 1.5. It is pure: the same page at the
// same moment gives the same card. An error says which words are missing; what
// comes with it can be shown all the same.
type renderer struct {
	words   *words.Words
	phrases map[string]phrases // by language
}

// phrases are the words on a card that are no part of a page.
type phrases struct {
	openPassword, openPage, openAgain string
	microsoft, listen, empty          string
	over, choice, notMe               string
	foot                              map[conversation.Choice]string
}

// foot are the choices of every page, in the order of their buttons.
var foot = []conversation.Choice{conversation.PickBack, conversation.PickCancel, conversation.PickHelp}

func newRenderer(w *words.Words) (renderer, error) {
	r := renderer{words: w, phrases: map[string]phrases{}}
	for _, locale := range []string{words.Dutch, words.English} {
		say := func(p words.Phrase) string { return w.Phrase(locale, p, conversation.Args{}, time.Time{}) }
		p := phrases{
			openPassword: say(words.OpenPassword), openPage: say(words.OpenPage), openAgain: say(words.OpenPasswordAgain),
			listen: say(words.SoundPlay), empty: unmarked(say(words.FieldEmpty)),
			over: say(words.CardOver), choice: say(words.YourChoice), notMe: say(words.NotMe),
			foot: map[conversation.Choice]string{},
		}
		for _, c := range append(foot, conversation.PickEnglish, conversation.PickDutch, conversation.PickMicrosoft) {
			label, err := w.Describe(locale, c)
			if err != nil {
				return renderer{}, err
			}
			p.foot[c] = label
		}
		p.microsoft = p.foot[conversation.PickMicrosoft]
		r.phrases[locale] = p
	}
	return r, nil
}

// drawing is a card that is being drawn.
type drawing struct {
	bot.Outgoing
	now  time.Time
	text words.Text
	say  phrases
	body []any
}

// elementsMax is how many pieces most cards have at the most.
const elementsMax = 24

func (r renderer) drawing(m bot.Outgoing, now time.Time) (*drawing, error) {
	text, err := r.words.Render(m.Locale, m.State, m.Page, now)
	return r.begin(m, text, now), err
}

func (r renderer) begin(m bot.Outgoing, text words.Text, now time.Time) *drawing {
	return &drawing{Outgoing: m, now: now, text: text, say: r.phrases[text.Locale], body: make([]any, 0, elementsMax)}
}

func (d *drawing) add(elements ...any) { d.body = append(d.body, elements...) }

// json is the card as it is sent.
func (d *drawing) json(fallback string) json.RawMessage {
	data, _ := json.Marshal(adaptiveCard{ // strings, numbers and lists of them: there is nothing that could fail
		Type: "AdaptiveCard", Version: cardVersion, Lang: d.text.Locale, Fallback: unmarked(fallback), Body: d.body,
	})
	return data
}

// page is a page as it is shown in the chat, and what a notification says of it.
// There is no field for a password in it: what is typed into a card stays with it;
// and no link of a one-time page: that is given to whoever opens the dialog. opened
// says that this person opened it before.
func (r renderer) page(m bot.Outgoing, opened bool, now time.Time) (card json.RawMessage, summary string, err error) {
	d, err := r.drawing(m, now)
	return d.page(r.words, opened), d.text.Heading, err
}

func (d *drawing) page(w *words.Words, opened bool) json.RawMessage {
	d.head()
	d.notes()
	d.paragraphs(d.text.Body)
	d.digits()
	d.checklist()
	d.handOff(w, opened)
	d.form()
	d.links()
	d.choices()
	d.below()
	return d.json(d.plain())
}

// head is the heading and the breadcrumb.
func (d *drawing) head() {
	d.add(heading(d.text.Heading))
	if len(d.text.Crumb) == 0 {
		return
	}
	trail := make([]run, 0, 2*len(d.text.Crumb))
	for i, part := range d.text.Crumb {
		label, weight := part.Label, ""
		if part.Done {
			label += " ✓"
		}
		if part.Now {
			weight = "bolder"
		}
		if i > 0 {
			trail = append(trail, like(run{Size: "small"}, " > ")...)
		}
		trail = append(trail, like(run{Size: "small", Weight: weight}, label)...)
	}
	d.add(richText{Type: "RichTextBlock", Inlines: trail, Spacing: "small"})
}

// notes are what is said above the page, in a box with a sign in front: the
// colour alone tells nobody anything.
func (d *drawing) notes() {
	if len(d.text.Notes) == 0 {
		return
	}
	style, sign := "accent", "ℹ "
	switch {
	case d.text.Tone == words.Bad:
		style, sign = "attention", "⚠ "
	case d.text.Tone == words.Good:
		style, sign = "good", "✓ "
	case d.over(), d.Page.ID == conversation.SayTrouble: // the ward's emergency procedure
		style, sign = "warning", "⚠ "
	}
	box := container{Type: "Container", Style: style}
	for i, note := range d.text.Notes {
		if i == 0 && !strings.Contains(note, strings.TrimSpace(sign)) {
			note = sign + note
		}
		box.Items = append(box.Items, paragraph(note))
	}
	d.add(box)
}

// guide reports whether the page is a step of the guide. On these nothing is said
// that a person or a directory wrote, so that nobody can plant a link (AC-67).
func (d *drawing) guide() bool { return strings.HasPrefix(string(d.Page.ID), "guide.") }

func (d *drawing) paragraphs(texts []string) {
	for _, text := range texts {
		if d.guide() && address.MatchString(text) {
			d.add(block(text)) // which breaks an address that is wider than the card
			continue
		}
		d.add(paragraph(text))
	}
}

// digits are the two that are typed in the app or on the telephone, so large
// that they can be read while one looks at the other screen.
func (d *drawing) digits() {
	id, digits := d.Page.ID, d.Page.Args.Digits
	if digits == "" || id != conversation.WaitPush && id != conversation.WaitCallDigits {
		return
	}
	d.add(container{Type: "Container", Style: "emphasis", Items: []any{richText{
		Type: "RichTextBlock", Inlines: like(run{Size: "extraLarge", Weight: "bolder"}, digits), Align: "center",
	}}})
}

// checklist are things to tick off; nobody is told which were.
func (d *drawing) checklist() {
	for i, item := range d.text.Checklist {
		d.add(toggle{Type: "Input.Toggle", ID: "tick" + strconv.Itoa(i), Title: unmarked(item), Wrap: true, Spacing: "small"})
	}
}

// opens reports whether the page is filled in in a dialog: the one-time page,
// or where passwords may be typed into Teams the masked fields.
func (d *drawing) opens() bool {
	media := d.Page.Media
	return d.Page.Entry != nil || d.Page.AsksPassword() || media != nil && media.Kind == conversation.MediaQR
}

// handOff is the way to that dialog, with the words that say it is the right
// one.
func (d *drawing) handOff(w *words.Words, opened bool) {
	if !d.opens() || d.Page.Token == "" {
		return
	}
	if e := d.Page.Entry; e != nil {
		shows, asks := w.Word(d.text.Locale, e.Shows), w.Word(d.text.Locale, e.Asks)
		text := w.Phrase(d.text.Locale, words.PageWords, conversation.Args{Word: shows, Name: asks}, d.now)
		d.add(richText{Type: "RichTextBlock", Inlines: standOut(text, shows, asks)})
	}
	title := d.say.openPage
	switch {
	case opened:
		title = d.say.openAgain
	case d.Page.Asks(conversation.FieldPassword):
		title = d.say.openPassword
	}
	b := d.button(title, answer{Open: true, Platform: &fetch{"task/fetch"}})
	b.Style = "positive"
	d.add(buttons(b))
}

// standOut cuts a sentence so that some of its words stand out, in their order.
func standOut(text string, strong ...string) []run {
	var list []run
	for _, word := range strong {
		before, after, found := strings.Cut(text, word)
		if !found || word == "" {
			continue
		}
		if before != "" {
			list = append(list, like(run{}, before)...)
		}
		list, text = append(list, like(run{Weight: "bolder"}, word)...), after
	}
	if text == "" {
		return list
	}
	return append(list, like(run{}, text)...)
}

// form are the fields that are filled in in the card itself, each of which can
// be answered as a plain message too. The captcha stands above its own field.
func (d *drawing) form() {
	if d.opens() || len(d.text.Fields) == 0 || d.Page.Token == "" {
		return
	}
	for _, f := range d.text.Fields {
		if f.Field == conversation.FieldCaptcha {
			d.captcha()
		}
		d.field(f)
	}
	d.submit(quiet)
}

// submit is the button that the form is about.
func (d *drawing) submit(platform *msteams) {
	d.add(buttons(submit{
		Type: "Action.Submit", Title: d.text.Submit, Style: "positive",
		Data: answer{Token: d.Page.Token, Form: true}, Platform: platform,
	}))
}

// hintMax is how long a hint may be to stand in its field on a small screen.
const hintMax = 32

// field is one field. What should be in it stands in the field, or where that
// is too long below it, and comes back when it was left empty.
func (d *drawing) field(f words.Field) {
	if f.Field == conversation.FieldMeantSo {
		d.add(toggle{Type: "Input.Toggle", ID: string(f.Field), Title: unmarked(f.Label), On: "yes", Off: "no", Wrap: true})
		d.hint(f.Hint)
		return
	}
	in := textInput{Type: "Input.Text", ID: f.Field, Label: f.Label, MaxLength: 320, Required: f.Required}
	switch f.Field {
	case conversation.FieldName:
		in.Style = "email" // an account name can be typed as well
	case conversation.FieldNumber:
		in.Style, in.MaxLength = "tel", 40
	case conversation.FieldCode:
		in.Style, in.MaxLength = "tel", 20 // digits; as a number it would lose the zeros in front
	}
	if f.Masked {
		in.Style, in.MaxLength = "password", 1024 // more than will do, so that what is too long is refused and not cut
	}
	if f.Required {
		in.Error = strings.TrimSpace(d.say.empty + " " + unmarked(f.Hint))
	}
	if len([]rune(f.Hint)) <= hintMax {
		in.Placeholder = f.Hint
		d.add(in)
		return
	}
	d.add(in)
	d.hint(f.Hint)
}

func (d *drawing) hint(text string) {
	if text != "" {
		d.add(small(text))
	}
}

// captcha is the picture, and the ways to another one and to its sound.
func (d *drawing) captcha() {
	if len(d.Picture) > 0 {
		d.add(inline(d.Picture, d.text.Picture))
	}
	var ways []any
	heard := d.text.Sound != "" && d.SoundLink != ""
	if heard {
		d.add(paragraph(d.text.Sound), buttons(openURL{"Action.OpenUrl", d.say.listen, d.SoundLink}))
	}
	for _, c := range d.text.Choices {
		if aboutCaptcha(c.Choice) && c.Off == "" && !(heard && c.Choice == conversation.PickAudio) {
			ways = append(ways, d.button(c.Label, answer{Choice: c.Choice}))
		}
	}
	if len(ways) > 0 {
		d.add(buttons(ways...))
	}
}

func aboutCaptcha(c conversation.Choice) bool {
	return c == conversation.PickCaptcha || c == conversation.PickAudio
}

func inline(png []byte, alt string) picture {
	return picture{"Image", "data:image/png;base64," + base64.StdEncoding.EncodeToString(png), alt, "auto"}
}

// address is one that a sentence ends on, or that is followed by a blank.
var address = regexp.MustCompile(`https://[^\s<>"]*[^\s<>".,;:!?)]`)

// links leads to the page that a step of the guide is about.
func (d *drawing) links() {
	if !d.guide() {
		return
	}
	for _, text := range slices.Concat(d.text.Body, d.text.Below) {
		if link := address.FindString(text); link != "" {
			d.add(buttons(openURL{"Action.OpenUrl", d.say.microsoft, link}))
			return
		}
	}
}

// button is a choice, or whatever else a says.
func (d *drawing) button(title string, a answer) submit {
	a.Token = d.Page.Token
	return submit{Type: "Action.Submit", Title: title, Inputs: "none", Data: a, Platform: quiet}
}

// target is how high what is pressed must be, so that a thumb in a glove meets
// it. The buttons of an action set are as high as Teams makes them.
const target = "48px"

// choices are the choices of the page below one another, each as wide as the
// card: a label is broken and not cut off, however small the screen.
func (d *drawing) choices() {
	if d.Page.Token == "" {
		return
	}
	form := !d.opens() && len(d.text.Fields) > 0
	for i, c := range d.text.Choices {
		if slices.Contains(foot, c.Choice) || form && aboutCaptcha(c.Choice) {
			continue
		}
		if d.text.Numbered {
			c.Label = strconv.Itoa(i+1) + ".\u00a0" + c.Label // with a blank it would be a list to Markdown
		}
		switch {
		case c.Off != "":
			d.add(greyed(c))
		case strings.HasPrefix(string(c.Choice), "own"): // labelled by the directory
			d.add(buttons(d.button(c.Label, answer{Choice: c.Choice})))
		default:
			d.add(d.row(c))
		}
	}
}

// row is a choice that can be pressed. What the page asks stands in a box.
func (d *drawing) row(c words.Choice) container {
	label, press := block(c.Label), d.button(c.Label, answer{Choice: c.Choice})
	label.Weight, label.Color = "bolder", "accent"
	r := container{
		Type: "Container", Items: []any{label}, Action: &press,
		MinHeight: target, Vertical: "center", Spacing: "small",
	}
	if !d.aside(c.Choice) {
		r.Style = "emphasis"
	}
	return r
}

// lesser are choices beside what a page asks.
var lesser = []conversation.Choice{
	conversation.PickNoPhone, conversation.PickNotMine, conversation.PickMethod, conversation.PickName,
	conversation.PickResend, conversation.PickLink, conversation.PickDesk,
}

// aside reports whether a choice is beside what the page asks.
func (d *drawing) aside(c conversation.Choice) bool {
	if d.guide() || c == conversation.PickDesk && d.Page.ID == conversation.AskElse {
		return false
	}
	return d.opens() || len(d.text.Fields) > 0 || slices.Contains(lesser, c)
}

// greyed is one that cannot, and why.
func greyed(c words.Choice) container {
	why := small("(" + c.Off + ")")
	why.Spacing = "none"
	return container{
		Type: "Container", Items: []any{
			richText{Type: "RichTextBlock", Inlines: like(run{Subtle: true}, c.Label)}, why,
		},
		MinHeight: target, Vertical: "center", Spacing: "small",
	}
}

// below is the small print, and what there is on every page.
func (d *drawing) below() {
	for _, text := range d.text.Below {
		d.add(small(text))
	}
	if row := d.everywhere(); len(row) > 0 {
		d.add(buttons(row...))
	}
	d.foot()
}

// foot is the receipt, the time that is left, and what can be typed.
func (d *drawing) foot() {
	if text := d.text.Footer.String(); text != "" {
		line := small(text)
		line.Separator, line.Spacing = true, "medium"
		d.add(line)
	}
}

// everywhere are the buttons of every page. On a page that runs until the truth
// is known there is nothing to cancel, and behind an end nothing to go back to.
func (d *drawing) everywhere() []any {
	var row []any
	if d.Page.Token == "" {
		return nil
	}
	first, running := d.Page.ID == conversation.AskStart, d.Page.Ends.IsZero()
	for _, c := range foot {
		if d.over() || (running || first) && c != conversation.PickHelp {
			continue
		}
		row = append(row, d.button(d.say.foot[c], answer{Choice: c}))
	}
	if first {
		other := conversation.PickEnglish
		if d.text.Locale == words.English {
			other = conversation.PickDutch
		}
		row = append(row, d.button(d.say.foot[other], answer{Choice: other}))
	}
	return row
}

// over reports whether the page is an end, also where no record says so.
func (d *drawing) over() bool {
	id := string(d.Page.ID)
	return d.State.Over() || strings.HasPrefix(id, "end.") || strings.HasPrefix(id, "done.")
}

// finished is the card of a page that is over: without anything to press or to
// fill in. What an end or a step of the guide says stays, for it is still good
// advice; a question that was answered is not put again. chosen is what was
// picked, if it was a choice; what was typed is never repeated.
func (r renderer) finished(m bot.Outgoing, chosen conversation.Choice, now time.Time) (json.RawMessage, error) {
	d, err := r.drawing(m, now)
	d.head()
	if d.over() || d.guide() {
		d.keep()
	} else {
		if label := r.label(d, chosen); label != "" {
			d.add(richText{Type: "RichTextBlock", Inlines: append(like(run{}, d.say.choice+" "),
				like(run{Weight: "bolder"}, label)...)})
		}
		d.add(small(d.say.over))
	}
	d.text.Footer.Left, d.text.Footer.Commands = "", ""
	d.foot()
	return d.json(strings.Join([]string{d.text.Heading, d.say.over}, "\n\n")), err
}

// label is that of a choice, on its page or for what is remembered of it.
func (r renderer) label(d *drawing, c conversation.Choice) string {
	for _, offered := range d.text.Choices {
		if offered.Choice == c {
			return offered.Label
		}
	}
	label, err := r.words.Describe(d.text.Locale, c)
	if err != nil { // none, or one of the page alone
		return ""
	}
	return label
}

// keep is what is still of use when the page is over.
func (d *drawing) keep() {
	if d.over() {
		d.notes()
	}
	d.paragraphs(d.text.Body)
	for _, item := range d.text.Checklist {
		d.add(paragraph("☐ " + item))
	}
	for _, text := range d.text.Below {
		d.add(small(text))
	}
}

// dialog is the card of a dialog in which a password is typed, where that may be
// typed into Teams. suggest is one that would do; it is shown there alone.
func (r renderer) dialog(m bot.Outgoing, suggest string, now time.Time) (json.RawMessage, error) {
	d, err := r.drawing(m, now)
	d.head()
	d.notes()
	d.paragraphs(d.text.Body)
	for _, f := range d.text.Fields {
		d.field(f)
	}
	if suggest != "" && m.Page.Asks(conversation.FieldPassword) {
		d.add(small(r.words.Phrase(d.text.Locale, words.SuggestPassword, conversation.Args{Word: suggest}, now)))
	}
	d.submit(nil)
	for _, text := range d.text.Below {
		d.add(small(text))
	}
	d.text.Footer.Commands = "" // which are typed in the chat
	d.foot()
	return d.json(""), err
}

// title is what a dialog is called.
func (r renderer) title(m bot.Outgoing, now time.Time) string {
	text, _ := r.words.Render(m.Locale, m.State, m.Page, now) // what is missing is told with its card
	return text.Heading
}

// plainMax is how many bytes a page has at the most that is sent without a card.
const plainMax = 16 << 10

// plain is a page as a message, for whoever gets no cards.
func (r renderer) plain(m bot.Outgoing, now time.Time) string {
	d, _ := r.drawing(m, now) // what is missing is told with its card
	return d.plain()
}

func (d *drawing) plain() string {
	text := d.text.String()
	if len(text) > plainMax {
		text = strings.ToValidUTF8(text[:plainMax], "") + "…"
	}
	return text
}

// notice is what an owner is told in their own chat, and what a notification says
// of it. The way to say "this was not me" is a button: its address is too long to
// be read.
func (r renderer) notice(t bot.Telling, now time.Time) (card json.RawMessage, summary string, err error) {
	to := words.Recipient{Name: t.Owner.Display, Outside: t.Outside}
	letter, err := r.words.Letter(t.Notice, to, now)
	locale := words.Locale(t.Notice.Locale)
	d := &drawing{text: words.Text{Locale: locale, Heading: letter.Subject}, say: r.phrases[locale]}
	d.head()
	for _, text := range letter.Body {
		d.add(paragraph(text))
	}
	if t.Link != "" && !t.Outside {
		d.add(buttons(openURL{"Action.OpenUrl", d.say.notMe, t.Link}))
	}
	return d.json(strings.Join(append([]string{letter.Subject}, letter.Body...), "\n\n")), letter.Subject, err
}
