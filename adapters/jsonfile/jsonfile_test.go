package jsonfile_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"resetbot/adapters/jsonfile"
)

// tally is the value that the tests keep.
type tally struct {
	N    int            `json:"n"`
	Each map[string]int `json:"each,omitempty"`
}

func add(who string) func(*tally) bool {
	return func(t *tally) bool {
		if t.Each == nil {
			t.Each = map[string]int{}
		}
		t.N++
		t.Each[who]++
		return true
	}
}

// TestMain plays the second process when it is told which file to share.
func TestMain(m *testing.M) {
	if path := os.Getenv("JSONFILE_TEST_SHARED"); path != "" {
		count(path)
		return
	}
	os.Exit(m.Run())
}

// count adds to the file as often as it is told, or for ever, and prints each
// number once it is written.
func count(path string) {
	times, _ := strconv.Atoi(os.Getenv("JSONFILE_TEST_TIMES"))
	file := jsonfile.New[tally](path)
	for i := 0; times == 0 || i < times; i++ {
		n := 0
		err := file.Update(context.Background(), func(t *tally) bool {
			n = t.N + 1
			return add("second")(t)
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

func secondProcess(t *testing.T, path string, times int) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), "JSONFILE_TEST_SHARED="+path, "JSONFILE_TEST_TIMES="+strconv.Itoa(times))
	command.Stderr = os.Stderr
	return command
}

func TestNothingIsLostBetweenTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally")
	const times = 100
	command := secondProcess(t, path, times)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	one, other := jsonfile.New[tally](path), jsonfile.New[tally](path)
	var all sync.WaitGroup
	for i := range 4 {
		file := one
		if i%2 == 1 {
			file = other
		}
		all.Go(func() {
			for range times / 4 {
				if err := file.Update(t.Context(), add("first")); err != nil {
					t.Error(err)
				}
				if err := file.View(func(v *tally) {
					if v.N != v.Each["first"]+v.Each["second"] {
						t.Errorf("half a write was seen: %+v", *v)
					}
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	want := tally{N: 2 * times, Each: map[string]int{"first": times, "second": times}}
	for _, file := range []*jsonfile.File[tally]{one, other} {
		if got := view(t, file); got.N != want.N || got.Each["first"] != times || got.Each["second"] != times {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestAC52_WhatWasWrittenOutlivesAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally")
	file := jsonfile.New[tally](path)
	for round := range 5 {
		command := secondProcess(t, path, 0)
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		written := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if written, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(err)
			}
			if written%20 == round {
				_ = command.Process.Kill()
			}
		}
		_ = command.Wait()
		if got := view(t, file).N; got != written && got != written+1 {
			t.Fatalf("%d after %d was acknowledged", got, written)
		}
		// The dead process's lock is gone with it.
		if err := file.Update(t.Context(), add("first")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnlyTheOwnerMayReadTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally")
	// What a process left that died while it wrote.
	if err := os.WriteFile(path+".new", []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := jsonfile.New[tally](path).Update(t.Context(), add("me")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + ".lock"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(name), info.Mode().Perm())
		}
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the new file is still there beside the one it became: %v", err)
	}
}

func TestWhatIsNotAWholeValueIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                  "",
		"cut off":                `{"n":1`,
		"of a newer version":     `{"n":1,"later":true}`,
		"followed by more":       `{"n":1}{"n":2}`,
		"something else":         `[]`,
		"not JSON":               "\x00\x00\x00\x00",
		"followed by half a one": `{"n":1} {`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tally")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			file := jsonfile.New[tally](path)
			if err := file.View(func(*tally) { t.Error("a value was shown") }); err == nil {
				t.Error("View took it")
			}
			err := file.Update(t.Context(), func(*tally) bool { t.Error("a value was shown"); return true })
			if !errors.Is(err, jsonfile.ErrUnchanged) {
				t.Errorf("Update: %v, want an error that wraps ErrUnchanged", err)
			}
			if left, _ := os.ReadFile(path); string(left) != text {
				t.Error("the file was changed")
			}
		})
	}
}

func TestNothingIsWrittenWhenNothingCanBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally")
	file := jsonfile.New[tally](path)
	if err := file.Update(t.Context(), add("me")); err != nil {
		t.Fatal(err)
	}

	t.Run("the context is over", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wantUnchanged(t, file, file.Update(ctx, add("me")), context.Canceled)
	})
	t.Run("the context ends while another writes", func(t *testing.T) {
		other := jsonfile.New[tally](path)
		err := other.Update(t.Context(), func(*tally) bool {
			ctx, cancel := context.WithTimeout(t.Context(), 1)
			defer cancel()
			wantUnchanged(t, file, file.Update(ctx, add("me")), context.DeadlineExceeded)
			return false
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("the new file cannot be made", func(t *testing.T) {
		if err := os.MkdirAll(filepath.Join(path+".new", "in the way"), 0o700); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(path + ".new")
		wantUnchanged(t, file, file.Update(t.Context(), add("me")), nil)
	})
	t.Run("the change panics", func(t *testing.T) {
		func() {
			defer func() { _ = recover() }()
			_ = file.Update(t.Context(), func(v *tally) bool { v.N = 99; panic("no") })
		}()
		if n := view(t, file).N; n != 1 {
			t.Errorf("%d, want 1", n)
		}
	})
	if err := file.Update(t.Context(), add("me")); err != nil {
		t.Fatal(err)
	}
	if n := view(t, file).N; n != 2 {
		t.Errorf("%d after two writes", n)
	}
}

func TestAFileThatWasRemovedHoldsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally")
	file := jsonfile.New[tally](path)
	if err := file.Update(t.Context(), add("me")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if n := view(t, file).N; n != 0 {
		t.Errorf("%d, want 0", n)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Update(t.Context(), add("me")); err != nil {
		t.Fatal(err)
	}
	if n := view(t, file).N; n != 1 {
		t.Errorf("%d, want 1", n)
	}
}

func view(t *testing.T, file *jsonfile.File[tally]) (got tally) {
	t.Helper()
	if err := file.View(func(v *tally) {
		got = tally{N: v.N, Each: map[string]int{"first": v.Each["first"], "second": v.Each["second"]}}
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func wantUnchanged(t *testing.T, file *jsonfile.File[tally], err, cause error) {
	t.Helper()
	if !errors.Is(err, jsonfile.ErrUnchanged) || cause != nil && !errors.Is(err, cause) {
		t.Errorf("%v, want an error that wraps ErrUnchanged and %v", err, cause)
	}
	if n := view(t, file).N; n != 1 {
		t.Errorf("%d is held, want 1", n)
	}
}
