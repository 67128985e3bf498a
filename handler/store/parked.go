package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
)

type parkedItem struct {
	ID   string `json:"id"`
	PK   string `json:"pk"` // parked-yyyymmdd
	Kind string `json:"kind"`
	TTL  int    `json:"ttl"`
	activity.Parked
}

// Park keeps p; keeping it twice is keeping it once.
func (s *Store) Park(ctx context.Context, p activity.Parked) (ru float64, err error) {
	item := parkedItem{ID: "parked-" + p.ID, PK: "parked-" + p.At.UTC().Format("20060102"), Kind: "parked", TTL: seconds(keepParked), Parked: p}
	body, err := json.Marshal(item)
	if err != nil {
		return 0, fmt.Errorf("write parked item: %w", err)
	}
	ru, err = s.do(ctx, containerRollups, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		r, err := c.CreateItem(ctx, azcosmos.NewPartitionKeyString(item.PK), body, nil)
		return r.RequestCharge, err
	})
	if err != nil && !errors.Is(err, errExists) {
		return ru, fmt.Errorf("park item: %w", err)
	}
	return ru, nil
}

// UnreadableSince returns what was unreadable and came in since a moment, at most limit items, without the excerpts.
func (s *Store) UnreadableSince(ctx context.Context, since time.Time, limit int) ([]activity.Parked, error) {
	const text = `SELECT c.item, c.signal, c.function, c.reason, c.at, c.size FROM c WHERE c.kind = 'parked' AND c.signal = 'invalid' AND c.at >= @since`
	at := since.UTC().Format(time.RFC3339Nano)
	return query[activity.Parked](ctx, s, crossQuery{containerRollups, text, limit, []azcosmos.QueryParameter{{Name: "@since", Value: at}}})
}

// ListParked returns what is parked, at most limit items, without the excerpts.
func (s *Store) ListParked(ctx context.Context, limit int) ([]activity.Parked, error) {
	const text = `SELECT c.item, c.signal, c.function, c.reason, c.at, c.size FROM c WHERE c.kind = 'parked'`
	return query[activity.Parked](ctx, s, crossQuery{container: containerRollups, text: text, limit: limit})
}
