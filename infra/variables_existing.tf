# What others made.

variable "existing_workspace" {
  description = "Log Analytics workspace to use instead of one of our own: its resource id and its workspace (customer) id. Its retention and access stay as they are."
  type = object({
    id          = string
    customer_id = string
  })
  default = null

  validation {
    condition     = var.existing_workspace == null || can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.OperationalInsights/workspaces/[^/]+$", var.existing_workspace.id))
    error_message = "existing_workspace.id must be the resource id of a Log Analytics workspace."
  }
}

variable "existing_key_vault" {
  description = "Key vault to use instead of one of our own; it must use Azure roles. Its logs and its network stay as they are."
  type = object({
    id        = string
    vault_uri = string
  })
  default = null

  validation {
    condition     = var.existing_key_vault == null || can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.KeyVault/vaults/[^/]+$", var.existing_key_vault.id))
    error_message = "existing_key_vault.id must be the resource id of a key vault."
  }
}

variable "existing_event_hub" {
  description = "Event Hub to use instead of one of our own: its resource id, the namespace's authorization rule that diagnostic settings name, and a consumer group that only the app reads. Its network stays as it is, private endpoints included."
  type = object({
    id                    = string
    authorization_rule_id = string
    consumer_group        = string
  })
  default = null

  validation {
    condition     = var.existing_event_hub == null || can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.EventHub/namespaces/[^/]+/eventhubs/[^/]+$", var.existing_event_hub.id))
    error_message = "existing_event_hub.id must be the resource id of an Event Hub, not of its namespace."
  }
  validation {
    condition     = var.existing_event_hub == null || try(lower(var.existing_event_hub.authorization_rule_id) != "" && startswith(lower(var.existing_event_hub.authorization_rule_id), "${lower(split("/eventhubs/", var.existing_event_hub.id)[0])}/authorizationrules/"), false)
    error_message = "existing_event_hub.authorization_rule_id must be a rule of the same namespace: Azure Monitor takes no rule of a single hub."
  }
  validation {
    condition     = var.existing_event_hub == null || try(!contains(["", "$default"], lower(var.existing_event_hub.consumer_group)), false)
    error_message = "existing_event_hub.consumer_group must be a group of the app's own: two readers of $Default take each other's events."
  }
  validation {
    condition     = var.existing_event_hub == null || var.event_hub == null
    error_message = "existing_event_hub and event_hub exclude each other."
  }
}

variable "existing_identity" {
  description = "User-assigned managed identity for the app, whose rights then outlive the app. Null: the app has an identity of its own."
  type = object({
    id           = string
    client_id    = string
    principal_id = string
  })
  default = null

  validation {
    condition     = var.existing_identity == null || can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.ManagedIdentity/userAssignedIdentities/[^/]+$", var.existing_identity.id))
    error_message = "existing_identity.id must be the resource id of a user-assigned managed identity."
  }
}
