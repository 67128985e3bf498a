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

# Monitoring Reader, the built-in alternative, carries */read: it reads nearly everything. This reads the Activity Log, and
# by what name people know a role, a subscription and a resource group, which messages say instead of ids.
resource "azurerm_role_definition" "reader" {
  count = var.reader_role == "custom" ? 1 : 0

  name        = "Auditbell Activity Log reader ${var.core.suffix} ${substr(var.subscription_id, 0, 8)}"
  scope       = local.scope
  description = "Read the Activity Log, role definitions, and subscriptions and resource groups with their tags; nothing in them."

  permissions {
    actions = [
      "Microsoft.Insights/eventtypes/values/read",
      "Microsoft.Authorization/roleDefinitions/read",
      "Microsoft.Authorization/roleAssignments/read",
      "Microsoft.Resources/subscriptions/read",
      "Microsoft.Resources/subscriptions/resourceGroups/read",
    ]
  }
  assignable_scopes = [local.scope]
}

# Reconciliation reads the Activity Log API for what no feed delivered, so that a missed push is still in the digest; lookups read names and tags for messages.
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

# With delivery = event_hub the topic sends to this one hub as itself, which passes the namespace's firewall as a trusted service.
resource "azurerm_role_assignment" "event_hub_sender" {
  count = var.core.delivery == "event_hub" ? 1 : 0

  scope              = var.core.event_hub.id
  role_definition_id = "${local.core_prefix}/${local.roles.event_hubs_data_sender}"
  principal_id       = local.topic.principal_id
  principal_type     = "ServicePrincipal"
}
