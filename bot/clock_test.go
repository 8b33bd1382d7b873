package bot_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	people "resetbot/adapters/directory/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

// clockwork is a siege whose bot has a wall clock that can be set; that of the
// test, which nobody can, goes on.
type clockwork struct {
	*siege
	wrong *atomic.Int64
}

func newClockwork(t *testing.T, changes ...setup) clockwork {
	wrong := &atomic.Int64{}
	clock := func(_ testing.TB, _ *siege, c *bot.Config) {
		c.Now = func() time.Time { return time.Now().Round(0).Add(time.Duration(wrong.Load())) }
	}
	return clockwork{newSiege(t, append([]setup{onBolt, clock}, changes...)...), wrong}
}

func (c clockwork) set(wrong time.Duration, killed bool) {
	c.t.Helper()
	if !killed {
		c.wrong.Store(int64(wrong))
		return
	}
	c.close()
	c.wrong.Store(int64(wrong))
	if err := c.bolt.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.siege.open(&c.config)
	c.start()
	c.settle()
}

// eitherWay runs a test with a clock that is set while the bot runs, and with one
// that is set while it does not.
func eitherWay(t *testing.T, test func(t *testing.T, killed bool)) {
	t.Helper()
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %t", killed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, killed) })
		})
	}
}

func TestWithTheClockSetBackTheDirectoryIsAskedInTimeWhetherItWrote(t *testing.T) {
	for name, test := range map[string]struct {
		fault people.Fault
		end   conversation.State
	}{
		"it did":     {people.Fault{AnswerLost: true}, conversation.Done},
		"it did not": {people.Fault{Lost: true}, conversation.Password},
	} {
		t.Run(name, func(t *testing.T) {
			eitherWay(t, func(t *testing.T, killed bool) {
				c := newClockwork(t)
				c.walk(nurse, "m.devries", toPassword...)
				c.setFault(people.OpReset, test.fault)
				c.setFault(people.OpChanged, people.Fault{Unreachable: true})
				c.submit(nurse, newPassword)
				c.on(nurse, conversation.Unknown)
				c.set(-time.Hour, killed)
				c.setFault(people.OpChanged, people.Fault{})
				c.walk(nurse, "", "! wait 2m")
				c.on(nurse, test.end)
				if c.signIn("m.devries", newPassword) != (test.end == conversation.Done) {
					t.Error("the page and the password do not agree")
				}
				c.counted("reset", 1)
			})
		})
	}
}

func TestWithTheClockSetBackAPageThatCouldNotBeDeliveredComesInTime(t *testing.T) {
	eitherWay(t, func(t *testing.T, killed bool) {
		c := newClockwork(t)
		c.walk(nurse, "m.devries", toChoice...)
		c.undeliverable(nurse, 3)
		c.say(nurse, "1")
		c.chat.take(nurse)
		c.set(-time.Hour, killed)
		c.walk(nurse, "", "! wait 1m")
		if pages := c.chat.take(nurse); len(pages) != 1 || pages[0].Page.ID != conversation.AskNumber {
			t.Errorf("%d pages came", len(pages))
		}
	})
}

func TestWithTheClockSetBackOwnersAreToldInTime(t *testing.T) {
	eitherWay(t, func(t *testing.T, killed bool) {
		c := newClockwork(t, func(_ testing.TB, s *siege, c *bot.Config) {
			through(c, func(n bot.Notifier) bot.Notifier { return mute{n, s} })
		})
		c.walk(nurse, "m.devries", toPassword...)
		c.fails(broken)
		before := len(c.entries("m.devries"))
		c.submit(nurse, newPassword)
		c.on(nurse, conversation.Done)
		c.set(-time.Hour, killed)
		c.fails(nil)
		c.walk(nurse, "", "! wait 1m")
		if len(c.entries("m.devries")) == before {
			t.Error("the owner was not told")
		}
	})
}

// Half a minute between two challenges is half a minute, also for those who come
// after the clock was set back.
func TestWithTheClockSetBackNobodyWaitsLongerForTheNextChallenge(t *testing.T) {
	for _, other := range []bool{false, true} {
		t.Run(fmt.Sprintf("another conversation %t", other), func(t *testing.T) {
			eitherWay(t, func(t *testing.T, killed bool) {
				c := newClockwork(t)
				c.walk(nurse, "m.devries", toSMS...)
				c.set(-time.Hour, killed)
				who, way := nurse, []string{"andere manier", "1", "{right}"}
				if other {
					who, way = stranger, toSMS
				}
				c.walk(who, "m.devries", way...)
				c.counted("sent sms", 1)
				c.walk(who, "m.devries", "! wait 31s", "{right}")
				c.counted("sent sms", 2)
			})
		})
	}
}

// Nobody gets time either: 15 minutes are 15, give or take what had passed since
// the last step.
func TestWithTheClockSetBackAConversationEndsInTime(t *testing.T) {
	eitherWay(t, func(t *testing.T, killed bool) {
		c := newClockwork(t)
		c.walk(nurse, "m.devries", toChoice...)
		c.set(-time.Hour, killed)
		c.walk(nurse, "", "! wait 14m")
		c.on(nurse, conversation.Step1Choose)
		if !c.noted(nurse, conversation.NoteMinutes) {
			t.Error("nobody said how many minutes are left")
		}
		c.walk(nurse, "", "! wait 2m")
		c.on(nurse, conversation.Expired)
	})
}

// A write that is under way is under way, whatever time the clock says it is: it
// is not given up for one that was not done.
func TestWithTheClockSetAheadDuringAWriteThePageTellsTheTruth(t *testing.T) {
	for name, fault := range map[string]people.Fault{
		"it is written":               {Slow: 8 * time.Second},
		"and its answer is lost":      {Slow: 8 * time.Second, AnswerLost: true},
		"it is lost":                  {Slow: 8 * time.Second, Lost: true},
		"it takes longer than it may": {Slow: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newClockwork(t)
				c.walk(nurse, "m.devries", toPassword...)
				c.setFault(people.OpReset, fault)
				c.submit(nurse, newPassword)
				c.on(nurse, conversation.Changing)
				c.set(time.Hour, false)
				c.walk(nurse, "", "! wait 2m")
				written := c.signIn("m.devries", newPassword)
				if state := c.state(nurse); written && state != conversation.Done || !written && state == conversation.Done {
					t.Errorf("written %t, and the page is %s", written, state)
				}
				if c.told(nurse, conversation.EndReset) != written {
					t.Errorf("written %t, told otherwise", written)
				}
				if written && c.noted(nurse, conversation.NotChanged) {
					t.Errorf("it was written, and the page says that it was not:\n%s", c.page(nurse))
				}
			})
		})
	}
}
