package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Verdict plays an example and reports whether the rule matched; for a correlation, whether it rang at any step. Carry
// is what happens to an event on its way, such as being written in a wire form and read back; nil leaves it alone.
// Repetitions of a step are operations of their own: each has its own time and ids.
func (s *Set) Verdict(r *Rule, x Example, carry func(activity.Event) activity.Event) bool {
	correlator := NewCorrelator(s, 1000)
	at, n := time.Time{}, 0
	for _, step := range x.Steps {
		if at.IsZero() {
			at = step.Event.Time.Add(-step.Every)
		}
		for range step.Times {
			at, n = at.Add(step.Every), n+1
			e := repetition(step.Event, at, n)
			if carry != nil {
				e = carry(e)
			}
			if r.Correlation == nil && s.meets(r, &e) {
				return true
			}
			if r.Correlation != nil && slices.Contains(correlator.Observe(nil, &e, at), r) {
				return true
			}
		}
	}
	return false
}

// repetition makes the nth event of a story.
func repetition(e activity.Event, at time.Time, n int) activity.Event {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	e.Time, e.ID = activity.At(at), "example-"+id
	e.EventID, e.OperationID, e.CorrelationID = id, id, id
	return e
}

// meets is Match for one rule, whether or not the rule only counts for correlations.
func (s *Set) meets(r *Rule, e *activity.Event) bool {
	p, run := s.plan(e), s.newRun()
	run.begin(e)
	run.plan = p
	for i := range p.entries {
		if one := &p.entries[i]; one.rule == r {
			return run.entry(one) != no
		}
	}
	return false
}

// Reads lists the event's fields that the rule's detection depends on, by the event's own names ("operation",
// "properties.requestbody…"); "keywords" when it searches all texts. A wire form that does not have them cannot decide
// the rule.
func (r *Rule) Reads() []string {
	seen := make(map[string]bool)
	for _, selection := range r.selections {
		reads(selection, seen)
	}
	if len(r.Auditbell.Outcomes) > 0 {
		seen["outcome"] = true
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// reads collects the fields below e.
func reads(e *expr, seen map[string]bool) {
	switch {
	case e.item == nil:
	case e.item.keyword:
		seen["keywords"] = true
	case e.item.field.kind == ofProvider: // read from these two
		seen["operation"], seen["resource_type"] = true, true
	default:
		seen[e.item.field.name()] = true
	}
	for _, kid := range e.kids {
		reads(kid, seen)
	}
}
