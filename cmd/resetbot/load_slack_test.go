package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"resetbot/adapters/chat/slack/slacktest"
)

// newSlackPlatform is a Web API of Slack's that finds everybody and takes everything,
// and people who are named in the directory.
func newSlackPlatform(t testing.TB, n int) *platform {
	cloud := slacktest.Start(t) // signs, and says what events are
	var calls sync.Mutex
	asked, messages := map[string]int{}, 0
	p := &platform{bot: freeAddress(t), shown: map[string]chan []byte{}, asked: func() any {
		calls.Lock()
		defer calls.Unlock()
		return fmt.Sprint(asked)
	}}
	var people []slacktest.Person
	for i := range n {
		person := cloud.Person(slacktest.Person{ID: fmt.Sprintf("U%08d", i), Channel: fmt.Sprintf("D%08d", i)})
		people, p.people = append(people, person), append(p.people, person.Channel)
		p.shown[person.Channel] = make(chan []byte, 8)
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		err := r.ParseForm()
		method := strings.TrimPrefix(r.URL.Path, "/api/")
		calls.Lock()
		asked[method]++
		messages++
		ts := fmt.Sprintf("1700000000.%06d", messages) // its own, or no old page would lose its buttons
		calls.Unlock()
		rw.Header().Set("Content-Type", "application/json")
		switch chat := r.Form.Get("channel"); {
		case err != nil:
			rw.WriteHeader(http.StatusBadRequest)
		case method == "users.info":
			_, _ = fmt.Fprintf(rw, `{"ok":true,"user":{"id":%q,"team_id":%q,"locale":"nl-NL"}}`, r.Form.Get("user"), cloud.Team)
		default:
			if method == "chat.update" {
				ts = r.Form.Get("ts")
			}
			_, _ = fmt.Fprintf(rw, `{"ok":true,"channel":%q,"ts":%q}`, chat, ts)
			p.show(chat, []byte(r.Form.Get("text"))) // a new page, or one that changes
		}
	}))
	t.Cleanup(p.Close)
	cloud.APIURL = p.URL + "/api/" // that is where it is now
	p.said = func(i int, text string) (*http.Request, error) {
		body, err := json.Marshal(cloud.Message(people[i], text, nil))
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequest(http.MethodPost, "http://"+p.bot+"/slack/events", bytes.NewReader(body))
		if err == nil {
			at := strconv.FormatInt(time.Now().Unix(), 10)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-Slack-Request-Timestamp", at)
			r.Header.Set("X-Slack-Signature", slacktest.Sign(cloud.SigningSecret, at, body))
		}
		return r, err
	}
	p.bare = []string{cloud.SigningSecret, cloud.APIURL}
	p.change = func(t testing.TB) []string {
		return append(besideSlack(t, cloud, byHTTP),
			"  type: demo\n", "  type: demo\n  file: "+p.staff(t, func(i int) string { return "slack: [" + cloud.Team + "/" + people[i].ID + "]" })+"\n")
	}
	return p
}
