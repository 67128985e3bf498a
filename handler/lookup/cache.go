package lookup

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/turns"
)

// cache keeps answers, a bounded number of them, each until it is too old. One question at a time is asked about one
// key; whoever wants the same waits for its answer. That there is no answer, or that we may not have it, is kept too.
type cache[V any] struct {
	now func() time.Time

	mu      *sync.Mutex
	entries map[string]*list.Element
	order   *list.List // of *entry[V], the most recently used in front
}

type entry[V any] struct {
	key   string
	ready chan struct{} // closed when value and err are there
	value V
	err   error
	until time.Time
}

const (
	cacheSize = 512
	keepNot   = 10 * time.Minute // that there is nothing
)

func newCache[V any](now func() time.Time) cache[V] {
	return cache[V]{now: now, mu: &sync.Mutex{}, entries: map[string]*list.Element{}, order: list.New()}
}

// get returns the value of key, asking for it when it is not known. A failure that passes is told to everybody who
// waits and not kept.
func (c *cache[V]) get(ctx context.Context, key string, keep time.Duration, ask func(context.Context) (V, error)) (V, error) {
	e, mine := c.entry(key)
	if mine {
		e.err = errNothing // what others are told if ask panics
		defer c.settle(e, keep)
		e.value, e.err = ask(ctx)
		return e.value, e.err
	}
	defer turns.Waited(ctx)
	select {
	case <-e.ready:
		return e.value, e.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// entry returns the entry of key; mine is true when the caller has to fill it.
func (c *cache[V]) entry(key string) (e *entry[V], mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.entries[key]; ok {
		e := at.Value.(*entry[V])
		if e.until.IsZero() || e.until.After(c.now()) { // zero: it is being asked for
			c.order.MoveToFront(at)
			return e, false
		}
		c.drop(at)
	}
	e = &entry[V]{key: key, ready: make(chan struct{})}
	c.entries[key] = c.order.PushFront(e)
	if c.order.Len() > cacheSize {
		c.drop(c.order.Back())
	}
	return e, true
}

func (c *cache[V]) settle(e *entry[V], keep time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var refused *refusedError
	switch {
	case e.err == nil:
	case errors.Is(e.err, errNothing), errors.As(e.err, &refused):
		keep = keepNot
	default:
		keep = 0
	}
	e.until = c.now().Add(keep)
	if at, ok := c.entries[e.key]; ok && keep == 0 && at.Value == any(e) {
		c.drop(at)
	}
	close(e.ready)
}

func (c *cache[V]) drop(at *list.Element) {
	delete(c.entries, at.Value.(*entry[V]).key)
	c.order.Remove(at)
}
