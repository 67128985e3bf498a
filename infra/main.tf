# Auditbell in one subscription: a function app that rings, what it needs, and what feeds it. Each concern has a file of
# its own; what is made once per watched subscription is in modules/subscription.

data "azurerm_client_config" "current" {}

locals {
  subscription_id = data.azurerm_client_config.current.subscription_id
  tenant_id       = data.azurerm_client_config.current.tenant_id

  # Six characters that make global names unique and stay the same from apply to apply.
  suffix = substr(sha256("${local.subscription_id}/${var.name}/${var.location}"), 0, 6)

  tags = merge(var.tags, { app = "auditbell" })

  # The functions that are published are the folders of functions/: nothing below refers to one that is not there.
  functions = var.functions != null ? var.functions : toset([
    for f in fileset("${path.module}/../functions", "*/function.json") : dirname(f)
  ])

  private = var.network != null

  resource_group_name = coalesce(var.resource_group_name, "rg-${var.name}")
}

# What others made and we may use is named by a variable; then nothing is made, changed or removed of it.
resource "azurerm_resource_group" "main" {
  count = var.resource_group_exists ? 0 : 1

  name     = local.resource_group_name
  location = var.location
  tags     = local.tags
}

moved {
  from = azurerm_resource_group.main
  to   = azurerm_resource_group.main[0]
}

locals {
  group = {
    name     = var.resource_group_exists ? local.resource_group_name : azurerm_resource_group.main[0].name
    location = var.location
    id       = var.resource_group_exists ? "/subscriptions/${local.subscription_id}/resourceGroups/${local.resource_group_name}" : azurerm_resource_group.main[0].id
  }
}
