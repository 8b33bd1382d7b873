// Package words has every sentence that a person can read, in Dutch and in
// English, and the words that people type. The wizard says what is to be said
// by message id and arguments; this package says it:
//
//	conversation.Page ──▶ Render     ──▶ Text   (an adapter draws it)
//	what a person typed ─▶ Understand ──▶ conversation.Input
//
// The sentences are in nl.yaml and en.yaml, which are embedded; an operator's
// own sentences lie on top of them ([Override]). All of them are proved when
// [New] is called: a template that cannot be filled in, a text message that
// needs three parts, an id that nobody knows are errors then, with the line, and
// never a gap in front of a person later.
//
// Everything this package gives is plain text. Arguments that come from
// outside (a display name, a directory's sentence) are cleaned of control and
// bidirectional characters and inserted as they are, never read as a template;
// an adapter escapes the whole for its platform.
//
// Whoever is not in their own chat reads the same whatever is behind the name
// they typed: no sentence here says whether an account exists, unless the
// wizard sends it only to those who may know (note.number_wrong, end.ineligible
// and the like).
package words

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"

	"resetbot/conversation"
)

// The languages. Dutch is the one that everybody gets who asks for no other.
const (
	Dutch   = "nl"
	English = "en"
)

var locales = []string{Dutch, English}

// Locale turns a language tag of a chat client ("nl-NL", "en_GB", "EN") into
// one of the languages there are; any other, and none, becomes Dutch.
func Locale(tag string) string {
	language, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(tag)), "_", "-"),
		"-")
	if language == English {
		return English
	}
	return Dutch
}

// Options are what an operator decides about the words.
type Options struct {
	// Organisation is its name, as in "the password assistant of …".
	Organisation string
	// Domains are what work addresses end on, without "@"; the first is shown
	// as the example.
	Domains []string
	// WebChat is the address of the web chat, where there is one, for colleagues
	// who cannot be helped in somebody else's chat.
	WebChat string
	Desk    Desk
	// Location is where clock times are told; nil is time.Local.
	Location *time.Location
	// Overrides are the operator's own sentences, the later over the earlier.
	Overrides []Override
	// Places are the audiences who are told something else, by the name in
	// [conversation.Page.Place]: a workspace of a partner organisation. Whoever is in
	// none of them reads what everybody reads.
	Places map[string]Place
}

// Place is what is different for an audience.
type Place struct {
	Desk      *Desk      // nil: the same
	Domains   []string   // what their work addresses end on; none: the same
	Overrides []Override // over those of everybody
}

// Override is a file of sentences that replace the embedded ones: a YAML map
// from message id to text, flat ("end.desk.title: …") or nested.
type Override struct {
	Locale string // "nl" or "en"
	Name   string // of the file, for errors
	Text   []byte
}

// Words speaks and understands both languages. It does not change after New
// and is safe for concurrent use.
type Words struct {
	organisation string
	domains      []string
	webChat      string
	desk         Desk
	location     *time.Location
	own          map[string]map[string]bool // by locale: ids that the operator replaced
	ids          map[string]map[string]bool // by locale: ids that there are
	speak        map[string]*i18n.Localizer
	vocabulary   vocabulary
	places       map[string]*Words
}

// New reads the catalogues and the operator's texts, and proves every sentence.
// All that is wrong is told at once.
func New(o Options) (*Words, error) {
	w := &Words{
		organisation: plain(o.Organisation), webChat: plain(o.WebChat), desk: o.Desk, location: o.Location,
		own: map[string]map[string]bool{}, ids: map[string]map[string]bool{},
		speak: map[string]*i18n.Localizer{},
	}
	for _, domain := range o.Domains {
		w.domains = append(w.domains, plain(strings.TrimPrefix(domain, "@")))
	}
	if w.location == nil {
		w.location = time.Local
	}
	faults := []error{o.Desk.Hours.check()}
	bundle, err := w.load(o.Overrides)
	faults = append(faults, err)
	for _, locale := range locales {
		w.speak[locale] = i18n.NewLocalizer(bundle, locale)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("reading the texts:\n%w", err)
	}
	w.vocabulary = w.learn()
	if err := w.settle(o); err != nil {
		return nil, err
	}
	return w, nil
}

// settle makes the words of each place: those of everybody, and its own over them.
func (w *Words) settle(o Options) error {
	w.places = map[string]*Words{}
	var faults []error
	for name, place := range o.Places {
		own := o
		own.Places, own.Overrides = nil, slices.Concat(o.Overrides, place.Overrides)
		if place.Desk != nil {
			own.Desk = *place.Desk
		}
		if len(place.Domains) > 0 {
			own.Domains = place.Domains
		}
		there, err := New(own)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		w.places[name] = there
	}
	return errors.Join(faults...)
}

// at is the words that are said where page is shown.
func (w *Words) at(page conversation.Page) *Words {
	if there := w.places[page.Place]; there != nil {
		return there
	}
	return w
}

// Describe gives the label of a choice as a button has it; for a choice that
// nobody knows, its name, and an error.
func (w *Words) Describe(locale string, choice conversation.Choice) (string, error) {
	s := w.speaker(locale, time.Time{})
	return s.label(conversation.Page{}, choice), s.err()
}
