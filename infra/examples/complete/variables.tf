variable "event_delivery_enabled" {
  description = "Whether events are delivered. Null: as soon as the functions are published. False stops delivery."
  type        = bool
  default     = null
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
