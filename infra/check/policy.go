package check

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// must are constants that may not change, by resource type, with the reason.
var must = []struct{ kind, argument, value, why string }{
	{"azurerm_storage_account", "shared_access_key_enabled", "false", "a key opens everything and names nobody"},
	{"azurerm_storage_account", "allow_nested_items_to_be_public", "false", "no blob of ours is for the public"},
	{"azurerm_storage_account", "min_tls_version", "TLS1_2", "older TLS is broken"},
	{"azurerm_storage_account", "https_traffic_only_enabled", "true", "plain HTTP can be read on the way"},
	{"azurerm_storage_account", "local_user_enabled", "false", "local users have passwords"},
	{"azurerm_storage_container", "container_access_type", "private", "no blob of ours is for the public"},
	{"azurerm_cosmosdb_account", "local_authentication_enabled", "false", "a key opens everything and names nobody"},
	{"azurerm_cosmosdb_account", "multiple_write_locations_enabled", "false", "an alert is claimed by one conditional write"},
	{"azurerm_application_insights", "local_authentication_enabled", "false", "anybody with the connection string could write"},
	{"azurerm_log_analytics_workspace", "local_authentication_enabled", "false", "anybody with the key could write"},
	{"azurerm_key_vault", "rbac_authorization_enabled", "true", "access policies are outside of Entra's reviews"},
	{"azurerm_key_vault", "purge_protection_enabled", "true", "a purged secret cannot be brought back"},
	{"azurerm_eventhub_namespace", "minimum_tls_version", "1.2", "older TLS is broken"},
	{"azurerm_monitor_action_group", "location", "global", "service health alerts accept no regional group"},
}

// mustBlock are blocks that may not be left out, by resource type, with the reason.
var mustBlock = []struct{ kind, block, why string }{
	{"azurerm_eventgrid_system_topic_event_subscription", "storage_blob_dead_letter_destination", "without it Event Grid drops what it could not deliver"},
	{"azurerm_eventgrid_system_topic_event_subscription", "dead_letter_identity", "without it dead letters need a key"},
	{"azurerm_eventgrid_system_topic", "identity", "dead letters are written as the topic"},
	{"azurerm_key_vault", "network_acls", "whether the firewall is open is to be decided, not defaulted"},
	{"azurerm_storage_account", "network_rules", "whether the firewall is open is to be decided, not defaulted"},
}

// never are arguments that may not be used, by resource type, with the reason.
var never = []struct{ kind, argument, why string }{
	{"azurerm_role_assignment", "role_definition_name", "a name is looked up at every plan and can be reused; give role_definition_id"},
	{"azurerm_key_vault_secret", "value", "the value would be in the state; operators put secrets in"},
}

// checkPolicy looks for what no reviewer may wave through.
func checkPolicy(r *repo) ([]string, error) {
	return r.eachModule(func(m *module) []string {
		var problems []string
		for _, b := range m.resources {
			problems = append(problems, judge(b)...)
		}
		for name, o := range m.outputs {
			problems = append(problems, checkOutput(m, name, o)...)
		}
		return problems
	}), nil
}

func judge(b *hclsyntax.Block) []string {
	var problems []string
	for _, rule := range must {
		if b.Labels[0] != rule.kind {
			continue
		}
		if value, _ := literal(b.Body, rule.argument); value != rule.value {
			problems = append(problems, fmt.Sprintf("%s must have %s = %s: %s", at(b), rule.argument, rule.value, rule.why))
		}
	}
	for _, rule := range mustBlock {
		has := slices.ContainsFunc(b.Body.Blocks, func(c *hclsyntax.Block) bool { return c.Type == rule.block })
		if b.Labels[0] == rule.kind && !has {
			problems = append(problems, fmt.Sprintf("%s must have a block %s: %s", at(b), rule.block, rule.why))
		}
	}
	for _, rule := range never {
		if b.Labels[0] == rule.kind && b.Body.Attributes[rule.argument] != nil {
			problems = append(problems, fmt.Sprintf("%s must not use %s: %s", at(b), rule.argument, rule.why))
		}
	}
	return problems
}

// password is what the providers call values that open something.
var password = regexp.MustCompile(`(access_key|primary_key|secondary_key|connection_string|shared_key|webhook_key|webhook_query)\b`)

// checkOutput keeps keys out of outputs, which are printed and kept.
func checkOutput(m *module, name string, o *hclsyntax.Block) []string {
	a := o.Body.Attributes["value"]
	if a == nil || !password.MatchString(m.text(a.Expr)) {
		return nil
	}
	return []string{fmt.Sprintf("%s: the output %s would print a key", m.dir, name)}
}
