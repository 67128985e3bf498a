package digest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/calendar"
)

// The dead-man's check: a report without alerts is worth something only if it also says that the monitoring ran. Two
// records say so: a test event that goes the whole way once a day (the canary), and the hours in which Auditbell looked at
// itself (the self-watch).

// Alive is what the store knows of whether Auditbell was there.
type Alive struct {
	Since   time.Time   // the first sign of life that is known; zero: there is none
	Tests   []Test      // those that were sent
	Off     []string    // days (2026-10-31) on which the test was switched off
	Watched []time.Time // hours in which the self-watch ran, each by its beginning
}

// Test is the daily test of one day, by its date where it is scheduled.
type Test struct {
	Day        string
	Due, Sent  time.Time
	Deliveries []TestDelivery
	Deadline   time.Duration // how long a delivery may take
}

// TestDelivery is how far a test came at one destination.
type TestDelivery struct {
	Destination string    `json:"destination"`
	State       State     `json:"state"`
	At          time.Time `json:"at,omitzero"`         // when it was accepted or confirmed
	HeldUntil   time.Time `json:"held_until,omitzero"` // a quiet time held it till then; its seconds count from there
	Seconds     float64   `json:"seconds"`             // from sending to At
	Late        bool      `json:"late,omitempty"`      // beyond the deadline
	Reason      string    `json:"reason,omitempty"`    // why it waits, where that is known
}

// What a day's test came to.
const (
	TestConfirmed = "confirmed" // sent, and confirmed by every destination in time
	TestAccepted  = "accepted"  // in time everywhere; some destination accepts only, and does not confirm
	TestLate      = "late"      // accepted or confirmed everywhere, somewhere too late
	TestLost      = "waiting"   // sent, and some destination has not taken it
	TestMissing   = "missing"   // not sent, and not switched off
	TestOff       = "off"       // switched off
	TestBefore    = "before"    // before the first sign of life
)

// CanaryDays says on which days the test went the whole path.
type CanaryDays struct {
	Known bool `json:"known"` // false: the source has events only
	Days  int  `json:"days"`  // of the period; the seven that follow add up to it

	Confirmed int `json:"confirmed"`
	Accepted  int `json:"accepted"`
	Late      int `json:"late"`
	Lost      int `json:"waiting"`
	Missing   int `json:"missing"`
	Off       int `json:"off"`
	Before    int `json:"before"`

	ToDelivery   Latency     `json:"to_delivery"`
	Destinations []TestEnd   `json:"destinations"`
	List         []CanaryDay `json:"list"`
}

// TestEnd is how one destination was reached by tests.
type TestEnd struct {
	Name       string  `json:"name"`
	Sent       int     `json:"sent"`
	Confirmed  int     `json:"confirmed"`
	Accepted   int     `json:"accepted"`
	ToDelivery Latency `json:"to_delivery"`
}

// CanaryDay is one day of the period.
type CanaryDay struct {
	Date       string         `json:"date"`
	Status     string         `json:"status"`
	Due        time.Time      `json:"due,omitzero"`
	Sent       time.Time      `json:"sent,omitzero"`
	Deliveries []TestDelivery `json:"deliveries,omitempty"`
}

// SelfWatch says in which hours Auditbell looked at itself: at its queue, its feeds, what was unreadable, the daily test.
type SelfWatch struct {
	Known   bool  `json:"known"`
	Hours   int   `json:"hours"` // of the period, from the first sign of life on
	Watched int   `json:"watched"`
	Gaps    []Gap `json:"longest_gaps,omitempty"`
}

// tellAlive makes the dead-man's check of the evidence.
func (r *Report) tellAlive(e *Evidence) {
	c := &r.Completeness
	c.Canary = CanaryDays{Destinations: []TestEnd{}, List: []CanaryDay{}}
	if e == nil || e.Alive == nil || r.Window.From.IsZero() || r.Window.To.IsZero() {
		return
	}
	end := r.Window.To
	if r.GeneratedAt.Before(end) {
		end = r.GeneratedAt
	}
	since := e.Alive.Since
	if since.IsZero() {
		since = r.Window.From // no one was ever there: that is no excuse, it is the finding
	}
	c.Canary = e.Alive.days(r.Window.From.In(r.Zone), end, since.In(r.Zone))
	c.Watch = e.Alive.watch(r.Window.From, end, since)
}

// days judges each day from one moment to the other.
func (a *Alive) days(from, to, since time.Time) CanaryDays {
	d := CanaryDays{Known: true, Destinations: []TestEnd{}, List: []CanaryDay{}}
	tests := map[string]*Test{}
	for i := range a.Tests {
		tests[a.Tests[i].Day] = &a.Tests[i]
	}
	began := calendar.DayOf(since, since.Location()).Date.String()
	var took []time.Duration
	ends := map[string]*testEnd{}
	for day := range calendar.Days(from, to, from.Location()) {
		one := CanaryDay{Date: day.Date.String()}
		switch test := tests[one.Date]; {
		case test != nil:
			one.Due, one.Sent, one.Deliveries = test.Due, test.Sent, test.judged()
			one.Status = statusOf(one.Deliveries)
			took = append(took, gather(ends, one)...)
		case slices.Contains(a.Off, one.Date):
			one.Status = TestOff
		case one.Date <= began && since.After(from):
			one.Status = TestBefore
		case day.To.After(to):
			continue // the day is not over: its test may be still to come
		default:
			one.Status = TestMissing
		}
		d.count(one.Status)
		d.List = append(d.List, one)
	}
	d.ToDelivery = latencyOf(took)
	for _, name := range slices.Sorted(maps.Keys(ends)) {
		ends[name].ToDelivery = latencyOf(ends[name].took)
		d.Destinations = append(d.Destinations, ends[name].TestEnd)
	}
	return d
}

func (d *CanaryDays) count(status string) {
	d.Days++
	switch status {
	case TestConfirmed:
		d.Confirmed++
	case TestAccepted:
		d.Accepted++
	case TestLate:
		d.Late++
	case TestLost:
		d.Lost++
	case TestMissing:
		d.Missing++
	case TestOff:
		d.Off++
	case TestBefore:
		d.Before++
	}
}

// testEnd is a TestEnd being gathered.
type testEnd struct {
	TestEnd
	took []time.Duration
}

// gather adds a day's deliveries to their destinations, and returns how long each took.
func gather(ends map[string]*testEnd, day CanaryDay) (took []time.Duration) {
	for _, x := range day.Deliveries {
		end := ends[x.Destination]
		if end == nil {
			end = &testEnd{TestEnd: TestEnd{Name: x.Destination}}
			ends[x.Destination] = end
		}
		end.Sent++
		switch x.State {
		case Confirmed:
			end.Confirmed++
		case Accepted:
			end.Accepted++
		default:
			continue
		}
		one := time.Duration(x.Seconds * float64(time.Second))
		end.took, took = append(end.took, one), append(took, one)
	}
	return took
}

// judged says of each delivery how long it took, and whether that was too long.
func (t *Test) judged() []TestDelivery {
	all := slices.Clone(t.Deliveries)
	for i := range all {
		x := &all[i]
		if x.State == Waiting {
			continue
		}
		start := t.Sent
		if x.HeldUntil.After(start) {
			start = x.HeldUntil
		}
		took := max(x.At.Sub(start), 0)
		x.Seconds, x.Late = took.Seconds(), took > t.Deadline
	}
	slices.SortFunc(all, func(a, b TestDelivery) int { return cmp.Compare(a.Destination, b.Destination) })
	return all
}

func statusOf(all []TestDelivery) string {
	any := func(is func(TestDelivery) bool) bool { return slices.ContainsFunc(all, is) }
	switch {
	case len(all) == 0, any(func(x TestDelivery) bool { return x.State == Waiting }):
		return TestLost
	case any(func(x TestDelivery) bool { return x.Late }):
		return TestLate
	case any(func(x TestDelivery) bool { return x.State != Confirmed }):
		return TestAccepted
	}
	return TestConfirmed
}

// watch finds the hours in which the self-watch did not run. The hour of the first sign of life need not be whole.
func (a *Alive) watch(from, to, since time.Time) SelfWatch {
	w := SelfWatch{Known: true}
	first, end := max(hourOf(from), hourOf(since)), hourOf(to)
	var seen []int64
	for _, hour := range a.Watched {
		if at := hourOf(hour); first <= at && at < end {
			seen = append(seen, at)
		}
	}
	slices.Sort(seen)
	seen = slices.Compact(seen)
	w.Hours, w.Watched = int(max(end-first, 0)), len(seen)
	w.Gaps = gapsBetween(seen, first, end)
	return w
}
