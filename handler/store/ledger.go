package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
)

// Arrival is a recorded event as far as it takes to recognise it in a list of Azure's, and when it was recorded.
type Arrival struct {
	Event activity.Event // its identity only
	At    time.Time      // to the second, by the account's clock
}

// arrivalItem is what is read of an event item. _ts is when Cosmos last wrote it, and events are written once (learn:
// "Azure Cosmos DB resource model", system properties).
type arrivalItem struct {
	activity.Event
	Written int64 `json:"_ts"`
}

// Arrivals yields what was recorded of an hour, by the events' own time, in no particular order.
func (s *Store) Arrivals(ctx context.Context, hour time.Time) iter.Seq2[Arrival, error] {
	const text = `SELECT c.id, c.form, c.time, c.outcome, c.operation, c.resource_id, c.correlation_id, c.event_id, c.subscription_id, c.found_by, c._ts ` +
		`FROM c WHERE c.hour = @hour`
	return func(yield func(Arrival, error) bool) {
		for raw, err := range s.everyShard(ctx, shardQuery{hour: hour.UTC(), text: text}) {
			var item arrivalItem
			if err == nil {
				err = json.Unmarshal(raw, &item)
			}
			if err != nil {
				yield(Arrival{}, fmt.Errorf("read arrivals of %s: %w", hour.UTC().Format(hourLayout), err))
				return
			}
			if !yield(Arrival{Event: item.Event, At: time.Unix(item.Written, 0).UTC()}, nil) {
				return
			}
		}
	}
}

// Forgot reports whether the store once had events of an hour and need not have them any more: what Azure lists of such
// an hour cannot be told from what was never recorded.
func (s *Store) Forgot(ctx context.Context, hour time.Time) (bool, error) {
	const kept = keepEvents - 24*time.Hour
	if s.now().Sub(hour) < kept {
		return false, nil
	}
	// What was rolled up so long ago was stored before that. A younger rollup is of what was found late, and is there.
	r, ok, err := s.Rollup(ctx, hour)
	return ok && r.Events > 0 && s.now().Sub(r.Made) >= kept, err
}

// LedgerHour is what a comparison of one subscription's hour with what Azure lists came to. What it says is the business
// of whoever compared.
type LedgerHour struct {
	Subscription string
	Hour         time.Time // its beginning, UTC
	Body         json.RawMessage
}

// ledgerItem is an hour of the ledger, in the container of rollups:
//
//	pk ledger-<subscription>-<yyyymm>   <yyyymmddhh>
type ledgerItem struct {
	ID           string          `json:"id"`
	PK           string          `json:"pk"`
	Kind         string          `json:"kind"` // "ledger"
	At           time.Time       `json:"at"`   // the hour
	Subscription string          `json:"subscription"`
	Body         json.RawMessage `json:"body"`
	TTL          int             `json:"ttl"`
}

// SaveLedger keeps h in place of an older comparison of its hour.
func (s *Store) SaveLedger(ctx context.Context, h LedgerHour) error {
	item := ledgerItem{
		ID: h.Hour.UTC().Format("2006010215"), PK: ledgerPK(h.Subscription, h.Hour), Kind: "ledger", At: h.Hour.UTC(),
		Subscription: h.Subscription, Body: h.Body, TTL: seconds(keepRollups),
	}
	if _, err := s.upsert(ctx, item.PK, item); err != nil {
		return fmt.Errorf("save ledger: %w", err)
	}
	return nil
}

// LedgerHour reads one hour of the ledger; false when nobody compared it.
func (s *Store) LedgerHour(ctx context.Context, subscription string, hour time.Time) (LedgerHour, bool, error) {
	var item ledgerItem
	_, err := s.read(ctx, itemRef{containerRollups, ledgerPK(subscription, hour), hour.UTC().Format("2006010215")}, &item)
	if errors.Is(err, errNotFound) {
		return LedgerHour{}, false, nil
	}
	if err != nil {
		return LedgerHour{}, false, fmt.Errorf("read ledger: %w", err)
	}
	return LedgerHour{Subscription: item.Subscription, Hour: item.At, Body: item.Body}, true, nil
}

// Ledger reads what is there of a subscription's ledger in [from, to), month by month.
func (s *Store) Ledger(ctx context.Context, subscription string, from, to time.Time) ([]LedgerHour, error) {
	const text = `SELECT c.at, c.subscription, c.body FROM c WHERE c.kind = 'ledger' AND c.at >= @from AND c.at < @to`
	bound := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	params := []azcosmos.QueryParameter{{Name: "@from", Value: bound(from)}, {Name: "@to", Value: bound(to)}}
	var all []LedgerHour
	from = from.UTC()
	for month := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC); month.Before(to); month = month.AddDate(0, 1, 0) {
		for raw, err := range s.within(ctx, partQuery{containerRollups, ledgerPK(subscription, month), text, params}) {
			var item ledgerItem
			if err == nil {
				err = json.Unmarshal(raw, &item)
			}
			if err != nil {
				return nil, fmt.Errorf("read ledger: %w", err)
			}
			all = append(all, LedgerHour{Subscription: item.Subscription, Hour: item.At, Body: item.Body})
		}
	}
	return all, nil
}

func ledgerPK(subscription string, hour time.Time) string {
	return "ledger-" + subscription + "-" + hour.UTC().Format("200601")
}
