package main

import (
	"net"
	"os"
	"syscall"
)

// peer is the user at the other end of a connection, as the kernel tells it
// (SO_PEERCRED, unix(7)); this process itself where it is no socket, and -1 when
// nobody can tell.
func peer(c net.Conn) int {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return os.Geteuid()
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return -1
	}
	id := -1
	err = raw.Control(func(fd uintptr) {
		if cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			id = int(cred.Uid)
		}
	})
	if err != nil {
		return -1
	}
	return id
}

// owner is the user and the group that a file belongs to; -1 when nobody can
// tell.
func owner(path string) (uid, gid int) {
	info, err := os.Stat(path)
	if err != nil {
		return -1, -1
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1
	}
	return int(stat.Uid), int(stat.Gid)
}
