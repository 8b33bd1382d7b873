package bot

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"resetbot/conversation"
)

// Metrics are the numbers that an operator watches. All labels are words of
// this program (pages, methods, outcomes) or names of chats: never anything of
// a person. A nil *Metrics counts nothing.
//
// What was done for decoys is left out of the outcomes: it says nothing about
// a provider.
type Metrics struct {
	pages    *prometheus.CounterVec
	alarms   *prometheus.CounterVec
	finished *prometheus.HistogramVec
	tasks    *prometheus.HistogramVec
	sends    *prometheus.CounterVec
	notices  *prometheus.CounterVec
	rejected *prometheus.CounterVec
	steps    prometheus.Histogram
	shut     *prometheus.GaugeVec
}

// NewMetrics makes Metrics and registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		pages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resetbot_pages_total",
			Help: "Conversations that came to a page: where people get stuck.",
		}, []string{"chat", "page"}),
		alarms: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resetbot_alarms_total",
			Help: "Audit lines that somebody should look at.",
		}, []string{"chat", "what"}),
		finished: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "resetbot_conversation_seconds",
			Help:    "From the first message to the end of a conversation.",
			Buckets: []float64{30, 60, 90, 120, 180, 240, 300, 420, 600, 900},
		}, []string{"chat", "goal", "end"}),
		tasks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "resetbot_task_seconds",
			Help:    "What directories and verification providers did, how long it took, and what came of it.",
			Buckets: []float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 60},
		}, []string{"task", "method", "outcome"}),
		sends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resetbot_sent_pages_total",
			Help: "Pages handed to a chat, and what it said.",
		}, []string{"chat", "result"}),
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resetbot_notices_total",
			Help: "Notices to owners, outsiders and those who take alarms, and what each channel said.",
		}, []string{"channel", "result"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resetbot_rejected_requests_total",
			Help: "Requests that a chat did not believe or does not serve, and why.",
		}, []string{"chat", "why"}),
		steps: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "resetbot_step_seconds",
			Help:    "From a message that came in to its step being durable in the store.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5},
		}),
		shut: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "resetbot_closed",
			Help: "1 while a way is closed because a budget is used up, for people in their own chat or for all others.",
		}, []string{"method", "class", "budget", "country"}),
	}
	for _, c := range []prometheus.Collector{
		m.pages, m.alarms, m.finished, m.tasks, m.sends, m.notices, m.rejected, m.steps, m.shut,
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// stepped counts what a step made of a conversation.
func (m *Metrics) stepped(before conversation.Conversation, change conversation.Change, now time.Time) {
	if m == nil {
		return
	}
	for _, l := range change.Audit {
		m.alarmed(l)
	}
	c := change.Conversation
	if change.Same || change.Forget || c.ID == before.ID && c.State == before.State {
		return
	}
	m.pages.WithLabelValues(c.User.Chat, string(c.State)).Inc()
	if c.State.Over() {
		m.finished.WithLabelValues(c.User.Chat, string(c.Goal), string(c.State)).Observe(now.Sub(c.Started).Seconds())
	}
}

// alarmed counts a line of the audit, if somebody is to look at it.
func (m *Metrics) alarmed(l conversation.Line) {
	if m != nil && l.Alarm {
		m.alarms.WithLabelValues(l.Chat, cmp.Or(l.Detail, l.Event)).Inc()
	}
}

// closed notes whether a pot is empty.
func (m *Metrics) closed(p pot, is bool) {
	if m == nil {
		return
	}
	value := 0.0
	if is {
		value = 1
	}
	m.shut.WithLabelValues(string(p.method), p.class(), p.part, p.country).Set(value)
}

// stored notes how long a step took that began at a moment.
func (m *Metrics) stored(began time.Time) {
	if m != nil {
		m.steps.Observe(time.Since(began).Seconds())
	}
}

// performed notes what came of a task.
func (m *Metrics) performed(task conversation.Task, out conversation.Outcome, took time.Duration) {
	if m != nil && !task.Decoy {
		m.tasks.WithLabelValues(string(task.Kind), string(task.Method), outcome(task, out)).Observe(took.Seconds())
	}
}

// outcome is one word for what came of a task.
func outcome(task conversation.Task, out conversation.Outcome) string {
	switch {
	case out.Closed != nil:
		return "closed"
	case !out.NumberUntil.IsZero():
		return "number_full"
	case out.Trouble:
		return "trouble"
	}
	word, nobody := "", out.Account == nil
	switch task.Kind {
	case conversation.TaskCheck, conversation.TaskWait, conversation.TaskVerify, conversation.TaskConfirm:
		word = string(out.Verdict)
	case conversation.TaskReset, conversation.TaskUnlock, conversation.TaskScramble:
		word = string(out.Write)
	case conversation.TaskChanged:
		word = string(out.Changed)
	case conversation.TaskChallenge:
		nobody = !out.Matched
		fallthrough
	case conversation.TaskFind, conversation.TaskReread:
		if nobody {
			word = "none"
		}
	}
	return cmp.Or(word, "ok")
}

// sent counts a page that was handed to a chat.
func (m *Metrics) sent(chat string, result conversation.DeliveryResult) {
	if m != nil {
		m.sends.WithLabelValues(chat, string(result)).Inc()
	}
}

// refused counts a request that was not believed.
func (m *Metrics) refused(chat, why string) {
	if m != nil {
		m.rejected.WithLabelValues(chat, why).Inc()
	}
}

// told counts what a channel said to a notice: a result of a delivery, "none"
// where the account has no such address, "given_up" where it took too long.
func (m *Metrics) told(channel, result string) {
	if m != nil {
		m.notices.WithLabelValues(channel, result).Inc()
	}
}
