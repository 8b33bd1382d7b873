package words_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

// everything renders every message id as a page and as a note, with no
// arguments and with all of them, on every state there is a difference for.
func everything(t *testing.T, each func(t *testing.T, name, locale string, text words.Text)) {
	t.Helper()
	w := newWords(t)
	full := conversation.Args{
		At: monday.Add(26 * time.Hour), Minutes: 3, Left: 2, Step: 2, Digits: "13", Name: "M. de Vries",
		Domain: "linde.example",
		Length: 20, Reason: conversation.Frozen, Word: "Kies een ander wachtwoord.",
		Accounts: []string{"m.devries@linde.example"},
		Faults:   []conversation.PasswordFlaw{conversation.FlawShort, conversation.FlawDirectory},
	}
	var reasons []conversation.Args
	for _, r := range constants(t, "conversation.go", "Reason") {
		reasons = append(reasons, conversation.Args{Reason: conversation.Reason(r)})
	}
	var flaws []conversation.PasswordFlaw
	for _, f := range constants(t, "input.go", "PasswordFlaw") {
		flaws = append(flaws, conversation.PasswordFlaw(f))
	}
	var choices []conversation.Choice
	for _, c := range constants(t, "message.go", "Choice") {
		choices = append(choices, conversation.Choice(c))
	}
	var fields []conversation.Field
	for _, f := range constants(t, "message.go", "Field") {
		fields = append(fields, conversation.Field(f))
	}
	at := []time.Time{monday, monday.Add(5 * time.Hour), monday.Add(5*24*time.Hour + 12*time.Hour)}
	for _, locale := range []string{words.Dutch, words.English} {
		for _, id := range constants(t, "message.go", "MessageID") {
			if strings.HasPrefix(id, "owner.") {
				continue
			}
			for i, args := range append([]conversation.Args{{}, full}, reasons...) {
				for _, state := range []conversation.State{
					conversation.Start, conversation.Unlocking,
					conversation.Cancelled,
				} {
					page := conversation.Page{
						ID: conversation.MessageID(id), Args: args, Receipt: "K7Q-2MX", Crumb: i % 5,
						Ends: monday.Add(time.Hour),
						Notes: []conversation.Note{
							{ID: conversation.MessageID(id), Args: args},
							{
								ID:   conversation.NotePasswordRefused,
								Args: conversation.Args{Faults: flaws},
							},
						},
						Offers: offers(choices...),
					}
					if i%2 == 1 {
						page.Fields = fields
						page.Media = &conversation.Media{Kind: conversation.MediaCaptcha}
					}
					text, err := w.Render(locale, state, page, at[i%len(at)])
					name := fmt.Sprintf("%s %s %s %d", locale, id, state, i)
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					each(t, name, locale, text)
				}
			}
		}
	}
}

// lines are all texts of a page.
func lines(text words.Text) []string {
	list := slices.Concat([]string{text.Heading}, text.Notes, text.Body, text.Checklist, text.Below,
		[]string{text.Picture, text.Submit, text.Footer.Receipt, text.Footer.Left, text.Footer.Commands})
	for _, p := range text.Crumb {
		list = append(list, p.Label)
	}
	for _, f := range text.Fields {
		list = append(list, f.Label, f.Hint)
	}
	for _, c := range text.Choices {
		list = append(list, c.Label, c.Off)
	}
	return list
}

func TestNoPageHasAGapOrATemplateInIt(t *testing.T) {
	told := map[string]bool{}
	everything(t, func(t *testing.T, name, _ string, text words.Text) {
		if text.Heading == "" || len(text.Body) == 0 {
			t.Errorf("%s: no heading or no body: %+v", name, text)
		}
		for _, line := range lines(text) {
			for _, bad := range []string{
				"{{", "}}", "<no value>", "<nil>", "%!", "  ", " .", " ,", "..",
				"MISSING", "0001",
			} {
				if strings.Contains(line, bad) && !told[line] {
					told[line] = true
					t.Errorf("%s: %q in %q", name, bad, line)
				}
			}
		}
	})
}

// wordsMax is how long a sentence may be at B1.
const wordsMax = 26

func TestNoSentenceIsTooLong(t *testing.T) {
	longest := map[string]bool{}
	everything(t, func(t *testing.T, name, _ string, text words.Text) {
		for _, line := range lines(text) {
			for sentence := range sentences(line) {
				if n := len(strings.Fields(sentence)); n > wordsMax && !longest[sentence] {
					longest[sentence] = true
					t.Errorf("%s: %d words: %s", name, n, sentence)
				}
			}
		}
	})
}

func sentences(line string) func(func(string) bool) {
	return func(yield func(string) bool) {
		rest := line
		for rest != "" {
			end := strings.IndexAny(rest, ".?!:")
			for end >= 0 && end+1 < len(rest) && rest[end+1] != ' ' {
				next := strings.IndexAny(rest[end+1:], ".?!:")
				if next < 0 {
					end = -1
					break
				}
				end += 1 + next
			}
			if end < 0 {
				yield(rest)
				return
			}
			if !yield(rest[:end+1]) {
				return
			}
			rest = strings.TrimSpace(rest[end+1:])
		}
	}
}

// TestTheWordsAreOrdinaryWords: no jargon, no blame, and in Dutch "u".
func TestTheWordsAreOrdinaryWords(t *testing.T) {
	forbidden := map[string][]string{
		words.Dutch: {
			"authenticatie", "authenticeren", "credential", "credentials", "token", "error", "errors",
			"sessie", "directory",
			"server", "timeout", "ongeldig", "ongeldige", "foutief", "input", "gebruiker", "user", "login",
			"exception", "challenge",
			"je", "jij", "jou", "jouw", "jullie", "gefaald", "illegaal", "verboden",
		},
		words.English: {
			"authentication", "authenticate", "credential", "credentials", "token", "error", "errors",
			"session", "directory",
			"server", "timeout", "invalid", "illegal", "input", "exception", "challenge", "failed",
			"failure", "forbidden",
		},
	}
	for locale, bad := range forbidden {
		for id, text := range catalogue(t, locale) {
			for _, word := range strings.FieldsFunc(strings.ToLower(text),
				func(r rune) bool { return !unicode.IsLetter(r) }) {
				if slices.Contains(bad, word) && id != "choice.english" && !strings.Contains(text,
					"user name") {
					t.Errorf("%s, %s: %q in %q", locale, id, word, text)
				}
			}
		}
	}
}

// TestWhoeverReadsOfTheDeskReadsWhetherItIsOpen: also on its button.
func TestWhoeverReadsOfTheDeskReadsWhetherItIsOpen(t *testing.T) {
	now := map[string][]string{words.Dutch: {"is nu open", "is nu dicht"}, words.English: {
		"is open now",
		"is closed now",
	}}
	name := map[string]string{words.Dutch: "servicedesk", words.English: "service desk"}
	everything(t, func(t *testing.T, page, locale string, text words.Text) {
		all := strings.ToLower(strings.Join(slices.Concat(text.Notes, text.Body, text.Below), " "))
		said := strings.Contains(all, now[locale][0]) || strings.Contains(all, now[locale][1])
		if strings.Contains(all, name[locale]) && !said {
			t.Errorf("%s: the desk is mentioned, and not whether it is open: %s", page, all)
		}
		for _, c := range text.Choices {
			if c.Choice == conversation.PickDesk && !strings.Contains(c.Label, "(") {
				t.Errorf("%s: the button says only %q", page, c.Label)
			}
		}
	})
}

func TestADeadEndBeginsWithTheEmergencyProcedureAndHasTheReceipt(t *testing.T) {
	w := newWords(t)
	on := []conversation.MessageID{
		conversation.EndReset, conversation.EndUnlocked, conversation.EndSolved, conversation.EndCancelled,
		conversation.EndExpired, conversation.EndNotLocked,
		conversation.EndGuide, conversation.EndGuideStopped, conversation.EndGuideExpired,
		// Of an enrolment: their password works.
		conversation.EndEnrolled, conversation.EndEnrolPassword, conversation.EndEnrolPhone,
		conversation.EndEnrolSecond, conversation.EndEnrolFull, conversation.EndEnrolReset,
	}
	for _, id := range constants(t, "message.go", "MessageID") {
		page := conversation.Page{ID: conversation.MessageID(id), Receipt: "K7Q-2MX"}
		if !strings.HasPrefix(id, "end.") && !strings.HasPrefix(id,
			"done.") && page.ID != conversation.SayTrouble {
			continue
		}
		text, err := w.Render("nl", conversation.Referred, page, monday)
		if err != nil {
			t.Error(err)
		}
		emergency := len(text.Notes) > 0 && strings.Contains(text.Notes[0], "rode map bij de balie")
		if want := !slices.Contains(on, page.ID); emergency != want {
			t.Errorf("%s: the emergency procedure comes first: %t, want %t", id, emergency, want)
		}
		if text.Footer.Receipt != "Bonnummer K7Q-2MX" {
			t.Errorf("%s: the receipt reads %q", id, text.Footer.Receipt)
		}
	}
}

// TestTheLiteralWordsOfTheInstructions: what employees know from the
// hospital's own instructions reads the same here.
func TestTheLiteralWordsOfTheInstructions(t *testing.T) {
	w := newWords(t)
	var all strings.Builder
	for _, s := range wordstest.Scenes() {
		text, err := w.Render("nl", s.State, s.Page, monday)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(text.String())
	}
	for _, literal := range []string{
		"Toegang krijgen tot uw account", "Wie bent u?",
		"Als u uw account wilt herstellen, voert u eerst uw e-mailadres of gebruikersnaam en de tekens in de onderstaande " +
			"afbeelding of audio in.",
		"E-mailadres of gebruikersnaam: *",
		"Voer de tekens uit de afbeelding of de woorden uit de audio in. *", "[Volgende]",
		"Annuleren", "**verificatiestap 1** > verificatiestap 2 > nieuw wachtwoord kiezen",
		"Geef op hoe we in eerste instantie contact moeten opnemen voor verificatie:",
		"Sms-bericht naar mijn telefoon verzenden", "Mijn mobiele telefoon bellen",
		"Een melding in de Authenticator-app goedkeuren", "Een code invoeren uit de Authenticator-app",
		"Voor de beveiliging van uw account, moet u het volledige nummer van uw mobiele telefoon (*****13) hieronder invoeren. " +
			"U ontvangt een sms-bericht met een verificatiecode waarmee u uw wachtwoord opnieuw kunt instellen.",
		"Voer uw telefoonnummer in", "Zonder landcode: 0612345678, niet +31612345678.",
		"verificatiestap 1 ✓ > verificatiestap 2 ✓ > **nieuw wachtwoord kiezen**",
		"Het wachtwoord moet minstens 16 tekens lang zijn.", "Voer nieuw wachtwoord in:",
		"Bevestig nieuw wachtwoord:",
		"[Voltooien]", "Uw nieuwe wachtwoord is nu actief en u kan hiermee opnieuw inloggen op de werkplek.",
		"zorg dat u al uw apparaten (telefoons, tablets en pc's) bijwerkt met het nieuwe wachtwoord.",
		"Log de eerste keer in zonder pas, daarna kan de pas weer gebruikt worden om in te loggen.",
		"Nieuw wachtwoord voor M. de Vries, bonnummer K7Q-2MX",
		"Dan kan het niet via deze chat. Ga met uw personeelspas naar de servicedesk, of bel 071 555 01 99. Noem bonnummer K7Q-2MX.",
		"Stap 1 is gelukt ✓. Nu nog één controle, op een andere manier.", "al gebruikt bij stap 1",
		// The guide.
		"https://passwordreset.microsoftonline.com/",
		"Neem de tekens uit de afbeelding over, dit is niet hoofdletter gevoelig. Als de tekens niet duidelijk zijn kan een " +
			"nieuwe afbeelding worden gemaakt", "Klik op ‘Volgende’", "Kies 1 van de vier opties als eerste verificatiestap",
		"telefoonnummer is zonder landcode, dus 0612345678 en niet +31612345678", "vul de vereiste gegevens in",
		"Voer de stappen uit voor ‘verificatiestap 2’", "Vul nu een nieuw wachtwoord in en bevestig deze.",
		"Klik vervolgens op ‘Voltooien’",
	} {
		if !strings.Contains(all.String(), literal) {
			t.Errorf("nowhere: %s", literal)
		}
	}
}

func TestNumbersAgreeWithTheirNouns(t *testing.T) {
	w := newWords(t)
	for _, c := range []struct {
		locale string
		note   conversation.Note
		want   string
	}{
		{
			"nl",
			conversation.Note{ID: conversation.NoteMinutes, Args: conversation.Args{Minutes: 1}},
			"Nog 1 minuut.",
		},
		{
			"nl",
			conversation.Note{ID: conversation.NoteMinutes, Args: conversation.Args{Minutes: 3}},
			"Nog 3 minuten.",
		},
		{
			"en",
			conversation.Note{ID: conversation.NoteMinutes, Args: conversation.Args{Minutes: 1}},
			"1 minute left.",
		},
		{
			"en",
			conversation.Note{ID: conversation.NoteMinutes, Args: conversation.Args{Minutes: 3}},
			"3 minutes left.",
		},
		{
			"nl",
			conversation.Note{ID: conversation.NoteCodeWrong, Args: conversation.Args{Left: 1}},
			"U heeft nog 1 poging.",
		},
		{
			"nl",
			conversation.Note{ID: conversation.NoteCodeWrong, Args: conversation.Args{Left: 2}},
			"U heeft nog 2 pogingen.",
		},
		{
			"en",
			conversation.Note{ID: conversation.NoteCodeWrong, Args: conversation.Args{Left: 1}},
			"You have 1 try left.",
		},
		{
			"en",
			conversation.Note{ID: conversation.NoteCodeWrong, Args: conversation.Args{Left: 2}},
			"You have 2 tries left.",
		},
		{"nl", cooldown(700 * time.Millisecond), "Wacht nog 1 seconde."},
		{"nl", cooldown(28500 * time.Millisecond), "Wacht nog 29 seconden."},
		{"nl", cooldown(95 * time.Second), "Wacht nog 2 minuten."},
		{"en", cooldown(time.Second), "Wait 1 second more."},
		{"en", cooldown(-time.Second), "Wait 1 second more."},
	} {
		text, err := w.Render(c.locale, conversation.Find, conversation.Page{
			ID:    conversation.WaitFind,
			Notes: []conversation.Note{c.note},
		}, monday)
		if err != nil || !strings.Contains(strings.Join(text.Notes, " "), c.want) {
			t.Errorf("%s: %q, %v; want %q in it", c.locale, text.Notes, err, c.want)
		}
	}
}

func cooldown(left time.Duration) conversation.Note {
	return conversation.Note{ID: conversation.NoteCooldown, Args: conversation.Args{At: monday.Add(left)}}
}

func TestTheFooterCountsTheMinutesThatAreLeft(t *testing.T) {
	w := newWords(t)
	for _, c := range []struct {
		left time.Duration
		want string
	}{
		{15 * time.Minute, "nog 15 minuten"},
		{14*time.Minute + time.Second, "nog 15 minuten"},
		{time.Second, "nog 1 minuut"},
		{0, ""},
		{-time.Minute, ""},
	} {
		page := conversation.Page{ID: conversation.AskStart, Ends: monday.Add(c.left)}
		if text, err := w.Render("nl", conversation.Start, page,
			monday); err != nil || text.Footer.Left != c.want {
			t.Errorf("%v left: %q, %v, want %q", c.left, text.Footer.Left, err, c.want)
		}
	}
}

// TestAC67_OutsideTextStandsInASentenceAsPlainText: what comes from outside is
// shown as it is, never as a template, and cannot turn the text around it.
func TestAC67_OutsideTextStandsInASentenceAsPlainText(t *testing.T) {
	w := newWords(t)
	for given, shown := range map[string]string{
		"<@everyone>":                             "<@everyone>",
		"[click](http://evil.example)":            "[click](http://evil.example)",
		"*bold* _x_ ~y~ `z`":                      "*bold* _x_ ~y~ `z`",
		"{{.Receipt}} {{template \"x\"}}":         "{{.Receipt}} {{template \"x\"}}",
		"=1+1":                                    "=1+1",
		"J\u202ean\u202c \u2066de\u2069 Vries":    "Jan de Vries",
		"Jan\u200b\u200d\ufeff\u00ad Jansen":      "Jan Jansen",
		"Jan\x00\x1b[31m\r\nJansen\u2028x\u0085y": "Jan[31m Jansen x y",
		"  Jan \t Jansen ":                        "Jan Jansen",
		"Jan\xff\xfeJansen":                       "Jan\uFFFDJansen",
	} {
		page := conversation.Page{
			ID: conversation.AskPassword, Receipt: "K7Q-2MX",
			Args: conversation.Args{Name: given, Length: 16},
		}
		text, err := w.Render("nl", conversation.Password, page, monday)
		if err != nil {
			t.Error(err)
		}
		if want := "Nieuw wachtwoord voor " + shown + ", bonnummer K7Q-2MX"; text.Body[0] != want {
			t.Errorf("%q: %q, want %q", given, text.Body[0], want)
		}
		page = conversation.Page{
			ID: conversation.WaitFind,
			Notes: []conversation.Note{{
				ID: conversation.NotePasswordRefused,
				Args: conversation.Args{
					Faults: []conversation.PasswordFlaw{conversation.FlawDirectory},
					Word:   given,
				},
			}},
		}
		text, err = w.Render("nl", conversation.Find, page, monday)
		if want := "De reden die wij kregen: " + shown; err != nil || text.Notes[1] != want {
			t.Errorf("%q: %q, %v, want %q", given, text.Notes[1], err, want)
		}
		page = conversation.Page{
			ID: conversation.AskOwn, Args: conversation.Args{Accounts: []string{
				given,
				given,
			}},
			Offers: offers(conversation.PickOwn(0), conversation.PickOwn(1)),
		}
		if text, err = w.Render("nl", conversation.Who, page,
			monday); err != nil || text.Choices[1].Label != shown {
			t.Errorf("%q: %q, %v, want %q", given, text.Choices[1].Label, err, shown)
		}
	}
	long := conversation.Page{
		ID:   conversation.AskPassword,
		Args: conversation.Args{Name: strings.Repeat("é", 100_000)},
	}
	if text, _ := w.Render("nl", conversation.Password, long, monday); len(text.Body[0]) > 1000 {
		t.Errorf("a name of 100,000 letters makes a paragraph of %d bytes", len(text.Body[0]))
	}
}

// TestAC01_NoPageForOthersSaysWhetherAnAccountExists: no telling word stands in
// what strangers can read before the first proof.
func TestAC01_NoPageForOthersSaysWhetherAnAccountExists(t *testing.T) {
	w := newWords(t)
	ownOnly := []conversation.MessageID{
		conversation.EndIneligible, conversation.EndNoMethods, conversation.EndNotLocked,
		conversation.NoteNumberWrong,
		conversation.NoteNotEnrolled, conversation.NoteTooYoung, conversation.EndOneFamily,
	}
	for _, id := range constants(t, "message.go", "MessageID") {
		if slices.Contains(ownOnly, conversation.MessageID(id)) || strings.HasPrefix(id, "owner.") {
			continue
		}
		page := conversation.Page{
			ID:    conversation.WaitFind,
			Notes: []conversation.Note{{ID: conversation.MessageID(id)}},
		}
		text, err := w.Render("nl", conversation.Find, page, monday)
		if err != nil {
			t.Error(err)
		}
		all := strings.ToLower(strings.Join(text.Notes, " "))
		for _, telling := range []string{
			"bestaat", "onbekend", "niet gevonden", "geen account",
			"bekend bij ons", "komt niet voor",
		} {
			if strings.Contains(all, telling) {
				t.Errorf("%s says %q: %s", id, telling, all)
			}
		}
	}
}

// TestALabelFitsAButton: Slack cuts labels at 75 characters.
func TestALabelFitsAButton(t *testing.T) {
	everything(t, func(t *testing.T, name, _ string, text words.Text) {
		for _, c := range text.Choices {
			if n := len([]rune(c.Label)); n > 75 {
				t.Errorf("%s: a label of %d characters: %s", name, n, c.Label)
			}
		}
	})
}

func TestWhatHasNoWordsIsReportedAndStillSaysSomething(t *testing.T) {
	w := newWords(t)
	for name, page := range map[string]conversation.Page{
		"page":   {ID: "no.such"},
		"empty":  {},
		"note":   {ID: conversation.AskStart, Notes: []conversation.Note{{ID: "note.no_such"}}},
		"choice": {ID: conversation.AskStart, Offers: offers("no_such")},
		"own":    {ID: conversation.AskOwn, Offers: offers("own9")},
		"off": {ID: conversation.AskStart, Offers: []conversation.Offer{{
			Choice: conversation.PickSMS,
			Off:    "no.such",
		}}},
		"field":  {ID: conversation.AskStart, Fields: []conversation.Field{"no_such"}},
		"reason": {ID: conversation.EndIneligible, Args: conversation.Args{Reason: "no_such"}},
		"flaw": {
			ID: conversation.AskStart,
			Notes: []conversation.Note{{
				ID:   conversation.NotePasswordRefused,
				Args: conversation.Args{Faults: []conversation.PasswordFlaw{"no_such"}},
			}},
		},
		"garbage": {ID: "{{.}}", Crumb: 99, Notes: []conversation.Note{{}}, Offers: offers("", "own",
			"own-1", "own99999999999999999999")},
	} {
		text, err := w.Render("nl", "no_such", page, time.Time{})
		if err == nil {
			t.Errorf("%s: nothing was reported", name)
		}
		if text.Heading == "" || len(text.Body) == 0 || text.String() == "" {
			t.Errorf("%s: nothing is said: %+v", name, text)
		}
	}
}

func TestAnUnknownLocaleIsDutch(t *testing.T) {
	w := newWords(t)
	for tag, want := range map[string]string{
		"nl": "nl", "nl-NL": "nl", "nl_BE": "nl", "NL": "nl", "en": "en", "en-US": "en", "EN_gb": "en",
		" en ": "en",
		"":     "nl", "de": "nl", "fy-NL": "nl", "english": "nl", "\x00": "nl", "enx-en": "nl",
	} {
		if got := words.Locale(tag); got != want {
			t.Errorf("Locale(%q) = %q, want %q", tag, got, want)
		}
		text, err := w.Render(tag, conversation.Start, conversation.Page{ID: conversation.AskStart}, monday)
		if err != nil || text.Locale != want {
			t.Errorf("%q is rendered in %q, %v", tag, text.Locale, err)
		}
	}
}

func TestDescribeGivesTheLabel(t *testing.T) {
	w := newWords(t)
	if got, err := w.Describe("nl", conversation.PickSMS); got != "Sms-bericht naar mijn telefoon verzenden" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := w.Describe("en", conversation.PickDesk); got != "Service desk" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := w.Describe("en", "no_such"); err == nil {
		t.Error("an unknown choice was described")
	}
}

func TestEveryPhraseIsSaid(t *testing.T) {
	w := newWords(t)
	for _, p := range constants(t, "phrases.go", "Phrase") {
		for _, locale := range []string{"nl", "en"} {
			got := w.Phrase(locale, words.Phrase(p), conversation.Args{Word: "appel", Name: "peer"}, monday)
			if got == "" || strings.Contains(got, "{{") {
				t.Errorf("%s in %s: %q", p, locale, got)
			}
		}
	}
	if got := w.Phrase("nl", "no.such", conversation.Args{}, monday); got != "" {
		t.Errorf("an unknown phrase reads %q", got)
	}
}

func TestWordsAreSafeForConcurrentUse(t *testing.T) {
	w := newWords(t)
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for _, s := range wordstest.Scenes() {
				if _, err := w.Render("en", s.State, s.Page, monday); err != nil {
					t.Error(err)
				}
				w.Understand(s.Page, "nl", "ik heb mijn telefoon niet bij me")
			}
		})
	}
	done.Wait()
}
