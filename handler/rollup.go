package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/store"
)

const (
	// lateFor is how long events of an hour may still come: Event Grid delivers for a day, Event Hubs keep seven, and
	// what Azure lists is fetched hour by hour. What comes later is in the next digest's comparison, not in a rollup.
	lateFor = 48 * time.Hour
	// settling is how long after its end an hour is first rolled up.
	settling = 3 * time.Minute
	// recheckEvery is how often an older hour is counted again; the last three are with every run.
	recheckEvery = 6
)

// rollup makes the rollups of closed hours that have none, and makes those anew that events were late for. It is
// level-triggered: it looks at what is there, so a missed or doubled tick changes nothing.
func rollup(ctx context.Context, a *app, in host.Invocation) (host.Result, error) {
	now := a.now().UTC()
	newest := now.Add(-settling).Truncate(time.Hour).Add(-time.Hour)
	var sum rollupSum
	var errs []error
	for back := range int(lateFor / time.Hour) {
		hour := newest.Add(-time.Duration(back) * time.Hour)
		count := back < 3 || back%recheckEvery == 0
		if err := a.rollHour(ctx, hour, count, &sum); err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	in.Logger.Info("rolled up", "hours", sum.made, "late", sum.late, "events", sum.events, "ru", sum.ru)
	return host.Result{}, errors.Join(errs...)
}

// rollupSum is what a run did.
type rollupSum struct {
	made, late, events int
	ru                 float64
}

// rollHour makes the rollup of an hour unless there is one; with recount, also when there are more events than it was
// made of.
func (a *app) rollHour(ctx context.Context, hour time.Time, recount bool, sum *rollupSum) error {
	have, ok, err := a.store.Rollup(ctx, hour)
	if err != nil {
		return err
	}
	if ok && recount {
		n, err := a.store.CountHour(ctx, hour)
		if err != nil {
			return err
		}
		if n == have.Events {
			return nil
		}
		sum.late++
	} else if ok {
		return nil
	}
	body, n, err := digest.RollUp(hour, a.store.Hour(ctx, hour))
	if err != nil {
		return fmt.Errorf("roll up %s: %w", hour.Format("2006-01-02T15Z"), err)
	}
	ru, err := a.store.SaveRollup(ctx, store.Rollup{Hour: hour, Events: n, Made: a.now(), Body: body})
	sum.made, sum.events, sum.ru = sum.made+1, sum.events+n, sum.ru+ru
	return err
}

// hours is the store as digest reads it.
type hours struct{ store *store.Store }

func (h hours) Hour(ctx context.Context, hour time.Time) iter.Seq2[activity.Event, error] {
	return h.store.Hour(ctx, hour)
}

func (h hours) RolledUp(ctx context.Context, hour time.Time) ([]byte, error) {
	r, ok, err := h.store.Rollup(ctx, hour)
	if err != nil || !ok {
		return nil, err
	}
	return r.Body, nil
}
