package words

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

//go:embed nl.yaml en.yaml
var embedded embed.FS

// load reads the embedded texts and puts the operator's on top of them.
func (w *Words) load(overrides []Override) (*i18n.Bundle, error) {
	bundle := i18n.NewBundle(language.Dutch)
	bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	var faults []error
	for _, locale := range locales {
		faults = append(faults, w.loadEmbedded(bundle, locale))
	}
	for _, o := range overrides {
		entries, err := w.overriding(o)
		if err == nil {
			err = w.add(bundle, o, entries)
		}
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return bundle, err
	}
	for _, locale := range locales {
		// Whatever it quotes, the text message must still fit.
		if err := w.speaker(locale, sampleTime).proveSMS(); err != nil {
			faults = append(faults, fmt.Errorf("sms.code in %s: %w", locale, err))
		}
	}
	return bundle, errors.Join(faults...)
}

func (w *Words) loadEmbedded(bundle *i18n.Bundle, locale string) error {
	name := locale + ".yaml"
	text, err := embedded.ReadFile(name)
	if err != nil {
		return fmt.Errorf("reading the embedded %s: %w", name, err)
	}
	entries, err := parse(name, text)
	if err != nil {
		return err
	}
	w.ids[locale], w.own[locale] = map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		w.ids[locale][e.id] = true
	}
	return w.add(bundle, Override{locale, name, text}, entries)
}

// overriding reads an operator's file: every id in it must be one that there
// is, so that a misspelt one is noticed before it is missed.
func (w *Words) overriding(o Override) ([]entry, error) {
	if w.ids[o.Locale] == nil {
		there := strings.Join(locales, ", ")
		return nil, fmt.Errorf("%s: there is no language %q, only %s", o.Name, o.Locale, there)
	}
	entries, err := parse(o.Name, o.Text)
	faults := []error{err}
	for _, e := range entries {
		if !w.ids[o.Locale][e.id] {
			faults = append(faults, fmt.Errorf("%s:%d: unknown id %q", o.Name, e.line, e.id))
		}
		w.own[o.Locale][e.id] = true
	}
	return entries, errors.Join(faults...)
}

// add hands a file to go-i18n and proves each of its sentences.
func (w *Words) add(bundle *i18n.Bundle, o Override, entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	// The last part of the path tells go-i18n the language and the format.
	if _, err := bundle.ParseMessageFileBytes(o.Text, o.Locale+".yaml"); err != nil {
		return fmt.Errorf("%s: %w", o.Name, err)
	}
	w.speak[o.Locale] = i18n.NewLocalizer(bundle, o.Locale)
	var faults []error
	for _, e := range entries {
		if err := w.prove(o.Locale, e.id); err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %s: %w", o.Name, e.line, e.id, err))
		}
	}
	return errors.Join(faults...)
}

// An entry is one sentence of a file.
type entry struct {
	id   string
	line int
}

// parse lists the entries of a message file, in their order.
func parse(name string, text []byte) ([]entry, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(document.Content) == 0 {
		return nil, nil // nothing but comments
	}
	f := file{name: name, seen: map[string]bool{}}
	f.walk("", document.Content[0])
	return f.entries, errors.Join(f.faults...)
}

// file is a message file that is being read.
type file struct {
	name    string
	entries []entry
	seen    map[string]bool
	faults  []error
}

func (f *file) fault(line int, format string, args ...any) {
	f.faults = append(f.faults, fmt.Errorf("%s:%d: %s", f.name, line, fmt.Sprintf(format, args...)))
}

// walk reads a map, and the maps in it: their keys, joined by dots, are ids.
func (f *file) walk(prefix string, node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		f.fault(node.Line, "a map from ids to texts is wanted")
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		id := prefix + key.Value
		switch {
		case value.Kind == yaml.MappingNode && !isPlural(value):
			f.walk(id+".", value)
			continue
		case !isText(value) && !isPlural(value):
			f.fault(key.Line, "%s: a text is wanted", id)
		case f.seen[id]:
			f.fault(key.Line, "%s is there twice", id)
		}
		f.seen[id] = true
		f.entries = append(f.entries, entry{id, key.Line})
	}
}

func isText(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && strings.TrimSpace(node.Value) != ""
}

// isPlural reports whether a node is a sentence in the forms that Dutch and
// English have, {one: …, other: …}.
func isPlural(node *yaml.Node) bool {
	if node.Kind != yaml.MappingNode || len(node.Content) != 4 {
		return false
	}
	forms := []string{node.Content[0].Value, node.Content[2].Value}
	slices.Sort(forms)
	return forms[0] == "one" && forms[1] == "other" && isText(node.Content[1]) && isText(node.Content[3])
}

// prove fills a sentence in with everything there can be, and with nothing at
// all: a template that works with both works.
func (w *Words) prove(locale, id string) error {
	s := w.speaker(locale, sampleTime)
	prefix, _, _ := strings.Cut(id, ".")
	switch {
	case prefix == "unit":
		for _, n := range []int{1, 2} {
			s.count(id, n)
		}
	case prefix == "time":
		s.say(id, moment{Clock: "7.30", Weekday: "ma", Month: "mei", Day: 1, Hour: 7, Minute: "30"})
	case prefix == "desk":
		s.say(id, deskWords{"x", "x", "x", "x", "x", "x", "x"})
	default:
		// Only the sentence itself is tried: what it quotes has a line of its own.
		s.proving = true
		s.say(id, sampleValues(s))
		s.say(id, values{speaker: s})
	}
	return s.err()
}
