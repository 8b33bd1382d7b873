package bot

import (
	"context"
	"fmt"

	"resetbot/conversation"
)

// verify has the directory judge the password as it is now.
func (b *Bot) verify(
	ctx context.Context, task conversation.Task, password conversation.Secret,
) (conversation.Outcome, error) {
	right, err := b.Directory.VerifyPassword(ctx, task.Account, password)
	if err != nil {
		return malfunction(task), fmt.Errorf("judging the current password: %w", err)
	}
	if !right {
		return conversation.Outcome{Verdict: conversation.WrongOne}, nil
	}
	return conversation.Outcome{Verdict: conversation.Right}, nil
}

// confirm judges the first code of a new app, and reads the account again: what
// was true when the enrolment began must still be.
func (b *Bot) confirm(
	ctx context.Context, task conversation.Task, code conversation.Secret,
) (conversation.Outcome, error) {
	out, err := b.find(ctx, task)
	if err != nil || out.Account == nil {
		return out, err
	}
	keys := b.Wizard.Keys
	j, err := b.Enroller.Confirm(task.Account, task.Device, keys.AppSecret(task.Challenge), code)
	if err != nil {
		return malfunction(task), fmt.Errorf("judging the first code of an authenticator: %w", err)
	}
	out.Verdict, out.Mark = j.Verdict, j.Mark
	return out, nil
}

// keep adds the authenticator that was confirmed, or takes away the one that
// its owner disowned. Done twice it comes to the same.
func (b *Bot) keep(ctx context.Context, task conversation.Task) (conversation.Outcome, error) {
	var err error
	if task.Kind == conversation.TaskRemove {
		err = b.Authenticators.Remove(ctx, task.Account, task.Device)
	} else {
		err = b.Authenticators.Enrol(ctx, task.Account, Authenticator{
			ID: task.Device, Name: task.Receipt, Secret: b.Wizard.Keys.AppSecret(task.Challenge), Since: task.Since,
		})
	}
	if err != nil {
		return malfunction(task), fmt.Errorf("keeping an authenticator: %w", err)
	}
	return conversation.Outcome{}, nil
}
