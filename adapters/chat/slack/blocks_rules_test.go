package slack_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"

	"resetbot/adapters/chat/slack"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

// element is an object of a block.
type element = map[string]any

// elements are all objects of that type; of every type for "".
func elements(t testing.TB, drawn json.RawMessage, kind string) []element {
	t.Helper()
	var value any
	if err := json.Unmarshal(drawn, &value); err != nil {
		t.Fatal(err)
	}
	var list []element
	walk(value, func(e map[string]any) {
		if kind == "" || e["type"] == kind {
			list = append(list, e)
		}
	})
	return list
}

func TestEveryChoiceCanBePressedOnceAndCarriesThePage(t *testing.T) {
	for _, locale := range []string{words.Dutch, words.English} {
		for _, d := range all(t, locale) {
			if !strings.HasPrefix(d.kind, "page") {
				continue
			}
			times := map[conversation.Choice]int{}
			for _, e := range elements(t, d.json, "button") {
				if e["url"] != nil {
					continue
				}
				p, ok := slack.ReadAction(actionOf(e))
				if !ok || p.Token != pageToken {
					t.Errorf("%s: a button is read as %+v, %t", d.name, p, ok)
				}
				times[p.Choice]++
			}
			for _, o := range d.of.Page.Offers {
				want := 1
				heard := o.Choice == conversation.PickAudio && d.of.SoundLink != "" // then there is the sound itself
				if o.Off != "" || heard || d.of.Page.Token == "" {
					want = 0
				}
				if n := times[o.Choice]; n != want {
					t.Errorf("%s: %s can be pressed %d times, want %d", d.name, o.Choice, n, want)
				}
			}
		}
	}
}

func TestWhatCannotBePickedSaysWhy(t *testing.T) {
	for _, d := range all(t, words.Dutch) {
		if d.name == "step 2" && d.kind == "page" {
			if n := strings.Count(string(d.json), "(al gebruikt bij stap 1)"); n < 2 {
				t.Errorf("%d of two methods say why they cannot be picked:\n%s", n, d.json)
			}
			return
		}
	}
	t.Error("there is no step 2")
}

func TestTypedAnswersAreShownAsNumbersThatAreUnderstood(t *testing.T) {
	w, numbered := wordstest.New(t), 0
	number := regexp.MustCompile(`"text":"(\d+)\. `)
	for _, d := range all(t, words.Dutch) {
		if d.kind != "page" || d.of.Page.Token == "" || len(d.of.Page.Fields) > 0 {
			continue
		}
		for _, m := range number.FindAllStringSubmatch(string(d.json), -1) {
			numbered++
			var n int
			if _, err := fmt.Sscan(m[1], &n); err != nil {
				t.Fatal(err)
			}
			offer := d.of.Page.Offers[n-1]
			if got := w.Understand(d.of.Page, words.Dutch, m[1]).Choice; got != offer.Choice {
				t.Errorf("%s: %s stands beside %s and means %s", d.name, m[1], offer.Choice, got)
			}
		}
	}
	if numbered < 50 {
		t.Errorf("only %d choices have a number", numbered)
	}
}

func TestNoPasswordIsTypedIntoSlack(t *testing.T) {
	r, forms := newRenderer(t), 0
	may := []any{"name", "captcha", "number", "code"}
	for _, locale := range []string{words.Dutch, words.English} {
		for _, d := range all(t, locale) {
			if strings.HasPrefix(d.kind, "form") {
				forms++
			}
			for _, e := range elements(t, d.json, "input") {
				if !strings.HasPrefix(d.kind, "form") || !slices.Contains(may, e["block_id"]) {
					t.Errorf("%s, %s: Slack asks for %v", d.name, d.kind, e["block_id"])
				}
			}
		}
		for _, s := range wordstest.Scenes() {
			s.Page.Token = pageToken
			if !s.Page.AsksPassword() && s.Page.Entry == nil {
				continue
			}
			if _, ok, _ := r.Modal(bot.Outgoing{Locale: locale, State: s.State, Page: s.Page}, s.At); ok {
				t.Errorf("%s has a form", s.Name)
			}
		}
	}
	if forms == 0 {
		t.Error("there is no form")
	}
}

func TestAFormHoldsTheTokenOfItsPageAndNothingElse(t *testing.T) {
	for _, d := range all(t, words.Dutch) {
		if !strings.HasPrefix(d.kind, "form") {
			continue
		}
		var view slackgo.ModalViewRequest
		if err := json.Unmarshal(d.json, &view); err != nil {
			t.Fatal(err)
		}
		if view.PrivateMetadata != pageToken || view.CallbackID == "" {
			t.Errorf("%s: the form holds %q, and is called %q", d.name, view.PrivateMetadata, view.CallbackID)
		}
		var fields []conversation.Field
		for _, e := range elements(t, d.json, "input") {
			fields = append(fields, conversation.Field(e["block_id"].(string)))
			if e["element"].(element)["initial_value"] != nil {
				t.Errorf("%s: the form is filled in beforehand", d.name)
			}
		}
		if diff := cmp.Diff(d.of.Page.Fields, fields); diff != "" {
			t.Errorf("%s: the fields (-want +got)\n%s", d.name, diff)
		}
	}
}

func TestAPageWithAFormSaysThatWhatIsTypedStaysInSlack(t *testing.T) {
	for _, d := range all(t, words.Dutch) {
		form := len(d.of.Page.Fields) > 0 && d.of.Page.Entry == nil && strings.HasPrefix(d.kind, "page")
		said := strings.Contains(string(d.json), "Wat u in Slack typt, blijft daar bewaard") && strings.Contains(d.text, "blijft daar bewaard")
		if form != said {
			t.Errorf("%s, %s: asks to be typed to: %t; says that it is kept: %t", d.name, d.kind, form, said)
		}
	}
}

func TestTheLinkOfAOneTimePageStandsInItsAnswerAlone(t *testing.T) {
	links := 0
	for _, d := range all(t, words.English) {
		n := strings.Count(string(d.json), pageLink)
		if strings.Contains(d.text, pageLink) {
			t.Errorf("%s, %s: the link is in the text", d.name, d.kind)
		}
		switch {
		case d.kind == "link" && n != 1:
			t.Errorf("%s: the answer has the link %d times", d.name, n)
		case d.kind == "link":
			links++
		case n > 0:
			t.Errorf("%s, %s: the link stands in Slack's history", d.name, d.kind)
		}
	}
	if links == 0 {
		t.Error("no page has a one-time page")
	}
}

func TestTheChatShowsBothWordsOfAOneTimePage(t *testing.T) {
	w := wordstest.New(t)
	for _, d := range all(t, words.Dutch) {
		e := d.of.Page.Entry
		if e == nil || d.kind == "over" {
			continue
		}
		for _, n := range []int{e.Shows, e.Asks} {
			word := w.Word(words.Dutch, n)
			if !strings.Contains(string(d.json), `"`+word+`","style":{"bold":true}`) || !strings.Contains(d.text, word) {
				t.Errorf("%s, %s: %q does not stand out", d.name, d.kind, word)
			}
		}
	}
}

func TestALinkIsGivenForAPageThatHasOneOnly(t *testing.T) {
	r := newRenderer(t)
	entry := &conversation.Entry{Shows: 1, Asks: 2}
	for name, m := range map[string]bot.Outgoing{
		"no page":         {Link: pageLink},
		"no link":         {Page: conversation.Page{Entry: entry}},
		"one too long":    {Page: conversation.Page{Entry: entry}, Link: "https://x.example/" + strings.Repeat("a", 3000)},
		"nothing at all ": {},
	} {
		m.Locale, m.Page.ID = words.Dutch, conversation.AskPassword
		if blocks, text, err := r.Link(m, wordstest.Monday); err == nil || blocks != nil || text != "" {
			t.Errorf("%s: %v, %q, %v", name, blocks, text, err)
		}
	}
}

func TestAPageThatIsOverHasNothingToPressOrFillIn(t *testing.T) {
	for _, locale := range []string{words.Dutch, words.English} {
		for _, d := range all(t, locale) {
			if d.kind != "over" {
				continue
			}
			for _, e := range elements(t, d.json, "") {
				switch e["type"] {
				case "button", "actions", "input", "image":
					t.Errorf("%s, %s: there still is %s", locale, d.name, e["type"])
				}
			}
			if strings.Contains(string(d.json), pageToken) {
				t.Errorf("%s, %s: it carries the token of its page", locale, d.name)
			}
		}
	}
}

func TestAdviceOutlivesItsPageAndAQuestionDoesNot(t *testing.T) {
	over := map[string]string{}
	for _, d := range all(t, words.Dutch) {
		if d.kind == "over" {
			over[d.name] = string(d.json) + d.text
		}
	}
	for name, text := range map[string]string{
		"done": "☐ Telefoon: wifi", "guide.captcha": "Neem de tekens uit de afbeelding over",
		"locked": "rode map bij de balie",
		"step 1": "Sms-bericht naar mijn telefoon verzenden", // which was picked
	} {
		if !strings.Contains(over[name], text) {
			t.Errorf("%s says no more: %s", name, text)
		}
	}
	for name, text := range map[string]string{
		"text message": "Typ hieronder de 6 cijfers", "notification": "42", "who": pictureFile,
		"step 1": "Mijn mobiele telefoon bellen", "text message, wrong code": "Die code klopt niet",
	} {
		if strings.Contains(over[name], text) {
			t.Errorf("%s still says: %s", name, text)
		}
	}
}

func TestAPageWithoutATokenHasNothingToPress(t *testing.T) {
	r := newRenderer(t)
	for _, id := range []conversation.MessageID{conversation.SayTrouble, conversation.EndTrouble, conversation.AskSMSCode} {
		blocks, _, err := r.Page(bot.Outgoing{Locale: words.Dutch, Page: conversation.Page{
			ID: id, Offers: wordstest.Offers(conversation.PickAgain, conversation.PickDesk),
			Fields: []conversation.Field{conversation.FieldCode},
		}}, "", "", wordstest.Monday)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(elements(t, encoded(t, blocks), "button")); n > 0 {
			t.Errorf("%s: %d buttons carry no page", id, n)
		}
	}
}

func TestAPageWithoutWordsIsAnErrorAndCanBeShownAllTheSame(t *testing.T) {
	blocks, text, err := newRenderer(t).Page(bot.Outgoing{
		Locale: words.Dutch, Page: conversation.Page{ID: "nobody.knows", Token: pageToken},
	}, "", "", wordstest.Monday)
	if err == nil {
		t.Error("that there are no words was not noticed")
	}
	within(t, "nobody.knows", encoded(t, blocks), text)
}

func TestAScreenReaderIsToldTheWholePage(t *testing.T) {
	for _, d := range all(t, words.English) {
		if d.kind != "page" {
			continue
		}
		buttons := map[any]bool{} // which are said by themselves
		for _, e := range elements(t, d.json, "button") {
			buttons[e["text"].(element)["text"]] = true
		}
		for _, e := range elements(t, d.json, "") {
			text, ok := e["text"].(string)
			if e["type"] != "text" && e["type"] != "plain_text" || !ok || buttons[text] {
				continue
			}
			for line := range strings.Lines(text) {
				line = strings.Trim(strings.TrimSpace(line), "☐ℹ⚠✓>()")
				if number := regexp.MustCompile(`^\d+\. `).FindString(line); number != "" {
					line = line[len(number):]
				}
				line = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(strings.TrimSpace(line))
				if line != "" && !strings.Contains(d.text, line) {
					t.Errorf("%s: what is said lacks %q:\n%s", d.name, line, d.text)
				}
			}
		}
	}
}

func TestALongLabelIsShortenedBetweenWordsAndShownWhole(t *testing.T) {
	label := "Een sms-bericht naar mijn eigen mobiele telefoon laten verzenden, of naar die van mijn werk"
	o := wordstest.Options(t)
	o.Overrides = []words.Override{{Locale: words.Dutch, Name: "long.yaml", Text: []byte(fmt.Sprintf("choice.sms: %q", label))}}
	w, err := words.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := slack.NewRenderer(w)
	if err != nil {
		t.Fatal(err)
	}
	blocks, text, err := r.Page(bot.Outgoing{Locale: words.Dutch, Page: conversation.Page{
		ID: conversation.AskMethod, Token: pageToken, Offers: wordstest.Offers(conversation.PickSMS, conversation.PickCall),
	}}, "", "", wordstest.Monday)
	if err != nil {
		t.Fatal(err)
	}
	section := elements(t, encoded(t, blocks), "section")[0]
	if got := section["text"].(element)["text"]; got != "1. "+label {
		t.Errorf("the choice says %q", got)
	}
	want := "1. Een sms-bericht naar mijn eigen mobiele telefoon laten verzenden, of…"
	if got := section["accessory"].(element)["accessibility_label"]; got != want {
		t.Errorf("the button is said as %q, want %q", got, want)
	}
	if !strings.Contains(text, label) {
		t.Errorf("the text lacks the label:\n%s", text)
	}
}

func TestATextIsShortenedBetweenWords(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"kort", 10, "kort"},
		{"precies 10", 10, "precies 10"},
		{"een twee drie", 10, "een twee…"},
		{"een twee drie", 9, "een twee…"},
		{"éénlangwoord", 6, "éénla…"},
		{"a bcdefghijklmno", 8, "a bcdef…"}, // half of it would be gone
	} {
		if got := slack.Shortened(c.text, c.most); got != c.want || utf8.RuneCountInString(got) > c.most {
			t.Errorf("%q in %d is %q, want %q", c.text, c.most, got, c.want)
		}
	}
}

func TestTheHomeTabHasOneButtonThatBegins(t *testing.T) {
	for _, locale := range []string{words.Dutch, words.English, "de", ""} {
		view := newRenderer(t).Home(locale)
		list := elements(t, encoded(t, view), "button")
		if len(list) != 1 {
			t.Fatalf("%q: %d buttons", locale, len(list))
		}
		p, ok := slack.ReadAction(actionOf(list[0]))
		if diff := cmp.Diff(slack.Press{}, p); !ok || diff != "" {
			t.Errorf("%q: its button is read as %+v, %t", locale, p, ok)
		}
	}
}

func TestWhatIsPressedIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		action slackgo.BlockAction
		want   slack.Press
		ok     bool
	}{
		"a choice": {
			slackgo.BlockAction{Type: "button", ActionID: "pick.sms", Value: `{"t":"abc_-1","c":"sms"}`},
			slack.Press{Token: "abc_-1", Choice: conversation.PickSMS},
			true,
		},
		"its form or page": {
			slackgo.BlockAction{Type: "button", ActionID: "open", Value: `{"t":"abc","o":true}`},
			slack.Press{Token: "abc", Open: true},
			true,
		},
		"the home tab":    {slackgo.BlockAction{Type: "button", ActionID: "home"}, slack.Press{}, true},
		"a link":          {slackgo.BlockAction{Type: "button", ActionID: "link"}, slack.Press{}, false},
		"nothing":         {slackgo.BlockAction{Type: "button", Value: `{"t":"abc"}`}, slack.Press{}, false},
		"both":            {slackgo.BlockAction{Type: "button", Value: `{"t":"abc","c":"sms","o":true}`}, slack.Press{}, false},
		"no token":        {slackgo.BlockAction{Type: "button", Value: `{"c":"sms"}`}, slack.Press{}, false},
		"no token at all": {slackgo.BlockAction{Type: "button", Value: `{"t":"a b","c":"sms"}`}, slack.Press{}, false},
		"a long token":    {slackgo.BlockAction{Type: "button", Value: `{"t":"` + strings.Repeat("a", 200) + `","c":"sms"}`}, slack.Press{}, false},
		"a long choice":   {slackgo.BlockAction{Type: "button", Value: `{"t":"a","c":"` + strings.Repeat("a", 200) + `"}`}, slack.Press{}, false},
		"a long value":    {slackgo.BlockAction{Type: "button", Value: `{"t":"a","c":"sms","x":"` + strings.Repeat("a", 2000) + `"}`}, slack.Press{}, false},
		"no JSON":         {slackgo.BlockAction{Type: "button", Value: `sms`}, slack.Press{}, false},
		"a menu":          {slackgo.BlockAction{Type: "static_select", Value: `{"t":"abc","c":"sms"}`}, slack.Press{}, false},
	} {
		p, ok := slack.ReadAction(&c.action)
		if diff := cmp.Diff(c.want, p); diff != "" || ok != c.ok {
			t.Errorf("%s: %t (-want +got)\n%s", name, ok, diff)
		}
	}
	if _, ok := slack.ReadAction(nil); ok {
		t.Error("no action at all is read")
	}
}

func TestWhatIsFilledInIsRead(t *testing.T) {
	state := func(values map[string]string) *slackgo.ViewState {
		s := &slackgo.ViewState{Values: map[string]map[string]slackgo.BlockAction{}}
		for field, value := range values {
			s.Values[field] = map[string]slackgo.BlockAction{field: {Type: "plain_text_input", Value: value}}
		}
		return s
	}
	form := func(token string, values map[string]string) slackgo.View {
		return slackgo.View{Type: "modal", CallbackID: "form", PrivateMetadata: token, State: state(values)}
	}
	foreign := form("abc", map[string]string{"code": "123456"})
	foreign.CallbackID = "other"
	stateless := form("abc", nil)
	stateless.State = nil
	for name, c := range map[string]struct {
		view slackgo.View
		want slack.Press
		ok   bool
	}{
		"a name and a captcha": {
			form("abc", map[string]string{"name": "zoë@linde.example", "captcha": "A7K4MX"}),
			slack.Press{Token: "abc", Fields: map[conversation.Field]string{"name": "zoë@linde.example", "captcha": "A7K4MX"}},
			true,
		},
		"a field that no form has": {
			form("abc", map[string]string{"code": "123456", "password": "geheim"}),
			slack.Press{Token: "abc", Fields: map[conversation.Field]string{"code": "123456"}},
			true,
		},
		"a password alone": {form("abc", map[string]string{"password": "geheim"}), slack.Press{Token: "abc", Fields: map[conversation.Field]string{}}, false},
		"too long":         {form("abc", map[string]string{"name": strings.Repeat("a", 5000)}), slack.Press{}, false},
		"no token":         {form("", map[string]string{"code": "123456"}), slack.Press{}, false},
		"not our form":     {foreign, slack.Press{}, false},
		"no state":         {stateless, slack.Press{}, false},
	} {
		p, ok := slack.ReadView(c.view)
		if diff := cmp.Diff(c.want, p); diff != "" || ok != c.ok {
			t.Errorf("%s: %t (-want +got)\n%s", name, ok, diff)
		}
	}
}
