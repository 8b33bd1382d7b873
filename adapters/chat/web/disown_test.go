package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"resetbot/adapters/chat/web"
	"resetbot/conversation"
)

// owner is a bot whose owners can disown.
type owner struct {
	fake
	disowned int
}

func (o *owner) Disownable(_ context.Context, token string) (n conversation.Notice, ok bool, err error) {
	return conversation.Notice{Locale: "nl"}, token == "right", nil
}

func (o *owner) Disown(_ context.Context, token, asker string) (n conversation.Notice, ok bool, err error) {
	if token != "right" || o.disowned > 0 || asker == "" {
		return n, false, nil
	}
	o.disowned++
	return n, true, nil
}

func (o *owner) Sound(context.Context, string) ([]byte, bool, error) { return nil, false, nil }

var _ web.Bot = (*owner)(nil)

func TestAC75_TheLinkOfANoticeHasOneButtonAndOpeningItDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		o := &owner{}
		w.web.SetBot(o)
		b := w.browser()
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
			if answer := b.request(method, "/n/right", nil, nil); answer.Code != http.StatusOK || o.disowned > 0 {
				t.Fatalf("%s: %d, disowned %d times", method, answer.Code, o.disowned)
			}
		}
		b.get("/n/right")
		b.sees("Dit was ik niet")
		foreign := map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-www-form-urlencoded"}
		if answer := b.request(http.MethodPost, "/n/right", strings.NewReader(""), foreign); answer.Code != http.StatusForbidden {
			t.Errorf("another site could press the button: %d", answer.Code)
		}
		b.post("/n/right", url.Values{})
		b.sees("tegengehouden")
		b.post("/n/right", url.Values{})
		b.sees("al gebruikt of te oud")
		if o.disowned != 1 {
			t.Errorf("disowned %d times", o.disowned)
		}
		if answer := b.request(http.MethodGet, "/n/wrong", nil, nil); answer.Code != http.StatusNotFound {
			t.Errorf("a link that never was: %d", answer.Code)
		}
	})
}
