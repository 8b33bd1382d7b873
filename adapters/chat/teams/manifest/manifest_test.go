package manifest_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"resetbot/adapters/chat/teams/manifest"
	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func app(t testing.TB) manifest.App {
	t.Helper()
	return manifest.App{
		ID: "01234567-89AB-cdef-0123-456789abcdef", Version: "1.0.0", Organisation: "Ziekenhuis De Linde",
		PublicURL: "https://hulp.linde.example", Website: "https://linde.example/ict", Words: wordstest.New(t),
	}
}

// unpacked are the files of a package.
func unpacked(t testing.TB, a manifest.App) map[string][]byte {
	t.Helper()
	var b bytes.Buffer
	if err := a.WritePackage(&b); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		files[f.Name] = data
	}
	return files
}

func TestThePackageIsAsInTheGoldenFiles(t *testing.T) {
	files := unpacked(t, app(t))
	var names []string
	for name, got := range files {
		names = append(names, name)
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		golden := filepath.Join("testdata", strings.TrimSuffix(name, ".json")+".golden.json")
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs; if it is meant so, run go test -update (-want +got)\n%s", golden, diff)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"color.png", "en.json", "manifest.json", "outline.png"}, names); diff != "" {
		t.Errorf("the files of the package (-want +got)\n%s", diff)
	}
}

func TestTheSameAppGivesTheSameBytes(t *testing.T) {
	var first, second bytes.Buffer
	if err := errors.Join(app(t).WritePackage(&first), app(t).WritePackage(&second)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two packages of one app differ")
	}
}

// published is a schema of the manifest's version, as Microsoft publishes it
// with its own package for manifests:
//
//	npm install @microsoft/app-manifest@1.1.2; RESETBOT_APPMANIFEST is the path of node_modules
func published(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	modules := os.Getenv("RESETBOT_APPMANIFEST")
	if modules == "" {
		what := "the schema of manifests is not here: npm install @microsoft/app-manifest@1.1.2, " +
			"and RESETBOT_APPMANIFEST=node_modules"
		if os.Getenv("RESETBOT_REQUIRE") != "" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	version := asked(t, "manifestVersion")
	source, err := os.ReadFile(filepath.Join(modules, "@microsoft", "app-manifest", "build", "json-schemas", "teams", "v"+version, file))
	if err != nil {
		t.Fatalf("reading the schema of manifests: %v", err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(file, document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// asked is a text of the manifest.
func asked(t testing.TB, key string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(unpacked(t, app(t))["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	text, _ := m[key].(string)
	return text
}

func TestThePackageHoldsToThePublishedSchema(t *testing.T) {
	long := app(t)
	long.Organisation = strings.Repeat("Stichting Ziekenhuizen Rijn en Zee ", 9)
	long.Website = ""
	o := wordstest.Options(t)
	o.Organisation = long.Organisation
	var err error
	if long.Words, err = words.New(o); err != nil {
		t.Fatal(err)
	}
	for file, schema := range map[string]*jsonschema.Schema{
		"manifest.json": published(t, "MicrosoftTeams.schema.json"),
		"en.json":       published(t, "MicrosoftTeams.Localization.schema.json"),
	} {
		if schema.Validate(map[string]any{"name.short": 1}) == nil {
			t.Fatal("the schema takes anything")
		}
		for name, a := range map[string]manifest.App{"the app": app(t), "one with a long name": long} {
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(unpacked(t, a)[file]))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); err != nil {
				t.Errorf("%s of %s: %v", file, name, err)
			}
		}
	}
}

func TestALongNameIsCutBetweenWords(t *testing.T) {
	a := app(t)
	a.Organisation = "Stichting Ziekenhuizen Rijn en Zee en de Eilanden"
	var m struct{ Developer struct{ Name string } }
	if err := json.Unmarshal(unpacked(t, a)["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	if got := m.Developer.Name; got != "Stichting Ziekenhuizen Rijn en…" || utf8.RuneCountInString(got) > 32 {
		t.Errorf("the developer is called %q", got)
	}
}

func TestWhatTheMenuOffersIsUnderstood(t *testing.T) {
	w := wordstest.New(t)
	for locale, want := range map[string][]conversation.Choice{
		words.Dutch:   {conversation.PickReset, conversation.PickHelp, conversation.PickEnglish},
		words.English: {conversation.PickReset, conversation.PickHelp, conversation.PickDutch},
	} {
		start := conversation.Page{ID: conversation.AskStart, Offers: wordstest.Offers(conversation.PickReset)}
		for i, p := range []words.Phrase{words.AppReset, words.AppHelp, words.AppLanguage} {
			title := w.Phrase(locale, p, conversation.Args{}, wordstest.Monday)
			if got := w.Understand(start, locale, title).Choice; got != want[i] {
				t.Errorf("%s: %q means %q, want %q", locale, title, got, want[i])
			}
		}
	}
}

func TestTheIconsAreAsTeamsWantsThem(t *testing.T) {
	files := unpacked(t, app(t))
	decode := func(name string, size int) image.Image {
		picture, err := png.Decode(bytes.NewReader(files[name]))
		if err != nil {
			t.Fatal(err)
		}
		if got := picture.Bounds(); got != image.Rect(0, 0, size, size) {
			t.Errorf("%s is %v", name, got)
		}
		return picture
	}
	outline, whites, clears := decode("outline.png", 32), 0, 0
	for i := range 32 * 32 {
		c := color.NRGBAModel.Convert(outline.At(i%32, i/32)).(color.NRGBA)
		switch {
		case c.A == 0:
			clears++
		case c.R == 255 && c.G == 255 && c.B == 255:
			whites++
		default:
			t.Fatalf("the outline has a pixel %v at %d, %d", c, i%32, i/32)
		}
	}
	if whites < 100 || clears < 500 {
		t.Errorf("the outline has %d white pixels and %d clear ones", whites, clears)
	}
	coloured := decode("color.png", 192)
	for _, at := range []image.Point{{0, 0}, {191, 0}, {0, 191}, {191, 191}} {
		if _, _, _, alpha := coloured.At(at.X, at.Y).RGBA(); alpha != 0xffff {
			t.Errorf("the coloured icon is clear at %v", at)
		}
	}
}

func TestAnAppThatTeamsWouldNotTakeIsRefusedWithAllThatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		with func(*manifest.App)
		want string
	}{
		"no id":           {func(a *manifest.App) { a.ID = "" }, "app_id"},
		"no guid":         {func(a *manifest.App) { a.ID = "resetbot" }, "app_id"},
		"http":            {func(a *manifest.App) { a.PublicURL = "http://hulp.linde.example" }, "public_url"},
		"no address":      {func(a *manifest.App) { a.PublicURL = "" }, "public_url"},
		"no version":      {func(a *manifest.App) { a.Version = "v1" }, "version"},
		"half a version":  {func(a *manifest.App) { a.Version = "1.0" }, "version"},
		"a leading zero":  {func(a *manifest.App) { a.Version = "1.01.0" }, "version"},
		"several at once": {func(a *manifest.App) { a.ID, a.Version, a.PublicURL = "", "", "" }, "version"},
	} {
		a := app(t)
		c.with(&a)
		var b bytes.Buffer
		err := a.WritePackage(&b)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want something about %s", name, err, c.want)
		}
		if b.Len() > 0 {
			t.Errorf("%s: something was written", name)
		}
	}
}
