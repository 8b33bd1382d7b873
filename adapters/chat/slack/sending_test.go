package slack_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/chat/slack"
	"resetbot/adapters/chat/slack/slacktest"
	"resetbot/bot"
	"resetbot/conversation"
)

func TestAMessageThatIsOverLosesWhatCouldBePressed(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.reader(slacktest.Person{})
	anna.send(anna.outgoing(choosePage))
	anna.Press("Kies dit")
	anna.send(anna.outgoing(numberPage))
	pages := anna.Messages()
	if len(pages) != 2 || len(pages[0].Buttons) > 0 || len(pages[1].Buttons) == 0 {
		t.Fatalf("the chat shows %d messages: %+v", len(pages), pages)
	}
	if !strings.Contains(pages[0].Words, "Sms-bericht") {
		t.Errorf("the message does not say what was chosen:\n%s", pages[0].Words)
	}
}

func TestAPageThatGoesByItselfIsReplacedByTheNext(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.reader(slacktest.Person{})
	anna.send(anna.outgoing(waitPage))
	anna.send(anna.outgoing(choosePage))
	if pages := anna.Messages(); len(pages) != 1 || len(pages[0].Buttons) == 0 {
		t.Fatalf("the chat shows %+v", pages)
	}
	anna.send(anna.outgoing(waitPage))
	anna.Type("hallo?")
	anna.send(anna.outgoing(choosePage))
	if pages := anna.Messages(); len(pages) != 3 || len(pages[1].Buttons) > 0 || len(pages[2].Buttons) == 0 {
		t.Fatalf("below what was typed: %d messages", len(pages))
	}
}

func TestAMessageOfBeforeARestartLosesItsButtons(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.reader(slacktest.Person{})
	anna.send(anna.outgoing(choosePage))
	anna.hall = newHallOn(t, h.cloud, overHTTP, nil)
	anna.send(anna.outgoing(numberPage))
	if pages := anna.Messages(); len(pages) != 2 || len(pages[0].Buttons) > 0 {
		t.Fatalf("the chat shows %d messages", len(pages))
	}
}

// What Slack says of a call decides what becomes of the page.
func TestWhatBecomesOfAPageThatCannotBeSent(t *testing.T) {
	for _, test := range []struct {
		name    string
		trouble slacktest.Trouble
		want    conversation.DeliveryResult
	}{
		{"nobody is there any more", slacktest.Trouble{Error: "channel_not_found"}, conversation.Undeliverable},
		{"messages to the app are off", slacktest.Trouble{Error: "messages_tab_disabled"}, conversation.Undeliverable},
		{"the app is gone", slacktest.Trouble{Error: "account_inactive"}, conversation.Undeliverable},
		{"trouble of Slack's own", slacktest.Trouble{Status: 503}, conversation.Later},
		{"an error that nobody knows", slacktest.Trouble{Error: "team_added_to_org"}, conversation.Later},
		{"half an answer", slacktest.Trouble{Half: true}, conversation.Later},
		{"no answer", slacktest.Trouble{Drop: true}, conversation.Later},
		{"no JSON", slacktest.Trouble{Body: "<html>"}, conversation.Later},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHall(t, overHTTP, nil)
			anna := h.reader(slacktest.Person{})
			h.cloud.Next("chat.postMessage", test.trouble)
			sent, err := h.chat.Send(t.Context(), anna.outgoing(choosePage))
			if sent.Result != test.want || (err != nil) != (test.want == conversation.Later) {
				t.Errorf("the result is %s (%v), want %s", sent.Result, err, test.want)
			}
			for _, secret := range []string{"xoxb-", h.cloud.Host, anna.Channel} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error holds %s: %v", secret, err)
				}
			}
		})
	}
}

func TestSlackIsLeftAloneAsLongAsItSays(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.reader(slacktest.Person{})
	h.cloud.Next("chat.postMessage", slacktest.Trouble{Status: 429, RetryAfter: "1"})
	began := time.Now()
	if sent := anna.send(anna.outgoing(choosePage)); sent.Result != conversation.Delivered {
		t.Fatalf("the result is %s", sent.Result)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("it was asked again after %v", took)
	}
	if pages := anna.Messages(); len(pages) != 1 {
		t.Errorf("the chat shows %d messages", len(pages))
	}
}

func TestOneMessageASecondGoesToAChannelAndAFewAtOnce(t *testing.T) {
	cloud := slacktest.Start(t)
	h := newHallOn(t, cloud, overHTTP, nil)
	anna, piet := h.reader(slacktest.Person{}), h.reader(slacktest.Person{})
	began := time.Now()
	for range 5 {
		anna.send(anna.outgoing(conversation.Page{ID: conversation.AskNumber, Token: "x", Fields: []conversation.Field{conversation.FieldNumber}}))
		anna.Type("x")
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("five messages went in %v", took)
	}
	began = time.Now()
	piet.send(piet.outgoing(choosePage))
	if took := time.Since(began); took > time.Second {
		t.Errorf("somebody else waited %v", took)
	}
}

func TestAPageThatIsRefusedComesAsWords(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.reader(slacktest.Person{})
	h.cloud.Next("chat.postMessage", slacktest.Trouble{Error: "msg_blocks_too_long"})
	if sent := anna.send(anna.outgoing(choosePage)); sent.Result != conversation.Delivered {
		t.Fatalf("the result is %s", sent.Result)
	}
	if page := anna.Newest(); len(page.Blocks) > 0 || !strings.Contains(page.Text, "1. Sms-bericht") {
		t.Errorf("what came is:\n%s", page.Text)
	}
}

// picture is any; Slack looks at none here.
var picture = bytes.Repeat([]byte{137, 80, 78, 71}, 50)

func (r *reader) captcha(id string) bot.Outgoing {
	p := captchaPage
	p.Media = &conversation.Media{Kind: conversation.MediaCaptcha, ID: id}
	m := r.outgoing(p)
	m.Picture = picture
	return m
}

// live are the files that are not deleted.
func (h *hall) live() (n int) {
	for _, f := range h.cloud.Files() {
		if !f.Deleted {
			n++
		}
	}
	return n
}

func TestThePictureOfACaptchaIsWaitedForAndDeletedWithItsPage(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.reader(slacktest.Person{})
	notYet := slacktest.Trouble{Error: "invalid_blocks"}
	h.cloud.Next("chat.postMessage", notYet, notYet)
	anna.send(anna.captcha("one"))
	if text := seen(anna.Newest()); !strings.Contains(text, "slack_file") || len(anna.Newest().Buttons) == 0 {
		t.Fatalf("the page is:\n%s", text)
	}
	anna.Type("x")
	anna.send(anna.captcha("one")) // the same one again
	if uploads := h.cloud.Calls("files.completeUploadExternal"); len(uploads) != 1 || h.live() != 1 {
		t.Errorf("%d uploads, %d files", len(uploads), h.live())
	}
	anna.send(anna.captcha("two"))
	await(t, "that the first picture is deleted", func() bool { return h.live() == 1 })
	anna.send(anna.outgoing(choosePage))
	await(t, "that no picture is left", func() bool { return h.live() == 0 })
}

func TestAPageGoesWithoutAPictureThatSlackDoesNotShow(t *testing.T) {
	for name, prepare := range map[string]func(*hall){
		"its upload is refused": func(h *hall) { h.cloud.Break("files.getUploadURLExternal", slacktest.Trouble{Error: "not_allowed"}) },
		"its upload breaks off": func(h *hall) { h.cloud.Break("upload", slacktest.Trouble{Drop: true}) },
		"it is not completed":   func(h *hall) { h.cloud.Break("files.completeUploadExternal", slacktest.Trouble{Status: 500}) },
		"it is never ready": func(h *hall) {
			h.cloud.Next("chat.postMessage", slices.Repeat([]slacktest.Trouble{{Error: "invalid_blocks"}}, 5)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHall(t, overHTTP, nil)
			anna := h.reader(slacktest.Person{})
			prepare(h)
			if sent := anna.send(anna.captcha("one")); sent.Result != conversation.Delivered {
				t.Fatalf("the result is %s", sent.Result)
			}
			page := anna.Newest()
			if len(page.Buttons) == 0 || strings.Contains(seen(page), "slack_file") {
				t.Errorf("the page is:\n%s", seen(page))
			}
		})
	}
}

func TestAPageThatCannotBeSentLeavesNoPicture(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.reader(slacktest.Person{})
	h.cloud.Next("chat.postMessage", slacktest.Trouble{Status: 503})
	if sent, err := h.chat.Send(t.Context(), anna.captcha("one")); err == nil || sent.Result != conversation.Later {
		t.Fatalf("the result is %s (%v)", sent.Result, err)
	}
	await(t, "that no picture is left", func() bool { return h.live() == 0 })
}

func TestAC25_ANoteOfSlackHoldsNothingThatIsSecret(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.reader(slacktest.Person{})
	m := anna.outgoing(conversation.Page{
		ID: conversation.AskPassword, Token: "password", Crumb: 3, Args: conversation.Args{Name: "M. de Vries", Length: 16},
		Fields: []conversation.Field{conversation.FieldPassword, conversation.FieldConfirm, conversation.FieldWord},
		Entry:  &conversation.Entry{Expires: time.Now().Add(time.Minute), Shows: 1, Asks: 2},
	})
	m.Link = "https://resetbot.example/p/link"
	anna.send(m)
	if len(anna.note) > 1000 || strings.Contains(anna.note, "entry") || strings.Contains(anna.note, "/p/") {
		t.Errorf("the note is %s", anna.note)
	}
	for _, page := range anna.Messages() {
		if strings.Contains(seen(page), "/p/") {
			t.Errorf("the address of the one-time page is in the chat:\n%s", seen(page))
		}
	}
}

// A password is typed on the one-time page; its address is in nobody's history.
func TestTheWayToTheOneTimePageIsForWhoPressedAlone(t *testing.T) {
	for _, w := range bothWays {
		t.Run(string(w), func(t *testing.T) {
			h := newHall(t, w, nil)
			anna := h.reader(slacktest.Person{})
			p := conversation.Page{
				ID: conversation.AskPassword, Token: "password", Crumb: 3, Args: conversation.Args{Name: "M. de Vries", Length: 16},
				Fields: []conversation.Field{conversation.FieldPassword, conversation.FieldConfirm, conversation.FieldWord},
				Entry:  &conversation.Entry{Expires: time.Now().Add(time.Minute), Shows: 1, Asks: 2},
			}
			h.scribe.put(p)
			anna.send(anna.outgoing(p))
			page := anna.Newest()
			form := anna.OpenForm("Nieuw wachtwoord kiezen")
			if b, ok := form.Button("Nieuw wachtwoord kiezen"); !ok || b.Address != "https://resetbot.example/p/link" || len(form.Fields) > 0 {
				t.Errorf("the view has %+v, %+v", form.Buttons, form.Fields)
			}
			for _, m := range anna.Messages() {
				if strings.Contains(seen(m), "/p/") {
					t.Error("the address is in the chat")
				}
			}
			h.scribe.put(conversation.Page{Token: "another"}) // AC-41: the page is over
			anna.PressOn(page, "Nieuw wachtwoord kiezen")
			if received, _ := h.scribe.taken(); tellAll(received) != "pressed new_link of password" {
				t.Errorf("an old button means %s", tellAll(received))
			}
		})
	}
}

// A form has no secret, and takes none: what it is about is the token of the page,
// which each button carries.
func TestAFormAsksForNoPasswordAndHoldsNoSecret(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.reader(slacktest.Person{})
	h.scribe.put(numberPage)
	anna.send(anna.outgoing(numberPage))
	form := anna.OpenForm("Invullen")
	if form.View.Metadata != "number" {
		t.Errorf("the form remembers %q", form.View.Metadata)
	}
	if faults := anna.Fill(map[string]string{"number": "06-12 34 56 13"}); len(faults) > 0 {
		t.Errorf("the form says %v", faults)
	}
	if received, _ := h.scribe.taken(); tellAll(received) != `filled number="06-12 34 56 13" of number` {
		t.Errorf("the form means %s", tellAll(received))
	}
	payload := anna.Submission(form, map[string]string{"number": "0612345613"})
	values := payload["view"].(map[string]any)["state"].(map[string]any)["values"].(map[string]any)
	for _, field := range []string{"password", "confirm", "current", "meant_so", "word"} {
		values[field] = map[string]any{field: map[string]any{"type": "plain_text_input", "value": marked}}
	}
	anna.Interact(payload)
	received, _ := h.scribe.taken()
	if strings.Contains(tellAll(received), marked) {
		t.Errorf("a form with a password means %s", tellAll(received))
	}
}

func TestWhoCannotBeToldWhoTheyAreIsToldToWait(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.colleague(slacktest.Person{})
	h.cloud.Next("users.info", slacktest.Trouble{Status: 500})
	anna.Type("reset")
	anna.Await("niet zien wie u bent")
	if received, _ := h.scribe.taken(); len(received) > 0 {
		t.Errorf("taken in: %s", tellAll(received))
	}
	anna.Type("reset")
	if received, _ := h.scribe.taken(); len(received) != 1 {
		t.Errorf("the next message means %q", tellAll(received))
	}
}

func TestASenderWhoIsUnknownIsAnError(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	for _, address := range []string{"", "{", `{"t":"T0NOBODY","u":"U1","c":"D1"}`} {
		sent, err := h.chat.Send(t.Context(), bot.Outgoing{
			User: conversation.User{Chat: slack.Name, ID: "x"}, Address: address, Page: choosePage,
		})
		if sent.Result != conversation.Undeliverable {
			t.Errorf("%q: the result is %s (%v)", address, sent.Result, err)
		}
	}
}

// The address that somebody has in Slack stands in the field for a name, where it can
// be one of an account that may be touched from there. It is sent when they send it.
func TestAnAddressInSlackIsAHintAndNothingElse(t *testing.T) {
	for mail, want := range map[string]string{
		"anna@partner.example": "anna@partner.example", "Anna@PARTNER.example": "Anna@PARTNER.example",
		"anna@rijnzicht.example": "", "anna@evil.partner.example": "", "anna": "",
	} {
		h := newHall(t, overHTTP, nil)
		anna := h.reader(slacktest.Person{Email: mail})
		page := conversation.Page{ID: conversation.AskWho, Token: "who", Fields: []conversation.Field{conversation.FieldName}}
		h.scribe.put(page)
		anna.send(anna.outgoing(page))
		form := anna.OpenForm("Invullen")
		if f, ok := form.Field("name"); !ok || f.Initial != want {
			t.Errorf("%s: the field holds %q", mail, f.Initial)
		}
		if received, _ := h.scribe.taken(); len(received) > 0 {
			t.Errorf("%s: taken in: %s", mail, tellAll(received))
		}
	}
}

// The sound of a captcha is a file in the chat, which no block plays; it goes with its
// page too.
func TestTheSoundOfACaptchaIsInTheChatAsLongAsItsPage(t *testing.T) {
	h := newHall(t, overHTTP, nil)
	anna := h.reader(slacktest.Person{})
	m := anna.captcha("one")
	m.Page.Media.Sound, m.Sound = true, []byte("RIFF of a captcha")
	anna.send(m)
	sounds := 0
	for _, page := range anna.Messages() {
		sounds += len(page.Files)
	}
	if sounds != 1 || h.live() != 2 {
		t.Fatalf("the chat has %d sounds, Slack %d files", sounds, h.live())
	}
	for _, f := range h.cloud.Files() { // AC-82: nothing about the answer
		if f.Name != "captcha.png" && f.Name != "captcha.wav" || f.Alt != "" || f.Title != f.Name {
			t.Errorf("a file is called %q, %q, %q", f.Name, f.Title, f.Alt)
		}
	}
	anna.send(anna.outgoing(choosePage))
	await(t, "that both are deleted", func() bool { return h.live() == 0 })
	for _, page := range anna.Messages() {
		if len(page.Files) > 0 {
			t.Error("the sound is still in the chat")
		}
	}
}
