// Package turns starts work that runs at once, and has goroutines wait for one another. In production it does nothing else.
// A simulation that runs the program puts Turns into the context: every goroutine asks them before it begins and
// after it has waited, so that it is the simulation, and not the Go runtime, that decides who goes on.
package turns

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Turns decide which of several goroutines goes on. Each goroutine has its own.
type Turns interface {
	// Fork returns the turns of a goroutine that is about to be started by the one whose turns these are.
	Fork() Turns
	// Take is called by the goroutine when it begins, and when it has waited for another. It may block, so it is never called
	// under a mutex.
	Take()
}

type key struct{}

// With returns a context whose goroutines ask for their turns.
func With(ctx context.Context, t Turns) context.Context { return context.WithValue(ctx, key{}, t) }

// Of returns the turns of the goroutine that a context belongs to; nil in production.
func Of(ctx context.Context) Turns {
	t, _ := ctx.Value(key{}).(Turns)
	return t
}

// Waited is to be called after having waited for what another goroutine gives back or makes known.
func Waited(ctx context.Context) {
	if t := Of(ctx); t != nil {
		t.Take()
	}
}

// Go runs work in a goroutine of its own, with the context that belongs to it. A panic in it ends the process, unless work
// recovers.
func Go(ctx context.Context, work func(context.Context)) {
	t := Of(ctx)
	if t == nil {
		go work(ctx)
		return
	}
	t = t.Fork()
	go func() {
		t.Take()
		work(With(ctx, t))
	}()
}

// Each calls work(0) … work(n-1), atOnce at a time, and waits for all. A panic of one ends none of the others and is the
// caller's afterwards: in a goroutine of its own it would end the process.
func Each(ctx context.Context, n, atOnce int, work func(ctx context.Context, i int)) {
	var wg sync.WaitGroup
	var panicked atomic.Pointer[string]
	slots := NewSlots(atOnce)
	for i := range n {
		leave := slots.Enter(ctx)
		wg.Add(1)
		Go(ctx, func(ctx context.Context) {
			defer wg.Done()
			defer leave()
			defer func() {
				if p := recover(); p != nil {
					text := fmt.Sprintf("%v\n%s", p, debug.Stack())
					panicked.Store(&text)
				}
			}()
			work(ctx, i)
		})
	}
	wg.Wait()
	if text := panicked.Load(); text != nil {
		panic(*text)
	}
}

// Slots are places for so many goroutines at a time; those that wait enter in the order in which they came. With one place
// they are a lock that may be held during a call.
type Slots chan struct{}

// NewSlots returns n free places.
func NewSlots(n int) Slots { return make(Slots, n) }

// Enter takes a place, and returns what gives it back.
func (s Slots) Enter(ctx context.Context) (leave func()) {
	leave, _ = s.Within(ctx, nil)
	return leave
}

// Within is Enter for as long as over is open; ok is false when it was closed before there was a place.
func (s Slots) Within(ctx context.Context, over <-chan struct{}) (leave func(), ok bool) {
	leave = func() { <-s }
	select {
	case s <- struct{}{}:
		return leave, true
	default:
	}
	defer Waited(ctx)
	select {
	case s <- struct{}{}:
		return leave, true
	case <-over:
		return nil, false
	}
}
