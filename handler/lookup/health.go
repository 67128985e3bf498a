package lookup

import (
	"context"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

func isHealth(e *activity.Event) bool {
	return e.Category == activity.ResourceHealth && e.ResourceID != "" && !e.Time.IsZero()
}

// healthBefore is how far before an event of the category Resource Health the resource may have become what it reports: the
// log has such an event minutes later, and a state that lasts is reported after 15 minutes (learn: "Resource Health overview").
const healthBefore = 30 * time.Minute

// health says when the resource became what it is and why, by what Azure notified of it. It is said of the alert that
// the Activity Log's events make, from Activated to Resolved: a notification neither opens one nor ends it.
func (s *Set) health(ctx context.Context, e *activity.Event) (found alert.Learned, err error) {
	all, ru, err := s.past.States(ctx, e.ResourceID, true)
	found.RU = ru
	if err != nil {
		return found, err
	}
	var said []string
	for _, state := range all {
		if text := healthText(state.Health); text != "" && state.Time.After(e.Time.Add(-healthBefore)) {
			said = append(said, text+" at "+second(state.Time))
		}
	}
	switch {
	case len(said) == 0 && s.now().Sub(e.Time.Time) < awaits:
		return found, errNotYet
	case len(said) == 0: // notifications come before the log's event does, where they come at all
		return found, errNothing
	}
	found.Facts = []alert.Fact{{Name: "Health", Value: strings.Join(said, "; ")}}
	return found, nil
}

// healthText is "available → unavailable", or "Rebooted by user (Customer Initiated)".
func healthText(h *activity.Health) string {
	switch {
	case h == nil:
		return ""
	case h.Current != "" && h.Previous != "":
		return h.Previous + " → " + h.Current
	case h.Current != "":
		return h.Current
	case h.Context != "" && h.Reason != "":
		return h.Reason + " (" + h.Context + ")"
	}
	return h.Reason
}
