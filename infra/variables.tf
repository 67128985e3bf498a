# Where and what.

variable "name" {
  description = "Short name that every resource's name is made of."
  type        = string
  default     = "auditbell"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,10}$", var.name))
    error_message = "name must be 3 to 11 lower-case letters and digits and start with a letter, because storage account names are made of it."
  }
}

variable "location" {
  description = "Azure region, in its short form. It must offer Flex Consumption: az functionapp list-flexconsumption-locations."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+[0-9]?$", var.location))
    error_message = "location must be a region's short form such as westeurope or eastus2, not its display name."
  }
}

variable "resource_group_name" {
  description = "Name of the resource group that is created for everything; rg-<name> when null."
  type        = string
  default     = null

  validation {
    condition     = var.resource_group_name == null || can(regex("^[A-Za-z0-9_().-]{0,89}[A-Za-z0-9_()-]$", var.resource_group_name))
    error_message = "resource_group_name must be 1 to 90 letters, digits, and _ ( ) . - and must not end with a full stop."
  }
}

variable "resource_group_exists" {
  description = "True: the resource group is there already, is used, and is not removed. resource_group_name must name it, and location must be its region."
  type        = bool
  default     = false

  validation {
    condition     = !var.resource_group_exists || var.resource_group_name != null
    error_message = "resource_group_exists needs resource_group_name."
  }
}

variable "zone_redundant" {
  description = "Spread the app and the store over the zones of the region, where it has zones. A change replaces neither, but Azure may take hours for the store. For the evidence choose audit_replication ZRS or GZRS."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(var.tags) <= 47
    error_message = "tags must leave room for three of ours: Azure allows 50 a resource."
  }
}

# The two stages.

variable "event_delivery_enabled" {
  description = "Whether Event Grid and the action group send events to the functions. Null: as soon as the functions are published, which is read from Azure at each plan. False stops delivery."
  type        = bool
  default     = null
}

variable "functions" {
  description = "Names of the published functions; the folders under functions/ when null."
  type        = set(string)
  default     = null

  validation {
    condition     = var.functions == null || alltrue([for f in coalesce(var.functions, []) : can(regex("^[A-Za-z][A-Za-z0-9_-]{0,127}$", f))])
    error_message = "functions must hold folder names that the Functions host accepts: a letter, then letters, digits, _ and -."
  }
}

# What is watched.

variable "monitor_home_subscription" {
  description = "Watch the subscription that this is deployed to. Others are added with modules/subscription."
  type        = bool
  default     = true
}

variable "existing_system_topic" {
  description = "Event Grid allows one system topic a subscription; name it here when there is one already. principal_id is its system-assigned identity, to which dead letters are granted."
  type = object({
    name                = string
    resource_group_name = string
    principal_id        = string
  })
  default = null

  validation {
    condition     = var.existing_system_topic == null || can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.existing_system_topic.principal_id))
    error_message = "existing_system_topic.principal_id must be the object id of the topic's system-assigned identity: az eventgrid system-topic show --query identity.principalId."
  }
}

variable "ignored_operations" {
  description = "Operations that Event Grid drops before they cost anything. No rule of the library may ring for one of them; a test holds that."
  type        = list(string)
  default = [
    "Microsoft.Resources/deployments/write",
    "Microsoft.Resources/deployments/validate/action",
    "Microsoft.Insights/metricAlerts/evaluate/action",
    "Microsoft.PolicyInsights/policyStates/queryResults/action",
    "Microsoft.ResourceHealth/availabilityStatuses/current/read/action",
  ]

  validation {
    condition     = length(var.ignored_operations) <= 25
    error_message = "ignored_operations may hold 25 names at most: an Event Grid filter takes no more values."
  }
  validation {
    condition     = alltrue([for o in var.ignored_operations : can(regex("^[A-Za-z.]+(/[A-Za-z]+)+/(write|delete|action)$", o))])
    error_message = "ignored_operations must be full operation names that end in write, delete or action, without wildcards."
  }
}

variable "delivery" {
  description = "How Event Grid reaches the app: `function` pushes; `event_hub` goes through an Event Hub that the app pulls from, for apps that nobody may call."
  type        = string
  default     = "function"

  validation {
    condition     = contains(["function", "event_hub"], var.delivery)
    error_message = "delivery must be function or event_hub."
  }
}

variable "max_events_per_batch" {
  description = "Events that Event Grid may put into one delivery."
  type        = number
  default     = 10

  validation {
    condition     = var.max_events_per_batch >= 1 && var.max_events_per_batch <= 5000 && floor(var.max_events_per_batch) == var.max_events_per_batch
    error_message = "max_events_per_batch must be a whole number from 1 to 5000."
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
  description = "What the app may read in the watched subscriptions: `custom` (the Activity Log, names of roles, subscriptions and resource groups, and their tags), `monitoring_reader` (built in, reads almost everything: messages also tell what a resource's properties were before), or `none`."
  type        = string
  default     = "custom"

  validation {
    condition     = contains(["custom", "monitoring_reader", "none"], var.reader_role)
    error_message = "reader_role must be custom, monitoring_reader or none."
  }
}

# The app.

variable "instance_memory_mb" {
  description = "Memory of one instance; the smallest is ample and the cheapest."
  type        = number
  default     = 512

  validation {
    condition     = contains([512, 2048, 4096], var.instance_memory_mb)
    error_message = "instance_memory_mb must be 512, 2048 or 4096: Flex Consumption has no other sizes."
  }
}

variable "maximum_instances" {
  description = "How many instances a storm may start."
  type        = number
  default     = 40

  validation {
    condition     = var.maximum_instances >= 1 && var.maximum_instances <= 1000 && floor(var.maximum_instances) == var.maximum_instances
    error_message = "maximum_instances must be a whole number from 1 to 1000: Flex Consumption accepts nothing else."
  }
}

variable "always_ready" {
  description = "Instances kept warm, by group: `http` or `function:<name>`. None by default: a cold start fits into the 30 seconds that Event Grid waits."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for group, n in var.always_ready : can(regex("^(http|function:[A-Za-z][A-Za-z0-9_-]*)$", group)) && n >= 0 && n <= 20])
    error_message = "always_ready must map http or function:<name> to 0 to 20 instances."
  }
}

variable "custom_runtime_version" {
  description = "Version of the runtime `custom` in Azure's catalogue: az functionapp list-flexconsumption-runtimes --runtime custom. Azure accepts a wrong one and the app then dies at start."
  type        = string
  default     = "1.0"

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+$", var.custom_runtime_version))
    error_message = "custom_runtime_version must be the catalogue's exact text, such as 1.0."
  }
}

variable "inbound_access" {
  description = "Who may call the app: `azure` (Event Grid and action groups), or `any`, which Slack's buttons need."
  type        = string
  default     = "azure"

  validation {
    condition     = contains(["azure", "any"], var.inbound_access)
    error_message = "inbound_access must be azure or any."
  }
}

variable "digest_timestamp_url" {
  description = "Time-stamp authority (RFC 3161) that says when a digest's manifest was there; empty asks none. It gets a hash and nothing else."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(https?://[^\\s/@]+(/\\S*)?)?$", var.digest_timestamp_url))
    error_message = "digest_timestamp_url must be an address such as https://freetsa.org/tsr, or empty."
  }
}

variable "schedules" {
  description = "When the timers run: NCRONTAB with six fields, in UTC. Only those of published functions are used."
  type = object({
    deliver   = optional(string, "*/30 * * * * *")
    rollup    = optional(string, "0 5 * * * *")
    reconcile = optional(string, "0 35 * * * *")
    digest    = optional(string, "0 50 * * * *")
    tenant    = optional(string, "0 */5 * * * *")
    canary    = optional(string, "0 */10 * * * *")
  })
  default = {}

  validation {
    condition     = alltrue([for s in values(var.schedules) : can(regex("^([0-9*/,-]+ ){3}([0-9A-Za-z*/,-]+ ){2}[0-9A-Za-z*/,-]+$", s))])
    error_message = "schedules must be NCRONTAB with six fields, seconds first, such as \"*/30 * * * * *\"."
  }
}

variable "scopes" {
  description = "What is watched above the subscriptions: tenant and managementGroups/NAME. Their own Activity Logs are polled and compared. The app's identity needs Reader at each: docs/onboard.md has the commands."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for s in var.scopes : can(regex("^(tenant|managementGroups/[A-Za-z0-9_().-]{1,90})$", s))])
    error_message = "scopes must be tenant or managementGroups/NAME; subscriptions are watched by modules/subscription and reconciled_subscriptions."
  }
}

variable "groups_exported" {
  description = "Whether modules/tenant exports the management groups' logs to the Event Hub: records that should have come that way and did not are then reported as missed."
  type        = bool
  default     = false
}

variable "reconciled_subscriptions" {
  description = "Further subscriptions whose Activity Log is compared with what arrived: those that call modules/subscription with this module's core. The home subscription is there by itself."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.reconciled_subscriptions : can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", id))])
    error_message = "reconciled_subscriptions must be UUIDs, without /subscriptions/ before them."
  }
}

variable "secret_settings" {
  description = "Names of the settings whose values are in Key Vault. SLACK_BOT_TOKEN is there as the secret slack-bot-token, and so on; you put the values in, so that they are never in the state."
  type        = set(string)

  validation {
    condition     = length(setsubtract(var.secret_settings, ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_WEBHOOK_URL", "TEAMS_WORKFLOW_URL", "WEBHOOK_URL", "WEBHOOK_SECRET", "SMTP_PASSWORD"])) == 0
    error_message = "secret_settings may hold SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, SLACK_WEBHOOK_URL, TEAMS_WORKFLOW_URL, WEBHOOK_URL, WEBHOOK_SECRET and SMTP_PASSWORD."
  }
  validation {
    condition     = length(setintersection(var.secret_settings, ["SLACK_BOT_TOKEN", "SLACK_WEBHOOK_URL", "TEAMS_WORKFLOW_URL", "WEBHOOK_URL"])) > 0 || try(length(var.email.alert_to), 0) > 0 || can(var.app_settings.MAIL_TO)
    error_message = "secret_settings must name at least one destination, SLACK_BOT_TOKEN, SLACK_WEBHOOK_URL, TEAMS_WORKFLOW_URL or WEBHOOK_URL, unless alerts are mailed (email.alert_to). Otherwise nobody would hear the bell."
  }
  validation {
    condition     = !(contains(var.secret_settings, "SLACK_BOT_TOKEN") && contains(var.secret_settings, "SLACK_WEBHOOK_URL"))
    error_message = "secret_settings must not hold both SLACK_BOT_TOKEN and SLACK_WEBHOOK_URL; the token can edit messages, the webhook cannot."
  }
  validation {
    condition     = contains(var.secret_settings, "WEBHOOK_URL") == contains(var.secret_settings, "WEBHOOK_SECRET")
    error_message = "secret_settings must hold WEBHOOK_URL and WEBHOOK_SECRET together: every webhook is signed."
  }
}

variable "slack_channel" {
  description = "Channel that the Slack app posts to; needed with SLACK_BOT_TOKEN."
  type        = string
  default     = null

  validation {
    condition     = var.slack_channel == null || can(regex("^(#[^\\s#]{1,80}|[CG][A-Z0-9]{6,})$", var.slack_channel))
    error_message = "slack_channel must be a name such as #security-alerts or an id such as C0123456789."
  }
}

variable "app_settings" {
  description = "Further settings of the app, by name: those of local.settings.json.example that are no secrets and that nothing here writes, such as LOG_LEVEL."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.app_settings), ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_WEBHOOK_URL", "TEAMS_WORKFLOW_URL", "WEBHOOK_URL", "WEBHOOK_SECRET", "SMTP_PASSWORD", "COSMOS_KEY"])) == 0
    error_message = "app_settings must not hold secrets; name them in secret_settings and put the values into Key Vault."
  }
}

variable "operator_object_ids" {
  description = "Entra object ids of the people or groups who may write the secrets: az ad signed-in-user show --query id."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.operator_object_ids : can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", id))])
    error_message = "operator_object_ids must be Entra object ids (UUIDs), not names or mail addresses."
  }
}

# Alerts.

variable "alert_emails" {
  description = "Addresses that Azure Monitor mails when Auditbell does not work, and beside it when an alert rule fires: the way that does not depend on the app. An empty set needs watch_action_group_ids, or no_outside_watcher."
  type        = set(string)

  validation {
    condition     = alltrue([for a in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", a))])
    error_message = "alert_emails must be mail addresses."
  }
  validation {
    condition     = length(var.alert_emails) + length(var.watch_action_group_ids) > 0 || var.no_outside_watcher
    error_message = "alert_emails must name at least one address: an app that does not run cannot say so itself. Action groups of your own go into watch_action_group_ids; to do without, set no_outside_watcher = true."
  }
}

variable "watch_action_group_ids" {
  description = "Action groups of your own that are called when Auditbell does not work, such as your on-call service's. They must not call this app."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.watch_action_group_ids : can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Insights/actionGroups/[^/]+$", id))])
    error_message = "watch_action_group_ids must be resource ids of action groups."
  }
}

variable "no_outside_watcher" {
  description = "True accepts that no person is notified when the app itself does not work."
  type        = bool
  default     = false
}

variable "category_alerts" {
  description = "Categories of which every event is to reach the app through the action group. Event Grid brings Administrative only, and the fixed rules ServiceHealth; without event_hub this is how the others ring."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.category_alerts, ["Autoscale", "Policy", "Recommendation", "ResourceHealth", "Security"])) == 0
    error_message = "category_alerts may hold Autoscale, Policy, Recommendation, ResourceHealth and Security; Azure has no alert rules for Alert, and the others ring already."
  }
}

variable "secure_webhook" {
  description = "Entra application with which action groups prove who they are: object id of its service principal and its identifier URI. Without it the function key alone guards the webhook. docs/deploy.md shows how to make one."
  type = object({
    object_id      = string
    identifier_uri = string
  })
  default = null

  validation {
    condition     = var.secure_webhook == null || (can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.secure_webhook.object_id)) && can(regex("^(api|https)://", var.secure_webhook.identifier_uri)))
    error_message = "secure_webhook needs object_id, a UUID, and identifier_uri, which starts with api:// or https://."
  }
}

variable "alert_webhook_key" {
  description = "Function key for the action group's webhook. Null: the app's default function key is read once it is published. Either is in the state, because azurerm has no write-only argument for the address."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.alert_webhook_key == null || can(regex("^[A-Za-z0-9_=-]{20,}$", var.alert_webhook_key))
    error_message = "alert_webhook_key must be a function key: 20 or more letters, digits, _, - and =."
  }
}

variable "secret_delete_query_alert_enabled" {
  description = "Also alert on secrets that are deleted through a vault, which the Activity Log does not record: a log query over vaults whose audit logs go to this workspace. Costs about half a dollar a month."
  type        = bool
  default     = false
}

variable "self_watch_alert_enabled" {
  description = "Let Azure Monitor notify `alert_emails` when Auditbell's self-watch logs nothing for six hours, when no run of `deliver` succeeded for 15 minutes, and when every invocation failed for ten. Costs 3.50 dollars a month."
  type        = bool
  default     = true
}

variable "delivery_objective" {
  description = "Service level of deliveries: the share of first messages that a destination accepts within so many seconds of the alert. Two alerts are mailed when it is used up too fast. Null: none, as where quiet hours hold alerts on purpose."
  type = object({
    share   = optional(number, 0.99)
    seconds = optional(number, 300)
  })
  default = {}

  validation {
    condition     = var.delivery_objective == null || try(var.delivery_objective.share > 0 && var.delivery_objective.share < 1 && var.delivery_objective.seconds >= 1, false)
    error_message = "delivery_objective.share must be between 0 and 1, and seconds at least 1."
  }
}

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

# What is optional.

variable "event_hub" {
  description = "Export the Activity Log to an Event Hub too, near real time and in all eight categories. Null: none."
  type = object({
    sku                = optional(string, "Standard")
    capacity           = optional(number, 1)
    partition_count    = optional(number, 2)
    retention_in_hours = optional(number, 24)
  })
  default = null

  validation {
    condition     = var.event_hub == null || contains(["Standard", "Premium"], try(var.event_hub.sku, ""))
    error_message = "event_hub.sku must be Standard or Premium: Basic has no consumer groups."
  }
  validation {
    condition     = var.event_hub == null || try(var.event_hub.partition_count >= 1 && var.event_hub.partition_count <= 32, false)
    error_message = "event_hub.partition_count must be from 1 to 32."
  }
  validation {
    condition     = var.event_hub == null || try(var.event_hub.retention_in_hours >= 1 && var.event_hub.retention_in_hours <= 168, false)
    error_message = "event_hub.retention_in_hours must be from 1 to 168."
  }
}

variable "email" {
  description = "Communication Services with an Azure-managed domain, for digests and, where alert_to is not empty, alerts. Null: none here; another mail server or Microsoft Graph is set in app_settings. data_location is where Microsoft keeps mail data at rest."
  type = object({
    data_location = string
    sender        = optional(string, "auditbell")
    alert_to      = optional(set(string), [])
  })
  default = null

  validation {
    condition     = var.email == null || contains(["Africa", "Asia Pacific", "Australia", "Brazil", "Canada", "Europe", "France", "Germany", "India", "Japan", "Korea", "Norway", "Switzerland", "UAE", "UK", "United States"], try(var.email.data_location, ""))
    error_message = "email.data_location must be one of Africa, Asia Pacific, Australia, Brazil, Canada, Europe, France, Germany, India, Japan, Korea, Norway, Switzerland, UAE, UK, United States."
  }
  validation {
    condition     = var.email == null || can(regex("^[A-Za-z0-9._-]{1,64}$", var.email.sender))
    error_message = "email.sender must be the part of the address before the @."
  }
  validation {
    condition     = var.email == null || alltrue([for a in try(var.email.alert_to, []) : can(regex("^[^@,\\s]+@[^@,\\s]+\\.[^@,\\s]+$", a))])
    error_message = "email.alert_to must be mail addresses."
  }
}

variable "budget" {
  description = "Monthly budget of the resource group, in the subscription's currency. Null: none. start_date is the first of a month."
  type = object({
    amount     = number
    start_date = string
    emails     = set(string)
  })
  default = null

  validation {
    condition     = var.budget == null || try(var.budget.amount > 0 && length(var.budget.emails) > 0, false)
    error_message = "budget.amount must be above 0 and budget.emails must not be empty."
  }
  validation {
    condition     = var.budget == null || can(regex("^20[0-9]{2}-(0[1-9]|1[0-2])-01T00:00:00Z$", var.budget.start_date))
    error_message = "budget.start_date must be the first of a month, such as 2026-12-01T00:00:00Z."
  }
}

variable "network" {
  description = "Private endpoints for storage, Cosmos DB, Key Vault and the Event Hub, and a subnet (delegated to Microsoft.App/environments) through which the app reaches them. With delivery = event_hub, for the app itself too. Null: public endpoints, guarded by Entra ID alone."
  type = object({
    integration_subnet_id = string
    endpoint_subnet_id    = string
    private_dns_zone_ids = object({
      blob      = string
      table     = string
      cosmos    = string
      vault     = string
      event_hub = optional(string)
      sites     = optional(string)
    })
  })
  default = null

  validation {
    condition     = var.network == null || (can(regex("(?i)/subnets/[^/]+$", var.network.integration_subnet_id)) && can(regex("(?i)/subnets/[^/]+$", var.network.endpoint_subnet_id)))
    error_message = "network.integration_subnet_id and network.endpoint_subnet_id must be ids of subnets."
  }
  validation {
    condition     = var.network == null || try(lower(var.network.integration_subnet_id) != lower(var.network.endpoint_subnet_id), false)
    error_message = "network needs two subnets: one that is delegated to the app cannot hold private endpoints."
  }
}

variable "operator_ip_ranges" {
  description = "Public addresses from which operators may reach the key vault although network is set."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for r in var.operator_ip_ranges : can(regex("^([0-9]{1,3}\\.){3}[0-9]{1,3}(/[0-9]{1,2})?$", r))])
    error_message = "operator_ip_ranges must be IPv4 addresses or ranges such as 203.0.113.0/24."
  }
}
