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

// messages lists what destinations would have got.
func (r *rehearsal) messages() []*sentMessage {
	var all []*sentMessage
	gathered, firsts := map[[3]string]*sentMessage{}, map[string]*outbox.Health{}
	for _, ref := range r.alerts {
		a, rule := r.state.Alert(ref), r.opened[ref]
		for _, name := range slices.Sorted(maps.Keys(a.Deliveries)) {
			d := a.Deliveries[name]
			at := a.Opened
			if firsts[name] == nil {
				firsts[name] = &outbox.Health{}
			}
			if d.Spared.AtMost > 0 && !firsts[name].First(d.Spared.AtMost, at) {
				a.HoldBack(name)
				d = a.Deliveries[name]
			}
			if d.Held != "" {
				at = d.HeldUntil
			}
			key := [3]string{name, d.Held, at.Format(time.RFC3339)}
			m := gathered[key]
			if d.Held == "" || a.Grave() || m == nil {
				m = &sentMessage{to: name, summary: d.Held, day: at.UTC().Format(time.DateOnly), severity: a.Rule.Severity, rules: map[string]bool{}}
				all = append(all, m)
			}
			if d.Held != "" && !a.Grave() {
				gathered[key] = m
			}
			m.rules[rule.ID] = true
		}
	}
	return all
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

// halve finds rules whose alerts, gathered once a day, leave half of the messages that are not grave; nil where none do. A
// message goes when every rule that it is about is gathered, and each day keeps one for them.
func halve(all []*sentMessage) *halving {
	var rest []*sentMessage
	days := map[[2]string]bool{}
	for _, m := range all {
		switch {
		case alert.IsGrave(m.severity):
		case m.summary == settings.DailySummary:
			days[[2]string{m.to, m.day}] = true
		default:
			rest = append(rest, m)
		}
	}
	h := halving{Before: len(rest) + len(days)}
	chosen := map[string]bool{}
	for h.After = h.Before; 2*h.After > h.Before; h.After = left(rest, chosen, days) {
		rule := heaviest(rest, chosen)
		if rule == "" {
			return nil
		}
		chosen[rule] = true
		h.Rules = append(h.Rules, rule)
	}
	if len(h.Rules) == 0 {
		return nil
	}
	return &h
}

// left is how many messages are left when rules are gathered once a day. days are those that have a daily summary already.
func left(rest []*sentMessage, chosen map[string]bool, days map[[2]string]bool) (n int) {
	days = maps.Clone(days)
	for _, m := range rest {
		stays := false
		for rule := range m.rules {
			stays = stays || !chosen[rule]
			if chosen[rule] {
				days[[2]string{m.to, m.day}] = true
			}
		}
		if stays {
			n++
		}
	}
	return n + len(days)
}

// heaviest is the rule that has the largest part in what is left.
func heaviest(rest []*sentMessage, chosen map[string]bool) string {
	weight := map[string]float64{}
	for _, m := range rest {
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
