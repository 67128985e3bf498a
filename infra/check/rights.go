package check

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// armTypes are the resource types of Azure Resource Manager behind the provider's: to make, change and delete one needs
// its actions write and delete.
var armTypes = map[string]string{
	"azapi_resource":                                             "Microsoft.Web/sites",
	"azapi_update_resource":                                      "Microsoft.Web/sites/config",
	"azurerm_application_insights":                               "Microsoft.Insights/components",
	"azurerm_application_insights_workbook":                      "Microsoft.Insights/workbooks",
	"azurerm_communication_service":                              "Microsoft.Communication/communicationServices",
	"azurerm_communication_service_email_domain_association":     "Microsoft.Communication/communicationServices",
	"azurerm_consumption_budget_resource_group":                  "Microsoft.Consumption/budgets",
	"azurerm_cosmosdb_account":                                   "Microsoft.DocumentDB/databaseAccounts",
	"azurerm_cosmosdb_sql_container":                             "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers",
	"azurerm_cosmosdb_sql_database":                              "Microsoft.DocumentDB/databaseAccounts/sqlDatabases",
	"azurerm_cosmosdb_sql_role_assignment":                       "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
	"azurerm_cosmosdb_sql_role_definition":                       "Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions",
	"azurerm_email_communication_service":                        "Microsoft.Communication/emailServices",
	"azurerm_email_communication_service_domain":                 "Microsoft.Communication/emailServices/domains",
	"azurerm_email_communication_service_domain_sender_username": "Microsoft.Communication/emailServices/domains/senderUsernames",
	"azurerm_eventgrid_system_topic":                             "Microsoft.EventGrid/systemTopics",
	"azurerm_eventgrid_system_topic_event_subscription":          "Microsoft.EventGrid/systemTopics/eventSubscriptions",
	"azurerm_eventhub":                                           "Microsoft.EventHub/namespaces/eventhubs",
	"azurerm_eventhub_consumer_group":                            "Microsoft.EventHub/namespaces/eventhubs/consumergroups",
	"azurerm_eventhub_namespace":                                 "Microsoft.EventHub/namespaces",
	"azurerm_eventhub_namespace_authorization_rule":              "Microsoft.EventHub/namespaces/authorizationRules",
	"azurerm_key_vault":                                          "Microsoft.KeyVault/vaults",
	"azurerm_log_analytics_query_pack":                           "Microsoft.OperationalInsights/queryPacks",
	"azurerm_log_analytics_query_pack_query":                     "Microsoft.OperationalInsights/queryPacks/queries",
	"azurerm_log_analytics_workspace":                            "Microsoft.OperationalInsights/workspaces",
	"azurerm_management_lock":                                    "Microsoft.Authorization/locks",
	"azurerm_monitor_action_group":                               "Microsoft.Insights/actionGroups",
	"azurerm_monitor_activity_log_alert":                         "Microsoft.Insights/activityLogAlerts",
	"azurerm_monitor_diagnostic_setting":                         "Microsoft.Insights/diagnosticSettings",
	"azurerm_monitor_metric_alert":                               "Microsoft.Insights/metricAlerts",
	"azurerm_monitor_scheduled_query_rules_alert_v2":             "Microsoft.Insights/scheduledQueryRules",
	"azurerm_private_endpoint":                                   "Microsoft.Network/privateEndpoints",
	"azurerm_resource_group":                                     "Microsoft.Resources/subscriptions/resourceGroups",
	"azurerm_role_assignment":                                    "Microsoft.Authorization/roleAssignments",
	"azurerm_role_definition":                                    "Microsoft.Authorization/roleDefinitions",
	"azurerm_service_plan":                                       "Microsoft.Web/serverfarms",
	"azurerm_storage_account":                                    "Microsoft.Storage/storageAccounts",
	"azurerm_storage_container":                                  "Microsoft.Storage/storageAccounts/blobServices/containers",
	"azurerm_storage_container_immutability_policy":              "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies",
	"azurerm_storage_management_policy":                          "Microsoft.Storage/storageAccounts/managementPolicies",
	"azurerm_storage_object_replication":                         "Microsoft.Storage/storageAccounts/objectReplicationPolicies",
}

// builtInRole is a built-in role as learn's "Azure built-in roles" has it, as far as our actions go.
type builtInRole struct{ actions, notActions []string }

var builtIn = map[string]builtInRole{
	"Owner": {actions: []string{"*"}},
	"Contributor": {
		actions:    []string{"*"},
		notActions: []string{"microsoft.authorization/*/delete", "microsoft.authorization/*/write", "microsoft.authorization/elevateaccess/action"},
	},
	"User Access Administrator": {actions: []string{"*/read", "microsoft.authorization/*", "microsoft.support/*"}},
	"Role Based Access Control Administrator": {
		actions: []string{"microsoft.authorization/roleassignments/write", "microsoft.authorization/roleassignments/delete", "*/read", "microsoft.support/*"},
	},
}

func (r builtInRole) permits(action string) bool {
	matches := func(pattern string) bool { return wildcard(pattern, action) }
	return slices.ContainsFunc(r.actions, matches) && !slices.ContainsFunc(r.notActions, matches)
}

// wildcard matches as Azure does: * is any text, also one with slashes.
func wildcard(pattern, action string) bool {
	e := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
	return e.MatchString(action)
}

// neededRoles is the line of docs/deploy.md that says who can deploy: alternatives after a comma and "or", roles of one
// alternative joined by "with".
var neededRoles = regexp.MustCompile(`(?m)^\| A subscription \|.*: (.+) \|$`)

// checkDeployRights holds the roles that docs/deploy.md names to the actions that making and removing everything needs.
func checkDeployRights(r *repo) ([]string, error) {
	text, err := fs.ReadFile(r.fsys, "docs/deploy.md")
	if err != nil {
		return nil, fmt.Errorf("read who can deploy: %w", err)
	}
	line := neededRoles.FindStringSubmatch(string(text))
	if line == nil {
		return []string{"docs/deploy.md does not say which roles are needed, in a row | A subscription | …: ROLES |"}, nil
	}
	actions, problems := r.actions()
	for _, alternative := range regexp.MustCompile(`,? or `).Split(line[1], -1) {
		problems = append(problems, lackedBy(alternative, actions)...)
	}
	return problems, nil
}

// actions are what making and removing everything in the module needs, in lower case.
func (r *repo) actions() (actions, problems []string) {
	for _, m := range []*module{r.root, r.watched} {
		for _, name := range slices.Sorted(maps.Keys(m.resources)) {
			kind := armTypes[m.resources[name].Labels[0]]
			if kind == "" {
				problems = append(problems, at(m.resources[name])+" has a type that armTypes lacks; add it to armTypes in infra/check/rights.go")
				continue
			}
			for _, verb := range []string{"read", "write", "delete"} {
				actions = append(actions, strings.ToLower(path.Join(kind, verb)))
			}
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions), problems
}

func lackedBy(alternative string, actions []string) []string {
	var roles []builtInRole
	for name := range strings.SplitSeq(alternative, " with ") {
		r, ok := builtIn[strings.TrimSpace(name)]
		if !ok {
			return []string{fmt.Sprintf("docs/deploy.md names the role %q, which infra/check/rights.go does not know", name)}
		}
		roles = append(roles, r)
	}
	var problems []string
	for _, action := range actions {
		if !slices.ContainsFunc(roles, func(r builtInRole) bool { return r.permits(action) }) {
			problems = append(problems, fmt.Sprintf("docs/deploy.md says that %s suffices to deploy; it lacks %s", alternative, action))
		}
	}
	return problems
}

// readable finds the types of the table of what lookups read; it is Go, and infra imports nothing of the handler.
var readable = regexp.MustCompile(`(?m)^\t"(microsoft\.[a-z/]+)": +"\d{4}-\d{2}-\d{2}`)

// alwaysRead are the actions of the reader roles that no lookup of a resource needs.
var alwaysRead = []string{
	"microsoft.insights/eventtypes/values/read", "microsoft.management/managementgroups/read",
	"microsoft.resources/subscriptions/read", "microsoft.resources/subscriptions/resourcegroups/read",
}

// checkReaderRoles holds the app's two reader roles to the table of the types that the handler reads by their ids: the
// subscription's has all of them, a management group's those that can be in one.
func checkReaderRoles(r *repo) ([]string, error) {
	const table = "handler/lookup/readable.go"
	text, err := fs.ReadFile(r.fsys, table)
	if err != nil {
		return nil, fmt.Errorf("read what lookups read: %w", err)
	}
	var all, above []string
	for _, m := range readable.FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1]+"/read")
		if strings.HasPrefix(m[1], "microsoft.authorization/") {
			above = append(above, m[1]+"/read")
		}
	}
	if len(all) < 40 {
		return []string{fmt.Sprintf("%s has %d types with an API version, fewer than it had; is the table written otherwise now?", table, len(all))}, nil
	}
	return slices.Concat(readerLacks(r.watched, "reader", all), readerLacks(r.above, "group_reader", above)), nil
}

// readerLacks compares the actions of a role with what the app asks for.
func readerLacks(m *module, name string, asked []string) []string {
	role := m.resources["azurerm_role_definition."+name]
	if role == nil {
		return []string{m.dir + " gives the app no role " + name}
	}
	var granted, problems []string
	for _, text := range literals(role.Body) {
		if action := strings.ToLower(text); strings.HasPrefix(action, "microsoft.") {
			granted = append(granted, action)
		}
	}
	for _, action := range asked {
		if !slices.Contains(granted, action) {
			problems = append(problems, fmt.Sprintf("the handler reads resources that the role %s of %s may not: it lacks %s", name, m.dir, action))
		}
	}
	for _, action := range granted {
		if !slices.Contains(asked, action) && !slices.Contains(alwaysRead, action) {
			problems = append(problems, fmt.Sprintf("the role %s of %s may %s, which nothing asks for", name, m.dir, action))
		}
	}
	return problems
}
