package conversation_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	. "resetbot/conversation"
)

// FuzzPageToken presses buttons and fills in forms with tokens that are not the
// page's: made up, of an older page, of somebody else's, the right one but for a
// sign. Everything else about them is right: the choice is one that the page
// offers, the code, the word and the password would do. It holds that
//
//   - such an input changes nothing (AC-41): no state, no proof, no counter, no
//     task, no notice, no line of the audit; the page only says that it is old;
//   - the page's own token is never called old, and no other page has it.
func FuzzPageToken(f *testing.F) {
	moments, tokens := moments(f)
	for i := range moments {
		for alter := range alterations(tokens, "", 0) {
			if (i+alter)%7 == 0 {
				f.Add(uint16(i), uint8(alter), uint8(i+alter), i%2 == 0, "")
			}
		}
	}
	for _, token := range []string{
		"", " ", "0", "null", "undefined", strings.Repeat("0", 32), strings.Repeat("f", 1<<20), "\x00", "\xff\xfe",
		`{"token":"x"}`, "../../p", strings.Repeat("a", 31) + "\n", "%00", "' OR 1=1 --",
	} {
		f.Add(uint16(len(token)), uint8(0), uint8(0), true, token)
	}
	w := newWizard()
	f.Fuzz(func(t *testing.T, at uint16, alter, choice uint8, press bool, token string) {
		m := moments[int(at)%len(moments)]
		page := m.c.Page
		altered := alterations(tokens, page.Token, int(at))
		token = altered[int(alter)%len(altered)](token)

		in := Input{Kind: Filled, Token: token, By: "p1", From: m.from, Nonce: Nonce{1, 2, 3}, Fields: m.right(w)}
		if choices := slices.Concat(everyChoice, offered(page)); press {
			in.Kind, in.Choice, in.Fields = Pressed, choices[int(choice)%len(choices)], nil
		}
		change, err := w.Step(m.c, in, m.facts(w, in), m.now)
		if err != nil {
			t.Fatalf("%s on %s: %v", in.Kind, m.c.State, err)
		}
		stale := slices.ContainsFunc(change.Conversation.Page.Notes, func(n Note) bool { return n.ID == NoteStale })
		if token == page.Token {
			if stale {
				t.Errorf("the token of %s is called old", m.c.State)
			}
			return
		}
		if !stale {
			t.Errorf("on %s nobody says that the page is old", m.c.State)
		}
		unmoved(t, m.c, change)
	})
}

// unmoved checks that change is nothing but a page that is shown again.
func unmoved(t *testing.T, before Conversation, change Change) {
	t.Helper()
	if change.Start || change.Forget || change.Account != nil || !change.Secret.Empty() ||
		len(change.Counters)+len(change.Marks)+len(change.Notices)+len(change.Audit) > 0 {
		t.Errorf("on %s a token that is not the page's does something: %s", before.State, encodeChange(t, change))
	}
	if a, b := still(t, before), still(t, change.Conversation); a != b {
		t.Errorf("on %s a token that is not the page's changes\n%s\nto\n%s", before.State, a, b)
	}
}

// still is a conversation without what differs when the same page is shown again.
func still(t *testing.T, c Conversation) string {
	t.Helper()
	c.Page.Version, c.Page.Notes, c.Page.Delivered, c.Page.Attempts, c.Page.Retry = 0, nil, false, 0, time.Time{}
	c.Latest = time.Time{}
	return encode(t, c)
}

// alterations make of a token that is made up, and of that of the page, one
// that may be presented.
func alterations(tokens []string, page string, at int) []func(string) string {
	other := func(n int) string {
		if len(tokens) == 0 {
			return ""
		}
		return tokens[(at+n)%len(tokens)]
	}
	return []func(string) string{
		func(s string) string { return s },
		func(string) string { return other(1) },
		func(string) string { return other(7) },
		func(string) string { return other(len(tokens) / 2) },
		func(s string) string { return page + s },
		func(s string) string { return s + page },
		func(string) string { return strings.ToUpper(page) },
		func(string) string { return page[:max(0, len(page)-1)] },
		func(string) string { return strings.TrimPrefix(page, page[:min(1, len(page))]) },
		func(string) string { return page + page },
		func(string) string { return strings.Replace(page, "a", "b", 1) },
		func(string) string { return strings.Repeat("0", len(page)) },
	}
}

func offered(p Page) []Choice {
	list := make([]Choice, len(p.Offers))
	for i, o := range p.Offers {
		list[i] = o.Choice
	}
	return list
}

// moment is a conversation that is on, with the facts there are then.
type moment struct {
	c        Conversation
	from     Origin
	now      time.Time
	accounts map[AccountKey]AccountRecord
	counters map[CounterKey]Counter
	marks    map[string]bool
}

func (m moment) facts(w *Wizard, in Input) Facts {
	reads := w.Reads(m.c, in)
	f := Facts{Account: m.accounts[reads.Account], Counters: map[CounterKey]Counter{}, Marks: map[string]bool{}}
	for _, k := range reads.Counters {
		f.Counters[k] = m.counters[k]
	}
	for _, k := range reads.Marks {
		f.Marks[k] = m.marks[k]
	}
	return f
}

// right fills in everything that the page may ask for, and all of it right.
func (m moment) right(w *Wizard) map[Field]Secret {
	fields := map[Field]Secret{
		FieldName:     NewSecret("m.devries"),
		FieldCaptcha:  w.Keys.CaptchaAnswer(m.c.Captcha.ID),
		FieldNumber:   NewSecret("06123456" + m.c.Subject.Digits),
		FieldCode:     NewSecret("123456"),
		FieldPassword: NewSecret(goodPassword),
		FieldConfirm:  NewSecret(goodPassword),
		FieldCurrent:  NewSecret(marked + "current"),
	}
	if e := m.c.Page.Entry; e != nil {
		fields[FieldWord] = NewSecret(strconv.Itoa(e.Asks))
	}
	return fields
}

// moments walks as a guide would, by strangers and in one's own chat, and keeps
// some conversations of every state there is; and the tokens of all pages.
func moments(f *testing.F) (list []moment, tokens []string) {
	f.Helper()
	kept, pages := map[State]int{}, map[string]MessageID{}
	walk := func(seed uint64) {
		random := rand.New(rand.NewPCG(seed, 11))
		w := newWorld(f)
		w.steps = seed << 32 // no two walks draw the same
		users := []User{ann, ann, bob}
		if seed%2 == 0 {
			w.ownChats()
			users = []User{mia, piet}
		}
		for range 80 {
			user := users[random.IntN(len(users))]
			w.lead(user, random)
			c := w.convs[user]
			if token := c.Page.Token; token != "" {
				if before, ok := pages[token]; ok && before != c.Page.ID {
					f.Fatalf("the pages %s and %s have the same token", before, c.Page.ID)
				}
				pages[token] = c.Page.ID
			}
			m := moment{
				c: c, from: Origin{User: user, Asker: c.Asker, Locale: "nl", Bound: w.bound[user]}, now: w.now,
				accounts: maps.Clone(w.accounts), counters: maps.Clone(w.counters), marks: maps.Clone(w.marks),
			}
			if kept[c.State] < 6 && m.goesOn(f, w.wizard) {
				kept[c.State]++
				list = append(list, m)
			}
		}
	}
	for seed := range uint64(60) {
		walk(seed)
	}
	if len(kept) < 30 {
		f.Fatalf("only %d states were met: %v", len(kept), kept)
	}
	return list, slices.Sorted(maps.Keys(pages))
}

// goesOn reports whether the conversation stays what it is when the person
// comes back: what others did to the account may end it at its next input,
// whatever that is.
func (m moment) goesOn(t testing.TB, w *Wizard) bool {
	if m.c.ID == "" || m.c.State.Over() {
		return m.c.ID != ""
	}
	in := Input{Kind: Arrived, From: m.from}
	change, err := w.Step(m.c, in, m.facts(w, in), m.now)
	if err != nil {
		t.Fatal(err)
	}
	return change.Conversation.State == m.c.State && change.Conversation.Subject.Decoy == m.c.Subject.Decoy
}
