package demo_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resetbot/adapters/directory/demo"
	"resetbot/bot"
	"resetbot/conversation"
)

// kept are authenticators in memory.
type kept map[conversation.AccountID][]bot.Authenticator

func (k kept) Enrolled(_ context.Context, account conversation.AccountID) ([]bot.Authenticator, error) {
	return k[account], nil
}

func (k kept) Enrol(_ context.Context, account conversation.AccountID, a bot.Authenticator) error {
	k[account] = append(k[account], a)
	return nil
}

func (k kept) Remove(_ context.Context, account conversation.AccountID, device string) error {
	k[account] = slices.DeleteFunc(k[account], func(a bot.Authenticator) bool { return a.ID == device })
	return nil
}

func TestAuthenticatorsOfThePeopleFileComeBeforeThoseThatAreKept(t *testing.T) {
	const bakker = conversation.AccountID("7f8c4b6f-23ea-4711-b85e-1243082c5303")
	all := open(t).Authenticators(kept{})
	phone := bot.Authenticator{ID: "phone", Name: "iPhone", Since: time.Unix(1e9, 0)}
	for _, account := range []conversation.AccountID{devries, bakker} {
		if err := all.Enrol(t.Context(), account, phone); err != nil {
			t.Fatal(err)
		}
	}
	wantDevices(t, all, devries, "people.yaml", "phone")
	wantDevices(t, all, bakker, "phone")
	wantDevices(t, all, "nobody")

	devices, _ := all.Enrolled(t.Context(), devries)
	if !devices[0].Since.IsZero() || devices[0].Secret.Reveal() != "IYHTMFTJUAION5GCZHBRA3JLVMNP7YNF" {
		t.Errorf("the people file's: %+v", devices[0])
	}
	if err := all.Remove(t.Context(), devries, "phone"); err != nil {
		t.Fatal(err)
	}
	wantDevices(t, all, devries, "people.yaml")
}

func TestTheAuthenticatorOfThePeopleFileIsReadOnly(t *testing.T) {
	all := open(t).Authenticators(kept{})
	if err := all.Remove(t.Context(), devries, "people.yaml"); !errors.Is(err, demo.ErrReadOnly) {
		t.Errorf("Remove: %v", err)
	}
	err := all.Enrol(t.Context(), devries, bot.Authenticator{ID: "people.yaml"})
	if !errors.Is(err, demo.ErrReadOnly) {
		t.Errorf("Enrol: %v", err)
	}
	if err := all.Remove(t.Context(), "nobody", "people.yaml"); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
	wantDevices(t, all, devries, "people.yaml")
}

func wantDevices(t *testing.T, all bot.Authenticators, account conversation.AccountID, want ...string) {
	t.Helper()
	devices, err := all.Enrolled(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range devices {
		got = append(got, d.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("authenticators of %s, -want +got:\n%s", account, diff)
	}
}
