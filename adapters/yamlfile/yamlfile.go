// Package yamlfile reads YAML that people write: strictly, and telling all that
// is wrong at once, one problem a line:
//
//	people.yaml:12: this key is unknown; known keys are account, chat, …
//	^ the place     ^ what is wrong      ^ what would be right
//
// It goes through the nodes of a file itself: the errors of yaml's own decoding
// quote values, and end at the first duplicate key. No problem quotes what
// stands in the file, for that could be a secret in the wrong place.
package yamlfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Reader reads one file, and collects what is wrong with it. It is for one
// goroutine.
type Reader struct {
	file     string
	problems []problem
}

type problem struct {
	line int
	err  error
}

// New makes a Reader; file is the name that problems are told under.
func New(file string) *Reader { return &Reader{file: file} }

// Problem notes that something is wrong at n. The format says what, and what
// would be right; it must not be given a value of the file.
func (r *Reader) Problem(n *yaml.Node, format string, args ...any) {
	err := fmt.Errorf("%s:%d: %w", r.file, n.Line, fmt.Errorf(format, args...))
	r.problems = append(r.problems, problem{n.Line, err})
}

// Err is all problems, in the order of their lines; nil without any.
func (r *Reader) Err() error {
	slices.SortStableFunc(r.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	errs := make([]error, len(r.problems))
	for i, p := range r.problems {
		errs[i] = p.err
	}
	return errors.Join(errs...)
}

// Document is what the file holds: one document, or nil and a problem. form
// says what to write into an empty file.
func (r *Reader) Document(text []byte, form string) *yaml.Node {
	in := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := in.Decode(&document); errors.Is(err, io.EOF) {
		r.Problem(&yaml.Node{Line: 1}, "the file is empty; %s", form)
		return nil
	} else if err != nil {
		r.Problem(&yaml.Node{Line: lineOf(err)}, "this is not YAML; check the indentation, and put every value "+
			"that has : or # in it, or begins with one of * & ! %% @ ` | > { [, in quotes")
		return nil
	}
	if in.Decode(new(yaml.Node)) != io.EOF {
		last := &yaml.Node{Line: strings.Count(string(text), "\n")}
		r.Problem(last, "a second document follows; keep one in one file")
	}
	return document.Content[0]
}

var lineNumber = regexp.MustCompile(`\bline (\d+)`)

// lineOf takes the line number, and nothing else, out of an error of yaml.
func lineOf(err error) int {
	if found := lineNumber.FindStringSubmatch(err.Error()); found != nil {
		n, _ := strconv.Atoi(found[1])
		return max(1, n)
	}
	return 1
}

// Fields calls the function of each key that n, a mapping, has, and gives the
// values; nil and a problem when n is none. A key that is not known, or is
// there twice, is a problem.
func (r *Reader) Fields(n *yaml.Node, known map[string]func(*yaml.Node)) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		r.Problem(n, "this is not a group of “key: value” lines; known keys are %s", list(known))
		return nil
	}
	given := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		switch {
		case read == nil && known[key.Value+"_file"] != nil:
			r.Problem(key, "this does not stand here; write it into a file of its own, and that file's name "+
				"behind %s_file", key.Value)
		case read == nil:
			r.Problem(key, "this key is unknown; known keys are %s", list(known))
		case given[key.Value] != nil:
			r.Problem(key, "%s is given twice; keep one of them", key.Value)
		default:
			given[key.Value] = value
			read(value)
		}
	}
	return given
}

func list(known map[string]func(*yaml.Node)) string {
	return strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}

// Text is a value of one line, as it was written: a number that looks like
// one to YAML keeps its noughts and its plus. It is empty with a problem.
func (r *Reader) Text(n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode || n.Style&yaml.TaggedStyle != 0:
		r.Problem(n, "one text is wanted here; write it behind the colon, in quotes if need be")
	case n.Tag == "!!null" || strings.TrimSpace(n.Value) == "":
		r.Problem(n, "the value is empty; write one, or leave the key out")
	case strings.ContainsFunc(n.Value, unicode.IsControl):
		r.Problem(n, "the value has a line end, tab or control character in it; write it on one line without")
	default:
		return n.Value
	}
	return ""
}

// Texts is a list of texts, or a single one.
func (r *Reader) Texts(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		return []string{r.Text(n)}
	}
	var texts []string
	for _, each := range n.Content {
		texts = append(texts, r.Text(each))
	}
	return texts
}

// Bool is true or false.
func (r *Reader) Bool(n *yaml.Node) bool {
	var is bool
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Decode(&is) != nil {
		r.Problem(n, "this is neither yes nor no; write true or false, without quotes")
	}
	return is
}
