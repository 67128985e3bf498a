# What cannot be made again is protected from deletion. A lock also forbids to delete what is inside: containers, and role
# assignments on them. So it is made after all of these, and goes before any of them.

locals {
  locked = var.locks_enabled ? merge(local.evidence_accounts, {
    cosmos = azurerm_cosmosdb_account.main.id
  }) : {}

  # audit and archive, and with a second region audit-second and archive-second.
  evidence_accounts = merge(
    { for region, a in azurerm_storage_account.audit : region == "home" ? "audit" : "audit-${region}" => a.id },
    { for region, a in azurerm_storage_account.archive : region == "home" ? "archive" : "archive-${region}" => a.id },
  )
}

resource "azurerm_management_lock" "main" {
  for_each = local.locked

  name       = "keep"
  scope      = each.value
  lock_level = "CanNotDelete"
  notes      = "Evidence. Apply with locks_enabled = false before you remove or replace it."

  depends_on = [
    azurerm_cosmosdb_sql_container.main,
    azurerm_cosmosdb_sql_role_assignment.store,
    azurerm_private_endpoint.main,
    azurerm_role_assignment.digests,
    azurerm_storage_container.dead_letters,
    azurerm_storage_container_immutability_policy.digests,
    azurerm_storage_management_policy.audit,
    azurerm_storage_object_replication.digests,
    module.home,
  ]
}
