package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// digestMemory is the memory from which on garbage is collected. The working set is mostly tables of entry ids that never
// shrink: collecting each time the heap has doubled, which is the default, would take twice the memory, and more often,
// a sixth more time.
const digestMemory = 40 << 20

// collector collects garbage late, and leaves room for a quarter of what lives, of much for a tenth. Where the limit stays behind what lives, each
// collection makes room for little, and all of them together take time that grows with the square of the input.
type collector struct {
	mu    sync.Mutex
	ended bool
	seen  chan<- int64 // the limit after each collection, for tests
}

// collectLate collects by a collector, until undo.
func (c *collector) collectLate() (undo func()) {
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(digestMemory)
	c.watch()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ended = true
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
}

// afresh has the limit follow what lives from now on, after much of what lived was let go.
func (c *collector) afresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	debug.SetMemoryLimit(digestMemory)
}

// watch has follow called after the next collection.
func (c *collector) watch() {
	collected := new([32]byte) // nothing refers to it: the next collection takes it
	runtime.AddCleanup(collected, func(c *collector) { c.follow() }, c)
}

// follow sets the limit after a collection.
func (c *collector) follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/goal:bytes"}}
	metrics.Read(heap)
	limit := roomier(debug.SetMemoryLimit(-1), int64(heap[0].Value.Uint64()), int64(heap[1].Value.Uint64())) //nolint:gosec // bytes of memory
	debug.SetMemoryLimit(limit)
	c.watch()
	select {
	case c.seen <- limit:
	default:
	}
}

// roomier is the limit with which the next collection begins when what lives now has grown by a quarter, which is at most
// roomUsual, or else by a tenth; goal is when it would begin with the limit as it is. All are bytes.
func roomier(limit, live, goal int64) int64 {
	return limit + max(live+max(min(live/4, roomUsual), live/10)-goal, 0)
}

// roomUsual is the room for garbage that a digest of a million entries gets.
const roomUsual = 6 << 20
