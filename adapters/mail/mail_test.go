package mail_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"resetbot/adapters/mail"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	from = "wachtwoord@rijnzicht.example"
	to   = "zoe@celik-muller.example"
	link = "https://resetbot.rijnzicht.example/n/AbC-123_=?a=1&b=2"
)

// letter has in it what goes wrong: markup, a link within a sentence, a long
// line, what is not ASCII.
func letter(t bot.Telling) words.Letter {
	return words.Letter{
		Subject: "Uw wachtwoord is gewijzigd – Zoë",
		Body: []string{
			"Dit gaat over <b>Z. Çelik-Müller</b> & anderen.",
			"Was u dit niet? Open " + t.Link + " en druk op ‘Dit was ik niet’. " + strings.Repeat("Lang. ", 300),
			".",
		},
	}
}

func telling() bot.Telling {
	return bot.Telling{
		Notice: conversation.Notice{ID: "5f0c", Message: conversation.TellReset, Locale: "nl"},
		To:     to, Link: link,
	}
}

func open(t *testing.T, o mail.Options) *mail.Server {
	t.Helper()
	s, err := mail.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parts are the texts of a letter by their kind.
func parts(t *testing.T, m *netmail.Message) map[string]string {
	t.Helper()
	kind, values, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("it is %q, %v", kind, err)
	}
	found := map[string]string{}
	r := multipart.NewReader(m.Body, values["boundary"])
	for {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = quotedprintable.NewReader(part)
		if part.Header.Get("Content-Transfer-Encoding") == "base64" {
			body = base64.NewDecoder(base64.StdEncoding, part)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		found[part.Header.Get("Content-Type")] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
}

func TestALetterArrivesInEachProtectedWay(t *testing.T) {
	for _, way := range []mail.TLS{mail.StartTLS, mail.Implicit, mail.None} {
		t.Run(string(way), func(t *testing.T) {
			box := serve(t, way)
			result, err := open(t, box.with(way)).Tell(t.Context(), telling())
			if err != nil || result != conversation.Delivered {
				t.Fatal(result, err)
			}
			taken := box.letters()
			if len(taken) != 1 {
				t.Fatalf("%d letters", len(taken))
			}
			e := taken[0]
			if e.From != from || e.To != to || e.TLS != (way != mail.None) || e.User != user {
				t.Errorf("the envelope is %s, %s, TLS %v, user %q", e.From, e.To, e.TLS, e.User)
			}
		})
	}
}

func TestALetterIsReadAsItWasWritten(t *testing.T) {
	box := serve(t, mail.StartTLS)
	if _, err := open(t, box.with(mail.StartTLS)).Tell(t.Context(), telling()); err != nil {
		t.Fatal(err)
	}
	m := box.parsed(box.letters()[0])
	for header, want := range map[string]string{
		"From": `"Ziekenhuis Rijnzicht" <` + from + ">", "To": "<" + to + ">",
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Content-Language": "nl",
		"User-Agent": "", "X-Mailer": "",
	} {
		if got := m.Header.Get(header); got != want {
			t.Errorf("%s: %s, want %s", header, got, want)
		}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != letter(telling()).Subject {
		t.Errorf("the subject is %q, %v", subject, err)
	}
	if _, err := m.Header.Date(); err != nil {
		t.Error(err)
	}
	body := parts(t, m)
	want := strings.Join(letter(telling()).Body, "\n\n")
	if got := strings.TrimRight(body["text/plain; charset=UTF-8"], "\n"); got != want {
		t.Errorf("the text is\n%q\nwant\n%q", got, want)
	}
	html := body["text/html; charset=UTF-8"]
	for _, must := range []string{
		`<html lang="nl">`, "&lt;b&gt;Z. Çelik-Müller&lt;/b&gt; &amp; anderen",
		`<a href="https://resetbot.rijnzicht.example/n/AbC-123_=?a=1&amp;b=2">` +
			`https://resetbot.rijnzicht.example/n/AbC-123_=?a…</a>`,
		"en druk op ‘Dit was ik niet’",
	} {
		if !strings.Contains(html, must) {
			t.Errorf("%s is not in\n%s", must, html)
		}
	}
}

func TestARepeatedLetterIsRecognisable(t *testing.T) {
	box := serve(t, mail.StartTLS)
	s := open(t, box.with(mail.StartTLS))
	other := telling()
	other.To = "manager@rijnzicht.example"
	later := telling()
	later.Notice.ID = "5f0d"
	var ids []string
	for _, one := range []bot.Telling{telling(), telling(), other, later} {
		if _, err := s.Tell(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range box.letters() {
		ids = append(ids, box.parsed(e).Header.Get("Message-ID"))
	}
	if ids[0] != ids[1] || ids[0] == ids[2] || ids[0] == ids[3] || !strings.HasSuffix(ids[0], "@rijnzicht.example>") {
		t.Errorf("the ids are %q", ids)
	}
}

// What a mail server says decides whether it is tried again, and no address
// stands in what is logged.
func TestAC03_AC25_WhatGoesWrongIsTriedAgainOrNotAndNamesNobody(t *testing.T) {
	for name, test := range map[string]struct {
		knob func(*mailbox)
		want conversation.DeliveryResult
		says string
	}{
		"busy":                   {func(b *mailbox) { b.to = answer(451, 4, 3, 2) }, conversation.Later, "451 4.3.2"},
		"mailbox full for now":   {func(b *mailbox) { b.data = answer(452, 4, 2, 2) }, conversation.Later, "452 4.2.2"},
		"no such mailbox":        {func(b *mailbox) { b.to = answer(550, 5, 1, 1) }, conversation.Undeliverable, "550 5.1.1"},
		"the letter is refused":  {func(b *mailbox) { b.data = answer(554, 5, 6, 0) }, conversation.Undeliverable, "554 5.6.0"},
		"no relaying":            {func(b *mailbox) { b.to = answer(550, 5, 7, 1) }, conversation.Later, "550 5.7.1"},
		"not this sender":        {func(b *mailbox) { b.from = answer(550, 5, 1, 8) }, conversation.Later, "550 5.1.8"},
		"another password":       {func(b *mailbox) { b.auth = answer(535, 5, 7, 8) }, conversation.Later, "535"},
		"closed":                 {func(b *mailbox) { b.greeting = answer(421, 4, 3, 2) }, conversation.Later, "421"},
		"hangs up, and has it":   {func(b *mailbox) { b.drop = true }, conversation.Later, "connection broke"},
		"slow, but within reach": {func(b *mailbox) { b.slow = 50 * time.Millisecond }, conversation.Delivered, ""},
	} {
		t.Run(name, func(t *testing.T) {
			box := serve(t, mail.StartTLS)
			test.knob(box)
			result, err := open(t, box.with(mail.StartTLS)).Tell(t.Context(), telling())
			if result != test.want || (err == nil) != (test.want == conversation.Delivered) {
				t.Fatalf("%s, %v; want %s", result, err, test.want)
			}
			if err == nil {
				return
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v does not say %q", err, test.says)
			}
			for _, secret := range []string{to, "celik", password, base64.StdEncoding.EncodeToString([]byte(password)), link} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q is in %v", secret, err)
				}
			}
		})
	}
}

func TestAMailServerThatHangsCostsNoMoreThanTheTimeOut(t *testing.T) {
	box := serve(t, mail.StartTLS)
	box.slow = time.Minute
	o := box.with(mail.StartTLS)
	o.Timeout = 200 * time.Millisecond
	began := time.Now()
	result, err := open(t, o).Tell(t.Context(), telling())
	if result != conversation.Later || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s, %v", result, err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if result, err := open(t, box.with(mail.StartTLS)).Tell(ctx, telling()); result != conversation.Later ||
		!errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %s, %v", result, err)
	}
}

func TestWithoutTheProtectionThatWasAskedForNothingIsSent(t *testing.T) {
	for name, test := range map[string]struct {
		server, asked mail.TLS
		trusts        bool
	}{
		"a server without STARTTLS":             {mail.None, mail.StartTLS, true},
		"a server without TLS":                  {mail.None, mail.Implicit, true},
		"a certificate that nobody vouches for": {mail.StartTLS, mail.StartTLS, false},
		"the same, implicit":                    {mail.Implicit, mail.Implicit, false},
	} {
		t.Run(name, func(t *testing.T) {
			box := serve(t, test.server)
			o := box.with(test.asked)
			o.Timeout = 2 * time.Second
			if !test.trusts {
				o.Config = nil
			}
			result, err := open(t, o).Tell(t.Context(), telling())
			if result != conversation.Later || err == nil || len(box.letters()) > 0 {
				t.Errorf("%s, %v, %d letters", result, err, len(box.letters()))
			}
		})
	}
}

func TestAC06_OnlyOneAddressIsEverWrittenTo(t *testing.T) {
	box := serve(t, mail.StartTLS)
	s := open(t, box.with(mail.StartTLS))
	for _, address := range []string{
		"a@x.example, b@y.example", "a@x.example;b@y.example", "a@x.example\r\nBcc: b@y.example", "Ann <a@x.example>",
		"a@x.example b@y.example", "nobody", "", "\"a\r\n\"@x.example", "a@x.example\x00", strings.Repeat("a", 10_000),
	} {
		tell := telling()
		tell.To = address
		result, err := s.Tell(t.Context(), tell)
		if result != conversation.Undeliverable || err == nil {
			t.Errorf("%q: %s, %v", address, result, err)
		}
	}
	if n := len(box.letters()); n > 0 || box.sessions > 0 {
		t.Errorf("%d letters in %d sessions", n, box.sessions)
	}
}

func TestWhatIsWrongWithAMailServerIsToldAtOnce(t *testing.T) {
	_, err := mail.New(mail.Options{TLS: mail.None, Host: "post.example", User: "x", From: "Ann <a@x.example>"})
	for _, want := range []string{"this machine alone", "comes from", "letters", "user and password"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	for way, port := range map[mail.TLS]int{mail.StartTLS: 587, mail.Implicit: 465, mail.None: 25} {
		if way.Port() != port {
			t.Errorf("%s is on %d", way, way.Port())
		}
	}
}

func FuzzIsAddress(f *testing.F) {
	f.Add("a@x.example")
	f.Add("a@x.example,b@y.example")
	f.Add("\"a b\"@x.example")
	f.Fuzz(func(t *testing.T, text string) {
		if !mail.IsAddress(text) {
			return
		}
		list, err := netmail.ParseAddressList(text)
		if err != nil || len(list) != 1 || list[0].Address != text || strings.ContainsAny(text, "\r\n") {
			t.Errorf("%q is taken for one address: %v, %v", text, list, err)
		}
	})
}
