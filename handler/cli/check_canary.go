package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
)

const (
	canaryOverdue = 26 * time.Hour // a day, and two hours for a function that had to try again
	canaryBack    = 8              // days in which the last test is looked for
)

// aliveCheck says whether Auditbell has lately proven to itself that it works.
func aliveCheck(ctx context.Context, a *app.App) []checkLine {
	return append(canaryCheck(ctx, a), watchCheck(ctx, a))
}

// canaryCheck says when the last daily test was sent, and how far it came at each destination.
func canaryCheck(ctx context.Context, a *app.App) []checkLine {
	const name = "canary"
	c := a.Pipeline.Canary
	if c.Off {
		return []checkLine{{name, true, "switched off (CANARY_AT=off): nothing proves the way on quiet days"}}
	}
	now := a.Store.Now()
	last, err := lastCanary(ctx, a, now)
	switch {
	case errors.Is(err, alert.ErrUnknown):
		return []checkLine{noCanary(ctx, a, now)}
	case err != nil:
		return []checkLine{{name, false, err.Error()}}
	}
	sent := "sent " + last.Opened.UTC().Format(time.RFC3339)
	lines := []checkLine{{name, true, sent}}
	if age := now.Sub(last.Opened); age > canaryOverdue {
		lines[0] = checkLine{name, false, fmt.Sprintf("overdue: the last one was %s, %.0f h ago (hint: see whether the function canary runs, and what it logs)", sent, age.Hours())}
	}
	if len(last.Deliveries) == 0 {
		lines = append(lines, checkLine{name, false, "its route leads to no destination (hint: route the rule " + alert.CanaryRule + " to the ones that it shall prove)"})
	}
	for _, to := range slices.Sorted(maps.Keys(last.Deliveries)) {
		ok, detail := canaryAt(&last, last.Deliveries[to], now)
		lines = append(lines, checkLine{name, ok, to + ": " + detail})
	}
	untested := slices.DeleteFunc(app.Names(a.Destinations), func(to string) bool { _, tested := last.Deliveries[to]; return tested })
	if len(untested) > 0 {
		lines = append(lines, checkLine{name, true, "not tested: " + strings.Join(untested, ", ") + "; the route of " + alert.CanaryRule + " does not name it"})
	}
	return lines
}

// lastCanary finds the newest test. The error is alert.ErrUnknown when there was none for a week.
func lastCanary(ctx context.Context, a *app.App, now time.Time) (alert.Alert, error) {
	today, _ := a.Pipeline.Canary.Day(now)
	date, err := time.Parse(time.DateOnly, today)
	if err != nil {
		return alert.Alert{}, err
	}
	for back := range canaryBack {
		one, err := a.Store.Alert(ctx, pipeline.CanaryRef(date.AddDate(0, 0, -back).Format(time.DateOnly)))
		if !errors.Is(err, alert.ErrUnknown) {
			return one, err
		}
	}
	return alert.Alert{}, alert.ErrUnknown
}

// noCanary distinguishes an app that is new from one whose test is dead.
func noCanary(ctx context.Context, a *app.App, now time.Time) checkLine {
	old, err := a.Store.WatchedBefore(ctx, now.Add(-canaryOverdue))
	switch {
	case err != nil:
		return checkLine{"canary", false, err.Error()}
	case old:
		return checkLine{"canary", false, fmt.Sprintf("overdue: none was sent within %d days (hint: see whether the function canary runs, and what it logs)", canaryBack)}
	}
	_, due := a.Pipeline.Canary.Day(now)
	return checkLine{"canary", true, "none was sent yet; today's is due at " + due.Format(time.RFC3339)}
}

// canaryAt says how far a test came at one destination, and whether that is as it should be.
func canaryAt(a *alert.Alert, d alert.Delivery, now time.Time) (ok bool, detail string) {
	start := pipeline.CanaryStart(a, d)
	switch {
	case d.Parked():
		return false, "waits until the destination takes messages: " + d.Reason
	case d.Revision > 0 && d.At.Sub(start) > pipeline.CanaryDeadline:
		return true, fmt.Sprintf("%s late, after %.0f min", stateOf(d), d.At.Sub(start).Minutes())
	case d.Revision > 0:
		return true, fmt.Sprintf("%s after %.1f s", stateOf(d), d.At.Sub(start).Seconds())
	case start.After(now):
		return true, fmt.Sprintf("held until %s (%s)", start.Format(time.RFC3339), d.Held)
	case now.Sub(start) <= pipeline.CanaryDeadline:
		return true, "on its way"
	}
	return false, strings.TrimSuffix(fmt.Sprintf("not taken for %.0f min: %s", now.Sub(start).Minutes(), d.Reason), ": ")
}

// stateOf is what is known of a message that a destination took.
func stateOf(d alert.Delivery) string {
	if !d.Unconfirmed.IsZero() {
		return "unconfirmed"
	}
	return cmp.Or(d.State, string(notify.Accepted))
}

// watchCheck says whether the self-watch runs.
func watchCheck(ctx context.Context, a *app.App) checkLine {
	const name, week = "self-watch", 7 * 24 * time.Hour
	now := a.Store.Now()
	hours, err := a.Store.Watched(ctx, now.Add(-week), now)
	ever := len(hours) > 0
	if !ever && err == nil {
		ever, err = a.Store.WatchedBefore(ctx, now)
	}
	switch {
	case err != nil:
		return checkLine{name, false, err.Error()}
	case !ever:
		return checkLine{name, true, "has not run yet; the function deliver runs it"}
	case len(hours) == 0:
		return checkLine{name, false, "has not run for a week (hint: see whether the function deliver runs, and what it logs)"}
	}
	last := hours[len(hours)-1]
	if now.Sub(last) > 2*time.Hour {
		return checkLine{name, false, fmt.Sprintf("has not run since the hour of %s (hint: see whether the function deliver runs, and what it logs)", last.Format(time.RFC3339))}
	}
	return checkLine{name, true, fmt.Sprintf("ran within the hour of %s", last.Format(time.RFC3339))}
}
