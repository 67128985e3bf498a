package publish

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/store"
)

const (
	// lateFor is how long events of an hour may still come: Event Grid delivers for a day, Event Hubs keep seven, and
	// what Azure lists is fetched hour by hour. What comes later is in the next digest's comparison, not in a rollup.
	lateFor = 48 * time.Hour
	// settling is how long after its end an hour is first rolled up.
	settling = 3 * time.Minute
	// RecheckEvery is how often an older hour is counted again; those of the last few, always, are with every run.
	RecheckEvery = 6
	always       = 3
)

// Rollups is the timer function rollup.
type Rollups struct {
	Store *store.Store
	Now   func() time.Time
	Log   *Log // nil: hours are not logged

	RuleSet string // hash of the rules in force
}

// Run makes the rollups of closed hours that have none, and makes those again that events were late for. It is
// level-triggered: it looks at what is there, so a missed or doubled tick changes nothing.
func (r *Rollups) Run(ctx context.Context, in host.Invocation) (host.Result, error) {
	now := r.Now().UTC()
	newest := now.Add(-settling).Truncate(time.Hour).Add(-time.Hour)
	var sum rollupSum
	var errs []error
	counted := map[time.Time]store.Rollup{}
	for back := range int(lateFor / time.Hour) {
		hour := newest.Add(-time.Duration(back) * time.Hour)
		count := back < always || back%RecheckEvery == always // the hour that is to be logged, loggedAfter its end, among them
		rolled, err := r.hour(ctx, hour, count, &sum)
		if err != nil {
			errs = append(errs, err)
		} else if count {
			rolled.Body, counted[hour] = nil, rolled
		}
		if ctx.Err() != nil {
			break
		}
	}
	in.Logger.Info("rolled up", "hours", sum.made, "late", sum.late, "events", sum.events, "ru", sum.ru)
	if r.Log != nil {
		b := pipeline.Batch{ID: in.Attempt(), Function: "rollup", Logger: in.Logger}
		if err := r.Log.Run(ctx, r, counted, b); err != nil {
			r.Log.unlogged(ctx, b, "hours", err)
			errs = append(errs, fmt.Errorf("log hours: %w", err))
		}
	}
	return host.Result{}, errors.Join(errs...)
}

// Old makes the rollups of hours again that the timer rollup does not look at any more, so that a digest counts what was
// found so late.
func (r *Rollups) Old(ctx context.Context, events []activity.Event) error {
	oldest := r.Now().Add(-lateFor + RecheckEvery*time.Hour)
	var last time.Time
	var sum rollupSum
	for i := range events { // they come in the order of their time
		hour := events[i].Time.UTC().Truncate(time.Hour)
		if !hour.Before(oldest) || hour.Equal(last) {
			continue
		}
		if _, err := r.hour(ctx, hour, true, &sum); err != nil {
			return err
		}
		last = hour
	}
	return nil
}

// rollupSum is what a run did.
type rollupSum struct {
	made, late, events int
	ru                 float64
}

// hour is the rollup of an hour, made unless there is one; with recount, also when there are more events than it was
// made of.
func (r *Rollups) hour(ctx context.Context, hour time.Time, recount bool, sum *rollupSum) (store.Rollup, error) {
	have, ok, err := r.Store.Rollup(ctx, hour)
	switch {
	case err != nil:
		return have, err
	case !ok:
		return r.make(ctx, store.Rollup{Hour: hour}, sum)
	case recount:
		return r.fresh(ctx, have, sum)
	}
	return have, nil
}

// fresh is a rollup, made again where there are more events than it was made of.
func (r *Rollups) fresh(ctx context.Context, have store.Rollup, sum *rollupSum) (store.Rollup, error) {
	late, err := r.isLate(ctx, have)
	if err != nil || !late {
		return have, err
	}
	sum.late++
	return r.make(ctx, have, sum)
}

// make makes the rollup of an hour, in place of the one that there is. Where hours are logged, their records are hashed while they are read, so that logging the
// hour need not read them again.
func (r *Rollups) make(ctx context.Context, have store.Rollup, sum *rollupSum) (store.Rollup, error) {
	hour, began := have.Hour, r.Now()
	var sums hashedRecords
	records := r.Store.HourRecords(ctx, hour)
	if r.Log != nil {
		records = sums.watch(records)
	}
	body, n, err := digest.RollUp(hour, eventsOf(records))
	if err != nil {
		return store.Rollup{}, fmt.Errorf("roll up %s: %w", hour.Format("2006-01-02T15Z"), err)
	}
	made := store.Rollup{Hour: hour, Events: n, Made: began, Body: body, Sums: sums.text(), RuleSets: have.RuleSets}
	if r.RuleSet != "" && !slices.Contains(made.RuleSets, r.RuleSet) {
		made.RuleSets = append(slices.Clone(made.RuleSets), r.RuleSet)
	}
	ru, err := r.Store.SaveRollup(ctx, made)
	sum.made, sum.events, sum.ru = sum.made+1, sum.events+n, sum.ru+ru
	return made, err
}

// eventsOf are the events of records.
func eventsOf(records iter.Seq2[[]byte, error]) iter.Seq2[activity.Event, error] {
	return func(yield func(activity.Event, error) bool) {
		for raw, err := range records {
			var e activity.Event
			if err == nil {
				e, err = store.EventOf(raw)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// lag is how much later than its own time stamp an event may have become visible to the reader of an hour: the clocks
// of service and handler differ by a second or two, and a replica may be some seconds behind.
const lag = time.Minute

// isLate reports whether there are more events than a rollup was made of. What was stored since is asked for first:
// counting everything costs as much as reading it, and there is seldom anything.
func (r *Rollups) isLate(ctx context.Context, have store.Rollup) (bool, error) {
	n, err := r.Store.CountLate(ctx, have.Hour, have.Made.Add(-lag))
	if err != nil || n == 0 {
		return false, err
	}
	n, err = r.Store.CountHour(ctx, have.Hour)
	return n != have.Events, err
}

// Hours is the store as digest reads it, one hour after the other. Before the first hour of a day without a rollup it
// asks whether the day has any event at all: a digest over months in which no one watched asks 16 questions a day and not
// as many for each hour.
type Hours struct {
	store  *store.Store
	silent map[string]bool            // by UTC day
	rolled map[time.Time]store.Rollup // that were read before, by hour
	spans  *[]digest.RuleSpan         // of the rollups that were asked for
}

// HoursOf reads s.
func HoursOf(s *store.Store) Hours {
	return Hours{s, map[string]bool{}, map[time.Time]store.Rollup{}, &[]digest.RuleSpan{}}
}

// RuleSets are the rules that were in force in the hours whose rollups were asked for, by their hashes.
func (h Hours) RuleSets() []digest.RuleSpan { return *h.spans }

// Hour yields the events of an hour.
func (h Hours) Hour(ctx context.Context, hour time.Time) iter.Seq2[activity.Event, error] {
	day := hour.UTC().Format(time.DateOnly)
	silent, known := h.silent[day]
	if !known {
		var err error
		if silent, err = h.store.SilentDay(ctx, hour); err != nil {
			return func(yield func(activity.Event, error) bool) { yield(activity.Event{}, err) }
		}
		h.silent[day] = silent
	}
	if silent {
		return func(func(activity.Event, error) bool) {}
	}
	return h.store.Hour(ctx, hour)
}

// RolledUp is the rollup of an hour, nil when there is none.
func (h Hours) RolledUp(ctx context.Context, hour time.Time) ([]byte, error) {
	r, ok := h.rolled[hour.UTC()]
	if !ok {
		var err error
		if r, ok, err = h.store.Rollup(ctx, hour); err != nil || !ok {
			return nil, err
		}
	}
	for _, hash := range r.RuleSets {
		*h.spans = digest.AddRuleSpan(*h.spans, digest.RuleSpan{RuleSet: hash, From: hour.UTC(), To: hour.UTC().Add(time.Hour)})
	}
	return r.Body, nil
}
