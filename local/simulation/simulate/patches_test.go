package main

import (
	"strings"
	"testing"
)

// TestFaultsApply keeps the patches in step with the program.
func TestFaultsApply(t *testing.T) {
	t.Parallel()
	all, err := patches("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Errorf("%d faults, wanted are 20 and more", len(all))
	}
	for _, p := range all {
		if _, err := p.apply("../../.."); err != nil {
			t.Error(err)
		}
	}
}

func TestAFaultThatDoesNotApplyIsNamed(t *testing.T) {
	t.Parallel()
	p := patch{name: "made-up", edits: []replacement{{"go.mod", "this stands nowhere", ""}}}
	if _, err := p.apply("../../.."); err == nil || !strings.Contains(err.Error(), "fault made-up does not apply to go.mod") {
		t.Error(err)
	}
}
