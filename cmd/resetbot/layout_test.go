package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports gives the packages of this module, by their path within it, with
// what their files (but tests) import.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		if len(parsed.Comments) > 0 && strings.HasPrefix(parsed.Comments[0].List[0].Text, "//go:build ignore") {
			return nil // a command that makes data, run by hand
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[filepath.ToSlash(dir)] = append(found[filepath.ToSlash(dir)], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func standard(name string) bool { return !strings.Contains(strings.Split(name, "/")[0], ".") }

func TestTheDomainImportsNothingButTheStandardLibraryAndTheStateMachine(t *testing.T) {
	for _, name := range imports(t)["conversation"] {
		ours := strings.HasPrefix(name, "resetbot/")
		if ours || !standard(name) && name != "github.com/looplab/fsm" {
			t.Errorf("conversation imports %s", name)
		}
	}
}

func TestImportsPointInwards(t *testing.T) {
	// What several adapters are made of, and what they may import for it.
	parts := []string{"adapters/seal", "adapters/store", "adapters/jsonfile", "adapters/yamlfile"}
	for dir, names := range imports(t) {
		for _, name := range names {
			inner, ours := strings.CutPrefix(name, "resetbot/")
			switch top, _, _ := strings.Cut(dir, "/"); {
			case !ours || top == "cmd":
			case top == "conversation" && !strings.HasPrefix(inner, "conversation"),
				top == "bot" && !strings.HasPrefix(inner, "conversation") && inner != "bot":
				t.Errorf("%s imports %s", dir, inner)
			case top == "adapters" && strings.HasPrefix(inner, "adapters/") && !slices.Contains(parts, inner) &&
				!strings.HasPrefix(inner, path.Clean(dir)+"/"):
				t.Errorf("the adapter %s knows the adapter %s", dir, inner)
			}
		}
	}
}

// A client that knew how the service is made would prove less.
func TestTheEmployeeKnowsNothingOfTheService(t *testing.T) {
	for dir, names := range imports(t) {
		for _, name := range names {
			inner, ours := strings.CutPrefix(name, "resetbot/")
			switch top, _, _ := strings.Cut(dir, "/"); {
			case top == "employee" && ours && inner != "employee":
				t.Errorf("%s imports %s", dir, inner)
			case top != "employee" && ours && strings.HasPrefix(inner, "employee"):
				t.Errorf("%s, which is no test, imports %s", dir, inner)
			}
		}
	}
}
