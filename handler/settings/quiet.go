package settings

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Quiet is a time that comes back: alerts less severe than Below are held and told as one summary when it ends.
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
	local := now.In(q.zone)
	for _, daysAgo := range []int{0, 1} { // it may have begun yesterday
		day := local.AddDate(0, 0, -daysAgo)
		begin, end := at(day, q.from), at(day, q.to)
		if q.to <= q.from {
			end = at(day.AddDate(0, 0, 1), q.to)
		}
		if q.on(day.Weekday()) && !local.Before(begin) && local.Before(end) {
			return end.UTC(), true
		}
	}
	return time.Time{}, false
}

// at is the clock time on the day; days with a change of clocks have it too.
func at(day time.Time, clock time.Duration) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), int(clock/time.Hour), int(clock%time.Hour/time.Minute), 0, 0, day.Location())
}

func (q *Quiet) on(day time.Weekday) bool {
	return len(q.Days) == 0 || slices.Contains(q.Days, strings.ToLower(day.String()[:3]))
}

// Ends returns when the window is over; ok is false outside of it.
func (m *Maintenance) Ends(now time.Time) (end time.Time, ok bool) {
	return m.To.UTC(), !now.Before(m.From) && now.Before(m.To)
}

// checkQuiet completes quiet times and windows and reports what is wrong with them.
func (s *Set) checkQuiet(c *Config) {
	for i := range c.Quiet {
		q := &c.Quiet[i]
		at := fmt.Sprintf("%s: quiet %d %q", configFile, i+1, q.Name)
		var err error
		if q.zone, err = time.LoadLocation(q.TimeZone); err != nil {
			s.Report(Problem{at, fmt.Sprintf("time_zone %q is unknown", q.TimeZone), "an IANA name such as Europe/Berlin"})
			q.zone = time.UTC
		}
		q.from, q.to = s.clock(at+" from", q.From), s.clock(at+" to", q.To)
		for _, day := range q.Days {
			if !slices.Contains([]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, day) {
				s.Report(Problem{at, fmt.Sprintf("day %q is unknown", day), "mon, tue, wed, thu, fri, sat, sun"})
			}
		}
		s.checkHold(at, q.Name, q.Below)
	}
	for i, m := range c.Maintenance {
		at := fmt.Sprintf("%s: maintenance %d %q", configFile, i+1, m.Name)
		if !m.To.After(m.From) {
			s.Report(Problem{at, "ends before it begins", "times such as 2026-12-01T22:00:00+01:00"})
		}
		s.checkHold(at, m.Name, m.Below)
	}
}

func (s *Set) checkHold(at, name, below string) {
	if name == "" {
		s.Report(Problem{at, "has no name", "readers see it in the summary"})
	}
	if below != "" && !slices.Contains(severities, below) {
		s.Report(Problem{at, fmt.Sprintf("severity %q is unknown", below), "one of " + strings.Join(severities, ", ")})
	}
}

func (s *Set) clock(at, text string) time.Duration {
	t, err := time.Parse("15:04", text)
	if err != nil {
		s.Report(Problem{at, fmt.Sprintf("%q is no time of day", text), `hours and minutes in quotes, such as "22:00"`})
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}
