package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// Items by which a digest tells calm from nobody being there, in the container of rollups:
//
//	pk watched-<yyyymmdd>   hour-<hh>       somebody watched in that hour
//	pk canary-<yyyy>        off-<yyyymmdd>  the daily test was switched off on that day
//
// They are created once and never changed. A test that was sent needs no item: its alert is where its day says.
type aliveItem struct {
	ID   string    `json:"id"`
	PK   string    `json:"pk"`
	Kind string    `json:"kind"` // "watched" or "canary-off"
	At   time.Time `json:"at"`   // the beginning of the hour; when it was noted
	Day  string    `json:"day"`  // 2026-11-22
	TTL  int       `json:"ttl"`
}

// Kinds of aliveItem.
const (
	kindWatched   = "watched"
	kindCanaryOff = "canary-off"
)

// NoteWatched notes that somebody watched in the hour of a moment. Noting it twice is noting it once.
func (s *Store) NoteWatched(ctx context.Context, at time.Time) (ru float64, err error) {
	item := watchedItem(at)
	item.TTL = seconds(keepRollups)
	return s.note(ctx, item)
}

// WatchedAt reports whether somebody watched in the hour of a moment.
func (s *Store) WatchedAt(ctx context.Context, at time.Time) (bool, error) {
	item := watchedItem(at)
	_, err := s.read(ctx, itemRef{containerRollups, item.PK, item.ID}, nil)
	if errors.Is(err, errNotFound) {
		return false, nil
	}
	return err == nil, err
}

func watchedItem(at time.Time) aliveItem {
	hour := at.UTC().Truncate(time.Hour)
	return aliveItem{ID: "hour-" + hour.Format("15"), PK: "watched-" + hour.Format("20060102"), Kind: kindWatched, At: hour, Day: hour.Format(time.DateOnly)}
}

// NoteCanaryOff notes that the daily test was switched off on a day (2026-11-22).
func (s *Store) NoteCanaryOff(ctx context.Context, day string) (ru float64, err error) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0, err
	}
	return s.note(ctx, aliveItem{ID: "off-" + at.Format("20060102"), PK: "canary-" + at.Format("2006"), Kind: kindCanaryOff, At: s.now().UTC().Truncate(time.Second), Day: day, TTL: seconds(keepRollups)})
}

// note creates an item that says one thing.
func (s *Store) note(ctx context.Context, item aliveItem) (ru float64, err error) {
	ru, err = s.insert(ctx, item.PK, item)
	if err != nil && !errors.Is(err, errExists) {
		return ru, fmt.Errorf("note %s: %w", item.Kind, err)
	}
	return ru, nil
}

// Watched lists the hours in [from, to) in which somebody watched, in order.
func (s *Store) Watched(ctx context.Context, from, to time.Time) ([]time.Time, error) {
	const text = `SELECT c.at FROM c WHERE c.kind = 'watched' AND c.at >= @from AND c.at < @to`
	items, err := query[aliveItem](ctx, s, crossQuery{containerRollups, text, -1, []azcosmos.QueryParameter{
		{Name: "@from", Value: from.UTC().Truncate(time.Hour).Format(time.RFC3339)}, {Name: "@to", Value: to.UTC().Format(time.RFC3339)},
	}})
	if err != nil {
		return nil, fmt.Errorf("read when somebody watched: %w", err)
	}
	hours := make([]time.Time, len(items))
	for i, item := range items {
		hours[i] = item.At
	}
	slices.SortFunc(hours, time.Time.Compare)
	return hours, nil
}

// WatchedBefore reports whether somebody watched at any time before a moment.
func (s *Store) WatchedBefore(ctx context.Context, moment time.Time) (bool, error) {
	const text = `SELECT c.at FROM c WHERE c.kind = 'watched' AND c.at < @before`
	items, err := query[aliveItem](ctx, s, crossQuery{containerRollups, text, 1, []azcosmos.QueryParameter{
		{Name: "@before", Value: moment.UTC().Truncate(time.Hour).Format(time.RFC3339)},
	}})
	if err != nil {
		return false, fmt.Errorf("read when somebody watched: %w", err)
	}
	return len(items) > 0, nil
}

// CanaryOff lists the days, from the first to the last (2026-11-22), on which the daily test was switched off.
func (s *Store) CanaryOff(ctx context.Context, first, last string) ([]string, error) {
	const text = `SELECT c.day FROM c WHERE c.kind = 'canary-off' AND c.day >= @first AND c.day <= @last`
	items, err := query[aliveItem](ctx, s, crossQuery{containerRollups, text, -1, []azcosmos.QueryParameter{{Name: "@first", Value: first}, {Name: "@last", Value: last}}})
	if err != nil {
		return nil, fmt.Errorf("read when the daily test was off: %w", err)
	}
	days := make([]string, len(items))
	for i, item := range items {
		days[i] = item.Day
	}
	slices.Sort(days)
	return days, nil
}
