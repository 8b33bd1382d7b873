package demo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resetbot/adapters/directory/demo"
	"resetbot/bot"
	"resetbot/bot/bottest"
	"resetbot/conversation"
)

const (
	devries = conversation.AccountID("bc73bcdf-c5b5-4e18-9cfd-8332e4415301")
	boersma = conversation.AccountID("218b07ac-4f03-4d93-a496-72d1c2f1df08")
	mulder  = conversation.AccountID("4497f920-63c0-4140-b57b-36d817163c06")
	hofman  = conversation.AccountID("368f1222-a26e-4c47-a7b1-dae674c3b309")

	devriesPassword = "lampion-vijver-oktober"
	newPassword     = "Kiezelpad-Regen-Zeven"
)

// cheap makes the tests quick; what it costs changes nothing else.
var cheap = demo.Cost{Time: 1, Memory: 8, Threads: 1}

// TestMain plays a second process when it is told which state to share.
func TestMain(m *testing.M) {
	if state := os.Getenv("DEMO_TEST_STATE"); state != "" {
		if err := secondProcess(state); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// open opens the built-in people with a state of their own.
func open(t *testing.T) *demo.Directory {
	t.Helper()
	return openState(t, filepath.Join(t.TempDir(), "people.yaml.state"))
}

func openState(t *testing.T, state string) *demo.Directory {
	t.Helper()
	d, err := demo.Open("", demo.Options{State: state, Cost: cheap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// openPeople opens a people file with text in it.
func openPeople(t *testing.T, text string, o demo.Options) *demo.Directory {
	t.Helper()
	path := filepath.Join(t.TempDir(), "people.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Cost = cheap
	d, err := demo.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// known is M. de Vries as the directory tells of her.
func known() bot.Account {
	return bot.Account{
		ID: devries, UPN: "m.devries@rijnzicht.example", Mail: "marieke.de.vries@rijnzicht.example",
		User: "mdevries", Given: "Marieke", Family: "de Vries", Display: "M. de Vries",
		Mobile: "+31 612345613", MinLength: 16, Locale: "nl",
		PrivateMail: "marieke@devries-thuis.example", Manager: "sanne.boersma@rijnzicht.example",
	}
}

// namesakes are two people with the same mail address.
const namesakes = `
- {id: bos-1, upn: b.bos@rijnzicht.example, mail: b.bos@rijnzicht.example}
- {id: bos-2, upn: b.bos2@rijnzicht.example, mail: B.Bos@rijnzicht.example}
`

func TestDirectoryKeepsThePromisesOfThePort(t *testing.T) {
	bottest.TestDirectory(t, bottest.DirectoryFixture{
		New: func(t *testing.T) (bot.Directory, bottest.DirectoryPeople) {
			people, err := os.ReadFile("people.yaml")
			if err != nil {
				t.Fatal(err)
			}
			d := openPeople(t, string(people)+namesakes, demo.Options{Log: slog.New(slog.DiscardHandler)})
			return d, bottest.DirectoryPeople{
				Known: known(),
				Names: []string{
					"m.devries@rijnzicht.example", "marieke.de.vries@rijnzicht.example",
					"m.devries", "marieke.de.vries", "mdevries",
				},
				Password:  devriesPassword,
				Ambiguous: []string{"b.bos", "b.bos@rijnzicht.example"},
				Unknown:   "niemand@rijnzicht.example",
				UnknownID: "bc73bcdf-c5b5-4e18-9cfd-000000000000",
				Barred: map[string]conversation.Reason{
					"f.mulder": conversation.Disabled, "rdekker": conversation.AccountOver,
					"adm-thofman": conversation.Privileged,
				},
				Lock: func(t *testing.T) { lock(t, d, devries) },
				Refused: map[string]conversation.PasswordFlaw{
					devriesPassword:              conversation.FlawHistory,
					"vijftien tekens":            conversation.FlawShort,
					strings.Repeat("é", 15):      conversation.FlawShort,
					strings.Repeat("lang", 65):   conversation.FlawLong,
					"een NUL \x00 in het midden": conversation.FlawCharacter,
					"dit is geen \xff UTF-8":     conversation.FlawCharacter,
				},
			}
		},
	})
}

func lock(t *testing.T, d bot.Directory, id conversation.AccountID) {
	t.Helper()
	for range 10 {
		verify(t, d, id, "verkeerd geraden")
	}
}

func verify(t *testing.T, d bot.Directory, id conversation.AccountID, password string) bool {
	t.Helper()
	right, err := d.VerifyPassword(t.Context(), id, conversation.NewSecret(password))
	if err != nil {
		t.Fatal(err)
	}
	return right
}

func reset(t *testing.T, d bot.Directory, id conversation.AccountID, password string) bot.Write {
	t.Helper()
	write, err := d.Reset(t.Context(), id, conversation.NewSecret(password))
	if err != nil {
		t.Fatal(err)
	}
	return write
}

func find(t *testing.T, d bot.Directory, q bot.Query) bot.Account {
	t.Helper()
	account, found, err := d.Find(t.Context(), q)
	if err != nil || !found {
		t.Fatalf("Find(%+v): found is %t, error %v", q, found, err)
	}
	return account
}

func TestTheBuiltInPeopleAreOfEveryKind(t *testing.T) {
	d := open(t)
	numbers, seen := map[string]string{}, map[string]bool{}
	for _, p := range d.People() {
		account := find(t, d, bot.Query{Name: p.UPN})
		seen["reason "+string(account.Reason)] = true
		seen[fmt.Sprintf("phone %t app %t", p.Mobile != "", !p.Authenticator.Empty())] = true
		seen["locale "+account.Locale] = true
		if account.Locked {
			seen["locked"] = true
		}
		if p.Mobile == "" {
			continue
		}
		name := p.Given + " " + p.Family
		if other, taken := numbers[p.Mobile]; taken && other != name {
			t.Errorf("%s and %s have the same number", name, other)
		}
		numbers[p.Mobile] = name
	}
	for _, want := range []string{
		"reason ", "reason disabled", "reason expired", "reason privileged", "locked", "locale nl", "locale en",
		"phone true app true", "phone true app false", "phone false app true", "phone false app false",
	} {
		if !seen[want] {
			t.Errorf("nobody with %q", want)
		}
	}
}

func TestBoundListsAllAccountsOfAPersonButPrivilegedOnes(t *testing.T) {
	d := open(t)
	for _, test := range []struct {
		chat, id string
		want     []string
	}{
		{"terminal", "m.devries", []string{"m.devries@rijnzicht.example"}},
		{"slack", "T0RIJNZICHT/U0DEVRIES", []string{"m.devries@rijnzicht.example"}},
		{"terminal", "k.jansen", []string{"k.jansen@rijnzicht.example", "k.jansen.opleiding@rijnzicht.example"}},
		{"terminal", "t.hofman", nil},
		{"slack", "m.devries", nil},
		{"terminal", "", nil},
		{"", "", nil},
	} {
		var got []string
		for _, b := range d.Bound(test.chat, test.id) {
			got = append(got, b.UPN)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Bound(%q, %q), -want +got:\n%s", test.chat, test.id, diff)
		}
	}
}

func TestANameOfTwoIsFoundForNeitherAndLoggedByIDOnly(t *testing.T) {
	var log bytes.Buffer
	d := openPeople(t, `
- {id: one, upn: a.jansen@rijnzicht.example, account: ajansen}
- {id: two, upn: aj@rijnzicht.example, mail: A.Jansen@elders.example}
- {id: three, upn: b@rijnzicht.example, mail: b@rijnzicht.example, account: b}
`, demo.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})

	if _, found, err := d.Find(t.Context(), bot.Query{Name: "a.jansen"}); found || err != nil {
		t.Errorf("found is %t, error %v, want nobody", found, err)
	}
	if text := log.String(); !strings.Contains(text, "[one two]") || strings.Contains(text, "jansen") {
		t.Errorf("the log says %q, want the two ids and no name", text)
	}
	for name, id := range map[string]conversation.AccountID{
		"a.jansen@rijnzicht.example": "one", "a.jansen@elders.example": "two", "b": "three",
	} {
		if got := find(t, d, bot.Query{Name: name}).ID; got != id {
			t.Errorf("%s is %s, want %s", name, got, id)
		}
	}
	if _, found, _ := d.Find(t.Context(), bot.Query{Name: "aj", ID: "two"}); found {
		t.Error("a query by name and id found somebody")
	}
}

func TestOnlyMembersOfAnEligibleGroupAreEligible(t *testing.T) {
	d := openPeople(t, `
- {id: one, upn: one@rijnzicht.example, groups: [Verpleging, Koor]}
- {id: two, upn: two@rijnzicht.example, groups: [Verpleging]}
`, demo.Options{Eligible: []string{"Directie", "Koor"}})
	if got := find(t, d, bot.Query{ID: "one"}).Reason; got != conversation.Eligible {
		t.Errorf("a member: %q", got)
	}
	if got := find(t, d, bot.Query{ID: "two"}).Reason; got != conversation.NotEligible {
		t.Errorf("not a member: %q", got)
	}
}

func TestTheLastFivePasswordsAreRefused(t *testing.T) {
	d := open(t)
	password := func(i int) string { return fmt.Sprintf("wachtwoord nummer %d", i) }
	for i := range 5 {
		reset(t, d, devries, password(i))
	}
	for i := range 5 {
		write := reset(t, d, devries, password(i))
		want := bot.Write{
			Result: conversation.WriteRefused,
			Flaws:  []conversation.PasswordFlaw{conversation.FlawHistory},
		}
		if diff := cmp.Diff(want, write); diff != "" {
			t.Errorf("password %d, -want +got:\n%s", i, diff)
		}
	}
	// The first of all, from the people file, is the sixth.
	if write := reset(t, d, devries, devriesPassword); write.Result != conversation.WriteDone {
		t.Errorf("the sixth: %+v", write)
	}
}

func TestTenWrongPasswordsLockAndARightOneForgetsThem(t *testing.T) {
	d := open(t)
	for range 9 {
		verify(t, d, devries, "verkeerd")
	}
	if !verify(t, d, devries, devriesPassword) {
		t.Fatal("locked after nine")
	}
	for range 9 {
		verify(t, d, devries, "verkeerd")
	}
	if find(t, d, bot.Query{ID: devries}).Locked {
		t.Fatal("nine and nine with a right one between them locked")
	}
	verify(t, d, devries, "verkeerd")
	if !find(t, d, bot.Query{ID: devries}).Locked {
		t.Fatal("the tenth did not lock")
	}
	if verify(t, d, devries, devriesPassword) {
		t.Error("a locked account signs in")
	}
}

func TestAC11_OfManyWrongPasswordsAtOnceTenCount(t *testing.T) {
	d := open(t)
	reset(t, d, devries, newPassword)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if verify(t, d, devries, "verkeerd geraden") {
				t.Error("a wrong password is right")
			}
		})
	}
	all.Wait()
	if !find(t, d, bot.Query{ID: devries}).Locked {
		t.Error("not locked")
	}
	if verify(t, d, devries, newPassword) {
		t.Error("a locked account signs in")
	}
}

// TestAC14_ARightPasswordAfterTheLockIsNotRight lets the tenth wrong one and a
// right one race: whichever is written down first decides for both.
func TestAC14_ARightPasswordAfterTheLockIsNotRight(t *testing.T) {
	d := open(t)
	reset(t, d, devries, newPassword)
	for range 30 {
		for range 9 {
			verify(t, d, devries, "verkeerd geraden")
		}
		var right bool
		var both sync.WaitGroup
		both.Go(func() { right = verify(t, d, devries, newPassword) })
		both.Go(func() { verify(t, d, devries, "verkeerd geraden") })
		both.Wait()
		if locked := find(t, d, bot.Query{ID: devries}).Locked; locked == right {
			t.Fatalf("locked is %t, signed in is %t", locked, right)
		}
		if _, err := d.Unlock(t.Context(), devries); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAC06_LetterCaseIsThatOfASCIIOnly(t *testing.T) {
	d := open(t)
	find(t, d, bot.Query{Name: "P.BAKKER"})
	for _, name := range []string{"p.ba\u212a\u212aer", "j.\u017fmit", "a.v\u0131sser", "a.v\u0130sser"} {
		if account, found, err := d.Find(t.Context(), bot.Query{Name: name}); found || err != nil {
			t.Errorf("%+q: %s, error %v, want nobody", name, account.ID, err)
		}
	}
}

func TestDisabledLockedAndPasswordlessAccountsDoNotSignIn(t *testing.T) {
	d := open(t)
	for id, password := range map[conversation.AccountID]string{
		mulder: "sterretje achter de maan", boersma: "pleister op de lamp",
	} {
		if verify(t, d, id, password) {
			t.Errorf("%s signs in", id)
		}
	}
	none := openPeople(t, "- {id: one, upn: one@rijnzicht.example}", demo.Options{})
	if verify(t, none, "one", "") {
		t.Error("an account without a password signs in without one")
	}
	if write := reset(t, none, "one", newPassword); write.Result != conversation.WriteDone {
		t.Errorf("%+v", write)
	}
	if !verify(t, none, "one", newPassword) {
		t.Error("its first password does not hold")
	}
}

func TestBarredAccountsAreNeverWritten(t *testing.T) {
	d := open(t)
	for _, id := range []conversation.AccountID{mulder, hofman} {
		_, err := d.Reset(t.Context(), id, conversation.NewSecret(newPassword))
		if !errors.Is(err, bot.ErrNotWritten) {
			t.Errorf("Reset: %v", err)
		}
		if _, err := d.Unlock(t.Context(), id); !errors.Is(err, bot.ErrNotWritten) {
			t.Errorf("Unlock: %v", err)
		}
		if mark := find(t, d, bot.Query{ID: id}).Mark; mark != "0" {
			t.Errorf("mark %s", mark)
		}
	}
}

func TestAHashInThePeopleFileIsAPassword(t *testing.T) {
	// Made by OpenSSL's argon2id, salt 0123456789abcdef.
	const hash = "$argon2id$v=19$m=1024,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$aFqGTILdf3ge8IHT3oc1ZgtKWr2+3g2sabR60mi87xc"
	d := openPeople(t, "- {id: one, upn: one@rijnzicht.example, password_hash: '"+hash+"'}", demo.Options{})
	if !verify(t, d, "one", "een oud wachtwoord") {
		t.Error("the password of the hash does not hold")
	}
	if verify(t, d, "one", "een ander wachtwoord") {
		t.Error("another password holds")
	}
	if write := reset(t, d, "one", "een oud wachtwoord"); write.Result != conversation.WriteRefused {
		t.Errorf("the old password again: %+v", write)
	}
}

func TestWhatChangedOutlivesTheProcess(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	before := openState(t, state)
	reset(t, before, devries, newPassword)
	lock(t, before, devries)
	if _, err := before.Unlock(t.Context(), boersma); err != nil {
		t.Fatal(err)
	}
	mark := find(t, before, bot.Query{ID: devries}).Mark

	after := openState(t, state)
	if account := find(t, after, bot.Query{ID: devries}); !account.Locked || account.Mark != mark {
		t.Errorf("locked is %t, mark %s; want locked, mark %s", account.Locked, account.Mark, mark)
	}
	if find(t, after, bot.Query{ID: boersma}).Locked {
		t.Error("what was unlocked is locked again")
	}
	if changed, err := after.Changed(t.Context(), devries, "0"); err != nil || changed != conversation.ChangedYes {
		t.Errorf("Changed: %s, %v", changed, err)
	}
}

func TestAMarkOfALostStateIsNoAnswer(t *testing.T) {
	d := open(t)
	for _, mark := range []string{"1", "", "-1", "gisteren"} {
		changed, err := d.Changed(t.Context(), devries, mark)
		if err == nil || changed != conversation.ChangedUnreachable {
			t.Errorf("Changed since %q: %s, error %v, want that nobody can tell", mark, changed, err)
		}
	}
}

func TestAC25_AC64_TheStateHoldsNoPassword(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	d := openState(t, state)
	reset(t, d, devries, newPassword)
	verify(t, d, devries, "verkeerd geraden")
	text, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{newPassword, devriesPassword, "verkeerd geraden"} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("the state holds %q", secret)
		}
	}
	if !bytes.Contains(text, []byte("$argon2id$v=19$m=8,t=1,p=1$")) {
		t.Error("the state holds no hash either")
	}
	if info, err := os.Stat(state); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v, want 0600", info.Mode(), err)
	}
	people := d.People()
	if text := fmt.Sprintf("%+v %v %#v", people, people, people); strings.Contains(text, devriesPassword) {
		t.Error("a printed person shows the password")
	}
}

func TestAC77_WhatCannotBeKeptIsNotSaidToBeWritten(t *testing.T) {
	directory := t.TempDir()
	state := filepath.Join(directory, "state")
	d := openState(t, state)
	if err := os.MkdirAll(filepath.Join(state+".new", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := d.Reset(t.Context(), devries, conversation.NewSecret(newPassword))
	if !errors.Is(err, bot.ErrNotWritten) {
		t.Errorf("Reset: %v, want an error that wraps ErrNotWritten", err)
	}
	if _, err := d.Unlock(t.Context(), boersma); !errors.Is(err, bot.ErrNotWritten) {
		t.Errorf("Unlock: %v, want an error that wraps ErrNotWritten", err)
	}
	if mark := find(t, d, bot.Query{ID: devries}).Mark; mark != "0" {
		t.Errorf("mark %s", mark)
	}
	if !verify(t, d, devries, devriesPassword) {
		t.Error("the password does not hold any more")
	}
}

func TestAStateThatCannotBeReadIsNotTakenForNone(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(state, []byte(`{"accounts":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Open("", demo.Options{State: state}); err == nil {
		t.Error("opened")
	}
}

// secondProcess gives M. de Vries new passwords and tries wrong ones of
// somebody else.
func secondProcess(state string) error {
	d, err := demo.Open("", demo.Options{State: state, Cost: cheap})
	if err != nil {
		return err
	}
	ctx := context.Background()
	for i := range 20 {
		password := conversation.NewSecret(fmt.Sprintf("van het tweede proces %d", i))
		if _, err := d.Reset(ctx, devries, password); err != nil {
			return err
		}
		if i < 4 {
			if _, err := d.VerifyPassword(ctx, hofman, password); err != nil {
				return err
			}
		}
	}
	return d.Close()
}

func TestTwoProcessesShareOneState(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), "DEMO_TEST_STATE="+state)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	d := openState(t, state)
	for i := range 20 {
		write := reset(t, d, devries, fmt.Sprintf("van het eerste proces %d", i))
		if write.Result != conversation.WriteDone {
			t.Errorf("%+v", write)
		}
		if i < 5 {
			verify(t, d, hofman, "verkeerd geraden")
		}
	}
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	if mark := find(t, d, bot.Query{ID: devries}).Mark; mark != "40" {
		t.Errorf("%s writes, want 40", mark)
	}
	// Nine wrong ones together; the tenth locks.
	if find(t, d, bot.Query{ID: hofman}).Locked {
		t.Error("locked by fewer than ten")
	}
	verify(t, d, hofman, "verkeerd geraden")
	if !find(t, d, bot.Query{ID: hofman}).Locked {
		t.Error("not locked by ten")
	}
}
