package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What go vet would say if it knew what a secret is: nothing that is secret, or
// holds something that is, is given to what prints, logs, marshals, writes or
// panics. [conversation.Secret] would print as [secret] there, but what was once
// revealed would not.

// sinks are what makes something of its arguments that outlives the moment. A
// package stands for all that it has, but for what reads.
var sinks = []string{
	"fmt", "log", "log/slog", "encoding/json", "encoding/xml", "encoding/gob", "encoding/csv", "go.yaml.in/yaml/v3",
	"errors.New", "os.WriteFile", "(*os.File).Write", "(*os.File).WriteString", "io.WriteString", "net/http.Error",
	"(*github.com/prometheus/client_golang/prometheus.CounterVec).WithLabelValues",
	"(*github.com/prometheus/client_golang/prometheus.HistogramVec).WithLabelValues",
}

// readers are no sinks, though they are in such a package.
var readers = []string{"Unmarshal", "Decode", "Scan", "Sscan", "Fscan", "NewDecoder", "Valid"}

// sealed is what of a secret is none any more: keyed hashes, and secrets again.
var sealed = []string{"Fingerprint", "Sum", "NewSecret", "len", "Equal", "Empty", "Contains"}

// meant are places where a secret is written on purpose, each with the reason.
var meant = map[string]string{
	"adapters/chat/terminal.showKey": "the key of an app, to the person whom it is for, in their own terminal",
	"adapters/mail.send":             "what is wrong with an option is said without what it is; a test tries a marked password",
}

// listed is a package as the go command lists it.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	Module                  *struct{ Path string }
}

// compiled lists the packages of this module and all that they are made of.
func compiled(t *testing.T) (ours []listed, imports types.Importer, files *token.FileSet) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps",
		"-json=ImportPath,Dir,Export,GoFiles,Module", "./...")
	list.Dir = filepath.Join("..", "..")
	var said bytes.Buffer
	list.Stderr = &said
	out, err := list.Output()
	if err != nil {
		t.Fatalf("listing packages: %v\n%s", err, &said)
	}
	exports := map[string]string{}
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := in.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		exports[p.ImportPath] = p.Export
		if p.Module != nil && p.Module.Path == "resetbot" {
			ours = append(ours, p)
		}
	}
	files = token.NewFileSet()
	return ours, importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	}), files
}

// vet is the look at one package.
type vet struct {
	files *token.FileSet
	info  *types.Info
	where string // the package, within the module
	in    string // the function that is looked at
	dirty map[types.Object]bool
	found []string
	meant map[string]bool // functions that are let off
}

// vetted type-checks a package, and says where it lets a secret out.
func vetted(path string, source []*ast.File, imports types.Importer, files *token.FileSet) (*vet, error) {
	v := &vet{files: files, meant: map[string]bool{}, where: strings.TrimPrefix(path, "resetbot/"), info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	if _, err := (&types.Config{Importer: imports}).Check(path, files, source, v.info); err != nil {
		return nil, fmt.Errorf("checking %s: %w", path, err)
	}
	for _, file := range source {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				v.function(f)
			}
		}
	}
	return v, nil
}

// function first finds the variables that hold what was revealed, then where any of
// it goes.
func (v *vet) function(f *ast.FuncDecl) {
	v.in, v.dirty = v.where+"."+f.Name.Name, map[types.Object]bool{}
	for before := -1; before != len(v.dirty); {
		before = len(v.dirty)
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, to := range n.Lhs {
					v.assign(to, n.Rhs[min(i, len(n.Rhs)-1)])
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if len(n.Values) > 0 {
						v.assign(name, n.Values[min(i, len(n.Values)-1)])
					}
				}
			}
			return true
		})
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && v.sinks(call) {
			for _, arg := range call.Args {
				v.argument(call, arg)
			}
		}
		return true
	})
}

// assign notes that a variable is given what was revealed. An error of our own
// tells nothing; one of somebody else's may quote what it was given.
func (v *vet) assign(to, from ast.Expr) {
	name, ok := to.(*ast.Ident)
	if !ok || !v.revealed(from) {
		return
	}
	object := v.info.Defs[name]
	if object == nil {
		object = v.info.Uses[name]
	}
	if object == nil {
		return
	}
	if types.Implements(object.Type(), errorType) {
		call, ok := from.(*ast.CallExpr)
		if callee := v.callee(call); !ok || callee == nil || callee.Pkg() == nil || strings.HasPrefix(callee.Pkg().Path(), "resetbot/") {
			return
		}
	}
	if speaks(object.Type()) {
		v.dirty[object] = true
	}
}

var errorType = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

// speaks reports whether a value of a type can tell much: a number or a yes cannot.
func speaks(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return !ok || basic.Info()&types.IsString != 0
}

// revealed reports whether an expression comes from what was revealed.
func (v *vet) revealed(e ast.Expr) (is bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.Ident:
			is = is || v.dirty[v.info.Uses[n]]
		case *ast.BinaryExpr:
			return speaks(v.info.TypeOf(n))
		case *ast.CallExpr:
			if called(n) == "Reveal" && v.secret(v.info.TypeOf(n.Fun.(*ast.SelectorExpr).X)) {
				is = true
			}
			return !slices.Contains(sealed, called(n))
		}
		return !is
	})
	return is
}

// secret reports whether t is a secret, or a key or nonce.
func (v *vet) secret(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "resetbot/conversation" &&
		slices.Contains([]string{"Secret", "Key", "Nonce"}, named.Obj().Name())
}

// holds reports whether a value of type t has a secret somewhere in it.
func (v *vet) holds(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	if v.secret(t) {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		return v.holds(u.Elem(), seen)
	case *types.Slice:
		return v.holds(u.Elem(), seen)
	case *types.Array:
		return v.holds(u.Elem(), seen)
	case *types.Map:
		return v.holds(u.Key(), seen) || v.holds(u.Elem(), seen)
	case *types.Struct:
		for field := range u.Fields() {
			if v.holds(field.Type(), seen) {
				return true
			}
		}
	}
	return false
}

func (v *vet) callee(call *ast.CallExpr) types.Object {
	if call == nil {
		return nil
	}
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return v.info.Uses[f]
	case *ast.SelectorExpr:
		return v.info.Uses[f.Sel]
	}
	return nil
}

// sinks reports whether a call makes something of its arguments.
func (v *vet) sinks(call *ast.CallExpr) bool {
	switch f := v.callee(call).(type) {
	case *types.Builtin:
		return f.Name() == "panic" || f.Name() == "print" || f.Name() == "println"
	case *types.Func:
		reads := slices.ContainsFunc(readers, func(r string) bool { return strings.HasPrefix(f.Name(), r) })
		return f.Pkg() != nil && !reads && (slices.Contains(sinks, f.Pkg().Path()) || slices.Contains(sinks, f.FullName()))
	}
	return false
}

func (v *vet) argument(call *ast.CallExpr, arg ast.Expr) {
	what := ""
	switch t := v.info.TypeOf(arg); {
	case v.revealed(arg):
		what = "what was revealed"
	case v.holds(t, map[types.Type]bool{}):
		what = "a " + t.String()
	default:
		return
	}
	if meant[v.in] != "" {
		v.meant[v.in] = true
	} else {
		v.found = append(v.found, fmt.Sprintf("%s, in %s: %s is given %s", v.files.Position(arg.Pos()), v.in, called(call), what))
	}
}

func TestAC25_NothingSecretIsGivenToWhatPrintsLogsOrMarshals(t *testing.T) {
	t.Parallel()
	ours, imports, files := compiled(t)
	if len(ours) < 20 {
		t.Fatalf("only %d packages were found", len(ours))
	}
	met := map[string]bool{}
	for _, p := range ours {
		var source []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			must(t, err)
			source = append(source, file)
		}
		v, err := vetted(p.ImportPath, source, imports, files)
		must(t, err)
		for _, leak := range v.found {
			t.Error(leak)
		}
		maps.Copy(met, v.meant)
	}
	for place := range meant {
		if !met[place] {
			t.Errorf("%s is let off, and need not be", place)
		}
	}
}

// The look would see each of these, and nothing in what is harmless.
func TestTheLookForSecretsSeesThem(t *testing.T) {
	t.Parallel()
	_, imports, files := compiled(t)
	for statement, leaks := range map[string]bool{
		`fmt.Println(s)`: true, `fmt.Println(s.Reveal())`: true, `panic(s.Reveal())`: true, `panic("at " + s.Reveal())`: true,
		`slog.Info("m", "v", s)`: true, `slog.Default().With("v", s.Reveal()).Info("m")`: true,
		`_ = fmt.Errorf("no %q", strings.ToUpper(s.Reveal()))`: true,
		`text := s.Reveal(); _ = errors.New(text)`:             true,
		`a := s.Reveal(); b := a + "x"; fmt.Print(b)`:          true,
		`var a = s.Reveal(); fmt.Print(a)`:                     true,
		`_, _ = json.Marshal(map[string]any{"a": s.Reveal()})`: true,
		`_, _ = json.Marshal(i)`:                               true,
		`_, _ = json.Marshal(&i)`:                              true,
		`_, _ = json.Marshal([]conversation.Input{i})`:         true,
		`fmt.Println(k)`:                                       true,
		`fmt.Println(n)`:                                       true,
		`_, err := url.Parse(s.Reveal()); fmt.Println(err)`:    true,
		`_ = os.WriteFile("x", []byte(s.Reveal()), 0o600)`:     true,

		`fmt.Println(len(s.Reveal()), s.Empty(), s.Reveal() == "x")`:                false,
		`fmt.Println(conversation.Keys{}.Fingerprint("x", s.Reveal()))`:             false,
		`var x int; _, _ = fmt.Sscan(s.Reveal(), &x); fmt.Println(x)`:               false,
		`ok := strings.Contains(s.Reveal(), "x"); fmt.Println(ok)`:                  false,
		`a := conversation.NewSecret(s.Reveal()); _ = a; fmt.Println(i.Event, "x")`: false,
		`func() { _ = s.Reveal() }(); fmt.Println("x")`:                             false,
	} {
		text := "package p\nimport (\"encoding/json\"; \"errors\"; \"fmt\"; \"log/slog\"; \"net/url\"; \"os\"; \"strings\"; \"resetbot/conversation\")\n" +
			"var _, _, _, _, _ = json.Marshal, errors.New, slog.Info, url.Parse, strings.ToUpper\nvar _ = os.Exit\nvar _ fmt.State\n" +
			"func f(s conversation.Secret, i conversation.Input, k conversation.Key, n conversation.Nonce) {\n" + statement + "\n}"
		file, err := parser.ParseFile(files, "p.go", text, parser.SkipObjectResolution)
		must(t, err)
		v, err := vetted("resetbot/p", []*ast.File{file}, imports, files)
		must(t, err)
		if (len(v.found) > 0) != leaks {
			t.Errorf("%s: found %q", statement, v.found)
		}
	}
}
