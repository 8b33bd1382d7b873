package slack_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"resetbot/adapters/chat/slack"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// BenchmarkSend is one page, drawn and sent, and its answer read, over a connection of
// HTTP that is used again. It counts the platform's side too, which is in this process
// and does nothing but read and answer.
func BenchmarkSend(b *testing.B) {
	said, err := words.New(words.Options{Organisation: "Rijnzicht", Domains: []string{"rijnzicht.example"}})
	if err != nil {
		b.Fatal(err)
	}
	var connections, messages atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // it was sent by ourselves
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/chat.postMessage") {
			messages.Add(1)
		}
		_, _ = io.WriteString(w, `{"ok":true,"channel":"D1","ts":"1700000000.000001"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	b.Cleanup(server.Close)
	s, err := slack.New(slack.Options{
		Words: said, APIURL: server.URL + "/", SigningSecret: conversation.NewSecret("s"),
		Workspaces: []slack.Workspace{{TeamID: "T1", BotToken: conversation.NewSecret("xoxb-1")}},
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, page := range []conversation.Page{waitPage, choosePage} {
		b.Run(string(page.ID), func(b *testing.B) {
			var next atomic.Int64
			connections.Store(0)
			messages.Store(0)
			b.ReportAllocs()
			b.ResetTimer()
			before := used(b)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					n := next.Add(1) // the limits are not what is measured: everybody gets one
					sent, err := s.Send(b.Context(), bot.Outgoing{
						User:    conversation.User{Chat: slack.Name, ID: fmt.Sprint("T1/U", n)},
						Address: fmt.Sprintf(`{"t":"T1","u":"U%d","c":"D%d"}`, n, n), Locale: "nl",
						State: conversation.Step1Choose, Page: page,
					})
					if err != nil || sent.Result != conversation.Delivered {
						b.Fatal(sent.Result, err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64((used(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(connections.Load()), "connections")
			if n := messages.Load(); n != int64(b.N) {
				b.Errorf("%d messages came of %d", n, b.N)
			}
		})
	}
}

// used is what this process used, the platform's side included.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
