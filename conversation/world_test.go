package conversation_test

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	. "resetbot/conversation"
)

// numbers and rules stand in for the outside: small, exact, pure.
type numbers struct{}

func (numbers) Read(text string) (string, NumberFault) {
	switch {
	case strings.HasPrefix(text, "06") && len(text) == 10:
		return "+31" + text[1:], ""
	case strings.HasPrefix(text, "0900"):
		return "", NumberKind
	}
	return "", NumberForm
}

func (numbers) Country(string) string { return "NL" }
func (numbers) Countries() []string   { return []string{"NL"} }

type rules struct{}

func (rules) Normal(p string) string { return p }
func (rules) Judge(p string, length int, _ []string) []PasswordFlaw {
	if len([]rune(p)) < max(16, length) {
		return []PasswordFlaw{FlawShort}
	}
	return nil
}

func key(b byte) (k Key) {
	for i := range k {
		k[i] = b
	}
	return k
}

func newWizard() *Wizard {
	p := DefaultPolicy()
	p.Organisation, p.Domains = "Rijnzicht", []string{"rijnzicht.example"}
	return &Wizard{
		Policy: p, Keys: Keys{Index: key(1), Code: key(2), Decoy: key(3)},
		Numbers: numbers{}, Rules: rules{},
	}
}

// world holds what a store would, and checks after every step what must hold
// whatever happens.
type world struct {
	t        testing.TB
	wizard   *Wizard
	now      time.Time
	steps    uint64
	convs    map[User]Conversation
	accounts map[AccountKey]AccountRecord
	counters map[CounterKey]Counter
	marks    map[string]bool
	secrets  map[string]Secret // by task
	notices  []Notice
	audit    []Line
	people   map[string]*Account // the directory, by name
	bound    map[User][]Bound    // whom chats prove people to be
	known    map[User]Person     // of whom something is kept
	from     map[User]Origin     // what else a chat says of where they are
	apps     map[string]bool     // devices that are kept
	own      string              // the token that whoever fills a page in is told
	shared   string              // the asker of everybody, where they share one
	closed   []Closure
	damages  bool // a test damages records
}

func newWorld(t testing.TB) *world {
	w := &world{
		t: t, wizard: newWizard(), now: time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC),
		convs: map[User]Conversation{}, accounts: map[AccountKey]AccountRecord{},
		counters: map[CounterKey]Counter{}, marks: map[string]bool{}, secrets: map[string]Secret{},
		bound: map[User][]Bound{}, known: map[User]Person{}, from: map[User]Origin{}, apps: map[string]bool{},
	}
	print := func(e164 string) string { return w.wizard.Keys.Fingerprint("number", e164) }
	device := []Device{{ID: "app1"}}
	w.people = map[string]*Account{
		"m.devries": {
			ID: "1", UPN: "m.devries@rijnzicht.example", Name: "M. de Vries", Digits: "13",
			Number: print("+31612345613"), Devices: device, Push: true, Mark: "1", Locked: true,
		},
		"p.phone":    {ID: "2", UPN: "p.phone@rijnzicht.example", Digits: "14", Number: print("+31612345614"), Mark: "1"},
		"d.disabled": {ID: "3", UPN: "d.disabled@rijnzicht.example", Digits: "15", Number: print("+31612345615"), Reason: Disabled, Mark: "1"},
	}
	return w
}

func (w *world) find(name string, id AccountID) *Account {
	name, _, _ = strings.Cut(name, "@")
	for n, a := range w.people {
		if n == name || id != "" && a.ID == id {
			copied := *a
			return &copied
		}
	}
	return nil
}

// step takes in for user, twice, and applies it.
func (w *world) step(user User, in Input) Change {
	w.t.Helper()
	w.steps++
	binary.BigEndian.PutUint64(in.Nonce[:], w.steps)
	in.By, in.Closed = "p1", w.closed
	if in.From.User == (User{}) {
		in.From.User = user
	}
	in.From.Asker, in.From.Locale = cmp.Or(w.shared, "asker of "+user.String()), "nl"
	if in.From.Bound == nil {
		in.From.Bound = w.bound[user]
	}
	switch in.Kind {
	case Said, Pressed, Filled, Arrived:
		o := w.from[user]
		in.From.Binds, in.From.Domains, in.From.Place, in.From.Identity = o.Binds, o.Domains, o.Place, o.Identity
	}
	old := w.convs[user]
	before := encode(w.t, old)
	reads := w.wizard.Reads(old, in)
	facts := func() Facts {
		f := Facts{Account: w.accounts[reads.Account], Person: w.known[reads.Person], Counters: map[CounterKey]Counter{}, Marks: map[string]bool{}}
		for _, k := range reads.Counters {
			f.Counters[k] = w.counters[k]
		}
		for _, m := range reads.Marks {
			f.Marks[m] = w.marks[m]
		}
		return f
	}
	change, err := w.wizard.Step(old, in, facts(), w.now)
	if err != nil {
		w.t.Fatalf("%s on %s: %v", in.Kind, old.State, err)
	}
	again, err := w.wizard.Step(old, in, facts(), w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	secret := change.Secret
	change.Secret, again.Secret = Secret{}, Secret{}
	if a, b := encodeChange(w.t, change), encodeChange(w.t, again); a != b {
		w.t.Fatalf("a step taken twice differs:\n%s\n%s", a, b)
	}
	if after := encode(w.t, old); after != before {
		w.t.Fatalf("a step changed its argument:\n%s\n%s", before, after)
	}
	w.check(old, change)
	if in.Outcome == nil { // of a reset that was left for the guide, the owner's denial may still come in
		w.withoutRights(change)
	}
	w.apply(user, change, secret)
	return change
}

func encode(t testing.TB, c Conversation) string {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatalf("encoding a conversation: %v", err)
	}
	return string(data)
}

func encodeChange(t testing.TB, c Change) string {
	t.Helper()
	type plain struct {
		Conversation        Conversation
		Same, Forget, Start bool
		Due                 time.Time
		Account             *AccountRecord
		Person              *Person
		Counters            map[CounterKey]Counter
		Marks               []Mark
		Notices             []Notice
		Audit               []Line
	}
	data, err := json.Marshal(plain{c.Conversation, c.Same, c.Forget, c.Start, c.Due, c.Account, c.Person, c.Counters, c.Marks, c.Notices, c.Audit})
	if err != nil {
		t.Fatalf("encoding a change: %v", err)
	}
	return string(data)
}

const marked = "MARKED-secret-" // in every secret that a test types

func (w *world) check(old Conversation, change Change) {
	w.t.Helper()
	if change.Same {
		return
	}
	c := change.Conversation
	if text := encodeChange(w.t, change); strings.Contains(text, marked) || strings.Contains(text, "612345613") {
		w.t.Fatalf("a secret is in what would be stored: %s", text)
	}
	if old.ID == c.ID && old.State.Over() && c.State != old.State {
		w.t.Fatalf("%s was an end, and became %s", old.State, c.State)
	}
	if c.Page.ID == EndTrouble && old.Page.ID != EndTrouble && !w.damages {
		w.t.Fatalf("a record of the wizard's own is taken for a damaged one: %s", encode(w.t, old))
	}
	if c.Page.Version < old.Page.Version && !w.damages {
		w.t.Fatalf("page %d became %d", old.Page.Version, c.Page.Version)
	}
	switch c.State {
	case Password, Confirming, Changing, Unknown:
		w.twoFamilies(c)
	}
	if c.ID != "" && c.Disowns == "" {
		w.absoluteEnd(c)
	}
	if change.Start && c.Task.Kind == TaskReset {
		w.twoFamilies(c)
		if c.Subject.Decoy || c.Write == nil || change.Account == nil || change.Account.Writing != c.ID {
			w.t.Fatalf("a password would be written without its commit: %s", encodeChange(w.t, change))
		}
		if !slices.ContainsFunc(change.Audit, func(l Line) bool { return l.Event == "write_begun" }) {
			w.t.Fatal("a password would be written without an audit line")
		}
	}
	if change.Start && c.Task.Kind == TaskUnlock && len(c.Proofs) == 0 {
		w.t.Fatal("an account would be unlocked without a proof")
	}
	if change.Start && c.Task.Kind == TaskEnrol {
		w.mayEnrol(c)
	}
	if p := change.Person; p != nil && len(p.Bindings) > len(w.known[p.User].Bindings) {
		w.mayBind(old, c)
	}
	for k, n := range change.Counters {
		// The owner's chat fills what strangers have too, and may when that is full.
		filled := c.Subject.Own && strings.HasPrefix(string(k), "proofs|others|")
		if strings.HasPrefix(string(k), "proofs") && len(n.Spends) > w.wizard.Policy.Proofs.N && !filled {
			w.t.Fatalf("%s has %d spends", k, len(n.Spends))
		}
	}
	if !c.State.Over() && c.Due(w.wizard.Policy).IsZero() {
		w.t.Fatalf("nobody will ever look at a conversation on %s", c.State)
	}
}

// mayBind: nobody is bound but by the end of what two proofs were given for.
func (w *world) mayBind(old, c Conversation) {
	w.t.Helper()
	w.twoFamilies(c)
	if old.State.Over() || c.State != Done || !c.Binds || c.Subject.Own || c.Subject.Decoy {
		w.t.Fatalf("on %s, after %s, a binding would be made to %+v", c.State, old.State, c.Subject)
	}
}

// mayEnrol: nothing is enrolled but in one's own chat, with the current password
// and a proof by telephone, and where there is an app already with that too.
func (w *world) mayEnrol(c Conversation) {
	w.t.Helper()
	families := map[Family]bool{}
	for _, p := range c.Proofs {
		families[p.Method.Family()] = true
	}
	if !c.Subject.Own || c.Subject.Decoy || c.Enrol.Verified.IsZero() || !families[Phone] ||
		c.Subject.Apps > 0 && !families[App] || c.Task.Device == "" || c.Task.Since.IsZero() {
		w.t.Fatalf("an authenticator would be kept with the proofs %v of %+v", c.Proofs, c.Enrol)
	}
}

// absoluteEnd: no way through the guide and back gives a reset more than its
// time, or the whole more than the guide's.
func (w *world) absoluteEnd(c Conversation) {
	w.t.Helper()
	p := w.wizard.Policy
	if c.Unasked { // nobody began anything
		if c.State != Start || c.Subject.Key != "" || len(c.Proofs) > 0 || c.Task != nil {
			w.t.Fatalf("a question that nobody asked for is on %s", c.State)
		}
		return
	}
	if c.Ends.After(c.Started.Add(p.Guide)) {
		w.t.Fatalf("%s ends %v after it began", c.State, c.Ends.Sub(c.Started))
	}
	asks := !c.State.Over() && !strings.HasPrefix(string(c.State), "guide_")
	if asks && c.Ends.After(c.Latest.Add(p.Conversation)) {
		w.t.Fatalf("%s has %v left", c.State, c.Ends.Sub(c.Latest))
	}
}

// withoutRights: the guide touches nothing but its own page.
func (w *world) withoutRights(change Change) {
	w.t.Helper()
	c := change.Conversation
	if change.Same || !strings.HasPrefix(string(c.State), "guide_") {
		return
	}
	if c.Subject.Key != "" || c.Subject.ID != "" || c.Typed != "" || len(c.Proofs) > 0 || c.Task != nil ||
		c.Write != nil || change.Start || change.Account != nil || len(change.Counters) > 0 || len(change.Marks) > 0 ||
		len(change.Notices) > 0 || len(change.Audit) > 0 || len(c.Page.Fields) > 0 {
		w.t.Fatalf("the guide does more than explain: %s", encodeChange(w.t, change))
	}
}

func (w *world) twoFamilies(c Conversation) {
	w.t.Helper()
	families := map[Family]bool{}
	for _, p := range c.Proofs {
		families[p.Method.Family()] = true
	}
	if len(c.Proofs) != 2 || !families[Phone] || !families[App] {
		w.t.Fatalf("%s with the proofs %v", c.State, c.Proofs)
	}
}

func (w *world) apply(user User, change Change, secret Secret) {
	if change.Same {
		return
	}
	if change.Forget {
		delete(w.convs, user)
		return
	}
	c := change.Conversation
	var stored Conversation // as a store would: through its encoding
	if err := json.Unmarshal([]byte(encode(w.t, c)), &stored); err != nil {
		w.t.Fatal(err)
	}
	w.convs[user] = stored
	if change.Account != nil {
		w.accounts[change.Account.Key] = *change.Account
	}
	if change.Person != nil {
		w.known[change.Person.User] = *change.Person
	}
	for k, n := range change.Counters {
		w.counters[k] = n
	}
	for _, m := range change.Marks {
		if w.marks[m.Key] {
			w.t.Fatalf("the mark %s was set twice", m.Key)
		}
		w.marks[m.Key] = true
	}
	w.notices = append(w.notices, change.Notices...)
	w.audit = append(w.audit, change.Audit...)
	if change.Start && !secret.Empty() {
		w.secrets[c.Task.ID] = secret
	}
}

// disown is an owner who opens the link of a notice and presses its button.
func (w *world) disown(n Notice) User {
	w.t.Helper()
	user := DisownUser(n.ID)
	w.step(user, Input{Kind: Disowns, Disowned: &Disownment{
		Notice: n.ID, Account: n.Account, Conversation: n.Conversation, Message: n.Message, Receipt: n.Receipt, At: n.At,
		User: n.User,
	}})
	return user
}

// told are the notices to owners, oldest first.
func (w *world) told() (list []Notice) {
	for _, n := range w.notices {
		if n.Kind == Tell {
			list = append(list, n)
		}
	}
	return list
}

// Shorthands of what a person does.

func (w *world) pick(user User, c Choice) Change {
	w.t.Helper()
	return w.step(user, Input{Kind: Said, Choice: c})
}

func (w *world) say(user User, f Field, text string) Change {
	w.t.Helper()
	return w.step(user, Input{Kind: Said, Fields: map[Field]Secret{f: NewSecret(text)}})
}

func (w *world) submit(user User, password string) Change {
	w.t.Helper()
	fields := map[Field]Secret{FieldPassword: NewSecret(password), FieldConfirm: NewSecret(password)}
	page := w.convs[user].Page
	if page.Entry != nil {
		fields[FieldWord] = NewSecret(strconv.Itoa(page.Entry.Asks))
	}
	return w.step(user, Input{Kind: Filled, Token: page.Token, Own: w.own, Fields: fields})
}

func (w *world) captcha(user User) string {
	return w.wizard.Keys.CaptchaAnswer(w.convs[user].Captcha.ID).Reveal()
}

// come brings the outcome of the task that is on.
func (w *world) come(user User, out Outcome) Change {
	w.t.Helper()
	task := w.convs[user].Task
	if task == nil {
		w.t.Fatalf("no task is on in %s", w.convs[user].State)
	}
	out.Task = task.ID
	in := Input{Kind: Came, Outcome: &out}
	if secret, ok := w.secrets[task.ID]; ok && task.Kind == TaskReread {
		in.Fields = map[Field]Secret{FieldPassword: secret}
	}
	return w.step(user, in)
}

// truth is what bot would make of the task that is on, when the person does
// everything right.
func (w *world) truth(user User) Outcome {
	task := w.convs[user].Task
	if task == nil {
		return Outcome{}
	}
	switch task.Kind {
	case TaskFind, TaskReread:
		return Outcome{Account: w.find(task.Name, task.Account)}
	case TaskChallenge:
		return Outcome{Matched: !task.Decoy && task.Typed == task.Known}
	case TaskVerify:
		return Outcome{Verdict: Right}
	case TaskConfirm:
		return Outcome{Account: w.find("", task.Account), Verdict: Right, Mark: "totp:" + task.ID}
	case TaskEnrol:
		w.apps[task.Device] = true
		return Outcome{}
	case TaskRemove:
		delete(w.apps, task.Device)
		return Outcome{}
	case TaskCheck, TaskWait:
		if task.Decoy {
			return Outcome{Verdict: map[TaskKind]Verdict{TaskCheck: WrongOne, TaskWait: NoAnswer}[task.Kind]}
		}
		return Outcome{Verdict: Right, Mark: fmt.Sprintf("%s:%s", task.Kind, task.ID)}
	case TaskReset, TaskUnlock, TaskScramble:
		return Outcome{Write: WriteDone}
	}
	return Outcome{Changed: ChangedYes}
}

func (w *world) go1(user User) Change {
	w.t.Helper()
	return w.come(user, w.truth(user))
}

// toStep1 walks user to the first choice, naming name.
func (w *world) toStep1(user User, goal Choice, name string) {
	w.t.Helper()
	w.step(user, Input{Kind: Arrived})
	w.pick(user, goal)
	w.say(user, FieldName, name)
	w.say(user, FieldCaptcha, w.captcha(user))
	w.go1(user)
	w.on(user, Step1Choose)
}

// on checks where user is.
func (w *world) on(user User, want State) {
	w.t.Helper()
	if got := w.convs[user].State; got != want {
		w.t.Fatalf("on %s (page %s), want %s", got, w.convs[user].Page.ID, want)
	}
}

// note reports whether the page says id above itself.
func (w *world) note(user User, id MessageID) {
	w.t.Helper()
	if !slices.ContainsFunc(w.convs[user].Page.Notes, func(n Note) bool { return n.ID == id }) {
		w.t.Fatalf("the page %s says %v, want %s", w.convs[user].Page.ID, w.convs[user].Page.Notes, id)
	}
}

var ann, bob = User{"web", "ann"}, User{"web", "bob"}

// mia and piet are in their own chats: mia has an app, piet has none, and a
// second account.
var mia, piet = User{"teams", "mia"}, User{"teams", "piet"}

func (w *world) ownChats() {
	w.bound[mia] = []Bound{{ID: "1", UPN: "m.devries@rijnzicht.example"}}
	w.bound[piet] = []Bound{{ID: "2", UPN: "p.phone@rijnzicht.example"}, {ID: "3", UPN: "d.disabled@rijnzicht.example"}}
}

// fill fills in the one-time page of user, as somebody who sees the chat.
func (w *world) fill(user User, f Field, text string) Change {
	w.t.Helper()
	page := w.convs[user].Page
	fields := map[Field]Secret{f: NewSecret(text)}
	if page.Entry != nil {
		fields[FieldWord] = NewSecret(strconv.Itoa(page.Entry.Asks))
	}
	return w.step(user, Input{Kind: Filled, Token: page.Token, Own: w.own, Fields: fields})
}
