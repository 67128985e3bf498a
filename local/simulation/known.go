package simulation

import (
	"slices"
	"strings"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// Known is a fault that the program has today: what it is called, and which violations it explains. When one is
// fixed, it leaves this list and a patch that brings it back goes into testdata/faults, so that it is still found.
type Known struct {
	Name  string
	Rules []string // of the violations
	Moves []string // by which they come about; none: by any
	Like  string   // in the violation's text
}

// knownFaults are tried in order; the first that explains a violation names it.
var knownFaults = []Known{
	{"a principal is never named", []string{oracle.Named}, nil, "shown principal"},
	{"port and source of a second record are not taken in", []string{oracle.Named}, nil, "shown port"},
	{"a used correlation id swallows another caller's act", []string{oracle.Named, oracle.Grave, oracle.Counted, oracle.Kept}, []string{"a used correlation id"}, ""},
	{"a second act in one deployment is taken for the first", []string{oracle.Named, oracle.Grave, oracle.Counted, oracle.Kept}, []string{"two acts in one deployment"}, ""},
	{"a summary keeps its first severity", []string{oracle.Grave}, []string{"a flood with a grave act in it"}, ""},
	{"a grave act waits behind lesser ones", []string{oracle.Timely}, []string{"a flood with a grave act in it"}, ""},
	{"a summary does not name the gravest", []string{oracle.Named}, []string{"a flood with a grave act in it"}, ""},
	{"what stands in Started only does not raise the severity", []string{oracle.Grave, oracle.Named}, []string{"a role that stands in Started only"}, ""},
	{"the second to ninth of a group reaches no channel without edits", []string{oracle.Named}, nil, "teams was never shown the resource"},
	{"the second to ninth of a group reaches no channel without edits", []string{oracle.Named}, nil, "webhook was never shown the resource"},
	{"a count is wrong from the 21st operation on", []string{oracle.Counted}, []string{"more than twenty operations", "a batch that races itself"}, ""},
	{"the ninth further rule is dropped with its severity", []string{oracle.Grave, oracle.Named}, []string{"more rules than an alert keeps"}, ""},
	{"a batch that races itself is answered 500", []string{oracle.Taken, oracle.Kept}, nil, "lost 12 races"},
	{"a record that the store refuses fails its batch for ever", []string{oracle.Taken, oracle.Kept, oracle.Named}, []string{"a record that the store refuses"}, ""},
	{"a failed hub batch is lost", []string{oracle.Kept}, nil, hub},
	{"the end of a health event is shown as another event", []string{oracle.EndShown}, []string{"a condition that ends"}, ""},
	{"a delivery is owed for ever", []string{oracle.PaidOff}, nil, ""},
}

// explain names the known fault behind a violation; "" when there is none.
func explain(v oracle.Violation) string {
	for _, k := range knownFaults {
		if slices.Contains(k.Rules, v.Rule) && (k.Moves == nil || slices.Contains(k.Moves, v.Part)) && strings.Contains(v.Detail, k.Like) {
			return k.Name
		}
	}
	return ""
}
