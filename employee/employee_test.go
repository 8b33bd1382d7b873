package employee_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resetbot/employee"
)

// document is a page with all that a browser without scripts has to get right.
const document = `<!doctype html><title>no</title>
<noscript><meta http-equiv="refresh" content="4;url=/chat"></noscript>
<body data-events="/chat/events" data-mark="m">
<button form="f" name="choice" value="english">English</button>
<h1>Who <strong>are</strong> you?</h1>
<p>One <b>line</b>
of text.</p><p hidden>secret</p><dialog>closed</dialog><script>no()</script>
<form id="f" action="/chat" method="post">
  <input type="hidden" name="token" value="t">
  <input name="name" required><input type="checkbox" name="meant_so" value="yes">
  <button formnovalidate name="choice" value="back">Back</button>
  <button>Next</button><button disabled name="choice" value="call">Call me</button>
  <button type="button">Show</button>
</form>
<form hidden action="/erase"><button>Erase</button></form>
<a href="/p/1">The <span>password</span></a><img src="data:image/png;base64,cGlj">`

// window opens the document; what is sent to it comes on the channel.
func window(t *testing.T) (*employee.Window, chan url.Values) {
	t.Helper()
	sent := make(chan url.Values, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.ParseForm() == nil {
			if r.Header.Get("Origin") != "http://"+r.Host {
				t.Errorf("the form comes from %q", r.Header.Get("Origin"))
			}
			sent <- r.PostForm
		}
		_, _ = fmt.Fprint(w, document)
	}))
	t.Cleanup(server.Close)
	w, err := employee.Visit(t.Context(), server.URL, employee.Person{})
	if err != nil {
		t.Fatal(err)
	}
	return w, sent
}

func TestAPageIsReadAsABrowserWithoutScriptsShowsIt(t *testing.T) {
	w, _ := window(t)
	got := w.Page
	want := employee.Page{
		Address: got.Address, Status: http.StatusOK, Source: document, Heading: "Who are you?",
		Text:    "English\nWho are you?\nOne line of text.\nBack\nNext\nCall me\nShow\nThe password",
		Strong:  []string{"are"},
		Buttons: []string{"English", "Back", "Next"},
		Fields:  []string{"name", "meant_so"},
		Links:   []string{"The password"}, Picture: []byte("pic"), Passing: true,
	}
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool {
		return strings.ToLower(p.Last().String()[1:2]) == p.Last().String()[1:2] // what it is made of
	}, cmp.Ignore())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhatIsSentIsWhatABrowserSends(t *testing.T) {
	w, sent := window(t)
	for _, test := range []struct {
		name string
		does func(context.Context) error
		want url.Values // nil: nothing
	}{
		{
			"a button", func(ctx context.Context) error { return w.Press(ctx, "back") },
			url.Values{"token": {"t"}, "name": {""}, "choice": {"back"}},
		},
		{
			"Enter presses the first button of the form", func(ctx context.Context) error {
				return w.Fill(ctx, map[string]string{"name": "me"})
			}, url.Values{"token": {"t"}, "name": {"me"}, "choice": {"english"}},
		},
		{
			"a box that is ticked", func(ctx context.Context) error {
				return w.Fill(ctx, map[string]string{"name": "me", "meant_so": "yes"})
			}, url.Values{"token": {"t"}, "name": {"me"}, "meant_so": {"yes"}, "choice": {"english"}},
		},
		{"a field that must be filled in", func(ctx context.Context) error { return w.Press(ctx, "Next") }, nil},
		{"a button that is off", func(ctx context.Context) error { return w.Press(ctx, "Call me") }, nil},
		{"a button that nobody sees", func(ctx context.Context) error { return w.Press(ctx, "Erase") }, nil},
		{"a field that is not there", func(ctx context.Context) error {
			return w.Fill(ctx, map[string]string{"code": "123456"})
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.does(t.Context())
			var got url.Values
			select {
			case got = <-sent:
			default:
			}
			if diff := cmp.Diff(test.want, got); diff != "" || (err == nil) != (test.want != nil) {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
}

// The first of the test vectors in appendix B of RFC 6238, of which an app
// shows the last six digits.
func TestTheAppShowsWhatRFC6238Says(t *testing.T) {
	code, err := employee.App("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", time.Unix(59, 0))
	if err != nil || code != "287082" {
		t.Errorf("the app shows %q (%v)", code, err)
	}
	if _, err := employee.App("no base32!", time.Unix(59, 0)); err == nil {
		t.Error("a key that is none was taken")
	}
}

func TestWhatDoesNotComeIsWaitedForAsLongAsOneMay(t *testing.T) {
	w, _ := window(t) // whose page passes, and is followed by the same
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := w.Await(ctx); err == nil || !strings.Contains(err.Error(), "Who are you?") {
		t.Errorf("waiting ended with %v", err)
	}
}
