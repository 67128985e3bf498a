package host

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// given are the ports that freePort has found in this process.
var given sync.Map

// freePort finds a port as the host does: by taking one and letting it go. The same port serves every restart. Another
// program may take it in between; then the handler cannot listen, exits, and the exit table deals with it. It lies below
// those that a system gives out by itself (from 32768 on), or else another listener would take it now and then, and
// be taken for the handler.
func freePort() (int, error) {
	const first, last, tries = 20_000, 32_000, 100
	var err error
	for range tries {
		port := first + rand.IntN(last-first)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("find free port: %w", err)
}
