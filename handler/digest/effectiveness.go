package digest

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// tellAlerts makes the parts of a report that say whether what mattered was alerted about, delivered and acknowledged.
func (r *Report) tellAlerts(e *Evidence) {
	if e == nil {
		return
	}
	a := Alerts{Known: true, Sent: !e.Unsent, BySeverity: map[string]int64{}, List: slices.Clone(e.Alerts)}
	for i := range a.List {
		a.List[i].Latency = a.List[i].latency()
	}
	a.count()
	slices.SortFunc(a.List, func(x, y Alert) int {
		return cmp.Or(cmp.Compare(severityRank(y.Severity), severityRank(x.Severity)), cmp.Compare(x.Operation, y.Operation),
			x.Happened.Compare(y.Happened), x.Opened.Compare(y.Opened), cmp.Compare(x.ID, y.ID))
	})
	r.Alerts = a
	r.Exceptions = slices.Clone(e.Exceptions)
	slices.SortFunc(r.Exceptions, func(x, y ExceptionUse) int { return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.ID, y.ID)) })
	r.Ends = slices.Clone(e.Ends)
	r.Staged = slices.Clone(e.Staged)
	sortCounts(r.Staged)
	r.Controls = r.controls(e)
}

func (a *Alerts) count() {
	var delivery, answer []time.Duration
	for _, one := range a.List {
		a.Raised++
		a.BySeverity[one.Severity]++
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
	first := a.delivered()
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
	for i := range r.Alerts.List {
		a := &r.Alerts.List[i]
		for _, id := range a.Rule.Controls {
			of(id).rule(a.Rule)
			of(id).alert(a)
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
	latencies  []time.Duration
	waiting    int
	categories map[activity.Category]bool // that its rules are about
	anything   bool                       // a rule does not say what it is about
}

func (c *controlWork) rule(rule Rule) {
	if slices.Contains(c.Rules, rule.ID) {
		return
	}
	c.Rules = append(c.Rules, rule.ID)
	c.anything = c.anything || len(rule.Categories) == 0
	for _, category := range rule.Categories {
		if c.categories == nil {
			c.categories = map[activity.Category]bool{}
		}
		c.categories[category] = true
	}
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
	case c.watched(r):
		c.Verdict = Quiet
	default:
		c.Verdict, c.Why = NotWatched, c.why()
	}
	return c.Control
}

// carriers say which categories a feed carries, by the form of its entries (Microsoft: "Azure subscription as an Event Grid
// source", "Azure Monitor activity log"). What action groups bring is what Azure's own rules chose, so it carries no
// category as a whole.
var carriers = map[activity.Form][]activity.Category{
	activity.FormEventGrid: {activity.Administrative}, activity.FormCloudEvents: {activity.Administrative},
	activity.FormRecords: activity.Categories, activity.FormREST: activity.Categories,
}

// watched reports whether every category that the control's rules are about was carried by a feed that brought entries.
func (c *controlWork) watched(r *Report) bool {
	carried := map[activity.Category]bool{}
	for _, form := range r.Completeness.Forms {
		for _, category := range carriers[activity.Form(form.Name)] {
			carried[category] = true
		}
	}
	if c.anything {
		return len(carried) == len(activity.Categories)
	}
	for category := range c.categories {
		if !carried[category] {
			return false
		}
	}
	return true
}

func (c *controlWork) why() string {
	if c.anything {
		return "no feed that carries all categories brought anything"
	}
	var names []string
	for category := range c.categories {
		names = append(names, string(category))
	}
	slices.Sort(names)
	return "no feed that carries " + strings.Join(names, ", ") + " brought anything"
}
