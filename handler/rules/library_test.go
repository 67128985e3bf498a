package rules_test

import (
	"slices"
	"testing"

	"github.com/auditbell/auditbell/handler/rules"
)

func library(t testing.TB) ([]*rules.Rule, *rules.Set) {
	t.Helper()
	all, err := rules.Library()
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	return all, set
}

func TestLibraryExamplesHold(t *testing.T) {
	t.Parallel()
	all, set := library(t)
	for _, r := range all {
		for _, want := range []bool{true, false} {
			examples := r.Auditbell.Examples.NoMatch
			if want {
				examples = r.Auditbell.Examples.Match
			}
			if len(examples) < 2 {
				t.Errorf("%s: %d examples that match=%v, want at least 2", r.ID, len(examples), want)
			}
			for _, x := range examples {
				for _, s := range x.Steps {
					got := slices.Contains(set.Match(nil, &s.Event), r)
					if got != want {
						t.Errorf("%s:%d: %s: match = %v, want %v", r.File, x.Line, x.Name, got, want)
					}
				}
			}
		}
	}
}
