package slack_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"

	"resetbot/adapters/chat/slack"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
	"resetbot/conversation/words/wordstest"
)

// bare are characters that Slack would read in the text beside blocks.
var bare = regexp.MustCompile(`[<>]|&(?:[^algm]|$)|&a[^m]|&l[^t]|&g[^t]`)

// inert holds what is drawn to texts that Slack reads nothing in (AC-67).
func inert(t testing.TB, name string, drawn json.RawMessage, text string) {
	t.Helper()
	if at := bare.FindString(text); at != "" {
		t.Errorf("%s: %q stands in the text as it is:\n%s", name, at, text)
	}
	for _, e := range elements(t, drawn, "") {
		switch kind := e["type"]; kind {
		case "mrkdwn", "markdown", "link", "user", "usergroup", "channel", "broadcast", "emoji", "date", "team", "rich_text_preformatted":
			t.Errorf("%s: Slack reads a %v: %v", name, kind, e)
		case "plain_text":
			if e["emoji"] != false {
				t.Errorf("%s: names of emoji are read in %q", name, e["text"])
			}
		case "button":
			if url, ok := e["url"].(string); ok && url != pageLink && url != soundLink && !strings.HasPrefix(url, "https://passwordreset.microsoftonline.com") &&
				!strings.HasPrefix(url, "https://login.microsoftonline.com") && !strings.HasPrefix(url, "https://www.office.com") {
				t.Errorf("%s: a button leads to %s", name, url)
			}
		}
	}
}

func TestAC67NothingIsReadInAnyTextOfSlack(t *testing.T) {
	for _, locale := range []string{words.Dutch, words.English} {
		for _, d := range all(t, locale) {
			inert(t, locale+", "+d.name+", "+d.kind, d.json, d.text)
		}
	}
}

// FuzzAC67WhatPeopleAndDirectoriesWroteIsPlainInSlack says a page with names and
// sentences that somebody else wrote.
func FuzzAC67WhatPeopleAndDirectoriesWroteIsPlainInSlack(f *testing.F) {
	for _, seed := range []string{
		"M. de Vries", "<!channel>", "<!here|hier>", "<@U0123456789>", "<#C012|kanaal>", "<https://evil.example|Microsoft>",
		"*vet* _schuin_ ~door~ `code`", ":rotating_light: :tada:", "&lt;!channel&gt;", "&", "<!date^1^{date}^https://evil.example|x>",
		"https://evil.example/?mkt=nl-NL", "mailto:a@evil.example", "\u202egnp.exe", "\n> citaat\n• punt", "\x00\xff", strings.Repeat("W", 5000),
	} {
		f.Add(seed)
	}
	r := newRenderer(f)
	f.Fuzz(func(t *testing.T, typed string) {
		for i, page := range []conversation.Page{
			{ID: conversation.AskOwn, Offers: wordstest.Offers(conversation.PickOwn(0), conversation.PickOwn(1), conversation.PickOther)},
			{ID: conversation.AskPassword, Entry: &conversation.Entry{Shows: 3, Asks: 9}, Fields: []conversation.Field{conversation.FieldPassword}},
			{ID: conversation.AskWho, Fields: []conversation.Field{conversation.FieldName, conversation.FieldCaptcha}},
			{ID: conversation.EndReset},
			{ID: conversation.AskGuideOpen, Offers: wordstest.Offers(conversation.PickNext)},
		} {
			page.Token, page.Receipt, page.Ends = pageToken, typed, wordstest.Monday.Add(time.Hour)
			page.Args = conversation.Args{Name: typed, Domain: typed, Word: typed, Accounts: []string{typed, typed}, Digits: "42", Length: 16}
			page.Notes = []conversation.Note{
				{ID: conversation.NotePasswordRefused, Args: conversation.Args{
					Word: typed, Faults: []conversation.PasswordFlaw{conversation.FlawDirectory},
				}},
				{ID: conversation.NoteDomain, Args: conversation.Args{Domain: typed}},
			}
			m := bot.Outgoing{Locale: words.Dutch, Link: pageLink, Page: page}
			blocks, text, err := r.Page(m, pictureFile, "", wordstest.Monday)
			if err != nil {
				t.Fatal(err)
			}
			inert(t, "page", encoded(t, blocks), text)
			within(t, "page", encoded(t, blocks), text)
			over, text, err := r.Finished(m, conversation.PickOwn(0), wordstest.Monday)
			if err != nil {
				t.Fatal(err)
			}
			inert(t, "over", encoded(t, over), text)
			within(t, "over", encoded(t, over), text)
			if view, ok, err := r.Modal(m, wordstest.Monday); ok || err != nil {
				if err != nil || i != 2 {
					t.Fatalf("form %d: %t, %v", i, ok, err)
				}
				inert(t, "form", encoded(t, view), "")
				within(t, "form", encoded(t, view), "")
			}
			if page.Entry == nil {
				continue
			}
			link, text, err := r.Link(m, wordstest.Monday)
			if err != nil {
				t.Fatal(err)
			}
			inert(t, "link", encoded(t, link), text)
		}
	})
}

// FuzzPressed reads buttons and forms that anybody made up.
func FuzzPressed(f *testing.F) {
	f.Add([]byte(`{"type":"button","action_id":"pick.sms","value":"{\"t\":\"abc\",\"c\":\"sms\"}"}`),
		[]byte(`{"type":"modal","callback_id":"form","private_metadata":"abc","state":{"values":{"code":{"code":{"type":"plain_text_input","value":"123456"}}}}}`))
	f.Add([]byte(`{"action_id":"home"}`), []byte(`{"callback_id":"form","private_metadata":"abc","state":{"values":{"code":null}}}`))
	f.Add([]byte(`{}`), []byte(`{"state":{}}`))
	f.Fuzz(func(t *testing.T, action, view []byte) {
		var a slackgo.BlockAction
		if json.Unmarshal(action, &a) == nil {
			p, ok := slack.ReadAction(&a)
			if !ok && (p.Token != "" || p.Choice != "" || p.Open) {
				t.Errorf("what is not read is %+v", p)
			}
			if ok && p.Token == "" && a.ActionID != "home" || len(p.Choice) > 64 || len(p.Token) > 128 {
				t.Errorf("%s is read as %+v", action, p)
			}
		}
		var v slackgo.View
		if json.Unmarshal(view, &v) == nil {
			p, ok := slack.ReadView(v)
			for field, value := range p.Fields {
				if field == conversation.FieldPassword || len(value) > conversation.TypedMax {
					t.Errorf("%s of %d bytes is read", field, len(value))
				}
			}
			if ok && (p.Token == "" || len(p.Fields) == 0) {
				t.Errorf("%s is read as %+v", view, p)
			}
		}
	})
}
