package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/alert"
)

// queueAtOnce is how many waiting alerts of one kind Due puts in order.
const queueAtOnce = 2000

// Due lists alerts that owe a delivery, are due and not leased, at most limit, in the order in which they are to be
// sent (alert.InOrder). The grave are asked for by themselves: no number of others keeps them from being found. The
// queries only filter and project, which is all that a cross-partition query may do through the gateway.
func (s *Store) Due(ctx context.Context, limit int) ([]alert.Ref, error) {
	const text = `SELECT c.id, c.pk, c.rule.id AS rule, c.rule.severity, c.event.caller AS actor, c.opened FROM c ` +
		`WHERE c.kind = 'alert' AND c.behind = true AND c.due <= @now AND c.lease_until <= @now AND `
	now := []azcosmos.QueryParameter{{Name: "@now", Value: s.now().UnixMilli()}}
	var refs []alert.Ref
	for _, which := range []string{`c.rule.severity IN ('high', 'critical')`, `NOT (c.rule.severity IN ('high', 'critical'))`} {
		found, err := query[alert.Queued](ctx, s, crossQuery{containerAlerts, text + which, queueAtOnce, now})
		if err != nil {
			return refs, err
		}
		if refs = append(refs, alert.InOrder(found)...); len(refs) >= limit {
			return refs[:limit], nil
		}
	}
	return refs, nil
}

// overdueAtOnce is how many alerts Overdue looks at: enough to say that there are many.
const overdueAtOnce = 100

// Overdue lists alerts that were opened before a moment and still owe a destination something.
func (s *Store) Overdue(ctx context.Context, openedBefore time.Time) ([]alert.Alert, error) {
	const text = `SELECT c.alert_id, c.rule, c.revision, c.deliveries FROM c ` +
		`WHERE c.kind = 'alert' AND c.behind = true AND c.posted = false AND c.opened < @before`
	before := openedBefore.UTC().Format(time.RFC3339Nano)
	return query[alert.Alert](ctx, s, crossQuery{containerAlerts, text, overdueAtOnce, []azcosmos.QueryParameter{{Name: "@before", Value: before}}})
}

// Waiting lists alerts that owe a destination its first message and are due, with what it takes to sum them up.
func (s *Store) Waiting(ctx context.Context, limit int) ([]alert.Alert, error) {
	const text = `SELECT c.alert_id, c.group_key, c.rule, c.event, c.revision, c.deliveries, c.late FROM c ` +
		`WHERE c.kind = 'alert' AND c.behind = true AND c.due <= @now AND c.lease_until <= @now AND c.posted = false`
	return query[alert.Alert](ctx, s, crossQuery{containerAlerts, text, limit, []azcosmos.QueryParameter{{Name: "@now", Value: s.now().UnixMilli()}}})
}

// Late lists alerts that owe somebody a delivery and were opened late, for a reason that begins with kind.
func (s *Store) Late(ctx context.Context, kind string, limit int) ([]alert.Alert, error) {
	const text = `SELECT c.alert_id, c.group_key, c.rule, c.event, c.revision, c.deliveries, c.late, c.lease FROM c ` +
		`WHERE c.kind = 'alert' AND c.behind = true AND STARTSWITH(c.late, @kind)`
	return query[alert.Alert](ctx, s, crossQuery{containerAlerts, text, limit, []azcosmos.QueryParameter{{Name: "@kind", Value: kind}}})
}

// Lease takes the delivery lease of an alert; ok is false when somebody else holds it or nothing is owed any more.
func (s *Store) Lease(ctx context.Context, ref alert.Ref, lease alert.Lease) (a alert.Alert, ok bool, err error) {
	_, err = s.update(ctx, ref, func(have *alert.Alert) bool {
		ok = have.Behind() && have.Lease.Free(lease.Owner, s.now())
		if ok {
			have.Lease = lease
		}
		a = *have
		return ok
	})
	if err != nil {
		return a, false, fmt.Errorf("lease alert: %w", err)
	}
	return a, ok, nil
}

// Settle applies what a round of deliveries brought about and gives the lease back. apply may run more than once, on
// newer states of the alert.
func (s *Store) Settle(ctx context.Context, ref alert.Ref, owner string, apply func(*alert.Alert)) (ru float64, err error) {
	a, at := s.leased.take(ref)
	ru, err = s.updateFrom(ctx, ref, a, at, func(have *alert.Alert) bool {
		apply(have)
		if have.Lease.Owner == owner {
			have.Lease = alert.Lease{}
		}
		return true
	})
	if err != nil {
		return ru, fmt.Errorf("settle alert: %w", err)
	}
	return ru, nil
}

// Stuck lists alerts that have a parked delivery, at most limit.
func (s *Store) Stuck(ctx context.Context, limit int) ([]alert.Alert, error) {
	const text = `SELECT c.alert_id, c.group_key, c.rule, c.opened, c.deliveries FROM c WHERE c.kind = 'alert' AND c.parked = true`
	return query[alert.Alert](ctx, s, crossQuery{container: containerAlerts, text: text, limit: limit})
}

// Alert reads one alert. The error is alert.ErrUnknown when there is no such alert.
func (s *Store) Alert(ctx context.Context, ref alert.Ref) (alert.Alert, error) {
	a, _, err := s.alert(ctx, ref.Group, ref.ID)
	if errors.Is(err, errNotFound) {
		return a, alert.ErrUnknown
	}
	return a, err
}

// update reads, changes and replaces an alert until nobody else changed it in between. change says whether there is
// anything to write.
func (s *Store) update(ctx context.Context, ref alert.Ref, change func(*alert.Alert) bool) (ru float64, err error) {
	return s.updateFrom(ctx, ref, alert.Alert{}, version{}, change)
}

// updateFrom is update that begins with what is known of the alert at a version; none: it is read.
func (s *Store) updateFrom(ctx context.Context, ref alert.Ref, a alert.Alert, at version, change func(*alert.Alert) bool) (ru float64, err error) {
	err = s.repeat(ctx, "update alert", overtaken, func(round int) error {
		if round > 0 || at.etag == "" {
			if a, at, err = s.alert(ctx, ref.Group, ref.ID); err != nil {
				ru += at.ru
				return err
			}
		}
		if ru += at.ru; !change(&a) {
			return nil
		}
		kept, err := s.write(ctx, itemRef{containerAlerts, ref.Group, ref.ID}, itemOf(a), at.etag)
		ru += kept.ru
		return err
	})
	return ru, err
}

// crossQuery is a filter-and-project query over all partitions of a container.
type crossQuery struct {
	container string
	text      string
	limit     int
	params    []azcosmos.QueryParameter
}

// query drains the pages: an empty page may carry a continuation.
func query[T any](ctx context.Context, s *Store, q crossQuery) ([]T, error) {
	var out []T
	var token *string
	for {
		var page azcosmos.QueryItemsResponse
		_, err := s.do(ctx, q.container, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
			options := &azcosmos.QueryOptions{QueryParameters: q.params, ContinuationToken: token}
			var err error
			page, err = c.NewQueryItemsPager(q.text, azcosmos.NewPartitionKey(), options).NextPage(ctx)
			return page.RequestCharge, err
		})
		if err != nil {
			return out, fmt.Errorf("query %s: %w", q.container, err)
		}
		for _, raw := range page.Items {
			var item T
			if err := json.Unmarshal(raw, &item); err != nil {
				return out, fmt.Errorf("read query result: %w", err)
			}
			if out = append(out, item); len(out) == q.limit {
				return out, nil
			}
		}
		if token = page.ContinuationToken; token == nil || *token == "" {
			return out, nil
		}
	}
}
