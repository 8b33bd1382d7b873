// Package terminal is the wizard in a terminal: one person, who types lines
// and reads pages. A password is typed without an echo, a captcha is drawn in
// block characters and lies in a file beside, and so does its sound.
package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// Name is the chat's name in conversation.User.
const Name = "terminal"

// Options are what a [Terminal] is made of.
type Options struct {
	In    io.Reader
	Out   io.Writer
	Words *words.Words
	// From is who sits at the terminal. Its Chat is [Name].
	From conversation.Origin
	// Pictures is the folder in which captchas are shown, and said.
	Pictures string
	// ReadPassword reads a line that is not shown; nil where In is no terminal,
	// and then the lines of In are taken.
	ReadPassword func() (string, error)
	// Draw draws a picture (PNG) in characters, for so many columns.
	Draw  func(picture []byte, columns int) (string, error)
	Width int // columns; 0 is 80
	Log   *slog.Logger
	Now   func() time.Time // nil is time.Now
}

// pictures are the names of the files in which captchas and QR codes are shown.
const pictures = "picture-*.png"

// sounds are the names of the files in which captchas are said.
const sounds = "sound-*.wav"

// Terminal is a bot.Chat for one person.
type Terminal struct {
	Options
	lines *bufio.Reader

	mu     sync.Mutex
	page   conversation.Page // the newest that was shown
	locale string
	// suggested is a password that would do, where the page asks for a new one.
	suggested conversation.Secret
	reading   bool          // a line that is shown as it is typed
	shown     int           // how many pages were
	changed   chan struct{} // closed and replaced with every page
	files     []string      // that belong to the page
}

var _ bot.Chat = (*Terminal)(nil)

// New makes a Terminal. Nothing is read before [Terminal.Run]. Pictures and
// sounds that a process left behind which did not end well are removed.
func New(o Options) *Terminal {
	for _, pattern := range []string{pictures, sounds} {
		left, _ := filepath.Glob(filepath.Join(o.Pictures, pattern)) // the pattern is a good one
		for _, file := range left {
			_ = os.Remove(file) // what stays behind opens nothing
		}
	}
	if o.Width == 0 {
		o.Width = 80
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	lines := bufio.NewReaderSize(o.In, conversation.TypedMax)
	return &Terminal{Options: o, lines: lines, locale: o.From.Locale, changed: make(chan struct{})}
}

// Send prints a page.
func (t *Terminal) Send(_ context.Context, m bot.Outgoing) (bot.Sent, error) {
	text, err := t.Words.Render(m.Locale, m.State, m.Page, t.Now())
	if err != nil {
		t.Log.Error("rendering a page", "page", m.Page.ID, "error", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := fmt.Fprintf(t.Out, "\n%s\n", wrap(text.String(), t.Width)); err != nil {
		return bot.Sent{Result: conversation.Later}, fmt.Errorf("printing a page: %w", err)
	}
	if err := t.show(m.Picture); err != nil {
		return bot.Sent{Result: conversation.Later}, err
	}
	if err := t.showKey(m); err != nil {
		return bot.Sent{Result: conversation.Later}, err
	}
	if err := t.hear(m); err != nil {
		return bot.Sent{Result: conversation.Later}, err
	}
	t.page, t.locale, t.suggested = m.Page, m.Locale, m.Suggested
	t.prompt()
	t.shown++
	close(t.changed)
	t.changed = make(chan struct{})
	return bot.Sent{Result: conversation.Delivered}, nil
}

// prompt says that it is the person's turn. A page that asks for a password may
// come while a line is being read that everybody sees.
func (t *Terminal) prompt() {
	switch password := t.page.AsksPassword(); {
	case t.ReadPassword == nil || busy[t.page.ID]:
	case !password:
		_, _ = fmt.Fprint(t.Out, "> ") // a closed terminal is noticed by the reader
	case t.reading:
		_, _ = fmt.Fprint(t.Out, t.Words.Phrase(t.locale, words.PressEnter, conversation.Args{}, t.Now()), " ")
	}
}

// wrap breaks lines between words.
func wrap(text string, width int) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		column := 0
		for i, word := range strings.Fields(line) {
			length := utf8.RuneCountInString(word)
			switch {
			case i > 0 && column+1+length > width:
				b.WriteString("\n")
				column = 0
			case i > 0:
				b.WriteString(" ")
				column++
			}
			b.WriteString(word)
			column += length
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// show draws a captcha, and writes it to a file for a viewer. The files of the
// page before go.
func (t *Terminal) show(picture []byte) error {
	t.forget()
	if picture == nil {
		return nil
	}
	file, err := t.keep(pictures, picture)
	if err != nil {
		return err
	}
	blocks, err := t.Draw(picture, t.Width)
	if err != nil {
		return fmt.Errorf("drawing a captcha: %w", err)
	}
	_, err = fmt.Fprintf(t.Out, "\n%s\n  %s\n", blocks, file)
	return err
}

// showKey shows what an authenticator app is enrolled with: the QR code in a
// file, for a viewer, and the key to type.
func (t *Terminal) showKey(m bot.Outgoing) error {
	if m.App == nil {
		return nil
	}
	file, err := t.keep(pictures, m.App.QR)
	if err != nil {
		return err
	}
	key := t.Words.Phrase(m.Locale, words.AppKey, conversation.Args{Word: m.App.Text.Reveal()}, t.Now())
	_, err = fmt.Fprintf(t.Out, "\n  %s\n\n%s\n", file, key)
	return err
}

// hear puts a captcha's sound into a file, for a player, and says where it is.
func (t *Terminal) hear(m bot.Outgoing) error {
	if m.Sound == nil {
		return nil
	}
	file, err := t.keep(sounds, m.Sound)
	if err != nil {
		return err
	}
	say := t.Words.Phrase(m.Locale, words.SoundFile, conversation.Args{}, t.Now())
	_, err = fmt.Fprintf(t.Out, "\n%s\n\n  %s\n", say, file)
	return err
}

// keep writes a picture or a sound to a file that nobody else can read, for a
// viewer or a player.
func (t *Terminal) keep(pattern string, data []byte) (name string, err error) {
	file, err := os.CreateTemp(t.Pictures, pattern)
	if err != nil {
		return "", fmt.Errorf("keeping a picture or sound: %w", err)
	}
	t.files = append(t.files, file.Name())
	_, err = file.Write(data)
	if err := errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("keeping a picture or sound: %w", err)
	}
	return filepath.Clean(file.Name()), nil
}

// forget removes the files of a page that is gone.
func (t *Terminal) forget() {
	for _, file := range t.files {
		_ = os.Remove(file) // what stays behind opens nothing
	}
	t.files = nil
}

// Close removes what lies about.
func (t *Terminal) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget()
}

// Run reads what the person types and hands it to receive, until the input or
// ctx ends. It waits for the answer to a line before it reads the next, so that
// a page that asks for a password is there before the password is typed.
func (t *Terminal) Run(ctx context.Context, receive func(context.Context, bot.Incoming) error) error {
	message := bot.Incoming{Kind: conversation.Arrived}
	for {
		seen := t.count()
		message.From = t.From
		if err := receive(ctx, message); err != nil {
			t.Log.Error("taking a line in", "error", err) // the person was told by a page
		}
		t.settle(ctx, seen)
		var err error
		if message, err = t.next(ctx); err != nil {
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("reading from the terminal: %w", err)
		}
	}
}

// next is what the person types next.
func (t *Terminal) next(ctx context.Context) (bot.Incoming, error) {
	for {
		if token, fields, suggested := t.wantsPassword(); token != "" && t.ReadPassword != nil {
			return t.password(token, fields, suggested)
		}
		line, err := t.line(ctx)
		if err != nil {
			return bot.Incoming{}, err
		}
		token, fields, _ := t.wantsPassword()
		switch {
		case token == "":
			return bot.Incoming{Kind: conversation.Said, Text: conversation.NewSecret(line)}, nil
		case t.ReadPassword == nil:
			return t.plainPassword(ctx, token, fields, line)
		case line != "": // the page came while this was being typed, and everybody could read it
			return bot.Incoming{Kind: conversation.Said, Text: conversation.NewSecret(line)}, nil
		}
	}
}

// line reads one line. A line that is too long comes cut, one byte longer
// than anybody takes in, so that it is refused and not misread.
func (t *Terminal) line(ctx context.Context) (string, error) {
	type read struct {
		text string
		err  error
	}
	t.setReading(true)
	defer t.setReading(false)
	got := make(chan read, 1)
	go func() {
		text, err := t.readLine()
		got <- read{text, err}
	}()
	select {
	case r := <-got:
		return r.text, r.err
	case <-ctx.Done(): // the read itself cannot be broken off; the process ends soon
		return "", ctx.Err()
	}
}

func (t *Terminal) setReading(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reading = on
}

func (t *Terminal) readLine() (string, error) {
	var line []byte
	for {
		part, more, err := t.lines.ReadLine()
		if err != nil {
			return "", err
		}
		if room := conversation.TypedMax + 1 - len(line); room > 0 {
			line = append(line, part[:min(len(part), room)]...)
		}
		if !more {
			return string(line), nil
		}
	}
}

// wantsPassword reports the token of the page if it asks for a password, and one
// that would do, if that was thought of.
func (t *Terminal) wantsPassword() (token string, fields []conversation.Field, suggested conversation.Secret) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.page.AsksPassword() {
		return "", nil, conversation.Secret{}
	}
	return t.page.Token, t.page.Fields, t.suggested
}

// password has the new password typed twice, unseen.
func (t *Terminal) password(
	token string, fields []conversation.Field, suggested conversation.Secret,
) (bot.Incoming, error) {
	if !suggested.Empty() {
		t.say(words.SuggestPassword, conversation.Args{Word: suggested.Reveal()})
	}
	form := bot.Incoming{Kind: conversation.Filled, Token: token, Fields: map[conversation.Field]conversation.Secret{}}
	for _, field := range fields {
		prompt := map[conversation.Field]words.Phrase{
			conversation.FieldPassword: words.TypePassword, conversation.FieldConfirm: words.TypePasswordAgain,
			conversation.FieldMeantSo: words.MeantSo, conversation.FieldCurrent: words.TypeCurrent,
		}[field]
		t.say(prompt, conversation.Args{})
		typed, err := t.ReadPassword()
		if err != nil {
			return bot.Incoming{}, err
		}
		if command := t.command(typed); command != "" {
			return bot.Incoming{Kind: conversation.Said, Text: conversation.NewSecret(typed)}, nil
		}
		form.Fields[field] = conversation.NewSecret(meant(field, typed))
	}
	return form, nil
}

// plainPassword is the same where lines come from a pipe.
func (t *Terminal) plainPassword(
	ctx context.Context, token string, fields []conversation.Field, first string,
) (bot.Incoming, error) {
	if t.command(first) != "" {
		return bot.Incoming{Kind: conversation.Said, Text: conversation.NewSecret(first)}, nil
	}
	form := bot.Incoming{Kind: conversation.Filled, Token: token, Fields: map[conversation.Field]conversation.Secret{}}
	for i, field := range fields {
		if i > 0 {
			var err error
			if first, err = t.line(ctx); err != nil {
				return bot.Incoming{}, err
			}
		}
		form.Fields[field] = conversation.NewSecret(meant(field, first))
	}
	return form, nil
}

// meant turns a typed yes into the form's.
func meant(field conversation.Field, typed string) string {
	if field != conversation.FieldMeantSo {
		return typed
	}
	switch strings.ToLower(strings.TrimSpace(typed)) {
	case "ja", "j", "yes", "y":
		return "yes"
	}
	return "no"
}

// command reports whether a line on the password page is a word that works
// everywhere ("annuleren"), and not a password.
func (t *Terminal) command(line string) conversation.Choice {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Words.Understand(t.page, t.locale, line).Choice
}

func (t *Terminal) say(p words.Phrase, args conversation.Args) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprint(t.Out, t.Words.Phrase(t.locale, p, args, t.Now()), " ") // a closed terminal ends the reading
	if p == words.SuggestPassword {
		_, _ = fmt.Fprintln(t.Out)
	}
}

func (t *Terminal) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.shown
}

// How long an answer is waited for: to come at all, and to be more than "one
// moment, please".
const (
	answerWithin = 2 * time.Second
	workWithin   = 90 * time.Second
)

// settle waits for the page that answers a line.
func (t *Terminal) settle(ctx context.Context, seen int) {
	ctx, cancel := context.WithTimeout(ctx, workWithin)
	defer cancel()
	first := time.NewTimer(answerWithin)
	defer first.Stop()
	for {
		t.mu.Lock()
		ready, changed := t.shown > seen && !busy[t.page.ID], t.changed
		silent := t.shown == seen
		t.mu.Unlock()
		if ready {
			return
		}
		select {
		case <-changed:
		case <-first.C:
			if silent {
				return // what was typed changed nothing
			}
		case <-ctx.Done():
			return
		}
	}
}

// busy are the pages that another page follows by itself, soon.
var busy = map[conversation.MessageID]bool{
	conversation.WaitFind: true, conversation.WaitCheck: true,
	conversation.WaitChange: true, conversation.WaitUnlock: true, conversation.WaitEnrol: true,
}
