package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// What is remembered of actors, in the container of rollups:
//
//	pk habit-<hash>   habit   when this actor did this operation last, of the operations that ring
//	pk habits         since   since when that is remembered
//
// It is for a reader's judgement, not for evidence: of two alerts at the same moment the later write stays.
type habitItem struct {
	ID     string    `json:"id"`
	PK     string    `json:"pk"`
	Kind   string    `json:"kind"`            // "habit"
	Last   time.Time `json:"last"`            // the last alert's event
	Op     string    `json:"op"`              // its operation, to know it again when it is asked about twice
	Before time.Time `json:"before,omitzero"` // Last as it was before that
	TTL    int       `json:"ttl,omitempty"`   // garbage only; who asks compares Last
}

// keepHabits outlives the 90 days that are told of.
const keepHabits = 120 * 24 * time.Hour

// Habit says when the event's actor did the same before and notes that it was done now. Asked again about the same
// operation it says the same. It costs a read and a write, about 7 RU, or 11 where there was one.
func (s *Store) Habit(ctx context.Context, e activity.Event) (h alert.Habit, err error) {
	if h.Since, h.RU, err = s.rememberedSince(ctx); err != nil {
		return h, fmt.Errorf("read habits: %w", err)
	}
	op, at := alert.LifecycleKey(e), e.Time.UTC()
	if at.IsZero() {
		at = s.now().UTC()
	}
	item := habitItem{ID: "habit", PK: alert.HabitKey(e)}
	seen, err := s.read(ctx, itemRef{containerRollups, item.PK, item.ID}, &item)
	h.RU += seen.ru
	switch {
	case err != nil && !errors.Is(err, errNotFound):
		return h, fmt.Errorf("read habit: %w", err)
	case err == nil && item.Op == op:
		h.Last = item.Before
		return h, nil
	case err == nil:
		h.Last = item.Last
	}
	item.Kind, item.Before, item.Last, item.Op, item.TTL = "habit", item.Last, at, op, seconds(keepHabits)
	ru, err := s.upsert(ctx, item.PK, item)
	h.RU += ru
	if err != nil {
		return h, fmt.Errorf("note habit: %w", err)
	}
	return h, nil
}

// rememberedSince is when the first habit was noted; it is read once in the life of a process.
func (s *Store) rememberedSince(ctx context.Context) (since time.Time, ru float64, err error) {
	if known := s.habitsSince.Load(); known != nil {
		return *known, 0, nil
	}
	item := habitItem{ID: "since", PK: "habits", Kind: "habit", Last: s.now().UTC()}
	ru, err = s.insert(ctx, item.PK, item)
	if errors.Is(err, errExists) {
		var seen version
		seen, err = s.read(ctx, itemRef{containerRollups, item.PK, item.ID}, &item)
		ru += seen.ru
	}
	if err == nil {
		s.habitsSince.Store(&item.Last)
	}
	return item.Last, ru, err
}

// recentAtOnce bounds what one question about events reads: readers are told of a handful, and how many more.
const recentAtOnce = 50

// Related lists records that share a correlation id, in no particular order, at most recentAtOnce. The path is indexed: it
// costs the least that a query can, and a point read for each record found.
func (s *Store) Related(ctx context.Context, correlation string) (events []activity.Event, ru float64, err error) {
	return s.events(ctx, `c.correlation_id = @a OR c.correlation_id = @b`, correlation, strings.ToLower(correlation))
}

// Others lists the other records of the act that e reports on. Of more than fit one page none is listed: one may
// be hidden among them, and what is not known is asked for.
func (s *Store) Others(ctx context.Context, e activity.Event) ([]activity.Event, float64, error) {
	if e.CorrelationID == "" {
		return nil, 0, nil
	}
	events, ru, err := s.find(ctx, `*`, `(c.correlation_id = @a OR c.correlation_id = @b) AND c.operation = @c AND c.resource_id = @d`,
		e.CorrelationID, strings.ToLower(e.CorrelationID), e.Operation, e.ResourceID)
	if len(events) >= recentAtOnce {
		return nil, ru, err
	}
	return slices.DeleteFunc(events, func(other activity.Event) bool {
		return other.ID == e.ID || !alert.SameAct(&e, &other)
	}), ru, err
}

// Recent lists records of an actor (alert.ActorOf) from the hour before a moment on, at most recentAtOnce.
func (s *Store) Recent(ctx context.Context, actor string, at time.Time) (events []activity.Event, ru float64, err error) {
	hour := func(t time.Time) string { return t.UTC().Format(hourLayout) }
	events, ru, err = s.events(ctx, `c.actor = @c AND (c.hour = @a OR c.hour = @b)`, hour(at), hour(at.Add(-time.Hour)), actor)
	kept := events[:0]
	for _, e := range events {
		if !e.Time.Before(at.Add(-time.Hour)) {
			kept = append(kept, e)
		}
	}
	return kept, ru, err
}

// events runs one page of a query over all partitions for what lists of doings need; values are @a, @b and so on.
func (s *Store) events(ctx context.Context, where string, values ...string) (events []activity.Event, ru float64, err error) {
	return s.find(ctx, `c.operation, c.operation_display, c.resource_name, c.resource_id, c.correlation_id, c.outcome, c.time`, where, values...)
}

// find runs one page of a query over all partitions.
func (s *Store) find(ctx context.Context, what, where string, values ...string) (events []activity.Event, ru float64, err error) {
	text := `SELECT ` + what + ` FROM c WHERE ` + where
	var params []azcosmos.QueryParameter
	for i, v := range values {
		params = append(params, azcosmos.QueryParameter{Name: "@" + string(rune('a'+i)), Value: v})
	}
	var page azcosmos.QueryItemsResponse
	ru, err = s.do(ctx, containerEvents, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		options := &azcosmos.QueryOptions{QueryParameters: params, PageSizeHint: recentAtOnce}
		var err error
		page, err = c.NewQueryItemsPager(text, azcosmos.NewPartitionKey(), options).NextPage(ctx)
		return page.RequestCharge, err
	})
	if err != nil {
		return nil, ru, fmt.Errorf("query %s: %w", containerEvents, err)
	}
	for _, raw := range page.Items {
		var e activity.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, ru, fmt.Errorf("read query result: %w", err)
		}
		events = append(events, e)
	}
	return events, ru, nil
}
