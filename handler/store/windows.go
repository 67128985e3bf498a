package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/turns"
)

// windowItem is a small state under a key: a correlation's for one group, or what is known of one resource.
type windowItem struct {
	ID    string          `json:"id"` // "window" or "states"
	PK    string          `json:"pk"` // that, "-" and the key
	Kind  string          `json:"kind"`
	State json.RawMessage `json:"state"`
	TTL   int             `json:"ttl"`
}

// queues have the changes of this process to one thing follow one another: each would lose against another's write
// otherwise, and of a hundred at once some lose every time.
type queues struct {
	mu sync.Mutex
	by map[string]*queue
}

type queue struct {
	turns.Slots
	length int // who is in it or waits for it
}

// enter waits for the queue of a key, and returns what lets the next one in.
func (q *queues) enter(ctx context.Context, key string) (leave func(), err error) {
	q.mu.Lock()
	if q.by[key] == nil {
		if q.by == nil {
			q.by = map[string]*queue{}
		}
		q.by[key] = &queue{Slots: turns.NewSlots(1)}
	}
	mine := q.by[key]
	mine.length++
	q.mu.Unlock()
	free, ok := mine.Within(ctx, ctx.Done())
	leave = func() {
		if ok {
			free()
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		if mine.length--; mine.length == 0 {
			delete(q.by, key)
		}
	}
	if !ok {
		leave()
		return nil, fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
	return leave, nil
}

// Window changes the small JSON state kept under key, nil when there is none. change may run more than once, each time
// on the newest state; only its last result is kept.
func (s *Store) Window(ctx context.Context, key string, change func(state []byte) ([]byte, error)) (ru float64, err error) {
	return s.changeWindow(ctx, itemRef{containerRollups, "window-" + key, "window"}, keepSeen, change)
}

func (s *Store) changeWindow(ctx context.Context, ref itemRef, keep time.Duration, change func(state []byte) ([]byte, error)) (ru float64, err error) {
	leave, err := s.windows.enter(ctx, ref.pk)
	if err != nil {
		return 0, err
	}
	defer leave()
	err = s.repeat(ctx, "change window", overtaken, func(int) error {
		var have windowItem
		at, err := s.read(ctx, ref, &have)
		ru += at.ru
		if err != nil && !errors.Is(err, errNotFound) {
			return fmt.Errorf("read: %w", err)
		}
		state, err := change(have.State)
		if err != nil || have.State != nil && bytes.Equal(state, have.State) {
			return err // what came again changes nothing
		}
		kept, err := s.write(ctx, ref, windowItem{ref.id, ref.pk, ref.id, state, seconds(keep)}, at.etag)
		ru += kept.ru
		return err
	})
	return ru, err
}
