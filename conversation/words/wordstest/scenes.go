package wordstest

import (
	"slices"
	"time"

	"resetbot/conversation"
)

// Scene is a page as the wizard sends it.
type Scene struct {
	Name  string
	State conversation.State
	Page  conversation.Page
	At    time.Time
}

const (
	sms, call, push, code = conversation.PickSMS, conversation.PickCall, conversation.PickPush,
		conversation.PickCode
	noPhone, desk, again = conversation.PickNoPhone, conversation.PickDesk, conversation.PickAgain
	method, name         = conversation.PickMethod, conversation.PickName
)

// Scenes are the pages in the order in which a nurse meets them, with the
// arguments and offers that the wizard gives them.
func Scenes() []Scene {
	guideEnds := Monday.Add(58 * time.Minute)
	guide := func(id conversation.MessageID) Scene {
		return Scene{string(id), conversation.GuideOpen, conversation.Page{
			ID: id, Ends: guideEnds, Receipt: "K7Q-2MX", Args: conversation.Args{Domain: "linde.example", Length: 16},
			Offers: Offers(conversation.PickNext, conversation.PickTrouble),
		}, Monday}
	}
	stuck := guide(conversation.AskGuideNext)
	stuck.Name = "guide, the third time"
	stuck.Page.Notes = []conversation.Note{
		{ID: conversation.NoteGuideDesk},
		{ID: conversation.NoteGuideNext},
		{ID: conversation.NoteGuideLocked},
		{ID: conversation.NoteGuideCode},
	}
	stuck.Page.Offers = Offers(desk, conversation.PickNext, conversation.PickTrouble, again)
	helped := guide(conversation.AskGuideMethod)
	helped.Name = "guide, help"
	helped.Page.Notes = []conversation.Note{
		{ID: conversation.NoteMinutes, Args: conversation.Args{Minutes: 3}}, {ID: conversation.NoteHelp},
	}
	ends := Monday.Add(12*time.Minute + 10*time.Second)
	receipt := "K7Q-2MX"
	step := func(n int, p conversation.Page) conversation.Page {
		p.Crumb, p.Args.Step, p.Ends, p.Receipt = n, n, ends, receipt
		return p
	}
	open := func(p conversation.Page) conversation.Page { p.Ends, p.Receipt = ends, receipt; return p }
	end := func(p conversation.Page) conversation.Page {
		p.Receipt = receipt
		if p.Offers == nil {
			p.Offers = Offers(again, desk)
		}
		return p
	}
	used := Offers(sms, call, push, code, noPhone, desk)
	used[0].Off, used[1].Off = conversation.NoteFamilyUsed, conversation.NoteFamilyUsed
	ownOffers := Offers(sms, call, push, code, noPhone, desk, name)
	ownOffers[2].Off, ownOffers[3].Off = conversation.NoteNotEnrolled, conversation.NoteTooYoung
	opens := Monday.Add(10 * time.Minute)
	noSMS := Offers(sms, call, push, code, noPhone, desk, name)
	noSMS[0].Off, noSMS[0].Until = conversation.NoteClosed, opens
	noPhones, onlyPhones := slices.Clone(noSMS), slices.Clone(noSMS[:6])
	noPhones[1] = conversation.Offer{Choice: call, Off: conversation.NoteClosed, Until: opens.Add(23 * time.Hour)}
	onlyPhones[1], onlyPhones[2].Off, onlyPhones[3].Off = noPhones[1], conversation.NoteFamilyUsed, conversation.NoteFamilyUsed
	note := func(id conversation.MessageID) []conversation.Note { return []conversation.Note{{ID: id}} }
	captcha := &conversation.Media{Kind: conversation.MediaCaptcha, ID: "c"}
	password := step(3, conversation.Page{
		ID: conversation.AskPassword, Args: conversation.Args{Name: "M. de Vries", Length: 16},
		Fields: []conversation.Field{conversation.FieldPassword, conversation.FieldConfirm},
		Offers: Offers(conversation.PickCancel, desk),
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
	elsewhere := func(p conversation.Page) conversation.Page { // on a one-time page
		p.Fields = append(p.Fields[:len(p.Fields):len(p.Fields)], conversation.FieldWord)
		p.Offers = append(Offers(conversation.PickLink), p.Offers...)
		p.Entry = &conversation.Entry{Expires: Monday.Add(10 * time.Minute), Shows: 3, Asks: 44}
		return p
	}
	enrol := func(n int, p conversation.Page) conversation.Page {
		p.Crumb, p.Args.Goal, p.Ends, p.Receipt = n, conversation.ToEnrol, ends, receipt
		return p
	}
	current := enrol(1, conversation.Page{
		ID: conversation.AskCurrent, Args: conversation.Args{Name: "M. de Vries"},
		Fields: []conversation.Field{conversation.FieldCurrent}, Offers: Offers(conversation.PickCancel, desk),
	})
	currentWrong := current
	currentWrong.Notes = []conversation.Note{{ID: conversation.NoteCurrentWrong, Args: conversation.Args{Left: 2}}}
	scan := enrol(3, conversation.Page{
		ID: conversation.AskScan, Args: conversation.Args{Name: "m.devries@linde.example"},
		Fields: []conversation.Field{conversation.FieldCode}, Offers: Offers(conversation.PickCancel, desk),
		Media: &conversation.Media{Kind: conversation.MediaQR, ID: "e"},
	})
	scanHere := scan
	scanHere.ID = conversation.AskScanHere

	night := time.Date(2026, time.November, 22, 23, 40, 0, 0, Amsterdam)
	noon := time.Date(2026, time.November, 23, 12, 0, 0, 0, Amsterdam)
	return []Scene{
		{"start", conversation.Start, open(conversation.Page{ID: conversation.AskStart, Offers: Offers(
			conversation.PickReset, conversation.PickStuck, conversation.PickElse)}), Monday},
		{
			"something else", conversation.Start, open(conversation.Page{
				ID: conversation.AskElse,
				Offers: Offers(
					conversation.PickReset, conversation.PickMicrosoft, conversation.PickLostPhone, desk),
			}),
			Monday,
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
			ID: conversation.EndGuide, Offers: Offers(desk),
		}), Monday},
		{"guide, stopped", conversation.Cancelled, end(conversation.Page{ID: conversation.EndGuideStopped}), Monday},
		{"guide, expired", conversation.Expired, end(conversation.Page{ID: conversation.EndGuideExpired}), noon},
		{"cannot get in", conversation.Hints, open(conversation.Page{
			ID: conversation.AskHints,
			Offers: Offers(
				conversation.PickWorks, conversation.PickUnlock, conversation.PickReset),
		}), Monday},
		{"back after a reset", conversation.Start, open(conversation.Page{
			ID: conversation.AskFollowUp,
			Offers: Offers(
				conversation.PickYes, conversation.PickNo),
		}), Monday},
		{
			"badge still broken", conversation.Start, open(conversation.Page{
				ID:     conversation.AskStart,
				Notes:  note(conversation.NoteFollowUpNo),
				Offers: Offers(conversation.PickReset, conversation.PickStuck, conversation.PickElse),
			}),
			Monday,
		},
		{"own account", conversation.Who, open(conversation.Page{
			ID:     conversation.AskOwn,
			Args:   conversation.Args{Accounts: []string{"m.devries@linde.example"}},
			Offers: Offers(conversation.PickYes, conversation.PickOther),
		}), Monday},
		{
			"own accounts", conversation.Who, open(conversation.Page{
				ID: conversation.AskOwn,
				Args: conversation.Args{Accounts: []string{
					"m.devries@linde.example",
					"mdv-lab@linde.example",
				}},
				Offers: Offers(conversation.PickOwn(0), conversation.PickOwn(1), conversation.PickOther),
			}),
			Monday,
		},
		{
			"who", conversation.Who, open(conversation.Page{
				ID: conversation.AskWho, Media: captcha,
				Args:   conversation.Args{Domain: "linde.example"},
				Fields: []conversation.Field{conversation.FieldName, conversation.FieldCaptcha},
				Offers: Offers(conversation.PickCaptcha, conversation.PickAudio, conversation.PickBack,
					conversation.PickCancel),
			}),
			Monday,
		},
		{"who, other domain", conversation.Who, open(conversation.Page{
			ID:   conversation.AskWho,
			Args: conversation.Args{Domain: "linde.example"},
			Notes: []conversation.Note{{
				ID:   conversation.NoteDomain,
				Args: conversation.Args{Domain: "linde.example"},
			}},
			Fields: []conversation.Field{conversation.FieldName},
			Offers: Offers(conversation.PickBack, conversation.PickCancel),
		}), Monday},
		{
			"captcha", conversation.Who, open(conversation.Page{
				ID: conversation.AskCaptcha, Media: captcha,
				Notes:  note(conversation.NoteCaptchaWrong),
				Fields: []conversation.Field{conversation.FieldCaptcha},
				Offers: Offers(conversation.PickCaptcha, conversation.PickAudio, conversation.PickBack,
					conversation.PickCancel),
			}),
			Monday,
		},
		{
			"captcha with sound", conversation.Who, open(conversation.Page{
				ID:     conversation.AskCaptcha,
				Media:  &conversation.Media{Kind: conversation.MediaCaptcha, ID: "c", Sound: true},
				Notes:  note(conversation.NoteCaptchaSound),
				Fields: []conversation.Field{conversation.FieldCaptcha},
				Offers: Offers(conversation.PickCaptcha, conversation.PickAudio, conversation.PickBack,
					conversation.PickCancel),
			}),
			Monday,
		},
		{"looking", conversation.Find, open(conversation.Page{ID: conversation.WaitFind}), Monday},
		{"step 1", conversation.Step1Choose, step(1, conversation.Page{
			ID:     conversation.AskMethod,
			Offers: Offers(sms, call, push, code, noPhone, desk, name),
		}), Monday},
		{"step 1, own chat", conversation.Step1Choose, step(1, conversation.Page{
			ID:     conversation.AskMethod,
			Offers: ownOffers,
		}), noon},
		{"step 1, nothing received", conversation.Step1Choose, step(1,
			conversation.Page{
				ID:    conversation.AskMethod,
				Notes: note(conversation.NoteNothing), Offers: Offers(sms, call, push, code, noPhone, desk,
					name),
			}), Monday},
		{"step 1, no text messages", conversation.Step1Choose, step(1, conversation.Page{
			ID: conversation.AskMethod, Offers: noSMS,
			Notes: []conversation.Note{{
				ID: conversation.NoteClosed, Args: conversation.Args{Method: conversation.SMS, At: opens},
			}},
		}), Monday},
		{"step 1, no telephone", conversation.Step1Choose, step(1, conversation.Page{
			ID: conversation.AskMethod, Offers: noPhones,
			Notes: []conversation.Note{{ID: conversation.NotePhoneLater, Args: conversation.Args{At: opens}}},
		}), Monday},
		{"step 2, no telephone", conversation.Step2Choose, step(2, conversation.Page{
			ID: conversation.AskMethod, Offers: onlyPhones,
			Notes: []conversation.Note{
				{ID: conversation.NoteStepDone},
				{ID: conversation.NotePhoneWait, Args: conversation.Args{At: opens}},
			},
		}), Monday},
		{"number", conversation.Step1Number, step(1, conversation.Page{
			ID:     conversation.AskNumber,
			Args:   conversation.Args{Digits: "13", Method: conversation.SMS},
			Fields: []conversation.Field{conversation.FieldNumber},
			Offers: Offers(conversation.PickNotMine, method, noPhone, desk),
		}), Monday},
		{"number, to be called", conversation.Step1Number, step(1, conversation.Page{
			ID:     conversation.AskNumber,
			Args:   conversation.Args{Digits: "13", Method: conversation.Call},
			Fields: []conversation.Field{conversation.FieldNumber},
			Offers: Offers(conversation.PickNotMine, method, noPhone, desk),
		}), Monday},
		{"text message", conversation.Step1Answer, step(1, conversation.Page{
			ID:     conversation.AskSMSCode,
			Fields: []conversation.Field{conversation.FieldCode},
			Offers: Offers(conversation.PickResend, name, method, noPhone, desk),
		}), Monday},
		{"text message, wrong code", conversation.Step1Answer, step(1,
			conversation.Page{
				ID:     conversation.AskSMSCode,
				Notes:  []conversation.Note{{ID: conversation.NoteCodeWrong, Args: conversation.Args{Left: 1}}},
				Fields: []conversation.Field{conversation.FieldCode},
				Offers: Offers(conversation.PickResend, method, noPhone, desk),
			}), Monday},
		{"call", conversation.Step1Waiting, step(1, conversation.Page{
			ID:     conversation.WaitCall,
			Offers: Offers(method, noPhone, desk),
		}), Monday},
		{"call with digits", conversation.Step1Waiting, step(1,
			conversation.Page{
				ID:   conversation.WaitCallDigits,
				Args: conversation.Args{Digits: "42"}, Offers: Offers(method, noPhone, desk),
			}), Monday},
		{"step 2", conversation.Step2Choose, step(2, conversation.Page{
			ID:    conversation.AskMethod,
			Notes: note(conversation.NoteStepDone), Offers: used,
		}), Monday},
		{"notification", conversation.Step2Waiting, step(2, conversation.Page{
			ID:   conversation.WaitPush,
			Args: conversation.Args{Digits: "42"}, Offers: Offers(method, noPhone, desk),
		}), Monday},
		{
			"app code", conversation.Step2Answer, step(2, conversation.Page{
				ID:     conversation.AskAppCode,
				Fields: []conversation.Field{conversation.FieldCode}, Offers: Offers(method, noPhone, desk),
			}),
			Monday,
		},
		{"checking", conversation.Step2Checking, step(2, conversation.Page{
			ID:     conversation.WaitCheck,
			Offers: Offers(desk),
		}), Monday},
		{"password", conversation.Password, password, Monday},
		{"password refused", conversation.Password, refused, Monday},
		{"password with a blank", conversation.Password, blank, Monday},
		{"password typed in the chat", conversation.Password, exposed, Monday},
		{
			"changing", conversation.Changing,
			conversation.Page{
				ID: conversation.WaitChange, Crumb: 3,
				Receipt: receipt,
			},
			Monday,
		},
		{"unknown", conversation.Unknown, conversation.Page{
			ID: conversation.WaitUnknown, Crumb: 3,
			Receipt: receipt,
			Offers:  Offers(desk),
		}, night},
		{"unlock unknown", conversation.UnlockUnknown, conversation.Page{
			ID:      conversation.WaitUnknown,
			Crumb:   3,
			Receipt: receipt, Offers: Offers(desk),
		}, Monday},
		{"done", conversation.Done, end(conversation.Page{
			ID: conversation.EndReset, Crumb: 4,
			Offers: Offers(desk),
		}), Monday},
		{
			"unlocked", conversation.Done, end(conversation.Page{
				ID: conversation.EndUnlocked, Crumb: 4,
				Offers: Offers(desk),
			}),
			Monday,
		},
		{
			"cancelled", conversation.Cancelled, end(conversation.Page{ID: conversation.EndCancelled}),
			Monday,
		},
		{"expired", conversation.Expired, end(conversation.Page{ID: conversation.EndExpired}), noon},
		{"locked", conversation.Locked, end(conversation.Page{
			ID:   conversation.EndLocked,
			Args: conversation.Args{At: Monday.Add(24*time.Hour + 20*time.Second)},
		}), Monday},
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
			Monday,
		},
		{
			"no methods", conversation.Referred, end(conversation.Page{ID: conversation.EndNoMethods}),
			Monday,
		},
		{
			"not one's own", conversation.Referred, end(conversation.Page{ID: conversation.EndNotOwn}),
			Monday,
		},
		{"disabled", conversation.Referred, end(conversation.Page{
			ID:   conversation.EndIneligible,
			Args: conversation.Args{Reason: conversation.Disabled},
		}), Monday},
		{
			"not locked", conversation.Referred, end(conversation.Page{ID: conversation.EndNotLocked}),
			Monday,
		},
		{"closed", conversation.Referred, end(conversation.Page{
			ID: conversation.EndClosed, Args: conversation.Args{At: Monday.Add(time.Hour)},
		}), Monday},
		{"closed at night, nobody knows until when", conversation.Referred, end(conversation.Page{
			ID: conversation.EndClosed,
		}), night},
		{"denied", conversation.Denied, end(conversation.Page{ID: conversation.EndDenied}), Monday},
		{
			"displaced", conversation.Displaced, end(conversation.Page{ID: conversation.EndDisplaced}),
			Monday,
		},
		{
			"withdrawn", conversation.Withdrawn, end(conversation.Page{ID: conversation.EndWithdrawn}),
			Monday,
		},
		{
			"unresolved", conversation.Withdrawn, end(conversation.Page{ID: conversation.EndUnresolved}),
			Monday,
		},
		{"trouble", "", conversation.Page{ID: conversation.SayTrouble}, Monday},
		{"help", conversation.Step1Answer, step(1, conversation.Page{
			ID:    conversation.AskSMSCode,
			Notes: note(conversation.NoteHelp), Fields: []conversation.Field{conversation.FieldCode},
			Offers: Offers(conversation.PickResend, method, noPhone, desk),
		}), night},
		{"password on a page of its own", conversation.Password, elsewhere(password), Monday},
		{"password refused there", conversation.Password, elsewhere(refused), Monday},
		{"current password", conversation.EnrolPassword, elsewhere(current), Monday},
		{"current password, wrong", conversation.EnrolPassword, elsewhere(currentWrong), Monday},
		{"current password, unseen", conversation.EnrolPassword, current, Monday},
		{"enrol, proof", conversation.EnrolChoose, enrol(2, conversation.Page{
			ID: conversation.AskEnrolMethod, Offers: Offers(sms, call, noPhone, desk),
		}), Monday},
		{"enrol, on a page of its own", conversation.EnrolScan, elsewhere(scan), Monday},
		{"enrol, unseen", conversation.EnrolScan, scanHere, Monday},
		{"enrolling", conversation.EnrolStore, conversation.Page{
			ID: conversation.WaitEnrol, Crumb: 3, Args: conversation.Args{Goal: conversation.ToEnrol}, Receipt: receipt,
		}, Monday},
		{"enrolled", conversation.Enrolled, enrol(4, end(conversation.Page{
			ID: conversation.EndEnrolled, Offers: Offers(desk), Args: conversation.Args{At: Monday.Add(72 * time.Hour)},
		})), Monday},
		{"reset just now", conversation.Referred, end(conversation.Page{
			ID: conversation.EndEnrolReset, Args: conversation.Args{At: Monday.Add(50 * time.Hour), Goal: conversation.ToEnrol},
		}), Monday},
		{"frozen", conversation.Withdrawn, end(conversation.Page{ID: conversation.EndFrozen}), Monday},
		{"refusals", conversation.Referred, end(conversation.Page{ID: conversation.EndRefusals}), Monday},
		{"still locked", conversation.Referred, end(conversation.Page{ID: conversation.EndStillLocked}), Monday},
		{"restored", conversation.Withdrawn, end(conversation.Page{ID: conversation.EndRestored}), Monday},
	}
}
