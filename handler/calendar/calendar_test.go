package calendar_test

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/calendar"
	"github.com/auditbell/auditbell/handler/calendar/zonetest"
)

var (
	first = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	last  = time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)
)

// TestDaysPartitionTime walks the days around every change of clocks of every zone, and some others. With
// AUDITBELL_ZONES=all it walks every day (make zones).
func TestDaysPartitionTime(t *testing.T) {
	t.Parallel()
	all := os.Getenv("AUDITBELL_ZONES") == "all"
	rng := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a sample that is the same each time
	walked := 0
	for _, zone := range zonetest.Zones(t) {
		if all {
			walked += walk(t, first, last, zone)
			continue
		}
		for _, change := range zonetest.Changes(zone) {
			walked += walk(t, change.Add(-72*time.Hour), change.Add(72*time.Hour), zone)
		}
		for range 20 {
			from := first.Add(time.Duration(rng.Int64N(int64(last.Sub(first)))))
			walked += walk(t, from, from.Add(72*time.Hour), zone)
		}
	}
	t.Logf("%d days", walked)
}

// walk checks that the days of a span follow one another without a gap, that each begins when clocks first show its date,
// and that no date comes twice. It returns how many they are.
func walk(t *testing.T, from, to time.Time, zone *time.Location) (n int) {
	t.Helper()
	var before calendar.Day
	for day := range calendar.Days(from, to, zone) {
		if n++; n > 30_000 {
			t.Fatalf("%s: the days do not end", zone)
		}
		if !day.From.Before(day.To) || day.To.Sub(day.From) > 49*time.Hour {
			t.Fatalf("%s: %s lasts from %s to %s", zone, day.Date, day.From, day.To)
		}
		if shown := calendar.DateOf(day.From.In(zone)).String(); shown < day.Date.String() {
			t.Errorf("%s: %s begins at %s", zone, day.Date, day.From)
		}
		if shown := calendar.DateOf(day.From.Add(-time.Nanosecond).In(zone)).String(); shown >= day.Date.String() {
			t.Errorf("%s: clocks show %s before %s begins", zone, shown, day.Date)
		}
		if n > 1 && (!before.To.Equal(day.From) || before.Date.String() >= day.Date.String()) {
			t.Errorf("%s: %s ends at %s, and %s begins at %s", zone, before.Date, before.To, day.Date, day.From)
		}
		for _, at := range []time.Time{day.From, day.To.Add(-time.Nanosecond)} {
			if got := calendar.DayOf(at, zone); got != day {
				t.Errorf("%s: %s is of %s, want %s", zone, at, got.Date, day.Date)
			}
		}
		before = day
	}
	if before.To.Before(to) {
		t.Errorf("%s: the days end at %s, before %s", zone, before.To, to)
	}
	return n
}

func TestClocksThatChangeAtMidnight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, date, from, to string
	}{
		{"America/Santiago", "2026-09-06", "2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"},     // 23 hours, without midnight
		{"America/Santiago", "2026-04-04", "2026-04-04T00:00:00-03:00", "2026-04-05T00:00:00-04:00"},     // 25 hours
		{"America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00", "2026-03-09T00:00:00-04:00"},       // without midnight
		{"Atlantic/Azores", "2026-03-29", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"},                // without midnight
		{"Pacific/Apia", "2011-12-29", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"},         // the 30th was skipped
		{"America/St_Johns", "2006-10-29", "2006-10-29T00:00:00-02:30", "2006-10-30T00:00:00-03:30"},     // put back at one minute past midnight
		{"Europe/Berlin", "2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"},        // 25 hours
		{"America/Asuncion", "2024-10-06", "2024-10-06T01:00:00-03:00", "2024-10-07T00:00:00-03:00"},     // without midnight
		{"Africa/Cairo", "2026-04-24", "2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"},         // without midnight
		{"Asia/Beirut", "2026-10-24", "2026-10-24T00:00:00+03:00", "2026-10-25T00:00:00+02:00"},          // midnight comes twice
		{"America/Scoresbysund", "2026-03-28", "2026-03-28T00:00:00-02:00", "2026-03-29T00:00:00-01:00"}, // put forward an hour before midnight
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		date, err := calendar.Parse(c.date)
		if err != nil {
			t.Fatal(err)
		}
		day := calendar.DayOf(date.At(12*time.Hour, zone), zone)
		if got := day.From.Format(time.RFC3339); day.Date != date || got != c.from {
			t.Errorf("%s: %s begins at %s, want %s", c.zone, day.Date, got, c.from)
		}
		if got := day.To.Format(time.RFC3339); got != c.to {
			t.Errorf("%s: %s ends at %s, want %s", c.zone, c.date, got, c.to)
		}
	}
}

func TestAt(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for date, want := range map[string]string{
		"2026-03-29": "2026-03-29T03:00:00+02:00", // 02:30 does not come
		"2026-10-25": "2026-10-25T02:30:00+02:00", // it comes twice
		"2026-06-01": "2026-06-01T02:30:00+02:00",
	} {
		d, err := calendar.Parse(date)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.At(150*time.Minute, berlin).Format(time.RFC3339); got != want {
			t.Errorf("half past two on %s is %s, want %s", date, got, want)
		}
	}
}
