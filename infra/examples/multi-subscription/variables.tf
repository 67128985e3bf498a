variable "event_delivery_enabled" {
  description = "Whether events are delivered. Null: as soon as the functions are published. False stops delivery."
  type        = bool
  default     = null
}

variable "second_subscription_id" {
  description = "The other subscription to watch."
  type        = string
}

variable "operator_object_ids" {
  description = "Who may put the secrets in: az ad signed-in-user show --query id."
  type        = set(string)
  default     = []
}

variable "locks_enabled" {
  description = "False takes the locks off, before something is removed."
  type        = bool
  default     = true
}

variable "alert_emails" {
  description = "Addresses that Azure Monitor mails when Auditbell does not work."
  type        = set(string)
}

variable "management_groups" {
  description = "Names of management groups whose own Activity Logs are watched."
  type        = set(string)
  default     = []
}

variable "read_tenant" {
  description = "Whether this apply may give the app the right to read the tenant's log: only a Global Administrator with elevated access can."
  type        = bool
  default     = false
}
