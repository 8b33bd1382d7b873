package conversation_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	. "resetbot/conversation"
)

// FuzzRecord takes conversations up again that no version of this wizard wrote:
// with a part of another kind, a part left out, or made of any JSON at all. A
// store opens what was sealed with its keys; what is in it may still be damaged,
// or of a newer version. Whatever comes next, the clock, a person, an outcome,
// it holds that
//
//   - nothing panics, and the step is no error: a record that ends in one would
//     never end, nor its person be told anything but "trouble";
//   - a state that nobody knows ends the conversation, without its proofs: it is
//     never the first page with proofs kept (AC-47);
//   - no password is written and no authenticator kept without the proofs for
//     it (AC-40);
//   - a conversation that goes on is looked at again, so that it ends;
//   - what is stored of it reads back as it was.
func FuzzRecord(f *testing.F) {
	moments, _ := moments(f)
	bases := make([]any, len(moments))
	for i, m := range moments {
		if err := json.Unmarshal([]byte(encode(f, m.c)), &bases[i]); err != nil {
			f.Fatal(err)
		}
		f.Add(uint16(i), uint16(i), "null", uint8(i), []byte(nil))
	}
	for i, put := range []string{
		`"start"`, `"who"`, `"password"`, `"changing"`, `"unknown"`, `"step1_answer"`, `"enrol_scan"`, `"guide_open"`,
		`"nonsense"`, `""`, `0`, `-1`, `1e99`, `true`, `[]`, `{}`, `[null]`, `"\u0000"`, `"2026-11-23T07:00:00Z"`,
		`"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59Z"`, `[{"m":"sms","ch":"x","at":"2026-11-23T07:00:00Z"}]`,
	} {
		f.Add(uint16(7*i), uint16(i), put, uint8(i), []byte(nil))
		f.Add(uint16(7*i), uint16(7), put, uint8(3*i), []byte(nil)) // more of them are states
	}
	for _, raw := range []string{"{}", "null", `{"id":"x"}`, `{"id":"x","state":"step1_answer"}`, `{"state":"password"`, "[]", "\xff"} {
		f.Add(uint16(0), uint16(0), "", uint8(0), []byte(raw))
	}
	w := newWizard()
	f.Fuzz(func(t *testing.T, base, at uint16, put string, next uint8, raw []byte) {
		m := moments[int(base)%len(moments)]
		plain := raw
		if len(raw) == 0 {
			plain = replaced(t, bases[int(base)%len(moments)], int(at), put)
		}
		var c Conversation
		if json.Unmarshal(plain, &c) != nil || c.User != m.from.User {
			return // to a store that is not readable
		}
		if len(c.Proofs) > 8 || len(plain) > 1<<16 {
			return
		}
		before := encode(t, c)
		for _, in := range m.inputs(w, c, next) {
			m := m
			m.c = c
			change, err := w.Step(c, in, m.facts(w, in), m.now)
			if err != nil {
				t.Errorf("%s on %q: %v\n%s", in.Kind, c.State, err, before)
				continue
			}
			wantSane(t, w, c, change, before)
			if !change.Same && !change.Forget {
				c = stored(t, change.Conversation)
			}
		}
	})
}

// wantSane checks what was made of the record c.
func wantSane(t *testing.T, w *Wizard, c Conversation, change Change, record string) {
	t.Helper()
	after := change.Conversation
	if change.Same || change.Forget {
		return
	}
	first := []State{Start, Hints, Who, Find}
	if slices.Contains(first, after.State) && len(after.Proofs) > 0 {
		t.Errorf("%q became %s with the proofs %v\n%s", c.State, after.State, after.Proofs, record)
	}
	if !known(c.State) && c.ID != "" && (!after.State.Over() || len(after.Proofs) > 0 || after.Write != nil) && after.ID == c.ID {
		t.Errorf("%q became %s\n%s", c.State, after.State, record)
	}
	if change.Start {
		families := map[Family]bool{}
		for _, p := range after.Proofs {
			families[p.Method.Family()] = true
		}
		both := families[Phone] && families[App]
		if after.Task.Kind == TaskReset && (!both || after.Subject.Decoy || len(change.Audit) == 0) {
			t.Errorf("%q has a password written with the proofs %v\n%s", c.State, after.Proofs, record)
		}
	}
	if after.ID != "" && !after.State.Over() && after.Due(w.Policy).IsZero() {
		t.Errorf("%q became %s, and nobody will ever look at it\n%s", c.State, after.State, record)
	}
	if a, b := encode(t, after), encode(t, stored(t, after)); a != b {
		t.Errorf("stored as\n%s\nread back as\n%s", a, b)
	}
}

// known reports whether the table has that state.
func known(s State) bool {
	return slices.ContainsFunc(Arrows(), func(a Arrow) bool { return a.From == s || a.To == s })
}

func stored(t *testing.T, c Conversation) (again Conversation) {
	t.Helper()
	if err := json.Unmarshal([]byte(encode(t, c)), &again); err != nil {
		t.Fatal(err)
	}
	return again
}

// inputs are what may come next.
func (m moment) inputs(w *Wizard, c Conversation, next uint8) []Input {
	m.c = c
	filled := Input{Kind: Filled, Token: c.Page.Token, Fields: m.right(w)}
	pressed := func(choice Choice) Input { return Input{Kind: Pressed, Token: c.Page.Token, Choice: choice} }
	came := func(out Outcome) Input {
		if c.Task != nil {
			out.Task = c.Task.ID
		}
		return Input{Kind: Came, Outcome: &out, Fields: map[Field]Secret{FieldPassword: NewSecret(goodPassword)}}
	}
	account := newWorld(discard{}).find("m.devries", "")
	all := [][]Input{
		{{Kind: Arrived}},
		{{Kind: Passed}, {Kind: Passed, By: "p2", Alone: true}},
		{filled},
		{filled, {Kind: Passed}},
		{came(Outcome{Account: account, Verdict: Right, Mark: "m", Matched: true, Write: WriteDone, Changed: ChangedYes})},
		{came(Outcome{Account: account, Verdict: WrongOne, Write: WriteUnknown, Changed: ChangedNo})},
		{came(Outcome{Trouble: true})},
		{came(Outcome{})},
		{came(Outcome{Write: WriteRefused, Verdict: NoAnswer})},
		{{Kind: Shown, Delivered: &Delivery{Version: c.Page.Version, Result: Later}}},
		{{Kind: Said, Unread: true}, {Kind: Said, Unread: true}},
		{{Kind: Said, Fields: m.right(w)}},
		{{Kind: Said, Choice: PickCancel}},
		{{Kind: Said, Choice: PickBack}},
		{{Kind: Said, Choice: PickAgain}},
		{{Kind: Came, Outcome: &Outcome{Denied: "1"}}},
		{{Kind: Arrived, Restored: true}},
	}
	for _, choice := range slices.Concat(everyChoice, offered(c.Page)) {
		all = append(all, []Input{pressed(choice)}, []Input{{Kind: Said, Choice: choice, Nth: 1}})
	}
	list := all[int(next)%len(all)]
	for i := range list {
		list[i].From, list[i].Nonce = m.from, Nonce{byte(i + 1)}
	}
	return list
}

// discard is nobody's test.
type discard struct{ testing.TB }

func (discard) Helper() {}

// replaced is a JSON document whose part of that number is another one, or is
// missing where put is no JSON.
func replaced(t *testing.T, doc any, at int, put string) []byte {
	t.Helper()
	var value any
	drop := json.Unmarshal([]byte(put), &value) != nil
	parts := parts(doc)
	n := at % parts
	doc = change(doc, &n, value, drop)
	plain, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// parts counts what a document is made of, itself left out.
func parts(doc any) (n int) {
	switch d := doc.(type) {
	case map[string]any:
		for _, v := range d {
			n += 1 + parts(v)
		}
	case []any:
		for _, v := range d {
			n += 1 + parts(v)
		}
	}
	return n
}

// change copies doc with its nth part replaced, or dropped.
func change(doc any, n *int, value any, drop bool) any {
	switch d := doc.(type) {
	case map[string]any:
		copied := map[string]any{}
		for _, k := range slices.Sorted(maps.Keys(d)) {
			here := *n == 0
			*n--
			switch {
			case here && drop:
			case here:
				copied[k] = value
			default:
				copied[k] = change(d[k], n, value, drop)
			}
		}
		return copied
	case []any:
		var copied []any
		for _, v := range d {
			here := *n == 0
			*n--
			switch {
			case here && drop:
			case here:
				copied = append(copied, value)
			default:
				copied = append(copied, change(v, n, value, drop))
			}
		}
		return copied
	}
	return doc
}
