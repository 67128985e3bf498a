# The feeds of one subscription. Event Grid is fast and carries what changes resources; the diagnostic setting carries
# all eight categories and is what auditors keep; the alert rules carry what Event Grid does not and satisfy scanners.

locals {
  scope = "/subscriptions/${var.subscription_id}"
  name  = "${var.core.name}-${substr(var.subscription_id, 0, 8)}"

  new_topic = var.existing_system_topic == null
  topic = local.new_topic ? {
    name                = azurerm_eventgrid_system_topic.main[0].name
    resource_group_name = azurerm_eventgrid_system_topic.main[0].resource_group_name
    principal_id        = azurerm_eventgrid_system_topic.main[0].identity[0].principal_id
  } : var.existing_system_topic

  topic_id = "${local.scope}/resourceGroups/${local.topic.resource_group_name}/providers/Microsoft.EventGrid/systemTopics/${local.topic.name}"

  # Writes, deletes and actions through Azure Resource Manager, however they ended; reads are not published (learn:
  # "Azure subscription as an Event Grid source").
  event_types = [
    "Microsoft.Resources.ResourceWriteSuccess",
    "Microsoft.Resources.ResourceWriteFailure",
    "Microsoft.Resources.ResourceWriteCancel",
    "Microsoft.Resources.ResourceDeleteSuccess",
    "Microsoft.Resources.ResourceDeleteFailure",
    "Microsoft.Resources.ResourceDeleteCancel",
    "Microsoft.Resources.ResourceActionSuccess",
    "Microsoft.Resources.ResourceActionFailure",
    "Microsoft.Resources.ResourceActionCancel",
  ]
}

resource "azurerm_eventgrid_system_topic" "main" {
  count = local.new_topic ? 1 : 0

  name                = "evgt-${local.name}"
  resource_group_name = var.resource_group_name
  location            = "Global" # a subscription is nowhere in particular
  source_resource_id  = local.scope
  topic_type          = "Microsoft.Resources.Subscriptions"
  tags                = var.core.tags

  identity {
    type = "SystemAssigned"
  }
}

# What each topic delivers, all in the same way. Nothing is delivered before the functions are published.
locals {
  delivered = merge(local.notified, {
    activity = {
      topic               = local.topic.name
      resource_group_name = local.topic.resource_group_name
      events              = local.event_types
      ignored             = var.core.ignored_operations
      minutes             = 1440 # a day of retries is all that Event Grid offers
    }
  })
}

resource "azurerm_eventgrid_system_topic_event_subscription" "main" {
  for_each = { for name, feed in local.delivered : name => feed if var.core.event_delivery_enabled }

  name                  = "auditbell"
  system_topic          = each.value.topic
  resource_group_name   = each.value.resource_group_name
  event_delivery_schema = "CloudEventSchemaV1_0"
  included_event_types  = each.value.events

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

  dynamic "advanced_filter" {
    for_each = length(each.value.ignored) == 0 ? [] : [each.value.ignored]
    content {
      string_not_in {
        key    = "data.operationName" # compared without regard to case (learn: "Event filtering")
        values = advanced_filter.value
      }
    }
  }

  # What still could not be delivered is kept and never dropped.
  retry_policy {
    event_time_to_live    = each.value.minutes
    max_delivery_attempts = 30
  }
  storage_blob_dead_letter_destination {
    storage_account_id          = var.core.dead_letters.storage_account_id
    storage_blob_container_name = var.core.dead_letters.container_name
  }
  dead_letter_identity {
    type = "SystemAssigned" # only a system-assigned identity passes a storage firewall as a trusted service
  }

  lifecycle {
    precondition {
      condition     = contains(var.core.functions, var.core.delivery == "function" ? "eventgrid-activity" : "eventhub-activity")
      error_message = "the function that events are delivered to is not published: eventgrid-activity for delivery = function, eventhub-activity for delivery = event_hub."
    }
    precondition {
      condition     = var.core.delivery != "event_hub" || var.core.event_hub != null
      error_message = "delivery = event_hub needs an Event Hub: set event_hub = {}."
    }
  }

  # Event Grid tries the dead-letter container when the subscription is made.
  depends_on = [
    azurerm_role_assignment.dead_letters,
    azurerm_role_assignment.event_hub_sender,
    azurerm_role_assignment.notifications_dead_letters,
    azurerm_role_assignment.notifications_sender,
  ]
}

moved {
  from = azurerm_eventgrid_system_topic_event_subscription.activity[0]
  to   = azurerm_eventgrid_system_topic_event_subscription.main["activity"]
}

# All eight categories, to where they are searched and to where they are kept.
resource "azurerm_monitor_diagnostic_setting" "activity_log" {
  name                           = "auditbell-activity-log"
  target_resource_id             = local.scope
  log_analytics_workspace_id     = var.core.workspace_id
  storage_account_id             = var.core.audit_storage_id
  eventhub_authorization_rule_id = try(var.core.event_hub.authorization_rule_id, null)
  eventhub_name                  = try(var.core.event_hub.name, null)

  dynamic "enabled_log" {
    for_each = local.categories
    content {
      category = enabled_log.value
    }
  }
}

# Once more, to the account in the second region: a setting has one account. The Activity Log is of no region, so that any
# account may be named (learn: "Diagnostic settings in Azure Monitor", destinations); a subscription has five settings at most.
resource "azurerm_monitor_diagnostic_setting" "copies" {
  for_each = var.core.audit_copies

  name               = "auditbell-activity-log-${each.key}"
  target_resource_id = local.scope
  storage_account_id = each.value

  dynamic "enabled_log" {
    for_each = local.categories
    content {
      category = enabled_log.value
    }
  }
}

locals {
  # A constant and no variable: an audit log with a category left out is not one.
  categories = [
    "Administrative",
    "Security",
    "ServiceHealth",
    "Alert",
    "Recommendation",
    "Policy",
    "Autoscale",
    "ResourceHealth",
  ]
}
