package bot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	people "resetbot/adapters/directory/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

func TestAC11_AHundredWrongCodesAtTheSameInstant(t *testing.T) {
	t.Run("in one conversation", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt)
			s.walk(nurse, "m.devries", toCode...)
			var guesses []bot.Incoming
			for n := range 100 {
				guesses = append(guesses, said(nurse, fmt.Sprintf("%06d", n)))
			}
			s.atOnce(guesses...)
			s.counted("judged", 1) // the others came while that was going on
			for range 8 {
				s.atOnce(guesses[10:]...)
				s.say(nurse, "4")
			}
			if judged := s.count("judged"); judged > 5 {
				t.Errorf("%d judged, want 5 at the most", judged)
			}
		})
	})
	t.Run("in many conversations", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt, policy(manyBegin))
			var guesses []bot.Incoming
			for n := range 25 {
				s.walk(visitor(n), "m.devries", toCode...)
				for i := range 4 {
					guesses = append(guesses, said(visitor(n), fmt.Sprintf("%06d", 4*n+i)))
				}
			}
			for range 4 {
				s.atOnce(guesses...)
			}
			s.counted("judged", 5)
			for n := range 25 {
				s.walk(visitor(n), "m.devries", "4", "{app}")
				if proofs := len(s.conversation(visitor(n)).Proofs); proofs > 0 {
					t.Errorf("%d proofs after the limit", proofs)
				}
			}
			s.counted("judged", 5)
		})
	})
}

func TestAC12_TheRightCodeFiftyTimesAtTheSameInstant(t *testing.T) {
	t.Run("in one conversation", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt)
			s.walk(nurse, "m.devries", toSMS...)
			var answers []bot.Incoming
			for range 50 {
				answers = append(answers, said(nurse, s.sms("m.devries")))
			}
			s.atOnce(answers...)
			s.on(nurse, conversation.Step2Choose)
			s.counted("judged", 1)
			if proved := s.events(string(conversation.Proved)); proved != 1 {
				t.Errorf("proved %d times", proved)
			}
		})
	})
	t.Run("in fifty conversations", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt, policy(manyBegin),
				policy(func(p *conversation.Policy) { p.Proofs.N = 1000 }))
			var answers []bot.Incoming
			for n := range 50 {
				s.walk(visitor(n), "m.devries", toCode...)
			}
			code := s.app("m.devries")
			for n := range 50 {
				answers = append(answers, said(visitor(n), code))
			}
			s.atOnce(answers...)
			s.counted("judged", 50)
			if proved := s.events(string(conversation.Proved)); proved != 1 {
				t.Errorf("proved %d times", proved)
			}
		})
	})
	t.Run("the password", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt)
			s.walk(nurse, "m.devries", toPassword...)
			s.atOnce(slices.Repeat([]bot.Incoming{s.filled(nurse, newPassword)}, 50)...)
			s.on(nurse, conversation.Done)
			s.counted("reset", 1)
		})
	})
}

// TestAC43_TheSameMessageElevenTimes: a whole reset in which every message
// comes eleven times: at once, later, after a restart, an hour later; with the
// platform's id of the first, and with new ones. Each has one effect.
func TestAC43_TheSameMessageElevenTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, onBolt)
		var messages []bot.Incoming
		ids := 0
		event := func(m bot.Incoming, same bool) bot.Incoming {
			if ids++; !same {
				m.Event = fmt.Sprint("again ", ids)
			}
			return m
		}
		hear := func(m bot.Incoming) {
			m.Event = fmt.Sprint("first ", len(messages))
			messages = append(messages, m)
			s.atOnce(m, event(m, true), event(m, true))
			state, sent, judged, written := s.state(nurse), s.count("sent"), s.count("judged"),
				s.count("reset")
			s.atOnce(event(m, true), event(m, false), event(m, false), event(m, false))
			s.again()
			s.receiveFrom(event(m, true))
			s.receiveFrom(event(m, false))
			s.on(nurse, state)
			s.counted("sent", sent)
			s.counted("judged", judged)
			s.counted("reset", written)
		}
		for _, input := range then(toNumber, "{right}", "000001", "{sms}", "4", "{app}") {
			hear(said(nurse, s.fill(nurse, "m.devries", input)))
		}
		s.on(nurse, conversation.Password)
		hear(s.filled(nurse, newPassword))
		s.on(nurse, conversation.Done)
		s.counted("sent", 1)
		s.counted("judged", 3)
		s.counted("reset", 1)
		for _, same := range []bool{true, false} {
			s.walk(nurse, "", "! wait 1h")
			for _, m := range messages {
				s.receiveFrom(event(m, same))
			}
		}
		s.counted("sent", 1)
		s.counted("judged", 3)
		s.counted("reset", 1)
		if !s.signIn("m.devries", newPassword) {
			t.Error("the new password does not hold")
		}
	})
}

// TestAC43_StopEndsOneConversationOnly: "stop" that is delivered again ends
// nothing that was begun since.
func TestAC43_StopEndsOneConversationOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, onBolt)
		s.walk(nurse, "m.devries", toSMS...)
		stop := said(nurse, "stop")
		stop.Event = "stop"
		s.atOnce(slices.Repeat([]bot.Incoming{stop}, 5)...)
		s.on(nurse, conversation.Cancelled)
		for range 3 {
			s.say(nurse, "stop") // with new ids
		}
		s.on(nurse, conversation.Cancelled)
		s.walk(nurse, "m.devries", "wachtwoord vergeten", "{name}")
		s.again()
		s.receiveFrom(stop)
		s.on(nurse, conversation.Who)
	})
}

// TestAC44_TwoMessagesAtTheSameInstant: one after the other, whichever is first.
func TestAC44_TwoMessagesAtTheSameInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, onBolt)
		for n := range 40 {
			user := visitor(n)
			s.atOnce(said(user, "english"), said(user, "i forgot my password"))
			if c := s.conversation(user); c.State != conversation.Who || c.Locale != "en" {
				t.Errorf("on %s in %s, want both taken", c.State, c.Locale)
			}
		}
	})
	t.Run("one of them is stop", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt, policy(manyBegin))
			for n := range 20 {
				user, name := visitor(n), []string{"m.devries", "z.celik"}[n%2]
				s.walk(user, name, toSMS...)
				sent := s.count("sent")
				s.atOnce(s.pressed(user, conversation.PickMethod), s.pressed(user, conversation.PickDesk),
					said(user, s.sms(name)), said(user, "stop"))
				s.counted("sent", sent)
				s.walk(user, name, "stop", "! wait 31s")
			}
			over := map[string]bool{}
			for _, line := range s.lines() {
				if over[line.Receipt] {
					t.Errorf("%s after the conversation had ended", line.Event)
				}
				over[line.Receipt] = line.Event == string(conversation.Cancel)
			}
			if len(over) < 20 {
				t.Errorf("%d conversations, want 20", len(over))
			}
		})
	})
}

// TestAC48_TwoHoldersAtTheSameInstant: of two conversations for one account one
// goes on at the most.
func TestAC48_TwoHoldersAtTheSameInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, onBolt)
		s.walk(nurse, "m.devries", toSMS...)
		s.walk(stranger, "m.devries", toCode...)
		s.atOnce(said(nurse, s.sms("m.devries")), said(stranger, s.app("m.devries")))
		s.walk(nurse, "", "! wait 10s") // the nudge
		states := []conversation.State{s.state(nurse), s.state(stranger)}
		slices.Sort(states)
		if want := []conversation.State{
			conversation.Displaced,
			conversation.Step2Choose,
		}; !slices.Equal(states, want) {
			t.Errorf("on %v, want %v", states, want)
		}
	})
	t.Run("to the end", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt)
			s.walk(nurse, "m.devries", toPassword...)
			form := s.filled(nurse, newPassword)
			s.walk(stranger, "m.devries", then(toCode, "! wait 31s")...)
			s.atOnce(form, said(stranger, s.app("m.devries")))
			s.walk(nurse, "", "! wait 10s")
			done := s.state(nurse) == conversation.Done
			if done != s.signIn("m.devries", newPassword) {
				t.Error("the page and the password do not agree")
			}
			if done && s.state(stranger) == conversation.Password {
				t.Error("both came to the end")
			}
		})
	})
}

// frail is a store whose writes fail from a moment on.
type frail struct {
	bot.Store
	mu     sync.Mutex
	writes int
	fails  func(write int) (before, after bool)
}

var errDiskFull = errors.New("no space left on device")

func (f *frail) Update(
	ctx context.Context, user conversation.User, t bot.Transition,
) (conversation.Change, error) {
	f.mu.Lock()
	f.writes++
	before, after := f.fails(f.writes)
	f.mu.Unlock()
	if before {
		return conversation.Change{}, errDiskFull
	}
	change, err := f.Store.Update(ctx, user, t)
	if after && err == nil {
		return conversation.Change{}, errDiskFull
	}
	return change, err
}

func (f *frail) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = func(int) (bool, bool) { return false, false }
}

// TestAC77_NoPasswordWithoutItsAuditLine lets the store fail at every moment of
// a reset: once, from then on, or only in saying that it wrote. No password is
// written that the audit does not tell of, the person is told at once, and in
// the end the truth.
func TestAC77_NoPasswordWithoutItsAuditLine(t *testing.T) {
	modes := map[string]func(moment int) func(write int) (before, after bool){
		"once": func(moment int) func(int) (bool, bool) {
			return func(write int) (bool, bool) { return write == moment, false }
		},
		"from then on": func(moment int) func(int) (bool, bool) {
			return func(write int) (bool, bool) { return write >= moment, false }
		},
		"written but not said": func(moment int) func(int) (bool, bool) {
			return func(write int) (bool, bool) { return false, write == moment }
		},
	}
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for moment := 1; moment < 200; moment++ {
				whole := false
				synctest.Test(t, func(t *testing.T) { whole = failAt(t, moment, mode(moment)) })
				if whole {
					return // the reset needs no more writes than that
				}
			}
		})
	}
}

// failAt plays a reset in which the store fails, and reports whether it was
// over before that.
func failAt(t *testing.T, moment int, fails func(int) (before, after bool)) (whole bool) {
	t.Helper()
	store := &frail{fails: fails}
	s := newSiege(t, func(_ testing.TB, _ *siege, c *bot.Config) {
		store.Store = c.Store
		c.Store = store
	})
	hear := func(m bot.Incoming) {
		if err := s.send(m); err != nil && !s.told(nurse, conversation.SayTrouble) {
			t.Errorf("failing at write %d: the person is not told", moment)
		}
	}
	for _, input := range then(toSMS, "{sms}", "4", "{app}") {
		if input == "{sms}" && s.count("sent") == 0 {
			break // it never came
		}
		hear(said(nurse, s.fill(nurse, "m.devries", input)))
	}
	hear(s.filled(nurse, newPassword))
	store.mu.Lock()
	whole = s.state(nurse) == conversation.Done && store.writes < moment
	store.mu.Unlock()
	accounted := func() {
		t.Helper()
		if s.signIn("m.devries", newPassword) && s.events("write_begun") == 0 {
			t.Errorf("failing at write %d: a password was written that the audit does not tell of", moment)
		}
	}
	accounted()
	store.heal()
	s.walk(nurse, "", "! wait 16m")
	accounted()
	if state := s.state(nurse); !state.Over() && state != "" {
		t.Errorf("failing at write %d: a quarter of an hour later still on %s", moment, state)
	}
	if written := s.signIn("m.devries", newPassword); s.told(nurse, conversation.EndReset) != written {
		t.Errorf("failing at write %d: written %t, told otherwise", moment, written)
	}
	return whole
}

// TestUnknownIsResolvedAcrossARestart both ways, and with another crash in between.
func TestUnknownIsResolvedAcrossARestart(t *testing.T) {
	for name, test := range map[string]struct {
		fault people.Fault
		end   conversation.State
	}{
		"written":     {people.Fault{AnswerLost: true}, conversation.Done},
		"not written": {people.Fault{Lost: true}, conversation.Password},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t, onBolt)
				s.walk(nurse, "m.devries", toPassword...)
				s.setFault(people.OpReset, test.fault)
				s.setFault(people.OpChanged, people.Fault{Unreachable: true})
				s.submit(nurse, newPassword)
				s.on(nurse, conversation.Unknown)
				s.saw(nurse, conversation.WaitUnknown)
				s.again()
				s.walk(nurse, "", "! wait 20m") // longer than a conversation may last
				s.on(nurse, conversation.Unknown)
				s.again()
				s.setFault(people.OpChanged, people.Fault{})
				s.walk(nurse, "", "! wait 5m")
				if test.end == conversation.Password { // whose time is over by now
					s.on(nurse, conversation.Expired)
					if !s.noted(nurse, conversation.NotChanged) {
						t.Errorf("the page does not say that nothing was changed:\n%s", s.page(nurse))
					}
				} else {
					s.on(nurse, conversation.Done)
				}
				if s.signIn("m.devries", newPassword) != (test.end == conversation.Done) {
					t.Error("the page and the password do not agree")
				}
				s.counted("reset", 1)
			})
		})
	}
}

func TestAPageThatCouldNotBeDeliveredComesLaterOnce(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		t.Run(fmt.Sprintf("restarted %t", restarts), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t, onBolt)
				s.undeliverable(nurse, 3)
				s.say(nurse, "wachtwoord vergeten")
				if restarts {
					s.again()
				}
				s.walk(nurse, "", "! wait 1m")
				if pages := s.chat.take(nurse); len(pages) != 1 || pages[0].Page.ID != conversation.AskWho {
					t.Errorf("%d pages came", len(pages))
				}
			})
		})
	}
}

// undeliverable lets sending fail so many times.
func (s *siege) undeliverable(user conversation.User, times int) {
	s.chat.mu.Lock()
	defer s.chat.mu.Unlock()
	s.chat.fail[user] = times
}

func TestAPageThatWasReplacedIsNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, onBolt)
		s.undeliverable(nurse, 4)
		s.walk(nurse, "m.devries", "hallo", "wachtwoord vergeten", "{name}", "! wait 1m")
		for _, page := range s.chat.take(nurse) {
			if page.Page.ID != conversation.AskCaptcha {
				t.Errorf("%s came, which had been replaced", page.Page.ID)
			}
		}
		s.saw(nurse, conversation.AskCaptcha)
	})
}

// through puts something before every notifier.
func through(c *bot.Config, wrap func(bot.Notifier) bot.Notifier) {
	channels := map[string]bot.Channel{}
	for name, channel := range c.Channels {
		channel.Notifier = wrap(channel.Notifier)
		channels[name] = channel
	}
	c.Channels = channels
}

// mute is a way to tell owners that does not work.
type mute struct {
	bot.Notifier
	s *siege
}

func (d mute) Tell(ctx context.Context, t bot.Telling) (conversation.DeliveryResult, error) {
	if err := d.s.before("told "+string(t.Notice.Message), bot.Challenge{}); err != nil {
		return conversation.Later, err
	}
	return d.Notifier.Tell(ctx, t)
}

// TestAC74_OwnersAreToldAtLeastOnceAcrossARestart.
func TestAC74_OwnersAreToldAtLeastOnceAcrossARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, onBolt, func(_ testing.TB, s *siege,
			c *bot.Config,
		) {
			c.Channels = map[string]bot.Channel{"mail": c.Channels["mail"]}
			through(c, func(n bot.Notifier) bot.Notifier { return mute{n, s} })
		})
		s.walk(nurse, "m.devries", toPassword...)
		s.fails(func(what string, c bot.Challenge) error {
			if what == "told "+string(conversation.TellReset) {
				return broken(what, c)
			}
			return nil
		})
		mails := len(s.entries("m.devries"))
		s.submit(nurse, newPassword)
		s.on(nurse, conversation.Done)
		s.again()
		s.walk(nurse, "", "! wait 1m")
		if got := len(s.entries("m.devries")); got != mails {
			t.Fatalf("%d things came from who cannot tell", got-mails)
		}
		s.close()
		s.fails(nil)
		s.start()
		s.walk(nurse, "", "! wait 2m")
		if got := len(s.entries("m.devries")); got == mails {
			t.Error("the owner was never told")
		}
		told := s.count("told " + string(conversation.TellReset))
		time.Sleep(time.Hour)
		s.counted("told "+string(conversation.TellReset), told)
	})
}
