package bot_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	people "resetbot/adapters/directory/demo"
	"resetbot/bot"
	"resetbot/conversation"
	"resetbot/conversation/words"
)

// FuzzIdentifier types anything where the wizard asks who somebody is, in a
// message and in a form, and takes what becomes of it to a directory. It holds
// that
//
//   - a text is one name or none, and finds one account or none, by that name;
//   - a name has no blank, no separator of a list, no sign of an LDAP filter
//     (RFC 4515) and nothing that cannot be seen; it is bounded, and of ours;
//   - nothing that was typed is left out, but blanks around it and DOMAIN\;
//   - letter case, blanks around it and DOMAIN\ change nothing;
//   - a name typed again is the same name, and a message and a form agree;
//   - what is refused costs nothing.
func FuzzIdentifier(f *testing.F) {
	for _, seed := range []string{
		"m.devries", "M.DeVries@Rijnzicht.Example", "RIJNZICHT\\mdevries", "rijnzicht.local\\mdevries ", "\\mdevries",
		"RIJNZICHT\\\\mdevries", " m.devries@rijnzicht.example\r\n", "\u202am.devries@rijnzicht.example\u202c",
		"m.devries\u200b@rijnzicht.example", "m.devries@rijnzicht.example,z.celik@rijnzicht.example", "m.devries;z.celik",
		"m.devries\nz.celik", "a,b\\m.devries", "x@evil.example\\m.devries", "*\\m.devries", "m.devries\\z.celik",
		"m.devries@evil.example", "m.devries@rijnzicht.example@evil.example", "@rijnzicht.example", "m.devries@", "*",
		"m.*", "*)(uid=*", "m.devries)(|(uid=*))", "m.devries\x00", "m.devries%00", "m\\2a", "\"m.devries\"",
		"=m.devries", "m.devries#", "['m.devries','z.celik']", "o'brien", "zoë.çelik-müller", "zoe\u0308", "İlker",
		"\u212aoen", "ſmit", "ΣΑΣ", "ß", "ｍ.devries", "м.devries", "١٢٣", "\xffm.devries", "\xed\xa0\x80", "..", "-", "+", "'",
		"RIJNZICHT\\ mdevries", "help", "annuleren", "reset", "1", strings.Repeat("m", 321), strings.Repeat("a\\", 200) + "m",
		"bc73bcdf-c5b5-4e18-9cfd-8332e4415301", "mailto:m.devries@rijnzicht.example", "<m.devries@rijnzicht.example>",
	} {
		f.Add(seed)
	}
	d, err := people.Open("", people.Options{State: filepath.Join(f.TempDir(), "state")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = d.Close() })
	door := newDoor(f)
	f.Fuzz(func(t *testing.T, typed string) {
		name := door.fill(t, typed)
		if said, ok := door.say(t, typed); ok && said != name {
			t.Errorf("%q is %q in a form and %q in a message", typed, name, said)
		}
		if utf8.RuneCountInString(typed) < 200 {
			for _, other := range []string{" " + typed + "\t\r\n", upper(typed), lower(typed), "RIJNZICHT\\" + typed} {
				if got := door.fill(t, other); got != name && (typed != "" || got == "") && plainDomain(typed) {
					t.Errorf("%q is %q, but %q is %q", typed, name, other, got)
				}
			}
		}
		if name == "" {
			return
		}
		wantName(t, typed, name)
		if again := door.fill(t, name); again != name {
			t.Errorf("%q became %q, and that %q", typed, name, again)
		}
		a, found, err := d.Find(t.Context(), bot.Query{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		named := []string{a.UPN, a.Mail, a.User}
		for _, address := range named[:2] {
			local, _, _ := strings.Cut(address, "@")
			named = append(named, local)
		}
		if found && !slices.Contains(named, name) {
			t.Errorf("%q found %q by %q", typed, named, name)
		}
	})
}

// wantName checks that name can be one, and is what was typed.
func wantName(t *testing.T, typed, name string) {
	t.Helper()
	local, domain, address := strings.Cut(name, "@")
	if local == "" || address && domain != "rijnzicht.example" || len(name) > 320 || !utf8.ValidString(name) {
		t.Errorf("%q became the name %q", typed, name)
	}
	if strings.ContainsAny(name, "*()\\\x00&|!=~<>,;:\"/#%?[]{}`$^ ") || strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError || unicode.IsUpper(r) && unicode.ToLower(r) != r
	}) {
		t.Errorf("%q became the name %q, with a sign that is in none", typed, name)
	}
	before, ok := strings.CutSuffix(strings.ToLower(strings.TrimSpace(typedOf(typed))), name)
	if !ok {
		t.Errorf("%q became %q, which was not typed", typed, name)
	}
	if before != "" && (strings.Trim(before, " \\") == "" && !strings.Contains(before, "\\") ||
		!strings.HasSuffix(strings.TrimSpace(before), "\\") ||
		strings.ContainsFunc(strings.TrimSpace(before), func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("._-'+\\", r)
		})) {
		t.Errorf("%q became %q, and %q was left out", typed, name, before)
	}
}

// plainDomain reports whether DOMAIN\ may be put before typed.
func plainDomain(typed string) bool { return !strings.Contains(typed, "\\") }

// typedOf is text without the signs of format that nobody sees or types.
func typedOf(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
}

// upper and lower change the letters of ASCII and no others: beyond it a
// letter's case is not always undone by changing it back.
func upper(text string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, text)
}

func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, text)
}

// door is a conversation on the page that asks for the name, with no captcha
// before it.
type door struct {
	w    *conversation.Wizard
	c    conversation.Conversation
	read *words.Words
	now  time.Time
}

func newDoor(f *testing.F) *door {
	f.Helper()
	policy := conversation.DefaultPolicy()
	policy.Organisation, policy.Domains = "Rijnzicht", []string{"rijnzicht.example"}
	policy.Other.Captcha = conversation.Never
	read, err := words.New(words.Options{Organisation: "Rijnzicht", Domains: policy.Domains})
	if err != nil {
		f.Fatal(err)
	}
	d := &door{
		w:    &conversation.Wizard{Policy: policy, Keys: keys},
		read: read,
		now:  time.Date(2026, 11, 26, 7, 0, 0, 0, time.UTC),
	}
	for _, choice := range []conversation.Choice{"", conversation.PickReset} {
		in := conversation.Input{Kind: conversation.Said, Choice: choice}
		change, err := d.step(in)
		if err != nil {
			f.Fatal(err)
		}
		d.c = change.Conversation
	}
	if d.c.State != conversation.Who || !d.c.Page.Asks(conversation.FieldName) {
		f.Fatalf("on %s", d.c.State)
	}
	return d
}

func (d *door) step(in conversation.Input) (conversation.Change, error) {
	in.From = conversation.Origin{User: conversation.User{Chat: "web", ID: "fuzz"}, Asker: "fuzz", Locale: "nl"}
	return d.w.Step(d.c, in, conversation.Facts{}, d.now)
}

// fill types into the form of the page, and gives the name that is looked up;
// empty for none.
func (d *door) fill(t *testing.T, typed string) (name string) {
	t.Helper()
	return d.looked(t, conversation.Input{
		Kind: conversation.Filled, Token: d.c.Page.Token,
		Fields: map[conversation.Field]conversation.Secret{
			conversation.FieldName: conversation.NewSecret(d.read.Filled(conversation.FieldName, typed)),
		},
	})
}

// say types it as a message. ok is false where it means something else there.
func (d *door) say(t *testing.T, typed string) (name string, ok bool) {
	t.Helper()
	in := d.read.Understand(d.c.Page, "nl", typed)
	if in.Choice != "" || in.Unread {
		return "", false
	}
	return d.looked(t, in), true
}

// looked is the name that in has looked up, and checks what else it does.
func (d *door) looked(t *testing.T, in conversation.Input) string {
	t.Helper()
	change, err := d.step(in)
	if err != nil {
		t.Fatal(err)
	}
	c := change.Conversation
	if change.Account != nil || len(change.Marks)+len(change.Notices)+len(change.Audit) > 0 || len(c.Proofs) > 0 {
		t.Fatalf("a name does more than have itself looked up: %+v", change)
	}
	switch {
	case change.Start && c.Task.Kind == conversation.TaskFind && c.Task.Account == "" && c.Task.Name == c.Typed && c.Typed != "":
		return c.Task.Name
	case change.Start || c.Task != nil || c.Typed != "" || c.State != conversation.Who || len(change.Counters) > 0:
		t.Fatalf("a name that is none has the state %s and the task %+v, and costs %v", c.State, c.Task, change.Counters)
	}
	return ""
}
