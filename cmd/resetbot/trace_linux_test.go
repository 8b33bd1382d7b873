package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// trace has something happen at system calls of a process, until stop is called;
// see strace(1) on -e inject.
func trace(ctx context.Context, pid int, calls, what string) (stop func(), err error) {
	path, err := exec.LookPath("strace")
	if err != nil {
		return nil, fmt.Errorf("this machine has no strace (apt install strace): %w", err)
	}
	tracer := exec.CommandContext(ctx, path, "-f", "-o", "/dev/null",
		"-e", "trace="+calls, "-e", "inject="+calls+":"+what, "-p", strconv.Itoa(pid))
	said := &watched{}
	tracer.Stderr = said
	if err := tracer.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { _ = tracer.Wait(); close(ended) }() // it tells by a signal that it let go
	stop = sync.OnceFunc(func() {
		_ = tracer.Process.Signal(syscall.SIGTERM) // it lets go of the process, if that is still there
		<-ended
	})
	for end := time.Now().Add(20 * time.Second); !strings.Contains(said.String(), "attached"); {
		select {
		case <-ended:
			return nil, fmt.Errorf("this machine lets nobody trace a process: %s", said)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(end) {
			stop()
			return nil, fmt.Errorf("strace does not attach: %s", said)
		}
	}
	return stop, nil
}
