package words_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestPagesReadAsInTheGoldenFiles(t *testing.T) {
	w := newWords(t)
	for _, locale := range []string{words.Dutch, words.English} {
		var b strings.Builder
		for _, s := range wordstest.Scenes() {
			text, err := w.Render(locale, s.State, s.Page, s.At)
			if err != nil {
				t.Errorf("%s, %s: %v", locale, s.Name, err)
			}
			fmt.Fprintf(&b, "======== %s, %s\n\n%s\n", s.Name, s.At.Format("Mon 15:04"), text)
		}
		golden(t, "pages."+locale, b.String())
	}
}

func TestNotesReadAsInTheGoldenFiles(t *testing.T) {
	w := newWords(t)
	for _, locale := range []string{words.Dutch, words.English} {
		var b strings.Builder
		for _, id := range constants(t, "message.go", "MessageID") {
			if !strings.HasPrefix(id, "note.") {
				continue
			}
			page := conversation.Page{
				ID: conversation.WaitFind, Receipt: "K7Q-2MX",
				Args: conversation.Args{Length: 16},
				Notes: []conversation.Note{{ID: conversation.MessageID(id), Args: conversation.Args{
					At: monday.Add(29 * time.Second), Minutes: 3, Left: 2, Step: 1, Digits: "13",
					Domain: "linde.example",
				}}},
			}
			text, err := w.Render(locale, conversation.Find, page, monday)
			if err != nil {
				t.Errorf("%s, %s: %v", locale, id, err)
			}
			fmt.Fprintf(&b, "%s\n  %s\n", id, strings.Join(text.Notes, "\n  "))
		}
		golden(t, "notes."+locale, b.String())
	}
}

func TestMessagesReadAsInTheGoldenFiles(t *testing.T) {
	w := newWords(t)
	for _, locale := range []string{words.Dutch, words.English} {
		var b strings.Builder
		sms := w.SMS(words.Asked{Locale: locale, Chat: "teams"}, conversation.NewSecret("123456"), monday.Add(5*time.Minute),
			monday).Reveal()
		fmt.Fprintf(&b, "======== text message\n\n%s\n\n", sms)
		for _, digits := range []bool{false, true} {
			c := w.Call(words.Asked{Locale: locale, Chat: "web"}, digits, monday)
			fmt.Fprintf(&b, "======== call\n\n%s\n%s\n%s\n%s\n\n", c.Ask, c.Again, c.Right, c.Wrong)
		}
		title, body := w.Push(words.Asked{Locale: locale, Chat: "slack"}, monday)
		fmt.Fprintf(&b, "======== notification\n\n%s\n%s\n\n", title, body)
		for _, id := range constants(t, "message.go", "MessageID") {
			if !strings.HasPrefix(id, "owner.") {
				continue
			}
			n := conversation.Notice{
				Message: conversation.MessageID(id), Receipt: "K7Q-2MX", Chat: "teams",
				Locale: locale, At: monday,
			}
			for _, to := range []words.Recipient{
				{Link: "https://hulp.linde.example/n/abc"}, {Name: "M. de Vries", Outside: true},
			} {
				l, err := w.Letter(n, to, monday)
				if err != nil {
					t.Errorf("%s, %s: %v", locale, id, err)
				}
				fmt.Fprintf(&b, "======== %s\n\n%s\n\n%s\n\nSMS: %s\n\n", id, l.Subject,
					strings.Join(l.Body, "\n\n"), l.Short)
			}
		}
		golden(t, "messages."+locale, b.String())
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs; if it is meant so, run go test -update (-want +got)\n%s", path, diff)
	}
}
