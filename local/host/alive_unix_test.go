//go:build unix

package host

import "syscall"

// alive reports whether a process exists; one that was waited for does not.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
