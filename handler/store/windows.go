package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// windowItem is a correlation's state for one group.
type windowItem struct {
	ID    string          `json:"id"` // "window"
	PK    string          `json:"pk"` // "window-" and the group's key
	Kind  string          `json:"kind"`
	State json.RawMessage `json:"state"`
	TTL   int             `json:"ttl"`
}

// Window changes the small JSON state kept under key, nil when there is none. change may run more than once, each time
// on the newest state; only its last result is kept.
func (s *Store) Window(ctx context.Context, key string, change func(state []byte) ([]byte, error)) (ru float64, err error) {
	ref := itemRef{containerRollups, "window-" + key, "window"}
	err = s.repeat(ctx, "change window", overtaken, func(int) error {
		var have windowItem
		at, err := s.read(ctx, ref, &have)
		ru += at.ru
		if err != nil && !errors.Is(err, errNotFound) {
			return fmt.Errorf("read: %w", err)
		}
		state, err := change(have.State)
		if err != nil {
			return err
		}
		kept, err := s.write(ctx, ref, windowItem{ref.id, ref.pk, "window", state, seconds(keepSeen)}, at.etag)
		ru += kept.ru
		return err
	})
	return ru, err
}
