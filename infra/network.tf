# With var.network: the app leaves through a subnet and reaches storage, Cosmos DB, Key Vault and the Event Hub through
# private endpoints. Event Grid and action groups cannot call a private endpoint. So either the app keeps an entrance that
# only these two may use (delivery = function), or it pulls from the Event Hub (delivery = event_hub): then the app has no
# public entrance, no webhook is set up, and it is published from inside the network, through an endpoint of its own.

locals {
  # Whether Azure's services can call the app.
  reachable = !(local.private && var.delivery == "event_hub")

  endpoints = local.private ? merge(
    {
      host-blob    = { id = azurerm_storage_account.host.id, subresource = "blob", zone = var.network.private_dns_zone_ids.blob }
      host-table   = { id = azurerm_storage_account.host.id, subresource = "table", zone = var.network.private_dns_zone_ids.table }
      archive-blob = { id = azurerm_storage_account.archive["home"].id, subresource = "blob", zone = var.network.private_dns_zone_ids.blob }
      cosmos       = { id = azurerm_cosmosdb_account.main.id, subresource = "Sql", zone = var.network.private_dns_zone_ids.cosmos }
      vault        = { id = local.vault.id, subresource = "vault", zone = var.network.private_dns_zone_ids.vault }
    },
    local.reachable ? {} : {
      sites = { id = azapi_resource.function_app.id, subresource = "sites", zone = var.network.private_dns_zone_ids.sites }
    },
    var.event_hub == null ? {} : {
      event-hub = { id = azurerm_eventhub_namespace.main[0].id, subresource = "namespace", zone = var.network.private_dns_zone_ids.event_hub }
    },
  ) : {}
}

resource "azurerm_private_endpoint" "main" {
  for_each = local.endpoints

  name                = "pe-${var.name}-${each.key}"
  resource_group_name = local.group.name
  location            = local.group.location
  subnet_id           = var.network.endpoint_subnet_id
  tags                = local.tags

  private_service_connection {
    name                           = each.key
    private_connection_resource_id = each.value.id
    subresource_names              = [each.value.subresource]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "default"
    private_dns_zone_ids = [each.value.zone]
  }

  lifecycle {
    precondition {
      condition     = each.value.zone != null
      error_message = "network.private_dns_zone_ids lacks a zone: event_hub (privatelink.servicebus.windows.net) is needed with event_hub, sites (privatelink.azurewebsites.net) with delivery = \"event_hub\"."
    }
  }
}
