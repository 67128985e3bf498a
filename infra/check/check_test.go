package check_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/infra/check"
)

// options asks the embedded library; the rules engine itself says what rings.
var options = sync.OnceValues(func() (check.Options, error) {
	all, err := rules.Library()
	if err != nil {
		return check.Options{}, err
	}
	set, err := rules.Compile(all)
	return check.Options{Alerts: func(operation string) bool {
		e := &activity.Event{
			ID: "a", Category: activity.Administrative, Outcome: activity.Succeeded, Operation: strings.ToLower(operation),
			ResourceID: "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourcegroups/rg/providers/microsoft.x/y/z",
		}
		return slices.ContainsFunc(set.Match(nil, e), (*rules.Rule).Alerts)
	}}, err
})

func run(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	o, err := options()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := check.Repo(fsys, o)
	if err != nil {
		return []string{err.Error()}
	}
	return problems
}

func TestInfraAgreesWithTheRepository(t *testing.T) {
	t.Parallel()
	for _, problem := range run(t, os.DirFS("../..")) {
		t.Error(problem)
	}
}

// mutations are mistakes of the kind that people make, each in one place, and a part of the sentence that tells of it.
var mutations = []struct{ name, file, old, new, want string }{
	{
		"a misspelt argument", "infra/storage.tf", "min_tls_version                   = \"TLS1_2\"\n  https_traffic_only_enabled        = true\n  shared_access_key_enabled         = false\n  default_to_oauth_authentication   = true\n  local_user_enabled                = false\n  allow_nested_items_to_be_public   = false\n  public_network_access_enabled     = true # the rules below decide; trusted services need the switch\n  cross_tenant_replication_enabled  = false\n  infrastructure_encryption_enabled = true\n\n  network_rules {\n    default_action = local.app_storage_default_action\n    bypass         = local.app_storage_bypass\n  }\n}\n\nresource \"azurerm_storage_container\" \"package\"", "minimum_tls_version = \"TLS1_2\"\n  https_traffic_only_enabled = true\n  shared_access_key_enabled = false\n  local_user_enabled = false\n  allow_nested_items_to_be_public = false\n\n  network_rules {\n    default_action = local.app_storage_default_action\n  }\n}\n\nresource \"azurerm_storage_container\" \"package\"",
		"has no argument minimum_tls_version; it has min_tls_version",
	},
	{"a line of the log that was renamed", "handler/pipeline/deliver.go", `log.Info("sent"`, `log.Info("posted"`, `infra/watch.tf asks for lines "sent"`},
	{"a count that was renamed", "infra/operations/intake.kql", "r.counts.received", "r.counts.came", `asks for the field "came"`},
	{"a field that was renamed", "infra/watch.tf", "r.latency_ms", "r.late_by", `asks for the field "late_by"`},
	{"an alert that no page explains", "infra/watch.tf", "auditbell-invocations-fail = {", "auditbell-is-slow = {", "no line for the alert auditbell-is-slow"},
	{"mocks that differ from file to file", "infra/tests/evidence.tftest.hcl", `hostname = "acs-auditbell`, `hostname = "acs-other`, "run go run ./infra/check/refresh mocks"},
	{"a release by the oldest Go", ".github/workflows/release.yml", "go-version: 1.26.10", "go-version-file: go.mod", "takes Go's version from go.mod"},
	{"a required argument that is gone", "infra/cosmos.tf", "  offer_type                         = \"Standard\"\n", "", "lacks the argument offer_type"},
	{"a block that azurerm 5 dropped", "infra/modules/subscription/main.tf", "  dynamic \"enabled_log\" {", "  metric {\n    category = \"AllMetrics\"\n  }\n\n  dynamic \"enabled_log\" {", "has no block metric; it has enabled_metric"},
	{"a read-only argument that is set", "infra/monitor.tf", "  application_type             = \"other\"", "  application_type             = \"other\"\n  instrumentation_key = \"x\"", "sets instrumentation_key, which only the provider may set"},
	{"a second block where one is allowed", "infra/storage.tf", "  immutability_policy {", "  immutability_policy {\n    state = \"Unlocked\"\n    period_since_creation_in_days = 1\n    allow_protected_append_writes = true\n  }\n  immutability_policy {", "has 2 blocks immutability_policy, the provider takes 1"},
	{"a reference to what is not declared", "infra/monitor.tf", "azurerm_log_analytics_workspace.main[0].id", "azurerm_log_analytics_workspace.logs[0].id", "azurerm_log_analytics_workspace.logs[0].id is not declared"},
	{"an attribute that does not exist", "infra/keyvault.tf", "azurerm_key_vault.main[0].name\n", "azurerm_key_vault.main[0].vault_name\n", "asks azurerm_key_vault for vault_name"},
	{"a variable that nothing reads", "infra/monitor.tf", "var.log_retention_days", "90", "variable log_retention_days is read by nothing"},
	{"a module that is given too little", "infra/subscription.tf", "  core                      = local.core\n", "", "lacks core, which infra/modules/subscription needs"},
	{"an output that a module does not have", "infra/examples/minimal/outputs.tf", "module.auditbell.next_command", "module.auditbell.next", "module.auditbell.next names no output of infra"},
	{"a function that has no folder", "infra/modules/subscription/main.tf", "/functions/eventgrid-activity\"", "/functions/ActivityEvents\"", "there is no folder functions/ActivityEvents"},
	{"a function that Event Grid cannot call", "infra/modules/subscription/main.tf", "/functions/eventgrid-activity\"", "/functions/deliver\"", "whose trigger is timerTrigger"},
	{"a webhook to a route that is not served", "infra/alerts.tf", "/api/actiongroup-alert$", "/api/alerts$", "infra calls /api/alerts"},
	{"a misspelt setting", "infra/settings.tf", "COSMOS_ENDPOINT =", "COSMOS_ENDPIONT =", "the handler requires COSMOS_ENDPOINT"},
	{"a schedule that the trigger does not read", "functions/deliver/function.json", "%DELIVER_SCHEDULE%", "%DELIVERY_SCHEDULE%", "functions/deliver reads DELIVERY_SCHEDULE"},
	{"a secret that the vault cannot hold", "handler/notify/teams/teams.go", "\"TEAMS_WORKFLOW_URL\"", "\"TEAMS_HOOK_URL\"", "the handler reads the secret TEAMS_HOOK_URL"},
	{"a secret in a variable that the vault cannot hold", "handler/notify/email/email.go", "\"SMTP_PASSWORD\"", "\"SMTP_PASSPHRASE\"", "the handler reads the secret SMTP_PASSPHRASE"},
	{"an account key for the host", "infra/settings.tf", "    AzureWebJobsStorage__credential  = \"managedidentity\"\n", "    AzureWebJobsStorage = \"\"\n", "does not write AzureWebJobsStorage__credential"},
	{"an example file that was not written anew", "local.settings.json.example", "\"LOG_LEVEL\"", "\"LOGLEVEL\"", "local.settings.json.example lacks LOG_LEVEL"},
	{"an alert for a misspelt operation", "infra/modules/subscription/alerts.tf", "Microsoft.Network/publicIPAddresses/delete", "Microsoft.Network/publicIpAddresses/delete", "no alert watches Microsoft.Network/publicIPAddresses/delete"},
	{"an alert under another name than its rule", "infra/modules/subscription/alerts.tf", "    nsg-rule-write = {", "    nsg-rules-write = {", "the alert nsg-rule-write must watch"},
	{"an alert that no rule knows", "infra/modules/subscription/alerts.tf", "Microsoft.Security/securitySolutions/write", "Microsoft.Quantum/workspaces/calibrate/action", "for which no rule of the library rings"},
	{"a category left out", "infra/modules/subscription/main.tf", "    \"Autoscale\",\n", "", "the diagnostic setting exports"},
	{"a category misspelt", "infra/modules/subscription/main.tf", "\"ServiceHealth\",", "\"Service Health\",", "the diagnostic setting exports"},
	{"a category that the policy leaves out", "infra/modules/tenant/policy.tf", "\"Autoscale\", ", "", "the diagnostic setting exports"},
	{"a policy that calls a function that has no folder", "infra/modules/tenant/policy_events.tf", "/functions/eventgrid-activity\"", "/functions/ActivityEvents\"", "there is no folder functions/ActivityEvents"},
	{"a right above subscriptions without a reason", "infra/modules/tenant/identity.tf", "# The app polls the group's log every five minutes and compares it hour by hour: no feed pushes all of it.\n", "", "gives a right without saying why"},
	{"a filter that drops what rings", "infra/variables.tf", "\"Microsoft.Resources/deployments/write\",", "\"Microsoft.Authorization/roleAssignments/write\",", "for which a rule of the library rings"},
	{"a TTL beside containers.json", "infra/cosmos.tf", "each.value.default_ttl_seconds", "86400", "must take default_ttl from containers.json"},
	{"a container under another name", "infra/containers.json", "\"name\": \"rollups\"", "\"name\": \"sums\"", "the store uses the container rollups"},
	{"a right that the store needs and lost", "infra/identity.tf", "      \"Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/replace\",\n", "", "its role lacks items/replace"},
	{"keys switched on", "infra/storage.tf", "shared_access_key_enabled         = false", "shared_access_key_enabled         = true", "must have shared_access_key_enabled = false"},
	{"dead letters switched off", "infra/modules/subscription/main.tf", "  storage_blob_dead_letter_destination {\n    storage_account_id          = var.core.dead_letters.storage_account_id\n    storage_blob_container_name = var.core.dead_letters.container_name\n  }\n", "", "without it Event Grid drops"},
	{"a key printed", "infra/outputs.tf", "azurerm_cosmosdb_account.main.endpoint", "azurerm_cosmosdb_account.main.primary_key", "would print a key"},
	{"a validation that no test trips", "infra/tests/validation.tftest.hcl", "    var.reader_role,\n", "", "reader_role has 1 validations and 0 tests"},
	{"a test that OpenTofu refuses", "infra/modules/tenant/tests/tenant.tftest.hcl", "    read_tenant = false\n", "    core        = merge(var.core, { event_hub = null })\n", "makes the variable core of itself"},
	{"a resource that is open by default", "infra/keyvault.tf", "  public_network_access_enabled = !local.private || length(var.operator_ip_ranges) > 0\n", "", "does not decide public_network_access_enabled"},
	{"a store that is open in a private network", "infra/cosmos.tf", "public_network_access_enabled      = !local.private", "public_network_access_enabled      = true", "is open by public_network_access_enabled also with a network"},
	{"a firewall that is open in a private network", "infra/keyvault.tf", "local.private ? \"Deny\" : \"Allow\"", "\"Allow\"", "has a firewall that admits everybody"},
	{"a hub whose firewall is left to the provider", "infra/eventhub.tf", "network_rulesets = [{", "identity = [{", "does not decide network_rulesets"},
	{"a provider that is not registered", "infra/deploy/check.go", ` "Microsoft.Network",`, "", "does not register Microsoft.Network"},
	{"a provider that is not registered by hand", "docs/deploy.md", " EventHub Insights", " EventHub", "does not register Microsoft.Insights"},
	{"a further subscription with no provider registered", "infra/examples/multi-subscription/versions.tf", "\"Microsoft.EventGrid\", ", "", "resource_providers_to_register lacks Microsoft.EventGrid"},
	{"an example whose secrets no person may write", "infra/examples/private-network/main.tf", "  operator_object_ids    = var.operator_object_ids\n", "", "does not pass on var.operator_object_ids"},
	{"a right without a reason", "infra/identity.tf", "# Telemetry is written by identity; the connection string alone is worth nothing.\n", "", "gives a right without saying why"},
	{"a table that was not written anew", "infra/identity.tf", "storage_table_data_contributor}\"", "storage_blob_data_owner}\"", "the table roles is not what the module has"},
	{"a Make target that is not there", "infra/stages.mk", "infra-destroy:", "infra-remove:", "says make infra-destroy"},
	{"a role that cannot make custom roles and locks", "docs/deploy.md", "Contributor with User Access Administrator", "Contributor with Role Based Access Control Administrator", "it lacks microsoft.authorization/locks/delete"},
	{"a type that the reader may not read", "infra/modules/subscription/identity.tf", "      \"Microsoft.KeyVault/vaults/read\",\n", "", "it lacks microsoft.keyvault/vaults/read"},
	{"a misspelt type", "infra/modules/subscription/identity.tf", "databases/transparentDataEncryption/read", "databases/transparentDataEncryptions/read", "which nothing asks for"},
	{"a right to keys", "infra/modules/subscription/identity.tf", "Microsoft.Storage/storageAccounts/read\"", "Microsoft.Storage/storageAccounts/listKeys/action\"", "may microsoft.storage/storageaccounts/listkeys/action, which nothing asks for"},
	{"a grant above subscriptions that cannot be read", "infra/modules/tenant/identity.tf", "roleAssignmentScheduleRequests", "roleAssignmentSchedules", "group_reader of infra/modules/tenant may not"},
	{"an action by its tag", ".github/workflows/ci.yml", "aquasecurity/trivy-action@ed142fd0673e97e23eac54620cfb913e5ce36c25 # v0.36.0", "aquasecurity/trivy-action@0.33.1", "uses aquasecurity/trivy-action@0.33.1"},
	{"a tool of another version", ".github/workflows/ci.yml", "tflint_version: v0.64.0", "tflint_version: v0.50.0", "takes a tool of version v0.50.0"},
	{"a variable of the docs under another name", "docs/cost.md", "`max_events_per_batch`", "`batch_size`", "names `batch_size`"},
	{"a query that knows one spelling", "infra/queries/failures.kql", "in~ (\"Failure\", \"Failed\")", "=~ \"Failed\"", "knows one spelling of the status"},
	{"a query that compares by case", "infra/queries/policy.kql", "CategoryValue =~ \"Policy\"", "CategoryValue == \"Policy\"", "compares with == or !="},
	{"a query for a column that is not there", "infra/queries/creations.kql", "OperationNameValue, ResourceGroup", "OperationNameVal, ResourceGroup", "names the column OperationNameVal"},
}

// TestEveryMistakeIsToldOf proves the checker: a repository that is right but for one mistake is told of that mistake.
func TestEveryMistakeIsToldOf(t *testing.T) {
	t.Parallel()
	base := copyOf(t)
	clean := map[string]bool{}
	for _, p := range run(t, base) {
		clean[p] = true
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			changed := fstest.MapFS{}
			for p, f := range base {
				changed[p] = f
			}
			text := string(base[m.file].Data)
			if !strings.Contains(text, m.old) {
				t.Fatalf("%s has no %q to spoil; mend the mutation", m.file, m.old)
			}
			changed[m.file] = &fstest.MapFile{Data: []byte(strings.Replace(text, m.old, m.new, 1))}
			var told []string
			for _, p := range run(t, changed) {
				if !clean[p] {
					told = append(told, p)
				}
			}
			if !strings.Contains(strings.Join(told, "\n"), m.want) {
				t.Errorf("told %q, want a sentence with %q", told, m.want)
			}
		})
	}
}

// copyOf reads into memory what the checks look at.
func copyOf(t *testing.T) fstest.MapFS {
	t.Helper()
	root := os.DirFS("../..")
	files := fstest.MapFS{}
	for _, dir := range []string{"infra", "functions", "handler", ".github"} {
		err := fs.WalkDir(root, dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == ".terraform" {
				return fs.SkipDir // what init leaves: links into a cache
			}
			if err != nil || d.IsDir() || strings.Contains(p, "/testdata/") || strings.HasSuffix(p, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(root, p)
			files[p] = &fstest.MapFile{Data: text}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"local.settings.json.example", "Makefile", "docs/deploy.md", "docs/cost.md", "docs/operations.md", "tools.mk", ".github/workflows/ci.yml"} {
		text, err := fs.ReadFile(root, p)
		if err != nil {
			t.Fatal(err)
		}
		files[p] = &fstest.MapFile{Data: text}
	}
	return files
}
