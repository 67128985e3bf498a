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
  description = "What the app may read in the watched subscriptions: `custom` (the Activity Log, names and tags of subscriptions and resource groups, and the 43 types of resources whose changes are judged by what was asked for, such as role assignments, network security groups and key vaults; no data in them), `monitoring_reader` (built in, reads almost everything: messages also say what the properties of any other resource were before), or `none` (then a grant or an opened port whose record does not say what was asked for is alerted as the gravest that it could be)."
  type        = string
  default     = "custom"

  validation {
    condition     = contains(["custom", "monitoring_reader", "none"], var.reader_role)
    error_message = "reader_role must be custom, monitoring_reader or none."
  }
}
