package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"resetbot/conversation"
	"resetbot/employee"
)

// visitor is a person whom nothing discourages. They do what the page says; when
// the service is not there they look again until it is, and then expect the page
// to tell them where they are.
type visitor struct {
	who      employee.Person
	errand   errand
	clumsy   bool // types a wrong code and a short password first
	ways     [2]employee.Method
	password string
	service  *siege

	window  *employee.Window // nil: not opened yet
	receipt string           // of the conversation
	came    int              // how far; see progress
	again   int              // how often it was begun anew
	shown   string           // the code of the app that was typed last
	spent   string           // and last in a conversation before this one, where it counted
	seen    map[string]int   // how often a page said what it says after an interruption
	slipped map[string]bool  // what was already typed wrong

	sent     string           // the token of the page that is being answered
	answered map[string]int64 // by token: in which life of the service its answer was acknowledged
}

// errand is what somebody comes for.
type errand int

const (
	toReset errand = iota
	toUnlock
	toDisown // gets a new password, and then says that it was not them
)

// Sentences by which pages are known.
const (
	isActive   = "Uw nieuwe wachtwoord is nu actief"
	isUnlocked = "Uw account is ontgrendeld"
	isLocked   = "Uw account kon nu niet worden ontgrendeld"
	notChanged = "Uw wachtwoord is niet gewijzigd; uw oude wachtwoord geldt nog"
	notKnown   = "We weten nog niet of het gelukt is"
	wentWrong  = "Uw laatste antwoord is niet aangekomen" // it could not be kept
)

// wayNames are the buttons of the methods.
var wayNames = map[employee.Method]string{
	employee.SMS:          "Sms-bericht naar mijn telefoon verzenden",
	employee.Call:         "Mijn mobiele telefoon bellen",
	employee.Notification: "Een melding in de Authenticator-app goedkeuren",
	employee.AppCode:      "Een code invoeren uit de Authenticator-app",
}

// walk goes to the end, through however many lives of the service.
func (p *visitor) walk(ctx context.Context) error {
	p.answered, p.seen, p.slipped, p.who.Via = map[string]int64{}, map[string]int{}, map[string]bool{}, carrier{p}
	for {
		over, err := p.move(ctx)
		switch {
		case ctx.Err() != nil:
			return p.stuck(fmt.Errorf("there was no end: %w", context.Cause(ctx)))
		case unreachable(err):
			err = p.rest(ctx) // and look again
		}
		if err != nil {
			return p.stuck(err)
		}
		if over && p.errand == toDisown {
			return p.disown(ctx)
		}
		if over {
			return nil
		}
	}
}

// stuck adds the page to an error.
func (p *visitor) stuck(err error) error {
	if p.window == nil {
		return fmt.Errorf("%s: %w", p.who.User, err)
	}
	page := p.window.Page
	return fmt.Errorf("%s (%s): %w; the page (%d) says:\n%s\n%q", p.who.User, p.receipt, err,
		page.Status, page.Text, page.Buttons)
}

// unreachable reports whether nobody answered, or not to the end.
func unreachable(err error) bool {
	return errors.As(err, new(*url.Error)) || errors.As(err, new(*net.OpError)) || errors.Is(err, io.ErrUnexpectedEOF)
}

// rest is a moment.
func (p *visitor) rest(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(15 * time.Millisecond):
		return nil
	}
}

// carrier carries what a visitor's browser sends, and notes what was acknowledged: a
// form that is answered with a redirection was taken in.
type carrier struct{ *visitor }

func (w carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if r.Method == http.MethodPost && answer.StatusCode == http.StatusSeeOther && w.sent != "" && !w.service.sick.Load() {
		w.answered[w.sent] = w.service.life.Load()
	}
	select {
	case w.service.answered <- struct{}{}:
	default:
	}
	return answer, nil
}

// move looks at the page, and does what it says.
func (p *visitor) move(ctx context.Context) (over bool, err error) {
	life := p.service.life.Load() // before: what comes may be of a later one
	if err := p.look(ctx); err != nil {
		return false, err
	}
	page := p.window.Page
	// What is said by a service that fails, other tests look at; and who has not begun
	// has nothing to be told where they are.
	sick := p.window.Sees(wentWrong) && (p.service.sick.Load() || p.receipt == "")
	if page.Status == http.StatusServiceUnavailable || page.Status == http.StatusTooManyRequests || sick {
		p.seen[page.Heading]++
		return false, p.rest(ctx)
	}
	if err := p.check(ctx, life); err != nil {
		return false, err
	}
	if p.window.Sees(isActive) || p.window.Sees(isUnlocked) {
		return true, nil
	}
	return false, p.act(ctx)
}

// look opens the chat, or loads it again.
func (p *visitor) look(ctx context.Context) (err error) {
	if p.window != nil {
		return p.window.Look(ctx)
	}
	w, err := employee.Visit(ctx, p.service.base, p.who)
	if err == nil {
		p.window = w
	}
	return err
}

// act answers a page.
func (p *visitor) act(ctx context.Context) error {
	page := p.window.Page
	has := func(field string) bool { return slices.Contains(page.Fields, field) }
	switch way := p.way(); {
	case slices.Contains(page.Links, "Nieuw wachtwoord kiezen"):
		return p.choose(ctx)
	case has("number"):
		return p.fill(ctx, "number", p.who.Mobile)
	case has("code"):
		return p.code(ctx)
	case has("name"):
		return p.fill(ctx, "name", p.who.User)
	case way != "":
		return p.press(ctx, way)
	case p.window.Sees(isLocked): // the truth is told: begin anew
		p.receipt, p.came, p.spent = "", 0, p.shown
		p.again++
		return p.press(ctx, "Opnieuw beginnen")
	case slices.Contains(page.Buttons, "Account ontgrendelen"):
		return p.press(ctx, "Account ontgrendelen")
	case slices.Contains(page.Buttons, "Wachtwoord vergeten") && p.errand == toUnlock:
		return p.press(ctx, "Ik weet mijn wachtwoord, maar kom er niet in")
	case slices.Contains(page.Buttons, "Wachtwoord vergeten"):
		return p.press(ctx, "Wachtwoord vergeten")
	case page.Passing:
		return errors.Join(p.answerPhone(ctx), p.rest(ctx))
	}
	return errors.New("there is no way on")
}

// way is the first of the person's ways that is offered.
func (p *visitor) way() string {
	for _, way := range p.ways {
		if slices.Contains(p.window.Page.Buttons, wayNames[way]) {
			return wayNames[way]
		}
	}
	return ""
}

func (p *visitor) press(ctx context.Context, button string) error {
	s, err := p.window.Page.Press(button)
	return p.submit(ctx, p.window, s, err)
}

func (p *visitor) fill(ctx context.Context, field, value string) error {
	s, err := p.window.Page.Enter(map[string]string{field: value})
	return p.submit(ctx, p.window, s, err)
}

// submit sends a form of the page that is on.
func (p *visitor) submit(ctx context.Context, w *employee.Window, s employee.Submission, err error) error {
	if err != nil {
		return err
	}
	p.sent = p.token()
	defer func() { p.sent = "" }()
	return w.Submit(ctx, s)
}

// token is of the page that is on.
func (p *visitor) token() string {
	if found := pageToken.FindStringSubmatch(p.window.Page.Source); found != nil {
		return found[1]
	}
	return ""
}

var pageToken = regexp.MustCompile(`name="token" value="([^"]+)"`)

// pageReceipt is the number for the service desk.
var pageReceipt = regexp.MustCompile(`\b[0-9A-Z]{4}-[0-9A-Z]{4}`)

// code types what came by text message, or what the app shows.
func (p *visitor) code(ctx context.Context) error {
	if p.window.Sees("Authenticator-app staat") {
		code, err := employee.App(p.who.Secret, time.Now())
		if err != nil {
			return err
		}
		if code == p.spent {
			return p.rest(ctx) // a person waits for the next
		}
		p.shown = code
		return p.typeCode(ctx, code)
	}
	entries, err := p.phone().List(ctx)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(entries) {
		if e.Code != "" {
			return p.typeCode(ctx, e.Code)
		}
	}
	return p.rest(ctx) // it is on its way
}

func (p *visitor) phone() *employee.Phone { return employee.NewPhone(p.service.base, p.who.Number) }

// twoDigits are those to type into a notification.
var twoDigits = regexp.MustCompile(`(?m)^\d\d$`)

// answerPhone answers the newest call or notification that waits, if the page
// waits for one.
func (p *visitor) answerPhone(ctx context.Context) error {
	number := twoDigits.FindString(p.window.Page.Text)
	if number == "" && !p.window.Sees("U wordt gebeld") {
		return nil
	}
	phone := p.phone()
	entries, err := phone.List(ctx)
	for _, e := range slices.Backward(entries) {
		switch {
		case err != nil || e.State != "waiting":
			continue
		case e.Kind == employee.KindCall:
			err = phone.Press(ctx, e, "#")
		case number != "":
			err = phone.Approve(ctx, e, number)
		}
		break
	}
	if errors.Is(err, employee.ErrOver) { // a service that stops lets it ring no longer: look again
		p.seen["a call that stopped ringing"]++
		return nil
	}
	return err
}

// typeCode types a code, or a wrong one before that.
func (p *visitor) typeCode(ctx context.Context, code string) error {
	if p.slips("a code") {
		code = "000000"
	}
	return p.fill(ctx, "code", code)
}

// slips reports whether it is time to type something wrong, once.
func (p *visitor) slips(what string) bool {
	slips := p.clumsy && !p.slipped[what]
	p.slipped[what] = true
	return slips
}

// choose types the password on the one-time page that the chat links to.
func (p *visitor) choose(ctx context.Context) error {
	page, err := p.window.OpenEntry(ctx)
	switch {
	case unreachable(err):
		return err
	case err != nil: // the chat showed another page meanwhile, or the service was not there: look again
		p.seen["a one-time page that was over"]++
		return p.rest(ctx)
	}
	password := p.password
	if p.slips("a password") {
		password = "te kort"
	}
	s, err := page.Page.Enter(map[string]string{
		"password": password, "confirm": password, "word": p.window.Page.Strong[1],
	})
	return p.submit(ctx, page, s, err)
}

// check compares the page with all that came before it.
func (p *visitor) check(ctx context.Context, life int64) error {
	page := p.window.Page
	for _, sentence := range interruptions {
		if p.window.Sees(sentence) {
			p.seen[sentence]++
		}
	}
	if p.window.Sees(wentWrong) {
		p.service.trouble.Add(1)
	}
	if page.Status != http.StatusOK || page.Heading == "" || len(page.Buttons) == 0 {
		return errors.New("the page does not tell where one is")
	}
	if then, ok := p.answered[p.token()]; ok && then < life {
		return errors.New("a step was lost: this page was answered, and the answer acknowledged, before the service died")
	}
	receipt := pageReceipt.FindString(page.Text)
	if receipt == "" || p.receipt != "" && receipt != p.receipt {
		return fmt.Errorf("the conversation was lost: its receipt was %q, and is %q now", p.receipt, receipt)
	}
	p.receipt = receipt
	now := progress(page)
	if now < p.came && !p.window.Sees(isLocked) { // which is an end, and shows no steps
		return fmt.Errorf("a step was lost: it came to %d before, and is at %d now", p.came, now)
	}
	p.came = now
	return p.truth(ctx)
}

// interruptions are what a page says to who comes back.
var interruptions = []string{notChanged, notKnown, "Welkom terug", "eerder bericht", "onderbroken", "nog een keer"}

// progress is how far a conversation came: proofs, and the end.
func progress(page employee.Page) int {
	for n, crumb := range []string{"nieuw wachtwoord kiezen ✓", "verificatiestap 2 ✓", "verificatiestap 1 ✓"} {
		if strings.Contains(page.Text, crumb) {
			return 4 - n
		}
	}
	if strings.Contains(page.Text, "1 verificatiestap 1") {
		return 1
	}
	return 0
}

// truth compares what the page says of the password with the directory.
func (p *visitor) truth(ctx context.Context) error {
	switch {
	case p.window.Sees(isActive):
		return p.service.signIn(ctx, p.who, p.password, 1)
	case p.window.Sees(isUnlocked), p.window.Sees(isLocked):
		a, err := p.service.account(ctx, p.who)
		if err == nil && a.Locked == p.window.Sees(isUnlocked) {
			err = fmt.Errorf("the directory says locked: %t", a.Locked)
		}
		return err
	case p.window.Sees(notChanged) && p.answered[p.token()] == 0: // and it was not typed again
		return p.service.signIn(ctx, p.who, mariekesOld, 0)
	}
	return nil
}

// disown says, by the link of the letter that tells of the new password, that it
// was somebody else; then no password works that anybody knows.
func (p *visitor) disown(ctx context.Context) error {
	for pressed := false; ; {
		a, err := p.service.account(ctx, p.who)
		if err != nil {
			return p.stuck(err)
		}
		if a.Mark != "1" { // written again, by nobody who knows what
			return p.locked(ctx)
		}
		if !pressed {
			pressed, err = p.pressNotMe(ctx)
		}
		if err != nil && !unreachable(err) {
			return p.stuck(err)
		}
		if err := p.rest(ctx); err != nil {
			return p.stuck(fmt.Errorf("said not to be them (%t), and the password still works: %w", pressed, err))
		}
	}
}

// pressNotMe presses the button of the newest letter that tells of a new
// password, if it came. A link that was used before was taken in.
func (p *visitor) pressNotMe(ctx context.Context) (pressed bool, err error) {
	entries, err := p.phone().List(ctx)
	if err != nil {
		return false, err
	}
	for _, e := range slices.Backward(entries) {
		link := noticeLink.FindString(e.Text)
		if e.Kind != employee.KindMail || !strings.Contains(e.Text, "Uw wachtwoord is gewijzigd") || link == "" {
			continue
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, link, nil)
		if err != nil {
			return false, err
		}
		r.Header.Set("Origin", p.service.base)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return false, err
		}
		_ = answer.Body.Close() // nothing was read
		return answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusNotFound, nil
	}
	return false, nil
}

// locked checks that neither password works.
func (p *visitor) locked(ctx context.Context) error {
	for _, password := range []string{p.password, mariekesOld} {
		a, err := p.service.account(ctx, p.who)
		if err != nil {
			return p.stuck(err)
		}
		works, err := p.service.people.VerifyPassword(ctx, a.ID, conversation.NewSecret(password))
		if err != nil || works {
			return p.stuck(fmt.Errorf("a password works after its owner said that it was not them: %t (%w)", works, err))
		}
	}
	return nil
}

// told waits until the owner heard of the first proof and of the new password,
// and checks that nothing of one conversation was told twice. (A code may come twice, see
// [bot.Verifier]: it is the same one.)
func (p *visitor) told(ctx context.Context) error {
	for {
		entries, err := p.phone().List(ctx)
		if err != nil {
			return err
		}
		told := map[string]int{}
		for _, e := range entries {
			if what, _, notice := strings.Cut(e.Text, " (de webchat)"); notice && e.Kind == employee.KindSMS {
				told[what]++
			}
		}
		for what, n := range told {
			if n > 1+p.again {
				return p.stuck(fmt.Errorf("%q was told %d times", what, n))
			}
		}
		if len(told) == 2 || len(told) == 3 && p.errand == toDisown {
			return nil
		}
		if err := p.rest(ctx); err != nil {
			return p.stuck(fmt.Errorf("the owner was told %v only: %w", told, err))
		}
	}
}
