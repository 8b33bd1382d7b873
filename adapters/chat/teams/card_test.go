package teams_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"resetbot/adapters/captcha"
	"resetbot/adapters/chat/teams"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func newRenderer(t testing.TB) teams.Renderer {
	t.Helper()
	r, err := teams.NewRenderer(wordstest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pageToken is the token of every page here.
const pageToken = "MDEyMzQ1Njc4OWFiY2RlZg"

// drawn is a card, and what it is of.
type drawn struct {
	name string
	of   bot.Outgoing
	at   time.Time
	json json.RawMessage
}

// pages are the pages of the wizard, as they come to Teams in this language.
func pages(t testing.TB, locale string) []drawn {
	t.Helper()
	var list []drawn
	for _, s := range wordstest.Scenes() {
		if s.Page.ID == conversation.AskScanHere { // which is a terminal's
			continue
		}
		if s.Page.ID != conversation.SayTrouble { // which is said from memory
			s.Page.Token = pageToken
		}
		m := bot.Outgoing{Locale: locale, State: s.State, Page: s.Page}
		if media := s.Page.Media; media != nil && media.Kind == conversation.MediaCaptcha {
			m.Picture = riddle(t)
			if media.Sound {
				m.SoundLink = "https://hulp.linde.example/s/AbCdEf"
			}
		}
		if s.Page.Entry != nil {
			m.Link = "https://hulp.linde.example/p/AbCdEfGhIjKl"
		}
		list = append(list, drawn{name: s.Name, of: m, at: s.At})
	}
	return list
}

func riddle(t testing.TB) []byte {
	t.Helper()
	painter, err := captcha.New()
	if err != nil {
		t.Fatal(err)
	}
	png, err := painter.Paint(conversation.NewSecret("A7K4MX"), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return png
}

// suggested is a password that would do.
const suggested = "lepel wandelt zacht omhoog"

// cards are all cards that Teams comes to show in this language: of each page, of
// each page that is over, of each dialog, of each notice.
func cards(t testing.TB, locale string) []drawn {
	t.Helper()
	r := newRenderer(t)
	var all, over, dialogs []drawn
	add := func(list *[]drawn, d drawn, name string, card json.RawMessage, err error) {
		if err != nil {
			t.Errorf("%s, %s: %v", locale, name, err)
		}
		d.name, d.json = name, card
		*list = append(*list, d)
	}
	for _, d := range pages(t, locale) {
		card, _, err := r.Page(d.of, false, d.at)
		add(&all, d, d.name, card, err)
		if d.of.Page.Entry != nil {
			card, _, err = r.Page(d.of, true, d.at)
			add(&all, d, d.name+", opened before", card, err)
		}
		var chosen conversation.Choice
		if len(d.of.Page.Offers) > 0 {
			chosen = d.of.Page.Offers[0].Choice
		}
		card, err = r.Finished(d.of, chosen, d.at)
		add(&over, d, d.name+", over", card, err)
		if masked(d.of.Page) {
			card, err = r.Dialog(d.of, suggested, d.at)
			add(&dialogs, d, d.name+", dialog", card, err)
		}
	}
	return slices.Concat(all, over, dialogs, notices(t, r, locale))
}

// notices are what owners are told.
func notices(t testing.TB, r teams.Renderer, locale string) []drawn {
	t.Helper()
	var list []drawn
	for _, id := range []conversation.MessageID{
		conversation.TellProved, conversation.TellReset, conversation.TellUnlocked, conversation.TellLocked,
		conversation.TellDenied, conversation.TellFrozen, conversation.TellSecured, conversation.TellOther,
		conversation.TellUnfrozen, conversation.TellBound, conversation.TellEnrolled, conversation.TellEnrolProved, conversation.TellEnrolWrong,
		conversation.TellRemoved,
	} {
		card, _, err := r.Notice(bot.Telling{
			Notice: conversation.Notice{Message: id, Receipt: "K7Q-2MX", Chat: "teams", Locale: locale, At: wordstest.Monday},
			Link:   noticeLink,
		}, wordstest.Monday)
		if err != nil {
			t.Errorf("%s, %s: %v", locale, id, err)
		}
		list = append(list, drawn{name: string(id), json: card})
	}
	return list
}

var noticeLink = "https://hulp.linde.example/n/" + strings.Repeat("AbCdEf", 60)

// masked reports whether a page is filled in in masked fields of Teams.
func masked(p conversation.Page) bool { return p.Entry == nil && p.AsksPassword() }

func TestCardsAreAsInTheGoldenFile(t *testing.T) {
	var b strings.Builder
	for _, d := range cards(t, words.Dutch) {
		fmt.Fprintf(&b, "======== %s\n\n%s\n", d.name, laidOut(t, d.json))
	}
	path := filepath.Join("testdata", "cards.nl.golden.txt")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("%s differs; if it is meant so, run go test -update (-want +got)\n%s", path, diff)
	}
}

// image is a picture within a card.
var image = regexp.MustCompile(`data:image/png;base64,[A-Za-z0-9+/=]+`)

// laidOut is a card with an element on each line, without its pictures.
func laidOut(t *testing.T, card json.RawMessage) string {
	t.Helper()
	var c struct {
		Type, Version, Lang, FallbackText string
		Body                              []json.RawMessage
	}
	if err := json.Unmarshal(card, &c); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\n", c.Type, c.Version, c.Lang)
	for _, e := range c.Body {
		line := image.ReplaceAllString(string(e), "data:…")
		for _, known := range [][2]string{
			{`,"msteams":{"feedback":{"hide":true}}`, ""}, // of every button
			{pageToken, "…"},
		} {
			line = strings.ReplaceAll(line, known[0], known[1])
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// schema is the published one of Adaptive Cards 1.5.
func cardSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir := os.Getenv("RESETBOT_SPECS")
	if dir == "" {
		t.Skip("RESETBOT_SPECS does not say where the published descriptions are")
	}
	file, err := os.Open(filepath.Join(dir, "adaptive-card-1.5.0.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	document, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("card.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("card.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestCardsHoldToThePublishedSchema(t *testing.T) {
	published := cardSchema(t)
	if published.Validate(map[string]any{"type": "AdaptiveCard", "version": "1.5", "body": []any{"text"}}) == nil {
		t.Fatal("the schema takes anything")
	}
	for _, locale := range []string{words.Dutch, words.English} {
		for _, d := range cards(t, locale) {
			card, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.json))
			if err != nil {
				t.Fatal(err)
			}
			walk(card, func(element map[string]any) { withoutTeams(t, element) })
			if err := published.Validate(card); err != nil {
				t.Errorf("%s, %s: %v", locale, d.name, err)
			}
		}
	}
}

// withoutTeams takes from a button what Teams adds to Adaptive Cards, of which
// their schema knows nothing: that no confirmation is shown.
func withoutTeams(t *testing.T, element map[string]any) {
	t.Helper()
	extra, there := element["msteams"]
	if !there || element["type"] != "Action.Submit" {
		return
	}
	want := map[string]any{"feedback": map[string]any{"hide": true}}
	if diff := cmp.Diff(want, extra); diff != "" {
		t.Errorf("a button tells Teams more than to be quiet (-want +got)\n%s", diff)
	}
	delete(element, "msteams")
}

// walk visits every object of a card.
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

// Teams' own limits. The schema knows none of them.
const (
	cardMax    = 28_000 // bytes, without pictures
	messageMax = 80_000 // UTF-16 units of the whole message, of which the card is nearly all
	actionsMax = 6      // in one set; Teams hides the others in a menu
)

// within holds a card to the limits of Teams.
func within(t *testing.T, name string, card json.RawMessage) {
	t.Helper()
	if n := len(image.ReplaceAll(card, nil)); n > cardMax {
		t.Errorf("%s: the card has %d bytes without pictures", name, n)
	}
	if n := len(card); n > messageMax {
		t.Errorf("%s: the card has %d bytes", name, n)
	}
	var value any
	if err := json.Unmarshal(card, &value); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	ids := map[any]bool{}
	walk(value, func(e map[string]any) {
		if actions, ok := e["actions"].([]any); ok && (len(actions) > actionsMax || len(actions) == 0) {
			t.Errorf("%s: %d buttons in one set", name, len(actions))
		}
		if id, ok := e["id"]; ok {
			if ids[id] {
				t.Errorf("%s: two inputs are called %s", name, id)
			}
			ids[id] = true
		}
		if title, ok := e["title"]; ok && strings.TrimSpace(title.(string)) == "" {
			t.Errorf("%s: a button says nothing", name)
		}
		if text, ok := e["text"]; ok && text == "" {
			t.Errorf("%s: an empty piece of text", name)
		}
	})
}

// TestCardsKeepWithinTheLimitsOfTeams takes every page and note that there are
// words for, with all choices and fields, and the longest that people are
// called and directories say.
func TestCardsKeepWithinTheLimitsOfTeams(t *testing.T) {
	r := newRenderer(t)
	long := strings.Repeat("Wouter van den Berg-Zuidema (OK) ", 10)
	for _, locale := range []string{words.Dutch, words.English} {
		for _, d := range cards(t, locale) {
			within(t, locale+", "+d.name, d.json)
		}
		for _, id := range everyPage(t) {
			m := bot.Outgoing{
				Locale: locale, Page: conversation.Page{
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
				},
			}
			for i, fields := range [][]conversation.Field{nil, {
				conversation.FieldName, conversation.FieldCaptcha, conversation.FieldNumber, conversation.FieldCode,
			}} {
				m.Page.Fields = fields
				name := fmt.Sprintf("%s, %s %d", locale, id, i)
				card, _, err := r.Page(m, false, wordstest.Monday)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				within(t, name, card)
				if card, err = r.Finished(m, conversation.PickSMS, wordstest.Monday); err != nil {
					t.Errorf("%s, over: %v", name, err)
				}
				within(t, name+", over", card)
			}
		}
	}
}

// everyPage are the pages that package conversation names.
func everyPage(t *testing.T) []conversation.MessageID {
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
