package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/settings"
)

type checkCmd struct {
	Format string `enum:"auto,table,json" default:"auto" help:"auto, table or json."`
	Limit  int    `default:"1000" help:"How many parked items and waiting deliveries to read."`
}

// finding of a check; OK is false when a person has to do something.
type checkLine struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func (c *checkCmd) run(ctx context.Context, std Surroundings) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	lines := c.check(ctx, std)
	if asJSON(c.Format, std) {
		if err := writeJSON(std.Out, lines); err != nil {
			return err
		}
	} else {
		printLines(std.Out, lines)
	}
	if slices.ContainsFunc(lines, func(l checkLine) bool { return !l.OK }) {
		return errNo
	}
	return nil
}

func (c *checkCmd) check(ctx context.Context, std Surroundings) []checkLine {
	a, err := app.Open(newWorld(std))
	if err != nil {
		return problemLines(err)
	}
	lines := []checkLine{{"settings", true, "complete"}}
	for _, warning := range a.Warnings {
		lines = append(lines, checkLine{"settings", true, "warning: " + warning.Error()})
	}
	lines = append(lines, rulesCheck(a)...)
	for _, left := range a.Unexcepted {
		lines = append(lines, checkLine{"exception left out", false, left.Place + ": " + left.Reason})
	}
	lines = append(lines,
		checkLine{"destinations", true, strings.Join(app.Names(a.Destinations), ", ")})
	lines = append(lines, routesCheck(a)...)
	lines = append(lines, coverageCheck(a)...)
	lines = append(lines, hubCheck(a)...)
	lines = append(lines, webhookCheck(ctx, a.Webhook)...)
	lines = append(lines, geoCheck(settings.New(std.Env))...)
	if err := a.Store.Check(ctx); err != nil {
		for _, problem := range strings.Split(err.Error(), "\n") {
			lines = append(lines, checkLine{"store", false, problem})
		}
		return lines
	}
	lines = append(lines, checkLine{"store", true, "answers"})
	lines = append(lines, aliveCheck(ctx, a)...)
	lines = append(lines, lookupCheck(ctx, a.Lookups)...)
	lines = append(lines, reconcileCheck(ctx, a)...)
	lines = append(lines, pollCheck(ctx, a)...)
	lines = append(lines, outboxCheck(ctx, a)...)
	lines = append(lines, digestCheck(ctx, a)...)
	parked, err := a.Store.ListParked(ctx, c.Limit)
	lines = append(lines, listed("parked", parkedLines(parked, c.Limit), err)...)
	all, err := a.Exceptions.All(ctx)
	lines = append(lines, exceptionCheck(all, err, a.Now())...)
	stuck, err := a.Store.Stuck(ctx, c.Limit)
	return append(lines, listed("waiting deliveries", stuckLines(stuck), err)...)
}

// problemLines is one line for each thing that is wrong with the configuration.
func problemLines(err error) []checkLine {
	var lines []checkLine
	for _, problem := range strings.Split(err.Error(), "\n") {
		lines = append(lines, checkLine{"settings", false, problem})
	}
	return lines
}

func listed(check string, lines []checkLine, err error) []checkLine {
	if err != nil {
		return []checkLine{{check, false, err.Error()}}
	}
	if len(lines) == 0 {
		return []checkLine{{check, true, "none"}}
	}
	return lines
}

// exceptionCheck counts exceptions, when there are any. None of them is a fault: an expired one has said so itself.
func exceptionCheck(all []exception.Exception, err error, now time.Time) []checkLine {
	if err != nil {
		return []checkLine{{"exceptions", false, err.Error()}}
	}
	if len(all) == 0 {
		return nil
	}
	active := 0
	for i := range all {
		if all[i].Active(now) {
			active++
		}
	}
	return []checkLine{{"exceptions", true, fmt.Sprintf("%d active, %d expired; handler rules list --exceptions shows them", active, len(all)-active)}}
}

// parkedLines counts known signals in one line each and lists what was unreadable. Another Azure signal on our
// endpoint is no fault; something unreadable is.
func parkedLines(parked []activity.Parked, limit int) []checkLine {
	slices.SortFunc(parked, func(a, b activity.Parked) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	counts := map[string]int{}
	var lines []checkLine
	for _, p := range parked {
		counts[p.Signal]++
		if p.Signal == "invalid" || p.Signal == reconcile.Unstored {
			detail := fmt.Sprintf("%s %s: %s (%d bytes, %s)", p.At.Format(time.RFC3339), p.Function, p.Reason, p.Size, p.ID)
			lines = append(lines, checkLine{"parked", false, detail})
		}
	}
	for _, signal := range slices.Sorted(maps.Keys(counts)) {
		lines = append(lines, checkLine{"parked", signal != "invalid" && signal != reconcile.Unstored, fmt.Sprintf("%d × %s", counts[signal], signal)})
	}
	if len(parked) == limit {
		lines = append(lines, checkLine{"parked", true, "there are more; raise --limit"})
	}
	return lines
}

func stuckLines(alerts []alert.Alert) []checkLine {
	var lines []checkLine
	for _, a := range alerts {
		if a.Rule.ID == alert.CanaryRule {
			continue // the newest one has a line of its own; an older one proves nothing any more
		}
		for _, name := range slices.Sorted(maps.Keys(a.Deliveries)) {
			if d := a.Deliveries[name]; d.Parked() {
				detail := fmt.Sprintf("%s %s → %s: %s", d.ParkedAt.Format(time.RFC3339), a.Rule.Title, name, d.Reason)
				lines = append(lines, checkLine{"waiting deliveries", false, detail})
			}
		}
	}
	return lines
}

func printLines(w io.Writer, lines []checkLine) {
	for _, l := range lines {
		word := "ok   "
		if !l.OK {
			word = "WRONG"
		}
		fmt.Fprintf(w, "%s  %-16s  %s\n", word, l.Check, l.Detail)
	}
}
