package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAC26_NoSecretIsComparedWithAnOperator reads the whole source: what
// conversation.Secret.Reveal gives is compared with == only to what stands in the source, and
// never by functions that stop at the first difference, as Secret.Equal does not.
func TestAC26_NoSecretIsComparedWithAnOperator(t *testing.T) {
	t.Parallel()
	compared := 0
	must(t, filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			filepath.Base(filepath.Dir(path)) == "bottest" {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var sides []ast.Expr
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if n.Op == token.EQL || n.Op == token.NEQ {
					sides = []ast.Expr{n.X, n.Y}
				}
			case *ast.CallExpr:
				if name := called(n); name == "Equal" || name == "EqualFold" || name == "Compare" {
					sides = n.Args
				}
				if called(n) == "ConstantTimeCompare" {
					compared++
				}
			}
			for _, side := range sides {
				if isRevealed(side) && !harmless(sides) {
					t.Errorf("%s compares what is secret", files.Position(n.Pos()))
				}
			}
			return true
		})
		return nil
	}))
	if compared < 2 {
		t.Errorf("only %d comparisons in constant time were found", compared)
	}
}

// called is the name of a function that is called, without its package.
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

func isRevealed(e ast.Expr) bool {
	c, ok := e.(*ast.CallExpr)
	return ok && called(c) == "Reveal"
}

// harmless reports whether nothing can be learned: it is compared with what stands
// in the source, or with the number of the word of a one-time page, which is one of
// a few.
func harmless(sides []ast.Expr) bool {
	return slices.ContainsFunc(sides, func(side ast.Expr) bool {
		_, isLit := side.(*ast.BasicLit)
		call, isCall := side.(*ast.CallExpr)
		return isLit || isCall && called(call) == "Itoa"
	})
}

func TestAC70_WithAnEmptySecretNothingStarts(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	must(t, os.WriteFile(empty, []byte("\n"), 0o600))
	for name, changes := range map[string][]string{
		"alarms that would be signed with nothing": {
			"#notices:", "notices:\n  alarms: {url: \"https://siem.example.org/x\", secret_file: " + empty + "}",
		},
		"a mail server's password": {
			"#notices:", "notices:\n" +
				"  mail: {host: mail.example.org, from: a@example.org, user: u, password_file: " + empty + "}",
		},
		"no keys in the file of keys": {"#keys_file: resetbot.key", "keys_file: " + empty},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, _ := sample(t, changes...)
			var said strings.Builder
			child := command(t, nil, "serve", "-config", config)
			child.Stderr = &said
			if err := child.Run(); child.ProcessState.ExitCode() != 1 || said.Len() == 0 {
				t.Errorf("it ended with %v:\n%s", err, said.String())
			}
		})
	}
}
