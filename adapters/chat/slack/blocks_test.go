package slack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	slackgo "github.com/slack-go/slack"

	"resetbot/adapters/chat/slack"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func newRenderer(t testing.TB) slack.Renderer {
	t.Helper()
	r, err := slack.NewRenderer(wordstest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Of every page here: its token, its link and that of its sound, and the files.
const (
	pageToken   = "MDEyMzQ1Njc4OWFiY2RlZg"
	pageLink    = "https://hulp.linde.example/p/AbCdEfGhIjKl"
	soundLink   = "https://hulp.linde.example/s/AbCdEf"
	pictureFile = "F0CAPTCHA01"
	soundFile   = "F0SOUND0001"
)

// drawn is a message or a view, and what it is of.
type drawn struct {
	name string
	of   bot.Outgoing
	at   time.Time
	kind string          // page, over, link, form or home
	json json.RawMessage // the blocks, or the view
	text string          // beside the blocks
}

// scenes are the pages of the wizard as they come to Slack in this language.
func scenes(locale string) []drawn {
	var list []drawn
	for _, s := range wordstest.Scenes() {
		if s.Page.ID == conversation.AskScanHere || s.Page.Entry == nil && s.Page.AsksPassword() {
			continue // which are a terminal's
		}
		if s.Page.ID != conversation.SayTrouble { // which is said from memory
			s.Page.Token = pageToken
		}
		m := bot.Outgoing{Locale: locale, State: s.State, Page: s.Page}
		if s.Page.Entry != nil {
			m.Link = pageLink
		}
		if s.Page.Media != nil && s.Page.Media.Sound {
			m.SoundLink = soundLink
		}
		list = append(list, drawn{name: s.Name, of: m, at: s.At})
	}
	return list
}

func encoded(t testing.TB, value any) json.RawMessage {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

// all is everything that Slack comes to show in this language.
func all(t testing.TB, locale string) []drawn {
	t.Helper()
	r := newRenderer(t)
	var list []drawn
	add := func(d drawn, kind string, value any, text string, err error) {
		if err != nil {
			t.Errorf("%s, %s, %s: %v", locale, d.name, kind, err)
		}
		d.kind, d.json, d.text = kind, encoded(t, value), text
		list = append(list, d)
	}
	for _, d := range scenes(locale) {
		var picture, sound string
		if m := d.of.Page.Media; m != nil && m.Kind == conversation.MediaCaptcha {
			picture = pictureFile
		}
		blocks, text, err := r.Page(d.of, picture, sound, d.at)
		add(d, "page", blocks, text, err)
		if d.of.SoundLink != "" {
			blocks, text, err = r.Page(d.of, picture, soundFile, d.at)
			add(d, "page, with a sound", blocks, text, err)
		}
		var chosen conversation.Choice
		if len(d.of.Page.Offers) > 0 {
			chosen = d.of.Page.Offers[0].Choice
		}
		blocks, text, err = r.Finished(d.of, chosen, d.at)
		add(d, "over", blocks, text, err)
		if d.of.Page.Entry != nil {
			blocks, text, err = r.Link(d.of, d.at)
			add(d, "link", blocks, text, err)
		}
		view, ok, err := r.Modal(d.of, d.at)
		if ok {
			add(d, "form", view, "", err)
		}
		if ok && picture != "" {
			view, _, err = r.ModalWith(d.of, picture, d.at)
			add(d, "form, with its picture", view, "", err)
		}
	}
	add(drawn{name: "home"}, "home", r.Home(locale), "", nil)
	return list
}

func (d drawn) view() bool { return strings.HasPrefix(d.kind, "form") || d.kind == "home" }

func TestBlocksAreAsInTheGoldenFiles(t *testing.T) {
	for _, locale := range []string{words.Dutch, words.English} {
		var b strings.Builder
		for _, d := range all(t, locale) {
			fmt.Fprintf(&b, "======== %s: %s\n\n%s\n", d.name, d.kind, laidOut(t, d))
		}
		path := filepath.Join("testdata", "blocks."+locale+".golden.txt")
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(b.String()), 0o644)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
			t.Errorf("%s differs; if it is meant so, run go test -update (-want +got)\n%s", path, diff)
		}
	}
}

// laidOut is a message with a block on each line, or a view with its frame first.
func laidOut(t testing.TB, d drawn) string {
	t.Helper()
	var b strings.Builder
	blocks := d.json
	if d.view() {
		var frame map[string]json.RawMessage
		if err := json.Unmarshal(d.json, &frame); err != nil {
			t.Fatal(err)
		}
		blocks = frame["blocks"]
		delete(frame, "blocks")
		fmt.Fprintf(&b, "%s\n", encoded(t, frame))
	}
	var list []json.RawMessage
	if err := json.Unmarshal(blocks, &list); err != nil {
		t.Fatal(err)
	}
	for _, block := range list {
		fmt.Fprintf(&b, "%s\n", block)
	}
	if d.text != "" {
		fmt.Fprintf(&b, "text: %q\n", d.text)
	}
	return strings.ReplaceAll(strings.ReplaceAll(b.String(), pageToken, "…"), `,"emoji":false`, "")
}

// published is a schema made of the types that Slack publishes.
func published(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	dir := os.Getenv("RESETBOT_SPECS")
	if dir == "" {
		t.Skip("RESETBOT_SPECS does not say where the published descriptions are")
	}
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	document, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	if compiled.Validate(map[string]any{"type": "modal", "blocks": []any{"text"}}) == nil {
		t.Fatalf("%s takes anything", name)
	}
	return compiled
}

// TestBlocksHoldToThePublishedSchemas has beside the blocks what nobody sends: where
// Slack takes one of several arguments, the schemas want all of them.
func TestBlocksHoldToThePublishedSchemas(t *testing.T) {
	view, open, post := published(t, "slack-View.schema.json"), published(t, "slack-ViewsOpen.schema.json"),
		published(t, "slack-PostMessage.schema.json")
	for _, locale := range []string{words.Dutch, words.English} {
		for _, d := range all(t, locale) {
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.json))
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case d.kind == "home":
				err = asHome(view, value)
			case d.view():
				err = errors.Join(view.Validate(value), open.Validate(map[string]any{
					"trigger_id": "1.2.abc", "interactivity_pointer": "", "view": value,
				}))
			default:
				err = post.Validate(map[string]any{
					"channel": "D0123456789", "text": d.text, "blocks": value, "attachments": []any{}, "markdown_text": "",
				})
			}
			if err != nil {
				t.Errorf("%s, %s, %s: %v", locale, d.name, d.kind, err)
			}
		}
	}
}

// asHome holds the blocks of a home tab against the schema. That knows modals only
// as a view: the frame of a home tab is its type and its blocks.
func asHome(view *jsonschema.Schema, value any) error {
	home, ok := value.(map[string]any)
	if !ok || home["type"] != "home" || len(home) != 2 {
		return fmt.Errorf("the frame is %v", value)
	}
	title := map[string]any{"type": "plain_text", "text": "title"}
	return view.Validate(map[string]any{"type": "modal", "title": title, "blocks": home["blocks"]})
}

// limit is how long a text of Slack's may be, or how many there may be, by the
// reference of Block Kit (docs.slack.dev/reference/block-kit) and of views.
type limit struct {
	of   string // type of the object, and the key in it
	most int
}

var limits = []limit{
	{"button.text", 75}, // "Maximum length for the text in this field is 75 characters."
	{"button.accessibility_label", 75},
	{"button.value", 2000},
	{"button.url", 3000},
	{"button.action_id", 255},
	{"plain_text_input.action_id", 255},
	{"plain_text_input.placeholder", 150},
	{"header.text", 150},
	{"section.text", 3000},
	{"text.text", 3000}, // of a rich text nothing is said; that of a text object is taken
	{"plain_text.text", 3000},
	{"image.alt_text", 2000},
	{"input.label", 2000},
	{"input.hint", 2000},
	{"context.elements", 10},
	{"actions.elements", 25},
	{"modal.title", 24},
	{"modal.submit", 24},
	{"modal.close", 24},
	{"modal.private_metadata", 3000},
	{"modal.callback_id", 255},
	{"modal.blocks", 100},
	{"home.blocks", 100},
}

// Of whole messages: 50 blocks; 4,000 characters of text (chat.postMessage,
// "Truncating content"); and 13,200 of blocks, which is in no reference (issue 2509
// of slackapi/bolt-js).
const (
	blocksMax  = 50
	textMax    = 4000
	messageMax = 13_000
)

// within holds what is drawn to the limits of Slack.
func within(t testing.TB, name string, drawn json.RawMessage, text string) {
	t.Helper()
	var value any
	if err := json.Unmarshal(drawn, &value); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if list, ok := value.([]any); ok {
		if len(list) > blocksMax || len(list) == 0 {
			t.Errorf("%s: %d blocks", name, len(list))
		}
		if n := len([]rune(text)); n > textMax || n == 0 {
			t.Errorf("%s: the text has %d characters", name, n)
		}
		if n := len([]rune(string(drawn))); n > messageMax {
			t.Errorf("%s: the blocks have %d characters", name, n)
		}
	}
	walk(value, func(e map[string]any) {
		kind, _ := e["type"].(string)
		for _, l := range limits {
			of, key, _ := strings.Cut(l.of, ".")
			if of != kind || e[key] == nil {
				continue
			}
			if n := size(e[key]); n > l.most || n == 0 {
				t.Errorf("%s: %s has %d, and at the most it is %d", name, l.of, n, l.most)
			}
		}
		if id, _ := e["block_id"].(string); len(id) > 255 {
			t.Errorf("%s: a block id has %d characters", name, len(id))
		}
		if kind == "actions" {
			seen := map[any]bool{}
			for _, b := range e["elements"].([]any) {
				id := b.(map[string]any)["action_id"]
				if seen[id] {
					t.Errorf("%s: two buttons of a row are called %v", name, id)
				}
				seen[id] = true
			}
		}
	})
}

// size is how many characters a text has, or how many there are in a list.
func size(value any) int {
	switch v := value.(type) {
	case string:
		return len([]rune(v))
	case []any:
		return len(v)
	case map[string]any:
		return size(v["text"])
	}
	return 0
}

// walk visits every object of what is drawn.
func walk(value any, visit func(map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		visit(v)
		for _, inner := range v {
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}

// TestBlocksKeepWithinTheLimitsOfSlack takes every page and note that there are
// words for, with all choices and fields, and the longest that people are called
// and directories say.
func TestBlocksKeepWithinTheLimitsOfSlack(t *testing.T) {
	r := newRenderer(t)
	long := strings.Repeat("Wouter van den Berg-Zuidema (OK) <&> ", 10)
	for _, locale := range []string{words.Dutch, words.English} {
		for _, d := range all(t, locale) {
			within(t, locale+", "+d.name+", "+d.kind, d.json, d.text)
		}
		for _, id := range everyPage(t) {
			m := bot.Outgoing{Locale: locale, Link: pageLink, Page: conversation.Page{
				ID: id, Token: pageToken, Receipt: "K7Q-2MX", Crumb: 2, Ends: wordstest.Monday.Add(time.Hour),
				Args: conversation.Args{
					Name: long, Word: long, Digits: "42", Step: 1, Length: 16, Domain: "linde.example",
					Accounts: []string{long, long, long}, At: wordstest.Monday.Add(time.Hour),
				},
				Notes: []conversation.Note{
					{ID: conversation.NoteUnclearHelp},
					{ID: conversation.NotePasswordRefused, Args: conversation.Args{Word: long, Faults: []conversation.PasswordFlaw{
						conversation.FlawShort, conversation.FlawPersonal, conversation.FlawCommon, conversation.FlawBreached,
						conversation.FlawHistory, conversation.FlawDirectory,
					}}},
					{ID: id, Args: conversation.Args{Word: long, Name: long}},
				},
				Offers: wordstest.Offers(
					conversation.PickOwn(0), conversation.PickOwn(1), conversation.PickOwn(2), conversation.PickReset,
					conversation.PickStuck, conversation.PickElse, conversation.PickSMS, conversation.PickCall,
					conversation.PickPush, conversation.PickCode, conversation.PickNoPhone, conversation.PickDesk,
					conversation.PickName, conversation.PickBack, conversation.PickCancel, conversation.PickCaptcha,
				),
			}}
			for i, fields := range [][]conversation.Field{nil, {
				conversation.FieldName, conversation.FieldCaptcha, conversation.FieldNumber, conversation.FieldCode,
			}} {
				m.Page.Fields = fields
				name := fmt.Sprintf("%s, %s %d", locale, id, i)
				blocks, text, err := r.Page(m, pictureFile, "", wordstest.Monday)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				within(t, name, encoded(t, blocks), text)
				if blocks, text, err = r.Finished(m, conversation.PickSMS, wordstest.Monday); err != nil {
					t.Errorf("%s, over: %v", name, err)
				}
				within(t, name+", over", encoded(t, blocks), text)
				view, ok, err := r.Modal(m, wordstest.Monday)
				if err != nil || ok != (i == 1) {
					t.Errorf("%s, form: %t, %v", name, ok, err)
				}
				if ok {
					within(t, name+", form", encoded(t, view), "")
				}
			}
		}
	}
}

// TestAnOperatorsOwnLongTextsAreCutAndSent: a page that Slack refuses is worse than
// one whose last paragraphs are missing.
func TestAnOperatorsOwnLongTextsAreCutAndSent(t *testing.T) {
	for name, text := range map[string]string{
		"long":           strings.Repeat("é", 30_000),
		"many":           strings.Repeat("Een alinea.\n\n", 400),
		"what is escape": strings.Repeat("<&> ", 4_000),
	} {
		o := wordstest.Options(t)
		o.Overrides = []words.Override{{Locale: words.Dutch, Name: "long.yaml", Text: []byte(fmt.Sprintf(
			"start.ask.title: %q\nstart.ask.body: %q\nchoice.reset: %q\n", text, text, text))}}
		w, err := words.New(o)
		if err != nil {
			t.Fatal(err)
		}
		r, err := slack.NewRenderer(w)
		if err != nil {
			t.Fatal(err)
		}
		blocks, said, err := r.Page(bot.Outgoing{Locale: words.Dutch, Page: conversation.Page{
			ID: conversation.AskStart, Token: pageToken, Offers: wordstest.Offers(conversation.PickReset, conversation.PickStuck),
		}}, "", "", wordstest.Monday)
		if err != nil {
			t.Fatal(err)
		}
		within(t, name, encoded(t, blocks), said)
		if n := strings.Count(string(encoded(t, blocks)), pageToken); n < 4 {
			t.Errorf("%s: only %d buttons are left", name, n)
		}
	}
}

// everyPage are the pages that package conversation names.
func everyPage(t testing.TB) []conversation.MessageID {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "..", "conversation", "message.go"))
	if err != nil {
		t.Fatal(err)
	}
	var list []conversation.MessageID
	for _, m := range regexp.MustCompile(`MessageID += "([a-z]+)(\.[a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
		if m[1] != "note" && m[1] != "owner" {
			list = append(list, conversation.MessageID(m[1]+m[2]))
		}
	}
	if len(list) < 50 {
		t.Fatalf("only %d pages were found", len(list))
	}
	return list
}

// actionOf is what Slack sends when a button is pressed.
func actionOf(e map[string]any) *slackgo.BlockAction {
	text := func(key string) string { s, _ := e[key].(string); return s }
	return &slackgo.BlockAction{Type: "button", ActionID: text("action_id"), Value: text("value")}
}
