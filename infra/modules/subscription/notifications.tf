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

resource "azurerm_eventgrid_system_topic_event_subscription" "notifications" {
  for_each = var.core.event_delivery_enabled ? var.resource_notifications : []

  name                  = "auditbell"
  system_topic          = azurerm_eventgrid_system_topic.notifications[each.key].name
  resource_group_name   = var.resource_group_name
  event_delivery_schema = "CloudEventSchemaV1_0"
  included_event_types  = local.notifications[each.key].events

  dynamic "azure_function_endpoint" {
    for_each = var.core.delivery == "function" ? ["eventgrid-activity"] : []
    content {
      function_id                       = "${var.core.function_app_id}/functions/eventgrid-activity"
      max_events_per_batch              = var.max_events_per_batch
      preferred_batch_size_in_kilobytes = var.preferred_batch_kilobytes
    }
  }

  eventhub_id = var.core.delivery == "event_hub" ? try(var.core.event_hub.id, null) : null

  dynamic "delivery_identity" {
    for_each = var.core.delivery == "event_hub" ? ["SystemAssigned"] : []
    content {
      type = delivery_identity.value
    }
  }

  retry_policy {
    event_time_to_live    = 60 # minutes: what a resource was yesterday is not looked up, and no record is lost with it
    max_delivery_attempts = 30
  }
  storage_blob_dead_letter_destination {
    storage_account_id          = var.core.dead_letters.storage_account_id
    storage_blob_container_name = var.core.dead_letters.container_name
  }
  dead_letter_identity {
    type = "SystemAssigned"
  }

  depends_on = [
    azurerm_role_assignment.notifications_dead_letters,
    azurerm_role_assignment.notifications_sender,
  ]
}
