package demo

import (
	_ "embed"
	"encoding/base32"
	"strings"

	"go.yaml.in/yaml/v3"

	"resetbot/adapters/yamlfile"
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
	PrivateMail   string // an address outside the organisation
	Manager       string // the address of whom this person works for
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
	r := reader{yamlfile.New(name)}
	people := r.people(text)
	if err := r.Err(); err != nil {
		return nil, err
	}
	return people, nil
}

// reader reads the keys of people.
type reader struct{ *yamlfile.Reader }

const peopleForm = "write a list of people, each beginning with “- id:”"

func (r reader) people(text []byte) []Person {
	list := r.Document(text, peopleForm)
	if list == nil {
		return nil
	}
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		r.Problem(list, "this is not a list of people; %s", peopleForm)
		return nil
	}
	people := make([]Person, 0, len(list.Content))
	ids := map[conversation.AccountID]int{}
	for _, n := range list.Content {
		p := r.person(n)
		if line, taken := ids[p.ID]; taken && p.ID != "" {
			r.Problem(n, "this person has the same id as the one of line %d; give each account an id of its own", line)
		}
		ids[p.ID] = n.Line
		people = append(people, p)
	}
	return people
}

func (r reader) person(n *yaml.Node) Person {
	p := Person{Locale: "nl"}
	var id string
	given := r.Fields(n, map[string]func(*yaml.Node){
		"id":            func(n *yaml.Node) { id = r.Text(n) },
		"upn":           func(n *yaml.Node) { p.UPN = r.address(n) },
		"mail":          func(n *yaml.Node) { p.Mail = r.address(n) },
		"account":       func(n *yaml.Node) { p.Account = r.account(n) },
		"names":         func(n *yaml.Node) { p.Given, p.Family, p.Display = r.names(n) },
		"mobile":        func(n *yaml.Node) { p.Mobile = r.Text(n) },
		"private_mail":  func(n *yaml.Node) { p.PrivateMail = r.address(n) },
		"manager":       func(n *yaml.Node) { p.Manager = r.address(n) },
		"groups":        func(n *yaml.Node) { p.Groups = r.Texts(n) },
		"locale":        func(n *yaml.Node) { p.Locale = r.locale(n) },
		"password":      func(n *yaml.Node) { p.Password = conversation.NewSecret(r.Text(n)) },
		"password_hash": func(n *yaml.Node) { p.PasswordHash = r.hash(n) },
		"authenticator": func(n *yaml.Node) { p.Authenticator = r.authenticator(n) },
		"disabled":      func(n *yaml.Node) { p.Disabled = r.Bool(n) },
		"locked":        func(n *yaml.Node) { p.Locked = r.Bool(n) },
		"expired":       func(n *yaml.Node) { p.Expired = r.Bool(n) },
		"privileged":    func(n *yaml.Node) { p.Privileged = r.Bool(n) },
		"chat":          func(n *yaml.Node) { p.Chat = r.chat(n) },
	})
	if given == nil {
		return p
	}
	p.ID = conversation.AccountID(id)
	for _, key := range []string{"id", "upn"} {
		if given[key] == nil {
			r.Problem(n, "this person has no %s; every person needs one", key)
		}
	}
	if given["password"] != nil && given["password_hash"] != nil {
		r.Problem(given["password_hash"], "this person has both password and password_hash; keep one of them")
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

// address is a UPN or a mail address, in ASCII: names are compared without
// regard to letter case, and beyond ASCII that is where one person is taken
// for another (ı and I, the Kelvin sign and K).
func (r reader) address(n *yaml.Node) string {
	text := r.Text(n)
	local, domain, ok := strings.Cut(text, "@")
	if text != "" && (!ok || !isName(local) || !isName(domain)) {
		r.Problem(n, "this is not an address; write name@domain with letters a to z, figures and . - _ ' +")
	}
	return text
}

func (r reader) account(n *yaml.Node) string {
	text := r.Text(n)
	if text != "" && !isName(text) {
		r.Problem(n, "this is not an account name; "+
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
func (r reader) names(n *yaml.Node) (given, family, display string) {
	switch n.Kind {
	case yaml.ScalarNode:
		return "", "", r.Text(n)
	case yaml.SequenceNode:
		texts := r.Texts(n)
		last := len(texts) - 1
		if last < 0 {
			r.Problem(n, "the value is empty; write one, or leave the key out")
			return "", "", ""
		}
		return strings.Join(texts[:last], " "), texts[last], ""
	}
	r.Fields(n, map[string]func(*yaml.Node){
		"given":   func(n *yaml.Node) { given = r.Text(n) },
		"family":  func(n *yaml.Node) { family = r.Text(n) },
		"display": func(n *yaml.Node) { display = r.Text(n) },
	})
	return given, family, display
}

func (r reader) locale(n *yaml.Node) string {
	text := r.Text(n)
	if text != "" && text != "nl" && text != "en" {
		r.Problem(n, "this language is not spoken here; write nl or en")
	}
	return text
}

func (r reader) hash(n *yaml.Node) conversation.Secret {
	text := r.Text(n)
	if text == "" {
		return conversation.Secret{}
	}
	if _, err := parseHash(text); err != nil {
		r.Problem(n, "%w; write it as $argon2id$v=19$m=19456,t=2,p=1$salt$hash", err)
	}
	return conversation.NewSecret(text)
}

// leastKey is the shortest key of an authenticator, in bytes (RFC 4226,
// section 4, R6).
const leastKey = 16

func (r reader) authenticator(n *yaml.Node) conversation.Secret {
	text := strings.ToUpper(strings.ReplaceAll(r.Text(n), " ", ""))
	text = strings.TrimRight(text, "=")
	if text == "" {
		return conversation.Secret{}
	}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(key) < leastKey {
		r.Problem(n, "this is not the key of an authenticator; "+
			"write 26 or more of the characters A to Z and 2 to 7")
	}
	return conversation.NewSecret(text)
}

// chat is a mapping from chats to ids.
func (r reader) chat(n *yaml.Node) map[string][]string {
	if n.Kind != yaml.MappingNode {
		r.Problem(n, "this is not a group of “chat: [ids]” lines; write for instance {teams: [object id]}")
		return nil
	}
	chats := map[string][]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := r.Text(n.Content[i])
		if chats[name] != nil {
			r.Problem(n.Content[i], "this chat is given twice; write its ids as one list")
		}
		chats[name] = r.Texts(n.Content[i+1])
	}
	return chats
}
