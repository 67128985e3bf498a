package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/calendar"
)

// Words of Route.Summary.
const (
	Hourly = "hourly"
	Daily  = "daily"
)

// Names of the summaries of routes, as readers see them.
const (
	HourlySummary = "the hourly summary"
	DailySummary  = "the daily summary"
)

// Summaries says when the daily ones are sent.
type Summaries struct {
	DailyAt  string `yaml:"daily_at"`  // 08:00 without one
	TimeZone string `yaml:"time_zone"` // IANA; empty: UTC
}

// DefaultRoutes are those of an operator who wrote none, and of config/auditbell.yaml: what is grave one by one, the rest so that
// a channel stays readable.
func DefaultRoutes() []Route {
	everywhere := []string{Everywhere}
	return []Route{
		{Match: RouteMatch{Severity: "high"}, To: everywhere},
		{Match: RouteMatch{Severity: "medium"}, To: everywhere, Summary: Hourly, FirstAlone: "7d", AtMost: 12, first: 7 * 24 * time.Hour},
		{To: everywhere, Summary: Daily},
	}
}

// Gathers returns the name and the time of the summary in which a route gathers alerts of now; ok is false where it
// sends them one by one.
func (r *Route) Gathers(now time.Time) (name string, at time.Time, first time.Duration, ok bool) {
	switch r.Summary {
	case Hourly:
		return HourlySummary, now.UTC().Truncate(time.Hour).Add(time.Hour), r.first, true
	case Daily:
		return DailySummary, r.nextDaily(now), r.first, true
	}
	return "", time.Time{}, 0, false
}

func (r *Route) nextDaily(now time.Time) time.Time {
	zone, clock := r.zone, r.dailyAt
	if zone == nil {
		zone, clock = time.UTC, usualDaily
	}
	today := calendar.DayOf(now, zone).Date
	if at := today.At(clock, zone); at.After(now) {
		return at.UTC()
	}
	return today.Add(0, 0, 1).At(clock, zone).UTC()
}

const usualDaily = 8 * time.Hour

// checkSummaries completes routes with the time of the daily summary.
func (d *document) checkSummaries(c *Config) {
	at := usualDaily
	if c.Summaries.DailyAt != "" {
		at = d.clock("summaries", "daily_at", c.Summaries.DailyAt)
	}
	zone, err := time.LoadLocation(c.Summaries.TimeZone)
	if err != nil {
		d.problem("summaries.time_zone", fmt.Sprintf("time_zone %q is unknown", c.Summaries.TimeZone), "an IANA name such as Europe/Berlin")
		zone = time.UTC
	}
	for i := range c.Routes {
		c.Routes[i].dailyAt, c.Routes[i].zone = at, zone
	}
}

// longestFirst is for how long it is known that a rule, actor and scope alerted before.
const longestFirst = 7 * 24 * time.Hour

func (d *document) checkSummary(r *Route, path string) {
	if r.Summary != "" && r.Summary != Hourly && r.Summary != Daily {
		d.problem(join(path, "summary"), fmt.Sprintf("summary %q is unknown", r.Summary), "hourly or daily; leave it out to send alerts one by one")
	}
	if r.AtMost < 0 || r.AtMost > 0 && r.FirstAlone == "" {
		d.problem(join(path, "at_most"), "bounds nothing", "a number of alerts a day, beside first_alone")
	}
	if r.FirstAlone == "" {
		return
	}
	if r.Summary == "" {
		d.problem(join(path, "first_alone"), "is of no use without summary: every alert is sent by itself", "add summary: hourly, or leave it out")
	}
	var err error
	if r.first, err = span(r.FirstAlone); err != nil || r.first <= 0 || r.first > longestFirst {
		d.problem(join(path, "first_alone"), fmt.Sprintf("%q is no time from 1 second to 7 days", r.FirstAlone), "such as 7d or 12h")
	}
}

// span is a duration, which may be in days: 7d.
func span(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 8)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}
