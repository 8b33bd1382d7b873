package teams

import (
	"context"
	"errors"
	"fmt"

	"resetbot/bot"
	"resetbot/conversation"
)

// Notifier tells owners in their own chat what happened to their account. The
// bot writes first there, so the app must be installed for them; who does not have
// it is told by the other channels.
type Notifier struct{ teams *Teams }

var _ bot.Notifier = Notifier{}

// Notifier is this chat's. An address is the owner's object id in the tenant.
func (t *Teams) Notifier() Notifier { return Notifier{t} }

// Tell sends a card with what happened, and the way to say "this was not me". A
// chat keeps no key of what was sent, so a notice that is told again after a crash
// may be there twice, with the same receipt number.
func (n Notifier) Tell(ctx context.Context, told bot.Telling) (conversation.DeliveryResult, error) {
	t := n.teams
	if t.ServiceURL == "" {
		return conversation.Undeliverable, errors.New("no address is configured where chats are begun")
	}
	to, err := t.out.create(ctx, t.ServiceURL, botPrefix+t.AppID, t.TenantID, told.To)
	if err == nil {
		_, err = t.out.send(ctx, to, t.notice(told))
	}
	switch {
	case err == nil:
		return conversation.Delivered, nil
	case errors.Is(err, errNever):
		return conversation.Undeliverable, fmt.Errorf("the owner has no chat with the bot: %w", err)
	}
	return conversation.Later, fmt.Errorf("telling an owner in Teams: %w", err)
}

// notice is what an owner is told, as it leaves.
func (t *Teams) notice(told bot.Telling) message {
	card, summary, err := t.cards.notice(told, t.Now())
	if err != nil { // it says all the same that something happened
		t.Log.Error("writing to an owner", "what", told.Notice.Message, "error", err)
	}
	return message{Card: card, Summary: summary}
}
