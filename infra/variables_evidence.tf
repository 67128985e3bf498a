# What is kept.

variable "transparency_log" {
  description = "The log that hours and digests go into. With the name alone the vault gets the key auditbell-log; `handler log init` wraps a key with it and prints key and vault_key, which a second apply gives to the app (docs/verify.md). Null keeps no log."
  type = object({
    name        = string
    key         = optional(string)
    vault_key   = optional(string)
    former_keys = optional(list(string), [])
    witnesses   = optional(list(object({ address = string, key = string })), [])
    quorum      = optional(number, 0)
  })
  default = null

  validation {
    condition     = var.transparency_log == null || try((var.transparency_log.key == null) == (var.transparency_log.vault_key == null), false)
    error_message = "transparency_log needs both key and vault_key, or neither."
  }
  validation {
    condition     = var.transparency_log == null || try(var.transparency_log.quorum >= 0 && var.transparency_log.quorum <= length(var.transparency_log.witnesses), false)
    error_message = "transparency_log.quorum must not exceed the number of witnesses."
  }
}

variable "cosmos_throughput_mode" {
  description = "`serverless` (pay per request; fits to a few million events a month) or `autoscale`. A change replaces the account."
  type        = string
  default     = "serverless"

  validation {
    condition     = contains(["serverless", "autoscale"], var.cosmos_throughput_mode)
    error_message = "cosmos_throughput_mode must be serverless or autoscale."
  }
}

variable "cosmos_autoscale_max_throughput" {
  description = "Upper limit of each container, in RU/s, with cosmos_throughput_mode = autoscale."
  type        = number
  default     = 1000

  validation {
    condition     = var.cosmos_autoscale_max_throughput >= 1000 && var.cosmos_autoscale_max_throughput % 1000 == 0
    error_message = "cosmos_autoscale_max_throughput must be a multiple of 1000, at least 1000."
  }
}

variable "audit_replication" {
  description = "Replication of the audit storage account."
  type        = string
  default     = "GRS"

  validation {
    condition     = contains(["LRS", "ZRS", "GRS", "RAGRS", "GZRS", "RAGZRS"], var.audit_replication)
    error_message = "audit_replication must be LRS, ZRS, GRS, RAGRS, GZRS or RAGZRS."
  }
}

variable "second_region" {
  description = "Region that keeps the evidence a second time, in its short form: the Activity Log is exported to an account there too, digests are copied, and with cosmos_throughput_mode = autoscale the store has a read region there. For regions without a pair, and where the pair is not the region that you want. Null: audit_replication alone."
  type        = string
  default     = null

  validation {
    condition     = var.second_region == null || can(regex("^[a-z]+[0-9]?$", var.second_region))
    error_message = "second_region must be a region's short form such as northeurope."
  }
  validation {
    condition     = var.second_region == null || var.second_region != var.location
    error_message = "second_region must be another region than location."
  }
}

variable "audit_immutability_state" {
  description = "State of the audit account's immutability policy. Create it `Unlocked`; Azure refuses `Locked` at creation. LOCKING CANNOT BE UNDONE: neither the policy nor, until its period is over, the blobs can be removed by anyone, Microsoft included. `Disabled` is for trials."
  type        = string
  default     = "Unlocked"

  validation {
    condition     = contains(["Disabled", "Unlocked", "Locked"], var.audit_immutability_state)
    error_message = "audit_immutability_state must be Disabled, Unlocked or Locked."
  }
}

variable "audit_immutability_days" {
  description = "How long an exported log cannot be changed or deleted."
  type        = number
  default     = 365

  validation {
    condition     = var.audit_immutability_days >= 1 && var.audit_immutability_days <= 146000
    error_message = "audit_immutability_days must be from 1 to 146000."
  }
}

variable "audit_retention_days" {
  description = "When an exported log is deleted."
  type        = number
  default     = 730

  validation {
    condition     = var.audit_retention_days >= 1 && var.audit_retention_days <= 146000
    error_message = "audit_retention_days must be from 1 to 146000."
  }
}

variable "audit_soft_delete_days" {
  description = "How long a deleted blob of the audit account can be brought back."
  type        = number
  default     = 365

  validation {
    condition     = var.audit_soft_delete_days >= 1 && var.audit_soft_delete_days <= 365
    error_message = "audit_soft_delete_days must be from 1 to 365."
  }
}

variable "archive_immutability_days" {
  description = "How long an archived digest cannot be changed or deleted."
  type        = number
  default     = 365

  validation {
    condition     = var.archive_immutability_days >= 1 && var.archive_immutability_days <= 146000
    error_message = "archive_immutability_days must be from 1 to 146000."
  }
}

variable "archive_immutability_locked" {
  description = "Lock the digest archive's policy. THIS CANNOT BE UNDONE: the period can then only be made longer, and the storage account cannot be deleted before the last digest's period is over."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Retention of the Log Analytics workspace. The first 90 days of AzureActivity are free."
  type        = number
  default     = 90

  validation {
    condition     = var.log_retention_days >= 30 && var.log_retention_days <= 730
    error_message = "log_retention_days must be from 30 to 730."
  }
}

variable "evidence_access_logs" {
  description = "Log who reads, writes and deletes evidence: blobs of the audit and archive accounts, items of the Cosmos DB account. cosmos is a row for each request of the app too; docs/cost.md says what that costs."
  type = object({
    storage = optional(bool, true)
    cosmos  = optional(bool, true)
  })
  default = {}
}

variable "locks_enabled" {
  description = "Protect the audit storage, the archive and the Cosmos DB account from deletion. Switch it off before you replace or remove anything in them."
  type        = bool
  default     = true
}
