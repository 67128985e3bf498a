package settings

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/calendar"
)

// Quiet is a time that comes back: alerts less severe than Below are held, and shown when it ends: in one summary, or by
// themselves when they are high or critical.
type Quiet struct {
	Name     string     `yaml:"name"`
	Days     []string   `yaml:"days"` // mon … sun, the day on which it begins; empty: every day
	From     string     `yaml:"from"` // 22:00
	To       string     `yaml:"to"`   // 07:00, the next day when it is not later than From
	TimeZone string     `yaml:"time_zone"`
	Below    string     `yaml:"below"` // this severity and graver ones are told all the same; empty: high
	Match    RouteMatch `yaml:"match"`

	zone     *time.Location
	from, to time.Duration
}

// Maintenance is a window that comes once, with quiet time's effect on what it matches.
type Maintenance struct {
	Name  string     `yaml:"name"`
	From  time.Time  `yaml:"from"`
	To    time.Time  `yaml:"to"`
	Below string     `yaml:"below"` // empty: critical
	Match RouteMatch `yaml:"match"`
}

// Ends returns when the quiet time that now lies in is over; ok is false outside of it.
func (q *Quiet) Ends(now time.Time) (end time.Time, ok bool) {
	today := calendar.DayOf(now, q.zone).Date
	for _, day := range []calendar.Date{today, today.Add(0, 0, -1)} { // it may have begun yesterday
		last := day
		if q.to <= q.from {
			last = day.Add(0, 0, 1)
		}
		end := last.At(q.to, q.zone)
		if q.on(day.Weekday()) && !now.Before(day.At(q.from, q.zone)) && now.Before(end) {
			return end.UTC(), true
		}
	}
	return time.Time{}, false
}

func (q *Quiet) on(day time.Weekday) bool {
	return len(q.Days) == 0 || slices.ContainsFunc(q.Days, func(d string) bool { return Like(d, day.String()[:3]) })
}

// Ends returns when the window is over; ok is false outside of it.
func (m *Maintenance) Ends(now time.Time) (end time.Time, ok bool) {
	return m.To.UTC(), !now.Before(m.From) && now.Before(m.To)
}

// checkQuiet completes quiet times and windows and reports what is wrong with them.
func (d *document) checkQuiet(c *Config, names Names) {
	for i := range c.Quiet {
		q, path := &c.Quiet[i], index("quiet", i)
		var err error
		if q.zone, err = time.LoadLocation(q.TimeZone); err != nil {
			d.problem(join(path, "time_zone"), fmt.Sprintf("time_zone %q is unknown", q.TimeZone), "an IANA name such as Europe/Berlin")
			q.zone = time.UTC
		}
		q.from, q.to = d.clock(path, "from", q.From), d.clock(path, "to", q.To)
		d.checkWords(q.Days, join(path, "days"), days)
		d.checkHold(hold{q.Name, q.Below, q.Match}, path, names)
	}
	for i, m := range c.Maintenance {
		path := index("maintenance", i)
		if !m.To.After(m.From) {
			d.problem(join(path, "to"), "ends before it begins", "times such as 2026-12-01T22:00:00+01:00")
		}
		d.checkHold(hold{m.Name, m.Below, m.Match}, path, names)
	}
}

var days = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// hold is what quiet times and maintenance windows have in common.
type hold struct {
	name, below string
	match       RouteMatch
}

func (d *document) checkHold(h hold, path string, names Names) {
	if h.name == "" {
		d.problem(join(path, "name"), "has no name", "readers see it in the summary")
	}
	if h.below != "" && !slices.Contains(severities, h.below) {
		d.problem(join(path, "below"), fmt.Sprintf("severity %q is unknown", h.below), "one of "+strings.Join(severities, ", "))
	}
	d.checkMatch(h.match, join(path, "match"), names)
}

func (d *document) clock(path, name, text string) time.Duration {
	t, err := time.Parse("15:04", text)
	if err != nil {
		d.problem(join(path, name), fmt.Sprintf("%s %q is no time of day", name, text), `hours and minutes in quotes, such as "22:00"`)
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}
