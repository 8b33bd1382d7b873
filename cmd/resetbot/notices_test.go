package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resetbot/bot"
	"resetbot/conversation"
)

// noticesOf opens the parts of a configuration.
func noticesOf(t *testing.T, text string, env map[string]string) *parts {
	t.Helper()
	c, err := readConfig(t.TempDir()+"/resetbot.yaml", []byte(least+text), func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	p, err := openParts(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// addresses are where the addresses at which an account is ann, by channel; those
// outside are in brackets.
func (p *parts) addresses(a bot.Account) map[string]string {
	to := map[string]string{}
	for name, channel := range p.channels() {
		to[name] = channel.To(a)
		if channel.Outside {
			to[name] = "(" + to[name] + ")"
		}
	}
	return to
}

var ann = bot.Account{
	UPN: "a@rijnzicht.example", Mail: "ann@rijnzicht.example", PrivateMail: "ann@thuis.example",
	Manager: "chef@rijnzicht.example", Mobile: "06-12345613",
}

func TestAC74_AChannelThatNeitherAccountNorTelephoneControlsIsThereByDefault(t *testing.T) {
	p := noticesOf(t, "", nil)
	want := map[string]string{
		"mail": "ann@rijnzicht.example", "text": "+31612345613", "private_mail": "ann@thuis.example",
	}
	if diff := cmp.Diff(want, p.addresses(ann)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if p.alarms != nil || p.config.Notices.Mail.There {
		t.Error("a service that nothing was said to sends mail or alarms")
	}
}

func TestWhoIsToldOutsideIsConfigured(t *testing.T) {
	p := noticesOf(t, `
notices:
  mail: {host: 127.0.0.1, port: 1, tls: none, from: wachtwoord@rijnzicht.example}
  outside: [manager, security@rijnzicht.example, isms@rijnzicht.example]
  alarms: {url: "http://127.0.0.1:1/alarmen"}
`, map[string]string{"RESETBOT_NOTICES_ALARMS_SECRET": "een geheim van zestien"})
	want := map[string]string{
		"mail": "ann@rijnzicht.example", "text": "+31612345613", "manager": "(chef@rijnzicht.example)",
		"outside_b": "(security@rijnzicht.example)", "outside_c": "(isms@rijnzicht.example)",
	}
	if diff := cmp.Diff(want, p.addresses(ann)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if p.alarms == nil || p.mail == p.phone.Mail() {
		t.Error("alarms and mail go nowhere")
	}
	for name := range maps.Keys(p.channels()) {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("%q is a label of metrics, and holds more than small letters", name)
		}
	}
}

func TestALetterOutsideHasNoLinkAndAnAlarmIsSaidInDutch(t *testing.T) {
	p := noticesOf(t, "", nil)
	notice := conversation.Notice{Message: conversation.TellReset, Locale: "en", Receipt: "K7QM-2MXA", Chat: "web"}
	letter := p.letter(bot.Telling{Notice: notice, Owner: ann, Outside: true})
	if text := strings.Join(letter.Body, " "); strings.Contains(text, "/n/") || !strings.Contains(text, "K7QM-2MXA") {
		t.Error(text)
	}
	alarm := p.alarm(conversation.Notice{Alarm: "phone_lost", Receipt: "K7QM-2MXA"})
	if !strings.Contains(alarm, "telefoon kwijt") || !slices.Contains(strings.Fields(alarm), "K7QM-2MXA.") {
		t.Error(alarm)
	}
}
