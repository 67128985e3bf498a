package digest

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/source"
)

// Hours are the events and rollups that the store keeps, by the hour.
type Hours interface {
	// Hour yields the events of an hour.
	Hour(ctx context.Context, hour time.Time) iter.Seq2[activity.Event, error]
	// RolledUp returns the rollup of an hour, nil when there is none.
	RolledUp(ctx context.Context, hour time.Time) ([]byte, error)
}

// Stored is the store as a source: closed hours from their rollups, and from the events themselves what has no rollup
// yet and the hours that a period cuts, where its zone is not a whole number of hours from UTC.
type Stored struct {
	Hours  Hours
	Window source.Window // closed on both ends
}

var _ source.Source = Stored{}

// Entries implements source.Source. The Tally that counts them must come from NewStoredTally.
func (s Stored) Entries(ctx context.Context, v *source.Vocabulary) iter.Seq2[*source.Batch, error] {
	return func(yield func(*source.Batch, error) bool) {
		for hour := s.Window.From.UTC().Truncate(time.Hour); hour.Before(s.Window.To); hour = hour.Add(time.Hour) {
			b, err := s.hour(ctx, hour, v)
			if err != nil {
				yield(nil, fmt.Errorf("read hour %s: %w", hour.Format("2006-01-02T15Z"), err))
				return
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

func (s Stored) hour(ctx context.Context, hour time.Time, v *source.Vocabulary) (*source.Batch, error) {
	if s.cut(hour) {
		return s.fromEvents(ctx, hour, v)
	}
	body, err := s.Hours.RolledUp(ctx, hour)
	if err != nil {
		return nil, err
	}
	if body == nil {
		if body, _, err = RollUp(hour, s.Hours.Hour(ctx, hour)); err != nil {
			return nil, err
		}
	}
	return Unroll(hour, body, v)
}

// cut reports whether only a part of the hour is in the window.
func (s Stored) cut(hour time.Time) bool {
	return hour.Before(s.Window.From) || hour.Add(time.Hour).After(s.Window.To)
}

// fromEvents reads the part of an hour that is in the window.
func (s Stored) fromEvents(ctx context.Context, hour time.Time, v *source.Vocabulary) (*source.Batch, error) {
	within := func(yield func(activity.Event, error) bool) {
		for e, err := range s.Hours.Hour(ctx, hour) {
			if err == nil && !s.Window.Holds(e.Time.Time) {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
	body, _, err := RollUp(hour, within)
	if err != nil {
		return nil, err
	}
	b, err := Unroll(hour, body, v)
	if err != nil {
		return nil, err
	}
	for i := range b.Entries {
		// A quarter stands for its beginning, which the window may cut off although its entries are in it.
		if e := &b.Entries[i]; e.Aspects == source.When && e.Time.Before(s.Window.From) {
			e.Time = s.Window.From
		}
	}
	return b, nil
}
