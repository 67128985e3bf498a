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
    action_group_id        = string
    ignored_operations     = list(string)
    event_hub = optional(object({
      name                  = string
      authorization_rule_id = string
    }))
  })
}

variable "management_groups" {
  description = "Names of management groups whose own Activity Logs are watched. A group's log does not hold those of the subscriptions below it."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.management_groups : can(regex("^[A-Za-z0-9_().-]{1,90}$", name))])
    error_message = "management_groups must hold names, such as contoso, without /providers/Microsoft.Management/managementGroups/ before them."
  }
}

variable "read_tenant" {
  description = "Whether the app may read the tenant's own Activity Log. Only a Global Administrator with elevated access can give that right; false leaves it to the commands of docs/onboard.md."
  type        = bool
  default     = true
}

variable "export_groups" {
  description = "Whether the logs of the management groups are exported to the workspace, the evidence account and the hub, beside the poll."
  type        = bool
  default     = true
}

variable "tenant_alerts" {
  description = "Azure Monitor's own alert rule for elevateAccess, a preview of Microsoft's; null makes none. Its action group is the app's unless another is named, such as one of the root group."
  type = object({
    tenant_id       = string
    action_group_id = optional(string)
  })
  default = null

  validation {
    condition     = var.tenant_alerts == null || can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.tenant_alerts.tenant_id))
    error_message = "tenant_alerts.tenant_id must be a UUID."
  }
}

variable "onboard_by_policy" {
  description = "Management groups below which Azure Policy makes the diagnostic setting and the Event Grid subscription of every subscription, and the region of the deployments; null assigns no policy."
  type = object({
    management_groups = set(string)
    location          = string
  })
  default = null

  validation {
    condition     = var.onboard_by_policy == null || try(length(var.onboard_by_policy.management_groups) > 0, false)
    error_message = "onboard_by_policy.management_groups must name at least one group."
  }
}
