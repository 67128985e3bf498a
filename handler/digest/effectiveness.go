package digest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/coverage"
)

// setAlerts makes the parts of a report that say whether what mattered was alerted about, confirmed and acknowledged.
func (r *Report) setAlerts(e *Evidence) {
	if e == nil {
		return
	}
	a := Alerts{Known: true, Sent: !e.Unsent, BySeverity: map[string]int64{}, List: e.Alerts}
	a.List.sort()
	a.count()
	r.Alerts = a
	r.Exceptions = slices.Clone(e.Exceptions)
	slices.SortFunc(r.Exceptions, func(x, y ExceptionUse) int { return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.ID, y.ID)) })
	r.Ends = slices.Clone(e.Ends)
	r.Staged = slices.Clone(e.Staged)
	sortCounts(r.Staged)
	r.Controls, r.RuleSets = r.controls(e), e.RuleSets
}

func (a *Alerts) count() {
	var delivery, answer []time.Duration
	for i := range a.List.Len() {
		one := a.List.bare(i)
		a.Raised++
		a.BySeverity[one.Severity]++
		switch one.JudgedBy {
		case ByLookup:
			a.ByLookup++
		case AtWorst:
			a.AtWorst++
		}
		if !a.Sent {
			continue
		}
		state := one.State()
		switch state {
		case Confirmed:
			a.Confirmed++
		case Accepted:
			a.Accepted++
		default:
			a.Waiting++
		}
		if state != Waiting && one.Latency >= 0 {
			delivery = append(delivery, one.Latency)
		}
		a.Owed += one.owed()
		at, answered := one.answered()
		switch {
		case answered:
			a.Acknowledged++
			answer = append(answer, at.Sub(one.Opened))
		case state != Waiting:
			a.Open++
		}
	}
	a.ToDelivery, a.ToAnswer = latencyOf(delivery), latencyOf(answer)
}

// State is the best that a destination has of the alert.
func (a *Alert) State() State {
	best := Waiting
	for _, d := range a.Deliveries {
		if d.State == Confirmed {
			return Confirmed
		}
		if d.State == Accepted {
			best = Accepted
		}
	}
	return best
}

// owed counts the destinations for which the alert still waits.
func (a *Alert) owed() (n int) {
	if len(a.Deliveries) == 0 {
		return 1 // no destination was to get it
	}
	for _, d := range a.Deliveries {
		if d.State == Waiting {
			n++
		}
	}
	return n
}

// latency is how long it took from the event to the first destination that took the alert; negative when that is not known.
func (a *Alert) latency() time.Duration {
	first := a.taken()
	if first.IsZero() {
		return -1
	}
	since := a.Happened
	if since.IsZero() {
		since = a.Opened
	}
	return max(first.Sub(since), 0)
}

// answered is when a person first took the alert on.
func (a *Alert) answered() (time.Time, bool) {
	for _, answer := range a.Answers {
		if answer.Action == "acknowledged" || answer.Action == "expected" {
			return answer.At, true
		}
	}
	return time.Time{}, false
}

// severities from quiet to loud, as rules name them.
var severities = []string{"informational", "low", "medium", "high", "critical"}

func severityRank(s string) int { return slices.Index(severities, s) }

// latencyOf takes the nearest rank, so that each figure is one that was really measured.
func latencyOf(all []time.Duration) Latency {
	if len(all) == 0 {
		return Latency{}
	}
	slices.Sort(all)
	rank := func(p float64) float64 {
		return math.Round(all[max(int(math.Ceil(p*float64(len(all))))-1, 0)].Seconds()*10) / 10
	}
	return Latency{N: len(all), P50: rank(0.5), P95: rank(0.95), Max: rank(1)}
}

// controls gathers what each control's rules saw. Every control that a rule in force names is there, whether anything
// met it or not: that nothing did is a statement too.
func (r *Report) controls(e *Evidence) []Control {
	by := map[string]*controlWork{}
	of := func(id string) *controlWork {
		if by[id] == nil {
			by[id] = &controlWork{Control: Control{ID: id, Title: ControlTitle(id), Rules: []string{}}}
		}
		return by[id]
	}
	ruleControls := map[string][]string{}
	for _, rule := range e.Rules {
		ruleControls[rule.ID] = rule.Controls
		for _, id := range rule.Controls {
			of(id).rule(rule)
		}
	}
	for i := range r.Alerts.List.Len() {
		a := r.Alerts.List.bare(i)
		for _, id := range a.Rule.Controls {
			of(id).rule(a.Rule)
			of(id).alert(&a)
		}
	}
	for _, x := range e.Exceptions {
		for _, c := range x.Rules {
			for _, id := range ruleControls[c.Name] {
				of(id).excepted(x.ID, c.N)
			}
		}
	}
	var all []Control
	for _, id := range slices.Sorted(maps.Keys(by)) {
		all = append(all, by[id].done(r))
	}
	return all
}

// controlWork is a Control being gathered.
type controlWork struct {
	Control
	latencies []time.Duration
	waiting   int
	about     []Rule
}

func (c *controlWork) rule(rule Rule) {
	if slices.Contains(c.Rules, rule.ID) {
		return
	}
	c.Rules = append(c.Rules, rule.ID)
	c.about = append(c.about, rule)
}

func (c *controlWork) alert(a *Alert) {
	c.Alerts++
	c.Alerted += a.Count
	switch a.State() {
	case Confirmed:
		c.Confirmed++
	case Accepted:
		c.Accepted++
	default:
		c.waiting++
	}
	if a.Latency >= 0 {
		c.latencies = append(c.latencies, a.Latency)
	}
	for _, answer := range a.Answers {
		if answer.Action == "acknowledged" && !slices.Contains(c.Acknowledged, answer.By) {
			c.Acknowledged = append(c.Acknowledged, answer.By)
		}
	}
}

func (c *controlWork) excepted(by string, n int64) {
	c.Excepted += n
	if !slices.Contains(c.By, by) {
		c.By = append(c.By, by)
	}
}

// Verdicts on a control.
const (
	Operated   = "operated"    // something met its rules, and each alert was confirmed or accepted by a destination
	Quiet      = "quiet"       // nothing met its rules, and a feed that carries their events brought entries in the period
	NotWatched = "not_watched" // nothing met its rules, and no such feed did
	FellShort  = "fell_short"  // an alert waits: no destination has taken it
)

func (c *controlWork) done(r *Report) Control {
	slices.Sort(c.Rules)
	slices.Sort(c.By)
	slices.Sort(c.Acknowledged)
	c.Seen = c.Alerted + c.Excepted
	c.ToDelivery = latencyOf(c.latencies)
	switch {
	case c.waiting > 0 && r.Alerts.Sent:
		c.Verdict = FellShort
	case c.Seen > 0:
		c.Verdict = Operated
	default:
		c.Verdict = Quiet
		if rule := c.dark(r.living()); rule != nil {
			c.Verdict, c.Why = NotWatched, darkBecause(rule)
		}
	}
	return c.Control
}

// feedOf is the feed that brings entries of a form. What action groups bring is what Azure's own rules chose, so it is none.
// A file of records may be of a subscription or of a management group, which carries less: its entries say of which.
var feedOf = map[activity.Form]coverage.Feed{
	activity.FormEventGrid: coverage.EventGrid, activity.FormCloudEvents: coverage.EventGrid, activity.FormRecords: coverage.EventHub,
	activity.FormREST: coverage.Listed, activity.FormLogAnalytics: coverage.Listed, activity.FormPowerShell: coverage.Listed, activity.FormPortalCSV: coverage.Listed,
}

// living are the feeds that brought entries in the period; the comparison with Azure is one, where it was made.
func (r *Report) living() []coverage.Feed {
	var all []coverage.Feed
	for _, form := range r.Completeness.Forms {
		if feed, ok := feedOf[activity.Form(form.Name)]; ok {
			all = append(all, feed)
		}
	}
	if l := r.Completeness.Ledger; l != nil {
		for name, feed := range l.Feeds {
			if feed.N > 0 {
				all = append(all, coverage.Feed(name))
			}
		}
		if l.Checked > 0 {
			all = append(all, coverage.Listed)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// dark is a rule of the control whose events none of the feeds carries; nil: there is none.
func (c *controlWork) dark(feeds []coverage.Feed) *Rule {
	for i := range c.about {
		carry := c.about[i].Feeds
		if len(c.about[i].Categories) == 0 { // it has no example: any event may be meant
			carry = []coverage.Feed{coverage.EventHub, coverage.Listed}
		}
		if !slices.ContainsFunc(carry, func(f coverage.Feed) bool { return slices.Contains(feeds, f) }) {
			return &c.about[i]
		}
	}
	return nil
}

// darkBecause says why a rule is not watched.
func darkBecause(rule *Rule) string {
	switch {
	case len(rule.Categories) == 0:
		return fmt.Sprintf("rule %s has no example, so any event may be meant, and no feed that carries all brought anything", rule.ID)
	case len(rule.Feeds) == 0:
		return fmt.Sprintf("no feed is known to carry what rule %s is about", rule.ID)
	}
	names := make([]string, len(rule.Feeds))
	for i, f := range rule.Feeds {
		names[i] = string(f)
	}
	return fmt.Sprintf("what rule %s is about is carried by %s, of which none brought anything", rule.ID, strings.Join(names, ", "))
}
