package main

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"resetbot/adapters/captcha"
	"resetbot/adapters/chat/slack"
	"resetbot/adapters/chat/teams"
	"resetbot/bot"
	"resetbot/conversation"
)

// TestMain lets the tests run this very program as a child: "resetbot" in a
// script, and in the tests that kill it.
func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "4") // they wait for other processes; the command line may say otherwise
	testscript.Main(m, map[string]func(){
		"resetbot": func() {
			if answers := os.Getenv("RESETBOT_TEST_CAPTCHA"); answers != "" {
				newPainter = func() (bot.Painter, error) { return tellingPainter{answers}, nil }
			}
			if haste := os.Getenv("RESETBOT_TEST_HASTE"); haste != "" {
				tune = func(p *conversation.Policy) {
					if haste == "none" { // but by chance nothing comes earlier or later
						p.LevelledBy = 0
						return
					}
					p.Levelled, p.LevelledBy, p.Cooldown = 40*time.Millisecond, 10*time.Millisecond, 0
					if haste == "pages" { // and not what is done behind them
						return
					}
					p.Passwords.N = 1000  // each death costs a try
					if haste == "siege" { // which is held on a slow machine
						p.WriteFor, p.WriteSettled = 1500*time.Millisecond, 200*time.Millisecond
						p.UnknownRetry = []time.Duration{100 * time.Millisecond, time.Second}
						return
					}
					p.WriteFor, p.WriteSettled = time.Second, time.Second
					p.UnknownRetry = []time.Duration{100 * time.Millisecond, time.Second}
				}
			}
			if os.Getenv(unpaced) != "" {
				tuneTeams = func(o *teams.Options) { o.Unpaced = true }
				tuneSlack = func(o *slack.Options) { o.Unpaced = true }
			}
			if dies := os.Getenv(diesAt); dies != "" {
				compose = readDoom(dies).besets
			}
			if file := os.Getenv(clockFile); file != "" {
				wallClock = setClock(file)
			}
			main()
		},
		"bare": bare,
	})
}

// tellingPainter paints, and writes the answer where the test finds it.
type tellingPainter struct{ file string }

func (p tellingPainter) Paint(answer conversation.Secret, seed [32]byte) ([]byte, error) {
	if err := os.WriteFile(p.file, []byte(answer.Reveal()), 0o600); err != nil {
		return nil, err
	}
	painter, err := captcha.New()
	if err != nil {
		return nil, err
	}
	return painter.Paint(answer, seed)
}

func (p tellingPainter) Speak(answer conversation.Secret, seed [32]byte, locale string) ([]byte, error) {
	painter, err := captcha.New()
	if err != nil {
		return nil, err
	}
	return painter.Speak(answer, seed, locale)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("RESETBOT_TEST_CAPTCHA", env.Getenv("WORK")+"/captcha")
			env.Setenv("HOME", env.Getenv("WORK"))
			env.Setenv("TZ", "Europe/Amsterdam")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"talk": talk, "until": until},
	})
}
