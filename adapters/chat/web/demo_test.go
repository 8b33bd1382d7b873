package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/adapters/chat/web"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

var played = []web.DemoPerson{
	{ID: "1", Name: "M. de Vries", User: "m.devries@rijnzicht.example", Number: "+31612345613", Mobile: "0612345613", Teams: true},
	{ID: "2", Name: `<b>Z. "Çelik"`, User: "z.celik@rijnzicht.example", Number: "z.celik@rijnzicht.example"},
}

func newDemo(t *testing.T) *web.Demo {
	t.Helper()
	chat, _ := newWeb(t, web.Options{Framed: true})
	d, err := web.NewDemo(web.DemoOptions{
		Words: newWords(t), Chat: chat, Organisation: "Ziekenhuis Rijnzicht",
		People: func() []web.DemoPerson { return played },
		Code: func(id string) (string, time.Duration, bool) {
			return "123456", 17 * time.Second, id == "1"
		},
		Scan: func(id string, key conversation.Secret) bool { return id == "1" && key.Reveal() == "ABCD" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDemoShowsThePersonWhoIsPlayed(t *testing.T) {
	b := &browser{t: t, handler: newDemo(t), from: "127.0.0.1:1"}
	b.get("/demo?lang=nl")
	b.sees("Alles hier is verzonnen")
	b.sees("m.devries@rijnzicht.example")
	if !strings.Contains(b.head.Get("Content-Security-Policy"), "frame-src 'self'") {
		t.Error("the chat cannot be framed")
	}
	if found := inline.FindString(b.page.source); found != "" {
		t.Errorf("inline: %q", found)
	}
	b.get("/demo?person=2&lang=en")
	b.sees("Everything here is made up")
	b.sees("z.celik@rijnzicht.example")
	if strings.Contains(b.page.source, "<b>Z.") {
		t.Error("a name became markup")
	}
	b.get("/demo?person=nobody&lang=nl")
	b.sees("m.devries@rijnzicht.example")
}

func TestTheDemosAuthenticatorApp(t *testing.T) {
	b := &browser{t: t, handler: newDemo(t), from: "127.0.0.1:1"}
	answer := b.request(http.MethodGet, "/demo/app/1", nil, nil)
	var shown struct {
		Code string
		Left int
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &shown); err != nil || shown.Code != "123456" || shown.Left != 17 {
		t.Errorf("%v, %s", err, answer.Body)
	}
	if got := b.request(http.MethodGet, "/demo/app/2", nil, nil).Code; got != http.StatusNotFound {
		t.Errorf("who has no app: %d", got)
	}
}

func TestTheDemoSaysTheSameInBothLanguages(t *testing.T) {
	nl, en := web.DemoWords(words.Dutch), web.DemoWords(words.English)
	for _, both := range [][2]map[string]string{{nl, en}, {en, nl}} {
		for name, text := range both[0] {
			if text == "" || both[1][name] == "" {
				t.Errorf("%s has no words in one language", name)
			}
		}
	}
}

// inTeams has the demo's own chat served beside the web chat, by one bot.
func inTeams(t *testing.T, w *world) *web.Web {
	t.Helper()
	teams, err := web.NewDemoTeams(w.options, func(id string) []conversation.Bound {
		for _, p := range w.people.People() {
			if string(p.ID) == id {
				return []conversation.Bound{{ID: p.ID, UPN: p.UPN}}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.close()
	w.config.Chats = map[string]bot.Chat{web.Name: w.web, "teams": teams}
	w.run()
	teams.SetBot(w.bot)
	return teams
}

func TestTheDemosOwnChatKnowsWhoIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		b := w.browser()
		b.handler = inTeams(t, w)
		at := "/demo/teams?person=" + string(w.person("m.devries").ID)
		b.get(at)
		b.press(conversation.PickReset)
		b.sees("Is dit uw account: m.devries@rijnzicht.example?")
		b.press(conversation.PickYes)
		settle()
		b.get(at)
		b.sees("Geef op hoe we in eerste instantie contact moeten opnemen")
		b.press(conversation.PickCode)
		b.fill(map[string]string{"code": w.app("m.devries")})
		settle()
		b.get(at)
		b.sees("Stap 1 is gelukt")
		if b.at != at || len(b.cookies) != 0 {
			t.Errorf("at %s with %d cookies", b.at, len(b.cookies))
		}
		other := w.browser()
		other.handler = b.handler
		other.get("/demo/teams?person=nobody")
		if other.status != http.StatusForbidden {
			t.Errorf("a chat of nobody: %d", other.status)
		}
	})
}

func TestADemoThatLacksAPartIsNotMade(t *testing.T) {
	if _, err := web.NewDemo(web.DemoOptions{}); err == nil {
		t.Error("it was made")
	}
	if !slices.ContainsFunc(played, func(p web.DemoPerson) bool { return p.Local() == "z.celik" }) {
		t.Error("the name before the @ is another")
	}
}

func TestTheAppOfTheDemoTakesAKeyFromThisPageAlone(t *testing.T) {
	d := newDemo(t)
	post := func(id, body, site string) int {
		r := httptest.NewRequest(http.MethodPost, "/demo/app/"+id, strings.NewReader(body))
		r.Header.Set("Sec-Fetch-Site", site)
		rw := httptest.NewRecorder()
		d.ServeHTTP(rw, r)
		return rw.Code
	}
	for _, c := range []struct {
		id, body, site string
		want           int
	}{
		{"1", `{"key":"ABCD"}`, "same-origin", http.StatusOK},
		{"1", `{"key":"ABCD"}`, "cross-site", http.StatusForbidden},
		{"1", `{"key":"no"}`, "same-origin", http.StatusUnprocessableEntity},
		{"1", `{`, "same-origin", http.StatusUnprocessableEntity},
		{"2", `{"key":"ABCD"}`, "same-origin", http.StatusUnprocessableEntity},
	} {
		if got := post(c.id, c.body, c.site); got != c.want {
			t.Errorf("%s of %s from %s: %d, want %d", c.body, c.id, c.site, got, c.want)
		}
	}
}
