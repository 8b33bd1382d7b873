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

// crowd is how many do the same at the same instant.
const crowd = 200

// all has a whole crowd walk, each step at the same instant.
func (s *siege) all(name string, inputs ...string) {
	s.t.Helper()
	for _, input := range inputs {
		var messages []bot.Incoming
		for n := range crowd {
			messages = append(messages, said(visitor(n), s.fill(visitor(n), name, input)))
		}
		s.atOnce(messages...)
	}
}

// spent is how many tries of an account are counted, of those who are not in its
// own chat.
func (s *siege) spent(name string) int {
	s.t.Helper()
	key := conversation.CounterKey("proofs|others|id:" + string(s.person(name).ID))
	spends := 0
	_, err := s.config.Store.Update(context.Background(), conversation.User{Chat: "web", ID: "nobody"}, bot.Transition{
		Reads: func(conversation.Conversation) conversation.Reads {
			return conversation.Reads{Counters: []conversation.CounterKey{key}}
		},
		Step: func(_ conversation.Conversation, f conversation.Facts) (conversation.Change, error) {
			spends = len(f.Counters[key].Spends)
			return conversation.Change{Same: true}, nil
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return spends
}

// eachCounted fails the test if not exactly so many answers were judged, or not
// each of them was counted.
func (s *siege) eachCounted(name string, want int) {
	s.t.Helper()
	s.counted("judged", want)
	if spent := s.spent(name); spent != want {
		s.t.Errorf("%d tries are counted, want %d", spent, want)
	}
}

func TestAC11_TwoHundredWrongCodesAtTheSameInstant(t *testing.T) {
	t.Run("in one conversation", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt)
			s.walk(nurse, "m.devries", toCode...)
			var guesses []bot.Incoming
			for n := range crowd {
				guesses = append(guesses, said(nurse, fmt.Sprintf("%06d", n)))
			}
			s.atOnce(guesses...)
			s.eachCounted("m.devries", 1) // the others came while that was going on
			for range 8 {
				before := s.count("judged")
				s.atOnce(guesses[10:]...)
				if judged := s.count("judged"); judged > before+1 {
					t.Errorf("%d were judged at once", judged-before)
				}
				s.eachCounted("m.devries", s.count("judged"))
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
			s.all("m.devries", toCode...)
			var guesses []bot.Incoming
			for n := range crowd {
				guesses = append(guesses, said(visitor(n), fmt.Sprintf("%06d", n)))
			}
			for range 2 {
				s.atOnce(guesses...)
				s.eachCounted("m.devries", 5)
			}
			s.all("m.devries", "4", "{app}")
			for n := range crowd {
				if proofs := len(s.conversation(visitor(n)).Proofs); proofs > 0 {
					t.Errorf("%d proofs after the limit", proofs)
				}
			}
			s.eachCounted("m.devries", 5)
		})
	})
}

func TestAC12_TheRightCodeTwoHundredTimesAtTheSameInstant(t *testing.T) {
	t.Run("in one conversation", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt)
			s.walk(nurse, "m.devries", toSMS...)
			s.atOnce(slices.Repeat([]bot.Incoming{said(nurse, s.sms("m.devries"))}, crowd)...)
			s.on(nurse, conversation.Step2Choose)
			s.counted("judged", 1)
			if proved := s.events(string(conversation.Proved)); proved != 1 {
				t.Errorf("proved %d times", proved)
			}
		})
	})
	t.Run("in two hundred conversations", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt, policy(manyBegin),
				policy(func(p *conversation.Policy) { p.Proofs.N = 1000 }))
			s.all("m.devries", then(toCode, "{app}")...)
			s.counted("judged", crowd)
			if proved := s.events(string(conversation.Proved)); proved != 1 {
				t.Errorf("proved %d times", proved)
			}
			if spent := s.spent("m.devries"); spent != crowd-1 { // the one that was right is given back
				t.Errorf("%d tries are counted, want %d", spent, crowd-1)
			}
		})
	})
	t.Run("the password", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, onBolt)
			s.walk(nurse, "m.devries", toPassword...)
			s.atOnce(slices.Repeat([]bot.Incoming{s.filled(nurse, newPassword)}, crowd)...)
			s.on(nurse, conversation.Done)
			s.counted("reset", 1)
		})
	})
}

// TestAC13_OneAfterTheOtherOverTenConversationsExactlyFiveAreJudged: each
// conversation is begun when the one before has been given up.
func TestAC13_OneAfterTheOtherOverTenConversationsExactlyFiveAreJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, onBolt, policy(manyBegin))
		for n := range 10 {
			s.walk(visitor(n), "m.devries", toChoice...)
			if n < 5 {
				s.walk(visitor(n), "m.devries", "4", fmt.Sprintf("%06d", n))
				s.eachCounted("m.devries", n+1)
				s.walk(visitor(n), "m.devries", "stop")
				continue
			}
			s.on(visitor(n), conversation.Locked)
		}
		s.eachCounted("m.devries", 5)
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
