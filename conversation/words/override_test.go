package words_test

import (
	"strings"
	"testing"

	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

func TestAnOperatorsTextsLieOnTop(t *testing.T) {
	o := options(t)
	o.Overrides = []words.Override{
		{Locale: "nl", Name: "nl.yaml", Text: []byte(`
# ours
start.ask.title: "{{.Organisation}} helpt"
done:
  reset:
    title: Klaar
unit.tries: {one: "{{.Count}} kans", other: "{{.Count}} kansen"}
desk.name: het servicepunt
choice.sms: Stuur mij een sms'je
`)},
		{Locale: "nl", Name: "later.yaml", Text: []byte("done.reset.title: Helemaal klaar\n")},
		{Locale: "en", Name: "en.yaml", Text: []byte("# nothing yet\n")},
	}
	o.Desk.Name = "de balie"
	w, err := words.New(o)
	if err != nil {
		t.Fatal(err)
	}
	render := func(locale string, page conversation.Page) words.Text {
		t.Helper()
		text, err := w.Render(locale, conversation.Start, page, monday)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if got := render("nl", conversation.Page{ID: conversation.AskStart}).Heading; got != "Ziekenhuis De Linde helpt" {
		t.Errorf("heading %q", got)
	}
	if got := render("nl", conversation.Page{ID: conversation.EndReset}).Heading; got != "Helemaal klaar" {
		t.Errorf("heading %q", got)
	}
	wrong := conversation.Page{
		ID:    conversation.WaitFind,
		Notes: []conversation.Note{{ID: conversation.NoteCodeWrong, Args: conversation.Args{Left: 2}}},
	}
	if got := render("nl", wrong).Notes[0]; !strings.Contains(got, "2 kansen") {
		t.Errorf("note %q", got)
	}
	desk := conversation.Page{
		ID:    conversation.WaitFind,
		Notes: []conversation.Note{{ID: conversation.NoteDesk}},
	}
	if got := render("nl", desk).Notes[0]; !strings.HasPrefix(got, "Het servicepunt is nu dicht") {
		t.Errorf("the override of desk.name does not count: %q", got)
	}
	if got := render("en", desk).Notes[0]; !strings.HasPrefix(got, "De balie is closed now") {
		t.Errorf("the configured name does not count: %q", got)
	}
	page := conversation.Page{ID: conversation.AskMethod, Offers: offers(conversation.PickSMS)}
	if in := w.Understand(page, "nl", "stuur mij een sms'je"); in.Choice != conversation.PickSMS {
		t.Errorf("the operator's own label is not understood: %+v", in)
	}
}

func TestAnOverrideThatIsWrongIsAnErrorWithItsLine(t *testing.T) {
	for name, c := range map[string]struct{ locale, text, want string }{
		"unknown id": {
			"nl", "start.ask.title: x\nstart.aks.body: y\n",
			`own.yaml:2: unknown id "start.aks.body"`,
		},
		"unknown, nested": {
			"nl", "start:\n  ask:\n    titel: x\n",
			`own.yaml:3: unknown id "start.ask.titel"`,
		},
		"unknown value": {
			"nl", "\nstart.ask.title: \"{{.Organization}}\"\n",
			"own.yaml:2: start.ask.title: ",
		},
		"no template": {
			"nl", "start.ask.title: \"{{.Organisation\"\n",
			"own.yaml:1: start.ask.title: ",
		},
		"unknown function": {"nl", "start.ask.title: \"{{env}}\"\n", "own.yaml:1: start.ask.title: "},
		"empty": {
			"nl", "start.ask.title: \"\"\n",
			"own.yaml:1: start.ask.title: a text is wanted",
		},
		"a list": {
			"nl", "start.ask.title: [a, b]\n",
			"own.yaml:1: start.ask.title: a text is wanted",
		},
		"twice": {
			"nl", "start.ask.title: a\nstart:\n  ask:\n    title: b\n",
			"own.yaml:4: start.ask.title is there twice",
		},
		"no map":  {"nl", "- a\n", "own.yaml:1: a map from ids to texts is wanted"},
		"no YAML": {"nl", "a: b: c\n", "own.yaml: yaml:"},
		"unknown language": {
			"de", "start.ask.title: Hallo\n",
			`own.yaml: there is no language "de", only nl, en`,
		},
		"code too early": {
			"nl", "sms.code: \"{{.Code}} is uw code. Geef deze code aan niemand.\"\n",
			"sms.code in nl: the code comes after 0 characters",
		},
		"no code": {"en", "sms.code: Hello\n", "sms.code in en: there is no {{.Code}} in it"},
		"three text messages": {"en", "sms.code: \"" + strings.Repeat("Do not give this to anybody. ",
			12) + "{{.Code}}\"\n", "sms.code in en: it takes 3 parts, where 2 are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			o.Overrides = []words.Override{{Locale: c.locale, Name: "own.yaml", Text: []byte(c.text)}}
			_, err := words.New(o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestATextThatQuotesItselfEnds(t *testing.T) {
	o := options(t)
	o.Organisation = ""
	o.Overrides = []words.Override{{Locale: "nl", Name: "own.yaml", Text: []byte(`
organisation: "wij {{.Organisation}}"
unchanged: "Zo: {{.Authenticator}}{{.Unchanged}}"
authenticator: "app {{.Unchanged}}{{.Desk}}"
example: "x {{.Example}}"
list.or: "of {{.Endings}}"
desk.who: "{{.Who}} iemand"
`)}}
	w, err := words.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range wordstest.Scenes() {
		if _, err := w.Render("nl", s.State, s.Page, monday); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}

func TestAllFaultsOfAllFilesAreToldAtOnce(t *testing.T) {
	o := options(t)
	o.Desk.Hours = words.Hours{{Day: 8, From: 0, Until: 60}}
	o.Overrides = []words.Override{
		{Locale: "nl", Name: "a.yaml", Text: []byte("no.such: x\nnor.this: y\n")},
		{Locale: "en", Name: "b.yaml", Text: []byte("start.ask.title: \"{{.Nothing}}\"\n")},
	}
	_, err := words.New(o)
	for _, want := range []string{"day 8", "a.yaml:1:", "a.yaml:2:", "b.yaml:1:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestWordsWorkWithoutAnyOptions(t *testing.T) {
	w, err := words.New(words.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, locale := range []string{"nl", "en"} {
		for _, s := range wordstest.Scenes() {
			text, err := w.Render(locale, s.State, s.Page, monday)
			if err != nil || strings.Contains(text.String(), "  ") {
				t.Errorf("%s: %v\n%s", s.Name, err, text)
			}
		}
	}
}
