package bot

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"resetbot/conversation"
)

// The link of a one-time page is the sealed name of a conversation and the
// token of one of its pages. It needs no place in the store: what it opens is
// decided by the conversation, when it is used (docs/decisions/0006).

// entryPath is where one-time pages are.
const entryPath = "/p/"

// entryUse binds what is sealed to this use.
var entryUse = []byte("one-time page")

type entry struct {
	User  conversation.User `json:"u"`
	Token string            `json:"t"`
}

// link is the address of the one-time page that c asks for; empty where it
// asks for none. It is built from the configuration alone (AC-65).
func (b *Bot) link(c conversation.Conversation) (string, error) {
	if c.Page.Entry == nil {
		return "", nil
	}
	if b.Links == nil || b.PublicURL == "" {
		return "", errors.New("no public address is configured")
	}
	return b.linkTo(entry{c.User, c.Page.Token})
}

func (b *Bot) linkTo(e entry) (string, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	sealed := b.Links.Seal(nil, data, entryUse)
	return b.PublicURL + entryPath + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Dialog gives the page of user's conversation, with the address of its one-time
// page where it has one, to who pressed a button of it to fill it in: a chat that
// opens dialogs asks for the address only then, so that it stands in no history.
// ok is false where token is not that of a page that is on now and asks for
// something secret. It changes nothing. user is whom the platform proved to be
// there.
func (b *Bot) Dialog(ctx context.Context, user conversation.User, token string) (m Outgoing, ok bool, err error) {
	return b.openPage(ctx, user, token, func(p conversation.Page) bool { return p.Entry != nil || p.AsksPassword() })
}

// Form is [Bot.Dialog] for a chat that has a form for all that is asked: ok is true
// for every page that is on and has something to fill in.
func (b *Bot) Form(ctx context.Context, user conversation.User, token string) (m Outgoing, ok bool, err error) {
	return b.openPage(ctx, user, token, func(p conversation.Page) bool { return p.Entry != nil || len(p.Fields) > 0 })
}

// openPage gives the page that is on, if token is its own and it is wanted.
func (b *Bot) openPage(
	ctx context.Context, user conversation.User, token string, wanted func(conversation.Page) bool,
) (m Outgoing, ok bool, err error) {
	c, err := b.Store.Conversation(ctx, user)
	if err != nil {
		return m, false, fmt.Errorf("opening a dialog: %w", err)
	}
	p := c.Page
	on := c.ID != "" && !c.State.Over() && b.Now().Before(c.Ends) &&
		conversation.NewSecret(token).Equal(conversation.NewSecret(p.Token))
	if !on || !wanted(p) || p.Entry != nil && !b.Now().Before(p.Entry.Expires) {
		return m, false, nil
	}
	m = Outgoing{User: c.User, Address: c.Address, Locale: c.Locale, State: c.State, Page: p}
	m.Link, err = b.link(c)
	return m, err == nil, err
}

// The link of a captcha's sound is sealed in the same way: the name of the
// conversation and that of the captcha. It is no secret of the person's, only
// harder to make than to hear.

// soundPath is where the sounds of captchas are.
const soundPath = "/s/"

var soundUse = []byte("sound of a captcha")

// soundLink is the address of the sound of c's captcha; empty where the page has
// none, or nothing is served.
func (b *Bot) soundLink(c conversation.Conversation) (string, error) {
	m := c.Page.Media
	if m == nil || !m.Sound || b.Links == nil || b.PublicURL == "" {
		return "", nil
	}
	data, err := json.Marshal(entry{c.User, m.ID})
	if err != nil {
		return "", err
	}
	return b.PublicURL + soundPath + base64.RawURLEncoding.EncodeToString(b.Links.Seal(nil, data, soundUse)), nil
}

// Sound says the captcha that a link of ours names, as a WAV, while it is on the
// page. ok is false for one that is over or never was. It changes nothing.
func (b *Bot) Sound(ctx context.Context, link string) (wav []byte, ok bool, err error) {
	e, ok := b.unseal(link, soundUse)
	if !ok {
		return nil, false, nil
	}
	c, err := b.Store.Conversation(ctx, e.User)
	if err != nil {
		return nil, false, fmt.Errorf("saying a captcha: %w", err)
	}
	m := c.Page.Media
	if c.ID == "" || m == nil || m.Kind != conversation.MediaCaptcha || m.ID != e.Token || !m.Sound {
		return nil, false, nil
	}
	keys := b.Wizard.Keys
	wav, err = b.Painter.Speak(keys.CaptchaAnswer(m.ID), keys.CaptchaSoundSeed(m.ID), c.Locale)
	if err != nil {
		return nil, false, fmt.Errorf("saying a captcha: %w", err)
	}
	return wav, true, nil
}

// The link of a notice is sealed in the same way, for another use.

// disownPath is where owners say "this was not me".
const disownPath = "/n/"

var disownUse = []byte("this was not me")

// disownable is what the link of a notice holds; short, for it is sent.
type disownable struct {
	Notice       string `json:"n"`
	Account      string `json:"a"`
	Conversation string `json:"c"`
	Receipt      string `json:"r"`
	At           int64  `json:"t"` // Unix time
	Locale       string `json:"l"`
	Enrolled     bool   `json:"e,omitempty"` // an authenticator was
	// who did it, in a chat that binds its people
	Chat   string `json:"k,omitempty"`
	Person string `json:"p,omitempty"`
}

// disownLink is the address at which the owner says that what n tells was not
// them; empty where there is nothing to say it of.
func (b *Bot) disownLink(n conversation.Notice) (string, error) {
	switch n.Message {
	case conversation.TellFrozen, conversation.TellSecured, conversation.TellDenied, conversation.TellRemoved:
		return "", nil
	}
	if b.Links == nil || b.PublicURL == "" {
		return "", nil
	}
	data, err := json.Marshal(disownable{
		n.ID, string(n.Account), n.Conversation, n.Receipt, n.At.Unix(), n.Locale,
		n.Message == conversation.TellEnrolled, n.User.Chat, n.User.ID,
	})
	if err != nil {
		return "", err
	}
	return b.PublicURL + disownPath + base64.RawURLEncoding.EncodeToString(b.Links.Seal(nil, data, disownUse)), nil
}

// Disownable opens the link of a notice and tells what it is of. It changes
// nothing. ok is false for a link that is too old, never was, or was used.
func (b *Bot) Disownable(ctx context.Context, token string) (n conversation.Notice, ok bool, err error) {
	if n, ok = b.noticeOf(token); !ok {
		return n, false, nil
	}
	before, err := b.Store.Conversation(ctx, conversation.DisownUser(n.ID))
	if err != nil {
		return n, false, fmt.Errorf("opening the link of a notice: %w", err)
	}
	return n, before.ID == "", nil
}

// noticeOf reads what the link of a notice names, while it lives.
func (b *Bot) noticeOf(token string) (n conversation.Notice, ok bool) {
	if b.Links == nil || len(token) > conversation.TypedMax {
		return n, false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return n, false
	}
	data, err := b.Links.Open(sealed, disownUse)
	var d disownable
	if err != nil || json.Unmarshal(data, &d) != nil {
		return n, false
	}
	n = conversation.Notice{
		ID: d.Notice, Account: conversation.AccountID(d.Account), Conversation: d.Conversation,
		Receipt: d.Receipt, At: time.Unix(d.At, 0), Locale: d.Locale,
		User: conversation.User{Chat: d.Chat, ID: d.Person},
	}
	if d.Enrolled {
		n.Message = conversation.TellEnrolled
	}
	return n, b.Now().Before(n.At.Add(b.Wizard.Policy.NoticeLife))
}

// Disown takes the owner's word for it: this was not me. ok is false for a
// link that is too old, never was, or was used before. asker is as in
// [conversation.Origin].
func (b *Bot) Disown(ctx context.Context, token, asker string) (n conversation.Notice, ok bool, err error) {
	if n, ok, err = b.Disownable(ctx, token); err != nil || !ok {
		return n, false, err
	}
	user := conversation.DisownUser(n.ID)
	in := conversation.Input{
		Kind: conversation.Disowns,
		From: conversation.Origin{User: user, Asker: b.Wizard.Keys.Fingerprint("asker", asker), Locale: n.Locale},
		Disowned: &conversation.Disownment{
			Notice: n.ID, Account: n.Account, Conversation: n.Conversation, Message: n.Message, Receipt: n.Receipt, At: n.At,
			User: n.User,
		},
	}
	if err := b.update(ctx, user, in, conversation.Secret{}); err != nil {
		return n, false, err
	}
	return n, true, nil
}

// open reads what the link of a one-time page names; ok is false for what never
// was one.
func (b *Bot) open(link string) (e entry, ok bool) { return b.unseal(link, entryUse) }

// unseal reads what was sealed for a use; ok is false for what never was.
func (b *Bot) unseal(link string, use []byte) (e entry, ok bool) {
	if b.Links == nil || link == "" || len(link) > conversation.TypedMax {
		return e, false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(link)
	if err != nil {
		return e, false
	}
	data, err := b.Links.Open(sealed, use)
	if err != nil || json.Unmarshal(data, &e) != nil {
		return entry{}, false
	}
	return e, true
}

// Submit takes in a one-time page that was filled in. link is an address of its
// own for whoever did so, and nobody else is told it: if the word was right, it
// leads to what comes of it, and to what is secret.
func (b *Bot) Submit(ctx context.Context, m Incoming) (link string, err error) {
	if b.Links == nil || m.Kind != conversation.Filled || b.Chats[m.From.User.Chat] == nil {
		return "", errors.New("taking in a one-time page: there are none here")
	}
	own := rand.Text()
	if link, err = b.linkTo(entry{m.From.User, own}); err != nil {
		return "", err
	}
	return link, b.receive(ctx, m, own)
}

// Entry opens a one-time link, and gives the page that its holder may see now:
// the form, while it is the conversation's newest; after it was filled in, what
// came of it. ok is false for a link that is over, was replaced, or never was.
// It changes nothing, however often it is asked (AC-66).
//
// A secret (AppKey) is shown under the address alone that [Bot.Submit] gave to
// whoever filled a page in with the word that only the chat shows. Who has the
// link of the chat, from a history or as a preview robot, sees the question for
// that word.
func (b *Bot) Entry(ctx context.Context, link string) (m Outgoing, ok bool, err error) {
	e, ok := b.open(link)
	if !ok {
		return m, false, nil
	}
	c, err := b.Store.Conversation(ctx, e.User)
	if err != nil {
		return m, false, fmt.Errorf("opening a one-time page: %w", err)
	}
	asked := conversation.NewSecret(e.Token)
	newest := b.isOn(e, c)
	opened := c.Opened != "" && asked.Equal(conversation.NewSecret(c.Opened))
	follows := opened || c.Entered != "" && asked.Equal(conversation.NewSecret(c.Entered))
	if c.ID == "" || !newest && !follows {
		return m, false, nil
	}
	m = Outgoing{User: c.User, Address: c.Address, Locale: c.Locale, State: c.State, Page: c.Page}
	if m.Link, err = b.link(c); err != nil {
		return Outgoing{}, false, err
	}
	m.Suggested = b.suggest(c)
	if e := m.Page.Entry; e != nil { // what only the chat shows, only the chat gets
		m.Page.Entry = &conversation.Entry{Expires: e.Expires, Shows: e.Shows, Asks: -1}
	}
	if media := m.Page.Media; media != nil && media.Kind == conversation.MediaQR {
		err = b.showApp(&m, link, opened)
	}
	return m, err == nil, err
}

// isOn reports whether a link is that of the one-time page that is on now.
func (b *Bot) isOn(e entry, c conversation.Conversation) bool {
	return c.Page.Entry != nil && conversation.NewSecret(e.Token).Equal(conversation.NewSecret(c.Page.Token)) &&
		b.Now().Before(c.Page.Entry.Expires)
}

// Judge tells what would be wrong with a new password that is being typed on the
// one-time page of a link, by our own rules; what the directory adds is known when
// it is written. ok is false for a link that is not of a page that asks for one
// now. Nothing is kept or counted of it, so a chat bounds how often it asks.
func (b *Bot) Judge(
	ctx context.Context, link string, password conversation.Secret,
) (flaws []conversation.PasswordFlaw, ok bool, err error) {
	e, ok := b.open(link)
	if !ok {
		return nil, false, nil
	}
	c, err := b.Store.Conversation(ctx, e.User)
	if err != nil {
		return nil, false, fmt.Errorf("judging a password that is being typed: %w", err)
	}
	if !b.isOn(e, c) || !c.Page.Asks(conversation.FieldPassword) {
		return nil, false, nil
	}
	return b.Wizard.Judge(c, password), true, nil
}

// showApp puts on a one-time page what an app is enrolled with, or the question
// for the word.
func (b *Bot) showApp(m *Outgoing, link string, opened bool) (err error) {
	if !opened {
		m.Page.ID, m.Page.Media = conversation.AskEntryWord, nil
		m.Page.Fields = []conversation.Field{conversation.FieldWord}
		return nil
	}
	m.Page.ID, m.Page.Fields = conversation.AskScanHere, []conversation.Field{conversation.FieldCode}
	m.Link = b.PublicURL + entryPath + link // where the word was given
	m.App, err = b.appKey(m.Page)
	return err
}

// appKey makes what an app is enrolled with. The account's name is the page's.
func (b *Bot) appKey(p conversation.Page) (*AppKey, error) {
	key, err := b.Enroller.Key(p.Args.Name, b.Wizard.Keys.AppSecret(p.Media.ID))
	if err != nil {
		return nil, fmt.Errorf("making the key of an authenticator: %w", err)
	}
	return &key, nil
}
