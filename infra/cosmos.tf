# The store: what was seen, what rang, and the digest's sums. Databases and containers are made here and never by the
# app, whose identity may not. containers.json is the one description that the store and the stand-ins read as well.

locals {
  cosmos     = jsondecode(file("${path.module}/containers.json"))
  containers = { for c in local.cosmos.containers : c.name => c }
  serverless = var.cosmos_throughput_mode == "serverless"
}

resource "azurerm_cosmosdb_account" "main" {
  name                = "cosmos-${var.name}-${local.suffix}"
  resource_group_name = local.group.name
  location            = local.group.location
  tags                = local.tags

  offer_type                         = "Standard"
  kind                               = "GlobalDocumentDB"
  local_authentication_enabled       = false # no account key works
  access_key_metadata_writes_enabled = false
  minimal_tls_version                = "Tls12"
  public_network_access_enabled      = !local.private

  # An alert is claimed by one conditional write. With several write regions two instances could both win.
  multiple_write_locations_enabled = false
  automatic_failover_enabled       = false

  consistency_policy {
    consistency_level = "Session"
  }
  geo_location {
    location          = local.group.location
    failover_priority = 0
    zone_redundant    = var.zone_redundant
  }
  dynamic "geo_location" {
    for_each = var.second_region == null || local.serverless ? [] : [var.second_region]
    content {
      location          = geo_location.value # read only, until a person makes it the write region
      failover_priority = 1
    }
  }
  backup {
    type = "Continuous"
    tier = "Continuous7Days" # the tier that costs nothing
  }

  dynamic "capabilities" {
    for_each = local.serverless ? ["EnableServerless"] : []
    content {
      name = capabilities.value
    }
  }
}

resource "azurerm_cosmosdb_sql_database" "main" {
  name                = local.cosmos.database
  resource_group_name = local.group.name
  account_name        = azurerm_cosmosdb_account.main.name
}

resource "azurerm_cosmosdb_sql_container" "main" {
  for_each = local.containers

  name                  = each.value.name
  resource_group_name   = local.group.name
  account_name          = azurerm_cosmosdb_account.main.name
  database_name         = azurerm_cosmosdb_sql_database.main.name
  partition_key_paths   = [each.value.partition_key_path]
  partition_key_version = 2
  default_ttl           = each.value.default_ttl_seconds

  dynamic "autoscale_settings" {
    for_each = local.serverless ? [] : [var.cosmos_autoscale_max_throughput]
    content {
      max_throughput = autoscale_settings.value
    }
  }

  indexing_policy {
    indexing_mode = "consistent"

    dynamic "included_path" {
      for_each = each.value.included_paths
      content {
        path = included_path.value
      }
    }
    dynamic "excluded_path" {
      for_each = each.value.excluded_paths
      content {
        path = excluded_path.value
      }
    }
  }
}
