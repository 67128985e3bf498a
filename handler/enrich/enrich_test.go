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
		{
			administrative("Microsoft.Network/networkSecurityGroups/delete", activity.Succeeded),
			"Network security group deleted: nsg-web", "Rob Robertson deleted network security group nsg-web in rg-prod.",
		},
		{
			administrative("MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/SECURITYRULES/WRITE", activity.Failed),
			"Network security rule not created or changed: nsg-web", "Rob Robertson failed to create or change network security rule nsg-web in rg-prod.",
		},
		{
			administrative("Microsoft.Storage/storageAccounts/listKeys/action", activity.Started),
			"Storage account: “list keys” on nsg-web (started)", "Rob Robertson started to run “list keys” on storage account nsg-web in rg-prod.",
		},
		{
			administrative("Microsoft.ApiManagement/service/gateways/write", activity.Succeeded),
			"Gateway created or changed: nsg-web", "Rob Robertson created or changed gateway nsg-web in rg-prod.",
		},
		{
			administrative("Add member to role completed (PIM activation)", ""),
			"A role activated on nsg-web", "Rob Robertson activated a role on nsg-web.",
		},
		{
			activity.Event{Category: activity.ServiceHealth, Outcome: activity.Active, Properties: activity.Properties(
				`{"title":"Network - UK South","service":"Service Fabric","region":"UK South","incidentType":"Incident","stage":"Active"}`)},
			"Service incident: Network - UK South", "Azure has trouble with Service Fabric in UK South; it is not over yet.",
		},
		{
			activity.Event{Category: activity.ResourceHealth, ResourceName: "vm-1", Properties: activity.Properties(
				`{"currentHealthStatus":"Unavailable","previousHealthStatus":"Available","cause":"PlatformInitiated"}`)},
			"vm-1 is unavailable", "vm-1 is unavailable; it was available before; the cause is Azure's platform.",
		},
		{
			activity.Event{Category: activity.Autoscale, Outcome: activity.Succeeded, Properties: activity.Properties(
				`{"ResourceName":"/subscriptions/s/x/web","OldInstancesCount":"3","NewInstancesCount":"2"}`)},
			"web scaled in from 3 to 2 instances", "Autoscale scaled web in from 3 to 2 instances; no person did it.",
		},
		{
			activity.Event{Category: activity.Policy, Operation: "microsoft.authorization/policies/deny/action", Outcome: activity.Failed, ResourceName: "sql-1", Caller: "dev@contoso.example"},
			"Policy denied a change of sql-1", "Azure Policy denied a change of sql-1 that dev@contoso.example asked for; the guard did its work and nothing was changed.",
		},
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
	if len(v.Links) != 3 {
		t.Fatalf("links: %v, want 3", v.Links)
	}
	for _, l := range v.Links {
		if !strings.HasPrefix(l.URL, "https://portal.azure.us/#") || strings.ContainsAny(l.URL, "\"<> ") || strings.Count(l.URL, "#") != 1 {
			t.Errorf("link leaves its place: %s", l.URL)
		}
	}
}

// Every category reads like what it is, in the states that differ for a reader.
func TestEveryCategoryReadsLikeWhatItIs(t *testing.T) {
	t.Parallel()
	health := func(kind, stage, more string) activity.Event {
		return activity.Event{Category: activity.ServiceHealth, Properties: activity.Properties(
			`{"title":"TLS &amp; more","service":"Storage","region":"West Europe","incidentType":"` + kind + `","stage":"` + stage + `"` + more + `}`)}
	}
	deny := func(effect, caller, more string) activity.Event {
		return activity.Event{
			Category: activity.Policy, Operation: "microsoft.authorization/policies/" + effect + "/action", Caller: caller, ResourceName: "sql-1",
			Properties: activity.Properties(`{"policies":[{"policyAssignmentName":"no-public-ip","policyDefinitionName":"5775cdd5-d3d3-47bf-bc55-bb8b61746506"}]` + more + `}`),
		}
	}
	for _, c := range []struct {
		event          activity.Event
		headline, says string
	}{
		{
			health("Incident", "Resolved", `,"impactStartTime":"2026-03-04T09:00:00Z","impactMitigationTime":"2026-03-04T14:30:00Z"`),
			"Service incident over: TLS & more", "The incident that affected Storage in West Europe is over after 5h30m.",
		},
		{health("Incident", "RCA", ""), "Service incident explained: TLS & more", "Azure published the root cause of the incident that affected Storage in West Europe."},
		{health("Maintenance", "InProgress", ""), "Planned maintenance: TLS & more", "Azure plans maintenance of Storage in West Europe, now in progress."},
		{health("ActionRequired", "Active", ""), "Action required: TLS & more", "Azure asks you to act on Storage in West Europe; read what it says and by when."},
		{health("Security", "Active", ""), "Security advisory: TLS & more", "Azure sent a security advisory about Storage in West Europe; keep it confidential."},
		{health("Informational", "Active", ""), "Health information: TLS & more", "Azure has news about Storage in West Europe; nothing is broken."},
		{
			activity.Event{Category: activity.ResourceHealth, ResourceName: "vm-1", ResourceType: "microsoft.compute/virtualmachines", Properties: activity.Properties(
				`{"currentHealthStatus":"Available","previousHealthStatus":"Unavailable","cause":"UserInitiated"}`)},
			"Virtual machine vm-1 is available again", "Virtual machine vm-1 is available again; it was unavailable before; a person's action caused it.",
		},
		{
			activity.Event{Category: activity.Autoscale, Outcome: activity.Failed, Properties: activity.Properties(
				`{"ResourceName":"/subscriptions/s/x/web","OldInstancesCount":"2","NewInstancesCount":"5"}`)},
			"web could not scale out: 2 instances, 5 wanted", "Autoscale failed to scale web out from 2 to 5 instances; it stays at 2.",
		},
		{
			deny("deny", "dev@contoso.example", ""), "Policy denied a change of sql-1",
			"Azure Policy denied a change of sql-1 that dev@contoso.example asked for; the guard no-public-ip did its work and nothing was changed.",
		},
		{
			deny("audit", "dev@contoso.example", `,"isComplianceCheck":"True"`), "Policy flagged sql-1",
			"Azure Policy flagged sql-1 as not compliant in a check of its own; it does not meet no-public-ip; nothing was stopped.",
		},
		{
			deny("modify", "dev@contoso.example", ""), "Policy corrected sql-1",
			"Azure Policy corrected a change of sql-1 that dev@contoso.example asked for; policy: no-public-ip.",
		},
		{
			activity.Event{Category: activity.Security, Description: "Suspicious file executed. Logs show it.", Properties: activity.Properties(
				`{"ActionTaken":"Detected","Severity":"High","userName":"ops","compromisedEntity":"vm-1"}`)},
			"Defender: Suspicious file executed", "Microsoft Defender for Cloud detected this on vm-1, done by the account ops, and rates it high.",
		},
		{
			activity.Event{Category: activity.Recommendation, ResourceName: "st1", Properties: activity.Properties(
				`{"recommendationCategory":"HighAvailability","recommendationImpact":"Medium","recommendationName":"Use zones."}`)},
			"Advisor: Use zones on st1", "Azure Advisor has a high availability recommendation with medium impact for st1; nothing has changed yet.",
		},
		{
			activity.Event{Category: activity.AlertCategory, Outcome: activity.Active, Properties: activity.Properties(`{"RuleName":"disk"}`)},
			"Alert disk active", "The Azure Monitor alert rule disk fired.",
		},
		{
			activity.Event{Category: "Sustainability", OperationDisplay: "Contoso.Energy/meters/report", ResourceName: "meter-1", Outcome: activity.Failed},
			"Sustainability: Contoso.Energy/meters/report on meter-1 (failed)", "Azure reports “Contoso.Energy/meters/report” on meter-1; Sustainability is a category that Auditbell does not know.",
		},
		{
			administrative("Microsoft.Authorization/elevateAccess/action", activity.Succeeded),
			"Microsoft.Authorization/elevateAccess/action on nsg-web", "Rob Robertson ran “elevate access” on nsg-web in rg-prod.",
		},
		{
			administrative("Microsoft.Network/networkSecurityGroups/delete", activity.Canceled),
			"Network security group not deleted: nsg-web", "Rob Robertson began to delete network security group nsg-web in rg-prod, and it was canceled.",
		},
	} {
		v := enrich.Of(c.event, enrich.Options{})
		if v.Headline != c.headline || v.Sentence != c.says {
			t.Errorf("got  %q / %q\nwant %q / %q", v.Headline, v.Sentence, c.headline, c.says)
		}
	}
}

// A list item has a name for people where other forms have the operation's own spelling.
func TestOperationsOfListItemsReadAsWell(t *testing.T) {
	t.Parallel()
	e := administrative("Microsoft.Storage/storageAccounts/listKeys/action", activity.Succeeded)
	e.OperationDisplay = "List Storage Account Keys"
	if v := enrich.Of(e, enrich.Options{}); v.Sentence != "Rob Robertson ran “List Storage Account Keys” on storage account nsg-web in rg-prod." {
		t.Error(v.Sentence)
	}
	e = administrative("Microsoft.Cdn/customDomains/delete", activity.Succeeded)
	e.OperationDisplay = "MICROSOFT.CDN/CUSTOMDOMAINS/DELETE"
	e.Properties = activity.Properties(`{"authorization":{"action":"Microsoft.Cdn/customDomains/delete"}}`)
	if v := enrich.Of(e, enrich.Options{}); v.Sentence != "Rob Robertson deleted custom domain nsg-web in rg-prod." {
		t.Error(v.Sentence)
	}
}

func TestFailuresSayWhy(t *testing.T) {
	t.Parallel()
	for properties, want := range map[string]string{
		`{"statusMessage":"no room\nsecond line"}`:                                         "no room",
		`{"statusMessage":{"error":{"code":"ScopeLocked","message":"rg-prod is locked"}}}`: "ScopeLocked: rg-prod is locked",
		`{"statusMessage":{"code":"Conflict"}}`:                                            "Conflict",
	} {
		e := administrative("Microsoft.Network/networkSecurityGroups/delete", activity.Failed)
		e.Properties = activity.Properties(properties)
		if v := enrich.Of(e, enrich.Options{}); v.Facts[0] != (enrich.Fact{Name: "Error", Value: want}) {
			t.Errorf("%s: first fact %v, want the error %q", properties, v.Facts[0], want)
		}
	}
}

func TestBriefKeepsBothEnds(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("é", 5000) + "-archive"
	e := administrative("Microsoft.Storage/storageAccounts/delete", activity.Succeeded)
	e.ResourceName = name
	v := enrich.Of(e, enrich.Options{})
	for _, text := range []string{v.Headline, v.Sentence} {
		if n := len([]rune(text)); n > 200 || !strings.Contains(text, "é…é") || !strings.Contains(text, "-archive") {
			t.Errorf("%d characters: %s", n, text)
		}
	}
	if short := strings.Repeat("x", 90); enrich.Brief(short) != short {
		t.Error("a name as Azure allows it was cut")
	}
}
