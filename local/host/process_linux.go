package host

import "syscall"

// dieWithParent makes the kernel kill the handler when the stand-in dies without a chance to: kill -9, or a second
// Ctrl-C.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
