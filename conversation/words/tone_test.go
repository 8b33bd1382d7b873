package words_test

import (
	"testing"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

func TestAPageHasTheToneOfWhatItsNotesSay(t *testing.T) {
	w := newWords(t)
	for _, c := range []struct {
		notes []conversation.MessageID
		want  words.Tone
	}{
		{nil, ""},
		{[]conversation.MessageID{conversation.NoteHelp}, ""},
		{[]conversation.MessageID{conversation.NoteStepDone}, words.Good},
		{[]conversation.MessageID{conversation.NoteCodeWrong}, words.Bad},
		{[]conversation.MessageID{conversation.NoteDirectoryDown, conversation.NoteHelp}, words.Bad},
		{[]conversation.MessageID{conversation.NoteMinutes, conversation.NoteStepDone}, words.Good},
	} {
		page := conversation.Page{ID: conversation.AskSMSCode}
		for _, id := range c.notes {
			page.Notes = append(page.Notes, conversation.Note{ID: id})
		}
		text, err := w.Render(words.Dutch, conversation.Step1Answer, page, monday)
		if err != nil {
			t.Fatal(err)
		}
		if text.Tone != c.want {
			t.Errorf("%v sound %q, want %q", c.notes, text.Tone, c.want)
		}
	}
}

func TestWhatIsWrongWithAFieldIsBadNews(t *testing.T) {
	found := 0
	for _, id := range constants(t, "message.go", "MessageID") {
		note := conversation.MessageID(id)
		if words.FieldOf(note) == "" {
			continue
		}
		found++
		if words.ToneOf(note) != words.Bad {
			t.Errorf("%s says what is wrong with %s, and is no bad news", id, words.FieldOf(note))
		}
	}
	if found == 0 {
		t.Error("no sentence says what is wrong with a field")
	}
}
