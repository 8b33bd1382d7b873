package conversation

import (
	"slices"
	"strings"
)

// The guide: without any right it takes a person through Microsoft's own reset
// page, one step a message, and knows where people get stuck there. It asks no
// directory, names no account and orders nothing; so it also works where
// everything else is out of order.

// guidePages are what each step of the guide says, and what it says to who
// does not get on: first what is peculiar to the step, then what happens there
// too.
var guidePages = map[State]struct {
	page    MessageID
	trouble []MessageID
}{
	GuideOpen:     {AskGuideOpen, []MessageID{NoteGuideOpen}},
	GuideName:     {AskGuideName, []MessageID{NoteGuideName}},
	GuideCaptcha:  {AskGuideCaptcha, []MessageID{NoteGuideCaptcha}},
	GuideNext:     {AskGuideNext, []MessageID{NoteGuideNext, NoteGuideLocked, NoteGuideCode}},
	GuideMethod:   {AskGuideMethod, []MessageID{NoteGuideMethod, NoteGuideTime, NoteGuideLocked}},
	GuideProof:    {AskGuideProof, []MessageID{NoteGuideProof, NoteGuideTime, NoteGuideLocked}},
	GuideSecond:   {AskGuideSecond, []MessageID{NoteGuideSecond, NoteGuideTime, NoteGuideLocked}},
	GuidePassword: {AskGuidePassword, []MessageID{NoteGuidePassword, NoteGuideTime}},
	GuideFinish:   {AskGuideFinish, []MessageID{NoteGuideFinish, NoteGuideTime, NoteGuideCode}},
	GuideLogin:    {AskGuideLogin, []MessageID{NoteGuideLogin}},
}

// guideSecrets are the steps on which a person has a code or a password at
// hand, and may type it here by mistake.
var guideSecrets = []State{GuideProof, GuideSecond, GuidePassword, GuideFinish}

// guideEnds are the ends that say what they say of our own reset: nothing has
// changed, no code works any more. Of Microsoft's page nobody here knows that.
var guideEnds = map[MessageID]MessageID{
	EndCancelled: EndGuideStopped,
	EndExpired:   EndGuideExpired,
}

// deskFirst is after how many times that one step does not work people are
// offered first.
const deskFirst = 3

// guides reports whether s is a step of the guide.
func (s State) guides() bool { return guide[s] != nil }

// enterGuide leaves behind what was found about an account: the guide knows
// none. It has an absolute end of its own, seen from the first message.
func (s *step) enterGuide() {
	s.c.Subject, s.c.Typed, s.c.Captcha.Solved, s.c.Captcha.ID = Subject{}, "", false, ""
	s.follow(GuideAsked)
	s.c.Ends, s.c.Reminded = s.c.Started.Add(s.Policy.Guide), false
	s.askGuide()
}

// leaveGuide goes back to the first page. A reset that begins there gets its
// usual time, and the whole no more than the guide had.
func (s *step) leaveGuide() {
	end := s.now.Add(s.Policy.Conversation)
	if end.Before(s.c.Ends) {
		s.c.Ends, s.c.Reminded = end, false
	}
	s.askStart()
}

func (s *step) askGuide() {
	s.show(Page{
		ID: guidePages[s.c.State].page, Args: Args{Domain: s.example(), Length: s.Policy.PasswordMin},
		Offers: offers(PickNext, PickTrouble),
	})
}

// guide takes what a person says of a step.
func (s *step) guide() {
	note, coded := ssprNote(s.in.Choice)
	switch {
	case s.in.Choice == PickNext && s.c.State == GuideLogin:
		s.end(Works, Page{ID: EndGuide, Offers: offers(PickDesk)})
	case s.in.Choice == PickNext:
		s.follow(Next)
		s.askGuide()
	case s.in.Choice == PickAgain && s.c.State.arrows()[Again] != "":
		s.follow(Again)
		s.askGuide()
	case s.in.Choice == PickTrouble:
		s.trouble()
	case coded:
		s.offerWays(true)
		s.repeat(Note{ID: note})
	case slices.Contains(guideSecrets, s.c.State):
		s.unclear(Note{ID: NoteGuideTyped})
	default:
		s.unclear()
	}
}

// trouble says what usually goes wrong on this step; the third time that
// somebody should look along, before anything else.
func (s *step) trouble() {
	s.c.Page.Stuck++
	desk := s.c.Page.Stuck >= deskFirst
	var notes []Note
	if desk {
		notes = append(notes, Note{ID: NoteGuideDesk})
	}
	for _, id := range guidePages[s.c.State].trouble {
		notes = append(notes, Note{ID: id})
	}
	s.offerWays(desk)
	s.repeat(notes...)
}

// offerWays offers who does not get on the ways that there are. The service
// desk stays first once it was.
func (s *step) offerWays(desk bool) {
	ways := []Choice{PickNext, PickTrouble}
	if s.c.State.arrows()[Again] != "" {
		ways = append(ways, PickAgain)
	}
	if now := s.c.Page.Offers; desk || len(now) > 0 && now[0].Choice == PickDesk {
		ways = slices.Insert(ways, 0, PickDesk)
	} else {
		ways = append(ways, PickDesk)
	}
	s.c.Page.Offers = offers(ways...)
}

// sspr is what those codes of Microsoft's page mean that tell why it does
// nothing for an account (learn.microsoft.com, "Troubleshoot self-service
// password reset").
var sspr = map[Choice]MessageID{
	PickSSPR(9):  NoteSSPR0009,
	PickSSPR(10): NoteSSPR0010,
	PickSSPR(11): NoteSSPR0011,
	PickSSPR(12): NoteSSPR0012,
	PickSSPR(13): NoteSSPR0013,
	PickSSPR(14): NoteSSPR0014,
	PickSSPR(29): NoteSSPR0029,
	PickSSPR(30): NoteSSPR0030,
}

// ssprNote is what to say of a code, also of one that nobody here knows; ok is
// false for a choice that is no code.
func ssprNote(c Choice) (id MessageID, ok bool) {
	if id, ok = sspr[c]; ok {
		return id, true
	}
	return NoteSSPR, strings.HasPrefix(string(c), ssprPrefix)
}
