package bot_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"resetbot/bot"
	"resetbot/conversation"
)

const metricsPassword = "kaars-molen-fiets-tafel"

// walkToTheEnd is a nurse who resets her password without a mistake but one.
func walkToTheEnd(t *testing.T, w *world, user conversation.User) {
	t.Helper()
	w.say(user, "wachtwoord vergeten")
	w.say(user, "m.devries@rijnzicht.example")
	w.say(user, w.captcha(user))
	w.say(user, "1")
	w.say(user, "0612345613")
	w.say(user, "000000")
	w.say(user, w.sms("m.devries"))
	w.say(user, "4")
	w.say(user, w.app("m.devries"))
	w.submit(user, metricsPassword)
	w.on(user, conversation.Done)
}

// gather gives what was counted: "name{label=value,…}" to the count.
func gather(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			counts[family.GetName()+"{"+labels(m)+"}"] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return counts
}

func labels(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.GetLabel() {
		pairs = append(pairs, l.GetName()+"="+l.GetValue())
	}
	return strings.Join(pairs, ",")
}

func TestMetricsTellWhereAWalkWentAndWhatCameOfIt(t *testing.T) {
	r := prometheus.NewRegistry()
	metrics, err := bot.NewMetrics(r)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *bot.Config) { c.Metrics = metrics })
		walkToTheEnd(t, w, nurse)
	})
	counts := gather(t, r)
	for name, want := range map[string]float64{
		"resetbot_pages_total{chat=web,page=who}":                            1,
		"resetbot_pages_total{chat=web,page=find}":                           1,
		"resetbot_pages_total{chat=web,page=step1_answer}":                   2, // once more after the wrong code
		"resetbot_pages_total{chat=web,page=step2_choose}":                   1,
		"resetbot_pages_total{chat=web,page=password}":                       1,
		"resetbot_pages_total{chat=web,page=done}":                           1,
		"resetbot_conversation_seconds{chat=web,end=done,goal=reset}":        1,
		"resetbot_task_seconds{method=sms,outcome=ok,task=challenge}":        1,
		"resetbot_task_seconds{method=sms,outcome=wrong,task=check}":         1,
		"resetbot_task_seconds{method=sms,outcome=right,task=check}":         1,
		"resetbot_task_seconds{method=code,outcome=right,task=check}":        1,
		"resetbot_task_seconds{method=,outcome=done,task=reset}":             1,
		"resetbot_task_seconds{method=,outcome=ok,task=find}":                1,
		"resetbot_alarms_total{chat=web,what=a word that nobody ever wrote}": 0,
	} {
		if counts[name] != want {
			t.Errorf("%s is %v, want %v", name, counts[name], want)
		}
	}
	if counts["resetbot_step_seconds{}"] < 10 || counts["resetbot_sent_pages_total{chat=web,result=delivered}"] < 10 {
		t.Errorf("steps and pages are not counted: %v", counts)
	}
}

// TestAC25_NoMetricLabelHoldsAnythingOfAPerson holds every label to a word of
// the program: small letters and _, so neither a number nor an address nor an
// id fits in.
func TestAC25_NoMetricLabelHoldsAnythingOfAPerson(t *testing.T) {
	r := prometheus.NewRegistry()
	metrics, err := bot.NewMetrics(r)
	if err != nil {
		t.Fatal(err)
	}
	person := conversation.User{Chat: "web", ID: "hunter2"}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *bot.Config) { c.Metrics = metrics })
		walkToTheEnd(t, w, person)
		w.say(stranger, "wachtwoord vergeten")
		w.say(stranger, "hunter2@rijnzicht.example")
		w.say(stranger, w.captcha(stranger))
		for range 6 {
			w.say(stranger, "2")
			w.say(stranger, "0612345613")
			w.say(stranger, "hunter2")
		}
	})
	allowed := map[string]bool{
		"chat": true, "channel": true, "page": true, "what": true, "goal": true, "end": true, "task": true, "method": true,
		"outcome": true, "result": true,
	}
	word := regexp.MustCompile(`^([a-z]+[12]?)?(_[a-z]+)*$`) // step1_choose
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				value := l.GetValue()
				if !allowed[l.GetName()] || !word.MatchString(value) || strings.Contains(value, "hunter") || len(value) > 40 {
					t.Errorf("%s has the label %s=%q", family.GetName(), l.GetName(), value)
				}
			}
		}
	}
}

func TestWithoutMetricsNothingIsCountedAndNothingBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { walkToTheEnd(t, newWorld(t, nil), nurse) })
}

func TestMetricsAreNotRegisteredTwice(t *testing.T) {
	r := prometheus.NewRegistry()
	_, first := bot.NewMetrics(r)
	if _, again := bot.NewMetrics(r); first != nil || again == nil {
		t.Errorf("first %v, again %v", first, again)
	}
}

// deaf is a store that does not answer.
type deaf struct{ bot.Store }

func (deaf) Head(ctx context.Context) (bot.Entry, error) {
	<-ctx.Done()
	return bot.Entry{}, ctx.Err()
}

func TestABotIsReadyWhileItRunsAndItsStoreAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		if err := w.bot.Ready(t.Context()); err != nil {
			t.Errorf("while it runs: %v", err)
		}
		w.close()
		if err := w.bot.Ready(t.Context()); err == nil {
			t.Error("it is ready after it stopped")
		}
		config := w.config
		config.Store = deaf{config.Store}
		b, err := bot.New(config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := b.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a deaf store: %v", err)
		}
	})
}
