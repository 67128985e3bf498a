package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/turns"
)

// ofAlert lists the records of an alert, and bounds the filter to the hours in which they are.
func (c *queryCmd) ofAlert(ctx context.Context, std Surroundings, f *source.Filter) (map[string]bool, error) {
	if err := c.noFiles(); err != nil {
		return nil, err
	}
	c.Source = "store"
	kept, err := openStore(std)
	if err == nil && kept == nil {
		err = errors.New("open store: no settings name one (hint: set COSMOS_ENDPOINT)")
	}
	if err != nil {
		return nil, err
	}
	one, err := kept.AlertByID(ctx, c.Alert)
	switch {
	case errors.Is(err, alert.ErrUnknown):
		return nil, unknownAlert(c.Alert)
	case err != nil:
		return nil, err
	}
	members := []alert.Alert{one}
	if one.IsSummary() {
		if members, err = kept.FoldedInto(ctx, one); err != nil {
			return nil, err
		}
	}
	ids, errs := make([][]string, len(members)), make([]error, len(members))
	turns.Each(ctx, len(members), alertsAtOnce, func(ctx context.Context, i int) {
		ids[i], errs[i] = kept.Records(ctx, members[i].Ref())
	})
	counted, within := map[string]bool{}, source.Window{}
	for i, m := range members {
		for _, id := range ids[i] {
			counted[id] = true
		}
		within = around(within, m)
	}
	f.Window = overlap(f.Window, within)
	return counted, errors.Join(errs...)
}

// alertsAtOnce bounds the alerts whose records are asked for at a time.
const alertsAtOnce = 8

// around widens a window to the records of an alert: the latest of an operation may be hours after its first one.
func around(w source.Window, a alert.Alert) source.Window {
	from, to := a.First.Time, a.Last.Time
	for _, op := range a.Operations {
		for _, at := range []time.Time{op.Started.Time, op.Ended.Time} {
			if at.After(to) {
				to = at
			}
			if !at.IsZero() && at.Before(from) {
				from = at
			}
		}
	}
	if w.From.IsZero() || from.Before(w.From) {
		w.From = from
	}
	if to = to.Add(time.Second); to.After(w.To) {
		w.To = to
	}
	return w
}

// overlap is what both windows hold, where the first may be open.
func overlap(w, within source.Window) source.Window {
	if w.From.Before(within.From) {
		w.From = within.From
	}
	if w.To.IsZero() || w.To.After(within.To) {
		w.To = within.To
	}
	return w
}

// only leaves out events whose ids are not wanted; nil wants all.
func only(wanted map[string]bool, events iter.Seq2[*activity.Event, error]) iter.Seq2[*activity.Event, error] {
	if wanted == nil {
		return events
	}
	return func(yield func(*activity.Event, error) bool) {
		for e, err := range events {
			if (err != nil || wanted[e.ID]) && !yield(e, err) {
				return
			}
		}
	}
}

func unknownAlert(id string) error {
	return fmt.Errorf("find %s: there is no such alert (hint: copy the id from the end of its message; alerts are kept for a year)", notify.Clean(id, false /* lines */))
}
