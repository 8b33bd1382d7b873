package words_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// gsm7 is the alphabet in which a text message has 160 places, 153 in a part
// of several; what stands after the bar takes two (3GPP TS 23.038).
const gsm7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡" +
	"ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà|^{}\\[~]€"

func smsParts(t *testing.T, text string) int {
	t.Helper()
	places := 0
	for _, r := range text {
		if !strings.ContainsRune(gsm7, r) {
			t.Errorf("%q is not in the alphabet of text messages: %s", r, text)
		}
		places++
		if strings.ContainsRune("|^{}\\[~]€", r) {
			places++
		}
	}
	if places <= 160 {
		return 1
	}
	return (places + 152) / 153
}

func TestATextMessageHasTwoPartsAtMostAndDoesNotBeginWithTheCode(t *testing.T) {
	for _, organisation := range []string{
		"", "Ziekenhuis De Linde",
		"Universitair Medisch Centrum van de Lage Landen en Omstreken", "Zięba «Čäré» 医院",
	} {
		o := options(t)
		o.Organisation = organisation
		w, err := words.New(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, locale := range []string{"nl", "en"} {
			for _, chat := range []string{"teams", "slack", "web", "terminal", "something new"} {
				text := w.SMS(words.Asked{Locale: locale, Chat: chat}, conversation.NewSecret("012345"), monday.Add(5*time.Minute),
					monday).Reveal()
				if n := smsParts(t, text); n > 2 {
					t.Errorf("%d parts: %s", n, text)
				}
				at := strings.Index(text, "012 345")
				if at < 40 || strings.Contains(text, "012345") {
					t.Errorf("the code is at %d, want it after 40 characters, as 012 345: %s", at, text)
				}
				for _, must := range []string{
					"071 555 01 99",
					map[string]string{
						"nl": "ook niet aan de servicedesk",
						"en": "not even the service desk",
					}[locale],
				} {
					if !strings.Contains(text, must) {
						t.Errorf("%q is not in it: %s", must, text)
					}
				}
			}
		}
	}
}

func TestATextMessageTellsNoTimeThatIsOver(t *testing.T) {
	text := newWords(t).SMS(words.Asked{Locale: "nl", Chat: "teams"}, conversation.NewSecret("123456"), time.Time{}, monday).Reveal()
	if !strings.HasSuffix(text, "Uw code: 123 456") {
		t.Error(text)
	}
}

func TestACallAsksForTheKeyAndSaysWhatToDoOtherwise(t *testing.T) {
	w := newWords(t)
	plain, digits := w.Call(words.Asked{Locale: "nl", Chat: "web"}, false, monday), w.Call(words.Asked{Locale: "nl", Chat: "web"}, true, monday)
	if !strings.Contains(plain.Ask, "Druk dan op het hekje") || strings.Contains(plain.Ask, "cijfers") {
		t.Error(plain.Ask)
	}
	if !strings.Contains(digits.Ask, "de twee cijfers op uw scherm, en daarna het hekje") {
		t.Error(digits.Ask)
	}
	for _, ask := range []string{plain.Ask, digits.Ask} {
		if !strings.Contains(ask, "Hang dan op en bel 071 555 01 99") || !strings.Contains(ask,
			"de webchat") {
			t.Error(ask)
		}
	}
}

func TestALetterTellsTheOwnerAndTheOthersApart(t *testing.T) {
	w := newWords(t)
	n := conversation.Notice{
		Message: conversation.TellReset, Chat: "teams", Receipt: "K7Q-2MX",
		Locale: "nl", At: monday,
	}
	own, err := w.Letter(n, words.Recipient{Name: "M. de Vries", Link: "https://x.example/n/1"}, monday)
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Join(own.Body, " ")
	if own.Subject != "Uw wachtwoord is gewijzigd" || !strings.Contains(body, "https://x.example/n/1") {
		t.Errorf("%+v", own)
	}
	outside, err := w.Letter(n, words.Recipient{
		Name: "M. de Vries\u202e", Link: "https://x.example/n/1",
		Outside: true,
	}, monday)
	if err != nil {
		t.Fatal(err)
	}
	body = strings.Join(outside.Body, " ")
	if strings.Contains(body+outside.Short, "https://x.example/n/1") || strings.Contains(body, "\u202e") ||
		!strings.Contains(body, "het account van M. de Vries bij") || strings.Contains(body, "Was u dit") {
		t.Errorf("%+v", outside)
	}
	for _, l := range []words.Letter{own, outside} {
		if n := smsParts(t, l.Short); n > 2 {
			t.Errorf("%d parts: %s", n, l.Short)
		}
	}
	if l, err := w.Letter(conversation.Notice{Message: "no.such"}, words.Recipient{},
		monday); err == nil || len(l.Body) == 0 {
		t.Errorf("an unknown message: %+v, %v", l, err)
	}
}

// alarms are the reason words of all alarms in the packages that raise them.
func alarms(t *testing.T) []string {
	t.Helper()
	var found []string
	literal := regexp.MustCompile(`\balarm\("([a-z_]+)"\)|Detail: "([a-z_]+)", Alarm: true|s\.stop\(.*"([a-z_]+)"\)|` +
		`line\.Event, line\.Alarm = "([a-z_]+)"`)
	for _, pattern := range []string{"../*.go", "../../bot/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
				found = append(found, strings.Join(m[1:], ""))
			}
		}
	}
	if len(found) < 10 {
		t.Fatalf("only %q are found", found)
	}
	for _, budget := range []string{"budget_sms_own", "budget_sms_others", "budget_call_own", "budget_call_others"} {
		found = append(found, budget, budget+"_day", budget+"_country")
	}
	return found
}

func TestEveryAlarmIsSaidInOneSentenceOfItsOwn(t *testing.T) {
	w := newWords(t)
	for _, locale := range []string{words.Dutch, words.English} {
		for _, alarm := range append(alarms(t), "something new") {
			text := w.Alarm(locale, conversation.Notice{Alarm: alarm, Receipt: "K7Q-2MX"}, monday)
			if catalogue(t, locale)["alarm."+alarm] == "" && alarm != "something new" {
				t.Errorf("%s.yaml has no alarm.%s", locale, alarm)
			}
			if !strings.Contains(text, "K7Q-2MX.") || strings.ContainsAny(text, "\n<{") {
				t.Errorf("%s: %q", alarm, text)
			}
			if alarm == "something new" && !strings.Contains(text, alarm) {
				t.Errorf("what nobody knows is not named: %q", text)
			}
		}
	}
}
