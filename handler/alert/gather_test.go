package alert_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// gathered is the finding of an act, for a destination that gets it in a summary an hour after noon and one that gets it at once.
func gathered(id, severity string, first time.Duration) alert.Finding {
	f := finding(event(id, activity.Succeeded, 0))
	f.Event.CorrelationID = id
	f.Rule.Severity, f.To = severity, []string{"slack", "teams"}
	f.Gather = map[string]alert.Gather{"slack": {Hold: alert.Hold{Name: "the hourly summary", Until: noon.Add(time.Hour)}, FirstAlone: first}}
	return f
}

func TestWhatARouteGathers(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	for _, c := range []struct {
		name, severity string
		first          time.Duration
		ago            time.Duration // since the alert before it in its group took in no more; 0: there was none
		quiet          time.Duration // a quiet time ends so long after noon
		want           string
	}{
		{"gathered", "low", 0, 0, 0, "the hourly summary"},
		{"grave", "high", 0, 0, 0, ""},
		{"critical and a repetition", "critical", week, time.Hour, 0, ""},
		{"the first ever", "medium", week, 0, 0, ""},
		{"the first in a week", "medium", week, week, 0, ""},
		{"a repetition", "medium", week, week - time.Second, 0, "the hourly summary"},
		{"a quiet time that ends later", "low", 0, 0, 2 * time.Hour, "the night"},
		{"a quiet time that ends sooner", "low", 0, 0, time.Minute, "the hourly summary"},
		{"the first, in a quiet time", "medium", week, 0, time.Minute, "the night"},
	} {
		f := gathered("e1", c.severity, c.first)
		if c.quiet > 0 {
			f.Hold = alert.Hold{Name: "the night", Until: noon.Add(c.quiet)}
		}
		var s alert.State
		if c.ago > 0 {
			s.Head = alert.Head{Alert: "alert-before", Ends: noon.Add(-c.ago)}
		}
		r, _ := alert.Decide(s, f, noon)
		d := r.Alert.Deliveries["slack"]
		if d.Held != c.want || (d.Held == "") != d.Due.Equal(noon) || !d.HeldUntil.Equal(d.Due) && d.Held != "" {
			t.Errorf("%s: held by %q until %s, due %s; want %q", c.name, d.Held, d.HeldUntil, d.Due, c.want)
		}
		if other := r.Alert.Deliveries["teams"]; c.quiet == 0 && other.Held != "" {
			t.Errorf("%s: a destination of which no route gathers waits for %q", c.name, other.Held)
		}
	}
}

// A severity that rises leaves a summary at once, whether or not the next severity would be gathered too.
func TestWhatRisesLeavesItsSummary(t *testing.T) {
	t.Parallel()
	for _, severity := range []string{"medium", "high"} {
		var m alert.Memory
		start, graver := gathered("e1", "low", 0), gathered("e2", severity, 0)
		start.Event.Outcome, graver.Rule.ID, graver.Event.CorrelationID = activity.Started, "graver", "e1"
		opened := m.Take(start, noon)
		r := m.Take(graver, noon.Add(time.Minute))
		if r.Opened || r.Alert.ID != opened.Alert.ID {
			t.Fatalf("%s: the end of the act opened another alert", severity)
		}
		if got := fmt.Sprint(r.Alert.DueNames(noon.Add(time.Minute))); got != "[slack teams]" {
			t.Errorf("%s: due are %s, want both", severity, got)
		}
	}
}
