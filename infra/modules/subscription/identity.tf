# What the app and the topic may do because of this subscription. README's table is made from these comments.

locals {
  # Azure answers with the role's id as seen from the assignment's scope; another subscription's prefix would be a change
  # in every plan.
  here_prefix = "${local.scope}/providers/Microsoft.Authorization/roleDefinitions"
  core_prefix = "/subscriptions/${split("/", var.core.audit_storage_id)[2]}/providers/Microsoft.Authorization/roleDefinitions"

  roles = {
    event_hubs_data_sender        = "2b629674-e913-4c01-ae53-ef4638d8f975"
    monitoring_reader             = "43d0d8ad-25c7-4714-9337-8ba259a9fe05"
    storage_blob_data_contributor = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
  }
}

# Monitoring Reader, the built-in alternative, carries */read: it reads nearly everything. This reads the Activity Log; by
# what name people know a role, a subscription and a resource group, which messages say instead of ids; and what an act was
# about, by the id of its resource, where no record carries it: the types of handler/lookup/readable.go, and no others.
resource "azurerm_role_definition" "reader" {
  count = var.reader_role == "custom" ? 1 : 0

  name        = "Auditbell Activity Log reader ${var.core.suffix} ${substr(var.subscription_id, 0, 8)}"
  scope       = local.scope
  description = "Read the Activity Log, names and tags of subscriptions and resource groups, and the resources whose changes are judged by what was asked for; no data in them."

  permissions {
    actions = [
      "Microsoft.Insights/eventtypes/values/read",
      "Microsoft.Resources/subscriptions/read",
      "Microsoft.Resources/subscriptions/resourceGroups/read",

      "Microsoft.Authorization/policyAssignments/read",
      "Microsoft.Authorization/policyDefinitions/read",
      "Microsoft.Authorization/policySetDefinitions/read",
      "Microsoft.Authorization/roleAssignments/read",
      "Microsoft.Authorization/roleAssignmentScheduleRequests/read",
      "Microsoft.Authorization/roleDefinitions/read",
      "Microsoft.Authorization/roleEligibilityScheduleRequests/read",
      "Microsoft.Cache/redis/firewallRules/read",
      "Microsoft.Compute/virtualMachines/extensions/read",
      "Microsoft.Compute/virtualMachineScaleSets/extensions/read",
      "Microsoft.DataProtection/backupVaults/read",
      "Microsoft.DBforMySQL/flexibleServers/firewallRules/read",
      "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/read",
      "Microsoft.DocumentDB/databaseAccounts/read",
      "Microsoft.HybridCompute/machines/extensions/read",
      "Microsoft.Insights/activityLogAlerts/read",
      "Microsoft.Insights/alertRules/read",
      "Microsoft.Insights/metricAlerts/read",
      "Microsoft.Insights/scheduledQueryRules/read",
      "Microsoft.KeyVault/vaults/read",
      "Microsoft.Network/networkSecurityGroups/read",
      "Microsoft.Network/networkSecurityGroups/securityRules/read",
      "Microsoft.RecoveryServices/Vaults/backupconfig/read",
      "Microsoft.RecoveryServices/Vaults/read",
      "Microsoft.Sql/managedInstances/advancedThreatProtectionSettings/read",
      "Microsoft.Sql/managedInstances/databases/advancedThreatProtectionSettings/read",
      "Microsoft.Sql/managedInstances/databases/securityAlertPolicies/read",
      "Microsoft.Sql/managedInstances/databases/transparentDataEncryption/read",
      "Microsoft.Sql/managedInstances/securityAlertPolicies/read",
      "Microsoft.Sql/servers/advancedThreatProtectionSettings/read",
      "Microsoft.Sql/servers/auditingSettings/read",
      "Microsoft.Sql/servers/databases/advancedThreatProtectionSettings/read",
      "Microsoft.Sql/servers/databases/auditingSettings/read",
      "Microsoft.Sql/servers/databases/extendedAuditingSettings/read",
      "Microsoft.Sql/servers/databases/securityAlertPolicies/read",
      "Microsoft.Sql/servers/databases/transparentDataEncryption/read",
      "Microsoft.Sql/servers/extendedAuditingSettings/read",
      "Microsoft.Sql/servers/firewallRules/read",
      "Microsoft.Sql/servers/securityAlertPolicies/read",
      "Microsoft.Storage/storageAccounts/blobServices/containers/read",
      "Microsoft.Storage/storageAccounts/blobServices/read",
      "Microsoft.Storage/storageAccounts/read",
      "Microsoft.Synapse/workspaces/firewallRules/read",
    ]
  }
  assignable_scopes = [local.scope]
}

# Reconciliation reads the Activity Log API for what no feed delivered, so that a missed push is still in the digest; lookups read names and tags for messages, and what an act was about where no record carries it.
resource "azurerm_role_assignment" "reader" {
  count = var.reader_role == "none" ? 0 : 1

  scope              = local.scope
  role_definition_id = var.reader_role == "custom" ? azurerm_role_definition.reader[0].role_definition_resource_id : "${local.here_prefix}/${local.roles.monitoring_reader}"
  principal_id       = var.core.app_principal_id
  principal_type     = "ServicePrincipal"
}

# Event Grid writes what it could not deliver into one container, as the topic's identity; no key is shared with it.
resource "azurerm_role_assignment" "dead_letters" {
  scope              = var.core.dead_letters.container_id
  role_definition_id = "${local.core_prefix}/${local.roles.storage_blob_data_contributor}"
  principal_id       = local.topic.principal_id
  principal_type     = "ServicePrincipal"
}

# What the topics of Resource Notifications could not deliver goes there too, each as itself.
resource "azurerm_role_assignment" "notifications_dead_letters" {
  for_each = var.resource_notifications

  scope              = var.core.dead_letters.container_id
  role_definition_id = "${local.core_prefix}/${local.roles.storage_blob_data_contributor}"
  principal_id       = azurerm_eventgrid_system_topic.notifications[each.key].identity[0].principal_id
  principal_type     = "ServicePrincipal"
}

# With delivery = event_hub the topics of Resource Notifications send to the hub too, each as itself.
resource "azurerm_role_assignment" "notifications_sender" {
  for_each = var.core.delivery == "event_hub" ? var.resource_notifications : []

  scope              = var.core.event_hub.id
  role_definition_id = "${local.core_prefix}/${local.roles.event_hubs_data_sender}"
  principal_id       = azurerm_eventgrid_system_topic.notifications[each.key].identity[0].principal_id
  principal_type     = "ServicePrincipal"
}

# With delivery = event_hub the topic sends to this one hub as itself, which passes the namespace's firewall as a trusted service.
resource "azurerm_role_assignment" "event_hub_sender" {
  count = var.core.delivery == "event_hub" ? 1 : 0

  scope              = var.core.event_hub.id
  role_definition_id = "${local.core_prefix}/${local.roles.event_hubs_data_sender}"
  principal_id       = local.topic.principal_id
  principal_type     = "ServicePrincipal"
}
