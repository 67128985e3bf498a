package rules_test

import (
	"slices"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
)

func TestWhatABodyCouldHaveSaid(t *testing.T) {
	t.Parallel()
	_, set := library(t)
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
