package digest_test

import (
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/calendar"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/source"
)

// TestDaysWhereClocksChangeAtMidnight: each date of the month once, and each entry on one of them.
func TestDaysWhereClocksChangeAtMidnight(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]calendar.Date{
		"America/Santiago": {Year: 2026, Month: time.September, Day: 1}, "Atlantic/Azores": {Year: 2026, Month: time.March, Day: 1},
		"America/Havana": {Year: 2026, Month: time.March, Day: 1}, "America/Asuncion": {Year: 2024, Month: time.October, Day: 1},
		"Africa/Cairo": {Year: 2026, Month: time.April, Day: 1}, "Asia/Beirut": {Year: 2026, Month: time.March, Day: 1},
	} {
		zone := mustZone(name)
		w := source.Window{From: first.Start(zone), To: first.Add(0, 1, 0).Start(zone)}
		records := digesttest.All(digesttest.Options{Seed: 3, Operations: 400, From: w.From.UTC(), To: w.To.UTC()})
		r := digest.Build(mustTally(w, source.Files{Inputs: inputs(file("a", text(records, digesttest.AppendREST)))}), digest.Subject{Zone: zone, Now: w.To})
		sum, dates := int64(0), map[string]bool{}
		for _, day := range r.Activity.Days {
			sum += day.Total
			dates[day.Date] = true
		}
		want := first.Add(0, 1, -1).Day
		if sum != r.Summary.Total || len(r.Activity.Days) != want || len(dates) != want {
			t.Errorf("%s: %d entries on %d days with %d dates, want %d on %d", name, sum, len(r.Activity.Days), len(dates), r.Summary.Total, want)
		}
	}
}

// TestOneEventFarAwayIsNotWaitedFor: who writes an event chooses its time, and a report of all there is goes from the first
// to the last. What is farther away than rows can keep is another test's: TestFarTimesStopNoReport.
func TestOneEventFarAwayIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	lines := ""
	for _, at := range []string{"1678-01-02T00:00:00Z", "2261-12-30T00:00:00Z"} {
		lines += `{"eventDataId":"` + at + `","eventTimestamp":"` + at + `","operationName":{"value":"Microsoft.Compute/virtualMachines/delete"},"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"subscriptionId":"s"}` + "\n"
	}
	r := digest.Build(mustTally(source.Window{}, source.Files{Inputs: inputs(file("a", lines))}), digest.Subject{Zone: mustZone("America/Santiago")})
	if len(r.Activity.Days) != 0 || r.Completeness.Hours < 5_000_000 || r.Summary.Total != 2 {
		t.Errorf("%d days, %d hours, %d entries", len(r.Activity.Days), r.Completeness.Hours, r.Summary.Total)
	}
}

// TestHoursToComeAreNotSilent counts the hours of a month before it begins, while it runs, and when it is over: what is still to
// come is neither with entries nor without.
func TestHoursToComeAreNotSilent(t *testing.T) {
	t.Parallel()
	entry := `{"eventDataId":"e","eventTimestamp":"2026-10-03T10:20:00Z","operationName":{"value":"a/b/write"},"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"subscriptionId":"s"}` + "\n"
	for _, c := range []struct {
		now           time.Time
		lines         string
		hours, silent int
	}{
		{october.From.AddDate(0, -1, 0), "", 0, 0},
		{october.From, "", 0, 0},
		{october.From.Add(12*time.Hour + time.Minute), "", 13, 13},
		{october.From.Add(12 * time.Hour), entry, 59, 58}, // the entry's hour has begun, whatever the clock says
		{october.To, entry, 744, 743},
		{time.Time{}, entry, 744, 743},
	} {
		r := digest.Build(mustTally(october, source.Files{Inputs: inputs(file("a", c.lines))}), digest.Subject{Now: c.now})
		if got := r.Completeness; got.Hours != c.hours || got.Silent != c.silent {
			t.Errorf("made at %s: %d hours, %d without entries, want %d and %d", c.now, got.Hours, got.Silent, c.hours, c.silent)
		}
	}
}
