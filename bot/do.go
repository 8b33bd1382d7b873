package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"resetbot/conversation"
)

// do performs a task and brings its outcome back as the next input. It never
// touches the record in any other way: what it does twice, or too late, is a
// stale outcome.
func (b *Bot) do(user conversation.User, task conversation.Task, secret conversation.Secret) {
	defer b.take(task)()
	out, ok := b.perform(task, secret)
	if out.Verdict == conversation.DeniedByMe {
		out = b.denied(user, task)
	}
	if !ok || !b.hold(task, out) {
		return // stopping: the lease runs out, and the wizard knows what that means
	}
	out.Task = task.ID
	in := conversation.Input{Kind: conversation.Came, Outcome: &out}
	if task.Kind == conversation.TaskReread && !secret.Empty() {
		in.Fields = map[conversation.Field]conversation.Secret{conversation.FieldPassword: secret}
	}
	for attempt := 0; ; attempt++ {
		err := b.update(context.Background(), user, in, conversation.Secret{})
		if err == nil {
			return
		}
		b.Log.Error("storing an outcome", "task", task.Kind, "receipt", task.Receipt, "error", err)
		if b.Now().After(task.Lease) || !b.sleep(backoff(attempt)) {
			return // the sweeper finds the lease over, and the wizard knows what that means
		}
	}
}

// denied passes a denial on at once: it must not be lost because the person
// went back, cancelled or is kept waiting. What the page learns is silence.
func (b *Bot) denied(user conversation.User, task conversation.Task) conversation.Outcome {
	in := conversation.Input{Kind: conversation.Came, Outcome: &conversation.Outcome{Denied: task.Account}}
	if err := b.update(context.Background(), user, in, conversation.Secret{}); err != nil {
		b.Log.Error("storing a denial", "receipt", task.Receipt, "error", err)
	}
	return conversation.Outcome{Verdict: conversation.NoAnswer}
}

// hold keeps an outcome back where its moment would tell what it is: everybody
// who may not see outcomes yet gets theirs at the same time after the commit,
// or at the next multiple if it took longer; and whatever a telephone said but
// "right", when the minute is over.
func (b *Bot) hold(task conversation.Task, out conversation.Outcome) bool {
	at := task.NotBefore
	if task.Level && task.Kind == conversation.TaskWait && out.Verdict != conversation.Right {
		// A moment after the deadline, so that nobody's own deadline is on the edge.
		at = task.Deadline.Add(b.Wizard.Policy.Levelled)
	}
	if task.Level {
		for now := b.Now(); at.Before(now); {
			at = at.Add(b.Wizard.Policy.Levelled)
		}
	}
	return at.IsZero() || b.sleep(b.until(at, task))
}

// until is how long it is to a moment of a task: never longer than it was when the
// task was ordered, or a clock that was set back an hour meanwhile, or the one
// that the conversation remembers, would keep the person waiting for an hour.
func (b *Bot) until(at time.Time, task conversation.Task) time.Duration {
	return min(at.Sub(b.Now()), at.Sub(task.Ordered))
}

// sleep waits, and reports false when the bot is stopping meanwhile.
func (b *Bot) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-b.running.Done():
		return false
	}
}

// perform does the work. ok is false when the bot stops before it is done and
// nothing may be said of it.
func (b *Bot) perform(task conversation.Task, secret conversation.Secret) (out conversation.Outcome, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), b.until(task.Deadline, task))
	defer cancel()
	defer func(began time.Time) { b.Metrics.performed(task, out, b.Now().Sub(began)) }(b.Now())
	defer func() {
		if r := recover(); r != nil {
			b.Log.Error("a task panicked", "task", task.Kind, "receipt", task.Receipt, "panic", fmt.Sprintf("%T", r))
			out, ok = malfunction(task), true
		}
	}()
	if task.Kind == conversation.TaskWait {
		return b.wait(ctx, task)
	}
	out, err := b.attempt(ctx, task, secret)
	if err != nil {
		b.Log.Warn("performing a task", "task", task.Kind, "method", task.Method, "receipt", task.Receipt, "error", err)
	}
	return out, true
}

// malfunction is the outcome of a task that broke: a write may have happened,
// anything else could not be done.
func malfunction(task conversation.Task) conversation.Outcome {
	if task.Kind == conversation.TaskReset || task.Kind == conversation.TaskUnlock {
		return conversation.Outcome{Write: conversation.WriteUnknown}
	}
	return conversation.Outcome{Trouble: true}
}

func (b *Bot) attempt(ctx context.Context, task conversation.Task, secret conversation.Secret) (conversation.Outcome, error) {
	switch task.Kind {
	case conversation.TaskFind, conversation.TaskReread:
		return b.find(ctx, task)
	case conversation.TaskChallenge:
		return b.challenge(ctx, task)
	case conversation.TaskCheck:
		return b.check(ctx, task, secret)
	case conversation.TaskReset, conversation.TaskUnlock:
		return b.write(ctx, task, secret)
	case conversation.TaskScramble:
		task.Kind = conversation.TaskReset
		return b.write(ctx, task, unknowable())
	case conversation.TaskChanged:
		return b.changed(ctx, task)
	case conversation.TaskVerify:
		return b.verify(ctx, task, secret)
	case conversation.TaskConfirm:
		return b.confirm(ctx, task, secret)
	case conversation.TaskEnrol, conversation.TaskRemove:
		return b.keep(ctx, task)
	}
	return malfunction(task), fmt.Errorf("no such task: %s", task.Kind)
}

// find looks an account up, by name or by id, and puts it into the words of
// the wizard.
func (b *Bot) find(ctx context.Context, task conversation.Task) (conversation.Outcome, error) {
	q := Query{Name: task.Name}
	if task.Name == "" {
		q = Query{ID: task.Account}
	}
	found, ok, err := b.Directory.Find(ctx, q)
	if err != nil {
		return malfunction(task), fmt.Errorf("looking an account up: %w", err)
	}
	if !ok {
		b.asIfThere(ctx)
		return conversation.Outcome{}, nil
	}
	a, _, err := b.account(ctx, found)
	if err != nil && !task.Level {
		return malfunction(task), err
	}
	// Where outcomes may not show, this trouble must not either: it can only be
	// had with accounts that exist. The account then has no authenticators.
	return conversation.Outcome{Account: &a}, err
}

// account puts a directory's account into the words of the wizard. number is
// the E.164 form of its number if that may be texted and called.
func (b *Bot) account(ctx context.Context, a Account) (account conversation.Account, number conversation.Secret, err error) {
	account = conversation.Account{
		ID: a.ID, UPN: a.UPN, Name: a.Display, Reason: a.Reason, Locked: a.Locked,
		Length: a.MinLength, Mark: a.Mark, Since: a.MobileSince,
	}
	for _, word := range []string{a.Given, a.Family, a.User, a.Mail} {
		if word != "" {
			account.Words = append(account.Words, word)
		}
	}
	if e164, fault := b.Wizard.Numbers.Read(a.Mobile); a.Mobile != "" && fault == "" {
		account.Number = b.Wizard.Keys.Fingerprint("number", e164)
		account.Digits = e164[len(e164)-2:]
		number = conversation.NewSecret(e164)
	}
	devices, err := b.Authenticators.Enrolled(ctx, a.ID)
	if err != nil {
		return account, number, fmt.Errorf("reading authenticators: %w", err)
	}
	for _, d := range devices {
		account.Devices = append(account.Devices, conversation.Device{ID: d.ID, Since: d.Since})
	}
	account.Push = len(devices) > 0 && b.Verifiers[conversation.Push] != nil
	return account, number, nil
}

// asIfThere takes the time that reading authenticators takes, for accounts
// that have none to read.
func (b *Bot) asIfThere(ctx context.Context) {
	_, _ = b.Authenticators.Enrolled(ctx, "nobody") // only its time matters
}

// question reads the account again and makes of the task what a verifier is
// asked: the number comes from the directory at sending and at checking
// (AC-27). matches is false when the number typed is not the account's, or the
// account may not be reset any more: then nothing may be sent, and nothing is
// right.
func (b *Bot) question(ctx context.Context, task conversation.Task) (c Challenge, matches bool, err error) {
	found, ok, err := b.Directory.Find(ctx, Query{ID: task.Account})
	if err != nil {
		return c, false, fmt.Errorf("reading the account again: %w", err)
	}
	if !ok || found.Reason != conversation.Eligible {
		b.asIfThere(ctx)
		return c, false, nil
	}
	a, number, err := b.account(ctx, found)
	if err != nil {
		return c, false, err
	}
	if task.Method.Family() == conversation.Phone &&
		(a.Number == "" || a.Number != task.Typed || a.Number != task.Known) {
		return c, false, nil
	}
	if task.Method == conversation.Push && len(a.Devices) == 0 {
		return c, false, nil
	}
	keys := b.Wizard.Keys
	return Challenge{
		ID: task.Challenge, Method: task.Method, Account: a.ID, UPN: a.UPN, Number: number,
		Code: keys.OneTimeCode(task.Challenge), Digits: keys.Digits(task.Challenge), Expires: task.Expires,
		Locale: task.Locale, Chat: task.Chat, Goal: task.Goal, Receipt: task.Receipt,
		WithDigits: b.Wizard.Policy.CallWithCode,
	}, true, nil
}

func (b *Bot) challenge(ctx context.Context, task conversation.Task) (conversation.Outcome, error) {
	if !task.Own { // before anything is known of the account
		if closed, err := b.afford(ctx, task); err != nil {
			return conversation.Outcome{Trouble: true, Closed: closed}, err
		}
	}
	c, matches, err := b.question(ctx, task)
	verifier := b.Verifiers[task.Method]
	if task.Decoy || verifier == nil {
		return conversation.Outcome{}, nil
	}
	if err != nil || !matches {
		return conversation.Outcome{Trouble: err != nil}, err
	}
	if task.Own {
		if closed, err := b.afford(ctx, task); err != nil {
			return conversation.Outcome{Trouble: true, Closed: closed}, err
		}
	}
	if until, err := b.affordNumber(ctx, task); err != nil {
		return conversation.Outcome{Trouble: true, NumberUntil: until}, err
	}
	if err := verifier.Challenge(ctx, c); err != nil {
		return conversation.Outcome{Trouble: true}, fmt.Errorf("starting a challenge: %w", err)
	}
	return conversation.Outcome{Matched: true}, nil
}

// check judges a code.
func (b *Bot) check(ctx context.Context, task conversation.Task, answer conversation.Secret) (conversation.Outcome, error) {
	c, matches, err := b.question(ctx, task)
	verifier := b.Verifiers[task.Method]
	switch {
	case task.Decoy || verifier == nil:
		b.takeAsLong(ctx, task.Method)
		return conversation.Outcome{Verdict: conversation.WrongOne}, nil
	case err != nil:
		return malfunction(task), err
	case !matches:
		b.takeAsLong(ctx, task.Method)
		return conversation.Outcome{Verdict: conversation.WrongOne}, nil
	}
	began := b.Now()
	judgement, err := verifier.Check(ctx, c, answer)
	b.took(task.Method, b.Now().Sub(began))
	return b.judgement(ctx, task, judgement, err)
}

func (b *Bot) judgement(
	ctx context.Context, task conversation.Task, j Judgement, err error,
) (conversation.Outcome, error) {
	if err != nil {
		return conversation.Outcome{Trouble: true}, fmt.Errorf("judging an answer: %w", err)
	}
	if j.Verdict == conversation.Right {
		b.answered(ctx, task)
	}
	return conversation.Outcome{Verdict: j.Verdict, Mark: j.Mark}, nil
}

// wait waits for what the person does on the telephone or in the app. It is
// broken off when the bot stops; what was not decided by then is not known.
func (b *Bot) wait(ctx context.Context, task conversation.Task) (conversation.Outcome, bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.running, cancel)()
	out, err := b.waitFor(ctx, task)
	if err != nil {
		b.Log.Warn("waiting for the telephone", "method", task.Method, "receipt", task.Receipt, "error", err)
	}
	return out, b.running.Err() == nil || out.Verdict == conversation.Right
}

func (b *Bot) waitFor(ctx context.Context, task conversation.Task) (conversation.Outcome, error) {
	c, matches, err := b.question(ctx, task)
	verifier := b.Verifiers[task.Method]
	switch {
	case task.Decoy || verifier == nil || err == nil && !matches:
		<-ctx.Done()
		return conversation.Outcome{Verdict: conversation.NoAnswer}, nil
	case err != nil:
		return malfunction(task), err
	}
	judgement, err := verifier.Check(ctx, c, conversation.Secret{})
	return b.judgement(ctx, task, judgement, err)
}

// write has the directory change something, once.
func (b *Bot) write(ctx context.Context, task conversation.Task, password conversation.Secret) (conversation.Outcome, error) {
	if task.Decoy || task.Account == "" {
		return conversation.Outcome{Write: conversation.WriteNot}, errors.New("a write was ordered for nobody")
	}
	if b.Now().Round(0).After(task.Deadline.Round(0)) {
		// This process slept, and somebody may have taken it for dead (Round(0):
		// the wall clock, which goes on while a machine is suspended).
		return conversation.Outcome{Write: conversation.WriteNot}, errors.New("too late to write")
	}
	write := func() (Write, error) { return b.Directory.Unlock(ctx, task.Account) }
	if task.Kind == conversation.TaskReset {
		write = func() (Write, error) { return b.Directory.Reset(ctx, task.Account, password) }
	}
	w, err := write()
	switch {
	case errors.Is(err, ErrNotWritten):
		return conversation.Outcome{Write: conversation.WriteNot}, fmt.Errorf("writing: %w", err)
	case err != nil:
		return conversation.Outcome{Write: conversation.WriteUnknown}, fmt.Errorf("writing: %w", err)
	}
	return conversation.Outcome{Write: w.Result, Refusal: slices.Clone(w.Flaws), Word: w.Word}, nil
}

// unknowable is a password that nobody knows, and that rules of every kind
// take: 52 random characters (260 bits) and one of each class.
func unknowable() conversation.Secret {
	return conversation.NewSecret("Aa1!" + rand.Text() + rand.Text())
}

// changed asks the directory whether a write reached it.
func (b *Bot) changed(ctx context.Context, task conversation.Task) (conversation.Outcome, error) {
	if task.Goal == conversation.ToUnlock {
		a, found, err := b.Directory.Find(ctx, Query{ID: task.Account})
		switch {
		case err != nil || !found:
			return malfunction(task), err
		case a.Locked:
			return conversation.Outcome{Changed: conversation.ChangedNo}, nil
		}
		return conversation.Outcome{Changed: conversation.ChangedYes}, nil
	}
	result, err := b.Directory.Changed(ctx, task.Account, task.Mark)
	if err != nil {
		return malfunction(task), fmt.Errorf("asking whether the password changed: %w", err)
	}
	return conversation.Outcome{Changed: result}, nil
}

// took remembers how long judging by a method last took, and takeAsLong takes
// as long, where there is nothing to judge: so a slow provider does not tell
// decoys from people.
func (b *Bot) took(m conversation.Method, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lasted[m] = d
}

func (b *Bot) takeAsLong(ctx context.Context, m conversation.Method) {
	b.mu.Lock()
	d := b.lasted[m]
	b.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-b.running.Done():
	}
}
