package settings

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/calendar/zonetest"
)

// TestPeriodsPartitionTime walks the periods around every change of clocks of every zone, and some others: they follow one
// another without a gap, and each key comes once. With AUDITBELL_ZONES=all it walks all of them (make zones).
func TestPeriodsPartitionTime(t *testing.T) {
	t.Parallel()
	all := os.Getenv("AUDITBELL_ZONES") == "all"
	rng := rand.New(rand.NewPCG(11, 7)) //nolint:gosec // a sample that is the same each time
	first, last := time.Unix(0, 0), time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, zone := range zonetest.Zones(t) {
		for _, period := range digestPeriods {
			d := &Digest{Period: period, zone: zone}
			if all {
				walkPeriods(t, d, first, last)
				continue
			}
			for _, change := range zonetest.Changes(zone) {
				walkPeriods(t, d, change.Add(-72*time.Hour), change.Add(72*time.Hour))
			}
			for range 5 {
				at := first.Add(time.Duration(rng.Int64N(int64(last.Sub(first)))))
				walkPeriods(t, d, at, at.Add(time.Hour))
			}
		}
	}
}

func walkPeriods(t *testing.T, d *Digest, from, to time.Time) {
	t.Helper()
	for at := to.Add(-1); !at.Before(from); {
		span := d.holding(at)
		if at.Before(span.From) || !at.Before(span.To) {
			t.Fatalf("%s in %s: %s is not in %s, %s to %s", d.Period, d.zone, at, span.Key, span.From, span.To)
		}
		before := d.Before(span)
		if !before.To.Equal(span.From) || before.Key >= span.Key || d.Due(at) != before || d.holding(span.From) != span {
			t.Fatalf("%s in %s: before %s (from %s) is %s, which ends %s", d.Period, d.zone, span.Key, span.From, before.Key, before.To)
		}
		at = span.From.Add(-1)
	}
}

// TestQuietTimesEnd asks of every zone around every change of its clocks: a quiet time that holds ends later, and clocks
// show its end then unless they change.
func TestQuietTimesEnd(t *testing.T) {
	t.Parallel()
	clock := func(h, m int) time.Duration { return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute }
	for _, zone := range zonetest.Zones(t) {
		for _, q := range []Quiet{{from: clock(22, 0), to: clock(7, 0), zone: zone}, {from: clock(23, 30), to: clock(0, 30), zone: zone}} {
			for _, change := range zonetest.Changes(zone) {
				for _, hours := range []int{-72, -1, 0, 1} {
					at := change.Add(time.Duration(hours) * time.Hour)
					end, ok := q.Ends(at)
					if ok && (!end.After(at) || end.Sub(at) > 26*time.Hour) {
						t.Errorf("%s: the quiet time from %s to %s that holds at %s ends at %s", zone, q.from, q.to, at, end)
					}
				}
			}
		}
	}
}
