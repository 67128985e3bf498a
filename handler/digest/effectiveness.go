package digest

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// tellAlerts makes the parts of a report that say whether what mattered was rung, delivered and answered.
func (r *Report) tellAlerts(e *Evidence) {
	if e == nil {
		return
	}
	a := Alerts{Known: true, BySeverity: map[string]int64{}, List: slices.Clone(e.Alerts)}
	for i := range a.List {
		a.List[i].Latency = a.List[i].latency()
	}
	a.count()
	slices.SortFunc(a.List, func(x, y Alert) int {
		return cmp.Or(cmp.Compare(severityRank(y.Severity), severityRank(x.Severity)), x.Opened.Compare(y.Opened), cmp.Compare(x.ID, y.ID))
	})
	r.Alerts = a
	r.Exceptions = slices.Clone(e.Exceptions)
	slices.SortFunc(r.Exceptions, func(x, y ExceptionUse) int { return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.ID, y.ID)) })
	r.Staged = slices.Clone(e.Staged)
	sortCounts(r.Staged)
	r.Controls = controls(e, a.List)
}

func (a *Alerts) count() {
	var delivery, answer []time.Duration
	for _, one := range a.List {
		a.Raised++
		a.BySeverity[one.Severity]++
		reached := one.reached()
		if !reached {
			a.Undelivered++
		} else if a.Delivered++; one.Latency >= 0 {
			delivery = append(delivery, one.Latency)
		}
		at, answered := one.answered()
		switch {
		case answered:
			a.Acknowledged++
			answer = append(answer, at.Sub(one.Opened))
		case reached:
			a.Open++
		}
	}
	a.ToDelivery, a.ToAnswer = latencyOf(delivery), latencyOf(answer)
}

// reached reports whether anybody was told.
func (a *Alert) reached() bool {
	return slices.ContainsFunc(a.Deliveries, func(d Delivery) bool { return d.Delivered })
}

// latency is how long it took from the event to the first reader; negative when that is not known.
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

// answered is when somebody first took the alert on.
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
func controls(e *Evidence, alerts []Alert) []Control {
	by := map[string]*controlWork{}
	of := func(id string) *controlWork {
		if by[id] == nil {
			by[id] = &controlWork{Control: Control{ID: id, Rules: []string{}}}
		}
		return by[id]
	}
	ruleControls := map[string][]string{}
	for _, rule := range e.Rules {
		ruleControls[rule.ID] = rule.Controls
		for _, id := range rule.Controls {
			of(id).rule(rule.ID)
		}
	}
	for i := range alerts {
		for _, id := range alerts[i].Rule.Controls {
			of(id).rule(alerts[i].Rule.ID)
			of(id).alert(&alerts[i])
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
		all = append(all, by[id].done())
	}
	return all
}

// controlWork is a Control being gathered.
type controlWork struct {
	Control
	latencies []time.Duration
}

func (c *controlWork) rule(id string) {
	if !slices.Contains(c.Rules, id) {
		c.Rules = append(c.Rules, id)
	}
}

func (c *controlWork) alert(a *Alert) {
	c.Alerts++
	c.Rung += a.Count
	if a.reached() {
		c.Delivered++
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
	Operated = "operated" // something met its rules, and all of it was delivered
	Quiet    = "quiet"    // nothing met its rules
	Fell     = "fell short"
)

func (c *controlWork) done() Control {
	slices.Sort(c.Rules)
	slices.Sort(c.By)
	slices.Sort(c.Acknowledged)
	c.Seen = c.Rung + c.Excepted
	c.ToDelivery = latencyOf(c.latencies)
	switch {
	case c.Delivered < c.Alerts:
		c.Verdict = Fell
	case c.Seen == 0:
		c.Verdict = Quiet
	default:
		c.Verdict = Operated
	}
	return c.Control
}
