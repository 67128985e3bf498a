package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/outbox"
)

// outboxCheck says of each destination whether it takes messages, what it is owed, and what is not confirmed.
func outboxCheck(ctx context.Context, a *app.App) []checkLine {
	healths, err := a.Store.Healths(ctx)
	if err != nil {
		return []checkLine{{"deliveries", false, err.Error()}}
	}
	slices.SortFunc(healths, func(x, y outbox.Health) int { return strings.Compare(x.Name, y.Name) })
	var lines []checkLine
	for _, h := range healths {
		waiting, err := a.Store.CountWaiting(ctx, h.Name)
		if err != nil {
			return append(lines, checkLine{"deliveries", false, err.Error()})
		}
		_, configured := a.Destinations[h.Name]
		lines = append(lines, healthLines(h, waiting, configured, a.Now())...)
	}
	return lines
}

func healthLines(h outbox.Health, waiting int, configured bool, now time.Time) (lines []checkLine) {
	add := func(ok bool, format string, args ...any) {
		lines = append(lines, checkLine{"deliveries", ok, h.Name + ": " + fmt.Sprintf(format, args...)})
	}
	switch {
	case !configured && waiting > 0:
		add(false, "is not in the settings any more and is owed %d alerts (hint: set it again, or handler deliver --discard)", waiting)
	case h.IsUnwell():
		add(false, "takes no messages since %s; %d alerts wait: %s", h.Unwell.Format(time.RFC3339), waiting, h.Reason)
	case waiting > 0:
		add(true, "takes messages again; %d alerts are still to come", waiting)
	}
	if held := h.Held(now); held > 0 {
		add(true, "asked to wait until %s", h.Hold.Format(time.RFC3339))
	}
	if u := h.Unconfirmed; u.Count > 0 {
		add(false, "%d messages since %s are unconfirmed: %s (%s)", u.Count, u.Since.Format(time.RFC3339), strings.Join(u.Alerts, "; "), u.Reason)
	}
	if h.Reduced > 0 {
		add(true, "%d messages were refused in full and sent with less in them", h.Reduced)
	}
	if n := len(h.Discarded); n > 0 {
		add(true, "%d deliveries were discarded, the last on %s", n, h.Discarded[n-1].At.Format(time.RFC3339))
	}
	return lines
}
