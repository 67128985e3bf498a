package lookup_test

import (
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/lookup"
)

// TestOnlyResourcesThatParseAreAskedFor tries ids that could lead elsewhere. An event's id is anybody's text.
func TestOnlyResourcesThatParseAreAskedFor(t *testing.T) {
	t.Parallel()
	const scope = "/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10"
	operations := map[string]string{"/securityRules/": "microsoft.network/networksecuritygroups/securityrules/write", "/accessPolicies/": "microsoft.keyvault/vaults/accesspolicies/write"}
	for id, want := range map[string]bool{
		scope + "/providers/Microsoft.Authorization/roleAssignments/11111111-1111-4111-8111-111111111111":             true,
		"/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.Authorization/roleAssignments/1":     true,
		"/providers/Microsoft.Authorization/roleAssignments/1":                                                        true,
		scope + "/resourceGroups/rg (prod)/providers/Microsoft.Network/networkSecurityGroups/nsg/securityRules/allow": true,
		scope + "/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv/accessPolicies/add":                        true,
		scope + "/providers/Microsoft.Authorization/roleAssignments/..":                                               false,
		scope + "/../providers/Microsoft.Authorization/roleAssignments/1":                                             false,
		scope + "/providers/Microsoft.Authorization/roleAssignments/1?x=1":                                            false,
		scope + "/providers/Microsoft.Authorization/roleAssignments/1%2f..":                                           false,
		scope + "/providers/Microsoft.Authorization/roleAssignments/1#":                                               false,
		scope + "/providers/Microsoft.Authorization/roleAssignments/":                                                 false,
		scope + "/providers/Microsoft.Authorization/roleAssignments":                                                  false,
		"https://evil.example/providers/Microsoft.Authorization/roleAssignments/1":                                    false,
		"//evil.example/providers/Microsoft.Authorization/roleAssignments/1":                                          false,
		scope + "/providers/Microsoft.Compute/virtualMachines/vm":                                                     false,
		scope + "/providers/Microsoft.Authorization/roleAssignments/" + strings.Repeat("x", 200):                      false,
		"": false,
	} {
		e := activity.Event{Operation: "microsoft.authorization/roleassignments/write", ResourceID: id}
		for part, operation := range operations {
			if strings.Contains(id, part) {
				e.Operation = operation
			}
		}
		asked := false
		for _, name := range lookup.Relevant(&e) {
			asked = asked || name == "resource"
		}
		if asked != want {
			t.Errorf("%s: asked for %v, want %v", id, asked, want)
		}
	}
}
