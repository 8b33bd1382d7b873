package yamlfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"resetbot/adapters/yamlfile"
)

func TestAllProblemsAreToldInTheOrderOfTheirLinesAndQuoteNothing(t *testing.T) {
	const text = `
name: {hunter2: hunter2}
open: hunter2
hunter2: hunter2
name: hunter2
secret: hunter2
names: [hunter2, [hunter2], ""]
`
	r := yamlfile.New("x.yaml")
	n := r.Document([]byte(text), "write something")
	r.Problem(&yaml.Node{Line: 7}, "told first, stands last")
	r.Fields(n, map[string]func(*yaml.Node){
		"name":        func(n *yaml.Node) { r.Text(n) },
		"names":       func(n *yaml.Node) { r.Texts(n) },
		"open":        func(n *yaml.Node) { r.Bool(n) },
		"secret_file": func(n *yaml.Node) { r.Text(n) },
	})
	want := []string{
		"x.yaml:2: one text is wanted here; write it behind the colon, in quotes if need be",
		"x.yaml:3: this is neither yes nor no; write true or false, without quotes",
		"x.yaml:4: this key is unknown; known keys are name, names, open, secret_file",
		"x.yaml:5: name is given twice; keep one of them",
		"x.yaml:6: this does not stand here; write it into a file of its own, and that file's name behind secret_file",
		"x.yaml:7: told first, stands last",
		"x.yaml:7: one text is wanted here; write it behind the colon, in quotes if need be",
		"x.yaml:7: the value is empty; write one, or leave the key out",
	}
	if diff := cmp.Diff(want, strings.Split(r.Err().Error(), "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestADocumentIsOneAndNotEmpty(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":         {"# nothing", "x.yaml:1: the file is empty; write something"},
		"no YAML":       {"a: b\n c: 'd", "x.yaml:2: this is not YAML"},
		"two documents": {"a: b\n---\nc: d\n", "x.yaml:3: a second document follows"},
	} {
		t.Run(name, func(t *testing.T) {
			r := yamlfile.New("x.yaml")
			r.Document([]byte(test.text), "write something")
			if err := r.Err(); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s…", err, test.want)
			}
		})
	}
}

func TestValuesAreTakenAsTheyWereWritten(t *testing.T) {
	r := yamlfile.New("x.yaml")
	var number string
	var names, one []string
	var open bool
	given := r.Fields(r.Document([]byte("number: +031\nnames: [a, b]\none: c\nopen: true\n"), ""),
		map[string]func(*yaml.Node){
			"number": func(n *yaml.Node) { number = r.Text(n) },
			"names":  func(n *yaml.Node) { names = r.Texts(n) },
			"one":    func(n *yaml.Node) { one = r.Texts(n) },
			"open":   func(n *yaml.Node) { open = r.Bool(n) },
			"other":  func(*yaml.Node) { t.Error("a key that is not there was read") },
		})
	if r.Err() != nil || number != "+031" || !open || given["other"] != nil || given["number"].Line != 1 {
		t.Errorf("number %q, open %v, given %v: %v", number, open, given, r.Err())
	}
	if diff := cmp.Diff([][]string{{"a", "b"}, {"c"}}, [][]string{names, one}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
