package lookup_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/enrich"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/local/azure"
)

const (
	assignmentID = "/providers/Microsoft.Management/managementGroups/mg-corp/providers/Microsoft.Authorization/policyAssignments/1f3afdf9d0c9bcd3a1b2c3d4"
	definitionID = "/providers/Microsoft.Authorization/policyDefinitions/0a914e76-4921-4c19-b460-a2d36003525a"
	initiativeID = "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/policySetDefinitions/1f3afdf9-d0c9-4c3d-847f-89da613e70a8"
)

// knownPolicies is a directory in which an assignment, its definition and its initiative have names.
func knownPolicies() azure.Directory {
	known := directory
	known.Bodies = map[string]string{}
	maps.Copy(known.Bodies, directory.Bodies)
	for id, name := range map[string]string{assignmentID: "Guardrails of production", definitionID: "Audit resource location", initiativeID: "Baseline"} {
		known.Bodies[strings.ToLower(id)] = `{"id":"` + id + `","properties":{"displayName":"` + name + `"}}`
	}
	return known
}

func segmentOf(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// TestPoliciesHaveNames asks for what a Policy event and the write of an assignment name by ids alone: the message has each name with
// its id beside it. Who may not read them, or finds them gone, keeps the ids.
func TestPoliciesHaveNames(t *testing.T) {
	t.Parallel()
	audit := activity.Event{
		ID: "e1", Category: activity.Policy, Operation: "microsoft.authorization/policies/audit/action", Outcome: activity.Succeeded, ResourceName: "sql-1", SubscriptionID: subscription,
		Properties: activity.Properties(`{"policies":[{"policyDefinitionId":"` + definitionID + `","policyDefinitionName":"` + segmentOf(definitionID) + `","policySetDefinitionId":"` + initiativeID +
			`","policySetDefinitionName":"` + segmentOf(initiativeID) + `","policyAssignmentId":"` + assignmentID + `","policyAssignmentName":"` + segmentOf(assignmentID) + `"}]}`),
	}
	written := activity.Event{
		ID: "e2", Category: activity.Administrative, Operation: "microsoft.authorization/policyassignments/write", Outcome: activity.Succeeded, SubscriptionID: subscription,
		ResourceID: strings.ToLower(assignmentID), ResourceName: segmentOf(assignmentID), Caller: "ann@contoso.example",
		Properties: activity.Properties(`{"requestbody":{"properties":{"policyDefinitionId":"` + definitionID + `"}}}`),
	}
	b := openKnowing(t, knownPolicies(), func(o *lookup.Options) { o.Names = []string{"policy"} })
	for _, c := range []struct {
		event    activity.Event
		want     map[string]string // facts
		headline string
	}{
		{audit, map[string]string{
			"Policy":     "Guardrails of production (" + segmentOf(assignmentID) + ")",
			"Definition": "Audit resource location (" + segmentOf(definitionID) + "), Baseline (" + segmentOf(initiativeID) + ")",
		}, "Policy flagged sql-1"},
		{written, map[string]string{
			"Policy": "Guardrails of production (" + segmentOf(assignmentID) + ")", "Definition": "Audit resource location (" + segmentOf(definitionID) + ")",
		}, "Policy assignment created or changed: Guardrails of production"},
	} {
		found, later := b.look(t, c.event)
		if later != nil {
			t.Errorf("%s: asked again later: %v", c.event.ID, later)
		}
		view := enrich.Of(c.event, enrich.Options{Names: found.Names})
		got := map[string]string{}
		for _, f := range view.Facts {
			if c.want[f.Name] != "" {
				got[f.Name] = f.Value
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || view.Headline != c.headline {
			t.Errorf("%s: %q, facts (-want +got):\n%s", c.event.ID, view.Headline, diff)
		}
		if !strings.Contains(view.Sentence, "Guardrails of production") {
			t.Errorf("%s: the sentence is %q", c.event.ID, view.Sentence)
		}
	}
	b = open(t, func(o *lookup.Options) { o.Names = []string{"policy"} })
	if found, later := b.look(t, audit); len(found.Names) > 0 || later != nil {
		t.Errorf("what is gone has the names %v, and is asked for later: %v", found.Names, later)
	}
	for _, id := range []string{"/providers/microsoft.authorization/policydefinitions/../../x", "https://evil.example/providers/microsoft.authorization/policydefinitions/x", "/providers/microsoft.authorization/locks/x", ""} {
		e := activity.Event{Operation: "microsoft.authorization/policydefinitions/write", ResourceID: id}
		if names := b.set.For(&e); len(names) > 0 {
			t.Errorf("%q is asked for", id)
		}
	}
}
