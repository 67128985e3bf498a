package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/outbox"
	"github.com/auditbell/auditbell/handler/settings"
)

// sentMessage is one message of a rehearsal: an alert's first one, or a summary.
type sentMessage struct {
	to       string
	summary  string // empty: an alert by itself
	day      string
	severity string
	rules    map[string]bool // whose alerts it is about
}

// channelDays is how many messages a destination gets a day. News of an alert that is there already is not counted.
type channelDays struct {
	Destination string             `json:"destination"`
	Messages    int                `json:"messages"`
	Days        int                `json:"days"`
	Grave       float64            `json:"high_and_critical"` // a day
	Others      float64            `json:"others"`            // a day
	Most        int                `json:"others_at_most"`    // on one day
	Alone       map[string]float64 `json:"alone"`             // a day, by severity
	Summaries   float64            `json:"summaries"`         // a day
}

// halving is a route that leaves half of the messages that are not of high or critical severity.
type halving struct {
	Before int      `json:"before"` // to all destinations
	After  int      `json:"after"`
	Rules  []string `json:"rules"` // whose alerts the route gathers once a day
}

// opening is by which rules an alert was opened.
type opening struct {
	rule alert.Rule
	also []alert.Rule
}

// meets reports whether one of the rules is among those of a route.
func (o opening) meets(rules map[string]bool) bool {
	return rules[o.rule.ID] || slices.ContainsFunc(o.also, func(r alert.Rule) bool { return rules[r.ID] })
}

// messages lists what destinations would have got; with a route above the others that gathers alerts of some rules once a day.
func (r *rehearsal) messages(once map[string]bool) []*sentMessage {
	var all []*sentMessage
	gathered, firsts := map[[3]string]*sentMessage{}, map[string]*outbox.Health{}
	for _, ref := range r.alerts {
		a, o := r.state.Alert(ref), r.opened[ref]
		to := slices.Sorted(maps.Keys(a.Deliveries))
		moved := o.meets(once)
		if moved {
			to = r.x.pipeline.Ends([]string{settings.Everywhere})
		}
		for _, name := range to {
			if firsts[name] == nil {
				firsts[name] = &outbox.Health{}
			}
			summary, at := r.gathering(a, name, moved, firsts[name])
			if once == nil && summary != "" && a.Deliveries[name].Held == "" {
				a.HoldBack(name)
			}
			if a.Grave() {
				summary = ""
			}
			key := [3]string{name, summary, at.Format(time.RFC3339)}
			m := gathered[key]
			if summary == "" || m == nil {
				m = &sentMessage{to: name, summary: summary, day: at.UTC().Format(time.DateOnly), severity: a.Rule.Severity, rules: map[string]bool{}}
				all = append(all, m)
				gathered[key] = m
			}
			m.rules[o.rule.ID] = true
		}
	}
	return all
}

// gathering is in which summary a destination gets an alert, empty for a message by itself, and when. moved: by a route that
// gathers it once a day.
func (r *rehearsal) gathering(a *alert.Alert, name string, moved bool, firsts *outbox.Health) (summary string, at time.Time) {
	d := a.Deliveries[name]
	switch {
	case moved:
		route := settings.Route{}
		if all := r.x.pipeline.Routes; len(all) > 0 {
			route = all[0] // it knows the time of the day
		}
		route.Summary = settings.Daily
		summary, at, _, _ = route.Gathers(a.Opened)
		return summary, at
	case d.Spared.AtMost > 0 && !firsts.First(d.Spared.AtMost, a.Opened):
		return d.Spared.Name, d.Spared.Until
	case d.Held != "" && d.Spared.AtMost == 0:
		return d.Held, d.HeldUntil
	}
	return "", a.Opened
}

// daily counts messages by destination and day; days is how many days the events span.
func daily(all []*sentMessage, days int) []channelDays {
	by, others := map[string]*channelDays{}, map[[2]string]int{}
	a := 1 / float64(max(days, 1))
	for _, m := range all {
		c := by[m.to]
		if c == nil {
			c = &channelDays{Destination: m.to, Days: days, Alone: map[string]float64{}}
			by[m.to] = c
		}
		c.Messages++
		switch {
		case alert.IsGrave(m.severity):
			c.Grave += a
		default:
			c.Others += a
			others[[2]string{m.to, m.day}]++
			c.Most = max(c.Most, others[[2]string{m.to, m.day}])
		}
		if m.summary == "" || alert.IsGrave(m.severity) {
			c.Alone[m.severity] += a
		} else {
			c.Summaries += a
		}
	}
	var list []channelDays
	for _, name := range slices.Sorted(maps.Keys(by)) {
		list = append(list, *by[name])
	}
	return list
}

// String is "806 messages, days: 31; a day 1.2 of high and critical severity and 24.8 others, at most 31 (high 1.2, …)".
func (c *channelDays) String() string {
	var parts []string
	for _, severity := range slices.Backward(alert.Severities) {
		if n := c.Alone[severity]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %.1f", severity, n))
		}
	}
	if c.Summaries > 0 {
		parts = append(parts, fmt.Sprintf("summaries %.1f", c.Summaries))
	}
	return fmt.Sprintf("%d messages, days: %d; a day %.1f of high and critical severity and %.1f others, at most %d (%s)",
		c.Messages, c.Days, c.Grave, c.Others, c.Most, strings.Join(parts, ", "))
}

// halve finds rules whose alerts, gathered once a day, leave half of the messages that are not grave; nil where none do. What is
// left is found by playing all of it again with the route: where alerts of some rules are gathered, others are among the first of
// a day that come by themselves.
func (r *rehearsal) halve(all []*sentMessage) *halving {
	h := &halving{Before: len(milder(all))}
	chosen := map[string]bool{}
	for h.After = h.Before; 2*h.After > h.Before; h.After = len(milder(all)) {
		rule := heaviest(milder(all), chosen)
		if rule == "" {
			return nil
		}
		chosen[rule], h.Rules = true, append(h.Rules, rule)
		all = r.messages(chosen)
	}
	if len(h.Rules) == 0 {
		return nil
	}
	return h
}

// milder are the messages that are not of high or critical severity.
func milder(all []*sentMessage) []*sentMessage {
	return slices.DeleteFunc(slices.Clone(all), func(m *sentMessage) bool { return alert.IsGrave(m.severity) })
}

// heaviest is the rule that has the largest part in what could still be gathered once a day.
func heaviest(rest []*sentMessage, chosen map[string]bool) string {
	weight := map[string]float64{}
	for _, m := range rest {
		if m.summary == settings.DailySummary {
			continue
		}
		open := 0
		for rule := range m.rules {
			if !chosen[rule] {
				open++
			}
		}
		for rule := range m.rules {
			if !chosen[rule] {
				weight[rule] += 1 / float64(open)
			}
		}
	}
	rules := slices.SortedFunc(maps.Keys(weight), func(x, y string) int {
		return cmp.Or(cmp.Compare(weight[y], weight[x]), strings.Compare(x, y))
	})
	if len(rules) == 0 {
		return ""
	}
	return rules[0]
}

// String says which route to write above the others.
func (h *halving) String() string {
	return fmt.Sprintf("with this route above the others, %d messages would be left of %d below high severity:\n  - {match: {rule: [%s]}, to: [\"*\"], summary: daily}\n",
		h.After, h.Before, strings.Join(h.Rules, ", "))
}
