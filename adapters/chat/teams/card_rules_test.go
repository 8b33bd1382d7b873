package teams_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"resetbot/adapters/chat/teams"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

// element is an object of a card.
type element = map[string]any

// elements are all objects of a card of that type; of every type for "".
func elements(t testing.TB, card json.RawMessage, kind string) []element {
	t.Helper()
	var value any
	if err := json.Unmarshal(card, &value); err != nil {
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

// isPage reports whether it is the card of a page that is on.
func (d drawn) isPage() bool {
	return d.of.Page.ID != "" && !strings.HasSuffix(d.name, ", over") && !strings.HasSuffix(d.name, ", dialog")
}

func TestEveryChoiceCanBePressedOnceAndCarriesThePage(t *testing.T) {
	for _, d := range cards(t, words.Dutch) {
		if !d.isPage() {
			continue
		}
		pressed := map[string]int{}
		for _, e := range elements(t, d.json, "Action.Submit") {
			data := e["data"].(element)
			if data["t"] != pageToken {
				t.Errorf("%s: a button carries the token %q", d.name, data["t"])
			}
			if choice, ok := data["c"].(string); ok {
				pressed[choice]++
				if e["associatedInputs"] != "none" {
					t.Errorf("%s: pressing %s sends what is typed half", d.name, choice)
				}
			}
		}
		for _, o := range d.of.Page.Offers {
			want := 1
			heard := o.Choice == conversation.PickAudio && d.of.SoundLink != "" // then there is the sound itself
			if o.Off != "" || heard {
				want = 0
			}
			if n := pressed[string(o.Choice)]; n != want {
				t.Errorf("%s: %s can be pressed %d times, want %d", d.name, o.Choice, n, want)
			}
		}
	}
}

func TestWhatCannotBePickedSaysWhy(t *testing.T) {
	for _, d := range cards(t, words.Dutch) {
		if d.name != "step 2" {
			continue
		}
		if n := strings.Count(string(d.json), "(al gebruikt bij stap 1)"); n < 2 {
			t.Errorf("%d of two methods say why they cannot be picked:\n%s", n, d.json)
		}
		return
	}
	t.Error("there is no step 2")
}

func TestNoPasswordIsTypedIntoAChat(t *testing.T) {
	unseenFields := []any{"password", "confirm", "current", "word", "meant_so"}
	for _, locale := range []string{words.Dutch, words.English} {
		dialogs := 0
		for _, d := range cards(t, locale) {
			dialog := strings.HasSuffix(d.name, ", dialog")
			masked := 0
			for _, e := range elements(t, d.json, "") {
				switch kind := e["type"]; {
				case kind != "Input.Text" && kind != "Input.Toggle":
				case !dialog && (e["style"] == "password" || slices.Contains(unseenFields, e["id"])):
					t.Errorf("%s: the chat asks for %s", d.name, e["id"])
				case dialog && e["style"] == "password":
					masked++
				case dialog && (e["id"] == "password" || e["id"] == "confirm" || e["id"] == "current"):
					t.Errorf("%s: everybody sees what is typed as %s", d.name, e["id"])
				}
			}
			if dialog && d.of.Page.AsksPassword() {
				dialogs++
				if masked == 0 {
					t.Errorf("%s: there is nowhere to type a password", d.name)
				}
			}
		}
		if dialogs == 0 {
			t.Error("there is no dialog")
		}
	}
}

// What a chat shows stays in its history.
func TestNoCardInAChatHoldsTheLinkOfAOneTimePage(t *testing.T) {
	r := newRenderer(t)
	found := 0
	for _, d := range cards(t, words.Dutch) {
		if d.of.Link == "" {
			continue
		}
		found++
		for _, text := range []string{string(d.json), r.Plain(d.of, d.at)} {
			if strings.Contains(text, d.of.Link) || strings.Contains(text, suggested) {
				t.Errorf("%s: the chat shows where the password is typed", d.name)
			}
		}
	}
	if found == 0 {
		t.Error("no page has a link")
	}
}

func TestWhatIsShownWhereAndUnderWhichName(t *testing.T) {
	r := newRenderer(t)
	for _, d := range pages(t, words.Dutch) {
		card, summary, err := r.Page(d.of, false, d.at)
		if err != nil {
			t.Fatal(err)
		}
		title := elements(t, card, "TextBlock")
		heads := slices.DeleteFunc(title, func(e element) bool { return e["style"] != "heading" })
		if len(heads) != 1 || heads[0]["text"] != summary || summary != r.Title(d.of, d.at) || summary == "" {
			t.Errorf("%s: the card is called %v, a notification of it %q, its dialog %q", d.name, heads, summary, r.Title(d.of, d.at))
		}
	}
}

func TestANoticeHasAButtonAndNoAddressInItsWords(t *testing.T) {
	r := newRenderer(t)
	notice := bot.Telling{
		Notice: conversation.Notice{
			Message: conversation.TellReset, Receipt: "K7Q-2MX", Chat: "teams", Locale: words.Dutch, At: wordstest.Monday,
		},
		Link: noticeLink,
	}
	card, summary, err := r.Notice(notice, wordstest.Monday)
	if err != nil {
		t.Fatal(err)
	}
	if summary != "Uw wachtwoord is gewijzigd" {
		t.Errorf("a notification of it says %q", summary)
	}
	if list := elements(t, card, "Action.OpenUrl"); len(list) != 1 || list[0]["url"] != noticeLink || list[0]["title"] != "Dit was ik niet" {
		t.Errorf("the buttons are %v", list)
	}
	if n := strings.Count(string(card), noticeLink); n != 1 {
		t.Errorf("the address is there %d times:\n%s", n, card)
	}
	notice.Link = ""
	if card, _, err = r.Notice(notice, wordstest.Monday); err != nil || len(elements(t, card, "Action.OpenUrl")) > 0 {
		t.Errorf("there is a button without an address: %v\n%s", err, card)
	}
}

func TestTheDialogIsOpenedWithThePagesTokenAndWithoutALink(t *testing.T) {
	want := element{"t": pageToken, "open": true, "msteams": element{"type": "task/fetch"}}
	opened := 0
	for _, d := range cards(t, words.Dutch) {
		if !d.isPage() {
			continue
		}
		var got []element
		for _, e := range elements(t, d.json, "Action.Submit") {
			if data := e["data"].(element); data["open"] != nil {
				got = append(got, data)
			}
		}
		switch elsewhere := d.of.Page.Entry != nil || masked(d.of.Page); {
		case elsewhere && len(got) != 1, !elsewhere && len(got) > 0:
			t.Errorf("%s: %d buttons open a dialog", d.name, len(got))
		case elsewhere:
			opened++
			if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("%s (-want +got)\n%s", d.name, diff)
			}
		}
	}
	if opened == 0 {
		t.Error("no page opens a dialog")
	}
}

func TestTheChatShowsBothWordsOfAOneTimePage(t *testing.T) {
	w := wordstest.New(t)
	for _, d := range cards(t, words.Dutch) {
		e := d.of.Page.Entry
		if e == nil || strings.HasSuffix(d.name, ", over") {
			continue
		}
		for _, n := range []int{e.Shows, e.Asks} {
			if word := w.Word(words.Dutch, n); !strings.Contains(string(d.json), `"`+word+`","weight":"bolder"`) {
				t.Errorf("%s: %q does not stand out", d.name, word)
			}
		}
	}
}

func TestACardThatIsOverHasNothingToPressOrFillIn(t *testing.T) {
	for _, locale := range []string{words.Dutch, words.English} {
		for _, d := range cards(t, locale) {
			if !strings.HasSuffix(d.name, ", over") {
				continue
			}
			for _, e := range elements(t, d.json, "") {
				kind, _ := e["type"].(string)
				if strings.HasPrefix(kind, "Input.") || strings.HasPrefix(kind, "Action") {
					t.Errorf("%s, %s: there still is %s", locale, d.name, kind)
				}
			}
			if strings.Contains(string(d.json), pageToken) {
				t.Errorf("%s, %s: it carries the token of its page", locale, d.name)
			}
		}
	}
}

func TestAdviceOutlivesItsCardAndAQuestionDoesNot(t *testing.T) {
	over := map[string]string{}
	for _, d := range cards(t, words.Dutch) {
		over[d.name] = string(d.json)
	}
	for name, text := range map[string]string{
		"done, over": "☐ Telefoon: wifi", "guide.captcha, over": "Neem de tekens uit de afbeelding over",
		"locked, over": "rode map bij de balie",
		"step 1, over": "Sms-bericht naar mijn telefoon verzenden", // which was picked
	} {
		if !strings.Contains(over[name], text) {
			t.Errorf("%s says no more: %s", name, text)
		}
	}
	for name, text := range map[string]string{
		"text message, over": "Typ hieronder de 6 cijfers", "notification, over": "42", "who, over": "data:image",
		"step 1, over": "Mijn mobiele telefoon bellen", "text message, wrong code, over": "Die code klopt niet",
	} {
		if strings.Contains(over[name], text) {
			t.Errorf("%s still says: %s", name, text)
		}
	}
}

func TestAPageWithoutATokenHasNothingToPress(t *testing.T) {
	r := newRenderer(t)
	for _, id := range []conversation.MessageID{conversation.SayTrouble, conversation.EndTrouble, conversation.AskSMSCode} {
		card, _, err := r.Page(bot.Outgoing{Locale: words.Dutch, Page: conversation.Page{
			ID: id, Offers: wordstest.Offers(conversation.PickAgain, conversation.PickDesk),
			Fields: []conversation.Field{conversation.FieldCode},
		}}, false, wordstest.Monday)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(elements(t, card, "Action.Submit")); n > 0 {
			t.Errorf("%s: %d buttons carry no page", id, n)
		}
	}
}

func TestAPageWithoutWordsIsAnErrorAndCanBeShownAllTheSame(t *testing.T) {
	card, _, err := newRenderer(t).Page(bot.Outgoing{
		Locale: words.Dutch, Page: conversation.Page{ID: "nobody.knows", Token: pageToken},
	}, false, wordstest.Monday)
	if err == nil {
		t.Error("that there are no words was not noticed")
	}
	within(t, "nobody.knows", card)
	if len(elements(t, card, "RichTextBlock")) == 0 {
		t.Errorf("the card says nothing: %s", card)
	}
}

func TestWhoeverGetsNoCardsReadsTheWholePage(t *testing.T) {
	r, w := newRenderer(t), wordstest.New(t)
	for _, d := range pages(t, words.English) {
		text, err := w.Render(words.English, d.of.State, d.of.Page, d.at)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(text.String(), r.Plain(d.of, d.at)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", d.name, diff)
		}
	}
	long := strings.Repeat("é", 30_000)
	o := wordstest.Options(t)
	o.Overrides = []words.Override{{Locale: words.Dutch, Name: "long.yaml", Text: []byte("start.ask.body: " + long)}}
	of, err := words.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = teams.NewRenderer(of); err != nil {
		t.Fatal(err)
	}
	plain := r.Plain(bot.Outgoing{Locale: words.Dutch, Page: conversation.Page{ID: conversation.AskStart}}, wordstest.Monday)
	if len(plain) > 17_000 || !utf8.ValidString(plain) || !strings.HasSuffix(plain, "…") {
		t.Errorf("a long page has %d bytes and ends on %q", len(plain), plain[len(plain)-8:])
	}
}

// FuzzAC67NamesStayTextInACard: wherever a name or a sentence from outside is
// drawn, it is in a rich text, the title of a button or the label of a field,
// which are plain text on every client; it is whole there; and whatever else the
// card has is as it is with an ordinary name.
func FuzzAC67NamesStayTextInACard(f *testing.F) {
	for name := range names {
		f.Add(name)
	}
	f.Add("</script><script>alert(1)</script>")
	f.Add("\x00\xff\u2028{{\u200b{")
	r, w := newRenderer(f), wordstest.New(f)
	const ordinary = "Aaaaaa"
	list := slices.DeleteFunc(pages(f, words.Dutch), func(d drawn) bool {
		return !slices.Contains([]string{
			"own account", "own accounts", "password", "password refused", "enrol, on a page of its own",
		}, d.name)
	})
	// drawnWith gives the card with that name everywhere, apart from the text that
	// is plain: that of the runs, each paragraph as one, and titles.
	drawnWith := func(t testing.TB, d drawn, name string) (rest string, plain []string) {
		m := d.of
		m.Page.Args.Name, m.Page.Args.Accounts = name, slices.Clone(m.Page.Args.Accounts)
		for i := range m.Page.Args.Accounts {
			m.Page.Args.Accounts[i] = name
		}
		m.Page.Notes = []conversation.Note{{ID: conversation.NotePasswordRefused, Args: conversation.Args{
			Word: name, Faults: []conversation.PasswordFlaw{conversation.FlawDirectory},
		}}}
		card, _, err := r.Page(m, false, d.at)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(card, &value); err != nil {
			t.Fatal(err)
		}
		value.(element)["fallbackText"] = "" // judged by itself
		walk(value, func(e map[string]any) {
			if inlines, ok := e["inlines"].([]any); ok {
				whole := ""
				for _, run := range inlines {
					text := run.(element)["text"].(string)
					if strings.Contains(text, "{{") {
						t.Errorf("a client would read a date in %q", text)
					}
					whole += text
				}
				plain, e["inlines"] = append(plain, whole), "plain"
			}
			if e["type"] == "Action.Submit" {
				plain, e["title"] = append(plain, e["title"].(string)), "plain"
			}
		})
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(data), plain
	}
	f.Fuzz(func(t *testing.T, name string) {
		shown := cleaned(t, w, name)
		for _, d := range list {
			rest, plain := drawnWith(t, d, name)
			want, _ := drawnWith(t, d, ordinary)
			if shown == "" {
				continue // without a name the sentence is another one
			}
			if rest != want {
				t.Errorf("%s: %q changes the card (-want +got)\n%s", d.name, name, cmp.Diff(want, rest))
			}
			if !slices.ContainsFunc(plain, func(text string) bool { return strings.Contains(text, shown) }) {
				t.Errorf("%s: %q is not among %q", d.name, shown, plain)
			}
		}
	})
}

// cleaned is a name as the words say it.
func cleaned(t testing.TB, w *words.Words, name string) string {
	t.Helper()
	text, err := w.Render(words.Dutch, conversation.Who, conversation.Page{
		ID: conversation.AskOwn, Args: conversation.Args{Accounts: []string{name, name}},
		Offers: wordstest.Offers(conversation.PickOwn(0)),
	}, wordstest.Monday)
	if err != nil {
		t.Fatal(err)
	}
	return text.Choices[0].Label
}

// FuzzWhatIsReadAsMarkdownReadsAsItIs: no mark is left that means something.
func FuzzWhatIsReadAsMarkdownReadsAsItIs(f *testing.F) {
	for name := range names {
		f.Add(name)
	}
	f.Add(own)
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		escaped := false
		for _, c := range teams.Unmarked(text) {
			switch {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
				continue
			case strings.ContainsRune("*_[]`~<&", c):
				t.Errorf("%q has a %q that means something", text, c)
			}
			b.WriteRune(c)
		}
		if strings.ToValidUTF8(text, "\uFFFD") == text && b.String() != text {
			t.Errorf("%q reads as %q", text, b.String())
		}
		if strings.Contains(teams.Unmarked(text), "{{") {
			t.Errorf("a client would read a date in %q", text)
		}
	})
}
