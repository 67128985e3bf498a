//go:build linux || darwin

package cli

import (
	"os"
	"syscall"
	"unsafe"
)

// windowWidth asks the terminal for its columns; 120 when it does not say.
func windowWidth(f *os.File) int {
	var size struct{ rows, columns, x, y uint16 }
	_, _, code := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size))) //nolint:gosec // the only way to ask
	if code != 0 || size.columns == 0 {
		return 120
	}
	return int(size.columns)
}
