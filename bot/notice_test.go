package bot_test

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	phone "resetbot/adapters/verification/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

// postman is a notifier that keeps what it is given, and fails as it is told.
type postman struct {
	mu     sync.Mutex
	got    []bot.Telling
	answer func(bot.Telling) (conversation.DeliveryResult, error) // nil: delivered
	slow   time.Duration
}

func (p *postman) Tell(_ context.Context, t bot.Telling) (conversation.DeliveryResult, error) {
	time.Sleep(p.slow)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, t)
	if p.answer != nil {
		return p.answer(t)
	}
	return conversation.Delivered, nil
}

// times is how often each message was brought to an address.
func (p *postman) times(to string) map[conversation.MessageID]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	times := map[conversation.MessageID]int{}
	for _, t := range p.got {
		if t.To == to {
			times[t.Notice.Message]++
		}
	}
	return times
}

// siren takes alarms.
type siren struct {
	mu  sync.Mutex
	got []conversation.Notice
	err error
}

func (s *siren) Raise(_ context.Context, n conversation.Notice) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, n)
	return s.err
}

func (s *siren) fails(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// raised is how often each alarm was raised.
func (s *siren) raised(word string) (times int, ids map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids = map[string]bool{}
	for _, n := range s.got {
		if n.Alarm == word {
			times++
			ids[n.ID] = true
		}
	}
	return times, ids
}

const (
	workMail = "m.devries@rijnzicht.example"
	ownMail  = "marieke@devries-thuis.example"
	boss     = "sanne.boersma@rijnzicht.example"
	security = "security@rijnzicht.example"
)

// everywhere are all channels that there can be, by two postmen.
func everywhere(mail, text *postman) map[string]bot.Channel {
	to := func(address string) func(bot.Account) string { return func(bot.Account) string { return address } }
	return map[string]bot.Channel{
		"mail":         {Notifier: mail, To: func(a bot.Account) string { return a.UPN }},
		"private_mail": {Notifier: mail, To: func(a bot.Account) string { return a.PrivateMail }},
		"manager":      {Notifier: mail, To: func(a bot.Account) string { return a.Manager }, Outside: true},
		"outside_a":    {Notifier: mail, To: to(security), Outside: true},
		"text":         {Notifier: text, To: func(a bot.Account) string { return a.Mobile }},
	}
}

func TestAC74_TheOwnerAndSomebodyOutsideAreToldWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mail, text := &postman{}, &postman{}
		w := newWorld(t, func(c *bot.Config) { c.Channels = everywhere(mail, text) })
		w.toPassword(nurse, "m.devries")
		w.submit(nurse, "kaars-molen-fiets-tafel")
		w.on(nurse, conversation.Done)
		time.Sleep(time.Minute)
		want := map[conversation.MessageID]int{conversation.TellProved: 1, conversation.TellReset: 1}
		changes := map[conversation.MessageID]int{conversation.TellReset: 1} // nobody else reads of every first step
		for to, want := range map[string]map[conversation.MessageID]int{
			workMail: want, ownMail: want, boss: changes, security: changes,
		} {
			if got := mail.times(to); !maps.Equal(got, want) {
				t.Errorf("%s was told %v", to, got)
			}
		}
		if got := text.times(w.person("m.devries").Mobile); !maps.Equal(got, want) {
			t.Errorf("the telephone was told %v", got)
		}
		for _, tell := range mail.got {
			if outside := tell.To == boss || tell.To == security; outside != (tell.Link == "") || outside != tell.Outside {
				t.Errorf("%s, link %q, outside %v: the link is for the owner alone", tell.To, tell.Link, tell.Outside)
			}
		}
	})
}

func TestOwnersAreToldInTheirLanguageAndNotInThatOfWhoeverAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mail, text := &postman{}, &postman{}
		w := newWorld(t, func(c *bot.Config) { c.Channels = everywhere(mail, text) })
		w.say(nurse, "english")
		w.toPassword(nurse, "m.devries")
		w.settle()
		if len(mail.got) == 0 || mail.got[0].Notice.Locale != "nl" {
			t.Errorf("told %+v", mail.got)
		}
	})
}

func TestAChannelThatIsDoneIsNotUsedAgainForTheSakeOfAnother(t *testing.T) {
	r := prometheus.NewRegistry()
	metrics, err := bot.NewMetrics(r)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		mail, text := &postman{}, &postman{}
		mail.answer = func(tell bot.Telling) (conversation.DeliveryResult, error) {
			switch tell.To {
			case boss:
				return conversation.Undeliverable, errors.New("no such mailbox")
			case security:
				panic("careless")
			}
			return conversation.Delivered, nil
		}
		text.answer = func(bot.Telling) (conversation.DeliveryResult, error) { return conversation.Later, nil }
		w := newWorld(t, func(c *bot.Config) { c.Channels, c.Metrics = everywhere(mail, text), metrics })
		w.toPassword(nurse, "m.devries")
		w.submit(nurse, "kaars-molen-fiets-tafel") // of a change everybody is told
		mobile := w.person("m.devries").Mobile
		time.Sleep(5 * time.Minute)
		w.restart() // what was told is in the store, and not in the process
		time.Sleep(5 * time.Minute)
		tried := text.times(mobile)[conversation.TellReset]
		if tried < 8 || tried > 14 {
			t.Errorf("the telephone was tried %d times in ten minutes", tried)
		}
		if n := mail.times(security)[conversation.TellReset]; n != tried {
			t.Errorf("whom a panic hit was tried %d times, and the telephone %d", n, tried)
		}
		for _, to := range []string{workMail, ownMail, boss} {
			if n := mail.times(to)[conversation.TellReset]; n != 1 {
				t.Errorf("%s was told %d times", to, n)
			}
		}
		text.mu.Lock()
		text.answer = nil
		text.mu.Unlock()
		mail.mu.Lock()
		mail.answer = nil
		mail.mu.Unlock()
		time.Sleep(20 * time.Minute)
		tried = text.times(mobile)[conversation.TellReset]
		time.Sleep(24 * time.Hour)
		if n := text.times(mobile)[conversation.TellReset]; n != tried {
			t.Errorf("told %d times more after it was told", n-tried)
		}
		if strings.Contains(w.log.String(), "careless") {
			t.Error("the log quotes what was thrown")
		}
	})
	counts := gather(t, r)
	for channel, want := range map[string]float64{ // the first proof, of which owners alone are told, and the change
		"mail,result=delivered": 2, "private_mail,result=delivered": 2, "manager,result=none": 1, "manager,result=never": 1,
	} {
		if n := counts["resetbot_notices_total{channel="+channel+"}"]; n != want {
			t.Errorf("%s was counted %v times", channel, n)
		}
	}
	if counts["resetbot_notices_total{channel=text,result=later}"] < 8 ||
		counts["resetbot_notices_total{channel=text,result=delivered}"] != 2 {
		t.Errorf("%v", counts)
	}
}

func TestNobodyIsToldTwiceBecauseAChannelIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mail, text := &postman{slow: 12 * time.Second}, &postman{} // several sweeps long
		w := newWorld(t, func(c *bot.Config) { c.Channels = everywhere(mail, text) })
		w.toPassword(nurse, "m.devries")
		w.submit(nurse, "kaars-molen-fiets-tafel") // of a change everybody is told
		time.Sleep(time.Minute)
		for _, to := range []string{workMail, ownMail, boss, security} {
			if n := mail.times(to)[conversation.TellReset]; n != 1 {
				t.Errorf("%s was told %d times", to, n)
			}
		}
	})
}

func TestAnOwnerWhoCannotBeToldIsGivenUpWhenTheLinkIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mail, text := &postman{}, &postman{}
		mail.answer = func(bot.Telling) (conversation.DeliveryResult, error) { return conversation.Later, nil }
		w := newWorld(t, func(c *bot.Config) { c.Channels = everywhere(mail, text) })
		w.toPassword(nurse, "m.devries")
		time.Sleep(73 * time.Hour)
		tried := mail.times(workMail)[conversation.TellProved]
		time.Sleep(24 * time.Hour)
		if n := mail.times(workMail)[conversation.TellProved]; n != tried || tried < 400 || tried > 500 {
			t.Errorf("tried %d times, and %d after it was given up", tried, n-tried)
		}
		if !strings.Contains(w.log.String(), "giving up telling somebody") {
			t.Error("nobody is told that it was given up")
		}
	})
}

// TestAC03_AMailThatBouncesIsNotSeenInTheChat compares with a walk in which all
// mail arrives.
func TestAC03_AMailThatBouncesIsNotSeenInTheChat(t *testing.T) {
	walk := func(result conversation.DeliveryResult) (pages string) {
		synctest.Test(t, func(t *testing.T) {
			mail := &postman{answer: func(bot.Telling) (conversation.DeliveryResult, error) { return result, nil }}
			w := newWorld(t, func(c *bot.Config) { c.Channels = everywhere(mail, mail) })
			w.toPassword(nurse, "m.devries")
			w.submit(nurse, "kaars-molen-fiets-tafel")
			time.Sleep(10 * time.Second)
			for _, page := range w.chat.take(nurse) {
				if page.Page.ID != conversation.WaitCheck { // which may be replaced before it is sent
					pages += string(page.Page.ID) + "\n"
				}
			}
		})
		return pages
	}
	good := walk(conversation.Delivered)
	for _, result := range []conversation.DeliveryResult{conversation.Undeliverable, conversation.Later} {
		if bad := walk(result); bad != good {
			t.Errorf("%s:\n%s\nwant\n%s", result, bad, good)
		}
	}
}

// deny has a stranger send a notification, which the owner denies.
func (w *world) deny(user conversation.User, name string) {
	w.t.Helper()
	w.say(user, "reset")
	w.say(user, name)
	w.say(user, w.captcha(user))
	w.say(user, "3")
	w.act(name, phone.Deny())
	w.settle()
}

func TestAC35_ADenialIsRaisedAtLeastOnceAcrossARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alarms := &siren{err: errors.New("out of reach")}
		w := newWorld(t, func(c *bot.Config) { c.Alarms = alarms })
		w.deny(stranger, "m.devries")
		time.Sleep(3 * time.Minute)
		tried, _ := alarms.raised("denied_by_owner")
		if tried < 4 || tried > 10 {
			t.Errorf("tried %d times", tried)
		}
		w.close()
		alarms.fails(nil)
		w.start()
		time.Sleep(15 * time.Minute)
		times, ids := alarms.raised("denied_by_owner")
		if times != tried+1 || len(ids) != 1 {
			t.Errorf("raised %d times more, under %d ids", times-tried, len(ids))
		}
		owner := string(w.person("m.devries").ID)
		n := alarms.got[0]
		if string(n.Account) != owner || n.Receipt == "" || n.Chat != "web" || n.At.IsZero() {
			t.Errorf("raised %+v", n)
		}
		line := `level=WARN msg=alarm alarm=denied_by_owner`
		if log := w.log.String(); strings.Count(log, line) != 1 || !strings.Contains(log, "account="+owner) {
			t.Errorf("the log has it %d times:\n%s", strings.Count(log, line), log)
		}
	})
}

func TestAlarmsWithoutAReceiverAreLoggedAndDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.deny(stranger, "m.devries")
		time.Sleep(10 * time.Second)
		if n := strings.Count(w.log.String(), "msg=alarm"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		left, err := w.store.Notices(context.Background(), time.Now().Add(time.Hour), 99)
		if err != nil || len(left) > 0 {
			t.Errorf("left are %+v, %v", left, err)
		}
	})
}

func TestAC75_AnOwnerWhoDisownsIsHeardByThoseWhoWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alarms := &siren{}
		w := newWorld(t, func(c *bot.Config) { c.Alarms = alarms })
		w.toPassword(nurse, "m.devries")
		w.submit(nurse, "kaars-molen-fiets-tafel")
		w.settle()
		token := w.link("m.devries", "https://resetbot.example/n/")
		if _, ok, err := w.bot.Disown(context.Background(), token, "somebody"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		time.Sleep(10 * time.Second)
		if times, _ := alarms.raised("disowned_by_owner"); times != 1 {
			t.Errorf("raised %d times", times)
		}
	})
}

func TestAC78_WhoAcceptsARestoredBackUpRaisesAnAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alarms := &siren{}
		head := filepath.Join(t.TempDir(), "head")
		if err := os.WriteFile(head, []byte(`{"seq": 99, "sum": "of another past"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, func(c *bot.Config) { c.Alarms, c.HeadFile = alarms, head })
		w.close()
		line := conversation.Line{At: time.Now()}
		if err := bot.AcceptRestore(context.Background(), w.store, head, line); err != nil {
			t.Fatal(err)
		}
		w.start()
		time.Sleep(10 * time.Second)
		if times, _ := alarms.raised("restore_accepted"); times != 1 {
			t.Errorf("raised %d times", times)
		}
	})
}

func TestAChannelNeedsAWayAndAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		c := w.config
		c.Channels = map[string]bot.Channel{"mail": {}}
		if _, err := bot.New(c); err == nil || !strings.Contains(err.Error(), "channel mail") {
			t.Error(err)
		}
	})
}

// The same line has the same id, another line another; so has the same line
// after a back-up was put back, for the chain before it is another.
func TestAnAlarmsIDIsThatOfItsPlaceInTheChain(t *testing.T) {
	line := conversation.Line{At: time.Unix(1, 0), Event: "alarm", Detail: "phone_lost", Alarm: true}
	next := func(e bot.Entry, l conversation.Line) bot.Entry {
		t.Helper()
		e, err := e.Next(testKey(4), l)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	id := func(e bot.Entry) string {
		n, ok := e.Alarm()
		if !ok || n.Alarm != cmp.Or(e.Line.Detail, e.Line.Event) {
			t.Errorf("%v, %+v", ok, n)
		}
		return n.ID
	}
	first := next(bot.Entry{}, line)
	second := next(first, line)
	other := next(bot.Entry{}, conversation.Line{At: time.Unix(1, 0), Event: "quiet"})
	restored := next(other, line)
	ids := []string{id(first), id(second), id(restored)}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 3 || id(first) != id(next(bot.Entry{}, line)) {
		t.Errorf("the ids are %q", ids)
	}
	if _, ok := other.Alarm(); ok {
		t.Error("a quiet line raises an alarm")
	}
}
