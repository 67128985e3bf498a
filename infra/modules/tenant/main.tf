# What lies above subscriptions. The tenant's log and those of management groups are logs of their own: no subscription's
# feed has them. The app polls both kinds; what a group exports besides reaches it within minutes and is kept as evidence.

locals {
  groups = { for name in var.management_groups : name => "/providers/Microsoft.Management/managementGroups/${name}" }

  # A management group's log has these two categories (learn: "Management Group Diagnostic Settings - Create Or Update").
  group_categories = ["Administrative", "Policy"]
}

resource "azurerm_monitor_diagnostic_setting" "group" {
  for_each = var.export_groups ? local.groups : {}

  name                           = "auditbell-activity-log"
  target_resource_id             = each.value
  log_analytics_workspace_id     = var.core.workspace_id
  storage_account_id             = var.core.audit_storage_id
  eventhub_authorization_rule_id = try(var.core.event_hub.authorization_rule_id, null)
  eventhub_name                  = try(var.core.event_hub.name, null)

  dynamic "enabled_log" {
    for_each = local.group_categories
    content {
      category = enabled_log.value
    }
  }
}

# Azure Monitor's own alert rule on the tenant's log: a second way for elevateAccess, beside the poll. It is a preview of
# Microsoft's, and whether it takes the action group of a subscription is not documented: its example has one of the group.
resource "azapi_resource" "elevate_access" {
  count = var.tenant_alerts == null ? 0 : 1

  type      = "Microsoft.AlertsManagement/tenantActivityLogAlerts@2023-04-01-preview"
  name      = "alert-${var.core.name}-elevate-access"
  parent_id = "/providers/Microsoft.Management/managementGroups/${var.tenant_alerts.tenant_id}" # the root group is named as the tenant
  location  = "Global"
  body = {
    properties = {
      description = "A global administrator took the right to administer every subscription."
      enabled     = true
      tenantScope = var.tenant_alerts.tenant_id
      condition = {
        allOf = [
          { field = "category", equals = "Administrative" },
          { field = "operationName", equals = "Microsoft.Authorization/elevateAccess/action" },
        ]
      }
      actions = { actionGroups = [{ actionGroupId = coalesce(var.tenant_alerts.action_group_id, var.core.action_group_id) }] }
    }
  }
  schema_validation_enabled = false # azapi of both generations; the older one does not know the type
}
