package bottest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"resetbot/bot"
	"resetbot/conversation"
)

// storeModel does random things to a store and to a few maps, and compares.
func storeModel(t *testing.T, f StoreFixture) {
	rapid.Check(t, func(rt *rapid.T) {
		store, key := f.Open(t)
		m := &model{
			t: t, fixture: f, store: store, key: key,
			conversations: map[conversation.User]dated{},
			accounts:      map[conversation.AccountKey]conversation.AccountRecord{},
			people:        map[conversation.User]conversation.Person{},
			counters:      map[conversation.CounterKey]conversation.Counter{},
			marks:         map[string]time.Time{},
			notices:       map[string]conversation.Notice{},
		}
		defer func() { _ = m.store.Close() }()
		actions := map[string]func(*rapid.T){
			"":         m.compare,
			"update":   m.update,
			"again":    m.update, // twice as often as the others
			"settle":   m.settle,
			"postpone": m.postpone,
			"sweep":    m.sweep,
			"append":   m.append,
			"end all":  m.endAll,
		}
		if f.Reopen != nil {
			actions["reopen"] = func(*rapid.T) { m.store = f.Reopen(t, m.store) }
		}
		rt.Repeat(actions)
		m.compareAudit(rt)
	})
}

// model is what a store ought to hold.
type model struct {
	t       *testing.T
	fixture StoreFixture
	store   bot.Store
	key     conversation.Key

	conversations map[conversation.User]dated
	accounts      map[conversation.AccountKey]conversation.AccountRecord
	people        map[conversation.User]conversation.Person
	counters      map[conversation.CounterKey]conversation.Counter
	marks         map[string]time.Time
	notices       map[string]conversation.Notice
	events        []string
	last          bot.Entry // of the audit
}

type dated struct {
	conversation.Conversation
	due time.Time
}

// The few names that there are, so that the same ones come again and again.
var (
	modelUsers    = []conversation.User{person(1), person(2), anna}
	modelAccounts = []conversation.AccountKey{"id:1", "name:2"}
	modelCounters = []conversation.CounterKey{"a", "b", "c"}
	modelMarks    = []string{"code:1", "code:2", "totp:3"}
	modelNotices  = []string{"n1", "n2", "n3"}
	readModel     = conversation.Reads{Counters: modelCounters, Marks: modelMarks}
)

// date is one of a few moments, or none.
func date(rt *rapid.T, what string) time.Time {
	n := rapid.IntRange(-1, 5).Draw(rt, what)
	if n < 0 {
		return time.Time{}
	}
	return at(10 * n)
}

// sometimes is a few of all, in their order.
func sometimes[V any](rt *rapid.T, what string, all []V) []V {
	var some []V
	for i, v := range all {
		if rapid.IntRange(0, 2).Draw(rt, fmt.Sprintf("%s %d", what, i)) == 0 {
			some = append(some, v)
		}
	}
	return some
}

func (m *model) change(rt *rapid.T, user conversation.User) conversation.Change {
	n := rapid.IntRange(1, 99).Draw(rt, "version")
	change := conversation.Change{
		Same:         rapid.IntRange(0, 9).Draw(rt, "same") == 0,
		Forget:       rapid.IntRange(0, 4).Draw(rt, "forget") == 0,
		Conversation: begun(user),
		Due:          date(rt, "due"),
		Counters:     map[conversation.CounterKey]conversation.Counter{},
	}
	change.Conversation.Page.Version = n
	if accounts := sometimes(rt, "account", modelAccounts); len(accounts) > 0 {
		change.Account = &conversation.AccountRecord{
			Key: accounts[0], Holder: fmt.Sprint(n), Kept: date(rt, "kept"),
		}
	}
	if users := sometimes(rt, "person", modelUsers); len(users) > 0 {
		p := conversation.Person{User: users[0], Kept: date(rt, "person kept")}
		for i := range rapid.IntRange(0, 2).Draw(rt, "bindings") {
			p.Bindings = append(p.Bindings, conversation.Binding{Account: conversation.AccountID(fmt.Sprint(n, i)), Since: at(i)})
		}
		change.Person = &p
	}
	for _, key := range sometimes(rt, "counter", modelCounters) {
		var c conversation.Counter
		for i := range rapid.IntRange(0, 2).Draw(rt, "spends") {
			c.Spends = append(c.Spends, conversation.Spend{ID: fmt.Sprint(n, i), At: at(i)})
			c.Kept = at(10 * n % 60)
		}
		change.Counters[key] = c
	}
	for _, key := range sometimes(rt, "mark", modelMarks) {
		change.Marks = append(change.Marks, conversation.Mark{Key: key, Expires: date(rt, "expires")})
	}
	for _, id := range sometimes(rt, "notice", modelNotices) {
		notice := conversation.Notice{ID: id, Due: date(rt, "notice due"), Attempts: n}
		change.Notices = append(change.Notices, notice)
	}
	for i := range rapid.IntRange(0, 3).Draw(rt, "lines") {
		alarm := rapid.IntRange(0, 3).Draw(rt, "alarm") == 0
		change.Audit = append(change.Audit, conversation.Line{At: at(i), Event: fmt.Sprint(n, i), Alarm: alarm})
	}
	return change
}

func (m *model) update(rt *rapid.T) {
	user := rapid.SampledFrom(modelUsers).Draw(rt, "user")
	change := m.change(rt, user)
	reads := readModel
	reads.Account = rapid.SampledFrom(modelAccounts).Draw(rt, "reads account")
	reads.Person = rapid.SampledFrom(modelUsers).Draw(rt, "reads person")
	fails := rapid.IntRange(0, 5).Draw(rt, "fails") == 0
	var c conversation.Conversation
	var f conversation.Facts
	_, err := m.store.Update(m.t.Context(), user, bot.Transition{
		Reads: read(reads),
		Step: func(have conversation.Conversation, facts conversation.Facts) (conversation.Change, error) {
			c, f = have, facts
			if fails {
				return change, errStep
			}
			return change, nil
		},
	})
	equal(rt, "conversation", c, m.conversations[user].Conversation)
	equal(rt, "account", f.Account, m.accounts[reads.Account])
	equal(rt, "person", f.Person, m.people[reads.Person])
	for _, key := range modelCounters {
		equal(rt, "counter", f.Counters[key], m.counters[key])
	}
	for _, key := range modelMarks {
		_, used := m.marks[key]
		equal(rt, "mark", f.Marks[key], used)
	}
	clash := slices.ContainsFunc(change.Marks, func(mark conversation.Mark) bool {
		_, used := m.marks[mark.Key]
		return used
	})
	switch {
	case fails:
		if !errors.Is(err, errStep) {
			rt.Fatalf("got %v", err)
		}
	case change.Same:
		ok(rt, err)
	case clash:
		if err == nil {
			rt.Fatal("a mark was used twice")
		}
	default:
		ok(rt, err)
		m.apply(user, change)
	}
}

func (m *model) apply(user conversation.User, change conversation.Change) {
	if change.Forget {
		delete(m.conversations, user)
	} else {
		m.conversations[user] = dated{change.Conversation, change.Due}
	}
	if change.Account != nil {
		m.accounts[change.Account.Key] = *change.Account
	}
	if p := change.Person; p != nil {
		m.people[p.User] = *p
		if p.Zero() {
			delete(m.people, p.User)
		}
	}
	maps.Copy(m.counters, change.Counters)
	for _, mark := range change.Marks {
		m.marks[mark.Key] = mark.Expires
	}
	for _, n := range change.Notices {
		m.notices[n.ID] = n
	}
	for _, line := range change.Audit {
		m.line(line)
	}
}

// line chains a line, and remembers its alarm.
func (m *model) line(line conversation.Line) {
	next, err := m.last.Next(m.key, line)
	if err != nil {
		m.t.Fatal(err)
	}
	m.last = next
	m.events = append(m.events, line.Event)
	if alarm, ok := next.Alarm(); ok {
		m.notices[alarm.ID] = alarm
	}
}

func (m *model) settle(rt *rapid.T) {
	id := rapid.SampledFrom(modelNotices).Draw(rt, "id")
	ok(rt, m.store.Settle(m.t.Context(), id))
	delete(m.notices, id)
}

func (m *model) postpone(rt *rapid.T) {
	id, due := rapid.SampledFrom(modelNotices).Draw(rt, "id"), date(rt, "due")
	told := rapid.SampledFrom([]string{"mail", "text"}).Draw(rt, "told")
	ok(rt, m.store.Postpone(m.t.Context(), id, due, told))
	if n, there := m.notices[id]; there {
		n.Due = due
		n.Attempts++
		if !slices.Contains(n.Told, told) {
			n.Told = append(slices.Clone(n.Told), told)
		}
		m.notices[id] = n
	}
}

func (m *model) sweep(rt *rapid.T) {
	now := at(rapid.IntRange(0, 60).Draw(rt, "now"))
	swept, err := m.store.Sweep(m.t.Context(), now, 1000)
	ok(rt, err)
	over := func(kept time.Time) bool { return !kept.IsZero() && kept.Before(now) }
	before := len(m.accounts) + len(m.counters) + len(m.marks) + len(m.people)
	maps.DeleteFunc(m.people, func(_ conversation.User, p conversation.Person) bool { return over(p.Kept) })
	maps.DeleteFunc(m.accounts, func(_ conversation.AccountKey, a conversation.AccountRecord) bool {
		return over(a.Kept)
	})
	maps.DeleteFunc(m.counters, func(_ conversation.CounterKey, c conversation.Counter) bool {
		return over(c.Kept)
	})
	maps.DeleteFunc(m.marks, func(_ string, expires time.Time) bool { return over(expires) })
	equal(rt, "swept", swept, before-len(m.accounts)-len(m.counters)-len(m.marks)-len(m.people))
}

func (m *model) append(rt *rapid.T) {
	event := fmt.Sprint(rapid.IntRange(1, 99).Draw(rt, "event"))
	line := conversation.Line{At: at(1), Event: event, Alarm: rapid.Bool().Draw(rt, "alarm")}
	ok(rt, m.store.Append(m.t.Context(), line))
	m.line(line)
}

func (m *model) endAll(rt *rapid.T) {
	if rapid.IntRange(0, 3).Draw(rt, "really") > 0 {
		return
	}
	line := conversation.Line{At: at(1), Event: "end all", Alarm: rapid.Bool().Draw(rt, "alarm")}
	ok(rt, m.store.EndAll(m.t.Context(), line))
	clear(m.conversations)
	clear(m.notices)
	clear(m.people)
	m.line(line)
}

// compare looks at all but the audit, which takes long.
func (m *model) compare(rt *rapid.T) {
	ctx := m.t.Context()
	for _, user := range modelUsers {
		c, err := m.store.Conversation(ctx, user)
		ok(rt, err)
		equal(rt, "conversation", c, m.conversations[user].Conversation)
	}
	people := map[conversation.User]conversation.Person{}
	ok(rt, m.store.People(ctx, func(p conversation.Person) error { people[p.User] = p; return nil }))
	equal(rt, "people", people, m.people)
	before := at(10 * rapid.IntRange(0, 5).Draw(rt, "before"))
	users, err := m.store.Due(ctx, before, 99)
	ok(rt, err)
	due := map[conversation.User]time.Time{}
	for user, c := range m.conversations {
		if !c.due.IsZero() && !c.due.After(before) {
			due[user] = c.due
		}
	}
	inOrder(rt, "due", users, due)
	notices, err := m.store.Notices(ctx, before, 99)
	ok(rt, err)
	dueNotices := map[string]time.Time{}
	for id, n := range m.notices {
		if !n.Due.After(before) {
			dueNotices[id] = n.Due
		}
	}
	var ids []string
	for _, n := range notices {
		equal(rt, "notice", n, m.notices[n.ID])
		ids = append(ids, n.ID)
	}
	inOrder(rt, "notices", ids, dueNotices)
}

func (m *model) compareAudit(rt *rapid.T) {
	var events []string
	var last bot.Entry
	ok(rt, m.store.Lines(m.t.Context(), 1, func(e bot.Entry) error {
		err := e.Follows(m.key, last)
		last = e
		events = append(events, e.Line.Event)
		return err
	}))
	equal(rt, "audit", events, m.events)
}

// inOrder checks that got are the keys of want, each once, by date.
func inOrder[K comparable](rt *rapid.T, what string, got []K, want map[K]time.Time) {
	seen := map[K]time.Time{}
	for i, k := range got {
		seen[k] = want[k]
		if i > 0 && want[k].Before(want[got[i-1]]) {
			rt.Fatalf("%s: %v comes too late", what, k)
		}
	}
	equal(rt, what, seen, want)
	equal(rt, what, len(got), len(want))
}

func ok(rt *rapid.T, err error) {
	if err != nil {
		rt.Fatal(err)
	}
}

func equal(rt *rapid.T, what string, got, want any) {
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		rt.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}
