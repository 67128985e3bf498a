package lookup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
)

func hasPast(e *activity.Event) bool {
	return alert.ActorOf(*e) != "" && e.Operation != "" && e.CallerType != activity.Platform
}

const (
	habitual = 90 * 24 * time.Hour // what was not done for so long is told as new
	// memorable is how far back the memory must go before "never" says anything.
	memorable = 7 * 24 * time.Hour
)

// history says whether the actor does this for the first time, what else it did within the hour, and what else belongs
// to the same deployment. All of it comes from the store, as far as that keeps it.
func (s *Set) history(ctx context.Context, e *activity.Event) (found alert.Learned, err error) {
	h, err := s.past.Habit(ctx, *e)
	found.RU += h.RU
	errs := []error{err}
	if err == nil {
		found.Facts = append(found.Facts, firstTime(h, at(e, s.now()))...)
	}
	recent, ru, err := s.past.Recent(ctx, alert.ActorOf(*e), at(e, s.now()))
	found.RU += ru
	errs = append(errs, err)
	if text := doings(slices.DeleteFunc(recent, func(o activity.Event) bool { return sameCorrelation(&o, e) })); text != "" {
		found.Facts = append(found.Facts, alert.Fact{Name: "Last hour", Value: "the same actor also: " + text})
	}
	if e.CorrelationID != "" {
		related, ru, err := s.past.Related(ctx, e.CorrelationID)
		found.RU += ru
		errs = append(errs, err)
		if text := doings(slices.DeleteFunc(related, func(o activity.Event) bool { return sameOperation(&o, e) })); text != "" {
			found.Facts = append(found.Facts, alert.Fact{Name: "Also", Value: "under the same correlation id: " + text})
		}
	}
	return found, errors.Join(errs...)
}

func at(e *activity.Event, now time.Time) time.Time {
	if e.Time.IsZero() {
		return now
	}
	return e.Time.Time
}

// firstTime tells what is new, and how long nobody has seen it. That something was done before is told nowhere: it is
// what readers expect.
func firstTime(h alert.Habit, at time.Time) []alert.Fact {
	known := at.Sub(h.Since)
	switch {
	case h.Last.IsZero() && known >= habitual:
		return []alert.Fact{{Name: "First time", Value: "yes, in 90 days nobody was told of this actor doing it"}}
	case h.Last.IsZero() && known >= memorable:
		return []alert.Fact{{Name: "First time", Value: fmt.Sprintf("yes, in the %d days that are on record", int(known/(24*time.Hour)))}}
	case !h.Last.IsZero() && at.Sub(h.Last) >= habitual:
		return []alert.Fact{{Name: "First time", Value: fmt.Sprintf("in %d days", int(at.Sub(h.Last)/(24*time.Hour)))}}
	}
	return nil
}

func sameCorrelation(o, e *activity.Event) bool {
	return e.CorrelationID != "" && strings.EqualFold(o.CorrelationID, e.CorrelationID)
}

func sameOperation(o, e *activity.Event) bool {
	return o.Operation == e.Operation && strings.EqualFold(o.ResourceID, e.ResourceID)
}

// doings counts operations: "3 × roleAssignments/write, vaults/delete on kv-prod". The states of one operation count as
// one.
func doings(events []activity.Event) string {
	const most = 4
	type doing struct {
		name      string
		n         int
		resources map[string]string
	}
	var all []*doing
	for i := range events {
		e := &events[i]
		name := shortOperation(cmp.Or(e.OperationDisplay, e.Operation))
		at := slices.IndexFunc(all, func(d *doing) bool { return strings.EqualFold(d.name, name) })
		if at < 0 {
			at, all = len(all), append(all, &doing{name: name, resources: map[string]string{}})
		}
		key := alert.LifecycleKey(*e)
		if _, known := all[at].resources[key]; !known {
			all[at].n++
			all[at].resources[key] = e.ResourceName
		}
	}
	slices.SortFunc(all, func(x, y *doing) int { return cmp.Or(cmp.Compare(y.n, x.n), cmp.Compare(x.name, y.name)) })
	var texts []string
	for _, d := range all {
		text := d.name
		for _, resource := range d.resources {
			if d.n == 1 && resource != "" {
				text += " on " + enrich.Shown("", resource)
			}
		}
		if d.n > 1 {
			text = fmt.Sprintf("%d × %s", d.n, text)
		}
		texts = append(texts, text)
	}
	return enrich.AndMore(texts, most, ", ")
}

// shortOperation is the last type and the verb: "roleAssignments/write" of an ARM operation, else what it is.
func shortOperation(operation string) string {
	parts := strings.Split(operation, "/")
	if len(parts) < 3 {
		return operation
	}
	return strings.Join(parts[len(parts)-2:], "/")
}
