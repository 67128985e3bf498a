package host

import "os"

// alive reports whether a process exists: on Windows FindProcess opens it.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err == nil {
		_ = p.Release()
	}
	return err == nil
}
