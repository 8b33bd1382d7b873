package captcha_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"resetbot/conversation"
	"resetbot/conversation/words"
)

// PocketSphinx is a recogniser of English that was trained on people, and knows
// nothing of our clips. What it hears says how clear they are to somebody else;
// and how much of a brake they are to a program that anybody can install. Debian
// has no recogniser of Dutch.
const (
	sphinx      = "pocketsphinx_batch"
	sphinxModel = "/usr/share/pocketsphinx/model/en-us/en-us"
)

// spelling is what is said of each character (clips/make.sh), and its sounds as
// the CMU dictionary writes them.
var spelling = map[rune]string{
	'A': "a as in alfa", 'C': "c as in charlie", 'D': "d as in delta", 'E': "e as in echo", 'F': "f as in foxtrot",
	'G': "g as in golf", 'H': "h as in hotel", 'J': "j as in juliet", 'K': "k as in kilo", 'N': "n as in november",
	'P': "p as in papa", 'Q': "q as in quebec", 'R': "r as in romeo", 'T': "t as in tango", 'X': "x as in x-ray",
	'Y': "y as in yankee", '3': "the number three", '6': "the number six", '7': "the number seven", '9': "the number nine",
}

const pronounced = `a EY
alfa AE L F AH
are AA R
as AE Z
c S IY
characters K EH R IH K T ER Z
charlie CH AA R L IY
d D IY
delta D EH L T AH
e IY
echo EH K OW
f EH F
foxtrot F AA K S T R AA T
g JH IY
golf G AA L F
h EY CH
hotel HH OW T EH L
in IH N
j JH EY
juliet JH UW L IY EH T
k K EY
kilo K IY L OW
n EH N
nine N AY N
november N OW V EH M B ER
number N AH M B ER
p P IY
papa P AA P AH
q K Y UW
quebec K W AH B EH K
quebec(2) K AH B EH K
r AA R
romeo R OW M IY OW
seven S EH V AH N
six S IH K S
t T IY
tango T AE NG G OW
the DH AH
the(2) DH IY
three TH R IY
x EH K S
x-ray EH K S R EY
y W AY
yankee Y AE NG K IY
`

func TestARecogniserThatWasTrainedOnPeopleUnderstandsTheEnglish(t *testing.T) {
	if os.Getenv("RESETBOT_CAPTCHA_SPEECH") == "" {
		t.Skip("measures, and asks for nothing: RESETBOT_CAPTCHA_SPEECH=50")
	}
	if _, err := exec.LookPath(sphinx); err != nil {
		t.Skip("PocketSphinx is not here: apt-get install pocketsphinx pocketsphinx-en-us")
	}
	p := painter(t)
	count := heardCount(t)
	var clips, one [][]float64
	var names, answers []string
	for _, r := range conversation.CaptchaAlphabet {
		names, clips = append(names, string(r)), append(clips, p.Clips(words.English)[r])
	}
	for i := range count {
		answer, sound := speak(t, p, fmt.Sprint("heard ", i), words.English)
		said := apart(readWave(t, sound).samples)
		if len(said) != 1+conversation.CaptchaLength {
			t.Errorf("captcha %d: %d things are said", i, len(said))
			continue
		}
		answers = append(answers, answer)
		one = append(one, said[1:]...)
	}
	heard := recognised(t, clips)
	t.Logf("the clips themselves: %d of %d; %s", same(heard, names), len(names), mistakes(heard, names))

	var want []string
	for _, answer := range answers {
		want = append(want, strings.Split(answer, "")...)
	}
	heard = recognised(t, one)
	right, solved := same(heard, want), 0
	for i, answer := range answers {
		if strings.Join(heard[i*conversation.CaptchaLength:(i+1)*conversation.CaptchaLength], "") == answer {
			solved++
		}
	}
	t.Logf("in captchas: %d of %d characters, %d of %d captchas; %s", right, len(want), solved, len(answers), mistakes(heard, want))
}

func same(a, b []string) (n int) {
	for i := range a {
		if a[i] == b[i] {
			n++
		}
	}
	return n
}

// mistakes tells what was taken for what, and how often.
func mistakes(heard, want []string) string {
	count := map[string]int{}
	for i := range heard {
		if heard[i] != want[i] {
			count[want[i]+" as "+heard[i]]++
		}
	}
	return fmt.Sprint(count)
}

// recognised has PocketSphinx say which character each sound is; "" for none.
func recognised(t *testing.T, sounds [][]float64) []string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var phrases, control strings.Builder
	for _, said := range spelling {
		phrases.WriteString(" | " + said)
	}
	for i, sound := range sounds {
		name := fmt.Sprintf("%04d", i)
		write(name+".raw", wide(sound))
		control.WriteString(name + "\n")
	}
	grammar := write("said.gram", []byte("#JSGF V1.0;\ngrammar said;\npublic <said> = "+strings.TrimPrefix(phrases.String(), " | ")+";\n"))
	heard := filepath.Join(dir, "heard")
	out, err := exec.Command(sphinx, "-hmm", sphinxModel, "-dict", write("dict", []byte(pronounced)), "-jsgf", grammar,
		"-adcin", "yes", "-cepdir", dir, "-cepext", ".raw", "-ctl", write("control", []byte(control.String())), "-hyp", heard,
	).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(heard)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]string, len(sounds))
	for line := range strings.Lines(string(text)) { // "a as in alfa (0000 -1234)"
		said, rest, _ := strings.Cut(line, "(")
		var i int
		if _, err := fmt.Sscanf(rest, "%d", &i); err != nil || i >= len(list) {
			t.Fatalf("heard %q", line)
		}
		for r, phrase := range spelling {
			if strings.TrimSpace(said) == phrase {
				list[i] = string(r)
			}
		}
	}
	return list
}

// wide is a sound of 8 kHz at 16 kHz, which the model was trained with, as 16-bit
// samples, with a moment of faint noise around it: nobody speaks out of nothing.
func wide(samples []float64) []byte {
	const quiet, taps = 3200, 24
	n := 2 * len(samples)
	out := make([]byte, 0, 2*(n+2*quiet))
	at := func(i int) float64 { // a low-pass filter of 4 kHz between two samples (a windowed sinc)
		if i%2 == 0 {
			return samples[i/2]
		}
		sum := 0.0
		for k := -taps; k < taps; k++ {
			j := (i-1)/2 - k
			if j < 0 || j >= len(samples) {
				continue
			}
			x := math.Pi * (float64(k) + 0.5)
			sum += samples[j] * math.Sin(x) / x * (0.5 + 0.5*math.Cos(x/taps))
		}
		return sum
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := -quiet; i < n+quiet; i++ {
		s := 0.01 * (random.Float64() - 0.5)
		if i >= 0 && i < n {
			s += at(i)
		}
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(max(-1, min(1, s))*0x7fff)))
	}
	return out
}
