package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
)

// pendingItem is an act whose judgement waits for an answer. There are few: all are in one partition.
type pendingItem struct {
	ID   string `json:"id"` // the event's, and "-end" where its end is waited for
	PK   string `json:"pk"`
	Kind string `json:"kind"` // "pending", then "judged": the app may not delete anything
	At   int64  `json:"at"`   // from when on it is judged, in Unix milliseconds
	TTL  int    `json:"ttl,omitempty"`
	alert.Pending
}

const pendingPK = "pending"

func pendingID(p alert.Pending) string {
	if p.Unended {
		return p.Event.ID + "-end"
	}
	return p.Event.ID
}

// PutPending keeps an act that is to be judged again, as it was kept first.
func (s *Store) PutPending(ctx context.Context, p alert.Pending) (ru float64, err error) {
	item := pendingItem{ID: pendingID(p), PK: pendingPK, Kind: "pending", At: p.Since.UnixMilli(), Pending: p}
	kept, err := s.write(ctx, itemRef{containerRollups, pendingPK, item.ID}, item, "")
	if err != nil && !errors.Is(err, errExists) {
		return kept.ru, fmt.Errorf("keep pending act: %w", err)
	}
	return kept.ru, nil
}

// ListPending lists acts that are to be judged again, at most limit, those first that have waited longest.
func (s *Store) ListPending(ctx context.Context, limit int) ([]alert.Pending, error) {
	return everyOne[alert.Pending](s.within(ctx, partQuery{
		container: containerRollups, pk: pendingPK, text: fmt.Sprintf(`SELECT TOP %d * FROM c WHERE c.kind = 'pending' AND c.at <= %d ORDER BY c.at`, limit, s.now().UnixMilli()),
	}))
}

// EndPending notes that an act was judged.
func (s *Store) EndPending(ctx context.Context, p alert.Pending) (ru float64, err error) {
	item := pendingItem{ID: pendingID(p), PK: pendingPK, Kind: "judged", TTL: seconds(time.Hour), Pending: p}
	return s.upsert(ctx, pendingPK, item)
}
