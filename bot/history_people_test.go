package bot_test

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/conversation"
)

// actor is a person, with what they know and have.
type actor struct {
	user    conversation.User
	bound   []conversation.Bound
	binds   bool                   // their chat knows who they are, and no accounts
	after   conversation.AccountID // whose account they are after, and know
	phone   bool                   // they hold its owner's telephone
	app     bool                   // and its app
	number  bool                   // they know its number
	knows   bool                   // and its password
	careful float64                // how likely they do what the page asks
	goal    conversation.Choice
	habit   habit
	named   conversation.AccountID // the account that they named last
	last    string                 // the code or the password that they typed last
}

// habit is what a person does more often than others.
type habit int

const (
	none     habit = iota
	guesses        // types codes that are wrong
	blind          // cannot read captchas
	wanders        // names other people's accounts
	hurries        // asks for the next challenge at once
	shortens       // chooses passwords that are refused
	blurts         // types the new password into the chat first
	habits
)

// often is whether somebody of that habit does so now; everybody does now and then.
func (p *schedule) often(a *actor, h habit) bool {
	if a.habit == h {
		return p.rand.IntN(10) < 7
	}
	return p.rand.IntN(25) == 0
}

// actor makes up a person: an owner in their own chat or at a ward's PC, or a
// stranger who has some of what it takes.
func (p *schedule) actor(n int) *actor {
	account := p.o.order[p.rand.IntN(len(p.o.order))]
	a := &actor{
		user: conversation.User{Chat: "web", ID: strconv.Itoa(n)}, after: account, careful: 0.95,
		goal: conversation.PickReset,
	}
	bind := func(id conversation.AccountID) {
		a.bound = append(a.bound, conversation.Bound{ID: id, UPN: p.o.people[id].UPN})
	}
	switch p.rand.IntN(7) {
	case 6: // the owner in a chat that binds, who comes back
		a.user.Chat, a.binds, a.phone, a.app, a.number, a.knows = "slack", true, true, true, true, true
		a.careful = 0.97
		p.binders++
	case 0, 1: // their own chat
		a.user.Chat, a.phone, a.app, a.number, a.knows = "teams", true, true, true, true
		bind(account)
	case 2: // two accounts
		a.user.Chat, a.phone, a.app, a.number = "slack", true, true, true
		bind(account)
		if other := p.o.order[p.rand.IntN(len(p.o.order))]; other != account {
			bind(other)
		}
	case 3, 4: // the owner at a ward's PC
		a.phone, a.app, a.number, a.knows = true, true, true, true
	case 5:
		a.phone, a.app, a.number, a.careful = p.rand.IntN(2) == 0, p.rand.IntN(3) == 0, p.rand.IntN(3) > 0, 0.8
	}
	switch p.rand.IntN(6) {
	case 0:
		a.goal = conversation.PickUnlock
	case 1, 2:
		if len(a.bound) > 0 || a.binds && p.rand.IntN(4) == 0 {
			a.goal = conversation.PickEnrol
		}
	}
	if p.rand.IntN(3) == 0 && !a.binds { // they come to an end, and back
		a.habit = habit(p.rand.IntN(int(habits)))
	}
	return a
}

// act is one thing that one person does.
func (p *schedule) act(a *actor) {
	switch p.rand.IntN(40) {
	case 0, 1: // what was said comes again, with its id or a new one
		if len(p.sent) == 0 {
			return
		}
		back := min(len(p.sent), 1+p.rand.IntN(40))
		m := p.sent[len(p.sent)-back]
		m.Again = true
		if p.rand.IntN(2) == 0 {
			m.Event = p.event()
		}
		p.receive(m)
	case 2: // two at the same moment
		first, second := p.answer(a), p.answer(a)
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.receive(first)
		}()
		p.receive(second)
		<-done
	case 3:
		p.disown(a)
	case 4:
		p.alter()
		if a.binds && p.rand.IntN(3) == 0 { // the platform says that they are gone, and they come back
			_ = p.running[0].bot.Unbind(context.Background(), a.user)
		}
	case 5, 6, 7: // what was on its way for long arrives, after what was sent later
		if len(p.held) > 0 {
			i := p.rand.IntN(len(p.held))
			m := p.held[i]
			p.held = slices.Delete(p.held, i, i+1)
			p.receive(m)
		}
	case 8:
		p.held = append(p.held, p.answer(a))
	default:
		p.pickUp()
		rest := 4 // whose conversation is over does not begin at once again
		seen := p.o.page(a.user)
		if seen.State == conversation.Locked {
			rest = 30 // who was told to come back tomorrow, less so
		}
		if !seen.State.Over() || p.rand.IntN(rest) == 0 {
			p.receive(p.answer(a))
		}
	}
}

// pickUp answers what rings, rightly or not, in time or not.
func (p *schedule) pickUp() {
	for _, r := range p.o.waiting() {
		switch p.rand.IntN(30) {
		case 0, 1:
			r.answer <- conversation.DeniedByMe
		case 2:
			r.answer <- conversation.WrongOne
		case 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13:
			r.answer <- conversation.Right
		}
	}
}

// disown has the owner press the button in the newest notice.
func (p *schedule) disown(a *actor) {
	p.o.mu.Lock()
	link := p.o.links[a.after]
	p.o.mu.Unlock()
	if link == "" || !a.knows || p.rand.IntN(4) > 0 {
		return
	}
	n, ok, err := p.running[0].bot.Disown(context.Background(), path.Base(link), "owner of "+string(a.after))
	if ok && err == nil {
		p.o.record(disowned{n.Account, n.Conversation})
	}
}

// alter is what human resources do meanwhile.
func (p *schedule) alter() {
	if p.rand.IntN(6) > 0 {
		return
	}
	id := p.o.order[p.rand.IntN(len(p.o.order))]
	p.o.mu.Lock()
	e := p.o.people[id]
	switch p.rand.IntN(6) {
	case 0:
		e.Reason = conversation.Disabled
	case 1:
		e.Reason = conversation.Eligible
	case 2:
		e.Mobile, e.MobileSince = fmt.Sprintf("06123%05d", 50000+p.rand.IntN(40000)), time.Now()
	}
	if p.rand.IntN(2) == 0 { // by an old password on a telephone
		e.Locked = true
	}
	account := e.Account
	p.o.mu.Unlock()
	p.o.record(altered{account})
}

func (p *schedule) event() string { return fmt.Sprint("event ", p.rand.Uint64()) }

// receive hands a message in as an adapter does, which hands in again what was
// not acknowledged.
func (p *schedule) receive(m message) {
	p.o.mu.Lock()
	p.inputs++
	id := p.inputs
	p.sent = append(p.sent, m)
	p.o.mu.Unlock()
	one := p.running[id%len(p.running)]
	err := one.bot.Receive(context.WithValue(context.Background(), inputKey{}, id), m.Incoming)
	p.o.record(received{id, m, one.id, err == nil})
}

// answer is what a person says to the page that they see.
func (p *schedule) answer(a *actor) message {
	p.typed++
	m := message{Sent: p.typed, Life: p.lives, Incoming: bot.Incoming{
		Kind: conversation.Said, Event: p.event(),
		From: conversation.Origin{User: a.user, Asker: a.user.String(), Locale: "nl", Bound: a.bound, Binds: a.binds},
	}}
	seen := p.o.page(a.user)
	m.Token = seen.Page.Token
	if p.rand.Float64() > a.careful {
		p.stray(&m.Incoming, seen)
		return m
	}
	p.sensible(a, &m.Incoming, seen)
	return m
}

// stray is what nobody asked for.
func (p *schedule) stray(m *bot.Incoming, seen bot.Outgoing) {
	stray := []conversation.Choice{
		conversation.PickBack, conversation.PickHelp, conversation.PickDesk, conversation.PickEnglish,
		conversation.PickMethod, conversation.PickResend, conversation.PickLink, conversation.PickName,
		conversation.PickCancel, conversation.PickAgain, conversation.PickLostPhone,
	}
	m.Kind = conversation.Pressed
	switch n := p.rand.IntN(18); {
	case n < 8:
		m.Choice = stray[n]
	case n == 8: // what ends all is rarer
		m.Choice = stray[8+p.rand.IntN(3)]
	case n < 12 && len(seen.Page.Offers) > 0:
		m.Choice = seen.Page.Offers[p.rand.IntN(len(seen.Page.Offers))].Choice
		if m.Choice == conversation.PickNoPhone || m.Choice == conversation.PickCancel {
			m.Choice = conversation.PickHelp
		}
	case n == 12:
		m.Choice, m.Token = conversation.PickBack, "forged"
	case n == 13:
		m.Kind = conversation.Arrived
	default:
		m.Kind = conversation.Said
		m.Text = conversation.NewSecret([]string{
			"hallo", "1", "2", "4", "123456", "ja", "0612300100", "help", "een wachtwoord in de chat",
		}[p.rand.IntN(9)])
	}
}

// sensible is what the page asks for, as far as the person knows it.
func (p *schedule) sensible(a *actor, m *bot.Incoming, seen bot.Outgoing) {
	press := func(c conversation.Choice) { m.Kind, m.Choice = conversation.Pressed, c }
	page := seen.Page
	nothing := slices.ContainsFunc(page.Notes, func(n conversation.Note) bool { return n.ID == conversation.NoteNothing })
	if page.Shows(conversation.PickName) && (a.habit == wanders || nothing) && p.rand.IntN(2) == 0 {
		press(conversation.PickName)
		return
	}
	switch page.ID {
	case conversation.AskOwn:
		p.own(a, m, page)
	case conversation.AskWho, conversation.AskCaptcha:
		p.name(a, m, page)
	case conversation.AskMethod, conversation.AskEnrolMethod:
		press([]conversation.Choice{
			conversation.PickSMS, conversation.PickCall, conversation.PickPush, conversation.PickCode,
			conversation.PickSMS, conversation.PickCode,
		}[p.rand.IntN(6)])
	case conversation.AskNumber:
		if number := p.typedNumber(a, page.Args.Digits); strings.HasSuffix(number, page.Args.Digits) || p.rand.IntN(4) == 0 {
			p.fill(m, page, conversation.FieldNumber, number)
			return
		}
		press([]conversation.Choice{conversation.PickNotMine, conversation.PickMethod}[p.rand.IntN(2)])
	case conversation.AskSMSCode, conversation.AskAppCode:
		p.code(a, m, page)
	case conversation.AskPassword:
		p.password(a, m, page)
	case conversation.AskCurrent:
		p.fill(m, page, conversation.FieldCurrent, p.current(a))
	case conversation.AskScan:
		code, _ := totp.Code(p.keys.AppSecret(page.Media.ID), time.Now())
		if p.often(a, guesses) {
			code = conversation.NewSecret("000000")
		}
		p.fill(m, page, conversation.FieldCode, code.Reveal())
	case conversation.WaitCall, conversation.WaitPush:
		m.Kind = conversation.Arrived
		if p.often(a, hurries) || p.often(a, wanders) {
			press(conversation.PickMethod)
		}
	case conversation.WaitCheck, conversation.WaitChange,
		conversation.WaitFind, conversation.WaitUnknown, conversation.WaitUnlock, conversation.WaitEnrol:
		m.Kind = conversation.Arrived
	default: // the beginning, or an end
		p.begin(a, m, page.ID)
	}
}

// begin says what a person came for.
func (p *schedule) begin(a *actor, m *bot.Incoming, page conversation.MessageID) {
	goal := a.goal
	a.named = a.after
	switch {
	case page == conversation.EndReset && p.rand.IntN(2) == 0: // locked again already
		goal = conversation.PickUnlock
	case p.rand.IntN(5) == 0:
		goal = []conversation.Choice{conversation.PickReset, conversation.PickUnlock}[p.rand.IntN(2)]
	}
	m.Kind, m.Choice = conversation.Pressed, goal
	if page != conversation.AskStart {
		m.Kind, m.Text = conversation.Said, conversation.NewSecret(map[conversation.Choice]string{
			conversation.PickReset: "wachtwoord vergeten", conversation.PickUnlock: "ontgrendelen",
			conversation.PickEnrol: "authenticator koppelen",
		}[goal])
	}
}

// fill fills in a form: on a one-time page with the word that the chat shows.
func (p *schedule) fill(m *bot.Incoming, page conversation.Page, fields ...any) {
	m.Kind, m.Fields = conversation.Filled, map[conversation.Field]conversation.Secret{}
	for i := 0; i < len(fields); i += 2 {
		m.Fields[fields[i].(conversation.Field)] = conversation.NewSecret(fields[i+1].(string))
	}
	if entry := page.Entry; entry != nil {
		word := entry.Asks
		if p.rand.IntN(25) == 0 { // somebody who has the link, and not the chat
			word = p.rand.IntN(conversation.EntryWordCount)
		}
		m.Fields[conversation.FieldWord] = conversation.NewSecret(strconv.Itoa(word))
	}
}

// own chooses one of one's own accounts, or another.
func (p *schedule) own(a *actor, m *bot.Incoming, page conversation.Page) {
	last := len(page.Offers) - 1 // another account
	if !p.often(a, wanders) {
		last--
	}
	i := p.rand.IntN(max(0, last) + 1)
	m.Kind, m.Choice = conversation.Pressed, page.Offers[i].Choice
	a.named = p.o.called(page.Args.Accounts[min(i, len(page.Args.Accounts)-1)])
}

func (p *schedule) name(a *actor, m *bot.Incoming, page conversation.Page) {
	answer := fmt.Sprint("WRONG", p.rand.IntN(10))
	if page.Media != nil && !p.often(a, blind) {
		answer = p.keys.CaptchaAnswer(page.Media.ID).Reveal()
	}
	a.named = a.after
	if p.often(a, wanders) || len(a.bound) > 0 {
		a.named = p.o.order[p.rand.IntN(len(p.o.order))]
	}
	name, _, _ := strings.Cut(p.o.people[a.named].UPN, "@")
	if p.rand.IntN(20) == 0 {
		name = "nobody"
	}
	p.fill(m, page, conversation.FieldName, name, conversation.FieldCaptcha, answer)
}

// code types a code, asks for another one, or for another way.
func (p *schedule) code(a *actor, m *bot.Incoming, page conversation.Page) {
	if p.often(a, hurries) {
		m.Kind, m.Choice = conversation.Pressed, conversation.PickMethod
		if page.Shows(conversation.PickResend) && p.rand.IntN(2) == 0 {
			m.Choice = conversation.PickResend
		}
		return
	}
	code := p.appCode(a)
	if page.ID == conversation.AskSMSCode {
		code = p.smsCode(a)
	}
	switch {
	case a.last != "" && p.rand.IntN(15) == 0:
		code = a.last
	case p.often(a, guesses):
		code = fmt.Sprintf("%06d", p.rand.IntN(1000000))
	}
	a.last = code
	p.fill(m, page, conversation.FieldCode, code)
}

// password chooses a new one, and may say it before typing it where it belongs.
func (p *schedule) password(a *actor, m *bot.Incoming, page conversation.Page) {
	password := fmt.Sprintf("a new password %d", p.rand.Uint64())
	if a.last != "" && strings.HasPrefix(a.last, "a new") && p.rand.IntN(2) == 0 {
		password = a.last
	}
	if p.often(a, blurts) {
		a.last, m.Text = password, conversation.NewSecret(password)
		return
	}
	if p.often(a, shortens) || a.habit == shortens && p.rand.IntN(5) > 0 {
		password = "short"
	}
	p.o.mu.Lock()
	p.o.attempts[password] = a.user.String()
	p.o.mu.Unlock()
	p.fill(m, page, conversation.FieldPassword, password, conversation.FieldConfirm, password)
}

func (p *schedule) typedNumber(a *actor, digits string) string {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	if !a.number || a.named != a.after || p.rand.IntN(12) == 0 {
		return "06543210" + digits
	}
	return p.o.people[a.after].Mobile
}

func (p *schedule) smsCode(a *actor) string {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	codes := p.o.texts["+31"+strings.TrimPrefix(p.o.people[a.after].Mobile, "0")]
	switch {
	case !a.phone || a.named != a.after || len(codes) == 0:
		return fmt.Sprintf("%06d", p.rand.IntN(1000000))
	case p.rand.IntN(12) == 0:
		return codes[p.rand.IntN(len(codes))] // perhaps an old one
	}
	return codes[len(codes)-1]
}

func (p *schedule) appCode(a *actor) string {
	secret := p.o.people[a.after].secret
	if !a.app || a.named != a.after || secret.Empty() {
		return fmt.Sprintf("%06d", p.rand.IntN(1000000))
	}
	code, err := totp.Code(secret, time.Now())
	if err != nil {
		p.t.Error(err)
	}
	return code.Reveal()
}

func (p *schedule) current(a *actor) string {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	if !a.knows || p.rand.IntN(10) == 0 {
		return "not the password"
	}
	return p.o.people[a.after].password
}
