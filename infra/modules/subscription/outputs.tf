output "alert_names" {
  description = "Names of the alert rules."
  value       = concat(sort(keys(azurerm_monitor_activity_log_alert.operation)), [azurerm_monitor_activity_log_alert.service_health.name])
}

output "system_topic_name" {
  description = "Name of the Event Grid system topic, new or existing."
  value       = local.topic.name
}

output "categories" {
  description = "Activity Log categories that are exported."
  value       = local.categories
}

output "delivered" {
  description = "Whether events of this subscription are delivered to the app."
  value       = length(azurerm_eventgrid_system_topic_event_subscription.main) > 0
}

output "ignored_operations" {
  description = "Operations that Event Grid drops here."
  value       = var.core.ignored_operations
}

output "system_topic_id" {
  description = "Resource id of the Event Grid system topic, new or existing."
  value       = local.topic_id
}
