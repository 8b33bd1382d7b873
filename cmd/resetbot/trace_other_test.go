//go:build !linux

package main

import (
	"context"
	"errors"
)

// trace needs a system that lets one process change what another's system calls do.
func trace(context.Context, int, string, string) (stop func(), err error) {
	return nil, errors.New("strace is for Linux")
}
