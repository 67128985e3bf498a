# Who may do what. Each assignment has the narrowest scope that Azure offers, and says why it is there; README's table is
# made from these comments. Roles go by id: a look-up by name is a call more, and names change.

locals {
  role_prefix = "/subscriptions/${local.subscription_id}/providers/Microsoft.Authorization/roleDefinitions"

  roles = {
    event_hubs_data_receiver                 = "a638d3c7-ab3a-418d-83e6-5f17a39d4fde"
    key_vault_crypto_service_encryption_user = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
    key_vault_secrets_officer                = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
    key_vault_secrets_user                   = "4633458b-17de-408a-b874-0445c86b69e6"
    monitoring_metrics_publisher             = "3913510d-42f4-4e42-8a64-420c390055eb"
    storage_blob_data_owner                  = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
    storage_table_data_contributor           = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"
    communication_and_email_service_owner    = "09976791-48a7-449e-bb21-39d1a415f350"
  }
}

# The Functions host keeps the package, its keys, timer states and leases in this account; leases need ownership.
resource "azurerm_role_assignment" "host_blobs" {
  scope              = azurerm_storage_account.host.id
  role_definition_id = "${local.role_prefix}/${local.roles.storage_blob_data_owner}"
  principal_id       = local.app_principal_id
  principal_type     = "ServicePrincipal"
}

# The Functions host writes its diagnostic events to a table of this account.
resource "azurerm_role_assignment" "host_tables" {
  scope              = azurerm_storage_account.host.id
  role_definition_id = "${local.role_prefix}/${local.roles.storage_table_data_contributor}"
  principal_id       = local.app_principal_id
  principal_type     = "ServicePrincipal"
}

# The app's references to Slack's, Teams' and the webhook's secrets are resolved as the app; it can read values, not list keys or write.
resource "azurerm_role_assignment" "secrets" {
  scope              = local.vault.id
  role_definition_id = "${local.role_prefix}/${local.roles.key_vault_secrets_user}"
  principal_id       = local.app_principal_id
  principal_type     = "ServicePrincipal"
}

# Operators put the secrets in: without this role not even the creator of the vault may.
resource "azurerm_role_assignment" "operators" {
  for_each = var.operator_object_ids

  scope              = local.vault.id
  role_definition_id = "${local.role_prefix}/${local.roles.key_vault_secrets_officer}"
  principal_id       = each.value
}

# Telemetry is written by identity; the connection string alone is worth nothing.
resource "azurerm_role_assignment" "telemetry" {
  scope              = azurerm_application_insights.main.id
  role_definition_id = "${local.role_prefix}/${local.roles.monitoring_metrics_publisher}"
  principal_id       = local.app_principal_id
  principal_type     = "ServicePrincipal"
}

# Writing digests needs less than any built-in role gives: it must not delete, and it reads only to chain the manifests.
resource "azurerm_role_definition" "digest_writer" {
  name        = "Auditbell digest writer ${local.suffix}"
  scope       = local.group.id
  description = "Read and write blobs, without deleting any."

  permissions {
    data_actions = [
      "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
      "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
      "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
    ]
  }
  assignable_scopes = [local.group.id]
}

# The monthly digest is written to its container before it is mailed; the other container of the account is not the app's.
resource "azurerm_role_assignment" "digests" {
  scope              = azurerm_storage_container.digests["home"].id
  role_definition_id = azurerm_role_definition.digest_writer.role_definition_resource_id
  principal_id       = local.app_principal_id
  principal_type     = "ServicePrincipal"
}

# Cosmos DB has roles of its own. The built-in contributor may delete everything; the store may delete notes and nothing else.
resource "azurerm_cosmosdb_sql_role_definition" "store" {
  name                = "auditbell-store"
  role_definition_id  = uuidv5("url", "https://github.com/auditbell/auditbell/store/${local.suffix}")
  resource_group_name = local.group.name
  account_name        = azurerm_cosmosdb_account.main.name
  type                = "CustomRole"
  assignable_scopes   = ["${azurerm_cosmosdb_account.main.id}/dbs/${azurerm_cosmosdb_sql_database.main.name}"]

  permissions {
    data_actions = [
      "Microsoft.DocumentDB/databaseAccounts/readMetadata",
      "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery",
      "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/create",
      "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read",
      "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/replace",
      "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/upsert",
    ]
  }
}

resource "azurerm_cosmosdb_sql_role_definition" "notes" {
  name                = "auditbell-notes"
  role_definition_id  = uuidv5("url", "https://github.com/auditbell/auditbell/notes/${local.suffix}")
  resource_group_name = local.group.name
  account_name        = azurerm_cosmosdb_account.main.name
  type                = "CustomRole"
  assignable_scopes   = ["${azurerm_cosmosdb_account.main.id}/dbs/${azurerm_cosmosdb_sql_database.main.name}"]

  permissions {
    data_actions = ["Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/delete"]
  }
}

# A note that an alert waits for a destination is deleted when the wait is over. Notes are in this container; recorded events and alerts are in others, where the app deletes nothing.
resource "azurerm_cosmosdb_sql_role_assignment" "notes" {
  resource_group_name = local.group.name
  account_name        = azurerm_cosmosdb_account.main.name
  role_definition_id  = azurerm_cosmosdb_sql_role_definition.notes.id
  principal_id        = local.app_principal_id
  scope               = "${azurerm_cosmosdb_account.main.id}/dbs/${azurerm_cosmosdb_sql_database.main.name}/colls/${azurerm_cosmosdb_sql_container.main["rollups"].name}"
}

# The store reads, creates and replaces items in its own database and nowhere else.
resource "azurerm_cosmosdb_sql_role_assignment" "store" {
  resource_group_name = local.group.name
  account_name        = azurerm_cosmosdb_account.main.name
  role_definition_id  = azurerm_cosmosdb_sql_role_definition.store.id
  principal_id        = local.app_principal_id
  scope               = "${azurerm_cosmosdb_account.main.id}/dbs/${azurerm_cosmosdb_sql_database.main.name}"
}

# The app pulls the exported Activity Log from the hub; it can read this hub and send to none.
resource "azurerm_role_assignment" "event_hub" {
  count = local.has_hub ? 1 : 0

  scope              = local.hub.id
  role_definition_id = "${local.role_prefix}/${local.roles.event_hubs_data_receiver}"
  principal_id       = local.app_principal_id
  principal_type     = "ServicePrincipal"
}

# The digest is mailed by identity. Communication Services has no built-in role that only sends; this one is limited to the one resource.
resource "azurerm_role_assignment" "email" {
  count = var.email == null ? 0 : 1

  scope              = azurerm_communication_service.main[0].id
  role_definition_id = "${local.role_prefix}/${local.roles.communication_and_email_service_owner}"
  principal_id       = local.app_principal_id
  principal_type     = "ServicePrincipal"
}
