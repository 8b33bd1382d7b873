package mail_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	netmail "net/mail"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"resetbot/adapters/mail"
	"resetbot/conversation"
)

// mailbox is a real mail server in this process, with knobs.
type mailbox struct {
	t        *testing.T
	host     string
	port     int
	trusting *tls.Config // for whoever is to believe who it is

	mu       sync.Mutex
	taken    []envelope
	sessions int
	// The knobs. Each is an answer in the place of a good one.
	greeting, from, to, data, auth error
	drop                           bool          // hang up once the letter is there, without an answer
	slow                           time.Duration // before the letter is taken
	open                           chan struct{} // closed: the slow one need not wait any longer
}

// envelope is what arrived.
type envelope struct {
	From, To string
	User     string
	TLS      bool
	Raw      []byte
}

const user, password = "resetbot", "geheim van de post"

// serve starts a mail server that protects itself in one of the three ways.
func serve(t *testing.T, way mail.TLS) *mailbox {
	t.Helper()
	b := &mailbox{t: t, host: "127.0.0.1", open: make(chan struct{})}
	certificate, pool := certify(t)
	b.trusting = &tls.Config{RootCAs: pool}
	s := smtp.NewServer(b)
	s.Domain, s.ErrorLog = "post.rijnzicht.example", log.New(io.Discard, "", 0)
	s.AllowInsecureAuth = way == mail.None
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.port = listener.Addr().(*net.TCPAddr).Port
	secured := &tls.Config{Certificates: []tls.Certificate{certificate}}
	switch way {
	case mail.Implicit:
		listener = tls.NewListener(listener, secured)
	case mail.StartTLS:
		s.TLSConfig = secured
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	t.Cleanup(func() {
		close(b.open)
		_ = s.Close()
		_ = listener.Close() // of which the server knows nothing yet, where the test was quicker
		<-served
	})
	return b
}

// certify makes a certificate for this machine, and those who trust it.
func certify(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "post"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// letters are what was taken.
func (b *mailbox) letters() []envelope {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]envelope(nil), b.taken...)
}

// parsed is a letter as its reader has it.
func (b *mailbox) parsed(e envelope) *netmail.Message {
	b.t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(e.Raw))
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions++
	_, secured := c.TLSConnectionState()
	return &session{box: b, conn: c, envelope: envelope{TLS: secured}}, b.greeting
}

type session struct {
	box  *mailbox
	conn *smtp.Conn
	envelope
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, secret string) error {
		if s.box.auth != nil {
			return s.box.auth
		}
		if name != user || secret != password {
			return smtp.ErrAuthFailed
		}
		s.User = name
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.From = from
	return s.box.from
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.To = to
	return s.box.to
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.box.slow > 0 {
		select {
		case <-time.After(s.box.slow):
		case <-s.box.open:
		}
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	if s.box.data != nil {
		return s.box.data
	}
	s.Raw = raw
	s.box.taken = append(s.box.taken, s.envelope)
	if s.box.drop {
		_ = s.conn.Conn().Close()
		return errors.New("hung up")
	}
	return nil
}

func (*session) Reset()        {}
func (*session) Logout() error { return nil }

// answer is a refusal with its enhanced code (RFC 3463). Like real servers it
// quotes whom it refuses.
func answer(code int, enhanced ...int) error {
	return &smtp.SMTPError{
		Code: code, EnhancedCode: smtp.EnhancedCode{enhanced[0], enhanced[1], enhanced[2]},
		Message: "<" + to + ">: " + strconv.Itoa(code) + " in words",
	}
}

// with are options for this mail server.
func (b *mailbox) with(way mail.TLS) mail.Options {
	return mail.Options{
		Host: b.host, Port: b.port, TLS: way, From: from, Name: "Ziekenhuis Rijnzicht",
		User: user, Password: conversation.NewSecret(password), Letter: letter, Config: b.trusting,
	}
}
