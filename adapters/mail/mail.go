// Package mail brings notices to people by SMTP (RFC 5321), through one mail
// server that takes them for everybody:
//
//	notice ─▶ words.Letter ─▶ text and HTML ─▶ TLS, AUTH ─▶ MAIL, RCPT, DATA ─▶ taken
//
// A letter that is sent twice, because nobody knows whether it was taken the
// first time, has the same Message-ID both times.
package mail

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	smtp "github.com/wneessen/go-mail"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// TLS is how the way to the mail server is protected.
type TLS string

// The ways.
const (
	StartTLS TLS = "starttls" // STARTTLS (RFC 3207), which must succeed
	Implicit TLS = "implicit" // TLS from the first byte (RFC 8314)
	None     TLS = "none"     // nothing; to a server on this machine alone
)

// Port is the usual port of submission with this protection.
func (t TLS) Port() int {
	switch t {
	case Implicit:
		return 465
	case None:
		return 25
	}
	return 587
}

// Options are what a [Server] is told. Host, TLS, From and Letter are required.
type Options struct {
	Host string
	Port int // 0: the usual one for TLS
	TLS  TLS
	// From is the address that letters come from and that bounces go to, Name is
	// shown beside it.
	From string
	Name string
	// User and Password are for SMTP AUTH (RFC 4954); both or none.
	User     string
	Password conversation.Secret
	// Letter is what somebody is told.
	Letter func(bot.Telling) words.Letter
	// Config is for TLS; nil trusts the authorities that this machine trusts.
	Config *tls.Config
	// Timeout is how long one letter may take; 0 is 15 s.
	Timeout time.Duration
}

// Server is a mail server that takes our letters. It is safe for concurrent
// use; every letter has a connection of its own.
type Server struct{ o Options }

var _ bot.Notifier = (*Server)(nil)

// New makes a Server. It connects to nothing yet. Its error names everything
// that is wrong with o.
func New(o Options) (*Server, error) {
	var faults []error
	must := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New(what))
		}
	}
	must(o.Host != "", "mail needs the host of a mail server")
	must(o.TLS == StartTLS || o.TLS == Implicit || o.TLS == None, "mail needs starttls, implicit or none")
	must(o.TLS != None || isLoopback(o.Host), "mail without TLS is for a server on this machine alone")
	must(IsAddress(o.From), "mail needs an address that it comes from")
	must(o.Letter != nil, "mail needs letters")
	must((o.User == "") == o.Password.Empty(), "mail needs user and password, or neither")
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	o.Port, o.Timeout = cmp.Or(o.Port, o.TLS.Port()), cmp.Or(o.Timeout, 15*time.Second)
	return &Server{o}, nil
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// IsAddress reports whether text is one mail address and nothing beside it: no
// name, no second address, no line break (CVE-2023-7028).
func IsAddress(text string) bool {
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Name == "" && parsed.Address == text && !strings.ContainsAny(text, "\r\n\"")
}

// Tell sends a letter. What the mail server refuses for good because of the
// address or the letter is Undeliverable; a refusal by its policy (X.7.X of
// RFC 3463: no relaying, no such user of ours) is a setting that somebody can
// mend, so it is tried again.
func (s *Server) Tell(ctx context.Context, t bot.Telling) (conversation.DeliveryResult, error) {
	if !IsAddress(t.To) {
		return conversation.Undeliverable, errors.New("this is not one mail address")
	}
	letter, err := s.compose(t)
	if err != nil {
		return conversation.Undeliverable, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	err = s.send(ctx, letter)
	switch {
	case letter.IsDelivered(): // whatever went wrong after that
		return conversation.Delivered, nil
	case refused(err):
		return conversation.Undeliverable, plainly(err)
	case ctx.Err() != nil:
		return conversation.Later, fmt.Errorf("sending mail: %w", ctx.Err())
	case isOver(ctx): // its connection's own deadline was a moment sooner
		return conversation.Later, fmt.Errorf("sending mail: %w", context.DeadlineExceeded)
	}
	return conversation.Later, plainly(err)
}

// send hands a letter to the mail server. The connection ends with ctx.
func (s *Server) send(ctx context.Context, letter *smtp.Msg) error {
	var open net.Conn
	defer func() {
		if open != nil {
			_ = open.Close() // the library leaves it open when the greeting fails
		}
	}()
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		open, err = new(net.Dialer).DialContext(ctx, network, address)
		if err != nil || s.o.TLS != Implicit {
			return open, err
		}
		secured := tls.Client(open, s.tls())
		return secured, secured.HandshakeContext(ctx)
	}
	options := []smtp.Option{
		smtp.WithPort(s.o.Port), smtp.WithTimeout(s.o.Timeout), smtp.WithTLSConfig(s.tls()),
		smtp.WithDialContextFunc(func(dialling context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(dialling, network, address)
			if err == nil {
				context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		}),
		// Neither is needed for one letter, and a failure after it was taken would
		// look as if it was not.
		smtp.WithoutNoop(), smtp.WithoutRset(),
	}
	if s.o.TLS == StartTLS {
		options = append(options, smtp.WithTLSPolicy(smtp.TLSMandatory))
	} else {
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS))
	}
	if s.o.User != "" {
		options = append(options, smtp.WithUsername(s.o.User), smtp.WithPassword(s.o.Password.Reveal()),
			smtp.WithOpportunisticSMTPAuth(
				smtp.SMTPAuthSCRAMSHA256, smtp.SMTPAuthSCRAMSHA1, smtp.SMTPAuthPlain, smtp.SMTPAuthLogin,
			))
	}
	client, err := smtp.NewClient(s.o.Host, options...)
	if err != nil {
		return fmt.Errorf("preparing mail: %w", err)
	}
	return client.DialAndSendWithContext(ctx, letter)
}

func (s *Server) tls() *tls.Config {
	c := &tls.Config{}
	if s.o.Config != nil {
		c = s.o.Config.Clone()
	}
	c.ServerName, c.MinVersion = s.o.Host, tls.VersionTLS12
	return c
}

// isOver reports whether the deadline of ctx has come.
func isOver(ctx context.Context) bool {
	at, ok := ctx.Deadline()
	return ok && !time.Now().Before(at)
}

// refused reports whether the same letter would be refused again.
func refused(err error) bool {
	var e *smtp.SendError
	if !errors.As(err, &e) || e.ErrorCode() < 500 || strings.HasPrefix(e.EnhancedStatusCode(), "5.7.") {
		return false
	}
	switch e.Reason {
	case smtp.ErrSMTPRcptTo, smtp.ErrSMTPData, smtp.ErrSMTPDataClose:
		return true
	}
	return false // MAIL and AUTH fail by what we are set to be, not by whom we write to
}

// plainly is err without what mail servers quote in their answers: addresses.
func plainly(err error) error {
	var e *smtp.SendError
	var answer *textproto.Error
	switch {
	case errors.As(err, &e) && e.ErrorCode() > 0:
		code := strings.TrimSpace(strconv.Itoa(e.ErrorCode()) + " " + e.EnhancedStatusCode())
		return fmt.Errorf("sending mail: %s: the mail server answered %s", e.Reason, code)
	case errors.As(err, &e):
		return fmt.Errorf("sending mail: %s: the connection broke", e.Reason)
	case errors.As(err, &answer):
		return fmt.Errorf("connecting to the mail server: it answered %d", answer.Code)
	}
	return fmt.Errorf("connecting to the mail server: %w", err)
}

// messageID is the same for the same notice to the same address, and tells
// neither.
func (s *Server) messageID(t bot.Telling) string {
	sum := sha256.Sum256([]byte(t.Notice.ID + "\n" + t.To))
	_, domain, _ := strings.Cut(s.o.From, "@")
	return hex.EncodeToString(sum[:16]) + "@" + domain
}
