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

variable "telemetry" {
  description = "OpenTelemetry collector (OTLP over HTTP) that gets traces and metrics of the app, such as https://collector.example:4318. A key that it asks for goes into Key Vault: OTEL_EXPORTER_OTLP_HEADERS in secret_settings. Null: none."
  type = object({
    endpoint     = string
    service_name = optional(string, "auditbell")
  })
  default = null

  validation {
    condition     = var.telemetry == null || can(regex("^https?://[^\\s/@?#]+(/[^\\s?#]*)?$", var.telemetry.endpoint))
    error_message = "telemetry.endpoint must be an address such as https://collector.example:4318, without user, query and fragment."
  }
  validation {
    condition     = var.telemetry == null || try(startswith(var.telemetry.endpoint, "https://") || !contains(var.secret_settings, "OTEL_EXPORTER_OTLP_HEADERS"), false)
    error_message = "telemetry.endpoint must begin with https:// where secret_settings holds OTEL_EXPORTER_OTLP_HEADERS."
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
