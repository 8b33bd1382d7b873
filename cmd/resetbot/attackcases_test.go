package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// attack is a case of the list of what broke password resets and chat bots
// elsewhere. Numbers have gaps.
type attack struct {
	number int
	title  string
	also   []string // tests that hold it without its number in their names
	open   string   // what is not held yet, and what it waits for
}

const (
	waitsForDesk = "Waits for the desk's own walk; there is no agent's way in yet, only an administrator's " +
		"`resetbot unfreeze`."
)

var attacks = []attack{
	{number: 1, title: "Accounts of every kind look alike until the first proof"},
	{number: 2, title: "And answer alike fast"},
	{number: 3, title: "A delivery that fails looks like one that does not"},
	{number: 4, title: "A name that nobody has leads through the whole walk, to nothing"},
	{number: 6, title: "A list, a second line or 10 kB for a name"},
	{number: 7, title: "Pieces of an LDAP filter for a name"},
	{number: 8, title: "Somebody else's name, from one's own chat"},
	{number: 9, title: "Guests, bots, channels and other tenants begin nothing"},
	{number: 11, title: "Many wrong codes at once: none is judged uncounted"},
	{number: 12, title: "The right code many times at once: one success"},
	{number: 13, title: "As many tries as allowed, and not one more"},
	{number: 14, title: "The right code after the limit is refused in the same words"},
	{number: 15, title: "Nothing a stranger can do empties a counter"},
	{number: 17, title: "After a lock the counter is empty once; nothing lifts it sooner"},
	{number: 18, title: "Conversations side by side share one counter"},
	{number: 21, title: "A code dies on time, and a clock put back does not wake it"},
	{number: 23, title: "Codes as people write them: taken or refused, never bent"},
	{number: 24, title: "A code of the app counts once, and for its neighbours in time only"},
	{number: 25, title: "No code, number, secret or password in anything written"},
	{number: 26, title: "Secrets are compared in constant time"},
	{number: 27, title: "Where to send is the directory's word, each time"},
	{number: 28, title: "The whole number is typed, in any form; a wrong one looks like the right one"},
	{number: 29, title: "Numbers that are never dialled or texted"},
	{number: 30, title: "What sending costs is bounded, and what is over it shows alike for everybody"},
	{number: 31, title: "A call proves with the key that is pressed during it, and nothing else"},
	{number: 32, title: "A number or app that is new proves nothing yet"},
	{number: 33, title: "A notification needs the number that only its own chat shows"},
	{number: 35, title: "A denial ends the right to go on, and is heard"},
	{number: 36, title: "Only so many notifications an hour"},
	{number: 38, title: "Every state with every event: as in the table, or nothing"},
	{number: 39, title: "Two proofs of one family are one"},
	{number: 40, title: "Proofs are counted anew just before the write"},
	{number: 41, title: "Old buttons explain themselves, and start nothing"},
	{number: 43, title: "A message that comes again does nothing again"},
	{number: 44, title: "Two messages at the same moment: one after the other"},
	{number: 45, title: "What says nothing leads nowhere"},
	{number: 46, title: "A state machine that is used wrongly moves nothing"},
	{number: 47, title: "A stored conversation that is damaged, foreign or of another version ends"},
	{number: 48, title: "Two who reset one account: one of them gets to the end"},
	{number: 49, title: "The end is absolute"},
	{number: 50, title: "Cancelling works everywhere, and kills what was on its way"},
	{number: 52, title: "Killed at any moment: before the step or after it"},
	{number: 53, title: "The length of a password is in characters"},
	{number: 54, title: "Odd characters in a password are taken or refused on purpose"},
	{number: 55, title: "The password that holds is the one that was typed"},
	{number: 56, title: "Huge and hostile input is answered within a bound"},
	{
		number: 58, title: "The list of breached passwords is out of order",
		also: []string{"TestADamagedListIsNotRead"},
		open: "The list is in the program: no service is asked that could be down. A damaged one stops the start.",
	},
	{number: 59, title: "A refusal of the directory is said, and costs no proof"},
	{number: 60, title: "An answer that is lost is neither success nor failure"},
	{number: 61, title: "Pages say what the directory confirmed"},
	{number: 64, title: "A password is kept nowhere"},
	{number: 65, title: "What a request says of hosts changes no link"},
	{number: 66, title: "Who only opens a link uses nothing up"},
	{number: 67, title: "Markup in a name is plain text everywhere"},
	{number: 68, title: "Slack's signature: wrong, old, of the future, missing, double"},
	{number: 69, title: "Teams' tokens: wrong in every part"},
	{number: 70, title: "An empty secret: nothing starts"},
	{
		number: 72, title: "The desk's way asks for no less proof", open: waitsForDesk,
		also: []string{"TestAFreezeIsLiftedWithADeskProofOnlyOutsideTheDemo"},
	},
	{number: 73, title: "After a lock the desk's way is not the weaker one", open: waitsForDesk},
	{number: 74, title: "The owner hears of it, by a way that was not used for the proof"},
	{number: 75, title: "“This was not me” is no weapon"},
	{number: 76, title: "A lock of the reset never locks the sign-in"},
	{number: 77, title: "No reset without its audit line"},
	{
		number: 78, title: "An old back-up wakes nothing up",
		also: []string{"TestARestoredStoreIsNotReadyButAlive", "TestARunningBotGoesOnOnceARestoredStoreIsAccepted"},
	},
	{number: 79, title: "A second program on the same store stops, and says why"},
	{number: 80, title: "Who has the file of the store reads nothing in it"},
	{number: 82, title: "A captcha is for one conversation, once, and few; its answer is nowhere"},
	{number: 83, title: "One flood does not wash away the others"},
}

// holder is a test, and where it is.
type holder struct{ folder, name string }

var (
	attackNumber = regexp.MustCompile(`AC-?(\d\d+)`)
	subTest      = regexp.MustCompile(`^AC-?\d\d+( AC-?\d\d+)*[ _][^%]+$`)
)

// holders are the tests of the whole module by the attack that they name, and all
// tests by their name. Suites count too: they run with every adapter.
func holders(t *testing.T, root string) (byAttack map[int][]holder, tests map[string]holder) {
	t.Helper()
	byAttack, tests = map[int][]holder{}, map[string]holder{}
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		suite := filepath.Base(filepath.Dir(path)) == "bottest" && strings.HasSuffix(path, ".go")
		if err != nil || d.IsDir() || !suite && !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("reading tests: %w", err)
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, name := range testNames(file) {
			h := holder{filepath.ToSlash(folder), name}
			tests[name] = h
			for _, found := range attackNumber.FindAllStringSubmatch(name[strings.LastIndex(name, "/")+1:], -1) {
				n, _ := strconv.Atoi(found[1]) // it is made of digits
				byAttack[n] = append(byAttack[n], h)
			}
		}
		return nil
	}))
	return byAttack, tests
}

// testNames are those of the tests of a file, and of what they run below that
// names an attack.
func testNames(file *ast.File) (names []string) {
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := f.Name.Name
		if strings.HasPrefix(name, "Test") && f.Recv == nil {
			names = append(names, name)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(lit.Value); err == nil && subTest.MatchString(text) {
				names = append(names, name+"/"+strings.ReplaceAll(text, " ", "_"))
			}
			return true
		})
	}
	return names
}

const attackHead = `# Attack cases

What has broken password resets and chat bots elsewhere, and the tests that hold it here. The numbers stand in the names of
the tests, so that ` + "`go test ./... -run AC30`" + ` runs what is about one of them. A test of a suite (` + "`bot/bottest`" + `) runs with every
adapter of its port, below a test that has no number. Numbers have gaps.

This page is written by ` + "`go test ./cmd/resetbot -run TestTheTableOfAttackCases -update`" + ` from the source of the tests; CI
compares.

| case | what | held by | remarks |
|---|---|---|---|
`

func TestTheTableOfAttackCasesIsThatOfTheTests(t *testing.T) {
	root := filepath.Join("..", "..")
	byAttack, tests := holders(t, root)
	var b strings.Builder
	b.WriteString(attackHead)
	for _, a := range attacks {
		held := slices.Clone(byAttack[a.number])
		for _, name := range a.also {
			if _, ok := tests[name]; !ok {
				t.Errorf("AC-%02d: there is no test %s any more", a.number, name)
			}
			held = append(held, tests[name])
		}
		if len(held) == 0 && a.open == "" {
			t.Errorf("AC-%02d is neither held nor said to wait for something", a.number)
		}
		slices.SortFunc(held, func(a, b holder) int {
			return cmp.Or(cmp.Compare(a.folder, b.folder), cmp.Compare(a.name, b.name))
		})
		delete(byAttack, a.number)
		fmt.Fprintf(&b, "| AC-%02d | %s | %s | %s |\n", a.number, a.title, cell(slices.Compact(held)), a.open)
	}
	for n, held := range byAttack {
		t.Errorf("AC-%02d is not in the list: %v", n, held)
	}
	path := filepath.Join(root, "docs", "security", "attack-cases.md")
	if *update {
		must(t, os.WriteFile(path, []byte(b.String()), 0o644))
		return
	}
	text, err := os.ReadFile(path)
	must(t, err)
	if diff := gocmp.Diff(string(text), b.String()); diff != "" {
		t.Errorf("the table is not that of the tests any more (run with -update):\n%s", diff)
	}
}

// cell lists tests, those of one folder behind its name.
func cell(held []holder) string {
	var b strings.Builder
	for i, h := range held {
		switch {
		case i == 0 || held[i-1].folder != h.folder:
			if i > 0 {
				b.WriteString("<br>")
			}
			fmt.Fprintf(&b, "%s: `%s`", h.folder, h.name)
		default:
			fmt.Fprintf(&b, ", `%s`", h.name)
		}
	}
	return b.String()
}
