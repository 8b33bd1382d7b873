package demo_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resetbot/adapters/directory/demo"
	"resetbot/conversation"
)

func TestReadPeopleReadsEveryKey(t *testing.T) {
	people, err := demo.ReadPeople("people.yaml", []byte(`
- id: 17
  upn: E.Ponen@rijnzicht.example
  mail: e@elders.example
  account: eponen
  names: {given: Eén, family: Ponen, display: "Ponen, E."}
  mobile: 0612345613
  private_mail: ed@thuis.example
  manager: chef@rijnzicht.example
  groups: [Verpleging, Koor]
  password: 0123456789012345
  authenticator: iyht mftj uaio n5gc zhbr a3jl vmnp 7ynf
  disabled: true
  locked: true
  expired: true
  privileged: true
  locale: en
  chat: {teams: [one, two], slack: three}
- {id: 18, upn: p@rijnzicht.example, names: [Anna, Maria, de Wit], mobile: +31612345613}
- {id: 19, upn: q@rijnzicht.example, names: Q. van Ee, disabled: false}
- {id: 20, upn: r.van.oo@rijnzicht.example}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []demo.Person{
		{
			ID: "17", UPN: "E.Ponen@rijnzicht.example", Mail: "e@elders.example", Account: "eponen",
			Given: "Eén", Family: "Ponen", Display: "Ponen, E.", Mobile: "0612345613",
			PrivateMail: "ed@thuis.example", Manager: "chef@rijnzicht.example",
			Groups: []string{"Verpleging", "Koor"}, Locale: "en",
			Password:      conversation.NewSecret("0123456789012345"),
			Authenticator: conversation.NewSecret("IYHTMFTJUAION5GCZHBRA3JLVMNP7YNF"),
			Disabled:      true, Locked: true, Expired: true, Privileged: true,
			Chat: map[string][]string{"teams": {"one", "two"}, "slack": {"three"}},
		},
		{
			ID: "18", UPN: "p@rijnzicht.example", Given: "Anna Maria", Family: "de Wit", Display: "A. de Wit",
			Mobile: "+31612345613", Locale: "nl",
		},
		{ID: "19", UPN: "q@rijnzicht.example", Display: "Q. van Ee", Locale: "nl"},
		{ID: "20", UPN: "r.van.oo@rijnzicht.example", Display: "r.van.oo", Locale: "nl"},
	}
	if diff := cmp.Diff(want, people); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestReadPeopleTellsAllProblemsAtOnceAndQuotesNothing has a secret for every
// value.
func TestReadPeopleTellsAllProblemsAtOnceAndQuotesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string // the line, and a word of what is said
	}{
		"empty":          {"", []string{"1 empty"}},
		"only a comment": {"# hunter2", []string{"1 empty"}},
		"null":           {"~", []string{"1 not a list"}},
		"an empty list":  {"[]", []string{"1 not a list"}},
		"a mapping":      {"people: hunter2", []string{"1 not a list"}},
		"a text":         {"hunter2", []string{"1 not a list"}},
		"people of texts": {
			"- hunter2\n- [hunter2]\n- ~", []string{"1 not a group", "2 not a group", "3 not a group"},
		},
		"two documents": {"- {id: a, upn: a@b}\n---\n- {id: hunter2}\n", []string{"3 second document"}},
		"an alias that is none": {
			"- id: a\n  password: *hunter2\n", []string{"1 not YAML"},
		},
		"no YAML": {"- id: a\n  password: \"hunter2\n", []string{"2 not YAML"}},
		"a tab":   {"- id: a\n\tpassword: hunter2\n", []string{"2 not YAML"}},
		"a real alias": {
			"- &hunter2 {id: a, upn: a@b}\n- *hunter2\n", []string{"2 not a group"},
		},
		"many in one person": {`
- id: a
  upn: hunter2
  mail: hun ter2@x
  account: hunter2@x
  names: {first: hunter2, given: [hunter2]}
  mobile:
  groups: [[hunter2], ""]
  password: {hunter2: hunter2}
  authenticator: hunter2
  disabled: hunter2
  locked: "true"
  privileged: 1
  locale: hunter2
  chat: [hunter2]
  hunter2: hunter2
`, []string{
			"3 not an address", "4 not an address", "5 not an account name", "6 unknown", "6 one text",
			"7 empty", "8 one text", "8 empty", "9 one text", "10 not the key", "11 neither", "12 neither",
			"13 neither", "14 not spoken", "15 not a group", "16 unknown",
		}},
		"the same twice": {`
- {id: a, upn: a@b, id: hunter2}
- {id: a, upn: b@b, chat: {teams: [hunter2], teams: [hunter2]}}
`, []string{"2 given twice", "3 given twice", "3 same id as the one of line 2"}},
		"nobody": {"- {mail: a@b}\n", []string{"1 has no id", "1 has no upn"}},
		"two passwords": {
			"- id: a\n  upn: a@b\n  password: hunter2\n  password_hash: $argon2id$hunter2\n",
			[]string{"4 not a hash", "4 both"},
		},
		"control characters": {
			"- {id: \"a\\nhunter2\", upn: a@b, password: \"hunter2\\0\"}", []string{"1 line end", "1 line end"},
		},
		"a tag":           {"- {id: !!binary aHVudGVyMg==, upn: a@b}", []string{"1 one text"}},
		"not in ASCII":    {"- {id: a, upn: \"zo\u00eb@hunter2\"}", []string{"1 not an address"}},
		"a key too short": {"- {id: a, upn: a@b, authenticator: JBSWY3DPEHPK3PXP}", []string{"1 not the key"}},
		"no names":        {"- {id: a, upn: a@b, names: []}", []string{"1 empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			people, err := demo.ReadPeople("mensen.yaml", []byte(test.text))
			if err == nil || people != nil {
				t.Fatalf("%d people and error %v, want problems", len(people), err)
			}
			if got := strings.Count(err.Error(), "\n") + 1; got != len(test.want) {
				t.Errorf("%d problems, want %d:\n%s", got, len(test.want), err)
			}
			for _, want := range test.want {
				line, word, _ := strings.Cut(want, " ")
				form := regexp.MustCompile(`(?m)^mensen\.yaml:` + line + `: .*` + regexp.QuoteMeta(word))
				if !form.MatchString(err.Error()) {
					t.Errorf("nothing says %q of line %s:\n%s", word, line, err)
				}
			}
			if strings.Contains(err.Error(), "unter2") {
				t.Errorf("a value is quoted:\n%s", err)
			}
		})
	}
}

func TestAHashMustBeWholeAndReasonable(t *testing.T) {
	const salt, sum = "MDEyMzQ1Njc4OWFiY2RlZg", "aFqGTILdf3ge8IHT3oc1ZgtKWr2+3g2sabR60mi87xc"
	for name, test := range map[string]struct {
		hash string
		ok   bool
	}{
		"whole":                {"$argon2id$v=19$m=1024,t=2,p=1$" + salt + "$" + sum, true},
		"argon2i":              {"$argon2i$v=19$m=1024,t=2,p=1$" + salt + "$" + sum, false},
		"bcrypt":               {"$2y$10$abcdefghijklmnopqrstuv", false},
		"version 16":           {"$argon2id$v=16$m=1024,t=2,p=1$" + salt + "$" + sum, false},
		"without version":      {"$argon2id$m=1024,t=2,p=1$" + salt + "$" + sum, false},
		"no passes":            {"$argon2id$v=19$m=1024,t=0,p=1$" + salt + "$" + sum, false},
		"no threads":           {"$argon2id$v=19$m=1024,t=1,p=0$" + salt + "$" + sum, false},
		"more memory than any": {"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + sum, false},
		"a negative cost":      {"$argon2id$v=19$m=-1024,t=1,p=1$" + salt + "$" + sum, false},
		"too many threads":     {"$argon2id$v=19$m=1024,t=1,p=257$" + salt + "$" + sum, false},
		"no salt":              {"$argon2id$v=19$m=1024,t=2,p=1$$" + sum, false},
		"no sum":               {"$argon2id$v=19$m=1024,t=2,p=1$" + salt + "$", false},
		"padded":               {"$argon2id$v=19$m=1024,t=2,p=1$" + salt + "==$" + sum, false},
		"something behind":     {"$argon2id$v=19$m=1024,t=2,p=1$" + salt + "$" + sum + "$x", false},
		"something between":    {"$argon2id$v=19$m=1024,t=2,p=1,x=1$" + salt + "$" + sum, false},
		"a nought before":      {"$argon2id$v=19$m=01024,t=2,p=1$" + salt + "$" + sum, false},
	} {
		t.Run(name, func(t *testing.T) {
			text := fmt.Sprintf("- {id: a, upn: a@b, password_hash: '%s'}", test.hash)
			_, err := demo.ReadPeople("people.yaml", []byte(text))
			if (err == nil) != test.ok {
				t.Errorf("error %v, want none: %t", err, test.ok)
			}
		})
	}
}

// FuzzReadPeople asks for people that can be used, or problems that have a
// place; never both, never a panic.
func FuzzReadPeople(f *testing.F) {
	f.Add("- {id: a, upn: a@b, names: [x], chat: {teams: y}}")
	f.Add("- &a {id: *a}\n- <<: *a")
	f.Add("? [id]\n: x")
	f.Add("- ! x\n---\n- y")
	place := regexp.MustCompile(`^people\.yaml:\d+: `)
	f.Fuzz(func(t *testing.T, text string) {
		people, err := demo.ReadPeople("people.yaml", []byte(text))
		if err == nil {
			for _, p := range people {
				if p.ID == "" || p.UPN == "" || p.Display == "" {
					t.Errorf("half a person: %+v", p)
				}
			}
			return
		}
		if people != nil {
			t.Error("people as well as problems")
		}
		for _, problem := range strings.Split(err.Error(), "\n") {
			if !place.MatchString(problem) {
				t.Errorf("a problem without a place: %s", problem)
			}
		}
	})
}
