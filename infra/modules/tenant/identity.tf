# What the app may do above subscriptions. README's table is made from these comments.

locals {
  roles = {
    eventgrid_eventsubscription_contributor = "428e0ff0-5e57-4d9c-a221-2c70d0e0a443"
    monitoring_contributor                  = "749f88d5-cbae-40b8-bcfc-e573ddc772fa"
    reader                                  = "acdd72a7-3385-48ef-bd42-f606fba81ae7" # built in: a custom role cannot be assigned at the tenant
  }
}

# Monitoring Reader and Reader read nearly everything below a group. This reads the group's Activity Log, and which role was
# assigned: the types of handler/lookup/readable.go that can be in a group.
resource "azurerm_role_definition" "group_reader" {
  for_each = local.groups

  name        = "Auditbell Activity Log reader ${var.core.suffix} ${each.key}"
  scope       = each.value
  description = "Read the Activity Log, policies, role definitions and role assignments of a management group."

  permissions {
    actions = [
      "Microsoft.Insights/eventtypes/values/read",
      "Microsoft.Management/managementGroups/read",

      "Microsoft.Authorization/policyAssignments/read",
      "Microsoft.Authorization/policyDefinitions/read",
      "Microsoft.Authorization/policySetDefinitions/read",
      "Microsoft.Authorization/roleAssignments/read",
      "Microsoft.Authorization/roleAssignmentScheduleRequests/read",
      "Microsoft.Authorization/roleDefinitions/read",
      "Microsoft.Authorization/roleEligibilityScheduleRequests/read",
    ]
  }
  assignable_scopes = [each.value]
}

# The app polls the group's log every five minutes and compares it hour by hour: no feed pushes all of it.
resource "azurerm_role_assignment" "group_reader" {
  for_each = local.groups

  scope              = local.groups[each.key]
  role_definition_id = azurerm_role_definition.group_reader[each.key].role_definition_resource_id
  principal_id       = var.core.app_principal_id
  principal_type     = "ServicePrincipal"
}

# The app polls the tenant's log, where elevateAccess is written. The scope holds that log and no resources. Only a Global
# Administrator with elevated access can give this, once.
resource "azurerm_role_assignment" "tenant_reader" {
  count = var.read_tenant ? 1 : 0

  scope              = "/providers/Microsoft.Insights"
  role_definition_id = "/providers/Microsoft.Authorization/roleDefinitions/${local.roles.reader}"
  principal_id       = var.core.app_principal_id
  principal_type     = "ServicePrincipal"
}
