package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	phone "resetbot/adapters/verification/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

// telephones is the API of the made-up hospital, with a text message, a call
// and a notification on the telephone of m.devries.
func telephones(t *testing.T) (server string, on map[phone.Kind]phone.Entry) {
	t.Helper()
	w, err := openWorld(folder(t.TempDir()), "")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(phoneAPI(w.parts, slog.New(slog.DiscardHandler)))
	t.Cleanup(func() {
		s.Close()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	c := bot.Challenge{
		ID: "1", UPN: "m.devries@rijnzicht.example", Number: conversation.NewSecret("+31612345613"),
		Code: conversation.NewSecret("123456"), Digits: "42", Expires: time.Now().Add(time.Minute), Locale: "nl", Chat: "web",
	}
	for method, v := range map[conversation.Method]bot.Verifier{
		conversation.SMS: w.phone.SMS(), conversation.Call: w.phone.Call(), conversation.Push: w.phone.Push(),
	} {
		c.Method = method
		if err := v.Challenge(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	var entries []phone.Entry
	if code := ask(t, http.MethodGet, s.URL+"/demo/phone/%2B31612345613", "", &entries); code != http.StatusOK {
		t.Fatalf("the list answers %d", code)
	}
	on = map[phone.Kind]phone.Entry{}
	for _, e := range entries {
		on[e.Kind] = e
	}
	return s.URL, on
}

// ask sends a request, decodes the answer, and gives its code.
func ask(t *testing.T, method, address, body string, answer any) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return send(t, r, answer)
}

func send(t *testing.T, r *http.Request, answer any) int {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Cache-Control"); response.StatusCode == http.StatusOK && got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			t.Errorf("the answer is %q: %v", text, err)
		}
	}
	return response.StatusCode
}

func TestAProgramReadsATelephoneAndActsOnIt(t *testing.T) {
	server, on := telephones(t)
	if got := on[phone.KindSMS]; got.Code != "123456" || got.State != phone.Received || got.Number != "+31612345613" {
		t.Errorf("the text message is %+v", got)
	}
	number := server + "/demo/phone/%2B31612345613/"
	for _, test := range []struct {
		kind phone.Kind
		body string
		want phone.State
	}{
		{phone.KindCall, `{"press":"#"}`, phone.Pressed},
		{phone.KindNotification, `{"approve":"42"}`, phone.Approved},
	} {
		var after phone.Entry
		if code := ask(t, http.MethodPost, number+on[test.kind].ID, test.body, &after); code != http.StatusOK {
			t.Errorf("%s answers %d", test.body, code)
		}
		if after.State != test.want || after.ID != on[test.kind].ID {
			t.Errorf("after %s it is %+v", test.body, after)
		}
	}
}

func TestATelephoneWithNothingOnItIsAnEmptyList(t *testing.T) {
	server, _ := telephones(t)
	var text json.RawMessage
	code := ask(t, http.MethodGet, server+"/demo/phone/%2B31600000000", "", &text)
	if code != http.StatusOK || strings.TrimSpace(string(text)) != "[]" {
		t.Errorf("%d %s", code, text)
	}
}

func TestWhatCannotBeDoneWithATelephoneIsRefusedWithASentence(t *testing.T) {
	server, on := telephones(t)
	number := server + "/demo/phone/%2B31612345613/"
	call := number + on[phone.KindCall].ID
	if code := ask(t, http.MethodPost, number+on[phone.KindNotification].ID, `{"deny":true}`, nil); code != http.StatusOK {
		t.Fatalf("denying answers %d", code)
	}
	for name, test := range map[string]struct {
		address, body string
		want          int
	}{
		"no such entry":     {number + "17", `{"press":"#"}`, http.StatusNotFound},
		"another telephone": {server + "/demo/phone/%2B31600000000/" + on[phone.KindCall].ID, `{"press":"#"}`, http.StatusNotFound},
		"over already":      {number + on[phone.KindNotification].ID, `{"approve":"42"}`, http.StatusConflict},
		"a text message":    {number + on[phone.KindSMS].ID, `{"press":"#"}`, http.StatusUnprocessableEntity},
		"approving a call":  {call, `{"approve":"42"}`, http.StatusUnprocessableEntity},
		"two at once":       {call, `{"press":"#","hangup":true}`, http.StatusUnprocessableEntity},
		"nothing at all":    {call, `{}`, http.StatusUnprocessableEntity},
		"no body":           {call, ``, http.StatusBadRequest},
		"no JSON":           {call, `press=#`, http.StatusBadRequest},
		"another key":       {call, `{"pres":"#"}`, http.StatusBadRequest},
		"more behind it":    {call, `{"press":"#"}{"press":"#"}`, http.StatusBadRequest},
		"10 MB":             {call, `{"press":"` + strings.Repeat("#", 10<<20), http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			var answer struct{ Error string }
			if code := ask(t, http.MethodPost, test.address, test.body, &answer); code != test.want || answer.Error == "" {
				t.Errorf("%d %q, want %d", code, answer.Error, test.want)
			}
		})
	}
	var after []phone.Entry
	ask(t, http.MethodGet, strings.TrimSuffix(number, "/"), "", &after)
	for _, e := range after {
		if e.Kind == phone.KindCall && e.State != phone.Waiting {
			t.Errorf("a refused action changed the call: %+v", e)
		}
	}
}

func TestSigningInTellsWhetherAPasswordWorks(t *testing.T) {
	server, _ := telephones(t)
	for name, test := range map[string]struct {
		body string
		want bool
	}{
		"right":         {`{"user":"m.devries","password":"lampion-vijver-oktober"}`, true},
		"whole address": {`{"user":"m.devries@rijnzicht.example","password":"lampion-vijver-oktober"}`, true},
		"wrong":         {`{"user":"m.devries","password":"lampion-vijver-november"}`, false},
		"nobody":        {`{"user":"hunter2","password":"lampion-vijver-oktober"}`, false},
		"empty":         {`{}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			var answer struct{ OK *bool }
			code := ask(t, http.MethodPost, server+"/demo/signin", test.body, &answer)
			if code != http.StatusOK || answer.OK == nil || *answer.OK != test.want {
				t.Errorf("%d %v, want %v", code, answer.OK, test.want)
			}
		})
	}
}

func TestPagesOfOtherOriginsDoNothingToATelephone(t *testing.T) {
	server, on := telephones(t)
	for header, values := range map[string][]string{
		"Sec-Fetch-Site": {"cross-site", "same-site"}, "Origin": {"https://evil.example", "null"},
	} {
		for _, value := range values {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
				server+"/demo/phone/%2B31612345613/"+on[phone.KindCall].ID, strings.NewReader(`{"press":"#"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(header, value)
			var answer struct{ Error string }
			if code := send(t, r, &answer); code != http.StatusForbidden || answer.Error == "" {
				t.Errorf("%s: %s: %d %q", header, value, code, answer.Error)
			}
		}
	}
}
