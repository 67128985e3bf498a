# One app, two watched subscriptions. Each further one is a provider alias, a resource group and a module block.
module "auditbell" {
  source = "../.."

  location               = "westeurope"
  secret_settings        = ["TEAMS_WORKFLOW_URL"]
  operator_object_ids    = var.operator_object_ids
  alert_emails           = var.alert_emails
  event_delivery_enabled = var.event_delivery_enabled
  locks_enabled          = var.locks_enabled

  reconciled_subscriptions = [var.second_subscription_id]
  scopes                   = module.tenant.scopes
}

# The gravest acts happen above subscriptions, in logs of their own.
module "tenant" {
  source = "../../modules/tenant"

  core              = module.auditbell.core
  management_groups = var.management_groups
  read_tenant       = var.read_tenant
}

resource "azurerm_resource_group" "second" {
  provider = azurerm.second

  name     = "rg-auditbell"
  location = "westeurope"
}

module "second" {
  source    = "../../modules/subscription"
  providers = { azurerm = azurerm.second }

  subscription_id     = var.second_subscription_id
  resource_group_name = azurerm_resource_group.second.name
  core                = module.auditbell.core
}
