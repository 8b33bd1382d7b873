package bot_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"resetbot/bot"
	"resetbot/conversation"
)

func TestWhatIsKnownOfAReceiptIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.say(nurse, "reset") // a page with a receipt, and not yet a line in the audit
		receipt := w.chat.last(nurse).Page.Receipt
		c := w.lookUp(receipt)
		if len(c.Lines) != 0 || c.Conversation.User != nurse || c.Account() != "" || c.Key() != "" {
			t.Errorf("at the first page there is %+v", c)
		}
		w.say(nurse, "m.devries")
		w.say(nurse, w.captcha(nurse))
		if c = w.lookUp(receipt); len(c.Lines) == 0 || c.Account() != w.person("m.devries").ID {
			t.Errorf("once a name was found there are %d lines, about %q", len(c.Lines), c.Account())
		}
		w.say(nurse, "stop")
		time.Sleep(25 * time.Hour) // the conversation is forgotten, the audit is not
		if c = w.lookUp(receipt); c.Conversation.Receipt != "" || !c.Found() {
			t.Errorf("a day later there is %+v", c)
		}
		for _, unknown := range []string{"", "ABCD-2345", strings.ToLower(receipt)} {
			if w.lookUp(unknown).Found() {
				t.Errorf("%q is known", unknown)
			}
		}
	})
}

func (w *world) lookUp(receipt string) bot.Case {
	w.t.Helper()
	c, err := bot.LookUp(context.Background(), w.store, receipt)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) unfreeze(name string) (receipt string, err error) {
	return bot.Unfreeze(context.Background(), w.store, w.config.Directory, w.config.Wizard, name, "uid_7", time.Now())
}

func TestAnOperatorFreesAnAccountAndTheOwnerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.toPassword(nurse, "m.devries")
		w.settle()
		token := w.link("m.devries", "https://resetbot.example/n/")
		if _, ok, err := w.bot.Disown(context.Background(), token, "somebody"); !ok || err != nil {
			t.Fatalf("disowning: %v, %v", ok, err)
		}
		w.settle()
		id := w.person("m.devries").ID
		standing := func() conversation.Standing {
			s, err := bot.Standing(context.Background(), w.store, w.config.Wizard, id.Key(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		if !standing().Frozen.After(time.Now()) {
			t.Fatal("the account is not frozen")
		}
		receipt, err := w.unfreeze(" M.deVries@rijnzicht.example ")
		if err != nil || receipt == "" {
			t.Fatalf("receipt %q, %v", receipt, err)
		}
		if !standing().Frozen.IsZero() {
			t.Error("the account is still frozen")
		}
		if c := w.lookUp(receipt); len(c.Lines) != 1 || c.Lines[0].Event != "unfrozen" || c.Lines[0].Asker != "uid_7" {
			t.Errorf("the audit says %+v", c.Lines)
		}
		time.Sleep(10 * time.Second) // the sweeper's turn
		w.settle()
		again := w.link("m.devries", "https://resetbot.example/n/")
		if again == token {
			t.Error("the owner was not told")
		}
		if _, err := w.bot.Store.Conversation(context.Background(), conversation.User{
			Chat: conversation.Operator, ID: string(id),
		}); err != nil {
			t.Error(err)
		}
		// And whoever did not want that, says so.
		if _, ok, err := w.bot.Disown(context.Background(), again, "somebody"); !ok || err != nil {
			t.Fatalf("disowning: %v, %v", ok, err)
		}
		if !standing().Frozen.After(time.Now()) {
			t.Error("the owner's word does nothing after an operator's")
		}
	})
}

func TestUnfreezingNobodyAndNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		for _, name := range []string{"nobody", "", " ", "\\", strings.Repeat("x", 5000)} {
			if _, err := w.unfreeze(name); !errors.Is(err, bot.ErrNobody) {
				t.Errorf("%.20q: %v", name, err)
			}
		}
		if receipt, err := w.unfreeze(string(w.person("m.devries").ID)); receipt != "" || err != nil {
			t.Errorf("a free account was freed: %q, %v", receipt, err)
		}
	})
}

func TestAStoreThatIsNoBackUpIsNotAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *bot.Config) { c.HeadFile = t.TempDir() + "/head" })
		w.say(nurse, "reset")
		if err := w.bot.AcceptRestore(context.Background(), conversation.Line{}); !errors.Is(err, bot.ErrNotRestored) {
			t.Errorf("it ended with %v", err)
		}
		w.on(nurse, conversation.Who)
	})
}

func TestARunningBotGoesOnOnceARestoredStoreIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		head := t.TempDir() + "/head"
		if err := os.WriteFile(head, []byte(`{"seq":99,"sum":"00"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, func(c *bot.Config) { c.HeadFile = head })
		w.say(nurse, "reset")
		w.on(nurse, conversation.Withdrawn)
		if err := w.bot.Ready(context.Background()); !errors.Is(err, bot.ErrRestored) {
			t.Fatalf("ready: %v", err)
		}
		line := conversation.Line{At: time.Now(), Chat: conversation.Operator, Asker: "uid_7"}
		if err := w.bot.AcceptRestore(context.Background(), line); err != nil {
			t.Fatal(err)
		}
		if err := w.bot.Ready(context.Background()); err != nil {
			t.Errorf("ready: %v", err)
		}
		w.say(nurse, "reset")
		w.on(nurse, conversation.Who)
		if restored, err := bot.Restored(context.Background(), w.store, head); restored || err != nil {
			t.Errorf("the head that is kept is still another one: %v, %v", restored, err)
		}
	})
}
