package terminal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"resetbot/adapters/chat/terminal"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

func TestASoundLiesInAFileAsLongAsItsPage(t *testing.T) {
	w, err := words.New(words.Options{Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	left := filepath.Join(dir, "sound-1.wav") // of a process that was killed
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	chat := terminal.New(terminal.Options{
		In: strings.NewReader(""), Out: &out, Words: w, Pictures: dir,
		Draw: func([]byte, int) (string, error) { return "drawn", nil },
	})
	defer chat.Close()
	files := func() []string {
		list, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	send := func(m bot.Outgoing) {
		t.Helper()
		m.Locale, m.State = "nl", conversation.Who
		if result, err := chat.Send(t.Context(), m); err != nil || result.Result != conversation.Delivered {
			t.Fatalf("%s, %v", result, err)
		}
	}
	if got := files(); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
	page := conversation.Page{
		ID: conversation.AskCaptcha, Fields: []conversation.Field{conversation.FieldCaptcha},
		Media: &conversation.Media{Kind: conversation.MediaCaptcha, ID: "c", Sound: true},
	}
	send(bot.Outgoing{Page: page, Picture: []byte("picture"), Sound: []byte("sound")})
	got := files()
	if len(got) != 2 || filepath.Ext(got[1]) != ".wav" {
		t.Fatalf("files %q, want a picture and a sound", got)
	}
	if !strings.Contains(out.String(), "Open het om te luisteren:\n\n  "+got[1]) {
		t.Errorf("nobody says where the sound is:\n%s", out.String())
	}
	if info, err := os.Stat(got[1]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want a file for its owner alone", info, err)
	}
	if data, err := os.ReadFile(got[1]); err != nil || string(data) != "sound" {
		t.Errorf("%q, %v", data, err)
	}
	send(bot.Outgoing{Page: conversation.Page{ID: conversation.WaitFind}})
	if got := files(); len(got) != 0 {
		t.Errorf("%q outlive their page", got)
	}
}
