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
