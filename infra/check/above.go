package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// held is an argument of infra/modules/tenant that decides what is watched, or who may do what, above subscriptions. Azure takes
// another value without a word, and what is not watched is silent.
type held struct {
	resource, argument string // blocks and arguments by a dot
	want               string // as it is written, whatever the white space
	why                string
}

// above has at least one line for each resource of the module; a test holds that, and that a change of each line is found.
var above = []held{
	{
		"azurerm_role_definition.group_reader", "permissions.actions",
		`["Microsoft.Insights/eventtypes/values/read", "Microsoft.Management/managementGroups/read", "Microsoft.Authorization/policyAssignments/read", "Microsoft.Authorization/policyDefinitions/read", "Microsoft.Authorization/policySetDefinitions/read", "Microsoft.Authorization/roleAssignments/read", "Microsoft.Authorization/roleAssignmentScheduleRequests/read", "Microsoft.Authorization/roleDefinitions/read", "Microsoft.Authorization/roleEligibilityScheduleRequests/read"]`,
		"without the first the poll reads nothing, and more than these is too much",
	},
	{"azurerm_role_assignment.group_reader", "scope", "local.groups[each.key]", "the app reads the log of each group"},
	{"azurerm_role_assignment.group_reader", "principal_id", "var.core.app_principal_id", "it is the app that reads"},
	{"azurerm_role_assignment.tenant_reader", "scope", `"/providers/Microsoft.Insights"`, "there is the tenant's log; at / it would read every resource"},
	{"azurerm_monitor_diagnostic_setting.group", "target_resource_id", "each.value", "the group's own log is exported"},
	{"azurerm_monitor_diagnostic_setting.group", "dynamic.content.category", "enabled_log.value", "each of its categories is exported"},
	{"azapi_resource.elevate_access", "parent_id", `"/providers/Microsoft.Management/managementGroups/${var.tenant_alerts.tenant_id}"`, "the root group is named as the tenant"},
	{"azurerm_policy_definition.activity_log", "management_group_id", "each.value", "the policy is there where it is assigned"},
	{"azurerm_management_group_policy_assignment.activity_log", "identity.type", `"SystemAssigned"`, "the policy deploys as its own identity"},
	{"azurerm_role_assignment.policy", "principal_id", "azurerm_management_group_policy_assignment.activity_log[each.key].identity[0].principal_id", "the policy's identity makes settings"},
	{
		"azurerm_role_definition.exporter", "permissions.actions",
		`["Microsoft.OperationalInsights/workspaces/sharedKeys/action", "Microsoft.Storage/storageAccounts/listKeys/action", "Microsoft.EventHub/namespaces/authorizationRules/listkeys/action"]`,
		"a setting may lead to these three, and its maker may do no more",
	},
	{"azurerm_role_assignment.exporter", "principal_id", "azurerm_management_group_policy_assignment.activity_log[each.key].identity[0].principal_id", "the policy's identity names where settings lead"},
	{"azurerm_policy_definition.events", "management_group_id", "each.value", "the policy is there where it is assigned"},
	{"azurerm_management_group_policy_assignment.events", "identity.type", `"SystemAssigned"`, "the policy deploys as its own identity"},
	{"azurerm_role_assignment.events", "principal_id", "azurerm_management_group_policy_assignment.events[each.key].identity[0].principal_id", "the policy's identity makes event subscriptions"},
	{"azurerm_role_definition.subscriber", "permissions.actions", `["Microsoft.Web/sites/functions/read", "Microsoft.Web/sites/functions/write"]`, "Event Grid asks for the second, and no setting or code may be written"},
	{"azurerm_role_assignment.subscriber", "scope", "var.core.function_app_id", "the right is at this app alone"},
}

// checkAbove holds infra/modules/tenant to what was decided about it, and its policies to the feeds they stand for.
func checkAbove(r *repo) (problems []string, err error) {
	for _, h := range above {
		b := r.above.resources[h.resource]
		if b == nil {
			problems = append(problems, fmt.Sprintf("infra/modules/tenant has no %s: %s", h.resource, h.why))
			continue
		}
		if got := r.above.written(b, h.argument); got != squeezed(h.want) {
			problems = append(problems, fmt.Sprintf("%s has %s = %s, want %s: %s", h.resource, h.argument, got, squeezed(h.want), h.why))
		}
	}
	if got := literals(r.above.locals["group_categories"]); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"Administrative", "Policy"}) {
		problems = append(problems, fmt.Sprintf("the groups' logs are exported with the categories %v; they have Administrative and Policy", got))
	}
	if got, want := product(literals(r.above.locals["event_types"])), literals(r.watched.locals["event_types"]); !slices.Equal(got, want) {
		problems = append(problems, fmt.Sprintf("the policy's events are %v, those of modules/subscription %v", got, want))
	}
	elevate := r.above.literals("azapi_resource.elevate_access")
	if operation := "Microsoft.Authorization/elevateAccess/action"; !slices.Contains(elevate, operation) || r.Alerts != nil && !r.Alerts(operation) {
		problems = append(problems, "the tenant's alert rule and a rule of the library must be about "+operation)
	}
	for _, name := range []string{"activity_log", "events"} {
		rule := r.above.literals("azurerm_policy_definition." + name)
		for _, must := range []string{"Microsoft.Resources/subscriptions", "deployIfNotExists", "subscription"} {
			if !slices.Contains(rule, must) {
				problems = append(problems, fmt.Sprintf("the policy %s lacks %q: it must make what a subscription lacks", name, must))
			}
		}
	}
	return problems, nil
}

// literals are the texts of a resource, none where it is not.
func (m *module) literals(resource string) []string {
	if b := m.resources[resource]; b != nil {
		return literals(b.Body)
	}
	return nil
}

// product is what the module's setproduct of three verbs and three outcomes makes.
func product(parts []string) (types []string) {
	const verbs = 3
	for _, verb := range parts[:min(verbs, len(parts))] {
		for _, end := range parts[min(verbs, len(parts)):] {
			types = append(types, "Microsoft.Resources.Resource"+verb+end)
		}
	}
	return types
}

// written is an argument as the source has it, without white space that means nothing; "" where it is not.
func (m *module) written(b *hclsyntax.Block, path string) string {
	body := b.Body
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		i := slices.IndexFunc(body.Blocks, func(b *hclsyntax.Block) bool { return b.Type == part })
		if i < 0 {
			return ""
		}
		body = body.Blocks[i].Body
	}
	a := body.Attributes[parts[len(parts)-1]]
	if a == nil {
		return ""
	}
	return squeezed(string(a.Expr.Range().SliceBytes(m.files[a.Range().Filename].text)))
}

// squeezed is a text without white space, and without the comma that may end a list.
func squeezed(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), ""), ",]", "]")
}
