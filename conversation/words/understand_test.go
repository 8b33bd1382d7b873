package words_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"resetbot/conversation"
)

// The pages on which the tests type.
var (
	nowhere = conversation.Page{}
	start   = conversation.Page{ID: conversation.AskStart, Offers: offers(
		conversation.PickReset, conversation.PickStuck, conversation.PickElse)}
	elsePage = conversation.Page{ID: conversation.AskElse, Offers: offers(
		conversation.PickReset, conversation.PickMicrosoft, conversation.PickLostPhone,
		conversation.PickDesk)}
	hints = conversation.Page{ID: conversation.AskHints, Offers: offers(
		conversation.PickWorks, conversation.PickUnlock, conversation.PickReset)}
	follow = conversation.Page{ID: conversation.AskFollowUp, Offers: offers(conversation.PickYes,
		conversation.PickNo)}
	own = conversation.Page{
		ID:     conversation.AskOwn,
		Args:   conversation.Args{Accounts: []string{"m.devries@linde.example"}},
		Offers: offers(conversation.PickYes, conversation.PickOther),
	}
	owns = conversation.Page{
		ID:     conversation.AskOwn,
		Args:   conversation.Args{Accounts: []string{"m.devries@linde.example", "m-devries@linde.example"}},
		Offers: offers(conversation.PickOwn(0), conversation.PickOwn(1), conversation.PickOther),
	}
	who = conversation.Page{
		ID:     conversation.AskWho,
		Media:  &conversation.Media{Kind: conversation.MediaCaptcha},
		Fields: []conversation.Field{conversation.FieldName, conversation.FieldCaptcha},
		Offers: offers(conversation.PickCaptcha, conversation.PickAudio, conversation.PickBack,
			conversation.PickCancel),
	}
	captcha = conversation.Page{
		ID:     conversation.AskCaptcha,
		Fields: []conversation.Field{conversation.FieldCaptcha},
		Offers: offers(conversation.PickCaptcha, conversation.PickAudio, conversation.PickBack,
			conversation.PickCancel),
	}
	choose = conversation.Page{
		ID: conversation.AskMethod, Crumb: 1, Args: conversation.Args{Step: 1},
		Offers: offers(sms, call, push, code, noPhone, desk, name),
	}
	second = conversation.Page{
		ID: conversation.AskMethod, Crumb: 2, Args: conversation.Args{Step: 2},
		Offers: []conversation.Offer{
			{Choice: sms, Off: conversation.NoteFamilyUsed},
			{
				Choice: call,
				Off:    conversation.NoteFamilyUsed,
			},
			{Choice: push},
			{Choice: code},
			{Choice: noPhone},
			{Choice: desk},
		},
	}
	number = conversation.Page{
		ID: conversation.AskNumber, Crumb: 1, Args: conversation.Args{Step: 1},
		Fields: []conversation.Field{conversation.FieldNumber}, Offers: offers(conversation.PickNotMine,
			method, noPhone, desk),
	}
	codePage = conversation.Page{
		ID: conversation.AskSMSCode, Crumb: 1, Args: conversation.Args{Step: 1},
		Fields: []conversation.Field{conversation.FieldCode}, Offers: offers(conversation.PickResend, name,
			method, noPhone, desk),
	}
	waiting = conversation.Page{
		ID: conversation.WaitPush, Crumb: 2, Args: conversation.Args{Step: 2},
		Offers: offers(method, noPhone, desk),
	}
	checking = conversation.Page{
		ID: conversation.WaitCheck, Crumb: 2, Args: conversation.Args{Step: 2},
		Offers: offers(desk),
	}
	password = conversation.Page{
		ID: conversation.AskPassword, Crumb: 3,
		Fields: []conversation.Field{conversation.FieldPassword, conversation.FieldConfirm},
		Offers: offers(conversation.PickCancel, desk),
	}
	guided = conversation.Page{ID: conversation.AskGuideMethod, Offers: offers(conversation.PickNext,
		conversation.PickTrouble)}
	guidedOn = conversation.Page{ID: conversation.AskGuideMethod, Offers: offers(conversation.PickDesk,
		conversation.PickNext, conversation.PickTrouble, conversation.PickAgain)}
	changing = conversation.Page{ID: conversation.WaitChange, Crumb: 3}
	locked   = conversation.Page{ID: conversation.EndLocked, Offers: offers(again, desk)}
	every    = []conversation.Page{
		nowhere, start, elsePage, hints, follow, own, owns, who, captcha, choose,
		second, number,
		codePage, waiting, checking, password, changing, locked, guided, guidedOn,
	}
)

// meaning is the one thing that an Input says: a choice as "sms", a field as
// "code=123456", or "" for Unread.
func meaning(t *testing.T, in conversation.Input) string {
	t.Helper()
	if in.Kind != conversation.Said || in.Event != "" || in.Token != "" || in.Outcome != nil {
		t.Errorf("more than what was said: %+v", in)
	}
	switch {
	case in.Choice != "" && !in.Unread && in.Fields == nil:
		return string(in.Choice)
	case in.Choice == "" && !in.Unread && len(in.Fields) == 1:
		for f, v := range in.Fields {
			return string(f) + "=" + v.Reveal()
		}
	case in.Choice == "" && in.Unread:
		return ""
	}
	t.Errorf("not one thing: %+v", in)
	return "?"
}

func TestUnderstanding(t *testing.T) {
	w := newWords(t)
	for _, c := range []struct {
		page conversation.Page
		want conversation.Choice
		said []string
	}{
		// What a person comes for.
		{nowhere, conversation.PickReset, []string{
			"wachtwoord vergeten", "Wachtwoord vergeten!", "WACHTWOORD VERGETEN",
			"  wachtwoord   vergeten ", "reset", "/reset", "/wachtwoord",
			"ik ben mijn wachtwoord vergeten", "Hoi, ik ben mijn wachtwoord vergeten en kan er niet in",
			"wachtwoord kwijt",
			"ik weet mijn wachtwoord niet meer", "wachtword vergeten", "wachtwoord vegeten",
			"mijn ww vergeten", "nieuw wachtwoord graag",
			"kunt u mijn wachtwoord resetten?", "ik wil graag een nieuw wachtwoord",
			"mijn wachtwoord is verlopen", "I forgot my password",
			"forgot my passwrod", "forgotten password", "I lost my password", "i don't know my password",
			"I can't remember my password",
			"please reset my password", "password reset", "change password", "wachtwoord wijzigen aub",
			"*wachtwoord vergeten*",
			"wachtwoord vergeten 😢", "ｗａｃｈｔｗｏｏｒｄ ｖｅｒｇｅｔｅｎ", "wacht\u200bwoord ver\u00adgeten", "password",
		}},
		{start, conversation.PickReset, []string{
			"1", "1.", "optie 1", "een", "één", "one",
			"wachtwoord vergeten", "Forgot my password", "١", "１", "1️⃣",
		}},
		{start, conversation.PickStuck, []string{
			"2", "twee", "kan niet inloggen", "ik kan niet inloggen", "kom er niet in",
			"Ik weet mijn wachtwoord, maar kom er niet in",
			"ik weet mijn wachtwoord maar kan niet inloggen", "I can't log in", "cannot sign in",
			"mijn account is geblokkeerd",
			"mijn account zit op slot, geblokkeerd denk ik", "I know my password, but cannot get in",
			"inloggen lukt niet", "geblokeerd",
			"het lukt me niet om in te loggen, ik krijg het inloggen niet voor elkaar",
		}},
		{start, conversation.PickElse, []string{
			"3", "iets anders", "Iets anders.", "something else",
			"anders", "iets andres",
		}},
		{start, conversation.PickUnlock, []string{
			"ontgrendelen", "account ontgrendelen",
			"ontgrendelen aub", "unlock my account", "ontgrendeln",
		}},
		{start, conversation.PickLostPhone, []string{
			"telefoon kwijt", "mijn telefoon is gestolen",
			"I lost my phone",
		}},
		{start, conversation.PickHelp, []string{"hallo", "Hoi!", "goedemorgen", "hello"}},
		{elsePage, conversation.PickMicrosoft, []string{
			"2", "microsoft", "pagina van microsoft",
			"Microsoft's own page",
		}},
		{elsePage, conversation.PickLostPhone, []string{"3", "telefoon kwijt of gestolen", "phone stolen"}},
		{elsePage, conversation.PickDesk, []string{"4", "servicedesk", "iemand spreken", "Servicedesk"}},
		{hints, conversation.PickWorks, []string{
			"1", "nu lukt het", "het lukt", "gelukt!",
			"it works now",
		}},
		{hints, conversation.PickUnlock, []string{"2", "account ontgrendelen", "ontgrendelen", "unlock"}},
		{hints, conversation.PickReset, []string{
			"3", "toch een nieuw wachtwoord", "nieuw wachtwoord",
			"wachtwoord vergeten", "A new password after all",
		}},
		{follow, conversation.PickYes, []string{"1", "ja", "Ja!", "ja hoor", "yes", "j"}},
		{follow, conversation.PickNo, []string{"2", "nee", "nog niet", "no", "n"}},

		// Who they are.
		{own, conversation.PickYes, []string{"ja", "1", "dat klopt", "klopt", "yes", "that's me"}},
		{own, conversation.PickOther, []string{
			"nee", "2", "ander account", "een ander account", "no",
			"another account", "niet mijn account",
		}},
		{owns, conversation.PickOwn(0), []string{
			"1", "m.devries@linde.example",
			" M.DeVries@Linde.example ", "optie 1",
		}},
		{owns, conversation.PickOwn(1), []string{"2", "m-devries@linde.example"}},
		{owns, conversation.PickOther, []string{"3", "ander account"}},
		{who, conversation.PickCaptcha, []string{
			"nieuwe afbeelding", "🔄 Nieuwe afbeelding",
			"nieuwe afbeeldng", "ik kan het niet lezen", "new picture",
		}},
		{captcha, conversation.PickCaptcha, []string{
			"nieuwe afbeelding", "ander plaatje", "niet leesbaar",
			"New picture", "🔄 new picture",
		}},
		{captcha, conversation.PickAudio, []string{"audio", "🔊 Audio", "geluid", "luisteren", "Voorlezen", "listen"}},
		{who, conversation.PickAudio, []string{"audio"}},

		// The two steps.
		{choose, sms, []string{
			"1", "sms", "SMS", "sms-bericht", "bericht", "stuur mij een sms", "ik wil graag een sms'je",
			"Sms-bericht naar mijn telefoon verzenden",
			"send a text message to my phone", "text message", "Sms-bericht naar mijn telefon verzenden",
			"via sms",
		}},
		{choose, call, []string{
			"2", "bellen", "bel mij", "bel me op", "Mijn mobiele telefoon bellen",
			"call me", "Call my mobile phone", "ik wil gebeld worden",
		}},
		{choose, push, []string{
			"3", "melding", "push", "Een melding in de Authenticator-app goedkeuren",
			"een melding", "notification",
		}},
		{choose, code, []string{
			"4", "code", "authenticator code", "code uit de app",
			"Een code invoeren uit de Authenticator-app", "ik wil een code invoeren",
		}},
		{choose, name, []string{"7", "adres verbeteren", "verkeerd adres", "wrong address"}},
		{second, sms, []string{"1", "sms"}},
		{second, push, []string{"3", "melding", "meldng"}},
		{number, conversation.PickNotMine, []string{
			"Dit is niet (meer) mijn nummer", "dit is niet meer mijn nummer", "niet mijn nummer",
			"ik heb een nieuw nummer", "not my number",
		}},
		{number, method, []string{
			"andere manier", "op een andere manier graag", "another way",
			"andere maneir",
		}},
		{codePage, conversation.PickResend, []string{
			"opnieuw sturen", "opnieuw", "nieuwe code",
			"ik heb niets gekregen", "geen sms ontvangen", "send again", "stuur een nieuwe code",
		}},
		{codePage, method, []string{"andere manier", "iets anders", "other way"}},
		{codePage, name, []string{"adres verbeteren", "verkeerd adres"}},
		{waiting, method, []string{"1", "andere manier"}},
		{guided, conversation.PickNext, []string{
			"1", "Gelukt, volgende", "gelukt", "Gelukt!", "volgende", "volgende stap", "volgnde", "klaar", "verder",
			"dat is gelukt", "het is gelukt", "ja", "oké", "ok", "Done, next", "done", "next", "it worked", "yes",
		}},
		{guided, conversation.PickTrouble, []string{
			"2", "Het lukt niet", "lukt niet", "help het lukt niet", "Help, het lukt niet!", "het werkt niet",
			"dit lukt mij niet", "niet gelukt", "nog niet", "nee", "ik kom niet verder", "ik krijg geen sms",
			"ik heb mijn telefoon niet bij me", "de code is verlopen", "ik krijg een foutmelding", "probleem",
			"hij zegt dat mijn wachtwoord is geweigerd", "It doesn't work", "it does not work", "I'm stuck",
			"I don't get a text message, it can't find my number", "the password was refused", "no", "error",
		}},
		{guided, conversation.PickSSPR(14), []string{
			"SSPR_0014", "sspr_0014", "SSPR 0014", "sspr0014", "SSPR-14", "sspr 14", "0014", "ＳＳＰＲ＿００１４",
			"er staat SSPR_0014", "het lukt niet: SSPR_0014!", "Error code SSPR_0014: you can't reset your password",
		}},
		{guidedOn, conversation.PickSSPR(9999), []string{"SSPR_9999", "sspr 9999"}},
		{guidedOn, desk, []string{"1", "servicedesk", "service desk"}},
		{guidedOn, conversation.PickNext, []string{"2", "gelukt"}},
		{guidedOn, conversation.PickTrouble, []string{"3", "lukt niet", "SSPR_123456 doet het niet"}},
		{guidedOn, again, []string{"4", "opnieuw beginnen", "opnieuw", "Start again"}},
		{locked, again, []string{"1", "opnieuw beginnen", "opnieuw", "start again"}},
		{locked, conversation.PickReset, []string{"wachtwoord vergeten", "/reset"}},
	} {
		for _, said := range c.said {
			for _, locale := range []string{"nl", "en"} {
				if got := meaning(t, w.Understand(c.page, locale, said)); got != string(c.want) {
					t.Errorf("%s, %s: %q means %q, want %q", c.page.ID, locale, said, got, c.want)
				}
			}
		}
	}
}

func TestCommandsWorkOnEveryPageInBothLanguages(t *testing.T) {
	w := newWords(t)
	for want, commands := range map[conversation.Choice][]string{
		conversation.PickCancel: {
			"annuleren", "Annuleren", "ANNULEREN.", "annuleer", "stop", "Stop!", "cancel", "quit",
			" stoppen ", "laat maar",
			"dit was ik niet", "ik was dit niet", "this was not me", "this wasn’t me",
		},
		conversation.PickBack: {"terug", "Terug", "back", "ga terug", "vorige"},
		conversation.PickHelp: {"help", "hulp", "Help?", "wat moet ik doen"},
		conversation.PickDesk: {
			"servicedesk", "helpdesk", "service desk", "iemand spreken",
			"ik wil iemand spreken", "human", "talk to a human",
		},
		conversation.PickDutch:   {"nederlands", "Nederlands", "dutch"},
		conversation.PickEnglish: {"english", "English please", "engels"},
	} {
		for _, page := range every {
			for _, said := range commands {
				if got := meaning(t, w.Understand(page, "en", said)); got != string(want) {
					t.Errorf("%q on %q means %q, want %q", said, page.ID, got, want)
				}
			}
		}
	}
}

func TestNoPhoneIsUnderstoodOnEveryPageOfTheTwoSteps(t *testing.T) {
	w := newWords(t)
	for _, page := range []conversation.Page{choose, second, number, codePage, waiting, checking} {
		for _, said := range []string{
			"geen telefoon bij me", "Ik heb mijn telefoon niet bij me", "ik heb geen telefoon bij me",
			"ik heb m'n telefoon niet bij mij",
			"mijn telefoon niet bij me", "telefoon vergeten", "ik heb mijn telefoon vergeten",
			"helaas mijn mobiel vergeten",
			"mijn telefoon ligt thuis", "geen mobiel", "zonder telefoon", "ik heb mijn telefon niet bij me",
			"I don't have my phone with me",
			"no phone with me", "no phone", "I forgot my phone", "i left my phone at home",
			"my phone is at home",
		} {
			if got := meaning(t, w.Understand(page, "nl", said)); got != string(noPhone) {
				t.Errorf("%q on %s means %q", said, page.ID, got)
			}
		}
		for _, said := range []string{"mijn telefoon is gestolen", "telefoon kwijt"} {
			if got := meaning(t, w.Understand(page, "nl", said)); got != string(noPhone) {
				t.Errorf("%q on %s means %q", said, page.ID, got)
			}
		}
		// What ends a conversation is not read into a sentence that says something else.
		for _, said := range []string{
			"een telefoon bij me", "ik heb mijn telefoon wel bij me", "ik heb mijn telefoon bij me",
			"telefoon", "mijn telefoon",
			"er komt geen bericht op mijn telefoon", "ik zie geen melding op mijn telefoon", "met telefoon",
			"my phone", "I have my phone with me",
			"geen", "niet", "annulern", "stopp",
		} {
			if got := meaning(t, w.Understand(page, "nl",
				said)); got == string(noPhone) || got == string(conversation.PickCancel) {
				t.Errorf("%q on %s means %q", said, page.ID, got)
			}
		}
	}
}

func TestWhatNobodyUnderstandsIsUnread(t *testing.T) {
	w := newWords(t)
	for _, c := range []struct {
		page conversation.Page
		said []string
	}{
		{nowhere, []string{
			"", " ", "\n", "?", "...", "👍", "asdf", "1", "hallo", "wat is het weer",
			"\u200b\u202e", "\x00",
		}},
		{start, []string{
			"", "4", "0", "00", "99999999999999999999", "1 2", "1,5", "sms", "ja", "bloemkool",
			"123456",
		}},
		{choose, []string{"123456", "0612345678", "8", "nee", "misschien", "wachtwoord vergeten"}},
		{number, []string{"", "weet ik niet", "ja", "bloemkool", "?"}},
		{codePage, []string{"", "welke code", "waarom duurt dit zo lang", "ok", "code"}},
		{waiting, []string{"42", "123456", "goedgekeurd"}},
		{changing, []string{"", "123", "ja", "mijn nieuwe wachtwoord"}},
		{guided, []string{"", "123456", "14", "0612345678", "sspr", "SSPR_", "kaars-molen-fiets-tafel"}},
		{start, []string{"SSPR_0014", "0014", "volgende", "lukt niet"}},
	} {
		for _, said := range c.said {
			if got := meaning(t, w.Understand(c.page, "nl", said)); got != "" {
				t.Errorf("%q on %q means %q, want nothing", said, c.page.ID, got)
			}
		}
	}
}

func TestANameIsTakenAsItWasTyped(t *testing.T) {
	w := newWords(t)
	for said, want := range map[string]string{
		"m.devries@linde.example":             "m.devries@linde.example",
		"  M.deVries@Linde.example \n":        "M.deVries@Linde.example",
		`LINDE\mdevries`:                      `LINDE\mdevries`,
		"mdevries":                            "mdevries",
		"sms":                                 "sms",
		"code":                                "code",
		"ja":                                  "ja",
		"1":                                   "1",
		"123456":                              "123456",
		"geluid":                              "geluid",
		"vernieuwen":                          "vernieuwen",
		"help@linde.example":                  "help@linde.example",
		"\u202am.devries@linde.example\u202c": "m.devries@linde.example", // as Outlook copies it
		"m.de\u200bvries@linde.example":       "m.devries@linde.example",
		"a@b.example, c@d.example":            "a@b.example, c@d.example",
		// for the wizard to refuse (AC-06)
		"a@b.example\nc@d.example": "a@b.example\nc@d.example",
		"a*)(uid=*":                "a*)(uid=*",
		"jan\x00":                  "jan\x00",
		"&amp;jan&lt;":             "&amp;jan&lt;",
		"Jan de Vries":             "Jan de Vries",
	} {
		if got := meaning(t, w.Understand(who, "nl", said)); got != "name="+want {
			t.Errorf("%q means %q, want name=%s", said, got, want)
		}
	}
	for _, said := range []string{"reset", "wachtwoord", "Password"} { // that came again: nobody is called so
		if in := w.Understand(who, "nl", said); !in.Unread || len(in.Fields) > 0 {
			t.Errorf("%q means %q, want nothing", said, meaning(t, in))
		}
	}
	for _, said := range []string{"ACDEFG", "acdefg", "a c d e f g", "34 67 9A", "gehoor", "nieuwe"} {
		if got := meaning(t, w.Understand(captcha, "nl", said)); got != "captcha="+said {
			t.Errorf("%q means %q, want it as the captcha", said, got)
		}
	}
}

// TestAC23_ACodeIsTakenInAnyDress: or is passed on as it is, to be refused
// clearly. No digit is ever left out.
func TestAC23_ACodeIsTakenInAnyDress(t *testing.T) {
	w := newWords(t)
	for said, want := range map[string]string{
		"123456": "123456", " 123456 ": "123456", "123 456": "123456", "123-456": "123456",
		"12 34 56": "123456", "1 2 3 4 5 6": "123456",
		"123\u00a0456": "123456", "123\u2009456": "123456", "123–456": "123456", "123.456": "123456",
		"123  -  456": "123456",
		"１２３４５６":      "123456", "１２３　４５６": "123456", "١٢٣٤٥٦": "123456", "۱۲۳۴۵۶": "123456", "१२३४५६": "123456",
		"𝟏𝟐𝟑𝟒𝟓𝟔":             "123456",
		"12\u200b34\u200d56": "123456", "\u202e123456\u202c": "123456", "\ufeff123456": "123456",
		"012 345": "012345", "000000": "000000",
		"mijn code is 123 456": "123456", "Mijn code is: 123456.": "123456", "123456 is de code": "123456",
		"code 123-456, dank u": "123456",
		"the code is 123456!":  "123456", "*123456*": "123456", "<b>123456</b>": "123456",
		"`123 456`": "123456", "„123456”": "123456",
		// Not a code, and nothing is dropped to make one:
		"1234567": "1234567", "12345": "12345", "1": "1", "123 4567": "123 4567", "123456 7": "123456 7",
		"12345 is mijn code": "12345 is mijn code",
		"123456 of 654321":   "123456 of 654321", "stap 1: 123456": "stap 1: 123456", "12a34b56": "12a34b56",
		"123/456":    "123/456",
		"0612345678": "0612345678", "123456\n123456": "123456\n123456", "1e 23456": "1e 23456",
		"+123456": "123456", "-123456": "123456",
	} {
		if got := meaning(t, w.Understand(codePage, "nl", said)); got != "code="+want {
			t.Errorf("%q means %q, want code=%s", said, got, want)
		}
	}
}

func TestATelephoneNumberIsTakenInAnyDress(t *testing.T) {
	w := newWords(t)
	for said, want := range map[string]string{
		"0612345678": "0612345678", "+31612345678": "+31612345678", "0031612345678": "0031612345678",
		"06-12 34 56 78":    "06-12 34 56 78",
		"+31 (0)6 12345678": "+31 (0)6 12345678", "(06) 12345678": "(06) 12345678",
		"٠٦١٢٣٤٥٦٧٨": "0612345678", "０６１２３４５６７８": "0612345678",
		"mijn nummer is 0612345678": "0612345678", "Mijn nummer: +31 6 12345678.": "+31 6 12345678",
		"06\u200b12345678":         "0612345678",
		"0612345678 of 0687654321": "0612345678 of 0687654321", "1": "1", "06 twaalf 34": "06 twaalf 34",
	} {
		if got := meaning(t, w.Understand(number, "nl", said)); got != "number="+want {
			t.Errorf("%q means %q, want number=%s", said, got, want)
		}
	}
}

// TestAC55_APasswordIsNeverTakenFromAMessage: whatever a chat makes of it, the
// text is not understood, and goes along untouched only so that it can be
// refused.
func TestAC55_APasswordIsNeverTakenFromAMessage(t *testing.T) {
	w := newWords(t)
	for _, said := range []string{
		"paard batterij nietje", "P&amp;ssw&lt;rd", "“krul” – en ‘zo’", "*ster* _streep_ :smile:",
		"<mailto:a@b.example|a@b.example>",
		" met blanks ", "help mij nu toch eens", "annuleren123", "stop stop", "1", "ja",
		"wachtwoord vergeten", "e\u0301\u200b\u202e", "123456",
		"geen telefoon bij me", "opnieuw", "annulerne", "paard\nbatterij", strings.Repeat("x", 4096),
		"\xff\xfe",
	} {
		in := w.Understand(password, "nl", said)
		if !in.Unread || in.Choice != "" || in.Kind != conversation.Said {
			t.Errorf("%q was understood: %+v", said, in)
		}
		if got := in.Fields[conversation.FieldPassword].Reveal(); got != said || len(in.Fields) != 1 {
			t.Errorf("%q became %q", said, got)
		}
	}
	for _, said := range []string{"", "  ", "\n", strings.Repeat("x", 4097)} {
		if in := w.Understand(password, "nl", said); !in.Unread || in.Fields != nil {
			t.Errorf("%d bytes: %+v", len(said), in)
		}
	}
}

func TestALongTextIsNotRead(t *testing.T) {
	w := newWords(t)
	for _, page := range every {
		for _, said := range []string{
			strings.Repeat("annuleren ", 1000), strings.Repeat("1", 5000),
			strings.Repeat("é", 1<<20),
		} {
			if in := w.Understand(page, "nl", said); !in.Unread || in.Fields != nil || in.Choice != "" {
				t.Errorf("%s: %d bytes were read: %+v", page.ID, len(said), in)
			}
		}
	}
}

// TestAC56_AnyTextIsAnsweredWithinABound: the longest texts that are read, of
// the dearest kinds.
func TestAC56_AnyTextIsAnsweredWithinABound(t *testing.T) {
	w := newWords(t)
	for name, said := range map[string]string{
		"one word": strings.Repeat("x", 4096), "words": strings.Repeat("wachtword ", 409),
		"ligatures": strings.Repeat("ﷺ", 1365),
		"marks":     "e" + strings.Repeat("\u0301", 2000), "digits": strings.Repeat("1 ", 2048),
		"plus":      strings.Repeat("+", 4090) + "1",
		"invisible": strings.Repeat("\u200b", 1365), "forty words": strings.Repeat(strings.Repeat("a",
			100)+" ", 40),
		"10 MB": strings.Repeat("annuleren ", 1<<20),
	} {
		for _, page := range every {
			began := time.Now()
			w.Understand(page, "nl", said)
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s on %s took %v", name, page.ID, took)
			}
		}
	}
}

// TestNoCommandCanBeACaptcha: a command of one word works where a captcha is
// typed, so none may look like one.
func TestNoCommandCanBeACaptcha(t *testing.T) {
	w := newWords(t)
	const alphabet = "ACDEFGHJKNPQRTXY34679"
	for said := range strings.FieldsSeq("annuleren stop cancel quit exit abort terug back vorige help hulp uitleg " +
		"servicedesk helpdesk human nederlands dutch engels english previous afbreken stoppen audio medewerker") {
		upper := strings.ToUpper(said)
		if len(upper) == 6 && strings.Trim(upper, alphabet) == "" {
			t.Errorf("%q can be a captcha", said)
		}
		if in := w.Understand(captcha, "nl", said); in.Choice == "" {
			t.Errorf("%q is no command on the captcha's page", said)
		}
	}
}

// TestEveryOfferCanBeTyped: by its label in both languages, and by its number
// where numbers are no answers.
func TestEveryOfferCanBeTyped(t *testing.T) {
	w := newWords(t)
	for _, page := range every {
		for _, locale := range []string{"nl", "en"} {
			text, err := w.Render(locale, conversation.Start, page, monday)
			if err != nil && page.ID != "" {
				t.Error(err)
			}
			for i, c := range text.Choices {
				label, err := w.Describe(locale, c.Choice)
				if err != nil || c.Choice == conversation.PickReset {
					label = c.Label
				}
				if got := w.Understand(page, "nl", label).Choice; got != c.Choice {
					t.Errorf("%s: %q means %q, want %q", page.ID, label, got, c.Choice)
				}
				if text.Numbered {
					if got := w.Understand(page, "nl", string(rune('1'+i))).Choice; got != c.Choice {
						t.Errorf("%s: %d means %q, want %q", page.ID, i+1, got, c.Choice)
					}
				}
			}
		}
	}
}

func TestEveryChoiceCanBeTyped(t *testing.T) {
	w := newWords(t)
	for _, c := range constants(t, "message.go", "Choice") {
		page := conversation.Page{ID: conversation.WaitFind, Offers: offers(conversation.Choice(c))}
		label, err := w.Describe("nl", conversation.Choice(c))
		if err != nil {
			t.Error(err)
		}
		if got := w.Understand(page, "nl", label).Choice; got != conversation.Choice(c) {
			t.Errorf("%q means %q, want %q", label, got, c)
		}
	}
}

// allowed are the choices that may be understood on a page at all.
func allowed(page conversation.Page) []conversation.Choice {
	list := slices.Clone(conversation.Everywhere)
	for _, o := range page.Offers {
		list = append(list, o.Choice)
	}
	if page.Args.Step > 0 {
		list = append(list, noPhone)
	}
	if page.Shows(conversation.PickTrouble) {
		for n := range 10_000 {
			list = append(list, conversation.PickSSPR(n))
		}
	}
	begins := []conversation.MessageID{
		"", conversation.AskStart, conversation.AskElse,
		conversation.AskFollowUp, conversation.EndLocked,
	}
	if slices.Contains(begins, page.ID) {
		list = append(list, conversation.PickReset, conversation.PickStuck, conversation.PickUnlock,
			conversation.PickElse, conversation.PickLostPhone, conversation.PickEnrol)
	}
	return list
}

func FuzzUnderstand(f *testing.F) {
	w := newWords(f)
	for _, seed := range []string{
		"wachtwoord vergeten", "annuleren", "123 456", "mijn code is 123 456", "1", "+31 (0)6 12345678",
		"geen telefoon bij me", "m@x.example",
		"é\u0301\u200b\u202e", "١٢٣٤٥٦", "\xff", "", "“x”", "{{.}}", strings.Repeat("a ", 2000), "ﷺﷺﷺ",
	} {
		for page := range every {
			f.Add(page, "nl", seed)
		}
	}
	f.Fuzz(func(t *testing.T, n int, locale, said string) {
		page := every[uint(n)%uint(len(every))]
		in := w.Understand(page, locale, said)
		if again := w.Understand(page, locale,
			said); again.Choice != in.Choice || again.Unread != in.Unread ||
			!maps.EqualFunc(again.Fields, in.Fields, conversation.Secret.Equal) {
			t.Fatalf("not pure: %+v, then %+v", in, again)
		}
		if in.Kind != conversation.Said {
			t.Fatalf("kind %q", in.Kind)
		}
		if in.Choice != "" && (in.Unread || in.Fields != nil || !slices.Contains(allowed(page),
			in.Choice)) {
			t.Fatalf("%q on %q: %+v", said, page.ID, in)
		}
		if in.Choice == "" && in.Fields == nil && !in.Unread {
			t.Fatalf("%q on %q: nothing at all", said, page.ID)
		}
		for field, value := range in.Fields {
			checkField(t, page, in, field, said, value.Reveal())
		}
	})
}

func checkField(t *testing.T, page conversation.Page, in conversation.Input, field conversation.Field, said,
	value string,
) {
	t.Helper()
	switch {
	case len(in.Fields) != 1 || len(page.Fields) == 0 || field != page.Fields[0]:
		t.Fatalf("%q on %q: %+v", said, page.ID, in)
	case field == conversation.FieldPassword && (value != said || !in.Unread):
		t.Fatalf("a password was touched, or taken: %q", said)
	case field != conversation.FieldPassword && in.Unread:
		t.Fatalf("%q on %q is read and unread", said, page.ID)
	case field == conversation.FieldCode && len(value) == 6 && strings.Trim(value,
		"0123456789") == "" && utf8.ValidString(said):
		n := 0
		for _, r := range said {
			if unicode.IsDigit(r) {
				n++
			}
		}
		if n > 6 {
			t.Fatalf("digits were dropped: %q became %q", said, value)
		}
	}
}
