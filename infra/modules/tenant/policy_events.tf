# Event Grid for the same subscriptions: the same policy for the event subscription, so that what changes resources arrives within
# seconds and not with the export. A policy can make neither a topic's identity nor its rights, so that nothing of it is kept as
# dead letters: the hub, which the export above fills, and the hourly comparison have what Event Grid could not deliver.

locals {
  # With delivery = event_hub Event Grid would send as a system topic's identity, which is not there.
  event_groups = try(var.core.delivery == "function" && var.core.event_delivery_enabled && contains(var.core.functions, "eventgrid-activity"), false) ? local.policy_groups : {}

  # As modules/subscription has them; for each what was done, and how it ended.
  event_types = [for one in setproduct(["Write", "Delete", "Action"], ["Success", "Failure", "Cancel"]) : "Microsoft.Resources.Resource${one[0]}${one[1]}"]

  event_subscription = {
    type       = "Microsoft.EventGrid/eventSubscriptions"
    apiVersion = "2022-06-15"
    name       = "auditbell"
    properties = {
      destination = {
        endpointType = "AzureFunction"
        properties = {
          resourceId                    = "${var.core.function_app_id}/functions/eventgrid-activity"
          maxEventsPerBatch             = 10
          preferredBatchSizeInKilobytes = 64
        }
      }
      eventDeliverySchema = "CloudEventSchemaV1_0"
      filter = {
        includedEventTypes = local.event_types
        advancedFilters    = length(var.core.ignored_operations) == 0 ? [] : [{ operatorType = "StringNotIn", key = "data.operationName", values = var.core.ignored_operations }]
      }
      retryPolicy = { eventTimeToLiveInMinutes = 1440, maxDeliveryAttempts = 30 }
    }
  }
}

resource "azurerm_policy_definition" "events" {
  for_each = local.event_groups

  name                = "auditbell-events-${var.core.suffix}"
  management_group_id = each.value
  policy_type         = "Custom"
  mode                = "All"
  display_name        = "Auditbell: send the events of each subscription"
  description         = "Makes the Event Grid subscription auditbell, to the function eventgrid-activity, where it is missing."

  policy_rule = jsonencode({
    if = { field = "type", equals = "Microsoft.Resources/subscriptions" }
    then = {
      effect = "deployIfNotExists"
      details = {
        type              = local.event_subscription.type
        name              = local.event_subscription.name # what it is to be found by; no alias for its destination is documented
        existenceScope    = "subscription"
        deploymentScope   = "subscription"
        roleDefinitionIds = ["/providers/Microsoft.Authorization/roleDefinitions/${local.roles.eventgrid_eventsubscription_contributor}"]
        deployment = {
          location = var.onboard_by_policy.location
          properties = {
            mode = "incremental"
            template = {
              "$schema"      = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
              contentVersion = "1.0.0.0"
              resources      = [local.event_subscription]
            }
          }
        }
      }
    }
  })
}

resource "azurerm_management_group_policy_assignment" "events" {
  for_each = local.event_groups

  name                 = "auditbell-ev-${var.core.suffix}" # 24 characters at most
  management_group_id  = each.value
  policy_definition_id = azurerm_policy_definition.events[each.key].id
  display_name         = "Auditbell: send the events of each subscription"
  location             = var.onboard_by_policy.location

  identity {
    type = "SystemAssigned"
  }
}

# The policy makes event subscriptions in the subscriptions below the group.
resource "azurerm_role_assignment" "events" {
  for_each = local.event_groups

  scope              = local.policy_groups[each.key]
  role_definition_id = "/providers/Microsoft.Authorization/roleDefinitions/${local.roles.eventgrid_eventsubscription_contributor}"
  principal_id       = azurerm_management_group_policy_assignment.events[each.key].identity[0].principal_id
  principal_type     = "ServicePrincipal"
}

# Who subscribes a handler that is no webhook must be able to write it (learn: "Authorizing access to Event Grid resources").
resource "azurerm_role_definition" "subscriber" {
  count = length(local.event_groups) == 0 ? 0 : 1

  name        = "Auditbell subscriber ${var.core.suffix}"
  scope       = local.core_group
  description = "Have Event Grid call Auditbell's functions."

  permissions {
    actions = [
      "Microsoft.Web/sites/functions/read",
      "Microsoft.Web/sites/functions/write",
    ]
  }
  assignable_scopes = [local.core_group]
}

# The policy's event subscriptions call a function of this app, and no other.
resource "azurerm_role_assignment" "subscriber" {
  for_each = local.event_groups

  scope              = var.core.function_app_id
  role_definition_id = azurerm_role_definition.subscriber[0].role_definition_resource_id
  principal_id       = azurerm_management_group_policy_assignment.events[each.key].identity[0].principal_id
  principal_type     = "ServicePrincipal"
}
