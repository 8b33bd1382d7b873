package password_test

import (
	"bytes"
	"strings"
	"testing"

	"resetbot/adapters/password"
)

func BenchmarkJudge(b *testing.B) {
	rules, err := password.New(password.Options{})
	if err != nil {
		b.Fatal(err)
	}
	personal := []string{"m.devries@ziekenhuis.example", "mdevries", "Maria", "de Vries", "M. de Vries"}
	for _, c := range []struct{ name, password string }{
		{"23", "fietsbel-lamp-groen-koe"},
		{"256 words", strings.Repeat("fietsbel-lamp-groen-koe.", 11)[:256]},
		{"256 letters", strings.Repeat("bcvqmzkdwtxplhgrnsfj", 13)[:256]},
		{"256 signs for letters", strings.Repeat("w@(h7w00rd1!", 22)[:256]},
		{"256 of one", strings.Repeat("1", 256)},
		{"10 MB", strings.Repeat("é", 5_000_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rules.Judge(rules.Normal(c.password), 0, personal)
			}
		})
	}
}

func BenchmarkSuggest(b *testing.B) {
	rules, err := password.New(password.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var seed [32]byte
	for b.Loop() {
		seed[0]++
		rules.Suggest(seed, 0, nil)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := password.New(password.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuildBreached(b *testing.B) {
	file := bytes.Repeat([]byte("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:3861493\n"), 100_000)
	for b.Loop() {
		if _, err := password.BuildBreached(bytes.NewReader(file), new(bytes.Buffer), 0); err != nil {
			b.Fatal(err)
		}
	}
}
