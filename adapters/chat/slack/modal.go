package slack

import (
	"slices"
	"time"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"resetbot/bot"
	"resetbot/conversation"
)

// formFields are what can be filled in in a modal of Slack's, which masks nothing:
// no password, and nothing that belongs to one.
var formFields = []conversation.Field{
	conversation.FieldName, conversation.FieldCaptcha, conversation.FieldNumber, conversation.FieldCode,
}

// formID is the callback id of every form.
const formID = "form"

// How many characters Slack takes (docs.slack.dev, "Modal views", "Input block" and
// "Plain-text input element").
const (
	titleMax       = 24
	inputTextMax   = 2000 // of a label, and of a hint
	placeholderMax = 150
)

// modal is the form of a page: name, captcha, number or code. What is filled in
// stays out of the chat. Its private_metadata is the token of the page, which every
// button carries as well, and nothing else. ok is false for a page that has no form
// in Slack. The picture of a captcha stays in the chat, and the form says so.
func (r renderer) modal(m bot.Outgoing, now time.Time) (view slackgo.ModalViewRequest, ok bool, err error) {
	return r.modalWith(m, "", now)
}

// modalWith is the same with the picture of the captcha in it, a Slack file.
func (r renderer) modalWith(m bot.Outgoing, picture string, now time.Time) (view slackgo.ModalViewRequest, ok bool, err error) {
	d, err := r.drawing(m, now)
	if !d.fills() {
		return slackgo.ModalViewRequest{}, false, err
	}
	if utf8.RuneCountInString(d.text.Heading) > titleMax {
		d.add(slackgo.NewHeaderBlock(plain(shortened(d.text.Heading, headerMax))))
	}
	d.notes()
	for _, f := range d.text.Fields {
		if f.Field == conversation.FieldCaptcha && d.text.Picture != "" {
			if picture != "" {
				d.add(image(picture, d.text.Picture))
			} else {
				d.paragraphs([]string{d.say.pictureInChat})
			}
		}
		input := slackgo.NewPlainTextInputBlockElement(nil, string(f.Field)).WithMaxLength(fieldMax(f.Field))
		input.FocusOnLoad = f.Field == d.text.Fields[0].Field
		var hint *slackgo.TextBlockObject
		switch n := utf8.RuneCountInString(f.Hint); {
		case n == 0:
		case n <= placeholderMax && n <= wideMax:
			input.Placeholder = plain(f.Hint)
		default:
			hint = plain(shortened(f.Hint, inputTextMax))
		}
		d.add(slackgo.NewInputBlock(string(f.Field), plain(shortened(f.Label, inputTextMax)), hint, input))
	}
	d.small(d.say.filled)
	return slackgo.ModalViewRequest{
		Type:  slackgo.VTModal,
		Title: plain(shortened(d.text.Heading, titleMax)), Submit: plain(shortened(d.text.Submit, titleMax)),
		Close: plain(shortened(d.say.close, titleMax)), Blocks: slackgo.Blocks{BlockSet: d.blocks},
		PrivateMetadata: m.Page.Token, CallbackID: formID,
	}, true, err
}

// fieldMax is how many characters a field takes: more than will do, so that what is
// too long is refused in words and not cut.
func fieldMax(f conversation.Field) int {
	if f == conversation.FieldName {
		return 320
	}
	return 40
}

// readView is what was filled in in a form. ok is false for a view that is none of
// ours. Fields that no form has are not read.
func readView(v slackgo.View) (p pressed, ok bool) {
	if v.CallbackID != formID || v.Type != "" && v.Type != slackgo.VTModal || !isToken(v.PrivateMetadata) || v.State == nil {
		return pressed{}, false
	}
	p = pressed{Token: v.PrivateMetadata, Fields: map[conversation.Field]string{}}
	for block, actions := range v.State.Values {
		field := conversation.Field(block)
		said, there := actions[block]
		if !there || !slices.Contains(formFields, field) {
			continue
		}
		if len(said.Value) > conversation.TypedMax {
			return pressed{}, false
		}
		p.Fields[field] = said.Value
	}
	return p, len(p.Fields) > 0
}
