package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/conversation"
)

func TestAWholeWalkWithoutJavaScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		w.prove(b, "m.devries")
		b.sees("nieuw wachtwoord kiezen")
		word := w.asked(b)
		b.sees(word)

		other := w.browser() // the one-time page needs no cookie
		other.get(b.link())
		other.sees("Nieuw wachtwoord voor M. de Vries")
		other.sees("Het wachtwoord moet minstens 16 tekens lang zijn.")
		if regexp.MustCompile(`\b` + word + `\b`).MatchString(other.page.source) {
			t.Error("the one-time page has the word that it asks for")
		}
		other.fill(map[string]string{"password": good, "confirm": good, "word": strings.ToUpper(word) + " "})
		settle()
		other.get(other.at)
		other.sees("Uw nieuwe wachtwoord is nu actief")
		if len(other.cookies) > 0 {
			t.Error("the one-time page set a cookie")
		}
		b.get("/chat")
		b.sees("Uw nieuwe wachtwoord is nu actief")
		w.on(b, conversation.Done)
		if !w.signIn("m.devries", good) {
			t.Error("the new password does not work")
		}
	})
}

func TestAWalkByTypedWordsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		b.get("/chat")
		b.says("ik ben mijn wachtwoord vergeten")
		b.sees("Wie bent u?")
		b.says("m.devries")
		b.says(strings.ToLower(w.captcha(b)))
		settle()
		b.get("/chat")
		b.says("1")
		b.sees("het volledige nummer van uw mobiele telefoon (*****13)")
		b.says("english")
		b.sees("Enter your phone number")
		b.says("stop")
		w.on(b, conversation.Cancelled)
	})
}

func TestAWalkGoesOnInTheSameBrowserAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		w.identify(b, "m.devries")
		w.close()
		w.start()
		b.handler = w.web
		b.get("/chat")
		b.sees("Welkom terug.")
		b.press(conversation.PickCode)
		b.fill(map[string]string{"code": w.app("m.devries")})
		settle()
		w.on(b, conversation.Step2Choose)
	})
}

func TestAnAnswerBeforeThePageIsKnownAgainIsTakenAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		w.identify(b, "m.devries")
		w.close()
		w.start()
		b.handler = w.web
		b.press(conversation.PickCode)
		w.on(b, conversation.Step1Answer)
	})
}

func TestABrowserThatComesBackLongAfterAnEndIsGreetedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		b.get("/chat")
		b.press(conversation.PickStuck)
		b.press(conversation.PickWorks)
		w.on(b, conversation.Solved)
		b.get("/chat")
		b.sees("Fijn dat het lukt")
		time.Sleep(11 * time.Minute)
		b.get("/chat")
		b.sees("Waarmee kan ik u helpen?")
	})
}

func TestAButtonOfAnOldPageDoesNothingAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		b.get("/chat")
		old := b.page // in a second tab, or behind the back button
		b.press(conversation.PickReset)
		b.page = old
		b.press(conversation.PickStuck)
		b.sees("Die knop hoort bij een eerder bericht")
		w.on(b, conversation.Who)
		b.page = old
		b.says("2") // an answer to the old page is none to the new one
		b.sees("Die knop hoort bij een eerder bericht")
		w.on(b, conversation.Who)
	})
}

func TestATokenThatIsMissingOrAnothersOpensNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b, other := w.browser(), w.browser()
		b.get("/chat")
		other.get("/chat")
		for name, token := range map[string]string{
			"missing": "", "another's": other.page.form("page").inputs["token"], "nonsense": "' or 1=1",
		} {
			b.post("/chat", url.Values{"token": {token}, "choice": {"reset"}})
			b.sees("Die knop hoort bij een eerder bericht")
			if got := w.conversation(b).State; got != conversation.Start {
				t.Errorf("%s token: on %s", name, got)
			}
		}
		w.on(other, conversation.Start)
	})
}

func TestAFormThatIsSubmittedTwiceIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		b.get("/chat")
		first := b.page
		b.press(conversation.PickReset)
		version := w.conversation(b).Page.Version
		b.page = first
		b.press(conversation.PickReset)
		b.sees("Wie bent u?")
		if strings.Contains(b.page.text, "eerder bericht") || w.conversation(b).Page.Version != version {
			t.Errorf("the second click did something:\n%s", b.page.text)
		}
	})
}

func TestTheSameWrongAnswerAgainIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		w.identify(b, "m.devries")
		b.press(conversation.PickCode)
		b.fill(map[string]string{"code": "12"})
		b.sees("precies 6 cijfers")
		version := w.conversation(b).Page.Version
		b.fill(map[string]string{"code": "12"})
		if w.conversation(b).Page.Version == version {
			t.Error("the same words on a new page were taken for a second click")
		}
	})
}

func TestAC66_OpeningALinkChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		w.prove(b, "m.devries")
		before := w.conversation(b)
		robot := w.browser()
		robot.header["User-Agent"] = "SkypeUriPreview Preview/0.5"
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet, http.MethodHead} {
			answer := robot.request(method, b.link(), nil, map[string]string{"Sec-Fetch-Site": "cross-site"})
			if answer.Code != http.StatusOK || method == http.MethodHead && answer.Body.Len() > 0 {
				t.Errorf("%s: %d, %d bytes", method, answer.Code, answer.Body.Len())
			}
		}
		after := w.conversation(b)
		if before.Page.Version != after.Page.Version || before.State != after.State || !before.Latest.Equal(after.Latest) {
			t.Errorf("looking changed the conversation: %+v", after.Page)
		}
		robot.get(b.link()) // a robot that fills in forms does not know the word
		robot.fill(map[string]string{"password": good, "confirm": good, "word": "regenboog"})
		w.on(b, conversation.Password)
		settle()
		b.get("/chat")
		other := w.browser()
		other.get(b.link())
		other.fill(map[string]string{"password": good, "confirm": good, "word": w.asked(b)})
		settle()
		w.on(b, conversation.Done)
	})
}

func TestALinkThatIsOverOrNeverWasSaysTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		w.prove(b, "m.devries")
		old := b.link()
		b.press(conversation.PickLink)
		settle()
		b.get("/chat")
		other := w.browser()
		var seen []string
		for _, link := range []string{old, "/p/x", "/p/" + strings.Repeat("A", 9000), b.link() + "A"} {
			other.get(link)
			other.sees("Deze pagina werkt niet meer")
			if other.status != http.StatusNotFound {
				t.Errorf("status %d", other.status)
			}
			seen = append(seen, other.page.source)
			other.post(link, url.Values{"password": {good}, "confirm": {good}, "word": {w.asked(b)}})
			other.sees("Deze pagina werkt niet meer")
		}
		for _, s := range seen[1:] {
			if s != seen[0] {
				t.Errorf("one dead link looks unlike another:\n%s\n%s", s, seen[0])
			}
		}
		w.on(b, conversation.Password)
	})
}

func TestAOneTimePageSubmittedTwiceIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		w.prove(b, "m.devries")
		other := w.browser()
		other.get(b.link())
		first := other.page
		wrong := map[string]string{"password": "kort", "confirm": "kort", "word": w.asked(b)}
		other.fill(wrong)
		other.sees("Het is te kort.")
		refusals := w.conversation(b).Refusals
		second := other.page
		other.page = first
		other.fill(wrong)
		if got := w.conversation(b).Refusals; got != refusals {
			t.Errorf("%d refusals, want %d", got, refusals)
		}
		other.page = second // and the page goes on where it was
		b.get("/chat")
		other.fill(map[string]string{"password": good, "confirm": good, "word": w.asked(b)})
		settle()
		w.on(b, conversation.Done)
	})
}

func TestAWrongWordEndsTheLinkForWhoeverHasNotTheChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		w.prove(b, "m.devries")
		thief := w.browser()
		thief.get(b.link())
		thief.fill(map[string]string{"password": good, "confirm": good, "word": "regenboog"})
		thief.sees("Deze pagina werkt niet meer")
		w.on(b, conversation.Password)
		settle()
		b.get("/chat")
		owner := w.browser()
		owner.get(b.link())
		owner.fill(map[string]string{"password": good, "confirm": good, "word": w.asked(b)})
		settle()
		w.on(b, conversation.Done)
	})
}

func TestABlankAtAnEndOfThePasswordIsAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		w.prove(b, "m.devries")
		other := w.browser()
		other.get(b.link())
		other.fill(map[string]string{"password": good + " ", "confirm": good + " ", "word": w.asked(b)})
		other.sees("Uw wachtwoord begint of eindigt met een spatie.")
		other.fill(map[string]string{"password": good + " ", "confirm": good + " ", "word": w.asked(b), "meant_so": "yes"})
		settle()
		w.on(b, conversation.Done)
		if !w.signIn("m.devries", good+" ") {
			t.Error("the blank is gone")
		}
	})
}

func TestSecretsAreInNoPageAndNoLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		w.prove(b, "m.devries")
		link := b.link()
		other := w.browser()
		other.get(link)
		const weak = "welkom welkom welkom"
		other.fill(map[string]string{"password": weak, "confirm": weak, "word": w.asked(b)})
		other.sees("Het is te makkelijk te raden.")
		pages := other.page.source
		settle()
		b.get("/chat")
		other.fill(map[string]string{"password": good, "confirm": good, "word": w.asked(b)})
		settle()
		other.get(other.at)
		b.get("/chat")
		pages += other.page.source + b.page.source
		for _, secret := range []string{weak, good, w.sms("m.devries"), "612345613"} {
			if strings.Contains(pages, secret) || strings.Contains(w.log.String(), secret) {
				t.Errorf("%q is in a page or in the log", secret)
			}
		}
		if strings.Contains(w.log.String(), strings.TrimPrefix(link, "/p/")) || strings.Contains(w.log.String(), "/p/") {
			t.Error("the log has the address of a one-time page")
		}
		for _, c := range b.cookies {
			if strings.Contains(w.log.String(), c.Value) || strings.Contains(pages, c.Value) {
				t.Error("a cookie is in a page or in the log")
			}
		}
	})
}

func TestAC82_TheAnswerToACaptchaIsNotInThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		b.get("/chat")
		b.press(conversation.PickReset)
		if strings.Contains(strings.ToUpper(b.page.source), w.captcha(b)) {
			t.Error("the answer is in the page")
		}
		answer := w.captcha(b)
		if strings.Contains(w.log.String(), answer) {
			t.Error("the answer is in the log")
		}
		other := w.browser()
		other.get("/chat")
		other.press(conversation.PickReset)
		other.fill(map[string]string{"name": "m.devries", "captcha": answer})
		other.sees("De tekens klopten niet.") // it is another session's
	})
}
