package turns_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/auditbell/auditbell/handler/turns"
)

// backwards lets those go on first that were started last, and the one that starts them after all of them.
type backwards struct {
	mu      sync.Mutex
	started int
	waiting map[int]chan struct{}
}

// place is the turns of one goroutine.
type place struct {
	*backwards
	number int
}

func (b *backwards) Fork() turns.Turns {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started++
	return place{b, b.started}
}

func (b *backwards) Take() { place{b, 0}.Take() }

func (p place) Take() {
	mine := make(chan struct{})
	p.mu.Lock()
	p.waiting[p.number] = mine
	p.mu.Unlock()
	<-mine
}

// next lets one go on, and waits until it cannot.
func (b *backwards) next() bool {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return false
	}
	last := slices.Max(slices.Collect(maps.Keys(b.waiting)))
	close(b.waiting[last])
	delete(b.waiting, last)
	return true
}

func TestTheOrderIsThatOfTheTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backwards{waiting: map[int]chan struct{}{}}
		ctx := turns.With(t.Context(), b)
		lock := turns.NewSlots(1)
		var order []int
		go turns.Each(ctx, 6, 4, func(ctx context.Context, i int) {
			defer lock.Enter(ctx)()
			order = append(order, i)
		})
		for b.next() {
		}
		if wanted := []int{3, 2, 1, 0, 5, 4}; !slices.Equal(order, wanted) {
			t.Errorf("got %v, want %v", order, wanted)
		}
	})
}

func TestEachWorksOnAFewAtATime(t *testing.T) {
	t.Parallel()
	var now, most, all atomic.Int32
	turns.Each(t.Context(), 100, 3, func(context.Context, int) {
		n := now.Add(1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		all.Add(1)
		now.Add(-1)
	})
	if all.Load() != 100 || most.Load() > 3 {
		t.Errorf("%d of 100, %d at once", all.Load(), most.Load())
	}
}

func TestAPanicIsTheCallers(t *testing.T) {
	t.Parallel()
	var done atomic.Int32
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, "number 3") || done.Load() != 9 {
			t.Errorf("%.100s, %d of the others", p, done.Load())
		}
	}()
	turns.Each(t.Context(), 10, 2, func(_ context.Context, i int) {
		if i == 3 {
			panic("number 3")
		}
		done.Add(1)
	})
}

func TestWaitingForAPlaceEnds(t *testing.T) {
	t.Parallel()
	s := turns.NewSlots(1)
	leave := s.Enter(t.Context())
	over, end := context.WithCancel(t.Context())
	end()
	if _, ok := s.Within(t.Context(), over.Done()); ok {
		t.Error("two have the one place")
	}
	leave()
	if _, ok := s.Within(t.Context(), over.Done()); !ok {
		t.Error("a free place is not given")
	}
}
