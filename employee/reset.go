package employee

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// said is what the pages say in one language, as far as a person looks for it.
type said struct {
	forgot      string
	methods     map[Method]string
	newPassword string // the link to the one-time page
	active      string // the end
}

// speech is what is said in each language.
var speech = map[string]said{
	"nl": {
		forgot: "Wachtwoord vergeten",
		methods: map[Method]string{
			SMS:          "Sms-bericht naar mijn telefoon verzenden",
			Call:         "Mijn mobiele telefoon bellen",
			Notification: "Een melding in de Authenticator-app goedkeuren",
			AppCode:      "Een code invoeren uit de Authenticator-app",
		},
		newPassword: "Nieuw wachtwoord kiezen",
		active:      "Uw nieuwe wachtwoord is nu actief",
	},
	"en": {
		forgot: "Forgot my password",
		methods: map[Method]string{
			SMS:          "Send a text message to my phone",
			Call:         "Call my mobile phone",
			Notification: "Approve a notification in the Authenticator app",
			AppCode:      "Enter a code from the Authenticator app",
		},
		newPassword: "Choose a new password",
		active:      "Your new password is now active",
	},
}

// Told is what came of a reset.
type Told struct {
	Receipt string
	Seen    []Seen // in the chat
	Took    time.Duration
}

// Reset goes the whole way to a new password, with two proofs, and is nil only
// when both the one-time page and the chat said that it is active. What it
// tells of an unfinished walk is how far it came.
func Reset(ctx context.Context, base string, p Person, first, second Method, password string) (Told, error) {
	began := time.Now()
	w, err := Visit(ctx, base, p)
	if err != nil {
		return Told{}, err
	}
	err = func() error {
		if err := w.Identify(ctx); err != nil {
			return err
		}
		for _, m := range []Method{first, second} {
			if err := w.Prove(ctx, m); err != nil {
				return err
			}
		}
		return w.Choose(ctx, password)
	}()
	return Told{w.Receipt(), w.Seen, time.Since(began)}, err
}

// Identify says on the first page that the password was forgotten, and then
// who one is.
func (w *Window) Identify(ctx context.Context) error {
	if err := w.Press(ctx, speech[w.language()].forgot); err != nil {
		return fmt.Errorf("saying that a password was forgotten: %w", err)
	}
	fields := map[string]string{"name": w.person.User}
	if w.asks("captcha") {
		if w.person.Read == nil {
			return w.lost("reading the picture")
		}
		read, err := w.person.Read(w.Page.Picture)
		if err != nil {
			return fmt.Errorf("reading the picture: %w", err)
		}
		fields["captcha"] = read
	}
	if err := w.answer(ctx, fields); err != nil {
		return fmt.Errorf("saying who one is: %w", err)
	}
	return nil
}

// Prove proves who one is, in one way, from the page on which it is chosen to
// the page after it.
func (w *Window) Prove(ctx context.Context, m Method) error {
	phone := NewPhone(w.base, w.person.Number)
	if err := phone.Skim(ctx); err != nil {
		return err
	}
	if err := w.Press(ctx, speech[w.language()].methods[m]); err != nil {
		return fmt.Errorf("choosing a way: %w", err)
	}
	if w.asks("number") {
		if err := w.Fill(ctx, map[string]string{"number": w.person.Mobile}); err != nil {
			return fmt.Errorf("giving the number: %w", err)
		}
	}
	prove := map[Method]func(context.Context, *Phone) error{
		SMS: w.proveSMS, Call: w.proveCall, Notification: w.proveNotification, AppCode: w.proveCode,
	}[m]
	return prove(ctx, phone)
}

func (w *Window) proveSMS(ctx context.Context, phone *Phone) error {
	sms, err := phone.Next(ctx, KindSMS)
	for err == nil && sms.Code == "" { // a notice of what was done before
		sms, err = phone.Next(ctx, KindSMS)
	}
	if err != nil {
		return err
	}
	if err := w.Await(ctx); err != nil {
		return err
	}
	return w.answer(ctx, map[string]string{"code": sms.Code})
}

func (w *Window) proveCall(ctx context.Context, phone *Phone) error {
	call, err := phone.Next(ctx, KindCall)
	if err != nil {
		return err
	}
	if err := phone.Press(ctx, call, "#"); err != nil {
		return err
	}
	return w.Await(ctx)
}

// digits are two that stand on a line of their own.
var digits = regexp.MustCompile(`(?m)^\d\d$`)

func (w *Window) proveNotification(ctx context.Context, phone *Phone) error {
	number := digits.FindString(w.Page.Text)
	if number == "" {
		return w.lost("looking for the number to type")
	}
	notification, err := phone.Next(ctx, KindNotification)
	if err != nil {
		return err
	}
	if err := phone.Approve(ctx, notification, number); err != nil {
		return err
	}
	return w.Await(ctx)
}

func (w *Window) proveCode(ctx context.Context, _ *Phone) error {
	code, err := App(w.person.Secret, time.Now())
	if err != nil {
		return err
	}
	return w.answer(ctx, map[string]string{"code": code})
}

// Choose opens the one-time page from the chat, types passwords there one after
// the other until one is taken, and goes back to the chat.
func (w *Window) Choose(ctx context.Context, passwords ...string) error {
	page, err := w.OpenEntry(ctx)
	if err != nil {
		return err
	}
	for _, password := range passwords {
		if !page.asks("password") {
			return page.lost("typing a password")
		}
		if err := w.Look(ctx); err != nil { // the word is another after a refusal
			return err
		}
		if err := page.TypePassword(ctx, w, password); err != nil {
			return err
		}
	}
	if !page.Sees(speech[w.language()].active) {
		return page.lost("reading on the one-time page that it worked")
	}
	if err := w.Look(ctx); err != nil {
		return err
	}
	if err := w.Await(ctx); err != nil {
		return err
	}
	if !w.Sees(speech[w.language()].active) {
		return w.lost("reading in the chat that it worked")
	}
	return nil
}

// OpenEntry opens the one-time page. A careful person sees that it shows the
// word that the chat says it will.
func (w *Window) OpenEntry(ctx context.Context) (*Window, error) {
	page, err := w.Follow(ctx, speech[w.language()].newPassword)
	if err != nil {
		return nil, fmt.Errorf("opening the one-time page: %w", err)
	}
	if len(w.Page.Strong) != 2 || !slices.Contains(page.Page.Strong, w.Page.Strong[0]) {
		return nil, page.lost("comparing the words of the chat and the one-time page")
	}
	return page, nil
}

// TypePassword types a password, twice, on a one-time page, with the word that
// the chat shows for it.
func (w *Window) TypePassword(ctx context.Context, chat *Window, password string) error {
	if len(chat.Page.Strong) != 2 {
		return chat.lost("looking for the word to type")
	}
	return w.TypeWithWord(ctx, chat.Page.Strong[1], password)
}

// TypeWithWord is TypePassword for who knows the word from elsewhere.
func (w *Window) TypeWithWord(ctx context.Context, word, password string) error {
	fields := map[string]string{"password": password, "confirm": password, "word": word}
	if err := w.answer(ctx, fields); err != nil {
		return fmt.Errorf("typing a password: %w", err)
	}
	return nil
}

// receipt is how receipt numbers look.
var receipt = regexp.MustCompile(`\b[0-9A-Z]{4}-[0-9A-Z]{4}\b`)

// Receipt is the number that the page gives for the service desk.
func (w *Window) Receipt() string { return receipt.FindString(w.Page.Text) }

// answer fills in a form, and waits for the page that comes of it.
func (w *Window) answer(ctx context.Context, fields map[string]string) error {
	if err := w.Fill(ctx, fields); err != nil {
		return err
	}
	return w.Await(ctx)
}

func (w *Window) asks(field string) bool { return slices.Contains(w.Page.Fields, field) }
