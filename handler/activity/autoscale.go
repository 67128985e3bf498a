package activity

import "strconv"

// AutoscaleFacts is what the autoscale engine says it did (schema page, "Autoscale category").
type AutoscaleFacts struct {
	Description string
	Resource    string // ARM id of what was scaled; the event's own resource is the autoscale setting
	Old, New    int    // instance counts; -1 when the event does not tell
	ScaledAt    Time   // LastScaleActionTime
}

// AutoscaleOf returns the facts of an autoscale event; false for events of another category. The REST API writes
// Description and OldInstancesCount, other forms description and oldInstancesCount: names are read in any case.
func AutoscaleOf(e Event) (AutoscaleFacts, bool) {
	if e.Category != Autoscale {
		return AutoscaleFacts{}, false
	}
	p := e.Properties
	f := AutoscaleFacts{
		Description: p.Text("Description"),
		Resource:    p.Text("ResourceName"),
		Old:         count(p.Text("OldInstancesCount")),
		New:         count(p.Text("NewInstancesCount")),
	}
	f.ScaledAt, _ = ParseTime(p.Text("LastScaleActionTime"))
	return f, true
}

// count reads a number that Azure writes as text; -1 when it is none.
func count(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
