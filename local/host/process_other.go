//go:build !linux

package host

import "syscall"

// dieWithParent has no counterpart here. Close kills the handler; a Ctrl-C reaches it too, as it shares the terminal.
func dieWithParent() *syscall.SysProcAttr { return nil }
