variable "event_delivery_enabled" {
  description = "Whether events are delivered. Null: as soon as the functions are published. False stops delivery."
  type        = bool
  default     = null
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
