package password_test

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"resetbot/adapters/password"
)

func build(t *testing.T, file string, limit int) (*password.Breached, int) {
	t.Helper()
	var list bytes.Buffer
	n, err := password.BuildBreached(strings.NewReader(file), &list, limit)
	if err != nil {
		t.Fatal(err)
	}
	breached, err := password.ReadBreached(&list)
	if err != nil {
		t.Fatal(err)
	}
	return breached, n
}

// pwned is a line as Have I Been Pwned publishes it.
func pwned(password string, seen int) string {
	return fmt.Sprintf("%X:%d\n", sha1.Sum([]byte(password)), seen)
}

func TestBreachedPasswordsAreRefused(t *testing.T) {
	list, _ := build(t, "purple monkey dishwasher 7\r\nJoséphine op de ladder\n", 0)
	rules := newRules(t, password.Options{Breached: list})
	for _, text := range []string{
		"purple monkey dishwasher 7",
		"Purple Monkey Dishwasher 7",   // as typed here, lower case there
		"Joséphine op de ladder",       //
		"joséphine op de ladder",       // as typed there, lower case here
		"Jose\u0301phine op de ladder", // decomposed
		"correct horse battery staple", // built in
		"WilhelmusVanNassouwe",         // built in, other capitals
	} {
		if got := judge(rules, text, 0); !slices.Contains(got, breached) {
			t.Errorf("%q: %v", text, got)
		}
	}
	// The whole is compared, not its parts (NIST SP 800-63B).
	for _, text := range []string{"purple monkey dishwasher 71", "purple monkey dishwasher "} {
		if got := judge(rules, text, 0); slices.Contains(got, breached) {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestBreachedListsOfHashesAreRead(t *testing.T) {
	file := pwned("fietsbel lamp groen koe", 12) + strings.ToLower(pwned("kaas met appelstroop!!", 3)) +
		strings.TrimSuffix(pwned("zonder getal erachter", 0), ":0\n") + "\n"
	list, n := build(t, file, 0)
	if n != 3 {
		t.Errorf("%d keys, want 3", n)
	}
	for _, text := range []string{
		"fietsbel lamp groen koe", "Fietsbel Lamp Groen Koe", "kaas met appelstroop!!", "zonder getal erachter",
	} {
		if !list.Has(text) {
			t.Errorf("%q is not on the list", text)
		}
	}
}

func TestTheMostSeenAreKept(t *testing.T) {
	var hashes, plain strings.Builder
	for i := range 1000 {
		hashes.WriteString(pwned(fmt.Sprintf("wachtwoord nummer %04d", i), (i*7919)%1000))
		fmt.Fprintf(&plain, "wachtwoord nummer %04d\n", i)
	}
	fewer, n := build(t, hashes.String(), 100)
	if n != 100 {
		t.Errorf("%d keys, want 100", n)
	}
	first, _ := build(t, plain.String(), 100)
	var wrong int
	for i := range 1000 {
		text := fmt.Sprintf("wachtwoord nummer %04d", i)
		if fewer.Has(text) != ((i*7919)%1000 >= 900) {
			wrong++
		}
		if first.Has(text) != (i < 100) {
			wrong++
		}
	}
	// One in 65,000 that is not on the list seems to be.
	if wrong > 1 {
		t.Errorf("%d of 2000 answers are wrong", wrong)
	}
}

func TestLinesThatNoPasswordCanBeArePassedOver(t *testing.T) {
	list, n := build(t, strings.Join([]string{
		"", "korter", "\xff\xfe\xfd geen UTF-8 hier", strings.Repeat("lang", 5000), "precies goed zo",
		strings.Repeat("F", 40) + ":geen getal", "het einde zonder regeleinde",
	}, "\n"), 0)
	if n != 4 { // that with the bad count is a password, and has a lower case
		t.Errorf("%d keys, want 4", n)
	}
	for _, text := range []string{"precies goed zo", "het einde zonder regeleinde"} {
		if !list.Has(text) {
			t.Errorf("%q is not on the list", text)
		}
	}
}

func TestBuildingTellsWhatIsWrong(t *testing.T) {
	broken := errors.New("the disk is gone")
	if _, err := password.BuildBreached(iotest.ErrReader(broken), io.Discard, 0); !errors.Is(err, broken) {
		t.Errorf("reading: %v", err)
	}
	if _, err := password.BuildBreached(strings.NewReader(""), io.Discard, 0); err == nil {
		t.Error("an empty list is built")
	}
	file := strings.NewReader("een wachtwoord")
	if _, err := password.BuildBreached(file, brokenWriter{broken}, 0); !errors.Is(err, broken) {
		t.Errorf("writing: %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestADamagedListIsNotRead(t *testing.T) {
	var list bytes.Buffer
	file := strings.NewReader("een wachtwoord\nnog een wachtwoord\n")
	if _, err := password.BuildBreached(file, &list, 0); err != nil {
		t.Fatal(err)
	}
	whole := list.Bytes()
	if _, err := password.ReadBreached(bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1
		if _, err := password.ReadBreached(bytes.NewReader(damaged)); err == nil {
			t.Errorf("read with byte %d changed", at)
		}
		if _, err := password.ReadBreached(bytes.NewReader(whole[:at])); err == nil {
			t.Errorf("read when cut off at byte %d", at)
		}
	}
	var words bytes.Buffer
	if _, err := password.BuildWords(&words, strings.NewReader("fiets\nlamp\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := password.ReadBreached(&words); err == nil {
		t.Error("a dictionary passes for a list of breached passwords")
	}
}

func TestWordListsAreFolded(t *testing.T) {
	var words bytes.Buffer
	n, err := password.BuildWords(&words,
		strings.NewReader("café\nCafe\nfoto's\ne-mail\n"),
		strings.NewReader("ab\nAT&T5\n\nλόγος\n"+strings.Repeat("x", 25)+"\n"))
	if err != nil || n != 3 { // cafe, fotos, email
		t.Errorf("%d words, %v; want 3", n, err)
	}
}

func TestTheBuiltInListIsKnown(t *testing.T) {
	content, err := os.ReadFile("lists/breached.txt")
	if err != nil {
		t.Fatal(err)
	}
	rules := newRules(t, password.Options{})
	for line := range strings.Lines(string(content)) {
		text := strings.TrimSuffix(line, "\n")
		got := judge(rules, text, 0)
		if !slices.Contains(got, breached) || slices.Contains(got, short) {
			t.Errorf("%q: %v", text, got)
		}
	}
}
