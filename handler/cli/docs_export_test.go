package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The month that the pages of docs/ show: October 2026 in one subscription, as `az monitor activity-log list` or the
// REST API would have it. Small enough to be understood, and with a rule that is too loud.

const docsSubscription = "6c64f977-6931-4378-9b16-725ae163bcf0"

// docsRecord is one record of the month.
type docsRecord struct {
	at                  time.Time
	caller, ip          string
	correlation         string
	operation, resource string // below the subscription
	category            string // Administrative, unless it says otherwise
	status, properties  string // Succeeded and {}, unless they say otherwise
}

// october writes the month into a folder and returns how many records it has.
func october(t *testing.T, folder string) int {
	t.Helper()
	var text strings.Builder
	all := append(octoberDeeds(), octoberNoise()...)
	for i, r := range all {
		text.WriteString(r.line(i) + "\n")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "2026-10.jsonl"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func octoberDay(day, hour, minute, second int) time.Time {
	return time.Date(2026, 10, day, hour, minute, second, 0, time.UTC)
}

// octoberDeeds are what people did.
func octoberDeeds() []docsRecord {
	const (
		front   = "/resourceGroups/rg-production/providers/Microsoft.Network/networkSecurityGroups/front"
		web     = "/resourceGroups/rg-production/providers/Microsoft.Compute/virtualMachines/web"
		owner   = "/providers/Microsoft.Authorization/roleAssignments/11111111-2222-3333-4444-555555555555"
		open    = `{"requestbody":"{\"properties\":{\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":\"Tcp\",\"sourceAddressPrefix\":\"*\",\"destinationPortRange\":\"22\",\"priority\":100}}"}`
		grant   = `{"requestbody":"{\"properties\":{\"roleDefinitionId\":\"/subscriptions/` + docsSubscription + `/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635\",\"principalId\":\"99999999-8888-7777-6666-555555555555\",\"principalType\":\"ServicePrincipal\"}}"}`
		locked  = `{"statusCode":"Conflict","statusMessage":"{\"error\":{\"code\":\"ScopeLocked\",\"message\":\"The scope is locked.\"}}"}`
		denied  = `{"isComplianceCheck":"False","policies":"[{\"policyDefinitionEffect\":\"deny\",\"policyAssignmentId\":\"/subscriptions/` + docsSubscription + `/providers/Microsoft.Authorization/policyAssignments/require-tags\"}]","message":"Resource was disallowed by policy."}`
		outage  = `{"previousHealthStatus":"Available","currentHealthStatus":"Unavailable","cause":"PlatformInitiated"}`
		bob     = "bob@contoso.example"
		ada     = "ada@contoso.example"
		eve     = "eve@contoso.example"
		atHome  = "203.0.113.7"
		atWork  = "198.51.100.20"
		setting = "/providers/Microsoft.Insights/diagnosticSettings/activity-log-export"
	)
	return []docsRecord{
		{at: octoberDay(5, 14, 2, 11), caller: ada, ip: atHome, correlation: "c-port", operation: "Microsoft.Network/networkSecurityGroups/securityRules/write", resource: front + "/securityRules/ssh-any", status: "Started", properties: open},
		{at: octoberDay(5, 14, 2, 12), caller: ada, ip: atHome, correlation: "c-port", operation: "Microsoft.Network/networkSecurityGroups/securityRules/write", resource: front + "/securityRules/ssh-any", status: "Accepted", properties: open},
		{at: octoberDay(5, 14, 2, 19), caller: ada, ip: atHome, correlation: "c-port", operation: "Microsoft.Network/networkSecurityGroups/securityRules/write", resource: front + "/securityRules/ssh-any"},
		{at: octoberDay(5, 14, 9, 40), caller: ada, ip: atHome, correlation: "c-owner", operation: "Microsoft.Authorization/roleAssignments/write", resource: owner, properties: grant},
		{at: octoberDay(6, 8, 30, 2), caller: bob, ip: atWork, correlation: "c-close", operation: "Microsoft.Network/networkSecurityGroups/securityRules/delete", resource: front + "/securityRules/ssh-any"},
		{at: octoberDay(9, 12, 30, 0), caller: bob, ip: atWork, correlation: "c-revoke", operation: "Microsoft.Authorization/roleAssignments/delete", resource: owner},
		{at: octoberDay(12, 9, 30, 0), caller: bob, ip: atWork, correlation: "c-vm-1", operation: "Microsoft.Compute/virtualMachines/delete", resource: web, status: "Failed", properties: locked},
		{at: octoberDay(12, 9, 41, 5), caller: bob, ip: atWork, correlation: "c-lock", operation: "Microsoft.Authorization/locks/delete", resource: web + "/providers/Microsoft.Authorization/locks/keep"},
		{at: octoberDay(12, 9, 42, 0), caller: bob, ip: atWork, correlation: "c-vm-2", operation: "Microsoft.Compute/virtualMachines/delete", resource: web},
		{at: octoberDay(14, 10, 0, 0), caller: eve, ip: atWork, correlation: "c-deny", operation: "Microsoft.Authorization/policies/deny/action", resource: "/resourceGroups/rg-production/providers/Microsoft.Storage/storageAccounts/scratch", category: "Policy", status: "Failed", properties: denied},
		{at: octoberDay(15, 8, 0, 0), correlation: "c-health", operation: "Microsoft.Resourcehealth/healthevent/Activated/action", resource: "/resourceGroups/rg-production/providers/Microsoft.Sql/servers/orders", category: "ResourceHealth", status: "Active", properties: outage},
		{at: octoberDay(20, 17, 15, 0), caller: eve, ip: atHome, correlation: "c-export", operation: "Microsoft.Insights/diagnosticSettings/delete", resource: setting},
	}
}

// octoberNoise is a pipeline that rebuilds four preview environments on every working day.
func octoberNoise() []docsRecord {
	var all []docsRecord
	for day := 1; day <= 31; day++ {
		if weekday := octoberDay(day, 0, 0, 0).Weekday(); weekday == time.Saturday || weekday == time.Sunday {
			continue
		}
		for n := range 4 {
			all = append(all, docsRecord{
				at: octoberDay(day, 2, n*10, 0), caller: "7a1c0f3e-2b4d-4e6f-8a9b-0c1d2e3f4a5b", ip: "192.0.2.44", correlation: fmt.Sprintf("c-preview-%d-%d", day, n),
				operation: "Microsoft.Network/networkSecurityGroups/delete",
				resource:  fmt.Sprintf("/resourceGroups/rg-preview-%d/providers/Microsoft.Network/networkSecurityGroups/nsg-preview", n+1),
			})
		}
	}
	return all
}

// line is the record as JSON.
func (r docsRecord) line(i int) string {
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	_, group, _ := strings.Cut(r.resource, "/resourceGroups/")
	group, _, _ = strings.Cut(group, "/")
	claims := fmt.Sprintf(`{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":%q,"ipaddr":%q}`, r.caller, r.ip)
	if !strings.Contains(r.caller, "@") {
		claims = fmt.Sprintf(`{"appid":%q,"idtyp":"app","ipaddr":%q}`, r.caller, r.ip)
	}
	at := r.at.Format("2006-01-02T15:04:05Z")
	return fmt.Sprintf(`{"eventTimestamp":%q,"submissionTimestamp":%q,"eventDataId":"00000000-0000-4000-8000-%012d","correlationId":%q,"category":{"value":%q},"level":"Informational",`+
		`"caller":%q,"claims":%s,"httpRequest":{"clientIpAddress":%q},"operationName":{"value":%q},"status":{"value":%q},"resourceGroupName":%q,"resourceId":%q,"subscriptionId":%q,"properties":%s}`,
		at, at, i, r.correlation, or(r.category, "Administrative"), r.caller, claims, r.ip, r.operation, or(r.status, "Succeeded"), group,
		"/subscriptions/"+docsSubscription+r.resource, docsSubscription, or(r.properties, "{}"))
}
