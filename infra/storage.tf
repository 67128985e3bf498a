# Three accounts, because three parties write to them: the Functions host, Azure Monitor, and the app. None has a key
# that works.

locals {
  # Without a network of ours the app comes from addresses that nobody can list, so the host's and the archive's
  # firewalls stay open and Entra ID alone decides.
  app_storage_default_action = local.private ? "Deny" : "Allow"

  # Metrics is without effect while everything is allowed. It is there because azurerm 5.2 reads a rule that only has
  # Azure's defaults as no rule at all, and every plan would then add it again (storage_account_helpers_network.go).
  app_storage_bypass = local.private ? ["AzureServices"] : ["AzureServices", "Metrics"]

  # Where evidence is kept. What the second region has is in second_region.tf.
  evidence_regions = merge({ home = local.group.location }, var.second_region == null ? {} : { second = var.second_region })
}

# What the Functions host keeps: the published package, timer states and leases.
resource "azurerm_storage_account" "host" {
  name                = "st${var.name}host${local.suffix}"
  resource_group_name = local.group.name
  location            = local.group.location
  tags                = local.tags

  account_tier                      = "Standard"
  account_replication_type          = "LRS" # all of it is made anew by publishing
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  local_user_enabled                = false
  allow_nested_items_to_be_public   = false
  public_network_access_enabled     = true # the rules below decide; trusted services need the switch
  cross_tenant_replication_enabled  = false
  infrastructure_encryption_enabled = true

  network_rules {
    default_action = local.app_storage_default_action
    bypass         = local.app_storage_bypass
  }
}

resource "azurerm_storage_container" "package" {
  name                  = "package"
  storage_account_id    = azurerm_storage_account.host.id
  container_access_type = "private"
}

# Where the Activity Log is exported to, for auditors. Nobody but Azure Monitor writes here, and it comes in as a
# trusted service, so the firewall is shut.
resource "azurerm_storage_account" "audit" {
  for_each = local.evidence_regions

  name                = "st${var.name}${each.key == "home" ? "audit" : "aud2"}${local.suffix}"
  resource_group_name = local.group.name
  location            = each.value
  tags                = merge(local.tags, { Purpose = "Audit Logs", Compliance = "Required" })

  account_tier                      = "Standard"                                         # diagnostic settings do not write to premium accounts
  account_replication_type          = each.key == "home" ? var.audit_replication : "LRS" # the second one is a copy
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  local_user_enabled                = false
  allow_nested_items_to_be_public   = false
  public_network_access_enabled     = true # the rules below decide; trusted services need the switch
  cross_tenant_replication_enabled  = false
  infrastructure_encryption_enabled = true

  blob_properties {
    versioning_enabled = true # immutability of single blobs needs it

    delete_retention_policy {
      days = var.audit_soft_delete_days
    }
    container_delete_retention_policy {
      days = 90
    }
  }

  # Exported logs are append blobs that grow for an hour, hence the protected appends. Azure refuses an account whose
  # policy is Locked from the start; locking is a second apply, and for ever.
  immutability_policy {
    state                         = var.audit_immutability_state
    period_since_creation_in_days = var.audit_immutability_days
    allow_protected_append_writes = true
  }

  network_rules {
    default_action = "Deny"
    bypass         = ["AzureServices"]
  }

  lifecycle {
    precondition {
      condition     = var.audit_retention_days >= var.audit_immutability_days
      error_message = "audit_retention_days must not be shorter than audit_immutability_days: until the latter are over nothing can be deleted."
    }
    precondition {
      condition     = var.audit_immutability_state != "Locked" || local.delivering
      error_message = "audit_immutability_state = \"Locked\" comes last, because it cannot be undone: apply with event_delivery_enabled = true and see a message arrive first."
    }
  }
}

moved {
  from = azurerm_storage_account.audit
  to   = azurerm_storage_account.audit["home"]
}

resource "azurerm_storage_management_policy" "audit" {
  for_each = azurerm_storage_account.audit

  storage_account_id = each.value.id

  rule {
    name    = "delete-after-retention"
    enabled = true

    filters {
      blob_types = ["appendBlob", "blockBlob"]
    }
    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = var.audit_retention_days
      }
      version {
        delete_after_days_since_creation = var.audit_retention_days
      }
    }
  }
}

moved {
  from = azurerm_storage_management_policy.audit
  to   = azurerm_storage_management_policy.audit["home"]
}

# What the app hands to auditors, and the events that Event Grid could not deliver.
resource "azurerm_storage_account" "archive" {
  for_each = local.evidence_regions

  name                = "st${var.name}${each.key == "home" ? "arch" : "arc2"}${local.suffix}"
  resource_group_name = local.group.name
  location            = each.value
  tags                = local.tags

  account_tier                      = "Standard"
  account_replication_type          = each.key == "home" ? var.audit_replication : "LRS" # the second one is a copy
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  local_user_enabled                = false
  allow_nested_items_to_be_public   = false
  public_network_access_enabled     = true # the rules below decide; trusted services need the switch
  cross_tenant_replication_enabled  = false
  infrastructure_encryption_enabled = true

  # Digests are copied from versions that the change feed names (learn: "Object replication for block blobs").
  blob_properties {
    versioning_enabled  = var.second_region != null
    change_feed_enabled = var.second_region != null && each.key == "home"

    delete_retention_policy {
      days = 30
    }
    container_delete_retention_policy {
      days = 90
    }
  }

  network_rules {
    default_action = local.app_storage_default_action
    bypass         = local.app_storage_bypass # Event Grid's dead letters come in by the topic's system-assigned identity
  }
}

moved {
  from = azurerm_storage_account.archive
  to   = azurerm_storage_account.archive["home"]
}

resource "azurerm_storage_container" "digests" {
  for_each = azurerm_storage_account.archive

  name                  = "digests"
  storage_account_id    = each.value.id
  container_access_type = "private"
}

moved {
  from = azurerm_storage_container.digests
  to   = azurerm_storage_container.digests["home"]
}

# A digest is written once and never again; so no appends.
resource "azurerm_storage_container_immutability_policy" "digests" {
  for_each = azurerm_storage_container.digests

  storage_container_resource_manager_id = each.value.id
  immutability_period_in_days           = var.archive_immutability_days
  protected_append_writes_enabled       = false
  locked                                = var.archive_immutability_locked

  lifecycle {
    precondition {
      condition     = !var.archive_immutability_locked || local.delivering
      error_message = "archive_immutability_locked = true comes last, because it cannot be undone: apply with event_delivery_enabled = true and see a message arrive first."
    }
  }
}

moved {
  from = azurerm_storage_container_immutability_policy.digests
  to   = azurerm_storage_container_immutability_policy.digests["home"]
}

resource "azurerm_storage_container" "dead_letters" {
  name                  = "dead-letters"
  storage_account_id    = azurerm_storage_account.archive["home"].id
  container_access_type = "private"
}
