package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestCollectingGrowsWithTheInput counts what collections go through while a heap grows to about a size, and to twice that: no
// more than 2.3 times as much. A limit that rises by steps goes through four times as much.
func TestCollectingGrowsWithTheInput(t *testing.T) {
	t.Parallel()
	const apart = 12 << 20 // what is no heap, and counts against the limit
	through := func(size int64) (marked int64) {
		for to := size; to < size*5/4; to += size / 32 { // collections are a quarter apart
			limit := int64(digestMemory)
			for live := int64(0); live < to; live += 64 << 10 {
				if goal := max(limit-apart, live); live >= goal {
					marked += live
					limit = roomier(limit, live, goal)
				}
			}
		}
		return marked
	}
	for size := int64(256 << 20); size <= 2<<30; size *= 2 {
		if once, twice := through(size), through(2*size); once == 0 || twice > once*23/10 {
			t.Errorf("for %d MiB collections go through %d MiB, for twice as much through %d MiB", size>>20, once>>20, twice>>20)
		}
	}
}

// TestCollectorFollowsWhatLives keeps more than the limit and collects: the limit is above what lives, after some collections.
// It waits for none: a collector that does not follow fails here.
func TestCollectorFollowsWhatLives(t *testing.T) {
	const most = 1000 // collections
	seen := make(chan int64, 2*most)
	c := collector{seen: seen}
	undo := c.collectLate()
	kept, limit := make([][]byte, 64), int64(0)
	for i := range kept {
		kept[i] = make([]byte, 1<<20)
	}
	for range most {
		if limit > int64(len(kept))<<20*11/10 {
			break
		}
		runtime.GC()
		runtime.Gosched()
		select {
		case limit = <-seen:
		default:
		}
	}
	undo()
	if limit <= int64(len(kept))<<20*11/10 {
		t.Errorf("with %d MiB alive the limit is %d MiB", len(kept), limit>>20)
	}
	if got := debug.SetMemoryLimit(-1); got < 1<<40 {
		t.Errorf("the limit is left at %d bytes", got)
	}
	runtime.KeepAlive(kept)
}
