package bot_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	people "resetbot/adapters/directory/demo"
	phone "resetbot/adapters/verification/demo"
	"resetbot/adapters/verification/totp"
	"resetbot/bot"
	"resetbot/conversation"
)

// What is typed in these walks, marked so that it is found again.
const (
	stem     = "kaars-molen-fiets"         // in every new password
	astray   = "olifant-marmot-ketting-73" // a password that is typed everywhere but where it belongs
	nonsense = "xylofoonbuurt"             // a text that means nothing
	unheard  = "xaverius.geheimnaam"       // a name that nobody has
	wrongOne = "739182"                    // a code
	enrolled = "MZXW6YTBOI2HI5DPMZXW6YTBOI2HI5DP"
)

// secrets are what must be found nowhere.
type secrets struct {
	texts   map[string]bool // in any encoding
	codes   map[string]bool // of digits or letters, alone or in groups
	numbers map[string]bool // telephone numbers, without a country code
}

// leaks are the secrets that are in what was put out.
func (x secrets) leaks(out []byte) (found []string) {
	for text := range x.texts {
		for _, form := range forms(text) {
			if bytes.Contains(out, []byte(form)) {
				found = append(found, text)
				break
			}
		}
	}
	for code := range x.codes {
		if slices.ContainsFunc([]string{"", " ", "-", ".", "\u00a0", "\u202f"}, func(gap string) bool {
			half := len(code) / 2
			return alone(out, []byte(code[:half]+gap+code[half:]))
		}) {
			found = append(found, code)
		}
	}
	closed := bytes.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-().", r) {
			return -1
		}
		return r
	}, out)
	for number := range x.numbers {
		if bytes.Contains(closed, []byte(number)) {
			found = append(found, number)
		}
	}
	return found
}

// alone reports whether word is in text with no letter or digit beside it.
func alone(text, word []byte) bool {
	beside := func(b byte) bool {
		return b >= utf8.RuneSelf || unicode.IsLetter(rune(b)) || unicode.IsDigit(rune(b))
	}
	for {
		i := bytes.Index(text, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || !beside(text[i-1])) && (end == len(text) || !beside(text[end])) {
			return true
		}
		text = text[i+1:]
	}
}

// forms are the ways to write a text that an encoder could have chosen.
func forms(text string) []string {
	quoted, _ := json.Marshal(text)
	return []string{
		text, strings.ToUpper(text), url.QueryEscape(text), string(quoted[1 : len(quoted)-1]),
		base64.RawStdEncoding.EncodeToString([]byte(text)),
		base64.RawURLEncoding.EncodeToString([]byte(text)),
		hex.EncodeToString([]byte(text)), fmt.Sprint([]byte(text)),
	}
}

func TestSecretsAreFound(t *testing.T) {
	x := secrets{
		texts: map[string]bool{astray: true}, codes: map[string]bool{wrongOne: true},
		numbers: map[string]bool{"612345613": true},
	}
	for _, out := range []string{
		astray, "x=" + base64.StdEncoding.EncodeToString([]byte(astray)), "code 739 182.", `"739182"`,
		"739-182",
		"+31612345613", "0612345613", "+31 (0)6-12 34 56 13", "06 - 1234 5613",
	} {
		if len(x.leaks([]byte(out))) == 0 {
			t.Errorf("nothing found in %q", out)
		}
	}
	if found := x.leaks([]byte("*****13 a7391829 06123 456")); len(found) > 0 {
		t.Errorf("found %q where it is not", found)
	}
}

// telling keeps the links that owners get.
type telling struct {
	bot.Notifier
	keep func(link string)
}

func (n telling) Tell(ctx context.Context, t bot.Telling) (conversation.DeliveryResult, error) {
	n.keep(t.Link)
	return n.Notifier.Tell(ctx, t)
}

// careless parts panic with what they were given.
type carelessDirectory struct {
	bot.Directory
	on *bool
}

func (d carelessDirectory) Reset(
	ctx context.Context, id conversation.AccountID, password conversation.Secret,
) (bot.Write, error) {
	if *d.on {
		panic("cannot write " + password.Reveal())
	}
	return d.Directory.Reset(ctx, id, password)
}

type carelessVerifier struct {
	bot.Verifier
	on *bool
}

func (v carelessVerifier) Challenge(ctx context.Context, c bot.Challenge) error {
	if *v.on {
		panic(fmt.Errorf("cannot text %s to %s", c.Code.Reveal(), c.Number.Reveal()))
	}
	return v.Verifier.Challenge(ctx, c)
}

func (v carelessVerifier) Check(
	ctx context.Context, c bot.Challenge, answer conversation.Secret,
) (bot.Judgement, error) {
	if *v.on {
		panic([]string{answer.Reveal(), c.Code.Reveal()})
	}
	return v.Verifier.Check(ctx, c, answer)
}

// TestAC25_AC64_NoSecretIsAnywhere plays walks of all kinds with marked
// passwords, codes, numbers and texts, also typed where they do not belong, and with
// everything going wrong that can. Then they are looked for in the raw store,
// the log, the audit, and all pages that were sent.
func TestAC25_AC64_NoSecretIsAnywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newSecretive(t)
		w.plain()
		w.astray()
		w.unlocks()
		w.enrols()
		w.faults()
		w.panics()
		w.search()
	})
}

// secretive is a siege that knows what is secret.
type secretive struct {
	*siege
	secrets
	debug      *lockedBuffer
	careless   bool
	phoneFault map[string]phone.Fault
	visitors   int
	resets     int
}

func newSecretive(t *testing.T) *secretive {
	w := &secretive{
		secrets: secrets{
			texts: map[string]bool{stem: true, astray: true, nonsense: true, unheard: true, enrolled: true},
			codes: map[string]bool{wrongOne: true}, numbers: map[string]bool{},
		},
		debug: &lockedBuffer{}, phoneFault: map[string]phone.Fault{},
	}
	w.siege = newSiege(t, onBolt, staff(""), policy(manyBegin), func(_ testing.TB, _ *siege,
		c *bot.Config,
	) {
		c.Wizard.Policy.Proofs.N, c.Wizard.Policy.Challenges.N, c.Wizard.Policy.Cooldown = 1000, 1000, 0
		c.Log = slog.New(slog.NewJSONHandler(w.debug, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Directory = carelessDirectory{c.Directory, &w.careless}
	})
	w.close()
	options := w.telephone(w.config.Wizard.Numbers)
	options.Faults = func(op string) phone.Fault {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.phoneFault[op]
	}
	telephone, err := phone.Open(filepath.Join(t.TempDir(), "phones.json"), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = telephone.Close() })
	w.phone = telephone
	for method, verifier := range map[conversation.Method]bot.Verifier{
		conversation.SMS: telephone.SMS(), conversation.Call: telephone.Call(),
		conversation.Push: telephone.Push(),
		conversation.Code: w.config.Verifiers[conversation.Code],
	} {
		w.config.Verifiers[method] = carelessVerifier{verifier, &w.careless}
	}
	w.config.Channels = w.channels(w.config.Wizard.Numbers)
	through(&w.config, func(n bot.Notifier) bot.Notifier { return telling{n, w.keepLink} })
	faulty := w.config.Directory
	w.config.Directory = people.WithFaults(faulty, func(op string) people.Fault {
		w.world.mu.Lock()
		defer w.world.mu.Unlock()
		return w.fault[op]
	})
	w.start()
	err = w.config.Authenticators.Enrol(t.Context(), w.person("p.bakker").ID, bot.Authenticator{
		ID: "phone", Name: "App", Secret: conversation.NewSecret(enrolled),
		Since: time.Now().Add(-1000 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range w.people.People() {
		if !p.Authenticator.Empty() {
			w.texts[p.Authenticator.Reveal()] = true
		}
		if p.Password.Reveal() != "" {
			w.texts[p.Password.Reveal()] = true
		}
		if e164, fault := w.config.Wizard.Numbers.Read(p.Mobile); fault == "" {
			w.numbers[e164[3:]] = true
		}
	}
	w.numbers["6543210"] = true // every {number}
	return w
}

// keepLink notes the link of a one-time page as a secret.
func (w *secretive) keepLink(link string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := strings.LastIndexByte(link, '/'); i >= 0 && len(link) > i+20 {
		w.texts[link[i+1:]] = true
	}
}

// next is somebody whom the bot does not know yet.
func (w *secretive) next() conversation.User {
	w.visitors++
	return visitor(w.visitors)
}

// attempt walks to a new password and types one, as far as that goes.
func (w *secretive) attempt(name string, user conversation.User) {
	w.t.Helper()
	for _, input := range then(toSMS, "{sms}", "4", "{app}") {
		if input == "{sms}" && !w.hasCode(name) {
			input = wrongOne
		}
		w.walk(user, name, input)
	}
	w.resets++
	if err := w.send(w.filled(user, fmt.Sprintf("%s-%c-tafel", stem, 'a'+w.resets))); err != nil {
		w.t.Fatal(err)
	}
}

func (w *secretive) hasCode(name string) bool {
	return slices.ContainsFunc(w.entries(name), func(e phone.Entry) bool { return e.Code != "" })
}

// plain are walks on which all goes well, and those that end early.
func (w *secretive) plain() {
	user := w.next()
	w.attempt("m.devries", user)
	w.on(user, conversation.Done)
	user = w.next()
	w.walk(user, "z.celik", then(toSMS, wrongOne, "! restart", "{sms}", "3", "! approve")...)
	w.resets++
	w.submit(user, stem+"-en-nog-een")
	w.on(user, conversation.Done)
	w.walk(w.next(), "m.devries", then(toNumber, "{number}", wrongOne, "stop")...)
	w.walk(w.next(), unheard, then(toNumber, "{number}", wrongOne)...)
	w.walk(w.next(), "l.vogel", then(toChoice, "2", "{right}", "! press 9", "! wait 61s", "3", "! deny")...)
	user = w.next()
	bakker := w.person("p.bakker")
	for _, text := range []string{"reset", "ja", "1", "0612345635"} {
		m := said(user, text)
		m.From.Bound = []conversation.Bound{{ID: bakker.ID, UPN: bakker.UPN}}
		w.receive(m)
	}
	w.walk(user, "p.bakker", "{sms}", "4", wrongOne)
	w.on(user, conversation.Step2Answer)
}

// astray types on every page what belongs on none, or on another.
func (w *secretive) astray() {
	for _, way := range [][]string{
		{"hallo"},
		{"kan niet inloggen"},
		{"reset"},
		{"reset", "{name}"},
		toChoice, toNumber, toSMS, toCode,
		then(toChoice, "3"), then(toChoice, "2", "{right}"), toStep2, toPassword,
	} {
		user := w.next()
		w.walk(user, "k.jansen", way...)
		for _, text := range []string{
			astray, "mijn wachtwoord is " + astray, nonsense, nonsense + " " + nonsense, "0612345691",
			"bel me op 06-12345691", "de code is " + wrongOne, wrongOne,
		} {
			w.say(user, text)
			if w.state(user).Over() {
				break
			}
		}
		w.submit(user, stem)
		w.walk(user, "k.jansen", "stop")
	}
	w.walk(w.next(), "k.jansen", then(toSMS, "! wait 16m")...)
}

func (w *secretive) unlocks() {
	user := w.next()
	w.walk(user, "s.boersma", "ik kan niet inloggen", "2", "{name}", "{captcha}", "1", "{right}", "{sms}",
		"4", "{app}")
	w.on(user, conversation.Done)
}

// enrols has an app enrolled, with a wrong password first, and one typed where
// everybody can read it.
func (w *secretive) enrols() {
	user := w.next()
	smit := w.person("k.jansen.opleiding")
	say := func(text string) {
		m := said(user, text)
		m.From.Bound = []conversation.Bound{{ID: smit.ID, UPN: smit.UPN}}
		w.receive(m)
	}
	current := func(password string) {
		w.world.fill(user, map[conversation.Field]conversation.Secret{
			conversation.FieldCurrent: conversation.NewSecret(password),
		})
	}
	say("authenticator koppelen")
	say(astray)
	current(astray)
	current(smit.Password.Reveal())
	say("4")
	say(w.app("k.jansen.opleiding"))
	say("1")
	say("0612345691")
	say(w.sms("k.jansen.opleiding"))
	w.on(user, conversation.EnrolScan)
	c, err := w.config.Store.Conversation(w.t.Context(), user)
	if err != nil {
		w.t.Fatal(err)
	}
	secret := w.config.Wizard.Keys.AppSecret(c.Enrol.ID)
	w.texts[secret.Reveal()] = true
	code, err := totp.Code(secret, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	say(wrongOne)
	say(code.Reveal())
	w.on(user, conversation.Enrolled)
}

// faults has every call fail in every way that the demo knows.
func (w *secretive) faults() {
	names := []string{"m.devries", "z.celik", "l.vogel", "k.jansen"}
	n := 0
	try := func() {
		user := w.next()
		w.attempt(names[n%len(names)], user)
		w.walk(user, "", "! wait 90s")
		w.setFault(people.OpFind, people.Fault{})
		w.setFault(people.OpReset, people.Fault{})
		w.setFault(people.OpChanged, people.Fault{})
		w.mu.Lock()
		clear(w.phoneFault)
		w.mu.Unlock()
		w.walk(user, "", "! wait 6m", "stop")
		n++
	}
	for _, fault := range []people.Fault{
		{Slow: time.Minute},
		{Unreachable: true},
		{Lost: true},
		{AnswerLost: true},
		{Refuse: []conversation.PasswordFlaw{conversation.FlawHistory}},
	} {
		for _, op := range []string{people.OpFind, people.OpReset, people.OpChanged} {
			w.setFault(op, fault)
			if op == people.OpChanged {
				w.setFault(people.OpReset, people.Fault{AnswerLost: true})
			}
			try()
		}
	}
	for _, fault := range []phone.Fault{
		{Slow: 5 * time.Second},
		{Broken: true},
		{Lost: true},
		{Twice: true},
	} {
		w.mu.Lock()
		for _, op := range []string{string(phone.KindSMS), string(phone.KindMail), phone.OpCheck} {
			w.phoneFault[op] = fault
		}
		w.mu.Unlock()
		try()
	}
}

// panics has parts panic with secrets in what they throw.
func (w *secretive) panics() {
	user := w.next()
	w.walk(user, "m.devries", toPassword...)
	w.careless = true
	w.submit(user, stem+"-in-paniek")
	w.walk(user, "m.devries", "! wait 5m")
	user = w.next()
	w.walk(user, "z.celik", then(toSMS, wrongOne, "andere manier", "4", "{app}")...)
	w.careless = false
	user = w.next()
	w.walk(user, "l.vogel", then(toStep2, "4")...)
	w.careless = true
	w.walk(user, "l.vogel", "{app}")
	w.careless = false
	if !strings.Contains(w.debug.String(), "panic") {
		w.t.Error("nothing panicked")
	}
}

// search looks for all secrets in everything that was put out.
func (w *secretive) search() {
	entries, err := w.phone.List(w.t.(*testing.T).Context(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Code != "" {
			w.codes[e.Code] = true
		}
	}
	outputs := map[string][]byte{"the log": []byte(w.debug.String() + w.log.String())}
	var pages, audit bytes.Buffer
	w.mu.Lock()
	all := slices.Clone(w.seen)
	w.mu.Unlock()
	for _, seen := range all {
		page := seen.page
		if page.Page.Media != nil {
			w.codes[w.config.Wizard.Keys.CaptchaAnswer(page.Page.Media.ID).Reveal()] = true
		}
		text, err := w.words.Render(page.Locale, page.State, page.Page, w.began.Add(seen.after))
		if err != nil {
			w.t.Error(err)
		}
		data, err := json.Marshal(page.Page)
		if err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintf(&pages, "%s\n%s\n", text, data)
	}
	outputs["the pages"] = pages.Bytes()
	err = w.config.Store.Lines(context.Background(), 1,
		func(e bot.Entry) error { return json.NewEncoder(&audit).Encode(e) })
	if err != nil {
		w.t.Fatal(err)
	}
	outputs["the audit"] = audit.Bytes()
	w.close()
	files, err := filepath.Glob(filepath.Join(w.path, "*"))
	if err != nil || len(files) < 3 {
		w.t.Fatalf("%d files of the store (%v)", len(files), err)
	}
	for _, file := range files {
		if filepath.Base(file) == "resetbot.key" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		outputs[filepath.Base(file)] = data
	}
	w.leavesNothing(outputs, "the pages")
	for _, seen := range all { // a link is for its page alone
		w.keepLink(seen.page.Link)
	}
	for _, p := range w.people.People() { // and a name too
		name, _, _ := strings.Cut(p.UPN, "@")
		w.texts[name], w.texts[p.Display] = true, true
	}
	delete(outputs, "the pages")
	w.leavesNothing(outputs, "the log", "the audit", "resetbot.db", "resetbot.key.head")
	w.met(all)
}

// leavesNothing fails the test for every secret that is in an output.
func (w *secretive) leavesNothing(outputs map[string][]byte, among ...string) {
	w.t.Helper()
	for _, name := range among {
		if len(outputs[name]) == 0 {
			w.t.Errorf("%s is empty", name)
		}
	}
	for name, out := range outputs {
		for _, found := range w.leaks(out) {
			w.t.Errorf("%q is in %s", found, name)
		}
	}
}

// met fails the test if the walks did not come everywhere.
func (w *secretive) met(all []seen) {
	w.t.Helper()
	times := map[conversation.MessageID]int{}
	for _, seen := range all {
		times[seen.page.Page.ID]++
		for _, note := range seen.page.Page.Notes {
			times[note.ID]++
		}
	}
	for _, id := range []conversation.MessageID{
		conversation.EndReset, conversation.EndUnlocked, conversation.WaitUnknown,
		conversation.NotePasswordRefused,
		conversation.NotePasswordChat, conversation.NoteDirectoryDown, conversation.NoteCodeWrong,
		conversation.NoteNothing,
		conversation.AskOwn, conversation.WaitCall, conversation.WaitPush, conversation.NotChanged,
		conversation.NoteNotJudged, conversation.EndExpired,
	} {
		if times[id] == 0 {
			w.t.Errorf("no walk came to %s", id)
		}
	}
	if w.count("reset") < 10 {
		w.t.Errorf("%d writes, want 10 at least", w.count("reset"))
	}
}
