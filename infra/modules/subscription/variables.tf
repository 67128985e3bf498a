variable "subscription_id" {
  description = "Subscription to watch; the one that the azurerm provider given to this module is for."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.subscription_id))
    error_message = "subscription_id must be a UUID, without /subscriptions/ before it."
  }
}

variable "resource_group_name" {
  description = "Resource group of the watched subscription that holds the system topic and the alert rules; both must be in the subscription that they watch."
  type        = string
}

variable "core" {
  description = "Output `core` of the module that made the app."
  type = object({
    name                   = string
    suffix                 = string
    functions              = set(string)
    function_app_id        = string
    app_principal_id       = string
    event_delivery_enabled = bool
    delivery               = string
    workspace_id           = string
    audit_storage_id       = string
    audit_copies           = optional(map(string), {})
    dead_letters = object({
      storage_account_id = string
      container_id       = string
      container_name     = string
    })
    action_group_id        = string
    watch_action_group_ids = list(string)
    ignored_operations     = list(string)
    event_hub = optional(object({
      id                    = string
      name                  = string
      authorization_rule_id = string
    }))
    tags = map(string)
  })
}

variable "existing_system_topic" {
  description = "The subscription's system topic when it has one already: Event Grid allows no second one."
  type = object({
    name                = string
    resource_group_name = string
    principal_id        = string
  })
  default = null
}

variable "max_events_per_batch" {
  description = "Events that Event Grid may put into one delivery."
  type        = number
  default     = 10

  validation {
    condition     = var.max_events_per_batch >= 1 && var.max_events_per_batch <= 5000
    error_message = "max_events_per_batch must be from 1 to 5000."
  }
}

variable "preferred_batch_kilobytes" {
  description = "Size at which Event Grid sends a batch although it has room for more events."
  type        = number
  default     = 64

  validation {
    condition     = var.preferred_batch_kilobytes >= 1 && var.preferred_batch_kilobytes <= 1024
    error_message = "preferred_batch_kilobytes must be from 1 to 1024."
  }
}

variable "reader_role" {
  description = "What the app may read here: `custom` (the Activity Log, names and tags of subscriptions and resource groups, and the types of resources whose changes are judged by what was asked for), `monitoring_reader`, or `none`."
  type        = string
  default     = "custom"

  validation {
    condition     = contains(["custom", "monitoring_reader", "none"], var.reader_role)
    error_message = "reader_role must be custom, monitoring_reader or none."
  }
}

variable "category_alerts" {
  description = "Categories of which every event is to reach the app through the action group. Event Grid brings Administrative only, and the fixed rules ServiceHealth; without an Event Hub this is how the others alert."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.category_alerts, ["Autoscale", "Policy", "Recommendation", "ResourceHealth", "Security"])) == 0
    error_message = "category_alerts may hold Autoscale, Policy, Recommendation, ResourceHealth and Security; Azure has no alert rules for Alert, and the others alert already."
  }
}

variable "resource_notifications" {
  description = "Azure Resource Notifications that are delivered too: `Resources` (what resources are after a change) and `HealthResources` (availability of virtual machines), for what alerts look up; they are no records."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.resource_notifications, ["Resources", "HealthResources"])) == 0
    error_message = "resource_notifications may hold Resources and HealthResources."
  }
}
