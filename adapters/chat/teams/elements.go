package teams

import (
	"strings"

	"resetbot/conversation"
)

// What a card is made of: as much of Adaptive Cards 1.5 as the wizard needs.
// An element is one of these types, in an any.
//
// A text that is read is a RichTextBlock: its runs are plain text, whatever
// stands in them, on every client (AC-67), and so are the titles of buttons and
// the labels of fields. Markdown is read in a TextBlock, beside a box to tick, in
// the error message of a field and in the fallback text; what goes there goes
// through [unmarked].

// adaptiveCard is a card.
type adaptiveCard struct {
	Type     string `json:"type"`
	Version  string `json:"version"`
	Lang     string `json:"lang"`
	Fallback string `json:"fallbackText,omitempty"` // for a client that knows older cards only
	Body     []any  `json:"body"`
}

// cardVersion is the newest that Teams shows.
const cardVersion = "1.5"

// textBlock is a heading, by which screen readers find their way, or what a rich
// text cannot be: on Android that keeps a tap for itself, and nowhere it breaks a
// long address. Nothing that a person or a directory wrote goes here.
type textBlock struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Style   string `json:"style,omitempty"`
	Size    string `json:"size,omitempty"`
	Weight  string `json:"weight,omitempty"`
	Color   string `json:"color,omitempty"`
	Wrap    bool   `json:"wrap"`
	Spacing string `json:"spacing,omitempty"`
}

func block(text string) textBlock {
	return textBlock{Type: "TextBlock", Text: unmarked(text), Wrap: true}
}

func heading(text string) textBlock {
	b := block(text)
	b.Style, b.Size, b.Weight = "heading", "large", "bolder"
	return b
}

// richText is a paragraph.
type richText struct {
	Type      string `json:"type"`
	Inlines   []run  `json:"inlines"`
	Align     string `json:"horizontalAlignment,omitempty"`
	Spacing   string `json:"spacing,omitempty"`
	Separator bool   `json:"separator,omitempty"`
}

// run is a piece of a paragraph.
type run struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Size   string `json:"size,omitempty"`
	Weight string `json:"weight,omitempty"`
	Subtle bool   `json:"isSubtle,omitempty"`
}

func paragraph(text string) richText {
	return richText{Type: "RichTextBlock", Inlines: like(run{}, text)}
}

func small(text string) richText {
	return richText{Type: "RichTextBlock", Inlines: like(run{Size: "small"}, text), Spacing: "small"}
}

// like cuts a text into runs that look like r. Two braces are parted: a client
// would read "{{DATE(…)}}" and the like as a date, but it reads run by run.
func like(r run, text string) []run {
	r.Type = "TextRun"
	var list []run
	for at := strings.Index(text, "{{"); at >= 0; at = strings.Index(text, "{{") {
		r.Text = text[:at+1]
		list, text = append(list, r), text[at+1:]
	}
	r.Text = text
	if list == nil {
		return []run{r}
	}
	return append(list, r)
}

// marks are the characters that mean something in the Markdown of cards.
// Teams on a telephone takes the backslash for itself before others than these.
var marks = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "`", "\\`", "~", `\~`,
	"<", `\<`, "&", `\&`, "{", `\{`)

// unmarked is a text that reads as it is where Markdown is read.
func unmarked(text string) string {
	if !strings.ContainsAny(text, "\\*_[]`~<&{") {
		return text // as nearly all do
	}
	return marks.Replace(text)
}

// container holds what belongs together. With an action it is pressed as a
// whole.
type container struct {
	Type      string  `json:"type"`
	Style     string  `json:"style,omitempty"`
	Items     []any   `json:"items"`
	Action    *submit `json:"selectAction,omitempty"`
	MinHeight string  `json:"minHeight,omitempty"`
	Vertical  string  `json:"verticalContentAlignment,omitempty"`
	Spacing   string  `json:"spacing,omitempty"`
}

// picture is an image that is in the card itself.
type picture struct {
	Type string `json:"type"`
	URL  string `json:"url"`
	Alt  string `json:"altText"`
	Size string `json:"size"` // auto: as large as it is, or as fits
}

// textInput is a field.
type textInput struct {
	Type        string             `json:"type"`
	ID          conversation.Field `json:"id"`
	Label       string             `json:"label"`
	Placeholder string             `json:"placeholder,omitempty"`
	Style       string             `json:"style,omitempty"`
	MaxLength   int                `json:"maxLength"`
	Required    bool               `json:"isRequired"`
	Error       string             `json:"errorMessage,omitempty"`
}

// toggle is a box to tick.
type toggle struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Title   string `json:"title"`
	On      string `json:"valueOn,omitempty"`
	Off     string `json:"valueOff,omitempty"`
	Wrap    bool   `json:"wrap"`
	Spacing string `json:"spacing,omitempty"`
}

// actionSet are buttons beside one another. Beyond six Teams hides them.
type actionSet struct {
	Type    string `json:"type"`
	Actions []any  `json:"actions"`
	Spacing string `json:"spacing,omitempty"`
}

func buttons(actions ...any) actionSet { return actionSet{Type: "ActionSet", Actions: actions} }

// submit is a button that comes back as a message, or opens a dialog.
type submit struct {
	Type     string   `json:"type"`
	Title    string   `json:"title"`
	Style    string   `json:"style,omitempty"`
	Inputs   string   `json:"associatedInputs,omitempty"`
	Data     answer   `json:"data"`
	Platform *msteams `json:"msteams,omitempty"`
}

// answer is what a button brings back. The fields of a form are beside it,
// under their own names.
type answer struct {
	Token    string              `json:"t"`           // of the page
	Choice   conversation.Choice `json:"c,omitempty"` //
	Form     bool                `json:"f,omitempty"` // the fields are filled in
	Open     bool                `json:"open,omitempty"`
	Platform *fetch              `json:"msteams,omitempty"`
}

// fetch has Teams ask for a dialog instead of sending a message.
type fetch struct {
	Type string `json:"type"`
}

// msteams is what Teams knows of a button beyond Adaptive Cards.
type msteams struct {
	Feedback struct {
		Hide bool `json:"hide"`
	} `json:"feedback"`
}

// quiet keeps Teams from saying below the card that the answer was sent: what
// follows says more.
var quiet = func() *msteams {
	var m msteams
	m.Feedback.Hide = true
	return &m
}()

// openURL is a button that leads to a page of the web.
type openURL struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}
