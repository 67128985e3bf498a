package lookup

import (
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// readable are the resources that are read by their id where a record does not carry what was asked for, by type, with
// the API version that is asked for (learn: REST reference, the page named beside each). Every type whose writes a rule of
// the library judges by their body is here, but for those of services that Azure has retired. The reader role of infra
// names the read of each type (GET on it demands TYPE/read), and its check holds that role to this table.
var readable = map[string]string{
	// Authorization: "Role Assignments", "Role Definitions" - Get
	"microsoft.authorization/roleassignments": "2022-04-01",
	"microsoft.authorization/roledefinitions": "2022-04-01",
	// and "Role Assignment Schedule Requests", "Role Eligibility Schedule Requests" - Get
	"microsoft.authorization/roleassignmentschedulerequests":  "2020-10-01",
	"microsoft.authorization/roleeligibilityschedulerequests": "2020-10-01",

	// Virtual networks: "Network Security Groups", "Security Rules" - Get
	"microsoft.network/networksecuritygroups":               "2024-05-01",
	"microsoft.network/networksecuritygroups/securityrules": "2024-05-01",

	// "Firewall Rules" - Get of SQL Database, Azure Database for PostgreSQL and for MySQL, Synapse and Redis
	"microsoft.sql/servers/firewallrules":                     "2021-11-01",
	"microsoft.dbforpostgresql/flexibleservers/firewallrules": "2022-12-01",
	"microsoft.dbformysql/flexibleservers/firewallrules":      "2023-12-30",
	"microsoft.synapse/workspaces/firewallrules":              "2021-06-01",
	"microsoft.cache/redis/firewallrules":                     "2023-08-01",

	// SQL Database: "Server Blob Auditing Policies", "Database Blob Auditing Policies", "Extended Server Blob Auditing
	// Policies", "Extended Database Blob Auditing Policies", "Server Security Alert Policies", "Database Security Alert
	// Policies", "Transparent Data Encryptions", "Server Advanced Threat Protection Settings", "Database Advanced Threat
	// Protection Settings" - Get
	"microsoft.sql/servers/auditingsettings":                           "2023-08-01",
	"microsoft.sql/servers/databases/auditingsettings":                 "2023-08-01",
	"microsoft.sql/servers/extendedauditingsettings":                   "2023-08-01",
	"microsoft.sql/servers/databases/extendedauditingsettings":         "2023-08-01",
	"microsoft.sql/servers/securityalertpolicies":                      "2023-08-01",
	"microsoft.sql/servers/databases/securityalertpolicies":            "2023-08-01",
	"microsoft.sql/servers/databases/transparentdataencryption":        "2023-08-01",
	"microsoft.sql/servers/advancedthreatprotectionsettings":           "2023-08-01",
	"microsoft.sql/servers/databases/advancedthreatprotectionsettings": "2023-08-01",

	// SQL Managed Instance: "Managed Server Security Alert Policies", "Managed Database Security Alert Policies", "Managed
	// Database Transparent Data Encryption", "Managed Instance Advanced Threat Protection Settings", "Managed Database
	// Advanced Threat Protection Settings" - Get
	"microsoft.sql/managedinstances/securityalertpolicies":                      "2023-08-01",
	"microsoft.sql/managedinstances/databases/securityalertpolicies":            "2023-08-01",
	"microsoft.sql/managedinstances/databases/transparentdataencryption":        "2023-08-01",
	"microsoft.sql/managedinstances/advancedthreatprotectionsettings":           "2023-08-01",
	"microsoft.sql/managedinstances/databases/advancedthreatprotectionsettings": "2023-08-01",

	// Key Vault: "Vaults" - Get; Cosmos DB: "Database Accounts" - Get
	"microsoft.keyvault/vaults":             "2023-07-01",
	"microsoft.documentdb/databaseaccounts": "2024-05-15",

	// Storage: "Storage Accounts" - Get Properties, "Blob Services" - Get Service Properties, "Blob Containers" - Get
	"microsoft.storage/storageaccounts":                         "2023-05-01",
	"microsoft.storage/storageaccounts/blobservices":            "2023-05-01",
	"microsoft.storage/storageaccounts/blobservices/containers": "2023-05-01",

	// Azure Monitor: "Activity Log Alerts", "Metric Alerts", "Scheduled Query Rules", "Alert Rules" - Get
	"microsoft.insights/activitylogalerts":   "2020-10-01",
	"microsoft.insights/metricalerts":        "2018-03-01",
	"microsoft.insights/scheduledqueryrules": "2021-08-01",
	"microsoft.insights/alertrules":          "2016-03-01",

	// Recovery Services: "Vaults" - Get, "Backup Resource Vault Configs" - Get; Data Protection: "Backup Vaults" - Get
	"microsoft.recoveryservices/vaults":              "2023-04-01",
	"microsoft.recoveryservices/vaults/backupconfig": "2023-04-01",
	"microsoft.dataprotection/backupvaults":          "2023-05-01",

	// Compute: "Virtual Machine Extensions", "Virtual Machine Scale Set Extensions" - Get; Azure Arc: "Machine Extensions" - Get
	"microsoft.compute/virtualmachines/extensions":         "2024-07-01",
	"microsoft.compute/virtualmachinescalesets/extensions": "2024-07-01",
	"microsoft.hybridcompute/machines/extensions":          "2022-12-27",
}

// policyKinds are the policy objects whose names are asked for, likewise: "Policy Assignments", "Policy Definitions", "Policy Set
// Definitions" - Get.
var policyKinds = map[string]string{
	"microsoft.authorization/policyassignments":    "2022-06-01",
	"microsoft.authorization/policydefinitions":    "2021-06-01",
	"microsoft.authorization/policysetdefinitions": "2021-06-01",
}

// IsReadable reports whether Azure can be asked what the event's act was about, by the id of its resource.
func IsReadable(e *activity.Event) bool {
	_, ok := resourceOf(e)
	return ok
}

// IsUnreadable reports whether the event does not carry what its act was about and Azure cannot be asked either: its
// resource is of no type that is read, its id does not parse or is of another type than the operation, or it was an action.
func IsUnreadable(e *activity.Event) bool {
	changes := strings.HasSuffix(e.Operation, "/write") || strings.HasSuffix(e.Operation, "/action")
	return changes && !e.Properties.SaysWhat() && !IsReadable(e)
}
