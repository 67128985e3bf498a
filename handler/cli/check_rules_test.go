package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/rules"
)

func TestCheckNamesRulesThatAreLeftOut(t *testing.T) {
	t.Parallel()
	a := &app.App{Rules: make([]*rules.Rule, 2), LeftOut: []rules.Left{
		{Place: "rules/a.yml:3:5", Why: rules.Broken, Reason: "it cannot match"},
		{Place: "rules/b.yml:1", Why: rules.OtherSource, Reason: "it is about another log"},
		{Place: "rules/c.yml:2", Why: rules.Misspelt, Reason: "its log source is nearly ours"},
	}}
	want := []checkLine{
		{"rules", true, "2 loaded; 1 are about other logs or retired (hint: handler rules list names them)"},
		{"rule left out", false, "rules/a.yml:3:5: it cannot match"},
		{"rule left out", false, "rules/c.yml:2: its log source is nearly ours"},
	}
	if diff := cmp.Diff(want, rulesCheck(a)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
