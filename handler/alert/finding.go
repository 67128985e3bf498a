package alert

import (
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Finding is an event that met rules.
type Finding struct {
	Event  activity.Event
	Rule   Rule     // the gravest
	Also   []Rule   // the others
	To     []string // names of the destinations that the routes chose
	Detail string   // what sets the act apart beside its resource
	Notes  []string // for the reader, beside the event
	Late   string   // why the event comes long after it happened, for an alert that it opens; empty: it does not
	Hold   Hold     // quiet time; zero: none
	// Gather is which destinations get it in a summary, by name, because routes say so.
	Gather map[string]Gather

	Change Change   // whether it was announced
	Ask    []string // lookups that could add something
	Await  Await    // which first messages wait for an answer; zero: none
	Of     Summed   // the alert that it stands for in a summary
	// Doubt is the finding as the gravest that its act could have been, where Azure has not answered yet. So it joins an
	// alert: only the question about an alert's first act is asked again.
	Doubt *Finding

	Lease     Lease  // taken on the alert when that is free; without an end it only names the caller
	Operation string // the key of the run that Decide found; empty: the record is its chain's first

	before time.Time // when the alert before it in its group took in no more; zero: there was none
}

// operation is the key of the finding's operation within its group.
func (f *Finding) operation() string {
	if f.Operation == "" {
		return chainKey(&f.Event)
	}
	return f.Operation
}

// doubted judges the finding as the gravest that it could be.
func (f *Finding) doubted() {
	if d := f.Doubt; d != nil {
		f.Rule, f.Also, f.To, f.Hold, f.Gather, f.Detail = d.Rule, d.Also, d.To, d.Hold, d.Gather, d.Detail
		f.Notes = append(slices.Clip(f.Notes), d.Notes...)
	}
}

// Hold says that an alert is not sent before a quiet time ends.
type Hold struct {
	Name  string    `json:"name,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Gather says that a destination gets an alert in the next summary of a route.
type Gather struct {
	Hold
	// FirstAlone excepts the first alert of a group in so long: it has a message of its own. Zero: none.
	FirstAlone time.Duration
	// AtMost is how many of them a day a destination gets; the others are in the summary, which calls them new. Zero: any.
	AtMost int
}

// Spared is a delivery that a summary would hold if the alert were not the first of its group.
type Spared struct {
	Hold
	AtMost int `json:"at_most,omitempty"` // a day; see Gather
}

// hold is what keeps the finding from a destination. No summary holds what is grave, nor the test.
func (f *Finding) hold(name string, now time.Time) Hold {
	g, gathered := f.Gather[name]
	if !gathered || IsGrave(f.Rule.Severity) || f.Rule.ID == CanaryRule || f.Hold.Until.After(g.Until) {
		return f.Hold
	}
	if g.FirstAlone > 0 && !f.before.After(now.Add(-g.FirstAlone)) {
		return f.Hold
	}
	return g.Hold
}

// spared is the summary from which only being the first keeps the finding.
func (f *Finding) spared(name string, hold Hold) Spared {
	g, gathered := f.Gather[name]
	if !gathered || g.AtMost == 0 || hold.Name != "" || IsGrave(f.Rule.Severity) || f.Rule.ID == CanaryRule {
		return Spared{}
	}
	return Spared{g.Hold, g.AtMost}
}

// Await says that the severity hangs on an answer which may come at any moment. Destinations whose messages cannot be
// edited wait for it a few seconds, so that their readers get one message and not two.
type Await struct {
	To    []string
	Until time.Time
}
