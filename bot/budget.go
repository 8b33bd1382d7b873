package bot

import (
	"context"
	"fmt"
	"time"

	"resetbot/conversation"
)

// What is sent costs money, and disturbs whoever gets it. So all of it is paid
// for out of pots, each for a while by the clock; the limiter holds them, for
// every process alike. When the last of a pot is taken, the way is closed for
// everybody of that class until the pot is filled again: pages show so before
// anybody chooses it ([conversation.Closure]), and somebody is told.
//
// People in their own chat pay for what is sent. All others pay for what they
// ask for, whatever is behind the name and the number that they typed, and
// before anything is looked up: else who takes the last but one of a pot would
// see by what is left whether a text message went out, and so whose number it
// was (docs/decisions/0012).

// Budget is what may be sent by one method in the whole service. Of each limit
// half is kept for people in their own chat, so that strangers cannot use it up.
// Windows begin by the clock: an hour at the whole hour, a day at midnight UTC.
// A limit that is zero is none.
type Budget struct {
	Hour, Day conversation.Limit
	// Unanswered counts what went to one country and was not answered rightly:
	// numbers that somebody earns with never do.
	Unanswered conversation.Limit
}

// pot is one part of a budget, for one class.
type pot struct {
	method  conversation.Method
	own     bool
	part    string
	country string // of what was not answered
	limit   conversation.Limit
}

const (
	perHour    = "hour"
	perDay     = "day"
	unanswered = "unanswered"
)

// pots are those from which a way to numbers of a country is paid.
func (b *Bot) pots(method conversation.Method, own bool, country string) []pot {
	budget := b.Budget[method]
	var list []pot
	for _, p := range []pot{
		{part: perDay, limit: budget.Day},
		{part: perHour, limit: budget.Hour},
		{part: unanswered, limit: budget.Unanswered, country: country},
	} {
		if p.limit.N > 0 {
			p.method, p.own, p.limit = method, own, half(p.limit)
			list = append(list, p)
		}
	}
	return list
}

// half is what each class has of a limit.
func half(l conversation.Limit) conversation.Limit {
	l.N -= l.N / 2
	return l
}

func (p pot) class() string {
	if p.own {
		return "own"
	}
	return "others"
}

// key names the pot as it is filled at a moment.
func (p pot) key(at time.Time) conversation.CounterKey {
	return conversation.CounterKey(fmt.Sprintf("budget|%s|%s|%s|%s|%d",
		p.method, p.class(), p.part, p.country, at.Truncate(p.limit.Window).Unix()))
}

// until is when it is filled again.
func (p pot) until(at time.Time) time.Time { return at.Truncate(p.limit.Window).Add(p.limit.Window) }

// alarm is the word for its being empty.
func (p pot) alarm() string {
	word := "budget_" + string(p.method) + "_" + p.class()
	switch p.part {
	case perDay:
		word += "_day"
	case unanswered:
		word += "_country"
	}
	return word
}

// asked is when a challenge was asked for: what pays for it is the same however
// often it is tried.
func (b *Bot) asked(task conversation.Task) time.Time {
	return task.Expires.Add(-b.Wizard.Policy.CodeLife)
}

// afford takes from every pot that pays for a challenge, or, where one is empty,
// from none: then it tells what is closed.
func (b *Bot) afford(ctx context.Context, task conversation.Task) (*conversation.Closure, error) {
	at := b.asked(task)
	var empty []pot
	pots := b.pots(task.Method, task.Own, task.Country)
	for i, p := range pots {
		ok, full, err := b.spend(ctx, p.key(at), task.Challenge, p.limit)
		if err != nil {
			return nil, fmt.Errorf("spending from a budget: %w", err)
		}
		if !full.IsZero() {
			empty = append(empty, p)
		}
		if ok {
			continue
		}
		for _, p := range pots[:i] {
			b.giveBack(ctx, p, task)
		}
		b.shut(ctx, p, at)
		closed := &conversation.Closure{Method: p.method, Own: p.own, Country: p.country, Until: p.until(at)}
		return closed, fmt.Errorf("the budget (%s) is used up until %s", p.part, closed.Until.Format(time.RFC3339))
	}
	for _, p := range empty {
		b.shut(ctx, p, at)
	}
	return nil, nil
}

// spend counts against a budget. Where the store cannot, for want of room perhaps, it
// is asked again while there is time: a stranger's page cannot say that nothing was
// sent, and they would wait a minute for nothing.
func (b *Bot) spend(
	ctx context.Context, key conversation.CounterKey, id string, l conversation.Limit,
) (ok bool, until time.Time, err error) {
	for attempt := 0; ; attempt++ {
		ok, until, err = b.Limiter.Spend(ctx, key, id, l, b.Now())
		if err == nil {
			return ok, until, nil
		}
		pause := backoff(attempt)
		if end, bounded := ctx.Deadline(); ctx.Err() != nil || bounded && time.Until(end) < pause || !b.sleep(pause) {
			return false, time.Time{}, err
		}
	}
}

// affordNumber counts what a number gets, whichever account it is asked for;
// until is when it gets something again, if it had enough.
func (b *Bot) affordNumber(ctx context.Context, task conversation.Task) (until time.Time, err error) {
	if b.PerNumber.N < 1 || task.Method.Family() != conversation.Phone {
		return time.Time{}, nil
	}
	ok, until, err := b.spend(ctx, numberKey(task), task.Challenge, half(b.PerNumber))
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("spending from a number's budget: %w", err)
	case ok:
		return time.Time{}, nil
	}
	return until, fmt.Errorf("the budget of this number is used up until %s", until.Format(time.RFC3339))
}

// numberKey names a number by its fingerprint. Strangers who have somebody
// called until it is enough do not shut that person's own chat.
func numberKey(task conversation.Task) conversation.CounterKey {
	return conversation.CounterKey("number|" + pot{own: task.Own}.class() + "|" + task.Typed)
}

// answered gives back what was counted only for as long as nobody answered.
func (b *Bot) answered(ctx context.Context, task conversation.Task) {
	ctx = context.WithoutCancel(ctx)
	for _, p := range b.pots(task.Method, task.Own, task.Country) {
		if p.part == unanswered {
			b.giveBack(ctx, p, task)
		}
	}
	if b.PerNumber.N < 1 || task.Method.Family() != conversation.Phone {
		return
	}
	if err := b.Limiter.GiveBack(ctx, numberKey(task), task.Challenge, half(b.PerNumber), b.Now()); err != nil {
		b.Log.Warn("giving back to a number's budget", "error", err)
	}
}

// giveBack puts back into a pot what a challenge took out of it.
func (b *Bot) giveBack(ctx context.Context, p pot, task conversation.Task) {
	at := b.asked(task)
	if err := b.Limiter.GiveBack(ctx, p.key(at), task.Challenge, p.limit, b.Now()); err != nil {
		b.Log.Warn("giving back to a budget", "error", err)
	}
	b.mu.Lock()
	shut := b.closed[p].Equal(p.until(at))
	b.mu.Unlock()
	if shut {
		b.look(ctx, p, at)
	}
}

// closures are the ways that are closed, as far as this process knows.
func (b *Bot) closures() []conversation.Closure {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.closed) == 0 {
		return nil
	}
	now, opens := b.Now(), map[conversation.Closure]time.Time{}
	for p, until := range b.closed {
		c := conversation.Closure{Method: p.method, Own: p.own, Country: p.country}
		if now.Before(until) && until.After(opens[c]) {
			opens[c] = until
		}
	}
	var list []conversation.Closure
	for _, m := range conversation.Methods {
		for _, own := range []bool{true, false} {
			list = append(list, b.closuresOf(conversation.Closure{Method: m, Own: own}, opens)...)
		}
	}
	return list
}

// closuresOf are those of one way. With every country it is closed as a whole.
func (b *Bot) closuresOf(way conversation.Closure, opens map[conversation.Closure]time.Time) []conversation.Closure {
	var list []conversation.Closure
	var first time.Time // of the countries
	all := true
	whole := opens[way]
	for _, country := range b.Wizard.Numbers.Countries() {
		c := way
		c.Country = country
		if c.Until = opens[c]; c.Until.IsZero() {
			all = false
			continue
		}
		list = append(list, c)
		if first.IsZero() || c.Until.Before(first) {
			first = c.Until
		}
	}
	if all && first.After(whole) {
		whole = first
	}
	if !whole.IsZero() {
		way.Until = whole
		list = append(list, way)
	}
	return list
}

// lookClosed asks which pots are empty: after a start, and now and then, because
// another process may have taken the last of one.
func (b *Bot) lookClosed(ctx context.Context) {
	for method := range b.Budget {
		for _, own := range []bool{true, false} {
			looked := map[pot]bool{}
			for _, country := range b.Wizard.Numbers.Countries() {
				for _, p := range b.pots(method, own, country) {
					if !looked[p] {
						looked[p] = true
						b.look(ctx, p, b.Now())
					}
				}
			}
		}
	}
}

// look asks whether a pot is empty.
func (b *Bot) look(ctx context.Context, p pot, at time.Time) {
	b.mu.Lock()
	known := b.closed[p]
	b.mu.Unlock()
	full, err := b.Limiter.Full(ctx, p.key(at), p.limit, b.Now())
	switch {
	case err != nil:
		b.Log.Warn("looking how much of a budget is left", "error", err)
	case !full.IsZero():
		b.shut(ctx, p, at)
	default:
		b.mu.Lock()
		if b.closed[p].Equal(known) { // not emptied meanwhile
			delete(b.closed, p)
		}
		b.mu.Unlock()
		b.Metrics.closed(p, false)
	}
}

// shut closes a way until its pot is filled again, and says so once.
func (b *Bot) shut(ctx context.Context, p pot, at time.Time) {
	until := p.until(at)
	if !b.Now().Before(until) {
		return
	}
	b.mu.Lock()
	b.closed[p] = until
	alarmed := b.alarmed[p].Equal(until)
	b.alarmed[p] = until
	b.mu.Unlock()
	b.Metrics.closed(p, true)
	if alarmed {
		return
	}
	if err := b.alarmOnce(ctx, p, at); err != nil {
		b.Log.Error("leaving an alarm in the audit", "what", p.alarm(), "error", err)
		b.mu.Lock()
		delete(b.alarmed, p)
		b.mu.Unlock()
	}
}

// alarmOnce leaves an audit line that somebody is to look at: once, however many
// processes there are, and twice if this one dies in the middle of it.
func (b *Bot) alarmOnce(ctx context.Context, p pot, at time.Time) error {
	key := conversation.CounterKey(fmt.Sprintf("alarm|%s|%d", p.key(at), p.limit.N)) // more room, another alarm
	once := conversation.Limit{N: 1, Window: p.limit.Window}
	said, err := b.Limiter.Full(ctx, key, once, b.Now())
	if err != nil || !said.IsZero() {
		return err
	}
	b.Log.Warn("a budget is used up", "method", p.method, "class", p.class(), "budget", p.part,
		"country", p.country, "until", p.until(at))
	line := conversation.Line{At: b.Now(), Event: "alarm", Detail: p.alarm(), Alarm: true}
	if err := b.Store.Append(ctx, line); err != nil {
		return err
	}
	b.Metrics.alarmed(line)
	_, _, err = b.Limiter.Spend(ctx, key, "alarm", once, b.Now())
	return err
}
