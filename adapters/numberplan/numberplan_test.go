package numberplan_test

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"resetbot/adapters/numberplan"
	"resetbot/conversation"
)

func plan(tb testing.TB) *numberplan.Plan {
	tb.Helper()
	p, err := numberplan.New(numberplan.Options{Region: "NL", Countries: []string{"NL", "BE", "DE", "GB", "us"}})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func wantRead(t *testing.T, p *numberplan.Plan, text, want string, wantFault conversation.NumberFault) {
	t.Helper()
	if got, fault := p.Read(text); got != want || fault != wantFault {
		t.Errorf("%q: %q, fault %q; want %q, fault %q", text, got, fault, want, wantFault)
	}
}

func TestAC28_EveryWayToWriteANumberIsOneNumber(t *testing.T) {
	p := plan(t)
	for _, text := range []string{
		"0612345678",
		"+31612345678",
		"0031612345678",
		"06-12 34 56 78",
		"+31 (0)6 12345678",
		"+31(0)612345678",
		"+310612345678",
		"00 31 (0)6 1234 5678",
		"06.12.34.56.78",
		"06/12345678",
		"(06) 12345678",
		" 0612345678\r\n",
		"\t06\u00A01234\u20095678",                  // blanks of other widths
		"06–12345678", "06‑12345678", "06−12345678", // dashes that word processors make
		"31612345678", // no prefix
		"612345678",   // no nought
		"+31 612345678", "+31 612345678x12", "+31 612345678 X12", "+31 612345678 ext. 12",
		"0612345678 toestel 12",
		"tel:+31-6-12345678", "tel:+31612345678;ext=12", "TEL: 0612345678",
		"０６１２３４５６７８", "＋３１６１２３４５６７８", "０６－１２３４５６７８", "（０６）１２３４５６７８",
		"٠٦١٢٣٤٥٦٧٨", "۰۶۱۲۳۴۵۶۷۸", "०६१२३४५६७८",
		"\u202A+31612345678\u202C", "06\u200B12345678", "\uFEFF0612345678", "06\u00AD12345678",
		"\u200E06 12345678",
	} {
		wantRead(t, p, text, "+31612345678", "")
	}
}

func TestAC28_ANumberIsNeverMadeToFit(t *testing.T) {
	p := plan(t)
	for _, text := range []string{
		"", " ", "+", "0", "06", "0612", "061234567", "06123456789", "+3161234567", "+316123456789", "12",
		"+31+31612345678", "++31612345678", "000031612345678", "31+612345678", "0612345678+",
		"0612345678 0687654321", "0612345678/0687654321", "0612345678 of 0687654321",
		"06-PHONE", "06-1234567a", "0612345678a", "O612345678", "06I2345678", "call 0612345678",
		"mijn nummer is 0612345678",
		"0612345678x", "x12", "0612345678x12345678", "0612345678x12x34", "+31 6 12345678 (privé)",
		"0612345678,,12",
		"*310612345678", "*#06#", "0612345678#", "#31#0612345678", "0612345678;phone-context=+31",
		"06123456²⁸", "0612345Ⅷ78", "06123456①②", "0️⃣612345678", "0612345678🙂", "06\x0012345678",
		"06\xff12345678",
		"0,612345678e9", "-", "()", "+999 12345678",
		"' OR 1=1", "<script>0612345678</script>",
		strings.Repeat("0", 65), "0612345678" + strings.Repeat(" ", 55), strings.Repeat("9", 10<<20),
		strings.Repeat("x", 10<<20),
	} {
		wantRead(t, p, text, "", conversation.NumberForm)
	}
}

func TestAC29_SomeKindsAreNeverDialledOrTexted(t *testing.T) {
	p := plan(t)
	for kind, texts := range map[string][]string{
		"0800": {
			"08001234", "0800 123456", "+31800123456", "0031 800 1234", "08001234567", "0800123",
		},
		"0900": {"09001234", "0900 123456", "+319001234", "0900-1234567"},
		"0906": {"09061234", "0906-123456", "+319061234567", "0906123"},
		"0909": {"09091234", "0909 123456", "+31909123456"},
		"097, machines": {
			"097012345678", "+3197012345678", "0031970 10212345", "0970123456789", "09701234567",
			"+31 (0)97 1234567",
		},
		"14, municipalities": {"14020", "14 030", "140302", "+3114020", "140"},
		"short":              {"112", "1 1 2", "+31112", "911", "144", "1233", "116123", "1850", "１１２"},
		"pagers":             {"0660123456", "+31662123456"},
		"VoIP":               {"0851234567", "+31912345678"},
		"companies":          {"0881234567"},
		"fixed lines": {
			"0201234567", "+31 20 123 4567", "0031201234567", "020-1234567", "+3222345678",
			"+493012345678",
		},
		"satellites": {
			"+881612345678", "+8816123456789", "+882161234567", "+8821612345678", "+8835100123456",
			"+870773123456",
			"00881612345678", "00870773123456",
		},
		"international": {
			"+80012345678", "+808123456789", "+979123456789", "+878101234567890", "+888123456789",
		},
		"abroad": {
			"+33612345678", "+393123456789", "+905321234567", "0033612345678", "+5997701234",
			"+352621123456",
		},
		// Guernsey, Man, Jersey
		"islands beside an allowed country": {
			"+447911123456", "+447624123456", "+447797123456",
		},
		// Canada, Cayman
		"beside an allowed country": {"+16135550123", "+13459161234"},
		"not mobile, elsewhere": {
			"+18005551234", "+19005551234", "+447012345678", "+448001111111", "+4970012345678",
			"+491805123456", "+3290012345",
		},
	} {
		t.Run(kind, func(t *testing.T) {
			for _, text := range texts {
				wantRead(t, p, text, "", conversation.NumberKind)
			}
		})
	}
}

func TestMobilesOfOtherAllowedCountries(t *testing.T) {
	p := plan(t)
	for text, want := range map[string]string{
		"+32 470 12 34 56":    "+32470123456",
		"0032470123456":       "+32470123456",
		"+49 (0)1512 3456789": "+4915123456789",
		"+49 171 2345678":     "+491712345678",
		"+44 7400 123456":     "+447400123456",
		"+1 (212) 555-0123":   "+12125550123", // a plan that cannot tell mobiles
	} {
		wantRead(t, p, text, want, "")
	}
}

func TestNumbersWithoutACountryBelongToTheRegion(t *testing.T) {
	belgian, err := numberplan.New(numberplan.Options{Region: "be"})
	if err != nil {
		t.Fatal(err)
	}
	wantRead(t, belgian, "0470 12 34 56", "+32470123456", "")
	wantRead(t, belgian, "+31612345678", "", conversation.NumberKind)
}

func TestTheRegionItselfNeedNotBeDialled(t *testing.T) {
	p, err := numberplan.New(numberplan.Options{Region: "NL", Countries: []string{"BE"}})
	if err != nil {
		t.Fatal(err)
	}
	wantRead(t, p, "0612345678", "", conversation.NumberKind)
	wantRead(t, p, "+32470123456", "+32470123456", "")
}

func TestNewNamesEveryCountryThatIsNone(t *testing.T) {
	_, err := numberplan.New(numberplan.Options{Region: "Nederland", Countries: []string{"NL", "UK", "001", ""}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{`"Nederland"`, `"UK"`, `"001"`, `""`} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s lacks in %q", name, err)
		}
	}
	if _, err := numberplan.New(numberplan.Options{}); err == nil {
		t.Error("no region: no error")
	}
}

func TestDigits(t *testing.T) {
	for e164, want := range map[string]string{"+31612345678": "78", "+31612345600": "00", "": "", "+": ""} {
		if got := numberplan.Digits(e164); got != want {
			t.Errorf("%q: %q, want %q", e164, got, want)
		}
	}
}

// A sign that only looks like a digit is refused; one that is a digit, in
// whatever script, is never another digit and never dropped (AC-23).
func TestAC23_DigitsOfEveryScriptKeepTheirValue(t *testing.T) {
	p := plan(t)
	scripts := 0
	script := func(zero rune) {
		scripts++
		number := []rune("0612345678")
		for i := range number {
			number[i] += zero - '0'
		}
		wantRead(t, p, string(number), "+31612345678", "")
	}
	for _, r := range unicode.Nd.R16 {
		for zero := rune(r.Lo); zero <= rune(r.Hi); zero += 10 {
			script(zero)
		}
	}
	for _, r := range unicode.Nd.R32 {
		for zero := rune(r.Lo); zero <= rune(r.Hi); zero += 10 {
			script(zero)
		}
	}
	if scripts < 60 {
		t.Errorf("only %d scripts", scripts)
	}
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// wantSound asks what holds for every text there is.
func wantSound(t rapid.TB, p *numberplan.Plan, text string) {
	t.Helper()
	number, fault := p.Read(text)
	switch fault {
	case "":
		if !e164.MatchString(number) {
			t.Errorf("%q: %q is not E.164", text, number)
		}
		if again, fault := p.Read(number); again != number || fault != "" {
			t.Errorf("%q: %q reads back as %q, %q", text, number, again, fault)
		}
		for _, prefix := range []string{"+3114", "+31800", "+3190", "+3197", "+31112", "+87", "+88"} {
			if strings.HasPrefix(number, prefix) {
				t.Errorf("AC-29 %q: %q would be dialled", text, number)
			}
		}
		// A subscriber is the digits that were typed: none altered, left out or put
		// in. Only what stands before them differs from way to way of writing.
		if subscriber := number[len(number)-6:]; !strings.Contains(digitsOf(text), subscriber) {
			t.Errorf("%q: %q, whose last digits nobody typed", text, number)
		}
	case conversation.NumberForm, conversation.NumberKind:
		if number != "" {
			t.Errorf("%q: a number %q with the fault %q", text, number, fault)
		}
	default:
		t.Errorf("%q: fault %q", text, fault)
	}
}

// digitsOf are all decimal digits of text in order, as ASCII. It finds the value
// of a digit in another way than the package does.
func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		for value := '0'; value <= '9'; value++ {
			if zero := r - (value - '0'); unicode.IsDigit(r) && isZero(zero) {
				return value
			}
		}
		return -1
	}, text)
}

// isZero reports whether r is the nought of a script. Tables of Unicode have the
// digits of each in one piece, or of several in a row.
func isZero(r rune) bool {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r-rune(t.Lo))%10 == 0
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return (r-rune(t.Lo))%10 == 0
		}
	}
	return false
}

// wantTheSame asks that two ways of writing are one number.
func wantTheSame(t testing.TB, p *numberplan.Plan, text, other string) {
	t.Helper()
	number, fault := p.Read(text)
	if again, faultAgain := p.Read(other); again != number || faultAgain != fault {
		t.Errorf("%q: %q, %q; but %q: %q, %q", text, number, fault, other, again, faultAgain)
	}
}

// However a mobile number is written, it stays the same number.
func TestAC28_SeparatorsMeanNothing(t *testing.T) {
	p := plan(t)
	separators := []string{" ", "-", ".", "/", "(", ")", "\u00A0", "\u200B", "–", "\u2060", ""}
	rapid.Check(t, func(t *rapid.T) {
		subscriber := rapid.StringMatching(`[1-4][0-9]{7}`).Draw(t, "subscriber")
		prefix := rapid.SampledFrom([]string{"0", "+31", "0031", "+31(0)", "31", ""}).Draw(t, "prefix")
		var text strings.Builder
		for _, r := range prefix + "6" + subscriber {
			text.WriteRune(r)
			text.WriteString(rapid.SampledFrom(separators).Draw(t, "separator"))
		}
		if got, fault := p.Read(text.String()); got != "+316"+subscriber || fault != "" {
			t.Errorf("%q: %q, %q", text.String(), got, fault)
		}
		wantSound(t, p, text.String())
	})
}

func TestReadMayBeCalledFromManyGoroutines(t *testing.T) {
	p := plan(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, text := range []string{"0612345678", "+32470123456", "+491712345678", "09001234", "112", "x"} {
				p.Read(text)
			}
		})
	}
	all.Wait()
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"0612345678", "+31 (0)6 12345678", "0031612345678", "+31 612345678x12",
		"tel:+31-6-12345678;ext=3", "112", "14020",
		"097012345678", "09001234", "+881612345678", "+1 (212) 555-0123", "٠٦١٢٣٤٥٦٧٨", "06-PHONE",
		"\xff+3", "+49 (0)1512 3456789", "0612345678 toestel 12", "612345678", "+310612345678",
		"０６－１２３４５６７８", "+44 7400 123456", "+32 470 12 34 56", "0612345678, 0687654321",
	} {
		f.Add(seed)
	}
	p := plan(f)
	f.Fuzz(func(t *testing.T, text string) {
		wantSound(t, p, text)
		if !utf8.ValidString(text) || utf8.RuneCountInString(text) > 60 {
			return // what follows writes it longer
		}
		wantTheSame(t, p, text, " "+text+"\r\n")
		wantTheSame(t, p, text, strings.Join(strings.Fields(text), ""))
		if half := len([]rune(text)) / 2; half > 0 {
			wantTheSame(t, p, text, string([]rune(text)[:half])+"-"+string([]rune(text)[half:]))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	p := plan(b)
	for name, text := range map[string]string{
		"national": "0612345678", "international": "+31 (0)6 12345678", "refused": "09001234",
		"flood": strings.Repeat("0", 1<<20),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Read(text)
			}
		})
	}
}

func TestANumberIsOfTheCountryThatTookIt(t *testing.T) {
	p := plan(t)
	if got := p.Countries(); !slices.Equal(got, []string{"NL", "BE", "DE", "GB", "US"}) {
		t.Errorf("the countries are %v", got)
	}
	for text, want := range map[string]string{
		"0612345678": "NL", "+32 470 12 34 56": "BE", "+49 151 23456789": "DE", "+44 7400 123456": "GB", "+1 201 555 0123": "US",
	} {
		e164, fault := p.Read(text)
		if got := p.Country(e164); fault != "" || got != want {
			t.Errorf("%s: %q, fault %q; want %q", text, got, fault, want)
		}
	}
	if got := p.Country("no number"); got != "" {
		t.Errorf("%q", got)
	}
}
