# The least: this subscription, one Slack channel through an incoming webhook, everything else as it comes.
module "auditbell" {
  source = "../.."

  location               = "westeurope"
  secret_settings        = ["SLACK_WEBHOOK_URL"]
  operator_object_ids    = var.operator_object_ids
  alert_emails           = var.alert_emails
  event_delivery_enabled = var.event_delivery_enabled
  locks_enabled          = var.locks_enabled
}
