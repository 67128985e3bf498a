# The transparency log's key: Key Vault does not sign with Ed25519, so it wraps the key that does, and the app unwraps it in
# memory. Each use is in the vault's log (keyvault.tf). By Azure Resource Manager, so that an apply needs no right in the vault.

resource "azapi_resource" "log_key" {
  count = var.transparency_log == null ? 0 : 1

  type      = "Microsoft.KeyVault/vaults/keys@2023-07-01"
  name      = "auditbell-log"
  parent_id = local.vault.id
  body = {
    properties = {
      kty     = "RSA"
      keySize = 3072
      keyOps  = ["wrapKey", "unwrapKey"]
    }
  }
}

# The app unwraps the log's key, and can do nothing else with this key than wrap and unwrap.
resource "azurerm_role_assignment" "log_key" {
  count = var.transparency_log == null ? 0 : 1

  scope              = azapi_resource.log_key[0].id
  role_definition_id = "${local.role_prefix}/${local.roles.key_vault_crypto_service_encryption_user}"
  principal_id       = local.app_principal_id
  principal_type     = "ServicePrincipal"
}

# Operators wrap the log's key once, with handler log init.
resource "azurerm_role_assignment" "log_key_operators" {
  for_each = var.transparency_log == null ? [] : var.operator_object_ids

  scope              = azapi_resource.log_key[0].id
  role_definition_id = "${local.role_prefix}/${local.roles.key_vault_crypto_service_encryption_user}"
  principal_id       = each.value
}

locals {
  # Nothing is written before the key is there: the app would report every hour that it cannot log.
  log_settings = try(var.transparency_log.key, null) == null ? {} : {
    TLOG_NAME        = var.transparency_log.name
    TLOG_KEY         = var.transparency_log.key
    TLOG_VAULT_KEY   = var.transparency_log.vault_key
    TLOG_FORMER_KEYS = join(",", var.transparency_log.former_keys)
    TLOG_WITNESSES   = join(",", [for w in var.transparency_log.witnesses : "${w.address} ${w.key}"])
    TLOG_QUORUM      = tostring(var.transparency_log.quorum)
  }
}
