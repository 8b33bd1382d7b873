package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func TestAScriptIsToldWhichRulesBreakWhatIsTyped(t *testing.T) { synctest.Test(t, testRules) }

func testRules(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser()
	w.prove(b, "m.devries")
	link := b.link()
	ask := func(link, typed string, header map[string]string) (status int, flaws []string) {
		t.Helper()
		form := url.Values{"password": {typed}, "pad": {strings.Repeat("x", 3000)}}
		all := map[string]string{"Content-Type": formHeader["Content-Type"]}
		for name, value := range header {
			all[name] = value
		}
		answer := b.request(http.MethodPost, link+"/rules", strings.NewReader(form.Encode()), all)
		if answer.Code != http.StatusOK {
			return answer.Code, nil
		}
		var said struct{ Flaws []string }
		if err := json.Unmarshal(answer.Body.Bytes(), &said); err != nil || said.Flaws == nil {
			t.Fatalf("%s: %v", answer.Body, err)
		}
		return answer.Code, said.Flaws
	}
	before := w.conversation(b)
	const secret = "marieke-MARKED-fietst"
	for typed, want := range map[string][]string{
		secret: {"personal", "common"}, "kort": {"short"}, good: {}, "Sinterklaas2026!": {"common"},
		strings.Repeat("a", 5000): {"long"},
	} {
		if status, flaws := ask(link, typed, nil); status != http.StatusOK || !slices.Equal(flaws, want) {
			t.Errorf("%.20q: %d, %q; want %q", typed, status, flaws, want)
		}
	}
	for what, status := range map[string]int{
		"a link that never was": first(ask("/p/x", good, nil)),
		"another link":          first(ask(link[:len(link)-2]+"xx", good, nil)),
	} {
		if status != http.StatusNotFound {
			t.Errorf("%s: %d", what, status)
		}
	}
	if got := first(ask(link, good, map[string]string{"Sec-Fetch-Site": "cross-site"})); got != http.StatusForbidden {
		t.Errorf("from another site: %d", got)
	}
	if got := b.request(http.MethodGet, link+"/rules?password=x", nil, nil).Code; got != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", got)
	}
	if after := w.conversation(b); !reflect.DeepEqual(before, after) {
		t.Errorf("asking changed the conversation to\n%+v\nfrom\n%+v", after, before)
	}
	if strings.Contains(w.log.String(), "MARKED") || strings.Contains(w.log.String(), strings.TrimPrefix(link, "/p/")) {
		t.Errorf("in the log:\n%s", w.log)
	}
	refused := 0
	for range 200 {
		if first(ask(link, good, nil)) == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 || refused > 50 {
		t.Errorf("of two hundred questions at once %d are refused", refused)
	}
}

func first[A, B any](a A, _ B) A { return a }
