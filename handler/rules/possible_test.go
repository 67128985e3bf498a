package rules_test

import (
	"slices"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
)

func TestWhatABodyCouldHaveSaid(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	grant := activity.Event{
		Operation: "microsoft.authorization/roleassignments/write", Outcome: activity.Succeeded, Category: activity.Administrative,
		ResourceID: "/subscriptions/s/providers/microsoft.authorization/roleassignments/1",
	}
	ids := func(e activity.Event) (list []string) {
		for _, r := range set.Possible(nil, &e) {
			list = append(list, r.ID)
		}
		return list
	}
	if got := ids(grant); !slices.Contains(got, "role-assignment-owner-wide") || !slices.Contains(got, "role-assignment-alert") {
		t.Errorf("a grant without a body could be %v", got)
	}
	grant.Outcome = activity.Failed
	if got := ids(grant); slices.Contains(got, "role-assignment-owner-wide") {
		t.Errorf("a grant that failed could be %v", got)
	}
	if got := ids(activity.Event{Operation: "microsoft.compute/virtualmachines/start/action", Outcome: activity.Succeeded, Category: activity.Administrative}); len(got) > 0 {
		t.Errorf("starting a machine could be %v", got)
	}
}

// TestWhatARequestWasComesBeforeHowItIsRead has a grant whose record carries no body: among the gravest that it could be, what
// it gave comes first, and that its body could not be read comes last.
func TestWhatARequestWasComesBeforeHowItIsRead(t *testing.T) {
	t.Parallel()
	_, set := rulestest.Library(t)
	e := activity.Event{
		Operation: "microsoft.authorization/roleassignments/write", Category: activity.Administrative, Outcome: activity.Succeeded,
		ResourceID: "/subscriptions/s/resourcegroups/rg/providers/microsoft.authorization/roleassignments/r1",
	}
	possible := set.Possible(nil, &e)
	high := slices.DeleteFunc(slices.Clone(possible), func(r *rules.Rule) bool { return r.Level != rules.High })
	if len(high) < 2 || possible[0] != high[0] || high[len(high)-1].ID != "request-unreadable" {
		t.Errorf("%d high ones of %d possible rules; the last of them must be request-unreadable", len(high), len(possible))
	}
}
