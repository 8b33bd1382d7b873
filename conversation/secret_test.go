package conversation_test

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"expvar"
	"fmt"
	"html/template"
	"io"
	"log"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	. "resetbot/conversation"
)

const hushed = "kaars-molen-fiets-tafel"

// hushedKey spells the same word, and more, in bytes.
func hushedKey() (k [32]byte) {
	copy(k[:], hushed)
	return k
}

// printers are ways to make a text of anything. Those that go by reflection alone
// print what the exported fields of a struct hold, by the methods of that.
var printers = map[string]func(w io.Writer, v any){
	"fmt": func(w io.Writer, v any) {
		for _, verb := range "vsqxXdboOcUeEfFgGt" {
			for _, flags := range []string{"", "+", "#", " ", "0", "-40.3", "# x", "[1]"} {
				_, _ = fmt.Fprintf(w, "%"+flags+string(verb)+"\n", v)
			}
		}
		_, _ = fmt.Fprintln(w, v, fmt.Sprint(v), fmt.Errorf("wrapped: %v", v), fmt.Append(nil, v))
	},
	"slog as text": func(w io.Writer, v any) { logAll(slog.New(slog.NewTextHandler(w, nil)), v) },
	"slog as JSON": func(w io.Writer, v any) { logAll(slog.New(slog.NewJSONHandler(w, nil)), v) },
	"log":          func(w io.Writer, v any) { log.New(w, "", 0).Println(v) },
	"expvar":       func(w io.Writer, v any) { _, _ = io.WriteString(w, expvar.Func(func() any { return v }).String()) },
	"an error":     func(w io.Writer, v any) { _, _ = fmt.Fprint(w, errors.Join(fmt.Errorf("%v", v), fmt.Errorf("%s", v))) },
	"a panic": func(w io.Writer, v any) {
		defer func() { _, _ = fmt.Fprintf(w, "%v", recover()) }()
		panic(v)
	},
	"a template": func(w io.Writer, v any) {
		_ = template.Must(template.New("").Parse(`{{.}}<script>x = {{.}}</script>`)).Execute(w, v) // refused, or printed
	},
	"JSON": func(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) },
	"XML":  func(w io.Writer, v any) { _ = xml.NewEncoder(w).Encode(v) },
	"gob":  func(w io.Writer, v any) { _ = gob.NewEncoder(w).Encode(v) },
}

func logAll(l *slog.Logger, v any) {
	l.Info("m", "v", v, "list", []any{v})
	l.With("v", v).WithGroup("g").Info("m", slog.Any("v", v), slog.Group("in", "v", v))
}

// shapes are what a secret may be in.
func shapes[T any](v T) map[string]any {
	type open struct {
		Name   string
		Hidden T
		Deeper *T
	}
	type shut struct {
		name   string
		hidden T
	}
	return map[string]any{
		"itself": v, "a pointer": &v, "an interface": any(v), "a list": []T{v}, "an array": [1]T{v},
		"a map": map[string]T{"a": v}, "a struct": open{"a", v, &v}, "a pointer to a struct": &open{"a", v, &v},
		"a struct that shows nothing": shut{"a", v}, "many": map[string][]*open{"a": {{Hidden: v}}},
	}
}

// forms are the ways to write a text that a printer could have chosen.
func forms(text string) []string {
	return []string{
		text, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))),
		fmt.Sprintf("% x", text), strings.Trim(fmt.Sprint([]byte(text)), "[]"), url.QueryEscape(text),
		base64.StdEncoding.EncodeToString([]byte(text))[:len(text)], fmt.Sprintf("%b", []byte(text))[1:20],
		strings.TrimPrefix(fmt.Sprintf("%#v", []byte(text[:4])), "[]byte{")[:20],
	}
}

func leaks(out, text string) bool {
	for _, form := range forms(text) {
		if strings.Contains(out, form) {
			return true
		}
	}
	return false
}

func TestAC25_ASecretIsPrintedByNothing(t *testing.T) {
	for name, print := range printers {
		for shape, v := range shapes(NewSecret(hushed)) {
			var out bytes.Buffer
			print(&out, v)
			if leaks(out.String(), hushed) {
				t.Errorf("%s prints %s:\n%s", name, shape, out.String())
			}
		}
	}
}

func TestAC25_KeysAndNoncesArePrintedByNothing(t *testing.T) {
	for kind, shapes := range map[string]map[string]any{
		"key": shapes(Key(hushedKey())), "nonce": shapes(Nonce(hushedKey())),
	} {
		delete(shapes, "a struct that shows nothing") // see [Key]
		delete(shapes, "many")
		for name, print := range printers {
			for shape, v := range shapes {
				var out bytes.Buffer
				print(&out, v)
				if leaks(out.String(), hushed) {
					t.Errorf("%s prints a %s, in %s:\n%s", name, kind, shape, out.String())
				}
			}
		}
	}
}

// A printer that is asked for the text itself prints it: else the test above
// could not fail.
func TestWhatIsNoSecretIsPrintedByEverything(t *testing.T) {
	for name, print := range printers {
		var out bytes.Buffer
		print(&out, hushed)
		if !leaks(out.String(), hushed) {
			t.Errorf("%s prints nothing: %q", name, out.String())
		}
	}
	for _, form := range forms(hushed) {
		if !leaks("a "+form+" b", hushed) {
			t.Errorf("%q is not found", form)
		}
	}
}

type holder struct{ V any }

// Every encoder is told that this is a secret, and does not write something empty
// in its place.
func TestAC25_ASecretIsMarshalledByNothing(t *testing.T) {
	encoders := map[string]func(v any) error{
		"JSON": func(v any) error { _, err := json.Marshal(v); return err },
		"XML":  func(v any) error { _, err := xml.Marshal(v); return err },
		"gob":  func(v any) error { return gob.NewEncoder(io.Discard).Encode(v) },
	}
	for _, v := range []any{NewSecret(hushed), Secret{}, Key(hushedKey()), Nonce(hushedKey())} {
		for name, encode := range encoders {
			for shape, in := range map[string]any{
				"itself": v, "a struct": holder{v}, "a list": []any{v},
			} {
				if name == "gob" && shape != "itself" {
					continue // which takes interfaces only of types that were registered
				}
				if err := encode(in); !errors.Is(err, ErrSecret) {
					t.Errorf("%s takes %T in %s: %v", name, v, shape, err)
				}
			}
		}
		if _, err := v.(encoding.TextMarshaler).MarshalText(); !errors.Is(err, ErrSecret) {
			t.Errorf("the text of %T: %v", v, err)
		}
		if _, err := v.(encoding.BinaryMarshaler).MarshalBinary(); !errors.Is(err, ErrSecret) {
			t.Errorf("the bytes of %T: %v", v, err)
		}
		if got := fmt.Sprintf("%v", v); got != "[secret]" {
			t.Errorf("%T prints as %q", v, got)
		}
	}
	if _, err := json.Marshal(map[Key]int{hushedKey(): 1}); err == nil {
		t.Error("JSON takes a key for the key of a map")
	}
}
