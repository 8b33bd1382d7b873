package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"resetbot/conversation"
)

// Root is answered by everybody's service, and must not believe whoever made a
// socket beside a store first.
func TestRootBelievesTheServiceOfTheStoreAndNobodyElse(t *testing.T) {
	store := filepath.Join(t.TempDir(), "resetbot.db")
	if err := os.WriteFile(store, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	service := 65534
	if err := os.Chown(store, service, service); err != nil {
		t.Skip("only root can give a file away:", err)
	}
	socket := store + socketEnd
	for _, test := range []struct {
		id, me int
		want   bool
	}{
		{0, 0, true},
		{service, 0, true},
		{service, service, true},
		{0, service, true},
		{1000, 0, false},
		{-1, 0, false},
		{1000, service, false},
		{service, 1000, false},
	} {
		if got := trusted(test.id, test.me, socket); got != test.want {
			t.Errorf("user %d answers %d: %v", test.id, test.me, got)
		}
	}
	if trusted(-1, 0, filepath.Join(t.TempDir(), "nowhere"+socketEnd)) {
		t.Error("of a store that is not there somebody unknown is believed")
	}
}

// What root writes anew while the service is stopped stays the service's: it
// would not start again without its keys.
func TestWhatRootDoesLeavesTheFilesToTheServicesUser(t *testing.T) {
	o := newOffice(t)
	uid := 65534
	for _, path := range []string{o.config.Store.Path, o.config.KeysFile} {
		if err := os.Chown(path, uid, uid); err != nil {
			t.Skip("only root can give a file away:", err)
		}
	}
	if err := o.store.Keys().Rotate(o.now()); err != nil {
		t.Fatal(err)
	}
	if is, _ := owner(o.config.KeysFile); is != 0 {
		t.Fatalf("root's file is that of user %d", is)
	}
	if err := giveBack(o.config); err != nil {
		t.Fatal(err)
	}
	if is, _ := owner(o.config.KeysFile); is != uid {
		t.Errorf("the keys now belong to user %d", is)
	}
}

// What a directory calls an account cannot repaint an operator's screen.
func TestAC67_ALineOfTheAuditStaysALine(t *testing.T) {
	line := auditEntry{Line: conversation.Line{Event: "found", Account: "a\x1b[2J\u202eb\nc\u009bd"}}.String()
	if strings.ContainsAny(line, "\x1b\n\u202e\u009b") || !strings.Contains(line, "account=a\uFFFD[2J\uFFFDb\uFFFDc\uFFFDd") {
		t.Errorf("it is %q", line)
	}
}
