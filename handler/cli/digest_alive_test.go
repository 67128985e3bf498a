package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/source"
)

// TestDigestTellsWhoWatched lives through two days without any event: the timers tick through the first, and die in the
// evening of the second. Nothing was logged, and both digests say what that is worth.
func TestDigestTellsWhoWatched(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.env["CANARY_AT"] = "06:00"
	a, d := o.instance(t)
	day := time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC)
	tick := func(at time.Time) {
		o.clock.Store(at.Unix())
		send(t, a)
		if _, err := a.Deliver(t.Context(), invocation()); err != nil {
			t.Error(err)
		}
	}
	for hour := range 24 {
		tick(day.Add(time.Duration(hour)*time.Hour + 5*time.Minute))
	}
	for hour := range 4 { // dead before the second day's test
		tick(day.AddDate(0, 0, 1).Add(time.Duration(hour)*time.Hour + 5*time.Minute))
	}
	if messages := len(o.inbox.Messages()); messages != 1 {
		t.Errorf("%d messages, want the one test", messages)
	}
	var reports []digest.Completeness
	for back := range 2 {
		at := day.AddDate(0, 0, back+1).Add(7 * time.Hour)
		o.clock.Store(at.Unix())
		if _, err := d.Run(t.Context(), invocation()); err != nil {
			t.Fatal(err)
		}
		reports = append(reports, o.completeness(t, day.AddDate(0, 0, back)))
	}
	first, second := reports[0], reports[1]
	if c := first.Canary; c.Accepted != 1 || c.Days != 1 || len(c.List[0].Deliveries) != 1 || c.List[0].Deliveries[0].Destination != "teams" || first.Watch.Watched != 24 || first.Watch.Hours != 24 {
		t.Errorf("the day that was watched: %+v %+v", first.Canary, first.Watch)
	}
	if c := second.Canary; c.Missing != 1 || second.Watch.Watched != 4 || second.Watch.Hours != 24 || second.Watch.Gaps[0].Hours != 20 {
		t.Errorf("the day that was not: %+v %+v", second.Canary, second.Watch)
	}
}

func (o *office) completeness(t *testing.T, day time.Time) digest.Completeness {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(o.archive, "daily", day.Format(time.DateOnly), "*", "report.json"))
	if len(found) != 1 {
		t.Fatalf("%s: %d reports in the archive", day.Format(time.DateOnly), len(found))
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Summary      digest.Summary      `json:"summary"`
		Completeness digest.Completeness `json:"completeness"`
		Alerts       digest.Alerts       `json:"alerts"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Summary.Total != 0 || r.Summary.UniqueCallers != 0 || r.Alerts.Raised != 0 {
		t.Errorf("the test counts as activity: %+v, %d alerts", r.Summary, r.Alerts.Raised)
	}
	return r.Completeness
}

// TestDigestTellsOffFromMissing switches the test off for a day.
func TestDigestTellsOffFromMissing(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	for i, at := range []string{"06:00", "off", "06:00"} {
		o.env["CANARY_AT"] = at
		a, _ := o.instance(t)
		o.clock.Store(time.Date(2026, 10, 28+i, 6, 30, 0, 0, time.UTC).Unix())
		send(t, a)
		send(t, a)
	}
	october := source.Window{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	alive, err := o.Digests.Record.Alive(t.Context(), october, time.UTC)
	if err != nil || len(alive.Tests) != 2 || len(alive.Off) != 1 || alive.Off[0] != "2026-10-29" || !alive.Since.Equal(time.Date(2026, 10, 28, 6, 30, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", alive, err)
	}
}
