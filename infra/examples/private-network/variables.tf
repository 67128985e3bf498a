variable "event_delivery_enabled" {
  description = "Second stage: true once the functions are published."
  type        = bool
  default     = false
}

variable "operator_ip_ranges" {
  description = "Public addresses from which the secrets are put in."
  type        = set(string)
  default     = []
}

variable "locks_enabled" {
  description = "False takes the locks off, before something is removed."
  type        = bool
  default     = true
}
