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
    condition     = length(setsubtract(var.secret_settings, ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_WEBHOOK_URL", "TEAMS_WORKFLOW_URL", "WEBHOOK_URL", "WEBHOOK_SECRET", "SMTP_PASSWORD", "OTEL_EXPORTER_OTLP_HEADERS"])) == 0
    error_message = "secret_settings may hold SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, SLACK_WEBHOOK_URL, TEAMS_WORKFLOW_URL, WEBHOOK_URL, WEBHOOK_SECRET, SMTP_PASSWORD and OTEL_EXPORTER_OTLP_HEADERS."
  }
  validation {
    condition     = length(setintersection(var.secret_settings, ["SLACK_BOT_TOKEN", "SLACK_WEBHOOK_URL", "TEAMS_WORKFLOW_URL", "WEBHOOK_URL"])) > 0 || try(length(var.email.alert_to), 0) > 0 || can(var.app_settings.MAIL_TO)
    error_message = "secret_settings must name at least one destination, SLACK_BOT_TOKEN, SLACK_WEBHOOK_URL, TEAMS_WORKFLOW_URL or WEBHOOK_URL, unless alerts are mailed (email.alert_to). Otherwise no alert reaches anybody."
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
    condition     = length(setintersection(keys(var.app_settings), ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_WEBHOOK_URL", "TEAMS_WORKFLOW_URL", "WEBHOOK_URL", "WEBHOOK_SECRET", "SMTP_PASSWORD", "OTEL_EXPORTER_OTLP_HEADERS", "COSMOS_KEY"])) == 0
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
