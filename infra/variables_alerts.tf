# Alerts.

variable "alert_emails" {
  description = "Addresses that Azure Monitor mails when Auditbell does not work, and beside it when an alert rule fires: the way that does not depend on the app. An empty set needs watch_action_group_ids, or no_outside_watcher."
  type        = set(string)

  validation {
    condition     = alltrue([for a in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", a))])
    error_message = "alert_emails must be mail addresses."
  }
  validation {
    condition     = length(var.alert_emails) + length(var.watch_action_group_ids) > 0 || var.no_outside_watcher
    error_message = "alert_emails must name at least one address: an app that does not run cannot say so itself. Action groups of your own go into watch_action_group_ids; to do without, set no_outside_watcher = true."
  }
}

variable "watch_action_group_ids" {
  description = "Action groups of your own that are called when Auditbell does not work, such as your on-call service's. They must not call this app."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.watch_action_group_ids : can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Insights/actionGroups/[^/]+$", id))])
    error_message = "watch_action_group_ids must be resource ids of action groups."
  }
}

variable "no_outside_watcher" {
  description = "True accepts that no person is notified when the app itself does not work."
  type        = bool
  default     = false
}

variable "category_alerts" {
  description = "Categories of which every event is to reach the app through the action group. Event Grid brings Administrative only, and the fixed rules ServiceHealth; without event_hub this is how the others alert."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.category_alerts, ["Autoscale", "Policy", "Recommendation", "ResourceHealth", "Security"])) == 0
    error_message = "category_alerts may hold Autoscale, Policy, Recommendation, ResourceHealth and Security; Azure has no alert rules for Alert, and the others alert already."
  }
}

variable "resource_notifications" {
  description = "Azure Resource Notifications of the home subscription that are delivered too: `Resources` (what resources are after a change) and `HealthResources` (availability of virtual machines), for what alerts look up; they are no records."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.resource_notifications, ["Resources", "HealthResources"])) == 0
    error_message = "resource_notifications may hold Resources and HealthResources."
  }
}

variable "secure_webhook" {
  description = "Entra application with which action groups prove who they are: object id of its service principal and its identifier URI. Without it the function key alone guards the webhook. docs/deploy.md shows how to make one."
  type = object({
    object_id      = string
    identifier_uri = string
  })
  default = null

  validation {
    condition     = var.secure_webhook == null || (can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.secure_webhook.object_id)) && can(regex("^(api|https)://", var.secure_webhook.identifier_uri)))
    error_message = "secure_webhook needs object_id, a UUID, and identifier_uri, which starts with api:// or https://."
  }
}

variable "alert_webhook_key" {
  description = "Function key for the action group's webhook. Null: the app's default function key is read once it is published. Either is in the state, because azurerm has no write-only argument for the address."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.alert_webhook_key == null || can(regex("^[A-Za-z0-9_=-]{20,}$", var.alert_webhook_key))
    error_message = "alert_webhook_key must be a function key: 20 or more letters, digits, _, - and =."
  }
}

variable "secret_delete_query_alert_enabled" {
  description = "Also alert on secrets that are deleted through a vault, which the Activity Log does not record: a log query over vaults whose audit logs go to this workspace. Costs 1.50 dollars a month."
  type        = bool
  default     = false
}

variable "self_watch_alert_enabled" {
  description = "Let Azure Monitor notify `alert_emails` when Auditbell's self-watch logs nothing for six hours, when no run of `deliver` succeeded for 15 minutes, and when every invocation failed for ten. Costs 3.50 dollars a month."
  type        = bool
  default     = true
}

variable "delivery_objective" {
  description = "Service level of deliveries: the share of first messages that a destination accepts within so many seconds of the alert. Two alerts are mailed when it is used up too fast. Null: none, as where quiet hours hold alerts on purpose."
  type = object({
    share   = optional(number, 0.99)
    seconds = optional(number, 300)
  })
  default = {}

  validation {
    condition     = var.delivery_objective == null || try(var.delivery_objective.share > 0 && var.delivery_objective.share < 1 && var.delivery_objective.seconds >= 1, false)
    error_message = "delivery_objective.share must be between 0 and 1, and seconds at least 1."
  }
}
