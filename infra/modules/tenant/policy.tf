# For estates with hundreds of subscriptions: Azure Policy makes the diagnostic setting of each subscription below a group,
# also of those to come. Where there are few, call modules/subscription with for_each, which brings dead letters and the
# alert rules as well.

locals {
  # All eight categories, as modules/subscription exports them.
  subscription_categories = ["Administrative", "Security", "ServiceHealth", "Alert", "Recommendation", "Policy", "Autoscale", "ResourceHealth"]

  policy_groups = var.onboard_by_policy == null ? {} : { for name in var.onboard_by_policy.management_groups : name => "/providers/Microsoft.Management/managementGroups/${name}" }

  setting = {
    type       = "Microsoft.Insights/diagnosticSettings"
    apiVersion = "2021-05-01-preview"
    name       = "auditbell-activity-log"
    properties = merge(
      {
        workspaceId      = var.core.workspace_id
        storageAccountId = var.core.audit_storage_id
        logs             = [for category in local.subscription_categories : { category = category, enabled = true }]
      },
      var.core.event_hub == null ? {} : {
        eventHubAuthorizationRuleId = var.core.event_hub.authorization_rule_id
        eventHubName                = var.core.event_hub.name
      },
    )
  }
}

resource "azurerm_policy_definition" "activity_log" {
  for_each = local.policy_groups

  name                = "auditbell-activity-log-${var.core.suffix}"
  management_group_id = each.value
  policy_type         = "Custom"
  mode                = "All"
  display_name        = "Auditbell: export the Activity Log of each subscription"
  description         = "Makes the diagnostic setting auditbell-activity-log, with all eight categories, where it is missing."

  policy_rule = jsonencode({
    if = { field = "type", equals = "Microsoft.Resources/subscriptions" }
    then = {
      effect = "deployIfNotExists"
      details = {
        type              = "Microsoft.Insights/diagnosticSettings"
        name              = local.setting.name
        existenceScope    = "subscription"
        deploymentScope   = "subscription"
        roleDefinitionIds = ["/providers/Microsoft.Authorization/roleDefinitions/${local.roles.monitoring_contributor}"]
        existenceCondition = {
          field  = "Microsoft.Insights/diagnosticSettings/storageAccountId"
          equals = var.core.audit_storage_id
        }
        deployment = {
          location = var.onboard_by_policy.location
          properties = {
            mode = "incremental"
            template = {
              "$schema"      = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
              contentVersion = "1.0.0.0"
              resources      = [local.setting]
            }
          }
        }
      }
    }
  })
}

resource "azurerm_management_group_policy_assignment" "activity_log" {
  for_each = local.policy_groups

  name                 = "auditbell-${var.core.suffix}" # 24 characters at most
  management_group_id  = each.value
  policy_definition_id = azurerm_policy_definition.activity_log[each.key].id
  display_name         = "Auditbell: export the Activity Log of each subscription"
  location             = var.onboard_by_policy.location

  identity {
    type = "SystemAssigned"
  }
}

# The policy makes diagnostic settings in the subscriptions below the group.
resource "azurerm_role_assignment" "policy" {
  for_each = local.policy_groups

  scope              = local.policy_groups[each.key]
  role_definition_id = "/providers/Microsoft.Authorization/roleDefinitions/${local.roles.monitoring_contributor}"
  principal_id       = azurerm_management_group_policy_assignment.activity_log[each.key].identity[0].principal_id
  principal_type     = "ServicePrincipal"
}

# Who makes a diagnostic setting must be able to list the keys of where it leads (learn: "Diagnostic settings in Azure Monitor"). The evidence accounts take no keys.
resource "azurerm_role_definition" "exporter" {
  count = var.onboard_by_policy == null ? 0 : 1

  name        = "Auditbell exporter ${var.core.suffix}"
  scope       = local.core_group
  description = "Point diagnostic settings at Auditbell's workspace, storage and hub."

  permissions {
    actions = [
      "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
      "Microsoft.Storage/storageAccounts/listKeys/action",
      "Microsoft.EventHub/namespaces/authorizationRules/listkeys/action",
    ]
  }
  assignable_scopes = [local.core_group]
}

locals {
  core_group = join("/", slice(split("/", var.core.audit_storage_id), 0, 5))
}

# The policy's settings lead to the workspace, the evidence account and the hub of this group of resources.
resource "azurerm_role_assignment" "exporter" {
  for_each = local.policy_groups

  scope              = local.core_group
  role_definition_id = azurerm_role_definition.exporter[0].role_definition_resource_id
  principal_id       = azurerm_management_group_policy_assignment.activity_log[each.key].identity[0].principal_id
  principal_type     = "ServicePrincipal"
}
