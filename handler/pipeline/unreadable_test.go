package pipeline_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/rules"
)

// bare is a record of an act as Event Grid brings it: without what was asked for.
func bare(operation, resource string, at time.Time) activity.Event {
	return activity.Event{
		ID: "bare", Form: activity.FormEventGrid, Time: activity.At(at), Category: activity.Administrative, Outcome: activity.Succeeded,
		Operation: operation, CorrelationID: "c-bare", Caller: "rob@contoso.example", SubscriptionID: "s", ResourceID: resource, ResourceName: "one",
	}
}

// TestAResourceIsJudgedByWhatItsRequestWouldHaveSaid has rules that ask for members of a request, of which only Azure's answer
// about the resource is there.
func TestAResourceIsJudgedByWhatItsRequestWouldHaveSaid(t *testing.T) {
	t.Parallel()
	const group = "/subscriptions/s/resourcegroups/rg/providers/"
	for _, c := range []struct{ operation, resource, answer, want string }{
		{"microsoft.authorization/roleassignmentschedulerequests/write", "microsoft.authorization/roleassignmentschedulerequests/one", `{"properties":{"requestType":"AdminAssign","status":"Provisioned","roleDefinitionId":"` + ownerRole + `","scheduleInfo":{"expiration":{"type":"NoExpiration"}}}}`, "critical "},
		{"microsoft.authorization/roleeligibilityschedulerequests/write", "microsoft.authorization/roleeligibilityschedulerequests/one", `{"properties":{"requestType":"AdminAssign","status":"Provisioned","roleDefinitionId":"` + readerRole + `"}}`, "medium "},
		{"microsoft.keyvault/vaults/write", "microsoft.keyvault/vaults/one", `{"properties":{"enableSoftDelete":false}}`, "high "},
		{"microsoft.sql/servers/auditingsettings/write", "microsoft.sql/servers/one/auditingsettings/default", `{"properties":{"state":"Disabled"}}`, "high "},
		{"microsoft.sql/servers/auditingsettings/write", "microsoft.sql/servers/one/auditingsettings/default", `{"properties":{"state":"Enabled"}}`, ""},
		{"microsoft.storage/storageaccounts/blobservices/write", "microsoft.storage/storageaccounts/one/blobservices/default", `{"properties":{"deleteRetentionPolicy":{"enabled":false}}}`, "high "},
		{"microsoft.insights/metricalerts/write", "microsoft.insights/metricalerts/one", `{"properties":{"enabled":false}}`, "high "},
		{"microsoft.recoveryservices/vaults/write", "microsoft.recoveryservices/vaults/one", `{"properties":{"securitySettings":{"softDeleteSettings":{"softDeleteState":"Disabled"}}}}`, "critical "},
		{"microsoft.compute/virtualmachines/extensions/write", "microsoft.compute/virtualmachines/one/extensions/x", `{"properties":{"type":"CustomScript"}}`, "high "},
		{"microsoft.compute/virtualmachines/extensions/write", "microsoft.compute/virtualmachines/one/extensions/x", `{"properties":{"type":"AzureMonitorLinuxAgent"}}`, "informational "},
	} {
		p, cards, at := granting(t, &manager{found: alert.Learned{Body: activity.Properties(c.answer), AsOf: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}})
		e := bare(c.operation, group+c.resource, at.now())
		activity.AddPIM(&e) // as records are decoded
		send(t, p, at, e)
		if got := strings.Join(cards.cards, "\n"); (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) || len(cards.cards) > 1 {
			t.Errorf("%s, answered %s: %q; want %q", c.operation, c.answer, got, c.want)
		}
	}
}

// TestWhatCannotBeReadIsTheGravestItCouldBe has acts that Azure cannot be asked about.
func TestWhatCannotBeReadIsTheGravestItCouldBe(t *testing.T) {
	t.Parallel()
	const group = "/subscriptions/s/resourcegroups/"
	for name, c := range map[string]struct{ operation, resource, want string }{
		"an id that does not parse":                    {"microsoft.sql/servers/firewallrules/write", group + "prüfung/providers/microsoft.sql/servers/one/firewallrules/x", "high "},
		"an id of another type":                        {"microsoft.sql/servers/firewallrules/write", group + "rg/providers/microsoft.sql/servers/one", "high "},
		"no id":                                        {"microsoft.authorization/roleassignments/write", "", "critical "},
		"a type that a rule names":                     {"contoso.house/doors/write", group + "rg/providers/contoso.house/doors/one", "high "},
		"an action that a rule names":                  {"contoso.house/doors/open/action", group + "rg/providers/contoso.house/doors/one", "high "},
		"a type that only a rule for all writes means": {"microsoft.compute/disks/write", group + "rg/providers/microsoft.compute/disks/one", ""},
	} {
		p, cards, at := granting(t, nil)
		p.Unreadable = lookup.IsUnreadable
		p.Rules = withRules(t, `
title: Door opened
logsource: {product: azure, service: activitylogs}
detection:
  operation: {operationName|startswith: Contoso.House/doors/}
  wide: {properties.requestbody.properties.wide: true}
  condition: operation and wide
level: high
auditbell: {id: door-opened}
---
title: Anything made public
logsource: {product: azure, service: activitylogs}
detection:
  any: {operationName|endswith: /write}
  public: {properties.requestbody.properties.publicNetworkAccess: Enabled}
  condition: any and public
level: critical
auditbell: {id: anything-public}
`)
		send(t, p, at, bare(c.operation, c.resource, at.now()))
		got := strings.Join(cards.cards, "\n")
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) || len(cards.cards) > 1 {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
		f, found := p.Find(bare(c.operation, c.resource, at.now()))
		if found != (c.want != "") || found && !strings.Contains(strings.Join(f.Notes, "\n"), "what was asked for is not known: Azure cannot be asked for it; it could have been") {
			t.Errorf("%s: found %v, and the notes are %q", name, found, f.Notes)
		}
	}
}

// withRules is the rule library with more rules, compiled.
func withRules(t *testing.T, text string) *rules.Set {
	t.Helper()
	all, err := rules.Library()
	if err != nil {
		t.Fatal(err)
	}
	more, err := rules.Load(fstest.MapFS{"more.yml": {Data: []byte(text)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Compile(append(all, more...))
	if err != nil {
		t.Fatal(err)
	}
	return set
}
