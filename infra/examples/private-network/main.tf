# Storage, Cosmos DB and Key Vault behind private endpoints; the app reaches them through a subnet of its own. Its own
# entrance stays, for Event Grid and action groups alone, because Event Grid cannot call a private endpoint.
locals {
  location = "westeurope"
  zones = {
    blob   = "privatelink.blob.core.windows.net"
    table  = "privatelink.table.core.windows.net"
    cosmos = "privatelink.documents.azure.com"
    vault  = "privatelink.vaultcore.azure.net"
  }
}

resource "azurerm_resource_group" "network" {
  name     = "rg-auditbell-network"
  location = local.location
}

resource "azurerm_virtual_network" "main" {
  name                = "vnet-auditbell"
  resource_group_name = azurerm_resource_group.network.name
  location            = local.location
  address_space       = ["10.20.0.0/24"]
}

resource "azurerm_subnet" "app" {
  name                            = "snet-app"
  resource_group_name             = azurerm_resource_group.network.name
  virtual_network_name            = azurerm_virtual_network.main.name
  address_prefixes                = ["10.20.0.0/26"]
  default_outbound_access_enabled = true # Slack and Teams are outside; put a NAT gateway here to fix the address

  delegation {
    name = "flex-consumption"
    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "endpoints" {
  name                            = "snet-endpoints"
  resource_group_name             = azurerm_resource_group.network.name
  virtual_network_name            = azurerm_virtual_network.main.name
  address_prefixes                = ["10.20.0.64/26"]
  default_outbound_access_enabled = false
}

resource "azurerm_private_dns_zone" "main" {
  for_each = local.zones

  name                = each.value
  resource_group_name = azurerm_resource_group.network.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "main" {
  for_each = azurerm_private_dns_zone.main

  name                = "vnet-auditbell"
  private_dns_zone_id = each.value.id
  virtual_network_id  = azurerm_virtual_network.main.id
}

module "auditbell" {
  source = "../.."

  location               = local.location
  secret_settings        = ["SLACK_BOT_TOKEN"]
  slack_channel          = "C0123456789"
  operator_ip_ranges     = var.operator_ip_ranges
  operator_object_ids    = var.operator_object_ids
  alert_emails           = var.alert_emails
  event_delivery_enabled = var.event_delivery_enabled
  locks_enabled          = var.locks_enabled

  network = {
    integration_subnet_id = azurerm_subnet.app.id
    endpoint_subnet_id    = azurerm_subnet.endpoints.id
    # By way of the links: the names must resolve before the host starts.
    private_dns_zone_ids = { for k, link in azurerm_private_dns_zone_virtual_network_link.main : k => link.private_dns_zone_id }
  }
}
