package words

import (
	"cmp"
	"slices"

	"resetbot/conversation"
)

// Tone is what kind of news a sentence brings. A chat draws it, and never by
// colour alone.
type Tone string

// The tones. Most sentences are neither.
const (
	Bad  Tone = "bad"
	Good Tone = "good"
)

// about are the sentences that say what is wrong with a field.
var about = map[conversation.MessageID]conversation.Field{
	conversation.NoteNameForm: conversation.FieldName, conversation.NoteDomain: conversation.FieldName,
	conversation.NoteNameFirst: conversation.FieldName, conversation.NoteCaptchaWrong: conversation.FieldCaptcha,
	conversation.NoteCaptchaOld: conversation.FieldCaptcha, conversation.NoteNumberForm: conversation.FieldNumber,
	conversation.NoteNumberKind: conversation.FieldNumber, conversation.NoteNumberDigits: conversation.FieldNumber,
	conversation.NoteCodeForm: conversation.FieldCode, conversation.NoteCodeWrong: conversation.FieldCode,
	conversation.NoteCodeSame: conversation.FieldCode, conversation.NoteCodeUsed: conversation.FieldCode,
	conversation.NoteNotJudged:       conversation.FieldCode,
	conversation.NotePasswordTwice:   conversation.FieldConfirm,
	conversation.NotePasswordRefused: conversation.FieldPassword,
	conversation.NotePasswordBlank:   conversation.FieldMeantSo, conversation.NoteEntryWord: conversation.FieldWord,
	conversation.NoteCurrentWrong: conversation.FieldCurrent, conversation.NoteScanWrong: conversation.FieldCode,
}

// troubles are other sentences about what went wrong, joys those about what did not.
var (
	troubles = []conversation.MessageID{
		conversation.NoteDirectoryDown, conversation.NoteNumberWrong, conversation.NoteCodeOver,
		conversation.NoteCodeLate, conversation.NoteNotSent, conversation.NoteMethodDown,
		conversation.NotePasswordChat, conversation.NotePasswordAgain, conversation.NoteEntryOver,
		conversation.NoteCurrentAgain,
	}
	joys = []conversation.MessageID{
		conversation.NoteStepDone, conversation.NoteFollowUpYes, conversation.NoteFoundChanged,
	}
)

// ToneOf is the tone of a note.
func ToneOf(note conversation.MessageID) Tone {
	switch {
	case about[note] != "" || slices.Contains(troubles, note):
		return Bad
	case slices.Contains(joys, note):
		return Good
	}
	return ""
}

// FieldOf is the field that a note says what is wrong with; empty for a note
// that is about none.
func FieldOf(note conversation.MessageID) conversation.Field { return about[note] }

// tone is that of all notes of a page together.
func tone(notes []conversation.Note) Tone {
	var t Tone
	for _, n := range notes {
		t = cmp.Or(ToneOf(n.ID), t)
	}
	return t
}
