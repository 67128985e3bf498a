package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/alert"
)

// AlertByID finds an alert by the id that its messages show; alert.ErrUnknown: there is none (any more).
func (s *Store) AlertByID(ctx context.Context, id string) (alert.Alert, error) {
	found, err := query[alert.Alert](ctx, s, crossQuery{
		containerAlerts, `SELECT * FROM c WHERE c.kind = 'alert' AND c.id = @id`, 1, []azcosmos.QueryParameter{{Name: "@id", Value: id}},
	})
	if err != nil {
		return alert.Alert{}, err
	}
	if len(found) == 0 {
		return alert.Alert{}, alert.ErrUnknown
	}
	return found[0], nil
}

// FoldedInto lists the alerts that a summary counts.
func (s *Store) FoldedInto(ctx context.Context, summary alert.Alert) ([]alert.Alert, error) {
	from := summary.Opened
	if first := summary.First.Time; !first.IsZero() && first.Before(from) {
		from = first
	}
	all, err := s.AlertsOpened(ctx, from.Add(-time.Hour), s.now().Add(time.Hour)) // an event may be dated after its alert was opened
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a alert.Alert) bool {
		for _, d := range a.Deliveries {
			if d.Folded == summary.ID {
				return false
			}
		}
		return true
	}), nil
}

// Records lists the ids of the records that an alert counts.
func (s *Store) Records(ctx context.Context, ref alert.Ref) (ids []string, err error) {
	q := partQuery{
		container: containerAlerts, pk: ref.Group, text: `SELECT c.id FROM c WHERE c.kind = 'seen' AND c.alert = @alert`,
		params: []azcosmos.QueryParameter{{Name: "@alert", Value: ref.ID}},
	}
	items, err := everyOne[struct{ ID string }](s.within(ctx, q))
	if err != nil {
		return nil, fmt.Errorf("list records of %s: %w", ref.ID, err)
	}
	for _, item := range items {
		ids = append(ids, strings.TrimPrefix(item.ID, "seen-"))
	}
	return ids, nil
}
