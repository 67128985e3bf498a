variable "event_delivery_enabled" {
  description = "Second stage: true once the functions are published."
  type        = bool
  default     = false
}

variable "locks_enabled" {
  description = "False takes the locks off, before something is removed."
  type        = bool
  default     = true
}
