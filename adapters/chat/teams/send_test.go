package teams_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/chat/teams"
	"resetbot/adapters/chat/teams/teamstest"
	"resetbot/bot"
	"resetbot/conversation"
)

// sending is somebody to whom pages are sent.
type sending struct {
	*teamstest.Colleague
	t       testing.TB
	office  *office
	address string
	note    string
	version int
}

func (o *office) sendingTo(p teamstest.Person) *sending {
	o.t.Helper()
	c := o.cloud.Colleague(o.t, p, o.url)
	c.Type("reset")
	received, _ := o.desk.taken()
	if len(received) != 1 {
		o.t.Fatalf("%d messages came", len(received))
	}
	return &sending{Colleague: c, t: o.t, office: o, address: received[0].From.Address}
}

// send sends a page, as a bot that keeps the chat's notes does.
func (s *sending) send(p conversation.Page) bot.Sent {
	s.t.Helper()
	s.version++
	p.Version, p.Receipt = s.version, "K7Q2-MX4P"
	sent, err := s.office.chat.Send(context.Background(), bot.Outgoing{
		User:    conversation.User{Chat: teams.Name, ID: s.Tenant + "/" + s.ObjectID},
		Address: s.address, Locale: "nl", State: conversation.Step1Choose, Page: p, Before: s.note,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if sent.Note != "" {
		s.note = sent.Note
	}
	return sent
}

var (
	waitPage   = conversation.Page{ID: conversation.WaitFind, Token: "wait"}
	choosePage = conversation.Page{ID: conversation.AskMethod, Token: "choose", Crumb: 1, Args: conversation.Args{Step: 1}, Offers: []conversation.Offer{
		{Choice: conversation.PickSMS}, {Choice: conversation.PickCode},
	}}
	numberPage = conversation.Page{
		ID: conversation.AskNumber, Token: "number", Crumb: 1, Args: conversation.Args{Step: 1, Digits: "13"},
		Fields: []conversation.Field{conversation.FieldNumber},
	}
)

func TestACardThatIsOverLosesWhatCouldBePressed(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.sendingTo(teamstest.Person{ObjectID: annasID})
	anna.send(choosePage)
	anna.Press("Sms-bericht")
	anna.send(numberPage)
	cards := anna.Cards()
	if len(cards) != 2 || len(cards[0].Buttons) > 0 || len(cards[1].Inputs) != 1 {
		t.Fatalf("the chat shows %d cards: %+v", len(cards), cards)
	}
	if !strings.Contains(cards[0].Words, "Sms-bericht") {
		t.Errorf("the card does not say what was chosen:\n%s", cards[0].Words)
	}
}

func TestAPageThatGoesByItselfIsReplacedByTheNext(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.sendingTo(teamstest.Person{ObjectID: annasID})
	anna.send(waitPage)
	anna.send(choosePage)
	if cards := anna.Cards(); len(cards) != 1 || cards[0].Edits != 1 || len(cards[0].Buttons) == 0 {
		t.Fatalf("the chat shows %+v", cards)
	}
	t.Run("unlessSomethingWasSaidBelowIt", func(t *testing.T) {
		anna.send(waitPage)
		anna.Type("hallo?")
		anna.send(choosePage)
		cards := anna.Cards()
		if len(cards) != 3 || len(cards[2].Buttons) == 0 || len(cards[1].Buttons) > 0 {
			t.Fatalf("the chat shows %+v", cards)
		}
	})
}

func TestAPageIsRepeatedInItsPlaceAfterAButtonAndBelowWhatWasTyped(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.sendingTo(teamstest.Person{ObjectID: annasID})
	again := numberPage
	again.Notes = []conversation.Note{{ID: conversation.NoteNumberForm}}
	anna.send(numberPage)
	anna.Fill(map[string]string{"number": "12"})
	anna.send(again)
	if cards := anna.Cards(); len(cards) != 1 || cards[0].Edits != 1 {
		t.Fatalf("after the form: %d cards", len(cards))
	}
	anna.Type("13")
	anna.send(again)
	cards := anna.Cards()
	if len(cards) != 2 || len(cards[0].Inputs) > 0 || len(cards[1].Inputs) != 1 {
		t.Fatalf("after a message: %+v", cards)
	}
	t.Run("AC41_belowAButtonThatIsOld", func(t *testing.T) {
		anna.Send(o.cloud.Submit(anna.Person, cards[0].ID, map[string]any{"t": "old", "c": "sms"}))
		anna.send(again)
		if cards := anna.Cards(); len(cards) != 3 {
			t.Errorf("the chat shows %d cards", len(cards))
		}
	})
}

func TestACardOfBeforeARestartLosesItsButtons(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.sendingTo(teamstest.Person{ObjectID: annasID})
	anna.send(choosePage)
	next := newOfficeOn(t, o.cloud, nil)
	anna.office = next
	anna.send(numberPage)
	cards := anna.Cards()
	if len(cards) != 2 || len(cards[0].Buttons) > 0 {
		t.Fatalf("the chat shows %+v", cards)
	}
}

func TestAnEndStaysReadable(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.sendingTo(teamstest.Person{ObjectID: annasID})
	done := conversation.Page{ID: conversation.EndReset, Token: "done", Crumb: 4, Offers: []conversation.Offer{{Choice: conversation.PickAgain}}}
	anna.send(done)
	before := anna.Newest()
	anna.send(conversation.Page{ID: conversation.AskFollowUp, Token: "later", Offers: []conversation.Offer{{Choice: conversation.PickYes}}})
	cards := anna.Cards()
	if len(cards) != 2 || len(cards[0].Buttons) > 0 {
		t.Fatalf("the chat shows %+v", cards)
	}
	for _, advice := range []string{"Uw nieuwe wachtwoord is nu actief", "zonder pas"} {
		if !strings.Contains(before.Words, advice) || !strings.Contains(cards[0].Words, advice) {
			t.Errorf("“%s” is gone:\n%s", advice, cards[0].Words)
		}
	}
}

func TestACardThatIsRefusedComesAsWords(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.sendingTo(teamstest.Person{ObjectID: annasID})
	o.cloud.Next(teamstest.Connector, teamstest.Trouble{Status: http.StatusRequestEntityTooLarge, Code: teamstest.MessageSizeTooBig})
	if sent := anna.send(choosePage); sent.Result != conversation.Delivered {
		t.Fatalf("the result is %s", sent.Result)
	}
	if card := anna.Newest(); len(card.Card) > 0 || !strings.Contains(card.Text, "1. Sms-bericht") {
		t.Errorf("what came is:\n%s", card.Words)
	}
}

func TestWhoBlockedTheBotIsNotWaitedFor(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.sendingTo(teamstest.Person{ObjectID: annasID})
	o.cloud.Block(anna.Conversation, teamstest.ConversationBlockedByUser)
	if sent := anna.send(choosePage); sent.Result != conversation.Undeliverable {
		t.Errorf("the result is %s", sent.Result)
	}
}

func TestACardIsNewWhereTheOldOneWasDeleted(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.sendingTo(teamstest.Person{ObjectID: annasID})
	anna.send(waitPage)
	o.cloud.ForgetMessages(anna.Conversation)
	if sent := anna.send(choosePage); sent.Result != conversation.Delivered || len(anna.Cards()) != 1 {
		t.Errorf("the result is %s, the chat shows %d cards", sent.Result, len(anna.Cards()))
	}
}

func TestAC25_ANoteHoldsNothingThatIsSecret(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.sendingTo(teamstest.Person{ObjectID: annasID})
	p := conversation.Page{
		ID: conversation.AskPassword, Token: "password", Crumb: 3, Args: conversation.Args{Name: "M. de Vries", Length: 16},
		Fields: []conversation.Field{conversation.FieldPassword, conversation.FieldConfirm, conversation.FieldWord},
		Entry:  &conversation.Entry{Expires: time.Now().Add(time.Minute), Shows: 1, Asks: 2},
	}
	anna.send(p)
	var noted map[string]any
	if err := json.Unmarshal([]byte(anna.note), &noted); err != nil || len(anna.note) > 1000 {
		t.Fatalf("%v, %d bytes", err, len(anna.note))
	}
	if strings.Contains(anna.note, "entry") || strings.Contains(anna.note, "/p/") {
		t.Errorf("the note is %s", anna.note)
	}
}

func TestAnOwnerIsToldInTeams(t *testing.T) {
	o := newOffice(t, nil)
	anna := o.cloud.Colleague(t, teamstest.Person{ObjectID: annasID}, o.url)
	tell := func(to string) (conversation.DeliveryResult, error) {
		return o.chat.Notifier().Tell(context.Background(), bot.Telling{
			Notice: conversation.Notice{
				ID: "1", Kind: conversation.Tell, Message: conversation.TellReset, Receipt: "K7Q2-MX4P", Chat: "web", Locale: "nl", At: time.Now(),
			},
			Owner: bot.Account{Display: "M. de Vries"}, To: to, Link: "https://resetbot.example/n/link",
		})
	}
	if result, err := tell(annasID); err != nil || result != conversation.Delivered {
		t.Fatalf("%s (%v)", result, err)
	}
	card := anna.Newest()
	if !strings.Contains(card.Words, "K7Q2-MX4P") || !slices.ContainsFunc(card.Buttons, func(b teamstest.Button) bool {
		return b.Address == "https://resetbot.example/n/link" && b.Title == "Dit was ik niet"
	}) {
		t.Errorf("the card has %+v:\n%s", card.Buttons, card.Words)
	}
	if result, _ := tell("22000000-0000-4000-8000-000000000001"); result != conversation.Undeliverable {
		t.Errorf("who does not have the app: %s", result)
	}
}
