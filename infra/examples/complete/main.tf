# Everything that can be switched on: a Slack app and Teams, the Event Hub export, mail for the digest, a budget, and
# action groups that prove who they are.
module "auditbell" {
  source = "../.."

  name                   = "auditbell"
  location               = "westeurope"
  tags                   = { team = "security" }
  alert_emails           = var.alert_emails
  event_delivery_enabled = var.event_delivery_enabled
  locks_enabled          = var.locks_enabled

  secret_settings     = ["SLACK_BOT_TOKEN", "TEAMS_WORKFLOW_URL", "WEBHOOK_URL", "WEBHOOK_SECRET"]
  slack_channel       = "#security-alerts"
  operator_object_ids = var.operator_object_ids
  app_settings        = { LOG_LEVEL = "info" }

  secret_delete_query_alert_enabled = true
  secure_webhook = {
    object_id      = "3d9a6b7c-1e2f-4a5b-8c6d-7e8f9a0b1c2d"
    identifier_uri = "api://auditbell-webhook"
  }

  always_ready         = { "function:eventgrid-activity" = 1 }
  max_events_per_batch = 50

  cosmos_throughput_mode          = "autoscale"
  cosmos_autoscale_max_throughput = 2000

  second_region             = "northeurope"
  audit_retention_days      = 2557
  audit_immutability_days   = 730
  archive_immutability_days = 2557
  log_retention_days        = 365

  resource_notifications = ["Resources", "HealthResources"]
  transparency_log       = { name = "auditbell.contoso.com/log" }

  event_hub = { capacity = 1, partition_count = 4 }
  email     = { data_location = "Europe" }
  telemetry = { endpoint = "https://collector.contoso.example:4318" }
  budget = {
    amount     = 100
    start_date = "2026-12-01T00:00:00Z"
    emails     = ["finance@example.com"]
  }
}
