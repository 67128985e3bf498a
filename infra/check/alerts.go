package check

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// guidance are the five alerts that the guidance for audit and compliance names, by name.
var guidance = map[string]string{
	"role-assignment-alert":     "Microsoft.Authorization/roleAssignments/write",
	"policy-assignment-alert":   "Microsoft.Authorization/policyAssignments/write",
	"keyvault-secret-delete":    "Microsoft.KeyVault/vaults/secrets/delete",
	"nsg-rule-write":            "Microsoft.Network/networkSecurityGroups/securityRules/write",
	"diagnostic-setting-delete": "Microsoft.Insights/diagnosticSettings/delete",
}

// benchmark are the operations of CIS Microsoft Azure Foundations v6.0.0, 6.1.2.1 to 6.1.2.10. Scanners compare them
// letter by letter.
var benchmark = []string{
	"Microsoft.Authorization/policyAssignments/write",
	"Microsoft.Authorization/policyAssignments/delete",
	"Microsoft.Network/networkSecurityGroups/write",
	"Microsoft.Network/networkSecurityGroups/delete",
	"Microsoft.Security/securitySolutions/write",
	"Microsoft.Security/securitySolutions/delete",
	"Microsoft.Sql/servers/firewallRules/write",
	"Microsoft.Sql/servers/firewallRules/delete",
	"Microsoft.Network/publicIPAddresses/write",
	"Microsoft.Network/publicIPAddresses/delete",
}

// categories are the Activity Log's (learn: "Azure Activity Log event schema", Categories).
var categories = []string{
	"Administrative", "Alert", "Autoscale", "Policy", "Recommendation", "ResourceHealth", "Security", "ServiceHealth",
}

// checkAlerts holds alert rules, export and filters to what auditors expect and to the library.
func checkAlerts(r *repo) ([]string, error) {
	alerts := operations(r.watched.locals["alerts"])
	var problems []string
	for name, operation := range guidance {
		if alerts[name] != operation {
			problems = append(problems, fmt.Sprintf("the alert %s must watch %s, it watches %q", name, operation, alerts[name]))
		}
		problems = append(problems, r.checkRule(name, operation)...)
	}
	for _, operation := range benchmark {
		if !contains(alerts, operation) {
			problems = append(problems, "no alert watches "+operation+", which CIS 6.1.2 asks for")
		}
	}
	if total := len(alerts) + 1; total != 15 { // and Service Health
		problems = append(problems, fmt.Sprintf("infra/modules/subscription/alerts.tf has %d alert rules with Service Health; five of the guidance and the CIS set are 15", total))
	}
	problems = append(problems, r.checkRung(alerts)...)
	problems = append(problems, checkServiceHealth(r.watched)...)
	problems = append(problems, checkCategories(literals(r.watched.locals["categories"]))...)
	problems = append(problems, checkCategories(literals(r.above.locals["subscription_categories"]))...)
	return append(problems, r.checkIgnored()...), nil
}

// operations reads the alerts: name to operation.
func operations(e hclsyntax.Expression) map[string]string {
	found := map[string]string{}
	for name, alert := range objectKeys(e, 0) {
		if operation, ok := objectKeys(alert, 0)["operation"]; ok {
			found[name] = strings.Join(literals(operation), "")
		}
	}
	return found
}

func contains(alerts map[string]string, operation string) bool {
	for _, have := range alerts {
		if have == operation {
			return true
		}
	}
	return false
}

// checkRule holds an alert of the guidance to the rule of the same name: an event is to ring the same whichever feed
// brings it.
func (r *repo) checkRule(name, operation string) []string {
	p := "handler/rules/library/" + name + ".yml"
	text, err := fs.ReadFile(r.fsys, p)
	switch {
	case err != nil:
		return []string{fmt.Sprintf("the alert %s has no rule %s; without it the event rings only through the action group", name, p)}
	case !strings.Contains(strings.ToLower(string(text)), strings.ToLower(operation)):
		return []string{fmt.Sprintf("%s does not name %s, which the alert of that name watches", p, operation)}
	}
	return nil
}

// checkRung makes sure that what the action group brings also rings when Event Grid brings it.
func (r *repo) checkRung(alerts map[string]string) []string {
	var problems []string
	for name, operation := range alerts {
		if r.Alerts != nil && !r.Alerts(operation) {
			problems = append(problems, fmt.Sprintf("the alert %s watches %s, for which no rule of the library rings; add one to handler/rules/library", name, operation))
		}
	}
	return problems
}

func checkServiceHealth(m *module) []string {
	for _, b := range m.resources {
		if b.Labels[0] == "azurerm_monitor_activity_log_alert" && slices.Contains(literals(b.Body), "ServiceHealth") {
			return nil
		}
	}
	return []string{"no alert watches ServiceHealth, which CIS 6.1.2.11 asks for"}
}

func checkCategories(have []string) []string {
	have = slices.Sorted(slices.Values(have))
	if slices.Equal(have, categories) {
		return nil
	}
	return []string{fmt.Sprintf("the diagnostic setting exports %v; the Activity Log's categories are %v", have, categories)}
}

// checkIgnored makes sure that Event Grid drops nothing that would ring.
func (r *repo) checkIgnored() []string {
	var problems []string
	for _, m := range []*module{r.root, r.watched} {
		v := m.variables["ignored_operations"]
		if v == nil || v.Body.Attributes["default"] == nil || r.Alerts == nil {
			continue
		}
		for _, operation := range literals(v.Body.Attributes["default"].Expr) {
			if r.Alerts(operation) {
				problems = append(problems, fmt.Sprintf("%s: ignored_operations drops %s, for which a rule of the library rings", m.dir, operation))
			}
		}
	}
	return problems
}
