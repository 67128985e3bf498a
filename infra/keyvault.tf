# Slack's, Teams' and the webhook's secrets. The vault is made here and its values are not: whoever holds a secret puts
# it in (output secret_commands), so that it is never in the state, in a variable or in a plan.

locals {
  # SLACK_BOT_TOKEN -> slack-bot-token: Key Vault's names have no underscores.
  secret_names = { for s in var.secret_settings : s => lower(replace(s, "_", "-")) }
}

resource "azurerm_key_vault" "main" {
  count = var.existing_key_vault == null ? 1 : 0

  name                = "kv-${var.name}-${local.suffix}"
  resource_group_name = local.group.name
  location            = local.group.location
  tenant_id           = local.tenant_id
  sku_name            = "standard"
  tags                = local.tags

  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = !local.private || length(var.operator_ip_ranges) > 0

  network_acls {
    default_action = local.private ? "Deny" : "Allow"
    bypass         = "AzureServices"
    ip_rules       = var.operator_ip_ranges
  }
}

moved {
  from = azurerm_key_vault.main
  to   = azurerm_key_vault.main[0]
}

locals {
  vault = var.existing_key_vault != null ? {
    id        = var.existing_key_vault.id
    name      = basename(var.existing_key_vault.id)
    vault_uri = var.existing_key_vault.vault_uri
    } : {
    id        = azurerm_key_vault.main[0].id
    name      = azurerm_key_vault.main[0].name
    vault_uri = azurerm_key_vault.main[0].vault_uri
  }
}

# Who read or deleted which secret. The Activity Log does not say: that is a call to the vault, not to Azure.
moved {
  from = azurerm_monitor_diagnostic_setting.key_vault
  to   = azurerm_monitor_diagnostic_setting.key_vault[0]
}

resource "azurerm_monitor_diagnostic_setting" "key_vault" {
  count = var.existing_key_vault == null ? 1 : 0

  name                       = "audit"
  target_resource_id         = local.vault.id
  log_analytics_workspace_id = local.workspace.id

  enabled_log {
    category = "AuditEvent"
  }
}
