package conversation_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	. "resetbot/conversation"
)

// times are all moments that v holds, by where they are. One is put where there is
// none, and so is whatever a pointer or a list could hold.
func times(v reflect.Value, path string, put time.Time) map[string]time.Time {
	found := map[string]time.Time{}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		if !put.IsZero() {
			v.Set(reflect.ValueOf(put))
		}
		found[path] = v.Interface().(time.Time)
		return found
	case v.Kind() == reflect.Pointer && !put.IsZero():
		v.Set(reflect.New(v.Type().Elem()))
	case v.Kind() == reflect.Slice && !put.IsZero():
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	}
	add := func(v reflect.Value, name string) {
		for path, at := range times(v, name, put) {
			found[path] = at
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		add(v.Elem(), path)
	case reflect.Slice:
		for i := range v.Len() {
			add(v.Index(i), path)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				add(v.Field(i), path+"."+f.Name)
			}
		}
	}
	return found
}

// Whoever gives a conversation another moment has to move that too.
func TestAClockThatIsSetBackMovesAllOfAConversationButWhatPagesTell(t *testing.T) {
	latest := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	var c Conversation
	before := times(reflect.ValueOf(&c).Elem(), "", latest.Add(time.Minute))
	if len(before) < 20 {
		t.Fatalf("only %d moments were found: %v", len(before), before)
	}
	c.Latest = latest
	moved, is := c.Moved(latest.Add(-time.Hour))
	if !is {
		t.Fatal("it was not moved")
	}
	if want := latest.Add(-time.Hour); !moved.Latest.Equal(want) {
		t.Errorf("the step was taken at %s, want %s", moved.Latest, want)
	}
	after := times(reflect.ValueOf(&moved).Elem(), "", time.Time{})
	for path, at := range before {
		want := at.Add(-time.Hour)
		if strings.Contains(path, ".Args.") || path == ".Page.Offers.Until" { // which are told
			want = at
		}
		if got := after[path]; path != ".Latest" && !got.Equal(want) {
			t.Errorf("%s is %s, want %s", path, got.Format(time.TimeOnly), want.Format(time.TimeOnly))
		}
	}
	if again := times(reflect.ValueOf(&c).Elem(), "", time.Time{}); !again[".Page.Entry.Expires"].Equal(before[".Page.Entry.Expires"]) ||
		!again[".Proofs.At"].Equal(before[".Proofs.At"]) {
		t.Error("moving changed its argument")
	}
}

func TestAStepAfterTheClockWasSetBackIsTakenInTheNewTime(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.now = w.now.Add(-time.Hour)
	change := w.step(ann, Input{Kind: Passed})
	if change.Same {
		t.Error("the store is not told")
	}
	if c := w.convs[ann]; !c.Latest.Equal(w.now) || c.Ends.Sub(w.now) > w.wizard.Policy.Conversation {
		t.Errorf("the step was taken at %s, and %v are left", c.Latest, c.Ends.Sub(w.now))
	}
}

func TestStepsOfOneMomentInAnyOrderMoveNothing(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	before := w.convs[ann]
	w.now = w.now.Add(-time.Second)
	if c := w.step(ann, Input{Kind: Passed}); !c.Same {
		t.Error("something changed")
	}
	w.pick(ann, PickHelp)
	if after := w.convs[ann]; !after.Ends.Equal(before.Ends) || !after.Latest.Equal(before.Latest) {
		t.Errorf("it ends at %s, and before that at %s", after.Ends, before.Ends)
	}
}

// A "no" counts once a write cannot arrive any more. A clock that is set ahead
// in the meantime must not bring that moment nearer.
func TestANoCountsAWhileAfterTheWriteWasGivenUpHoweverTheClockIsSet(t *testing.T) {
	w := newWorld(t)
	w.toStep1(ann, PickReset, "m.devries")
	w.sms(ann, "0612345613")
	w.code(ann)
	w.submit(ann, goodPassword)
	w.go1(ann) // the account is read, and the write begun
	w.on(ann, Changing)
	w.now = w.now.Add(time.Hour)
	w.step(ann, Input{Kind: Passed, Busy: true})
	w.on(ann, Changing)
	w.step(ann, Input{Kind: Passed})
	w.on(ann, Unknown)
	no := func() {
		w.step(ann, Input{Kind: Passed})
		if w.convs[ann].Task != nil { // it is time to ask
			w.come(ann, Outcome{Changed: ChangedNo})
		}
	}
	for range 3 {
		w.now = w.now.Add(19 * time.Second)
		no()
		w.on(ann, Unknown)
	}
	for range 3 {
		w.now = w.now.Add(time.Minute)
		no()
	}
	w.on(ann, Expired) // the truth is told, and the hour is over
	w.note(ann, NotChanged)
}
