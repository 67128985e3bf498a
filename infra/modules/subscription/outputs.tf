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
