package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// renderer draws pages in Block Kit. It is pure: the same page at the same moment
// gives the same blocks. An error says which words are missing; what comes with it
// can be shown all the same.
//
// Everything that is read is plain_text or a text of a rich_text block, in which
// Slack looks for no mark, link or mention (AC-67). The text beside the blocks, for
// notifications and screen readers, is escaped as Slack asks; whoever posts it
// switches marks off (mrkdwn false) and unfurls nothing.
type renderer struct {
	words   *words.Words
	phrases map[string]phrases // by language
}

// phrases are the words on a page that are no part of it.
type phrases struct {
	openPassword, openPage, fillIn, pick, close string
	typed, filled, pictureInChat, home          string
	microsoft, listen, over, choice             string
	name, about                                 string // of the app
	foot                                        map[conversation.Choice]string
}

// foot are the choices of every page, in the order of their buttons.
var foot = []conversation.Choice{conversation.PickBack, conversation.PickCancel, conversation.PickHelp}

func newRenderer(w *words.Words) (renderer, error) {
	r := renderer{words: w, phrases: map[string]phrases{}}
	for _, locale := range []string{words.Dutch, words.English} {
		say := func(p words.Phrase) string { return w.Phrase(locale, p, conversation.Args{}, time.Time{}) }
		p := phrases{
			openPassword: say(words.OpenPassword), openPage: say(words.OpenPage), fillIn: say(words.FillIn),
			pick: say(words.PickThis), close: say(words.FormClose), typed: say(words.TypedStays),
			filled: say(words.FilledStaysOut), pictureInChat: say(words.PictureInChat), home: say(words.HomeBegin),
			listen: say(words.SoundPlay), over: say(words.CardOver), choice: say(words.YourChoice),
			name: say(words.AppName), about: say(words.AppLong), foot: map[conversation.Choice]string{},
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

// drawing is a page that is being drawn.
type drawing struct {
	bot.Outgoing
	now    time.Time
	text   words.Text
	say    phrases
	blocks []slackgo.Block
	room   int      // how many characters of text there is still room for
	beside []string // said on the page, and not part of text
}

func (r renderer) drawing(m bot.Outgoing, now time.Time) (*drawing, error) {
	text, err := r.words.Render(m.Locale, m.State, m.Page, now)
	return r.begin(m, text, now), err
}

func (r renderer) begin(m bot.Outgoing, text words.Text, now time.Time) *drawing {
	return &drawing{Outgoing: m, now: now, text: text, say: r.phrases[text.Locale], room: roomMax}
}

func (d *drawing) add(blocks ...slackgo.Block) { d.blocks = append(d.blocks, blocks...) }

// page is a page as it is shown in the chat, and its text for notifications and
// screen readers. picture and sound are the ids of Slack files, or empty: without
// the sound there is a button that leads to it. There is no field in the page:
// those are in its form; no password anywhere; and no link of a one-time page,
// which is given to whoever presses its button.
func (r renderer) page(m bot.Outgoing, picture, sound string, now time.Time) (blocks []slackgo.Block, text string, err error) {
	d, err := r.drawing(m, now)
	return d.page(r.words, picture, sound), d.plain(), err
}

func (d *drawing) page(w *words.Words, picture, sound string) []slackgo.Block {
	d.head()
	d.notes()
	d.paragraphs(d.text.Body)
	d.digits()
	d.checklist()
	d.handOff(w)
	d.captcha(picture, sound)
	d.form()
	d.links()
	d.choices()
	d.small(d.text.Below...)
	d.everywhere()
	d.foot()
	return d.blocks
}

// head is the heading and the breadcrumb.
func (d *drawing) head() {
	d.add(slackgo.NewHeaderBlock(plain(shortened(d.text.Heading, headerMax))))
	if len(d.text.Crumb) == 0 {
		return
	}
	var trail []slackgo.RichTextSectionElement
	for i, part := range d.text.Crumb {
		label := part.Label
		if part.Done {
			label += " ✓"
		}
		if i > 0 {
			trail = append(trail, run(" > ", nil))
		}
		style := (*slackgo.RichTextSectionTextStyle)(nil)
		if part.Now {
			style = bold
		}
		trail = append(trail, run(label, style))
	}
	d.add(rich(trail...))
}

// notes are what is said above the page, as a quotation with a sign in front.
func (d *drawing) notes() {
	sign := "ℹ "
	switch {
	case d.text.Tone == words.Bad, d.over(), d.Page.ID == conversation.SayTrouble:
		sign = "⚠ "
	case d.text.Tone == words.Good:
		sign = "✓ "
	}
	for i, note := range few(d.text.Notes) {
		if i == 0 && !strings.Contains(note, strings.TrimSpace(sign)) {
			note = sign + note
		}
		if note = d.fit(note); note != "" {
			d.add(slackgo.NewRichTextBlock("", &slackgo.RichTextQuote{
				Type: slackgo.RTEQuote, Elements: []slackgo.RichTextSectionElement{run(note, nil)},
			}))
		}
	}
}

// guide reports whether the page is a step of the guide. On these nothing is said
// that a person or a directory wrote, so that nobody can plant a link (AC-67).
func (d *drawing) guide() bool { return strings.HasPrefix(string(d.Page.ID), "guide.") }

func (d *drawing) paragraphs(texts []string) {
	for _, text := range few(texts) {
		if text = d.fit(text); text != "" {
			d.add(rich(run(text, nil)))
		}
	}
}

// fewMax is how many paragraphs have a block of their own, so that a message keeps
// below 50. No page of ours has as many; an operator's own may.
const fewMax = 8

// few are the texts in so few paragraphs.
func few(texts []string) []string {
	if len(texts) <= fewMax {
		return texts
	}
	return append(slices.Clone(texts[:fewMax-1]), strings.Join(texts[fewMax-1:], "\n\n"))
}

// small is small print: up to ten texts are one block.
func (d *drawing) small(texts ...string) {
	var row []slackgo.MixedElement
	for _, text := range texts {
		if text = d.fit(text); text != "" {
			row = append(row, plain(text))
		}
	}
	for part := range slices.Chunk(row, contextMax) {
		d.add(slackgo.NewContextBlock("", part...))
	}
}

// digits are the two that are typed in the app or on the telephone, as large as
// Slack shows anything.
func (d *drawing) digits() {
	id, digits := d.Page.ID, d.Page.Args.Digits
	if digits != "" && (id == conversation.WaitPush || id == conversation.WaitCallDigits) {
		d.add(slackgo.NewHeaderBlock(plain(shortened(digits, headerMax))))
	}
}

// checklist are things to do elsewhere. They cannot be ticked: a box of Slack's
// tells us each time which were.
func (d *drawing) checklist() {
	if text := d.fit(strings.Join(prefixed("☐ ", d.text.Checklist), "\n")); text != "" {
		d.add(rich(run(text, nil)))
	}
}

func prefixed(mark string, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = mark + l
	}
	return out
}

// handOff is the way to the one-time page, with the words that say it is the right
// one. Its link is in no message: a message stays in Slack's history.
func (d *drawing) handOff(w *words.Words) {
	if d.Page.Entry == nil || d.Page.Token == "" {
		return
	}
	d.words(w)
	title := d.say.openPage
	if d.Page.Asks(conversation.FieldPassword) {
		title = d.say.openPassword
	}
	d.add(buttons(d.button("open", title, answer{Open: true}).WithStyle(slackgo.StylePrimary)))
}

// words are those that the one-time page shows and asks for.
func (d *drawing) words(w *words.Words) {
	e := d.Page.Entry
	if e == nil {
		return
	}
	shows, asks := w.Word(d.text.Locale, e.Shows), w.Word(d.text.Locale, e.Asks)
	text := w.Phrase(d.text.Locale, words.PageWords, conversation.Args{Word: shows, Name: asks}, d.now)
	d.beside = append(d.beside, text)
	d.add(rich(standOut(text, shows, asks)...))
}

// standOut cuts a sentence so that some of its words stand out, in their order.
func standOut(text string, strong ...string) []slackgo.RichTextSectionElement {
	var list []slackgo.RichTextSectionElement
	for _, word := range strong {
		before, after, found := strings.Cut(text, word)
		if !found || word == "" {
			continue
		}
		if before != "" {
			list = append(list, run(before, nil))
		}
		list, text = append(list, run(word, bold)), after
	}
	if text == "" {
		return list
	}
	return append(list, run(text, nil))
}

// captcha is the picture, and the ways to another one and to its sound.
func (d *drawing) captcha(picture, sound string) {
	if !d.asksCaptcha() {
		return
	}
	if picture != "" {
		d.add(image(picture, d.text.Picture))
	}
	heard := d.text.Sound != "" && (sound != "" || d.SoundLink != "")
	var ways []slackgo.BlockElement
	if heard {
		d.paragraphs([]string{d.text.Sound})
		if sound == "" && len(d.SoundLink) <= urlMax {
			ways = append(ways, leads("listen", d.say.listen, d.SoundLink))
		}
	}
	for _, c := range d.text.Choices {
		if d.Page.Token != "" && aboutCaptcha(c.Choice) && c.Off == "" && !(heard && c.Choice == conversation.PickAudio) {
			ways = append(ways, d.pick(c.Label, c.Choice))
		}
	}
	d.row(ways)
}

func (d *drawing) asksCaptcha() bool {
	return d.text.Picture != "" && d.Page.Asks(conversation.FieldCaptcha)
}

func aboutCaptcha(c conversation.Choice) bool {
	return c == conversation.PickCaptcha || c == conversation.PickAudio
}

// form is the way to the form of the page, each field of which can be answered as
// a plain message too; and what becomes of that.
func (d *drawing) form() {
	if !d.fills() {
		return
	}
	labels := make([]string, 0, len(d.text.Fields))
	for _, f := range d.text.Fields {
		labels = append(labels, labelled(f))
	}
	d.paragraphs(labels)
	d.add(buttons(d.button("fill", d.say.fillIn, answer{Open: true}).WithStyle(slackgo.StylePrimary)))
	d.beside = append(d.beside, d.say.typed)
	d.small(d.say.typed)
}

// labelled is a field as one line.
func labelled(f words.Field) string {
	if f.Hint == "" {
		return f.Label
	}
	return f.Label + "\n" + f.Hint
}

// fills reports whether the page has a form in Slack: never one with a password
// in it, for what is typed in a modal can be read by whoever looks along.
func (d *drawing) fills() bool {
	if d.Page.Entry != nil || d.Page.Token == "" || len(d.text.Fields) == 0 {
		return false
	}
	return !slices.ContainsFunc(d.text.Fields, func(f words.Field) bool { return f.Masked || !slices.Contains(formFields, f.Field) })
}

// address is one that a sentence ends on, or that is followed by a blank.
var address = regexp.MustCompile(`https://[^\s<>"]*[^\s<>".,;:!?)]`)

// links leads to the page that a step of the guide is about.
func (d *drawing) links() {
	if !d.guide() {
		return
	}
	for _, text := range slices.Concat(d.text.Body, d.text.Below) {
		if link := address.FindString(text); link != "" && len(link) <= urlMax {
			d.add(buttons(leads("link", d.say.microsoft, link)))
			return
		}
	}
}

// wideMax is how many characters of a button's label Slack shows on every screen
// (Block Kit, button: "text may truncate with ~30 characters").
const wideMax = 30

// choices are the choices of the page. A label that fits is a button; one that does
// not is a text, which is broken and never cut off, with a button beside it. Where
// choices have numbers they keep their order, and all are drawn alike.
func (d *drawing) choices() {
	if d.Page.Token == "" {
		return
	}
	var short, long []words.Choice
	for i, c := range d.text.Choices {
		if slices.Contains(foot, c.Choice) || d.asksCaptcha() && aboutCaptcha(c.Choice) {
			continue
		}
		if d.text.Numbered {
			c.Label = strconv.Itoa(i+1) + ". " + c.Label
		}
		if c.Off != "" || utf8.RuneCountInString(c.Label) > wideMax || d.text.Numbered && len(long) > 0 {
			if d.text.Numbered {
				long, short = append(long, short...), nil
			}
			long = append(long, c)
		} else {
			short = append(short, c)
		}
	}
	d.rows(long)
	var row []slackgo.BlockElement
	for _, c := range short {
		row = append(row, d.pick(c.Label, c.Choice))
	}
	d.row(row)
}

// rowsMax is how many choices have a block of their own; no page has as many.
const rowsMax = 16

// rowMax is how many characters their label has. They are counted apart from the
// texts: however long these are, what can be pressed is there.
const rowMax = 200

func (d *drawing) rows(list []words.Choice) {
	if len(list) > rowsMax {
		list = list[:rowsMax]
	}
	for _, c := range list {
		label := shortened(c.Label, rowMax)
		switch {
		case c.Off != "":
			d.add(rich(run(label, nil), run(" ("+shortened(c.Off, rowMax)+")", italic)))
		default:
			b := d.pick(d.say.pick, c.Choice)
			b.AccessibilityLabel = shortened(c.Label, labelMax)
			d.add(slackgo.NewSectionBlock(plain(label), nil, slackgo.NewAccessory(b)))
		}
	}
}

// row are buttons beside one another.
func (d *drawing) row(list []slackgo.BlockElement) {
	for part := range slices.Chunk(list, actionsMax) {
		d.add(buttons(part...))
	}
}

// everywhere are the buttons of every page. On a page that runs until the truth
// is known there is nothing to cancel, and behind an end nothing to go back to.
func (d *drawing) everywhere() {
	if d.Page.Token == "" {
		return
	}
	var row []slackgo.BlockElement
	first, running := d.Page.ID == conversation.AskStart, d.Page.Ends.IsZero()
	for _, c := range foot {
		if d.over() || (running || first) && c != conversation.PickHelp {
			continue
		}
		row = append(row, d.pick(d.say.foot[c], c))
	}
	if first {
		other := conversation.PickEnglish
		if d.text.Locale == words.English {
			other = conversation.PickDutch
		}
		row = append(row, d.pick(d.say.foot[other], other))
	}
	d.row(row)
}

// foot is the receipt, the time that is left, and what can be typed.
func (d *drawing) foot() { d.small(d.text.Footer.String()) }

// over reports whether the page is an end, also where no record says so.
func (d *drawing) over() bool {
	id := string(d.Page.ID)
	return d.State.Over() || strings.HasPrefix(id, "end.") || strings.HasPrefix(id, "done.")
}

// finished is a page that is over: without anything to press. What an end or a step
// of the guide says stays, for it is still good advice; a question that was answered
// is not put again. chosen is what was picked, if it was a choice; what was typed is
// never repeated.
func (r renderer) finished(m bot.Outgoing, chosen conversation.Choice, now time.Time) (blocks []slackgo.Block, text string, err error) {
	d, err := r.drawing(m, now)
	d.text.Footer.Left, d.text.Footer.Commands = "", ""
	d.head()
	if d.over() || d.guide() {
		if d.over() {
			d.notes()
		}
		d.paragraphs(d.text.Body)
		d.checklist()
		d.small(d.text.Below...)
		d.foot()
		return d.blocks, d.plain(), err
	}
	said := []string{d.text.Heading}
	if label := r.label(d, chosen); label != "" {
		d.add(rich(run(d.say.choice+" ", nil), run(shortened(label, textMax), bold)))
		said = append(said, d.say.choice+" "+label)
	}
	d.small(d.say.over)
	d.foot()
	return d.blocks, fallback(append(said, d.say.over)...), err
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

// errNoLink is of a page that has nothing to lead to.
var errNoLink = errors.New("the page has no link, or one that is too long for Slack")

// link is the answer, for that person's eyes only, to the button of a page with a
// one-time page: a button that leads there, and the words that say it is the right
// one. The link is in the button alone, never in text.
func (r renderer) link(m bot.Outgoing, now time.Time) (blocks []slackgo.Block, text string, err error) {
	if m.Page.Entry == nil || m.Link == "" || len(m.Link) > urlMax {
		return nil, "", errNoLink
	}
	d, err := r.drawing(m, now)
	d.words(r.words)
	title := d.say.openPage
	if m.Page.Asks(conversation.FieldPassword) {
		title = d.say.openPassword
	}
	d.add(buttons(leads("link", title, m.Link).WithStyle(slackgo.StylePrimary)))
	return d.blocks, fallback(append([]string{title}, d.beside...)...), err
}

// home is the tab of the app: what it is for, and one button, which begins.
func (r renderer) home(locale string) slackgo.HomeTabViewRequest {
	say := r.phrases[words.Locale(locale)]
	begin := slackgo.NewButtonBlockElement(homeAction, "", plain(shortened(say.home, labelMax)))
	return slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, Blocks: slackgo.Blocks{BlockSet: []slackgo.Block{
		slackgo.NewHeaderBlock(plain(shortened(say.name, headerMax))),
		rich(run(shortened(say.about, textMax), nil)),
		buttons(begin.WithStyle(slackgo.StylePrimary)),
	}}}
}

// plain is the page as text, for notifications and screen readers: all of it, for
// a screen reader says this and not the blocks.
func (d *drawing) plain() string {
	t := d.text
	t.Crumb = slices.Clone(t.Crumb)
	for i := range t.Crumb {
		t.Crumb[i].Now = false // which is a mark, and no word
	}
	if d.fills() {
		t.Submit = d.say.fillIn
	} else {
		t.Fields, t.Submit = nil, "" // which are on a page of their own
	}
	return fallback(append([]string{strings.TrimSpace(t.String())}, d.beside...)...)
}

// fallback joins paragraphs to the text beside blocks. The three characters that
// mean something to Slack are escaped (Formatting text, "Escaping text").
func fallback(paragraphs ...string) string {
	text := strings.ToValidUTF8(strings.Join(paragraphs, "\n\n"), "\uFFFD")
	for most := fallbackMax; ; most = most * 4 / 5 {
		if escaped := escape.Replace(shortened(text, most)); utf8.RuneCountInString(escaped) <= fallbackMax {
			return escaped
		}
	}
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// What a message is made of.

var (
	bold   = &slackgo.RichTextSectionTextStyle{Bold: true}
	italic = &slackgo.RichTextSectionTextStyle{Italic: true}
)

// run is a piece of a paragraph. Whatever stands in it is text.
func run(text string, style *slackgo.RichTextSectionTextStyle) slackgo.RichTextSectionElement {
	return slackgo.NewRichTextSectionTextElement(text, style)
}

func rich(runs ...slackgo.RichTextSectionElement) *slackgo.RichTextBlock {
	return slackgo.NewRichTextBlock("", slackgo.NewRichTextSection(runs...))
}

// plain is a text in which Slack looks for nothing, emoji names neither.
func plain(text string) *slackgo.TextBlockObject {
	off := false
	return &slackgo.TextBlockObject{Type: slackgo.PlainTextType, Text: text, Emoji: &off}
}

func image(file, alt string) *slackgo.ImageBlock {
	return slackgo.NewImageBlockSlackFile(&slackgo.SlackFileObject{ID: file}, shortened(alt, altMax), "", nil)
}

func buttons(list ...slackgo.BlockElement) *slackgo.ActionBlock {
	return slackgo.NewActionBlock("", list...)
}

// leads is a button that leads to a page of the web. Slack tells us that it was
// pressed as well, which means nothing.
func leads(id, title, url string) *slackgo.ButtonBlockElement {
	return slackgo.NewButtonBlockElement(id, "", plain(shortened(title, labelMax))).WithURL(url)
}

// answer is what a button brings back.
type answer struct {
	Token  string              `json:"t"` // of the page
	Choice conversation.Choice `json:"c,omitempty"`
	Open   bool                `json:"o,omitempty"` // its form or its one-time page is asked for
}

func (d *drawing) button(id, title string, a answer) *slackgo.ButtonBlockElement {
	a.Token = d.Page.Token
	value, _ := json.Marshal(a) // two strings and a flag: there is nothing that could fail
	return slackgo.NewButtonBlockElement(shortened(id, idMax), string(value), plain(shortened(title, labelMax)))
}

// pick is the button of a choice.
func (d *drawing) pick(title string, c conversation.Choice) *slackgo.ButtonBlockElement {
	return d.button("pick."+string(c), title, answer{Choice: c})
}

// The limits of Slack, in characters. Those of text objects, blocks and elements
// are from docs.slack.dev/reference/block-kit and the types that Slack publishes
// (@slack/types); the one on a whole message is in no reference: Slack refuses
// about 13,200 characters of blocks as msg_blocks_too_long (slackapi/bolt-js#2509).
const (
	headerMax   = 150
	textMax     = 3000
	labelMax    = 75
	altMax      = 2000
	idMax       = 255
	urlMax      = 3000
	contextMax  = 10
	actionsMax  = 25
	fallbackMax = 4000 // chat.postMessage, "Truncating content": more is not advised
	roomMax     = 4500 // of the texts of one page, so that with what is around them a message keeps below 13,200
)

// fit is as much of a text as a block takes, and as there is room for.
func (d *drawing) fit(text string) string {
	if text == "" || d.room <= 1 {
		return ""
	}
	text = shortened(text, min(textMax, d.room))
	d.room -= utf8.RuneCountInString(text)
	return text
}

// shortened is a text of so many characters at the most, cut between words where
// it can be.
func shortened(text string, most int) string {
	if len(text) <= most || utf8.RuneCountInString(text) <= most {
		return text
	}
	r := []rune(text)
	short := string(r[:most-1])
	if at := strings.LastIndexAny(short, " \n\u00a0"); at > len(short)/2 && !strings.ContainsRune(" \n\u00a0", r[most-1]) {
		short = short[:at]
	}
	return strings.TrimSpace(short) + "…"
}

// pressed is what somebody did with a page. The zero pressed is the button of the
// home tab: they want to begin.
type pressed struct {
	Token  string // of the page
	Choice conversation.Choice
	Open   bool // the form of the page, or its one-time page
	Fields map[conversation.Field]string
}

// homeAction is the button of the home tab.
const homeAction = "home"

// What a button says at the most, and what stands in it.
const (
	valueMax  = 2000
	tokenMax  = 128
	choiceMax = 64
)

// readAction is what a button says. ok is false for one that is not ours, and for
// one that leads somewhere by itself.
func readAction(a *slackgo.BlockAction) (p pressed, ok bool) {
	switch {
	case a == nil || len(a.Value) > valueMax || a.Type != "" && a.Type != slackgo.ActionType(slackgo.METButton):
		return pressed{}, false
	case a.ActionID == homeAction:
		return pressed{}, true
	}
	var said answer
	if json.Unmarshal([]byte(a.Value), &said) != nil || !isToken(said.Token) ||
		len(said.Choice) > choiceMax || (said.Choice == "") != said.Open {
		return pressed{}, false
	}
	return pressed{Token: said.Token, Choice: said.Choice, Open: said.Open}, true
}

// isToken reports whether it looks like the token of a page.
func isToken(text string) bool { return tokenForm.MatchString(text) }

var tokenForm = regexp.MustCompile(fmt.Sprintf(`^[A-Za-z0-9_=+/-]{1,%d}$`, tokenMax))
