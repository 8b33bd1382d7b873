package store_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/store"
	"resetbot/bot"
	"resetbot/conversation"
)

var anna = conversation.User{Chat: "teams", ID: "anna"}

func nothing(conversation.Conversation) conversation.Reads { return conversation.Reads{} }

func load(conversation.Reads) (conversation.Facts, error) { return conversation.Facts{}, nil }

func run(step func(conversation.Conversation, conversation.Facts) (conversation.Change, error)) error {
	c := conversation.Conversation{User: anna}
	_, err := store.Run(bot.Transition{Reads: nothing, Step: step}, anna, c, load)
	return err
}

func TestAC25_PanicTellsWhereButNotWhatWasTyped(t *testing.T) {
	err := run(func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
		panic("geheim-wachtwoord")
	})
	if err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "store_test.go:") {
		t.Errorf("got %v", err)
	}
}

func TestPanicOfTheRuntimeIsTold(t *testing.T) {
	err := run(func(c conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
		f.Counters["written to a nil map"] = conversation.Counter{}
		return conversation.Change{}, nil
	})
	var thrown runtime.Error
	if !errors.As(err, &thrown) || !strings.Contains(err.Error(), "store_test.go:") {
		t.Errorf("got %v", err)
	}
}

func TestPanicOfReadsIsAnError(t *testing.T) {
	_, err := store.Run(bot.Transition{}, anna, conversation.Conversation{}, load)
	if err == nil {
		t.Error("no error")
	}
}

func TestWhatCannotBeStoredIsRefused(t *testing.T) {
	piet := conversation.User{Chat: "teams", ID: "piet"}
	tests := map[string]conversation.Change{
		"somebody else's":        {Conversation: conversation.Conversation{User: piet}},
		"nobody's":               {},
		"account without a name": {Forget: true, Account: &conversation.AccountRecord{}},
	}
	for name, change := range tests {
		err := run(func(conversation.Conversation, conversation.Facts) (conversation.Change, error) {
			return change, nil
		})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSpend(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	two := conversation.Limit{N: 2, Window: time.Hour}
	var c conversation.Counter
	spend := func(id string, at time.Time, want bool, wantUntil time.Time) {
		t.Helper()
		after, ok, until := store.Spend(c, id, two, at)
		if ok != want || !until.Equal(wantUntil) {
			t.Errorf("%s: %t until %v, want %t until %v", id, ok, until, want, wantUntil)
		}
		c = after
	}
	spend("a", now, true, time.Time{})
	spend("a", now.Add(time.Minute), true, time.Time{})
	spend("b", now.Add(2*time.Minute), true, now.Add(time.Hour)) // the last
	spend("c", now.Add(3*time.Minute), false, now.Add(time.Hour))
	spend("b", now.Add(3*time.Minute), true, now.Add(time.Hour)) // counted already
	spend("c", now.Add(time.Hour), true, now.Add(time.Hour+2*time.Minute))
	spend("d", now.Add(time.Hour), false, now.Add(time.Hour+2*time.Minute))
}

func TestSpendOfALimitOfNothing(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	_, ok, until := store.Spend(conversation.Counter{}, "a", conversation.Limit{Window: time.Hour}, now)
	if ok || !until.Equal(now.Add(time.Hour)) {
		t.Errorf("%t until %v", ok, until)
	}
}

func TestAC47_ConversationOfAnotherIsUnreadable(t *testing.T) {
	if err := store.Belongs(anna, conversation.Conversation{User: anna}); err != nil {
		t.Error(err)
	}
	for _, user := range []conversation.User{{}, {Chat: "teams", ID: "piet"}, {Chat: "web", ID: "anna"}} {
		err := store.Belongs(anna, conversation.Conversation{User: user})
		if !errors.Is(err, bot.ErrUnreadable) {
			t.Errorf("%v: %v", user, err)
		}
	}
}
