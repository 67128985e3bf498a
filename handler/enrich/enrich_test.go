package enrich_test

import (
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/enrich"
)

func administrative(operation string, o activity.Outcome) activity.Event {
	return activity.Event{
		Category: activity.Administrative, Operation: strings.ToLower(operation), OperationDisplay: operation, Outcome: o,
		Caller: "rob@contoso.example", CallerName: "Rob Robertson", CallerType: activity.User,
		ResourceGroup: "rg-prod", ResourceName: "nsg-web", SubscriptionID: "s1", TenantID: "t1",
		ResourceID: "/subscriptions/s1/resourcegroups/rg-prod/providers/microsoft.network/networksecuritygroups/nsg-web",
	}
}

func TestSentencesReadLikeWhatHappened(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event          activity.Event
		headline, says string
	}{
		{administrative("Microsoft.Network/networkSecurityGroups/delete", activity.Succeeded),
			"Network security group deleted: nsg-web", "Rob Robertson deleted network security group nsg-web in rg-prod."},
		{administrative("MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/SECURITYRULES/WRITE", activity.Failed),
			"Network security rule created or changed: nsg-web", "Rob Robertson failed to create or change network security rule nsg-web in rg-prod."},
		{administrative("Microsoft.Storage/storageAccounts/listKeys/action", activity.Started),
			"Storage account: “list keys” on nsg-web", "Rob Robertson started to run “list keys” on storage account nsg-web in rg-prod."},
		{administrative("Microsoft.ApiManagement/service/gateways/write", activity.Succeeded),
			"Gateway created or changed: nsg-web", "Rob Robertson created or changed gateway nsg-web in rg-prod."},
		{administrative("Add member to role completed (PIM activation)", ""),
			"Add member to role completed (PIM activation) on nsg-web", "Rob Robertson ran “Add member to role completed (PIM activation)” on nsg-web in rg-prod."},
		{activity.Event{Category: activity.ServiceHealth, Outcome: activity.Active, Properties: activity.Properties(
			`{"title":"Network - UK South","service":"Service Fabric","region":"UK South","incidentType":"Incident","stage":"Active"}`)},
			"Network - UK South", "Azure reports a service incident affecting Service Fabric in UK South, now active."},
		{activity.Event{Category: activity.ResourceHealth, ResourceName: "vm-1", Properties: activity.Properties(
			`{"currentHealthStatus":"Unavailable","previousHealthStatus":"Available","cause":"PlatformInitiated"}`)},
			"vm-1 is unavailable", "Resource health of vm-1 went from Available to Unavailable, cause: platform initiated."},
		{activity.Event{Category: activity.Autoscale, Outcome: activity.Succeeded, Properties: activity.Properties(
			`{"ResourceName":"/subscriptions/s/x/web","OldInstancesCount":"3","NewInstancesCount":"2"}`)},
			"web scaled from 3 to 2 instances", "Autoscale changed web from 3 to 2 instances."},
		{activity.Event{Category: activity.Policy, Operation: "microsoft.authorization/policies/deny/action", Outcome: activity.Failed, ResourceName: "sql-1", Caller: "dev@contoso.example"},
			"Policy denied a change to sql-1", "Azure Policy denied a change to sql-1, requested by dev@contoso.example; the guard did its work."},
		{activity.Event{}, "Activity", "Somebody the event does not name ran “an unnamed operation” on a resource."},
	} {
		v := enrich.Of(c.event, enrich.Options{})
		if v.Headline != c.headline || v.Sentence != c.says {
			t.Errorf("got  %q / %q\nwant %q / %q", v.Headline, v.Sentence, c.headline, c.says)
		}
	}
}

func TestRoleAssignmentNamesTheRole(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"requestbody":{"Properties":{"RoleDefinitionId":"/x/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635","PrincipalId":"p1","Scope":"/subscriptions/s1/resourceGroups/rg-prod"}}}`,
		`{"responseBody":{"properties":{"roleDefinitionId":"/x/8E3AF657-A8FF-443C-A75C-2FE8C4BCB635","principalId":"p1","scope":"/subscriptions/s1/resourceGroups/rg-prod"}}}`,
	} {
		e := administrative("Microsoft.Authorization/roleAssignments/write", activity.Succeeded)
		e.Properties = activity.Properties(body)
		v := enrich.Of(e, enrich.Options{})
		if v.Headline != "Owner role granted on rg-prod" || v.Sentence != "Rob Robertson granted Owner on rg-prod to p1." {
			t.Errorf("%q / %q", v.Headline, v.Sentence)
		}
	}
}

func TestRoleAssignmentWithoutItsRequestStillReads(t *testing.T) {
	t.Parallel()
	e := administrative("Microsoft.Authorization/roleAssignments/delete", activity.Failed)
	e.ResourceID = "/subscriptions/s1/providers/microsoft.authorization/roleassignments/guid"
	v := enrich.Of(e, enrich.Options{})
	if v.Headline != "Role not removed on subscription s1" || v.Sentence != "Rob Robertson failed to remove a role on subscription s1." {
		t.Errorf("%q / %q", v.Headline, v.Sentence)
	}
}

func TestLinksStayOnThePortal(t *testing.T) {
	t.Parallel()
	e := administrative("Microsoft.Network/networkSecurityGroups/delete", activity.Succeeded)
	e.ResourceID = `/subscriptions/s1/x"><script>/../../#@evil?x=1 y`
	e.TenantID = "//evil.example/"
	e.CallerObjectID = "f409edeb-4d29-44b5-9763-ee9348ad91bb"
	v := enrich.Of(e, enrich.Options{Portal: "https://portal.azure.us/"})
	if len(v.Links) != 4 {
		t.Fatalf("links: %v, want 4", v.Links)
	}
	for _, l := range v.Links {
		if !strings.HasPrefix(l.URL, "https://portal.azure.us/#") || strings.ContainsAny(l.URL, "\"<> ") || strings.Count(l.URL, "#") != 1 {
			t.Errorf("link leaves its place: %s", l.URL)
		}
	}
}
