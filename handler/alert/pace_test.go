package alert_test

import (
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

func TestASummaryIsToldAgainSlowlyWhereItCannotBeEdited(t *testing.T) {
	t.Parallel()
	f := finding(event("e1", activity.Started, 0))
	f.Rule.ID = alert.StormRule
	a := alert.New(f, noon)
	a.Sent("slack", 1, alert.Delivery{Channel: "C", Ref: "1.1"}, noon)
	a.Sent("teams", 1, alert.Delivery{Ref: "posted"}, noon)
	f.Event = event("e2", activity.Started, time.Second)
	f.Event.CorrelationID = "other"
	absorb(&a, f, noon.Add(20*time.Second))
	if slack, teams := a.Deliveries["slack"].Due.Sub(noon), a.Deliveries["teams"].Due.Sub(noon); slack != 20*time.Second || teams != 5*time.Minute {
		t.Errorf("slack is due after %v, teams after %v; want 20s and 5m", slack, teams)
	}
}
