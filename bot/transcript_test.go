package bot_test

import (
	"cmp"
	"flag"
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

var update = flag.Bool("update", false, "write the transcripts as they are now")

// TestTranscripts plays every file of testdata/transcripts: a conversation as
// a person sees it. Lines that begin with ">" are typed (">2" by a second
// person), "!" is done outside the chat, "#" is a remark; all others are what
// the bot says. With -update the files are written as the bot says it now; read
// them then, they are what people get to read.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d transcripts, want at least 10 (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = play(t, string(text)) })
			if got == string(text) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("the conversation changed; run go test ./bot -run TestTranscripts -update and read it:\n%s",
				firstDifference(string(text), got))
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		line := func(lines []string) string {
			if i < len(lines) {
				return lines[i]
			}
			return "(end)"
		}
		if line(w) != line(g) {
			return fmt.Sprintf("line %d\n  was: %s\n  now: %s", i+1, line(w), line(g))
		}
	}
	return ""
}

// play plays a transcript and writes it anew.
func play(t *testing.T, script string) string {
	t.Helper()
	w := newWorld(t, nil)
	p := player{w: w, name: "m.devries", locale: "nl"}
	defer func() {
		if t.Failed() {
			t.Log(p.out.String())
		}
	}()
	for line := range strings.SplitSeq(script, "\n") {
		if strings.HasPrefix(line, ">") || strings.HasPrefix(line, "!") || strings.HasPrefix(line, "#") {
			p.line(line)
		}
	}
	w.close()
	return p.out.String()
}

// passing are pages that the next replaces by itself; whether they are seen in
// between is a matter of moments, and not of the transcript.
var passing = map[conversation.MessageID]bool{
	conversation.WaitFind: true, conversation.WaitCheck: true,
	conversation.WaitChange: true, conversation.WaitUnlock: true, conversation.WaitEnrol: true,
}

type player struct {
	w      *world
	out    strings.Builder
	name   string // whose telephone it is
	locale string
	bound  []conversation.Bound
}

func (p *player) line(line string) {
	fmt.Fprintln(&p.out, line)
	switch {
	case strings.HasPrefix(line, ">2 "):
		p.types(stranger, line[3:])
	case strings.HasPrefix(line, "> "):
		p.types(nurse, line[2:])
	case strings.HasPrefix(line, "! "):
		p.do(strings.Fields(line[2:]))
	}
	for _, who := range []struct {
		user conversation.User
		mark string
	}{{nurse, "    "}, {stranger, "  2 "}} {
		pages := p.w.chat.take(who.user)
		for i, page := range pages {
			if i+1 < len(pages) && passing[page.Page.ID] {
				continue
			}
			for l := range strings.SplitSeq(strings.TrimRight(p.w.render(page), "\n"), "\n") {
				fmt.Fprintln(&p.out, strings.TrimRight(who.mark+l, " "))
			}
		}
	}
}

func (p *player) types(user conversation.User, text string) {
	switch {
	case strings.Contains(text, "{captcha}"):
		text = strings.ReplaceAll(text, "{captcha}", p.w.captcha(user))
	case strings.Contains(text, "{sms}"):
		text = strings.ReplaceAll(text, "{sms}", p.w.sms(p.name))
	case strings.Contains(text, "{new app}"):
		text = strings.ReplaceAll(text, "{new app}", p.w.newApp(user))
	case strings.Contains(text, "{app}"):
		text = strings.ReplaceAll(text, "{app}", p.w.app(p.name))
	}
	p.w.receive(bot.Incoming{
		Kind: conversation.Said, Text: conversation.NewSecret(text),
		From: conversation.Origin{User: user, Locale: p.locale, Bound: p.bound},
	})
}

// do does what is done outside the chat.
func (p *player) do(words []string) {
	w := p.w
	rest := strings.Join(words[1:], " ")
	switch words[0] {
	case "phone": // whose telephone the rest is about
		p.name = rest
	case "locale":
		p.locale = rest
	case "own": // the chat proves who this is
		person := w.person(rest)
		p.bound = append(p.bound, conversation.Bound{ID: person.ID, UPN: person.UPN})
	case "press":
		w.act(p.name, phone.Press(rest))
	case "approve":
		number := rest
		if number == "" {
			number = p.digits()
		}
		w.act(p.name, phone.Approve(number))
	case "deny":
		w.act(p.name, phone.Deny())
	case "hangup":
		w.act(p.name, phone.Hangup())
	case "password":
		w.submit(nurse, rest)
	case "current": // the password as it is, on the one-time page
		w.fill(nurse, map[conversation.Field]conversation.Secret{
			conversation.FieldCurrent: conversation.NewSecret(rest),
		})
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(d)
		w.settle()
	case "fault":
		op, what, _ := strings.Cut(rest, " ")
		w.setFault(op, map[string]people.Fault{
			"": {}, "answer-lost": {AnswerLost: true}, "lost": {Lost: true}, "unreachable": {Unreachable: true},
			"history": {Refuse: []conversation.PasswordFlaw{conversation.FlawHistory}},
		}[what])
	case "restart":
		w.restart()
		w.settle()
	case "budget": // of an hour, for strangers
		method, n, _ := strings.Cut(rest, " ")
		half, err := strconv.Atoi(n)
		if err != nil {
			w.t.Fatal(err)
		}
		w.config.Budget = maps.Clone(w.config.Budget)
		if w.config.Budget == nil {
			w.config.Budget = map[conversation.Method]bot.Budget{}
		}
		w.config.Budget[conversation.Method(method)] = perHour(2 * half)
		w.restart()
	case "signin":
		name, password, _ := strings.Cut(rest, " ")
		fmt.Fprintf(&p.out, "    (%s)\n", map[bool]string{true: "signed in", false: "refused"}[w.signIn(name, password)])
	case "phones": // how much is on the telephone
		entries, err := w.phone.List(w.t.Context(), w.number(p.name))
		slices.SortStableFunc(entries, func(a, b phone.Entry) int { // channels are used at the same moment
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind))
		})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range entries {
			fmt.Fprintf(&p.out, "    (%s %s)\n", e.Kind, e.State)
		}
	default:
		w.t.Fatalf("nobody knows how to %q", words[0])
	}
}

// digits are the two that the chat shows.
func (p *player) digits() string {
	c, err := p.w.store.Conversation(p.w.t.Context(), nurse)
	if err != nil {
		p.w.t.Fatal(err)
	}
	n, err := strconv.Atoi(c.Page.Args.Digits)
	if err != nil {
		p.w.t.Fatal("no digits are shown")
	}
	return strconv.Itoa(n)
}
