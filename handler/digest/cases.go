package digest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/source"
)

// Case is one operation of high risk, or one that rang: what the log tells of it in however many entries, and what became
// of it. It is a line of operations.csv.
type Case struct {
	First, Last time.Time
	Operation   string
	Caller      string
	Resource    string
	Outcome     string // the last state seen, in the order of an operation's life
	Entries     int
	Correlation string
	EventIDs    []string
	Alert       *Alert // nil: did not ring, or is not known
}

// Cases gathers the listed entries by operation, in order of their beginning, and joins what rang.
func (r *Report) Cases() []Case {
	var all []Case
	index := map[source.Key]int{}
	stages := map[source.Key]byte{}
	byEvent := map[string]int{}
	for op := range r.HighRisk.All() {
		at, known := index[op.life]
		if !known {
			at = len(all)
			index[op.life] = at
			all = append(all, Case{First: op.Time, Operation: op.Operation, Caller: op.Caller, Resource: op.Resource, Correlation: op.Correlation})
		}
		c := &all[at]
		c.Last, c.Entries = op.Time, c.Entries+1
		c.Caller, c.Resource = cmp.Or(c.Caller, op.Caller), cmp.Or(c.Resource, op.Resource)
		if op.EventID != "" {
			c.EventIDs = append(c.EventIDs, op.EventID)
			byEvent[op.EventID] = at
		}
		if s := stage(activity.OutcomeOf(op.Status)); s >= stages[op.life] {
			stages[op.life], c.Outcome = s, op.Status
		}
	}
	return r.joinAlerts(all, byEvent)
}

// joinAlerts adds what rang: to the case it belongs to, or as a case of its own.
func (r *Report) joinAlerts(all []Case, byEvent map[string]int) []Case {
	for i := range r.Alerts.List {
		a := &r.Alerts.List[i]
		if at, known := byEvent[a.EventID]; known && a.EventID != "" {
			all[at].Alert = a
			continue
		}
		c := Case{First: a.Happened, Last: a.Happened, Operation: a.Operation, Caller: a.Caller, Resource: a.Resource,
			Outcome: a.Outcome, Entries: int(a.Records), Alert: a}
		if a.EventID != "" {
			c.EventIDs = []string{a.EventID}
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b Case) int {
		return cmp.Or(a.First.Compare(b.First), strings.Compare(a.Operation, b.Operation), strings.Compare(a.Resource, b.Resource))
	})
	return all
}
