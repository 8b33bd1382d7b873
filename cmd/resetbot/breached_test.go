package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"resetbot/conversation"
)

func TestTheOperatorsBreachedListIsTaken(t *testing.T) {
	const known = "zilveren lepel kachel"
	var list, said bytes.Buffer
	if code := run(t.Context(), []string{"breached", "build"}, strings.NewReader(known+"\n"), &list, &said); code != 0 {
		t.Fatalf("exit code %d: %s", code, &said)
	}
	c := defaultConfig(t.TempDir())
	c.Breached = filepath.Join(c.folder, "breached.bin")
	if err := os.WriteFile(c.Breached, list.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &parts{config: c}
	if err := p.openRules(); err != nil {
		t.Fatal(err)
	}
	if flaws := p.rules.Judge(known, 0, nil); !slices.Contains(flaws, conversation.FlawBreached) {
		t.Errorf("flaws %v of a password on the list", flaws)
	}
	if flaws := p.rules.Judge("paarse olifant trompet", 0, nil); len(flaws) > 0 {
		t.Errorf("flaws %v of a password that is not on it", flaws)
	}
}
