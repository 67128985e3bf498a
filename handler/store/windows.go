package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
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
	err = anew(ctx, "change window", overtaken, func(int) error {
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
		charge, err := s.keepWindow(ctx, windowItem{ref.id, ref.pk, "window", state, seconds(keepSeen)}, at.etag)
		ru += charge
		return err
	})
	return ru, err
}

// keepWindow creates the item, or replaces the version that was read.
func (s *Store) keepWindow(ctx context.Context, item windowItem, etag azcore.ETag) (ru float64, err error) {
	body, err := json.Marshal(item)
	if err != nil {
		return 0, err
	}
	pk := azcosmos.NewPartitionKeyString(item.PK)
	return s.do(ctx, containerRollups, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		if etag == "" {
			r, err := c.CreateItem(ctx, pk, body, nil)
			return r.RequestCharge, err
		}
		r, err := c.ReplaceItem(ctx, pk, item.ID, body, &azcosmos.ItemOptions{IfMatchEtag: &etag})
		return r.RequestCharge, err
	})
}
