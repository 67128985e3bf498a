package pipeline_test

import (
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/pipeline"
)

func TestCanaryDay(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why      string
		zone     *time.Location
		at       time.Duration
		now      string
		day, due string
	}{
		{"no zone is UTC", nil, 9 * time.Hour, "2026-11-22T08:00:00Z", "2026-11-22", "2026-11-22T09:00:00Z"},
		{"the day is that of the zone", berlin, 9 * time.Hour, "2026-11-21T23:30:00Z", "2026-11-22", "2026-11-22T08:00:00Z"},
		{"summer time", berlin, 9 * time.Hour, "2026-07-01T12:00:00Z", "2026-07-01", "2026-07-01T07:00:00Z"},
		{"the clock on the wall counts on a day of 23 hours", berlin, 9 * time.Hour, "2026-03-29T12:00:00Z", "2026-03-29", "2026-03-29T07:00:00Z"},
		{"and on one of 25", berlin, 9 * time.Hour, "2026-10-25T12:00:00Z", "2026-10-25", "2026-10-25T08:00:00Z"},
		{"midnight", berlin, 0, "2026-11-22T12:00:00Z", "2026-11-22", "2026-11-21T23:00:00Z"},
		{"the last minute", berlin, 23*time.Hour + 59*time.Minute, "2026-11-22T12:00:00Z", "2026-11-22", "2026-11-22T22:59:00Z"},
	} {
		canary, err := pipeline.NewCanary(c.at, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		now, _ := time.Parse(time.RFC3339, c.now)
		if day, due := canary.Day(now); day != c.day || due.Format(time.RFC3339) != c.due {
			t.Errorf("%s: %s, due %s; want %s, %s", c.why, day, due.Format(time.RFC3339), c.day, c.due)
		}
	}
}
