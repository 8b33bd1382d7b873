package bot_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	people "resetbot/adapters/directory/demo"
	phone "resetbot/adapters/verification/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

func TestAC04_WhoIsNotThereIsWalkedWithAndNothingLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t)
		s.walk(stranger, "nobody.here", then(toNumber, "{number}")...)
		s.on(stranger, conversation.Step1Answer)
		c := s.conversation(stranger)
		s.say(stranger,
			s.config.Wizard.Keys.OneTimeCode(c.Question.ID).Reveal()) // what a text message would have said
		s.on(stranger, conversation.Step1Answer)
		s.walk(stranger, "nobody.here", "000001", "000002")
		s.on(stranger, conversation.Step1Choose)
		s.walk(stranger, "nobody.here", "4", "000003", "000004")
		s.on(stranger, conversation.Locked)
		if entries, err := s.phone.List(t.Context(), ""); err != nil || len(entries) > 0 {
			t.Errorf("%d things came on telephones (%v)", len(entries), err)
		}
		s.counted("sent", 0)
		s.counted("judged", 0)
		s.walk(nurse, "m.devries", toPassword...) // whose counters are untouched
		s.submit(nurse, newPassword)
		s.on(nurse, conversation.Done)
	})
}

// Separators of lists, characters of filters, what is
// not seen, what is too long. The directory is not even asked.
func TestAC06_AC07_NamesThatCannotBeNames(t *testing.T) {
	names := []string{
		"m.devries,z.celik", "m.devries;z.celik", "m.devries z.celik", "m.devries\nz.celik",
		"m.devries@rijnzicht.example,x@evil.example", "m.devries@rijnzicht.example@evil.example",
		"m.devries@evil.example", "m.devries@rijnzicht.example\r\nBcc: x@evil.example",
		`["m.devries","z.celik"]`, "m.devries\x00", "m.devries%00", "*", "m.*", "m.devries*", "*)(uid=*",
		"m.devries)(|(uid=*))", "(objectClass=user)", "(&)", "m.devries)(sAMAccountName=*", "|(x=1)",
		"m<devries>", "m.devries/..", "' OR 1=1 --", "\"m.devries\"", "m.devries#", "=m.devries", "m\u2028devries",
		"@", "@@",
		"@rijnzicht.example", "m.devries@", "a,b\\m.devries", "x@evil.example\\m.devries", "*\\m.devries",
		"z.celik\n\\m.devries", "z.celik \\m.devries", strings.Repeat("a\\", 200) + "m.devries", strings.Repeat("m", 400), strings.Repeat("m.devries,", 1000),
	}
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t)
		for i, name := range names {
			user := visitor(i)
			s.walk(user, "", "wachtwoord vergeten")
			s.say(user, name)
			s.on(user, conversation.Who)
			m := s.pressed(user, "")
			m.Kind = conversation.Filled
			m.Fields = map[conversation.Field]conversation.Secret{
				conversation.FieldName:    conversation.NewSecret(name),
				conversation.FieldCaptcha: conversation.NewSecret(s.captcha(user)),
			}
			s.receiveFrom(m)
			s.on(user, conversation.Who)
		}
		if len(s.looked) > 0 {
			t.Errorf("the directory was asked for %q", s.looked)
		}
		s.counted("sent", 0)
	})
}

func TestAC08_SomebodyElsesNameIsTreatedByPolicyAndTold(t *testing.T) {
	begin := func(s *siege, user conversation.User) {
		marieke := s.person("m.devries")
		for _, text := range []string{"wachtwoord vergeten", "ander account", "z.celik", ""} {
			if text == "" {
				if s.state(user) != conversation.Who {
					return
				}
				text = s.captcha(user)
			}
			m := said(user, text)
			m.From.Bound = []conversation.Bound{{ID: marieke.ID, UPN: marieke.UPN}}
			s.receive(m)
		}
	}
	t.Run("warn", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t)
			begin(s, nurse)
			s.on(nurse, conversation.Step1Choose)
			if !s.noted(nurse, conversation.NoteNotYours) {
				t.Errorf("it is not said:\n%s", s.page(nurse))
			}
			if len(s.entries("z.celik")) == 0 {
				t.Error("the owner was told nothing")
			}
		})
	})
	t.Run("bound, in a chat that binds", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, _ := workspace(t)
			from := conversation.Origin{User: colleague}
			w.resetThere(from, "m.devries", "kaars-molen-fiets-tafel")
			time.Sleep(73 * time.Hour)
			for _, text := range []string{"reset", "ander account", "z.celik"} {
				w.there(from, text)
			}
			w.on(colleague, conversation.Step1Choose)
			if notes := w.chat.last(colleague).Page.Notes; len(notes) == 0 || notes[0].ID != conversation.NoteNotYours {
				t.Errorf("it is not said: %v", notes)
			}
			entries, err := w.phone.List(t.Context(), w.number("z.celik"))
			if err != nil || len(entries) == 0 {
				t.Errorf("the owner was told nothing (%v)", err)
			}
		})
	})
	t.Run("same", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t)
			user := conversation.User{Chat: "teams", ID: "1"}
			begin(s, user)
			s.on(user, conversation.Referred)
			s.saw(user, conversation.EndNotOwn)
			s.counted("sent", 0)
		})
	})
}

// TestAC15_TheCounterSurvives spends the five tries of an account one by one,
// each in another way to begin anew.
func TestAC15_TheCounterSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, onBolt, policy(manyBegin))
		s.walk(nurse, "m.devries", toSMS...)
		s.walk(nurse, "m.devries", "000001", "! wait 31s", "opnieuw sturen", "000002") // resend
		s.counted("judged", 2)
		s.walk(nurse, "m.devries", "english", "another way", "4", "000003") // language, other method
		s.counted("judged", 3)
		s.again() // program
		kiosk := conversation.User{Chat: "kiosk", ID: "7"}
		s.walk(kiosk, "m.devries", toCode...) // other channel, captcha solved anew
		s.walk(kiosk, "m.devries", "000004")
		s.counted("judged", 4)
		s.walk(kiosk, "m.devries", "annuleren", "opnieuw beginnen", "{captcha}") // begun anew
		s.fails(func(what string, _ bot.Challenge) error {
			if what == "sent sms" {
				return errOutside
			}
			return nil
		})
		s.walk(kiosk, "m.devries", "1", "{right}", "000005") // send failure
		s.fails(nil)
		s.on(kiosk, conversation.Locked)
		s.counted("judged", 5)
		for n := range 3 {
			s.walk(visitor(n), "m.devries", toChoice...)
			s.on(visitor(n), conversation.Locked)
		}
		s.walk(nurse, "m.devries", "{app}") // even the right one
		s.on(nurse, conversation.Locked)
		s.counted("judged", 5)
	})
}

func TestAC18_TenConversationsShareOneCounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, onBolt, policy(manyBegin))
		for n := range 10 {
			s.walk(visitor(n), "m.devries", toCode...)
		}
		for try := range 10 {
			for n := range 10 {
				if s.state(visitor(n)).Over() {
					continue
				}
				if s.state(visitor(n)) == conversation.Step1Choose {
					s.say(visitor(n), "4")
				}
				s.say(visitor(n), fmt.Sprintf("%06d", 10*try+n))
			}
		}
		s.eachCounted("m.devries", 5)
		for n := range 10 {
			s.on(visitor(n), conversation.Locked)
		}
	})
}

// TestAC27_TheDestinationIsTheDirectorys: a number that is changed meanwhile
// gets nothing and proves nothing, and one that comes with a message is nobody's.
func TestAC27_TheDestinationIsTheDirectorys(t *testing.T) {
	evil := func(a *bot.Account) { a.Mobile = "+31 6 54321013" }
	t.Run("changed before it is sent", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t)
			s.walk(nurse, "m.devries", toNumber...)
			s.alters(evil)
			s.walk(nurse, "m.devries", "{number}") // the new one
			s.counted("sent", 0)
			s.walk(nurse, "m.devries", "terug", "1", "! wait 31s", "{right}") // the old one
			s.counted("sent", 0)
		})
	})
	t.Run("changed before it is judged", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t)
			s.walk(nurse, "m.devries", toSMS...)
			s.counted("sent sms", 1)
			code := s.sms("m.devries")
			s.alters(evil)
			s.say(nurse, code)
			s.on(nurse, conversation.Step1Answer)
			s.counted("judged", 0)
		})
	})
	t.Run("in the message", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t)
			s.walk(nurse, "m.devries", toChoice...)
			press := func(choice conversation.Choice) {
				m := s.pressed(nurse, choice)
				m.Fields = map[conversation.Field]conversation.Secret{
					conversation.FieldNumber: conversation.NewSecret("0654321013"),
					conversation.FieldName:   conversation.NewSecret("z.celik"),
					conversation.FieldCode:   conversation.NewSecret("000000"),
				}
				if err := s.send(m); err != nil {
					t.Fatal(err)
				}
			}
			press(conversation.PickSMS)
			s.walk(nurse, "m.devries", "{right}", "! wait 31s")
			press(conversation.PickResend)
			s.counted("sent sms", 2)
			all, err := s.phone.List(t.Context(), "")
			if err != nil || len(all) != 2 {
				t.Errorf("%d things came (%v)", len(all), err)
			}
			for _, e := range all {
				if e.Number != s.number("m.devries") {
					t.Errorf("one came on %s", e.Number)
				}
			}
		})
	})
}

func TestAC28_OneNumberInAllItsForms(t *testing.T) {
	for _, number := range []string{
		"0612345613", "+31612345613", "0031612345613", "06-12 34 56 13", "+31 (0)6 12345613",
		"06 1234 5613",
		"٠٦١٢٣٤٥٦١٣", "０６１２３４５６１３", "mijn nummer is 0612345613",
	} {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t)
				s.walk(nurse, "m.devries", then(toNumber, number)...)
				s.counted("sent sms", 1)
				s.walk(nurse, "m.devries", "{sms}")
				s.on(nurse, conversation.Step2Choose)
			})
		})
	}
	t.Run("a wrong one costs a try and looks the same", func(t *testing.T) {
		var pages [2]string
		for i, number := range []string{"{right}", "{number}"} {
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t, policy(func(p *conversation.Policy) { p.Proofs.N = 2 }))
				s.walk(nurse, "m.devries", then(toNumber, number)...)
				pages[i] = s.page(nurse)
				s.walk(nurse, "m.devries", "000001", "000002")
				s.on(nurse, conversation.Locked)
			})
		}
		if pages[0] != pages[1] {
			t.Errorf("a right number says\n%s\nand a wrong one\n%s", pages[0], pages[1])
		}
	})
}

func TestAC31_ACallIsAnsweredWithTheKeyOfThisCall(t *testing.T) {
	toCall := then(toChoice, "2", "{right}")
	tests := map[string]struct {
		do   []string
		want conversation.State
	}{
		"the key":               {[]string{"! press #"}, conversation.Step2Choose},
		"no key":                {[]string{"! wait 60s"}, conversation.Step1Choose},
		"another key":           {[]string{"! press 1", "! wait 60s"}, conversation.Step1Choose},
		"another key before it": {[]string{"! press 1#", "! wait 60s"}, conversation.Step1Choose},
		"the line is cut":       {[]string{"! hangup", "! wait 60s"}, conversation.Step1Choose},
		"it was not me":         {[]string{"! press 9", "! wait 60s"}, conversation.Step1Choose},
		"typed in the chat":     {[]string{"#", "123456"}, conversation.Step1Waiting},
		"after the minute":      {[]string{"! wait 60s", "! press #"}, conversation.Step1Choose},
		"after another was begun": {
			[]string{"andere manier", "! wait 31s", "4", "! press #"}, conversation.Step1Answer,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t)
				s.walk(nurse, "m.devries", toCall...)
				s.on(nurse, conversation.Step1Waiting)
				s.walk(nurse, "m.devries", test.do...)
				s.on(nurse, test.want)
				proved := len(s.conversation(nurse).Proofs) > 0
				if proved != (test.want == conversation.Step2Choose) {
					t.Errorf("proved: %t", proved)
				}
			})
		})
	}
	t.Run("the key of the call before", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newSiege(t)
			s.walk(nurse, "m.devries", toCall...)
			first := s.entries("m.devries")[0]
			s.walk(nurse, "m.devries", "andere manier", "! wait 31s", "2", "{right}")
			s.on(nurse, conversation.Step1Waiting)
			_, _ = s.phone.Act(t.Context(), first.Number, first.ID,
				phone.Press("#")) // whether it still rings or not
			s.settle()
			s.on(nurse, conversation.Step1Waiting)
			if proofs := len(s.conversation(nurse).Proofs); proofs > 0 {
				t.Errorf("%d proofs", proofs)
			}
		})
	})
}

func TestAC33_ANotificationIsApprovedWithTheNumberOfThisChat(t *testing.T) {
	toPush := then(toChoice, "3")
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t)
		s.walk(nurse, "m.devries", toPush...)
		shown := s.chat.last(nurse).Page.Args.Digits
		if len(shown) != 2 {
			t.Fatalf("the chat shows %q", shown)
		}
		for _, e := range s.entries("m.devries") {
			if strings.Contains(e.Text, shown) || strings.Contains(e.Code, shown) {
				t.Error("the number is on the telephone too")
			}
		}
		other := map[bool]string{true: "11", false: "10"}[shown == "10"]
		s.walk(nurse, "m.devries", "! approve "+other, "! wait 60s")
		s.on(nurse, conversation.Step1Choose)
		s.walk(nurse, "m.devries", "3")
		same := s.chat.last(nurse).Page.Args.Digits == shown         // one time in ninety
		s.walk(nurse, "m.devries", "! approve "+shown, "! wait 60s") // that of the one before
		if proofs := s.conversation(nurse).Proofs; len(proofs) > 0 {
			if !same {
				t.Error("the number of another notification was taken")
			}
			return
		}
		s.walk(nurse, "m.devries", "! wait 31s", "3", "! approve")
		s.on(nurse, conversation.Step2Choose)
	})
}

// Counted over all conversations of others.
func TestAC36_NoMoreThanFiveNotificationsAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, policy(manyBegin), policy(func(p *conversation.Policy) { p.Proofs.N = 1000 }))
		for n := range 12 {
			s.walk(visitor(n), "m.devries", then(toChoice, "3", "! wait 65s")...)
		}
		s.counted("sent push", 5)
		s.walk(visitor(20), "m.devries", "! wait 1h")
		s.walk(visitor(21), "m.devries", then(toChoice, "3")...)
		s.counted("sent push", 6)
	})
}

// What is no text, or no input at all, leads nowhere.
func TestAC45_WhatSaysNothingLeadsNowhere(t *testing.T) {
	for name, way := range map[string][]string{
		"start": {"hallo"}, "who": {"wachtwoord vergeten"}, "choose": toChoice, "number": toNumber,
		"sms":  toSMS,
		"code": toCode, "push": then(toChoice, "3"), "step 2": toStep2, "password": toPassword,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t)
				s.walk(nurse, "m.devries", way...)
				state, sent, judged := s.state(nurse), s.count("sent"), s.count("judged")
				for _, text := range []string{"", " ", "\n", "👍", "\u200b", "\u202e", "🔥🔥🔥", "\x00", "…"} {
					s.say(nurse, text)
				}
				for _, kind := range []conversation.Kind{
					conversation.Pressed, conversation.Filled,
					conversation.Arrived,
				} {
					m := said(nurse, "")
					m.Kind = kind
					if err := s.send(m); err != nil {
						t.Fatal(err)
					}
				}
				for _, kind := range []conversation.Kind{
					conversation.Came, conversation.Passed,
					conversation.Shown,
				} {
					m := said(nurse, "")
					m.Kind, m.Choice = kind, conversation.PickCancel
					_ = s.bot.Receive(t.Context(), m)
				}
				s.on(nurse, state)
				s.counted("sent", sent)
				s.counted("judged", judged)
			})
		})
	}
}

// Stopped on any page, in any words, everything is dead that was
// begun: codes, notifications, calls, forms.
func TestAC50_AfterCancellingEverythingIsDead(t *testing.T) {
	pages := map[string]struct {
		way   []string
		state conversation.State
	}{
		"start":    {[]string{"hallo"}, conversation.Start},
		"hints":    {[]string{"ik kan niet inloggen"}, conversation.Hints},
		"who":      {[]string{"wachtwoord vergeten"}, conversation.Who},
		"captcha":  {[]string{"wachtwoord vergeten", "{name}"}, conversation.Who},
		"choose":   {toChoice, conversation.Step1Choose},
		"number":   {toNumber, conversation.Step1Number},
		"sms":      {toSMS, conversation.Step1Answer},
		"code":     {toCode, conversation.Step1Answer},
		"call":     {then(toChoice, "2", "{right}"), conversation.Step1Waiting},
		"push":     {then(toChoice, "3"), conversation.Step1Waiting},
		"step 2":   {toStep2, conversation.Step2Choose},
		"push 2":   {then(toStep2, "3"), conversation.Step2Waiting},
		"code 2":   {then(toStep2, "4"), conversation.Step2Answer},
		"password": {toPassword, conversation.Password},
	}
	words := []string{"stop", "Annuleer!", "ik was dit niet", "cancel"}
	for i, name := range slices.Sorted(maps.Keys(pages)) {
		page := pages[name]
		for _, word := range []string{words[i%4], words[(i+1)%4]} {
			t.Run(name+" "+word, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newSiege(t)
					s.walk(nurse, "m.devries", page.way...)
					s.on(nurse, page.state)
					button, form := s.pressed(nurse, conversation.PickSMS), s.filled(nurse, newPassword)
					digits := s.chat.last(nurse).Page.Args.Digits
					s.say(nurse, word)
					s.on(nurse, conversation.Cancelled)
					sent, judged := s.count("sent"), s.count("judged")
					s.touch("m.devries", phone.Press("#"))
					s.touch("m.devries", phone.Approve(digits))
					s.walk(nurse, "m.devries", "! wait 61s")
					s.on(nurse, conversation.Cancelled)
					for _, m := range []bot.Incoming{button, form} {
						if err := s.send(m); err != nil {
							t.Fatal(err)
						}
						s.on(nurse, conversation.Cancelled)
					}
					for _, e := range s.entries("m.devries") {
						if e.Code != "" {
							s.say(nurse, e.Code)
						}
					}
					s.walk(nurse, "m.devries", "{app}")
					s.counted("sent", sent)
					s.counted("judged", judged)
					s.counted("reset", 0)
					if proofs := len(s.conversation(nurse).Proofs); proofs > 0 && !s.state(nurse).Over() {
						t.Errorf("%d proofs are left", proofs)
					}
				})
			})
		}
	}
}

// The same on the pages that come and go by themselves: the input comes while
// the work is going on.
func TestAC50_CancellingWhileWorkIsGoingOn(t *testing.T) {
	slow := people.Fault{Slow: 3 * time.Second}
	tests := map[string]struct {
		op    string
		way   []string
		last  string // what sets the work going
		state conversation.State
		after conversation.State
	}{
		"find":     {people.OpFind, toChoice[:2], "{captcha}", conversation.Find, conversation.Cancelled},
		"sending":  {people.OpFind, toNumber, "{right}", conversation.Step1Sending, conversation.Cancelled},
		"checking": {people.OpFind, toSMS, "{sms}", conversation.Step1Checking, conversation.Cancelled},
		"reread":   {people.OpFind, toPassword, "", conversation.Confirming, conversation.Cancelled},
		"changing": {people.OpReset, toPassword, "", conversation.Changing, conversation.Done},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t)
				s.walk(nurse, "m.devries", test.way...)
				s.setFault(test.op, slow)
				m := s.filled(nurse, newPassword)
				if test.last != "" {
					m = said(nurse, s.fill(nurse, "m.devries", test.last))
				}
				if err := s.bot.Receive(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				s.on(nurse, test.state)
				if err := s.bot.Receive(t.Context(), said(nurse, "stop")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				s.on(nurse, test.after)
				if test.after == conversation.Done {
					s.counted("reset", 1)
				} else {
					s.counted("reset", 0)
				}
				if s.signIn("m.devries", newPassword) != (test.after == conversation.Done) {
					t.Error("the page and the password do not agree")
				}
			})
		})
	}
}

// Nothing of a password is read as markup, corrected or trimmed.
func TestAC55_ThePasswordThatWasTypedIsTheOneThatHolds(t *testing.T) {
	for _, password := range []string{
		"kaars&amp;molen&lt;fiets", "kaars ‘molen’ – “fiets”", "<mailto:kaars@molen>-fiets",
		"*kaars* _molen_ ~fiets~",
		":smile: kaars molen :fire:", "kaars<b>molen</b>fiets", "kaars%20molen%00fiets",
		`kaars\nmolen\tfiets\\`,
		"ＫＡＡＲＳ-molen-fiets-tafel", "kaars-molen-fiets-🚲🚲🚲🚲", "$(kaars) `molen` ${fiets}",
		"kaars'; DROP TABLE molen", "{{kaars}} %s %d molen %n", "Kaars, Molen; Fiets. Tafel?",
	} {
		t.Run(password, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t)
				s.walk(nurse, "m.devries", toPassword...)
				if err := s.send(s.filled(nurse, password)); err != nil {
					t.Fatal(err)
				}
				s.on(nurse, conversation.Done)
				if !s.signIn("m.devries", password) {
					t.Error("another password was written")
				}
			})
		})
	}
}

func TestAC59_ARefusalOfTheDirectoryIsSaidAndKeepsBothProofs(t *testing.T) {
	for _, flaw := range []conversation.PasswordFlaw{
		conversation.FlawHistory, conversation.FlawTooSoon, conversation.FlawComplexity,
		conversation.FlawDirectory,
	} {
		t.Run(string(flaw), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t)
				s.setFault(people.OpReset, people.Fault{Refuse: []conversation.PasswordFlaw{flaw}})
				s.walk(nurse, "m.devries", toPassword...)
				for try := 1; try < 10; try++ {
					s.submit(nurse, newPassword)
					s.on(nurse, conversation.Password)
					c := s.conversation(nurse)
					if len(c.Proofs) != 2 || c.Refusals != try {
						t.Fatalf("%d proofs, %d refusals after %d", len(c.Proofs), c.Refusals, try)
					}
					notes := s.chat.last(nurse).Page.Notes
					if len(notes) != 1 || len(notes[0].Args.Faults) != 1 || notes[0].Args.Faults[0] != flaw {
						t.Fatalf("said: %+v", notes)
					}
				}
				s.setFault(people.OpReset, people.Fault{})
				s.submit(nurse, newPassword)
				s.on(nurse, conversation.Done)
			})
		})
	}
}

// What the pages say of a write is never more than what is
// known, and in the end it is the truth.
func TestAC60_AC61_ThePagesSayWhatTheDirectoryKnows(t *testing.T) {
	tests := map[string]struct {
		fault, later people.Fault // of the write; of asking whether it was done
		within       conversation.State
		end          conversation.State
	}{
		"the answer was lost": {
			fault:  people.Fault{AnswerLost: true},
			within: conversation.Unknown, end: conversation.Done,
		},
		"the write was lost": {
			fault: people.Fault{Lost: true}, within: conversation.Unknown,
			end: conversation.Password,
		},
		"out of reach": {
			fault:  people.Fault{Unreachable: true},
			within: conversation.Password, end: conversation.Password,
		},
		"answer lost, then silence": {
			people.Fault{AnswerLost: true},
			people.Fault{Unreachable: true},
			conversation.Unknown, conversation.Unknown,
		},
		"written after its time-out": {
			fault:  people.Fault{AnswerLost: true, Slow: 19 * time.Second},
			within: conversation.Changing, end: conversation.Done,
		},
		"too slow to be written": {
			fault:  people.Fault{Slow: 21 * time.Second},
			within: conversation.Changing, end: conversation.Password,
		},
	}
	for name, test := range tests {
		for _, restarts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarted %t", name, restarts), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newSiege(t, onBolt)
					s.walk(nurse, "m.devries", toPassword...)
					s.setFault(people.OpReset, test.fault)
					s.setFault(people.OpChanged, test.later)
					form := s.filled(nurse, newPassword)
					if err := s.bot.Receive(t.Context(), form); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					synctest.Wait()
					s.on(nurse, test.within)
					if s.told(nurse, conversation.EndReset) {
						t.Error("done was said before anybody knew")
					}
					if test.within != conversation.Password {
						s.say(nurse, "stop") // which is answered, and stops nothing
					}
					if restarts {
						s.again()
					}
					s.walk(nurse, "m.devries", "! wait 3m")
					s.on(nurse, test.end)
					written := s.signIn("m.devries", newPassword)
					if done := s.told(nurse,
						conversation.EndReset); done != (test.end == conversation.Done) {
						t.Errorf("told done: %t", done)
					}
					if is := test.end; is == conversation.Done && !written || is == conversation.Password && written {
						t.Errorf("the password was written: %t, the page is %s", written, test.end)
					}
					if s.noted(nurse, conversation.NotChanged) && written {
						t.Error("not changed, it said")
					}
					s.setFault(people.OpReset, people.Fault{})
					s.setFault(people.OpChanged, people.Fault{})
					if err := s.send(form); err != nil { // once more does no harm
						t.Fatal(err)
					}
					s.counted("reset", 1)
					if test.end == conversation.Password {
						s.submit(nurse, newPassword)
					}
					s.walk(nurse, "m.devries", "! wait 10m")
					s.on(nurse, conversation.Done)
				})
			})
		}
	}
}

// hostile are names that would be markup, mentions or another direction of
// writing in one of the places where they are shown.
var hostile = []string{
	"<@everyone>", "[klik](http://evil.example)", "*bold* _x_ `code`", "<b>Bob</b>", "=cmd|'/c calc'!A1",
	"A\u202eevil\u2066x\u200b", "<script>alert(1)</script>", "{{.Secret}} %s",
}

func TestAC67_ANameIsPlainText(t *testing.T) {
	for i, name := range hostile {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "people.yaml")
				text := "- id: 00000000-0000-4000-8000-000000000777\n  upn: x.hostile@rijnzicht.example\n" +
					"  names: {given: X, family: Y, display: " + strconv.Quote(name) + "}\n" +
					"  mobile: +31 612345699\n  password: lampion-vijver-oktober\n" +
					"  authenticator: IYHTMFTJUAION5GCZHBRA3JLVMNP7YNF\n"
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				s := newSiege(t, staff(file))
				s.walk(nurse, "x.hostile", toPassword...)
				s.on(nurse, conversation.Password)
				shown := s.page(nurse)
				s.submit(nurse, newPassword)
				s.on(nurse, conversation.Done)
				texts := shown + s.page(nurse)
				for _, e := range s.entries("x.hostile") {
					texts += e.Text
				}
				if strings.ContainsAny(texts, "\u202e\u2066\u200b") {
					t.Error("what turns the writing around came through")
				}
				if want := strings.NewReplacer("\u202e", "", "\u2066", "", "\u200b",
					"").Replace(name); !strings.Contains(shown, want) {
					t.Errorf("the name is not shown as it is:\n%s", shown)
				}
				for _, out := range []string{s.log.String(), fmt.Sprint(s.lines())} {
					if strings.Contains(out, "hostile") || strings.Contains(out, name) {
						t.Errorf("the name is in the log or the audit: %s", out)
					}
				}
			})
		})
	}
}

// Whoever guesses a colleague's name can shut the reset, for those
// who are not in the colleague's own chat, and never the door.
func TestAC76_TheResetLockNeverLocksTheSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t)
		s.walk(stranger, "m.devries", toCode...)
		s.walk(stranger, "m.devries", "000001", "000002", "000003", "4", "000004", "000005")
		s.on(stranger, conversation.Locked)
		for range 3 {
			if !s.signIn("m.devries", "lampion-vijver-oktober") {
				t.Fatal("the ordinary sign-in is locked")
			}
		}
		account, found, err := s.people.Find(t.Context(), bot.Query{Name: "m.devries"})
		if err != nil || !found || account.Locked {
			t.Errorf("locked: %t (found %t, %v)", account.Locked, found, err)
		}
		owner, marieke := nurse, s.person("m.devries")
		for _, text := range []string{"wachtwoord vergeten", "ja"} {
			m := said(owner, text)
			m.From.Bound = []conversation.Bound{{ID: marieke.ID, UPN: marieke.UPN}}
			s.receive(m)
		}
		s.on(owner, conversation.Step1Choose)
	})
}

// Whoever floods uses up what is theirs, and nothing of others.
func TestAC83_AFloodOfOneAskerIsTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, onBolt)
		var flood []bot.Incoming
		users := make([]conversation.User, 300)
		for i := range users {
			users[i] = visitor(i)
		}
		from := func(user conversation.User, text string) bot.Incoming {
			m := said(user, text)
			m.From.Asker = "192.0.2.7"
			return m
		}
		round := func(text func(conversation.User, int) string) {
			flood = flood[:0]
			for i, user := range users {
				flood = append(flood, from(user, text(user, i)))
			}
			s.atOnce(flood...)
		}
		names := []string{"m.devries", "z.celik", "p.bakker", "l.vogel", "s.boersma"}
		round(func(conversation.User, int) string { return "wachtwoord vergeten" })
		round(func(_ conversation.User, i int) string {
			if i < 100 {
				return names[i%len(names)]
			}
			return fmt.Sprintf("nobody.%d", i)
		})
		round(func(user conversation.User, _ int) string { return s.captcha(user) })
		in := 0
		for _, user := range users {
			if s.state(user) == conversation.Step1Choose {
				in++
			}
		}
		if in > 10 {
			t.Errorf("%d conversations of one asker got in, want 10 at the most", in)
		}
		for try := range 5 {
			for _, user := range users {
				switch s.state(user) {
				case conversation.Step1Choose:
					s.receiveFrom(from(user, "4"))
					fallthrough
				case conversation.Step1Answer:
					s.receiveFrom(from(user, fmt.Sprintf("00000%d", try)))
				}
			}
		}
		if judged := s.count("judged"); judged > 15 {
			t.Errorf("%d judged of one asker", judged)
		}
		s.walk(nurse, "k.jansen", toPassword...)
		s.submit(nurse, newPassword)
		s.on(nurse, conversation.Done)
	})
}
