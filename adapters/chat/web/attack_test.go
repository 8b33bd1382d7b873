package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"resetbot/adapters/chat/web"
	"resetbot/bot"
	"resetbot/conversation"
)

// A browser presses the first button of a form when somebody presses Enter in
// one of its fields, wherever that button stands (HTML Standard, 4.10.21.2).
func TestEnterInAFieldSendsTheFormAndPressesNoChoice(t *testing.T) {
	w, _ := newWeb(t, web.Options{})
	page := startPage
	page.ID = conversation.AskWho
	page.Fields = []conversation.Field{conversation.FieldName}
	page.Offers = []conversation.Offer{{Choice: conversation.PickCaptcha}, {Choice: conversation.PickBack}}
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	b.shown(w, bot.Outgoing{Locale: "nl", State: conversation.Who, Page: page, Picture: []byte("picture")})
	b.get("/chat")
	button := regexp.MustCompile(`<button[^>]*form="page"[^>]*>|<form id="page"(?s:.*?)<button[^>]*>`)
	first := button.FindString(b.page.source)
	if !strings.Contains(first, `type="submit"`) || strings.Contains(first, "name=") {
		t.Errorf("Enter presses %q", first)
	}
	b.shown(w, bot.Outgoing{Locale: "nl", State: conversation.Start, Page: startPage})
	b.get("/chat")
	if strings.Contains(b.page.source, `tabindex="-1" aria-hidden="true"></button>`) {
		t.Error("a page without fields has a button for Enter")
	}
}

// A browser that sends no Sec-Fetch-Site says by Origin alone where a form comes
// from; it tells it if the page that has the form lets it (Referrer-Policy).
func TestAnOldBrowserOrOneWithoutHTTPSCanSendOurFormsAndNobodyElses(t *testing.T) {
	w, f := newWeb(t, web.Options{PublicURL: "http://10.9.9.9:3978"})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	b.header = map[string]string{"Sec-Fetch-Site": ""}
	b.get("/chat")
	if policy := b.head.Get("Referrer-Policy"); policy != "strict-origin" {
		t.Fatalf("with the policy %q a browser hides the origin of our own forms, or tells the path", policy)
	}
	form := url.Values{"token": {startPage.Token}, "choice": {"reset"}}.Encode()
	for origin, want := range map[string]int{
		"http://10.9.9.9:3978": http.StatusNoContent, "http://10.9.9.9": http.StatusForbidden,
		"null": http.StatusForbidden, "https://evil.example": http.StatusForbidden, "file://": http.StatusForbidden,
	} {
		before := len(f.received())
		header := map[string]string{
			"Origin": origin, "Accept": "application/json", "Content-Type": formHeader["Content-Type"],
		}
		got := b.request(http.MethodPost, "/chat", strings.NewReader(form), header).Code
		if taken := len(f.received()) - before; got != want || taken != 0 && want != http.StatusNoContent {
			t.Errorf("%s: %d, and %d taken in; want %d", origin, got, taken, want)
		}
	}
}

func TestAScreenIsErasedAlsoByABrowserThatDoesNotSayWhereItComesFrom(t *testing.T) {
	w, _ := newWeb(t, web.Options{})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	b.request(http.MethodGet, "/chat/erased", nil, map[string]string{"Sec-Fetch-Site": ""})
	if len(b.cookies) != 0 {
		t.Error("the next person finds the cookie")
	}
}

func TestWhatIsNoPageIsSaidInAPageWithAWayOn(t *testing.T) {
	w, _ := newWeb(t, web.Options{})
	b := newVisitor(t, w, "10.0.0.1:1", startPage)
	b.get("/chatt")
	if b.status != http.StatusNotFound {
		t.Errorf("status %d", b.status)
	}
	b.sees("Deze pagina bestaat niet")
	answer := b.request(http.MethodPut, "/chat", nil, nil)
	for _, source := range []string{b.page.source, answer.Body.String()} {
		if !strings.Contains(source, `href="/chat"`) {
			t.Errorf("no way on:\n%s", source)
		}
	}
}
