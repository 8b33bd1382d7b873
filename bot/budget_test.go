package bot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"resetbot/adapters/numberplan"
	"resetbot/bot"
	"resetbot/conversation"
)

// limits makes a budget of limits: what is not set is without end. Half is for
// people in their own chat.
func limits(method conversation.Method, budget bot.Budget) setup {
	return func(_ testing.TB, _ *siege, c *bot.Config) {
		if c.Budget == nil {
			c.Budget = map[conversation.Method]bot.Budget{}
		}
		c.Budget[method] = budget
	}
}

func anHour(n int) conversation.Limit { return conversation.Limit{N: n, Window: time.Hour} }
func aDay(n int) conversation.Limit   { return conversation.Limit{N: n, Window: 24 * time.Hour} }

func perHour(n int) bot.Budget    { return bot.Budget{Hour: anHour(n)} }
func perCountry(n int) bot.Budget { return bot.Budget{Unanswered: anHour(n)} }

// countries are those whose numbers may be texted.
func countries(of ...string) setup {
	return func(t testing.TB, _ *siege, c *bot.Config) {
		plan, err := numberplan.New(numberplan.Options{Region: of[0], Countries: of})
		if err != nil {
			t.Fatal(err)
		}
		c.Wizard.Numbers = plan
	}
}

// owner plays what people type in their own chat.
func (s *siege) owner(name string, inputs ...string) conversation.User {
	s.t.Helper()
	person := s.person(name)
	user := conversation.User{Chat: "teams", ID: name}
	for _, input := range inputs {
		if rest, ok := strings.CutPrefix(input, "! "); ok {
			s.outdoors(user, name, rest)
			continue
		}
		m := said(user, s.fill(user, name, input))
		m.From.Bound = []conversation.Bound{{ID: person.ID, UPN: person.UPN}}
		s.receiveFrom(m)
	}
	return user
}

var (
	ownChoice = []string{"wachtwoord vergeten", "ja"}
	ownSMS    = then(ownChoice, "1", "{right}")
)

// offer is a choice of the newest page.
func (s *siege) offer(user conversation.User, choice conversation.Choice) conversation.Offer {
	s.t.Helper()
	for _, o := range s.chat.last(user).Page.Offers {
		if o.Choice == choice {
			return o
		}
	}
	s.t.Fatalf("%s is not offered:\n%s", choice, s.page(user))
	return conversation.Offer{}
}

// isClosed fails the test unless the newest page shows a choice as closed until a
// moment; the zero time: as open.
func (s *siege) isClosed(user conversation.User, choice conversation.Choice, until time.Time) {
	s.t.Helper()
	want := conversation.Offer{Choice: choice}
	if !until.IsZero() {
		want.Off, want.Until = conversation.NoteClosed, until
	}
	if got := s.offer(user, choice); got.Off != want.Off || !got.Until.Equal(want.Until) {
		s.t.Errorf("%s is shown as %+v, want %+v", choice, got, want)
	}
}

// midnight is when the clock of every test begins.
func midnight() time.Time { return time.Now().Truncate(24 * time.Hour) }

func TestAC30_AUsedUpBudgetIsShownBeforeAWayIsChosen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, limits(conversation.SMS, perHour(4)))
		opens := midnight().Add(time.Hour)
		s.walk(visitor(1), "m.devries", toSMS...)
		s.walk(visitor(2), "z.celik", toChoice...)
		s.isClosed(visitor(2), conversation.PickSMS, time.Time{})
		s.walk(visitor(2), "z.celik", "1", "{right}")
		s.counted("sent sms", 2)

		s.outdoors(nurse, "", "wait 47m")
		s.walk(visitor(3), "s.boersma", toChoice...)
		s.isClosed(visitor(3), conversation.PickSMS, opens)
		s.isClosed(visitor(3), conversation.PickCall, time.Time{})
		before := s.conversation(visitor(3))
		for _, typed := range []string{"1", "sms", "1"} {
			s.walk(visitor(3), "s.boersma", typed)
			s.on(visitor(3), conversation.Step1Choose)
			if !s.noted(visitor(3), conversation.NoteClosed) {
				t.Errorf("after %q it is not said why:\n%s", typed, s.page(visitor(3)))
			}
		}
		if after := s.conversation(visitor(3)); after.Failed || after.Question != nil || after.Counted != before.Counted {
			t.Errorf("choosing what is closed cost something: %+v", after)
		}
		s.counted("sent sms", 2)

		t.Log("when the hour is over the page opens by itself, with the same buttons")
		token := s.chat.last(visitor(3)).Page.Token
		s.outdoors(nurse, "", "wait "+time.Until(opens).String())
		s.isClosed(visitor(3), conversation.PickSMS, time.Time{})
		if !s.noted(visitor(3), conversation.NoteOpen) || s.chat.last(visitor(3)).Page.Token != token {
			t.Errorf("it is not said that it is open again:\n%s", s.page(visitor(3)))
		}
		s.walk(visitor(3), "s.boersma", "1", "{right}", "{sms}", "4", "{app}")
		s.on(visitor(3), conversation.Password)
		s.counted("sent sms", 3)
	})
}

func TestAC30_StrangersDoNotUseUpWhatIsForOwnChats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, limits(conversation.SMS, perHour(4)))
		for i, name := range []string{"m.devries", "z.celik"} {
			s.walk(visitor(i), name, toSMS...)
		}
		s.walk(visitor(3), "m.devries", toChoice...)
		s.isClosed(visitor(3), conversation.PickSMS, midnight().Add(time.Hour))

		marieke := s.owner("m.devries", ownChoice...)
		s.isClosed(marieke, conversation.PickSMS, time.Time{})
		s.owner("m.devries", "1", "{number}", "! wait 31s") // nothing is sent, and nothing spent
		s.owner("m.devries", "1", "{right}")
		s.owner("z.celik", ownSMS...)
		s.counted("sent sms", 4)
		boersma := s.owner("s.boersma", ownChoice...)
		s.isClosed(boersma, conversation.PickSMS, midnight().Add(time.Hour))
		s.owner("m.devries", "{sms}", "4", "{app}")
		s.on(marieke, conversation.Password)
	})
	t.Run("and the other way round", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, limits(conversation.SMS, perHour(2)))
			s.owner("m.devries", ownSMS...)
			s.walk(visitor(1), "m.devries", toChoice...)
			s.isClosed(visitor(1), conversation.PickSMS, time.Time{})
		})
	})
}

// TestAC30_TheLastOfABudgetTellsNothing: what others ask for is paid, whether it
// is sent or not. So who takes the last sees the same, and leaves the same,
// whatever is behind the name and the number.
func TestAC30_TheLastOfABudgetTellsNothing(t *testing.T) {
	after := func(t *testing.T, method conversation.Method, name, number string) (shown string) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, limits(method, bot.Budget{Hour: anHour(2), Day: aDay(20), Unanswered: anHour(30)}))
			s.alters(asTheyAre)
			s.began = time.Now()
			choice := map[conversation.Method]string{conversation.SMS: "1", conversation.Call: "2"}[method]
			s.walk(visitor(1), name, then(toChoice, choice, number, "! wait 60s", "andere manier", choice, "4")...)
			s.walk(visitor(2), "m.devries", then(toChoice, choice)...)
			shown = s.transcript(visitor(1)) + s.transcript(visitor(2))
		})
		return shown
	}
	for _, method := range []conversation.Method{conversation.SMS, conversation.Call} {
		want := after(t, method, nobody, "{number}")
		if !strings.Contains(want, string(conversation.NoteClosed)) {
			t.Fatalf("nothing is closed:\n%s", want)
		}
		for _, kind := range kinds {
			for _, number := range []string{"{right}", "{number}"} {
				if got := after(t, method, kind.name, number); got != want {
					t.Errorf("%s, %s, %s:\n%s", method, kind.what, number, firstDifference(want, got))
				}
			}
		}
	}
}

// TestAC01_AC30_AClosedWayLooksAlikeForEverybody: also where it is closed while
// somebody is on it.
func TestAC01_AC30_AClosedWayLooksAlikeForEverybody(t *testing.T) {
	const everybody = 14 // walkers
	if n := len(walkers()); n != everybody {
		t.Fatalf("%d walkers", n)
	}
	// Strangers used up what there was for them.
	used := func(ways ...string) func(*siege) {
		return func(s *siege) {
			for i, way := range ways {
				s.walk(visitor(100+i), fmt.Sprintf("gone.%d", i), then(toChoice, way, "{number}", "stop")...)
			}
		}
	}
	both := []setup{limits(conversation.SMS, perHour(2)), limits(conversation.Call, perHour(2))}
	for name, test := range map[string]struct {
		script
		before  func(*siege)
		changes []setup
		told    conversation.MessageID
	}{
		"text messages": {
			script{
				on(toChoice, "1; sms; help; terug; {name}; {captcha}; 1; 2; {right}; ! wait 60s; 1; 4; 000001; 000002; 000003; 4; 000004"),
				conversation.EndLocked,
			},
			used("1"), both[:1], conversation.NoteClosed,
		},
		"the telephone, for longer than there is time": {
			script{on(toChoice, "opnieuw; {captcha}; stop"), conversation.EndClosed},
			used("1", "2"), both, conversation.EndClosed,
		},
		"the telephone, for a while": {
			script{on(toChoice, "1; 2; 4; 000001; andere manier; ! wait 5m; 1"), conversation.AskNumber},
			func(s *siege) {
				used("1", "2")(s)
				s.outdoors(nurse, "", "wait "+time.Until(midnight().Add(56*time.Minute)).String())
			}, both, conversation.NotePhoneLater,
		},
		"while a code is awaited": {
			script{
				on(toNumber, "{right}; opnieuw sturen; 000001; ! wait 31s; opnieuw sturen; andere manier; 1; 4; 000002"),
				conversation.AskAppCode,
			},
			nil,
			[]setup{limits(conversation.SMS, perHour(2*everybody))},
			conversation.NoteClosed,
		},
		"while the number is typed": {
			script{on(toNumber, "! wait 2m; {right}; 2; {right}; ! wait 60s; 4; 000001"), conversation.AskAppCode},
			func(s *siege) {
				s.walk(visitor(100), "gone", toNumber...)
				number := s.fill(visitor(100), "gone", "{number}")
				time.AfterFunc(time.Minute, func() {
					if err := s.bot.Receive(context.Background(), said(visitor(100), number)); err != nil {
						s.t.Error(err)
					}
				})
			}, both[:1], conversation.NoteClosed,
		},
		"a country": {
			script{on(toNumber, "{number}; 000001; opnieuw sturen; andere manier; ! wait 31s; 1; {number}; {number}; help"), conversation.AskNumber},
			nil,
			[]setup{limits(conversation.SMS, perCountry(2*everybody))},
			conversation.NoteClosedCountry,
		},
		"by another process": {
			script{on(toNumber, "{right}; 1; {right}; 2; {right}; ! wait 60s; 4; 000001"), conversation.AskAppCode},
			nil,
			[]setup{limits(conversation.SMS, perHour(2)), emptied},
			conversation.NoteClosed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shown := test.alike(t, test.before, test.changes...)
			if !strings.Contains(shown, `"id":"`+string(test.told)+`"`) {
				t.Errorf("nobody is told %s:\n%s", test.told, shown)
			}
		})
	}
}

// emptied has a limiter whose pots were emptied by somebody else, whom this
// process has not heard of.
func emptied(_ testing.TB, _ *siege, c *bot.Config) { c.Limiter = elsewhere{c.Limiter} }

type elsewhere struct{ bot.Limiter }

func (elsewhere) Spend(
	_ context.Context, _ conversation.CounterKey, _ string, l conversation.Limit, now time.Time,
) (bool, time.Time, error) {
	time.Sleep(time.Millisecond) // so that the page before is always seen, and not only mostly
	return false, now.Add(l.Window), nil
}

func (elsewhere) Full(context.Context, conversation.CounterKey, conversation.Limit, time.Time) (time.Time, error) {
	return time.Time{}, nil
}

// hiccups cannot count for a while since it was first asked to, like a store on a full
// disk.
type hiccups struct {
	bot.Limiter
	lasts time.Duration
	until *atomic.Int64
}

func (h hiccups) Spend(
	ctx context.Context, key conversation.CounterKey, id string, l conversation.Limit, now time.Time,
) (bool, time.Time, error) {
	h.until.CompareAndSwap(0, now.Add(h.lasts).UnixNano())
	if now.UnixNano() < h.until.Load() {
		return false, time.Time{}, errors.New("no space left on device")
	}
	return h.Limiter.Spend(ctx, key, id, l, now)
}

func TestWhatABudgetCannotBeTakenFromForAMomentIsSentAfterIt(t *testing.T) {
	for lasts, sent := range map[time.Duration]int{6 * time.Second: 1, time.Minute: 0} {
		t.Run(lasts.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t, func(_ testing.TB, _ *siege, c *bot.Config) {
					c.Budget = map[conversation.Method]bot.Budget{conversation.SMS: perHour(100)}
					c.Limiter = hiccups{c.Limiter, lasts, &atomic.Int64{}}
				})
				s.walk(stranger, "m.devries", toSMS...)
				s.walk(stranger, "", "! wait 30s")
				s.counted("sent", sent)
			})
		})
	}
}

func TestAC30_ANumberGetsOnlySoMuchWhicheverAccountItBelongsTo(t *testing.T) {
	const one, other = "k.jansen", "k.jansen.opleiding" // one telephone
	number := func(n int) setup {
		return func(_ testing.TB, _ *siege, c *bot.Config) { c.PerNumber = aDay(n) }
	}
	t.Run("strangers see nothing of it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, number(4))
			s.walk(visitor(1), one, toSMS...)
			within := s.page(visitor(1))
			s.walk(visitor(2), other, then(toChoice, "2", "{right}", "! wait 60s")...) // a call counts like a text
			s.counted("sent", 2)
			s.walk(visitor(3), "m.devries", toSMS...) // another number
			s.counted("sent", 3)
			for i, name := range []string{one, other} {
				s.walk(visitor(4+i), name, toSMS...)
				if over := s.page(visitor(4 + i)); over != within {
					t.Errorf("over it the page is another one: %s", firstDifference(within, over))
				}
				s.walk(visitor(4+i), name, "andere manier")
				s.isClosed(visitor(4+i), conversation.PickSMS, time.Time{})
			}
			s.counted("sent", 3)
			desk := 0
			for _, line := range s.lines() {
				if line.Detail == "number_full" {
					desk++
				}
			}
			if desk != 2 {
				t.Errorf("the service desk is told %d times, want twice", desk)
			}
			s.outdoors(nurse, "", "wait 24h")
			s.walk(visitor(6), other, toSMS...)
			s.counted("sent", 4)
		})
	})
	t.Run("its owner is told, and what strangers did does not count", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, number(2))
			s.walk(visitor(1), one, toSMS...)
			s.walk(visitor(2), other, toSMS...)
			s.counted("sent", 1)
			s.owner(one, ownSMS...)
			s.counted("sent", 2)
			user := s.owner(other, ownSMS...)
			s.counted("sent", 2)
			s.on(user, conversation.Step1Choose)
			if !s.noted(user, conversation.NoteNumberFull) || !strings.Contains(s.page(user), "Vanaf") {
				t.Errorf("the owner is not told why, and until when:\n%s", s.page(user))
			}
			if s.conversation(user).Question != nil || len(s.conversation(user).Given) > 0 {
				t.Error("it cost a try")
			}
		})
	})
	t.Run("whoever answers gets what they ask for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, number(2), policy(manyBegin))
			for i := range 4 {
				s.walk(visitor(i), one, then(toSMS, "{sms}", "stop", "! wait 31s")...)
				s.walk(visitor(10+i), other, then(toChoice, "2", "{right}", "! press #", "stop", "! wait 31s")...)
				s.counted("sent", 2*i+2)
			}
			s.walk(visitor(20), one, then(toSMS, "000000", "stop", "! wait 31s")...) // a wrong code is no answer
			s.walk(visitor(21), one, toSMS...)
			s.counted("sent", 9)
		})
	})
}

func TestAC30_TheBudgetOfADayIsThereAgainTheNextDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alarms := &siren{}
		s := newSiege(t, limits(conversation.SMS, bot.Budget{Hour: anHour(4), Day: aDay(6)}), sounding(alarms),
			policy(manyBegin))
		tomorrow := midnight().Add(24 * time.Hour)
		ask := func(n, sent int) {
			t.Helper()
			s.walk(visitor(n), "m.devries", then(toSMS, "stop", "! wait 31s")...)
			s.counted("sent sms", sent)
		}
		ask(1, 1)
		ask(2, 2)
		s.walk(visitor(3), "m.devries", toChoice...)
		s.isClosed(visitor(3), conversation.PickSMS, midnight().Add(time.Hour)) // of this hour there are none left
		s.outdoors(nurse, "", "wait 1h")
		ask(4, 3)
		s.walk(visitor(5), "m.devries", toChoice...)
		s.isClosed(visitor(5), conversation.PickSMS, tomorrow) // and of this day
		for range 3 {
			s.outdoors(nurse, "", "wait 7h")
			s.walk(visitor(5), "m.devries", toChoice...)
			s.isClosed(visitor(5), conversation.PickSMS, tomorrow)
		}
		s.outdoors(nurse, "", "wait "+time.Until(tomorrow.Add(-2*time.Minute)).String())
		s.walk(visitor(6), "m.devries", toChoice...)
		s.isClosed(visitor(6), conversation.PickSMS, tomorrow)
		s.outdoors(nurse, "", "wait "+time.Until(tomorrow).String())
		s.isClosed(visitor(6), conversation.PickSMS, time.Time{})
		s.walk(visitor(6), "m.devries", "1", "{right}")
		s.counted("sent sms", 4)
		for word, want := range map[string]int{
			"budget_sms_others": 1, "budget_sms_others_day": 1, "budget_sms_own": 0, "budget_call_others": 0,
		} {
			if times, _ := alarms.raised(word); times != want {
				t.Errorf("%s: raised %d times, want %d", word, times, want)
			}
		}
	})
}

// sounding has somebody hear the alarms.
func sounding(s *siren) setup {
	return func(_ testing.TB, _ *siege, c *bot.Config) { c.Alarms = s }
}

func TestAC30_CodesThatNobodyEntersCloseTheirCountry(t *testing.T) {
	opens := func() time.Time { return midnight().Add(time.Hour) }
	t.Run("one of several: its numbers are refused at no cost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			alarms := &siren{}
			s := newSiege(t, limits(conversation.SMS, perCountry(4)), sounding(alarms))
			s.walk(visitor(1), "m.devries", toSMS...)
			s.walk(visitor(2), nobody, then(toNumber, "{number}")...)
			s.walk(visitor(3), "z.celik", toNumber...)
			s.walk(visitor(3), "z.celik", "{right}")
			s.on(visitor(3), conversation.Step1Number)
			c := s.conversation(visitor(3))
			if !s.noted(visitor(3), conversation.NoteClosedCountry) || c.Failed || c.Question != nil {
				t.Errorf("it cost something, or was not said:\n%s", s.page(visitor(3)))
			}
			s.walk(visitor(4), "l.vogel", toNumber...) // who has a German number
			s.walk(visitor(4), "l.vogel", "{right}")
			s.on(visitor(4), conversation.Step1Answer)
			s.counted("sent sms", 2)
			s.walk(visitor(5), "z.celik", then(toChoice, "2", "{right}", "! press #")...) // calls have a budget of their own
			s.on(visitor(5), conversation.Step2Choose)
			if times, _ := alarms.raised("budget_sms_others_country"); times != 1 {
				t.Errorf("raised %d times", times)
			}
		})
	})
	t.Run("the only one: the way is closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, limits(conversation.SMS, perCountry(2)), countries("NL"))
			s.walk(visitor(1), "m.devries", toSMS...)
			s.walk(visitor(2), "z.celik", toChoice...)
			s.isClosed(visitor(2), conversation.PickSMS, opens())
		})
	})
	t.Run("a right code is given back, a wrong one is not", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, limits(conversation.SMS, perCountry(2)), countries("NL"), policy(manyBegin))
			for i := range 4 {
				s.walk(visitor(i), "m.devries", toSMS...)
				s.walk(stranger, "z.celik", toChoice...)
				s.isClosed(stranger, conversation.PickSMS, opens())
				s.walk(visitor(i), "m.devries", "{sms}", "stop", "! wait 31s")
				s.walk(stranger, "z.celik", "stop", toChoice[0], "{name}", "{captcha}")
				s.isClosed(stranger, conversation.PickSMS, time.Time{})
				s.walk(stranger, "z.celik", "stop")
			}
			s.counted("sent sms", 4)
			s.walk(visitor(6), "m.devries", then(toSMS, "000000")...)
			s.walk(stranger, "z.celik", toChoice...)
			s.isClosed(stranger, conversation.PickSMS, opens())
		})
	})
	t.Run("a call that is answered is given back too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, limits(conversation.Call, perCountry(2)), countries("NL"), policy(manyBegin))
			for i := range 3 {
				s.walk(visitor(i), "m.devries", then(toChoice, "2", "{right}", "! press #", "stop", "! wait 31s")...)
			}
			s.counted("sent call", 3)
			s.walk(visitor(4), "m.devries", then(toChoice, "2", "{right}", "! hangup")...)
			s.walk(stranger, "z.celik", toChoice...)
			s.isClosed(stranger, conversation.PickCall, opens())
		})
	})
}

func TestAC30_ARestartOpensNothing(t *testing.T) {
	for name, where := range map[string][]setup{"in memory": nil, "on the disk": {onBolt}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				alarms := &siren{}
				s := newSiege(t, append(where, limits(conversation.SMS, perHour(2)), sounding(alarms))...)
				s.walk(visitor(1), "m.devries", toSMS...)
				for i := range 3 {
					s.again()
					s.walk(visitor(2+i), "z.celik", toChoice...)
					s.isClosed(visitor(2+i), conversation.PickSMS, midnight().Add(time.Hour))
					s.outdoors(nurse, "", "wait 1m")
				}
				s.walk(visitor(1), "m.devries", "{sms}") // what was on its way still counts
				s.on(visitor(1), conversation.Step2Choose)
				if times, _ := alarms.raised("budget_sms_others"); times != 1 {
					t.Errorf("raised %d times", times)
				}
			})
		})
	}
}

func TestAC30_MoreRoomOpensAtOnceAndHasAnAlarmOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alarms := &siren{}
		s := newSiege(t, limits(conversation.SMS, perHour(2)), sounding(alarms))
		s.walk(visitor(1), "m.devries", toSMS...)
		s.config.Budget = map[conversation.Method]bot.Budget{conversation.SMS: perHour(4)}
		s.again()
		s.walk(visitor(2), "z.celik", toSMS...) // what was spent stays spent
		s.counted("sent sms", 2)
		s.walk(visitor(3), "s.boersma", toChoice...)
		s.isClosed(visitor(3), conversation.PickSMS, midnight().Add(time.Hour))
		if times, _ := alarms.raised("budget_sms_others"); times != 2 {
			t.Errorf("raised %d times", times)
		}
	})
}

// TestAC30_AnotherProcessClosesTooWithinAMinute: there are two on one store.
func TestAC30_AnotherProcessClosesTooWithinAMinute(t *testing.T) {
	two := func(t *testing.T, play func(s *siege, opens time.Time)) {
		synctest.Test(t, func(t *testing.T) {
			alarms := &siren{}
			s := newSiege(t, limits(conversation.SMS, perHour(2)), sounding(alarms))
			second, err := bot.New(s.config)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(context.Background())
			ran := make(chan error, 1)
			go func() { ran <- second.Run(ctx) }()
			s.walk(visitor(1), "m.devries", toSMS...)
			first := s.bot
			s.bot = second
			play(s, midnight().Add(time.Hour))
			s.bot = first
			stop()
			if err := <-ran; err != nil {
				t.Error(err)
			}
			s.counted("sent sms", 1)
			if _, ids := alarms.raised("budget_sms_others"); len(ids) != 1 { // which both may carry
				t.Errorf("%d alarms were raised", len(ids))
			}
		})
	}
	t.Run("by itself", func(t *testing.T) {
		two(t, func(s *siege, opens time.Time) {
			s.outdoors(nurse, "", "wait 1m")
			s.walk(visitor(2), "z.celik", toChoice...)
			s.isClosed(visitor(2), conversation.PickSMS, opens)
		})
	})
	t.Run("or when it is told, and then who asked is told", func(t *testing.T) {
		two(t, func(s *siege, opens time.Time) {
			s.walk(visitor(2), "z.celik", toChoice...)
			s.isClosed(visitor(2), conversation.PickSMS, time.Time{})
			s.walk(visitor(2), "z.celik", "1", "{right}")
			s.on(visitor(2), conversation.Step1Choose)
			s.isClosed(visitor(2), conversation.PickSMS, opens)
			if c := s.conversation(visitor(2)); !s.noted(visitor(2), conversation.NoteClosed) || len(c.Given) > 0 {
				t.Errorf("it cost something, or was not said:\n%s", s.page(visitor(2)))
			}
		})
	})
}

// TestAC30_WithoutATelephoneNobodyTakesPainsForNothing: two families are needed,
// and that is no setting.
func TestAC30_WithoutATelephoneNobodyTakesPainsForNothing(t *testing.T) {
	both := []setup{limits(conversation.SMS, perHour(2)), limits(conversation.Call, perHour(2))}
	used := func(s *siege) {
		s.walk(visitor(1), "s.boersma", toSMS...)
		s.walk(visitor(2), "s.boersma", then(toChoice, "! wait 31s", "2", "{right}")...)
	}
	t.Run("for longer than there is time: handed over at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, both...)
			used(s)
			s.walk(visitor(3), "m.devries", toChoice...)
			s.on(visitor(3), conversation.Referred)
			s.saw(visitor(3), conversation.EndClosed)
			for _, must := range []string{"Vanaf 1.00 uur", "071 000 00 00", "Er is niets veranderd"} {
				if !strings.Contains(s.page(visitor(3)), must) {
					t.Errorf("it does not say %q:\n%s", must, s.page(visitor(3)))
				}
			}
			for range 8 { // and it does not count as a conversation of this account
				s.walk(visitor(4), "m.devries", then([]string{"opnieuw"}, toChoice...)...)
				s.saw(visitor(4), conversation.EndClosed)
			}
			marieke := s.owner("m.devries", ownChoice...)
			s.on(marieke, conversation.Step1Choose)
		})
	})
	t.Run("it closes behind the first proof", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, both...)
			s.walk(visitor(3), "m.devries", toCode...)
			used(s)
			s.walk(visitor(3), "m.devries", "{app}")
			s.saw(visitor(3), conversation.EndClosed)
			s.walk(visitor(4), "z.celik", toChoice...)
			s.saw(visitor(4), conversation.EndClosed)
		})
	})
	t.Run("it closes on the page of ways: whichever is chosen", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, both...)
			s.walk(visitor(3), "m.devries", toChoice...)
			used(s)
			s.walk(visitor(3), "m.devries", "4")
			s.saw(visitor(3), conversation.EndClosed)
		})
	})
	t.Run("soon open again: the app is first, and then it is waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, both...)
			used(s)
			s.outdoors(nurse, "", "wait "+time.Until(midnight().Add(55*time.Minute)).String())
			s.walk(visitor(3), "m.devries", toChoice...)
			if !s.noted(visitor(3), conversation.NotePhoneLater) {
				t.Errorf("it is not said what to do:\n%s", s.page(visitor(3)))
			}
			s.walk(visitor(3), "m.devries", "1", "4", "{app}")
			s.on(visitor(3), conversation.Step2Choose)
			if !s.noted(visitor(3), conversation.NotePhoneWait) || !s.noted(visitor(3), conversation.NoteStepDone) {
				t.Errorf("it is not said what to do:\n%s", s.page(visitor(3)))
			}
			s.outdoors(nurse, "", "wait "+time.Until(midnight().Add(time.Hour)).String())
			s.isClosed(visitor(3), conversation.PickSMS, time.Time{})
			s.walk(visitor(3), "m.devries", "1", "{right}", "{sms}")
			s.on(visitor(3), conversation.Password)
		})
	})
	t.Run("a proof by telephone that was given stays given", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t, both...)
			s.walk(visitor(3), "m.devries", toSMS...)
			s.walk(visitor(2), "s.boersma", then(toChoice, "2", "{right}")...)
			s.walk(visitor(3), "m.devries", "{sms}", "4", "{app}")
			s.on(visitor(3), conversation.Password)
		})
	})
}

// TestAC52_AC30_WhatACrashRepeatsIsPaidOnce: a challenge that is sent again has
// the id that it had.
func TestAC52_AC30_WhatACrashRepeatsIsPaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, limits(conversation.SMS, perHour(4)), slowly("sent", time.Hour),
			func(_ testing.TB, _ *siege, c *bot.Config) { c.PerNumber = aDay(4) })
		s.walk(visitor(1), "m.devries", toSMS...)
		for range 3 {
			s.again() // in the middle of it
		}
		s.walk(visitor(2), "z.celik", toChoice...)
		s.isClosed(visitor(2), conversation.PickSMS, time.Time{})
	})
}

func TestAC30_MetricsTellWhatIsClosed(t *testing.T) {
	r := prometheus.NewRegistry()
	metrics, err := bot.NewMetrics(r)
	if err != nil {
		t.Fatal(err)
	}
	closed := func(want map[string]float64) {
		t.Helper()
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, family := range families {
			for _, m := range family.GetMetric() {
				if family.GetName() == "resetbot_closed" {
					got[labels(m)] = m.GetGauge().GetValue()
				}
			}
		}
		if diff := firstDifference(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
			t.Error(diff)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, limits(conversation.SMS, bot.Budget{Hour: anHour(2), Unanswered: anHour(9)}), countries("NL"),
			func(_ testing.TB, _ *siege, c *bot.Config) { c.Metrics = metrics })
		want := map[string]float64{
			"budget=hour,class=others,country=,method=sms": 0, "budget=unanswered,class=others,country=NL,method=sms": 0,
			"budget=hour,class=own,country=,method=sms": 0, "budget=unanswered,class=own,country=NL,method=sms": 0,
		}
		closed(want)
		s.walk(visitor(1), "m.devries", toSMS...)
		want["budget=hour,class=others,country=,method=sms"] = 1
		closed(want)
		if got := gather(t, r)["resetbot_alarms_total{chat=,what=budget_sms_others}"]; got != 1 {
			t.Errorf("%v alarms are counted", got)
		}
		s.outdoors(nurse, "", "wait 61m")
		want["budget=hour,class=others,country=,method=sms"] = 0
		closed(want)
	})
}
