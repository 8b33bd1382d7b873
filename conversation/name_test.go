package conversation_test

import "testing"

func TestLetterCaseBlanksAndTheDomainBeforeANameDoNotMatter(t *testing.T) {
	for typed, want := range map[string]string{
		"m.devries":                         "m.devries",
		" M.DeVries\r\n":                    "m.devries",
		"M.DeVries@Rijnzicht.Example":       "m.devries@rijnzicht.example",
		`RIJNZICHT\m.devries`:               "m.devries",
		`RIJNZICHT\ m.devries`:              "m.devries", // as telephones set a blank after a sign
		`ad.rijnzicht.example\m.devries`:    "m.devries",
		`RIJNZICHT\\m.devries`:              "m.devries", // as it stands in instructions that were written for programs
		`\m.devries`:                        "m.devries",
		`X_1-2\m.devries@rijnzicht.example`: "m.devries@rijnzicht.example",
		"O'Brien":                           "o'brien",
		"Zoë.Çelik-Müller":                  "zoë.çelik-müller",
	} {
		w := newWorld(t)
		w.pick(ann, "")
		w.pick(ann, "reset")
		w.say(ann, "name", typed)
		if got := w.convs[ann].Typed; got != want {
			t.Errorf("%q became %q, want %q", typed, got, want)
		}
	}
}
