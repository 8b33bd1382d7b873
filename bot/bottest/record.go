package bottest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resetbot/bot"
	"resetbot/conversation"
)

// RecordStore is a store that ends conversations it cannot read.
type RecordStore interface {
	bot.Store
	bot.Discarder
}

// StoredRecord checks what a store makes of the record it has of user, dated
// [RecordDue]. opens is what the store was given to keep, nil where that was
// spoilt afterwards: the store then has a record that it cannot open. A record
// that is not the conversation of user is unreadable, and never taken for none
// (AC-47); one that is comes back as it was, and can be changed. Either can be
// found by its date, and discarded.
func StoredRecord(t *testing.T, s RecordStore, user conversation.User, opens []byte) {
	t.Helper()
	ctx := t.Context()
	var want conversation.Conversation
	readable := opens != nil && json.Unmarshal(opens, &want) == nil && want.User == user
	got, err := s.Conversation(ctx, user)
	switch {
	case readable && err != nil:
		t.Fatalf("reading: %v\n%s", err, opens)
	case readable:
		if diff := cmp.Diff(encoded(t, want), encoded(t, got)); diff != "" {
			t.Fatalf("came back as another (-want +got):\n%s", diff)
		}
	case !errors.Is(err, bot.ErrUnreadable) || encoded(t, got) != encoded(t, conversation.Conversation{}):
		t.Fatalf("read as %+v, %v\n%s", got, err, opens)
	}
	recordUpdate(t, s, user, want, readable)
	if due, err := s.Due(ctx, RecordDue, 9); err != nil || len(due) != 1 || due[0] != user {
		t.Fatalf("due: %v, %v", due, err)
	}
	seen := 0
	err = s.Conversations(ctx, func(c conversation.Conversation) error { seen++; return nil })
	if want := map[bool]int{true: 1}[readable]; err != nil || seen != want {
		t.Fatalf("%d conversations, want %d (%v)", seen, want, err)
	}
	if err := s.Discard(ctx, user, conversation.Line{At: RecordDue, Event: "stopped"}); err != nil {
		t.Fatalf("discarding: %v", err)
	}
	if c, err := s.Conversation(context.WithoutCancel(ctx), user); err != nil || c.ID != "" {
		t.Fatalf("after it was discarded: %+v, %v", c, err)
	}
	if due, err := s.Due(ctx, RecordDue, 9); err != nil || len(due) != 0 {
		t.Fatalf("due after it was discarded: %v, %v", due, err)
	}
}

// RecordDue is when the record of [StoredRecord] is due.
var RecordDue = at(60)

// recordUpdate takes the record through a step that changes nothing in it.
func recordUpdate(t *testing.T, s RecordStore, user conversation.User, want conversation.Conversation, readable bool) {
	t.Helper()
	stepped := false
	_, err := s.Update(t.Context(), user, bot.Transition{
		Reads: read(conversation.Reads{}),
		Step: func(c conversation.Conversation, _ conversation.Facts) (conversation.Change, error) {
			stepped = true
			return conversation.Change{Conversation: c, Due: RecordDue}, nil
		},
	})
	if !readable {
		if stepped || !errors.Is(err, bot.ErrUnreadable) {
			t.Fatalf("a step on what does not open: called %t, %v", stepped, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("storing again: %v", err)
	}
	got, err := s.Conversation(t.Context(), user)
	var once conversation.Conversation // an empty list is none, once it was written
	if err := json.Unmarshal([]byte(encoded(t, want)), &once); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(encoded(t, once), encoded(t, got)); err != nil || diff != "" {
		t.Fatalf("stored again as another (%v, -want +got):\n%s", err, diff)
	}
}

func encoded(t *testing.T, c conversation.Conversation) string {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatalf("encoding what was decoded: %v", err)
	}
	return string(data)
}

// Records are records to begin with, by those who damage them: of user, of
// somebody else, cut off, and none.
func Records(t testing.TB, user conversation.User) [][]byte {
	t.Helper()
	full := begun(user)
	full.Proofs = []conversation.Proof{{Method: conversation.SMS, Challenge: "x", At: morning}}
	full.Question = &conversation.Challenge{ID: "q", Method: conversation.Code, At: morning, Expires: at(300)}
	full.Task = &conversation.Task{ID: "t", Kind: conversation.TaskCheck, Lease: at(30)}
	full.Write = &conversation.Write{Begun: morning, Deadline: at(20)}
	full.Given = map[string]string{"a": "b"}
	full.State, full.Typed = conversation.Step2Checking, "m.devries"
	full.Page = conversation.Page{
		ID: conversation.WaitCheck, Version: 7, Token: "token", Args: conversation.Args{Accounts: []string{"a"}},
		Offers: []conversation.Offer{{Choice: conversation.PickDesk}}, Entry: &conversation.Entry{Expires: at(600)},
	}
	var list [][]byte
	for _, c := range []conversation.Conversation{begun(user), full, begun(person(1)), {User: user}} {
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, data, data[:len(data)/2])
	}
	for _, text := range []string{
		"", "null", "{}", "[]", "0", `"x"`, "\xff", `{"user":null}`, `{"USER":{"chat":"web","ID":"anna"}}`,
		`{"user":{"chat":"web","id":"anna"},"ends":"9999-12-31T23:59:59+23:59"}`,
		`{"user":{"chat":"web","id":"anna"},"loc":"\ud800","receipt":"\u0000"}`,
		`{"user":{"chat":"web","id":"anna"},"id":"1","id":"2","unclear":1e2}`,
		`{"user":{"chat":"web","id":"anna"},"page":{"v":-9223372036854775808}}`,
		`{"user":{"chat":"web","id":"anna"}} trailing`,
	} {
		list = append(list, []byte(text))
	}
	return list
}
