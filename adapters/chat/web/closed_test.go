package web_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

// drawn is what differs between two visitors by chance.
var drawn = regexp.MustCompile(`[0-9a-f]{16,}|[A-Z2-9]{4}-[A-Z2-9]{4}`)

// TestAC30_AClosedWayIsAButtonThatNobodyCanPress: the page shows why, whatever is
// behind the name, and what is sent from an older page is answered with that.
func TestAC30_AClosedWayIsAButtonThatNobodyCanPress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.close()
		w.config.Budget = map[conversation.Method]bot.Budget{
			conversation.SMS: {Hour: conversation.Limit{N: 2, Window: time.Hour}},
		}
		w.start()
		early, last, known, unknown := w.browser(), w.browser(), w.browser(), w.browser()
		for i, b := range []*browser{early, last, known, unknown} {
			b.from = strings.Replace(b.from, "10.1.2.3", "10.1.2."+string(rune('1'+i)), 1)
		}
		w.identify(early, "m.devries") // whose page shows every way as open
		if _, open := early.page.button("sms"); !open {
			t.Fatalf("it was never open:\n%s", early.page.text)
		}
		old := early.page

		w.identify(last, "s.boersma")
		last.press(conversation.PickSMS)
		last.fill(map[string]string{"number": strings.Replace(w.number("s.boersma"), "+31", "0", 1)})

		w.identify(known, "m.devries")
		w.identify(unknown, "niemand")
		const why, sentence = "kan nu even niet, vanaf 1.00 uur weer wel",
			"Een sms sturen kan nu even niet. Dat ligt niet aan u. Vanaf 1.00 uur kan het weer. Kies een andere manier."
		for _, b := range []*browser{known, unknown} {
			b.sees(why)
			if _, open := b.page.button("sms"); open {
				t.Errorf("it can be pressed:\n%s", b.page.source)
			}
			b.says("1")
			b.sees(sentence)
			w.on(b, conversation.Step1Choose)
			form := b.page.form("page").values()
			form.Set("choice", "sms") // as only a program does
			b.post(b.page.form("page").action, form)
			b.refresh()
			b.sees(sentence)
			w.on(b, conversation.Step1Choose)
		}
		if a, b := drawn.ReplaceAllString(known.page.source, "x"), drawn.ReplaceAllString(unknown.page.source, "x"); a != b {
			t.Errorf("the page of an account is another one than that of none:\n%s\n%s", a, b)
		}

		form := old.form("page")
		early.post(form.action, url.Values{"token": {form.inputs["token"]}, "mark": {form.inputs["mark"]}, "choice": {"sms"}})
		early.refresh()
		early.sees(sentence)
		early.press(conversation.PickCode) // the other ways are there
		early.fill(map[string]string{"code": w.app("m.devries")})
		settle()
		w.on(early, conversation.Step2Choose)

		time.Sleep(46 * time.Minute) // until the next hour is near
		late := w.browser()
		late.from = "10.1.2.9:5555"
		w.identify(late, "m.devries")
		if _, open := late.page.button("sms"); open {
			t.Errorf("it opened by itself:\n%s", late.page.text)
		}
		time.Sleep(14 * time.Minute)
		synctest.Wait()
		late.get("/chat")
		late.sees("Een sms sturen kan nu weer.")
		late.press(conversation.PickSMS)
		late.sees("Voer uw telefoonnummer in")
	})
}
