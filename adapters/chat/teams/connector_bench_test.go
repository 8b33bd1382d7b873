package teams_test

import (
	"encoding/json"
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

	"resetbot/adapters/chat/teams"
)

// bare is a platform that does nothing but read and answer, so that what is
// measured is the way there.
type bare struct {
	teams.Connector
	to          teams.Reference
	connections atomic.Int64
}

func connectBare(b *testing.B) *bare {
	b.Helper()
	l := &bare{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // it was sent by ourselves
		if strings.HasSuffix(r.URL.Path, "/token") {
			_, _ = io.WriteString(w, `{"token_type":"Bearer","expires_in":3600,"access_token":"`+strings.Repeat("t", 1500)+`"}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"1700000000000"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			l.connections.Add(1)
		}
	}
	server.Start()
	b.Cleanup(server.Close)
	as, err := teams.NewCredential(teams.CredentialOptions{AppID: "app", TenantID: "t", TokenURL: server.URL + "/token", Secret: "s"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(as.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	l.Connector = teams.NewConnector(teams.ConnectorOptions{AppID: "app", Credential: as, Hosts: []string{host}})
	b.Cleanup(l.Close)
	l.to = teams.Reference{ServiceURL: server.URL + "/emea/", User: "29:1", Bot: "28:app"}
	return l
}

// BenchmarkSend is one message, its answer read, over a connection of HTTP that
// is used again. It counts the platform's side too, which is in this process.
func BenchmarkSend(b *testing.B) {
	for _, kind := range []struct {
		name string
		m    teams.Message
	}{{"text", teams.Message{Text: "Wie bent u?"}}, {"card of 8 kB", teams.Message{Card: bigCard(8 << 10), Summary: "Wie bent u?"}}} {
		b.Run(kind.name, func(b *testing.B) {
			l := connectBare(b)
			var next atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			before := cpuTime(b)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					n := next.Add(1)
					to := l.to
					// The limits are not what is measured: few go to one tenant.
					to.Conversation, to.Tenant = fmt.Sprint("a:", n), fmt.Sprint("t", n)
					if _, err := l.Send(b.Context(), to, kind.m); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(l.connections.Load()), "connections")
		})
	}
}

func bigCard(size int) json.RawMessage {
	return json.RawMessage(`{"type":"AdaptiveCard","version":"1.5","body":[{"type":"TextBlock","text":"` + strings.Repeat("x", size) + `"}]}`)
}

// cpuTime is what this process used, the platform's side included.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
