variable "event_delivery_enabled" {
  description = "Second stage: true once the functions are published."
  type        = bool
  default     = false
}

variable "operator_object_ids" {
  description = "Who may put the secret in: az ad signed-in-user show --query id."
  type        = set(string)
  default     = []
}

variable "locks_enabled" {
  description = "False takes the locks off, before something is removed."
  type        = bool
  default     = true
}
