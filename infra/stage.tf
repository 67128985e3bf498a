# Which of the two stages this is. It is read from Azure and never remembered: a plain apply, from whatever machine and
# without any argument, neither lets events in too early nor stops them. Event Grid refuses a function that is not
# published, so events are delivered from the first apply after publishing on.
#
# Each look-up is by a name that is known before anything exists, and asks for a list, which is empty where a single
# resource would be an error. The second look-up keeps delivery on while the app is there and lists no function, as it
# does while its host cannot start: the event subscription is then the proof that it was published.

data "azurerm_resources" "app" {
  type = "Microsoft.Web/sites"
  name = local.app_name
}

data "azapi_resource_list" "functions" {
  count = length(data.azurerm_resources.app.resources) > 0 ? 1 : 0

  type                   = "Microsoft.Web/sites/functions@2023-12-01"
  parent_id              = "/subscriptions/${local.subscription_id}/resourceGroups/${local.resource_group_name}/providers/Microsoft.Web/sites/${local.app_name}"
  response_export_values = ["value"]
}

data "azurerm_resources" "topic" {
  type = "Microsoft.EventGrid/systemTopics"
  name = local.home_topic.name
}

data "azapi_resource_list" "event_subscriptions" {
  count = length(data.azurerm_resources.topic.resources) > 0 ? 1 : 0

  type                   = "Microsoft.EventGrid/systemTopics/eventSubscriptions@2022-06-15"
  parent_id              = "/subscriptions/${local.subscription_id}/resourceGroups/${local.home_topic.resource_group_name}/providers/Microsoft.EventGrid/systemTopics/${local.home_topic.name}"
  response_export_values = ["value"]
}

locals {
  # The name that modules/subscription gives it, or the one that was there.
  home_topic = var.existing_system_topic != null ? {
    name                = var.existing_system_topic.name
    resource_group_name = var.existing_system_topic.resource_group_name
    } : {
    name                = "evgt-${var.name}-${substr(local.subscription_id, 0, 8)}"
    resource_group_name = local.resource_group_name
  }

  # azapi 1 gives a data source's answer as JSON text, azapi 2 as an object. Azure lists a function as "app/function".
  listed = { for kind, lists in {
    functions     = data.azapi_resource_list.functions
    subscriptions = data.azapi_resource_list.event_subscriptions
    } : kind => flatten([
      for list in lists : [for item in try(list.output.value, jsondecode(list.output).value, []) : basename(item.name)]
  ]) }

  target    = var.delivery == "function" ? "eventgrid-activity" : "eventhub-activity"
  published = contains(local.listed.functions, local.target)
  delivered = contains(local.listed.subscriptions, "auditbell")

  delivering = coalesce(var.event_delivery_enabled, local.published || local.delivered)
}
