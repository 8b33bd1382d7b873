package bot_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"resetbot/bot"
	"resetbot/conversation"
)

// hardToPlease are people with whom a phrase that was made for nobody would often be refused: it
// has a part of their name in it, or is too short for their directory.
var hardToPlease = map[string]func(*bot.Account){
	"names that are in many words": func(a *bot.Account) {
		a.Display, a.Given, a.Family, a.User = "E. van der Ende", "Eli", "van der Ende", "ste"
	},
	"a given name that is shown nowhere": func(a *bot.Account) { a.Display, a.Given = "M. de Vries", "Ine" },
	"a user name of their own":           func(a *bot.Account) { a.User = "ring" },
	"another mail address":               func(a *bot.Account) { a.Mail = "bel.ker@rijnzicht.example" },
	"a directory that wants more":        func(a *bot.Account) { a.MinLength = 40 },
	"all of it": func(a *bot.Account) {
		a.Given, a.Family, a.User, a.MinLength = "Ida", "ten Hoven", "ach", 60
	},
}

// What the page offers is taken when it is typed, whoever sees the page.
func TestASuggestedPasswordIsNeverRefused(t *testing.T) {
	for name, change := range hardToPlease {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t)
				s.alters(change)
				s.walk(nurse, "m.devries", toPassword...)
				s.on(nurse, conversation.Password)
				if shown := s.chat.last(nurse).Suggested; !shown.Empty() {
					t.Error("a password is shown in a chat that keeps what it shows")
				}
				token := strings.TrimPrefix(s.chat.last(nurse).Link, s.config.PublicURL+"/p/")
				c := s.conversation(nurse)
				suggested := map[string]bool{}
				for range 200 {
					m, ok, err := s.bot.Entry(context.Background(), token)
					if !ok || err != nil || m.Suggested.Empty() {
						t.Fatalf("the page offers none: %t, %v", ok, err)
					}
					text := m.Suggested.Reveal()
					if suggested[text] || utf8.RuneCountInString(text) < max(16, c.Subject.Length) {
						t.Fatalf("%q is too short, or was offered before", text)
					}
					suggested[text] = true
					s.wouldTake(c, text)
				}
				for text := range suggested {
					s.receiveFrom(s.filled(nurse, text))
					break
				}
				s.on(nurse, conversation.Done)
			})
		})
	}
}

// wouldTake asks the wizard, without taking the conversation further.
func (s *siege) wouldTake(c conversation.Conversation, text string) {
	s.t.Helper()
	m := s.filled(c.User, text)
	in := conversation.Input{Kind: m.Kind, Token: m.Token, Fields: m.Fields, From: m.From}
	change, err := s.config.Wizard.Step(c, in, conversation.Facts{
		Account: conversation.AccountRecord{Key: c.Subject.Key, Holder: c.ID},
	}, c.Latest)
	if err != nil {
		s.t.Fatal(err)
	}
	if to := change.Conversation; to.State != conversation.Confirming {
		s.t.Errorf("%q is refused: %v", text, to.Page.Notes)
	}
}

func TestNothingThatAPersonIsCalledMayBeInTheirPassword(t *testing.T) {
	for password, why := range map[string]string{
		"marieke loopt langs de dijk": "the given name, which no page shows",
		"de vries koopt een fietsbel": "the family name",
		"u48213 koopt een fietsbel":   "the user name, which no page shows either",
		"Rijnzicht in de mistige zon": "the organisation",
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t)
				s.alters(func(a *bot.Account) { a.Mail, a.User = "info@rijnzicht.example", "u48213" })
				s.walk(nurse, "m.devries", toPassword...)
				s.receiveFrom(s.filled(nurse, password))
				s.on(nurse, conversation.Password)
				if note := s.chat.last(nurse).Page.Notes[0]; !slices.Contains(note.Args.Faults, conversation.FlawPersonal) {
					t.Errorf("said is %+v", note)
				}
			})
		})
	}
}

func TestWhatIsTypedIsJudgedAsItWillBeAndNothingIsKeptOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t)
		s.walk(nurse, "m.devries", toPassword...)
		token := strings.TrimPrefix(s.chat.last(nurse).Link, s.config.PublicURL+"/p/")
		before := s.conversation(nurse)
		for typed, want := range map[string][]conversation.PasswordFlaw{
			"":                               {conversation.FlawShort},
			"marieke":                        {conversation.FlawShort, conversation.FlawPersonal},
			"marieke fietst langs de vijver": {conversation.FlawPersonal},
			"Welkom123Welkom123":             {conversation.FlawCommon, conversation.FlawBreached},
			"kaars molen\tfiets tafel":       {conversation.FlawCharacter},
			strings.Repeat("kaars ", 60):     {conversation.FlawLong},
			"kaars-molen-fiets-tafel":        nil,
		} {
			for range 20 { // more often than a password may be refused
				flaws, ok, err := s.bot.Judge(context.Background(), token, conversation.NewSecret(typed))
				if !ok || err != nil || !slices.Equal(flaws, want) {
					t.Fatalf("%q: %v, %t, %v; want %v", typed, flaws, ok, err, want)
				}
			}
		}
		if after := s.conversation(nurse); !reflect.DeepEqual(before, after) {
			t.Errorf("the conversation became\n%+v\nit was\n%+v", after, before)
		}
		nobody := func(token, why string) {
			t.Helper()
			if flaws, ok, err := s.bot.Judge(context.Background(), token, conversation.NewSecret("x")); ok || err != nil || flaws != nil {
				t.Errorf("%s: %v, %t, %v", why, flaws, ok, err)
			}
		}
		nobody("", "no link")
		nobody("x", "a link that never was")
		nobody(strings.Repeat("x", 1<<20), "a huge one")
		s.receiveFrom(s.pressed(nurse, conversation.PickLink))
		nobody(token, "a link that was replaced")
		token = strings.TrimPrefix(s.chat.last(nurse).Link, s.config.PublicURL+"/p/")
		time.Sleep(s.config.Wizard.Policy.EntryLife)
		nobody(token, "a link that is over")
	})
}

func TestWhatWasTypedInTheChatIsRefusedWhileItIsTypedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t)
		s.walk(nurse, "m.devries", toPassword...)
		const typed = "kaars-molen-fiets-tafel"
		s.say(nurse, typed)
		token := strings.TrimPrefix(s.chat.last(nurse).Link, s.config.PublicURL+"/p/")
		flaws, ok, err := s.bot.Judge(context.Background(), token, conversation.NewSecret(typed))
		if !ok || err != nil || !slices.Equal(flaws, []conversation.PasswordFlaw{conversation.FlawExposed}) {
			t.Errorf("%v, %t, %v", flaws, ok, err)
		}
	})
}
