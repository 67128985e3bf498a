package source

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Hours reads what is kept by the hour of the events' own time, as the store keeps it.
type Hours struct {
	Hour func(ctx context.Context, hour time.Time) iter.Seq2[activity.Event, error]
}

var _ Finder = Hours{}

// Find implements Finder. The window must be closed.
func (h Hours) Find(ctx context.Context, f Filter) iter.Seq2[*Found, error] {
	return func(yield func(*Found, error) bool) {
		for hour := f.Window.From.UTC().Truncate(time.Hour); hour.Before(f.Window.To); hour = hour.Add(time.Hour) {
			found := &Found{Name: hour.Format("2006-01-02T15")}
			for e, err := range h.Hour(ctx, hour) {
				if err != nil {
					yield(nil, fmt.Errorf("read hours: %w", err))
					return
				}
				if f.Holds(&e) {
					found.Events = append(found.Events, e)
				}
			}
			if !yield(found, nil) {
				return
			}
		}
	}
}
