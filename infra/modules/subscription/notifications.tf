# What resources of the subscription are, and how their health is, for the lookups of an alert (docs/onboard.md). It is
# pushed by system topics of its own, which hold resources' properties and no records. Off by default.

locals {
  notifications = {
    Resources = {
      topic_type = "Microsoft.ResourceNotifications.Resources"
      events     = ["Microsoft.ResourceNotifications.Resources.CreatedOrUpdated", "Microsoft.ResourceNotifications.Resources.Deleted"]
    }
    HealthResources = {
      topic_type = "Microsoft.ResourceNotifications.HealthResources"
      events     = ["Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged", "Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated"]
    }
  }

  notified = { for kind, topic in azurerm_eventgrid_system_topic.notifications : kind => {
    topic               = topic.name
    resource_group_name = topic.resource_group_name
    events              = local.notifications[kind].events
    ignored             = []
    minutes             = 60 # what a resource was yesterday is not looked up, and no record is lost with it
  } }
}

resource "azurerm_eventgrid_system_topic" "notifications" {
  for_each = var.resource_notifications

  name                = "evgt-${lower(each.key)}-${local.name}"
  resource_group_name = var.resource_group_name
  location            = "Global"
  source_resource_id  = local.scope
  topic_type          = local.notifications[each.key].topic_type
  tags                = var.core.tags

  identity {
    type = "SystemAssigned"
  }
}
