package demo

import (
	"bytes"
	_ "embed"
	"encoding/base32"
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

	"resetbot/conversation"
)

// rijnzicht is the organisation that is built in.
//
//go:embed people.yaml
var rijnzicht string

// Person is one account of a people file. It can be printed: what is secret
// in it shows as such.
type Person struct {
	ID            conversation.AccountID
	UPN           string
	Mail          string
	Account       string // the short name, as sAMAccountName
	Given         string
	Family        string
	Display       string
	Mobile        string // as written, tidy or not
	Groups        []string
	Locale        string              // "nl" or "en"
	Password      conversation.Secret // in clear; or else
	PasswordHash  conversation.Secret // argon2id in PHC form; empty both: nobody can sign in
	Authenticator conversation.Secret // base32 in upper case, without padding; empty: none
	Disabled      bool
	Locked        bool
	Expired       bool
	Privileged    bool
	Chat          map[string][]string // by the chat's name: the person's ids there
}

// ReadPeople reads a people file; name is what its problems are told under. It
// is strict, and tells all problems at once, one a line: the place, what is
// wrong, what would be right. No problem quotes what stands in the file, for
// that could be a password in the wrong place.
func ReadPeople(name string, text []byte) ([]Person, error) {
	r := &reader{file: name}
	people := r.people(text)
	if len(r.problems) > 0 {
		return nil, errors.Join(r.problems...)
	}
	return people, nil
}

// reader goes through the nodes of a file itself: the errors of yaml's own
// decoding quote values, and end at the first duplicate key.
type reader struct {
	file     string
	problems []error
}

// problem notes that something is wrong at n.
func (r *reader) problem(n *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s:%d: %w", r.file, n.Line, fmt.Errorf(format, args...)))
}

const peopleForm = "write a list of people, each beginning with “- id:”"

func (r *reader) people(text []byte) []Person {
	in := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := in.Decode(&document); errors.Is(err, io.EOF) {
		r.problem(&yaml.Node{Line: 1}, "the file is empty; %s", peopleForm)
		return nil
	} else if err != nil {
		r.problem(&yaml.Node{Line: lineOf(err)}, "this is not YAML; check the indentation, and put every value "+
			"that has : or # in it, or begins with one of * & ! %% @ ` | > { [, in quotes")
		return nil
	}
	if in.Decode(new(yaml.Node)) != io.EOF {
		last := &yaml.Node{Line: strings.Count(string(text), "\n")}
		r.problem(last, "a second document follows; keep one list in one file")
	}
	list := document.Content[0]
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		r.problem(list, "this is not a list of people; %s", peopleForm)
		return nil
	}
	people := make([]Person, 0, len(list.Content))
	ids := map[conversation.AccountID]int{}
	for _, n := range list.Content {
		p := r.person(n)
		if line, taken := ids[p.ID]; taken && p.ID != "" {
			r.problem(n, "this person has the same id as the one of line %d; give each account an id of its own", line)
		}
		ids[p.ID] = n.Line
		people = append(people, p)
	}
	return people
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

func (r *reader) person(n *yaml.Node) Person {
	p := Person{Locale: "nl"}
	var id string
	given := r.fields(n, map[string]func(*yaml.Node){
		"id":            func(n *yaml.Node) { id = r.text(n) },
		"upn":           func(n *yaml.Node) { p.UPN = r.address(n) },
		"mail":          func(n *yaml.Node) { p.Mail = r.address(n) },
		"account":       func(n *yaml.Node) { p.Account = r.account(n) },
		"names":         func(n *yaml.Node) { p.Given, p.Family, p.Display = r.names(n) },
		"mobile":        func(n *yaml.Node) { p.Mobile = r.text(n) },
		"groups":        func(n *yaml.Node) { p.Groups = r.texts(n) },
		"locale":        func(n *yaml.Node) { p.Locale = r.locale(n) },
		"password":      func(n *yaml.Node) { p.Password = conversation.NewSecret(r.text(n)) },
		"password_hash": func(n *yaml.Node) { p.PasswordHash = r.hash(n) },
		"authenticator": func(n *yaml.Node) { p.Authenticator = r.authenticator(n) },
		"disabled":      func(n *yaml.Node) { p.Disabled = r.yes(n) },
		"locked":        func(n *yaml.Node) { p.Locked = r.yes(n) },
		"expired":       func(n *yaml.Node) { p.Expired = r.yes(n) },
		"privileged":    func(n *yaml.Node) { p.Privileged = r.yes(n) },
		"chat":          func(n *yaml.Node) { p.Chat = r.chat(n) },
	})
	if given == nil {
		return p
	}
	p.ID = conversation.AccountID(id)
	for _, key := range []string{"id", "upn"} {
		if given[key] == nil {
			r.problem(n, "this person has no %s; every person needs one", key)
		}
	}
	if given["password"] != nil && given["password_hash"] != nil {
		r.problem(given["password_hash"], "this person has both password and password_hash; keep one of them")
	}
	if p.Display == "" {
		p.Display = display(p)
	}
	return p
}

// display is what a directory would show: "M. de Vries".
func display(p Person) string {
	initial := ""
	for _, letter := range p.Given {
		initial = string(letter) + ". "
		break
	}
	if p.Family != "" {
		return initial + p.Family
	}
	local, _, _ := strings.Cut(p.UPN, "@")
	return local
}

// fields calls the function of each key that n, a mapping, has, and gives the
// values; nil when n is none.
func (r *reader) fields(n *yaml.Node, known map[string]func(*yaml.Node)) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		r.problem(n, "this is not a group of “key: value” lines; known keys are %s", list(known))
		return nil
	}
	given := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		switch {
		case read == nil:
			r.problem(key, "this key is unknown; known keys are %s", list(known))
		case given[key.Value] != nil:
			r.problem(key, "%s is given twice; keep one of them", key.Value)
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

// text is a value of one line, as it was written: a number that looks like
// one to YAML keeps its noughts and its plus.
func (r *reader) text(n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode || n.Style&yaml.TaggedStyle != 0:
		r.problem(n, "one text is wanted here; write it behind the colon, in quotes if need be")
	case n.Tag == "!!null" || strings.TrimSpace(n.Value) == "":
		r.problem(n, "the value is empty; write one, or leave the key out")
	case strings.ContainsFunc(n.Value, unicode.IsControl):
		r.problem(n, "the value has a line end, tab or control character in it; write it on one line without")
	default:
		return n.Value
	}
	return ""
}

// texts is a list of texts, or a single one.
func (r *reader) texts(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		return []string{r.text(n)}
	}
	var texts []string
	for _, each := range n.Content {
		texts = append(texts, r.text(each))
	}
	return texts
}

// yes is true or false.
func (r *reader) yes(n *yaml.Node) bool {
	var is bool
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Decode(&is) != nil {
		r.problem(n, "this is neither yes nor no; write true or false, without quotes")
	}
	return is
}

// address is a UPN or a mail address, in ASCII: names are compared without
// regard to letter case, and beyond ASCII that is where one person is taken
// for another (ı and I, the Kelvin sign and K).
func (r *reader) address(n *yaml.Node) string {
	text := r.text(n)
	local, domain, ok := strings.Cut(text, "@")
	if text != "" && (!ok || !isName(local) || !isName(domain)) {
		r.problem(n, "this is not an address; write name@domain with letters a to z, figures and . - _ ' +")
	}
	return text
}

func (r *reader) account(n *yaml.Node) string {
	text := r.text(n)
	if text != "" && !isName(text) {
		r.problem(n, "this is not an account name; "+
			"write it without domain, with letters a to z, figures and . - _ ' +")
	}
	return text
}

func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		return !letter && !('0' <= c && c <= '9') && !strings.ContainsRune(".-_'+", c)
	})
}

// names are {given, family, display}; or a list, given names first and the
// family name last; or the text to display alone.
func (r *reader) names(n *yaml.Node) (given, family, display string) {
	switch n.Kind {
	case yaml.ScalarNode:
		return "", "", r.text(n)
	case yaml.SequenceNode:
		texts := r.texts(n)
		last := len(texts) - 1
		if last < 0 {
			r.problem(n, "the value is empty; write one, or leave the key out")
			return "", "", ""
		}
		return strings.Join(texts[:last], " "), texts[last], ""
	}
	r.fields(n, map[string]func(*yaml.Node){
		"given":   func(n *yaml.Node) { given = r.text(n) },
		"family":  func(n *yaml.Node) { family = r.text(n) },
		"display": func(n *yaml.Node) { display = r.text(n) },
	})
	return given, family, display
}

func (r *reader) locale(n *yaml.Node) string {
	text := r.text(n)
	if text != "" && text != "nl" && text != "en" {
		r.problem(n, "this language is not spoken here; write nl or en")
	}
	return text
}

func (r *reader) hash(n *yaml.Node) conversation.Secret {
	text := r.text(n)
	if text == "" {
		return conversation.Secret{}
	}
	if _, err := parseHash(text); err != nil {
		r.problem(n, "%w; write it as $argon2id$v=19$m=19456,t=2,p=1$salt$hash", err)
	}
	return conversation.NewSecret(text)
}

// leastKey is the shortest key of an authenticator, in bytes (RFC 4226,
// section 4, R6).
const leastKey = 16

func (r *reader) authenticator(n *yaml.Node) conversation.Secret {
	text := strings.ToUpper(strings.ReplaceAll(r.text(n), " ", ""))
	text = strings.TrimRight(text, "=")
	if text == "" {
		return conversation.Secret{}
	}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(key) < leastKey {
		r.problem(n, "this is not the key of an authenticator; "+
			"write 26 or more of the characters A to Z and 2 to 7")
	}
	return conversation.NewSecret(text)
}

// chat is a mapping from chats to ids.
func (r *reader) chat(n *yaml.Node) map[string][]string {
	if n.Kind != yaml.MappingNode {
		r.problem(n, "this is not a group of “chat: [ids]” lines; write for instance {teams: [object id]}")
		return nil
	}
	chats := map[string][]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := r.text(n.Content[i])
		if chats[name] != nil {
			r.problem(n.Content[i], "this chat is given twice; write its ids as one list")
		}
		chats[name] = r.texts(n.Content[i+1])
	}
	return chats
}
