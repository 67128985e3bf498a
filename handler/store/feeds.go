package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/alert"
)

// feedsPK begins the partition keys of feeds: a feed is a window that is never full.
const feedsPK = "window-feed"

// AddToFeed notes that n records came in through a function.
func (s *Store) AddToFeed(ctx context.Context, function string, n int, now time.Time) (ru float64, err error) {
	return s.Window(ctx, "feed-"+function, func(state []byte) ([]byte, error) {
		f := alert.Feed{Name: function}
		if state != nil {
			if err := json.Unmarshal(state, &f); err != nil {
				return nil, fmt.Errorf("read feed: %w", err)
			}
		}
		f.Add(n, now)
		return json.Marshal(f)
	})
}

// Feeds returns what is known of every feed.
func (s *Store) Feeds(ctx context.Context) ([]alert.Feed, error) {
	const text = `SELECT c.state FROM c WHERE c.kind = 'window' AND STARTSWITH(c.pk, @prefix)`
	items, err := query[struct{ State alert.Feed }](ctx, s, crossQuery{containerRollups, text, -1, []azcosmos.QueryParameter{{Name: "@prefix", Value: feedsPK + "-"}}})
	if err != nil {
		return nil, fmt.Errorf("read feeds: %w", err)
	}
	feeds := make([]alert.Feed, len(items))
	for i, item := range items {
		feeds[i] = item.State
	}
	return feeds, nil
}
