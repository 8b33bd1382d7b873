package words_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

var update = flag.Bool("update", false, "write the golden files anew")

// scene is a page as the wizard sends it.
type scene struct {
	name  string
	state conversation.State
	page  conversation.Page
	at    time.Time // zero: monday at 07:00
}

const (
	sms, call, push, code = conversation.PickSMS, conversation.PickCall, conversation.PickPush,
		conversation.PickCode
	noPhone, desk, again = conversation.PickNoPhone, conversation.PickDesk, conversation.PickAgain
	method, name         = conversation.PickMethod, conversation.PickName
)

// scenes are the pages in the order in which a nurse meets them, with the
// arguments and offers that the wizard gives them.
func scenes() []scene {
	guideEnds := monday.Add(58 * time.Minute)
	guide := func(id conversation.MessageID) scene {
		return scene{string(id), conversation.GuideOpen, conversation.Page{
			ID: id, Ends: guideEnds, Receipt: "K7Q-2MX", Args: conversation.Args{Domain: "linde.example", Length: 16},
			Offers: offers(conversation.PickNext, conversation.PickTrouble),
		}, time.Time{}}
	}
	stuck := guide(conversation.AskGuideNext)
	stuck.name = "guide, the third time"
	stuck.page.Notes = []conversation.Note{
		{ID: conversation.NoteGuideDesk},
		{ID: conversation.NoteGuideNext},
		{ID: conversation.NoteGuideLocked},
		{ID: conversation.NoteGuideCode},
	}
	stuck.page.Offers = offers(desk, conversation.PickNext, conversation.PickTrouble, again)
	helped := guide(conversation.AskGuideMethod)
	helped.name = "guide, help"
	helped.page.Notes = []conversation.Note{
		{ID: conversation.NoteMinutes, Args: conversation.Args{Minutes: 3}}, {ID: conversation.NoteHelp},
	}
	ends := monday.Add(12*time.Minute + 10*time.Second)
	receipt := "K7Q-2MX"
	step := func(n int, p conversation.Page) conversation.Page {
		p.Crumb, p.Args.Step, p.Ends, p.Receipt = n, n, ends, receipt
		return p
	}
	open := func(p conversation.Page) conversation.Page { p.Ends, p.Receipt = ends, receipt; return p }
	end := func(p conversation.Page) conversation.Page {
		p.Receipt = receipt
		if p.Offers == nil {
			p.Offers = offers(again, desk)
		}
		return p
	}
	used := offers(sms, call, push, code, noPhone, desk)
	used[0].Off, used[1].Off = conversation.NoteFamilyUsed, conversation.NoteFamilyUsed
	ownOffers := offers(sms, call, push, code, noPhone, desk, name)
	ownOffers[2].Off, ownOffers[3].Off = conversation.NoteNotEnrolled, conversation.NoteTooYoung
	opens := monday.Add(10 * time.Minute)
	noSMS := offers(sms, call, push, code, noPhone, desk, name)
	noSMS[0].Off, noSMS[0].Until = conversation.NoteClosed, opens
	noPhones, onlyPhones := slices.Clone(noSMS), slices.Clone(noSMS[:6])
	noPhones[1] = conversation.Offer{Choice: call, Off: conversation.NoteClosed, Until: opens.Add(23 * time.Hour)}
	onlyPhones[1], onlyPhones[2].Off, onlyPhones[3].Off = noPhones[1], conversation.NoteFamilyUsed, conversation.NoteFamilyUsed
	note := func(id conversation.MessageID) []conversation.Note { return []conversation.Note{{ID: id}} }
	captcha := &conversation.Media{Kind: conversation.MediaCaptcha, ID: "c"}
	password := step(3, conversation.Page{
		ID: conversation.AskPassword, Args: conversation.Args{Name: "M. de Vries", Length: 16},
		Fields: []conversation.Field{conversation.FieldPassword, conversation.FieldConfirm},
		Offers: offers(conversation.PickCancel, desk),
	})
	password.Args.Step = 0
	refused, blank, exposed := password, password, password
	refused.Notes = []conversation.Note{{ID: conversation.NotePasswordRefused, Args: conversation.Args{
		Faults: []conversation.PasswordFlaw{
			conversation.FlawShort, conversation.FlawPersonal,
			conversation.FlawHistory,
		}, Length: 16,
	}}}
	blank.Notes = note(conversation.NotePasswordBlank)
	blank.Fields = append(blank.Fields[:2:2], conversation.FieldMeantSo)
	exposed.Notes = note(conversation.NotePasswordChat)

	night := time.Date(2026, time.November, 22, 23, 40, 0, 0, amsterdam)
	noon := time.Date(2026, time.November, 23, 12, 0, 0, 0, amsterdam)
	return []scene{
		{"start", conversation.Start, open(conversation.Page{ID: conversation.AskStart, Offers: offers(
			conversation.PickReset, conversation.PickStuck, conversation.PickElse)}), time.Time{}},
		{
			"something else", conversation.Start, open(conversation.Page{
				ID: conversation.AskElse,
				Offers: offers(
					conversation.PickReset, conversation.PickMicrosoft, conversation.PickLostPhone, desk),
			}),
			time.Time{},
		},
		guide(conversation.AskGuideOpen),
		guide(conversation.AskGuideName),
		guide(conversation.AskGuideCaptcha),
		guide(conversation.AskGuideNext),
		stuck,
		guide(conversation.AskGuideMethod),
		helped,
		guide(conversation.AskGuideProof),
		guide(conversation.AskGuideSecond),
		guide(conversation.AskGuidePassword),
		guide(conversation.AskGuideFinish),
		guide(conversation.AskGuideLogin),
		{"guide, done", conversation.Solved, end(conversation.Page{
			ID: conversation.EndGuide, Offers: offers(desk),
		}), time.Time{}},
		{"guide, stopped", conversation.Cancelled, end(conversation.Page{ID: conversation.EndGuideStopped}), time.Time{}},
		{"guide, expired", conversation.Expired, end(conversation.Page{ID: conversation.EndGuideExpired}), noon},
		{"cannot get in", conversation.Hints, open(conversation.Page{
			ID: conversation.AskHints,
			Offers: offers(
				conversation.PickWorks, conversation.PickUnlock, conversation.PickReset),
		}), time.Time{}},
		{"back after a reset", conversation.Start, open(conversation.Page{
			ID: conversation.AskFollowUp,
			Offers: offers(
				conversation.PickYes, conversation.PickNo),
		}), time.Time{}},
		{
			"badge still broken", conversation.Start, open(conversation.Page{
				ID:     conversation.AskStart,
				Notes:  note(conversation.NoteFollowUpNo),
				Offers: offers(conversation.PickReset, conversation.PickStuck, conversation.PickElse),
			}),
			time.Time{},
		},
		{"own account", conversation.Who, open(conversation.Page{
			ID:     conversation.AskOwn,
			Args:   conversation.Args{Accounts: []string{"m.devries@linde.example"}},
			Offers: offers(conversation.PickYes, conversation.PickOther),
		}), time.Time{}},
		{
			"own accounts", conversation.Who, open(conversation.Page{
				ID: conversation.AskOwn,
				Args: conversation.Args{Accounts: []string{
					"m.devries@linde.example",
					"mdv-lab@linde.example",
				}},
				Offers: offers(conversation.PickOwn(0), conversation.PickOwn(1), conversation.PickOther),
			}),
			time.Time{},
		},
		{
			"who", conversation.Who, open(conversation.Page{
				ID: conversation.AskWho, Media: captcha,
				Args:   conversation.Args{Domain: "linde.example"},
				Fields: []conversation.Field{conversation.FieldName, conversation.FieldCaptcha},
				Offers: offers(conversation.PickCaptcha, conversation.PickAudio, conversation.PickBack,
					conversation.PickCancel),
			}),
			time.Time{},
		},
		{"who, other domain", conversation.Who, open(conversation.Page{
			ID:   conversation.AskWho,
			Args: conversation.Args{Domain: "linde.example"},
			Notes: []conversation.Note{{
				ID:   conversation.NoteDomain,
				Args: conversation.Args{Domain: "linde.example"},
			}},
			Fields: []conversation.Field{conversation.FieldName},
			Offers: offers(conversation.PickBack, conversation.PickCancel),
		}), time.Time{}},
		{
			"captcha", conversation.Who, open(conversation.Page{
				ID: conversation.AskCaptcha, Media: captcha,
				Notes:  note(conversation.NoteCaptchaWrong),
				Fields: []conversation.Field{conversation.FieldCaptcha},
				Offers: offers(conversation.PickCaptcha, conversation.PickAudio, conversation.PickBack,
					conversation.PickCancel),
			}),
			time.Time{},
		},
		{
			"captcha with sound", conversation.Who, open(conversation.Page{
				ID:     conversation.AskCaptcha,
				Media:  &conversation.Media{Kind: conversation.MediaCaptcha, ID: "c", Sound: true},
				Notes:  note(conversation.NoteCaptchaSound),
				Fields: []conversation.Field{conversation.FieldCaptcha},
				Offers: offers(conversation.PickCaptcha, conversation.PickAudio, conversation.PickBack,
					conversation.PickCancel),
			}),
			time.Time{},
		},
		{"looking", conversation.Find, open(conversation.Page{ID: conversation.WaitFind}), time.Time{}},
		{"step 1", conversation.Step1Choose, step(1, conversation.Page{
			ID:     conversation.AskMethod,
			Offers: offers(sms, call, push, code, noPhone, desk, name),
		}), time.Time{}},
		{"step 1, own chat", conversation.Step1Choose, step(1, conversation.Page{
			ID:     conversation.AskMethod,
			Offers: ownOffers,
		}), noon},
		{"step 1, nothing received", conversation.Step1Choose, step(1,
			conversation.Page{
				ID:    conversation.AskMethod,
				Notes: note(conversation.NoteNothing), Offers: offers(sms, call, push, code, noPhone, desk,
					name),
			}), time.Time{}},
		{"step 1, no text messages", conversation.Step1Choose, step(1, conversation.Page{
			ID: conversation.AskMethod, Offers: noSMS,
			Notes: []conversation.Note{{
				ID: conversation.NoteClosed, Args: conversation.Args{Method: conversation.SMS, At: opens},
			}},
		}), time.Time{}},
		{"step 1, no telephone", conversation.Step1Choose, step(1, conversation.Page{
			ID: conversation.AskMethod, Offers: noPhones,
			Notes: []conversation.Note{{ID: conversation.NotePhoneLater, Args: conversation.Args{At: opens}}},
		}), time.Time{}},
		{"step 2, no telephone", conversation.Step2Choose, step(2, conversation.Page{
			ID: conversation.AskMethod, Offers: onlyPhones,
			Notes: []conversation.Note{
				{ID: conversation.NoteStepDone},
				{ID: conversation.NotePhoneWait, Args: conversation.Args{At: opens}},
			},
		}), time.Time{}},
		{"number", conversation.Step1Number, step(1, conversation.Page{
			ID:     conversation.AskNumber,
			Args:   conversation.Args{Digits: "13", Method: conversation.SMS},
			Fields: []conversation.Field{conversation.FieldNumber},
			Offers: offers(conversation.PickNotMine, method, noPhone, desk),
		}), time.Time{}},
		{"number, to be called", conversation.Step1Number, step(1, conversation.Page{
			ID:     conversation.AskNumber,
			Args:   conversation.Args{Digits: "13", Method: conversation.Call},
			Fields: []conversation.Field{conversation.FieldNumber},
			Offers: offers(conversation.PickNotMine, method, noPhone, desk),
		}), time.Time{}},
		{"text message", conversation.Step1Answer, step(1, conversation.Page{
			ID:     conversation.AskSMSCode,
			Fields: []conversation.Field{conversation.FieldCode},
			Offers: offers(conversation.PickResend, name, method, noPhone, desk),
		}), time.Time{}},
		{"text message, wrong code", conversation.Step1Answer, step(1,
			conversation.Page{
				ID:     conversation.AskSMSCode,
				Notes:  []conversation.Note{{ID: conversation.NoteCodeWrong, Args: conversation.Args{Left: 1}}},
				Fields: []conversation.Field{conversation.FieldCode},
				Offers: offers(conversation.PickResend, method, noPhone, desk),
			}), time.Time{}},
		{"call", conversation.Step1Waiting, step(1, conversation.Page{
			ID:     conversation.WaitCall,
			Offers: offers(method, noPhone, desk),
		}), time.Time{}},
		{"call with digits", conversation.Step1Waiting, step(1,
			conversation.Page{
				ID:   conversation.WaitCallDigits,
				Args: conversation.Args{Digits: "42"}, Offers: offers(method, noPhone, desk),
			}), time.Time{}},
		{"step 2", conversation.Step2Choose, step(2, conversation.Page{
			ID:    conversation.AskMethod,
			Notes: note(conversation.NoteStepDone), Offers: used,
		}), time.Time{}},
		{"notification", conversation.Step2Waiting, step(2, conversation.Page{
			ID:   conversation.WaitPush,
			Args: conversation.Args{Digits: "42"}, Offers: offers(method, noPhone, desk),
		}), time.Time{}},
		{
			"app code", conversation.Step2Answer, step(2, conversation.Page{
				ID:     conversation.AskAppCode,
				Fields: []conversation.Field{conversation.FieldCode}, Offers: offers(method, noPhone, desk),
			}),
			time.Time{},
		},
		{"checking", conversation.Step2Checking, step(2, conversation.Page{
			ID:     conversation.WaitCheck,
			Offers: offers(desk),
		}), time.Time{}},
		{"password", conversation.Password, password, time.Time{}},
		{"password refused", conversation.Password, refused, time.Time{}},
		{"password with a blank", conversation.Password, blank, time.Time{}},
		{"password typed in the chat", conversation.Password, exposed, time.Time{}},
		{
			"changing", conversation.Changing,
			conversation.Page{
				ID: conversation.WaitChange, Crumb: 3,
				Receipt: receipt,
			},
			time.Time{},
		},
		{"unknown", conversation.Unknown, conversation.Page{
			ID: conversation.WaitUnknown, Crumb: 3,
			Receipt: receipt,
			Offers:  offers(desk),
		}, night},
		{"unlock unknown", conversation.UnlockUnknown, conversation.Page{
			ID:      conversation.WaitUnknown,
			Crumb:   3,
			Receipt: receipt, Offers: offers(desk),
		}, time.Time{}},
		{"done", conversation.Done, end(conversation.Page{
			ID: conversation.EndReset, Crumb: 4,
			Offers: offers(desk),
		}), time.Time{}},
		{
			"unlocked", conversation.Done, end(conversation.Page{
				ID: conversation.EndUnlocked, Crumb: 4,
				Offers: offers(desk),
			}),
			time.Time{},
		},
		{
			"cancelled", conversation.Cancelled, end(conversation.Page{ID: conversation.EndCancelled}),
			time.Time{},
		},
		{"expired", conversation.Expired, end(conversation.Page{ID: conversation.EndExpired}), noon},
		{"locked", conversation.Locked, end(conversation.Page{
			ID:   conversation.EndLocked,
			Args: conversation.Args{At: monday.Add(24*time.Hour + 20*time.Second)},
		}), time.Time{}},
		{"busy", conversation.Locked, end(conversation.Page{
			ID:   conversation.EndBusy,
			Args: conversation.Args{At: night.Add(15 * time.Minute)},
		}), night},
		{"no phone", conversation.Referred, end(conversation.Page{ID: conversation.EndNoPhone}), noon},
		{
			"no phone, at night", conversation.Referred, end(conversation.Page{ID: conversation.EndNoPhone}),
			night,
		},
		{"lost phone", conversation.Referred, end(conversation.Page{ID: conversation.EndLostPhone}), night},
		{
			"one family", conversation.Referred, end(conversation.Page{ID: conversation.EndOneFamily}),
			time.Time{},
		},
		{
			"no methods", conversation.Referred, end(conversation.Page{ID: conversation.EndNoMethods}),
			time.Time{},
		},
		{
			"not one's own", conversation.Referred, end(conversation.Page{ID: conversation.EndNotOwn}),
			time.Time{},
		},
		{"disabled", conversation.Referred, end(conversation.Page{
			ID:   conversation.EndIneligible,
			Args: conversation.Args{Reason: conversation.Disabled},
		}), time.Time{}},
		{
			"not locked", conversation.Referred, end(conversation.Page{ID: conversation.EndNotLocked}),
			time.Time{},
		},
		{"closed", conversation.Referred, end(conversation.Page{
			ID: conversation.EndClosed, Args: conversation.Args{At: monday.Add(time.Hour)},
		}), time.Time{}},
		{"closed at night, nobody knows until when", conversation.Referred, end(conversation.Page{
			ID: conversation.EndClosed,
		}), night},
		{"denied", conversation.Denied, end(conversation.Page{ID: conversation.EndDenied}), time.Time{}},
		{
			"displaced", conversation.Displaced, end(conversation.Page{ID: conversation.EndDisplaced}),
			time.Time{},
		},
		{
			"withdrawn", conversation.Withdrawn, end(conversation.Page{ID: conversation.EndWithdrawn}),
			time.Time{},
		},
		{
			"unresolved", conversation.Withdrawn, end(conversation.Page{ID: conversation.EndUnresolved}),
			time.Time{},
		},
		{"trouble", "", conversation.Page{ID: conversation.SayTrouble}, time.Time{}},
		{"help", conversation.Step1Answer, step(1, conversation.Page{
			ID:    conversation.AskSMSCode,
			Notes: note(conversation.NoteHelp), Fields: []conversation.Field{conversation.FieldCode},
			Offers: offers(conversation.PickResend, method, noPhone, desk),
		}), night},
	}
}

func TestPagesReadAsInTheGoldenFiles(t *testing.T) {
	w := newWords(t)
	for _, locale := range []string{words.Dutch, words.English} {
		var b strings.Builder
		for _, s := range scenes() {
			if s.at.IsZero() {
				s.at = monday
			}
			text, err := w.Render(locale, s.state, s.page, s.at)
			if err != nil {
				t.Errorf("%s, %s: %v", locale, s.name, err)
			}
			fmt.Fprintf(&b, "======== %s, %s\n\n%s\n", s.name, s.at.Format("Mon 15:04"), text)
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
