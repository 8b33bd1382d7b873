package conversation_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	. "resetbot/conversation"
)

// FuzzStep plays any order of anything, by two people who are after the same
// accounts, with outcomes that are right, wrong, late, forged or missing. What
// must hold whatever happens is checked after every step (world.check).
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 1, 10, 20, 60, 30, 40, 60, 50, 60, 31, 51, 60, 70, 60, 60})
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 40 {
		seed := make([]byte, 200+n%2) // an odd number: nobody is in their own chat
		for i := range seed {
			seed[i] = byte(random.Uint32())
			if n%4 > 1 && random.IntN(8) > 0 { // a walk that mostly leads on
				seed[i] = byte(2*len(everyChoice)) | seed[i]&128
			}
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 401 {
			return
		}
		w := newWorld(t)
		if len(script)%2 == 0 {
			w.ownChats()
		}
		if len(script)%5 == 0 {
			w.from[ann] = Origin{Binds: true, Domains: []string{"rijnzicht.example"}}
			w.boundTo(ann, "m.devries")
		}
		for _, b := range script {
			w.play(b)
		}
	})
}

// TestARandomWalkKeepsWhatMustHold is the same with a guide: most moves are
// those that lead on, so that the deep pages are met as often as the first.
func TestARandomWalkKeepsWhatMustHold(t *testing.T) {
	met := map[State]int{}
	bound := 0
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 7))
		w := newWorld(t)
		users := []User{ann, ann, ann, bob}
		if seed%2 == 0 { // the owner's own chat, which shuts others out
			w.ownChats()
			users = []User{mia, mia, piet, ann}
		}
		if seed%4 == 1 { // a chat that binds; what is bound counts at once
			w.wizard.Policy.WaitingTime = 0
			w.from[ann] = Origin{Binds: true}
		}
		for range 150 {
			user := users[random.IntN(len(users))]
			met[w.convs[user].State]++
			if random.IntN(8) == 0 {
				w.play(byte(random.Uint32()))
				continue
			}
			w.lead(user, random)
			if told := w.told(); seed%5 == 0 && len(told) > 0 && random.IntN(25) == 0 {
				met[Disowned]++
				owner := w.disown(told[len(told)-1])
				for range 3 {
					met[w.convs[owner].State]++
					w.now = w.now.Add(5 * time.Second)
					if w.convs[owner].Task == nil {
						w.step(owner, Input{Kind: Passed})
					} else {
						w.come(owner, w.truth(owner))
					}
				}
			}
		}
		bound += len(w.known[ann].Bindings)
	}
	if bound == 0 {
		t.Error("nobody was bound")
	}
	for _, a := range Arrows() {
		if a.From != Disowned && a.From != Scrambling && a.From != Removing && met[a.From] == 0 { // those: disown_test.go
			t.Errorf("no walk came to %s", a.From)
			met[a.From] = 1 // said
		}
	}
}

// lead makes the move that leads on from where user is.
func (w *world) lead(user User, random *rand.Rand) {
	c := w.convs[user]
	lost := random.IntN(6) == 0
	switch {
	case c.Task != nil && c.Task.Kind == TaskReset && lost, c.Task != nil && c.Task.Kind == TaskUnlock && lost:
		w.come(user, Outcome{Write: WriteUnknown})
	case c.Task != nil && c.Task.Kind == TaskChanged && lost:
		w.come(user, Outcome{Changed: ChangedNo})
	case c.Task != nil:
		w.come(user, w.truth(user))
	case (c.ID == "" || c.State.Over()) && w.busy():
		w.step(user, Input{Kind: Passed}) // whoever is that far is not left behind by the clock
	case c.ID == "" || c.State.Over():
		w.now = w.now.Add(3 * time.Hour) // so that nobody has begun too often
		w.step(user, Input{Kind: Shown, Delivered: &Delivery{Version: c.Page.Version, Result: Delivered}})
		w.step(user, Input{Kind: Arrived})
	case c.Write != nil:
		w.now = w.now.Add(45 * time.Second)
		w.step(user, Input{Kind: Passed})
	case c.Page.Asks(FieldCurrent):
		w.fill(user, FieldCurrent, marked+"current")
	case c.Page.Asks(FieldCaptcha) && c.Typed != "":
		w.say(user, FieldCaptcha, w.captcha(user))
	case c.Page.Asks(FieldName):
		w.say(user, FieldName, []string{"m.devries", "m.devries", "m.devries", "nobody"}[random.IntN(4)])
	case c.Page.Asks(FieldNumber):
		w.say(user, FieldNumber, "06123456"+c.Subject.Digits)
	case c.Page.Asks(FieldCode):
		w.say(user, FieldCode, string([]byte{'1', '2', '3', '4', '0' + byte(random.IntN(10)), '0' + byte(random.IntN(10))}))
	case c.Page.Asks(FieldPassword):
		w.submit(user, goodPassword)
	case c.State == EnrolChoose && random.IntN(4) > 0: // two proofs, one after the other
		w.now = w.now.Add(31 * time.Second)
		w.pick(user, c.Page.Offers[slices.IndexFunc(c.Page.Offers, func(o Offer) bool { return o.Off == "" })].Choice)
	default:
		w.now = w.now.Add(11 * time.Second)
		offers := c.Page.Offers
		if c.State == Start {
			goals := []Choice{
				PickReset, PickReset, PickReset, PickUnlock, PickUnlock, PickStuck, PickMicrosoft, PickEnrol, PickEnrol,
			}
			if len(w.bound[user]) > 0 { // where it can be done, and is a long way
				goals = append(goals, PickEnrol, PickEnrol, PickEnrol, PickEnrol, PickEnrol, PickEnrol)
			}
			w.pick(user, goals[random.IntN(len(goals))])
		} else if c.Page.Shows(PickNext) && random.IntN(3) > 0 {
			w.pick(user, PickNext)
		} else if usable := slices.DeleteFunc(slices.Clone(offers), func(o Offer) bool { return o.Off != "" }); len(usable) > 0 {
			n := len(usable)
			if c.State == EnrolChoose && random.IntN(4) > 0 { // the ways, before what leads out
				n = min(n, 2)
			}
			w.pick(user, usable[random.IntN(n)].Choice)
		} else if len(offers) > 0 {
			w.pick(user, offers[random.IntN(len(offers))].Choice)
		} else {
			w.step(user, Input{Kind: Passed})
		}
	}
}

// busy reports whether somebody has come far.
func (w *world) busy() bool {
	for _, c := range w.convs {
		if !c.State.Over() && (len(c.Proofs) > 0 || !c.Enrol.Verified.IsZero()) {
			return true
		}
	}
	return false
}

var everyChoice = []Choice{
	PickReset, PickStuck, PickElse, PickWorks, PickUnlock, PickYes, PickNo, PickOther, PickCaptcha, PickAudio,
	PickSMS, PickCall, PickPush, PickCode, PickNoPhone, PickLostPhone, PickNotMine, PickMicrosoft, PickResend,
	PickMethod, PickName, PickDesk, PickBack, PickCancel, PickHelp, PickAgain, PickDutch, PickEnglish, PickOwn(0),
	PickNext, PickTrouble, PickSSPR(14), PickEnrol, PickLink,
}

// play makes the move that a byte stands for.
func (w *world) play(b byte) {
	user := ann
	if b >= 128 {
		user, b = bob, b-128
	}
	if len(w.bound) > 0 && b%3 == 0 {
		user = map[User]User{ann: mia, bob: piet}[user]
	}
	c := w.convs[user]
	field := func(f Field, text string) { w.say(user, f, text) }
	outcome := func(out Outcome) {
		if c.Task != nil {
			w.come(user, out)
		}
	}
	switch {
	case int(b) < len(everyChoice):
		w.pick(user, everyChoice[b])
	case int(b) < 2*len(everyChoice):
		w.step(user, Input{Kind: Pressed, Token: c.Page.Token, Choice: everyChoice[int(b)-len(everyChoice)]})
	default:
		w.odd(int(b)-2*len(everyChoice), user, field, outcome)
	}
}

// odd makes the moves that are no choice.
func (w *world) odd(b int, user User, field func(Field, string), outcome func(Outcome)) {
	on := func() { w.lead(user, rand.New(rand.NewPCG(w.steps, 5))) } // else the deep pages are hardly met
	moves := []func(){
		on, on, on, on, on, on, on, on,
		func() { field(FieldName, "m.devries@rijnzicht.example") },
		func() { field(FieldName, "p.phone") },
		func() { field(FieldName, "nobody") },
		func() { field(FieldName, "a,b\n*") },
		func() { field(FieldCaptcha, w.captcha(user)) },
		func() { field(FieldCaptcha, "WRONG") },
		func() { field(FieldNumber, "0612345613") },
		func() { field(FieldNumber, "06123456"+w.convs[user].Subject.Digits) },
		func() { field(FieldNumber, "0900") },
		func() { field(FieldCode, "123456") },
		func() { field(FieldCode, "12345") },
		func() { field(FieldPassword, goodPassword) },
		func() { w.submit(user, goodPassword) },
		func() { w.submit(user, "short") },
		func() { w.fill(user, FieldCurrent, marked+"current") },
		func() { w.fill(user, FieldCode, "123456") },
		func() { outcome(w.truth(user)) },
		func() { outcome(w.truth(user)) },
		func() { outcome(Outcome{Trouble: true}) },
		func() { outcome(Outcome{}) },
		func() { outcome(Outcome{Verdict: WrongOne}) },
		func() { outcome(Outcome{Verdict: Right}) },
		func() { outcome(Outcome{Verdict: Right, Mark: "same"}) },
		func() { outcome(Outcome{Verdict: NoAnswer}) },
		func() { outcome(Outcome{Write: WriteUnknown}) },
		func() { outcome(Outcome{Write: WriteNot}) },
		func() { outcome(Outcome{Write: WriteRefused, Refusal: []PasswordFlaw{FlawHistory}}) },
		func() { outcome(Outcome{Changed: ChangedNo}) },
		func() { outcome(Outcome{Changed: ChangedUnreachable}) },
		func() { w.step(user, Input{Kind: Came, Outcome: &Outcome{Task: "forged", Verdict: Right, Mark: "x"}}) },
		func() { w.step(user, Input{Kind: Came, Outcome: &Outcome{Denied: "1"}}) },
		func() { w.step(user, Input{Kind: Came}) },
		func() { w.step(user, Input{Kind: Said, Unread: true}) },
		func() { w.step(user, Input{Kind: Said, Event: "same"}) },
		func() {
			w.step(user, Input{Kind: Filled, Token: "forged", Fields: map[Field]Secret{FieldCode: NewSecret("1")}})
		},
		func() { w.step(user, Input{Kind: Arrived}) },
		func() { w.step(user, Input{Kind: Arrived, Restored: true}) },
		func() { w.step(user, Input{Kind: "nonsense"}) },
		func() { w.step(user, Input{Kind: Passed}) },
		func() { w.step(user, Input{Kind: Passed, By: "p2", Alone: true}) },
		func() {
			w.step(user, Input{Kind: Shown, Delivered: &Delivery{Version: w.convs[user].Page.Version, Result: Delivered}})
		},
		func() {
			w.step(user, Input{Kind: Shown, Delivered: &Delivery{Version: w.convs[user].Page.Version, Result: Later}})
		},
		func() { w.now = w.now.Add(time.Second) },
		func() { w.now = w.now.Add(31 * time.Second) },
		func() { w.now = w.now.Add(61 * time.Second) },
		func() { w.now = w.now.Add(6 * time.Minute) },
		func() { w.now = w.now.Add(16 * time.Minute) },
		func() { w.now = w.now.Add(25 * time.Hour) },
		func() { w.now = w.now.Add(-time.Hour) },
		func() { w.accounts["id:1"] = AccountRecord{Key: "id:1", Frozen: w.now.Add(time.Hour)} },
		func() { w.closed = w.shut(w.now.Add(5*time.Minute), SMS, Call) },
		func() { w.closed = w.shut(time.Time{}, Call) },
		func() { outcome(Outcome{Trouble: true, Closed: &Closure{Method: SMS}}) },
		func() { outcome(Outcome{Trouble: true, NumberUntil: w.now.Add(time.Hour)}) },
	}
	moves[b%len(moves)]()
}
