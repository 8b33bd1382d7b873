package bottest

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resetbot/bot"
	"resetbot/conversation"
)

// DirectoryFixture tells [TestDirectory] whom it can play with.
type DirectoryFixture struct {
	// New gives a directory and people in it that no earlier call gave, or
	// whom it put back as they were. It is called once for every test, and may
	// register its cleaning up with t.
	New func(t *testing.T) (bot.Directory, DirectoryPeople)

	// NewPassword makes a password that the directory takes, another one each
	// time; nil: one that suits most.
	NewPassword func() string
}

// DirectoryPeople are who the suite needs in a directory. Known is required;
// what is empty of the rest is skipped.
type DirectoryPeople struct {
	// Known may be given a new password, is not locked out, and signs in with
	// Password. Find must tell exactly what is set here; Mark is left out.
	Known    bot.Account
	Password string
	// Names are all by which Known must be found: user principal name, mail
	// address, account name, each as Query.Name has them.
	Names []string

	// Unknown is a name that nobody has; UnknownID an id in the right form
	// that nobody has.
	Unknown   string
	UnknownID conversation.AccountID
	// Ambiguous are names that more than one account has.
	Ambiguous []string
	// Barred are names of accounts that may not be given a new password, with
	// the reason that Find must tell.
	Barred map[string]conversation.Reason

	// Lock makes the directory lock Known out, as somebody does who tries
	// passwords.
	Lock func(t *testing.T)
	// Refused are passwords of Known that the directory does not take, with a
	// flaw that it must name. Password is among them where there is a history.
	Refused map[string]conversation.PasswordFlaw
}

// TestDirectory holds a directory against what [bot.Directory] promises. Every
// directory passes it, the real ones included.
func TestDirectory(t *testing.T, f DirectoryFixture) {
	if f.NewPassword == nil {
		f.NewPassword = func() string { return "Kiezel-7-" + rand.Text() }
	}
	for _, test := range []struct {
		name string
		run  func(*directoryTest)
	}{
		{"finds an account by each of its names", (*directoryTest).findsByName},
		{"finds an account by its id", (*directoryTest).findsByID},
		{"does not find what nobody is called", (*directoryTest).findsNobody},
		{"AC-06 AC-07 no name finds more than it says", (*directoryTest).findsNoMore},
		{"two accounts of one name are none", (*directoryTest).findsNoneOfTwo},
		{"finds a barred account with its reason", (*directoryTest).findsBarred},
		{"a new password holds and the old one does not", (*directoryTest).resets},
		{"AC-59 a refusal names its flaw and changes nothing", (*directoryTest).refuses},
		{"the mark changes with each write and nothing else", (*directoryTest).marks},
		{"AC-60 tells whether a write arrived", (*directoryTest).tellsChanged},
		{"unlocking lifts the lock and nothing else", (*directoryTest).unlocks},
		{"a new password lifts the lock", (*directoryTest).resetUnlocks},
		{"an id that nobody has is never written", (*directoryTest).writesNobody},
		{"does nothing once its context is over", (*directoryTest).honoursContext},
		{"AC-25 no error holds a password", (*directoryTest).keepsSecrets},
		{"many at the same instant", (*directoryTest).manyAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, people := f.New(t)
			test.run(&directoryTest{T: t, DirectoryPeople: people, d: d, newPassword: f.NewPassword})
		})
	}
}

// directoryTest is one test with a directory of its own.
type directoryTest struct {
	*testing.T
	DirectoryPeople
	d           bot.Directory
	newPassword func() string
}

func (t *directoryTest) findsByName() {
	for _, name := range t.Names {
		for _, written := range []string{name, strings.ToUpper(name), strings.ToLower(name)} {
			t.wantKnown(bot.Query{Name: written})
		}
	}
}

func (t *directoryTest) findsByID() {
	t.wantKnown(bot.Query{ID: t.Known.ID})
}

func (t *directoryTest) findsNobody() {
	queries := []bot.Query{{}}
	if t.Unknown != "" {
		queries = append(queries, bot.Query{Name: t.Unknown})
	}
	if t.UnknownID != "" {
		queries = append(queries, bot.Query{ID: t.UnknownID})
	}
	for _, q := range queries {
		t.wantNobody(q)
	}
}

// findsNoMore tries what means more than itself in LDAP filters (RFC 4515),
// distinguished names, OData and SQL, and what people paste into forms.
func (t *directoryTest) findsNoMore() {
	name, id := t.Names[0], string(t.Known.ID)
	local, domain, _ := strings.Cut(name, "@")
	names := []string{
		"*", name + "*", name[:1] + "*", "*" + name[1:], "**",
		`\2a`, `\2A`, "%", "_", name[:1] + "%",
		"*)(objectClass=*", "*)(objectClass=*)", name + ")(|(objectClass=*", name + ")(userPrincipalName=*",
		")(", "(", ")", "&", "|", `\`, `\00`, "\x00", name + "\x00", "\x00" + name, name + `\00`,
		"' or '1' eq '1", name + "' or startswith(userPrincipalName,'", "' OR '1'='1", name + "'--", `"`, "''",
		name + ",", name + ";", name + "\n", name + "\r\nX: y", name + "," + t.Unknown, name + ";" + t.Unknown,
		name + " " + t.Unknown, "<" + name + ">", "mailto:" + name, name + "@", local + "@@" + domain,
		name + "/..", "../" + name, name + "?$select=id", name + "#", name + "%00",
		strings.Repeat("a", 10<<10), name + strings.Repeat("a", 10<<10), strings.Repeat("(", 10<<10),
		"\xff\xfe", name + "\xff", "\u202e" + name, name + "\u200b",
		strings.Map(fullWidth, name), name + "\u0301",
	}
	// The Kelvin sign, the long s and the dotless i become k, s and i when
	// their letter case is changed.
	for letter, double := range map[string]string{"k": "\u212a", "s": "\u017f", "i": "\u0131"} {
		for _, name := range t.Names {
			if strings.Contains(name, letter) {
				names = append(names, strings.ReplaceAll(name, letter, double))
			}
		}
	}
	for _, q := range names {
		t.wantNobody(bot.Query{Name: q})
	}
	for _, q := range []string{
		"*", id + "*", id + ")(objectClass=*", `\2a`, "", " ", "\x00", id + "\x00", id + " ", id + "/..",
		id + "?$select=id", id + "' or '1' eq '1", "00", strings.Repeat("0", 10<<10),
	} {
		t.wantNobody(bot.Query{ID: conversation.AccountID(q)})
	}
}

// fullWidth is a letter's form in the block of U+FF00, which NFKC takes for
// the letter itself.
func fullWidth(c rune) rune {
	if '!' <= c && c <= '~' {
		return c - '!' + '！'
	}
	return c
}

func (t *directoryTest) findsNoneOfTwo() {
	if len(t.Ambiguous) == 0 {
		t.Skip("no name that two have")
	}
	for _, name := range t.Ambiguous {
		t.wantNobody(bot.Query{Name: name})
	}
}

func (t *directoryTest) findsBarred() {
	if len(t.Barred) == 0 {
		t.Skip("nobody is barred")
	}
	for name, want := range t.Barred {
		account, found, err := t.d.Find(t.Context(), bot.Query{Name: name})
		if err != nil || !found {
			t.Errorf("found is %t with error %v, want an account that is %s", found, err, want)
		} else if account.Reason != want {
			t.Errorf("reason %q, want %q", account.Reason, want)
		}
	}
}

func (t *directoryTest) resets() {
	t.wantSignIn(t.Password, true)
	last := t.Password
	for range 2 {
		password := t.newPassword()
		t.reset(password)
		t.wantSignIn(password, true)
		t.wantSignIn(last, false)
		last = password
	}
	// It stays the same person.
	t.wantKnown(bot.Query{ID: t.Known.ID})
}

func (t *directoryTest) refuses() {
	if len(t.Refused) == 0 {
		t.Skip("no password that is refused")
	}
	mark := t.mark()
	for password, flaw := range t.Refused {
		write, err := t.d.Reset(t.Context(), t.Known.ID, conversation.NewSecret(password))
		if err != nil {
			t.Errorf("%s: %v, want a refusal without an error", flaw, err)
			continue
		}
		if write.Result != conversation.WriteRefused || !slices.Contains(write.Flaws, flaw) {
			t.Errorf("%+v, want a refusal with %q", write, flaw)
		}
		if strings.Contains(write.Word, password) {
			t.Errorf("%s: the refusal quotes the password", flaw)
		}
	}
	if t.mark() != mark {
		t.Error("the mark changed though everything was refused")
	}
	t.wantSignIn(t.Password, true)
}

func (t *directoryTest) marks() {
	first := t.mark()
	steady := func(what string) {
		t.Helper()
		if t.mark() != first {
			t.Errorf("the mark changed by %s", what)
		}
	}
	steady("reading it")
	t.wantSignIn(t.Password, true)
	steady("signing in")
	t.wantSignIn(t.newPassword(), false)
	steady("a wrong password")
	t.unlock()
	steady("unlocking")

	seen := []string{first}
	for range 3 {
		t.reset(t.newPassword())
		mark := t.mark()
		if slices.Contains(seen, mark) {
			t.Fatalf("after %d writes the mark is one that was there before", len(seen))
		}
		seen = append(seen, mark)
	}
}

func (t *directoryTest) tellsChanged() {
	before := t.mark()
	t.wantChanged(before, conversation.ChangedNo)
	t.unlock()
	t.wantChanged(before, conversation.ChangedNo)
	t.reset(t.newPassword())
	t.wantChanged(before, conversation.ChangedYes)
	after := t.mark()
	t.wantChanged(after, conversation.ChangedNo)
	t.reset(t.newPassword())
	t.wantChanged(before, conversation.ChangedYes)
	t.wantChanged(after, conversation.ChangedYes)
}

func (t *directoryTest) unlocks() {
	t.unlock() // what is not locked
	if t.Lock == nil {
		t.Skip("cannot lock an account out here")
	}
	mark := t.mark()
	t.Lock(t.T)
	t.wantLocked(true)
	t.wantSignIn(t.Password, false)
	t.unlock()
	t.wantLocked(false)
	t.wantSignIn(t.Password, true)
	if t.mark() != mark {
		t.Error("the mark changed though no password was written")
	}
}

func (t *directoryTest) resetUnlocks() {
	if t.Lock == nil {
		t.Skip("cannot lock an account out here")
	}
	t.Lock(t.T)
	t.wantLocked(true)
	password := t.newPassword()
	t.reset(password)
	t.wantLocked(false)
	t.wantSignIn(password, true)
}

func (t *directoryTest) writesNobody() {
	ids := []conversation.AccountID{"", "*", t.UnknownID}
	for _, id := range ids {
		write, err := t.d.Reset(t.Context(), id, conversation.NewSecret(t.newPassword()))
		t.wantNotWritten("Reset of nobody", write, err)
		write, err = t.d.Unlock(t.Context(), id)
		t.wantNotWritten("Unlock of nobody", write, err)
		if right, _ := t.d.VerifyPassword(t.Context(), id, conversation.NewSecret(t.Password)); right {
			t.Errorf("%q, which is nobody's id, signs in", id)
		}
		changed, err := t.d.Changed(t.Context(), id, t.mark())
		if changed == conversation.ChangedYes || err == nil && changed == conversation.ChangedNo {
			t.Errorf("the password of %q, which is nobody's id, was changed: %s", id, changed)
		}
	}
	t.wantSignIn(t.Password, true)
}

func (t *directoryTest) honoursContext() {
	mark := t.mark()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelLate()
	for name, ctx := range map[string]context.Context{"cancelled": cancelled, "too late": late} {
		if _, found, err := t.d.Find(ctx, bot.Query{ID: t.Known.ID}); err == nil || found {
			t.Errorf("%s: Find found %t with error %v, want an error", name, found, err)
		}
		write, err := t.d.Reset(ctx, t.Known.ID, conversation.NewSecret(t.newPassword()))
		t.wantNotWritten(name+": Reset", write, err)
		write, err = t.d.Unlock(ctx, t.Known.ID)
		t.wantNotWritten(name+": Unlock", write, err)
		changed, err := t.d.Changed(ctx, t.Known.ID, mark)
		if changed != conversation.ChangedUnreachable && err == nil {
			t.Errorf("%s: Changed says %s", name, changed)
		}
		right, err := t.d.VerifyPassword(ctx, t.Known.ID, conversation.NewSecret(t.Password))
		if right || err == nil {
			t.Errorf("%s: VerifyPassword says %t with error %v, want an error", name, right, err)
		}
	}
	if t.mark() != mark {
		t.Error("the mark changed")
	}
	t.wantSignIn(t.Password, true)
}

func (t *directoryTest) keepsSecrets() {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	password := t.newPassword()
	var errs []error
	for _, id := range []conversation.AccountID{t.Known.ID, t.UnknownID, "*"} {
		_, err := t.d.Reset(cancelled, id, conversation.NewSecret(password))
		errs = append(errs, err)
		_, err = t.d.VerifyPassword(cancelled, id, conversation.NewSecret(password))
		errs = append(errs, err)
	}
	_, err := t.d.Reset(t.Context(), t.UnknownID, conversation.NewSecret(password))
	if err := errors.Join(append(errs, err)...); err != nil && strings.Contains(err.Error(), password) {
		t.Error("a password is in an error")
	}
}

// manyAtOnce writes, reads and signs in at the same instant. In the end one
// password holds, and it is one of those that were said to be written.
func (t *directoryTest) manyAtOnce() {
	mark := t.mark()
	passwords := make([]string, 4)
	var all sync.WaitGroup
	for i := range passwords {
		passwords[i] = t.newPassword()
		all.Go(func() {
			write, err := t.d.Reset(t.Context(), t.Known.ID, conversation.NewSecret(passwords[i]))
			if err != nil || write.Result != conversation.WriteDone {
				t.Errorf("one of many writes: %+v, error %v", write, err)
			}
		})
		all.Go(func() { t.wantKnown(bot.Query{Name: t.Names[0]}) })
		all.Go(func() {
			if _, err := t.d.Changed(t.Context(), t.Known.ID, mark); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	t.wantChanged(mark, conversation.ChangedYes)
	holds := 0
	for _, password := range passwords {
		if t.signsIn(password) {
			holds++
		}
	}
	if holds != 1 || t.signsIn(t.Password) {
		t.Errorf("%d of the new passwords hold, and the old one: %t; want one, and not the old one",
			holds, t.signsIn(t.Password))
	}
}

func (t *directoryTest) reset(password string) {
	t.Helper()
	write, err := t.d.Reset(t.Context(), t.Known.ID, conversation.NewSecret(password))
	if err != nil || write.Result != conversation.WriteDone {
		t.Fatalf("Reset: %+v, error %v, want it done", write, err)
	}
}

func (t *directoryTest) unlock() {
	t.Helper()
	write, err := t.d.Unlock(t.Context(), t.Known.ID)
	if err != nil || write.Result != conversation.WriteDone {
		t.Fatalf("Unlock: %+v, error %v, want it done", write, err)
	}
}

// known reads Known again.
func (t *directoryTest) known() bot.Account {
	t.Helper()
	account, found, err := t.d.Find(t.Context(), bot.Query{ID: t.Known.ID})
	if err != nil || !found {
		t.Fatalf("finding %s: found is %t, error %v", t.Known.ID, found, err)
	}
	return account
}

func (t *directoryTest) mark() string {
	t.Helper()
	mark := t.known().Mark
	if mark == "" {
		t.Fatal("the account has no change mark")
	}
	return mark
}

func (t *directoryTest) signsIn(password string) bool {
	t.Helper()
	right, err := t.d.VerifyPassword(t.Context(), t.Known.ID, conversation.NewSecret(password))
	if err != nil {
		t.Fatalf("VerifyPassword: %v", err)
	}
	return right
}

func (t *directoryTest) wantSignIn(password string, want bool) {
	t.Helper()
	if got := t.signsIn(password); got != want {
		t.Errorf("the password signs in: %t, want %t", got, want)
	}
}

func (t *directoryTest) wantLocked(want bool) {
	t.Helper()
	if got := t.known().Locked; got != want {
		t.Errorf("locked is %t, want %t", got, want)
	}
}

func (t *directoryTest) wantChanged(mark string, want conversation.ChangedResult) {
	t.Helper()
	got, err := t.d.Changed(t.Context(), t.Known.ID, mark)
	if err != nil || got != want {
		t.Errorf("Changed: %s, error %v, want %s", got, err, want)
	}
}

func (t *directoryTest) wantKnown(q bot.Query) {
	t.Helper()
	got, found, err := t.d.Find(t.Context(), q)
	if err != nil || !found {
		t.Errorf("Find(%+v): found is %t, error %v, want the account that is known", q, found, err)
		return
	}
	got.Mark = ""
	if diff := cmp.Diff(t.Known, got); diff != "" {
		t.Errorf("Find(%+v), -want +got:\n%s", q, diff)
	}
}

func (t *directoryTest) wantNobody(q bot.Query) {
	t.Helper()
	account, found, err := t.d.Find(t.Context(), q)
	if err != nil || found {
		t.Errorf("Find(%.80q): %+v, found is %t, error %v, want nobody and no error", q, account, found, err)
	}
}

// wantNotWritten takes a refusal, or an error that is certain.
func (t *directoryTest) wantNotWritten(what string, write bot.Write, err error) {
	t.Helper()
	switch {
	case err != nil && !errors.Is(err, bot.ErrNotWritten):
		t.Errorf("%s: %v, want an error that wraps ErrNotWritten", what, err)
	case err == nil && write.Result != conversation.WriteRefused:
		t.Errorf("%s: %+v, want that nothing was written", what, write)
	}
}
