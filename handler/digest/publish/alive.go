package publish

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/calendar"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/source"
)

// Alive is what the store knows of whether Auditbell was there: the daily tests of a period's days in a zone, and the hours
// in which it watched itself.
func (r *Record) Alive(ctx context.Context, w source.Window, zone *time.Location) (*digest.Alive, error) {
	days := daysOf(w, zone)
	if len(days) == 0 {
		return &digest.Alive{}, nil
	}
	var alive digest.Alive
	var err error
	if alive.Off, err = r.Store.CanaryOff(ctx, days[0], days[len(days)-1]); err != nil {
		return nil, err
	}
	for _, day := range days {
		one, err := r.Store.Alert(ctx, pipeline.CanaryRef(day))
		if errors.Is(err, alert.ErrUnknown) {
			continue
		}
		if err != nil {
			return nil, err
		}
		alive.Tests = append(alive.Tests, reportTest(day, &one))
	}
	if alive.Watched, err = r.Store.Watched(ctx, w.From, w.To); err != nil {
		return nil, err
	}
	alive.Since, err = r.firstSign(ctx, w, &alive)
	return &alive, err
}

// firstSign is when Auditbell was first there, as far as it matters to a period.
func (r *Record) firstSign(ctx context.Context, w source.Window, alive *digest.Alive) (time.Time, error) {
	before, err := r.Store.WatchedBefore(ctx, w.From)
	if err != nil || before {
		return w.From, err
	}
	var first time.Time
	for _, test := range alive.Tests {
		first = earlier(first, test.Sent)
	}
	if len(alive.Watched) > 0 {
		first = earlier(first, alive.Watched[0])
	}
	return first, nil
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// daysOf lists the dates of a period in a zone.
func daysOf(w source.Window, zone *time.Location) []string {
	var days []string
	for day := range calendar.Days(w.From, w.To, zone) {
		days = append(days, day.Date.String())
	}
	return days
}

// reportTest is a daily test as a report has it.
func reportTest(day string, one *alert.Alert) digest.Test {
	test := digest.Test{Day: day, Due: one.First.Time, Sent: one.Opened, Deadline: pipeline.CanaryDeadline}
	for _, name := range slices.Sorted(maps.Keys(one.Deliveries)) {
		d := one.Deliveries[name]
		way := digest.TestDelivery{Destination: name, State: stateOf(d), HeldUntil: d.HeldUntil, Reason: d.Reason}
		if way.State != digest.Waiting {
			way.At = d.At
		}
		test.Deliveries = append(test.Deliveries, way)
	}
	return test
}
