// Package demo is a directory of made-up people: for the demo, the terminal
// chat, tests and benchmarks. It is a real one in all that it promises: hashed
// passwords, a history, a lock-out, a change mark, writes that outlive the
// loss of power, and several processes at once.
//
// Who there is stands in a people file, which is never written:
//
//	people.yaml        read once           [ReadPeople]
//	people.yaml.state  what changed since  record
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"resetbot/adapters/jsonfile"
	"resetbot/bot"
	"resetbot/conversation"
)

const (
	minLength    = 16  // characters of a password
	maxLength    = 256 // that a new one may have at the most
	keptInMind   = 5   // passwords that may not come again, the present one among them
	wrongSignIns = 10  // lock the account
)

// Directory is a [bot.Directory] over a people file. It is safe for concurrent
// use, also by several processes that share the file of its state.
type Directory struct {
	people   []Person
	byID     map[conversation.AccountID]*Person
	byName   map[string][]*Person // ASCII letters in lower case
	state    *jsonfile.File[state]
	eligible []string
	cost     Cost
	hashing  turns
	log      *slog.Logger
}

var _ bot.Directory = (*Directory)(nil)

// Options are what a [Directory] can be told. The zero Options will do.
type Options struct {
	// State is the path of what changed; by default that of the people file
	// with .state behind it. The built-in people have no default.
	State string
	// Eligible are the groups whose members may be given a new password here;
	// none: everybody may.
	Eligible []string
	// Cost is of the hashes of new passwords; by default 19 MiB in one pass.
	Cost Cost
	// Log is told of names that two accounts have; by default slog.Default.
	Log *slog.Logger
}

// state is what the state file holds.
type state struct {
	Accounts map[conversation.AccountID]record `json:"accounts,omitempty"`
}

// record is what changed of one account. From the first change on it holds
// instead of what the people file says.
type record struct {
	Hash    string   `json:"hash,omitempty"`    // of the password; empty: that of the people file
	Earlier []string `json:"earlier,omitempty"` // hashes of those before, the latest first
	Writes  uint64   `json:"writes,omitempty"`  // of the password, by whomever: the change mark
	Wrong   int      `json:"wrong,omitempty"`   // sign-ins since the last right one
	Locked  bool     `json:"locked,omitempty"`
}

// Open reads a people file, or takes the people that are built in if path is
// empty. Its error tells everything that is wrong with the file.
func Open(path string, o Options) (*Directory, error) {
	people, err := load(path)
	if err != nil {
		return nil, err
	}
	if o.State == "" && path == "" {
		return nil, errors.New("the built-in people need a file to keep what changes")
	}
	if o.Cost == (Cost{}) {
		o.Cost = usual
	}
	d := &Directory{
		people:   people,
		state:    jsonfile.New[state](cmp.Or(o.State, path+".state")),
		eligible: o.Eligible,
		cost:     o.Cost,
		hashing:  make(turns, runtime.GOMAXPROCS(0)),
		log:      cmp.Or(o.Log, slog.Default()),
	}
	d.index()
	if err := d.state.View(func(*state) {}); err != nil {
		return nil, fmt.Errorf("opening the state of the people: %w", err)
	}
	return d, nil
}

func load(path string) ([]Person, error) {
	if path == "" {
		return ReadPeople("people.yaml", []byte(rijnzicht))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("opening the people file: %w", err)
	}
	return ReadPeople(filepath.Base(path), text)
}

// index notes every name that a person can be found by: user principal name,
// mail address, both without their domain, account name.
func (d *Directory) index() {
	d.byID = make(map[conversation.AccountID]*Person, len(d.people))
	d.byName = make(map[string][]*Person, 4*len(d.people))
	for i := range d.people {
		p := &d.people[i]
		d.byID[p.ID] = p
		names := map[string]bool{}
		for _, name := range []string{p.UPN, p.Mail, p.Account} {
			local, _, _ := strings.Cut(name, "@")
			names[lower(name)], names[lower(local)] = true, true
		}
		for name := range names {
			d.byName[name] = append(d.byName[name], p)
		}
	}
}

// lower makes the letters A to Z small and no others: beyond ASCII, two people
// can become one (the Kelvin sign is a k in small).
func lower(name string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, name)
}

// Close lets go of the state file.
func (d *Directory) Close() error { return d.state.Close() }

// People are all there are, as the people file has them.
func (d *Directory) People() []Person { return slices.Clone(d.people) }

// Bound are the accounts of the person who has id in a chat, in the order of
// the people file. Privileged ones are left out: a chat is not where they are
// reset, nor where they are listed.
func (d *Directory) Bound(chat, id string) []conversation.Bound {
	var bound []conversation.Bound
	for _, p := range d.people {
		if slices.Contains(p.Chat[chat], id) && !p.Privileged {
			bound = append(bound, conversation.Bound{ID: p.ID, UPN: p.UPN})
		}
	}
	return bound
}

// Find finds by user principal name, mail address, either without its domain,
// account name, or id. Letter case does not matter.
func (d *Directory) Find(ctx context.Context, q bot.Query) (bot.Account, bool, error) {
	if err := ctx.Err(); err != nil {
		return bot.Account{}, false, fmt.Errorf("looking up an account: %w", err)
	}
	p := d.person(ctx, q)
	if p == nil {
		return bot.Account{}, false, nil
	}
	r, err := d.record(p)
	if err != nil {
		return bot.Account{}, false, fmt.Errorf("looking up %s: %w", p.ID, err)
	}
	return d.account(p, r), true, nil
}

func (d *Directory) person(ctx context.Context, q bot.Query) *Person {
	if q.Name == "" {
		return d.byID[q.ID]
	}
	if q.ID != "" {
		return nil // never both
	}
	found := d.byName[lower(q.Name)]
	if len(found) == 1 {
		return found[0]
	}
	if len(found) > 1 {
		ids := make([]conversation.AccountID, len(found))
		for i, p := range found {
			ids[i] = p.ID
		}
		d.log.WarnContext(ctx, "several accounts have the same name, so none of them is found by it", "ids", ids)
	}
	return nil
}

func (d *Directory) account(p *Person, r record) bot.Account {
	return bot.Account{
		ID: p.ID, UPN: p.UPN, Mail: p.Mail, User: p.Account,
		Given: p.Given, Family: p.Family, Display: p.Display,
		Mobile: p.Mobile, PrivateMail: p.PrivateMail, Manager: p.Manager,
		Reason: d.reason(p), Locked: r.Locked,
		MinLength: minLength, Locale: p.Locale, Mark: r.mark(),
	}
}

func (d *Directory) reason(p *Person) conversation.Reason {
	in := func(group string) bool { return slices.Contains(p.Groups, group) }
	switch {
	case p.Disabled:
		return conversation.Disabled
	case p.Expired:
		return conversation.AccountOver
	case p.Privileged:
		return conversation.Privileged
	case len(d.eligible) > 0 && !slices.ContainsFunc(d.eligible, in):
		return conversation.NotEligible
	}
	return conversation.Eligible
}

// record is what holds for p now.
func (d *Directory) record(p *Person) (r record, err error) {
	err = d.state.View(func(s *state) { r = s.of(p) })
	return r, err
}

func (s *state) of(p *Person) record {
	if r, changed := s.Accounts[p.ID]; changed {
		return r
	}
	return record{Locked: p.Locked}
}

func (s *state) put(p *Person, r record) {
	if s.Accounts == nil {
		s.Accounts = map[conversation.AccountID]record{}
	}
	s.Accounts[p.ID] = r
}

func (r record) mark() string { return strconv.FormatUint(r.Writes, 10) }

// writable gives the account that may be written, or an error that wraps
// [bot.ErrNotWritten]. What the wizard refuses is refused here once more, as
// a real directory's delegation does.
func (d *Directory) writable(ctx context.Context, id conversation.AccountID) (*Person, error) {
	p := d.byID[id]
	switch {
	case ctx.Err() != nil:
		return nil, notWritten(ctx.Err())
	case p == nil:
		return nil, notWritten(errors.New("there is no such account"))
	case d.reason(p) != conversation.Eligible:
		return nil, notWritten(fmt.Errorf("the account may not be written: %s", d.reason(p)))
	}
	return p, nil
}

func notWritten(err error) error {
	return fmt.Errorf("%w (%w)", err, bot.ErrNotWritten)
}

// save calls change with what holds for p, and returns when what change made
// of it is durable. Nothing is written if change returns false.
func (d *Directory) save(ctx context.Context, p *Person, change func(*record) bool) error {
	err := d.state.Update(ctx, func(s *state) bool {
		r := s.of(p)
		if !change(&r) {
			return false
		}
		s.put(p, r)
		return true
	})
	if errors.Is(err, jsonfile.ErrUnchanged) {
		return notWritten(err)
	}
	return err
}

// Reset refuses what is shorter than 16 characters, longer than 256, has
// control characters in it, or is one of the account's last five passwords.
func (d *Directory) Reset(
	ctx context.Context, id conversation.AccountID, password conversation.Secret,
) (bot.Write, error) {
	write, err := d.reset(ctx, id, password)
	if err != nil {
		return bot.Write{}, fmt.Errorf("writing the password of %s: %w", id, err)
	}
	return write, nil
}

func (d *Directory) reset(
	ctx context.Context, id conversation.AccountID, password conversation.Secret,
) (bot.Write, error) {
	p, err := d.writable(ctx, id)
	if err != nil {
		return bot.Write{}, err
	}
	if flaws := flaws(password.Reveal()); len(flaws) > 0 {
		return bot.Write{Result: conversation.WriteRefused, Flaws: flaws}, nil
	}
	for {
		before, err := d.record(p)
		if err != nil {
			return bot.Write{}, notWritten(err)
		}
		after, used, err := d.renew(ctx, p, before, password.Reveal())
		if err != nil {
			return bot.Write{}, notWritten(err)
		}
		if used {
			return bot.Write{
				Result: conversation.WriteRefused,
				Flaws:  []conversation.PasswordFlaw{conversation.FlawHistory},
			}, nil
		}
		overtaken := false
		err = d.save(ctx, p, func(r *record) bool {
			overtaken = r.Writes != before.Writes
			*r = after
			return !overtaken
		})
		if err != nil {
			return bot.Write{}, err
		}
		if !overtaken {
			return bot.Write{Result: conversation.WriteDone}, nil
		}
	}
}

func flaws(password string) []conversation.PasswordFlaw {
	var flaws []conversation.PasswordFlaw
	switch n := utf8.RuneCountInString(password); {
	case n < minLength:
		flaws = append(flaws, conversation.FlawShort)
	case n > maxLength:
		flaws = append(flaws, conversation.FlawLong)
	}
	if !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl) {
		flaws = append(flaws, conversation.FlawCharacter)
	}
	return flaws
}

// renew makes the record of p after a new password, unless it was used before.
// It takes long, so nobody is kept waiting for it with the file locked.
func (d *Directory) renew(ctx context.Context, p *Person, r record, password string) (record, bool, error) {
	if err := d.hashing.take(ctx); err != nil {
		return record{}, false, err
	}
	defer d.hashing.giveBack()

	if r.Hash == "" {
		r.Hash = d.firstHash(p)
	}
	past := slices.Concat([]string{r.Hash}, r.Earlier)
	past = slices.DeleteFunc(past, func(h string) bool { return h == "" })
	for _, text := range past {
		h, err := parseHash(text)
		if err != nil {
			return record{}, false, fmt.Errorf("reading an earlier password: %w", err)
		}
		if h.matches(password) {
			return record{}, true, nil
		}
	}
	return record{
		Hash:    newHash(password, d.cost).String(),
		Earlier: past[:min(len(past), keptInMind-1)],
		Writes:  r.Writes + 1,
	}, false, ctx.Err()
}

// firstHash is of the password in the people file; empty if there is none.
func (d *Directory) firstHash(p *Person) string {
	if p.Password.Empty() {
		return p.PasswordHash.Reveal()
	}
	return newHash(p.Password.Reveal(), d.cost).String()
}

// Unlock also forgets the wrong sign-ins.
func (d *Directory) Unlock(ctx context.Context, id conversation.AccountID) (bot.Write, error) {
	p, err := d.writable(ctx, id)
	if err == nil {
		err = d.save(ctx, p, func(r *record) bool {
			was := r.Locked || r.Wrong > 0
			r.Locked, r.Wrong = false, 0
			return was
		})
	}
	if err != nil {
		return bot.Write{}, fmt.Errorf("unlocking %s: %w", id, err)
	}
	return bot.Write{Result: conversation.WriteDone}, nil
}

// Changed compares counters. A mark from after the present one was read before
// the state file was lost or put back; then nobody can tell.
func (d *Directory) Changed(
	ctx context.Context, id conversation.AccountID, mark string,
) (conversation.ChangedResult, error) {
	result, err := d.changed(ctx, id, mark)
	if err != nil {
		return conversation.ChangedUnreachable, fmt.Errorf("asking whether the password of %s changed: %w", id, err)
	}
	return result, nil
}

func (d *Directory) changed(
	ctx context.Context, id conversation.AccountID, mark string,
) (conversation.ChangedResult, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	p := d.byID[id]
	if p == nil {
		return "", errors.New("there is no such account")
	}
	r, err := d.record(p)
	if err != nil {
		return "", err
	}
	before, err := strconv.ParseUint(mark, 10, 64)
	switch {
	case err != nil || before > r.Writes:
		return "", errors.New("the mark is not one of this directory")
	case before < r.Writes:
		return conversation.ChangedYes, nil
	}
	return conversation.ChangedNo, nil
}

// VerifyPassword locks the account at the tenth wrong password in a row. It is
// false, and counts nothing, for an account that is locked, disabled, expired
// or not there.
//
// Of many at the same instant those count that were judged before the lock, in
// the order in which they are written down: nobody learns anything from an
// eleventh.
func (d *Directory) VerifyPassword(
	ctx context.Context, id conversation.AccountID, password conversation.Secret,
) (bool, error) {
	right, err := d.signIn(ctx, id, password.Reveal())
	if err != nil {
		return false, fmt.Errorf("checking the password of %s: %w", id, err)
	}
	return right, nil
}

func (d *Directory) signIn(ctx context.Context, id conversation.AccountID, password string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	p := d.byID[id]
	if p == nil || p.Disabled || p.Expired {
		return false, nil
	}
	r, err := d.record(p)
	if err != nil || r.Locked {
		return false, err
	}
	right, err := d.matches(ctx, p, r, password)
	if err != nil {
		return false, err
	}
	err = d.save(ctx, p, func(r *record) bool {
		right = right && !r.Locked // since it was judged
		return r.count(right)
	})
	return right && err == nil, err
}

// count notes a sign-in, and reports whether that changed anything.
func (r *record) count(right bool) bool {
	before := *r
	switch {
	case r.Locked:
	case right:
		r.Wrong = 0
	default:
		r.Wrong++
		r.Locked = r.Wrong >= wrongSignIns
	}
	return r.Wrong != before.Wrong
}

// matches compares with the password that holds now.
func (d *Directory) matches(ctx context.Context, p *Person, r record, password string) (bool, error) {
	text := cmp.Or(r.Hash, p.PasswordHash.Reveal())
	if text == "" {
		return !p.Password.Empty() && p.Password.Equal(conversation.NewSecret(password)), nil
	}
	if err := d.hashing.take(ctx); err != nil {
		return false, err
	}
	defer d.hashing.giveBack()
	h, err := parseHash(text)
	if err != nil {
		return false, err
	}
	return h.matches(password), nil
}
