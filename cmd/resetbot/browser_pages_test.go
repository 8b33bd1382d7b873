package main

import (
	"strings"
	"testing"
	"time"

	"resetbot/adapters/verification/totp"
	"resetbot/conversation"
)

// The pages that the walks do not come to.

// bakker is P. Bakker, who has a telephone and no authenticator app.
const bakker = "7f8c4b6f-23ea-4711-b85e-1243082c5303"

// begins begins anew after an end.
func (n *nurse) begins() {
	n.t.Helper()
	n.clicks("form.over button")
	n.sees("Dit scherm is gewist")
	n.clicks("main a.primary")
	n.at("start.ask")
}

func TestTheEndsInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.picks("stuck")
	n.at("start.hints")
	n.shows("hints")
	n.picks("works")
	n.at("end.solved")
	n.shows("end-solved")
	n.begins()
	n.picks("else")
	n.picks("lost_phone")
	n.at("end.lost_phone")
	n.shows("end-lost-phone")
	n.begins()
	n.identifies()
	n.picks("help")
	n.sees("Zo werkt het")
	n.shows("choose-help")
	n.picks("no_phone")
	n.at("end.no_phone")
	n.shows("end-no-phone")
	n.begins()
	n.picks("reset")
	n.at("who.ask")
	n.picks("cancel")
	n.at("end.cancelled")
	n.shows("end-cancelled")
	for address, name := range map[string]string{"/p/none": "page-over", "/n/none": "disown-over"} {
		w := b.open(p.url + address)
		w.judged(name)
	}
	n.clicks("form.over button")
	n.sees("Dit scherm is gewist")
	w := b.open(p.url + "/chat/erased")
	w.judged("erased")
}

func TestALockAndAnAccountWithOneWayOnlyInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.identifies()
	for i, code := range []string{"000000", "111111", "222222", "333333", "444444"} {
		if i%3 == 0 {
			n.picks("code")
			n.at("step.code")
		}
		n.clicks("#page input[name=code]")
		n.selectsAll()
		n.types(code)
		n.until("the answer to "+code, func() bool {
			const typed = "document.querySelector('iframe').contentDocument.querySelector('[name=code]')?.value ?? ''"
			return watch[string](n.window, typed) == ""
		})
	}
	n.at("end.locked")
	n.shows("end-locked")

	n.visit(p.url + "/demo?person=" + bakker)
	n.begins()
	n.picks("reset")
	n.at("who.ask")
	n.fills("name", "p.bakker@rijnzicht.example")
	n.fills("captcha", p.answer())
	n.submits()
	n.at("step.choose")
	n.picks("sms")
	n.at("step.number")
	n.fills("number", "0612345635")
	n.submits()
	n.at("step.sms")
	n.fills("code", n.reads("#messages .item strong"))
	n.at("end.one_family")
	n.shows("end-one-family")
}

func TestADeniedNotificationEndsOnesOwnChatInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	own := n.following(func() { n.clicks("a[href*='/demo/teams']") })
	own.at("start.ask")
	own.judged("teams-start")
	own.picks("reset")
	own.at("who.own")
	own.judged("teams-own")
	own.picks("yes")
	own.at("step.choose")
	own.judged("teams-choose")
	own.picks("push")
	own.at("step.push")
	n.clicks("#push button.deny")
	own.at("end.denied")
	own.judged("teams-denied")
}

func TestAnAuthenticatorIsEnrolledInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.visit(p.url + "/demo?person=" + bakker)
	own := &nurse{window: n.following(func() { n.clicks("a[href*='/demo/teams']") }), p: p}
	own.at("start.ask")
	own.picks("else")
	own.picks("enrol")
	own.at("enrol.current")
	own.judged("enrol-current")
	link := func() *window { return own.following(func() { own.clicks("a.primary[href*='/p/']") }) }
	entry := link()
	word := own.word(entry)
	entry.judged("page-current")
	entry.fills("current", "krentenbol met roomboter")
	entry.fills("word", word)
	entry.submits()
	own.at("enrol.choose")
	own.judged("enrol-choose")
	own.picks("sms")
	own.at("step.number")
	own.fills("number", "0612345635")
	own.submits()
	own.at("step.sms")
	n.front()
	own.fills("code", n.reads("#messages .item strong"))
	own.at("enrol.scan")
	own.judged("enrol-scan")
	entry = link()
	entry.fills("word", own.word(entry))
	entry.submits()
	key := strings.ReplaceAll(entry.reads(".app-key strong"), " ", "")
	entry.judged("page-scan")
	code, err := totp.Code(conversation.NewSecret(key), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	entry.fills("code", code.Reveal())
	entry.submits()
	own.at("done.enrol")
	own.judged("enrol-done")
}

func TestTheCaptchaCanBeHeardInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, inHaste)
	n := newNurse(b, p)
	n.picks("reset")
	n.at("who.ask")
	n.picks("audio")
	n.until("the player", func() bool { return watch[*string](n.window, "eyes.read('.player audio')") != nil })
	n.shows("who-audio")
}

func TestWaitingInABrowser(t *testing.T) {
	t.Parallel()
	b, p := newBrowser(t), startDemo(t, "RESETBOT_DEMO_FAULT=unwritten") // at the pace of people
	n := newNurse(b, p)
	n.picks("reset")
	n.at("who.ask")
	n.fills("name", "m.devries")
	n.fills("captcha", p.answer())
	n.submits()
	n.at("wait.find")
	n.shows("wait-find")
	n.at("step.choose")
	n.picks("sms")
	n.numbers()
	n.fills("code", n.reads("#messages .item strong"))
	n.at("wait.check")
	n.shows("wait-check")
	n.sees("Stap 1 is gelukt")
	n.picks("push")
	digits := n.reads(".digits")
	n.reads("#push .spoken")
	n.clicks("#push-number")
	n.types(digits)
	n.clicks("#push button.primary")
	entry := n.opens()
	n.chooses(entry, newPassword, newPassword)
	n.at("wait.unknown")
	n.shows("wait-unknown")
	entry.sees("We weten nog niet of het gelukt is")
	entry.judged("page-unknown")
}
