package bot_test

import (
	"testing"
	"testing/synctest"

	"resetbot/conversation"
)

// What TestHistory found, each as a test of its own.

// A reset sets the account's counters to zero, also for those who typed a number
// before it and a code after it: that code is counted like every other.
func TestAC13_ATryFromBeforeSomebodyElsesResetIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t)
		s.walk(stranger, "m.devries", toSMS...)
		s.walk(nurse, "m.devries", then(toChoice, "! wait 31s", "1", "{right}", "{sms}", "4", "{app}")...)
		s.submit(nurse, newPassword)
		s.on(nurse, conversation.Done)
		before := s.count("judged")
		s.walk(stranger, "m.devries", "000001", "000002", "000003", "4", "000004", "000005")
		s.counted("judged", before+5)
		s.on(stranger, conversation.Locked)
	})
}

// Who was denied by the owner's telephone, and sees nothing of that, goes back and
// names the account again: the right to it does not come back with the name.
func TestAC35_ADenialHoldsWhenTheAccountIsNamedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t)
		s.walk(stranger, "m.devries", then(toChoice, "3", "! deny", "! wait 65s", "terug", "{name}", "{captcha}")...)
		s.on(stranger, conversation.Step1Choose)
		s.walk(stranger, "m.devries", "4", "{app}")
		s.on(stranger, conversation.Step1Answer)
		s.counted("judged code", 0)
		s.walk(stranger, "m.devries", "terug", "1", "{right}", "! wait 65s")
		s.counted("sent sms", 0)
	})
}
