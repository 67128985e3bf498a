package settings

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Changes say what was announced, so that a reader can tell planned from unplanned. They change nothing about what
// rings or where it goes.
type Changes struct {
	Windows []ChangeWindow `yaml:"windows"`
	Ticket  Ticket         `yaml:"ticket"`
}

// ChangeWindow is a time in which changes are expected, once or again and again. What a window's match covers is
// unplanned outside of it.
type ChangeWindow struct {
	Name     string     `yaml:"name"`
	Ticket   string     `yaml:"ticket"`
	Days     []string   `yaml:"days"`      // recurring only: the day on which it begins; empty: every day
	From     string     `yaml:"from"`      // "22:00" for one that comes back, else a time such as 2026-12-01T22:00:00+01:00
	To       string     `yaml:"to"`        // of the same kind
	TimeZone string     `yaml:"time_zone"` // recurring only
	Match    RouteMatch `yaml:"match"`

	holds func(time.Time) bool
}

// Holds reports whether the window is open at a moment.
func (w *ChangeWindow) Holds(at time.Time) bool { return w.holds != nil && w.holds(at) }

// Ticket says how a change ticket is recognised, and where an event may name one. Whoever acts can write the tag or the
// text: a ticket found this way is a claim, nobody has checked it.
type Ticket struct {
	Pattern string   `yaml:"pattern"` // regular expression, RE2; empty: nobody looks for tickets
	Tags    []string `yaml:"tags"`    // names of resource tags that hold it
	Text    bool     `yaml:"text"`    // also the event's description and what was asked for

	pattern *regexp.Regexp
}

// Find returns the first ticket in a text, "" when there is none.
func (t *Ticket) Find(text string) string {
	if t.pattern == nil {
		return ""
	}
	return t.pattern.FindString(text)
}

// checkChanges completes windows and ticket and reports what is wrong with them.
func (d *document) checkChanges(c *Changes, names Names) {
	for i := range c.Windows {
		w, path := &c.Windows[i], index("changes.windows", i)
		if w.Name == "" {
			d.problem(join(path, "name"), "has no name", "readers see it in the message")
		}
		if strings.Contains(w.From, "-") {
			d.checkOnce(w, path)
		} else {
			d.checkRecurring(w, path)
		}
		d.checkMatch(w.Match, join(path, "match"), names)
	}
	d.checkTicket(&c.Ticket)
}

func (d *document) checkOnce(w *ChangeWindow, path string) {
	var m Maintenance
	m.From, m.To = d.instant(path, "from", w.From), d.instant(path, "to", w.To)
	if !m.From.IsZero() && !m.To.IsZero() && !m.To.After(m.From) {
		d.problem(join(path, "to"), "ends before it begins", "times such as 2026-12-01T22:00:00+01:00")
	}
	if len(w.Days) > 0 || w.TimeZone != "" {
		d.problem(path, "comes once, so that days and time_zone say nothing", `remove them, or write from and to as times of day such as "22:00"`)
	}
	w.holds = func(at time.Time) bool { _, ok := m.Ends(at); return ok }
}

func (d *document) checkRecurring(w *ChangeWindow, path string) {
	q := Quiet{Days: w.Days}
	var err error
	if q.zone, err = time.LoadLocation(w.TimeZone); err != nil {
		d.problem(join(path, "time_zone"), fmt.Sprintf("time_zone %q is unknown", w.TimeZone), "an IANA name such as Europe/Berlin")
		q.zone = time.UTC
	}
	q.from, q.to = d.clock(path, "from", w.From), d.clock(path, "to", w.To)
	d.checkWords(w.Days, join(path, "days"), days)
	w.holds = func(at time.Time) bool { _, ok := q.Ends(at); return ok }
}

func (d *document) instant(path, name, text string) time.Time {
	t, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "T", 1))
	if err != nil {
		d.problem(join(path, name), fmt.Sprintf("%s %q is no time with a zone", name, text), "such as 2026-12-01T22:00:00+01:00; from and to are of the same kind")
	}
	return t
}

func (d *document) checkTicket(t *Ticket) {
	const path = "changes.ticket"
	d.checkValues(t.Tags, join(path, "tags"))
	if t.Pattern == "" {
		if len(t.Tags) > 0 || t.Text {
			d.problem(path, "says where to look for tickets and not what they look like", `add a pattern such as "CHG[0-9]{7}"`)
		}
		return
	}
	var err error
	switch t.pattern, err = regexp.Compile(t.Pattern); {
	case err != nil:
		d.problem(join(path, "pattern"), fmt.Sprintf("pattern %q is no regular expression", t.Pattern), "RE2, such as CHG[0-9]{7}")
	case t.pattern.MatchString(""):
		d.problem(join(path, "pattern"), fmt.Sprintf("pattern %q matches nothing at all as well", t.Pattern), "write at least one character that a ticket has")
	case len(t.Tags) == 0 && !t.Text:
		d.problem(path, "names no place to look for tickets", "list tags, or add text: true")
	}
}
