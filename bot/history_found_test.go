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
